//! Releases: the exact payloads of each month, who prepared them, who approved them.

use ldsp_protocol::ids::{Digest, Period};
use ldsp_protocol::standard::Standard;
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::StoreError;
use super::ledger::{period, streams};

/// A month's release as stored: prepared once, judged once, whatever number of statements it becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRelease {
    /// The calendar month.
    pub period: Period,
    /// What becomes a statement each, oldest standard first; at least one.
    pub parts: Vec<Part>,
    /// SHA-256 of [`Self::bytes`], checked when the row was read.
    pub digest: Digest,
    /// Who prepared it; `schedule` for the timed job.
    pub author: String,
    /// Seconds since 1970-01-01 UTC.
    pub prepared_at: i64,
    /// Who approved it and when; `None` while it is open.
    pub approved: Option<(String, i64)>,
}

/// What a release says under one standard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The standard.
    pub standard: &'static Standard,
    /// Epoch of the standard's ledger.
    pub epoch: u32,
    /// Month of the epoch, from 1.
    pub month: usize,
    /// Exact JSON bytes of the learning summary that was, or will be, signed.
    pub payload: Vec<u8>,
    /// Sequence number of its statement.
    pub seq: Option<u64>,
}

impl StoredRelease {
    /// All payloads, one after the other: what the digest is of.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let payloads = self.parts.iter().map(|p| p.payload.as_slice());
        payloads.collect::<Vec<_>>().concat()
    }

    /// What [`Self::bytes`] are: two payloads one after the other are no one JSON text.
    #[must_use]
    pub fn media_type(&self) -> &'static str {
        match self.parts.len() {
            1 => "application/json",
            _ => "application/octet-stream",
        }
    }

    /// The part under `standard`.
    #[must_use]
    pub fn under(&self, standard: &Standard) -> Option<&Part> {
        self.parts.iter().find(|p| p.standard == standard)
    }

    /// Sequence number of its last statement.
    #[must_use]
    pub fn seq(&self) -> Option<u64> {
        self.parts.last().and_then(|p| p.seq)
    }
}

macro_rules! columns {
    ($rest:literal) => {
        concat!(
            "SELECT period, digest, author, prepared_at, approver, approved_at FROM releases ",
            $rest
        )
    };
}

/// All releases, oldest first.
///
/// # Errors
/// [`StoreError::Corrupt`] for payloads that are not what the digest says.
pub async fn all(connection: &mut SqliteConnection) -> Result<Vec<StoredRelease>, StoreError> {
    let rows = sqlx::query(columns!("ORDER BY period"))
        .fetch_all(&mut *connection)
        .await?;
    let mut releases = Vec::with_capacity(rows.len());
    for row in &rows {
        releases.push(read(connection, row).await?);
    }
    Ok(releases)
}

/// A release without its payloads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseHead {
    /// The calendar month.
    pub period: Period,
    /// The digest, as stored.
    pub digest: Digest,
    /// Who prepared it; `schedule` for the timed job.
    pub author: String,
    /// Seconds since 1970-01-01 UTC.
    pub prepared_at: i64,
    /// Who approved it and when; `None` while it is open.
    pub approved: Option<(String, i64)>,
    /// Sequence numbers of its statements, in order; empty while it is open.
    pub seqs: Vec<u64>,
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
    let rows = sqlx::query(columns!("WHERE period < $1 ORDER BY period DESC LIMIT $2"))
        .bind(before.map_or(i64::MAX, |period| i64::from(period.index())))
        .bind(limit)
        .fetch_all(&mut *connection)
        .await?;
    let mut heads = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut head = head(row)?;
        let seqs: Vec<i64> = sqlx::query_scalar(
            "SELECT seq FROM release_statements WHERE period = $1 AND seq IS NOT NULL ORDER BY seq",
        )
        .bind(head.period.index())
        .fetch_all(&mut *connection)
        .await?;
        let whole = |n| u64::try_from(n).map_err(|_| damaged(head.period.index(), "seq"));
        head.seqs = seqs.into_iter().map(whole).collect::<Result<_, _>>()?;
        heads.push(head);
    }
    Ok(heads)
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
        .fetch_optional(&mut *connection)
        .await?;
    match row {
        Some(row) => Ok(Some(read(connection, &row).await?)),
        None => Ok(None),
    }
}

impl From<&StoredRelease> for ReleaseHead {
    fn from(release: &StoredRelease) -> Self {
        Self {
            period: release.period,
            digest: release.digest,
            author: release.author.clone(),
            prepared_at: release.prepared_at,
            approved: release.approved.clone(),
            seqs: release.parts.iter().filter_map(|p| p.seq).collect(),
        }
    }
}

/// The release of the last month.
///
/// # Errors
/// As [`all`].
pub async fn last(connection: &mut SqliteConnection) -> Result<Option<StoredRelease>, StoreError> {
    let row = sqlx::query(columns!("ORDER BY period DESC LIMIT 1"))
        .fetch_optional(&mut *connection)
        .await?;
    match row {
        Some(row) => Ok(Some(read(connection, &row).await?)),
        None => Ok(None),
    }
}

/// The first and the last release of an epoch of `standard`, and how many there are; `None` without any.
///
/// # Errors
/// As [`all`].
pub async fn ends(
    connection: &mut SqliteConnection,
    standard: &Standard,
    epoch: u32,
) -> Result<Option<(StoredRelease, StoredRelease, usize)>, StoreError> {
    let row: (Option<i64>, Option<i64>, i64) = sqlx::query_as(
        "SELECT min(period), max(period), count(*) FROM release_statements WHERE standard = $1 AND epoch = $2",
    )
    .bind(standard.version())
    .bind(epoch)
    .fetch_one(&mut *connection)
    .await?;
    let (Some(first), Some(last), number) = row else {
        return Ok(None);
    };
    let mut found = Vec::new();
    for index in [first, last] {
        let period = period(index).ok_or_else(|| damaged(index, "period"))?;
        let release = of(&mut *connection, period).await?;
        found.push(release.ok_or_else(|| damaged(index, "period"))?);
    }
    let last = found.pop().ok_or_else(|| damaged(last, "period"))?;
    let first = found.pop().ok_or_else(|| damaged(first, "period"))?;
    Ok(Some((
        first,
        last,
        usize::try_from(number).unwrap_or(usize::MAX),
    )))
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
        "INSERT INTO releases (period, digest, author, prepared_at) VALUES ($1, $2, $3, $4)",
    )
    .bind(release.period.index())
    .bind(release.digest.as_bytes().as_slice())
    .bind(&release.author)
    .bind(release.prepared_at)
    .execute(&mut *connection)
    .await?;
    for part in &release.parts {
        sqlx::query(
            "INSERT INTO release_statements (period, standard, epoch, month, payload) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(release.period.index())
        .bind(part.standard.version())
        .bind(part.epoch)
        .bind(part.month as i64)
        .bind(&part.payload)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Writes an approval, with the sequence number of each part's statement. `false` when the release was approved already.
///
/// # Errors
/// Database trouble.
pub async fn approve(
    connection: &mut SqliteConnection,
    period: Period,
    approver: &str,
    at: i64,
    seqs: &[(&Standard, u64)],
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE releases SET approver = $2, approved_at = $3 WHERE period = $1 AND approver IS NULL",
    )
    .bind(period.index())
    .bind(approver)
    .bind(at)
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() != 1 {
        return Ok(false);
    }
    for (standard, seq) in seqs {
        let done = sqlx::query(
            "UPDATE release_statements SET seq = $3 WHERE period = $1 AND standard = $2 AND seq IS NULL",
        )
        .bind(period.index())
        .bind(standard.version())
        .bind(seq.cast_signed())
        .execute(&mut *connection)
        .await?;
        if done.rows_affected() != 1 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// An approver's no to a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRefusal {
    /// The release's month.
    pub period: Period,
    /// The digest of the release that was refused.
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

fn damaged(index: impl ToString, column: &'static str) -> StoreError {
    StoreError::Corrupt {
        table: "releases",
        column,
        row: index.to_string(),
    }
}

fn head(row: &SqliteRow) -> Result<ReleaseHead, StoreError> {
    let index: i64 = row.try_get("period")?;
    let digest: [u8; 32] = row
        .try_get::<&[u8], _>("digest")?
        .try_into()
        .map_err(|_| damaged(index, "digest"))?;
    let approver: Option<String> = row.try_get("approver")?;
    let approved_at: Option<i64> = row.try_get("approved_at")?;
    Ok(ReleaseHead {
        period: period(index).ok_or_else(|| damaged(index, "period"))?,
        digest: Digest::from_bytes(digest),
        author: row.try_get("author")?,
        prepared_at: row.try_get("prepared_at")?,
        approved: approver.zip(approved_at),
        seqs: Vec::new(),
    })
}

async fn read(
    connection: &mut SqliteConnection,
    row: &SqliteRow,
) -> Result<StoredRelease, StoreError> {
    let head = head(row)?;
    let index = head.period.index();
    let rows = sqlx::query(
        "SELECT standard, epoch, month, payload, seq FROM release_statements WHERE period = $1 ORDER BY standard",
    )
    .bind(index)
    .fetch_all(connection)
    .await?;
    let part = |row: &SqliteRow| -> Result<Part, StoreError> {
        let seq: Option<i64> = row.try_get("seq")?;
        let seq = seq.map(|n| u64::try_from(n).map_err(|_| damaged(index, "seq")));
        let epoch: i64 = row.try_get("epoch")?;
        let month: i64 = row.try_get("month")?;
        Ok(Part {
            standard: streams::known(row.try_get("standard")?)?,
            epoch: u32::try_from(epoch).map_err(|_| damaged(index, "epoch"))?,
            month: usize::try_from(month).map_err(|_| damaged(index, "month"))?,
            payload: row.try_get("payload")?,
            seq: seq.transpose()?,
        })
    };
    let release = StoredRelease {
        period: head.period,
        parts: rows.iter().map(part).collect::<Result<_, _>>()?,
        digest: head.digest,
        author: head.author,
        prepared_at: head.prepared_at,
        approved: head.approved,
    };
    if release.parts.is_empty() || Digest::of(&release.bytes()) != release.digest {
        return Err(damaged(index, "digest"));
    }
    Ok(release)
}
