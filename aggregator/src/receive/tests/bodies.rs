//! How much of what strangers send is in memory at once.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::{Method, Request, StatusCode};
use futures::stream;
use ldsp_protocol::statement::Kind;
use tokio::sync::oneshot;
use tower::ServiceExt as _;

use super::ingest::refused;
use crate::testing::{Answer, Sim, World};

const ENVELOPE: (&str, &str) = ("content-type", "application/vnd.dsse+json");

/// A body that never ends, and word of when somebody begins to read it.
fn endless() -> (Body, oneshot::Receiver<()>) {
    let (begun, word) = oneshot::channel();
    let mut begun = Some(begun);
    let body = stream::poll_fn(move |_| {
        if let Some(begun) = begun.take() {
            begun.send(()).expect("the test waits for word");
        }
        std::task::Poll::<Option<Result<Bytes, axum::Error>>>::Pending
    });
    (Body::from_stream(body), word)
}

#[tokio::test]
async fn who_may_not_publish_is_refused_before_the_body_is_read() {
    let world = World::new().await;
    let sim = Sim::new(0);
    let unread = async |status, code| {
        let read = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&read);
        let body = stream::once(async move {
            seen.store(true, Ordering::Relaxed);
            Ok::<_, axum::Error>(Bytes::from_static(&[b' '; 65_536]))
        });
        let body = Body::from_stream(body);
        let answer = world
            .call(Method::PUT, &sim.path(1), &[ENVELOPE], body)
            .await;
        refused(&answer, status, code);
        assert!(!read.load(Ordering::Relaxed), "{code}");
    };
    unread(404, "unknown-node").await;
    crate::testing::invited(&world.service.store, &sim).await;
    unread(403, "not-active").await;
}

#[tokio::test]
async fn a_request_to_enrol_is_small() {
    let world = World::new().await;
    let secret = format!("Bearer {}", "0".repeat(64));
    let headers = [ENVELOPE, ("authorization", secret.as_str())];
    let enrol = async |bytes: usize| -> Answer {
        let body = vec![b' '; bytes];
        world
            .call(Method::POST, "/v1/enrolments", &headers, body)
            .await
    };
    refused(&enrol(65_537).await, 413, "too-large");
    refused(&enrol(65_536).await, 400, "envelope");
}

#[tokio::test]
async fn large_bodies_wait_for_their_turn_and_small_ones_pass_them() {
    let world = World::new().await;
    let sim = Sim::new(0);
    world.admit(&sim).await;
    let large = |address: [u8; 4]| {
        let (body, begun) = endless();
        let peer = SocketAddr::from((address, 443));
        let request = Request::put(sim.path(1))
            .header(ENVELOPE.0, ENVELOPE.1)
            .extension(ConnectInfo(peer));
        let request = request.body(body).unwrap();
        (world.router.clone().oneshot(request), begun)
    };
    let mut held = Vec::new();
    for _ in 0..4 {
        let (answer, begun) = large([192, 0, 2, 1]);
        held.push(tokio::spawn(answer));
        begun.await.unwrap();
    }
    let (fifth, mut begun) = large([192, 0, 2, 1]);
    let mut fifth = pin!(fifth);
    let entry = super::practice::entry("E37000001");
    let sealed = sim.seal(Kind::PracticeEntry, None, entry);
    let length = sealed.envelope().len().to_string();
    let headers = [ENVELOPE, ("content-length", length.as_str())];
    let path = sim.path(1);
    let passes = world.call(Method::PUT, &path, &headers, sealed.envelope().to_vec());
    tokio::select! {
        _ = &mut fifth => panic!("its body never ends"),
        answer = passes => assert_eq!(answer.status, StatusCode::CREATED),
    }
    assert!(
        begun.try_recv().is_err(),
        "its address has four bodies in memory"
    );
    let (other, elsewhere) = large([192, 0, 2, 2]);
    tokio::spawn(other);
    elsewhere.await.unwrap();
    held.pop().unwrap().abort();
    tokio::select! {
        _ = &mut fifth => panic!("its body never ends"),
        read = begun => read.unwrap(),
    }
}
