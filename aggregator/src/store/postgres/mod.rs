//! PostgreSQL: a server beside or elsewhere, for operators who run one already. One transaction
//! writes at a time, also with several processes of this program on one database; readers see the
//! last committed state and wait for nobody. A commit is on the server's disk when it returns.

mod curation;
mod drafts;
mod library;
mod lists;
mod log;
mod recovery;
mod registry;
mod revisions;
mod rollups;
#[cfg(test)]
mod silence;
mod staff;
#[cfg(test)]
mod tests;
mod tree;

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{
    ConnectOptions as _, Connection as _, PgConnection, PgTransaction, Row as _, query,
    query_scalar,
};

use tokio::sync::watch;
use tokio::time::timeout;

use super::StoreError;
use super::location::Server;
use super::upgrade::Upgrade;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// Names the lock that writers take, within the database. The digits are those of "ldsp" in ASCII.
const WRITERS: i64 = 0x6c64_7370;
/// Names the lock that each server has a share in while it runs, and that an upgrade takes whole.
const SERVERS: i64 = WRITERS + 1;
/// SQLSTATE of a lock that was not given in time (PostgreSQL, appendix A).
const NOT_AVAILABLE: &str = "55P03";
/// How long a connection or the writers' lock is waited for: as long as SQLite's lock.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long an answer is waited for: much longer than any command takes that comes with a request. A server whose machine vanished
/// answers nothing, and the network goes on trying for a quarter of an hour.
const SILENCE: Duration = Duration::from_secs(30);
/// Connections for writers, of whom one writes: a pool asks what comes back to it whether it is still there, and should it not be, the
/// next writer must not wait for that.
const WRITING: u32 = 2;
/// A connection that was idle for longer is tried before it is used: the server may have been restarted.
const FRESH: Duration = Duration::from_secs(1);

/// An open database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Postgres {
    writer: PgPool,
    reader: PgPool,
    silence: Duration,
    /// Whether an answer did not come: connections are tried before they are used again, and not waited for.
    silent: Arc<AtomicBool>,
    /// A server's connection that holds the lock of [`SERVERS`] and does nothing else.
    serving: Arc<Mutex<Option<PgConnection>>>,
    /// How often the space of withdrawn payloads was given back, or could not be.
    cleared: Arc<watch::Sender<u64>>,
}

impl Postgres {
    /// Connects to the database for a server and brings it up to date.
    ///
    /// # Errors
    /// The database server cannot be reached, refuses the user or has no such database; it does not write
    /// through to its disk; a newer version wrote the database; a server of an older one still uses it.
    pub async fn open(server: &Server) -> Result<Self, StoreError> {
        let store = Self::connect(server, Upgrade::Any).await?;
        lists::mend_tally(&store).await?;
        Ok(store)
    }

    /// Connects to a database that is up to date, or new.
    ///
    /// # Errors
    /// As [`Self::open`]; an older version wrote the database.
    pub async fn visit(server: &Server) -> Result<Self, StoreError> {
        Self::connect(server, Upgrade::OfNothing).await
    }

    async fn connect(server: &Server, upgrade: Upgrade) -> Result<Self, StoreError> {
        let options = settled(server.options()?);
        // A pool would try again and again and keep the reason to itself.
        let first = timeout(PATIENCE, options.connect()).await;
        let mut first = first
            .map_err(|_| server.silent())?
            .map_err(|e| server.refused(&e))?;
        usable(server, &mut first).await?;
        let has_history = query("SELECT to_regclass('_sqlx_migrations') IS NOT NULL AS there")
            .fetch_one(&mut first)
            .await?;
        let applied = if has_history.try_get("there")? {
            query_scalar("SELECT version FROM _sqlx_migrations")
                .fetch_all(&mut first)
                .await?
        } else {
            Vec::new()
        };
        if upgrade.is_needed(&MIGRATIONS, &applied)? {
            // A server that has just ended holds its lock until its connection is found closed.
            let alone = query("SELECT pg_advisory_lock($1)")
                .bind(SERVERS)
                .execute(&mut first)
                .await;
            match alone {
                Err(sqlx::Error::Database(e)) if e.code().as_deref() == Some(NOT_AVAILABLE) => {
                    return Err(StoreError::Unusable {
                        cause: format!("{server} is used by a server of an older version"),
                        next: "End that server, then start this one",
                    });
                }
                other => other?,
            };
        }
        MIGRATIONS.run(&mut first).await?;
        let serving = match upgrade {
            Upgrade::Any => {
                query("SELECT pg_advisory_unlock_all()")
                    .execute(&mut first)
                    .await?;
                query("SELECT pg_advisory_lock_shared($1)")
                    .bind(SERVERS)
                    .execute(&mut first)
                    .await?;
                Some(first)
            }
            Upgrade::OfNothing => {
                first.close().await?;
                None
            }
        };
        // The writer's commands lead by whole keys, whatever their values: a plan for each call would cost more than it finds.
        let planned = options
            .clone()
            .options([("plan_cache_mode", "force_generic_plan")]);
        let silent = Arc::default();
        let writer = pool(WRITING, &silent).connect_with(planned).await?;
        let reading = options.options([("default_transaction_read_only", "on")]);
        let reader = pool(8, &silent).connect_with(reading).await?;
        Ok(Self {
            writer,
            reader,
            silence: SILENCE,
            silent,
            serving: Arc::new(Mutex::new(serving)),
            cleared: Arc::default(),
        })
    }

    /// Waits for `work` as long as a server may be silent.
    pub(super) async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let mut work = pin!(work);
        match timeout(self.silence, work.as_mut()).await {
            Ok(outcome) => outcome,
            Err(_) => {
                self.silent.store(true, Ordering::Relaxed);
                Err(StoreError::Unusable {
                    cause: "The database server does not answer".to_owned(),
                    next: "Check that the server runs and that the network leads to it",
                })
            }
        }
    }

    async fn line(&self) -> Result<Line, StoreError> {
        Ok(Line(Some(self.writer.acquire().await?)))
    }

    /// Waits for running work and closes the connections.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
        drop(
            self.serving
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
    }

    /// A transaction that alone may write. What it reads is what the writer before it committed:
    /// each statement of a READ COMMITTED transaction sees what was committed before the statement,
    /// and the lock is a statement of its own.
    async fn begin(&self) -> Result<PgTransaction<'static>, StoreError> {
        let mut tx = self.writer.begin().await?;
        wait_for_writers(&mut tx).await?;
        Ok(tx)
    }

    /// A transaction that reads one moment.
    pub(super) async fn reading(&self) -> Result<PgTransaction<'static>, StoreError> {
        let moment = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        Ok(self.reader.begin_with(moment).await?)
    }

    /// The writing connection, for tests that damage rows.
    #[cfg(test)]
    pub(crate) fn writer(&self) -> &PgPool {
        &self.writer
    }
}

async fn wait_for_writers(tx: &mut PgConnection) -> Result<(), StoreError> {
    query("SELECT pg_advisory_xact_lock($1)")
        .bind(WRITERS)
        .execute(tx)
        .await?;
    Ok(())
}

/// The writing connection for one piece of work. What ends the work early, also that it is not waited for any longer, ends the
/// connection at once: on its way back to the pool it would be waited for again, and nobody could write meanwhile.
struct Line(Option<PoolConnection<sqlx::Postgres>>);

impl Line {
    fn connection(&mut self) -> &mut PgConnection {
        self.0
            .as_mut()
            .expect("only `hand_back` takes it, and that takes the line too")
    }

    /// The work is done.
    fn hand_back(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        drop(self.0.take().map(PoolConnection::detach));
    }
}

/// What every connection is told, whatever the server's defaults are.
fn settled(options: PgConnectOptions) -> PgConnectOptions {
    options.application_name("ldsp-aggregator").options([
        ("synchronous_commit", "on"),
        ("default_transaction_isolation", "read committed"),
        ("lock_timeout", "5s"),
        // A process that hangs must not hold the lock for ever.
        ("idle_in_transaction_session_timeout", "30s"),
    ])
}

fn pool(size: u32, silent: &Arc<AtomicBool>) -> PgPoolOptions {
    let silent = Arc::clone(silent);
    // As of SQLite's pools. A connection that the server has ended is found when it is next used.
    PgPoolOptions::new()
        .idle_timeout(None)
        .max_lifetime(None)
        .after_release(move |connection, _| {
            let silent = Arc::clone(&silent);
            Box::pin(async move {
                if !silent.load(Ordering::Relaxed) {
                    return Ok(true);
                }
                let answer = timeout(PATIENCE, connection.ping()).await;
                // An error ends the connection without another word to the server.
                answer.map_err(|_| sqlx::Error::PoolTimedOut)??;
                silent.store(false, Ordering::Relaxed);
                Ok(true)
            })
        })
        .max_connections(size)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
        .before_acquire(|connection, state| {
            Box::pin(async move {
                if state.idle_for > FRESH {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
}

/// Whether the server can be relied on for what the traits promise.
async fn usable(server: &Server, connection: &mut PgConnection) -> Result<(), StoreError> {
    let row = query(
        "SELECT current_setting('server_encoding') AS encoding, current_setting('fsync') AS fsync,
             pg_is_in_recovery() AS copy",
    )
    .fetch_one(connection)
    .await?;
    let refuse = |cause: &str, next| {
        Err(StoreError::Unusable {
            cause: format!("{server} {cause}"),
            next,
        })
    };
    if row.try_get::<String, _>("encoding")? != "UTF8" {
        return refuse(
            "does not hold Unicode",
            "Make a database with `createdb --encoding UTF8 --template template0` and name it in `database`",
        );
    }
    if row.try_get::<String, _>("fsync")? != "on" {
        return refuse(
            "may lose what it acknowledged, because the server's fsync is off",
            "Set fsync = on in its postgresql.conf and restart it",
        );
    }
    if row.try_get::<bool, _>("copy")? {
        return refuse(
            "is a standby that cannot be written to",
            "Name the primary server in `database`",
        );
    }
    Ok(())
}
