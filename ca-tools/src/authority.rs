//! A CA: the province's root, a city's, or Kafka's.
//!
//! In a folder it is `ca.crt`, `ca.key` (encrypted), `journal.jsonl`, `crl.pem`, `issued/<serial>.crt`. The journal is
//! the truth: what was issued and withdrawn, and the highest CRL number, are read from it.

mod fields;
mod folder;
mod terms;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use exchange_core::{
    chain::{Authority, Credential, Crl, Serial, WithdrawalReason},
    region::Region,
    spiffe::{Kind, Name, SpiffeId, TrustDomain},
};
use rcgen::{
    CertificateParams, CertificateRevocationListParams, GeneralSubtree, Issuer, KeyIdMethod, KeyPair, NameConstraints,
    RevokedCertParams, SerialNumber,
};
use ring::digest::{SHA256, digest};
use time::Duration;

use fields::{BACKDATE, at, ca_fields, dated, milliseconds, new_key, reason_code, spki_hash};
pub use terms::{CaOptions, Issue, Issued, Scope};

use crate::{
    Error, Event, Profile, Record, SubjectKey,
    files::{self, CERTIFICATE, CRL, pem},
    journal::Journal,
    keyfile::{Passphrase, Pkcs8},
    profile::{hex, unhex},
};

/// A CA that can sign.
pub struct Ca {
    issuer: Issuer<'static, KeyPair>,
    authority: Authority,
    trust_domain: TrustDomain,
    scope: Scope,
    journal: Journal,
    folder: Option<PathBuf>,
    crl: Option<Crl>,
}

impl std::fmt::Debug for Ca {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ca({}, {} records, key redacted)", self.authority.subject, self.journal.records().len())
    }
}

impl Ca {
    /// A province's root, in memory: P-256, path length 1. Its first CRL comes with it.
    ///
    /// P-256 because a P-384 root and its CRL would cost about 3 ms of CPU in every mutual handshake.
    ///
    /// # Errors
    /// [`Error::Making`].
    pub fn root(trust_domain: &TrustDomain, options: CaOptions, now_ms: u64) -> Result<Self, Error> {
        Self::self_signed(trust_domain, Scope::Root, 1, options, now_ms)
    }

    /// Kafka's own CA, in memory: P-256, path length 0, signed by itself, so that no city can mint another's principal.
    ///
    /// # Errors
    /// [`Error::Making`].
    pub fn kafka(trust_domain: &TrustDomain, options: CaOptions, now_ms: u64) -> Result<Self, Error> {
        Self::self_signed(trust_domain, Scope::Kafka, 0, options, now_ms)
    }

    /// A city's CA below a root, in memory: P-256, path length 0, host names only below `<region>.<trust domain>`. The
    /// root's journal records it. Which identities it may name is bound by the trust bundle, by [`Self::spki_sha256`].
    ///
    /// # Errors
    /// [`Error::NotByThisCa`] where `self` is no root; [`Error::Making`], [`Error::Io`].
    pub fn city(&mut self, region: Region, options: CaOptions, now_ms: u64) -> Result<Self, Error> {
        if self.scope != Scope::Root {
            return Err(Error::NotByThisCa { ca: self.name().to_owned(), profile: "ca", needed: "the root" });
        }
        let key = new_key()?;
        let host = format!("{region}.{}", self.trust_domain);
        let mut params = self.fields(&format!("{} CA", region), 0);
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName(host)],
            excluded_subtrees: vec![],
        });
        params.use_authority_key_identifier_extension = true;
        let (serial, not_after_ms) = self.date(&mut params, options.days, now_ms)?;
        self.journal.append(
            now_ms,
            Event::Issued {
                serial: serial.to_string(),
                profile: "ca".to_owned(),
                subject: format!("{} CA", region),
                spki_sha256: spki_hash(&key),
                not_after_ms,
            },
        )?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(|e| Error::making("a CA", e))?;
        self.keep(&serial, certificate.der())?;
        let domain = self.trust_domain.clone();
        Self::made(params, key, certificate.der(), domain, Scope::Region(region), options, now_ms)
    }

    fn self_signed(
        trust_domain: &TrustDomain,
        scope: Scope,
        path_length: u8,
        options: CaOptions,
        now_ms: u64,
    ) -> Result<Self, Error> {
        let key = new_key()?;
        let name = if scope == Scope::Kafka { "Kafka CA" } else { "Root" };
        let mut params = ca_fields(trust_domain, name, path_length);
        dated(&mut params, options.days, now_ms, u64::MAX)?;
        let certificate = params.self_signed(&key).map_err(|e| Error::making("a CA", e))?;
        Self::made(params, key, certificate.der(), trust_domain.clone(), scope, options, now_ms)
    }

    fn made(
        params: CertificateParams,
        key: KeyPair,
        der: &[u8],
        trust_domain: TrustDomain,
        scope: Scope,
        options: CaOptions,
        now_ms: u64,
    ) -> Result<Self, Error> {
        let mut journal = Journal::in_memory();
        let created = Event::Created {
            trust_domain: trust_domain.to_string(),
            scope: scope.text(),
            fingerprint: hex(digest(&SHA256, der).as_ref()),
            tool: env!("CARGO_PKG_VERSION").to_owned(),
        };
        journal.append(now_ms, created)?;
        let authority = Authority::parse(der)?;
        let issuer = Issuer::new(params, key);
        let mut ca = Self { issuer, authority, trust_domain, scope, journal, folder: None, crl: None };
        ca.issue_crl(options.crl_days, now_ms)?;
        Ok(ca)
    }

    /// Issues a credential for a key. The serial is in the journal, on the disk, before the signature is made.
    ///
    /// # Errors
    /// [`Error::NotByThisCa`], [`Error::Refused`], [`Error::Name`], [`Error::Uscc`], [`Error::Making`], [`Error::Io`].
    pub fn issue(&mut self, issue: &Issue<'_>, key: &SubjectKey, now_ms: u64) -> Result<Issued, Error> {
        let (id, mut params) = self.planned(issue)?;
        let (serial, not_after_ms) = self.date(&mut params, issue.days.unwrap_or(issue.profile.days()), now_ms)?;
        self.journal.append(
            now_ms,
            Event::Issued {
                serial: serial.to_string(),
                profile: issue.profile.name().to_owned(),
                subject: id.to_string(),
                spki_sha256: hex(digest(&SHA256, key.spki_der()).as_ref()),
                not_after_ms,
            },
        )?;
        let made = params.signed_by(key.info(), &self.issuer).map_err(|e| Error::making("a credential", e))?;
        let der = made.der().to_vec();
        // What was signed must be what every node will read.
        let read = Credential::parse(&der)?;
        if read.spiffe != id || read.is_ca {
            return Err(Error::making("a credential", "it does not read as it was planned"));
        }
        let mut chain = vec![der.clone()];
        if let Scope::Region(_) = self.scope {
            chain.push(self.authority.der.clone());
        }
        self.keep(&serial, &der)?;
        Ok(Issued { der, chain, id, serial })
    }

    /// Issues a credential for a P-256 key that is made here, and hands both out: for demonstrations, tests, and subjects
    /// without a machine of their own. The CA keeps no copy of the key (PKCS#8 DER).
    ///
    /// # Errors
    /// As [`Self::issue`].
    pub fn issue_with_new_key(&mut self, issue: &Issue<'_>, now_ms: u64) -> Result<(Issued, Pkcs8), Error> {
        let pair = new_key()?;
        let issued = self.issue(issue, &SubjectKey::of_pair(&pair)?, now_ms)?;
        Ok((issued, pair.serialize_der().into()))
    }

    /// What [`Self::issue`] would make an identity for; nothing is recorded.
    ///
    /// # Errors
    /// As [`Self::issue`].
    pub fn plan(&self, issue: &Issue<'_>) -> Result<SpiffeId, Error> {
        self.planned(issue).map(|(id, _)| id)
    }

    fn planned(&self, issue: &Issue<'_>) -> Result<(SpiffeId, CertificateParams), Error> {
        let Issue { profile, name, hosts, .. } = *issue;
        let refused = |needed| Error::NotByThisCa { ca: self.name().to_owned(), profile: profile.name(), needed };
        let region = match (profile, self.scope) {
            (Profile::Kafka, Scope::Kafka) => {
                issue.region.ok_or_else(|| Error::Usage("a Kafka credential needs its region".to_owned()))?
            }
            (Profile::Kafka, _) => return Err(refused("Kafka's own CA")),
            (Profile::Trust, Scope::Root) => return self.planned_trust(issue),
            (Profile::Trust, _) => return Err(refused("the root")),
            (_, Scope::Region(region)) => region,
            _ => return Err(refused("a city's CA")),
        };
        if issue.region.is_some_and(|asked| asked != region) {
            return Err(Error::Refused(format!("{} speaks for region {region} only", self.name())));
        }
        if !hosts.is_empty() && profile != Profile::Kafka {
            return Err(Error::Refused("only a Kafka broker names further hosts".to_owned()));
        }
        let id = profile.identity(&self.trust_domain, region, name)?;
        let params = profile.params(&id, hosts)?;
        Ok((id, params))
    }

    /// A trust key is no region's.
    fn planned_trust(&self, issue: &Issue<'_>) -> Result<(SpiffeId, CertificateParams), Error> {
        if issue.region.is_some() || !issue.hosts.is_empty() {
            return Err(Error::Usage("a trust credential has neither region nor hosts".to_owned()));
        }
        let kind = Kind::Trust { series: Name::parse(issue.name)? };
        let id = SpiffeId { trust_domain: self.trust_domain.clone(), kind };
        let params = issue.profile.params(&id, &[])?;
        Ok((id, params))
    }

    /// Withdraws a credential, or a city's CA, and signs the CRL that says so. Withdrawn ones stay listed for ever:
    /// what a department signed is judged by its CRL long after its credential's end.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Conflict`] where it is withdrawn already; [`Error::Making`], [`Error::Io`].
    pub fn revoke(
        &mut self,
        serial: &Serial,
        reason: WithdrawalReason,
        invalidity_ms: Option<u64>,
        now_ms: u64,
    ) -> Result<&Crl, Error> {
        let text = serial.to_string();
        if !self.issued_serials().any(|issued| issued == text) {
            return Err(Error::NotFound(format!("{} did not issue serial {text}", self.name())));
        }
        if let Some(record) = self.withdrawal_of(&text) {
            return Err(Error::Conflict(format!("serial {text} is withdrawn already (journal record {})", record.seq)));
        }
        self.journal.append(now_ms, Event::Revoked { serial: text, reason: reason.to_string(), invalidity_ms })?;
        self.issue_crl(self.scope.options().crl_days, now_ms)
    }

    /// Signs the next CRL, in force for `days`.
    ///
    /// # Errors
    /// [`Error::Refused`] for 0 days; [`Error::Making`], [`Error::Io`].
    pub fn issue_crl(&mut self, days: u32, now_ms: u64) -> Result<&Crl, Error> {
        if days == 0 {
            return Err(Error::Refused("a CRL must be in force for at least a day".to_owned()));
        }
        let number = self.next_crl_number();
        let this_update = at(now_ms)?;
        let next_update = this_update + Duration::days(i64::from(days));
        self.journal.append(now_ms, Event::Crl { number, next_update_ms: milliseconds(next_update) })?;
        let params = CertificateRevocationListParams {
            this_update: this_update - BACKDATE,
            next_update,
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: self.withdrawn()?,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let made = params.signed_by(&self.issuer).map_err(|e| Error::making("a CRL", e))?;
        let crl = Crl::parse(made.der())?;
        if let Some(folder) = &self.folder {
            files::replace(&folder.join(folder::CRL_FILE), pem(CRL, &crl.der).as_bytes())?;
        }
        Ok(self.crl.insert(crl))
    }

    /// The newest CRL.
    ///
    /// # Errors
    /// [`Error::NotFound`] where its file is lost: sign the next one.
    pub fn crl(&self) -> Result<&Crl, Error> {
        self.crl.as_ref().ok_or_else(|| Error::NotFound(format!("{} has no CRL: sign one by `crl issue`", self.name())))
    }

    /// The CA's own certificate.
    #[must_use]
    pub const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// DER of the CA's own certificate.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.authority.der
    }

    /// PEM of the CA's own certificate.
    #[must_use]
    pub fn certificate_pem(&self) -> String {
        pem(CERTIFICATE, &self.authority.der)
    }

    /// SHA-256 of the CA's certificate, hex: what people compare.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        hex(digest(&SHA256, &self.authority.der).as_ref())
    }

    /// SHA-256 of the CA's public key: what the trust bundle binds to a region.
    #[must_use]
    pub const fn spki_sha256(&self) -> [u8; 32] {
        self.authority.spki_sha256
    }

    /// For messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.authority.subject
    }

    /// Whom it speaks for.
    #[must_use]
    pub const fn scope(&self) -> Scope {
        self.scope
    }

    /// Of the province.
    #[must_use]
    pub const fn trust_domain(&self) -> &TrustDomain {
        &self.trust_domain
    }

    /// Everything it did.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        self.journal.records()
    }

    /// The journal record that withdrew a serial (hex).
    #[must_use]
    pub fn withdrawal_of(&self, serial: &str) -> Option<&Record> {
        self.records()
            .iter()
            .find(|record| matches!(&record.event, Event::Revoked { serial: withdrawn, .. } if withdrawn == serial))
    }

    /// Saves a CA that was made in memory into a new folder. Its key is encrypted.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Io`].
    pub fn save(&mut self, folder: &Path, passphrase: &Passphrase) -> Result<(), Error> {
        folder::save(self, folder, passphrase)
    }

    /// Opens a CA's folder: the key fits the certificate, and the journal is whole. Another process is kept out.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::LooseMode`], [`Error::Passphrase`], [`Error::Journal`], [`Error::Malformed`],
    /// [`Error::Conflict`].
    pub fn open(folder: &Path, passphrase: impl FnOnce() -> Result<Passphrase, Error>) -> Result<Self, Error> {
        folder::open(folder, passphrase)
    }

    fn fields(&self, name: &str, path_length: u8) -> CertificateParams {
        ca_fields(&self.trust_domain, name, path_length)
    }

    fn date(&self, params: &mut CertificateParams, days: u32, now_ms: u64) -> Result<(Serial, u64), Error> {
        if now_ms > self.authority.not_after_ms {
            return Err(Error::Refused(format!("{} itself has ended: it signs no more", self.name())));
        }
        dated(params, days, now_ms, self.authority.not_after_ms)
    }

    fn keep(&self, serial: &Serial, der: &[u8]) -> Result<(), Error> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let path = folder.join(folder::ISSUED).join(format!("{serial}.crt"));
        files::write_new(&path, files::PUBLIC, pem(CERTIFICATE, der).as_bytes())
    }

    fn issued_serials(&self) -> impl Iterator<Item = &str> {
        self.records().iter().filter_map(|record| match &record.event {
            Event::Issued { serial, .. } => Some(serial.as_str()),
            _ => None,
        })
    }

    /// Above every number in the journal and in the CRL file: a restored old journal does not roll numbers back.
    fn next_crl_number(&self) -> u64 {
        let journal = self.records().iter().filter_map(|record| match record.event {
            Event::Crl { number, .. } => Some(number),
            _ => None,
        });
        journal.chain(self.crl.iter().map(|crl| crl.number)).max().unwrap_or(0) + 1
    }

    fn withdrawn(&self) -> Result<Vec<RevokedCertParams>, Error> {
        let mut list = Vec::new();
        for record in self.records() {
            let Event::Revoked { serial, reason, invalidity_ms } = &record.event else { continue };
            let bytes =
                unhex(serial).ok_or_else(|| Error::making("a CRL", "the journal has a serial that is not hex"))?;
            list.push(RevokedCertParams {
                serial_number: SerialNumber::from_slice(&bytes),
                revocation_time: at(record.at_ms)?,
                reason_code: reason_code(reason),
                invalidity_date: invalidity_ms.map(at).transpose()?,
            });
        }
        Ok(list)
    }
}
