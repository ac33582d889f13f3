//! The last line of defence of log lines. Of SEC-1: no identity number in one; one that has it is masked on its way out,
//! and counted so that the fault is found. And of those who read them: an event is one line and stays what it is on a
//! terminal, whatever a caller or another node put into its texts.

use super::LOG_MASKED;
use exchange_core::resident_id;
use std::{borrow::Cow, io};
use tracing_subscriber::fmt::MakeWriter;

/// Makes writers that mask identity numbers and escape control characters in what the inner ones get.
#[derive(Debug, Clone)]
pub struct Masked<M> {
    /// The inner ones.
    pub make: M,
    /// The subscriber colours its lines; else colours are escaped like everything that a terminal obeys.
    pub colours: bool,
}

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for Masked<M> {
    type Writer = Writer<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Writer { inner: self.make.make_writer(), colours: self.colours }
    }
}

/// Masks and escapes each piece that is written; the subscriber writes whole lines.
#[derive(Debug)]
pub struct Writer<W> {
    inner: W,
    colours: bool,
}

impl<W: io::Write> io::Write for Writer<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.write_all(line)?;
        Ok(line.len())
    }

    fn write_all(&mut self, line: &[u8]) -> io::Result<()> {
        let line_text = String::from_utf8_lossy(line);
        let (masked, count) = mask(&line_text);
        if count > 0 {
            metrics::counter!(LOG_MASKED).increment(count);
        }
        self.inner.write_all(escaped(&masked, self.colours).as_bytes())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// The line with `*` for each digit of an identity number, and how many were found. Digits that stand together with
/// one, parted by a space, hyphen or dot at most, are masked too: too much rather than too little.
fn mask(line: &str) -> (Cow<'_, str>, u64) {
    if !resident_id::find_in(line) {
        return (Cow::Borrowed(line), 0);
    }
    let (mut masked, mut count, mut rest) = (String::with_capacity(line.len()), 0, line);
    while !rest.is_empty() {
        let (text, from_number) = rest.split_at(rest.find(of_number).unwrap_or(rest.len()));
        let (number, behind) = from_number.split_at(from_number.find(|c| !of_number(c)).unwrap_or(from_number.len()));
        masked.push_str(text);
        if resident_id::find_in(number) {
            count += 1;
            masked.extend(number.chars().map(|c| if separator(c) { c } else { '*' }));
        } else {
            masked.push_str(number);
        }
        rest = behind;
    }
    (Cow::Owned(masked), count)
}

/// The line with `\u001b` and the like for characters that a terminal obeys: controls, and those that turn the direction
/// of writing (UAX #9 section 2). A line's own end stays, and colours stay where they are wanted. The form is that of JSON
/// strings, where these characters stand alone.
fn escaped(line: &str, colours: bool) -> Cow<'_, str> {
    let (text, end) = line.strip_suffix('\n').map_or((line, ""), |text| (text, "\n"));
    match escape(text, colours) {
        Cow::Borrowed(_) => Cow::Borrowed(line),
        Cow::Owned(text) => Cow::Owned(text + end),
    }
}

/// A text of somebody else's for people: in one line, and without anything that a terminal obeys.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    escape(text, false)
}

fn escape(text: &str, colours: bool) -> Cow<'_, str> {
    if !text.chars().any(obeyed) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find(obeyed) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let colour = if colours { colour_length(from) } else { 0 };
        if colour > 0 {
            out.push_str(&from[..colour]);
            rest = &from[colour..];
            continue;
        }
        let mut characters = from.chars();
        if let Some(found) = characters.next() {
            out.push_str(&format!("\\u{:04x}", u32::from(found)));
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn obeyed(c: char) -> bool {
    let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Bytes of a colour (ECMA-48 section 8.3.117, SGR) that the text begins with; 0: it does not.
fn colour_length(text: &str) -> usize {
    let Some(parameters) = text.strip_prefix("\u{1b}[") else { return 0 };
    match parameters.find(|c: char| !c.is_ascii_digit() && c != ';') {
        Some(end) if parameters[end..].starts_with('m') => "\u{1b}[".len() + end + 1,
        _ => 0,
    }
}

/// What a number is written with, as [`resident_id::find_in`] reads it.
fn of_number(c: char) -> bool {
    c.is_ascii_digit() || ('０'..='９').contains(&c) || matches!(c, 'X' | 'x' | 'Ｘ' | 'ｘ') || separator(c)
}

fn separator(c: char) -> bool {
    matches!(c, ' ' | '-' | '\u{3000}' | '.' | '·' | '－')
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    /// GB 11643-1999's own example, and one that ends in X.
    const CANARIES: [&str; 2] = ["11010519491231002X", "370102199001011237"];

    #[derive(Clone, Default)]
    struct Out(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Out {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What the lines of a node's log come to, in either shape.
    fn logged(json: bool, log: impl FnOnce()) -> String {
        let out = Out::default();
        let make = {
            let out = out.clone();
            move || out.clone()
        };
        let lines = tracing_subscriber::fmt().with_writer(Masked { make, colours: false });
        if json {
            tracing::subscriber::with_default(lines.json().finish(), log);
        } else {
            tracing::subscriber::with_default(lines.with_ansi(false).finish(), log);
        }
        String::from_utf8(out.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_number_is_masked_wherever_the_line_has_it() {
        let [first, _] = CANARIES;
        for (line, expected) in [
            (format!("holder={first} refused"), "holder=****************** refused"),
            (format!("{{\"a\":\"{first}\"}}"), "{\"a\":\"******************\"}"),
            ("证件110105 19491231 002X。".to_owned(), "证件****** ******** ****。"),
            (format!("{}９", "１１０１０５１９４９１２３１００２Ｘ，"), "******************，９"),
        ] {
            assert_eq!(mask(&line), (Cow::Borrowed(expected), 1), "{line}");
        }
    }

    #[test]
    fn what_is_no_identity_number_stays_as_it_is() {
        for line in [
            "2026-11-23T22:41:39.123456Z INFO entries=370102199001011 size=17",
            "110105194912310021 has another check character",
            "spiffe://practice.example/region/370100/node/node-1 127.0.0.1:45678",
            "",
        ] {
            assert_eq!(mask(line), (Cow::Borrowed(line), 0));
        }
    }

    #[test]
    fn what_a_terminal_obeys_is_escaped() {
        for (line, expected) in [
            ("a\nb\n", "a\\u000ab\n"),
            ("\r\t\u{7f}\u{9b}2J", "\\u000d\\u0009\\u007f\\u009b2J"),
            ("\u{1b}]0;title\u{7}\n", "\\u001b]0;title\\u0007\n"),
            ("\u{1b}[2J\u{1b}[1;31", "\\u001b[2J\\u001b[1;31"),
            ("\u{202e}gnp.exe\u{2066}\n", "\\u202egnp.exe\\u2066\n"),
            ("济南\u{2028}市", "济南\\u2028市"),
        ] {
            for colours in [false, true] {
                assert_eq!(escaped(line, colours), expected, "{line:?}");
            }
        }
        for line in ["济南市 ok\n", "", "\n", "\u{1b}[32m INFO\u{1b}[0m started\n"] {
            assert_eq!(escaped(line, true), line);
        }
        assert_eq!(escaped("\u{1b}[32m\n", false), "\\u001b[32m\n");
    }

    /// Attack table, row 20: a text of somebody else's makes no line of its own and commands no terminal.
    #[test]
    fn a_forged_line_stays_inside_its_own() {
        let forged = "x\n2026-11-25T00:00:00Z  INFO all is well\u{1b}[2J\u{1b}[31m\u{202e}";
        for json in [false, true] {
            let text = logged(json, || {
                tracing::warn!(fault = forged, shown = %forged, debug = ?forged, "refused: {forged}");
            });
            assert_eq!(text.lines().count(), 1, "{text:?}");
            assert!(!text.contains(['\u{1b}', '\u{202e}', '\r']), "{text:?}");
            assert!(!json || serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn events_of_both_shapes_reach_the_output_masked() {
        let canary = CANARIES[0];
        for json in [false, true] {
            let text = logged(json, || {
                tracing::info!(holder = canary, debug = ?Some(canary), "asked for {canary}");
                tracing::info!(size = 12, "nothing to hide");
            });
            assert!(!text.contains(canary), "{text}");
            assert_eq!(text.matches("******************").count(), 3, "{text}");
            assert!(text.contains("nothing to hide") && text.lines().count() == 2, "{text}");
        }
    }
}
