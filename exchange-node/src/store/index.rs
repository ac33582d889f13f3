//! The index of all regions: rows of `province/`, and the own certificates of `own/`.

use super::{Database, Error, Space, Store, keys, own};
use exchange_core::region::Region;
use exchange_proto::store;
use std::sync::Arc;

impl Store {
    /// Where a region's certificates are.
    pub fn certificates_of(&self, region: Region) -> &Database {
        if region == self.home { &self.own } else { &self.province }
    }

    /// A certificate of any region, as the index has it.
    pub fn indexed_certificate(&self, region: Region, id: &str) -> Result<Option<Arc<store::CertificateRow>>, Error> {
        self.certificates_of(region).certificate(&keys::regional(region, id.as_bytes()))
    }

    /// Is a certificate with this id in a region's index?
    pub fn has_certificate(&self, region: Region, id: &str) -> Result<bool, Error> {
        self.certificates_of(region).contains(Space::Certificates, keys::regional(region, id.as_bytes()))
    }

    /// Certificates under a tag: region and id, in key order, at most `limit`.
    pub fn holder_index(
        &self,
        index_key_id: &[u8; 8],
        tag: &[u8; 32],
        limit: usize,
    ) -> Result<Vec<(Region, String)>, Error> {
        let prefix = keys::holder_prefix(index_key_id, tag);
        let found = self.province.scan(Space::Holders, &prefix, &keys::after(&prefix), limit)?;
        found.iter().map(|(key, _)| holder_key(&key[prefix.len()..])).collect()
    }

    /// Is a certificate under this tag?
    pub fn has_holder(&self, index_key_id: &[u8; 8], tag: &[u8; 32], region: Region, id: &str) -> Result<bool, Error> {
        self.province.contains(Space::Holders, keys::holder(index_key_id, tag, region, id))
    }

    /// Where a region's log stands here.
    pub fn region_state(&self, region: Region) -> Result<Option<Arc<store::LogState>>, Error> {
        self.province.log_state(&region.as_bytes())
    }

    /// A version of a certificate type, or the newest.
    pub fn certificate_type(&self, code: &str, version: Option<u32>) -> Result<Option<store::TypeRow>, Error> {
        self.versioned(Space::Types, keys::sized(code.as_bytes()), version)
    }

    /// The newest access checkpoint that a region's event log anchors.
    pub fn anchored_access(&self, region: Region) -> Result<Option<store::SeenAccessRow>, Error> {
        own::read(&self.province, Space::Regions, keys::anchored_access(region))
    }

    /// Calls `each` for a region's certificates in the order of their ids, from one on, until it says false.
    pub fn visit_certificates(
        &self,
        region: Region,
        from: &str,
        mut each: impl FnMut(&str, store::CertificateRow) -> bool,
    ) -> Result<(), Error> {
        let mut problem = None;
        let (start, end) = (keys::regional(region, from.as_bytes()), keys::after(&region.as_bytes()));
        self.certificates_of(region).visit(Space::Certificates, &start, &end, |key, value| {
            match own::decode(Space::Certificates, &value) {
                Ok(row) => each(&String::from_utf8_lossy(&key[6..]), row),
                Err(error) => {
                    problem = Some(error);
                    false
                }
            }
        })?;
        problem.map_or(Ok(()), Err)
    }

    /// Codes of all certificate types, in order.
    pub fn type_codes(&self) -> Result<Vec<String>, Error> {
        self.codes(Space::Types)
    }

    /// Codes of all uniform matters, in order.
    pub fn matter_codes(&self) -> Result<Vec<String>, Error> {
        self.codes(Space::Matters)
    }

    fn codes(&self, space: Space) -> Result<Vec<String>, Error> {
        let mut codes: Vec<String> = Vec::new();
        self.province.visit(space, &[], &[u8::MAX; 3], |key, _| {
            if let Some(code) = key.get(2..key.len().saturating_sub(4)) {
                let code = String::from_utf8_lossy(code);
                if codes.last().is_none_or(|last| *last != code) {
                    codes.push(code.into_owned());
                }
            }
            true
        })?;
        Ok(codes)
    }

    /// A version of a uniform matter, or the newest.
    pub fn matter(&self, code: &str, version: Option<u32>) -> Result<Option<store::MatterRow>, Error> {
        self.versioned(Space::Matters, keys::sized(code.as_bytes()), version)
    }

    /// The newest implementation of a version of a matter by a region.
    pub fn implementation(&self, region: Region, matter_code: &str) -> Result<Option<store::ImplementationRow>, Error> {
        self.versioned(Space::Implementations, keys::regional(region, &keys::sized(matter_code.as_bytes())), None)
    }

    fn versioned<M: prost::Message + Default>(
        &self,
        space: Space,
        mut prefix: Vec<u8>,
        version: Option<u32>,
    ) -> Result<Option<M>, Error> {
        if let Some(version) = version {
            prefix.extend_from_slice(&version.to_be_bytes());
            return own::read(&self.province, space, prefix);
        }
        let newest = self.province.last(space, &prefix, &keys::after(&prefix))?;
        newest.map(|(_, value)| own::decode(space, &value)).transpose()
    }
}

fn holder_key(rest: &[u8]) -> Result<(Region, String), Error> {
    let broken = || Error::Row { space: Space::Holders.name(), problem: "the key has no region and id".to_owned() };
    let (region, id) = rest.split_at_checked(6).ok_or_else(broken)?;
    let region = std::str::from_utf8(region).ok().and_then(|text| Region::parse(text).ok()).ok_or_else(broken)?;
    Ok((region, String::from_utf8_lossy(id).into_owned()))
}
