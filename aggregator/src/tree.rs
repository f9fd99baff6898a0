//! Tree: the log's Merkle tree in memory, from which receipts and tiles are made. It follows the
//! stored leaves and is never their source: what is not here is read, and what was read has to
//! agree with the checkpoint that was signed over it, or nothing is served.
//!
//! It keeps the hashes of complete subtrees of 256 leaves and more (64 bytes for each 256 leaves),
//! and of the last tile, which still grows, all hashes. Those inside older tiles are made again from
//! the leaves' records when somebody asks.

mod shape;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use ldsp_protocol::ids::Digest;
use ldsp_protocol::log::merkle::leaf_hash;
use ldsp_protocol::log::tile::{Level, TILE_WIDTH};
use ldsp_protocol::log::{Checkpoint, ENTRY_LEN, Proof, Tile, merkle};
use ldsp_protocol::note::Verifier;

use self::shape::{Older, Pyramid, Shape};
use crate::store::{Growth, Log, StoreError};

/// Leaves that are read at once: 7 MB of records.
const PAGE: u64 = 65_536;
/// Older tiles whose inner hashes are kept, 16 KiB each.
const OLDER: usize = 256;

/// Why a log is not served.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum AuditError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Differs(String),
}

/// The tree of a log in a store.
#[derive(Debug)]
pub struct Tree<S> {
    store: S,
    log: Verifier,
    present: RwLock<Present>,
    older: Mutex<Older>,
    /// Held while missing leaves are read: one does it for all.
    following: tokio::sync::Mutex<()>,
}

/// A state of the log: a checkpoint and the tree of exactly its size.
#[derive(Debug)]
struct Present {
    shape: Shape,
    checkpoint: String,
}

impl<S: Log> Tree<S> {
    /// Reads all leaves, builds the tree anew and compares it with what the log says of itself: size, right edge, and a
    /// checkpoint by the log's key over both.
    ///
    /// # Errors
    /// [`AuditError::Differs`] names what does not agree: such a log must not be served.
    pub async fn open(store: S, log: Verifier) -> Result<Self, AuditError> {
        // The head first: leaves that another process adds meanwhile are behind it.
        let head = store.head().await?;
        let differs = |what: String| AuditError::Differs(what);
        let signed = head.checkpoint.unwrap_or_default();
        let checkpoint = Checkpoint::open(&log, &signed).map_err(|e| differs(e.to_string()))?;
        let mut shape = Shape::default();
        while shape.size() < head.edge.size() {
            let first = shape.size();
            let records = store
                .records(first..(first + PAGE).min(head.edge.size()))
                .await?;
            if records.is_empty() {
                return Err(differs(format!(
                    "the log has {} leaves and the records of {first}",
                    head.edge.size()
                )));
            }
            hash_all(&records).for_each(|leaf| drop(shape.push(leaf)));
        }
        if *shape.edge() != head.edge {
            return Err(differs(format!(
                "the records of {} leaves do not lead to the stored edge of the tree",
                shape.size()
            )));
        }
        if (checkpoint.size, checkpoint.root) != (shape.size(), shape.edge().root()) {
            return Err(differs(format!(
                "the signed checkpoint has {} leaves with root {}, the records {} with root {}",
                checkpoint.size,
                checkpoint.root,
                shape.size(),
                shape.edge().root()
            )));
        }
        Ok(Self {
            store,
            log,
            present: RwLock::new(Present {
                shape,
                checkpoint: signed,
            }),
            older: Mutex::new(Older::new(OLDER)),
            following: tokio::sync::Mutex::default(),
        })
    }

    /// Takes what a transaction added. What does not follow on is left to be read when it is needed.
    pub fn grow(&self, growth: &Growth) {
        let mut present = self.write();
        if growth.first != present.shape.size() {
            return;
        }
        let mut edge = present.shape.edge().clone();
        growth.leaves.iter().for_each(|leaf| edge.push(*leaf));
        if growth.root == edge.root() {
            self.extend(&mut present, &growth.leaves, &growth.checkpoint);
        }
    }

    /// The checkpoint of the log as it stands in the store.
    ///
    /// # Errors
    /// Trouble with the store, or leaves that do not agree with their checkpoint.
    pub async fn checkpoint(&self) -> Result<String, StoreError> {
        self.follow().await?;
        Ok(self.read().checkpoint.clone())
    }

    /// The proof of a leaf against the latest checkpoint known here; `None` beyond the log's end.
    ///
    /// # Errors
    /// As [`Self::checkpoint`].
    pub async fn proof(&self, index: u64) -> Result<Option<Proof>, StoreError> {
        if index >= self.read().shape.size() {
            self.follow().await?;
        }
        let mut inner = None;
        loop {
            {
                let present = self.read();
                if index >= present.shape.size() {
                    return Ok(None);
                }
                if let Some(proof) = present.proof(index, inner.as_deref()) {
                    return Ok(Some(proof));
                }
            }
            // It is in a tile that is full: its inner hashes stay as they are.
            inner = Some(self.inner(index / TILE_WIDTH).await?);
        }
    }

    /// The root of the tree of the first `size` leaves; `None` beyond the log's end.
    ///
    /// # Errors
    /// As [`Self::checkpoint`].
    pub async fn root_at(&self, size: u64) -> Result<Option<Digest>, StoreError> {
        if size > self.read().shape.size() {
            self.follow().await?;
        }
        let mut inner = None;
        loop {
            {
                let present = self.read();
                if size > present.shape.size() {
                    return Ok(None);
                }
                let node = |level, at| present.shape.node(level, at, inner.as_deref()).ok_or(());
                if let Ok(root) = merkle::root(size, node) {
                    return Ok(Some(root));
                }
            }
            // It ends in a tile that is full: its inner hashes stay as they are.
            inner = Some(self.inner(size / TILE_WIDTH).await?);
        }
    }

    /// A tile's bytes; `None` where the log has none such. Hashes lie one behind the other; entries have their lengths before
    /// them (C2SP tlog-tiles, "Log Entries").
    ///
    /// # Errors
    /// As [`Self::checkpoint`].
    pub async fn tile(&self, tile: &Tile) -> Result<Option<Vec<u8>>, StoreError> {
        if !tile.is_in(self.read().shape.size()) {
            self.follow().await?;
            if !tile.is_in(self.read().shape.size()) {
                return Ok(None);
            }
        }
        let range = tile.first()..tile.first() + u64::from(tile.width);
        let level = match tile.level {
            Level::Entries => {
                let records = self.store.records(range).await?;
                let length = (ENTRY_LEN as u16).to_be_bytes();
                let (entries, _) = records.as_chunks::<ENTRY_LEN>();
                let bytes = entries.iter().flat_map(|e| length.iter().chain(e));
                return Ok(Some(bytes.copied().collect()));
            }
            Level::Hashes(level) => level,
        };
        if let Some(bytes) = self.read().shape.hashes(level, range.clone()) {
            return Ok(Some(bytes));
        }
        let inner = self.inner(tile.index).await?;
        Ok(Some(shape::joined(&inner.leaves()[..tile.width.into()])))
    }

    /// Reads the leaves that others added.
    async fn follow(&self) -> Result<(), StoreError> {
        let _alone = self.following.lock().await;
        // What is known here is read first: the log never has less.
        let known = self.read().shape.edge().clone();
        let head = self.store.head().await?;
        let size = head.edge.size();
        if size < known.size() {
            // Somebody put an older database in the place of the one that this program opened.
            return Err(damaged("size"));
        }
        if size == known.size() {
            return Ok(());
        }
        let signed = head.checkpoint.ok_or_else(|| damaged("checkpoint"))?;
        let checkpoint = Checkpoint::open(&self.log, &signed).map_err(|_| damaged("checkpoint"))?;
        let first = known.size();
        let mut edge = known;
        let mut leaves = Vec::new();
        while edge.size() < size {
            let start = edge.size();
            let records = self.store.records(start..(start + PAGE).min(size)).await?;
            if records.is_empty() {
                return Err(damaged("size"));
            }
            for leaf in hash_all(&records) {
                edge.push(leaf);
                leaves.push(leaf);
            }
        }
        if (checkpoint.size, checkpoint.root) != (size, edge.root()) {
            return Err(damaged("checkpoint"));
        }
        let mut present = self.write();
        // The writer may have been quicker with some or all of them.
        let done = present.shape.size().saturating_sub(first) as usize;
        if let Some(rest) = leaves.get(done..).filter(|rest| !rest.is_empty()) {
            self.extend(&mut present, rest, &signed);
        }
        Ok(())
    }

    fn extend(&self, present: &mut Present, leaves: &[Digest], checkpoint: &str) {
        for leaf in leaves {
            if let Some((tile, inner)) = present.shape.push(*leaf) {
                self.older().keep(tile, Arc::new(inner));
            }
        }
        checkpoint.clone_into(&mut present.checkpoint);
    }

    /// The hashes inside a full tile.
    async fn inner(&self, tile: u64) -> Result<Arc<Pyramid>, StoreError> {
        if let Some(inner) = self.older().get(tile) {
            return Ok(inner);
        }
        let first = tile * TILE_WIDTH;
        let records = self.store.records(first..first + TILE_WIDTH).await?;
        let mut inner = Pyramid::default();
        let top = hash_all(&records).fold(None, |_, leaf| inner.push(leaf));
        if top.is_none() || top != self.read().shape.top(tile) {
            // The records were sound when the server started.
            return Err(StoreError::Corrupt {
                table: "log_entry",
                column: "entries",
                row: format!("with leaf {first}"),
            });
        }
        let inner = Arc::new(inner);
        self.older().keep(tile, Arc::clone(&inner));
        Ok(inner)
    }

    fn older(&self) -> MutexGuard<'_, Older> {
        self.older.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> RwLockReadGuard<'_, Present> {
        self.present.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Present> {
        self.present.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Present {
    /// `None` when the leaf's tile is full and `inner`, its hashes, is not given.
    fn proof(&self, index: u64, inner: Option<&Pyramid>) -> Option<Proof> {
        let node = |level, at| self.shape.node(level, at, inner).ok_or(());
        let hashes = merkle::inclusion(index, self.shape.size(), node).ok()?;
        Some(Proof {
            index,
            hashes,
            checkpoint: self.checkpoint.clone(),
        })
    }
}

/// The hashes of leaves from their records.
fn hash_all(records: &[u8]) -> impl Iterator<Item = Digest> {
    let (entries, _) = records.as_chunks::<ENTRY_LEN>();
    entries.iter().map(|entry| leaf_hash(entry))
}

/// The log's head does not agree with its leaves.
fn damaged(column: &'static str) -> StoreError {
    StoreError::Corrupt {
        table: "log_head",
        column,
        row: "1".to_owned(),
    }
}
