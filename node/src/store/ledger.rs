//! The ledger: what entered and what was published, per table and month. Insert only.
//!
//! Every function works inside the caller's transaction. A table's row carries a digest that is checked whenever
//! it is read; months without a gap and tables without a lack are checked too. Damage is
//! [`StoreError::Corrupt`]: a node that has lost its ledger may not draw noise.

use std::collections::BTreeMap;

use futures::TryStreamExt as _;
use ldsp_protocol::ids::Period;
use ldsp_protocol::standard::{Codebook, Dimension, Standard};
use sha2::{Digest as _, Sha256};
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::StoreError;
use crate::cube::{Counter, Entry, EntryCounts};
use crate::disclosure::{LedgerMonth, LedgerTable};

fn corrupt(column: &'static str, row: impl ToString) -> StoreError {
    StoreError::Corrupt {
        table: "ledger_cells",
        column,
        row: row.to_string(),
    }
}

/// All months of the ledger in order.
///
/// # Errors
/// [`StoreError::Corrupt`] for a gap, a lacking or unknown table, a wrong length or a digest that does not match.
pub async fn months(
    connection: &mut SqliteConnection,
    codebook: &Codebook,
) -> Result<Vec<LedgerMonth>, StoreError> {
    let mut months: Vec<LedgerMonth> = Vec::new();
    let rows = sqlx::query("SELECT epoch, month, period FROM ledger_months ORDER BY epoch, month")
        .fetch_all(&mut *connection)
        .await?;
    for row in rows {
        let (epoch, number): (i64, i64) = (row.try_get("epoch")?, row.try_get("month")?);
        let damaged = |column| StoreError::Corrupt {
            table: "ledger_months",
            column,
            row: format!("epoch {epoch}, month {number}"),
        };
        if epoch != i64::from(crate::disclosure::protect::EPOCH) {
            return Err(damaged("epoch"));
        }
        if usize::try_from(number) != Ok(months.len() + 1) {
            return Err(damaged("month"));
        }
        let period = period(row.try_get("period")?).ok_or_else(|| damaged("period"))?;
        let follows = months
            .last()
            .is_none_or(|m| m.period.next() == Some(period));
        if !follows {
            return Err(damaged("period"));
        }
        let epoch = crate::disclosure::protect::EPOCH;
        let tables = tables(connection, codebook, epoch, months.len() + 1).await?;
        months.push(LedgerMonth {
            epoch,
            month: months.len() + 1,
            period,
            tables,
        });
    }
    Ok(months)
}

/// A month as the database writes it: months since 2000-01.
pub(crate) fn period(index: i64) -> Option<Period> {
    Period::new(2000, 1).ok()?.plus(i32::try_from(index).ok()?)
}

async fn tables(
    connection: &mut SqliteConnection,
    codebook: &Codebook,
    epoch: u32,
    month: usize,
) -> Result<Vec<LedgerTable>, StoreError> {
    let rows = sqlx::query(
        "SELECT table_id, entries, published, digest FROM ledger_cells WHERE epoch = $1 AND month = $2",
    )
    .bind(epoch)
    .bind(month as i64)
    .fetch_all(connection)
    .await?;
    let mut found: BTreeMap<String, LedgerTable> = BTreeMap::new();
    for row in rows {
        let id: String = row.try_get("table_id")?;
        let place = format!("month {month}, table {id}");
        let (entries, published): (Vec<u8>, Vec<u8>) =
            (row.try_get("entries")?, row.try_get("published")?);
        let stated: Vec<u8> = row.try_get("digest")?;
        if stated != digest(epoch, month, &id, &entries, &published) {
            return Err(corrupt("digest", place));
        }
        let table = LedgerTable {
            entries: numbers(&entries).ok_or_else(|| corrupt("entries", &place))?,
            published: numbers(&published).ok_or_else(|| corrupt("published", &place))?,
        };
        found.insert(id, table);
    }
    let declared = Standard::v1().tables();
    if let Some(id) = found
        .keys()
        .find(|id| !declared.iter().any(|t| t.id == **id))
    {
        return Err(corrupt("table_id", format!("month {month}, table {id}")));
    }
    declared
        .iter()
        .map(|t| {
            let place = || format!("month {month}, table {}", t.id);
            let table = found
                .remove(&t.id)
                .ok_or_else(|| corrupt("table_id", place()))?;
            let cells = codebook.cells(t);
            if table.entries.len() != cells || table.published.len() != cells {
                return Err(corrupt("entries", place()));
            }
            Ok(table)
        })
        .collect()
}

/// Writes one month.
///
/// # Errors
/// Database trouble, also when the month is already there: a month is never drawn twice.
pub async fn append(
    connection: &mut SqliteConnection,
    month: &LedgerMonth,
    drawn_at: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO ledger_months (epoch, month, period, drawn_at) VALUES ($1, $2, $3, $4)",
    )
    .bind(month.epoch)
    .bind(month.month as i64)
    .bind(month.period.index())
    .bind(drawn_at)
    .execute(&mut *connection)
    .await?;
    for (declared, table) in Standard::v1().tables().iter().zip(&month.tables) {
        let (entries, published) = (bytes(&table.entries), bytes(&table.published));
        let digest = digest(month.epoch, month.month, &declared.id, &entries, &published);
        sqlx::query(
            "INSERT INTO ledger_cells (epoch, month, table_id, entries, published, digest) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(month.epoch)
        .bind(month.month as i64)
        .bind(&declared.id)
        .bind(entries)
        .bind(published)
        .bind(digest)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

fn bytes(numbers: &[i64]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_le_bytes()).collect()
}

fn numbers(bytes: &[u8]) -> Option<Vec<i64>> {
    let (chunks, rest) = bytes.as_chunks::<8>();
    rest.is_empty()
        .then(|| chunks.iter().map(|c| i64::from_le_bytes(*c)).collect())
}

/// SHA-256 of epoch, month, table and cells. Lengths go in first, so that no two rows hash the same bytes.
fn digest(epoch: u32, month: usize, table: &str, entries: &[u8], published: &[u8]) -> Vec<u8> {
    Sha256::new()
        .chain_update(epoch.to_le_bytes())
        .chain_update((month as u64).to_le_bytes())
        .chain_update((table.len() as u64).to_le_bytes())
        .chain_update(table)
        .chain_update((entries.len() as u64).to_le_bytes())
        .chain_update(entries)
        .chain_update(published)
        .finalize()
        .to_vec()
}

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
