//! Vacancies: digital skills are found in them by the table of words (`crate::demand::terms`), and what was found is added up to demand. Nothing of a
//! vacancy is kept: which words of the table were found, in how many vacancies, for which district and from which month to which.

mod found;

use std::collections::BTreeMap;
use std::io::Read;

use jiff::Timestamp;
use jiff::civil::Date;
use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::{Gss, Period};
use ldsp_protocol::personal;
use sqlx::SqliteConnection;

use super::demands::{Held, keep};
use super::header::{self, Columns};
use super::report::{ImportReport, RowProblem};
use super::rows::{self, Csv, Row, Source};
use super::values::{self, Postcode};
use super::{ImportError, Options, Run, faults};
use crate::demand::terms::{Entry, extract};
use crate::model::demand::area;
use crate::store::imports::{ImportKind, districts_of};
use crate::store::kept::{Kept as _, Known};
use crate::store::terms::Term;
use crate::store::{Store, StoreError};
pub(crate) use found::COUNTS_FROM;
pub use found::{Found, Line, Need, Summary};

#[derive(Debug, Clone, Copy)]
enum Column {
    Title,
    Description,
    Employer,
    District,
    Postcode,
    Date,
    Number,
}

impl From<Column> for usize {
    fn from(column: Column) -> Self {
        column as Self
    }
}

/// Column names in the order of the contract.
pub const COLUMNS: &[&str] = &[
    "title",
    "description",
    "employer",
    "district",
    "postcode",
    "date",
    "number",
];

pub(super) const HEADER: Columns = Columns {
    names: COLUMNS,
    required: &["title"],
    either: &[],
};

/// Characters of context that are shown on either side of a word.
const AROUND: usize = 40;
/// Longest title that is shown, in characters.
const TITLE: usize = 80;

/// Where a vacancy is.
enum Place {
    /// In this district of the LEP; `None`: it is not said where.
    Here(Option<Gss>),
    /// In another LEP, or not in England.
    Elsewhere,
    /// Where this postcode lies.
    Postcode(Postcode),
}

/// A row on its way. It has no `Debug`: it may name people.
struct Vacancy {
    title: String,
    /// As names are compared; empty: not stated.
    employer: String,
    place: Place,
    month: Option<Period>,
    number: u64,
    found: Vec<Found>,
}

struct Draft {
    line: u64,
    problems: Vec<RowProblem>,
    /// Present when the row has no problem.
    vacancy: Option<Vacancy>,
}

/// A piece of a text that may be shown: without what looks like personal data, in one line.
fn shown(text: &str, most: usize) -> String {
    let text: String = values::one_spacing(text).chars().take(most).collect();
    if personal::find(&text).is_empty() {
        text
    } else {
        String::new()
    }
}

/// The words of the table in one column, with what stands around them.
fn seek(text: &str, column: &'static str, table: &[Entry], into: &mut Vec<Found>) {
    let around_is_plain = personal::find(text).is_empty();
    for one in extract(text, table) {
        let (from, to) = one.span;
        let before: Vec<char> = text[..from].chars().rev().take(AROUND).collect();
        let before: String = before.into_iter().rev().collect();
        let after: String = text[to..].chars().take(AROUND).collect();
        let context = |text: String| if around_is_plain { text } else { String::new() };
        into.push(Found {
            term: table[one.entry].term.clone(),
            column,
            before: context(before),
            words: text[from..to].to_owned(),
            after: context(after),
            tier: one.tier,
            skill: one.skill,
            confidence: one.confidence,
        });
    }
}

fn place(row: &mut Row<'_>, known: &Known) -> Option<Place> {
    let text = row.text(Column::District);
    if !text.is_empty() {
        if let Some(district) = area(text, known) {
            return Some(Place::Here(district));
        }
        let geography = Geography::embedded();
        let code: Option<Gss> = text.parse().ok();
        let by_code = code.is_some_and(|code| geography.district(&code).is_some());
        let is = |name: &str| super::same_value(name, text);
        if by_code || geography.districts().any(|district| is(&district.name)) {
            return Some(Place::Elsewhere);
        }
        row.problem(Column::District, faults::AREA);
        return None;
    }
    let text = row.text(Column::Postcode);
    if text.is_empty() {
        return Some(Place::Here(None));
    }
    let postcode = Postcode::read(text);
    if postcode.is_none() {
        row.problem(Column::Postcode, faults::POSTCODE_FORM);
    }
    postcode.map(Place::Postcode)
}

fn draft(mut row: Row<'_>, known: &Known, table: &[Entry]) -> Draft {
    let vacancy = if row.whole {
        vacancy(&mut row, known, table)
    } else {
        None
    };
    Draft {
        line: row.line,
        vacancy: vacancy.filter(|_| row.problems.is_empty()),
        problems: row.problems,
    }
}

fn vacancy(row: &mut Row<'_>, known: &Known, table: &[Entry]) -> Option<Vacancy> {
    let title = row.text(Column::Title);
    if title.is_empty() {
        row.problem(Column::Title, faults::REQUIRED);
    }
    let place = place(row, known);
    let date = values::date(row, Column::Date);
    let month = date.and_then(Period::of);
    if date.is_some_and(|date: Date| date.year() < 2000) {
        row.problem(Column::Date, faults::DATE_IMPOSSIBLE);
    }
    let number = match row.text(Column::Number) {
        "" => Some(1),
        text => values::whole(text, 1, 100_000),
    };
    if number.is_none() {
        row.problem(Column::Number, faults::NUMBER);
    }
    let mut found = Vec::new();
    seek(title, "title", table, &mut found);
    seek(
        row.text(Column::Description),
        "description",
        table,
        &mut found,
    );
    Some(Vacancy {
        title: shown(title, TITLE),
        employer: crate::store::providers::folded(row.text(Column::Employer)),
        place: place?,
        month,
        number: u64::try_from(number?).unwrap_or(1),
        found,
    })
}

/// Imports vacancies. `source` is read once, to its end.
pub(super) async fn take(
    store: &Store,
    source: impl Source,
    options: &Options,
    now: Timestamp,
) -> Result<ImportReport, ImportError> {
    let run = Run::begin(store, ImportKind::Vacancies, options).await?;
    let gathered = gathered(source, run, now);
    options.progress.unless_cancelled(gathered).await
}

/// Imports a CSV file of vacancies in the contract's columns.
///
/// # Errors
/// [`ImportError`]; nothing was stored then.
pub async fn csv(
    store: &Store,
    source: impl Read + Send + 'static,
    options: &Options,
    now: Timestamp,
) -> Result<ImportReport, ImportError> {
    let find = |row: &csv::StringRecord| header::find(row, &HEADER);
    let source = options.progress.counting(source);
    take(store, Csv::new(source, COLUMNS, find), options, now).await
}

/// The words that are looked for.
pub(crate) async fn table(connection: &mut SqliteConnection) -> Result<Vec<Entry>, StoreError> {
    let all = Term::rows(connection, None).await?.into_iter();
    let sought = all.filter(|term| term.it.weight > 0);
    let entries = sought.map(|term| Entry {
        term: term.it.term,
        tier: term.it.tier,
        skill: term.it.skill,
        weight: term.it.weight,
    });
    Ok(entries.collect())
}

async fn gathered(
    source: impl Source,
    mut run: Run,
    now: Timestamp,
) -> Result<ImportReport, ImportError> {
    let mut held = Held::read(&mut run).await?;
    let table = table(&mut run.tx).await?;
    let known = held.known.clone();
    let draft = move |row: Row<'_>| draft(row, &known, &table);
    let mut stream = rows::stream(source, rows::each(draft));
    let mut found = found::Finding::default();
    while let Some(batch) = stream.batches.recv().await {
        let places = districts(&mut run, &batch).await?;
        for draft in batch {
            let Some(vacancy) = draft.vacancy else {
                run.refuse_row(draft.problems);
                continue;
            };
            let district = match &vacancy.place {
                Place::Here(district) => Some(district.clone()),
                Place::Elsewhere => None,
                Place::Postcode(postcode) => match places.get(postcode.as_str()) {
                    Some(code) => here(code, &held.known),
                    None => {
                        let unknown = faults::POSTCODE.at(draft.line, Some("postcode"));
                        run.refuse_row(vec![unknown]);
                        continue;
                    }
                },
            };
            match district {
                Some(district) => found.take(draft.line, vacancy, district),
                None => run.tally.outside += 1,
            }
        }
    }
    let ended = stream.end.await.map_err(|_| ImportError::Stopped)??;
    let month = Period::of(super::london_day(now)).ok_or(ImportError::Stopped)?;
    let (summary, needs) = found.end(&held.known, month);
    for need in needs {
        keep(&mut run, &mut held, (0, need), now).await?;
    }
    run.vacancies = Some(summary);
    run.finish(ended, now).await
}

/// The district of a code that the directory gives, where it is one of the LEP's.
fn here(code: &Gss, known: &Known) -> Option<Option<Gss>> {
    let district = Geography::embedded().district(code)?;
    (known.lep.as_ref() == Some(&district.owner)).then(|| Some(district.code.clone()))
}

/// Codes of the districts in which the postcodes of a batch lie.
async fn districts(run: &mut Run, batch: &[Draft]) -> Result<BTreeMap<String, Gss>, StoreError> {
    let postcodes = batch.iter().filter_map(|draft| {
        let place = &draft.vacancy.as_ref()?.place;
        match place {
            Place::Postcode(postcode) => Some(postcode.as_str()),
            _ => None,
        }
    });
    let postcodes: Vec<&str> = postcodes.collect();
    let found = districts_of(&mut run.tx, &postcodes).await?;
    Ok(found.into_iter().collect())
}
