//! Which database a server uses, from the setting `database`. The setting may hold a password:
//! nothing here shows it, not even the messages of errors.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use serde::Deserialize;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::StoreError;

const SCHEMES: &str = "Write `database` as sqlite:PATH or as postgres://user:password@host/name";

/// The setting `database` as it was written. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct DatabaseUrl(String);

impl From<String> for DatabaseUrl {
    fn from(url: String) -> Self {
        Self(url)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseUrl(…)")
    }
}

impl DatabaseUrl {
    /// What the setting names.
    ///
    /// # Errors
    /// [`StoreError::Unusable`]: neither scheme, or an address that cannot be.
    pub fn location(&self) -> Result<Location, StoreError> {
        let url = self.0.trim();
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() || path.starts_with(':') {
                return Err(wrong("`database` names no file behind sqlite:".to_owned()));
            }
            return Ok(Location::Sqlite(PathBuf::from(path)));
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let server = Server(url.to_owned());
            server.options()?;
            return Ok(Location::Postgres(server));
        }
        Err(wrong(
            "`database` names no kind of database that this program knows".to_owned(),
        ))
    }
}

fn wrong(cause: String) -> StoreError {
    StoreError::Unusable {
        cause,
        next: SCHEMES,
    }
}

/// Where a server keeps its data. Shown without the password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A file.
    Sqlite(PathBuf),
    /// A database of a PostgreSQL server.
    Postgres(Server),
}

impl Location {
    /// The file, where it is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "{}", path.display()),
            Self::Postgres(server) => server.fmt(f),
        }
    }
}

/// A database of a PostgreSQL server, by its URL.
#[derive(Clone, PartialEq, Eq)]
pub struct Server(String);

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({self})")
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.options() {
            Ok(options) => write!(
                f,
                "the database {} at {}",
                name(&options),
                address(&options)
            ),
            Err(_) => f.write_str("the database"),
        }
    }
}

/// The database that is meant: without one, PostgreSQL takes the user's name.
fn name(options: &PgConnectOptions) -> &str {
    let user = options.get_username();
    options.get_database().unwrap_or(user)
}

fn address(options: &PgConnectOptions) -> String {
    match options.get_socket() {
        Some(folder) => folder.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    }
}

/// Whether what is sent stays on this machine.
fn stays_here(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    let loopback = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    options.get_socket().is_some()
        || host.starts_with('/')
        || host == "localhost"
        || loopback.is_ok_and(|address| address.is_loopback())
}

/// What may stand behind the `?`. The driver would warn of another key and print its value.
const PARAMETERS: [&str; 9] = [
    "host",
    "port",
    "user",
    "password",
    "dbname",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
];

impl Server {
    /// How to connect. Elsewhere than on this machine the server has to prove its name by TLS
    /// unless the URL says another `sslmode`.
    ///
    /// # Errors
    /// [`StoreError::Unusable`].
    pub(super) fn options(&self) -> Result<PgConnectOptions, StoreError> {
        let query = self.0.split_once('?').map_or("", |(_, query)| query);
        let keys = query.split('&').filter(|pair| !pair.is_empty());
        let keys = keys.map(|pair| pair.split_once('=').map_or(pair, |(key, _)| key));
        let mut asks_tls = false;
        for key in keys {
            if !PARAMETERS.contains(&key) {
                return Err(StoreError::Unusable {
                    cause: "`database` has a parameter that this program does not know".to_owned(),
                    next: "Behind the ? there may be host, port, user, password, dbname, sslmode, sslrootcert, sslcert and sslkey",
                });
            }
            asks_tls |= key == "sslmode";
        }
        // What the parser says may quote the URL.
        let options = PgConnectOptions::from_str(&self.0).map_err(|_| {
            wrong("`database` is not the address of a PostgreSQL database".to_owned())
        })?;
        Ok(if asks_tls || stays_here(&options) {
            options
        } else {
            options.ssl_mode(PgSslMode::VerifyFull)
        })
    }

    /// The server does not answer at all.
    pub(super) fn silent(&self) -> StoreError {
        StoreError::Unusable {
            cause: format!("{self} does not answer"),
            next: "Check that the server runs and that `database` and the network lead to it",
        }
    }

    /// Why a first connection failed, with what to do.
    pub(super) fn refused(&self, error: &sqlx::Error) -> StoreError {
        let by_tls = (
            "cannot be reached by TLS",
            "Check sslmode and sslrootcert in `database`, and the server's certificate",
        );
        let (why, next) = match error {
            sqlx::Error::Database(e) => match e.code().as_deref() {
                Some("28P01" | "28000") => (
                    "refuses the user",
                    "Check user and password in `database` (or the password file), and pg_hba.conf at the server",
                ),
                Some("3D000") => (
                    "does not exist",
                    "Create it for the user with `createdb --owner USER NAME`, or correct `database`",
                ),
                _ => (
                    "cannot be used now",
                    "Look at the server's log and try again",
                ),
            },
            // A certificate that does not hold comes as data that is not valid.
            sqlx::Error::Tls(_) => by_tls,
            sqlx::Error::Io(e) if e.kind() == ErrorKind::InvalidData => by_tls,
            sqlx::Error::Configuration(_) => ("cannot be reached with these settings", SCHEMES),
            _ => (
                "cannot be reached",
                "Check that the server runs and that `database` and the network lead to it",
            ),
        };
        let user = self.options();
        let user = user.as_ref().map_or("", |o| o.get_username());
        let said = match error {
            sqlx::Error::Database(e) => e.message().to_owned(),
            other => other.to_string(),
        };
        let said = said.split(". ").next().unwrap_or_default();
        StoreError::Unusable {
            cause: format!("{self} {why} (user {user}: {said})"),
            next,
        }
    }
}
