//! `document show`.

use super::{copy_value, print_copy, print_seal, seal_value};
use crate::{
    cli::{
        Failure, Format,
        output::{instant, print, print_facts, print_json, print_rows},
    },
    clock::Clock,
    exit::Exit,
};
use exchange_core::chain::Instant;
use exchange_seal::{
    Anchors, Basis, Limits,
    crl::Crls,
    licence::StatedCopy,
    ofd::{self, Document, ENTRY_FILE, Package},
    report::SignatureReport,
    verify,
};
use serde_json::{Value, json};
use std::{fs::File, path::Path};

pub(super) fn run(path: &Path, format: Format) -> Result<Exit, Failure> {
    let open = || File::open(path).map_err(|error| Failure::file(path, &error));
    let wrong = |error: ofd::Error| Failure::usage(format!("{}: {error}", path.display()));
    let mut package = Package::open(open()?, Limits::DEFAULT).map_err(wrong)?;
    let entry = package.locate("", ENTRY_FILE).map_err(wrong)?;
    let bytes = package.read(entry.index, Limits::DEFAULT.xml_bytes).map_err(wrong)?;
    let documents = ofd::documents(&bytes, &Limits::DEFAULT).map_err(wrong)?;
    let files = package.files().count();
    // Read as a judgement reads it, by nobody's trust and at no moment: only what is said is taken over.
    let (anchors, crls) = (Anchors::default(), Crls::default());
    let basis = Basis {
        anchors: &anchors,
        crls: &crls,
        signers: &[],
        now: Instant(0),
        crl_grace_ms: 0,
        without_crl: false,
        limits: Limits::DEFAULT,
    };
    let signatures = verify(open()?, &basis).signatures;
    let now = Instant(Clock::default().now_ms());
    if format == Format::Json {
        let documents: Vec<Value> = documents.iter().map(|document| document_value(document, now)).collect();
        let signatures: Vec<Value> = signatures.iter().map(signature_value).collect();
        print_json(&json!({ "documents": documents, "files": files, "signatures": signatures }))?;
    } else {
        print_all(&documents, files, &signatures, now)?;
    }
    Ok(Exit::Ok)
}

fn print_all(
    documents: &[Document],
    files: usize,
    signatures: &[SignatureReport],
    now: Instant,
) -> Result<(), Failure> {
    for document in documents {
        print_facts(&[
            ("document", document.id.clone().unwrap_or_default()),
            ("title", document.title.clone().unwrap_or_default()),
            ("created", document.created.clone().unwrap_or_default()),
            ("software", document.creator.clone().unwrap_or_default()),
            ("files", files.to_string()),
            ("signatures", signatures.len().to_string()),
        ])?;
        if !document.custom.is_empty() {
            print("")?;
            let rows = document.custom.iter().map(|(name, value)| [name.clone(), value.clone()]);
            print_rows(["name", "value"], rows.collect())?;
        }
        print_copy(StatedCopy::of(document).as_ref(), now)?;
    }
    for signature in signatures {
        print("")?;
        print_facts(&[
            ("signature", format!("{} {}", signature.id, signature.path)),
            ("signer", signature.signer.clone().unwrap_or_default()),
            ("says signed at", signature.signed_at.map(|at| instant(at.0)).unwrap_or_default()),
        ])?;
        print_seal(signature.seal.as_ref())?;
    }
    eprintln!("not verified: this is what the document says of itself; `document verify` judges it");
    Ok(())
}

fn document_value(document: &Document, now: Instant) -> Value {
    let custom: Vec<Value> =
        document.custom.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    json!({
        "id": document.id,
        "title": document.title,
        "created": document.created,
        "software": document.creator,
        "custom": custom,
        "copy": copy_value(StatedCopy::of(document).as_ref(), now),
    })
}

fn signature_value(signature: &SignatureReport) -> Value {
    json!({
        "id": signature.id,
        "path": signature.path,
        "has_seal": signature.has_seal,
        "signer": signature.signer,
        "signed_at_ms": signature.signed_at.map(|at| at.0),
        "seal": signature.seal.as_ref().map(seal_value),
    })
}
