//! Who did what, insert only, without learners' personal data, and chained: each row's hash covers the row and the hash of the one before.
//!
//! The hash is SHA-256 over `ldsp-node audit v1` and a line feed, the previous row's hash (32 zero bytes before the first), id and moment (seconds since 1970-01-01
//! UTC) as 64-bit big-endian numbers, and who, action and detail, each behind its length in bytes as such a number. Whoever can write the
//! database could make the whole chain anew: a head that was written down elsewhere (a backup's manifest, an export) tells that too.

use futures::TryStreamExt as _;
use jiff::Timestamp;
use ldsp_protocol::ids::Digest;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection, SqlitePool, query_scalar};
use utoipa::ToSchema;

use super::{Store, StoreError, moment};

/// Who acts when nobody is signed in: the IT team at the command line. The program adds the account of the system that acts.
pub use ldsp_ui::terminal::COMMAND_LINE;

/// What every hash begins with.
const PURPOSE: &[u8] = b"ldsp-node audit v1\n";

/// One act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Entry {
    /// From 1, without a gap.
    #[serde(rename = "entry")]
    #[schema(minimum = 1)]
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// A person's name, `command line (ACCOUNT)` or `schedule`.
    pub who: String,
    /// Stable word, such as `import learners`.
    pub action: String,
    /// In words; never a learner's data.
    pub detail: String,
    /// The hash that the row bears; `None` where it was tampered with.
    #[schema(required)]
    pub hash: Option<Digest>,
}

/// Acts whose detail counts learners' records, or tells one's number, beside every import.
const COUNTED: [&str; 5] = [
    "learner erased",
    "subject access",
    "retention",
    "restore",
    "enrolment recorded",
];

impl Entry {
    /// As it is told to people who may not see exact counts: what was done stays, how many records it touched does not. The hash is that of the
    /// whole entry.
    #[must_use]
    pub fn without_counts(self) -> Self {
        let is_counted =
            self.action.starts_with("import ") || COUNTED.contains(&self.action.as_str());
        if !is_counted {
            return self;
        }
        Self {
            detail: "told to coordinators and approvers only, because it has exact counts"
                .to_owned(),
            ..self
        }
    }
}

/// Which entries are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this person alone.
    pub who: Option<String>,
    /// Of this action alone.
    pub action: Option<String>,
}

/// Where a part of the log begins, and which way it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// Below this entry, newest first.
    Before(i64),
    /// Above this entry, oldest first.
    After(i64),
}

/// The end of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditHead {
    /// Number of the last entry, 0 when there is none.
    pub entry: i64,
    /// Its hash.
    pub hash: Digest,
}

/// What is wrong with the chain, at its first fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Number of the entry at which it shows.
    pub entry: i64,
    /// In words, without the entry's content.
    pub what: &'static str,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "entry {} {}", self.entry, self.what)
    }
}

/// What a check of the whole chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Entries that were read.
    pub entries: u64,
    /// The chain's end as the entries give it, as far as they are sound.
    pub head: AuditHead,
    /// The first fault.
    pub fault: Option<Fault>,
    /// Whether the head that was asked for is an entry's of the chain; `None`: none was asked for.
    pub known: Option<bool>,
}

/// The parts of a row that its hash covers.
struct Canonical<'a> {
    id: i64,
    at: i64,
    texts: [&'a str; 3],
}

impl<'a> Canonical<'a> {
    fn read(row: &'a SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            at: row.try_get("at")?,
            texts: [
                row.try_get("who")?,
                row.try_get("action")?,
                row.try_get("detail")?,
            ],
        })
    }

    fn hash(&self, before: &Digest) -> Digest {
        let mut hash = Sha256::new();
        hash.update(PURPOSE);
        hash.update(before.as_bytes());
        hash.update(self.id.to_be_bytes());
        hash.update(self.at.to_be_bytes());
        for text in self.texts {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        }
        Digest::from_bytes(hash.finalize().into())
    }
}

/// A stored hash; `None` where there is none or it is no hash.
fn stored(row: &SqliteRow) -> Result<Option<Digest>, sqlx::Error> {
    let bytes: Option<&[u8]> = row.try_get("hash")?;
    Ok(bytes
        .and_then(|bytes| bytes.try_into().ok())
        .map(Digest::from_bytes))
}

/// The end of the chain as it was last written.
async fn head(connection: &mut SqliteConnection) -> Result<AuditHead, StoreError> {
    let row = sqlx::query("SELECT id, hash FROM audit_head")
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else {
        return Ok(AuditHead {
            entry: 0,
            hash: Digest::ZERO,
        });
    };
    let corrupt = || StoreError::Corrupt {
        table: "audit_head",
        column: "hash",
        row: "1".to_owned(),
    };
    Ok(AuditHead {
        entry: row.try_get("id")?,
        hash: stored(&row)?.ok_or_else(corrupt)?,
    })
}

async fn write_head(tx: &mut SqliteConnection, head: AuditHead) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO audit_head (one, id, hash) VALUES (1, $1, $2) ON CONFLICT (one) DO UPDATE SET id = $1, hash = $2",
    )
    .bind(head.entry)
    .bind(head.hash.as_bytes().as_slice())
    .execute(tx)
    .await?;
    Ok(())
}

/// Appends an act within a transaction, so that it stands exactly when the act does.
pub(crate) async fn append(
    tx: &mut SqliteConnection,
    at: Timestamp,
    who: &str,
    action: &str,
    detail: &str,
) -> Result<(), StoreError> {
    let before = head(tx).await?;
    let row = Canonical {
        id: before.entry + 1,
        at: at.as_second(),
        texts: [who, action, detail],
    };
    let hash = row.hash(&before.hash);
    sqlx::query(
        "INSERT INTO audit (id, at, who, action, detail, hash) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(row.id)
    .bind(row.at)
    .bind(who)
    .bind(action)
    .bind(detail)
    .bind(hash.as_bytes().as_slice())
    .execute(&mut *tx)
    .await?;
    let entry = row.id;
    write_head(tx, AuditHead { entry, hash }).await
}

/// Whether the log was chained (migration 29): it is not chained a second time, whatever its rows say.
const CHAINED: &str = "SELECT EXISTS (SELECT 1 FROM audit_chained)";

/// Whether there are rows, and none of them has a hash.
const UNCHAINED: &str =
    "SELECT EXISTS (SELECT 1 FROM audit) AND NOT EXISTS (SELECT 1 FROM audit_head)
   AND NOT EXISTS (SELECT 1 FROM audit WHERE hash IS NOT NULL)";

/// Chains the rows that were there before there was a chain (migration 16), once: after that a row without a hash is a fault that [`check`]
/// finds, also where somebody took every hash away.
pub(super) async fn begin_chain(writer: &SqlitePool) -> Result<(), StoreError> {
    // Who only opens the store does not wait for somebody who writes.
    if query_scalar::<_, i64>(CHAINED).fetch_one(writer).await? == 1 {
        return Ok(());
    }
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
    if query_scalar::<_, i64>(CHAINED).fetch_one(&mut *tx).await? == 1 {
        return Ok(());
    }
    let unchained: i64 = query_scalar(UNCHAINED).fetch_one(&mut *tx).await?;
    if unchained == 1 {
        chain(&mut tx).await?;
    }
    sqlx::query("INSERT INTO audit_chained (one) VALUES (1)")
        .execute(&mut *tx)
        .await?;
    Ok(tx.commit().await?)
}

async fn chain(tx: &mut SqliteConnection) -> Result<(), StoreError> {
    let rows = sqlx::query("SELECT id, at, who, action, detail FROM audit ORDER BY id")
        .fetch_all(&mut *tx)
        .await?;
    let mut end = head(tx).await?;
    for row in &rows {
        let row = Canonical::read(row)?;
        end = AuditHead {
            entry: row.id,
            hash: row.hash(&end.hash),
        };
        sqlx::query("UPDATE audit SET hash = $1 WHERE id = $2")
            .bind(end.hash.as_bytes().as_slice())
            .bind(row.id)
            .execute(&mut *tx)
            .await?;
    }
    write_head(tx, end).await
}

/// Reads the whole log and holds every row to its hash, in one pass. `expected` is a head that was written down earlier: it has to be an
/// entry's.
///
/// # Errors
/// The database cannot be read. A log that was altered is no error: [`Checked::fault`] names the first fault.
pub(crate) async fn check(
    connection: &mut SqliteConnection,
    expected: Option<Digest>,
) -> Result<Checked, StoreError> {
    let end = head(connection).await?;
    let mut sound = AuditHead {
        entry: 0,
        hash: Digest::ZERO,
    };
    let mut checked = Checked {
        entries: 0,
        head: sound,
        fault: None,
        known: expected.map(|_| false),
    };
    {
        let mut rows =
            sqlx::query("SELECT id, at, who, action, detail, hash FROM audit ORDER BY id")
                .fetch(&mut *connection);
        let mut first = true;
        while let Some(row) = rows.try_next().await? {
            checked.entries += 1;
            let hash = stored(&row)?;
            let canonical = Canonical::read(&row)?;
            let entry = canonical.id;
            // A log that began before there was a chain begins where it began.
            let follows = entry == sound.entry + 1 || (first && entry > 0);
            first = false;
            let what = match hash {
                None => Some("was not written by this program"),
                Some(hash) if canonical.hash(&sound.hash) == hash => None,
                Some(_) if !follows => Some("does not follow: entries before it are missing"),
                Some(_) => Some("was altered, or entries before it are missing"),
            };
            if let Some(what) = what {
                checked.fault = Some(Fault { entry, what });
                break;
            }
            let hash = hash.unwrap_or(Digest::ZERO);
            sound = AuditHead { entry, hash };
            if expected == Some(hash) {
                checked.known = Some(true);
            }
        }
    }
    checked.head = sound;
    if checked.fault.is_none() && end != sound {
        let entry = end.entry;
        let what = if end.entry > sound.entry {
            "and perhaps others before it are missing from the end"
        } else {
            "is not the end that was written last"
        };
        checked.fault = Some(Fault { entry, what });
    }
    Ok(checked)
}

fn entry(row: &SqliteRow) -> Result<Entry, StoreError> {
    let id: i64 = row.try_get("id")?;
    Ok(Entry {
        id,
        at: moment(row.try_get("at")?, "audit", "at", id)?,
        who: row.try_get("who")?,
        action: row.try_get("action")?,
        detail: row.try_get("detail")?,
        hash: stored(row)?,
    })
}

impl Store {
    /// Appends an act on its own.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn audit(
        &self,
        at: Timestamp,
        who: &str,
        action: &str,
        detail: &str,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        append(&mut tx, at, who, action, detail).await?;
        Ok(tx.commit().await?)
    }

    /// The latest `limit` acts, newest first.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn audit_entries(&self, limit: u32) -> Result<Vec<Entry>, StoreError> {
        self.audit_before(None, limit, &Filter::default()).await
    }

    /// At most `limit` acts that the filter lets through and that come before entry `before`, newest first.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn audit_before(
        &self,
        before: Option<i64>,
        limit: u32,
        filter: &Filter,
    ) -> Result<Vec<Entry>, StoreError> {
        let from = From::Before(before.unwrap_or(i64::MAX));
        self.audit_from(from, limit, filter).await
    }

    /// At most `limit` acts that the filter lets through, from a place on.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn audit_from(
        &self,
        from: From,
        limit: u32,
        filter: &Filter,
    ) -> Result<Vec<Entry>, StoreError> {
        let mut sql = QueryBuilder::<Sqlite>::new(
            "SELECT id, at, who, action, detail, hash FROM audit WHERE id ",
        );
        match from {
            From::Before(id) => sql.push("< ").push_bind(id),
            From::After(id) => sql.push("> ").push_bind(id),
        };
        for (column, value) in [
            (" AND who = ", &filter.who),
            (" AND action = ", &filter.action),
        ] {
            if let Some(value) = value {
                sql.push(column);
                sql.push_bind(value.clone());
            }
        }
        sql.push(match from {
            From::Before(_) => " ORDER BY id DESC LIMIT ",
            From::After(_) => " ORDER BY id LIMIT ",
        });
        sql.push_bind(limit);
        let rows = sql.build().fetch_all(&self.reader).await?;
        rows.iter().map(entry).collect()
    }

    /// Every name and every action that the log holds, for people to choose from.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn audit_words(&self) -> Result<(Vec<String>, Vec<String>), StoreError> {
        let all = async |sql| -> Result<Vec<String>, StoreError> {
            Ok(query_scalar(sql).fetch_all(&self.reader).await?)
        };
        Ok((
            all("SELECT DISTINCT who FROM audit ORDER BY who COLLATE NOCASE").await?,
            all("SELECT DISTINCT action FROM audit ORDER BY action").await?,
        ))
    }

    /// Holds every act to its hash. `expected`: see [`Checked::known`].
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn audit_check(&self, expected: Option<Digest>) -> Result<Checked, StoreError> {
        let mut reader = self.reader.begin().await?;
        check(&mut reader, expected).await
    }
}

#[cfg(test)]
mod tests;
