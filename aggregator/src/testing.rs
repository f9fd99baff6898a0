//! What the tests of several stages share: nodes with known learners that publish as the standard
//! says, and a server without sockets.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use ed25519_dalek::SigningKey;
use jiff::Timestamp;
use ldsp_protocol::dsse::Sealed;
use ldsp_protocol::ids::{Digest, Period};
use ldsp_protocol::keys::key_id;
use ldsp_protocol::problem::Problem;
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::{Body as Statement, Kind};
use ldsp_protocol::summary::LearningSummary;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

use crate::announce::Act;
use crate::benchmark::Benchmarks;
use crate::directory::Directory;
use crate::log::{Signer, sequencer};
use crate::store::sqlite::Sqlite;
use crate::store::{Backend, InviteRow, NewEnrolment, Registry, StoreError};
use crate::{Service, app, receive};

pub(crate) const ORIGIN: &str = "log.example";
#[path = "../../protocol/src/testing.rs"]
mod learners;

pub(crate) use learners::{Learners, shown};

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A node whose learners are known to the test, with its key and its place in its sequence.
pub(crate) struct Sim {
    learners: Learners,
    pub(crate) key: SigningKey,
    pub(crate) seq: u64,
    pub(crate) prev: Digest,
}

impl Deref for Sim {
    type Target = Learners;

    fn deref(&self) -> &Learners {
        &self.learners
    }
}

impl DerefMut for Sim {
    fn deref_mut(&mut self) -> &mut Learners {
        &mut self.learners
    }
}

impl Sim {
    pub(crate) fn new(number: usize) -> Self {
        Self::with(Learners::new(number), number as u8 + 1)
    }

    pub(crate) fn named(slug: &str, lep: &str, seed: u8) -> Self {
        Self::with(Learners::named(slug, lep, seed), seed)
    }

    fn with(learners: Learners, seed: u8) -> Self {
        Self {
            learners,
            key: SigningKey::from_bytes(&[seed; 32]),
            seq: 0,
            prev: Digest::ZERO,
        }
    }

    /// A quiet month without noise.
    pub(crate) fn without_noise_summary(&mut self) -> LearningSummary {
        self.quieten();
        self.summary(0)
    }

    /// Seals a statement at the next place, without moving on.
    pub(crate) fn seal<P: serde::Serialize>(
        &self,
        kind: Kind,
        period: Option<Period>,
        payload: P,
    ) -> Sealed {
        self.seal_under(Standard::current().digest(), kind, period, payload)
    }

    /// The same, naming this standard.
    pub(crate) fn seal_under<P: serde::Serialize>(
        &self,
        standard: Digest,
        kind: Kind,
        period: Option<Period>,
        payload: P,
    ) -> Sealed {
        let body = Statement {
            schema: 1,
            origin: ORIGIN.into(),
            node: self.slug.clone(),
            seq: self.seq + 1,
            prev: self.prev,
            kind,
            period,
            standard,
            payload,
        };
        Sealed::sign(&self.key, &kind.payload_type(), &body.to_bytes())
    }

    /// The next month's statement; the node moves on.
    pub(crate) fn publish(&mut self, spells: usize) -> (u64, Sealed) {
        let published = self.publish_under(Standard::current(), spells);
        self.next = self.next.next().unwrap();
        published
    }

    /// The month's statement under a standard; the node stays in the month.
    pub(crate) fn publish_under(&mut self, standard: &Standard, spells: usize) -> (u64, Sealed) {
        let summary = self.summary_under(standard, spells);
        let (kind, month) = (Kind::LearningSummary, Some(self.next));
        let sealed = self.seal_under(standard.digest(), kind, month, summary);
        self.advance(&sealed);
        (self.seq, sealed)
    }

    pub(crate) fn advance(&mut self, sealed: &Sealed) {
        self.seq += 1;
        self.prev = sealed.pae();
    }

    pub(crate) fn path(&self, seq: u64) -> String {
        format!("/v1/nodes/{}/statements/{seq}", self.slug)
    }
}

/// The log's key.
pub(crate) fn signer() -> Signer {
    Signer::new(SigningKey::from_bytes(&[99; 32]), ORIGIN).unwrap()
}

/// A server without sockets.
pub(crate) struct World {
    pub(crate) service: Arc<Service>,
    pub(crate) router: Router,
    pub(crate) now: Arc<Mutex<Timestamp>>,
    pub(crate) dir: tempfile::TempDir,
    worker: JoinHandle<Result<(), StoreError>>,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn problem(&self) -> Problem {
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let problem: Problem = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem.status, self.status.as_u16());
        problem
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::in_dir(tempfile::tempdir().unwrap()).await
    }

    pub(crate) async fn in_dir(dir: tempfile::TempDir) -> Self {
        let store = Sqlite::open(&dir.path().join("a.sqlite")).await.unwrap();
        Self::on(store.into(), dir).await
    }

    /// A server of this database.
    pub(crate) async fn on(store: Backend, dir: tempfile::TempDir) -> Self {
        let signer = signer();
        let tree = Arc::new(app::audited(store.clone(), &signer).await.unwrap());
        let (sequencer, worker) = sequencer(store.clone(), signer.clone(), Arc::clone(&tree));
        let now = Arc::new(Mutex::new(at("2023-01-05T12:00:00Z")));
        let (clock, phones) = (Arc::clone(&now), Arc::clone(&now));
        let service = Arc::new(Service {
            directory: Directory::open(store.clone()),
            store,
            sequencer,
            tree,
            signer,
            standard: Standard::current(),
            public_url: "https://log.example".into(),
            ca_pem: None,
            about: None,
            data_dir: None,
            clock: Arc::new(move || *clock.lock().unwrap()),
            phones: Arc::new(move || *phones.lock().unwrap()),
            entropy: Arc::new(|| Box::new(ChaCha20Rng::seed_from_u64(3))),
            benchmarks: Arc::new(Benchmarks::default()),
            candidates: crate::recovery::Candidates::default(),
            overdue: crate::runs::Overdue::default(),
        });
        Self {
            router: receive::router(Arc::clone(&service))
                .merge(receive::for_people(Arc::clone(&service))),
            worker: tokio::spawn(worker.run()),
            service,
            now,
            dir,
        }
    }

    /// Ends the program without another word, keeping the disk.
    pub(crate) async fn crash(self) -> tempfile::TempDir {
        self.worker.abort();
        self.service.store.close().await;
        self.dir
    }

    /// The node, enrolled and approved: its key is a leaf.
    pub(crate) async fn admit(&self, sim: &Sim) {
        invited(&self.service.store, sim).await;
        self.admit_waiting(sim).await;
    }

    /// The node, approved after it enrolled.
    pub(crate) async fn admit_waiting(&self, sim: &Sim) {
        let act = Act {
            by: "op",
            at: self.service.now(),
        };
        let id = key_id(&sim.key.verifying_key());
        let approved = self.service.announcer().approve(&sim.slug, id, act).await;
        assert!(approved.unwrap().new);
    }

    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.into()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: axum::body::to_bytes(body, usize::MAX)
                .await
                .unwrap()
                .to_vec(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, &[], Body::empty()).await
    }

    pub(crate) async fn put(&self, path: &str, envelope: &[u8]) -> Answer {
        let headers = [("content-type", "application/vnd.dsse+json")];
        self.call(Method::PUT, path, &headers, envelope.to_vec())
            .await
    }
}

/// Enrols the node straight in the store: its key waits for approval.
pub(crate) async fn invited<S: Registry>(store: &S, sim: &Sim) {
    let now = at("2022-01-01T00:00:00Z");
    let secret_hash = Digest::of(sim.slug.as_str().as_bytes());
    let invite = InviteRow {
        node: sim.slug.clone(),
        lep: sim.lep.clone(),
        secret_hash,
        expires: at("2022-01-05T00:00:00Z"),
        created: now,
        created_by: "op".into(),
        used: None,
    };
    store.invite(&invite).await.unwrap();
    let key = sim.key.verifying_key();
    let enrolment = NewEnrolment {
        node: sim.slug.clone(),
        secret_hash,
        key,
        pae: Digest::of(sim.lep.as_str().as_bytes()),
        envelope: b"e".to_vec(),
        at: now,
    };
    store.enrol(&enrolment).await.unwrap();
}

/// Enrols the node straight in the store and makes it active, without a leaf.
pub(crate) async fn admit<S: Registry>(store: &S, sim: &Sim) {
    invited(store, sim).await;
    store.seat(&sim.slug, "op").await.unwrap();
}
