//! An aggregator that lies. In front of the real server stands one that has its owner's keys, of the log and of TLS: what
//! it is not told to lie about it passes on.

use std::convert::Infallible;
use std::fmt;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use ed25519_dalek::SigningKey;
use ldsp_protocol::ids::Digest;
use ldsp_protocol::log::tile::{Level, TILE_HEIGHT};
use ldsp_protocol::log::{Checkpoint, Edge, Entry, Proof, Tile, merkle};
use ldsp_ui::tls::PrivateCa;
use reqwest::{Certificate, Client};
use tokio::runtime::Handle;

use crate::powers::leaves;
use crate::world::{Federation, ORIGIN};

/// What the liar was asked for.
#[derive(Debug)]
pub struct Asked {
    /// GET, PUT or POST.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// What came with it.
    pub body: Vec<u8>,
    headers: Vec<(String, Vec<u8>)>,
}

/// What it says.
#[derive(Debug, Clone)]
pub struct Said {
    /// Status code.
    pub status: u16,
    /// Media type, where there is one.
    pub kind: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Said {
    /// A good answer.
    #[must_use]
    pub fn with(body: impl Into<Vec<u8>>) -> Self {
        Self {
            status: 200,
            kind: "text/plain; charset=utf-8".to_owned(),
            body: body.into(),
        }
    }
}

/// Gives the answer to what was asked; the second argument asks the real server.
type Lie = Arc<dyn Fn(&Asked, &dyn Fn() -> Said) -> Said + Send + Sync>;

/// The server in front.
pub struct Liar {
    lie: Arc<Mutex<Lie>>,
}

impl fmt::Debug for Liar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Liar").finish_non_exhaustive()
    }
}

#[derive(Clone)]
struct Front {
    lie: Arc<Mutex<Lie>>,
    real: SocketAddr,
    client: Client,
}

impl Liar {
    /// One that tells the truth until it is told to lie; whoever goes through the gate comes to it.
    ///
    /// # Panics
    /// When the aggregator's folder is not whole, or there is no port.
    #[must_use]
    pub fn before(federation: &Federation) -> Self {
        let file = |name: &str| {
            fs::read_to_string(federation.aggregator.data.join(name)).expect("the keys are files")
        };
        let ca = file("ca-cert.pem");
        let authority = PrivateCa::from_pem(&ca, &file("ca-key.pem")).expect("it was made by init");
        let day = |text: &str| text.parse().expect("a moment");
        let (from, to) = (day("2020-01-01T00:00:00Z"), day("2120-01-01T00:00:00Z"));
        let issued = authority.issue(&["127.0.0.1"], from, to);
        let material = issued.and_then(|i| i.material()).expect("it can sign");
        let certificate = Certificate::from_pem(ca.as_bytes()).expect("it is PEM");
        let client = Client::builder().no_proxy().tls_certs_only([certificate]);
        let truth: Lie = Arc::new(|_, truth| truth());
        let front = Front {
            lie: Arc::new(Mutex::new(truth)),
            real: federation.server().address,
            client: client.build().expect("a client can be made"),
        };
        let lie = Arc::clone(&front.lie);
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let router = Router::new().fallback(answer).with_state(front);
        // It goes on to listen until the test's process ends.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
            let serving = ldsp_ui::serve(listener, material, router, std::future::pending());
            runtime.block_on(serving).expect("the liar serves");
        });
        federation.gate.lead_to(address);
        Self { lie }
    }

    /// From now on it answers so.
    pub fn tell(&self, lie: impl Fn(&Asked, &dyn Fn() -> Said) -> Said + Send + Sync + 'static) {
        *self.lie.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(lie);
    }

    /// From now on it shows the files of this log.
    pub fn show(&self, log: Book) {
        self.tell(move |asked, truth| log.answer(&asked.path).unwrap_or_else(truth));
    }

    /// From now on it tells the truth.
    pub fn repent(&self) {
        self.tell(|_, truth| truth());
    }
}

async fn answer(State(front): State<Front>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let path = parts.uri.path_and_query();
    let kept = ["content-type", "authorization", "ldsp-checkpoint"];
    let asked = Asked {
        method: parts.method.to_string(),
        path: path.map_or_else(String::new, ToString::to_string),
        body: body.to_vec(),
        headers: kept
            .into_iter()
            .filter_map(|name| {
                Some((
                    name.to_owned(),
                    parts.headers.get(name)?.as_bytes().to_vec(),
                ))
            })
            .collect(),
    };
    let lie = Arc::clone(&*front.lie.lock().unwrap_or_else(PoisonError::into_inner));
    let (handle, real) = (Handle::current(), front.clone());
    let said =
        tokio::task::spawn_blocking(move || lie(&asked, &|| handle.block_on(real.ask(&asked))));
    let said = said.await.expect("a lie has an end");
    let answer = Response::builder().status(said.status);
    let answer = answer.header(CONTENT_TYPE, said.kind);
    answer
        .body(Body::from(said.body))
        .expect("it was an answer")
}

impl Front {
    async fn ask(&self, asked: &Asked) -> Said {
        let method = asked.method.parse().expect("it came with it");
        let url = format!("https://{}{}", self.real, asked.path);
        let mut request = self.client.request(method, url);
        for (name, value) in &asked.headers {
            request = request.header(name, value.as_slice());
        }
        let answer = request.body(asked.body.clone()).send().await;
        let answer = answer.expect("the real server runs");
        let kind = answer.headers().get(CONTENT_TYPE);
        Said {
            status: answer.status().as_u16(),
            kind: kind
                .and_then(|kind| kind.to_str().ok())
                .unwrap_or("text/plain")
                .to_owned(),
            body: answer.bytes().await.expect("the real server ends").to_vec(),
        }
    }
}

/// A log that its owner may rewrite: the records of its leaves, and the key that signs whatever they add up to.
#[derive(Debug, Clone)]
pub struct Book {
    key: SigningKey,
    /// The records.
    pub entries: Vec<Entry>,
}

impl Book {
    /// The log as it is.
    ///
    /// # Panics
    /// When the aggregator's folder is not whole.
    #[must_use]
    pub fn of(federation: &Federation) -> Self {
        let pem = fs::read_to_string(federation.aggregator.data.join("log-key.pem"));
        let (_, leaves) = leaves(&federation.http());
        let read = |leaf: Vec<u8>| Entry::parse(&leaf).expect("the log holds entries");
        Self {
            key: ldsp_protocol::keys::from_pem(&pem.expect("the key is a file"))
                .expect("the key is PEM"),
            entries: leaves.into_iter().map(read).collect(),
        }
    }

    /// The same, signed by somebody else.
    #[must_use]
    pub fn signed_by(mut self, key: SigningKey) -> Self {
        self.key = key;
        self
    }

    /// The root of the subtree over these leaves.
    fn node(&self, level: u32, index: u64) -> Result<Digest, Infallible> {
        let place = |index: u64| usize::try_from(index << level).expect("a small log");
        let mut edge = Edge::default();
        let leaves = self.entries[place(index)..place(index + 1)].iter();
        leaves.for_each(|entry| edge.push(entry.leaf_hash()));
        Ok(edge.root())
    }

    /// Number of its leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.entries.len() as u64
    }

    /// The signed checkpoint of all of it.
    ///
    /// # Panics
    /// Never: the origin is a name.
    #[must_use]
    pub fn checkpoint(&self) -> String {
        let Ok(root) = merkle::root(self.size(), |level, index| self.node(level, index));
        let checkpoint = Checkpoint {
            origin: ORIGIN.to_owned(),
            size: self.size(),
            root,
        };
        checkpoint.sign(&self.key).expect("the origin is a name")
    }

    /// The receipt of a leaf.
    ///
    /// # Panics
    /// When there is no such leaf.
    #[must_use]
    pub fn receipt(&self, index: u64) -> String {
        let Ok(hashes) = merkle::inclusion(index, self.size(), |level, at| self.node(level, at));
        let proof = Proof {
            index,
            hashes,
            checkpoint: self.checkpoint(),
        };
        proof.to_text()
    }

    /// Its file at this address; `None` where no log has files.
    ///
    /// # Panics
    /// Never: no address of a tile is a name.
    #[must_use]
    pub fn answer(&self, path: &str) -> Option<Said> {
        let path = path.strip_prefix('/').unwrap_or(path);
        if path == "checkpoint" {
            return Some(Said::with(self.checkpoint()));
        }
        let tile: Tile = path.parse().ok()?;
        if !tile.is_in(self.size()) {
            return Some(Said {
                status: 404,
                ..Said::with("no such tile")
            });
        }
        let mut bytes = Vec::new();
        for index in tile.first()..tile.first() + u64::from(tile.width) {
            match tile.level {
                Level::Entries => {
                    let place = usize::try_from(index).expect("a small log");
                    let record = self.entries[place].to_bytes();
                    let length = u16::try_from(record.len()).expect("a short record");
                    bytes.extend(length.to_be_bytes());
                    bytes.extend(record);
                }
                Level::Hashes(level) => {
                    let Ok(hash) = self.node(u32::from(level) * TILE_HEIGHT, index);
                    bytes.extend(hash.as_bytes());
                }
            }
        }
        Some(Said::with(bytes))
    }
}
