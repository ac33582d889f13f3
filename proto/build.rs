//! Compiles the `.proto` files without `protoc` and keeps the descriptor set for reflection and for the
//! compatibility test.
use std::{env, error::Error, fs, path::PathBuf};

/// Messages that hold values of persons: their `Debug` is written by hand and shows none (`src/masked.rs`).
const MASKED: [&str; 11] = [
    ".exchange.v1.Holder",
    ".exchange.v1.Disclosure",
    ".exchange.v1.FieldValue",
    ".exchange.v1.CertificateNumber",
    ".exchange.v1.CertificateExport",
    ".exchange.v1.CertificateFile",
    ".exchange.v1.FetchResponse",
    ".exchange.v1.PeerFilePart",
    ".exchange.v1.ExportCertificateResponse",
    ".exchange.store.v1.PartySecret",
    ".exchange.store.v1.StoredFile",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=exchange");
    let mut files = Vec::new();
    for folder in ["exchange/v1", "exchange/store/v1"] {
        for entry in fs::read_dir(folder)? {
            files.push(entry?.path());
        }
    }
    files.sort();
    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_source_info(true).include_imports(true).open_files(&files)?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;
    tonic_prost_build::configure().bytes(".").skip_debug(MASKED).compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
