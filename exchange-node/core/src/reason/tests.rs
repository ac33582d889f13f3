#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use std::collections::BTreeSet;

#[test]
fn every_reason_is_its_own_row() {
    assert_eq!(Reason::ALL.len(), Reason::COUNT);
    for reason in Reason::ALL {
        assert_eq!(reason.info().reason, reason);
        assert_eq!(Reason::from_code(reason.code()), Some(reason));
        assert_eq!(reason.to_string(), reason.code());
    }
    assert_eq!(Reason::from_code("A_LATER_ONE"), None);
    assert_eq!(Reason::from_code(""), None);
}

#[test]
fn words_are_the_variants_names_and_differ() {
    let mut words = BTreeSet::new();
    for reason in Reason::ALL {
        let camel: String =
            reason.code().split('_').map(|word| format!("{}{}", &word[..1], word[1..].to_lowercase())).collect();
        assert_eq!(camel, format!("{reason:?}"));
        assert!(reason.code().bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'), "{reason}");
        assert!(words.insert(reason.code()), "{reason} twice");
    }
}

#[test]
fn every_text_is_there_in_both_languages() {
    let chinese = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    for reason in Reason::ALL {
        let info = reason.info();
        for text in [info.en, info.cure_en] {
            assert!(!text.is_empty() && !chinese(text) && !text.ends_with('.'), "{reason}: {text}");
        }
        for text in [info.zh, info.cure_zh] {
            assert!(chinese(text) && !text.ends_with('。'), "{reason}: {text}");
        }
    }
}

/// Reasons that the design names.
#[test]
fn the_design_s_reasons_are_there() {
    for code in [
        "QUESTION_PROOF_INVALID",
        "QUESTION_STALE",
        "QUESTION_IDENTITY_MISMATCH",
        "QUESTION_ID_REUSED",
        "MATTER_UNKNOWN",
        "PROVINCE_BEHIND",
        "REGION_NOT_COMPETENT",
        "NOT_A_HOLDER",
        "RELATION_NOT_ALLOWED",
        "NOT_APPROVED",
        "NO_FIELD_NEEDED",
        "REQUEST_ID_REUSED",
        "OUTCOME_UNKNOWN",
        "UNKNOWN_SCHEMA",
        "NOT_PROVINCE",
        "SIGNER_WITHDRAWN",
        "NOT_GENUINE",
        "TYPE_UNKNOWN",
        "DATES_OUT_OF_ORDER",
        "ISSUER_NOT_CALLERS",
        "CALLER_NOT_ALLOWED",
        "READ_ONLY",
        "NO_SPACE",
        "CERTIFICATE_NOT_FOUND",
        "NOT_OWN_CERTIFICATE",
        "STATUS_CHANGE_NOT_ALLOWED",
        "VERSION_EXISTS",
        "NOT_UNIFORM",
        "PEER_UNAVAILABLE",
        "FIELD_MISSING",
        "FIELD_UNKNOWN",
        "FIELD_TOO_LONG",
        "TOO_MANY_FIELDS",
        "CONTROL_CHARACTER",
        "IDENTITY_NUMBER_NOT_ALLOWED",
        "MESSAGE_TOO_LARGE",
        "MESSAGE_UNDECODABLE",
        "BUNDLE_INVALID",
        "BUNDLE_EXPIRED",
        "BUNDLE_FOREIGN",
        "KEY_PERMISSIONS",
        "CONFIG_KEY_UNKNOWN",
        "CHECK_DIGIT_WRONG",
    ] {
        assert!(Reason::from_code(code).is_some(), "{code}");
    }
}

#[test]
fn what_may_be_asked_again_is_not_the_request_s_fault() {
    for reason in Reason::ALL {
        let info = reason.info();
        let callers = matches!(info.grpc, Code::InvalidArgument | Code::PermissionDenied | Code::AlreadyExists);
        assert!(!(info.retryable && callers), "{reason}");
        assert!(info.retryable || info.grpc != Code::Unavailable, "{reason}");
    }
}
