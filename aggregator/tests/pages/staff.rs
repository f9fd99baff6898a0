//! Who may do what.

use axum::http::{StatusCode, header};
use ldsp_aggregator::pages;
use ldsp_aggregator::store::{Equivocation, Log, Registry};
use ldsp_protocol::ids::Digest;
use ldsp_protocol::keys::key_id;
use ldsp_ui::Access;

use crate::browser::{Browser, ROLES, post};
use crate::synthetic::{entry, leps};

#[tokio::test]
async fn the_state_of_the_log_says_what_to_do_when_it_lacks_leaves() {
    let browser = Browser::open().await;
    let path = "/operator/log";
    assert_eq!(browser.get(path).await.status, StatusCode::SEE_OTHER);
    let whole = browser.as_person("analyst", path, None).await.body;
    assert!(
        whole.contains("takes statements") && whole.contains("recovery begin"),
        "{whole}"
    );
    let service = &browser.world.service;
    browser.world.enrol(leps()[0]).await;
    service
        .recovery()
        .begin("Olu", service.now())
        .await
        .unwrap();
    let stopped = browser.as_person("operator", path, None).await.body;
    for words in [
        "takes nothing new",
        "Olu said that its database was restored",
        "What to do",
    ] {
        assert!(stopped.contains(words), "{stopped}");
    }
    // Nothing can be stated meanwhile.
    let store = &service.store;
    let node = store.node(&leps()[0].slug).await.unwrap().unwrap();
    let form = format!(
        "key={}&compared-black-country=yes",
        key_id(&node.key.unwrap())
    );
    let refused = browser
        .as_person(
            "operator",
            "/operator/nodes/black-country/approve",
            Some(&form),
        )
        .await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        refused.body.contains("being put back together"),
        "{}",
        refused.body
    );
    service
        .recovery()
        .go_on("Olu", "It was a test.", service.now())
        .await
        .unwrap();
    let whole = browser.as_person("operator", path, None).await.body;
    assert!(whole.contains("Olu: It was a test."), "{whole}");
}

#[tokio::test]
async fn operators_approve_after_comparing_and_analysts_only_read() {
    let browser = Browser::open().await;
    let (waiting, invited) = (leps()[0], leps()[1]);
    browser.world.enrol(waiting).await;
    browser.world.invite(invited).await;
    let store = &browser.world.service.store;
    let node = store.node(&waiting.slug).await.unwrap().unwrap();
    let id = key_id(&node.key.unwrap());
    let path = "/operator/nodes/black-country/approve";

    assert_eq!(
        browser.get("/operator/nodes").await.status,
        StatusCode::SEE_OTHER
    );
    let read = browser.as_person("analyst", "/operator/nodes", None).await;
    assert_eq!(read.status, StatusCode::OK);
    assert!(
        read.body.contains(&id.in_blocks()[..19])
            && !read
                .body
                .contains("<form method=\"post\" action=\"/operator")
    );
    let good = format!("key={id}&compared-black-country=yes");
    let refused = browser.as_person("analyst", path, Some(&good)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(
        store
            .node(&waiting.slug)
            .await
            .unwrap()
            .unwrap()
            .approved_by
            .is_none()
    );

    let shown = browser
        .as_person("operator", "/operator/nodes", None)
        .await
        .body;
    assert!(shown.contains("Cheshire and Warrington") && shown.contains("29 November 2026"));
    let hasty = browser
        .as_person("operator", path, Some(&format!("key={id}")))
        .await;
    assert_eq!(hasty.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        hasty.body.contains("There is a problem")
            && hasty.body.contains("href=\"#compared-black-country\"")
    );
    let other = format!("key={}&compared-black-country=yes", "0".repeat(64));
    let wrong = browser.as_person("operator", path, Some(&other)).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.body.contains("Do not approve"), "{}", wrong.body);
    assert!(
        store
            .node(&waiting.slug)
            .await
            .unwrap()
            .unwrap()
            .approved_by
            .is_none()
    );

    let done = browser.as_person("operator", path, Some(&good)).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert_eq!(
        done.headers[header::LOCATION],
        "/operator/nodes?approved=black-country"
    );
    assert_eq!(
        store
            .node(&waiting.slug)
            .await
            .unwrap()
            .unwrap()
            .approved_by
            .as_deref(),
        Some("operator")
    );
    let told = browser
        .as_person("operator", "/operator/nodes?approved=black-country", None)
        .await;
    assert!(told.body.contains("may publish now"));
    let untrue = browser
        .as_person(
            "operator",
            "/operator/nodes?approved=cheshire-warrington",
            None,
        )
        .await;
    assert!(!untrue.body.contains("may publish now"));
}

#[tokio::test]
async fn operators_see_which_node_signed_two_statements_for_one_place() {
    let mut browser = Browser::open().await;
    let lep = leps()[0];
    browser.world.join(lep).await;
    let month = "2026-10".parse().unwrap();
    browser.world.publish(lep, month, 1, 400).await;
    let before = browser.as_person("operator", "/operator/nodes", None).await;
    assert!(!before.body.contains("A conflict:"));
    let store = &browser.world.service.store;
    let logged = store.statement(&lep.slug, 1).await.unwrap().unwrap();
    let proof = Equivocation {
        node: lep.slug.clone(),
        seq: 1,
        logged: logged.pae,
        refused: Digest::of(b"another"),
        envelope: b"another".to_vec(),
        received: logged.received,
    };
    store.keep_evidence(&proof).await.unwrap();
    let after = browser.as_person("operator", "/operator/nodes", None).await;
    assert!(after.body.contains("A conflict:"), "{}", after.body);
    let lines = ldsp_aggregator::app::nodes(store).await.unwrap();
    assert_eq!(lines.0[0].conflicts, 1);
}

const EVERYBODY: &str = "operator analyst partner curator";

fn example(path: &str) -> String {
    let code = if path.starts_with("/leps") {
        "E37000001"
    } else {
        "gap"
    };
    path.replace("{measure}", "starts")
        .replace("{code}", code)
        .replace("{node}", "solent")
        .replace("{skill}", "software")
        .replace("{seq}", "1")
        .replace("{index}", "0")
        .replace("{name}", "Eve")
        .replace("{id}", "x")
        .replace("{token}", "x")
}

/// Every route of the pages as the router has it: its methods and path.
fn routes() -> Vec<(&'static str, &'static str)> {
    let sources = [
        include_str!("../../src/pages/mod.rs"),
        include_str!("../../src/pages/questionnaires/mod.rs"),
    ];
    let mut routes = Vec::new();
    let all = sources.into_iter().flat_map(|s| s.split(".route(").skip(1));
    for route in all {
        let path = route.split('"').nth(1).expect("a path");
        let handlers = route.split("\n        .").next().expect("its handlers");
        let handlers = handlers.split("\n}").next().expect("the last one's");
        for (call, method) in [("get(", "GET"), ("post(", "POST")] {
            if handlers.contains(call) {
                routes.push((method, path));
            }
        }
    }
    routes
}

#[test]
fn every_route_has_a_decision() {
    let routes = routes();
    assert!(routes.len() > 60, "{routes:?}");
    assert!(routes.contains(&("POST", "/operator/nodes/{node}/revoke")));
    assert_eq!(pages::roles().unlisted(routes), Vec::<String>::new());
}

#[tokio::test]
async fn each_role_may_what_the_table_says_and_nothing_else() {
    // What is not for everybody, and for whom it is: beside the table, so that a slip in it shows.
    let decided = [
        ("GET /shared", EVERYBODY),
        ("POST /shared/read", EVERYBODY),
        ("GET /curator", "operator analyst curator"),
        ("GET /curator/acts", "operator analyst curator"),
        ("GET /curator/{node}/{seq}", "operator analyst curator"),
        ("POST /curator/{node}/{seq}", "curator"),
        ("GET /operator/acts", "operator"),
        ("GET /operator/invites/new", "operator"),
        ("POST /operator/invites/new", "operator"),
        ("GET /operator/log", "operator analyst"),
        ("GET /operator/nodes", "operator analyst"),
        ("POST /operator/nodes/{node}/approve", "operator"),
        ("GET /operator/nodes/{node}/revoke", "operator"),
        ("POST /operator/nodes/{node}/revoke", "operator"),
        ("GET /api/v1/questionnaires", "operator analyst"),
        ("POST /api/v1/questionnaires", "operator"),
        ("GET /api/v1/questionnaires/{name}", "operator analyst"),
        (
            "GET /api/v1/questionnaires/{name}/answers",
            "operator analyst",
        ),
        (
            "GET /api/v1/questionnaires/{name}/answers.csv",
            "operator analyst",
        ),
        ("GET /api/v1/answers/{index}", "operator analyst"),
        ("GET /questionnaires", "operator analyst"),
        ("GET /questionnaires/new", "operator"),
        ("POST /questionnaires/new", "operator"),
        ("GET /questionnaires/asked/{name}", "operator analyst"),
        ("POST /questionnaires/asked/{name}/version", "operator"),
        (
            "GET /questionnaires/asked/{name}/leps/{code}",
            "operator analyst",
        ),
        ("GET /questionnaires/drafts/{name}", "operator analyst"),
        (
            "GET /questionnaires/drafts/{name}/preview",
            "operator analyst",
        ),
        ("GET /questionnaires/drafts/{name}/about", "operator"),
        ("POST /questionnaires/drafts/{name}/about", "operator"),
        ("GET /questionnaires/drafts/{name}/areas", "operator"),
        ("POST /questionnaires/drafts/{name}/areas", "operator"),
        ("GET /questionnaires/drafts/{name}/add", "operator"),
        ("POST /questionnaires/drafts/{name}/add", "operator"),
        (
            "GET /questionnaires/drafts/{name}/questions/{id}",
            "operator",
        ),
        (
            "POST /questionnaires/drafts/{name}/questions/{id}",
            "operator",
        ),
        (
            "GET /questionnaires/drafts/{name}/questions/{id}/when",
            "operator",
        ),
        (
            "POST /questionnaires/drafts/{name}/questions/{id}/when",
            "operator",
        ),
        (
            "POST /questionnaires/drafts/{name}/questions/{id}/move",
            "operator",
        ),
        (
            "POST /questionnaires/drafts/{name}/questions/{id}/remove",
            "operator",
        ),
        ("POST /questionnaires/drafts/{name}/issue", "operator"),
        ("POST /questionnaires/drafts/{name}/delete", "operator"),
        ("GET /account", EVERYBODY),
        ("GET /account/secret", EVERYBODY),
        ("POST /account/secret", EVERYBODY),
        ("GET /account/second-step", EVERYBODY),
        ("POST /account/second-step", EVERYBODY),
        ("POST /account/second-step/end", EVERYBODY),
        ("POST /account/sessions/end", EVERYBODY),
        ("GET /people", "operator analyst"),
        ("GET /people/new", "operator"),
        ("POST /people/new", "operator"),
        ("GET /people/{name}", "operator"),
        ("GET /people/{name}/role", "operator"),
        ("POST /people/{name}/role", "operator"),
        ("GET /people/{name}/remove", "operator"),
        ("POST /people/{name}/remove", "operator"),
        ("POST /people/{name}/link", "operator"),
        ("POST /people/{name}/lock", "operator"),
        ("POST /people/{name}/unlock", "operator"),
    ];
    let browser = Browser::open().await;
    let mut signed_in = Vec::new();
    for role in ROLES {
        signed_in.push((role, browser.sign_in(role).await.cookies()));
    }
    let solent = leps().into_iter().find(|l| l.slug.as_str() == "solent");
    browser
        .world
        .join(solent.expect("a LEP of this name"))
        .await;
    let mut seen = 0;
    for rule in pages::roles().rules() {
        let path = example(rule.path);
        if path.starts_with("/sign-") {
            continue;
        }
        let route = format!("{} {}", rule.method, rule.path);
        let who = decided.iter().find(|(one, _)| *one == route);
        assert_eq!(who.is_none(), rule.access == Access::Public, "{route}");
        seen += usize::from(who.is_some());
        let form = (rule.method == "POST").then_some("");
        for (role, cookies) in &signed_in {
            let answer = browser.with_cookies(cookies, &path, form).await;
            // Pages and programs are told in their own ways.
            let told = ["role_not_allowed", "\"code\":\"role\""];
            let is_refused = told.iter().any(|told| answer.body.contains(told));
            let may = who.is_none_or(|(_, roles)| roles.split(' ').any(|one| one == *role));
            assert_eq!(is_refused, !may, "{role} {route}: {}", answer.status);
            assert_eq!(is_refused, answer.status == StatusCode::FORBIDDEN);
        }
    }
    assert_eq!(seen, decided.len());
}

/// A route that is missing from the table would answer 403; a rule without a route 404.
#[tokio::test]
async fn the_role_table_and_the_routes_agree() {
    let browser = Browser::open().await;
    let solent = leps().into_iter().find(|l| l.slug.as_str() == "solent");
    let solent = solent.expect("a LEP of this name");
    browser.world.join(solent).await;
    browser.world.share(solent, entry("Shared", solent)).await;
    for rule in pages::roles().rules() {
        let path = example(rule.path);
        let answer = match rule.method.as_str() {
            "GET" => browser.get(&path).await,
            _ => browser.send(post(&path, None, "")).await,
        };
        let expected: &[u16] = match (rule.access, rule.path) {
            // This node never contradicted itself.
            (_, "/nodes/{node}/conflicts/{seq}") => &[404],
            // Nobody made a run.
            (_, "/runs/{index}" | "/runs/{index}/figures.csv") => &[404],
            (_, "/sign-in") => &[200, 400, 422],
            // A signed read is asked for where nobody has signed in.
            (_, "/v1/questionnaires/{name}/results") => &[401],
            (_, path) if path.starts_with("/api/") => &[401],
            // No link of this token was made, and nobody has shown a secret.
            (_, "/welcome/{token}") => &[410],
            (Access::Public, "/sign-out" | "/sign-in/code") => &[303],
            (Access::Public, _) => &[200],
            _ => &[303],
        };
        assert!(
            expected.contains(&answer.status.as_u16()),
            "{} {path}: {}",
            rule.method,
            answer.status
        );
        assert!(!answer.body.contains("route_not_listed"), "{path}");
    }
}
