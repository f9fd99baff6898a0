//! Problems as answers.

use std::any::Any;

use axum::extract::Request;
use axum::extract::rejection::{BytesRejection, JsonRejection};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ldsp_protocol::problem::{self, MEDIA_TYPE, Problem};

use crate::patience::Unread;

/// Seconds after which a sender may try again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("30");

/// A problem on its way to a program, as `application/problem+json` (RFC 9457).
///
/// 401 says by which scheme to prove who asks, 429 and 503 say when to try again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(pub Problem);

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<BytesRejection> for Refusal {
    fn from(rejection: BytesRejection) -> Self {
        Self(if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            Problem::new(problem::TOO_LARGE, "The body is over the limit.")
        } else {
            Problem::new(problem::REQUEST, "The body could not be read to its end.")
        })
    }
}

/// A body that is not JSON, or not JSON of the documented form.
impl From<JsonRejection> for Refusal {
    fn from(rejection: JsonRejection) -> Self {
        let mut problem = Problem::of_status(rejection.status().as_u16());
        if problem.status != StatusCode::PAYLOAD_TOO_LARGE.as_u16() {
            problem.detail = format!("{}.", rejection.body_text().trim_end_matches('.'));
        }
        Self(problem)
    }
}

/// In the extensions of a response: the disk did not confirm a write, so the process must end.
#[derive(Debug, Clone, Copy)]
pub struct Unconfirmed;

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
        match self.0.status {
            401 => {
                // RFC 9110 demands a challenge with 401. Never `Basic`: a browser would ask for the secret, keep it and add it to
                // what other sites make it send. Programs send Basic unasked.
                let scheme = match self.0.code.as_str() {
                    code if code == problem::READ.code => "LDSP",
                    code if code == problem::INVITE_SECRET.code => "Bearer",
                    _ => "LDSP-Secret realm=\"people of this site\"",
                };
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
            }
            429 | 503 => {
                headers.insert(header::RETRY_AFTER, RETRY_AFTER);
            }
            _ => {}
        }
        response
    }
}

/// Replaces whatever else a library or a page would answer to a refused request; the headers that say what to do stay.
pub(crate) async fn every_refusal_is_a_problem(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_refusal = status.is_client_error() || status.is_server_error();
    if !is_refusal || kind.is_some_and(|kind| kind == MEDIA_TYPE) {
        return response;
    }
    let mut problem = Refusal(Problem::of_status(status.as_u16())).into_response();
    for name in [header::ALLOW, header::CONNECTION, header::RETRY_AFTER] {
        if let Some(value) = response.headers().get(&name) {
            problem.headers_mut().insert(name, value.clone());
        }
    }
    problem
}

/// What is said at addresses that no route has.
pub(crate) async fn nothing_here() -> Refusal {
    Refusal(Problem::of_status(404))
}

/// What is said of a request that no handler read.
pub(crate) fn unread(unread: Unread) -> Response {
    Refusal(Problem::of_status(unread.status().as_u16())).into_response()
}

/// What is said after a panic; its cause is on standard error and nowhere else.
pub(crate) fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a handler panicked");
    Refusal(Problem::of_status(500)).into_response()
}
