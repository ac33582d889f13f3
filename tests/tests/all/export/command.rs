//! The program that ships: `certificate export` at a node, `certificate verify` where there is neither node nor network.

use super::{HEAD, Verifier, province};
use crate::{process::program, world::*};
use exchange_core::status::Status;
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

/// A machine with a folder and nothing else.
struct Elsewhere<'a> {
    folder: &'a Path,
    alone: bool,
}

impl Elsewhere<'_> {
    /// Runs the program in a network namespace of its own, where there is not even loopback, if this machine may.
    fn run(&self, args: &[&str]) -> Output {
        let mut command = if self.alone { Command::new("unshare") } else { Command::new(program()) };
        if self.alone {
            command.args(["--net", "--"]).arg(program());
        }
        command.args(args).current_dir(self.folder).env_remove("EXCHANGE_PROFILE").env_remove("EXCHANGE_NODE");
        command.output().unwrap()
    }

    /// Exit code and standard output.
    fn verify(&self, args: &[&str]) -> (i32, String) {
        let output = self.run(&[&["certificate", "verify"], args].concat());
        let said = String::from_utf8(output.stdout).unwrap();
        (output.status.code().unwrap(), said + &String::from_utf8(output.stderr).unwrap())
    }
}

pub(super) fn run(world: &World, verifier: &Verifier, deed: &Certificate, revoked_later: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let alone = Command::new("unshare").args(["--net", "--", "true"]).status().is_ok_and(|status| status.success());
    println!("exports: verified in a network namespace of its own: {alone}");
    exported(world, verifier, deed, folder.path());
    let here = Elsewhere { folder: folder.path(), alone };
    for name in ["root.pem", "bundle.pb"] {
        fs::copy(province(world).join(name), folder.path().join(name)).unwrap();
    }
    const TRUST: [&str; 4] = ["--bundle", "bundle.pb", "--root", "root.pem"];
    let verify = |args: &[&str]| here.verify(&[args, &TRUST].concat());

    let (code, said) = verify(&["deed.cert.pb", "--on-day", "2025-04-01"]);
    assert_eq!(code, 0, "{said}");
    let verdict = said.lines().find(|line| line.starts_with("verdict")).unwrap();
    assert!(verdict.contains("genuine, status as of 20"), "{verdict}");
    assert!(!said.to_lowercase().contains(" valid"), "never plain valid: {said}");
    assert!(said.contains(CANARIES[2]) && said.contains("credential_chain"), "{said}");
    let (code, said) = verify(&["deed.cert.pb", "-o", "json"]);
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &json["verdict"]), (0, &"VERDICT_GENUINE".into()));
    assert_eq!(json["standing"]["freshness"], "FRESHNESS_STALE", "{json}");
    assert_eq!(json["checks"].as_array().unwrap().len(), exchange_core::export::CHECKS.len());

    // Without a pinned root the bundle vouches for itself: said, and not 0.
    let (code, said) = here.verify(&["deed.cert.pb", "--bundle", "bundle.pb"]);
    assert_eq!(code, 10, "{said}");
    assert!(said.contains("genuine, status as of") && said.contains("no root is pinned"), "{said}");
    let (code, said) = here.verify(&["deed.cert.pb"]);
    assert!(code == 2 && said.contains("--bundle"), "{said}");
    let (code, said) = verify(&["gone.cert.pb"]);
    assert!(code == 3 && said.contains("gone.cert.pb"), "{said}");
    // Not in force yet on that day.
    assert_eq!(verify(&["deed.cert.pb", "--on-day", "2025-02-28"]).0, 11);
    // As of the file a certificate that was revoked later is in force, and the file says as of when.
    fs::write(folder.path().join("old.cert.pb"), revoked_later).unwrap();
    assert_eq!(verify(&["old.cert.pb"]).0, 0);

    let file = fs::read(folder.path().join("deed.cert.pb")).unwrap();
    let changed = |at: usize, change: u8| {
        let mut file = file.clone();
        file[at] ^= change;
        file
    };
    for (bytes, needle) in [
        (Vec::new(), "format: an empty file"),
        (file[..file.len() - 1].to_vec(), "format: damaged"),
        ([&file[..], b"\n"].concat(), "format: damaged"),
        (changed(file.len() / 2, 1), "format: damaged"),
        (changed(0, 1), "format: a file that does not begin as an export does"),
        (changed(9, 3), "format: version 2"),
        (file[..HEAD - 2].to_vec(), "format: the first 40 bytes"),
        (vec![0; 4_000_001], "format: "),
    ] {
        fs::write(folder.path().join("bad.cert.pb"), bytes).unwrap();
        let (code, said) = verify(&["bad.cert.pb"]);
        assert!(code == 11 && said.contains(needle), "{code}, not {needle:?}: {said}");
    }
    // A bundle that the pinned root did not sign.
    let elsewhere = World::made("elsewhere", false);
    fs::copy(province(&elsewhere).join("root.pem"), folder.path().join("other.pem")).unwrap();
    let (code, said) = here.verify(&["deed.cert.pb", "--bundle", "bundle.pb", "--root", "other.pem"]);
    assert!(code == 11 && said.contains("not genuine: bundle: "), "{said}");
    fs::copy(province(&elsewhere).join("bundle.pb"), folder.path().join("other.pb")).unwrap();
    let (code, said) = here.verify(&["deed.cert.pb", "--bundle", "other.pb", "--root", "other.pem"]);
    assert!(code == 11 && said.contains("not genuine: receipt: "), "{said}");
}

/// By the department's system, through a running node.
fn exported(world: &World, verifier: &Verifier, deed: &Certificate, folder: &Path) {
    let client = world.practice.client(region(JINAN), "hall");
    let quoted = |path: &Path| format!("{:?}", path.display().to_string());
    let public = |name: &str| quoted(&province(world).join(name));
    let profile = format!(
        "node = {:?}\ncredential = {}\nkey = {}\nroots = [{}]\ncrls = [{}]\nbundle = {}\n",
        client.address,
        quoted(&client.certificate),
        quoted(&client.key),
        public("root.pem"),
        public("crls.pem"),
        public("bundle.pb")
    );
    fs::write(folder.join("hall.toml"), profile).unwrap();
    let id = deed.certificate_id.as_str();
    let export = |args: &[&str]| {
        let args = [&["certificate", "export", id, "--profile", "hall.toml"], args].concat();
        Command::new(program()).args(args).current_dir(folder).output().unwrap()
    };
    let output = export(&["--out", "deed.cert.pb", "--fields", "CZZT,ZZBH"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("status as of") && said.contains("CZZT, ZZBH"), "{said}");
    let path = folder.join("deed.cert.pb");
    assert_eq!(verifier.status(&fs::read(&path).unwrap()).0, Status::Active);
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "it holds values");
    assert_eq!(export(&["--out", "deed.cert.pb"]).status.code(), Some(6), "an existing file stays");
    let named = export(&["--no-values", "-o", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&named.stdout).unwrap();
    assert_eq!((json["file"].as_str(), json["fields"].as_array().unwrap().len()), (Some(&*format!("{id}.cert.pb")), 0));
    let piped = export(&["--out", "-", "--no-values"]);
    assert_eq!(verifier.status(&piped.stdout).0, Status::Active);
    assert_eq!(export(&["--fields", "NO_SUCH", "--out", "none.cert.pb"]).status.code(), Some(2));
    // The node knows what came later than a file; of this one nothing did.
    let args = ["certificate", "verify", "deed.cert.pb", "--online", "--profile", "hall.toml"];
    let online = Command::new(program()).args(args).current_dir(folder).output().unwrap();
    assert_eq!(online.status.code(), Some(0), "{}", String::from_utf8_lossy(&online.stdout));
}
