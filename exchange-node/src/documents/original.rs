//! When a certificate counts as the original (视同原件): with a sealed OFD that verified and is the very file that the
//! certificate's signed header names.
//!
//! A seal alone is not enough: whoever may use any department's seal can put it on a document that names any certificate.
//! Only the header, which the issuing department signed, says which file is the certificate's. It names it by a salted
//! digest, so whoever compares needs the salt: of the document itself, of the request, or of the custodian's node.

use super::{Documents, spool, trust};
use crate::{
    issuing::open_files,
    lookup::Fetched,
    refusal::Refusal,
    verification::{self, Subject, Verification},
};
use exchange_core::{
    certificate::Header,
    certificate_type::LegalForm,
    chain::Instant,
    file::{MAX_FILE_BYTES, OFD, rounded},
    reason::Reason,
    status::Status,
};
use exchange_proto::v1;
use exchange_seal::{Basis, Limits, Report, Verdict, licence::file_salt, verify};
use ring::digest::{Context, SHA256};
use std::{
    io::{self, Cursor, Read, Seek},
    mem,
};

/// Fetched files that are judged at once. Others wait; a file of 3 MiB takes milliseconds.
pub(super) const FETCHED_AT_ONCE: usize = 2;
/// What is read of a fetched file at most: less than of others, since nobody asked for its judgement. One that is above counts
/// as a data check, and `DocumentService.Verify` may say more.
const FETCHED: Limits = Limits {
    package_bytes: MAX_FILE_BYTES as u64,
    entry_bytes: 64 << 20,
    unpacked_bytes: 64 << 20,
    signatures: 8,
    ..Limits::DEFAULT
};
/// Read at once for a digest, in bytes.
const PIECE: usize = 64 << 10;

/// Is a document one of its certificate's files?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileMatch {
    /// The one with this number in the signed header, from 0.
    Agrees(u32),
    /// None of the header's has its length, or none its digest under a salt that is at hand.
    Differs,
    /// No salt is at hand, or no genuine header.
    NotKnown,
}

impl FileMatch {
    /// Stable word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Agrees(_) => "AGREES",
            Self::Differs => "DIFFERS",
            Self::NotKnown => "NOT_KNOWN",
        }
    }
}

/// A document with a seal, of which every step holds. Only with one does a custodian compare what he keeps: such a document
/// cannot be made by guessing, so nobody learns from the answer what is in a file that he does not have.
pub struct ValidSeal(());

impl ValidSeal {
    pub(super) fn of(report: &Report) -> Option<Self> {
        let sealed = report.signatures.iter().any(|signature| signature.has_seal);
        (sealed && report.verdict == Verdict::Valid).then_some(Self(()))
    }
}

/// 视同原件: by the law's form of the type, with this document, today.
pub(super) fn counts_as_original(
    form: Option<LegalForm>,
    report: &Report,
    file: FileMatch,
    verification: &Verification,
) -> bool {
    let in_force = verification
        .standing
        .as_ref()
        .is_some_and(|standing| standing.status == Status::Active && standing.freshness != v1::Freshness::Untrusted);
    form == Some(LegalForm::SealedOfd)
        && ValidSeal::of(report).is_some()
        && matches!(file, FileMatch::Agrees(_))
        && verification.verdict == verification::Verdict::Genuine
        && !verification.review_needed
        && in_force
}

impl Documents {
    /// The signed header of a certificate that is genuine.
    pub(super) fn header(verification: &Verification) -> Option<&Header> {
        let genuine = verification.verdict == verification::Verdict::Genuine;
        verification.certificate.as_ref().filter(|_| genuine).map(|shown| &*shown.header)
    }

    /// The type's, by the version under which the certificate was issued.
    pub(super) fn legal_form(&self, header: &Header) -> Result<Option<LegalForm>, Refusal> {
        let kind = self.lookup.catalogue.certificate_type(header.type_code.as_str(), Some(header.type_version))?;
        Ok(kind.map(|kind| kind.legal_form))
    }

    /// Which of the certificate's files a document is. Reads it whole once, if there is a salt to try.
    pub(super) fn file_of<R: Read + Seek>(
        &self,
        document: &mut R,
        bytes: u64,
        given: Option<[u8; 16]>,
        report: &Report,
        header: Option<&Header>,
    ) -> Result<FileMatch, Refusal> {
        let Some(header) = header else { return Ok(FileMatch::NotKnown) };
        let mut salts: Vec<[u8; 16]> = file_salt(&report.documents).into_iter().chain(given).collect();
        salts.extend(self.kept_salts(report, header)?);
        match_file(document, bytes, &salts, header).map_err(|error| spool::broken(&error.to_string()))
    }

    /// Salts that this node keeps as the custodian.
    fn kept_salts(&self, report: &Report, header: &Header) -> Result<Vec<[u8; 16]>, Refusal> {
        let own = self.lookup.region;
        let Some(valid) = ValidSeal::of(report).filter(|_| header.custodian_region == own) else {
            return Ok(Vec::new());
        };
        let id = header.certificate_id.as_str();
        let Some(sealed) = self.lookup.store.files_of_document(own, id, &valid)? else { return Ok(Vec::new()) };
        Ok(open_files(&self.lookup.keys, own, id, &sealed)?.into_iter().map(|file| file.salt).collect())
    }

    /// Says what a certificate counts as with the file that was fetched of it, which is judged where that may make it the
    /// original. What the other city's node said of that is passed over.
    ///
    /// # Errors
    /// The store fails; draining.
    pub async fn with_fetched(&self, mut fetched: Fetched, number: u32) -> Result<Fetched, Refusal> {
        fetched.standing.set_counts_as(v1::CountsAs::DataCheck);
        let is_ofd = fetched.header.file(number).is_ok_and(|named| named.media_type == OFD);
        let form = self.legal_form(&fetched.header)?;
        // The custodian's word of the status; this node's own is asked below.
        if !is_ofd || form != Some(LegalForm::SealedOfd) || fetched.standing.status() != v1::Status::Active {
            return Ok(fetched);
        }
        let ended = |found: String| Refusal::node(Reason::Draining, found, "a file that is judged");
        let place = self.fetched.clone().acquire_owned().await.map_err(|error| ended(error.to_string()))?;
        let (documents, id) = (self.clone(), fetched.header.certificate_id.to_string());
        let (salt, bytes) = (fetched.salt, mem::take(&mut fetched.bytes));
        let judged = self.tasks.blocking(move || {
            let _place = place;
            (documents.is_original(id, number, salt, &bytes), bytes)
        });
        let (original, bytes) = judged.await.map_err(|error| ended(error.to_string()))?;
        fetched.bytes = bytes;
        if original? {
            fetched.standing.set_counts_as(v1::CountsAs::Original);
        }
        Ok(fetched)
    }

    fn is_original(&self, id: String, number: u32, salt: [u8; 16], bytes: &[u8]) -> Result<bool, Refusal> {
        let snapshot = self.trust.snapshot();
        let (anchors, crls) = (trust::anchors(snapshot.bundle()), self.crls.current());
        let basis = Basis {
            anchors: &anchors,
            crls: &crls,
            signers: &[],
            now: Instant(self.clock.now_ms()),
            crl_grace_ms: 0,
            without_crl: false,
            limits: FETCHED,
        };
        let report = verify(Cursor::new(bytes), &basis);
        let verification = self.lookup.verify(Subject::Id(id), None)?;
        let header = Self::header(&verification);
        let file = self.file_of(&mut Cursor::new(bytes), bytes.len() as u64, Some(salt), &report, header)?;
        let form = header.map(|header| self.legal_form(header)).transpose()?.flatten();
        Ok(file == FileMatch::Agrees(number) && counts_as_original(form, &report, file, &verification))
    }
}

/// Which of the header's files a document of so many bytes is, under one of these salts. Reads it whole once, where its length
/// is that of a file and there is a salt to try.
///
/// # Errors
/// It cannot be read.
pub fn match_file<R: Read + Seek>(
    document: &mut R,
    bytes: u64,
    salts: &[[u8; 16]],
    header: &Header,
) -> io::Result<FileMatch> {
    if header.files.iter().all(|named| named.rounded_length != rounded(bytes)) {
        return Ok(FileMatch::Differs);
    }
    if salts.is_empty() {
        return Ok(FileMatch::NotKnown);
    }
    let digests = digests(document, salts)?;
    let found = (0..).zip(&header.files).find(|(_, named)| digests.contains(&named.digest));
    Ok(found.map_or(FileMatch::Differs, |(number, _)| FileMatch::Agrees(number)))
}

/// SHA-256(salt ‖ bytes) for each salt, in one reading.
fn digests<R: Read + Seek>(document: &mut R, salts: &[[u8; 16]]) -> io::Result<Vec<[u8; 32]>> {
    document.rewind()?;
    let begun = |salt: &[u8; 16]| {
        let mut context = Context::new(&SHA256);
        context.update(salt);
        context
    };
    let mut contexts: Vec<Context> = salts.iter().map(begun).collect();
    let mut piece = vec![0; PIECE];
    loop {
        let count = match document.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        contexts.iter_mut().for_each(|context| context.update(&piece[..count]));
    }
    let finished = |context: Context| {
        let mut digest = [0; 32];
        digest.copy_from_slice(context.finish().as_ref());
        digest
    };
    Ok(contexts.into_iter().map(finished).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use super::*;
    use exchange_core::disclosure::file_digest;

    #[test]
    fn a_digest_is_that_of_the_header_for_each_salt() {
        for length in [1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE] {
            let bytes: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
            let salts = [[1; 16], [2; 16]];
            let mut document = Cursor::new(&bytes);
            document.set_position(1);
            let found = digests(&mut document, &salts).unwrap();
            assert_eq!(found, salts.map(|salt| file_digest(&salt, &bytes)), "{length} bytes");
        }
    }
}
