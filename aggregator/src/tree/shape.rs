//! The hashes of a tree that grows at its right edge.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use ldsp_protocol::ids::Digest;
use ldsp_protocol::log::Edge;
use ldsp_protocol::log::merkle::node_hash;
use ldsp_protocol::log::tile::{TILE_HEIGHT, TILE_WIDTH};

/// All hashes of complete subtrees inside one tile, leaves first; the tile's own is not among them.
#[derive(Debug, Clone, Default)]
pub(super) struct Pyramid([Vec<Digest>; TILE_HEIGHT as usize]);

impl Pyramid {
    pub(super) fn leaves(&self) -> &[Digest] {
        &self.0[0]
    }

    /// Adds a leaf; the tile's own hash when that fills it.
    pub(super) fn push(&mut self, leaf: Digest) -> Option<Digest> {
        let mut hash = leaf;
        for level in &mut self.0 {
            level.push(hash);
            let [.., left, right] = level.as_slice() else {
                return None;
            };
            if level.len() % 2 == 1 {
                return None;
            }
            hash = node_hash(left, right);
        }
        Some(hash)
    }

    /// By level under the tile's and place inside the tile.
    fn node(&self, level: u32, at: u64) -> Option<Digest> {
        self.0.get(level as usize)?.get(at as usize).copied()
    }
}

/// A tree without the hashes inside full tiles.
#[derive(Debug, Default)]
pub(super) struct Shape {
    edge: Edge,
    /// Complete subtrees of [`TILE_HEIGHT`] levels and more, lowest level first.
    upper: Vec<Vec<Digest>>,
    /// The tile that is not full.
    last: Pyramid,
}

impl Shape {
    pub(super) fn size(&self) -> u64 {
        self.edge.size()
    }

    pub(super) fn edge(&self) -> &Edge {
        &self.edge
    }

    /// Adds a leaf; the tile's number and inner hashes when that fills it.
    pub(super) fn push(&mut self, leaf: Digest) -> Option<(u64, Pyramid)> {
        self.edge.push(leaf);
        let mut hash = self.last.push(leaf)?;
        for level in 0.. {
            if self.upper.len() == level {
                self.upper.push(Vec::new());
            }
            let hashes = &mut self.upper[level];
            hashes.push(hash);
            if hashes.len() % 2 == 1 {
                break;
            }
            hash = node_hash(&hashes[hashes.len() - 2], &hash);
        }
        let full = std::mem::take(&mut self.last);
        Some((self.size() / TILE_WIDTH - 1, full))
    }

    /// The hash of a full tile.
    pub(super) fn top(&self, tile: u64) -> Option<Digest> {
        self.node(TILE_HEIGHT, tile, None)
    }

    /// A complete subtree by level and place; inside a full tile it is taken from `inner`, which is that tile's.
    pub(super) fn node(&self, level: u32, at: u64, inner: Option<&Pyramid>) -> Option<Digest> {
        if let Some(upper) = level.checked_sub(TILE_HEIGHT) {
            return self.upper.get(upper as usize)?.get(at as usize).copied();
        }
        let each = TILE_WIDTH >> level;
        let tile = if at / each == self.size() / TILE_WIDTH {
            &self.last
        } else {
            inner?
        };
        tile.node(level, at % each)
    }

    /// The hashes of a tile of `level` at these places, one behind the other; `None` of leaves in a full tile.
    pub(super) fn hashes(&self, level: u8, places: Range<u64>) -> Option<Vec<u8>> {
        let level = TILE_HEIGHT * u32::from(level);
        let hashes: Option<Vec<Digest>> = places.map(|at| self.node(level, at, None)).collect();
        Some(joined(&hashes?))
    }
}

/// As a tile holds them.
pub(super) fn joined(hashes: &[Digest]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

/// The insides of full tiles that were asked for last.
#[derive(Debug)]
pub(super) struct Older {
    kept: BTreeMap<u64, (u64, Arc<Pyramid>)>,
    most: usize,
    /// Counts uses.
    clock: u64,
}

impl Older {
    pub(super) fn new(most: usize) -> Self {
        Self {
            kept: BTreeMap::new(),
            most,
            clock: 0,
        }
    }

    pub(super) fn get(&mut self, tile: u64) -> Option<Arc<Pyramid>> {
        self.clock += 1;
        let (used, inner) = self.kept.get_mut(&tile)?;
        *used = self.clock;
        Some(Arc::clone(inner))
    }

    /// Keeps a tile in the place of the one whose last use is longest ago.
    pub(super) fn keep(&mut self, tile: u64, inner: Arc<Pyramid>) {
        self.clock += 1;
        self.kept.insert(tile, (self.clock, inner));
        if self.kept.len() > self.most {
            let oldest = self.kept.iter().min_by_key(|(_, (used, _))| *used);
            let oldest = oldest.map(|(tile, _)| *tile);
            oldest.map(|tile| self.kept.remove(&tile));
        }
    }
}
