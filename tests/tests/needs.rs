//! Published needs with real processes over TLS: recorded and published at two nodes by two people each, added up at the aggregator.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use ldsp_tests::world::{Federation, Node};
use serde_json::{Value, json};

/// Ten employers of which each wants ten people trained in software, fifty people who were asked, and a service.
fn record(node: &Node) {
    let add = |what: &str, columns: &[&str]| {
        let arguments: Vec<&str> = [what, "add"].into_iter().chain(columns.to_vec()).collect();
        node.program.run(&arguments).done();
    };
    for number in 1..=10 {
        let name = format!("Employer {number}");
        add("organisations", &[&format!("name={name}"), "kind=employer"]);
        add(
            "demand",
            &[
                "asks=employer",
                &format!("organisation={name}"),
                "skill=software",
                "area=whole",
                "number=10",
                "counts=people",
                "from=2022-07",
                "how=panel",
                "sure=counted",
                "by=Panel",
            ],
        );
    }
    add(
        "demand",
        &[
            "asks=individual",
            "skill=foundation",
            "area=whole",
            "number=500",
            "counts=people",
            "from=2022-07",
            "how=workshop",
            "sure=counted",
            "by=Workshop",
        ],
    );
    add(
        "provision",
        &[
            "name=Software evenings",
            "organisation=Library",
            "skills=software",
            "places=12",
            "starts=3",
            "public=yes",
        ],
    );
}

fn prepared(node: &Node) -> Value {
    node.run_as(&node.coordinator, &["needs", "prepare", "--json"])
        .json()
}

fn approve(node: &Node, draft: &Value) {
    let (id, digest) = (draft["id"].to_string(), draft["digest"].as_str().unwrap());
    let word = ["needs", "approve", &id, "--digest", digest];
    // Who prepared it is no approver.
    node.run_as(&node.coordinator, &word).refused();
    let other = "0".repeat(64);
    let wrong = ["needs", "approve", &id, "--digest", &other];
    node.run_as(&node.approver, &wrong).refused();
    node.run_as(&node.approver, &word).done();
    node.run_as(&node.approver, &word).refused();
}

fn skill<'a>(picture: &'a Value, name: &str) -> &'a Value {
    let skills = picture["skills"].as_array().unwrap();
    skills.iter().find(|it| it["skill"] == name).unwrap()
}

#[test]
fn what_two_nodes_publish_of_needs_is_in_the_national_picture() {
    let federation = Federation::new();
    let nodes = [
        ("cornwall-scilly", "E37000005"),
        ("black-country", "E37000001"),
    ];
    let nodes = nodes.map(|(slug, lep)| federation.join(slug, lep));
    for node in &nodes {
        record(node);
        let draft = prepared(node);
        assert_eq!(draft["demand"]["organisations"][0]["number"], 100);
        approve(node, &draft);
        node.publish().done();
        assert_eq!(federation.logged(&node.slug), 2);
    }
    let site = federation.http();
    let picture = site.get("/api/v1/needs").json();
    assert_eq!(
        (&picture["demand"], &picture["provision"]),
        (&json!(2), &json!(2))
    );
    let software = skill(&picture, "software");
    assert_eq!(software["wanted"][0]["number"], 200);
    assert_eq!(software["offered"]["places"], 72);
    let people = &skill(&picture, "foundation")["people"];
    // Three places of the one and five of the other, each with noise of variance 5.
    assert_eq!(people["variance"], 40);
    let count = people["count"].as_i64().unwrap();
    // Ten standard errors: no run is further off.
    assert!((count - 1_000).abs() <= 64, "{count}");
    assert_eq!(picture["statements"].as_array().unwrap().len(), 4);

    // Nothing is new: the sums stand in the place of the first, and nobody who was asked is counted again.
    let [node, _] = &nodes;
    let draft = prepared(node);
    assert_eq!(draft["demand"]["people"], Value::Null);
    approve(node, &draft);
    node.publish().done();
    let again = site.get("/api/v1/needs").json();
    assert_eq!(skill(&again, "software")["wanted"][0]["number"], 200);
    assert_eq!(skill(&again, "foundation")["people"], *people);
    let here = site.get("/api/v1/needs?place=E37000005").json();
    assert_eq!(skill(&here, "software")["wanted"][0]["number"], 100);
    assert_eq!(site.get("/needs").status, 200);
}
