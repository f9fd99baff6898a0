//! A file replaces its provider's year: what an earlier file of that year named and this one does not is removed.
//!
//! Nothing is retracted of what was published (disclosure.md, "Insert-only"). An enrolment of which nothing was counted goes; one of which
//! something was counted stays as a row that is in no figure, so that its learner's two places and its own facts are never given twice, and a
//! later file that names it again brings it back.

use std::collections::HashSet;

use jiff::civil::Date;
use sqlx::{AssertSqlSafe, QueryBuilder, Sqlite, SqliteConnection};

use crate::store::records::Pseudonym;
use crate::store::records::merge::list;
use crate::store::{StoreError, day};

/// Enrolments of one aim that were removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// The aim.
    pub aim: String,
    /// How many.
    pub enrolments: u64,
    /// Those of them of which something was counted in a release, or may have been.
    pub counted: u64,
}

/// SQL over `enrolments AS e`: named by the latest file of a provider's year ($1, $2), and not by the one at hand.
const UNNAMED: &str = "e.removed_day IS NULL \
    AND e.id IN (SELECT enrolment FROM ilr_rows WHERE ukprn = $1 AND year = $2) \
    AND NOT EXISTS (SELECT 1 FROM temp.seen s WHERE s.spell = e.spell)";

/// Removes what the file at hand does not name any more; gives it by aim.
pub(crate) async fn replace(
    tx: &mut SqliteConnection,
    (ukprn, year): (u32, u16),
    today: Date,
) -> Result<Vec<Gone>, StoreError> {
    let sql = format!(
        "SELECT e.aim, count(*), sum((e.counted | e.withheld) != 0) FROM enrolments AS e WHERE {UNNAMED} GROUP BY e.aim ORDER BY e.aim"
    );
    let gone: Vec<(String, i64, i64)> = sqlx::query_as(AssertSqlSafe(sql))
        .bind(ukprn)
        .bind(year)
        .fetch_all(&mut *tx)
        .await?;
    if !gone.is_empty() {
        let marked = format!(
            "UPDATE enrolments AS e SET removed_day = $3 WHERE (e.counted | e.withheld) != 0 AND {UNNAMED}"
        );
        sqlx::query(AssertSqlSafe(marked))
            .bind(ukprn)
            .bind(year)
            .bind(day(today))
            .execute(&mut *tx)
            .await?;
        let deleted = format!("DELETE FROM enrolments AS e WHERE {UNNAMED}");
        sqlx::query(AssertSqlSafe(deleted))
            .bind(ukprn)
            .bind(year)
            .execute(&mut *tx)
            .await?;
        // Ties of learners of whom nothing is held any more.
        sqlx::query(
            "DELETE FROM identities WHERE NOT EXISTS (SELECT 1 FROM enrolments AS e WHERE e.learner = identities.learner)",
        )
        .execute(&mut *tx)
        .await?;
    }
    let count = |n: i64| u64::try_from(n).unwrap_or(0);
    let gone = gone.into_iter().map(|(aim, enrolments, counted)| Gone {
        aim,
        enrolments: count(enrolments),
        counted: count(counted),
    });
    Ok(gone.collect())
}

/// Keeps which enrolments the file at hand named: all that the store holds (`fresh`), or those in the list of what it named.
pub(crate) async fn keep(
    tx: &mut SqliteConnection,
    (ukprn, year): (u32, u16),
    fresh: bool,
) -> Result<(), StoreError> {
    let named = if fresh {
        "enrolments AS e WHERE true"
    } else {
        "temp.seen AS s JOIN enrolments AS e ON e.spell = s.spell WHERE true"
    };
    let sql = format!(
        "INSERT INTO ilr_rows (enrolment, ukprn, year) SELECT e.id, $1, $2 FROM {named} \
         ON CONFLICT (enrolment) DO UPDATE SET ukprn = excluded.ukprn, year = excluded.year WHERE excluded.year >= ilr_rows.year"
    );
    sqlx::query(AssertSqlSafe(sql))
        .bind(ukprn)
        .bind(year)
        .execute(tx)
        .await?;
    Ok(())
}

/// Brings back what the file at hand names again.
pub(crate) async fn named_again(tx: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE enrolments SET removed_day = NULL \
         WHERE removed_day IS NOT NULL AND spell IN (SELECT spell FROM temp.seen)",
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Which of these enrolments a later year's file named: an older one says nothing new of them.
pub(crate) async fn later(
    tx: &mut SqliteConnection,
    year: u16,
    spells: impl Iterator<Item = &Pseudonym>,
) -> Result<Vec<Pseudonym>, StoreError> {
    let mut sql = QueryBuilder::<Sqlite>::new(
        "SELECT e.spell FROM ilr_rows AS r JOIN enrolments AS e ON e.id = r.enrolment WHERE r.year > ",
    );
    sql.push_bind(year).push(" AND e.spell IN (");
    list(&mut sql, spells);
    let rows: Vec<Vec<u8>> = sql.build_query_scalar().fetch_all(tx).await?;
    Ok(rows
        .into_iter()
        .filter_map(|spell| spell.try_into().ok())
        .collect())
}

/// The same of these ids.
pub(crate) async fn told_later(
    tx: &mut SqliteConnection,
    year: u16,
    enrolments: impl Iterator<Item = i64>,
) -> Result<HashSet<i64>, StoreError> {
    let mut sql = QueryBuilder::<Sqlite>::new("SELECT enrolment FROM ilr_rows WHERE year > ");
    sql.push_bind(year).push(" AND enrolment IN (");
    let mut list = sql.separated(", ");
    for enrolment in enrolments {
        list.push_bind(enrolment);
    }
    sql.push(")");
    let rows: Vec<i64> = sql.build_query_scalar().fetch_all(tx).await?;
    Ok(rows.into_iter().collect())
}
