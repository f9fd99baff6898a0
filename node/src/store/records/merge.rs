//! Enrolments into a store that holds some: each is compared with what is held.

use std::collections::HashMap;

use jiff::civil::Date;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

use super::{Enrolment, PER_LEARNER, Pseudonym};
use crate::store::{StoreError, date, day};

/// What happened to the rows of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Upserted {
    pub(crate) added: u64,
    pub(crate) changed: u64,
    pub(crate) unchanged: u64,
}

fn read(row: &SqliteRow) -> Result<Enrolment, sqlx::Error> {
    let blob = |column: &str| -> Result<Pseudonym, sqlx::Error> {
        let bytes: Vec<u8> = row.try_get(column)?;
        bytes.try_into().map_err(|_| sqlx::Error::ColumnDecode {
            index: column.to_owned(),
            source: "not 16 bytes".into(),
        })
    };
    let optional = |column: &str| -> Result<Option<Date>, sqlx::Error> {
        Ok(row.try_get::<Option<i64>, _>(column)?.and_then(date))
    };
    Ok(Enrolment {
        spell: blob("spell")?,
        learner: blob("learner")?,
        provider: row.try_get::<&str, _>("provider")?.into(),
        aim: row.try_get::<&str, _>("aim")?.into(),
        programme: row.try_get("programme")?,
        district: row.try_get::<Option<&str>, _>("district")?.map(Into::into),
        in_area: row.try_get("in_area")?,
        skill: row.try_get("skill")?,
        mode: row.try_get("mode")?,
        age: row.try_get("age")?,
        sex: row.try_get("sex")?,
        ethnicity: row.try_get("ethnicity")?,
        disability: row.try_get("disability")?,
        prior: row.try_get("prior")?,
        start: optional("start_day")?.unwrap_or_default(),
        planned_end: optional("planned_end_day")?,
        end: optional("end_day")?,
        stage: row.try_get("stage")?,
        destinations: [
            row.try_get("destination_3m")?,
            row.try_get("destination_6m")?,
            row.try_get("destination_12m")?,
        ],
        confidence: row.try_get("confidence")?,
        everyday: row.try_get("everyday")?,
    })
}

fn list<'a>(sql: &mut QueryBuilder<Sqlite>, ids: impl Iterator<Item = &'a Pseudonym>) {
    let mut list = sql.separated(", ");
    for id in ids {
        list.push_bind(id.to_vec());
    }
    sql.push(")");
}

/// Makes the list of enrolments that this file has named so far. It lives in SQLite's temporary
/// file, so a file of any length takes the same memory, and it goes with the transaction.
pub(crate) async fn begin_seen(tx: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::raw_sql(
        "DROP TABLE IF EXISTS temp.seen; \
         CREATE TEMP TABLE seen (spell BLOB PRIMARY KEY, line INTEGER NOT NULL) WITHOUT ROWID",
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Drops the list again.
pub(crate) async fn end_seen(tx: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::raw_sql("DROP TABLE temp.seen").execute(tx).await?;
    Ok(())
}

/// For each enrolment of a batch with its line: the earlier line of this file that named it, if any.
pub(crate) async fn note_seen(
    tx: &mut SqliteConnection,
    batch: &[(Pseudonym, u64)],
) -> Result<Vec<Option<u64>>, StoreError> {
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = QueryBuilder::<Sqlite>::new("SELECT spell, line FROM temp.seen WHERE spell IN (");
    list(&mut sql, batch.iter().map(|(spell, _)| spell));
    let rows: Vec<(Vec<u8>, i64)> = sql.build_query_as().fetch_all(&mut *tx).await?;
    let mut known: HashMap<Vec<u8>, u64> = rows
        .into_iter()
        .map(|(spell, line)| (spell, u64::try_from(line).unwrap_or(0)))
        .collect();
    let mut earlier = Vec::with_capacity(batch.len());
    let mut fresh = Vec::with_capacity(batch.len());
    for (spell, line) in batch {
        let before = known.get(&spell[..]).copied();
        if before.is_none() {
            known.insert(spell.to_vec(), *line);
            fresh.push((spell, *line));
        }
        earlier.push(before);
    }
    if !fresh.is_empty() {
        let mut sql = QueryBuilder::<Sqlite>::new("INSERT INTO temp.seen (spell, line) ");
        sql.push_values(fresh, |mut row, (spell, line)| {
            row.push_bind(spell.to_vec())
                .push_bind(i64::try_from(line).unwrap_or(i64::MAX));
        });
        sql.build().execute(tx).await?;
    }
    Ok(earlier)
}

/// Compares a batch with what is held and, when `write`, stores what is new or different.
///
/// `enters` is 1 for each of the learner's first two enrolments in the area, in the order in which the
/// node learnt of them. A correction (a district, a ULN that was issued later) decides it again as long as nothing of
/// the enrolment was counted; then it stays. `counted` is not touched here.
pub(crate) async fn upsert(
    tx: &mut SqliteConnection,
    batch: &[Enrolment],
    write: bool,
) -> Result<Upserted, StoreError> {
    let mut done = Upserted::default();
    if batch.is_empty() {
        return Ok(done);
    }
    let mut sql = QueryBuilder::<Sqlite>::new("SELECT * FROM enrolments WHERE spell IN (");
    list(&mut sql, batch.iter().map(|e| &e.spell));
    let rows = sql.build().fetch_all(&mut *tx).await?;
    let mut held = HashMap::with_capacity(rows.len());
    for row in &rows {
        let enrolment = read(row)?;
        let counted: i64 = row.try_get("counted")?;
        held.insert(enrolment.spell, (enrolment, counted != 0));
    }
    let mut stored = Vec::with_capacity(batch.len());
    for enrolment in batch {
        match held.get(&enrolment.spell) {
            Some((before, _)) if before == enrolment => done.unchanged += 1,
            Some((_, counted)) => {
                done.changed += 1;
                stored.push((enrolment, !counted));
            }
            None => {
                done.added += 1;
                stored.push((enrolment, true));
            }
        }
    }
    if write && !stored.is_empty() {
        let entering = entering(tx, &stored).await?;
        put(tx, &stored, &entering).await?;
    }
    Ok(done)
}

/// `enters` of each row; meaningless for rows whose flag says that it is not open any more.
async fn entering(
    tx: &mut SqliteConnection,
    rows: &[(&Enrolment, bool)],
) -> Result<Vec<bool>, StoreError> {
    let candidates = || rows.iter().filter(|(e, open)| *open && e.in_area);
    let mut entered: HashMap<Vec<u8>, i64> = HashMap::new();
    if candidates().next().is_some() {
        let mut sql = QueryBuilder::<Sqlite>::new(
            "SELECT learner, count(*) FROM enrolments WHERE enters = 1 AND learner IN (",
        );
        list(&mut sql, candidates().map(|(e, _)| &e.learner));
        // Those that are decided again must not stand in their own way.
        sql.push(" AND spell NOT IN (");
        list(
            &mut sql,
            rows.iter().filter(|(_, open)| *open).map(|(e, _)| &e.spell),
        );
        sql.push(" GROUP BY learner");
        let counts: Vec<(Vec<u8>, i64)> = sql.build_query_as().fetch_all(tx).await?;
        entered.extend(counts);
    }
    Ok(rows
        .iter()
        .map(|(e, open)| {
            if !*open || !e.in_area {
                return false;
            }
            let count = entered.entry(e.learner.to_vec()).or_default();
            *count += 1;
            *count <= PER_LEARNER
        })
        .collect())
}

async fn put(
    tx: &mut SqliteConnection,
    rows: &[(&Enrolment, bool)],
    entering: &[bool],
) -> Result<(), StoreError> {
    let mut sql = QueryBuilder::<Sqlite>::new(
        "INSERT INTO enrolments (spell, learner, provider, aim, programme, district, in_area, enters, \
         skill, mode, age, sex, ethnicity, disability, prior, start_day, planned_end_day, end_day, stage, \
         destination_3m, destination_6m, destination_12m, confidence, everyday) ",
    );
    sql.push_values(rows.iter().zip(entering), |mut row, ((e, _), enters)| {
        row.push_bind(e.spell.to_vec())
            .push_bind(e.learner.to_vec())
            .push_bind(e.provider.clone())
            .push_bind(e.aim.clone())
            .push_bind(e.programme)
            .push_bind(e.district.clone())
            .push_bind(e.in_area)
            .push_bind(*enters)
            .push_bind(e.skill)
            .push_bind(e.mode)
            .push_bind(e.age)
            .push_bind(e.sex)
            .push_bind(e.ethnicity)
            .push_bind(e.disability)
            .push_bind(e.prior)
            .push_bind(day(e.start))
            .push_bind(e.planned_end.map(day))
            .push_bind(e.end.map(day))
            .push_bind(e.stage)
            .push_bind(e.destinations[0])
            .push_bind(e.destinations[1])
            .push_bind(e.destinations[2])
            .push_bind(e.confidence)
            .push_bind(e.everyday);
    });
    // Not: spell (identity), counted (what has been published), nor enters once something was counted.
    sql.push(
        " ON CONFLICT (spell) DO UPDATE SET learner = excluded.learner, \
         enters = CASE WHEN counted = 0 THEN excluded.enters ELSE enters END, provider = excluded.provider, aim = excluded.aim, \
         programme = excluded.programme, district = excluded.district, in_area = excluded.in_area, \
         skill = excluded.skill, mode = excluded.mode, age = excluded.age, sex = excluded.sex, \
         ethnicity = excluded.ethnicity, disability = excluded.disability, prior = excluded.prior, \
         start_day = excluded.start_day, planned_end_day = excluded.planned_end_day, \
         end_day = excluded.end_day, stage = excluded.stage, destination_3m = excluded.destination_3m, \
         destination_6m = excluded.destination_6m, destination_12m = excluded.destination_12m, \
         confidence = excluded.confidence, everyday = excluded.everyday",
    );
    sql.build().execute(tx).await?;
    Ok(())
}
