//! Pulls over sockets of this machine.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse as _;
use axum::routing::get;
use bytes::Bytes;

use super::*;
use crate::provision::pull::fetch::Web;

/// A server on this machine, and the address of its feed.
async fn listen(router: Router) -> Url {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, router).await });
    Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap()
}

async fn ask(web: &Web, base: &Url, path: &str, etag: &str) -> Result<Got, NotGot> {
    let ask = Ask {
        url: base.join(path).unwrap(),
        etag: etag.to_owned(),
        most: 1_000,
    };
    web.get(&ask).await
}

#[tokio::test]
async fn private_addresses_are_never_connected_to_unless_the_configuration_names_them() {
    let counted = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = counted.clone();
    let base = listen(Router::new().fallback(async move || {
        counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }))
    .await;
    let port = base.port().unwrap();
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "0.0.0.0",
        "169.254.169.254",
        "2130706433",
        "[::ffff:127.0.0.1]",
    ] {
        let url = Url::parse(&format!("https://{host}:{port}/")).unwrap();
        let refused = ask(&Web::of(url.clone(), &[]), &url, "/", "").await;
        assert_eq!(refused, Err(NotGot::Refused(Refusal::Private)), "{host}");
    }
    assert_eq!(counted.load(std::sync::atomic::Ordering::Relaxed), 0);
    let web = Web::of(base.clone(), &["127.0.0.1".to_owned()]);
    ask(&web, &base, "/", "").await.unwrap();
    assert_eq!(counted.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[tokio::test]
async fn redirects_sizes_and_tags_are_held_to() {
    let moved = |to: &'static str| get(async move || (StatusCode::FOUND, [(header::LOCATION, to)]));
    let endless = get(async || {
        let chunk = Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 100]));
        Body::from_stream(futures::stream::repeat_with(move || {
            Ok::<_, std::io::Error>(chunk.as_ref().unwrap().clone())
        }))
    });
    let tagged = get(
        async |headers: HeaderMap| match headers.get(header::IF_NONE_MATCH) {
            Some(tag) if tag == "\"a\"" => StatusCode::NOT_MODIFIED.into_response(),
            _ => ([(header::ETAG, "\"a\"")], "here").into_response(),
        },
    );
    let router = Router::new()
        .route("/within", moved("/tagged"))
        .route("/round", moved("/round"))
        .route("/elsewhere", moved("https://elsewhere.example/tagged"))
        .route("/inside", moved("http://127.0.0.1:1/"))
        .route("/file", moved("file:///etc/passwd"))
        .route("/endless", endless)
        .route("/large", get(async || "x".repeat(1_001)))
        .route(
            "/later",
            get(async || {
                (
                    StatusCode::SERVICE_UNAVAILABLE,
                    [(header::RETRY_AFTER, "30")],
                )
            }),
        )
        .route("/tagged", tagged);
    let base = listen(router).await;
    let web = Web::of(base.clone(), &["127.0.0.1".to_owned()]);
    let here = Got::Body {
        bytes: b"here".to_vec(),
        etag: "\"a\"".to_owned(),
    };
    assert_eq!(ask(&web, &base, "/tagged", "").await, Ok(here.clone()));
    assert_eq!(ask(&web, &base, "/within", "").await, Ok(here));
    assert_eq!(
        ask(&web, &base, "/tagged", "\"a\"").await,
        Ok(Got::Unchanged)
    );
    assert_eq!(
        ask(&web, &base, "/later", "").await,
        Ok(Got::Status(503, Some(30)))
    );
    for (path, wanted) in [
        ("/round", Refusal::Redirect),
        ("/elsewhere", Refusal::Redirect),
        ("/inside", Refusal::Redirect),
        ("/file", Refusal::Redirect),
        ("/endless", Refusal::Large),
        ("/large", Refusal::Large),
    ] {
        assert_eq!(
            ask(&web, &base, path, "").await,
            Err(NotGot::Refused(wanted)),
            "{path}"
        );
    }
}
