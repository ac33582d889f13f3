//! Small entries, unpacked at once with one state for all of them: to make and clear a state of 40 kB costs more than most
//! entries of a document. Larger ones are unpacked in pieces, by the zip crate.

use std::io::Read;

use flate2::{Decompress, FlushDecompress, Status};

use super::directory::Entry;

/// What is used again from entry to entry.
#[derive(Default)]
pub(super) struct Unpacker {
    inflate: Option<Decompress>,
    packed: Vec<u8>,
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::io::{Cursor, Write};

    use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

    use crate::{Limits, digest::DigestAlgorithm, ofd::Package};

    const METHODS: [CompressionMethod; 2] = [CompressionMethod::Stored, CompressionMethod::Deflated];

    fn archive(content: &[u8], method: CompressionMethod) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer.start_file("a", SimpleFileOptions::default().compression_method(method)).unwrap();
        writer.write_all(content).unwrap();
        writer.finish().unwrap().into_inner()
    }

    fn read(archive: &[u8]) -> Result<Vec<u8>, String> {
        let mut package = Package::open(Cursor::new(archive), Limits::DEFAULT).unwrap();
        package.read(0, 1 << 20).map(|content| content.to_vec()).map_err(|error| error.to_string())
    }

    /// Small or not, kept or not: the content is the same.
    #[test]
    fn content_of_every_length() {
        for length in [0, 1, 257, 258, 259, 65_536, 262_143, 262_144, 262_145, 600_000] {
            let content: Vec<u8> = (0..length).map(|i: usize| (i * i % 251) as u8).collect();
            for method in METHODS {
                let bytes = archive(&content, method);
                let mut package = Package::open(Cursor::new(&bytes), Limits::DEFAULT).unwrap();
                for algorithm in [DigestAlgorithm::Sm3, DigestAlgorithm::Sha256] {
                    assert_eq!(package.digest(0, algorithm).unwrap(), algorithm.digest(&content), "{length} {method}");
                    assert_eq!(*package.read(0, 1 << 20).unwrap(), content, "{length} {method}");
                }
            }
        }
    }

    #[test]
    fn what_is_damaged_says_how() {
        let content: Vec<u8> = (0..5000_u32).map(|i| (i * i % 251) as u8).collect();
        for method in METHODS {
            let good = archive(&content, method);
            // The CRC of entry and directory.
            let mut bytes = good.clone();
            let central = bytes.windows(4).position(|part| part == b"PK\x01\x02").unwrap();
            bytes[14] ^= 1;
            bytes[central + 16] ^= 1;
            assert_eq!(
                read(&bytes).unwrap_err(),
                "not a sound ZIP archive: a cannot be unpacked: it is not what its CRC was taken of"
            );
            // Any byte of what is packed.
            for at in (31..central).step_by(97) {
                let mut bytes = good.clone();
                bytes[at] ^= 0x10;
                let error = read(&bytes).unwrap_err();
                assert!(error.contains("a cannot be unpacked: "), "{method} {at}: {error}");
            }
        }
    }
}
