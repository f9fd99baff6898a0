//! A whole log, read once from its first entry to its last: entries -> leaf hashes -> tiles -> root -> the signed
//! checkpoint. Memory does not grow with the log.

use std::collections::{BTreeMap, VecDeque};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use ldsp_protocol::ids::{Digest, NodeSlug};
use ldsp_protocol::log::tile::{Level, TILE_HEIGHT, TILE_WIDTH};
use ldsp_protocol::log::{Checkpoint, ENTRY_LEN, Edge, Entry, EntryError, Tile};
use ldsp_protocol::note::Verifier;
use ldsp_protocol::statement::Kind;

use super::source::Source;
use super::{Fault, TELL, checkpoint_fault};

/// Levels of tiles that a tree of 2^64 leaves has.
const LEVELS: usize = 8;

/// A checkpoint that was seen before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Where, for people.
    pub place: String,
    /// What it says.
    pub checkpoint: Checkpoint,
    /// The same as it was signed.
    pub note: String,
}

/// What a reader brings along.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// Checkpoints that the reader saw before.
    pub earlier: Vec<Seen>,
    /// Entries that the reader has receipts for, by their place.
    pub received: BTreeMap<u64, Entry>,
}

/// A log that holds together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// The checkpoint that everything was compared with.
    pub checkpoint: Checkpoint,
    /// Number of entries by what they are about.
    pub kinds: BTreeMap<Kind, u64>,
    /// Number of signers.
    pub signers: usize,
    /// Number of tiles and bundles.
    pub files: u64,
    /// Number of different earlier checkpoints that the log begins with.
    pub earlier: usize,
    /// Number of receipts whose entry stands where they say.
    pub received: usize,
}

/// Checks the log at `source`. `look` is shown each entry in order; `told` hears how many entries are done, of how many.
///
/// # Errors
/// The first fault: `source`, `missing`, `log-signature`, `other-log`, `rolled-back`, `split`, `entry`, `tile`,
/// `sequence`, `rewritten`, `root`, `receipt-broken`.
pub async fn whole<S: Source>(
    source: &S,
    log: &Verifier,
    expected: Expected,
    look: impl FnMut(u64, &Entry),
    told: impl Fn(u64, u64),
) -> Result<Whole, Fault> {
    let note = source.fetch("checkpoint").await?.ok_or_else(|| {
        Fault::new(
            "missing",
            "there is no file `checkpoint`",
            "Give the directory or the address that holds `checkpoint` and `tile/`.",
        )
    })?;
    let note = String::from_utf8_lossy(&note);
    let checkpoint = Checkpoint::open(log, &note).map_err(|e| checkpoint_fault(&e))?;
    let found = walk(source, (checkpoint, &note), expected, look, told).await;
    // A network that fails shows nothing of the log.
    found.map_err(|fault| match fault.proof[..] {
        [] if fault.code != "source" => fault.shown_by(&[&note]),
        _ => fault,
    })
}

async fn walk<S: Source>(
    source: &S,
    (checkpoint, note): (Checkpoint, &str),
    expected: Expected,
    mut look: impl FnMut(u64, &Entry),
    told: impl Fn(u64, u64),
) -> Result<Whole, Fault> {
    let size = checkpoint.size;
    let mut walk = Walk::new(checkpoint, note, expected)?;
    let mut parts = stream::iter(in_order(size))
        .map(|tile| async move { Ok::<_, Fault>((tile, part(source, tile).await?)) })
        .buffered(S::AT_ONCE);
    while let Some((tile, bytes)) = parts.try_next().await? {
        walk.take(tile, &bytes, &mut look)?;
        told(walk.edge.size(), size);
    }
    walk.end()
}

/// Tiles and bundles in the order in which they can be checked: each after everything that it is made of.
pub(super) fn in_order(size: u64) -> impl Iterator<Item = Tile> {
    Tile::all(Level::Entries, size).flat_map(move |bundle| {
        let done = bundle.first() + u64::from(bundle.width);
        let mut tiles = vec![bundle];
        for number in 0..LEVELS as u8 {
            let level = Level::Hashes(number);
            let hashes = level.count(done);
            let span = 1u64.checked_shl(TILE_HEIGHT * (u32::from(number) + 1));
            let width = if span.is_some_and(|span| done.is_multiple_of(span)) {
                TILE_WIDTH
            } else if done == size {
                hashes % TILE_WIDTH
            } else {
                break;
            };
            if width > 0 {
                tiles.push(Tile {
                    level,
                    index: (hashes - width) / TILE_WIDTH,
                    width: width as u16,
                });
            }
        }
        tiles
    })
}

/// Length in bytes of a hash, and of an entry with the length before it.
fn item_len(level: Level) -> usize {
    match level {
        Level::Entries => 2 + ENTRY_LEN,
        Level::Hashes(_) => 32,
    }
}

/// One tile's bytes. A log may drop a partial tile once the full one is there, which begins with it.
async fn part<S: Source>(source: &S, tile: Tile) -> Result<Vec<u8>, Fault> {
    let length = usize::from(tile.width) * item_len(tile.level);
    let mut found = source.fetch(&tile.to_string()).await?;
    if found.is_none() && u64::from(tile.width) < TILE_WIDTH {
        let full = Tile {
            width: TILE_WIDTH as u16,
            ..tile
        };
        found = source.fetch(&full.to_string()).await?;
        if let Some(bytes) = &mut found {
            bytes.truncate(length);
        }
    }
    let bytes = found.ok_or_else(|| {
        Fault::new(
            "missing",
            format!("{tile} is missing, although the checkpoint counts what it holds"),
            "Fetch the log again. If the file stays away, the log hides what it signed: keep its checkpoint and tell the other LEPs.",
        )
    })?;
    if bytes.len() != length {
        return Err(altered(
            "tile",
            format!("{tile} has {} bytes, not {length}", bytes.len()),
        ));
    }
    Ok(bytes)
}

fn altered(code: &'static str, what: String) -> Fault {
    Fault::new(
        code,
        what,
        "Fetch the log again: a copy may be damaged. If it stays so, the log was altered: keep the files and tell the log's operator and the other LEPs.",
    )
}

/// How far the reading is.
struct Walk {
    checkpoint: Checkpoint,
    /// The same as it was signed.
    note: String,
    edge: Edge,
    /// Hashes of each level of tiles that stand in no full tile yet.
    open: [Vec<Digest>; LEVELS],
    heads: BTreeMap<NodeSlug, u64>,
    kinds: BTreeMap<Kind, u64>,
    files: u64,
    /// Smallest first; those that are passed are taken away.
    earlier: VecDeque<Seen>,
    passed: usize,
    received: BTreeMap<u64, Entry>,
}

impl Walk {
    fn new(checkpoint: Checkpoint, note: &str, expected: Expected) -> Result<Self, Fault> {
        let Expected {
            mut earlier,
            received,
        } = expected;
        earlier.sort_by_key(|seen| seen.checkpoint.size);
        earlier.dedup_by(|b, a| a.checkpoint == b.checkpoint);
        for seen in &earlier {
            let (place, held) = (&seen.place, &seen.checkpoint);
            if held.size > checkpoint.size {
                let what = format!(
                    "{place} is a checkpoint of {} entries, but the log shows {} only: it was rolled back",
                    held.size, checkpoint.size
                );
                let fault = Fault::new("rolled-back", what, TELL);
                return Err(fault.shown_by(&[&seen.note, note]));
            }
            if held.size == checkpoint.size && held.root != checkpoint.root {
                let what = format!(
                    "{place} and the log's checkpoint are both signed for {} entries and have different roots: the log shows different readers different entries",
                    held.size
                );
                let fault = Fault::new("split", what, TELL);
                return Err(fault.shown_by(&[&seen.note, note]));
            }
        }
        let mut walk = Self {
            checkpoint,
            note: note.to_owned(),
            edge: Edge::default(),
            open: Default::default(),
            heads: BTreeMap::new(),
            kinds: BTreeMap::new(),
            files: 0,
            earlier: earlier.into(),
            passed: 0,
            received,
        };
        walk.pass()?;
        Ok(walk)
    }

    /// Compares with the earlier checkpoints of the present size.
    fn pass(&mut self) -> Result<(), Fault> {
        let size = self.edge.size();
        let reached = |seen: &mut Seen| seen.checkpoint.size == size;
        while let Some(seen) = self.earlier.pop_front_if(reached) {
            if seen.checkpoint.root != self.edge.root() {
                let what = format!(
                    "the log does not begin with the {size} entries of {}: they were rewritten",
                    seen.place
                );
                let fault = Fault::new("rewritten", what, TELL);
                return Err(fault.shown_by(&[&seen.note, &self.note]));
            }
            self.passed += 1;
        }
        Ok(())
    }

    fn take(
        &mut self,
        tile: Tile,
        bytes: &[u8],
        look: &mut impl FnMut(u64, &Entry),
    ) -> Result<(), Fault> {
        self.files += 1;
        match tile.level {
            Level::Entries => bytes
                .chunks_exact(item_len(tile.level))
                .try_for_each(|item| self.entry(item, look)),
            Level::Hashes(level) => self.hashes(tile, usize::from(level), bytes),
        }
    }

    fn entry(&mut self, item: &[u8], look: &mut impl FnMut(u64, &Entry)) -> Result<(), Fault> {
        let index = self.edge.size();
        let (length, bytes) = item.split_at(2);
        if length != (ENTRY_LEN as u16).to_be_bytes() {
            return Err(altered(
                "entry",
                format!("entry {index} has not {ENTRY_LEN} bytes"),
            ));
        }
        let entry = Entry::parse(bytes).map_err(|error| match error {
            EntryError::Kind(_) => Fault::new(
                "entry",
                format!("entry {index}: {error}"),
                "Upgrade this program and check again.",
            ),
            _ => altered("entry", format!("entry {index}: {error}")),
        })?;
        let before = self.heads.insert(entry.node.clone(), entry.seq);
        let before = before.unwrap_or(0);
        if entry.seq != before + 1 {
            let what = format!(
                "entry {index} is statement {} of {}, after statement {before}: one was left out or counted twice",
                entry.seq, entry.node
            );
            return Err(Fault::new("sequence", what, TELL));
        }
        if let Some(received) = self.received.get(&index)
            && *received != entry
        {
            let what = format!(
                "this node holds a receipt for its statement {} as entry {index}, but statement {} of {} stands there",
                received.seq, entry.seq, entry.node
            );
            return Err(Fault::new("receipt-broken", what, TELL));
        }
        look(index, &entry);
        *self.kinds.entry(entry.kind).or_default() += 1;
        let leaf = entry.leaf_hash();
        self.open[0].push(leaf);
        self.edge.push(leaf);
        self.pass()
    }

    fn hashes(&mut self, tile: Tile, level: usize, bytes: &[u8]) -> Result<(), Fault> {
        let expected = &self.open[level];
        let right = expected
            .iter()
            .map(|hash| hash.as_bytes().as_slice())
            .eq(bytes.chunks_exact(32));
        if !right {
            return Err(altered(
                "tile",
                format!("{tile} does not hold the hashes of the entries under it"),
            ));
        }
        if u64::from(tile.width) == TILE_WIDTH {
            let mut edge = Edge::default();
            self.open[level].drain(..).for_each(|hash| edge.push(hash));
            // No tree of 2^64 leaves has a full tile of the last level.
            if let Some(above) = self.open.get_mut(level + 1) {
                above.push(edge.root());
            }
        }
        Ok(())
    }

    fn end(self) -> Result<Whole, Fault> {
        if self.edge.root() != self.checkpoint.root {
            return Err(altered(
                "root",
                format!(
                    "the {} entries do not add up to the root that the checkpoint signs",
                    self.checkpoint.size
                ),
            ));
        }
        if let Some((index, entry)) = self.received.range(self.checkpoint.size..).next() {
            let what = format!(
                "this node holds a receipt for its statement {} as entry {index}, but the log ends before it",
                entry.seq
            );
            return Err(Fault::new("receipt-broken", what, TELL));
        }
        Ok(Whole {
            checkpoint: self.checkpoint,
            kinds: self.kinds,
            signers: self.heads.len(),
            files: self.files,
            earlier: self.passed,
            received: self.received.len(),
        })
    }
}
