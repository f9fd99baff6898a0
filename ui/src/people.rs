//! The people of a site: who they are, what role they have, and how a page learns who is asking.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::problem::ProblemPage;

/// A role's name, for example `coordinator`. Which roles exist is the site's own business.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Role(String);

impl Role {
    /// The role with this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The organisation that somebody is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Its number in the site's store, which stays when its name changes.
    pub id: i64,
    /// Its present name.
    pub name: String,
}

/// A person as the site's store keeps them.
#[derive(Clone)]
pub struct PersonRecord {
    /// The name they sign in with.
    pub name: String,
    /// Their one role.
    pub role: Role,
    /// The organisation whose records are all that they may see; `None` for those who are not bound to one.
    pub organisation: Option<Bound>,
    /// What [`crate::secret::hash`] gave: an argon2id PHC string, never the secret. `None` for somebody who has not set one yet.
    pub secret_hash: Option<String>,
    /// Whether an admin has locked them out: neither secret nor session nor token opens anything.
    pub locked: bool,
    /// Whether sign-in asks for a code of their phone too.
    pub second_step: bool,
    /// The store gives another one, which nobody ever had, when somebody is added, gets a new link or loses an account at the sign-in
    /// service: sessions of before end.
    pub generation: i64,
}

impl PersonRecord {
    /// Somebody with a secret, not bound to an organisation, neither locked out nor with a second step.
    pub fn new(name: impl Into<String>, role: Role, secret_hash: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            role,
            organisation: None,
            secret_hash: Some(secret_hash.into()),
            locked: false,
            second_step: false,
            generation: 0,
        }
    }
}

impl fmt::Debug for PersonRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PersonRecord")
            .field("name", &self.name)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// The store of people could not answer; the cause goes to the log, never to a page.
#[derive(Debug, thiserror::Error)]
#[error("the store of people did not answer")]
pub struct PeopleError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Inside a [`PeopleError`]: whether a write reached the disk is unknown.
#[derive(Debug, thiserror::Error)]
#[error("the disk did not confirm a write")]
struct UnconfirmedWrite(#[source] Box<dyn std::error::Error + Send + Sync>);

impl PeopleError {
    /// Whether a write reached the disk is unknown: the answer carries [`crate::api::Unconfirmed`].
    pub fn unconfirmed(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(Box::new(UnconfirmedWrite(source.into())))
    }

    pub(crate) fn is_unconfirmed(&self) -> bool {
        self.0.is::<UnconfirmedWrite>()
    }
}

/// Where a site keeps its people.
///
/// Asked at sign-in and on every page of a signed-in person, so that removing a person, changing a role or issuing a new
/// secret takes effect at once. Implementations should answer from an index.
pub trait People: Send + Sync + 'static {
    /// The person with exactly this name; `Ok(None)` when there is none.
    fn find(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<Option<PersonRecord>, PeopleError>> + Send;

    /// Everybody's name, so that who signs in need not write their own as it was first written.
    fn names(&self) -> impl Future<Output = Result<Vec<String>, PeopleError>> + Send;
}

/// A site on which nobody signs in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl People for Nobody {
    async fn find(&self, _name: &str) -> Result<Option<PersonRecord>, PeopleError> {
        Ok(None)
    }

    async fn names(&self) -> Result<Vec<String>, PeopleError> {
        Ok(Vec::new())
    }
}

type Found<'a> =
    Pin<Box<dyn Future<Output = Result<Option<PersonRecord>, PeopleError>> + Send + 'a>>;

type Names<'a> = Pin<Box<dyn Future<Output = Result<Vec<String>, PeopleError>> + Send + 'a>>;

/// [`People`] behind a pointer, so that the rest of the crate is not generic over a site's store.
pub(crate) trait AnyPeople: Send + Sync {
    fn find_boxed<'a>(&'a self, name: &'a str) -> Found<'a>;
    fn names_boxed(&self) -> Names<'_>;
}

impl<P: People> AnyPeople for P {
    fn find_boxed<'a>(&'a self, name: &'a str) -> Found<'a> {
        Box::pin(self.find(name))
    }

    fn names_boxed(&self) -> Names<'_> {
        Box::pin(self.names())
    }
}

pub(crate) type SharedPeople = Arc<dyn AnyPeople>;

/// The person who is asking. As a handler's argument it admits signed-in people only; others are sent to sign in.
/// `Option<SignedIn>` admits everyone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// The name they signed in with.
    pub name: String,
    /// Their role at the time of this request.
    pub role: Role,
    /// The organisation whose records are all that they may see, at the time of this request.
    pub organisation: Option<Bound>,
}

impl SignedIn {
    /// The person of this record.
    pub(crate) fn of(person: PersonRecord) -> Self {
        Self {
            name: person.name,
            role: person.role,
            organisation: person.organisation,
        }
    }

    /// Whether their role is one of `roles`.
    #[must_use]
    pub fn is_any(&self, roles: &[&str]) -> bool {
        roles.contains(&self.role.as_str())
    }
}

/// The organisation of the person who asks. A handler that reads or writes an organisation's records takes it as an argument and looks
/// for nothing but this organisation's, so that none can forget to ask whose they are: people who are not bound to one are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnOrganisation {
    /// The organisation.
    pub organisation: Bound,
    /// Who asks, for histories and the audit log.
    pub person: String,
}

impl<S: Send + Sync> FromRequestParts<S> for OwnOrganisation {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let person = <SignedIn as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        match person.organisation {
            Some(organisation) => Ok(Self {
                organisation,
                person: person.name,
            }),
            None => Err(ProblemPage::forbidden(
                "These pages are for people of one organisation, and you are not bound to any.",
            )
            .into_response()),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| to_sign_in(&parts.method, &parts.uri))
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for SignedIn {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}

/// Sends a person to sign in, and afterwards back to the page they asked for; a form that was sent is not repeated.
pub(crate) fn to_sign_in(method: &Method, uri: &axum::http::Uri) -> Response {
    let target = match uri.path_and_query() {
        Some(asked) if method == Method::GET && asked.as_str() != "/" => {
            format!("/sign-in?next={}", percent_encode(asked.as_str()))
        }
        _ => "/sign-in".into(),
    };
    see_other(&target)
}

/// A 303 to a local address.
pub(crate) fn see_other(target: &str) -> Response {
    match HeaderValue::try_from(target) {
        Ok(location) => (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response(),
        Err(_) => (
            StatusCode::SEE_OTHER,
            [(header::LOCATION, HeaderValue::from_static("/"))],
        )
            .into_response(),
    }
}

/// Percent-encodes everything but RFC 3986's unreserved characters and the slash: for a value in the query of an address.
#[must_use]
pub fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                encoded.push(char::from(byte))
            }
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}
