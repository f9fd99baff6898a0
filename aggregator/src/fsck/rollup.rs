//! Figures: each node's months folded again, and the national sums of their increments.

use std::collections::{BTreeMap, BTreeSet};

use ldsp_protocol::ids::{Digest, Period};
use ldsp_protocol::rollup::{self, Fold, NodeMonth};

use super::{Fsck, Rule};
use crate::store::{Node, RevisedMonth, StoreError};

/// A node's months: those that are stored, and those that its statements give.
#[derive(Default)]
pub(super) struct Months {
    stored: BTreeMap<(Digest, Period), NodeMonth>,
    /// Months whose row cannot be read: a finding already.
    unreadable: BTreeSet<(Digest, Period)>,
    /// By standard: each is a stream of its own.
    folded: BTreeMap<Digest, Vec<NodeMonth>>,
    /// Months whose summary could not be received again: a finding already.
    given_up: BTreeSet<(Digest, Period)>,
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
        let (standard, period) = key_of(&fold.month);
        for (part, delta) in &fold.national {
            let sum = run.sums.entry((standard, period, part.clone()));
            rollup::add(sum.or_default(), delta);
        }
        self.folded.entry(standard).or_default().push(fold.month);
    }

    /// What a withdrawal or a correction makes of the months.
    pub(super) fn revise(&mut self, run: &mut Fsck<'_>, revised: &RevisedMonth) {
        let standard = revised.standard.digest();
        for ((period, part), delta) in &revised.revision.national {
            let sum = run.sums.entry((standard, *period, part.clone()));
            rollup::add(sum.or_default(), delta);
        }
        let stream = self.folded.entry(standard).or_default();
        for month in &revised.revision.months {
            if let Some(place) = stream.iter_mut().find(|m| m.period == month.period) {
                *place = month.clone();
            }
        }
    }

    /// The month that a summary or a correction brought and that was withdrawn: what it says beside its cells is known from its row
    /// alone. Gives the statement that brought the month before, where there is one.
    pub(super) fn hole(&mut self, key: (Digest, Period), seq: u64, cells: Digest) -> Option<u64> {
        let stream = self.folded.entry(key.0).or_default();
        if let Some(month) = stream.iter_mut().find(|m| m.period == key.1) {
            return Some(std::mem::replace(&mut month.seq, seq));
        }
        match self.stored.get(&key) {
            Some(stored) => stream.push(NodeMonth {
                seq,
                drawn: Some(cells),
                published: Vec::new(),
                cumulative: Vec::new(),
                ..stored.clone()
            }),
            None => drop(self.given_up.insert(key)),
        }
        None
    }

    /// A summary could not be received again: later months are folded onto what is stored of it.
    pub(super) fn give_up(&mut self, standard: Digest, period: Option<Period>) {
        let Some(key) = period.map(|period| (standard, period)) else {
            return;
        };
        self.given_up.insert(key);
        let stored = self.stored.get(&key).cloned();
        self.folded.entry(standard).or_default().extend(stored);
    }

    /// After the node's last statement its months are as they are stored, and no others.
    pub(super) fn end(mut self, run: &mut Fsck<'_>, node: &Node) {
        for month in self.folded.values().flatten() {
            let key = key_of(month);
            let row = format!("{} {}", month.node, month.seq);
            match self.stored.remove(&key) {
                _ if self.given_up.contains(&key) => {}
                Some(stored) => {
                    for column in different(&stored, month) {
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
        }
        for (key, month) in &self.stored {
            if !self.given_up.contains(key) {
                let row = format!("{} {}", node.node, month.seq);
                let what = "no logged summary gives this month";
                run.find(Rule::Month, ("node_month", "period"), row, what);
            }
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
        ("drawn", stored.drawn == folded.drawn),
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
        let nothing = || stored.cells.iter().all(|c| *c == 0);
        match sums.remove(&key) {
            Some(sum) if sum == stored.cells => {}
            Some(_) => {
                let what = "the sums are not those of the nodes' statements";
                run.find(Rule::National, ("national_month", "cells"), row, what);
            }
            // What was added may have been withdrawn since.
            None if nothing() => {}
            None => {
                let what = "no logged summary adds to these sums";
                run.find(Rule::National, ("national_month", "period"), row, what);
            }
        }
    }
    sums.retain(|_, cells| cells.iter().any(|c| *c != 0));
    for key in sums.into_keys() {
        let what = "the sums of logged summaries are missing";
        let column = ("national_month", "period");
        run.find(Rule::National, column, row_of(&key), what);
    }
    Ok(())
}
