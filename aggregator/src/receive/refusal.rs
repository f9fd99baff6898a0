//! Problems as answers.

use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ldsp_protocol::problem::{self, MEDIA_TYPE, Problem};

use crate::log::storage;
use crate::store::{Conflict, StoreError};

/// Seconds after which a sender may try again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("30");

/// A problem on its way to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(pub Problem);

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a request met trouble with the store");
        Self(match error {
            StoreError::Database(_) | StoreError::Migration(_) | StoreError::Unusable { .. } => {
                storage()
            }
            StoreError::Corrupt { .. } => Problem::new(
                problem::INTERNAL,
                "Stored data is damaged. The operator finds the place in the log.",
            ),
            StoreError::Conflict(Conflict::Invite) => {
                Problem::new(problem::INVITE, "No open invite fits this request.")
            }
            StoreError::Conflict(conflict) => Problem::new(problem::INTERNAL, conflict.to_string()),
        })
    }
}

impl From<BytesRejection> for Refusal {
    fn from(rejection: BytesRejection) -> Self {
        Self(if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            Problem::new(problem::TOO_LARGE, "The body is over the limit.")
        } else {
            Problem::new(problem::ENVELOPE, "The body could not be read to its end.")
        })
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(&self.0)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if matches!(self.0.status, 429 | 503) {
            headers.insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        response
    }
}
