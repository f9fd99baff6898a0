//! Rows of a file with columns of its own, in the columns of the contract.

use std::collections::HashMap;
use std::io::{self, Read};

use csv::{Position, StringRecord};
use jiff::civil::Date;
use ldsp_protocol::ids::Digest;

use super::sheet::{Kind, Raw};
use super::tabular::RawRows;
use super::{Next, Record, Rows, Shape};
use crate::import::faults;
use crate::import::header::letters;
use crate::import::mapping::{DateForm, folded};
use crate::import::report::{Fault, RowProblem};

/// What a column of the contract is made of.
pub(in crate::import) enum Field {
    /// The same text on every row.
    Always(String),
    /// A column of the file.
    Column {
        at: usize,
        /// Codes by what the file says instead, [`folded`].
        values: HashMap<String, String>,
    },
}

/// How the rows of a file become rows of the contract.
pub(in crate::import) struct Plan {
    /// The contract's columns.
    pub(in crate::import) names: &'static [&'static str],
    /// For each of them; `None` when the file has none and none is needed.
    pub(in crate::import) fields: Vec<Option<Field>>,
    /// Which of them hold dates, and amounts of money.
    pub(in crate::import) dates: &'static [&'static str],
    pub(in crate::import) amounts: &'static [&'static str],
    /// How texts in them are dates.
    pub(in crate::import) form: DateForm,
    /// Columns of the file.
    pub(in crate::import) width: usize,
}

impl Plan {
    /// The shape of the rows that it makes.
    pub(super) fn shape(&self) -> Shape {
        let letter = |field: &Option<Field>| match field {
            Some(Field::Column { at, .. }) => Some(letters(*at)),
            _ => None,
        };
        Shape {
            names: self.names,
            places: (0..self.fields.len())
                .map(|at| self.fields[at].as_ref().map(|_| at))
                .collect(),
            width: self.fields.len(),
            letters: self.fields.iter().map(letter).collect(),
        }
    }

    /// Makes a row of the contract of one of the file.
    fn apply(&self, raw: &Raw, record: &mut Record) {
        record.fields.clear();
        let mut position = Position::new();
        position.set_line(raw.line);
        record.fields.set_position(Some(position));
        if raw.cells.len() != self.width {
            // One field where the contract has many: the row cannot be told apart.
            record.fields.push_field("?");
            return;
        }
        for (column, field) in self.fields.iter().enumerate() {
            match field {
                None => record.fields.push_field(""),
                Some(Field::Always(text)) => record.fields.push_field(text),
                Some(Field::Column { at, values }) => {
                    let (text, kind) = (raw.cells.get(*at).unwrap_or_default(), raw.kind(*at));
                    if let Some(fault) = self.fault(column, kind) {
                        let cause =
                            format!("{} (Column {} of the file.)", fault.cause, letters(*at));
                        record.problems.push(RowProblem {
                            cause: cause.into(),
                            ..fault.at(raw.line, Some(self.names[column]))
                        });
                        record.reported |= 1 << column;
                        record.fields.push_field("");
                    } else {
                        self.push(column, text, kind, values, &mut record.fields);
                    }
                }
            }
        }
    }

    /// What is wrong with a cell of this kind in a column of the contract.
    fn fault(&self, column: usize, kind: Kind) -> Option<Fault> {
        match kind {
            Kind::Error => Some(faults::CELL_ERROR),
            Kind::Uncalculated => Some(faults::UNCALCULATED),
            Kind::Imprecise => Some(faults::CELL_NUMBER),
            Kind::Date if !self.dates.contains(&self.names[column]) => Some(faults::CELL_DATE),
            _ => None,
        }
    }

    fn push(
        &self,
        column: usize,
        text: &str,
        kind: Kind,
        values: &HashMap<String, String>,
        into: &mut StringRecord,
    ) {
        let name = &self.names[column];
        if kind == Kind::Text && self.dates.contains(name) {
            match self.form.read(text) {
                Some(date) => into.push_field(&date),
                None => into.push_field(text),
            }
        } else if kind == Kind::Number && self.amounts.contains(name) {
            into.push_field(&amount(text));
        } else if values.is_empty() {
            into.push_field(text);
        } else {
            into.push_field(values.get(&folded(text)).map_or(text, String::as_str));
        }
    }
}

impl DateForm {
    /// A date of this form as YYYY-MM-DD; `None` for what has another form, which is left as it is. The contract's own form is always
    /// read: it can mean one day only.
    fn read(self, text: &str) -> Option<String> {
        if self == Self::Iso {
            return None;
        }
        let text = text.trim();
        // A time behind the date, as programs write it, says nothing here.
        let text = text
            .split_once(' ')
            .filter(|(_, time)| is_time(time))
            .map_or(text, |(date, _)| date);
        let mut parts = text.split(['/', '.', '-']);
        let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let fits = (1..=2).contains(&day.len())
            && (1..=2).contains(&month.len())
            && year.len() == 4
            && parts.next().is_none()
            && [day, month, year].into_iter().all(digits);
        fits.then(|| format!("{year}-{month:0>2}-{day:0>2}"))
    }
}

fn is_time(text: &str) -> bool {
    (4..=8).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit() || b == b':')
}

/// An amount that a workbook keeps as a number, with the pence that the contract asks for.
fn amount(text: &str) -> String {
    let Ok(number) = text.parse::<f64>() else {
        return text.to_owned();
    };
    let pence = (number * 100.0).round();
    let is_whole = (number * 100.0 - pence).abs() < 1e-6;
    if is_whole && number.fract() != 0.0 {
        format!("{number:.2}")
    } else {
        text.to_owned()
    }
}

/// Whether a text has the contract's form of a date, and of one with the day first.
pub(in crate::import) fn date_forms(text: &str) -> (bool, bool) {
    let iso = text.trim().parse::<Date>().is_ok() && text.trim().len() == 10;
    (iso, !iso && DateForm::DayFirst.read(text).is_some())
}

/// The rows.
pub(in crate::import) struct Mapped<R> {
    pub(super) raw: RawRows<R>,
    pub(super) plan: Plan,
    pub(super) row: Raw,
}

impl<R: Read> Rows for Mapped<R> {
    fn next(&mut self, record: &mut Record) -> io::Result<Next> {
        loop {
            match self.raw.next(&mut self.row)? {
                // A blank row would not be blank any more.
                Next::Row if self.row.is_blank() => {}
                Next::Row => {
                    self.plan.apply(&self.row, record);
                    return Ok(Next::Row);
                }
                other => return Ok(other),
            }
        }
    }

    fn end(self, rows: u64) -> (Digest, Vec<RowProblem>) {
        self.raw.end(rows)
    }
}
