//! Entity tags of downloads and of the API: whoever holds the present state is told so, not sent it again.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ldsp_protocol::ids::Digest;
use ldsp_ui::api::holds;

use crate::store::{Log, Registry, StoreError};
use crate::{SOFTWARE, Service};

/// It may change with the next statement.
const ASK_AGAIN: (HeaderName, HeaderValue) =
    (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));

/// Everything that an answer to this address depends on: log, nodes, standard, program and, for
/// entries that open on a date, the day.
async fn tag_of(service: &Service, uri: &Uri) -> Result<HeaderValue, StoreError> {
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
    let Ok(tag) = tag_of(&service, &uri).await else {
        return next.run(request).await;
    };
    if holds(request.headers(), &tag) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag), ASK_AGAIN]).into_response();
    }
    let mut response = next.run(request).await;
    // The state may have moved on while the answer was made: then the tag is not known to be the answer's.
    let is_still = tag_of(&service, &uri).await.is_ok_and(|now| now == tag);
    if response.status() == StatusCode::OK && is_still {
        let headers = response.headers_mut();
        headers.insert(header::ETAG, tag);
        headers.insert(ASK_AGAIN.0, ASK_AGAIN.1);
    }
    response
}
