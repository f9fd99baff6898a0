//! Releases.

use std::sync::atomic::Ordering;

use ldsp_protocol::ids::Digest;

use super::*;

async fn filled() -> World {
    let world = world().await;
    for (path, file) in [
        ("programmes", PROGRAMMES.to_owned()),
        ("learners", learners()),
    ] {
        let reply = upload(&world, &format!("/api/v1/imports/{path}"), &file).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
    }
    world
}

/// Prepares the next month of a history that begins in January.
const FIRST: &str = "{\"first\":\"2022-01\"}";

#[tokio::test]
async fn an_author_prepares_once_and_another_person_approves_what_was_shown() {
    let world = filled().await;
    let wrong_month = post(
        &world,
        "ann",
        "/api/v1/releases",
        "{\"period\":\"2022-02\",\"first\":\"2022-01\"}",
    )
    .await;
    assert_eq!(wrong_month.is(problem::RELEASE)["reason"], "order");
    let prepared = post(&world, "ann", "/api/v1/releases", FIRST).await;
    assert_eq!(prepared.status, StatusCode::CREATED, "{}", prepared.text());
    assert_eq!(
        prepared.header(header::LOCATION),
        "/api/v1/releases/2022-01"
    );
    let release = prepared.json();
    assert_eq!(
        (&release["state"], &release["author"]),
        (&"open".into(), &"ann".into())
    );
    let again = post(
        &world,
        "ann",
        "/api/v1/releases",
        "{\"period\":\"2022-01\"}",
    )
    .await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(
        again.json()["digest"],
        release["digest"],
        "the noise is drawn once"
    );

    let payload = get(&world, "bob", "/api/v1/releases/2022-01/payload").await;
    let digest = Digest::of(&payload.bytes).to_string();
    assert_eq!(release["digest"], digest);
    let approve = "/api/v1/releases/2022-01/approve";
    let word = format!("{{\"digest\":\"{digest}\"}}");
    post(&world, "ann", approve, &word).await.is(problem::ROLE);
    let other = format!("{{\"digest\":\"{}\"}}", Digest::ZERO);
    let other = post(&world, "bob", approve, &other).await;
    assert_eq!(other.is(problem::RELEASE)["reason"], "digest");
    let sealed = post(&world, "bob", approve, &word).await;
    assert_eq!(sealed.status, StatusCode::OK, "{}", sealed.text());
    assert_eq!(sealed.json()["seq"], 1);
    assert_eq!(world.queued.load(Ordering::Relaxed), 1);
    let twice = post(&world, "bob", approve, &word).await;
    assert_eq!(twice.is(problem::RELEASE)["reason"], "already-approved");
    let list = get(&world, "bob", "/api/v1/releases").await.json();
    assert_eq!(list["items"][0]["approver"], "bob");
    let status = get(&world, "bob", "/api/v1/status").await.json();
    assert_eq!(
        (&status["waiting"], &status["open_release"]),
        (&1.into(), &Value::Null)
    );
    let statements = get(&world, "bob", "/api/v1/statements").await.json();
    assert_eq!(statements["items"][0]["kind"], "learning-summary");
    assert_eq!(statements["items"][0]["state"], "waiting");
}

#[tokio::test]
async fn a_refusal_changes_no_byte() {
    let world = filled().await;
    let release = post(&world, "ann", "/api/v1/releases", FIRST).await.json();
    assert_eq!(release["approvers"], serde_json::json!(["bob"]));
    let rules = release["rules"].as_array().unwrap();
    assert!(
        rules.len() > 20 && rules.iter().all(|r| r["outcome"] == "kept"),
        "{rules:?}"
    );
    assert!(release["families"][0]["published"]["low_95"].is_number());
    let payload = get(&world, "bob", "/api/v1/releases/2022-01/payload").await;
    let refuse = "/api/v1/releases/2022-01/refuse";
    let word =
        |digest: &Value| serde_json::json!({"digest": digest, "reason": "An old file"}).to_string();
    post(&world, "ann", refuse, &word(&release["digest"]))
        .await
        .is(problem::ROLE);
    let other = post(
        &world,
        "bob",
        refuse,
        &word(&Digest::ZERO.to_string().into()),
    )
    .await;
    assert_eq!(other.is(problem::RELEASE)["reason"], "digest");
    let refused = post(&world, "bob", refuse, &word(&release["digest"])).await;
    assert_eq!(refused.status, StatusCode::OK, "{}", refused.text());
    assert_eq!(refused.json()["refusals"][0]["reason"], "An old file");
    let again = post(&world, "ann", "/api/v1/releases", FIRST).await;
    assert_eq!(again.status, StatusCode::OK, "prepared before, not again");
    assert_eq!(again.json()["digest"], release["digest"]);
    let same = get(&world, "bob", "/api/v1/releases/2022-01/payload").await;
    assert_eq!(same.bytes, payload.bytes);
}

/// Who prepared it cannot approve it, also when the role was changed meanwhile.
#[tokio::test]
async fn nobody_approves_their_own_work() {
    let world = filled().await;
    let digest = post(&world, "ann", "/api/v1/releases", FIRST).await.json()["digest"].clone();
    sqlx::query("UPDATE people SET role = 'approver' WHERE name = 'ann'")
        .execute(&world.node.store.writer)
        .await
        .unwrap();
    let word = serde_json::json!({"digest": digest}).to_string();
    let reply = post(&world, "ann", "/api/v1/releases/2022-01/approve", &word).await;
    reply.is(problem::OWN_WORK);
}

#[tokio::test]
async fn a_body_that_is_not_the_documented_one_is_refused() {
    let world = filled().await;
    for (path, who) in [
        ("/api/v1/releases", "ann"),
        ("/api/v1/releases/2022-01/approve", "bob"),
        ("/api/v1/releases/2022-01/refuse", "bob"),
    ] {
        for body in [
            "",
            "[]",
            "{",
            "{\"surprise\":1}",
            "{\"period\":\"x\",\"digest\":\"x\"}",
            "null",
        ] {
            let reply = post(&world, who, path, body).await;
            assert!(reply.status.is_client_error(), "{body}: {}", reply.status);
            reply.is(problem::REQUEST);
        }
        let untyped = from(who, Method::POST, path);
        send(&world, untyped, "{}").await.is(problem::UNSUPPORTED);
    }
}

#[tokio::test]
async fn a_month_under_two_standards_is_one_release() {
    let world = world().await;
    world.released_under_the_first().await;
    let release = post(&world, "ann", "/api/v1/releases", FIRST).await.json();
    let standards = ["ldsp-data-standard v1", "ldsp-data-standard v2"];
    for (at, standard) in standards.into_iter().enumerate() {
        assert_eq!(release["statements"][at]["standard"], standard);
    }
    assert!(release["turn"].as_str().unwrap().contains("January 2025"));
    assert_eq!(release["seqs"], serde_json::json!([]));
    let payload = get(&world, "bob", "/api/v1/releases/2022-02/payload").await;
    assert_eq!(
        payload.header(header::CONTENT_TYPE),
        "application/octet-stream"
    );
    let digest = Digest::of(&payload.bytes).to_string();
    assert_eq!(release["digest"], digest);
    let word = format!("{{\"digest\":\"{digest}\"}}");
    let sealed = post(&world, "bob", "/api/v1/releases/2022-02/approve", &word).await;
    assert_eq!(sealed.json()["seq"], 3);
    let list = get(&world, "bob", "/api/v1/releases").await.json();
    assert_eq!(list["items"][0]["seqs"], serde_json::json!([2, 3]));
    let statements = get(&world, "bob", "/api/v1/statements").await.json();
    assert_eq!(statements["items"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn quality_is_shown_asked_about_and_set() {
    let world = world().await.with_everybody().await;
    world.released().await;
    let seen = get(&world, "bob", "/api/v1/quality").await.json();
    assert_eq!(seen["providers"][0]["provider"], "College");
    assert_eq!(seen["providers"][0]["enrolments"], 40);
    let path = "/api/v1/quality/rules/silent";
    let set = post(
        &world,
        "ann",
        path,
        r#"{"severity":"error","threshold":3,"version":0}"#,
    )
    .await
    .json();
    assert_eq!((&set["version"], &set["unit"]), (&1.into(), &"days".into()));
    let stale = post(
        &world,
        "ann",
        path,
        r#"{"severity":"error","threshold":3,"version":0}"#,
    )
    .await;
    stale.is(problem::CHANGED_MEANWHILE);
    let none = post(
        &world,
        "ann",
        "/api/v1/quality/rules/other",
        r#"{"severity":"off","version":0}"#,
    )
    .await;
    none.is(problem::NOT_FOUND);
    let seen = get(&world, "bob", "/api/v1/quality").await.json();
    assert_eq!(seen["standing"], "faulty");

    let path = "/api/v1/quality/questions";
    let question = r#"{"provider":"College","rule":"silent","question":"Is March late?"}"#;
    post(&world, "bob", path, question).await.is(problem::ROLE);
    let asked = post(&world, "ann", path, question).await;
    assert_eq!(asked.status, StatusCode::CREATED);
    assert_eq!(asked.json()["answer"], Value::Null);
    let unfit = question.replace("Is March late?", "Ring 0121 496 0000");
    post(&world, "ann", path, &unfit).await.is(problem::QUALITY);
    let path = "/api/v1/quality/questions/1/answer";
    let answer = r#"{"answer":"Next week."}"#;
    let seen = post(&world, "ann", path, answer).await.json();
    assert_eq!(seen["answered_by"], "ann");
    post(&world, "ann", path, answer).await.is(problem::QUALITY);
    let all = get(&world, "bob", "/api/v1/quality/questions").await.json();
    assert_eq!(all["questions"][0]["answer"], "Next week.");
    // A provider's program hears what that provider is asked.
    let path = "/api/v1/quality/questions";
    assert_eq!(
        post(&world, "ann", path, question).await.status,
        StatusCode::CREATED
    );
    let own = "/api/v1/provider/questions";
    let all = get(&world, "pam", own).await.json();
    assert_eq!(all["questions"][0]["answer"], Value::Null);
    assert!(all["questions"][0].get("asked_by").is_none());
    let none = get(&world, "pat", own).await.json();
    assert_eq!(none["questions"].as_array().map(Vec::len), Some(0));
    let id = all["questions"][0]["id"].as_str().unwrap();
    let library = world.own("Library").await;
    let guessed = library.handle(crate::delivery::Handled::Question, 2);
    for foreign in [guessed.as_str(), "2"] {
        let path = format!("{own}/{foreign}/answer");
        post(&world, "pat", &path, answer)
            .await
            .is(problem::NOT_FOUND);
    }
    let path = &format!("{own}/{id}/answer");
    post(&world, "pat", path, answer)
        .await
        .is(problem::NOT_FOUND);
    post(&world, "ann", path, answer).await.is(problem::ROLE);
    let seen = post(&world, "pam", path, answer).await.json();
    assert_eq!(seen["answer"], "Next week.");
    post(&world, "pam", path, answer).await.is(problem::QUALITY);
    let missing = post(&world, "ann", "/api/v1/quality/questions/7/answer", answer).await;
    missing.is(problem::NOT_FOUND);
}
