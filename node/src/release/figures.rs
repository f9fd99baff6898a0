//! What readers will estimate from the node's releases, beside what was really counted.

use std::collections::BTreeMap;

use ldsp_protocol::additivity::{AdditivityError, Observed, Reconciled, reconcile};
use ldsp_protocol::ids::{Gss, Period};
use ldsp_protocol::measures::Estimate;
use ldsp_protocol::noise::{cumulative, sigma2, table_rho, variance};
use ldsp_protocol::standard::{Codebook, Dimension, Family, Standard, Table};
use ldsp_protocol::summary::LearningSummary;
use sqlx::sqlite::SqliteConnection;

use super::{ReleaseError, check_payload};
use crate::disclosure::LedgerMonth;
use crate::store::ledger::epochs::{self, Second};
use crate::store::ledger::streams::{self, Stream};
use crate::store::releases::{self, StoredRelease};
use crate::store::{Store, enrolment, ledger};

/// A release with the ledger up to its month. Holds exact counts: for signed-in pages only; whatever else reads it may
/// use its estimates and nothing of [`Opened::exact_family`] and [`OpenedStream::exact`].
pub(crate) struct Opened {
    pub(crate) release: StoredRelease,
    pub(crate) lep: Gss,
    pub(crate) codebook: Codebook,
    /// Oldest standard first: those that the release publishes under, and those that ended before.
    pub(crate) streams: Vec<OpenedStream>,
    /// Why figures of its epoch are the second, if they are.
    pub(crate) second: Option<Second>,
}

/// What was published under one standard up to the release's month.
pub(crate) struct OpenedStream {
    pub(crate) standard: &'static Standard,
    /// When it began and when it ends.
    pub(crate) stream: Stream,
    codebook: Codebook,
    /// The whole budget of an enrolment, in millionths.
    pub(crate) rho_micro: u64,
    /// Months of its epoch; at least one, the last no later than the release's.
    pub(crate) months: Vec<LedgerMonth>,
    /// The release's summary under it, which publishes what the ledger holds; `None`: it ended before.
    pub(crate) summary: Option<LearningSummary>,
}

/// The months after `after` up to `until`, as counted by [`Period::index`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    after: i64,
    until: i64,
}

/// Consistent estimates of a span, by standard and family.
pub(crate) struct Estimates(Vec<(&'static Standard, BTreeMap<Family, Reconciled>)>);

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
        let mut streams = Vec::new();
        for stream in streams::begun(&mut *connection).await? {
            // Published before the ledger was lost: this release is of the other standards only.
            let due = stream.after == Some(release.period) && stream.publishes(release.period);
            if due && release.under(stream.standard).is_none() {
                continue;
            }
            let stream = stream.at(release.period);
            if stream.first.is_none_or(|first| first > release.period) {
                continue;
            }
            let (standard, epoch) = (stream.standard, stream.epoch);
            let mut months = ledger::months(&mut *connection, &codebook, standard, epoch).await?;
            months.retain(|m| m.period <= release.period);
            let lists = codebook.clone();
            match OpenedStream::new(connection, &release, (stream, lists), months).await? {
                Some(opened) => streams.push(opened),
                // Nothing yet in an epoch that began while it was ending.
                None if release.under(standard).is_none() => {}
                None => return Err(ReleaseError::LedgerLost),
            }
        }
        let again = release.parts.iter().any(|p| p.epoch > 1);
        let second = match again {
            true => epochs::second(connection).await?,
            false => None,
        };
        Ok(Self {
            release,
            lep,
            codebook,
            streams,
            second,
        })
    }

    /// What the release publishes, oldest standard first.
    pub(crate) fn published(&self) -> impl Iterator<Item = (&OpenedStream, &LearningSummary)> {
        let all = self.streams.iter();
        all.filter_map(|s| Some((s, s.summary.as_ref()?)))
    }

    /// Whether it publishes under more than one standard, so that figures need one named beside them.
    pub(crate) fn is_double(&self) -> bool {
        self.published().count() > 1
    }

    /// The standard that ends and the one that took over, when the release publishes under both.
    pub(crate) fn turn(&self) -> Option<(&OpenedStream, &OpenedStream)> {
        let published: Vec<&OpenedStream> = self.published().map(|(s, _)| s).collect();
        match published.as_slice() {
            [old, .., new] => Some((old, new)),
            _ => None,
        }
    }

    fn index(&self) -> i64 {
        i64::from(self.release.period.index())
    }

    /// The release's own month.
    pub(crate) fn month(&self) -> Span {
        Span {
            after: self.index() - 1,
            until: self.index(),
        }
    }

    /// The month before it, where there is one.
    pub(crate) fn month_before(&self) -> Option<Span> {
        let span = Span {
            after: self.index() - 2,
            until: self.index() - 1,
        };
        let any = self.streams.iter().any(|s| !s.range(span).is_empty());
        any.then_some(span)
    }

    /// From one month to another, both included.
    pub(crate) fn months(first: Period, last: Period) -> Span {
        Span {
            after: i64::from(first.index()) - 1,
            until: i64::from(last.index()),
        }
    }

    /// From [`Self::first`] on.
    pub(crate) fn to_date(&self) -> Span {
        Span {
            after: i64::MIN,
            until: self.index(),
        }
    }

    /// The first month that the figures to date add up.
    pub(crate) fn first(&self) -> Period {
        let firsts = self.streams.iter().filter_map(|s| s.months.first());
        let first = firsts.map(|m| m.period).min();
        first.unwrap_or(self.release.period)
    }

    /// Exact entries of a family under all standards: an enrolment is in one of them.
    pub(crate) fn exact_family(&self, family: Family, span: Span) -> i64 {
        let each = self.streams.iter();
        each.map(|s| s.exact_family(family, span)).sum()
    }

    /// Reconciles the published tables of a span, with the weights that every reader uses.
    pub(crate) fn estimates(&self, span: Span) -> Result<Estimates, AdditivityError> {
        self.reconciled(|stream| {
            let range = stream.range(span);
            let (from, to) = (range.start, range.end);
            let sum = [(to, 1), (from, -1)];
            (from < to).then(|| stream.reconciled(&sum, |sigma2| variance(sigma2, from, to)))
        })
    }

    /// The same for the month less the month before; `None` in the first month.
    pub(crate) fn change(&self) -> Option<Result<Estimates, AdditivityError>> {
        let before = self.month_before()?;
        Some(self.reconciled(|stream| {
            let (early, middle) = {
                let range = stream.range(before);
                (range.start, range.end)
            };
            let late = stream.range(self.month()).end;
            // Var(a - b) = 2 Var(a) + 2 Var(b) - Var(a + b): both months and their sum are spans.
            let variance = |sigma2| {
                2.0 * (variance(sigma2, middle, late) + variance(sigma2, early, middle))
                    - variance(sigma2, early, late)
            };
            let sum = [(late, 1), (middle, -2), (early, 1)];
            (early < late).then(|| stream.reconciled(&sum, variance))
        }))
    }

    fn reconciled(
        &self,
        of: impl Fn(&OpenedStream) -> Option<Result<BTreeMap<Family, Reconciled>, AdditivityError>>,
    ) -> Result<Estimates, AdditivityError> {
        let each = self.streams.iter().filter_map(|stream| {
            let families = of(stream)?;
            Some(families.map(|families| (stream.standard, families)))
        });
        Ok(Estimates(each.collect::<Result<_, _>>()?))
    }
}

impl OpenedStream {
    /// `None` without a month.
    async fn new(
        connection: &mut SqliteConnection,
        release: &StoredRelease,
        (stream, codebook): (Stream, Codebook),
        months: Vec<LedgerMonth>,
    ) -> Result<Option<Self>, ReleaseError> {
        let Some(month) = months.last() else {
            return Ok(None);
        };
        let part = release.under(stream.standard);
        let (rho_micro, summary) = match part {
            Some(_) if month.period != release.period => return Err(ReleaseError::LedgerLost),
            Some(_) => {
                let summary = check_payload(release, month)?;
                (summary.noise.rho_micro, Some(summary))
            }
            None => {
                let last = releases::of(connection, month.period).await?;
                let last = last.ok_or(ReleaseError::LedgerLost)?;
                (check_payload(&last, month)?.noise.rho_micro, None)
            }
        };
        Ok(Some(Self {
            standard: stream.standard,
            stream,
            codebook,
            rho_micro,
            months,
            summary,
        }))
    }

    /// Number of months before the span, and up to its end.
    fn range(&self, span: Span) -> std::ops::Range<usize> {
        let until = |index: i64| {
            self.months
                .partition_point(|m| i64::from(m.period.index()) <= index)
        };
        until(span.after)..until(span.until)
    }

    /// Exact entries of a cell of table number `table`.
    pub(crate) fn exact(&self, table: usize, cell: usize, span: Span) -> i64 {
        self.months[self.range(span)]
            .iter()
            .map(|m| m.tables[table].entries[cell])
            .sum()
    }

    /// Exact entries of a family: those of its first table, since every table of a family counts the same enrolments.
    fn exact_family(&self, family: Family, span: Span) -> i64 {
        let mut tables = self.standard.tables().iter();
        let Some(at) = tables.position(|t| t.family == family) else {
            return 0;
        };
        self.months[self.range(span)]
            .iter()
            .map(|m| m.tables[at].entries.iter().sum::<i64>())
            .sum()
    }

    /// A table's noise: sigma^2 of a published value.
    pub(crate) fn sigma2(&self, table: &Table) -> u64 {
        sigma2(table_rho(self.standard, table.rho_micro, self.rho_micro))
    }

    /// Estimates of a sum of cumulative figures, each with its factor; `variance` gives a cell's in counts^2 from sigma^2.
    fn reconciled(
        &self,
        sum: &[(usize, i64)],
        variance: impl Fn(u64) -> f64,
    ) -> Result<BTreeMap<Family, Reconciled>, AdditivityError> {
        let mut families: BTreeMap<Family, Vec<Observed>> = BTreeMap::new();
        for (at, table) in self.standard.tables().iter().enumerate() {
            let observed = self.observed(table, at, sum, variance(self.sigma2(table)))?;
            families.entry(table.family).or_default().push(observed);
        }
        families
            .into_iter()
            .map(|(family, tables)| Ok((family, reconcile(&tables)?)))
            .collect()
    }

    fn observed(
        &self,
        table: &Table,
        at: usize,
        sum: &[(usize, i64)],
        variance: f64,
    ) -> Result<Observed, AdditivityError> {
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
        let shape = self.codebook.shape(table);
        let cells: usize = shape.iter().product();
        let values = (0..cells).map(value).collect::<Result<_, _>>()?;
        let kept = &table.dimensions;
        Ok(Observed::of(
            self.standard,
            table,
            kept,
            shape,
            values,
            variance,
        ))
    }
}

impl Estimates {
    /// The family's total over all standards: different enrolments, independent noise.
    pub(crate) fn total(&self, family: Family) -> Option<Estimate> {
        self.margin(family, &[])?.first().copied()
    }

    /// The family's consistent table on `dimensions` over all standards, which have the same code lists; empty without a month.
    pub(crate) fn margin(&self, family: Family, dimensions: &[Dimension]) -> Option<Vec<Estimate>> {
        let mut all: Vec<Estimate> = Vec::new();
        for (_, families) in &self.0 {
            let reconciled = families.get(&family)?;
            let values = reconciled.margin(dimensions).ok()?.values;
            // One variance for all cells: the noise of a table's cells is alike.
            let form = [(vec![0; dimensions.len()], 1)];
            let variance = reconciled.covariance(dimensions, &form, &form);
            let variance = variance.ok()?.max(0.0);
            all.resize(
                values.len(),
                Estimate {
                    value: 0.0,
                    se: 0.0,
                },
            );
            for (sum, value) in all.iter_mut().zip(values) {
                sum.value += value;
                sum.se = (sum.se * sum.se + variance).sqrt();
            }
        }
        Some(all)
    }

    /// Every cell of a table of `standard`, in its order.
    pub(crate) fn cells(&self, standard: &Standard, table: &Table) -> Option<Vec<Estimate>> {
        let (_, families) = self.0.iter().find(|(s, _)| *s == standard)?;
        let reconciled = families.get(&table.family)?;
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
