//! Reading public data from pages of other origins (Fetch standard, "CORS protocol").

use axum::extract::Request;
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

const ANYBODY: HeaderValue = HeaderValue::from_static("*");

/// Lets pages of any origin read, without credentials, and answers their preflight requests.
///
/// Put it around public reads only. Answers marked `no-store` (signed reads) are not opened, and no preflight allows
/// an `authorization` header or another method than GET and HEAD.
pub async fn public_reads(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let headers = request.headers();
    let is_preflight = method == Method::OPTIONS
        && headers.contains_key(header::ORIGIN)
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if is_preflight {
        return preflight();
    }
    let mut response = next.run(request).await;
    if method == Method::OPTIONS && response.status() == StatusCode::METHOD_NOT_ALLOWED {
        let allow = response.headers().get(header::ALLOW).cloned();
        response = StatusCode::NO_CONTENT.into_response();
        if let Some(allow) = allow {
            response.headers_mut().insert(header::ALLOW, allow);
        }
    }
    let is_read = matches!(method, Method::GET | Method::HEAD | Method::OPTIONS);
    if is_read && !is_for_one_reader(response.headers()) {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, ANYBODY);
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("etag"),
        );
        headers.insert(
            HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static("cross-origin"),
        );
    }
    response
}

fn preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "accept, if-none-match",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

fn is_for_one_reader(headers: &HeaderMap) -> bool {
    headers
        .get(header::CACHE_CONTROL)
        .is_some_and(|value| value == "no-store")
}
