//! The conformance suite on PostgreSQL, and what is PostgreSQL's own.

use std::collections::BTreeSet;
use std::sync::Mutex;

use ldsp_cluster::{Cluster, Database};
use ldsp_protocol::standard::Standard;
use ldsp_ui::tls::PrivateCa;
use sqlx::{AssertSqlSafe, PgTransaction, Row as _};

use super::Postgres;
use crate::store::conformance::{
    Area, SIGN, a_log_without_a_tree_gets_one, a_snapshot_is_of_one_state, curation_conforms,
    drafts_conform, figures_conform, fsck_conforms, library_conforms, listing_conforms,
    log_conforms, month, openings_share_one_log, proofs_do_not_keep_what_was_withdrawn,
    readers_do_not_wait, recovery_conforms, registry_conforms, revisions_conform, rollups_conforms,
    same_statements_same_answers, staff_conforms, tree_conforms,
};
use crate::store::rows::as_blob;
use crate::store::sqlite::Sqlite;
use crate::store::{Backend, DatabaseUrl, Location, Log as _, Rollups as _, StoreError};
use crate::testing::{Sim, admit};

/// Keeps the databases of the stores that a test opens.
#[derive(Default)]
struct Databases(Mutex<Vec<Database>>);

impl Databases {
    async fn open(&self) -> Postgres {
        let database = Cluster::shared().database();
        let store = open(&database.url()).await.unwrap();
        self.0.lock().unwrap().push(database);
        store
    }
}

pub(super) async fn open(url: &str) -> Result<Postgres, StoreError> {
    match DatabaseUrl::from(url.to_owned()).location()? {
        Location::Postgres(server) => Postgres::open(&server).await,
        other => panic!("{other:?}"),
    }
}

/// SQLite writes bytes as x'00', PostgreSQL as '\x00'.
async fn damage(store: &Postgres, sql: &'static str) {
    let sql = AssertSqlSafe(sql.replace("x'", "'\\x"));
    let done = sqlx::query(sql).execute(store.writer()).await.unwrap();
    assert!(done.rows_affected() > 0);
}

async fn setting(store: &Postgres, name: &str) -> String {
    let show = AssertSqlSafe(format!("SHOW {name}"));
    let row = sqlx::query(show).fetch_one(store.writer()).await.unwrap();
    row.get(0)
}

pub(super) fn unusable<T: std::fmt::Debug>(outcome: Result<T, StoreError>) -> String {
    match outcome {
        Err(error @ StoreError::Unusable { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn registry() {
    let databases = Databases::default();
    registry_conforms(async || databases.open().await, damage).await;
}

#[tokio::test]
async fn staff() {
    let databases = Databases::default();
    staff_conforms(async || databases.open().await, damage).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn log() {
    let databases = Databases::default();
    log_conforms(async || databases.open().await, damage).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tree() {
    let databases = Databases::default();
    tree_conforms(async || databases.open().await, damage).await;
    a_log_without_a_tree_gets_one(&databases.open().await, damage).await;
}

#[tokio::test]
async fn recovery() {
    let databases = Databases::default();
    recovery_conforms(async || databases.open().await, damage).await;
}

#[tokio::test]
async fn rollups() {
    let databases = Databases::default();
    rollups_conforms(async || databases.open().await, damage).await;
}

#[tokio::test]
async fn curation() {
    let databases = Databases::default();
    curation_conforms(async || databases.open().await, damage).await;
}

#[tokio::test]
async fn drafts() {
    let databases = Databases::default();
    drafts_conform(async || databases.open().await, damage).await;
}

#[tokio::test]
async fn library() {
    let databases = Databases::default();
    library_conforms(async || databases.open().await, damage).await;
}

#[tokio::test]
async fn fsck() {
    let databases = Databases::default();
    fsck_conforms(databases.open().await.into()).await;
    figures_conform(databases.open().await.into()).await;
}

#[tokio::test]
async fn revisions() {
    let databases = Databases::default();
    revisions_conform(async || databases.open().await.into()).await;
}

#[tokio::test]
async fn evidence_does_not_keep_what_was_withdrawn() {
    let databases = Databases::default();
    proofs_do_not_keep_what_was_withdrawn(databases.open().await.into()).await;
}

/// The tables and their side tables in whose files these bytes are.
fn holding(database: &Database, bytes: &[u8]) -> BTreeSet<String> {
    let bytes = hex::encode(bytes);
    let found = database.sql(&format!(
        "CHECKPOINT; SELECT coalesce(t.relname, c.relname) FROM pg_class AS c LEFT JOIN pg_class AS t ON t.reltoastrelid = c.oid
             WHERE c.relkind IN ('r', 't', 'i') AND pg_relation_filepath(c.oid) IS NOT NULL
                 AND position('\\x{bytes}'::bytea IN pg_read_binary_file(pg_relation_filepath(c.oid))) > 0"
    ));
    found.lines().map(str::to_owned).collect()
}

/// What is withdrawn is dead at once, the program has its space given back, and the operator's command takes it out of the files.
#[tokio::test]
async fn what_was_withdrawn_leaves_the_files_by_the_operators_command() {
    let docs = include_str!("../../../../docs/revisions.md");
    let (_, command) = docs.split_once("`VACUUM FULL ").unwrap();
    let (tables, _) = command.split_once('`').unwrap();
    let database = Cluster::shared().database();
    let store = open(&database.url()).await.unwrap();
    // Stored as they are, so that they can be looked for.
    for (table, column) in [
        ("statement", "envelope"),
        ("equivocation", "envelope"),
        ("node_month", "published"),
        ("node_month", "cumulative"),
    ] {
        let storage = format!("ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE EXTERNAL");
        database.sql(&storage);
    }
    let backend = Backend::from(store.clone());
    let mut area = Area::new(&backend, 0).await;
    let entry = area.entry(&backend, "A title that goes", None).await;
    let month = area.summary(&backend).await;
    let again = area.again(month);
    area.contradicts(&backend, month, again).await;

    let slug = "black-country".parse().unwrap();
    // Not across two rows of a side table, which hold 1,996 bytes each.
    let middle = |bytes: &[u8]| bytes[bytes.len() / 2 / 1996 * 1996 + 1000..][..48].to_vec();
    let envelope = async |seq| {
        let logged = store.statement(&slug, seq).await.unwrap().unwrap();
        middle(&logged.envelope)
    };
    let history = store.history(&slug, Standard::current()).await.unwrap();
    let kept = store.evidence(&slug, month).await.unwrap().unwrap();
    let secret = [
        ("statement", envelope(entry).await),
        ("statement", envelope(month).await),
        ("node_month", middle(&as_blob(&history[0].published))),
        ("node_month", middle(&as_blob(&history[0].cumulative))),
        ("equivocation", middle(&kept.envelope)),
    ];
    for (table, bytes) in &secret {
        assert!(holding(&database, bytes).contains(*table), "{table}");
    }

    area.withdraw(&backend, entry).await;
    area.withdraw(&backend, month).await;
    store.cleared(2).await;
    database.sql("CREATE EXTENSION pgstattuple");
    for table in tables.split(", ") {
        let dead = format!(
            "SELECT sum((pgstattuple(oid)).dead_tuple_count) FROM pg_class
                 WHERE '{table}'::regclass IN (oid, (SELECT t.oid FROM pg_class AS t WHERE t.reltoastrelid = pg_class.oid))"
        );
        assert_eq!(database.sql(&dead).trim(), "0", "{table}");
    }
    database.sql(&format!("VACUUM FULL {tables}"));
    for (_, bytes) in &secret {
        assert_eq!(holding(&database, bytes), BTreeSet::new());
    }
}

#[tokio::test]
async fn a_snapshot_holds_each_month_once_whatever_is_logged_while_it_is_read() {
    let databases = Databases::default();
    a_snapshot_is_of_one_state(async || databases.open().await.into()).await;
}

#[tokio::test]
async fn listing() {
    let databases = Databases::default();
    listing_conforms(async || databases.open().await, damage).await;
}

#[tokio::test]
async fn sharing() {
    let databases = Databases::default();
    let hold = async |store: &Postgres| -> PgTransaction<'static> {
        let mut tx = store.begin().await.unwrap();
        let heads = sqlx::query("UPDATE node SET head_seq = 77");
        heads.execute(&mut *tx).await.unwrap();
        tx
    };
    readers_do_not_wait(databases.open().await, hold).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_openings() {
    let database = Cluster::shared().database();
    // Both bring the empty database up to date at once.
    let url = database.url();
    let (one, other) = tokio::join!(open(&url), open(&url));
    openings_share_one_log(one.unwrap(), other.unwrap()).await;
}

#[tokio::test]
async fn answers_as_sqlite_does() {
    let (databases, dir) = (Databases::default(), tempfile::tempdir().unwrap());
    let sqlite = Sqlite::open(&dir.path().join("a.sqlite")).await.unwrap();
    same_statements_same_answers(databases.open().await, sqlite).await;
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let database = Cluster::shared().database();
    let store = open(&database.url()).await.unwrap();
    store.close().await;
    database.sql(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (9999, 'newer', true, '\\x00', 0)",
    );
    let again = open(&database.url()).await;
    assert!(matches!(again, Err(StoreError::Migration(_))), "{again:?}");
}

#[tokio::test]
async fn a_database_is_not_changed_under_a_server() {
    let database = Cluster::shared().database();
    let serving = open(&database.url()).await.unwrap();
    let (mut sim, mut history) = (Sim::new(0), vec![]);
    admit(&serving, &sim).await;
    let sent = [month(&mut sim, &mut history), month(&mut sim, &mut history)];
    serving.append(&sent, SIGN).await.unwrap();
    let whole = serving.tally().await.unwrap();
    damage(&serving, "UPDATE statement_tally SET statements = 1").await;
    let other = open(&database.url()).await.unwrap();
    assert_eq!(serving.tally().await.unwrap(), whole, "counted anew");
    other.close().await;
    database.sql("DELETE FROM _sqlx_migrations WHERE version = 5");
    let visit = async || {
        let url = DatabaseUrl::from(database.url());
        match url.location().unwrap() {
            Location::Postgres(server) => Postgres::visit(&server).await,
            other => panic!("{other:?}"),
        }
    };
    let reason = unusable(visit().await);
    assert!(reason.contains("older version of this program"), "{reason}");
    let reason = unusable(open(&database.url()).await);
    assert!(reason.contains("used by a server"), "{reason}");
    serving.close().await;
    let upgraded = open(&database.url()).await;
    let reason = upgraded
        .expect_err("the test left its tables there")
        .to_string();
    assert!(reason.contains("brought up to date"), "{reason}");
}

#[tokio::test]
async fn commits_are_durable_whatever_the_database_is_set_to() {
    let database = Cluster::shared().database();
    let name = database.name();
    database.sql(&format!(
        "ALTER DATABASE {name} SET synchronous_commit = off;
         ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'"
    ));
    let store = open(&database.url()).await.unwrap();
    assert_eq!(setting(&store, "synchronous_commit").await, "on");
    assert_eq!(setting(&store, "fsync").await, "on");
    let isolation = setting(&store, "transaction_isolation").await;
    assert_eq!(isolation, "read committed");
}

/// A failed transaction leaves the connection as good as new.
#[tokio::test]
async fn a_writer_that_waits_too_long_gives_up_and_the_next_goes_on() {
    let database = Cluster::shared().database();
    let url = database.url();
    let (one, other) = (open(&url).await.unwrap(), open(&url).await.unwrap());
    let held = one.begin().await.unwrap();
    let impatient = sqlx::query("SET lock_timeout = '1ms'");
    impatient.execute(other.writer()).await.unwrap();
    let late = other.begin().await;
    assert!(matches!(late, Err(StoreError::Database(_))));
    drop(held);
    // The first one's connection says that it rolled back once it is used again.
    drop(one.begin().await.unwrap());
    one.close().await;
    // The server ends the first one's session in its own time.
    let patient = sqlx::query("SET lock_timeout = '5s'");
    patient.execute(other.writer()).await.unwrap();
    other.begin().await.unwrap().commit().await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_used_says_why_and_shows_no_password() {
    let cluster = Cluster::shared();
    let database = cluster.database();
    let name = database.name();
    let user = cluster.guarded(&database, "s3cret-right");
    open(&cluster.url(user, "s3cret-right", name))
        .await
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().display();
    for (url, words) in [
        (cluster.url(user, "s3cret-wrong", name), "refuses the user"),
        (
            cluster.url(user, "s3cret-right", "missing"),
            "does not exist",
        ),
        (
            format!("postgres://u:s3cret@localhost/d?host={nowhere}"),
            "cannot be reached",
        ),
        (
            "postgres://u:s3cret@127.0.0.1:1/d".to_owned(),
            "cannot be reached",
        ),
        (
            "postgres://u:s3cret@localhost/d?passwort=s3cret".to_owned(),
            "parameter",
        ),
        (
            "postgres://u:s3cret@localhost:port/d".to_owned(),
            "not the address",
        ),
        (
            "postgres://u:s3cret@localhost/d?sslmode=s3cret".to_owned(),
            "not the address",
        ),
        (
            "mysql://u:s3cret@localhost/d".to_owned(),
            "kind of database",
        ),
    ] {
        let reason = unusable(open(&url).await);
        assert!(reason.contains(words), "{reason}");
        assert!(!reason.contains("s3cret"), "{reason}");
    }
    let store = open(&cluster.url(user, "s3cret-right", name))
        .await
        .unwrap();
    let url = DatabaseUrl::from(cluster.url(user, "s3cret-right", name));
    let location = url.location().unwrap();
    for shown in [
        format!("{store:?}"),
        format!("{url:?}"),
        format!("{location:?}"),
        location.to_string(),
    ] {
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_hold_unicode_is_refused() {
    let cluster = Cluster::shared();
    let database = cluster.database();
    let name = format!("{}_ascii", database.name());
    cluster.sql(
        "postgres",
        &format!("CREATE DATABASE {name} ENCODING 'SQL_ASCII' LOCALE 'C' LOCALE_PROVIDER libc TEMPLATE template0"),
    );
    let reason = unusable(open(&cluster.url("ldsp", "", &name)).await);
    assert!(reason.contains("Unicode"), "{reason}");
    cluster.sql("postgres", &format!("DROP DATABASE {name} WITH (FORCE)"));
}

/// A database on another machine is reached by TLS, and only one that proves its name.
#[tokio::test]
async fn a_server_elsewhere_proves_its_name() {
    #[expect(
        clippy::disallowed_methods,
        reason = "the driver judges certificates by the system's clock"
    )]
    let now = jiff::Timestamp::now();
    let days = |days: i64| now + jiff::SignedDuration::from_hours(24 * days);
    let authority = || PrivateCa::generate(days(-1), days(1)).unwrap();
    let (own, other) = (authority(), authority());
    let folder = tempfile::tempdir().unwrap();
    let pem = |name: &str, ca: &PrivateCa| {
        let path = folder.path().join(name);
        std::fs::write(&path, ca.certificate_pem()).unwrap();
        path
    };
    let (own_pem, other_pem) = (pem("own.pem", &own), pem("other.pem", &other));
    let issued = own.issue(&["127.0.0.1"], days(-1), days(1)).unwrap();
    let cluster = Cluster::with_tls(&issued.certificate_pem, &issued.key_pem);

    let store = open(&cluster.url_by_tls("127.0.0.1", &own_pem))
        .await
        .unwrap();
    for pool in [store.writer(), &store.reader] {
        let row = sqlx::query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
        assert!(row.fetch_one(pool).await.unwrap().get::<bool, _>(0));
    }
    store.close().await;
    for (host, authority) in [("127.0.0.1", &other_pem), ("localhost", &own_pem)] {
        let reason = unusable(open(&cluster.url_by_tls(host, authority)).await);
        assert!(reason.contains("cannot be reached by TLS"), "{reason}");
        assert!(reason.contains("sslrootcert"), "{reason}");
    }
}
