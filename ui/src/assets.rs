//! The style sheet, the script and the mark, embedded in the program and served at paths that change with their content.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};

const STYLE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/site.css"));
const GOVUK_SCRIPT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/govuk-frontend.min.js"));
const SCRIPT: &[u8] = include_bytes!("../assets/site.mjs");
const ICON: &[u8] = include_bytes!("../assets/favicon.svg");

const FILES: [(&str, &str, &[u8]); 4] = [
    ("site.css", "text/css; charset=utf-8", STYLE),
    ("site.mjs", "text/javascript; charset=utf-8", SCRIPT),
    (
        "govuk-frontend.min.js",
        "text/javascript; charset=utf-8",
        GOVUK_SCRIPT,
    ),
    ("favicon.svg", "image/svg+xml", ICON),
];

/// First 16 hex digits of the SHA-256 of all files: a new build with other content has other addresses.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut digest = Sha256::new();
    for (name, _, content) in FILES {
        digest.update(name);
        digest.update(content);
    }
    hex::encode(&digest.finalize()[..8])
});

/// The path prefix of this build's files, without a final slash.
pub(crate) fn prefix() -> String {
    format!("/assets/{}", *VERSION)
}

pub(crate) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/assets/{version}/{file}", get(file))
}

async fn file(Path((version, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let found = FILES.into_iter().find(|(known, ..)| *known == name);
    let Some((_, content_type, content)) = found.filter(|_| version == *VERSION) else {
        return (
            StatusCode::NOT_FOUND,
            "no such file in this version of the site\n",
        )
            .into_response();
    };
    let etag = format!("\"{}\"", *VERSION);
    let mut response = if headers
        .get(IF_NONE_MATCH)
        .is_some_and(|seen| matches(seen, &etag))
    {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        content.into_response()
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=31536000, immutable"),
    );
    headers.insert(
        ETAG,
        HeaderValue::try_from(etag).expect("quoted hex is a header value"),
    );
    response
}

/// Weak comparison, RFC 9110 section 13.1.2: a cache that compressed the file may have weakened the tag.
fn matches(seen: &HeaderValue, etag: &str) -> bool {
    seen.to_str().is_ok_and(|list| {
        list.split(',').any(|tag| {
            let tag = tag.trim();
            tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::http::Request;
    use tower::ServiceExt;

    async fn fetch(path: &str, seen: Option<&str>) -> Response {
        let mut request = Request::get(path);
        if let Some(tag) = seen {
            request = request.header(IF_NONE_MATCH, tag);
        }
        router::<()>()
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn files_are_immutable_under_their_version_only() {
        let path = format!("{}/site.css", prefix());
        let first = fetch(&path, None).await;
        assert_eq!(first.status(), StatusCode::OK);
        assert_eq!(
            first.headers()[CACHE_CONTROL],
            "public, max-age=31536000, immutable"
        );
        let tag = format!("W/{}", first.headers()[ETAG].to_str().unwrap());
        assert_eq!(
            fetch(&path, Some(&tag)).await.status(),
            StatusCode::NOT_MODIFIED
        );
        assert_eq!(
            fetch("/assets/0000000000000000/site.css", None)
                .await
                .status(),
            StatusCode::NOT_FOUND
        );
        assert_eq!(
            fetch(&format!("{}/Cargo.toml", prefix()), None)
                .await
                .status(),
            StatusCode::NOT_FOUND
        );
    }

    #[test]
    fn nothing_external_and_no_crown_is_embedded() {
        let style = std::str::from_utf8(STYLE).unwrap();
        for unwanted in ["url(", "GDS Transport", "@font-face", "@import"] {
            assert!(!style.contains(unwanted), "{unwanted} in site.css");
        }
    }
}
