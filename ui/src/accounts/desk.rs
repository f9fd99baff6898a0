//! What the pages of the kit share: who looks at secrets, where accounts are kept, and the browser that asks.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Router};
use jiff::{SignedDuration, Timestamp};
use tower_sessions::Session;

use super::{
    Accounts, Act, By, Change, Hash, LINK_DAYS, NewLink, Token, account, code, people, person,
    second_step, tokens, welcome,
};
use crate::checker::Checker;
use crate::oidc::OpenId;
use crate::page::Page;
use crate::people::{PeopleError, PersonRecord, see_other};
use crate::problem::ProblemPage;
use crate::roles::Access;
use crate::secret::Secret;
use crate::session;
use crate::throttle::Closed;
use crate::{Clock, Entropy};

/// How long a browser is known.
const BROWSER_DAYS: i64 = 400;

/// What the pages of the kit share.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) checker: Arc<Checker>,
    /// What people's phones show the time by.
    pub(crate) phones: Clock,
    /// `None` on a site whose people are kept elsewhere; there is only sign-in then.
    pub(crate) accounts: Option<Arc<dyn Accounts>>,
    pub(crate) sessions: session::Store,
    pub(crate) entropy: Option<Entropy>,
    /// Name of the session's cookie; the browser's is named after it.
    pub(crate) cookie: Arc<str>,
    /// `https://host[:port]`, for links.
    pub(crate) origin: Arc<str>,
    /// For a phone's list of accounts.
    pub(crate) site: Arc<str>,
    /// Who looks after people.
    pub(crate) managers: Access,
    /// Another way in.
    pub(crate) service: Option<Arc<OpenId>>,
}

/// A desk with a store of accounts: what every page of the kit but sign-in needs.
#[derive(Clone)]
pub(super) struct Keep {
    desk: Desk,
    pub(super) accounts: Arc<dyn Accounts>,
    pub(super) entropy: Entropy,
}

impl std::ops::Deref for Keep {
    type Target = Desk;

    fn deref(&self) -> &Desk {
        &self.desk
    }
}

/// The names of people as the limits know them: an extension of each request to a site's own programs.
#[derive(Clone)]
pub struct Names(Arc<Checker>);

impl Names {
    pub(crate) fn new(checker: Arc<Checker>) -> Self {
        Self(checker)
    }

    /// Opens a name again that too many failures have closed.
    pub fn open(&self, name: &str) {
        self.0.forgive(name);
    }

    /// Whether too many failures have closed a name, and until when. This server alone knows it.
    #[must_use]
    pub fn closed(&self, name: &str) -> Option<Closed> {
        self.0.closed(name)
    }
}

/// A page's answer; a refusal is a page too.
pub(super) type Answer = Result<Response, ProblemPage>;

/// The kit's pages, or none on a site whose people are kept elsewhere.
pub(crate) fn router(desk: &Desk) -> Router {
    let (Some(accounts), Some(entropy)) = (desk.accounts.clone(), desk.entropy.clone()) else {
        return Router::new();
    };
    let keep = Keep {
        desk: desk.clone(),
        accounts,
        entropy,
    };
    let mut pages = Router::new()
        .merge(welcome::router())
        .merge(code::router())
        .merge(account::router())
        .merge(second_step::router())
        .merge(people::router())
        .merge(person::router());
    if keep.accounts.tokens().is_some() {
        pages = pages.merge(tokens::router());
    }
    pages.with_state(keep)
}

/// The store of accounts did not answer: the cause goes to the log.
pub(crate) fn unavailable(error: PeopleError) -> ProblemPage {
    tracing::error!(error = ?error, "the store of accounts did not answer");
    if error.is_unconfirmed() {
        return ProblemPage::unconfirmed();
    }
    ProblemPage::unavailable(
        "Accounts could not be read or changed just now. Nothing was half done.",
    )
}

pub(super) fn session_fault(error: tower_sessions::session::Error) -> ProblemPage {
    tracing::error!(%error, "a session could not be written");
    ProblemPage::fault()
}

/// Where a request comes from.
pub(crate) type Peer = Option<Extension<ConnectInfo<SocketAddr>>>;

pub(crate) fn address(peer: &Peer) -> Option<std::net::IpAddr> {
    peer.as_ref().map(|Extension(ConnectInfo(peer))| peer.ip())
}

impl Desk {
    fn clock(&self) -> &Clock {
        &self.checker.clock
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock())()
    }

    /// The moment that a phone makes its code of.
    pub(super) fn phones_now(&self) -> Timestamp {
        (self.phones)()
    }

    fn browser_cookie(&self) -> String {
        format!("{}-browser", self.cookie)
    }

    /// The token of this browser, where it has one.
    fn browser(&self, headers: &HeaderMap) -> Option<Token> {
        let name = self.browser_cookie();
        let cookies = headers.get_all(header::COOKIE).into_iter();
        let mut pairs = cookies
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        pairs
            .find(|(key, _)| *key == name)
            .and_then(|(_, value)| Token::sent(value))
    }

    /// The browser's token as the limits know it: where `name` has signed in before.
    pub(crate) async fn known_browser(
        &self,
        name: &str,
        headers: &HeaderMap,
    ) -> Result<Option<Hash>, PeopleError> {
        let (Some(accounts), Some(token)) = (&self.accounts, self.browser(headers)) else {
            return Ok(None);
        };
        let people = accounts.people_of_browser(token.digest()).await?;
        Ok(people.iter().any(|p| p == name).then(|| token.digest()))
    }

    /// Opens the session of somebody who has shown all that is asked of them, and makes the browser known.
    pub(crate) async fn open(
        &self,
        session: &Session,
        headers: &HeaderMap,
        person: &PersonRecord,
        next: &str,
    ) -> Answer {
        session::sign_in(session, person, session::family(headers))
            .await
            .map_err(session_fault)?;
        let mut response = see_other(next);
        if let Some(cookie) = self
            .note_browser(headers, person)
            .await
            .map_err(unavailable)?
        {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        Ok(response)
    }

    async fn note_browser(
        &self,
        headers: &HeaderMap,
        person: &PersonRecord,
    ) -> Result<Option<HeaderValue>, PeopleError> {
        let (Some(accounts), Some(entropy)) = (&self.accounts, &self.entropy) else {
            return Ok(None);
        };
        // A token that nobody has signed in with was not made here.
        let own = match self.browser(headers) {
            Some(token) if !accounts.people_of_browser(token.digest()).await?.is_empty() => token,
            _ => Token::draw(&mut entropy()),
        };
        let change = Change::Browser {
            name: &person.name,
            browser: own.digest(),
        };
        let by = By {
            who: &person.name,
            now: self.now(),
        };
        accounts.change(change, by).await?;
        let cookie = format!(
            "{}={}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={}",
            self.browser_cookie(),
            own.reveal(),
            BROWSER_DAYS * 24 * 60 * 60
        );
        Ok(HeaderValue::try_from(cookie).ok())
    }
}

impl Desk {
    /// Whether secrets of people open anything here.
    pub(crate) fn takes_secrets(&self) -> bool {
        self.service
            .as_ref()
            .is_none_or(|service| service.takes_secrets())
    }
}

impl Keep {
    /// Does it now, as an act of `who`.
    pub(super) async fn change(&self, change: Change<'_>, who: &str) -> Result<Act, ProblemPage> {
        let by = By {
            who,
            now: self.now(),
        };
        self.accounts.change(change, by).await.map_err(unavailable)
    }

    /// The hash under which a store keeps a secret; argon2id takes its time, so beside the server's own threads.
    pub(super) async fn hashed(&self, secret: Secret) -> Result<String, ProblemPage> {
        let entropy = self.entropy.clone();
        let hashed =
            tokio::task::spawn_blocking(move || crate::secret::hash(&secret, &mut entropy()));
        match hashed.await {
            Ok(Ok(hash)) => Ok(hash),
            Ok(Err(error)) => {
                tracing::error!(%error, "a secret could not be hashed");
                Err(ProblemPage::unavailable(
                    "The server has too little memory just now.",
                ))
            }
            Err(error) => {
                tracing::error!(%error, "a secret could not be hashed");
                Err(ProblemPage::fault())
            }
        }
    }

    /// A link, to be kept and in clear.
    pub(super) fn draw_link(&self) -> (NewLink, String) {
        let token = Token::draw(&mut (self.entropy)());
        (new_link(&token, self.now()), link(&self.origin, &token))
    }
}

/// A link that is made now, as a store keeps it.
#[must_use]
pub fn new_link(token: &Token, now: Timestamp) -> NewLink {
    NewLink {
        token: token.digest(),
        expires_at: now + SignedDuration::from_hours(24 * LINK_DAYS),
    }
}

/// A set-up link in clear, on the site at `origin` (`https://host[:port]`).
#[must_use]
pub fn link(origin: &str, token: &Token) -> String {
    format!("{origin}/welcome/{}", token.reveal())
}

/// Whether an address (`https://host[:port]`) leads to nobody's browser but those of the server's own machine.
#[must_use]
pub fn is_local(origin: &str) -> bool {
    let url = reqwest::Url::parse(origin).ok();
    let host = url.as_ref().and_then(|url| url.host_str());
    let Some(host) = host.map(|host| host.trim_matches(['[', ']'])) else {
        return false;
    };
    let ip: Option<std::net::IpAddr> = host.parse().ok();
    ip.map_or(host == "localhost" || host.ends_with(".localhost"), |ip| {
        ip.is_loopback() || ip.is_unspecified()
    })
}

pub(super) fn minutes(wait: SignedDuration) -> String {
    match (wait.as_secs() + 59) / 60 {
        1 => "minute".to_owned(),
        n if n > 120 => format!("{} hours", (n + 59) / 60),
        n => format!("{n} minutes"),
    }
}

pub(super) fn gone(what: &str) -> ProblemPage {
    ProblemPage::not_found().happened(format!("{what} It may have been removed a moment ago."))
}

/// A page that nobody may keep: it shows something once.
pub(super) fn once(page: Page) -> Response {
    let mut response = page.into_response();
    crate::headers::no_store(response.headers_mut());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_only_the_server_can_open_is_known() {
        for (link, local) in [
            ("https://127.0.0.1:8443/welcome/x", true),
            ("https://0.0.0.0:9777", true),
            ("https://[::1]:8443", true),
            ("https://[::]:8443", true),
            ("https://localhost:8443", true),
            ("https://10.1.2.3:8443", false),
            ("https://skills.example.org", false),
            ("https://[2001:db8::1]", false),
        ] {
            assert_eq!(is_local(link), local, "{link}");
        }
    }
}
