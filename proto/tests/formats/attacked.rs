//! Row 9 of the attack table: signed things that were changed anywhere. A decoder answers, and what still verifies says
//! what was signed: protobuf has several writings of one message, and fields that no reader knows.
//!
//! Each run takes other changes; proptest prints those that fail, with the seed.

use crate::{golden, samples};
use bytes::Bytes;
use exchange_core::{
    checkpoint::{self, Checkpoint, LogKey, LogKind, LogProof, Origin},
    dsse::Envelope,
    merkle::{Frontier, GroupTree, leaf_hash},
    signature::{Error as SignatureError, PublicKey, SigningKey},
};
use exchange_proto::{bundle, certificate, peer, segment, v1};
use proptest::{prelude::*, sample::Index};
use prost::Message;
use ring::rand::SystemRandom;

const BUNDLE_TYPE: &str = exchange_core::bundle::PAYLOAD_TYPE;
const CERTIFICATE_TYPE: &str = exchange_core::certificate::PAYLOAD_TYPE;

/// What a carrier, a disk or a liar does to bytes.
#[derive(Debug, Clone)]
enum Change {
    Flip(Index, u8),
    Set(Index, u8),
    Insert(Index, u8),
    Remove(Index, Index),
    Repeat(Index, Index),
    Move(Index, Index, Index),
    Cut(Index),
    Append(Vec<u8>),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    prop_oneof![
        4 => (at(), 0..8_u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        2 => (at(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        1 => (at(), any::<u8>()).prop_map(|(at, byte)| Change::Insert(at, byte)),
        1 => (at(), at()).prop_map(|(from, to)| Change::Remove(from, to)),
        1 => (at(), at()).prop_map(|(from, to)| Change::Repeat(from, to)),
        1 => (at(), at(), at()).prop_map(|(from, to, at)| Change::Move(from, to, at)),
        1 => at().prop_map(Change::Cut),
        1 => proptest::collection::vec(any::<u8>(), 1..20).prop_map(Change::Append),
    ]
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    proptest::collection::vec(change(), 1..4)
}

fn changed(bytes: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for change in changes {
        let within = |index: &Index, bytes: &[u8]| index.index(bytes.len() + 1);
        let range = |from: &Index, to: &Index, bytes: &[u8]| {
            let (from, to) = (within(from, bytes), within(to, bytes));
            from.min(to)..from.max(to)
        };
        match change {
            Change::Flip(at, bit) if !bytes.is_empty() => {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            Change::Set(at, byte) if !bytes.is_empty() => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Change::Flip(..) | Change::Set(..) => {}
            Change::Insert(at, byte) => bytes.insert(within(at, &bytes), *byte),
            Change::Remove(from, to) => drop(bytes.drain(range(from, to, &bytes))),
            Change::Repeat(from, to) => {
                let range = range(from, to, &bytes);
                let again = bytes[range.clone()].to_vec();
                bytes.splice(range.end..range.end, again);
            }
            Change::Move(from, to, at) => {
                let part: Vec<u8> = bytes.drain(range(from, to, &bytes)).collect();
                let at = within(at, &bytes);
                bytes.splice(at..at, part);
            }
            Change::Cut(at) => bytes.truncate(within(at, &bytes)),
            Change::Append(more) => bytes.extend(more),
        }
    }
    bytes
}

fn signing_key(byte: u8) -> SigningKey {
    // RFC 8410 section 7.
    let der = [&[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20][..], &[byte; 32]].concat();
    SigningKey::from_pkcs8_der(&der, &SystemRandom::new()).unwrap()
}

fn signed(payload_type: &str, payload: Vec<u8>) -> (Envelope, PublicKey) {
    let key = signing_key(7);
    let envelope = Envelope::sign(payload_type, payload, [0x4B; 32], &key, &SystemRandom::new()).unwrap();
    (envelope, key.public_key())
}

fn certificate_envelope() -> (Envelope, PublicKey) {
    signed(CERTIFICATE_TYPE, certificate::encode_header(&samples::header()))
}

/// A log of a few entries, its newest note, and the proof of one of them.
fn log_proof() -> (LogProof, LogKey) {
    let origin = Origin::new(samples::DOMAIN, "370200", LogKind::Access, 1).unwrap();
    let key = LogKey::from_seed(&origin.to_string(), &[0x6B; 32]).unwrap();
    let record = exchange_proto::access::encode(&samples::access_record());
    let entries: Vec<Vec<u8>> = (0..5_u8).map(|index| [record.as_slice(), &[0xFA, 0x3F, 1, index]].concat()).collect();
    let tree = GroupTree::new(&Frontier::new(), entries.iter().map(|entry| leaf_hash(entry)).collect());
    let checkpoint = Checkpoint { origin: origin.clone(), size: 5, root: tree.root(), at_ms: samples::AT_MS };
    let note = checkpoint.sign(&key).unwrap();
    let hashes = tree.proof(2).unwrap();
    (LogProof { origin, index: 2, entry: entries[2].clone(), hashes, checkpoint_note: note }, key)
}

/// A payload under another type than it was signed for: the type's name is under the signature, and readers compare it.
#[test]
fn row_9_a_payload_under_another_type_is_refused() {
    let (good, key) = certificate_envelope();
    assert_eq!(good.verify(&key), Ok(()));
    let bad = Err(SignatureError::BadSignature { algorithm: key.algorithm() });
    let types = [
        BUNDLE_TYPE,
        "",
        "application/json",
        "application/vnd.exchange.certificate.v2+protobuf",
        "application/vnd.exchange.certificate.v1+protobuf ",
        "APPLICATION/VND.EXCHANGE.CERTIFICATE.V1+PROTOBUF",
    ];
    for payload_type in types {
        let swapped = Envelope { payload_type: payload_type.to_owned(), ..good.clone() };
        assert_eq!(swapped.verify(&key), bad, "{payload_type}");
        certificate::decode_envelope(&certificate::encode_envelope(&swapped)).expect_err(payload_type);
    }
    // Each genuine signature in the other one's place.
    let (bundle_envelope, key) = signed(BUNDLE_TYPE, bundle::encode(&samples::bundle()));
    assert_eq!(bundle_envelope.verify(&key), Ok(()));
    let error = certificate::decode_envelope(&certificate::encode_envelope(&bundle_envelope)).unwrap_err();
    assert_eq!((error.reason().code(), error.path()), ("FIELD_INVALID", "envelope.payload_type"));
    let as_bundle = bundle::read_signed(&bundle::encode_signed(&good, b"credential"));
    assert!(as_bundle.is_err(), "a certificate is read as a trust bundle");
    // Type and payload do not run together.
    let shifted = Envelope {
        payload_type: format!("{CERTIFICATE_TYPE} {}", good.payload.len()),
        payload: good.payload.clone(),
        ..good
    };
    assert_eq!(shifted.verify(&key), bad);
}

/// Every single bit, without chance.
#[test]
fn row_9_every_bit_of_an_encoded_envelope_matters() {
    let (good, key) = certificate_envelope();
    let bytes = certificate::encode_envelope(&good);
    for bit in 0..bytes.len() * 8 {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(read) = certificate::decode_envelope(&bytes)
            && read.verify(&key).is_ok()
        {
            // Only who signed is beside the signature: a changed key id names another credential.
            assert_eq!(Envelope { key_id: good.key_id, ..read.clone() }, good, "bit {bit}");
            assert_ne!(read.key_id, good.key_id, "bit {bit} changes nothing");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_024) })]

    #[test]
    fn row_9_a_changed_envelope_verifies_as_what_was_signed_or_not_at_all(changes in changes()) {
        let (good, key) = certificate_envelope();
        let bytes = changed(&certificate::encode_envelope(&good), &changes);
        if let Ok(read) = certificate::decode_envelope(&bytes) && read.verify(&key).is_ok() {
            prop_assert_eq!((read.payload_type, read.payload), (good.payload_type, good.payload));
        }
    }

    #[test]
    fn row_9_a_changed_checkpoint_verifies_as_what_was_signed_or_not_at_all(changes in changes()) {
        let (proof, key) = log_proof();
        let good = checkpoint::open(&proof.checkpoint_note, &[key.verifier().clone()]).unwrap();
        let note = changed(&proof.checkpoint_note, &changes);
        if let Ok(read) = checkpoint::open(&note, &[key.verifier().clone()]) {
            prop_assert_eq!(read.checkpoint(), good.checkpoint());
        }
    }

    #[test]
    fn row_9_a_changed_proof_proves_what_is_in_the_log_or_nothing(changes in changes()) {
        let (good, key) = log_proof();
        let bytes = changed(&peer::encode_proof(good.clone()).encode_to_vec(), &changes);
        let Ok(message) = v1::LogProof::decode(bytes.as_slice()) else { return Ok(()) };
        let Ok(read) = peer::proof("proof", Some(message)) else { return Ok(()) };
        if read.clone().verify(&[key.verifier().clone()]).is_ok() {
            prop_assert_eq!((read.origin, read.index, read.entry), (good.origin, good.index, good.entry));
        }
    }

    /// What was sealed is opened as it was, or not at all.
    #[test]
    fn row_9_changed_holder_tags_do_not_open(changes in changes()) {
        let sealed = changed(&samples::sealed_tags(), &changes);
        let opened = exchange_core::holder::HolderTags::open(
            &samples::index_key(), "370100", samples::certificate_id(2).as_str(), &sealed);
        if let Ok(tags) = opened {
            prop_assert_eq!((sealed, tags), (samples::sealed_tags(), samples::tags()));
        }
    }

    /// Of a segment the checkpoint says what it holds: what reads has entries of the size that the note claims.
    #[test]
    fn row_14_a_changed_segment_keeps_to_its_limits(changes in changes()) {
        if let Ok(read) = segment::decode_segment(Bytes::from(changed(&samples::segment(), &changes))) {
            prop_assert_eq!(read.first + read.entries.len() as u64, read.claimed.size);
            prop_assert!(read.entries.len() <= exchange_core::segment::MAX_ENTRIES);
        }
    }

    /// Files of every kind, cut, spliced and shuffled: each decoder answers.
    #[test]
    fn row_14_changed_golden_files_are_answered(file in any::<Index>(), changes in changes()) {
        let all = golden::all();
        crate::properties::decode_all(&changed(&all[file.index(all.len())].1, &changes));
    }

    /// Two files spliced together.
    #[test]
    fn row_14_spliced_golden_files_are_answered(one in any::<Index>(), other in any::<Index>(), at in any::<Index>(), from in any::<Index>()) {
        let all = golden::all();
        let (one, other) = (&all[one.index(all.len())].1, &all[other.index(all.len())].1);
        let (at, from) = (at.index(one.len() + 1), from.index(other.len() + 1));
        crate::properties::decode_all(&[&one[..at], &other[from..]].concat());
    }
}
