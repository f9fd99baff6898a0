//! Where the files of a log are: a directory as C2SP tlog-tiles lays it out, or an address that serves the same paths.

use std::future::Future;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::Fault;
use crate::submit::in_words;
use crate::transport::{Https, Request, Transport};

/// Gives the files of one log.
pub trait Source: Sync {
    /// The file at `path`, which is relative and has no leading slash; `None` when there is none.
    fn fetch(&self, path: &str) -> impl Future<Output = Result<Option<Vec<u8>>, Fault>> + Send;
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

/// A server.
#[derive(Debug, Clone)]
pub struct Server<T>(T);

impl<T: Transport> Server<T> {
    /// The server that `transport` reaches.
    pub fn new(transport: T) -> Self {
        Self(transport)
    }
}

impl<T: Transport> Source for Server<T> {
    async fn fetch(&self, path: &str) -> Result<Option<Vec<u8>>, Fault> {
        let answer = self.0.call(Request::get(format!("/{path}"))).await;
        let answer = answer.map_err(|error| {
            Fault::new(
                "source",
                error.to_string(),
                "Check the network and the address, and that the address is the aggregator's own.",
            )
        })?;
        match answer.status {
            200 => Ok(Some(answer.body)),
            404 | 410 => Ok(None),
            _ => Err(Fault::new(
                "source",
                format!("/{path} was not given: {}", in_words(&answer)),
                "Try again later. If it stays so, tell the aggregator's operator.",
            )),
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

    const AT_ONCE: usize = 16;
}
