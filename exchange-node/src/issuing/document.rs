//! The document that the node itself makes for a certificate.

use super::{
    Issuing,
    files::{NewFile, NewFiles},
};
use crate::{
    licences::{Content, Press},
    refusal::Refusal,
};
use exchange_core::{
    certificate::{Draft, Field},
    certificate_id::CertificateId,
    certificate_type::CertificateType,
    chain::Instant,
    disclosure::Disclosure,
    file::OFD,
    reason::Reason,
};

impl Issuing {
    /// What the node makes the certificate's document with; `None` where it makes none for this type and department, the
    /// caller brought an OFD, or another city would have to keep it.
    pub(super) fn press(&self, draft: &Draft, kind: &CertificateType, given: &NewFiles) -> Option<Press> {
        let brought = given.as_slice().iter().any(|file| file.media_type() == OFD);
        self.licences.of(kind, &draft.issuer.uscc).filter(|_| !brought && self.keeps(kind))
    }

    /// May the node make one? For what it takes; whether it does is said when the caller's files are known.
    pub(super) fn makes(&self, draft: &Draft, kind: &CertificateType) -> bool {
        self.keeps(kind) && self.licences.of(kind, &draft.issuer.uscc).is_some()
    }

    /// Does this city keep certificates of this type? Values and files are with the custodian.
    pub(super) fn keeps(&self, kind: &CertificateType) -> bool {
        kind.custodian_region.is_none_or(|custodian| custodian == self.region)
    }

    /// The sealed document. The ledger's thread is not held up: it is made on a thread for what blocks.
    ///
    /// # Errors
    /// As [`crate::licences::Press::make`]; draining.
    pub(super) async fn document(
        &self,
        draft: &Draft,
        kind: &CertificateType,
        id: &CertificateId,
        disclosures: &[Disclosure],
        press: Press,
    ) -> Result<NewFile, Refusal> {
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
        let (at, random, salt) = (Instant(self.clock.now_ms()), self.random.clone(), self.random.array());
        let blobs = self.blobs.clone();
        let made = self
            .tasks
            .blocking(move || NewFile::new(press.make(&content, Some(&salt), at, &random)?, salt, &blobs))
            .await;
        made.map_err(|error| Refusal::node(Reason::Draining, error.to_string(), "a document that is made"))?
    }
}
