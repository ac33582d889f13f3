//! Other people's software: Go's note and tlog, OpenSSL, ofdrw, grpcurl, kcat.
//!
//! Each test runs where its tool is, else it says `skipped:`; in CI Go, OpenSSL, Java and Maven have to be there.

mod go;
mod grpcurl;
mod kcat;
mod ofdrw;
mod openssl;

use std::{
    io::Write,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

/// Is the program here? `needed`: in CI it has to be.
fn there(program: &str, version: &[&str], needed: bool) -> bool {
    if Command::new(program).args(version).output().is_ok_and(|output| output.status.success()) {
        return true;
    }
    assert!(!needed || std::env::var_os("CI").is_none(), "CI needs {program}: ./x setup installs it");
    println!("skipped: {program} is not installed");
    false
}

/// What was said, on both streams.
fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn with_input(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

/// For what is built and installed on the way.
fn folder() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("interop");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
