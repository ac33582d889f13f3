//! What a carrier may do to a log, and what only its signer can: everything arrives, and only a fork stops a feed.

use crate::world::*;
use bytes::Bytes;
use exchange_core::{
    certificate::{FieldDigest, Header, PAYLOAD_TYPE},
    certificate_id::{CertificateId, TypeCode},
    dsse::Envelope,
    event::EventKind,
    invariants,
    signature::SigningKey,
};
use exchange_node::{kafka::memory::Fault, sample::departments::Department};
use exchange_proto::{
    catalogue, certificate,
    store::LogState,
    v1::{self, Relation, Status, verify_certificate_request::Certificate as Shown},
};
use prost::Message;
use ring::{
    digest::{SHA256, digest},
    rand::SystemRandom,
};

const OTHERS: [&str; 3] = [PROVINCE, QINGDAO, YANTAI];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn carrier() {
    let world = World::with_catalogue("feed").await;
    let mut seeded = Seeded::new("feed");
    faults(&world, &mut seeded).await;
    altered(&world).await;
    repeated(&world, &mut seeded).await;
    broker_lost(&world).await;
    let mut zibo = ThrowAway::events(&world, ZIBO);
    let certificate = void_entries(&world, &mut zibo).await;
    province_behind(&world, &mut zibo).await;
    forked(&world, zibo, &certificate).await;
}

fn state(world: &World, at: &str, of: &str) -> LogState {
    world.store(at).region_state(region(of)).unwrap().as_deref().cloned().unwrap_or_default()
}

/// LOG-2: dropped, doubled, swapped, changed, cut: all is filled from the nodes, and the counters tell.
async fn faults(world: &World, seeded: &mut Seeded) {
    let mut sequence = 100;
    for _ in 0..3 {
        for fault in [
            Fault::Drop,
            Fault::Duplicate,
            Fault::HoldBack,
            Fault::Corrupt { byte: usize::try_from(seeded.below(100_000)).unwrap() },
            Fault::Truncate,
        ] {
            // Beside a sound issue before it, in a city by lot.
            let code = [JINAN, QINGDAO, YANTAI][usize::try_from(seeded.below(3)).unwrap()];
            for _ in 0..=seeded.below(3) {
                sequence += 1;
                world.issue(code, licence(code, sequence)).await;
            }
            world.broker.fault(region(code), fault);
            sequence += 1;
            world.issue(code, licence(code, sequence)).await;
            world.settle().await;
        }
    }
    world.step("faults of the carrier").await;
    for of in [JINAN, QINGDAO, YANTAI] {
        for at in OTHERS.into_iter().chain([JINAN]).filter(|at| *at != of) {
            assert!(!state(world, at, of).forked, "a carrier's fault is called a fork");
        }
    }
    let counted = |at: &str| -> u64 {
        let of = |of| state(world, at, of);
        [JINAN, QINGDAO, YANTAI].into_iter().map(of).map(|one| one.rejected + one.altered + one.deferred).sum()
    };
    // Each cut record is one that does not read; a changed one is rejected, altered or, in its key's hash, deferred.
    assert!(counted(PROVINCE) >= 3, "{} faults counted", counted(PROVINCE));
}

/// Attack 8: one byte of an entry changed under a genuine checkpoint: fetched elsewhere, the feed goes on.
async fn altered(world: &World) {
    world.settle().await;
    let from = world.size(JINAN);
    world.broker.fault(region(JINAN), Fault::Drop);
    world.issue(JINAN, licence(JINAN, 201)).await;
    // The very segment that was lost, with another byte, comes as if it were the one.
    let request = v1::ReadLogRequest { region: JINAN.into(), epoch: 1, from, max_segments: 1 };
    let mut stream = world.peer(YANTAI, JINAN).await.read_log(request).await.unwrap().into_inner();
    let mut segment = stream.message().await.unwrap().unwrap();
    let Some(v1::segment_entry::Content::Entry(entry)) = &segment.entries[0].content else { panic!("no entry") };
    let mut changed = entry.to_vec();
    *changed.last_mut().unwrap() ^= 1;
    segment.entries[0].content = Some(v1::segment_entry::Content::Entry(changed.into()));
    let before: Vec<u64> =
        OTHERS.iter().map(|at| state(world, at, JINAN)).map(|one| one.altered + one.rejected).collect();
    world.broker.inject(region(JINAN), segment.encode_to_vec().into());
    until("the altered segment is counted", async || {
        OTHERS.iter().zip(&before).all(|(at, before)| {
            let one = state(world, at, JINAN);
            one.altered + one.rejected > *before
        })
    })
    .await;
    world.issue(JINAN, licence(JINAN, 202)).await;
    world.step("a segment altered by the carrier").await;
    assert!(OTHERS.iter().all(|at| !state(world, at, JINAN).forked));
}

/// DUP-1, and attack 8: what came before comes again, in any order and in other topics, with other rows to show for it
/// nowhere.
async fn repeated(world: &World, seeded: &mut Seeded) {
    let before = world.index_rows(YANTAI);
    let records = world.broker.records(region(JINAN));
    let rejected = state(world, YANTAI, QINGDAO).rejected;
    for _ in 0..20 {
        let at = usize::try_from(seeded.below(records.len() as u64)).unwrap();
        world.broker.inject(region(JINAN), records[at].clone());
    }
    world.broker.inject(region(QINGDAO), records[0].clone());
    for junk in [&b"\xFF\xFF\xFF"[..], b"", &[0; 950_000]] {
        world.broker.inject(region(QINGDAO), Bytes::from(junk.to_vec()));
    }
    world.issue(JINAN, licence(JINAN, 203)).await;
    let id = world.issue(QINGDAO, licence(QINGDAO, 204)).await;
    world.step("repeated, and in another topic").await;
    assert!(state(world, YANTAI, QINGDAO).rejected >= rejected + 3, "foreign and unreadable records are rejected");
    let mut after = world.index_rows(YANTAI);
    after.retain(|key, _| before.contains_key(key));
    invariants::dup_1(&before, &after).unwrap();
    assert!(world.index_rows(YANTAI).keys().any(|key| key.ends_with(id.certificate_id.as_bytes())));
}

/// The whole cluster is lost, and an empty one stands in its place; while there is none, logs are read from the nodes.
async fn broker_lost(world: &World) {
    world.broker.set_down(true);
    world.issue(JINAN, licence(JINAN, 205)).await;
    world.issue(QINGDAO, licence(QINGDAO, 206)).await;
    world.step("without a carrier, by reading from the nodes").await;
    world.broker.lose_all();
    world.issue(YANTAI, licence(YANTAI, 207)).await;
    world.broker.set_down(false);
    until("the publisher goes on", async || !world.broker.records(region(YANTAI)).is_empty()).await;
    world.issue(YANTAI, licence(YANTAI, 208)).await;
    world.step("an empty carrier in place of the lost one").await;
}

/// Attack 12: a certificate of another city, and one that nobody issued, in a city's own log. The entries stay, change
/// nothing, and are shown.
async fn void_entries(world: &World, zibo: &mut ThrowAway) -> String {
    let genuine = world.issue(JINAN, licence(JINAN, 301)).await;
    let (credential, header, envelope) = zibo_issues(world, &genuine);
    let id = header.certificate_id.to_string();
    let foreign = EventKind::CertificateIssued { envelope: genuine.envelope.to_vec() };
    let issued = EventKind::CertificateIssued { envelope };
    let said = vec![credential, issued.clone(), foreign, issued, notice("淄博在此")];
    let segment = zibo.say(said);
    world.broker.inject(region(ZIBO), segment);
    for at in [PROVINCE, JINAN, QINGDAO, YANTAI] {
        until(&format!("{at} has applied 淄博's log"), async || state(world, at, ZIBO).applied == zibo.size()).await;
        assert_eq!(state(world, at, ZIBO).void_entries, 2, "another city's, and the id used twice");
    }
    let status = world.admin(QINGDAO).await.get_status(v1::GetStatusRequest {}).await.unwrap().into_inner();
    let shown = status.regions.iter().find(|one| one.region == ZIBO).unwrap();
    assert_eq!((shown.void_entries, shown.forks, shown.state.as_str()), (2, 0, "CURRENT"));
    let found = verify(world, &id).await;
    assert_eq!((found.verdict(), found.standing.unwrap().freshness()), (v1::Verdict::Genuine, v1::Freshness::Current));
    // Jinan's stays Jinan's.
    world.settle().await;
    let found = verify(world, &genuine.certificate_id).await;
    assert_eq!((found.verdict(), found.certificate.unwrap().region.as_str()), (v1::Verdict::Genuine, JINAN));
    world.step("void entries").await;
    id
}

/// What was verified is not opened again, until its entry is redacted: then nobody says any more that it is genuine.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redacted_entry_is_forgotten() {
    let world = World::with_catalogue("redacted").await;
    let genuine = world.issue(JINAN, licence(JINAN, 401)).await;
    let mut zibo = ThrowAway::events(&world, ZIBO);
    let (credential, header, envelope) = zibo_issues(&world, &genuine);
    let id = header.certificate_id.to_string();
    let issued = vec![credential, EventKind::CertificateIssued { envelope }];
    world.broker.inject(region(ZIBO), zibo.say(issued));
    until("it is genuine", async || verify(&world, &id).await.verdict() == v1::Verdict::Genuine).await;
    world.broker.inject(region(ZIBO), zibo.say(vec![notice("淄博在此")])); // from now on the entry's time is final
    until("淄博's log is applied", async || state(&world, YANTAI, ZIBO).applied == zibo.size()).await;
    let [first, again] = [verify(&world, &id).await, verify(&world, &id).await];
    assert_eq!((first.verdict(), &first), (v1::Verdict::Genuine, &again), "read from the log, and from memory");
    let redacted = EventKind::Redacted { epoch: 1, index: 1, legal_basis: "法院裁定".to_owned() };
    world.broker.inject(region(ZIBO), zibo.say(vec![redacted]));
    until("it is redacted", async || verify(&world, &id).await.verdict() == v1::Verdict::NotGenuine).await;
    let found = verify(&world, &id).await;
    assert!(found.checks.iter().any(|check| check.found == "the entry was redacted"), "{:?}", found.checks);
    assert!(found.certificate.is_none(), "nothing of it is shown");
}

async fn verify(world: &World, id: &str) -> v1::Verification {
    let request = v1::VerifyCertificateRequest { certificate: Some(Shown::CertificateId(id.to_owned())), on_day: None };
    world.lookups(YANTAI).await.verify_certificate(request).await.unwrap().into_inner()
}

/// A licence of 淄博's own department, signed with its document key.
fn zibo_issues(world: &World, like: &Certificate) -> (EventKind, Header, Vec<u8>) {
    let department = Department::MarketRegulation.of(region(ZIBO)).unwrap();
    let folder = world.practice.node_folder(region(ZIBO));
    let pem = std::fs::read(folder.join(format!("{}.pem", department.uscc))).unwrap();
    let mut chain = ca_tools::files::blocks(&pem, ca_tools::files::CERTIFICATE, "chain").unwrap().into_iter();
    let leaf = chain.next().unwrap();
    let key = folder.join(format!("{}.key", department.uscc));
    let key = ca_tools::keyfile::read(&key, || unreachable!("practice keys are in the clear")).unwrap();
    let random = SystemRandom::new();
    let key = SigningKey::from_pkcs8_der(&key, &random).unwrap();
    let envelope = certificate::decode_envelope(&like.envelope).unwrap();
    let model = certificate::decode_header(&envelope.payload).unwrap();
    let type_code = TypeCode::parse(LICENCE).unwrap();
    let header = Header {
        certificate_id: CertificateId::new(&type_code, &department.uscc, "ZIBO0000000000000001", 1).unwrap(),
        issuer: department,
        issuing_region: region(ZIBO),
        custodian_region: region(ZIBO),
        fields: model.fields.iter().map(|one| FieldDigest { name: one.name.clone(), digest: [7; 32] }).collect(),
        ..model
    };
    let key_id = digest(&SHA256, &leaf).as_ref().try_into().unwrap();
    let signed = Envelope::sign(PAYLOAD_TYPE, certificate::encode_header(&header), key_id, &key, &random).unwrap();
    let credential = EventKind::CredentialPublished { leaf, intermediates: chain.collect() };
    (credential, header, certificate::encode_envelope(&signed))
}

/// An implementation that was checked against a position of the province's log which is not applied yet: pending, and a
/// question that pins it is told so.
async fn province_behind(world: &World, zibo: &mut ThrowAway) {
    let row = world.store(QINGDAO).implementation(region(JINAN), WITHDRAWAL).unwrap().unwrap();
    let model = row.implementation.unwrap();
    let department = issuer(ZIBO, Department::HousingFund);
    let ahead = v1::LogPosition { region: PROVINCE.into(), epoch: 1, index: world.size(PROVINCE) + 1_000 };
    let implementation = v1::Implementation {
        implementation_code: format!("{}3{WITHDRAWAL}", department.uscc),
        region: ZIBO.into(),
        province_position: Some(ahead),
        department: Some(department),
        ..model
    };
    let implementation = catalogue::implementation(implementation).unwrap();
    let segment = zibo.say(vec![EventKind::ImplementationPublished(Box::new(implementation))]);
    world.broker.inject(region(ZIBO), segment);
    let owner = Person::new(0, 31);
    let flat = world.issue(JINAN, deed(JINAN, &owner)).await;
    for at in [JINAN, QINGDAO] {
        until(&format!("{at} has 淄博's implementation"), async || state(world, at, ZIBO).applied == zibo.size()).await;
    }
    world.settle().await;
    let request = v1::GetMatterRequest { matter_code: WITHDRAWAL.into(), version: 0, region: ZIBO.into() };
    let mut catalogue = world.catalogue(JINAN).await;
    until("it is shown as pending", async || {
        let view = catalogue.get_matter(request.clone()).await.unwrap().into_inner();
        view.implementation_state() == v1::ImplementationState::Pending
    })
    .await;
    let request = lookup(question(ZIBO, &owner, Relation::Self_), &flat.certificate_id, &["KZ_ZL"]);
    refused(world.look_up(QINGDAO, request).await, "PROVINCE_BEHIND");
    world.step("an implementation ahead of the province's log").await;
}

/// FORK-1, attack 13: two histories under one key. The feed stops, evidence is kept, answers say so, others go on.
async fn forked(world: &World, mut one: ThrowAway, certificate: &str) {
    let mut other = one.clone();
    let (first, second) = (one.say(vec![notice("一")]), other.say(vec![notice("二")]));
    world.broker.inject(region(ZIBO), first);
    let nodes = [PROVINCE, JINAN, QINGDAO, YANTAI];
    for at in nodes {
        until(&format!("{at} has the first history"), async || state(world, at, ZIBO).size == one.size()).await;
    }
    world.step("one history").await;
    world.broker.inject(region(ZIBO), second);
    for at in nodes {
        until(&format!("{at} has found the fork"), async || state(world, at, ZIBO).forked).await;
    }
    world.issue(JINAN, licence(JINAN, 401)).await;
    until("the evidence is kept", async || nodes.iter().all(|at| world.kept_forks(at, ZIBO) == 1)).await;
    world.step("a fork").await; // FORK-1 holds both notes against the copy
    let sizes: Vec<u64> = nodes.iter().map(|at| state(world, at, ZIBO).size).collect();
    world.broker.inject(region(ZIBO), one.say(vec![notice("三")]));
    world.issue(QINGDAO, licence(QINGDAO, 402)).await;
    world.step("others go on").await;
    for (at, size) in nodes.iter().zip(sizes) {
        assert_eq!(state(world, at, ZIBO).size, size, "{at} follows a forked log");
    }
    let found = verify(world, certificate).await;
    let standing = found.standing.unwrap();
    assert_eq!((standing.freshness(), standing.status()), (v1::Freshness::Untrusted, Status::Active));
    let freshness = found.checks.iter().find(|check| check.name == "freshness").unwrap();
    assert_eq!(freshness.result(), v1::CheckResult::Failed);
    let status = world.admin(YANTAI).await.get_status(v1::GetStatusRequest {}).await.unwrap().into_inner();
    for shown in &status.regions {
        assert_eq!(shown.state == "FORKED", shown.region == ZIBO, "{} is {}", shown.region, shown.state);
    }
}
