//! What clients ask for, and what they are told.

use super::{PROVINCE, World, region, until};
use exchange_core::{check_digit::mod_11_2, region::Region};
use exchange_node::{
    catalogue::{Item, file},
    sample::departments::Department,
};
use exchange_proto::{
    catalogue as convert,
    v1::{self, question::Purpose},
};
use ring::digest::{SHA256, digest};
use std::path::Path;
use tonic::{Response, Status};
use tonic_types::StatusExt;

pub(crate) const DEED: &str = "11100000MB03271699001";
pub(crate) const MARRIAGE: &str = "111000000000131433001";
pub(crate) const LICENCE: &str = "11100000MB0143028R001";
/// 住房公积金购房提取: matter 7 of the sample.
pub(crate) const WITHDRAWAL: &str = "372099007000";
/// 不动产转移登记: matter 5 of the sample, which needs the deed itself.
pub(crate) const TRANSFER: &str = "370799005000";
/// Words that stand in values and nowhere else: none of them may be seen outside of stores and answers.
pub(crate) const CANARIES: [&str; 4] = ["金丝雀甲", "金丝雀乙", "金丝雀路", "金丝雀证"];

pub(crate) type Certificate = v1::Certificate;

/// An invented person; the division 379999 is not assigned.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) number: String,
}

impl Person {
    pub(crate) fn new(canary: usize, sequence: u32) -> Self {
        let first = format!("37999919850{}15{sequence:03}", sequence % 9 + 1);
        Self {
            name: format!("{}{sequence}", CANARIES[canary]),
            number: format!("{first}{}", mod_11_2(&first).unwrap()),
        }
    }

    pub(crate) fn holder(&self) -> v1::Holder {
        v1::Holder { code_type: "111".into(), code: self.number.clone() }
    }
}

pub(crate) const fn date(year: u32, month: u32, day: u32) -> v1::Date {
    v1::Date { year, month, day }
}

pub(crate) fn request_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

pub(crate) fn issuer(code: &str, department: Department) -> v1::Issuer {
    let issuer = department.of(region(code)).unwrap();
    v1::Issuer { uscc: issuer.uscc.to_string(), name: issuer.name }
}

fn fields(values: &[(&str, &str)]) -> Vec<v1::FieldValue> {
    values.iter().map(|(name, value)| v1::FieldValue { name: (*name).into(), value: (*value).into() }).collect()
}

/// A flat's deed, for one holder.
pub(crate) fn deed(code: &str, owner: &Person) -> v1::IssueCertificateRequest {
    let number = format!("鲁（样例）第金丝雀证{}号", &owner.number[6..]);
    v1::IssueCertificateRequest {
        request_id: request_id(),
        type_code: DEED.into(),
        issuer: Some(issuer(code, Department::NaturalResources)),
        issued_on: Some(date(2025, 3, 1)),
        fields: fields(&[
            ("CZZT", &owner.name),
            ("CZZTDM", &owner.number),
            ("CZZTDMLXDM", "111"),
            ("ZZBH", &number),
            ("KZ_BDCQZH", &number),
            ("KZ_ZL", &format!("金丝雀路{}号", &owner.number[14..17])),
            ("KZ_QLR", &owner.name),
            ("KZ_GYQK", "单独所有"),
            ("KZ_MJ", "98.5"),
        ]),
        ..Default::default()
    }
}

/// A marriage certificate of two.
pub(crate) fn marriage(code: &str, one: &Person, other: &Person) -> v1::IssueCertificateRequest {
    v1::IssueCertificateRequest {
        request_id: request_id(),
        type_code: MARRIAGE.into(),
        issuer: Some(issuer(code, Department::CivilAffairs)),
        issued_on: Some(date(2024, 5, 20)),
        fields: fields(&[
            ("CZZT", &format!("{},{}", one.name, other.name)),
            ("CZZTDM", &format!("{},{}", one.number, other.number)),
            ("ZZBH", &format!("J金丝雀证{}", &one.number[6..])),
            ("KZ_DJRQ", "2024-05-20"),
            ("KZ_DJJG", "样例婚姻登记处"),
        ]),
        ..Default::default()
    }
}

/// A business licence of an invented firm, which can be revoked (吊销).
pub(crate) fn licence(code: &str, sequence: u32) -> v1::IssueCertificateRequest {
    let first = format!("91379999MA{sequence:07}");
    let uscc = format!("{first}{}", exchange_core::check_digit::gb32100(&first).unwrap());
    v1::IssueCertificateRequest {
        request_id: request_id(),
        type_code: LICENCE.into(),
        issuer: Some(issuer(code, Department::MarketRegulation)),
        issued_on: Some(date(2025, 1, 2)),
        fields: fields(&[
            ("CZZT", &format!("样例金丝雀甲{sequence}有限公司")),
            ("CZZTDM", &uscc),
            ("CZZTDMLXDM", "001"),
            ("ZZBH", &uscc),
            ("KZ_ZS", "金丝雀路9号"),
        ]),
        ..Default::default()
    }
}

/// A file of a certificate.
pub(crate) fn file(media_type: &str, bytes: &[u8]) -> v1::CertificateFile {
    v1::CertificateFile { media_type: media_type.into(), content: bytes.to_vec().into() }
}

/// A change of status by the department that issued.
pub(crate) fn change(certificate: &Certificate, to: v1::Status, document: &str) -> v1::ChangeStatusRequest {
    v1::ChangeStatusRequest {
        request_id: request_id(),
        certificate_id: certificate.certificate_id.clone(),
        to: to as i32,
        decided_on: Some(date(2026, 1, 6)),
        deciding_body: certificate.issuer.clone(),
        document_number: document.into(),
        reason: "样例决定".into(),
        ..Default::default()
    }
}

/// A question of a window for matter 7, about a party.
pub(crate) fn question(responsible: &str, party: &Person, relation: v1::Relation) -> v1::Question {
    v1::Question {
        question_id: request_id(),
        purpose: Some(Purpose::Matter(v1::MatterPurpose {
            matter_code: WITHDRAWAL.into(),
            version: 1,
            situation: "01".into(),
            responsible_region: responsible.into(),
        })),
        // Told from an identity number by its length and check character.
        case_number: "3702002026010600000042".into(),
        party: Some(v1::Party { holder: Some(party.holder()), relation: relation as i32 }),
        basis: v1::Basis::Application as i32,
        evidence_id: String::new(),
        clerk: Some(v1::Clerk {
            staff_number: "W-0042".into(),
            organisation_uscc: issuer(responsible, Department::HousingFund).uscc,
            window: "3".into(),
        }),
        purpose_text: "购房提取住房公积金".into(),
    }
}

/// The question for another matter.
pub(crate) fn with_matter(question: v1::Question, code: &str, responsible: &str) -> v1::Question {
    let purpose = v1::MatterPurpose {
        matter_code: code.into(),
        version: 1,
        situation: String::new(),
        responsible_region: responsible.into(),
    };
    v1::Question { purpose: Some(Purpose::Matter(purpose)), ..question }
}

/// A lookup by certificate id.
pub(crate) fn lookup(question: v1::Question, id: &str, fields: &[&str]) -> v1::LookupCertificateRequest {
    v1::LookupCertificateRequest {
        question: Some(question),
        certificate: Some(v1::lookup_certificate_request::Certificate::CertificateId(id.into())),
        fields: fields.iter().map(|name| (*name).into()).collect(),
    }
}

/// Asserts the stable reason of a refusal; gives what was found and what was needed.
#[track_caller]
pub(crate) fn refused<T>(answer: Result<Response<T>, Status>, reason: &str) -> (String, String) {
    let status = match answer {
        Ok(_) => panic!("not refused: {reason} was expected"),
        Err(status) => status,
    };
    let details = status.get_error_details();
    let info = details.error_info().unwrap_or_else(|| panic!("a refusal without a reason: {status}"));
    assert_eq!(info.reason, reason, "{}", status.message());
    assert!(details.localized_message().is_some_and(|message| message.locale == "zh-CN"), "no word for the clerk");
    let part = |name: &str| info.metadata.get(name).cloned().unwrap_or_default();
    let (found, needed) = (part("found"), part("needed"));
    for canary in CANARIES {
        assert!(!status.message().contains(canary), "a refusal holds a value");
    }
    (found, needed)
}

impl World {
    /// Issues; what is acknowledged is held against every log from then on.
    pub(crate) async fn issue(&self, code: &str, request: v1::IssueCertificateRequest) -> Certificate {
        let answer = self.certificates(code).await.issue_certificate(request.clone()).await.unwrap().into_inner();
        self.told(code, &request, &answer);
        answer
    }

    /// Takes note of what a client was told of an issue.
    pub(crate) fn told(&self, code: &str, request: &v1::IssueCertificateRequest, answer: &Certificate) {
        let body = v1::IssueCertificateRequest { request_id: String::new(), ..request.clone() };
        self.told_body(code, &request.request_id, &prost::Message::encode_to_vec(&body), answer);
    }

    /// Takes note of what a client was told of an issue or a revision; the body is without the request id.
    pub(crate) fn told_body(&self, code: &str, request_id: &str, body: &[u8], answer: &Certificate) {
        let body = digest(&SHA256, body).as_ref().try_into().unwrap();
        self.told.lock().unwrap().issued(region(code), request_id, body, answer);
    }

    /// Takes note of values that were handed on.
    pub(crate) fn told_answer(&self, question: &v1::Question, answer: &v1::LookupCertificateResponse) {
        self.told.lock().unwrap().answered(question, answer);
    }

    /// Takes note of a file that was handed on.
    pub(crate) fn told_file(&self, question: &v1::Question, described: &v1::FetchedFile) {
        self.told.lock().unwrap().fetched(question, described);
    }

    /// Looks up; what was handed on is held against both cities' access logs.
    pub(crate) async fn look_up(
        &self,
        code: &str,
        request: v1::LookupCertificateRequest,
    ) -> Result<Response<v1::LookupCertificateResponse>, Status> {
        let question = request.question.clone();
        let answer = self.lookups(code).await.lookup_certificate(request).await;
        if let Ok(answer) = &answer {
            self.told_answer(&question.unwrap(), answer.get_ref());
        }
        answer
    }

    /// The sample catalogue: types and matters by the province, implementations by each city's operator.
    pub(crate) async fn publish_samples(&self) {
        let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/sample/catalogue");
        for name in ["certificate-types.json", "matters.json"] {
            self.publish(PROVINCE, &samples.join(name)).await;
        }
        self.settle().await;
        let regions: Vec<Region> = self.running();
        for code in &regions {
            let path = samples.join(format!("implementations-{code}.json"));
            // The types and matters are applied; the catalogue's memory of what was not there follows at once.
            let item = file::read(&path).unwrap().remove(0);
            let mut client = self.catalogue(code.as_str()).await;
            until(&format!("{code} knows the matters"), async || {
                let request = v1::PublishImplementationRequest {
                    request_id: request_id(),
                    implementation: Some(implementation(&item)),
                    validate_only: true,
                };
                client.publish_implementation(request).await.is_ok()
            })
            .await;
            self.publish(code.as_str(), &path).await;
        }
        self.settle().await;
    }

    async fn publish(&self, code: &str, path: &Path) {
        let mut client = self.catalogue(code).await;
        for item in file::read(path).unwrap() {
            let (request_id, validate_only) = (request_id(), false);
            let published = match &item {
                Item::CertificateType(kind) => {
                    let certificate_type = Some(convert::encode_certificate_type(kind));
                    let request = v1::PublishCertificateTypeRequest { request_id, certificate_type, validate_only };
                    client.publish_certificate_type(request).await
                }
                Item::Matter(matter) => {
                    let matter = Some(convert::encode_matter(matter));
                    client.publish_matter(v1::PublishMatterRequest { request_id, matter, validate_only }).await
                }
                Item::Implementation(_) => {
                    let implementation = Some(implementation(&item));
                    let request = v1::PublishImplementationRequest { request_id, implementation, validate_only };
                    client.publish_implementation(request).await
                }
            };
            published.unwrap_or_else(|status| panic!("{code}, {:?}: {status}", item.name()));
        }
    }
}

/// An item as its message.
pub(crate) fn implementation(item: &Item) -> v1::Implementation {
    match item {
        Item::Implementation(one) => convert::encode_implementation(one),
        _ => panic!("{:?} is no implementation", item.name()),
    }
}
