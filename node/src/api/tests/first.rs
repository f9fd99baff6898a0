//! What a node is asked before its first release: which LEP it is of, and what a month would be.

use super::*;

#[tokio::test]
async fn the_lep_is_told_and_stays_once_something_depends_on_it() {
    let world = world().await.with_everybody().await;
    let seen = get(&world, "vic", "/api/v1/lep").await.json();
    assert_eq!(seen["fixed"], "the node is enrolled with the national log");
    let put = async |who: &str, body: &str| {
        let request =
            from(who, Method::PUT, "/api/v1/lep").header(header::CONTENT_TYPE, "application/json");
        send(&world, request, body.to_owned()).await
    };
    let other = r#"{"lep": "E37000003"}"#;
    put("ann", other).await.is(problem::ROLE);
    put("ada", other).await.is(problem::FORM);
    put("ada", r#"{"lep": "north"}"#).await.is(problem::FORM);
    put("ada", "{}").await.is(problem::REQUEST);
    let clear = "DELETE FROM enrolment";
    let store = &world.node.store;
    sqlx::query(clear).execute(&store.writer).await.unwrap();
    let seen = put("ada", other).await.json();
    assert_eq!(seen["lep"], "E37000003");
    assert_eq!(seen["fixed"], Value::Null);
    let seen = get(&world, "ann", "/api/v1/status").await.json();
    assert_eq!(seen["lep"], "E37000003");
}

#[tokio::test]
async fn a_month_is_previewed_without_being_one() {
    let world = world().await.with_everybody().await;
    upload(&world, "/api/v1/imports/programmes", PROGRAMMES).await;
    upload(&world, "/api/v1/imports/learners", &learners()).await;
    let path = "/api/v1/releases/preview";
    post(&world, "vic", path, r#"{"first": "2022-01"}"#)
        .await
        .is(problem::ROLE);
    post(&world, "ann", path, "{}").await.is(problem::RELEASE);
    let seen = post(&world, "bob", path, r#"{"first": "2022-01"}"#)
        .await
        .json();
    assert_eq!(seen["made_up"], false);
    assert_eq!(seen["families"][0]["counted"], 20);
    assert_eq!(seen["families"][0]["published"], Value::Null);
    assert!(seen["families"][0]["margin_95"].as_f64().unwrap() > 1.0);
    let rules = seen["rules"].as_array().unwrap();
    assert!(rules.len() > 20 && rules.iter().all(|rule| rule["outcome"] == "kept"));
    let none = get(&world, "bob", "/api/v1/releases").await.json();
    assert_eq!(none["items"].as_array().map(Vec::len), Some(0));
}

#[tokio::test]
async fn an_admins_program_enrols_the_node() {
    use ldsp_protocol::enrolment::NodeState;

    use crate::testing::{Mood, invite};

    let world = crate::pages::tests::world_alone()
        .await
        .with_everybody()
        .await;
    world.aggregator.0.lock().unwrap().node = NodeState::Pending;
    let path = "/api/v1/enrolment";
    let seen = get(&world, "vic", path).await.json();
    assert_eq!(
        (&seen["state"], &seen["node"]),
        (&"not-enrolled".into(), &Value::Null)
    );
    let seen = post(&world, "ada", "/api/v1/enrolment/ask", "")
        .await
        .json();
    assert_eq!(seen["state"], "not-enrolled");
    let sent = serde_json::to_string(&invite()).unwrap();
    post(&world, "ann", path, &sent).await.is(problem::ROLE);
    post(&world, "ada", path, "{}").await.is(problem::REQUEST);
    let other = sent.replace("E37000001", "E37000002");
    let refused = post(&world, "ada", path, &other)
        .await
        .is(problem::ENROLMENT);
    assert_eq!(refused["reason"], "invite-lep");
    world.aggregator.set(Mood::Down);
    let refused = post(&world, "ada", path, &sent)
        .await
        .is(problem::ENROLMENT);
    assert_eq!(refused["reason"], "unreachable");
    world.aggregator.set(Mood::Sound);
    let taken = post(&world, "ada", path, &sent).await;
    assert_eq!(taken.status, StatusCode::CREATED, "{}", taken.text());
    assert!(!taken.text().contains(&invite().secret));
    assert_eq!(taken.json()["state"], "waiting");
    world.aggregator.0.lock().unwrap().node = NodeState::Active;
    let seen = post(&world, "ada", "/api/v1/enrolment/ask", "")
        .await
        .json();
    assert_eq!(
        (&seen["state"], &seen["node"]),
        (&"active".into(), &"black-country".into())
    );
}
