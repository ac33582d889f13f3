//! Who is at the other end of a connection.

use super::Unexpected;
use exchange_core::{
    chain::{Serial, VerifiedCredential},
    region::Region,
    spiffe::{Kind, SpiffeId},
};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// A verified caller, parsed once per connection.
#[derive(Debug)]
pub struct Caller {
    /// Whose credential it is.
    pub spiffe: SpiffeId,
    /// The identity as text, for keys of rows, for records, and to count its calls over all its connections.
    pub uri: Arc<str>,
    /// Its region.
    pub region: Region,
    /// Of its credential.
    pub serial: Serial,
    /// SHA-256 of the public key of the CA that signed the credential.
    pub issuer_spki_sha256: [u8; 32],
    crl_stale_only: AtomicBool,
}

impl Caller {
    pub(super) fn new(verified: &VerifiedCredential) -> Result<Self, Unexpected> {
        let spiffe = verified.id().clone();
        let region = spiffe.region().ok_or(Unexpected::Kind { found: spiffe.kind.word() })?;
        Ok(Self {
            uri: spiffe.to_string().into(),
            region,
            serial: verified.credential().serial.clone(),
            issuer_spki_sha256: *verified.issuer_spki_sha256(),
            crl_stale_only: AtomicBool::new(verified.stale_crl().is_some()),
            spiffe,
        })
    }

    /// A caller that nobody verified, for tests of policy.
    #[cfg(any(test, feature = "test-util"))]
    #[allow(clippy::expect_used, reason = "tests")]
    pub fn unverified(uri: &str) -> Self {
        let spiffe = SpiffeId::parse(uri).expect("an identity");
        Self {
            uri: uri.into(),
            region: spiffe.region().expect("a region"),
            serial: Serial::new(&[1]),
            issuer_spki_sha256: [0; 32],
            crl_stale_only: AtomicBool::new(false),
            spiffe,
        }
    }

    /// Node, system or operator.
    pub const fn kind(&self) -> &Kind {
        &self.spiffe.kind
    }

    /// The last part of its identity.
    pub fn name(&self) -> &str {
        self.spiffe.kind.name()
    }

    /// A node whose CA's CRL here is stale, and nothing else is wrong: it may read logs and trust, so that it can bring
    /// or fetch what is missing. Follows the CRL while the connection is open.
    pub fn crl_stale_only(&self) -> bool {
        self.crl_stale_only.load(Ordering::Relaxed)
    }

    pub(crate) fn set_crl_stale_only(&self, stale: bool) {
        self.crl_stale_only.store(stale, Ordering::Relaxed);
    }
}

/// What every request carries in its extensions.
#[derive(Debug, Clone)]
pub struct CallerInfo {
    /// Who calls.
    pub caller: Arc<Caller>,
    /// From where; for logs alone. `None` on connections that this node opened.
    pub address: Option<SocketAddr>,
}
