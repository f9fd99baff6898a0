//! How long the server waits for a request's body.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt as _;
use tower_http::timeout::{TimeoutBody, TimeoutError};

use crate::problem::ProblemPage;

/// A client that sends nothing of its body for this long has gone, or holds the connection on purpose. Counted anew with
/// every piece, so that a large file over a slow line arrives.
pub(crate) const BODY: Duration = Duration::from_secs(30);

/// How a stalled request is answered, and after how long.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    pub(crate) wait: Duration,
    pub(crate) answer: fn() -> Response,
}

/// Ends a body that stalls, and answers 408 in the place of the handler's own refusal of half a body.
pub(crate) async fn watch(
    State(patience): State<Patience>,
    request: Request,
    next: Next,
) -> Response {
    let stalled = Arc::new(AtomicBool::new(false));
    let request = request.map(|body| {
        let stalled = stalled.clone();
        let body = TimeoutBody::new(patience.wait, body).map_err(move |error| {
            if error.is::<TimeoutError>() {
                stalled.store(true, Ordering::Relaxed);
            }
            error
        });
        Body::new(body)
    });
    let response = next.run(request).await;
    let refused = response.status().is_client_error() || response.status().is_server_error();
    if !(refused && stalled.load(Ordering::Relaxed)) {
        return response;
    }
    let mut response = (patience.answer)();
    // The rest of the body could still come and be taken for a request.
    response
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// For people.
pub(crate) fn page() -> Response {
    ProblemPage::new(
        StatusCode::REQUEST_TIMEOUT,
        "request_stalled",
        "What you sent did not arrive",
    )
    .happened("Your browser began to send a form or file and then sent nothing more, so we stopped waiting. Nothing was saved.")
    .next("Check your connection and send it again.")
    .into_response()
}
