//! Entity tags of downloads and of the API: whoever holds the present state is told so, not sent it again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ldsp_protocol::ids::Digest;
use ldsp_ui::api::holds;

use crate::benchmark::Snapshot;
use crate::{SOFTWARE, Service};

/// It may change with the next statement.
const ASK_AGAIN: (HeaderName, HeaderValue) =
    (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));

/// Answers of one state that are kept at most, and their bytes together.
const KEPT: usize = 256;
const KEPT_BYTES: usize = 32 << 20;

/// Answers of one state of the log, by their tags.
#[derive(Clone, Default)]
struct Answers(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    answers: BTreeMap<Digest, (HeaderMap, Bytes)>,
    bytes: usize,
}

impl Answers {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, tag: Digest) -> Option<Response> {
        let (headers, body) = self.kept().answers.get(&tag).cloned()?;
        Some((headers, body).into_response())
    }

    fn keep(&self, tag: Digest, headers: &HeaderMap, body: &Bytes) {
        let mut kept = self.kept();
        if kept.answers.len() < KEPT && kept.bytes + body.len() <= KEPT_BYTES {
            kept.bytes += body.len();
            kept.answers.insert(tag, (headers.clone(), body.clone()));
        }
    }
}

/// Names everything that an answer to this request depends on: log, nodes, standard, program and, for
/// entries that open on a date, the day.
fn tag(service: &Service, snapshot: &Snapshot, request: &Request) -> Digest {
    let state = format!(
        "{SOFTWARE} {} {} {} {} {:?}",
        service.standard.digest(),
        service.today(),
        request.method(),
        request.uri(),
        snapshot.position()
    );
    Digest::of(state.as_bytes())
}

/// Answers 304 to a request that names the present tag; else gives a sound answer its tag. An answer to the same request
/// in the same state is the same: it is kept, not made again.
pub(crate) async fn conditional(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Response {
    // Without a tag the handler meets the same trouble and says so in its own way.
    let Ok(snapshot) = service.snapshot().await else {
        return next.run(request).await;
    };
    let digest = tag(&service, &snapshot, &request);
    let tag = HeaderValue::try_from(format!("\"{digest}\"")).expect("quoted hex is a header value");
    if holds(request.headers(), &tag) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag), ASK_AGAIN]).into_response();
    }
    let answers: Answers = snapshot.kept().unwrap_or_default();
    if let Some(kept) = answers.get(digest) {
        return kept;
    }
    let response = next.run(request).await;
    // The state may have moved on while the answer was made: then the tag is not known to be the answer's.
    let now = service.snapshot().await;
    let is_still = now.is_ok_and(|now| now.position() == snapshot.position());
    if response.status() != StatusCode::OK || !is_still {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    parts.headers.insert(header::ETAG, tag);
    parts.headers.insert(ASK_AGAIN.0, ASK_AGAIN.1);
    match to_bytes(body, usize::MAX).await {
        Ok(body) => {
            answers.keep(digest, &parts.headers, &body);
            snapshot.keep(answers);
            Response::from_parts(parts, body.into())
        }
        Err(error) => {
            tracing::error!(%error, "an answer could not be read from memory");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
