//! `import`: rows of a national table `up_lic_data` that become certificates, a second, by the import of the CLI.

use crate::{
    Settings, catalogue, city,
    data::Requests,
    limits,
    model::Model,
    network, pki,
    province::{PROVINCE, Province},
    report::{Better, Figure},
    rounds::{Side, alternate},
};
use anyhow::{Context, Result, ensure};
use exchange_core::region::Region;
use exchange_node::{
    import::{self, Encoding, Options, Summary},
    random::Random,
    sample,
};
use exchange_proto::v1::{
    Certificate, GetCertificateRequest, ListCertificatesRequest, certificate_service_client::CertificateServiceClient,
};
use indicatif::ProgressBar;
use std::{
    fs::File,
    io::BufWriter,
    path::{Path, PathBuf},
};
use tonic::transport::Channel;

/// Connections, as many as the CLI has.
const CONNECTIONS: usize = 4;
/// Rows of a round, and with `--full`; of the warm-up.
const ROWS: u64 = 20_000;
const ROWS_FULL: u64 = 100_000;
const WARM_UP: u64 = 2_000;

/// Runs the bench.
pub(crate) async fn run(settings: &Settings, folder: &Path) -> Result<Vec<Figure>> {
    let folder = folder.join("import");
    // A node alone: no other one copies its log on the same cores meanwhile.
    let province = Province::make(&folder, &[PROVINCE], None)?;
    let node = province.node(PROVINCE)?;
    let rows = if settings.full { ROWS_FULL } else { ROWS };
    let warm = write(&folder, WARM_UP, 0)?;
    // The same rows for both sides: the limit keeps none.
    let files = (1..=settings.rounds.into()).map(|seed| write(&folder, rows, seed)).collect::<Result<Vec<_>>>()?;
    let types = catalogue::sample_types()?;
    let (cities, ours, answer) = if settings.limit_only {
        let requests = Requests::new(node.department.clone(), 0);
        (Vec::new(), Vec::new(), Model::new().certificate(&requests.issue()?)?)
    } else {
        let cities = city::start(&province)?;
        let city = city::of(&cities, PROVINCE)?;
        city.publish_types(&types).await?;
        let ours = city.connect(CONNECTIONS).await?;
        import(&warm, &ours).await?;
        let answer = issued(ours[0].clone()).await?;
        (cities, ours, answer)
    };
    let limit = limits::issue::start(&folder, node, &answer, types)?;
    let tls = pki::client(&node.folder, "system")?;
    let bare = network::connect_all(CONNECTIONS, limit.address, &node.server_name, &tls).await?;
    import(&warm, &bare).await?;

    let mut figures = [Figure::new("rate", "1/s", Better::Higher).target(0.6)];
    let (mut node_round, mut limit_round) = (files.iter(), files.iter());
    alternate(settings.rounds, settings.limit_only, &mut figures, async |side| {
        let (channels, file) = match side {
            Side::Limit => (&bare, limit_round.next()),
            Side::Node => (&ours, node_round.next()),
        };
        let summary = import(file.context("no rows are left")?, channels).await?;
        Ok(vec![summary.rate()])
    })
    .await?;
    drop(cities);
    Ok(figures.into())
}

/// A made-up library, in the mix of a city's certificates, without its faulty rows: a limit does not refuse.
fn write(folder: &Path, rows: u64, seed: u64) -> Result<PathBuf> {
    let path = folder.join(format!("rows-{seed}.csv"));
    let rows = sample::rows(Region::parse(PROVINCE)?, rows, seed).filter(|row| row.fault.is_none());
    sample::write(rows, BufWriter::new(File::create(&path)?), Encoding::Utf8)?;
    Ok(path)
}

/// As `certificate import` does it, with its settings.
async fn import(file: &Path, channels: &[Channel]) -> Result<Summary> {
    let options = Options::new(file);
    let summary = import::run(&options, channels.to_vec(), Random::new(), &ProgressBar::hidden()).await?;
    ensure!(summary.rejected == 0, "{} of {} rows of {} rejected", summary.rejected, summary.rows, file.display());
    ensure!(summary.already_there == 0, "{} rows were there before", summary.already_there);
    Ok(summary)
}

/// A certificate as the node answered an issue with it.
async fn issued(channel: Channel) -> Result<Certificate> {
    let mut client = CertificateServiceClient::new(channel);
    let newest = ListCertificatesRequest { page_size: 1, ..Default::default() };
    let listed = client.list_certificates(newest).await?.into_inner();
    let certificate_id = listed.certificates.first().context("the node lists no certificate")?.certificate_id.clone();
    Ok(client.get_certificate(GetCertificateRequest { certificate_id }).await?.into_inner())
}
