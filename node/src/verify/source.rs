//! Where the files of a log are: a directory as C2SP tlog-tiles lays it out, or an address that serves the same paths.

use std::fmt;
use std::future::Future;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;

use super::Fault;
use crate::Clock;
use crate::store::enrolment::Enrolment;
use crate::submit::{credential, in_words};
use crate::transport::{Answer, Https, Request, Transport};

/// What a source has of a statement's envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// The bytes.
    Bytes(Vec<u8>),
    /// It has none, whatever it says of the reason.
    Gone,
    /// Not for whoever asks; its words.
    Closed(String),
}

/// Gives the files of one log.
pub trait Source: Sync {
    /// The file at `path`, which is relative and has no leading slash; `None` when there is none.
    fn fetch(&self, path: &str) -> impl Future<Output = Result<Option<Vec<u8>>, Fault>> + Send;
    /// The envelope of a statement, at `path`.
    fn envelope(&self, path: &str) -> impl Future<Output = Result<Given, Fault>> + Send {
        async move {
            let file = self.fetch(path).await?;
            Ok(file.map_or(Given::Gone, Given::Bytes))
        }
    }
    /// Files that are asked for at once: what is far away is waited for once, not once a file.
    const AT_ONCE: usize;
}

/// A directory.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

impl Folder {
    /// The directory that holds `checkpoint` and `tile/`.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }
}

impl Source for Folder {
    async fn fetch(&self, path: &str) -> Result<Option<Vec<u8>>, Fault> {
        let file = self.0.join(path);
        match std::fs::read(&file) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Fault::new(
                "source",
                format!("{} cannot be read: {error}", file.display()),
                "Check the path and that this program may read the files.",
            )),
        }
    }

    const AT_ONCE: usize = 1;
}

/// A node that reads what is open to enrolled nodes only.
#[derive(Clone)]
pub struct Reader {
    /// Where it is enrolled.
    pub place: Enrolment,
    /// Its key, which signs the request.
    pub key: SigningKey,
    /// The present.
    pub clock: Clock,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

/// A server.
#[derive(Debug, Clone)]
pub struct Server<T> {
    transport: T,
    reader: Option<Box<Reader>>,
}

impl<T: Transport> Server<T> {
    /// The server that `transport` reaches; `reader` is the node that asks, if it is one.
    pub fn new(transport: T, reader: Option<Reader>) -> Self {
        Self {
            transport,
            reader: reader.map(Box::new),
        }
    }

    async fn ask(&self, request: Request) -> Result<Answer, Fault> {
        let answer = self.transport.call(request).await;
        answer.map_err(|error| {
            Fault::new(
                "source",
                error.to_string(),
                "Check the network and the address, and that the address is the aggregator's own.",
            )
        })
    }
}

fn not_given(path: &str, answer: &Answer) -> Fault {
    Fault::new(
        "source",
        format!("/{path} was not given: {}", in_words(answer)),
        "Try again later. If it stays so, tell the aggregator's operator.",
    )
}

impl<T: Transport> Source for Server<T> {
    async fn fetch(&self, path: &str) -> Result<Option<Vec<u8>>, Fault> {
        let answer = self.ask(Request::get(format!("/{path}"))).await?;
        match answer.status {
            200 => Ok(Some(answer.body)),
            404 | 410 => Ok(None),
            _ => Err(not_given(path, &answer)),
        }
    }

    async fn envelope(&self, path: &str) -> Result<Given, Fault> {
        let mut request = Request::get(format!("/{path}"));
        let mut answer = self.ask(request.clone()).await?;
        if let (401 | 403, Some(reader)) = (answer.status, &self.reader) {
            let now = (reader.clock)();
            let signed = credential(&reader.place, &reader.key, &request.path, now);
            request.headers.push(("authorization", signed));
            answer = self.ask(request).await?;
        }
        match answer.status {
            200 => Ok(Given::Bytes(answer.body)),
            404 | 410 => Ok(Given::Gone),
            401 | 403 => Ok(Given::Closed(in_words(&answer))),
            _ => Err(not_given(path, &answer)),
        }
    }

    const AT_ONCE: usize = 16;
}

/// Either, as people name it.
#[derive(Debug)]
pub enum Place {
    /// On this machine.
    Folder(Folder),
    /// At an address.
    Server(Server<Https>),
}

impl Source for Place {
    async fn fetch(&self, path: &str) -> Result<Option<Vec<u8>>, Fault> {
        match self {
            Self::Folder(folder) => folder.fetch(path).await,
            Self::Server(server) => server.fetch(path).await,
        }
    }

    async fn envelope(&self, path: &str) -> Result<Given, Fault> {
        match self {
            Self::Folder(folder) => folder.envelope(path).await,
            Self::Server(server) => server.envelope(path).await,
        }
    }

    const AT_ONCE: usize = 16;
}
