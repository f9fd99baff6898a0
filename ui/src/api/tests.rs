use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, Response, StatusCode, header};
use axum::middleware::from_fn;
use axum::routing::get;
use http_body_util::BodyExt as _;
use serde::Deserialize;
use tower::ServiceExt as _;

use super::*;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    limit: Option<Limit>,
}

fn router() -> Router {
    let limit = |Query(asked): Query<Asked>| async move {
        asked.limit.unwrap_or_default().get().to_string()
    };
    let private = || async { ([(header::CACHE_CONTROL, "no-store")], "private") };
    Router::new()
        .route("/limit", get(limit).post(|| async { "changed" }))
        .route("/private", get(private))
        .layer(from_fn(entity_tag))
        .layer(from_fn(public_reads))
}

async fn ask(method: Method, path: &str, headers: &[(&str, &str)]) -> Response<Body> {
    let request = Request::builder().method(method).uri(path);
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    router()
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap()
}

async fn body(response: Response<Body>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn who_holds_the_present_state_is_told_so() {
    let first = ask(Method::GET, "/limit", &[]).await;
    let tag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
    assert!(tag.starts_with('"') && tag.len() == 66, "{tag}");
    let head = ask(Method::HEAD, "/limit", &[]).await;
    assert_eq!(head.headers()[header::ETAG], tag.as_str());
    assert_eq!(head.headers()[header::CONTENT_LENGTH], "2");
    assert_eq!(body(head).await, "");

    let compressed = format!("{}-gzip\"", &tag[..65]);
    let weak = format!("\"x\", W/{tag}");
    for held in [tag.as_str(), &compressed, &weak, "*"] {
        let again = ask(Method::GET, "/limit", &[("if-none-match", held)]).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{held}");
        assert_eq!(again.headers()[header::ETAG], tag.as_str());
        assert_eq!(body(again).await, "");
    }
    let other = ask(Method::GET, "/limit?limit=7", &[("if-none-match", &tag)]).await;
    assert_eq!(other.status(), StatusCode::OK);
    let private = ask(Method::GET, "/private", &[]).await;
    assert!(!private.headers().contains_key(header::ETAG));
}

#[tokio::test]
async fn pages_of_other_origins_may_read_what_is_public_and_no_more() {
    let open = |response: &Response<Body>| {
        response
            .headers()
            .get(header::ACCESS_CONTROL_ALLOW_ORIGIN)
            .is_some_and(|origin| origin == "*")
    };
    let origin = ("origin", "https://elsewhere.example");
    assert!(open(&ask(Method::GET, "/limit", &[origin]).await));
    assert!(open(&ask(Method::HEAD, "/limit", &[origin]).await));
    assert!(!open(&ask(Method::POST, "/limit", &[origin]).await));
    assert!(!open(&ask(Method::GET, "/private", &[origin]).await));

    let asks = [origin, ("access-control-request-method", "PUT")];
    let preflight = ask(Method::OPTIONS, "/limit", &asks).await;
    assert_eq!(preflight.status(), StatusCode::NO_CONTENT);
    let allowed = &preflight.headers()[header::ACCESS_CONTROL_ALLOW_METHODS];
    assert_eq!(allowed, "GET, HEAD");
    let headers = preflight.headers();
    assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
    assert!(open(&preflight));

    let options = ask(Method::OPTIONS, "/limit", &[]).await;
    assert_eq!(options.status(), StatusCode::NO_CONTENT);
    assert_eq!(options.headers()[header::ALLOW], "GET,HEAD,POST");
}

#[tokio::test]
async fn queries_say_what_is_wrong_with_them() {
    for (query, cause) in [
        ("limit=0", "1 to 100"),
        ("limit=1&limit=2", "duplicate"),
        ("limt=1", "unknown field `limt`"),
    ] {
        let refused = ask(Method::GET, &format!("/limit?{query}"), &[]).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
        let problem: Problem = serde_json::from_str(&body(refused).await).unwrap();
        assert_eq!(problem.code, "parameter");
        assert!(problem.detail.contains(cause), "{}", problem.detail);
    }
}
