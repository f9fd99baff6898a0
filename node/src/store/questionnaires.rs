//! Questionnaires that ask this node's LEP, as the log signed them; what the log lists besides; and what all answers come to.

use jiff::Timestamp;
use ldsp_protocol::ids::{Digest, QuestionId};
use ldsp_protocol::questionnaire::Questionnaire;
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::proofs::OwnRow;
use super::{Store, StoreError, moment};

/// A version of a questionnaire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// SHA-256 of the PAE of its statement: what answers name.
    pub pae: Digest,
    /// Place in the log's own sequence.
    pub seq: u64,
    /// Place in the log, from 0.
    pub log_index: u64,
    /// What it asks.
    pub asked: Questionnaire,
    /// When this node heard of it.
    pub heard_at: Timestamp,
    /// A newer version asks other LEPs only: nothing is to be answered any more.
    pub closed: bool,
}

/// What the log lists and this node does not keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// SHA-256 of the PAE as listed; of the whole line where it names none.
    pub listed: Digest,
    /// Which it claims to be: name and version.
    pub claims: Option<(QuestionId, u32)>,
    /// Why it was refused; `None`: it is sound and asks other LEPs.
    pub refused: Option<String>,
    /// When.
    pub noted_at: Timestamp,
}

/// When the log was last asked, and why nothing or not everything was heard.
pub type Heard = (Timestamp, Option<String>);

fn corrupt(table: &'static str, column: &'static str, row: impl ToString) -> StoreError {
    StoreError::Corrupt {
        table,
        column,
        row: row.to_string(),
    }
}

const TABLE: &str = "questionnaires";
const COLUMNS: &str = "SELECT pae, seq, log_index, asked, heard_at,
       EXISTS (SELECT 1 FROM questionnaires_left AS l WHERE l.name = q.name AND l.version > q.version AND l.refused IS NULL) AS closed
     FROM questionnaires AS q";

fn digest(
    row: &SqliteRow,
    table: &'static str,
    column: &'static str,
) -> Result<Digest, StoreError> {
    let bytes: &[u8] = row.try_get(column)?;
    let bytes = bytes
        .try_into()
        .map_err(|_| corrupt(table, column, "with another length"))?;
    Ok(Digest::from_bytes(bytes))
}

fn read(row: &SqliteRow) -> Result<Asked, StoreError> {
    let pae = digest(row, TABLE, "pae")?;
    let number = |column: &'static str| {
        u64::try_from(row.try_get::<i64, _>(column)?).map_err(|_| corrupt(TABLE, column, pae))
    };
    Ok(Asked {
        pae,
        seq: number("seq")?,
        log_index: number("log_index")?,
        asked: serde_json::from_str(row.try_get("asked")?)
            .map_err(|_| corrupt(TABLE, "asked", pae))?,
        heard_at: moment(row.try_get("heard_at")?, TABLE, "heard_at", pae)?,
        closed: row.try_get("closed")?,
    })
}

/// The newest version of this name that is here.
///
/// # Errors
/// [`StoreError::Corrupt`].
pub async fn newest(
    connection: &mut SqliteConnection,
    name: &QuestionId,
) -> Result<Option<Asked>, StoreError> {
    let sql = format!("{COLUMNS} WHERE name = $1 ORDER BY version DESC LIMIT 1");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(name.as_str())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}

/// The version whose statement has this digest.
///
/// # Errors
/// [`StoreError::Corrupt`].
pub async fn of(
    connection: &mut SqliteConnection,
    pae: Digest,
) -> Result<Option<Asked>, StoreError> {
    let sql = format!("{COLUMNS} WHERE pae = $1");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(pae.as_bytes().as_slice())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}

/// Keeps a version, and forgets that it was refused before. `false`: another one of the same name and version is here, and nothing was changed.
///
/// # Errors
/// Database trouble.
pub async fn keep(
    connection: &mut SqliteConnection,
    (pae, asked): (Digest, &Questionnaire),
    own: &OwnRow,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let text = serde_json::to_string(asked).expect("texts, numbers, dates and lists are JSON");
    let done = sqlx::query(
        "INSERT INTO questionnaires (pae, name, version, seq, log_index, envelope, receipt, asked, heard_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (name, version) DO NOTHING",
    )
    .bind(pae.as_bytes().as_slice())
    .bind(asked.name.as_str())
    .bind(asked.version)
    .bind(own.seq.cast_signed())
    .bind(own.log_index.cast_signed())
    .bind(&own.envelope)
    .bind(&own.receipt)
    .bind(text)
    .bind(now.as_second())
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query("DELETE FROM questionnaires_left WHERE listed = $1")
        .bind(pae.as_bytes().as_slice())
        .execute(connection)
        .await?;
    Ok(true)
}

/// Notes what is listed and not kept, in the place of what was noted of it before.
///
/// # Errors
/// Database trouble.
pub async fn leave(connection: &mut SqliteConnection, left: &Left) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO questionnaires_left (listed, name, version, refused, noted_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (listed) DO UPDATE SET name = $2, version = $3, refused = $4, noted_at = $5",
    )
    .bind(left.listed.as_bytes().as_slice())
    .bind(left.claims.as_ref().map(|(name, _)| name.as_str()))
    .bind(left.claims.as_ref().map(|(_, version)| *version))
    .bind(&left.refused)
    .bind(left.noted_at.as_second())
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets what was noted of everything but these.
///
/// # Errors
/// Database trouble.
pub async fn forget_others(
    connection: &mut SqliteConnection,
    listed: &[Digest],
) -> Result<(), StoreError> {
    let kept: Vec<String> = listed.iter().map(ToString::to_string).collect();
    let kept = serde_json::to_string(&kept).expect("a list of texts is JSON");
    sqlx::query(
        "DELETE FROM questionnaires_left WHERE lower(hex(listed)) NOT IN (SELECT value FROM json_each($1))",
    )
    .bind(kept)
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes that the log was asked.
///
/// # Errors
/// Database trouble.
pub async fn heard(
    connection: &mut SqliteConnection,
    now: Timestamp,
    problem: Option<&str>,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO questionnaires_heard (id, at, problem) VALUES (1, $1, $2) ON CONFLICT (id) DO UPDATE SET at = $1, problem = $2",
    )
    .bind(now.as_second())
    .bind(problem)
    .execute(connection)
    .await?;
    Ok(())
}

impl Store {
    /// The newest version of each questionnaire that asks this LEP, the one that is due first in front.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn questionnaires(&self) -> Result<Vec<Asked>, StoreError> {
        let sql = format!(
            "{COLUMNS} WHERE version = (SELECT max(version) FROM questionnaires WHERE name = q.name)"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .fetch_all(&self.reader)
            .await?;
        let mut all = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        all.sort_by(|a, b| (a.asked.due, &a.asked.name).cmp(&(b.asked.due, &b.asked.name)));
        Ok(all)
    }

    /// Digests of every version that is here.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn questionnaires_held(&self) -> Result<Vec<Digest>, StoreError> {
        let rows = sqlx::query("SELECT pae FROM questionnaires")
            .fetch_all(&self.reader)
            .await?;
        rows.iter().map(|row| digest(row, TABLE, "pae")).collect()
    }

    /// What the log lists and this node does not keep.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn questionnaires_left(&self) -> Result<Vec<Left>, StoreError> {
        const OF: &str = "questionnaires_left";
        let rows = sqlx::query(
            "SELECT listed, name, version, refused, noted_at FROM questionnaires_left ORDER BY name, version, listed",
        )
        .fetch_all(&self.reader)
        .await?;
        let left = |row: &SqliteRow| -> Result<Left, StoreError> {
            let listed = digest(row, OF, "listed")?;
            let name: Option<String> = row.try_get("name")?;
            let name = name.map(|name| name.parse().map_err(|_| corrupt(OF, "name", listed)));
            let version: Option<u32> = row.try_get("version")?;
            Ok(Left {
                listed,
                claims: name.transpose()?.zip(version),
                refused: row.try_get("refused")?,
                noted_at: moment(row.try_get("noted_at")?, OF, "noted_at", listed)?,
            })
        };
        rows.iter().map(left).collect()
    }

    /// When the log was last asked; `None`: never.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn questionnaires_heard(&self) -> Result<Option<Heard>, StoreError> {
        let row: Option<(i64, Option<String>)> =
            sqlx::query_as("SELECT at, problem FROM questionnaires_heard")
                .fetch_optional(&self.reader)
                .await?;
        row.map(|(at, problem)| Ok((moment(at, "questionnaires_heard", "at", 1)?, problem)))
            .transpose()
    }

    /// What the log last said that all answers come to, as it came, and when.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn questionnaire_results(
        &self,
        name: &QuestionId,
    ) -> Result<Option<(String, Timestamp)>, StoreError> {
        let row: Option<(String, i64)> =
            sqlx::query_as("SELECT answer, heard_at FROM questionnaire_results WHERE name = $1")
                .bind(name.as_str())
                .fetch_optional(&self.reader)
                .await?;
        row.map(|(answer, at)| {
            let at = moment(at, "questionnaire_results", "heard_at", name)?;
            Ok((answer, at))
        })
        .transpose()
    }

    /// Keeps what the log said that all answers come to, in the place of what it said before.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn keep_questionnaire_results(
        &self,
        name: &QuestionId,
        answer: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        sqlx::query(
            "INSERT INTO questionnaire_results (name, answer, heard_at) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE SET answer = $2, heard_at = $3",
        )
        .bind(name.as_str())
        .bind(answer)
        .bind(now.as_second())
        .execute(&mut *tx)
        .await?;
        Ok(tx.commit().await?)
    }
}
