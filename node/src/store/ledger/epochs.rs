//! Epochs of the ledger: the first from the beginning, the second after a loss, asked for by one person and confirmed by another.

use ldsp_protocol::ids::Period;
use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;

use super::period;
use crate::store::StoreError;

/// The epoch that the node publishes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Present {
    /// 1 or 2.
    pub number: u32,
    /// Last month of the epoch before; `None` in the first.
    pub after: Option<Period>,
}

/// A second epoch that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Second {
    /// Last month that the first epoch published.
    pub after: Period,
    /// Why, in the words of the one who asked.
    pub reason: String,
    /// Who asked and when, in seconds since 1970-01-01 UTC.
    pub asked: (String, i64),
    /// Who confirmed it and when; `None`: it has not begun.
    pub confirmed: Option<(String, i64)>,
}

/// The second epoch, if anybody asked for it.
///
/// # Errors
/// Database trouble, or a damaged row.
pub async fn second(connection: &mut SqliteConnection) -> Result<Option<Second>, StoreError> {
    let row = sqlx::query(
        "SELECT after, reason, asked_by, asked_at, confirmed_by, confirmed_at FROM ledger_epochs WHERE epoch = 2",
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let after = period(row.try_get("after")?).ok_or_else(|| StoreError::Corrupt {
        table: "ledger_epochs",
        column: "after",
        row: "2".to_owned(),
    })?;
    let by: Option<String> = row.try_get("confirmed_by")?;
    Ok(Some(Second {
        after,
        reason: row.try_get("reason")?,
        asked: (row.try_get("asked_by")?, row.try_get("asked_at")?),
        confirmed: by.zip(row.try_get("confirmed_at")?),
    }))
}

/// The present epoch.
///
/// # Errors
/// As [`second`].
pub async fn present(connection: &mut SqliteConnection) -> Result<Present, StoreError> {
    let begun = second(connection).await?.filter(|s| s.confirmed.is_some());
    Ok(match begun {
        Some(second) => Present {
            number: 2,
            after: Some(second.after),
        },
        None => Present {
            number: 1,
            after: None,
        },
    })
}

/// Writes that a second epoch is asked for; one that was asked for and not confirmed is asked for anew.
///
/// # Errors
/// Database trouble.
pub async fn ask(connection: &mut SqliteConnection, second: &Second) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM ledger_epochs WHERE epoch = 2 AND confirmed_by IS NULL")
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "INSERT INTO ledger_epochs (epoch, after, reason, asked_by, asked_at) VALUES (2, $1, $2, $3, $4)",
    )
    .bind(second.after.index())
    .bind(&second.reason)
    .bind(&second.asked.0)
    .bind(second.asked.1)
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes that `person` confirms it. `false` when there is nothing to confirm.
///
/// # Errors
/// Database trouble.
pub async fn confirm(
    connection: &mut SqliteConnection,
    person: &str,
    at: i64,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE ledger_epochs SET confirmed_by = $1, confirmed_at = $2 WHERE epoch = 2 AND confirmed_by IS NULL",
    )
    .bind(person)
    .bind(at)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}
