#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

fn key(name: &str, seed: u8) -> LogKey {
    LogKey::from_seed(name, &[seed; 32]).unwrap()
}

#[test]
fn every_bit_of_a_note_matters() {
    let key = key("example.com/log", 1);
    let note = sign("example.com/log\n1\n", &[&key]).unwrap();
    let keys = [key.verifier().clone()];
    assert_eq!(open(&note, &keys).unwrap().text(), "example.com/log\n1\n");
    for bit in 0..note.len() * 8 {
        let mut bad = note.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        // A changed name, id or layout is no longer a signature by this key.
        assert!(open(&bad, &keys).is_err(), "bit {bit}");
    }
}

#[test]
fn old_and_new_key_sign_while_a_key_is_replaced() {
    let (old, new) = (key("log", 1), key("log", 2));
    let note = sign("text\n", &[&old, &new]).unwrap();
    let by_old = open(&note, &[old.verifier().clone()]).unwrap();
    assert_eq!(by_old.verified(), [old.verifier().clone()]);
    assert_eq!(by_old.unverified().len(), 1);
    assert_eq!(by_old.unverified()[0].key_id, new.verifier().id());
    let by_both = open(&note, &[new.verifier().clone(), old.verifier().clone()]).unwrap();
    assert_eq!(by_both.verified(), [old.verifier().clone(), new.verifier().clone()]);
    assert_eq!(open(&note, &[]), Err(Error::NoKnownKey));
}

#[test]
fn limits() {
    let keys: Vec<LogKey> = (0..17).map(|seed| key("log", seed)).collect();
    let all: Vec<&LogKey> = keys.iter().collect();
    assert!(sign("text\n", &all[..16]).is_ok());
    assert_eq!(sign("text\n", &all), Err(Error::TooManySignatures { found: 17 }));
    assert_eq!(Note::parse(&[b'a'; MAX_BYTES + 1]), Err(Error::TooLong { found: MAX_BYTES + 1 }));
    assert_eq!(sign("text\n", &[]), Err(Error::Layout));
    assert_eq!(sign("text", &all[..1]), Err(Error::Layout));
    assert_eq!(sign("a\tb\n", &all[..1]), Err(Error::NotText));
    for name in ["", "a b", "a+b", "a\u{a0}b", "a\n"] {
        assert_eq!(VerifierKey::new(name, [0; 32]), Err(Error::KeyName), "{name:?}");
    }
}

#[test]
fn key_text_reads_back() {
    let key = key("example.com/log", 3);
    let text = key.verifier().to_string();
    assert_eq!(VerifierKey::parse(&text).as_ref(), Ok(key.verifier()));
    assert_eq!(VerifierKey::parse("log"), Err(Error::KeyText));
    let other = text.replace("example", "example2");
    assert!(matches!(VerifierKey::parse(&other), Err(Error::KeyId { .. })));
    assert!(!format!("{key:?}").contains(&STANDARD.encode([3; 32])));
}
