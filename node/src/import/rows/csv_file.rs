//! A CSV file as a source of rows.

use std::io::{self, Chain, Cursor, Read};

use csv::{ByteRecord, StringRecord};
use encoding_rs::Encoding;
use ldsp_protocol::ids::Digest;
use sha2::Digest as _;

use super::guard::{Guard, Stop};
use super::packed::SNIFFED;
use super::{Fault, Next, Opened, Places, RECORD_BYTES, Record, Rows, Shape, Source, strange};
use crate::import::faults;
use crate::import::report::RowProblem;

/// How much is read at a time.
const BUFFER: usize = 64 * 1024;

/// Finds the columns in the first row.
type Header = fn(&StringRecord) -> Result<Places, Vec<RowProblem>>;

/// A CSV file (RFC 4180) whose first row names its columns.
pub(in crate::import) struct Csv<R> {
    source: R,
    names: &'static [&'static str],
    header: Header,
}

impl<R> Csv<R> {
    /// The file that `source` reads, whose columns `header` finds among those of the contract.
    pub(in crate::import) fn new(
        source: R,
        names: &'static [&'static str],
        header: Header,
    ) -> Self {
        Self {
            source,
            names,
            header,
        }
    }
}

impl<R: Read + Send + 'static> Source for Csv<R> {
    type Rows = CsvRows<R>;

    fn open(self) -> io::Result<Result<Opened<CsvRows<R>>, Vec<RowProblem>>> {
        let (record, rows) = match open(self.source, false)? {
            Ok(opened) => opened,
            Err(fault) => return Ok(Err(vec![fault])),
        };
        let opened = (self.header)(&record).map(|places| Opened {
            shape: Shape {
                names: self.names,
                places,
                width: record.len(),
                letters: Vec::new(),
            },
            rows,
        });
        Ok(opened)
    }
}

/// Opens a text whose fields are separated by commas, semicolons or tabs, and reads its first row; `western` says that it is
/// Windows-1252 rather than UTF-8.
pub(super) fn open<R: Read>(
    mut source: R,
    western: bool,
) -> io::Result<Result<(StringRecord, CsvRows<R>), RowProblem>> {
    let mut start = Vec::new();
    source.by_ref().take(SNIFFED).read_to_end(&mut start)?;
    let packed = || super::is_workbook(&start).then_some(faults::NOT_CSV);
    if let Some(fault) = strange::table(&start)
        .or_else(packed)
        .or_else(|| sniff(&start))
    {
        return Ok(Err(fault.at(1, None)));
    }
    let separator = separator(&start);
    let first = start.iter().position(|byte| *byte == b'\n');
    let crlf = first.is_some_and(|at| start[..at].ends_with(b"\r"));
    let reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .buffer_capacity(BUFFER)
        .from_reader(Guard::new(Cursor::new(start).chain(source), separator));
    let mut rows = CsvRows {
        reader,
        western,
        crlf,
        begun: false,
    };
    let mut record = StringRecord::new();
    Ok(match rows.read(&mut record)? {
        Next::Row => Ok((record, rows)),
        Next::End => Err(faults::NO_HEADER.at(1, None)),
        Next::Fault(fault) => Err(fault),
    })
}

/// The separator that the first line has most of outside quotation marks.
fn separator(start: &[u8]) -> u8 {
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    let mut quoted = false;
    for byte in start.iter().take_while(|byte| **byte != b'\n') {
        quoted ^= *byte == b'"';
        for (separator, count) in &mut counts {
            *count += usize::from(!quoted && byte == separator);
        }
    }
    let [comma, others @ ..] = counts;
    others
        .into_iter()
        .map(|(separator, count)| (count, separator))
        .fold((comma.1, comma.0), |most, other| {
            if other.0 > most.0 { other } else { most }
        })
        .1
}

/// The rows below the header.
pub(in crate::import) struct CsvRows<R> {
    reader: csv::Reader<Guard<Chain<Cursor<Vec<u8>>, R>>>,
    western: bool,
    /// Whether lines end in two bytes.
    crlf: bool,
    /// Whether a row was read.
    begun: bool,
}

impl<R: Read> CsvRows<R> {
    pub(super) fn read(&mut self, record: &mut StringRecord) -> io::Result<Next> {
        let reader = &mut self.reader;
        reader.get_ref().left.set(RECORD_BYTES);
        // The library ends a row at the first of the two bytes that end its line, and counts the line with the second.
        let line = reader.position().line() + u64::from(self.crlf && self.begun);
        self.begun = true;
        let mut bytes = ByteRecord::from(std::mem::take(record));
        match reader.read_byte_record(&mut bytes) {
            Ok(false) => return Ok(Next::End),
            Ok(true) => {}
            Err(error) => {
                let csv::ErrorKind::Io(error) = error.into_kind() else {
                    return Err(io::Error::other("the CSV reader failed"));
                };
                let stop = error.get_ref().and_then(|e| e.downcast_ref::<Stop>());
                let Some(Stop(fault)) = stop else {
                    return Err(error);
                };
                return Ok(Next::Fault(fault.at(line, None)));
            }
        }
        if let Some(mut at) = bytes.position().cloned() {
            at.set_line(line);
            bytes.set_position(Some(at));
        }
        if self.western && !bytes.as_slice().is_ascii() {
            let fields = bytes.iter().map(|field| {
                encoding_rs::WINDOWS_1252
                    .decode_without_bom_handling(field)
                    .0
            });
            let mut text = StringRecord::from_iter(fields);
            text.set_position(bytes.position().cloned());
            *record = text;
            return Ok(Next::Row);
        }
        match StringRecord::from_byte_record(bytes) {
            Ok(text) => {
                *record = text;
                Ok(Next::Row)
            }
            Err(_) => Ok(Next::Fault(faults::WINDOWS_1252.at(line, None))),
        }
    }
}

impl<R: Read> Rows for CsvRows<R> {
    fn next(&mut self, record: &mut Record) -> io::Result<Next> {
        self.read(&mut record.fields)
    }

    fn end(self, rows: u64) -> (Digest, Vec<RowProblem>) {
        let guard = self.reader.into_inner();
        let fault = if guard.quotes.open() {
            Some(faults::UNCLOSED.at(guard.quotes.opened, None))
        } else {
            (rows == 0).then(|| faults::NO_ROWS.at(1, None))
        };
        let digest = Digest::from_bytes(guard.hash.finalize().into());
        (digest, fault.into_iter().collect())
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
