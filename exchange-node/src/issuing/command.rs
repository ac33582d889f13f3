//! The ledger command of an issue: what was signed, and what has to hold for it to count.

use crate::{
    blobs::{BlobKey, Pin},
    idempotency::Request,
    indexer::rows as index_rows,
    keys::DocumentSigner,
    ledger::{Changes, Command, Decision, View},
    refusal::Refusal,
    store::{Key, Space, Store, Value, Write, keys, own},
};
use bytes::Bytes;
use exchange_core::{
    certificate::{Draft, Header},
    certificate_id::CertificateId,
    event::EventKind,
    position::Position,
    reason::Reason,
    region::Region,
    status::Status,
};
use exchange_proto::{event, rows, store};
use std::sync::Arc;

/// The revision that a new one replaces.
pub(super) struct Previous {
    pub(super) id: CertificateId,
    pub(super) revision: u32,
}

/// The signer's credential: it stands in the log before its first use.
struct Credential {
    body: Bytes,
    row: store::CredentialRow,
}

impl Credential {
    fn of(signer: &DocumentSigner) -> Self {
        let (leaf, intermediates) = (
            signer.chain.first().cloned().unwrap_or_default(),
            signer.chain.iter().skip(1).cloned().collect::<Vec<_>>(),
        );
        let row = store::CredentialRow {
            leaf: leaf.clone().into(),
            intermediates: intermediates.iter().cloned().map(Into::into).collect(),
            uscc: signer.issuer.uscc.to_string(),
            ..Default::default()
        };
        let body = event::encode_body(&EventKind::CredentialPublished { leaf, intermediates }, false).into();
        Self { body, row }
    }
}

/// An imported row.
pub(super) struct Import {
    key: Key,
    digest: [u8; 32],
}

impl Import {
    pub(super) fn new(draft: &Draft, (source_id, row_time): &(String, String), digest: [u8; 32]) -> Self {
        let key = keys::parts(&[
            draft.issuer.uscc.as_str().as_bytes(),
            draft.type_code.as_str().as_bytes(),
            source_id.as_bytes(),
            row_time.as_bytes(),
        ]);
        Self { key, digest }
    }

    /// The certificate that this very row was issued as.
    pub(super) fn earlier(&self, store: &Store) -> Result<Option<String>, Refusal> {
        store.own.get(Space::Imports, &self.key)?.map(|value| self.same(&value)).transpose()
    }

    fn same(&self, value: &Value) -> Result<String, Refusal> {
        let row: store::ImportRow = own::decode(Space::Imports, value)?;
        if row.digest == self.digest.as_slice() {
            return Ok(row.certificate_id);
        }
        Err(Refusal::caller(
            Reason::ImportRowChanged,
            "a row with the source id and time of another row",
            "a new row time for a changed row",
        ))
    }
}

/// The rows of a certificate's files.
pub(super) struct FilesRow {
    pub(super) sealed: Bytes,
    pub(super) blobs: Vec<BlobKey>,
}

/// Issues a certificate, or a revision.
pub(super) struct Issue {
    pub(super) region: Region,
    pub(super) request: Request,
    pub(super) import: Option<Import>,
    /// Body of the `CertificateIssued` entry.
    pub(super) issued: Bytes,
    /// Body of the `HolderTags` entry.
    pub(super) tags: Option<Bytes>,
    /// As it was signed, without its digests.
    pub(super) header: Header,
    /// The serial was drawn for this certificate (103 random bits): nothing is read to find out whether another one has it.
    pub(super) drawn: bool,
    pub(super) signer: Arc<DocumentSigner>,
    /// The log is known to hold the signer's credential; nothing is read to find out.
    pub(super) published: bool,
    pub(super) disclosures: Bytes,
    /// `None`: it has no files, and no row of them.
    pub(super) files: Option<FilesRow>,
    /// Its files are not swept while this is decided and committed.
    pub(super) pins: Vec<Pin>,
    pub(super) previous: Option<Previous>,
}

impl Issue {
    fn certificate_key(&self) -> Key {
        keys::regional(self.region, self.header.certificate_id.as_str().as_bytes())
    }

    fn credential_key(&self) -> Key {
        keys::regional(self.region, &self.signer.key_id)
    }

    fn previous_key(&self) -> Option<Key> {
        self.previous.as_ref().map(|previous| keys::regional(self.region, previous.id.as_str().as_bytes()))
    }

    /// The row of the previous revision after this one, if it may be replaced.
    fn replace(&self, view: &View<'_>, index: u64) -> Result<Option<Write>, Refusal> {
        let Some(key) = self.previous_key() else { return Ok(None) };
        let conflict = |found: String| Refusal::caller(Reason::RevisionConflict, found, "the newest revision");
        let value =
            view.row(Space::Certificates, &key)?.ok_or_else(|| conflict("a certificate that is gone".into()))?;
        let mut row: store::CertificateRow = own::decode(Space::Certificates, value)?;
        if !row.replaced_by.is_empty() {
            return Err(conflict(format!("a certificate that {} has replaced", row.replaced_by)));
        }
        let from = Status::from_number(row.status).unwrap_or(Status::Active);
        if from.is_final() {
            return Err(conflict(format!("a certificate that is {from}")));
        }
        let position = Position { index, ..view.next_event() };
        index_rows::replace(&mut row, position, &self.header);
        Ok(Some(Write::put(Space::Certificates, key, rows::encode(&row))))
    }

    /// Was this row imported before? The row answers like a request.
    fn imported(&self, view: &View<'_>) -> Result<Option<Decision>, Refusal> {
        let Some(import) = &self.import else { return Ok(None) };
        let Some(value) = view.row(Space::Imports, &import.key)? else { return Ok(None) };
        let earlier = store::RequestRow { certificate_id: import.same(value)?, ..Default::default() };
        Ok(Some(Decision::Earlier(rows::encode(&earlier).into())))
    }
}

impl Command for Issue {
    fn reads(&self, keys: &mut Vec<(Space, Key)>) {
        keys.push(self.request.reads());
        keys.extend((!self.drawn).then(|| (Space::Certificates, self.certificate_key())));
        keys.extend((!self.published).then(|| (Space::Credentials, self.credential_key())));
        keys.extend(self.previous_key().map(|key| (Space::Certificates, key)));
        keys.extend(self.import.as_ref().map(|import| (Space::Imports, import.key.clone())));
    }

    fn decide(&self, view: &View<'_>) -> Result<Decision, Refusal> {
        if let Some(decision) = self.imported(view)? {
            return Ok(decision);
        }
        if let Some(row) = self.request.earlier(view)? {
            return Ok(Decision::Earlier(rows::encode(&row).into()));
        }
        let mut changes = Changes::default();
        let first = view.next_event();
        let mut index = first.index;
        if !self.published && view.row(Space::Credentials, &self.credential_key())?.is_none() {
            let Credential { body, row } = Credential::of(&self.signer);
            let row = store::CredentialRow { epoch: first.epoch, index, ..row };
            changes.rows.push(Write::put(Space::Credentials, self.credential_key(), rows::encode(&row)));
            changes.events.push(body);
            index += 1;
        }
        changes.named = index - first.index;
        // First: that the previous revision was replaced says more than that the next identifier is taken.
        changes.rows.extend(self.replace(view, index)?);
        let certificate = self.certificate_key();
        if !self.drawn && view.row(Space::Certificates, &certificate)?.is_some() {
            return Err(Refusal::caller(
                Reason::CertificateExists,
                format!("certificate {} exists", self.header.certificate_id),
                "another serial, or ReviseCertificate",
            ));
        }
        let row = index_rows::issued(Position { index, ..first }, &self.header, &self.signer.key_id);
        changes.rows.push(Write::put(Space::Certificates, certificate.clone(), rows::encode(&row)));
        if let Some(files) = &self.files {
            changes.rows.push(Write::files(certificate.clone(), files.sealed.clone()));
            let id = self.header.certificate_id.as_str();
            let refer = |blob| Write::put(Space::Blobs, keys::blob(blob, self.region, id), vec![1]);
            changes.rows.extend(files.blobs.iter().map(refer));
        }
        changes.rows.push(Write::disclosures(certificate, self.disclosures.clone()));
        let answer = store::RequestRow {
            certificate_id: self.header.certificate_id.to_string(),
            epoch: first.epoch,
            index,
            ..Default::default()
        };
        changes.rows.push(self.request.answered(answer, view.now_ms()));
        if let Some(import) = &self.import {
            let row = store::ImportRow {
                digest: import.digest.to_vec().into(),
                certificate_id: self.header.certificate_id.to_string(),
            };
            changes.rows.push(Write::put(Space::Imports, import.key.clone(), rows::encode(&row)));
        }
        changes.events.push(self.issued.clone());
        changes.events.extend(self.tags.clone());
        Ok(Decision::Commit(changes))
    }
}
