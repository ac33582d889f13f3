//! Values that several messages share: dates, bodies, positions, disclosures.

use crate::{Error, field, v1};
use bytes::Bytes;
use exchange_core::{
    date::Date,
    disclosure::{self, Disclosure},
    issuer::{self, Issuer},
    position::Position,
    reason::Reason,
};

/// A legal date.
#[must_use]
pub fn encode_date(date: Date) -> v1::Date {
    v1::Date { year: date.year(), month: date.month(), day: date.day() }
}

/// A day that exists, 1900-01-01 to 9999-12-31.
///
/// # Errors
/// Anything else.
pub fn date(date: v1::Date) -> Result<Date, Error> {
    field::date("date", Some(date))
}

/// A body.
#[must_use]
pub fn encode_issuer(issuer: &Issuer) -> v1::Issuer {
    v1::Issuer { uscc: issuer.uscc.to_string(), name: issuer.name.clone() }
}

/// A body: credit code with the right check character, name of 1 to 256 bytes.
///
/// # Errors
/// Anything else.
pub fn issuer(issuer: v1::Issuer) -> Result<Issuer, Error> {
    let uscc = field::uscc("uscc", &issuer.uscc)?;
    field::text("name", &issuer.name, issuer::MAX_NAME_BYTES)?;
    Ok(Issuer { uscc, name: issuer.name })
}

/// A position in an event log.
#[must_use]
pub fn encode_position(position: Position) -> v1::LogPosition {
    v1::LogPosition { region: position.region.to_string(), epoch: position.epoch, index: position.index }
}

/// A position in an event log; epochs count from 1.
///
/// # Errors
/// Anything else.
pub fn position(position: v1::LogPosition) -> Result<Position, Error> {
    let region = field::region("region", &position.region)?;
    Ok(Position { region, epoch: field::from_one("epoch", position.epoch)?, index: position.index })
}

/// A field released in the clear.
#[must_use]
pub fn encode_disclosure(disclosure: Disclosure) -> v1::Disclosure {
    let Disclosure { name, value, salt } = disclosure;
    v1::Disclosure { name, value, salt: Bytes::copy_from_slice(&salt) }
}

/// The disclosures of one certificate, each and all together within the limits, every name once.
///
/// # Errors
/// Which disclosure and which limit; never a value.
pub fn disclosures(messages: Vec<v1::Disclosure>) -> Result<Vec<Disclosure>, Error> {
    field::count("disclosures", messages.len(), disclosure::MAX_FIELDS)?;
    let parsed = messages
        .into_iter()
        .enumerate()
        .map(|(index, message)| disclosure(message).map_err(|error| error.within(&format!("disclosures[{index}]"))))
        .collect::<Result<Vec<_>, _>>()?;
    disclosure::check_all(&parsed).map_err(|error| match error {
        disclosure::Error::RepeatedName { .. } => {
            Error::new(Reason::FieldRepeated, "disclosures", "a name twice", "each name once")
        }
        disclosure::Error::TotalTooLong { found } => Error::new(
            Reason::ValuesTooLarge,
            "disclosures",
            format!("{found} bytes of values"),
            format!("at most {} together", disclosure::MAX_TOTAL_BYTES),
        ),
        // Checked above, one by one.
        other => Error::new(Reason::FieldInvalid, "disclosures", other.to_string(), "values within the limits"),
    })?;
    Ok(parsed)
}

fn disclosure(message: v1::Disclosure) -> Result<Disclosure, Error> {
    field::bytes("name", message.name.as_bytes(), disclosure::MAX_NAME_BYTES)?;
    field::at_most("value", message.value.len(), disclosure::MAX_VALUE_BYTES)?;
    let salt = field::array("salt", &message.salt)?;
    Ok(Disclosure { name: message.name, value: message.value, salt })
}
