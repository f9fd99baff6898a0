//! Who this node is: one row, written once by `init`.

use jiff::Timestamp;
use ldsp_protocol::ids::Gss;

use super::{Store, StoreError, moment};

/// The node's LEP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// GSS code of the LEP.
    pub lep: Gss,
    /// When `init` ran.
    pub created_at: Timestamp,
}

impl Store {
    /// Who this node is; `Ok(None)` before `init` has finished.
    ///
    /// # Errors
    /// The database cannot be read, or the row is damaged.
    pub async fn identity(&self) -> Result<Option<Identity>, StoreError> {
        let row: Option<(String, i64)> =
            sqlx::query_as("SELECT lep, created_at FROM identity WHERE id = 1")
                .fetch_optional(&self.reader)
                .await?;
        row.map(|(lep, created_at)| {
            Ok(Identity {
                lep: lep.parse().map_err(|_| StoreError::Corrupt {
                    table: "identity",
                    column: "lep",
                    row: "1".to_owned(),
                })?,
                created_at: moment(created_at, "identity", "created_at", 1)?,
            })
        })
        .transpose()
    }

    /// Fixes who this node is. `false` when it was fixed before; nothing is changed then.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn set_identity(&self, lep: &Gss, at: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let done = sqlx::query(
            "INSERT INTO identity (id, lep, created_at) VALUES (1, $1, $2) ON CONFLICT DO NOTHING",
        )
        .bind(lep.as_str())
        .bind(at.as_second())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }
}
