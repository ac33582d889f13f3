//! ofdrw in one JVM, which stays warm over the rounds.

use super::{Document, Office, number};
use anyhow::{Context, Result, ensure};
use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

/// The process; it ends when its standard input is closed.
pub(super) struct Ofdrw {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Ofdrw {
    /// Fetches ofdrw by Maven and starts it with the same documents, seal and key.
    pub(super) fn start(folder: &Path, office: &Office, licence: &Document, sealed: &[u8]) -> Result<Self> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/ofdrw");
        let libraries = folder.join("ofdrw");
        let mut fetch = Command::new("mvn");
        fetch.args(["-B", "-q", "-f"]).arg(source.join("pom.xml")).arg("dependency:copy-dependencies");
        fetch.arg(format!("-DoutputDirectory={}", libraries.display())).stdout(Stdio::null());
        ensure!(fetch.status().context("Maven is needed to fetch ofdrw")?.success(), "ofdrw cannot be fetched");
        office.save(folder)?;
        let (blank, signed) = (folder.join("licence.ofd"), folder.join("sealed.ofd"));
        std::fs::write(&blank, &licence.0)?;
        std::fs::write(&signed, sealed)?;
        let mut java = Command::new("java");
        java.args(["-Djava.awt.headless=true", "-cp"]).arg(libraries.join("*")).arg(source.join("Ofdrw.java"));
        java.arg("bench").arg(signed).arg(blank);
        java.args(["seal.esl", "signer.key", "signer.crt"].map(|file| folder.join(file)));
        let mut child = java.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("Java is needed")?;
        let input = child.stdin.take().context("no standard input")?;
        let output = BufReader::new(child.stdout.take().context("no standard output")?);
        Ok(Self { child, input, output })
    }

    /// `verify` or `sign`, operations a second.
    pub(super) fn rate(&mut self, what: &str, time: Duration) -> Result<f64> {
        writeln!(self.input, "{what} {}", time.as_secs_f64())?;
        self.input.flush()?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        ensure!(!line.is_empty(), "ofdrw ended; its message is above");
        Ok(number(&line, 0)? / number(&line, 1)?)
    }
}

impl Drop for Ofdrw {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
