//! FILE-1, fed from the logs and the kept files of running nodes.

use super::{World, held::Held};
use exchange_core::{
    event::EventKind,
    file::StoredFile,
    invariants::{self, Kept, Violation},
    region::Region,
    sealed::{self, StoreKey},
};
use exchange_proto::{certificate, file};
use std::{collections::BTreeMap, path::PathBuf};

impl World {
    /// FILE-1: every certificate of a city's own log has its files there.
    pub(super) fn files(&self, events: &BTreeMap<Region, Held>) -> Result<(), Violation> {
        for (node, log) in events {
            let mut all = Vec::new();
            for (index, kind) in log.events() {
                let EventKind::CertificateIssued { envelope } = kind else { continue };
                let Ok(envelope) = certificate::decode_envelope(&envelope) else { continue };
                let Ok(header) = certificate::decode_header(&envelope.payload) else { continue };
                let certificate_id = header.certificate_id.to_string();
                let row = self.store(node.as_str()).own_certificate(*node, &certificate_id).unwrap();
                if row.is_none_or(|row| row.index != index) {
                    continue; // void
                }
                let kept = self.stored_files(*node, &certificate_id);
                let kept = kept.iter().map(|file| Some((file.salt, self.kept_bytes(*node, file)?))).collect();
                all.push(Kept { certificate_id, named: header.files, kept });
            }
            invariants::file_1(&all)?;
        }
        Ok(())
    }

    /// What a node keeps of a certificate's files, opened with its own store key.
    pub(crate) fn stored_files(&self, node: Region, id: &str) -> Vec<StoredFile> {
        let Some(row) = self.store(node.as_str()).sealed_files(node, id).unwrap() else { return Vec::new() };
        let key: StoreKey = self.key_file(node, "store.key").parse().unwrap();
        let aad = [b"files/v1".as_slice(), &node.as_bytes(), id.as_bytes()].concat();
        file::decode_stored(&sealed::open(&key.subkey("exchange/files/v1"), key.id(), &aad, &row).unwrap()).unwrap()
    }

    pub(crate) fn kept_bytes(&self, node: Region, file: &StoredFile) -> Option<Vec<u8>> {
        let mut reader = self.node(node.as_str()).control().blobs().read(file).ok()?;
        let mut bytes = Vec::new();
        while let Some(chunk) = reader.next_chunk().ok()? {
            bytes.extend(chunk);
        }
        Some(bytes)
    }

    /// Where a node keeps a file.
    pub(crate) fn blob_path(&self, node: &str, blob: &[u8; 32]) -> PathBuf {
        let name = exchange_node::blobs::name(blob);
        self.data(node).join("blobs").join(&name[..2]).join(&name)
    }

    /// How many files a node keeps, whoever they are of.
    pub(crate) fn blobs_of(&self, node: &str) -> usize {
        let folders = std::fs::read_dir(self.data(node).join("blobs")).unwrap().flatten();
        folders.filter_map(|folder| std::fs::read_dir(folder.path()).ok()).map(Iterator::count).sum()
    }
}
