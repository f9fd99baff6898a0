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

#[derive(Clone, Default)]
struct Register(Arc<Mutex<HashMap<String, PersonRecord>>>);

impl People for Register {
    async fn find(&self, name: &str) -> Result<Option<PersonRecord>, PeopleError> {
        if name == "broken" {
            return Err(PeopleError("disk on fire".into()));
        }
        Ok(self.0.lock().unwrap().get(name).cloned())
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
        Rule::get("/releases/{month}", Access::Roles(&["author", "approver"])),
        Rule::post("/approve", Access::Roles(&["approver"])),
        Rule::post("/note", Access::Roles(&["author"])),
        Rule::get("/panic", Access::Public),
    ])
}

fn world() -> World {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let secret = Secret::generate(&mut rng);
    let register = Register::default();
    for (name, role) in [("ada", "author"), ("bob", "approver")] {
        let person = PersonRecord {
            name: name.into(),
            role: Role::new(role),
            secret_hash: secret::hash(&secret, &mut rng).unwrap(),
        };
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
    let machine = Router::new().route(
        "/v1/thing",
        post(|| async { (StatusCode::CONFLICT, "machine answer") }),
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
async fn signing_in_opens_a_session_under_a_bound_cookie_and_leads_back() {
    let world = world();
    let sent_away = world.get("/releases/2026-10?show=all", None).await;
    assert_eq!(
        (sent_away.status, sent_away.location()),
        (
            StatusCode::SEE_OTHER,
            "/sign-in?next=/releases/2026-10%3Fshow%3Dall"
        )
    );
    let form = world.get(sent_away.location(), None).await;
    assert!(
        form.body
            .contains(r#"name="next" value="/releases/2026-10?show=all""#),
        "{}",
        form.body
    );

    let done = world
        .sign_in("ada", "%2Freleases%2F2026-10%3Fshow%3Dall")
        .await;
    assert_eq!(
        (done.status, done.location()),
        (StatusCode::SEE_OTHER, "/releases/2026-10?show=all")
    );
    let set = done.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(set.starts_with("__Host-ldsp="), "{set}");
    for attribute in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
        assert!(
            set.split("; ").any(|a| a == attribute),
            "{attribute} missing in {set}"
        );
    }
    assert!(!set.contains("Domain"), "{set}");

    let cookie = done.cookie();
    let page = world.get("/releases/2026-10", cookie.as_deref()).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
    assert!(
        page.body
            .contains("Signed in as <strong>ada</strong> (author)")
            && page.body.contains(r#"href="/mine""#)
    );
    let again = world.get("/sign-in", cookie.as_deref()).await;
    assert_eq!(again.location(), "/");
}

#[tokio::test]
async fn a_planted_session_id_is_not_taken_over() {
    let world = world();
    let first = world.sign_in("ada", "/").await.cookie().unwrap();
    let form = format!("name=bob&secret={}", world.secret.reveal());
    let second = world
        .post("/sign-in", Some(&first), "https://site.example", &form)
        .await;
    assert_eq!(second.status, StatusCode::SEE_OTHER);
    assert_ne!(second.cookie().unwrap(), first);
    assert_eq!(
        world.get("/mine", Some(&first)).await.status,
        StatusCode::SEE_OTHER,
        "the old id is dead"
    );
}

#[tokio::test]
async fn roles_decide_and_unlisted_routes_are_refused() {
    let world = world();
    let author = world.sign_in("ada", "/").await.cookie();
    let approver = world.sign_in("bob", "/").await.cookie();
    let here = "https://site.example";
    let refused = world.post("/approve", author.as_deref(), here, "").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(
        refused.body.contains("403 role_not_allowed")
            && refused.body.contains("You are signed in as author")
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
async fn signing_out_ends_the_session_on_the_server_and_in_the_browser() {
    let world = world();
    let cookie = world.sign_in("ada", "/").await.cookie();
    let out = world
        .post("/sign-out", cookie.as_deref(), "https://site.example", "")
        .await;
    assert_eq!((out.status, out.location()), (StatusCode::SEE_OTHER, "/"));
    let removal = "__Host-ldsp=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0";
    assert!(
        out.headers
            .get_all(header::SET_COOKIE)
            .iter()
            .any(|value| value == removal)
    );
    assert_eq!(
        world.get("/mine", cookie.as_deref()).await.location(),
        "/sign-in?next=/mine"
    );
}

#[tokio::test]
async fn sessions_end_when_idle_and_after_half_a_day() {
    let world = world();
    let cookie = world.sign_in("ada", "/").await.cookie();
    world.advance(29);
    assert_eq!(
        world.get("/mine", cookie.as_deref()).await.status,
        StatusCode::OK
    );
    world.advance(30);
    assert_eq!(
        world.get("/mine", cookie.as_deref()).await.status,
        StatusCode::SEE_OTHER,
        "idle"
    );

    let cookie = world.sign_in("ada", "/").await.cookie();
    for _ in 0..28 {
        world.advance(25);
        assert_eq!(
            world.get("/mine", cookie.as_deref()).await.status,
            StatusCode::OK
        );
    }
    world.advance(25);
    assert_eq!(
        world.get("/mine", cookie.as_deref()).await.status,
        StatusCode::SEE_OTHER,
        "12 hours are over"
    );
}

#[tokio::test]
async fn removing_a_person_a_new_role_and_a_new_secret_take_effect_at_once() {
    let world = world();
    let cookie = world.sign_in("ada", "/").await.cookie();
    world
        .register
        .0
        .lock()
        .unwrap()
        .get_mut("ada")
        .unwrap()
        .role = Role::new("approver");
    assert_eq!(
        world
            .post("/approve", cookie.as_deref(), "https://site.example", "")
            .await
            .location(),
        "/mine"
    );
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let other = secret::hash(&Secret::generate(&mut rng), &mut rng).unwrap();
    world
        .register
        .0
        .lock()
        .unwrap()
        .get_mut("ada")
        .unwrap()
        .secret_hash = other;
    assert_eq!(
        world.get("/mine", cookie.as_deref()).await.status,
        StatusCode::SEE_OTHER
    );

    let cookie = world.sign_in("bob", "/").await.cookie();
    world.register.0.lock().unwrap().remove("bob");
    assert_eq!(
        world.get("/mine", cookie.as_deref()).await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn wrong_attempts_say_nothing_about_names_and_close_the_name() {
    let world = world();
    let here = "https://site.example";
    let wrong = world
        .post("/sign-in", None, here, "name=ada&secret=nope")
        .await;
    let unknown = world
        .post("/sign-in", None, here, "name=eve&secret=nope")
        .await;
    assert_eq!(
        (wrong.status, unknown.status),
        (
            StatusCode::UNPROCESSABLE_ENTITY,
            StatusCode::UNPROCESSABLE_ENTITY
        )
    );
    assert_eq!(wrong.body.replace("ada", "eve"), unknown.body);
    assert!(wrong.body.contains("<title>Error: Sign in") && !wrong.body.contains("nope"));
    assert!(wrong.cookie().is_none());
    for _ in 0..4 {
        world
            .post("/sign-in", None, here, "name=ada&secret=nope")
            .await;
    }
    let closed = world.sign_in("ada", "/").await;
    assert_eq!(closed.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(closed.headers[header::RETRY_AFTER], "900");
    world.advance(15);
    assert_eq!(
        world.sign_in("ada", "/").await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(
        world
            .sign_in("ada", "https%3A%2F%2Fevil.example")
            .await
            .location(),
        "/"
    );
    let broken = world.sign_in("broken", "/").await;
    assert_eq!(broken.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!broken.body.contains("disk on fire"));
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
        (StatusCode::CONFLICT, "machine answer")
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
