//! Estimates as exact fractions, so that the same figure comes out whichever way it is added up.

use crate::noise::GRID_BITS;

/// Weights are multiples of 2^-20 that add up to one.
pub const WEIGHT_BITS: u32 = 20;

/// Binary places of an estimate's numerator: Y is on the grid 2^-32, weights on 2^-20.
const PLACES: u32 = 2 * GRID_BITS + WEIGHT_BITS;

/// An estimate: `numerator` / (`cells` x 2^52) enrolments, exactly.
///
/// With weights on a binary grid, the only other divisor of an estimate is the number of cells of its
/// table (the means that the residual components subtract), so sums over codes, nodes and months are
/// sums of integers. Equal fractions are equal, whatever their denominators, and become the same double.
#[derive(Debug, Clone, Copy)]
pub struct Exact {
    numerator: i128,
    /// At least 1.
    cells: u64,
}

impl Exact {
    /// Nothing.
    pub const ZERO: Self = Self {
        numerator: 0,
        cells: 1,
    };

    /// `numerator` / (`cells` x 2^52), in lowest terms as far as `cells` goes.
    ///
    /// |Y| of a cell, or of a sum over nodes, is below 2^63 in units of 2^-32; a table has at most 2^12 cells, a component
    /// multiplies each by less than 2^12 (twice the code lists' sizes), a weight by 2^20, and eight components make a table
    /// of three dimensions: |numerator| < 2^110.
    pub(super) fn new(numerator: i128, cells: u64) -> Self {
        let common = gcd(numerator, cells);
        Self {
            numerator: numerator / i128::from(common),
            cells: cells / common,
        }
    }

    /// In enrolments: the fraction rounded to 53 bits, then divided; the same for equal fractions on every machine with
    /// IEEE 754 arithmetic.
    #[must_use]
    pub fn in_counts(self) -> f64 {
        self.numerator as f64 / (self.cells as f64 * (1u64 << PLACES) as f64)
    }

    fn combined(self, other: Self, with: impl Fn(i128, i128) -> i128) -> Self {
        let common = gcd(i128::from(self.cells), other.cells);
        let (mine, theirs) = (other.cells / common, self.cells / common);
        let numerator = with(
            self.numerator * i128::from(mine),
            other.numerator * i128::from(theirs),
        );
        Self::new(numerator, self.cells * mine)
    }
}

/// Greatest common divisor; `b` itself when `a` is 0.
fn gcd(a: i128, b: u64) -> u64 {
    let rest = a.unsigned_abs() % u128::from(b);
    let (mut a, mut b) = (b, rest as u64);
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl PartialEq for Exact {
    fn eq(&self, other: &Self) -> bool {
        // Both are in lowest terms.
        self.numerator == other.numerator && self.cells == other.cells
    }
}

impl Eq for Exact {}

impl std::ops::Add for Exact {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.combined(other, |a, b| a + b)
    }
}

impl std::ops::Sub for Exact {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.combined(other, |a, b| a - b)
    }
}

impl std::iter::Sum for Exact {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::ZERO, |sum, part| sum + part)
    }
}
