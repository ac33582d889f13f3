//! The exchange node of a city: it signs certificates, keeps the city's log, follows the logs of the others, and
//! answers questions about certificates for a stated purpose.

pub mod clock;
pub mod config;
pub mod ledger;
pub mod random;
pub mod refusal;
pub mod space;
pub mod spawn;
pub mod store;
pub mod telemetry;
