//! Handshakes that were refused: logged, counted, and the last ones kept for `doctor`.

use super::{Unexpected, accept::CONNECTIONS_PER_CALLER};
use crate::clock::Clock;
use exchange_proto::v1;
use rustls::{CertificateError, pki_types::CertificateDer};
use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    sync::{Mutex, PoisonError},
};
use x509_parser::prelude::{FromDer, X509Certificate};

/// How many are kept.
const KEPT: usize = 100;

/// One refused handshake. The caller saw only an alert; this is what it is told by its operator's `doctor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedHandshake {
    /// Unix milliseconds.
    pub at_ms: u64,
    /// From where.
    pub address: SocketAddr,
    /// Stable name.
    pub fault: &'static str,
    /// In words: found and needed.
    pub text: String,
    /// What was shown, if anything.
    pub credential: Option<Shown>,
}

impl From<&RefusedHandshake> for v1::RefusedHandshake {
    fn from(refused: &RefusedHandshake) -> Self {
        let shown = refused.credential.clone().unwrap_or_default();
        Self {
            at_ms: refused.at_ms,
            address: refused.address.to_string(),
            fault: refused.fault.to_owned(),
            text: refused.text.clone(),
            serial: shown.serial,
            issuer: shown.issuer,
            spki_sha256: shown.spki_sha256,
        }
    }
}

/// A credential as it was shown, believed or not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shown {
    /// Hex.
    pub serial: String,
    /// The issuer's name.
    pub issuer: String,
    /// SHA-256 of the public key, hex.
    pub spki_sha256: String,
}

/// Why a handshake came to nothing.
#[derive(Debug)]
pub(super) enum Failure {
    /// A younger one needed the place.
    CrowdedOut,
    /// Not done in time.
    TooSlow,
    /// Its identity has as many connections open as one may have.
    TooMany(String),
    /// TLS, or the verifier inside of it.
    Tls(io::Error),
    /// Judged again after the handshake.
    Verdict(Verdict),
}

impl Failure {
    fn fault(&self) -> (&'static str, String) {
        match self {
            Self::CrowdedOut => ("CROWDED_OUT", "all places for handshakes were taken; it was the oldest".to_owned()),
            Self::TooMany(uri) => (
                "TOO_MANY_CONNECTIONS",
                format!("{uri} has {CONNECTIONS_PER_CALLER} connections open, and may have no more"),
            ),
            Self::TooSlow => ("HANDSHAKE_TIMEOUT", "the handshake was not finished in time".to_owned()),
            Self::Verdict(verdict) => (verdict.unexpected.fault(), verdict.unexpected.to_string()),
            Self::Tls(error) => match verdict(error) {
                Some(verdict) => (verdict.unexpected.fault(), verdict.unexpected.to_string()),
                None => (tls_fault(error), error.to_string()),
            },
        }
    }

    fn shown(&self) -> Option<Shown> {
        match self {
            Self::CrowdedOut | Self::TooSlow | Self::TooMany(_) => None,
            Self::Verdict(verdict) => verdict.credential.clone(),
            Self::Tls(error) => verdict(error)?.credential.clone(),
        }
    }
}

/// The last refusals of one node.
#[derive(Debug)]
pub struct Refusals {
    clock: Clock,
    last: Mutex<VecDeque<RefusedHandshake>>,
}

impl Refusals {
    pub(super) const fn new(clock: Clock) -> Self {
        Self { clock, last: Mutex::new(VecDeque::new()) }
    }

    /// The last hundred, oldest first.
    pub fn last(&self) -> Vec<RefusedHandshake> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    pub(super) fn record(&self, address: SocketAddr, failure: &Failure) {
        let (fault, text) = failure.fault();
        let credential = failure.shown();
        let (serial, issuer, spki) = credential
            .as_ref()
            .map_or(("", "", ""), |shown| (shown.serial.as_str(), shown.issuer.as_str(), shown.spki_sha256.as_str()));
        tracing::warn!(%address, fault, text, serial, issuer, spki_sha256 = spki, "a TLS handshake was refused");
        metrics::counter!(crate::telemetry::TLS_REFUSED, "fault" => fault).increment(1);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() == KEPT {
            last.pop_front();
        }
        last.push_back(RefusedHandshake { at_ms: self.clock.now_ms(), address, fault, text, credential });
    }
}

/// What the verifier says, with what it was shown; travels inside rustls's error.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{unexpected}")]
pub(super) struct Verdict {
    pub(super) unexpected: Unexpected,
    pub(super) credential: Option<Shown>,
}

impl Verdict {
    pub(super) fn new(unexpected: Unexpected, leaf: Option<&CertificateDer<'_>>) -> Self {
        Self { unexpected, credential: leaf.and_then(shown) }
    }
}

/// The verifier's own word in a failed handshake.
pub(super) fn verdict(error: &io::Error) -> Option<&Verdict> {
    let rustls::Error::InvalidCertificate(CertificateError::Other(other)) = error.get_ref()?.downcast_ref()? else {
        return None;
    };
    other.0.downcast_ref()
}

/// The verifier's own words in place of rustls's rendering of them.
pub(super) fn in_words(error: io::Error) -> io::Error {
    match verdict(&error) {
        Some(verdict) => io::Error::other(verdict.unexpected.clone()),
        None => error,
    }
}

fn tls_fault(error: &io::Error) -> &'static str {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::NoCertificatesPresented) => "NO_CREDENTIAL",
        Some(rustls::Error::AlertReceived(_)) => "REFUSED_BY_CALLER",
        Some(_) => "TLS",
        None => "CONNECTION_LOST",
    }
}

fn shown(leaf: &CertificateDer<'_>) -> Option<Shown> {
    let (_, certificate) = X509Certificate::from_der(leaf).ok()?;
    let key = ring::digest::digest(&ring::digest::SHA256, certificate.public_key().raw);
    let issuer = certificate.issuer().to_string();
    Some(Shown {
        serial: hex(certificate.raw_serial()),
        issuer: issuer
            .chars()
            .map(|c| if c.is_alphanumeric() || c.is_ascii_graphic() || c == ' ' { c } else { '?' })
            .take(200)
            .collect(),
        spki_sha256: hex(key.as_ref()),
    })
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().take(32).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
