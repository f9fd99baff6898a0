//! A row: its fields by column, and what is wrong with them.

use csv::StringRecord;

use super::{Record, Shape};
use crate::import::faults;
use crate::import::report::{Fault, RowProblem};

const FIELD_BYTES: usize = 1_000;
/// Columns of texts that may be as long as a row and have lines of their own; nothing of them is kept as it stands.
const LONG: [&str; 1] = ["description"];

/// One row with the problems found in it so far. It has no `Debug`: it holds what must not be kept.
pub(crate) struct Row<'a> {
    /// Line on which it begins.
    pub(crate) line: u64,
    /// What is wrong with it.
    pub(crate) problems: Vec<RowProblem>,
    /// Whether its fields can be told apart.
    pub(crate) whole: bool,
    record: &'a StringRecord,
    shape: &'a Shape,
    /// Bit per column: unreadable, reported, and empty for whoever asks.
    bad: u64,
}

impl<'a> Row<'a> {
    /// A row of a source whose rows have that shape. What the source found wrong with it is taken out of `record`.
    pub(super) fn new(record: &'a mut Record, shape: &'a Shape) -> Self {
        let problems = std::mem::take(&mut record.problems);
        let reported = std::mem::take(&mut record.reported);
        let record = &record.fields;
        let mut row = Self {
            line: record.position().map_or(0, csv::Position::line),
            problems,
            whole: record.len() == shape.width,
            record,
            shape,
            bad: reported,
        };
        if !row.whole {
            row.problems.push(faults::FIELD_COUNT.at(row.line, None));
            return row;
        }
        if is_plain(record.as_slice()) {
            return row;
        }
        for column in 0..shape.names.len() {
            let text = row.text(column);
            if LONG.contains(&shape.names[column]) {
                continue;
            }
            let fault = if text.len() > FIELD_BYTES {
                faults::FIELD_SIZE
            } else if text.chars().any(char::is_control) {
                faults::CONTROL
            } else {
                continue;
            };
            row.problem(column, fault);
            row.bad |= 1 << column;
        }
        row
    }

    /// The field of a column without spaces around it; empty when the file has no such column.
    pub(crate) fn text(&self, column: impl Into<usize>) -> &'a str {
        let column = column.into();
        if self.bad >> column & 1 == 1 {
            return "";
        }
        let place = self.shape.places.get(column).copied().flatten();
        let text = place.and_then(|at| self.record.get(at)).unwrap_or_default();
        trimmed(text)
    }

    /// Whether the file has the column at all.
    pub(crate) fn has(&self, column: impl Into<usize>) -> bool {
        let place = self.shape.places.get(column.into());
        place.is_some_and(Option::is_some)
    }

    /// Reports a problem of a column, unless the column was reported as unreadable.
    pub(crate) fn problem(&mut self, column: impl Into<usize>, fault: Fault) {
        self.report(column, |line, field| fault.at(line, field));
    }

    /// The same with a problem that is made for the place.
    pub(crate) fn report(
        &mut self,
        column: impl Into<usize>,
        make: impl FnOnce(u64, Option<&'static str>) -> RowProblem,
    ) {
        let column = column.into();
        if self.bad >> column & 1 == 0 {
            let field = self.shape.names.get(column).copied();
            let mut problem = make(self.line, field);
            if let Some(Some(letter)) = self.shape.letters.get(column) {
                problem.cause = format!("{} (Column {letter} of the file.)", problem.cause).into();
            }
            self.problems.push(problem);
        }
    }
}

/// Whether a row's text, all fields together, is so short and plain that no field of it can be too long or hold a
/// control character.
fn is_plain(text: &str) -> bool {
    // Without an early end the compiler looks at many bytes at once.
    let odd = |found, byte: &u8| found | !(b' '..=b'~').contains(byte);
    text.len() <= FIELD_BYTES && !text.as_bytes().iter().fold(false, odd)
}

/// [`str::trim`], without work for a field that begins and ends with a visible ASCII character.
fn trimmed(text: &str) -> &str {
    match text.as_bytes() {
        [] => text,
        [one] if one.is_ascii_graphic() => text,
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim(),
    }
}
