//! The interface, asked as programs ask.

mod files;
mod first;
mod gather;
mod model;
mod months;
mod needs;
mod open;
mod people;
mod provider;
mod questionnaires;
mod rights;
mod work;

use std::collections::BTreeSet;

use axum::body::{Body, to_bytes};
use axum::http::request::Builder;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ldsp_protocol::problem::{self, MEDIA_TYPE, ProblemKind};
use serde_json::Value;
use tower::ServiceExt as _;

use super::*;
use crate::pages::tests::{EVERYBODY, PROGRAMMES, SECRET, World, learners, world};

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl Reply {
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|_| panic!("{} {:?}", self.status, self.text()))
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    fn header(&self, name: header::HeaderName) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Checks that this is a problem of `kind` with everything that one has.
    #[track_caller]
    fn is(&self, kind: ProblemKind) -> Value {
        let problem = self.json();
        assert_eq!(problem["code"], kind.code, "{problem:#}");
        assert_eq!(self.status.as_u16(), kind.status);
        assert_eq!(problem["status"], kind.status);
        assert_eq!(problem["type"], format!("/problems/{}", kind.code));
        assert_eq!(self.header(header::CONTENT_TYPE), MEDIA_TYPE);
        for member in ["title", "detail", "next"] {
            assert!(problem[member].as_str().is_some_and(|s| !s.is_empty()));
        }
        problem
    }
}

fn basic(name: &str, secret: &str) -> String {
    format!("Basic {}", BASE64.encode(format!("{name}:{secret}")))
}

async fn send(world: &World, request: Builder, body: impl Into<Body>) -> Reply {
    let request = request.body(body.into()).unwrap();
    let response = world.router.clone().oneshot(request).await.unwrap();
    Reply {
        status: response.status(),
        headers: response.headers().clone(),
        bytes: to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap()
            .to_vec(),
    }
}

/// As `who`, with their secret; a guest when empty.
fn from(who: &str, method: Method, path: &str) -> Builder {
    let request = Request::builder().method(method).uri(path);
    if who.is_empty() {
        return request;
    }
    request.header(header::AUTHORIZATION, basic(who, SECRET))
}

async fn get(world: &World, who: &str, path: &str) -> Reply {
    send(world, from(who, Method::GET, path), "").await
}

async fn post(world: &World, who: &str, path: &str, json: &str) -> Reply {
    let request = from(who, Method::POST, path).header(header::CONTENT_TYPE, "application/json");
    send(world, request, json.to_owned()).await
}

async fn upload(world: &World, path: &str, file: &str) -> Reply {
    let request = from("ann", Method::POST, path).header(header::CONTENT_TYPE, "text/csv");
    send(world, request, file.to_owned()).await
}

fn concrete(path: &str) -> String {
    path.replace("{period}", "2022-01")
        .replace("{name}", "Acme")
        .replace("{id}", "1")
        .replace("{seq}", "1")
}

#[test]
fn routes_roles_and_document_agree() {
    let document = serde_json::to_value(document("session")).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(operation["operationId"].is_string(), "{path}");
            assert!(operation["summary"].is_string(), "{path}");
            described.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let ruled: BTreeSet<_> = rules()
        .iter()
        .map(|rule| format!("{} {}", rule.method, rule.path))
        .collect();
    described.insert("GET /openapi.json".to_owned());
    assert_eq!(described, ruled);
    for rule in rules() {
        let method = rule.method.as_str().to_lowercase();
        let operation = &document["paths"][rule.path][method];
        if rule.path != "/openapi.json" {
            let open = operation["security"]
                .as_array()
                .unwrap()
                .contains(&serde_json::json!({}));
            assert_eq!(open, rule.access == Access::Public, "{}", rule.path);
        }
    }
}

#[tokio::test]
async fn each_role_has_its_routes_and_strangers_have_the_public_ones() {
    let world = world().await.with_everybody().await;
    world.released().await;
    let people = EVERYBODY.map(|(name, role, _)| (name, role.as_str()));
    for rule in rules() {
        let path = concrete(rule.path);
        for (who, role) in [("", "")].into_iter().chain(people) {
            let reply = if rule.method == Method::GET {
                get(&world, who, &path).await
            } else {
                let request = from(who, rule.method.clone(), &path)
                    .header(header::CONTENT_TYPE, "application/json");
                send(&world, request, "{}").await
            };
            let may = match rule.access {
                Access::Public => true,
                Access::SignedIn => !role.is_empty(),
                Access::Roles(roles) => roles.contains(&role),
            };
            let place = format!("{role} {} {path}: {}", rule.method, reply.status);
            if may {
                assert!(!reply.text().contains("missing from"), "{place}");
                assert_ne!(reply.status, StatusCode::UNAUTHORIZED, "{place}");
                assert_ne!(reply.status, StatusCode::FORBIDDEN, "{place}");
            } else if role.is_empty() {
                reply.is(problem::SIGN_IN);
                let challenge = reply.header(header::WWW_AUTHENTICATE);
                assert!(challenge.starts_with("LDSP-Secret "), "{place} {challenge}");
            } else {
                reply.is(problem::ROLE);
            }
            if rule.access != Access::Public {
                assert_eq!(reply.header(header::CACHE_CONTROL), "no-store", "{place}");
            }
        }
    }
}

#[tokio::test]
async fn a_session_of_the_pages_serves_too_but_not_for_other_sites() {
    let world = world().await;
    let as_page = |method, path, site| {
        Request::builder()
            .method(method)
            .uri(path)
            .header(header::COOKIE, &world.cookies["ann"])
            .header("sec-fetch-site", site)
            .header(header::CONTENT_TYPE, "application/json")
    };
    let status = send(
        &world,
        as_page(Method::GET, "/api/v1/status", "same-origin"),
        "",
    )
    .await;
    assert_eq!(status.json()["lep"], "E37000001");
    let foreign = as_page(Method::POST, "/api/v1/releases", "cross-site");
    send(&world, foreign, "{}").await.is(problem::ORIGIN);
    let own = as_page(Method::POST, "/api/v1/releases", "same-origin");
    assert_eq!(
        send(&world, own, "{}").await.is(problem::RELEASE)["reason"],
        "no-first-month"
    );
}

#[tokio::test]
async fn guessing_a_secret_is_throttled_as_at_sign_in() {
    let world = world().await;
    let guess = |credentials: String| {
        let request = Request::get("/api/v1/status").header(header::AUTHORIZATION, credentials);
        send(&world, request, "")
    };
    for malformed in ["Basic !", "Bearer x", "Basic YW5u", "Basic"] {
        for _ in 0..3 {
            guess(malformed.to_owned()).await.is(problem::SIGN_IN);
        }
    }
    assert_eq!(
        get(&world, "ann", "/api/v1/status").await.status,
        StatusCode::OK
    );
    for n in 0..5 {
        let wrong = guess(basic("ann", &format!("WRONG-{n}"))).await;
        let nobody = guess(basic(&format!("nobody{n}"), SECRET)).await;
        assert_eq!(
            wrong.is(problem::SIGN_IN)["detail"],
            nobody.is(problem::SIGN_IN)["detail"]
        );
    }
    let closed = guess(basic("ann", SECRET)).await;
    closed.is(problem::SIGN_IN);
    let wait: u64 = closed.header(header::RETRY_AFTER).parse().unwrap();
    assert!((1..=900).contains(&wait));
    assert_eq!(
        get(&world, "bob", "/api/v1/status").await.status,
        StatusCode::OK
    );
}

/// Several at once with the right secret do not close the name, and a new secret ends the old one.
#[tokio::test]
async fn a_right_secret_may_be_sent_often_until_it_is_replaced() {
    let world = world().await;
    let many = (0..20).map(|_| get(&world, "ann", "/api/v1/status"));
    for reply in futures::future::join_all(many).await {
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    }
    let store = &world.node.store;
    let other = ldsp_ui::secret::Secret::typed("ANOTHER");
    let hash = ldsp_ui::secret::hash(&other, &mut (crate::testing::seeded(5))()).unwrap();
    let now = crate::testing::at("2022-03-04T09:00:00Z");
    assert!(
        store
            .replace_secret("ann", &hash, "command line", now)
            .await
            .unwrap()
    );
    get(&world, "ann", "/api/v1/status")
        .await
        .is(problem::SIGN_IN);
    store
        .remove_person("bob", "command line", now)
        .await
        .unwrap();
    get(&world, "bob", "/api/v1/status")
        .await
        .is(problem::SIGN_IN);
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() {
    let world = world().await.with_everybody().await;
    for (who, path) in [
        ("ann", "/api/v1/nothing"),
        ("", "/v1/nothing"),
        ("ann", "/api/v1/releases/2021-01"),
        ("ann", "/api/v1/releases/x"),
        ("ann", "/api/v1/releases/2021-01/payload"),
        ("ann", "/api/v1/practice/9"),
        ("ann", "/api/v1/practice/01"),
        ("ann", "/api/v1/practice/99999999999999999999"),
        ("", "/v1/statements/1"),
        ("", "/v1/statements/0/receipt"),
    ] {
        get(&world, who, path).await.is(problem::NOT_FOUND);
    }
    for (who, path, allow) in [
        ("ann", "/api/v1/status", "GET, HEAD"),
        ("ann", "/api/v1/imports/learners", "POST"),
        ("", "/v1/node", "GET, HEAD"),
        ("", "/health/live", "GET, HEAD"),
        ("", "/openapi.json", "GET, HEAD"),
    ] {
        let reply = send(&world, from(who, Method::DELETE, path), "").await;
        reply.is(problem::METHOD);
        assert_eq!(reply.header(header::ALLOW), allow, "{path}");
    }
    for rule in rules().iter().filter(|r| r.path != "/openapi.json") {
        let who = match rule.access {
            Access::Roles(roles) if roles.contains(&"approver") => "bob",
            Access::Roles(["provider"]) => "pam",
            Access::Roles(["admin"]) => "ada",
            _ => "ann",
        };
        let path = format!("{}?surprise=1", concrete(rule.path));
        let request =
            from(who, rule.method.clone(), &path).header(header::CONTENT_TYPE, "application/json");
        send(&world, request, "{}").await.is(problem::PARAMETER);
    }
}

#[tokio::test]
async fn lists_go_page_by_page_and_take_no_other_cursor() {
    let world = world().await;
    for n in 0..5 {
        let file = PROGRAMMES.replace("Basics", &format!("Basics {n}"));
        let reply = upload(&world, "/api/v1/imports/programmes", &file).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
    }
    let mut path = "/api/v1/imports?limit=2".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = get(&world, "bob", &path).await.json();
        let items = page["items"].as_array().unwrap();
        seen.extend(items.iter().map(|item| item["id"].as_i64().unwrap()));
        match page["next"].as_str() {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);
    let cursor = path.split("cursor=").nth(1).unwrap();
    for list in ["releases", "practice", "statements"] {
        let foreign = format!("/api/v1/{list}?cursor={cursor}");
        get(&world, "ann", &foreign).await.is(problem::CURSOR);
        for limit in ["0", "101", "x", "-1", ""] {
            let path = format!("/api/v1/{list}?limit={limit}");
            get(&world, "ann", &path).await.is(problem::PARAMETER);
        }
    }
}
