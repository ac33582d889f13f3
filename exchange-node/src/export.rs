//! Use case: export a certificate of this city to a file that is verified without a node.
//!
//! What the file says is put together from the own log, as of its newest checkpoint, and recorded in the access log
//! before the file leaves: the proof of that record is in it.

use crate::{
    issuing::Record,
    lookup::Lookup,
    refusal::Refusal,
    store::{
        self, Space, Value, keys,
        log::{Entry, Kind, Log, Tree},
        own,
    },
    tls::Caller,
};
use exchange_core::{
    chain::{self, Authority},
    checkpoint::{Checkpoint, LogKind, LogProof, Origin},
    disclosure::Disclosure,
    export::{ExportRecord, MAX_LINKS, Wanted, sha256, verify},
    position::Position,
    reason::Reason,
};
use exchange_proto::{
    export::{Content, MAX_FILE_BYTES, decode_file, encode_content, encode_file},
    store as row,
};
use rustls::pki_types::CertificateDer;
use std::{collections::BTreeMap, sync::Arc};

/// How often row and checkpoint are read until they fit: each time somebody else changed this very certificate between.
const ATTEMPTS: usize = 16;

/// A file.
#[derive(Debug)]
pub struct Exported {
    /// Its bytes.
    pub file: Vec<u8>,
    /// Of the status, UTC milliseconds.
    pub as_of_ms: u64,
    /// Whose values are in it.
    pub fields: Vec<String>,
}

impl Lookup {
    /// Exports a certificate of this city; recorded when it returns.
    ///
    /// # Errors
    /// Unknown, another city's, redacted, values that the caller may not see or the certificate does not have, or the
    /// ledger refuses the record.
    pub async fn export(&self, caller: &Caller, id: &str, wanted: &Wanted) -> Result<Exported, Refusal> {
        self.policy.may_read(caller)?;
        let head = self.head(id)?;
        let record = self.issuing.get(caller, id)?;
        let disclosures = self.chosen(caller, &record, wanted)?;
        let fields: Vec<String> = disclosures.iter().map(|one| one.name.clone()).collect();
        let as_of_ms = head.newest.at_ms;
        let content = encode_content(self.content(&head, disclosures)?);
        let uses = if fields.is_empty() { Vec::new() } else { self.holders_tags(&record)? };
        let exported = ExportRecord {
            at_ms: 0,
            nonce: self.random.array(),
            caller: caller.uri.to_string(),
            certificate_id: id.to_owned(),
            fields: fields.clone(),
            content_sha256: sha256(&content),
        };
        let receipt = self.access.record_export(&exported, uses).await?;
        let file = encode_file(content, receipt);
        if file.len() > MAX_FILE_BYTES {
            let found = format!("an export of {} bytes", file.len());
            let needed = format!("at most {MAX_FILE_BYTES}: fewer fields, or none");
            return Err(Refusal::caller(Reason::ValuesTooLarge, found, needed));
        }
        self.check_export(&file)?;
        Ok(Exported { file, as_of_ms, fields })
    }

    /// What would be refused elsewhere does not leave.
    fn check_export(&self, file: &[u8]) -> Result<(), Refusal> {
        let snapshot = self.trust.snapshot();
        let report = match decode_file(file) {
            Ok(export) => verify(&export, &snapshot.basis(self.clock.now_ms(), true)),
            Err(report) => report,
        };
        match report.failure() {
            None => Ok(()),
            Some(check) => {
                let found = format!("an export that fails the check {}: {}", check.name, check.found);
                Err(Refusal::node(Reason::NotGenuine, found, check.needed))
            }
        }
    }

    /// Values are for systems that act for the issuing department.
    fn chosen(&self, caller: &Caller, record: &Record, wanted: &Wanted) -> Result<Vec<Disclosure>, Refusal> {
        let may = self.policy.acts_for(caller, &record.header.issuer.uscc).is_some();
        let all = &record.disclosures;
        match wanted {
            Wanted::Nothing => Ok(Vec::new()),
            Wanted::All => Ok(all.clone()),
            Wanted::Fields(_) if !may => Err(Refusal::caller(
                Reason::IssuerNotCallers,
                "a caller that does not act for the issuing department",
                "a system of that department, or an export without values",
            )),
            Wanted::Fields(names) => {
                if let Some(unknown) = names.iter().position(|name| all.iter().all(|one| one.name != *name)) {
                    return Err(Refusal::caller(
                        Reason::FieldUnknown,
                        format!("fields[{unknown}], which the certificate does not have or no longer holds"),
                        "short names of its fields",
                    ));
                }
                Ok(all.iter().filter(|one| names.contains(&one.name)).cloned().collect())
            }
        }
    }

    /// Of those whose values leave: they see it among the uses of their certificates.
    fn holders_tags(&self, record: &Record) -> Result<Vec<[u8; 32]>, Refusal> {
        let code = record.header.type_code.as_str();
        let version = Some(record.header.type_version);
        let kind = self.catalogue.certificate_type(code, version)?.ok_or_else(|| {
            Refusal::node(Reason::TypeUnknown, format!("no type {code} here"), "the type that it was issued under")
        })?;
        let values: BTreeMap<&str, &str> =
            record.disclosures.iter().map(|one| (one.name.as_str(), one.value.as_str())).collect();
        let mut tags = Vec::new();
        for holder in kind.holders(&values)? {
            tags.extend(self.party_tags(code, &holder)?.first().map(|(_, tag)| tag.bytes));
        }
        Ok(tags)
    }

    /// The row, and a checkpoint that covers all that it says: the checkpoint is read first, and where the row has gone
    /// further meanwhile, both are read again.
    fn head(&self, id: &str) -> Result<Head, Refusal> {
        for _ in 0..ATTEMPTS {
            let newest = self.newest_checkpoint()?;
            let row = self.store.own_certificate(self.region, id)?.ok_or_else(|| self.issuing.not_ours(id))?;
            let last = row.links.last().map_or((row.epoch, row.index), |link| (link.epoch, link.index));
            if let Some((epoch, size, note)) = newest.filter(|(epoch, size, _)| last < (*epoch, *size)) {
                let newest = Checkpoint::parse_unverified(&note).map_err(broken)?;
                let tree = Log::new(&self.store.own, Kind::Events, self.region, epoch).tree(size)?;
                return Ok(Head { row, epoch, note, newest, tree });
            }
        }
        Err(broken("no checkpoint covers the certificate"))
    }

    /// Of the newest epoch that this node has signed in.
    fn newest_checkpoint(&self) -> Result<Option<(u32, u64, Value)>, Refusal> {
        let newest = self.trust.snapshot().bundle().newest_epoch(self.region, LogKind::Events).unwrap_or(1);
        for epoch in (1..=newest).rev() {
            let log = Log::new(&self.store.own, Kind::Events, self.region, epoch);
            if let Some((size, note)) = log.newest_checkpoint()? {
                return Ok(Some((epoch, size, note)));
            }
        }
        Ok(None)
    }

    fn content(&self, head: &Head, disclosures: Vec<Disclosure>) -> Result<Content, Refusal> {
        let Head { row, epoch, note, newest, tree } = head;
        if row.links.len() > MAX_LINKS {
            let found = format!("{} changes of status", row.links.len());
            return Err(Refusal::caller(Reason::ValuesTooLarge, found, format!("at most {MAX_LINKS}")));
        }
        let position = Position { region: self.region, epoch: row.epoch, index: row.index };
        let log = Log::new(&self.store.own, Kind::Events, self.region, row.epoch);
        let (first, mut first_note) =
            log.checkpoint_from(position.index + 1)?.ok_or_else(|| broken("no checkpoint covers the issue"))?;
        if (row.epoch, first) == (*epoch, newest.size) {
            // A heartbeat may have replaced it meanwhile: then it would be newer than what the status is as of.
            first_note = note.clone();
        }
        let own_tree;
        let issue_tree = if row.epoch == *epoch {
            tree
        } else {
            own_tree = log.tree(first)?;
            &own_tree
        };
        let issue = self.proof(&log, position, issue_tree, first, &first_note)?;
        let consistency = if row.epoch == *epoch { log.consistency(tree, first, newest.size)? } else { Vec::new() };
        let mut links = Vec::with_capacity(row.links.len());
        for link in &row.links {
            let at = Position { region: self.region, epoch: link.epoch, index: link.index };
            links.push(if link.epoch == *epoch {
                let log = Log::new(&self.store.own, Kind::Events, self.region, *epoch);
                self.proof(&log, at, tree, newest.size, note)?
            } else {
                let log = Log::new(&self.store.own, Kind::Events, self.region, link.epoch);
                let (size, note) = log.newest_checkpoint()?.ok_or_else(|| broken("an epoch without checkpoint"))?;
                self.proof(&log, at, &log.tree(size)?, size, &note)?
            });
        }
        let key = keys::regional(self.region, &row.key_id);
        let credential: row::CredentialRow = own::read(&self.store.own, Space::Credentials, key)?
            .ok_or_else(|| broken("the signer's credential is not in the store"))?;
        let credential: (Vec<u8>, Vec<Vec<u8>>) =
            (credential.leaf.into(), credential.intermediates.into_iter().map(Into::into).collect());
        let signed = Checkpoint::parse_unverified(&first_note).map_err(broken)?;
        let snapshot = self.trust.snapshot();
        let bundle = (snapshot.bundle().series.to_string(), snapshot.bundle().number);
        let crls = self.crls(&credential, signed.at_ms)?;
        Ok(Content { bundle, issue, as_of: note.to_vec(), consistency, links, credential, crls, disclosures })
    }

    fn proof(&self, log: &Log<'_>, at: Position, tree: &Tree, size: u64, note: &Value) -> Result<LogProof, Refusal> {
        let entry = match log.entry(at.index)? {
            Some(Entry::Bytes(bytes)) => bytes.to_vec(),
            Some(Entry::LeafHash(_)) => {
                return Err(Refusal::caller(
                    Reason::CertificateNotFound,
                    format!("the entry at {at} was redacted"),
                    "a certificate whose entries have their bytes",
                ));
            }
            None => return Err(broken(format!("no entry at {at}"))),
        };
        let origin = Origin::new(&self.access.trust_domain, self.region.as_str(), LogKind::Events, at.epoch);
        Ok(LogProof {
            origin: origin.map_err(broken)?,
            index: at.index,
            entry,
            hashes: log.inclusion(tree, at.index, size)?,
            checkpoint_note: note.to_vec(),
        })
    }

    /// The newest CRL of each CA of the signer's path, the root's last.
    fn crls(&self, credential: &(Vec<u8>, Vec<Vec<u8>>), signed_ms: u64) -> Result<Vec<Vec<u8>>, Refusal> {
        let snapshot = self.trust.snapshot();
        let basis = snapshot.basis(self.clock.now_ms(), true);
        let intermediates: Vec<_> = credential.1.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
        let untrusted = |error: chain::Error| {
            Refusal::node(error.reason(), error.to_string(), "a signer's credential and CRLs that this node believes")
        };
        let (verified, _) =
            chain::verify_signer(&credential.0, &intermediates, signed_ms, &basis).map_err(untrusted)?;
        let mut authorities = basis.roots.authorities().to_vec();
        for der in &credential.1 {
            authorities.push(Authority::parse(der).map_err(untrusted)?);
        }
        let of = |(issuer, _): &([u8; 32], _)| {
            let authority = authorities.iter().find(|authority| authority.spki_sha256 == *issuer);
            let crl = authority.and_then(|authority| basis.crls.newest(authority));
            crl.map(|crl| crl.der.clone()).ok_or_else(|| broken("a CRL that is gone"))
        };
        verified.path().iter().map(of).collect()
    }
}

/// What an export is put together from, all of one moment.
struct Head {
    row: Arc<row::CertificateRow>,
    epoch: u32,
    note: Value,
    newest: Checkpoint,
    tree: Tree,
}

fn broken(problem: impl ToString) -> Refusal {
    store::Error::Row { space: Space::Certificates.name(), problem: problem.to_string() }.into()
}
