//! A sample as a file.

use super::{COLUMNS, Row};
use crate::import::Encoding;
use encoding_rs::GB18030;
use std::io::{self, Write};

/// Bytes that are encoded at once.
const CHUNK: usize = 64 << 10;

/// Writes rows as CSV with a header.
///
/// # Errors
/// As the output says.
pub fn write(rows: impl Iterator<Item = Row>, out: impl Write, encoding: Encoding) -> io::Result<()> {
    let encoded = Encoded { out, encoding, rest: Vec::new() };
    let mut csv = csv::WriterBuilder::new().buffer_capacity(CHUNK).from_writer(encoded);
    csv.write_record(COLUMNS)?;
    for row in rows {
        csv.write_record(row.values())?;
    }
    csv.flush()
}

struct Encoded<W> {
    out: W,
    encoding: Encoding,
    /// The beginning of a character whose end has not come yet: the writer above cuts its buffer anywhere.
    rest: Vec<u8>,
}

impl<W: Write> Write for Encoded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.encoding == Encoding::Utf8 {
            return self.out.write(bytes);
        }
        self.rest.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.rest) {
            Ok(_) => self.rest.len(),
            Err(error) => error.valid_up_to(),
        };
        let text = String::from_utf8_lossy(&self.rest[..whole]);
        let (encoded, ..) = GB18030.encode(&text);
        self.out.write_all(&encoded)?;
        self.rest.drain(..whole);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
