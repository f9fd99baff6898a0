//! Mappings of columns, remembered per source.

use jiff::Timestamp;
use ldsp_protocol::ids::Digest;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::audit::append;
use super::{Store, StoreError, moment};
use crate::import::mapping::Mapping;

/// Whose mappings are the LEP's own people's; those of a provider are its first name's, folded.
pub const LEP: &str = "";

/// A mapping that is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMapping {
    /// Its name.
    pub name: String,
    /// What it says.
    pub mapping: Mapping,
    /// Of the header of the file that it was made or last changed for.
    pub fingerprint: Option<Digest>,
    /// From 1; grows with every change.
    pub version: i64,
    /// Who changed it last.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// What came of remembering a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remembered {
    /// It has this version now.
    Done(i64),
    /// Somebody else changed it since, to this version.
    Changed(i64),
}

impl Remembered {
    /// The version that is held.
    #[must_use]
    pub fn version(self) -> i64 {
        match self {
            Self::Done(version) | Self::Changed(version) => version,
        }
    }
}

const SELECT: &str = "SELECT name, kind, fingerprint, dates, text, columns, \"values\", version, by, at, id FROM mappings";

fn read(row: &SqliteRow) -> Result<StoredMapping, StoreError> {
    let id: i64 = row.try_get("id")?;
    let corrupt = |column| StoreError::Corrupt {
        table: "mappings",
        column,
        row: id.to_string(),
    };
    let text = |column: &str| row.try_get::<String, _>(column);
    let json = |column: &'static str| -> Result<serde_json::Value, StoreError> {
        serde_json::from_str(&text(column)?).map_err(|_| corrupt(column))
    };
    let mapping = serde_json::json!({
        "kind": text("kind")?,
        "dates": text("dates")?,
        "text": text("text")?,
        "columns": json("columns")?,
        "values": json("values")?,
    });
    let fingerprint: Option<Vec<u8>> = row.try_get("fingerprint")?;
    let fingerprint = fingerprint
        .map(|bytes| <[u8; 32]>::try_from(bytes).map_err(|_| corrupt("fingerprint")))
        .transpose()?;
    Ok(StoredMapping {
        name: text("name")?,
        mapping: serde_json::from_value(mapping).map_err(|_| corrupt("columns"))?,
        fingerprint: fingerprint.map(Digest::from_bytes),
        version: row.try_get("version")?,
        by: text("by")?,
        at: moment(row.try_get("at")?, "mappings", "at", id)?,
    })
}

impl Store {
    /// Every mapping of `whose` by name.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`].
    pub async fn mappings(&self, whose: &str) -> Result<Vec<StoredMapping>, StoreError> {
        let sql = format!("{SELECT} WHERE organisation = $1 ORDER BY name COLLATE NOCASE");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(whose)
            .fetch_all(&self.reader)
            .await?;
        rows.iter().map(read).collect()
    }

    /// The mapping of `whose` with this name; capitals do not matter.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`].
    pub async fn mapping(
        &self,
        whose: &str,
        name: &str,
    ) -> Result<Option<StoredMapping>, StoreError> {
        let sql = format!("{SELECT} WHERE name = $1 AND organisation = $2");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(name)
            .bind(whose)
            .fetch_optional(&self.reader)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// The mapping of `whose` that was last used for a header, for files of a kind.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`].
    pub async fn mapping_for(
        &self,
        whose: &str,
        kind: &str,
        fingerprint: Digest,
    ) -> Result<Option<StoredMapping>, StoreError> {
        let sql = format!(
            "{SELECT} WHERE fingerprint = $1 AND kind = $2 AND organisation = $3 ORDER BY at DESC, id DESC LIMIT 1"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(&fingerprint.as_bytes()[..])
            .bind(kind)
            .bind(whose)
            .fetch_optional(&self.reader)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Remembers a mapping that [`Mapping::check`] has nothing against. `seen` is the version that was changed, 0 for a new one; `None`
    /// takes whatever is there.
    ///
    /// # Errors
    /// Database trouble.
    pub async fn remember_mapping(
        &self,
        whose: &str,
        (name, mapping): (&str, &Mapping),
        fingerprint: Option<Digest>,
        seen: Option<i64>,
        who: &str,
        now: Timestamp,
    ) -> Result<Remembered, StoreError> {
        let mut tx = self.write().await?;
        let held: Option<i64> = sqlx::query_scalar(
            "SELECT version FROM mappings WHERE name = $1 AND organisation = $2",
        )
        .bind(name)
        .bind(whose)
        .fetch_optional(&mut *tx)
        .await?;
        let held = held.unwrap_or(0);
        if seen.is_some_and(|seen| seen != held) {
            tx.rollback().await?;
            return Ok(Remembered::Changed(held));
        }
        let json = serde_json::to_value(mapping).expect("a mapping holds texts only");
        let word = |field: &str| json[field].as_str().unwrap_or_default().to_owned();
        sqlx::query(
            "INSERT INTO mappings (name, kind, fingerprint, dates, text, columns, \"values\", version, by, at, organisation)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
             ON CONFLICT (organisation, name) DO UPDATE SET kind = $2, fingerprint = coalesce($3, fingerprint), dates = $4, text = $5,
                 columns = $6, \"values\" = $7, version = $8, by = $9, at = $10",
        )
        .bind(name)
        .bind(mapping.kind.as_str())
        .bind(fingerprint.map(|digest| digest.as_bytes().to_vec()))
        .bind(word("dates"))
        .bind(word("text"))
        .bind(json["columns"].to_string())
        .bind(json["values"].to_string())
        .bind(held + 1)
        .bind(who)
        .bind(now.as_second())
        .bind(whose)
        .execute(&mut *tx)
        .await?;
        let detail = format!("{name}, version {}", held + 1);
        append(&mut tx, now, who, "mapping", &detail).await?;
        tx.commit().await?;
        Ok(Remembered::Done(held + 1))
    }

    /// Forgets a mapping; `false` when there is none of this name.
    ///
    /// # Errors
    /// Database trouble.
    pub async fn forget_mapping(
        &self,
        whose: &str,
        name: &str,
        who: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let done = sqlx::query("DELETE FROM mappings WHERE name = $1 AND organisation = $2")
            .bind(name)
            .bind(whose)
            .execute(&mut *tx)
            .await?;
        if done.rows_affected() == 0 {
            tx.rollback().await?;
            return Ok(false);
        }
        append(&mut tx, now, who, "mapping removed", name).await?;
        tx.commit().await?;
        Ok(true)
    }
}
