//! rustls's questions, answered by the rules of `core::chain`.
//!
//! rustls's own verifiers are not used: an empty CRL list means "no check" to them, a stale CRL passes by default, the
//! first CRL of an issuer wins, a credential without EKU fits every purpose, and nothing binds a URI to its CA.

use super::{Target, Unexpected, refused::Verdict, verify_client, verify_server};
use crate::{clock::Clock, trust::Snapshot};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::{
        ParsedCertificate,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};
use std::sync::Arc;

/// Judges callers.
#[derive(Debug)]
pub(super) struct ClientVerifier {
    snapshot: Arc<Snapshot>,
    algorithms: WebPkiSupportedAlgorithms,
    clock: Clock,
}

impl ClientVerifier {
    pub(super) fn new(snapshot: Arc<Snapshot>, provider: &CryptoProvider, clock: &Clock) -> Self {
        Self { snapshot, algorithms: provider.signature_verification_algorithms, clock: clock.clone() }
    }
}

impl ClientCertVerifier for ClientVerifier {
    /// None: callers have one credential, and a list would tell strangers whom this node believes.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        verify_client(&self.snapshot, &chain(end_entity, intermediates), self.clock.now_ms())
            .map_err(|unexpected| refused(unexpected, end_entity))?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(only_tls13())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Judges the node that was called.
#[derive(Debug)]
pub(super) struct ServerVerifier {
    snapshot: Arc<Snapshot>,
    algorithms: WebPkiSupportedAlgorithms,
    clock: Clock,
    target: Target,
}

impl ServerVerifier {
    pub(super) fn new(snapshot: Arc<Snapshot>, provider: &CryptoProvider, clock: &Clock, target: Target) -> Self {
        Self { snapshot, algorithms: provider.signature_verification_algorithms, clock: clock.clone(), target }
    }
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = chain(end_entity, intermediates);
        verify_server(&self.snapshot, &chain, &self.target, self.clock.now_ms())
            .map_err(|unexpected| refused(unexpected, end_entity))?;
        verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(only_tls13())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn chain<'a>(end_entity: &CertificateDer<'a>, intermediates: &[CertificateDer<'a>]) -> Vec<CertificateDer<'a>> {
    std::iter::once(end_entity).chain(intermediates).cloned().collect()
}

/// With the reason inside, for the log and for `doctor`; the other side gets an alert that says nothing.
fn refused(unexpected: Unexpected, end_entity: &CertificateDer<'_>) -> Error {
    CertificateError::Other(OtherError(Arc::new(Verdict::new(unexpected, Some(end_entity))))).into()
}

fn only_tls13() -> Error {
    Error::PeerIncompatible(rustls::PeerIncompatible::Tls12NotOffered)
}
