//! Dense tables and their margins.

use std::ops::AddAssign;

use crate::standard::Dimension;

/// A table or margin, dense.
#[derive(Debug, Clone, PartialEq)]
pub struct Margin<T = f64> {
    /// Dimensions, slowest first.
    pub dimensions: Vec<Dimension>,
    /// Their sizes.
    pub shape: Vec<usize>,
    /// Dense values; estimates as doubles are in enrolments.
    pub values: Vec<T>,
}

impl<T: Copy + Default + AddAssign> Margin<T> {
    /// Sums the other dimensions out; the result has the dimensions of `wanted`, in that order.
    /// A wanted dimension that the table lacks is left out.
    #[must_use]
    pub fn onto(&self, wanted: &[Dimension]) -> Self {
        let axes: Vec<usize> = wanted
            .iter()
            .filter_map(|w| self.dimensions.iter().position(|d| d == w))
            .collect();
        let shape: Vec<usize> = axes.iter().map(|a| self.shape[*a]).collect();
        let steps = strides(&self.dimensions, &axes, &shape);
        let mut values = vec![T::default(); shape.iter().product()];
        walk(&self.shape, &steps, |cell, target| {
            values[target] += self.values[cell];
        });
        Self {
            dimensions: axes.iter().map(|a| self.dimensions[*a]).collect(),
            shape,
            values,
        }
    }
}

/// How far one step along each of `dimensions` leads in a dense table of `shape` whose axes they are; 0 for the others.
pub(super) fn strides(dimensions: &[Dimension], axes: &[usize], shape: &[usize]) -> Vec<usize> {
    let mut steps = vec![0; dimensions.len()];
    let mut stride = 1;
    for (axis, size) in axes.iter().zip(shape).rev() {
        steps[*axis] = stride;
        stride *= size;
    }
    steps
}

/// Visits every cell of a dense table of `shape` in order, with where it stands in the table of these strides.
pub(super) fn walk(shape: &[usize], steps: &[usize], mut visit: impl FnMut(usize, usize)) {
    let cells: usize = shape.iter().product();
    let mut position = vec![0; shape.len()];
    let mut target = 0;
    for cell in 0..cells {
        visit(cell, target);
        for axis in (0..shape.len()).rev() {
            position[axis] += 1;
            target += steps[axis];
            if position[axis] < shape[axis] {
                break;
            }
            target -= steps[axis] * shape[axis];
            position[axis] = 0;
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
