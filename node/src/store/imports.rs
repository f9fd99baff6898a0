//! What was imported when, and the postcode directory.

use std::collections::HashMap;

use jiff::Timestamp;
use ldsp_protocol::ids::{Digest, Gss};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::audit::append;
use super::{Store, StoreError, moment};

/// What a file held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum ImportKind {
    Learners,
    Programmes,
    Postcodes,
    Ilr,
    Demand,
    Vacancies,
    Survey,
    Services,
}

impl ImportKind {
    /// The word in the database and in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Learners => "learners",
            Self::Programmes => "programmes",
            Self::Postcodes => "postcodes",
            Self::Ilr => "ilr",
            Self::Demand => "demand",
            Self::Vacancies => "vacancies",
            Self::Survey => "survey",
            Self::Services => "services",
        }
    }

    pub(super) fn named(word: &str) -> Option<Self> {
        let all = [
            Self::Learners,
            Self::Programmes,
            Self::Postcodes,
            Self::Ilr,
            Self::Demand,
            Self::Vacancies,
            Self::Survey,
            Self::Services,
        ];
        all.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// What an import did, in rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Data rows in the file.
    pub rows: u64,
    /// New.
    pub added: u64,
    /// Held before and now different.
    pub changed: u64,
    /// Held before and the same.
    pub unchanged: u64,
    /// Refused.
    pub refused: u64,
    /// Outside the LEP's area: kept for local figures, never published.
    pub outside: u64,
    /// Of the changed ones: enrolments that are held under another key (a ULN, a reference, the provider's name, a corrected aim or start).
    pub carried: u64,
    /// Left out: their learners' records were erased.
    pub erased: u64,
    /// Enrolments that were held and are not any more: a provider's ILR replaces its year.
    pub removed: u64,
}

/// An import that was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportRecord {
    /// What the file held.
    pub kind: ImportKind,
    /// SHA-256 of the file.
    pub digest: Digest,
    /// What it did.
    pub tally: Tally,
    /// When.
    pub at: Timestamp,
}

/// The number that the next import gets, as the transaction that stores it sees it.
pub(crate) async fn next(tx: &mut SqliteConnection) -> Result<i64, StoreError> {
    let next = sqlx::query_scalar("SELECT coalesce(max(id), 0) + 1 FROM imports");
    Ok(next.fetch_one(tx).await?)
}

/// Writes the import's own row and its audit entry.
pub(crate) async fn log(
    tx: &mut SqliteConnection,
    record: &ImportRecord,
    who: &str,
) -> Result<(), StoreError> {
    let t = record.tally;
    let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    sqlx::query(
        "INSERT INTO imports (kind, digest, rows, added, changed, unchanged, refused, outside, at, carried, erased, removed) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(record.kind.as_str())
    .bind(&record.digest.as_bytes()[..])
    .bind(count(t.rows))
    .bind(count(t.added))
    .bind(count(t.changed))
    .bind(count(t.unchanged))
    .bind(count(t.refused))
    .bind(count(t.outside))
    .bind(record.at.as_second())
    .bind(count(t.carried))
    .bind(count(t.erased))
    .bind(count(t.removed))
    .execute(&mut *tx)
    .await?;
    let action = format!("import {}", record.kind.as_str());
    let detail = format!(
        "file with SHA-256 {}; {} rows, {} refused{}",
        record.digest,
        t.rows,
        t.refused,
        match t.removed {
            0 => String::new(),
            removed => format!(", {removed} not in it any more"),
        }
    );
    append(tx, record.at, who, &action, &detail).await
}

/// Forgets every postcode.
pub(crate) async fn clear_postcodes(tx: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM postcodes").execute(tx).await?;
    Ok(())
}

/// Adds postcodes; returns how many were new. One that is there already stays as it is.
pub(crate) async fn put_postcodes(
    tx: &mut SqliteConnection,
    postcodes: &[(String, Gss)],
) -> Result<u64, StoreError> {
    if postcodes.is_empty() {
        return Ok(0);
    }
    let mut sql = QueryBuilder::<Sqlite>::new("INSERT INTO postcodes (postcode, district) ");
    sql.push_values(postcodes, |mut row, (postcode, district)| {
        row.push_bind(postcode).push_bind(district.as_str());
    });
    sql.push(" ON CONFLICT DO NOTHING");
    Ok(sql.build().execute(tx).await?.rows_affected())
}

/// Districts of those of `postcodes` that the directory knows; they are letters and digits.
pub(crate) async fn districts_of(
    connection: &mut SqliteConnection,
    postcodes: &[&str],
) -> Result<HashMap<String, Gss>, StoreError> {
    if postcodes.is_empty() {
        return Ok(HashMap::new());
    }
    // One text for any number of postcodes: the statement is prepared once. Postcodes need no escaping.
    let list = format!("[\"{}\"]", postcodes.join("\",\""));
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT postcode, district FROM postcodes WHERE postcode IN (SELECT value FROM json_each($1))",
    )
    .bind(list)
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|(postcode, district)| match district.parse() {
            Ok(gss) => Ok((postcode, gss)),
            Err(_) => Err(StoreError::Corrupt {
                table: "postcodes",
                column: "district",
                row: "(not shown)".to_owned(),
            }),
        })
        .collect()
}

/// Whether the directory holds any postcode.
pub(crate) async fn any_postcode(tx: &mut SqliteConnection) -> Result<bool, StoreError> {
    let found: Option<i64> = sqlx::query_scalar("SELECT 1 FROM postcodes LIMIT 1")
        .fetch_optional(tx)
        .await?;
    Ok(found.is_some())
}

impl Store {
    /// Whether `import postcodes` has run.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn has_postcodes(&self) -> Result<bool, StoreError> {
        let mut reader = self.reader.acquire().await?;
        any_postcode(&mut reader).await
    }

    /// The latest `limit` imports, newest first. Their tallies are exact: for signed-in pages only.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn imports(&self, limit: u32) -> Result<Vec<ImportRecord>, StoreError> {
        let found = self.imports_before(None, limit).await?;
        Ok(found.into_iter().map(|(_, record)| record).collect())
    }

    /// The last import of files of a kind; `None` before the first.
    ///
    /// # Errors
    /// As [`Store::imports`].
    pub async fn last_import(&self, kind: ImportKind) -> Result<Option<ImportRecord>, StoreError> {
        let last: Option<i64> = sqlx::query_scalar("SELECT max(id) FROM imports WHERE kind = $1")
            .bind(kind.as_str())
            .fetch_one(&self.reader)
            .await?;
        let Some(last) = last else { return Ok(None) };
        let found = self.imports_before(Some(last + 1), 1).await?;
        Ok(found.into_iter().map(|(_, record)| record).next())
    }

    /// As [`Store::imports`], with their numbers, of those before number `before`.
    ///
    /// # Errors
    /// As [`Store::imports`].
    pub async fn imports_before(
        &self,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<(i64, ImportRecord)>, StoreError> {
        type Row = (
            i64,
            String,
            Vec<u8>,
            i64,
            i64,
            i64,
            i64,
            i64,
            i64,
            i64,
            i64,
            i64,
            i64,
        );
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT id, kind, digest, rows, added, changed, unchanged, refused, outside, at, carried, erased, removed \
             FROM imports WHERE id < $1 ORDER BY id DESC LIMIT $2",
        )
        .bind(before.unwrap_or(i64::MAX))
        .bind(limit)
        .fetch_all(&self.reader)
        .await?;
        rows.into_iter()
            .map(
                |(
                    id,
                    kind,
                    digest,
                    rows,
                    added,
                    changed,
                    unchanged,
                    refused,
                    outside,
                    at,
                    carried,
                    erased,
                    removed,
                )| {
                    let corrupt = |column| StoreError::Corrupt {
                        table: "imports",
                        column,
                        row: id.to_string(),
                    };
                    let count = |n: i64| u64::try_from(n).unwrap_or(0);
                    let digest: [u8; 32] = digest.try_into().map_err(|_| corrupt("digest"))?;
                    let record = ImportRecord {
                        kind: ImportKind::named(&kind).ok_or_else(|| corrupt("kind"))?,
                        digest: Digest::from_bytes(digest),
                        tally: Tally {
                            rows: count(rows),
                            added: count(added),
                            changed: count(changed),
                            unchanged: count(unchanged),
                            refused: count(refused),
                            outside: count(outside),
                            carried: count(carried),
                            erased: count(erased),
                            removed: count(removed),
                        },
                        at: moment(at, "imports", "at", id)?,
                    };
                    Ok((id, record))
                },
            )
            .collect()
    }
}
