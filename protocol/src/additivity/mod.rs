//! Additivity: one set of figures from a family of noisy tables.
//!
//! Every table of a family counts the same spells, so its margins should agree with the others';
//! noise makes them differ. The least-squares estimate that restores agreement splits each table
//! into residual components, one per subset S of its dimensions: r_S = (tensor product over S of
//! I - J/n) applied to the margin on S, which is the margin less everything that smaller subsets
//! explain. Noise of equal variance s in all cells makes the components of a table independent, with
//! Cov r_S = s x (product of n outside S) x (tensor product over S of I - J/n). So each component is
//! averaged over the tables that hold it with inverse-variance weights, and a table is put together
//! again by adding r_S / (product of n outside S) over its subsets (disclosure.md, "Additivity"; Xiao,
//! He, Zhang, Kifer, "An Optimal and Scalable Matrix Mechanism for Noisy Marginals under Convex Loss
//! Functions", 2023, sections 3 and 4, calls them residuals; the estimate is generalised least squares,
//! hence best linear unbiased by Gauss and Markov; Rao 1973, section 4a). Linear and unbiased; the outcome may be negative.
//!
//! **Exact.** Any weights that add up to one keep the estimate linear, unbiased and consistent, so
//! weights are rounded once to the grid 2^-20 ([`exact::WEIGHT_BITS`]; what that costs in variance is below one part
//! in 10^8) and everything else is integer arithmetic: an [`Exact`] is a fraction. Estimates of nodes
//! add up to those of the nation, of codes to their total, of months to the sum to date, as fractions,
//! not up to rounding. Weights depend on the standard alone, never on a node's own budget or lists: else sums over
//! nodes would not be the estimate of the sums.

use std::collections::BTreeMap;

use crate::noise;
use crate::standard::{Dimension, Standard, Table};

pub mod exact;
mod margin;

pub use exact::Exact;
use exact::WEIGHT_BITS;
pub use margin::{Margin, positions};
use margin::{strides, walk};

/// A noisy table, or what is left of one after dimensions were summed out.
#[derive(Debug, Clone)]
pub struct Observed {
    /// Dimensions, slowest first; no dimension twice.
    pub dimensions: Vec<Dimension>,
    /// Their sizes.
    pub shape: Vec<usize>,
    /// Dense cumulative estimates, or differences or sums of them, in units of 2^-32 enrolments, first
    /// dimension slowest.
    pub values: Vec<i64>,
    /// Variance of one cell, in enrolments^2.
    pub variance: f64,
    /// Variance of one cell that the weight assumes, in any unit common to the family: the standard's, so that
    /// weights do not depend on the node.
    pub weight_variance: u128,
    /// Sizes that the weight assumes.
    pub weight_shape: Vec<usize>,
}

impl Observed {
    /// `table` of which only the dimensions `kept` (in the table's order) are left, with the weight that `standard` gives it.
    #[must_use]
    pub fn of(
        standard: &Standard,
        table: &Table,
        kept: &[Dimension],
        shape: Vec<usize>,
        values: Vec<i64>,
        variance: f64,
    ) -> Self {
        let nominal = |d: &Dimension| {
            let stated = standard.noise().nominal_sizes.get(d).copied();
            stated.unwrap_or_else(|| standard.dimension(*d).codes.len())
        };
        let dropped = table.dimensions.iter().filter(|d| !kept.contains(d));
        let summed_out: usize = dropped.map(nominal).product();
        Self {
            dimensions: kept.to_vec(),
            shape,
            values,
            variance,
            weight_variance: u128::from(noise::sigma2(table.rho_micro)) * summed_out as u128,
            weight_shape: kept.iter().map(nominal).collect(),
        }
    }

    /// Cells that a cell of the margin on `subset` adds up, for these sizes.
    fn outside(&self, shape: &[usize], subset: &[Dimension]) -> usize {
        let sizes = self.dimensions.iter().zip(shape);
        let outside = sizes.filter(|(d, _)| !subset.contains(d));
        outside.map(|(_, size)| size).product()
    }
}

/// Consistent estimates of a whole family.
#[derive(Debug, Clone)]
pub struct Reconciled {
    components: BTreeMap<Vec<Dimension>, Component>,
}

#[derive(Debug, Clone)]
struct Component {
    shape: Vec<usize>,
    /// Units of 2^-52 enrolments over the number of cells.
    values: Vec<i128>,
    /// Covariance of the component is `scale` times the projection onto its space.
    scale: f64,
}

/// A linear form over the cells of a margin: position and coefficient.
pub type Form = [(Vec<usize>, i64)];

/// Why tables cannot be reconciled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum AdditivityError {
    #[error("a table has {cells} values where its shape holds {expected}")]
    Shape { cells: usize, expected: usize },
    #[error("two tables give {0:?} different sizes")]
    Size(Dimension),
    #[error("an estimate lies beyond 2^31 enrolments")]
    Range,
    #[error("no table holds {0:?}")]
    Missing(Vec<Dimension>),
}

/// Reconciles the tables of one family.
///
/// # Errors
/// Values that do not fit their shape; a dimension with two sizes.
pub fn reconcile(tables: &[Observed]) -> Result<Reconciled, AdditivityError> {
    check(tables)?;
    let mut holders: BTreeMap<Vec<Dimension>, Vec<(&Observed, Residual)>> = BTreeMap::new();
    for table in tables {
        for residual in residuals(table) {
            let subset = residual.dimensions.clone();
            holders.entry(subset).or_default().push((table, residual));
        }
    }
    let averaged = |(subset, holders): (Vec<Dimension>, Vec<_>)| {
        let component = average(&subset, &holders);
        (subset, component)
    };
    Ok(Reconciled {
        components: holders.into_iter().map(averaged).collect(),
    })
}

fn check(tables: &[Observed]) -> Result<(), AdditivityError> {
    let mut sizes: BTreeMap<Dimension, usize> = BTreeMap::new();
    for table in tables {
        let expected = table.shape.iter().product();
        if table.values.len() != expected {
            return Err(AdditivityError::Shape {
                cells: table.values.len(),
                expected,
            });
        }
        for (dimension, size) in table.dimensions.iter().zip(&table.shape) {
            if sizes
                .insert(*dimension, *size)
                .is_some_and(|before| before != *size)
            {
                return Err(AdditivityError::Size(*dimension));
            }
        }
    }
    Ok(())
}

/// The weighted mean of a component over the tables that hold it.
fn average(subset: &[Dimension], holders: &[(&Observed, Residual)]) -> Component {
    let costs: Vec<u128> = holders
        .iter()
        .map(|(t, _)| t.weight_variance * t.outside(&t.weight_shape, subset) as u128)
        .collect();
    let shape = holders
        .first()
        .map_or_else(Vec::new, |(_, r)| r.shape.clone());
    let mut values = vec![0; shape.iter().product()];
    let mut scale = 0.0;
    for ((table, residual), weight) in holders.iter().zip(weights(&costs)) {
        for (to, from) in values.iter_mut().zip(&residual.values) {
            *to += i128::from(weight) * from;
        }
        let share = weight as f64 / f64::from(1u32 << WEIGHT_BITS);
        let variance = table.variance * table.outside(&table.shape, subset) as f64;
        scale += share * share * variance;
    }
    Component {
        shape,
        values,
        scale,
    }
}

/// Weights proportional to 1 / cost, rounded down to multiples of 2^-20; what is left goes to the first of the cheapest,
/// so that they add up to 2^20.
fn weights(costs: &[u128]) -> Vec<u64> {
    // 2^90 over a cost of at most 2^64 keeps 26 bits.
    let inverse: Vec<u128> = costs.iter().map(|c| (1 << 90) / (*c).max(1)).collect();
    let total: u128 = inverse.iter().sum();
    let share = |i: &u128| u64::try_from((i << WEIGHT_BITS) / total.max(1)).unwrap_or(0);
    let mut weights: Vec<u64> = inverse.iter().map(share).collect();
    let left = (1 << WEIGHT_BITS) - weights.iter().sum::<u64>();
    let cheapest = costs.iter().min();
    let first = costs.iter().position(|c| Some(c) == cheapest);
    if let Some(weight) = first.and_then(|at| weights.get_mut(at)) {
        *weight += left;
    }
    weights
}

/// A residual component times the product of the sizes of its dimensions, which makes it whole; dimensions sorted.
type Residual = Margin<i128>;

/// All residual components of a table: each dimension in turn is either summed out or centred.
fn residuals(table: &Observed) -> Vec<Residual> {
    let full = Margin {
        dimensions: table.dimensions.clone(),
        shape: table.shape.clone(),
        values: table.values.iter().map(|v| i128::from(*v)).collect(),
    };
    let mut sorted = table.dimensions.clone();
    sorted.sort_unstable();
    let mut found = vec![full.onto(&sorted)];
    // From the last dimension, so that those before keep their place.
    for axis in (0..sorted.len()).rev() {
        let mut next = Vec::with_capacity(2 * found.len());
        for mut residual in found {
            let summed = residual.without(axis);
            residual.centre(axis, &summed.values);
            next.extend([summed, residual]);
        }
        found = next;
    }
    found
}

impl Margin<i128> {
    /// Sums the dimension at `axis` out.
    fn without(&self, axis: usize) -> Self {
        let size = self.shape[axis];
        let inner: usize = self.shape[axis + 1..].iter().product();
        let mut without = Self {
            dimensions: self.dimensions.clone(),
            shape: self.shape.clone(),
            values: Vec::with_capacity(self.values.len() / size.max(1)),
        };
        without.dimensions.remove(axis);
        without.shape.remove(axis);
        for block in self.values.chunks((inner * size).max(1)) {
            let at = |offset: usize| block[offset..].iter().step_by(inner).sum::<i128>();
            without.values.extend((0..inner).map(at));
        }
        without
    }

    /// Applies n I - J along `axis`; `sums` is [`Self::without`] it.
    fn centre(&mut self, axis: usize, sums: &[i128]) {
        let size = self.shape[axis];
        let inner: usize = self.shape[axis + 1..].iter().product();
        let blocks = self.values.chunks_mut((inner * size).max(1));
        for (block, sums) in blocks.zip(sums.chunks(inner)) {
            for row in block.chunks_mut(inner) {
                let pairs = row.iter_mut().zip(sums);
                pairs.for_each(|(value, sum)| *value = *value * size as i128 - sum);
            }
        }
    }
}

/// All subsets of `dimensions`, each sorted.
fn subsets(dimensions: &[Dimension]) -> Vec<Vec<Dimension>> {
    (0u32..1 << dimensions.len())
        .map(|bits| {
            let chosen = dimensions
                .iter()
                .enumerate()
                .filter(|(i, _)| bits >> i & 1 == 1);
            let mut subset: Vec<_> = chosen.map(|(_, d)| *d).collect();
            subset.sort_unstable();
            subset
        })
        .collect()
}

impl Reconciled {
    /// The consistent table on `dimensions`, in that order, in enrolments.
    ///
    /// # Errors
    /// [`AdditivityError::Missing`] when no table of the family holds them all.
    pub fn margin(&self, dimensions: &[Dimension]) -> Result<Margin, AdditivityError> {
        let exact = self.exact(dimensions)?;
        Ok(Margin {
            values: exact.values.iter().map(|v| v.in_counts()).collect(),
            dimensions: exact.dimensions,
            shape: exact.shape,
        })
    }

    /// The same as exact fractions.
    ///
    /// # Errors
    /// [`AdditivityError::Missing`] when no table of the family holds them all.
    pub fn exact(&self, dimensions: &[Dimension]) -> Result<Margin<Exact>, AdditivityError> {
        let shape = self.shape(dimensions)?;
        let cells: usize = shape.iter().product();
        let mut sums = vec![0; cells];
        // A component stands here times the sizes of its own dimensions and is owed a division by those of the others:
        // together by the number of cells, whichever the component.
        for subset in subsets(dimensions) {
            let component = self.component(&subset)?;
            let axes: Vec<usize> = subset
                .iter()
                .filter_map(|s| dimensions.iter().position(|d| d == s))
                .collect();
            let steps = strides(dimensions, &axes, &component.shape);
            walk(&shape, &steps, |cell, source| {
                sums[cell] += component.values[source];
            });
        }
        let exact = |sum: i128| Exact::new(sum, cells as u64);
        Ok(Margin {
            dimensions: dimensions.to_vec(),
            shape,
            values: sums.into_iter().map(exact).collect(),
        })
    }

    /// Covariance, in enrolments^2, of two linear forms over the cells of the consistent table on `dimensions`:
    /// the sum over subsets S of the component's scale times, for each pair of cells, the product over S of
    /// (1 if the codes agree else 0) - 1/n and over the others of 1/n^2.
    ///
    /// # Errors
    /// [`AdditivityError::Missing`] when no table of the family holds the dimensions.
    pub fn covariance(
        &self,
        dimensions: &[Dimension],
        a: &Form,
        b: &Form,
    ) -> Result<f64, AdditivityError> {
        let shape = self.shape(dimensions)?;
        let mut sum = 0.0;
        for subset in subsets(dimensions) {
            let scale = self.component(&subset)?.scale;
            for (at_a, coefficient_a) in a {
                for (at_b, coefficient_b) in b {
                    let factors = dimensions
                        .iter()
                        .zip(&shape)
                        .enumerate()
                        .map(|(i, (d, n))| {
                            let n = *n as f64;
                            if subset.contains(d) {
                                f64::from(u8::from(at_a[i] == at_b[i])) - 1.0 / n
                            } else {
                                1.0 / (n * n)
                            }
                        });
                    let coefficients = (coefficient_a * coefficient_b) as f64;
                    sum += scale * coefficients * factors.product::<f64>();
                }
            }
        }
        Ok(sum)
    }

    fn component(&self, subset: &[Dimension]) -> Result<&Component, AdditivityError> {
        self.components
            .get(subset)
            .ok_or_else(|| AdditivityError::Missing(subset.to_vec()))
    }

    fn shape(&self, dimensions: &[Dimension]) -> Result<Vec<usize>, AdditivityError> {
        let size = |d: &Dimension| Ok(self.component(&[*d])?.shape[0]);
        dimensions.iter().map(size).collect()
    }
}

#[cfg(test)]
mod tests;
