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
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use reqwest::Url;
use serde_json::json;
use tempfile::NamedTempFile;
use tower::ServiceExt as _;

use super::NOW;
use super::service::Service;
use crate::oidc::{Binding, Bound, Claim, Config, OpenId, Subject, Subjects};
use crate::people::{People, PeopleError, PersonRecord, Role, SignedIn};
use crate::secret::{self, Secret};
use crate::{Access, Clock, Frame, Page, RoleTable, Rule, Site};

pub(super) const HERE: &str = "https://site.example";

#[derive(Clone, Default)]
pub(super) struct Register {
    pub(super) people: Arc<Mutex<HashMap<String, PersonRecord>>>,
    pub(super) subjects: Arc<Mutex<BTreeMap<Subject, String>>>,
}

impl People for Register {
    async fn find(&self, name: &str) -> Result<Option<PersonRecord>, PeopleError> {
        Ok(self.people.lock().unwrap().get(name).cloned())
    }
}

impl Register {
    pub(super) fn end_sessions(&self, name: &str) {
        if let Some(person) = self.people.lock().unwrap().get_mut(name) {
            person.generation += 1;
        }
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
            self.end_sessions(name);
        }
        Ok(is_theirs)
    }
}

pub(super) struct World {
    pub(super) service: Service,
    pub(super) register: Register,
    router: Router,
    pub(super) now: Arc<AtomicI64>,
    pub(super) secret: Secret,
    _client_secret: NamedTempFile,
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn location(&self) -> &str {
        self.headers[header::LOCATION].to_str().unwrap()
    }

    /// The cookie with this name, as a browser sends it back.
    pub(super) fn cookie(&self, name: &str) -> Option<String> {
        let all = self.headers.get_all(header::SET_COOKIE).iter();
        let mut all = all.map(|value| value.to_str().unwrap().split(';').next().unwrap());
        let found = all.find(|pair| pair.split('=').next() == Some(name));
        found.map(str::to_owned)
    }

    pub(super) fn session(&self) -> String {
        self.cookie("__Host-ldsp").expect("a session was opened")
    }

    pub(super) fn says(&self, status: u16, words: &str) {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        assert!(self.body.contains(words), "{words:?} in {}", self.body);
    }
}

/// A browser between leaving and coming back.
pub(super) struct Away {
    pub(super) cookie: String,
    pub(super) address: Url,
    pub(super) state: String,
}

pub(super) fn world() -> World {
    world_of(|_| {})
}

pub(super) fn world_of(change: impl FnOnce(&mut Config)) -> World {
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
    pub(super) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    pub(super) async fn get(&self, path: &str, cookie: &str) -> Answer {
        let request = Request::get(path).header(header::HOST, "site.example");
        let request = request.header(header::COOKIE, cookie);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(super) async fn post(
        &self,
        path: &str,
        cookie: &str,
        origin: &str,
        form: &[(&str, &str)],
    ) -> Answer {
        let request = Request::post(path)
            .header(header::HOST, "site.example")
            .header(header::ORIGIN, origin)
            .header(header::COOKIE, cookie)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let form = crate::oidc::fetch::form(form);
        self.send(request.body(Body::from(form)).unwrap()).await
    }

    pub(super) async fn by_secret(&self, name: &str) -> Answer {
        let secret = self.secret.reveal();
        let form = [("name", name), ("secret", &secret), ("next", "/mine")];
        self.post("/sign-in", "", HERE, &form).await
    }

    /// Follows the button, or the link to connect.
    pub(super) async fn leave(&self, path: &str, cookie: &str) -> Away {
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
    pub(super) async fn back(&self, away: &Away, session: &str) -> Answer {
        let query = [
            ("code", "c-1"),
            ("state", &away.state),
            ("iss", &self.service.issuer),
        ];
        self.back_with(&query, &format!("{}; {session}", away.cookie))
            .await
    }

    pub(super) async fn back_with(&self, query: &[(&str, &str)], cookie: &str) -> Answer {
        let query = crate::oidc::fetch::form(query);
        self.get(&format!("/sign-in/back?{query}"), cookie).await
    }

    /// The whole way.
    pub(super) async fn sign_in(&self) -> Answer {
        let away = self.leave("/sign-in/with?next=/mine", "").await;
        self.back(&away, "").await
    }

    pub(super) fn knows(&self, subject: &str, name: &str) {
        let subject = Subject::new(&self.service.issuer, Claim::Subject, subject).unwrap();
        let mut subjects = self.register.subjects.lock().unwrap();
        subjects.insert(subject, name.to_owned());
    }

    pub(super) fn advance(&self, seconds: i64) {
        self.now.fetch_add(seconds, Ordering::Relaxed);
        let now = self.now.load(Ordering::Relaxed);
        let mut told = self.service.told();
        told.claims["iat"] = json!(now);
        told.claims["exp"] = json!(now + 300);
    }
}
