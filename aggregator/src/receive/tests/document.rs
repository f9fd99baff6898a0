//! The document and the routes are one thing; lists, tags and refusals are as it says.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use ldsp_protocol::practice::Sharing;
use ldsp_protocol::statement::Kind;
use serde_json::Value;

use super::practice::entry;
use crate::receive::document;
use crate::testing::{Sim, World, at};

/// Every operation. A route that is missing here or there fails.
const OPERATIONS: [&str; 42] = [
    "GET /api/v1/answers/{index}",
    "GET /api/v1/benchmark-runs",
    "GET /api/v1/benchmark-runs/{index}",
    "GET /api/v1/benchmark-runs/{index}/findings/{measure}",
    "GET /api/v1/benchmarks",
    "GET /api/v1/benchmarks.csv",
    "GET /api/v1/keys",
    "GET /api/v1/leps",
    "GET /api/v1/leps/{code}",
    "GET /api/v1/measures",
    "GET /api/v1/needs",
    "GET /api/v1/needs.csv",
    "GET /api/v1/nodes",
    "GET /api/v1/practice",
    "GET /api/v1/practice/{node}/{seq}",
    "GET /api/v1/questionnaires",
    "GET /api/v1/questionnaires/{name}",
    "GET /api/v1/questionnaires/{name}/answers",
    "GET /api/v1/questionnaires/{name}/answers.csv",
    "GET /api/v1/revisions",
    "GET /api/v1/statements",
    "GET /checkpoint",
    "GET /health/live",
    "GET /health/log",
    "GET /health/ready",
    "GET /openapi.json",
    "GET /tile/{level}/{number}",
    "GET /v1/nodes/{node}",
    "GET /v1/nodes/{node}/statements/{seq}",
    "GET /v1/nodes/{node}/statements/{seq}/receipt",
    "GET /v1/practice",
    "GET /v1/questionnaires",
    "GET /v1/questionnaires/{name}/results",
    "GET /v1/recovery",
    "GET /v1/standard",
    "GET /v1/standards/{digest}",
    "GET /v1/verifier",
    "POST /api/v1/questionnaires",
    "POST /v1/enrolments",
    "POST /v1/nodes/{node}/checkpoint",
    "PUT /v1/nodes/{node}/statements/{seq}",
    "PUT /v1/recovery/leaves/{leaf}",
];

/// Those behind sign-in, which the site has and the open routes have not.
const FOR_OPERATORS: [&str; 2] = ["GET /api/v1/invites", "POST /api/v1/invites"];

/// A place that every parameter's pattern admits.
fn filled(path: &str) -> String {
    path.replace("{node}", "black-country")
        .replace("{seq}", "1")
        .replace("{name}", "routes")
        .replace("{index}", "1")
        .replace("{measure}", "starts")
        .replace("{level}", "0")
        .replace("{leaf}", "0")
        .replace("{number}", "000")
        .replace("{code}", "E37000001")
        .replace("{digest}", &"0".repeat(64))
}

fn described() -> Value {
    serde_json::to_value(document("https://log.example")).unwrap()
}

#[tokio::test]
async fn the_document_names_every_route_and_every_route_is_in_the_document() {
    let document = described();
    assert_eq!(document["openapi"], "3.1.0");
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            found.push(format!("{} {path}", method.to_uppercase()));
        }
    }
    found.sort();
    let mut all = [&OPERATIONS[..], &FOR_OPERATORS].concat();
    all.sort_unstable();
    assert_eq!(found, all);

    let world = World::new().await;
    let open = |path: &&String| !FOR_OPERATORS.iter().any(|one| one.ends_with(path.as_str()));
    for path in document["paths"].as_object().unwrap().keys().filter(open) {
        for method in ["GET", "PUT", "POST", "PATCH", "DELETE"] {
            let known = OPERATIONS.contains(&&*format!("{method} {path}"));
            let method: Method = method.parse().unwrap();
            let answer = world
                .call(method.clone(), &filled(path), &[], Body::empty())
                .await;
            let refused = answer.status == StatusCode::METHOD_NOT_ALLOWED;
            assert_eq!(refused, !known, "{method} {path}");
            assert!(!refused || answer.headers.contains_key("allow"));
        }
    }
}

#[test]
fn every_reference_of_the_document_leads_somewhere_and_every_operation_says_what_it_is() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let document = described();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 100);
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            let summary = operation["summary"].as_str().unwrap();
            assert!(!summary.is_empty() && !summary.contains('`'), "{summary}");
            assert!(operation["operationId"].is_string() && operation["tags"][0].is_string());
        }
    }
}

#[tokio::test]
async fn pages_of_statements_stay_right_while_the_log_grows() {
    let world = World::new().await;
    let mut sim = Sim::new(0);
    world.admit(&sim).await;
    let mut withheld = entry("E37000001");
    withheld.sharing = Sharing::PeersUntil(jiff::civil::date(2023, 3, 1));
    for _ in 0..3 {
        let (seq, sealed) = sim.publish(3);
        world.put(&sim.path(seq), sealed.envelope()).await;
    }
    let sealed = sim.seal(Kind::PracticeEntry, None, withheld);
    world.put(&sim.path(4), sealed.envelope()).await;
    sim.advance(&sealed);

    let first = world.get("/api/v1/statements?limit=2").await.json();
    let seqs = |page: &Value| -> Vec<u64> {
        let items = page["items"].as_array().unwrap();
        items.iter().map(|i| i["seq"].as_u64().unwrap()).collect()
    };
    assert_eq!(seqs(&first), [4, 3]);
    let newest = &first["items"][0];
    assert_eq!(newest["public"], false);
    assert_eq!(newest["public_from"], "2023-03-01");
    assert_eq!(newest["pae"], sealed.pae().to_string());
    assert!(
        !newest.to_string().contains("depot"),
        "what it says is withheld"
    );
    assert_eq!(first["items"][1]["public_from"], Value::Null);

    let (seq, sealed) = sim.publish(3);
    world.put(&sim.path(seq), sealed.envelope()).await;
    let next = first["next"].as_str().unwrap();
    let second = world.get(next).await.json();
    assert_eq!(seqs(&second), [2, 1]);
    assert_eq!(second["next"], Value::Null);
    let envelope = second["items"][0]["envelope"].as_str().unwrap();
    assert_eq!(world.get(envelope).await.status, StatusCode::OK);
    let receipt = second["items"][0]["receipt"].as_str().unwrap();
    assert!(world.get(receipt).await.text().contains("\nindex 2\n"));

    let foreign = next.replace("/statements?", "/practice?");
    let answer = world.get(&foreign).await;
    assert_eq!(answer.problem().code, "cursor");
    let narrowed = next.replace("?", "?kind=practice-entry&");
    assert_eq!(world.get(&narrowed).await.problem().code, "cursor");
    let filtered = world.get("/api/v1/statements?kind=practice-entry").await;
    assert_eq!(seqs(&filtered.json()), [4]);
    for (query, code) in [
        ("node=nobody", "unknown-node"),
        ("node=A", "parameter"),
        ("kind=rumour", "parameter"),
        ("kind=key-add", "parameter"),
        ("limit=0", "parameter"),
        ("limit=101", "parameter"),
        ("cursor=", "cursor"),
        ("knd=practice-entry", "parameter"),
    ] {
        let answer = world.get(&format!("/api/v1/statements?{query}")).await;
        assert_eq!(answer.problem().code, code, "{query}");
    }
}

#[tokio::test]
async fn nodes_say_what_they_contributed_and_lists_follow_their_filters() {
    let world = World::new().await;
    let mut sims = [Sim::new(0), Sim::new(1)];
    for sim in &sims {
        world.admit(sim).await;
    }
    let (seq, sealed) = sims[1].publish(3);
    world.put(&sims[1].path(seq), sealed.envelope()).await;
    let first = world.get("/api/v1/nodes?limit=1").await.json();
    assert_eq!(first["items"][0]["node"], "black-country");
    assert_eq!(first["items"][0]["latest"], Value::Null);
    let second = world.get(first["next"].as_str().unwrap()).await.json();
    let solent = &second["items"][0];
    assert_eq!(solent["node"], "solent");
    assert_eq!(
        (&solent["releases"], &solent["practice"]),
        (&1.into(), &0.into())
    );
    assert_eq!(solent["latest"]["period"], "2022-01");
    assert_eq!(second["next"], Value::Null);
    let none = world.get("/api/v1/nodes?state=pending").await.json();
    assert_eq!(none["items"], Value::Array(vec![]));

    let mut path = "/api/v1/leps?limit=20".to_owned();
    let mut codes = Vec::new();
    loop {
        let page = world.get(&path).await.json();
        let items = page["items"].as_array().unwrap().clone();
        codes.extend(items.iter().map(|i| i["place"]["code"].to_string()));
        match page["next"].as_str() {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(codes.len(), 38);
    assert!(codes.is_sorted());
    let region = world.get("/api/v1/leps?region=E12000005").await.json();
    assert!(region["items"].as_array().unwrap().len() < 38);
    let wrong = world.get("/api/v1/leps?region=E37000001").await;
    assert_eq!(wrong.problem().code, "parameter");
    let measures = world.get("/api/v1/measures").await.json();
    assert_eq!(measures["items"].as_array().unwrap().len(), 11);
    assert_eq!(measures["items"][5]["formula"], "completers / leavers");
}

#[tokio::test]
async fn an_entry_is_read_by_everybody_from_its_day_on() {
    let world = World::new().await;
    let mut sim = Sim::new(0);
    world.admit(&sim).await;
    let sealed = sim.seal(Kind::PracticeEntry, None, entry("E37000001"));
    world.put(&sim.path(1), sealed.envelope()).await;
    sim.advance(&sealed);
    let path = "/api/v1/practice/black-country/1";
    assert_eq!(world.get(path).await.problem().code, "not-found");
    *world.now.lock().unwrap() = at("2023-03-01T00:00:00Z");
    let open = world.get(path).await;
    assert_eq!(open.json()["entry"]["title"], "Evening course in a depot");
    for (path, code) in [
        ("/api/v1/practice/black-country/2", "not-found"),
        ("/api/v1/practice/black-country/01", "not-found"),
        ("/api/v1/practice/black-country/%2B1", "not-found"),
        ("/api/v1/practice/solent/1", "unknown-node"),
        ("/api/v1/practice/%00/1", "unknown-node"),
    ] {
        assert_eq!(world.get(path).await.problem().code, code, "{path}");
    }
}

#[tokio::test]
async fn every_public_read_has_a_tag_that_saves_sending_it_again() {
    let world = World::new().await;
    let mut sim = Sim::new(0);
    world.admit(&sim).await;
    let (seq, sealed) = sim.publish(3);
    world.put(&sim.path(seq), sealed.envelope()).await;
    for operation in OPERATIONS {
        let Some(path) = operation.strip_prefix("GET ").map(filled) else {
            continue;
        };
        let first = world.get(&path).await;
        // The site puts these behind sign-in; here nobody stands in front of them.
        let of_people = path.starts_with("/api/v1/questionnaires");
        let is_public =
            first.status == StatusCode::OK && !path.starts_with("/health") && !of_people;
        let tag = first.headers.get("etag");
        assert_eq!(tag.is_some(), is_public, "{path}");
        let Some(tag) = tag.and_then(|tag| tag.to_str().ok()) else {
            continue;
        };
        assert!(tag.starts_with('"'), "{path}: {tag}");
        assert!(first.headers.contains_key("cache-control"), "{path}");
        assert_eq!(first.headers["access-control-allow-origin"], "*", "{path}");
        let head = world.call(Method::HEAD, &path, &[], Body::empty()).await;
        assert_eq!(
            (head.status, head.body.len()),
            (StatusCode::OK, 0),
            "{path}"
        );
        assert_eq!(head.headers["etag"], tag, "{path}");
        let held = [("if-none-match", tag)];
        let again = world.call(Method::GET, &path, &held, Body::empty()).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{path}");
        assert_eq!(again.headers["etag"], tag, "{path}");
        assert!(again.body.is_empty());
    }
}
