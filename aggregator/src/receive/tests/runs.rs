//! Benchmark runs as programs read them.

use axum::http::StatusCode;
use ldsp_protocol::benchmark::Measure;
use ldsp_protocol::dsse::Unverified;
use serde_json::Value;

use crate::runs;
use crate::testing::{Sim, World};

const PATH: &str = "/api/v1/benchmark-runs";

#[tokio::test]
async fn runs_are_listed_newest_first_and_their_figures_given_digit_for_digit() {
    let (world, mut sim) = (World::new().await, Sim::new(0));
    world.admit(&sim).await;
    assert_eq!(world.get(PATH).await.json()["items"], Value::Array(vec![]));
    let mut places = Vec::new();
    for _ in 0..2 {
        let (seq, sealed) = sim.publish(90);
        let taken = world.put(&sim.path(seq), sealed.envelope()).await;
        assert!(taken.status.is_success(), "{}", taken.text());
        let service = &world.service;
        let made = runs::make(&service.announcer(), service.now())
            .await
            .unwrap();
        places.push(made.run.unwrap().index);
    }
    let first = world.get(&format!("{PATH}?limit=1")).await.json();
    assert_eq!(first["items"][0]["index"], places[1]);
    let second = world.get(first["next"].as_str().unwrap()).await.json();
    assert_eq!(
        (&second["items"][0]["index"], &second["next"]),
        (&places[0].into(), &Value::Null)
    );
    let run = world.get(&format!("{PATH}/{}", places[1])).await.json();
    assert_eq!(run, first["items"][0]);
    let findings = run["findings"].as_array().unwrap();
    assert_eq!(findings.len(), Measure::ALL.len());
    for finding in findings {
        let read = async |what: &str| world.get(finding[what].as_str().unwrap()).await;
        let (figures, envelope) = (read("figures").await, read("envelope").await);
        assert_eq!(figures.headers["content-type"], "application/json");
        let envelope = Unverified::parse(&envelope.body).unwrap();
        assert_eq!(finding["pae"], envelope.unverified_pae().to_string());
        let body = std::str::from_utf8(envelope.unverified_body()).unwrap();
        assert!(body.ends_with(&format!("\"payload\":{}}}", figures.text())));
        assert_eq!(figures.json()["stands_on"], run["stands_on"]);
        assert_eq!(read("receipt").await.status, StatusCode::OK);
    }
    let one = places[1];
    for gone in [
        format!("{PATH}/{}", one - 1),
        format!("{PATH}/0"),
        format!("{PATH}/{one}/findings/poems"),
    ] {
        let problem = world.get(&gone).await.problem();
        assert_eq!(
            (problem.status, problem.code.as_str()),
            (404, "not-found"),
            "{gone}"
        );
    }
}
