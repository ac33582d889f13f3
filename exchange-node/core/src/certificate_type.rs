//! 证照类型: what a certificate of a type is made of, who may change its status, who may read it. Published by the
//! province; a version is immutable.

use crate::{
    certificate::{MAX_FIELD_NAME_BYTES, MAX_FIELDS, MAX_VALUE_BYTES},
    certificate_id::TypeCode,
    invalid::{Invalid, check_list, check_text},
    issuer::{self, Issuer},
    matter_code::BasicCode,
    region::Region,
    status::{Authority, Status},
};

mod check;
mod refusal;
#[cfg(test)]
mod tests;

pub use check::CheckedDraft;
pub use refusal::Error;

/// Longest name or label, in bytes.
pub const MAX_LABEL_BYTES: usize = 256;
/// Longest status code of a type, in bytes.
pub const MAX_STATUS_CODE_BYTES: usize = 16;
/// Most status codes of a type.
pub const MAX_STATUS_CODES: usize = 64;
/// Most code types, approvals and the like of a type.
pub const MAX_LIST: usize = 256;

/// A version of a certificate type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateType {
    /// 证照类型代码, GB/T 36904.
    pub type_code: TypeCode,
    /// From 1.
    pub version: u32,
    /// 证照类型名称, at most [`MAX_LABEL_BYTES`].
    pub name: String,
    /// 证照定义机构.
    pub defining_authority: Issuer,
    /// Allowed 持证主体代码类型代码 (GB/T 36903-2018 annex A), e.g. `111`, `001`.
    pub holder_code_types: Vec<String>,
    /// In the order of the header, at most [`MAX_FIELDS`].
    pub fields: Vec<FieldSpec>,
    /// The type's own codes; the first one for a status is the one that is written.
    pub status_codes: Vec<StatusCode>,
    /// Who may make which change; what is not named nobody may.
    pub status_rules: Vec<StatusRule>,
    /// How long certificates are in force.
    pub validity: Validity,
    /// What a certificate of the type is in law.
    pub legal_form: LegalForm,
    /// Who may read it.
    pub sharing: Sharing,
    /// Of the source department, for [`Sharing::Conditional`].
    pub approvals: Vec<Approval>,
    /// By what certificates of the type are found.
    pub discovery: Discovery,
    /// Whose node keeps the values; `None` is the issuing region's.
    pub custodian_region: Option<Region>,
}

/// A field of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldSpec {
    /// Short name: pinyin initials of GB/T 36903, or `KZ_…` for an extension; `[A-Z][A-Z0-9_]*`, at most
    /// [`MAX_FIELD_NAME_BYTES`].
    pub name: String,
    /// Chinese name.
    pub label: String,
    /// An empty value is refused.
    pub required: bool,
    /// What a value looks like.
    pub format: FieldFormat,
    /// Masked in operators' views.
    pub sensitive: bool,
    /// Longest value in bytes; `None` is [`MAX_VALUE_BYTES`].
    pub max_bytes: Option<u32>,
    /// What else the field is used for.
    pub role: Option<FieldRole>,
}

impl FieldSpec {
    /// Longest value, in bytes.
    pub fn limit(&self) -> usize {
        self.max_bytes.and_then(|max| usize::try_from(max).ok()).unwrap_or(MAX_VALUE_BYTES)
    }
}

/// What a value looks like. Numbers are those of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum FieldFormat {
    /// No control characters.
    Text = 1,
    /// `YYYY-MM-DD`.
    Date = 2,
    /// 统一社会信用代码, with check character.
    Uscc = 3,
    /// 公民身份号码, with check character.
    ResidentId = 4,
    /// By the holder's code type; several separated by commas.
    HolderCode = 5,
    /// Digits with at most one point among them.
    Decimal = 6,
    /// Text that may hold line breaks.
    Multiline = 7,
}

impl FieldFormat {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 7] =
        [Self::Text, Self::Date, Self::Uscc, Self::ResidentId, Self::HolderCode, Self::Decimal, Self::Multiline];
}

/// What a field is used for besides being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum FieldRole {
    /// 持证主体, CZZT.
    HolderName = 1,
    /// 持证主体代码, CZZTDM.
    HolderCode = 2,
    /// 持证主体代码类型代码, CZZTDMLXDM.
    HolderCodeType = 3,
    /// 证照编号, ZZBH.
    Number = 4,
}

impl FieldRole {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::HolderName, Self::HolderCode, Self::HolderCodeType, Self::Number];

    /// The short name that a field of this role has (GB/T 36903).
    pub const fn field_name(self) -> &'static str {
        match self {
            Self::HolderName => "CZZT",
            Self::HolderCode => "CZZTDM",
            Self::HolderCodeType => "CZZTDMLXDM",
            Self::Number => "ZZBH",
        }
    }
}

/// The type's own status code and the internal status that it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusCode {
    /// At most [`MAX_STATUS_CODE_BYTES`].
    pub code: String,
    /// As the type calls it.
    pub name: String,
    /// What it means here.
    pub status: Status,
}

/// Which change of status is allowed to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusRule {
    /// What the certificate becomes.
    pub to: Status,
    /// Who may.
    pub authorities: Vec<Authority>,
    /// 文号 must be given.
    pub document_number_required: bool,
}

/// How long certificates of a type are in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Validity {
    /// A last day must be given.
    pub until_required: bool,
    /// Years from the first day; `None` is without limit.
    pub max_years: Option<u32>,
}

/// What a certificate of the type is in law.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum LegalForm {
    /// Counts as the original only with a sealed OFD that verified.
    SealedOfd = 1,
    /// 数据核验.
    DataOnly = 2,
}

impl LegalForm {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 2] = [Self::SealedOfd, Self::DataOnly];
}

/// Who may read certificates of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Sharing {
    /// 无条件共享: any matter that names the type.
    Unconditional = 1,
    /// 有条件共享: only matters that the source department has approved.
    Conditional = 2,
    /// 不予共享.
    None = 3,
}

impl Sharing {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Unconditional, Self::Conditional, Self::None];
}

/// The source department's approval for a matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// 基本编码.
    pub matter_code: BasicCode,
    /// Which fields; empty is all that the matter names.
    pub fields: Vec<String>,
}

/// By what certificates of a type are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Discovery {
    /// And by number, where there is one.
    ByHolder = 1,
    /// By number only: such types get no holder tags.
    ByNumber = 2,
}

impl Discovery {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 2] = [Self::ByHolder, Self::ByNumber];
}

impl CertificateType {
    /// Checks all that needs nothing but the type itself.
    ///
    /// # Errors
    /// The first defect, with its place.
    pub fn validate(&self) -> Result<(), Invalid> {
        if self.version == 0 {
            return Err(Invalid::new("version", "0", "1 or more"));
        }
        check_text("name", &self.name, MAX_LABEL_BYTES)?;
        check_text("defining_authority.name", &self.defining_authority.name, issuer::MAX_NAME_BYTES)?;
        check_list("holder_code_types", &self.holder_code_types, MAX_LIST, Clone::clone)?;
        for (at, code_type) in self.holder_code_types.iter().enumerate() {
            if code_type.len() != 3 || !code_type.bytes().all(|byte| byte.is_ascii_digit()) {
                let path = format!("holder_code_types[{at}]");
                return Err(Invalid::new(path, code_type, "three digits (GB/T 36903 annex A)"));
            }
        }
        self.validate_fields()?;
        self.validate_roles()?;
        self.validate_status()?;
        self.validate_approvals()?;
        match self.validity.max_years {
            Some(0) => Err(Invalid::new("validity.max_years", "0", "1 or more, or no limit")),
            _ => Ok(()),
        }
    }

    /// The field with this short name.
    pub fn field(&self, name: &str) -> Option<&FieldSpec> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The field with this role.
    pub fn field_of(&self, role: FieldRole) -> Option<&FieldSpec> {
        self.fields.iter().find(|field| field.role == Some(role))
    }

    /// The type's own code that is written for a status; `None` where the type has none.
    pub fn status_code_for(&self, status: Status) -> Option<&str> {
        self.status_codes.iter().find(|code| code.status == status).map(|code| code.code.as_str())
    }

    /// What a code of the type means.
    pub fn status_for_code(&self, code: &str) -> Option<Status> {
        self.status_codes.iter().find(|known| known.code == code).map(|known| known.status)
    }

    /// May this body make this change? Whether the chain of changes allows it: [`crate::status::allowed`].
    ///
    /// # Errors
    /// [`Error::StatusAuthority`], [`Error::DocumentNumberMissing`].
    pub fn may_change(&self, authority: Authority, to: Status, document_number: &str) -> Result<(), Error> {
        let rule = self.status_rules.iter().find(|rule| rule.to == to);
        let allowed = rule.map(|rule| rule.authorities.as_slice()).unwrap_or_default();
        if !allowed.contains(&authority) {
            return Err(Error::StatusAuthority { to, found: authority, needed: allowed.to_vec() });
        }
        if rule.is_some_and(|rule| rule.document_number_required) && document_number.trim().is_empty() {
            return Err(Error::DocumentNumberMissing { to });
        }
        Ok(())
    }

    fn validate_fields(&self) -> Result<(), Invalid> {
        if self.fields.is_empty() {
            return Err(Invalid::new("fields", "none", format!("1 to {MAX_FIELDS}")));
        }
        let names: Vec<&str> = self.fields.iter().map(|field| field.name.as_str()).collect();
        check_list("fields", &names, MAX_FIELDS, |name| (*name).to_owned())?;
        self.fields.iter().enumerate().try_for_each(|(at, field)| {
            validate_field(field).map_err(|invalid| invalid.within(&format!("fields[{at}]")))
        })
    }

    /// Tags and the national table's columns come from roles, so a role means one field of one name and form.
    fn validate_roles(&self) -> Result<(), Invalid> {
        for (at, field) in self.fields.iter().enumerate() {
            let path = |part: &str| format!("fields[{at}].{part}");
            let by_name = FieldRole::ALL.into_iter().find(|role| role.field_name() == field.name);
            if by_name != field.role {
                let show = |role: Option<FieldRole>| role.map_or("no role".to_owned(), |role| format!("{role:?}"));
                return Err(Invalid::new(
                    path("role"),
                    show(field.role),
                    format!("{} for {}", show(by_name), field.name),
                ));
            }
            let is_code = field.role == Some(FieldRole::HolderCode);
            if is_code != (field.format == FieldFormat::HolderCode) {
                let found = format!("{:?} for {}", field.format, field.name);
                return Err(Invalid::new(path("format"), found, "HolderCode for CZZTDM, and for nothing else"));
            }
        }
        let required = |role| self.field_of(role).is_some_and(|field| field.required);
        let has_code = self.field_of(FieldRole::HolderCode).is_some();
        if self.discovery == Discovery::ByHolder && !required(FieldRole::HolderCode) {
            return Err(Invalid::new(
                "discovery",
                "by holder without a required CZZTDM",
                "CZZTDM, or discovery by number",
            ));
        }
        if self.discovery == Discovery::ByNumber && !required(FieldRole::Number) {
            return Err(Invalid::new("discovery", "by number without a required ZZBH", "ZZBH, or discovery by holder"));
        }
        if has_code && self.holder_code_types.is_empty() {
            return Err(Invalid::new("holder_code_types", "none", "at least one for a type with CZZTDM"));
        }
        let has_code_type = self.field_of(FieldRole::HolderCodeType).is_some();
        if has_code && self.holder_code_types.len() > 1 && !has_code_type {
            return Err(Invalid::new("fields", "several holder code types and no CZZTDMLXDM", "CZZTDMLXDM"));
        }
        if has_code_type && !has_code {
            return Err(Invalid::new("fields", "CZZTDMLXDM without CZZTDM", "both or neither"));
        }
        Ok(())
    }

    fn validate_status(&self) -> Result<(), Invalid> {
        let codes: Vec<&str> = self.status_codes.iter().map(|code| code.code.as_str()).collect();
        check_list("status_codes", &codes, MAX_STATUS_CODES, |code| (*code).to_owned())?;
        for (at, code) in self.status_codes.iter().enumerate() {
            check_text(&format!("status_codes[{at}].code"), &code.code, MAX_STATUS_CODE_BYTES)?;
            check_text(&format!("status_codes[{at}].name"), &code.name, MAX_LABEL_BYTES)?;
        }
        if self.status_code_for(Status::Active).is_none() {
            return Err(Invalid::new("status_codes", "none that means ACTIVE", "one: it is written at issue"));
        }
        let targets: Vec<Status> = self.status_rules.iter().map(|rule| rule.to).collect();
        check_list("status_rules", &targets, Status::ALL.len(), ToString::to_string)?;
        for (at, rule) in self.status_rules.iter().enumerate() {
            let path = format!("status_rules[{at}]");
            if matches!(rule.to, Status::Expired | Status::NotYetActive) {
                let needed = "a status that a decision gives; this one follows from the dates";
                return Err(Invalid::new(format!("{path}.to"), rule.to.name(), needed));
            }
            if rule.authorities.is_empty() {
                return Err(Invalid::new(format!("{path}.authorities"), "none", "at least one, or no rule"));
            }
            check_list(&format!("{path}.authorities"), &rule.authorities, 4, |one| format!("{one:?}"))?;
        }
        Ok(())
    }

    fn validate_approvals(&self) -> Result<(), Invalid> {
        if self.sharing != Sharing::Conditional && !self.approvals.is_empty() {
            let found = format!("{} with sharing {:?}", self.approvals.len(), self.sharing);
            return Err(Invalid::new("approvals", found, "none: approvals are for conditional sharing"));
        }
        let matters: Vec<BasicCode> = self.approvals.iter().map(|approval| approval.matter_code).collect();
        check_list("approvals", &matters, MAX_LIST, ToString::to_string)?;
        for (at, approval) in self.approvals.iter().enumerate() {
            let path = format!("approvals[{at}].fields");
            check_list(&path, &approval.fields, MAX_FIELDS, Clone::clone)?;
            if let Some(unknown) = approval.fields.iter().find(|name| self.field(name).is_none()) {
                return Err(Invalid::new(path, unknown, "fields of the type"));
            }
        }
        Ok(())
    }
}

/// Is this a short name: `[A-Z][A-Z0-9_]*`, at most [`MAX_FIELD_NAME_BYTES`]?
pub fn is_field_name(name: &str) -> bool {
    name.len() <= MAX_FIELD_NAME_BYTES
        && name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

fn validate_field(field: &FieldSpec) -> Result<(), Invalid> {
    if !is_field_name(&field.name) {
        let needed = format!("[A-Z][A-Z0-9_]*, at most {MAX_FIELD_NAME_BYTES} bytes");
        return Err(Invalid::new("name", &field.name, needed));
    }
    check_text("label", &field.label, MAX_LABEL_BYTES)?;
    match field.max_bytes {
        Some(max) if max == 0 || max as usize > MAX_VALUE_BYTES => {
            Err(Invalid::new("max_bytes", max.to_string(), format!("1 to {MAX_VALUE_BYTES}, or no limit of its own")))
        }
        _ => Ok(()),
    }
}
