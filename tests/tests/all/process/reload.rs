//! CFG-1: a bad reload keeps the old configuration and says why; a good one is taken.

use super::{
    arrives,
    world::{JINAN, QINGDAO, World, region},
};
use ca_tools::{Profile, files};
use exchange_node::practice::{NODE, OPERATOR, Options, Practice, SYSTEM, connect};
use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// A file that is spoilt for one reload, and what the log says of it.
struct Spoilt {
    path: PathBuf,
    bytes: Vec<u8>,
    mode: u32,
    says: &'static [&'static str],
}

/// SIGHUP with one thing wrong at a time. The old configuration stays, with everything that was right beside it.
pub(super) async fn refused(world: &mut World) {
    let folder = world.practice.node_folder(region(JINAN));
    let config = world.practice.config(region(JINAN));
    let text = std::fs::read_to_string(&config).unwrap();
    let other = other_province(world);
    let read = |path: &Path| std::fs::read(path).unwrap();
    let spoilt = |path: &Path, bytes: Vec<u8>, says| Spoilt { path: path.to_owned(), bytes, mode: 0o600, says };
    let cases = [
        spoilt(&config, b"[node\n".to_vec(), &["unclosed table"]),
        spoilt(
            &config,
            text.replace("bootstrap_servers", "bootstrap_server").into_bytes(),
            &["`bootstrap_server`", "did you mean `bootstrap_servers`?"],
        ),
        spoilt(&config, text.replace("\"events.key\"", "\"access.key\"").into_bytes(), &["names another key for"]),
        spoilt(&config, text.replace("\"370100\"", "\"370200\"").into_bytes(), &["another region or data folder"]),
        spoilt(&folder.join("node.key"), read(&folder.join("admin.key")), &["does not belong to the credential"]),
        Spoilt {
            mode: 0o644,
            ..spoilt(&folder.join("node.key"), read(&folder.join("node.key")), &["found mode 0644, needed 0600"])
        },
        spoilt(&folder.join("store.key"), b"exchange-store-key-v1 nonsense".to_vec(), &["store.key: "]),
        spoilt(
            &folder.join("../crls.pem"),
            b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n".to_vec(),
            &["crls.pem: "],
        ),
        spoilt(&folder.join("../bundle.pb"), read(&other.join("bundle.pb")), &["bundle.pb: "]),
        spoilt(&folder.join("../crls.pem"), altered(&read(&folder.join("../crls.pem"))), &["crls.pem: "]),
    ];
    let number = world.status(JINAN).await.trust.unwrap();
    for (count, case) in cases.into_iter().enumerate() {
        let (good, mode) = (read(&case.path), std::fs::metadata(&case.path).unwrap().permissions());
        write(&case.path, &case.bytes, case.mode);
        world.node(JINAN).signal("HUP");
        let line = world.node(JINAN).line_number("the reload is refused; the old configuration stays", count).await;
        for word in case.says {
            assert!(line.contains(word), "{}: {word:?} is not in {line}", case.path.display());
        }
        write(&case.path, &good, mode.mode());
        let status = world.status(JINAN).await;
        assert_eq!((status.kafka, status.writable), (world.broker.bootstrap(), true));
        assert_eq!(status.trust.unwrap(), number, "something of it was taken");
        arrives(world, 40_000 + count).await;
    }
}

/// What is right is taken over: a withdrawal, and a new credential of the node itself.
pub(super) async fn taken(world: &mut World) {
    let kiosk = world.practice.client(region(JINAN), SYSTEM);
    world.practice.issue(region(JINAN), Profile::Operator, "second").unwrap();
    let second = world.practice.client(region(JINAN), "second");
    connect(&second).await.unwrap();
    world.practice.withdraw(region(JINAN), "second").unwrap();
    let folder = world.practice.node_folder(region(JINAN));
    for name in ["node.pem", "node.key"] {
        std::fs::remove_file(folder.join(name)).unwrap();
    }
    world.practice.issue(region(JINAN), Profile::Node, NODE).unwrap();
    let before = world.status(JINAN).await.trust.unwrap();
    world.node(JINAN).signal("HUP");
    let line = world.node(JINAN).line("\"reloaded\"").await;
    assert!(line.contains("crls.pem") && line.contains("node.pem"), "{line}");
    assert_ne!(world.status(JINAN).await.trust.unwrap(), before);
    // In TLS 1.3 a client has finished its handshake before it hears of the refusal: its first call breaks off.
    if let Ok(channel) = connect(&second).await {
        let mut client = exchange_proto::v1::admin_service_client::AdminServiceClient::new(channel);
        client.get_status(exchange_proto::v1::GetStatusRequest {}).await.unwrap_err();
    }
    world.node(JINAN).line("\"fault\":\"REVOKED\"").await;
    connect(&kiosk).await.unwrap();
    arrives(world, 40_500).await;
    world.channel(QINGDAO, OPERATOR).await;
}

/// CRLs with another signature than their CA's.
fn altered(pem: &[u8]) -> Vec<u8> {
    let mut text = String::new();
    for mut der in files::blocks(pem, files::CRL, "crls.pem").unwrap() {
        *der.last_mut().unwrap() ^= 1;
        text.push_str(&files::pem(files::CRL, &der));
    }
    text.into_bytes()
}

/// Root, bundle and CRLs of a province that nobody here knows.
fn other_province(world: &World) -> PathBuf {
    let folder = world.folder().join("other");
    let options = Options { regions: super::NODES.map(region).to_vec(), kafka: None, more_config: String::new() };
    Practice::create(&folder, options).unwrap();
    folder
}

/// The very file, so that its place in a folder stays; with this mode.
fn write(path: &Path, bytes: &[u8], mode: u32) {
    std::fs::write(path, bytes).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}
