//! `docs/errors.md` is what the catalogue of reasons says. `UPDATE_DOCS=1` writes it anew.

use super::{file, text};
use exchange_core::reason::{Code, Reason};
use exchange_node::{doctor::faults::FAULTS, exit::Exit};
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

/// Every link of the command line: the exit codes' words, and the faults that the code can name.
#[test]
fn every_word_of_an_exit_code_and_every_fault_is_there() {
    // The file is compared by the test above, and may be being written by it.
    let catalogue = rendered();
    for exit in Exit::ALL {
        assert!(catalogue.contains(&format!("\n### {}\n", exit.word())), "{}", exit.word());
        let link = ca_tools::console::link(exit.word());
        assert_eq!(link, format!("{PATH}#{}", exit.word().to_lowercase()));
    }
    // Where faults are named: `=> "WORD",` and the calls that name one.
    let mut count = 0;
    for (source, functions) in [
        ("exchange-node/core/src/chain/error.rs", &["fn fault("][..]),
        ("exchange-node/core/src/bundle/error.rs", &["fn fault("]),
        ("exchange-node/src/tls.rs", &["fn fault("]),
        ("exchange-node/src/tls/refused.rs", &["fn fault(", "fn tls_fault("]),
        ("exchange-node/src/peers/probe.rs", &["async fn reach(", "async fn secured(", "fn refused(", "fn clock_of("]),
    ] {
        let source_text = text(source);
        for function in functions {
            let (_, body) = source_text.split_once(function).unwrap_or_else(|| panic!("{source}: no {function}"));
            let body = body.split("\n    }\n").next().unwrap().split("\n}\n").next().unwrap();
            let words = body.split('"').skip(1).step_by(2);
            let named =
                words.filter(|word| word.len() > 2 && word.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'));
            for word in named {
                let known = FAULTS.iter().any(|fault| fault.name == word) || Reason::from_code(word).is_some();
                assert!(known, "{source}: {word} is in no catalogue");
                count += 1;
            }
        }
    }
    assert!(count > 40, "faults found: {count}");
    for fault in FAULTS {
        // The one word that both have: of a credential's purpose, and of a question's.
        let both = Reason::from_code(fault.name).is_some();
        assert!(!both || fault.name == "PURPOSE_MISSING", "{} is a reason too", fault.name);
        assert!(catalogue.contains(&format!("| `{}` |", fault.name)), "{}", fault.name);
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
    text.push_str(EXIT_HEAD);
    for exit in Exit::ALL {
        let (en, zh) = exit.meaning();
        write!(text, "\n### {}\n{}.\n\n{zh}。\n\nexit code {}\n", exit.word(), capital(en), exit.code()).unwrap();
    }
    text.push_str(FAULTS_HEAD);
    for fault in FAULTS {
        let (en, cure) = (capital(fault.en), capital(fault.cure_en));
        writeln!(text, "| `{}` | {en}. {cure}. | {}。{}。 |", fault.name, fault.zh, fault.cure_zh).unwrap();
    }
    text
}

const EXIT_HEAD: &str = "
## Exit codes
What both programs end with. Where the catalogue above has no finer word, the word here stands as the reason of an error
with `-o json`.
";

const FAULTS_HEAD: &str = "
## Faults
Finer than the reasons, for operators alone: in the node's log lines and metrics, in brackets behind an error of the command
line, as `fault` in JSON, and in `doctor`.

| fault | meaning, cure | 含义与处理 |
|---|---|---|
";

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
