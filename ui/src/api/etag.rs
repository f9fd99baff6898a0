//! Strong entity tags (RFC 9110, section 8.8.3): whoever holds the present state is told so, not sent it again.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};

use super::{Problem, Refusal, problem};

/// How a compressed answer's tag ends: other bytes need another tag.
const COMPRESSED: &str = "-gzip\"";
/// What is public and may change is kept, and asked about before it is used again.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// Tags every sound answer to GET and HEAD with the digest of its body and answers 304 where the request names that tag.
///
/// An answer that has a tag already keeps it; one marked `no-store` gets none. Where nothing is said about caching, the
/// answer may be kept if it is asked about each time. Bodies without a tag are read whole: put it around answers that are in memory.
pub async fn entity_tag(request: Request, next: Next) -> Response {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let held = request.headers().contains_key(header::IF_NONE_MATCH);
    let held = held.then(|| request.headers().clone());
    let holds = |tag: &HeaderValue| held.as_ref().is_some_and(|held| holds(held, tag));
    let mut response = next.run(request).await;
    let headers = response.headers();
    let is_private = headers
        .get(header::CACHE_CONTROL)
        .is_some_and(|value| value == "no-store");
    if !is_read || response.status() != StatusCode::OK || is_private {
        return response;
    }
    response
        .headers_mut()
        .entry(header::CACHE_CONTROL)
        .or_insert(ASK_AGAIN);
    // Who gave the tag has seen to it that the body is needed, unless it is held after all.
    let tagged = response.headers().get(header::ETAG);
    if tagged.is_some_and(|tag| !holds(tag)) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else {
        let problem = Problem::new(problem::INTERNAL, "The answer could not be made whole.");
        return Refusal(problem).into_response();
    };
    let tag = match parts.headers.get(header::ETAG) {
        Some(tag) => tag.clone(),
        None => HeaderValue::try_from(format!("\"{}\"", hex::encode(Sha256::digest(&body))))
            .expect("quoted hex is a header value"),
    };
    parts.headers.insert(header::ETAG, tag.clone());
    if !holds(&tag) {
        return Response::from_parts(parts, Body::from(body));
    }
    for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH] {
        parts.headers.remove(name);
    }
    parts.status = StatusCode::NOT_MODIFIED;
    Response::from_parts(parts, Body::empty())
}

/// Whether a request's `if-none-match` names `tag` (weak comparison, RFC 9110, section 13.1.2), compressed or not.
#[must_use]
pub fn holds(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let Ok(tag) = tag.to_str() else { return false };
    let compressed = format!("{}{COMPRESSED}", tag.trim_end_matches('"'));
    let known = headers.get_all(header::IF_NONE_MATCH);
    known.iter().filter_map(|v| v.to_str().ok()).any(|list| {
        list.split(',').map(str::trim).any(|seen| {
            let seen = seen.strip_prefix("W/").unwrap_or(seen);
            seen == "*" || seen == tag || seen == compressed
        })
    })
}

/// Gives a compressed answer another strong tag than the plain one: their bytes differ.
pub(crate) async fn tell_encodings_apart(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if headers.contains_key(header::CONTENT_ENCODING) {
        let plain = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok());
        let other = plain.filter(|tag| tag.starts_with('"')).and_then(|tag| {
            HeaderValue::try_from(format!("{}{COMPRESSED}", tag.trim_end_matches('"'))).ok()
        });
        if let Some(other) = other {
            headers.insert(header::ETAG, other);
        }
    }
    response
}
