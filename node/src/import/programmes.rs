//! Programme rows (domain.md, "Learner CSV").

use ldsp_protocol::personal;
use ldsp_protocol::standard::{Dimension, NOT_STATED};

use super::faults;
use super::header::Columns;
use super::report::{Fault, RowProblem};
use super::rows::Row;
use super::values;
use crate::store::programmes::Programme;

#[derive(Debug, Clone, Copy)]
enum Column {
    Programme,
    Name,
    Provider,
    Tier,
    Type,
    Audience,
    Funder,
    Cost,
    Capacity,
    Start,
    End,
}

impl From<Column> for usize {
    fn from(column: Column) -> Self {
        column as Self
    }
}

/// Column names in the order of the contract.
pub const COLUMNS: &[&str] = &[
    "programme",
    "name",
    "provider",
    "tier",
    "type",
    "audience",
    "funder",
    "cost",
    "capacity",
    "start",
    "end",
];

pub(super) const HEADER: Columns = Columns {
    names: COLUMNS,
    required: COLUMNS,
    either: &[],
};

/// A row on its way.
pub(super) struct Draft {
    pub(super) line: u64,
    pub(super) problems: Vec<RowProblem>,
    /// Present when the row has no problem.
    pub(super) programme: Option<Programme>,
}

/// Reads one row.
pub(super) fn draft(mut row: Row<'_>) -> Draft {
    let programme = if row.whole { fields(&mut row) } else { None };
    Draft {
        line: row.line,
        programme: programme.filter(|_| row.problems.is_empty()),
        problems: row.problems,
    }
}

/// What the columns of the contract say; the file says nothing of the others.
pub(crate) fn fields(row: &mut Row<'_>) -> Option<Programme> {
    let code = code(row, Column::Programme);
    let name = text(row, Column::Name, true);
    let provider = text(row, Column::Provider, true);
    let funder = text(row, Column::Funder, false);
    let tier = values::code(row, Column::Tier, Dimension::Tier, NOT_STATED);
    let kind = values::code(row, Column::Type, Dimension::ProgrammeType, NOT_STATED);
    let audience = values::code(row, Column::Audience, Dimension::Audience, NOT_STATED);
    let cost_pence = pence(row, Column::Cost);
    let capacity = places(row, Column::Capacity);
    let start = values::date(row, Column::Start);
    let end = values::date(row, Column::End);
    if start.zip(end).is_some_and(|(start, end)| end < start) {
        row.problem(Column::End, faults::END_BEFORE);
    }
    Some(Programme {
        code,
        name,
        provider,
        tier: tier?,
        kind: kind?,
        audience: audience?,
        funder,
        cost_pence,
        capacity,
        start,
        end,
        skills: 0,
        mode: None,
        funder_organisation: None,
    })
}

/// The code that something is known by.
pub(crate) fn code(row: &mut Row<'_>, column: impl Into<usize>) -> String {
    let column = column.into();
    let code = row.text(column).to_owned();
    if code.is_empty() {
        row.problem(column, faults::REQUIRED);
    } else if !values::is_code(&code) {
        row.problem(column, faults::CODE_FORM);
    } else if !personal::find(&code).is_empty() {
        row.problem(column, faults::PERSONAL);
    }
    code
}

/// A number of places.
pub(crate) fn places(row: &mut Row<'_>, column: impl Into<usize>) -> Option<i64> {
    let column = column.into();
    let text = row.text(column);
    let places = values::whole(text, 0, 1_000_000);
    if places.is_none() && !text.is_empty() {
        row.problem(column, faults::CAPACITY);
    }
    places
}

/// A text that is kept and shown.
pub(crate) fn text(row: &mut Row<'_>, column: impl Into<usize>, required: bool) -> String {
    text_within(row, column, required, (values::TEXT, faults::TEXT_SIZE))
}

/// A text of at most so many characters; with what is wrong with a longer one.
pub(crate) fn text_within(
    row: &mut Row<'_>,
    column: impl Into<usize>,
    required: bool,
    (longest, too_long): (usize, Fault),
) -> String {
    let column = column.into();
    let text = values::one_spacing(row.text(column));
    if text.is_empty() && required {
        row.problem(column, faults::REQUIRED);
    } else if text.chars().count() > longest {
        row.problem(column, too_long);
    } else if !personal::find(&text).is_empty() {
        row.problem(column, faults::PERSONAL);
    }
    text
}

/// Pence of pounds such as `12500` or `12500.50`, at most a billion.
pub(crate) fn amount(text: &str) -> Option<i64> {
    let (pounds, pence) = text.split_once('.').unwrap_or((text, "00"));
    let pence = values::whole(pence, 0, 99).filter(|_| pence.len() == 2)?;
    let pounds = values::whole(pounds, 0, 1_000_000_000)?;
    Some(pounds * 100 + pence)
}

/// Pounds and pence, at most a billion pounds.
pub(crate) fn pence(row: &mut Row<'_>, column: impl Into<usize>) -> Option<i64> {
    let column = column.into();
    let text = row.text(column);
    if text.is_empty() {
        return None;
    }
    let amount = amount(text);
    if amount.is_none() {
        row.problem(column, faults::COST);
    }
    amount
}
