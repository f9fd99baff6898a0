//! Fills a store with invented statements: enrolments drawn at random, counted into the standard's
//! tables, filtered and noised as a node would, signed, and logged. Shared by the example `pages` and
//! the tests of the pages.

use std::sync::Arc;

use ed25519_dalek::SigningKey;
use jiff::{SignedDuration, Timestamp};
use ldsp_aggregator::benchmark::Benchmarks;
use ldsp_aggregator::log::{Signer, sequencer};
use ldsp_aggregator::rollup::{NodeMonth, fold};
use ldsp_aggregator::store::sqlite::Sqlite;
use ldsp_aggregator::store::{
    Effect, InviteRow, Log, NewEnrolment, NewStatement, Registry, Rollups,
};
use ldsp_aggregator::{SOFTWARE, Service};
use ldsp_protocol::dsse::Sealed;
use ldsp_protocol::geography::{Geography, Lep};
use ldsp_protocol::ids::{Digest, NodeSlug, Period};
use ldsp_protocol::keys::key_id;
use ldsp_protocol::noise;
use ldsp_protocol::practice::{
    Again, Area, Attrition, Cause, CostBand, Design, Direction, Evidence, Factor, FollowUp,
    Participants, PracticeEntry, Resource, Setting, Sharing, SizeBand, Strength, Verdict,
};
use ldsp_protocol::standard::{Codebook, Dimension, Family, Standard, cell_index};
use ldsp_protocol::statement::{Body, Kind, SCHEMA};
use ldsp_protocol::summary::{LearningSummary, Manifest, ProtectedTable};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

pub(crate) const ORIGIN: &str = "log.example.org";

/// A world to put statements into.
pub(crate) struct World {
    pub(crate) service: Arc<Service>,
    pub(crate) rng: ChaCha20Rng,
    pub(crate) now: Timestamp,
}

/// A service over the database at `path`, at this moment for ever.
pub(crate) async fn world(path: &std::path::Path, now: Timestamp) -> World {
    let store = Sqlite::open(path).await.expect("a database");
    let signer = Signer::new(SigningKey::from_bytes(&[9; 32]), ORIGIN).expect("a signer");
    let (sequencer, worker) = sequencer(store.clone(), signer.clone());
    drop(worker);
    let service = Service {
        store,
        sequencer,
        signer,
        standard: Standard::v1(),
        public_url: "https://log.example.org".into(),
        clock: Arc::new(move || now),
        benchmarks: Benchmarks::default(),
    };
    World {
        service: Arc::new(service),
        rng: ChaCha20Rng::seed_from_u64(38),
        now,
    }
}

/// The node's key.
fn key(node: &NodeSlug) -> SigningKey {
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
        let approved = self
            .service
            .store
            .approve(&lep.slug, id, "olive", self.now)
            .await;
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
        let sign = |_: &NewStatement, index: u64| format!("receipt\nindex {index}\n");
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
        let standard = Standard::v1();
        let codebook = Codebook::new(&lep.code, &[]);
        let entries = Draw {
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
                .history(&lep.slug)
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
                standard: Standard::v1().digest(),
                payload: entry,
            }
            .to_bytes()
        };
        self.log(&lep.slug, None, Kind::PracticeEntry, body, effect)
            .await
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
                }
            }
        }
    }
}

const TITLES: [&str; 5] = [
    "Recruiting at the library counter:",
    "Laptops on loan with a helpline:",
    "Evening bootcamp in data skills:",
    "Market-day surgery for small firms:",
    "Letters from the jobcentre:",
];

/// A sound entry.
pub(crate) fn entry(title: &str, lep: &Lep) -> PracticeEntry {
    PracticeEntry {
        title: title.into(),
        what: "A helper with two laptops sat at the same table in four libraries, on the same morning each week. There was no booking and no course name.\n\nThe first task was always the one that the person had come in with:\nprinting, a form, an e-mail account. Only then did the helper offer a second visit.".into(),
        tier: ["basic", "general", "advanced"][title.len() % 3].into(),
        skills: vec!["foundation".into(), "transacting".into()],
        audience: vec!["older-people".into(), "out-of-work".into()],
        mode: "face-to-face".into(),
        area: Area::Lep(lep.code.clone()),
        cost: CostBand::To10k,
        verdict: Verdict::Failed,
        causes: vec![
            Cause {
                factor: Factor::Recruitment,
                direction: Direction::WorkedBecause,
                because: "Counter staff already knew who was stuck.".into(),
            },
            Cause {
                factor: Factor::Staff,
                direction: Direction::FailedBecause,
                because: "One helper to a table broke down whenever somebody brought a long form.".into(),
            },
        ],
        again: Again::YesChanged,
        change: "Put two helpers at the busiest table.".into(),
        repeat: "Agree the table with the branch manager for a whole year.\n\nKeep a tally of what people came for.".into(),
        evidence: vec![],
        strength: Strength {
            design: Design::BeforeAfter,
            participants: Participants::To100,
            attrition: Attrition::Medium,
            follow_up: FollowUp::Months3,
        },
        tools: vec![Resource {
            title: "Essential digital skills framework".into(),
            link: "https://www.gov.uk/government/publications/essential-digital-skills-framework".into(),
            licence: "OGL v3.0".into(),
        }],
        contact_role: "Digital inclusion lead".into(),
        sharing: Sharing::Public,
        review: "2027-06-01".parse().expect("a day"),
        supersedes: None,
        replicates: None,
    }
}

/// A standard normal number (Box and Muller 1958).
fn normal(rng: &mut impl Rng) -> f64 {
    let unit = |n: u64| ((n >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
    let (a, b) = (unit(rng.next_u64()), unit(rng.next_u64()));
    (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
}

/// Draws enrolments.
struct Draw<'a> {
    rng: &'a mut ChaCha20Rng,
    codebook: &'a Codebook,
}

type Counts = Vec<Vec<i64>>;

impl Draw<'_> {
    /// Entry counts by month, table, cell.
    fn entries(&mut self, months: usize, size: u64) -> Vec<Counts> {
        let tables = Standard::v1().tables();
        let empty: Counts = tables
            .iter()
            .map(|t| vec![0; self.codebook.cells(t)])
            .collect();
        let mut entries = vec![empty; months];
        let quality = self.rng.next_u64() % 14;
        for start in 0..months {
            for _ in 0..size {
                let person = self.person();
                self.add(&mut entries[start], Family::Starts, &person);
                // History before the first month leaves too, so that leavers do not start at nought.
                let end =
                    start.saturating_sub(1) + usize::try_from(self.rng.next_u64() % 3).unwrap_or(0);
                if end < months && self.rng.next_u64() % 100 < 92 {
                    self.leave(&mut entries, end, person, quality);
                }
            }
        }
        entries
    }

    fn leave(
        &mut self,
        entries: &mut [Counts],
        end: usize,
        mut person: Vec<(Dimension, usize)>,
        quality: u64,
    ) {
        let by_tier = person.iter().find(|(d, _)| *d == Dimension::Tier);
        let easier = by_tier.map_or(0, |(_, t)| 6 * (2 - (*t).min(2)) as u64);
        let luck = self.rng.next_u64() % 100;
        let outcome = match luck {
            l if l < 62 + quality + easier => 0,
            l if l < 76 + quality + easier => 1,
            _ => 2,
        };
        person.push((Dimension::Outcome, outcome));
        self.add(&mut entries[end], Family::Leavers, &person);
        person.push((Dimension::Confidence, [0, 1, 1, 2, 2, 2][self.below(6)]));
        person.push((Dimension::Everyday, [0, 1, 2, 2][self.below(4)]));
        person.push((Dimension::Destination, self.below(5)));
        self.add(&mut entries[end], Family::Confidence, &person);
        self.add(&mut entries[end], Family::Everyday, &person);
        if let Some(later) = entries.get_mut(end + 2) {
            self.add(later, Family::Destination6, &person);
        }
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.rng.next_u64() % n.max(1) as u64).unwrap_or(0)
    }

    /// A code for each dimension; early codes are likelier and the last, "not stated", is rare.
    fn person(&mut self) -> Vec<(Dimension, usize)> {
        use Dimension::{
            Age, Area, Audience, Disability, Ethnicity, Mode, Pledge, Prior, ProgrammeType, Sex,
            Skill, Tier,
        };
        let dimensions = [
            Area,
            Tier,
            Skill,
            Mode,
            Age,
            Sex,
            Ethnicity,
            Disability,
            Prior,
            Audience,
            ProgrammeType,
            Pledge,
        ];
        dimensions
            .into_iter()
            .map(|d| {
                let n = self.codebook.size(d);
                let stated = if n > 1 && self.below(30) > 0 {
                    n - 1
                } else {
                    n
                };
                let (a, b) = (self.below(stated), self.below(stated));
                (d, if self.below(3) == 0 { a.min(b) } else { a })
            })
            .collect()
    }

    fn add(&self, counts: &mut Counts, family: Family, person: &[(Dimension, usize)]) {
        for (number, table) in Standard::v1().tables().iter().enumerate() {
            if table.family != family {
                continue;
            }
            let code = |d: &Dimension| person.iter().find(|(p, _)| p == d).map_or(0, |(_, c)| *c);
            let position: Vec<usize> = table.dimensions.iter().map(code).collect();
            counts[number][cell_index(&self.codebook.shape(table), &position)] += 1;
        }
    }
}
