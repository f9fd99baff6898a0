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
use crate::accounts::{
    self, Accounts, Act, By, Change, Chosen, Hash, Listed, ListedToken, RoleWords, SecondStep,
    SetUp, Tokens,
};
use crate::oidc::{Binding, Bound, Claim, Config, OpenId, Subject, Subjects};
use crate::people::{People, PeopleError, PersonRecord, Role, SignedIn};
use crate::secret::{self, Secret};
use crate::{Access, Clock, Entropy, Frame, Page, RoleTable, Rule, Site};

pub(super) const HERE: &str = "https://site.example";
/// When every account was connected.
const SINCE: &str = "2026-07-14T23:30:00Z";

#[derive(Clone, Default)]
pub(super) struct Register {
    pub(super) people: Arc<Mutex<HashMap<String, PersonRecord>>>,
    pub(super) subjects: Arc<Mutex<BTreeMap<Subject, String>>>,
    /// Whose set-up links there are; `None`: of the first of those who look after people.
    pub(super) links: Arc<Mutex<HashMap<Hash, Option<String>>>>,
    pub(super) tokens: Arc<Mutex<Vec<String>>>,
}

impl People for Register {
    async fn find(&self, name: &str) -> Result<Option<PersonRecord>, PeopleError> {
        Ok(self.people.lock().unwrap().get(name).cloned())
    }

    async fn names(&self) -> Result<Vec<String>, PeopleError> {
        Ok(self.people.lock().unwrap().keys().cloned().collect())
    }
}

impl Register {
    pub(super) fn end_sessions(&self, name: &str) {
        if let Some(person) = self.people.lock().unwrap().get_mut(name) {
            person.generation += 1;
        }
    }
}

/// What the pages of these tests ask for; nothing else is done.
#[async_trait]
impl Accounts for Register {
    fn roles(&self) -> Vec<RoleWords> {
        Vec::new()
    }

    fn history(&self) -> &'static str {
        "/mine"
    }

    async fn everybody(&self) -> Result<Vec<Listed>, PeopleError> {
        let subjects = self.subjects.lock().unwrap();
        let people = self.people.lock().unwrap();
        let listed = people.values().map(|person| Listed {
            name: person.name.clone(),
            role: person.role.to_string(),
            organisation: None,
            added_at: Timestamp::UNIX_EPOCH,
            locked_at: None,
            has_secret: person.secret_hash.is_some(),
            second_step: false,
            connected: subjects.values().any(|name| *name == person.name),
        });
        Ok(listed.collect())
    }

    async fn link(&self, link: Hash, now: Timestamp) -> Result<Option<SetUp>, PeopleError> {
        let links = self.links.lock().unwrap();
        Ok(links.get(&link).map(|person| SetUp {
            person: person.clone(),
            expires_at: now,
        }))
    }

    async fn second_step(&self, _name: &str) -> Result<Option<SecondStep>, PeopleError> {
        Ok(None)
    }

    async fn people_of_browser(&self, _browser: Hash) -> Result<Vec<String>, PeopleError> {
        Ok(Vec::new())
    }

    async fn change(&self, change: Change<'_>, _by: By<'_>) -> Result<Act, PeopleError> {
        let set = |name: &str, hash: &str| {
            let mut people = self.people.lock().unwrap();
            people.get_mut(name).unwrap().secret_hash = Some(hash.to_owned());
        };
        match change {
            Change::Browser { .. } => {}
            Change::Secret { name, secret_hash } => set(name, secret_hash),
            Change::TakeLink { link, name, chosen } => {
                let mut links = self.links.lock().unwrap();
                let Some(person) = links.get(&link).cloned() else {
                    return Ok(Act::Gone);
                };
                if let Chosen::Account(subject) = chosen {
                    let mut subjects = self.subjects.lock().unwrap();
                    if subjects.contains_key(subject) {
                        return Ok(Act::account_taken());
                    }
                    let name = person.clone().unwrap_or(name.to_owned());
                    subjects.insert(subject.clone(), name);
                }
                if person.is_none() {
                    let mut added = PersonRecord::new(name, Role::new("admin"), "");
                    added.secret_hash = None;
                    self.people.lock().unwrap().insert(name.into(), added);
                }
                if let Chosen::Secret(hash) = chosen {
                    set(person.as_deref().unwrap_or(name), hash);
                }
                links.remove(&link);
            }
            _ => return Ok(Act::Gone),
        }
        Ok(Act::Done)
    }

    fn tokens(&self) -> Option<&dyn Tokens> {
        Some(self)
    }
}

#[async_trait]
impl Tokens for Register {
    async fn of(&self, _name: &str) -> Result<Vec<ListedToken>, PeopleError> {
        Ok(Vec::new())
    }

    async fn keep(
        &self,
        label: &str,
        _token: Hash,
        _expires_at: Timestamp,
        by: By<'_>,
    ) -> Result<Act, PeopleError> {
        let kept = format!("{label} of {}", by.who);
        self.tokens.lock().unwrap().push(kept);
        Ok(Act::Done)
    }

    async fn end(&self, _id: i64, _by: By<'_>) -> Result<Act, PeopleError> {
        Ok(Act::Gone)
    }

    async fn owner(
        &self,
        _token: Hash,
        _now: Timestamp,
    ) -> Result<Option<PersonRecord>, PeopleError> {
        Ok(None)
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
            since: SINCE.parse().unwrap(),
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
    let mut rules = vec![
        Rule::get("/mine", Access::SignedIn),
        Rule::get("/api/v1/mine", Access::SignedIn),
    ];
    let managers = Access::Roles(&["admin"]);
    rules.extend(accounts::rules(managers, managers));
    rules.extend(accounts::token_rules());
    let entropy: Entropy = Arc::new(|| Box::new(ChaCha20Rng::seed_from_u64(2)));
    let site = Site::new(Frame::new("Site"), HERE, register.clone(), clock)
        .unwrap()
        .roles(RoleTable::new(rules))
        .accounts(register.clone(), entropy, managers)
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

    /// From now on no secret of theirs opens anything.
    pub(super) fn forgets_secret(&self, name: &str) {
        let mut people = self.register.people.lock().unwrap();
        people.get_mut(name).unwrap().secret_hash = None;
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
