//! The way from a log's end to the largest checkpoint that it was shown, over leaves that came back. Pure.

use std::collections::BTreeMap;

use ldsp_protocol::log::merkle::leaf_hash;
use ldsp_protocol::log::{Edge, Proof};

use crate::store::{Claim, StagedLeaf};

/// A way that leads to the goal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Way {
    /// Places and records of the leaves, in order.
    pub(super) leaves: Vec<(u64, Vec<u8>)>,
    /// Checkpoints that it passes by: of another history.
    pub(super) strays: Vec<Claim>,
}

/// A leaf that came back, with the edge that its receipt shows before it.
struct Step<'a> {
    record: &'a [u8],
    before: Edge,
}

/// Ways that are followed at once. Where several leaves in a row are without a receipt, each order of the candidates is one.
const MOST: usize = 20_000;

/// The way from `from` to `goal`. Where two leaves of one place came back, each goes on with those whose receipts show it
/// before them, so that histories do not mix. At a place of which none came back, each of the `candidates` (records) is tried: one stands
/// there if what was signed behind it says so. `None` when a leaf is missing or none leads there.
pub(super) fn to(
    from: &Edge,
    staged: &[StagedLeaf],
    candidates: &[Vec<u8>],
    claims: &[Claim],
    goal: &Claim,
) -> Option<Way> {
    let mut steps: BTreeMap<u64, Vec<Step<'_>>> = BTreeMap::new();
    for leaf in staged {
        if let Some(before) = before(leaf) {
            let record = leaf.record.as_slice();
            steps
                .entry(leaf.leaf)
                .or_default()
                .push(Step { record, before });
        }
    }
    // What was gone through, each with where it came from: ways share their beginnings.
    let mut gone: Vec<(Option<usize>, &[u8])> = Vec::new();
    let mut ways: Vec<(Edge, Option<usize>)> = vec![(from.clone(), None)];
    for place in from.size()..goal.size {
        let mut further = Vec::new();
        for (edge, last) in ways {
            let mut go = |record| {
                let mut edge = edge.clone();
                edge.push(leaf_hash(record));
                gone.push((last, record));
                further.push((edge, Some(gone.len() - 1)));
            };
            match steps.get(&place) {
                Some(steps) => {
                    let right = steps.iter().filter(|step| step.before == edge);
                    right.for_each(|step| go(step.record));
                }
                None => candidates.iter().for_each(|record| go(record)),
            }
        }
        if further.is_empty() || further.len() > MOST {
            return None;
        }
        ways = further;
    }
    let (_, mut last) = ways
        .into_iter()
        .find(|(edge, _)| edge.root() == goal.root)?;
    let mut records = Vec::new();
    while let Some((before, record)) = last.map(|at| gone[at]) {
        records.push(record);
        last = before;
    }
    records.reverse();
    Some(along(from, &records, claims))
}

/// The way over these leaves, with the checkpoints that it passes by.
fn along(from: &Edge, records: &[&[u8]], claims: &[Claim]) -> Way {
    let mut edge = from.clone();
    let (mut leaves, mut strays) = (Vec::new(), Vec::new());
    for record in records {
        leaves.push((edge.size(), record.to_vec()));
        edge.push(leaf_hash(record));
        let passed = claims.iter().filter(|claim| claim.size == edge.size());
        strays.extend(passed.filter(|claim| claim.root != edge.root()).cloned());
    }
    Way { leaves, strays }
}

/// The edge before a leaf, as its receipt shows it, which held when the leaf came back.
pub(super) fn before(leaf: &StagedLeaf) -> Option<Edge> {
    let proof = Proof::parse(&leaf.receipt).ok()?;
    let size = ldsp_protocol::log::Checkpoint::claimed(&proof.checkpoint)?.size;
    Edge::before(proof.index, size, &proof.hashes)
}
