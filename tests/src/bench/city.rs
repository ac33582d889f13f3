//! Nodes as processes, and what their operators and systems do before a measurement.

use crate::{
    catalogue,
    data::{MATTER_CODE, Requests, TYPE_CODE},
    network, pki,
    process::{Memory, Server},
    province::{Node, PROVINCE, Province},
};
use anyhow::{Context, Result, bail};
use exchange_proto::v1::{
    Certificate, CertificateType, GetCertificateTypeRequest, GetMatterRequest, ImplementationState,
    IssueCertificateRequest, PublishCertificateTypeRequest, PublishImplementationRequest, PublishMatterRequest,
    Verdict, VerifyCertificateRequest, catalogue_service_client::CatalogueServiceClient,
    certificate_service_client::CertificateServiceClient, lookup_service_client::LookupServiceClient,
    verify_certificate_request::Certificate as Target,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tonic::{Code, Status, transport::Channel};

/// Longest wait until one city has what another one said.
const WITHIN: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

/// A running node.
#[derive(Debug)]
pub(crate) struct City<'a> {
    /// As it was prepared.
    pub(crate) node: &'a Node,
    server: Server,
}

/// Starts all nodes of a province.
pub(crate) fn start(province: &Province) -> Result<Vec<City<'_>>> {
    let arguments = |node: &Node| ["__node".into(), "--config".into(), node.config.clone().into_os_string()];
    province.nodes.values().map(|node| Ok(City { node, server: Server::start(arguments(node))? })).collect()
}

/// The city of a region among those that run.
pub(crate) fn of<'a, 'b>(cities: &'b [City<'a>], region: &str) -> Result<&'b City<'a>> {
    cities.iter().find(|city| city.node.region == region).with_context(|| format!("no node of {region} runs"))
}

impl City<'_> {
    /// Connections of its system.
    pub(crate) async fn connect(&self, count: usize) -> Result<Vec<Channel>> {
        let tls = pki::client(&self.node.folder, "system")?;
        network::connect_all(count, self.server.address, &self.node.server_name, &tls).await
    }

    /// What its process holds.
    pub(crate) fn memory(&self) -> Result<Memory> {
        self.server.memory()
    }

    /// The catalogue, as its operator.
    async fn operator(&self) -> Result<CatalogueServiceClient<Channel>> {
        let tls = pki::client(&self.node.folder, "operator")?;
        let channel = network::connect(self.server.address, &self.node.server_name, tls).await?;
        Ok(CatalogueServiceClient::new(channel))
    }

    async fn publish_type(&self) -> Result<()> {
        self.publish_types(&[catalogue::certificate_type(self.node.department.clone())]).await
    }

    /// Publishes types, as its operator. Waits until it takes writes: it compares its log with the other nodes first.
    pub(crate) async fn publish_types(&self, types: &[CertificateType]) -> Result<()> {
        for one in types {
            self.publish_one_type(one).await?;
        }
        Ok(())
    }

    async fn publish_one_type(&self, one: &CertificateType) -> Result<()> {
        let request_id = request_id();
        let certificate_type = Some(one.clone());
        let client = self.operator().await?;
        eventually("the province takes no writes", async || {
            let request = PublishCertificateTypeRequest {
                request_id: request_id.clone(),
                certificate_type: certificate_type.clone(),
                validate_only: false,
            };
            settled(client.clone().publish_certificate_type(request).await)
        })
        .await
    }

    async fn publish_matter(&self) -> Result<()> {
        let request =
            PublishMatterRequest { request_id: request_id(), matter: Some(catalogue::matter()), validate_only: false };
        self.operator().await?.publish_matter(request).await?;
        Ok(())
    }

    async fn publish_implementation(&self) -> Result<()> {
        let request_id = request_id();
        let implementation = catalogue::implementation(self.node.region, self.node.department.clone());
        let client = self.operator().await?;
        eventually("the matter did not reach the city", async || {
            let request = PublishImplementationRequest {
                request_id: request_id.clone(),
                implementation: Some(implementation.clone()),
                validate_only: false,
            };
            settled(client.clone().publish_implementation(request).await)
        })
        .await
    }

    /// Waits until it has applied the certificate type.
    async fn knows_type(&self) -> Result<()> {
        let client = self.operator().await?;
        eventually("the certificate type did not reach the city", async || {
            let request = GetCertificateTypeRequest { type_code: TYPE_CODE.to_owned(), version: 0 };
            settled(client.clone().get_certificate_type(request).await)
        })
        .await
    }

    /// Waits until it has applied a region's implementation.
    async fn knows_implementation(&self, region: &str) -> Result<()> {
        let client = self.operator().await?;
        eventually("the implementation did not reach the city", async || {
            let request =
                GetMatterRequest { matter_code: MATTER_CODE.to_owned(), version: 0, region: region.to_owned() };
            match client.clone().get_matter(request).await {
                Ok(view) => Ok(view.get_ref().implementation_state() == ImplementationState::InForce),
                Err(status) => settled::<()>(Err(status)),
            }
        })
        .await
    }

    /// Issues certificates, 64 at a time, and gives requests and answers.
    pub(crate) async fn issue(
        &self,
        requests: &Arc<Requests>,
        count: usize,
    ) -> Result<Vec<(IssueCertificateRequest, Certificate)>> {
        const AT_ONCE: usize = 64;
        let channel = self.connect(1).await?.remove(0);
        let mut tasks = Vec::new();
        for worker in 0..AT_ONCE {
            let (mut client, requests) = (CertificateServiceClient::new(channel.clone()), Arc::clone(requests));
            let share = count / AT_ONCE + usize::from(worker < count % AT_ONCE);
            tasks.push(tokio::spawn(async move {
                let mut issued = Vec::with_capacity(share);
                for _ in 0..share {
                    let request = requests.issue()?;
                    let answer = client.issue_certificate(request.clone()).await?.into_inner();
                    issued.push((request, answer));
                }
                anyhow::Ok(issued)
            }));
        }
        let mut issued = Vec::with_capacity(count);
        for task in tasks {
            issued.extend(task.await??);
        }
        Ok(issued)
    }

    /// Waits until it has a certificate in its index.
    pub(crate) async fn knows_certificate(&self, id: &str) -> Result<()> {
        let client = LookupServiceClient::new(self.connect(1).await?.remove(0));
        eventually("the certificate did not reach the city", async || {
            let certificate = Some(Target::CertificateId(id.to_owned()));
            let request = VerifyCertificateRequest { certificate, on_day: None };
            let found = client.clone().verify_certificate(request).await?.into_inner();
            Ok(found.verdict() != Verdict::NotFound)
        })
        .await
    }
}

/// Publishes type and matter, and the implementation of one region, and waits until every city has them.
pub(crate) async fn publish(cities: &[City<'_>], responsible: Option<&str>) -> Result<()> {
    let province = of(cities, PROVINCE)?;
    province.publish_type().await?;
    if let Some(region) = responsible {
        province.publish_matter().await?;
        of(cities, region)?.publish_implementation().await?;
    }
    for city in cities {
        city.knows_type().await?;
        if let Some(region) = responsible {
            city.knows_implementation(region).await?;
        }
    }
    Ok(())
}

/// Done, not yet, or never?
fn settled<T>(answer: Result<T, Status>) -> Result<bool> {
    match answer {
        Ok(_) => Ok(true),
        Err(status) if matches!(status.code(), Code::NotFound | Code::Unavailable | Code::FailedPrecondition) => {
            Ok(false)
        }
        Err(status) => Err(status.into()),
    }
}

async fn eventually(otherwise: &str, attempt: impl AsyncFn() -> Result<bool>) -> Result<()> {
    let end = Instant::now() + WITHIN;
    while !attempt().await? {
        if Instant::now() > end {
            bail!("{otherwise} within {} s", WITHIN.as_secs());
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

fn request_id() -> String {
    uuid::Uuid::now_v7().to_string()
}
