//! Imports into a node that is served.

use super::*;
use crate::{
    catalogue::{Item, file},
    node::{Node, Source},
    practice::{self, OPERATOR, Practice, SYSTEM},
    sample,
};
use exchange_core::region::Region;
use exchange_proto::{
    catalogue as convert,
    v1::{catalogue_service_client::CatalogueServiceClient, certificate_service_client::CertificateServiceClient},
};
use std::path::Path;

/// The province, which publishes the types, and 济南, which takes the rows.
struct Served {
    folder: tempfile::TempDir,
    nodes: Vec<Node>,
    channel: Channel,
}

impl Served {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [province, city] = ["370000", "370100"].map(|code| Region::parse(code).unwrap());
        let options = practice::Options { regions: vec![province, city], kafka: None, more_config: String::new() };
        let made = Practice::create(&folder.path().join("province"), options).unwrap();
        let settings = [("EXCHANGE__NODE__ALONE", "true"), ("EXCHANGE__LIMITS__FREE_SPACE_MIB", "64")];
        let overrides: Vec<_> = settings.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let mut nodes = Vec::new();
        for region in [province, city] {
            let source = Source::File { path: made.config(region), overrides: overrides.clone() };
            nodes.push(Node::start(source).await.unwrap());
        }
        publish(practice::connect(&made.client(province, OPERATOR)).await.unwrap()).await;
        let channel = practice::connect(&made.client(city, SYSTEM)).await.unwrap();
        until_types_arrive(channel.clone()).await;
        Self { folder, nodes, channel }
    }

    async fn import(&self, options: &Options) -> Summary {
        let channels = vec![self.channel.clone(); 4];
        run(options, channels, Random::new(), &ProgressBar::hidden()).await.unwrap()
    }

    async fn stop(self) {
        for node in self.nodes {
            node.drain().await;
        }
    }
}

async fn publish(channel: Channel) {
    let types = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/sample/catalogue/certificate-types.json");
    let random = Random::new();
    let mut client = CatalogueServiceClient::new(channel);
    for item in file::read(&types).unwrap() {
        let Item::CertificateType(kind) = item else { panic!("only types are in this file") };
        let request = v1::PublishCertificateTypeRequest {
            request_id: uuid::Uuid::from_bytes(random.uuid_v7(crate::clock::Clock::default().now_ms())).to_string(),
            certificate_type: Some(convert::encode_certificate_type(&kind)),
            validate_only: false,
        };
        client.publish_certificate_type(request).await.unwrap();
    }
}

async fn until_types_arrive(channel: Channel) {
    let mut client = CatalogueServiceClient::new(channel);
    for _ in 0..600 {
        let request = v1::GetCertificateTypeRequest { type_code: "111000000000131433001".into(), version: 0 };
        if client.get_certificate_type(request).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the city has not got the province's types within a minute");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_library_is_imported_once_however_often_it_is_brought() {
    let served = Served::start().await;
    let path = served.folder.path().join("rows.csv");
    let region = Region::parse("370100").unwrap();
    sample::write(sample::rows(region, 1_000, 1), fs::File::create(&path).unwrap(), Encoding::Gb18030).unwrap();
    let options = Options { patience: Duration::from_secs(10), ..Options::new(&path) };

    let tried = served.import(&Options { dry_run: true, ..options.clone() }).await;
    assert_eq!(
        (tried.rows, tried.issued, tried.rejected),
        (1_000, 991, 9),
        "another city's department is the node's to see"
    );
    let first = served.import(&options).await;
    assert_eq!((first.rows, first.issued, first.already_there, first.rejected), (1_000, 990, 0, 10));
    assert_eq!(first.status_changed, 34, "30 cancelled and 4 revoked");
    let rejected = fs::read_to_string(options.rejected_path()).unwrap();
    for reason in ["CHECK_DIGIT_WRONG", "DATES_OUT_OF_ORDER", "FIELD_MISSING", "TYPE_UNKNOWN", "ISSUER_NOT_CALLERS"] {
        assert!(rejected.contains(reason), "{reason} in {rejected}");
    }

    let again = served.import(&options).await;
    assert_eq!((again.issued, again.already_there, again.status_changed, again.rejected), (0, 990, 0, 10));

    // A row that changed and kept its time is refused; with a new time and U it is a revision.
    let good =
        sample::rows(region, 1_000, 1).find(|row| row.fault.is_none() && row.value("status_code") == "01").unwrap();
    let changed = |operation: &str, time: &str| {
        let mut values = good.values().to_vec();
        let mut set = |column: &str, value: &str| {
            let at = sample::COLUMNS.iter().position(|name| *name == column).unwrap();
            values[at] = value.to_owned();
        };
        set("certificate_holder", "样例改名");
        set("cd_operation", operation);
        set("cd_time", time);
        values
    };
    let second = served.folder.path().join("second.csv");
    let mut csv = csv::Writer::from_path(&second).unwrap();
    csv.write_record(sample::COLUMNS).unwrap();
    csv.write_record(changed("I", good.value("cd_time"))).unwrap();
    csv.write_record(changed("U", "2026-02-01 00:00:00")).unwrap();
    csv.flush().unwrap();
    let revised = served.import(&Options::new(&second)).await;
    assert_eq!(
        (revised.issued, revised.revised, revised.rejected),
        (0, 1, 1),
        "{:?}",
        fs::read_to_string(Options::new(&second).rejected_path())
    );
    let once_more = served.import(&Options::new(&second)).await;
    assert_eq!((once_more.revised, once_more.already_there, once_more.rejected), (0, 1, 1));

    let mut client = CertificateServiceClient::new(served.channel.clone());
    let request =
        v1::ListCertificatesRequest { status: v1::Status::Revoked as i32, page_size: 1_000, ..Default::default() };
    for _ in 0..100 {
        if client.list_certificates(request.clone()).await.unwrap().into_inner().certificates.len() == 4 {
            return served.stop().await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the index does not show four revoked certificates");
}
