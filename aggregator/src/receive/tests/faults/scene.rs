//! What the faults strike: a server over a failing store, what its nodes know, and what must be true of both.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ldsp_cluster::{Cluster, Database};
use ldsp_protocol::dsse::{Sealed, Unverified};
use ldsp_protocol::enrolment::{ENROLMENT_TYPE, EnrolmentBody, NodeState};
use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::{Digest, Period};
use ldsp_protocol::keys::key_id;
use ldsp_protocol::log::{ENTRY_LEN, Edge, Entry, merkle};
use ldsp_protocol::problem;
use ldsp_protocol::receipt::Receipt;
use ldsp_protocol::revision::{Correction, Named, Withdrawal};
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::{Kind, Payload, Statement};
use ldsp_protocol::summary::LearningSummary;
use tempfile::TempDir;

use crate::announce::{Act, AnnounceError, Announcer};
use crate::fsck::{Ground, fsck};
use crate::receive::tests::practice::entry;
use crate::runs::RunError;
use crate::store::failing::{Fault, Faults};
use crate::store::postgres::Postgres;
use crate::store::sqlite::Sqlite;
use crate::store::{Backend, DatabaseUrl, InviteRow, Location, Log as _, Registry as _};
use crate::testing::{Answer, ORIGIN, Sim, World, at, signer};

const SECRET: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

pub(super) fn act() -> Act<'static> {
    Act {
        by: "olive",
        at: at("2023-01-05T12:00:00Z"),
    }
}

/// Where the databases of a test are.
#[derive(Default)]
pub(super) struct Place {
    pub(super) databases: Vec<Database>,
    pub(super) folders: Vec<TempDir>,
    pub(super) on_postgres: bool,
}

impl Place {
    pub(super) async fn empty(&mut self) -> Backend {
        if !self.on_postgres {
            let folder = tempfile::tempdir().unwrap();
            let store = Sqlite::open(&folder.path().join("a.sqlite")).await;
            self.folders.push(folder);
            return store.unwrap().into();
        }
        let database = Cluster::shared().database();
        let location = DatabaseUrl::from(database.url()).location().unwrap();
        self.databases.push(database);
        match location {
            Location::Postgres(server) => Postgres::open(&server).await.unwrap().into(),
            Location::Sqlite(path) => panic!("{}", path.display()),
        }
    }
}

pub(super) async fn is_sound(store: &Backend) {
    let signer = signer();
    let ground = Ground {
        log: signer.verifier(),
    };
    let mut snapshot = store.snapshot().await.unwrap();
    let report = fsck(&mut snapshot, ground, &mut |_, _| {}).await.unwrap();
    assert_eq!(report.findings, []);
}

/// A statement that was sent.
pub(super) struct Sent {
    pub(super) path: String,
    pub(super) entry: Entry,
    /// The contribution of a summary or a correction.
    pub(super) power: Option<u32>,
    /// Of a withdrawal: the statement that is withdrawn.
    pub(super) takes: Option<usize>,
    pub(super) envelope: Vec<u8>,
    pub(super) receipts: Vec<String>,
}

impl Sent {
    pub(super) fn without_receipts(&self) -> Self {
        Self {
            path: self.path.clone(),
            entry: self.entry.clone(),
            power: self.power,
            takes: self.takes,
            envelope: self.envelope.clone(),
            receipts: Vec::new(),
        }
    }
}

/// A server over a failing store, and what its nodes know.
pub(super) struct Scene {
    pub(super) world: World,
    /// The same database without faults.
    pub(super) sound: Backend,
    pub(super) faults: Faults,
    pub(super) fault: Fault,
    pub(super) nodes: usize,
    pub(super) powers: u32,
    pub(super) sent: Vec<Sent>,
}

impl Scene {
    pub(super) async fn new(place: &mut Place, fault: Fault) -> Self {
        let (sound, faults) = (place.empty().await, Faults::default());
        let store = sound.clone().failing(&faults);
        let world = World::on(store, tempfile::tempdir().unwrap()).await;
        Self {
            world,
            sound,
            faults,
            fault,
            nodes: 0,
            powers: 0,
            sent: Vec::new(),
        }
    }

    /// Acts under the fault at the first call of the store, at the second … until an act has fewer; gives what failed.
    pub(super) async fn at_every_call(
        &mut self,
        mut act: impl AsyncFnMut(&mut Self),
    ) -> Vec<&'static str> {
        let mut struck = Vec::new();
        loop {
            self.faults.set(struck.len(), self.fault);
            act(self).await;
            let method = self.faults.clear();
            self.check().await;
            match method {
                Some(method) => struck.push(method),
                None => return struck,
            }
        }
    }

    /// Acts under the fault at the next call of one method.
    pub(super) async fn at_call_of(
        &mut self,
        method: &'static str,
        mut act: impl AsyncFnMut(&mut Self),
    ) {
        self.faults.set_on(method, self.fault);
        act(self).await;
        assert_eq!(self.faults.clear(), Some(method));
        self.check().await;
    }

    /// Sends until the store is not in the way: it is once at most.
    pub(super) async fn call(&self, call: impl AsyncFn(&World) -> Answer) -> Answer {
        let answer = call(&self.world).await;
        if answer.status.as_u16() < 500 {
            return answer;
        }
        assert_eq!(answer.problem().code, problem::STORAGE.code);
        self.check().await;
        call(&self.world).await
    }

    pub(super) async fn announce<T, E: Into<RunError>>(
        &self,
        say: impl AsyncFn(Announcer<'_, Backend>) -> Result<T, E>,
    ) -> T {
        let said = async || {
            say(self.world.service.announcer())
                .await
                .map_err(Into::into)
        };
        match said().await {
            Ok(done) => done,
            Err(RunError::Announce(AnnounceError::Store(_))) => {
                self.check().await;
                said().await.unwrap()
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// A node that no store has heard of.
    pub(super) fn stranger(&mut self) -> Sim {
        let leps: Vec<_> = Geography::embedded().leps().collect();
        let number = self.nodes;
        self.nodes += 1;
        let code = leps[number].code.as_str();
        let mut sim = Sim::named(&format!("node-{number}"), code, number as u8 + 1);
        sim.quieten();
        sim
    }

    /// A node joins: it is invited, enrols and is approved.
    pub(super) async fn join(&mut self) -> Sim {
        let sim = self.stranger();
        let now = self.world.service.now();
        let invite = InviteRow {
            node: sim.slug.clone(),
            lep: sim.lep.clone(),
            secret_hash: Digest::of(SECRET.as_bytes()),
            expires: at("2023-01-10T00:00:00Z"),
            created: now,
            created_by: "op".into(),
            used: None,
        };
        let store = &self.world.service.store;
        if store.invite(&invite).await.is_err() {
            store.invite(&invite).await.unwrap();
        }
        let body = EnrolmentBody {
            schema: 1,
            origin: ORIGIN.into(),
            node: sim.slug.clone(),
            invite: Digest::of(SECRET.as_bytes()),
            nonce: Digest::of(b"nonce"),
            public_key: hex::encode(sim.key.verifying_key().as_bytes()),
            standard: Standard::current().digest(),
            software: "test/1".into(),
        };
        let bytes = serde_json::to_vec(&body).unwrap();
        let sealed = Sealed::sign(&sim.key, ENROLMENT_TYPE, &bytes);
        let bearer = format!("Bearer {SECRET}");
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/vnd.dsse+json"),
        ];
        let answer = self.call(async |world| {
            let body = sealed.envelope().to_vec();
            world
                .call(Method::POST, "/v1/enrolments", &headers, body)
                .await
        });
        assert!(answer.await.status.is_success());
        let id = key_id(&sim.key.verifying_key());
        let approve = async |log: Announcer<'_, Backend>| log.approve(&sim.slug, id, act()).await;
        let stands = self.announce(approve).await;
        assert_eq!(stands.node.state, NodeState::Active);
        sim
    }

    /// Notes what is about to leave; the node moves on.
    pub(super) fn seal(&mut self, sim: &mut Sim, kind: Kind) -> usize {
        let (sealed, power) = match kind {
            Kind::LearningSummary => {
                let power = self.powers;
                self.powers += 1;
                (sim.publish(1 << power).1, Some(power))
            }
            _ => {
                let sealed = sim.seal(kind, None, entry(sim.lep.as_str()));
                sim.advance(&sealed);
                (sealed, None)
            }
        };
        self.note(sim, (kind, power, None), &sealed)
    }

    /// The month that statement `number` holds, and what it says.
    fn month(&self, sim: &Sim, number: usize) -> (Option<Period>, LearningSummary, Named) {
        let sent = &self.sent[number];
        let verified = Unverified::parse(&sent.envelope).unwrap();
        let verified = verified.verify(&sim.key.verifying_key()).unwrap();
        let statement = Statement::read(&verified).unwrap();
        let summary = match statement.payload {
            Payload::LearningSummary(summary) => summary,
            Payload::Correction(correction) => correction.summary,
            other => panic!("{other:?}"),
        };
        let named = Named {
            seq: sent.entry.seq,
            pae: sent.entry.pae,
        };
        (statement.period, summary, named)
    }

    /// The same for the withdrawal of statement `number`, a month.
    pub(super) fn withdraw(&mut self, sim: &mut Sim, number: usize) -> usize {
        let (_, summary, statement) = self.month(sim, number);
        let withdrawal = Withdrawal {
            statement,
            reason: "Published too early.".to_owned(),
            cells: Some(summary.cells_digest()),
        };
        let sealed = sim.seal(Kind::Withdrawal, None, withdrawal);
        sim.advance(&sealed);
        self.note(sim, (Kind::Withdrawal, None, Some(number)), &sealed)
    }

    /// The same for the correction that brings statement `number` back, which was withdrawn.
    pub(super) fn reissue(&mut self, sim: &mut Sim, number: usize) -> usize {
        let (period, summary, supersedes) = self.month(sim, number);
        let correction = Correction {
            supersedes,
            reason: "It is agreed now.".to_owned(),
            summary,
        };
        let sealed = sim.seal(Kind::Correction, period, correction);
        sim.advance(&sealed);
        let power = self.sent[number].power;
        self.note(sim, (Kind::Correction, power, None), &sealed)
    }

    fn note(
        &mut self,
        sim: &Sim,
        (kind, power, takes): (Kind, Option<u32>, Option<usize>),
        sealed: &Sealed,
    ) -> usize {
        self.sent.push(Sent {
            path: sim.path(sim.seq),
            entry: Entry {
                kind,
                node: sim.slug.clone(),
                seq: sim.seq,
                key_id: key_id(&sim.key.verifying_key()),
                pae: sealed.pae(),
            },
            power,
            takes,
            envelope: sealed.envelope().to_vec(),
            receipts: Vec::new(),
        });
        self.sent.len() - 1
    }

    pub(super) async fn send(&mut self, number: usize) -> StatusCode {
        let sent = &self.sent[number];
        let put = async |world: &World| world.put(&sent.path, &sent.envelope).await;
        let answer = self.call(put).await;
        assert!(answer.status.is_success(), "{}", answer.text());
        self.sent[number].receipts.push(answer.text());
        answer.status
    }

    /// Every leaf as those who were told of it hold it: place, receipt as base64, envelope.
    pub(super) async fn leaves(&self) -> Vec<(u64, String, Vec<u8>)> {
        let mut statements = self.sound.statements(0, 999).await.unwrap();
        statements.extend(self.sound.owns(0, 999).await.unwrap());
        let mut leaves = Vec::new();
        for one in statements {
            let proof = self.world.service.tree.proof(one.index).await.unwrap();
            let receipt = BASE64.encode(proof.unwrap().to_text());
            leaves.push((one.index, receipt, one.envelope));
        }
        assert_eq!(leaves.len() as u64, self.sound.size().await.unwrap());
        leaves
    }

    /// The powers that the national number of starts is made of.
    pub(super) async fn counted(&self) -> BTreeSet<u32> {
        let report = self.world.get("/api/v1/benchmarks").await.json();
        let national = report["national"].as_array().unwrap();
        let starts = national.iter().find(|f| f["measure"] == "starts");
        let raw = starts.and_then(|f| f["raw"]["estimate"].as_f64());
        let sum = raw.unwrap_or(0.0);
        assert!((sum - sum.round()).abs() < 0.1, "{sum} enrolments");
        let sum = sum.round() as u32;
        (0..u32::BITS)
            .filter(|power| sum >> power & 1 == 1)
            .collect()
    }

    /// What is logged is counted, once; every receipt holds in the log as it is now; everything stored follows from it.
    pub(super) async fn check(&self) {
        let size = self.sound.head().await.unwrap().edge.size();
        let records = self.sound.records(0..size).await.unwrap();
        let (leaves, rest) = records.as_chunks::<ENTRY_LEN>();
        assert_eq!((leaves.len() as u64, rest.len()), (size, 0));
        let mut edge = Edge::default();
        let mut roots = vec![edge.root()];
        for leaf in leaves {
            edge.push(merkle::leaf_hash(leaf));
            roots.push(edge.root());
        }
        let (mut logged, mut gone) = (BTreeSet::new(), BTreeSet::new());
        let log = signer();
        for (number, sent) in self.sent.iter().enumerate() {
            let record = sent.entry.to_bytes();
            let places: Vec<_> = (0..leaves.len())
                .filter(|at| leaves[*at] == record)
                .collect();
            assert!(places.len() <= 1, "{} is logged twice", sent.path);
            if places.len() == 1 {
                logged.extend(sent.power.map(|power| (number, power)));
                gone.extend(sent.takes);
            }
            for receipt in &sent.receipts {
                let held = Receipt::from_text(receipt).check(log.verifier(), &sent.entry);
                let held = held.unwrap();
                assert_eq!(places, [held.index as usize], "{}", sent.path);
                let then = held.checkpoint.unwrap();
                assert_eq!(roots[then.size as usize], then.root, "{}", sent.path);
            }
        }
        let standing = logged.iter().filter(|(number, _)| !gone.contains(number));
        let powers: Vec<u32> = standing.map(|(_, power)| *power).collect();
        let once: BTreeSet<u32> = powers.iter().copied().collect();
        assert_eq!(powers.len(), once.len(), "a month stands in two statements");
        assert_eq!(self.counted().await, once);
        is_sound(&self.sound).await;
    }
}
