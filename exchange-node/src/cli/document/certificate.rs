//! `document verify --certificate`: is the document a file of this certificate? Told from its export, without a node.

use crate::{
    cli::{Failure, offline::Trust},
    documents::{FileMatch, match_file},
    exit::Exit,
};
use ca_tools::files;
use exchange_core::{certificate::Header, export::verify};
use exchange_proto::export::{MAX_FILE_BYTES, decode_file};
use exchange_seal::{Report, licence::file_salt};
use serde_json::{Value, json};
use std::{fs::File, path::Path};

/// The signed header of an export that is genuine by this trust.
pub(super) fn header(path: &Path, trust: &Trust) -> Result<Header, Failure> {
    let refuse = |found: String| Failure::new(Exit::CheckFailed, format!("{}: {found}", path.display()));
    let export = decode_file(&files::read(path, MAX_FILE_BYTES)?);
    let export = export.map_err(|report| {
        let found = report.failure().map(|check| format!("{}: {}", check.name, check.found));
        refuse(found.unwrap_or_else(|| "no export".to_owned()))
    })?;
    let bundle = trust.bundle.as_ref().map_err(|error| Failure::new(Exit::Identity, error))?;
    let report = verify(&export, &trust.basis(bundle));
    if report.genuine.is_none() {
        let found = report.failure().map(|check| format!("{}: {}", check.name, check.found)).unwrap_or_default();
        return Err(refuse(format!("not genuine: {found}")));
    }
    Ok(export.header)
}

/// A document held against a certificate.
pub(super) struct Of {
    id: String,
    file: FileMatch,
}

impl Of {
    pub(super) fn judge(header: &Header, document: &mut File, path: &Path, report: &Report) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::file(path, &error);
        let bytes = document.metadata().map_err(failed)?.len();
        let salts: Vec<[u8; 16]> = file_salt(&report.documents).into_iter().collect();
        let file = match_file(document, bytes, &salts, header).map_err(failed)?;
        Ok(Self { id: header.certificate_id.to_string(), file })
    }

    pub(super) fn line(&self) -> String {
        let Self { id, file } = self;
        match file {
            FileMatch::Agrees(number) => format!("{id}: this is its file {number}, as it was signed"),
            FileMatch::Differs => format!("{id}: this is none of its files"),
            FileMatch::NotKnown => format!("{id}: not known, the document names no salt; a node that has it can tell"),
        }
    }

    pub(super) fn value(&self) -> Value {
        let number = if let FileMatch::Agrees(number) = self.file { Some(number) } else { None };
        json!({ "certificate_id": self.id, "file": self.file.word(), "file_number": number })
    }

    /// What it makes of the exit code of a document that is `VALID`.
    pub(super) const fn exit(&self) -> Exit {
        match self.file {
            FileMatch::Agrees(_) => Exit::Ok,
            FileMatch::Differs => Exit::CheckFailed,
            FileMatch::NotKnown => Exit::Warnings,
        }
    }
}
