//! Counts over all enrolments, kept until somebody writes.
//!
//! Counting a million rows takes a part of a second, and people look at the same pages again. What was counted holds as long as SQLite says that
//! the database is as it was: `PRAGMA data_version` (sqlite.org/pragma.html) is another number on a connection once any other connection, of
//! this process or of another one, has committed. So nobody who writes has to say what changed, and nothing that is shown is older
//! than the question for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::civil::Date;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use tokio::sync::Mutex;

use super::StoreError;
use super::delivery::Own;
use super::records::Held;
use crate::quality::Judged;
use crate::rights::Due;

/// A state of the database: which connection of [`Watch`] says so, and what it says.
type Version = (u64, i64);

/// Tells one state of the database from another, by a connection of its own that only looks.
#[derive(Debug, Clone)]
struct Watch {
    connection: SqlitePool,
    /// Connections so far: the numbers of one mean nothing on another.
    opened: Arc<AtomicU64>,
}

impl Watch {
    fn new(options: SqliteConnectOptions) -> Self {
        let opened = Arc::new(AtomicU64::new(0));
        let count = opened.clone();
        let connection = super::pool()
            .max_connections(1)
            .after_connect(move |_, _| {
                count.fetch_add(1, Ordering::Relaxed);
                Box::pin(async { Ok(()) })
            })
            .connect_lazy_with(options);
        Self { connection, opened }
    }

    async fn version(&self) -> Result<Version, StoreError> {
        let mut connection = self.connection.acquire().await?;
        let version = sqlx::query_scalar("PRAGMA data_version")
            .fetch_one(&mut *connection)
            .await?;
        // The one connection that there is was the last one opened.
        Ok((self.opened.load(Ordering::Relaxed), version))
    }
}

/// Answers to one kind of question that are kept at a time: providers, as a rule.
const KEPT: usize = 64;

/// The latest counts of one kind, by what they were asked for.
pub(crate) struct Counted<K, T>(Mutex<Vec<(K, Version, T)>>);

impl<K, T> Default for Counted<K, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// What is kept. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Counts {
    watch: Watch,
    all: Arc<All>,
}

/// One for each kind.
#[derive(Default)]
pub(crate) struct All {
    /// For the first page: tiers and stages of the standard.
    pub(crate) held: Counted<(usize, usize), Held>,
    /// As of a day, since 1970-01-01: the thresholds of the rules stand in the database too.
    pub(crate) judged: Counted<i64, Vec<Judged>>,
    /// By the names of a provider.
    pub(crate) own: Counted<Vec<String>, Own>,
    /// By months and day.
    pub(crate) due: Counted<(u16, Date), Due>,
}

/// Exact counts belong into no log.
impl std::fmt::Debug for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Counts").finish_non_exhaustive()
    }
}

impl Counts {
    pub(super) fn new(options: SqliteConnectOptions) -> Self {
        Self {
            watch: Watch::new(options),
            all: Arc::default(),
        }
    }

    pub(super) async fn close(&self) {
        self.watch.connection.close().await;
    }

    /// The kept answer to `key`, else `count`, which is kept. Who asks for the same kind meanwhile waits for it rather than count too.
    pub(crate) async fn get<K: PartialEq, T: Clone>(
        &self,
        kind: impl FnOnce(&All) -> &Counted<K, T>,
        key: K,
        count: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let mut kept = kind(&self.all).0.lock().await;
        // Read before it is counted: what is committed in between is in the count or makes another version, and in no case is missed.
        let version = self.watch.version().await?;
        kept.retain(|(_, of, _)| *of == version);
        if let Some((.., found)) = kept.iter().find(|(of, ..)| *of == key) {
            return Ok(found.clone());
        }
        let counted = count.await?;
        if kept.len() == KEPT {
            kept.remove(0);
        }
        kept.push((key, version, counted.clone()));
        Ok(counted)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::store::Store;

    fn own(starts: i64) -> Own {
        Own {
            starts,
            ..Own::default()
        }
    }

    async fn ask(store: &Store, name: &str, asked: &AtomicUsize) -> i64 {
        let count = async {
            let n = asked.fetch_add(1, Ordering::Relaxed);
            Ok(own(n as i64))
        };
        let key = vec![name.to_owned()];
        let found = store.counts.get(|all| &all.own, key, count).await;
        found.unwrap().starts
    }

    #[tokio::test]
    async fn a_count_holds_until_somebody_writes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node.db");
        let store = Store::open(&path).await.unwrap();
        let other_program = Store::open(&path).await.unwrap();
        let asked = AtomicUsize::new(0);
        assert_eq!(ask(&store, "a", &asked).await, 0);
        assert_eq!(ask(&store, "b", &asked).await, 1);
        assert_eq!(ask(&store, "a", &asked).await, 0);
        let now = jiff::Timestamp::UNIX_EPOCH;
        // A transaction that comes to nothing changes nothing.
        let tx = store.write().await.unwrap();
        tx.rollback().await.unwrap();
        assert_eq!(ask(&store, "a", &asked).await, 0);
        for (at, writer) in [&store, &other_program].into_iter().enumerate() {
            writer.audit(now, "x", "test", "y").await.unwrap();
            let first = 2 + 2 * at as i64;
            assert_eq!(ask(&store, "b", &asked).await, first);
            assert_eq!(ask(&store, "a", &asked).await, first + 1);
            assert_eq!(ask(&store, "b", &asked).await, first);
        }
    }

    /// What is committed while it is counted may or may not be in it: the next one counts again.
    #[tokio::test]
    async fn a_count_from_before_a_write_is_not_kept() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("node.db")).await.unwrap();
        let writer = store.clone();
        let count = async move {
            let now = jiff::Timestamp::UNIX_EPOCH;
            writer.audit(now, "x", "test", "y").await?;
            Ok(own(-1))
        };
        let key = || vec!["a".to_owned()];
        let found = store.counts.get(|all| &all.own, key(), count).await;
        assert_eq!(found.unwrap().starts, -1);
        assert_eq!(ask(&store, "a", &AtomicUsize::new(7)).await, 7);
    }

    #[tokio::test]
    async fn what_could_not_be_counted_is_counted_again() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("node.db")).await.unwrap();
        let failed = async { Err(sqlx::Error::RowNotFound.into()) };
        let key = vec!["a".to_owned()];
        assert!(store.counts.get(|all| &all.own, key, failed).await.is_err());
        assert_eq!(ask(&store, "a", &AtomicUsize::new(3)).await, 3);
    }
}
