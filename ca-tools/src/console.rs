//! What both programs say: results on standard output, messages on standard error, for people or as JSON.
//!
//! With `-o json` standard error has one JSON object a line: `{"note": …}` for what is worth knowing and, last, if the
//! command failed, `{"error": …}`. Field names are stable; a field of which nothing is known is left out.

use std::{
    ffi::OsString,
    io::{self, IsTerminal, Write},
};

use clap::error::{ContextKind, ContextValue};
use serde::Serialize;
use serde_json::json;

use crate::exit::Exit;

/// How results are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

impl Format {
    /// What `-o` says in arguments that do not parse: their error is shown in it.
    #[must_use]
    pub fn asked(arguments: &[OsString]) -> Self {
        let words: Vec<_> = arguments.iter().map(|word| word.to_string_lossy()).collect();
        let joined = words.iter().any(|word| matches!(word.as_ref(), "-ojson" | "-o=json" | "--output=json"));
        let apart = words.windows(2).any(|pair| matches!(pair[0].as_ref(), "-o" | "--output") && pair[1] == "json");
        if joined || apart { Self::Json } else { Self::Table }
    }
}

/// Why a command failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Stable word: of the catalogue of reasons, else of the exit code ([`Exit::word`]).
    pub reason: String,
    /// Exactly which fault of a credential, CRL or bundle.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub fault: String,
    /// In words.
    pub message: String,
    /// In words, for a clerk.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub message_zh: String,
    /// What was found.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub found: String,
    /// What was needed.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub needed: String,
    /// Who has to act: `caller`, `node` or `peer`.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub who: String,
    /// What to do.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub next: String,
    /// Where more is said of the reason.
    pub see: String,
    /// The exit code.
    #[serde(serialize_with = "number")]
    pub exit: Exit,
}

fn number<S: serde::Serializer>(exit: &Exit, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u8(exit.code())
}

impl Report {
    /// With the word of the exit code as its reason.
    pub fn new(exit: Exit, message: impl ToString) -> Self {
        Self {
            reason: exit.word().to_owned(),
            fault: String::new(),
            message: message.to_string(),
            message_zh: String::new(),
            found: String::new(),
            needed: String::new(),
            who: String::new(),
            next: String::new(),
            see: link(exit.word()),
            exit,
        }
    }

    /// With a finer reason, of the catalogue.
    #[must_use]
    pub fn because(mut self, reason: &str) -> Self {
        reason.clone_into(&mut self.reason);
        self.see = link(reason);
        self
    }

    /// Arguments that do not parse.
    #[must_use]
    pub fn usage(error: &clap::Error) -> Self {
        let text = error.to_string();
        let message = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
        let suggested = [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue];
        let near = suggested.into_iter().find_map(|kind| match error.get(kind)? {
            ContextValue::String(one) => Some(one.clone()),
            ContextValue::Strings(several) => several.first().cloned(),
            _ => None,
        });
        let next = near.map_or_else(|| "--help has examples".to_owned(), |near| format!("did you mean '{near}'?"));
        Self { next, ..Self::new(Exit::Usage, message) }
    }

    /// Writes it to standard error.
    pub fn show(&self, format: Format) {
        let text = match format {
            Format::Json => json!({ "error": self }).to_string(),
            Format::Table if coloured() => format!("\u{1b}[1;31merror\u{1b}[0m: {self}"),
            Format::Table => format!("error: {self}"),
        };
        say(&text);
    }
}

/// For people: a line, and one for each thing that is known.
impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        if !self.fault.is_empty() {
            write!(f, " [{}]", self.fault)?;
        }
        let who = match self.who.as_str() {
            "caller" => "you",
            "node" => "your node",
            "peer" => "the other city",
            other => other,
        };
        // A reason of the catalogue has more to read; the exit code's word does not help a person.
        let see = if self.reason == self.exit.word() { "" } else { &self.see };
        for (name, value) in [
            ("中文", self.message_zh.as_str()),
            ("found", &self.found),
            ("needed", &self.needed),
            ("who", who),
            ("cure", &self.next),
            ("see", see),
        ] {
            if !value.is_empty() {
                write!(f, "\n  {name:<7} {value}")?;
            }
        }
        Ok(())
    }
}

impl From<&crate::Error> for Report {
    fn from(error: &crate::Error) -> Self {
        let mut report = Self::new(error.exit(), error);
        if let Some(reason) = error.reason() {
            report = report.because(reason.code());
            reason.info().cure_en.clone_into(&mut report.next);
        }
        error.fault().unwrap_or_default().clone_into(&mut report.fault);
        report
    }
}

/// Where the documents speak of a reason.
#[must_use]
pub fn link(reason: &str) -> String {
    format!("docs/errors.md#{}", reason.to_lowercase())
}

/// Prints what a command line without a command comes to: the help or version that was asked for, or what is wrong with it.
#[must_use]
pub fn unparsed(error: &clap::Error, arguments: &[OsString]) -> Exit {
    if !error.use_stderr() {
        // A reader of the help that has gone away is no failure.
        let _ = error.print();
        return Exit::Ok;
    }
    match Format::asked(arguments) {
        Format::Json => Report::usage(error).show(Format::Json),
        // With usage and suggestion, in colours where there is a terminal.
        Format::Table => drop(error.print()),
    }
    Exit::Usage
}

/// Something worth knowing that is neither a result nor a failure.
pub fn note(text: &str, format: Format) {
    match format {
        Format::Table => say(text),
        Format::Json => say(&json!({ "note": text }).to_string()),
    }
}

/// May messages be coloured? Only on a terminal, and not where `NO_COLOR` is set (no-color.org).
#[must_use]
pub fn coloured() -> bool {
    io::stderr().is_terminal() && std::env::vars_os().all(|(name, value)| name != "NO_COLOR" || value.is_empty())
}

/// A line on standard error; nobody may be reading it.
fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_known_of_arguments_that_do_not_parse() {
        let asked = |line: &str| Format::asked(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        for line in ["x -o json", "x --output json y", "x -ojson", "x --output=json", "x -o=json"] {
            assert_eq!(asked(line), Format::Json, "{line}");
        }
        for line in ["x", "x -o table", "x json", "x --out json", "x -o"] {
            assert_eq!(asked(line), Format::Table, "{line}");
        }
    }

    #[test]
    fn a_report_leaves_out_what_is_not_known() {
        let report = Report { found: "a".to_owned(), ..Report::new(Exit::NotFound, "no such file") };
        let value = serde_json::to_value(&report).unwrap_or_default();
        let expected = json!({
            "reason": "NOT_FOUND", "message": "no such file", "found": "a", "see": "docs/errors.md#not_found", "exit": 3,
        });
        assert_eq!(value, expected);
        assert_eq!(report.to_string(), "no such file\n  found   a");
    }

    #[test]
    fn a_fault_of_a_credential_has_its_reason_and_link() {
        let report = Report::from(&crate::Error::Chain(exchange_core::chain::Error::NoRoots));
        assert_eq!((report.reason.as_str(), report.fault.as_str()), ("CREDENTIAL_INVALID", "NO_ROOTS"));
        assert_eq!(report.see, "docs/errors.md#credential_invalid");
    }
}
