//! Credential paths: from a pinned root, over a city's CA, to a node, system, operator, department or trust key.
//!
//! Nothing here is optional: a path without a CRL of every CA in it, a credential without the purpose it is used for,
//! or a CA that the trust bundle does not bind to the region of the name, is refused, and the refusal says what was
//! found and what was needed (RFC 5280 section 6; X509-SVID sections 2 to 5).

mod authority;
mod credential;
mod crl;
mod error;
#[cfg(test)]
pub(crate) mod lab;
mod path;
mod signer;
mod standing;
#[cfg(test)]
mod tests;
mod x509;

pub use authority::{Authority, Roots};
pub use credential::{Credential, ExtendedKeyUsages, MAX_CREDENTIAL_BYTES, Serial};
pub use crl::{Added, Crl, CrlSet, MAX_CRL_BYTES, Withdrawal, WithdrawalReason};
pub use error::{Error, Instant};
pub use path::{Basis, Purpose, StaleCrl, VerifiedCredential, verify_path, verify_trust};
pub use signer::{SignerPath, verify_signer};
pub use standing::{SignerStanding, signer_standing};
