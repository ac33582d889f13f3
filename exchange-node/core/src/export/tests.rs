#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

mod lab;

use lab::*;

use super::*;
use crate::{
    bundle::{EpochClosing, LogTrust},
    certificate::{Environment, FieldDigest, Origin as HowMade, PAYLOAD_TYPE},
    certificate_id::{CertificateId, TypeCode},
    chain::{
        CrlSet,
        lab::{Ca, DAY_MS, DOMAIN, NOW_MS, Province, key, leaf_params, revoked},
    },
    checkpoint::{Checkpoint, LogKey, LogKind, Origin},
    fixtures::{DEED, day, region},
    issuer::Issuer,
    merkle::{Frontier, GroupTree, consistency_proof, leaf_hash, node_hash},
    position::Position,
    signature::SigningKey,
    status::{Authority as Deciding, Status},
    uscc::Uscc,
};
use rcgen::{KeyPair, RevocationReason};

#[track_caller]
fn refused(report: &Report, name: &str, found: &str) {
    let failure = report.failure().unwrap();
    assert_eq!(failure.name, name, "{failure:?}");
    assert!(failure.found.contains(found), "{failure:?}");
    assert!(report.genuine.is_none());
}

fn spoilt(spoil: impl FnOnce(&mut Lab)) -> Lab {
    let mut lab = Lab::new();
    spoil(&mut lab);
    lab
}

#[test]
fn a_whole_export_is_genuine_as_of_its_newest_checkpoint() {
    let report = Lab::new().vouched().verify();
    assert!(report.checks.iter().all(|check| check.ok == Some(true)), "{:?}", report.checks);
    assert_eq!(report.checks.len(), CHECKS.len());
    let genuine = report.genuine.unwrap();
    assert_eq!((genuine.signed_ms, genuine.as_of_ms), (SIGNED_MS, AS_OF_MS));
    assert_eq!(genuine.status(day("2026-07-01")), Status::Active);
    assert_eq!(genuine.status(day("2036-06-01")), Status::Expired);
    assert_eq!(genuine.warnings, Vec::<String>::new());
}

#[test]
fn changes_of_status_are_followed() {
    let mut lab = Lab::new();
    let restored = StatusChange { restoring: true, ..change(Status::Revoked, Status::Active, (1, 2)) };
    lab.link(vec![
        Change::Status(Box::new(change(Status::Active, Status::Revoked, (1, 1)))),
        Change::Status(Box::new(StatusChange { effective_on: day("2026-06-30"), ..restored })),
        Change::Replaced(Box::new(Header { valid_from: day("2026-07-02"), ..header(2) })),
    ]);
    let genuine = lab.genuine();
    let days = ["2026-06-27", "2026-06-28", "2026-06-30", "2026-07-02"].map(|text| genuine.on_day(day(text)).1);
    assert_eq!(days, [Status::Active, Status::Revoked, Status::Active, Status::Replaced]);
    assert_eq!(genuine.status(day("2026-07-03")), Status::Replaced);
}

#[test]
fn without_the_citys_own_word_nothing_counts() {
    let refused = |spoil: &dyn Fn(&mut Lab), found: &str| {
        let mut lab = Lab::new().vouched();
        spoil(&mut lab);
        refused(&lab.verify(), "receipt", found);
    };
    refused(&|lab| lab.export.content_sha256[0] ^= 1, "another content");
    refused(&|lab| lab.export.record.certificate_id = header(2).certificate_id.to_string(), "another certificate");
    refused(&|lab| drop(lab.export.disclosures.pop()), "other fields");
    refused(&|lab| lab.export.receipt.entry.push(0), "root");
    refused(&|lab| lab.export.receipt = lab.events.proof(1, 5, AS_OF_MS), "access log of 370100");
    refused(
        &|lab| {
            let mut other = Kept::new("370100", LogKind::Access, 1, 9);
            other.entries = lab.access.entries.clone();
            lab.export.receipt = other.proof(1, 2, AS_OF_MS);
        },
        "not known here",
    );
    refused(
        &|lab| {
            let mut qingdao = Kept::new("370200", LogKind::Access, 1, 3);
            qingdao.entries = lab.access.entries.clone();
            let trust = lab.province.bundle.regions.get_mut(&region("370200")).unwrap();
            trust.logs = vec![qingdao.trust(None)];
            lab.export.receipt = qingdao.proof(1, 2, AS_OF_MS);
        },
        "access log of 370100",
    );
}

#[test]
fn what_the_log_does_not_have_is_refused() {
    type Spoil = fn(&mut Lab);
    let cases: [(Spoil, &str, &str); 9] = [
        (|lab| lab.export.issue.entry.push(0), "log_inclusion", "root"),
        (|lab| lab.export.issue.index = 0, "log_inclusion", "root"),
        (|lab| lab.export.issue = lab.access_proof(), "log_inclusion", "events log of 370100"),
        (|lab| lab.export.consistency[0][0] ^= 1, "checkpoint", "root"),
        (|lab| lab.export.as_of = lab.events.note(1, AS_OF_MS), "checkpoint", "smaller than"),
        (|lab| lab.export.as_of = lab.events.note(5, SIGNED_MS - 1), "checkpoint", "older than"),
        (|lab| lab.now_ms = AS_OF_MS - DAY_MS, "checkpoint", "check this machine's clock"),
        (|lab| lab.export.as_of = lab.other_history(), "checkpoint", "root"),
        (|lab| lab.export.as_of = lab.foreign_note(), "checkpoint", "not known here"),
    ];
    for (spoil, name, found) in cases {
        spoilt(spoil).refused(name, found);
    }
}

#[test]
fn signers_and_crls_are_judged() {
    let withdrawn = |reason, since_ms, invalid_ms| {
        move |lab: &mut Lab| {
            lab.set_crls(&|lab| {
                let row = revoked(SERIAL, reason, since_ms, invalid_ms);
                vec![lab.province.jinan.crl(3, vec![row]), lab.province.root.crl(2, Vec::new())]
            });
        }
    };
    let before = withdrawn(RevocationReason::Superseded, SIGNED_MS - DAY_MS, None);
    spoilt(before).refused("credential_chain", "SIGNER_WITHDRAWN");
    let lost = withdrawn(RevocationReason::KeyCompromise, NOW_MS, Some(SIGNED_MS - DAY_MS));
    spoilt(lost).refused("credential_chain", "SIGNER_WITHDRAWN");
    let later = spoilt(withdrawn(RevocationReason::Superseded, AS_OF_MS, None)).genuine();
    assert!(matches!(later.signer, crate::chain::SignerStanding::GenuineSignerWithdrawnSince(_)));
    let review = spoilt(withdrawn(RevocationReason::KeyCompromise, AS_OF_MS, None)).genuine();
    assert!(review.warnings[0].contains("to be reviewed"), "{:?}", review.warnings);

    // A newer CRL of the verifier's own counts; an older one does no harm.
    let newer = revoked(SERIAL, RevocationReason::Superseded, SIGNED_MS - DAY_MS, None);
    let brought = spoilt(|lab| {
        lab.crls.add(lab.province.jinan.crl(4, vec![newer]), &[lab.province.jinan.authority()]).unwrap();
    });
    brought.refused("credential_chain", "SIGNER_WITHDRAWN");
    spoilt(|lab| {
        lab.crls.add(lab.province.jinan.crl(2, Vec::new()), &[]).unwrap();
    })
    .genuine();

    let expired = |params: &mut rcgen::CertificateParams| params.not_before = super::super::chain::lab::at(NOW_MS);
    spoilt(|lab| lab.sign_with(&expired)).refused("credential_chain", "");
    let tls = |params: &mut rcgen::CertificateParams| {
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    };
    spoilt(|lab| lab.sign_with(&tls)).refused("credential_chain", "documentSigning");
    spoilt(|lab| lab.export.header.issuer.uscc = Uscc::parse("11370800MB28559184").unwrap())
        .refused("credential_chain", "the credential of");
    spoilt(|lab| lab.export.intermediates = vec![lab.province.qingdao.der.clone()]).refused("crl", "not on the path");
    spoilt(|lab| lab.province.bundle.regions.get_mut(&region("370100")).unwrap().ca_spki_sha256.clear())
        .refused("credential_chain", "bound to no region");
    spoilt(|lab| drop(lab.export.crls.pop())).refused("crl", "root");
    spoilt(|lab| lab.export.crls.clear()).refused("crl", "");
    spoilt(|lab| lab.export.crls[0] = lab.province.qingdao.crl(9, Vec::new()).der).refused("crl", "not on the path");
    spoilt(|lab| *lab.export.crls[0].last_mut().unwrap() ^= 1).refused("crl", "");
    let stale = spoilt(|lab| {
        let until = AS_OF_MS - DAY_MS;
        lab.set_crls(&|lab| {
            vec![lab.province.jinan.crl_until(3, Vec::new(), until), lab.province.root.crl(2, Vec::new())]
        });
    });
    assert!(stale.genuine().warnings[0].contains("before the export"));
}

#[test]
fn envelopes_changes_and_values_that_are_not_its_own_are_refused() {
    spoilt(|lab| lab.export.envelope.payload.push(0)).refused("envelope_signature", "");
    spoilt(|lab| lab.export.envelope.key_id[0] ^= 1).refused("envelope_signature", "another credential");
    spoilt(|lab| lab.export.envelope.payload_type.push('x')).refused("envelope_signature", "payload type");

    let status = |found: &'static str, links: fn(&mut Lab)| spoilt(links).refused("status", found);
    status("another certificate", |lab| {
        let other = header(2).certificate_id.to_string();
        let change = change(Status::Active, Status::Revoked, (1, 1));
        lab.link(vec![Change::Status(Box::new(StatusChange { certificate_id: other, ..change }))]);
    });
    status("the newest link is 370100/1/1", |lab| {
        lab.link(vec![Change::Status(Box::new(change(Status::Active, Status::Revoked, (1, 0))))]);
    });
    status("the certificate is ACTIVE", |lab| {
        lab.link(vec![Change::Status(Box::new(change(Status::Revoked, Status::Cancelled, (1, 1))))]);
    });
    status("does not replace", |lab| lab.link(vec![Change::Replaced(Box::new(header(3)))]));
    status("under another checkpoint", |lab| {
        lab.link(vec![Change::Status(Box::new(change(Status::Active, Status::Revoked, (1, 1))))]);
        lab.export.links[0].proof = lab.events.proof(2, 4, AS_OF_MS);
    });
    status("root", |lab| {
        lab.link(vec![Change::Status(Box::new(change(Status::Active, Status::Revoked, (1, 1))))]);
        lab.export.links[0].proof.entry.push(0);
    });
    status("does not stand behind", |lab| {
        let first = Change::Status(Box::new(change(Status::Active, Status::Revoked, (1, 1))));
        lab.link(vec![first]);
        lab.export.links[0].proof = lab.events.proof(0, 5, AS_OF_MS);
    });

    spoilt(|lab| lab.export.disclosures[0].value.push('x')).refused("disclosures", "CZZT is not the one");
    let named = |lab: &mut Lab, names: [usize; 2]| {
        lab.export.disclosures = names.map(|index| disclosures()[index].clone()).to_vec();
        lab.export.record.fields = lab.export.disclosures.iter().map(|one| one.name.clone()).collect();
    };
    spoilt(|lab| named(lab, [1, 0])).refused("disclosures", "out of its order");
    spoilt(|lab| named(lab, [1, 1])).refused("disclosures", "out of its order");
    spoilt(|lab| named(lab, [0, 2])).genuine();
}

#[test]
fn a_bundle_that_is_not_the_newest_weakens_the_verdict() {
    let older = spoilt(|lab| lab.export.bundle.1 = 2).genuine();
    assert!(older.warnings[0].contains("get the newer one"), "{:?}", older.warnings);
    let ended = spoilt(|lab| lab.now_ms = NOW_MS + 31 * DAY_MS).genuine();
    assert!(ended.warnings[0].contains("the trust bundle ended"), "{:?}", ended.warnings);
}

#[test]
fn a_chain_goes_on_in_the_next_epoch_as_far_as_the_province_closed_the_last() {
    let closed_at = |size: u64| {
        move |lab: &mut Lab| {
            let mut next = Kept::new("370100", LogKind::Events, 2, 4);
            next.entries = vec![b"cancelled".to_vec()];
            let closing = EpochClosing { size, root: lab.events.tree(usize::try_from(size).unwrap()).root() };
            let trust = lab.province.bundle.regions.get_mut(&region("370100")).unwrap();
            trust.logs = vec![lab.events.trust(Some(closing)), next.trust(None), lab.access.trust(None)];
            lab.link(vec![Change::Status(Box::new(change(Status::Active, Status::Revoked, (1, 1))))]);
            lab.export.links.push(ExportLink {
                proof: next.proof(0, 1, AS_OF_MS),
                change: Change::Status(Box::new(change(Status::Revoked, Status::Cancelled, (1, 2)))),
            });
            lab.export.as_of = next.note(1, AS_OF_MS);
            lab.export.consistency = Vec::new();
        }
    };
    assert_eq!(spoilt(closed_at(5)).genuine().status(day("2026-07-01")), Status::Cancelled);
    // Beyond the last trusted size its key counts for nothing.
    spoilt(closed_at(4)).refused("status", "not known here");
    let mut lab = spoilt(closed_at(5));
    lab.export.consistency = vec![[0; 32]];
    lab.refused("checkpoint", "between two epochs");
}
