//! Mistakes in the method that the attacks must find.

use clap::ValueEnum;

/// A planted flaw: what a node does wrong, while its manifests say that all is well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Flaw {
    /// Whole-number noise added after the filter
    IntegerNoise,
    /// Whole-number noise put through the filter, the entries left as they are
    FilteredIntegerNoise,
    /// Every month is drawn and published twice
    Redrawn,
    /// Cells that hold nobody are published without noise
    NoiselessZeros,
    /// Twice the stated budget: half the stated variance
    DoubledRho,
    /// A ten-thousandth of the stated variance: every attack that is scored must then succeed
    FaintNoise,
    /// Everybody is counted again half way, and again under a new standard
    Recount,
    /// An erasure takes the entries back
    Retracted,
}
