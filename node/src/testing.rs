//! What the tests of release, submit and enrol share: a node in a fresh directory and an aggregator in the process.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::SigningKey;
use jiff::Timestamp;
use jiff::civil::Date;
use ldsp_protocol::dsse::{Sealed, Unverified};
use ldsp_protocol::enrolment::{Invite, NodeRecord, NodeState};
use ldsp_protocol::ids::{Digest, Period};
use ldsp_protocol::keys::key_id;
use ldsp_protocol::log::merkle::{inclusion, leaf_hash};
use ldsp_protocol::log::{Checkpoint, Edge, Entry, Proof};
use ldsp_protocol::note::Verifier;
use ldsp_protocol::own::KeyRevoke;
use ldsp_protocol::problem::{self, Drawn, Problem};
use ldsp_protocol::questionnaire::Questionnaire;
use ldsp_protocol::recovery::{LogState, runs};
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::{Body, Kind, Payload, SCHEMA, Statement};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use crate::Entropy;
use crate::store::audit::COMMAND_LINE;
use crate::store::enrolment::{self, Enrolment};
use crate::store::outbox::Head;
use crate::store::people::{Person, Role};
use crate::store::{Store, day};
use crate::transport::{Answer, Method, Request, Transport, Unreachable};
use crate::work::Progress;

pub(crate) const LEP: &str = "E37000001";
pub(crate) const ORIGIN: &str = "log.example";

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn period(text: &str) -> Period {
    text.parse().unwrap()
}

/// Each act gets the next seed.
pub(crate) fn seeded(seed: u64) -> Entropy {
    let next = Mutex::new(seed * 1_000);
    Arc::new(move || {
        let mut seed = next.lock().unwrap();
        *seed += 1;
        Box::new(ChaCha20Rng::seed_from_u64(*seed))
    })
}

pub(crate) fn node_key() -> SigningKey {
    SigningKey::from_bytes(&[3; 32])
}

pub(crate) fn log_key() -> SigningKey {
    SigningKey::from_bytes(&[5; 32])
}

/// A node with one programme (tier 1), coordinators `ann` and `cat`, approvers `bob` and `ANN`.
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) dir: tempfile::TempDir,
}

/// The organisation of this name, as its people are bound to it; 0 where there is none.
pub(crate) async fn bound(store: &Store, name: &str) -> ldsp_ui::Bound {
    let sql = "SELECT id, name FROM organisations WHERE name = $1 COLLATE NOCASE";
    let found: Option<(i64, String)> = sqlx::query_as(sql)
        .bind(name)
        .fetch_optional(&store.reader)
        .await
        .unwrap();
    let (id, name) = found.unwrap_or_else(|| (0, name.to_owned()));
    ldsp_ui::Bound { id, name }
}

/// One enrolment's columns; dates as text.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) start: Date,
    pub(crate) end: Option<Date>,
    pub(crate) stage: i64,
    pub(crate) enters: bool,
    pub(crate) in_area: bool,
    pub(crate) destinations: [Option<i64>; 3],
    pub(crate) confidence: Option<i64>,
    pub(crate) everyday: Option<i64>,
    /// Varies the other codes.
    pub(crate) kind: i64,
}

pub(crate) fn started(start: &str) -> Row {
    Row {
        start: start.parse().unwrap(),
        end: None,
        stage: 0,
        enters: true,
        in_area: true,
        destinations: [None; 3],
        confidence: None,
        everyday: None,
        kind: 0,
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("node.db")).await.unwrap();
        let now = at("2022-01-01T00:00:00Z");
        store
            .set_identity(&LEP.parse().unwrap(), now)
            .await
            .unwrap();
        for (name, role) in [
            ("ann", Role::Coordinator),
            ("cat", Role::Coordinator),
            ("bob", Role::Approver),
        ] {
            let person = Person::new(name, role, now);
            assert!(store.add_person(&person, COMMAND_LINE).await.unwrap());
        }
        // `add_person` refuses a second spelling; approval must not rest on that alone.
        sqlx::query("INSERT INTO people (name, role, secret_hash, added_at) VALUES ('ANN', 'approver', '', 0)")
            .execute(&store.writer)
            .await
            .unwrap();
        sqlx::query(
            "INSERT INTO programmes (id, code, name, provider, tier, type, audience, funder) VALUES (1, 'P', 'P', 'X', 1, 2, 3, '')",
        )
        .execute(&store.writer)
        .await
        .unwrap();
        Self { store, dir }
    }

    pub(crate) async fn enrolled() -> Self {
        let world = Self::new().await;
        let mut tx = world.store.write().await.unwrap();
        enrolment::write(&mut tx, &place(true)).await.unwrap();
        tx.commit().await.unwrap();
        world
    }

    /// Adds an enrolment and gives its row id.
    pub(crate) async fn add(&self, row: &Row) -> i64 {
        self.add_all(std::slice::from_ref(row)).await[0]
    }

    pub(crate) async fn add_all(&self, rows: &[Row]) -> Vec<i64> {
        let mut tx = self.store.write().await.unwrap();
        let mut ids = Vec::new();
        for row in rows {
            let id: i64 = sqlx::query_scalar(
                "INSERT INTO enrolments (spell, learner, provider, aim, programme, district, in_area, enters, skill, mode, age, sex,
                   ethnicity, disability, prior, start_day, end_day, stage, destination_3m, destination_6m, destination_12m, confidence, everyday)
                 VALUES (randomblob(16), randomblob(16), 'X', 'A', 1, NULL, $1, $2, $3 % 14, $3 % 4, $3 % 6, $3 % 3, $3 % 6, $3 % 3, $3 % 7,
                   $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id",
            )
            .bind(row.in_area)
            .bind(row.enters)
            .bind(row.kind)
            .bind(day(row.start))
            .bind(row.end.map(day))
            .bind(row.stage)
            .bind(row.destinations[0])
            .bind(row.destinations[1])
            .bind(row.destinations[2])
            .bind(row.confidence)
            .bind(row.everyday)
            .fetch_one(&mut *tx)
            .await
            .unwrap();
            ids.push(id);
        }
        tx.commit().await.unwrap();
        ids
    }

    pub(crate) async fn run(&self, sql: &'static str) {
        sqlx::query(sql).execute(&self.store.writer).await.unwrap();
    }

    /// Erases the learner of an enrolment.
    pub(crate) async fn erase(&self, enrolment: i64) {
        let learner: Vec<u8> = sqlx::query_scalar("SELECT learner FROM enrolments WHERE id = $1")
            .bind(enrolment)
            .fetch_one(&self.store.writer)
            .await
            .unwrap();
        let day = "2022-01-01".parse().unwrap();
        let learner = learner.try_into().unwrap();
        assert_eq!(self.store.erase(&learner, day).await.unwrap(), 1);
    }

    pub(crate) async fn number(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql)
            .fetch_one(&self.store.writer)
            .await
            .unwrap()
    }

    /// Closes the database and opens it again, as after a kill.
    pub(crate) async fn reopened(self) -> Self {
        self.store.close().await;
        let store = Store::open(&self.dir.path().join("node.db")).await.unwrap();
        Self {
            store,
            dir: self.dir,
        }
    }
}

/// Everything that a store holds, the text of its schema too.
pub(crate) async fn dump(store: &Store) -> Vec<String> {
    // The writer's connection is free again once what was cancelled is undone.
    let mut writer = store.writer.acquire().await.unwrap();
    let schema = "SELECT coalesce(sql, name) FROM sqlite_schema ORDER BY 1";
    let mut all: Vec<String> = sqlx::query_scalar(schema)
        .fetch_all(&mut *writer)
        .await
        .unwrap();
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT 'SELECT ' || quote(t.name) || ' || concat_ws(''|'', ' || group_concat('quote(\"' || c.name || '\")') || ') FROM \"' || t.name || '\" ORDER BY 1'
         FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' GROUP BY t.name ORDER BY t.name",
    )
    .fetch_all(&mut *writer)
    .await
    .unwrap();
    for table in tables {
        let rows = sqlx::query_scalar(sqlx::AssertSqlSafe(table));
        all.extend(rows.fetch_all(&mut *writer).await.unwrap());
    }
    all
}

/// Runs `work` until it has stood still `stops` times, and cancels it then. Gives whether that was in time, if it came to it, the stops that
/// there were, and what came of the work.
pub(crate) async fn cancelled_after<T>(
    stops: usize,
    progress: &Progress,
    work: impl Future<Output = T>,
) -> (Option<bool>, usize, T) {
    let mut work = std::pin::pin!(work);
    let (mut stood, mut in_time) = (0, None);
    let done = std::future::poll_fn(|cx| {
        if stood == stops && in_time.is_none() {
            in_time = Some(progress.cancel());
        }
        let polled = work.as_mut().poll(cx);
        stood += usize::from(polled.is_pending());
        polled
    })
    .await;
    (in_time, stood, done)
}

/// The stops at which work that has at least `all` of them is cancelled: all over it, and close to each other from there on without end.
pub(crate) fn some_stops(all: usize) -> impl Iterator<Item = usize> {
    let late = all.saturating_sub(12);
    (0..late)
        .step_by((all / 24).max(1))
        .chain((late..).step_by(3))
}

pub(crate) fn place(active: bool) -> Enrolment {
    Enrolment {
        node: "black-country".parse().unwrap(),
        url: "https://log.example".to_owned(),
        origin: ORIGIN.to_owned(),
        verifier: Verifier::new(ORIGIN, log_key().verifying_key()).unwrap(),
        ca_pem: None,
        active,
        revoked_from: None,
        enrolled_at: 0,
        head: Head {
            seq: 0,
            pae: Digest::ZERO,
        },
    }
}

/// How the aggregator behaves.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Mood {
    Sound,
    Down,
    Unavailable {
        retry_after: Option<String>,
    },
    /// Takes statements, answers with a receipt that somebody else signed.
    ForeignReceipt,
    /// … for the next place.
    OtherPlace,
    /// … the first receipt that it ever gave, again.
    Replay,
    Nonsense,
    Refuses(Problem),
    /// Takes the statement, but the answer is lost.
    AnswerLost,
}

/// An invite of [`LEP`] for the node `black-country`, until 8 May 2022.
pub(crate) fn invite() -> Invite {
    Invite {
        schema: 1,
        url: "https://log.example".to_owned(),
        origin: ORIGIN.to_owned(),
        verifier: Verifier::new(ORIGIN, log_key().verifying_key())
            .unwrap()
            .vkey(),
        node: "black-country".parse().unwrap(),
        lep: LEP.parse().unwrap(),
        secret: "ab".repeat(32),
        expires: at("2022-05-08T12:00:00Z"),
        ca_pem: None,
    }
}

/// An aggregator that keeps what it took.
#[derive(Clone)]
pub(crate) struct Aggregator(pub(crate) Arc<Mutex<State>>);

pub(crate) struct State {
    pub(crate) mood: Mood,
    pub(crate) node: NodeState,
    pub(crate) standard: Digest,
    pub(crate) invite_used: bool,
    pub(crate) taken: Vec<(Digest, Vec<u8>)>,
    receipts: Vec<String>,
    /// Statements that it gives no more: it holds withdrawals of them.
    pub(crate) withdrawn: Vec<u64>,
    /// It says of a withdrawn month nothing else.
    pub(crate) terse: bool,
    /// It says that it has nothing.
    pub(crate) forgetful: bool,
    /// It lacks the leaves from the first on, which came back as far as they are among the others.
    pub(crate) lost: Option<(u64, Vec<u64>)>,
    /// Behind all of it stands the log's own statement that it revoked a key.
    pub(crate) revoked: bool,
    /// What the log's operators asked, as its own statements from the first on; there is no other then.
    pub(crate) asked: Vec<Vec<u8>>,
    /// What the list of questionnaires says in the place of the truth.
    pub(crate) lines: Option<Vec<serde_json::Value>>,
    /// What the answers of all come to, for who signs the request.
    pub(crate) results: Option<serde_json::Value>,
    pub(crate) calls: Vec<Request>,
}

impl Aggregator {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            mood: Mood::Sound,
            node: NodeState::Active,
            standard: Standard::current().digest(),
            invite_used: false,
            taken: Vec::new(),
            receipts: Vec::new(),
            withdrawn: Vec::new(),
            terse: false,
            forgetful: false,
            lost: None,
            revoked: false,
            asked: Vec::new(),
            lines: None,
            results: None,
            calls: Vec::new(),
        })))
    }

    pub(crate) fn set(&self, mood: Mood) {
        self.0.lock().unwrap().mood = mood;
    }

    /// The present proof of a statement.
    pub(crate) fn proof(&self, seq: u64) -> Option<String> {
        Some(self.0.lock().unwrap().receipt(seq))
    }

    pub(crate) fn taken(&self) -> usize {
        self.0.lock().unwrap().taken.len()
    }
}

fn answer(status: u16, body: impl Into<Vec<u8>>) -> Answer {
    Answer {
        status,
        retry_after: None,
        body: body.into(),
    }
}

/// Where the month of a summary or a correction stands in the ledger.
fn drawn(envelope: &[u8]) -> Option<Drawn> {
    let sealed = Unverified::parse(envelope).unwrap();
    let sealed = sealed.verify(&node_key().verifying_key()).unwrap();
    let noise = match Statement::read(&sealed).unwrap().payload {
        Payload::LearningSummary(summary) => summary.noise,
        Payload::Correction(correction) => correction.summary.noise,
        _ => return None,
    };
    Some(Drawn {
        epoch: noise.epoch,
        month: noise.month,
    })
}

fn refusal(problem: &Problem) -> Answer {
    answer(problem.status, serde_json::to_vec(problem).unwrap())
}

impl State {
    fn record(&self) -> NodeRecord {
        NodeRecord {
            node: "black-country".parse().unwrap(),
            lep: LEP.parse().unwrap(),
            state: self.node,
            key_id: Some(key_id(&node_key().verifying_key())),
            public_key: Some(hex::encode(node_key().verifying_key().as_bytes())),
            standard: self.standard,
            seq: if self.forgetful {
                0
            } else {
                self.taken.len() as u64
            },
            prev: self.taken.last().map_or(Digest::ZERO, |(pae, _)| *pae),
            revoked_from: (self.node == NodeState::Revoked).then_some(7),
        }
    }

    /// What a log that lacks leaves answers; once it has them all, it stands as before.
    fn recovery(&mut self, request: &Request) -> Option<Answer> {
        let needs = 100 + self.taken.len() as u64;
        let lacks = |lost: &(u64, Vec<u64>)| (lost.0..needs).any(|leaf| !lost.1.contains(&leaf));
        let stopped = self.lost.as_ref().is_some_and(lacks);
        let behind = || refusal(&Problem::new(problem::LOG_BEHIND, "It lacks leaves."));
        if request.path.ends_with("/checkpoint") {
            return Some(if stopped { behind() } else { answer(204, "") });
        }
        if request.path == "/v1/recovery" {
            let (size, there) = self.lost.clone().unwrap_or((needs, Vec::new()));
            let state = LogState {
                stopped,
                size,
                needs,
                missing: runs(size, needs, there),
            };
            return Some(answer(200, serde_json::to_vec(&state).unwrap()));
        }
        if let Some(leaf) = request.path.strip_prefix("/v1/recovery/leaves/") {
            let leaf: u64 = leaf.parse().unwrap();
            let (name, receipt) = &request.headers[1];
            assert_eq!(*name, "ldsp-receipt");
            let receipt = String::from_utf8(BASE64.decode(receipt).unwrap()).unwrap();
            let proof = Proof::parse(&receipt).unwrap();
            proof
                .verify(&place(true).verifier, &entry(&request.body))
                .unwrap();
            assert_eq!(proof.index, leaf);
            self.lost.as_mut().unwrap().1.push(leaf);
            return Some(answer(202, ""));
        }
        (stopped && request.method == Method::Put).then(behind)
    }

    fn put(&mut self, request: &Request) -> Answer {
        let seq: u64 = request.path.rsplit('/').next().unwrap().parse().unwrap();
        let verified = Unverified::parse(&request.body)
            .unwrap()
            .verify(&node_key().verifying_key())
            .unwrap();
        let statement = Statement::read(&verified).unwrap();
        assert_eq!((statement.seq, statement.origin.as_str()), (seq, ORIGIN));
        let pae = verified.pae();
        let known = self.taken.get(seq as usize - 1).map(|(p, _)| *p);
        match known {
            Some(known) if known != pae => {
                return refusal(&Problem::new(problem::EQUIVOCATION, "Another one."));
            }
            None if seq as usize != self.taken.len() + 1 => {
                return refusal(&Problem::gap(self.taken.len() as u64 + 1, seq));
            }
            None => self.taken.push((pae, request.body.clone())),
            Some(_) => {}
        }
        let receipt = self.receipt(seq);
        self.receipts.push(receipt.clone());
        match self.mood {
            Mood::Replay => answer(201, self.receipts[0].clone()),
            Mood::Nonsense => answer(200, vec![0xff, 0xfe]),
            _ => answer(201, receipt),
        }
    }

    /// A proof of the statement: its leaf stands behind a hundred of others.
    fn receipt(&self, seq: u64) -> String {
        self.receipt_at(seq + 99)
    }

    /// A proof of the leaf at this place.
    fn receipt_at(&self, index: u64) -> String {
        let mut leaves: Vec<Digest> = (0..100).map(|n| leaf_hash(&[n])).collect();
        leaves.extend(
            self.taken
                .iter()
                .map(|(_, envelope)| entry(envelope).leaf_hash()),
        );
        if self.revoked {
            let own = Unverified::parse(&revocation()).unwrap();
            leaves.push(Entry::claimed(&own).unwrap().leaf_hash());
        }
        for envelope in &self.asked {
            let own = Unverified::parse(envelope).unwrap();
            leaves.push(Entry::claimed(&own).unwrap().leaf_hash());
        }
        let part = |leaves: &[Digest]| {
            let mut edge = Edge::default();
            leaves.iter().for_each(|leaf| edge.push(*leaf));
            edge.root()
        };
        let node = |level: u32, at: u64| {
            let range = (at << level) as usize..((at + 1) << level) as usize;
            Ok::<_, Infallible>(part(&leaves[range]))
        };
        let size = leaves.len() as u64;
        let key = match self.mood {
            Mood::ForeignReceipt => SigningKey::from_bytes(&[66; 32]),
            _ => log_key(),
        };
        let checkpoint = Checkpoint {
            origin: ORIGIN.to_owned(),
            size,
            root: part(&leaves),
        };
        let proof = Proof {
            hashes: inclusion(index, size, node).unwrap(),
            index: index + u64::from(self.mood == Mood::OtherPlace),
            checkpoint: checkpoint.sign(&key).unwrap(),
        };
        proof.to_text()
    }
}

impl State {
    /// Place of the first of the log's own questionnaires.
    fn first_asked(&self) -> u64 {
        100 + self.taken.len() as u64
    }

    /// The list of questionnaires, their statements with receipts, and what all answers come to.
    fn questionnaires(&self, request: &Request) -> Option<Answer> {
        let of_own = "/v1/nodes/aggregator/statements/";
        if request.path == "/v1/questionnaires" {
            let lines = self.lines.clone().unwrap_or_else(|| self.listed());
            let list = serde_json::json!({ "questionnaires": lines });
            return Some(answer(200, list.to_string()));
        }
        if request.path.starts_with("/v1/questionnaires/") {
            let signed = request.headers.iter().any(|(n, _)| *n == "authorization");
            let results = self.results.as_ref().filter(|_| signed);
            return Some(match results {
                Some(results) => answer(200, results.to_string()),
                None => refusal(&Problem::new(
                    problem::SIGN_IN,
                    "For those that were asked.",
                )),
            });
        }
        let own = request.path.strip_prefix(of_own)?;
        if self.asked.is_empty() {
            return None;
        }
        let (seq, receipt) = match own.strip_suffix("/receipt") {
            Some(seq) => (seq, true),
            None => (own, false),
        };
        let at: usize = seq.parse().unwrap();
        Some(match self.asked.get(at.wrapping_sub(1)) {
            None => answer(404, ""),
            Some(_) if receipt => {
                let index = self.first_asked() + at as u64 - 1;
                answer(200, self.receipt_at(index))
            }
            Some(envelope) => answer(200, envelope.clone()),
        })
    }

    /// The true list.
    pub(crate) fn listed(&self) -> Vec<serde_json::Value> {
        let each = self.asked.iter().zip(1u64..);
        each.map(|(envelope, seq)| {
            let sealed = Unverified::parse(envelope).unwrap();
            let body: serde_json::Value =
                serde_json::from_slice(sealed.unverified_body()).unwrap();
            let asked = &body["payload"];
            serde_json::json!({
                "name": asked["name"], "version": asked["version"], "title": asked["title"], "due": asked["due"],
                "seq": seq, "index": self.first_asked() + seq - 1, "pae": sealed.unverified_pae(),
            })
        })
        .collect()
    }
}

impl Aggregator {
    /// Its operators ask this: signed, logged and listed.
    pub(crate) fn asks(&self, asked: &Questionnaire) {
        let mut state = self.0.lock().unwrap();
        let seq = state.asked.len() as u64 + 1;
        state.asked.push(questionnaire(&log_key(), seq, asked));
    }
}

/// A questionnaire as the log's own statement of this number, signed with this key.
pub(crate) fn questionnaire(key: &SigningKey, seq: u64, asked: &Questionnaire) -> Vec<u8> {
    let kind = Kind::Questionnaire;
    let body = Body {
        schema: SCHEMA,
        origin: ORIGIN.to_owned(),
        node: ldsp_protocol::own::name(),
        seq,
        prev: match seq {
            1 => Digest::ZERO,
            _ => Digest::of(b"before"),
        },
        kind,
        period: None,
        standard: Standard::current().digest(),
        payload: asked,
    };
    let sealed = Sealed::sign(key, &kind.payload_type(), &body.to_bytes());
    sealed.envelope().to_vec()
}

/// The log's own first statement: that it revoked somebody's key.
fn revocation() -> Vec<u8> {
    let kind = Kind::KeyRevoke;
    let body = Body {
        schema: SCHEMA,
        origin: ORIGIN.to_owned(),
        node: ldsp_protocol::own::name(),
        seq: 1,
        prev: Digest::ZERO,
        kind,
        period: None,
        standard: Standard::current().digest(),
        payload: KeyRevoke {
            node: "solent".parse().unwrap(),
            key_id: Digest::of(b"key"),
            from: 102,
            reason: "The laptop was stolen.".to_owned(),
            revoked_by: "Olu".to_owned(),
        },
    };
    let sealed = Sealed::sign(&log_key(), &kind.payload_type(), &body.to_bytes());
    sealed.envelope().to_vec()
}

/// The leaf of a statement of the test's node.
pub(crate) fn entry(envelope: &[u8]) -> Entry {
    let verified = Unverified::parse(envelope).unwrap();
    let verified = verified.verify(&node_key().verifying_key()).unwrap();
    let statement = Statement::read(&verified).unwrap();
    Entry {
        kind: statement.kind,
        node: statement.node,
        seq: statement.seq,
        key_id: key_id(&node_key().verifying_key()),
        pae: verified.pae(),
    }
}

impl Transport for Aggregator {
    async fn call(&self, request: Request) -> Result<Answer, Unreachable> {
        let mut state = self.0.lock().unwrap();
        state.calls.push(request.clone());
        match state.mood.clone() {
            Mood::Down => return Err(Unreachable::new("connection refused")),
            Mood::Unavailable { retry_after } => {
                return Ok(Answer {
                    retry_after,
                    ..refusal(&Problem::new(problem::STORAGE, "Disk low."))
                });
            }
            Mood::Refuses(problem) if request.method != Method::Get => {
                return Ok(refusal(&problem));
            }
            _ => {}
        }
        if let Some(answer) = state.recovery(&request) {
            return Ok(answer);
        }
        if let Some(answer) = state.questionnaires(&request) {
            return Ok(answer);
        }
        let own = request
            .path
            .strip_prefix("/v1/nodes/aggregator/statements/");
        if let Some(own) = own.filter(|_| state.revoked) {
            return Ok(match own {
                "1" => answer(200, revocation()),
                "1/receipt" => answer(200, state.receipt_at(100 + state.taken.len() as u64)),
                _ => answer(404, ""),
            });
        }
        match request.method {
            Method::Get => Ok(match request.path.strip_suffix("/receipt") {
                Some(statement) => {
                    let seq = statement.rsplit('/').next().unwrap().parse().unwrap();
                    answer(200, state.receipt(seq))
                }
                None => match request.path.split_once("/statements/") {
                    Some((_, seq)) => {
                        let at = seq.parse::<usize>().unwrap() - 1;
                        if state.withdrawn.contains(&(at as u64 + 1)) {
                            let drawn = drawn(&state.taken[at].1).filter(|_| !state.terse);
                            let gone = Problem::withdrawn("It was withdrawn.", drawn);
                            return Ok(refusal(&gone));
                        }
                        answer(200, state.taken[at].1.clone())
                    }
                    None => answer(200, serde_json::to_vec(&state.record()).unwrap()),
                },
            }),
            Method::Post if state.invite_used => {
                Ok(refusal(&Problem::new(problem::INVITE, "Used.")))
            }
            Method::Post => {
                state.invite_used = true;
                if state.mood == Mood::AnswerLost {
                    return Err(Unreachable::new("connection reset"));
                }
                Ok(answer(201, serde_json::to_vec(&state.record()).unwrap()))
            }
            Method::Put => {
                let answer = state.put(&request);
                if state.mood == Mood::AnswerLost {
                    return Err(Unreachable::new("connection reset"));
                }
                Ok(answer)
            }
        }
    }
}

/// Where the history of these nodes begins.
pub(crate) const FIRST: &str = "2022-03";

/// What a coordinator asks for whose history begins with [`FIRST`].
pub(crate) fn asked() -> crate::release::Request {
    crate::release::Request {
        first: Some(FIRST.parse().expect("a month is YYYY-MM")),
        ..crate::release::Request::default()
    }
}
