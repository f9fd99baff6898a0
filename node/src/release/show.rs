//! What will leave, in plain words.

use ldsp_protocol::ids::{Digest, Period};
use ldsp_protocol::measures::Estimate;
use ldsp_protocol::noise::{cumulative, in_counts, variance};
use ldsp_protocol::standard::{Standard, Table};
use serde::Serialize;
use sqlx::sqlite::SqliteConnection;

use super::figures::{Opened, OpenedStream};
use super::rules::{self, Verdict};
use super::{ReleaseError, releases};
use crate::store::Store;
use crate::store::people::{Role, same_person};
use crate::store::releases::{StoredRefusal, StoredRelease};
use crate::words;

/// A release in words and estimates: what any reader of the log could work out. It holds no exact count, so that a terminal or
/// a program may show it without sign-in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shown {
    /// The month.
    pub period: Period,
    /// What the approver approves.
    pub digest: Digest,
    /// 2 where figures are of a second epoch: the node lost its ledger and began anew.
    pub epoch: u32,
    /// Who prepared it.
    pub author: String,
    /// Who approved it.
    pub approver: Option<String>,
    /// Sequence number of its last statement.
    pub seq: Option<u64>,
    /// What is signed: a statement under each standard that the node publishes under in the month, oldest first.
    pub statements: Vec<ShownStatement>,
    /// How the standards take turns, in words; null while there is one.
    pub turn: Option<String>,
    /// Bytes of all payloads.
    pub bytes: usize,
    /// What became known in the month, by family.
    pub families: Vec<ShownFamily>,
    /// Declared tables in order.
    pub tables: Vec<ShownTable>,
    /// Every rule that it has to keep.
    pub rules: Vec<Verdict>,
    /// Who may approve it.
    pub approvers: Vec<String>,
    /// Refusals, oldest first.
    pub refusals: Vec<ShownRefusal>,
}

/// An estimate with its 95 % interval, unrounded: it may be negative.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Interval {
    /// The estimate, in enrolments.
    pub value: f64,
    /// Its standard error, public and exact.
    pub standard_error: f64,
    /// Lower end of the interval.
    pub low_95: f64,
    /// Upper end.
    pub high_95: f64,
}

/// A family's figures as readers will estimate them from all its tables.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ShownFamily {
    /// Title in the standard.
    pub title: String,
    /// Enrolments of which it became known in the month.
    pub published: Interval,
    /// The same for the month before; null in the first month.
    #[schema(required)]
    pub before: Option<Interval>,
    /// The month less the month before; null in the first month.
    #[schema(required)]
    pub change: Option<Interval>,
    /// Since the node's first month.
    pub to_date: Interval,
}

/// What a release says under one data standard: one signed statement.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = ReleaseStatement)]
pub struct ShownStatement {
    /// Name and version of the standard.
    pub standard: String,
    /// Epoch of its figures: 1, or 2 after a lost ledger.
    pub epoch: u32,
    /// Month of the epoch, from 1.
    pub month: usize,
    /// Sequence number, once it is sealed.
    #[schema(required)]
    pub seq: Option<u64>,
    /// Bytes of its payload.
    pub bytes: usize,
}

/// One table of it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ShownTable {
    /// Name and version of its standard.
    pub standard: String,
    /// Id in the standard.
    pub id: String,
    /// Family and dimensions in words.
    pub title: String,
    /// Number of cells, zeros included.
    pub cells: usize,
    /// Enrolments that entered in the month as readers will estimate them from what is published, over all cells.
    pub published: f64,
    /// Standard deviation of `published`.
    pub sd: f64,
    /// Standard deviation of one cell's estimate.
    pub cell_sd: f64,
}

/// An approver's no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ShownRefusal {
    /// Who refused it.
    pub person: String,
    /// Why.
    pub reason: String,
    /// When, in seconds since 1970-01-01 UTC.
    pub refused_at: i64,
}

impl From<Estimate> for Interval {
    fn from(estimate: Estimate) -> Self {
        let (low_95, high_95) = estimate.interval();
        Self {
            value: estimate.value,
            standard_error: estimate.se,
            low_95,
            high_95,
        }
    }
}

impl From<Interval> for Estimate {
    fn from(interval: Interval) -> Self {
        Self {
            value: interval.value,
            se: interval.standard_error,
        }
    }
}

impl From<StoredRefusal> for ShownRefusal {
    fn from(stored: StoredRefusal) -> Self {
        Self {
            person: stored.person,
            reason: stored.reason,
            refused_at: stored.refused_at,
        }
    }
}

/// Shows the release of `period`, or the last one.
///
/// # Errors
/// [`ReleaseError`].
pub async fn show(store: &Store, period: Option<Period>) -> Result<Shown, ReleaseError> {
    let mut connection = store.reader.begin().await?;
    let release = match period {
        Some(period) => releases::of(&mut connection, period)
            .await?
            .ok_or(ReleaseError::Unknown(period))?,
        None => releases::last(&mut connection)
            .await?
            .ok_or(ReleaseError::NothingOpen)?,
    };
    let opened = Opened::of(&mut connection, release).await?;
    let previous = rules::previous(&mut connection, &opened).await?;
    let refusals = releases::refusals(&mut connection, opened.release.period).await?;
    let approvers = approvers(&mut connection, &opened.release).await?;
    let release = &opened.release;
    let tables = opened.published().flat_map(|(stream, _)| {
        let declared = stream.standard.tables().iter().enumerate();
        declared.map(move |(at, table)| (stream, at, table))
    });
    Ok(Shown {
        period: release.period,
        digest: release.digest,
        epoch: release.parts.iter().map(|p| p.epoch).max().unwrap_or(1),
        author: release.author.clone(),
        approver: release.approved.as_ref().map(|(name, _)| name.clone()),
        seq: release.seq(),
        statements: shown_statements(release),
        turn: opened
            .turn()
            .map(|(old, new)| words::turn(&old.stream, &new.stream)),
        bytes: release.bytes().len(),
        families: shown_families(&opened)?,
        tables: tables
            .map(|(stream, at, table)| shown_table(stream, at, table, opened.codebook.cells(table)))
            .collect(),
        rules: rules::verdicts(&opened, &previous),
        approvers,
        refusals: refusals.into_iter().map(Into::into).collect(),
    })
}

/// The statements of a release, oldest standard first.
fn shown_statements(release: &StoredRelease) -> Vec<ShownStatement> {
    let each = release.parts.iter().map(|part| ShownStatement {
        standard: part.standard.title(),
        epoch: part.epoch,
        month: part.month,
        seq: part.seq,
        bytes: part.payload.len(),
    });
    each.collect()
}

/// Names of those who may approve a release: approvers, and not its author.
pub(crate) async fn approvers(
    connection: &mut SqliteConnection,
    release: &StoredRelease,
) -> Result<Vec<String>, ReleaseError> {
    let mut names: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM people WHERE role = $1 AND locked_at IS NULL ORDER BY name",
    )
    .bind(Role::Approver.as_str())
    .fetch_all(connection)
    .await?;
    names.retain(|name| !same_person(name, &release.author));
    Ok(names)
}

/// Every family's figures, in the standard's order.
pub(super) fn shown_families(opened: &Opened) -> Result<Vec<ShownFamily>, ReleaseError> {
    let now = opened.estimates(opened.month())?;
    let before = opened
        .month_before()
        .map(|span| opened.estimates(span))
        .transpose()?;
    let change = opened.change().transpose()?;
    let to_date = opened.estimates(opened.to_date())?;
    let families = Standard::current().families().iter();
    Ok(families
        .filter_map(|family| {
            let of = |estimates: &super::figures::Estimates| {
                estimates.total(family.id).map(Interval::from)
            };
            Some(ShownFamily {
                title: family.title.clone(),
                published: of(&now)?,
                before: before.as_ref().and_then(of),
                change: change.as_ref().and_then(of),
                to_date: of(&to_date)?,
            })
        })
        .collect())
}

fn shown_table(stream: &OpenedStream, at: usize, table: &Table, cells: usize) -> ShownTable {
    let months = &stream.months;
    let month = months.len();
    let estimate = |cell: usize, until: usize| {
        let published: Vec<i64> = months[..until]
            .iter()
            .map(|m| m.tables[at].published[cell])
            .collect();
        cumulative(&published).map_or(f64::NAN, in_counts)
    };
    let one = variance(stream.sigma2(table), month - 1, month);
    ShownTable {
        standard: stream.standard.title(),
        id: table.id.clone(),
        title: title(table),
        cells,
        published: (0..cells)
            .map(|cell| estimate(cell, month) - estimate(cell, month - 1))
            .sum(),
        sd: (one * cells as f64).sqrt(),
        cell_sd: one.sqrt(),
    }
}

/// `Starts by district and tier`.
#[must_use]
pub fn title(table: &Table) -> String {
    let standard = Standard::current();
    let family = standard
        .families()
        .iter()
        .find(|f| f.id == table.family)
        .map_or("", |f| f.title.as_str());
    let names: Vec<String> = table
        .dimensions
        .iter()
        .map(|d| standard.dimension(*d).title.to_lowercase())
        .collect();
    let list = match names.as_slice() {
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    };
    format!("{family} by {list}")
}
