//! Small entries, unpacked at once with one state for all of them: to make and clear a state of 40 kB costs more than most
//! entries of a document. Larger ones are unpacked in pieces, by the zip crate.

use std::io::Read;

use flate2::{Decompress, FlushDecompress, Status};

use super::directory::Entry;

/// What is used again from entry to entry.
pub(super) struct Unpacker {
    inflate: Option<Decompress>,
    packed: Vec<u8>,
}

impl Default for Unpacker {
    fn default() -> Self {
        Self { inflate: None, packed: Vec::new() }
    }
}

impl Unpacker {
    /// The whole content of an entry, exactly as long as its directory claims and with its CRC. The error says what is wrong.
    pub(super) fn whole(&mut self, mut packed: impl Read, entry: &Entry) -> Result<Vec<u8>, String> {
        let (Ok(packed_bytes), Ok(unpacked)) = (usize::try_from(entry.packed), usize::try_from(entry.unpacked)) else {
            return Err("it is larger than memory".to_owned());
        };
        self.packed.resize(packed_bytes, 0);
        packed.read_exact(&mut self.packed).map_err(|e| e.to_string())?;
        let content = if entry.is_stored() { self.packed.clone() } else { self.inflated(unpacked)? };
        if content.len() < unpacked {
            return Err("it has less than it claims".to_owned());
        }
        if content.len() > unpacked {
            return Err("it is larger than it claims".to_owned());
        }
        if crc32fast::hash(&content) != entry.crc {
            return Err("it is not what its CRC was taken of".to_owned());
        }
        Ok(content)
    }

    /// Never more than one byte above what is claimed, by which more is noticed.
    fn inflated(&mut self, unpacked: usize) -> Result<Vec<u8>, String> {
        let inflate = match &mut self.inflate {
            Some(inflate) => {
                inflate.reset(false);
                inflate
            }
            none => none.insert(Decompress::new(false)),
        };
        let mut content = vec![0; unpacked + 1];
        let status =
            inflate.decompress(&self.packed, &mut content, FlushDecompress::Finish).map_err(|e| e.to_string())?;
        let count = usize::try_from(inflate.total_out()).unwrap_or(usize::MAX);
        if status != Status::StreamEnd && count <= unpacked {
            return Err("it ends too early".to_owned());
        }
        content.truncate(count);
        Ok(content)
    }
}
