//! Every table that holds something about a learner, in one list: erasure, subject access and retention all go by it.
//!
//! A new table belongs into `HOLDINGS` when a row of it is about a learner, else into `OTHERS`; a test refuses one that is in neither.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Column as _, Row as _, SqliteConnection, TypeInfo as _, ValueRef as _};

use super::records::Pseudonym;
use super::records::parts::{By, parts, tell_apart};
use super::records::persons::{Known, at_provider, ident, known, known_each};
use super::{StoreError, day, providers};
use crate::import::pseudonym::PseudonymKey;

/// A table with rows about learners.
pub(crate) struct Holding {
    /// Its name.
    pub(crate) table: &'static str,
    /// Which rows are some learners': SQL over a row of it. $1 is a JSON list of `enrolments.learner` in hex, $2 one of the learners' keyed
    /// numbers.
    of: &'static str,
    /// Its rows go with their enrolments by themselves: a foreign key or a trigger of the schema takes them.
    follows: bool,
}

/// In the order in which they are emptied: what a later one is needed to find goes first.
pub(crate) const HOLDINGS: &[Holding] = &[
    Holding {
        table: "corrections",
        of: "enrolment IN (SELECT id FROM enrolments WHERE learner IN (SELECT unhex(value) FROM json_each($1)))",
        follows: true,
    },
    Holding {
        table: "history",
        of: "kind = 'enrolment' AND row IN (SELECT id FROM enrolments WHERE learner IN (SELECT unhex(value) FROM json_each($1)))",
        follows: true,
    },
    Holding {
        table: "ilr_rows",
        of: "enrolment IN (SELECT id FROM enrolments WHERE learner IN (SELECT unhex(value) FROM json_each($1)))",
        follows: true,
    },
    Holding {
        table: "identities",
        of: "learner IN (SELECT unhex(value) FROM json_each($1)) OR ident IN (SELECT value FROM json_each($2))",
        follows: false,
    },
    Holding {
        table: "enrolments",
        of: "learner IN (SELECT unhex(value) FROM json_each($1))",
        follows: false,
    },
];

/// Tables without anything about a learner. `erased` is what an erasure leaves on purpose: keyed numbers, also with the provider
/// whose records went (`records::persons`), and a day.
#[cfg(test)]
pub(crate) const OTHERS: &[&str] = &[
    "_sqlx_migrations",
    "api_tokens",
    "audit",
    "audit_chained",
    "audit_head",
    "cohorts",
    "data_items",
    "demand",
    "demand_terms",
    "enrolment",
    "erased",
    "feed_items",
    "feed_pages",
    "feeds",
    "gathering_tasks",
    "generations",
    "identity",
    "ilr_aims",
    "ilr_codes",
    "ilr_files",
    "ilr_providers",
    "imports",
    "known_browsers",
    "ledger_cells",
    "ledger_corrections",
    "ledger_epochs",
    "ledger_months",
    "ledger_standards",
    "mappings",
    "needs",
    "needs_people",
    "numbers_gone",
    "organisations",
    "outbox",
    "own_statements",
    "panel_files",
    "people",
    "postcodes",
    "practice",
    "programmes",
    "providers",
    "quality_questions",
    "quality_rules",
    "questionnaire_answers",
    "questionnaire_results",
    "questionnaires",
    "questionnaires_heard",
    "questionnaires_left",
    "receipts_before",
    "recovery_codes",
    "release_quality",
    "release_refusals",
    "release_statements",
    "retention_periods",
    "releases",
    "revisions",
    "sample",
    "sample_kept",
    "services",
    "services_distinct",
    "set_up_links",
    "spend",
    "sqlite_sequence",
    "subjects",
];

/// What an erasure took, in numbers alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gone {
    /// Learners.
    pub learners: u64,
    /// Their enrolments.
    pub enrolments: u64,
    /// Keyed numbers by which the learners were known, and which are kept, so that no later file brings back what went.
    pub numbers: u64,
}

/// A value as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Number(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// A stored row: columns by name, in the table's order.
pub(crate) type Held = Vec<(String, Value)>;

/// Learners as [`Holding::of`] takes them.
fn lists(learners: &[Pseudonym], idents: &[i64]) -> [String; 2] {
    let hex: Vec<String> = learners.iter().map(hex::encode).collect();
    let list = |value: Result<String, serde_json::Error>| {
        value.expect("a list of strings or numbers is JSON")
    };
    [
        list(serde_json::to_string(&hex)),
        list(serde_json::to_string(idents)),
    ]
}

/// The rows about a person, by table.
pub(crate) async fn held(
    connection: &mut SqliteConnection,
    person: &Known,
) -> Result<BTreeMap<&'static str, Vec<Held>>, StoreError> {
    let [learners, idents] = lists(&person.learners, &person.idents);
    let mut all = BTreeMap::new();
    for holding in HOLDINGS {
        let sql = format!(
            "SELECT * FROM {} WHERE {} ORDER BY 1",
            holding.table, holding.of
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(&learners)
            .bind(&idents)
            .fetch_all(&mut *connection)
            .await?;
        let rows: Result<Vec<Held>, StoreError> = rows.iter().map(read).collect();
        all.insert(holding.table, rows?);
    }
    Ok(all)
}

fn read(row: &SqliteRow) -> Result<Held, StoreError> {
    let value = |at: usize| -> Result<Value, StoreError> {
        let raw = row.try_get_raw(at)?;
        if raw.is_null() {
            return Ok(Value::Null);
        }
        Ok(match raw.type_info().name() {
            "INTEGER" => Value::Number(row.try_get_unchecked(at)?),
            "BLOB" => Value::Bytes(row.try_get_unchecked(at)?),
            _ => Value::Text(row.try_get_unchecked(at)?),
        })
    };
    let columns = row.columns().iter();
    columns
        .map(|column| Ok((column.name().to_owned(), value(column.ordinal())?)))
        .collect()
}

/// Empties every table of what is about a person, and keeps the keyed numbers by which they were known with the day: what began by
/// that day stays erased, what begins later is never counted. The anonymous ones in past counts stay. Nothing is kept of somebody whom
/// the node does not hold.
pub(crate) async fn erase(
    tx: &mut SqliteConnection,
    person: &Known,
    on: Date,
) -> Result<Gone, StoreError> {
    let mut gone = Gone {
        learners: person.learners.len() as u64,
        ..Gone::default()
    };
    if person.learners.is_empty() {
        return Ok(gone);
    }
    let numbers = numbers(tx, person).await?;
    gone.numbers = numbers.len() as u64;
    let [learners, idents] = lists(&person.learners, &numbers);
    bury(tx, &idents, on).await?;
    let [_, at_providers] = lists(&[], &self::at_providers(tx, &learners).await?);
    bury(tx, &at_providers, on).await?;
    for holding in HOLDINGS.iter().filter(|holding| !holding.follows) {
        let sql = format!("DELETE FROM {} WHERE {}", holding.table, holding.of);
        let done = sqlx::query(AssertSqlSafe(sql))
            .bind(&learners)
            .bind(&idents)
            .execute(&mut *tx)
            .await?;
        if holding.table == "enrolments" {
            gone.enrolments = done.rows_affected();
        }
    }
    Ok(gone)
}

/// Every number by which a person is known: those that were found, and what the person's rows bear.
async fn numbers(tx: &mut SqliteConnection, person: &Known) -> Result<Vec<i64>, StoreError> {
    let own: Vec<i64> = person.learners.iter().map(ident).collect();
    let [learners, idents] = lists(&person.learners, &person.idents);
    let [_, own] = lists(&[], &own);
    let numbers = sqlx::query_scalar(
        "SELECT value FROM json_each($2) UNION SELECT value FROM json_each($3)
         UNION SELECT reference FROM enrolments WHERE learner IN (SELECT unhex(value) FROM json_each($1)) AND reference IS NOT NULL
         UNION SELECT ident FROM identities WHERE learner IN (SELECT unhex(value) FROM json_each($1))",
    )
    .bind(learners)
    .bind(idents)
    .bind(own)
    .fetch_all(tx)
    .await?;
    Ok(numbers)
}

/// The numbers that tell a provider whose own records went that they did, and nobody else: of each number that learners' rows bear with each of
/// the providers of these rows.
async fn at_providers(tx: &mut SqliteConnection, learners: &str) -> Result<Vec<i64>, StoreError> {
    let roots = providers::roots(&mut *tx).await?;
    // A row at a time knows its learner by one number of each kind; others by which the same learner is known go with it.
    let rows: Vec<(Vec<u8>, String, Option<i64>)> = sqlx::query_as(
        "SELECT DISTINCT learner, provider, NULL FROM enrolments WHERE learner IN (SELECT unhex(value) FROM json_each($1))
         UNION SELECT e.learner, e.provider, f.reference FROM enrolments AS e JOIN enrolments AS f ON f.learner = e.learner
           WHERE e.learner IN (SELECT unhex(value) FROM json_each($1)) AND f.reference IS NOT NULL
         UNION SELECT e.learner, e.provider, i.ident FROM enrolments AS e JOIN identities AS i ON i.learner = e.learner
           WHERE e.learner IN (SELECT unhex(value) FROM json_each($1))",
    )
    .bind(learners)
    .fetch_all(tx)
    .await?;
    let mut numbers = BTreeSet::new();
    for (learner, provider, other) in rows {
        let own = learner.first_chunk::<8>().copied().map(i64::from_be_bytes);
        let root = roots.of(&provider);
        let known = [own, other].into_iter().flatten();
        numbers.extend(known.map(|ident| at_provider(ident, &root)));
    }
    Ok(numbers.into_iter().collect())
}

/// Keeps the numbers of a JSON list.
async fn bury(tx: &mut SqliteConnection, idents: &str, on: Date) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO erased (ident, day) SELECT value, $2 FROM json_each($1) WHERE true
         ON CONFLICT (ident) DO UPDATE SET day = max(day, excluded.day), kept = 0",
    )
    .bind(idents)
    .bind(day(on))
    .execute(tx)
    .await?;
    Ok(())
}

/// Every keyed number that was kept of an erasure, with the day of the latest (days since 1970-01-01). Those of rows that stayed when
/// they turned out to be an erased learner's are not among them.
pub(crate) async fn buried(
    connection: &mut SqliteConnection,
) -> Result<BTreeMap<i64, i64>, StoreError> {
    let rows: Vec<(i64, i64)> = sqlx::query_as("SELECT ident, day FROM erased WHERE kept = 0")
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().collect())
}

/// Erases again what was erased after the state that this database is of. Somebody who has begun anew since stays as they are, with every
/// number by which they are known; they are not counted.
pub(crate) async fn replay(
    tx: &mut SqliteConnection,
    erased: &BTreeMap<i64, i64>,
    key: &PseudonymKey,
) -> Result<Gone, StoreError> {
    let mut days: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for (ident, day) in erased {
        days.entry(*day).or_default().push(*ident);
    }
    let mut all = Gone::default();
    for (on, idents) in days {
        let date = super::date(on).ok_or_else(|| StoreError::Corrupt {
            table: "erased",
            column: "day",
            row: "(a journal's)".to_owned(),
        })?;
        // What one of them keeps is looked at apart; all others go together.
        let mut gone = Known::default();
        for person in known_each(tx, &idents).await? {
            if began_anew(tx, &person, on).await? {
                let [_, numbers] = lists(&[], &person.idents);
                bury(tx, &numbers, date).await?;
                uncount(tx, &person).await?;
            } else {
                let person = alone(tx, person, erased, key).await?;
                gone.learners.extend(person.learners);
                gone.idents.extend(person.idents);
            }
        }
        let gone = erase_or_bury(tx, &gone, date).await?;
        all.learners += gone.learners;
        all.enrolments += gone.enrolments;
        all.numbers += gone.numbers;
    }
    Ok(all)
}

/// A person without those whom only a wrong ULN ties to it and who were not erased.
async fn alone(
    tx: &mut SqliteConnection,
    person: Known,
    erased: &BTreeMap<i64, i64>,
    key: &PseudonymKey,
) -> Result<Known, StoreError> {
    let parts = parts(tx, key, &person, By::Erased(erased)).await?;
    let went = parts.iter().filter(|part| part.is_of(erased)).count();
    if went == 0 || went == parts.len() {
        return Ok(person);
    }
    let learners = tell_apart(tx, &person, &parts, |part| part.is_of(erased)).await?;
    known(tx, &learners, &[]).await
}

/// Whether somebody has enrolments that began after a day.
async fn began_anew(
    tx: &mut SqliteConnection,
    person: &Known,
    on: i64,
) -> Result<bool, StoreError> {
    for learner in &person.learners {
        let began_later: i64 = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM enrolments WHERE learner = $1 AND start_day > $2)",
        )
        .bind(&learner[..])
        .bind(on)
        .fetch_one(&mut *tx)
        .await?;
        if began_later == 1 {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn uncount(tx: &mut SqliteConnection, person: &Known) -> Result<(), StoreError> {
    for learner in &person.learners {
        sqlx::query("UPDATE enrolments SET enters = 0 WHERE learner = $1 AND enters = 1")
            .bind(&learner[..])
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// As [`erase`], but the numbers are kept in any case: they come from an erasure.
async fn erase_or_bury(
    tx: &mut SqliteConnection,
    person: &Known,
    on: Date,
) -> Result<Gone, StoreError> {
    if !person.learners.is_empty() {
        return erase(tx, person, on).await;
    }
    let [_, idents] = lists(&[], &person.idents);
    bury(tx, &idents, on).await?;
    Ok(Gone {
        numbers: person.idents.len() as u64,
        ..Gone::default()
    })
}

#[cfg(test)]
impl super::Store {
    /// Erases the learner with a pseudonym, without what is around it; gives the number of enrolments.
    pub(crate) async fn erase(&self, learner: &Pseudonym, on: Date) -> Result<u64, StoreError> {
        let mut tx = self.write().await?;
        let person = known(&mut tx, &[*learner], &[]).await?;
        let gone = erase(&mut tx, &person, on).await?;
        tx.commit().await?;
        Ok(gone.enrolments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, started};

    /// Words in the name of a column that point to a learner.
    const POINTERS: [&str; 7] = [
        "learner",
        "enrolment",
        "ident",
        "spell",
        "reference",
        "pseudonym",
        "uln",
    ];

    async fn columns(world: &World) -> Vec<(String, String)> {
        sqlx::query_as(
            "SELECT t.name, c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table' ORDER BY 1, 2",
        )
        .fetch_all(&world.store.reader)
        .await
        .unwrap()
    }

    /// A migration that adds a table has to say whether it holds learners.
    #[tokio::test]
    async fn every_table_is_erased_from_or_known_to_hold_nobody() {
        let world = World::new().await;
        let holdings: Vec<_> = HOLDINGS.iter().map(|h| h.table).collect();
        for (table, column) in columns(&world).await {
            let (holds, other) = (
                holdings.contains(&table.as_str()),
                OTHERS.contains(&table.as_str()),
            );
            assert!(
                holds != other,
                "{table} belongs into HOLDINGS or into OTHERS of store/erasure.rs"
            );
            let points = POINTERS.iter().any(|word| column.contains(word));
            assert!(
                holds || !points || table == "erased",
                "{table}.{column} looks like a learner's: {table} belongs into HOLDINGS"
            );
        }
    }

    /// The SQL of every holding runs and finds its rows.
    #[tokio::test]
    async fn every_holding_is_read_and_emptied() {
        let world = World::new().await;
        let ids = world
            .add_all(&[started("2022-01-05"), started("2022-01-06")])
            .await;
        for sql in [
            "UPDATE enrolments SET counted = 1, reference = id",
            "UPDATE enrolments SET skill = 5, reference = 7 + id",
            "INSERT INTO history (at, who, kind, row, field, before, after) \
             SELECT 0, 'ann', 'enrolment', id, 'skill', 'design', 'software' FROM enrolments",
            "INSERT INTO ilr_rows (enrolment, ukprn, year) SELECT id, 99000001, 2018 FROM enrolments",
        ] {
            world.run(sql).await;
        }
        let learner: Vec<u8> = sqlx::query_scalar("SELECT learner FROM enrolments WHERE id = $1")
            .bind(ids[0])
            .fetch_one(&world.store.reader)
            .await
            .unwrap();
        let learner: Pseudonym = learner.try_into().unwrap();
        let mut tx = world.store.write().await.unwrap();
        let person = known(&mut tx, &[learner], &[]).await.unwrap();
        let rows = held(&mut tx, &person).await.unwrap();
        for holding in HOLDINGS {
            assert_eq!(rows[holding.table].len(), 1, "{}", holding.table);
        }
        let gone = erase(&mut tx, &person, "2022-02-01".parse().unwrap())
            .await
            .unwrap();
        assert_eq!((gone.learners, gone.enrolments, gone.numbers), (1, 1, 3));
        assert!(
            held(&mut tx, &person)
                .await
                .unwrap()
                .values()
                .all(Vec::is_empty)
        );
        // The other learner's are all there.
        for holding in HOLDINGS {
            let sql = format!("SELECT count(*) FROM {}", holding.table);
            let left: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
                .fetch_one(&mut *tx)
                .await
                .unwrap();
            assert_eq!(left, 1, "{}", holding.table);
        }
    }
}
