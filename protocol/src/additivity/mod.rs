//! Additivity: one set of figures from a family of noisy tables.
//!
//! Every table of a family counts the same spells, so its margins should agree with the others';
//! noise makes them differ. The least-squares estimate that restores agreement splits each table
//! into residual components, one per subset S of its dimensions (the margin on S less everything
//! that smaller subsets explain). Noise of equal variance in all cells makes the components of a
//! table independent, so each component is averaged over the tables that hold it with
//! inverse-variance weights, and tables are put together again (disclosure.md, "Additivity";
//! the decomposition is that of Kuhn, Hay, Machanavajjhala, Miklau; cf. McKenna et al.,
//! ResidualPlanner, 2023). Linear and unbiased; the outcome may be negative.

use std::collections::BTreeMap;

use crate::standard::Dimension;

/// A noisy table.
#[derive(Debug, Clone)]
pub struct Observed {
    /// Dimensions, slowest first; no dimension twice.
    pub dimensions: Vec<Dimension>,
    /// Their sizes.
    pub shape: Vec<usize>,
    /// Dense values in counts, first dimension slowest.
    pub values: Vec<f64>,
    /// Variance of one cell, in counts^2.
    pub variance: f64,
    /// Variance that the weight assumes (any common unit): the standard's, so that weights do not
    /// depend on the node.
    pub weight_variance: f64,
    /// Sizes that the weight assumes.
    pub weight_shape: Vec<usize>,
}

/// Consistent estimates of a whole family.
#[derive(Debug, Clone)]
pub struct Reconciled {
    components: BTreeMap<Vec<Dimension>, Component>,
}

#[derive(Debug, Clone)]
struct Component {
    shape: Vec<usize>,
    values: Vec<f64>,
    /// Covariance of the component is `scale` times the projection onto its space.
    scale: f64,
}

/// A consistent table or margin.
#[derive(Debug, Clone, PartialEq)]
pub struct Margin {
    /// Dimensions, slowest first.
    pub dimensions: Vec<Dimension>,
    /// Their sizes.
    pub shape: Vec<usize>,
    /// Dense values in counts.
    pub values: Vec<f64>,
}

/// Why tables cannot be reconciled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum AdditivityError {
    #[error("a table has {cells} values where its shape holds {expected}")]
    Shape { cells: usize, expected: usize },
    #[error("two tables give {0:?} different sizes")]
    Size(Dimension),
    #[error("no table holds {0:?}")]
    Missing(Vec<Dimension>),
}

/// Reconciles the tables of one family.
///
/// # Errors
/// Values that do not fit their shape; a dimension with two sizes.
pub fn reconcile(tables: &[Observed]) -> Result<Reconciled, AdditivityError> {
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
    let mut sums: BTreeMap<Vec<Dimension>, (Component, f64)> = BTreeMap::new();
    for table in tables {
        for subset in subsets(&table.dimensions) {
            add_component(&mut sums, table, &subset);
        }
    }
    let components = sums
        .into_iter()
        .map(|(subset, (mut sum, weight))| {
            sum.values.iter_mut().for_each(|v| *v /= weight);
            sum.scale /= weight * weight;
            (subset, sum)
        })
        .collect();
    Ok(Reconciled { components })
}

fn add_component(
    sums: &mut BTreeMap<Vec<Dimension>, (Component, f64)>,
    table: &Observed,
    subset: &[Dimension],
) {
    let outside = |shape: &[usize]| -> f64 {
        let others = table
            .dimensions
            .iter()
            .zip(shape)
            .filter(|(d, _)| !subset.contains(d));
        others.map(|(_, size)| *size as f64).product()
    };
    let weight = 1.0 / (table.weight_variance * outside(&table.weight_shape));
    let residual = residual(table, subset);
    let (sum, total) = sums.entry(subset.to_vec()).or_insert_with(|| {
        let values = vec![0.0; residual.values.len()];
        (
            Component {
                shape: residual.shape.clone(),
                values,
                scale: 0.0,
            },
            0.0,
        )
    });
    for (to, from) in sum.values.iter_mut().zip(&residual.values) {
        *to += weight * from;
    }
    sum.scale += weight * weight * table.variance * outside(&table.shape);
    *total += weight;
}

/// The table's residual component on `subset`, whose dimensions are sorted.
fn residual(table: &Observed, subset: &[Dimension]) -> Component {
    let margin = Margin {
        dimensions: table.dimensions.clone(),
        shape: table.shape.clone(),
        values: table.values.clone(),
    }
    .onto(subset);
    let mut values = margin.values;
    for axis in 0..margin.shape.len() {
        centre(&margin.shape, axis, &mut values);
    }
    Component {
        shape: margin.shape,
        values,
        scale: 0.0,
    }
}

/// Subtracts the mean along one axis: the projection I - J/n.
fn centre(shape: &[usize], axis: usize, values: &mut [f64]) {
    let inner: usize = shape[axis + 1..].iter().product();
    let size = shape[axis];
    let block = inner * size;
    for start in (0..values.len()).step_by(block.max(1)) {
        for offset in 0..inner {
            let at = |k: usize| start + k * inner + offset;
            let mean = (0..size).map(|k| values[at(k)]).sum::<f64>() / size as f64;
            for k in 0..size {
                values[at(k)] -= mean;
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

impl Margin {
    /// Sums the other dimensions out; the result has the dimensions of `wanted`, in that order.
    /// A wanted dimension that the table lacks is left out.
    #[must_use]
    pub fn onto(&self, wanted: &[Dimension]) -> Self {
        let axes: Vec<usize> = wanted
            .iter()
            .filter_map(|w| self.dimensions.iter().position(|d| d == w))
            .collect();
        let shape: Vec<usize> = axes.iter().map(|a| self.shape[*a]).collect();
        let mut values = vec![0.0; shape.iter().product()];
        for (cell, value) in self.values.iter().enumerate() {
            let position = positions(&self.shape, cell);
            let target = axes
                .iter()
                .fold(0, |at, a| at * self.shape[*a] + position[*a]);
            values[target] += value;
        }
        Self {
            dimensions: axes.iter().map(|a| self.dimensions[*a]).collect(),
            shape,
            values,
        }
    }
}

/// The position in each dimension of cell number `cell`.
#[must_use]
pub fn positions(shape: &[usize], cell: usize) -> Vec<usize> {
    let mut rest = cell;
    let mut position = vec![0; shape.len()];
    for (axis, size) in shape.iter().enumerate().rev() {
        position[axis] = rest % size;
        rest /= size;
    }
    position
}

impl Reconciled {
    /// The consistent table on `dimensions`, in that order.
    ///
    /// # Errors
    /// [`AdditivityError::Missing`] when no table of the family holds them all.
    pub fn margin(&self, dimensions: &[Dimension]) -> Result<Margin, AdditivityError> {
        let shape = self.shape(dimensions)?;
        let cells = shape.iter().product();
        let mut values = vec![0.0; cells];
        for subset in subsets(dimensions) {
            let component = self.component(&subset)?;
            let spread: f64 = dimensions
                .iter()
                .zip(&shape)
                .filter(|(d, _)| !subset.contains(d))
                .map(|(_, size)| *size as f64)
                .product();
            let axes: Vec<usize> = subset
                .iter()
                .filter_map(|s| dimensions.iter().position(|d| d == s))
                .collect();
            for (cell, value) in values.iter_mut().enumerate() {
                let position = positions(&shape, cell);
                let source = axes
                    .iter()
                    .zip(&component.shape)
                    .fold(0, |at, (a, n)| at * n + position[*a]);
                *value += component.values[source] / spread;
            }
        }
        Ok(Margin {
            dimensions: dimensions.to_vec(),
            shape,
            values,
        })
    }

    /// Covariance, in counts^2, of two linear forms over the cells of the consistent table on
    /// `dimensions`; a form is a list of (position, coefficient).
    ///
    /// # Errors
    /// [`AdditivityError::Missing`] when no table of the family holds the dimensions.
    pub fn covariance(
        &self,
        dimensions: &[Dimension],
        a: &[(Vec<usize>, f64)],
        b: &[(Vec<usize>, f64)],
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
                    sum += scale * coefficient_a * coefficient_b * factors.product::<f64>();
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
