//! Checkpoints beside the writer. Left alone, SQLite has the writer copy the WAL into the database
//! at every commit that finds 1,000 pages in it, and all who wait for that commit wait for the copy
//! and its fsyncs as well. Here another connection copies while the writer goes on (PASSIVE: it waits
//! for nobody and nobody for it). The writer keeps a threshold of its own, [`WAL_PAGES`]: it then
//! finds little left to copy, and starts the WAL file again from its beginning.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use tokio::sync::mpsc;

use crate::store::NewStatement;

/// Pages of 4 KiB in the WAL at which the writer itself checkpoints.
pub(super) const WAL_PAGES: &str = "16000";
/// Bytes written, roughly, after which a checkpoint is due: little at a time, because its fsync shares the disk with the
/// writer's.
const DUE: usize = 2 << 20;

/// Asks for checkpoints. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Checkpoints {
    connection: SqlitePool,
    written: Arc<AtomicUsize>,
    ask: mpsc::Sender<()>,
}

impl Checkpoints {
    /// Starts the task that makes them; it ends with the last clone.
    pub(super) fn start(options: SqliteConnectOptions) -> Self {
        let connection = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_lazy_with(options);
        let (ask, mut asked) = mpsc::channel(1);
        let pool = connection.clone();
        tokio::spawn(async move {
            while asked.recv().await.is_some() {
                let made = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)")
                    .execute(&pool)
                    .await;
                if let Err(error) = made
                    && !pool.is_closed()
                {
                    tracing::warn!(%error, "a checkpoint could not be made; the writer makes it later");
                }
            }
        });
        Self {
            connection,
            written: Arc::default(),
            ask,
        }
    }

    /// Counts what was committed: envelopes, index pages, and of a summary the sums.
    pub(super) fn count(&self, batch: &[NewStatement]) {
        let bytes: usize = batch.iter().map(|new| 4096 + 2 * new.envelope.len()).sum();
        if self.written.fetch_add(bytes, Ordering::Relaxed) + bytes >= DUE {
            self.written.store(0, Ordering::Relaxed);
            // One that is asked for already will copy this too.
            let _asked = self.ask.try_send(());
        }
    }

    pub(super) async fn close(&self) {
        self.connection.close().await;
    }
}
