//! Published needs, as programs prepare and publish them.

use ldsp_protocol::ids::Digest;
use serde_json::json;

use super::*;

const AT: &str = "/api/v1/needs";

async fn known() -> World {
    let world = world().await.with_everybody().await;
    crate::needs::tests::record(&world.node.store).await;
    world
}

#[tokio::test]
async fn a_program_prepares_and_another_person_publishes() {
    let world = known().await;
    let none = get(&world, "vic", AT).await.json();
    assert_eq!(none["items"], json!([]));
    post(&world, "bob", AT, "").await.is(problem::ROLE);
    let made = post(&world, "ann", AT, "").await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let draft = made.json();
    assert_eq!(
        (
            &draft["state"],
            &draft["demand"]["organisations"][0]["number"]
        ),
        (&json!("waiting"), &json!(100))
    );
    let waits = post(&world, "ann", AT, "").await.is(problem::NEEDS_DRAFT);
    assert_eq!(waits["reason"], "waits");
    let one = format!("{AT}/{}", draft["id"]);
    let approve = format!("{one}/approve");
    let other = json!({"digest": Digest::ZERO}).to_string();
    let refused = post(&world, "bob", &approve, &other).await;
    assert_eq!(refused.is(problem::NEEDS_DRAFT)["reason"], "digest");
    let word = json!({"digest": draft["digest"]}).to_string();
    post(&world, "ann", &approve, &word).await.is(problem::ROLE);
    let sent = post(&world, "bob", &approve, &word).await.json();
    assert_eq!(
        (&sent["state"], &sent["statements"]),
        (&json!("published"), &json!([1, 2]))
    );
    let list = get(&world, "vic", AT).await.json();
    assert_eq!(list["items"][0]["state"], "published");
    let missing = format!("{AT}/99");
    get(&world, "vic", &missing).await.is(problem::NOT_FOUND);
    get(&world, "vic", "/api/v1/needs/first")
        .await
        .is(problem::NOT_FOUND);
}

#[tokio::test]
async fn a_refusal_needs_a_reason_that_tells_of_nobody() {
    let world = known().await;
    let draft = post(&world, "ann", AT, "").await.json();
    let refuse = format!("{AT}/{}/refuse", draft["id"]);
    let says = |reason: &str| json!({"digest": draft["digest"], "reason": reason}).to_string();
    for unfit in ["", "Ring 0121 496 0000"] {
        post(&world, "bob", &refuse, &says(unfit))
            .await
            .is(problem::FORM);
    }
    let refused = post(&world, "bob", &refuse, &says("The survey is last year's."))
        .await
        .json();
    assert_eq!(
        (&refused["state"], &refused["reason"]),
        (&json!("refused"), &json!("The survey is last year's."))
    );
}
