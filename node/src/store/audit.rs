//! Who did what, insert only, without learners' personal data.

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::{Store, StoreError, moment};

/// Who acts when nobody is signed in: the IT team at the command line.
pub const COMMAND_LINE: &str = "command line";

/// One act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// A person's name, `command line` or `schedule`.
    pub who: String,
    /// Stable word, such as `import learners`.
    pub action: String,
    /// In words; never a learner's data.
    pub detail: String,
}

/// Appends an act within a transaction, so that it stands exactly when the act does.
pub(crate) async fn append(
    tx: &mut SqliteConnection,
    at: Timestamp,
    who: &str,
    action: &str,
    detail: &str,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO audit (at, who, action, detail) VALUES ($1, $2, $3, $4)")
        .bind(at.as_second())
        .bind(who)
        .bind(action)
        .bind(detail)
        .execute(tx)
        .await?;
    Ok(())
}

impl Store {
    /// Appends an act on its own.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn audit(
        &self,
        at: Timestamp,
        who: &str,
        action: &str,
        detail: &str,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        append(&mut tx, at, who, action, detail).await?;
        Ok(tx.commit().await?)
    }

    /// The latest `limit` acts, newest first.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn audit_entries(&self, limit: u32) -> Result<Vec<Entry>, StoreError> {
        let rows: Vec<(i64, i64, String, String, String)> = sqlx::query_as(
            "SELECT id, at, who, action, detail FROM audit ORDER BY id DESC LIMIT $1",
        )
        .bind(limit)
        .fetch_all(&self.reader)
        .await?;
        rows.into_iter()
            .map(|(id, at, who, action, detail)| {
                Ok(Entry {
                    at: moment(at, "audit", "at", id)?,
                    who,
                    action,
                    detail,
                })
            })
            .collect()
    }
}
