//! Wiring: configuration, clock, randomness, files, sockets and the terminal. Only this module
//! reads the machine's clock and randomness; everything else takes them as parameters, so that the
//! demonstration and the tests call the same functions in one process.

mod accounts;
mod cli;
mod commands;
mod config;
mod fsck;
mod identity;
mod keys;
mod people;
mod questionnaire;
mod recovery;
mod runs;
mod site;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::middleware::map_response;
use axum::response::Response;
use jiff::Timestamp;
use ldsp_protocol::note::Verifier;
use ldsp_protocol::standard::Standard;
use ldsp_ui::Clock;
use ldsp_ui::accounts::By;
use ldsp_ui::api::Unconfirmed;
use ldsp_ui::schedule::Schedule;
use ldsp_ui::tls::Material;
use rand_core::{CryptoRng, UnwrapErr};
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};

pub use accounts::{Account, AccountList, accounts, connect, disconnect};
pub use cli::main;
pub use commands::{
    BenchmarkReport, InviteOrder, Invited, NodeLine, NodeList, benchmark, invite, nodes,
};
pub use config::{Config, ConfigError, LogFormat};
pub use fsck::{Checked, check};
pub use identity::{Identity, Initialised, identity, init};
pub use keys::{Approved, RevokedKey, approve, revoke};
pub use people::{
    ActLine, ActList, AddedPerson, ChangedPerson, NewSecret, PersonLine, PersonLink, PersonList,
    RemovedPerson, add_person, change_role, history, link_person, lock_person, people,
    remove_person, replace_secret,
};
pub use recovery::{ForkLine, RecoveryReport, begin_recovery, go_on, recovery};
pub use runs::{Frozen, freeze};

use crate::Service;
use crate::announce::Announcer;
use crate::benchmark::Benchmarks;
use crate::directory::Directory;
use crate::log::{Signer, Worker, sequencer};
use crate::store::{Backend, Log, StoreError, trouble};
use crate::tree::{AuditError, Tree};

/// A command that was refused: why, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{cause}. {next}")]
pub struct Refused {
    /// Why.
    pub cause: String,
    /// What to do.
    pub next: String,
}

impl Refused {
    /// A refusal.
    pub fn new(cause: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            cause: cause.into(),
            next: next.into(),
        }
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        if let StoreError::Unusable { cause, next } = error {
            return Self::new(cause, format!("{next}."));
        }
        if let StoreError::Database(error) = &error {
            let trouble = trouble::of(error);
            return Self::new(format!("{} ({error})", trouble.cause), trouble.next);
        }
        // The store's other messages are a sentence and its remedy.
        let text = error.to_string();
        match text.split_once(". ") {
            Some((cause, next)) => Self::new(cause, format!("{next}.")),
            None => Self::new(text, "Look at the log of this server."),
        }
    }
}

impl From<ConfigError> for Refused {
    fn from(error: ConfigError) -> Self {
        Self::new(error.to_string(), error.next)
    }
}

/// The machine's clock.
#[must_use]
pub fn system_clock() -> Clock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the module that reads the clock"
    )]
    Arc::new(Timestamp::now)
}

/// The machine's randomness. It fails only where the system has none to give, and then the program
/// may not go on.
#[must_use]
pub fn system_entropy() -> impl CryptoRng {
    UnwrapErr(getrandom::SysRng)
}

/// An open server: its state and the task that writes the log.
#[derive(Debug)]
pub struct App {
    service: Arc<Service>,
    worker: oneshot::Receiver<Result<(), StoreError>>,
    tls: Material,
    banner: Option<String>,
    sign_in: Option<ldsp_ui::oidc::Config>,
    runs: Schedule,
}

/// Opens the database of `config` beside the server that may use it.
///
/// # Errors
/// It cannot be opened, or is of an older version: only a server brings it up to date.
pub async fn open_store(config: &Config) -> Result<Backend, Refused> {
    // Names the missing set-up before a database is made in the wrong place.
    identity::identity(config)?;
    Ok(Backend::visit(&identity::database(config)?).await?)
}

/// What [`init`] does, and then makes the link on which somebody becomes the first operator. That a database cannot take one yet, or has
/// people already, does not undo the rest: the answer says why there is none.
///
/// # Errors
/// As [`init`].
pub async fn set_up(
    config: &Config,
    identity: &Identity,
    by: By<'_>,
    rng: &mut impl CryptoRng,
) -> Result<Initialised, Refused> {
    let mut made = init(config, identity, by.now, rng)?;
    match first_link(config, by, rng).await {
        Ok(link) => made.link = Some(link),
        Err(refused) => made.no_link = Some(refused.to_string()),
    }
    Ok(made)
}

async fn first_link(
    config: &Config,
    by: By<'_>,
    rng: &mut impl CryptoRng,
) -> Result<String, Refused> {
    let identity = identity::identity(config)?;
    let signer = identity::signer(config, &identity)?;
    let store = open_store(config).await?;
    belongs(&store, signer.verifier()).await?;
    let link = people::first_link(&store, &identity.public_url, by, rng).await;
    store.close().await;
    link
}

/// Opens a server that `init` set up and starts the task that writes its log. People's phones make their codes by `phones`, which is
/// `clock` everywhere but in a demonstration that lives in the past.
///
/// # Errors
/// Not set up, damaged keys, a database that cannot be opened or holds another log or one that is not what was signed.
pub async fn open(config: &Config, clock: Clock, phones: Clock) -> Result<App, Refused> {
    let identity = identity::identity(config)?;
    let signer = identity::signer(config, &identity)?;
    let tls = identity::tls(config, &identity, clock())?;
    let store = Backend::open(&identity::database(config)?).await?;
    let tree = Arc::new(audited(store.clone(), &signer).await?);
    let announcer = Announcer::new(&store, &signer, Standard::current());
    announcer.settle(clock()).await?;
    let (sequencer, worker) = sequencer(store.clone(), signer.clone(), Arc::clone(&tree));
    let service = Service {
        directory: Directory::open(store.clone()),
        store,
        sequencer,
        tree,
        signer,
        standard: Standard::current(),
        public_url: identity.public_url,
        ca_pem: identity::ca_pem(config)?,
        about: config.about.clone(),
        data_dir: Some(config.data_dir.clone()),
        clock,
        phones,
        entropy: Arc::new(|| Box::new(system_entropy())),
        benchmarks: Arc::new(Benchmarks::default()),
        candidates: crate::recovery::Candidates::default(),
        overdue: crate::runs::Overdue::default(),
    };
    Ok(App {
        service: Arc::new(service),
        worker: write_apart(worker)?,
        tls,
        banner: config.banner.clone(),
        sign_in: config.oidc.clone(),
        runs: config.benchmark_schedule.clone(),
    })
}

/// Opens the log of `config` for a command that states something in it, beside a server or without one.
///
/// # Errors
/// As [`open`], but the tree is not built: that is the server's.
pub async fn open_log(config: &Config, now: Timestamp) -> Result<(Backend, Signer), Refused> {
    let identity = identity::identity(config)?;
    let signer = identity::signer(config, &identity)?;
    let store = open_store(config).await?;
    establish(&store, &signer).await?;
    let announcer = Announcer::new(&store, &signer, Standard::current());
    announcer.settle(now).await?;
    Ok((store, signer))
}

/// Opens the log of `config` for a command about leaves that it lacks: states nothing and signs nothing.
///
/// # Errors
/// As [`open`], but the tree is not built: that is the server's.
pub async fn open_stopped(config: &Config) -> Result<(Backend, Signer), Refused> {
    let signer = identity::signer(config, &identity::identity(config)?)?;
    let store = open_store(config).await?;
    belongs(&store, signer.verifier()).await?;
    Ok((store, signer))
}

/// Gives the database's log its first checkpoint if it has none.
async fn establish(store: &Backend, signer: &Signer) -> Result<(), Refused> {
    belongs(store, signer.verifier()).await?;
    let sign = |size, root| signer.checkpoint(size, root);
    Ok(store.establish(&sign).await?)
}

/// Whether the database's log, where there is one already, was signed with this key: a database that is named by its
/// address may be another log's.
async fn belongs(store: &Backend, log: &Verifier) -> Result<(), Refused> {
    let head = store.head().await?;
    let ours = match (head.checkpoint, head.receipt) {
        (Some(checkpoint), _) => log.open(&checkpoint).is_ok(),
        (None, Some(receipt)) => log.open(&receipt).is_ok(),
        (None, None) => true,
    };
    if ours {
        return Ok(());
    }
    Err(Refused::new(
        "the database holds a log that another key signed",
        "Point `database` and `data_dir` to what belongs together, or restore the key from the backup.",
    ))
}

/// The log's tree, after the log got its first checkpoint if it had none, built anew from its leaves: one that does not agree
/// with what was signed is not served.
///
/// # Errors
/// The database is another log's or trouble, or leaves, edge and checkpoint do not agree.
pub async fn audited(store: Backend, signer: &Signer) -> Result<Tree<Backend>, Refused> {
    establish(&store, signer).await?;
    match Tree::open(store, signer.verifier().clone()).await {
        Ok(tree) => Ok(tree),
        Err(AuditError::Store(error)) => Err(error.into()),
        Err(AuditError::Differs(what)) => Err(Refused::new(
            format!("the log is not what was signed, and is not served: {what}"),
            "Keep the database as it is for the inquiry, restore the latest backup whose log is whole, and let the nodes send what it lacks.",
        )),
    }
}

/// Writes the log on a thread of its own: a batch is a dozen commands to the database, and between any two of them it would
/// wait behind whatever signatures the runtime's threads are verifying. The thread ends with the last door.
fn write_apart<S: Log>(
    worker: Worker<S>,
) -> Result<oneshot::Receiver<Result<(), StoreError>>, Refused> {
    let (ended, end) = oneshot::channel();
    let runtime = Handle::current();
    let thread = std::thread::Builder::new().name("ldsp-log".to_owned());
    let started = thread.spawn(move || drop(ended.send(runtime.block_on(worker.run()))));
    match started {
        Ok(_) => Ok(end),
        Err(e) => Err(Refused::new(
            format!("the log's writer cannot start: {e}"),
            "Free some memory.",
        )),
    }
}

impl App {
    /// The server's state, for callers in the same process.
    #[must_use]
    pub fn service(&self) -> &Arc<Service> {
        &self.service
    }

    /// Everything that the server answers.
    ///
    /// # Errors
    /// The public address is not an origin, or a file of the sign-in service cannot be used.
    pub fn router(&self) -> Result<Router, Refused> {
        site::router(&self.service, self.banner.as_deref(), self.sign_in.as_ref())
    }

    /// Serves over TLS until `shutdown` resolves, then lets requests under way end and closes the
    /// database.
    ///
    /// # Errors
    /// The listener cannot be used, or a write may not have reached the disk.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), Refused> {
        let (unconfirmed, failed) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let (watched, seen) = (unconfirmed.clone(), failed.clone());
        // A write outside the log's own task whose fate is unknown ends the process, too.
        let watch = map_response(move |response: Response| {
            if response.extensions().get::<Unconfirmed>().is_some() {
                seen.store(true, Ordering::Relaxed);
                watched.notify_one();
            }
            std::future::ready(response)
        });
        let router = self.router()?.layer(watch);
        let mut worker = self.worker;
        let stop = async move {
            tokio::select! {
                () = shutdown => {}
                () = unconfirmed.notified() => {}
            }
        };
        let serving = ldsp_ui::serve(listener, self.tls, router, stop);
        let runs = runs::keep(Arc::clone(&self.service), self.runs);
        let outcome = tokio::select! {
            fatal = runs => Err(fatal.into()),
            served = serving => served.map_err(|e| {
                Refused::new(format!("the listener cannot be used: {e}"), "Choose another address with `listen`.")
            }),
            ended = &mut worker => Err(match ended {
                Ok(Err(error)) => error.into(),
                _ => Refused::new("the log's writer ended", "Start the server again and look at its log."),
            }),
        };
        // The doors close with the last handler; a batch that is being written is finished first.
        self.service.store.close().await;
        if failed.load(Ordering::Relaxed) {
            return Err(Refused::new(
                "The disk did not confirm a write, so whether it is stored is unknown",
                "Check the disk, then start the server again: what is there is read back.",
            ));
        }
        outcome
    }
}
