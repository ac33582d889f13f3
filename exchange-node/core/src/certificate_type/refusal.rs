//! Why a draft or a change is refused. No text tells a value; of a wrong check character it tells the right one alone.

use crate::{
    certificate::{MAX_FIELDS, MAX_VALUES_BYTES},
    date::Date,
    reason::Reason,
    status::{Authority, Status},
};

/// Why a draft does not fit its type, or a change is not allowed by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The draft is of another type or version.
    OtherType {
        /// Type and version of the draft.
        found: String,
        /// Those of the type that it was checked against.
        needed: String,
    },
    /// More than a certificate may have.
    TooManyFields {
        /// Fields given.
        found: usize,
    },
    /// The type has no such field.
    UnknownField {
        /// The name, where it has the form of one.
        name: String,
    },
    /// A field is given twice.
    RepeatedField {
        /// Which.
        name: String,
    },
    /// A required field is missing or empty.
    MissingField {
        /// Which.
        name: String,
        /// Its Chinese name.
        label: String,
    },
    /// One value is too long.
    ValueTooLong {
        /// Of which field.
        name: String,
        /// Bytes found.
        found: usize,
        /// Bytes allowed.
        needed: usize,
    },
    /// The values together are too long.
    ValuesTooLarge {
        /// Bytes found.
        found: usize,
    },
    /// A control character, or one that turns the direction of writing.
    ControlCharacter {
        /// In which field.
        name: String,
        /// Its place, in characters from 1.
        position: usize,
    },
    /// A line break outside multi-line text.
    LineBreak {
        /// In which field.
        name: String,
        /// Its place, in characters from 1.
        position: usize,
    },
    /// The check character does not fit.
    CheckDigit {
        /// In which field.
        name: String,
        /// Which of several codes, from 1.
        item: usize,
        /// The right one.
        needed: char,
    },
    /// The value does not have the field's form.
    Malformed {
        /// Which field.
        name: String,
        /// What is wrong, without the value.
        found: String,
        /// The form.
        needed: &'static str,
    },
    /// Several code types are allowed and the draft does not say which.
    CodeTypeMissing {
        /// Those allowed.
        needed: String,
    },
    /// The type's holders do not have such codes.
    CodeTypeNotAllowed {
        /// What was given, where it has the form of a code type.
        found: String,
        /// Those allowed.
        needed: String,
    },
    /// One code type for all codes, or one for each.
    CodeTypeCount {
        /// Code types given.
        found: usize,
        /// Codes given.
        needed: usize,
    },
    /// Two dates are the wrong way round.
    DatesOutOfOrder {
        /// Which.
        earlier: &'static str,
        /// Its day.
        earlier_on: Date,
        /// Should not be before it.
        later: &'static str,
        /// Its day.
        later_on: Date,
    },
    /// The type's certificates end.
    UntilMissing,
    /// The type's certificates end sooner.
    ValidTooLong {
        /// Last day found.
        found: Date,
        /// Years allowed.
        needed: u32,
    },
    /// The type does not let this body make this change.
    StatusAuthority {
        /// Wanted.
        to: Status,
        /// Who wants it.
        found: Authority,
        /// Who may.
        needed: Vec<Authority>,
    },
    /// The change needs the number of its decision.
    DocumentNumberMissing {
        /// Wanted.
        to: Status,
    },
}

impl Error {
    /// The stable reason for callers.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::OtherType { .. } => Reason::TypeUnknown,
            Self::TooManyFields { .. } => Reason::TooManyFields,
            Self::UnknownField { .. } => Reason::FieldUnknown,
            Self::RepeatedField { .. } => Reason::FieldRepeated,
            Self::MissingField { .. } | Self::UntilMissing | Self::CodeTypeMissing { .. } => Reason::FieldMissing,
            Self::ValueTooLong { .. } => Reason::FieldTooLong,
            Self::ValuesTooLarge { .. } => Reason::ValuesTooLarge,
            Self::ControlCharacter { .. } | Self::LineBreak { .. } => Reason::ControlCharacter,
            Self::CheckDigit { .. } => Reason::CheckDigitWrong,
            Self::Malformed { .. }
            | Self::CodeTypeNotAllowed { .. }
            | Self::CodeTypeCount { .. }
            | Self::ValidTooLong { .. } => Reason::FieldInvalid,
            Self::DatesOutOfOrder { .. } => Reason::DatesOutOfOrder,
            Self::StatusAuthority { .. } => Reason::StatusAuthorityNotAllowed,
            Self::DocumentNumberMissing { .. } => Reason::DocumentNumberMissing,
        }
    }

    /// The right check character, when only that is wrong.
    pub const fn right_check_digit(&self) -> Option<char> {
        match self {
            Self::CheckDigit { needed, .. } => Some(*needed),
            _ => None,
        }
    }

    /// What was found; never a value.
    pub fn found(&self) -> String {
        match self {
            Self::OtherType { found, .. } => found.clone(),
            Self::TooManyFields { found } => format!("{found} fields"),
            Self::UnknownField { name } => format!("field {name}"),
            Self::RepeatedField { name } => format!("field {name} twice"),
            Self::MissingField { name, label } => format!("no {name} ({label})"),
            Self::ValueTooLong { name, found, .. } => format!("a value of {found} bytes in {name}"),
            Self::ValuesTooLarge { found } => format!("values of {found} bytes together"),
            Self::ControlCharacter { name, position } => format!("a control character at {position} in {name}"),
            Self::LineBreak { name, position } => format!("a line break at {position} in {name}"),
            Self::CheckDigit { name, item: 1, .. } => format!("a wrong check digit in {name}"),
            Self::CheckDigit { name, item, .. } => format!("a wrong check digit in code {item} of {name}"),
            Self::Malformed { name, found, .. } => format!("{found} in {name}"),
            Self::CodeTypeMissing { .. } => "no holder code type (CZZTDMLXDM)".to_owned(),
            Self::CodeTypeNotAllowed { found, .. } => format!("holder code type {found}"),
            Self::CodeTypeCount { found, needed } => format!("{found} holder code types for {needed} holder codes"),
            Self::DatesOutOfOrder { earlier, earlier_on, later, later_on } => {
                format!("{later} {later_on} before {earlier} {earlier_on}")
            }
            Self::UntilMissing => "no valid_until".to_owned(),
            Self::ValidTooLong { found, .. } => format!("valid_until {found}"),
            Self::StatusAuthority { to, found, .. } => format!("a change to {to} by {found:?}"),
            Self::DocumentNumberMissing { to } => format!("a change to {to} without a document number"),
        }
    }

    /// What was needed.
    pub fn needed(&self) -> String {
        match self {
            Self::OtherType { needed, .. } => needed.clone(),
            Self::TooManyFields { .. } => format!("at most {MAX_FIELDS}"),
            Self::UnknownField { .. } => "a field of the type".to_owned(),
            Self::RepeatedField { .. } => "each field once".to_owned(),
            Self::MissingField { .. } => "a value".to_owned(),
            Self::ValueTooLong { needed, .. } => format!("at most {needed} bytes"),
            Self::ValuesTooLarge { .. } => format!("at most {MAX_VALUES_BYTES} bytes"),
            Self::ControlCharacter { .. } => "printable text".to_owned(),
            Self::LineBreak { .. } => "one line".to_owned(),
            Self::CheckDigit { needed, .. } => format!("check digit {needed}"),
            Self::Malformed { needed, .. } => (*needed).to_owned(),
            Self::CodeTypeMissing { needed } | Self::CodeTypeNotAllowed { needed, .. } => format!("one of {needed}"),
            Self::CodeTypeCount { .. } => "one for all, or one for each".to_owned(),
            Self::DatesOutOfOrder { earlier, later, .. } => format!("{later} on or after {earlier}"),
            Self::UntilMissing => "a last day; certificates of this type end".to_owned(),
            Self::ValidTooLong { needed, .. } => format!("at most {needed} years from valid_from"),
            Self::StatusAuthority { needed, .. } if needed.is_empty() => "a change that the type allows".to_owned(),
            Self::StatusAuthority { needed, .. } => format!("one of {needed:?}"),
            Self::DocumentNumberMissing { .. } => "the number of the decision (文号)".to_owned(),
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "found {}, needed {}", self.found(), self.needed())
    }
}

impl std::error::Error for Error {}
