//! What counts when several things are wrong.

/// The verdict over a signature, a seal or a whole document.
///
/// The order is the precedence: of several faults the one that stands first here is the verdict. What makes the file
/// unreadable comes first, then what shows that it is not what was signed, then who may be believed, then dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It is not what the standards say, or larger than is read.
    Malformed,
    /// The document has no signature.
    NotSigned,
    /// The document, or the seal in it, is not what was signed.
    Altered,
    /// The signature was not made by the certificate that is named as the signer's.
    SignatureInvalid,
    /// The seal was not made by the certificate that is named as its maker's.
    SealInvalid,
    /// A time stamp is there and is not one of this signature.
    TimeStampInvalid,
    /// The package has files that no signature covers.
    NotCovered,
    /// An algorithm or a critical extension is not judged here.
    Unsupported,
    /// No chain leads to a pinned anchor, or a certificate is not made for this use.
    Untrusted,
    /// The maker's, the signer's or the time stamp authority's certificate was withdrawn before it was used here.
    Revoked,
    /// The seal does not list the signer.
    SignerNotListed,
    /// The seal was used after its period.
    SealExpired,
    /// The seal was used before its period, or before it was made.
    SealNotYetValid,
    /// The certificate of the signer, or of whoever signed for the seal or the time, did not count at that time.
    SignerExpired,
    /// The time of the signature cannot be true: it is in the future, or after its own time stamp.
    TimeInvalid,
    /// Everything holds, except that no usable CRL says whether a certificate was withdrawn.
    RevocationUnknown,
    /// Every step holds.
    Valid,
}

impl Verdict {
    /// Every one, in order of precedence, with its stable word.
    pub const ALL: [(Self, &'static str); 17] = [
        (Self::Malformed, "MALFORMED"),
        (Self::NotSigned, "NOT_SIGNED"),
        (Self::Altered, "ALTERED"),
        (Self::SignatureInvalid, "SIGNATURE_INVALID"),
        (Self::SealInvalid, "SEAL_INVALID"),
        (Self::TimeStampInvalid, "TIME_STAMP_INVALID"),
        (Self::NotCovered, "NOT_COVERED"),
        (Self::Unsupported, "UNSUPPORTED"),
        (Self::Untrusted, "UNTRUSTED"),
        (Self::Revoked, "REVOKED"),
        (Self::SignerNotListed, "SIGNER_NOT_LISTED"),
        (Self::SealExpired, "SEAL_EXPIRED"),
        (Self::SealNotYetValid, "SEAL_NOT_YET_VALID"),
        (Self::SignerExpired, "SIGNER_EXPIRED"),
        (Self::TimeInvalid, "TIME_INVALID"),
        (Self::RevocationUnknown, "REVOCATION_UNKNOWN"),
        (Self::Valid, "VALID"),
    ];

    /// The stable word.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(known, _)| *known == self).map_or("", |(_, word)| word)
    }

    /// The one that counts of two.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        self.min(other)
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}
