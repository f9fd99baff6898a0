//! Revise: what a withdrawn month takes out of a stream, and what comes back with it.
//!
//! An estimate stands on all months of its stream, so the figures of a stream end before its first withdrawn month. Whatever
//! was withdrawn and published again in which order, months and sums are those that folding what is published gives.

use std::collections::BTreeMap;

use crate::ids::Period;
use crate::revision::cells_digest;

use super::{FoldError, NodeMonth, add, contribution, estimates};

/// What becomes of a month of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Its cells are taken back.
    Withdraw,
    /// Its cells are published again.
    Reissue {
        /// The statement that brings them.
        seq: u64,
        /// v of all declared tables in order, units of 2^-16.
        published: Vec<i64>,
    },
}

/// What a change of one month changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Revision {
    /// Months of the stream that are not as they were, in order, as they are now.
    pub months: Vec<NodeMonth>,
    /// What comes to the national sums of the stream's standard by period and part; below nought what goes.
    pub national: BTreeMap<(Period, String), Vec<i64>>,
}

/// Changes the month at place `at` of a stream: the node's months under one standard, all of them in order, with their
/// published cells. Without such a month nothing changes.
///
/// # Errors
/// [`FoldError`] when an estimate that comes back leaves the range that sums are safe in; the period is that of the month at fault.
pub fn revise(
    history: &[NodeMonth],
    at: usize,
    change: Change,
) -> Result<Revision, (Period, FoldError)> {
    let mut now = history.to_vec();
    let Some(month) = now.get_mut(at) else {
        return Ok(Revision::default());
    };
    match change {
        Change::Withdraw => {
            let drawn = || cells_digest(&month.published);
            month.drawn = Some(month.drawn.unwrap_or_else(drawn));
            month.published.clear();
        }
        Change::Reissue { seq, published } => {
            month.seq = seq;
            month.published = published;
        }
    }
    for next in at..now.len() {
        let (before, rest) = now.split_at_mut(next);
        let month = &mut rest[0];
        month.cumulative = estimates(before, month).map_err(|error| (month.period, error))?;
    }
    let mut revision = Revision::default();
    for (place, (then, month)) in history.iter().zip(&now).enumerate().skip(at) {
        if then == month {
            continue;
        }
        let before = place.checked_sub(1);
        for (part, mut gone) in contribution(before.map(|b| &history[b]), then) {
            gone.iter_mut().for_each(|cell| *cell = -*cell);
            add(revision.part(then.period, part), &gone);
        }
        for (part, come) in contribution(before.map(|b| &now[b]), month) {
            add(revision.part(month.period, part), &come);
        }
        revision.months.push(month.clone());
    }
    Ok(revision)
}

impl Revision {
    fn part(&mut self, period: Period, part: String) -> &mut Vec<i64> {
        self.national.entry((period, part)).or_default()
    }
}
