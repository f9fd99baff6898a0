//! Rows that may be a new enrolment or a held one that was corrected: provider and either aim or start agree. Which it is shows when the file has
//! been read: an enrolment that the file names beside it was not corrected into it.
//!
//! Both lists live in SQLite's temporary file, as the list of what the file has named does.

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::again::{Alike, alike, rekey};
use super::changes::between;
use super::{Held, Line, Merged, Merging, Why, entering, held, list, note as note_changes, put};
use crate::store::StoreError;
use crate::store::records::Pseudonym;
use crate::store::records::silent::taken_back;

/// What a person says of all doubtful rows of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Doubtful {
    /// Nothing: a corrected start is told by itself where both would overlap, every other such row is refused.
    #[default]
    Ask,
    /// They are new enrolments.
    New,
    /// They correct what is held.
    Corrected,
}

/// Rows that are looked at together.
const PAGE: usize = 250;

pub(super) async fn begin(tx: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::raw_sql(
        "DROP TABLE IF EXISTS temp.doubts; DROP TABLE IF EXISTS temp.claims; \
         CREATE TEMP TABLE doubts (line INTEGER PRIMARY KEY, spell BLOB NOT NULL); \
         CREATE TEMP TABLE claims (held INTEGER, line INTEGER, sure INTEGER NOT NULL, PRIMARY KEY (held, line)) WITHOUT ROWID; \
         CREATE INDEX temp.claims_line ON claims (line)",
    )
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) async fn end(tx: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::raw_sql("DROP TABLE temp.doubts; DROP TABLE temp.claims")
        .execute(tx)
        .await?;
    Ok(())
}

pub(super) async fn note(
    tx: &mut SqliteConnection,
    line: u64,
    spell: &Pseudonym,
) -> Result<(), StoreError> {
    sqlx::query("INSERT OR IGNORE INTO temp.doubts (line, spell) VALUES ($1, $2)")
        .bind(line.cast_signed())
        .bind(&spell[..])
        .execute(tx)
        .await?;
    Ok(())
}

/// Decides about the doubtful rows once the whole file is read. `whole`: no other row of the file was refused, so what it does not name is
/// not there.
pub(crate) async fn settle(
    tx: &mut SqliteConnection,
    of: &Merging,
    said: Doubtful,
    whole: bool,
) -> Result<Merged, StoreError> {
    let mut merged = Merged::default();
    let mut last = 0;
    while let Some((end, rows)) = page(tx, last).await? {
        last = end;
        claim(tx, &rows, of).await?;
    }
    last = 0;
    while let Some((end, rows)) = page(tx, last).await? {
        last = end;
        for (line, row) in rows {
            let claims: Vec<(i64, bool, bool)> = sqlx::query_as(
                "SELECT c.held, c.sure, (SELECT count(*) FROM temp.claims o WHERE o.held = c.held) = 1 FROM temp.claims c WHERE c.line = $1",
            )
            .bind(line)
            .fetch_all(&mut *tx)
            .await?;
            let line = line.cast_unsigned();
            let row = (line, row);
            match (claims.as_slice(), said) {
                ([], _) | (_, Doubtful::New) => enter(tx, &row).await?,
                ([(held, sure, true)], said)
                    if said == Doubtful::Corrected || *sure && whole && !of.adds =>
                {
                    carry(tx, *held, &row, of, &mut merged).await?;
                }
                (_, Doubtful::Corrected) => refuse(tx, &row, Why::Several, &mut merged).await?,
                (_, Doubtful::Ask) => refuse(tx, &row, Why::Doubtful, &mut merged).await?,
            }
        }
    }
    Ok(merged)
}

/// Rows with their lines.
type Page = Vec<(i64, Held)>;

/// The next doubtful rows as they are stored, and the line of the last of them.
async fn page(tx: &mut SqliteConnection, last: i64) -> Result<Option<(i64, Page)>, StoreError> {
    let lines: Vec<(i64, Vec<u8>)> = sqlx::query_as(
        "SELECT line, spell FROM temp.doubts WHERE line > $1 ORDER BY line LIMIT $2",
    )
    .bind(last)
    .bind(PAGE as i64)
    .fetch_all(&mut *tx)
    .await?;
    let Some((end, _)) = lines.last() else {
        return Ok(None);
    };
    let end = *end;
    let mut rows = Vec::with_capacity(lines.len());
    for (line, spell) in lines {
        let mut sql = QueryBuilder::<Sqlite>::new("SELECT * FROM enrolments WHERE spell = ");
        sql.push_bind(spell);
        rows.extend(held(&mut *tx, sql).await?.into_iter().map(|h| (line, h)));
    }
    Ok(Some((end, rows)))
}

/// Writes down which held enrolments each row may be, of those that the file has not named.
async fn claim(tx: &mut SqliteConnection, page: &Page, file: &Merging) -> Result<(), StoreError> {
    let mut sql = QueryBuilder::<Sqlite>::new(
        "SELECT * FROM enrolments WHERE NOT EXISTS (SELECT 1 FROM temp.seen s WHERE s.spell = enrolments.spell) AND learner IN (",
    );
    list(&mut sql, page.iter().map(|(_, row)| &row.enrolment.learner));
    let unnamed = held(&mut *tx, sql).await?;
    for (line, row) in page {
        let of = unnamed.iter().filter(|h| {
            h.enrolment.learner == row.enrolment.learner && file.tells_of(&h.enrolment)
        });
        for held in of {
            let alike = alike(&held.enrolment, &row.enrolment, &file.roots);
            if alike != Alike::No {
                sqlx::query("INSERT INTO temp.claims (held, line, sure) VALUES ($1, $2, $3)")
                    .bind(held.id)
                    .bind(line)
                    .bind(matches!(alike, Alike::Same | Alike::Overlapping))
                    .execute(&mut *tx)
                    .await?;
            }
        }
    }
    Ok(())
}

/// It is new: it enters if its learner has room.
async fn enter(tx: &mut SqliteConnection, (_, row): &(u64, Held)) -> Result<(), StoreError> {
    let enters = entering(tx, &[(&row.enrolment, true)]).await?;
    sqlx::query("UPDATE enrolments SET enters = $1 WHERE id = $2")
        .bind(enters[0])
        .bind(row.id)
        .execute(tx)
        .await?;
    Ok(())
}

/// It is a held one: that goes on under the row's key and codes, with what was counted of it.
async fn carry(
    tx: &mut SqliteConnection,
    id: i64,
    row: &(u64, Held),
    of: &Merging,
    merged: &mut Merged,
) -> Result<(), StoreError> {
    let mut sql = QueryBuilder::<Sqlite>::new("SELECT * FROM enrolments WHERE id = ");
    sql.push_bind(id);
    let before = held(&mut *tx, sql).await?.pop();
    let before = before.ok_or(sqlx::Error::RowNotFound)?;
    let mut enrolment = row.1.enrolment.clone();
    enrolment.keep_reference(&before.enrolment);
    of.fill(&mut enrolment, &before.enrolment);
    let enrolment = &enrolment;
    // The end that it keeps would lie before its new start.
    if enrolment.end.is_some_and(|end| end < enrolment.start) {
        return refuse(tx, row, Why::Several, merged).await;
    }
    remove(tx, row).await?;
    merged.done.taken_back += taken_back(&before.enrolment, enrolment);
    rekey(tx, id, &enrolment.spell).await?;
    let rows = [(enrolment, !before.fixed)];
    let entering = entering(tx, &rows).await?;
    put(tx, &rows, &entering).await?;
    note_changes(tx, &between(id, &before.enrolment, enrolment), &of.by).await?;
    merged.done.changed += 1;
    merged.done.carried += 1;
    Ok(())
}

async fn refuse(
    tx: &mut SqliteConnection,
    row: &(u64, Held),
    why: Why,
    merged: &mut Merged,
) -> Result<(), StoreError> {
    remove(tx, row).await?;
    let line: Line = (row.0, row.1.enrolment.clone());
    merged.refuse(&line, why);
    Ok(())
}

async fn remove(tx: &mut SqliteConnection, (_, row): &(u64, Held)) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM enrolments WHERE id = $1")
        .bind(row.id)
        .execute(tx)
        .await?;
    Ok(())
}
