//! Benchmarks: pure functions from rollups and the standard to figures, each with its period,
//! coverage, base and interval. See [`Figures`] for what can be asked.

mod coverage;
mod estimate;
mod figures;
mod finding;
mod ground;
mod linear;
mod parts;
mod places;
#[cfg(test)]
mod tests;

pub use coverage::{Coverage, Range, Status};
pub use estimate::{cell_to_date, holds};
pub use figures::Figures;
pub use finding::{Finding, Group, Measure, Place, Recipe, Shown, Slice, Standing};
pub use places::{LepFindings, LepStanding, Member};
