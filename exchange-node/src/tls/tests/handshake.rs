//! Who is let in: attack rows 1 to 6.

use super::attacker::{fault, refusal};
use crate::{
    lab::{Ca, DAY_MS, JINAN, Lab, Leaf, QINGDAO, document_signing, region, uri},
    tls::Target,
};
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType};
use std::time::Duration;

const PEER: &str = "spiffe://sd.example.org/region/370200/node/node-1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn good_callers_of_every_kind_are_let_in() {
    let lab = Lab::new();
    let served = lab.serve(lab.trust()).await;
    for (ca, code, kind) in [
        (&lab.qingdao, QINGDAO, "node"),
        (&lab.jinan, JINAN, "node"),
        (&lab.jinan, JINAN, "system"),
        (&lab.jinan, JINAN, "operator"),
    ] {
        let leaf = ca.leaf(&uri(code, kind, "one"), 500);
        assert_eq!(fault(&served, Some(&leaf)).await, None, "{kind} of {code}");
    }
}

/// Rows 1 and 7 (hole): a credential is for the purpose that it names, and it has to name one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_for_another_purpose_is_refused() {
    use ExtendedKeyUsagePurpose::{Any, ClientAuth, ServerAuth};
    let lab = Lab::new();
    let served = lab.serve(lab.trust()).await;
    let eku = |usages: Vec<ExtendedKeyUsagePurpose>| {
        lab.qingdao.spoilt(PEER, 500, |params| params.extended_key_usages = usages)
    };
    let ku = |usages: Vec<KeyUsagePurpose>| lab.qingdao.spoilt(PEER, 500, |params| params.key_usages = usages);
    let department = lab.qingdao.leaf(&uri(QINGDAO, "department", "91350100M000100Y43"), 500);
    let kafka = lab.qingdao.leaf(&uri(QINGDAO, "kafka", "node-1"), 500);
    for (what, leaf, expected) in [
        ("none shown", None, "NO_CREDENTIAL"),
        ("a department's document key", Some(department), "WRONG_KIND"),
        ("a Kafka credential", Some(kafka), "WRONG_KIND"),
        ("no EKU", Some(eku(vec![])), "PURPOSE_MISSING"),
        ("any EKU", Some(eku(vec![Any])), "PURPOSE_MISSING"),
        ("server alone", Some(eku(vec![ServerAuth])), "PURPOSE_MISSING"),
        ("client alone, for a node", Some(eku(vec![ClientAuth])), "PURPOSE_MISSING"),
        ("document signing", Some(eku(vec![document_signing()])), "PURPOSE_MISSING"),
        ("no KU", Some(ku(vec![])), "KEY_USAGE_MISSING"),
        ("KU for seals", Some(ku(vec![KeyUsagePurpose::ContentCommitment])), "KEY_USAGE_MISSING"),
    ] {
        assert_eq!(fault(&served, leaf.as_ref()).await, Some(expected), "{what}");
    }
}

/// Row 2: by the node's own clock, and the text says so when a clock is the likely cause.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expired_and_not_yet_valid_are_refused() {
    let lab = Lab::new();
    let served = lab.serve(lab.trust()).await;
    let from_to = |from: i64, to: i64| {
        let at = |minutes: i64| {
            time::OffsetDateTime::from_unix_timestamp(i64::try_from(lab.now_ms / 1000).unwrap() + minutes * 60).unwrap()
        };
        lab.qingdao.spoilt(PEER, 500, |params| (params.not_before, params.not_after) = (at(from), at(to)))
    };
    let long = 9 * 24 * 60;
    for (leaf, expected, clock) in [
        (from_to(-long, -5), "EXPIRED", true),
        (from_to(-2 * long, -long), "EXPIRED", false),
        (from_to(5, long), "NOT_YET_VALID", true),
    ] {
        let refusal = refusal(&served, Some(&leaf)).await.unwrap();
        assert_eq!(refusal.fault, expected);
        assert_eq!(refusal.text.contains("clock"), clock, "{}", refusal.text);
    }
    let good = lab.qingdao.leaf(PEER, 501);
    assert_eq!(fault(&served, Some(&good)).await, None);
    lab.clock.shift_ms(-11 * DAY_MS as i64);
    assert_eq!(fault(&served, Some(&good)).await, Some("NOT_YET_VALID"), "the injected clock decides");
}

/// Row 3, before and with resumption, and hole 10: the node's log names serial, issuer, key and reason.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_credential_is_refused_and_named() {
    let lab = Lab::new();
    let trust = lab.trust();
    let served = lab.serve(trust.clone()).await;
    let leaf = lab.qingdao.leaf(PEER, 0x5ead);
    // The same client configuration throughout: it would resume, were it given a ticket.
    let config = super::attacker::config(Some(&leaf));
    for _ in 0..2 {
        let tls = super::attacker::connect(&served, config.clone()).await.unwrap();
        let kind = tls.get_ref().1.handshake_kind();
        assert_eq!(kind, Some(rustls::HandshakeKind::Full), "no session is ever resumed");
    }
    trust.offer_crl(region(QINGDAO), &lab.qingdao.crl(2, &[0x5ead])).unwrap();
    served.tls.refresh();
    assert!(super::attacker::connect(&served, config).await.is_none());
    let refusal = refusal(&served, Some(&leaf)).await.unwrap();
    assert_eq!(refusal.fault, "REVOKED");
    let shown = refusal.credential.unwrap();
    assert_eq!((shown.serial.as_str(), shown.issuer.as_str()), ("5ead", "CN=qingdao"));
    assert_eq!(shown.spki_sha256.len(), 64);
    let other = lab.qingdao.leaf(PEER, 501);
    assert_eq!(fault(&served, Some(&other)).await, None, "its successor is let in");
}

/// Row 4 and hole 8.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_identity_than_the_cas_own_region_is_refused() {
    let lab = Lab::new();
    let served = lab.serve(lab.trust()).await;
    let named = |uris: &[&str]| {
        lab.qingdao.spoilt(PEER, 500, |params| {
            params.subject_alt_names = uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap())).collect();
        })
    };
    let jinan = uri(JINAN, "node", "node-1");
    for (what, leaf, expected) in [
        ("another city's node", named(&[&jinan]), "CA_NOT_BOUND"),
        ("another city's system", lab.qingdao.leaf(&uri(JINAN, "system", "hall"), 500), "CA_NOT_BOUND"),
        ("a county", named(&[&uri("370202", "node", "node-1")]), "CA_NOT_BOUND"),
        ("the province", named(&[&uri("370000", "node", "node-1")]), "CA_NOT_BOUND"),
        ("two URIs", named(&[PEER, &jinan]), "URI_COUNT"),
        ("the same twice", named(&[PEER, PEER]), "URI_COUNT"),
        ("none", named(&[]), "URI_COUNT"),
        ("upper case", named(&["spiffe://sd.example.org/region/370200/node/Node-1"]), "IDENTITY_MALFORMED"),
        ("upper case host", named(&["spiffe://SD.example.org/region/370200/node/node-1"]), "IDENTITY_MALFORMED"),
        ("trailing dot", named(&["spiffe://sd.example.org./region/370200/node/node-1"]), "IDENTITY_MALFORMED"),
        ("trailing slash", named(&["spiffe://sd.example.org/region/370200/node/node-1/"]), "IDENTITY_MALFORMED"),
        ("percent-encoding", named(&["spiffe://sd.example.org/region/370200/node/node%2d1"]), "IDENTITY_MALFORMED"),
        ("IDN", named(&["spiffe://xn--0ca.example.org/region/370200/node/node-1"]), "IDENTITY_MALFORMED"),
        ("traversal", named(&["spiffe://sd.example.org/region/370200/node/../node-1"]), "IDENTITY_MALFORMED"),
        ("https", named(&["https://sd.example.org/region/370200/node/node-1"]), "IDENTITY_MALFORMED"),
        ("another domain", named(&["spiffe://zj.example.org/region/370200/node/node-1"]), "FOREIGN_DOMAIN"),
    ] {
        assert_eq!(fault(&served, Some(&leaf)).await, Some(expected), "{what}");
    }
}

/// Row 5.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chains_that_do_not_lead_to_the_root_are_refused() {
    let lab = Lab::new();
    let served = lab.serve(lab.trust()).await;

    let rogue = Ca::root("root", lab.now_ms).below("qingdao", 12);
    let stranger = rogue.leaf(PEER, 500);
    assert!(matches!(fault(&served, Some(&stranger)).await, Some("UNKNOWN_ISSUER" | "NOT_SIGNED_BY_ISSUER")));

    // The genuine CA's certificate under a leaf of the rogue of the same name.
    let mut borrowed = rogue.leaf(PEER, 500);
    borrowed.chain[1] = lab.qingdao.der.clone().into();
    assert_eq!(fault(&served, Some(&borrowed)).await, Some("NOT_SIGNED_BY_ISSUER"));

    let mut alone = lab.qingdao.leaf(PEER, 500);
    alone.chain.truncate(1);
    assert_eq!(fault(&served, Some(&alone)).await, Some("UNKNOWN_ISSUER"));

    // A leaf that signs another one, and a CA below a CA that allows none.
    for (is_ca, expected) in [(false, "CA_FLAG"), (true, "PATH_TOO_LONG")] {
        let params = lab.qingdao.leaf_params(PEER, 501);
        let params = if is_ca {
            let mut params = params;
            params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
            params
        } else {
            params
        };
        let evil = signed_by_leaf(&lab, params);
        assert_eq!(fault(&served, Some(&evil)).await, Some(expected), "CA:{is_ca}");
    }
}

fn signed_by_leaf(lab: &Lab, params: CertificateParams) -> Leaf {
    let key = KeyPair::generate().unwrap();
    let middle = params.signed_by(&key, &lab.qingdao.issuer).unwrap().der().clone();
    let middle_issuer = rcgen::Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let mut params = lab.qingdao.leaf_params(&uri(JINAN, "node", "node-1"), 502);
    params.distinguished_name.push(rcgen::DnType::CommonName, "evil");
    let leaf = params.signed_by(&key, &middle_issuer).unwrap().der().clone();
    Leaf { chain: vec![leaf, middle, lab.qingdao.der.clone().into()], key }
}

/// Row 6 and holes 3 and 6: fail closed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_crls_nobody_is_let_in() {
    let lab = Lab::new();
    let (root, qingdao) = (lab.root.crl(1, &[]), lab.qingdao.crl(1, &[]));
    let peer = lab.qingdao.leaf(PEER, 500);
    for (what, crls) in
        [("none", vec![]), ("the root's alone", vec![root.clone()]), ("the city's alone", vec![qingdao])]
    {
        let served = lab.serve(lab.trust_with(&crls)).await;
        assert_eq!(fault(&served, Some(&peer)).await, Some("CRL_MISSING"), "{what}");
    }
    // The city's CA itself withdrawn by the root.
    let served = lab.serve(lab.trust_with(&[lab.root.crl(2, &[12]), lab.qingdao.crl(2, &[])])).await;
    assert_eq!(fault(&served, Some(&peer)).await, Some("REVOKED"));
}

/// Row 6 and hole 4: past the grace period systems are refused; nodes are admitted, to read logs and trust alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_crl_lets_in_nodes_alone_and_marked() {
    let lab = Lab::new();
    let due = lab.now_ms - 2 * DAY_MS;
    let crls = [lab.root.crl(1, &[]), lab.jinan.crl_until(1, &[], due), lab.qingdao.crl_until(1, &[], due)];
    let served = lab.serve(lab.trust_with(&crls)).await;
    let system = lab.jinan.leaf(&uri(JINAN, "system", "hall"), 500);
    assert_eq!(fault(&served, Some(&system)).await, Some("CRL_EXPIRED"));
    let peer = lab.qingdao.leaf(PEER, 500);
    assert_eq!(fault(&served, Some(&peer)).await, None);
}

/// The client side: the region that was called, not only a good name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_of_another_region_is_not_who_was_called() {
    let lab = Lab::new();
    let trust = lab.trust();
    let served = lab.serve(trust).await;
    let target = |code: &str, server_name: &str| Target {
        region: crate::lab::region(code),
        address: served.address.to_string(),
        server_name: server_name.to_owned(),
        admit_stale_crl: false,
    };
    let caller = || {
        let identity = lab.qingdao.leaf(PEER, 500).identity();
        crate::tls::Tls::new(lab.trust(), identity, lab.clock.clone()).unwrap()
    };
    let longest = Duration::from_secs(2);
    let host = crate::lab::host(JINAN);
    caller().connect(&target(JINAN, &host), longest).await.unwrap();
    let error = caller().connect(&target(QINGDAO, &host), longest).await.unwrap_err();
    assert!(error.to_string().contains("the node is of region 370100; 370200 was called"), "{error}");
    let error = caller().connect(&target(JINAN, "node.elsewhere.example"), longest).await.unwrap_err();
    assert!(error.to_string().contains("not valid for name"), "{error}");
}
