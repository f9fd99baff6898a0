//! Keys that are added and revoked by leaves: which statements they count for, and what everybody is told.

use axum::http::{Method, StatusCode};
use ldsp_protocol::dsse::{Sealed, Unverified};
use ldsp_protocol::enrolment::NodeState;
use ldsp_protocol::ids::Digest;
use ldsp_protocol::keys::key_id;
use ldsp_protocol::log::Proof;
use ldsp_protocol::own::{Keys, Own, OwnStatement, PayloadError};
use ldsp_protocol::statement::{Body, Kind};
use serde_json::Value;

use super::ingest::refused;
use super::practice::entry;
use crate::announce::{Act, AnnounceError, Stands, read};
use crate::store::{Conflict, Log as _, Registry as _, Rollups as _, StoreError};
use crate::testing::{Sim, World, admit, at, invited};
use crate::verify::{self, Address, Authentic};

const REASON: &str = "The server was stolen.";

fn act(by: &'static str) -> Act<'static> {
    Act {
        by,
        at: at("2023-01-05T12:00:00Z"),
    }
}

async fn revoke(world: &World, sim: &Sim) -> Stands {
    let announcer = world.service.announcer();
    announcer
        .revoke(&sim.slug, REASON, act("olive"))
        .await
        .unwrap()
}

/// Everything of a node that a statement could change.
async fn trace(world: &World, sim: &Sim) -> String {
    let store = &world.service.store;
    format!(
        "{:?} {:?} {:?} {:?} {:?}",
        store.size().await.unwrap(),
        store.node(&sim.slug).await.unwrap(),
        store.statements(0, 99).await.unwrap().len(),
        store.contradictions(&sim.slug).await.unwrap(),
        store.national().await.unwrap(),
    )
}

#[tokio::test]
async fn a_revoked_key_adds_nothing_and_what_stands_stays() {
    let world = World::new().await;
    let mut sim = Sim::new(0);
    world.admit(&sim).await;
    let (_, first) = sim.publish(20);
    let taken = world.put(&sim.path(1), first.envelope()).await;
    assert_eq!(taken.status, StatusCode::CREATED);
    let figures = world.service.snapshot().await.unwrap().national().to_vec();
    let stands = revoke(&world, &sim).await;
    assert_eq!((stands.index, stands.new), (2, true));
    let before = trace(&world, &sim).await;

    let (_, next) = sim.publish(20);
    let late = sim.seal(Kind::PracticeEntry, None, entry("E37000001"));
    let mut twin = Sim::new(0);
    let other = twin.seal(Kind::PracticeEntry, None, entry("E37000001"));
    twin.advance(&other);
    for (seq, sealed) in [(2, &next), (3, &late), (9, &late), (1, &other)] {
        let answer = world.put(&sim.path(seq), sealed.envelope()).await;
        if seq == 9 {
            refused(&answer, 422, "misdirected");
        } else {
            refused(&answer, 403, "key-revoked");
            assert!(answer.problem().detail.contains("2"), "{}", answer.text());
        }
    }
    assert_eq!(trace(&world, &sim).await, before, "nothing of it is stored");
    // Whoever lost the answer to what counted still gets its receipt.
    let again = world.put(&sim.path(1), first.envelope()).await;
    assert_eq!(again.status, StatusCode::OK, "{}", again.text());
    assert_eq!(Proof::parse(&again.text()).unwrap().index, 1);
    let after = world.service.snapshot().await.unwrap();
    assert_eq!(after.national(), figures, "no figure changes");
    let record = world.get("/v1/nodes/black-country").await.json();
    assert_eq!(
        (&record["state"], &record["revoked_from"]),
        (&"revoked".into(), &2.into())
    );
    let listed = world.get("/api/v1/nodes?state=revoked").await.json();
    assert_eq!(listed["items"][0]["node"], "black-country");
    assert_eq!(
        world.get("/api/v1/nodes?state=active").await.json()["items"],
        Value::Array(vec![])
    );
}

/// The statement passed every check and waits for its turn while the key is revoked: the order of the log decides.
#[tokio::test]
async fn a_statement_that_was_queued_before_the_revocation_is_refused_after_it() {
    let world = World::new().await;
    let mut sims = [Sim::new(0), Sim::new(1)];
    let mut waiting = Vec::new();
    for sim in &mut sims {
        world.admit(sim).await;
        let sealed = sim.seal(Kind::PracticeEntry, None, entry(sim.lep.as_str()));
        let node = world.service.store.node(&sim.slug).await.unwrap().unwrap();
        let address = Address {
            node: sim.slug.clone(),
            seq: 1,
        };
        let unverified = verify::parse(sealed.envelope()).unwrap();
        let authentic = Authentic::new(unverified, &address, node, "log.example").unwrap();
        let now = world.service.now();
        waiting.push(
            authentic
                .accept(crate::verify::Known::default(), now)
                .unwrap(),
        );
    }
    revoke(&world, &sims[0]).await;
    let before = trace(&world, &sims[0]).await;
    let other = waiting.pop().unwrap();
    let problem = world.service.sequencer.log(waiting.pop().unwrap()).await;
    assert_eq!(problem.unwrap_err().code, "key-revoked");
    assert_eq!(trace(&world, &sims[0]).await, before);
    let logged = world.service.sequencer.log(other).await.unwrap();
    assert_eq!((logged.index, logged.new), (3, true));
}

#[tokio::test]
async fn an_approval_counts_once_however_often_it_is_given() {
    let world = World::new().await;
    let (sim, store) = (Sim::new(0), &world.service.store);
    let id = key_id(&sim.key.verifying_key());
    let announcer = world.service.announcer();
    let approve = |by| announcer.approve(&sim.slug, id, act(by));
    let missing = approve("olive").await.unwrap_err();
    assert!(matches!(
        missing,
        AnnounceError::Store(StoreError::Conflict(Conflict::NoNode))
    ));
    invited(store, &sim).await;
    let other = announcer
        .approve(&sim.slug, Digest::ZERO, act("olive"))
        .await;
    assert!(matches!(
        other,
        Err(AnnounceError::Store(StoreError::Conflict(
            Conflict::OtherKey
        )))
    ));
    assert_eq!(store.size().await.unwrap(), 0);
    let (a, b, c) = tokio::join!(approve("olive"), approve("oscar"), approve("olive"));
    let all = [a, b, c].map(Result::unwrap);
    assert_eq!(all.iter().filter(|stands| stands.new).count(), 1);
    let again = approve("oscar").await.unwrap();
    assert!(all.iter().all(|stands| stands.index == 0) && !again.new);
    assert_eq!(store.size().await.unwrap(), 1);
    let (first, twice) = (revoke(&world, &sim).await, revoke(&world, &sim).await);
    assert_eq!((first.index, first.new), (1, true));
    assert_eq!((twice.index, twice.new), (1, false));
    assert_eq!(store.size().await.unwrap(), 2);
    // A key that was revoked is never approved again.
    assert!(approve("olive").await.is_err());
    for (reason, cause) in [
        ("", PayloadError::Reason),
        ("two\nlines", PayloadError::Reason),
    ] {
        match announcer.revoke(&sim.slug, reason, act("olive")).await {
            Err(AnnounceError::Payload(found)) => assert_eq!(found, cause),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn what_only_the_log_may_say_is_refused_from_a_node() {
    let world = World::new().await;
    let sim = Sim::new(0);
    world.admit(&sim).await;
    let own = world.service.store.owns(0, 1).await.unwrap().remove(0);
    let Own::KeyAdd(add) = read(&own).unwrap().payload else {
        panic!("the key was added");
    };
    let sealed = sim.seal(Kind::KeyAdd, None, add);
    refused(
        &world.put(&sim.path(1), sealed.envelope()).await,
        422,
        "statement",
    );
    // The log's own statements are not taken at the door either, and nobody reads as the log.
    let path = "/v1/nodes/aggregator/statements/2";
    refused(&world.put(path, &own.envelope).await, 404, "unknown-node");
    assert_eq!(world.service.store.size().await.unwrap(), 1);
}

#[tokio::test]
async fn a_log_of_before_states_its_standard_and_its_keys_once() {
    let world = World::new().await;
    let store = &world.service.store;
    let (mut one, two, waiting) = (Sim::new(0), Sim::new(1), Sim::new(2));
    admit(store, &one).await;
    admit(store, &two).await;
    invited(store, &waiting).await;
    for _ in 0..2 {
        let (seq, sealed) = one.publish(5);
        let answer = world.put(&one.path(seq), sealed.envelope()).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    }
    let announcer = world.service.announcer();
    for _ in 0..2 {
        announcer.settle(world.service.now()).await.unwrap();
        assert_eq!(store.size().await.unwrap(), 6);
    }
    let own = store.owns(0, 9).await.unwrap();
    let kinds: Vec<Kind> = own.iter().map(|s| s.kind).collect();
    let (standard, key) = (Kind::Standard, Kind::KeyAdd);
    assert_eq!(kinds, [standard, standard, key, key]);
    let mut keys = Keys::default();
    for statement in &own {
        keys.take(statement.index, &read(statement).unwrap().payload)
            .unwrap();
    }
    let [first, second] = [&one, &two].map(|sim| key_id(&sim.key.verifying_key()));
    // Its statements stand before the statement of its key; those of the other would stand behind.
    assert!(keys.count(&one.slug, first, 0) && keys.count(&one.slug, first, 1));
    assert!(!keys.count(&two.slug, second, 4) && keys.count(&two.slug, second, 5));
    let (seq, sealed) = one.publish(5);
    let answer = world.put(&one.path(seq), sealed.envelope()).await;
    assert_eq!(Proof::parse(&answer.text()).unwrap().index, 6);
    world.admit_waiting(&waiting).await;
    announcer.settle(world.service.now()).await.unwrap();
    assert_eq!(store.size().await.unwrap(), 8);
}

#[tokio::test]
async fn key_events_are_listed_and_verify_with_the_logs_key() {
    let world = World::new().await;
    let mut sims = [Sim::new(0), Sim::new(1), Sim::new(2)];
    for sim in &mut sims {
        world.admit(sim).await;
        let (_, sealed) = sim.publish(5);
        world.put(&sim.path(1), sealed.envelope()).await;
    }
    revoke(&world, &sims[1]).await;
    let first = world.get("/api/v1/keys?limit=3").await.json();
    let next = first["next"].as_str().unwrap();
    let rest = world.get(next).await.json();
    assert_eq!(rest["next"], Value::Null);
    let page = |page: &Value| page["items"].as_array().unwrap().clone();
    let events = [page(&first), page(&rest)].concat();
    let places: Vec<u64> = events
        .iter()
        .map(|e| e["index"].as_u64().unwrap())
        .collect();
    assert_eq!(places, [6, 4, 2, 0], "newest first");
    assert_eq!(events[0]["kind"], "key-revoke");
    assert_eq!(events[0]["reason"], REASON);
    assert_eq!(
        (&events[0]["by"], &events[0]["from"]),
        (&"olive".into(), &6.into())
    );
    assert_eq!(
        events[3]["public_key"],
        hex::encode(sims[0].key.verifying_key().as_bytes())
    );
    assert_eq!(events[3]["reason"], Value::Null);
    let log = world.service.signer.verifier();
    let mut keys = Keys::default();
    for event in events.iter().rev() {
        let (index, envelope) = (event["index"].as_u64().unwrap(), event["envelope"].as_str());
        let envelope = world.get(envelope.unwrap()).await.body;
        let verified = Unverified::parse(&envelope)
            .unwrap()
            .verify(log.key())
            .unwrap();
        assert_eq!(event["pae"], verified.pae().to_string());
        let own = OwnStatement::read(&verified).unwrap();
        keys.take(index, &own.payload).unwrap();
        let entry = world
            .service
            .store
            .own(own.seq)
            .await
            .unwrap()
            .unwrap()
            .entry();
        let receipt = world.get(event["receipt"].as_str().unwrap()).await.text();
        let proof = Proof::parse(&receipt).unwrap();
        assert_eq!(proof.index, index);
        assert!(proof.verify(log, &entry).unwrap().size > index);
    }
    for statement in world.service.store.statements(0, 9).await.unwrap() {
        assert!(keys.count(&statement.node, statement.key_id, statement.index));
    }
    let revoked = key_id(&sims[1].key.verifying_key());
    assert!(!keys.count(&sims[1].slug, revoked, 6));
    let foreign = next.replace("/api/v1/keys?", "/api/v1/nodes?");
    refused(&world.get(&foreign).await, 404, "cursor");
    refused(
        &world.get("/api/v1/keys?node=solent").await,
        400,
        "parameter",
    );
}

/// A key in other hands must not read what is for enrolled nodes either.
#[tokio::test]
async fn a_revoked_node_reads_as_the_public_does() {
    let world = World::new().await;
    let sim = Sim::new(0);
    world.admit(&sim).await;
    let read = async || {
        let body = serde_json::json!({"schema": 1, "origin": "log.example", "node": sim.slug,
            "path": "/v1/practice", "at": world.service.now()});
        let sealed = Sealed::sign(
            &sim.key,
            ldsp_protocol::enrolment::READ_TYPE,
            body.to_string().as_bytes(),
        );
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD.encode(sealed.envelope());
        let credential = format!("LDSP {text}");
        let headers = [("authorization", &*credential)];
        world.call(Method::GET, "/v1/practice", &headers, "").await
    };
    assert_eq!(read().await.status, StatusCode::OK);
    let stands = revoke(&world, &sim).await;
    assert_eq!(stands.node.state, NodeState::Revoked);
    refused(&read().await, 401, "read");
}

/// The body of the log's own statements is that of nodes' statements.
#[tokio::test]
async fn the_logs_statements_are_a_chain_of_their_own() {
    let world = World::new().await;
    for number in 0..3 {
        world.admit(&Sim::new(number)).await;
    }
    let mut prev = Digest::ZERO;
    for (seq, statement) in (1..).zip(world.service.store.owns(0, 9).await.unwrap()) {
        let own: Body<Own> = read(&statement).unwrap();
        assert_eq!((own.seq, own.prev, own.period), (seq, prev, None));
        assert_eq!(own.origin, "log.example");
        assert!(own.payload.fits(statement.index));
        prev = statement.pae;
    }
}
