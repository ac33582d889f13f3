#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::merkle::{Frontier, GroupTree, leaf_hash};

const NAME: &str = "ecert.example/370200/events/1";

fn key(name: &str, seed: u8) -> LogKey {
    LogKey::from_seed(name, &[seed; 32]).unwrap()
}

fn checkpoint() -> Checkpoint {
    Checkpoint { origin: NAME.parse().unwrap(), size: 7, root: [9; 32], at_ms: 1_790_000_000_123 }
}

#[test]
fn body_is_as_written_in_the_design() {
    let body = format!("{NAME}\n7\n{}\nat 1790000000123\n", STANDARD.encode([9; 32]));
    assert_eq!(checkpoint().body(), body);
    assert_eq!(Checkpoint::parse_body(&body), Ok(checkpoint()));
    let note = checkpoint().sign(&key(NAME, 1)).unwrap();
    assert!(note.starts_with(format!("{body}\n— {NAME} ").as_bytes()));
    assert_eq!(Checkpoint::parse_unverified(&note), Ok(checkpoint()));
}

#[test]
fn body_is_read_strictly() {
    let root = STANDARD.encode([9; 32]);
    let empty = STANDARD.encode(empty_root());
    let cases = [
        (format!("{NAME}\n7\n{root}\n"), Error::Lines { found: 3 }),
        (format!("{NAME}\n7\n{root}\nat 1\nat 1\n"), Error::Lines { found: 5 }),
        (format!("{NAME}\n7\n{root}\nat 1\nother\n"), Error::Lines { found: 5 }),
        (format!("{NAME}\n7\n{root}\nat 1\n\n"), Error::Lines { found: 5 }),
        (format!("{NAME}\n7\n{root}\nat 1"), Error::Lines { found: 3 }),
        (format!("{NAME}\n07\n{root}\nat 1\n"), Error::Number { line: 2 }),
        (format!("{NAME}\n+7\n{root}\nat 1\n"), Error::Number { line: 2 }),
        (format!("{NAME}\n-7\n{root}\nat 1\n"), Error::Number { line: 2 }),
        (format!("{NAME}\n18446744073709551616\n{root}\nat 1\n"), Error::Number { line: 2 }),
        (format!("{NAME}\n7\n{root}\nat 01\n"), Error::Number { line: 4 }),
        (format!("{NAME}\n7\n{root}\nat\n"), Error::At),
        (format!("{NAME}\n7\n{root}\nAt 1\n"), Error::At),
        (format!("{NAME}\n7\n{}\nat 1\n", STANDARD.encode([9; 31])), Error::Root),
        (format!("{NAME}\n7\n{}\nat 1\n", root.trim_end_matches('=')), Error::Root),
        (format!("{NAME}\n0\n{root}\nat 1\n"), Error::EmptyRoot),
        (format!("{NAME}x\n7\n{root}\nat 1\n"), Error::Origin),
    ];
    for (body, error) in cases {
        assert_eq!(Checkpoint::parse_body(&body), Err(error), "{body}");
    }
    assert!(Checkpoint::parse_body(&format!("{NAME}\n0\n{empty}\nat 0\n")).is_ok());
}

#[test]
fn origins() {
    let origin: Origin = NAME.parse().unwrap();
    assert_eq!(origin, Origin::new("ecert.example", "370200", LogKind::Events, 1).unwrap());
    assert_eq!(origin.to_string(), NAME);
    for bad in [
        "ecert.example/370200/events/0",
        "ecert.example/370200/events/01",
        "ecert.example/370200/events/4294967296",
        "ecert.example/37020/events/1",
        "ecert.example/37020a/events/1",
        "ecert.example/370200/event/1",
        "Ecert.example/370200/events/1",
        "/370200/events/1",
        "ecert.example/370200/events/1/",
        "a/ecert.example/370200/events/1",
    ] {
        assert_eq!(bad.parse::<Origin>(), Err(Error::Origin), "{bad}");
    }
}

#[test]
fn unknown_key_is_deferred_and_all_else_is_final() {
    let (log, other) = (key(NAME, 1), key(NAME, 2));
    let note = checkpoint().sign(&log).unwrap();
    let open_by = |key: &LogKey, note: &[u8]| open(note, &[key.verifier().clone()]);
    let verified = open_by(&log, &note).unwrap();
    assert_eq!((verified.checkpoint(), verified.note()), (&checkpoint(), note.as_slice()));
    let unknown = open_by(&other, &note).unwrap_err();
    assert_eq!(unknown, Error::UnknownKey { origin: checkpoint().origin });
    assert!(unknown.is_deferred());

    let text = String::from_utf8(note).unwrap();
    let altered = open_by(&log, text.replacen("\n7\n", "\n8\n", 1).as_bytes()).unwrap_err();
    assert!(matches!(altered, Error::Note(note::Error::BadSignature { .. })), "{altered}");
    assert!(!altered.is_deferred());

    // The key of another log signs this log's body, under its own name.
    let stranger = key("ecert.example/370100/events/1", 3);
    let forged = note::sign(&checkpoint().body(), &[&stranger]).unwrap();
    let forged = open_by(&stranger, &forged).unwrap_err();
    assert_eq!(forged, Error::NotSignedByOrigin { origin: checkpoint().origin });
    assert_eq!(checkpoint().sign(&stranger), Err(forged));

    let both = checkpoint().sign_all(&[&log, &other]).unwrap();
    assert_eq!(open_by(&other, &both).unwrap().keys(), [other.verifier().clone()]);
}

#[test]
fn proof_of_an_entry() {
    let entries: Vec<Vec<u8>> = (0..5).map(|i| vec![i; 40]).collect();
    let mut old = Frontier::new();
    old.append(leaf_hash(b"first"));
    let tree = GroupTree::new(&old, entries.iter().map(|entry| leaf_hash(entry)).collect());
    let head = Checkpoint { size: tree.size(), root: tree.root(), ..checkpoint() };
    let log = key(NAME, 1);
    let keys = [log.verifier().clone()];
    let proof = LogProof {
        origin: head.origin.clone(),
        index: 4,
        entry: entries[3].clone(),
        hashes: tree.proof(3).unwrap(),
        checkpoint_note: head.sign(&log).unwrap(),
    };
    let verified = proof.clone().verify(&keys).unwrap();
    assert_eq!((verified.index(), verified.entry()), (4, entries[3].as_slice()));
    assert_eq!(verified.origin(), &head.origin);
    let shared = verified.checkpoint().clone();
    assert_eq!(proof.clone().verify_against(shared.clone()).as_ref(), Ok(&verified));

    let other = LogProof { entry: entries[2].clone(), ..proof.clone() };
    let error = other.verify(&keys);
    assert_eq!(error, Err(Error::Merkle(merkle::Error::RootMismatch)));
    let moved = LogProof { index: 9, ..proof.clone() };
    let error = moved.verify_against(shared.clone());
    let needed = merkle::Error::IndexOutOfRange { index: 9, size: 6 };
    assert_eq!(error, Err(Error::Merkle(needed)));
    let long = LogProof { entry: vec![0; MAX_ENTRY_BYTES + 1], ..proof.clone() };
    let error = long.verify_against(shared.clone());
    assert_eq!(error, Err(Error::EntryTooLong { found: MAX_ENTRY_BYTES + 1 }));
    let origin: Origin = "ecert.example/370200/access/1".parse().unwrap();
    let elsewhere = LogProof { origin: origin.clone(), ..proof };
    let error = elsewhere.verify_against(shared);
    assert_eq!(error, Err(Error::OtherOrigin { found: origin, needed: head.origin }));
}
