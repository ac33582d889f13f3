//! The file as a stream of rows in UTF-8.

use super::{Error, Options, Read as Row};
use csv::StringRecord;
use encoding_rs::{CoderResult, Decoder, GB18030, UTF_8};
use indicatif::ProgressBar;
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};
use tokio::sync::mpsc;

/// Bytes by which the encoding is found out. A library in Chinese shows it in its first rows.
const LOOKED_AT: usize = 1 << 20;
const CHUNK: usize = 64 << 10;
/// Largest row, in bytes of UTF-8. The values of one certificate have at most 1 MiB together; what goes on for longer is a
/// quote that was never closed, and would otherwise be read into memory to the file's end.
const MAX_ROW_BYTES: usize = 4 << 20;

/// Of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Encoding {
    /// Read with or without a byte order mark, written without.
    #[value(name = "utf-8", alias = "utf8")]
    Utf8,
    /// GB 18030, and with it GBK and GB 2312.
    Gb18030,
}

/// A file whose header was read.
pub(super) struct Source {
    pub(super) header: StringRecord,
    csv: csv::Reader<Decoded>,
}

pub(super) fn open(options: &Options, progress: &ProgressBar) -> Result<Source, Error> {
    let path = &options.file;
    let failed = |source| Error::File { path: path.clone(), source };
    let mut file = File::open(path).map_err(failed)?;
    progress.set_length(file.metadata().map_err(failed)?.len());
    let mut first = Vec::new();
    Read::by_ref(&mut file).take(LOOKED_AT as u64).read_to_end(&mut first).map_err(failed)?;
    let encoding = match options.encoding {
        Some(encoding) => encoding,
        None => detect(&first).ok_or_else(|| Error::Encoding { path: path.clone() })?,
    };
    let decoded = Decoded::new(first, file, encoding, progress.clone());
    // Rows with too few or too many columns are rejected one by one, not the whole file.
    let mut csv = csv::ReaderBuilder::new().flexible(true).buffer_capacity(CHUNK).from_reader(decoded);
    let header = csv.headers().map_err(|source| Error::Csv { path: path.clone(), source })?.clone();
    csv.get_mut().of_row = 0;
    Ok(Source { header, csv })
}

impl Source {
    /// Reads to the end, or until nobody wants more.
    pub(super) fn send_all(mut self, path: &Path, out: &mpsc::Sender<Result<Row, Error>>) {
        loop {
            let mut record = StringRecord::new();
            let row = match self.csv.read_record(&mut record) {
                Ok(false) => return,
                Ok(true) => {
                    self.csv.get_mut().of_row = 0;
                    Ok(Row { line: record.position().map_or(0, csv::Position::line), record })
                }
                Err(source) => Err(Error::Csv { path: path.to_owned(), source }),
            };
            let last = row.is_err();
            if out.blocking_send(row).is_err() || last {
                return;
            }
        }
    }
}

/// UTF-8 where that fits; else GB18030 where that does.
fn detect(first: &[u8]) -> Option<Encoding> {
    match std::str::from_utf8(first) {
        Ok(_) => return Some(Encoding::Utf8),
        // The last character may be cut.
        Err(error) if error.error_len().is_none() && first.len() == LOOKED_AT => return Some(Encoding::Utf8),
        Err(_) => {}
    }
    let mut decoder = GB18030.new_decoder_without_bom_handling();
    let mut text = String::with_capacity(decoder.max_utf8_buffer_length(first.len())?);
    let (.., malformed) = decoder.decode_to_string(first, &mut text, first.len() < LOOKED_AT);
    (!malformed).then_some(Encoding::Gb18030)
}

/// Decodes while it reads. What cannot be decoded becomes U+FFFD, by which the row is rejected.
struct Decoded {
    /// What was read already to find the encoding, then the rest.
    input: io::Chain<io::Cursor<Vec<u8>>, File>,
    decoder: Decoder,
    raw: Vec<u8>,
    at: usize,
    ended: bool,
    /// The decoder was told the end, and must not be asked again.
    done: bool,
    /// Bytes given since the last row ended; the reader is ahead by a chunk at most.
    of_row: usize,
    progress: ProgressBar,
}

impl Decoded {
    fn new(first: Vec<u8>, rest: File, encoding: Encoding, progress: ProgressBar) -> Self {
        let decoder = match encoding {
            Encoding::Utf8 => UTF_8.new_decoder_with_bom_removal(),
            Encoding::Gb18030 => GB18030.new_decoder_with_bom_removal(),
        };
        let input = io::Cursor::new(first).chain(rest);
        Self { input, decoder, raw: Vec::with_capacity(CHUNK), at: 0, ended: false, done: false, of_row: 0, progress }
    }

    fn refill(&mut self) -> io::Result<()> {
        self.raw.clear();
        self.at = 0;
        let found = Read::by_ref(&mut self.input).take(CHUNK as u64).read_to_end(&mut self.raw)?;
        self.ended = found == 0;
        self.progress.inc(found as u64);
        Ok(())
    }
}

impl Read for Decoded {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.of_row > MAX_ROW_BYTES {
            let problem = format!("a row of more than {MAX_ROW_BYTES} bytes: is a quote not closed?");
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        }
        while !self.done {
            if self.at == self.raw.len() && !self.ended {
                self.refill()?;
            }
            let (outcome, read, written, _) = self.decoder.decode_to_utf8(&self.raw[self.at..], out, self.ended);
            self.at += read;
            self.done = self.ended && outcome == CoderResult::InputEmpty;
            if written > 0 {
                self.of_row += written;
                return Ok(written);
            }
        }
        Ok(0)
    }
}
