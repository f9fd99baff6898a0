//! Withdrawals and corrections: which payloads may be gone, and the list of what was said of them.

use std::collections::BTreeMap;

use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::ids::{Digest, Period};
use ldsp_protocol::revision::Withdrawal;
use ldsp_protocol::statement::{Body, Kind};

use super::{Fsck, Rule};
use crate::store::{LoggedStatement, Revised, StoreError};
use crate::verify::Target;

/// The standard of a withdrawn summary and the digest of its cells, as the withdrawal at hand says. It is not believed here: its
/// signature and its rules are checked in its own turn.
pub(super) fn cells_of(withdrawal: &LoggedStatement) -> Option<(Digest, Digest)> {
    let unverified = Unverified::parse(&withdrawal.envelope).ok()?;
    let body: Body<Withdrawal> = serde_json::from_slice(unverified.unverified_body()).ok()?;
    Some((body.standard, body.payload.cells?))
}

/// A node's statements by their numbers, as withdrawals and corrections name them.
#[derive(Default)]
pub(super) struct Named(BTreeMap<u64, (Target, Option<u64>)>);

impl Named {
    /// The next statement of the node. Whether it is withdrawn is for a later statement to say.
    pub(super) fn take(&mut self, row: &LoggedStatement) {
        let target = Target {
            withdrawn: None,
            ..Target::from(row)
        };
        self.0.insert(row.seq, (target, row.withdrawn));
    }

    pub(super) fn target(&self, seq: u64) -> Option<Target> {
        self.0.get(&seq).map(|(target, _)| *target)
    }

    pub(super) fn leaf(&self, seq: u64) -> Option<u64> {
        self.target(seq).map(|target| target.index)
    }

    pub(super) fn revise(&mut self, row: &LoggedStatement, revised: &Revised) {
        if row.kind != Kind::Withdrawal {
            return;
        }
        let mut targets = self.0.values_mut();
        if let Some((target, _)) = targets.find(|(target, _)| target.index == revised.target) {
            target.withdrawn = Some(row.index);
        }
    }

    /// After the node's last statement what is gone is what was withdrawn.
    pub(super) fn end(self, run: &mut Fsck<'_>) {
        for (target, stored) in self.0.into_values() {
            let what = match (stored, target.withdrawn) {
                (None, None) => continue,
                (Some(stored), Some(said)) if stored == said => continue,
                (None, Some(_)) => "the log withdraws the statement, and it is still there",
                (Some(_), None) => "no withdrawal of the node names the statement",
                (Some(_), Some(_)) => "another statement of the node withdraws it",
            };
            run.find(
                Rule::Withdrawn,
                ("statement", "withdrawn"),
                target.index,
                what,
            );
        }
    }
}

/// What the list says of a withdrawal or correction: node, statement named, month with the digest of its cells, reason.
type Line = (
    String,
    u64,
    Option<(Digest, Period, Digest)>,
    Option<String>,
);

/// The list by leaf, as the statements give it.
#[derive(Default)]
pub(super) struct Expected(BTreeMap<u64, Line>);

impl Expected {
    pub(super) fn take(&mut self, row: &LoggedStatement, revised: &Revised) {
        let month = revised.month.as_ref();
        let month = month.map(|m| (m.standard.digest(), m.period, m.cells));
        let reason = Some(revised.reason.clone());
        let line = (row.node.to_string(), revised.target, month, reason);
        self.0.insert(row.index, line);
    }

    /// A correction that was withdrawn itself: its reason is gone with it.
    pub(super) fn gone(
        &mut self,
        row: &LoggedStatement,
        target: u64,
        month: (Digest, Period, Digest),
    ) {
        let line = (row.node.to_string(), target, Some(month), None);
        self.0.insert(row.index, line);
    }
}

pub(super) async fn check(run: &mut Fsck<'_>) -> Result<(), StoreError> {
    let mut expected = std::mem::take(&mut run.revisions).0;
    for row in run.snapshot.revisions().await? {
        let Some(row) = run.readable(row)? else {
            continue;
        };
        let Some((node, target, month, reason)) = expected.remove(&row.index) else {
            let what = "no withdrawal or correction stands at this leaf";
            run.find(Rule::Revision, ("revision", "leaf"), row.index, what);
            continue;
        };
        let stored = row
            .month
            .map(|(standard, period, cells)| (standard.digest(), period, cells));
        for (column, same) in [
            ("node", row.node.as_str() == node),
            ("target", row.target == target),
            ("cells", stored == month),
            ("reason", row.reason == reason),
        ] {
            if !same {
                let what = "it is not what the logged statement says";
                run.find(Rule::Revision, ("revision", column), row.index, what);
            }
        }
    }
    for leaf in expected.into_keys() {
        let what = "a logged withdrawal or correction is missing";
        run.find(Rule::Revision, ("revision", "leaf"), leaf, what);
    }
    Ok(())
}
