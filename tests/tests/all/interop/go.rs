//! A checkpoint, an inclusion and a consistency proof of a node, verified by `golang.org/x/mod/sumdb/note` and `tlog`.

use super::{folder, said, there, with_input};
use crate::world::*;
use exchange_core::{
    checkpoint::{Checkpoint, LogKind},
    merkle::Hash,
};
use exchange_proto::{export::decode_file, peer, v1};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn go_verifies_what_a_node_signs() {
    if !there("go", &["version"], true) {
        return;
    }
    let Some(program) = build() else { return };
    let world = World::with_catalogue("go").await;
    let case = case(&world).await;
    let verify = |case: &Value| {
        let output = with_input(&mut Command::new(&program), case.to_string().as_bytes());
        (output.status.success(), said(&output))
    };
    let (good, found) = verify(&case);
    assert!(good && found.starts_with("verified: "), "{found}");
    print!("go: {found}");
    let flip = |text: &str| {
        let mut bytes = decode(text);
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        encode(&bytes)
    };
    let qingdao = world.practice.bundle().log_keys(region(QINGDAO), LogKind::Events, 1, 1)[0].to_string();
    type Spoil<'a> = Box<dyn Fn(&mut Value) + 'a>;
    let cases: [(&str, Spoil<'_>); 8] = [
        ("checkpoint: note has no verifiable signatures", Box::new(|case| case["Key"] = qingdao.clone().into())),
        (
            "checkpoint: invalid signature",
            Box::new(|case| {
                let note = String::from_utf8(decode(text(&case["Checkpoint"]))).unwrap();
                case["Checkpoint"] = encode(note.replacen("\nat ", "\nat 1", 1).as_bytes()).into();
            }),
        ),
        ("inclusion: ", Box::new(|case| case["Entry"] = flip(text(&case["Entry"])).into())),
        ("inclusion: ", Box::new(|case| case["Index"] = (case["Index"].as_i64().unwrap() + 1).into())),
        ("inclusion: ", Box::new(|case| case["Inclusion"][0] = flip(text(&case["Inclusion"][0])).into())),
        ("inclusion: ", Box::new(|case| drop(case["Inclusion"].as_array_mut().unwrap().pop()))),
        ("consistency: ", Box::new(|case| case["Consistency"][0] = flip(text(&case["Consistency"][0])).into())),
        ("consistency: ", Box::new(|case| case["Old"] = case["Checkpoint"].clone())),
    ];
    for (reason, spoil) in cases {
        let mut spoilt = case.clone();
        spoil(&mut spoilt);
        let (good, found) = verify(&spoilt);
        assert!(!good && found.starts_with(reason), "{reason} was expected: {found}");
    }
}

/// The program, with the module that go.sum names, by Go's ordinary way.
fn build() -> Option<PathBuf> {
    let program = folder().join("verify");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/go");
    let mut build = Command::new("go");
    build.args(["build", "-mod=readonly", "-o"]).arg(&program).arg(".").current_dir(source);
    let output = build.output().unwrap();
    if output.status.success() {
        return Some(program);
    }
    let found = said(&output);
    let unreachable =
        ["dial tcp", "lookup ", "i/o timeout", "connection refused"].iter().any(|one| found.contains(one));
    assert!(unreachable && std::env::var_os("CI").is_none(), "{found}");
    println!("skipped: golang.org/x/mod cannot be fetched");
    None
}

/// What the node tells its peers: two checkpoints and the proof between them; the entry comes in an export.
async fn case(world: &World) -> Value {
    let origin = format!("{}/{JINAN}/events/1", exchange_node::practice::TRUST_DOMAIN);
    let mut peer = world.peer(QINGDAO, JINAN).await;
    let request = v1::GetCheckpointRequest { origin: origin.clone() };
    let old = peer.get_checkpoint(request).await.unwrap().into_inner().checkpoint;
    let mut exported = None;
    // Some ten entries, so that no proof is empty.
    for sequence in 0..5 {
        let certificate = world.issue(JINAN, licence(JINAN, 40 + sequence)).await;
        exported = exported.or(Some(certificate));
    }
    let request = v1::ExportCertificateRequest {
        certificate_id: exported.unwrap().certificate_id,
        without_values: true,
        ..Default::default()
    };
    let file = world.certificates(JINAN).await.export_certificate(request).await.unwrap().into_inner().file;
    let export = decode_file(&file).unwrap();
    // Under the newest checkpoint of the export: its own path, made from the store as any node would.
    let (old_size, newest) = (size(&old), size(&export.as_of));
    let request = v1::GetConsistencyProofRequest { origin, old_size, new_size: newest };
    let consistency = peer.get_consistency_proof(request).await.unwrap().into_inner().hashes;
    let issue = &export.issue;
    let store = world.store(JINAN);
    let log =
        exchange_node::store::log::Log::new(&store.own, exchange_node::store::log::Kind::Events, region(JINAN), 1);
    let inclusion = log.inclusion(&log.tree(newest).unwrap(), issue.index, newest).unwrap();
    let key = world.practice.bundle().log_keys(region(JINAN), LogKind::Events, 1, newest)[0].to_string();
    let list = |hashes: &[Hash]| hashes.iter().map(|hash| encode(hash)).collect::<Vec<_>>();
    json!({
        "Key": key,
        "Checkpoint": encode(&export.as_of),
        "Index": issue.index,
        "Entry": encode(&issue.entry),
        "Inclusion": list(&inclusion),
        "Old": encode(&old),
        "Consistency": list(&peer::hashes(&consistency).unwrap()),
    })
}

fn size(note: &[u8]) -> u64 {
    Checkpoint::parse_unverified(note).unwrap().size
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn encode(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn decode(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}
