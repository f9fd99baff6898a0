//! The node's SQLite store: one writer, many readers, WAL, `synchronous = FULL`.
//!
//! Each concern is a module with its own functions over [`Store`]: records, people, ledger,
//! outbox, practice. A row that cannot be what the schema says is [`StoreError::Corrupt`], which
//! names table, column and row.

pub mod enrolment;
pub mod ledger;
pub mod outbox;
pub mod releases;

use std::path::Path;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Sqlite, Transaction};

/// Trouble with the store.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum StoreError {
    #[error(
        "the database cannot be used: {0}. Check disk space and that no other program holds it"
    )]
    Database(#[from] sqlx::Error),
    #[error(
        "the database cannot be brought up to date: {0}. Restore the backup and use the program version that wrote it"
    )]
    Migration(#[from] sqlx::migrate::MigrateError),
    #[error("{table}.{column} of row {row} is damaged. Restore the backup")]
    Corrupt {
        table: &'static str,
        column: &'static str,
        row: String,
    },
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
            .busy_timeout(std::time::Duration::from_secs(10));
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options.clone())
            .await?;
        sqlx::migrate!().run(&writer).await?;
        let reader = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options.read_only(true).create_if_missing(false))
            .await?;
        Ok(Self { writer, reader })
    }

    /// Begins a write transaction; dropping it leaves everything as it was.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }
}
