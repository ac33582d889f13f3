//! The rules of the exchange, pure and synchronous.

pub mod access;
pub mod apply;
mod ascii;
pub mod bundle;
pub mod case_number;
pub mod certificate;
pub mod certificate_id;
pub mod certificate_type;
pub mod chain;
pub mod check_digit;
pub mod checkpoint;
pub mod date;
pub mod disclosure;
pub mod dsse;
pub mod event;
#[cfg(test)]
mod fixtures;
pub mod holder;
pub mod invalid;
pub mod issuer;
pub mod matter;
pub mod matter_code;
pub mod merkle;
pub mod note;
pub mod position;
pub mod purpose;
pub mod question;
pub mod reason;
pub mod region;
pub mod request;
pub mod resident_id;
pub mod sealed;
pub mod segment;
pub mod signature;
pub mod spiffe;
pub mod status;
pub mod uscc;
