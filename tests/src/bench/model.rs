//! Messages and rows of the size that a node makes, for a limit that is measured without one. Digests, signatures and
//! tags are random bytes: nothing here verifies, only lengths count.

use crate::{data, limits::rows::Writer, province};
use anyhow::{Context, Result, anyhow};
use exchange_proto::{store, v1};
use prost::Message;
use ring::rand::{SecureRandom, SystemRandom};
use v1::{IssueCertificateRequest, LogPosition, event::Kind};

const REGION: &str = province::JINAN;
const AT_MS: u64 = 1_750_000_000_000;
/// Path of an entry in a log of a million.
const PATH: usize = 20;

/// Makes messages.
#[derive(Debug)]
pub(crate) struct Model(SystemRandom);

impl Model {
    pub(crate) fn new() -> Self {
        Self(SystemRandom::new())
    }

    fn bytes(&self, length: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.0.fill(&mut bytes).map_err(|_| anyhow!("no random bytes"))?;
        Ok(bytes)
    }

    fn serial(&self) -> Result<String> {
        Ok(self.bytes(10)?.iter().map(|byte| format!("{byte:02X}")).collect())
    }

    /// The answer to a request.
    pub(crate) fn certificate(&self, request: &IssueCertificateRequest) -> Result<v1::Certificate> {
        let issuer = request.issuer.clone().context("a request has an issuer")?;
        let id = format!("1.2.156.3005.2.{}.{}.{}.001.X", request.type_code, issuer.uscc, self.serial()?);
        let digest = |field: &v1::FieldValue| {
            anyhow::Ok(v1::FieldDigest { name: field.name.clone(), digest: self.bytes(32)?.into() })
        };
        let header = v1::CertificateHeader {
            schema_major: 1,
            environment: v1::Environment::Exercise.into(),
            certificate_id: id.clone(),
            type_code: request.type_code.clone(),
            type_version: 1,
            issuer: Some(issuer.clone()),
            issuing_region: REGION.to_owned(),
            custodian_region: REGION.to_owned(),
            issued_on: request.issued_on,
            valid_from: request.issued_on,
            revision: 1,
            origin: request.origin,
            fields: request.fields.iter().map(digest).collect::<Result<_>>()?,
            ..Default::default()
        };
        let envelope = v1::Envelope {
            payload_type: "application/vnd.exchange.certificate.v1+protobuf".to_owned(),
            payload: header.encode_to_vec().into(),
            key_id: self.bytes(32)?.into(),
            signature: self.bytes(71)?.into(),
        };
        let disclosure = |field: &v1::FieldValue| {
            let (name, value) = (field.name.clone(), field.value.clone());
            anyhow::Ok(v1::Disclosure { name, value, salt: self.bytes(16)?.into() })
        };
        Ok(v1::Certificate {
            certificate_id: id,
            type_code: request.type_code.clone(),
            type_version: 1,
            type_name: "不动产权证书".to_owned(),
            issuer: Some(issuer),
            region: REGION.to_owned(),
            custodian_region: REGION.to_owned(),
            issued_on: request.issued_on,
            valid_from: request.issued_on,
            origin: request.origin,
            legal_form: v1::LegalForm::SealedOfd.into(),
            revision: 1,
            status: v1::Status::Active.into(),
            status_code: "01".to_owned(),
            position: Some(LogPosition { region: REGION.to_owned(), epoch: 1, index: 123_456 }),
            envelope: envelope.encode_to_vec().into(),
            disclosures: request.fields.iter().map(disclosure).collect::<Result<_>>()?,
            environment: v1::Environment::Exercise.into(),
            ..Default::default()
        })
    }

    /// The answer to a question about a certificate, with both receipts.
    pub(crate) fn lookup_answer(&self, request: &IssueCertificateRequest) -> Result<v1::LookupCertificateResponse> {
        let mut certificate = self.certificate(request)?;
        let fields = data::wanted();
        certificate.disclosures.retain(|disclosure| fields.contains(&disclosure.name));
        let asked = self.access_proof(v1::AccessKind::Asked, &certificate.certificate_id, &fields)?;
        let answered = self.access_proof(v1::AccessKind::Answered, &certificate.certificate_id, &fields)?;
        Ok(v1::LookupCertificateResponse {
            certificate: Some(certificate),
            standing: Some(standing()),
            withheld_fields: Vec::new(),
            asked: Some(asked),
            answered: Some(answered),
        })
    }

    /// The answer to a verification of a certificate: genuine in every respect.
    pub(crate) fn verification(certificate: v1::Certificate) -> v1::Verification {
        let check = |name: &str, found: &str, needed: &str| v1::Check {
            name: name.to_owned(),
            result: v1::CheckResult::Ok.into(),
            found: found.to_owned(),
            needed: needed.to_owned(),
        };
        v1::Verification {
            verdict: v1::Verdict::Genuine.into(),
            checks: vec![
                check("envelope_signature", "", "a signature by the credential that the envelope names"),
                check("credential_chain", "", "a document credential of the issuing department, good when it signed"),
                check("log_inclusion", "370100/1/123456", "the same envelope in the issuing city's log"),
                check(
                    "checkpoint",
                    "at 1750000000000",
                    "a checkpoint signed by the issuing city that covers the entry",
                ),
                check("status", "ACTIVE", "a status that the city's log gives"),
                check("freshness", "", "word of the issuing city within the limit"),
            ],
            standing: Some(standing()),
            certificate: Some(v1::Certificate { disclosures: Vec::new(), ..certificate }),
            ..Default::default()
        }
    }

    fn access_proof(&self, kind: v1::AccessKind, id: &str, fields: &[String]) -> Result<v1::LogProof> {
        let record = v1::AccessRecord {
            at_ms: AT_MS,
            nonce: self.bytes(16)?.into(),
            question_id: self.bytes(16)?.into(),
            kind: kind.into(),
            caller: "spiffe://sd.example/region/370200/system/hall".to_owned(),
            clerk: Some(clerk()?),
            matter: Some(matter()),
            case_number: "3702002025060200000001".to_owned(),
            party: self.bytes(32)?.into(),
            relation: v1::Relation::Self_.into(),
            basis: v1::Basis::Application.into(),
            certificate_id: id.to_owned(),
            fields: fields.to_vec(),
            disclosures_digest: self.bytes(32)?.into(),
            peer_region: REGION.to_owned(),
            question_leaf: self.bytes(32)?.into(),
            ..Default::default()
        };
        let hashes = (0..PATH).map(|_| Ok(self.bytes(32)?.into())).collect::<Result<_>>()?;
        Ok(v1::LogProof {
            origin: format!("sd.example/{REGION}/access/1"),
            index: 123_456,
            entry: record.encode_to_vec().into(),
            hashes,
            checkpoint: self.note("access")?.into(),
        })
    }

    /// A signed note of the length of a checkpoint.
    fn note(&self, log: &str) -> Result<Vec<u8>> {
        let text: String = self.bytes(64)?.iter().map(|byte| char::from(b'a' + byte % 26)).collect();
        let origin = format!("sd.example/{REGION}/{log}/1");
        let root = &text[..43];
        Ok(format!("{origin}\n1234567\n{root}=\nat {AT_MS}\n\n— {origin} {root}{root}==\n").into_bytes())
    }

    /// A segment with one change of status.
    pub(crate) fn revocation(&self) -> Result<Vec<u8>> {
        let changed = v1::CertificateStatusChanged {
            certificate_id: format!("1.2.156.3005.2.{}.11370100004188596X.{}.001.X", data::TYPE_CODE, self.serial()?),
            from: v1::Status::Active.into(),
            to: v1::Status::Revoked.into(),
            status_code: "05".to_owned(),
            effective_on: Some(data::date(2025, 6, 2)),
            decided_on: Some(data::date(2025, 6, 2)),
            deciding_body: Some(v1::Issuer {
                uscc: "11370100004188596X".to_owned(), name: "济南市样例局".to_owned()
            }),
            document_number: "济样罚字〔2025〕第001号".to_owned(),
            reason: "样例".to_owned(),
            previous: Some(LogPosition { region: REGION.to_owned(), epoch: 1, index: 123_456 }),
            authority: v1::StatusAuthority::Issuer.into(),
            restoring: false,
        };
        let entry = event(Kind::CertificateStatusChanged(changed));
        let entry = v1::SegmentEntry { content: Some(v1::segment_entry::Content::Entry(entry.into())) };
        let segment = v1::Segment {
            region: REGION.to_owned(),
            epoch: 1,
            first: 123_456,
            entries: vec![entry],
            checkpoint: self.note("events")?.into(),
        };
        Ok(segment.encode_to_vec())
    }

    /// The rows of so many entries: an issue and its tags in turn, in batches of a thousand.
    pub(crate) fn rows(&self, entries: u64, writer: &mut Writer) -> Result<()> {
        let requests =
            data::Requests::new(v1::Issuer { uscc: "11370100004188596X".to_owned(), name: "样例".to_owned() }, 0);
        let (index_key, mut id) = (self.bytes(8)?, String::new());
        for index in 0..entries {
            let entry = if index % 2 == 0 {
                let certificate = self.certificate(&requests.issue()?)?;
                id.clone_from(&certificate.certificate_id);
                let row = certificate_row(&certificate, index).encode_to_vec();
                writer.row(1, &[REGION.as_bytes(), id.as_bytes()].concat(), &versioned(&row))?;
                event(Kind::CertificateIssued(v1::CertificateIssued { envelope: certificate.envelope }))
            } else {
                for _ in 0..2 {
                    let key = [&index_key, &*self.bytes(32)?, REGION.as_bytes(), id.as_bytes()].concat();
                    writer.row(2, &key, &[])?;
                }
                let sealed = self.bytes(1 + 12 + 4 * 33 + 16)?.into();
                event(Kind::HolderTags(v1::HolderTags {
                    certificate_id: id.clone(),
                    index_key_id: index_key.clone().into(),
                    sealed,
                }))
            };
            writer.row(0, &log_key(index), &versioned(&entry))?;
            if index % 256 == 255 {
                let tile = [REGION.as_bytes(), &[0, 0, 0, 1, 0], &(index / 256).to_be_bytes()].concat();
                writer.row(3, &tile, &versioned(&self.bytes(8_192)?))?;
            }
            if index % 1_000 == 999 || index + 1 == entries {
                let note = self.note("events")?;
                writer.row(4, &log_key(index + 1), &versioned(&note))?;
                let state =
                    store::LogState { epoch: 1, size: index + 1, checkpoint: note.into(), ..Default::default() };
                writer.row(5, REGION.as_bytes(), &versioned(&state.encode_to_vec()))?;
                writer.end_batch(u32::try_from(index % 1_000 + 1)?)?;
            }
        }
        Ok(())
    }
}

fn certificate_row(certificate: &v1::Certificate, index: u64) -> store::CertificateRow {
    let issuer = certificate.issuer.clone().unwrap_or_default();
    store::CertificateRow {
        epoch: 1,
        index,
        type_code: certificate.type_code.clone(),
        type_version: 1,
        issuer_uscc: issuer.uscc,
        issuer_name: issuer.name,
        issuing_region: REGION.to_owned(),
        custodian_region: REGION.to_owned(),
        issued_on: certificate.issued_on,
        valid_from: certificate.valid_from,
        revision: 1,
        origin: certificate.origin,
        environment: certificate.environment,
        status: certificate.status,
        status_code: certificate.status_code.clone(),
        key_id: vec![7; 32].into(),
        ..Default::default()
    }
}

fn log_key(number: u64) -> Vec<u8> {
    [REGION.as_bytes(), &1_u32.to_be_bytes(), &number.to_be_bytes()].concat()
}

fn versioned(value: &[u8]) -> Vec<u8> {
    [&[1], value].concat()
}

fn event(kind: Kind) -> Vec<u8> {
    v1::Event { at_ms: AT_MS, must_understand: false, kind: Some(kind) }.encode_to_vec()
}

/// What a node sends to the custodian's node for an answer like this one.
pub(crate) fn peer_question(answer: &v1::LookupCertificateResponse) -> Result<v1::PeerQuestion> {
    let holder = v1::Holder { code_type: "111".to_owned(), code: data::resident_id(0)? };
    Ok(v1::PeerQuestion { proof: answer.asked.clone(), holder: Some(holder), party_salt: vec![5; 16].into() })
}

/// What the custodian's node sends back for an answer like this one.
pub(crate) fn peer_answer(answer: &v1::LookupCertificateResponse) -> v1::PeerAnswer {
    v1::PeerAnswer {
        proof: answer.answered.clone(),
        disclosures: answer.certificate.clone().unwrap_or_default().disclosures,
        standing: answer.standing.clone(),
        withheld_fields: answer.withheld_fields.clone(),
    }
}

/// A clerk at a window.
pub(crate) fn clerk() -> Result<v1::Clerk> {
    Ok(v1::Clerk {
        staff_number: "QD-0042".to_owned(),
        organisation_uscc: province::department(province::QINGDAO)?.uscc,
        window: "A07".to_owned(),
    })
}

/// 住房公积金购房提取.
pub(crate) fn matter() -> v1::MatterPurpose {
    v1::MatterPurpose {
        matter_code: data::MATTER_CODE.to_owned(),
        version: 1,
        situation: String::new(),
        responsible_region: province::QINGDAO.to_owned(),
    }
}

/// In force, and known to be.
fn standing() -> v1::Standing {
    v1::Standing {
        status: v1::Status::Active.into(),
        status_code: "01".to_owned(),
        as_of_ms: AT_MS,
        freshness: v1::Freshness::Current.into(),
        counts_as: v1::CountsAs::DataCheck.into(),
        ..Default::default()
    }
}
