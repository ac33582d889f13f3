//! Who is believed for seals, signatures on documents and time stamps: what the trust bundle says.

use exchange_core::bundle::TrustBundle;
use exchange_seal::{Anchors, certificate::Certificate};

/// The anchors of a bundle. One that does not read is passed over: nobody is believed for it.
pub(super) fn anchors(bundle: &TrustBundle) -> Anchors {
    let all: Vec<Certificate> = bundle.seal_anchors.iter().filter_map(|der| Certificate::parse(der).ok()).collect();
    Anchors { makers: all.clone(), signers: all.clone(), time_stamps: all, intermediates: Vec::new() }
}
