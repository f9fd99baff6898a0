//! A node whose clock is a day off: what is refused says so, and what was refused is taken once the clocks agree.

use axum::http::StatusCode;
use jiff::ToSpan as _;

use super::practice::signed;
use crate::store::Log;
use crate::testing::{Sim, World, at};

#[tokio::test]
async fn a_signed_read_says_how_far_and_which_way_the_clock_is_off() {
    let world = World::new().await;
    let sim = Sim::new(0);
    world.admit(&sim).await;
    let now = *world.now.lock().unwrap();
    let path = "/v1/practice";
    for (clock, words) in [
        (now + 24.hours(), "1440 minutes ahead of"),
        (now - 24.hours(), "1440 minutes behind"),
    ] {
        let refused = signed(&world, &sim, path, path, clock).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        assert_eq!(refused.problem().code, "read");
        assert!(
            refused.problem().detail.contains(words),
            "{}",
            refused.text()
        );
        assert!(
            refused.problem().next.contains("clock"),
            "{}",
            refused.text()
        );
    }
    let right = signed(&world, &sim, path, path, now + 4.minutes()).await;
    assert_eq!(right.status, StatusCode::OK, "{}", right.text());
}

#[tokio::test]
async fn a_month_that_only_one_side_thinks_has_ended_is_taken_when_both_do() {
    let world = World::new().await;
    let mut sim = Sim::new(0);
    world.admit(&sim).await;
    // The node's clock is a day ahead: for it, January is over.
    *world.now.lock().unwrap() = at("2022-01-31T12:00:00Z");
    let (seq, sealed) = sim.publish(5);
    let early = world.put(&sim.path(seq), sealed.envelope()).await;
    assert_eq!(early.problem().code, "period", "{}", early.text());
    assert!(
        early.problem().detail.contains("has not ended"),
        "{}",
        early.text()
    );
    assert_eq!(world.service.store.size().await.unwrap(), 1);
    // The same bytes, a day later.
    *world.now.lock().unwrap() = at("2022-02-01T12:00:00Z");
    let taken = world.put(&sim.path(seq), sealed.envelope()).await;
    assert_eq!(taken.status, StatusCode::CREATED, "{}", taken.text());

    // The aggregator's clock a day back again: what is logged stays, and its receipt is given as before.
    *world.now.lock().unwrap() = at("2022-01-31T12:00:00Z");
    let again = world.put(&sim.path(seq), sealed.envelope()).await;
    assert_eq!((again.status, again.body), (StatusCode::OK, taken.body));
}
