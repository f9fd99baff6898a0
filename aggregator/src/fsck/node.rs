//! A node's statements, received again in their order.

use std::collections::BTreeMap;

use jiff::civil::Date;
use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::enrolment::NodeState;
use ldsp_protocol::ids::Digest;
use ldsp_protocol::problem::{self, Problem};
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::Kind;
use serde::Deserialize;

use super::{Fsck, Rule, counts, library, own, revisions, rollup};
use crate::store::{Effect, Head, LoggedStatement, Node, StoreError};
use crate::verify::{Address, Authentic, Known};

/// What a body says of the statement before it.
#[derive(Deserialize)]
struct Named {
    prev: Digest,
}

/// How far a node's statements are received.
#[derive(Default)]
struct Seen {
    /// `None` before the first and behind a row that could not be read.
    head: Option<Head>,
    /// Whether the log states the node's key.
    stated: bool,
    months: rollup::Months,
    practice: library::Versions,
    named: revisions::Named,
    /// The day of the last statement of each kind of needs.
    published: BTreeMap<Kind, Date>,
}

pub(super) async fn check(
    run: &mut Fsck<'_>,
    node: &Node,
    told: &mut dyn FnMut(u64),
) -> Result<(), StoreError> {
    let leaves = run.snapshot.leaves_of(&node.node).await?;
    let mut seen = Seen {
        head: Some(Head {
            seq: 0,
            pae: Digest::ZERO,
        }),
        stated: own::node(run, node),
        months: rollup::Months::stored(run, node).await?,
        ..Seen::default()
    };
    if !leaves.is_empty() && !node.state.is_approved() {
        let what = "the node has statements but no approved key";
        run.find(Rule::Signature, ("node", "state"), &node.node, what);
    }
    for leaf in leaves {
        run.report.statements += 1;
        told(run.report.statements);
        let row = run.snapshot.statement(leaf).await?;
        match row {
            Some(row) => match run.readable(row)? {
                Some(row) => {
                    seen.named.take(&row);
                    match row.withdrawn {
                        Some(by) => gone(run, &row, by, &mut seen).await?,
                        None => receive(run, node, &row, &mut seen),
                    }
                }
                None => seen.head = None,
            },
            None => seen.head = None,
        }
    }
    if let Some(head) = seen.head {
        let right = [
            ("head_seq", head.seq == node.head.seq),
            ("head_pae", head.pae == node.head.pae),
        ];
        for (column, _) in right.iter().filter(|(_, right)| !right) {
            let what = format!(
                "the node's last statement is {} with digest {}",
                head.seq, head.pae
            );
            run.find(Rule::Head, ("node", column), &node.node, what);
        }
    }
    seen.months.end(run, node);
    seen.named.end(run);
    Ok(())
}

/// Counts a statement, whose key must count at its leaf.
fn arrive(run: &mut Fsck<'_>, row: &LoggedStatement, seen: &Seen) {
    counts::count(run, row);
    if seen.stated && !run.keys.count(&row.node, row.key_id, row.index) {
        let what = "no key of this id counts for the node at this leaf";
        run.find(Rule::Keys, ("statement", "key_id"), row.index, what);
    }
}

/// A statement whose payload is gone: what its withdrawal says of it stands for it.
async fn gone(
    run: &mut Fsck<'_>,
    row: &LoggedStatement,
    by: u64,
    seen: &mut Seen,
) -> Result<(), StoreError> {
    run.report.withdrawn += 1;
    run.withdrew.insert(row.node.clone());
    arrive(run, row, seen);
    if let Some(head) = seen.head
        && row.seq != head.seq + 1
    {
        let what = format!("the number {} follows {}", row.seq, head.seq);
        run.find(Rule::Sequence, ("statement", "seq"), row.index, what);
    }
    seen.head = Some(Head {
        seq: row.seq,
        pae: row.pae,
    });
    if !row.envelope.is_empty() {
        let what = "the payload of a withdrawn statement is still there";
        run.find(Rule::Withdrawn, ("statement", "envelope"), row.index, what);
    }
    let withdrawal = run.snapshot.statement(by).await?;
    let withdrawal = withdrawal.and_then(Result::ok);
    // A withdrawal that is not one is a finding in its own turn, and of the statements that it should name.
    let Some((period, (standard, cells))) = row
        .period
        .zip(withdrawal.and_then(|w| revisions::cells_of(&w)))
    else {
        return Ok(());
    };
    let before = seen.months.hole((standard, period), row.seq, cells);
    if let Some(target) = before.and_then(|seq| seen.named.leaf(seq)) {
        run.revisions.gone(row, target, (standard, period, cells));
    }
    Ok(())
}

/// Receives one statement as it was received when it came.
fn receive(run: &mut Fsck<'_>, node: &Node, row: &LoggedStatement, seen: &mut Seen) {
    arrive(run, row, seen);
    let stands = Head {
        seq: row.seq,
        pae: row.pae,
    };
    let Some((authentic, prev)) = authentic(run, node, row) else {
        seen.head = Some(stands);
        return;
    };
    for (column, rule, right) in [
        ("pae", Rule::Digest, authentic.pae() == row.pae),
        ("kind", Rule::Body, authentic.kind() == row.kind),
        ("key_id", Rule::Body, authentic.key_id() == row.key_id),
    ] {
        if !right {
            let what = "it is not that of the signed envelope";
            run.find(rule, ("statement", column), row.index, what);
        }
    }
    if let Some(head) = seen.head {
        if row.seq != head.seq + 1 {
            let what = format!("the number {} follows {}", row.seq, head.seq);
            run.find(Rule::Sequence, ("statement", "seq"), row.index, what);
        } else if prev != head.pae {
            let what = format!(
                "the statement does not name the one before it, {}",
                head.pae
            );
            run.find(Rule::Chain, ("statement", "envelope"), row.index, what);
        }
    }
    seen.head = Some(Head {
        seq: row.seq,
        pae: authentic.pae(),
    });
    let standard = authentic.standard().map_or(Digest::ZERO, Standard::digest);
    let answered = authentic.answered();
    let asked = answered.and_then(|pae| run.asked.before(row.index, pae));
    let known = Known {
        history: seen.months.folded(standard),
        asked: asked.as_ref(),
        target: authentic.named().and_then(|seq| seen.named.target(seq)),
        published: seen.published.get(&authentic.kind()).copied(),
    };
    if let Some(said) = authentic.needs() {
        seen.published.insert(authentic.kind(), said.day());
    }
    let accepted = authentic.accept(known, row.received);
    let new = match accepted {
        Ok(accepted) => accepted.into_new(),
        Err(problem) => {
            find(run, Rule::Rules, "envelope", row, &problem);
            seen.months.give_up(standard, row.period);
            return;
        }
    };
    if new.period != row.period {
        let what = "it is not that of the signed envelope";
        run.find(Rule::Body, ("statement", "period"), row.index, what);
    }
    match new.effect {
        Effect::Summary(fold) => seen.months.take(run, *fold),
        Effect::Practice(entry) => seen.practice.take(run, row, *entry),
        Effect::None => {}
        Effect::Revision(revised) => {
            seen.named.revise(row, &revised);
            run.revisions.take(row, &revised);
            if let Some(month) = &revised.month {
                seen.months.revise(run, month);
            }
        }
    }
}

/// The row's envelope as its node signed it for this place, with the digest that it says is before it.
fn authentic(
    run: &mut Fsck<'_>,
    node: &Node,
    row: &LoggedStatement,
) -> Option<(Authentic, Digest)> {
    let unverified = match crate::verify::parse(&row.envelope) {
        Ok(unverified) => unverified,
        Err(problem) => {
            find(run, Rule::Signature, "envelope", row, &problem);
            return None;
        }
    };
    let prev = named(&unverified);
    // The place is made to fit, so that each statement is judged by itself; places are compared apart.
    let then = Node {
        state: NodeState::Active,
        revoked: None,
        head: Head {
            seq: row.seq.saturating_sub(1),
            pae: prev,
        },
        ..node.clone()
    };
    let address = Address {
        node: node.node.clone(),
        seq: row.seq,
    };
    match Authentic::new(unverified, &address, then, run.ground.log.name()) {
        Ok(authentic) => Some((authentic, prev)),
        Err(problem) => {
            let rule = match problem.code.as_str() {
                code if code == problem::MISDIRECTED.code => Rule::Body,
                code if code == problem::STATEMENT.code => Rule::Body,
                _ => Rule::Signature,
            };
            find(run, rule, "envelope", row, &problem);
            None
        }
    }
}

pub(super) fn named(unverified: &Unverified) -> Digest {
    let named = serde_json::from_slice::<Named>(unverified.unverified_body());
    named.map_or(Digest::ZERO, |named| named.prev)
}

fn find(
    run: &mut Fsck<'_>,
    rule: Rule,
    column: &'static str,
    row: &LoggedStatement,
    problem: &Problem,
) {
    run.find(rule, ("statement", column), row.index, &problem.detail);
}
