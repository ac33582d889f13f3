//! `catalogue`.

use super::{
    ClientArgs, Failure, Format,
    certificate::uuid_v7,
    output::{json, print, print_facts, print_json, print_rows, word},
};
use crate::{
    catalogue::{
        Item,
        file::{self, Error},
    },
    clock::Clock,
    exit::Exit,
};
use ca_tools::console::note;
use clap::Subcommand;
use exchange_core::reason::Reason;
use exchange_proto::{
    catalogue as convert,
    v1::{self, catalogue_service_client::CatalogueServiceClient},
};
use std::{path::PathBuf, time::Duration};
use tonic::{Status, transport::Channel};
use tonic_types::StatusExt;

const PUBLISH: &str = "\
Examples:
  # By the province's operator
  exchange-node catalogue publish --profile province.toml certificate-types.json matters.json
  # By a city's operator, first only checked
  exchange-node catalogue publish --profile jinan.toml --dry-run implementations-370100.json
";

const SHOW: &str = "\
Examples:
  exchange-node catalogue show --profile operator.toml
  exchange-node catalogue show --profile operator.toml 11100000MB03271699001
  exchange-node catalogue show --profile operator.toml 372099007000 --region 370100 -o json
";

#[derive(Debug, Subcommand)]
pub(super) enum CatalogueCommand {
    /// Publish the items of JSON files, in their order. An item that is there already, and the same, is passed over; for a
    /// matter that the province has just published, an implementation waits some seconds.
    #[command(before_help = PUBLISH)]
    Publish {
        /// Files of certificate types, matters and implementations.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Let the node check, and publish nothing.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        client: Box<ClientArgs>,
    },
    /// Show all types and matters, or one: a type by 21 characters, a matter by 12.
    #[command(before_help = SHOW)]
    Show {
        /// Type code or matter code.
        code: Option<String>,
        /// Else the newest.
        #[arg(long, default_value = "0")]
        version: u32,
        /// With this region's implementation of a matter.
        #[arg(long, default_value = "", value_name = "CODE")]
        region: String,
        #[command(flatten)]
        client: Box<ClientArgs>,
    },
}

pub(super) async fn run(command: &CatalogueCommand, format: Format) -> Result<Exit, Failure> {
    match command {
        CatalogueCommand::Publish { files, dry_run, client } => publish(files, *dry_run, client, format).await,
        CatalogueCommand::Show { code: None, region, client, .. } => {
            all(CatalogueServiceClient::new(client.channel().await?), region, format).await
        }
        CatalogueCommand::Show { code: Some(code), version, region, client } => {
            let client = CatalogueServiceClient::new(client.channel().await?);
            one(client, code, *version, region, format).await
        }
    }
}

type Client = CatalogueServiceClient<Channel>;

/// Longest wait for a matter that the node does not have yet, and between two looks.
const ON_ITS_WAY: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(200);

async fn publish(files: &[PathBuf], dry_run: bool, client: &ClientArgs, format: Format) -> Result<Exit, Failure> {
    // All files are read before anything is published.
    let mut items = Vec::new();
    for path in files {
        items.extend(file::read(path).map_err(unreadable)?);
    }
    let mut client = CatalogueServiceClient::new(client.channel().await?);
    let mut published = Vec::new();
    for item in items {
        let (kind, code, version) = named(&item);
        let done = send_once_applied(&mut client, &item, dry_run, format)
            .await
            .map_err(|status| Failure::from(status).about(format!("{kind} {code} version {version}")))?;
        published.push((kind, done));
    }
    if format == Format::Json {
        let all: Result<Vec<_>, _> = published.iter().map(|(_, done)| json("Published", done)).collect();
        print_json(&all?.into())?;
    } else {
        let rows = published.iter().map(|(kind, done)| {
            let position =
                done.position.as_ref().map(|at| format!("{} epoch {} entry {}", at.region, at.epoch, at.index));
            let outcome = position.unwrap_or_else(|| "checked, not published".to_owned());
            [(*kind).to_owned(), done.code.clone(), done.version.to_string(), outcome]
        });
        print_rows(["item", "code", "version", "position"], rows.collect())?;
    }
    Ok(Exit::Ok)
}

/// An implementation names a matter that the province may have published a moment ago: it is on its way over the
/// province's log, and the node has it soon.
async fn send_once_applied(
    client: &mut Client,
    item: &Item,
    validate_only: bool,
    format: Format,
) -> Result<v1::Published, Status> {
    let clock = Clock::default();
    let end = clock.instant() + ON_ITS_WAY;
    let mut told = false;
    loop {
        let answer = send(client, item.clone(), validate_only).await;
        let behind = matches!((&answer, item), (Err(status), Item::Implementation(_)) if is_behind(status));
        if !behind || clock.instant() >= end {
            return answer;
        }
        if !told {
            note("waiting for what the province has published", format);
            told = true;
        }
        clock.sleep(LOOK).await;
    }
}

fn is_behind(status: &Status) -> bool {
    let details = status.get_error_details();
    details.error_info().is_some_and(|info| info.reason == Reason::MatterUnknown.code())
}

async fn send(client: &mut Client, item: Item, validate_only: bool) -> Result<v1::Published, Status> {
    let request_id = uuid_v7();
    let answer = match item {
        Item::CertificateType(kind) => {
            let certificate_type = Some(convert::encode_certificate_type(&kind));
            let request = v1::PublishCertificateTypeRequest { request_id, certificate_type, validate_only };
            client.publish_certificate_type(request).await
        }
        Item::Matter(matter) => {
            let matter = Some(convert::encode_matter(&matter));
            client.publish_matter(v1::PublishMatterRequest { request_id, matter, validate_only }).await
        }
        Item::Implementation(implementation) => {
            let implementation = Some(convert::encode_implementation(&implementation));
            let request = v1::PublishImplementationRequest { request_id, implementation, validate_only };
            client.publish_implementation(request).await
        }
    };
    Ok(answer?.into_inner())
}

fn named(item: &Item) -> (&'static str, String, u32) {
    let (code, version) = item.name();
    let kind = match item {
        Item::CertificateType(_) => "type",
        Item::Matter(_) => "matter",
        Item::Implementation(_) => "implementation",
    };
    (kind, code, version)
}

fn unreadable(error: Error) -> Failure {
    match &error {
        Error::Io { path, source } => Failure::file(path.as_ref(), source),
        _ => Failure::usage(error),
    }
}

async fn all(mut client: Client, region: &str, format: Format) -> Result<Exit, Failure> {
    let mut types = Vec::new();
    let mut request = v1::ListCertificateTypesRequest { page_size: 1_000, page_token: String::new() };
    loop {
        let page = client.list_certificate_types(request).await?.into_inner();
        types.extend(page.certificate_types);
        if page.next_page_token.is_empty() {
            break;
        }
        request = v1::ListCertificateTypesRequest { page_size: 1_000, page_token: page.next_page_token };
    }
    let mut matters = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = v1::ListMattersRequest { page_size: 1_000, page_token, region: region.to_owned() };
        let page = client.list_matters(request).await?.into_inner();
        matters.extend(page.matters);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    if format == Format::Json {
        let types: Result<Vec<_>, _> = types.iter().map(|kind| json("CertificateType", kind)).collect();
        let matters: Result<Vec<_>, _> = matters.iter().map(|view| json("MatterView", view)).collect();
        print_json(&serde_json::json!({ "certificate_types": types?, "matters": matters? }))?;
        return Ok(Exit::Ok);
    }
    let rows = types.iter().map(|kind| {
        let sharing = word(kind.sharing().as_str_name(), "SHARING_").to_lowercase();
        [kind.type_code.clone(), kind.version.to_string(), kind.name.clone(), kind.fields.len().to_string(), sharing]
    });
    print_rows(["type", "version", "name", "fields", "sharing"], rows.collect())?;
    print("")?;
    let rows = matters.iter().filter_map(|view| {
        let matter = view.matter.as_ref()?;
        let state = match view.implementation_state() {
            v1::ImplementationState::Unspecified => String::new(),
            state => word(state.as_str_name(), "IMPLEMENTATION_STATE_").to_lowercase(),
        };
        Some([matter.matter_code.clone(), matter.version.to_string(), matter.name.clone(), state])
    });
    print_rows(["matter", "version", "name", "implementation"], rows.collect())?;
    Ok(Exit::Ok)
}

async fn one(mut client: Client, code: &str, version: u32, region: &str, format: Format) -> Result<Exit, Failure> {
    if code.chars().count() == 21 {
        let request = v1::GetCertificateTypeRequest { type_code: code.to_owned(), version };
        let kind = client.get_certificate_type(request).await?.into_inner();
        if format == Format::Json {
            print_json(&json("CertificateType", &kind)?)?;
        } else {
            show_type(&kind)?;
        }
        return Ok(Exit::Ok);
    }
    let request = v1::GetMatterRequest { matter_code: code.to_owned(), version, region: region.to_owned() };
    let view = client.get_matter(request).await?.into_inner();
    if format == Format::Json {
        print_json(&json("MatterView", &view)?)?;
    } else {
        show_matter(&view)?;
    }
    Ok(Exit::Ok)
}

fn show_type(kind: &v1::CertificateType) -> Result<(), Failure> {
    let authority = kind.defining_authority.as_ref().map(|body| body.name.clone()).unwrap_or_default();
    print_facts(&[
        ("type", format!("{} version {}", kind.type_code, kind.version)),
        ("name", kind.name.clone()),
        ("defined by", authority),
        ("holder code types", kind.holder_code_types.join(", ")),
        ("legal form", word(kind.legal_form().as_str_name(), "LEGAL_FORM_")),
        ("sharing", word(kind.sharing().as_str_name(), "SHARING_")),
    ])?;
    print("")?;
    let fields = kind.fields.iter().map(|field| {
        let required = if field.required { "required" } else { "" };
        let format = word(field.format().as_str_name(), "FIELD_FORMAT_").to_lowercase();
        [field.name.clone(), field.label.clone(), format, required.to_owned()]
    });
    print_rows(["field", "label", "format", ""], fields.collect())?;
    print("")?;
    let codes = kind.status_codes.iter();
    let codes =
        codes.map(|code| [code.code.clone(), code.name.clone(), super::certificate::status_word(code.status())]);
    print_rows(["status code", "name", "means"], codes.collect())
}

fn show_matter(view: &v1::MatterView) -> Result<(), Failure> {
    let Some(matter) = &view.matter else { return Ok(()) };
    let implementation = view.implementation.as_ref();
    print_facts(&[
        ("matter", format!("{} version {}", matter.matter_code, matter.version)),
        ("name", matter.name.clone()),
        ("implementation", implementation.map(|one| one.implementation_code.clone()).unwrap_or_default()),
        ("collecting regions", implementation.map(|one| one.collecting_regions.join(", ")).unwrap_or_default()),
        ("void because", view.void_reason.clone()),
    ])?;
    print("")?;
    let materials = matter.materials.iter().map(|material| {
        let source = word(material.source().as_str_name(), "MATERIAL_SOURCE_").to_lowercase();
        [material.name.clone(), source, material.type_code.clone(), material.fields.join(", ")]
    });
    print_rows(["material", "source", "type", "fields"], materials.collect())
}
