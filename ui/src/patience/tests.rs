//! Bodies that come slowly, under a clock that the runtime moves on when nothing else is left to do.

use std::sync::atomic::AtomicUsize;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::post;
use tower::ServiceExt as _;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// The status that a body is answered with which comes in `pieces` of `bytes`, one each `pause`, and how many were taken.
async fn send(pieces: usize, bytes: usize, pause: Duration) -> (StatusCode, usize) {
    let taken = Arc::new(AtomicUsize::new(0));
    let body = futures::stream::unfold(0, {
        let taken = taken.clone();
        move |n| {
            let taken = taken.clone();
            async move {
                if n == pieces {
                    return None;
                }
                sleep(pause).await;
                taken.store(n + 1, Ordering::Relaxed);
                Some((
                    Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; bytes])),
                    n + 1,
                ))
            }
        }
    });
    let watch = Watch {
        patience: Patience::default(),
        answer: crate::api::unread,
    };
    let read = |body: Body| async move {
        match axum::body::to_bytes(body, usize::MAX).await {
            Ok(bytes) => (StatusCode::OK, bytes.len().to_string()),
            Err(_) => (StatusCode::BAD_REQUEST, String::new()),
        }
    };
    let router = Router::new()
        .route("/", post(read))
        .layer(from_fn_with_state(watch, super::watch));
    let request = Request::post("/").body(Body::from_stream(body)).unwrap();
    let answer = router.oneshot(request).await.unwrap();
    (answer.status(), taken.load(Ordering::Relaxed))
}

#[tokio::test(start_paused = true)]
async fn a_byte_now_and_then_does_not_hold_a_connection() {
    let (status, taken) = send(1_000, 1, 29 * SECOND).await;
    assert_eq!((status, taken), (StatusCode::REQUEST_TIMEOUT, 1));
}

#[tokio::test(start_paused = true)]
async fn a_slow_line_may_take_an_hour() {
    let (status, taken) = send(3_600, 9 * 1024, SECOND).await;
    assert_eq!((status, taken), (StatusCode::OK, 3_600));
}

#[tokio::test(start_paused = true)]
async fn a_fast_start_is_no_leave_to_stop() {
    let (status, taken) = send(2, 64 << 20, 31 * SECOND).await;
    assert_eq!((status, taken), (StatusCode::REQUEST_TIMEOUT, 0));
}
