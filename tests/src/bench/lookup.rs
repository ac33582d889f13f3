//! `lookup`: questions from one city about certificates of another, each with three durable records.

use crate::{
    Settings, city,
    data::{self, Requests},
    load::{self, Sample},
    model::{self, Model},
    network, pki,
    process::Server,
    province::{JINAN, Node, PROVINCE, Province, QINGDAO},
    report::{Better, Figure},
    rounds::{Side, alternate},
};
use anyhow::{Context, Result, ensure};
use exchange_proto::v1::{
    Basis, Certificate, Clerk, Holder, IssueCertificateRequest, LookupCertificateRequest, LookupCertificateResponse,
    Party, Question, Relation, lookup_certificate_request::Certificate as Target,
    lookup_service_client::LookupServiceClient, question::Purpose,
};
use prost::Message;
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tonic::transport::Channel;

/// Connections of the client, and calls in flight on each, for the rate.
const CONNECTIONS: usize = 4;
pub(crate) const STREAMS: usize = 16;
/// Certificates that are asked about in turn.
const SUBJECTS: usize = 1_000;
/// Before the first round, and before each measurement.
const WARM_UP: Duration = Duration::from_secs(1);
pub(crate) const SETTLE: Duration = Duration::from_millis(300);

/// What is asked, in turn: certificates with their holders.
#[derive(Debug)]
pub(crate) struct Questions {
    subjects: Vec<(String, Holder)>,
    clerk: Clerk,
    next: AtomicUsize,
}

impl Questions {
    /// About these certificates, in turn.
    pub(crate) fn new(issued: &[(IssueCertificateRequest, Certificate)]) -> Result<Self> {
        let subject = |(request, certificate): &(IssueCertificateRequest, Certificate)| {
            let code = request.fields.iter().find(|field| field.name == "CZZTDM").context("a holder has a code")?;
            let holder = Holder { code_type: "111".to_owned(), code: code.value.clone() };
            anyhow::Ok((certificate.certificate_id.clone(), holder))
        };
        let subjects = issued.iter().map(subject).collect::<Result<_>>()?;
        Ok(Self { subjects, clerk: model::clerk()?, next: AtomicUsize::new(0) })
    }

    /// The next question.
    pub(crate) fn next(&self) -> Result<LookupCertificateRequest> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let (id, holder) = self.subjects.get(turn % self.subjects.len().max(1)).context("nothing to ask about")?;
        let question = Question {
            question_id: uuid::Uuid::now_v7().to_string(),
            purpose: Some(Purpose::Matter(model::matter())),
            case_number: format!("37020020250602{:08}", turn % 100_000_000),
            party: Some(Party { holder: Some(holder.clone()), relation: Relation::Self_.into() }),
            basis: Basis::Application.into(),
            evidence_id: String::new(),
            clerk: Some(self.clerk.clone()),
            purpose_text: String::new(),
        };
        Ok(LookupCertificateRequest {
            question: Some(question),
            fields: data::wanted(),
            certificate: Some(Target::CertificateId(id.clone())),
        })
    }
}

/// Runs the bench.
pub(crate) async fn run(settings: &Settings, folder: &Path) -> Result<Vec<Figure>> {
    let folder = folder.join("lookup");
    let province = Province::make(&folder, &[PROVINCE, JINAN, QINGDAO], None)?;
    let (issuing, asking) = (province.node(JINAN)?, province.node(QINGDAO)?);
    let requests = Arc::new(Requests::new(issuing.department.clone(), 0));
    let (cities, ours, questions, answer) = if settings.limit_only {
        let example = requests.issue()?;
        let answer = Model::new().lookup_answer(&example)?;
        let questions = Questions::new(&[(example, answer.certificate.clone().unwrap_or_default())])?;
        (Vec::new(), Vec::new(), questions, answer)
    } else {
        let cities = city::start(&province)?;
        city::publish(&cities, Some(QINGDAO)).await?;
        let issued = city::of(&cities, JINAN)?.issue(&requests, SUBJECTS).await?;
        for (_, certificate) in &issued {
            city::of(&cities, QINGDAO)?.knows_certificate(&certificate.certificate_id).await?;
        }
        let questions = Questions::new(&issued)?;
        let ours = city::of(&cities, QINGDAO)?.connect(CONNECTIONS).await?;
        let mut client = LookupServiceClient::new(ours[0].clone());
        let answer = client.lookup_certificate(questions.next()?).await?.into_inner();
        (cities, ours, questions, answer)
    };
    let questions = Arc::new(questions);

    let files = Files::write(&folder, &answer)?;
    let bare_b = Server::start(files.arguments("b", issuing, &files.peer_answer))?;
    let mut arguments = files.arguments("a", asking, &files.answer);
    arguments.extend(["--peer".into(), bare_b.address.to_string().into()]);
    arguments.extend(["--peer-name".into(), issuing.server_name.clone().into()]);
    arguments.extend(["--question".into(), files.question.clone().into()]);
    let bare_a = Server::start(arguments)?;
    let tls = pki::client(&asking.folder, "system")?;
    let bare = network::connect_all(CONNECTIONS, bare_a.address, &asking.server_name, &tls).await?;
    for channels in [&bare, &ours].into_iter().filter(|channels| !channels.is_empty()) {
        measure(channels, STREAMS, &questions, Duration::ZERO, WARM_UP).await?;
    }

    let mut figures = [
        Figure::new("rate", "1/s", Better::Higher).target(0.6).reference(12_000.0),
        Figure::new("max_ms", "ms", Better::Lower),
        Figure::new("p50_us", "µs", Better::Lower).target(2.0).reference(820.0),
        Figure::new("p99_us", "µs", Better::Lower).target(2.0).reference(1_200.0),
    ];
    alternate(settings.rounds, settings.limit_only, &mut figures, async |side| {
        let channels = match side {
            Side::Limit => &bare,
            Side::Node => &ours,
        };
        let many = measure(channels, STREAMS, &questions, SETTLE, settings.time()).await?;
        let single = measure(&channels[..1], 1, &questions, SETTLE, settings.time()).await?;
        Ok(vec![many.rate, many.max_ms(), single.quantile(0.5), single.quantile(0.99)])
    })
    .await?;
    drop(cities);
    Ok(figures.into())
}

/// What the bare relay answers and sends, as files.
struct Files {
    folder: PathBuf,
    answer: PathBuf,
    question: PathBuf,
    peer_answer: PathBuf,
}

impl Files {
    fn write(folder: &Path, answer: &LookupCertificateResponse) -> Result<Self> {
        let file = |name: &str, bytes: Vec<u8>| {
            let path = folder.join(name);
            std::fs::write(&path, bytes)?;
            anyhow::Ok(path)
        };
        Ok(Self {
            folder: folder.to_owned(),
            answer: file("answer.pb", answer.encode_to_vec())?,
            question: file("question.pb", model::peer_question(answer)?.encode_to_vec())?,
            peer_answer: file("peer-answer.pb", model::peer_answer(answer).encode_to_vec())?,
        })
    }

    fn arguments(&self, side: &str, node: &Node, answer: &Path) -> Vec<OsString> {
        let db = self.folder.join(format!("limit-db-{side}"));
        let named = [("--pki", node.folder.as_path()), ("--db", &db), ("--answer", answer)];
        let named = named.into_iter().flat_map(|(name, path)| [name.into(), path.into()]);
        std::iter::once("__limit-relay".into()).chain(named).collect()
    }
}

/// Asks in a closed loop.
pub(crate) async fn measure(
    channels: &[Channel],
    streams: usize,
    questions: &Arc<Questions>,
    settle: Duration,
    time: Duration,
) -> Result<Sample> {
    let workers = channels
        .iter()
        .flat_map(|channel| (0..streams).map(move |_| channel.clone()))
        .map(|channel| {
            let (client, questions) = (LookupServiceClient::new(channel), Arc::clone(questions));
            move || {
                let (mut client, questions) = (client.clone(), Arc::clone(&questions));
                async move {
                    let request = questions.next()?;
                    let asked = request.fields.len();
                    let answer = client.lookup_certificate(request).await?.into_inner();
                    let released = answer.certificate.unwrap_or_default().disclosures.len();
                    ensure!(released == asked, "{released} of {asked} fields were released");
                    Ok(())
                }
            }
        })
        .collect();
    load::closed_loop(workers, settle, time).await
}
