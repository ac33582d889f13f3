//! Making seals (制章) and putting them on documents (签章).
//!
//! [`seal`] builds a seal of GB/T 38540-2020 (v4) or GM/T 0031-2025 (v5); [`stamp`] copies an OFD package and adds a
//! seal signature to it. Both refuse what [`crate::verify`] would not call valid, as far as it can be known without
//! anchors and CRLs. What is made anew is read back before it is given away: a seal, and of a stamp the value, the
//! description, the list of signatures and the changed `OFD.xml`, each against the limits of a verification. The stamped
//! package as a whole is not: its entries are copied as they are packed, and where it is written to need not be readable.
//!
//! Keys of the ring profile (ECDSA P-256 or P-384, Ed25519) make seals of the same structure, which are not seals of
//! GB/T 38540; whoever reads them is told so.

mod copy;
mod der;
mod describe;
mod key;
mod pages;
mod picture;
pub mod pki;
mod seal;
mod stamp;

use exchange_core::chain::Instant;

pub use key::{Credential, PrivateKey};
pub use picture::png;
pub use seal::{SealTerms, seal};
pub use stamp::{Place, Stamp, Stamped, stamp};

use crate::{asn1, ofd};

/// Why nothing is made. Nothing of what was written so far is of use then.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No PKCS#8 key of an algorithm that is made here.
    #[error("the private key is not one of SM2, P-256, P-384 or Ed25519 in PKCS#8: {0}")]
    Key(String),
    /// The random generator failed, or an event of no likelihood.
    #[error("signing failed")]
    Signing,
    /// Not a certificate that can be read.
    #[error("the certificate: {0}")]
    Certificate(asn1::Error),
    /// Key and certificate do not belong together.
    #[error("the private key is not the one of the certificate \"{0}\"")]
    OtherKey(String),
    /// The certificate's key usage has neither digitalSignature nor nonRepudiation.
    #[error("the certificate \"{0}\" is not one for signatures")]
    Usage(String),
    /// The certificate's extended key usage is documentSigning alone.
    #[error("the certificate \"{0}\" is for signing documents, not for making seals")]
    NotMaker(String),
    /// The certificate does not count at the time of the signature.
    #[error("the certificate \"{subject}\" counts from {from} to {to}, and the time is {at}")]
    CertificatePeriod {
        /// Whose.
        subject: String,
        /// First moment.
        from: Instant,
        /// Last moment.
        to: Instant,
        /// The time of the signature.
        at: Instant,
    },
    /// What the seal should say cannot be said, or would not be read.
    #[error("the seal: {0}")]
    Terms(String),
    /// The seal that should be put on is none, or one that is only read (v1).
    #[error("the seal cannot be used: {0}")]
    Seal(String),
    /// The seal's list does not have the signer.
    #[error("the seal \"{seal}\" does not list the signer \"{signer}\"")]
    NotListed {
        /// The seal's name.
        seal: String,
        /// The signer's name.
        signer: String,
    },
    /// The seal does not count at the time of the signature.
    #[error("the seal counts from {from} to {to}, and the time is {at}")]
    SealPeriod {
        /// First moment.
        from: Instant,
        /// Last moment.
        to: Instant,
        /// The time of the signature.
        at: Instant,
    },
    /// Where the seal should be seen is not on a page.
    #[error("the place: {0}")]
    Place(String),
    /// The package cannot be read, or has something that cannot be stamped.
    #[error(transparent)]
    Document(#[from] ofd::Error),
    /// An earlier signature covers what a further one has to change.
    #[error("signature {id} covers {file}, which a further signature changes: it would no longer be valid")]
    Closed {
        /// The earlier signature, as `Signatures.xml` names it.
        id: String,
        /// What it covers.
        file: String,
    },
    /// The stamped document would be larger than is read.
    #[error("{what}: {found}; at most {limit} is read")]
    TooLarge {
        /// What.
        what: &'static str,
        /// How much there would be.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// The copy cannot be written.
    #[error("writing failed: {0}")]
    Write(std::io::Error),
}
