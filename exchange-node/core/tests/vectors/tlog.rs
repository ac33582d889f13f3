//! Transparency logs: notes, checkpoints, Merkle proofs, a log in tiles.

use exchange_core::checkpoint::{Checkpoint, Error as CheckpointError, Origin};
use exchange_core::merkle::{
    Error as MerkleError, Frontier, Hash, consistency_proof, empty_root, inclusion_proof, leaf_hash, node_hash,
    verify_consistency, verify_inclusion,
};
use exchange_core::note::{Error as NoteError, LogKey, Note, VerifierKey, open, sign};
use serde_json::Value;

use super::{bytes, json, list, text, unbase64, unhex};

fn hash(base64: &str) -> Hash {
    unbase64(base64).try_into().expect("32 bytes")
}

fn hashes(value: &Value) -> Vec<Vec<u8>> {
    let all = value.as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().map(|hash| unbase64(hash.as_str().unwrap())).collect()
}

/// A proof with a hash that is none cannot be said with the types here: refused before.
fn proof(value: &Value) -> Option<Vec<Hash>> {
    hashes(value).into_iter().map(|hash| hash.try_into().ok()).collect()
}

#[test]
fn xmod_notes() {
    let Some(vectors) = json("tlog/xmod/note.json") else {
        return;
    };
    let cases = list(&vectors, "open_cases");
    assert_eq!(cases.len(), 16);
    for case in cases {
        let name = text(case, "name");
        let keys: Vec<VerifierKey> =
            list(case, "verifiers").iter().map(|key| VerifierKey::parse(key.as_str().unwrap()).unwrap()).collect();
        let found = open(&unhex(text(case, "message_hex")), &keys);
        let want = text(case, "want");
        if want == "ok" {
            let found = found.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(found.text(), text(&vectors, "text"), "{name}");
            let verified: Vec<&str> = found.verified().iter().map(VerifierKey::name).collect();
            assert_eq!(verified, list(case, "verified"), "{name}");
            assert_eq!(found.unverified().len(), list(case, "unverified").len(), "{name}");
            continue;
        }
        let error = found.expect_err(name);
        let expected = match error {
            NoteError::NoKnownKey => "error: note has no verifiable signatures".to_owned(),
            NoteError::AmbiguousKey { key } => format!("error: ambiguous key {key}"),
            NoteError::BadSignature { key } => format!("error: invalid signature for key {key}"),
            NoteError::NotText
            | NoteError::Layout
            | NoteError::SignatureLine { .. }
            | NoteError::TooManySignatures { found: 101 } => "error: malformed note".to_owned(),
            other => panic!("{name}: {other}"),
        };
        assert_eq!(want, expected, "{name}");
    }
}

#[test]
fn xmod_keys() {
    let Some(vectors) = json("tlog/xmod/note.json") else {
        return;
    };
    for key in vectors["vkeys"].as_object().unwrap().values() {
        let key = key.as_str().unwrap();
        assert_eq!(VerifierKey::parse(key).unwrap().to_string(), key);
    }
    let bad: Vec<_> =
        list(&vectors, "bad_vkeys").iter().map(|key| VerifierKey::parse(text(key, "vkey")).unwrap_err()).collect();
    assert_eq!(bad, [NoteError::KeyText, NoteError::KeyType { found: 0x65 }]);

    // PRIVATE+KEY+<name>+<id>+<base64 of type and seed>
    let private = text(&vectors, "signer_key_test_only");
    let seed = unbase64(private.rsplit_once("+A").map(|(_, base64)| format!("A{base64}")).unwrap().as_str());
    let key = LogKey::from_seed("PeterNeumann", seed[1..].try_into().unwrap()).unwrap();
    assert_eq!(key.verifier().to_string(), text(&vectors["vkeys"], "PeterNeumann"));
    let note = sign(text(&vectors, "text"), &[&key]).unwrap();
    let line = list(&vectors, "signature_lines")[0].as_str().unwrap();
    assert_eq!(String::from_utf8(note).unwrap(), format!("{}\n{line}", text(&vectors, "text")));
}

#[test]
fn xmod_argon2020() {
    let read = |name: &str| json(&format!("tlog/xmod/argon2020/{name}.json"));
    let (Some(sth), Some(entries), Some(path), Some(chain), Some(vectors)) =
        (read("sth"), read("entries"), read("proof"), read("consistency"), json("tlog/xmod/tlog.json"))
    else {
        return;
    };
    let size = sth["tree_size"].as_u64().unwrap();
    let root = hash(text(&sth, "sha256_root_hash"));
    let entry = unbase64(text(&list(&entries, "entries")[0], "leaf_input"));
    let index = path["leaf_index"].as_u64().unwrap();
    let proof = self::proof(&path["audit_path"]).unwrap();
    assert_eq!(verify_inclusion(index, size, &leaf_hash(&entry), &proof, &root), Ok(()));
    let old = &vectors["argon2020_consistency_old"];
    let old_size = old["size"].as_u64().unwrap();
    let old_root = hash(text(old, "root_b64"));
    let chain = self::proof(&chain["consistency"]).unwrap();
    assert_eq!(verify_consistency(old_size, &old_root, size, &root, &chain), Ok(()));
    let error = verify_consistency(old_size + 2, &old_root, size, &root, &chain);
    assert!(matches!(error, Err(MerkleError::OldRootMismatch | MerkleError::ProofLength { .. })), "{error:?}");
}

#[test]
fn rfc6962_tree() {
    let Some(vectors) = json("tlog/merkle/rfc6962-tree.json") else {
        return;
    };
    let hex = |value: &Value| -> Hash { unhex(value.as_str().unwrap()).try_into().unwrap() };
    let leaves: Vec<Vec<u8>> = list(&vectors, "leaves_hex").iter().map(|leaf| unhex(leaf.as_str().unwrap())).collect();
    let levels: Vec<Vec<Hash>> = list(&vectors, "nodes_hex_by_level")
        .iter()
        .map(|level| level.as_array().unwrap().iter().map(hex).collect())
        .collect();
    let roots: Vec<Hash> = list(&vectors, "roots_hex").iter().map(hex).collect();
    let mut frontier = Frontier::new();
    assert_eq!(frontier.root(), roots[0]);
    for (leaf, root) in leaves.iter().zip(&roots[1..]) {
        frontier.append_with(leaf_hash(leaf), |level, index, hash| {
            assert_eq!(*hash, levels[usize::from(level)][index as usize], "{level}/{index}");
        });
        assert_eq!(frontier.root(), *root);
    }
    let hasher = &vectors["hasher"];
    assert_eq!(empty_root(), hex(&hasher["empty_root"]));
    assert_eq!(leaf_hash(b""), hex(&hasher["leaf_of_empty"]));
    assert_eq!(leaf_hash(b"L123456"), hex(&hasher["leaf_of_ascii_L123456"]));
    // Upstream hashes parts that are no hashes; two real ones stand for it here.
    assert_eq!(node_hash(&levels[0][0], &levels[0][1]), levels[1][0]);
}

#[test]
fn inclusion_probes() {
    let Some(vectors) = json("tlog/merkle/inclusion.json") else {
        return;
    };
    let probed = probed(&vectors, |_| true, |case| inclusion(case, case["treeSize"].as_u64().unwrap()));
    assert_eq!(probed, (6, 92));
}

/// Subtrees that start at 0 are trees; others are none that a log here knows.
#[test]
fn inclusion_probes_of_subtrees() {
    let Some(vectors) = json("tlog/merkle/subtreeinclusion.json") else {
        return;
    };
    let of_trees = |case: &Value| case["start"] == 0;
    let (good, bad) = probed(&vectors, of_trees, |case| inclusion(case, case["end"].as_u64().unwrap()));
    assert!(good > 0 && bad > 0, "{good} good, {bad} bad");
}

/// Each verdict is the one that the case wants; how many are good and bad.
fn probed(
    vectors: &Value,
    among: impl Fn(&Value) -> bool,
    judge: impl Fn(&Value) -> Result<(), Option<MerkleError>>,
) -> (u32, u32) {
    let (mut good, mut bad) = (0, 0);
    for case in vectors.as_array().unwrap().iter().filter(|case| among(case)) {
        let verdict = judge(case);
        assert_eq!(verdict.is_err(), case["wantErr"].as_bool().unwrap(), "{case}: {verdict:?}");
        *(if verdict.is_ok() { &mut good } else { &mut bad }) += 1;
    }
    (good, bad)
}

fn inclusion(case: &Value, size: u64) -> Result<(), Option<MerkleError>> {
    let index = case["leafIdx"].as_u64().unwrap();
    let leaf: Hash = unbase64(text(case, "leafHash")).try_into().map_err(|_| None)?;
    let root: Hash = unbase64(text(case, "root")).try_into().map_err(|_| None)?;
    let proof = proof(&case["proof"]).ok_or(None)?;
    verify_inclusion(index, size, &leaf, &proof, &root).map_err(Some)
}

#[test]
fn consistency_probes() {
    let Some(vectors) = json("tlog/merkle/consistency.json") else {
        return;
    };
    assert_eq!(probed(&vectors, |_| true, |case| consistency(case, "size1", "size2")), (6, 92));
}

/// As above; an empty subtree is none that a log here knows either.
#[test]
fn consistency_probes_of_subtrees() {
    let Some(vectors) = json("tlog/merkle/subtreeconsistency.json") else {
        return;
    };
    let of_trees = |case: &Value| case["start"] == 0 && case["end"] != 0;
    let (good, bad) = probed(&vectors, of_trees, |case| consistency(case, "end", "size"));
    assert!(good > 0 && bad > 0, "{good} good, {bad} bad");
}

/// Upstream's roots are bytes of any length; another hash stands for one that is none.
fn root(base64: &str) -> Hash {
    let bytes = unbase64(base64);
    bytes.as_slice().try_into().unwrap_or_else(|_| leaf_hash(&bytes))
}

fn consistency(case: &Value, old: &str, new: &str) -> Result<(), Option<MerkleError>> {
    let (old, new) = (case[old].as_u64().unwrap(), case[new].as_u64().unwrap());
    let old_root = root(text(case, "root1"));
    let new_root = root(text(case, "root2"));
    let proof = proof(&case["proof"]).ok_or(None)?;
    verify_consistency(old, &old_root, new, &new_root, &proof).map_err(Some)
}

#[test]
fn c2sp_examples() {
    let Some(vectors) = json("tlog/c2sp/examples.json") else {
        return;
    };
    let mut verified = 0;
    for example in list(&vectors, "examples") {
        let text = text(example, "text");
        let whole = text.contains("\n\n— ") && !text.contains("[...]") && text.ends_with('\n');
        let is_note = matches!(example["spec"].as_str(), Some("signed-note" | "tlog-checkpoint" | "tlog-cosignature"));
        if whole && is_note {
            let note = Note::parse(text.as_bytes()).unwrap();
            assert!(!note.signatures.is_empty());
        }
        if let Some(key) = example["vkey"].as_str() {
            let key = VerifierKey::parse(key).unwrap();
            assert_eq!(open(text.as_bytes(), std::slice::from_ref(&key)).unwrap().verified(), [key]);
            verified += 1;
        }
    }
    assert_eq!(verified, 1);
}

/// Notes with ECDSA keys are notes, by keys that are not known here. Bodies without the `at` line
/// are no checkpoints here.
#[test]
fn formats() {
    let Some(vectors) = json("tlog/formats/formats.json") else {
        return;
    };
    for case in list(&vectors, "notes") {
        let name = text(case, "name");
        let key_type = VerifierKey::parse(text(case, "vkey")).unwrap_err();
        assert!(matches!(key_type, NoteError::KeyType { found: 2 | 5 }), "{name}: {key_type}");
        let note = Note::parse(text(case, "note").as_bytes());
        let verdict = note.unwrap().verify(&[]);
        assert_eq!(verdict, Err(NoteError::NoKnownKey), "{name}");
    }
    for case in list(&vectors, "checkpoint_bodies") {
        let (name, body) = (text(case, "name"), text(case, "body"));
        assert!(Checkpoint::parse_body(body).is_err(), "{name}");
        // The same lines with an origin, a root and a time as they are here: what upstream refuses
        // for its size is refused for its size.
        let Some(size) = body.split('\n').nth(1) else {
            continue;
        };
        let ours = format!(
            "ecert.example/370200/events/1\n{size}\n{}\nat 1\n",
            "Xw2CCCqbMcNBpUv8MD2AMJ2S1fBCHfJ8NFAdHzCpX4k="
        );
        let expected = match name.strip_prefix("invalid size") {
            Some(_) => Err(CheckpointError::Number { line: 2 }),
            None => Ok(size.parse().unwrap()),
        };
        let found = Checkpoint::parse_body(&ours).map(|checkpoint| checkpoint.size);
        assert_eq!(found, expected, "{name}");
    }
    assert_eq!("Log".parse::<Origin>(), Err(CheckpointError::Origin));
}

/// Every checkpoint of the log verifies and has the root of the entries, the tiles hold the leaf
/// hashes, and the proofs between all sizes verify.
#[test]
fn tessera_log() {
    let Some(key) = bytes("tlog/tessera-log/vkey.txt") else {
        return;
    };
    let key = VerifierKey::parse(std::str::from_utf8(&key).unwrap().trim()).unwrap();
    let mut roots: Vec<Hash> = Vec::new();
    let mut leaves: Vec<Hash> = Vec::new();
    for size in 0..=15u64 {
        let note = bytes(&format!("tlog/tessera-log/checkpoint.{size}")).unwrap();
        let verified = open(&note, std::slice::from_ref(&key)).unwrap();
        let lines: Vec<&str> = verified.text().lines().collect();
        assert_eq!(lines[..2], ["example.com/log/testdata", &size.to_string()]);
        if size > 0 {
            leaves = entries(size).iter().map(|entry| leaf_hash(entry)).collect();
            assert_eq!(bytes(&format!("tlog/tessera-log/tile/0/000.p/{size}")).unwrap(), leaves.concat());
        }
        let mut frontier = Frontier::new();
        leaves.iter().for_each(|leaf| frontier.append(*leaf));
        assert_eq!(frontier.root(), hash(lines[2]), "size {size}");
        roots.push(frontier.root());
    }
    let mut nodes = std::collections::BTreeMap::new();
    let mut frontier = Frontier::new();
    for leaf in &leaves {
        frontier.append_with(*leaf, |level, index, hash| {
            nodes.insert((level, index), *hash);
        });
    }
    let mut source = |level, index| Ok::<_, MerkleError>(nodes[&(level, index)]);
    for size in 1..=15u64 {
        let root = &roots[size as usize];
        for index in 0..size {
            let proof = inclusion_proof(index, size, &mut source).unwrap();
            let leaf = &leaves[index as usize];
            assert_eq!(verify_inclusion(index, size, leaf, &proof, root), Ok(()));
            if index == 0 {
                continue;
            }
            let chain = consistency_proof(index, size, &mut source).unwrap();
            let old_root = &roots[index as usize];
            assert_eq!(verify_consistency(index, old_root, size, root, &chain), Ok(()));
        }
    }
}

/// An entry bundle: u16 length and bytes, repeated (C2SP tlog-tiles).
fn entries(size: u64) -> Vec<Vec<u8>> {
    let bundle = bytes(&format!("tlog/tessera-log/tile/entries/000.p/{size}")).unwrap();
    let (mut rest, mut entries) = (bundle.as_slice(), Vec::new());
    while let Some((length, behind)) = rest.split_first_chunk::<2>() {
        let (entry, behind) = behind.split_at(usize::from(u16::from_be_bytes(*length)));
        entries.push(entry.to_vec());
        rest = behind;
    }
    entries
}
