//! Programs of a site's own people: who they are, and whether the role table lets them.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::SignedDuration;
use tower_http::csrf::ProtectionError;
use tower_sessions::Session;

use crate::accounts::{Accounts, TOKEN_PREFIX, Token};
use crate::api::{Problem, Refusal, problem};
use crate::checker::{Checker, Verdict};
use crate::people::{PeopleError, SignedIn};
use crate::roles::{Access, Decision, RoleTable};
use crate::secret::Secret;
use crate::throttle::Caller;
use crate::{headers, session};

/// Who may ask, and how they are known.
pub(crate) struct Gate {
    pub(crate) checker: Arc<Checker>,
    pub(crate) roles: RoleTable,
    pub(crate) accounts: Option<Arc<dyn Accounts>>,
    /// Whether people's secrets open anything.
    pub(crate) takes_secrets: bool,
}

/// Why nobody is known to ask.
enum Unknown {
    /// Neither session nor secret was sent.
    Guest,
    /// The header is not of the form that is read here. It is no guess of a secret and does not count as one.
    Malformed,
    /// Secrets open nothing here, and this one was not looked at.
    NoSecrets,
    /// Name and secret do not belong together.
    Wrong,
    /// There is no such token any more.
    WrongToken,
    /// The secret alone does not open what a second step guards; whether the site has tokens for programs.
    SecondStep(bool),
    /// Not looked at.
    Wait(SignedDuration),
}

/// Finds out who asks, by HTTP Basic, a token or else the session of a page, and whether the role table lets them.
///
/// A request with a secret needs no word about its origin: browsers add no such header to what another site makes them send.
/// They would if they had kept the secret after asking for it themselves, so no answer challenges them to
/// ([`Refusal`] names another scheme). Requests with a session pass the origin check of the pages first.
pub(crate) async fn admit(
    State(gate): State<Arc<Gate>>,
    session: Session,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    matched: Option<MatchedPath>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = matched.as_ref().map_or("", MatchedPath::as_str);
    let known = match who(&gate, &session, peer, request.headers()).await {
        Ok(known) => known,
        Err(error) => {
            tracing::error!(error = ?error, "the store of people did not answer");
            let problem = Problem::new(problem::STORAGE, "It could not be checked who asks.");
            return Refusal(problem).into_response();
        }
    };
    let decision = gate
        .roles
        .decide(request.method(), path, known.as_ref().ok());
    let is_public = gate.roles.access(request.method(), path) == Some(Access::Public);
    let response = match (decision, known) {
        // Browsers ask so what they may send to what everybody may read; that is answered beside the handlers.
        (Decision::NoSuchMethod, _) if asks_about_a_public_read(&gate.roles, &request, path) => {
            next.run(request).await
        }
        // Whatever the router has there: nobody was given the right to it.
        (Decision::NoSuchMethod, _) => no_such_method(&gate.roles, path),
        (Decision::Allowed, known) => {
            if let Ok(person) = known {
                request.extensions_mut().insert(person);
            }
            next.run(request).await
        }
        (Decision::WrongRole, known) => wrong_role(known.ok()).into_response(),
        (Decision::MustSignIn, Err(why)) => why.into_response(),
        (Decision::MustSignIn | Decision::Unlisted, _) => {
            tracing::error!(path, "a route is missing from the role table");
            Refusal(Problem::new(
                problem::ROLE,
                "Nobody has the right to use it.",
            ))
            .into_response()
        }
    };
    if is_public {
        return response;
    }
    let mut response = response;
    headers::no_store(response.headers_mut());
    response
}

fn asks_about_a_public_read(roles: &RoleTable, request: &Request, path: &str) -> bool {
    request.method() == Method::OPTIONS && roles.access(&Method::GET, path) == Some(Access::Public)
}

fn no_such_method(roles: &RoleTable, path: &str) -> Response {
    let mut response = Refusal(Problem::of_status(405)).into_response();
    response
        .headers_mut()
        .insert(header::ALLOW, roles.allow(path));
    response
}

async fn who(
    gate: &Gate,
    session: &Session,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: &HeaderMap,
) -> Result<Result<SignedIn, Unknown>, PeopleError> {
    let Some(credentials) = headers.get(header::AUTHORIZATION) else {
        let person = session::person(session, &gate.checker.people).await?;
        return Ok(person.ok_or(Unknown::Guest));
    };
    let credentials = credentials.to_str().unwrap_or_default();
    let tokens = gate
        .accounts
        .as_ref()
        .and_then(|accounts| accounts.tokens());
    let has_tokens = tokens.is_some();
    if let (Some(token), Some(tokens)) = (bearer(credentials), tokens) {
        let now = (gate.checker.clock)();
        let person = tokens.owner(token.digest(), now).await?;
        let person = person.filter(|person| !person.locked);
        return Ok(person.map(SignedIn::of).ok_or(Unknown::WrongToken));
    }
    let Some((name, secret)) = basic(credentials) else {
        return Ok(Err(Unknown::Malformed));
    };
    if !gate.takes_secrets {
        return Ok(Err(Unknown::NoSecrets));
    }
    let caller = Caller {
        name: &name,
        address: peer.map(|Extension(ConnectInfo(peer))| peer.ip()),
        browser: None,
    };
    Ok(match gate.checker.sent(caller, &secret).await? {
        Verdict::Right(person) if person.second_step => Err(Unknown::SecondStep(has_tokens)),
        Verdict::Right(person) => Ok(SignedIn::of(person)),
        Verdict::Wrong => Err(Unknown::Wrong),
        Verdict::Wait(wait) => Err(Unknown::Wait(wait)),
    })
}

/// The token of a program (RFC 6750, section 2.1).
fn bearer(credentials: &str) -> Option<Token> {
    let (scheme, token) = credentials.split_once(' ')?;
    let token = token.trim().strip_prefix(TOKEN_PREFIX)?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| Token::sent(token))?
}

/// Name and secret of HTTP Basic (RFC 7617), in UTF-8.
fn basic(credentials: &str) -> Option<(String, Secret)> {
    let (scheme, encoded) = credentials.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(BASE64.decode(encoded.trim()).ok()?).ok()?;
    let (name, secret) = decoded.split_once(':')?;
    let is_whole = !name.trim().is_empty() && !secret.trim().is_empty();
    is_whole.then(|| (name.trim().to_owned(), Secret::typed(secret)))
}

impl IntoResponse for Unknown {
    fn into_response(self) -> Response {
        let because =
            |detail: &str| Refusal(Problem::new(problem::SIGN_IN, detail)).into_response();
        match self {
            Self::Guest => {
                because("The request shows neither a session nor a name with its secret.")
            }
            Self::Malformed => because(
                "The authorization header is neither `Basic` and the base64 of a name, a colon and a secret nor `Bearer` and a token.",
            ),
            Self::WrongToken => because(
                "The token is not known: it was ended, its time is over, or its person may not sign in any more.",
            ),
            Self::SecondStep(true) => because(
                "This person signs in with a code of their phone too. Programs use a token, which the person makes on the page /account.",
            ),
            Self::SecondStep(false) => because(
                "This person signs in with a code of their phone too, so their secret alone opens nothing. Programs use a person of their own without one.",
            ),
            Self::NoSecrets => because("This site takes no secrets of people."),
            Self::Wrong => because("The name and the secret do not belong together."),
            // Not 429, which client libraries answer by trying again by themselves: with this secret nobody is let in.
            Self::Wait(wait) => {
                let seconds = wait.as_secs().max(1);
                let mut response = because(&format!(
                    "After several wrong attempts no secret is looked at for another {seconds} seconds."
                ));
                response
                    .headers_mut()
                    .insert(header::RETRY_AFTER, seconds.into());
                response
            }
        }
    }
}

fn wrong_role(person: Option<SignedIn>) -> Refusal {
    let role = person.map_or_else(String::new, |person| person.role.to_string());
    let detail = format!("You ask as {role}. This is for another role.");
    Refusal(Problem::new(problem::ROLE, detail))
}

/// What a browser hears whose page is of another site and who would act with a session of this one.
pub(crate) fn refuse_foreign_origin(_: ProtectionError) -> Response {
    let detail = "A browser sent it for a page of another site.";
    Refusal(Problem::new(problem::ORIGIN, detail)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_are_read_as_rfc_7617_says() {
        // "Zoë:abcd-efgh" and "ann:a:b" in base64.
        for (header, name, secret) in [
            ("Basic Wm/DqzphYmNkLWVmZ2g=", "Zoë", "ABCDEFGH"),
            ("basic YW5uOmE6Yg==", "ann", "a:b"),
        ] {
            let (read, typed) = basic(header).unwrap();
            assert_eq!(read, name);
            assert!(typed == Secret::typed(secret));
        }
        for bad in [
            "",
            "Basic",
            "Basic !",
            "Bearer YW5uOmI=",
            "Basic YW5u",
            "Basic Og==",
            "Basic /w==",
        ] {
            assert!(basic(bad).is_none(), "{bad}");
        }
    }
}
