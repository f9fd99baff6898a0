//! The learning summary: one node's protected tables of one month, and what a receiver checks of
//! them without seeing a learner (disclosure.md, "What the receiver checks without raw data").

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{Gss, PledgeId};
use crate::noise::{HORIZON, MAX_CELL, METHOD, MIN_RHO_MICRO, sigma2, table_rho};
use crate::standard::{Codebook, Standard, Table};

mod grid;
mod margins;

/// Pledges that a node accepts at most: each is a code of its tables and a part of the national sums.
pub const MAX_PLEDGES: usize = 64;

pub use margins::{Difference, MARGIN_LIMIT, Margins};

/// A protected table as published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProtectedTable {
    /// Id of the declared table.
    pub id: String,
    /// v of every cell in units of 2^-16, dense, in the order of the code lists, first dimension slowest.
    pub cells: Vec<i64>,
}

/// How the noise was made: everything a reader needs to know its size. Epoch and month are of the standard that the statement names: a
/// node that goes on under two of them publishes a summary under each, and each has its own history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Name of the method.
    pub method: String,
    /// 1, or 2 after a lost ledger.
    pub epoch: u32,
    /// Which month of the epoch this is, from 1.
    pub month: usize,
    /// The node's whole budget for a spell, in millionths: the standard's or less.
    pub rho_micro: u64,
    /// Variance of a published cell by table, in units of 2^-32.
    pub sigma2: BTreeMap<String, u64>,
}

/// Payload of a learning summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearningSummary {
    /// Program and version that made it.
    pub software: String,
    /// How the noise was made.
    pub noise: Manifest,
    /// Pledges that the node accepted, in the order of acceptance.
    pub pledges: Vec<PledgeId>,
    /// All declared tables in the standard's order.
    #[serde(deserialize_with = "grid::tables")]
    pub tables: Vec<ProtectedTable>,
}

/// The part of a node's history under one standard that its next summary under it must follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Previous {
    /// Epoch of the last summary.
    pub epoch: u32,
    /// Its month in the epoch.
    pub month: usize,
    /// Its budget.
    pub rho_micro: u64,
    /// Its accepted pledges.
    pub pledges: Vec<PledgeId>,
}

/// A refusal that names table, cell and rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rule}{}{}", table.as_ref().map(|t| format!(" (table {t}")).unwrap_or_default(),
    match (table, cell) { (Some(_), Some(c)) => format!(", cell {c})"), (Some(_), None) => ")".to_owned(), _ => String::new() })]
pub struct SummaryError {
    /// The rule that is broken.
    pub rule: String,
    /// The table, where one is at fault.
    pub table: Option<String>,
    /// The cell's number, where one is at fault.
    pub cell: Option<usize>,
}

/// `name/version`: lower-case letters, digits and hyphens; then letters, digits, dots, pluses and hyphens.
fn names_software(text: &str) -> bool {
    let name = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    let version = |c: u8| c.is_ascii_alphanumeric() || b".+-".contains(&c);
    text.len() <= 64
        && text.split_once('/').is_some_and(|(n, v)| {
            !n.is_empty() && !v.is_empty() && n.bytes().all(name) && v.bytes().all(version)
        })
}

fn refuse(rule: impl Into<String>, table: Option<&str>, cell: Option<usize>) -> SummaryError {
    SummaryError {
        rule: rule.into(),
        table: table.map(str::to_owned),
        cell,
    }
}

impl Manifest {
    /// The manifest of `month` (from 1) of `epoch` at a node with `rho_micro`.
    #[must_use]
    pub fn new(standard: &Standard, epoch: u32, month: usize, rho_micro: u64) -> Self {
        let sigma2 = standard
            .tables()
            .iter()
            .map(|t| {
                (
                    t.id.clone(),
                    sigma2(table_rho(standard, t.rho_micro, rho_micro)),
                )
            })
            .collect();
        Self {
            method: METHOD.to_owned(),
            epoch,
            month,
            rho_micro,
            sigma2,
        }
    }
}

impl LearningSummary {
    /// Checks a summary of the node that serves `lep` against `standard` and the node's history under it.
    ///
    /// # Errors
    /// [`SummaryError`]: the first rule that is broken.
    pub fn check(
        &self,
        standard: &Standard,
        lep: &Gss,
        previous: Option<&Previous>,
    ) -> Result<(), SummaryError> {
        if !names_software(&self.software) {
            return Err(refuse(
                "software names a program and its version, as ldsp-node/0.1.0, in at most 64 characters",
                None,
                None,
            ));
        }
        self.check_manifest(standard)?;
        self.check_sequel(previous)?;
        let codebook = Codebook::new(lep, &self.pledges);
        self.check_shape(standard, &codebook)?;
        self.check_margins(standard, &codebook)
    }

    fn check_manifest(&self, standard: &Standard) -> Result<(), SummaryError> {
        let noise = &self.noise;
        if !(MIN_RHO_MICRO..=standard.noise().rho_micro).contains(&noise.rho_micro) {
            return Err(refuse(
                format!("rho is at least {MIN_RHO_MICRO} millionths and at most the standard's"),
                None,
                None,
            ));
        }
        if !(1..=2).contains(&noise.epoch) {
            return Err(refuse("a node has at most two epochs", None, None));
        }
        if !(1..=HORIZON).contains(&noise.month) {
            return Err(refuse(
                format!("an epoch has months 1 to {HORIZON}"),
                None,
                None,
            ));
        }
        let expected = Manifest::new(standard, noise.epoch, noise.month, noise.rho_micro);
        if noise.method != expected.method {
            return Err(refuse("the method is the standard's", None, None));
        }
        if let Some((id, _)) = expected
            .sigma2
            .iter()
            .find(|(id, s)| noise.sigma2.get(*id) != Some(s))
        {
            return Err(refuse(
                "sigma squared is the one that rho and the standard give",
                Some(id),
                None,
            ));
        }
        let declared = |id: &String| expected.sigma2.contains_key(id);
        if let Some(other) = noise.sigma2.keys().find(|id| !declared(id)) {
            let rule = "sigma squared is stated for the declared tables only";
            return Err(refuse(rule, Some(other), None));
        }
        Ok(())
    }

    fn check_sequel(&self, previous: Option<&Previous>) -> Result<(), SummaryError> {
        if self.pledges.len() > MAX_PLEDGES {
            let rule = format!("the list of accepted pledges has at most {MAX_PLEDGES}");
            return Err(refuse(rule, None, None));
        }
        let (epoch, month) = (self.noise.epoch, self.noise.month);
        let expected = match previous {
            None => (1, 1),
            Some(p) if epoch == p.epoch => (epoch, p.month + 1),
            Some(p) => (p.epoch + 1, 1),
        };
        if (epoch, month) != expected {
            let rule = format!(
                "months of an epoch are contiguous from 1: month {} of epoch {} is expected, month {month} of epoch {epoch} came",
                expected.1, expected.0
            );
            return Err(refuse(rule, None, None));
        }
        let Some(previous) = previous else {
            return Ok(());
        };
        if epoch == previous.epoch && self.noise.rho_micro != previous.rho_micro {
            return Err(refuse("rho stays the same within an epoch", None, None));
        }
        if self.noise.rho_micro > previous.rho_micro {
            let rule = "a second epoch has at most the rho of the first";
            return Err(refuse(rule, None, None));
        }
        if !self.pledges.starts_with(&previous.pledges) {
            return Err(refuse(
                "the list of accepted pledges only grows",
                None,
                None,
            ));
        }
        Ok(())
    }

    fn check_shape(&self, standard: &Standard, codebook: &Codebook) -> Result<(), SummaryError> {
        let unique: std::collections::BTreeSet<_> = self.pledges.iter().collect();
        if unique.len() != self.pledges.len() {
            return Err(refuse("a pledge is listed once", None, None));
        }
        let declared = |table: &ProtectedTable| standard.table(&table.id).is_some();
        if let Some(other) = self.tables.iter().find(|t| !declared(t)) {
            let rule = "a table is one that the standard declares";
            return Err(refuse(rule, Some(&other.id), None));
        }
        let published = |id: &str| self.tables.iter().any(|t| t.id == id);
        if let Some(missing) = standard.tables().iter().find(|t| !published(&t.id)) {
            let rule = "every declared table is published";
            return Err(refuse(rule, Some(&missing.id), None));
        }
        // All are there, so a surplus one is there twice.
        let twice = |at: &usize| {
            self.tables[..*at]
                .iter()
                .any(|t| t.id == self.tables[*at].id)
        };
        if let Some(at) = (0..self.tables.len()).find(twice) {
            let rule = "a table is published once";
            return Err(refuse(rule, Some(&self.tables[at].id), None));
        }
        for (declared, table) in standard.tables().iter().zip(&self.tables) {
            if table.id != declared.id {
                let rule = format!(
                    "tables stand in the standard's order: {} is expected here",
                    declared.id
                );
                return Err(refuse(rule, Some(&table.id), None));
            }
            let cells = codebook.cells(declared);
            if table.cells.len() != cells {
                let came = table.cells.len();
                let rule = format!("a table is dense: {cells} cells are expected, {came} came");
                // The first that is missing, or the first too many.
                return Err(refuse(rule, Some(&table.id), Some(cells.min(came))));
            }
            let beyond = table
                .cells
                .iter()
                .position(|v| v.unsigned_abs() > MAX_CELL.unsigned_abs());
            if let Some(cell) = beyond {
                return Err(refuse("a cell is within 2^53", Some(&table.id), Some(cell)));
            }
        }
        Ok(())
    }

    fn check_margins(&self, standard: &Standard, codebook: &Codebook) -> Result<(), SummaryError> {
        let cells = self.tables.iter().map(|t| t.cells.as_slice());
        // An undeclared table has no sigma; check_manifest has refused it.
        let sigma2 = |t: &Table| self.noise.sigma2.get(&t.id).map_or(0.0, |s| *s as f64);
        Margins::new(standard, codebook, cells, sigma2).check("of the month")
    }
}

#[cfg(test)]
mod tests;
