//! The routes below `/sign-in/`.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, DefaultBodyLimit, Form, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use serde::{Deserialize, Serialize};
use tower_sessions::Session;

use super::attempt::{Attempt, LIFE, Purpose};
use super::pages::{self, Draft};
use super::subject::{Binding, Claim, Subject};
use super::trouble::Trouble;
use super::{BACK, CONNECT, DISCONNECT, MINE, OUT, OUT_THERE, OpenId, PEOPLE, WITH};
use crate::accounts::{Desk, Peer};
use crate::headers::no_store;
use crate::people::{PeopleError, SignedIn, see_other};
use crate::problem::ProblemPage;
use crate::throttle::Caller;
use crate::{session, sign_in};

const FORM_BYTES: usize = 8 * 1024;

#[derive(Clone)]
struct Way {
    open: Arc<OpenId>,
    desk: Desk,
    /// Name of the cookie that an attempt is kept in.
    cookie: Arc<str>,
}

/// The routes, or none on a site without a service.
pub(crate) fn router(desk: &Desk) -> Router {
    let Some(open) = desk.service.clone() else {
        return Router::new();
    };
    let way = Way {
        open,
        desk: desk.clone(),
        cookie: format!("{}-with", desk.cookie).into(),
    };
    Router::new()
        .route(WITH, get(leave))
        .route(BACK, get(back))
        .route(MINE, get(mine))
        .route(CONNECT, get(leave_to_connect).post(connect))
        .route(DISCONNECT, post(disconnect))
        .route(PEOPLE, get(everybody).post(change))
        .route(OUT, get(out))
        .route(OUT_THERE, get(out_there))
        .layer(DefaultBodyLimit::max(FORM_BYTES))
        .with_state(way)
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    next: String,
}

async fn leave(
    State(way): State<Way>,
    Query(wanted): Query<Wanted>,
    person: Option<SignedIn>,
) -> Response {
    let next = sign_in::local(&wanted.next);
    if person.is_some() {
        return see_other(next);
    }
    way.leave(Purpose::SignIn(next.to_owned())).await
}

async fn leave_to_connect(State(way): State<Way>, person: SignedIn) -> Response {
    way.leave(Purpose::Connect(person.name)).await
}

/// What the service sends the browser back with (RFC 6749, section 4.1.2; RFC 9207).
#[derive(Deserialize)]
struct Answer {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

async fn back(
    State(way): State<Way>,
    session: Session,
    person: Option<SignedIn>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    Query(answer): Query<Answer>,
) -> Response {
    let name = &way.open.service.config.name;
    let address = peer.map(|Extension(ConnectInfo(peer))| peer.ip());
    let mut response = match way.came_back(&headers, &answer, address).await {
        Err(Stop::Trouble(trouble)) => trouble.respond(name),
        Err(Stop::Wait(wait)) => sign_in::too_many(wait),
        Ok((subject, Purpose::SignIn(next))) => {
            way.open_session(&session, &headers, subject, &next).await
        }
        Ok((subject, Purpose::Connect(who))) => match person {
            Some(person) if person.name == who => way.propose(&who, subject).await,
            _ => Trouble::Unmatched.respond(name),
        },
    };
    // An answer is good for one attempt, whatever came of it. Its page names a subject and its address had the code.
    no_store(response.headers_mut());
    if let Ok(cookie) = HeaderValue::try_from(way.crumb("", 0)) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

enum Stop {
    Trouble(Trouble),
    Wait(jiff::SignedDuration),
}

impl From<Trouble> for Stop {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

/// What a hidden field of the confirmation holds: only for whom it was made, and not for long.
#[derive(Serialize, Deserialize)]
struct Proposal {
    person: String,
    subject: Subject,
    at: i64,
}

impl Way {
    fn crumb(&self, value: &str, seconds: i64) -> String {
        format!(
            "{}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={seconds}",
            self.cookie
        )
    }

    async fn leave(&self, purpose: Purpose) -> Response {
        let attempt = self.open.seal.begin(purpose, (self.open.clock)());
        let address = match self.open.service.address(&attempt).await {
            Ok(address) => address,
            Err(trouble) => return trouble.respond(&self.open.service.config.name),
        };
        let crumb = self.crumb(&attempt.cookie, LIFE.as_secs());
        let (Ok(address), Ok(crumb)) =
            (HeaderValue::try_from(address), HeaderValue::try_from(crumb))
        else {
            return ProblemPage::fault().into_response();
        };
        let mut response = StatusCode::SEE_OTHER.into_response();
        let headers = response.headers_mut();
        headers.insert(header::LOCATION, address);
        headers.insert(header::SET_COOKIE, crumb);
        no_store(headers);
        response
    }

    /// Who came back, and what for.
    async fn came_back(
        &self,
        headers: &HeaderMap,
        answer: &Answer,
        address: Option<std::net::IpAddr>,
    ) -> Result<(Subject, Purpose), Stop> {
        let attempt = self.attempt(headers, answer.state.as_deref().unwrap_or_default())?;
        let service = &self.open.service;
        // Before anything else that the answer says is believed.
        service.is_from(answer.iss.as_deref()).await?;
        if let Some(error) = &answer.error {
            return Err(Trouble::refused(error).into());
        }
        let code = answer.code.as_deref().ok_or(Trouble::Unmatched)?;
        let (throttle, now) = (&self.open.throttle, (self.open.clock)());
        let caller = Caller {
            name: &attempt.state,
            address,
            browser: None,
        };
        if let Some(wait) = throttle.wait(caller, now) {
            return Err(Stop::Wait(wait));
        }
        throttle.attempt(caller, now);
        let subject = service.redeem(code, &attempt).await?;
        throttle.succeeded(caller);
        Ok((subject, attempt.purpose))
    }

    /// The attempt of this browser that `state` belongs to.
    fn attempt(&self, headers: &HeaderMap, state: &str) -> Result<Attempt, Trouble> {
        let cookie = cookie(headers, &self.cookie).ok_or(Trouble::Unmatched)?;
        if !self.open.seal.is_state(cookie, state) {
            return Err(Trouble::Unmatched);
        }
        let attempt = self.open.seal.read(cookie).ok_or(Trouble::Unmatched)?;
        let age = (self.open.clock)().duration_since(attempt.started);
        if age > LIFE {
            return Err(Trouble::Late);
        }
        Ok(attempt)
    }

    async fn open_session(
        &self,
        session: &Session,
        headers: &HeaderMap,
        subject: Subject,
        next: &str,
    ) -> Response {
        let found = match self.open.subjects.person(&subject).await {
            Ok(Some(name)) => self.desk.checker.people.find_boxed(&name).await,
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        let config = &self.open.service.config;
        match found {
            Ok(Some(person)) if person.locked => {
                ProblemPage::forbidden("An admin has locked your account here.")
                    .next("Ask the person who runs this site to let you in again.")
                    .into_response()
            }
            Ok(Some(person)) => {
                let opened = self.desk.open(session, headers, &person, next).await;
                // Signing out offers to sign out there too.
                match session::note_service(session).await {
                    Ok(()) => opened.unwrap_or_else(IntoResponse::into_response),
                    Err(error) => {
                        tracing::error!(%error, "a session could not be opened");
                        ProblemPage::fault().into_response()
                    }
                }
            }
            Ok(None) => {
                pages::unknown(&subject, &config.name, self.open.takes_secrets()).into_response()
            }
            Err(error) => store_trouble(&error),
        }
    }

    async fn propose(&self, person: &str, subject: Subject) -> Response {
        let proposal = Proposal {
            person: person.to_owned(),
            subject,
            at: (self.open.clock)().as_second(),
        };
        let field = self.open.seal.close(&proposal);
        match self.has_secret(person).await {
            Ok(has) => self.asks(&proposal, &field, has.then_some(None)),
            Err(error) => store_trouble(&error),
        }
    }

    fn asks(&self, proposal: &Proposal, field: &str, secret: Option<Option<String>>) -> Response {
        let name = &self.open.service.config.name;
        let (person, subject) = (&proposal.person, &proposal.subject);
        pages::confirm(person, subject, name, field, secret).into_response()
    }

    /// Whether a secret of this person opens anything here: an account that is connected outlasts the session, so it is asked for again.
    async fn has_secret(&self, person: &str) -> Result<bool, PeopleError> {
        if !self.open.takes_secrets() {
            return Ok(false);
        }
        let found = self.desk.checker.people.find_boxed(person).await?;
        Ok(found.is_some_and(|person| person.secret_hash.is_some()))
    }

    async fn mine(&self, person: &SignedIn, done: Option<&str>) -> Response {
        match self.open.subjects.all().await {
            Ok(mut all) => {
                all.retain(|one| one.person == person.name);
                let name = &self.open.service.config.name;
                pages::mine(&all, name, self.open.takes_secrets(), done).into_response()
            }
            Err(error) => store_trouble(&error),
        }
    }

    async fn everybody(&self, draft: &Draft, done: Option<&str>) -> Response {
        let config = &self.open.service.config;
        match self.open.subjects.all().await {
            Ok(all) => {
                pages::people(&all, &config.issuer, config.claim, draft, done).into_response()
            }
            Err(error) => store_trouble(&error),
        }
    }

    async fn unbind(&self, name: &str, chosen: &Chosen, by: &str) -> Result<bool, PeopleError> {
        let Some(subject) = chosen.subject() else {
            return Ok(false);
        };
        let now = (self.open.clock)();
        self.open.subjects.unbind(name, &subject, by, now).await
    }
}

fn store_trouble(error: &PeopleError) -> Response {
    tracing::error!(error = ?error, "the store of people did not answer");
    if error.is_unconfirmed() {
        return ProblemPage::unconfirmed().into_response();
    }
    ProblemPage::unavailable("We could not check who you are.").into_response()
}

/// The value of the cookie with this name.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).into_iter();
    let mut pairs = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'));
    pairs.find_map(|pair| {
        let (own, value) = pair.trim().split_once('=')?;
        (own == name).then_some(value)
    })
}

/// Where a session of the service's ends up. The service is asked for its address only now: signing out here waits for nobody.
async fn out(State(way): State<Way>, person: Option<SignedIn>) -> Response {
    if person.is_some() {
        return see_other("/");
    }
    let service = &way.open.service;
    let mut page = pages::out(&service.config.name, service.sign_out().await).into_response();
    no_store(page.headers_mut());
    page
}

async fn out_there(State(way): State<Way>, person: Option<SignedIn>) -> Response {
    if person.is_some() {
        return see_other("/");
    }
    pages::out_there(&way.open.service.config.name).into_response()
}

async fn mine(State(way): State<Way>, person: SignedIn) -> Response {
    way.mine(&person, None).await
}

#[derive(Deserialize)]
struct Confirmed {
    proposal: String,
    #[serde(default)]
    secret: String,
}

async fn connect(
    State(way): State<Way>,
    person: SignedIn,
    peer: Peer,
    headers: HeaderMap,
    Form(sent): Form<Confirmed>,
) -> Response {
    let now = (way.open.clock)();
    let proposal: Option<Proposal> = way.open.seal.open(&sent.proposal);
    let Some(proposal) = proposal.filter(|one| {
        let age = now.as_second().saturating_sub(one.at);
        one.person == person.name && age <= LIFE.as_secs()
    }) else {
        return Trouble::Late.respond(&way.open.service.config.name);
    };
    match way.has_secret(&person.name).await {
        Ok(false) => {}
        Ok(true) => match way
            .desk
            .confirm(&person, &sent.secret, &peer, &headers)
            .await
        {
            Ok(Ok(_)) => {}
            Ok(Err(why)) => return way.asks(&proposal, &sent.proposal, Some(Some(why))),
            Err(page) => return page.into_response(),
        },
        Err(error) => return store_trouble(&error),
    }
    let bound = way
        .open
        .subjects
        .bind(&person.name, &proposal.subject, &person.name, now)
        .await;
    match bound {
        Ok(Binding::Noted) => way.mine(&person, Some("The account is connected")).await,
        Ok(Binding::Taken) => taken().into_response(),
        Ok(Binding::Nobody) => ProblemPage::not_found().into_response(),
        Err(error) => store_trouble(&error),
    }
}

fn taken() -> ProblemPage {
    ProblemPage::new(
        StatusCode::CONFLICT,
        "account_taken",
        "Somebody else signs in with this account",
    )
    .happened("The account at the service is connected with another name of this site. Nothing was changed.")
    .next("Use your own account at the service, or ask the person who runs this site to disconnect it from the other name.")
}

/// A subject in the fields of a form.
#[derive(Deserialize)]
struct Chosen {
    issuer: String,
    claim: String,
    value: String,
}

impl Chosen {
    fn subject(&self) -> Option<Subject> {
        Subject::new(&self.issuer, Claim::named(&self.claim)?, &self.value)
    }
}

async fn disconnect(
    State(way): State<Way>,
    person: SignedIn,
    session: Session,
    headers: HeaderMap,
    Form(chosen): Form<Chosen>,
) -> Response {
    match way.unbind(&person.name, &chosen, &person.name).await {
        Ok(true) => {}
        Ok(false) => return ProblemPage::not_found().into_response(),
        Err(error) => return store_trouble(&error),
    }
    // Every session ended with it; the one that asked goes on.
    let record = match way.desk.checker.people.find_boxed(&person.name).await {
        Ok(Some(record)) => record,
        Ok(None) => return ProblemPage::not_found().into_response(),
        Err(error) => return store_trouble(&error),
    };
    if let Err(error) = session::sign_in(&session, &record, session::family(&headers)).await {
        tracing::error!(%error, "a session could not be opened");
        return ProblemPage::fault().into_response();
    }
    let done = "The account is disconnected, and you are signed out everywhere else";
    way.mine(&person, Some(done)).await
}

async fn everybody(State(way): State<Way>) -> Response {
    way.everybody(&Draft::default(), None).await
}

#[derive(Deserialize)]
struct Change {
    what: String,
    person: String,
    value: String,
    #[serde(default)]
    issuer: String,
    #[serde(default)]
    claim: String,
}

async fn change(State(way): State<Way>, by: SignedIn, Form(sent): Form<Change>) -> Response {
    if sent.what == "disconnect" {
        let chosen = Chosen {
            issuer: sent.issuer,
            claim: sent.claim,
            value: sent.value,
        };
        return match way.unbind(&sent.person, &chosen, &by.name).await {
            Ok(true) => {
                let done = format!(
                    "{} is disconnected, and their sessions have ended",
                    sent.person
                );
                way.everybody(&Draft::default(), Some(&done)).await
            }
            Ok(false) => ProblemPage::not_found().into_response(),
            Err(error) => store_trouble(&error),
        };
    }
    let config = &way.open.service.config;
    let mut draft = Draft {
        person: sent.person.trim().to_owned(),
        value: sent.value.trim().to_owned(),
        errors: Vec::new(),
    };
    let subject = Subject::new(&config.issuer, config.claim, &draft.value);
    let Some(subject) = subject else {
        let error = "Enter what the service calls the person, 1 to 255 characters";
        draft.errors.push(("value", error.to_owned()));
        return way.everybody(&draft, None).await;
    };
    let now = (way.open.clock)();
    let bound = way
        .open
        .subjects
        .bind(&draft.person, &subject, &by.name, now)
        .await;
    let (field, error) = match bound {
        Ok(Binding::Noted) => {
            let done = format!("{} signs in with this account now", draft.person);
            return way.everybody(&Draft::default(), Some(&done)).await;
        }
        Ok(Binding::Nobody) => (
            "person",
            "Nobody has this name here. Write it exactly as in the list of people",
        ),
        Ok(Binding::Taken) => (
            "value",
            "Somebody else signs in with this account. Disconnect it from them first",
        ),
        Err(error) => return store_trouble(&error),
    };
    draft.errors.push((field, error.to_owned()));
    way.everybody(&draft, None).await
}
