//! Copies for one use: what is refused on the way in, and what an answer tells.

use crate::samples;
use exchange_core::{
    copy::{CopyNumber, Outcome},
    reason::Reason,
};
use exchange_proto::{copy, v1};

const REQUEST_ID: &str = "019ac000-0000-7000-8000-000000000001";

fn request() -> v1::UseCopyRequest {
    v1::UseCopyRequest {
        request_id: REQUEST_ID.to_owned(),
        certificate_id: samples::certificate_id(2).to_string(),
        copy_number: CopyNumber::new([7; 16]).to_string(),
        sha256: vec![1; 32].into(),
    }
}

#[test]
fn a_request_to_use_a_copy_is_refused_with_its_reason() {
    let read = copy::use_request(&request()).unwrap();
    assert_eq!((read.number, read.sha256), (CopyNumber::new([7; 16]), [1; 32]));
    let cases = [
        (v1::UseCopyRequest { request_id: String::new(), ..request() }, Reason::RequestIdMissing, "request_id"),
        (v1::UseCopyRequest { copy_number: String::new(), ..request() }, Reason::FieldMissing, "copy_number"),
        (v1::UseCopyRequest { copy_number: "U".repeat(26), ..request() }, Reason::FieldInvalid, "copy_number"),
        (v1::UseCopyRequest { sha256: vec![1; 31].into(), ..request() }, Reason::FieldInvalid, "sha256"),
    ];
    for (bad, reason, path) in cases {
        let error = copy::use_request(&bad).unwrap_err();
        assert_eq!((error.reason(), error.path()), (reason, path), "{error}");
    }
}

#[test]
fn a_request_between_nodes_comes_back_with_the_region_of_its_credential() {
    let presented = exchange_core::copy::Presented {
        certificate_id: samples::certificate_id(2).to_string(),
        sha256: [1; 32],
        region: samples::region("370200"),
        key: [2; 32],
    };
    let message = copy::encode_peer_use(&CopyNumber::new([7; 16]), &presented);
    let (number, read) = copy::peer_use(&message, samples::region("370300")).unwrap();
    assert_eq!((number, read.region), (CopyNumber::new([7; 16]), samples::region("370300")));
    assert_eq!((read.key, read.sha256), ([2; 32], [1; 32]));
    let short = v1::PeerCopyUse { use_key: vec![2; 16].into(), ..message };
    assert_eq!(copy::peer_use(&short, samples::region("370300")).unwrap_err().path(), "use_key");
}

#[test]
fn of_an_unknown_copy_nothing_is_told() {
    let made = samples::copy_made();
    let told = |outcome: &Outcome| copy::encode_outcome(outcome, Some(&made));
    let unknown = told(&Outcome::Unknown);
    assert_eq!(unknown, v1::UseCopyResponse { result: v1::CopyUse::Unknown as i32, ..Default::default() });
    let used = told(&Outcome::AlreadyUsed(9, samples::region("370300")));
    assert_eq!((used.result(), used.used_at_ms, used.used_by_region.as_str()), (v1::CopyUse::AlreadyUsed, 9, "370300"));
    assert_eq!(used.made_for_region, "370200");
    assert_eq!(copy::decode_answer(&copy::encode_answer(&used)).unwrap(), used);
}

#[test]
fn a_row_without_bytes_and_use_comes_back() {
    let made = samples::copy_made();
    let known = exchange_core::copy::Known { used: None, ..made.known.clone() };
    for made in [made.clone(), copy::CopyMade { known, file: None, ..made }] {
        assert_eq!(copy::decode_row(&copy::encode_row(&made)).unwrap(), made);
    }
}
