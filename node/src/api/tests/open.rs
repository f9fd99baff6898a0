//! What is open to everybody's programs.

use ldsp_protocol::keys::key_id;
use ldsp_protocol::practice::{PracticeEntry, Sharing};
use ldsp_protocol::standard::{STANDARD_V2, Standard};

use super::*;
use crate::practice::{self, TEMPLATE, check_file};
use crate::store::{outbox, proofs};
use crate::testing::at;

const NOW: &str = "2022-03-04T09:00:00Z";

async fn acknowledge(world: &World, seq: u64) {
    let mut tx = world.node.store.write().await.unwrap();
    proofs::keep(&mut tx, seq, "log.example\nreceipt\n", seq, 0)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn the_node_says_who_it_is_and_nothing_secret() {
    let world = world().await;
    let node = get(&world, "", "/v1/node").await.json();
    let key = world.node.signing.verifying_key();
    assert_eq!(node["lep"], "E37000001");
    assert_eq!(node["node"], "black-country");
    assert_eq!(node["origin"], "log.example");
    assert_eq!(node["key_id"], key_id(&key).to_string());
    assert_eq!(node["public_key"], hex::encode(key.as_bytes()));
    assert_eq!(node["standard"], Standard::current().digest().to_string());
    let standard = get(&world, "", "/v1/standard").await;
    assert_eq!(standard.bytes, STANDARD_V2.as_bytes());
    assert_eq!(
        node["standard"],
        ldsp_protocol::ids::Digest::of(&standard.bytes).to_string()
    );
    assert_eq!(standard.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), "*");
    assert_eq!(get(&world, "", "/health/live").await.text(), "live\n");
    assert_eq!(get(&world, "", "/health/ready").await.text(), "ready\n");
    let document = get(&world, "", "/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(
        document["components"]["securitySchemes"]["session"]["name"],
        "__Host-ldsp-test"
    );
}

#[tokio::test]
async fn whoever_holds_the_present_state_is_told_so() {
    let world = world().await;
    world.released().await;
    acknowledge(&world, 1).await;
    for (who, path) in [
        ("", "/v1/node"),
        ("", "/v1/standard"),
        ("", "/openapi.json"),
        ("", "/v1/statements/1"),
        ("", "/v1/statements/1/receipt"),
        ("ann", "/api/v1/releases/2022-01"),
        ("ann", "/api/v1/imports"),
    ] {
        let first = get(&world, who, path).await;
        let tag = first.header(header::ETAG).to_owned();
        assert!(tag.starts_with('"'), "{path}: {tag:?} is a strong tag");
        let head = send(&world, from(who, Method::HEAD, path), "").await;
        assert_eq!(
            (head.header(header::ETAG), head.bytes.len()),
            (tag.as_str(), 0)
        );
        let held = from(who, Method::GET, path).header(header::IF_NONE_MATCH, &tag);
        let held = send(&world, held, "").await;
        assert_eq!(
            (held.status, held.bytes.len()),
            (StatusCode::NOT_MODIFIED, 0),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_statement_is_open_once_the_log_has_it() {
    let world = world().await;
    world.released().await;
    get(&world, "", "/v1/statements/1")
        .await
        .is(problem::NOT_FOUND);
    acknowledge(&world, 1).await;
    let mut reader = world.node.store.reader.acquire().await.unwrap();
    let row = outbox::of(&mut reader, 1).await.unwrap().unwrap();
    let envelope = get(&world, "", "/v1/statements/1").await;
    assert_eq!(envelope.bytes, row.envelope);
    assert_eq!(
        envelope.header(header::CONTENT_TYPE),
        "application/vnd.dsse+json"
    );
    let receipt = get(&world, "", "/v1/statements/1/receipt").await;
    assert_eq!(receipt.text(), row.receipt.unwrap());
}

/// An entry as the template's author would fill it in.
fn entry(world: &World, figures: &practice::OwnFigures) -> PracticeEntry {
    let mut text = TEMPLATE.to_owned();
    for (empty, full) in [
        ("title = \"\"", "title = \"Drop-in\""),
        ("what = \"\"\"\n\"\"\"", "what = \"Weekly sessions.\""),
        ("tier = \"\"", "tier = \"basic\""),
        ("skills = []", "skills = [\"foundation\"]"),
        ("audience = []", "audience = [\"older-people\"]"),
        ("mode = \"\"", "mode = \"online\""),
        ("cost = \"\"", "cost = \"1k-10k\""),
        ("verdict = \"\"", "verdict = \"worked\""),
        ("again = \"\"", "again = \"yes\""),
        ("repeat = \"\"\"\n\"\"\"", "repeat = \"Book a room.\""),
        ("contact_role = \"\"", "contact_role = \"Coordinator\""),
        ("# review = 2027-09-30", "review = 2023-02-01"),
        ("design = \"\"", "design = \"none\""),
        ("participants = \"\"", "participants = \"under-30\""),
        ("attrition = \"\"", "attrition = \"not-known\""),
        ("follow_up = \"\"", "follow_up = \"none\""),
        ("factor = \"\"", "factor = \"staff\""),
        ("direction = \"\"", "direction = \"worked-because\""),
        ("because = \"\"", "because = \"They stayed.\""),
    ] {
        text = text.replacen(empty, full, 1);
    }
    assert_eq!(figures.lep(), &world.node.lep().unwrap());
    check_file(&text, figures, jiff::civil::date(2022, 3, 4)).unwrap()
}

#[tokio::test]
async fn an_entry_for_peers_needs_sign_in_until_its_date() {
    let world = world().await;
    let node = &world.node;
    let figures = node.store.own_figures(&node.lep().unwrap()).await.unwrap();
    let mut written = entry(&world, &figures);
    for (seq, sharing) in [
        (1, Sharing::Public),
        (2, Sharing::PeersUntil(jiff::civil::date(2022, 4, 1))),
        (3, Sharing::PeersUntil(jiff::civil::date(2022, 3, 4))),
    ] {
        written.sharing = sharing;
        let id = node
            .store
            .add_practice(&written, "ann", at(NOW))
            .await
            .unwrap();
        let digest = node.store.practice_entry(id).await.unwrap().unwrap().digest;
        let key = &node.signing;
        let sealed = practice::release(&node.store, key, id, "bob", digest, at(NOW)).await;
        assert_eq!(sealed.unwrap(), seq);
        acknowledge(&world, seq).await;
    }
    for (path, open) in [("1", true), ("2", false), ("2/receipt", false), ("3", true)] {
        let path = format!("/v1/statements/{path}");
        let guest = get(&world, "", &path).await;
        let own = get(&world, "bob", &path).await;
        assert_eq!(own.status, StatusCode::OK, "{path}");
        if open {
            assert_eq!(guest.bytes, own.bytes, "{path}");
        } else {
            guest.is(problem::SIGN_IN);
            assert_eq!(own.header(header::CACHE_CONTROL), "no-store");
            assert_eq!(own.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), "");
        }
    }
    let shown = get(&world, "ann", "/api/v1/practice/2").await.json();
    assert_eq!(shown["entry"]["title"], "Drop-in");
    assert_eq!(
        (&shown["state"], &shown["seq"]),
        (&"released".into(), &2.into())
    );
    let list = get(&world, "ann", "/api/v1/practice").await.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 3);
}
