//! Rows that are not issued, with the reason, for the department that has to mend them.

use super::{Error, Read};
use csv::StringRecord;
use exchange_core::reason::Reason;
use std::{
    fs::File,
    io::{BufWriter, Write},
    path::PathBuf,
};

pub(super) const LINE: &str = "rejected_line";
pub(super) const REASON: &str = "rejected_reason";
pub(super) const DETAIL: &str = "rejected_detail";
pub(super) const RIGHT: &str = "right_check_digit";

/// Why a row is rejected. Holds no value of the row besides codes that everybody may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The stable word of a [`Reason`]; a node of a later release may send one that this one does not know.
    pub reason: String,
    /// What was found and what is needed.
    pub detail: String,
    /// Where only that is wrong.
    pub right_check_digit: Option<char>,
}

impl Rejection {
    pub(super) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason: reason.code().to_owned(), detail: detail.into(), right_check_digit: None }
    }

    pub(super) const fn with_right(mut self, right: Option<char>) -> Self {
        self.right_check_digit = right;
        self
    }
}

/// Made with the first row that goes into it; that of an earlier run is removed at the start.
#[derive(Debug)]
pub(super) struct RejectedFile {
    path: PathBuf,
    header: StringRecord,
    /// Columns of the input that an earlier rejected file had in front.
    passed_over: usize,
    writer: Option<csv::Writer<BufWriter<File>>>,
}

impl RejectedFile {
    pub(super) fn create(path: PathBuf, header: &StringRecord) -> Result<Self, Error> {
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(Error::File { path, source }),
            _ => {
                let own = [LINE, REASON, DETAIL, RIGHT];
                let passed_over = header.iter().take_while(|name| own.contains(name)).count();
                Ok(Self { path, header: header.clone(), passed_over, writer: None })
            }
        }
    }

    /// At once in the file: a run that is killed leaves what it knew.
    pub(super) fn write(&mut self, row: &Read, rejection: &Rejection) -> Result<(), Error> {
        let path = self.path.clone();
        let failed = |source| Error::File { path: path.clone(), source };
        let writer = match &mut self.writer {
            Some(writer) => writer,
            None => {
                let mut file = BufWriter::new(File::create(&self.path).map_err(failed)?);
                // Spreadsheets take a file without this mark for the system's own encoding.
                file.write_all("\u{feff}".as_bytes()).map_err(failed)?;
                let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(file);
                let names = self.header.iter().skip(self.passed_over);
                let first = [LINE, REASON, DETAIL, RIGHT].into_iter().chain(names);
                writer.write_record(first).map_err(|error| failed(error.into()))?;
                self.writer.insert(writer)
            }
        };
        let line = row.line.to_string();
        let right = rejection.right_check_digit.map(String::from).unwrap_or_default();
        let first = [line.as_str(), &rejection.reason, &rejection.detail, &right];
        let values = row.record.iter().skip(self.passed_over);
        writer.write_record(first.into_iter().chain(values)).map_err(|error| failed(error.into()))?;
        writer.flush().map_err(failed)
    }

    pub(super) fn finish(&mut self) -> Result<(), Error> {
        match &mut self.writer {
            Some(writer) => writer.flush().map_err(|source| Error::File { path: self.path.clone(), source }),
            None => Ok(()),
        }
    }
}
