//! The outbox: final envelope bytes by sequence number. A row stays for ever; what changes is only how its
//! delivery stands.

use ldsp_protocol::ids::{Digest, Period};
use ldsp_protocol::statement::Kind;
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::StoreError;
use super::ledger::period;
use crate::seal::SealedStatement;

/// A queued statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// From 1, without a gap.
    pub seq: u64,
    /// What it is about.
    pub kind: Kind,
    /// The month of a learning summary or of one that was published again.
    pub period: Option<Period>,
    /// SHA-256 of the PAE.
    pub pae: Digest,
    /// Exact bytes to send; empty for what was withdrawn and whose content went with a database that was lost.
    pub envelope: Vec<u8>,
    /// Seconds since 1970-01-01 UTC.
    pub queued_at: i64,
    /// How often it was sent.
    pub attempts: u32,
    /// Not to be sent before, seconds since 1970-01-01 UTC.
    pub next_attempt_at: i64,
    /// Last refusal, for people.
    pub problem: Option<String>,
    /// The aggregator's latest receipt as it came, verified. It stays when the log lost the statement, until the next.
    pub receipt: Option<String>,
    /// Place in the log, from 0.
    pub log_index: Option<u64>,
    /// When the receipt verified.
    pub acknowledged_at: Option<i64>,
}

/// End of the node's sequence: the next statement is `seq + 1` and names `pae`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Last sequence number, 0 before the first.
    pub seq: u64,
    /// Its PAE, zeros before the first.
    pub pae: Digest,
}

fn corrupt(column: &'static str, row: i64) -> StoreError {
    StoreError::Corrupt {
        table: "outbox",
        column,
        row: row.to_string(),
    }
}

/// The end of the sequence.
///
/// # Errors
/// [`StoreError::Corrupt`] when a statement is missing before it.
pub async fn head(connection: &mut SqliteConnection) -> Result<Head, StoreError> {
    let row = sqlx::query(
        "SELECT seq, pae, (SELECT count(*) FROM outbox) AS n FROM outbox ORDER BY seq DESC LIMIT 1",
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else {
        return Ok(Head {
            seq: 0,
            pae: Digest::ZERO,
        });
    };
    let seq: i64 = row.try_get("seq")?;
    if row.try_get::<i64, _>("n")? != seq {
        return Err(corrupt("seq", seq));
    }
    Ok(Head {
        seq: u64::try_from(seq).map_err(|_| corrupt("seq", seq))?,
        pae: digest(&row, "pae", seq)?,
    })
}

/// The PAE of statement `seq`; `None` when it was never queued here.
///
/// # Errors
/// Database trouble.
pub async fn pae(
    connection: &mut SqliteConnection,
    seq: u64,
) -> Result<Option<Digest>, StoreError> {
    let row = sqlx::query("SELECT pae FROM outbox WHERE seq = $1")
        .bind(seq.cast_signed())
        .fetch_optional(connection)
        .await?;
    row.map(|r| digest(&r, "pae", seq.cast_signed()))
        .transpose()
}

/// Queues a sealed statement.
///
/// # Errors
/// Database trouble, also when its sequence number is taken.
pub async fn append(
    connection: &mut SqliteConnection,
    statement: &SealedStatement,
    now: i64,
) -> Result<(), StoreError> {
    let of = (statement.kind(), statement.period());
    let row = (statement.seq(), of, statement.pae(), statement.envelope());
    insert(connection, row, now).await
}

/// A statement that left this node, as the log gives it: number, kind and month, digest of the PAE, exact bytes.
pub type TakenBack<'a> = (u64, (Kind, Option<Period>), Digest, &'a [u8]);

/// Queues a statement that the log holds and a restored database did not. Sending it again brings its receipt.
///
/// # Errors
/// As [`append`].
pub async fn take_back(
    connection: &mut SqliteConnection,
    row: TakenBack<'_>,
    now: i64,
) -> Result<(), StoreError> {
    insert(connection, row, now).await
}

async fn insert(
    connection: &mut SqliteConnection,
    (seq, (kind, period), pae, envelope): TakenBack<'_>,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO outbox (seq, kind, period, pae, envelope, queued_at, next_attempt_at) VALUES ($1, $2, $3, $4, $5, $6, $6)",
    )
    .bind(seq.cast_signed())
    .bind(kind.as_str())
    .bind(period.map(Period::index))
    .bind(pae.as_bytes().as_slice())
    .bind(envelope)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

macro_rules! columns {
    ($rest:literal) => {
        concat!(
            "SELECT seq, kind, period, pae, envelope, queued_at, attempts, next_attempt_at, problem, receipt, log_index, acknowledged_at FROM outbox ",
            $rest
        )
    };
}

/// The first statement without a receipt: the only one that may be sent.
///
/// # Errors
/// [`StoreError::Corrupt`].
pub async fn first_waiting(
    connection: &mut SqliteConnection,
) -> Result<Option<OutboxRow>, StoreError> {
    let row = sqlx::query(columns!(
        "WHERE acknowledged_at IS NULL ORDER BY seq LIMIT 1"
    ))
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(read).transpose()
}

/// Statement `seq`; `None` when it was never queued here.
///
/// # Errors
/// [`StoreError::Corrupt`].
pub async fn of(
    connection: &mut SqliteConnection,
    seq: u64,
) -> Result<Option<OutboxRow>, StoreError> {
    let row = sqlx::query(columns!("WHERE seq = $1"))
        .bind(seq.cast_signed())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}

/// Every statement, oldest first.
///
/// # Errors
/// [`StoreError::Corrupt`].
pub async fn all(connection: &mut SqliteConnection) -> Result<Vec<OutboxRow>, StoreError> {
    let rows = sqlx::query(columns!("ORDER BY seq"))
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}

/// Notes that the statement's receipt verified, which [`super::proofs::keep`] keeps.
pub(super) async fn acknowledge(
    connection: &mut SqliteConnection,
    seq: u64,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE outbox SET acknowledged_at = $2, attempts = attempts + 1, problem = NULL
         WHERE seq = $1 AND acknowledged_at IS NULL",
    )
    .bind(seq.cast_signed())
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes a failed attempt, why, and when the next one is due.
///
/// # Errors
/// Database trouble.
pub async fn postpone(
    connection: &mut SqliteConnection,
    seq: u64,
    until: i64,
    problem: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE outbox SET attempts = attempts + 1, next_attempt_at = $2, problem = $3
         WHERE seq = $1 AND acknowledged_at IS NULL",
    )
    .bind(seq.cast_signed())
    .bind(until)
    .bind(problem)
    .execute(connection)
    .await?;
    Ok(())
}

/// A kind as the column holds it.
pub(super) fn kind(text: &str) -> Option<Kind> {
    Kind::OF_NODES.into_iter().find(|k| k.as_str() == text)
}

fn digest(row: &SqliteRow, column: &'static str, seq: i64) -> Result<Digest, StoreError> {
    let bytes: &[u8] = row.try_get(column)?;
    let bytes: [u8; 32] = bytes.try_into().map_err(|_| corrupt(column, seq))?;
    Ok(Digest::from_bytes(bytes))
}

fn read(row: &SqliteRow) -> Result<OutboxRow, StoreError> {
    let seq: i64 = row.try_get("seq")?;
    let kind: &str = row.try_get("kind")?;
    let unsigned = |n: i64, column| u64::try_from(n).map_err(|_| corrupt(column, seq));
    Ok(OutboxRow {
        seq: unsigned(seq, "seq")?,
        kind: self::kind(kind).ok_or_else(|| corrupt("kind", seq))?,
        period: row
            .try_get::<Option<i64>, _>("period")?
            .map(|index| period(index).ok_or_else(|| corrupt("period", seq)))
            .transpose()?,
        pae: digest(row, "pae", seq)?,
        envelope: row.try_get("envelope")?,
        queued_at: row.try_get("queued_at")?,
        attempts: u32::try_from(row.try_get::<i64, _>("attempts")?)
            .map_err(|_| corrupt("attempts", seq))?,
        next_attempt_at: row.try_get("next_attempt_at")?,
        problem: row.try_get("problem")?,
        receipt: row.try_get("receipt")?,
        log_index: row
            .try_get::<Option<i64>, _>("log_index")?
            .map(|n| unsigned(n, "log_index"))
            .transpose()?,
        acknowledged_at: row.try_get("acknowledged_at")?,
    })
}
