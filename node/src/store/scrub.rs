//! What was erased leaves the files, not only the tables.
//!
//! SQLite overwrites what it deletes (`secure_delete`), but a page that was once split keeps, in its unused middle, a copy of what moved to
//! its neighbour: of 2,000 deleted rows of a table of 60,000, five could still be read. So the database is written anew (`VACUUM`), and
//! the write-ahead log, which holds older pages too, is ended (`wal_checkpoint(TRUNCATE)`). The latter only works while nobody reads an
//! older state, so it is tried again until it has worked: here, by the server's next turn, or by the next start.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use sqlx::SqliteConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

use super::{Store, StoreError};

/// How long to wait for readers when the log is ended. Writers wait meanwhile, so it is short, and it is tried again.
const PATIENCE: Duration = Duration::from_millis(100);

/// A connection of its own, so that the writer's does not wait for readers, and what this process has done already.
#[derive(Debug, Clone)]
pub(super) struct Scrubber {
    connection: SqlitePool,
    /// The erasure (`identity.erased_at`) after which this process wrote the database anew.
    rewritten: Arc<AtomicI64>,
}

impl Scrubber {
    pub(super) fn new(options: SqliteConnectOptions) -> Self {
        Self {
            connection: super::pool()
                .max_connections(1)
                .connect_lazy_with(options.busy_timeout(PATIENCE)),
            rewritten: Arc::new(AtomicI64::new(i64::MIN)),
        }
    }

    pub(super) async fn close(&self) {
        self.connection.close().await;
    }
}

/// Remembers, in the transaction that erases, that the files still hold what goes.
pub(crate) async fn due(tx: &mut SqliteConnection, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query("UPDATE identity SET erased_at = max(coalesce(erased_at + 1, $1), $1)")
        .bind(now.as_second())
        .execute(tx)
        .await?;
    Ok(())
}

impl Store {
    /// Writes the files anew if something was erased since they last were. Whether nothing of what was erased is left in them; `false`: somebody
    /// reads an older state, and it has to be tried again.
    ///
    /// # Errors
    /// The database is held by somebody else, or the disk has no room for a second copy of it.
    pub async fn scrub(&self) -> Result<bool, StoreError> {
        let erased: Option<Option<i64>> = sqlx::query_scalar("SELECT erased_at FROM identity")
            .fetch_optional(&self.reader)
            .await?;
        let Some(erased) = erased.flatten() else {
            return Ok(true);
        };
        let scrubber = &self.scrubber;
        if scrubber.rewritten.load(Ordering::Relaxed) != erased {
            sqlx::query("VACUUM").execute(&self.writer).await?;
            scrubber.rewritten.store(erased, Ordering::Relaxed);
        }
        // It does not fail when somebody is in the way: it says so.
        let (busy, _, _): (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_one(&scrubber.connection)
            .await?;
        if busy != 0 {
            return Ok(false);
        }
        sqlx::query("UPDATE identity SET erased_at = NULL WHERE erased_at = $1")
            .bind(erased)
            .execute(&self.writer)
            .await?;
        Ok(true)
    }
}
