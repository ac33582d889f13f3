//! Why a command failed: what it prints, and its exit code.

use crate::{exit::Exit, tls::Unexpected};
use ca_tools::console::{Format, Report};
use exchange_core::reason::Reason;
use std::{error::Error, fmt, io, path::Path};
use tonic::Status;
use tonic_types::StatusExt;

/// Words for people, a stable reason for programs, an exit code for scripts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure(Box<Report>);

impl Failure {
    pub(super) fn new(exit: Exit, text: impl fmt::Display) -> Self {
        Self(Box::new(Report::new(exit, text)))
    }

    pub(super) fn usage(text: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, text)
    }

    /// With a reason of the catalogue, its exit code and its cure.
    pub(super) fn because(reason: Reason, text: impl fmt::Display) -> Self {
        Self::new(Exit::of_reason(reason), text).reason(reason)
    }

    fn reason(self, reason: Reason) -> Self {
        let info = reason.info();
        Self(Box::new(Report { next: info.cure_en.to_owned(), ..self.0.because(info.code) }))
    }

    /// What to do next, beside what is said already.
    pub(super) fn next(mut self, text: impl fmt::Display) -> Self {
        let next = &mut self.0.next;
        *next = if next.is_empty() { text.to_string() } else { format!("{next}; {text}") };
        self
    }

    /// Says what it is about.
    pub(super) fn about(mut self, what: impl fmt::Display) -> Self {
        self.0.message = format!("{what}: {}", self.0.message);
        self
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
        let unexpected = causes(error).find_map(|cause| {
            let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            inner.and_then(|inner| inner.downcast_ref::<Unexpected>())
        });
        let last = causes(error).last().map(ToString::to_string).unwrap_or_default();
        if let Some(unexpected) = unexpected {
            let mut failure = Self::new(Exit::Identity, format!("{address}: the node is not believed: {unexpected}"))
                .reason(unexpected.reason());
            unexpected.fault().clone_into(&mut failure.0.fault);
            return failure;
        }
        let tls = causes(error).any(|cause| {
            let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            cause.is::<rustls::Error>() || inner.is_some_and(|inner| inner.is::<rustls::Error>())
        });
        // HTTP/2 keeps no more than the text of what TLS said.
        if tls || last.contains("fatal alert") {
            return Self::new(Exit::Identity, format!("{address}: no TLS connection: {last}")).next(
                "compare --credential, --roots, --bundle and --crl; `doctor` of the node's operator lists the handshakes \
                 that it refused, with the fault of each",
            );
        }
        let failure = Self::new(Exit::Unavailable, format!("{address}: {last}"))
            .next("is the node running, and is this its address? try again");
        if last.contains("refused") {
            return failure;
        }
        failure.next("a node that closes connections has refused the credential: `doctor` of its operator says why")
    }

    /// What went wrong, in a line.
    pub(super) fn message(&self) -> &str {
        &self.0.message
    }

    /// What the script sees.
    pub fn exit(&self) -> Exit {
        self.0.exit
    }

    /// Writes it to standard error.
    pub fn show(&self, format: Format) {
        self.0.show(format);
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
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
        let text = match known {
            Some(reason) => format!("{}: {}", info.reason, reason.info().en),
            None => format!("{}: {}", info.reason, status.message()),
        };
        let said = |name: &str| info.metadata.get(name).cloned().unwrap_or_default();
        let mut report = Report::new(exit, text).because(&info.reason);
        report.found = said("found");
        report.needed = said("needed");
        report.who = said("who");
        if let Some(localized) = details.localized_message() {
            report.message_zh.clone_from(&localized.message);
        }
        if let Some(link) = details.help().and_then(|help| help.links.first()) {
            report.next.clone_from(&link.description);
            report.see.clone_from(&link.url);
        } else if let Some(reason) = known {
            reason.info().cure_en.clone_into(&mut report.next);
        }
        Self(Box::new(report))
    }
}

impl From<crate::config::Error> for Failure {
    fn from(error: crate::config::Error) -> Self {
        match &error {
            crate::config::Error::Read { path, source } => Self::file(path, source),
            crate::config::Error::Parse(text) if text.contains("unknown field") => {
                Self::because(Reason::ConfigKeyUnknown, error)
            }
            _ => Self::because(Reason::ConfigInvalid, error),
        }
    }
}

impl From<crate::trust::Error> for Failure {
    fn from(error: crate::trust::Error) -> Self {
        let mut failure = Self::new(Exit::Identity, &error).reason(error.reason());
        error.fault().clone_into(&mut failure.0.fault);
        failure
    }
}

impl From<crate::keys::Error> for Failure {
    fn from(error: crate::keys::Error) -> Self {
        let mut failure = Self::because(error.reason(), &error);
        if let crate::keys::Error::Credential { source, .. } = &error {
            source.fault().clone_into(&mut failure.0.fault);
        }
        failure
    }
}

impl From<ca_tools::Error> for Failure {
    fn from(error: ca_tools::Error) -> Self {
        Self(Box::new(Report::from(&error)))
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
        assert_eq!(failure.exit(), Exit::Refused);
        let text = failure.to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("NOT_A_HOLDER: "), "{lines:?}");
        assert!(lines.contains(&"  found   a party that is no holder"), "{lines:?}");
        assert!(lines.contains(&"  needed  one of its holders"), "{lines:?}");
        assert!(lines.contains(&"  who     you"), "{lines:?}");
        let cure = format!("  cure    {}", Reason::NotAHolder.info().cure_en);
        assert!(lines.contains(&cure.as_str()), "{lines:?}");
        assert!(lines.contains(&"  see     docs/errors.md#not_a_holder"), "{lines:?}");
    }

    #[test]
    fn a_status_without_reason_keeps_its_code() {
        let failure = Failure::from(Status::unavailable("later"));
        assert_eq!((failure.exit(), failure.to_string().as_str()), (Exit::Unavailable, "later"));
    }
}
