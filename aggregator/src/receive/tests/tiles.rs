//! The log as files, and the log's own statements.

use axum::http::{Method, StatusCode};
use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::keys::key_id;
use ldsp_protocol::log::{Checkpoint, ENTRY_LEN, Entry, Proof, Tile};
use ldsp_protocol::statement::Kind;

use super::ingest::refused;
use crate::store::{Log as _, OwnEffect, Turn, own};
use crate::testing::{Sim, World, at};

async fn published(n: usize) -> (World, Sim) {
    let world = World::new().await;
    let mut sim = Sim::new(0);
    world.admit(&sim).await;
    for _ in 0..n {
        let (seq, sealed) = sim.publish(3);
        let answer = world.put(&sim.path(seq), sealed.envelope()).await;
        assert_eq!(answer.status, StatusCode::CREATED);
    }
    (world, sim)
}

#[tokio::test]
async fn the_log_is_served_as_files() {
    let (world, sim) = published(0).await;
    let log = world.service.signer.verifier().clone();
    let empty = world.get("/checkpoint").await;
    assert_eq!(Checkpoint::open(&log, &empty.text()).unwrap().size, 0);
    drop(world);
    drop(sim);
    let (world, sim) = published(3).await;
    let answer = world.get("/checkpoint").await;
    assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(answer.headers["cache-control"], "no-cache");
    assert_eq!(answer.headers["access-control-allow-origin"], "*");
    let tag = answer.headers["etag"].to_str().unwrap().to_owned();
    let same = [("if-none-match", &*tag)];
    let same = world.call(Method::GET, "/checkpoint", &same, "").await;
    assert_eq!(same.status, StatusCode::NOT_MODIFIED);
    let checkpoint = Checkpoint::open(&log, &answer.text()).unwrap();
    assert_eq!(checkpoint.size, 3);

    let hashes = world.get("/tile/0/000.p/3").await;
    assert_eq!(hashes.headers["content-type"], "application/octet-stream");
    assert_eq!(
        hashes.headers["cache-control"],
        "public, max-age=31536000, immutable"
    );
    assert_eq!(hashes.headers["access-control-allow-origin"], "*");
    let bundle = world.get("/tile/entries/000.p/3").await.body;
    let entries: Vec<Entry> = bundle
        .chunks(2 + ENTRY_LEN)
        .map(|entry| {
            assert_eq!(entry[..2], [0, 105]);
            Entry::parse(&entry[2..]).unwrap()
        })
        .collect();
    assert_eq!(entries.len(), 3);
    for (at, entry) in entries.iter().enumerate() {
        assert_eq!(entry.leaf_hash().as_bytes(), &hashes.body[32 * at..][..32]);
        assert_eq!((&entry.node, entry.seq), (&sim.slug, at as u64 + 1));
        let receipt = format!("{}/receipt", sim.path(entry.seq));
        let proof = Proof::parse(&world.get(&receipt).await.text()).unwrap();
        assert_eq!(proof.verify(&log, entry), Ok(checkpoint.clone()));
    }
    // A tile that was narrower once is served as it was.
    let narrower = world.get("/tile/0/000.p/2").await.body;
    assert_eq!(narrower, hashes.body[..64]);
}

#[tokio::test]
async fn addresses_that_name_no_tile_are_not_found() {
    let (world, _) = published(1).await;
    for path in [
        "/tile/0/000",
        "/tile/0/000.p/2",
        "/tile/0/001.p/1",
        "/tile/1/000.p/1",
        "/tile/entries/000",
        "/tile/8/000",
        "/tile/0/0",
        "/tile/0/x000/000",
        "/tile/0/000.p/0",
        "/tile/x/000",
        "/tile/7/x999/x999/x999/x999/x999/999.p/255",
        "/tile/0/x281/x474/x976/x710/654",
    ] {
        refused(&world.get(path).await, 404, "not-found");
    }
    for path in Tile::of_tree(1).map(|tile| format!("/{tile}")) {
        assert_eq!(world.get(&path).await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn what_the_log_states_itself_is_served_as_what_nodes_state() {
    let (world, mut sim) = published(1).await;
    let service = &world.service;
    let effect = OwnEffect::Revoke {
        node: sim.slug.clone(),
        key_id: key_id(&sim.key.verifying_key()),
    };
    let body = |turn: &Turn| format!("{{\"seq\":{}}}", turn.seq).into_bytes();
    let announced = service
        .signer
        .announce(
            &service.store,
            Kind::PracticeEntry,
            &effect,
            body,
            at("2023-01-05T12:00:00Z"),
        )
        .await
        .unwrap();
    assert_eq!(announced.turn.index, 1);
    // Another process wrote it, as far as this one's tree knows.
    let path = format!("/v1/nodes/{}/statements/1", own());
    let receipt = world.get(&format!("{path}/receipt")).await;
    let envelope = world.get(&path).await;
    let verified = Unverified::parse(&envelope.body).unwrap();
    let verified = verified.verify(service.signer.verifier().key()).unwrap();
    assert_eq!(verified.body(), b"{\"seq\":1}");
    let entry = service.store.own(1).await.unwrap().unwrap().entry();
    assert_eq!(entry.pae, verified.pae());
    let proof = Proof::parse(&receipt.text()).unwrap();
    let checkpoint = proof.verify(service.signer.verifier(), &entry).unwrap();
    assert_eq!((proof.index, checkpoint.size), (1, 2));
    for path in [
        "/v1/nodes/aggregator/statements/2",
        "/v1/nodes/aggregator/statements/2/receipt",
    ] {
        refused(&world.get(path).await, 404, "not-found");
    }
    let (seq, late) = sim.publish(3);
    let answer = world.put(&sim.path(seq), late.envelope()).await;
    refused(&answer, 403, "key-revoked");
    assert!(answer.problem().detail.contains("Statement 1 of the log"));
}
