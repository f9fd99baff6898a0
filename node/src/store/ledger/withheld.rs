//! What a second epoch leaves out: everything that the lost one published or may have published.
//!
//! The node does not know any more what the first epoch counted: its ledger is gone, and a restored database may be older than the last
//! statement in the log. So whatever is dated by the last published month, and whatever is marked as counted, is withheld for
//! good: it neither enters the second epoch nor is corrected in it. Rows that are imported later are held to the same month.

use ldsp_protocol::ids::Period;
use sqlx::sqlite::SqliteConnection;

use super::entries::{cutoffs, due};
use super::{epochs, streams};
use crate::store::StoreError;

/// Withholds what was counted, and what is dated by the end of `after`, the last published month. Gives the number of enrolments with
/// something of which nothing was counted here.
///
/// # Errors
/// Database trouble, or a node that has published nothing.
pub async fn close(connection: &mut SqliteConnection, after: Period) -> Result<u64, StoreError> {
    sqlx::query(
        "UPDATE enrolments SET withheld = withheld | counted WHERE counted & ~withheld != 0",
    )
    .execute(&mut *connection)
    .await?;
    withhold(connection, after).await
}

/// Holds enrolments that came since to the same month: after an import, so that a date which is corrected later changes nothing, and
/// before a month is counted. Nothing is done in a first epoch.
///
/// # Errors
/// As [`close`].
pub async fn hold(connection: &mut SqliteConnection) -> Result<u64, StoreError> {
    match epochs::present(&mut *connection).await?.after {
        Some(after) => withhold(connection, after).await,
        None => Ok(0),
    }
}

/// What is withheld belongs to the standard that was open when the ledger was lost: that is where it may be.
async fn withhold(connection: &mut SqliteConnection, after: Period) -> Result<u64, StoreError> {
    let begun = streams::begun(&mut *connection).await?;
    let mut before = begun.iter().rev();
    let open = before.find(|s| s.first.is_some_and(|first| first <= after));
    let open = open.ok_or_else(|| StoreError::Corrupt {
        table: "ledger_standards",
        column: "first",
        row: after.to_string(),
    })?;
    let mut query = sqlx::query(concat!(
        "UPDATE enrolments SET withheld = withheld | ",
        due!(),
        ", standard = coalesce(standard, $5) WHERE ",
        due!(),
        " & ~withheld != 0"
    ));
    for day in cutoffs(after)? {
        query = query.bind(day);
    }
    let query = query.bind(open.standard.version());
    let withheld = query.execute(&mut *connection).await?.rows_affected();
    let ahead = begun.iter().filter_map(|s| s.after).max();
    match ahead.filter(|last| *last > after) {
        Some(last) => Ok(withheld + withhold_ahead(connection, last).await?),
        None => Ok(withheld),
    }
}

/// Under some standards the lost epoch published one month more, `last`. What is dated by its end is withheld of their enrolments, and of
/// those of which nobody knows any more under which standard they were counted: all with something withheld that was not counted here.
async fn withhold_ahead(
    connection: &mut SqliteConnection,
    last: Period,
) -> Result<u64, StoreError> {
    let mut query = sqlx::query(concat!(
        "UPDATE enrolments SET withheld = withheld | ",
        due!(),
        " WHERE ",
        due!(),
        " & ~withheld != 0 AND (withheld & ~counted != 0 OR standard IN (SELECT standard FROM ledger_standards WHERE after IS NOT NULL))"
    ));
    for day in cutoffs(last)? {
        query = query.bind(day);
    }
    Ok(query.execute(connection).await?.rows_affected())
}

/// Takes back the draw of `period`, which was never published and whose ledger is lost: the month is counted again in the second epoch. Its
/// release, its ledger and its marks go; the budget of the epoch that drew it stays spent. A standard that began with it begins later.
///
/// # Errors
/// Database trouble.
pub async fn forget(connection: &mut SqliteConnection, period: Period) -> Result<(), StoreError> {
    for sql in FORGET {
        sqlx::query(sql)
            .bind(period.index())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// $1 is the month. Rows that others refer to come last.
const FORGET: [&str; 11] = [
    "DELETE FROM ledger_corrections WHERE (standard, epoch, month) IN (SELECT standard, epoch, month FROM ledger_months WHERE period = $1)",
    "DELETE FROM ledger_cells WHERE (standard, epoch, month) IN (SELECT standard, epoch, month FROM ledger_months WHERE period = $1)",
    "DELETE FROM ledger_months WHERE period = $1",
    "DELETE FROM release_quality WHERE period = $1",
    "DELETE FROM release_refusals WHERE period = $1",
    "DELETE FROM release_statements WHERE period = $1",
    "DELETE FROM releases WHERE period = $1",
    "UPDATE enrolments SET counted = counted & ~(drawn & 127), drawn = NULL WHERE drawn >> 7 = $1",
    "UPDATE enrolments SET standard = NULL WHERE counted | withheld = 0 AND standard IN (SELECT standard FROM ledger_standards WHERE first = $1)",
    "UPDATE ledger_standards SET last = NULL WHERE EXISTS (SELECT 1 FROM ledger_standards WHERE first = $1) \
     AND standard = (SELECT max(standard) FROM ledger_standards WHERE first < $1)",
    "DELETE FROM ledger_standards WHERE first = $1",
];
