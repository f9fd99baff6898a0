//! For how long records are kept, as people set it. The last row holds; none is changed or removed.

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::{Store, StoreError, moment};

/// A period that somebody set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetPeriod {
    /// Tells it from the one before it.
    pub id: i64,
    /// Months after the end of a learner's last enrolment; `None`: nothing is deleted by itself.
    pub months: Option<u16>,
    /// Why.
    pub reason: String,
    /// Who set it.
    pub who: String,
    /// When.
    pub at: Timestamp,
}

/// The period that holds; `None` while nobody has set one.
pub(crate) async fn last(
    connection: &mut SqliteConnection,
) -> Result<Option<SetPeriod>, StoreError> {
    type Row = (i64, Option<u16>, String, String, i64);
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, months, reason, who, at FROM retention_periods ORDER BY id DESC LIMIT 1",
    )
    .fetch_optional(connection)
    .await?;
    row.map(|(id, months, reason, who, at)| {
        Ok(SetPeriod {
            id,
            months,
            reason,
            who,
            at: moment(at, "retention_periods", "at", id)?,
        })
    })
    .transpose()
}

/// Sets one.
pub(crate) async fn set(
    tx: &mut SqliteConnection,
    months: Option<u16>,
    reason: &str,
    (who, at): (&str, Timestamp),
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO retention_periods (months, reason, who, at) VALUES ($1, $2, $3, $4)")
        .bind(months)
        .bind(reason)
        .bind(who)
        .bind(at.as_second())
        .execute(tx)
        .await?;
    Ok(())
}

impl Store {
    /// The period that people set; `None` while nobody has.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn set_period(&self) -> Result<Option<SetPeriod>, StoreError> {
        last(&mut *self.reader.acquire().await?).await
    }
}
