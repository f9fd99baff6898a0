//! A look at a file before it is mapped: its columns, and of their values no more than a mapping needs.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek};

use ldsp_protocol::personal;

use super::contract::{self, Contract};
use super::{Kind, Mapping, NAME, Origin, Reading, VALUE, VALUES};
use crate::import::faults;
use crate::import::report::RowProblem;
use crate::import::rows::{Kind as Cell, Next, Raw, RawTable, SheetName, date_forms, open_raw};

/// What was seen of a column. It has no `Debug`: its values may tell of people until a person has said that they are codes.
#[derive(Clone, Default)]
pub struct Seen {
    /// Its name.
    pub name: String,
    /// Cells that are not empty.
    pub filled: u64,
    /// Texts that are dates in the form YYYY-MM-DD.
    pub iso: u64,
    /// Texts that are dates with the day first, or the month.
    pub slashed: u64,
    /// Cells that a workbook keeps as numbers.
    pub numbers: u64,
    /// Its values and how often each is there; `None` when they are too many or too long for codes.
    values: Option<BTreeMap<String, u64>>,
    /// Up to [`EXAMPLES`] forms of its values, see [`form_of`].
    forms: Vec<String>,
}

/// Examples of a column's values.
const EXAMPLES: usize = 3;
/// How often a value has to be there to be an example: what is of one person alone is not.
const OFTEN: u64 = 3;
/// Longest form that is shown, in characters.
const FORM: usize = 24;

/// What a value looks like, without what it says: digits as 9, letters as A or a.
fn form_of(text: &str) -> String {
    let plain = |c: char| match c {
        c if c.is_numeric() => '9',
        c if c.is_uppercase() => 'A',
        c if c.is_alphabetic() => 'a',
        c => c,
    };
    let mut form: String = text.chars().take(FORM).map(plain).collect();
    if text.chars().count() > FORM {
        form.push('\u{2026}');
    }
    form
}

/// Three examples of what a column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Examples {
    /// Values as they are, each of several rows.
    Values(Vec<String>),
    /// Their form alone: digits as 9, letters as A or a.
    Forms(Vec<String>),
}

impl Seen {
    /// Examples of its values. As they are only where nothing looks like a person's own: few different ones, short, no dates, each on several rows, and the
    /// column is not called what a person's details are called.
    #[must_use]
    pub fn examples(&self) -> Examples {
        let forms = || Examples::Forms(self.forms.clone());
        // A day may be one of birth, whatever the column is called.
        let is_own = is_of_a_person(&self.name) || self.iso + self.slashed > 0;
        let Some(values) = self.values.as_ref().filter(|_| !is_own) else {
            return forms();
        };
        let mut often: Vec<(&String, &u64)> = values.iter().filter(|(_, n)| **n >= OFTEN).collect();
        often.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
        if often.is_empty() {
            return forms();
        }
        let values = often.into_iter().take(EXAMPLES);
        Examples::Values(values.map(|(value, _)| value.clone()).collect())
    }

    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            values: Some(BTreeMap::new()),
            ..Self::default()
        }
    }

    fn take(&mut self, text: &str, cell: Cell) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        self.filled += 1;
        if self.forms.len() < EXAMPLES {
            let form = form_of(text);
            if !self.forms.contains(&form) {
                self.forms.push(form);
            }
        }
        match cell {
            Cell::Text => {
                let (iso, slashed) = date_forms(text);
                self.iso += u64::from(iso);
                self.slashed += u64::from(slashed);
            }
            Cell::Number | Cell::Imprecise => self.numbers += 1,
            _ => {}
        }
        let Some(values) = &mut self.values else {
            return;
        };
        if let Some(count) = values.get_mut(text) {
            *count += 1;
        } else if values.len() == VALUES
            || text.chars().count() > VALUE
            || !personal::find(text).is_empty()
        {
            self.values = None;
        } else {
            values.insert(text.to_owned(), 1);
        }
    }
}

/// Whether a column of this name holds what tells who somebody is, as far as the name says it.
fn is_of_a_person(name: &str) -> bool {
    let name = crate::import::header::plain(name);
    let identifies = |column: &str| super::propose::is_known(column, &name);
    ["learner_ref", "uln", "birth_date", "postcode"]
        .into_iter()
        .any(identifies)
        || crate::import::header::is_unwanted(&name)
        || [
            "name", "birth", "dob", "phone", "mail", "postcode", "address", "contact",
        ]
        .iter()
        .any(|part| name.contains(part))
}

/// A file whose columns can be mapped.
#[derive(Clone)]
pub struct Look {
    /// The sheet of a workbook.
    pub sheet: Option<String>,
    /// Line of the header.
    pub line: u64,
    /// Rows below it.
    pub rows: u64,
    /// Cells of the workbook that hold a formula; their saved values are read.
    pub formulas: u64,
    /// The columns in the order of the file.
    pub columns: Vec<Seen>,
    /// Whether they are the contract's, so that no mapping is needed.
    pub is_contract: bool,
}

/// A column of the contract, with the values that are no codes and how often each is there; `None` when they are too many or too long to
/// be shown.
pub type Unknown = (&'static str, Option<Vec<(String, u64)>>);

/// What a look found.
pub enum Looked {
    /// Columns.
    Table(Box<Look>),
    /// Several sheets, one of which has to be named.
    Sheets(Vec<SheetName>),
    /// Text that is not UTF-8: it may be Windows-1252.
    Western,
    /// What makes the file unreadable.
    Refused(Vec<RowProblem>),
}

/// Looks at a whole file on a thread of its own. Memory: [`VALUES`] short values of each column.
///
/// # Errors
/// It cannot be read.
pub async fn look(
    file: impl Read + Seek + Send + 'static,
    kind: Kind,
    reading: &Reading,
) -> io::Result<Looked> {
    let reading = reading.clone();
    tokio::task::spawn_blocking(move || read(file, kind, &reading))
        .await
        .map_err(io::Error::other)?
}

fn read(
    file: impl Read + Seek + Send + 'static,
    kind: Kind,
    reading: &Reading,
) -> io::Result<Looked> {
    let contract = Contract::of(kind);
    let known = |names: &[String]| contract.plan(names, None).is_ok();
    let wanted =
        |names: &[String]| known(names) || contract.plan(names, reading.mapping.as_ref()).is_ok();
    let table = match open_raw(file, reading, &wanted)? {
        Ok(table) => table,
        Err(why) if !why.sheets.is_empty() => return Ok(Looked::Sheets(why.sheets)),
        Err(why) => return Ok(refused(why.problems)),
    };
    if let Some(problem) = no_header(&table) {
        return Ok(Looked::Refused(vec![problem]));
    }
    let is_contract = known(&table.names);
    let RawTable {
        names,
        line,
        rows: mut raw,
        sheet,
        formulas,
        ..
    } = table;
    let mut columns: Vec<Seen> = names.iter().map(|name| Seen::new(name)).collect();
    let (mut rows, mut row) = (0, Raw::default());
    loop {
        match raw.next(&mut row)? {
            Next::Row if row.is_blank() => {}
            Next::Row => {
                rows += 1;
                for (at, column) in columns.iter_mut().enumerate() {
                    column.take(row.cells.get(at).unwrap_or_default(), row.kind(at));
                }
            }
            Next::End => break,
            Next::Fault(problem) => return Ok(refused(vec![problem])),
        }
    }
    Ok(Looked::Table(Box::new(Look {
        sheet,
        line,
        rows,
        formulas,
        columns,
        is_contract,
    })))
}

fn refused(problems: Vec<RowProblem>) -> Looked {
    let western = faults::WINDOWS_1252.at(1, None);
    if problems
        .iter()
        .all(|problem| problem.cause == western.cause)
    {
        Looked::Western
    } else {
        Looked::Refused(problems)
    }
}

/// Whether the first row holds data: then its fields must not be shown or kept as names.
fn no_header<R>(table: &RawTable<R>) -> Option<RowProblem> {
    let is_data = |name: &String| {
        let digits = name.bytes().filter(u8::is_ascii_digit).count();
        let (iso, slashed) = date_forms(name);
        let is_number = digits > 0
            && name
                .bytes()
                .all(|b| b.is_ascii_digit() || b".,- ".contains(&b));
        iso || slashed
            || is_number
            || digits >= 6
            || name.chars().count() > NAME
            || name.chars().any(char::is_control)
            || !personal::find(name).is_empty()
    };
    let named = table.names.iter().filter(|name| !name.is_empty()).count();
    let is_bad = named == 0 || table.names.iter().any(is_data);
    is_bad.then(|| faults::NO_HEADER.at(table.line, None))
}

impl Look {
    /// The column of the file of this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Seen> {
        let plain = crate::import::header::plain;
        let wanted = plain(name);
        self.columns.iter().find(|seen| plain(&seen.name) == wanted)
    }

    /// The names of all columns, as the file has them.
    #[must_use]
    pub fn header(&self) -> Vec<&str> {
        self.columns.iter().map(|seen| seen.name.as_str()).collect()
    }

    /// The names of the columns that can be chosen, each once: those that the file has once.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let plain = crate::import::header::plain;
        let once = |seen: &&Seen| {
            let same = |other: &&Seen| plain(&other.name) == plain(&seen.name);
            !seen.name.is_empty() && self.columns.iter().filter(same).count() == 1
        };
        self.columns
            .iter()
            .filter(once)
            .map(|seen| seen.name.as_str())
            .collect()
    }

    /// Dates of the mapped columns that are written as texts: in the form YYYY-MM-DD, and with slashes.
    #[must_use]
    pub fn dates(&self, mapping: &Mapping) -> (u64, u64) {
        let mut all = (0, 0);
        for (column, origin) in &mapping.columns {
            if let (true, Origin::Column(name)) = (mapping.kind.is_date(column), origin)
                && let Some(seen) = self.column(name)
            {
                all = (all.0 + seen.iso, all.1 + seen.slashed);
            }
        }
        all
    }

    /// For each mapped column of codes, the values that are no codes of the data standard, the empty one among them where a row is
    /// refused for it; `None` for one whose values are too many or
    /// too long to be shown.
    #[must_use]
    pub fn unknown(&self, mapping: &Mapping) -> Vec<Unknown> {
        let kind = mapping.kind;
        let of = |column: &&'static str| {
            kind.codes(column)?;
            let Some(Origin::Column(name)) = mapping.columns.get(*column) else {
                return None;
            };
            let seen = self.column(name)?;
            let Some(values) = &seen.values else {
                return Some((*column, None));
            };
            let unknown = values
                .iter()
                .filter(|(value, _)| !contract::is_known(kind, column, value));
            let unknown = unknown.map(|(value, count)| (value.clone(), *count));
            let empty = self.rows.saturating_sub(seen.filled);
            let empty = contract::means_something_empty(kind, column).then_some(empty);
            let empty = empty.filter(|n| *n > 0).map(|n| (String::new(), n));
            let unknown: Vec<(String, u64)> = unknown.chain(empty).collect();
            (!unknown.is_empty()).then_some((*column, Some(unknown)))
        };
        kind.columns().iter().filter_map(of).collect()
    }

    /// Columns of references or codes that the workbook keeps as numbers: zeros that they began with are lost.
    #[must_use]
    pub fn numbers(&self, mapping: &Mapping) -> Vec<&'static str> {
        let is_number = |column: &&&'static str| {
            let Some(Origin::Column(name)) = mapping.columns.get(**column) else {
                return false;
            };
            ["learner_ref", "aim", "programme"].contains(*column)
                && self.column(name).is_some_and(|seen| seen.numbers > 0)
        };
        mapping
            .kind
            .columns()
            .iter()
            .filter(is_number)
            .copied()
            .collect()
    }
}
