//! `document render`: what a licence of a template looks like, without a node and without a seal.

use crate::{
    cli::{
        Failure, Format,
        output::{print_facts, print_json},
    },
    exit::Exit,
};
use ca_tools::files;
use clap::Args;
use exchange_core::{
    certificate::{Environment, Field, MAX_VALUES_BYTES},
    certificate_id::CertificateId,
    date::Date,
    issuer::Issuer,
    uscc::Uscc,
};
use exchange_seal::licence::{CopyNote, Facts, Layout, MAX_TEMPLATE_BYTES, Template, lay_out, template_names};
use serde::Deserialize;
use serde_json::json;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

pub(super) const EXAMPLES: &str = r#"Examples:
  exchange-node document render --template business-licence --values values.json --out licence.ofd
  exchange-node document render --template my.toml --values values.json --out licence.svg -o json

values.json, all texts; "copy" makes a copy for one use (加注件), "valid_until" may be missing (长期):
  {"certificate_id": "1.2.156.3005.2.11100000MB0143028R001.11370100XXXX00001Q.370100202600000001.001.O",
   "type_name": "营业执照", "environment": "exercise",
   "issuer": {"uscc": "11370100XXXX00001Q", "name": "济南市行政审批服务局"},
   "issued_on": "2026-11-25", "valid_from": "2026-11-25", "valid_until": "2030-11-24",
   "fields": {"CZZT": "样例有限公司", "CZZTDM": "91379999MA0000001T", "KZ_LX": "有限责任公司"},
   "copy": {"cause": "办理开户", "requester": "样例银行",
            "made_on": "2026-11-25", "expires_on": "2026-12-24"}}
"#;

/// What is around the values in the file.
const MAX_ENVELOPE_BYTES: usize = 64 * 1024;

#[derive(Debug, Args)]
pub(in crate::cli) struct RenderArgs {
    /// A template of this program (business-licence, food-business-licence, real-estate-certificate,
    /// road-transport-licence), or a file (.toml).
    #[arg(long, value_name = "NAME|FILE")]
    template: String,
    /// What the licence says (JSON).
    #[arg(long, value_name = "FILE")]
    values: PathBuf,
    /// What is written: .ofd, without a seal, or .svg.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[cfg(test)]
impl RenderArgs {
    pub(super) fn new(template: &str, values: &Path, out: &Path) -> Self {
        Self { template: template.to_owned(), values: values.to_owned(), out: out.to_owned() }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Values {
    certificate_id: String,
    type_name: String,
    environment: EnvironmentValue,
    issuer: IssuerValue,
    issued_on: String,
    valid_from: String,
    valid_until: Option<String>,
    fields: BTreeMap<String, String>,
    copy: Option<CopyValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum EnvironmentValue {
    Production,
    Exercise,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IssuerValue {
    uscc: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CopyValue {
    cause: String,
    requester: String,
    made_on: String,
    expires_on: String,
    number: Option<String>,
}

pub(super) fn run(args: &RenderArgs, format: Format) -> Result<Exit, Failure> {
    let template = template(&args.template)?;
    let layout = layout(&template, &args.values)?;
    let refused = |error: exchange_seal::licence::Error| Failure::usage(error.to_string());
    let bytes = match args.out.extension().and_then(|ending| ending.to_str()) {
        Some("ofd") => layout.ofd().map_err(refused)?,
        Some("svg") => layout.svg().map_err(refused)?.into_bytes(),
        _ => return Err(Failure::usage(format!("{}: .ofd or .svg is written", args.out.display()))),
    };
    files::replace(&args.out, &bytes)?;
    let (pages, seal) = (layout.page_count(), layout.seal_boundary());
    match format {
        Format::Table => print_facts(&[
            ("template", template.name().to_owned()),
            ("pages", pages.to_string()),
            ("seal on page 1 (mm)", seal),
            ("written", format!("{}, {} bytes", args.out.display(), bytes.len())),
        ])?,
        Format::Json => print_json(&json!({
            "template": template.name(),
            "pages": pages,
            "seal_boundary_mm": seal,
            "file": args.out.display().to_string(),
            "bytes": bytes.len(),
        }))?,
    }
    Ok(Exit::Ok)
}

fn template(name: &str) -> Result<Template, Failure> {
    let path = Path::new(name);
    if template_names().contains(&name) || path.extension().is_none() {
        return Template::built_in(name).map_err(|error| Failure::usage(error.to_string()));
    }
    let bytes = files::read(path, MAX_TEMPLATE_BYTES)?;
    let text = String::from_utf8(bytes).map_err(|_| Failure::usage(format!("{name}: not UTF-8")))?;
    Template::parse(&text).map_err(|error| Failure::usage(format!("{name}: {error}")))
}

fn layout(template: &Template, path: &Path) -> Result<Layout, Failure> {
    let wrong = |detail: String| Failure::usage(format!("{}: {detail}", path.display()));
    let bytes = files::read(path, MAX_VALUES_BYTES + MAX_ENVELOPE_BYTES)?;
    let values: Values = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
    let date = |name: &str, text: &str| Date::parse(text).map_err(|error| wrong(format!("{name}: {error}")));
    let id = CertificateId::parse(&values.certificate_id).map_err(|error| wrong(format!("certificate_id: {error}")))?;
    let uscc = Uscc::parse(&values.issuer.uscc).map_err(|error| wrong(format!("issuer.uscc: {error}")))?;
    let issuer = Issuer { uscc, name: values.issuer.name };
    let fields: Vec<Field> = values.fields.into_iter().map(|(name, value)| Field { name, value }).collect();
    let copy = match &values.copy {
        None => None,
        Some(copy) => Some(CopyNote {
            cause: &copy.cause,
            requester: &copy.requester,
            made_on: date("copy.made_on", &copy.made_on)?,
            expires_on: date("copy.expires_on", &copy.expires_on)?,
            number: copy.number.as_deref(),
        }),
    };
    let facts = Facts {
        environment: match values.environment {
            EnvironmentValue::Production => Environment::Production,
            EnvironmentValue::Exercise => Environment::Exercise,
        },
        certificate_id: &id,
        type_name: &values.type_name,
        issuer: &issuer,
        issued_on: date("issued_on", &values.issued_on)?,
        valid_from: date("valid_from", &values.valid_from)?,
        valid_until: values.valid_until.as_deref().map(|text| date("valid_until", text)).transpose()?,
        fields: &fields,
        copy,
    };
    lay_out(template, &facts).map_err(|error| wrong(error.to_string()))
}
