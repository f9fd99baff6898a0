//! The node's only way out: requests to the aggregator.

use std::future::Future;
use std::time::Duration;

use rustls::CertificateError;

/// Media type of a DSSE envelope on the wire (DSSE protocol 1.0.2, envelope.md).
pub const ENVELOPE_TYPE: &str = "application/vnd.dsse+json";
/// Most bytes of an answer that are read.
pub const MAX_ANSWER: usize = 4 << 20;
const CONNECT: Duration = Duration::from_secs(10);
const WHOLE: Duration = Duration::from_secs(60);

/// HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Method {
    Get,
    Post,
    Put,
}

/// A request to the aggregator.
#[derive(Debug, Clone)]
pub struct Request {
    /// Method.
    pub method: Method,
    /// Path and query, from `/`.
    pub path: String,
    /// Lower-case names.
    pub headers: Vec<(&'static str, String)>,
    /// Exact body.
    pub body: Vec<u8>,
}

impl Request {
    /// A request without headers and body.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::Get,
            path: path.into(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }
}

/// The aggregator's answer, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Retry-After` as sent.
    pub retry_after: Option<String>,
    /// Body, at most [`MAX_ANSWER`] bytes.
    pub body: Vec<u8>,
}

/// No answer came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the aggregator could not be reached: {reason}")]
pub struct Unreachable {
    /// What happened.
    pub reason: String,
    next: &'static str,
}

const QUEUED: &str =
    "Check the network and the address. What is queued stays queued and is sent again.";

impl Unreachable {
    /// Trouble of no particular kind.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            next: QUEUED,
        }
    }

    /// What to do next.
    #[must_use]
    pub fn next(&self) -> &'static str {
        self.next
    }
}

impl From<reqwest::Error> for Unreachable {
    fn from(error: reqwest::Error) -> Self {
        let reason = in_full(&error);
        let next = match certificate_error(&error) {
            Some(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
                "The aggregator's certificate has ended, or this machine's clock is ahead. Compare the clock with another one; if it is right, tell the aggregator's operator. What is queued stays queued and is sent again."
            }
            Some(CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }) => {
                "The aggregator's certificate is not valid yet, or this machine's clock is behind. Compare the clock with another one; if it is right, tell the aggregator's operator. What is queued stays queued and is sent again."
            }
            Some(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            ) => {
                "The server that answers is not the one that the invite names, or its certificate is for another name. Check the address with the aggregator's operator. What is queued stays queued and is sent again."
            }
            // Private authorities share their name, so that of another one shows as a wrong signature.
            Some(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
                "Somebody else answers in the aggregator's place, or its certificate was issued by another authority than the invite's. Do not go around it: ask the aggregator's operator. What is queued stays queued and is sent again."
            }
            Some(_) => {
                "The aggregator's certificate cannot be believed: ask its operator. What is queued stays queued and is sent again."
            }
            None if error.is_timeout() => {
                "The aggregator or the network is too slow just now. What is queued stays queued and is sent again."
            }
            None => QUEUED,
        };
        Self { reason, next }
    }
}

/// Why the server's certificate was not believed, if that is the cause.
fn certificate_error<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a CertificateError> {
    if let Some(rustls::Error::InvalidCertificate(why)) = error.downcast_ref() {
        return Some(why);
    }
    // The source of an input error is not what it was made of, but what lies behind that.
    let inner = error.downcast_ref::<std::io::Error>();
    match inner.and_then(std::io::Error::get_ref) {
        Some(inner) => certificate_error(inner),
        None => certificate_error(error.source()?),
    }
}

/// Sends requests to one aggregator. No redirects; every call ends within a minute.
pub trait Transport: Send + Sync {
    /// Sends one request. Whether it was carried out is unknown after an error: callers only send what may be
    /// repeated.
    fn call(&self, request: Request) -> impl Future<Output = Result<Answer, Unreachable>> + Send;
}

/// HTTPS with the operating system's trust store or, where a private authority is given, with that one alone.
#[derive(Debug, Clone)]
pub struct Https {
    client: reqwest::Client,
    base: String,
}

impl Https {
    /// A client of the aggregator at `url` (`https://host[:port]`).
    ///
    /// # Errors
    /// [`Unreachable`] when the address is not https or the certificate cannot be read.
    pub fn new(url: &str, ca_pem: Option<&str>) -> Result<Self, Unreachable> {
        Self::within(url, ca_pem, WHOLE)
    }

    /// [`Self::new`] with another time for a whole call.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn within(url: &str, ca_pem: Option<&str>, whole: Duration) -> Result<Self, Unreachable> {
        check_url(url).map_err(Unreachable::new)?;
        let mut builder = reqwest::Client::builder()
            .https_only(true)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .timeout(whole)
            .user_agent(crate::SOFTWARE);
        if let Some(pem) = ca_pem {
            let authorities = reqwest::Certificate::from_pem_bundle(pem.as_bytes())?;
            if authorities.is_empty() {
                return Err(Unreachable::new("ca_pem holds no certificate"));
            }
            // Only these: what the operating system trusts besides must not speak for the aggregator.
            builder = builder.tls_certs_only(authorities);
        }
        Ok(Self {
            client: builder.build()?,
            base: url.trim_end_matches('/').to_owned(),
        })
    }
}

/// An aggregator's address is `https://host[:port]` and nothing more.
pub(crate) fn check_url(url: &str) -> Result<(), &'static str> {
    let parsed = reqwest::Url::parse(url).map_err(|_| "the address is not a URL")?;
    if parsed.scheme() != "https" {
        return Err("the address does not start with https://");
    }
    let bare = parsed.path() == "/" && parsed.query().is_none() && parsed.fragment().is_none();
    if !bare || !parsed.username().is_empty() || parsed.host_str().is_none() {
        return Err("the address is more than https://host[:port]");
    }
    Ok(())
}

impl Transport for Https {
    async fn call(&self, request: Request) -> Result<Answer, Unreachable> {
        let url = format!("{}{}", self.base, request.path);
        let mut outgoing = match request.method {
            Method::Get => self.client.get(url),
            Method::Post => self.client.post(url),
            Method::Put => self.client.put(url),
        };
        for (name, value) in request.headers {
            outgoing = outgoing.header(name, value);
        }
        if !request.body.is_empty() {
            outgoing = outgoing.body(request.body);
        }
        let mut response = outgoing.send().await?;
        let retry_after = response.headers().get("retry-after");
        let mut answer = Answer {
            status: response.status().as_u16(),
            retry_after: retry_after.and_then(|v| v.to_str().ok()).map(str::to_owned),
            body: Vec::new(),
        };
        while let Some(chunk) = response.chunk().await? {
            if answer.body.len() + chunk.len() > MAX_ANSWER {
                return Err(Unreachable::new(format!(
                    "its answer is over {MAX_ANSWER} bytes"
                )));
            }
            answer.body.extend_from_slice(&chunk);
        }
        Ok(answer)
    }
}

/// An error with its causes: "error sending request" alone helps nobody.
fn in_full(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_to_a_bare_host_is_allowed() {
        for bad in [
            "http://log.example",
            "https://log.example/path",
            "https://user@log.example",
            "https://log.example/?q=1",
            "log.example",
            "",
        ] {
            assert!(check_url(bad).is_err(), "{bad}");
        }
        assert_eq!(check_url("https://log.example:8443"), Ok(()));
        assert!(Https::new("https://log.example", Some("not a certificate")).is_err());
    }

    mod over_tls {
        use super::*;
        use crate::testing::at;
        use axum::Router;
        use axum::http::{HeaderMap, StatusCode, header};
        use axum::routing::{get, put};
        use ldsp_ui::tls::PrivateCa;

        /// A server with a certificate of a private authority, for as long as the guard lives.
        struct Server {
            url: String,
            ca: String,
            _stop: tokio::sync::oneshot::Sender<()>,
        }

        async fn serve(router: Router) -> Server {
            let (from, until) = (at("2020-01-01T00:00:00Z"), at("2090-01-01T00:00:00Z"));
            let ca = PrivateCa::generate(from, until).unwrap();
            let tls = ca
                .issue(&["localhost"], from, until)
                .unwrap()
                .material()
                .unwrap();
            listen(tls, ca.certificate_pem(), router)
        }

        fn listen(tls: ldsp_ui::tls::Material, ca: &str, router: Router) -> Server {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let url = format!(
                "https://localhost:{}",
                listener.local_addr().unwrap().port()
            );
            let (stop, stopped) = tokio::sync::oneshot::channel();
            tokio::spawn(ldsp_ui::serve(listener, tls, router, async {
                let _ended = stopped.await;
            }));
            Server {
                url,
                ca: ca.to_owned(),
                _stop: stop,
            }
        }

        fn client(server: &Server) -> Https {
            Https::new(&server.url, Some(&server.ca)).unwrap()
        }

        #[tokio::test]
        async fn headers_and_exact_bytes_arrive() {
            let echo = put(async |headers: HeaderMap, body: axum::body::Bytes| {
                assert_eq!(headers[header::CONTENT_TYPE], ENVELOPE_TYPE);
                (StatusCode::CREATED, body)
            });
            let server = serve(Router::new().route("/v1/x", echo)).await;
            let request = Request {
                method: Method::Put,
                path: "/v1/x".to_owned(),
                headers: vec![("content-type", ENVELOPE_TYPE.to_owned())],
                body: vec![0, 1, 2, 255],
            };
            let answer = client(&server).call(request).await.unwrap();
            assert_eq!((answer.status, answer.body), (201, vec![0, 1, 2, 255]));
        }

        #[tokio::test]
        async fn a_server_of_another_authority_is_not_believed() {
            let server = serve(Router::new()).await;
            let other = PrivateCa::generate(at("2020-01-01T00:00:00Z"), at("2090-01-01T00:00:00Z"))
                .unwrap();
            let client = Https::new(&server.url, Some(other.certificate_pem())).unwrap();
            let error = client.call(Request::get("/")).await.unwrap_err();
            assert!(error.to_string().contains("certificate"), "{error}");
            assert!(
                error.next().contains("another authority"),
                "{}",
                error.next()
            );
        }

        /// A server whose certificate is for `name` and holds between two moments.
        async fn with_certificate(name: &str, from: &str, until: &str) -> Server {
            let ca = PrivateCa::generate(at("2020-01-01T00:00:00Z"), at("2090-01-01T00:00:00Z"))
                .unwrap();
            let tls = ca.issue(&[name], at(from), at(until)).unwrap();
            let router = Router::new().route("/", get(async || "here"));
            listen(tls.material().unwrap(), ca.certificate_pem(), router)
        }

        #[tokio::test]
        async fn each_certificate_that_does_not_hold_is_told_from_the_others() {
            for (name, from, until, words) in [
                (
                    "localhost",
                    "2020-01-01T00:00:00Z",
                    "2021-01-01T00:00:00Z",
                    "has ended",
                ),
                (
                    "localhost",
                    "2089-01-01T00:00:00Z",
                    "2090-01-01T00:00:00Z",
                    "not valid yet",
                ),
                (
                    "other.example",
                    "2020-01-01T00:00:00Z",
                    "2090-01-01T00:00:00Z",
                    "another name",
                ),
            ] {
                let server = with_certificate(name, from, until).await;
                let error = client(&server).call(Request::get("/")).await.unwrap_err();
                assert!(error.to_string().contains("certificate"), "{error}");
                assert!(error.next().contains(words), "{error}: {}", error.next());
                assert!(error.next().contains("stays queued"));
            }
            let sound =
                with_certificate("localhost", "2020-01-01T00:00:00Z", "2090-01-01T00:00:00Z");
            let answer = client(&sound.await).call(Request::get("/")).await;
            assert_eq!(answer.unwrap().body, b"here");
        }

        #[tokio::test]
        async fn an_aggregator_that_takes_and_never_answers_is_given_up() {
            let silent = get(async || std::future::pending::<()>().await);
            let server = serve(Router::new().route("/", silent)).await;
            let whole = Duration::from_millis(50);
            let client = Https::within(&server.url, Some(&server.ca), whole).unwrap();
            let error = client.call(Request::get("/")).await.unwrap_err();
            assert!(error.next().contains("too slow"), "{error}");
        }

        #[tokio::test]
        async fn redirects_are_not_followed_and_long_answers_are_cut_off() {
            let long = "x".repeat(MAX_ANSWER + 1);
            let router = Router::new().route("/long", get(async move || long)).route(
                "/moved",
                get(async || {
                    (
                        StatusCode::FOUND,
                        [(header::LOCATION, "https://elsewhere.example/")],
                    )
                }),
            );
            let server = serve(router).await;
            let moved = client(&server).call(Request::get("/moved")).await.unwrap();
            assert_eq!(moved.status, 302);
            let long = client(&server)
                .call(Request::get("/long"))
                .await
                .unwrap_err();
            assert!(long.to_string().contains("over"), "{long}");
        }
    }
}
