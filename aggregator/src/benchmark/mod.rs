//! Benchmarks: pure functions from rollups and the standard to figures, each with its period,
//! coverage, base and interval. See [`Snapshot`] for what pages and the API ask for.

mod cache;
mod coverage;
mod csv;
mod estimate;
mod finding;
mod ground;
mod linear;
mod parts;
mod places;
mod snapshot;
#[cfg(test)]
mod tests;

pub use cache::Benchmarks;
pub use coverage::{Coverage, Range, Status};
pub use csv::to_csv;
pub(crate) use estimate::{cell_to_date, holds};
pub use finding::{Finding, Group, Measure, Place, Shown, Slice, Standing};
pub use places::{LepFindings, LepStanding};
pub use snapshot::Snapshot;
