//! One row: what can be seen without the node, and the calls that it becomes.

use super::{
    Error, Read, Rejection, code_type,
    columns::{Column, Columns},
    kinds::{Kind, Kinds},
};
use exchange_core::{
    certificate_id::TypeCode, date::Date, holder::Holder, reason::Reason, resident_id::ResidentId, uscc::Uscc,
};
use exchange_proto::{certificate::encode_date, v1};

/// Longest source id, in bytes.
const MAX_SOURCE_ID: usize = 128;
/// Longest row time, in bytes.
const MAX_ROW_TIME: usize = 32;

/// A row that can be sent.
pub(super) enum Job {
    /// `cd_operation` I.
    Issue { request: v1::IssueCertificateRequest, status: Option<v1::ChangeStatusRequest>, row: Read },
    /// `cd_operation` U.
    Revise { request: v1::ReviseCertificateRequest, status: Option<v1::ChangeStatusRequest>, row: Read },
}

impl Job {
    pub(super) const fn is_revision(&self) -> bool {
        matches!(self, Self::Revise { .. })
    }

    pub(super) fn source_id(&self) -> &str {
        let source = match self {
            Self::Issue { request, .. } => &request.source,
            Self::Revise { request, .. } => &request.source,
        };
        source.as_ref().map_or("", |source| &source.source_id)
    }

    /// The change that follows, without certificate and request id.
    pub(super) const fn status(&self) -> Option<&v1::ChangeStatusRequest> {
        match self {
            Self::Issue { status, .. } | Self::Revise { status, .. } => status.as_ref(),
        }
    }

    pub(super) const fn row(&self) -> &Read {
        match self {
            Self::Issue { row, .. } | Self::Revise { row, .. } => row,
        }
    }
}

/// A job, or the row with the reason why there is none. The outer error ends the import.
pub(super) type Outcome = Result<Job, (Read, Rejection)>;

pub(super) async fn prepare(columns: &Columns, kinds: &mut Kinds, row: Read) -> Result<Outcome, Error> {
    let facts = match facts(columns, &row) {
        Ok(facts) => facts,
        Err(rejection) => return Ok(Err((row, rejection))),
    };
    let Some(kind) = kinds.kind(&facts.type_code).await? else {
        let detail = format!("type {}; a type that the node knows is needed", facts.type_code);
        return Ok(Err((row, Rejection::new(Reason::TypeUnknown, detail))));
    };
    Ok(match facts.request(columns, &kind, &row) {
        Ok((request, status)) if facts.revises => Ok(Job::Revise { request: revision(request), status, row }),
        Ok((request, status)) => Ok(Job::Issue { request, status, row }),
        Err(rejection) => Err((row, rejection)),
    })
}

fn revision(request: v1::IssueCertificateRequest) -> v1::ReviseCertificateRequest {
    v1::ReviseCertificateRequest {
        request_id: String::new(),
        previous: String::new(),
        issued_on: request.issued_on,
        valid_from: request.valid_from,
        valid_until: request.valid_until,
        origin: request.origin,
        fields: request.fields,
        source: request.source,
        type_code: request.type_code,
        issuer: request.issuer,
        files: request.files,
    }
}

/// What every row has, whatever its type.
struct Facts {
    revises: bool,
    type_code: String,
    issuer: v1::Issuer,
    source: v1::ImportSource,
    issued_on: Date,
    valid_from: Option<Date>,
    valid_until: Option<Date>,
    origin: v1::Origin,
}

fn facts(columns: &Columns, row: &Read) -> Result<Facts, Rejection> {
    let record = &row.record;
    if record.len() != columns.count() {
        let detail = format!("{} columns; {} as in the header are needed", record.len(), columns.count());
        return Err(Rejection::new(Reason::MessageUndecodable, detail));
    }
    if record.iter().any(|value| value.contains('\u{fffd}')) {
        let detail = "bytes that the file's encoding does not have";
        return Err(Rejection::new(Reason::EncodingInvalid, detail));
    }
    let needed = |column: Column| match columns.value(record, column) {
        "" => Err(Rejection::new(Reason::FieldMissing, format!("{} is empty", column.name()))),
        value => Ok(value),
    };
    let revises = match needed(Column::Operation)?.to_ascii_uppercase().as_str() {
        "I" => false,
        "U" => true,
        "D" => {
            let detail = "cd_operation D; a certificate is never deleted: change its status by status_code";
            return Err(Rejection::new(Reason::ImportOperationNotAllowed, detail));
        }
        _ => {
            let detail = "cd_operation is neither I (issue) nor U (revise)";
            return Err(Rejection::new(Reason::ImportOperationNotAllowed, detail));
        }
    };
    let type_code = TypeCode::parse(needed(Column::TypeCode)?).map_err(|error| {
        Rejection::new(error.reason(), format!("certificate_type_code: {error}")).with_right(error.right_check_digit())
    })?;
    let uscc = Uscc::parse(needed(Column::DepartmentCode)?).map_err(|error| {
        Rejection::new(error.reason(), format!("issue_dept_code: {error}")).with_right(error.right_check_digit())
    })?;
    let date = |column: Column| date(columns.value(record, column), column.name());
    let Some(issued_on) = date(Column::IssuedOn)? else {
        return Err(Rejection::new(Reason::FieldMissing, "issue_date is empty"));
    };
    let (valid_from, valid_until) = (date(Column::ValidFrom)?, date(Column::ValidUntil)?);
    if let Some(until) = valid_until {
        for (name, first) in [("validate_start", valid_from), ("issue_date", Some(issued_on))] {
            if first.is_some_and(|first| until < first) {
                let detail = format!("validate_end lies before {name}");
                return Err(Rejection::new(Reason::DatesOutOfOrder, detail));
            }
        }
    }
    Ok(Facts {
        revises,
        type_code: type_code.as_str().to_owned(),
        issuer: v1::Issuer { uscc: uscc.to_string(), name: needed(Column::Department)?.to_owned() },
        source: v1::ImportSource {
            source_id: bounded(needed(Column::SourceId)?, Column::SourceId, MAX_SOURCE_ID)?,
            row_time: bounded(needed(Column::Time)?, Column::Time, MAX_ROW_TIME)?,
        },
        issued_on,
        valid_from,
        valid_until,
        origin: origin(columns.value(record, Column::Origin))?,
    })
}

type Requests = (v1::IssueCertificateRequest, Option<v1::ChangeStatusRequest>);

impl Facts {
    fn request(&self, columns: &Columns, kind: &Kind, row: &Read) -> Result<Requests, Rejection> {
        let request = v1::IssueCertificateRequest {
            type_code: self.type_code.clone(),
            issuer: Some(self.issuer.clone()),
            issued_on: Some(encode_date(self.issued_on)),
            valid_from: self.valid_from.map(encode_date),
            valid_until: self.valid_until.map(encode_date),
            origin: self.origin as i32,
            fields: self.fields(columns, kind, row)?,
            source: Some(self.source.clone()),
            ..Default::default()
        };
        Ok((request, self.status(columns, kind, row)?))
    }

    /// The base fields that the type has, and every extension field of the row: one that the type does not have is the
    /// node's to refuse.
    fn fields(&self, columns: &Columns, kind: &Kind, row: &Read) -> Result<Vec<v1::FieldValue>, Rejection> {
        let value = |column| columns.value(&row.record, column);
        let holder_types = match value(Column::HolderType) {
            "" => match kind.holder_code_types.as_slice() {
                [only] => only.clone(),
                _ => String::new(),
            },
            text => code_type::code(text).ok_or_else(|| {
                let detail = "certificate_holder_type is neither code nor name of GB/T 36903 annex A";
                Rejection::new(Reason::PartyInvalid, detail)
            })?,
        };
        check_holders(&holder_types, value(Column::HolderCode))?;
        let day = |date: Option<Date>| date.map(|date| date.to_string()).unwrap_or_default();
        let type_names: Vec<&str> = holder_types.split(',').filter_map(code_type::name).collect();
        let base = [
            ("CZZT", Column::Holder, value(Column::Holder).to_owned()),
            ("CZZTDM", Column::HolderCode, value(Column::HolderCode).to_owned()),
            ("CZZTDMLXDM", Column::HolderType, holder_types.clone()),
            ("CZZTDMLX", Column::HolderType, type_names.join(",")),
            ("ZZBH", Column::Number, value(Column::Number).to_owned()),
            ("ZZMC", Column::Name, value(Column::Name).to_owned()),
            ("ZZLXDM", Column::TypeCode, self.type_code.clone()),
            ("ZZBFJG", Column::Department, self.issuer.name.clone()),
            ("ZZBFJGDM", Column::DepartmentCode, self.issuer.uscc.clone()),
            ("ZZBFRQ", Column::IssuedOn, self.issued_on.to_string()),
            ("ZZYXQQSRQ", Column::ValidFrom, day(self.valid_from)),
            ("ZZYXQJZRQ", Column::ValidUntil, day(self.valid_until)),
        ];
        let mut fields = Vec::with_capacity(16);
        for (name, column, value) in base {
            if value.is_empty() && kind.requires(name) {
                return Err(Rejection::new(Reason::FieldMissing, format!("{} is empty", column.name())));
            }
            if kind.fields.contains_key(name) && !value.is_empty() {
                fields.push(v1::FieldValue { name: name.to_owned(), value });
            }
        }
        for (name, value) in columns.extensions(&row.record) {
            // A date in another way of writing is the same date; what is none is the node's to refuse.
            let written = kind.fields.get(name).copied().unwrap_or_default();
            let value = match date(value, name) {
                Ok(Some(date)) if written => date.to_string(),
                _ => value.to_owned(),
            };
            fields.push(v1::FieldValue { name: name.to_owned(), value });
        }
        Ok(fields)
    }

    /// What has to follow the issue. All that the type says about it is checked before anything is issued: a
    /// certificate must not stay in force because its end is refused.
    fn status(&self, columns: &Columns, kind: &Kind, row: &Read) -> Result<Option<v1::ChangeStatusRequest>, Rejection> {
        let code = columns.value(&row.record, Column::Status);
        if code.is_empty() {
            return Ok(None);
        }
        let refuse = |reason, detail: String| Err(Rejection::new(reason, detail));
        let Some(to) = kind.status.get(code).copied() else {
            let mut codes: Vec<&str> = kind.status.keys().map(String::as_str).collect();
            codes.sort_unstable();
            let detail = format!("status_code is none of the type's: {}", codes.join(", "));
            return refuse(Reason::StatusChangeNotAllowed, detail);
        };
        match to {
            // In force, or as its dates say.
            v1::Status::Active | v1::Status::NotYetActive | v1::Status::Expired => return Ok(None),
            v1::Status::Replaced => {
                let detail = "a replaced certificate comes by the row that revises it (cd_operation U)".to_owned();
                return refuse(Reason::StatusChangeNotAllowed, detail);
            }
            _ => {}
        }
        let issuer = v1::StatusAuthority::Issuer as i32;
        let rule = kind.rules.iter().find(|rule| rule.to == to as i32 && rule.authorities.contains(&issuer));
        let Some(rule) = rule else {
            let detail = format!("the type does not let its issuer make it {}", to.as_str_name());
            return refuse(Reason::StatusAuthorityNotAllowed, detail);
        };
        let document_number = columns.value(&row.record, Column::Batch);
        if rule.document_number_required && document_number.is_empty() {
            return refuse(Reason::DocumentNumberMissing, "cd_batch is empty".to_owned());
        }
        Ok(Some(v1::ChangeStatusRequest {
            to: to as i32,
            status_code: code.to_owned(),
            decided_on: Some(encode_date(self.issued_on)),
            deciding_body: Some(self.issuer.clone()),
            document_number: document_number.to_owned(),
            reason: "import".to_owned(),
            authority: issuer,
            ..Default::default()
        }))
    }
}

/// Check characters of the kinds that have them, each with the right one.
fn check_holders(types: &str, codes: &str) -> Result<(), Rejection> {
    if types.is_empty() || codes.is_empty() {
        return Ok(());
    }
    let holders = Holder::split(types, codes)
        .map_err(|error| Rejection::new(Reason::PartyInvalid, format!("certificate_holder_code: {error}")))?;
    for (at, holder) in holders.iter().enumerate() {
        let refuse = |reason, text: String, right| {
            let place = if holders.len() > 1 { format!(", holder {}", at + 1) } else { String::new() };
            Rejection::new(reason, format!("certificate_holder_code{place}: {text}")).with_right(right)
        };
        match holder.code_type() {
            "001" => Uscc::parse(holder.code())
                .map(drop)
                .map_err(|error| refuse(error.reason(), error.to_string(), error.right_check_digit()))?,
            "111" => ResidentId::parse(holder.code())
                .map(drop)
                .map_err(|error| refuse(error.reason(), error.to_string(), error.right_check_digit()))?,
            _ => {}
        }
    }
    Ok(())
}

/// A day, also with a time of day behind it, as databases write it; none for an empty value or one that says "no end".
fn date(text: &str, column: &str) -> Result<Option<Date>, Rejection> {
    if matches!(text, "" | "长期" | "永久" | "长期有效" | "永久有效" | "无固定期限") {
        return Ok(None);
    }
    let day = text.split([' ', 'T']).next().unwrap_or_default();
    let day = match day.as_bytes() {
        digits if digits.len() == 14 && digits.iter().all(u8::is_ascii_digit) => &day[..8],
        _ => day,
    };
    match Date::parse(day) {
        Ok(date) if date.year() == 9999 => Ok(None),
        Ok(date) => Ok(Some(date)),
        Err(error) => Err(Rejection::new(error.reason(), format!("{column}: {error}"))),
    }
}

fn origin(text: &str) -> Result<v1::Origin, Rejection> {
    match text.to_uppercase().as_str() {
        "" => Ok(v1::Origin::Unspecified),
        "SYNCHRONOUS" | "同步制发" => Ok(v1::Origin::Synchronous),
        "BACKFILLED" | "存量补录" => Ok(v1::Origin::Backfilled),
        "CONVERTED" | "扫描转换" => Ok(v1::Origin::Converted),
        _ => {
            let detail = "origin is none of SYNCHRONOUS, BACKFILLED, CONVERTED (同步制发, 存量补录, 扫描转换)";
            Err(Rejection::new(Reason::FieldInvalid, detail))
        }
    }
}

fn bounded(text: &str, column: Column, most: usize) -> Result<String, Rejection> {
    if text.len() > most {
        let detail = format!("{} has {} bytes, at most {most}", column.name(), text.len());
        return Err(Rejection::new(Reason::FieldTooLong, detail));
    }
    Ok(text.to_owned())
}
