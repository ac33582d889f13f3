//! Reads the configuration: file, then environment, then checks.

use super::Config;
use exchange_core::region::Region;
use serde::{Deserialize, Deserializer, de};
use std::{
    io::Read,
    path::{Path, PathBuf},
};

/// Largest configuration that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Why a configuration is refused. The old one stays.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file does not read.
    #[error("{path}: {source}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The text is not a configuration.
    #[error("{0}")]
    Parse(String),
    /// Two values contradict each other.
    #[error("{0}")]
    Contradiction(String),
}

/// Reads a file, lays `overrides` (names `EXCHANGE__SECTION__KEY`) over it, and resolves relative paths.
///
/// # Errors
/// See [`Error`].
pub fn load(path: &Path, overrides: impl IntoIterator<Item = (String, String)>) -> Result<Config, Error> {
    let text = text(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    let mut config = parse(&text, overrides)?;
    resolve(&mut config, path.parent().unwrap_or(Path::new(".")));
    Ok(config)
}

fn text(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        let problem = format!("more than {MAX_BYTES} bytes: is this the configuration?");
        return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, problem));
    }
    Ok(text)
}

/// Reads text; paths stay as written.
///
/// # Errors
/// See [`Error`].
pub fn parse(text: &str, overrides: impl IntoIterator<Item = (String, String)>) -> Result<Config, Error> {
    let mut table: toml::Table = text.parse().map_err(|error: toml::de::Error| Error::Parse(error.to_string()))?;
    for (name, value) in overrides {
        let Some(path) = name.strip_prefix("EXCHANGE__") else { continue };
        let parts: Vec<String> = path.split("__").map(str::to_lowercase).collect();
        set(&mut table, &parts, &value)
            .ok_or_else(|| Error::Parse(format!("environment variable {name}: needed EXCHANGE__SECTION__KEY")))?;
    }
    let config = Config::deserialize(table).map_err(|error| Error::Parse(with_suggestion(&error.to_string())))?;
    check(&config)?;
    Ok(config)
}

fn set(table: &mut toml::Table, path: &[String], value: &str) -> Option<()> {
    let (last, sections) = path.split_last()?;
    let mut at = table;
    for section in sections {
        at = at.entry(section.clone()).or_insert_with(|| toml::Table::new().into()).as_table_mut()?;
    }
    // As TOML where it is TOML (numbers, booleans, lists), else as a string.
    let parsed = format!("value = {value}").parse::<toml::Table>().ok().and_then(|mut table| table.remove("value"));
    at.insert(last.clone(), parsed.unwrap_or_else(|| toml::Value::String(value.to_owned())));
    Some(())
}

/// Adds the nearest known key to serde's "unknown field `a`, expected one of `b`, `c`".
pub(crate) fn with_suggestion(message: &str) -> String {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let (Some((unknown, known)), true) = (quoted.split_first(), message.contains("unknown field")) else {
        return message.to_owned();
    };
    match known.iter().max_by(|a, b| strsim::jaro(unknown, a).total_cmp(&strsim::jaro(unknown, b))) {
        Some(near) if strsim::jaro(unknown, near) > 0.7 => format!("{message}\ndid you mean `{near}`?"),
        _ => message.to_owned(),
    }
}

/// Ten years: what is wanted for longer is in the access log.
const MAX_KEPT_DAYS: u32 = 3_650;

fn check(config: &Config) -> Result<(), Error> {
    let refuse = |text: String| Err(Error::Contradiction(text));
    for uscc in config.departments.keys() {
        if let Err(error) = exchange_core::uscc::Uscc::parse(uscc) {
            return refuse(format!("departments.{uscc}: {error}"));
        }
    }
    for code in config.licences.templates.keys() {
        if let Err(error) = exchange_core::certificate_id::TypeCode::parse(code) {
            return refuse(format!("licences.templates.{code}: {error}"));
        }
    }
    let copies = &config.licences.copies;
    if !(1..=exchange_core::copy::MAX_DAYS).contains(&copies.days) {
        return refuse(format!("licences.copies.days is {}, 1 to {}", copies.days, exchange_core::copy::MAX_DAYS));
    }
    if copies.kept_days > MAX_KEPT_DAYS {
        return refuse(format!("licences.copies.kept_days is {}, at most {MAX_KEPT_DAYS}", copies.kept_days));
    }
    for (name, system) in &config.systems {
        if let Some(uscc) = system.departments.iter().find(|uscc| !config.departments.contains_key(*uscc)) {
            return refuse(format!("systems.{name} acts for {uscc}, whose key is not under [departments]"));
        }
        if !system.departments.is_empty() && system.types.is_empty() {
            return refuse(format!("systems.{name} has departments and no types: list them, or \"*\""));
        }
    }
    if config.freshness.heartbeat_seconds == 0 || config.freshness.anchor_seconds == 0 {
        return refuse("freshness: intervals are at least one second".to_owned());
    }
    if config.freshness.stale_after_seconds < 2 * config.freshness.heartbeat_seconds {
        return refuse("freshness.stale_after_seconds is less than two heartbeats".to_owned());
    }
    let limits = &config.limits;
    let places =
        [limits.concurrent_calls, limits.concurrent_calls_per_caller, limits.documents, limits.documents_per_caller];
    if places.contains(&0) || limits.handshakes == 0 {
        return refuse("limits: a limit of zero lets nobody in".to_owned());
    }
    if limits.refused_records_per_hour == 0 {
        return refuse("limits.refused_records_per_hour is at least one: refusals are recorded".to_owned());
    }
    if let Some(kafka) = &config.kafka
        && kafka.certificate.is_some() != kafka.key.is_some()
    {
        return refuse("kafka.certificate and kafka.key go together".to_owned());
    }
    Ok(())
}

fn resolve(config: &mut Config, folder: &Path) {
    let mut paths = vec![
        &mut config.node.data,
        &mut config.identity.certificate,
        &mut config.identity.key,
        &mut config.trust.bundle,
        &mut config.keys.event_log,
        &mut config.keys.access_log,
        &mut config.keys.store,
    ];
    paths.extend(&mut config.trust.roots);
    paths.extend(&mut config.trust.crls);
    paths.extend(&mut config.trust.seal_crls);
    paths.extend(&mut config.keys.index);
    for department in config.departments.values_mut() {
        paths.extend([&mut department.certificate, &mut department.key]);
        if let Some(seal) = &mut department.seal {
            paths.extend([&mut seal.file, &mut seal.certificate, &mut seal.key]);
        }
    }
    if let Some(kafka) = &mut config.kafka {
        paths.extend([&mut kafka.ca, &mut kafka.certificate, &mut kafka.key].into_iter().flatten());
    }
    for path in paths {
        *path = folder.join(&*path);
    }
    // A name has no ending; what has one is a file.
    for template in config.licences.templates.values_mut().filter(|name| is_template_file(name)) {
        *template = folder.join(&*template).display().to_string();
    }
}

/// A template of one's own, and not one that belongs to the program.
pub(crate) fn is_template_file(name: &str) -> bool {
    Path::new(name).extension().is_some()
}

pub(super) fn region<'de, D: Deserializer<'de>>(input: D) -> Result<Region, D::Error> {
    let text = String::deserialize(input)?;
    Region::parse(&text).map_err(de::Error::custom)
}
