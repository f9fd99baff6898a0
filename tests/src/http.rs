//! An HTTPS client that believes one private authority and nothing else, and follows no redirect.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ldsp_protocol::recovery::RECEIPT_HEADER;
use reqwest::header::HeaderMap;
use reqwest::{Certificate, Client, Method, redirect};
use serde_json::Value;
use tokio::runtime::Runtime;

/// The client.
#[derive(Debug)]
pub struct Http {
    runtime: Runtime,
    client: Client,
    base: String,
    cookie: Option<String>,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The body's bytes.
    pub body: Vec<u8>,
}

impl Reply {
    /// The body as text; bytes that are none are replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("status {}, no JSON ({e}): {}", self.status, self.text()))
    }

    /// Checks that this is the problem `code` with `status`, and that it says what to do next.
    ///
    /// # Panics
    /// When it is not.
    #[track_caller]
    pub fn is_problem(&self, status: u16, code: &str) -> Value {
        let problem = self.json();
        assert_eq!(
            (self.status, problem["code"].as_str()),
            (status, Some(code)),
            "{problem:#}"
        );
        let kind = self
            .headers
            .get("content-type")
            .and_then(|v| v.to_str().ok());
        assert_eq!(kind, Some(ldsp_protocol::problem::MEDIA_TYPE));
        for field in ["title", "detail", "next"] {
            assert!(
                problem[field].as_str().is_some_and(|s| !s.is_empty()),
                "no {field}: {problem:#}"
            );
        }
        problem
    }
}

impl Http {
    /// A client of `base` (`https://host:port`) that believes `ca_pem`.
    #[must_use]
    pub fn new(base: &str, ca_pem: &str) -> Self {
        let ca =
            Certificate::from_pem(ca_pem.as_bytes()).expect("the authority's certificate is PEM");
        let client = Client::builder()
            .no_proxy()
            .https_only(true)
            .redirect(redirect::Policy::none())
            .tls_certs_only([ca])
            .build()
            .expect("a client can be made");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime can be made");
        Self {
            runtime,
            client,
            base: base.to_owned(),
            cookie: None,
        }
    }

    /// Signs in on a site's page; from then on every request carries the session.
    ///
    /// # Panics
    /// When the site does not let the person in.
    #[must_use]
    pub fn signed_in(mut self, name: &str, secret: &str) -> Self {
        let form = format!("name={name}&secret={secret}&next=%2F");
        let reply = self.post("/sign-in", &form);
        // The other one tells a browser that its person has used before.
        let cookies = reply.headers.get_all("set-cookie").iter();
        let cookie = cookies
            .filter_map(|v| v.to_str().ok())
            .filter_map(|c| c.split(';').next())
            .find(|c| !c.contains("-browser="));
        assert!(
            reply.status == 303 && cookie.is_some(),
            "{name} is not let in: {} {}",
            reply.status,
            reply.text()
        );
        self.cookie = cookie.map(str::to_owned);
        self
    }

    /// POST of a form from the site's own page.
    ///
    /// # Panics
    /// When no answer comes.
    #[must_use]
    #[track_caller]
    pub fn post(&self, path: &str, form: &str) -> Reply {
        self.ask(Method::POST, path, form.as_bytes().to_vec())
            .expect("the server answers")
    }

    /// GET.
    ///
    /// # Panics
    /// When no answer comes.
    #[must_use]
    #[track_caller]
    pub fn get(&self, path: &str) -> Reply {
        self.ask(Method::GET, path, Vec::new())
            .expect("the server answers")
    }

    /// PUT of exact bytes.
    ///
    /// # Panics
    /// When no answer comes.
    #[must_use]
    #[track_caller]
    pub fn put(&self, path: &str, body: &[u8]) -> Reply {
        self.ask(Method::PUT, path, body.to_vec())
            .expect("the server answers")
    }

    /// POST of a CSV file, as a program sends it.
    ///
    /// # Panics
    /// When no answer comes.
    #[must_use]
    #[track_caller]
    pub fn upload(&self, path: &str, csv: &[u8]) -> Reply {
        self.send(Method::POST, path, "text/csv", csv.to_vec())
            .expect("the server answers")
    }

    /// POST of an envelope by somebody who has an invite's secret.
    ///
    /// # Panics
    /// When no answer comes.
    #[must_use]
    pub fn enrol(&self, secret: &str, envelope: &[u8]) -> Reply {
        let url = format!("{}/v1/enrolments", self.base);
        self.runtime.block_on(async {
            let request = self.client.post(url).bearer_auth(secret);
            let request = request.header("content-type", "application/vnd.dsse+json");
            let answer = request.body(envelope.to_vec()).send().await;
            read(answer.expect("the server answers"))
                .await
                .expect("the answer ends")
        })
    }

    /// PUT of an envelope that a restored log lacks, with its receipt; the error is that no answer came.
    ///
    /// # Errors
    /// [`reqwest::Error`].
    pub fn give_back(
        &self,
        leaf: u64,
        receipt: &str,
        envelope: &[u8],
    ) -> Result<Reply, reqwest::Error> {
        let url = format!("{}/v1/recovery/leaves/{leaf}", self.base);
        self.runtime.block_on(async {
            let request = self.client.put(url).body(envelope.to_vec());
            let request = request.header("content-type", "application/vnd.dsse+json");
            let request = request.header(RECEIPT_HEADER, BASE64.encode(receipt));
            read(request.send().await?).await
        })
    }

    /// Any request; the error is that no answer came.
    ///
    /// # Errors
    /// [`reqwest::Error`].
    pub fn ask(&self, method: Method, path: &str, body: Vec<u8>) -> Result<Reply, reqwest::Error> {
        let kind = match method {
            Method::PUT => "application/vnd.dsse+json",
            _ => "application/x-www-form-urlencoded",
        };
        self.send(method, path, kind, body)
    }

    fn send(
        &self,
        method: Method,
        path: &str,
        kind: &str,
        body: Vec<u8>,
    ) -> Result<Reply, reqwest::Error> {
        self.runtime.block_on(async {
            let mut request = self
                .client
                .request(method.clone(), format!("{}{path}", self.base));
            if let Some(cookie) = &self.cookie {
                request = request.header("cookie", cookie);
            }
            if method == Method::POST {
                request = request.header("origin", &self.base);
            }
            if method == Method::POST || method == Method::PUT {
                request = request.header("content-type", kind);
            }
            read(request.body(body).send().await?).await
        })
    }

    /// The addresses on this server that a page links to, without fragments.
    #[must_use]
    pub fn links(&self, page: &Reply) -> Vec<String> {
        let text = page.text();
        let mut links: Vec<String> = ["href=\"", "src=\"", "action=\""]
            .iter()
            .flat_map(|start| text.split(start).skip(1))
            .filter_map(|rest| rest.split('"').next())
            .filter(|link| link.starts_with('/') && !link.starts_with("//"))
            .filter_map(|link| link.split('#').next())
            .map(|link| link.replace("&amp;", "&"))
            .collect();
        links.sort();
        links.dedup();
        links
    }

    /// Every page that can be reached from `/` by links: pairs of address and answer.
    #[must_use]
    pub fn crawl(&self) -> Vec<(String, Reply)> {
        let mut found = vec!["/".to_owned()];
        let mut pages = Vec::new();
        while pages.len() < found.len() {
            let path = found[pages.len()].clone();
            let page = self.get(&path);
            for link in self.links(&page) {
                if !found.contains(&link) {
                    found.push(link);
                }
            }
            pages.push((path, page));
        }
        pages
    }
}

async fn read(answer: reqwest::Response) -> Result<Reply, reqwest::Error> {
    Ok(Reply {
        status: answer.status().as_u16(),
        headers: answer.headers().clone(),
        body: answer.bytes().await?.to_vec(),
    })
}
