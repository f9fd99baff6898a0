//! What readers will estimate from the node's releases, beside what was really counted.

use std::collections::BTreeMap;

use ldsp_protocol::additivity::{AdditivityError, Observed, Reconciled, reconcile};
use ldsp_protocol::ids::{Gss, Period};
use ldsp_protocol::measures::Estimate;
use ldsp_protocol::noise::{cumulative, in_counts, sigma2, table_rho, variance};
use ldsp_protocol::standard::{Codebook, Family, Standard, Table};
use ldsp_ui::ProblemPage;

use crate::disclosure::LedgerMonth;
use crate::release::ReleaseError;
use crate::store::ledger::epochs::{self, Second};
use crate::store::releases::{self, StoredRelease};
use crate::store::{Store, ledger};

/// A release with the ledger up to its month. Holds exact counts: for signed-in pages only.
pub(super) struct Opened {
    pub(super) release: StoredRelease,
    pub(super) codebook: Codebook,
    /// Months 1 to the release's own.
    pub(super) months: Vec<LedgerMonth>,
    /// Why its epoch is the second, if it is.
    pub(super) second: Option<Second>,
}

/// Months `from + 1` to `to` of the epoch, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: usize,
    pub(super) to: usize,
}

/// Consistent estimates of a span, by family.
pub(super) struct Estimates(BTreeMap<Family, Reconciled>);

impl Opened {
    /// The release of `period` with its ledger.
    pub(super) async fn read(
        store: &Store,
        lep: &Gss,
        period: Period,
    ) -> Result<Self, ProblemPage> {
        let problem = super::release_problem;
        let mut connection = store.reader.begin().await.map_err(|e| problem(e.into()))?;
        let release = releases::of(&mut connection, period)
            .await
            .map_err(|e| problem(e.into()))?
            .ok_or_else(ProblemPage::not_found)?;
        let codebook = Codebook::new(lep, &[]);
        let mut months = ledger::months_of(&mut connection, &codebook, release.epoch)
            .await
            .map_err(|e| problem(e.into()))?;
        let second = match release.epoch {
            1 => None,
            _ => epochs::second(&mut connection)
                .await
                .map_err(|e| problem(e.into()))?,
        };
        months.truncate(release.month);
        if months.last().is_none_or(|m| m.period != period) {
            return Err(problem(ReleaseError::LedgerLost));
        }
        Ok(Self {
            release,
            codebook,
            months,
            second,
        })
    }

    /// The release's own month.
    pub(super) fn month(&self) -> Span {
        Span {
            from: self.months.len() - 1,
            to: self.months.len(),
        }
    }

    /// The month before it, where there is one.
    pub(super) fn month_before(&self) -> Option<Span> {
        let to = self.months.len() - 1;
        (to > 0).then(|| Span { from: to - 1, to })
    }

    /// From the node's first month on.
    pub(super) fn to_date(&self) -> Span {
        Span {
            from: 0,
            to: self.months.len(),
        }
    }

    /// The node's first month.
    pub(super) fn first(&self) -> Period {
        self.months
            .first()
            .map_or(self.release.period, |m| m.period)
    }

    /// Exact entries of a cell of table number `table`.
    pub(super) fn exact(&self, table: usize, cell: usize, span: Span) -> i64 {
        self.months[span.from..span.to]
            .iter()
            .map(|m| m.tables[table].entries[cell])
            .sum()
    }

    /// Exact entries of a family: those of its first table, since every table of a family counts the same enrolments.
    pub(super) fn exact_family(&self, family: Family, span: Span) -> i64 {
        let Some(at) = Standard::v1()
            .tables()
            .iter()
            .position(|t| t.family == family)
        else {
            return 0;
        };
        self.months[span.from..span.to]
            .iter()
            .map(|m| m.tables[at].entries.iter().sum::<i64>())
            .sum()
    }

    /// Reconciles the published tables of a span, with the weights that every reader uses.
    pub(super) fn estimates(
        &self,
        span: Span,
        rho_micro: u64,
    ) -> Result<Estimates, AdditivityError> {
        let standard = Standard::v1();
        let mut families: BTreeMap<Family, Vec<Observed>> = BTreeMap::new();
        for (at, table) in standard.tables().iter().enumerate() {
            let observed = self.observed(table, at, span, rho_micro);
            families.entry(table.family).or_default().push(observed);
        }
        let reconciled: Result<_, _> = families
            .into_iter()
            .map(|(family, tables)| Ok((family, reconcile(&tables)?)))
            .collect();
        Ok(Estimates(reconciled?))
    }

    fn observed(&self, table: &Table, at: usize, span: Span, rho_micro: u64) -> Observed {
        let standard = Standard::v1();
        let shape = self.codebook.shape(table);
        let cells: usize = shape.iter().product();
        let until = |cell: usize, month: usize| {
            let published: Vec<i64> = self.months[..month]
                .iter()
                .map(|m| m.tables[at].published[cell])
                .collect();
            cumulative(&published).map_or(f64::NAN, in_counts)
        };
        let nominal = &standard.noise().nominal_sizes;
        let weight_shape = table
            .dimensions
            .iter()
            .zip(&shape)
            .map(|(d, n)| nominal.get(d).copied().unwrap_or(*n))
            .collect();
        Observed {
            dimensions: table.dimensions.clone(),
            values: (0..cells)
                .map(|cell| until(cell, span.to) - until(cell, span.from))
                .collect(),
            shape,
            variance: variance(
                sigma2(table_rho(standard, table.rho_micro, rho_micro)),
                span.from,
                span.to,
            ),
            weight_variance: sigma2(table.rho_micro) as f64,
            weight_shape,
        }
    }
}

impl Estimates {
    /// The family's total.
    pub(super) fn total(&self, family: Family) -> Option<Estimate> {
        let reconciled = self.0.get(&family)?;
        let value = *reconciled.margin(&[]).ok()?.values.first()?;
        let form = [(Vec::new(), 1.0)];
        let se = reconciled
            .covariance(&[], &form, &form)
            .ok()?
            .max(0.0)
            .sqrt();
        Some(Estimate { value, se })
    }

    /// Every cell of a table, in its order.
    pub(super) fn cells(&self, table: &Table) -> Option<Vec<Estimate>> {
        let reconciled = self.0.get(&table.family)?;
        let margin = reconciled.margin(&table.dimensions).ok()?;
        // One variance for all cells: the noise of a table's cells is alike.
        let form = [(vec![0; table.dimensions.len()], 1.0)];
        let se = reconciled
            .covariance(&table.dimensions, &form, &form)
            .ok()?
            .max(0.0)
            .sqrt();
        Some(
            margin
                .values
                .into_iter()
                .map(|value| Estimate { value, se })
                .collect(),
        )
    }
}
