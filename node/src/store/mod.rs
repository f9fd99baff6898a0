//! The node's SQLite store: one writer, many readers, WAL, `synchronous = FULL`.
//!
//! Each concern is a module with its own functions over [`Store`]: records, people, ledger,
//! outbox, practice. A row that cannot be what the schema says is [`StoreError::Corrupt`], which
//! names table, column and row.

use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, Sqlite, Transaction};

pub mod audit;
pub mod enrolment;
pub mod identity;
pub mod imports;
pub mod ledger;
pub mod outbox;
pub mod overview;
pub mod people;
pub mod practice;
pub mod records;
pub mod releases;

/// Trouble with the store.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum StoreError {
    #[error("the database cannot be used: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the database cannot be brought up to date: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    #[error("{table}.{column} of row {row} is damaged")]
    Corrupt {
        table: &'static str,
        column: &'static str,
        row: String,
    },
}

impl StoreError {
    /// What to do next, for the person who runs the program.
    #[must_use]
    pub fn next(&self) -> &'static str {
        match self {
            // Primary result codes: https://www.sqlite.org/rescode.html
            Self::Database(sqlx::Error::Database(error)) => {
                match error
                    .code()
                    .and_then(|c| c.parse::<i64>().ok())
                    .map(|c| c & 0xff)
                {
                    Some(5 | 6) => {
                        "Another command is writing. Wait until it has finished and try again."
                    }
                    Some(8) => {
                        "Make the data directory and the database writable for the user who runs this program."
                    }
                    Some(10 | 13) => {
                        "Free space on the disk that holds data_dir and try again. Nothing was half stored."
                    }
                    Some(14) => "Check data_dir and the rights on it; `init` makes a new node.",
                    Some(11 | 26) => {
                        "The file is damaged or no database of this program: restore the backup."
                    }
                    _ => "Check the disk that holds data_dir; if it is sound, restore the backup.",
                }
            }
            Self::Database(_) => {
                "Try again; if it happens again, check the disk that holds data_dir."
            }
            Self::Migration(_) => {
                "Use the program version that last wrote the database, or a newer one; otherwise restore the backup."
            }
            Self::Corrupt { .. } => "Restore the backup.",
        }
    }
}

/// Days since 1970-01-01: how dates are stored.
#[must_use]
pub fn day(date: Date) -> i64 {
    const SECONDS: i64 = 86_400;
    date.to_zoned(jiff::tz::TimeZone::UTC)
        .map_or(0, |at| at.timestamp().as_second().div_euclid(SECONDS))
}

/// The date that is `day` days after 1970-01-01; `None` outside the calendar.
#[must_use]
pub fn date(day: i64) -> Option<Date> {
    let days = jiff::Span::new().try_days(day).ok()?;
    jiff::civil::date(1970, 1, 1).checked_add(days).ok()
}

/// A stored moment.
pub(crate) fn moment(
    second: i64,
    table: &'static str,
    column: &'static str,
    row: impl ToString,
) -> Result<Timestamp, StoreError> {
    Timestamp::from_second(second).map_err(|_| StoreError::Corrupt {
        table,
        column,
        row: row.to_string(),
    })
}

/// An open store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    /// One connection: begin write transactions with `BEGIN IMMEDIATE`.
    pub(crate) writer: SqlitePool,
    /// Read-only connections.
    pub(crate) reader: SqlitePool,
}

impl Store {
    /// Opens the database at `path`, creating it when absent, and brings it up to date.
    ///
    /// # Errors
    /// The file cannot be opened or belongs to a newer version.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(std::time::Duration::from_secs(10))
            // A large import does not leave a write-ahead log of its size behind: 64 MiB are kept.
            .pragma("journal_size_limit", "67108864")
            // Bulk statements are long, and what runs here is nobody's business.
            .disable_statement_logging();
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            // A full disk makes SQLite end the transaction by itself; sqlx does not notice and would refuse every
            // later one. Such a connection is closed and another one opened.
            .before_acquire(|connection, _| {
                let clean = !connection.is_in_transaction();
                Box::pin(async move { Ok(clean) })
            })
            .connect_with(options.clone())
            .await?;
        sqlx::migrate!().run(&writer).await?;
        let reader = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options.read_only(true).create_if_missing(false))
            .await?;
        Ok(Self { writer, reader })
    }

    /// Begins a write transaction. Dropped without `commit`, it leaves nothing behind.
    ///
    /// # Errors
    /// The database cannot be written, or another program holds it for more than ten seconds.
    pub(crate) async fn write(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// Closes all connections and folds the write-ahead log into the database file.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_days() {
        let leap = jiff::civil::date(2024, 2, 29);
        assert_eq!(day(jiff::civil::date(1970, 1, 1)), 0);
        assert_eq!(day(leap), 19_782);
        assert_eq!(date(19_782), Some(leap));
        assert_eq!(date(-1), Some(jiff::civil::date(1969, 12, 31)));
        assert_eq!(date(i64::MAX), None);
    }
}
