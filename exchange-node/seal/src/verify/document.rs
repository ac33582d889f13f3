//! A document: which signatures it has, each judged by itself.

use std::{
    collections::BTreeSet,
    io::{Read, Seek},
};

use super::{references, sign, signature};
use crate::{
    Verdict,
    ofd::{self, Description, ENTRY_FILE, Found, Kind, Listed, Package},
    report::{Finding, Findings, Outcome, Report, SignatureReport, Step, shown},
    trust::Basis,
};

/// A signature of the document, located.
pub(super) struct Part {
    pub(super) listed: Listed,
    /// Its `Signatures.xml`.
    pub(super) list: usize,
    pub(super) files: Result<Files, ofd::Error>,
}

/// The files of a signature.
pub(super) struct Files {
    /// `Signature.xml`.
    pub(super) description: usize,
    pub(super) described: Description,
    /// `SignedValue.dat`.
    pub(super) value: usize,
    /// The seal's own file.
    pub(super) seal: Option<usize>,
    /// What was stored under another case than named.
    pub(super) remarks: Vec<String>,
}

pub(super) fn judge<R: Read + Seek>(reader: R, basis: &Basis<'_>) -> Report {
    let (mut package, documents, parts) = match open(reader, basis) {
        Ok(found) => found,
        Err(error) => return unreadable(&error),
    };
    if parts.is_empty() {
        let detail = "the document has no signature".to_owned();
        let package = vec![Finding { outcome: Outcome::Fails(Verdict::NotSigned), detail }];
        return Report { documents, package, signatures: Vec::new(), verdict: Verdict::NotSigned };
    }
    if let Some(name) = shared(&package, &parts) {
        return unreadable(&used_twice(&name));
    }
    let signatures: Vec<SignatureReport> =
        parts.iter().map(|part| judge_one(&mut package, part, &parts, basis)).collect();
    let verdict = signatures.iter().map(|report| report.verdict).fold(Verdict::Valid, Verdict::worse);
    Report { documents, package: Vec::new(), signatures, verdict }
}

fn used_twice(name: &str) -> ofd::Error {
    ofd::Error::xml(name, "the file is used for two things, or for itself")
}

fn unreadable(error: &ofd::Error) -> Report {
    let finding = Finding { outcome: Outcome::Fails(Verdict::Malformed), detail: error.to_string() };
    Report { documents: Vec::new(), package: vec![finding], signatures: Vec::new(), verdict: Verdict::Malformed }
}

type Opened<R> = (Package<R>, Vec<ofd::Document>, Vec<Part>);

/// Finds every signature and reads how it is described. What one file says is counted before the next is read, and no
/// file is read twice: what is held together does not grow with how often a file is named.
fn open<R: Read + Seek>(reader: R, basis: &Basis<'_>) -> Result<Opened<R>, ofd::Error> {
    let mut package = Package::open(reader, basis.limits)?;
    let limits = basis.limits;
    let entry = package.locate("", ENTRY_FILE)?;
    let documents = ofd::documents(&package.read(entry.index, limits.xml_bytes)?, &limits)?;
    let mut parts: Vec<Part> = Vec::new();
    let (mut lists, mut described) = (BTreeSet::new(), Described::default());
    for document in &documents {
        package.locate(ENTRY_FILE, &document.root)?;
        let Some(location) = &document.signatures else { continue };
        let list = package.locate(ENTRY_FILE, location)?.index;
        let name = package.name(list).to_owned();
        if !lists.insert(list) {
            return Err(used_twice(&name));
        }
        described.add(&package, list)?;
        for listed in ofd::list(&package.read(list, limits.xml_bytes)?, &name, &limits)? {
            if parts.len() == limits.signatures {
                return Err(ofd::Error::too_large("signatures of the package", parts.len() + 1, limits.signatures));
            }
            let files = match package.locate(&name, &listed.location) {
                Ok(found) => {
                    if !described.files.insert(found.index) {
                        return Err(used_twice(package.name(found.index)));
                    }
                    described.add(&package, found.index)?;
                    files(&mut package, found, &listed, &limits)
                }
                Err(error) => Err(error),
            };
            described.places += files.as_ref().map_or(0, |files| files.described.places.len());
            if described.places > limits.all_places {
                let what = "places of all seals of the package";
                return Err(ofd::Error::too_large(what, described.places, limits.all_places));
            }
            parts.push(Part { listed, list, files });
        }
    }
    Ok((package, documents, parts))
}

/// What was read of `Signatures.xml` and `Signature.xml` files so far.
#[derive(Default)]
struct Described {
    /// Each `Signature.xml`.
    files: BTreeSet<usize>,
    bytes: u64,
    places: usize,
}

impl Described {
    /// Counts the bytes of one that is about to be read.
    fn add<R: Read + Seek>(&mut self, package: &Package<R>, index: usize) -> Result<(), ofd::Error> {
        self.bytes += package.size(index);
        let limit = package.limits().described_bytes;
        if self.bytes > limit {
            let what = "all descriptions of signatures in bytes".to_owned();
            return Err(ofd::Error::TooLarge { what, found: self.bytes, limit });
        }
        Ok(())
    }
}

fn files<R: Read + Seek>(
    package: &mut Package<R>,
    found: Found,
    listed: &Listed,
    limits: &crate::Limits,
) -> Result<Files, ofd::Error> {
    let mut remarks = Vec::new();
    let mut note = |package: &Package<R>, found: Found, named: &str| {
        if !found.is_exact {
            remarks.push(format!("{} is stored as {}", shown(named), shown(package.name(found.index))));
        }
        found.index
    };
    let description = note(package, found, &listed.location);
    let name = package.name(description).to_owned();
    let described = ofd::describe(&package.read(description, limits.xml_bytes)?, &name, limits)?;
    let found = package.locate(&name, &described.value)?;
    let value = note(package, found, &described.value);
    let seal = match &described.seal {
        Some(location) => {
            let found = package.locate(&name, location)?;
            Some(note(package, found, location))
        }
        None => None,
    };
    Ok(Files { description, described, value, seal, remarks })
}

/// A file that two signatures, or one signature twice, claim for their own: a list that is its own signature, a
/// signature that is its own value. Nothing is followed from one to the next, so nothing can run in a circle.
fn shared<R: Read + Seek>(package: &Package<R>, parts: &[Part]) -> Option<String> {
    let mut seen: BTreeSet<usize> = parts.iter().map(|part| part.list).collect();
    seen.extend(package.find(ENTRY_FILE).map(|found| found.index));
    let mut seals = BTreeSet::new();
    for files in parts.iter().filter_map(|part| part.files.as_ref().ok()) {
        for index in [files.description, files.value] {
            if !seen.insert(index) {
                return Some(package.name(index).to_owned());
            }
        }
        // Two signatures may name one file for the seal that both used.
        seals.extend(files.seal);
    }
    seals.intersection(&seen).next().map(|index| package.name(*index).to_owned())
}

fn judge_one<R: Read + Seek>(
    package: &mut Package<R>,
    part: &Part,
    all: &[Part],
    basis: &Basis<'_>,
) -> SignatureReport {
    let mut findings = Findings::default();
    let mut report = SignatureReport {
        id: part.listed.id.clone(),
        path: shown(&part.listed.location),
        has_seal: part.listed.kind == Kind::Seal,
        seal: None,
        signer: None,
        signed_at: None,
        time_is_proven: false,
        places: Vec::new(),
        steps: Vec::new(),
        verdict: Verdict::Malformed,
    };
    match &part.files {
        Err(error) => {
            let missing = matches!(error, ofd::Error::Missing(_));
            let verdict = if missing { Verdict::Altered } else { Verdict::Malformed };
            findings.fails(Step::Structure, verdict, error.to_string());
        }
        Ok(files) => {
            report.path = shown(package.name(files.description));
            report.places.clone_from(&files.described.places);
            for remark in &files.remarks {
                findings.remark(Step::Structure, remark.clone());
            }
            let seal = match part.listed.kind {
                Kind::Seal => signature::judge(&mut findings, package, files, &mut report, basis),
                Kind::Sign => {
                    sign::judge(&mut findings, package, files, &mut report, basis);
                    None
                }
            };
            references::judge(&mut findings, package, part, files, all, seal.as_deref(), basis);
        }
    }
    report.verdict = findings.verdict();
    report.steps = findings.steps();
    report
}
