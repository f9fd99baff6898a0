use std::convert::Infallible;

use ed25519_dalek::SigningKey;
use ldsp_protocol::log::merkle;
use ldsp_protocol::log::{Edge, Entry};
use ldsp_protocol::statement::Kind;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::*;
use crate::log::Signer;
use crate::store::sqlite::Sqlite;
use crate::testing::ORIGIN;

fn signer() -> Signer {
    Signer::new(SigningKey::from_bytes(&[99; 32]), ORIGIN).unwrap()
}

fn entry(leaf: u64) -> Entry {
    Entry {
        kind: Kind::PracticeEntry,
        node: "solent".parse().unwrap(),
        seq: leaf + 1,
        key_id: Digest::of(b"key"),
        pae: Digest::of(&leaf.to_be_bytes()),
    }
}

/// A stored log without statements.
struct Leaves {
    store: Sqlite,
    edge: Edge,
    hashes: Vec<Digest>,
    _dir: tempfile::TempDir,
}

impl Leaves {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&dir.path().join("a.sqlite")).await.unwrap();
        let sign = |size, root| signer().checkpoint(size, root);
        store.establish(&sign).await.unwrap();
        Self {
            store,
            edge: Edge::default(),
            hashes: Vec::new(),
            _dir: dir,
        }
    }

    async fn with(sizes: &[u64]) -> Self {
        let mut leaves = Self::new().await;
        for size in sizes {
            leaves.add(*size).await;
        }
        leaves
    }

    /// Adds leaves in one transaction.
    async fn add(&mut self, count: u64) -> Growth {
        let first = self.edge.size();
        let (mut records, mut leaves) = (Vec::new(), Vec::new());
        for leaf in first..first + count {
            records.extend_from_slice(&entry(leaf).to_bytes());
            leaves.push(entry(leaf).leaf_hash());
            self.edge.push(leaves[leaves.len() - 1]);
        }
        self.hashes.extend_from_slice(&leaves);
        let root = self.edge.root();
        let checkpoint = signer().checkpoint(self.edge.size(), root);
        sqlx::query("INSERT INTO log_entry (first, entries) VALUES ($1, $2)")
            .bind(first.cast_signed())
            .bind(records)
            .execute(self.store.writer())
            .await
            .unwrap();
        sqlx::query("UPDATE log_head SET size = $1, edge = $2, checkpoint = $3")
            .bind(self.edge.size().cast_signed())
            .bind(self.edge.to_bytes())
            .bind(&checkpoint)
            .execute(self.store.writer())
            .await
            .unwrap();
        Growth {
            first,
            leaves,
            root,
            checkpoint,
        }
    }

    async fn open(&self) -> Result<Tree<Sqlite>, AuditError> {
        Tree::open(self.store.clone(), signer().verifier().clone()).await
    }

    async fn sql(&self, sql: &'static str) {
        let done = sqlx::query(sql).execute(self.store.writer()).await.unwrap();
        assert!(done.rows_affected() > 0, "{sql}");
    }

    /// A complete subtree as the definition has it.
    fn subtree(&self, level: u32, at: u64) -> Digest {
        let mut edge = Edge::default();
        let leaves = (at << level) as usize..((at + 1) << level) as usize;
        self.hashes[leaves].iter().for_each(|leaf| edge.push(*leaf));
        edge.root()
    }

    /// The tree proves `index` against the log's present checkpoint, by the shortest proof.
    async fn proves(&self, tree: &Tree<Sqlite>, index: u64) -> Result<(), TestCaseError> {
        let proof = tree.proof(index).await.unwrap().unwrap();
        let checkpoint = proof
            .verify(signer().verifier(), &entry(index))
            .map_err(|e| TestCaseError::fail(e.to_string()))?;
        prop_assert_eq!(checkpoint.size, self.edge.size());
        let node = |level, at| Ok::<_, Infallible>(self.subtree(level, at));
        let expected = merkle::inclusion(index, checkpoint.size, node).unwrap();
        prop_assert_eq!(proof.hashes, expected);
        Ok(())
    }

    /// The tree serves `tile` as C2SP tlog-tiles defines it.
    async fn serves(&self, tree: &Tree<Sqlite>, tile: &Tile) -> Result<(), TestCaseError> {
        let bytes = tree.tile(tile).await.unwrap().unwrap();
        let places = tile.first()..tile.first() + u64::from(tile.width);
        let expected: Vec<u8> = match tile.level {
            Level::Entries => places
                .flat_map(|leaf| [&[0, 105], &entry(leaf).to_bytes()[..]].concat())
                .collect(),
            Level::Hashes(level) => places
                .flat_map(|at| *self.subtree(8 * u32::from(level), at).as_bytes())
                .collect(),
        };
        prop_assert_eq!(bytes, expected, "{}", tile);
        Ok(())
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    /// However the leaves came: before the start, told by the writer, or read because another process wrote them.
    #[test]
    fn proofs_and_tiles_are_those_of_the_leaves(
        before in prop::collection::vec(1u64..400, 0..4),
        after in prop::collection::vec((1u64..300, any::<bool>()), 0..6),
        asked in prop::collection::vec(any::<prop::sample::Index>(), 12),
        narrower in any::<prop::sample::Index>(),
    ) {
        run(async {
            let mut leaves = Leaves::with(&before).await;
            let tree = leaves.open().await.unwrap();
            for (count, told) in after {
                let growth = leaves.add(count).await;
                if told {
                    tree.grow(&growth);
                }
            }
            let size = leaves.edge.size();
            let checkpoint = tree.checkpoint().await.unwrap();
            prop_assert_eq!(&checkpoint, &signer().checkpoint(size, leaves.edge.root()));
            prop_assert_eq!(tree.proof(size).await.unwrap(), None);
            for index in asked.iter().filter(|_| size > 0).map(|i| i.index(size as usize) as u64) {
                leaves.proves(&tree, index).await?;
            }
            for tile in Tile::of_tree(size) {
                leaves.serves(&tree, &tile).await?;
                let width = 1 + narrower.index(usize::from(tile.width)) as u16;
                leaves.serves(&tree, &Tile { width, ..tile }).await?;
                let beyond = Tile { index: tile.index + 1 + size / 256, ..tile };
                prop_assert_eq!(tree.tile(&beyond).await.unwrap(), None);
            }
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn a_tree_of_many_levels() {
    let leaves = Leaves::with(&[60_000, 5_536, 4_464]).await;
    let tree = leaves.open().await.unwrap();
    for index in [0, 255, 256, 65_535, 65_536, 69_887, 69_888, 69_999] {
        leaves.proves(&tree, index).await.unwrap();
    }
    for tile in Tile::of_tree(70_000).filter(|t| t.level != Level::Hashes(0) && t.index % 50 == 0) {
        leaves.serves(&tree, &tile).await.unwrap();
    }
}

/// A receipt holds for ever: one of an early checkpoint and one of a late one prove the same leaf.
#[tokio::test]
async fn later_proofs_lead_to_later_checkpoints() {
    let mut leaves = Leaves::with(&[3]).await;
    let tree = leaves.open().await.unwrap();
    let early = tree.proof(1).await.unwrap().unwrap();
    tree.grow(&leaves.add(600).await);
    let late = tree.proof(1).await.unwrap().unwrap();
    let log = signer();
    assert_eq!(early.verify(log.verifier(), &entry(1)).unwrap().size, 3);
    assert_eq!(late.verify(log.verifier(), &entry(1)).unwrap().size, 603);
}

/// Every way in which leaves, edge and checkpoint may not agree is found at the start.
#[tokio::test]
async fn what_does_not_agree_is_not_served() {
    let stranger = Signer::new(SigningKey::from_bytes(&[98; 32]), ORIGIN).unwrap();
    let other = signer().checkpoint(700, Digest::ZERO);
    let foreign = async |leaves: &Leaves, checkpoint: String| {
        let set = sqlx::query("UPDATE log_head SET checkpoint = $1");
        set.bind(checkpoint)
            .execute(leaves.store.writer())
            .await
            .unwrap();
    };
    for (damage, words) in [
        ("DELETE FROM log_entry WHERE first = 300", "records of 300"),
        (
            "UPDATE log_entry SET entries = zeroblob(400 * 105) WHERE first = 300",
            "stored edge",
        ),
        (
            "UPDATE log_head SET edge = zeroblob(length(edge))",
            "stored edge",
        ),
        (
            "UPDATE log_head SET checkpoint = NULL",
            "not signed by the log",
        ),
        (
            "UPDATE log_head SET size = 512, edge = zeroblob(32)",
            "stored edge",
        ),
    ] {
        let leaves = Leaves::with(&[300, 400]).await;
        leaves.sql(damage).await;
        match leaves.open().await {
            Err(AuditError::Differs(what)) => assert!(what.contains(words), "{damage}: {what}"),
            other => panic!("{damage}: {other:?}"),
        }
    }
    let leaves = Leaves::with(&[300, 400]).await;
    for (checkpoint, words) in [
        (other, "root"),
        (
            stranger.checkpoint(700, leaves.edge.root()),
            "not signed by the log",
        ),
        (signer().checkpoint(699, leaves.edge.root()), "699 leaves"),
    ] {
        foreign(&leaves, checkpoint).await;
        match leaves.open().await {
            Err(AuditError::Differs(what)) => assert!(what.contains(words), "{what}"),
            other => panic!("{words}: {other:?}"),
        }
    }
    leaves
        .sql("UPDATE log_entry SET entries = x'01' WHERE first = 300")
        .await;
    assert!(matches!(
        leaves.open().await,
        Err(AuditError::Store(StoreError::Corrupt { .. }))
    ));
}

/// What is changed under a running server is not served either.
#[tokio::test]
async fn what_is_altered_later_is_not_served() {
    let mut leaves = Leaves::with(&[300, 400]).await;
    let tree = leaves.open().await.unwrap();
    leaves
        .sql("UPDATE log_entry SET entries = zeroblob(300 * 105) WHERE first = 0")
        .await;
    assert!(matches!(
        tree.proof(0).await,
        Err(StoreError::Corrupt {
            table: "log_entry",
            ..
        })
    ));
    let first = "tile/0/000".parse().unwrap();
    assert!(tree.tile(&first).await.is_err());
    leaves.proves(&tree, 699).await.unwrap();
    // An older database in the place of this one.
    leaves
        .sql("UPDATE log_head SET size = 512, edge = zeroblob(32)")
        .await;
    assert!(matches!(
        tree.checkpoint().await,
        Err(StoreError::Corrupt { column: "size", .. })
    ));
    // Leaves that another process added and that are not those of its checkpoint.
    let growth = leaves.add(5).await;
    leaves
        .sql("UPDATE log_entry SET entries = zeroblob(5 * 105) WHERE first = 700")
        .await;
    assert!(matches!(
        tree.proof(700).await,
        Err(StoreError::Corrupt {
            column: "checkpoint",
            ..
        })
    ));
    // The writer's word that does not lead to its own root is not taken.
    tree.grow(&Growth {
        root: Digest::ZERO,
        ..growth
    });
    assert!(tree.proof(700).await.is_err());
}

#[test]
fn the_insides_of_tiles_that_are_used_stay() {
    let mut older = Older::new(3);
    for tile in 0..3 {
        older.keep(tile, Arc::default());
    }
    assert!(older.get(0).is_some());
    older.keep(7, Arc::default());
    assert!(older.get(1).is_none(), "its last use is longest ago");
    assert!([0, 2, 7].into_iter().all(|tile| older.get(tile).is_some()));
}

#[test]
fn the_shape_keeps_two_hashes_for_a_tile() {
    let mut shape = Shape::default();
    let leaf = entry(0).leaf_hash();
    let full = (0..1024).filter_map(|_| shape.push(leaf)).count();
    assert_eq!(full, 4);
    assert!(shape.node(0, 5, None).is_none());
    assert!(shape.node(8, 3, None).is_some() && shape.node(10, 0, None).is_some());
    let proof = merkle::inclusion(1023, 1024, |level, at| {
        shape.node(level, at, None).ok_or(())
    });
    assert_eq!(proof, Err(()), "it needs the inside of a full tile");
}
