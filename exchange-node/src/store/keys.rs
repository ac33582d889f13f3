//! Keys of rows, as bytes (formats.md, "Keys of rows"): region six ASCII digits, epoch u32, index and size u64,
//! big-endian; a variable part that is not last is prefixed by its u16 length.

use super::Key;
use exchange_core::region::Region;

/// Of the row that holds the store's format.
pub const FORMAT: &[u8] = b"format";
/// Of the row that holds the publisher's mark (epoch ‖ next index).
pub const PUBLISHED: &[u8] = b"published";

/// region ‖ epoch.
pub fn log(region: Region, epoch: u32) -> Key {
    let mut key = Vec::with_capacity(24);
    key.extend_from_slice(&region.as_bytes());
    key.extend_from_slice(&epoch.to_be_bytes());
    key
}

/// region ‖ epoch ‖ number: an entry by index, a checkpoint by size.
pub fn entry(region: Region, epoch: u32, number: u64) -> Key {
    let mut key = log(region, epoch);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// region ‖ epoch ‖ level ‖ tile.
pub fn tile(region: Region, epoch: u32, level: u8, tile: u64) -> Key {
    let mut key = log(region, epoch);
    key.push(level);
    key.extend_from_slice(&tile.to_be_bytes());
    key
}

/// region ‖ variable last part: a certificate by id, a credential by key id, a question by its id.
pub fn regional(region: Region, last: &[u8]) -> Key {
    let mut key = Vec::with_capacity(6 + last.len());
    key.extend_from_slice(&region.as_bytes());
    key.extend_from_slice(last);
    key
}

/// blob 32 ‖ region ‖ certificate id.
pub fn blob(blob: &[u8; 32], region: Region, certificate_id: &str) -> Key {
    let mut key = blob.to_vec();
    key.extend_from_slice(&region.as_bytes());
    key.extend_from_slice(certificate_id.as_bytes());
    key
}

/// The blob and the certificate of a key that [`blob`] made.
pub fn blob_of(key: &[u8]) -> Option<([u8; 32], String)> {
    let (blob, rest) = key.split_first_chunk::<32>()?;
    Some((*blob, String::from_utf8(rest.get(6..)?.to_vec()).ok()?))
}

/// u16 length ‖ caller URI ‖ id.
pub fn request(caller: &str, id: &[u8; 16]) -> Key {
    let mut key = sized(caller.as_bytes());
    key.extend_from_slice(id);
    key
}

/// index key id ‖ tag ‖ region ‖ certificate id.
pub fn holder(index_key_id: &[u8; 8], tag: &[u8; 32], region: Region, certificate_id: &str) -> Key {
    // Exactly as long as it gets: the engine keeps the allocation.
    let mut key = Vec::with_capacity(8 + 32 + 6 + certificate_id.len());
    key.extend_from_slice(index_key_id);
    key.extend_from_slice(tag);
    key.extend_from_slice(&region.as_bytes());
    key.extend_from_slice(certificate_id.as_bytes());
    key
}

/// index key id ‖ tag.
pub fn holder_prefix(index_key_id: &[u8; 8], tag: &[u8; 32]) -> Key {
    let mut key = Vec::with_capacity(8 + 32);
    key.extend_from_slice(index_key_id);
    key.extend_from_slice(tag);
    key
}

/// region ‖ `access`: beside the region's state, the newest access checkpoint that its event log anchors.
pub fn anchored_access(region: Region) -> Key {
    regional(region, b"access")
}

/// epoch ‖ index of an access record.
pub fn access(epoch: u32, index: u64) -> Key {
    let mut key = epoch.to_be_bytes().to_vec();
    key.extend_from_slice(&index.to_be_bytes());
    key
}

/// holder tag ‖ epoch ‖ index.
pub fn holder_use(tag: &[u8; 32], epoch: u32, index: u64) -> Key {
    let mut key = tag.to_vec();
    key.extend_from_slice(&access(epoch, index));
    key
}

/// u16 length ‖ code ‖ version.
pub fn versioned(code: &str, version: u32) -> Key {
    let mut key = sized(code.as_bytes());
    key.extend_from_slice(&version.to_be_bytes());
    key
}

/// region ‖ u16 length ‖ code ‖ version.
pub fn regional_versioned(region: Region, code: &str, version: u32) -> Key {
    let mut key = region.as_bytes().to_vec();
    key.extend_from_slice(&versioned(code, version));
    key
}

/// Each part prefixed by its u16 length.
pub fn parts(parts: &[&[u8]]) -> Key {
    parts.iter().flat_map(|part| sized(part)).collect()
}

/// u16 length ‖ bytes. Longer parts than 65,535 bytes are cut by their grammar before they come here.
pub fn sized(part: &[u8]) -> Key {
    let mut key = Vec::with_capacity(part.len() + 32);
    key.extend_from_slice(&u16::try_from(part.len()).unwrap_or(u16::MAX).to_be_bytes());
    key.extend_from_slice(part);
    key
}

/// The first key behind all that begin with `prefix`.
pub fn after(prefix: &[u8]) -> Key {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return end;
        }
    }
    vec![u8::MAX; prefix.len() + 1]
}

/// The last eight bytes of a key as a number: the index of an entry, the size of a checkpoint.
pub fn last_number(key: &[u8]) -> u64 {
    key.last_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}
