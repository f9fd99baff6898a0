//! Entity tags of downloads and of the API: whoever holds the present state is told so, not sent it again.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ldsp_protocol::ids::Digest;

use crate::store::{Log, Registry, StoreError};
use crate::{SOFTWARE, Service};

/// Everything that an answer to this address depends on: log, nodes, standard, program and, for
/// entries that open on a date, the day.
async fn tag(service: &Service, uri: &Uri) -> Result<HeaderValue, StoreError> {
    let size = service.store.size().await?;
    let nodes = service.store.nodes().await?;
    let records: Vec<_> = nodes
        .iter()
        .map(|n| n.record(service.standard.digest()))
        .collect();
    let state = format!(
        "{SOFTWARE} {} {size} {} {uri} {records:?}",
        service.standard.digest(),
        service.today()
    );
    let quoted = format!("\"{}\"", Digest::of(state.as_bytes()));
    Ok(HeaderValue::try_from(quoted).expect("quoted hex is a header value"))
}

/// Answers 304 to a request that names the present tag; else gives a sound answer its tag.
pub(crate) async fn conditional(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Response {
    let uri = request.uri().clone();
    // Without a tag the handler meets the same trouble and says so in its own way.
    let Ok(tag) = tag(&service, &uri).await else {
        return next.run(request).await;
    };
    // Weak comparison (RFC 9110, section 13.1.2); the tag names the address, so no other answer has it.
    let known = request.headers().get_all(header::IF_NONE_MATCH);
    let held = known.iter().filter_map(|v| v.to_str().ok()).any(|list| {
        list.split(',')
            .any(|seen| seen.trim().trim_start_matches("W/") == tag)
    });
    if held {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response();
    }
    let mut response = next.run(request).await;
    if response.status() == StatusCode::OK {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
