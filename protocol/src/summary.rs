//! The learning summary: one node's protected tables of one month, and what a receiver checks of
//! them without seeing a learner (disclosure.md, "What the receiver checks without raw data").

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::additivity::{Margin, positions};
use crate::ids::{Gss, PledgeId};
use crate::noise::{HORIZON, MAX_CELL, METHOD, MIN_RHO_MICRO, sigma2, table_rho};
use crate::standard::{Codebook, Dimension, Standard, Table};

/// A protected table as published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProtectedTable {
    /// Id of the declared table.
    pub id: String,
    /// v of every cell in units of 2^-16, dense, in the order of the code lists, first dimension slowest.
    pub cells: Vec<i64>,
}

/// How the noise was made: everything a reader needs to know its size.
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
    pub tables: Vec<ProtectedTable>,
}

/// The part of a node's history that the next summary must follow.
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

/// Shared margins may differ by this many standard deviations of their difference. One comparison
/// exceeds it by chance with p = 6.4e-14, so a release of 10,000 comparisons with p < 10^-9.
pub const MARGIN_LIMIT: f64 = 7.5;

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
    /// Checks a summary of the node that serves `lep` against `standard` and its own history.
    ///
    /// # Errors
    /// [`SummaryError`]: the first rule that is broken.
    pub fn check(
        &self,
        standard: &Standard,
        lep: &Gss,
        previous: Option<&Previous>,
    ) -> Result<(), SummaryError> {
        if self.software.is_empty() || self.software.len() > 64 || !self.software.is_ascii() {
            return Err(refuse(
                "software names a program and version in at most 64 characters",
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
        if noise.sigma2.len() != expected.sigma2.len() {
            return Err(refuse(
                "sigma squared is stated for the declared tables only",
                None,
                None,
            ));
        }
        Ok(())
    }

    fn check_sequel(&self, previous: Option<&Previous>) -> Result<(), SummaryError> {
        let (epoch, month) = (self.noise.epoch, self.noise.month);
        let follows = match previous {
            None => epoch == 1 && month == 1,
            Some(p) if epoch == p.epoch => month == p.month + 1,
            Some(p) => epoch == p.epoch + 1 && month == 1,
        };
        if !follows {
            return Err(refuse(
                "months of an epoch are contiguous from 1",
                None,
                None,
            ));
        }
        let Some(previous) = previous else {
            return Ok(());
        };
        if epoch == previous.epoch && self.noise.rho_micro != previous.rho_micro {
            return Err(refuse("rho stays the same within an epoch", None, None));
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
        if self.tables.len() != standard.tables().len() {
            return Err(refuse(
                "every declared table is published, and no other",
                None,
                None,
            ));
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
                let rule = format!(
                    "a table is dense: {cells} cells are expected, {} came",
                    table.cells.len()
                );
                return Err(refuse(rule, Some(&table.id), None));
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

    /// Two tables of a family count the same spells: their common margin differs by noise only.
    fn check_margins(&self, standard: &Standard, codebook: &Codebook) -> Result<(), SummaryError> {
        let all: Vec<(&Table, Margin)> = standard
            .tables()
            .iter()
            .zip(&self.tables)
            .map(|(declared, table)| {
                let margin = Margin {
                    dimensions: declared.dimensions.clone(),
                    shape: codebook.shape(declared),
                    values: table.cells.iter().map(|v| *v as f64).collect(),
                };
                (declared, margin)
            })
            .collect();
        for (at, (table, margin)) in all.iter().enumerate() {
            for (other, second) in all[at + 1..]
                .iter()
                .filter(|(o, _)| o.family == table.family)
            {
                self.compare((table, margin), (other, second))?;
            }
        }
        Ok(())
    }

    fn compare(&self, a: (&Table, &Margin), b: (&Table, &Margin)) -> Result<(), SummaryError> {
        let common: Vec<Dimension> =
            a.0.dimensions
                .iter()
                .copied()
                .filter(|d| b.0.dimensions.contains(d))
                .collect();
        let (left, right) = (a.1.onto(&common), b.1.onto(&common));
        let variance = |table: &Table, full: &Margin, on: &Margin| {
            let summed = full.values.len() as f64 / on.values.len() as f64;
            self.noise
                .sigma2
                .get(&table.id)
                .map_or(f64::INFINITY, |s| *s as f64 * summed)
        };
        let sd = (variance(a.0, a.1, &left) + variance(b.0, b.1, &right)).sqrt();
        let far = left
            .values
            .iter()
            .zip(&right.values)
            .position(|(x, y)| (x - y).abs() > MARGIN_LIMIT * sd);
        match far {
            None => Ok(()),
            Some(cell) => Err(refuse(
                format!(
                    "shared margins differ no more than their noise allows: {common:?} at {:?} against table {}",
                    positions(&left.shape, cell),
                    b.0.id
                ),
                Some(&a.0.id),
                Some(cell),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet_month() -> LearningSummary {
        let standard = Standard::v1();
        let lep: Gss = "E37000001".parse().unwrap();
        let codebook = Codebook::new(&lep, &[]);
        LearningSummary {
            software: "ldsp-node/0.1.0".into(),
            noise: Manifest::new(standard, 1, 1, standard.noise().rho_micro),
            pledges: vec![],
            tables: standard
                .tables()
                .iter()
                .map(|t| ProtectedTable {
                    id: t.id.clone(),
                    cells: vec![0; codebook.cells(t)],
                })
                .collect(),
        }
    }

    fn check(summary: &LearningSummary) -> Result<(), SummaryError> {
        summary.check(Standard::v1(), &"E37000001".parse().unwrap(), None)
    }

    #[test]
    fn a_sound_summary_passes() {
        assert_eq!(check(&quiet_month()), Ok(()));
    }

    type Flaw = (&'static str, fn(&mut LearningSummary));

    #[test]
    fn each_flaw_is_refused_by_name() {
        let flaws: [Flaw; 11] = [
            ("every declared table", |s| {
                s.tables.pop();
            }),
            ("standard's order", |s| s.tables.swap(0, 1)),
            ("dense", |s| {
                s.tables[3].cells.pop();
            }),
            ("within 2^53", |s| s.tables[2].cells[5] = i64::MAX),
            ("within 2^53", |s| s.tables[25].cells[5] = i64::MIN),
            ("rho is at least", |s| s.noise.rho_micro = 999),
            ("sigma squared", |s| {
                s.noise.sigma2.insert("leavers.skill-by-outcome".into(), 1);
            }),
            ("at most the standard's", |s| s.noise.rho_micro = 1_000_000),
            ("contiguous", |s| s.noise.month = 2),
            ("method", |s| s.noise.method = "none".into()),
            ("shared margins", |s| s.tables[8].cells[0] = 10_000 << 16),
        ];
        for (words, damage) in flaws {
            let mut summary = quiet_month();
            damage(&mut summary);
            let error = check(&summary).unwrap_err().to_string();
            assert!(error.contains(words), "{words}: {error}");
        }
    }

    #[test]
    fn a_summary_follows_the_one_before() {
        let lep = "E37000001".parse().unwrap();
        let previous = Previous {
            epoch: 1,
            month: 1,
            rho_micro: 500_000,
            pledges: vec![],
        };
        let mut second = quiet_month();
        second.noise.month = 2;
        assert_eq!(second.check(Standard::v1(), &lep, Some(&previous)), Ok(()));
        second.noise.month = 3;
        assert!(second.check(Standard::v1(), &lep, Some(&previous)).is_err());
    }
}
