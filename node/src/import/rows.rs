//! A CSV file as a stream of checked rows: read and parsed on a thread of its own, in batches, while
//! the caller writes the batch before.
//!
//! Memory does not grow with the file: a row is at most 64 KiB, a batch [`BATCH`] rows, and at most
//! [`AHEAD`] batches wait.

mod guard;
mod row;

use std::io::{self, Cursor, Read};

use csv::{ByteRecord, StringRecord};
use encoding_rs::Encoding;
use ldsp_protocol::ids::Digest;
use sha2::Digest as _;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::report::{Fault, RowProblem};
use super::{ImportError, faults};
use guard::{Guard, Stop};
pub(super) use row::Row;

const BATCH: usize = 500;
const AHEAD: usize = 4;
/// Longest row.
pub(super) const RECORD_BYTES: u64 = 64 * 1024;
/// How much of a file is looked at for its encoding.
const SNIFFED: u64 = 4_096;
/// How much is read at a time.
const BUFFER: usize = 64 * 1024;

/// Where each column of the contract stands in this file; `None` when an optional one is absent.
pub(super) type Places = Vec<Option<usize>>;

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

/// Reads `source`. `header` finds the columns in the first row; `gather` takes every other row.
/// Dropping the receiver ends the reading.
pub(super) fn stream<R, H, G>(
    source: R,
    names: &'static [&'static str],
    header: H,
    gather: G,
) -> Stream<G::Batch>
where
    R: Read + Send + 'static,
    H: FnOnce(&StringRecord) -> Result<Places, Vec<RowProblem>> + Send + 'static,
    G: Gather,
{
    let (sender, batches) = mpsc::channel(AHEAD);
    let end = tokio::task::spawn_blocking(move || read(source, names, header, gather, &sender));
    Stream { batches, end }
}

fn read<R, H, G>(
    mut source: R,
    names: &'static [&'static str],
    header: H,
    mut gather: G,
    sender: &mpsc::Sender<G::Batch>,
) -> Result<Ended, ImportError>
where
    R: Read,
    H: FnOnce(&StringRecord) -> Result<Places, Vec<RowProblem>>,
    G: Gather,
{
    let mut ended = Ended {
        digest: None,
        rows: 0,
        faults: Vec::new(),
    };
    let mut start = Vec::new();
    source.by_ref().take(SNIFFED).read_to_end(&mut start)?;
    if let Some(fault) = sniff(&start) {
        ended.faults.push(fault.at(1, None));
        return Ok(ended);
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(BUFFER)
        .from_reader(Guard::new(Cursor::new(start).chain(source)));
    let mut record = StringRecord::new();
    if !next(&mut reader, &mut record, &mut ended)? {
        if ended.faults.is_empty() {
            ended.faults.push(faults::NO_HEADER.at(1, None));
        }
        return Ok(ended);
    }
    let width = record.len();
    let places = match header(&record) {
        Ok(places) => places,
        Err(faults) => {
            ended.faults.extend(faults);
            return Ok(ended);
        }
    };
    let shape = (width, &places, names);
    if !send_rows(
        &mut reader,
        &mut record,
        shape,
        &mut gather,
        sender,
        &mut ended,
    )? {
        return Ok(ended);
    }
    if !ended.faults.is_empty() {
        return Ok(ended);
    }
    let guard = reader.into_inner();
    if guard.quotes.open() {
        ended
            .faults
            .push(faults::UNCLOSED.at(guard.quotes.opened, None));
    } else if ended.rows == 0 {
        ended.faults.push(faults::NO_ROWS.at(1, None));
    }
    ended.digest = Some(Digest::from_bytes(guard.hash.finalize().into()));
    Ok(ended)
}

/// Sends the rows that follow the header in batches; `false` when nobody takes them any more.
fn send_rows<R: Read, G: Gather>(
    reader: &mut csv::Reader<Guard<R>>,
    record: &mut StringRecord,
    (width, places, names): (usize, &Places, &'static [&'static str]),
    gather: &mut G,
    sender: &mpsc::Sender<G::Batch>,
    ended: &mut Ended,
) -> Result<bool, ImportError> {
    let mut gathered = 0;
    while next(reader, &mut *record, ended)? {
        // What a spreadsheet leaves below its table holds nothing.
        if record.iter().all(|field| field.trim().is_empty()) {
            continue;
        }
        ended.rows += 1;
        gather.row(Row::new(record, width, places, names));
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

/// Reads the next row; `false` at the end of the file or at a fault of the file.
fn next<R: Read>(
    reader: &mut csv::Reader<Guard<R>>,
    record: &mut StringRecord,
    ended: &mut Ended,
) -> io::Result<bool> {
    reader.get_ref().left.set(RECORD_BYTES);
    let line = reader.position().line();
    let mut bytes = ByteRecord::from(std::mem::take(record));
    match reader.read_byte_record(&mut bytes) {
        Ok(false) => return Ok(false),
        Ok(true) => {}
        Err(error) => {
            let csv::ErrorKind::Io(error) = error.into_kind() else {
                return Err(io::Error::other("the CSV reader failed"));
            };
            let stop = error.get_ref().and_then(|e| e.downcast_ref::<Stop>());
            let Some(Stop(fault)) = stop else {
                return Err(error);
            };
            ended.faults.push(fault.at(line, None));
            return Ok(false);
        }
    }
    let line = bytes.position().map_or(line, csv::Position::line);
    match StringRecord::from_byte_record(bytes) {
        Ok(text) => {
            *record = text;
            Ok(true)
        }
        Err(_) => {
            ended.faults.push(faults::WINDOWS_1252.at(line, None));
            Ok(false)
        }
    }
}

/// What is wrong with a file whose first bytes these are.
fn sniff(start: &[u8]) -> Option<Fault> {
    let marked = Encoding::for_bom(start).map(|(encoding, _)| encoding);
    if marked.is_some_and(|encoding| encoding != encoding_rs::UTF_8) {
        return Some(faults::UTF_16);
    }
    // Western text in UTF-16 has a zero in every other byte.
    let zeros = start.iter().filter(|b| **b == 0).count();
    if zeros > 0 && zeros * 3 >= start.len() {
        return Some(faults::UTF_16);
    }
    // Rows that all end in a carriage return would all be said to stand on line 1.
    (start.contains(&b'\r') && !start.contains(&b'\n')).then_some(faults::LINE_ENDS)
}
