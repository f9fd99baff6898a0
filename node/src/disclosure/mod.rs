//! Disclosure control: the only road out for learner data.
//!
//! [`protect`](protect::protect) takes one month's exact entry counts and the ledger of earlier months and gives
//! [`ProtectedTables`]: discrete Gaussian noise on the grid 2^-16 under the square-root filter
//! (the public half of the method is [`ldsp_protocol::noise`]). The noise itself is added and forgotten.

pub(crate) mod changes;
pub(crate) mod dominance;
pub mod protect;
pub mod sampler;

use ldsp_protocol::ids::Period;
use ldsp_protocol::standard::Standard;

pub use protect::{ProtectError, ProtectedTables, protect};

/// What the ledger holds of one month under one standard: what entered and what was published of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerMonth {
    /// The standard whose tables these are.
    pub standard: &'static Standard,
    /// 1, or 2 after a lost ledger.
    pub epoch: u32,
    /// Month of the epoch, from 1.
    pub month: usize,
    /// The calendar month.
    pub period: Period,
    /// Declared tables in the standard's order.
    pub tables: Vec<LedgerTable>,
}

/// One table of a ledger month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerTable {
    /// x per cell: enrolments that entered in the month. Exact: never leaves the node.
    pub entries: Vec<i64>,
    /// v per cell in units of 2^-16.
    pub published: Vec<i64>,
}
