//! The latest snapshot, which follows the log.

use std::sync::{Arc, Mutex, PoisonError};

use super::Snapshot;
use crate::store::{Log, Position, Rollups, StoreError};

/// Statements that are read at once: what they hold of cells is in memory only until it is added up. With the pledges that a node may
/// accept ([`MAX_PLEDGES`](ldsp_protocol::summary::MAX_PLEDGES)) a month has a few thousand cells of eight bytes.
const CHUNK: u64 = 256;

/// Keeps one [`Snapshot`] in the program's state.
///
/// Whoever asks gets a snapshot of at least everything that was durable when it asked, whichever program wrote it. When
/// nothing changed that is one small read; else one reader at a time reads what is new and the others wait for it. Nobody
/// waits for a writer.
#[derive(Debug, Default)]
pub struct Benchmarks {
    latest: Mutex<Arc<Snapshot>>,
    turn: tokio::sync::Mutex<()>,
}

impl Benchmarks {
    /// The snapshot of the store's present state.
    ///
    /// # Errors
    /// [`StoreError`]; the next call tries again from the last snapshot on.
    pub async fn load<S: Log + Rollups>(&self, store: &S) -> Result<Arc<Snapshot>, StoreError> {
        let asked = store.position().await?;
        if let Some(snapshot) = self.at_least(&asked) {
            return Ok(snapshot);
        }
        let (_turn, at) = if let Ok(turn) = self.turn.try_lock() {
            (turn, asked)
        } else {
            let turn = self.turn.lock().await;
            // Who had the turn before may have read this far.
            if let Some(snapshot) = self.at_least(&asked) {
                return Ok(snapshot);
            }
            // What is new since this question is for those who ask now and wait for their turn.
            (turn, store.position().await?)
        };
        let mut snapshot = self.latest();
        // An older database was restored under this program: what it showed is not there any more.
        if snapshot.size() > at.size {
            snapshot = Arc::default();
        }
        let mut from = snapshot.size();
        loop {
            let to = at.size.min(from + CHUNK);
            let months = store.months(from..to).await?;
            let reached = Position {
                size: to,
                members: at.members.clone(),
            };
            snapshot = Arc::new(snapshot.after(reached, months));
            from = to;
            if from >= at.size {
                break;
            }
        }
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&snapshot);
        Ok(snapshot)
    }

    fn latest(&self) -> Arc<Snapshot> {
        Arc::clone(&self.latest.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The latest snapshot if it holds all that `asked` saw.
    fn at_least(&self, asked: &Position) -> Option<Arc<Snapshot>> {
        let latest = self.latest();
        let known = latest.position();
        // Statements are only added; of two lists of nodes nobody can tell which is the newer.
        (known.members == asked.members && known.size >= asked.size).then_some(latest)
    }
}
