//! The figures of the log as it stands: [`Benchmarks`] follows the store with what [`ldsp_protocol::benchmark`] computes.

mod cache;
mod csv;
mod snapshot;
#[cfg(test)]
mod tests;

pub use cache::Benchmarks;
pub use csv::to_csv;
pub use ldsp_protocol::benchmark::{
    Coverage, Figures, Finding, Group, LepFindings, LepStanding, Measure, Place, Range, Shown,
    Slice, Standing, Status, cell_to_date, holds,
};
pub use snapshot::Snapshot;
