//! The routes below `/sign-in/`.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, DefaultBodyLimit, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use serde::Deserialize;
use tower_sessions::Session;

use super::attempt::{Attempt, LIFE, Purpose};
use super::connecting;
use super::links;
use super::pages;
use super::subject::Subject;
use super::trouble::Trouble;
use super::{
    AGAIN, BACK, CONNECT, DISCONNECT, MINE, OUT, OUT_THERE, OpenId, PEOPLE, WELCOME, WITH,
};
use crate::accounts::Desk;
use crate::headers::no_store;
use crate::people::{PeopleError, SignedIn, see_other};
use crate::problem::ProblemPage;
use crate::{session, sign_in};

const FORM_BYTES: usize = 8 * 1024;

#[derive(Clone)]
pub(super) struct Way {
    pub(super) open: Arc<OpenId>,
    pub(super) desk: Desk,
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
        .route(MINE, get(connecting::mine))
        .route(CONNECT, get(connecting::leave).post(connecting::connect))
        .route(AGAIN, get(again))
        .route(WELCOME, post(links::welcome))
        .route(DISCONNECT, post(connecting::disconnect))
        .route(PEOPLE, get(connecting::everybody).post(connecting::change))
        .route(OUT, get(out))
        .route(OUT_THERE, get(out_there))
        .layer(DefaultBodyLimit::max(FORM_BYTES))
        .with_state(way)
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    next: String,
    /// The token of a set-up link, on a site that takes no secrets.
    #[serde(default)]
    welcome: String,
    /// Of the first of those who look after people.
    #[serde(default)]
    name: String,
}

/// Longest path that an attempt leads back to: browsers keep cookies of 4,096 bytes, and a path takes up to eight thirds of its length in one
/// (a quote is two characters in JSON, and three bytes are four characters in base64).
const NEXT_BYTES: usize = 1000;

/// Where an attempt leads afterwards.
fn led_to(next: &str) -> String {
    let next = sign_in::local(next);
    let fits = next.len() <= NEXT_BYTES;
    if fits { next } else { "/" }.to_owned()
}

async fn leave(
    State(way): State<Way>,
    Query(wanted): Query<Wanted>,
    person: Option<SignedIn>,
) -> Response {
    if !wanted.welcome.is_empty() {
        return way.leave_by_link(&wanted.welcome, &wanted.name).await;
    }
    if person.is_some() {
        return see_other(sign_in::local(&wanted.next));
    }
    way.leave(Purpose::SignIn(led_to(&wanted.next))).await
}

/// To the service and back, so that it says that whoever sits here is still the same.
async fn again(State(way): State<Way>, Query(wanted): Query<Wanted>, person: SignedIn) -> Response {
    let next = led_to(&wanted.next);
    way.leave(Purpose::Again {
        person: person.name,
        next,
    })
    .await
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
        Err(trouble) => trouble.respond(name),
        Ok((subject, Purpose::SignIn(next))) => {
            way.open_session(&session, &headers, subject, &next).await
        }
        Ok((subject, Purpose::Welcome { link, name })) => {
            way.propose_link(link, name, subject).await
        }
        Ok((subject, Purpose::Again { person: who, next })) => match person {
            Some(person) if person.name == who => {
                way.note_shown(&session, &who, &subject, &next).await
            }
            _ => Trouble::Unmatched.respond(name),
        },
        Ok((subject, Purpose::Connect(who))) => match person {
            Some(person) if person.name == who => way.propose(&session, &person, subject).await,
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

impl Way {
    fn crumb(&self, value: &str, seconds: i64) -> String {
        format!(
            "{}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={seconds}",
            self.cookie
        )
    }

    pub(super) async fn leave(&self, purpose: Purpose) -> Response {
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
    ) -> Result<(Subject, Purpose), Trouble> {
        let attempt = self.attempt(headers, answer.state.as_deref().unwrap_or_default())?;
        let service = &self.open.service;
        // Before anything else that the answer says is believed.
        service.is_from(answer.iss.as_deref()).await?;
        if let Some(error) = &answer.error {
            return Err(Trouble::refused(error));
        }
        let code = answer.code.as_deref().ok_or(Trouble::Unmatched)?;
        // Neither is ever closed.
        let share = self.open.shares.of(address);
        let (_own, _all) = (share.acquire().await, self.open.questions.acquire().await);
        let subject = service.redeem(code, &attempt).await?;
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

    pub(super) async fn open_session(
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

    /// Believes that it is still `who`, if the account is theirs.
    async fn note_shown(
        &self,
        session: &Session,
        who: &str,
        subject: &Subject,
        next: &str,
    ) -> Response {
        match self.open.subjects.person(subject).await {
            Ok(Some(person)) if person == who => {}
            Ok(_) => {
                return ProblemPage::forbidden("This is not an account that signs you in here.")
                    .next("Start again, and sign in at the service with the account that is connected with your name.")
                    .into_response();
            }
            Err(error) => return store_trouble(&error),
        }
        match session::note_shown(session, self.desk.now()).await {
            Ok(()) => see_other(next),
            Err(error) => {
                tracing::error!(%error, "a session could not be written");
                ProblemPage::fault().into_response()
            }
        }
    }
}

pub(super) fn store_trouble(error: &PeopleError) -> Response {
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
