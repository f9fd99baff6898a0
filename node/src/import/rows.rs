//! Rows in the columns of a file's contract, wherever they come from, as a stream: read and parsed on a thread of their own, in
//! batches, while the caller writes the batch before.
//!
//! A [`Source`] says where rows come from and a [`Gather`] what they are made into; neither knows of the other. [`Csv`] is the
//! source of the CSV files; [`Tabular`] of files that may be CSV or a workbook, with a mapping or without.
//!
//! Memory does not grow with the file: a row is at most 64 KiB, a batch [`BATCH`] rows, and at most
//! [`AHEAD`] batches wait.

mod csv_file;
mod guard;
mod mapped;
mod packed;
mod row;
mod sheet;
pub(super) mod strange;
mod tabular;

use std::io;

use csv::StringRecord;
use ldsp_protocol::ids::Digest;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::ImportError;
use super::report::{Fault, RowProblem};
pub(super) use csv_file::Csv;
pub(super) use mapped::{Field, Plan, date_forms};
pub(super) use packed::start;
pub(crate) use row::Row;
pub use sheet::SheetName;
pub(super) use sheet::{Kind, Raw};
pub(super) use tabular::{RawRows, RawTable, Tabular, open_raw, open_titled};

const BATCH: usize = 500;
const AHEAD: usize = 4;
/// Longest row.
pub(super) const RECORD_BYTES: u64 = 64 * 1024;

/// Whether a file that begins with these bytes, two at least, is no text but a workbook or something that is read as one.
pub(super) fn is_workbook(start: &[u8]) -> bool {
    packed::is_packed(start) || packed::is_compound(start)
}

/// How often such a file is read from its beginning: a workbook is looked at before its rows are.
pub(super) fn times(file: &mut (impl io::Read + io::Seek)) -> io::Result<u64> {
    let start = packed::start(file)?;
    Ok(if is_workbook(&start) { 2 } else { 1 })
}

/// Where each column of the contract stands in this file; `None` when an optional one is absent.
pub(super) type Places = Vec<Option<usize>>;

/// How the fields of a source's rows stand for the columns of the contract.
pub(super) struct Shape {
    /// What problems call the columns, in the order of the contract; at most 64.
    pub(super) names: &'static [&'static str],
    /// Where each column stands.
    pub(super) places: Places,
    /// Fields of a row.
    pub(super) width: usize,
    /// Where each column stands in a file with columns of its own, as a spreadsheet names it: A, B, …; may be shorter.
    pub(super) letters: Vec<Option<String>>,
}

/// A source whose columns were found, with its rows to come.
pub(super) struct Opened<R> {
    pub(super) shape: Shape,
    pub(super) rows: R,
}

/// Something that holds rows. It is opened and read on the reading thread.
pub(super) trait Source: Send + 'static {
    /// Its rows.
    type Rows: Rows;

    /// Looks at what comes before the rows; gives what is wrong with it, if anything is: then nothing else of it is read.
    ///
    /// # Errors
    /// It cannot be read.
    fn open(self) -> io::Result<Result<Opened<Self::Rows>, Vec<RowProblem>>>;
}

/// The rows of a source.
pub(super) trait Rows {
    /// Reads the next row into `record`, over what it holds.
    ///
    /// # Errors
    /// The source cannot be read.
    fn next(&mut self, record: &mut Record) -> io::Result<Next>;

    /// What was read, after [`Next::End`] and `rows` rows: SHA-256 of all of it, and what is wrong with it as a whole.
    fn end(self, rows: u64) -> (Digest, Vec<RowProblem>);
}

/// What came next.
pub(super) enum Next {
    /// A row.
    Row,
    /// The end.
    End,
    /// Something that makes all of it unreadable from here on.
    Fault(RowProblem),
}

/// A row as its source gives it. It has no `Debug`: it holds what must not be kept.
#[derive(Default)]
pub(super) struct Record {
    /// Its fields; their position says the line on which it begins.
    pub(super) fields: StringRecord,
    /// What the source found wrong with it.
    pub(super) problems: Vec<RowProblem>,
    /// Bit per column: the source reported it, and nothing more is said about it.
    pub(super) reported: u64,
}

/// Reads one row that is no file's: what a form or a program sent, a text for each of `names`.
///
/// # Errors
/// Everything that is wrong with it, at line 1.
pub(crate) fn alone<T>(
    names: &'static [&'static str],
    texts: &[String],
    read: impl FnOnce(&mut Row<'_>) -> Option<T>,
) -> Result<T, Vec<RowProblem>> {
    let shape = Shape {
        names,
        places: (0..names.len()).map(Some).collect(),
        width: names.len(),
        letters: Vec::new(),
    };
    let mut record = Record {
        fields: texts.iter().collect(),
        ..Record::default()
    };
    let mut row = Row::new(&mut record, &shape);
    let found = read(&mut row).filter(|_| row.problems.is_empty());
    match found {
        Some(found) => Ok(found),
        None => {
            let line = |problem: &mut RowProblem| problem.line = 1;
            row.problems.iter_mut().for_each(line);
            Err(row.problems)
        }
    }
}

/// How the file ended.
pub(super) struct Ended {
    /// SHA-256 of the file; `None` when reading stopped before its end.
    pub(super) digest: Option<Digest>,
    /// Data rows read.
    pub(super) rows: u64,
    /// What is wrong with the file as a whole.
    pub(super) faults: Vec<RowProblem>,
}

/// What the rows of a file are made into, on the reading thread.
pub(super) trait Gather: Send + 'static {
    /// What goes to the caller: the rows since the last one.
    type Batch: Send + 'static;
    /// Takes one row.
    fn row(&mut self, row: Row<'_>);
    /// Gives what was taken.
    ///
    /// # Errors
    /// Ends the import.
    fn batch(&mut self) -> Result<Self::Batch, ImportError>;
}

/// Gathers a value for each row.
pub(super) struct Each<T, P> {
    parse: P,
    rows: Vec<T>,
}

/// Gathers what `parse` makes of each row.
pub(super) fn each<T, P: FnMut(Row<'_>) -> T>(parse: P) -> Each<T, P> {
    let rows = Vec::new();
    Each { parse, rows }
}

impl<T, P> Gather for Each<T, P>
where
    T: Send + 'static,
    P: FnMut(Row<'_>) -> T + Send + 'static,
{
    type Batch = Vec<T>;

    fn row(&mut self, row: Row<'_>) {
        self.rows.push((self.parse)(row));
    }

    fn batch(&mut self) -> Result<Vec<T>, ImportError> {
        Ok(std::mem::take(&mut self.rows))
    }
}

/// Batches of rows, and the end that follows the last of them.
pub(super) struct Stream<B> {
    pub(super) batches: mpsc::Receiver<B>,
    pub(super) end: JoinHandle<Result<Ended, ImportError>>,
}

/// Reads `source`; `gather` takes every row. Dropping the receiver ends the reading.
pub(super) fn stream<S: Source, G: Gather>(source: S, gather: G) -> Stream<G::Batch> {
    let (sender, batches) = mpsc::channel(AHEAD);
    let end = tokio::task::spawn_blocking(move || read(source, gather, &sender));
    Stream { batches, end }
}

fn read<S: Source, G: Gather>(
    source: S,
    mut gather: G,
    sender: &mpsc::Sender<G::Batch>,
) -> Result<Ended, ImportError> {
    let mut ended = Ended {
        digest: None,
        rows: 0,
        faults: Vec::new(),
    };
    let Opened { shape, mut rows } = match source.open()? {
        Ok(opened) => opened,
        Err(faults) => {
            ended.faults = faults;
            return Ok(ended);
        }
    };
    if !send_rows(&mut rows, &shape, &mut gather, sender, &mut ended)? {
        return Ok(ended);
    }
    if ended.faults.is_empty() {
        let (digest, faults) = rows.end(ended.rows);
        ended.digest = Some(digest);
        ended.faults = faults;
    }
    Ok(ended)
}

/// Sends rows in batches; `false` when nobody takes them any more.
fn send_rows<G: Gather>(
    rows: &mut impl Rows,
    shape: &Shape,
    gather: &mut G,
    sender: &mpsc::Sender<G::Batch>,
    ended: &mut Ended,
) -> Result<bool, ImportError> {
    let mut record = Record::default();
    let mut gathered = 0;
    loop {
        match rows.next(&mut record)? {
            Next::Row => {}
            Next::End => break,
            Next::Fault(fault) => {
                ended.faults.push(fault);
                break;
            }
        }
        // What a spreadsheet leaves below its table holds nothing.
        if record.fields.iter().all(|field| field.trim().is_empty()) {
            continue;
        }
        ended.rows += 1;
        gather.row(Row::new(&mut record, shape));
        gathered += 1;
        if gathered == BATCH {
            gathered = 0;
            if sender.blocking_send(gather.batch()?).is_err() {
                return Ok(false);
            }
        }
    }
    // The receiver may have gone: then nobody waits for this batch either.
    let _gone = sender.blocking_send(gather.batch()?);
    Ok(true)
}
