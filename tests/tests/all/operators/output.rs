//! With `-o json` every command gives one JSON document on standard output, and every failure one JSON object as the last
//! line of standard error. A command without a row here fails the test.

use super::{
    leaves,
    office::{JINAN, Office, PROVINCE, QINGDAO, Said, run},
};
use crate::programs;
use exchange_node::practice::{OPERATOR, SYSTEM};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs::{self, Permissions},
    io::Read,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Longest wait for a row of one city to be seen in another.
const ARRIVAL: Duration = Duration::from_secs(30);

/// Commands that were seen, with the document each gave.
#[derive(Default)]
struct Seen(BTreeMap<String, Value>);

impl Seen {
    /// Runs a command with `-o json`; its own words come first.
    fn run(&mut self, program: &Path, folder: &Path, words: &str, args: &[&str], code: i32) -> Value {
        let all: Vec<&str> = words.split(' ').chain(args.iter().copied()).chain(["-o", "json"]).collect();
        let said = run(program, folder, &all);
        assert_eq!(said.code, code, "{words} {args:?}: {said:?}");
        for line in said.err.lines() {
            assert!(serde_json::from_str::<Value>(line).is_ok(), "{words}: standard error says {line}");
        }
        self.keep(program, words, said.json())
    }

    fn keep(&mut self, program: &Path, words: &str, value: Value) -> Value {
        assert!(value.is_object() || value.is_array(), "{words}: {value}");
        let name = program.file_name().unwrap().to_str().unwrap();
        self.0.insert(format!("{name} {words}"), value.clone());
        value
    }

    /// Every command of the program, and no other.
    fn is_all_of(&self, program: &str) {
        let leaves = leaves().into_iter().map(|(words, _)| words);
        let expected: Vec<String> = leaves.filter(|words| words.split(' ').next() == Some(program)).collect();
        for words in &expected {
            assert!(self.0.contains_key(words), "{words} was not run with -o json: add a row");
        }
        assert_eq!(self.0.len(), expected.len());
    }
}

#[test]
fn every_command_of_the_node_speaks_json() {
    let program = programs::node();
    let demo = {
        let mut command = Command::new(program);
        command.args(["demo", "-o", "json"]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let mut office = Office::open(None);
    office.start();
    let folder = office.folder().to_owned();
    let mut seen = Seen::default();
    let admin = |code: &str| office.profile(code, OPERATOR);
    let (jinan, hall) = (admin(JINAN), office.profile(JINAN, SYSTEM));

    let made = seen.run(program, &folder, "init", &init("node"), 0);
    assert!(Path::new(&folder).join(made["config"].as_str().unwrap()).exists(), "{made}");
    let dry = seen.run(program, &folder, "init", &[&init("other")[..], &["--dry-run"]].concat(), 0);
    assert!(dry["config"].as_str().unwrap().contains("[node]") && !folder.join("other").exists(), "{dry}");
    let checked = seen.run(program, &folder, "config check", &["--config", &office.config(JINAN)], 0);
    assert_eq!((&checked["result"], &checked["region"]), (&json!("ok"), &json!(JINAN)));
    let sample = ["--rows", "400", "--region", JINAN, "--seed", "1", "--out", "rows.csv"];
    assert_eq!(seen.run(program, &folder, "sample", &sample, 0)["seed"], 1);
    let status = seen.run(program, &folder, "status", &["--profile", &jinan], 0);
    assert_eq!((&status["region"], &status["writable"]), (&json!(JINAN), &json!(true)));
    let doctor = seen.run(program, &folder, "doctor", &["--profile", &jinan], 0);
    assert_eq!(doctor["failed"], 0, "{doctor}");
    let script = seen.run(program, &folder, "completions", &["bash"], 0);
    assert!(script["script"].as_str().unwrap().contains("_exchange__node"));
    let pages = seen.run(program, &folder, "man", &["--out", "man"], 0);
    assert!(folder.join("man").join(pages["pages"][0].as_str().unwrap()).exists());

    documents(&mut seen, &folder);
    catalogue(&mut seen, &office);
    let imported = seen.run(program, &folder, "certificate import", &["--profile", &hall, "--file", "rows.csv"], 10);
    assert_eq!((&imported["rows"], &imported["rejected"]), (&json!(400), &json!(4)), "{imported}");
    certificates(&mut seen, &office, &hall);
    lookups(&mut seen, &office);
    running(&mut seen, &mut office);
    let output: Said = demo.wait_with_output().unwrap().into();
    assert_eq!(output.code, 0, "{output:?}");
    let demo = seen.keep(program, "demo", output.json());
    assert_eq!(demo["failed"], 0, "{demo}");
    assert_eq!(demo["steps"].as_array().unwrap().len() as u64, demo["passed"].as_u64().unwrap());
    seen.is_all_of("exchange-node");
}

fn init(folder: &str) -> [&str; 8] {
    ["--region", JINAN, "--name", "n", "--trust-domain", "x.example", "--dir", folder]
}

/// A sealed document of the corpus of exchange-seal.
fn documents(seen: &mut Seen, folder: &Path) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../exchange-node/seal/tests/corpus");
    let file = |name: &str| corpus.join(name).to_str().unwrap().to_owned();
    fs::create_dir(folder.join("anchors")).unwrap();
    fs::copy(corpus.join("ring-root.der"), folder.join("anchors/root.der")).unwrap();
    let (document, crl) = (file("ring-v4.ofd"), file("ring-root.crl"));
    let verify = [&document, "--anchors", "anchors", "--crl", &crl, "--at", "2026-11-25T00:00:00Z"];
    let judged = seen.run(programs::node(), folder, "document verify", &verify, 0);
    assert_eq!(judged["verdict"], "VALID", "{judged}");
    seen.run(programs::node(), folder, "document show", &[&document], 0);
    let offices = crate::seals::Offices::make(folder, "sm2", "seals");
    let stamped = seen.run(programs::node(), folder, "document stamp", &offices.stamp(&document, "out.ofd"), 0);
    assert_eq!((&stamped["signature"], &stamped["is_national"]), (&json!("s002"), &json!(true)), "{stamped}");
    let values = json!({
        "certificate_id": "1.2.156.3005.2.11100000MB0143028R001.113700000045030270.370100202600000001.001.S",
        "type_name": "营业执照",
        "environment": "exercise",
        "issuer": { "uscc": "113700000045030270", "name": "样例局" },
        "issued_on": "2026-11-25",
        "valid_from": "2026-11-25",
        "fields": { "CZZT": "样例有限公司", "CZZTDM": "91379999MA0000001T" },
    });
    fs::write(folder.join("values.json"), values.to_string()).unwrap();
    let render = ["--template", "business-licence", "--values", "values.json", "--out", "licence.ofd"];
    let written = seen.run(programs::node(), folder, "document render", &render, 0);
    assert_eq!(written["pages"], 1, "{written}");
    seen.run(programs::node(), folder, "document show", &["licence.ofd"], 0);
}

fn catalogue(seen: &mut Seen, office: &Office) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/sample/catalogue");
    let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (program, at) = (programs::node(), office.folder().to_owned());
    let admin = |code: &str| office.profile(code, OPERATOR);
    let (types, matters) = (file("certificate-types.json"), file("matters.json"));
    let publish = ["--profile", &admin(PROVINCE), &types, &matters];
    let dry = seen.run(program, &at, "catalogue publish", &[&publish[..], &["--dry-run"]].concat(), 0);
    assert!(dry[0]["position"].is_null(), "{dry}");
    let waiting = Waiting::publish(office, &file(&format!("implementations-{JINAN}.json")));
    let said = waiting.outcome();
    assert_eq!((said.code, &said.error()["reason"]), (3, &json!("MATTER_UNKNOWN")), "{said:?}");
    let mut waiting = Waiting::publish(office, &file(&format!("implementations-{JINAN}.json")));
    waiting.until_it_waits();
    let done = seen.run(program, &at, "catalogue publish", &publish, 0);
    assert_eq!(done[0]["position"]["region"], PROVINCE, "{done}");
    let said = waiting.outcome();
    assert_eq!(said.code, 0, "what the province publishes meanwhile is enough: {said:?}");
    arrived(|| office.node(&["catalogue", "show", "372099007000", "--profile", &admin(QINGDAO)]).code == 0);
    let implementations = file(&format!("implementations-{QINGDAO}.json"));
    seen.run(program, &at, "catalogue publish", &["--profile", &admin(QINGDAO), &implementations], 0);
    let all = seen.run(program, &at, "catalogue show", &["--profile", &admin(JINAN)], 0);
    assert!(all["certificate_types"].as_array().is_some_and(|types| types.len() > 3), "{all}");
}

/// A city's `catalogue publish` whose matters the province has not published, or not yet.
struct Waiting {
    process: Child,
    heard: String,
}

impl Waiting {
    fn publish(office: &Office, implementations: &str) -> Self {
        let profile = office.profile(JINAN, OPERATOR);
        let mut command = Command::new(programs::node());
        command.args(["catalogue", "publish", "--profile", &profile, implementations, "-o", "json"]);
        command.env_remove("EXCHANGE_PROFILE").stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { process: command.spawn().unwrap(), heard: String::new() }
    }

    fn until_it_waits(&mut self) {
        let stderr = self.process.stderr.as_mut().unwrap();
        while !self.heard.contains("waiting for what the province has published") {
            let mut byte = [0];
            stderr.read_exact(&mut byte).unwrap_or_else(|_| panic!("it ended, and said {}", self.heard));
            self.heard.push(char::from(byte[0]));
        }
    }

    fn outcome(self) -> Said {
        self.process.wait_with_output().unwrap().into()
    }
}

fn arrived(there: impl Fn() -> bool) {
    let begin = Instant::now();
    while !there() {
        assert!(begin.elapsed() < ARRIVAL, "not there after {ARRIVAL:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn certificates(seen: &mut Seen, office: &Office, hall: &str) {
    let (program, at) = (programs::node(), office.folder().to_owned());
    let fields = json!({
        "CZZT": "演练丙", "CZZTDM": "379999199001010010", "CZZTDMLXDM": "111", "ZZBH": "J370102-2020-000001",
        "KZ_DJRQ": "2020-01-02", "KZ_DJJG": "济南市民政局",
    });
    fs::write(at.join("fields.json"), fields.to_string()).unwrap();
    let department = exchange_node::sample::departments::Department::CivilAffairs.of(super::office::region(JINAN));
    let department = department.unwrap();
    let issue = [
        "--profile",
        hall,
        "--type",
        "111000000000131433001",
        "--issuer",
        department.uscc.as_str(),
        "--issuer-name",
        &department.name,
        "--issued-on",
        "2020-01-02",
        "--fields",
        "fields.json",
    ];
    let tried = seen.run(program, &at, "certificate issue", &[&issue[..], &["--dry-run"]].concat(), 0);
    assert_eq!((&tried["would_issue"], &tried["revision"]), (&json!("111000000000131433001"), &json!(1)), "{tried}");
    let mut early = issue;
    early[9] = "2999-01-02";
    let said = office.node(&[&["certificate", "issue", "-o", "json", "--dry-run"], &early[..]].concat());
    assert!(said.code != 0 && said.err.contains("2999-01-02"), "{} {}", said.code, said.err);
    let before = seen.run(program, &at, "certificate list", &["--profile", hall, "--limit", "1000"], 0);
    let issued = seen.run(program, &at, "certificate issue", &issue, 0);
    let after = seen.run(program, &at, "certificate list", &["--profile", hall, "--limit", "1000"], 0);
    let count = |list: &Value| list.as_array().unwrap().len();
    assert_eq!(count(&before) + 1, count(&after), "a dry run issues nothing");
    let id = issued["certificate_id"].as_str().unwrap();
    let shown = seen.run(program, &at, "certificate show", &[id, "--profile", hall], 0);
    assert_eq!(shown["certificate_id"], id);
    arrived(|| office.node(&["certificate", "verify", id, "--profile", hall]).code == 0);
    let verified = seen.run(program, &at, "certificate verify", &[id, "--profile", hall], 0);
    assert_eq!(verified["verdict"], "VERDICT_GENUINE", "{verified}");
    let export = seen.run(program, &at, "certificate export", &[id, "--profile", hall, "--out", "it.cert.pb"], 0);
    assert!(at.join(export["file"].as_str().unwrap()).exists(), "{export}");
    let change = [
        id,
        "--profile",
        hall,
        "--to",
        "CANCELLED",
        "--decided-on",
        "2026-05-20",
        "--body",
        department.uscc.as_str(),
        "--body-name",
        &department.name,
        "--document",
        "演练〔2026〕1号",
        "--reason",
        "演练",
    ];
    let tried = seen.run(program, &at, "certificate status", &[&change[..], &["--dry-run"]].concat(), 0);
    assert_eq!(tried["would_become"], "CANCELLED", "{tried}");
    assert_eq!(seen.run(program, &at, "certificate show", &[id, "--profile", hall], 0)["status"], "STATUS_ACTIVE");
    let mut never = change;
    never[4] = "NOT_YET_ACTIVE";
    let said = office.node(&[&["certificate", "status", "-o", "json", "--dry-run"], &never[..]].concat());
    assert!(said.code != 0 && said.err.contains("STATUS_CHANGE_NOT_ALLOWED"), "{} {}", said.code, said.err);
    let changed = seen.run(program, &at, "certificate status", &change, 0);
    assert_eq!(changed["status"], "STATUS_CANCELLED", "{changed}");
    let listed = seen.run(program, &at, "certificate list", &["--profile", hall, "--limit", "2"], 0);
    assert_eq!(listed.as_array().unwrap().len(), 2);
}

/// The owner of a flat of the imported rows, asked by the other city.
fn lookups(seen: &mut Seen, office: &Office) {
    const DEED: &str = "11100000MB03271699001";
    let (program, at) = (programs::node(), office.folder().to_owned());
    let rows = fs::read_to_string(at.join("rows.csv")).unwrap();
    let rows = rows.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let deed = rows.into_iter().find(|row| row[2] == DEED && row[21] == "01").expect("a deed in force");
    fs::write(at.join("party.txt"), format!("{}\n", deed[10])).unwrap();
    let (hall, admin) = (office.profile(QINGDAO, SYSTEM), office.profile(JINAN, OPERATOR));
    let today = time::OffsetDateTime::now_utc().date();
    let case = format!("{QINGDAO}{:04}{:02}{:02}00000001", today.year(), u8::from(today.month()), today.day());
    let question = [
        "--profile",
        &hall,
        "--matter",
        "372099007000",
        "--responsible-region",
        QINGDAO,
        "--case",
        &case,
        "--clerk",
        "QD-0007",
        "--organisation",
        "11370200XXXX00006D",
        "--party-file",
        "party.txt",
    ];
    arrived(|| office.node(&[&["lookup", "find"], &question[..]].concat()).code == 0);
    let found = seen.run(program, &at, "lookup find", &question, 0);
    assert_eq!(found["certificates"][0]["certificate"]["type_code"], DEED, "{found}");
    let read = ["--type", DEED, "--number", deed[3], "--field", "KZ_ZL", "--field", "KZ_MJ"];
    // The city that answers may learn of the asking one's implementation after that city itself.
    arrived(|| office.node(&[&["lookup", "certificate"], &question[..], &read].concat()).code == 0);
    let answer = seen.run(program, &at, "lookup certificate", &[&question[..], &read].concat(), 0);
    assert_eq!(answer["withheld_fields"], json!(["KZ_MJ"]), "{answer}");
    file(seen, office, &question);
    let uses = seen.run(program, &at, "uses", &["--profile", &admin, "--holder-file", "party.txt"], 0);
    assert_eq!(uses[0]["asking_region"], QINGDAO, "{uses}");
}

/// A file of a deed, for a matter that needs the document itself.
fn file(seen: &mut Seen, office: &Office, question: &[&str]) {
    let (program, at, hall) = (programs::node(), office.folder().to_owned(), office.profile(JINAN, SYSTEM));
    let fields = json!({
        "CZZT": "演练丁", "CZZTDM": "379999199001010010", "CZZTDMLXDM": "111", "ZZBH": "演练第0001号",
        "KZ_BDCQZH": "演练第0001号", "KZ_ZL": "演练路1号", "KZ_QLR": "演练丁", "KZ_GYQK": "单独所有", "KZ_MJ": "98.5",
    });
    fs::write(at.join("deed.json"), fields.to_string()).unwrap();
    fs::write(at.join("deed.ofd"), "an invented document").unwrap();
    fs::write(at.join("owner.txt"), "379999199001010010\n").unwrap();
    let department = exchange_node::sample::departments::Department::NaturalResources.of(super::office::region(JINAN));
    let department = department.unwrap();
    let (uscc, name) = (department.uscc.to_string(), department.name);
    let issue = ["certificate", "issue", "-o", "json", "--profile", &hall, "--type", "11100000MB03271699001"];
    let issue = [&issue[..], &["--issuer", &uscc, "--issuer-name", &name, "--issued-on", "2025-03-01"]].concat();
    let issued = office.node(&[&issue[..], &["--fields", "deed.json", "--file", "deed.ofd"]].concat());
    let issued: serde_json::Value = serde_json::from_str(&issued.out).unwrap();
    let id = issued["certificate_id"].as_str().unwrap();
    assert_eq!(issued["files"][0]["media_type"], "application/ofd", "{issued}");
    let mut question = question.to_vec();
    for (name, value) in [("--matter", "370799005000"), ("--party-file", "owner.txt")] {
        let at = question.iter().position(|one| *one == name).unwrap();
        question[at + 1] = value;
    }
    let fetch = |out| [&question[..], &["--id", id, "--out", out]].concat();
    arrived(|| office.node(&[&["lookup", "file"], &fetch("first.ofd")[..]].concat()).code == 0);
    let fetched = seen.run(program, &at, "lookup file", &fetch("again.ofd"), 0);
    assert_eq!(fetched["file"]["media_type"], "application/ofd", "{fetched}");
    assert_eq!(fs::read_to_string(at.join("again.ofd")).unwrap(), "an invented document");
    // The department has no seal here; what is not made is not written either.
    let refused = office.node(&[&["lookup", "file", "--copy"], &fetch("copy.ofd")[..]].concat());
    assert!(refused.code == 5 && refused.err.contains("COPY_NOT_MAKEABLE"), "{refused:?}");
    assert!(!at.join("copy.ofd").exists());
    no_copy(seen, office, id);
}

/// A copy that nobody has made is used by nobody.
fn no_copy(seen: &mut Seen, office: &Office, id: &str) {
    let (program, at, hall) = (programs::node(), office.folder().to_owned(), office.profile(QINGDAO, SYSTEM));
    let number = "5QJ8Z6N3V0C4T1M7K2W9XB5RDE";
    let values = json!({
        "certificate_id": id,
        "type_name": "不动产权证书",
        "environment": "exercise",
        "issuer": { "uscc": "113700000045030270", "name": "样例局" },
        "issued_on": "2025-03-01",
        "valid_from": "2025-03-01",
        "fields": { "CZZT": "样例有限公司", "CZZTDM": "91379999MA0000001T" },
        "copy": {
            "cause": "样例事项", "requester": "样例大厅", "made_on": "2025-03-01", "expires_on": "2025-03-08",
            "number": number,
        },
    });
    fs::write(at.join("copy.json"), values.to_string()).unwrap();
    let render = ["--template", "business-licence", "--values", "copy.json", "--out", "made-up.ofd"];
    seen.run(program, &at, "document render", &render, 0);
    let shown = seen.run(program, &at, "document show", &["made-up.ofd"], 0);
    let copy = &shown["documents"][0]["copy"];
    assert_eq!((&copy["number"], &copy["expired"]), (&json!(number), &json!(true)), "{shown}");
    assert_eq!(copy["single_use"], "NOT_CHECKED");
    let used = seen.run(program, &at, "lookup use-copy", &["made-up.ofd", "--profile", &hall], 11);
    assert_eq!(used["result"], "COPY_USE_UNKNOWN", "{used}");
}

/// `run` says where it answers, and goes on.
fn running(seen: &mut Seen, office: &mut Office) {
    office.down(QINGDAO);
    let mut command = Command::new(programs::node());
    command
        .args(["run", "-o", "json", "--config", &office.config(QINGDAO)])
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut node = command.spawn().unwrap();
    let mut text = String::new();
    let mut out = node.stdout.take().unwrap();
    let value = loop {
        let mut byte = [0];
        assert_eq!(out.read(&mut byte).unwrap(), 1, "the node ended: {text}");
        text.push(char::from(byte[0]));
        if let Ok(value) = serde_json::from_str::<Value>(&text) {
            break value;
        }
    };
    node.kill().unwrap();
    node.wait().unwrap();
    assert_eq!((&value["region"], &value["node"]), (&json!(QINGDAO), &json!("node-1")), "{value}");
    seen.keep(programs::node(), "run", value);
}

#[test]
fn every_command_of_ca_tools_speaks_json() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (program, at): (&Path, PathBuf) = (programs::ca_tools(), folder.path().to_owned());
    let mut seen = Seen::default();
    fs::write(at.join("pass"), "correct horse battery\n").unwrap();
    fs::set_permissions(at.join("pass"), Permissions::from_mode(0o600)).unwrap();
    let mut json = |words: &str, args: &[&str]| seen.run(program, &at, words, args, 0);
    let pass = ["--passphrase-file", "pass"];
    let with_pass = |args: &[&'static str]| [args, &pass].concat();

    let root = json("root init", &with_pass(&["--domain", "sd.example.org", "--out", "root"]));
    assert_eq!(root["fingerprint"], root["fingerprint_again"]);
    let city = ["--root", "root", "--region", "370100", "--out", "jinan", "--root-passphrase-file", "pass"];
    assert_eq!(json("ca init", &with_pass(&city))["region"], "370100");
    for name in ["node-1", "trust"] {
        assert_eq!(json("csr new", &["--name", name, "--out", name])["request"], format!("{name}.csr"));
    }
    let issue =
        ["--ca", "jinan", "--profile", "node", "--name", "node-1", "--csr", "node-1.csr", "--out", "node-1.crt"];
    assert_eq!(json("issue", &with_pass(&issue))["dns"], "node-1.370100.sd.example.org");
    let issue = ["--ca", "root", "--profile", "trust", "--name", "main", "--csr", "trust.csr", "--out", "trust.crt"];
    json("issue", &with_pass(&issue));
    for kind in ["events", "access"] {
        let key = ["--domain", "sd.example.org", "--region", "370100", "--kind", kind, "--out", kind];
        assert!(json("log-key new", &key)["vkey"].as_str().unwrap().starts_with("sd.example.org/370100/"));
    }
    assert_eq!(json("index-key new", &["--out", "index.key"])["number"], 1);
    assert_eq!(json("store-key new", &["--out", "store.key"])["file"], "store.key");
    fs::write(at.join("bundle.toml"), BUNDLE).unwrap();
    assert_eq!(json("bundle build", &["--config", "bundle.toml", "--out", "bundle.unsigned"])["number"], 1);
    json(
        "bundle sign",
        &["--in", "bundle.unsigned", "--key", "trust.key", "--cert", "trust.crt", "--out", "bundle.pb"],
    );
    let inspected = json("bundle inspect", &["bundle.pb", "--root", "root/ca.crt"]);
    assert!(inspected["signature"].as_str().unwrap().starts_with("by "), "{inspected}");
    assert_eq!(json("inspect", &["node-1.crt"])[0]["kind"], "node");
    let verify = ["--as", "node-server", "--root", "root/ca.crt", "--crl", "root/crl.pem", "--crl", "jinan/crl.pem"];
    assert_eq!(json("verify", &[&verify[..], &["--bundle", "bundle.pb", "node-1.crt"]].concat())["result"], "ok");
    assert_eq!(json("crl issue", &with_pass(&["--ca", "jinan"]))["number"], 2);
    assert_eq!(json("crl inspect", &["jinan/crl.pem", "--ca-cert", "jinan/ca.crt"])["signature"], "by that CA");
    let revoke = with_pass(&["--ca", "jinan", "--cert", "node-1.crt", "--reason", "superseded"]);
    assert_eq!(json("revoke", &revoke)["crl_number"], 3);
    assert_eq!(json("list", &["--ca", "jinan"])[0]["withdrawn"], "superseded");
    let init = ["--domain", "sd.example.org", "--out", "seal-ca"];
    assert_eq!(json("seal-ca init", &with_pass(&init))["is_national"], true);
    for (profile, name) in [("seal-maker", "maker"), ("seal-signer", "signer")] {
        let issue = ["--ca", "seal-ca", "--profile", profile, "--name", name, "--out", name];
        assert_eq!(json("seal-ca issue", &with_pass(&issue))["profile"], profile);
    }
    let request = json("seal-ca request", &["--name", "office", "--out", "office"]);
    assert_eq!((&request["request"], &request["algorithm"]), (&json!("office.csr"), &json!("SM2 with SM3")));
    fs::write(at.join("seal.png"), crate::seals::picture()).unwrap();
    let new = ["--key", "maker.key", "--certificate", "maker.crt", "--picture", "seal.png", "--name", "测试章"];
    let new = [&new[..], &["--id", "37010000000001", "--for", "signer.crt", "--out", "seal.esl"]].concat();
    assert_eq!(json("seal new", &new)["standard"], "GB/T 38540-2020");
    let revoke = ["--ca", "seal-ca", "--cert", "signer.crt", "--reason", "superseded"];
    assert_eq!(json("seal-ca revoke", &with_pass(&revoke))["crl_number"], 2);
    assert_eq!(json("seal-ca crl", &with_pass(&["--ca", "seal-ca"]))["number"], 3);
    assert!(json("completions", &["zsh"])["script"].as_str().unwrap().contains("_ca-tools"));
    assert!(json("man", &["--out", "man"])["pages"].as_array().is_some_and(|pages| pages.len() > 15));
    seen.is_all_of("ca-tools");
}

const BUNDLE: &str = r#"
trust_domain = "sd.example.org"
province = "370000"
series = "main"
number = 1
valid_days = 90
roots = ["root/ca.crt"]
[[region]]
code = "370100"
name = "济南市"
ca = ["jinan/ca.crt"]
index_key = "index.key"
node = [{ address = "127.0.0.1:7001", name = "node-1" }]
log = [{ key = "events.vkey" }, { key = "access.vkey" }]
"#;

/// Arguments that do not parse are an error in JSON too, for every command.
#[test]
fn every_command_s_usage_error_is_json() {
    for (words, _) in leaves() {
        let (name, rest) = words.split_once(' ').unwrap();
        let program = if name == "ca-tools" { programs::ca_tools() } else { programs::node() };
        let all: Vec<&str> = rest.split(' ').chain(["--no-such-option", "-o", "json"]).collect();
        let said = run(program, Path::new("/"), &all);
        let error = said.error();
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{words}: {said:?}");
        assert_eq!((&error["reason"], &error["exit"]), (&json!("USAGE"), &json!(2)), "{words}: {error}");
        assert!(error["message"].as_str().unwrap().contains("--no-such-option"), "{words}: {error}");
    }
}
