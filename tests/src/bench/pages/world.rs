//! A federation of invented figures, written through the store's own traits: cells are plain rates with noise of the
//! right size, signed and folded as the server does it. What they say is not judged; how many and how large they are is.

use std::sync::Arc;

use axum::Router;
use ed25519_dalek::SigningKey;
use jiff::{SignedDuration, Timestamp};
use ldsp_aggregator::announce::Act;
use ldsp_aggregator::app::{self, App, Config, Identity};
use ldsp_aggregator::store::{
    Effect, InviteRow, Log, NewEnrolment, NewStatement, Placed, Registry,
};
use ldsp_aggregator::{SOFTWARE, Service};
use ldsp_deploy::records::practice;
use ldsp_protocol::dsse::Sealed;
use ldsp_protocol::geography::{Geography, Lep};
use ldsp_protocol::ids::{Digest, Period};
use ldsp_protocol::keys::key_id;
use ldsp_protocol::noise::FILTER;
use ldsp_protocol::practice::{PracticeEntry, Sharing};
use ldsp_protocol::rollup::{NodeMonth, fold};
use ldsp_protocol::standard::{Codebook, Standard};
use ldsp_protocol::statement::{Body, Kind, SCHEMA};
use ldsp_protocol::summary::{LearningSummary, Manifest, ProtectedTable};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

const ORIGIN: &str = "log.example.org";
/// First month of every node.
const FIRST: &str = "2021-04";
/// The present, for ever.
const NOW: &str = "2026-04-10T09:00:00Z";

/// One node: where its statements stand and what it published.
struct Area {
    lep: &'static Lep,
    key: SigningKey,
    seq: u64,
    head: Digest,
    releases: Vec<Digest>,
    months: Vec<NodeMonth>,
}

/// A server over a database of its own, and the nodes that fill it.
pub(super) struct World {
    dir: tempfile::TempDir,
    app: App,
    areas: Vec<Area>,
    drafts: Vec<practice::Practice>,
    rng: ChaCha20Rng,
    entries: usize,
}

impl World {
    /// `leps` enrolled nodes, nothing published.
    pub(super) async fn new(leps: usize) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let now: Timestamp = NOW.parse().expect("a moment");
        let config = Config {
            data_dir: dir.path().join("data"),
            ..Config::default()
        };
        let identity = Identity {
            origin: ORIGIN.into(),
            public_url: "https://localhost".into(),
        };
        let mut rng = ChaCha20Rng::seed_from_u64(38);
        app::init(&config, &identity, now, &mut rng).expect("a fresh directory");
        let app = app::open(&config, Arc::new(move || now), Arc::new(move || now)).await;
        let app = app.expect("a server that was just set up");
        let mut areas = Vec::new();
        for lep in Geography::embedded().leps().take(leps) {
            let area = Area {
                lep,
                key: SigningKey::from_bytes(Digest::of(lep.slug.as_str().as_bytes()).as_bytes()),
                seq: 0,
                head: Digest::ZERO,
                releases: Vec::new(),
                months: Vec::new(),
            };
            area.join(app.service(), now).await;
            areas.push(area);
        }
        let today = app.service().today();
        Self {
            dir,
            app,
            areas,
            drafts: practice::entries(today),
            rng,
            entries: 0,
        }
    }

    pub(super) fn service(&self) -> &Arc<Service> {
        self.app.service()
    }

    /// Everything that the server answers, without a socket.
    pub(super) fn router(&self) -> Router {
        self.app.router().expect("the address is an origin")
    }

    pub(super) fn database(&self) -> std::path::PathBuf {
        self.dir.path().join("data/aggregator.sqlite")
    }

    /// Months that every node has published.
    pub(super) fn months(&self) -> usize {
        self.areas.first().map_or(0, |a| a.months.len())
    }

    /// The next month of every node, not yet logged.
    pub(super) fn month(&mut self) -> Vec<NewStatement> {
        let now = self.app.service().now();
        let rng = &mut self.rng;
        self.areas.iter_mut().map(|a| a.publish(now, rng)).collect()
    }

    /// One of a mixed stream: every tenth a month of an area, the areas in turn, the others practice.
    pub(super) fn arrival(&mut self, number: usize) -> NewStatement {
        if !number.is_multiple_of(10) {
            return self.entry();
        }
        let (now, count) = (self.app.service().now(), self.areas.len());
        self.areas[number / 10 % count].publish(now, &mut self.rng)
    }

    /// The next practice entry, not yet logged.
    pub(super) fn entry(&mut self) -> NewStatement {
        let now = self.app.service().now();
        let (number, count) = (self.entries, self.areas.len());
        self.entries += 1;
        let draft = &self.drafts[number % self.drafts.len()];
        let area = &mut self.areas[number % count];
        let cited = area.releases.last().copied().unwrap_or(Digest::ZERO);
        let entry = PracticeEntry {
            title: format!("{} ({number})", draft.entry.title),
            sharing: Sharing::Public,
            supersedes: None,
            replicates: None,
            ..draft.citing(cited)
        };
        let effect = Effect::Practice(Box::new(entry.clone()));
        area.seal(Kind::PracticeEntry, None, entry, effect, now)
    }

    /// Logs statements in one transaction.
    pub(super) async fn append(&self, batch: &[NewStatement]) {
        append(self.app.service(), batch).await;
    }
}

/// Logs statements in one transaction.
pub(super) async fn append(service: &Service, batch: &[NewStatement]) {
    let sign = |size, root| service.signer.checkpoint(size, root);
    let placed = service.store.append(batch, &sign).await;
    let placed = placed.expect("the database takes statements").placed;
    let sound = placed.iter().all(|p| matches!(p, Placed::Logged(_)));
    assert!(sound, "every statement of the bench is logged: {placed:?}");
}

impl Area {
    async fn join(&self, service: &Service, now: Timestamp) {
        let (node, key) = (&self.lep.slug, self.key.verifying_key());
        let secret_hash = Digest::of(node.as_str().as_bytes());
        let invite = InviteRow {
            node: node.clone(),
            lep: self.lep.code.clone(),
            secret_hash,
            expires: now + SignedDuration::from_hours(24),
            created: now,
            created_by: "olive".into(),
            used: None,
        };
        let enrolment = NewEnrolment {
            node: node.clone(),
            secret_hash,
            key,
            pae: secret_hash,
            envelope: b"{}".to_vec(),
            at: now,
        };
        let store = &service.store;
        store.invite(&invite).await.expect("invited");
        store.enrol(&enrolment).await.expect("enrolled");
        let act = Act {
            by: "olive",
            at: now,
        };
        let announcer = service.announcer();
        let approved = announcer.approve(node, key_id(&key), act).await;
        approved.expect("approved");
    }

    fn seal<P: serde::Serialize>(
        &mut self,
        kind: Kind,
        period: Option<Period>,
        payload: P,
        effect: Effect,
        now: Timestamp,
    ) -> NewStatement {
        let body = Body {
            schema: SCHEMA,
            origin: ORIGIN.into(),
            node: self.lep.slug.clone(),
            seq: self.seq + 1,
            prev: self.head,
            kind,
            period,
            standard: Standard::current().digest(),
            payload,
        };
        let sealed = Sealed::sign(&self.key, &kind.payload_type(), &body.to_bytes());
        let new = NewStatement {
            node: self.lep.slug.clone(),
            seq: self.seq + 1,
            prev: self.head,
            kind,
            period,
            key_id: key_id(&self.key.verifying_key()),
            pae: sealed.pae(),
            envelope: sealed.envelope().to_vec(),
            received: now,
            effect,
        };
        self.seq += 1;
        self.head = sealed.pae();
        new
    }

    fn publish(&mut self, now: Timestamp, rng: &mut ChaCha20Rng) -> NewStatement {
        let standard = Standard::current();
        let codebook = Codebook::new(&self.lep.code, &[]);
        let month = self.months.len();
        let noise = Manifest::new(standard, 1, month + 1, standard.noise().rho_micro);
        // The filter of a constant rate: its first coefficients added up.
        let weight: i64 = FILTER.iter().take(month + 1).sum();
        let tables = standard.tables().iter().map(|table| {
            let cells = codebook.cells(table);
            let rate = 600 / cells as i64 + 1;
            let spread = 2 * noise.sigma2[&table.id].isqrt() + 1;
            let value = |z: u64| rate * weight + (z % spread) as i64 - (spread / 2) as i64;
            ProtectedTable {
                id: table.id.clone(),
                cells: (0..cells).map(|_| value(rng.next_u64())).collect(),
            }
        });
        let summary = LearningSummary {
            software: SOFTWARE.into(),
            tables: tables.collect(),
            noise,
            pledges: vec![],
        };
        let first: Period = FIRST.parse().expect("a month");
        let period = first
            .plus(i32::try_from(month).expect("few"))
            .expect("a month");
        let place = (&self.lep.slug, &self.lep.code, period, self.seq + 1);
        let folded = fold(standard, &self.months, place, &summary).expect("small numbers add up");
        self.months.push(folded.month.clone());
        let effect = Effect::Summary(Box::new(folded));
        let new = self.seal(Kind::LearningSummary, Some(period), summary, effect, now);
        self.releases.push(new.pae);
        new
    }
}
