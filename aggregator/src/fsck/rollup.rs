//! Figures: each node's months folded again, and the national sums of their increments.

use std::collections::{BTreeMap, BTreeSet};

use ldsp_protocol::ids::{Digest, Period};
use ldsp_protocol::rollup::{self, Fold, NodeMonth};

use super::{Fsck, Rule};
use crate::store::{Node, StoreError};

/// A node's months: those that are stored, and those that its statements give.
#[derive(Default)]
pub(super) struct Months {
    stored: BTreeMap<(Digest, Period), NodeMonth>,
    /// Months whose row cannot be read: a finding already.
    unreadable: BTreeSet<(Digest, Period)>,
    /// By standard: each is a stream of its own.
    folded: BTreeMap<Digest, Vec<NodeMonth>>,
}

impl Months {
    /// Reads what is stored of a node.
    pub(super) async fn stored(run: &mut Fsck<'_>, node: &Node) -> Result<Self, StoreError> {
        let mut months = Self::default();
        for (key, row) in run.snapshot.months(&node.node).await? {
            match run.readable(row)? {
                Some(month) => drop(months.stored.insert(key_of(&month), month)),
                None => months.unreadable.extend(key),
            }
        }
        Ok(months)
    }

    /// The node's months under a standard so far, as its statements give them.
    pub(super) fn folded(&self, standard: Digest) -> &[NodeMonth] {
        self.folded.get(&standard).map_or(&[], Vec::as_slice)
    }

    /// The next month that the node's statements give.
    pub(super) fn take(&mut self, run: &mut Fsck<'_>, fold: Fold) {
        run.report.months += 1;
        for (part, delta) in &fold.national {
            let (standard, period) = key_of(&fold.month);
            let sum = run.sums.entry((standard, period, part.clone()));
            rollup::add(sum.or_default(), delta);
        }
        let month = fold.month;
        let key = key_of(&month);
        let row = format!("{} {}", month.node, month.seq);
        match self.stored.remove(&key) {
            Some(stored) => {
                for column in different(&stored, &month) {
                    let what = "it is not what folding the node's statements again gives";
                    run.find(Rule::Month, ("node_month", column), &row, what);
                }
            }
            None if self.unreadable.contains(&key) => {}
            None => {
                let what = "the month of a logged summary is missing";
                run.find(Rule::Month, ("node_month", "period"), row, what);
            }
        }
        self.folded.entry(key.0).or_default().push(month);
    }

    /// A summary could not be received again: later months are folded onto what is stored of it.
    pub(super) fn give_up(&mut self, standard: Digest, period: Option<Period>) {
        let stored = period.and_then(|period| self.stored.remove(&(standard, period)));
        self.folded.entry(standard).or_default().extend(stored);
    }

    /// After the node's last statement nothing may be left.
    pub(super) fn end(self, run: &mut Fsck<'_>, node: &Node) {
        for month in self.stored.values() {
            let row = format!("{} {}", node.node, month.seq);
            let what = "no logged summary gives this month";
            run.find(Rule::Month, ("node_month", "period"), row, what);
        }
    }
}

fn key_of(month: &NodeMonth) -> (Digest, Period) {
    (month.standard.digest(), month.period)
}

/// A row of sums as it is named elsewhere.
fn row_of((standard, period, part): &(Digest, Period, String)) -> String {
    let standard = standard.to_string();
    format!("{period} {} {part}", &standard[..8])
}

/// Columns in which two months differ.
fn different(stored: &NodeMonth, folded: &NodeMonth) -> impl Iterator<Item = &'static str> {
    [
        ("lep", stored.lep == folded.lep),
        ("seq", stored.seq == folded.seq),
        ("epoch", stored.epoch == folded.epoch),
        ("month", stored.span.month == folded.span.month),
        ("rho_micro", stored.span.rho_micro == folded.span.rho_micro),
        (
            "earlier_month",
            stored.earlier.map(|e| e.month) == folded.earlier.map(|e| e.month),
        ),
        (
            "earlier_rho_micro",
            stored.earlier.map(|e| e.rho_micro) == folded.earlier.map(|e| e.rho_micro),
        ),
        ("pledges", stored.pledges == folded.pledges),
        ("published", stored.published == folded.published),
        ("cumulative", stored.cumulative == folded.cumulative),
    ]
    .into_iter()
    .filter_map(|(column, same)| (!same).then_some(column))
}

/// Compares the stored national sums with those of all months.
pub(super) async fn national(run: &mut Fsck<'_>) -> Result<(), StoreError> {
    let mut sums = std::mem::take(&mut run.sums);
    for (key, row) in run.snapshot.national().await? {
        let Some(stored) = run.readable(row)? else {
            if let Some(key) = key {
                sums.remove(&key);
            }
            continue;
        };
        let key = (stored.standard.digest(), stored.period, stored.part);
        let row = row_of(&key);
        match sums.remove(&key) {
            Some(sum) if sum == stored.cells => {}
            Some(_) => {
                let what = "the sums are not those of the nodes' statements";
                run.find(Rule::National, ("national_month", "cells"), row, what);
            }
            None => {
                let what = "no logged summary adds to these sums";
                run.find(Rule::National, ("national_month", "period"), row, what);
            }
        }
    }
    for key in sums.into_keys() {
        let what = "the sums of logged summaries are missing";
        let column = ("national_month", "period");
        run.find(Rule::National, column, row_of(&key), what);
    }
    Ok(())
}
