//! The tonic services: parse, one call, encode. This file is what they share: the server's limits, the gate that every
//! call passes, health and reflection.

mod admin;
mod catalogue;
mod certificate;
mod chunks;
mod document;
mod fetch;
mod gate;
mod lookup;
pub mod peer;
mod peers;
mod services;
pub mod status;
#[cfg(test)]
mod tests;
mod watch;

pub use gate::{Gate, GateLayer};
pub use services::Services;

use crate::{
    config,
    limits::Limits,
    policy::Policy,
    refusal::Refusal,
    tls::{Caller, CallerInfo},
};
use exchange_core::reason::Reason;
use std::{sync::Arc, time::Duration};
use tonic::{
    Request, Status,
    service::interceptor::InterceptedService,
    transport::{Server, server::Router},
};
use tonic_health::server::HealthReporter;
use tower::layer::util::{Identity, Stack};

/// HTTP/2 streams of one connection at once.
const STREAMS: u32 = 256;
/// Bytes of a request's headers; those of gRPC take some hundred.
const HEADER_BYTES: u32 = 16 << 10;
/// Streams that a caller may have reset and the node has not taken note of, before it is cut (HTTP/2 rapid reset).
const PENDING_RESETS: usize = 20;
/// A caller that does not answer a ping is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// What a connection may still finish after its age is reached.
const AGE_GRACE: Duration = Duration::from_secs(30);

/// The server with all its limits; every call passes the gate.
pub fn server(config: &config::Limits, limits: Arc<Limits>) -> Server<Stack<GateLayer, Identity>> {
    Server::builder()
        .max_concurrent_streams(STREAMS)
        .http2_max_header_list_size(HEADER_BYTES)
        .http2_max_pending_accept_reset_streams(Some(PENDING_RESETS))
        .http2_max_local_error_reset_streams(Some(PENDING_RESETS))
        .http2_keepalive_interval(Some(KEEP_ALIVE))
        .http2_keepalive_timeout(Some(KEEP_ALIVE_TIMEOUT))
        .max_connection_age(Duration::from_secs(u64::from(config.connection_age_seconds)))
        .max_connection_age_grace(AGE_GRACE)
        .layer(GateLayer::new(limits))
}

/// Health for every caller, reflection for operators of this region alone.
///
/// # Errors
/// The descriptors that were compiled in do not read.
pub fn router(
    mut server: Server<Stack<GateLayer, Identity>>,
    policy: Arc<Policy>,
) -> Result<(Router<Stack<GateLayer, Identity>>, HealthReporter), tonic_reflection::server::Error> {
    let (reporter, health) = tonic_health::server::health_reporter();
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(exchange_proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()?;
    let operators_only = move |request: Request<()>| -> Result<Request<()>, Status> {
        policy.may_operate(caller(&request)?)?;
        Ok(request)
    };
    let router = server.add_service(health).add_service(InterceptedService::new(reflection, operators_only));
    Ok((router, reporter))
}

/// Who calls.
///
/// # Errors
/// `CALLER_UNKNOWN`: the request did not come over the node's own TLS.
pub fn caller<T>(request: &Request<T>) -> Result<&Arc<Caller>, Refusal> {
    request.extensions().get::<CallerInfo>().map(|info| &info.caller).ok_or_else(nobody)
}

fn nobody() -> Refusal {
    Refusal::caller(Reason::CallerUnknown, "a connection without a credential", "mutual TLS")
}
