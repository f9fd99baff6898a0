//! A workbook (XLSX) as rows: of one sheet, cell after cell, behind the guard of [`super::packed`].
//!
//! The reader of cells borrows the workbook, so it runs on a thread of its own and sends rows in batches. Memory: the shared strings and
//! formats (bounded by the guard), [`AHEAD`] + 2 batches of [`BATCH`] rows of at most 64 KiB, and the archive's directory.
//!
//! Values only: a formula gives the value that was saved with it. A date is what the workbook formats as one, in either of its two
//! calendars (1900, 1904); the time of day is left out.

use std::io::{self, Read, Seek};
use std::sync::mpsc;
use std::thread;

use calamine::{
    DataRef, Dimensions, Reader as _, SheetType, SheetVisible, Xlsx, XlsxCellReader, XlsxError,
};
use csv::StringRecord;
use ldsp_protocol::ids::Digest;

use super::{Fault, Next, RECORD_BYTES, packed};
use crate::import::faults;
use crate::import::report::RowProblem;

const BATCH: usize = 64;
const AHEAD: usize = 4;
/// The header is looked for in this many rows from the top.
const TOP: u64 = 20;
/// Columns that are read.
pub(super) const COLUMNS: usize = 256;

/// What a cell is, besides its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::import) enum Kind {
    #[default]
    Text,
    Number,
    /// A number with more digits than the workbook keeps.
    Imprecise,
    /// A date, as YYYY-MM-DD.
    Date,
    /// An error of a formula.
    Error,
    /// A formula without a saved value.
    Uncalculated,
}

/// A row as it stands in a file. It has no `Debug`: it holds what must not be kept.
#[derive(Default, Clone)]
pub(in crate::import) struct Raw {
    /// Line of the file or row of the sheet, from 1.
    pub(in crate::import) line: u64,
    pub(in crate::import) cells: StringRecord,
    /// Of the cells in the same place; shorter when the rest is text.
    pub(in crate::import) kinds: Vec<Kind>,
}

impl Raw {
    pub(in crate::import) fn kind(&self, at: usize) -> Kind {
        self.kinds.get(at).copied().unwrap_or_default()
    }

    pub(in crate::import) fn is_blank(&self) -> bool {
        let blank = |(at, text): (usize, &str)| {
            !matches!(self.kind(at), Kind::Error | Kind::Uncalculated) && text.trim().is_empty()
        };
        self.cells.iter().enumerate().all(blank)
    }

    fn filled(&self) -> usize {
        self.cells
            .iter()
            .filter(|text| !text.trim().is_empty())
            .count()
    }

    /// Whether it can be a header: texts alone.
    fn is_words(&self) -> bool {
        self.kinds.iter().all(|kind| *kind == Kind::Text)
    }
}

/// A sheet as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetName {
    /// On its tab.
    pub name: String,
    /// Whether it is hidden.
    pub hidden: bool,
}

/// A workbook that the guard let pass.
pub(super) struct Workbook<R: Read + Seek> {
    book: Xlsx<R>,
    facts: packed::Facts,
    pub(super) sheets: Vec<SheetName>,
}

/// The header of a sheet.
#[derive(Clone, Default)]
pub(super) struct Head {
    /// Row, from 1.
    pub(super) line: u64,
    /// The columns' names, up to the last that has one.
    pub(super) names: Vec<String>,
    /// What stands in the rows above it.
    pub(super) above: Vec<String>,
}

impl<R: Read + Seek + Send + 'static> Workbook<R> {
    /// Opens a workbook.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn open(mut file: R) -> io::Result<Result<Self, Fault>> {
        let facts = match packed::inspect(&mut file)? {
            Ok(facts) => facts,
            Err(fault) => return Ok(Err(fault)),
        };
        let book = match guarded(|| Xlsx::new(file)) {
            Ok(book) => book,
            Err(fault) => return fault.map(Err),
        };
        let sheets = book
            .sheets_metadata()
            .iter()
            .filter(|sheet| sheet.typ == SheetType::WorkSheet)
            .map(|sheet| SheetName {
                name: sheet.name.clone(),
                hidden: sheet.visible != SheetVisible::Visible,
            })
            .collect();
        Ok(Ok(Self {
            book,
            facts,
            sheets,
        }))
    }

    /// Cells with a formula, on all sheets.
    pub(super) fn formulas(&self) -> u64 {
        self.facts.formulas
    }

    /// The header of a sheet: the first of its first rows that holds words alone and fills at least half as many cells as any of them.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn head(&mut self, sheet: &str) -> io::Result<Result<Head, Fault>> {
        let book = &mut self.book;
        let top = guarded(|| {
            let mut cells = Cells::new(book.worksheet_cells_reader(sheet)?);
            let mut top = Vec::new();
            let mut row = Raw::default();
            // A made-up sheet says of all its rows that they are the first.
            while (top.len() as u64) < TOP && matches!(cells.next(&mut row)?, Step::Row) {
                if row.line > TOP {
                    break;
                }
                top.push(row.clone());
            }
            Ok(top)
        });
        let top = match top {
            Ok(top) => top,
            Err(fault) => return fault.map(Err),
        };
        let most = top.iter().map(Raw::filled).max().unwrap_or(0);
        let head = top
            .iter()
            .find(|row| row.filled() > 0 && row.is_words() && row.filled() * 2 >= most);
        let head = head.map(|row| {
            let mut names: Vec<String> = row
                .cells
                .iter()
                .map(|name| name.trim().to_owned())
                .collect();
            while names.last().is_some_and(String::is_empty) {
                names.pop();
            }
            let line = row.line;
            let above = top.iter().filter(|other| other.line < line);
            let above = above.flat_map(|row| row.cells.iter()).map(str::to_owned);
            Head {
                line,
                names,
                above: above.collect(),
            }
        });
        Ok(Ok(head.unwrap_or_default()))
    }

    /// The rows of a sheet below its header; a fault where cells of its columns are merged.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn rows(
        mut self,
        sheet: &str,
        head: &Head,
    ) -> io::Result<Result<SheetRows, RowProblem>> {
        if self.facts.merges {
            let book = &mut self.book;
            let regions = guarded(|| book.merge_cells_by_sheet_name(sheet));
            let regions = match regions {
                Ok(regions) => regions,
                Err(fault) => return Ok(Err(fault?.at(1, None))),
            };
            let below = |region: &&Dimensions| {
                u64::from(region.end.0) >= head.line && (region.start.1 as usize) < head.names.len()
            };
            if let Some(region) = regions.iter().filter(below).min_by_key(|r| r.start.0) {
                let line = u64::from(region.start.0) + 1;
                return Ok(Err(faults::MERGED.at(line, None)));
            }
        }
        let (sender, receiver) = mpsc::sync_channel(AHEAD);
        let (sheet, head) = (sheet.to_owned(), head.clone());
        let mut book = self.book;
        thread::Builder::new()
            .name("workbook".to_owned())
            .spawn(move || {
                let last = match guarded(|| send(&mut book, &sheet, &head, &sender)) {
                    Ok(()) => Message::End,
                    Err(Ok(fault)) => Message::Fault(fault.at(1, None)),
                    Err(Err(error)) => Message::Failed(error),
                };
                // Nobody waits for it when the reading was given up.
                let _gone = sender.send(last);
            })?;
        Ok(Ok(SheetRows {
            receiver,
            batch: Vec::new().into_iter(),
            digest: self.facts.digest,
        }))
    }
}

/// Runs the reader of workbooks: what it refuses, and what it cannot cope with, is a damaged workbook.
fn guarded<T>(read: impl FnOnce() -> Result<T, XlsxError>) -> Result<T, io::Result<Fault>> {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(XlsxError::Io(error)))
            if error.kind() != io::ErrorKind::UnexpectedEof && error.raw_os_error().is_some() =>
        {
            Err(Err(error))
        }
        Ok(Err(XlsxError::Password)) => Err(Ok(faults::PASSWORD)),
        Ok(Err(_)) | Err(_) => Err(Ok(faults::DAMAGED)),
    }
}

enum Message {
    Rows(Vec<Raw>),
    Fault(RowProblem),
    Failed(io::Error),
    End,
}

fn send<R: Read + Seek>(
    book: &mut Xlsx<R>,
    sheet: &str,
    head: &Head,
    sender: &mpsc::SyncSender<Message>,
) -> Result<(), XlsxError> {
    let mut cells = Cells::new(book.worksheet_cells_reader(sheet)?);
    let mut batch = Vec::with_capacity(BATCH);
    let mut row = Raw::default();
    let width = head.names.len();
    loop {
        match cells.next(&mut row)? {
            Step::Row if row.line <= head.line => continue,
            Step::Row => {}
            Step::End => break,
            Step::Long(line) => {
                let _gone = sender.send(Message::Rows(batch));
                let _gone = sender.send(Message::Fault(faults::RECORD_SIZE.at(line, None)));
                return Ok(());
            }
        }
        if row.is_blank() {
            continue;
        }
        // A row that ends early has empty cells; one with a cell right of the table keeps it, and is found to be too long.
        while row.cells.len() < width {
            row.cells.push_field("");
        }
        batch.push(std::mem::take(&mut row));
        if batch.len() == BATCH
            && sender
                .send(Message::Rows(std::mem::take(&mut batch)))
                .is_err()
        {
            return Ok(());
        }
    }
    let _gone = sender.send(Message::Rows(batch));
    Ok(())
}

enum Step {
    Row,
    /// A row, by its number, that is longer than 64 KiB.
    Long(u64),
    End,
}

/// Cells as rows. A row that stands above the one before it is damage.
struct Cells<'a, R: Read + Seek> {
    reader: XlsxCellReader<'a, R>,
    /// The first cell of the next row.
    ahead: Option<(u32, u32, String, Kind)>,
    /// The last row, from 1.
    last: u64,
    ended: bool,
}

impl<'a, R: Read + Seek> Cells<'a, R> {
    fn new(reader: XlsxCellReader<'a, R>) -> Self {
        Self {
            reader,
            ahead: None,
            last: 0,
            ended: false,
        }
    }

    fn cell(&mut self) -> Result<Option<(u32, u32, String, Kind)>, XlsxError> {
        if let Some(cell) = self.ahead.take() {
            return Ok(Some(cell));
        }
        if self.ended {
            return Ok(None);
        }
        let record = self.reader.next_cell_with_formula_metadata()?;
        // It would read on behind the rows.
        self.ended = record.is_none();
        Ok(record.map(|record| {
            let (text, kind) = text(&record.value);
            let kind = match record.value {
                DataRef::Empty if record.formula.is_some() => Kind::Uncalculated,
                _ => kind,
            };
            (record.pos.0, record.pos.1, text, kind)
        }))
    }

    fn next(&mut self, row: &mut Raw) -> Result<Step, XlsxError> {
        const ORDER: XlsxError = XlsxError::Unexpected("cells in the order of the sheet");
        row.cells.clear();
        row.kinds.clear();
        let Some(first) = self.cell()? else {
            return Ok(Step::End);
        };
        let number = first.0;
        row.line = u64::from(number) + 1;
        if row.line <= self.last {
            return Err(ORDER);
        }
        self.last = row.line;
        let mut next = Some(first);
        let mut bytes = 0;
        while let Some((at, column, text, kind)) = next {
            if at != number {
                self.ahead = Some((at, column, text, kind));
                break;
            }
            let column = column as usize;
            let is_empty = text.is_empty() && kind == Kind::Text;
            if !is_empty && column < row.cells.len() {
                return Err(ORDER);
            }
            bytes += text.len() as u64 + 1;
            if bytes > RECORD_BYTES {
                return Ok(Step::Long(row.line));
            }
            // What stands far right of a table is seen as the column behind the last.
            if !is_empty && row.cells.len() <= COLUMNS {
                while row.cells.len() < column.min(COLUMNS) {
                    row.cells.push_field("");
                    row.kinds.push(Kind::Text);
                }
                row.cells.push_field(&text);
                row.kinds.push(kind);
            }
            next = self.cell()?;
        }
        Ok(Step::Row)
    }
}

/// A cell's value as text.
fn text(value: &DataRef<'_>) -> (String, Kind) {
    match value {
        DataRef::Empty => (String::new(), Kind::Text),
        DataRef::String(text) => (text.clone(), Kind::Text),
        DataRef::SharedString(text) => ((*text).to_owned(), Kind::Text),
        DataRef::Bool(yes) => (if *yes { "TRUE" } else { "FALSE" }.to_owned(), Kind::Text),
        DataRef::Int(number) => (number.to_string(), Kind::Number),
        DataRef::Float(number) => self::number(*number),
        DataRef::DateTime(at) if at.is_datetime() && at.as_f64() >= 1.0 => {
            let (year, month, day, ..) = at.to_ymd_hms_milli();
            (format!("{year:04}-{month:02}-{day:02}"), Kind::Date)
        }
        DataRef::DateTime(at) => self::number(at.as_f64()),
        DataRef::DateTimeIso(text) if text.len() >= 10 && text.is_ascii() => {
            (text[..10].to_owned(), Kind::Date)
        }
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => (text.clone(), Kind::Text),
        DataRef::Error(_) => (String::new(), Kind::Error),
    }
}

/// A workbook keeps 15 digits of a number.
fn number(number: f64) -> (String, Kind) {
    let kind = if number.abs() < 1e15 {
        Kind::Number
    } else {
        Kind::Imprecise
    };
    (format!("{number}"), kind)
}

/// The rows of a sheet below its header.
pub(in crate::import) struct SheetRows {
    receiver: mpsc::Receiver<Message>,
    batch: std::vec::IntoIter<Raw>,
    digest: Digest,
}

impl SheetRows {
    pub(super) fn next(&mut self, raw: &mut Raw) -> io::Result<Next> {
        loop {
            if let Some(row) = self.batch.next() {
                *raw = row;
                return Ok(Next::Row);
            }
            match self.receiver.recv() {
                Ok(Message::Rows(rows)) => self.batch = rows.into_iter(),
                Ok(Message::Fault(fault)) => return Ok(Next::Fault(fault)),
                Ok(Message::Failed(error)) => return Err(error),
                Ok(Message::End) => return Ok(Next::End),
                Err(_) => return Err(io::Error::other("the reader of the workbook ended")),
            }
        }
    }

    pub(super) fn end(self, rows: u64) -> (Digest, Vec<RowProblem>) {
        let fault = (rows == 0).then(|| faults::NO_ROWS.at(1, None));
        (self.digest, fault.into_iter().collect())
    }
}
