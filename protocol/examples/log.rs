//! Writes a whole log into a folder, for verifiers that are not ours: `log FOLDER SIZE`. Made-up
//! entries, the same ones every time; the layout is in tests/third-party/README.md.

use std::error::Error;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::SigningKey;
use ldsp_protocol::ids::Digest;
use ldsp_protocol::log::tile::{Level, TILE_HEIGHT, TILE_WIDTH};
use ldsp_protocol::log::{Checkpoint, Entry, Proof, Tile, merkle};
use ldsp_protocol::note::Verifier;
use ldsp_protocol::statement::Kind;

type Outcome<T> = Result<T, Box<dyn Error>>;

const ORIGIN: &str = "log.third-party.example";
const NODES: [&str; 5] = [
    "ab",
    "avon",
    "solent",
    "tees-valley",
    "cornwall-and-isles-of-scilly-2",
];

/// How far apart the entries are that get a proof: a prime, so that they stand everywhere in their tiles.
const STRIDE: usize = 997;

fn entry(index: u64) -> Entry {
    let kinds = Kind::ALL.len() as u64;
    let node = NODES[(index % NODES.len() as u64) as usize];
    Entry {
        kind: Kind::ALL[(index % kinds) as usize],
        node: node.parse().expect("a slug"),
        seq: index / NODES.len() as u64 + 1,
        key_id: Digest::of(node.as_bytes()),
        pae: Digest::of(&index.to_be_bytes()),
    }
}

/// The tree, kept whole: level by level, the hashes of all complete subtrees.
struct Tree {
    key: SigningKey,
    entries: Vec<Entry>,
    levels: Vec<Vec<Digest>>,
}

impl Tree {
    fn of(size: u64) -> Self {
        let entries: Vec<Entry> = (0..size).map(entry).collect();
        let mut levels: Vec<Vec<Digest>> = vec![entries.iter().map(Entry::leaf_hash).collect()];
        while let Some(below) = levels.last().filter(|below| below.len() > 1) {
            let pairs = below.chunks_exact(2);
            levels.push(pairs.map(|p| merkle::node_hash(&p[0], &p[1])).collect());
        }
        Self {
            key: SigningKey::from_bytes(&[5; 32]),
            entries,
            levels,
        }
    }

    fn node(&self, level: u32, index: u64) -> Outcome<Digest> {
        let hash = self
            .levels
            .get(level as usize)
            .and_then(|l| l.get(index as usize));
        hash.copied()
            .ok_or_else(|| "there is no such subtree".into())
    }

    fn checkpoint(&self, size: u64) -> Outcome<String> {
        let checkpoint = Checkpoint {
            origin: ORIGIN.to_owned(),
            size,
            root: merkle::root(size, |level, index| self.node(level, index))?,
        };
        Ok(checkpoint.sign(&self.key)?)
    }

    fn tile(&self, tile: &Tile) -> Outcome<Vec<u8>> {
        let mut bytes = Vec::new();
        for index in tile.first()..tile.first() + u64::from(tile.width) {
            match tile.level {
                Level::Entries => {
                    let entry = self.entries[index as usize].to_bytes();
                    bytes.extend((entry.len() as u16).to_be_bytes());
                    bytes.extend(entry);
                }
                Level::Hashes(level) => {
                    let hash = self.node(u32::from(level) * TILE_HEIGHT, index)?;
                    bytes.extend(hash.as_bytes());
                }
            }
        }
        Ok(bytes)
    }

    fn proof(&self, index: u64, size: u64) -> Outcome<String> {
        let proof = Proof {
            index,
            hashes: merkle::inclusion(index, size, |level, index| self.node(level, index))?,
            checkpoint: self.checkpoint(size)?,
        };
        Ok(proof.to_text())
    }

    fn consistency(&self, old: u64, new: u64) -> Outcome<String> {
        let hashes = merkle::consistency(old, new, |level, index| self.node(level, index))?;
        let lines = hashes
            .iter()
            .map(|hash| BASE64.encode(hash.as_bytes()) + "\n");
        Ok(lines.collect())
    }
}

fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> Outcome<()> {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().ok_or("a path without a folder")?)?;
    Ok(fs::write(path, bytes)?)
}

/// Sizes at which trees differ in shape: powers of two, their neighbours, the edges of tiles.
fn shapes(size: u64) -> Vec<u64> {
    let full = size - size % TILE_WIDTH;
    let mut sizes = vec![
        1,
        2,
        3,
        7,
        255,
        256,
        257,
        4096,
        size / 3,
        size / 2,
        full,
        size - 1,
        size,
    ];
    sizes.push(1 << size.ilog2());
    sizes.retain(|s| (1..=size).contains(s));
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1);
    let (Some(folder), Some(size)) = (args.next(), args.next()) else {
        return Err("log FOLDER SIZE".into());
    };
    let (folder, size) = (Path::new(&folder), size.parse::<u64>()?);
    let tree = Tree::of(size);
    let log = Verifier::new(ORIGIN, tree.key.verifying_key())?;
    write(folder, "verifier", log.vkey() + "\n")?;
    write(folder, "checkpoint", tree.checkpoint(size)?)?;
    for tile in Tile::of_tree(size) {
        write(folder, &tile.to_string(), tree.tile(&tile)?)?;
    }
    let sizes = shapes(size);
    for (position, old) in sizes.iter().copied().enumerate() {
        write(folder, &format!("checkpoints/{old}"), tree.checkpoint(old)?)?;
        write(
            folder,
            &format!("proofs/{}-of-{old}", old - 1),
            tree.proof(old - 1, old)?,
        )?;
        for new in &sizes[position + 1..] {
            let proof = tree.consistency(old, *new)?;
            write(folder, &format!("consistency/{old}-{new}"), proof)?;
        }
    }
    for index in (0..size).step_by(STRIDE) {
        write(
            folder,
            &format!("proofs/{index}-of-{size}"),
            tree.proof(index, size)?,
        )?;
    }
    Ok(())
}
