//! Files of certificates.

use super::{Invariant, Violation, holds};
use crate::certificate::FileDigest;

/// A certificate of a log, and what its custodian's node keeps of its files.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Of the certificate.
    pub certificate_id: String,
    /// As its header names them.
    pub named: Vec<FileDigest>,
    /// Salt and bytes, in the header's order; `None` where one does not read.
    pub kept: Vec<Option<([u8; 16], Vec<u8>)>>,
}

/// FILE-1: a certificate in the log has its files.
///
/// # Errors
/// The first certificate and file that is missing, or is not the one that was signed.
pub fn file_1(certificates: &[Kept]) -> Result<(), Violation> {
    for one in certificates {
        let (id, named, kept) = (&one.certificate_id, one.named.len(), one.kept.len());
        holds(Invariant::File1, named == kept, || format!("{id} names {named} files, {kept} are kept"))?;
        for (index, (named, kept)) in one.named.iter().zip(&one.kept).enumerate() {
            let found = kept.as_ref().map(|(salt, bytes)| named.check_bytes(salt, bytes).is_ok());
            let what = if found.is_none() { "does not read" } else { "is another one than the signed one" };
            holds(Invariant::File1, found == Some(true), || format!("file {index} of {id} {what}"))?;
        }
    }
    Ok(())
}
