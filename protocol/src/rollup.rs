//! Rollup: a pure fold of logged summaries into cumulative estimates Y per node, standard and month, and the
//! deltas that each adds to the national sums. Exact integers in units of 2^-32; whatever the
//! order of arrival between nodes and standards, the sums are the same.
//!
//! A node's summaries under one data standard are a stream: months, epochs and noise are the stream's own, and an
//! enrolment is in one stream for ever (disclosure.md, 9). Cells of two standards are never added up here: their tables
//! differ. What adds up are the figures that each gives.
//!
//! A stream counts up to its first month that is withdrawn: later estimates stand on that month's cells ([`revise`]).

use std::collections::BTreeMap;
use std::ops::Range;

use crate::additivity::positions;
use crate::geography::Geography;
use crate::ids::{Digest, Gss, NodeSlug, Period, PledgeId};
use crate::noise;
use crate::standard::{Codebook, Dimension, Standard, Table, cell_index};
use crate::summary::{LearningSummary, Margins, Previous, SummaryError};

mod revise;

pub use revise::{Change, Revision, revise};

/// Largest |Y| of a cell: 2^23 enrolments, a fifth of the working-age population. 38 such cells and
/// their increments add up within an i64.
pub const MAX_CUMULATIVE: i64 = 1 << 55;

/// Months of an epoch and the budget they were made with: what the variance depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Last month of the epoch so far, from 1.
    pub month: usize,
    /// The node's budget in that epoch, in millionths.
    pub rho_micro: u64,
}

/// A node's month under one standard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeMonth {
    /// The standard that its enrolments are counted under.
    pub standard: &'static Standard,
    /// Who.
    pub node: NodeSlug,
    /// For which LEP.
    pub lep: Gss,
    /// Which month.
    pub period: Period,
    /// Its statement.
    pub seq: u64,
    /// 1, or 2 after a lost ledger.
    pub epoch: u32,
    /// The present epoch so far.
    pub span: Span,
    /// The epoch before, where there is one.
    pub earlier: Option<Span>,
    /// Accepted pledges in order.
    pub pledges: Vec<PledgeId>,
    /// Once it was withdrawn: the digest of its published cells, which are all that may ever be published of it again.
    pub drawn: Option<Digest>,
    /// v of all declared tables in order, units of 2^-16; empty while the month is withdrawn.
    pub published: Vec<i64>,
    /// Y over all months of the stream, same cells, units of 2^-32; empty while the month does not count, because it or an earlier
    /// one of the stream is withdrawn.
    pub cumulative: Vec<i64>,
}

impl NodeMonth {
    /// Whether it is in the figures.
    #[must_use]
    pub fn counts(&self) -> bool {
        !self.cumulative.is_empty()
    }

    /// Whether its cells were taken back.
    #[must_use]
    pub fn is_withdrawn(&self) -> bool {
        self.published.is_empty() && !self.counts()
    }

    /// The stream's first month: its months are contiguous.
    #[must_use]
    pub fn first(&self) -> Option<Period> {
        let months = self.span.month + self.earlier.map_or(0, |e| e.month);
        let back = i32::try_from(months).ok()?;
        self.period.plus(1 - back)
    }

    /// What the stream's next summary must follow.
    #[must_use]
    pub fn as_previous(&self) -> Previous {
        Previous {
            epoch: self.epoch,
            month: self.span.month,
            rho_micro: self.span.rho_micro,
            pledges: self.pledges.clone(),
        }
    }

    /// Variance, in enrolments^2, of a cell of the standard's `table` over all months of the stream. A little too large for
    /// the cells of a pledge that was accepted after the first month, which hold the noise of fewer months.
    #[must_use]
    pub fn variance(&self, table: &Table) -> f64 {
        let of = |span: Span| {
            let rho = noise::table_rho(self.standard, table.rho_micro, span.rho_micro);
            noise::variance(noise::sigma2(rho), 0, span.month)
        };
        of(self.span) + self.earlier.map_or(0.0, of)
    }

    /// Whether the margins that tables share agree over all months, as far as their noise allows: what a month cannot
    /// show, a fault that repeats itself does.
    ///
    /// # Errors
    /// Table and cell at fault.
    pub fn check_margins(&self) -> Result<(), SummaryError> {
        let codebook = self.codebook();
        let layout = Layout::of_node(self.standard, &codebook);
        let cells = layout
            .tables
            .iter()
            .map(|(range, _)| &self.cumulative[range.clone()]);
        let unit = 2f64.powi(4 * noise::GRID_BITS as i32);
        let variance = |table: &Table| self.variance(table) * unit;
        Margins::new(self.standard, &codebook, cells, variance).check("of all months so far")
    }

    /// The node's code lists in that month.
    #[must_use]
    pub fn codebook(&self) -> Codebook {
        Codebook::new(&self.lep, &self.pledges)
    }
}

/// What one summary adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fold {
    /// The stream's new month.
    pub month: NodeMonth,
    /// Increments by part of the national sums of its standard and period.
    pub national: BTreeMap<String, Vec<i64>>,
}

/// A summary that cannot be added up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cumulative estimates stay within 8,388,608 enrolments (table {table}, cell {cell})")]
pub struct FoldError {
    /// Table id.
    pub table: String,
    /// Cell number.
    pub cell: usize,
}

/// Where each declared table's cells stand in a blob of all tables.
#[derive(Debug, Clone)]
pub struct Layout {
    tables: Vec<(Range<usize>, Vec<usize>)>,
}

impl Layout {
    fn of(shapes: impl Iterator<Item = Vec<usize>>) -> Self {
        let mut at = 0;
        let tables = shapes
            .map(|shape| {
                let start = at;
                at += shape.iter().product::<usize>();
                (start..at, shape)
            })
            .collect();
        Self { tables }
    }

    /// Layout of a node's blobs.
    #[must_use]
    pub fn of_node(standard: &Standard, codebook: &Codebook) -> Self {
        Self::of(standard.tables().iter().map(|t| codebook.shape(t)))
    }

    /// Layout of the national blob of part `""`: every English district, no pledge tables (they
    /// take no cells).
    #[must_use]
    pub fn national(standard: &Standard) -> Self {
        let districts = Geography::embedded().districts().count() + 1;
        let size = |d: &Dimension| match d {
            Dimension::Area => districts,
            Dimension::Pledge => 0,
            other => standard.dimension(*other).codes.len(),
        };
        Self::of(
            standard
                .tables()
                .iter()
                .map(|t| t.dimensions.iter().map(size).collect()),
        )
    }

    /// Cells of a national blob of a pledge part: one code's slice of every pledge table.
    #[must_use]
    pub fn national_pledge(standard: &Standard) -> Self {
        let size = |d: &Dimension| match d {
            Dimension::Pledge => 1,
            Dimension::Area => 0,
            other => standard.dimension(*other).codes.len(),
        };
        let shape = |t: &crate::standard::Table| -> Vec<usize> {
            if t.dimensions.contains(&Dimension::Pledge) {
                t.dimensions.iter().map(size).collect()
            } else {
                vec![0]
            }
        };
        Self::of(standard.tables().iter().map(shape))
    }

    /// All cells.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.tables.last().map_or(0, |(range, _)| range.end)
    }

    /// Range and shape of the table with this number.
    #[must_use]
    pub fn table(&self, number: usize) -> (Range<usize>, &[usize]) {
        let (range, shape) = &self.tables[number];
        (range.clone(), shape)
    }
}

/// Who published a summary, for which LEP, for which month, and its place in the node's sequence.
pub type Place<'a> = (&'a NodeSlug, &'a Gss, Period, u64);

/// Folds the next summary of a stream into its history: the node's months under the same standard, in order. The summary
/// has passed [`LearningSummary::check`] against that history. Behind a withdrawn month it is kept and does not count.
///
/// # Errors
/// [`FoldError`] when an estimate leaves the range that sums are safe in.
pub fn fold(
    standard: &'static Standard,
    history: &[NodeMonth],
    (node, lep, period, seq): Place<'_>,
    summary: &LearningSummary,
) -> Result<Fold, FoldError> {
    let epoch = summary.noise.epoch;
    let mut month = NodeMonth {
        standard,
        node: node.clone(),
        lep: lep.clone(),
        period,
        seq,
        epoch,
        span: Span {
            month: summary.noise.month,
            rho_micro: summary.noise.rho_micro,
        },
        earlier: history.iter().rfind(|m| m.epoch < epoch).map(|m| m.span),
        pledges: summary.pledges.clone(),
        drawn: None,
        published: summary.cells().collect(),
        cumulative: Vec::new(),
    };
    month.cumulative = estimates(history, &month)?;
    let national = contribution(history.last(), &month);
    Ok(Fold { month, national })
}

/// Y of `month` behind `history`; empty when it does not count.
fn estimates(history: &[NodeMonth], month: &NodeMonth) -> Result<Vec<i64>, FoldError> {
    if month.published.is_empty() || history.last().is_some_and(|before| !before.counts()) {
        return Ok(Vec::new());
    }
    let standard = month.standard;
    let layout = Layout::of_node(standard, &month.codebook());
    let widen = |month: &NodeMonth, cells: &[i64]| {
        let from = Layout::of_node(standard, &month.codebook());
        widened(&from, &layout, cells)
    };
    let epoch = history.iter().filter(|m| m.epoch == month.epoch);
    let mut series: Vec<Vec<i64>> = epoch.map(|m| widen(m, &m.published)).collect();
    series.push(month.published.clone());
    let before_epoch = history.iter().rfind(|m| m.epoch < month.epoch);
    let base = before_epoch.map(|m| widen(m, &m.cumulative));
    accumulate(standard, &layout, &series, base.as_deref())
}

/// What `month` adds to the national sums of its standard and period, by part; nothing when it does not count.
fn contribution(before: Option<&NodeMonth>, month: &NodeMonth) -> BTreeMap<String, Vec<i64>> {
    if !month.counts() {
        return BTreeMap::new();
    }
    let codebook = month.codebook();
    let layout = Layout::of_node(month.standard, &codebook);
    let increments = increments(before, month);
    national_parts(month.standard, &codebook, &layout, &increments)
}

/// What `month` adds to the stream's month before it, cell by cell in units of 2^-32.
#[must_use]
pub fn increments(before: Option<&NodeMonth>, month: &NodeMonth) -> Vec<i64> {
    let Some(before) = before else {
        return month.cumulative.clone();
    };
    let from = Layout::of_node(month.standard, &before.codebook());
    let to = Layout::of_node(month.standard, &month.codebook());
    let earlier = widened(&from, &to, &before.cumulative);
    let pairs = month.cumulative.iter().zip(&earlier);
    pairs.map(|(now, then)| now - then).collect()
}

fn accumulate(
    standard: &Standard,
    layout: &Layout,
    series: &[Vec<i64>],
    base: Option<&[i64]>,
) -> Result<Vec<i64>, FoldError> {
    let mut column = vec![0; series.len()];
    let mut cumulative = Vec::with_capacity(layout.cells());
    for cell in 0..layout.cells() {
        for (to, month) in column.iter_mut().zip(series) {
            *to = month[cell];
        }
        let before = base.map_or(0, |b| b[cell]);
        let y = noise::cumulative(&column).and_then(|y| y.checked_add(before));
        match y.filter(|y| y.abs() <= MAX_CUMULATIVE) {
            Some(y) => cumulative.push(y),
            None => {
                let (number, (range, _)) = layout
                    .tables
                    .iter()
                    .enumerate()
                    .find(|(_, (range, _))| range.contains(&cell))
                    .expect("every cell of a layout lies in one of its tables");
                return Err(FoldError {
                    table: standard.tables()[number].id.clone(),
                    cell: cell - range.start,
                });
            }
        }
    }
    Ok(cumulative)
}

/// The same cells where code lists have grown: new codes start at nought.
fn widened(from: &Layout, to: &Layout, cells: &[i64]) -> Vec<i64> {
    let mut wide = vec![0; to.cells()];
    for ((range, shape), (target, wider)) in from.tables.iter().zip(&to.tables) {
        if shape == wider {
            wide[target.clone()].copy_from_slice(&cells[range.clone()]);
            continue;
        }
        for (cell, value) in cells[range.clone()].iter().enumerate() {
            wide[target.start + cell_index(wider, &positions(shape, cell))] = *value;
        }
    }
    wide
}

/// A node's cells on the national code lists, by part.
fn national_parts(
    standard: &Standard,
    codebook: &Codebook,
    layout: &Layout,
    cells: &[i64],
) -> BTreeMap<String, Vec<i64>> {
    let national = Layout::national(standard);
    let sliced = Layout::national_pledge(standard);
    let areas = national_areas(codebook);
    let pledges = codebook.codes(Dimension::Pledge);
    let mut parts = BTreeMap::from([(String::new(), vec![0; national.cells()])]);
    for code in &pledges {
        parts.insert(code.clone(), vec![0; sliced.cells()]);
    }
    for (number, table) in standard.tables().iter().enumerate() {
        let (range, shape) = layout.table(number);
        let axis = |d| table.dimensions.iter().position(|e| *e == d);
        let (area, pledge) = (axis(Dimension::Area), axis(Dimension::Pledge));
        for (cell, value) in cells[range].iter().enumerate() {
            let mut at = positions(shape, cell);
            let mut part = "";
            if let Some(axis) = area {
                at[axis] = areas[at[axis]];
            }
            if let Some(axis) = pledge {
                part = &pledges[at[axis]];
                at[axis] = 0;
            }
            let (target, target_shape) = if pledge.is_some() {
                sliced.table(number)
            } else {
                national.table(number)
            };
            if let Some(sum) = parts.get_mut(part) {
                sum[target.start + cell_index(target_shape, &at)] += value;
            }
        }
    }
    parts
}

/// Position in the national list of each code of the node's `area` list.
fn national_areas(codebook: &Codebook) -> Vec<usize> {
    let map = Geography::embedded();
    let all: Vec<&Gss> = map.districts().map(|d| &d.code).collect();
    let mut areas: Vec<usize> = map
        .owned_by(codebook.lep())
        .iter()
        .filter_map(|code| all.binary_search(&code).ok())
        .collect();
    areas.push(all.len());
    areas
}

/// The whole rollup of a log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// Every stream's months in order, by node and version of the standard.
    pub months: BTreeMap<(NodeSlug, u32), Vec<NodeMonth>>,
    /// National sums of increments by version of the standard, period and part.
    pub national: BTreeMap<(u32, Period, String), Vec<i64>>,
}

/// Rebuilds the rollup from the summaries of a log with the standards that they name, in its order.
///
/// # Errors
/// [`FoldError`]; a log that this program wrote has none.
pub fn rebuild<'a>(
    summaries: impl IntoIterator<Item = (&'static Standard, Place<'a>, &'a LearningSummary)>,
) -> Result<State, FoldError> {
    let mut state = State::default();
    for (standard, place, summary) in summaries {
        let (node, _, period, _) = place;
        let version = standard.version();
        let history = state.months.entry((node.clone(), version)).or_default();
        let folded = fold(standard, history, place, summary)?;
        history.push(folded.month);
        for (part, delta) in folded.national {
            add(
                state.national.entry((version, period, part)).or_default(),
                &delta,
            );
        }
    }
    Ok(state)
}

/// Adds `delta` to `sum`, which may still be empty.
pub fn add(sum: &mut Vec<i64>, delta: &[i64]) {
    sum.resize(delta.len().max(sum.len()), 0);
    sum.iter_mut().zip(delta).for_each(|(s, d)| *s += d);
}

#[cfg(test)]
mod tests;
