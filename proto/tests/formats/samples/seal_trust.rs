//! A bundle with CAs behind seals.

use super::bundle;
use exchange_core::bundle::{SealTrust, TrustBundle};

/// With CAs behind seals, for every purpose and for each.
pub fn bundle_with_seal_trust() -> TrustBundle {
    TrustBundle {
        seal_anchors: vec![vec![0x30, 0x01, 0x01]],
        seal_trust: SealTrust {
            makers: vec![vec![0x30, 0x01, 0x02]],
            signers: vec![vec![0x30, 0x01, 0x03], vec![0x30, 0x01, 0x04]],
            time_stamps: vec![vec![0x30, 0x01, 0x05]],
            intermediates: vec![vec![0x30, 0x01, 0x06]],
        },
        number: 6,
        ..bundle()
    }
}
