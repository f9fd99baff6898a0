//! Fills a store with invented statements: enrolments drawn at random, counted into the standard's
//! tables, filtered and noised as a node would, signed, and logged. Shared by the example `pages` and
//! the tests of the pages.

mod draw;
mod needs;
mod writing;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ed25519_dalek::SigningKey;
use jiff::{SignedDuration, Timestamp};
use ldsp_aggregator::announce::Act;
use ldsp_aggregator::app::audited;
use ldsp_aggregator::benchmark::Benchmarks;
use ldsp_aggregator::directory::Directory;
use ldsp_aggregator::log::{Signer, sequencer};
use ldsp_aggregator::questionnaires::{Asked, Draft, issue};
use ldsp_aggregator::store::sqlite::Sqlite;
use ldsp_aggregator::store::{
    Backend, Effect, InviteRow, Log, NewEnrolment, NewStatement, Registry, Rollups,
};
use ldsp_aggregator::time::london_day;
use ldsp_aggregator::{SOFTWARE, Service};
use ldsp_protocol::dsse::Sealed;
use ldsp_protocol::geography::{Geography, Lep};
use ldsp_protocol::ids::{Digest, NodeSlug, Period};
use ldsp_protocol::keys::key_id;
use ldsp_protocol::noise;
use ldsp_protocol::practice::{Area, Evidence, PracticeEntry, Setting, Sharing, SizeBand, Verdict};
use ldsp_protocol::questionnaire::Answers;
use ldsp_protocol::rollup::{NodeMonth, fold};
use ldsp_protocol::standard::{Codebook, Standard};
use ldsp_protocol::statement::{Body, Kind, SCHEMA};
use ldsp_protocol::summary::{LearningSummary, Manifest, ProtectedTable};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::Serialize;

pub(crate) use needs::{demand, provision};
pub(crate) use writing::{answers, entry, questionnaire};

use draw::{Draw, normal};
use writing::TITLES;

/// What the About page says of this world; a mark-up character must not become mark-up.
const ABOUT: &str =
    "These records are invented: <no> learner is real.\n\nNothing here may be quoted.";

pub(crate) const ORIGIN: &str = "log.example.org";

/// A world to put statements into.
pub(crate) struct World {
    pub(crate) service: Arc<Service>,
    pub(crate) rng: ChaCha20Rng,
    pub(crate) now: Timestamp,
}

/// What people's phones show when the site's clock shows `now`: another year, as in a demonstration.
pub(crate) fn phones(now: Timestamp) -> Timestamp {
    now + SignedDuration::from_hours(4 * 365 * 24)
}

/// A service over the database at `path`, at this moment for ever.
pub(crate) async fn world(path: &std::path::Path, now: Timestamp) -> World {
    let store = Backend::from(Sqlite::open(path).await.expect("a database"));
    let signer = Signer::new(SigningKey::from_bytes(&[9; 32]), ORIGIN).expect("a signer");
    let tree = audited(store.clone(), &signer).await.expect("a new log");
    let tree = Arc::new(tree);
    let (sequencer, worker) = sequencer(store.clone(), signer.clone(), Arc::clone(&tree));
    drop(worker);
    let service = Service {
        directory: Directory::open(store.clone()),
        store,
        sequencer,
        tree,
        signer,
        standard: Standard::current(),
        public_url: "https://log.example.org".into(),
        ca_pem: None,
        about: Some(ABOUT.to_owned()),
        data_dir: None,
        clock: Arc::new(move || now),
        phones: Arc::new(move || phones(now)),
        entropy: {
            let draws = AtomicU64::new(39);
            Arc::new(move || {
                Box::new(ChaCha20Rng::seed_from_u64(
                    draws.fetch_add(1, Ordering::Relaxed),
                ))
            })
        },
        benchmarks: Arc::new(Benchmarks::default()),
        candidates: ldsp_aggregator::recovery::Candidates::default(),
        overdue: ldsp_aggregator::runs::Overdue::default(),
    };
    World {
        service: Arc::new(service),
        rng: ChaCha20Rng::seed_from_u64(38),
        now,
    }
}

/// The node's key.
pub(crate) fn key(node: &NodeSlug) -> SigningKey {
    SigningKey::from_bytes(Digest::of(node.as_str().as_bytes()).as_bytes())
}

/// LEPs in code order.
pub(crate) fn leps() -> Vec<&'static Lep> {
    Geography::embedded().leps().collect()
}

impl World {
    /// Invites the LEP's node.
    pub(crate) async fn invite(&self, lep: &Lep) {
        let row = InviteRow {
            node: lep.slug.clone(),
            lep: lep.code.clone(),
            secret_hash: Digest::of(lep.slug.as_str().as_bytes()),
            expires: self.now + SignedDuration::from_hours(24 * 7),
            created: self.now,
            created_by: "olive".into(),
            used: None,
        };
        self.service.store.invite(&row).await.expect("invited");
    }

    /// Invites it and lets it ask to enrol.
    pub(crate) async fn enrol(&self, lep: &Lep) {
        self.invite(lep).await;
        let enrolment = NewEnrolment {
            node: lep.slug.clone(),
            secret_hash: Digest::of(lep.slug.as_str().as_bytes()),
            key: key(&lep.slug).verifying_key(),
            pae: Digest::of(lep.code.as_str().as_bytes()),
            envelope: b"{}".to_vec(),
            at: self.now,
        };
        self.service
            .store
            .enrol(&enrolment)
            .await
            .expect("enrolled");
    }

    /// Enrols and approves it.
    pub(crate) async fn join(&self, lep: &Lep) {
        self.enrol(lep).await;
        let id = key_id(&key(&lep.slug).verifying_key());
        let act = Act {
            by: "olive",
            at: self.now,
        };
        let announcer = self.service.announcer();
        let approved = announcer.approve(&lep.slug, id, act).await;
        approved.expect("approved");
    }

    async fn log(
        &self,
        node: &NodeSlug,
        period: Option<Period>,
        kind: Kind,
        body: impl FnOnce(u64, Digest) -> Vec<u8>,
        effect: Effect,
    ) -> Digest {
        let head = self.service.store.node(node).await.expect("read");
        let head = head.expect("a node").head;
        let sealed = Sealed::sign(
            &key(node),
            &kind.payload_type(),
            &body(head.seq + 1, head.pae),
        );
        let new = NewStatement {
            node: node.clone(),
            seq: head.seq + 1,
            prev: head.pae,
            kind,
            period,
            key_id: key_id(&key(node).verifying_key()),
            pae: sealed.pae(),
            envelope: sealed.envelope().to_vec(),
            received: self.now,
            effect,
        };
        let signer = &self.service.signer;
        let sign = |size, root| signer.checkpoint(size, root);
        let placed = self.service.store.append(&[new], &sign).await;
        placed.expect("logged");
        sealed.pae()
    }

    /// Publishes months for a LEP with about `size` enrolments a month; the digests of its releases.
    pub(crate) async fn publish(
        &mut self,
        lep: &Lep,
        first: Period,
        months: usize,
        size: u64,
    ) -> Vec<Digest> {
        self.publish_under(Standard::current(), lep, (first, months), size)
            .await
    }

    /// The same under a standard: one stream of the node.
    pub(crate) async fn publish_under(
        &mut self,
        standard: &'static Standard,
        lep: &Lep,
        (first, months): (Period, usize),
        size: u64,
    ) -> Vec<Digest> {
        let codebook = Codebook::new(&lep.code, &[]);
        let entries = Draw {
            standard,
            rng: &mut self.rng,
            codebook: &codebook,
        }
        .entries(months, size);
        let mut releases = Vec::new();
        for month in 0..months {
            let period = first
                .plus(i32::try_from(month).expect("few"))
                .expect("a month");
            let manifest = Manifest::new(standard, 1, month + 1, standard.noise().rho_micro);
            let tables = standard.tables().iter().enumerate().map(|(number, t)| {
                let sd = (manifest.sigma2[&t.id] as f64).sqrt();
                let cells = (0..codebook.cells(t)).map(|cell| {
                    let x: Vec<i64> = entries[..=month].iter().map(|m| m[number][cell]).collect();
                    noise::filtered(&x) + (sd * normal(&mut self.rng)).round() as i64
                });
                ProtectedTable {
                    id: t.id.clone(),
                    cells: cells.collect(),
                }
            });
            let summary = LearningSummary {
                software: SOFTWARE.into(),
                pledges: vec![],
                tables: tables.collect(),
                noise: manifest,
            };
            let history: Vec<NodeMonth> = self
                .service
                .store
                .history(&lep.slug, standard)
                .await
                .expect("history");
            let node = self.service.store.node(&lep.slug).await.expect("read");
            let seq = node.expect("a node").head.seq + 1;
            let folded = fold(
                standard,
                &history,
                (&lep.slug, &lep.code, period, seq),
                &summary,
            );
            let effect = Effect::Summary(Box::new(folded.expect("folds")));
            let body = |seq, prev| {
                Body {
                    schema: SCHEMA,
                    origin: ORIGIN.into(),
                    node: lep.slug.clone(),
                    seq,
                    prev,
                    kind: Kind::LearningSummary,
                    period: Some(period),
                    standard: standard.digest(),
                    payload: summary,
                }
                .to_bytes()
            };
            releases.push(
                self.log(&lep.slug, Some(period), Kind::LearningSummary, body, effect)
                    .await,
            );
        }
        releases
    }

    /// Publishes an entry.
    pub(crate) async fn share(&self, lep: &Lep, entry: PracticeEntry) -> Digest {
        let effect = Effect::Practice(Box::new(entry.clone()));
        let body = |seq, prev| {
            Body {
                schema: SCHEMA,
                origin: ORIGIN.into(),
                node: lep.slug.clone(),
                seq,
                prev,
                kind: Kind::PracticeEntry,
                period: None,
                standard: Standard::current().digest(),
                payload: entry,
            }
            .to_bytes()
        };
        self.log(&lep.slug, None, Kind::PracticeEntry, body, effect)
            .await
    }

    /// Issues a questionnaire.
    pub(crate) async fn ask(&self, draft: &Draft) -> Asked {
        let act = Act {
            by: "olive",
            at: self.now,
        };
        let issued = issue(&self.service.announcer(), draft, None, act).await;
        issued.expect("issued").asked
    }

    /// Answers as the LEP.
    pub(crate) async fn answer(&self, lep: &Lep, answers: Answers) -> Digest {
        self.state(lep, Kind::QuestionnaireAnswers, answers).await
    }

    /// Logs what a node states, of no month and without any other effect.
    pub(crate) async fn state<P: Serialize>(&self, lep: &Lep, kind: Kind, payload: P) -> Digest {
        let body = |seq, prev| {
            Body {
                schema: SCHEMA,
                origin: ORIGIN.into(),
                node: lep.slug.clone(),
                seq,
                prev,
                kind,
                period: None,
                standard: Standard::current().digest(),
                payload,
            }
            .to_bytes()
        };
        self.log(&lep.slug, None, kind, body, Effect::None).await
    }

    /// A whole federation: all LEPs but a few publish `months` months.
    pub(crate) async fn federation(&mut self, months: usize) {
        let first: Period = "2026-05".parse().expect("a month");
        for (at, lep) in leps().into_iter().enumerate() {
            match at {
                7 => self.invite(lep).await,
                20 => self.enrol(lep).await,
                30 => self.join(lep).await,
                _ => {
                    self.join(lep).await;
                    let missing = match at {
                        5 | 11 => 1,
                        26 => 3.min(months - 1),
                        _ => 0,
                    };
                    let size = if lep.name == "London" {
                        2600
                    } else {
                        90 + self.rng.next_u64() % 500
                    };
                    let releases = self.publish(lep, first, months - missing, size).await;
                    let verdict = Verdict::ALL[at % 4];
                    let mut entry =
                        entry(&format!("{} {}", TITLES[at % TITLES.len()], lep.name), lep);
                    entry.verdict = verdict;
                    entry.evidence = vec![Evidence {
                        statement: releases[releases.len() - 1],
                        table: "starts.audience-by-tier".into(),
                        cell: 12,
                    }];
                    if at % 3 == 0 {
                        entry.area = Area::Like {
                            setting: Setting::Rural,
                            size: SizeBand::Small,
                        };
                    }
                    if at % 9 == 4 {
                        entry.sharing = Sharing::PeersUntil("2027-03-01".parse().expect("a day"));
                    }
                    self.share(lep, entry).await;
                    let (day, number) = (london_day(self.now), 7 * at as u32 + 20);
                    let said = demand(lep, day, number);
                    self.state(lep, Kind::DemandSummary, said).await;
                    let offered = provision(lep, day, 9 * u64::from(number));
                    self.state(lep, Kind::ProvisionSummary, offered).await;
                }
            }
        }
    }
}
