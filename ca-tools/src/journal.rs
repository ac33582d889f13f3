//! The issuance journal: one JSON object a line, each with the SHA-256 of the line before it. A serial is recorded, and
//! on the disk, before anything is signed with it.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use crate::{Error, files};

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// From 1, without gaps.
    pub seq: u64,
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// What happened.
    pub event: Event,
    /// SHA-256 of the previous line without its line end, hex; 64 zeros before the first.
    pub prev: String,
}

/// What a CA did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Event {
    /// The CA came to be.
    Created {
        /// Of the province.
        trust_domain: String,
        /// `root`, `kafka`, `seal`, or the region's code.
        scope: String,
        /// SHA-256 of the CA's certificate, hex.
        fingerprint: String,
        /// Version of this tool.
        tool: String,
    },
    /// A certificate is about to be signed.
    Issued {
        /// Hex.
        serial: String,
        /// Profile, or `ca`.
        profile: String,
        /// SPIFFE id, or the CA's name.
        subject: String,
        /// SHA-256 of the public key, hex.
        spki_sha256: String,
        /// Milliseconds since 1970.
        not_after_ms: u64,
    },
    /// A credential is withdrawn; the CRL that says so follows.
    Revoked {
        /// Hex.
        serial: String,
        /// RFC 5280 name.
        reason: String,
        /// Since when the key is thought to be in other hands, milliseconds since 1970.
        invalidity_ms: Option<u64>,
    },
    /// A CRL is about to be signed.
    Crl {
        /// Its number.
        number: u64,
        /// Milliseconds since 1970.
        next_update_ms: u64,
    },
    /// A seal was made, and is about to be given away. In the journal of its maker.
    Seal {
        /// `esID`.
        id: String,
        /// Its name.
        name: String,
        /// By which it is written.
        standard: String,
        /// The maker's.
        algorithm: String,
        /// SHA-256 of the seal, hex.
        sha256: String,
        /// SHA-256 of its picture, hex.
        picture_sha256: String,
        /// SHA-256 of each listed certificate, hex.
        signers_sha256: Vec<String>,
        /// Milliseconds since 1970.
        not_after_ms: u64,
    },
}

/// Everything that the CA of a folder did, read and checked without its key.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Journal`].
pub fn read_journal(folder: &Path) -> Result<Vec<Record>, Error> {
    let path = folder.join(FILE);
    let text =
        String::from_utf8(files::read(&path, MAX_BYTES)?).map_err(|_| Error::malformed(path.display(), "not UTF-8"))?;
    Ok(Journal::checked(&text, &path)?.records)
}

/// The journal of one CA, in memory, and in a locked file where the CA has a folder.
#[derive(Debug)]
pub(crate) struct Journal {
    records: Vec<Record>,
    last: String,
    file: Option<(File, PathBuf)>,
}

/// In a CA's folder.
pub(crate) const FILE: &str = "journal.jsonl";
const MAX_BYTES: usize = 256 * 1024 * 1024;

impl Journal {
    pub(crate) fn in_memory() -> Self {
        Self { records: Vec::new(), last: "0".repeat(64), file: None }
    }

    /// Opens the file, or begins a new one.
    pub(crate) fn open_or_new(path: &Path) -> Result<Self, Error> {
        match Self::open(path) {
            Err(Error::NotFound(_)) => {
                let mut journal = Self::in_memory();
                journal.save(path)?;
                Ok(journal)
            }
            other => other,
        }
    }

    /// What the file says, checked and left as it is; a torn last line is not looked at.
    pub(crate) fn look(path: &Path) -> Result<Self, Error> {
        let text = String::from_utf8(files::read(path, MAX_BYTES)?)
            .map_err(|_| Error::malformed(path.display(), "not UTF-8"))?;
        Self::checked(&text[..text.rfind('\n').map_or(0, |end| end + 1)], path)
    }

    /// Opens, locks and checks the file.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let file = OpenOptions::new().read(true).append(true).open(path).map_err(|e| Error::io(path, e))?;
        lock(&file, path)?;
        let mut text = String::new();
        (&file).take(MAX_BYTES as u64 + 1).read_to_string(&mut text).map_err(|e| Error::io(path, e))?;
        if text.len() > MAX_BYTES {
            return Err(Error::TooLarge { what: path.display().to_string(), limit: MAX_BYTES });
        }
        // A torn last line was never acted on: signing waits for the whole line to be on the disk.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        if whole < text.len() {
            file.set_len(whole as u64).and_then(|()| file.sync_all()).map_err(|e| Error::io(path, e))?;
            text.truncate(whole);
        }
        let mut journal = Self::checked(&text, path)?;
        journal.file = Some((file, path.to_owned()));
        Ok(journal)
    }

    fn checked(text: &str, path: &Path) -> Result<Self, Error> {
        let mut journal = Self::in_memory();
        for (index, line) in text.lines().enumerate() {
            journal.take(line).map_err(|detail| Error::Journal { path: path.to_owned(), line: index + 1, detail })?;
        }
        Ok(journal)
    }

    /// Writes what is in memory into a new file, and goes on there.
    pub(crate) fn save(&mut self, path: &Path) -> Result<(), Error> {
        let mut file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .mode(files::PUBLIC)
            .open(path)
            .map_err(|e| Error::io(path, e))?;
        lock(&file, path)?;
        let mut text = String::new();
        for record in &self.records {
            text.push_str(&line(record)?);
            text.push('\n');
        }
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|e| Error::io(path, e))?;
        self.file = Some((file, path.to_owned()));
        Ok(())
    }

    /// Appends, durably: when this returns, the record is on the disk.
    pub(crate) fn append(&mut self, at_ms: u64, event: Event) -> Result<(), Error> {
        let seq = self.records.len() as u64 + 1;
        let record = Record { seq, at_ms, event, prev: self.last.clone() };
        let text = line(&record)?;
        if let Some((file, path)) = &mut self.file {
            file.write_all(format!("{text}\n").as_bytes())
                .and_then(|()| file.sync_data())
                .map_err(|e| Error::io(path, e))?;
        }
        self.last = hash(&text);
        self.records.push(record);
        Ok(())
    }

    pub(crate) fn records(&self) -> &[Record] {
        &self.records
    }

    fn take(&mut self, line: &str) -> Result<(), String> {
        let record: Record = serde_json::from_str(line).map_err(|e| format!("not a record: {e}"))?;
        let seq = self.records.len() as u64 + 1;
        if record.seq != seq {
            return Err(format!("record {}; {seq} is needed", record.seq));
        }
        if record.prev != self.last {
            return Err("it does not name the line before it".to_owned());
        }
        self.last = hash(line);
        self.records.push(record);
        Ok(())
    }
}

fn lock(file: &File, path: &Path) -> Result<(), Error> {
    file.try_lock().map_err(|_| Error::Conflict(format!("{}: another ca-tools works with this CA", path.display())))
}

fn line(record: &Record) -> Result<String, Error> {
    serde_json::to_string(record).map_err(|e| Error::making("a journal record", e))
}

fn hash(line: &str) -> String {
    crate::profile::hex(digest(&SHA256, line.as_bytes()).as_ref())
}
