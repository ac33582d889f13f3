//! Calls of clients, and what becomes of them. A client that got no answer asks again with the same request.

use crate::world::*;
use exchange_core::reason::Reason;
use exchange_node::{
    peers::wire::{Link, Wire},
    practice::{Client, OPERATOR, SYSTEM},
};
use exchange_proto::v1::{
    self, catalogue_service_client::CatalogueServiceClient, certificate_service_client::CertificateServiceClient,
    document_service_client::DocumentServiceClient, fetch_response::Part, lookup_service_client::LookupServiceClient,
};
use prost::Message;
use std::time::Duration;
use tonic::Status;
use tonic_types::StatusExt;

/// Longest wait of a client for one answer.
const PATIENCE: Duration = Duration::from_secs(4);

/// What a client wants.
#[derive(Debug, Clone)]
pub(super) enum Request {
    Issue(v1::IssueCertificateRequest),
    Revise(v1::ReviseCertificateRequest),
    Change(v1::ChangeStatusRequest),
    LookUp(v1::LookupCertificateRequest),
    Fetch(v1::FetchRequest),
    Find(v1::FindCertificatesRequest),
    Publish(v1::PublishImplementationRequest),
}

/// What a client heard.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "one at a time, and most are the large one")]
pub(super) enum Outcome {
    /// It is done; with the certificate that it came to.
    Done(Option<Certificate>),
    /// It will not be done.
    Refused(String),
    /// No answer, or one that says to ask again.
    Unknown(String),
}

/// Reasons that an answer spoiled between two nodes has, and those that pass when a city has caught up.
const PASSING: [Reason; 6] = [
    Reason::AnswerInvalid,
    Reason::QuestionProofInvalid,
    Reason::NotGenuine,
    Reason::MessageUndecodable,
    Reason::CertificateNotFound,
    Reason::MatterUnknown,
];

impl Outcome {
    fn of(status: &Status) -> Self {
        let details = status.get_error_details();
        let Some(info) = details.error_info() else { return Self::Unknown(status.to_string()) };
        match Reason::from_code(&info.reason) {
            Some(reason) if !reason.info().retryable && !PASSING.contains(&reason) => {
                Self::Refused(info.reason.clone())
            }
            _ => Self::Unknown(status.message().to_owned()),
        }
    }
}

impl Request {
    /// Makes the call and takes note of its answer.
    pub(super) async fn send(&self, world: &World, at: &str) -> Outcome {
        self.send_as(world, at, &self.client(world, at)).await
    }

    /// The credential that it is made with.
    pub(super) fn client(&self, world: &World, at: &str) -> Client {
        let name = if matches!(self, Self::Publish(_)) { OPERATOR } else { SYSTEM };
        world.practice.client(region(at), name)
    }

    /// As [`Request::send`], by another way or as somebody else.
    pub(super) async fn send_as(&self, world: &World, at: &str, client: &Client) -> Outcome {
        let call = async {
            match exchange_node::practice::connect(client).await {
                Ok(channel) => {
                    self.over(world, at, Wire::new(channel, world.faults.clone(), Link::new(CLIENT, at))).await
                }
                Err(error) => Outcome::Unknown(error.to_string()),
            }
        };
        tokio::time::timeout(PATIENCE, call).await.unwrap_or_else(|_| Outcome::Unknown("no answer in time".to_owned()))
    }

    pub(super) async fn over(&self, world: &World, at: &str, wire: Wire) -> Outcome {
        let done = |certificate| Outcome::Done(certificate);
        match self {
            Self::Issue(request) => {
                match CertificateServiceClient::new(wire).issue_certificate(request.clone()).await {
                    Ok(answer) => {
                        world.told(at, request, answer.get_ref());
                        done(Some(answer.into_inner()))
                    }
                    Err(status) => Outcome::of(&status),
                }
            }
            Self::Revise(request) => {
                match CertificateServiceClient::new(wire).revise_certificate(request.clone()).await {
                    Ok(answer) => {
                        let body = v1::ReviseCertificateRequest { request_id: String::new(), ..request.clone() };
                        world.told_body(at, &request.request_id, &body.encode_to_vec(), answer.get_ref());
                        done(Some(answer.into_inner()))
                    }
                    Err(status) => Outcome::of(&status),
                }
            }
            Self::Change(request) => match CertificateServiceClient::new(wire).change_status(request.clone()).await {
                Ok(answer) => {
                    world.told_changed(at, request);
                    done(Some(answer.into_inner()))
                }
                Err(status) => Outcome::of(&status),
            },
            Self::LookUp(request) => match LookupServiceClient::new(wire).lookup_certificate(request.clone()).await {
                Ok(answer) => {
                    world.told_answer(request.question.as_ref().unwrap(), answer.get_ref());
                    done(answer.into_inner().certificate)
                }
                Err(status) => Outcome::of(&status),
            },
            Self::Fetch(request) => match file(DocumentServiceClient::new(wire), request.clone()).await {
                Ok(described) => {
                    world.told_file(request.question.as_ref().unwrap(), &described);
                    done(None)
                }
                Err(status) => Outcome::of(&status),
            },
            Self::Find(request) => match LookupServiceClient::new(wire).find_certificates(request.clone()).await {
                Ok(_) => done(None),
                Err(status) => Outcome::of(&status),
            },
            Self::Publish(request) => {
                match CatalogueServiceClient::new(wire).publish_implementation(request.clone()).await {
                    Ok(_) => done(None),
                    Err(status) => Outcome::of(&status),
                }
            }
        }
    }
}

/// All of a file, or none of it.
async fn file(mut client: DocumentServiceClient<Wire>, request: v1::FetchRequest) -> Result<v1::FetchedFile, Status> {
    let mut parts = client.fetch(request).await?.into_inner();
    let (mut described, mut length) = (None, 0);
    while let Some(message) = parts.message().await? {
        match message.part {
            Some(Part::File(file)) => described = Some(file),
            Some(Part::Chunk(chunk)) => length += chunk.len() as u64,
            None => return Err(Status::unavailable("an empty part")),
        }
    }
    described.filter(|file| file.length == length).ok_or_else(|| Status::unavailable("the file is cut"))
}

/// Who a client is on a link.
pub(super) const CLIENT: &str = "client";
