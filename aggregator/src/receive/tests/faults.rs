//! Each call of the store fails once, with nothing done or all of it: whoever got no answer asks again, what was
//! acknowledged is counted, and each contribution once. Contributions are distinct powers of two, so a national sum says which ones
//! are in it.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use futures::future::join_all;
use ldsp_cluster::{Cluster, Database};
use ldsp_protocol::dsse::Sealed;
use ldsp_protocol::enrolment::{ENROLMENT_TYPE, EnrolmentBody, NodeState};
use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::Digest;
use ldsp_protocol::keys::key_id;
use ldsp_protocol::log::{ENTRY_LEN, Edge, Entry, merkle};
use ldsp_protocol::problem;
use ldsp_protocol::receipt::Receipt;
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::Kind;
use tempfile::TempDir;

use super::practice::entry;
use crate::announce::{Act, AnnounceError, Announcer, KEY_EVENTS};
use crate::app::audited;
use crate::fsck::{Ground, fsck};
use crate::store::failing::{Fault, Faults};
use crate::store::postgres::Postgres;
use crate::store::sqlite::Sqlite;
use crate::store::{Backend, DatabaseUrl, InviteRow, Location, Log as _, Registry as _, Span};
use crate::testing::{Answer, ORIGIN, Sim, World, at, signer};

const SECRET: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn act() -> Act<'static> {
    Act {
        by: "olive",
        at: at("2023-01-05T12:00:00Z"),
    }
}

/// Where the databases of a test are.
#[derive(Default)]
struct Place {
    databases: Vec<Database>,
    folders: Vec<TempDir>,
    on_postgres: bool,
}

impl Place {
    async fn empty(&mut self) -> Backend {
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

async fn is_sound(store: &Backend) {
    let signer = signer();
    let ground = Ground {
        log: signer.verifier(),
    };
    let mut snapshot = store.snapshot().await.unwrap();
    let report = fsck(&mut snapshot, ground, &mut |_, _| {}).await.unwrap();
    assert_eq!(report.findings, []);
}

/// A statement that was sent.
struct Sent {
    path: String,
    entry: Entry,
    /// The contribution of a summary.
    power: Option<u32>,
    envelope: Vec<u8>,
    receipts: Vec<String>,
}

/// A server over a failing store, and what its nodes know.
struct Scene {
    world: World,
    /// The same database without faults.
    sound: Backend,
    faults: Faults,
    fault: Fault,
    nodes: usize,
    powers: u32,
    sent: Vec<Sent>,
}

impl Scene {
    async fn new(place: &mut Place, fault: Fault) -> Self {
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
    async fn at_every_call(&mut self, mut act: impl AsyncFnMut(&mut Self)) -> Vec<&'static str> {
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

    /// Sends until the store is not in the way: it is once at most.
    async fn call(&self, call: impl AsyncFn(&World) -> Answer) -> Answer {
        let answer = call(&self.world).await;
        if answer.status.as_u16() < 500 {
            return answer;
        }
        assert_eq!(answer.problem().code, problem::STORAGE.code);
        self.check().await;
        call(&self.world).await
    }

    async fn announce<T>(
        &self,
        say: impl AsyncFn(Announcer<'_, Backend>) -> Result<T, AnnounceError>,
    ) -> T {
        match say(self.world.service.announcer()).await {
            Ok(done) => done,
            Err(AnnounceError::Store(_)) => {
                self.check().await;
                say(self.world.service.announcer()).await.unwrap()
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// A node that no store has heard of.
    fn stranger(&mut self) -> Sim {
        let leps: Vec<_> = Geography::embedded().leps().collect();
        let number = self.nodes;
        self.nodes += 1;
        let code = leps[number].code.as_str();
        let mut sim = Sim::named(&format!("node-{number}"), code, number as u8 + 1);
        sim.quieten();
        sim
    }

    /// A node joins: it is invited, enrols and is approved.
    async fn join(&mut self) -> Sim {
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
    fn seal(&mut self, sim: &mut Sim, kind: Kind) -> usize {
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
            envelope: sealed.envelope().to_vec(),
            receipts: Vec::new(),
        });
        self.sent.len() - 1
    }

    async fn send(&mut self, number: usize) -> StatusCode {
        let sent = &self.sent[number];
        let put = async |world: &World| world.put(&sent.path, &sent.envelope).await;
        let answer = self.call(put).await;
        assert!(answer.status.is_success(), "{}", answer.text());
        self.sent[number].receipts.push(answer.text());
        answer.status
    }

    /// The powers that the national number of starts is made of.
    async fn counted(&self) -> BTreeSet<u32> {
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
    async fn check(&self) {
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
        let mut logged = BTreeSet::new();
        let log = signer();
        for sent in &self.sent {
            let record = sent.entry.to_bytes();
            let places: Vec<_> = (0..leaves.len())
                .filter(|at| leaves[*at] == record)
                .collect();
            assert!(places.len() <= 1, "{} is logged twice", sent.path);
            logged.extend(sent.power.filter(|_| places.len() == 1));
            for receipt in &sent.receipts {
                let held = Receipt::from_text(receipt).check(log.verifier(), &sent.entry);
                let held = held.unwrap();
                assert_eq!(places, [held.index as usize], "{}", sent.path);
                let then = held.checkpoint.unwrap();
                assert_eq!(roots[then.size as usize], then.root, "{}", sent.path);
            }
        }
        assert_eq!(self.counted().await, logged);
        is_sound(&self.sound).await;
    }
}

/// Statements of both kinds, of one node, of several at once, and again.
async fn statements(scene: &mut Scene) {
    for kind in [Kind::LearningSummary, Kind::PracticeEntry] {
        let mut sim = scene.join().await;
        let struck = scene.at_every_call(async |scene| {
            let number = scene.seal(&mut sim, kind);
            scene.send(number).await;
        });
        let struck = struck.await;
        assert!(struck.contains(&"append"), "{struck:?}");
        let struck = scene.at_every_call(async |scene| {
            assert_eq!(scene.send(scene.sent.len() - 1).await, StatusCode::OK);
        });
        let struck = struck.await;
        assert!(struck.contains(&"statement"), "{struck:?}");
    }
    let mut sims = [scene.join().await, scene.join().await, scene.join().await];
    let struck = scene.at_every_call(async |scene| {
        let numbers: Vec<_> = sims
            .iter_mut()
            .map(|sim| scene.seal(sim, Kind::PracticeEntry))
            .collect();
        let sending = numbers.iter().map(|number| {
            let sent = &scene.sent[*number];
            scene.world.put(&sent.path, &sent.envelope)
        });
        let answers = join_all(sending).await;
        // A batch shares its fate. Who was not answered asks again.
        for (number, answer) in numbers.into_iter().zip(answers) {
            if answer.status.is_success() {
                scene.sent[number].receipts.push(answer.text());
            } else {
                assert_eq!(answer.problem().code, problem::STORAGE.code);
                scene.send(number).await;
            }
        }
    });
    assert!(struck.await.contains(&"append"));
}

/// A second statement for a place is refused each time, and kept once.
async fn contradictions(scene: &mut Scene) {
    let mut sim = scene.join().await;
    let number = scene.seal(&mut sim, Kind::PracticeEntry);
    scene.send(number).await;
    let mut twin = Sim::named(sim.slug.as_str(), sim.lep.as_str(), scene.nodes as u8);
    twin.quieten();
    let (path, second) = (twin.path(1), twin.publish(1).1);
    let struck = scene.at_every_call(async |scene| {
        let answer = scene.call(async |world: &World| world.put(&path, second.envelope()).await);
        assert_eq!(answer.await.problem().code, problem::EQUIVOCATION.code);
        let kept = scene.sound.contradictions(&sim.slug).await.unwrap();
        assert_eq!(kept.len(), 1);
    });
    assert!(struck.await.contains(&"keep_evidence"));
}

/// A key that was revoked is revoked once, and nothing of it is taken any more.
async fn revocations(scene: &mut Scene) {
    let struck = scene.at_every_call(async |scene| {
        let mut sim = scene.join().await;
        let revoke = async |log: Announcer<'_, Backend>| {
            log.revoke(&sim.slug, "The disk was stolen.", act()).await
        };
        let stands = scene.announce(revoke).await;
        let sealed = sim.publish(1).1;
        let put = async |world: &World| world.put(&sim.path(1), sealed.envelope()).await;
        let refused = scene.call(put).await;
        assert_eq!(refused.problem().code, problem::REVOKED.code);
        assert_eq!(stands.node.revoked, Some(stands.index));
        let told = scene.sound.announced(&KEY_EVENTS, Span::Newest, 99).await;
        let node = format!("\"{}\"", sim.slug);
        let of_node = |envelope: &[u8]| {
            let unverified = ldsp_protocol::dsse::Unverified::parse(envelope).unwrap();
            String::from_utf8_lossy(unverified.unverified_body()).contains(&node)
        };
        let told = told.unwrap();
        assert_eq!(told.iter().filter(|s| of_node(&s.envelope)).count(), 2);
    });
    let struck = struck.await;
    for method in ["invite", "enrol", "announce", "nodes_named"] {
        assert!(struck.contains(&method), "{struck:?}");
    }
}

/// Whoever reads gets what is there, or is told that it cannot be read: never something else.
async fn reads(scene: &mut Scene) {
    let sent = scene.sent[0].path.clone();
    let bundle = format!("/tile/entries/000.p/{}", scene.sound.size().await.unwrap());
    for path in [
        sent.clone(),
        format!("{sent}/receipt"),
        "/checkpoint".to_owned(),
        bundle,
        "/v1/nodes/node-0".to_owned(),
        "/api/v1/benchmarks".to_owned(),
        "/api/v1/statements".to_owned(),
        "/api/v1/keys".to_owned(),
    ] {
        let sound = scene.world.get(&path).await;
        assert_eq!(sound.status, StatusCode::OK, "{path}: {}", sound.text());
        let struck = scene.at_every_call(async |scene| {
            let answer = scene
                .call(async |world: &World| world.get(&path).await)
                .await;
            assert_eq!(
                (answer.status, &answer.body),
                (sound.status, &sound.body),
                "{path}"
            );
        });
        assert!(!struck.await.is_empty(), "{path} asks nothing of the store");
    }
}

/// A server starts over a store of which each call fails: it says so and states nothing twice.
async fn starts(place: &mut Place, fault: Fault) {
    for passing in 0.. {
        let (sound, faults) = (place.empty().await, Faults::default());
        let store = sound.clone().failing(&faults);
        let signer = signer();
        let start = async || {
            let tree = audited(store.clone(), &signer).await.ok()?;
            let log = Announcer::new(&store, &signer, Standard::current());
            log.settle(act().at).await.ok()?;
            Some(tree)
        };
        faults.set(passing, fault);
        let first = start().await;
        let struck = faults.clear();
        assert_eq!(first.is_none(), struck.is_some(), "{struck:?}");
        let tree = match first {
            Some(tree) => tree,
            None => start().await.expect("a fault strikes once"),
        };
        let standards = Standard::all().len();
        assert_eq!(sound.owns(0, 99).await.unwrap().len(), standards);
        let head = sound.head().await.unwrap();
        assert_eq!(head.edge.size(), standards as u64);
        assert_eq!(Some(tree.checkpoint().await.unwrap()), head.checkpoint);
        is_sound(&sound).await;
        sound.close().await;
        if struck.is_none() {
            assert!(passing >= 5, "a start is {passing} calls only");
            return;
        }
    }
}

/// After all of it a new server finds the log whole, and says the same.
async fn starts_again(scene: Scene) {
    let figures = scene.counted().await;
    let Scene {
        world,
        sound,
        faults,
        fault,
        nodes,
        powers,
        sent,
    } = scene;
    let store = sound.clone().failing(&faults);
    for passing in 0.. {
        faults.set(passing, fault);
        let tree = audited(store.clone(), &signer()).await;
        let struck = faults.clear();
        assert_eq!(tree.is_err(), struck.is_some(), "{struck:?}");
        if struck.is_none() {
            break;
        }
    }
    drop(world);
    let world = World::on(store, tempfile::tempdir().unwrap()).await;
    let mut again = Scene {
        world,
        sound,
        faults,
        fault,
        nodes,
        powers,
        sent,
    };
    assert_eq!(again.counted().await, figures);
    for number in 0..again.sent.len() {
        assert_eq!(again.send(number).await, StatusCode::OK);
    }
    again.check().await;
}

async fn every_call(on_postgres: bool, fault: Fault) {
    let mut place = Place {
        on_postgres,
        ..Place::default()
    };
    starts(&mut place, fault).await;
    let mut scene = Scene::new(&mut place, fault).await;
    statements(&mut scene).await;
    contradictions(&mut scene).await;
    revocations(&mut scene).await;
    reads(&mut scene).await;
    starts_again(scene).await;
}

#[tokio::test]
async fn each_call_of_sqlite_fails_with_nothing_done() {
    every_call(false, Fault::Failed).await;
}

#[tokio::test]
async fn each_call_of_sqlite_fails_after_all_was_done() {
    every_call(false, Fault::FailedButPersisted).await;
}

#[tokio::test]
async fn each_call_of_postgres_fails_with_nothing_done() {
    every_call(true, Fault::Failed).await;
}

#[tokio::test]
async fn each_call_of_postgres_fails_after_all_was_done() {
    every_call(true, Fault::FailedButPersisted).await;
}
