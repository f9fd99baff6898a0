//! SQLite: embedded, one writer and many readers, WAL, `synchronous = FULL`, so that what a
//! transaction wrote survives a power cut.

mod checkpoint;
mod curation;
mod drafts;
mod library;
mod lists;
mod log;
mod recovery;
mod registry;
mod revisions;
mod rollups;
mod staff;
#[cfg(test)]
mod tests;
mod tree;

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::query_builder::{QueryBuilder, Separated};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
    SqliteTransaction,
};
use sqlx::{Connection as _, SqliteConnection, query_scalar};

use self::checkpoint::Checkpoints;
use super::StoreError;
use super::upgrade::Upgrade;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// Write transactions take the lock at once: a read that turns into a write later would not wait
/// for a busy database.
const IMMEDIATE: &str = "BEGIN IMMEDIATE";

/// An open database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sqlite {
    writer: SqlitePool,
    reader: SqlitePool,
    checkpoints: Checkpoints,
}

impl Sqlite {
    /// Opens the database at `path` for a server, creating it when absent, and brings it up to date.
    ///
    /// # Errors
    /// The file cannot be opened, or a newer version wrote it.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let store = Self::connect(path, Upgrade::Any).await?;
        lists::mend_tally(&store).await?;
        Ok(store)
    }

    /// Opens a database that is up to date, or a new one.
    ///
    /// # Errors
    /// As [`Self::open`]; an older version wrote the database.
    pub async fn visit(path: &Path) -> Result<Self, StoreError> {
        Self::connect(path, Upgrade::OfNothing).await
    }

    async fn connect(path: &Path, upgrade: Upgrade) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .statement_cache_capacity(PREPARED)
            .busy_timeout(Duration::from_secs(5))
            .pragma("wal_autocheckpoint", checkpoint::WAL_PAGES)
            // What is withdrawn leaves the file, not only the tables.
            .pragma("secure_delete", "ON");
        // A connection is a thread of this process: there is nothing to try before it is used.
        let pool = || pool().test_before_acquire(false);
        let writer = pool()
            .max_connections(1)
            // A full disk makes SQLite end the transaction by itself; sqlx does not notice and would refuse every
            // later one. Such a connection is closed and another one opened.
            .before_acquire(|connection, _| {
                let clean = !connection.is_in_transaction();
                Box::pin(async move { Ok(clean) })
            })
            .connect_with(options.clone().pragma("cache_size", WRITER_CACHE))
            .await?;
        let there: i64 =
            query_scalar("SELECT count(*) FROM sqlite_master WHERE name = '_sqlx_migrations'")
                .fetch_one(&writer)
                .await?;
        let applied = if there > 0 {
            query_scalar("SELECT version FROM _sqlx_migrations")
                .fetch_all(&writer)
                .await?
        } else {
            Vec::new()
        };
        upgrade.is_needed(&MIGRATIONS, &applied)?;
        MIGRATIONS.run(&writer).await?;
        let checkpoints = Checkpoints::start(options.clone().create_if_missing(false));
        let reader = pool()
            .max_connections(8)
            .connect_with(options.read_only(true).create_if_missing(false))
            .await?;
        Ok(Self {
            writer,
            reader,
            checkpoints,
        })
    }

    /// Waits for running work and closes the files.
    pub async fn close(&self) {
        self.reader.close().await;
        self.checkpoints.close().await;
        self.writer.close().await;
    }

    /// A transaction that alone may write.
    async fn begin(&self) -> Result<SqliteTransaction<'static>, StoreError> {
        Ok(self.writer.begin_with(IMMEDIATE).await?)
    }

    /// A transaction that reads one moment.
    pub(super) async fn reading(&self) -> Result<SqliteTransaction<'static>, StoreError> {
        Ok(self.reader.begin().await?)
    }

    /// The writing connection, for tests that damage rows.
    #[cfg(test)]
    pub(crate) fn writer(&self) -> &SqlitePool {
        &self.writer
    }
}

/// What all pools have in common.
fn pool() -> SqlitePoolOptions {
    // sqlx looks after idle connections by a count that may be -1 for a moment, as an unsigned number: a processor would be busy with
    // it for ever (tests/tests/house.rs). A connection to a file does not age.
    SqlitePoolOptions::new()
        .idle_timeout(None)
        .max_lifetime(None)
}

/// Pages that the writer keeps in memory, in KiB (negative, as SQLite wants it): digests come in no order, so a page of their index
/// that is not kept is read again for nearly every statement.
const WRITER_CACHE: &str = "-32000";

/// Rows of one SQL statement at most: it binds far fewer than the 32,766 values that it may have.
const PIECE: usize = 64;
/// Texts of SQL that a connection keeps prepared: of what is written there is one for every number of rows.
const PREPARED: usize = 8 * PIECE;

/// SQL statements that are carried out one behind the other as one message to the database's thread and back: on busy processors
/// it is the way there that takes time. They say OR FAIL where they write many rows: what a failed one has written goes with the
/// transaction, so SQLite need not keep copies for undoing it alone.
struct Script(QueryBuilder<sqlx::Sqlite>);

impl Script {
    fn new() -> Self {
        Self(QueryBuilder::new(""))
    }

    /// Adds `rows` as VALUES between `head` and `tail`, in as few statements as [`PIECE`] allows.
    fn rows<'a, T>(
        &mut self,
        (head, tail): (&'static str, &'static str),
        rows: &'a [T],
        bind: impl Fn(&mut Separated<'_, sqlx::Sqlite, &'static str>, &'a T),
    ) {
        for piece in rows.chunks(PIECE) {
            self.0.push(head);
            self.0.push_values(piece, |mut row, of| bind(&mut row, of));
            self.0.push(tail).push(";");
        }
    }

    async fn run(mut self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        self.0.build().execute(connection).await?;
        Ok(())
    }
}
