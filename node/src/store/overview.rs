//! How the queued statements stand, without their bytes: for pages.

use ldsp_protocol::ids::{Digest, Period};
use ldsp_protocol::statement::Kind;
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::ledger::period;
use super::{Store, StoreError, outbox};

/// A statement of this node and how its delivery stands. Moments are seconds since 1970-01-01 UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementRow {
    /// From 1, without a gap.
    pub seq: u64,
    /// What it is about.
    pub kind: Kind,
    /// The month of a learning summary or of one that was published again; `None` for all others.
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
    /// Our statement that withdraws it.
    pub withdrawn_by: Option<u64>,
    /// Our statement that publishes again what it held.
    pub published_again_by: Option<u64>,
    /// Of a withdrawal or a correction: the statement that it names and the reason that it gives.
    pub names: Option<(u64, String)>,
}

macro_rules! columns {
    ($rest:literal) => {
        concat!(
            "SELECT o.seq, o.kind, o.period, o.pae, o.queued_at, o.attempts, o.next_attempt_at, o.problem, o.log_index, o.acknowledged_at,
                 own.target, own.reason,
                 (SELECT r.seq FROM revisions AS r JOIN outbox AS w ON w.seq = r.seq
                     WHERE r.target = o.seq AND w.kind = 'withdrawal') AS withdrawn_by,
                 (SELECT r.seq FROM revisions AS r JOIN outbox AS w ON w.seq = r.seq
                     WHERE r.target = o.seq AND w.kind = 'correction') AS published_again_by
             FROM outbox AS o LEFT JOIN revisions AS own ON own.seq = o.seq ",
            $rest
        )
    };
}

/// How statement `seq` stands; `None` when it was never queued here.
///
/// # Errors
/// A row is damaged.
pub async fn statement(
    connection: &mut SqliteConnection,
    seq: u64,
) -> Result<Option<StatementRow>, StoreError> {
    let row = sqlx::query(columns!("WHERE o.seq = $1"))
        .bind(seq.cast_signed())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
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
        let rows = sqlx::query(columns!("WHERE o.seq < $1 ORDER BY o.seq DESC LIMIT $2"))
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
    let number = |column| -> Result<Option<u64>, StoreError> {
        let number: Option<i64> = row.try_get(column)?;
        number.map(|n| whole(n, column)).transpose()
    };
    let pae: [u8; 32] = row
        .try_get::<&[u8], _>("pae")?
        .try_into()
        .map_err(|_| corrupt("pae"))?;
    Ok(StatementRow {
        seq: whole(seq, "seq")?,
        kind: outbox::kind(row.try_get("kind")?).ok_or_else(|| corrupt("kind"))?,
        period: row
            .try_get::<Option<i64>, _>("period")?
            .map(|index| period(index).ok_or_else(|| corrupt("period")))
            .transpose()?,
        pae: Digest::from_bytes(pae),
        queued_at: row.try_get("queued_at")?,
        attempts: whole(row.try_get("attempts")?, "attempts")?,
        next_attempt_at: row.try_get("next_attempt_at")?,
        problem: row.try_get("problem")?,
        log_index: number("log_index")?,
        acknowledged_at: row.try_get("acknowledged_at")?,
        withdrawn_by: number("withdrawn_by")?,
        published_again_by: number("published_again_by")?,
        names: number("target")?.zip(row.try_get("reason")?),
    })
}
