//! Callers that issue at once, and what they were told.

use super::world::{JINAN, region};
use exchange_core::check_digit::mod_11_2;
use exchange_node::sample::departments::Department;
use exchange_proto::v1::{self, certificate_service_client::CertificateServiceClient};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::task::JoinHandle;
use tonic::{Status, transport::Channel};

/// 结婚证.
pub(super) const MARRIAGE: &str = "111000000000131433001";

/// Callers at work.
pub(super) struct Load {
    requests: Arc<Vec<v1::IssueCertificateRequest>>,
    next: Arc<AtomicUsize>,
    told: Arc<Mutex<Answers>>,
    callers: Vec<JoinHandle<()>>,
}

type Answers = (BTreeMap<usize, String>, Vec<Status>);

/// What callers were told.
pub(super) struct Told {
    requests: Arc<Vec<v1::IssueCertificateRequest>>,
    sent: usize,
    /// Certificate's id by the request's number.
    pub(super) acknowledged: BTreeMap<usize, String>,
    /// Each caller's last answer, which was none.
    pub(super) refused: Vec<Status>,
}

impl Load {
    /// A caller for each channel; a caller ends with its first refusal.
    pub(super) fn start(channels: Vec<Channel>, requests: Vec<v1::IssueCertificateRequest>) -> Self {
        let (requests, next) = (Arc::new(requests), Arc::new(AtomicUsize::new(0)));
        let told: Arc<Mutex<Answers>> = Arc::default();
        let mut callers = Vec::new();
        for channel in channels {
            let (requests, next, told) = (Arc::clone(&requests), Arc::clone(&next), Arc::clone(&told));
            callers.push(tokio::spawn(async move {
                let mut client = CertificateServiceClient::new(channel);
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(request) = requests.get(number) else { return };
                    let answer = issue(&mut client, request.clone()).await;
                    let mut told = told.lock().unwrap();
                    match answer {
                        Ok(id) => told.0.insert(number, id),
                        Err(status) => return told.1.push(status),
                    };
                }
            }));
        }
        Self { requests, next, told, callers }
    }

    /// Waits until so many were acknowledged.
    pub(super) async fn acknowledged(&self, count: usize) {
        while self.told.lock().unwrap().0.len() < count {
            assert!(!self.callers.iter().all(JoinHandle::is_finished), "{:?}", self.told.lock().unwrap().1);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Waits until every caller has ended.
    pub(super) async fn end(self) -> Told {
        for caller in self.callers {
            caller.await.unwrap();
        }
        let (acknowledged, refused) = std::mem::take(&mut *self.told.lock().unwrap());
        let sent = self.next.load(Ordering::Relaxed).min(self.requests.len());
        Told { requests: self.requests, sent, acknowledged, refused }
    }
}

impl Told {
    /// Every request that was sent, answered or not.
    pub(super) fn sent(&self) -> impl Iterator<Item = (usize, &v1::IssueCertificateRequest)> {
        self.requests.iter().enumerate().take(self.sent)
    }
}

/// Issues one, and gives its id.
pub(super) async fn issue(
    client: &mut CertificateServiceClient<Channel>,
    request: v1::IssueCertificateRequest,
) -> Result<String, Status> {
    Ok(client.issue_certificate(request).await?.into_inner().certificate_id)
}

/// Requests with numbers from `first` on.
pub(super) fn requests(first: usize, count: usize) -> Vec<v1::IssueCertificateRequest> {
    (first..first + count).map(request).collect()
}

/// A marriage certificate of two invented persons; each number has another one.
pub(super) fn request(number: usize) -> v1::IssueCertificateRequest {
    let issuer = Department::CivilAffairs.of(region(JINAN)).unwrap();
    // 379999 is assigned to no place.
    let digits = format!("37999919900101{:03}", number % 1_000);
    let person = format!("{digits}{}", mod_11_2(&digits).unwrap());
    let value = |name: &str, value: String| v1::FieldValue { name: name.to_owned(), value };
    v1::IssueCertificateRequest {
        request_id: uuid::Uuid::now_v7().to_string(),
        type_code: MARRIAGE.to_owned(),
        issuer: Some(v1::Issuer { uscc: issuer.uscc.to_string(), name: issuer.name }),
        issued_on: Some(v1::Date { year: 2020, month: 1, day: 2 }),
        fields: vec![
            value("CZZT", "演练丙".to_owned()),
            value("CZZTDM", person),
            value("CZZTDMLXDM", "111".to_owned()),
            value("ZZBH", format!("J370102-2020-{number:06}")),
            value("KZ_DJRQ", "2020-01-02".to_owned()),
            value("KZ_DJJG", "济南市民政局".to_owned()),
        ],
        ..Default::default()
    }
}
