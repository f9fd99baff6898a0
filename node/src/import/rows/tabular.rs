//! A file that may be text or a workbook, told by its first bytes, with a mapping of its columns or without.

use std::io::{self, Read, Seek};

use ldsp_protocol::ids::Digest;

use super::csv_file::{self, CsvRows};
use super::mapped::{Mapped, Plan};
use super::sheet::{COLUMNS, Head, Raw, SheetName, SheetRows, Workbook};
use super::{Next, Opened, Record, Rows, Shape, Source, packed};
use crate::import::faults;
use crate::import::mapping::{Contract, Reading, TextForm};
use crate::import::report::{Fault, RowProblem};

/// Sheets that are searched for the header. Each is read as far as its first rows, which a made-up one puts at its very end.
const SEARCHED: usize = 40;
/// The same of a published workbook with a table on each sheet.
const TITLED: usize = 120;

/// Rows as they stand in a file.
pub(in crate::import) enum RawRows<R> {
    Text(Box<CsvRows<R>>),
    Sheet(SheetRows),
}

impl<R: Read> RawRows<R> {
    pub(in crate::import) fn next(&mut self, raw: &mut Raw) -> io::Result<Next> {
        match self {
            Self::Sheet(rows) => rows.next(raw),
            Self::Text(rows) => {
                let next = rows.read(&mut raw.cells)?;
                raw.line = raw.cells.position().map_or(0, csv::Position::line);
                raw.kinds.clear();
                Ok(next)
            }
        }
    }

    pub(in crate::import) fn end(self, rows: u64) -> (Digest, Vec<RowProblem>) {
        match self {
            Self::Text(lines) => lines.end(rows),
            Self::Sheet(lines) => lines.end(rows),
        }
    }
}

/// A file whose header was found.
pub(in crate::import) struct RawTable<R> {
    /// The columns' names as they stand there.
    pub(in crate::import) names: Vec<String>,
    /// Of a workbook: what stands in the rows above them.
    pub(in crate::import) above: Vec<String>,
    /// Line of the header.
    pub(in crate::import) line: u64,
    pub(in crate::import) rows: RawRows<R>,
    /// The sheet of a workbook.
    pub(in crate::import) sheet: Option<String>,
    /// Cells of the workbook that hold a formula.
    pub(in crate::import) formulas: u64,
}

/// Why a file has no rows.
#[derive(Default)]
pub(in crate::import) struct NoRows {
    pub(in crate::import) problems: Vec<RowProblem>,
    /// The sheets, when it is not clear which is meant.
    pub(in crate::import) sheets: Vec<SheetName>,
}

impl From<RowProblem> for NoRows {
    fn from(problem: RowProblem) -> Self {
        Self {
            problems: vec![problem],
            sheets: Vec::new(),
        }
    }
}

/// Opens a file; `wanted` says whether a header is the one that is looked for among several sheets'.
///
/// # Errors
/// It cannot be read.
pub(in crate::import) fn open_raw<R: Read + Seek + Send + 'static>(
    file: R,
    reading: &Reading,
    wanted: &dyn Fn(&[String]) -> bool,
) -> io::Result<Result<RawTable<R>, NoRows>> {
    let western = reading.text() == TextForm::Windows1252;
    let sheet = reading.sheet.as_deref();
    open_with(file, western, |book| choose(book, sheet, wanted))
}

/// Opens a file, of a workbook the one sheet above whose header stands what is `wanted`; `missing`: what is wrong where there is none.
///
/// # Errors
/// It cannot be read.
pub(in crate::import) fn open_titled<R: Read + Seek + Send + 'static>(
    file: R,
    wanted: &dyn Fn(&[String]) -> bool,
    missing: Fault,
) -> io::Result<Result<RawTable<R>, NoRows>> {
    open_with(file, false, |book| titled(book, wanted, missing))
}

/// The sheet that was chosen and its header, or why there is none.
type Chosen = io::Result<Result<(String, Head), NoRows>>;

fn open_with<R: Read + Seek + Send + 'static>(
    mut file: R,
    western: bool,
    choose: impl FnOnce(&mut Workbook<R>) -> Chosen,
) -> io::Result<Result<RawTable<R>, NoRows>> {
    let start = packed::start(&mut file)?;
    if packed::is_compound(&start) {
        let fault = packed::compound(&mut file)?;
        return Ok(Err(fault.at(1, None).into()));
    }
    if packed::is_packed(&start) {
        return workbook(file, choose);
    }
    Ok(match csv_file::open(file, western)? {
        Err(fault) => Err(fault.into()),
        Ok((header, rows)) => Ok(RawTable {
            names: header.iter().map(|name| name.trim().to_owned()).collect(),
            above: Vec::new(),
            line: 1,
            rows: RawRows::Text(Box::new(rows)),
            sheet: None,
            formulas: 0,
        }),
    })
}

fn workbook<R: Read + Seek + Send + 'static>(
    file: R,
    choose: impl FnOnce(&mut Workbook<R>) -> Chosen,
) -> io::Result<Result<RawTable<R>, NoRows>> {
    let mut book = match Workbook::open(file)? {
        Ok(book) => book,
        Err(fault) => return Ok(Err(fault.at(1, None).into())),
    };
    let (sheet, head) = match choose(&mut book)? {
        Ok(chosen) => chosen,
        Err(why) => return Ok(Err(why)),
    };
    if head.names.is_empty() {
        return Ok(Err(faults::NO_HEADER.at(1, None).into()));
    }
    if head.names.len() > COLUMNS {
        return Ok(Err(faults::FIELD_COUNT.at(head.line, None).into()));
    }
    let formulas = book.formulas();
    Ok(match book.rows(&sheet, &head)? {
        Err(problem) => Err(problem.into()),
        Ok(rows) => Ok(RawTable {
            names: head.names,
            above: head.above,
            line: head.line,
            rows: RawRows::Sheet(rows),
            sheet: Some(sheet),
            formulas,
        }),
    })
}

/// The sheet that holds the rows: the named one, the only visible one with the header, or the only visible one that holds anything.
fn choose<R: Read + Seek + Send + 'static>(
    book: &mut Workbook<R>,
    named: Option<&str>,
    wanted: &dyn Fn(&[String]) -> bool,
) -> Chosen {
    if let Some(named) = named {
        let same =
            |sheet: &&SheetName| sheet.name.trim().to_lowercase() == named.trim().to_lowercase();
        let Some(sheet) = book.sheets.iter().find(same) else {
            return Ok(Err(faults::SHEET_UNKNOWN.at(1, None).into()));
        };
        let name = sheet.name.clone();
        return Ok(match book.head(&name)? {
            Ok(head) => Ok((name, head)),
            Err(fault) => Err(fault.at(1, None).into()),
        });
    }
    let visible: Vec<SheetName> = book.sheets.iter().filter(|s| !s.hidden).cloned().collect();
    if visible.len() > SEARCHED {
        let problems = vec![faults::SHEETS_MANY.at(1, None)];
        let sheets = visible.into_iter().take(SEARCHED).collect();
        return Ok(Err(NoRows { problems, sheets }));
    }
    let mut with_header = Vec::new();
    let mut filled = Vec::new();
    for sheet in &visible {
        let head = match book.head(&sheet.name)? {
            Ok(head) => head,
            Err(fault) => return Ok(Err(fault.at(1, None).into())),
        };
        if wanted(&head.names) {
            with_header.push((sheet.name.clone(), head.clone()));
        }
        if !head.names.is_empty() {
            filled.push((sheet.name.clone(), head));
        }
    }
    for mut found in [with_header, filled] {
        match found.len() {
            0 => {}
            1 => return Ok(Ok(found.remove(0))),
            _ => {
                let sheets = visible
                    .into_iter()
                    .filter(|sheet| found.iter().any(|(name, _)| *name == sheet.name))
                    .collect();
                let problems = vec![faults::SHEETS.at(1, None)];
                return Ok(Err(NoRows { problems, sheets }));
            }
        }
    }
    Ok(Err(faults::NO_SHEET.at(1, None).into()))
}

/// The only visible sheet with such words above its header.
fn titled<R: Read + Seek + Send + 'static>(
    book: &mut Workbook<R>,
    wanted: &dyn Fn(&[String]) -> bool,
    missing: Fault,
) -> Chosen {
    let sheets = book.sheets.iter().filter(|sheet| !sheet.hidden);
    let sheets: Vec<SheetName> = sheets.take(TITLED).cloned().collect();
    let mut found = Vec::new();
    for sheet in sheets {
        match book.head(&sheet.name)? {
            Ok(head) if wanted(&head.above) => found.push((sheet, head)),
            Ok(_) => {}
            Err(fault) => return Ok(Err(fault.at(1, None).into())),
        }
    }
    Ok(match found.len() {
        0 => Err(missing.at(1, None).into()),
        1 => Ok(found.remove(0)).map(|(sheet, head)| (sheet.name, head)),
        _ => Err(NoRows {
            problems: vec![faults::SHEETS.at(1, None)],
            sheets: found.into_iter().map(|(sheet, _)| sheet).collect(),
        }),
    })
}

/// A file in the columns of a contract, by a mapping or by its own names.
pub(in crate::import) struct Tabular<R> {
    file: R,
    contract: Contract,
    reading: Reading,
}

impl<R> Tabular<R> {
    /// The rows of `file`, read as `reading` says.
    pub(in crate::import) fn new(file: R, contract: Contract, reading: Reading) -> Self {
        Self {
            file,
            contract,
            reading,
        }
    }
}

impl<R: Read + Seek + Send + 'static> Source for Tabular<R> {
    type Rows = TabularRows<R>;

    fn open(self) -> io::Result<Result<Opened<TabularRows<R>>, Vec<RowProblem>>> {
        let (contract, reading) = (self.contract, self.reading);
        let wanted = |names: &[String]| contract.plan(names, reading.mapping.as_ref()).is_ok();
        let table = match open_raw(self.file, &reading, &wanted)? {
            Ok(table) => table,
            Err(why) => return Ok(Err(why.problems)),
        };
        let plan = match contract.plan(&table.names, reading.mapping.as_ref()) {
            Ok(plan) => plan,
            Err(problems) => {
                let at = |problem| RowProblem {
                    line: table.line,
                    ..problem
                };
                return Ok(Err(problems.into_iter().map(at).collect()));
            }
        };
        Ok(Ok(match (table.rows, &reading.mapping) {
            // Rows of the contract's own file need no second look.
            (RawRows::Text(rows), None) => Opened {
                shape: plain(plan),
                rows: TabularRows::Plain(rows),
            },
            (raw, _) => Opened {
                shape: plan.shape(),
                rows: TabularRows::Mapped(Box::new(Mapped {
                    raw,
                    plan,
                    row: Raw::default(),
                })),
            },
        }))
    }
}

/// The shape of the file itself.
fn plain(plan: Plan) -> Shape {
    use super::Field;
    let place = |field: &Option<Field>| match field {
        Some(Field::Column { at, .. }) => Some(*at),
        _ => None,
    };
    Shape {
        names: plan.names,
        places: plan.fields.iter().map(place).collect(),
        width: plan.width,
        letters: Vec::new(),
    }
}

/// The rows of a [`Tabular`].
pub(in crate::import) enum TabularRows<R> {
    Plain(Box<CsvRows<R>>),
    Mapped(Box<Mapped<R>>),
}

impl<R: Read> Rows for TabularRows<R> {
    fn next(&mut self, record: &mut Record) -> io::Result<Next> {
        match self {
            Self::Plain(rows) => rows.next(record),
            Self::Mapped(rows) => rows.next(record),
        }
    }

    fn end(self, rows: u64) -> (Digest, Vec<RowProblem>) {
        match self {
            Self::Plain(lines) => lines.end(rows),
            Self::Mapped(lines) => lines.end(rows),
        }
    }
}
