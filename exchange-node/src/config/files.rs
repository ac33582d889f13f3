//! The files that a configuration names: are they there, and are keys readable by nobody else?

use super::Config;
use serde::Serialize;
use std::{
    fmt,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// A file that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The setting that names it.
    pub setting: String,
    /// Which file.
    pub path: PathBuf,
    /// What was found.
    pub found: String,
    /// What is needed.
    pub needed: &'static str,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { setting, path, found, needed } = self;
        write!(f, "{setting}: {}: found {found}, needed {needed}", path.display())
    }
}

/// Files that are not there, and keys that others can read.
pub fn faults(config: &Config) -> Vec<Fault> {
    let mut public: Vec<(String, &Path)> = vec![
        ("identity.certificate".to_owned(), &config.identity.certificate),
        ("trust.bundle".to_owned(), &config.trust.bundle),
    ];
    public.extend(config.trust.roots.iter().map(|path| ("trust.roots".to_owned(), path.as_path())));
    public.extend(config.trust.crls.iter().map(|path| ("trust.crls".to_owned(), path.as_path())));
    for (uscc, department) in &config.departments {
        public.push((format!("departments.{uscc}.certificate"), &department.certificate));
        if let Some(seal) = &department.seal {
            public.push((format!("departments.{uscc}.seal.file"), &seal.file));
            public.push((format!("departments.{uscc}.seal.certificate"), &seal.certificate));
        }
    }
    if let Some(kafka) = &config.kafka {
        for (name, path) in [("kafka.ca", &kafka.ca), ("kafka.certificate", &kafka.certificate)] {
            public.extend(path.iter().map(|path| (name.to_owned(), path.as_path())));
        }
    }
    let folder = config.trust.seal_crls.iter().filter(|path| !path.is_dir()).map(|path| Fault {
        setting: "trust.seal_crls".to_owned(),
        path: path.clone(),
        found: "no folder".to_owned(),
        needed: "a folder that can be read",
    });
    let public = public.into_iter().filter_map(|(setting, path)| absent(&setting, path));
    public.chain(folder).chain(secret(config).into_iter().filter_map(|(setting, path)| loose(&setting, path))).collect()
}

/// Private keys, by the setting that names them.
fn secret(config: &Config) -> Vec<(String, &Path)> {
    let mut secret: Vec<(String, &Path)> = [
        ("identity.key", &config.identity.key),
        ("keys.event_log", &config.keys.event_log),
        ("keys.access_log", &config.keys.access_log),
        ("keys.store", &config.keys.store),
    ]
    .map(|(name, path)| (name.to_owned(), path.as_path()))
    .into();
    secret.extend(config.keys.index.iter().map(|path| ("keys.index".to_owned(), path.as_path())));
    for (uscc, department) in &config.departments {
        secret.push((format!("departments.{uscc}.key"), &department.key));
        if let Some(seal) = &department.seal {
            secret.push((format!("departments.{uscc}.seal.key"), &seal.key));
        }
    }
    if let Some(key) = config.kafka.as_ref().and_then(|kafka| kafka.key.as_ref()) {
        secret.push(("kafka.key".to_owned(), key));
    }
    secret
}

fn absent(setting: &str, path: &Path) -> Option<Fault> {
    let fault = |found: String| Fault {
        setting: setting.to_owned(),
        path: path.to_owned(),
        found,
        needed: "a file that can be read",
    };
    match std::fs::metadata(path) {
        Err(error) => Some(fault(error.to_string())),
        Ok(found) if !found.is_file() => Some(fault("no file".to_owned())),
        Ok(_) => None,
    }
}

fn loose(setting: &str, path: &Path) -> Option<Fault> {
    if let Some(fault) = absent(setting, path) {
        return Some(fault);
    }
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o7777;
    (mode & 0o177 != 0).then(|| Fault {
        setting: setting.to_owned(),
        path: path.to_owned(),
        found: format!("mode {mode:04o}"),
        needed: "mode 0600: chmod 600 it, and think of whether somebody read it",
    })
}
