//! Tiles (C2SP tlog-tiles): the parts of the tree and of its entries that are served as files. A
//! tile of level L holds up to 256 hashes of complete subtrees of height 8 L.

use std::fmt;
use std::str::FromStr;

/// Hashes of a full tile, entries of a full bundle.
pub const TILE_WIDTH: u64 = 256;
/// Binary levels that one level of tiles spans.
pub const TILE_HEIGHT: u32 = 8;
/// Largest level: above it no tree of 2^64 leaves has hashes.
const MAX_LEVEL: u8 = 7;
/// Number of a tile or bundle at most: its leaves and the one behind them are counted in 64 bits.
const MAX_INDEX: u64 = u64::MAX / TILE_WIDTH - 1;

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The entries themselves.
    Entries,
    /// Hashes of complete subtrees of height 8 times this.
    Hashes(u8),
}

/// A tile's place and width, as its path says it: `tile/<L>/<N>[.p/<W>]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tile {
    /// What it holds.
    pub level: Level,
    /// Which of its level, from 0.
    pub index: u64,
    /// How many it holds, 1 to 256.
    pub width: u16,
}

/// Why a path names no tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the path is not tile/<level>/<number>[.p/<width>] as C2SP tlog-tiles writes it")]
pub struct TileError;

impl Level {
    /// How many hashes or entries a tree of `size` leaves has of this level.
    #[must_use]
    pub fn count(self, size: u64) -> u64 {
        match self {
            Self::Entries => size,
            Self::Hashes(level) => size
                .checked_shr(TILE_HEIGHT * u32::from(level))
                .unwrap_or_default(),
        }
    }
}

impl Tile {
    /// Whether a tree of `size` leaves has this tile: full, or as wide as it is or was at some size.
    #[must_use]
    pub fn is_in(&self, size: u64) -> bool {
        let left = self.level.count(size).checked_sub(self.first());
        left.is_some_and(|left| left >= u64::from(self.width))
    }

    /// Where its hashes or entries begin among those of its level.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.index * TILE_WIDTH
    }

    /// The tiles of a level that make up a tree of `size` leaves: full ones, then a partial one.
    pub fn all(level: Level, size: u64) -> impl Iterator<Item = Self> {
        let count = level.count(size);
        let tiles = count.div_ceil(TILE_WIDTH);
        (0..tiles).map(move |index| {
            let left = count - index * TILE_WIDTH;
            Self {
                level,
                index,
                width: left.min(TILE_WIDTH) as u16,
            }
        })
    }

    /// The tiles of every level, entries first, that make up a tree of `size` leaves.
    pub fn of_tree(size: u64) -> impl Iterator<Item = Self> {
        let hashes = (0..=MAX_LEVEL).map(Level::Hashes);
        std::iter::once(Level::Entries)
            .chain(hashes)
            .flat_map(move |level| Self::all(level, size))
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.level {
            Level::Entries => f.write_str("tile/entries/")?,
            Level::Hashes(level) => write!(f, "tile/{level}/")?,
        }
        let mut groups = vec![self.index % 1000];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        for group in groups[1..].iter().rev() {
            write!(f, "x{group:03}/")?;
        }
        write!(f, "{:03}", groups[0])?;
        if u64::from(self.width) < TILE_WIDTH {
            write!(f, ".p/{}", self.width)?;
        }
        Ok(())
    }
}

impl FromStr for Tile {
    type Err = TileError;

    fn from_str(path: &str) -> Result<Self, TileError> {
        let (level, rest) = path
            .strip_prefix("tile/")
            .and_then(|rest| rest.split_once('/'))
            .ok_or(TileError)?;
        let level = match level {
            "entries" => Level::Entries,
            number => Level::Hashes(
                number
                    .parse()
                    .ok()
                    .filter(|level| *level <= MAX_LEVEL)
                    .ok_or(TileError)?,
            ),
        };
        let (number, width) = rest.split_once(".p/").unwrap_or((rest, "256"));
        let mut index: u64 = 0;
        for group in number.split('/') {
            let digits = group.strip_prefix('x').unwrap_or(group);
            let group: u64 = digits.parse().map_err(|_| TileError)?;
            index = index
                .checked_mul(1000)
                .and_then(|index| index.checked_add(group))
                .filter(|index| *index <= MAX_INDEX)
                .ok_or(TileError)?;
        }
        let width = width.parse().map_err(|_| TileError)?;
        let tile = Self {
            level,
            index,
            width,
        };
        // One way to write each: what is written back must be what was read.
        let written = (1..=TILE_WIDTH).contains(&u64::from(width)) && tile.to_string() == path;
        written.then_some(tile).ok_or(TileError)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        // C2SP tlog-tiles, "Merkle Tree": index 1234067 is x001/x234/067.
        let tile = Tile {
            level: Level::Hashes(0),
            index: 1_234_067,
            width: 256,
        };
        assert_eq!(tile.to_string(), "tile/0/x001/x234/067");
        let partial = Tile {
            level: Level::Entries,
            index: 0,
            width: 7,
        };
        assert_eq!(partial.to_string(), "tile/entries/000.p/7");
    }

    #[test]
    fn a_tree_of_70000_has_the_tiles_of_the_specification() {
        // C2SP tlog-tiles, "Partial Tiles": its example.
        let of = |level| -> Vec<(u64, u16)> {
            let tiles = Tile::of_tree(70_000).filter(|t| t.level == Level::Hashes(level));
            tiles.map(|t| (t.index, t.width)).collect()
        };
        assert_eq!(of(0).len(), 274);
        assert_eq!(of(0)[273], (273, 112));
        assert_eq!(of(1), [(0, 256), (1, 17)]);
        assert_eq!(of(2), [(0, 1)]);
        assert!(of(3).is_empty());
        assert_eq!(Tile::all(Level::Hashes(1), 256).count(), 1);
    }

    #[test]
    fn the_last_tile_ends_before_the_numbers_do() {
        let last = Tile {
            level: Level::Entries,
            index: MAX_INDEX,
            width: 256,
        };
        assert!(!last.is_in(70_000));
        assert!(last.is_in(u64::MAX));
    }

    #[test]
    fn other_paths_are_refused() {
        for bad in [
            "tile/0/1",
            "tile/0/0001",
            "tile/0/x000/001",
            "tile/0/001/002",
            "tile/00/001",
            "tile/8/000",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/+01",
            "tile/entries",
            "tile/0/x999/x999/x999/x999/x999/x999/999",
            "",
        ] {
            assert_eq!(bad.parse::<Tile>(), Err(TileError), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_tile_has_one_path(level in 0u8..=8, index in 0..=MAX_INDEX, width in 1u16..=256) {
            let level = if level == 8 { Level::Entries } else { Level::Hashes(level) };
            let tile = Tile { level, index, width };
            prop_assert_eq!(tile.to_string().parse(), Ok(tile));
        }

        #[test]
        fn the_tiles_of_a_tree_are_in_it(size in 0u64..200_000) {
            prop_assert!(Tile::of_tree(size).all(|tile| tile.is_in(size)));
            let entries: u64 = Tile::all(Level::Entries, size).map(|t| u64::from(t.width)).sum();
            prop_assert_eq!(entries, size);
        }
    }
}
