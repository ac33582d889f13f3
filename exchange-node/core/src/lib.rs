//! The rules of the exchange, pure and synchronous.

mod ascii;
pub mod bundle;
pub mod case_number;
pub mod certificate_id;
pub mod chain;
pub mod check_digit;
pub mod checkpoint;
pub mod date;
pub mod disclosure;
pub mod dsse;
pub mod holder;
pub mod matter_code;
pub mod merkle;
pub mod note;
pub mod reason;
pub mod region;
pub mod resident_id;
pub mod sealed;
pub mod signature;
pub mod spiffe;
pub mod uscc;
