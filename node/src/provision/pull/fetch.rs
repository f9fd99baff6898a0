//! Asking a feed's server: one request, bounded in time and size, to an address that was looked at before and is kept to.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use reqwest::header::{ACCEPT, ETAG, IF_NONE_MATCH, LOCATION, RETRY_AFTER};
use reqwest::{Client, Response, Url};
use tokio::sync::OnceCell;

use super::guard;
use super::refusal::Refusal;

const CONNECT: Duration = Duration::from_secs(10);
const WHOLE: Duration = Duration::from_secs(60);
/// Redirects within one server that are followed.
const HOPS: usize = 3;

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    /// The whole address.
    pub(crate) url: Url,
    /// The entity tag of what is held; empty: nothing is.
    pub(crate) etag: String,
    /// Most bytes of an answer.
    pub(crate) most: usize,
}

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Got {
    /// 200.
    Body {
        /// All of it.
        bytes: Vec<u8>,
        /// Its entity tag; empty for none.
        etag: String,
    },
    /// 304: what is held is what there is.
    Unchanged,
    /// Any other status, and after how many seconds it asks to come again.
    Status(u16, Option<u32>),
}

/// Why nothing came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotGot {
    /// The network or the server: it may work later.
    Trouble(String),
    /// It is not asked again.
    Refused(Refusal),
}

/// Asks one server.
pub(crate) trait Fetch: Send + Sync {
    /// Sends one request and reads its answer.
    fn get(&self, ask: &Ask) -> impl Future<Output = Result<Got, NotGot>> + Send;
}

/// HTTP to the one host of a feed, whose addresses are resolved once, are all public, and are the only ones that are connected to: a name
/// that leads elsewhere at the second look leads nowhere.
#[derive(Debug)]
pub(crate) struct Web {
    url: Url,
    allowed: Vec<String>,
    client: OnceCell<Client>,
}

impl Web {
    /// A client of the feed at `url`; `allowed` hosts may be private ones. Nothing is looked up before something is asked for.
    pub(crate) fn of(url: Url, allowed: &[String]) -> Self {
        Self {
            url,
            allowed: allowed.to_vec(),
            client: OnceCell::new(),
        }
    }

    async fn connect(&self) -> Result<Client, NotGot> {
        let host = self.url.host_str();
        let host = host.ok_or(NotGot::Refused(Refusal::Address))?;
        let port = self.url.port_or_known_default().unwrap_or(443);
        let found = tokio::net::lookup_host((host.trim_matches(['[', ']']), port)).await;
        let found: Vec<SocketAddr> = found
            .map_err(|error| NotGot::Trouble(error.to_string()))?
            .collect();
        let is_named = guard::is_allowed(host, &self.allowed);
        if !is_named && !found.iter().all(|at| guard::is_public(at.ip())) {
            return Err(NotGot::Refused(Refusal::Private));
        }
        Client::builder()
            .resolve_to_addrs(host, &found)
            .redirect(reqwest::redirect::Policy::none())
            // A proxy would look the name up by itself.
            .no_proxy()
            .https_only(!is_named)
            .connect_timeout(CONNECT)
            .timeout(WHOLE)
            .user_agent(crate::SOFTWARE)
            .build()
            .map_err(|error| NotGot::Trouble(error.to_string()))
    }
}

fn header(response: &Response, name: &reqwest::header::HeaderName) -> String {
    let value = response.headers().get(name);
    let value = value.and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

/// Where a redirect leads, if to the same server.
fn onward(from: &Url, response: &Response) -> Result<Url, NotGot> {
    let to = from.join(&header(response, &LOCATION)).ok();
    let same = |to: &Url| {
        (to.scheme(), to.host_str(), to.port_or_known_default())
            == (from.scheme(), from.host_str(), from.port_or_known_default())
            && to.username().is_empty()
    };
    to.filter(same).ok_or(NotGot::Refused(Refusal::Redirect))
}

impl Fetch for Web {
    async fn get(&self, ask: &Ask) -> Result<Got, NotGot> {
        let client = self.client.get_or_try_init(|| self.connect()).await?;
        let mut url = ask.url.clone();
        for _ in 0..=HOPS {
            let mut request = client.get(url.clone()).header(ACCEPT, "application/json");
            if !ask.etag.is_empty() {
                request = request.header(IF_NONE_MATCH, &ask.etag);
            }
            let response = request.send().await;
            let response = response.map_err(|error| NotGot::Trouble(error.to_string()))?;
            match response.status().as_u16() {
                200 => return body(response, ask.most).await,
                304 => return Ok(Got::Unchanged),
                301 | 302 | 303 | 307 | 308 => url = onward(&url, &response)?,
                status => {
                    let later = header(&response, &RETRY_AFTER).parse().ok();
                    return Ok(Got::Status(status, later));
                }
            }
        }
        Err(NotGot::Refused(Refusal::Redirect))
    }
}

async fn body(mut response: Response, most: usize) -> Result<Got, NotGot> {
    let etag = header(&response, &ETAG);
    let told = response.content_length().unwrap_or(0);
    if told > most as u64 {
        return Err(NotGot::Refused(Refusal::Large));
    }
    let mut bytes = Vec::new();
    let trouble = |error: reqwest::Error| NotGot::Trouble(error.to_string());
    while let Some(chunk) = response.chunk().await.map_err(trouble)? {
        if bytes.len() + chunk.len() > most {
            return Err(NotGot::Refused(Refusal::Large));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Got::Body { bytes, etag })
}
