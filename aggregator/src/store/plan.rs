//! Plan: how each statement of a batch fares and what must be written, from what is known of its
//! nodes. Pure, and the same for every database: reading and writing are the backend's.

use std::collections::BTreeMap;

use ldsp_protocol::ids::{Digest, NodeSlug};
use ldsp_protocol::log::merkle::leaf_hash;
use ldsp_protocol::log::{Edge, Entry};
use ldsp_protocol::statement::Kind;

use super::{
    Appended, Conflict, Equivocation, Growth, Head, NewStatement, Placed, Sign, StoreError, Tally,
};

/// Where each node stands.
pub(super) type Heads = BTreeMap<NodeSlug, Head>;

/// A place in a node's sequence.
type Spot<'a> = (&'a NodeSlug, u64);

/// What is logged at a place.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    /// Identity of the statement there.
    pub(super) pae: Digest,
    /// Its leaf.
    pub(super) index: u64,
}

/// What a batch stands on.
#[derive(Debug, Default)]
pub(super) struct Ground {
    /// The heads of the batch's nodes.
    pub(super) heads: Heads,
    /// Leaves from which on keys are refused.
    pub(super) revoked: BTreeMap<NodeSlug, u64>,
    /// The right edge of the log's tree.
    pub(super) edge: Edge,
    /// Whether the log lacks leaves: only those may be logged.
    pub(super) stopped: bool,
}

/// What the database tells before a batch can be planned.
#[derive(Debug, Default)]
pub(super) struct Known<'a> {
    pub(super) ground: Ground,
    /// What is logged at the batch's [`taken`] places.
    pub(super) logged: BTreeMap<Spot<'a>, Standing>,
}

/// What becomes of a batch.
#[derive(Debug, PartialEq)]
pub(super) struct Plan {
    /// In the order of the batch.
    pub(super) outcomes: Vec<Placed>,
    /// Heads that moved.
    pub(super) heads: Heads,
    /// Proofs to keep where the place has none yet.
    pub(super) evidence: Vec<Equivocation>,
    /// What the log grows by; `None` when nothing of the batch is new.
    pub(super) grown: Option<Grown>,
}

/// What the log's tables hold after it grew.
#[derive(Debug, PartialEq)]
pub(super) struct Grown {
    pub(super) growth: Growth,
    /// The new leaves' records, one behind the other.
    pub(super) records: Vec<u8>,
    pub(super) edge: Edge,
}

/// Adds the records of leaves to the tree and signs its checkpoint.
pub(super) fn grow(mut edge: Edge, entries: impl Iterator<Item = Entry>, sign: Sign<'_>) -> Grown {
    let first = edge.size();
    let (mut records, mut leaves) = (Vec::new(), Vec::new());
    for entry in entries {
        let record = entry.to_bytes();
        let leaf = leaf_hash(&record);
        records.extend_from_slice(&record);
        leaves.push(leaf);
        edge.push(leaf);
    }
    let root = edge.root();
    let checkpoint = sign(edge.size(), root);
    Grown {
        growth: Growth {
            first,
            leaves,
            root,
            checkpoint,
        },
        records,
        edge,
    }
}

/// The places that the batch names and that are logged already: senders that ask again, or that
/// signed two statements for one place.
pub(super) fn taken<'a>(batch: &'a [NewStatement], heads: &Heads) -> Vec<Spot<'a>> {
    let mut taken: Vec<Spot<'a>> = batch
        .iter()
        .filter(|new| heads.get(&new.node).is_some_and(|head| new.seq <= head.seq))
        .map(|new| (&new.node, new.seq))
        .collect();
    taken.sort_unstable();
    taken.dedup();
    taken
}

/// Takes the statements one after the other.
///
/// # Errors
/// What stops one statement and not the others: a node that is not known, a head that stands above
/// what is logged.
pub(super) fn plan<'a>(
    batch: &'a [NewStatement],
    mut known: Known<'a>,
    sign: Sign<'_>,
) -> Result<Plan, StoreError> {
    let mut plan = Plan {
        outcomes: Vec::with_capacity(batch.len()),
        heads: Heads::new(),
        evidence: Vec::new(),
        grown: None,
    };
    let ground = &mut known.ground;
    let mut size = ground.edge.size();
    for new in batch {
        let head = ground.heads.get_mut(&new.node).ok_or(Conflict::NoNode)?;
        let standing = known.logged.get(&(&new.node, new.seq));
        let again = standing.filter(|standing| standing.pae == new.pae);
        let outcome = if let Some(standing) = again {
            Placed::Before(standing.index)
        } else if let Some(from) = ground.revoked.get(&new.node) {
            // Nothing of it is kept, not as evidence either: whoever holds the key could make as much of that as they please.
            Placed::Revoked { from: *from }
        } else if new.seq > head.seq + 1 {
            Placed::Gap {
                expected: head.seq + 1,
            }
        } else if new.seq <= head.seq {
            let standing = standing.ok_or_else(|| StoreError::Corrupt {
                table: "node",
                column: "head_seq",
                row: new.node.to_string(),
            })?;
            plan.evidence.push(evidence(new, standing));
            Placed::Equivocation {
                logged: standing.pae,
            }
        } else if new.prev != head.pae {
            Placed::Chain
        } else {
            let index = size;
            size += 1;
            *head = Head {
                seq: new.seq,
                pae: new.pae,
            };
            plan.heads.insert(new.node.clone(), *head);
            let standing = Standing {
                pae: new.pae,
                index,
            };
            known.logged.insert((&new.node, new.seq), standing);
            Placed::Logged(index)
        };
        plan.outcomes.push(outcome);
    }
    let mut entries = plan.logged(batch).into_iter().map(|(new, _)| new.entry());
    if let Some(first) = entries.next() {
        let entries = std::iter::once(first).chain(entries);
        plan.grown = Some(grow(known.ground.edge, entries, sign));
    }
    Ok(plan)
}

/// What a leaf that was logged again in its place added.
///
/// # Errors
/// [`Conflict::Misplaced`]: it does not stand there.
pub(super) fn back(appended: Appended, leaf: u64) -> Result<Growth, StoreError> {
    let how = match (appended.placed.as_slice(), appended.growth) {
        ([Placed::Logged(_)], Some(growth)) => return Ok(growth),
        ([Placed::Before(index)], _) => format!("it stands at place {index} already"),
        ([Placed::Equivocation { logged }], _) => {
            format!("another statement, {logged}, stands in its place of the node's sequence")
        }
        ([Placed::Gap { expected }], _) => format!("statement {expected} of its node is missing"),
        ([Placed::Chain], _) => "it does not name its node's statement before it".to_owned(),
        ([Placed::Revoked { from }], _) => format!("its key counts no more from place {from} on"),
        (_, _) => "it could not be logged".to_owned(),
    };
    Err(Conflict::Misplaced { leaf, how }.into())
}

fn evidence(new: &NewStatement, standing: &Standing) -> Equivocation {
    Equivocation {
        node: new.node.clone(),
        seq: new.seq,
        logged: standing.pae,
        refused: new.pae,
        envelope: new.envelope.clone(),
        received: new.received,
    }
}

impl Plan {
    /// The statements of the batch that are to be written, with their leaves.
    pub(super) fn logged<'a>(&self, batch: &'a [NewStatement]) -> Vec<(&'a NewStatement, u64)> {
        let pairs = batch.iter().zip(&self.outcomes);
        let logged = pairs.filter_map(|(new, outcome)| match outcome {
            Placed::Logged(index) => Some((new, *index)),
            _ => None,
        });
        logged.collect()
    }
}

/// What a batch adds to the tally of each node and kind.
pub(super) fn tallies(logged: &[(&NewStatement, u64)]) -> Vec<Tally> {
    let mut tallies: BTreeMap<(&NodeSlug, Kind), Tally> = BTreeMap::new();
    for (new, _) in logged {
        let tally = tallies
            .entry((&new.node, new.kind))
            .or_insert_with(|| Tally {
                node: new.node.clone(),
                kind: new.kind,
                count: 0,
                withdrawn: 0,
                first: new.received,
                latest: new.received,
            });
        tally.count += 1;
        tally.first = tally.first.min(new.received);
        tally.latest = tally.latest.max(new.received);
    }
    tallies.into_values().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::receive::tests::practice::entry;
    use crate::store::Effect;
    use crate::testing::at;

    const SIGN: Sign<'static> = &|size, root| format!("{size} {root}");

    fn slug(node: u8) -> NodeSlug {
        format!("node-{node}").parse().unwrap()
    }

    fn pae(node: u8, seq: u64, variant: u8) -> Digest {
        if seq == 0 {
            return Digest::ZERO;
        }
        Digest::of(&[node, seq as u8, variant])
    }

    /// Variant 0 of each place chains to variant 0 of the place before; `loose` chains to nothing.
    fn statement((node, seq, variant, loose): (u8, u64, u8, bool)) -> NewStatement {
        NewStatement {
            node: slug(node),
            seq,
            prev: if loose {
                Digest::of(b"loose")
            } else {
                pae(node, seq - 1, 0)
            },
            kind: Kind::PracticeEntry,
            period: None,
            key_id: Digest::of(b"key"),
            pae: pae(node, seq, variant),
            envelope: vec![node, seq as u8, variant],
            received: at("2022-06-01T10:00:00Z"),
            effect: Effect::Practice(Box::new(entry("E37000001"))),
        }
    }

    /// The rules for one statement as the protocol states them, over everything that was ever logged.
    #[derive(Default)]
    struct Oracle {
        logged: Vec<(NodeSlug, u64, Digest)>,
        entries: Vec<Entry>,
        evidence: BTreeMap<(NodeSlug, u64), Digest>,
    }

    impl Oracle {
        fn head(&self, node: &NodeSlug) -> Head {
            let last = self.logged.iter().rfind(|(n, ..)| n == node);
            last.map_or(
                Head {
                    seq: 0,
                    pae: Digest::ZERO,
                },
                |(_, seq, pae)| Head {
                    seq: *seq,
                    pae: *pae,
                },
            )
        }

        fn standing(&self, node: &NodeSlug, seq: u64) -> Option<(u64, Digest)> {
            let index = self
                .logged
                .iter()
                .position(|(n, s, _)| n == node && *s == seq)?;
            Some((index as u64, self.logged[index].2))
        }

        fn take(&mut self, new: &NewStatement) -> Placed {
            if let Some((index, pae)) = self.standing(&new.node, new.seq) {
                if pae == new.pae {
                    return Placed::Before(index);
                }
                self.evidence
                    .entry((new.node.clone(), new.seq))
                    .or_insert(new.pae);
                return Placed::Equivocation { logged: pae };
            }
            let head = self.head(&new.node);
            if new.seq != head.seq + 1 {
                return Placed::Gap {
                    expected: head.seq + 1,
                };
            }
            if new.prev != head.pae {
                return Placed::Chain;
            }
            self.logged.push((new.node.clone(), new.seq, new.pae));
            self.entries.push(new.entry());
            Placed::Logged(self.logged.len() as u64 - 1)
        }

        fn edge(&self) -> Edge {
            let mut edge = Edge::default();
            for entry in &self.entries {
                edge.push(entry.leaf_hash());
            }
            edge
        }

        fn known<'a>(&self, batch: &'a [NewStatement]) -> Known<'a> {
            let heads: Heads = batch
                .iter()
                .map(|new| (new.node.clone(), self.head(&new.node)))
                .collect();
            let logged = taken(batch, &heads).into_iter().map(|(node, seq)| {
                let (index, pae) = self.standing(node, seq).unwrap();
                ((node, seq), Standing { pae, index })
            });
            let logged = logged.collect();
            let ground = Ground {
                heads,
                revoked: BTreeMap::new(),
                edge: self.edge(),
                stopped: false,
            };
            Known { ground, logged }
        }
    }

    proptest! {
        #[test]
        fn a_batch_fares_as_its_statements_one_by_one(
            sent in prop::collection::vec((0u8..3, 1u64..5, prop_oneof![4 => Just(0u8), 1 => 1u8..3], prop::bool::weighted(0.1)), 0..40),
            cuts in prop::collection::vec(1usize..12, 40),
        ) {
            let sent: Vec<NewStatement> = sent.into_iter().map(statement).collect();
            let mut oracle = Oracle::default();
            let mut kept = BTreeMap::new();
            let mut rest = sent.as_slice();
            for cut in cuts {
                let (batch, later) = rest.split_at(cut.min(rest.len()));
                rest = later;
                let planned = plan(batch, oracle.known(batch), SIGN).unwrap();
                let before = oracle.logged.len();
                let expected: Vec<Placed> = batch.iter().map(|new| oracle.take(new)).collect();
                prop_assert_eq!(&planned.outcomes, &expected);
                prop_assert_eq!(planned.logged(batch).len(), oracle.logged.len() - before);
                prop_assert_eq!(planned.grown.is_some(), oracle.logged.len() > before);
                if let Some(grown) = &planned.grown {
                    let records: Vec<u8> = oracle.entries[before..].iter().flat_map(Entry::to_bytes).collect();
                    prop_assert_eq!(&grown.records, &records);
                    prop_assert_eq!(grown.growth.first, before as u64);
                    prop_assert_eq!(&grown.edge, &oracle.edge());
                    prop_assert_eq!(&grown.growth.checkpoint, &SIGN(oracle.logged.len() as u64, oracle.edge().root()));
                }
                for (node, head) in &planned.heads {
                    prop_assert_eq!(*head, oracle.head(node));
                }
                for (node, ..) in &oracle.logged[before..] {
                    prop_assert!(planned.heads.contains_key(node));
                }
                for proof in planned.evidence {
                    kept.entry((proof.node, proof.seq)).or_insert(proof.refused);
                }
                prop_assert_eq!(&kept, &oracle.evidence);
            }
        }
    }

    #[test]
    fn what_is_not_as_it_must_be_stops_the_batch() {
        let new = [statement((0, 1, 0, false))];
        let unknown = plan(&new, Known::default(), SIGN);
        assert!(matches!(
            unknown,
            Err(StoreError::Conflict(Conflict::NoNode))
        ));
        let head = Head {
            seq: 2,
            pae: pae(0, 2, 0),
        };
        let known = |revoked| Known {
            ground: Ground {
                heads: Heads::from([(slug(0), head)]),
                revoked,
                ..Ground::default()
            },
            ..Known::default()
        };
        let next = [statement((0, 3, 0, false))];
        let refused = plan(&next, known(BTreeMap::from([(slug(0), 7)])), SIGN).unwrap();
        assert_eq!(refused.outcomes, [Placed::Revoked { from: 7 }]);
        assert_eq!(refused.grown, None);
        let lost = plan(&new, known(BTreeMap::new()), SIGN).unwrap_err();
        assert!(lost.is_of_one_row());
        assert!(
            lost.to_string().contains("node.head_seq of row node-0"),
            "{lost}"
        );
    }
}
