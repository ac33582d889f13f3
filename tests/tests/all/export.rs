//! Exports of real nodes: verified without one, and refused whatever is changed in them.

mod command;

use crate::world::*;
use exchange_core::{
    bundle::{Known, VerifiedBundle},
    chain::{Authority, Basis, CrlSet, Roots},
    date::Date,
    export::{Report, sha256, verify},
    status::Status,
};
use exchange_proto::{
    bundle,
    export::{decode_file, decode_record, is_record},
    v1::{
        self, certificate_service_client::CertificateServiceClient, lookup_service_client::LookupServiceClient,
        verify_certificate_request::Certificate as Shown,
    },
};
use prost::Message;
use std::{collections::BTreeMap, path::Path};

/// Magic, version, digest.
const HEAD: usize = 42;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exports() {
    let mut world = World::with_catalogue("exports").await;
    let owner = Person::new(2, 21);
    let deed = world.issue(JINAN, deed(JINAN, &owner)).await;
    let other = world.issue(JINAN, licence(JINAN, 22)).await;
    world.settle().await;
    let verifier = Verifier::new(&world);
    who_exports_what(&world, &verifier, &deed).await;
    the_holder_sees_them(&world, &deed, &owner).await;
    let first = export(&world, &other, &[]).await;
    every_byte_counts(&verifier, &first);
    let later = later_is_told(&mut world, &verifier, &other, &first).await;
    joined_parts_are_refused(&world, &verifier, [&first, &later], &deed).await;
    shown_to_a_node(&world, &first).await;
    command::run(&world, &verifier, &deed, &first);
    world.step("exported").await;
}

/// What a machine without a node has: the root, a bundle.
pub(crate) struct Verifier {
    roots: Roots,
    bundle: VerifiedBundle,
}

impl Verifier {
    fn new(world: &World) -> Self {
        let read = |name: &str| std::fs::read(world.folder().join("province").join(name)).unwrap();
        let der = ca_tools::files::blocks(&read("root.pem"), ca_tools::files::CERTIFICATE, "root").unwrap();
        let roots = Roots::new(vec![Authority::parse(&der[0]).unwrap()]).unwrap();
        let bundle =
            bundle::open_signed(&read("bundle.pb"), &roots, &CrlSet::new(), Known::default(), now_ms()).unwrap();
        Self { roots, bundle }
    }

    fn report(&self, file: &[u8]) -> Report {
        let crls = CrlSet::new();
        let basis = Basis {
            roots: &self.roots,
            bundle: self.bundle.bundle(),
            crls: &crls,
            at_ms: now_ms(),
            crl_grace_ms: 0,
            admit_stale_crl: true,
        };
        match decode_file(file) {
            Ok(export) => verify(&export, &basis),
            Err(report) => report,
        }
    }

    /// The check that refuses it.
    #[track_caller]
    fn refused_by(&self, file: &[u8]) -> &'static str {
        let report = self.report(file);
        assert!(report.genuine.is_none(), "genuine: {:?}", report.checks);
        report.failure().expect("refused by nothing").name
    }

    fn status(&self, file: &[u8]) -> (Status, u64) {
        let report = self.report(file);
        let genuine = report.genuine.as_ref().unwrap_or_else(|| panic!("{:?}", report.failure()));
        assert!(report.checks.iter().all(|check| check.ok == Some(true)), "{:?}", report.checks);
        assert_eq!(genuine.warnings, Vec::<String>::new());
        (genuine.status(Date::parse("2026-06-01").unwrap()), genuine.as_of_ms)
    }
}

fn request(certificate: &Certificate, fields: &[&str]) -> v1::ExportCertificateRequest {
    v1::ExportCertificateRequest {
        certificate_id: certificate.certificate_id.clone(),
        fields: fields.iter().map(|name| (*name).to_owned()).collect(),
        without_values: false,
    }
}

async fn export(world: &World, certificate: &Certificate, fields: &[&str]) -> Vec<u8> {
    let mut client = world.certificates(JINAN).await;
    client.export_certificate(request(certificate, fields)).await.unwrap().into_inner().file.to_vec()
}

/// Values are for the department's own systems; another city's certificate is exported there.
async fn who_exports_what(world: &World, verifier: &Verifier, deed: &Certificate) {
    let mut hall = world.certificates(JINAN).await;
    let all = hall.export_certificate(request(deed, &[])).await.unwrap().into_inner();
    assert_eq!((all.fields.len(), verifier.status(&all.file).0), (deed.disclosures.len(), Status::Active));
    let chosen = hall.export_certificate(request(deed, &["ZZBH", "CZZT"])).await.unwrap().into_inner();
    assert_eq!(chosen.fields, ["CZZT", "ZZBH"], "in the header's order");
    let read = decode_file(&chosen.file).unwrap();
    assert_eq!(read.disclosures[0].value, deed.disclosures.iter().find(|one| one.name == "CZZT").unwrap().value);
    let without = v1::ExportCertificateRequest { without_values: true, ..request(deed, &[]) };
    let without = hall.export_certificate(without).await.unwrap().into_inner();
    assert_eq!((without.fields.len(), verifier.status(&without.file).0), (0, Status::Active));

    let mut operator = CertificateServiceClient::new(world.operator(JINAN).await);
    let seen = operator.export_certificate(request(deed, &[])).await.unwrap().into_inner();
    assert_eq!(seen.fields, Vec::<String>::new());
    assert!(!contains(&seen.file, CANARIES[2].as_bytes()));
    refused(operator.export_certificate(request(deed, &["CZZT"])).await, "ISSUER_NOT_CALLERS");
    refused(hall.export_certificate(request(deed, &["KZ_NICHTS"])).await, "FIELD_UNKNOWN");
    let both = v1::ExportCertificateRequest { without_values: true, ..request(deed, &["CZZT"]) };
    refused(hall.export_certificate(both).await, "FIELD_INVALID");
    let mut qingdao = world.certificates(QINGDAO).await;
    refused(qingdao.export_certificate(request(deed, &[])).await, "NOT_OWN_CERTIFICATE");
    let mut unknown = request(deed, &[]);
    unknown.certificate_id.pop();
    refused(hall.export_certificate(unknown).await, "CERTIFICATE_NOT_FOUND");
    let mut guest = CertificateServiceClient::new(world.channel_of(JINAN, QINGDAO, "hall").await);
    refused(guest.export_certificate(request(deed, &[])).await, "CALLER_NOT_ALLOWED");

    // Four files left, and each has its record.
    let records: Vec<_> = world
        .access_entries(JINAN)
        .iter()
        .filter(|entry| is_record(entry))
        .map(|entry| decode_record(entry).unwrap())
        .collect();
    assert_eq!(records.len(), 4);
    assert_eq!(records[1], read.record);
    assert!(records[3].caller.ends_with("/operator/admin"), "{}", records[3].caller);
}

/// 用证记录: the holder sees each export that took values out, and none that did not.
async fn the_holder_sees_them(world: &World, deed: &Certificate, owner: &Person) {
    let mut operator = LookupServiceClient::new(world.operator(JINAN).await);
    let about = |holder| v1::ListUsesRequest { holder: Some(holder), ..Default::default() };
    let uses = operator.list_uses(about(owner.holder())).await.unwrap().into_inner().uses;
    let fields: Vec<usize> = uses.iter().map(|one| one.fields.len()).collect();
    assert_eq!(fields, [deed.disclosures.len(), 2], "all values, then two; not the exports without any");
    for one in &uses {
        assert_eq!((one.kind(), one.asking_region.as_str()), (v1::AccessKind::Exported, JINAN));
        assert_eq!(one.certificate_id, deed.certificate_id);
        assert!(one.caller.ends_with("/system/hall") && one.at_ms > 0, "{one:?}");
        assert_eq!(
            (&one.clerk, &one.matter, one.case_number.as_str()),
            (&None, &None, ""),
            "an export has no question"
        );
    }
    let nobody = operator.list_uses(about(Person::new(2, 23).holder())).await.unwrap().into_inner().uses;
    assert!(nobody.is_empty(), "{nobody:?}");
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Every byte of a file, three ways: as damage, and by somebody who makes the digest fit again.
fn every_byte_counts(verifier: &Verifier, file: &[u8]) {
    const CHANGES: [u8; 3] = [0x01, 0x80, 0xFF];
    let mut by: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (at, change) in (0..file.len()).flat_map(|at| CHANGES.map(|change| (at, change))) {
        let mut changed = file.to_vec();
        changed[at] ^= change;
        let name = verifier.refused_by(&changed);
        assert_eq!(name, "format", "byte {at} changed by {change:#04x}");
        *by.entry(("damaged", name)).or_default() += 1;
        if at >= HEAD {
            let digest = sha256(&changed[HEAD..]);
            changed[10..HEAD].copy_from_slice(&digest);
            *by.entry(("digest made to fit", verifier.refused_by(&changed))).or_default() += 1;
        }
    }
    println!("exports: {} bytes, refused by {by:?}", file.len());
    for cut in [0, 1, 8, 9, HEAD - 1, HEAD, HEAD + 1, file.len() / 2, file.len() - 1] {
        assert_eq!(verifier.refused_by(&file[..cut]), "format", "cut at {cut}");
    }
    for more in [&b"\0"[..], b"\n", file] {
        assert_eq!(verifier.refused_by(&[file, more].concat()), "format");
    }
}

/// An old file is genuine as of its own time; a new one tells the change.
async fn later_is_told(world: &mut World, verifier: &Verifier, certificate: &Certificate, first: &[u8]) -> Vec<u8> {
    let mut client = world.certificates(JINAN).await;
    client.change_status(change(certificate, v1::Status::Revoked, "样例〔2026〕9号")).await.unwrap();
    // Another CRL too, so that there is an older one to be put back.
    world.practice.issue(region(JINAN), ca_tools::Profile::System, "gone").unwrap();
    world.practice.withdraw(region(JINAN), "gone").unwrap();
    world.admin(JINAN).await.reload(v1::ReloadRequest {}).await.unwrap();
    let later = export(world, certificate, &[]).await;
    let ((was, as_of_first), (is, as_of_later)) = (verifier.status(first), verifier.status(&later));
    assert_eq!((was, is), (Status::Active, Status::Revoked));
    assert!(as_of_first < as_of_later, "the old file says that it is older");
    let genuine = verifier.report(&later).genuine.unwrap();
    let day = |text| genuine.on_day(Date::parse(text).unwrap()).1;
    assert_eq!((day("2026-01-05"), day("2026-01-06")), (Status::Active, Status::Revoked));
    let crl = |file: &[u8]| decode_file(file).unwrap().crls[0].clone();
    assert_ne!(crl(first), crl(&later));
    later
}

/// Every claim replaced by a genuine part of another export, with digests that fit.
async fn joined_parts_are_refused(world: &World, verifier: &Verifier, files: [&[u8]; 2], deed: &Certificate) {
    let read = |file: &[u8]| v1::CertificateExport::decode(&file[HEAD..]).unwrap();
    let content = |file: &[u8]| v1::ExportContent::decode(read(file).content).unwrap();
    let [first, later] = files.map(content);
    let another = content(&export(world, deed, &[]).await);
    let written = |content: &v1::ExportContent, receipt: Option<v1::LogProof>| {
        let body = v1::CertificateExport { content: content.encode_to_vec().into(), receipt }.encode_to_vec();
        [&files[0][..10], &sha256(&body)[..], &body[..]].concat()
    };
    assert_eq!(written(&later, read(files[1]).receipt), files[1], "the parts put together again");
    type Join = fn(&mut v1::ExportContent, &v1::ExportContent, &v1::ExportContent);
    let joins: [(&str, Join); 9] = [
        ("the revocation left out", |it, _, _| it.links.clear()),
        ("the status of before, with the newest checkpoint", |it, first, _| it.links = first.links.clone()),
        ("an older checkpoint", |it, first, _| {
            (it.as_of, it.consistency) = (first.as_of.clone(), first.consistency.clone());
            it.links.clear();
        }),
        ("the issue of another certificate", |it, _, another| it.issue = another.issue.clone()),
        ("the credential of another department", |it, _, another| it.credential = another.credential.clone()),
        ("an older CRL", |it, first, _| it.crls = first.crls.clone()),
        ("no CRL", |it, _, _| it.crls.clear()),
        ("values of another certificate", |it, _, another| it.disclosures = another.disclosures.clone()),
        ("an older bundle", |it, _, _| it.bundle_number = 0),
    ];
    for (what, join) in joins {
        let mut joined = later.clone();
        join(&mut joined, &first, &another);
        for receipt in [read(files[0]).receipt, read(files[1]).receipt] {
            assert_eq!(verifier.refused_by(&written(&joined, receipt)), "receipt", "{what}");
        }
    }
    assert_eq!(verifier.refused_by(&written(&later, read(files[0]).receipt)), "receipt");
    assert_eq!(verifier.refused_by(&written(&later, None)), "structure");
    // Another city signs such a record with its own, genuine key.
    let mut qingdao = ThrowAway::access(world, QINGDAO);
    qingdao.append(read(files[1]).receipt.unwrap().entry.to_vec());
    let receipt = exchange_proto::peer::encode_proof(qingdao.proof(0));
    assert_eq!(verifier.refused_by(&written(&later, Some(receipt))), "receipt");
}

/// A node verifies the file, and says what it knows by now.
async fn shown_to_a_node(world: &World, first: &[u8]) {
    world.settle().await;
    let mut client = world.lookups(QINGDAO).await;
    let mut show = async |file: Vec<u8>| {
        let request = v1::VerifyCertificateRequest { certificate: Some(Shown::Export(file.into())), on_day: None };
        client.verify_certificate(request).await.unwrap().into_inner()
    };
    let known = show(first.to_vec()).await;
    assert_eq!(known.verdict(), v1::Verdict::Genuine);
    assert_eq!(known.standing.unwrap().status(), v1::Status::Revoked, "what came later");
    let names: Vec<&str> = known.checks.iter().map(|check| check.name.as_str()).collect();
    assert!(names.contains(&"receipt") && names.contains(&"freshness"), "{names:?}");
    assert!(known.checks.iter().all(|check| check.result() == v1::CheckResult::Ok), "{:?}", known.checks);
    let mut damaged = first.to_vec();
    *damaged.last_mut().unwrap() ^= 1;
    let refused = show(damaged).await;
    assert_eq!(refused.verdict(), v1::Verdict::NotGenuine);
    assert_eq!(refused.checks[0].name, "format");
    assert_eq!(refused.checks[0].result(), v1::CheckResult::Failed);
    let mut newer = first.to_vec();
    newer[9] = 2;
    assert_eq!(show(newer).await.verdict(), v1::Verdict::UnknownSchema);
}

/// Where the practice province's public files are.
fn province(world: &World) -> std::path::PathBuf {
    Path::new(world.folder()).join("province")
}
