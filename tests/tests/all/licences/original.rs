//! When a certificate counts as the original (视同原件): with its own sealed document, and with nothing else.

use super::*;
use ca_tools::{files, keyfile, seams};
use exchange_core::{
    certificate::{Environment, Field},
    certificate_id::CertificateId,
    date::Date,
    issuer::Issuer,
    uscc::Uscc,
};
use exchange_node::sample::departments::Department;
use exchange_proto::v1::{
    CountsAs, DocumentVerdict, FileAgreement, document_service_client::DocumentServiceClient, fetch_response,
    verify_document_request::Part,
};
use exchange_seal::{
    licence::{FILE_SALT, Facts, Template, lay_out},
    make::{Credential, Place, PrivateKey, Stamp, stamp},
};

/// 食品经营许可, which needs the business licence itself.
const FOOD: &str = "370199001000";

/// What a node says of a document.
type Told = (DocumentVerdict, FileAgreement, u32, CountsAs);

const VALID: DocumentVerdict = DocumentVerdict::Valid;
const AGREES: FileAgreement = FileAgreement::Agrees;
const DIFFERS: FileAgreement = FileAgreement::Differs;
const NOT_KNOWN: FileAgreement = FileAgreement::NotKnown;
const ORIGINAL: CountsAs = CountsAs::Original;
const DATA_CHECK: CountsAs = CountsAs::DataCheck;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counted_as_the_original() {
    let mut world = World::with_catalogue("original").await;
    world.practice.seal(region(JINAN)).unwrap();
    world.node(JINAN).control().reload().unwrap();
    let request = licence(JINAN, 1);
    let issued = world.issue(JINAN, request.clone()).await;
    let document = files(&world, &issued).remove(0);
    let salt = world.stored_files(region(JINAN), &issued.certificate_id)[0].salt;
    assert_eq!(said(&document, FILE_SALT), hex(&salt), "the document says under which salt the header names it");
    world.settle().await;

    // Nobody is believed for seals yet.
    let fetched = fetch(&world, &request, &issued).await;
    assert_eq!((fetched.1.as_slice(), fetched.0), (document.as_slice(), DATA_CHECK));
    assert_eq!(
        told(&world, QINGDAO, "", &[], &document).await,
        (DocumentVerdict::Untrusted, AGREES, 0, DATA_CHECK),
        "the very file, and no seal that counts"
    );

    believe(&mut world);
    for at in [QINGDAO, JINAN] {
        assert_eq!(told(&world, at, "", &[], &document).await, (VALID, AGREES, 0, ORIGINAL), "{at}");
    }
    assert_eq!(fetch(&world, &request, &issued).await, (ORIGINAL, document.clone()));
    forged(&world, &request, &issued, &document).await;
    brought(&world).await;
    of_another_form(&world).await;
    fields_alone(&world, &request, &issued).await;

    // Revoked: its own document still, and nothing that is in force.
    let revoked = change(&issued, v1::Status::Revoked, "样例〔2026〕1号");
    world.certificates(JINAN).await.change_status(revoked).await.unwrap();
    world.settle().await;
    for at in [QINGDAO, JINAN] {
        assert_eq!(told(&world, at, "", &[], &document).await, (VALID, AGREES, 0, DATA_CHECK), "{at}");
    }
    assert_eq!(fetch(&world, &request, &issued).await.0, DATA_CHECK);
    world.step("counted").await;
}

/// Without a node: an export of the certificate beside the document, the province's bundle and the pinned root.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offline_with_an_export() {
    let mut world = World::with_catalogue("offline").await;
    world.practice.seal(region(JINAN)).unwrap();
    world.node(JINAN).control().reload().unwrap();
    believe(&mut world);
    let mut exported = Vec::new();
    for number in [1, 2] {
        let issued = world.issue(JINAN, licence(JINAN, number)).await;
        let wanted = v1::ExportCertificateRequest {
            certificate_id: issued.certificate_id.clone(),
            without_values: true,
            ..Default::default()
        };
        let export = world.certificates(JINAN).await.export_certificate(wanted).await.unwrap().into_inner().file;
        exported.push((issued, export));
    }
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = |name: &str| folder.path().join(name);
    let document = files(&world, &exported[0].0).remove(0);
    std::fs::write(path("licence.ofd"), &document).unwrap();
    let plain = sealed(&world, Department::MarketRegulation, &licence(JINAN, 1), &exported[0].0.certificate_id, None);
    std::fs::write(path("plain.ofd"), plain).unwrap();
    std::fs::write(path("own.cert.pb"), &exported[0].1).unwrap();
    std::fs::write(path("other.cert.pb"), &exported[1].1).unwrap();
    let mut spoilt = exported[0].1.to_vec();
    let middle = spoilt.len() / 2;
    spoilt[middle] ^= 1;
    std::fs::write(path("spoilt.cert.pb"), spoilt).unwrap();
    let province = world.folder().join("province");
    let verify = |document: &str, certificate: &str| {
        let mut command = std::process::Command::new(crate::programs::node());
        command.args(["document", "verify", document, "--certificate", certificate, "-o", "json"]);
        command.arg("--bundle").arg(province.join("bundle.pb")).arg("--root").arg(province.join("root.pem"));
        let output = command.arg("--crl").arg(seals(&world)).current_dir(folder.path()).output().unwrap();
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (output.status.code().unwrap(), said["verdict"].clone(), said["certificate"].clone())
    };
    let id = |at: usize| exported[at].0.certificate_id.clone();
    let of = |at: usize, file: &str, number: Option<u32>| {
        let id = id(at);
        serde_json::json!({ "certificate_id": id, "file": file, "file_number": number })
    };
    assert_eq!(verify("licence.ofd", "own.cert.pb"), (0, "VALID".into(), of(0, "AGREES", Some(0))));
    assert_eq!(verify("licence.ofd", "other.cert.pb"), (11, "VALID".into(), of(1, "DIFFERS", None)));
    assert_eq!(verify("plain.ofd", "own.cert.pb"), (10, "VALID".into(), of(0, "NOT_KNOWN", None)));
    assert_eq!(verify("licence.ofd", "spoilt.cert.pb").0, 11);
}

/// Documents that name the certificate and are not its own.
async fn forged(world: &World, request: &v1::IssueCertificateRequest, issued: &Certificate, document: &[u8]) {
    let altered = edited(document, "Doc_0/Pages/Page_0/Content.xml", "金丝雀", "金丝燕");
    for at in [QINGDAO, JINAN] {
        let found = told(world, at, "", &[], &altered).await;
        assert_eq!(found, (DocumentVerdict::Altered, DIFFERS, 0, DATA_CHECK), "{at}");
    }
    // By the seal of another department, and by the issuer's own on other words; with the genuine one's salt in it, and
    // without.
    let salt = world.stored_files(region(JINAN), &issued.certificate_id)[0].salt;
    for department in [Department::NaturalResources, Department::MarketRegulation] {
        for (written, elsewhere) in [(Some(salt), DIFFERS), (None, NOT_KNOWN)] {
            let forged = sealed(world, department, request, &issued.certificate_id, written);
            assert_eq!(said(&forged, "ZZBS"), issued.certificate_id);
            let found = told(world, QINGDAO, "", &[], &forged).await;
            assert_eq!(found, (VALID, elsewhere, 0, DATA_CHECK), "{department:?} {written:?}");
            let found = told(world, QINGDAO, &issued.certificate_id, &salt, &forged).await;
            assert_eq!(found, (VALID, DIFFERS, 0, DATA_CHECK), "{department:?} {written:?}, with the salt");
            // The custodian has the salts of what it keeps.
            let found = told(world, JINAN, "", &[], &forged).await;
            assert_eq!(found, (VALID, DIFFERS, 0, DATA_CHECK), "{department:?} {written:?}, at the custodian's");
        }
    }
    // A certificate that has no files has not this one.
    let plain = world.issue(QINGDAO, licence(QINGDAO, 2)).await;
    world.settle().await;
    let found = told(world, YANTAI, &plain.certificate_id, &[], document).await;
    assert_eq!((found.1, found.3), (DIFFERS, DATA_CHECK));
    let header = v1::DocumentHeader { file_salt: vec![1; 15].into(), ..Default::default() };
    let answer = send(world, JINAN, header, document).await;
    let (found, _) = refused(answer, "FIELD_INVALID");
    assert_eq!(found, "header.file_salt: 15 bytes");
}

/// A document that was made elsewhere has no salt in it, as those of earlier releases: who fetched it has one, and the
/// custodian.
async fn brought(world: &World) {
    let request = licence(JINAN, 3);
    let document = sealed(world, Department::MarketRegulation, &request, "1.2.156.3005.2.99", None);
    let picture = file("image/png", b"a picture");
    let with = v1::IssueCertificateRequest { files: vec![picture, file(OFD, &document)], ..request.clone() };
    let issued = world.issue(JINAN, with).await;
    world.settle().await;
    let salt = world.stored_files(region(JINAN), &issued.certificate_id)[1].salt;
    let id = issued.certificate_id.as_str();
    let told = async |at, salt: &[u8]| told(world, at, id, salt, &document).await;
    assert_eq!(told(QINGDAO, &[]).await, (VALID, NOT_KNOWN, 0, DATA_CHECK));
    assert_eq!(told(QINGDAO, &[9; 16]).await, (VALID, DIFFERS, 0, DATA_CHECK));
    assert_eq!(told(QINGDAO, &salt).await, (VALID, AGREES, 1, ORIGINAL));
    assert_eq!(told(JINAN, &[]).await, (VALID, AGREES, 1, ORIGINAL));
}

/// A type of another legal form has no original in a file, however it is sealed.
async fn of_another_form(world: &World) {
    let (one, other) = (Person::new(0, 41), Person::new(1, 42));
    let document = sealed(world, Department::CivilAffairs, &licence(JINAN, 4), "1.2.156.3005.2.99", None);
    let with = v1::IssueCertificateRequest { files: vec![file(OFD, &document)], ..marriage(JINAN, &one, &other) };
    let issued = world.issue(JINAN, with).await;
    world.settle().await;
    let found = told(world, JINAN, &issued.certificate_id, &[], &document).await;
    assert_eq!(found, (VALID, AGREES, 0, DATA_CHECK));
}

/// Fields are data, and so is what is said of a certificate without a document.
async fn fields_alone(world: &World, request: &v1::IssueCertificateRequest, issued: &Certificate) {
    let answer = world.look_up(QINGDAO, lookup(asked(request), &issued.certificate_id, &["CZZT"])).await.unwrap();
    assert_eq!(answer.into_inner().standing.unwrap().counts_as(), DATA_CHECK);
    let certificate = Some(v1::verify_certificate_request::Certificate::CertificateId(issued.certificate_id.clone()));
    let wanted = v1::VerifyCertificateRequest { certificate, on_day: None };
    let answer = world.lookups(QINGDAO).await.verify_certificate(wanted).await.unwrap().into_inner();
    assert_eq!(answer.standing.unwrap().counts_as(), DATA_CHECK);
}

/// The province believes the authority behind Jinan's seals, and two nodes have its CRL.
fn believe(world: &mut World) {
    let folder = seals(world);
    let pem = files::read(&folder.join("ca.pem"), 64 << 10).unwrap();
    let ca = files::blocks(&pem, files::CERTIFICATE, "ca.pem").unwrap().remove(0);
    world.practice.next_bundle(|bundle| bundle.seal_anchors.push(ca)).unwrap();
    for code in [JINAN, QINGDAO] {
        let config = world.practice.config(region(code));
        let text = std::fs::read_to_string(&config).unwrap();
        let with = format!("[trust]\nseal_crls = \"{}\"\n", folder.display());
        std::fs::write(&config, text.replacen("[trust]\n", &with, 1)).unwrap();
        world.node(code).control().reload().unwrap();
    }
}

fn asked(request: &v1::IssueCertificateRequest) -> v1::Question {
    let code = &request.fields.iter().find(|field| field.name == "CZZTDM").unwrap().value;
    let company = v1::Holder { code_type: "001".into(), code: code.clone() };
    let question = question(QINGDAO, &Person::new(0, 43), v1::Relation::Self_);
    let party = v1::Party { holder: Some(company), relation: v1::Relation::Self_ as i32 };
    v1::Question { party: Some(party), ..with_matter(question, FOOD, QINGDAO) }
}

/// Fetched by Qingdao: what it counts as, and the file.
async fn fetch(world: &World, request: &v1::IssueCertificateRequest, issued: &Certificate) -> (CountsAs, Vec<u8>) {
    let question = asked(request);
    let wanted = v1::FetchRequest {
        question: Some(question.clone()),
        certificate_id: issued.certificate_id.clone(),
        ..Default::default()
    };
    let mut client = DocumentServiceClient::new(world.system(QINGDAO).await);
    let mut parts = client.fetch(wanted).await.unwrap().into_inner();
    let (mut described, mut bytes) = (None, Vec::new());
    while let Some(message) = parts.message().await.unwrap() {
        match message.part.unwrap() {
            fetch_response::Part::File(file) => described = Some(file),
            fetch_response::Part::Chunk(chunk) => bytes.extend_from_slice(&chunk),
        }
    }
    let described = described.unwrap();
    world.told_file(&question, &described);
    (described.standing.unwrap().counts_as(), bytes)
}

async fn send(
    world: &World,
    at: &str,
    header: v1::DocumentHeader,
    document: &[u8],
) -> Result<tonic::Response<v1::DocumentVerification>, tonic::Status> {
    let message = |part| v1::VerifyDocumentRequest { part: Some(part) };
    let chunks = document.chunks(256 << 10).map(|chunk| message(Part::Chunk(chunk.to_vec().into())));
    let messages: Vec<_> = std::iter::once(message(Part::Header(header))).chain(chunks).collect();
    DocumentServiceClient::new(world.system(at).await).verify(tokio_stream::iter(messages)).await
}

async fn told(world: &World, at: &str, id: &str, salt: &[u8], document: &[u8]) -> Told {
    let header =
        v1::DocumentHeader { certificate_id: id.into(), file_salt: salt.to_vec().into(), ..Default::default() };
    let answer = send(world, at, header, document).await.unwrap().into_inner();
    let verdict = answer.verdict();
    let of = answer.certificate.unwrap();
    let standing = of.verification.as_ref().unwrap().standing.as_ref().unwrap();
    (verdict, of.file(), of.file_number, standing.counts_as())
}

/// A licence that a department of Jinan seals by itself, for whatever certificate.
fn sealed(
    world: &World,
    department: Department,
    request: &v1::IssueCertificateRequest,
    id: &str,
    salt: Option<[u8; 16]>,
) -> Vec<u8> {
    let uscc = department.of(region(JINAN)).unwrap().uscc;
    let issuer = request.issuer.as_ref().unwrap();
    let issuer = Issuer { uscc: Uscc::parse(&issuer.uscc).unwrap(), name: issuer.name.clone() };
    let fields: Vec<Field> =
        request.fields.iter().map(|one| Field { name: one.name.clone(), value: one.value.clone() }).collect();
    let named = CertificateId::parse(id).ok();
    let code = exchange_core::certificate_id::TypeCode::parse(LICENCE).unwrap();
    let other = CertificateId::new(&code, &uscc, "ELSEWHERE1", 1).unwrap();
    let day = Date::parse("2025-01-02").unwrap();
    let facts = Facts {
        environment: Environment::Exercise,
        certificate_id: named.as_ref().unwrap_or(&other),
        type_name: "营业执照",
        issuer: &issuer,
        issued_on: day,
        valid_from: day,
        valid_until: None,
        fields: &fields,
        copy: None,
    };
    let mut layout = lay_out(&Template::built_in("business-licence").unwrap(), &facts).unwrap();
    if let Some(salt) = salt {
        layout.set_file_salt(&salt);
    }
    let folder = seals(world);
    let path = |ending: &str| folder.join(format!("{uscc}.{ending}"));
    let key = keyfile::read(&path("key"), || panic!("a key without a passphrase")).unwrap();
    let pem = std::fs::read(path("pem")).unwrap();
    let certificate = files::blocks(&pem, files::CERTIFICATE, "signer").unwrap().remove(0);
    let key = PrivateKey::from_pkcs8(key.as_ref(), &seams::rng()).unwrap();
    let signer = Credential::new(key, &certificate).unwrap();
    let order = Stamp {
        seal: &std::fs::read(path("esl")).unwrap(),
        signer: &signer,
        places: &[Place { page: 1, x_mm: 100.0, y_mm: 100.0, width_mm: 42.0, height_mm: 42.0 }],
        at: Instant(now_ms()),
        document: 0,
        limits: Limits::DEFAULT,
    };
    let mut bytes = Vec::new();
    stamp(Cursor::new(layout.ofd().unwrap()), &mut bytes, &order, &seams::rng()).unwrap();
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
