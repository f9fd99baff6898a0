//! Practice entries of this node: drafts, and what was released of them.

use jiff::Timestamp;
use ldsp_protocol::ids::{Digest, Gss, PledgeId};
use ldsp_protocol::practice::PracticeEntry;
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::audit::append;
use super::ledger::{period, streams};
use super::{Store, StoreError, moment};
use crate::practice::{OwnFigures, OwnRelease};

/// An entry as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// Number at this node.
    pub id: i64,
    /// What it says.
    pub entry: PracticeEntry,
    /// SHA-256 of its stored JSON: what an approver releases.
    pub digest: Digest,
    /// Who wrote it last.
    pub author: String,
    /// When.
    pub written_at: Timestamp,
    /// Who released it and when; `None` while it is a draft.
    pub approved: Option<(String, Timestamp)>,
    /// Sequence number of its statement.
    pub seq: Option<u64>,
}

const COLUMNS: &str =
    "SELECT id, entry, author, written_at, approver, approved_at, seq FROM practice";

fn read(row: &SqliteRow) -> Result<StoredEntry, StoreError> {
    let id: i64 = row.try_get("id")?;
    let corrupt = |column| StoreError::Corrupt {
        table: "practice",
        column,
        row: id.to_string(),
    };
    let bytes: &[u8] = row.try_get("entry")?;
    let approver: Option<String> = row.try_get("approver")?;
    let approved_at: Option<i64> = row.try_get("approved_at")?;
    let approved_at = approved_at
        .map(|at| moment(at, "practice", "approved_at", id))
        .transpose()?;
    let seq: Option<i64> = row.try_get("seq")?;
    Ok(StoredEntry {
        id,
        entry: serde_json::from_slice(bytes).map_err(|_| corrupt("entry"))?,
        digest: Digest::of(bytes),
        author: row.try_get("author")?,
        written_at: moment(row.try_get("written_at")?, "practice", "written_at", id)?,
        approved: approver.zip(approved_at),
        seq: seq
            .map(|n| u64::try_from(n).map_err(|_| corrupt("seq")))
            .transpose()?,
    })
}

fn bytes(entry: &PracticeEntry) -> Vec<u8> {
    serde_json::to_vec(entry).expect("an entry holds strings, integers, dates and lists only")
}

/// The entry with this number.
///
/// # Errors
/// [`StoreError::Corrupt`].
pub async fn of(
    connection: &mut SqliteConnection,
    id: i64,
) -> Result<Option<StoredEntry>, StoreError> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE id = $1")))
        .bind(id)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}

/// The entry that statement `seq` published.
///
/// # Errors
/// [`StoreError::Corrupt`].
pub async fn of_statement(
    connection: &mut SqliteConnection,
    seq: u64,
) -> Result<Option<StoredEntry>, StoreError> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE seq = $1")))
        .bind(seq.cast_signed())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}

/// Marks a draft as released. `false` when it was released already.
///
/// # Errors
/// Database trouble.
pub async fn approve(
    connection: &mut SqliteConnection,
    id: i64,
    approver: &str,
    at: Timestamp,
    seq: u64,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE practice SET approver = $2, approved_at = $3, seq = $4 WHERE id = $1 AND seq IS NULL",
    )
    .bind(id)
    .bind(approver)
    .bind(at.as_second())
    .bind(seq.cast_signed())
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Figures that entries of the node of `lep` may cite: its sealed releases, without what is withdrawn; a month that was published
/// again is cited by the statement that did so last.
///
/// # Errors
/// [`StoreError::Corrupt`].
pub async fn own_figures(
    connection: &mut SqliteConnection,
    lep: &Gss,
) -> Result<OwnFigures, StoreError> {
    let rows = sqlx::query(
        "SELECT r.period, r.standard, o.pae, json_extract(CAST(r.payload AS TEXT), '$.pledges') AS pledges
         FROM release_statements AS r JOIN outbox AS o ON o.seq = (
             WITH RECURSIVE again (seq) AS (
                 SELECT r.seq UNION SELECT n.seq FROM again JOIN revisions AS n ON n.target = again.seq
                     JOIN outbox AS c ON c.seq = n.seq AND c.kind = 'correction')
             SELECT max(seq) FROM again)
         WHERE NOT EXISTS (SELECT 1 FROM revisions AS n JOIN outbox AS w ON w.seq = n.seq
             WHERE n.target = o.seq AND w.kind = 'withdrawal')
         ORDER BY r.period, r.standard",
    )
    .fetch_all(connection)
    .await?;
    let releases: Result<Vec<OwnRelease>, StoreError> = rows.iter().map(own_release).collect();
    Ok(OwnFigures::new(lep.clone(), releases?))
}

fn own_release(row: &SqliteRow) -> Result<OwnRelease, StoreError> {
    let index: i64 = row.try_get("period")?;
    let corrupt = |table, column| StoreError::Corrupt {
        table,
        column,
        row: index.to_string(),
    };
    let pae: [u8; 32] = row
        .try_get::<&[u8], _>("pae")?
        .try_into()
        .map_err(|_| corrupt("outbox", "pae"))?;
    let pledges: Vec<PledgeId> = serde_json::from_str(row.try_get("pledges")?)
        .map_err(|_| corrupt("releases", "payload"))?;
    Ok(OwnRelease {
        period: period(index).ok_or_else(|| corrupt("releases", "period"))?,
        standard: streams::known(row.try_get("standard")?)?,
        statement: Digest::from_bytes(pae),
        pledges,
    })
}

impl Store {
    /// All entries, newest first.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn practice_entries(&self) -> Result<Vec<StoredEntry>, StoreError> {
        self.practice_before(None, u32::MAX).await
    }

    /// The latest `limit` of the entries before number `before`, newest first.
    ///
    /// # Errors
    /// As [`Store::practice_entries`].
    pub async fn practice_before(
        &self,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let sql = format!("{COLUMNS} WHERE id < $1 ORDER BY id DESC LIMIT $2");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(before.unwrap_or(i64::MAX))
            .bind(limit)
            .fetch_all(&self.reader)
            .await?;
        rows.iter().map(read).collect()
    }

    /// The entry with this number; `Ok(None)` when there is none.
    ///
    /// # Errors
    /// The database cannot be read, or the row is damaged.
    pub async fn practice_entry(&self, id: i64) -> Result<Option<StoredEntry>, StoreError> {
        of(&mut *self.reader.acquire().await?, id).await
    }

    /// Figures that entries may cite.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn own_figures(&self, lep: &Gss) -> Result<OwnFigures, StoreError> {
        own_figures(&mut *self.reader.acquire().await?, lep).await
    }

    /// Keeps a draft and says so in the audit log; gives its number. The caller has read the entry with
    /// [`crate::practice::read()`], so it holds nothing that may not be kept.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn add_practice(
        &self,
        entry: &PracticeEntry,
        author: &str,
        at: Timestamp,
    ) -> Result<i64, StoreError> {
        let mut tx = self.write().await?;
        let id =
            sqlx::query("INSERT INTO practice (entry, author, written_at) VALUES ($1, $2, $3)")
                .bind(bytes(entry))
                .bind(author)
                .bind(at.as_second())
                .execute(&mut *tx)
                .await?
                .last_insert_rowid();
        append(
            &mut tx,
            at,
            author,
            "practice-written",
            &format!("entry {id}"),
        )
        .await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Replaces a draft. `false` when there is none with this number or it was released; nothing is changed then.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn change_practice(
        &self,
        id: i64,
        entry: &PracticeEntry,
        author: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let done = sqlx::query(
            "UPDATE practice SET entry = $2, author = $3, written_at = $4 WHERE id = $1 AND seq IS NULL",
        )
        .bind(id)
        .bind(bytes(entry))
        .bind(author)
        .bind(at.as_second())
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        append(
            &mut tx,
            at,
            author,
            "practice-changed",
            &format!("entry {id}"),
        )
        .await?;
        tx.commit().await?;
        Ok(true)
    }
}
