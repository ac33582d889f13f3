//! Using a copy for one use: the city that keeps the certificate says whether it was used, once.

use super::Lookup;
use crate::{copies, limits::room::Place, refusal::Refusal, tls::Caller};
use exchange_core::{
    copy::{CopyNumber, Presented},
    reason::Reason,
    region::Region,
};
use exchange_proto::{copy as convert, v1};
use ring::digest::{Context, SHA256};
use std::time::Duration;

impl Lookup {
    /// Uses a copy that a calling system holds: asks the city that keeps its certificate, or answers itself.
    ///
    /// # Errors
    /// The caller may not; no such certificate; the peer's refusal, or that it cannot be reached: then nobody knows whether it
    /// is used, and the same request asked again tells.
    pub async fn use_copy(
        &self,
        caller: &Caller,
        wanted: convert::Use,
        deadline: Duration,
        place: &Place,
    ) -> Result<v1::UseCopyResponse, Refusal> {
        self.policy.may_lookup(caller)?;
        let convert::Use { request_id, certificate_id, number, sha256 } = wanted;
        let Some((region, found)) = self.locate(&certificate_id)? else {
            let needed = "an identifier as the copy names it; a city that was cut off may lag";
            let found = "no such certificate in the index of the province";
            return Err(Refusal::caller(Reason::CertificateNotFound, found, needed));
        };
        let custodian = Region::parse(&found.custodian_region).unwrap_or(region);
        let key = use_key(caller, &request_id);
        let presented = Presented { certificate_id, sha256, region: self.region, key };
        if custodian == self.region {
            return copies::use_copy(&self.access.ledger, &self.store, number, presented).await;
        }
        let _unanswered = self.peers.admit(custodian, &caller.uri).await?;
        let request = convert::encode_peer_use(&number, &presented);
        place.while_elsewhere(self.peers.use_copy(custodian, request, deadline)).await
    }

    /// Answers another city's node; the region that uses it is the caller's own.
    ///
    /// # Errors
    /// The ledger refuses. What stands in the way of the copy is no error.
    pub async fn answer_use(&self, number: CopyNumber, presented: Presented) -> Result<v1::UseCopyResponse, Refusal> {
        copies::use_copy(&self.access.ledger, &self.store, number, presented).await
    }
}

/// SHA-256("copy-use/v1" ‖ request id ‖ caller): the same request of the same system; says neither to the custodian.
fn use_key(caller: &Caller, request_id: &[u8; 16]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(b"copy-use/v1");
    context.update(request_id);
    context.update(caller.uri.as_bytes());
    let mut key = [0; 32];
    key.copy_from_slice(context.finish().as_ref());
    key
}
