//! Estimation: noisy tables of a node or of the nation, reconciled by family, into linear forms.

use std::collections::BTreeMap;

use ldsp_protocol::additivity::{AdditivityError, Margin, Observed, Reconciled, reconcile};
use ldsp_protocol::measures::Estimate;
use ldsp_protocol::noise;
use ldsp_protocol::standard::{Codebook, Dimension, Family, Standard, Table};

use super::finding::{Linear, Measure};
use crate::rollup::{Layout, NodeMonth};

/// Which months of a node a table adds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Span {
    /// All up to this one.
    Cumulative,
    /// This one only.
    Increment,
}

/// Consistent estimates of all families.
#[derive(Debug)]
pub(super) struct Families(BTreeMap<Family, Reconciled>);

/// Variance, in counts^2, of one cell of table `table_rho_micro` in a node's cumulative or increment.
fn cell_variance(standard: &Standard, table: &Table, month: &NodeMonth, span: Span) -> f64 {
    let sigma2 = |rho| noise::sigma2(noise::table_rho(standard, table.rho_micro, rho));
    let now = month.span;
    match span {
        Span::Increment => noise::variance(sigma2(now.rho_micro), now.month - 1, now.month),
        Span::Cumulative => {
            let earlier = month
                .earlier
                .map_or(0.0, |e| noise::variance(sigma2(e.rho_micro), 0, e.month));
            earlier + noise::variance(sigma2(now.rho_micro), 0, now.month)
        }
    }
}

/// One cell of a node's table over all its months up to `month`; `None` where the table has no such cell.
pub(crate) fn cell_to_date(month: &NodeMonth, table: usize, cell: usize) -> Option<Estimate> {
    let standard = Standard::v1();
    let layout = Layout::of_node(standard, &month.codebook());
    let (range, _) = layout.table(table);
    let value = month.cumulative.get(range)?.get(cell)?;
    let variance = cell_variance(standard, &standard.tables()[table], month, Span::Cumulative);
    Some(Estimate {
        value: noise::in_counts(*value),
        se: variance.sqrt(),
    })
}

/// Makes the observation of `table`: dimensions outside `keep` are summed out, and the weights are
/// those of the standard (its rho, its nominal sizes), the same for every node and for the nation.
/// `variance` is that of one cell of the reduced table.
fn observed(
    standard: &Standard,
    table: &Table,
    shape: &[usize],
    values: Vec<f64>,
    drop: &[Dimension],
    variance: f64,
) -> Observed {
    let nominal = |d: &Dimension, actual: usize| -> usize {
        standard
            .noise()
            .nominal_sizes
            .get(d)
            .copied()
            .unwrap_or(actual)
    };
    let kept: Vec<Dimension> = table
        .dimensions
        .iter()
        .copied()
        .filter(|d| !drop.contains(d))
        .collect();
    let full = Margin {
        dimensions: table.dimensions.clone(),
        shape: shape.to_vec(),
        values,
    };
    let margin = full.onto(&kept);
    let axes = || table.dimensions.iter().zip(shape);
    let summed_out: usize = axes()
        .filter(|(d, _)| drop.contains(d))
        .map(|(d, n)| nominal(d, *n))
        .product();
    let weight_shape = axes()
        .filter(|(d, _)| !drop.contains(d))
        .map(|(d, n)| nominal(d, *n))
        .collect();
    Observed {
        dimensions: margin.dimensions,
        shape: margin.shape,
        values: margin.values,
        variance,
        weight_variance: noise::sigma2(table.rho_micro) as f64 * summed_out as f64,
        weight_shape,
    }
}

fn dropped_cells(codebook: &Codebook, table: &Table, drop: &[Dimension]) -> f64 {
    table
        .dimensions
        .iter()
        .filter(|d| drop.contains(d))
        .map(|d| codebook.size(*d) as f64)
        .product()
}

impl Families {
    fn reconcile(tables: BTreeMap<Family, Vec<Observed>>) -> Result<Self, AdditivityError> {
        tables
            .into_iter()
            .map(|(family, tables)| Ok((family, reconcile(&tables)?)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// One node's estimates from its cells in units of 2^-32, with districts, without pledges.
    pub(super) fn of_node(
        standard: &Standard,
        month: &NodeMonth,
        cells: &[i64],
        span: Span,
    ) -> Result<Self, AdditivityError> {
        let codebook = month.codebook();
        let layout = Layout::of_node(standard, &codebook);
        let drop = [Dimension::Pledge];
        let mut tables: BTreeMap<Family, Vec<Observed>> = BTreeMap::new();
        for (number, table) in standard.tables().iter().enumerate() {
            let (range, shape) = layout.table(number);
            let values = cells[range].iter().map(|y| noise::in_counts(*y)).collect();
            let variance = cell_variance(standard, table, month, span)
                * dropped_cells(&codebook, table, &drop);
            let one = observed(standard, table, shape, values, &drop, variance);
            tables.entry(table.family).or_default().push(one);
        }
        Self::reconcile(tables)
    }

    /// National estimates from sums by part (units of 2^-32) over `nodes`, of which each month's
    /// variance is known; districts and pledges are summed out.
    pub(super) fn of_nation(
        standard: &Standard,
        parts: &BTreeMap<&str, Vec<i64>>,
        nodes: &[&NodeMonth],
        span: Span,
    ) -> Result<Self, AdditivityError> {
        let national = Layout::national(standard);
        let sliced = Layout::national_pledge(standard);
        let drop = [Dimension::Area, Dimension::Pledge];
        let codebooks: Vec<Codebook> = nodes.iter().map(|n| n.codebook()).collect();
        let mut tables: BTreeMap<Family, Vec<Observed>> = BTreeMap::new();
        for (number, table) in standard.tables().iter().enumerate() {
            let with_pledge = table.dimensions.contains(&Dimension::Pledge);
            let (range, shape) = if with_pledge {
                sliced.table(number)
            } else {
                national.table(number)
            };
            let mut sum = vec![0.0; range.len()];
            for (part, cells) in parts.iter().filter(|(p, _)| p.is_empty() != with_pledge) {
                debug_assert!(cells.len() >= range.end, "part {part}");
                for (to, y) in sum.iter_mut().zip(&cells[range.clone()]) {
                    *to += noise::in_counts(*y);
                }
            }
            let variance = nodes
                .iter()
                .zip(&codebooks)
                .map(|(month, codebook)| {
                    cell_variance(standard, table, month, span)
                        * dropped_cells(codebook, table, &drop)
                })
                .sum();
            let one = observed(standard, table, shape, sum, &drop, variance);
            tables.entry(table.family).or_default().push(one);
        }
        Self::reconcile(tables)
    }

    /// A measure over everybody or over one code of a dimension; `None` when no table holds it.
    pub(super) fn measure(
        &self,
        measure: Measure,
        slice: Option<(Dimension, usize)>,
    ) -> Option<Linear> {
        if measure == Measure::InProgress {
            let starts = self.measure(Measure::Starts, slice)?.part;
            let leavers = self.measure(Measure::Leavers, slice)?.part;
            // Different families hold independent noise.
            let part = Estimate {
                value: starts.value - leavers.value,
                se: starts.se.hypot(leavers.se),
            };
            return Some(Linear { part, base: None });
        }
        let recipe = measure.recipe();
        let family = self.0.get(&recipe.family)?;
        let dimensions: Vec<Dimension> = slice
            .map(|(d, _)| d)
            .into_iter()
            .chain(recipe.fact)
            .collect();
        let margin = family.margin(&dimensions).ok()?;
        let form = |codes: &[usize]| -> Vec<(Vec<usize>, f64)> {
            let start: Vec<usize> = slice.map(|(_, code)| code).into_iter().collect();
            if recipe.fact.is_none() {
                return vec![(start, 1.0)];
            }
            codes
                .iter()
                .map(|code| ([start.as_slice(), &[*code]].concat(), 1.0))
                .collect()
        };
        let value = |form: &[(Vec<usize>, f64)]| -> f64 {
            let at = |position: &[usize]| {
                margin.values[ldsp_protocol::standard::cell_index(&margin.shape, position)]
            };
            form.iter().map(|(position, c)| c * at(position)).sum()
        };
        let covariance = |a: &[_], b: &[_]| family.covariance(&dimensions, a, b).ok();
        let estimate = |form: &[(Vec<usize>, f64)]| {
            Some(Estimate {
                value: value(form),
                se: covariance(form, form)?.max(0.0).sqrt(),
            })
        };
        let part_form = form(recipe.part);
        let part = estimate(&part_form)?;
        if !measure.is_rate() {
            return Some(Linear { part, base: None });
        }
        let base_form = form(recipe.base);
        let base = estimate(&base_form)?;
        Some(Linear {
            part,
            base: Some((base, covariance(&part_form, &base_form)?)),
        })
    }
}
