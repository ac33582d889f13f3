//! Step 5: every file that the signature names is as signed, and it names every file.

use std::{
    collections::BTreeSet,
    io::{Read, Seek},
};

use super::document::{Files, Part};
use crate::{
    Verdict,
    digest::DigestAlgorithm,
    limits::MAX_SEAL_BYTES,
    ofd::{self, Package},
    report::{Findings, Step, shown},
    trust::Basis,
};

/// Names of files in one message.
const MAX_NAMES: usize = 5;

/// Counts files of which the same is said; the first few are named.
#[derive(Default)]
struct Alike(usize);

impl Alike {
    /// Counts one more; whether it is named.
    const fn is_named(&mut self) -> bool {
        self.0 += 1;
        self.0 <= MAX_NAMES
    }

    /// How many were not named, if any were not.
    fn more(&self) -> Option<usize> {
        self.0.checked_sub(MAX_NAMES).filter(|more| *more > 0)
    }
}

/// `seal`: the seal inside of the signature, which the seal's own file has to equal.
pub(super) fn judge<R: Read + Seek>(
    findings: &mut Findings,
    package: &mut Package<R>,
    part: &Part,
    files: &Files,
    all: &[Part],
    seal: Option<&[u8]>,
    basis: &Basis<'_>,
) {
    let covered = digests(findings, package, files, seal, basis);
    let seal_is_same = seal_file(findings, package, files, seal);
    coverage(findings, package, part, all, covered.as_ref(), seal_is_same);
}

/// The files whose digests were compared; `None` where they cannot be.
fn digests<R: Read + Seek>(
    findings: &mut Findings,
    package: &mut Package<R>,
    files: &Files,
    seal: Option<&[u8]>,
    basis: &Basis<'_>,
) -> Option<BTreeSet<usize>> {
    const STEP: Step = Step::References;
    let algorithm = match DigestAlgorithm::from_name(&files.described.check_method) {
        Ok(algorithm) => algorithm,
        Err(error) => {
            findings.fails(STEP, Verdict::Unsupported, error.to_string());
            return None;
        }
    };
    let from = package.name(files.description).to_owned();
    let mut covered = BTreeSet::new();
    let (mut missing, mut altered, mut damaged, mut renamed) =
        (Alike::default(), Alike::default(), Alike::default(), Alike::default());
    for reference in &files.described.references {
        let name = shown(&reference.location);
        let found = match package.locate(&from, &reference.location) {
            Ok(found) => found,
            Err(error) => {
                if missing.is_named() {
                    findings.fails(STEP, Verdict::Altered, format!("a file that was signed: {error}"));
                }
                continue;
            }
        };
        if found.index == files.description || found.index == files.value {
            findings.fails(
                STEP,
                Verdict::Malformed,
                format!("{name} cannot be covered by the signature that it is part of"),
            );
            return None;
        }
        if !covered.insert(found.index) {
            findings.fails(STEP, Verdict::Malformed, format!("{name} is named twice"));
            return None;
        }
        if !found.is_exact && renamed.is_named() {
            findings.remark(STEP, format!("{name} is stored as {}", shown(package.name(found.index))));
        }
        let digest = match seal.filter(|_| files.seal == Some(found.index)) {
            Some(seal) => seal_digest(package, found.index, seal, algorithm, basis),
            None => package.digest(found.index, algorithm),
        };
        match digest {
            Ok(digest) if digest == reference.digest => {}
            Ok(_) => {
                if altered.is_named() {
                    findings.fails(STEP, Verdict::Altered, format!("{name} is not what was signed"));
                }
            }
            Err(error) => {
                if damaged.is_named() {
                    findings.fails(STEP, Verdict::Malformed, error.to_string());
                }
            }
        }
    }
    if let Some(more) = missing.more() {
        findings.fails(STEP, Verdict::Altered, format!("{more} more files that were signed are missing"));
    }
    if let Some(more) = altered.more() {
        findings.fails(STEP, Verdict::Altered, format!("{more} more files are not what was signed"));
    }
    if let Some(more) = damaged.more() {
        findings.fails(STEP, Verdict::Malformed, format!("{more} more files cannot be unpacked"));
    }
    if let Some(more) = renamed.more() {
        findings.remark(STEP, format!("{more} more files are stored under another case than named"));
    }
    if missing.0 + altered.0 + damaged.0 == 0 {
        findings.holds(STEP, format!("{} files are as signed ({})", covered.len(), algorithm.name()));
    }
    Some(covered)
}

/// The digest of the seal's own file: known already where it is byte for byte the seal that was put on, and that one was met
/// before.
fn seal_digest<R: Read + Seek>(
    package: &mut Package<R>,
    index: usize,
    seal: &[u8],
    algorithm: DigestAlgorithm,
    basis: &Basis<'_>,
) -> Result<Vec<u8>, ofd::Error> {
    // Only small seals are known, so what is read here is kept for the comparison that follows.
    match basis.crls.proven().seal(seal).filter(|known| known.0 == algorithm) {
        Some(known)
            if package.size(index) == seal.len() as u64 && *package.read(index, MAX_SEAL_BYTES as u64)? == *seal =>
        {
            Ok(known.1.clone())
        }
        _ => package.digest(index, algorithm),
    }
}

/// Whether the seal's own file is byte for byte the seal that was signed.
fn seal_file<R: Read + Seek>(
    findings: &mut Findings,
    package: &mut Package<R>,
    files: &Files,
    seal: Option<&[u8]>,
) -> bool {
    let (Some(index), Some(seal)) = (files.seal, seal) else { return false };
    let name = shown(package.name(index));
    match package.read(index, MAX_SEAL_BYTES as u64) {
        Ok(bytes) if *bytes == *seal => {
            findings.holds(Step::References, format!("{name} is the seal that was put on"));
            true
        }
        Ok(_) => {
            findings.fails(Step::References, Verdict::Altered, format!("{name} is another seal than the one put on"));
            false
        }
        Err(error) => {
            findings.fails(Step::References, Verdict::Malformed, error.to_string());
            false
        }
    }
}

/// What need not be covered: the list of signatures (a further seal changes it), and the files of the signatures
/// themselves, which are judged each by itself.
fn coverage<R: Read + Seek>(
    findings: &mut Findings,
    package: &Package<R>,
    part: &Part,
    all: &[Part],
    covered: Option<&BTreeSet<usize>>,
    seal_is_same: bool,
) {
    let Some(covered) = covered else { return };
    let mut free: BTreeSet<usize> = all.iter().map(|other| other.list).collect();
    for (other, theirs) in all.iter().filter_map(|other| Some((other, other.files.as_ref().ok()?))) {
        free.extend([theirs.description, theirs.value]);
        // The own seal's file is as good as covered when it equals the seal inside of the signature.
        if !std::ptr::eq(other, part) || seal_is_same {
            free.extend(theirs.seal);
        }
    }
    let open: Vec<String> = package
        .files()
        .filter(|(index, _)| !covered.contains(index) && !free.contains(index))
        .map(|(_, name)| shown(name))
        .collect();
    if open.is_empty() {
        findings.holds(Step::References, "every file of the package is covered");
    } else {
        let names = open.iter().take(MAX_NAMES).cloned().collect::<Vec<_>>().join(", ");
        let more = open.len().saturating_sub(MAX_NAMES);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        findings.fails(Step::References, Verdict::NotCovered, format!("not covered: {names}{more}"));
    }
    if !covered.contains(&part.list) {
        let name = shown(package.name(part.list));
        findings.remark(
            Step::References,
            format!("{name} is not covered: signatures can be added, and the last one taken away, unseen"),
        );
    }
}
