//! A sample as a file.

use super::{COLUMNS, Row};
use encoding_rs::GB18030;
use std::io::{self, Write};

/// How the text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Encoding {
    /// Without a byte order mark.
    #[default]
    Utf8,
    /// GB 18030-2022.
    Gb18030,
}

/// Bytes that are encoded at once.
const CHUNK: usize = 64 << 10;

/// Writes rows as CSV with a header.
///
/// # Errors
/// As the output says.
pub fn write(rows: impl Iterator<Item = Row>, out: impl Write, encoding: Encoding) -> io::Result<()> {
    let mut csv = csv::WriterBuilder::new().buffer_capacity(CHUNK).from_writer(Encoded { out, encoding });
    csv.write_record(COLUMNS)?;
    for row in rows {
        csv.write_record(row.values())?;
    }
    csv.flush()
}

struct Encoded<W> {
    out: W,
    encoding: Encoding,
}

impl<W: Write> Write for Encoded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.encoding == Encoding::Utf8 {
            return self.out.write(bytes);
        }
        // The writer above may cut its buffer within a character: the rest comes again with the next bytes.
        let whole = match std::str::from_utf8(bytes) {
            Ok(_) => bytes.len(),
            Err(error) if error.valid_up_to() > 0 => error.valid_up_to(),
            Err(_) => return Err(io::Error::new(io::ErrorKind::InvalidData, "no whole character to encode")),
        };
        let text = String::from_utf8_lossy(&bytes[..whole]);
        let (encoded, ..) = GB18030.encode(&text);
        self.out.write_all(&encoded)?;
        Ok(whole)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
