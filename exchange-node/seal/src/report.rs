//! What a verification found, step by step.

use exchange_core::chain::Instant;

use crate::{
    Verdict,
    ofd::{Document, StampPlace},
};

/// The steps of a verification, in order (`docs/SEALS.md`). The verdict over all of them is the sixth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Everything can be read and is as the standards say.
    Structure,
    /// The seal: its maker, the maker's path and withdrawal, the period.
    Seal,
    /// The signature: digest, path, signer, the signer's path and withdrawal, the value itself.
    Signature,
    /// Time stamps, where there are any.
    TimeStamp,
    /// Every file that the signature names, and whether it names every file.
    References,
}

impl Step {
    /// Every one, with its stable word.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Structure, "STRUCTURE"),
        (Self::Seal, "SEAL"),
        (Self::Signature, "SIGNATURE"),
        (Self::TimeStamp, "TIME_STAMP"),
        (Self::References, "REFERENCES"),
    ];

    /// The stable word.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(known, _)| *known == self).map_or("", |(_, word)| word)
    }
}

/// How one thing that was looked at stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is as it should be.
    Holds,
    /// Worth knowing; hinders nothing.
    Remark,
    /// It is not, and this is the verdict if nothing worse is found.
    Fails(Verdict),
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How it stands.
    pub outcome: Outcome,
    /// What was found. Names of files, certificates and times; never content.
    pub detail: String,
}

/// A step and what was found in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepReport {
    /// Which.
    pub step: Step,
    /// In the order in which it was looked at; empty where the step does not apply or was not reached.
    pub findings: Vec<Finding>,
}

impl StepReport {
    /// The verdict of this step alone; `None` where nothing was judged.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        worst(self.findings.iter())
    }
}

fn worst<'a>(findings: impl Iterator<Item = &'a Finding>) -> Option<Verdict> {
    findings
        .filter_map(|finding| match finding.outcome {
            Outcome::Holds => Some(Verdict::Valid),
            Outcome::Remark => None,
            Outcome::Fails(verdict) => Some(verdict),
        })
        .min()
}

/// What is told of a seal. Believe it only where the verdict is `VALID`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealFacts {
    /// The standard that it is written by.
    pub standard: &'static str,
    /// Made with SM2 and SM3, as the standard demands. If not, it is a seal of the ring profile, not one of GB/T 38540.
    pub is_national: bool,
    /// `esID`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Who wrote the software.
    pub vendor: String,
    /// The maker's name.
    pub maker: String,
    /// First moment of use.
    pub valid_from: Instant,
    /// Last moment of use.
    pub valid_to: Instant,
    /// Format of the picture, as written.
    pub picture_format: String,
    /// Millimetres, width and height.
    pub picture_mm: (u16, u16),
    /// Bytes of the picture.
    pub picture_bytes: usize,
}

/// The judgement over one signature of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureReport {
    /// As `Signatures.xml` names it.
    pub id: String,
    /// The file that describes it.
    pub path: String,
    /// A seal, or a signature without one (`Type="Sign"`).
    pub has_seal: bool,
    /// The seal.
    pub seal: Option<SealFacts>,
    /// The signer's name.
    pub signer: Option<String>,
    /// When it was signed, as the judgement took it.
    pub signed_at: Option<Instant>,
    /// A time stamp proves the time; else it is the signer's own word.
    pub time_is_proven: bool,
    /// Where the seal is seen.
    pub places: Vec<StampPlace>,
    /// The five steps.
    pub steps: Vec<StepReport>,
    /// The verdict over all steps.
    pub verdict: Verdict,
}

/// The judgement over a seal alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealReport {
    /// The seal, if it can be read.
    pub seal: Option<SealFacts>,
    /// Structure, seal and time stamp.
    pub steps: Vec<StepReport>,
    /// The verdict over all steps.
    pub verdict: Verdict,
}

/// The judgement over a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What the package says of itself, as written; empty where it cannot be read. Proven only where the verdict is `VALID`.
    pub documents: Vec<Document>,
    /// What was wrong with the package itself, or worth knowing of it.
    pub package: Vec<Finding>,
    /// Each signature by itself.
    pub signatures: Vec<SignatureReport>,
    /// The worst of all.
    pub verdict: Verdict,
}

/// Collects findings while steps are judged, in whatever order they can be.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<(Step, Finding)>);

impl Findings {
    pub(crate) fn holds(&mut self, step: Step, detail: impl Into<String>) {
        self.0.push((step, Finding { outcome: Outcome::Holds, detail: detail.into() }));
    }

    pub(crate) fn remark(&mut self, step: Step, detail: impl Into<String>) {
        self.0.push((step, Finding { outcome: Outcome::Remark, detail: detail.into() }));
    }

    pub(crate) fn fails(&mut self, step: Step, verdict: Verdict, detail: impl Into<String>) {
        self.0.push((step, Finding { outcome: Outcome::Fails(verdict), detail: detail.into() }));
    }

    /// The verdict over everything; nothing judged at all is no validity.
    pub(crate) fn verdict(&self) -> Verdict {
        worst(self.0.iter().map(|(_, finding)| finding)).unwrap_or(Verdict::Malformed)
    }

    pub(crate) fn steps(self) -> Vec<StepReport> {
        let mut steps: Vec<StepReport> =
            Step::ALL.iter().map(|(step, _)| StepReport { step: *step, findings: Vec::new() }).collect();
        for (step, finding) in self.0 {
            if let Some(report) = steps.iter_mut().find(|report| report.step == step) {
                report.findings.push(finding);
            }
        }
        steps
    }
}

/// A text of a file, for messages: no control characters, none that reorder a line, at most 200 characters.
pub(crate) fn shown(text: &str) -> String {
    let odd = |c: &char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().filter(|c| !odd(c)).take(200).collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}
