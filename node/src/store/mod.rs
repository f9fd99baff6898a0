//! The node's SQLite store: one writer, many readers, WAL, `synchronous = FULL`.
//!
//! Each concern is a module with its own functions over [`Store`]: records, people, ledger,
//! outbox, practice. A row that cannot be what the schema says is [`StoreError::Corrupt`], which
//! names table, column and row.

use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, Sqlite, Transaction};
use tokio::sync::Notify;

/// A command waits this long for another one that writes; an import of a million rows takes less.
const PATIENCE: Duration = Duration::from_secs(10);

pub mod accounts;
pub mod answers;
pub mod audit;
pub mod cohorts;
pub(crate) mod context;
pub(crate) mod counted;
pub(crate) mod delivery;
pub mod demand;
pub(crate) mod doubles;
pub mod enrolment;
pub mod erasure;
pub mod feeds;
pub(crate) mod gathering;
pub mod history;
pub mod identity;
pub mod ilr;
pub mod imports;
pub(crate) mod items;
pub mod kept;
pub mod ledger;
pub mod mappings;
pub mod needs;
pub mod organisations;
pub mod outbox;
pub mod overview;
pub mod people;
pub mod practice;
pub mod programmes;
pub mod proofs;
pub mod providers;
pub mod quality;
pub mod questionnaires;
pub mod records;
pub mod releases;
pub mod retention;
pub mod revisions;
pub mod scrub;
pub mod services;
pub mod spend;
pub mod subjects;
pub mod terms;

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
    /// SQLite's extended result code (sqlite.org/rescode.html); the low byte is the primary one.
    fn code(&self) -> Option<u32> {
        match self {
            Self::Database(sqlx::Error::Database(error)) => error.code()?.parse().ok(),
            _ => None,
        }
    }

    /// Whether another program or another act of this one holds the database: the same may work a moment later.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        matches!(self.code().map(|code| code & 0xff), Some(5 | 6))
            || matches!(self, Self::Database(sqlx::Error::PoolTimedOut))
    }

    /// Whether a write may or may not have reached the disk: a server that goes on could tell what a power cut takes back.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        self.code().is_some_and(is_unconfirmed)
    }

    /// What to do next, for the person who runs the program.
    #[must_use]
    pub fn next(&self) -> &'static str {
        if self.is_busy() {
            return "Another command or import is writing. Wait until it has finished and try again.";
        }
        match self {
            Self::Database(sqlx::Error::Database(_)) => next_of(self.code().unwrap_or(0)),
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

/// SQLITE_IOERR_FSYNC and SQLITE_IOERR_DIR_FSYNC.
fn is_unconfirmed(code: u32) -> bool {
    matches!(code, 1034 | 1290)
}

fn next_of(code: u32) -> &'static str {
    match (code & 0xff, code) {
        (8, _) => {
            "Make the data directory and the database writable for the user who runs this program."
        }
        _ if is_unconfirmed(code) => {
            "The disk did not confirm the write, so whether it is stored is unknown. Check the disk that holds data_dir, then look at `status` before you try again."
        }
        // Reading failed: SQLITE_IOERR_READ, _SHORT_READ and _CORRUPTFS.
        (10, 266 | 522 | 8458) => {
            "The disk does not give back what was written. Check the disk that holds data_dir; if it is sound, restore the backup."
        }
        (10 | 13, _) => {
            "Free space on the disk that holds data_dir and on the one for temporary files (TMPDIR), and try again. Nothing was half stored."
        }
        (14, _) => {
            "Check data_dir, the rights on it and the space on its disk; `init` makes a new node."
        }
        (11 | 26, _) => "The file is damaged or no database of this program: restore the backup.",
        _ => "Check the disk that holds data_dir; if it is sound, restore the backup.",
    }
}

/// Days since 1970-01-01: how dates are stored.
#[must_use]
pub fn day(date: Date) -> i64 {
    const EPOCH: Date = jiff::civil::date(1970, 1, 1);
    date.duration_since(EPOCH).as_hours() / 24
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
    /// Told when a commit was not confirmed by the disk.
    unconfirmed: Arc<Notify>,
    /// Writes the files anew after an erasure.
    scrubber: scrub::Scrubber,
    /// What was counted and still holds.
    pub(crate) counts: counted::Counts,
}

/// A write transaction: a connection, until it is committed. Dropped without [`Self::commit`], it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Write {
    transaction: Transaction<'static, Sqlite>,
    unconfirmed: Arc<Notify>,
}

impl Write {
    /// Makes everything durable.
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        let done = self.transaction.commit().await;
        if let Err(sqlx::Error::Database(error)) = &done
            && let Some(code) = error.code().and_then(|code| code.parse().ok())
            && is_unconfirmed(code)
        {
            self.unconfirmed.notify_one();
        }
        done
    }

    /// Undoes everything.
    pub(crate) async fn rollback(self) -> Result<(), sqlx::Error> {
        self.transaction.rollback().await
    }
}

impl Deref for Write {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.transaction
    }
}

impl DerefMut for Write {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.transaction
    }
}

/// What both pools have in common.
fn pool() -> SqlitePoolOptions {
    // sqlx looks after idle connections by a count that may be -1 for a moment, as an unsigned number: a processor would be busy with
    // it for ever (tests/tests/house.rs). A connection to a file does not age.
    SqlitePoolOptions::new()
        .idle_timeout(None)
        .max_lifetime(None)
}

impl Store {
    /// Opens the database at `path`, creating it when absent, and brings it up to date.
    ///
    /// # Errors
    /// The file cannot be opened or belongs to a newer version.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_patient(path, PATIENCE).await
    }

    /// [`Self::open`] with another time to wait for a program that holds the database.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_patient(path: &Path, patience: Duration) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(patience)
            // A large import does not leave a write-ahead log of its size behind: 64 MiB are kept.
            .pragma("journal_size_limit", "67108864")
            // What is deleted is overwritten in the database file. `scrub` does the rest after an erasure.
            .pragma("main.secure_delete", "ON")
            // Bulk statements are long, and what runs here is nobody's business.
            .disable_statement_logging();
        let writer = pool()
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
        audit::begin_chain(&writer).await?;
        let scrubber = scrub::Scrubber::new(options.clone().create_if_missing(false));
        let options = options.read_only(true).create_if_missing(false);
        let counts = counted::Counts::new(options.clone());
        let reader = pool().max_connections(4).connect_with(options).await?;
        Ok(Self {
            writer,
            reader,
            unconfirmed: Arc::default(),
            scrubber,
            counts,
        })
    }

    /// Begins a write transaction. Dropped without `commit`, it leaves nothing behind.
    ///
    /// # Errors
    /// The database cannot be written, or another program holds it for more than ten seconds.
    pub(crate) async fn write(&self) -> Result<Write, StoreError> {
        Ok(Write {
            transaction: self.writer.begin_with("BEGIN IMMEDIATE").await?,
            unconfirmed: self.unconfirmed.clone(),
        })
    }

    /// Resolves once the disk did not confirm a write of this process: it must end, and its next start reads back what is
    /// there.
    pub async fn unconfirmed(&self) {
        self.unconfirmed.notified().await;
    }

    /// Closes all connections and folds the write-ahead log into the database file.
    pub async fn close(&self) {
        self.reader.close().await;
        self.scrubber.close().await;
        self.counts.close().await;
        self.writer.close().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_finds_the_database_held_is_told_so_and_served_later() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node.db");
        let patience = Duration::from_millis(20);
        let one = Store::open_patient(&path, patience).await.unwrap();
        let two = Store::open_patient(&path, patience).await.unwrap();
        let held = one.write().await.unwrap();
        let error = two.write().await.unwrap_err();
        assert!(error.is_busy() && !error.is_fatal(), "{error}");
        assert!(error.next().contains("Wait"), "{}", error.next());
        // Reading goes on meanwhile.
        assert!(two.people().await.unwrap().is_empty());
        held.rollback().await.unwrap();
        two.write().await.unwrap().commit().await.unwrap();
    }

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
