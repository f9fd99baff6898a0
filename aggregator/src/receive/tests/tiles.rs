//! The log as files, and the log's own statements.

use axum::http::{Method, StatusCode};
use ldsp_protocol::log::{Checkpoint, ENTRY_LEN, Entry, Proof, Tile};
use ldsp_protocol::own;
use ldsp_protocol::statement::Kind;

use super::ingest::refused;
use crate::testing::{Sim, World};

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
    assert_eq!(Checkpoint::open(&log, &empty.text()).unwrap().size, 1);
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
    assert_eq!(checkpoint.size, 4);

    let hashes = world.get("/tile/0/000.p/4").await;
    assert_eq!(hashes.headers["content-type"], "application/octet-stream");
    assert_eq!(
        hashes.headers["cache-control"],
        "public, max-age=31536000, immutable"
    );
    assert_eq!(hashes.headers["access-control-allow-origin"], "*");
    let bundle = world.get("/tile/entries/000.p/4").await.body;
    let entries: Vec<Entry> = bundle
        .chunks(2 + ENTRY_LEN)
        .map(|entry| {
            assert_eq!(entry[..2], [0, 105]);
            Entry::parse(&entry[2..]).unwrap()
        })
        .collect();
    assert_eq!(entries.len(), 4);
    for (at, entry) in entries.iter().enumerate() {
        assert_eq!(entry.leaf_hash().as_bytes(), &hashes.body[32 * at..][..32]);
        let expected = match at {
            0 => (Kind::KeyAdd, own::name(), 1),
            _ => (Kind::LearningSummary, sim.slug.clone(), at as u64),
        };
        assert_eq!((entry.kind, entry.node.clone(), entry.seq), expected);
        let receipt = format!("/v1/nodes/{}/statements/{}/receipt", entry.node, entry.seq);
        let proof = Proof::parse(&world.get(&receipt).await.text()).unwrap();
        assert_eq!(proof.verify(&log, entry), Ok(checkpoint.clone()));
    }
    // A tile that was narrower once is served as it was.
    let narrower = world.get("/tile/0/000.p/2").await.body;
    assert_eq!(narrower, hashes.body[..64]);
}

#[tokio::test]
async fn addresses_that_name_no_tile_are_not_found() {
    let (world, _) = published(0).await;
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
