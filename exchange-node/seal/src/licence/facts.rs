//! What a licence says: what the certificate's header will say, and the values.

use std::collections::BTreeMap;

use exchange_core::{
    certificate::{Environment, Field},
    certificate_id::CertificateId,
    date::Date,
    issuer::Issuer,
};

/// A certificate, as far as its document shows it. `Debug` shows no value of a field and no note.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// Real or exercise; an exercise stands across every page.
    pub environment: Environment,
    /// 电子证照标识 (GB/T 36904).
    pub certificate_id: &'a CertificateId,
    /// 证照名称, as the type has it.
    pub type_name: &'a str,
    /// 证照颁发机构.
    pub issuer: &'a Issuer,
    /// 颁发日期.
    pub issued_on: Date,
    /// First day in force.
    pub valid_from: Date,
    /// Last day in force; `None` is without limit (长期).
    pub valid_until: Option<Date>,
    /// Fields of the type.
    pub fields: &'a [Field],
    /// Set in a copy for one use.
    pub copy: Option<CopyNote<'a>>,
}

/// 加注件: a copy that is handed out for one use and says so on every page (GB/T 36903). `Debug` shows neither cause nor
/// requester.
#[derive(Clone)]
pub struct CopyNote<'a> {
    /// 制作事由.
    pub cause: &'a str,
    /// 制作者: who asked for it.
    pub requester: &'a str,
    /// 制作时间.
    pub made_on: Date,
    /// 有效期截止时间.
    pub expires_on: Date,
    /// By which its custodian knows whether it was used; `None`: nobody keeps account of this copy.
    pub number: Option<&'a str>,
}

impl std::fmt::Debug for CopyNote<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (cause, requester) = (self.cause.len(), self.requester.len());
        write!(f, "CopyNote(cause={cause} bytes, requester={requester} bytes, {} to {})", self.made_on, self.expires_on)
    }
}

/// Longest cause or requester, in bytes (the profile of Shandong has 200 characters).
pub const MAX_NOTE_BYTES: usize = 600;
/// 加注件编号: ours, since GB/T 36903 has no name for it.
pub(super) const COPY_NUMBER: &str = "JZJBH";
/// 有效期截止日期 of what is in force without limit.
const WITHOUT_LIMIT: &str = "长期";

impl Facts<'_> {
    /// Metadata of GB/T 36903-2018 by short name, in the order in which they are written: those of the header first, then
    /// the fields as they came. Empty values are left out; a field does not replace what the header says.
    #[must_use]
    pub fn metadata(&self) -> Vec<(&str, String)> {
        let id = self.certificate_id;
        let until = self.valid_until.map_or_else(|| WITHOUT_LIMIT.to_owned(), |date| date.to_string());
        let mut all = vec![
            ("ZZBS", id.as_str().to_owned()),
            ("ZZMC", self.type_name.to_owned()),
            ("ZZLXDM", id.type_code().as_str().to_owned()),
            ("ZZBFJG", self.issuer.name.clone()),
            ("ZZBFJGDM", self.issuer.uscc.as_str().to_owned()),
            ("ZZBFRQ", self.issued_on.to_string()),
            ("ZZYXQQSRQ", self.valid_from.to_string()),
            ("ZZYXQJZRQ", until),
        ];
        if let Some(copy) = &self.copy {
            all.extend([
                ("JZJZZSY", copy.cause.to_owned()),
                ("JZJZZZ", copy.requester.to_owned()),
                ("JZJZZSJ", copy.made_on.to_string()),
                ("JZJYXQJZSJ", copy.expires_on.to_string()),
            ]);
            all.extend(copy.number.map(|number| (COPY_NUMBER, number.to_owned())));
        }
        for field in self.fields.iter().filter(|field| !field.value.is_empty()) {
            if all.iter().all(|(name, _)| *name != field.name) {
                all.push((field.name.as_str(), field.value.clone()));
            }
        }
        all
    }

    pub(super) fn values(&self) -> BTreeMap<&str, String> {
        self.metadata().into_iter().collect()
    }
}
