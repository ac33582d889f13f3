//! grpcurl lists and calls a node's services with a client's credential.

use super::{folder, said, there};
use crate::world::*;
use exchange_node::practice::{Client, OPERATOR, SYSTEM};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

const MODULE: &str = "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grpcurl_lists_and_calls_the_services() {
    let Some(program) = installed() else { return };
    let world = World::with_catalogue("grpcurl").await;
    let certificate = world.issue(JINAN, licence(JINAN, 60)).await;
    let client = |name| world.practice.client(region(JINAN), name);
    let call = |client: &Client, more: &[&str]| {
        let mut command = Command::new(&program);
        command.args([
            "-cacert".as_ref(),
            client.roots.as_os_str(),
            "-authority".as_ref(),
            client.server_name.as_ref(),
        ]);
        command.args(["-cert".as_ref(), client.certificate.as_os_str(), "-key".as_ref(), client.key.as_os_str()]);
        let (options, names) = more.split_at(more.iter().position(|one| !one.starts_with('-')).unwrap_or(more.len()));
        let output = command.args(["-max-time", "10"]).args(options).arg(&client.address).args(names).output().unwrap();
        (output.status.success(), said(&output))
    };
    let operator = client(OPERATOR);
    let (good, listed) = call(&operator, &["list"]);
    assert!(good, "{listed}");
    for service in ["CertificateService", "LookupService", "CatalogueService", "PeerService", "AdminService"] {
        assert!(listed.contains(&format!("exchange.v1.{service}")), "{listed}");
    }
    let (good, described) = call(&operator, &["describe", "exchange.v1.ExportCertificateRequest"]);
    assert!(good && described.contains("without_values"), "{described}");
    let (good, status) = call(&operator, &["exchange.v1.AdminService/GetStatus"]);
    assert!(good && status.contains("\"region\": \"370100\""), "{status}");

    // Reflection is for operators; a system brings the .proto files.
    let system = client(SYSTEM);
    let (good, found) = call(&system, &["list"]);
    assert!(!good && found.contains("PermissionDenied"), "{found}");
    let protos = Path::new(env!("CARGO_MANIFEST_DIR")).join("../proto").display().to_string();
    let import = format!("-import-path={protos}");
    let get = format!("-d={{\"certificate_id\": \"{}\"}}", certificate.certificate_id);
    let with_proto = [&import, "-proto=exchange/v1/certificate.proto", &get];
    let (good, found) = call(&system, &[&with_proto[..], &["exchange.v1.CertificateService/GetCertificate"]].concat());
    assert!(good && found.contains(&certificate.certificate_id), "{found}");
    let unknown = [with_proto[0], with_proto[1], "-d={\"certificate_id\": \"none\"}"];
    let (good, found) = call(&system, &[&unknown[..], &["exchange.v1.CertificateService/GetCertificate"]].concat());
    assert!(!good && found.contains("Code: NotFound") && found.contains("CERTIFICATE_NOT_FOUND"), "{found}");

    // Without a client's credential there is no connection.
    let output = Command::new(&program)
        .args(["-cacert".as_ref(), system.roots.as_os_str(), "-authority".as_ref(), system.server_name.as_ref()])
        .args(["-max-time", "10", &system.address, "list"])
        .output()
        .unwrap();
    assert!(!output.status.success() && !said(&output).contains("exchange.v1"), "{}", said(&output));
}

/// Installed for these tests alone, by Go's ordinary way; once.
fn installed() -> Option<PathBuf> {
    let bin = folder().join("bin");
    let program = bin.join("grpcurl");
    if program.exists() {
        return Some(program);
    }
    if !there("go", &["version"], false) {
        return None;
    }
    let output = Command::new("go").args(["install", MODULE]).env("GOBIN", &bin).output().unwrap();
    if output.status.success() && program.exists() {
        return Some(program);
    }
    println!("skipped: grpcurl cannot be installed: {}", said(&output).lines().last().unwrap_or_default());
    None
}
