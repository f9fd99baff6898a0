//! Queries that mean what they say.

use std::error::Error as _;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::{Problem, Refusal, problem};

/// The parameters of an address's query, as [`axum::extract::Query`] reads them, with a problem for an answer.
///
/// Derive the type's `Deserialize` with `deny_unknown_fields`: a filter that is spelt wrongly must not look like none.
#[derive(Debug, Clone, Copy, Default)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        match axum::extract::Query::<T>::try_from_uri(&parts.uri) {
            Ok(query) => Ok(Self(query.0)),
            Err(rejection) => {
                let cause = rejection
                    .source()
                    .map_or_else(|| "it is malformed".to_owned(), ToString::to_string);
                let detail = format!("The query is not accepted: {cause}.");
                Err(Problem::new(problem::PARAMETER, detail).into())
            }
        }
    }
}
