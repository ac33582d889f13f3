//! Parts that catalogue items are made of, beside those that all conversions share.

use crate::{
    Error, common,
    field::{self, coded},
    v1,
};
use exchange_core::{issuer::Issuer, matter_code::BasicCode, region::Region};

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
    field::known(path, number, all.iter().copied().find(|one| number_of(*one) == number))
}

/// Nothing for an empty text, else its value.
pub(super) fn optional<T>(
    path: &str,
    text: &str,
    parse: fn(&str, &str) -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    if text.is_empty() { Ok(None) } else { parse(path, text).map(Some) }
}

pub(super) fn basic_code(path: &str, text: &str) -> Result<BasicCode, Error> {
    BasicCode::parse(text).map_err(|error| coded(error.reason(), path, text, &error, "a basic matter code (基本编码)"))
}

pub(super) fn regions(path: &str, texts: &[String]) -> Result<Vec<Region>, Error> {
    texts.iter().enumerate().map(|(at, text)| field::region(&format!("{path}[{at}]"), text)).collect()
}

pub(super) fn issuer(path: &str, message: Option<v1::Issuer>) -> Result<Issuer, Error> {
    common::issuer(field::required(path, message)?).map_err(|error| error.within(path))
}
