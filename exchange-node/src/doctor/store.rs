//! The node's folder, from outside: opening the store would change it, and might leave files that the node's own user
//! cannot write.

use super::{Report, Subject, running::Running};
use crate::{config::Config, space, store};
use std::path::Path;

pub(super) fn check(config: &Config, pre: bool, running: Option<&Running>, report: &mut Report) {
    let folder = &config.node.data;
    let there = folder.join("own").is_dir();
    match std::fs::metadata(folder) {
        Ok(found) if !found.is_dir() => {
            return report.failed(Subject::StoreFolder, format!("{} is no folder", folder.display()));
        }
        Ok(found) if found.permissions().readonly() => {
            return report.failed(Subject::StoreFolder, format!("{} cannot be written", folder.display()));
        }
        Ok(_) if there => report.ok(Subject::StoreFolder, format!("a store is in {}", folder.display())),
        Ok(_) | Err(_) if pre => {
            report.ok(Subject::StoreFolder, format!("{} is for the first start to make", folder.display()));
        }
        Ok(_) => {
            let found = format!("no store in {}: the node never ran here, or node.data is wrong", folder.display());
            report.failed(Subject::StoreFolder, found);
        }
        Err(error) => report.failed(Subject::StoreFolder, format!("{}: {error}", folder.display())),
    }
    space(config, report);
    if there {
        in_use(folder, pre, running, report);
    }
}

/// Of the file system of the folder, or of the first folder above that is there.
fn space(config: &Config, report: &mut Report) {
    let needed = config.limits.free_space_mib;
    let Some(folder) = config.node.data.ancestors().find(|folder| folder.is_dir()) else { return };
    match space::free_bytes(folder) {
        Err(error) => report.failed(Subject::StoreSpace, format!("{}: {error}", folder.display())),
        Ok(free) => {
            let found = format!("{} MiB are free, writes need {needed}", free >> 20);
            match (free >> 20, needed) {
                (free, needed) if free < needed => {
                    report.failed(Subject::StoreSpace, format!("{found}: they are refused"));
                }
                (free, needed) if free < needed.saturating_mul(2) => report.warning(Subject::StoreSpace, found),
                _ => report.ok(Subject::StoreSpace, found),
            }
        }
    }
}

fn in_use(folder: &Path, pre: bool, running: Option<&Running>, report: &mut Report) {
    match (store::in_use(folder), running) {
        (Err(error), _) => report.failed(Subject::StoreUse, format!("{}: {error}", folder.display())),
        (Ok(true), Some(_)) => report.ok(Subject::StoreUse, "the running node has it"),
        (Ok(true), None) if pre => report.failed(Subject::StoreUse, "a process has it: a node runs already"),
        (Ok(true), None) => {
            report.not_proved(Subject::StoreUse, None, "a process has it; --profile asks whether it is the node");
        }
        (Ok(false), Some(running)) => {
            let found = format!("no process has it, and node {} answers: it runs on another folder", running.name());
            report.failed(Subject::StoreUse, found);
        }
        (Ok(false), None) => report.not_proved(Subject::StoreUse, None, "no process has it: the node does not run"),
    }
}
