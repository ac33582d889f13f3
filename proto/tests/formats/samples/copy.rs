//! A copy for one use that was used.

use super::{certificate_id, region, stored_files};
use exchange_core::{
    copy::{Known, Used},
    date::Date,
};
use exchange_proto::copy::CopyMade;

pub fn copy_made() -> CopyMade {
    CopyMade {
        known: Known {
            certificate_id: certificate_id(2).to_string(),
            sha256: [0xC1; 32],
            epoch: 2,
            expires_on: Date::new(2026, 12, 2).unwrap(),
            used: Some(Used { at_ms: super::AT_MS, region: region("370200"), key: [0xC2; 32] }),
        },
        file: stored_files().pop(),
        asking_region: region("370200"),
        index: 7,
        made_at_ms: super::AT_MS,
    }
}
