//! Questionnaires, as programs answer them.

use ldsp_protocol::ids::Digest;
use serde_json::json;

use super::*;
use crate::questionnaire::hear;
use crate::questionnaire::results::{Picture, picture};
use crate::questionnaire::tests::{asked, id};
use crate::testing::{Aggregator, Mood, at, node_key, place};

const AT: &str = "/api/v1/questionnaires/routes";
const NOW: &str = "2022-03-04T09:00:00Z";

async fn asked_world() -> (World, Aggregator) {
    let world = world().await.with_everybody().await;
    let aggregator = Aggregator::new();
    aggregator.asks(&asked());
    let heard = hear(&world.node.store, &aggregator, at(NOW)).await;
    assert_eq!(heard.unwrap().new.len(), 1);
    (world, aggregator)
}

async fn put(world: &World, who: &str, json: &Value) -> Reply {
    let path = format!("{AT}/answers");
    let request = from(who, Method::PUT, &path).header(header::CONTENT_TYPE, "application/json");
    send(world, request, json.to_string()).await
}

fn answers() -> Value {
    json!({"answers": [
        {"question": "any", "value": {"yes-no": true}},
        {"question": "how", "value": {"any": ["foot", "bus"]}},
        {"question": "services", "value": {"number": 12}},
        {"question": "enrolments", "value": "not-known"},
        {"question": "best", "value": {"one": "bus"}},
    ]})
}

#[tokio::test]
async fn a_program_answers_and_another_person_releases() {
    let (world, _) = asked_world().await;
    let list = get(&world, "vic", "/api/v1/questionnaires").await.json();
    let head = &list["items"][0];
    assert_eq!(
        (&head["name"], &head["state"], &head["late"]),
        (&json!("routes"), &json!("new"), &json!(false))
    );
    let read = get(&world, "ann", AT).await.json();
    assert_eq!(read["questionnaire"]["questions"][0]["id"], "any");
    assert_eq!(
        read["known"][0]["why"],
        "no service is listed at this node yet"
    );
    assert_eq!(read["problems"].as_array().unwrap().len(), 4, "{read:#}");
    let reply = put(&world, "ann", &answers()).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let kept = reply.json();
    assert_eq!(
        (&kept["state"], &kept["problems"]),
        (&json!("begun"), &json!([]))
    );
    assert_eq!(kept["answers"][1]["value"], json!({"any": ["bus", "foot"]}));
    // Read before somebody else changed it.
    let mut late =
        json!({"answers": [{"question": "best", "value": null}], "digest": read["digest"]});
    put(&world, "ann", &late)
        .await
        .is(problem::CHANGED_MEANWHILE);
    late["digest"] = kept["digest"].clone();
    let gone = put(&world, "ann", &late).await.json();
    assert_eq!(gone["problems"].as_array().unwrap().len(), 1);
    post(&world, "ann", &format!("{AT}/hand-over"), "")
        .await
        .is(problem::FORM);
    put(&world, "ann", &answers()).await;
    let handed = post(&world, "ann", &format!("{AT}/hand-over"), "")
        .await
        .json();
    assert_eq!(
        (&handed["state"], &handed["handed_over"]["by"]),
        (&json!("waiting"), &json!("ann"))
    );
    let waits = put(&world, "ann", &answers()).await.is(problem::ANSWERING);
    assert_eq!(waits["reason"], "waits");
    let word = json!({"digest": handed["digest"]}).to_string();
    let other = json!({"digest": Digest::ZERO}).to_string();
    let refused = post(&world, "bob", &format!("{AT}/release"), &other).await;
    assert_eq!(refused.is(problem::ANSWERING)["reason"], "digest");
    let back = json!({"digest": handed["digest"], "reason": "Ring 0121 496 0000"}).to_string();
    post(&world, "bob", &format!("{AT}/send-back"), &back)
        .await
        .is(problem::FORM);
    let sent = post(&world, "bob", &format!("{AT}/release"), &word)
        .await
        .json();
    assert_eq!((&sent["state"], &sent["seq"]), (&json!("sent"), &json!(1)));
    let again = post(&world, "ann", &format!("{AT}/take-back"), "").await;
    assert_eq!(again.is(problem::ANSWERING)["reason"], "not-handed-over");
}

#[tokio::test]
async fn of_answers_that_do_not_hold_none_is_stored_and_all_are_named() {
    let (world, _) = asked_world().await;
    let mut wrong = answers();
    wrong["answers"][2]["value"] = json!({"number": 100_001});
    wrong["answers"][3]["value"] = json!({"number": 40});
    let fields = put(&world, "ann", &wrong).await.is(problem::FORM);
    assert_eq!(fields["fields"].as_array().unwrap().len(), 2, "{fields:#}");
    assert_eq!(get(&world, "ann", AT).await.json()["state"], "new");
    for malformed in [
        json!({}),
        json!({"answers": [{"question": "ANY", "value": null}]}),
        json!({"answers": [{"question": "any", "value": {"maybe": 1}}]}),
        json!({"answers": [{"question": "any", "value": null, "source": "records"}]}),
    ] {
        put(&world, "ann", &malformed).await.is(problem::REQUEST);
    }
    get(&world, "ann", "/api/v1/questionnaires/other")
        .await
        .is(problem::NOT_FOUND);
    get(&world, "ann", "/api/v1/questionnaires/other/results")
        .await
        .is(problem::NOT_FOUND);
}

/// The log is asked by a signed read; what it said stands with its time while it is away.
#[tokio::test]
async fn what_all_say_is_kept_for_when_the_log_is_away() {
    let (world, aggregator) = asked_world().await;
    let store = &world.node.store;
    let told = async |at: jiff::Timestamp| -> Picture {
        let ask = async |path: String| {
            Some(crate::submit::read(&aggregator, &place(true), &node_key(), &path, at).await)
        };
        picture(store, &id("routes"), ask, at).await.unwrap()
    };
    let first = told(at(NOW)).await;
    assert_eq!(first.results, None);
    assert!(first.problem.unwrap().contains("For those that were asked"));
    aggregator.0.lock().unwrap().results = Some(json!({
        "questionnaire": {"name": "routes", "version": 1, "pae": Digest::ZERO}, "asked": 38, "answered": 2, "too_few": true, "tallies": [],
    }));
    let heard_at = at(NOW);
    let (results, since) = told(heard_at).await.results.unwrap();
    assert_eq!(
        (results.answered, results.too_few, since),
        (2, true, heard_at)
    );
    let calls = aggregator.0.lock().unwrap().calls.len();
    let soon = told(at("2022-03-04T09:09:00Z")).await;
    assert_eq!(
        aggregator.0.lock().unwrap().calls.len(),
        calls,
        "it is fresh"
    );
    assert_eq!(soon.problem, None);
    aggregator.set(Mood::Down);
    let later = told(at("2022-03-05T09:00:00Z")).await;
    assert_eq!(later.results.unwrap().1, heard_at);
    assert!(later.problem.unwrap().contains("could not be reached"));
    aggregator.set(Mood::Sound);
    aggregator.0.lock().unwrap().results = Some(json!({"other": 1}));
    let odd = told(at("2022-03-06T09:00:00Z")).await;
    assert!(
        odd.problem
            .unwrap()
            .contains("form that this version does not know")
    );
    assert_eq!(odd.results.unwrap().1, heard_at);
    let reply = get(&world, "vic", &format!("{AT}/results")).await.json();
    assert_eq!(
        (&reply["answered"], &reply["too_few"]),
        (&json!(2), &json!(true))
    );
}
