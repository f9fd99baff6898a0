//! The conformance suite on SQLite, and what is SQLite's own.

use std::path::Path;
use std::sync::Mutex;

use tempfile::TempDir;

use ldsp_protocol::rollup::Layout;
use ldsp_protocol::standard::{Codebook, Standard};
use ldsp_ui::accounts::{Act, By, Change};

use super::Sqlite;
use crate::store::conformance::{
    Area, SIGN, a_log_without_a_tree_gets_one, a_snapshot_is_of_one_state, curation_conforms,
    drafts_conform, figures_conform, fsck_conforms, library_conforms, listing_conforms,
    log_conforms, month, openings_share_one_log, proofs_do_not_keep_what_was_withdrawn,
    readers_do_not_wait, recovery_conforms, registry_conforms, revisions_conform, rollups_conforms,
    staff_conforms, tree_conforms,
};
use crate::store::{Backend, Log as _, Role, Rollups, Staff as _, StoreError};
use crate::testing::{Sim, admit};

/// Keeps the directories of the stores that a test opens.
#[derive(Default)]
struct Dirs(Mutex<Vec<TempDir>>);

impl Dirs {
    async fn open(&self) -> Sqlite {
        let dir = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&dir.path().join("a.sqlite")).await.unwrap();
        self.0.lock().unwrap().push(dir);
        store
    }
}

async fn damage(store: &Sqlite, sql: &'static str) {
    let done = sqlx::query(sql).execute(store.writer()).await.unwrap();
    assert!(done.rows_affected() > 0, "{sql}");
}

#[tokio::test]
async fn registry() {
    let dirs = Dirs::default();
    registry_conforms(async || dirs.open().await, damage).await;
}

#[tokio::test]
async fn staff() {
    let dirs = Dirs::default();
    staff_conforms(async || dirs.open().await, damage).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn log() {
    let dirs = Dirs::default();
    log_conforms(async || dirs.open().await, damage).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tree() {
    let dirs = Dirs::default();
    tree_conforms(async || dirs.open().await, damage).await;
    a_log_without_a_tree_gets_one(&dirs.open().await, damage).await;
}

#[tokio::test]
async fn recovery() {
    let dirs = Dirs::default();
    recovery_conforms(async || dirs.open().await, damage).await;
}

#[tokio::test]
async fn rollups() {
    let dirs = Dirs::default();
    rollups_conforms(async || dirs.open().await, damage).await;
}

#[tokio::test]
async fn curation() {
    let dirs = Dirs::default();
    curation_conforms(async || dirs.open().await, damage).await;
}

#[tokio::test]
async fn drafts() {
    let dirs = Dirs::default();
    drafts_conform(async || dirs.open().await, damage).await;
}

#[tokio::test]
async fn library() {
    let dirs = Dirs::default();
    library_conforms(async || dirs.open().await, damage).await;
}

#[tokio::test]
async fn fsck() {
    let dirs = Dirs::default();
    fsck_conforms(dirs.open().await.into()).await;
    figures_conform(dirs.open().await.into()).await;
}

#[tokio::test]
async fn revisions() {
    let dirs = Dirs::default();
    revisions_conform(async || dirs.open().await.into()).await;
}

#[tokio::test]
async fn evidence_does_not_keep_what_was_withdrawn() {
    let dirs = Dirs::default();
    proofs_do_not_keep_what_was_withdrawn(dirs.open().await.into()).await;
}

#[tokio::test]
async fn a_snapshot_holds_each_month_once_whatever_is_logged_while_it_is_read() {
    let dirs = Dirs::default();
    a_snapshot_is_of_one_state(async || dirs.open().await.into()).await;
}

#[tokio::test]
async fn listing() {
    let dirs = Dirs::default();
    listing_conforms(async || dirs.open().await, damage).await;
}

#[tokio::test]
async fn sharing() {
    let dirs = Dirs::default();
    let hold = async |store: &Sqlite| {
        let mut tx = store.writer().begin_with(super::IMMEDIATE).await.unwrap();
        let heads = sqlx::query("UPDATE node SET head_seq = 77");
        heads.execute(&mut *tx).await.unwrap();
        tx
    };
    readers_do_not_wait(dirs.open().await, hold).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_openings() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.sqlite");
    let one = Sqlite::open(&path).await.unwrap();
    openings_share_one_log(one, Sqlite::open(&path).await.unwrap()).await;
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.sqlite");
    let store = Sqlite::open(&path).await.unwrap();
    let newer =
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (9999, 'newer', true, x'00', 0)";
    damage(&store, newer).await;
    store.close().await;
    assert!(matches!(
        Sqlite::open(&path).await,
        Err(StoreError::Migration(_))
    ));
}

/// A database as it was before this migration.
async fn before(path: &Path, version: i64) -> sqlx::SqlitePool {
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true);
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    let earlier = super::MIGRATIONS.iter().filter(|m| m.version < version);
    let earlier = sqlx::migrate::Migrator::with_migrations(earlier.cloned().collect());
    earlier.run(&pool).await.unwrap();
    pool
}

/// Their secrets and their accounts at a sign-in service.
#[tokio::test]
async fn people_of_before_keep_what_they_sign_in_with() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.sqlite");
    let pool = before(&path, 15).await;
    for sql in [
        "INSERT INTO person (name, role, secret_hash, added) VALUES ('b_o', 'operator', '$x$', 7)",
        "INSERT INTO subject (issuer, claim, value, person, since) VALUES ('https://id', 'sub', 'u-1', 'b_o', 8)",
    ] {
        sqlx::query(sql).execute(&pool).await.unwrap();
    }
    pool.close().await;
    let store = Sqlite::open(&path).await.unwrap();
    let person = store.person("b_o").await.unwrap().unwrap();
    assert_eq!(person.secret_hash.as_deref(), Some("$x$"));
    assert_eq!((person.role, person.locked), (Role::Operator, None));
    assert_eq!(store.subjects().await.unwrap()[0].person, "b_o");
    // A name of before is one still, though nobody new gets such a one.
    let lock = Change::Lock {
        name: "b_o",
        careful: false,
    };
    let by = By {
        who: "op",
        now: person.added,
    };
    assert_eq!(store.change(&lock, by).await.unwrap(), Act::Done);
}

/// What was stored before there was a second standard is the first one's.
#[tokio::test]
async fn months_from_before_are_those_of_the_first_standard() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.sqlite");
    let pool = before(&path, 4).await;
    let lep = "E37000055".parse().unwrap();
    let of = |standard| Layout::of_node(standard, &Codebook::new(&lep, &[])).cells();
    let cells = vec![0u8; 8 * of(Standard::v1())];
    sqlx::query("INSERT INTO node (name, lep, state) VALUES ('solent', 'E37000055', 'invited')")
        .execute(&pool)
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO node_month (node, period, lep, seq, epoch, month, rho_micro, pledges, published, cumulative)
         VALUES ('solent', '2022-01', 'E37000055', 7, 1, 1, 500000, '[]', $1, $1)",
    )
    .bind(&cells)
    .execute(&pool)
    .await
    .unwrap();
    let national = vec![0u8; 8 * Layout::national(Standard::v1()).cells()];
    sqlx::query("INSERT INTO national_month (period, part, cells) VALUES ('2022-01', '', $1)")
        .bind(&national)
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
    let store = Sqlite::open(&path).await.unwrap();
    let solent = "solent".parse().unwrap();
    let months = store.history(&solent, Standard::v1()).await.unwrap();
    assert_eq!((months.len(), months[0].seq), (1, 7));
    assert_eq!(months[0].standard, Standard::v1());
    let later = store.history(&solent, Standard::v2()).await.unwrap();
    assert!(later.is_empty());
    assert_eq!(store.national().await.unwrap()[0].standard, Standard::v1());
}

#[tokio::test]
async fn only_a_server_brings_a_database_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.sqlite");
    // A new one is nobody's yet.
    Sqlite::visit(&path).await.unwrap().close().await;
    let store = Sqlite::visit(&path).await.unwrap();
    damage(&store, "DELETE FROM _sqlx_migrations WHERE version = 5").await;
    store.close().await;
    match Sqlite::visit(&path).await {
        Err(error @ StoreError::Unusable { .. }) => {
            assert!(error.to_string().contains("older version"), "{error}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_tally_that_lost_statements_is_counted_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.sqlite");
    let store = Sqlite::open(&path).await.unwrap();
    let (mut sim, mut history) = (Sim::new(0), vec![]);
    admit(&store, &sim).await;
    let sent = [month(&mut sim, &mut history), month(&mut sim, &mut history)];
    store.append(&sent, SIGN).await.unwrap();
    let whole = store.tally().await.unwrap();
    damage(&store, "UPDATE statement_tally SET statements = 1").await;
    store.close().await;
    let store = Sqlite::open(&path).await.unwrap();
    assert_eq!(store.tally().await.unwrap(), whole);
}

#[tokio::test]
async fn durability_is_full() {
    let dirs = Dirs::default();
    let store = dirs.open().await;
    let read = async |pragma: &'static str| -> String {
        let row = sqlx::query(pragma).fetch_one(store.writer()).await.unwrap();
        sqlx::Row::try_get::<String, _>(&row, 0)
            .or_else(|_| sqlx::Row::try_get::<i64, _>(&row, 0).map(|n| n.to_string()))
            .unwrap()
    };
    assert_eq!(read("PRAGMA journal_mode").await, "wal");
    assert_eq!(read("PRAGMA synchronous").await, "2");
}

/// What is withdrawn leaves the files as soon as nobody reads an older state, and nobody waits for that.
#[tokio::test]
async fn what_was_withdrawn_leaves_the_write_ahead_log_when_the_last_reader_is_done() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.sqlite");
    let store = Sqlite::open(&path).await.unwrap();
    let backend = Backend::from(store.clone());
    let mut area = Area::new(&backend, 0).await;
    let seq = area.entry(&backend, "A title that goes", None).await;
    let slug = "black-country".parse().unwrap();
    let logged = store.statement(&slug, seq).await.unwrap().unwrap();
    // How an envelope begins and ends is alike in all.
    let all = logged.envelope.len();
    let (payload, _) = logged.envelope[all / 3..all * 2 / 3].as_chunks::<48>();
    let there = |file: &str| {
        let bytes = std::fs::read(dir.path().join(file)).unwrap();
        let held = |part: &[u8; 48]| bytes.windows(48).any(|w| w == part);
        payload.iter().any(held)
    };
    let mut reading = store.reading().await.unwrap();
    let size = sqlx::query("SELECT size FROM log_head");
    size.fetch_one(&mut *reading).await.unwrap();
    area.withdraw(&backend, seq).await;
    assert!(there("a.sqlite-wal"));
    drop(reading);
    store.checkpoints.ended().await;
    for file in ["a.sqlite", "a.sqlite-wal"] {
        assert!(!there(file), "{file}");
    }
}

/// A program that was killed left a write-ahead log: the next one ends it.
#[tokio::test]
async fn a_write_ahead_log_that_was_left_is_ended_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.sqlite");
    Sqlite::open(&path).await.unwrap().close().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&path)
        .pragma("wal_autocheckpoint", "0");
    let left = sqlx::SqlitePool::connect_with(options).await.unwrap();
    sqlx::query("INSERT INTO node (name, lep, state) VALUES ('solent', 'E37000055', 'invited')")
        .execute(&left)
        .await
        .unwrap();
    let wal = || {
        let wal = std::fs::metadata(dir.path().join("a.sqlite-wal"));
        wal.unwrap().len()
    };
    assert!(wal() > 0);
    let store = Sqlite::open(&path).await.unwrap();
    store.checkpoints.ended().await;
    assert_eq!(wal(), 0);
}
