//! The journal of erasures: a file beside the database with what `erased` holds, so that a backup of before an erasure can be erased
//! again when it is restored. It is of use to nobody else: keyed numbers and days.
//!
//! ```text
//! ldsp-node erasures v1
//! key 32 hex digits              tells whether the journal was made with the node's pseudonym key
//! 16 hex digits 2026-11-23       a keyed number, and the day of its latest erasure; in order of the numbers
//! sha256 64 hex digits           of everything above
//! ```
//!
//! It is written whole, before the erasure is committed: one that is in the journal and was not carried out is one that somebody asked for;
//! the other way round it would come back with a backup. What the file has and the database has not, stays in it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use sqlx::SqliteConnection;

use super::RightsError;
use crate::home::{HomeError, failed, replace};
use crate::store::{date, day, erasure};

/// File name of the journal.
pub(crate) const JOURNAL: &str = "erasures.journal";
const TITLE: &str = "ldsp-node erasures v1";

/// Why a journal is of no use.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum JournalError {
    #[error("{0} is no journal of erasures, or it was altered")]
    Damaged(PathBuf),
    #[error("the journal of erasures {0} was made with another pseudonym key")]
    OtherKey(PathBuf),
    #[error(transparent)]
    Home(#[from] HomeError),
}

impl JournalError {
    /// What to do next.
    #[must_use]
    pub fn next(&self) -> &'static str {
        match self {
            Self::Damaged(_) => {
                "Take another copy of it: each backup holds one. To go on without it, move it away: the next erasure writes a new one from the database."
            }
            Self::OtherKey(_) => {
                "It belongs to another node. Give the one that lies beside this node's database or in its backups."
            }
            Self::Home(error) => error.next(),
        }
    }
}

/// Keyed numbers with the days of their erasure, days since 1970-01-01.
pub(crate) type Numbers = BTreeMap<i64, i64>;

/// The journal at `path`, made with the key that bears `mark`; `None` when there is no such file.
pub(crate) fn read(path: &Path, mark: &str) -> Result<Option<Numbers>, JournalError> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return Err(JournalError::Damaged(path.to_owned()));
        }
        text => text.map_err(failed(path, "read"))?,
    };
    let damaged = || JournalError::Damaged(path.to_owned());
    let (body, digest) = text.rsplit_once("sha256 ").ok_or_else(damaged)?;
    if hex::encode(Sha256::digest(body)) != digest.trim_end() {
        return Err(damaged());
    }
    let mut lines = body.lines();
    let (title, key) = (lines.next(), lines.next());
    let key = key.and_then(|line| line.strip_prefix("key "));
    let (Some(TITLE), Some(key)) = (title, key) else {
        return Err(damaged());
    };
    if key != mark {
        return Err(JournalError::OtherKey(path.to_owned()));
    }
    let entry = |line: &str| {
        let (number, on) = line.split_once(' ')?;
        let number = u64::from_str_radix(number, 16).ok()?.cast_signed();
        Some((number, day(on.parse().ok()?)))
    };
    let all: Option<Numbers> = lines.map(entry).collect();
    all.map(Some).ok_or_else(damaged)
}

/// The text of a journal. A day that is outside the calendar cannot have been an erasure's.
pub(crate) fn marked(mark: &str, numbers: &Numbers) -> String {
    let mut text = format!("{TITLE}\nkey {mark}\n");
    for (number, on) in numbers {
        if let Some(on) = date(*on) {
            text.push_str(&format!("{:016x} {on}\n", number.cast_unsigned()));
        }
    }
    let digest = hex::encode(Sha256::digest(&text));
    text + &format!("sha256 {digest}\n")
}

/// Writes what the transaction and the file at `path` hold together.
pub(crate) async fn write(
    path: &Path,
    mark: &str,
    tx: &mut SqliteConnection,
) -> Result<(), RightsError> {
    let mut numbers = erasure::buried(tx).await?;
    if let Some(held) = read(path, mark)? {
        join(&mut numbers, held);
    }
    replace(path, marked(mark, &numbers).as_bytes()).map_err(JournalError::from)?;
    Ok(())
}

/// Adds what another journal has; of two days the later one stands.
pub(crate) fn join(numbers: &mut Numbers, others: Numbers) {
    for (number, on) in others {
        let latest = numbers.entry(number).or_insert(on);
        *latest = on.max(*latest);
    }
}
