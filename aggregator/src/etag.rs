//! Entity tags of downloads and of the API: whoever holds the present state is told so, not sent it again.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ldsp_protocol::ids::Digest;
use ldsp_ui::api::holds;

use crate::benchmark::Snapshot;
use crate::store::{Log as _, StoreError};
use crate::{SOFTWARE, Service};

/// It may change with the next statement.
const ASK_AGAIN: (HeaderName, HeaderValue) =
    (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));

/// Answers of one state that are kept at most, and their bytes together.
const KEPT: usize = 256;
const KEPT_BYTES: usize = 32 << 20;

/// Answers of one state of the log or of the figures, by their tags.
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

/// What answers depend on.
#[derive(Clone, Copy)]
pub(crate) enum Basis {
    /// Figures and areas alone: they outlast practice entries.
    Figures,
    /// Everything that is logged, and what curators say of it.
    Log,
}

impl Basis {
    fn answers(self, snapshot: &Snapshot) -> Answers {
        let kept = match self {
            Self::Figures => snapshot.kept_of_figures(),
            Self::Log => snapshot.kept(),
        };
        kept.unwrap_or_default()
    }

    fn keep(self, snapshot: &Snapshot, answers: Answers) {
        match self {
            Self::Figures => snapshot.keep_of_figures(answers),
            Self::Log => snapshot.keep(answers),
        }
    }

    /// Whether an answer that was made meanwhile is the answer of this state.
    async fn stands(self, service: &Service, snapshot: &Snapshot) -> bool {
        match self {
            Self::Figures => true,
            Self::Log => service
                .store
                .position()
                .await
                .is_ok_and(|at| at == *snapshot.position()),
        }
    }

    /// Names everything that an answer to this request depends on: figures, log, standard, program and, for what a
    /// date changes, the day.
    fn tag(self, service: &Service, snapshot: &Snapshot, request: &Request) -> Digest {
        let log = match self {
            Self::Figures => None,
            Self::Log => Some((snapshot.position().edge, snapshot.position().curated)),
        };
        let state = format!(
            "{SOFTWARE} {} {} {} {} {log:?}",
            service.standard.digest(),
            service.today(),
            request.uri(),
            snapshot.figures_digest()
        );
        Digest::of(state.as_bytes())
    }
}

/// The state that gave an answer its tag, so that its handler answers from no other; none outside [`conditional`].
pub(crate) struct Handed(Option<Arc<Snapshot>>);

impl<S: Sync> FromRequestParts<S> for Handed {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get().cloned()))
    }
}

impl Handed {
    /// It, or the present state.
    pub(crate) async fn or_present(self, service: &Service) -> Result<Arc<Snapshot>, StoreError> {
        match self.0 {
            Some(snapshot) => Ok(snapshot),
            None => service.snapshot().await,
        }
    }
}

/// Answers 304 to a request that names the present tag; else gives a sound answer its tag. An answer to the same request
/// in the same state is the same: it is kept, not made again. Handlers answer from [`Handed`]; those that read the log as well
/// have [`Basis::Log`], and what they answer while it grows gets no tag, because it may hold the newer state.
pub(crate) async fn conditional(
    State((service, basis)): State<(Arc<Service>, Basis)>,
    mut request: Request,
    next: Next,
) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    // Without a tag the handler meets the same trouble and says so in its own way.
    let Ok(snapshot) = service.snapshot().await else {
        return next.run(request).await;
    };
    let digest = basis.tag(&service, &snapshot, &request);
    let tag = HeaderValue::try_from(format!("\"{digest}\"")).expect("quoted hex is a header value");
    if holds(request.headers(), &tag) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag), ASK_AGAIN]).into_response();
    }
    // HEAD has the tag of what GET would be sent, and nothing to keep.
    let is_whole = request.method() == Method::GET;
    let answers = basis.answers(&snapshot);
    if let Some(kept) = answers.get(digest).filter(|_| is_whole) {
        return kept;
    }
    request.extensions_mut().insert(Arc::clone(&snapshot));
    let response = next.run(request).await;
    if response.status() != StatusCode::OK || !basis.stands(&service, &snapshot).await {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    parts.headers.insert(header::ETAG, tag);
    parts.headers.insert(ASK_AGAIN.0, ASK_AGAIN.1);
    // The answer to HEAD may lack the body that the same tag stands for.
    if !is_whole {
        return Response::from_parts(parts, body);
    }
    match to_bytes(body, usize::MAX).await {
        Ok(body) => {
            answers.keep(digest, &parts.headers, &body);
            basis.keep(&snapshot, answers);
            Response::from_parts(parts, body.into())
        }
        Err(error) => {
            tracing::error!(%error, "an answer could not be read from memory");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
