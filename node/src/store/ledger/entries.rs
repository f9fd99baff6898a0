//! What enters the ledger: exact entries of a month, counted from the enrolments once.

use std::collections::BTreeMap;

use futures::TryStreamExt as _;
use ldsp_protocol::ids::Period;
use ldsp_protocol::standard::{Codebook, Dimension, Standard};
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::cube::{Counter, Entry, EntryCounts};
use crate::store::StoreError;

/// Bits of the families whose fact is known by the end of the open month, whether counted or not. SQL over a row of
/// `enrolments`; $1 is the first day after the month, $2 to $4 that day 3, 6 and 12 months earlier:
/// "month(end) + 3 <= p" is "end < first day of the month 2 before p", which needs no calendar in SQL.
///
/// starts: the month of the start. leavers: the month of the end, once the stage is an outcome (positions 1 to 3).
/// destinations: 3, 6, 12 months after a leaver's end, once the code is known. confidence, everyday: the
/// month of the end; an enrolment without an end gave both answers while it ran, and the month of its
/// start is the only date that it has.
macro_rules! due {
    () => {
        "((start_day < $1)
        | ((stage IN (1, 2, 3) AND end_day IS NOT NULL AND end_day < $1) << 1)
        | ((stage IN (1, 2, 3) AND end_day IS NOT NULL AND destination_3m IS NOT NULL AND end_day < $2) << 2)
        | ((stage IN (1, 2, 3) AND end_day IS NOT NULL AND destination_6m IS NOT NULL AND end_day < $3) << 3)
        | ((stage IN (1, 2, 3) AND end_day IS NOT NULL AND destination_12m IS NOT NULL AND end_day < $4) << 4)
        | ((confidence IS NOT NULL AND coalesce(end_day, start_day) < $1) << 5)
        | ((everyday IS NOT NULL AND coalesce(end_day, start_day) < $1) << 6))"
    };
}

/// Rows that enter the open month. Selecting and marking share this text and run in one immediate
/// transaction, so the rows that were counted are the rows that are marked; no list of ids is needed,
/// and memory does not grow with the month.
macro_rules! fresh {
    () => {
        concat!(
            "enters = 1 AND in_area = 1 AND (",
            due!(),
            " & ~counted) != 0"
        )
    };
}

const SELECT_FRESH: &str = concat!(
    "SELECT e.id, (", due!(), " & ~counted) AS fresh, district, tier, type, audience, skill, mode, age, sex,
       ethnicity, disability, prior, stage, destination_3m, destination_6m, destination_12m, confidence, everyday
     FROM (SELECT * FROM enrolments WHERE ", fresh!(), ") AS e
     JOIN (SELECT id AS programme_id, tier, type, audience FROM programmes) ON programme_id = e.programme"
);
const MARK_FRESH: &str = concat!(
    "UPDATE enrolments SET counted = counted | ",
    due!(),
    " WHERE ",
    fresh!()
);

/// First days after `period` and after the months 3, 6 and 12 before it, in days since 1970-01-01.
fn cutoffs(period: Period) -> Option<[i64; 4]> {
    let epoch = jiff::civil::date(1970, 1, 1);
    let mut days = [0; 4];
    for (day, back) in days.iter_mut().zip([0, 3, 6, 12]) {
        // Before 2000 the calendar of periods ends; no learner of a digital skills partnership left then.
        let after = period.plus(1 - back).map(Period::first_day);
        *day = match after {
            Some(date) => i64::from(date.since(epoch).ok()?.get_days()),
            None => 0,
        };
    }
    Some(days)
}

fn out_of_calendar(period: Period) -> StoreError {
    StoreError::Corrupt {
        table: "releases",
        column: "period",
        row: period.to_string(),
    }
}

/// Exact entries of `period`: every fact that is known by its end and has not been counted. One streaming pass.
///
/// # Errors
/// [`StoreError::Corrupt`] for a row with a code that is not in the standard's lists.
pub async fn entries(
    connection: &mut SqliteConnection,
    codebook: &Codebook,
    period: Period,
) -> Result<EntryCounts, StoreError> {
    let days = cutoffs(period).ok_or_else(|| out_of_calendar(period))?;
    let reader = EntryReader::new(codebook);
    let mut counter = Counter::new(codebook, period);
    let mut query = sqlx::query(SELECT_FRESH);
    for day in days {
        query = query.bind(day);
    }
    let mut rows = query.fetch(connection);
    while let Some(row) = rows.try_next().await? {
        let entry = reader.read(&row)?;
        counter.add(&entry).map_err(|error| StoreError::Corrupt {
            table: "enrolments",
            column: column(error.dimension),
            row: row.try_get::<i64, _>("id").unwrap_or_default().to_string(),
        })?;
    }
    Ok(counter.finish())
}

/// Marks what [`entries`] counted, in the same transaction.
///
/// # Errors
/// Database trouble.
pub async fn mark_counted(
    connection: &mut SqliteConnection,
    period: Period,
) -> Result<u64, StoreError> {
    let days = cutoffs(period).ok_or_else(|| out_of_calendar(period))?;
    let mut query = sqlx::query(MARK_FRESH);
    for day in days {
        query = query.bind(day);
    }
    Ok(query.execute(connection).await?.rows_affected())
}

/// First month in which an enrolment of the area began; `None` while there is none.
///
/// # Errors
/// Database trouble.
pub async fn earliest_start(
    connection: &mut SqliteConnection,
) -> Result<Option<Period>, StoreError> {
    let day: Option<i64> = sqlx::query_scalar(
        "SELECT min(start_day) FROM enrolments WHERE enters = 1 AND in_area = 1",
    )
    .fetch_one(connection)
    .await?;
    let Some(day) = day else { return Ok(None) };
    let span = jiff::Span::new().try_days(day);
    let date = span.and_then(|s| jiff::civil::date(1970, 1, 1).checked_add(s));
    let period = date.ok().and_then(Period::of);
    match period {
        Some(period) => Ok(Some(period)),
        None => Err(StoreError::Corrupt {
            table: "enrolments",
            column: "start_day",
            row: "the earliest".to_owned(),
        }),
    }
}

fn column(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Area => "district",
        Dimension::Tier => "tier",
        Dimension::Skill => "skill",
        Dimension::Mode => "mode",
        Dimension::Age => "age",
        Dimension::Sex => "sex",
        Dimension::Ethnicity => "ethnicity",
        Dimension::Disability => "disability",
        Dimension::Prior => "prior",
        Dimension::Audience => "audience",
        Dimension::ProgrammeType => "type",
        Dimension::Pledge => "pledge",
        Dimension::Outcome => "stage",
        Dimension::Destination => "destination",
        Dimension::Confidence => "confidence",
        Dimension::Everyday => "everyday",
    }
}

struct EntryReader {
    districts: BTreeMap<String, usize>,
    not_stated: usize,
    /// Outcome by position of the stage.
    outcomes: Vec<Option<usize>>,
}

impl EntryReader {
    fn new(codebook: &Codebook) -> Self {
        let codes = codebook.codes(Dimension::Area);
        let outcomes = &Standard::v1().dimension(Dimension::Outcome).codes;
        Self {
            not_stated: codes.len() - 1,
            districts: codes
                .into_iter()
                .enumerate()
                .map(|(at, c)| (c, at))
                .collect(),
            outcomes: Standard::v1()
                .stages()
                .iter()
                .map(|s| outcomes.iter().position(|o| o.id == s.id))
                .collect(),
        }
    }

    fn read(&self, row: &SqliteRow) -> Result<Entry, StoreError> {
        // A negative or huge code becomes one that no list holds; the counter then names the column.
        let code = |name: &str| -> Result<usize, StoreError> {
            Ok(usize::try_from(row.try_get::<i64, _>(name)?).unwrap_or(usize::MAX))
        };
        let optional = |name: &str| -> Result<Option<usize>, StoreError> {
            let value: Option<i64> = row.try_get(name)?;
            Ok(value.map(|v| usize::try_from(v).unwrap_or(usize::MAX)))
        };
        let area = match row.try_get::<Option<&str>, _>("district")? {
            Some(district) => self.districts.get(district).copied().unwrap_or(usize::MAX),
            None => self.not_stated,
        };
        let stage = code("stage")?;
        Ok(Entry {
            fresh: u8::try_from(row.try_get::<i64, _>("fresh")?).unwrap_or(0),
            area,
            tier: code("tier")?,
            skill: code("skill")?,
            mode: code("mode")?,
            age: code("age")?,
            sex: code("sex")?,
            ethnicity: code("ethnicity")?,
            disability: code("disability")?,
            prior: code("prior")?,
            audience: code("audience")?,
            programme_type: code("type")?,
            pledge: 0,
            outcome: self.outcomes.get(stage).copied().flatten(),
            destination: [
                optional("destination_3m")?,
                optional("destination_6m")?,
                optional("destination_12m")?,
            ],
            confidence: optional("confidence")?,
            everyday: optional("everyday")?,
        })
    }
}
