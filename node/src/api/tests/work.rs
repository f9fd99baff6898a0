//! Work that programs do not wait for.

use super::*;
use crate::testing::dump;

const LEARNERS: &str = "/api/v1/imports/learners";

async fn begun(world: &World, path: &str, file: &str) -> Reply {
    let request = from("ann", Method::POST, path)
        .header(header::CONTENT_TYPE, "text/csv")
        .header("prefer", "handling=lenient, Respond-Async; foo");
    let reply = send(world, request, file.to_owned()).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED, "{}", reply.text());
    assert_eq!(reply.headers["preference-applied"], "respond-async");
    reply
}

/// Asks until it has ended.
async fn ended(world: &World, address: &str) -> Value {
    loop {
        let reply = get(world, "ann", address).await;
        let shown = reply.json();
        if shown["state"] != "running" && shown["state"] != "storing" {
            return shown;
        }
        assert_eq!(reply.header(header::RETRY_AFTER), "1");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_import_is_begun_watched_and_done() {
    let world = world().await.with_everybody().await;
    let writing = world.node.store.write().await.unwrap();
    let reply = begun(&world, "/api/v1/imports/programmes", PROGRAMMES).await;
    let address = reply.header(header::LOCATION);
    let shown = get(&world, "ann", address).await.json();
    assert_eq!(
        (&shown["state"], &shown["kind"]),
        (&"running".into(), &"programmes".into())
    );
    assert_eq!(reply.json()["id"], shown["id"]);
    // Another one waits for its turn, and can be cancelled meanwhile.
    let second = begun(&world, LEARNERS, &learners()).await;
    let second = second.header(header::LOCATION);
    assert_eq!(get(&world, "ann", second).await.json()["state"], "running");
    send(&world, from("ann", Method::DELETE, second), "").await;
    assert_eq!(ended(&world, second).await["state"], "cancelled");
    get(&world, "pam", address).await.is(problem::NOT_FOUND);
    get(&world, "bob", address).await.is(problem::ROLE);
    drop(writing);
    let done = ended(&world, address).await;
    assert_eq!(
        (&done["state"], &done["report"]["added"]),
        (&"done".into(), &1.into()),
        "{done:#}"
    );
    assert!(done["phase"].is_null() && done["problem"].is_null());
    let bad = learners().replacen("female", "Canary Person", 1);
    let reply = begun(&world, LEARNERS, &bad).await;
    let refused = ended(&world, reply.header(header::LOCATION)).await;
    assert_eq!(refused["state"], "refused");
    assert_eq!(refused["report"]["problems"]["total"], 1);
    assert!(!refused.to_string().contains("Canary"));
    assert_eq!(world.uploads_left(), 0);
}

#[tokio::test]
async fn cancelled_it_leaves_nothing_and_afterwards_it_is_too_late() {
    let world = world().await;
    upload(&world, "/api/v1/imports/programmes", PROGRAMMES).await;
    let before = dump(&world.node.store).await;
    let writing = world.node.store.write().await.unwrap();
    let reply = begun(&world, LEARNERS, &learners()).await;
    let address = reply.header(header::LOCATION);
    let delete = || send(&world, from("ann", Method::DELETE, address), "");
    let cancelled = delete().await;
    assert_eq!(cancelled.status, StatusCode::OK);
    assert_eq!(cancelled.json()["state"], "cancelled");
    drop(writing);
    assert_eq!(dump(&world.node.store).await, before);
    assert_eq!(delete().await.json()["state"], "cancelled");

    let request = from("ann", Method::POST, "/api/v1/releases")
        .header(header::CONTENT_TYPE, "application/json")
        .header("prefer", "respond-async");
    upload(&world, LEARNERS, &learners()).await;
    let reply = send(
        &world,
        request,
        r#"{"period": "2022-01", "first": "2022-01"}"#,
    )
    .await;
    assert_eq!(reply.status, StatusCode::ACCEPTED, "{}", reply.text());
    let address = reply.header(header::LOCATION);
    let done = ended(&world, address).await;
    assert_eq!(
        (&done["state"], &done["period"]),
        (&"done".into(), &"2022-01".into()),
        "{done:#}"
    );
    let late = send(&world, from("ann", Method::DELETE, address), "").await;
    assert_eq!(late.json()["state"], "done", "it was stored already");
    let early = r#"{"period": "2022-09"}"#;
    let request = from("ann", Method::POST, "/api/v1/releases")
        .header(header::CONTENT_TYPE, "application/json")
        .header("prefer", "respond-async");
    let reply = send(&world, request, early).await;
    let failed = ended(&world, reply.header(header::LOCATION)).await;
    assert_eq!(failed["state"], "failed");
    assert_eq!(failed["problem"]["code"], "release", "{failed:#}");
}
