//! Log: proofs, the self-audit of a start, and what the tree's leaves take on the disk.
//!
//! The leaves are records as the server stores them, one row for each transaction of 1 to 64 statements, without the statements
//! themselves; the tree is the server's own. A proof is asked of a leaf anywhere in the log, most often of a tile whose inside is
//! not in memory, so that its 256 records are read and hashed again; the time is that of the whole call. The self-audit reads every
//! record, builds the tree and compares it with stored edge and signed checkpoint. Storage is held against the size that the same log
//! has as C2SP tlog-tiles: 107 bytes of bundle an entry and 32 bytes a hash of each level.

use std::path::Path;
use std::time::Duration;

use ed25519_dalek::SigningKey;
use ldsp_aggregator::log::Signer;
use ldsp_aggregator::store::{Backend, DatabaseUrl};
use ldsp_aggregator::tree::Tree;
use ldsp_cluster::Cluster;
use ldsp_protocol::ids::{Digest, NodeSlug};
use ldsp_protocol::log::merkle::leaf_hash;
use ldsp_protocol::log::tile::Level;
use ldsp_protocol::log::{ENTRY_LEN, Edge, Entry, Tile};
use ldsp_protocol::statement::Kind;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, Row as _, SqliteConnection};
use tempfile::TempDir;

use super::{Bound, Report, Scale, quantile, timed_async};
use crate::world::ORIGIN;

/// Leaves that the self-audit and the storage are judged at.
const AUDITED: u64 = 1_000_000;
/// Leaves that proofs are judged at.
const PROVEN: u64 = 10_000_000;
/// Proofs that are asked of each log.
const PROOFS: usize = 2_000;
/// Leaves of one transaction at most.
const BATCH: u64 = 64;
/// Rows that are written at once.
const ROWS: usize = 512;

/// The bench.
///
/// # Panics
/// When a log is not what was written.
#[must_use]
pub(super) fn run(scale: Scale) -> Report {
    let small = scale == Scale::Small;
    let (audited, proven) = if small {
        (5_000, 20_000)
    } else {
        (AUDITED, PROVEN)
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    runtime.block_on(async {
        let mut report = Report::default();
        for (engine, sizes) in [
            ("sqlite", &[audited, proven][..]),
            ("postgres", &[audited][..]),
        ] {
            for leaves in sizes {
                let log = Made::new(engine, *leaves).await;
                log.measure(engine, (audited, proven), &mut report).await;
            }
        }
        report
    })
}

/// A log in a database of its own.
struct Made {
    store: Backend,
    leaves: u64,
    /// What its leaves take on the disk.
    bytes: f64,
    _dir: TempDir,
}

fn signer() -> Signer {
    Signer::new(SigningKey::from_bytes(&[7; 32]), ORIGIN).expect("the origin names a log")
}

/// The record of a leaf, which says nothing of any statement.
fn entry(node: &NodeSlug, leaf: u64) -> Entry {
    let mut pae = [0; 32];
    pae[..8].copy_from_slice(&leaf.to_be_bytes());
    Entry {
        kind: Kind::PracticeEntry,
        node: node.clone(),
        seq: leaf + 1,
        key_id: Digest::from_bytes([7; 32]),
        pae: Digest::from_bytes(pae),
    }
}

fn node() -> NodeSlug {
    "solent".parse().expect("a node's name")
}

/// Rows of a log: the first leaf and the records of each transaction.
struct Rows {
    rng: ChaCha20Rng,
    node: NodeSlug,
    edge: Edge,
    leaves: u64,
}

impl Iterator for Rows {
    type Item = (i64, Vec<u8>);

    fn next(&mut self) -> Option<Self::Item> {
        let first = self.edge.size();
        let count = (1 + self.rng.next_u64() % BATCH).min(self.leaves - first);
        let mut records = Vec::with_capacity(count as usize * ENTRY_LEN);
        for leaf in first..first + count {
            let record = entry(&self.node, leaf).to_bytes();
            self.edge.push(leaf_hash(&record));
            records.extend_from_slice(&record);
        }
        (count > 0).then(|| (first.cast_signed(), records))
    }
}

impl Made {
    async fn new(engine: &str, leaves: u64) -> Self {
        let dir = TempDir::new().expect("a temporary folder can be made");
        let path = dir.path().join("log.sqlite");
        let postgres = (engine == "postgres").then(|| Cluster::shared().database().url());
        let url = postgres
            .clone()
            .unwrap_or_else(|| format!("sqlite:{}", path.display()));
        let location = DatabaseUrl::from(url)
            .location()
            .expect("a database is named");
        let store = Backend::open(&location).await.expect("the database opens");
        let mut rows = Rows {
            rng: ChaCha20Rng::seed_from_u64(11),
            node: node(),
            edge: Edge::default(),
            leaves,
        };
        let bytes = match postgres {
            None => into_sqlite(&path, &mut rows).await,
            Some(url) => into_postgres(&url, &mut rows).await,
        };
        let bytes = bytes.expect("the leaves can be written");
        Self {
            store,
            leaves,
            bytes,
            _dir: dir,
        }
    }

    async fn measure(self, engine: &str, (audited, proven): (u64, u64), report: &mut Report) {
        let name = |what: &str| format!("log.{engine}.{what}");
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let log = signer().verifier().clone();
        let (tree, took) = timed_async(Tree::open(self.store.clone(), log)).await;
        let tree = tree.expect("the log is whole");
        report.point(name("audit"), self.leaves as f64, took.as_secs_f64(), "s");
        let mut times = self.prove(&tree).await;
        let p99 = quantile(&mut times, 0.99);
        let slowest = times.last().copied().unwrap_or_default();
        report.point(
            name("proof.p50"),
            self.leaves as f64,
            ms(quantile(&mut times, 0.5)),
            "ms",
        );
        report.point(name("proof.p99"), self.leaves as f64, ms(p99), "ms");
        report.point(name("proof.slowest"), self.leaves as f64, ms(slowest), "ms");
        if self.leaves == proven {
            report.ratio(name("proof (p99/1ms)"), ms(p99), Bound::AtMost(1.0));
        }
        if self.leaves == audited {
            let share = took.as_secs_f64() / 5.0;
            report.ratio(name("audit (1M leaves/5s)"), share, Bound::AtMost(1.0));
            let share = self.bytes / theoretical(self.leaves);
            report.figure(
                name("storage"),
                self.bytes / self.leaves as f64,
                "bytes/leaf",
            );
            report.ratio(name("storage (of tiles)"), share, Bound::AtMost(1.1));
        }
        self.store.close().await;
    }

    /// How long each proof took; each is checked.
    async fn prove(&self, tree: &Tree<Backend>) -> Vec<Duration> {
        let mut rng = ChaCha20Rng::seed_from_u64(12);
        let (log, node) = (signer().verifier().clone(), node());
        let mut times = Vec::with_capacity(PROOFS);
        for _ in 0..PROOFS {
            let leaf = rng.next_u64() % self.leaves;
            let (proof, took) = timed_async(tree.proof(leaf)).await;
            let proof = proof
                .expect("the records are read")
                .expect("the leaf is there");
            let checkpoint = proof.verify(&log, &entry(&node, leaf));
            assert_eq!(checkpoint.expect("the proof holds").size, self.leaves);
            times.push(took);
        }
        times
    }
}

/// Bytes of the same log as files: bundles of entries and tiles of every level.
fn theoretical(leaves: u64) -> f64 {
    let bytes = Tile::of_tree(leaves).map(|tile| {
        let each = match tile.level {
            Level::Entries => 2 + ENTRY_LEN,
            Level::Hashes(_) => 32,
        };
        usize::from(tile.width) * each
    });
    bytes.sum::<usize>() as f64
}

/// Writes the log and says what its leaves take of the file.
async fn into_sqlite(path: &Path, rows: &mut Rows) -> Result<f64, sqlx::Error> {
    let mut connection: SqliteConnection =
        SqliteConnectOptions::new().filename(path).connect().await?;
    let pages = async |connection: &mut SqliteConnection| -> Result<i64, sqlx::Error> {
        let row = sqlx::query("PRAGMA page_count")
            .fetch_one(connection)
            .await?;
        row.try_get(0)
    };
    let before = pages(&mut connection).await?;
    let mut tx = connection.begin().await?;
    for (first, records) in rows.by_ref() {
        sqlx::query("INSERT INTO log_entry (first, entries) VALUES ($1, $2)")
            .bind(first)
            .bind(records)
            .execute(&mut *tx)
            .await?;
    }
    sqlx::query("UPDATE log_head SET size = $1, edge = $2, checkpoint = $3")
        .bind(rows.edge.size().cast_signed())
        .bind(rows.edge.to_bytes())
        .bind(signer().checkpoint(rows.edge.size(), rows.edge.root()))
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    let after = pages(&mut connection).await?;
    connection.close().await?;
    Ok((after - before) as f64 * 4096.0)
}

/// The same.
async fn into_postgres(url: &str, rows: &mut Rows) -> Result<f64, sqlx::Error> {
    let mut connection = PgConnection::connect(url).await?;
    loop {
        let (firsts, records): (Vec<i64>, Vec<Vec<u8>>) = rows.by_ref().take(ROWS).unzip();
        if firsts.is_empty() {
            break;
        }
        sqlx::query("INSERT INTO log_entry (first, entries) SELECT * FROM unnest($1::bigint[], $2::bytea[])")
            .bind(firsts)
            .bind(records)
            .execute(&mut connection)
            .await?;
    }
    sqlx::query("UPDATE log_head SET size = $1, edge = $2, checkpoint = $3")
        .bind(rows.edge.size().cast_signed())
        .bind(rows.edge.to_bytes())
        .bind(signer().checkpoint(rows.edge.size(), rows.edge.root()))
        .execute(&mut connection)
        .await?;
    let row = sqlx::query("SELECT pg_total_relation_size('log_entry')")
        .fetch_one(&mut connection)
        .await?;
    let bytes: i64 = row.try_get(0)?;
    connection.close().await?;
    Ok(bytes as f64)
}
