#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use super::tile::{BYTES, Edge, Location, Tile};
use super::*;

/// RFC 6962 §2.1, word for word.
fn naive_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [one] => *one,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node_hash(&naive_root(left), &naive_root(right))
        }
    }
}

/// RFC 6962 §2.1.1.
fn naive_path(m: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() <= 1 {
        return Vec::new();
    }
    let k = split(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut path, other) =
        if m < k { (naive_path(m, left), naive_root(right)) } else { (naive_path(m - k, right), naive_root(left)) };
    path.push(other);
    path
}

/// RFC 6962 §2.1.2.
fn naive_consistency(m: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if m == leaves.len() {
        return if whole { Vec::new() } else { vec![naive_root(leaves)] };
    }
    let k = split(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut proof, other) = if m <= k {
        (naive_consistency(m, left, whole), naive_root(right))
    } else {
        (naive_consistency(m - k, right, false), naive_root(left))
    };
    proof.push(other);
    proof
}

fn split(n: usize) -> usize {
    n.next_power_of_two() / 2
}

fn leaves(n: usize) -> Vec<Hash> {
    (0..n as u64).map(|i| leaf_hash(&i.to_be_bytes())).collect()
}

fn frontier(leaves: &[Hash]) -> Frontier {
    let mut frontier = Frontier::new();
    leaves.iter().for_each(|leaf| frontier.append(*leaf));
    frontier
}

fn nodes(leaves: &[Hash]) -> BTreeMap<(u8, u64), Hash> {
    let mut nodes = BTreeMap::new();
    let mut frontier = Frontier::new();
    for leaf in leaves {
        frontier.append_with(*leaf, |level, index, hash| {
            assert!(nodes.insert((level, index), *hash).is_none(), "completed once");
        });
    }
    nodes
}

fn source(nodes: &BTreeMap<(u8, u64), Hash>) -> impl FnMut(u8, u64) -> Result<Hash, Error> + use<'_> {
    |level, index| nodes.get(&(level, index)).copied().ok_or(Error::NoSuchNode { level, index })
}

#[test]
fn frontier_has_the_naive_root_at_every_size() {
    let leaves = leaves(300);
    let mut frontier = Frontier::new();
    for size in 0..=300 {
        assert_eq!(frontier.root(), naive_root(&leaves[..size]), "size {size}");
        let stored = Frontier::from_parts(frontier.size(), frontier.peaks().to_vec());
        assert_eq!(stored.as_ref(), Ok(&frontier));
        if size < 300 {
            frontier.append(leaves[size]);
        }
    }
    let error = Frontier::from_parts(3, vec![[0; 32]]);
    assert_eq!(error, Err(Error::PeakCount { found: 1, needed: 2, size: 3 }));
}

#[test]
fn proofs_are_the_naive_ones_and_verify() {
    let leaves = leaves(130);
    let nodes = nodes(&leaves);
    for size in 1..=130usize {
        let root = naive_root(&leaves[..size]);
        for index in 0..size {
            let proof = inclusion_proof(index as u64, size as u64, &mut source(&nodes)).unwrap();
            assert_eq!(proof, naive_path(index, &leaves[..size]), "{index} of {size}");
            let verdict = verify_inclusion(index as u64, size as u64, &leaves[index], &proof, &root);
            assert_eq!(verdict, Ok(()));
        }
        for old in 1..=size {
            let proof = consistency_proof(old as u64, size as u64, &mut source(&nodes)).unwrap();
            assert_eq!(proof, naive_consistency(old, &leaves[..size], true), "{old} to {size}");
            let old_root = naive_root(&leaves[..old]);
            let verdict = verify_consistency(old as u64, &old_root, size as u64, &root, &proof);
            assert_eq!(verdict, Ok(()));
        }
        let from_empty = verify_consistency(0, &empty_root(), size as u64, &root, &[]);
        assert_eq!(from_empty, Err(Error::OldTreeEmpty));
    }
}

#[test]
fn proofs_out_of_range_are_refused() {
    let nodes = nodes(&leaves(8));
    let error = inclusion_proof(8, 8, &mut source(&nodes));
    assert_eq!(error, Err(Error::IndexOutOfRange { index: 8, size: 8 }));
    let error = consistency_proof(9, 8, &mut source(&nodes));
    assert_eq!(error, Err(Error::SizesReversed { old: 9, new: 8 }));
    let error = consistency_proof(5, 9, &mut source(&nodes));
    assert_eq!(error, Err(Error::NoSuchNode { level: 0, index: 8 }));
    let huge = verify_inclusion(u64::MAX, u64::MAX, &[0; 32], &[], &[0; 32]);
    assert_eq!(huge, Err(Error::IndexOutOfRange { index: u64::MAX, size: u64::MAX }));
    let huge = verify_inclusion(0, u64::MAX, &[0; 32], &[], &[0; 32]);
    assert_eq!(huge, Err(Error::ProofLength { found: 0, needed: 64 }));
    let huge = verify_consistency(1 << 63, &[0; 32], u64::MAX, &[0; 32], &[]);
    assert_eq!(huge, Err(Error::ProofLength { found: 0, needed: 1 }));
}

#[test]
fn every_bit_of_a_proof_matters() {
    let leaves = leaves(13);
    let nodes = nodes(&leaves);
    let (root, old_root) = (naive_root(&leaves), naive_root(&leaves[..6]));
    let proof = inclusion_proof(5, 13, &mut source(&nodes)).unwrap();
    let chain = consistency_proof(6, 13, &mut source(&nodes)).unwrap();
    for bit in 0..256 {
        for at in 0..proof.len() {
            let mut bad = proof.clone();
            bad[at][bit / 8] ^= 1 << (bit % 8);
            let verdict = verify_inclusion(5, 13, &leaves[5], &bad, &root);
            assert_eq!(verdict, Err(Error::RootMismatch));
        }
        for at in 0..chain.len() {
            let mut bad = chain.clone();
            bad[at][bit / 8] ^= 1 << (bit % 8);
            let verdict = verify_consistency(6, &old_root, 13, &root, &bad);
            assert!(matches!(verdict, Err(Error::RootMismatch | Error::OldRootMismatch)));
        }
    }
}

#[test]
fn group_proofs_are_the_naive_ones() {
    let leaves = leaves(300);
    // Every old size, with groups that end at, before and behind each power of two.
    for old in 0..=300usize {
        let before = frontier(&leaves[..old]);
        for n in [0, 1, 2, 3, 5, 8, 13, 64, 127, 300 - old] {
            let Some(group) = leaves.get(old..old + n) else {
                continue;
            };
            let all = &leaves[..old + n];
            let tree = GroupTree::new(&before, group.to_vec());
            assert_eq!(tree.root(), naive_root(all), "{old} + {n}");
            assert_eq!(tree.size(), (old + n) as u64);
            let step = if n > 16 { 7 } else { 1 };
            for i in (0..n).step_by(step) {
                assert_eq!(tree.proof(i).unwrap(), naive_path(old + i, all), "{old} + {n}, {i}");
            }
            let size = tree.size();
            assert_eq!(tree.proof(n), Err(Error::IndexOutOfRange { index: size, size }));
            let mut one_by_one = before.clone();
            let mut completed = BTreeMap::new();
            for leaf in group {
                one_by_one.append_with(*leaf, |level, index, hash| {
                    completed.insert((level, index), *hash);
                });
            }
            let of_group: BTreeMap<_, _> =
                tree.completed().map(|(level, index, hash)| ((level, index), *hash)).collect();
            assert_eq!(of_group, completed, "{old} + {n}");
            assert_eq!(tree.frontier(), one_by_one, "{old} + {n}");
        }
    }
}

#[test]
fn edge_and_tiles_give_every_node() {
    let n = 65_536 + 3 * 256 + 17;
    let leaves = leaves(n);
    let nodes = nodes(&leaves);
    let (mut edge, mut tiles) = (Edge::new(), BTreeMap::new());
    for (i, leaf) in leaves.iter().enumerate() {
        if [0, 1, 255, 256, 257, 65_535, 65_536, 65_537].contains(&i) {
            assert_eq!(edge, rebuilt(&leaves[..i], &tiles), "size {i}");
        }
        edge.append(*leaf, |tile| {
            let read = Tile::from_bytes(tile.level(), tile.index(), &tile.to_bytes()).unwrap();
            assert_eq!(read, tile);
            tiles.insert((tile.level(), tile.index()), tile);
        });
    }
    assert_eq!(edge, rebuilt(&leaves, &tiles));
    assert_eq!(tiles.keys().filter(|(level, _)| *level == 1).count(), 1);
    let mut read = |level, index| tiles.get(&(level, index)).cloned().ok_or(Error::NoSuchNode { level, index });
    for ((level, index), hash) in nodes.iter().step_by(97) {
        assert_eq!(edge.node(*level, *index, &mut read), Ok(*hash), "{level}/{index}");
    }
    let missing = edge.node::<Error>(17, 0, &mut read);
    assert_eq!(missing, Err(Error::NoSuchNode { level: 17, index: 0 }));
    let size = n as u64;
    for index in [0, 255, 65_535, 65_536, size - 18, size - 1] {
        let by_tiles = inclusion_proof(index, size, &mut |l, i| edge.node(l, i, &mut read));
        assert_eq!(by_tiles.unwrap(), inclusion_proof(index, size, &mut source(&nodes)).unwrap());
    }
}

#[test]
fn a_wrong_tile_is_refused() {
    let error = Tile::from_bytes(0, 0, &[0; 31]);
    assert_eq!(error, Err(Error::TileLength { found: 31, needed: BYTES }));
    let tile = Tile::from_bytes(0, 1, &[0; BYTES]).unwrap();
    let mut read = |_, _| Ok::<_, Error>(tile.clone());
    let error = Edge::rebuild(256, Vec::new(), &mut read);
    let needed = Error::OtherTile { found_level: 0, found_index: 1, needed_level: 0, needed_index: 0 };
    assert_eq!(error, Err(needed));
    let error = Edge::rebuild(3, leaves(2), &mut read);
    assert_eq!(error, Err(Error::EdgeLength { found: 2, needed: 3 }));
    let at = Location { tile_level: 1, tile_index: 2, height: 3, offset: 5 };
    assert_eq!(Location::of(11, 2 * 32 + 5), at);
}

fn rebuilt(leaves: &[Hash], tiles: &BTreeMap<(u8, u64), Tile>) -> Edge {
    let partial = leaves[leaves.len() / 256 * 256..].to_vec();
    Edge::rebuild(leaves.len() as u64, partial, &mut |level, index| {
        tiles.get(&(level, index)).cloned().ok_or(Error::NoSuchNode { level, index })
    })
    .unwrap()
}
