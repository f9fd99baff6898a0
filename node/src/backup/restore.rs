//! Bringing a backup back.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use jiff::Timestamp;

use super::{
    BackupError, FORMAT, KEYS, KEYS_WITHIN, MANIFEST, Manifest, directory, entry, keys_beside,
    sound,
};
use crate::home::{DATABASE, Node, PSEUDONYM_KEY, SIGNING_KEY, failed, pseudonym_key};
use crate::import::pseudonym::PseudonymKey;
use crate::rights::Erased;
use crate::rights::journal::{self, JOURNAL, Numbers};
use crate::store::audit::{self, Fault};
use crate::store::erasure::{self, Gone};
use crate::store::{Store, StoreError, enrolment, scrub};

/// A database that is not a node's yet.
const IN_THE_MAKING: &str = "node.db.restoring";
/// What SQLite leaves beside a database whose process was killed and reads into the next one of that name.
pub(super) const LEFT_OVERS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// A backup that was brought back.
#[derive(Debug)]
pub struct Restored {
    /// The node.
    pub node: Node,
    /// What the backup said of itself.
    pub manifest: Manifest,
    /// What was erased again; `None` when no journal tells what was erased after the backup.
    pub erased_again: Option<Erased>,
    /// What is wrong with the audit log, which is as it was.
    pub audit_fault: Option<Fault>,
}

/// Where the parts of a backup are.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// The records, with the manifest.
    pub records: &'a Path,
    /// The keys; otherwise [`keys_beside`].
    pub keys: Option<&'a Path>,
    /// A journal of erasures that is newer than the backup: the node's own, or another backup's.
    pub erasures: Option<&'a Path>,
}

/// Brings a backup back into `dir`, which holds no node yet, and erases again what journals say was erased since: that which is given, and one
/// that is left in `dir`.
///
/// # Errors
/// [`BackupError`]. Nothing that exists is overwritten, and the database comes last, with what was erased gone: without it there is no node.
pub async fn restore(
    parts: Parts<'_>,
    dir: &Path,
    by: (&str, Timestamp),
) -> Result<Restored, BackupError> {
    let source = parts.records;
    let manifest = checked_manifest(source)?;
    let keys = match (parts.keys, manifest.format) {
        (Some(keys), _) => keys.to_owned(),
        (None, KEYS_WITHIN) => source.to_owned(),
        (None, _) => keys_beside(source),
    };
    let mark = check_keys(&keys, &manifest)?;
    let left_overs = LEFT_OVERS.map(|end| format!("{DATABASE}{end}"));
    let left_overs = left_overs.iter().map(String::as_str);
    if KEYS
        .into_iter()
        .chain([DATABASE])
        .chain(left_overs)
        .any(|name| dir.join(name).exists())
    {
        return Err(BackupError::Occupied(dir.to_owned()));
    }
    let (erased, is_told) = erasures(parts, dir, &mark)?;
    let audit = sound(&source.join(DATABASE)).await?.audit;
    directory(dir)?;
    let work = dir.join(IN_THE_MAKING);
    for end in LEFT_OVERS.into_iter().chain([""]) {
        // What a killed restore left.
        match fs::remove_file(dir.join(format!("{IN_THE_MAKING}{end}"))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed(&work, "replaced")(error).into());
            }
            _ => {}
        }
    }
    place(&source.join(DATABASE), &work)?;
    let store = Store::open(&work).await?;
    let key = pseudonym_key(&keys)?;
    let gone = brought_up(&store, &manifest, (&erased, is_told), &key, by).await?;
    let mut tx = store.write().await?;
    journal::write(&dir.join(JOURNAL), &mark, &mut tx).await?;
    tx.rollback().await?;
    // Nobody else has it open, so its log is folded in and goes.
    let clean = store.scrub().await?;
    store.close().await;
    if !clean || dir.join(format!("{IN_THE_MAKING}-wal")).exists() {
        return Err(BackupError::Unsound("somebody else uses it".to_owned()));
    }
    for name in KEYS {
        place(&keys.join(name), &dir.join(name))?;
    }
    let renamed =
        fs::rename(&work, dir.join(DATABASE)).and_then(|()| fs::File::open(dir)?.sync_all());
    renamed.map_err(failed(&work, "given its name"))?;
    Ok(Restored {
        node: Node::open(dir).await?,
        manifest,
        erased_again: is_told.then(|| gone.into()),
        audit_fault: audit.and_then(|a| a.fault),
    })
}

/// The manifest, once every file is what it says.
fn checked_manifest(source: &Path) -> Result<Manifest, BackupError> {
    let unreadable = || BackupError::Manifest(source.to_owned());
    let text = fs::read(source.join(MANIFEST)).map_err(|_| unreadable())?;
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|_| unreadable())?;
    let names: &[&str] = match manifest.format {
        FORMAT => &[DATABASE, JOURNAL],
        KEYS_WITHIN => &[SIGNING_KEY, PSEUDONYM_KEY, DATABASE],
        _ => return Err(unreadable()),
    };
    if manifest.files.len() != names.len() {
        return Err(unreadable());
    }
    for name in names {
        if !manifest.files.contains(&entry(source, name)?) {
            return Err(BackupError::Damaged(source.join(name)));
        }
    }
    Ok(manifest)
}

/// Holds the keys to the manifest; gives the mark of the pseudonym key.
fn check_keys(dir: &Path, manifest: &Manifest) -> Result<String, BackupError> {
    let listed = if manifest.format == KEYS_WITHIN {
        &manifest.files
    } else {
        &manifest.keys
    };
    for name in KEYS {
        if !dir.join(name).exists() {
            return Err(BackupError::NoKeys(dir.to_owned()));
        }
        if !listed.contains(&entry(dir, name)?) {
            return Err(BackupError::WrongKey(dir.join(name)));
        }
    }
    Ok(pseudonym_key(dir)?.mark())
}

/// What all journals tell, and whether there is one beside the backup's own: without it nobody knows what was erased later.
fn erasures(parts: Parts<'_>, dir: &Path, mark: &str) -> Result<(Numbers, bool), BackupError> {
    // Begun after the database was copied, so that it may have more.
    let own = journal::read(&parts.records.join(JOURNAL), mark)?;
    let left = journal::read(&dir.join(JOURNAL), mark)?;
    let given = match parts.erasures {
        None => None,
        Some(path) => {
            let read = journal::read(path, mark)?;
            Some(read.ok_or_else(|| BackupError::NoJournal(path.to_owned()))?)
        }
    };
    let is_told = left.is_some() || given.is_some();
    let mut all = Numbers::new();
    for numbers in [own, left, given].into_iter().flatten() {
        journal::join(&mut all, numbers);
    }
    Ok((all, is_told))
}

/// Makes of the copy what it has to be before it is a node's: marked as restored, and without those who were erased since.
async fn brought_up(
    store: &Store,
    manifest: &Manifest,
    (erased, is_told): (&Numbers, bool),
    key: &PseudonymKey,
    (who, now): (&str, Timestamp),
) -> Result<Gone, BackupError> {
    let mut tx = store.write().await?;
    enrolment::restored(&mut tx, now.as_second()).await?;
    let gone = erasure::replay(&mut tx, erased, key).await?;
    let mut detail = format!(
        "backup of {}; erased again: {} learner(s), {} enrolment(s)",
        manifest.made_at, gone.learners, gone.enrolments
    );
    if !is_told {
        detail.push_str("; no journal of later erasures");
    }
    if gone.learners > 0 {
        scrub::due(&mut tx, now).await?;
    }
    audit::append(&mut tx, now, who, "restore", &detail).await?;
    tx.commit().await.map_err(StoreError::from)?;
    Ok(gone)
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
