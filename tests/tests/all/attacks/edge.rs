//! What comes to the gRPC edge that is no request: garbage at every method, and texts that mean something to a file
//! system, a terminal or a log.

use crate::world::*;
use bytes::{Buf, BufMut, Bytes};
use exchange_proto::v1::{
    self, Status, catalogue_service_client::CatalogueServiceClient,
    certificate_service_client::CertificateServiceClient, lookup_service_client::LookupServiceClient,
    verify_certificate_request::Certificate as Shown,
};
use prost::Message;
use tonic::{
    Code, Request,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    transport::Channel,
};

/// Sends bytes as they are, and takes what comes.
#[derive(Debug, Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = tonic::Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), tonic::Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = tonic::Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, tonic::Status> {
        let left = buffer.remaining();
        Ok((left > 0).then(|| buffer.copy_to_bytes(left)))
    }
}

async fn call(channel: &Channel, path: &str, request: Request<Bytes>) -> Result<tonic::Response<()>, tonic::Status> {
    let mut client = tonic::client::Grpc::new(channel.clone());
    client.ready().await.unwrap();
    let answer = client.server_streaming(request, path.parse().unwrap(), Raw).await?;
    // A refusal of a unary call comes as the end of its stream.
    let mut stream = answer.into_inner();
    while stream.message().await?.is_some() {}
    Ok(tonic::Response::new(()))
}

/// Every method of the interface, by the services' descriptors.
fn methods() -> Vec<(String, String)> {
    let files = prost_types::FileDescriptorSet::decode(exchange_proto::DESCRIPTORS).unwrap();
    let services = files.file.iter().filter(|file| file.package() == "exchange.v1").flat_map(|file| &file.service);
    let named = |service: &prost_types::ServiceDescriptorProto| {
        let name = service.name().to_owned();
        let methods: Vec<_> = service.method.iter().map(|method| (name.clone(), method.name().to_owned())).collect();
        methods
    };
    services.flat_map(named).collect()
}

/// Attack 14, and bad input: what no decoder reads is refused at every method with one reason, before anything else.
pub(super) async fn messages(world: &World) {
    let (system, operator) = (world.system(JINAN).await, world.operator(JINAN).await);
    let peer = World::channel(&world.practice.client_of(region(JINAN), region(QINGDAO), "node")).await;
    let nested = {
        let mut bytes = vec![0x0A, 0];
        for _ in 0..200 {
            let mut outer = vec![0x0A];
            prost::encoding::encode_varint(bytes.len() as u64, &mut outer);
            outer.extend_from_slice(&bytes);
            bytes = outer;
        }
        bytes
    };
    let undecodable: [(&str, Vec<u8>); 5] = [
        ("no protobuf", b"\xFF\xFF\xFF\xFF".to_vec()),
        ("a length of 2^63", [&[0x7A][..], &[0x80; 9], &[1]].concat()),
        ("cut short", vec![0x7A, 200, 1]),
        ("groups without end", [0xFB, 0x01].repeat(100_000)), // field 31
        ("a wire type that is none", vec![0x7F, 0]),
    ];
    let methods = methods();
    assert!(methods.len() > 20, "{methods:?}");
    let before = world.size(JINAN);
    for (service, method) in &methods {
        let channel = match service.as_str() {
            "PeerService" => &peer,
            "CatalogueService" | "AdminService" => &operator,
            _ => &system,
        };
        let path = format!("/exchange.v1.{service}/{method}");
        for (what, bytes) in &undecodable {
            let answer = call(channel, &path, Request::new(bytes.clone().into())).await;
            let status = answer.as_ref().err().unwrap_or_else(|| panic!("{path} takes {what}")).clone();
            assert!(!status.message().contains('\u{fffd}'), "{path}, {what}: {status}");
            refused(answer, "MESSAGE_UNDECODABLE");
        }
        // Deep, and of the right wire type: a text, a message, or nothing that it knows. Answered, whatever it is.
        if !matches!(method.as_str(), "Drain" | "Reload" | "WatchCertificates")
            && let Err(status) = call(channel, &path, Request::new(nested.clone().into())).await
        {
            assert!(!status.details().is_empty() && status.code() != Code::Internal, "{path}: {status}");
        }
        let huge = Request::new(Bytes::from(vec![0x7A; (4 << 20) + 1]));
        refused(call(channel, &path, huge).await, "MESSAGE_TOO_LARGE");
        // Compression is not offered, so a bomb is never unpacked.
        let mut packed = Request::new(Bytes::from_static(&[0x0A, 1, b'x']));
        packed.metadata_mut().insert("grpc-encoding", "gzip".parse().unwrap());
        let status = call(channel, &path, packed).await.unwrap_err();
        assert_eq!(status.code(), Code::Unimplemented, "{path}: {status}");
    }
    for path in ["/exchange.v1.CertificateService/Nothing", "/exchange.v2.CertificateService/GetCertificate", "/../etc"]
    {
        let status = call(&system, path, Request::new(Bytes::new())).await.unwrap_err();
        assert_eq!(status.code(), Code::Unimplemented, "{path}: {status}");
    }
    assert!(world.size(JINAN) <= before + 2, "garbage left entries"); // anchors may have come
    world.issue(JINAN, licence(JINAN, 75)).await;
}

/// What somebody hopes a file system, a terminal or a log would take for more than a text.
fn evil() -> Vec<String> {
    vec![
        "../../../../etc/passwd".to_owned(),
        "..\\..\\windows".to_owned(),
        "/dev/zero".to_owned(),
        "a\0b".to_owned(),
        "\u{202e}gnp.exe".to_owned(),
        "x\n2026-11-25T00:00:00Z INFO all is well".to_owned(),
        "\u{1b}[2J\u{1b}]0;pwned\u{7}".to_owned(),
        "%2e%2e%2f".to_owned(),
        "'; DROP TABLE certificates; --".to_owned(),
        "x".repeat(300),
        "x".repeat(70_000),
        "证".repeat(100_000),
    ]
}

fn harmless<T>(answer: Result<tonic::Response<T>, tonic::Status>, reasons: &[&str], what: &str) {
    let status = match answer {
        Ok(_) => panic!("{what} is taken"),
        Err(status) => status,
    };
    let obeyed = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}');
    assert!(!status.message().contains(obeyed) && status.message().len() < 4_000, "{what}: {:?}", status.message());
    let reason = exchange_node::rpc::status::reason_of(&status).unwrap_or_else(|| panic!("{what}: {status}"));
    assert!(reasons.contains(&reason.as_str()), "{what}: {status}");
}

/// Attack 20: refused by grammar, at every place where an identifier is read; texts for people are one plain line.
pub(super) async fn names_and_texts(world: &World, flat: &Certificate) {
    let mut certificates = CertificateServiceClient::new(world.system(JINAN).await);
    let mut lookups = LookupServiceClient::new(world.system(JINAN).await);
    let mut catalogue = CatalogueServiceClient::new(world.operator(JINAN).await);
    let mut peer = world.peer(QINGDAO, JINAN).await;
    let owner = Person::new(0, 71);
    let invalid: &[&str] =
        &["FIELD_INVALID", "FIELD_TOO_LONG", "CONTROL_CHARACTER", "TYPE_UNKNOWN", "PAGE_TOKEN_INVALID"];
    let not_there = &["CERTIFICATE_NOT_FOUND"];
    for text in evil() {
        let what = format!("{:?}", text.chars().take(20).collect::<String>());
        let get = v1::GetCertificateRequest { certificate_id: text.clone() };
        harmless(certificates.get_certificate(get).await, not_there, &what);
        let shown = Some(Shown::CertificateId(text.clone()));
        let verify = v1::VerifyCertificateRequest { certificate: shown, on_day: None };
        let verdict = lookups.verify_certificate(verify).await.unwrap().into_inner().verdict();
        assert_eq!(verdict, v1::Verdict::NotFound, "{what}");
        let asked = lookup(question(JINAN, &owner, v1::Relation::Self_), &text, &["KZ_ZL"]);
        harmless(lookups.lookup_certificate(asked).await, not_there, &what);
        let changed = v1::ChangeStatusRequest {
            certificate_id: text.clone(),
            ..change(flat, Status::Annulled, "样例〔2026〕1号")
        };
        harmless(certificates.change_status(changed).await, invalid, &what);
        let list = v1::ListCertificatesRequest { region: text.clone(), ..Default::default() };
        harmless(certificates.list_certificates(list).await, invalid, &what);
        let list = v1::ListCertificatesRequest { page_token: text.clone(), ..Default::default() };
        harmless(certificates.list_certificates(list).await, invalid, &what);
        let watch = v1::WatchCertificatesRequest { region: text.clone(), after: None };
        harmless(certificates.watch_certificates(watch).await, invalid, &what);
        let kind = v1::GetCertificateTypeRequest { type_code: text.clone(), version: 0 };
        harmless(catalogue.get_certificate_type(kind).await, &["TYPE_UNKNOWN", "FIELD_INVALID"], &what);
        let matter = v1::GetMatterRequest { matter_code: text.clone(), version: 0, region: String::new() };
        harmless(catalogue.get_matter(matter).await, &["MATTER_UNKNOWN", "FIELD_INVALID"], &what);
        let list = v1::ListCertificateTypesRequest { page_size: 1, page_token: text.clone() };
        harmless(catalogue.list_certificate_types(list).await, &["PAGE_TOKEN_INVALID"], &what);
        let read = v1::ReadLogRequest { region: text.clone(), epoch: 1, from: 0, max_segments: 1 };
        harmless(peer.read_log(read).await, invalid, &what);
        let checkpoint = v1::GetCheckpointRequest { origin: text.clone() };
        harmless(peer.get_checkpoint(checkpoint).await, invalid, &what);
        let issue = v1::IssueCertificateRequest { serial: text.clone(), ..deed(JINAN, &owner) };
        harmless(certificates.issue_certificate(issue).await, invalid, &what);
        let issue = v1::IssueCertificateRequest { type_code: text.clone(), ..deed(JINAN, &owner) };
        harmless(certificates.issue_certificate(issue).await, invalid, &what);
    }
    // Texts that people read: what a terminal or a log would obey is refused, where it would be signed or kept.
    for text in ["a\nb", "\u{1b}[31mred", "\u{202e}sdrawkcab", "a\0b", "\u{2066}x"] {
        let reason =
            v1::ChangeStatusRequest { reason: text.into(), ..change(flat, Status::Annulled, "样例〔2026〕1号") };
        refused(certificates.change_status(reason).await, "CONTROL_CHARACTER");
        let document = change(flat, Status::Annulled, text);
        refused(certificates.change_status(document).await, "CONTROL_CHARACTER");
        let mut issue = deed(JINAN, &owner);
        issue.issuer.as_mut().unwrap().name = text.into();
        refused(certificates.issue_certificate(issue).await, "CONTROL_CHARACTER");
        let mut issue = deed(JINAN, &owner);
        issue.fields[0].value = text.into();
        refused(certificates.issue_certificate(issue).await, "CONTROL_CHARACTER");
        let mut asked = question(JINAN, &owner, v1::Relation::Self_);
        asked.clerk.as_mut().unwrap().window = text.into();
        refused(lookups.lookup_certificate(lookup(asked, &flat.certificate_id, &["KZ_ZL"])).await, "CONTROL_CHARACTER");
    }
}
