//! What a client still sends when its request is answered already.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use futures::stream::{StreamExt as _, poll_fn};

/// As much of a refused body is read and thrown away. Where more comes the connection ends with the answer.
const BYTES: usize = 1024 * 1024;

/// A body that handler and middleware both hold.
#[derive(Clone)]
struct Shared(Arc<Mutex<BodyDataStream>>);

impl Shared {
    fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, axum::Error>>> {
        let mut body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        body.poll_next_unpin(context)
    }
}

/// Reads the rest of a body that a refusal left unread: a client that is still sending when the connection closes loses the
/// answer, and with it the reason; and one that sends its next request on the same connection loses that.
pub(crate) async fn read(request: Request, next: Next) -> Response {
    // Whoever waits for leave to send the body has not sent it.
    let waits = request.headers().contains_key(header::EXPECT);
    let (parts, body) = request.into_parts();
    let shared = Shared(Arc::new(Mutex::new(body.into_data_stream())));
    let lent = shared.clone();
    let body = Body::from_stream(poll_fn(move |context| lent.poll(context)));
    let mut response = next.run(Request::from_parts(parts, body)).await;
    let status = response.status();
    if waits || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let mut rest = poll_fn(|context| shared.poll(context));
    let mut left = BYTES;
    while let Some(chunk) = rest.next().await {
        match chunk.ok().and_then(|chunk| left.checked_sub(chunk.len())) {
            Some(fewer) => left = fewer,
            None => {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
                break;
            }
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::StatusCode;
    use axum::middleware::from_fn;
    use axum::routing::post;
    use futures::stream;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tower::ServiceExt as _;

    use super::*;

    /// How many of `pieces` of 64 KiB were read when the answer came, and whether the connection is to be closed.
    async fn sent(status: StatusCode, pieces: usize) -> (usize, bool) {
        let router = Router::new()
            .route("/", post(async move || status))
            .layer(from_fn(read));
        let read = Arc::new(AtomicUsize::new(0));
        let counted = read.clone();
        let body = stream::iter(0..pieces).map(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok::<_, axum::Error>(Bytes::from_static(&[0; 65_536]))
        });
        let request = Request::post("/").body(Body::from_stream(body)).unwrap();
        let response = router.oneshot(request).await.unwrap();
        let closes = response.headers().contains_key(header::CONNECTION);
        (read.load(Ordering::Relaxed), closes)
    }

    #[tokio::test]
    async fn the_rest_of_a_refused_body_is_read_up_to_a_bound() {
        assert_eq!(sent(StatusCode::FORBIDDEN, 5).await, (5, false));
        assert_eq!(sent(StatusCode::FORBIDDEN, 16).await, (16, false));
        assert_eq!(sent(StatusCode::FORBIDDEN, 99).await, (17, true));
        assert_eq!(sent(StatusCode::OK, 5).await, (0, false));
    }
}
