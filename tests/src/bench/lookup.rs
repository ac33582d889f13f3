//! `lookup`: questions from one city about certificates of another, each with three durable records.

use crate::{
    Settings,
    data::{Requests, resident_id},
    load::{self, Sample},
    model::{self, Model},
    network, pki,
    process::Server,
    report::{Better, Figure},
    rounds::{Side, alternate},
};
use anyhow::{Context, Result, ensure};
use exchange_proto::v1::{
    Basis, Holder, Issuer, LookupCertificateRequest, Party, Question, Relation,
    lookup_certificate_request::Certificate as Target, lookup_service_client::LookupServiceClient, question::Purpose,
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
const STREAMS: usize = 16;
/// Before the first round, and before each measurement.
const WARM_UP: Duration = Duration::from_secs(1);
const SETTLE: Duration = Duration::from_millis(300);

/// A certificate that can be asked about, and its holder.
#[derive(Debug, Clone)]
struct Subject {
    certificate_id: String,
    holder: Holder,
}

/// What is asked, in turn.
#[derive(Debug)]
struct Questions {
    subjects: Vec<Subject>,
    fields: Vec<String>,
    next: AtomicUsize,
}

impl Questions {
    fn next(&self) -> Result<LookupCertificateRequest> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let subject = self.subjects.get(turn % self.subjects.len().max(1)).context("nothing to ask about")?;
        let question = Question {
            question_id: uuid::Uuid::now_v7().to_string(),
            purpose: Some(Purpose::Matter(model::matter())),
            case_number: format!("37020020250602{:08}", turn % 100_000_000),
            party: Some(Party { holder: Some(subject.holder.clone()), relation: Relation::Self_.into() }),
            basis: Basis::Application.into(),
            evidence_id: String::new(),
            clerk: Some(model::clerk()),
            purpose_text: String::new(),
        };
        Ok(LookupCertificateRequest {
            question: Some(question),
            fields: self.fields.clone(),
            certificate: Some(Target::CertificateId(subject.certificate_id.clone())),
        })
    }
}

/// Runs the bench.
pub(crate) async fn run(settings: &Settings, folder: &Path) -> Result<Vec<Figure>> {
    ensure!(settings.limit_only, "the node is not part of this build: give --limit-only");
    let folder = folder.join("lookup");
    let keys = folder.join("pki");
    pki::make(&keys)?;
    let issuer = Issuer { uscc: "11370100004188596X".to_owned(), name: "济南市自然资源和规划局".to_owned() };
    let example = Requests::new(issuer, 0).issue()?;
    let answer = Model::new().lookup_answer(&example)?;
    let questions = Arc::new(Questions {
        subjects: vec![Subject {
            certificate_id: answer.certificate.clone().unwrap_or_default().certificate_id,
            holder: Holder { code_type: "111".to_owned(), code: resident_id(0)? },
        }],
        fields: example.fields.iter().map(|field| field.name.clone()).collect(),
        next: AtomicUsize::new(0),
    });

    let files = Files::write(&folder, &answer)?;
    let answering = Server::start(files.arguments("b", &keys, &files.peer_answer))?;
    let mut arguments = files.arguments("a", &keys, &files.answer);
    arguments.extend(["--peer".into(), answering.address.to_string().into()]);
    arguments.extend(["--question".into(), files.question.clone().into()]);
    let asking = Server::start(arguments)?;
    let tls = pki::client(&keys, "client")?;
    let bare = network::connect_all(CONNECTIONS, asking.address, pki::SERVER_NAME, &tls).await?;
    measure(&bare, STREAMS, &questions, Duration::ZERO, WARM_UP).await?;

    let mut figures = [
        Figure::new("rate", "1/s", Better::Higher).target(0.6).reference(12_000.0),
        Figure::new("max_ms", "ms", Better::Lower),
        Figure::new("p50_us", "µs", Better::Lower).target(2.0).reference(820.0),
        Figure::new("p99_us", "µs", Better::Lower).target(2.0).reference(1_200.0),
    ];
    alternate(settings.rounds, settings.limit_only, &mut figures, async |side| {
        let channels = match side {
            Side::Limit | Side::Node => &bare,
        };
        let many = measure(channels, STREAMS, &questions, SETTLE, settings.time()).await?;
        let single = measure(&channels[..1], 1, &questions, SETTLE, settings.time()).await?;
        Ok(vec![many.rate, many.max_ms(), single.quantile(0.5), single.quantile(0.99)])
    })
    .await?;
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
    fn write(folder: &Path, answer: &exchange_proto::v1::LookupCertificateResponse) -> Result<Self> {
        let file = |name: &str, bytes: Vec<u8>| {
            let path = folder.join(name);
            std::fs::write(&path, bytes)?;
            anyhow::Ok(path)
        };
        Ok(Self {
            folder: folder.to_owned(),
            answer: file("answer.bin", answer.encode_to_vec())?,
            question: file("question.bin", model::peer_question(answer)?.encode_to_vec())?,
            peer_answer: file("peer-answer.bin", model::peer_answer(answer).encode_to_vec())?,
        })
    }

    fn arguments(&self, side: &str, keys: &Path, answer: &Path) -> Vec<OsString> {
        let db = self.folder.join(format!("limit-db-{side}"));
        let named = [("--pki", keys), ("--db", &db), ("--answer", answer)];
        let named = named.into_iter().flat_map(|(name, path)| [name.into(), path.into()]);
        std::iter::once("__limit-relay".into()).chain(named).collect()
    }
}

async fn measure(
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
