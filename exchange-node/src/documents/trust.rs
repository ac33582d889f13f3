//! Who is believed for seals, signatures on documents and time stamps: what the trust bundle says, and the CRLs of a folder.

use arc_swap::ArcSwap;
use ca_tools::seal_trust;
use exchange_core::bundle::TrustBundle;
use exchange_seal::{Anchors, certificate::Certificate, crl::Crls};
use std::{path::Path, sync::Arc};

/// The CAs of a bundle that do not read, by list and place, with why. The bundle counts without them: it also carries what
/// cannot wait, withdrawals and regions' CAs among it. So it is said, by log and `doctor`, and not refused.
pub fn unreadable(bundle: &TrustBundle) -> Vec<String> {
    let trust = &bundle.seal_trust;
    let lists = [
        ("seal_anchors", &bundle.seal_anchors),
        ("seal_trust.makers", &trust.makers),
        ("seal_trust.signers", &trust.signers),
        ("seal_trust.time_stamps", &trust.time_stamps),
        ("seal_trust.intermediates", &trust.intermediates),
    ];
    let places = lists.into_iter().flat_map(|(name, ders)| (0..).zip(ders).map(move |(at, der)| (name, at, der)));
    places
        .filter_map(|(name, at, der): (_, u32, _)| Some(format!("{name}[{at}]: {}", Certificate::parse(der).err()?)))
        .collect()
}

/// The anchors of a bundle. One that does not read is passed over: nobody is believed for it.
pub fn anchors(bundle: &TrustBundle) -> Anchors {
    let read = |ders: &[Vec<u8>]| ders.iter().filter_map(|der| Certificate::parse(der).ok()).collect::<Vec<_>>();
    let any = read(&bundle.seal_anchors);
    let with_any = |ders: &[Vec<u8>]| [any.clone(), read(ders)].concat();
    let trust = &bundle.seal_trust;
    Anchors {
        makers: with_any(&trust.makers),
        signers: with_any(&trust.signers),
        time_stamps: with_any(&trust.time_stamps),
        intermediates: read(&trust.intermediates),
    }
}

/// The CRLs of CAs behind seals. Clones share them.
#[derive(Clone)]
pub struct SealCrls(Arc<ArcSwap<Crls>>);

impl SealCrls {
    /// Reads the folder of `trust.seal_crls`; none: no CRL is at hand.
    ///
    /// # Errors
    /// A file that does not read, or more than is read.
    pub fn read(folder: Option<&Path>) -> Result<Crls, ca_tools::Error> {
        Ok(Crls::new(folder.map(seal_trust::crls).transpose()?.unwrap_or_default()))
    }

    /// Begins with these.
    pub fn new(crls: Crls) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(crls)))
    }

    /// Takes these instead, and says whether they are others. Documents that are being judged keep what they began with.
    pub fn swap(&self, crls: Crls) -> bool {
        let changed = **self.0.load() != crls;
        if changed {
            self.0.store(Arc::new(crls));
        }
        changed
    }

    pub(crate) fn current(&self) -> Arc<Crls> {
        self.0.load_full()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use super::*;
    use crate::lab::Lab;

    #[test]
    fn anchors_count_for_what_the_bundle_says() {
        let root = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/seal/tests/corpus/ring-root.der")).unwrap();
        let other = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/seal/tests/corpus/sm2-root.der")).unwrap();
        let mut bundle = Lab::new().bundle;
        bundle.seal_anchors = vec![root, b"no certificate".to_vec()];
        bundle.seal_trust.signers = vec![other.clone()];
        bundle.seal_trust.intermediates = vec![other, vec![0]];
        let anchors = anchors(&bundle);
        let counts = [&anchors.makers, &anchors.signers, &anchors.time_stamps, &anchors.intermediates].map(Vec::len);
        assert_eq!(counts, [1, 2, 1, 1], "what does not read is passed over");
        let said = unreadable(&bundle);
        let begin: Vec<&str> = said.iter().filter_map(|text| text.split_once(": ")).map(|(place, _)| place).collect();
        assert_eq!(begin, ["seal_anchors[1]", "seal_trust.intermediates[1]"], "{said:?}");
    }
}
