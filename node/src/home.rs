//! The data directory: the database and the two keys, and how a node comes into being.
//!
//! | file | what | mode |
//! |---|---|---|
//! | `node.db` | the store | 0600 |
//! | `node.key` | Ed25519 key that signs statements, PKCS#8 PEM | 0600 |
//! | `pseudonym.key` | key of learners' pseudonyms, 64 hex digits; never leaves the node | 0600 |
//! | `erasures.journal` | who was erased, as keyed numbers ([`crate::rights`]); from the first erasure on | 0600 |

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use ed25519_dalek::SigningKey;
use jiff::Timestamp;
use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::Gss;
use ldsp_protocol::keys;
use rand_core::CryptoRng;

use crate::import::pseudonym::PseudonymKey;
use crate::store::{Store, StoreError};
use crate::words;

/// Why a data directory cannot be made or used. [`HomeError::next`] says what to do.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum HomeError {
    #[error("there is no node in {0}")]
    Missing(PathBuf),
    #[error("{dir} already holds the node of {lep}; nothing was changed")]
    Exists { dir: PathBuf, lep: Gss },
    #[error("{0} holds a national log, not a node")]
    Foreign(PathBuf),
    #[error("that is not the code of a Local Enterprise Partnership")]
    Lep,
    #[error("the LEP of this node is not chosen yet")]
    Unchosen,
    #[error("{0} already holds a node, whose LEP is not chosen yet; nothing was changed")]
    Waiting(PathBuf),
    #[error("{path} cannot be {what}: {source}")]
    File {
        path: PathBuf,
        what: &'static str,
        source: io::Error,
    },
    #[error("{0} is damaged")]
    Key(PathBuf),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl HomeError {
    /// What to do next.
    #[must_use]
    pub fn next(&self) -> &'static str {
        match self {
            Self::Missing(_) => {
                "Ask the IT team to make the node first, or to point data_dir at its directory."
            }
            Self::Exists { .. } => {
                "Use this node as it is, or set another data_dir for a second one."
            }
            Self::Foreign(_) => {
                "Set another data_dir: each program has its own. This one belongs to ldsp-aggregator."
            }
            Self::Lep => "Give one of the 38 LEP codes of 2021, such as E37000001 (Black Country).",
            Self::Unchosen => "An admin chooses it on the page Choose the LEP.",
            Self::Waiting(_) => "An admin of that node chooses it on its page Choose the LEP.",
            Self::File { .. } => {
                "Check data_dir, the rights on it and the space on its disk, then try again."
            }
            Self::Key(_) => "Restore the file from the backup. Never make a new key in its place.",
            Self::Store(error) => error.next(),
        }
    }

    /// The same for somebody at a terminal.
    #[must_use]
    pub fn next_by_command(&self) -> &'static str {
        match self {
            Self::Missing(_) => {
                "Run `ldsp-node init` first, or point data_dir at the node's directory."
            }
            Self::Unchosen => {
                "Choose it: `ldsp-node lep --set CODE`, or an admin on the page Choose the LEP."
            }
            Self::Waiting(_) => {
                "Serve it and choose the LEP on its page, or run `ldsp-node lep --set CODE`."
            }
            _ => self.next(),
        }
    }
}

/// A node on this machine: open store, identity and keys. Its keys are not printed by `Debug`.
#[derive(Clone)]
pub struct Node {
    /// Its data directory.
    pub dir: PathBuf,
    /// The open store.
    pub store: Store,
    /// GSS code of its LEP, once it is chosen: the same for every clone.
    lep: Arc<RwLock<Option<Gss>>>,
    /// Signs statements.
    pub signing: SigningKey,
    /// Makes learners' pseudonyms.
    pub pseudonyms: PseudonymKey,
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node")
            .field("dir", &self.dir)
            .field("lep", &self.chosen())
            .finish_non_exhaustive()
    }
}

impl Node {
    /// GSS code of its LEP.
    ///
    /// # Errors
    /// [`HomeError::Unchosen`] before somebody has chosen it.
    pub fn lep(&self) -> Result<Gss, HomeError> {
        self.chosen().ok_or(HomeError::Unchosen)
    }

    /// The LEP, once it is chosen.
    #[must_use]
    pub fn chosen(&self) -> Option<Gss> {
        let lep = self.lep.read().unwrap_or_else(PoisonError::into_inner);
        lep.clone()
    }

    /// The LEP's name, or what stands in its place before it is chosen.
    pub(crate) fn place(&self) -> String {
        let lep = self.chosen();
        lep.map_or_else(|| UNCHOSEN.to_owned(), |lep| words::lep(&lep))
    }

    /// Tells every clone what was chosen. The store holds it: see [`crate::lep::choose`].
    pub(crate) fn take_lep(&self, lep: Gss) {
        *self.lep.write().unwrap_or_else(PoisonError::into_inner) = Some(lep);
    }

    /// Whether somebody has begun a node in a directory, as an `init` does whose link was never used.
    #[must_use]
    pub fn is_begun(dir: &Path) -> bool {
        dir.join(DATABASE).exists()
    }

    /// Makes the node of `lep`, or one whose LEP is chosen later, in `dir`: directory (0700, also one that exists), both keys (0600),
    /// database. What a killed `init` left is completed; a key that exists is never replaced.
    ///
    /// # Errors
    /// [`HomeError::Exists`] when there is a node already, [`HomeError::Waiting`] when there is one with people whose LEP is not chosen,
    /// [`HomeError::Lep`] for another code, or the files cannot be written.
    pub async fn init(
        dir: &Path,
        lep: Option<&Gss>,
        rng: &mut (impl CryptoRng + ?Sized),
        (who, now): (&str, Timestamp),
    ) -> Result<Self, HomeError> {
        let known = |lep| Geography::embedded().lep(lep).ok_or(HomeError::Lep);
        let lep = lep.map(known).transpose()?;
        not_foreign(dir)?;
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(failed(dir, "created"))?;
        let db = dir.join(DATABASE);
        if db.exists() {
            let store = Store::open(&db).await?;
            let (identity, people) = (store.identity().await?, store.people().await?);
            store.close().await;
            if let Some(identity) = identity {
                return Err(HomeError::Exists {
                    dir: dir.to_owned(),
                    lep: identity.lep,
                });
            }
            if !people.is_empty() {
                return Err(HomeError::Waiting(dir.to_owned()));
            }
        }
        // One that was made by hand may be open to others.
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))
            .map_err(failed(dir, "closed to others"))?;
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        let pem = keys::to_pem(&SigningKey::from_bytes(&seed))
            .map_err(|_| HomeError::Key(dir.join(SIGNING_KEY)))?;
        write_new(&dir.join(SIGNING_KEY), pem.as_bytes())?;
        rng.fill_bytes(&mut seed);
        let hex = hex::encode(seed) + "\n";
        write_new(&dir.join(PSEUDONYM_KEY), hex.as_bytes())?;
        // An empty file is an empty database, and SQLite's other files take its mode.
        write_new(&db, b"")?;
        let store = Store::open(&db).await?;
        let detail = match lep {
            Some(lep) => {
                store.set_identity(&lep.code, now).await?;
                format!("node of {}", lep.code)
            }
            None => "the LEP is chosen later".to_owned(),
        };
        store.audit(now, who, "init", &detail).await?;
        store.close().await;
        Self::open(dir).await
    }

    /// Opens the node in `dir`.
    ///
    /// # Errors
    /// [`HomeError::Missing`] when `init` has not run, or files or database cannot be read.
    pub async fn open(dir: &Path) -> Result<Self, HomeError> {
        let db = dir.join(DATABASE);
        if !db.exists() {
            not_foreign(dir)?;
            return Err(HomeError::Missing(dir.to_owned()));
        }
        let store = Store::open(&db).await?;
        let identity = store.identity().await?;
        let keys = [SIGNING_KEY, PSEUDONYM_KEY].map(|key| dir.join(key));
        // A node that waits for its LEP has its keys: a killed `init` may have left none.
        if identity.is_none() && !keys.iter().all(|key| key.exists()) {
            return Err(HomeError::Missing(dir.to_owned()));
        }
        let path = dir.join(SIGNING_KEY);
        let signing = keys::from_pem(&read(&path)?).map_err(|_| HomeError::Key(path))?;
        Ok(Self {
            dir: dir.to_owned(),
            store,
            lep: Arc::new(RwLock::new(identity.map(|identity| identity.lep))),
            signing,
            pseudonyms: pseudonym_key(dir)?,
        })
    }
}

/// The key of pseudonyms in `dir`.
pub(crate) fn pseudonym_key(dir: &Path) -> Result<PseudonymKey, HomeError> {
    let path = dir.join(PSEUDONYM_KEY);
    let mut bytes = [0; 32];
    hex::decode_to_slice(read(&path)?.trim(), &mut bytes).map_err(|_| HomeError::Key(path))?;
    Ok(PseudonymKey::from_bytes(bytes))
}

/// What a node is called before its LEP is chosen.
const UNCHOSEN: &str = "LDSP node";
/// File name of the database.
pub const DATABASE: &str = "node.db";
/// File name of the signing key.
pub const SIGNING_KEY: &str = "node.key";
/// File name of the pseudonym key.
pub const PSEUDONYM_KEY: &str = "pseudonym.key";

/// `init` in the aggregator's directory would put learners' records where they do not belong.
fn not_foreign(dir: &Path) -> Result<(), HomeError> {
    if dir.join("aggregator.sqlite").exists() || dir.join("log-key.pem").exists() {
        return Err(HomeError::Foreign(dir.to_owned()));
    }
    Ok(())
}

pub(crate) fn failed(path: &Path, what: &'static str) -> impl FnOnce(io::Error) -> HomeError {
    let path = path.to_owned();
    move |source| HomeError::File { path, what, source }
}

pub(crate) fn read(path: &Path) -> Result<String, HomeError> {
    fs::read_to_string(path).map_err(failed(path, "read"))
}

/// Writes a file that only its owner may read, whole or not at all. One that exists stays.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), HomeError> {
    if path.exists() {
        return Ok(());
    }
    replace(path, bytes)
}

/// As [`write_new`]; one that exists is there, whole, until the new one is in its place.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), HomeError> {
    let partial = partial(path);
    let write = || -> io::Result<()> {
        // What a killed program left: never written into, it may be somebody else's.
        match fs::remove_file(&partial) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&partial)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&partial, path)?;
        // The name has to last as long as the bytes: a key that vanishes with the power cannot be made again.
        match path.parent() {
            Some(dir) => fs::File::open(dir)?.sync_all(),
            None => Ok(()),
        }
    };
    write().map_err(failed(path, "written"))
}

/// `node.key.partial` for `node.key`: two files in the making never share one.
fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::audit::COMMAND_LINE;

    /// Counts upwards: enough to tell two draws apart.
    struct Counting(u8);

    impl rand_core::TryRng for Counting {
        type Error = std::convert::Infallible;
        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            self.0 = self.0.wrapping_add(1);
            Ok(u32::from(self.0))
        }
        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            self.try_next_u32().map(u64::from)
        }
        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
            bytes.fill(self.0);
            self.0 = self.0.wrapping_add(1);
            Ok(())
        }
    }

    impl rand_core::TryCryptoRng for Counting {}

    #[tokio::test]
    async fn init_completes_what_was_killed_and_never_replaces_a_key() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("data");
        let lep: Gss = "E37000001".parse().unwrap();
        let now = Timestamp::UNIX_EPOCH;
        assert!(matches!(Node::open(&dir).await, Err(HomeError::Missing(_))));
        fs::create_dir(&dir).unwrap();
        let kept = SigningKey::from_bytes(&[9; 32]);
        fs::write(dir.join(SIGNING_KEY), keys::to_pem(&kept).unwrap()).unwrap();
        Store::open(&dir.join(DATABASE))
            .await
            .unwrap()
            .close()
            .await;
        assert!(matches!(Node::open(&dir).await, Err(HomeError::Missing(_))));
        let node = Node::init(&dir, Some(&lep), &mut Counting(1), (COMMAND_LINE, now))
            .await
            .unwrap();
        assert_eq!(node.signing.to_bytes(), kept.to_bytes());
        assert!(!format!("{node:?}").contains("signing"));
        node.store.close().await;
        let again = Node::init(&dir, Some(&lep), &mut Counting(7), (COMMAND_LINE, now)).await;
        assert!(matches!(again, Err(HomeError::Exists { .. })));
        fs::write(dir.join(PSEUDONYM_KEY), "short").unwrap();
        let error = Node::open(&dir).await.unwrap_err();
        assert!(error.next().contains("backup"), "{error}");
    }

    #[tokio::test]
    async fn only_the_owner_may_read() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("deep").join("data");
        let lep: Gss = "E37000001".parse().unwrap();
        let node = Node::init(
            &dir,
            Some(&lep),
            &mut Counting(1),
            (COMMAND_LINE, Timestamp::UNIX_EPOCH),
        )
        .await
        .unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&dir), 0o700);
        for file in [DATABASE, SIGNING_KEY, PSEUDONYM_KEY] {
            assert_eq!(mode(&dir.join(file)), 0o600, "{file}");
        }
        node.store.close().await;
    }

    #[tokio::test]
    async fn a_directory_that_exists_is_closed_to_others() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("data");
        fs::create_dir(&dir).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
        let lep: Gss = "E37000001".parse().unwrap();
        let node = Node::init(
            &dir,
            Some(&lep),
            &mut Counting(1),
            (COMMAND_LINE, Timestamp::UNIX_EPOCH),
        )
        .await
        .unwrap();
        assert_eq!(
            fs::metadata(&dir).unwrap().permissions().mode() & 0o777,
            0o700
        );
        node.store.close().await;
    }

    #[test]
    fn a_file_in_the_making_is_never_written_into() {
        let home = tempfile::tempdir().unwrap();
        let (key, other) = (home.path().join("node.key"), home.path().join("node.pem"));
        assert_ne!(partial(&key), partial(&other));
        // A left-over that leads elsewhere and is open to others.
        let elsewhere = home.path().join("elsewhere");
        fs::write(&elsewhere, "kept").unwrap();
        std::os::unix::fs::symlink(&elsewhere, partial(&key)).unwrap();
        write_new(&key, b"secret").unwrap();
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "kept");
        assert_eq!(fs::read_to_string(&key).unwrap(), "secret");
        let found = fs::symlink_metadata(&key).unwrap();
        assert!(found.is_file());
        assert_eq!(found.permissions().mode() & 0o777, 0o600);
        assert!(!partial(&key).exists());
    }
}
