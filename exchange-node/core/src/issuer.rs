//! Issuing and deciding bodies.

use crate::uscc::Uscc;

/// A body by its code, with the name as printed on the certificate (at most 256 bytes).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// 统一社会信用代码.
    pub uscc: Uscc,
    /// As printed; informative, the code decides.
    pub name: String,
}

/// Longest name of a body, in bytes.
pub const MAX_NAME_BYTES: usize = 256;
