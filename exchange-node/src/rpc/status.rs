//! The only place that maps errors to gRPC codes.

use crate::refusal::Refusal;
use exchange_core::reason::Reason;
use std::{collections::HashMap, time::Duration};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// Domain of `google.rpc.ErrorInfo`.
pub const DOMAIN: &str = "exchange.v1";
/// Longest text that goes into an answer, in characters: the details travel in one header.
const MAX_TEXT: usize = 400;

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        status(&refusal)
    }
}

/// What a caller sees: reason, found, needed and who has to act, in English and, for the clerk, in Chinese.
pub fn status(refusal: &Refusal) -> Status {
    let info = refusal.reason.info();
    let (found, needed) = (shown(&refusal.found), shown(&refusal.needed));
    let metadata = HashMap::from([
        ("found".to_owned(), found.clone()),
        ("needed".to_owned(), needed.clone()),
        ("who".to_owned(), refusal.who.name().to_owned()),
    ]);
    let mut details = ErrorDetails::new();
    details
        .set_error_info(info.code, DOMAIN, metadata)
        .set_localized_message("zh-CN", format!("{}。{}。", info.zh, info.cure_zh))
        .add_help_link(info.cure_en, format!("docs/errors.md#{}", info.code.to_lowercase()));
    if info.retryable {
        details.set_retry_info(Some(retry_after(refusal.reason)));
    }
    let text = format!("{}: {}; found {found}, needed {needed}", info.code, info.en);
    Status::with_error_details(code(info.grpc), text, details)
}

/// The stable reason in an answer of another node.
pub fn reason_of(status: &Status) -> Option<String> {
    let details = status.get_error_details();
    details.error_info().filter(|info| info.domain == DOMAIN).map(|info| info.reason.clone())
}

fn code(code: exchange_core::reason::Code) -> Code {
    Code::from_i32(code as i32)
}

/// When it may be worth asking again.
const fn retry_after(reason: Reason) -> Duration {
    match reason {
        Reason::Overloaded => Duration::from_millis(200),
        Reason::RateLimited => Duration::from_secs(60),
        Reason::CrlStale | Reason::ReadOnly | Reason::NoSpace => Duration::from_secs(30),
        _ => Duration::from_secs(1),
    }
}

/// Without characters that a terminal or a log would obey, and not too long.
fn shown(text: &str) -> String {
    let harmless = |c: char| if c.is_control() || turns_direction(c) { '\u{fffd}' } else { c };
    let mut shown: String = text.chars().map(harmless).take(MAX_TEXT).collect();
    if text.chars().nth(MAX_TEXT).is_some() {
        shown.push('…');
    }
    shown
}

const fn turns_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
