//! Enrolments: written by an import's one transaction, counted for signed-in pages.

use std::collections::HashMap;

use jiff::civil::Date;
use ldsp_protocol::ids::Gss;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

use super::{Store, StoreError, date, day};

/// A keyed pseudonym: of a learner, or of an enrolment.
pub type Pseudonym = [u8; 16];

/// One enrolment as it is kept: no name, ULN, birth date or postcode. Codes are positions in the
/// standard's code lists. It has no `Debug`: nothing about one learner belongs in a log.
#[derive(Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the schema says it: see `enrolments`")]
pub struct Enrolment {
    pub spell: Pseudonym,
    pub learner: Pseudonym,
    pub provider: String,
    pub aim: String,
    pub programme: i64,
    pub district: Option<Gss>,
    pub in_area: bool,
    pub skill: u8,
    pub mode: u8,
    pub age: u8,
    pub sex: u8,
    pub ethnicity: u8,
    pub disability: u8,
    pub prior: u8,
    pub start: Date,
    pub planned_end: Option<Date>,
    pub end: Option<Date>,
    pub stage: u8,
    /// At 3, 6 and 12 months.
    pub destinations: [Option<u8>; 3],
    pub confidence: Option<u8>,
    pub everyday: Option<u8>,
}

/// What happened to the rows of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Upserted {
    pub(crate) added: u64,
    pub(crate) changed: u64,
    pub(crate) unchanged: u64,
}

/// Enrolments of one learner that may enter any family (disclosure.md, "Unit").
const PER_LEARNER: i64 = 2;

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
        provider: row.try_get("provider")?,
        aim: row.try_get("aim")?,
        programme: row.try_get("programme")?,
        district: row
            .try_get::<Option<String>, _>("district")?
            .and_then(|code| code.parse().ok()),
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
            .push_bind(e.provider.as_str())
            .push_bind(e.aim.as_str())
            .push_bind(e.programme)
            .push_bind(e.district.as_ref().map(Gss::as_str))
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

/// Exact counts. They may stand on a signed-in page, marked "exact: do not share", and nowhere
/// else: the type can be neither printed nor serialised.
pub struct Exact<T>(T);

impl<T> Exact<T> {
    /// The counts, for a page that only signed-in people of this node can open.
    #[must_use]
    pub fn for_signed_in_page(self) -> T {
        self.0
    }
}

/// What the node holds, counted.
#[derive(Clone, PartialEq, Eq)]
pub struct Held {
    /// Enrolments in the area: `[tier][stage]`, in the order of the standard's lists.
    pub tier_by_stage: Vec<Vec<u64>>,
    /// Different learners, those outside the area included.
    pub learners: u64,
    /// Enrolments of people who live outside the area.
    pub outside: u64,
    /// Enrolments in the area that count locally only: a learner's third and further ones.
    pub local_only: u64,
}

/// A programme with what is recorded for it, counted.
#[derive(Clone, PartialEq, Eq)]
pub struct ProgrammeHeld {
    /// The programme's code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its provider.
    pub provider: String,
    /// Places, where stated.
    pub capacity: Option<i64>,
    /// Enrolments, those of people outside the area included.
    pub enrolments: u64,
    /// Achieved.
    pub achieved: u64,
}

impl Store {
    /// Exact counts of what is held, `tiers` x `stages` as long as the standard's lists.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn exact_held(&self, tiers: usize, stages: usize) -> Result<Exact<Held>, StoreError> {
        let mut reader = self.reader.begin().await?;
        let cells: Vec<(i64, i64, i64)> = sqlx::query_as(
            "SELECT p.tier, e.stage, count(*) FROM enrolments e JOIN programmes p ON p.id = e.programme \
             WHERE e.in_area = 1 GROUP BY p.tier, e.stage",
        )
        .fetch_all(&mut *reader)
        .await?;
        let (learners, outside, local_only): (i64, i64, i64) = sqlx::query_as(
            "SELECT count(DISTINCT learner), coalesce(sum(in_area = 0), 0), \
             coalesce(sum(in_area = 1 AND enters = 0), 0) FROM enrolments",
        )
        .fetch_one(&mut *reader)
        .await?;
        let count = |n: i64| u64::try_from(n).unwrap_or(0);
        let mut tier_by_stage = vec![vec![0; stages]; tiers];
        for (tier, stage, n) in cells {
            let place = |at: i64| usize::try_from(at).unwrap_or(usize::MAX);
            let cell = tier_by_stage
                .get_mut(place(tier))
                .and_then(|row| row.get_mut(place(stage)));
            *cell.ok_or_else(|| StoreError::Corrupt {
                table: "enrolments",
                column: "stage",
                row: "(a group)".to_owned(),
            })? = count(n);
        }
        Ok(Exact(Held {
            tier_by_stage,
            learners: count(learners),
            outside: count(outside),
            local_only: count(local_only),
        }))
    }

    /// Exact counts per programme, by code. `achieved` is that stage's position in the standard.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn exact_programmes(
        &self,
        achieved: usize,
    ) -> Result<Exact<Vec<ProgrammeHeld>>, StoreError> {
        type Row = (String, String, String, Option<i64>, i64, i64);
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT p.code, p.name, p.provider, p.capacity, count(e.id), coalesce(sum(e.stage = $1), 0) \
             FROM programmes p LEFT JOIN enrolments e ON e.programme = p.id GROUP BY p.id ORDER BY p.code",
        )
        .bind(i64::try_from(achieved).unwrap_or(-1))
        .fetch_all(&self.reader)
        .await?;
        let count = |n: i64| u64::try_from(n).unwrap_or(0);
        let held =
            rows.into_iter().map(
                |(code, name, provider, capacity, all, achieved)| ProgrammeHeld {
                    code,
                    name,
                    provider,
                    capacity,
                    enrolments: count(all),
                    achieved: count(achieved),
                },
            );
        Ok(Exact(held.collect()))
    }
}
