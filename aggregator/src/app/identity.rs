//! What `init` lays down in the data directory and every other command reads: the log's name, its
//! key, the private certificate authority.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use jiff::{Timestamp, ToSpan as _};
use ldsp_protocol::keys;
use ldsp_protocol::note::Verifier;
use ldsp_ui::accounts::LINK_DAYS;
use ldsp_ui::tls::{Material, PrivateCa};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

use super::{Config, Refused};
use crate::log::Signer;
use crate::store::Location;

const IDENTITY: &str = "identity.toml";
const LOG_KEY: &str = "log-key.pem";
const CA_CERT: &str = "ca-cert.pem";
const CA_KEY: &str = "ca-key.pem";
const DATABASE: &str = "aggregator.sqlite";

/// Name and address of the log, fixed by `init`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The log's origin.
    pub origin: String,
    /// `https://…` without a path.
    pub public_url: String,
}

/// What `init` made, for the operator.
#[derive(Debug, Clone, Serialize)]
pub struct Initialised {
    /// The log's origin.
    pub origin: String,
    /// The log's verifier key.
    pub verifier: String,
    /// Where everything lies.
    pub data_dir: PathBuf,
    /// On which somebody becomes the first operator, shown only now; `None` where none was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Why none was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_link: Option<String>,
}

impl std::fmt::Display for Initialised {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "The log {} is set up in {}.",
            self.origin,
            self.data_dir.display()
        )?;
        writeln!(f, "Verifier key: {}", self.verifier)?;
        writeln!(f, "Back up {LOG_KEY}: without it the log cannot go on.")?;
        if let Some(link) = &self.link {
            return write!(
                f,
                "\nNext: run `ldsp-aggregator serve`, open this link in a browser and become the first operator. It works once, for {LINK_DAYS} days, and is shown only now:\n{link}\n\n\
                 Without a browser: `ldsp-aggregator people add NAME --role operator`."
            );
        }
        if let Some(why) = &self.no_link {
            writeln!(f, "No link for the first operator was made: {why}")?;
        }
        write!(
            f,
            "Next: ldsp-aggregator people add NAME --role operator --link"
        )
    }
}

/// Where the log is kept.
///
/// # Errors
/// `database` names nothing that can be.
pub(super) fn database(config: &Config) -> Result<Location, Refused> {
    Ok(match &config.database {
        Some(url) => url.location()?,
        None => Location::Sqlite(config.data_dir.join(DATABASE)),
    })
}

fn refused(path: &Path, doing: &str, error: &std::io::Error) -> Refused {
    Refused::new(
        format!("{} cannot be {doing}: {error}", path.display()),
        "Check the path, its owner and the disk.",
    )
}

/// Writes a file that only this user may read; never over another.
pub(super) fn write_private(path: &Path, text: &str) -> Result<(), Refused> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let written = options.open(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|e| refused(path, "written", &e))
}

/// Makes the data directory (0700), the log's key and, without certificate files, a private authority. What a
/// killed `init` left behind is made again: nothing was signed with it, because no server starts before the identity
/// is there.
///
/// # Errors
/// The directory is set up already, the origin or address cannot be used, the disk refuses.
pub fn init(
    config: &Config,
    identity: &Identity,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Initialised, Refused> {
    let dir = &config.data_dir;
    if dir.join("node.db").exists() {
        return Err(Refused::new(
            format!("{} holds a node of a LEP", dir.display()),
            "Name another directory with data_dir: each program has its own.",
        ));
    }
    let database = database(config)?;
    if dir.join(IDENTITY).exists() || database.file().is_some_and(Path::exists) {
        return Err(Refused::new(
            format!("{} already holds a log", dir.display()),
            "Use it as it is, or name another directory with data_dir.",
        ));
    }
    let host = host(&identity.public_url)?;
    let mut seed = [0; 32];
    rng.fill_bytes(&mut seed);
    let key = SigningKey::from_bytes(&seed);
    let verifier = Verifier::new(&identity.origin, key.verifying_key()).map_err(|e| {
        Refused::new(
            e.to_string(),
            "Choose an origin like the site's host name, such as log.example.org.",
        )
    })?;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|e| refused(dir, "made", &e))?;
    for left in [CA_CERT, CA_KEY, LOG_KEY].map(|name| dir.join(name)) {
        if left.exists() {
            fs::remove_file(&left).map_err(|e| refused(&left, "replaced", &e))?;
        }
    }
    if config.tls.is_none() {
        let authority = PrivateCa::generate(last_week(now), years(now, 10))
            .map_err(|e| Refused::new(e.to_string(), "Check the machine's clock."))?;
        // Try the name now rather than at the first start.
        material_of(&authority, &host, now)?;
        write_private(&dir.join(CA_CERT), authority.certificate_pem())?;
        write_private(&dir.join(CA_KEY), authority.key_pem())?;
    }
    let pem = keys::to_pem(&key).map_err(|e| Refused::new(e.to_string(), "Run init again."))?;
    write_private(&dir.join(LOG_KEY), &pem)?;
    // Written last: its presence says that everything else is there.
    let text = toml::to_string(identity).expect("two strings always serialise");
    write_private(&dir.join(IDENTITY), &text)?;
    Ok(Initialised {
        origin: identity.origin.clone(),
        verifier: verifier.vkey(),
        data_dir: dir.clone(),
        link: None,
        no_link: None,
    })
}

/// Host name or address of a public URL.
fn host(url: &str) -> Result<String, Refused> {
    let wrong = || {
        Refused::new(
            "the public address is not an https address without a path",
            "Write it as https://host or https://host:port.",
        )
    };
    let authority = url.strip_prefix("https://").ok_or_else(wrong)?;
    if authority.is_empty() || authority.contains(['/', '?', '#', '@', ' ']) {
        return Err(wrong());
    }
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => authority.split(':').next(),
    };
    host.filter(|h| !h.is_empty())
        .map(str::to_owned)
        .ok_or_else(wrong)
}

/// Certificates hold from here: a node whose clock is a day behind is told of its clock by what it does, not by TLS.
fn last_week(now: Timestamp) -> Timestamp {
    now.saturating_sub((7 * 24).hours()).unwrap_or(now)
}

fn years(now: Timestamp, n: i64) -> Timestamp {
    now.saturating_add((n * 365 * 24).hours()).unwrap_or(now)
}

fn material_of(authority: &PrivateCa, host: &str, now: Timestamp) -> Result<Material, Refused> {
    let issued = authority
        .issue(
            &[host, "localhost", "127.0.0.1"],
            last_week(now),
            years(now, 2),
        )
        .and_then(|issued| issued.material());
    issued.map_err(|e| Refused::new(e.to_string(), "Check the host in the public address."))
}

fn read(path: &Path) -> Result<String, Refused> {
    fs::read_to_string(path).map_err(|e| {
        if e.kind() == ErrorKind::NotFound {
            Refused::new(
                format!("{} is missing", path.display()),
                "Run `ldsp-aggregator init` first, or point data_dir to where it was run.",
            )
        } else {
            refused(path, "read", &e)
        }
    })
}

/// Name and address that `init` fixed.
///
/// # Errors
/// Not set up, or damaged.
pub fn identity(config: &Config) -> Result<Identity, Refused> {
    let path = config.data_dir.join(IDENTITY);
    toml::from_str(&read(&path)?).map_err(|_| {
        Refused::new(
            format!("{} is damaged", path.display()),
            "Restore it from the backup.",
        )
    })
}

/// The log's key under its name.
///
/// # Errors
/// Not set up, or damaged.
pub(super) fn signer(config: &Config, identity: &Identity) -> Result<Signer, Refused> {
    let path = config.data_dir.join(LOG_KEY);
    let damaged = |cause: String| Refused::new(cause, "Restore the key from the backup.");
    let key =
        keys::from_pem(&read(&path)?).map_err(|e| damaged(format!("{}: {e}", path.display())))?;
    Signer::new(key, &identity.origin).map_err(|e| damaged(e.to_string()))
}

/// The authority's certificate that nodes must be given; `None` with certificate files of an authority that
/// operating systems trust.
///
/// # Errors
/// Not set up, or `tls_ca` cannot be read.
pub(super) fn ca_pem(config: &Config) -> Result<Option<String>, Refused> {
    match (&config.tls, &config.tls_ca) {
        (_, Some(file)) => fs::read_to_string(file)
            .map(Some)
            .map_err(|e| refused(file, "read", &e)),
        (Some(_), None) => Ok(None),
        (None, None) => read(&config.data_dir.join(CA_CERT)).map(Some),
    }
}

/// Certificate and key to serve with: the files, or a fresh one of the private authority.
///
/// # Errors
/// Files that cannot be read or do not belong together.
pub(super) fn tls(
    config: &Config,
    identity: &Identity,
    now: Timestamp,
) -> Result<Material, Refused> {
    if let Some((cert, key)) = &config.tls {
        return Material::from_pem_files(cert, key)
            .map_err(|e| Refused::new(e.to_string(), "Check tls_cert and tls_key."));
    }
    let dir = &config.data_dir;
    let authority = PrivateCa::from_pem(&read(&dir.join(CA_CERT))?, &read(&dir.join(CA_KEY))?)
        .map_err(|e| Refused::new(e.to_string(), "Restore the authority from the backup."))?;
    material_of(&authority, &host(&identity.public_url)?, now)
}
