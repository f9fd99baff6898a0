//! What the node holds of the log's word: receipts, and the checkpoint of the largest log that one led to.

use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;

use super::StoreError;
use super::outbox::{self, OutboxRow};

/// When the log was last asked whether it still has every statement, seconds since 1970-01-01 UTC.
///
/// # Errors
/// Database trouble.
pub async fn asked_at(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    let row = sqlx::query("SELECT asked_at FROM enrolment WHERE id = 1")
        .fetch_one(connection)
        .await?;
    Ok(row.try_get("asked_at")?)
}

/// Notes that the log was asked.
///
/// # Errors
/// Database trouble.
pub async fn asked(connection: &mut SqliteConnection, now: i64) -> Result<(), StoreError> {
    sqlx::query("UPDATE enrolment SET asked_at = $1 WHERE id = 1")
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}

/// The signed checkpoint of the largest log that a receipt led to.
///
/// # Errors
/// Database trouble.
pub async fn checkpoint(connection: &mut SqliteConnection) -> Result<Option<String>, StoreError> {
    let row = sqlx::query("SELECT checkpoint FROM enrolment WHERE id = 1")
        .fetch_one(connection)
        .await?;
    Ok(row.try_get("checkpoint")?)
}

/// Keeps the checkpoint of a larger log.
///
/// # Errors
/// Database trouble.
pub async fn hold(connection: &mut SqliteConnection, checkpoint: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE enrolment SET checkpoint = $1 WHERE id = 1")
        .bind(checkpoint)
        .execute(connection)
        .await?;
    Ok(())
}

/// Keeps a receipt that verified in the place of the one that the statement has, if it has one, which is kept beside.
///
/// # Errors
/// Database trouble.
pub async fn keep(
    connection: &mut SqliteConnection,
    seq: u64,
    receipt: &str,
    index: u64,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO receipts_before (seq, receipt, replaced_at)
         SELECT seq, receipt, $2 FROM outbox WHERE seq = $1 AND receipt IS NOT NULL",
    )
    .bind(seq.cast_signed())
    .bind(now)
    .execute(&mut *connection)
    .await?;
    sqlx::query("UPDATE outbox SET receipt = $2, log_index = $3 WHERE seq = $1")
        .bind(seq.cast_signed())
        .bind(receipt)
        .bind(index.cast_signed())
        .execute(&mut *connection)
        .await?;
    outbox::acknowledge(connection, seq, now).await
}

/// Queues again what the log acknowledged and does not have any more: everything after its `head`. The receipts stay until newer
/// ones come. Gives how many.
///
/// # Errors
/// Database trouble.
pub async fn reopen(
    connection: &mut SqliteConnection,
    head: u64,
    now: i64,
) -> Result<u64, StoreError> {
    let reopened = sqlx::query(
        "UPDATE outbox SET acknowledged_at = NULL, attempts = 0, next_attempt_at = $2
         WHERE seq > $1 AND acknowledged_at IS NOT NULL",
    )
    .bind(head.cast_signed())
    .bind(now)
    .execute(connection)
    .await?;
    Ok(reopened.rows_affected())
}

/// Receipts that newer ones took the place of, with the statements that they are for: number, bytes, receipt. Those whose bytes were deleted
/// are left out.
///
/// # Errors
/// Database trouble.
pub async fn replaced(
    connection: &mut SqliteConnection,
) -> Result<Vec<(u64, Vec<u8>, String)>, StoreError> {
    let rows: Vec<(i64, Vec<u8>, String)> = sqlx::query_as(
        "SELECT outbox.seq, outbox.envelope, receipts_before.receipt
         FROM receipts_before JOIN outbox ON outbox.seq = receipts_before.seq
         WHERE length(outbox.envelope) > 0 ORDER BY receipts_before.id",
    )
    .fetch_all(connection)
    .await?;
    let unsigned = |(seq, envelope, receipt): (i64, _, _)| (seq.cast_unsigned(), envelope, receipt);
    Ok(rows.into_iter().map(unsigned).collect())
}

/// A statement of the log's own with its receipt, both verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnRow {
    /// Place in the log's own sequence, from 1.
    pub seq: u64,
    /// Place in the log, from 0.
    pub log_index: u64,
    /// Exact bytes.
    pub envelope: Vec<u8>,
    /// Proof of the leaf.
    pub receipt: String,
}

/// Keeps a statement of the log's own.
///
/// # Errors
/// Database trouble.
pub async fn keep_own(
    connection: &mut SqliteConnection,
    own: &OwnRow,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO own_statements (seq, log_index, envelope, receipt, fetched_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (seq) DO NOTHING",
    )
    .bind(own.seq.cast_signed())
    .bind(own.log_index.cast_signed())
    .bind(&own.envelope)
    .bind(&own.receipt)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// The log's own statements from a leaf on, in order.
///
/// # Errors
/// [`StoreError::Corrupt`].
pub async fn owns(
    connection: &mut SqliteConnection,
    start: u64,
) -> Result<Vec<OwnRow>, StoreError> {
    let found = sqlx::query(
        "SELECT seq, log_index, envelope, receipt FROM own_statements WHERE log_index >= $1 ORDER BY seq",
    )
    .bind(start.cast_signed())
    .fetch_all(connection)
    .await?;
    let read = |row: &sqlx::sqlite::SqliteRow| -> Result<OwnRow, StoreError> {
        let seq: i64 = row.try_get("seq")?;
        let unsigned = |column: &'static str| {
            let number = u64::try_from(row.try_get::<i64, _>(column)?);
            number.map_err(|_| StoreError::Corrupt {
                table: "own_statements",
                column,
                row: seq.to_string(),
            })
        };
        Ok(OwnRow {
            seq: unsigned("seq")?,
            log_index: unsigned("log_index")?,
            envelope: row.try_get("envelope")?,
            receipt: row.try_get("receipt")?,
        })
    };
    found.iter().map(read).collect()
}

/// The next of the log's own statements that is not here, and the size of the log for which all are.
///
/// # Errors
/// Database trouble.
pub async fn own_through(connection: &mut SqliteConnection) -> Result<(u64, u64), StoreError> {
    let row = sqlx::query(
        "SELECT coalesce((SELECT max(seq) FROM own_statements), 0) + 1 AS next, own_through FROM enrolment WHERE id = 1",
    )
    .fetch_one(connection)
    .await?;
    let number = |column| Ok::<_, StoreError>(row.try_get::<i64, _>(column)?.cast_unsigned());
    Ok((number("next")?, number("own_through")?))
}

/// Notes that all of the log's own statements of a log of this size are here.
///
/// # Errors
/// Database trouble.
pub async fn have_own(connection: &mut SqliteConnection, size: u64) -> Result<(), StoreError> {
    sqlx::query("UPDATE enrolment SET own_through = $1 WHERE id = 1")
        .bind(size.cast_signed())
        .execute(connection)
        .await?;
    Ok(())
}

/// Acknowledged statements whose receipts are of before there was a tree.
///
/// # Errors
/// [`StoreError::Corrupt`].
pub async fn without_proof(
    connection: &mut SqliteConnection,
) -> Result<Vec<OutboxRow>, StoreError> {
    let rows = outbox::all(connection).await?;
    let is_old = |row: &OutboxRow| {
        row.acknowledged_at.is_some()
            && row
                .receipt
                .as_deref()
                .is_some_and(|text| !ldsp_protocol::receipt::Receipt::from_text(text).is_proof())
    };
    Ok(rows.into_iter().filter(is_old).collect())
}
