//! Problems as answers.

use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ldsp_protocol::problem::{self, MEDIA_TYPE, Problem};
use ldsp_ui::Unread;

use crate::log::storage;
use crate::store::{Conflict, StoreError, trouble};

/// Seconds after which a sender may try again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("30");

/// In the extensions of a response: the disk did not confirm a write, so the process must end.
#[derive(Debug, Clone, Copy)]
pub struct Unconfirmed;

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
            error if error.is_fatal() => Problem::new(
                problem::UNCONFIRMED,
                "The server ends now and reads back what is there when it is started again.",
            ),
            StoreError::Database(error) => {
                Problem::new(problem::STORAGE, format!("{}.", trouble::of(&error).cause))
            }
            StoreError::Migration(_) => storage(),
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

/// What a program is told whose request was refused before a handler read it.
#[must_use]
pub fn unread(unread: Unread) -> Response {
    let problem = match unread {
        Unread::Stalled => Problem::new(
            problem::STALLED,
            "The body stopped coming, or came too slowly.",
        ),
        Unread::LongAddress => {
            Problem::new(problem::LONG_ADDRESS, "Path and query are over 8 KiB.")
        }
        Unread::LargeHeaders => {
            Problem::new(problem::LARGE_HEADERS, "The headers are over 32 KiB.")
        }
    };
    Refusal(problem).into_response()
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(&self.0)).into_response();
        if self.0.code == problem::UNCONFIRMED.code {
            response.extensions_mut().insert(Unconfirmed);
        }
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if matches!(self.0.status, 429 | 503) {
            headers.insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        response
    }
}
