//! Releases: the exact payload of each month, who prepared it, who approved it.

use ldsp_protocol::ids::{Digest, Period};
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::StoreError;
use super::ledger::period;

/// A release as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRelease {
    /// The calendar month.
    pub period: Period,
    /// Epoch of the ledger.
    pub epoch: u32,
    /// Month of the epoch, from 1.
    pub month: usize,
    /// Exact JSON bytes of the learning summary that was, or will be, signed.
    pub payload: Vec<u8>,
    /// SHA-256 of `payload`, checked when the row was read.
    pub digest: Digest,
    /// Who prepared it; `schedule` for the timed job.
    pub author: String,
    /// Seconds since 1970-01-01 UTC.
    pub prepared_at: i64,
    /// Who approved it and when; `None` while it is open.
    pub approved: Option<(String, i64)>,
    /// Sequence number of its statement.
    pub seq: Option<u64>,
}

macro_rules! columns {
    ($rest:literal) => {
        concat!(
            "SELECT period, epoch, month, payload, digest, author, prepared_at, approver, approved_at, seq FROM releases ",
            $rest
        )
    };
}

/// All releases, oldest first.
///
/// # Errors
/// [`StoreError::Corrupt`] for a payload that is not what its digest says.
pub async fn all(connection: &mut SqliteConnection) -> Result<Vec<StoredRelease>, StoreError> {
    let rows = sqlx::query(columns!("ORDER BY period"))
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}

/// A release without its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseHead {
    /// The calendar month.
    pub period: Period,
    /// SHA-256 of the payload, as stored.
    pub digest: Digest,
    /// Who prepared it; `schedule` for the timed job.
    pub author: String,
    /// Seconds since 1970-01-01 UTC.
    pub prepared_at: i64,
    /// Who approved it and when; `None` while it is open.
    pub approved: Option<(String, i64)>,
    /// Sequence number of its statement.
    pub seq: Option<u64>,
}

/// The latest `limit` of the releases before month `before`, newest first.
///
/// # Errors
/// Database trouble, or a damaged row.
pub async fn heads_before(
    connection: &mut SqliteConnection,
    before: Option<Period>,
    limit: u32,
) -> Result<Vec<ReleaseHead>, StoreError> {
    let rows = sqlx::query(
        "SELECT period, digest, author, prepared_at, approver, approved_at, seq FROM releases \
         WHERE period < $1 ORDER BY period DESC LIMIT $2",
    )
    .bind(before.map_or(i64::MAX, |period| i64::from(period.index())))
    .bind(limit)
    .fetch_all(connection)
    .await?;
    rows.iter().map(head).collect()
}

/// The release of `period`.
///
/// # Errors
/// As [`all`].
pub async fn of(
    connection: &mut SqliteConnection,
    period: Period,
) -> Result<Option<StoredRelease>, StoreError> {
    let row = sqlx::query(columns!("WHERE period = $1"))
        .bind(period.index())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}

impl From<&StoredRelease> for ReleaseHead {
    fn from(release: &StoredRelease) -> Self {
        Self {
            period: release.period,
            digest: release.digest,
            author: release.author.clone(),
            prepared_at: release.prepared_at,
            approved: release.approved.clone(),
            seq: release.seq,
        }
    }
}

/// The release of the last month.
///
/// # Errors
/// As [`all`].
pub async fn last(connection: &mut SqliteConnection) -> Result<Option<StoredRelease>, StoreError> {
    let row = sqlx::query(columns!("ORDER BY period DESC LIMIT 1"))
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}

/// The first release of `epoch`.
///
/// # Errors
/// As [`all`].
pub async fn first_of(
    connection: &mut SqliteConnection,
    epoch: u32,
) -> Result<Option<StoredRelease>, StoreError> {
    let row = sqlx::query(columns!("WHERE epoch = $1 ORDER BY month LIMIT 1"))
        .bind(epoch)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}

/// Number of releases in `epoch`.
///
/// # Errors
/// Database trouble.
pub async fn number(connection: &mut SqliteConnection, epoch: u32) -> Result<usize, StoreError> {
    let n: i64 = sqlx::query_scalar("SELECT count(*) FROM releases WHERE epoch = $1")
        .bind(epoch)
        .fetch_one(connection)
        .await?;
    Ok(usize::try_from(n).unwrap_or(usize::MAX))
}

/// Writes a release that is not approved yet.
///
/// # Errors
/// Database trouble, also when the month has one.
pub async fn insert(
    connection: &mut SqliteConnection,
    release: &StoredRelease,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO releases (period, epoch, month, payload, digest, author, prepared_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(release.period.index())
    .bind(release.epoch)
    .bind(release.month as i64)
    .bind(&release.payload)
    .bind(release.digest.as_bytes().as_slice())
    .bind(&release.author)
    .bind(release.prepared_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes an approval. `false` when the release was approved already.
///
/// # Errors
/// Database trouble.
pub async fn approve(
    connection: &mut SqliteConnection,
    period: Period,
    approver: &str,
    at: i64,
    seq: u64,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE releases SET approver = $2, approved_at = $3, seq = $4 WHERE period = $1 AND approver IS NULL",
    )
    .bind(period.index())
    .bind(approver)
    .bind(at)
    .bind(seq.cast_signed())
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// An approver's no to a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRefusal {
    /// The release's month.
    pub period: Period,
    /// SHA-256 of the payload that was refused.
    pub digest: Digest,
    /// Who refused it.
    pub person: String,
    /// Why; never leaves the node.
    pub reason: String,
    /// Seconds since 1970-01-01 UTC.
    pub refused_at: i64,
}

/// Writes a refusal.
///
/// # Errors
/// Database trouble.
pub async fn refuse(
    connection: &mut SqliteConnection,
    refusal: &StoredRefusal,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO release_refusals (period, digest, person, reason, refused_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(refusal.period.index())
    .bind(refusal.digest.as_bytes().as_slice())
    .bind(&refusal.person)
    .bind(&refusal.reason)
    .bind(refusal.refused_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// Refusals of the release of `period`, oldest first.
///
/// # Errors
/// [`StoreError::Corrupt`].
pub async fn refusals(
    connection: &mut SqliteConnection,
    period: Period,
) -> Result<Vec<StoredRefusal>, StoreError> {
    let rows = sqlx::query(
        "SELECT id, digest, person, reason, refused_at FROM release_refusals WHERE period = $1 ORDER BY id",
    )
    .bind(period.index())
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let id: i64 = row.try_get("id")?;
            let digest = row.try_get::<&[u8], _>("digest")?.try_into();
            Ok(StoredRefusal {
                period,
                digest: Digest::from_bytes(digest.map_err(|_| StoreError::Corrupt {
                    table: "release_refusals",
                    column: "digest",
                    row: id.to_string(),
                })?),
                person: row.try_get("person")?,
                reason: row.try_get("reason")?,
                refused_at: row.try_get("refused_at")?,
            })
        })
        .collect()
}

fn head(row: &SqliteRow) -> Result<ReleaseHead, StoreError> {
    let index: i64 = row.try_get("period")?;
    let damaged = |column| StoreError::Corrupt {
        table: "releases",
        column,
        row: index.to_string(),
    };
    let digest: [u8; 32] = row
        .try_get::<&[u8], _>("digest")?
        .try_into()
        .map_err(|_| damaged("digest"))?;
    let approver: Option<String> = row.try_get("approver")?;
    let approved_at: Option<i64> = row.try_get("approved_at")?;
    let seq: Option<i64> = row.try_get("seq")?;
    Ok(ReleaseHead {
        period: period(index).ok_or_else(|| damaged("period"))?,
        digest: Digest::from_bytes(digest),
        author: row.try_get("author")?,
        prepared_at: row.try_get("prepared_at")?,
        approved: approver.zip(approved_at),
        seq: seq
            .map(|n| u64::try_from(n).map_err(|_| damaged("seq")))
            .transpose()?,
    })
}

fn read(row: &SqliteRow) -> Result<StoredRelease, StoreError> {
    let index: i64 = row.try_get("period")?;
    let damaged = |column| StoreError::Corrupt {
        table: "releases",
        column,
        row: index.to_string(),
    };
    let payload: Vec<u8> = row.try_get("payload")?;
    let digest = Digest::of(&payload);
    if row.try_get::<&[u8], _>("digest")? != digest.as_bytes() {
        return Err(damaged("digest"));
    }
    let approver: Option<String> = row.try_get("approver")?;
    let approved_at: Option<i64> = row.try_get("approved_at")?;
    let seq: Option<i64> = row.try_get("seq")?;
    let whole = |n: i64, column| usize::try_from(n).map_err(|_| damaged(column));
    Ok(StoredRelease {
        period: period(index).ok_or_else(|| damaged("period"))?,
        epoch: u32::try_from(row.try_get::<i64, _>("epoch")?).map_err(|_| damaged("epoch"))?,
        month: whole(row.try_get("month")?, "month")?,
        payload,
        digest,
        author: row.try_get("author")?,
        prepared_at: row.try_get("prepared_at")?,
        approved: approver.zip(approved_at),
        seq: seq
            .map(|n| u64::try_from(n).map_err(|_| damaged("seq")))
            .transpose()?,
    })
}
