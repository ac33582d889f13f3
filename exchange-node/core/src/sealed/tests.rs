#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

#[test]
fn store_key_seals_and_every_bit_matters() {
    let key = StoreKey::new([7; 32]);
    let subkey = key.subkey("exchange/disclosures/v1");
    let sealed = seal(&subkey, key.id(), [3; 12], b"here", b"plain").unwrap();
    assert_eq!(sealed.len(), 1 + 4 + 12 + 5 + 16);
    assert_eq!((sealed[0], &sealed[1..5], &sealed[5..17]), (1, key.id().as_slice(), &[3; 12][..]));
    assert_eq!(sealed_key_id(&sealed), Ok(key.id()));
    assert_eq!(open(&subkey, key.id(), b"here", &sealed).unwrap(), b"plain");
    assert_eq!(open(&subkey, key.id(), b"there", &sealed), Err(Error::NotAuthentic));
    assert_eq!(open(&key.subkey("x"), key.id(), b"here", &sealed), Err(Error::NotAuthentic));
    for bit in 0..sealed.len() * 8 {
        let mut bad = sealed.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let error = open(&subkey, key.id(), b"here", &bad).unwrap_err();
        match bit / 8 {
            0 => assert!(matches!(error, Error::Version { .. })),
            1..5 => assert!(matches!(error, Error::OtherKey { .. })),
            _ => assert_eq!(error, Error::NotAuthentic),
        }
    }
    let short = Error::Truncated { found: 32, needed: 33 };
    assert_eq!(open(&subkey, key.id(), b"", &sealed[..32]), Err(short));
    let short = Error::Truncated { found: 0, needed: 29 };
    assert_eq!(open_anonymous(&subkey, b"", &[]), Err(short));
}

/// HMAC and HKDF of the same inputs, computed with Python's hmac module.
#[test]
fn ids_and_subkeys_are_pinned() {
    let key = StoreKey::new([7; 32]);
    assert_eq!(hex(&key.id()), "d047ba71");
    assert_eq!(hex(&IndexKey::new(1, [7; 32]).id()), "3a0e2cae5cd6937d");
    assert_eq!(
        hex(&expand(&key.0, "exchange/disclosures/v1")),
        "345d48443617c5d67a6b0f366fc127438b96c2e0846be5d34c3337854100be87"
    );
    assert_eq!(hex(&tag(&[7; 32], &[b"a", b"bc"])), "127da4ced6a839b8f6118bc244684d2663e70cb5ff0adeefca89d7e74d5a0525");
}

#[test]
fn key_files_read_back_and_debug_hides_keys() {
    let store = StoreKey::new([7; 32]);
    assert_eq!(store.to_file().parse().as_ref(), Ok(&store));
    let index = IndexKey::new(3, [8; 32]);
    assert_eq!(index.to_file().parse().as_ref(), Ok(&index));
    for (text, key) in [(format!("{store:?}"), [7; 32]), (format!("{index:?}"), [8; 32])] {
        assert!(text.contains("redacted") && !text.contains(&hex(&key[..4])), "{text}");
    }
    let base64 = STANDARD.encode([7; 32]);
    for bad in [
        String::new(),
        base64.clone(),
        format!("exchange-store-key-v2 {base64}"),
        format!("exchange-store-key-v1 {base64} x"),
        format!("exchange-store-key-v1 {}", STANDARD.encode([7; 31])),
        format!("exchange-index-key-v1 0 {base64}"),
        format!("exchange-index-key-v1 {base64}"),
    ] {
        assert!(matches!(bad.parse::<StoreKey>(), Err(Error::KeyFile { .. })), "{bad}");
        assert!(matches!(bad.parse::<IndexKey>(), Err(Error::KeyFile { .. })), "{bad}");
    }
}
