//! Every exit code of `design`: each is shown by both built programs where they have it, with the reason it comes with.

use super::office::{JINAN, Office, PROVINCE, QINGDAO, Said, region, run};
use crate::programs;
use ca_tools::{Ca, CaOptions, keyfile::Passphrase};
use exchange_core::spiffe::TrustDomain;
use exchange_node::{
    exit::Exit,
    practice::{self, OPERATOR, SYSTEM},
};
use std::{
    collections::BTreeSet,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

const DAY_MS: u64 = 86_400_000;
/// 结婚证.
const MARRIAGE: &str = "111000000000131433001";

/// What was seen, and what it has to be.
#[derive(Default)]
struct Seen(BTreeSet<u8>);

impl Seen {
    fn failed(&mut self, what: &str, said: &Said, exit: Exit, reason: &str) {
        let error = said.error();
        assert_eq!(said.code, i32::from(exit.code()), "{what}: {said:?}");
        assert_eq!(
            (error["reason"].as_str(), error["exit"].as_u64()),
            (Some(reason), Some(exit.code().into())),
            "{what}"
        );
        let link = format!("docs/errors.md#{}", reason.to_lowercase());
        assert_eq!(error["see"].as_str(), Some(link.as_str()), "{what}");
        self.0.insert(exit.code());
    }

    fn done(&mut self, what: &str, said: &Said, exit: Exit) {
        assert_eq!(said.code, i32::from(exit.code()), "{what}: {said:?}");
        self.0.insert(exit.code());
    }
}

#[test]
fn the_node_s_program_ends_with_every_code() {
    let mut office = Office::open(None);
    office.start();
    let mut seen = Seen::default();
    let (admin, hall) = (office.profile(JINAN, OPERATOR), office.profile(JINAN, SYSTEM));
    let json = |args: &[&str]| office.node(&[args, &["-o", "json"]].concat());

    seen.done("ok", &json(&["status", "--profile", &admin]), Exit::Ok);
    // A full disk under standard output: nobody's fault but the machine's.
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = Command::new(programs::node());
    command.args(["sample", "--rows", "100", "--region", JINAN, "-o", "json"]).stdin(Stdio::null()).stdout(full);
    seen.failed("no space", &command.output().unwrap().into(), Exit::Failed, "FAILED");
    seen.failed("usage", &json(&["status", "--profil", &admin]), Exit::Usage, "USAGE");
    seen.failed("no such file", &json(&["status", "--profile", "nowhere.toml"]), Exit::NotFound, "NOT_FOUND");
    let id = "1.2.156.3005.2.111000000000131433001.11370100XXXX000055.000000000000000000A.001.A";
    let said = json(&["certificate", "show", id, "--profile", &hall]);
    seen.failed("no such certificate", &said, Exit::NotFound, "CERTIFICATE_NOT_FOUND");
    let key = office.file(JINAN, "admin.key");
    fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    let said = json(&["status", "--profile", &admin]);
    seen.failed("others can read the key", &said, Exit::Identity, "KEY_PERMISSIONS");
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    stranger(&office);
    let said = json(&["uses", "--profile", &hall, "--holder-file", &party(office.folder())]);
    seen.failed("a system is no operator", &said, Exit::Refused, "CALLER_NOT_ALLOWED");
    let made = office.folder().join("province");
    let init =
        ["init", "--region", JINAN, "--name", "n", "--trust-domain", "x.example", "--dir", made.to_str().unwrap()];
    seen.failed("the folder is there", &json(&init), Exit::Conflict, "CONFLICT");
    let said = json(&["status", "--profile", &admin, "--node", "127.0.0.1:1"]);
    seen.failed("nobody listens", &said, Exit::Unavailable, "UNAVAILABLE");
    fs::write(office.file(JINAN, "broken.toml"), text(&office).replace("node.key", "nowhere.key")).unwrap();
    let broken = office.file(JINAN, "broken.toml");
    let said = json(&["config", "check", "--config", broken.to_str().unwrap()]);
    seen.done("a file is missing", &said, Exit::CheckFailed);
    assert_eq!(said.json()["faults"][0]["setting"], "identity.key", "{said:?}");
    import(&office, &mut seen, &hall);

    let all: BTreeSet<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
    assert_eq!(seen.0, all);
}

fn text(office: &Office) -> String {
    fs::read_to_string(office.config(JINAN)).unwrap()
}

fn party(folder: &Path) -> String {
    let path = folder.join("party.txt");
    fs::write(&path, "370102199001011239\n").unwrap();
    path.to_str().unwrap().to_owned()
}

/// A credential by a CA of the right name that nobody believes. The caller believes the node; the node does not believe
/// the caller, which sees an alert.
fn stranger(office: &Office) {
    practice::stranger(office.folder(), region(JINAN)).unwrap();
    let file = |name: &str| office.folder().join(name).to_str().unwrap().to_owned();
    let (credential, key) = (file("stranger.pem"), file("stranger.key"));
    let hall = office.profile(JINAN, SYSTEM);
    let args = ["certificate", "list", "--profile", &hall, "--credential", &credential, "--key", &key, "-o", "json"];
    let said = office.node(&args);
    assert!([4, 7].contains(&said.code), "{said:?}");
    let next = said.error()["next"].as_str().unwrap().to_owned();
    assert!(next.contains("doctor"), "where the fault is named: {next}");
}

/// A library of which some rows are faulty on purpose; its types have to be published first.
fn import(office: &Office, seen: &mut Seen, hall: &str) {
    let catalogue = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/sample/catalogue");
    let file = |name: &str| catalogue.join(name).to_str().unwrap().to_owned();
    let province = office.profile(PROVINCE, OPERATOR);
    let publish = ["catalogue", "publish", "--profile", &province, &file("certificate-types.json")];
    let said = office.node(&publish);
    assert_eq!(said.code, 0, "{said:?}");
    // By another city's operator: the province alone publishes types.
    let said = office.node(&[
        "catalogue",
        "publish",
        "--profile",
        &office.profile(QINGDAO, OPERATOR),
        publish[4],
        "-o",
        "json",
    ]);
    assert_eq!((said.code, said.error()["reason"].as_str()), (5, Some("NOT_PROVINCE")), "{said:?}");
    let begin = std::time::Instant::now();
    let show = ["catalogue", "show", MARRIAGE, "--profile", &office.profile(JINAN, OPERATOR)];
    while office.node(&show).code != 0 {
        assert!(begin.elapsed().as_secs() < 30, "the type has not come to {JINAN}");
    }
    let rows = office.folder().join("rows.csv");
    let said =
        office.node(&["sample", "--rows", "300", "--region", JINAN, "--seed", "1", "--out", rows.to_str().unwrap()]);
    assert_eq!(said.code, 0, "{said:?}");
    let said =
        office.node(&["certificate", "import", "--profile", hall, "--file", rows.to_str().unwrap(), "-o", "json"]);
    seen.done("rows are rejected", &said, Exit::Warnings);
    let summary = said.json();
    assert_eq!((summary["rows"].as_u64(), summary["rejected"].as_u64()), (Some(300), Some(3)), "{summary}");
    assert!(Path::new(summary["rejected_file"].as_str().unwrap()).exists());
}

#[test]
fn ca_tools_ends_with_every_code_but_unavailable() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let at = folder.path();
    let mut seen = Seen::default();
    let json = |args: &[&str]| run(programs::ca_tools(), at, &[args, &["-o", "json"]].concat());
    fs::write(at.join("pass"), "correct horse battery\n").unwrap();
    fs::set_permissions(at.join("pass"), Permissions::from_mode(0o600)).unwrap();
    let root = ["root", "init", "--domain", "sd.example.org", "--out", "root", "--passphrase-file", "pass"];
    seen.done("a root", &json(&root), Exit::Ok);
    seen.failed("the root is there", &json(&root), Exit::Conflict, "CONFLICT");
    seen.failed("usage", &json(&["root", "ini"]), Exit::Usage, "USAGE");
    seen.failed("no such file", &json(&["inspect", "nowhere.crt"]), Exit::NotFound, "NOT_FOUND");
    let issue = ["issue", "--ca", "root", "--profile", "node", "--name", "n", "--csr", "n.csr", "--out", "n.crt"];
    assert_eq!(json(&["csr", "new", "--name", "n", "--out", "n"]).code, 0);
    let said = json(&[&issue[..], &["--passphrase-file", "pass"]].concat());
    seen.failed("a root issues no node", &said, Exit::Refused, "REFUSED");
    fs::set_permissions(at.join("pass"), Permissions::from_mode(0o644)).unwrap();
    let said = json(&["crl", "issue", "--ca", "root", "--passphrase-file", "pass"]);
    seen.failed("others can read the passphrase", &said, Exit::Identity, "KEY_PERMISSIONS");

    // CRLs of another day: past two thirds of their life, and past its end.
    let domain = TrustDomain::parse("sd.example.org").unwrap();
    let pass = Passphrase::new(b"correct horse battery".to_vec()).unwrap();
    for (days, name, exit) in [(21, "ageing", Exit::Warnings), (31, "stale", Exit::CheckFailed)] {
        let options = CaOptions { days: 3650, crl_days: 30 };
        let mut ca = Ca::root(&domain, options, ca_tools::seams::now_ms() - days * DAY_MS).unwrap();
        ca.save(&at.join(name), &pass).unwrap();
        let said = json(&["crl", "inspect", &format!("{name}/crl.pem"), "--ca-cert", &format!("{name}/ca.crt")]);
        seen.done(name, &said, exit);
        assert_eq!(said.json()["state"], name.to_uppercase(), "{said:?}");
    }
    let journal = at.join("ageing/journal.jsonl");
    let changed = fs::read_to_string(&journal).unwrap().replace("\"seq\":1,", "\"seq\":7,");
    fs::write(&journal, changed).unwrap();
    seen.failed("a changed journal", &json(&["list", "--ca", "ageing"]), Exit::Failed, "FAILED");

    let all: BTreeSet<u8> = Exit::ALL.iter().map(|exit| exit.code()).filter(|code| *code != 7).collect();
    assert_eq!(seen.0, all, "it calls nobody, so nothing is unavailable");
}
