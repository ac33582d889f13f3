//! Serials, dates and fields of what a CA signs.

use exchange_core::{
    chain::{Serial, WithdrawalReason},
    spiffe::TrustDomain,
};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, KeyPair, KeyUsagePurpose, RevocationReason,
    SerialNumber,
};
use ring::digest::{SHA256, digest};
use time::{Duration, OffsetDateTime};

use crate::{Error, profile::hex, seams};

/// What begins now was valid five minutes ago: clocks differ.
pub(super) const BACKDATE: Duration = Duration::minutes(5);

pub(super) fn new_key() -> Result<KeyPair, Error> {
    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(|e| Error::making("a key", e))
}

pub(super) fn spki_hash(key: &KeyPair) -> String {
    use rcgen::PublicKeyData;
    hex(digest(&SHA256, &key.subject_public_key_info()).as_ref())
}

pub(super) fn ca_fields(trust_domain: &TrustDomain, name: &str, path_length: u8) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, trust_domain.as_str());
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(path_length));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// Random serial of 16 bytes, the first neither zero nor with its top bit set (RFC 5280 section 4.1.2.2), and dates.
pub(super) fn dated(
    params: &mut CertificateParams,
    days: u32,
    now_ms: u64,
    limit_ms: u64,
) -> Result<(Serial, u64), Error> {
    if days == 0 {
        return Err(Error::Refused("a life of 0 days".to_owned()));
    }
    let mut serial = seams::random::<16>()?;
    serial[0] = (serial[0] & 0x7f) | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    let now = at(now_ms)?;
    params.not_before = now - BACKDATE;
    let wanted = milliseconds(now + Duration::days(i64::from(days)));
    let not_after_ms = wanted.min(limit_ms);
    params.not_after = at(not_after_ms)?;
    Ok((Serial::new(&serial), not_after_ms))
}

/// To the second: certificates know no fractions.
pub(super) fn at(ms: u64) -> Result<OffsetDateTime, Error> {
    i64::try_from(ms / 1000)
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .ok_or_else(|| Error::Usage(format!("{ms} ms since 1970 is no date")))
}

pub(super) fn milliseconds(time: OffsetDateTime) -> u64 {
    u64::try_from(time.unix_timestamp()).unwrap_or(0) * 1000
}

/// RFC 5280 says not to write `unspecified`.
pub(super) fn reason_code(name: &str) -> Option<RevocationReason> {
    let reason = WithdrawalReason::ALL.iter().find(|(_, known)| *known == name)?.0;
    Some(match reason {
        WithdrawalReason::Unspecified => return None,
        WithdrawalReason::KeyCompromise => RevocationReason::KeyCompromise,
        WithdrawalReason::CaCompromise => RevocationReason::CaCompromise,
        WithdrawalReason::AffiliationChanged => RevocationReason::AffiliationChanged,
        WithdrawalReason::Superseded => RevocationReason::Superseded,
        WithdrawalReason::CessationOfOperation => RevocationReason::CessationOfOperation,
        WithdrawalReason::CertificateHold => RevocationReason::CertificateHold,
        WithdrawalReason::PrivilegeWithdrawn => RevocationReason::PrivilegeWithdrawn,
        WithdrawalReason::AaCompromise => RevocationReason::AaCompromise,
    })
}
