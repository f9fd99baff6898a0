//! The whole site, asked as a browser asks.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue};
use axum::routing::{get, post};
use http_body_util::BodyExt;
use jiff::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use tower::ServiceExt;

use super::*;
use crate::people::{PeopleError, PersonRecord, Role};
use crate::secret::{self, Secret};
use crate::{Access, Html, NavItem, Page, Rule};

mod people;

#[derive(Clone, Default)]
struct Register(Arc<Mutex<HashMap<String, PersonRecord>>>);

impl People for Register {
    async fn find(&self, name: &str) -> Result<Option<PersonRecord>, PeopleError> {
        if name == "broken" {
            return Err(PeopleError("disk on fire".into()));
        }
        Ok(self.0.lock().unwrap().get(name).cloned())
    }

    async fn names(&self) -> Result<Vec<String>, PeopleError> {
        Ok(self.0.lock().unwrap().keys().cloned().collect())
    }
}

struct World {
    router: Router,
    register: Register,
    now: Arc<AtomicI64>,
    secret: Secret,
}

fn rules() -> RoleTable {
    RoleTable::new([
        Rule::get("/", Access::Public),
        Rule::get("/mine", Access::SignedIn),
        Rule::get(
            "/releases/{month}",
            Access::Roles(&["coordinator", "approver"]),
        ),
        Rule::post("/approve", Access::Roles(&["approver"])),
        Rule::post("/note", Access::Roles(&["coordinator"])),
        Rule::get("/panic", Access::Public),
    ])
}

fn world() -> World {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let secret = Secret::generate(&mut rng);
    let register = Register::default();
    for (name, role) in [("ada", "coordinator"), ("bob", "approver")] {
        let hash = secret::hash(&secret, &mut rng).unwrap();
        let person = PersonRecord::new(name, Role::new(role), hash);
        register.0.lock().unwrap().insert(name.into(), person);
    }
    let now = Arc::new(AtomicI64::new(1_800_000_000));
    let clock: Clock = Arc::new({
        let now = now.clone();
        move || Timestamp::from_second(now.load(Ordering::Relaxed)).unwrap()
    });
    let mut frame = Frame::new("Test site");
    frame.people_sign_in = true;
    frame.nav = vec![
        NavItem::public("Home", "/"),
        NavItem::signed_in("Mine", "/mine"),
    ];
    let pages = Router::new()
        .route(
            "/",
            get(|| async { Page::new("Test site").body("Welcome") }),
        )
        .route(
            "/mine",
            get(|person: SignedIn| async move { Page::new("Mine").body(person.name) }),
        )
        .route(
            "/releases/{month}",
            get(|| async { Page::new("Release").body(Html::paragraph("x")) }),
        )
        .route(
            "/approve",
            post(|| async { crate::people::see_other("/mine") }),
        )
        .route(
            "/note",
            post(
                |axum::Form(note): axum::Form<HashMap<String, u8>>| async move {
                    note.len().to_string()
                },
            ),
        )
        .route(
            "/panic",
            get(|| async {
                if true {
                    panic!("canary-in-panic")
                }
            }),
        )
        .route("/forgotten", get(|| async { "never seen" }));
    let machine = Router::new()
        .route("/v1/thing", post(|| async { "machine answer" }))
        .route(
            "/v1/full",
            get(|| async { StatusCode::SERVICE_UNAVAILABLE }),
        )
        .route(
            "/api/v1/panic",
            get(|| async {
                if true {
                    panic!("canary-in-panic")
                }
            }),
        );
    let site = Site::new(frame, "https://site.example", register.clone(), clock)
        .unwrap()
        .roles(rules());
    World {
        router: site.router(pages, machine),
        register,
        now,
        secret,
    }
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn location(&self) -> &str {
        self.headers[header::LOCATION].to_str().unwrap()
    }

    fn cookie(&self) -> Option<String> {
        let set = self
            .headers
            .get_all(header::SET_COOKIE)
            .iter()
            .next()?
            .to_str()
            .unwrap();
        Some(set.split(';').next().unwrap().to_owned())
    }
}

impl World {
    async fn send(&self, request: Request) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    async fn get(&self, path: &str, cookie: Option<&str>) -> Answer {
        let mut request = Request::get(path).header(header::HOST, "site.example");
        if let Some(cookie) = cookie {
            request = request.header(header::COOKIE, cookie);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, cookie: Option<&str>, origin: &str, form: &str) -> Answer {
        let mut request = Request::post(path)
            .header(header::HOST, "site.example")
            .header(header::ORIGIN, origin)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(cookie) = cookie {
            request = request.header(header::COOKIE, cookie);
        }
        self.send(request.body(Body::from(form.to_owned())).unwrap())
            .await
    }

    async fn sign_in(&self, name: &str, next: &str) -> Answer {
        let form = format!("name={name}&secret={}&next={next}", self.secret.reveal());
        self.post("/sign-in", None, "https://site.example", &form)
            .await
    }

    fn advance(&self, minutes: i64) {
        self.now.fetch_add(minutes * 60, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let world = world();
    for path in ["/", "/nowhere", "/panic", "/v1/thing", "/assets/x/site.css"] {
        let answer = world.get(path, None).await;
        assert_eq!(
            answer.headers["content-security-policy"],
            headers::CONTENT_SECURITY_POLICY,
            "{path}"
        );
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        assert_eq!(
            answer.headers["strict-transport-security"],
            "max-age=31536000"
        );
        assert_eq!(answer.headers["referrer-policy"], "same-origin");
        assert_eq!(answer.headers["cross-origin-opener-policy"], "same-origin");
        assert_eq!(
            answer.headers["cross-origin-resource-policy"],
            "same-origin"
        );
        assert!(answer.headers.contains_key("permissions-policy"));
    }
    let page = world.get("/", None).await;
    assert!(
        !page.body.contains("<script>")
            && !page.body.contains("style=")
            && !page.body.contains("onclick")
    );
}

#[tokio::test]
async fn roles_decide_and_unlisted_routes_are_refused() {
    let world = world();
    let coordinator = world.sign_in("ada", "/").await.cookie();
    let approver = world.sign_in("bob", "/").await.cookie();
    let here = "https://site.example";
    let refused = world
        .post("/approve", coordinator.as_deref(), here, "")
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(
        refused.body.contains("403 role_not_allowed")
            && refused.body.contains("You are signed in as coordinator")
    );
    assert_eq!(
        world
            .post("/approve", approver.as_deref(), here, "")
            .await
            .location(),
        "/mine"
    );
    assert_eq!(
        world.post("/approve", None, here, "").await.location(),
        "/sign-in"
    );
    let forgotten = world.get("/forgotten", approver.as_deref()).await;
    assert_eq!(forgotten.status, StatusCode::FORBIDDEN);
    assert!(!forgotten.body.contains("never seen"));
    assert_eq!(
        world.post("/", None, here, "").await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
}

#[tokio::test]
async fn forms_from_other_sites_are_refused() {
    let world = world();
    let cookie = world.sign_in("bob", "/").await.cookie();
    for origin in [
        "https://evil.example",
        "null",
        "http://site.example.evil.example",
    ] {
        let refused = world.post("/approve", cookie.as_deref(), origin, "").await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{origin}");
        assert!(
            refused.body.contains("403 foreign_origin"),
            "{}",
            refused.body
        );
    }
    let refused = world
        .post("/sign-in", None, "https://evil.example", "name=a&secret=b")
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn faults_and_refusals_are_pages_without_details() {
    let world = world();
    let missing = world.get("/nowhere", None).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert!(
        missing.body.contains("404 page_not_found") && missing.body.contains("What to do next")
    );
    assert_eq!(
        missing.headers[header::CONTENT_TYPE],
        "text/html; charset=utf-8"
    );
    let panicked = world.get("/panic", None).await;
    assert_eq!(panicked.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(panicked.body.contains("500 internal_fault") && !panicked.body.contains("canary"));

    let cookie = world.sign_in("ada", "/").await.cookie();
    let unreadable = world
        .post("/note", cookie.as_deref(), "https://site.example", "n=many")
        .await;
    assert_eq!(unreadable.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        unreadable.body.contains("422 form_not_understood"),
        "{}",
        unreadable.body
    );
    assert_eq!(unreadable.headers[header::CACHE_CONTROL], "no-store");
    let large = format!("n={}", "1".repeat(BODY_BYTES));
    let large = world
        .post("/note", cookie.as_deref(), "https://site.example", &large)
        .await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(large.body.contains("413 too_large"));
}

#[tokio::test]
async fn programs_get_their_answers_unchanged() {
    let world = world();
    let answer = world
        .post("/v1/thing", None, "https://elsewhere.example", "")
        .await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (StatusCode::OK, "machine answer")
    );
}

#[tokio::test]
async fn a_method_that_the_table_does_not_name_never_reaches_a_handler() {
    let clock: Clock = Arc::new(|| Timestamp::UNIX_EPOCH);
    let frame = Frame::new("Test site");
    let site = Site::new(frame, "https://site.example", crate::Nobody, clock).unwrap();
    let roles = RoleTable::new([
        Rule::get("/api/v1/thing", Access::Public),
        Rule::post("/api/v1/thing", Access::Roles(&["approver"])),
        Rule::post("/api/v1/own", Access::SignedIn),
    ]);
    let never = async || "never seen";
    let routes = Router::new()
        .route(
            "/api/v1/thing",
            get(async || "thing").delete(never).post(never),
        )
        .route("/api/v1/own", get(never).options(never).post(never))
        .layer(middleware::from_fn(crate::api::public_reads));
    let router = site.roles(roles).programs(routes);
    let router = router.router(Router::new(), Router::new());
    for (method, path, allow) in [
        ("DELETE", "/api/v1/thing", "GET, POST, HEAD"),
        ("PUT", "/api/v1/thing", "GET, POST, HEAD"),
        ("GET", "/api/v1/own", "POST"),
        ("HEAD", "/api/v1/own", "POST"),
        ("OPTIONS", "/api/v1/own", "POST"),
    ] {
        let request = Request::builder().method(method).uri(path);
        let request = request.body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 405, "{method} {path}");
        assert_eq!(response.headers()[header::ALLOW], allow, "{method} {path}");
    }
    let preflight = Request::options("/api/v1/thing")
        .header(header::ORIGIN, "https://elsewhere.example")
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "GET");
    let preflight = preflight.body(Body::empty()).unwrap();
    let response = router.oneshot(preflight).await.unwrap();
    assert_eq!(
        response.status(),
        204,
        "other sites may read what is public"
    );
}

#[tokio::test]
async fn every_refusal_to_a_program_is_a_problem_with_a_help_page() {
    let world = world();
    for (path, status, code) in [
        ("/v1", 404, "not-found"),
        ("/v1/", 404, "not-found"),
        ("/v1/other/%FF", 404, "not-found"),
        ("/api/v1/other", 404, "not-found"),
        ("/api/v2", 404, "not-found"),
        ("/health/other", 404, "not-found"),
        ("/v1/thing", 405, "method"),
        ("/v1/full", 503, "storage"),
        ("/api/v1/panic", 500, "internal"),
    ] {
        let answer = world.get(path, None).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(
            answer.headers[header::CONTENT_TYPE],
            "application/problem+json",
            "{path}"
        );
        let problem: api::Problem = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(problem.type_uri, format!("/problems/{code}"), "{path}");
        assert_eq!(problem.status, status, "{path}");
        assert!(!answer.body.contains("canary"), "{path}");
        let allow = answer.headers.get(header::ALLOW);
        assert_eq!(allow.is_some(), status == 405, "{path}");
    }
    assert!(
        world.get("/apiary", None).await.body.contains("<h1"),
        "people get pages"
    );
}

#[tokio::test]
async fn pages_are_compressed_for_the_public_only() {
    let world = world();
    let encoded = |cookie: Option<String>| {
        let mut request = Request::get("/").header(header::ACCEPT_ENCODING, "gzip");
        if let Some(cookie) = cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let request = request.body(Body::empty()).unwrap();
        let router = world.router.clone();
        async move {
            router
                .oneshot(request)
                .await
                .unwrap()
                .headers()
                .get(header::CONTENT_ENCODING)
                .cloned()
        }
    };
    assert_eq!(encoded(None).await, Some(HeaderValue::from_static("gzip")));
    let cookie = world.sign_in("ada", "/").await.cookie();
    assert_eq!(encoded(cookie).await, None);
}

#[test]
fn only_https_origins_and_plain_cookie_names_make_a_site() {
    let clock: Clock = Arc::new(|| Timestamp::UNIX_EPOCH);
    let site = |origin: &str| Site::new(Frame::new("x"), origin, crate::Nobody, clock.clone());
    for bad in [
        "http://site.example",
        "site.example",
        "https://site.example/path",
        "https://site.example/",
    ] {
        assert!(matches!(site(bad), Err(SiteError::Origin { .. })), "{bad}");
    }
    assert!(site("https://site.example:8443").unwrap().hsts);
    for unnamed in [
        "https://127.0.0.1:8443",
        "https://localhost:1",
        "https://[::1]:1",
        "https://a.localhost",
    ] {
        assert!(!site(unnamed).unwrap().hsts, "{unnamed}");
    }
    assert!(
        site("https://site.example")
            .unwrap()
            .cookie_suffix("essex; Domain=x")
            .is_err()
    );
    assert_eq!(
        site("https://site.example")
            .unwrap()
            .cookie_suffix("essex-1")
            .unwrap()
            .cookie,
        "__Host-ldsp-essex-1"
    );
}

#[test]
fn the_table_names_every_route() {
    let routes = [
        ("GET", "/"),
        ("GET", "/mine"),
        ("GET", "/releases/{month}"),
        ("POST", "/approve"),
        ("GET", "/forgotten"),
    ];
    assert_eq!(rules().unlisted(routes), ["GET /forgotten"]);
}
