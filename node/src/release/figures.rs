//! What readers will estimate from the node's releases, beside what was really counted.

use std::collections::BTreeMap;

use ldsp_protocol::additivity::{AdditivityError, Observed, Reconciled, reconcile};
use ldsp_protocol::ids::{Gss, Period};
use ldsp_protocol::measures::Estimate;
use ldsp_protocol::noise::{cumulative, sigma2, table_rho, variance};
use ldsp_protocol::standard::{Codebook, Family, Standard, Table};
use ldsp_protocol::summary::LearningSummary;
use sqlx::sqlite::SqliteConnection;

use super::{ReleaseError, check_payload};
use crate::disclosure::LedgerMonth;
use crate::store::ledger::epochs::{self, Second};
use crate::store::releases::{self, StoredRelease};
use crate::store::{Store, enrolment, ledger};

/// A release with the ledger up to its month. Holds exact counts: for signed-in pages only; whatever else reads it may
/// use its estimates and nothing of [`Opened::exact`] and [`Opened::exact_family`].
pub(crate) struct Opened {
    pub(crate) release: StoredRelease,
    /// Its payload, which publishes what the ledger holds.
    pub(crate) summary: LearningSummary,
    pub(crate) lep: Gss,
    pub(crate) codebook: Codebook,
    /// Months 1 to the release's own, of its epoch.
    pub(crate) months: Vec<LedgerMonth>,
    /// Why its epoch is the second, if it is.
    pub(crate) second: Option<Second>,
}

/// Months `from + 1` to `to` of the epoch, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: usize,
    pub(crate) to: usize,
}

/// Consistent estimates of a span, by family.
pub(crate) struct Estimates(BTreeMap<Family, Reconciled>);

impl Opened {
    /// The release of `period` with its ledger.
    pub(crate) async fn read(store: &Store, period: Period) -> Result<Self, ReleaseError> {
        let mut connection = store.reader.begin().await?;
        let release = releases::of(&mut connection, period)
            .await?
            .ok_or(ReleaseError::Unknown(period))?;
        Self::of(&mut connection, release).await
    }

    /// The same for a stored release.
    pub(crate) async fn of(
        connection: &mut SqliteConnection,
        release: StoredRelease,
    ) -> Result<Self, ReleaseError> {
        let lep = enrolment::lep(&mut *connection)
            .await?
            .ok_or(ReleaseError::NoIdentity)?;
        let codebook = Codebook::new(&lep, &[]);
        let months = ledger::months_of(&mut *connection, &codebook, release.epoch).await?;
        let second = match release.epoch {
            1 => None,
            _ => epochs::second(connection).await?,
        };
        Self::new(release, lep, codebook, months, second)
    }

    /// From the whole ledger of its epoch.
    pub(super) fn new(
        release: StoredRelease,
        lep: Gss,
        codebook: Codebook,
        mut months: Vec<LedgerMonth>,
        second: Option<Second>,
    ) -> Result<Self, ReleaseError> {
        months.truncate(release.month);
        let month = months
            .last()
            .filter(|m| m.period == release.period)
            .ok_or(ReleaseError::LedgerLost)?;
        Ok(Self {
            summary: check_payload(&release, month)?,
            release,
            lep,
            codebook,
            months,
            second,
        })
    }

    /// The release's own month.
    pub(crate) fn month(&self) -> Span {
        Span {
            from: self.months.len() - 1,
            to: self.months.len(),
        }
    }

    /// The month before it, where there is one.
    pub(crate) fn month_before(&self) -> Option<Span> {
        let to = self.months.len() - 1;
        (to > 0).then(|| Span { from: to - 1, to })
    }

    /// From the node's first month on.
    pub(crate) fn to_date(&self) -> Span {
        Span {
            from: 0,
            to: self.months.len(),
        }
    }

    /// The node's first month.
    pub(crate) fn first(&self) -> Period {
        self.months
            .first()
            .map_or(self.release.period, |m| m.period)
    }

    /// Exact entries of a cell of table number `table`.
    pub(crate) fn exact(&self, table: usize, cell: usize, span: Span) -> i64 {
        self.months[span.from..span.to]
            .iter()
            .map(|m| m.tables[table].entries[cell])
            .sum()
    }

    /// Exact entries of a family: those of its first table, since every table of a family counts the same enrolments.
    pub(crate) fn exact_family(&self, family: Family, span: Span) -> i64 {
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
    pub(crate) fn estimates(&self, span: Span) -> Result<Estimates, AdditivityError> {
        let (from, to) = (span.from, span.to);
        self.reconciled(&[(to, 1), (from, -1)], |sigma2| variance(sigma2, from, to))
    }

    /// The same for the month less the month before; `None` in the first month.
    pub(crate) fn change(&self) -> Option<Result<Estimates, AdditivityError>> {
        let before = self.month_before()?;
        let [early, middle, late] = [before.from, before.to, before.to + 1];
        // Var(a - b) = 2 Var(a) + 2 Var(b) - Var(a + b): both months and their sum are spans.
        let variance = |sigma2| {
            2.0 * (variance(sigma2, middle, late) + variance(sigma2, early, middle))
                - variance(sigma2, early, late)
        };
        Some(self.reconciled(&[(late, 1), (middle, -2), (early, 1)], variance))
    }

    /// Estimates of a sum of cumulative figures, each with its factor; `variance` gives a cell's in counts^2 from sigma^2.
    fn reconciled(
        &self,
        sum: &[(usize, i64)],
        variance: impl Fn(u64) -> f64,
    ) -> Result<Estimates, AdditivityError> {
        let standard = Standard::v1();
        let mut families: BTreeMap<Family, Vec<Observed>> = BTreeMap::new();
        for (at, table) in standard.tables().iter().enumerate() {
            let rho_micro = self.summary.noise.rho_micro;
            let variance = variance(sigma2(table_rho(standard, table.rho_micro, rho_micro)));
            let observed = self.observed(table, at, sum, variance)?;
            families.entry(table.family).or_default().push(observed);
        }
        let reconciled: Result<_, _> = families
            .into_iter()
            .map(|(family, tables)| Ok((family, reconcile(&tables)?)))
            .collect();
        Ok(Estimates(reconciled?))
    }

    fn observed(
        &self,
        table: &Table,
        at: usize,
        sum: &[(usize, i64)],
        variance: f64,
    ) -> Result<Observed, AdditivityError> {
        let standard = Standard::v1();
        let shape = self.codebook.shape(table);
        let cells: usize = shape.iter().product();
        let until = |cell: usize, month: usize| {
            let published: Vec<i64> = self.months[..month]
                .iter()
                .map(|m| m.tables[at].published[cell])
                .collect();
            cumulative(&published).ok_or(AdditivityError::Range)
        };
        let value = |cell: usize| {
            let mut terms = sum.iter().map(|(month, factor)| {
                let term = until(cell, *month)?.checked_mul(*factor);
                term.ok_or(AdditivityError::Range)
            });
            terms.try_fold(0i64, |sum, term| {
                sum.checked_add(term?).ok_or(AdditivityError::Range)
            })
        };
        let values = (0..cells).map(value).collect::<Result<_, _>>()?;
        let kept = &table.dimensions;
        Ok(Observed::of(standard, table, kept, shape, values, variance))
    }
}

impl Estimates {
    /// The family's total.
    pub(crate) fn total(&self, family: Family) -> Option<Estimate> {
        let reconciled = self.0.get(&family)?;
        let value = *reconciled.margin(&[]).ok()?.values.first()?;
        let form = [(Vec::new(), 1)];
        let se = reconciled
            .covariance(&[], &form, &form)
            .ok()?
            .max(0.0)
            .sqrt();
        Some(Estimate { value, se })
    }

    /// Every cell of a table, in its order.
    pub(crate) fn cells(&self, table: &Table) -> Option<Vec<Estimate>> {
        let reconciled = self.0.get(&table.family)?;
        let margin = reconciled.margin(&table.dimensions).ok()?;
        // One variance for all cells: the noise of a table's cells is alike.
        let form = [(vec![0; table.dimensions.len()], 1)];
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
