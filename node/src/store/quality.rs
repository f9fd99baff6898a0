//! Quality: what enrolments amount to, counted in one pass; local settings of rules; questions to providers; verdicts of releases.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use jiff::Timestamp;
use ldsp_protocol::ids::Period;
use ldsp_protocol::standard::{Dimension, Standard};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{FromRow, Row as _};

use super::{StoreError, moment, providers};
use crate::quality::{Measured, Set, Settings, Severity, Verdict};

fn corrupt(table: &'static str, column: &'static str, row: impl ToString) -> StoreError {
    StoreError::Corrupt {
        table,
        column,
        row: row.to_string(),
    }
}

/// How rules are set here.
pub(crate) async fn settings(connection: &mut SqliteConnection) -> Result<Settings, StoreError> {
    let rows: Vec<(String, String, Option<u32>, u32)> =
        sqlx::query_as("SELECT rule, severity, threshold, version FROM quality_rules")
            .fetch_all(connection)
            .await?;
    let mut all = Vec::with_capacity(rows.len());
    for (rule, severity, threshold, version) in rows {
        let severity = Severity::named(&severity)
            .ok_or_else(|| corrupt("quality_rules", "severity", &rule))?;
        let set = Set {
            severity,
            threshold,
            version,
        };
        all.push((rule, set));
    }
    Ok(Settings::new(all))
}

/// Writes how a rule is set.
pub(crate) async fn set(tx: &mut SqliteConnection, rule: &str, set: Set) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO quality_rules (rule, severity, threshold, version) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (rule) DO UPDATE SET severity = $2, threshold = $3, version = $4",
    )
    .bind(rule)
    .bind(set.severity.as_str())
    .bind(set.threshold)
    .bind(set.version)
    .execute(tx)
    .await?;
    Ok(())
}

/// Half a year, in days: when the destination at six months is due.
const HALF_YEAR: i64 = 183;

/// One pass over the enrolments, in the order in which they lie: the plus keeps it from going by the index of providers, which would read every
/// row from somewhere else. `left` are those stages that end an enrolment.
const MEASURE: &str = "
WITH e AS (
  SELECT *, stage IN ($2, $3, $4) AS has_left, (stage IN ($2, $3, $4) AND end_day <= $5 - $6) AS due FROM enrolments
  WHERE removed_day IS NULL
)
SELECT e.provider, p.code AS programme, p.capacity, count(*) AS enrolments,
  sum(e.stage = $1) AS open, sum(e.has_left) AS left_, sum(e.due) AS due_,
  max(max(e.start_day, coalesce(e.end_day, e.start_day))) AS newest,
  sum(e.start_day >= $7 AND e.start_day < $8) AS starts_last, sum(e.start_day >= $9 AND e.start_day < $7) AS starts_before,
  sum(e.district IS NOT NULL) AS area, sum(e.age != $10) AS age, sum(e.sex != $11) AS sex, sum(e.ethnicity != $12) AS ethnicity,
  sum(e.disability != $13) AS disability, sum(e.prior != $14) AS prior,
  sum(e.due AND e.destination_6m IS NOT NULL) AS destinations,
  sum(e.has_left AND e.confidence IS NOT NULL) AS confidence, sum(e.has_left AND e.everyday IS NOT NULL) AS everyday,
  sum(e.stage = $1 AND coalesce(e.planned_end_day < $5 - $15, 0)) AS overdue,
  sum(e.due AND e.destination_6m IS NULL AND e.end_day < $5 - $6 - $16) AS late,
  sum(e.stage = $2 AND coalesce(e.end_day = e.start_day, 0)) AS same_day,
  sum(coalesce(coalesce(e.end_day, e.planned_end_day) - e.start_day > $17, 0)) AS long_,
  sum(coalesce(e.start_day < p.start_day, 0) OR coalesce(e.start_day > p.end_day, 0)) AS outside
FROM e JOIN programmes AS p ON p.id = e.programme
GROUP BY +e.provider, p.id ORDER BY e.provider, p.code";

/// Which enrolments the rule of this code is about, as SQL over a row `e`: of what [`MEASURE`] counts, or of what a person has to look through to
/// mend it. Numbers alone stand in it.
pub(crate) fn rows_of(
    rule: &str,
    settings: &Settings,
    today: i64,
    [_, last, present]: [i64; 3],
) -> Option<String> {
    let standard = Standard::current();
    let code = |found: Option<usize>| found.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1);
    let stage = |id| code(standard.parse_stage(id));
    let unknown = |dimension| code(standard.parse_code(dimension, "not-stated"));
    let (open, achieved) = (stage("in-progress"), stage("achieved"));
    let others = ["completed-without-achievement", "withdrawn"].map(stage);
    let left = format!("e.stage IN ({achieved}, {}, {})", others[0], others[1]);
    let threshold = i64::from(settings.threshold(rule));
    Some(match rule {
        "outside-programme" => "EXISTS (SELECT 1 FROM programmes AS p WHERE p.id = e.programme \
             AND (e.start_day < p.start_day OR e.start_day > p.end_day))"
            .to_owned(),
        "over-capacity" => format!(
            "e.stage = {open} AND EXISTS (SELECT 1 FROM programmes AS p WHERE p.id = e.programme AND p.capacity < \
             (SELECT count(*) FROM enrolments AS o WHERE o.programme = p.id AND o.provider = e.provider AND o.stage = {open} AND o.removed_day IS NULL))"
        ),
        "overdue-end" => format!(
            "e.stage = {open} AND e.planned_end_day < {}",
            today - threshold
        ),
        "destination-late" => format!(
            "{left} AND e.destination_6m IS NULL AND e.end_day < {}",
            today - HALF_YEAR - threshold
        ),
        "silent" => format!("e.stage = {open}"),
        "jump" => format!("e.start_day >= {last} AND e.start_day < {present}"),
        "same-day" => format!("e.stage = {achieved} AND e.end_day = e.start_day"),
        "too-long" => {
            format!("coalesce(e.end_day, e.planned_end_day) - e.start_day > {threshold}")
        }
        "no-area" => "e.district IS NULL".to_owned(),
        "not-stated" => {
            let fields = [
                ("age", Dimension::Age),
                ("sex", Dimension::Sex),
                ("ethnicity", Dimension::Ethnicity),
                ("disability", Dimension::Disability),
                ("prior", Dimension::Prior),
            ];
            let fields = fields.map(|(column, of)| format!("e.{column} = {}", unknown(of)));
            format!("({})", fields.join(" OR "))
        }
        "not-asked" => format!("{left} AND (e.confidence IS NULL OR e.everyday IS NULL)"),
        _ => return None,
    })
}

/// What the enrolments amount to. `months`: first days (since 1970-01-01) of the month seven months ago, of the last whole month and of the
/// present one.
pub(crate) async fn measure(
    connection: &mut SqliteConnection,
    settings: &Settings,
    today: i64,
    months: [i64; 3],
) -> Result<Vec<Measured>, StoreError> {
    let standard = Standard::current();
    let code = |found: Option<usize>| found.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1);
    let stage = |id| code(standard.parse_stage(id));
    let unknown = |dimension| code(standard.parse_code(dimension, "not-stated"));
    let threshold = |rule| i64::from(settings.threshold(rule));
    let [before, last, present] = months;
    let rows = sqlx::query(MEASURE)
        .bind(stage("in-progress"))
        .bind(stage("achieved"))
        .bind(stage("completed-without-achievement"))
        .bind(stage("withdrawn"))
        .bind(today)
        .bind(HALF_YEAR)
        .bind(last)
        .bind(present)
        .bind(before)
        .bind(unknown(Dimension::Age))
        .bind(unknown(Dimension::Sex))
        .bind(unknown(Dimension::Ethnicity))
        .bind(unknown(Dimension::Disability))
        .bind(unknown(Dimension::Prior))
        .bind(threshold("overdue-end"))
        .bind(threshold("destination-late"))
        .bind(threshold("too-long"))
        .fetch_all(&mut *connection)
        .await?;
    let shown = providers::shown(connection).await?;
    // Files write one provider in more than one way; it is judged as one.
    let mut all: BTreeMap<(String, String), Measured> = BTreeMap::new();
    for row in &rows {
        let mut part = measured(row)?;
        part.provider = shown.of(&part.provider);
        match all.entry((part.provider.clone(), part.programme.clone())) {
            Entry::Vacant(place) => {
                place.insert(part);
            }
            Entry::Occupied(mut place) => add(place.get_mut(), &part),
        }
    }
    Ok(all.into_values().collect())
}

/// Adds another spelling's records of the same programme.
fn add(to: &mut Measured, other: &Measured) {
    let both = |ours: &mut [u64], theirs: &[u64]| {
        for (ours, theirs) in ours.iter_mut().zip(theirs) {
            *ours += theirs;
        }
    };
    both(&mut to.starts, &other.starts);
    both(&mut to.stated, &other.stated);
    both(&mut to.asked, &other.asked);
    to.newest = to.newest.max(other.newest);
    for (ours, theirs) in [
        (&mut to.enrolments, other.enrolments),
        (&mut to.open, other.open),
        (&mut to.left, other.left),
        (&mut to.due, other.due),
        (&mut to.destinations, other.destinations),
        (&mut to.overdue, other.overdue),
        (&mut to.late, other.late),
        (&mut to.same_day, other.same_day),
        (&mut to.long, other.long),
        (&mut to.outside, other.outside),
    ] {
        *ours += theirs;
    }
}

fn measured(row: &SqliteRow) -> Result<Measured, sqlx::Error> {
    let count = |column: &str| -> Result<u64, sqlx::Error> {
        // A sum of what is 0 or 1.
        Ok(row.try_get::<i64, _>(column)?.unsigned_abs())
    };
    let capacity: Option<i64> = row.try_get("capacity")?;
    Ok(Measured {
        provider: row.try_get("provider")?,
        programme: row.try_get("programme")?,
        capacity: capacity.and_then(|places| u64::try_from(places).ok()),
        enrolments: count("enrolments")?,
        open: count("open")?,
        left: count("left_")?,
        due: count("due_")?,
        newest: row.try_get("newest")?,
        starts: [count("starts_last")?, count("starts_before")?],
        stated: [
            count("area")?,
            count("age")?,
            count("sex")?,
            count("ethnicity")?,
            count("disability")?,
            count("prior")?,
        ],
        destinations: count("destinations")?,
        asked: [count("confidence")?, count("everyday")?],
        overdue: count("overdue")?,
        late: count("late")?,
        same_day: count("same_day")?,
        long: count("long_")?,
        outside: count("outside")?,
    })
}

/// A question to a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Its number.
    pub id: i64,
    /// Whom it is to.
    pub provider: String,
    /// Code of the rule that gave rise to it.
    pub rule: String,
    /// In words.
    pub question: String,
    /// Who asked, and when.
    pub asked: (String, Timestamp),
    /// The answer, who wrote it down, and when.
    pub answer: Option<(String, String, Timestamp)>,
}

#[derive(FromRow)]
struct QuestionRow {
    id: i64,
    provider: String,
    rule: String,
    question: String,
    asked_by: String,
    asked_at: i64,
    answer: Option<String>,
    answered_by: Option<String>,
    answered_at: Option<i64>,
}

impl TryFrom<QuestionRow> for Question {
    type Error = StoreError;

    fn try_from(row: QuestionRow) -> Result<Self, StoreError> {
        const TABLE: &str = "quality_questions";
        let at = |second, column| moment(second, TABLE, column, row.id);
        let answer = match (row.answer, row.answered_by, row.answered_at) {
            (None, None, None) => None,
            (Some(text), Some(by), Some(second)) => Some((text, by, at(second, "answered_at")?)),
            _ => return Err(corrupt(TABLE, "answer", row.id)),
        };
        Ok(Self {
            asked: (row.asked_by, at(row.asked_at, "asked_at")?),
            id: row.id,
            provider: row.provider,
            rule: row.rule,
            question: row.question,
            answer,
        })
    }
}

/// Stores a question, and gives its number.
pub(crate) async fn ask(
    tx: &mut SqliteConnection,
    provider: &str,
    rule: &str,
    question: &str,
    (who, at): (&str, Timestamp),
) -> Result<i64, StoreError> {
    let sql = "INSERT INTO quality_questions (provider, rule, question, asked_by, asked_at) \
               VALUES ($1, $2, $3, $4, $5) RETURNING id";
    Ok(sqlx::query_scalar(sql)
        .bind(provider)
        .bind(rule)
        .bind(question)
        .bind(who)
        .bind(at.as_second())
        .fetch_one(tx)
        .await?)
}

/// Stores an answer.
pub(crate) async fn answer(
    tx: &mut SqliteConnection,
    id: i64,
    answer: &str,
    (who, at): (&str, Timestamp),
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE quality_questions SET answer = $2, answered_by = $3, answered_at = $4 WHERE id = $1 AND answer IS NULL",
    )
    .bind(id)
    .bind(answer)
    .bind(who)
    .bind(at.as_second())
    .execute(tx)
    .await?;
    Ok(())
}

/// A question.
pub(crate) async fn question(
    connection: &mut SqliteConnection,
    id: i64,
) -> Result<Option<Question>, StoreError> {
    let row: Option<QuestionRow> = sqlx::query_as("SELECT * FROM quality_questions WHERE id = $1")
        .bind(id)
        .fetch_optional(connection)
        .await?;
    row.map(TryInto::try_into).transpose()
}

/// Questions, the open ones first, then the newest: all of them, or those to one provider, under whatever name of it. Each names the provider as
/// it is shown.
pub(crate) async fn questions(
    connection: &mut SqliteConnection,
    provider: Option<&str>,
) -> Result<Vec<Question>, StoreError> {
    let rows: Vec<QuestionRow> =
        sqlx::query_as("SELECT * FROM quality_questions ORDER BY answer IS NOT NULL, id DESC")
            .fetch_all(&mut *connection)
            .await?;
    let shown = providers::shown(connection).await?;
    let provider = provider.map(|name| shown.of(name));
    let mut all = Vec::with_capacity(rows.len());
    for mut row in rows {
        row.provider = shown.of(&row.provider);
        if provider
            .as_ref()
            .is_none_or(|wanted| *wanted == row.provider)
        {
            all.push(row.try_into()?);
        }
    }
    Ok(all)
}

/// Stores the verdict that a release was prepared with.
pub(crate) async fn keep(
    tx: &mut SqliteConnection,
    period: Period,
    verdict: &Verdict,
) -> Result<(), StoreError> {
    let json = serde_json::to_vec(verdict).expect("strings, numbers and lists only");
    sqlx::query("INSERT INTO release_quality (period, verdict) VALUES ($1, $2)")
        .bind(period.index())
        .bind(json)
        .execute(tx)
        .await?;
    Ok(())
}

/// The verdict that a release was prepared with; `None` for one from before verdicts were kept.
pub(crate) async fn of_release(
    connection: &mut SqliteConnection,
    period: Period,
) -> Result<Option<Verdict>, StoreError> {
    let json: Option<Vec<u8>> =
        sqlx::query_scalar("SELECT verdict FROM release_quality WHERE period = $1")
            .bind(period.index())
            .fetch_optional(connection)
            .await?;
    json.map(|json| serde_json::from_slice(&json))
        .transpose()
        .map_err(|_| corrupt("release_quality", "verdict", period))
}
