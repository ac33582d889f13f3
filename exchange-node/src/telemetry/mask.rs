//! The last line of defence of SEC-1: no identity number in a log line. Lines should hold none; one that does is
//! masked on its way out, and counted so that the fault is found.

use super::LOG_MASKED;
use exchange_core::resident_id;
use std::{borrow::Cow, io};
use tracing_subscriber::fmt::MakeWriter;

/// Makes writers that mask identity numbers in what the inner ones get.
#[derive(Debug, Clone)]
pub struct Masked<M>(pub M);

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for Masked<M> {
    type Writer = Writer<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Writer(self.0.make_writer())
    }
}

/// Masks each piece that is written; the subscriber writes whole lines.
#[derive(Debug)]
pub struct Writer<W>(W);

impl<W: io::Write> io::Write for Writer<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.write_all(line)?;
        Ok(line.len())
    }

    fn write_all(&mut self, line: &[u8]) -> io::Result<()> {
        let line_text = String::from_utf8_lossy(line);
        let (masked, count) = mask(&line_text);
        if count == 0 {
            return self.0.write_all(line);
        }
        metrics::counter!(LOG_MASKED).increment(count);
        self.0.write_all(masked.as_bytes())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
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
    fn events_of_both_shapes_reach_the_output_masked() {
        let canary = CANARIES[0];
        for json in [false, true] {
            let out = Out::default();
            let make = {
                let out = out.clone();
                move || out.clone()
            };
            let lines = tracing_subscriber::fmt().with_writer(Masked(make));
            let log = || {
                tracing::info!(holder = canary, debug = ?Some(canary), "asked for {canary}");
                tracing::info!(size = 12, "nothing to hide");
            };
            if json {
                tracing::subscriber::with_default(lines.json().finish(), log);
            } else {
                tracing::subscriber::with_default(lines.with_ansi(false).finish(), log);
            }
            let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
            assert!(!text.contains(canary), "{text}");
            assert_eq!(text.matches("******************").count(), 3, "{text}");
            assert!(text.contains("nothing to hide") && text.lines().count() == 2, "{text}");
        }
    }
}
