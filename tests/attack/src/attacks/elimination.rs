//! Proofs: candidates that the exact bits of the published values rule out.
//!
//! Under the public rules none ever is: the noise covers the whole grid. Where integer noise was added after the
//! filter, the fraction of a value is that of the entries; where zeros carry no noise, a zero says that nobody is there.

use super::view::{Entry, Knowledge, Lens, TableView};
use ldsp_protocol::noise::{FILTER, GRID_BITS};

/// Months after the entry that are looked at: by chance all fractions agree with probability 2^-16 for each.
const REACH: usize = 6;
/// Fewer months with a fraction prove nothing.
const LEAST: usize = 2;

/// The only candidate that the bits leave possible: `None` where there are several, or none.
pub(super) fn only_possible(
    known: &Knowledge,
    truth: &[Entry],
    candidates: &[Vec<Entry>],
    holds: impl Fn(&TableView) -> bool,
) -> Option<usize> {
    let fractions = |at: usize| fractions_agree(known, truth, candidates, at, &holds);
    let zeros = |at: usize| zeros_agree(known, truth, candidates, at, &holds);
    let one = |test: &dyn Fn(usize) -> bool| {
        let mut possible = (0..candidates.len()).filter(|at| test(*at));
        let first = possible.next()?;
        possible.next().is_none().then_some(first)
    };
    one(&fractions).or_else(|| one(&zeros))
}

/// What `entries` add to a cell's u in month `t`, in grid units.
fn contribution(table: &TableView, lens: usize, entries: &[Entry], cell: usize, t: usize) -> i64 {
    let here = entries
        .iter()
        .filter(|e| e.lens == lens && e.family == table.family && e.month <= t);
    here.filter(|e| table.cell(&e.codes) == Some(cell))
        .map(|e| e.weight as i64 * FILTER[t - e.month])
        .sum()
}

/// Calls `look` with every published value that the candidates disagree about: table, its place among the values,
/// what the others and candidate `at` alone would give there. Stops at the first `false`.
fn each_value(
    known: &Knowledge,
    truth: &[Entry],
    candidates: &[Vec<Entry>],
    at: usize,
    holds: impl Fn(&TableView) -> bool,
    mut look: impl FnMut(&TableView, usize, i64) -> bool,
) -> bool {
    let Some(entry) = truth.first() else {
        return true;
    };
    let lens: &Lens = &known.lenses[entry.lens];
    for table in lens
        .tables
        .iter()
        .filter(|t| t.family == entry.family && holds(t))
    {
        let mut cells: Vec<usize> = candidates
            .iter()
            .flatten()
            .filter_map(|e| table.cell(&e.codes))
            .collect();
        cells.sort_unstable();
        cells.dedup();
        let end = lens.months.min(entry.month + REACH);
        for cell in cells {
            for t in entry.month..end {
                let place = t * table.cells + cell;
                let others = table.u[place] - contribution(table, entry.lens, truth, cell, t);
                let expected = others + contribution(table, entry.lens, &candidates[at], cell, t);
                if !look(table, place, expected) {
                    return false;
                }
            }
        }
    }
    true
}

fn fractions_agree(
    known: &Knowledge,
    truth: &[Entry],
    candidates: &[Vec<Entry>],
    at: usize,
    holds: impl Fn(&TableView) -> bool,
) -> bool {
    let enough = truth
        .first()
        .is_some_and(|e| e.month + LEAST < known.lenses[e.lens].months);
    let whole = |v: i64| v.rem_euclid(1 << GRID_BITS) == 0;
    enough
        && each_value(
            known,
            truth,
            candidates,
            at,
            holds,
            |table, place, expected| whole(table.v[place] - expected),
        )
}

fn zeros_agree(
    known: &Knowledge,
    truth: &[Entry],
    candidates: &[Vec<Entry>],
    at: usize,
    holds: impl Fn(&TableView) -> bool,
) -> bool {
    let mut zeros = 0;
    let agree = each_value(
        known,
        truth,
        candidates,
        at,
        holds,
        |table, place, expected| {
            zeros += usize::from(table.v[place] == 0);
            (table.v[place] == 0) == (expected == 0)
        },
    );
    agree && zeros > 0
}
