//! What the tests of several stages share: nodes with known learners that publish as the standard
//! says, and a server without sockets.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use ed25519_dalek::SigningKey;
use jiff::Timestamp;
use ldsp_protocol::dsse::Sealed;
use ldsp_protocol::ids::{Digest, Gss, NodeSlug, Period};
use ldsp_protocol::keys::key_id;
use ldsp_protocol::noise::filtered;
use ldsp_protocol::problem::Problem;
use ldsp_protocol::standard::{Codebook, Dimension, Family, Standard, cell_index};
use ldsp_protocol::statement::{Body as Statement, Kind};
use ldsp_protocol::summary::{LearningSummary, Manifest, ProtectedTable};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
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
pub(crate) const LEPS: [(&str, &str); 3] = [
    ("black-country", "E37000001"),
    ("solent", "E37000055"),
    ("cornwall-scilly", "E37000005"),
];

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A standard normal deviate (Box and Muller 1958).
fn normal(rng: &mut ChaCha20Rng) -> f64 {
    let uniform = |rng: &mut ChaCha20Rng| (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    let (a, b) = (1.0 - uniform(rng), uniform(rng));
    (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
}

/// A node whose learners are known to the test.
pub(crate) struct Sim {
    pub(crate) slug: NodeSlug,
    pub(crate) lep: Gss,
    pub(crate) key: SigningKey,
    pub(crate) seq: u64,
    pub(crate) prev: Digest,
    pub(crate) next: Period,
    /// Entries by version of the standard, by table and cell, month by month.
    entries: BTreeMap<u32, Vec<Vec<Vec<i64>>>>,
    /// Starts, leavers, achievers so far.
    pub(crate) truth: [u64; 3],
    rng: ChaCha20Rng,
    noisy: bool,
}

impl Sim {
    pub(crate) fn new(number: usize) -> Self {
        let (slug, lep) = LEPS[number];
        Self::named(slug, lep, number as u8 + 1)
    }

    pub(crate) fn named(slug: &str, lep: &str, seed: u8) -> Self {
        Self {
            slug: slug.parse().unwrap(),
            lep: lep.parse().unwrap(),
            key: SigningKey::from_bytes(&[seed; 32]),
            seq: 0,
            prev: Digest::ZERO,
            next: "2022-01".parse().unwrap(),
            entries: BTreeMap::new(),
            truth: [0; 3],
            rng: ChaCha20Rng::from_seed([seed; 32]),
            noisy: true,
        }
    }

    /// From now on without noise, so that estimates are the truth.
    pub(crate) fn quieten(&mut self) {
        self.noisy = false;
    }

    /// A quiet month without noise.
    pub(crate) fn without_noise_summary(&mut self) -> LearningSummary {
        self.quieten();
        self.summary(0)
    }

    /// A month's summary of `spells` new enrolments, under the present standard.
    pub(crate) fn summary(&mut self, spells: usize) -> LearningSummary {
        self.summary_under(Standard::current(), spells)
    }

    /// The next month of the stream under a standard.
    pub(crate) fn summary_under(&mut self, standard: &Standard, spells: usize) -> LearningSummary {
        let codebook = Codebook::new(&self.lep, &[]);
        let mut month: Vec<Vec<i64>> = standard
            .tables()
            .iter()
            .map(|t| vec![0; codebook.cells(t)])
            .collect();
        for _ in 0..spells {
            self.spell(standard, &codebook, &mut month);
        }
        let entries = self.entries.entry(standard.version()).or_default();
        entries.push(month);
        let noise = Manifest::new(standard, 1, entries.len(), standard.noise().rho_micro);
        let tables = standard.tables().iter().enumerate().map(|(number, table)| {
            let sigma = (noise.sigma2[&table.id] as f64).sqrt();
            let cells = (0..codebook.cells(table)).map(|cell| {
                let series: Vec<i64> = entries.iter().map(|m| m[number][cell]).collect();
                let z = if self.noisy {
                    (normal(&mut self.rng) * sigma).round() as i64
                } else {
                    0
                };
                filtered(&series) + z
            });
            ProtectedTable {
                id: table.id.clone(),
                cells: cells.collect(),
            }
        });
        LearningSummary {
            software: "test/1".into(),
            tables: tables.collect(),
            noise,
            pledges: vec![],
        }
    }

    fn spell(&mut self, standard: &Standard, codebook: &Codebook, month: &mut [Vec<i64>]) {
        let mut codes: BTreeMap<Dimension, usize> = BTreeMap::new();
        let mut leaves = BTreeMap::new();
        for family in Family::ALL {
            let share = if family == Family::Starts { 100 } else { 80 };
            leaves.insert(family, self.rng.next_u64() % 100 < share);
        }
        for (number, table) in standard.tables().iter().enumerate() {
            let position: Vec<usize> = table
                .dimensions
                .iter()
                .map(|d| {
                    let size = codebook.size(*d) as u64;
                    *codes
                        .entry(*d)
                        .or_insert_with(|| (self.rng.next_u64() % size) as usize)
                })
                .collect();
            if leaves[&table.family] {
                month[number][cell_index(&codebook.shape(table), &position)] += 1;
            }
        }
        self.truth[0] += 1;
        if leaves[&Family::Leavers] {
            self.truth[1] += 1;
            self.truth[2] += u64::from(codes[&Dimension::Outcome] == 0);
        }
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
        let clock = Arc::clone(&now);
        let service = Arc::new(Service {
            directory: Directory::open(store.clone()),
            store,
            sequencer,
            tree,
            signer,
            standard: Standard::current(),
            public_url: "https://log.example".into(),
            about: None,
            data_dir: None,
            clock: Arc::new(move || *clock.lock().unwrap()),
            benchmarks: Arc::new(Benchmarks::default()),
        });
        Self {
            router: receive::router(Arc::clone(&service)),
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
