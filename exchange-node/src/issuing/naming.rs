//! What a certificate is called, and what it is found by.

use super::{Issuing, command::Previous};
use crate::refusal::Refusal;
use bytes::Bytes;
use exchange_core::{
    certificate::Draft,
    certificate_id::CertificateId,
    certificate_type::{CertificateType, CheckedDraft, Discovery},
    holder::{HolderTags, Tag, holder_tag, number_tag},
    reason::Reason,
};
use exchange_proto::event;

impl Issuing {
    pub(super) fn certificate_id(&self, draft: &Draft, previous: Option<&Previous>) -> Result<CertificateId, Refusal> {
        if let Some(previous) = previous {
            return previous.id.next_version().map_err(|error| {
                Refusal::caller(Reason::RevisionConflict, error.to_string(), "a certificate with fewer revisions")
            });
        }
        let serial = draft.serial.clone().unwrap_or_else(|| self.random.serial());
        let id = CertificateId::new(&draft.type_code, &draft.issuer.uscc, &serial, 1)
            .map_err(|error| Refusal::caller(Reason::FieldInvalid, error.to_string(), "a serial of [0-9A-Z]"))?;
        // A random serial cannot be one on purpose; an imported one may be, and identifiers are public.
        if draft.serial.is_some() && id.contains_resident_id() {
            return Err(Refusal::caller(
                Reason::IdentityNumberNotAllowed,
                "a serial that holds an identity number",
                "a serial without one; identifiers of certificates are seen by every city",
            ));
        }
        Ok(id)
    }

    /// The `HolderTags` entry; `None` where the type has nothing to be found by.
    pub(super) fn tags_entry(
        &self,
        kind: &CertificateType,
        checked: &CheckedDraft,
        id: &str,
    ) -> Result<Option<Bytes>, Refusal> {
        let snapshot = self.trust.snapshot();
        let wanted = snapshot.bundle().regions.get(&self.region).map(|region| region.index_key_id);
        let Some(key) = self.keys.index.iter().find(|key| Some(key.id()) == wanted) else {
            return Err(Refusal::node(
                Reason::IndexKeyMissing,
                "no index key with the id that the trust bundle names",
                "that key's file under [keys] index",
            ));
        };
        let code = kind.type_code.as_str();
        let mut tags: Vec<Tag> = Vec::new();
        let refuse = |error: exchange_core::holder::Error| {
            Refusal::caller(Reason::PartyInvalid, error.to_string(), "a holder's code of its type")
        };
        if kind.discovery == Discovery::ByHolder {
            for holder in checked.holders() {
                tags.push(holder_tag(key, code, holder).map_err(refuse)?);
            }
        }
        if let Some(number) = checked.number() {
            tags.push(number_tag(key, code, number).map_err(refuse)?);
        }
        if tags.is_empty() {
            return Ok(None);
        }
        let tags = HolderTags::new(tags).map_err(refuse)?;
        let sealed = tags.seal(key, self.random.array(), self.region.as_str(), id).map_err(refuse)?;
        Ok(Some(event::encode_tags(id, &key.id(), &sealed).into()))
    }
}
