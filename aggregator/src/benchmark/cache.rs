//! The latest snapshot, which follows the log.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ldsp_protocol::ids::NodeSlug;
use ldsp_protocol::rollup::NodeMonth;

use super::Snapshot;
use crate::store::{Log, Position, Rollups, StoreError};

/// Statements that are read at once: what they hold of cells is in memory only until it is added up. With the pledges that a node may
/// accept ([`MAX_PLEDGES`](ldsp_protocol::summary::MAX_PLEDGES)) a month has a few thousand cells of eight bytes.
const CHUNK: u64 = 256;

/// Keeps one [`Snapshot`] in the program's state.
///
/// Whoever asks gets a snapshot of at least everything that was durable when it asked, whichever program wrote it. When
/// nothing changed that is one small read; else one reader at a time reads what is new and the others wait for it. Nobody
/// waits for a writer. A log that is not the one before with more behind it (a backup was restored under this program) is
/// read from its beginning.
#[derive(Debug, Default)]
pub struct Benchmarks {
    latest: Mutex<Latest>,
    turn: tokio::sync::Mutex<()>,
    /// Questions where the log stands, in the order in which they were asked.
    asked: AtomicU64,
}

#[derive(Debug, Default, Clone)]
struct Latest {
    snapshot: Arc<Snapshot>,
    /// The record of its last leaf, which the log keeps as long as it is the same log.
    last: Arc<[u8]>,
    /// The question that it answers.
    asked: u64,
}

impl Benchmarks {
    /// The snapshot of the store's present state.
    ///
    /// # Errors
    /// [`StoreError`]; the next call tries again from the last snapshot on.
    pub async fn load<S: Log + Rollups>(&self, store: &S) -> Result<Arc<Snapshot>, StoreError> {
        let (asked, at) = self.ask(store).await?;
        if let Some(snapshot) = self.answer(asked, &at) {
            return Ok(snapshot);
        }
        let _turn = self.turn.lock().await;
        // Who had the turn before may have read this far.
        if let Some(snapshot) = self.answer(asked, &at) {
            return Ok(snapshot);
        }
        // What is new since this question is for those who ask now and wait for their turn.
        let (asked, at) = self.ask(store).await?;
        if let Some(snapshot) = self.answer(asked, &at) {
            return Ok(snapshot);
        }
        let (at, snapshot) = self.follow(store, at).await?;
        let last = store.records(at.size.saturating_sub(1)..at.size).await?;
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Latest {
            snapshot: Arc::clone(&snapshot),
            last: last.into(),
            asked,
        };
        Ok(snapshot)
    }

    /// Reads on from the latest snapshot to `at`, or to where the log stands when that can no longer be read: what a node has withdrawn
    /// since is gone from what it was at `at`.
    async fn follow<S: Log + Rollups>(
        &self,
        store: &S,
        mut at: Position,
    ) -> Result<(Position, Arc<Snapshot>), StoreError> {
        let mut snapshot = self.latest().snapshot;
        if !self.goes_on(store, &at).await? {
            tracing::warn!(
                from = snapshot.size(),
                to = at.size,
                "the log is another one: its figures are made anew"
            );
            snapshot = Arc::default();
        }
        let mut revised = BTreeSet::new();
        loop {
            snapshot = read_on(store, snapshot, &at, &mut revised).await?;
            for node in &revised {
                let mut months = store.contributions(Some(node)).await?;
                // What was logged behind `at` meanwhile comes in its own turn. Read afterwards, this lists all that of it.
                let later = store.months(at.size..u64::MAX).await?;
                let is_later = |month: &NodeMonth| {
                    let same = |l: &NodeMonth| l.seq == month.seq && l.node == month.node;
                    later.iter().any(same)
                };
                months.retain(|month| !is_later(month));
                snapshot = Arc::new(snapshot.with(&at, node, months));
            }
            let since = store.revised(at.size..u64::MAX).await?;
            if since.is_empty() {
                return Ok((at, snapshot));
            }
            // Whoever withdrew or corrected something while this was read may have been read in part.
            revised.extend(since);
            at = store.position().await?;
        }
    }

    async fn ask<S: Log>(&self, store: &S) -> Result<(u64, Position), StoreError> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        Ok((asked, store.position().await?))
    }

    fn latest(&self) -> Latest {
        self.latest
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The latest snapshot if it is of the state `at`, or of one that was read after this question was asked.
    fn answer(&self, asked: u64, at: &Position) -> Option<Arc<Snapshot>> {
        let latest = self.latest();
        let same = latest.snapshot.position() == at;
        (same || latest.asked > asked).then_some(latest.snapshot)
    }

    /// Whether the log at `at` is that of the latest snapshot with whatever came behind it.
    async fn goes_on<S: Log>(&self, store: &S, at: &Position) -> Result<bool, StoreError> {
        let Latest { snapshot, last, .. } = self.latest();
        let known = snapshot.position();
        if at.size <= known.size {
            return Ok(at.edge == known.edge);
        }
        let Some(place) = known.size.checked_sub(1) else {
            return Ok(true);
        };
        Ok(store.records(place..known.size).await?[..] == last[..])
    }
}

/// What the log has between `snapshot` and `at`. Nodes that withdrew or corrected something there are left to be read anew as they
/// stand: that changes months which were read before.
async fn read_on<S: Log + Rollups>(
    store: &S,
    mut snapshot: Arc<Snapshot>,
    at: &Position,
    revised: &mut BTreeSet<NodeSlug>,
) -> Result<Arc<Snapshot>, StoreError> {
    let mut from = snapshot.size();
    revised.extend(store.revised(from..at.size).await?);
    let needs = snapshot.needs().after(store, from..at.size).await?;
    let needs = Arc::new(needs);
    loop {
        let to = at.size.min(from + CHUNK);
        let mut months = store.months(from..to).await?;
        months.retain(|month| !revised.contains(&month.node));
        // Nobody sees the states between, so all may have the name of the last.
        let reached = Position {
            size: to,
            ..at.clone()
        };
        snapshot = Arc::new(snapshot.after(reached, Arc::clone(&needs), months));
        from = to;
        if from >= at.size {
            return Ok(snapshot);
        }
    }
}
