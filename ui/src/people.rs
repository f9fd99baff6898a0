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

/// A role's name, for example `author`. Which roles exist is the site's own business.
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

/// A person as the site's store keeps them.
#[derive(Clone)]
pub struct PersonRecord {
    /// The name they sign in with.
    pub name: String,
    /// Their one role.
    pub role: Role,
    /// What [`crate::secret::hash`] gave: an argon2id PHC string, never the secret.
    pub secret_hash: String,
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
}

/// A site on which nobody signs in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl People for Nobody {
    async fn find(&self, _name: &str) -> Result<Option<PersonRecord>, PeopleError> {
        Ok(None)
    }
}

type Found<'a> =
    Pin<Box<dyn Future<Output = Result<Option<PersonRecord>, PeopleError>> + Send + 'a>>;

/// [`People`] behind a pointer, so that the rest of the crate is not generic over a site's store.
pub(crate) trait AnyPeople: Send + Sync {
    fn find_boxed<'a>(&'a self, name: &'a str) -> Found<'a>;
}

impl<P: People> AnyPeople for P {
    fn find_boxed<'a>(&'a self, name: &'a str) -> Found<'a> {
        Box::pin(self.find(name))
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
