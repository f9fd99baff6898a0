//! How the queued statements stand, without their bytes: for pages.

use ldsp_protocol::ids::{Digest, Period};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::ledger::period;
use super::{Store, StoreError};

/// A statement of this node and how its delivery stands. Moments are seconds since 1970-01-01 UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementRow {
    /// From 1, without a gap.
    pub seq: u64,
    /// The month of a learning summary; `None` for a practice entry.
    pub period: Option<Period>,
    /// SHA-256 of the PAE.
    pub pae: Digest,
    /// When it was sealed.
    pub queued_at: i64,
    /// How often it was sent.
    pub attempts: u64,
    /// Not to be sent before.
    pub next_attempt_at: i64,
    /// Last refusal, for people.
    pub problem: Option<String>,
    /// Place in the log, from 0, once the receipt verified.
    pub log_index: Option<u64>,
    /// When the receipt verified.
    pub acknowledged_at: Option<i64>,
}

impl Store {
    /// Every statement, newest first.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn statements(&self) -> Result<Vec<StatementRow>, StoreError> {
        self.statements_before(None, u32::MAX).await
    }

    /// As [`Store::statements`]: the latest `limit` of those before number `before`.
    ///
    /// # Errors
    /// As [`Store::statements`].
    pub async fn statements_before(
        &self,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<StatementRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT seq, period, pae, queued_at, attempts, next_attempt_at, problem, log_index, acknowledged_at \
             FROM outbox WHERE seq < $1 ORDER BY seq DESC LIMIT $2",
        )
        .bind(before.unwrap_or(i64::MAX))
        .bind(limit)
        .fetch_all(&self.reader)
        .await?;
        rows.iter().map(read).collect()
    }
}

fn read(row: &SqliteRow) -> Result<StatementRow, StoreError> {
    let seq: i64 = row.try_get("seq")?;
    let corrupt = |column| StoreError::Corrupt {
        table: "outbox",
        column,
        row: seq.to_string(),
    };
    let whole = |n: i64, column| u64::try_from(n).map_err(|_| corrupt(column));
    let pae: [u8; 32] = row
        .try_get::<&[u8], _>("pae")?
        .try_into()
        .map_err(|_| corrupt("pae"))?;
    let index: Option<i64> = row.try_get("log_index")?;
    Ok(StatementRow {
        seq: whole(seq, "seq")?,
        period: row
            .try_get::<Option<i64>, _>("period")?
            .map(|index| period(index).ok_or_else(|| corrupt("period")))
            .transpose()?,
        pae: Digest::from_bytes(pae),
        queued_at: row.try_get("queued_at")?,
        attempts: whole(row.try_get("attempts")?, "attempts")?,
        next_attempt_at: row.try_get("next_attempt_at")?,
        problem: row.try_get("problem")?,
        log_index: index.map(|n| whole(n, "log_index")).transpose()?,
        acknowledged_at: row.try_get("acknowledged_at")?,
    })
}
