//! Streams: what is published under one data standard. Each has months, tables, filter, noise, epochs and a horizon of its own, and
//! an enrolment belongs to one of them for ever (disclosure.md, "A new standard").
//!
//! New enrolments enter the latest standard. When it begins, the one before goes on for the enrolments that it counted, so that
//! their endings and destinations are not lost, and ends after [`TAIL`] months. The last month is written down when the later
//! standard begins and depends on nothing but the calendar: a stream that ended when nobody is left in it would tell that nobody is.

use std::collections::BTreeSet;

use ldsp_protocol::ids::Period;
use ldsp_protocol::noise::HORIZON;
use ldsp_protocol::standard::Standard;
use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;

use super::{epochs, period};
use crate::store::StoreError;

pub use ldsp_protocol::standard::TAIL;

/// What a node publishes under one standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    /// The standard.
    pub standard: &'static Standard,
    /// The epoch that it is in: 1, or 2 after a lost ledger.
    pub epoch: u32,
    /// First month that was published under it; `None`: it has not begun.
    pub first: Option<Period>,
    /// Last month that will be; `None`: new enrolments enter it.
    pub last: Option<Period>,
    /// Last month of the epoch before under this standard; `None` in the first.
    pub after: Option<Period>,
}

impl Stream {
    /// One that has not begun.
    #[must_use]
    pub fn new(standard: &'static Standard) -> Self {
        Self {
            standard,
            epoch: 1,
            first: None,
            last: None,
            after: None,
        }
    }

    /// Whether new enrolments enter it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.last.is_none()
    }

    /// Whether it has a release of `period`, or will.
    #[must_use]
    pub fn publishes(&self, period: Period) -> bool {
        self.last.is_none_or(|last| period <= last)
    }

    /// The same stream as it stood in the month `period`.
    #[must_use]
    pub fn at(self, period: Period) -> Self {
        match self.after {
            Some(after) if period <= after => Self {
                epoch: 1,
                after: None,
                ..self
            },
            _ => self,
        }
    }
}

/// Every stream that has begun, oldest standard first.
///
/// # Errors
/// [`StoreError::Corrupt`] for a standard that this program does not know, or for months of a standard that never began.
pub async fn begun(connection: &mut SqliteConnection) -> Result<Vec<Stream>, StoreError> {
    let second = epochs::present(&mut *connection).await?.after;
    let rows =
        sqlx::query("SELECT standard, first, last, after FROM ledger_standards ORDER BY standard")
            .fetch_all(&mut *connection)
            .await?;
    let mut streams = Vec::new();
    for row in rows {
        let version: i64 = row.try_get("standard")?;
        let damaged = |column| damaged(version, column);
        let first = period(row.try_get("first")?).ok_or_else(|| damaged("first"))?;
        let last: Option<i64> = row.try_get("last")?;
        let last = last.map(|index| period(index).ok_or_else(|| damaged("last")));
        // A stream that began after a loss lost nothing.
        let after = second.filter(|after| first <= *after);
        let ahead: Option<i64> = row.try_get("after")?;
        let ahead = ahead.map(|index| period(index).ok_or_else(|| damaged("after")));
        let after = ahead.transpose()?.or(after);
        streams.push(Stream {
            standard: known(version)?,
            epoch: if after.is_some() { 2 } else { 1 },
            first: Some(first),
            last: last.transpose()?,
            after,
        });
    }
    let drawn: Vec<i64> = sqlx::query_scalar(
        "SELECT standard FROM ledger_months UNION SELECT standard FROM release_statements",
    )
    .fetch_all(connection)
    .await?;
    let begun: BTreeSet<i64> = streams
        .iter()
        .map(|s| i64::from(s.standard.version()))
        .collect();
    match drawn.into_iter().find(|version| !begun.contains(version)) {
        Some(version) => Err(damaged(version, "standard")),
        None => Ok(streams),
    }
}

fn damaged(version: i64, column: &'static str) -> StoreError {
    StoreError::Corrupt {
        table: "ledger_standards",
        column,
        row: version.to_string(),
    }
}

/// The standard of a stored version.
///
/// # Errors
/// [`StoreError::Corrupt`] when this program does not know it.
pub fn known(version: i64) -> Result<&'static Standard, StoreError> {
    let known = u32::try_from(version).ok().and_then(Standard::numbered);
    known.ok_or_else(|| damaged(version, "standard"))
}

/// The month after the last one that was released; `None` before the first.
///
/// # Errors
/// Database trouble, or a month beyond the calendar.
pub async fn next(connection: &mut SqliteConnection) -> Result<Option<Period>, StoreError> {
    let released: Option<i64> = sqlx::query_scalar("SELECT max(period) FROM releases")
        .fetch_one(&mut *connection)
        .await?;
    let after = epochs::present(connection).await?.after;
    let last = released.max(after.map(|month| i64::from(month.index())));
    let Some(last) = last else { return Ok(None) };
    let next = period(last).and_then(Period::next);
    next.map(Some).ok_or_else(|| StoreError::Corrupt {
        table: "releases",
        column: "period",
        row: last.to_string(),
    })
}

/// Writes that the first epoch published `month` under these standards, one more than under the others.
///
/// # Errors
/// Database trouble.
pub async fn ahead(
    connection: &mut SqliteConnection,
    standards: &[&Standard],
    month: Period,
) -> Result<(), StoreError> {
    for standard in standards {
        sqlx::query("UPDATE ledger_standards SET after = $1 WHERE standard = $2")
            .bind(month.index())
            .bind(standard.version())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// The streams that publish the month `next`: those that have begun, not ended and not published it before a loss, and `current`, which
/// begins with it otherwise.
#[must_use]
pub fn publishing(begun: &[Stream], next: Period, current: &'static Standard) -> Vec<Stream> {
    let due = |s: &&Stream| s.publishes(next) && s.after.is_none_or(|after| after < next);
    let going_on = begun.iter().filter(due);
    let mut streams: Vec<Stream> = going_on.copied().collect();
    if begun.iter().all(|s| s.standard != current) {
        streams.push(Stream::new(current));
    }
    streams
}

/// Writes that `standard` begins with the month `first`, and when the stream that was open until then ends; `drawn` is how many
/// months of that one's present epoch were drawn before `first`.
///
/// # Errors
/// Database trouble, or a month beyond the calendar.
pub async fn begin(
    connection: &mut SqliteConnection,
    standard: &Standard,
    first: Period,
    drawn: usize,
) -> Result<(), StoreError> {
    let left = i32::try_from(HORIZON - drawn.min(HORIZON)).unwrap_or(0);
    let last = first.plus(left.min(TAIL) - 1);
    let last = last.ok_or_else(|| damaged(i64::from(standard.version()), "last"))?;
    sqlx::query("UPDATE ledger_standards SET last = $1 WHERE last IS NULL")
        .bind(last.index())
        .execute(&mut *connection)
        .await?;
    sqlx::query("INSERT INTO ledger_standards (standard, first) VALUES ($1, $2)")
        .bind(standard.version())
        .bind(first.index())
        .execute(connection)
        .await?;
    Ok(())
}
