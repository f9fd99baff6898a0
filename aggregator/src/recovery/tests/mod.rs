mod answers;
mod forks;
mod work;

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ldsp_protocol::dsse::{Sealed, Unverified};
use ldsp_protocol::enrolment::{READ_TYPE, ReadBody};
use ldsp_protocol::ids::NodeSlug;
use ldsp_protocol::log::Checkpoint;
use ldsp_protocol::own;
use ldsp_protocol::recovery::{LogState, Run};
use ldsp_protocol::revision::{Named, Withdrawal};
use ldsp_protocol::statement::{Kind, Payload, Statement};
use tempfile::TempDir;

use super::*;
use crate::fsck::{Ground, fsck};
use crate::receive::tests::ingest::refused;
use crate::testing::{Answer, ORIGIN, Sim, World, signer};

/// A leaf as somebody holds it: place, receipt, envelope.
type Held = (u64, String, Vec<u8>);

const ENVELOPE: &str = "application/vnd.dsse+json";

/// Two nodes that published before the backup, and what came after it: a third node, and statements of all.
struct Past {
    sims: Vec<Sim>,
    backup: TempDir,
    lost: TempDir,
    held: Vec<Held>,
    /// The last checkpoint of the log that was lost.
    note: String,
    before: u64,
}

fn copied(from: &TempDir) -> TempDir {
    let to = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(from.path()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.path().join(entry.file_name())).unwrap();
    }
    to
}

async fn publish(world: &World, sim: &mut Sim) -> Answer {
    let (seq, sealed) = sim.publish(5);
    let answer = world.put(&sim.path(seq), sealed.envelope()).await;
    assert_eq!(answer.status.as_u16(), 201, "{}", answer.text());
    answer
}

async fn held(world: &World, node: &NodeSlug, seq: u64) -> Held {
    let path = format!("/v1/nodes/{node}/statements/{seq}");
    let receipt = world.get(&format!("{path}/receipt")).await.text();
    let envelope = world.get(&path).await.body;
    let leaf = ldsp_protocol::log::Proof::parse(&receipt).unwrap().index;
    (leaf, receipt, envelope)
}

async fn past() -> Past {
    let world = World::new().await;
    let mut sims: Vec<Sim> = (0..3).map(Sim::new).collect();
    for sim in &mut sims[..2] {
        world.admit(sim).await;
        publish(&world, sim).await;
    }
    let before = world.service.store.size().await.unwrap();
    let dir = world.crash().await;
    let backup = copied(&dir);
    let world = World::in_dir(dir).await;
    let mut held_leaves = Vec::new();
    publish(&world, &mut sims[0]).await;
    world.admit(&sims[2]).await;
    for at in [2, 1, 0, 2] {
        publish(&world, &mut sims[at]).await;
    }
    for (at, seqs) in [(0, 2..=3), (1, 2..=2), (2, 1..=2)] {
        for seq in seqs {
            held_leaves.push(held(&world, &sims[at].slug, seq).await);
        }
    }
    held_leaves.push(held(&world, &own::name(), 3).await);
    let note = world.get("/checkpoint").await.text();
    Past {
        sims,
        backup,
        lost: world.crash().await,
        held: held_leaves,
        note,
        before,
    }
}

async fn hold(world: &World, sim: &Sim, note: &str) -> Answer {
    let path = format!("/v1/nodes/{}/checkpoint", sim.slug);
    let body = ReadBody {
        schema: 1,
        origin: ORIGIN.into(),
        node: sim.slug.clone(),
        path: path.clone(),
        at: world.service.now(),
    };
    let sealed = Sealed::sign(&sim.key, READ_TYPE, &serde_json::to_vec(&body).unwrap());
    let signed = format!("LDSP {}", BASE64.encode(sealed.envelope()));
    let headers = [
        ("authorization", signed.as_str()),
        ("content-type", "text/plain"),
    ];
    world
        .call(Method::POST, &path, &headers, note.to_owned())
        .await
}

async fn give(world: &World, (leaf, receipt, envelope): &Held) -> Answer {
    let path = format!("/v1/recovery/leaves/{leaf}");
    let receipt = BASE64.encode(receipt);
    let headers = [
        ("content-type", ENVELOPE),
        ("ldsp-receipt", receipt.as_str()),
    ];
    world
        .call(Method::PUT, &path, &headers, envelope.clone())
        .await
}

async fn state(world: &World) -> LogState {
    serde_json::from_slice(&world.get("/v1/recovery").await.body).unwrap()
}

async fn sound(world: &World) {
    let mut snapshot = world.service.store.snapshot().await.unwrap();
    let log = signer();
    let ground = Ground {
        log: log.verifier(),
    };
    let report = fsck(&mut snapshot, ground, &mut |_, _| {}).await.unwrap();
    // The test's worlds enrol without envelopes of their own, which fsck does not ask for.
    assert!(report.is_sound(), "{:?}", report.findings);
}

#[tokio::test]
async fn a_restored_log_gets_every_leaf_back_in_its_place() {
    let past = past().await;
    let figures = |world: World| async move {
        let figures = world.get("/api/v1/benchmarks.csv").await.body;
        (
            figures,
            world.get("/api/v1/statements?limit=100").await.json(),
        )
    };
    let whole = figures(World::in_dir(past.lost).await).await;
    let world = World::in_dir(past.backup).await;
    assert!(
        !state(&world).await.stopped,
        "it does not know that it was restored"
    );

    // A node publishes on, and shows what it holds.
    let mut sims = past.sims;
    let (seq, sealed) = sims[0].publish(5);
    let header = BASE64.encode(&past.note);
    let headers = [
        ("content-type", ENVELOPE),
        ("ldsp-checkpoint", header.as_str()),
    ];
    let (place, envelope) = (sims[0].path(seq), sealed.envelope().to_vec());
    let put = world.call(Method::PUT, &place, &headers, envelope).await;
    refused(&put, 503, "log-behind");
    refused(&world.get("/health/log").await, 503, "log-behind");
    assert_eq!(world.get("/health/ready").await.status.as_u16(), 200);
    let told = state(&world).await;
    assert!(told.stopped && told.missing.len() == 1, "{told:?}");
    assert_eq!((told.size, told.needs), (past.before, past.before + 6));

    // A restart does not forget it, and nothing that is new is taken, from nobody.
    let world = World::in_dir(world.crash().await).await;
    let (_, other) = Sim::new(1).publish(1);
    let twin = world.put(&sims[1].path(2), other.envelope()).await;
    assert!(twin.status.is_client_error() || twin.status.as_u16() == 503);
    assert_eq!(world.service.store.size().await.unwrap(), past.before);

    // The leaves come back in any order, from anybody, some twice.
    for at in [4, 1, 5, 0, 1, 3] {
        let answer = give(&world, &past.held[at]).await;
        assert_eq!(answer.status.as_u16(), 202, "{}", answer.text());
    }
    let (leaf, receipt, envelope) = &past.held[2];
    let wrong = (*leaf, past.held[1].1.clone(), envelope.clone());
    refused(&give(&world, &wrong).await, 422, "receipt");
    let elsewhere = (leaf + 1, receipt.clone(), envelope.clone());
    refused(&give(&world, &elsewhere).await, 422, "misdirected");
    refused(&hold(&world, &sims[0], &past.note).await, 503, "log-behind");
    refused(&hold(&world, &sims[1], &past.note).await, 503, "log-behind");
    assert_eq!(
        state(&world).await.missing,
        [Run {
            first: *leaf,
            last: *leaf
        }]
    );
    give(&world, &past.held[2]).await;
    refused(&hold(&world, &sims[1], "").await, 503, "log-behind");
    // All leaves are back, and with them a node that has to be heard.
    let told = state(&world).await;
    assert!(told.stopped && told.size == told.needs, "{told:?}");
    assert_eq!(
        world.service.recovery().unheard().await.unwrap(),
        [sims[2].slug.clone()]
    );
    assert_eq!(
        hold(&world, &sims[2], &past.note).await.status.as_u16(),
        204
    );
    assert!(!state(&world).await.stopped);
    assert_eq!(
        world.get("/checkpoint").await.text(),
        past.note,
        "to the byte"
    );
    assert_eq!(world.get("/health/log").await.status.as_u16(), 200);
    sound(&world).await;

    // It goes on, and everything is as if nothing had happened.
    let place = sims[0].path(seq);
    let put = world.put(&place, sealed.envelope()).await;
    assert_eq!(put.status.as_u16(), 201, "{}", put.text());
    sound(&world).await;
    assert_eq!(give(&world, &past.held[0]).await.status.as_u16(), 200);
    let restored = past_of(&world, whole.1["items"].as_array().unwrap().len()).await;
    for item in whole.1["items"].as_array().unwrap() {
        assert!(restored.contains(&item["pae"].to_string()));
    }
}

/// A node that was told "behind" here kept its statement until the next round, although nothing stood against it any more.
#[tokio::test]
async fn whoever_brings_the_last_word_is_told_that_the_log_signs_again() {
    let past = past().await;
    let world = World::in_dir(past.backup).await;
    for sim in &past.sims[..2] {
        refused(&hold(&world, sim, &past.note).await, 503, "log-behind");
    }
    for leaf in &past.held {
        assert_eq!(give(&world, leaf).await.status.as_u16(), 202);
    }
    // Everything goes back with this word, but for the third node, which came back with it.
    refused(&hold(&world, &past.sims[0], "").await, 503, "log-behind");
    let last = hold(&world, &past.sims[2], &past.note).await;
    assert_eq!(last.status.as_u16(), 204, "{}", last.text());
    assert!(!state(&world).await.stopped);
}

async fn past_of(world: &World, at_least: usize) -> Vec<String> {
    let page = world.get("/api/v1/statements?limit=100").await.json();
    let items = page["items"].as_array().unwrap().clone();
    assert!(items.len() > at_least);
    items.iter().map(|item| item["pae"].to_string()).collect()
}

#[tokio::test]
async fn without_a_leaf_or_a_node_it_stays_stopped_and_an_operator_may_do_without_the_node_only() {
    let past = past().await;
    let world = World::in_dir(past.backup).await;
    let now = world.service.now();
    assert!(world.service.recovery().begin("op", now).await.unwrap());
    // Nobody has shown anything yet, and nothing is taken.
    let mut sims = past.sims;
    let (seq, sealed) = sims[1].publish(5);
    assert_eq!(seq, 3);
    assert_eq!(
        hold(&world, &sims[0], &past.note).await.status.as_u16(),
        503
    );
    for leaf in past.held.iter().filter(|leaf| leaf.0 != past.held[5].0) {
        give(&world, leaf).await;
    }
    let recovery = world.service.recovery();
    assert_eq!(
        recovery.go_on("op", "It is gone.", now).await.unwrap(),
        Progress::Incomplete
    );
    let missing = Run {
        first: past.held[5].0,
        last: past.held[5].0,
    };
    assert_eq!(
        state(&world).await.missing,
        [missing],
        "the log's own statement"
    );
    give(&world, &past.held[5]).await;
    // The decision holds for those that were known; a node that came back is asked again.
    let done = recovery.advance(now).await.unwrap();
    assert_eq!(done, Progress::Unheard(vec![sims[2].slug.clone()]));
    assert_eq!(
        recovery.go_on("op", "It is gone.", now).await.unwrap(),
        Progress::Signs
    );
    assert_eq!(world.get("/checkpoint").await.text(), past.note);
    let put = world.put(&sims[1].path(seq), sealed.envelope()).await;
    assert_eq!(put.status.as_u16(), 201, "{}", put.text());
    sound(&world).await;
}

#[tokio::test]
async fn what_the_log_never_signed_changes_nothing() {
    let past = past().await;
    let world = World::in_dir(past.backup).await;
    let strange = Checkpoint::claimed(&past.note).unwrap();
    let foreign = strange
        .sign(&ed25519_dalek::SigningKey::from_bytes(&[3; 32]))
        .unwrap();
    for note in ["", "nonsense", "a\nb\nc\n\n", foreign.as_str()] {
        let answer = hold(&world, &past.sims[0], note).await;
        assert_eq!(answer.status.as_u16(), 204, "{note}: {}", answer.text());
    }
    let present = world.get("/checkpoint").await.text();
    assert_eq!(
        hold(&world, &past.sims[0], &present).await.status.as_u16(),
        204
    );
    assert!(!state(&world).await.stopped);
    // Who does not sign is told of a checkpoint that counts all the same.
    let path = format!("/v1/nodes/{}/checkpoint", past.sims[0].slug);
    let unsigned = world.call(Method::POST, &path, &[], present).await;
    refused(&unsigned, 401, "read");
    let unsigned = world
        .call(Method::POST, &path, &[], past.note.clone())
        .await;
    refused(&unsigned, 503, "log-behind");
    assert_eq!(world.service.recovery().unheard().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_leaf_whose_own_receipt_nobody_got_comes_back_from_its_node() {
    let past = past().await;
    let world = World::in_dir(past.backup).await;
    let now = world.service.now();
    world.service.recovery().begin("op", now).await.unwrap();
    // The answer to the second node's statement was lost; receipts of leaves behind it cover it.
    let mut sims = past.sims;
    let (lost, _, envelope) = past.held[2].clone();
    for leaf in past.held.iter().filter(|leaf| leaf.0 != lost) {
        assert_eq!(give(&world, leaf).await.status.as_u16(), 202);
    }
    refused(&hold(&world, &sims[0], &past.note).await, 503, "log-behind");
    refused(&hold(&world, &sims[1], "").await, 503, "log-behind");
    let missing = Run {
        first: lost,
        last: lost,
    };
    assert_eq!(state(&world).await.missing, [missing]);
    assert_eq!(state(&world).await.size, past.before);
    // A statement that never stood in the log is tried there and not taken.
    let (seq, sealed) = sims[0].publish(5);
    let header = BASE64.encode(&past.note);
    let headers = [
        ("content-type", ENVELOPE),
        ("ldsp-checkpoint", header.as_str()),
    ];
    let (place, new) = (sims[0].path(seq), sealed.envelope().to_vec());
    let put = world.call(Method::PUT, &place, &headers, new.clone()).await;
    refused(&put, 503, "log-behind");
    refused(&hold(&world, &sims[0], &past.note).await, 503, "log-behind");
    assert_eq!(state(&world).await.size, past.before);
    // The node has it in its outbox and sends it again.
    let again = world.put(&sims[1].path(2), &envelope).await;
    refused(&again, 503, "log-behind");
    refused(&hold(&world, &sims[1], "").await, 503, "log-behind");
    let last = hold(&world, &sims[2], &past.note).await;
    assert_eq!(last.status.as_u16(), 204, "{}", last.text());
    assert_eq!(world.get("/checkpoint").await.text(), past.note);
    assert_eq!(held(&world, &sims[1].slug, 2).await.0, lost);
    sound(&world).await;
    let put = world.put(&place, &new).await;
    assert_eq!(put.status.as_u16(), 201, "{}", put.text());
}

#[tokio::test]
async fn what_a_returned_withdrawal_takes_away_is_gone_from_the_files() {
    let (world, mut sim) = (World::new().await, Sim::new(0));
    world.admit(&sim).await;
    let (seq, sealed) = sim.publish(60);
    let put = world.put(&sim.path(seq), sealed.envelope()).await;
    assert_eq!(put.status.as_u16(), 201, "{}", put.text());
    let dir = world.crash().await;
    let backup = copied(&dir);
    let world = World::in_dir(dir).await;
    let verified = Unverified::parse(sealed.envelope()).unwrap();
    let verified = verified.verify(&sim.key.verifying_key()).unwrap();
    let Payload::LearningSummary(summary) = Statement::read(&verified).unwrap().payload else {
        panic!("it is a summary");
    };
    let pae = sealed.pae();
    let withdrawal = Withdrawal {
        statement: Named { seq, pae },
        reason: "Published before the area had agreed to it.".into(),
        cells: Some(summary.cells_digest()),
    };
    let by = sim.seal(Kind::Withdrawal, None, withdrawal);
    sim.advance(&by);
    let put = world.put(&sim.path(sim.seq), by.envelope()).await;
    assert_eq!(put.status.as_u16(), 201, "{}", put.text());
    let withdrawn = held(&world, &sim.slug, sim.seq).await;
    let note = world.get("/checkpoint").await.text();
    world.crash().await;

    let envelope = sealed.envelope();
    let part = &envelope[envelope.len() / 2..][..64];
    let is_there = |dir: &std::path::Path| {
        std::fs::read_dir(dir).unwrap().any(|file| {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            bytes.windows(part.len()).any(|window| window == part)
        })
    };
    assert!(is_there(backup.path()));
    let world = World::in_dir(backup).await;
    refused(&hold(&world, &sim, &note).await, 503, "log-behind");
    assert_eq!(give(&world, &withdrawn).await.status.as_u16(), 202);
    let answer = hold(&world, &sim, &note).await;
    assert_eq!(answer.status.as_u16(), 204, "{}", answer.text());
    assert!(!state(&world).await.stopped);
    assert!(!is_there(world.dir.path()), "while the server runs");
}
