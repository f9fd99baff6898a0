//! Who changed what when, a row per field; insert only. It never holds an identifying value: of an enrolment codes alone, and those go
//! with the enrolment (migration 15).

use jiff::Timestamp;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::{Store, StoreError, moment};

/// What has a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Kind {
    Organisation,
    Programme,
    Cohort,
    Spend,
    Demand,
    Term,
    Enrolment,
    Service,
    DataItem,
    GatheringTask,
}

impl Kind {
    /// The word in the database and in the audit log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Organisation => "organisation",
            Self::Programme => "programme",
            Self::Cohort => "cohort",
            Self::Spend => "spend",
            Self::Demand => "demand",
            Self::Term => "word",
            Self::Enrolment => "enrolment",
            Self::Service => "service",
            Self::DataItem => "data-item",
            Self::GatheringTask => "gathering-task",
        }
    }
}

/// A field that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Row in the table of its kind.
    pub row: i64,
    /// Stable name: the column of the form, file or schema.
    pub field: &'static str,
    /// `None`: there was nothing.
    pub before: Option<String>,
    /// `None`: there is nothing any more.
    pub after: Option<String>,
}

/// A change that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// When.
    pub at: Timestamp,
    /// A person's name or `command line`.
    pub who: String,
    /// As [`Change::field`].
    pub field: String,
    /// As [`Change::before`].
    pub before: Option<String>,
    /// As [`Change::after`].
    pub after: Option<String>,
}

/// Fields of a statement: SQLite takes 32,766 values.
const ROWS: usize = 1_000;

/// Writes changes of rows of one kind in the transaction that makes them.
pub(crate) async fn record(
    tx: &mut SqliteConnection,
    at: Timestamp,
    who: &str,
    kind: Kind,
    changes: &[Change],
) -> Result<(), StoreError> {
    for changes in changes.chunks(ROWS) {
        let mut sql = QueryBuilder::<Sqlite>::new(
            "INSERT INTO history (at, who, kind, row, field, before, after) ",
        );
        sql.push_values(changes, |mut values, change| {
            values
                .push_bind(at.as_second())
                .push_bind(who)
                .push_bind(kind.as_str())
                .push_bind(change.row)
                .push_bind(change.field)
                .push_bind(change.before.as_deref())
                .push_bind(change.after.as_deref());
        });
        sql.build().execute(&mut *tx).await?;
    }
    Ok(())
}

impl Store {
    /// The latest `limit` changes of a row, newest first.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn history(
        &self,
        kind: Kind,
        row: i64,
        limit: u32,
    ) -> Result<Vec<Changed>, StoreError> {
        type Row = (i64, i64, String, String, Option<String>, Option<String>);
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT id, at, who, field, before, after FROM history WHERE kind = $1 AND row = $2 ORDER BY id DESC LIMIT $3",
        )
        .bind(kind.as_str())
        .bind(row)
        .bind(limit)
        .fetch_all(&self.reader)
        .await?;
        rows.into_iter()
            .map(|(id, at, who, field, before, after)| {
                Ok(Changed {
                    at: moment(at, "history", "at", id)?,
                    who,
                    field,
                    before,
                    after,
                })
            })
            .collect()
    }
}
