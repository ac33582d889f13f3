//! TLS 1.3, mutual, both ways: who may connect, who is calling, and cutting those off who may no longer.
//!
//! * The configuration is read for each connection and swapped whole when trust or the own credential changes. No
//!   session is ever resumed: a resumed one would skip the verifier.
//! * A caller is parsed once per connection ([`Caller`]) and rides on every request's extensions.
//! * Every live connection is judged again after each change of trust and every few seconds; one that would be refused
//!   now is cut, reads and writes alike.

mod accept;
mod caller;
mod handshakes;
mod live;
mod refused;
mod stream;
#[cfg(test)]
mod tests;
mod verifier;

pub use accept::{Incoming, Limits as HandshakeLimits};
pub use caller::{Caller, CallerInfo};
pub use live::Live;
pub use refused::{Refusals, RefusedHandshake};
pub use stream::Stream;

use crate::{
    clock::Clock,
    net,
    spawn::Tasks,
    trust::{Snapshot, Trust},
};
use arc_swap::ArcSwap;
use exchange_core::{
    chain::{self, Purpose, VerifiedCredential},
    reason::Reason,
    region::Region,
};
use rustls::{
    ClientConfig, ServerConfig,
    client::Resumption,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName},
    server::NoServerSessionStorage,
    sign::{CertifiedKey, SingleCertAndKey},
};
use std::{io, sync::Arc, time::Duration};
use verifier::{ClientVerifier, ServerVerifier};

/// How often live connections are judged again without a change of trust: credentials and CRLs also end by themselves.
const RECHECK: Duration = Duration::from_secs(5);
/// HTTP/2 over TLS (RFC 9113 section 3.2).
const ALPN: &[u8] = b"h2";

/// Why there is no TLS configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// rustls refuses the parts.
    #[error("no TLS configuration comes of these keys and credentials: {0}")]
    Tls(#[from] rustls::Error),
}

/// The node's TLS, both sides.
#[derive(Debug)]
pub struct Tls {
    trust: Arc<Trust>,
    clock: Clock,
    provider: Arc<CryptoProvider>,
    identity: ArcSwap<CertifiedKey>,
    server: ArcSwap<ServerConfig>,
    live: Arc<Live>,
    refusals: Refusals,
}

impl Tls {
    /// With the node's credential and key.
    ///
    /// # Errors
    /// [`Error::Tls`].
    pub fn new(trust: Arc<Trust>, identity: Arc<CertifiedKey>, clock: Clock) -> Result<Arc<Self>, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server = server_config(&trust.snapshot(), &identity, &provider, &clock)?;
        Ok(Arc::new(Self {
            live: Arc::new(Live::new(clock.clone())),
            refusals: Refusals::new(clock.clone()),
            identity: ArcSwap::from(identity),
            server: ArcSwap::from_pointee(server),
            trust,
            clock,
            provider,
        }))
    }

    /// Takes another credential of this node: connections from now on show it. Says whether it is another one.
    ///
    /// # Errors
    /// [`Error::Tls`]; the old one stays.
    pub fn renew(&self, identity: Arc<CertifiedKey>) -> Result<bool, Error> {
        if self.identity.load().cert == identity.cert {
            return Ok(false);
        }
        let server = server_config(&self.trust.snapshot(), &identity, &self.provider, &self.clock)?;
        self.identity.store(identity);
        self.server.store(Arc::new(server));
        Ok(true)
    }

    /// Follows the trust until the node stops: swaps the configuration, cuts who may no longer be connected.
    pub async fn follow(self: Arc<Self>, tasks: Tasks) {
        let mut changes = self.trust.subscribe();
        loop {
            tokio::select! {
                biased;
                () = tasks.stopping() => return,
                changed = changes.changed() => if changed.is_err() { return },
                () = self.clock.sleep(RECHECK) => {}
            }
            self.refresh();
        }
    }

    /// Swaps the configuration for one of the newest trust, then judges every live connection again. Gives the number
    /// of those that were cut.
    pub fn refresh(&self) -> usize {
        let snapshot = self.trust.snapshot();
        match server_config(&snapshot, &self.identity.load(), &self.provider, &self.clock) {
            Ok(config) => self.server.store(Arc::new(config)),
            Err(error) => tracing::error!(%error, "the TLS configuration could not be made anew; the old one stays"),
        }
        self.live.judge(&snapshot)
    }

    /// The connections that are open.
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// Handshakes that were refused lately, for `doctor`: the other side sees only an alert.
    pub const fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    /// The credential that connections are shown from now on.
    pub fn shown(&self) -> Option<chain::Credential> {
        self.identity.load().cert.first().and_then(|leaf| chain::Credential::parse(leaf).ok())
    }

    /// The own credential as every node should judge it, if it believes what this one does.
    ///
    /// # Errors
    /// Its fault.
    pub fn own(&self) -> Result<VerifiedCredential, Unexpected> {
        verify_client(&self.trust.snapshot(), &self.identity.load().cert, self.clock.now_ms())
    }

    /// Connects to a node of `region`, whose credential must name that region and the host. `admit_stale_crl`: also one
    /// whose only fault is a stale CRL here, to read logs and trust from it and nothing else.
    ///
    /// # Errors
    /// The connection, or the handshake with the reason.
    pub async fn connect(&self, target: &Target, longest: Duration) -> io::Result<Stream> {
        let tcp = net::connect(&target.address, longest).await?;
        let name = ServerName::try_from(target.server_name.clone()).map_err(io::Error::other)?;
        let config = self.client_config(target).map_err(io::Error::other)?;
        let handshake = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, tcp);
        let tls = tokio::time::timeout(longest, handshake)
            .await
            .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, format!("no TLS handshake after {longest:?}")))?
            .map_err(refused::in_words)?;
        let chain = tls.get_ref().1.peer_certificates().unwrap_or_default();
        let snapshot = self.trust.snapshot();
        let at_ms = self.clock.now_ms();
        let peer = verify_server(&snapshot, chain, target, at_ms).map_err(io::Error::other)?;
        self.learn(chain);
        let entry = self.live.open(Caller::new(&peer).map_err(io::Error::other)?, &peer, target.admit_stale_crl);
        let stream = Stream::new(tokio_rustls::TlsStream::from(tls), entry);
        self.judge_again_if_changed(&snapshot);
        Ok(stream)
    }

    fn client_config(&self, target: &Target) -> Result<ClientConfig, rustls::Error> {
        let verifier = ServerVerifier::new(self.trust.snapshot(), &self.provider, &self.clock, target.clone());
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .dangerous() // the verifier is stricter than rustls's own, see `verifier`
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(self.identity.load_full())));
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.resumption = Resumption::disabled();
        Ok(config)
    }

    /// Takes note of the CA certificates that came with a verified credential.
    fn learn(&self, chain: &[CertificateDer<'_>]) {
        for ca in chain.iter().skip(1) {
            self.trust.learn(ca);
        }
    }

    /// A connection that was judged by a snapshot which was replaced before it was registered was missed by the judging
    /// of that change.
    fn judge_again_if_changed(&self, judged_by: &Snapshot) {
        let newest = self.trust.snapshot();
        if newest.generation() != judged_by.generation() {
            self.live.judge(&newest);
        }
    }
}

/// A node to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Whose node it must be.
    pub region: Region,
    /// `host:port`.
    pub address: String,
    /// The DNS name that its credential must have.
    pub server_name: String,
    /// Also when its only fault is a stale CRL here: for reading logs and trust, nothing else.
    pub admit_stale_crl: bool,
}

/// Why the other side is not who was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unexpected {
    /// Its credential.
    #[error(transparent)]
    Credential(#[from] chain::Error),
    /// Nothing was shown.
    #[error("no credential was shown")]
    Nothing,
    /// A kind of caller that never calls.
    #[error("the credential is of a {found}; a node, system or operator is needed")]
    Kind {
        /// In the credential.
        found: &'static str,
    },
    /// A node of another region than the one that was called.
    #[error("the node is of region {found}; {needed} was called")]
    Region {
        /// In the credential.
        found: String,
        /// As called.
        needed: Region,
    },
}

impl Unexpected {
    /// Stable name, for metrics, logs and `doctor`.
    pub const fn fault(&self) -> &'static str {
        match self {
            Self::Credential(error) => error.fault(),
            Self::Nothing => "NO_CREDENTIAL",
            Self::Kind { .. } => "WRONG_KIND",
            Self::Region { .. } => "WRONG_REGION",
        }
    }

    /// The stable reason.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Credential(error) => error.reason(),
            Self::Nothing | Self::Region { .. } => Reason::CredentialInvalid,
            Self::Kind { .. } => Reason::CredentialWrongPurpose,
        }
    }
}

/// Judges a caller: a node, system or operator. Only a node may have a stale CRL as its only fault.
fn verify_client(
    snapshot: &Snapshot,
    chain: &[CertificateDer<'_>],
    at_ms: u64,
) -> Result<VerifiedCredential, Unexpected> {
    let (leaf, intermediates) = chain.split_first().ok_or(Unexpected::Nothing)?;
    let kind = chain::Credential::parse(leaf)?.spiffe.kind;
    let purpose = Purpose::of_caller(&kind).ok_or(Unexpected::Kind { found: kind.word() })?;
    let basis = snapshot.basis(at_ms, purpose == Purpose::NodeClient);
    Ok(chain::verify_path(leaf, intermediates, purpose, &basis)?)
}

/// Judges a node that was called. Its host name is judged beside.
fn verify_server(
    snapshot: &Snapshot,
    chain: &[CertificateDer<'_>],
    target: &Target,
    at_ms: u64,
) -> Result<VerifiedCredential, Unexpected> {
    let (leaf, intermediates) = chain.split_first().ok_or(Unexpected::Nothing)?;
    let basis = snapshot.basis(at_ms, target.admit_stale_crl);
    let verified = chain::verify_path(leaf, intermediates, Purpose::NodeServer, &basis)?;
    match verified.id().region() {
        Some(region) if region == target.region => Ok(verified),
        found => {
            let found = found.map_or_else(|| "none".to_owned(), |region| region.to_string());
            Err(Unexpected::Region { found, needed: target.region })
        }
    }
}

fn server_config(
    snapshot: &Arc<Snapshot>,
    identity: &Arc<CertifiedKey>,
    provider: &Arc<CryptoProvider>,
    clock: &Clock,
) -> Result<ServerConfig, Error> {
    let verifier = ClientVerifier::new(Arc::clone(snapshot), provider, clock);
    let mut config = ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(identity))));
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}
