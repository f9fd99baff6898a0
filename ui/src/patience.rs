//! What the server takes from a client before a handler sees it: how long it waits for a request's body, how much address and
//! headers it reads, and how a client that is refused while it still sends gets to hear why.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::Stream;
use tokio::time::{Sleep, sleep, timeout};

use crate::problem::ProblemPage;

/// Longest address (path and query) in bytes.
const ADDRESS_BYTES: usize = 8 * 1024;
/// Most bytes of all headers of a request together: a signed read of a node takes 1 KiB, a browser's cookies a few.
const HEADER_BYTES: usize = 32 * 1024;

/// How long a site waits for what clients send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// A client that sends nothing of its body for this long has gone, or holds the connection on purpose.
    pub stall: Duration,
    /// Bytes of a body that have to come each second on average, after a first `stall`: a large file over a slow line arrives,
    /// a byte now and then does not.
    pub rate: u32,
    /// A body that nobody wants is read and thrown away for this long, so that its sender reads the answer instead of a
    /// broken connection.
    pub linger: Duration,
}

impl Default for Patience {
    /// 30 seconds, 8 KiB a second, 30 seconds.
    fn default() -> Self {
        Self {
            stall: Duration::from_secs(30),
            rate: 8 * 1024,
            linger: Duration::from_secs(30),
        }
    }
}

/// A request that is refused before a handler has read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    /// 408: its body stopped coming, or came too slowly.
    Stalled,
    /// 414: its address is over 8 KiB.
    LongAddress,
    /// 431: its headers are over 32 KiB.
    LargeHeaders,
}

impl Unread {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Stalled => StatusCode::REQUEST_TIMEOUT,
            Self::LongAddress => StatusCode::URI_TOO_LONG,
            Self::LargeHeaders => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        }
    }
}

/// How such a request is answered.
pub(crate) type Answer = fn(Unread) -> Response;

#[derive(Clone, Copy)]
pub(crate) struct Watch {
    pub(crate) patience: Patience,
    pub(crate) answer: Answer,
}

/// Ends a body that stalls, and answers 408 in the place of the handler's own refusal of half a body. A body that the handler
/// leaves unread is drained.
pub(crate) async fn watch(State(watch): State<Watch>, request: Request, next: Next) -> Response {
    if let Some(unread) = too_much(&request) {
        // What follows could be taken for a request.
        return closing((watch.answer)(unread));
    }
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let fate = Arc::new(Fate::default());
    let invited = request.headers().get(header::EXPECT).is_none();
    let request = request.map(|body| {
        Body::from_stream(Paced {
            body: Some(body),
            patience: watch.patience,
            stall: None,
            whole: None,
            fate: fate.clone(),
            invited,
        })
    });
    let response = next.run(request).await;
    let refused = response.status().is_client_error() || response.status().is_server_error();
    match fate.get() {
        Fate::STALLED if refused => closing((watch.answer)(Unread::Stalled)),
        // The sender need not go on.
        Fate::LEFT => closing(response),
        _ => response,
    }
}

fn closing(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

fn too_much(request: &Request) -> Option<Unread> {
    let address = request.uri().path_and_query();
    if address.is_some_and(|address| address.as_str().len() > ADDRESS_BYTES) {
        return Some(Unread::LongAddress);
    }
    (size(request.headers()) > HEADER_BYTES).then_some(Unread::LargeHeaders)
}

fn size(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum()
}

/// What became of a body.
#[derive(Default)]
struct Fate(AtomicU8);

impl Fate {
    /// The client was too slow.
    const STALLED: u8 = 1;
    /// The handler did not read it to its end.
    const LEFT: u8 = 2;

    fn set(&self, fate: u8) {
        self.0.store(fate, Ordering::Relaxed);
    }

    fn get(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A body that has to come at a pace.
struct Paced {
    /// `None` once it has ended.
    body: Option<Body>,
    patience: Patience,
    /// Runs while nothing comes.
    stall: Option<Pin<Box<Sleep>>>,
    /// Runs from the first wait on; each byte puts it off.
    whole: Option<Pin<Box<Sleep>>>,
    fate: Arc<Fate>,
    /// Whether the client sends without being asked to: RFC 9110 section 10.1.1.
    invited: bool,
}

/// The body stalled.
#[derive(Debug, thiserror::Error)]
#[error("the rest of the body did not come in time")]
struct Stalled;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl Stream for Paced {
    type Item = Result<Bytes, BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        this.invited = true;
        let Some(body) = &mut this.body else {
            return Poll::Ready(None);
        };
        match Pin::new(body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                // Trailers end a body and say nothing to us.
                let bytes = frame.into_data().unwrap_or_default();
                this.stall = None;
                if let Some(whole) = &mut this.whole {
                    let later = whole.deadline() + worth(bytes.len(), this.patience.rate);
                    whole.as_mut().reset(later);
                }
                Poll::Ready(Some(Ok(bytes)))
            }
            Poll::Ready(Some(Err(error))) => {
                this.body = None;
                Poll::Ready(Some(Err(error.into())))
            }
            Poll::Ready(None) => {
                this.body = None;
                Poll::Ready(None)
            }
            Poll::Pending => {
                let wait = this.patience.stall;
                let stall = this.stall.get_or_insert_with(|| Box::pin(sleep(wait)));
                let whole = this.whole.get_or_insert_with(|| Box::pin(sleep(wait)));
                let stalled = stall.as_mut().poll(cx).is_ready();
                if stalled || whole.as_mut().poll(cx).is_ready() {
                    this.fate.set(Fate::STALLED);
                    this.body = None;
                    return Poll::Ready(Some(Err(Stalled.into())));
                }
                Poll::Pending
            }
        }
    }
}

/// The time that so many bytes may take.
pub(crate) fn worth(bytes: usize, rate: u32) -> Duration {
    let micros = (bytes as u64).saturating_mul(1_000_000) / u64::from(rate.max(1));
    Duration::from_micros(micros)
}

impl Drop for Paced {
    fn drop(&mut self) {
        let Some(mut body) = self.body.take().filter(|body| !body.is_end_stream()) else {
            return;
        };
        self.fate.set(Fate::LEFT);
        // A client that waits to be asked for its body is not asked any more.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        if !self.invited {
            return;
        }
        let linger = self.patience.linger;
        runtime.spawn(timeout(linger, async move {
            let next = |body: &mut Body, cx: &mut Context<'_>| Pin::new(body).poll_frame(cx);
            while let Some(Ok(_)) = std::future::poll_fn(|cx| next(&mut body, cx)).await {}
        }));
    }
}

/// For people.
pub(crate) fn page(unread: Unread) -> Response {
    let page = |code, title: &str| ProblemPage::new(unread.status(), code, title);
    match unread {
        Unread::Stalled => page("request_stalled", "What you sent did not arrive")
            .happened("Your browser began to send a form or file and then sent nothing more, or far too slowly, so we stopped waiting. Nothing was saved.")
            .next("Check your connection and send it again."),
        Unread::LongAddress => page("address_too_long", "The address is too long")
            .happened("The address of the page is longer than any page of this site has.")
            .next("Check the address, or start from the front page."),
        Unread::LargeHeaders => page("headers_too_large", "Your browser sent too much with the request")
            .happened("The headers of the request, mostly cookies, are larger than this site reads.")
            .next("Delete the cookies of this site in your browser and open the page again."),
    }
    .into_response()
}

#[cfg(test)]
mod tests;
