//! A site and a service, asked as a browser asks.

use std::collections::{BTreeMap, HashMap};
use std::io::Write as _;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use reqwest::Url;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;
use tower::ServiceExt as _;

use super::service::Service;
use super::{Key, NOW, keys};
use crate::oidc::{Binding, Bound, Claim, Config, OpenId, Subject, Subjects};
use crate::people::{People, PeopleError, PersonRecord, Role, SignedIn};
use crate::secret::{self, Secret};
use crate::{Access, Clock, Frame, Page, RoleTable, Rule, Site};

const HERE: &str = "https://site.example";

#[derive(Clone, Default)]
struct Register {
    people: Arc<Mutex<HashMap<String, PersonRecord>>>,
    subjects: Arc<Mutex<BTreeMap<Subject, String>>>,
}

impl People for Register {
    async fn find(&self, name: &str) -> Result<Option<PersonRecord>, PeopleError> {
        Ok(self.people.lock().unwrap().get(name).cloned())
    }
}

#[async_trait]
impl Subjects for Register {
    async fn person(&self, subject: &Subject) -> Result<Option<String>, PeopleError> {
        Ok(self.subjects.lock().unwrap().get(subject).cloned())
    }

    async fn all(&self) -> Result<Vec<Bound>, PeopleError> {
        let subjects = self.subjects.lock().unwrap();
        let bound = |(subject, person): (&Subject, &String)| Bound {
            subject: subject.clone(),
            person: person.clone(),
            since: Timestamp::UNIX_EPOCH,
        };
        Ok(subjects.iter().map(bound).collect())
    }

    async fn bind(
        &self,
        name: &str,
        subject: &Subject,
        _by: &str,
        _now: Timestamp,
    ) -> Result<Binding, PeopleError> {
        if !self.people.lock().unwrap().contains_key(name) {
            return Ok(Binding::Nobody);
        }
        let mut subjects = self.subjects.lock().unwrap();
        let held = subjects.entry(subject.clone()).or_insert(name.to_owned());
        Ok(if held == name {
            Binding::Noted
        } else {
            Binding::Taken
        })
    }

    async fn unbind(
        &self,
        name: &str,
        subject: &Subject,
        _by: &str,
        _now: Timestamp,
    ) -> Result<bool, PeopleError> {
        let mut subjects = self.subjects.lock().unwrap();
        let is_theirs = subjects.get(subject).is_some_and(|held| held == name);
        if is_theirs {
            subjects.remove(subject);
        }
        Ok(is_theirs)
    }
}

struct World {
    service: Service,
    register: Register,
    router: Router,
    now: Arc<AtomicI64>,
    secret: Secret,
    _client_secret: NamedTempFile,
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

    /// The cookie with this name, as a browser sends it back.
    fn cookie(&self, name: &str) -> Option<String> {
        let all = self.headers.get_all(header::SET_COOKIE).iter();
        let mut all = all.map(|value| value.to_str().unwrap().split(';').next().unwrap());
        let found = all.find(|pair| pair.split('=').next() == Some(name));
        found.map(str::to_owned)
    }

    fn session(&self) -> String {
        self.cookie("__Host-ldsp").expect("a session was opened")
    }

    fn says(&self, status: u16, words: &str) {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        assert!(self.body.contains(words), "{words:?} in {}", self.body);
    }
}

/// A browser between leaving and coming back.
struct Away {
    cookie: String,
    address: Url,
    state: String,
}

fn world() -> World {
    world_of(|_| {})
}

fn world_of(change: impl FnOnce(&mut Config)) -> World {
    let service = Service::start();
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let secret = Secret::generate(&mut rng);
    let register = Register::default();
    for (name, role) in [("ada", "author"), ("bob", "admin")] {
        let hash = secret::hash(&secret, &mut rng).unwrap();
        let person = PersonRecord::new(name, Role::new(role), hash);
        register.people.lock().unwrap().insert(name.into(), person);
    }
    let mut client_secret = NamedTempFile::new().unwrap();
    client_secret.write_all(b"s3cret/+ %\n").unwrap();
    let mut config = Config {
        issuer: service.issuer.clone(),
        client_id: "ldsp".into(),
        client_secret_file: Some(client_secret.path().into()),
        name: "Council account".into(),
        ca_file: Some(service.authority.path().into()),
        required: false,
        claim: Claim::Subject,
    };
    change(&mut config);
    let now = Arc::new(AtomicI64::new(NOW));
    let clock: Clock = Arc::new({
        let now = now.clone();
        move || Timestamp::from_second(now.load(Ordering::Relaxed)).unwrap()
    });
    let open = OpenId::new(
        config,
        HERE,
        clock.clone(),
        [7; 32],
        register.clone(),
        &["admin"],
    )
    .unwrap();
    let pages =
        Router::new().route(
            "/mine",
            get(|person: SignedIn| async move {
                Page::new("Mine").body(format!("I am {}", person.name))
            }),
        );
    let programs = Router::new().route("/api/v1/mine", get(|_: SignedIn| async { "yes" }));
    let rules = [
        Rule::get("/mine", Access::SignedIn),
        Rule::get("/api/v1/mine", Access::SignedIn),
    ];
    let site = Site::new(Frame::new("Site"), HERE, register.clone(), clock)
        .unwrap()
        .roles(RoleTable::new(rules))
        .sign_in_service(open)
        .programs(programs);
    World {
        service,
        register,
        router: site.router(pages, Router::new()),
        now,
        secret,
        _client_secret: client_secret,
    }
}

impl World {
    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    async fn get(&self, path: &str, cookie: &str) -> Answer {
        let request = Request::get(path).header(header::HOST, "site.example");
        let request = request.header(header::COOKIE, cookie);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, cookie: &str, origin: &str, form: &[(&str, &str)]) -> Answer {
        let request = Request::post(path)
            .header(header::HOST, "site.example")
            .header(header::ORIGIN, origin)
            .header(header::COOKIE, cookie)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let form = crate::oidc::fetch::form(form);
        self.send(request.body(Body::from(form)).unwrap()).await
    }

    async fn by_secret(&self, name: &str) -> Answer {
        let secret = self.secret.reveal();
        let form = [("name", name), ("secret", &secret), ("next", "/mine")];
        self.post("/sign-in", "", HERE, &form).await
    }

    /// Follows the button, or the link to connect.
    async fn leave(&self, path: &str, cookie: &str) -> Away {
        let answer = self.get(path, cookie).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        let address = Url::parse(answer.location()).unwrap();
        let asked: HashMap<_, _> = address.query_pairs().into_owned().collect();
        self.service.told().claims["nonce"] = json!(asked["nonce"]);
        Away {
            cookie: answer.cookie("__Host-ldsp-with").unwrap(),
            state: asked["state"].clone(),
            address,
        }
    }

    /// Comes back with a code.
    async fn back(&self, away: &Away, session: &str) -> Answer {
        let query = [
            ("code", "c-1"),
            ("state", &away.state),
            ("iss", &self.service.issuer),
        ];
        self.back_with(&query, &format!("{}; {session}", away.cookie))
            .await
    }

    async fn back_with(&self, query: &[(&str, &str)], cookie: &str) -> Answer {
        let query = crate::oidc::fetch::form(query);
        self.get(&format!("/sign-in/back?{query}"), cookie).await
    }

    /// The whole way.
    async fn sign_in(&self) -> Answer {
        let away = self.leave("/sign-in/with?next=/mine", "").await;
        self.back(&away, "").await
    }

    fn knows(&self, subject: &str, name: &str) {
        let subject = Subject::new(&self.service.issuer, Claim::Subject, subject).unwrap();
        let mut subjects = self.register.subjects.lock().unwrap();
        subjects.insert(subject, name.to_owned());
    }

    fn advance(&self, seconds: i64) {
        self.now.fetch_add(seconds, Ordering::Relaxed);
        let now = self.now.load(Ordering::Relaxed);
        let mut told = self.service.told();
        told.claims["iat"] = json!(now);
        told.claims["exp"] = json!(now + 300);
    }
}

#[tokio::test]
async fn somebody_known_signs_in_and_lands_where_they_wanted() {
    let world = world();
    world.knows("u-1", "ada");
    world
        .get("/sign-in?next=/mine", "")
        .await
        .says(200, "href=\"/sign-in/with?next=/mine\" role=\"button\"");
    let away = world.leave("/sign-in/with?next=/mine", "").await;
    let asked: HashMap<_, _> = away.address.query_pairs().into_owned().collect();
    let sent = |name: &str| asked[name].as_str();
    assert_eq!(
        (
            sent("response_type"),
            sent("client_id"),
            sent("scope"),
            sent("tenant")
        ),
        ("code", "ldsp", "openid", "1")
    );
    assert_eq!(sent("redirect_uri"), "https://site.example/sign-in/back");
    assert_eq!(sent("code_challenge_method"), "S256");
    let answer = world.back(&away, "").await;
    assert_eq!(answer.location(), "/mine", "{}", answer.body);
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    assert_eq!(
        answer.cookie("__Host-ldsp-with").unwrap(),
        "__Host-ldsp-with="
    );
    {
        let told = world.service.told();
        assert_eq!(told.form["grant_type"], "authorization_code");
        assert_eq!(told.form["code"], "c-1");
        assert_eq!(told.form["redirect_uri"], sent("redirect_uri"));
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&told.form["code_verifier"]));
        assert_eq!(challenge, sent("code_challenge"));
        let basic = STANDARD.encode("ldsp:s3cret%2F%2B+%25");
        assert_eq!(told.authorization, Some(format!("Basic {basic}")));
        assert!(!told.form.contains_key("client_secret"));
    }
    let session = answer.session();
    world.get("/mine", &session).await.says(200, "I am ada");
    // Whoever an admin keeps out does not come in here either.
    let lock = |locked| {
        let mut people = world.register.people.lock().unwrap();
        people.get_mut("ada").unwrap().locked = locked;
    };
    lock(true);
    let refused = world.sign_in().await;
    refused.says(403, "An admin has locked your account here");
    assert_eq!(refused.cookie("__Host-ldsp"), None);
    lock(false);
    let session = world.sign_in().await.session();
    // Removal ends it, as it ends a session that a secret opened.
    world.register.people.lock().unwrap().remove("ada");
    let gone = world.get("/mine", &session).await;
    assert_eq!(gone.location(), "/sign-in?next=/mine");
}

#[tokio::test]
async fn somebody_unknown_hears_what_to_send_and_gets_no_account() {
    let world = world();
    world.service.told().claims["sub"] = json!("u<2>");
    let answer = world.sign_in().await;
    answer.says(403, "This account is not connected yet");
    answer.says(403, "Subject (sub): u&#60;2&#62;");
    assert!(answer.body.contains(&world.service.issuer));
    assert_eq!(answer.cookie("__Host-ldsp"), None);
    assert_eq!(world.register.people.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_person_connects_their_own_account_and_confirms_it() {
    let world = world();
    let ada = world.by_secret("ada").await.session();
    world
        .get("/sign-in/mine", &ada)
        .await
        .says(200, "Connect Council account");
    let away = world.leave("/sign-in/connect", &ada).await;
    let asked = world.back(&away, &ada).await;
    asked.says(200, "Is this you?");
    assert!(
        world.register.subjects.lock().unwrap().is_empty(),
        "not before it is confirmed"
    );
    let field = asked
        .body
        .split("name=\"proposal\" value=\"")
        .nth(1)
        .unwrap();
    let proposal = field.split('"').next().unwrap();
    let form = [("proposal", proposal)];
    let foreign = world
        .post("/sign-in/connect", &ada, "https://evil.example", &form)
        .await;
    foreign.says(403, "foreign_origin");
    let bob = world.by_secret("bob").await.session();
    world
        .post("/sign-in/connect", &bob, HERE, &form)
        .await
        .says(400, "sign_in_too_late");
    let forged = [("proposal", "e30.AAAA")];
    world
        .post("/sign-in/connect", &ada, HERE, &forged)
        .await
        .says(400, "sign_in_too_late");
    assert!(world.register.subjects.lock().unwrap().is_empty());
    world
        .post("/sign-in/connect", &ada, HERE, &form)
        .await
        .says(200, "The account is connected");
    assert_eq!(world.sign_in().await.location(), "/mine");

    // Nobody else connects the same account, and nobody else disconnects it.
    let away = world.leave("/sign-in/connect", &bob).await;
    let asked = world.back(&away, &bob).await;
    let field = asked
        .body
        .split("name=\"proposal\" value=\"")
        .nth(1)
        .unwrap();
    let form = [("proposal", field.split('"').next().unwrap())];
    world
        .post("/sign-in/connect", &bob, HERE, &form)
        .await
        .says(409, "account_taken");
    let issuer = world.service.issuer.clone();
    let chosen = [
        ("issuer", issuer.as_str()),
        ("claim", "sub"),
        ("value", "u-1"),
    ];
    world
        .post("/sign-in/disconnect", &bob, HERE, &chosen)
        .await
        .says(404, "");
    world
        .post("/sign-in/disconnect", &ada, HERE, &chosen)
        .await
        .says(200, "The account is disconnected");
    world.sign_in().await.says(403, "not connected yet");
}

#[tokio::test]
async fn a_proposal_is_for_the_one_who_left_and_not_for_long() {
    let world = world();
    let ada = world.by_secret("ada").await.session();
    let bob = world.by_secret("bob").await.session();
    let away = world.leave("/sign-in/connect", &ada).await;
    world
        .back(&away, &bob)
        .await
        .says(400, "sign_in_not_begun_here");
    world
        .back(&away, "")
        .await
        .says(400, "sign_in_not_begun_here");
    let asked = world.back(&away, &ada).await;
    let field = asked
        .body
        .split("name=\"proposal\" value=\"")
        .nth(1)
        .unwrap();
    let form = [("proposal", field.split('"').next().unwrap())];
    world.advance(601);
    world
        .post("/sign-in/connect", &ada, HERE, &form)
        .await
        .says(400, "sign_in_too_late");
}

#[tokio::test]
async fn an_answer_belongs_to_one_attempt_of_one_browser() {
    let world = world();
    world.knows("u-1", "ada");
    let issuer = world.service.issuer.clone();
    let (one, two) = (
        world.leave("/sign-in/with", "").await,
        world.leave("/sign-in/with", "").await,
    );
    let swapped = Away {
        cookie: two.cookie.clone(),
        ..one
    };
    for (query, cookie) in [
        (
            vec![
                ("code", "c"),
                ("state", swapped.state.as_str()),
                ("iss", issuer.as_str()),
            ],
            two.cookie.as_str(),
        ),
        (
            vec![
                ("code", "c"),
                ("state", swapped.state.as_str()),
                ("iss", issuer.as_str()),
            ],
            "",
        ),
        (
            vec![("code", "c"), ("iss", issuer.as_str())],
            two.cookie.as_str(),
        ),
        (
            vec![("state", two.state.as_str()), ("iss", issuer.as_str())],
            two.cookie.as_str(),
        ),
        (vec![], two.cookie.as_str()),
    ] {
        world
            .back_with(&query, cookie)
            .await
            .says(400, "sign_in_not_begun_here");
    }
    let twice = format!(
        "/sign-in/back?code=c&state={0}&state={0}&iss={issuer}",
        two.state
    );
    assert_eq!(
        world.get(&twice, &two.cookie).await.status,
        StatusCode::BAD_REQUEST
    );
    // The nonce in the token is that of the attempt.
    let away = world.leave("/sign-in/with", "").await;
    world.service.told().claims["nonce"] = json!("another");
    world
        .back(&away, "")
        .await
        .says(502, "sign_in_not_believed");
    let late = world.leave("/sign-in/with", "").await;
    world.advance(601);
    world.back(&late, "").await.says(400, "sign_in_too_late");
    assert_eq!(world.sign_in().await.location(), "/mine");
}

#[tokio::test]
async fn an_answer_of_another_service_is_not_taken() {
    let world = world();
    world.knows("u-1", "ada");
    for (iss, status) in [(Some("https://evil.example"), 502), (None, 502)] {
        let away = world.leave("/sign-in/with", "").await;
        let mut query = vec![("code", "c"), ("state", away.state.as_str())];
        query.extend(iss.map(|iss| ("iss", iss)));
        world
            .back_with(&query, &away.cookie)
            .await
            .says(status, "sign_in_service_unusable");
        // Nor is what it says of an error.
        query.push(("error", "access_denied"));
        world
            .back_with(&query, &away.cookie)
            .await
            .says(status, "sign_in_service_unusable");
    }
    assert!(
        world.service.told().form.is_empty(),
        "no code went anywhere"
    );
    // A service that does not promise the parameter need not send it.
    let quiet = self::world();
    quiet.knows("u-1", "ada");
    let name = "authorization_response_iss_parameter_supported";
    quiet.service.told().metadata[name] = json!(false);
    let away = quiet.leave("/sign-in/with?next=/mine", "").await;
    let query = [("code", "c"), ("state", away.state.as_str())];
    assert_eq!(
        quiet.back_with(&query, &away.cookie).await.location(),
        "/mine"
    );
}

#[tokio::test]
async fn what_the_service_refuses_is_said_in_words() {
    let world = world();
    let issuer = world.service.issuer.clone();
    for (error, words) in [
        ("access_denied", "You stopped there"),
        ("login_required", "It answered: login_required"),
        (
            "<script>alert(1)</script>",
            "It answered: an error without a name",
        ),
    ] {
        let away = world.leave("/sign-in/with", "").await;
        let query = [
            ("error", error),
            ("state", away.state.as_str()),
            ("iss", issuer.as_str()),
        ];
        world.back_with(&query, &away.cookie).await.says(403, words);
    }
    for (status, error, code) in [
        (400, "invalid_grant", (400, "sign_in_too_late")),
        (401, "invalid_client", (502, "sign_in_service_unusable")),
        (400, "invalid_scope", (403, "It answered: invalid_scope")),
        (
            503,
            "temporarily_unavailable",
            (503, "sign_in_service_unreachable"),
        ),
    ] {
        world.service.told().refuses = Some((status, json!({ "error": error })));
        world.sign_in().await.says(code.0, code.1);
    }
    world.service.told().refuses = Some((200, json!({"access_token": "x"})));
    world.sign_in().await.says(502, "sign_in_service_unusable");
}

#[tokio::test]
async fn clocks_that_differ_are_named() {
    let world = world();
    world.knows("u-1", "ada");
    for (iat, words) in [
        (NOW + 3600, "3600 s ahead"),
        (NOW - 3600, "is behind this server"),
    ] {
        world.service.told().claims["iat"] = json!(iat);
        let answer = world.sign_in().await;
        answer.says(502, "sign_in_clocks_differ");
        answer.says(502, words);
    }
}

#[tokio::test]
async fn keys_are_kept_and_asked_for_again_when_the_service_changes_them() {
    let world = world();
    world.knows("u-1", "ada");
    for _ in 0..3 {
        assert_eq!(world.sign_in().await.location(), "/mine");
    }
    assert_eq!(world.service.told().asked, (1, 1));
    // A new key, which is published before it is used.
    let next = Key::elliptic("next");
    {
        let mut told = world.service.told();
        told.key = next.clone();
        told.published = vec![next, keys()[2].clone()];
    }
    assert_eq!(world.sign_in().await.location(), "/mine");
    assert_eq!(world.service.told().asked, (1, 2));
    // A token of a key that nobody published makes nobody ask more than twice a minute.
    world.service.told().key = Key::elliptic("stranger");
    for _ in 0..3 {
        world.sign_in().await.says(502, "sign_in_not_believed");
    }
    assert_eq!(world.service.told().asked, (1, 2));
    world.advance(31);
    world.sign_in().await.says(502, "sign_in_not_believed");
    assert_eq!(world.service.told().asked, (1, 3));
    // A key that is taken back is believed for ten minutes at most.
    world.service.told().key = keys()[2].clone();
    assert_eq!(world.sign_in().await.location(), "/mine");
    world.service.told().published = Vec::new();
    world.advance(599);
    assert_eq!(world.sign_in().await.location(), "/mine");
    world.advance(1);
    world.sign_in().await.says(502, "sign_in_not_believed");
    world.advance(3600);
    world.sign_in().await.says(502, "sign_in_not_believed");
    assert_eq!(world.service.told().asked.0, 2);
}

#[tokio::test]
async fn a_service_that_is_not_as_agreed_is_not_used() {
    for (name, value) in [
        ("issuer", json!("https://evil.example")),
        ("token_endpoint", json!("http://127.0.0.1/token")),
        ("jwks_uri", json!("file:///etc/passwd")),
        ("authorization_endpoint", json!(null)),
        ("response_types_supported", json!(["id_token"])),
        ("code_challenge_methods_supported", json!(["plain"])),
    ] {
        let world = world();
        world.service.told().metadata[name] = value;
        let answer = world.get("/sign-in/with", "").await;
        answer.says(502, "sign_in_service_unusable");
    }
    let world = world();
    world.service.told().metadata["token_endpoint_auth_methods_supported"] =
        json!(["private_key_jwt"]);
    world.sign_in().await.says(502, "sign_in_service_unusable");
}

#[tokio::test]
async fn a_secret_goes_by_post_where_the_service_wants_it_so() {
    let world = world();
    world.knows("u-1", "ada");
    world.service.told().metadata["token_endpoint_auth_methods_supported"] =
        json!(["client_secret_post"]);
    assert_eq!(world.sign_in().await.location(), "/mine");
    assert_eq!(world.service.told().form["client_secret"], "s3cret/+ %");
    let public = world_of(|config| config.client_secret_file = None);
    public.knows("u-1", "ada");
    assert_eq!(public.sign_in().await.location(), "/mine");
    assert_eq!(public.service.told().form["client_id"], "ldsp");
    assert_eq!(public.service.told().authorization, None);
}

#[tokio::test]
async fn a_service_that_is_down_is_asked_again_later() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let world = world_of(|config| config.issuer = format!("https://{address}"));
    let answer = world.get("/sign-in/with", "").await;
    answer.says(503, "Council account does not answer");
    // An authority that is not the service's: nobody speaks for it.
    let other = Service::start();
    let path = other.authority.path().to_owned();
    let world = world_of(|config| config.ca_file = Some(path));
    world
        .get("/sign-in/with", "")
        .await
        .says(503, "does not answer");
    assert_eq!(world.service.told().asked, (0, 0));
}

#[tokio::test]
async fn where_it_is_required_secrets_open_nothing() {
    let world = world_of(|config| config.required = true);
    world.knows("u-1", "ada");
    let page = world.get("/sign-in", "").await;
    page.says(200, "Sign in with Council account");
    assert!(!page.body.contains("name=\"secret\""));
    world.by_secret("ada").await.says(403, "takes no secrets");
    let basic = STANDARD.encode(format!("ada:{}", world.secret.reveal()));
    let request =
        Request::get("/api/v1/mine").header(header::AUTHORIZATION, format!("Basic {basic}"));
    let refused = world.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{}", refused.body);
    assert_eq!(world.sign_in().await.location(), "/mine");
}

#[tokio::test]
async fn an_address_is_who_somebody_is_only_where_that_is_said() {
    let world = world_of(|config| config.claim = Claim::Email);
    let subject = Subject::new(&world.service.issuer, Claim::Email, "ada@example.org").unwrap();
    world
        .register
        .subjects
        .lock()
        .unwrap()
        .insert(subject, "ada".into());
    let away = world.leave("/sign-in/with", "").await;
    assert!(away.address.query().unwrap().contains("scope=openid+email"));
    world.sign_in().await.says(403, "sign_in_no_email");
    world.service.told().claims["email"] = json!("Ada@Example.org");
    world.sign_in().await.says(403, "sign_in_no_email");
    world.service.told().claims["email_verified"] = json!(true);
    assert_eq!(world.sign_in().await.location(), "/mine");
    // A subject that reads like somebody's address is not that address.
    let plain = self::world();
    let subject = Subject::new(&plain.service.issuer, Claim::Email, "ada@example.org").unwrap();
    plain
        .register
        .subjects
        .lock()
        .unwrap()
        .insert(subject, "ada".into());
    plain.service.told().claims["sub"] = json!("ada@example.org");
    plain.sign_in().await.says(403, "not connected yet");
}

#[tokio::test]
async fn administrators_note_who_is_whom_and_nobody_else_does() {
    let world = world();
    let (ada, bob) = (
        world.by_secret("ada").await.session(),
        world.by_secret("bob").await.session(),
    );
    let connect = |person, value| [("what", "connect"), ("person", person), ("value", value)];
    world
        .get("/sign-in/people", &ada)
        .await
        .says(403, "role_not_allowed");
    let form = connect("ada", "u-1");
    world
        .post("/sign-in/people", &ada, HERE, &form)
        .await
        .says(403, "role_not_allowed");
    assert_eq!(
        world.get("/sign-in/people", "").await.location(),
        "/sign-in?next=/sign-in/people"
    );
    world
        .get("/sign-in/people", &bob)
        .await
        .says(200, "Nobody is connected yet");
    for (person, value, words) in [
        ("eve", "u-1", "Nobody has this name here"),
        ("ada", "", "Enter what the service calls the person"),
    ] {
        let form = connect(person, value);
        world
            .post("/sign-in/people", &bob, HERE, &form)
            .await
            .says(422, words);
    }
    world
        .post("/sign-in/people", &bob, HERE, &connect("ada", " u-1 "))
        .await
        .says(200, "ada signs in with this account now");
    world
        .post("/sign-in/people", &bob, HERE, &connect("bob", "u-1"))
        .await
        .says(422, "Somebody else signs in");
    assert_eq!(world.sign_in().await.location(), "/mine");
    let issuer = world.service.issuer.clone();
    let form = [
        ("what", "disconnect"),
        ("person", "ada"),
        ("issuer", &issuer),
        ("claim", "sub"),
        ("value", "u-1"),
    ];
    world
        .post("/sign-in/people", &bob, HERE, &form)
        .await
        .says(200, "ada is disconnected");
    world.sign_in().await.says(403, "not connected yet");
}

#[tokio::test]
async fn an_address_that_brings_code_after_code_has_to_wait() {
    let world = world();
    world.service.told().refuses = Some((400, json!({"error": "invalid_grant"})));
    for _ in 0..30 {
        world.sign_in().await.says(400, "sign_in_too_late");
    }
    world.sign_in().await.says(429, "too_many_attempts");
}
