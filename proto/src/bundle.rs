//! `TrustBundle` to and from core, and the opening of a signed one.

mod seal_trust;

use exchange_core::{
    bundle::{
        self, BodyException, Candidate, Custody, CutCredential, EpochClosing, Error, Known, LogTrust, NodeAddress,
        RegionTrust, SealTrust, TrustBundle, VerifiedBundle, limits,
    },
    chain::{CrlSet, Roots, Serial},
    checkpoint::LogKind,
    dsse::Envelope,
    region::Region,
    spiffe::{Name, TrustDomain},
    uscc::Uscc,
};
use prost::Message;

use crate::v1;

/// The only major version of the format so far.
const SCHEMA_MAJOR: u32 = 1;

/// Encodes a bundle: the payload that the province signs. Equal bundles give equal bytes.
#[must_use]
pub fn encode(bundle: &TrustBundle) -> Vec<u8> {
    v1::TrustBundle::from(bundle).encode_to_vec()
}

/// Decodes and checks a bundle that is not signed yet, or whose signature is checked elsewhere.
///
/// # Errors
/// [`Error::Invalid`].
pub fn decode(payload: &[u8]) -> Result<TrustBundle, Error> {
    at_most(payload)?;
    let message = v1::TrustBundle::decode(payload).map_err(|e| Error::invalid("payload", e))?;
    let bundle = TrustBundle::try_from(message)?;
    bundle.validate()?;
    Ok(bundle)
}

/// The bytes that travel: envelope and credential (`SignedTrustBundle`).
#[must_use]
pub fn encode_signed(envelope: &Envelope, trust_credential: &[u8]) -> Vec<u8> {
    let envelope = v1::Envelope {
        payload_type: envelope.payload_type.clone(),
        payload: envelope.payload.clone().into(),
        key_id: envelope.key_id.to_vec().into(),
        signature: envelope.signature.clone().into(),
    };
    let signed = v1::SignedTrustBundle {
        envelope: envelope.encode_to_vec().into(),
        trust_credential: trust_credential.to_vec().into(),
    };
    signed.encode_to_vec()
}

/// Reads a signed bundle without believing it: for showing it, and for [`open_signed`].
///
/// # Errors
/// [`Error::Invalid`].
pub fn read_signed(bytes: &[u8]) -> Result<Candidate, Error> {
    at_most(bytes)?;
    let signed = v1::SignedTrustBundle::decode(bytes).map_err(|e| Error::invalid("signed bundle", e))?;
    let envelope = v1::Envelope::decode(signed.envelope).map_err(|e| Error::invalid("envelope", e))?;
    let envelope = Envelope {
        payload_type: envelope.payload_type,
        payload: envelope.payload.to_vec(),
        key_id: array("envelope.key_id", &envelope.key_id)?,
        signature: envelope.signature.to_vec(),
    };
    if envelope.payload_type != bundle::PAYLOAD_TYPE {
        return Err(Error::Signature { detail: "the envelope is of another payload type".to_owned() });
    }
    let bundle = decode(&envelope.payload)?;
    Ok(Candidate { envelope, trust_credential: signed.trust_credential.to_vec(), bundle })
}

/// Reads a signed bundle from any carrier and believes it iff [`bundle::accept`] does.
///
/// # Errors
/// As [`bundle::accept`]; [`Error::Invalid`] for bytes that are no bundle.
pub fn open_signed(
    bytes: &[u8],
    roots: &Roots,
    crls: &CrlSet,
    known: Known<'_>,
    now_ms: u64,
) -> Result<VerifiedBundle, Error> {
    bundle::accept(read_signed(bytes)?, roots, crls, known, now_ms)
}

fn at_most(bytes: &[u8]) -> Result<(), Error> {
    if bytes.len() > limits::BYTES {
        return Err(Error::invalid("bytes", format!("{}; at most {} are read", bytes.len(), limits::BYTES)));
    }
    Ok(())
}

impl From<&TrustBundle> for v1::TrustBundle {
    fn from(bundle: &TrustBundle) -> Self {
        let regions = bundle.regions.iter().map(|(region, trust)| from_region(*region, trust)).collect();
        let bodies = bundle
            .bodies
            .iter()
            .map(|entry| v1::BodyException {
                uscc: entry.uscc.to_string(),
                region: entry.region.to_string(),
                successors: texts(&entry.successors),
            })
            .collect();
        let custody = bundle
            .custody
            .iter()
            .map(|rule| v1::Custody {
                type_code: rule.type_code.clone(),
                issuing_regions: texts(&rule.issuing_regions),
                custodian_region: rule.custodian.to_string(),
            })
            .collect();
        Self {
            schema_major: SCHEMA_MAJOR,
            schema_minor: 0,
            trust_domain: bundle.trust_domain.to_string(),
            province: bundle.province.to_string(),
            series: bundle.series.to_string(),
            number: bundle.number,
            issued_at_ms: bundle.issued_at_ms,
            expires_at_ms: bundle.expires_at_ms,
            roots: bundle.roots.iter().map(|der| der.clone().into()).collect(),
            regions,
            bodies,
            custody,
            seal_anchors: bundle.seal_anchors.iter().map(|der| der.clone().into()).collect(),
            // Left out where there is none: such a bundle has the bytes that it had before there was the field.
            seal_trust: (bundle.seal_trust != SealTrust::default()).then(|| seal_trust::encode(&bundle.seal_trust)),
        }
    }
}

fn from_region(region: Region, trust: &RegionTrust) -> v1::RegionTrust {
    let nodes = trust
        .nodes
        .iter()
        .map(|node| v1::NodeAddress { address: node.address.clone(), server_name: node.server_name.clone() })
        .collect();
    let cut = trust
        .cut
        .iter()
        .map(|cut| v1::CutCredential {
            issuer_spki_sha256: cut.issuer_spki_sha256.to_vec().into(),
            serial: cut.serial.as_bytes().to_vec().into(),
        })
        .collect();
    v1::RegionTrust {
        region: region.to_string(),
        name: trust.name.clone(),
        successors: texts(&trust.successors),
        nodes,
        ca_spki_sha256: trust.ca_spki_sha256.iter().map(|key| key.to_vec().into()).collect(),
        index_key_id: trust.index_key_id.to_vec().into(),
        logs: trust.logs.iter().map(from_log).collect(),
        cut,
    }
}

fn from_log(log: &LogTrust) -> v1::LogTrust {
    v1::LogTrust {
        kind: match log.kind {
            LogKind::Events => v1::LogKind::Events,
            LogKind::Access => v1::LogKind::Access,
        }
        .into(),
        epoch: log.epoch,
        public_key: log.public_key.to_vec().into(),
        from_size: log.from_size,
        to_size: log.to_size,
        closing: log.closing.map(|closing| v1::EpochClosing { size: closing.size, root: closing.root.to_vec().into() }),
    }
}

impl TryFrom<v1::TrustBundle> for TrustBundle {
    type Error = Error;

    fn try_from(message: v1::TrustBundle) -> Result<Self, Error> {
        if message.schema_major != SCHEMA_MAJOR {
            let detail = format!("major version {}; this release reads {SCHEMA_MAJOR}", message.schema_major);
            return Err(Error::invalid("schema", detail));
        }
        let mut regions = std::collections::BTreeMap::new();
        for trust in message.regions {
            let code = region("region", &trust.region)?;
            if regions.insert(code, to_region(trust)?).is_some() {
                return Err(Error::invalid("regions", format!("{code} stands twice")));
            }
        }
        Ok(Self {
            trust_domain: TrustDomain::parse(&message.trust_domain).map_err(|e| Error::invalid("trust_domain", e))?,
            province: region("province", &message.province)?,
            series: Name::parse(&message.series).map_err(|e| Error::invalid("series", e))?,
            number: message.number,
            issued_at_ms: message.issued_at_ms,
            expires_at_ms: message.expires_at_ms,
            roots: message.roots.iter().map(|der| der.to_vec()).collect(),
            regions,
            bodies: message.bodies.into_iter().map(to_body).collect::<Result<_, _>>()?,
            custody: message.custody.into_iter().map(to_custody).collect::<Result<_, _>>()?,
            seal_anchors: message.seal_anchors.iter().map(|der| der.to_vec()).collect(),
            seal_trust: message.seal_trust.map(seal_trust::decode).unwrap_or_default(),
        })
    }
}

fn to_region(trust: v1::RegionTrust) -> Result<RegionTrust, Error> {
    let cut = trust
        .cut
        .into_iter()
        .map(|cut| {
            Ok(CutCredential {
                issuer_spki_sha256: array("cut.issuer_spki_sha256", &cut.issuer_spki_sha256)?,
                serial: Serial::new(&cut.serial),
            })
        })
        .collect::<Result<_, Error>>()?;
    let nodes = trust
        .nodes
        .into_iter()
        .map(|node| NodeAddress { address: node.address, server_name: node.server_name })
        .collect();
    Ok(RegionTrust {
        name: trust.name,
        successors: regions("successors", &trust.successors)?,
        nodes,
        ca_spki_sha256: trust
            .ca_spki_sha256
            .iter()
            .map(|key| array("ca_spki_sha256", key))
            .collect::<Result<_, _>>()?,
        index_key_id: array("index_key_id", &trust.index_key_id)?,
        logs: trust.logs.into_iter().map(to_log).collect::<Result<_, _>>()?,
        cut,
    })
}

fn to_log(log: v1::LogTrust) -> Result<LogTrust, Error> {
    let kind = match log.kind() {
        v1::LogKind::Events => LogKind::Events,
        v1::LogKind::Access => LogKind::Access,
        v1::LogKind::Unspecified => return Err(Error::invalid("logs.kind", format!("{}; 1 or 2 is needed", log.kind))),
    };
    let closing = log
        .closing
        .map(|closing| Ok::<_, Error>(EpochClosing { size: closing.size, root: array("closing.root", &closing.root)? }))
        .transpose()?;
    Ok(LogTrust {
        kind,
        epoch: log.epoch,
        public_key: array("logs.public_key", &log.public_key)?,
        from_size: log.from_size,
        to_size: log.to_size,
        closing,
    })
}

fn to_body(entry: v1::BodyException) -> Result<BodyException, Error> {
    Ok(BodyException {
        uscc: uscc("bodies.uscc", &entry.uscc)?,
        region: region("bodies.region", &entry.region)?,
        successors: entry.successors.iter().map(|code| uscc("bodies.successors", code)).collect::<Result<_, _>>()?,
    })
}

fn to_custody(rule: v1::Custody) -> Result<Custody, Error> {
    Ok(Custody {
        type_code: rule.type_code,
        issuing_regions: regions("custody.issuing_regions", &rule.issuing_regions)?,
        custodian: region("custody.custodian_region", &rule.custodian_region)?,
    })
}

fn texts<T: ToString>(values: &[T]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

fn regions(field: &str, codes: &[String]) -> Result<Vec<Region>, Error> {
    codes.iter().map(|code| region(field, code)).collect()
}

fn region(field: &str, code: &str) -> Result<Region, Error> {
    Region::parse(code).map_err(|e| Error::invalid(field, e))
}

fn uscc(field: &str, code: &str) -> Result<Uscc, Error> {
    Uscc::parse(code).map_err(|e| Error::invalid(field, e))
}

fn array<const N: usize>(field: &str, bytes: &[u8]) -> Result<[u8; N], Error> {
    bytes.try_into().map_err(|_| Error::invalid(field, format!("{} bytes; {N} are needed", bytes.len())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use super::*;

    fn full() -> TrustBundle {
        let region = RegionTrust {
            name: "济南市".to_owned(),
            successors: vec![Region::parse("370200").unwrap()],
            nodes: vec![NodeAddress {
                address: "127.0.0.1:7000".to_owned(),
                server_name: "n.sd.example.org".to_owned(),
            }],
            ca_spki_sha256: vec![[1; 32]],
            index_key_id: [2; 8],
            logs: vec![
                LogTrust {
                    kind: LogKind::Events,
                    epoch: 1,
                    public_key: [3; 32],
                    from_size: 0,
                    to_size: Some(9),
                    closing: Some(EpochClosing { size: 9, root: [4; 32] }),
                },
                LogTrust {
                    kind: LogKind::Access,
                    epoch: 2,
                    public_key: [5; 32],
                    from_size: 7,
                    to_size: None,
                    closing: None,
                },
            ],
            cut: vec![CutCredential { issuer_spki_sha256: [6; 32], serial: Serial::new(&[7, 8]) }],
        };
        TrustBundle {
            trust_domain: TrustDomain::parse("sd.example.org").unwrap(),
            province: Region::parse("370000").unwrap(),
            series: Name::parse("2026").unwrap(),
            number: 3,
            issued_at_ms: 1,
            expires_at_ms: 2,
            roots: vec![vec![1, 2]],
            regions: [(Region::parse("370100").unwrap(), region)].into(),
            bodies: vec![],
            custody: vec![Custody {
                type_code: "111000000000131335500".to_owned(),
                issuing_regions: vec![Region::parse("370100").unwrap()],
                custodian: Region::parse("370000").unwrap(),
            }],
            seal_anchors: vec![vec![3]],
            seal_trust: SealTrust {
                makers: vec![vec![4]],
                signers: vec![vec![5], vec![6]],
                time_stamps: vec![vec![7]],
                intermediates: vec![vec![8]],
            },
        }
    }

    #[test]
    fn everything_survives_the_wire() {
        let bundle = full();
        assert_eq!(decode(&encode(&bundle)).unwrap(), bundle);
    }

    #[test]
    fn refusals_name_the_field() {
        let wire = || v1::TrustBundle::from(&full());
        type Spoil = fn(&mut v1::TrustBundle);
        let broken: [(&str, Spoil); 6] = [
            ("schema: major version 2", |b| b.schema_major = 2),
            ("region: ", |b| b.regions[0].region = "37010".to_owned()),
            ("370100 stands twice", |b| b.regions.push(b.regions[0].clone())),
            ("index_key_id: 7 bytes; 8 are needed", |b| b.regions[0].index_key_id = vec![0; 7].into()),
            ("logs.kind: 9; 1 or 2 is needed", |b| b.regions[0].logs[0].kind = 9),
            ("number: 0", |b| b.number = 0),
        ];
        for (needle, spoil) in broken {
            let mut message = wire();
            spoil(&mut message);
            let error = decode(&message.encode_to_vec()).unwrap_err();
            assert_eq!(error.fault(), "BUNDLE_INVALID");
            assert!(error.to_string().contains(needle), "{error}");
        }
        assert_eq!(read_signed(b"\xff\xff").unwrap_err().fault(), "BUNDLE_INVALID");
        assert_eq!(read_signed(&vec![0; limits::BYTES + 1]).unwrap_err().fault(), "BUNDLE_INVALID");
    }
}
