//! The demo's lines: number, what, what was found, how long.

use super::{Step, Summary};
use crate::clock::Clock;
use std::{fmt, future::Future, io::Write};

/// Runs steps, counts them and, unless it is to be quiet, prints each as it ends.
pub(super) struct Printer {
    clock: Clock,
    quiet: bool,
    summary: Summary,
}

impl Printer {
    pub(super) fn new(quiet: bool) -> Self {
        Self { clock: Clock::default(), quiet, summary: Summary::default() }
    }

    /// Runs a step, unless one before it failed.
    pub(super) async fn step(&mut self, title: &str, work: impl Future<Output = anyhow::Result<String>>) {
        if self.summary.failed > 0 {
            return;
        }
        let number = self.summary.passed + 1;
        let begin = self.clock.instant();
        let result = work.await;
        let milliseconds = self.clock.instant().duration_since(begin).as_secs_f64() * 1_000.0;
        let passed = result.is_ok();
        let found = result.unwrap_or_else(|error| format!("{error:#}"));
        *if passed { &mut self.summary.passed } else { &mut self.summary.failed } += 1;
        let step = Step { number, what: title.to_owned(), found, passed, milliseconds };
        if !self.quiet {
            say(&step.to_string());
        }
        self.summary.steps.push(step);
    }

    pub(super) fn end(self) -> Summary {
        let Summary { passed, failed, .. } = &self.summary;
        if !self.quiet {
            say(&format!("demo: {passed} steps passed, {failed} failed"));
        }
        self.summary
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, what, found, passed, milliseconds: ms } = self;
        let failed = if *passed { "" } else { "FAILED: " };
        write!(f, " {number:02}  {what}\n       {failed}{found}    ")?;
        if *ms < 1_000.0 { write!(f, "{ms:.1} ms") } else { write!(f, "{:.2} s", ms / 1_000.0) }
    }
}

/// A line on standard output; nobody may be reading it.
pub(super) fn say(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
