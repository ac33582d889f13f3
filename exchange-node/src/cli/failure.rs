//! Why a command failed: what it prints, and its exit code.

use crate::{exit::Exit, tls::Unexpected};
use exchange_core::reason::Reason;
use std::{error::Error, fmt, io, path::Path};
use tonic::Status;
use tonic_types::StatusExt;

/// Text for people, exit code for scripts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What the script sees.
    pub exit: Exit,
    /// Lines without `error: `.
    pub text: String,
}

impl Failure {
    pub(super) fn new(exit: Exit, text: impl fmt::Display) -> Self {
        Self { exit, text: text.to_string() }
    }

    pub(super) fn usage(text: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, text)
    }

    /// A file of the caller's.
    pub(super) fn file(path: &Path, error: &io::Error) -> Self {
        let exit = match error.kind() {
            io::ErrorKind::NotFound => Exit::NotFound,
            io::ErrorKind::AlreadyExists => Exit::Conflict,
            _ => Exit::Failed,
        };
        Self::new(exit, format!("{}: {error}", path.display()))
    }

    /// No connection: who is at fault shows in the chain of causes.
    pub(super) fn connection(address: &str, error: &(dyn Error + 'static)) -> Self {
        let tls = causes(error).any(|cause| {
            let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            cause.is::<rustls::Error>()
                || inner.is_some_and(|inner| inner.is::<rustls::Error>() || inner.is::<Unexpected>())
        });
        let last = causes(error).last().map(ToString::to_string).unwrap_or_default();
        // HTTP/2 keeps no more than the text of what TLS said.
        if tls || last.contains("fatal alert") {
            let text = format!(
                "{address}: no TLS connection: {last}\n  cure    compare --credential, --roots, --bundle and --crl; \
                 the node's own log names the fault that it saw"
            );
            return Self::new(Exit::Identity, text);
        }
        let mut text = format!("{address}: {last}\n  cure    is the node running, and is this its address? try again");
        if !last.contains("refused") {
            text.push_str("; a node that closes connections has refused the credential, and its log says why");
        }
        Self::new(Exit::Unavailable, text)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Reason, what was found and needed, who has to act, and the cure, as the node says them.
impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let Some(info) = details.error_info().filter(|info| info.domain == crate::rpc::status::DOMAIN) else {
            // The transport's own errors have a cause, and no reason.
            return match status.source() {
                Some(source) => Self::connection("the node", source),
                None => Self::new(Exit::of_code(status.code() as i32), status.message()),
            };
        };
        let known = Reason::from_code(&info.reason);
        let exit = known.map_or_else(|| Exit::of_code(status.code() as i32), Exit::of_reason);
        let mut text = match known {
            Some(reason) => format!("{}: {}", info.reason, reason.info().en),
            None => format!("{}: {}", info.reason, status.message()),
        };
        let mut line = |name: &str, value: &str| {
            if !value.is_empty() {
                text.push_str(&format!("\n  {name:<7} {value}"));
            }
        };
        if let Some(localized) = details.localized_message() {
            line("中文", &localized.message);
        }
        for name in ["found", "needed"] {
            line(name, info.metadata.get(name).map_or("", String::as_str));
        }
        line(
            "who",
            match info.metadata.get("who").map(String::as_str) {
                Some("caller") => "you",
                Some("node") => "your node",
                Some("peer") => "the other city",
                Some(other) => other,
                None => "",
            },
        );
        if let Some(link) = details.help().and_then(|help| help.links.first()) {
            line("cure", &link.description);
            line("see", &link.url);
        } else if let Some(reason) = known {
            line("cure", reason.info().cure_en);
        }
        Self { exit, text }
    }
}

impl From<crate::config::Error> for Failure {
    fn from(error: crate::config::Error) -> Self {
        match &error {
            crate::config::Error::Read { path, source } => Self::file(path, source),
            _ => Self::usage(error),
        }
    }
}

impl From<ca_tools::Error> for Failure {
    fn from(error: ca_tools::Error) -> Self {
        let exit = match error.exit_code() {
            ca_tools::ExitCode::Ok => Exit::Ok,
            ca_tools::ExitCode::Failed => Exit::Failed,
            ca_tools::ExitCode::Usage => Exit::Usage,
            ca_tools::ExitCode::NotFound => Exit::NotFound,
            ca_tools::ExitCode::Identity => Exit::Identity,
            ca_tools::ExitCode::Refused => Exit::Refused,
            ca_tools::ExitCode::Conflict => Exit::Conflict,
            ca_tools::ExitCode::Warnings => Exit::Warnings,
            ca_tools::ExitCode::CheckFailed => Exit::CheckFailed,
        };
        Self::new(exit, error)
    }
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    // Named, because a reference to an error is an error of its own with a shorter life.
    std::iter::successors(Some(error), |error| <dyn Error>::source(*error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{refusal::Refusal, rpc};

    #[test]
    fn a_refusal_names_reason_found_needed_who_and_cure() {
        let refusal = Refusal::caller(Reason::NotAHolder, "a party that is no holder", "one of its holders");
        let failure = Failure::from(rpc::status::status(&refusal));
        assert_eq!(failure.exit, Exit::Refused);
        let lines: Vec<&str> = failure.text.lines().collect();
        assert!(lines[0].starts_with("NOT_A_HOLDER: "), "{lines:?}");
        assert!(lines.contains(&"  found   a party that is no holder"), "{lines:?}");
        assert!(lines.contains(&"  needed  one of its holders"), "{lines:?}");
        assert!(lines.contains(&"  who     you"), "{lines:?}");
        let cure = format!("  cure    {}", Reason::NotAHolder.info().cure_en);
        assert!(lines.contains(&cure.as_str()), "{lines:?}");
    }

    #[test]
    fn a_status_without_reason_keeps_its_code() {
        let failure = Failure::from(Status::unavailable("later"));
        assert_eq!((failure.exit, failure.text.as_str()), (Exit::Unavailable, "later"));
    }
}
