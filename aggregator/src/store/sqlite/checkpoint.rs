//! Checkpoints beside the writer. Left alone, SQLite has the writer copy the WAL into the database
//! at every commit that finds 1,000 pages in it, and all who wait for that commit wait for the copy
//! and its fsyncs as well. Here another connection copies while the writer goes on (PASSIVE: it waits
//! for nobody and nobody for it). The writer keeps a threshold of its own, [`WAL_PAGES`]: it then
//! finds little left to copy, and starts the WAL file again from its beginning.
//!
//! What was withdrawn is overwritten in the database, and stays in the WAL until that is ended (TRUNCATE), which only works while
//! nobody reads an older state. So it is tried again until it has worked, here and off the writer's path.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::store::NewStatement;

/// Pages of 4 KiB in the WAL at which the writer itself checkpoints.
pub(super) const WAL_PAGES: &str = "16000";
/// Bytes written, roughly, after which a checkpoint is due: little at a time, because its fsync shares the disk with the
/// writer's.
const DUE: usize = 2 << 20;

/// How long to wait for readers and the writer when the WAL is ended. They wait meanwhile, so it is short, and it is tried again.
const PATIENCE: Duration = Duration::from_millis(100);
/// After this much the WAL is tried to be ended again.
const AGAIN: Duration = Duration::from_secs(1);

/// How often the WAL was to be ended, and how many of those times it has been.
#[derive(Debug, Clone, Copy, Default)]
struct Ends {
    wanted: u64,
    done: u64,
}

impl Ends {
    fn is_due(self) -> bool {
        self.done < self.wanted
    }
}

/// Asks for checkpoints. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Checkpoints {
    connection: SqlitePool,
    written: Arc<AtomicUsize>,
    ask: mpsc::Sender<()>,
    ends: Arc<watch::Sender<Ends>>,
}

impl Checkpoints {
    /// Starts the task that makes them; it ends with the last clone. The WAL is ended once at the start: a program that was killed may have
    /// left there what was withdrawn.
    pub(super) fn start(options: SqliteConnectOptions) -> Self {
        let connection = super::pool()
            .max_connections(1)
            .connect_lazy_with(options.busy_timeout(PATIENCE));
        let (ask, asked) = mpsc::channel(1);
        let ends = Arc::new(watch::Sender::new(Ends::default()));
        tokio::spawn(work(connection.clone(), asked, Arc::clone(&ends)));
        let checkpoints = Self {
            connection,
            written: Arc::default(),
            ask,
            ends,
        };
        checkpoints.end();
        checkpoints
    }

    /// Has the WAL ended as soon as nobody reads what stands only there.
    pub(super) fn end(&self) {
        self.ends.send_modify(|ends| ends.wanted += 1);
        // One that is asked for already sees it.
        let _asked = self.ask.try_send(());
    }

    /// Waits until the WAL holds nothing from before the last [`Self::end`].
    #[cfg(test)]
    pub(super) async fn ended(&self) {
        let mut ends = self.ends.subscribe();
        ends.wait_for(|ends| !ends.is_due()).await.unwrap();
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

/// Makes checkpoints as they are asked for, and ends the WAL when that is due, again and again until it has worked.
async fn work(pool: SqlitePool, mut asked: mpsc::Receiver<()>, ends: Arc<watch::Sender<Ends>>) {
    let mut told = false;
    loop {
        let due = *ends.borrow();
        let came = if due.is_due() {
            timeout(AGAIN, asked.recv()).await.unwrap_or(Some(()))
        } else {
            asked.recv().await
        };
        if came.is_none() || pool.is_closed() {
            return;
        }
        let due = *ends.borrow();
        let made = checkpoint(&pool, due.is_due()).await;
        match made {
            Ok(ended) => {
                if ended {
                    told = false;
                    ends.send_modify(|ends| ends.done = due.wanted);
                }
            }
            Err(_) if pool.is_closed() => return,
            Err(error) if !told => {
                told = true;
                tracing::warn!(%error, "a checkpoint could not be made; it is made later");
            }
            Err(_) => {}
        }
    }
}

/// Copies the WAL into the database, and ends it where that is wanted and nobody is in the way; whether it was ended.
async fn checkpoint(pool: &SqlitePool, end: bool) -> Result<bool, sqlx::Error> {
    sqlx::query("PRAGMA wal_checkpoint(PASSIVE)")
        .execute(pool)
        .await?;
    if !end {
        return Ok(false);
    }
    // It does not fail when somebody is in the way: it says so.
    let (busy, _, _): (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)")
        .fetch_one(pool)
        .await?;
    Ok(busy == 0)
}
