//! The demo's lines: number, what, what was found, how long.

use super::Summary;
use crate::clock::Clock;
use std::{future::Future, io::Write};

/// Prints steps and counts them.
pub(super) struct Printer {
    clock: Clock,
    summary: Summary,
}

impl Printer {
    pub(super) fn new() -> Self {
        Self { clock: Clock::default(), summary: Summary::default() }
    }

    /// Runs a step, unless one before it failed.
    pub(super) async fn step(&mut self, title: &str, work: impl Future<Output = anyhow::Result<String>>) {
        if self.summary.failed > 0 {
            return;
        }
        let number = self.summary.passed + 1;
        let begin = self.clock.instant();
        let result = work.await;
        let took = self.clock.instant().duration_since(begin).as_secs_f64() * 1_000.0;
        let took = if took < 1_000.0 { format!("{took:.1} ms") } else { format!("{:.2} s", took / 1_000.0) };
        match result {
            Ok(found) => {
                self.summary.passed += 1;
                say(&format!(" {number:02}  {title}\n       {found}    {took}"));
            }
            Err(error) => {
                self.summary.failed += 1;
                say(&format!(" {number:02}  {title}\n       FAILED: {error:#}    {took}"));
            }
        }
    }

    pub(super) fn end(&self) -> Summary {
        let Summary { passed, failed } = self.summary;
        say(&format!("demo: {passed} steps passed, {failed} failed"));
        self.summary
    }
}

/// A line on standard output; nobody may be reading it.
pub(super) fn say(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
