//! Backup and restore: the whole node as a directory that can be copied away.
//!
//! | file | what |
//! |---|---|
//! | `node.db` | the database as of one moment (SQLite `VACUUM INTO`: one read transaction, writers go on), with records, ledger, outbox, audit |
//! | `node.key`, `pseudonym.key` | the keys, without which the database is of no use |
//! | `manifest.json` | what was copied, with digests, and how far the ledger reached; written last, so that a directory without it is no backup |
//!
//! The ledger is what cannot be made again: a node that loses it can publish only once more ([`crate::epoch`]). Restoring never overwrites,
//! and a node restored from an older backup neither draws nor signs before it has caught up with the log ([`crate::seal::check_head`]).

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use ldsp_protocol::ids::{Digest, Gss, Period};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::epoch;
use crate::home::{DATABASE, HomeError, Node, PSEUDONYM_KEY, SIGNING_KEY, failed, read, write_new};
use crate::store::audit::COMMAND_LINE;
use crate::store::ledger::epochs;
use crate::store::{StoreError, enrolment, releases};

/// Name of the manifest.
pub const MANIFEST: &str = "manifest.json";
const FORMAT: u32 = 1;
const FILES: [&str; 3] = [SIGNING_KEY, PSEUDONYM_KEY, DATABASE];
/// What SQLite leaves beside a database whose process was killed and reads into the next one of that name.
const LEFT_OVERS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Why a backup is not made or not brought back.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum BackupError {
    #[error("{0} exists already; a backup is never written over another")]
    Exists(PathBuf),
    #[error("{0} is no backup of a node: it has no manifest of a form that this version reads")]
    Manifest(PathBuf),
    #[error("{0} is not what the manifest says")]
    Damaged(PathBuf),
    #[error("there is a node in {0} already; nothing was changed")]
    Occupied(PathBuf),
    #[error("the copy of the database is not sound: {0}")]
    Unsound(String),
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl BackupError {
    /// What to do next.
    #[must_use]
    pub fn next(&self) -> &'static str {
        match self {
            Self::Exists(_) => "Name a directory that does not exist yet.",
            Self::Manifest(_) => {
                "Name the directory that `ldsp-node backup` made, or use the program version that made it."
            }
            Self::Damaged(_) => "Take another copy of this backup, or an older one.",
            Self::Occupied(_) => {
                "Set another data_dir, or move all that is there away first, node.db-wal and its like too."
            }
            Self::Unsound(_) => {
                "Check the disk; the node itself was not touched. Keep the backups that you have."
            }
            Self::Home(error) => error.next(),
            Self::Store(error) => error.next(),
        }
    }
}

impl From<sqlx::Error> for BackupError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Form of this document.
    pub format: u32,
    /// Program and version that made it.
    pub software: String,
    /// When.
    pub made_at: Timestamp,
    /// Whose node.
    pub lep: Gss,
    /// Epoch of the ledger.
    pub epoch: u32,
    /// Months of the ledger in it, every digest checked on the copy.
    pub months: usize,
    /// The last month that was drawn.
    pub last: Option<Period>,
    /// The files.
    pub files: Vec<FileEntry>,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of it.
    pub digest: Digest,
}

/// Copies `node` into the new directory `target`, checks the copy and gives its manifest.
///
/// # Errors
/// [`BackupError`]. A directory that was begun has no manifest.
pub async fn make(node: &Node, target: &Path, now: Timestamp) -> Result<Manifest, BackupError> {
    if target.exists() {
        return Err(BackupError::Exists(target.to_owned()));
    }
    directory(target)?;
    node.store
        .audit(now, COMMAND_LINE, "backup", "the whole node")
        .await?;
    for key in [SIGNING_KEY, PSEUDONYM_KEY] {
        write_new(&target.join(key), read(&node.dir.join(key))?.as_bytes())?;
    }
    let copy = target.join(DATABASE);
    // SQLite fills an empty file, which keeps its mode.
    write_new(&copy, b"")?;
    let mut reader = node.store.reader.acquire().await?;
    sqlx::query("VACUUM INTO $1")
        .bind(copy.to_string_lossy())
        .execute(&mut *reader)
        .await?;
    drop(reader);
    sync(&copy)?;
    let (epoch, months, last) = sound(&copy).await?;
    let files: Result<Vec<FileEntry>, BackupError> =
        FILES.iter().map(|name| entry(target, name)).collect();
    let manifest = Manifest {
        format: FORMAT,
        software: crate::SOFTWARE.to_owned(),
        made_at: now,
        lep: node.lep.clone(),
        epoch,
        months,
        last,
        files: files?,
    };
    let text = serde_json::to_vec_pretty(&manifest)
        .expect("a manifest holds strings, integers and lists only");
    write_new(&target.join(MANIFEST), &text)?;
    Ok(manifest)
}

/// Brings the backup in `source` back into `dir`, which holds no node yet.
///
/// # Errors
/// [`BackupError`]. Nothing that exists is overwritten, and the database comes last: without it there is no node.
pub async fn restore(
    source: &Path,
    dir: &Path,
    now: Timestamp,
) -> Result<(Node, Manifest), BackupError> {
    let unreadable = || BackupError::Manifest(source.to_owned());
    let text = fs::read(source.join(MANIFEST)).map_err(|_| unreadable())?;
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|_| unreadable())?;
    if manifest.format != FORMAT || manifest.files.len() != FILES.len() {
        return Err(unreadable());
    }
    for name in FILES {
        if !manifest.files.contains(&entry(source, name)?) {
            return Err(BackupError::Damaged(source.join(name)));
        }
    }
    let left_overs = LEFT_OVERS.map(|end| format!("{DATABASE}{end}"));
    let left_overs = left_overs.iter().map(String::as_str);
    if FILES
        .into_iter()
        .chain(left_overs)
        .any(|name| dir.join(name).exists())
    {
        return Err(BackupError::Occupied(dir.to_owned()));
    }
    sound(&source.join(DATABASE)).await?;
    directory(dir)?;
    for name in FILES {
        place(&source.join(name), &dir.join(name))?;
    }
    let node = Node::open(dir).await?;
    let mut transaction = node.store.write().await?;
    enrolment::restored(&mut transaction, now.as_second()).await?;
    transaction.commit().await.map_err(StoreError::from)?;
    let detail = format!("backup of {}", manifest.made_at);
    node.store
        .audit(now, COMMAND_LINE, "restore", &detail)
        .await?;
    Ok((node, manifest))
}

/// A directory for its owner alone.
fn directory(path: &Path) -> Result<(), BackupError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(failed(path, "created"))?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o700))
        .map_err(failed(path, "closed to others"))?)
}

fn sync(path: &Path) -> Result<(), BackupError> {
    let file = fs::File::open(path).and_then(|file| file.sync_all());
    Ok(file.map_err(failed(path, "written to the disk"))?)
}

/// Copies a file of any length, whole or not at all.
fn place(from: &Path, to: &Path) -> Result<(), BackupError> {
    let partial = to.with_extension("restoring");
    let copy = || -> io::Result<()> {
        fs::copy(from, &partial)?;
        fs::set_permissions(&partial, fs::Permissions::from_mode(0o600))?;
        fs::File::open(&partial)?.sync_all()?;
        fs::rename(&partial, to)?;
        match to.parent() {
            Some(dir) => fs::File::open(dir)?.sync_all(),
            None => Ok(()),
        }
    };
    Ok(copy().map_err(failed(to, "written"))?)
}

fn entry(dir: &Path, name: &str) -> Result<FileEntry, BackupError> {
    let path = dir.join(name);
    let digest = || -> io::Result<(u64, [u8; 32])> {
        let mut file = fs::File::open(&path)?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 1 << 16];
        let mut bytes = 0;
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok((bytes, hash.finalize().into())),
                n => {
                    hash.update(&buffer[..n]);
                    bytes += n as u64;
                }
            }
        }
    };
    let (bytes, digest) = digest().map_err(failed(&path, "read"))?;
    Ok(FileEntry {
        name: name.to_owned(),
        bytes,
        digest: Digest::from_bytes(digest),
    })
}

/// SQLite finds no fault in the copy, and its ledger can be gone on from. Gives epoch, months and last month.
async fn sound(database: &Path) -> Result<(u32, usize, Option<Period>), BackupError> {
    let options = SqliteConnectOptions::new()
        .filename(database)
        .read_only(true)
        .immutable(true);
    let mut connection = options.connect().await?;
    let said: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_all(&mut connection)
        .await?;
    if said != ["ok"] {
        return Err(BackupError::Unsound(said.join("; ")));
    }
    let months = epoch::check(&mut connection)
        .await?
        .map_err(BackupError::Unsound)?;
    let epoch = epochs::present(&mut connection).await?.number;
    let last = releases::last(&mut connection).await?.map(|r| r.period);
    connection.close().await?;
    Ok((epoch, months, last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::{Request, prepare};
    use crate::store::ledger;
    use crate::testing::{LEP, at, seeded};
    use ldsp_protocol::standard::{Codebook, Standard};
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng as _;

    const NOW: &str = "2024-06-01T12:00:00Z";

    /// A node that drew its first month.
    async fn node(dir: &Path) -> Node {
        let lep = LEP.parse().unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let node = Node::init(dir, &lep, &mut rng, at(NOW)).await.unwrap();
        let request = Request {
            first: Some("2022-03".parse().unwrap()),
            ..crate::testing::asked()
        };
        prepare(
            &node.store,
            request,
            crate::release::SCHEDULE,
            at(NOW),
            &seeded(1),
        )
        .await
        .unwrap();
        node
    }

    async fn months(node: &Node) -> Vec<crate::disclosure::LedgerMonth> {
        let mut connection = node.store.reader.acquire().await.unwrap();
        let codebook = Codebook::new(&node.lep, &[]);
        ledger::months(&mut connection, &codebook, Standard::current(), 1)
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn what_is_restored_is_what_was_there() {
        let home = tempfile::tempdir().unwrap();
        let (dir, kept, again) = (
            home.path().join("a"),
            home.path().join("b"),
            home.path().join("c"),
        );
        let original = node(&dir).await;
        let manifest = make(&original, &kept, at(NOW)).await.unwrap();
        assert_eq!((manifest.epoch, manifest.months), (1, 1));
        assert_eq!(manifest.last, Some("2022-03".parse().unwrap()));
        for name in FILES {
            let mode = fs::metadata(kept.join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        assert!(matches!(
            make(&original, &kept, at(NOW)).await,
            Err(BackupError::Exists(_))
        ));
        let (restored, said) = restore(&kept, &again, at(NOW)).await.unwrap();
        assert_eq!(said, manifest);
        assert_eq!(months(&restored).await, months(&original).await);
        assert_eq!(restored.signing.to_bytes(), original.signing.to_bytes());
        let twice = restore(&kept, &again, at(NOW)).await;
        assert!(matches!(twice, Err(BackupError::Occupied(_))));
        // The month is not drawn a second time: the next one follows.
        let next = crate::release::next_period(&restored.store, at(NOW))
            .await
            .unwrap();
        assert_eq!(next.unwrap().0, "2022-04".parse().unwrap());
    }

    /// With the log out of reach, what the backup knew of it was believed.
    #[tokio::test]
    async fn a_restored_node_draws_nothing_before_it_has_heard_from_the_log() {
        let home = tempfile::tempdir().unwrap();
        let [dir, kept, again] = ["a", "b", "c"].map(|name| home.path().join(name));
        make(&node(&dir).await, &kept, at(NOW)).await.unwrap();
        let (restored, _) = restore(&kept, &again, at(NOW)).await.unwrap();
        let request = Request {
            period: Some("2022-04".parse().unwrap()),
            ..crate::testing::asked()
        };
        let entropy = seeded(7);
        let next = || {
            let author = crate::release::SCHEDULE;
            prepare(&restored.store, request, author, at(NOW), &entropy)
        };
        let before = months(&restored).await;
        sqlx::query("UPDATE releases SET approver = 'bob', approved_at = 0")
            .execute(&restored.store.writer)
            .await
            .unwrap();
        assert_eq!(next().await.unwrap_err().code(), "restored");
        assert_eq!(months(&restored).await, before);
        let mut connection = restored.store.writer.acquire().await.unwrap();
        enrolment::write(&mut connection, &crate::testing::place(true))
            .await
            .unwrap();
        drop(connection);
        let drawn = next().await.unwrap();
        assert!(drawn.drawn);
    }

    #[tokio::test]
    async fn a_damaged_backup_is_refused_and_a_damaged_ledger_is_not_backed_up_as_whole() {
        let home = tempfile::tempdir().unwrap();
        let (dir, kept, again) = (
            home.path().join("a"),
            home.path().join("b"),
            home.path().join("c"),
        );
        let original = node(&dir).await;
        make(&original, &kept, at(NOW)).await.unwrap();
        let mut bytes = fs::read(kept.join(DATABASE)).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(kept.join(DATABASE), &bytes).unwrap();
        let refused = restore(&kept, &again, at(NOW)).await;
        assert!(matches!(refused, Err(BackupError::Damaged(_))));
        assert!(!again.exists());
        fs::remove_file(kept.join(MANIFEST)).unwrap();
        let refused = restore(&kept, &again, at(NOW)).await;
        assert!(matches!(refused, Err(BackupError::Manifest(_))));
        sqlx::query("DELETE FROM ledger_cells WHERE table_id = 'starts.pledge'")
            .execute(&original.store.writer)
            .await
            .unwrap();
        let lost = home.path().join("d");
        let refused = make(&original, &lost, at(NOW)).await;
        assert!(matches!(refused, Err(BackupError::Unsound(_))));
        assert!(!lost.join(MANIFEST).exists());
    }

    /// What a killed process left in its log was read into the restored database.
    #[tokio::test]
    async fn what_a_killed_process_left_is_not_read_into_a_backup() {
        let home = tempfile::tempdir().unwrap();
        let (dir, kept, again) = (
            home.path().join("a"),
            home.path().join("b"),
            home.path().join("c"),
        );
        make(&node(&dir).await, &kept, at(NOW)).await.unwrap();
        fs::create_dir(&again).unwrap();
        for end in LEFT_OVERS {
            let left = again.join(format!("{DATABASE}{end}"));
            fs::write(&left, b"of another time").unwrap();
            let refused = restore(&kept, &again, at(NOW)).await;
            assert!(matches!(refused, Err(BackupError::Occupied(_))), "{end}");
            fs::remove_file(left).unwrap();
        }
        restore(&kept, &again, at(NOW)).await.unwrap();
    }
}
