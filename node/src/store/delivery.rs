//! What a provider sees of the records: its own rows, with its own references. Every query names the provider's names.

use std::collections::HashSet;
use std::ops::Range;

use jiff::Span;
use jiff::civil::Date;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, QueryBuilder, Row as _, Sqlite, SqliteConnection};

use super::history::{self, Change, Kind};
use super::records::merge::{By, Line, Refused};
use super::records::own::Placed;
use super::records::{Begun, Pseudonym};
use super::{Store, StoreError, date, day, providers};

/// Rows of a statement.
const ROWS: usize = 1_000;

/// The number of an enrolment. It has no `Display`: it counts those of all providers, so no address or text of one may hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Number(pub(crate) i64);

/// An enrolment as its provider sees it. It has no `Debug`: nothing about one learner belongs in a log.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) id: Number,
    pub(crate) version: i64,
    pub(crate) cohort: Option<i64>,
    pub(crate) programme: i64,
    /// The provider's own reference, where a file or a form had one that may be kept.
    pub(crate) reference: Option<String>,
    pub(crate) aim: String,
    pub(crate) start: Option<Date>,
    pub(crate) planned_end: Option<Date>,
    pub(crate) end: Option<Date>,
    pub(crate) stage: u8,
    pub(crate) destinations: [Option<u8>; 3],
    pub(crate) confidence: Option<u8>,
    pub(crate) everyday: Option<u8>,
    /// What was answered at the start, while nothing is known of the follow-up.
    pub(crate) begun: Begun,
    pub(crate) employer: Option<i64>,
}

fn entry(row: &SqliteRow) -> Result<Entry, sqlx::Error> {
    let day = |column| Ok::<_, sqlx::Error>(row.try_get::<Option<i64>, _>(column)?.and_then(date));
    Ok(Entry {
        id: Number(row.try_get("id")?),
        version: row.try_get("version")?,
        cohort: row.try_get("cohort")?,
        programme: row.try_get("programme")?,
        reference: row.try_get("own_reference")?,
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
        begun: Begun {
            confidence: row.try_get("confidence_before")?,
            everyday: row.try_get("everyday_before")?,
        },
        employer: row.try_get("employer")?,
    })
}

/// In which cohort the enrolments of a list are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Within {
    #[default]
    Anywhere,
    /// In this one.
    Cohort(i64),
    /// In none, as what a file brought that says nothing of cohorts.
    None,
}

/// What a list of a provider's enrolments is sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Sorted {
    #[default]
    Start,
    End,
    Stage,
    Reference,
    /// The order in which they were recorded, behind the enrolment of this number; 0: from the first.
    Number {
        after: i64,
    },
}

/// Which of a provider's enrolments a list shows, and in which order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sought {
    pub(crate) within: Within,
    /// At this stage alone.
    pub(crate) stage: Option<u8>,
    /// Part of the provider's own reference; empty: any.
    pub(crate) reference: String,
    /// What else holds of the rows, as SQL over a row `e` without anything that a person typed.
    pub(crate) condition: Option<String>,
    /// The number of the reference that was typed whole: it also finds one that is not shown.
    pub(crate) ident: Option<i64>,
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
        match self.within {
            Within::Anywhere => {}
            Within::Cohort(cohort) => {
                sql.push(" AND e.cohort = ").push_bind(cohort);
            }
            Within::None => {
                sql.push(" AND e.cohort IS NULL");
            }
        }
        if let Some(stage) = self.stage {
            sql.push(" AND e.stage = ").push_bind(stage);
        }
        if let Some(condition) = &self.condition {
            sql.push(" AND (").push(condition).push(")");
        }
        if let Sorted::Number { after } = self.by {
            sql.push(" AND e.id > ").push_bind(after);
        }
        if !self.reference.is_empty() {
            sql.push(" AND (instr(lower(e.own_reference), ")
                .push_bind(self.reference.to_lowercase())
                .push(") > 0 OR e.reference = ")
                .push_bind(self.ident)
                .push(")");
        }
    }

    /// What is not stated comes last, whichever way.
    fn order(&self) -> String {
        let by = match self.by {
            Sorted::Start => "e.start_day",
            Sorted::End => "e.end_day",
            Sorted::Stage => "e.stage",
            Sorted::Reference => "e.own_reference COLLATE NOCASE",
            Sorted::Number { .. } => return " ORDER BY e.id".to_owned(),
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

/// Whose enrolments: those that stand, under one of these names.
fn of(sql: &mut QueryBuilder<Sqlite>, names: &[String]) {
    sql.push("e.removed_day IS NULL AND e.provider IN (");
    listed(sql, names);
}

/// The same where a cohort, an employer or a number says more than the provider does: the plus leaves its index out.
fn among(sql: &mut QueryBuilder<Sqlite>, names: &[String]) {
    sql.push("e.removed_day IS NULL AND +e.provider IN (");
    listed(sql, names);
}

/// Begins a statement that gives few of the enrolments of a provider, with its own references.
fn few(names: &[String]) -> QueryBuilder<Sqlite> {
    let mut sql = QueryBuilder::new("SELECT e.* FROM enrolments AS e WHERE ");
    among(&mut sql, names);
    sql
}

fn listed(sql: &mut QueryBuilder<Sqlite>, names: &[String]) {
    let mut list = sql.separated(", ");
    for name in names {
        list.push_bind(name.clone());
    }
    sql.push(")");
}

impl Store {
    /// The enrolment of this number, of the provider that files name `names`; another's is none.
    pub(crate) async fn one_of(
        &self,
        names: &[String],
        id: Number,
    ) -> Result<Option<Entry>, StoreError> {
        let mut sql = few(names);
        sql.push(" AND e.id = ").push_bind(id.0);
        let row = sql.build().fetch_optional(&self.reader).await?;
        Ok(row.as_ref().map(entry).transpose()?)
    }

    /// The enrolments of a provider under one of its references, by the reference's own number.
    pub(crate) async fn under(
        &self,
        names: &[String],
        reference: i64,
    ) -> Result<Vec<Entry>, StoreError> {
        let mut sql = few(names);
        sql.push(" AND e.reference = ").push_bind(reference);
        sql.push(" ORDER BY e.start_day, e.id");
        let rows = sql.build().fetch_all(&self.reader).await?;
        Ok(rows.iter().map(entry).collect::<Result<_, _>>()?)
    }

    /// The employers that the cohorts of an organisation and the enrolments under its names name.
    pub(crate) async fn employers_of(
        &self,
        organisation: i64,
        names: &[String],
    ) -> Result<Vec<i64>, StoreError> {
        let mut sql = QueryBuilder::<Sqlite>::new(
            "SELECT employer FROM cohorts WHERE employer IS NOT NULL AND organisation = ",
        );
        sql.push_bind(organisation).push(
            " UNION SELECT e.employer FROM enrolments AS e WHERE e.employer IS NOT NULL AND ",
        );
        among(&mut sql, names);
        Ok(sql.build_query_scalar().fetch_all(&self.reader).await?)
    }

    /// The enrolments of a provider that a list shows, and how many there are on all its pages together.
    pub(crate) async fn sought(
        &self,
        names: &[String],
        sought: &Sought,
    ) -> Result<(Vec<Entry>, u64), StoreError> {
        let begin = |what: &str| {
            let mut sql = QueryBuilder::<Sqlite>::new("SELECT ");
            sql.push(what).push(" FROM enrolments AS e WHERE ");
            match sought.within {
                Within::Cohort(_) => among(&mut sql, names),
                _ => of(&mut sql, names),
            }
            sought.narrow(&mut sql);
            sql
        };
        let mut reader = self.reader.begin().await?;
        let total: i64 = begin("count(*)")
            .build_query_scalar()
            .fetch_one(&mut *reader)
            .await?;
        let mut sql = begin("e.*");
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
        let count = self.count_own(names, stages, positive);
        let own = self.counts.get(|all| &all.own, names.to_vec(), count);
        own.await
    }

    async fn count_own(
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

/// Months after the end at which a learner is asked.
pub(crate) const AFTER: [i64; 3] = [3, 6, 12];
/// Days by which the length of months may differ from their number.
const ROUGHLY: i64 = 4;

/// Which questions about what became of a learner.
pub(crate) struct Asking<'a> {
    /// The provider's names.
    pub(crate) names: &'a [String],
    /// Stages of those who left, as positions.
    pub(crate) left: Vec<u8>,
    /// The first and the last day on which they are due, part by part; no day is in two.
    pub(crate) parts: &'a [(Date, Date)],
}

/// A question that is due.
#[derive(Clone)]
pub(crate) struct Due {
    pub(crate) entry: Entry,
    /// Place in [`AFTER`].
    pub(crate) question: usize,
    /// When it can be asked from.
    pub(crate) on: Date,
}

/// Questions that are due in a span of days.
#[derive(Clone, Default)]
pub(crate) struct Part {
    /// How many there are.
    pub(crate) all: u64,
    /// Those that were asked for, the earliest first.
    pub(crate) rows: Vec<Due>,
}

/// How many questions have no answer yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Unasked {
    pub(crate) questions: i64,
    pub(crate) enrolments: i64,
}

impl Asking<'_> {
    /// Begins a statement with the table `due` of the questions of all parts: enrolment, place in [`AFTER`], day, part.
    fn begin(&self) -> QueryBuilder<Sqlite> {
        let from = self.parts.iter().map(|(from, _)| *from).min();
        let to = self.parts.iter().map(|(_, to)| *to).max();
        // Without parts no day is looked at.
        let (from, to) = from.zip(to).unwrap_or((Date::MAX, Date::MIN));
        let mut sql = QueryBuilder::new("WITH open AS (");
        for (question, months) in AFTER.into_iter().enumerate() {
            let union = if question > 0 { " UNION ALL " } else { "" };
            // As the import reckons it: the last day of a shorter month counts as the month's end, which is `floor`. The index on the last
            // day narrows what has to be reckoned.
            sql.push(format!(
                "{union}SELECT e.id, {question} AS question, \
                 unixepoch(e.end_day * 86400, 'unixepoch', '+{months} months', 'floor') / 86400 AS on_day \
                 FROM enrolments AS e WHERE "
            ));
            of(&mut sql, self.names);
            sql.push(format!(
                " AND e.destination_{months}m IS NULL AND e.stage IN ("
            ));
            let mut list = sql.separated(", ");
            for stage in &self.left {
                list.push_bind(*stage);
            }
            let after = Span::new().months(months);
            let (from, to) = (from.saturating_sub(after), to.saturating_sub(after));
            sql.push(") AND e.end_day BETWEEN ")
                .push_bind(day(from) - ROUGHLY)
                .push(" AND ")
                .push_bind(day(to) + ROUGHLY);
        }
        sql.push("), due AS (SELECT id, question, on_day, CASE");
        for (part, (from, to)) in (0_i64..).zip(self.parts) {
            sql.push(" WHEN on_day BETWEEN ")
                .push_bind(day(*from))
                .push(" AND ")
                .push_bind(day(*to))
                .push(" THEN ")
                .push_bind(part);
        }
        sql.push(" WHEN 0 THEN 0 END AS part FROM open) ");
        sql
    }
}

impl Store {
    /// The questions, part by part, in one pass: of each how many there are and those at these places, the earliest first.
    pub(crate) async fn due(
        &self,
        asking: &Asking<'_>,
        rows: Range<u64>,
    ) -> Result<Vec<Part>, StoreError> {
        let mut sql = asking.begin();
        sql.push(
            ", placed AS (SELECT id, question, on_day, part, \
             row_number() OVER (PARTITION BY part ORDER BY on_day, id, question) AS place, count(*) OVER (PARTITION BY part) AS total \
             FROM due WHERE part IS NOT NULL) \
             SELECT e.*, p.question, p.on_day, p.part, p.place, p.total FROM placed AS p JOIN enrolments AS e ON e.id = p.id",
        );
        let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        // The first one of a part says how many there are, also where none of the rows is asked for.
        sql.push(" WHERE p.place = 1 OR (p.place > ")
            .push_bind(number(rows.start))
            .push(" AND p.place <= ")
            .push_bind(number(rows.end))
            .push(") ORDER BY p.part, p.place");
        let found = sql.build().fetch_all(&self.reader).await?;
        let mut parts = vec![Part::default(); asking.parts.len()];
        for row in &found {
            let part: i64 = row.try_get("part")?;
            let part = usize::try_from(part).ok().and_then(|at| parts.get_mut(at));
            let (total, place): (i64, i64) = (row.try_get("total")?, row.try_get("place")?);
            let (question, on): (i64, i64) = (row.try_get("question")?, row.try_get("on_day")?);
            let Some(((part, on), question)) =
                part.zip(date(on)).zip(usize::try_from(question).ok())
            else {
                continue;
            };
            part.all = total.unsigned_abs();
            if rows.contains(&(place - 1).unsigned_abs()) {
                let entry = entry(row)?;
                part.rows.push(Due {
                    entry,
                    question,
                    on,
                });
            }
        }
        Ok(parts)
    }

    /// How many there are.
    pub(crate) async fn count_due(&self, asking: &Asking<'_>) -> Result<Unasked, StoreError> {
        let mut sql = asking.begin();
        sql.push("SELECT count(*) AS questions, count(DISTINCT id) AS enrolments FROM due WHERE part IS NOT NULL");
        Ok(sql.build_query_as().fetch_one(&self.reader).await?)
    }
}

/// The programmes that a provider may name: those that name it and those of its own cohorts; with `held`, also those that its records are of.
/// Another's code is none to it, whether there is one or not.
pub(crate) async fn open_to(
    connection: &mut SqliteConnection,
    organisation: i64,
    root: &str,
    held: bool,
) -> Result<HashSet<i64>, StoreError> {
    let roots = providers::roots(&mut *connection).await?;
    let named: Vec<(i64, String)> = sqlx::query_as("SELECT id, provider FROM programmes")
        .fetch_all(&mut *connection)
        .await?;
    let named = named
        .into_iter()
        .filter(|(_, name)| *roots.of(name) == *root);
    let mut open: HashSet<i64> = named.map(|(id, _)| id).collect();
    let run: Vec<i64> = sqlx::query_scalar("SELECT programme FROM cohorts WHERE organisation = $1")
        .bind(organisation)
        .fetch_all(&mut *connection)
        .await?;
    open.extend(run);
    if held {
        let names: Vec<String> = sqlx::query_scalar("SELECT name FROM providers")
            .fetch_all(&mut *connection)
            .await?;
        let names: Vec<String> = names
            .into_iter()
            .filter(|name| *roots.of(name) == *root)
            .collect();
        let mut sql =
            QueryBuilder::<Sqlite>::new("SELECT DISTINCT e.programme FROM enrolments AS e WHERE ");
        of(&mut sql, &names);
        let held: Vec<i64> = sql.build_query_scalar().fetch_all(connection).await?;
        open.extend(held);
    }
    Ok(open)
}

/// The keys of a batch of a provider's rows, by line.
pub(crate) struct Brought(Vec<(u64, Pseudonym)>);

impl Brought {
    /// Of rows before they are taken.
    pub(crate) fn of(rows: &[Line]) -> Self {
        Self(rows.iter().map(|(line, e)| (*line, e.spell)).collect())
    }

    /// Leaves out rows that were not taken.
    pub(crate) fn leave_out(&mut self, refused: &[Refused]) {
        self.0
            .retain(|(line, _)| !refused.iter().any(|refused| refused.line == *line));
    }
}

/// Makes the list of what a provider's file brings. As the lists of what a file has named it lives in SQLite's temporary file, so a file of any
/// length takes the same memory.
pub(crate) async fn begin(tx: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::raw_sql(
        "DROP TABLE IF EXISTS temp.brought; CREATE TEMP TABLE brought (spell BLOB PRIMARY KEY) WITHOUT ROWID",
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Drops the list again.
pub(crate) async fn end(tx: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::raw_sql("DROP TABLE temp.brought").execute(tx).await?;
    Ok(())
}

/// Adds a batch to the list.
pub(crate) async fn note(tx: &mut SqliteConnection, brought: Brought) -> Result<(), StoreError> {
    for rows in brought.0.chunks(ROWS) {
        let mut sql = QueryBuilder::<Sqlite>::new("INSERT INTO temp.brought (spell) ");
        sql.push_values(rows, |mut row, (_, spell)| {
            row.push_bind(spell.to_vec());
        });
        sql.push(" ON CONFLICT DO NOTHING");
        sql.build().execute(&mut *tx).await?;
    }
    Ok(())
}

/// Puts the enrolments that a provider brought into a cohort and says who employs them, where either is given.
pub(crate) async fn place(
    tx: &mut SqliteConnection,
    cohort: Option<i64>,
    employer: Option<i64>,
    by: &By,
) -> Result<(), StoreError> {
    for (field, value) in [("cohort", cohort), ("employer", employer)] {
        let Some(value) = value else { continue };
        let sql = format!(
            "INSERT INTO history (at, who, kind, row, field, before, after) \
             SELECT $1, $2, $3, e.id, $4, CAST(e.{field} AS TEXT), CAST($5 AS TEXT) \
             FROM temp.brought AS b CROSS JOIN enrolments AS e ON e.spell = b.spell WHERE e.{field} IS NOT $5 ORDER BY e.id"
        );
        sqlx::query(AssertSqlSafe(sql))
            .bind(by.at.as_second())
            .bind(&by.who)
            .bind(Kind::Enrolment.as_str())
            .bind(field)
            .bind(value)
            .execute(&mut *tx)
            .await?;
    }
    sqlx::query(
        "UPDATE enrolments SET cohort = coalesce($1, cohort), employer = coalesce($2, employer), version = version + 1 \
         WHERE spell IN (SELECT spell FROM temp.brought) \
         AND (cohort IS NOT coalesce($1, cohort) OR employer IS NOT coalesce($2, employer))",
    )
    .bind(cohort)
    .bind(employer)
    .execute(tx)
    .await?;
    Ok(())
}

/// Puts one enrolment into a cohort, or out of any, and says who employs its learner. `from`: where it stands.
pub(crate) async fn place_one(
    tx: &mut SqliteConnection,
    id: i64,
    (from, (cohort, employer)): (&Placed, (Option<i64>, Option<i64>)),
    by: &By,
) -> Result<(), StoreError> {
    if (from.cohort, from.employer) == (cohort, employer) {
        return Ok(());
    }
    sqlx::query(
        "UPDATE enrolments SET cohort = $1, employer = $2, version = version + 1 WHERE id = $3",
    )
    .bind(cohort)
    .bind(employer)
    .bind(id)
    .execute(&mut *tx)
    .await?;
    let said = |id: Option<i64>| id.map(|id| id.to_string());
    let fields = [
        ("cohort", from.cohort, cohort),
        ("employer", from.employer, employer),
    ];
    let changed = fields.into_iter().filter(|(_, was, is)| was != is);
    let changes: Vec<Change> = changed
        .map(|(field, was, is)| Change {
            row: id,
            field,
            before: said(was),
            after: said(is),
        })
        .collect();
    history::record(tx, by.at, &by.who, Kind::Enrolment, &changes).await
}

/// Marks the enrolments that came with what a provider brought, after row `last`: it may take them back.
pub(crate) async fn mark(tx: &mut SqliteConnection, last: i64) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE enrolments SET brought = 1 WHERE id > $1 AND spell IN (SELECT spell FROM temp.brought)",
    )
    .bind(last)
    .execute(tx)
    .await?;
    Ok(())
}
