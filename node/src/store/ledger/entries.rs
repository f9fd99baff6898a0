//! What enters the ledger: exact entries of a month, counted from the enrolments once.

use futures::TryStreamExt as _;
use ldsp_protocol::ids::Period;
use ldsp_protocol::standard::{Codebook, Dimension, Standard};
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Row as _};

use super::streams::Stream;
use crate::cube::{Counter, Entry, EntryCounts};
use crate::store::{StoreError, day};

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
        | CASE WHEN stage BETWEEN 1 AND 3 AND end_day < $1 THEN 2
          | ((destination_3m IS NOT NULL AND end_day < $2) << 2)
          | ((destination_6m IS NOT NULL AND end_day < $3) << 3)
          | ((destination_12m IS NOT NULL AND end_day < $4) << 4) ELSE 0 END
        | ((confidence IS NOT NULL AND coalesce(end_day, start_day) < $1) << 5)
        | ((everyday IS NOT NULL AND coalesce(end_day, start_day) < $1) << 6))"
    };
}

pub(super) use due;

/// Bits of the families whose fact is known at all, whatever the month. SQL over a row of `enrolments`.
pub(crate) const KNOWN: &str = "(1
    | CASE WHEN stage BETWEEN 1 AND 3 AND end_day IS NOT NULL THEN 2 | ((destination_3m IS NOT NULL) << 2)
      | ((destination_6m IS NOT NULL) << 3) | ((destination_12m IS NOT NULL) << 4) ELSE 0 END
    | ((confidence IS NOT NULL) << 5) | ((everyday IS NOT NULL) << 6))";

/// Bits of the families that enter the open month: a fact enters once, and never if a lost ledger may have published it.
macro_rules! entering {
    () => {
        concat!(due!(), " & ~(counted | withheld)")
    };
}

/// Rows with a fact that enters the open month, but for whose enrolments are counted. Selecting and marking share this text and run in one immediate
/// transaction, so the rows that were counted are the rows that are marked; no list of ids is needed,
/// and memory does not grow with the month.
macro_rules! fresh {
    () => {
        concat!(
            "enters = 1 AND in_area = 1 AND removed_day IS NULL AND (",
            entering!(),
            ") != 0"
        )
    };
}

/// Codes that every row has, in the order of their places in the first number of [`SELECT_FRESH`]. The first three are the
/// programme's, as they were when the enrolment was first counted.
const CODES: [&str; 11] = [
    "coalesce(tier, programme_tier)",
    "coalesce(type, programme_type)",
    "coalesce(audience, programme_audience)",
    "skill",
    "mode",
    "age",
    "sex",
    "ethnicity",
    "disability",
    "prior",
    "stage",
];
/// Codes that may be absent, in the order of their places in the second number, from [`ABOVE_FRESH`].
const OPTIONAL: [&str; 5] = [
    "destination_3m",
    "destination_6m",
    "destination_12m",
    "confidence",
    "everyday",
];
/// Bits of a code.
const WIDTH: usize = 5;
const MASK: i64 = (1 << WIDTH) - 1;
/// Stands for an absent code.
const ABSENT: i64 = MASK;
/// Stands for a code that does not fit. No list is so long: the counter refuses it and names the column.
const BEYOND: i64 = MASK - 1;
/// Where what lies above the codes, the families and the absent codes begins.
const ABOVE_CODES: usize = CODES.len() * WIDTH;
const ABOVE_FRESH: usize = 7;
const ABOVE_OPTIONAL: usize = ABOVE_FRESH + OPTIONAL.len() * WIDTH;
/// Stands for a district that is not in the node's list, and is more than any LEP has.
const AREA_BEYOND: usize = (1 << (63 - ABOVE_CODES)) - 1;

/// The rows that enter, as two numbers each. Handing a value from SQLite over costs more than counting it, so a row is two values rather
/// than twenty. The first holds codes and area, the second the fresh families, the codes that may be absent and, above
/// [`ABOVE_OPTIONAL`], the id.
fn select_fresh(stream: &Stream, districts: usize) -> String {
    let optional = OPTIONAL.map(|name| format!("coalesce({name}, {ABSENT})"));
    // $1 to $4 are the cutoffs.
    let areas = (0..districts).map(|at| format!("WHEN district = ${} THEN {at}", at + 5));
    format!(
        "SELECT {codes} | (CASE {areas} WHEN district IS NULL THEN {districts} ELSE {AREA_BEYOND} END << {ABOVE_CODES}),
           ({entering}) | ({optional} << {ABOVE_FRESH}) | (e.id << {ABOVE_OPTIONAL})
         FROM (SELECT * FROM enrolments WHERE {fresh} AND {own}) AS e
         JOIN (SELECT id AS programme_id, tier AS programme_tier, type AS programme_type, audience AS programme_audience FROM programmes)
         ON programme_id = e.programme",
        codes = packed(&CODES),
        areas = areas.collect::<Vec<_>>().join(" "),
        optional = packed(&optional),
        entering = entering!(),
        fresh = fresh!(),
        own = own(stream),
    )
}

/// Enrolments that the stream counts: its own, and while it is open those that nothing was counted of.
fn own(stream: &Stream) -> String {
    let version = stream.standard.version();
    if stream.is_open() {
        format!("coalesce(standard, {version}) = {version}")
    } else {
        format!("standard = {version}")
    }
}

/// SQL of one number that holds the values of `columns`, the first lowest. One look at all of them tells whether any is negative or
/// too large; only then each is looked at.
fn packed(columns: &[impl AsRef<str>]) -> String {
    let each = |value: &dyn Fn(&str) -> String| {
        let columns = columns.iter().enumerate();
        let shifted = columns.map(|(at, c)| format!("({} << {})", value(c.as_ref()), at * WIDTH));
        shifted.collect::<Vec<_>>().join(" | ")
    };
    let all: Vec<&str> = columns.iter().map(AsRef::as_ref).collect();
    format!(
        "CASE WHEN ({all}) & ~{MASK} = 0 THEN {as_is} ELSE {careful} END",
        all = all.join(" | "),
        as_is = each(&str::to_owned),
        careful = each(&|c| format!("CASE WHEN {c} & ~{MASK} = 0 THEN {c} ELSE {BEYOND} END")),
    )
}

/// $5 is the standard, $6 the month. Every term is of the row as it was.
const MARK_FRESH: &str = concat!(
    "UPDATE enrolments SET counted = counted | (",
    entering!(),
    "), drawn = ($6 << 7) | (",
    entering!(),
    "), standard = coalesce(standard, $5) WHERE ",
    fresh!()
);

/// First days after `period` and after the months 3, 6 and 12 before it, in days since 1970-01-01.
///
/// # Errors
/// [`StoreError::Corrupt`] for a month at the end of the calendar.
pub(super) fn cutoffs(period: Period) -> Result<[i64; 4], StoreError> {
    let mut days = [0; 4];
    for (until, back) in days.iter_mut().zip([0, 3, 6, 12]) {
        // Before 2000 the calendar of periods ends; no learner of a digital skills partnership left then.
        *until = match period.plus(1 - back) {
            Some(after) => day(after.first_day()),
            None if back > 0 => 0,
            None => {
                return Err(StoreError::Corrupt {
                    table: "releases",
                    column: "period",
                    row: period.to_string(),
                });
            }
        };
    }
    Ok(days)
}

/// Exact entries of `period` under a standard: every fact of its enrolments that is known by its end and has not been counted. One
/// streaming pass.
///
/// # Errors
/// [`StoreError::Corrupt`] for a row with a code that is not in the standard's lists.
pub async fn entries(
    connection: &mut SqliteConnection,
    codebook: &Codebook,
    stream: &Stream,
    period: Period,
) -> Result<EntryCounts, StoreError> {
    let days = cutoffs(period)?;
    let reader = EntryReader::new();
    let mut counter = Counter::new(stream.standard, codebook, period);
    let mut districts = codebook.codes(Dimension::Area);
    // "Not stated" is the last; in the store it is NULL.
    districts.pop();
    // The number of districts is all that varies in the text.
    let mut query = sqlx::query(AssertSqlSafe(select_fresh(stream, districts.len())));
    for day in days {
        query = query.bind(day);
    }
    for district in districts {
        query = query.bind(district);
    }
    let mut rows = query.fetch(connection);
    while let Some(row) = rows.try_next().await? {
        let (codes, rest): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        let entry = reader.read(codes, rest);
        counter.add(&entry).map_err(|error| StoreError::Corrupt {
            table: "enrolments",
            column: column(error.dimension),
            row: (rest >> ABOVE_OPTIONAL).to_string(),
        })?;
    }
    Ok(counter.finish())
}

/// Marks what [`entries`] counted, in the same transaction; an enrolment that was not counted before belongs to the stream's standard from
/// then on.
///
/// # Errors
/// Database trouble.
pub async fn mark_counted(
    connection: &mut SqliteConnection,
    stream: &Stream,
    period: Period,
) -> Result<u64, StoreError> {
    let text = format!("{MARK_FRESH} AND {}", own(stream));
    let mut query = sqlx::query(AssertSqlSafe(text));
    for day in cutoffs(period)? {
        query = query.bind(day);
    }
    let query = query.bind(stream.standard.version()).bind(period.index());
    Ok(query.execute(connection).await?.rows_affected())
}

/// The column that a dimension is read from.
pub(crate) fn column(dimension: Dimension) -> &'static str {
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
    /// Outcome by position of the stage.
    outcomes: Vec<Option<usize>>,
}

impl EntryReader {
    fn new() -> Self {
        let outcomes = &Standard::current().dimension(Dimension::Outcome).codes;
        Self {
            outcomes: Standard::current()
                .stages()
                .iter()
                .map(|s| outcomes.iter().position(|o| o.id == s.id))
                .collect(),
        }
    }

    /// Reads a row of [`select_fresh`].
    fn read(&self, codes: i64, rest: i64) -> Entry {
        let code = |at: usize| (codes >> (at * WIDTH) & MASK) as usize;
        let optional = |at: usize| {
            let code = rest >> (ABOVE_FRESH + at * WIDTH) & MASK;
            (code != ABSENT).then_some(code as usize)
        };
        Entry {
            fresh: (rest & ((1 << ABOVE_FRESH) - 1)) as u8,
            area: (codes >> ABOVE_CODES) as usize,
            tier: code(0),
            programme_type: code(1),
            audience: code(2),
            skill: code(3),
            mode: code(4),
            age: code(5),
            sex: code(6),
            ethnicity: code(7),
            disability: code(8),
            prior: code(9),
            pledge: 0,
            outcome: self.outcomes.get(code(10)).copied().flatten(),
            destination: [optional(0), optional(1), optional(2)],
            confidence: optional(3),
            everyday: optional(4),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ldsp_protocol::geography::Geography;
    use ldsp_protocol::standard::Family;

    #[test]
    fn every_code_fits_its_place() {
        let standard = Standard::current();
        let dimensions = standard.tables().iter().flat_map(|t| &t.dimensions);
        let longest = dimensions.map(|d| standard.dimension(*d).codes.len()).max();
        assert!(longest.unwrap().max(standard.stages().len()) < BEYOND as usize);
        assert_eq!(Family::ALL.len(), ABOVE_FRESH);
        for lep in Geography::embedded().leps() {
            assert!(Codebook::new(&lep.code, &[]).size(Dimension::Area) < AREA_BEYOND);
        }
    }
}
