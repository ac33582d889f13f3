//! `docs/errors.md` is what the catalogue of reasons says. `UPDATE_DOCS=1` writes it anew.

use super::{file, text};
use exchange_core::reason::{Code, Reason};
use exchange_node::exit::Exit;
use std::fmt::Write;

const PATH: &str = "docs/errors.md";

const HEAD: &str = "\
# Errors

Written by a test from the catalogue of reasons (`exchange-node/core/src/reason/`); after a change there:
`UPDATE_DOCS=1 cargo test -p exchange-tests --test all docs::errors`.

Every refusal over gRPC carries a `google.rpc.ErrorInfo` with domain `exchange.v1`, one of the words below as its reason,
and in its metadata what was `found`, what was `needed` and `who` has to act: the `caller`, this `node`, or another city
(`peer`). Beside it stand a `LocalizedMessage` in zh-CN for the clerk, a `Help` link to this page and, where asking again
may help, a `RetryInfo`. A word, once released, keeps its meaning; new ones may come, so a caller has to cope with a word
that it does not know by the gRPC code.

*Ask again: yes* says that the same request, sent again with the same id, may be answered otherwise without anybody
changing it. The exit code is that of `exchange-node`'s commands.
";

/// The first reason of each part, with the part's title.
const PARTS: [(Reason, &str); 5] = [
    (Reason::CheckDigitWrong, "Requests"),
    (Reason::TypeUnknown, "Certificates and catalogue"),
    (Reason::MatterUnknown, "Questions"),
    (Reason::CallerUnknown, "Identity and trust"),
    (Reason::ConfigInvalid, "Nodes and logs"),
];

#[test]
fn the_catalogue_is_the_code_s() {
    let written = rendered();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(file(PATH), &written).unwrap();
    }
    assert!(text(PATH) == written, "{PATH} is not what the code says: run this test with UPDATE_DOCS=1");
}

/// What `rpc/status.rs` links to: the heading's anchor.
#[test]
fn every_reason_has_a_heading() {
    let text = text(PATH);
    for reason in Reason::ALL {
        assert!(text.contains(&format!("\n### {reason}\n")), "{reason}");
    }
}

fn rendered() -> String {
    let mut text = HEAD.to_owned();
    for reason in Reason::ALL {
        if let Some((_, title)) = PARTS.iter().find(|(first, _)| *first == reason) {
            write!(text, "\n## {title}\n").unwrap();
        }
        let info = reason.info();
        let again = if info.retryable { "yes" } else { "no" };
        let (grpc, exit) = (grpc_name(info.grpc), Exit::of_reason(reason).code());
        write!(
            text,
            "\n### {}\n{}. {}.\n\n{}。{}。\n\n`{grpc}` · ask again: {again} · exit code {exit}\n",
            info.code,
            capital(info.en),
            capital(info.cure_en),
            info.zh,
            info.cure_zh,
        )
        .unwrap();
    }
    text
}

fn capital(text: &str) -> String {
    let (first, rest) = text.split_at(1);
    first.to_uppercase() + rest
}

const fn grpc_name(code: Code) -> &'static str {
    match code {
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
