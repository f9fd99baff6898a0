//! Learners' rights, retention and the audit log.

use super::*;
use crate::pages::tests::world_keeping;
use crate::rights::Policy;

async fn filled(retention: Option<Policy>) -> World {
    let world = world_keeping(retention).await;
    for (path, file) in [
        ("/api/v1/imports/programmes", PROGRAMMES.to_owned()),
        ("/api/v1/imports/learners", learners()),
    ] {
        assert_eq!(
            upload(&world, path, &file).await.status,
            StatusCode::CREATED
        );
    }
    world
}

#[tokio::test]
async fn a_program_looks_previews_and_erases() {
    let world = filled(None).await;
    let whom = r#"{"provider": "college", "reference": "R1"}"#;
    let held = post(&world, "ann", "/api/v1/rights/access", whom).await;
    assert_eq!(held.status, StatusCode::OK, "{}", held.text());
    assert_eq!(held.json()["held"]["enrolments"][0]["aim"], "A1");
    // Whoever asks for a copy gets all that is held, also how the provider calls them.
    assert_eq!(held.json()["held"]["enrolments"][0]["own_reference"], "R1");
    let seen = post(&world, "ann", "/api/v1/rights/preview", whom)
        .await
        .json();
    assert_eq!(seen["enrolments"][0]["start"], "2022-02-10");
    assert_eq!(
        (&seen["unpublished"], &seen["erased"]),
        (&1.into(), &Value::Null)
    );
    let gone = post(&world, "ann", "/api/v1/rights/erase", whom)
        .await
        .json();
    assert_eq!(
        (&gone["learners"], &gone["enrolments"]),
        (&1.into(), &1.into())
    );
    let again = post(&world, "ann", "/api/v1/rights/erase", whom)
        .await
        .json();
    assert_eq!(again["learners"], 0);
    let seen = post(&world, "ann", "/api/v1/rights/preview", whom)
        .await
        .json();
    assert_eq!(seen["erased"], "2022-03-04");
    for body in [
        "{}",
        r#"{"uln": "1000000028"}"#,
        r#"{"provider": "College"}"#,
        r#"{"provider": "Nowhere", "reference": "R1"}"#,
        r#"{"name": "R1"}"#,
        "[]",
    ] {
        let reply = post(&world, "ann", "/api/v1/rights/erase", body).await;
        let problem = reply.is(problem::REQUEST);
        assert!(!problem.to_string().contains("1000000028"), "{problem}");
    }
}

#[tokio::test]
async fn a_program_deletes_what_is_due_with_the_period_that_it_saw() {
    let off = world().await;
    get(&off, "ann", "/api/v1/retention")
        .await
        .is(problem::RETENTION);
    post(&off, "ann", "/api/v1/retention", r#"{"months": 1}"#)
        .await
        .is(problem::RETENTION);
    let policy = Policy {
        months: 1,
        schedule: "0 4 * * SUN".parse().unwrap(),
    };
    let world = filled(Some(policy)).await;
    sqlx::query("UPDATE enrolments SET counted = 127")
        .execute(&world.node.store.writer)
        .await
        .unwrap();
    let due = get(&world, "bob", "/api/v1/retention").await.json();
    assert_eq!((&due["months"], &due["learners"]), (&1.into(), &20.into()));
    post(&world, "ann", "/api/v1/retention", r#"{"months": 84}"#)
        .await
        .is(problem::REQUEST);
    let gone = post(&world, "ann", "/api/v1/retention", r#"{"months": 1}"#).await;
    assert_eq!(gone.json()["learners"], 20);
    let due = get(&world, "bob", "/api/v1/retention").await.json();
    assert_eq!(due["learners"], 0);
}

#[tokio::test]
async fn a_program_sets_the_period_that_it_read() {
    let world = filled(None).await.with_everybody().await;
    let path = "/api/v1/retention/period";
    let put = async |who: &str, body: &str| {
        let request = from(who, Method::PUT, path).header(header::CONTENT_TYPE, "application/json");
        send(&world, request, body.to_owned()).await
    };
    let seen = get(&world, "bob", path).await.json();
    assert_eq!(
        (&seen["source"], &seen["version"]),
        (&"nobody".into(), &0.into())
    );
    let good = r#"{"months": 84, "reason": "ESF", "version": 0}"#;
    put("bob", good).await.is(problem::ROLE);
    put("ada", r#"{"months": 0, "reason": "ESF", "version": 0}"#)
        .await
        .is(problem::FORM);
    put("ada", r#"{"months": 84, "reason": " ", "version": 0}"#)
        .await
        .is(problem::FORM);
    put("ada", r#"{"months": 84}"#).await.is(problem::REQUEST);
    let set = put("ada", good).await.json();
    assert_eq!(
        (&set["months"], &set["by"], &set["version"]),
        (&84.into(), &"ada".into(), &1.into())
    );
    put("ann", good).await.is(problem::CHANGED_MEANWHILE);
    let due = get(&world, "bob", "/api/v1/retention").await.json();
    assert_eq!(due["months"], 84);
    let off = put("ann", r#"{"months": null, "reason": "Over", "version": 1}"#).await;
    assert_eq!(off.json()["months"], Value::Null);
    get(&world, "bob", "/api/v1/retention")
        .await
        .is(problem::RETENTION);
    let configured = filled(Some(Policy::of(7))).await.with_everybody().await;
    let request = from("ada", Method::PUT, path).header(header::CONTENT_TYPE, "application/json");
    send(&configured, request, good)
        .await
        .is(problem::RETENTION);
}

#[tokio::test]
async fn the_audit_log_is_listed_and_checked() {
    let world = filled(None).await;
    let first = get(&world, "bob", "/api/v1/audit?limit=1").await.json();
    assert_eq!(first["items"][0]["action"], "import learners");
    let next = first["next"].as_str().unwrap();
    let second = get(&world, "bob", next).await.json();
    assert_eq!(second["items"][0]["action"], "import programmes");
    let checked = get(&world, "bob", "/api/v1/audit/check").await.json();
    assert_eq!(
        (&checked["fault"], &checked["known"]),
        (&Value::Null, &Value::Null)
    );
    let head = checked["head"]["hash"].as_str().unwrap();
    let known = get(&world, "bob", &format!("/api/v1/audit/check?head={head}")).await;
    assert_eq!(known.json()["known"], true);
    let other = format!("/api/v1/audit/check?head={}", "0".repeat(64));
    assert_eq!(get(&world, "bob", &other).await.json()["known"], false);
    get(&world, "bob", "/api/v1/audit/check?head=x")
        .await
        .is(problem::PARAMETER);
}
