#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use std::fs;
use tempfile::TempDir;

const FILE: &[u8] = b"an invented document of somebody";

fn open(folder: &TempDir) -> Blobs {
    let keys = BlobKeys::new(&StoreKey::new([7; 32]));
    Blobs::open(folder.path().join("blobs"), keys, Random::new(), Crash::default()).unwrap()
}

/// As many bytes as wanted, none like its neighbour.
fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from(at * 7 % 251).unwrap()).collect()
}

fn keep(blobs: &Blobs, bytes: &[u8]) -> (BlobKey, PathBuf) {
    let key = blobs.key_of(bytes);
    drop(blobs.keep(key, bytes).unwrap());
    (key, disk::path(&blobs.folder, &key))
}

fn stored(key: BlobKey, length: u64) -> StoredFile {
    StoredFile { media_type: "application/ofd".into(), digest: [0; 32], salt: [0; 16], length, blob: key }
}

fn whole(blobs: &Blobs, key: BlobKey, length: usize) -> Result<Vec<u8>, Error> {
    let mut reader = blobs.read(&stored(key, length as u64))?;
    let mut all = Vec::new();
    while let Some(chunk) = reader.next_chunk()? {
        assert!(chunk.len() <= CHUNK_BYTES);
        all.extend(chunk);
    }
    Ok(all)
}

#[test]
fn files_of_every_length_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = open(&folder);
    for length in [1, 2, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES + 5] {
        let file = bytes(length);
        let (key, path) = keep(&blobs, &file);
        assert_eq!(whole(&blobs, key, length).unwrap(), file);
        assert_eq!(blobs.check(&key).unwrap(), length as u64);
        let plain = &file[..length.min(24)];
        let shown = |kept: &[u8]| length > 8 && kept.windows(plain.len()).any(|part| part == plain);
        assert!(!shown(&fs::read(path).unwrap()), "{length} bytes are kept in the clear");
    }
}

#[test]
fn nobody_else_sees_names_or_lengths() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (_, path) = keep(&open(&folder), FILE);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let kept = path.parent().and_then(std::path::Path::parent).unwrap();
    assert_eq!((mode(&path), mode(kept)), (0o600, 0o700));
}

/// The same bytes are one file; its name tells nothing without the store key.
#[test]
fn the_same_bytes_are_kept_once() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = open(&folder);
    let (first, path) = keep(&blobs, FILE);
    let written = fs::read(&path).unwrap();
    let (again, _) = keep(&blobs, FILE);
    assert_eq!((first, fs::read(&path).unwrap()), (again, written));
    let other = BlobKeys::new(&StoreKey::new([8; 32]));
    assert_ne!(other.names.tag(&[FILE]), first);
}

/// Each byte that is altered, added or taken away is found, and the next issue of the file mends it.
#[test]
fn damage_is_found_and_mended_by_the_next_issue() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = open(&folder);
    let (key, path) = keep(&blobs, FILE);
    let good = fs::read(&path).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&path, bad).unwrap();
        let error = blobs.check(&key).expect_err("altered");
        assert!(matches!(error, Error::Altered { .. }), "byte {at}: {error}");
        assert!(error.to_string().contains(&name(&key)), "{error}");
    }
    for bad in [&good[..good.len() - 1], &good[..8], &[], &[good.as_slice(), b"x"].concat()] {
        fs::write(&path, bad).unwrap();
        assert!(matches!(blobs.check(&key), Err(Error::Altered { .. })), "{} bytes", bad.len());
    }
    keep(&blobs, FILE);
    assert_eq!(whole(&blobs, key, FILE.len()).unwrap(), FILE);
    fs::remove_file(&path).unwrap();
    assert!(matches!(blobs.check(&key), Err(Error::Missing { .. })));
    keep(&blobs, FILE);
    assert_eq!(whole(&blobs, key, FILE.len()).unwrap(), FILE);
    assert!(matches!(blobs.read(&stored(key, 5)), Err(Error::Altered { .. })), "another length than the row's");
}

/// One file's sealed bytes are no other's, and chunks stay where they were.
#[test]
fn sealed_bytes_cannot_be_moved() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = open(&folder);
    let (one, other) = (bytes(2 * CHUNK_BYTES), vec![9; 2 * CHUNK_BYTES]);
    let ((key, path), (_, other)) = (keep(&blobs, &one), keep(&blobs, &other));
    let good = fs::read(&path).unwrap();
    fs::copy(&other, &path).unwrap();
    assert!(matches!(blobs.check(&key), Err(Error::Altered { .. })), "another file's bytes");
    let mut swapped = good[..9].to_vec();
    let chunk = (good.len() - 9) / 2;
    swapped.extend_from_slice(&good[9 + chunk..]);
    swapped.extend_from_slice(&good[9..9 + chunk]);
    fs::write(&path, swapped).unwrap();
    assert!(matches!(blobs.check(&key), Err(Error::Altered { .. })), "chunks swapped");
}

#[test]
fn only_what_nothing_refers_to_and_no_issue_holds_is_swept() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = open(&folder);
    let files: Vec<Vec<u8>> = (1..40_usize).map(bytes).collect();
    let keys: Vec<BlobKey> = files.iter().map(|file| keep(&blobs, file).0).collect();
    let held = blobs.keep(keys[0], &files[0]).unwrap();
    let referred = |key: &BlobKey| Ok(*key == keys[1]);
    let sweep = |blobs: &Blobs| (0..=u8::MAX).map(|part| blobs.sweep(part, referred).unwrap()).sum::<usize>();
    assert_eq!(sweep(&blobs), files.len() - 2);
    for (at, (key, file)) in keys.iter().zip(&files).enumerate() {
        assert_eq!(blobs.check(key).is_ok(), at < 2, "file {at} of {} bytes", file.len());
    }
    drop(held);
    assert_eq!(sweep(&blobs), 1);
    // What the store cannot answer is not removed.
    keep(&blobs, FILE);
    let key = blobs.key_of(FILE);
    let broken = |_: &BlobKey| Err(crate::store::Error::NotRun);
    assert_eq!(blobs.sweep(key[0], broken).expect_err("doubt").reason, exchange_core::reason::Reason::Internal);
    assert!(blobs.check(&key).is_ok());
}

#[test]
fn what_a_crash_left_half_written_is_gone_after_a_start() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = open(&folder);
    let (key, _) = keep(&blobs, FILE);
    let half = blobs.folder.join("new-0011223344556677");
    fs::write(&half, b"half").unwrap();
    let blobs = open(&folder);
    assert!(!half.exists());
    assert!(blobs.check(&key).is_ok());
}
