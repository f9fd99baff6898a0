//! The tree (RFC 6962 section 2.1): SHA-256 with a prefix that tells leaves from inner nodes, and
//! a shape that depends on nothing but the number of leaves.
//!
//! Everything is made of *complete subtrees*: the one of `level` and `index` spans the leaves
//! `index << level .. (index + 1) << level`. Its hash never changes once its last leaf is there, so
//! a log keeps those and any root or proof is put together from a few of them.

use sha2::{Digest as _, Sha256};

use crate::ids::Digest;

/// Hash of a leaf: SHA-256(0x00 || entry).
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Digest {
    Digest::from_bytes(
        Sha256::new()
            .chain_update([0])
            .chain_update(entry)
            .finalize()
            .into(),
    )
}

/// Hash of an inner node: SHA-256(0x01 || left || right).
#[must_use]
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    // One buffer: two blocks in one call, half the time of three small updates.
    let mut bytes = [1; 65];
    bytes[1..33].copy_from_slice(left.as_bytes());
    bytes[33..].copy_from_slice(right.as_bytes());
    Digest::of(&bytes)
}

/// Root of the tree without leaves: SHA-256 of nothing.
#[must_use]
pub fn empty_root() -> Digest {
    Digest::of(&[])
}

/// A complete subtree's place: it spans the leaves `index << level .. (index + 1) << level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Subtree {
    level: u32,
    index: u64,
}

/// The complete subtrees that cover the leaves `start..end`, from left to right, where `start..end` is a range
/// that some root or proof names: aligned at its start.
fn cover(start: u64, end: u64) -> Vec<Subtree> {
    let mut parts = Vec::new();
    let mut at = start;
    while at < end {
        let level = (end - at).ilog2();
        parts.push(Subtree {
            level,
            index: at >> level,
        });
        at += 1 << level;
    }
    parts
}

/// Folds the hashes of [`cover`] into the hash of their range: the last two first.
fn fold(hashes: impl DoubleEndedIterator<Item = Digest>) -> Option<Digest> {
    hashes.rev().reduce(|right, left| node_hash(&left, &right))
}

/// The largest power of two under `size`, which is at least 2 (RFC 6962 section 2.1).
fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

fn range<E>(
    (start, end): (u64, u64),
    node: &mut impl FnMut(u32, u64) -> Result<Digest, E>,
) -> Result<Digest, E> {
    let hashes: Vec<Digest> = cover(start, end)
        .into_iter()
        .map(|part| node(part.level, part.index))
        .collect::<Result<_, E>>()?;
    Ok(fold(hashes.into_iter()).unwrap_or_else(empty_root))
}

/// Root of the tree of `size` leaves. `node` gives the hash of a complete subtree by level and index.
///
/// # Errors
/// Whatever `node` gives.
pub fn root<E>(
    size: u64,
    mut node: impl FnMut(u32, u64) -> Result<Digest, E>,
) -> Result<Digest, E> {
    range((0, size), &mut node)
}

/// Proof that the leaf `index` is in the tree of `size` leaves: siblings from the leaf's up to the
/// root's child (RFC 6962 section 2.1.1). Empty when `index` is not under `size`.
///
/// # Errors
/// Whatever `node` gives.
pub fn inclusion<E>(
    index: u64,
    size: u64,
    mut node: impl FnMut(u32, u64) -> Result<Digest, E>,
) -> Result<Vec<Digest>, E> {
    let mut siblings = Vec::new();
    let (mut start, mut end) = (0, size);
    while index < size && end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            siblings.push((middle, end));
            end = middle;
        } else {
            siblings.push((start, middle));
            start = middle;
        }
    }
    siblings
        .into_iter()
        .rev()
        .map(|sibling| range(sibling, &mut node))
        .collect()
}

/// Proof that the tree of `old` leaves is the beginning of the tree of `new` leaves (RFC 6962 section 2.1.2).
/// Empty when `old` is 0 or `new` or more.
///
/// # Errors
/// Whatever `node` gives.
pub fn consistency<E>(
    old: u64,
    new: u64,
    mut node: impl FnMut(u32, u64) -> Result<Digest, E>,
) -> Result<Vec<Digest>, E> {
    if old == 0 || old >= new {
        return Ok(Vec::new());
    }
    let mut parts = Vec::new();
    let (mut start, mut end) = (0, new);
    // Down to the subtree that ends with the old tree's last leaf.
    while end != old {
        let middle = start + split(end - start);
        if old <= middle {
            parts.push((middle, end));
            end = middle;
        } else {
            parts.push((start, middle));
            start = middle;
        }
    }
    // The old root itself is what the reader holds; any other subtree must be told.
    if start != 0 {
        parts.push((start, end));
    }
    parts
        .into_iter()
        .rev()
        .map(|part| range(part, &mut node))
        .collect()
}

/// The root that an inclusion proof leads to (RFC 9162 section 2.1.3.2); `None` when the proof has not the length that
/// `index` and `size` give, or `index` is not under `size`.
#[must_use]
pub fn root_from_inclusion(
    leaf: Digest,
    index: u64,
    size: u64,
    proof: &[Digest],
) -> Option<Digest> {
    if index >= size {
        return None;
    }
    let (mut at, mut last) = (index, size - 1);
    let mut hash = leaf;
    for sibling in proof {
        if last == 0 {
            return None;
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(sibling, &hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

/// Whether `proof` shows that the tree of `old` leaves and root is the beginning of the tree of `new` (RFC 9162 section
/// 2.1.4.2). The empty tree is the beginning of every tree.
#[must_use]
pub fn verify_consistency(
    (old, old_root): (u64, Digest),
    (new, new_root): (u64, Digest),
    proof: &[Digest],
) -> bool {
    if old > new {
        return false;
    }
    if old == 0 || old == new {
        let roots = if old == 0 {
            old_root == empty_root() && (new > 0 || new_root == empty_root())
        } else {
            old_root == new_root
        };
        return roots && proof.is_empty();
    }
    // An old tree that is one complete subtree is not repeated in the proof: its root stands for it.
    let first = old.is_power_of_two().then_some(old_root);
    let mut hashes = first.iter().chain(proof);
    let Some(seed) = hashes.next() else {
        return false;
    };
    let (mut at, mut last) = (old - 1, new - 1);
    while at & 1 == 1 {
        at >>= 1;
        last >>= 1;
    }
    let (mut before, mut after) = (*seed, *seed);
    for hash in hashes {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            before = node_hash(hash, &before);
            after = node_hash(hash, &after);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            after = node_hash(&after, hash);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && before == old_root && after == new_root
}

/// The right edge of a tree: the hashes of the complete subtrees that its leaves are made of, largest first, as many as
/// `size` has ones in binary. All that is needed to append and to tell the root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    subtrees: Vec<Digest>,
}

impl Edge {
    /// Number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf by its hash.
    pub fn push(&mut self, leaf: Digest) {
        let mut hash = leaf;
        let mut index = self.size;
        while index & 1 == 1 {
            let left = self.subtrees.pop();
            let left = left.expect("each one in the binary form of `size` is a subtree here");
            hash = node_hash(&left, &hash);
            index >>= 1;
        }
        self.subtrees.push(hash);
        self.size += 1;
    }

    /// The tree's root.
    #[must_use]
    pub fn root(&self) -> Digest {
        fold(self.subtrees.iter().copied()).unwrap_or_else(empty_root)
    }

    /// The subtrees' hashes, 32 bytes each, largest first.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.subtrees.iter().flat_map(|h| *h.as_bytes()).collect()
    }

    /// The edge of the tree of the first `index` leaves, as the proof of the leaf behind them tells it: the siblings to the left of
    /// a leaf's path are exactly the complete subtrees of all that stands before it. `None` when the proof has not the
    /// length that `index` and `size` give. It is believed as far as the proof is ([`root_from_inclusion`]).
    #[must_use]
    pub fn before(index: u64, size: u64, proof: &[Digest]) -> Option<Self> {
        let (mut at, mut last) = (index, size.checked_sub(1)?);
        let mut subtrees = Vec::new();
        for sibling in proof {
            if last == 0 {
                return None;
            }
            if at & 1 == 1 || at == last {
                subtrees.push(*sibling);
                while at & 1 == 0 && at != 0 {
                    at >>= 1;
                    last >>= 1;
                }
            }
            at >>= 1;
            last >>= 1;
        }
        subtrees.reverse();
        let right = last == 0 && subtrees.len() == index.count_ones() as usize;
        right.then_some(Self {
            size: index,
            subtrees,
        })
    }

    /// Reads what [`Self::to_bytes`] wrote; `None` when it is not as many hashes as `size` asks for.
    #[must_use]
    pub fn from_bytes(size: u64, bytes: &[u8]) -> Option<Self> {
        let (hashes, rest) = bytes.as_chunks::<32>();
        let right = rest.is_empty() && hashes.len() == size.count_ones() as usize;
        right.then(|| Self {
            size,
            subtrees: hashes.iter().map(|h| Digest::from_bytes(*h)).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    /// The definitions of RFC 6962 section 2.1 word for word.
    mod by_definition {
        use super::*;

        pub(super) fn mth(leaves: &[Digest]) -> Digest {
            match leaves {
                [] => empty_root(),
                [one] => *one,
                many => {
                    let k = split(many.len() as u64) as usize;
                    node_hash(&mth(&many[..k]), &mth(&many[k..]))
                }
            }
        }

        pub(super) fn path(m: usize, leaves: &[Digest]) -> Vec<Digest> {
            if leaves.len() == 1 {
                return Vec::new();
            }
            let k = split(leaves.len() as u64) as usize;
            let (left, right) = leaves.split_at(k);
            let (mut path, sibling) = if m < k {
                (path(m, left), mth(right))
            } else {
                (path(m - k, right), mth(left))
            };
            path.push(sibling);
            path
        }

        pub(super) fn subproof(m: usize, leaves: &[Digest], whole: bool) -> Vec<Digest> {
            let n = leaves.len();
            if m == n {
                return if whole { Vec::new() } else { vec![mth(leaves)] };
            }
            let k = split(n as u64) as usize;
            let (left, right) = leaves.split_at(k);
            let (mut proof, other) = if m <= k {
                (subproof(m, left, whole), mth(right))
            } else {
                (subproof(m - k, right, false), mth(left))
            };
            proof.push(other);
            proof
        }
    }

    fn leaves(n: u64) -> Vec<Digest> {
        (0..n).map(|i| leaf_hash(&i.to_be_bytes())).collect()
    }

    fn nodes(leaves: &[Digest]) -> impl FnMut(u32, u64) -> Result<Digest, Infallible> {
        |level, index| {
            let (start, end) = (index << level, (index + 1) << level);
            Ok(by_definition::mth(&leaves[start as usize..end as usize]))
        }
    }

    /// RFC 6962 and RFC 9162 give no vectors; these eight leaves and roots are of the Certificate Transparency project's
    /// reference tests (google/certificate-transparency, merkletree).
    #[test]
    fn the_reference_trees_have_their_roots() {
        let entries = [
            "",
            "00",
            "10",
            "2021",
            "3031",
            "40414243",
            "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut edge = Edge::default();
        assert_eq!(
            edge.root().to_string(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        for (entry, root) in entries.iter().zip(roots) {
            edge.push(leaf_hash(&hex::decode(entry).unwrap()));
            assert_eq!(edge.root().to_string(), root, "{} leaves", edge.size());
        }
    }

    #[test]
    fn every_small_tree_is_as_defined() {
        let all = leaves(70);
        let mut edge = Edge::default();
        for n in 1..=70u64 {
            let tree = &all[..n as usize];
            edge.push(tree[n as usize - 1]);
            let top = by_definition::mth(tree);
            assert_eq!(edge.root(), top);
            assert_eq!(root(n, nodes(tree)), Ok(top));
            for m in 0..n {
                let proof = inclusion(m, n, nodes(tree)).unwrap();
                assert_eq!(proof, by_definition::path(m as usize, tree));
                assert_eq!(
                    root_from_inclusion(tree[m as usize], m, n, &proof),
                    Some(top)
                );
                let mut before = Edge::default();
                tree[..m as usize]
                    .iter()
                    .for_each(|leaf| before.push(*leaf));
                assert_eq!(Edge::before(m, n, &proof), Some(before));
            }
            for m in 1..=n {
                let proof = consistency(m, n, nodes(tree)).unwrap();
                assert_eq!(proof, by_definition::subproof(m as usize, tree, true));
                let old = by_definition::mth(&tree[..m as usize]);
                assert!(verify_consistency((m, old), (n, top), &proof), "{m} of {n}");
            }
        }
    }

    #[test]
    fn proofs_of_other_lengths_are_refused() {
        let all = leaves(9);
        let top = by_definition::mth(&all);
        let proof = inclusion(3, 9, nodes(&all)).unwrap();
        assert_eq!(root_from_inclusion(all[3], 3, 9, &proof[..3]), None);
        assert_eq!(
            root_from_inclusion(all[3], 3, 9, &[&proof[..], &[top]].concat()),
            None
        );
        assert_eq!(root_from_inclusion(all[3], 9, 9, &proof), None);
        for wrong in [&proof[..3], &[&proof[..], &[top]].concat(), &[]] {
            assert_eq!(Edge::before(3, 9, wrong), None);
        }
        assert_eq!(Edge::before(0, 0, &[]), None);
        let old = by_definition::mth(&all[..6]);
        let proof = consistency(6, 9, nodes(&all)).unwrap();
        let shows = |old, new, proof: &[Digest]| verify_consistency(old, new, proof);
        assert!(shows((6, old), (9, top), &proof));
        assert!(!shows((6, old), (9, top), &proof[1..]));
        assert!(!shows((6, old), (9, top), &[]));
        assert!(!shows((6, old), (9, top), &[&proof[..], &[top]].concat()));
        assert!(!shows((9, top), (6, old), &proof));
        assert!(!shows((9, old), (9, top), &[]));
        assert!(shows((0, empty_root()), (9, top), &[]));
        assert!(!shows((0, old), (9, top), &[]));
        assert!(!shows((0, empty_root()), (0, top), &[]));
    }

    proptest! {
        #[test]
        fn an_altered_proof_leads_to_another_root(n in 2u64..300, seed: u64, flip: u8) {
            let all = leaves(n);
            let index = seed % n;
            let top = by_definition::mth(&all);
            let mut proof = inclusion(index, n, nodes(&all)).unwrap();
            prop_assert_eq!(root_from_inclusion(all[index as usize], index, n, &proof), Some(top));
            let other = (index + 1) % n;
            prop_assert_ne!(root_from_inclusion(all[index as usize], other, n, &proof), Some(top));
            let at = usize::from(flip) % proof.len();
            let mut bytes = *proof[at].as_bytes();
            bytes[usize::from(flip) % 32] ^= 1;
            proof[at] = Digest::from_bytes(bytes);
            prop_assert_ne!(root_from_inclusion(all[index as usize], index, n, &proof), Some(top));
        }

        #[test]
        fn an_edge_survives_storage(n in 0u64..2000) {
            let mut edge = Edge::default();
            leaves(n).into_iter().for_each(|leaf| edge.push(leaf));
            let bytes = edge.to_bytes();
            prop_assert_eq!(Edge::from_bytes(n, &bytes), Some(edge));
            prop_assert_eq!(Edge::from_bytes(n, &[&bytes[..], &[0]].concat()), None);
            prop_assert_eq!(Edge::from_bytes(n, &[&bytes[..], &[0; 32]].concat()), None);
        }
    }
}
