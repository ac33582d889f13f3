//! Parts that catalogue items are made of. Items hold no personal data: an error may say what was found.

use crate::{Error, v1};
use exchange_core::{
    certificate_id::TypeCode, date::Date, issuer::Issuer, matter_code::BasicCode, position::Position, reason::Reason,
    region::Region, uscc::Uscc,
};

/// Converts each item of a list; an error tells its index.
pub(super) fn each<M, T>(path: &str, messages: Vec<M>, convert: fn(M) -> Result<T, Error>) -> Result<Vec<T>, Error> {
    messages
        .into_iter()
        .enumerate()
        .map(|(at, message)| convert(message).map_err(|error| error.within(&format!("{path}[{at}]"))))
        .collect()
}

/// The value of an enum that has this number.
pub(super) fn known<T: Copy>(path: &str, number: i32, all: &[T], number_of: fn(T) -> i32) -> Result<T, Error> {
    all.iter().copied().find(|one| number_of(*one) == number).ok_or_else(|| unknown(path, number))
}

/// A number that this release does not know, or none.
pub(super) fn unknown(path: &str, number: i32) -> Error {
    match number {
        0 => Error::new(Reason::FieldMissing, path, "unspecified", "a value"),
        _ => Error::new(Reason::FieldInvalid, path, format!("number {number}"), "a value that this release knows"),
    }
}

pub(super) fn region(path: &str, text: &str) -> Result<Region, Error> {
    Region::parse(text).map_err(|error| code(error.reason(), path, text, &error))
}

pub(super) fn type_code(path: &str, text: &str) -> Result<TypeCode, Error> {
    TypeCode::parse(text).map_err(|error| code(error.reason(), path, text, &error))
}

pub(super) fn basic_code(path: &str, text: &str) -> Result<BasicCode, Error> {
    BasicCode::parse(text).map_err(|error| code(error.reason(), path, text, &error))
}

pub(super) fn issuer(path: &str, message: Option<v1::Issuer>) -> Result<Issuer, Error> {
    let message = message.ok_or_else(|| Error::missing(path))?;
    let text = message.uscc;
    let uscc = Uscc::parse(&text).map_err(|error| code(error.reason(), &format!("{path}.uscc"), &text, &error))?;
    Ok(Issuer { uscc, name: message.name })
}

pub(super) fn encode_issuer(issuer: &Issuer) -> v1::Issuer {
    v1::Issuer { uscc: issuer.uscc.to_string(), name: issuer.name.clone() }
}

pub(super) fn date(path: &str, message: Option<v1::Date>) -> Result<Date, Error> {
    let v1::Date { year, month, day } = message.ok_or_else(|| Error::missing(path))?;
    Date::new(year, month, day)
        .map_err(|error| Error::new(error.reason(), path, error.to_string(), "a day that exists"))
}

pub(super) fn encode_date(date: Date) -> v1::Date {
    v1::Date { year: date.year(), month: date.month(), day: date.day() }
}

pub(super) fn position(path: &str, message: &v1::LogPosition) -> Result<Position, Error> {
    let region = region(&format!("{path}.region"), &message.region)?;
    if message.epoch == 0 {
        return Err(Error::missing(format!("{path}.epoch")));
    }
    Ok(Position { region, epoch: message.epoch, index: message.index })
}

/// What is wrong with a code, as the code's own parser says it.
pub(super) fn code(reason: Reason, path: &str, text: &str, error: &dyn std::error::Error) -> Error {
    if text.is_empty() {
        Error::missing(path)
    } else {
        Error::new(reason, path, error.to_string(), "a code of that form")
    }
}
