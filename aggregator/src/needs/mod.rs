//! Published needs: what areas ask for and what they offer, as their nodes state it in the log, and the national picture of both.
//!
//! [`Needs`] follows the log within a [`Snapshot`](crate::benchmark::Snapshot); [`report`] folds it with
//! [`ldsp_protocol::needs::picture`], which anybody can do with the same statements. Nothing of it is stored a second time, and
//! none of these statements is ever withdrawn.

mod area;
mod check;
mod csv;
mod gap;
mod report;
#[cfg(test)]
pub(crate) mod tests;

use std::ops::Range;
use std::sync::Arc;

use jiff::civil::Date;
use ldsp_protocol::ids::{Digest, Gss, NodeSlug};
use ldsp_protocol::needs::{DemandSummary, ProvisionSummary};
use ldsp_protocol::statement::Kind;
use serde::de::DeserializeOwned;

pub use area::Area;
pub use csv::to_csv;
pub use gap::{Gap, shown};
pub use report::{Report, Source, by_lep, report};

use crate::store::{Log, LoggedStatement, StoreError};

/// Statements that are read at once.
const PAGE: u32 = 200;

/// What a node publishes of needs.
#[derive(Debug, Clone, Copy)]
pub enum Said<'a> {
    /// What is asked for.
    Demand(&'a DemandSummary),
    /// What is offered.
    Provision(&'a ProvisionSummary),
}

impl Said<'_> {
    /// The LEP.
    #[must_use]
    pub fn lep(&self) -> &Gss {
        match self {
            Self::Demand(it) => &it.lep,
            Self::Provision(it) => &it.lep,
        }
    }

    /// The day on which it was made.
    #[must_use]
    pub fn day(&self) -> Date {
        match self {
            Self::Demand(it) => it.as_of,
            Self::Provision(it) => it.as_of,
        }
    }
}

/// The day on which a logged statement of needs was made.
///
/// # Errors
/// Damaged bytes: it was verified before it was logged.
pub fn day(statement: &LoggedStatement) -> Result<Date, StoreError> {
    #[derive(serde::Deserialize)]
    struct Made {
        as_of: Date,
    }
    Ok(statement.payload::<Made>()?.as_of)
}

/// What a statement says, and where it stands.
#[derive(Debug, PartialEq, Eq)]
pub struct Stated<T> {
    /// Place in the log.
    pub index: u64,
    /// Who signed.
    pub node: NodeSlug,
    /// Place in the node's sequence.
    pub seq: u64,
    /// Identity.
    pub pae: Digest,
    /// What it says.
    pub said: T,
}

/// All needs that were published up to some place in the log, in its order.
#[derive(Debug, Clone, Default)]
pub struct Needs {
    demand: Vec<Arc<Stated<DemandSummary>>>,
    provision: Vec<Arc<Stated<ProvisionSummary>>>,
}

impl Needs {
    /// These and those among the leaves that come next.
    ///
    /// # Errors
    /// Trouble with the store.
    pub async fn after<S: Log>(&self, store: &S, leaves: Range<u64>) -> Result<Self, StoreError> {
        let mut grown = self.clone();
        let demand = read(store, Kind::DemandSummary, &leaves).await?;
        let provision = read(store, Kind::ProvisionSummary, &leaves).await?;
        grown.demand.extend(demand);
        grown.provision.extend(provision);
        Ok(grown)
    }

    /// What is asked for.
    #[must_use]
    pub fn demand(&self) -> &[Arc<Stated<DemandSummary>>] {
        &self.demand
    }

    /// What is offered.
    #[must_use]
    pub fn provision(&self) -> &[Arc<Stated<ProvisionSummary>>] {
        &self.provision
    }
}

async fn read<S: Log, T: DeserializeOwned>(
    store: &S,
    kind: Kind,
    leaves: &Range<u64>,
) -> Result<Vec<Arc<Stated<T>>>, StoreError> {
    let mut all = Vec::new();
    let mut from = leaves.start;
    while from < leaves.end {
        let found = store.statements_of(kind, from, PAGE).await?;
        for statement in found.iter().filter(|s| s.index < leaves.end) {
            all.push(Arc::new(Stated {
                index: statement.index,
                node: statement.node.clone(),
                seq: statement.seq,
                pae: statement.pae,
                said: statement.payload()?,
            }));
        }
        match found.last() {
            Some(last) if found.len() == PAGE as usize => from = last.index + 1,
            _ => break,
        }
    }
    Ok(all)
}
