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

/// The way from `from` to `goal`. Where two leaves of one place came back, each goes on with those whose receipts show it
/// before them, so that histories do not mix. `None` when a leaf is missing or none leads there.
pub(super) fn to(
    from: &Edge,
    staged: &[StagedLeaf],
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
    let start = Way {
        leaves: Vec::new(),
        strays: Vec::new(),
    };
    let mut ways = vec![(from.clone(), start)];
    for place in from.size()..goal.size {
        let steps = steps.get(&place)?;
        let mut further = Vec::new();
        for (edge, way) in ways {
            for step in steps.iter().filter(|step| step.before == edge) {
                let (mut edge, mut way) = (edge.clone(), way.clone());
                edge.push(leaf_hash(step.record));
                way.leaves.push((place, step.record.to_vec()));
                let passed = claims.iter().filter(|claim| claim.size == edge.size());
                let stray = passed.filter(|claim| claim.root != edge.root());
                way.strays.extend(stray.cloned());
                further.push((edge, way));
            }
        }
        ways = further;
    }
    let there = ways.into_iter().find(|(edge, _)| edge.root() == goal.root);
    there.map(|(_, way)| way)
}

/// The edge before a leaf, as its receipt shows it, which held when the leaf came back.
pub(super) fn before(leaf: &StagedLeaf) -> Option<Edge> {
    let proof = Proof::parse(&leaf.receipt).ok()?;
    let size = ldsp_protocol::log::Checkpoint::claimed(&proof.checkpoint)?.size;
    Edge::before(proof.index, size, &proof.hashes)
}
