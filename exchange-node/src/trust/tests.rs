//! Attack row 6 and holes 3 to 6: whatever is older, malformed or not by the right key changes nothing, and says so.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use crate::lab::{Ca, DAY_MS, DOMAIN, JINAN, Lab, QINGDAO, log_key, region, uri};
use exchange_core::{
    bundle::CutCredential,
    chain::{CrlSet, Purpose, Roots, Serial, verify_path},
};
use proptest::prelude::*;

fn fault(outcome: Result<Offer, Error>) -> &'static str {
    outcome.unwrap_err().fault()
}

/// The verdict over a good node of 青岛 now.
fn verdict(lab: &Lab, trust: &Trust) -> Result<(), chain::Error> {
    let leaf = lab.qingdao.leaf(&uri(QINGDAO, "node", "node-1"), 500);
    let snapshot = trust.snapshot();
    let basis = snapshot.basis(lab.clock.now_ms(), false);
    verify_path(&leaf.chain[0], &leaf.chain[1..], Purpose::NodeClient, &basis).map(|_| ())
}

#[test]
fn no_crl_at_all_means_that_nobody_is_let_in() {
    let lab = Lab::new();
    let trust = lab.trust_with(&[]);
    assert_eq!(verdict(&lab, &trust).unwrap_err().fault(), "CRL_MISSING");
    // The root's own is needed too: it says whether the city's CA is still one.
    let trust = lab.trust_with(&[lab.qingdao.crl(1, &[])]);
    let error = verdict(&lab, &trust).unwrap_err();
    assert!(matches!(&error, chain::Error::CrlMissing { issuer, .. } if issuer.contains("root")), "{error}");
    let alarms = lab.trust_with(&[]).alarms();
    assert!(alarms.contains(&Alarm::CrlMissing { region: region(JINAN) }), "{alarms:?}");
}

#[test]
fn the_highest_number_counts_whatever_the_order_of_the_files() {
    let lab = Lab::new();
    let (old, new) = (lab.qingdao.crl(1, &[]), lab.qingdao.crl(2, &[500]));
    for crls in [[old.clone(), new.clone()], [new, old]] {
        let trust = lab.trust_with(&[vec![lab.root.crl(1, &[])], crls.to_vec()].concat());
        assert_eq!(verdict(&lab, &trust).unwrap_err().fault(), "REVOKED");
    }
}

#[test]
fn a_stale_crl_is_refused_after_the_grace_period_and_alarms_come_before() {
    let lab = Lab::new();
    let stale = |days: i64| {
        let trust = lab.trust();
        trust.learn(&lab.qingdao.der);
        let due = lab.now_ms.checked_add_signed(days * DAY_MS as i64).unwrap();
        assert_eq!(trust.offer_crl(region(QINGDAO), &lab.qingdao.crl_until(2, &[], due)).unwrap(), Offer::Taken);
        trust
    };
    let names = |trust: &Trust| -> Vec<&'static str> {
        let name = |alarm: &Alarm| match alarm {
            Alarm::CrlAgeing { issuer, .. } if issuer.contains("qingdao") => Some("ageing"),
            Alarm::CrlStale { .. } => Some("stale"),
            _ => None,
        };
        trust.alarms().iter().filter_map(name).collect()
    };
    let fresh = stale(7);
    assert_eq!((verdict(&lab, &fresh), names(&fresh)), (Ok(()), vec![]));
    let ageing = stale(1);
    assert_eq!((verdict(&lab, &ageing), names(&ageing)), (Ok(()), vec!["ageing"]));
    lab.clock.shift_ms(DAY_MS as i64 + 3_600_000);
    assert_eq!((verdict(&lab, &ageing), names(&ageing)), (Ok(()), vec!["ageing"]), "within the grace period");
    lab.clock.shift_ms(DAY_MS as i64);
    assert_eq!(verdict(&lab, &ageing).unwrap_err().fault(), "CRL_EXPIRED");
    assert_eq!(names(&ageing), ["stale"]);
}

#[test]
fn a_bad_crl_changes_nothing_and_raises_an_alarm() {
    let lab = Lab::new();
    let trust = lab.trust();
    trust.learn(&lab.qingdao.der);
    let good = lab.qingdao.crl(5, &[500]);
    assert_eq!(trust.offer_crl(region(QINGDAO), &good).unwrap(), Offer::Taken);
    assert_eq!(trust.offer_crl(region(QINGDAO), &good).unwrap(), Offer::Known);
    let generation = trust.snapshot().generation();

    let rogue = Ca::root("qingdao", lab.now_ms); // the CA's name, another key
    let mut flipped = lab.qingdao.crl(6, &[]);
    let last = flipped.len() - 1;
    flipped[last] ^= 1;
    let huge = vec![0x30; exchange_core::chain::MAX_CRL_BYTES + 1];
    for (what, crl, expected) in [
        ("rolled back", lab.qingdao.crl(4, &[]), "CRL_ROLLED_BACK"),
        ("number used twice", lab.qingdao.crl(5, &[]), "CRL_NUMBER_REUSED"),
        ("flipped bit", flipped, "CRL_NOT_SIGNED_BY_ISSUER"),
        ("empty", Vec::new(), "MALFORMED"),
        ("not DER", b"hello".to_vec(), "MALFORMED"),
        ("cut short", good[..good.len() - 1].to_vec(), "MALFORMED"),
        ("with a tail", [&good[..], &[0]].concat(), "MALFORMED"),
        ("huge", huge, "TOO_LARGE"),
    ] {
        assert_eq!(fault(trust.offer_crl(region(QINGDAO), &crl)), expected, "{what}");
        assert_eq!(trust.snapshot().generation(), generation, "{what}: nothing changed");
        let alarm = trust.alarms().into_iter().find_map(|alarm| match alarm {
            Alarm::Refused(refused) if refused.what == "CRL" => Some(refused.fault),
            _ => None,
        });
        assert_eq!(alarm, Some(expected), "{what}");
    }
    // By another key under the CA's name: it may be the CA's next one, so it waits for a certificate that never comes.
    assert_eq!(trust.offer_crl(region(QINGDAO), &rogue.crl(9, &[])).unwrap(), Offer::Waiting);
    trust.learn(&rogue.der);
    assert_eq!(trust.snapshot().generation(), generation, "nothing changed");
    assert_eq!(verdict(&lab, &trust).unwrap_err().fault(), "REVOKED", "the last good one is in force");
}

#[test]
fn a_crl_of_an_unseen_ca_waits_for_the_cas_certificate() {
    let lab = Lab::new();
    let trust = lab.trust_with(&[lab.root.crl(1, &[])]);
    assert_eq!(trust.offer_crl(region(QINGDAO), &lab.qingdao.crl(1, &[])).unwrap(), Offer::Waiting);
    assert_eq!(trust.snapshot().crls().proven().count(), 1);
    let stranger = Ca::root("elsewhere", lab.now_ms).below("qingdao", 12);
    trust.learn(&stranger.der);
    assert_eq!(trust.snapshot().crls().proven().count(), 1, "a CA that no pinned root signed is not taken note of");
    trust.learn(&lab.qingdao.der);
    assert_eq!(trust.snapshot().crls().proven().count(), 2);
}

#[test]
fn bundles_are_taken_when_newer_and_by_the_provinces_key() {
    let lab = Lab::new();
    let trust = lab.trust();
    let mut changes = trust.subscribe();
    let city = lab.jinan.leaf(&format!("spiffe://{DOMAIN}/trust/2026"), 900);
    let mut numbered = lab.bundle.clone();
    numbered.number = 9;
    for (what, bundle, expected) in [
        ("another province", lab.bundle(9, |b| b.province = region("330000")), "BUNDLE_FOREIGN"),
        ("number 0", lab.bundle(0, |_| {}), "BUNDLE_INVALID"),
        ("the same number, another text", lab.bundle(1, |b| b.expires_at_ms += 1), "BUNDLE_OLD"),
        ("from the future", lab.bundle(9, |b| b.issued_at_ms = lab.now_ms + DAY_MS), "BUNDLE_FROM_THE_FUTURE"),
        ("signed by a city's CA", lab.signed(&numbered, &city), "TRUST_NOT_BY_ROOT"),
        ("no bundle", b"hello".to_vec(), "BUNDLE_INVALID"),
    ] {
        assert_eq!(fault(trust.offer_bundle(&bundle)), expected, "{what}");
        assert!(!changes.has_changed().unwrap(), "{what}: nothing changed");
    }
    assert_eq!(trust.offer_bundle(&lab.bundle(2, |_| {})).unwrap(), Offer::Taken);
    assert!(changes.has_changed().unwrap());
    changes.mark_unchanged();
    assert_eq!(trust.offer_bundle(&lab.bundle(2, |_| {})).map_err(|e| e.fault()), Err("BUNDLE_OLD"));
    assert_eq!(fault(trust.offer_bundle(&lab.bundle(1, |_| {}))), "BUNDLE_OLD");
}

#[test]
fn what_was_kept_stands_against_older_files_after_a_restart() {
    let lab = Lab::new();
    let files = lab.files(&lab.crls());
    let trust = Trust::load(&files, &[], lab.clock.clone()).unwrap();
    trust.learn(&lab.qingdao.der);
    trust.offer_crl(region(QINGDAO), &lab.qingdao.crl(7, &[500])).unwrap();
    trust.offer_bundle(&lab.bundle(3, |b| b.regions.get_mut(&region(JINAN)).unwrap().name = "济南".into())).unwrap();
    let keep = trust.unsaved().unwrap();
    let rows: Vec<_> = keep.rows.clone().into_iter().collect();
    trust.saved(keep);
    assert!(trust.unsaved().is_none());

    let again = Trust::load(&files, &rows, lab.clock.clone()).unwrap();
    assert_eq!(again.snapshot().bundle().number, 3, "the file has number 1");
    assert_eq!(verdict(&lab, &again).unwrap_err().fault(), "REVOKED", "the file has CRL number 1");
    again.learn(&lab.qingdao.der);
    assert_eq!(fault(again.offer_crl(region(QINGDAO), &lab.qingdao.crl(6, &[]))), "CRL_ROLLED_BACK");
}

#[test]
fn a_reload_takes_newer_files_or_nothing() {
    let lab = Lab::new();
    let trust = lab.trust();
    trust.learn(&lab.qingdao.der);
    let files = lab.files(&[lab.root.crl(2, &[]), lab.qingdao.crl(2, &[500])]);
    std::fs::write(&files.bundle, b"spoilt").unwrap();
    let generation = trust.snapshot().generation();
    assert!(matches!(trust.reload(&files), Err(Error::File { path, .. }) if path == files.bundle));
    assert_eq!(trust.snapshot().generation(), generation, "the good CRLs were not taken either");
    std::fs::write(&files.bundle, lab.bundle(2, |_| {})).unwrap();
    assert_eq!(trust.reload(&files).unwrap().len(), 3);
    assert_eq!(verdict(&lab, &trust).unwrap_err().fault(), "REVOKED");
}

#[test]
fn the_bundle_rules_log_keys_by_position_and_cuts_credentials() {
    let lab = Lab::new();
    let trust = lab.trust();
    let key = |size| trust.log_keys(region(QINGDAO), LogKind::Events, 1, size).first().map(|key| *key.key());
    assert_eq!(key(1_000_000), Some(log_key(QINGDAO, 1).1));
    trust
        .offer_bundle(&lab.bundle(2, |bundle| {
            let qingdao = bundle.regions.get_mut(&region(QINGDAO)).unwrap();
            qingdao.logs[0].to_size = Some(10);
            qingdao.cut.push(CutCredential {
                issuer_spki_sha256: lab.qingdao.spki_sha256(),
                serial: Serial::new(&500u64.to_be_bytes()),
            });
        }))
        .unwrap();
    assert_eq!((key(10), key(11)), (Some(log_key(QINGDAO, 1).1), None));
    assert_eq!(verdict(&lab, &trust).unwrap_err().fault(), "CUT");
}

#[test]
fn after_the_bundle_s_end_writes_and_new_peers_are_refused() {
    let lab = Lab::new();
    let trust = lab.trust();
    assert_eq!(trust.require_current_bundle("publishing"), Ok(()));
    let end = trust.snapshot().bundle().expires_at_ms;
    lab.clock.shift_ms(i64::try_from(end - lab.clock.now_ms()).unwrap() + 1_000);
    let refusal = trust.require_current_bundle("publishing").unwrap_err();
    assert_eq!(refusal.reason, Reason::BundleExpired);
    assert_eq!(refusal.needed, "a current trust bundle before publishing");
    assert!(trust.alarms().iter().any(|alarm| matches!(alarm, Alarm::BundleExpired { .. })));
}

/// Row 9: every bit of a signed bundle. What is believed says what was signed.
#[test]
fn row_9_every_bit_of_a_bundle_matters() {
    let lab = Lab::new();
    let (roots, crls) = (Roots::new(vec![chain::Authority::parse(&lab.root.der).unwrap()]).unwrap(), CrlSet::new());
    let signed = lab.bundle(2, |_| {});
    let open = |bytes: &[u8]| exchange_proto::bundle::open_signed(bytes, &roots, &crls, Known::default(), lab.now_ms);
    let good = open(&signed).unwrap();
    for bit in 0..signed.len() * 8 {
        let mut changed = signed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        if let Ok(believed) = open(&changed) {
            assert_eq!(believed.bundle(), good.bundle(), "bit {bit}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    /// Row 9: cut, spliced and repeated.
    #[test]
    fn row_9_a_changed_bundle_is_believed_as_it_was_signed_or_not_at_all(
        from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(),
        cut in any::<bool>(), byte in any::<u8>(),
    ) {
        static SIGNED: std::sync::OnceLock<(Vec<u8>, Vec<u8>, u64)> = std::sync::OnceLock::new();
        let (signed, root, now_ms) = SIGNED.get_or_init(|| {
            let lab = Lab::new();
            (lab.bundle(2, |_| {}), lab.root.der.clone(), lab.now_ms)
        });
        let roots = Roots::new(vec![chain::Authority::parse(root).unwrap()]).unwrap();
        let open = |bytes: &[u8]| {
            exchange_proto::bundle::open_signed(bytes, &roots, &CrlSet::new(), Known::default(), *now_ms)
        };
        let mut changed = signed.clone();
        let (from, to) = (from.index(changed.len()), to.index(changed.len()));
        let part: Vec<u8> = changed[from.min(to)..from.max(to)].to_vec();
        if cut {
            changed.drain(from.min(to)..from.max(to));
        }
        let at = at.index(changed.len() + 1);
        changed.splice(at..at, part);
        if let Some(place) = changed.get_mut(from / 2) {
            *place = byte;
        }
        if let Ok(believed) = open(&changed) {
            let good = open(signed).unwrap();
            prop_assert_eq!(believed.bundle(), good.bundle());
        }
    }
}

/// Bad input: files of trust that are none. The node does not start; a running one keeps what it has.
#[test]
fn files_of_trust_that_are_none_are_named() {
    type Spoil = fn(&std::path::Path);
    let cases: [(&str, Spoil); 6] = [
        ("absent", |path| std::fs::remove_file(path).unwrap()),
        ("empty", |path| std::fs::write(path, b"").unwrap()),
        ("garbage", |path| std::fs::write(path, [0xFF; 500]).unwrap()),
        ("another block", |path| {
            std::fs::write(path, "-----BEGIN SOMETHING-----\nAAAA\n-----END SOMETHING-----\n").unwrap();
        }),
        ("half a block", |path| std::fs::write(path, "-----BEGIN CERTIFICATE-----\nMIIB").unwrap()),
        ("too large", |path| {
            std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(25 << 20).unwrap();
        }),
    ];
    for which in ["roots", "bundle", "crls"] {
        for (what, spoil) in cases {
            let lab = Lab::new();
            let files = lab.files(&lab.crls());
            let running = Trust::load(&files, &[], lab.clock.clone()).unwrap();
            let path = match which {
                "roots" => files.roots[0].clone(),
                "bundle" => files.bundle.clone(),
                _ => files.crls[1].clone(),
            };
            spoil(&path);
            let error = Trust::load(&files, &[], lab.clock.clone()).err();
            let error = error.unwrap_or_else(|| panic!("{which}: {what} is taken"));
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(!error.to_string().is_empty() && matches!(error, Error::File { .. } | Error::Bundle(_)), "{what}");
            assert!(matches!(error, Error::Bundle(_)) || error.to_string().contains(name), "{which}, {what}: {error}");
            if which != "roots" {
                let generation = running.snapshot().generation();
                running.reload(&files).expect_err(what);
                assert_eq!(running.snapshot().generation(), generation, "{which}: {what}");
            }
        }
    }
}
