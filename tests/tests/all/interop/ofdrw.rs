//! Sealed documents of ours in ofdrw, and of ofdrw here.

use super::{folder, said, there};
use crate::seals::{Offices, unsigned};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// ofdrw with what it needs, by Maven's ordinary way.
pub struct Ofdrw {
    libraries: PathBuf,
    source: PathBuf,
}

impl Ofdrw {
    /// `None`, said aloud, where Java or Maven is missing; in CI both have to be there.
    pub fn new() -> Option<Self> {
        if !there("java", &["-version"], true) || !there("mvn", &["-version"], true) {
            return None;
        }
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/ofdrw");
        let libraries = folder().join("ofdrw");
        let mut fetch = Command::new("mvn");
        fetch.args(["-B", "-q", "-f"]).arg(source.join("pom.xml")).arg("dependency:copy-dependencies");
        fetch.arg(format!("-DoutputDirectory={}", libraries.display()));
        let output = fetch.output().unwrap();
        if output.status.success() {
            return Some(Self { libraries, source: source.join("Ofdrw.java") });
        }
        assert!(std::env::var_os("CI").is_none(), "{}", said(&output));
        println!("skipped: ofdrw cannot be fetched");
        None
    }

    pub fn run(&self, arguments: &[&Path]) -> Output {
        let mut command = Command::new("java");
        command.args(["-Djava.awt.headless=true", "-cp"]).arg(self.libraries.join("*")).arg(&self.source);
        command.args(arguments).output().unwrap()
    }

    /// Whether ofdrw believes a document, and what it said.
    fn judged(&self, document: &Path) -> (bool, String) {
        let output = self.run(&["verify".as_ref(), document]);
        (output.status.success(), said(&output))
    }
}

#[test]
fn ofdrw_and_we_verify_each_other() {
    let Some(ofdrw) = Ofdrw::new() else { return };
    let at = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let offices = Offices::make(at.path(), "sm2", "seals");
    let (once, twice) = (offices.path("once.ofd"), offices.path("twice.ofd"));
    let place = ["--at", "1,140,200,40,40"];
    assert_eq!(offices.stamped(&unsigned(), "signer", &once, &place).0, 0);
    assert_eq!(offices.stamped(&once, "other", &twice, &["--at", "1,20,200,40,40"]).0, 0);
    for document in [&once, &twice] {
        let (valid, found) = ofdrw.judged(document);
        assert!(valid, "{}: {found}", document.display());
    }
    let (valid, found) = ofdrw.judged(&altered(&twice, "Doc_0/Pages/Page_0/Content.xml"));
    assert!(!valid && found.contains("FileIntegrityException"), "{found}");

    // Signed there, judged here; then a seal of each on one document.
    let sign = |document: &Path, out: &Path| {
        let files = ["seal.esl", "signer.key", "signer.crt"].map(|file| offices.path(file));
        let output = ofdrw.run(&["sign".as_ref(), document, &files[0], &files[1], &files[2], out]);
        assert!(output.status.success(), "{}", said(&output));
    };
    let (theirs, mixed, more) = (offices.path("theirs.ofd"), offices.path("mixed.ofd"), offices.path("more.ofd"));
    sign(&unsigned(), &theirs);
    assert_eq!(offices.stamped(&theirs, "other", &mixed, &place).0, 0);
    sign(&mixed, &more);
    for (document, count) in [(&theirs, 1), (&mixed, 2), (&more, 3)] {
        let (code, judged) = offices.judged(document);
        assert_eq!((code, &judged["verdict"]), (0, &"VALID".into()), "{}: {judged:#}", document.display());
        assert_eq!(judged["signatures"].as_array().unwrap().len(), count);
        let (valid, found) = ofdrw.judged(document);
        assert!(valid, "{}: {found}", document.display());
    }
    let picture = offices.path("page.png");
    let output = ofdrw.run(&["render".as_ref(), &twice, "1".as_ref(), &picture]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(fs::read(&picture).unwrap().starts_with(b"\x89PNG"));
    println!("ofdrw: documents of ours, of theirs and of both verified by both");
}

/// The document with one file of it changed.
fn altered(document: &Path, name: &str) -> PathBuf {
    let mut archive = zip::ZipArchive::new(fs::File::open(document).unwrap()).unwrap();
    let path = document.with_extension("altered.ofd");
    let mut writer = zip::ZipWriter::new(fs::File::create(&path).unwrap());
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).unwrap();
        let found = file.name().unwrap().into_owned();
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut file, &mut content).unwrap();
        if found == name {
            content.extend_from_slice(b"<!-- more -->");
        }
        writer.start_file(found.as_str(), zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut writer, &content).unwrap();
    }
    writer.finish().unwrap();
    path
}
