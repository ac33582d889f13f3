//! What the services share: the use cases, and who calls.

use super::caller;
use crate::{
    catalogue::Publishing,
    indexer::Freshness,
    issuing::Issuing,
    lookup::Lookup,
    node::Control,
    policy::Policy,
    spawn::Tasks,
    tls::Caller,
    watch::Watch,
};
use std::{sync::Arc, time::Duration};
use tonic::{Request, Status};

/// The use cases behind the services.
#[derive(Clone)]
pub struct Services {
    /// Issue, revise, change of status.
    pub issuing: Issuing,
    /// Find, look up, verify.
    pub lookup: Lookup,
    /// Publish.
    pub publishing: Publishing,
    /// Who may.
    pub policy: Arc<Policy>,
    /// How fresh the copies are.
    pub freshness: Freshness,
    /// Applied events, as they come.
    pub watch: Watch,
    /// State, reload, drain.
    pub control: Control,
    /// Streams end when the node stops.
    pub tasks: Tasks,
    /// Longest time for one call.
    pub longest: Duration,
}

/// Caller and message.
///
/// # Errors
/// `CALLER_UNKNOWN`: the request did not come over the node's own TLS.
pub(super) fn enter<T>(request: Request<T>) -> Result<(Arc<Caller>, T), Status> {
    let caller = Arc::clone(caller(&request)?);
    Ok((caller, request.into_inner()))
}
