//! Backup and restore: the whole node as two directories that can be copied away, and are best kept apart.
//!
//! | directory | file | what |
//! |---|---|---|
//! | records | `node.db` | the database as of one moment (SQLite `VACUUM INTO`: one read transaction, writers go on), with records, ledger, outbox, audit |
//! | | `erasures.journal` | who was erased until then, as keyed numbers; a newer one erases again what an older backup brings back |
//! | | `manifest.json` | what was copied, with digests, how far ledger and audit log reached; written last, so that a directory without it is no backup |
//! | keys | `node.key`, `pseudonym.key` | without which the database is of little use, and with which its pseudonyms can be tied to numbers |
//!
//! The ledger is what cannot be made again: a node that loses it can publish only once more ([`crate::epoch`]). Restoring never overwrites,
//! and a node restored from an older backup neither draws nor signs before it has caught up with the log ([`crate::seal::check_head`]).
//! What was erased since the backup is erased again before there is a node, as far as a journal tells.

mod restore;

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
use crate::rights::RightsError;
use crate::rights::journal::{self, JOURNAL, JournalError};
use crate::store::audit::{self, AuditHead, Checked, Fault};
use crate::store::erasure;
use crate::store::ledger::epochs;
use crate::store::{StoreError, releases};

pub use restore::{Parts, Restored, restore};

/// Name of the manifest.
pub const MANIFEST: &str = "manifest.json";
const FORMAT: u32 = 2;
/// Before keys had a directory of their own, and without a journal.
const KEYS_WITHIN: u32 = 1;
const KEYS: [&str; 2] = [SIGNING_KEY, PSEUDONYM_KEY];

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
    #[error("there are no keys of a node in {0}")]
    NoKeys(PathBuf),
    #[error("{0} is another key than the one that this backup was made with")]
    WrongKey(PathBuf),
    #[error("{0} holds other keys than this node\u{2019}s")]
    OtherKeys(PathBuf),
    #[error("there is no journal of erasures at {0}")]
    NoJournal(PathBuf),
    #[error("the copy of the database is not sound: {0}")]
    Unsound(String),
    #[error(transparent)]
    Rights(#[from] RightsError),
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<JournalError> for BackupError {
    fn from(error: JournalError) -> Self {
        Self::Rights(error.into())
    }
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
            Self::NoKeys(_) => {
                "Name the directory of the keys with `--keys`: `backup` wrote it beside the records, or where `--keys-to` said."
            }
            Self::WrongKey(_) => {
                "Give the keys of the same node: any of its backups has them, they never change. With another key no learner would be recognised again and every file would count everybody a second time."
            }
            Self::OtherKeys(_) => "Name another directory for the keys; each node has its own.",
            Self::NoJournal(_) => {
                "Give the path of `erasures.journal`, or leave `--erasures` out if there is none."
            }
            Self::Rights(error) => error.next(),
            Self::Home(error) => error.next_by_command(),
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
    /// End of the audit log in it; absent where the log does not hold together, or was not chained yet.
    #[serde(default)]
    pub audit: Option<AuditHead>,
    /// The files beside it.
    pub files: Vec<FileEntry>,
    /// The keys, in their own directory; empty in a backup of before there was one, whose keys are among `files`.
    #[serde(default)]
    pub keys: Vec<FileEntry>,
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

/// A backup that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// What it holds.
    pub manifest: Manifest,
    /// Where the keys are.
    pub keys: PathBuf,
    /// What is wrong with the audit log, which is backed up as it is.
    pub audit_fault: Option<Fault>,
}

/// Where keys are when nobody says otherwise: `NAME.keys` beside the directory `NAME`.
#[must_use]
pub fn keys_beside(records: &Path) -> PathBuf {
    let mut name = records.as_os_str().to_owned();
    name.push(".keys");
    name.into()
}

/// Copies `node` into the new directory `target`, its keys into `keys` (else [`keys_beside`]), which may hold them already, and checks
/// the copy.
///
/// # Errors
/// [`BackupError`]. A directory that was begun has no manifest. An audit log that does not hold together is no error: it is copied as it is,
/// and the answer says so.
pub async fn make(
    node: &Node,
    target: &Path,
    keys: Option<&Path>,
    (who, now): (&str, Timestamp),
) -> Result<Made, BackupError> {
    if target.exists() {
        return Err(BackupError::Exists(target.to_owned()));
    }
    let keys = keys.map_or_else(|| keys_beside(target), Path::to_owned);
    directory(&keys)?;
    for key in KEYS {
        let (there, own) = (keys.join(key), read(&node.dir.join(key))?);
        write_new(&there, own.as_bytes())?;
        if read(&there)? != own {
            return Err(BackupError::OtherKeys(keys));
        }
    }
    directory(target)?;
    node.store
        .audit(now, who, "backup", "the whole node")
        .await?;
    let copy = target.join(DATABASE);
    // SQLite fills an empty file, which keeps its mode.
    write_new(&copy, b"")?;
    let mut reader = node.store.reader.acquire().await?;
    sqlx::query("VACUUM INTO $1")
        .bind(copy.to_string_lossy())
        .execute(&mut *reader)
        .await?;
    // After the copy: it has at least what the copy has.
    let mark = node.pseudonyms.mark();
    let mut numbers = erasure::buried(&mut reader).await?;
    drop(reader);
    if let Some(held) = journal::read(&node.dir.join(JOURNAL), &mark)? {
        journal::join(&mut numbers, held);
    }
    write_new(
        &target.join(JOURNAL),
        journal::marked(&mark, &numbers).as_bytes(),
    )?;
    sync(&copy)?;
    let sound = sound(&copy).await?;
    let entries = |dir: &Path, names: &[&str]| -> Result<Vec<FileEntry>, BackupError> {
        names.iter().map(|name| entry(dir, name)).collect()
    };
    let audit_fault = sound.audit.as_ref().and_then(|a| a.fault.clone());
    let manifest = Manifest {
        format: FORMAT,
        software: crate::SOFTWARE.to_owned(),
        made_at: now,
        lep: node.lep()?,
        epoch: sound.epoch,
        months: sound.months,
        last: sound.last,
        audit: sound.audit.filter(|a| a.fault.is_none()).map(|a| a.head),
        files: entries(target, &[DATABASE, JOURNAL])?,
        keys: entries(&keys, &KEYS)?,
    };
    let text = serde_json::to_vec_pretty(&manifest)
        .expect("a manifest holds strings, integers and lists only");
    write_new(&target.join(MANIFEST), &text)?;
    Ok(Made {
        manifest,
        keys,
        audit_fault,
    })
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

/// A copy in which SQLite finds no fault, and whose ledger can be gone on from.
struct Sound {
    epoch: u32,
    months: usize,
    last: Option<Period>,
    /// `None` in a copy of before the audit log was chained.
    audit: Option<Checked>,
}

async fn sound(database: &Path) -> Result<Sound, BackupError> {
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
    let chained: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'audit_head'")
            .fetch_one(&mut connection)
            .await?;
    let audit = match chained {
        0 => None,
        _ => Some(audit::check(&mut connection, None).await?),
    };
    let sound = Sound {
        epoch: epochs::present(&mut connection).await?.number,
        months,
        last: releases::last(&mut connection).await?.map(|r| r.period),
        audit,
    };
    connection.close().await?;
    Ok(sound)
}

#[cfg(test)]
mod tests;
