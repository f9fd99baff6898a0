//! Estimation: noisy tables of a node or of the nation, reconciled by family within a standard, into linear forms. An
//! enrolment is counted under one standard, and the noise of different tables is independent: figures of several standards
//! add up, and so do their variances.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::additivity::{AdditivityError, Exact, Observed, Reconciled, reconcile};
use crate::measures::Estimate;
use crate::noise;
use crate::standard::{Codebook, Dimension, Family, Standard, Table, cell_index};

use super::finding::{Measure, Recipe};
use super::linear::{Linear, Noise};
use crate::rollup::{Layout, NodeMonth};

/// Estimates in the order of [`Measure::ALL`].
pub(super) type Totals = [Option<Linear>; Measure::ALL.len()];

/// One code of a dimension, or everybody.
pub(super) type Slice = Option<(Dimension, usize)>;

/// Which dimensions of a table are kept; the others are summed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// What became of people: enough for totals.
    Facts,
    /// All that is the same at every node, so that nodes add up: no districts, no pledges.
    People,
    /// Districts too.
    Districts,
}

impl Keep {
    fn keeps(self, dimension: Dimension) -> bool {
        use Dimension::{Area, Confidence, Destination, Everyday, Outcome, Pledge};
        match self {
            Self::Facts => matches!(dimension, Outcome | Destination | Confidence | Everyday),
            Self::People => !matches!(dimension, Area | Pledge),
            Self::Districts => dimension != Pledge,
        }
    }
}

/// Which months of a node a table adds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Months {
    /// All up to this one.
    ToDate,
    /// This one only.
    Own,
}

/// Totals over parts of the enrolments with independent noise. What a part does not hold is the sum of those that do.
pub(super) fn sum(parts: impl IntoIterator<Item = Totals>) -> Option<Totals> {
    let both = |(a, b): (Option<Linear>, Option<Linear>)| match (a, b) {
        (Some(a), Some(b)) => Some(a.plus(b)),
        (a, b) => a.or(b),
    };
    parts.into_iter().reduce(|a, b| {
        let mut pairs = a.into_iter().zip(b);
        std::array::from_fn(|_| pairs.next().and_then(both))
    })
}

/// Whether a standard's tables hold a measure over everybody or by a dimension: the same tables that estimates are read from.
#[must_use]
pub fn holds(standard: &Standard, measure: Measure, by: Option<Dimension>) -> bool {
    let recipe = measure.recipe();
    let on = |family: Family, fact: Option<Dimension>| {
        let wanted: Vec<Dimension> = by.into_iter().chain(fact).collect();
        let tables = standard.tables().iter().filter(|t| t.family == family);
        let mut tables = tables.map(|t| &t.dimensions);
        tables.any(|held| wanted.iter().all(|d| held.contains(d)))
    };
    let leavers = || on(Family::Leavers, Some(Dimension::Outcome));
    on(recipe.family, recipe.fact) && (measure != Measure::InProgress || leavers())
}

/// How much noise a node's month holds, and over how many cells of the node's own code lists it was spread.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spread {
    standard: &'static Standard,
    epoch: u32,
    /// Its month in the epoch, from 1.
    month: usize,
    rho_micro: u64,
    earlier_rho_micro: u64,
    /// Variance of a cell by variance of a published value: of the month itself, of the epoch to date, of the epoch before.
    own: f64,
    to_date: f64,
    earlier: f64,
    districts: usize,
    pledges: usize,
}

impl Spread {
    /// 1, or 2 after a lost ledger.
    pub(super) fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Its month in the epoch, from 1.
    pub(super) fn month(&self) -> usize {
        self.month
    }

    pub(super) fn of(month: &NodeMonth, codebook: &Codebook) -> Self {
        let (now, earlier) = (month.span, month.earlier);
        Self {
            standard: month.standard,
            epoch: month.epoch,
            month: now.month,
            rho_micro: now.rho_micro,
            earlier_rho_micro: earlier.map_or(0, |e| e.rho_micro),
            own: noise::variance(1, now.month - 1, now.month),
            to_date: noise::variance(1, 0, now.month),
            earlier: earlier.map_or(0.0, |e| noise::variance(1, 0, e.month)),
            districts: codebook.size(Dimension::Area),
            pledges: codebook.size(Dimension::Pledge),
        }
    }

    /// Covariance of the node's own figures of this month and of a `later` one of the same stream, in variances of this
    /// month's: the tables and their sigma are the same, only the months' weights on the noise differ. Epochs are independent.
    pub(super) fn carried(&self, later: &Self) -> f64 {
        if (self.epoch, self.rho_micro) != (later.epoch, later.rho_micro) {
            return 0.0;
        }
        let own = |month: usize| (month - 1, month);
        noise::covariance(1, own(self.month), own(later.month)) / self.own
    }

    /// Codes of a dimension.
    fn size(&self, dimension: Dimension) -> usize {
        match dimension {
            Dimension::Area => self.districts,
            Dimension::Pledge => self.pledges,
            other => self.standard.dimension(other).codes.len(),
        }
    }

    /// Variance, in counts^2, of one cell of `table` as published by the node.
    fn cell(&self, table: &Table, months: Months) -> f64 {
        let sigma2 =
            |rho| noise::sigma2(noise::table_rho(self.standard, table.rho_micro, rho)) as f64;
        match months {
            Months::Own => sigma2(self.rho_micro) * self.own,
            Months::ToDate if self.earlier > 0.0 => {
                sigma2(self.earlier_rho_micro) * self.earlier
                    + sigma2(self.rho_micro) * self.to_date
            }
            Months::ToDate => sigma2(self.rho_micro) * self.to_date,
        }
    }

    /// The same of one cell of the reduced table.
    fn reduced(&self, table: &Table, keep: Keep, months: Months) -> f64 {
        let dropped = table.dimensions.iter().filter(|d| !keep.keeps(**d));
        let cells: f64 = dropped.map(|d| self.size(*d) as f64).product();
        self.cell(table, months) * cells
    }
}

/// Every declared table with only these dimensions, one after the other: exact sums of a node's cells.
pub(super) fn reduce(
    standard: &Standard,
    codebook: &Codebook,
    cells: &[i64],
    keep: Keep,
) -> Vec<i64> {
    let layout = Layout::of_node(standard, codebook);
    let mut reduced = Vec::new();
    for (number, table) in standard.tables().iter().enumerate() {
        let (range, shape) = layout.table(number);
        let axes: Vec<(usize, bool)> = (table.dimensions.iter().zip(shape))
            .map(|(d, size)| (*size, keep.keeps(*d)))
            .collect();
        let start = reduced.len();
        let kept = axes.iter().filter(|(_, kept)| *kept).map(|(size, _)| size);
        reduced.resize(start + kept.product::<usize>(), 0);
        for (cell, value) in cells[range].iter().enumerate() {
            let (mut rest, mut at, mut stride) = (cell, start, 1);
            for (size, kept) in axes.iter().rev() {
                if *kept {
                    at += rest % size * stride;
                    stride *= size;
                }
                rest /= size;
            }
            reduced[at] += value;
        }
    }
    reduced
}

/// One cell of a table over all months of the stream up to `month`; `None` where the table has no such cell.
#[must_use]
pub fn cell_to_date(month: &NodeMonth, table: usize, cell: usize) -> Option<Estimate> {
    let codebook = month.codebook();
    let layout = Layout::of_node(month.standard, &codebook);
    let (range, _) = layout.table(table);
    let value = month.cumulative.get(range)?.get(cell)?;
    let variance = month.variance(&month.standard.tables()[table]);
    Some(Estimate {
        value: noise::in_counts(*value),
        se: variance.sqrt(),
    })
}

/// Consistent estimates of all families under one standard.
#[derive(Debug)]
pub(super) struct Families(BTreeMap<Family, Reconciled>);

/// Those of every standard that enrolments are counted under.
#[derive(Debug)]
pub(super) struct Mixed(pub(super) Vec<Arc<Families>>);

impl Mixed {
    /// All measures over everybody or over one code of a dimension.
    pub(super) fn totals(&self, slice: Slice) -> Totals {
        let parts = self.0.iter().map(|families| families.totals(slice));
        sum(parts).unwrap_or_default()
    }

    /// Covariances of a measure over two codes of the same dimension; `None` when no table holds it.
    pub(super) fn shared(&self, measure: Measure, a: Slice, b: Slice) -> Option<Noise> {
        let parts = self.0.iter().filter_map(|f| f.shared(measure, a, b));
        parts.reduce(Noise::plus)
    }
}

impl Families {
    /// Estimates from [`reduce`]d cells, or sums of them over nodes (units of 2^-32), and the noise of each node in them.
    /// Weights are those of the standard (its rho, its nominal sizes), the same for every node and for the nation.
    pub(super) fn of<'a>(
        standard: &Standard,
        cells: &[i64],
        keep: Keep,
        nodes: impl Iterator<Item = &'a Spread> + Clone,
        months: Months,
    ) -> Result<Self, AdditivityError> {
        let districts = nodes.clone().next().map_or(0, |n| n.districts);
        let size = |d: &Dimension| match d {
            // Kept of a single node only.
            Dimension::Area => districts,
            other => standard.dimension(*other).codes.len(),
        };
        let mut tables: BTreeMap<Family, Vec<Observed>> = BTreeMap::new();
        let mut rest = cells;
        for table in standard.tables() {
            let kept = table.dimensions.iter().copied().filter(|d| keep.keeps(*d));
            let kept: Vec<Dimension> = kept.collect();
            let shape: Vec<usize> = kept.iter().map(size).collect();
            let (values, others) = rest.split_at(shape.iter().product());
            rest = others;
            let variance = nodes.clone().map(|n| n.reduced(table, keep, months)).sum();
            let values = values.to_vec();
            let one = Observed::of(standard, table, &kept, shape, values, variance);
            tables.entry(table.family).or_default().push(one);
        }
        let reconciled = |(family, tables): (_, Vec<_>)| Ok((family, reconcile(&tables)?));
        tables
            .into_iter()
            .map(reconciled)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// All measures over everybody or over one code of a dimension.
    pub(super) fn totals(&self, slice: Slice) -> Totals {
        Measure::ALL.map(|measure| self.measure(measure, slice))
    }

    /// A measure over everybody or over one code of a dimension; `None` when no table holds it.
    fn measure(&self, measure: Measure, slice: Slice) -> Option<Linear> {
        if measure == Measure::InProgress {
            let starts = self.measure(Measure::Starts, slice)?;
            let leavers = self.measure(Measure::Leavers, slice)?;
            return Some(Linear {
                part: starts.part - leavers.part,
                base: None,
                noise: self.shared(measure, slice, slice)?,
            });
        }
        let recipe = measure.recipe();
        let family = self.0.get(&recipe.family)?;
        let margin = family.exact(&dimensions(&recipe, slice)).ok()?;
        let sum = |codes: &[usize]| -> Exact {
            let form = form(&recipe, slice, codes);
            let at = |(position, _): &(Vec<usize>, i64)| {
                margin.values[cell_index(&margin.shape, position)]
            };
            form.iter().map(at).sum()
        };
        Some(Linear {
            part: sum(recipe.part),
            base: measure.is_rate().then(|| sum(recipe.base)),
            noise: self.shared(measure, slice, slice)?,
        })
    }

    /// Covariances of a measure over two codes of the same dimension, or over one and itself; `None` when no table holds it.
    fn shared(&self, measure: Measure, a: Slice, b: Slice) -> Option<Noise> {
        if measure == Measure::InProgress {
            // Different families are different tables, and the noise of tables is independent: the covariances of the two
            // add up in a difference too.
            let starts = self.shared(Measure::Starts, a, b)?;
            return Some(starts.plus(self.shared(Measure::Leavers, a, b)?));
        }
        let recipe = measure.recipe();
        let family = self.0.get(&recipe.family)?;
        let on = dimensions(&recipe, a);
        let of = |codes_a: &[usize], codes_b: &[usize]| {
            let (a, b) = (form(&recipe, a, codes_a), form(&recipe, b, codes_b));
            family.covariance(&on, &a, &b).ok()
        };
        let part = of(recipe.part, recipe.part)?;
        if !measure.is_rate() {
            return Some(Noise {
                part,
                ..Noise::default()
            });
        }
        Some(Noise {
            part,
            both: of(recipe.part, recipe.base)?,
            base: of(recipe.base, recipe.base)?,
        })
    }
}

/// The margin that a measure of a slice is read from.
fn dimensions(recipe: &Recipe, slice: Slice) -> Vec<Dimension> {
    let of = slice.map(|(dimension, _)| dimension).into_iter();
    of.chain(recipe.fact).collect()
}

/// The sum over these codes of the fact.
fn form(recipe: &Recipe, slice: Slice, codes: &[usize]) -> Vec<(Vec<usize>, i64)> {
    let start: Vec<usize> = slice.map(|(_, code)| code).into_iter().collect();
    if recipe.fact.is_none() {
        return vec![(start, 1)];
    }
    let with = |code: &usize| ([start.as_slice(), &[*code]].concat(), 1);
    codes.iter().map(with).collect()
}
