//! The document that the node itself makes for a certificate.

use super::Issuing;
use crate::{licences::Content, refusal::Refusal};
use exchange_core::{
    certificate::{Draft, Field},
    certificate_id::CertificateId,
    certificate_type::CertificateType,
    chain::Instant,
    disclosure::Disclosure,
    file::{File, OFD},
    reason::Reason,
};

impl Issuing {
    /// The sealed document; `None` where the node makes none for this type and department, or the caller brought an OFD.
    /// The ledger's thread is not held up: it is made on a thread for what blocks.
    ///
    /// # Errors
    /// As [`crate::licences::Press::make`]; draining.
    pub(super) async fn document(
        &self,
        draft: &Draft,
        kind: &CertificateType,
        id: &CertificateId,
        disclosures: &[Disclosure],
        given: &[File],
    ) -> Result<Option<File>, Refusal> {
        let Some(press) = self.licences.of(kind, &draft.issuer.uscc) else { return Ok(None) };
        if given.iter().any(|file| file.media_type == OFD) {
            return Ok(None);
        }
        let content = Content {
            environment: self.environment,
            id: id.clone(),
            type_name: kind.name.clone(),
            issuer: draft.issuer.clone(),
            issued_on: draft.issued_on,
            valid_from: draft.valid_from,
            valid_until: draft.valid_until,
            fields: disclosures.iter().map(|one| Field { name: one.name.clone(), value: one.value.clone() }).collect(),
            copy: None,
        };
        let (at, random) = (Instant(self.clock.now_ms()), self.random.clone());
        let made = self.tasks.blocking(move || press.make(&content, at, &random)).await;
        let made =
            made.map_err(|error| Refusal::node(Reason::Draining, error.to_string(), "a document that is made"))?;
        made.map(Some)
    }
}
