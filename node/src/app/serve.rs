//! `serve`: the node's pages over TLS, the release schedule and the outbox, in one process.

mod puller;

use std::fs::{File, TryLockError};
use std::future::Future;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use ed25519_dalek::SigningKey;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use ldsp_ui::oidc::OpenId;
use ldsp_ui::tls::{Material, PrivateCa, TlsError};
use tokio::sync::Notify;

use super::config::Config;
use super::output::{Answer, Output, Refusal};
use super::{Context, open};
use crate::enrol;
use crate::home::{self, Node};
use crate::pages;
use crate::rights;
use crate::schedule::{Job, JobOutcome, Schedule, ScheduleError};
use crate::store::enrolment::Enrolment;
use crate::store::{Store, StoreError, enrolment};
use crate::submit::{StepOutcome, Submitter};
use crate::transport::Https;
use crate::work::Works;

/// The worker looks at schedule and outbox this often: approvals made by another process are sent within it.
const TICK: Duration = Duration::from_secs(5);
/// The aggregator is asked this often how the node stands: whether its key counts, and how far the log is.
const ASK_AGAIN: SignedDuration = SignedDuration::from_mins(30);
/// And this often while its key waits for the operator: somebody looks at the page meanwhile.
const ASK_WHILE_WAITING: SignedDuration = SignedDuration::from_mins(1);
/// After this long a database that could not be written anew is tried again: it may be large, and the disk full.
const SCRUB_AGAIN: Duration = Duration::from_secs(5 * 60);
/// A page waits this long for an import or a release, before it shows how far it is.
const SOON: Duration = Duration::from_secs(1);
/// Certificate of the private authority, for browsers to trust.
pub(super) const CA_CERTIFICATE: &str = "ca.pem";
/// Its key.
const CA_KEY: &str = "ca.key";

impl From<ScheduleError> for Refusal {
    fn from(error: ScheduleError) -> Self {
        Self::new(&error, error.next())
    }
}

impl From<TlsError> for Refusal {
    fn from(error: TlsError) -> Self {
        Self::new(
            error,
            "Check tls_cert and tls_key in the configuration, or leave both out for a private authority.",
        )
    }
}

pub(super) async fn command(context: &Context) -> Answer {
    let node = open(context).await?;
    let listen = context.config.listen;
    let listener = TcpListener::bind(listen).map_err(|error| {
        Refusal::new(
            format!("{listen} cannot be listened on: {error}"),
            "Choose another `listen` address, or stop the program that uses it.",
        )
    })?;
    let _serving = serve_alone(&node.dir)?;
    if context.config.tls.is_none() {
        // Who hears the address wants to trust its certificate.
        authority(&context.config.data_dir, (context.clock)())?;
    }
    say_where(&listener);
    run(node, context, listener, stop_signal()).await?;
    Ok(Output {
        text: "Stopped.".to_owned(),
        json: serde_json::json!({"stopped": true}),
    })
}

/// The address alone on a line: with port 0 only this tells where the pages are.
fn say_where(listener: &TcpListener) {
    if let Ok(address) = listener.local_addr() {
        // Nobody has to listen to it.
        drop(writeln!(
            std::io::stdout(),
            "listening on https://{address}"
        ));
    }
}

/// Two schedules on one ledger would get in each other's way. The lock goes with the process, however it ends.
fn serve_alone(dir: &Path) -> Result<File, Refusal> {
    let path = dir.join("serve.lock");
    let locked = File::create(&path).map_err(TryLockError::Error);
    let locked = locked.and_then(|file| file.try_lock().map(|()| file));
    locked.map_err(|error| match error {
        TryLockError::WouldBlock => Refusal::new(
            format!("{} is already served by another process", dir.display()),
            "Use that one, or end it first.",
        ),
        TryLockError::Error(error) => home::failed(&path, "locked")(error).into(),
    })
}

/// Serves `node` on `listener` until `shutdown` resolves.
///
/// # Errors
/// [`Refusal`] when certificate, schedule or address cannot be used; faults of single requests or submissions are
/// logged and do not end it.
pub async fn run(
    node: Node,
    context: &Context,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Refusal> {
    let config = &context.config;
    let now = (context.clock)();
    let schedule: Schedule = config.schedule.parse()?;
    let job = Job::new(&node.store, schedule, config.rho_micro, now).await?;
    let wake = Arc::new(Notify::new());
    let worker = Worker {
        wake: wake.clone(),
        retention: rights::Job::new(config.retention.clone()),
        scrub_from: None,
        node: node.clone(),
        store: node.store.clone(),
        key: node.signing.clone(),
        context: context.clone(),
        job,
        asked: None,
        waits: false,
        place: None,
    };
    let address = listener.local_addr().map_err(|error| {
        Refusal::new(
            format!("the listener has no address: {error}"),
            "Try again.",
        )
    })?;
    let url = config
        .public_url
        .clone()
        .unwrap_or_else(|| format!("https://{address}"));
    let tls = material(config, &url, now)?;
    let works = Works::new(SOON);
    let site = site(&node, &url, context, wake, works.clone())?;
    tracing::info!(%url, "serving");
    let worker = tokio::spawn(worker.run());
    let puller = tokio::spawn(puller::run(node.store.clone(), context.clone()));
    let unconfirmed = Arc::new(AtomicBool::new(false));
    let stop = {
        let (unconfirmed, store) = (unconfirmed.clone(), node.store.clone());
        let works = works.clone();
        async move {
            tokio::select! {
                () = shutdown => {}
                () = store.unconfirmed() => unconfirmed.store(true, Ordering::Relaxed),
            }
            // Whoever waits for an import is answered before the connections end.
            works.stop().await;
        }
    };
    let served = ldsp_ui::serve(listener, tls, site, stop).await;
    worker.abort();
    puller.abort();
    works.stop().await;
    node.store.close().await;
    if unconfirmed.load(Ordering::Relaxed) {
        return Err(Refusal::new(
            "the disk did not confirm a write, so whether it is stored is unknown",
            "Check the disk that holds data_dir, then start again: what is there is read back. A statement that was queued is sent from there.",
        ));
    }
    served.map_err(|error| Refusal::new(error, "Check the `listen` address and try again."))
}

async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}

fn site(
    node: &Node,
    url: &str,
    context: &Context,
    wake: Arc<Notify>,
    works: Works,
) -> Result<Router, Refusal> {
    let (store, clock) = (node.store.clone(), context.clock.clone());
    let settings = pages::Settings {
        node: node.clone(),
        clock: context.clock.clone(),
        phones: context.phones.clone(),
        entropy: context.entropy.clone(),
        rho_micro: context.config.rho_micro,
        retention: context.config.retention.clone(),
        feed_hosts: context.config.feed_hosts.clone(),
        works,
        peers: pages::peers_over_https(node.clone(), context.clock.clone()),
        enrol: Arc::new({
            let (node, context) = (node.clone(), context.clone());
            move |checked, who| {
                let (node, context) = (node.clone(), context.clone());
                Box::pin(async move {
                    let (now, mut rng) = ((context.clock)(), (context.entropy)());
                    enrol::over_https(&node, &checked, &who, now, &mut *rng).await
                })
            }
        }),
        ask: Arc::new({
            let store = node.store.clone();
            move || {
                let store = store.clone();
                Box::pin(async move { enrol::ask_over_https(&store).await })
            }
        }),
        before_signing: Arc::new(move || {
            let (store, now) = (store.clone(), clock());
            Box::pin(async move {
                if let Err(refusal) = super::release::refresh(&store, now).await {
                    tracing::warn!(
                        reason = refusal.reason,
                        "the aggregator was not asked how this node stands"
                    );
                }
            })
        }),
        queued: Arc::new(move || wake.notify_one()),
        illustrative: context.config.banner.clone(),
    };
    // Browsers share cookies between the ports of a host, where several nodes may run: the demonstration does.
    let service = sign_in_service(node, url, context)?;
    pages::site(settings, url, &cookie(node), service)
        .map_err(|error| Refusal::new(error, "Correct `public_url` in the configuration."))
}

/// What tells the node's cookie apart: its LEP, or its key while the LEP is to be chosen.
fn cookie(node: &Node) -> String {
    let key = || hex::encode(&node.signing.verifying_key().as_bytes()[..8]);
    node.chosen().map_or_else(key, |lep| lep.to_string())
}

/// The service of the table `[oidc]`.
fn sign_in_service(node: &Node, url: &str, context: &Context) -> Result<Option<OpenId>, Refusal> {
    let Some(config) = context.config.oidc.clone() else {
        return Ok(None);
    };
    let mut key = [0; 32];
    (context.entropy)().fill_bytes(&mut key);
    let (clock, people) = (context.clock.clone(), node.store.clone());
    OpenId::new(config, url, clock, key, people, &["admin"])
        .map(Some)
        .map_err(|error| Refusal::new(&error, error.next))
}

/// The configured certificate, or one of this node's own authority.
fn material(config: &Config, url: &str, now: Timestamp) -> Result<Material, Refusal> {
    if let Some((chain, key)) = &config.tls {
        return Ok(Material::from_pem_files(chain, key)?);
    }
    let ca = authority(&config.data_dir, now)?;
    let host = reqwest::Url::parse(url)
        .ok()
        .and_then(|u| u.host_str().map(|h| h.trim_matches(['[', ']']).to_owned()))
        .unwrap_or_else(|| "localhost".to_owned());
    let names = [host.as_str(), "localhost", "127.0.0.1", "::1"];
    // A server that runs for longer than a year has been restarted for an update by then.
    let issued = ca.issue(&names, now - (24 * 7).hours(), now + (24 * 397).hours())?;
    Ok(issued.material()?)
}

fn authority(dir: &Path, now: Timestamp) -> Result<PrivateCa, Refusal> {
    let (certificate, key) = (dir.join(CA_CERTIFICATE), dir.join(CA_KEY));
    if !certificate.exists() {
        let made = PrivateCa::generate(now - (24 * 7).hours(), now + (24 * 3_650).hours())?;
        // A key without a certificate is what a killed start left: nobody was ever told to trust it.
        if key.exists() {
            std::fs::remove_file(&key).map_err(home::failed(&key, "replaced"))?;
        }
        home::write_new(&key, made.key_pem().as_bytes())?;
        home::write_new(&certificate, made.certificate_pem().as_bytes())?;
    }
    Ok(PrivateCa::from_pem(
        &home::read(&certificate)?,
        &home::read(&key)?,
    )?)
}

/// Schedule and outbox.
struct Worker {
    /// Something was queued, or erased.
    wake: Arc<Notify>,
    /// Deletes what is not kept any longer.
    retention: rights::Job,
    /// Not before: overwriting failed.
    scrub_from: Option<Timestamp>,
    node: Node,
    store: Store,
    /// The node's own.
    key: SigningKey,
    context: Context,
    job: Job,
    /// When the aggregator was last asked how the node stands.
    asked: Option<Timestamp>,
    /// Whether the node's key waits for the operator, as last heard.
    waits: bool,
    /// The client and what it was made for.
    place: Option<(String, Option<String>, Submitter<Https>)>,
}

impl Worker {
    async fn run(mut self) {
        loop {
            let now = (self.context.clock)();
            self.prepare(now).await;
            if let Err(error) = self.submit(now).await {
                tracing::error!(%error, "the outbox cannot be read");
            }
            self.delete(now).await;
            tokio::select! {
                () = tokio::time::sleep(self.job.wait(now, TICK)) => {}
                () = self.wake.notified() => {}
            }
        }
    }

    async fn prepare(&mut self, now: Timestamp) {
        let pause = if self.waits {
            ASK_WHILE_WAITING
        } else {
            ASK_AGAIN
        };
        let asks = self
            .asked
            .is_none_or(|asked| now.duration_since(asked).abs() >= pause);
        if asks {
            self.asked = Some(now);
        }
        if (asks || self.job.is_due(now))
            && let Err(refusal) = super::release::refresh(&self.store, now).await
        {
            // The last answer holds.
            let reason = refusal.reason;
            tracing::warn!(reason, "the aggregator was not asked how this node stands");
        }
        match self.job.step(&self.store, now, &self.context.entropy).await {
            Ok(JobOutcome::Prepared(period)) => {
                tracing::info!(%period, "a release was prepared and waits for an approver");
            }
            Ok(JobOutcome::Nothing(why)) => tracing::info!(%why, "no release was prepared"),
            Ok(JobOutcome::NotYet(_) | JobOutcome::Over) => {}
            Err(error) => {
                tracing::error!(%error, next = error.next_by_command(), "the release could not be prepared");
            }
        }
    }

    /// Deletes what is not kept any longer, and overwrites what was erased: by it, by a person, or by a command.
    async fn delete(&mut self, now: Timestamp) {
        match self.retention.step(&self.node, now).await {
            Ok(Some(gone)) => {
                tracing::info!(
                    learners = gone.learners,
                    "records whose period is over were deleted"
                );
            }
            Ok(None) => {}
            Err(error) => {
                tracing::error!(%error, next = error.next(), "records whose period is over were not deleted");
            }
        }
        if self.scrub_from.is_some_and(|from| now < from) {
            return;
        }
        self.scrub_from = None;
        match self.store.scrub().await {
            Ok(true) => {}
            Ok(false) => tracing::debug!("the files are in use and are overwritten later"),
            Err(error) => {
                self.scrub_from = Some(now + SCRUB_AGAIN);
                tracing::warn!(%error, next = error.next(), "erased bytes were not overwritten; it is tried again");
            }
        }
    }

    async fn submit(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let mut connection = self.store.reader.acquire().await?;
        let place = enrolment::read(&mut connection).await?;
        drop(connection);
        let Some(place) = place else { return Ok(()) };
        self.waits = !place.active;
        let Some(submitter) = self.submitter(&place) else {
            return Ok(());
        };
        let mut rng = (self.context.entropy)();
        loop {
            match submitter.step(now, false, &mut *rng).await? {
                StepOutcome::Acknowledged { seq, index } => {
                    tracing::info!(seq, index, "a receipt verified");
                }
                StepOutcome::Postponed { seq, problem, .. } => {
                    tracing::warn!(seq, %problem, "a statement stays queued");
                    return Ok(());
                }
                _ => return Ok(()),
            }
        }
    }

    /// One client as long as the address stays: connections are kept.
    fn submitter(&mut self, place: &Enrolment) -> Option<Submitter<Https>> {
        if let Some((url, ca, submitter)) = &self.place
            && *url == place.url
            && *ca == place.ca_pem
        {
            return Some(submitter.clone());
        }
        match Https::new(&place.url, place.ca_pem.as_deref()) {
            Ok(transport) => {
                let submitter = Submitter::new(self.store.clone(), transport, self.key.clone());
                self.place = Some((place.url.clone(), place.ca_pem.clone(), submitter.clone()));
                Some(submitter)
            }
            Err(error) => {
                tracing::error!(%error, "the aggregator's address cannot be used");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key is written first: a start that was killed between the two leaves it alone.
    #[test]
    fn a_killed_start_makes_the_authority_again() {
        let dir = tempfile::tempdir().unwrap();
        let now: Timestamp = "2022-03-04T09:00:00Z".parse().unwrap();
        let first = authority(dir.path(), now).unwrap();
        std::fs::remove_file(dir.path().join(CA_CERTIFICATE)).unwrap();
        let second = authority(dir.path(), now).unwrap();
        assert_ne!(first.certificate_pem(), second.certificate_pem());
        let third = authority(dir.path(), now).unwrap();
        assert_eq!(second.certificate_pem(), third.certificate_pem());
        assert_eq!(second.key_pem(), third.key_pem());
    }
}
