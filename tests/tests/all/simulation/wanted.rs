//! What clients want next: drafts, changes and questions about what they were told of.

use super::{
    drive::{Known, Simulation},
    operation::{Code, pick},
    request::Request,
};
use crate::world::*;
use exchange_node::catalogue::{Item, file};
use exchange_proto::v1::{self, Relation, Status};
use std::path::Path;

impl Simulation {
    /// The draft that a certificate was issued from, under its request id.
    pub(super) fn draft(&self, subject: usize) -> v1::IssueCertificateRequest {
        self.known[subject].draft.clone()
    }

    fn next(&mut self) -> u32 {
        self.sequence += 1;
        self.sequence
    }

    pub(super) fn licence(&mut self, at: Code) -> Request {
        Request::Issue(licence(at, self.next()))
    }

    /// One file of its own, and one that other certificates have too.
    pub(super) fn licence_with_files(&mut self, at: Code) -> Request {
        let sequence = self.next();
        let length = 1 + usize::try_from(self.lot.below(150_000)).unwrap();
        let own = file("application/ofd", &vec![u8::try_from(sequence % 251).unwrap(); length]);
        let common = file("image/png", b"an invented picture");
        Request::Issue(v1::IssueCertificateRequest { files: vec![own, common], ..licence(at, sequence) })
    }

    pub(super) async fn issue_deed(&mut self, at: Code) {
        let sequence = self.next();
        let canary = usize::try_from(sequence).unwrap() % 2;
        let files = vec![file("application/ofd", &vec![7; 100_000])];
        let draft = v1::IssueCertificateRequest { files, ..deed(at, &Person::new(canary, sequence)) };
        self.call(at, Request::Issue(draft), None).await;
    }

    /// A certificate of a city that nothing is under way for.
    pub(super) fn subject(&mut self, at: Code, fits: impl Fn(&Known) -> bool) -> Option<usize> {
        let free = |one: &Known| one.at == at && !one.busy && !one.replaced && fits(one);
        let all: Vec<usize> = (0..).zip(&self.known).filter(|(_, one)| free(one)).map(|(at, _)| at).collect();
        (!all.is_empty()).then(|| pick(&mut self.lot, &all))
    }

    pub(super) async fn revise(&mut self, at: Code) {
        let Some(subject) = self.subject(at, |one| !one.revoked) else { return };
        let Known { certificate, draft, .. } = &self.known[subject];
        let request = v1::ReviseCertificateRequest {
            request_id: request_id(),
            previous: certificate.certificate_id.clone(),
            issued_on: draft.issued_on,
            fields: draft.fields.clone(),
            files: draft.files.clone(),
            ..Default::default()
        };
        self.call(at, Request::Revise(request), Some(subject)).await;
    }

    pub(super) async fn change_status(&mut self, at: Code) {
        let Some(subject) = self.subject(at, |one| one.owner.is_none()) else { return };
        let number = format!("样例〔2026〕{}号", self.next());
        let Known { certificate, revoked, .. } = &self.known[subject];
        let to = if *revoked { Status::Active } else { Status::Revoked };
        let request = v1::ChangeStatusRequest { restoring: *revoked, ..change(certificate, to, &number) };
        self.call(at, Request::Change(request), Some(subject)).await;
    }

    pub(super) async fn publish(&mut self, at: Code) {
        if self.pending.iter().any(|one| one.at == at && matches!(one.request, Request::Publish(_))) {
            return;
        }
        let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/sample/catalogue");
        let items = file::read(&samples.join(format!("implementations-{at}.json"))).unwrap();
        let first = items.iter().find(|item| matches!(item, Item::Implementation(_))).unwrap();
        let version = self.published.get(at).copied().unwrap_or(1) + 1;
        let implementation = Some(v1::Implementation { version, ..implementation(first) });
        let request =
            v1::PublishImplementationRequest { request_id: request_id(), implementation, validate_only: false };
        self.call(at, Request::Publish(request), None).await;
    }

    /// A question about a deed of another city, by its owner or by somebody else.
    pub(super) fn question(&mut self, at: Code, of: Code, by_owner: bool) -> Option<Request> {
        let subject = self.subject(of, |one| one.owner.is_some())?;
        let stranger = Person::new(0, 900 + self.next() % 90);
        let Known { certificate, owner, .. } = &self.known[subject];
        let party = owner.as_ref().filter(|_| by_owner).unwrap_or(&stranger);
        let question = question(at, party, Relation::Self_);
        Some(Request::LookUp(lookup(question, &certificate.certificate_id, &["KZ_ZL", "KZ_QLR"])))
    }

    /// A question for the file of a deed of another city, by its owner.
    pub(super) fn file_question(&mut self, at: Code, of: Code) -> Option<Request> {
        let subject = self.subject(of, |one| one.owner.is_some() && !one.certificate.files.is_empty())?;
        let Known { certificate, owner, .. } = &self.known[subject];
        let question = with_matter(question(at, owner.as_ref()?, Relation::Self_), TRANSFER, at);
        let certificate_id = certificate.certificate_id.clone();
        Some(Request::Fetch(v1::FetchRequest { question: Some(question), certificate_id, file: 0 }))
    }

    pub(super) async fn ask(&mut self, at: Code, of: Code, by_owner: bool) {
        if let Some(request) = self.question(at, of, by_owner) {
            self.call(at, request, None).await;
        }
    }
}
