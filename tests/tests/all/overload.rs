//! A caller over its limit is refused early and told when to ask again; others, operators and health do not notice.

use crate::world::{JINAN, KIOSK, PROVINCE, licence, region};
use ca_tools::Profile;
use exchange_node::{
    node::{Node, Source},
    practice::{OPERATOR, Options, Practice, SYSTEM, connect},
    rpc::status::reason_of,
};
use exchange_proto::v1::{
    self, admin_service_client::AdminServiceClient, certificate_service_client::CertificateServiceClient,
};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tonic::{Code, Request, Status, client::Grpc, codegen::http::uri::PathAndQuery, transport::Channel};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tonic_prost::ProstCodec;
use tonic_types::StatusExt;

/// Of one caller, and of all systems.
const OF_CALLER: usize = 2;
const CONFIG: &str = "[limits]\nconcurrent_calls = 4\nconcurrent_calls_per_caller = 2\nfree_space_mib = 1\n\
                      drain_seconds = 1\n\n[systems.kiosk]\nlookup = true\n";
const SOON: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_over_its_limit_is_told_when_to_ask_again() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let options =
        Options { regions: [PROVINCE, JINAN].map(region).to_vec(), kafka: None, more_config: CONFIG.to_owned() };
    let mut practice = Practice::create(&folder.path().join("province"), options).unwrap();
    practice.issue(region(JINAN), Profile::System, KIOSK).unwrap();
    let source = Source::File { path: practice.config(region(JINAN)), overrides: Vec::new() };
    let node = Node::start(source).await.unwrap();
    let channel = async |who: &str| connect(&practice.client(region(JINAN), who)).await.unwrap();
    let hall = channel(SYSTEM).await;

    // At work: calls whose message never comes. Their deadline is the node's, half a minute.
    let stuck = stuck(&hall, OF_CALLER);
    until_refused(&hall).await;
    // As many more may wait, a tenth of a second; beyond them it is told at once.
    let waiting = self::stuck(&hall, OF_CALLER);
    for _ in 0..20 {
        let asked = Instant::now();
        let refusal = issue(&hall).await.unwrap_err();
        assert!(asked.elapsed() < SOON);
        assert_eq!(refusal.code(), Code::ResourceExhausted, "{refusal:?}");
        assert_eq!(reason_of(&refusal).as_deref(), Some("OVERLOADED"));
        let details = refusal.get_error_details();
        assert_eq!(details.retry_info().unwrap().retry_delay, Some(Duration::from_millis(200)));
        assert!(details.localized_message().is_some() && details.help().is_some(), "{refusal:?}");
        let health = HealthClient::new(hall.clone()).check(HealthCheckRequest::default()).await.unwrap();
        assert_eq!(health.into_inner().status(), ServingStatus::Serving);
    }
    for one in waiting {
        let refusal = one.await.unwrap().unwrap_err();
        assert_eq!(reason_of(&refusal).as_deref(), Some("OVERLOADED"), "{refusal:?}");
    }
    // Another system has its own places, an operator and another city's node theirs. What the node answers them is no
    // matter of room: it was not compared yet, and the types are not published.
    let answer = issue(&channel(KIOSK).await).await.unwrap_err();
    assert_ne!(answer.code(), Code::ResourceExhausted, "{answer:?}");
    AdminServiceClient::new(channel(OPERATOR).await).get_status(v1::GetStatusRequest {}).await.unwrap();

    // Whoever goes away gives the places back.
    for one in stuck {
        one.abort();
    }
    let begin = Instant::now();
    loop {
        let answer = issue(&hall).await.unwrap_err();
        if answer.code() != Code::ResourceExhausted {
            break;
        }
        assert!(begin.elapsed() < SOON, "no place was given back: {answer:?}");
    }
    node.drain().await;
}

async fn issue(channel: &Channel) -> Result<v1::Certificate, Status> {
    let request = licence(JINAN, 1);
    Ok(CertificateServiceClient::new(channel.clone()).issue_certificate(request).await?.into_inner())
}

async fn until_refused(channel: &Channel) {
    let begin = Instant::now();
    while issue(channel).await.unwrap_err().code() != Code::ResourceExhausted {
        assert!(begin.elapsed() < SOON, "the places are not taken");
    }
}

/// Calls that send their headers and nothing more.
fn stuck(channel: &Channel, count: usize) -> Vec<JoinHandle<Result<(), Status>>> {
    let call = |channel: Channel| async move {
        let mut client = Grpc::new(channel);
        client.ready().await.map_err(|error| Status::unknown(error.to_string()))?;
        let nothing = tokio_stream::pending::<v1::IssueCertificateRequest>();
        let path = PathAndQuery::from_static("/exchange.v1.CertificateService/IssueCertificate");
        let codec: ProstCodec<_, v1::Certificate> = ProstCodec::default();
        client.client_streaming(Request::new(nothing), path, codec).await.map(drop)
    };
    (0..count).map(|_| tokio::spawn(call(channel.clone()))).collect()
}
