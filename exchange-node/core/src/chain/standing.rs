//! What a withdrawn signer means for what it signed before (formats, "A signer withdrawn").

use super::{Crl, Serial};

/// Whether a signature still counts after its signer's credential was looked up in its CA's CRL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignerStanding {
    /// Not withdrawn.
    Genuine,
    /// Withdrawn after the signature, for another reason than a lost key; milliseconds since 1970.
    GenuineSignerWithdrawnSince(u64),
    /// The key was lost after the signature: genuine, flagged for review; from when on, milliseconds since 1970.
    ReviewNeeded(u64),
    /// Withdrawn before the signature, or the key was lost before it: not genuine; milliseconds since 1970.
    SignerWithdrawn(u64),
}

impl SignerStanding {
    /// The more serious of two, for the links of one path.
    #[must_use]
    pub const fn worse(self, other: Self) -> Self {
        if other.rank() > self.rank() { other } else { self }
    }

    const fn rank(self) -> u8 {
        match self {
            Self::Genuine => 0,
            Self::GenuineSignerWithdrawnSince(_) => 1,
            Self::ReviewNeeded(_) => 2,
            Self::SignerWithdrawn(_) => 3,
        }
    }
}

/// Judges the credential with this serial by the newest CRL of its CA. `signing_time_ms`: the `at` of the first
/// checkpoint that covers what was signed, never a time that the signer claims.
#[must_use]
pub fn signer_standing(serial: &Serial, crl: &Crl, signing_time_ms: u64) -> SignerStanding {
    let Some(withdrawal) = crl.withdrawn.get(serial) else {
        return SignerStanding::Genuine;
    };
    let compromise = withdrawal.reason.is_compromise();
    let from_ms = match withdrawal.invalidity_ms {
        Some(invalidity_ms) if compromise => invalidity_ms,
        _ => withdrawal.since_ms,
    };
    if from_ms <= signing_time_ms {
        SignerStanding::SignerWithdrawn(from_ms)
    } else if compromise {
        SignerStanding::ReviewNeeded(from_ms)
    } else {
        SignerStanding::GenuineSignerWithdrawnSince(from_ms)
    }
}
