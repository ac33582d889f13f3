#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;

/// RFC 9562 appendix A.6.
const EXAMPLE: &str = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";

#[test]
fn the_example_of_rfc_9562_is_read() {
    let id = RequestId::parse(EXAMPLE).unwrap();
    assert_eq!(id.unix_ms(), 0x017F_22E2_79B0);
    assert_eq!(id.to_string(), EXAMPLE);
    assert_eq!(RequestId::parse(&EXAMPLE.to_uppercase()).unwrap(), id);
    assert_eq!(RequestId::from_bytes(id.bytes()).unwrap(), id);
}

#[test]
fn other_texts_are_refused_with_their_reason() {
    let version_4 = "919108f7-52d1-4320-9bac-f847db4148a8";
    let other_variant = "017f22e2-79b0-7cc3-d8c4-dc0c0c07398f";
    for (text, error) in [
        ("", Error::Missing),
        (version_4, Error::Version),
        (other_variant, Error::Version),
        ("017f22e279b07cc398c4dc0c0c07398f", Error::Form { found: 32 }),
        ("{017f22e2-79b0-7cc3-98c4-dc0c0c07398f}", Error::Form { found: 38 }),
        ("017f22e2-79b0-7cc3-98c4-dc0c0c07398g", Error::Form { found: 36 }),
        ("+17f22e2-79b0-7cc3-98c4-dc0c0c07398f", Error::Form { found: 36 }),
        ("017f22e-279b0-7cc3-98c4-dc0c0c07398f", Error::Form { found: 36 }),
    ] {
        assert_eq!(RequestId::parse(text), Err(error), "{text}");
    }
    assert_eq!(Error::Missing.reason(), Reason::RequestIdMissing);
    assert_eq!(Error::Version.reason(), Reason::RequestIdInvalid);
}
