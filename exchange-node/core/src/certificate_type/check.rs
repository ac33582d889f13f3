//! A draft against its type. What passes is a [`CheckedDraft`], which nothing else can make.

use super::{CertificateType, Error, FieldFormat, FieldRole, FieldSpec, is_field_name};
use crate::{
    certificate::{Draft, Field, MAX_FIELDS, MAX_VALUES_BYTES},
    date::Date,
    holder::{self, Holder},
    resident_id::{self, ResidentId},
    uscc::{self, Uscc},
};
use std::collections::BTreeMap;

/// Holder code type of the unified social credit code (GB/T 36903 annex A).
const CODE_TYPE_USCC: &str = "001";
/// Longest holder code of a kind that has no check character, in bytes.
const MAX_HOLDER_CODE_BYTES: usize = 64;
/// Most holders of one certificate: their tags have to fit into one entry.
const MAX_HOLDERS: usize = 512;

/// A draft that fits its type.
#[derive(Debug, Clone)]
pub struct CheckedDraft {
    fields: Vec<Field>,
    holders: Vec<Holder>,
    number: Option<String>,
}

impl CheckedDraft {
    /// Every field of the type, in its order; an absent one has an empty value.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// As [`Self::fields`], taken out.
    pub fn take_fields(&mut self) -> Vec<Field> {
        std::mem::take(&mut self.fields)
    }

    /// The holders, normalised.
    pub fn holders(&self) -> &[Holder] {
        &self.holders
    }

    /// 证照编号, where the type has one and the draft gives it.
    pub fn number(&self) -> Option<&str> {
        self.number.as_deref()
    }
}

impl CertificateType {
    /// Checks a draft. Only [`CheckedDraft`]s are issued.
    ///
    /// # Errors
    /// The first thing that does not fit; sizes first, so that a huge draft costs little.
    pub fn check(&self, draft: &Draft, today: Date) -> Result<CheckedDraft, Error> {
        self.check_type(draft)?;
        self.check_dates(draft, today)?;
        let given = self.given(&draft.fields)?;
        let mut fields = Vec::with_capacity(self.fields.len());
        for spec in &self.fields {
            let value = given.get(spec.name.as_str()).copied().unwrap_or_default();
            check_value(spec, value)?;
            fields.push(Field { name: spec.name.clone(), value: value.to_owned() });
        }
        let holders = self.holders(&given)?;
        let number = self.value_of(FieldRole::Number, &given).map(str::to_owned);
        Ok(CheckedDraft { fields, holders, number })
    }

    fn check_type(&self, draft: &Draft) -> Result<(), Error> {
        let version = draft.type_version.unwrap_or(self.version);
        if draft.type_code == self.type_code && version == self.version {
            return Ok(());
        }
        Err(Error::OtherType {
            found: format!("type {} version {version}", draft.type_code),
            needed: format!("type {} version {}", self.type_code, self.version),
        })
    }

    /// A first day before the issue is usual (a revised licence holds since the founding); an end before it is not.
    fn check_dates(&self, draft: &Draft, today: Date) -> Result<(), Error> {
        let ordered = |earlier, earlier_on, later, later_on| {
            if later_on < earlier_on {
                Err(Error::DatesOutOfOrder { earlier, earlier_on, later, later_on })
            } else {
                Ok(())
            }
        };
        ordered("issued_on", draft.issued_on, "today", today)?;
        let Some(until) = draft.valid_until else {
            return if self.validity.until_required { Err(Error::UntilMissing) } else { Ok(()) };
        };
        ordered("valid_from", draft.valid_from, "valid_until", until)?;
        ordered("issued_on", draft.issued_on, "valid_until", until)?;
        let Some(needed) = self.validity.max_years else { return Ok(()) };
        let from = draft.valid_from;
        let last = (from.year().saturating_add(needed), from.month(), from.day());
        if (until.year(), until.month(), until.day()) > last {
            return Err(Error::ValidTooLong { found: until, needed });
        }
        Ok(())
    }

    /// The draft's values by name, within all limits of number and size.
    fn given<'a>(&self, fields: &'a [Field]) -> Result<BTreeMap<&'a str, &'a str>, Error> {
        if fields.len() > MAX_FIELDS {
            return Err(Error::TooManyFields { found: fields.len() });
        }
        let mut given = BTreeMap::new();
        let mut total = 0;
        for field in fields {
            let Some(spec) = self.field(&field.name) else {
                return Err(Error::UnknownField { name: shown(&field.name) });
            };
            if field.value.len() > spec.limit() {
                let (found, needed) = (field.value.len(), spec.limit());
                return Err(Error::ValueTooLong { name: spec.name.clone(), found, needed });
            }
            total += field.value.len();
            if given.insert(field.name.as_str(), field.value.as_str()).is_some() {
                return Err(Error::RepeatedField { name: spec.name.clone() });
            }
        }
        if total > MAX_VALUES_BYTES { Err(Error::ValuesTooLarge { found: total }) } else { Ok(given) }
    }

    fn value_of<'a>(&self, role: FieldRole, given: &BTreeMap<&str, &'a str>) -> Option<&'a str> {
        let value = given.get(self.field_of(role)?.name.as_str())?;
        (!value.is_empty()).then_some(*value)
    }

    /// The holders that these values name, by short names; none for a type without holder codes.
    ///
    /// # Errors
    /// Codes that are none, or of a type that the certificate type does not allow. No code is repeated in it.
    pub fn holders(&self, given: &BTreeMap<&str, &str>) -> Result<Vec<Holder>, Error> {
        let Some(codes) = self.value_of(FieldRole::HolderCode, given) else { return Ok(Vec::new()) };
        let needed = || self.holder_code_types.join(", ");
        let code_types = match (self.value_of(FieldRole::HolderCodeType, given), self.holder_code_types.as_slice()) {
            (Some(given), _) => given,
            (None, [only]) => only,
            (None, _) => return Err(Error::CodeTypeMissing { needed: needed() }),
        };
        let name = FieldRole::HolderCode.field_name();
        let malformed = |found: String, needed| Error::Malformed { name: name.to_owned(), found, needed };
        let holders = Holder::split(code_types, codes).map_err(|error| match error {
            holder::Error::TypeCount { types, codes } => Error::CodeTypeCount { found: types, needed: codes },
            other => malformed(other.to_string(), "codes separated by commas, none of them empty"),
        })?;
        if holders.len() > MAX_HOLDERS {
            return Err(malformed(format!("{} holder codes", holders.len()), "at most 512"));
        }
        for (at, holder) in holders.iter().enumerate() {
            if !self.holder_code_types.iter().any(|allowed| allowed == holder.code_type()) {
                let found = shown_code_type(holder.code_type());
                return Err(Error::CodeTypeNotAllowed { found, needed: needed() });
            }
            match holder.code_type() {
                CODE_TYPE_USCC => check_uscc(name, at + 1, holder.code())?,
                holder::IDENTITY_NUMBER => check_resident_id(name, at + 1, holder.code())?,
                _ if holder.code().len() > MAX_HOLDER_CODE_BYTES => {
                    return Err(malformed(format!("a holder code of {} bytes", holder.code().len()), "at most 64"));
                }
                _ => {}
            }
        }
        Ok(holders)
    }
}

fn check_value(spec: &FieldSpec, value: &str) -> Result<(), Error> {
    let name = || spec.name.clone();
    // Blank is missing: a lookup would show nothing.
    if spec.required && value.trim().is_empty() {
        return Err(Error::MissingField { name: name(), label: spec.label.clone() });
    }
    if value.is_empty() {
        return Ok(());
    }
    check_characters(spec, value)?;
    let malformed = |found: &str, needed| Error::Malformed { name: name(), found: found.to_owned(), needed };
    match spec.format {
        FieldFormat::Text | FieldFormat::Multiline => Ok(()),
        FieldFormat::Date => match Date::parse(value) {
            Ok(date) if date.to_string() == value => Ok(()),
            Ok(_) => Err(malformed("a date in another form", "a date as YYYY-MM-DD")),
            Err(_) => Err(malformed("no date", "a date as YYYY-MM-DD")),
        },
        FieldFormat::Uscc => check_uscc(&spec.name, 1, value),
        FieldFormat::ResidentId => check_resident_id(&spec.name, 1, value),
        FieldFormat::Decimal if is_decimal(value) => Ok(()),
        FieldFormat::Decimal => Err(malformed("no decimal number", "digits with at most one point among them")),
        // Checked with its code type.
        FieldFormat::HolderCode => Ok(()),
    }
}

fn check_characters(spec: &FieldSpec, value: &str) -> Result<(), Error> {
    for (at, character) in value.chars().enumerate() {
        let (name, position) = (&spec.name, at + 1);
        if matches!(character, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}') {
            if spec.format != FieldFormat::Multiline {
                return Err(Error::LineBreak { name: name.clone(), position });
            }
        } else if character.is_control() || turns_writing(character) {
            return Err(Error::ControlCharacter { name: name.clone(), position });
        }
    }
    Ok(())
}

/// Bidirectional controls (Unicode UAX #9): what a clerk sees is not what was signed.
const fn turns_writing(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn check_uscc(name: &str, item: usize, code: &str) -> Result<(), Error> {
    match Uscc::parse(code) {
        Ok(_) => Ok(()),
        Err(uscc::Error::CheckDigit { needed, .. }) => Err(Error::CheckDigit { name: name.to_owned(), item, needed }),
        Err(uscc::Error::Length { found }) => Err(Error::Malformed {
            name: name.to_owned(),
            found: format!("{found} characters"),
            needed: "a unified social credit code of 18 characters",
        }),
        Err(uscc::Error::Character { position, .. }) => Err(Error::Malformed {
            name: name.to_owned(),
            found: format!("a character at {position} that may not stand there"),
            needed: "a unified social credit code (digits and capital letters without I, O, S, V, Z)",
        }),
    }
}

fn check_resident_id(name: &str, item: usize, code: &str) -> Result<(), Error> {
    match ResidentId::parse(code) {
        Ok(_) => Ok(()),
        Err(resident_id::Error::CheckDigit { needed, .. }) => {
            Err(Error::CheckDigit { name: name.to_owned(), item, needed })
        }
        Err(other) => Err(Error::Malformed {
            name: name.to_owned(),
            found: other.to_string(),
            needed: "an identity number of 18 characters",
        }),
    }
}

/// Digits, and at most one point with digits on both sides.
fn is_decimal(value: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match value.split_once('.') {
        None => digits(value),
        Some((whole, rest)) => digits(whole) && digits(rest),
    }
}

/// A name that no type has is shown only if it looks like one: it might be a value in the wrong column.
fn shown(name: &str) -> String {
    if is_field_name(name) {
        name.to_owned()
    } else {
        format!("with a name of {} bytes that is no short name", name.len())
    }
}

fn shown_code_type(code_type: &str) -> String {
    let fits = code_type.len() == 3 && code_type.bytes().all(|byte| byte.is_ascii_digit());
    if fits { code_type.to_owned() } else { format!("of {} bytes", code_type.len()) }
}
