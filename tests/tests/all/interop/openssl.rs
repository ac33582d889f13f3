//! Chains and CRLs of every profile of ca-tools, judged by `openssl verify`.

use super::{said, there};
use ca_tools::{Ca, Issue, Profile, Scope, files};
use exchange_core::{
    chain::{Credential, WithdrawalReason},
    region::Region,
    spiffe::TrustDomain,
};
use exchange_seal::ses::Seal;
use std::{
    path::Path,
    process::{Command, Output},
};

const DAY_S: u64 = 24 * 3600;

fn openssl(folder: &Path, args: &[&str]) -> Output {
    Command::new("openssl").args(args).current_dir(folder).output().unwrap()
}

/// Strictly, with the CRL of every CA of the path.
fn judged(folder: &Path, more: &[&str]) -> (bool, String) {
    let strict = ["verify", "-x509_strict", "-check_ss_sig", "-crl_check_all", "-no-CApath", "-no-CAstore"];
    let output = openssl(folder, &[&strict[..], more].concat());
    (output.status.success(), said(&output))
}

#[test]
fn openssl_verifies_chains_and_crls_and_refuses_the_withdrawn() {
    if !there("openssl", &["version"], true) {
        return;
    }
    let (now_ms, folder) = (ca_tools::seams::now_ms(), tempfile::tempdir().unwrap());
    let folder = folder.path();
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    let domain = TrustDomain::parse("sd.example.org").unwrap();
    let jinan = Region::parse("370100").unwrap();
    let mut root = Ca::root(&domain, Scope::Root.options(), now_ms).unwrap();
    let mut city = root.city(jinan, Scope::Region(jinan).options(), now_ms).unwrap();
    let mut kafka = Ca::kafka(&domain, Scope::Kafka.options(), now_ms).unwrap();
    for (name, ca) in [("root", &root), ("city", &city), ("kafka", &kafka)] {
        write(&format!("{name}-ca.pem"), &ca.certificate_pem());
    }
    let crls = |root: &Ca, city: &Ca, kafka: &Ca| {
        let pem = |ca: &Ca| files::pem(files::CRL, &ca.crl().unwrap().der);
        for (name, text) in [("root", pem(root)), ("city", pem(city)), ("kafka", pem(kafka))] {
            write(&format!("{name}.crl"), &text);
        }
        write("all.crl", &(pem(root) + &pem(city) + &pem(kafka)));
    };
    let mut issued = Vec::new();
    for profile in Profile::ALL {
        let (ca, name, purposes): (&mut Ca, _, &[&str]) = match profile {
            Profile::Trust => (&mut root, "2026", &[]),
            Profile::Kafka => (&mut kafka, "node-1", &["sslclient"]),
            Profile::Node => (&mut city, "node-1", &["sslclient", "sslserver"]),
            Profile::System | Profile::Operator => (&mut city, "hall", &["sslclient"]),
            Profile::Document => (&mut city, "113701000041886007", &[]),
        };
        let issue = Issue { region: (profile == Profile::Kafka).then_some(jinan), ..Issue::new(profile, name) };
        let (credential, _) = ca.issue_with_new_key(&issue, now_ms).unwrap();
        write(&format!("{}.pem", profile.name()), &files::pem(files::CERTIFICATE, &credential.der));
        issued.push((profile, Credential::parse(&credential.der).unwrap().serial, purposes));
    }
    crls(&root, &city, &kafka);
    let path = |profile: Profile| match profile {
        Profile::Kafka => ["-CAfile", "kafka-ca.pem", "-untrusted", "kafka-ca.pem", "-CRLfile", "all.crl"],
        _ => ["-CAfile", "root-ca.pem", "-untrusted", "city-ca.pem", "-CRLfile", "all.crl"],
    };
    for (profile, _, purposes) in &issued {
        let file = format!("{}.pem", profile.name());
        let verify = |more: &[&str]| judged(folder, &[&path(*profile)[..], more, &[&file]].concat());
        let (good, found) = verify(&[]);
        assert!(good, "{found}");
        for purpose in *purposes {
            let (good, found) = verify(&["-purpose", purpose]);
            assert!(good, "{purpose}: {found}");
        }
        if !purposes.contains(&"sslserver") {
            let (good, found) = verify(&["-purpose", "sslserver"]);
            assert!(!good && found.contains("unsuitable certificate purpose"), "{found}");
        }
        // Past the CRL's end, and of another root.
        let later = (now_ms / 1000 + 200 * DAY_S).to_string();
        let (good, found) = verify(&["-attime", &later]);
        assert!(!good && found.contains("CRL has expired"), "{found}");
        let foreign = if *profile == Profile::Kafka { "root-ca.pem" } else { "kafka-ca.pem" };
        let (good, _) = judged(folder, &["-CAfile", foreign, "-CRLfile", "all.crl", &file]);
        assert!(!good, "{} is believed under {foreign}", profile.name());
    }
    for name in ["root", "city", "kafka"] {
        let (crl, ca) = (format!("{name}.crl"), format!("{name}-ca.pem"));
        let output = openssl(folder, &["crl", "-in", &crl, "-CAfile", &ca, "-verify", "-noout"]);
        assert!(output.status.success() && said(&output).contains("verify OK"), "{}", said(&output));
    }
    let output = openssl(folder, &["crl", "-in", "city.crl", "-CAfile", "kafka-ca.pem", "-verify", "-noout"]);
    assert!(!said(&output).contains("verify OK"), "{}", said(&output));
    let only_root = ["-CAfile", "root-ca.pem", "-untrusted", "city-ca.pem", "-CRLfile", "root.crl", "node.pem"];
    let (good, found) = judged(folder, &only_root);
    assert!(!good && found.contains("unable to get certificate CRL"), "{found}");

    for (profile, serial, _) in &issued {
        let ca = match profile {
            Profile::Trust => &mut root,
            Profile::Kafka => &mut kafka,
            _ => &mut city,
        };
        ca.revoke(serial, WithdrawalReason::KeyCompromise, None, now_ms).unwrap();
    }
    crls(&root, &city, &kafka);
    for (profile, ..) in &issued {
        let file = format!("{}.pem", profile.name());
        let (good, found) = judged(folder, &[&path(*profile)[..], &[&file]].concat());
        assert!(!good && found.contains("certificate revoked"), "{found}");
    }
    println!("openssl: {} profiles verified, and refused when withdrawn", issued.len());
}

/// Certificates and CRLs of the authority over seals, and a seal's own signature, with SM2 and in the ring profile.
#[test]
fn openssl_verifies_what_the_authority_over_seals_makes() {
    if !there("openssl", &["version"], true) {
        return;
    }
    let curves = openssl(Path::new("."), &["ecparam", "-list_curves"]);
    if !said(&curves).contains("SM2") {
        println!("skipped: this openssl has no SM2");
        return;
    }
    for (algorithm, more) in [("sm2", &["-vfyopt", "distid:1234567812345678"][..]), ("ed25519", &[])] {
        let folder = tempfile::tempdir().unwrap();
        let offices = crate::seals::Offices::make(folder.path(), algorithm, "seals");
        let at = offices.path("");
        let strict = ["verify", "-x509_strict", "-no-CApath", "-no-CAstore", "-CAfile", "anchors/ca.crt"];
        for name in ["maker.crt", "signer.crt"] {
            let output = openssl(&at, &[&strict[..], more, &[name]].concat());
            assert!(output.status.success(), "{algorithm} {name}: {}", said(&output));
        }
        let digest = if algorithm == "sm2" { &["-digest", "sm3", "-pkeyopt", more[1]][..] } else { &[] };
        let check = |by: &str, message: &[u8], value: &[u8]| {
            std::fs::write(at.join("message"), message).unwrap();
            std::fs::write(at.join("value"), value).unwrap();
            let command = ["pkeyutl", "-verify", "-rawin", "-certin", "-inkey", by, "-in", "message"];
            let output = openssl(&at, &[&command[..], &["-sigfile", "value"], digest].concat());
            (output.status.success(), said(&output))
        };
        let seal = Seal::parse(&std::fs::read(offices.path("seal.esl")).unwrap()).unwrap();
        let (good, found) = check("maker.crt", &seal.signed, &seal.signature);
        assert!(good, "{algorithm}: {found}");
        assert!(!check("maker.crt", &seal.signed[1..], &seal.signature).0);
        // `openssl verify` takes the id of SM2 for leaves alone: the other signatures are verified one by one.
        for (file, label) in [("ca.crl", files::CRL), ("anchors/ca.crt", files::CERTIFICATE)] {
            let der = files::blocks(&std::fs::read(offices.path(file)).unwrap(), label, file).unwrap().remove(0);
            let (_, content, _) = tlv(&der);
            let (signed, _, rest) = tlv(content);
            let (_, _, rest) = tlv(rest);
            let (_, value, _) = tlv(rest);
            let (good, found) = check("anchors/ca.crt", signed, &value[1..]);
            assert!(good, "{algorithm} {file}: {found}");
        }
    }
    println!("openssl: chains, CRLs and seals of the authority over seals verified");
}

/// A DER value: whole, its content, and what follows it.
fn tlv(der: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let (head, length) = match der[1] {
        short @ 0..=0x7f => (2, usize::from(short)),
        0x81 => (3, usize::from(der[2])),
        _ => (4, usize::from(der[2]) << 8 | usize::from(der[3])),
    };
    let (whole, rest) = der.split_at(head + length);
    (whole, &whole[head..], rest)
}
