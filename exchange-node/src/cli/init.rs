//! `init`.

use super::{
    Failure, Format,
    output::{print, print_json},
};
use crate::exit::Exit;
use ca_tools::{Error, console::note, files, keyfile, keys, new_request};
use clap::Args;
use exchange_core::{
    checkpoint::LogKind,
    region::Region,
    spiffe::{Name, TrustDomain},
};
use serde_json::json;
use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

const EXAMPLES: &str = "\
Examples:
  exchange-node init --region 370100 --name jinan-1 --trust-domain dzzz.example --dir jinan
  exchange-node init --region 370200 --name qingdao-1 --trust-domain dzzz.example --dir qingdao \\
    --environment exercise --listen 127.0.0.1:8444 --kafka localhost:9092
";

#[derive(Debug, Clone, Args)]
#[command(before_help = EXAMPLES)]
pub(super) struct InitArgs {
    /// Six digits, GB/T 2260; the province's node has the province's code.
    #[arg(long)]
    region: String,
    /// Name of the node within its region.
    #[arg(long)]
    name: String,
    /// Trust domain of the province.
    #[arg(long)]
    trust_domain: String,
    /// New folder.
    #[arg(long, value_name = "FOLDER")]
    dir: PathBuf,
    /// Real, or for demo, training and tests.
    #[arg(long, value_enum, default_value = "production")]
    environment: EnvironmentArg,
    /// Where it listens.
    #[arg(long, default_value = "127.0.0.1:8443", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// Kafka's bootstrap servers.
    #[arg(long, value_name = "HOST:PORT")]
    kafka: Option<String>,
    /// Print the configuration that would be written, and make nothing.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum EnvironmentArg {
    /// Real certificates.
    Production,
    /// Demo, training, tests.
    Exercise,
}

pub(super) fn run(args: &InitArgs, format: Format) -> Result<Exit, Failure> {
    let region = Region::parse(&args.region).map_err(|error| Failure::usage(format!("--region: {error}")))?;
    let name = Name::parse(&args.name).map_err(|error| Failure::usage(format!("--name: {error}")))?;
    let domain =
        TrustDomain::parse(&args.trust_domain).map_err(|error| Failure::usage(format!("--trust-domain: {error}")))?;
    if args.dir.exists() {
        return Err(Error::Exists(args.dir.clone()).into());
    }
    let text = config(args, region);
    // A template that the node would refuse must not reach anybody.
    crate::config::parse(&text, [])?;
    if args.dry_run {
        match format {
            Format::Json => print_json(&json!({ "would_make": args.dir, "config": text }))?,
            Format::Table => print(text.trim_end())?,
        }
        return Ok(Exit::Ok);
    }
    let dir = |path: &str| args.dir.join(path);
    for folder in ["", "keys", "trust", "departments"] {
        fs::create_dir(dir(folder)).map_err(|error| Failure::file(&dir(folder), &error))?;
    }
    for (kind, file) in [(LogKind::Events, "event-log"), (LogKind::Access, "access-log")] {
        let (key, public) = keys::new_log_key(&domain, region, kind, 1)?;
        keyfile::write(&dir(&format!("keys/{file}.key")), &key, None)?;
        let public = format!("{public}\n");
        files::write_new(&dir(&format!("keys/{file}.vkey")), files::PUBLIC, public.as_bytes())?;
    }
    files::write_new(&dir("keys/store.key"), files::SECRET, keys::new_store_key()?.to_file().as_bytes())?;
    let (key, request) = new_request(name.as_str())?;
    keyfile::write(&dir("keys/node.key"), &key, None)?;
    files::write_new(&dir("node.csr"), files::PUBLIC, request.as_bytes())?;
    files::write_new(&dir("config.toml"), files::PUBLIC, text.as_bytes())?;
    if format == Format::Json {
        print_json(&json!({
            "folder": args.dir,
            "config": dir("config.toml"),
            "request": dir("node.csr"),
            "event_log_vkey": dir("keys/event-log.vkey"),
            "access_log_vkey": dir("keys/access-log.vkey"),
            "next": next(args, region),
        }))?;
    } else {
        note(&format!("{}: configuration, keys and the request for a credential", args.dir.display()), format);
        print(&next(args, region))?;
    }
    Ok(Exit::Ok)
}

fn config(args: &InitArgs, region: Region) -> String {
    let kafka = match &args.kafka {
        Some(servers) => format!("[kafka]\nbootstrap_servers = {}", toml::Value::from(servers.as_str())),
        None => "# [kafka]\n# bootstrap_servers = \"kafka-1:9092,kafka-2:9092\"".to_owned(),
    };
    let environment = match args.environment {
        EnvironmentArg::Production => "production",
        EnvironmentArg::Exercise => "exercise",
    };
    let city = region.name().map(|name| format!(" ({name})")).unwrap_or_default();
    include_str!("init/config.toml")
        .replace("{region}", region.as_str())
        .replace("{name}", &args.name)
        .replace("{trust_domain}", &args.trust_domain)
        .replace("{environment}", environment)
        .replace("{listen}", &args.listen.to_string())
        .replace("{kafka}", &kafka)
        .replace("{city_name}", region.name().unwrap_or_default())
        .replace("{city}", &city)
}

/// What remains to be done, as commands.
fn next(args: &InitArgs, region: Region) -> String {
    let (dir, name, listen) = (args.dir.display(), &args.name, args.listen);
    let city = region.name().unwrap_or_default();
    let absolute = |path: &str| {
        let folder: &Path = &args.dir;
        folder.canonicalize().unwrap_or_else(|_| folder.to_owned()).join(path).display().to_string()
    };
    let (events, access) = (absolute("keys/event-log.vkey"), absolute("keys/access-log.vkey"));
    format!(
        "\
# 1. The operator of region {region}'s CA issues the credential (CA is its folder):
ca-tools issue --ca CA --profile node --name {name} --csr {dir}/node.csr --out {dir}/node.crt

# 2. The province's operator names the node in bundle.toml, then builds and signs the bundle:
#      [[region]]
#      code = \"{region}\"
#      name = \"{city}\"
#      ca = [\"CA/ca.crt\"]
#      index_key = \"index.key\"
#      [[region.node]]
#      address = \"{listen}\"
#      name = \"{name}\"
#      [[region.log]]
#      key = \"{events}\"
#      [[region.log]]
#      key = \"{access}\"
ca-tools bundle build --config bundle.toml --out bundle.unsigned
ca-tools bundle sign --in bundle.unsigned --key trust.key --cert trust.crt --out {dir}/trust/bundle.pb

# 3. What everybody believes, and the province's index key, come by file:
cp ROOT/ca.crt {dir}/trust/root.crt
# The CRL of the root and of every city's CA
cat ROOT/crl.pem CA/crl.pem > {dir}/trust/crls.pem
install -m 600 index.key {dir}/keys/index.key

# 4. For each department that entrusts its key; then [departments] and [systems] in config.toml:
ca-tools csr new --name civil-affairs --out {dir}/departments/civil-affairs
ca-tools issue --ca CA --profile document --name USCC --csr {dir}/departments/civil-affairs.csr \\
  --out {dir}/departments/civil-affairs.crt

# 5. Check, and run:
exchange-node config check --config {dir}/config.toml
exchange-node doctor --pre --config {dir}/config.toml
exchange-node run --config {dir}/config.toml"
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::config::{Environment, parse};
    use std::os::unix::fs::PermissionsExt;

    fn args(dir: PathBuf) -> InitArgs {
        InitArgs {
            region: "370100".into(),
            name: "jinan-1".into(),
            trust_domain: "dzzz.example".into(),
            dir,
            environment: EnvironmentArg::Exercise,
            listen: "127.0.0.1:8443".parse().unwrap(),
            kafka: Some("localhost:9092".into()),
            dry_run: false,
        }
    }

    #[test]
    fn the_template_is_a_configuration_and_says_the_defaults() {
        let region = Region::parse("370100").unwrap();
        let config = parse(&config(&args("x".into()), region), []).unwrap();
        assert_eq!((config.node.region, config.node.name.as_str()), (region, "jinan-1"));
        assert_eq!(config.node.environment, Environment::Exercise);
        assert_eq!(config.kafka.unwrap().bootstrap_servers, "localhost:9092");
        assert_eq!(config.freshness, crate::config::Freshness::default());
        assert_eq!(config.limits, crate::config::Limits::default());
        assert_eq!(config.telemetry, crate::config::Telemetry::default());
    }

    #[test]
    fn the_commented_examples_are_configuration_too() {
        let region = Region::parse("370100").unwrap();
        let text = super::config(&args("x".into()), region);
        let examples = [
            "[departments",
            "name = \"济南",
            "certificate = \"dep",
            "key = \"dep",
            "authorisation",
            "file = \"dep",
            "[systems",
        ];
        let more = ["departments = ", "types = ", "lookup = ", "metrics = ", "alone = "];
        let wanted = |line: &str| examples.iter().chain(&more).any(|start| line.starts_with(start));
        let uncommented: Vec<&str> =
            text.lines().map(|line| line.strip_prefix("# ").filter(|rest| wanted(rest)).unwrap_or(line)).collect();
        let config = parse(&uncommented.join("\n"), []).unwrap();
        assert_eq!(config.departments["11370100XXXX000055"].name, "济南市民政局");
        assert!(config.departments["11370100XXXX000055"].seal.is_some());
        assert!(config.systems["hall"].lookup && config.node.alone && config.listen.metrics.is_some());
    }

    #[test]
    fn a_folder_is_made_once_with_secret_keys() {
        let folder = tempfile::tempdir().unwrap();
        let args = args(folder.path().join("jinan"));
        let dry = InitArgs { dry_run: true, ..args.clone() };
        assert_eq!(run(&dry, Format::Table).unwrap(), Exit::Ok);
        assert!(!args.dir.exists(), "a dry run makes nothing");
        assert_eq!(run(&args, Format::Table).unwrap(), Exit::Ok);
        for key in ["node.key", "event-log.key", "access-log.key", "store.key"] {
            let mode = fs::metadata(args.dir.join("keys").join(key)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{key}");
        }
        let loaded = crate::config::load(&args.dir.join("config.toml"), []).unwrap();
        assert_eq!(loaded.identity.key, args.dir.join("keys/node.key"));
        let failure = run(&args, Format::Table).unwrap_err();
        assert_eq!(failure.exit(), Exit::Conflict);
    }
}
