//! What a provider sees of the records: its own rows, with its own references. Every query names the provider's names.

use std::sync::Arc;

use jiff::civil::Date;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

use super::history::{self, Change, Kind};
use super::records::Pseudonym;
use super::records::merge::By;
use super::{Store, StoreError, date, day};

/// Rows of a statement.
const ROWS: usize = 1_000;
/// Rows of a list at most.
const LISTED: i64 = 2_000;

/// An enrolment as its provider sees it. It has no `Debug`: nothing about one learner belongs in a log.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) id: i64,
    pub(crate) version: i64,
    pub(crate) cohort: Option<i64>,
    pub(crate) programme: i64,
    /// The provider's own reference, where it came by the provider's pages.
    pub(crate) reference: Option<String>,
    pub(crate) aim: String,
    pub(crate) start: Option<Date>,
    pub(crate) planned_end: Option<Date>,
    pub(crate) end: Option<Date>,
    pub(crate) stage: u8,
    pub(crate) destinations: [Option<u8>; 3],
    pub(crate) confidence: Option<u8>,
    pub(crate) everyday: Option<u8>,
}

fn entry(row: &SqliteRow) -> Result<Entry, sqlx::Error> {
    let day = |column| Ok::<_, sqlx::Error>(row.try_get::<Option<i64>, _>(column)?.and_then(date));
    Ok(Entry {
        id: row.try_get("id")?,
        version: row.try_get("version")?,
        cohort: row.try_get("cohort")?,
        programme: row.try_get("programme")?,
        reference: row.try_get("own")?,
        aim: row.try_get("aim")?,
        start: day("start_day")?,
        planned_end: day("planned_end_day")?,
        end: day("end_day")?,
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

/// Which of a provider's enrolments.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Which {
    /// The one of this number.
    One(i64),
    /// Those that ended between these days and lack a destination.
    Unanswered(Date, Date),
}

/// What a list of a provider's enrolments is sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Sorted {
    #[default]
    Start,
    End,
    Stage,
    Reference,
}

/// Which of a provider's enrolments a list shows, and in which order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sought {
    /// Of this cohort alone.
    pub(crate) cohort: Option<i64>,
    /// At this stage alone.
    pub(crate) stage: Option<u8>,
    /// Part of the provider's own reference; empty: any.
    pub(crate) reference: String,
    pub(crate) by: Sorted,
    /// From the last to the first.
    pub(crate) down: bool,
    /// Rows to leave out at the beginning.
    pub(crate) from: i64,
    /// Rows at most.
    pub(crate) limit: i64,
}

impl Sought {
    fn narrow(&self, sql: &mut QueryBuilder<Sqlite>) {
        if let Some(cohort) = self.cohort {
            sql.push(" AND e.cohort = ").push_bind(cohort);
        }
        if let Some(stage) = self.stage {
            sql.push(" AND e.stage = ").push_bind(stage);
        }
        if !self.reference.is_empty() {
            sql.push(" AND instr(lower(r.reference), ")
                .push_bind(self.reference.to_lowercase())
                .push(") > 0");
        }
    }

    /// What is not stated comes last, whichever way.
    fn order(&self) -> String {
        let by = match self.by {
            Sorted::Start => "e.start_day",
            Sorted::End => "e.end_day",
            Sorted::Stage => "e.stage",
            Sorted::Reference => "r.reference COLLATE NOCASE",
        };
        let way = if self.down { " DESC" } else { "" };
        format!(" ORDER BY {by} IS NULL, {by}{way}, e.id")
    }
}

/// A provider's own figures. Exact, and its own: it is who sent them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Own {
    pub(crate) starts: i64,
    pub(crate) leavers: i64,
    pub(crate) completers: i64,
    pub(crate) achievers: i64,
    /// With a destination at 6 months.
    pub(crate) destinations: i64,
    /// Of these the positive ones.
    pub(crate) positive: i64,
    pub(crate) confidence: i64,
    pub(crate) rose: i64,
    pub(crate) everyday: i64,
    pub(crate) more: i64,
}

fn of(sql: &mut QueryBuilder<Sqlite>, names: &[String]) {
    sql.push("e.provider IN (");
    let mut list = sql.separated(", ");
    for name in names {
        list.push_bind(name.clone());
    }
    sql.push(")");
}

impl Store {
    /// Enrolments of the provider that files name `names`, its first name being `root`; by start.
    pub(crate) async fn delivered(
        &self,
        root: &str,
        names: &[String],
        which: Which,
    ) -> Result<Vec<Entry>, StoreError> {
        let mut sql = QueryBuilder::<Sqlite>::new(
            "SELECT e.*, r.reference AS own FROM enrolments AS e \
             LEFT JOIN provider_references AS r ON r.ident = e.reference AND r.organisation = ",
        );
        sql.push_bind(root).push(" WHERE ");
        of(&mut sql, names);
        match which {
            Which::One(id) => sql.push(" AND e.id = ").push_bind(id),
            Which::Unanswered(from, to) => sql
                .push(" AND (e.destination_3m IS NULL OR e.destination_6m IS NULL OR e.destination_12m IS NULL) AND e.end_day BETWEEN ")
                .push_bind(day(from))
                .push(" AND ")
                .push_bind(day(to)),
        };
        sql.push(" ORDER BY e.start_day, e.id LIMIT ")
            .push_bind(LISTED);
        let rows = sql.build().fetch_all(&self.reader).await?;
        Ok(rows.iter().map(entry).collect::<Result<_, _>>()?)
    }

    /// The enrolments of a provider that a list shows, and how many there are on all its pages together.
    pub(crate) async fn sought(
        &self,
        root: &str,
        names: &[String],
        sought: &Sought,
    ) -> Result<(Vec<Entry>, u64), StoreError> {
        let begin = |what: &str| {
            let mut sql = QueryBuilder::<Sqlite>::new("SELECT ");
            sql.push(what)
                .push(
                    " FROM enrolments AS e LEFT JOIN provider_references AS r ON r.ident = e.reference AND r.organisation = ",
                )
                .push_bind(root.to_owned())
                .push(" WHERE ");
            of(&mut sql, names);
            sought.narrow(&mut sql);
            sql
        };
        let mut reader = self.reader.begin().await?;
        let total: i64 = begin("count(*)")
            .build_query_scalar()
            .fetch_one(&mut *reader)
            .await?;
        let mut sql = begin("e.*, r.reference AS own");
        sql.push(sought.order())
            .push(" LIMIT ")
            .push_bind(sought.limit)
            .push(" OFFSET ")
            .push_bind(sought.from);
        let rows = sql.build().fetch_all(&mut *reader).await?;
        let entries = rows.iter().map(entry).collect::<Result<_, _>>()?;
        Ok((entries, total.unsigned_abs()))
    }

    /// A provider's own figures. `stages` are the positions of achieved, completed without achievement and withdrawn; `positive` is the
    /// number of destinations that are positive ones, the first of their list.
    pub(crate) async fn own_figures_of(
        &self,
        names: &[String],
        stages: [u8; 3],
        positive: u8,
    ) -> Result<Own, StoreError> {
        let [achieved, completed, withdrawn] = stages;
        let mut sql =
            QueryBuilder::<Sqlite>::new("SELECT count(*) AS starts, coalesce(sum(e.stage IN (");
        sql.push_bind(achieved)
            .push(", ")
            .push_bind(completed)
            .push(", ")
            .push_bind(withdrawn);
        sql.push(")), 0) AS leavers, coalesce(sum(e.stage IN (")
            .push_bind(achieved)
            .push(", ")
            .push_bind(completed);
        sql.push(")), 0) AS completers, coalesce(sum(e.stage = ")
            .push_bind(achieved);
        sql.push("), 0) AS achievers, count(e.destination_6m) AS destinations, coalesce(sum(e.destination_6m < ").push_bind(positive);
        sql.push(
            "), 0) AS positive, count(e.confidence) AS confidence, coalesce(sum(e.confidence = 2), 0) AS rose, \
             count(e.everyday) AS everyday, coalesce(sum(e.everyday = 2), 0) AS more FROM enrolments AS e WHERE ",
        );
        of(&mut sql, names);
        Ok(sql.build_query_as().fetch_one(&self.reader).await?)
    }
}

/// What an upload by a provider says besides its rows.
#[derive(Default)]
pub(crate) struct Brought {
    /// Keys of its rows.
    pub(crate) spells: Vec<Pseudonym>,
    /// Numbers of references with their texts.
    pub(crate) references: Vec<(i64, String)>,
}

/// Puts the enrolments that a provider brought into a cohort and says who employs them, where either is given.
pub(crate) async fn place(
    tx: &mut SqliteConnection,
    brought: &Brought,
    cohort: Option<i64>,
    employer: Option<i64>,
    by: &By,
) -> Result<(), StoreError> {
    if cohort.is_none() && employer.is_none() {
        return Ok(());
    }
    for spells in brought.spells.chunks(ROWS) {
        let mut sql = QueryBuilder::<Sqlite>::new(
            "SELECT id, cohort, employer FROM enrolments WHERE spell IN (",
        );
        let mut list = sql.separated(", ");
        for spell in spells {
            list.push_bind(spell.to_vec());
        }
        sql.push(")");
        let held: Vec<(i64, Option<i64>, Option<i64>)> =
            sql.build_query_as().fetch_all(&mut *tx).await?;
        let mut changes = Vec::new();
        for (id, was_in, was_of) in held {
            let (is_in, is_of) = (cohort.or(was_in), employer.or(was_of));
            if (was_in, was_of) == (is_in, is_of) {
                continue;
            }
            sqlx::query("UPDATE enrolments SET cohort = $1, employer = $2, version = version + 1 WHERE id = $3")
                .bind(is_in)
                .bind(is_of)
                .bind(id)
                .execute(&mut *tx)
                .await?;
            let change = |field, before: Option<i64>, after: Option<i64>| Change {
                row: id,
                field,
                before: before.map(|id| id.to_string()),
                after: after.map(|id| id.to_string()),
            };
            let both = [
                change("cohort", was_in, is_in),
                change("employer", was_of, is_of),
            ];
            changes.extend(
                both.into_iter()
                    .filter(|change| change.before != change.after),
            );
        }
        history::record(tx, by.at, &by.who, Kind::Enrolment, &changes).await?;
    }
    Ok(())
}

/// Keeps the references of a provider whose first name is `root`, of the enrolments that are there.
pub(crate) async fn remember(
    tx: &mut SqliteConnection,
    brought: &Brought,
    root: &Arc<str>,
) -> Result<(), StoreError> {
    for (ident, reference) in &brought.references {
        sqlx::query(
            "INSERT INTO provider_references (ident, organisation, reference) \
             SELECT $1, $2, $3 WHERE EXISTS (SELECT 1 FROM enrolments WHERE reference = $1) \
             ON CONFLICT (ident) DO UPDATE SET organisation = excluded.organisation, reference = excluded.reference",
        )
        .bind(ident)
        .bind(&**root)
        .bind(reference)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}
