//! Leaves that came back, each between the tree before it and the tree that ends in it. A tree's root names all its leaves, so the way back from
//! a tree is one, whatever else came back. Pure.

use std::collections::BTreeMap;

use ldsp_protocol::ids::Digest;
use ldsp_protocol::log::merkle::leaf_hash;
use ldsp_protocol::log::{Checkpoint, Edge, Proof};
use ldsp_protocol::recovery::{Run, runs};

use crate::store::{Link, StagedLeaf};

/// A tree by its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tip {
    /// Number of leaves.
    pub(super) size: u64,
    /// Root.
    pub(super) root: Digest,
}

/// Leaves that came back, by their places: one of each history.
#[derive(Debug)]
pub(super) struct Links(BTreeMap<u64, Vec<Link>>);

impl Links {
    pub(super) fn new(links: Vec<Link>) -> Self {
        let mut places: BTreeMap<u64, Vec<Link>> = BTreeMap::new();
        for link in links {
            places.entry(link.leaf).or_default().push(link);
        }
        Self(places)
    }

    /// The last leaf of a tree.
    fn last_of(&self, tip: Tip) -> Option<Link> {
        let here = self.0.get(&tip.size.checked_sub(1)?)?;
        here.iter().find(|link| link.root == tip.root).copied()
    }

    /// The leaves of the tree `tip` from its end back to `from` leaves, or to the first that is missing; and the tree before them.
    pub(super) fn back(&self, from: u64, mut tip: Tip) -> (Vec<Link>, Tip) {
        let mut gone = Vec::new();
        while tip.size > from
            && let Some(link) = self.last_of(tip)
        {
            gone.push(link);
            tip = Tip {
                size: link.leaf,
                root: link.before,
            };
        }
        (gone, tip)
    }

    /// Places from `from` on at which a leaf of one of `goals`, which are of one size, is missing.
    pub(super) fn missing(&self, from: u64, goals: &[Tip], forked: bool) -> Vec<Run> {
        let mut times: BTreeMap<u64, usize> = BTreeMap::new();
        for goal in goals {
            for leaf in self.there(*goal, forked) {
                *times.entry(leaf).or_default() += 1;
            }
        }
        let there = times.into_iter().filter(|(_, n)| *n == goals.len());
        let end = goals.first().map_or(from, |goal| goal.size);
        runs(from, end, there.map(|(leaf, _)| leaf))
    }

    /// Places at which a leaf of `goal` is there, last first. Below one that is missing, which history a leaf is of is not known: it is taken for
    /// the right one, unless there are others.
    fn there(&self, goal: Tip, mut forked: bool) -> Vec<u64> {
        let (mut there, mut known) = (Vec::new(), Some(goal));
        for leaf in self.0.range(..goal.size).rev().map(|(leaf, _)| *leaf) {
            if let Some(tip) = known {
                if let Some(link) = self.last_of(tip) {
                    there.push(leaf);
                    known = Some(Tip {
                        size: link.leaf,
                        root: link.before,
                    });
                    continue;
                }
                // What is there instead is of another history.
                forked |= tip.size == leaf + 1;
                known = None;
            }
            if !forked {
                there.push(leaf);
            }
        }
        there
    }
}

/// Ways that are tried where leaves without a receipt are looked for: each order of so many of them is one. It is seconds of work, off the threads that
/// answer, and finds four in a row among the statements of 38 nodes.
const MOST: usize = 2_000_000;

/// How many leaves in a row are looked for among so many candidates, from one on.
pub(super) fn gaps(candidates: usize) -> impl Iterator<Item = u64> {
    let orders = (0..candidates).scan(1usize, move |orders, taken| {
        *orders = orders.saturating_mul(candidates - taken);
        Some(*orders)
    });
    (1..)
        .zip(orders.take_while(|orders| *orders <= MOST))
        .map(|(gap, _)| gap)
}

/// Which of `candidates` (records) lead, in which order, from one of `starts` to the tree `end`; and that start.
pub(super) fn fill(
    starts: &[Edge],
    candidates: &[Vec<u8>],
    end: Tip,
) -> Option<(Vec<Vec<u8>>, Tip)> {
    starts.iter().find_map(|start| {
        let mut taken = Vec::new();
        let records = |taken: Vec<usize>| taken.iter().map(|at| candidates[*at].clone()).collect();
        let tip = Tip {
            size: start.size(),
            root: start.root(),
        };
        leads(start, candidates, end, &mut taken).then(|| (records(taken), tip))
    })
}

/// Whether candidates that are not `taken` lead from `edge` to `end`; they are taken then.
fn leads(edge: &Edge, candidates: &[Vec<u8>], end: Tip, taken: &mut Vec<usize>) -> bool {
    if edge.size() >= end.size {
        return edge.size() == end.size && edge.root() == end.root;
    }
    for (at, record) in candidates.iter().enumerate() {
        if taken.contains(&at) {
            continue;
        }
        let mut next = edge.clone();
        next.push(leaf_hash(record));
        taken.push(at);
        if leads(&next, candidates, end, taken) {
            return true;
        }
        taken.pop();
    }
    false
}

/// The right edge of the tree that ends in a leaf, as its receipt shows it; `None` where that is not the row's.
pub(super) fn edge_of(staged: &StagedLeaf) -> Option<Edge> {
    let proof = Proof::parse(&staged.receipt).ok()?;
    let size = Checkpoint::claimed(&proof.checkpoint)?.size;
    let mut edge = Edge::before(proof.index, size, &proof.hashes)?;
    edge.push(leaf_hash(&staged.record));
    (edge.root() == staged.link.root).then_some(edge)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tip(edge: &Edge) -> Tip {
        Tip {
            size: edge.size(),
            root: edge.root(),
        }
    }

    #[test]
    fn what_was_signed_over_without_a_receipt_is_found_in_its_order() {
        let records: Vec<Vec<u8>> = (0..5).map(|n| vec![n]).collect();
        let mut start = Edge::default();
        start.push(leaf_hash(b"before"));
        let mut end = start.clone();
        for record in [3, 0, 4] {
            end.push(leaf_hash(&records[record]));
        }
        let starts = [Edge::default(), start.clone()];
        let found = fill(&starts, &records, tip(&end));
        let expected = [3, 0, 4].map(|at| records[at].clone()).to_vec();
        assert_eq!(found, Some((expected, tip(&start))));
        assert_eq!(fill(&starts, &records[..4], tip(&end)), None);
        assert_eq!(fill(&starts[..1], &records, tip(&end)), None);
    }

    #[test]
    fn the_search_is_bounded_however_many_nodes_send_something() {
        let gaps = |candidates| gaps(candidates).collect::<Vec<_>>();
        assert!(gaps(0).is_empty());
        assert_eq!(gaps(3), [1, 2, 3]);
        assert_eq!(gaps(38), [1, 2, 3, 4]);
        assert_eq!(gaps(142), [1, 2]);
        assert!(gaps(2_000_001).is_empty());
    }
}
