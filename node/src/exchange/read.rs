//! Reading a panel's files: every defect of both in one pass, and nothing of a file that has one.
//!
//! Strict, because what is read loosely is read differently by the two sides: names of levels are exact, a code and a name are of one
//! place, and a number that is missing is a symbol and never blank.

mod meta;
mod rows;

use std::collections::BTreeSet;

use ldsp_protocol::personal;

use super::ees::{Level, META, Sheet, WHERE};
use super::{Defect, Defects, LARGEST};
use crate::import::values::TEXT;

/// Most rows and columns.
const ROWS: usize = 50_000;
const COLUMNS: usize = 80;

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) sheet: Sheet,
    /// Rows of levels that are not kept.
    pub(crate) left_out: usize,
    /// Every period with its identifier, earliest first.
    pub(crate) periods: Vec<(String, String)>,
}

/// Reads a data file with the file about its columns.
///
/// # Errors
/// Every defect.
pub(crate) fn read(data: &[u8], meta: &[u8]) -> Result<Read, Defects> {
    let mut reading = Reading::default();
    let meta = reading.table("meta", meta);
    let data = reading.table("data", data);
    let columns = meta.map(|meta| reading.columns(&meta)).unwrap_or_default();
    let Some(data) = data else {
        return Err(reading.defects);
    };
    let read = reading.rows(&data, columns);
    if reading.defects.total > 0 {
        return Err(reading.defects);
    }
    Ok(read)
}

/// A header with the rows below it, each with its line.
struct Table {
    header: Vec<String>,
    rows: Vec<(u64, Vec<String>)>,
}

impl Table {
    fn place(&self, column: &str) -> Option<usize> {
        self.header.iter().position(|name| name == column)
    }
}

#[derive(Default)]
struct Reading {
    defects: Defects,
}

type Said = (&'static str, &'static str);

impl Reading {
    fn defect(
        &mut self,
        file: &'static str,
        (line, column): (u64, &str),
        code: &'static str,
        (cause, remedy): (impl Into<String>, &'static str),
    ) {
        self.defects.add(Defect {
            file,
            line,
            column: column.to_owned(),
            code,
            cause: cause.into(),
            remedy,
        });
    }

    /// Takes a file apart; `None`: it is no table.
    fn table(&mut self, file: &'static str, bytes: &[u8]) -> Option<Table> {
        let mut whole = |code, said: Said| {
            self.defect(file, (1, ""), code, said);
            None
        };
        if bytes.len() > LARGEST {
            let said = (
                "The file is larger than 4 MiB.",
                "Send fewer periods at a time.",
            );
            return whole("file-size", said);
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            let said = (
                "The file is not UTF-8.",
                "Save it again as UTF-8: in Excel choose \"CSV UTF-8 (Comma delimited)\".",
            );
            return whole("encoding", said);
        };
        let text = text.trim_start_matches('\u{feff}');
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(text.as_bytes());
        let mut records = reader.records();
        let header: Vec<String> = match records.next() {
            Some(Ok(record)) => record.iter().map(str::to_owned).collect(),
            _ => {
                let said = ("The file is empty.", "Check that the export is complete.");
                return whole("no-rows", said);
            }
        };
        if header.len() > COLUMNS {
            let said = (
                "The file has more than 80 columns.",
                "Send fewer indicators at a time.",
            );
            return whole("file-size", said);
        }
        let mut rows = Vec::new();
        for record in records {
            let Ok(record) = record else { continue };
            let line = record.position().map_or(0, csv::Position::line);
            if rows.len() == ROWS {
                let said = (
                    "The file has more than 50,000 rows.",
                    "Send fewer periods at a time.",
                );
                self.defect(file, (line, ""), "file-size", said);
                break;
            }
            if record.len() != header.len() {
                let said = (
                    "The row has another number of fields than the header.",
                    "A field with a comma stands in quotation marks; no field is left out.",
                );
                self.defect(file, (line, ""), "field-count", said);
                continue;
            }
            rows.push((line, record.iter().map(str::to_owned).collect()));
        }
        self.header(file, &header);
        if rows.is_empty() {
            let said = (
                "There are no rows below the header.",
                "Check that the export is complete.",
            );
            self.defect(file, (1, ""), "no-rows", said);
        }
        Some(Table { header, rows })
    }

    fn header(&mut self, file: &'static str, header: &[String]) {
        let mut seen = BTreeSet::new();
        for (at, name) in header.iter().enumerate() {
            if !is_name(name) {
                let said = (
                    format!(
                        "The name of column {} is not of lower-case letters, digits and underscores.",
                        at + 1
                    ),
                    "Write it like school_count, without spaces.",
                );
                self.defect(file, (1, ""), "column-name", said);
            } else if !seen.insert(name) {
                let said = ("The column stands there twice.", "Take one out.");
                self.defect(file, (1, name), "column-twice", said);
            }
        }
        let needed: &[&str] = match file {
            "meta" => &META,
            _ => &WHERE[..3],
        };
        for name in needed {
            if !header.iter().any(|column| column == name) {
                let said = (
                    "The column is missing.",
                    "Add it: the layout of explore education statistics needs it, whatever it holds.",
                );
                self.defect(file, (1, name), "column-missing", said);
            }
        }
    }

    /// A text that is kept and shown.
    fn text(&mut self, file: &'static str, at: (u64, &str), text: &str) {
        if text.chars().count() > TEXT {
            let said = ("The text is longer than 200 characters.", "Shorten it.");
            self.defect(file, at, "text-size", said);
        } else if !personal::find(text).is_empty() {
            let said = (
                "The text looks like personal data: an e-mail address, a telephone number, a postcode or a number of a person.",
                "Take it out: figures of a panel name nobody.",
            );
            self.defect(file, at, "personal", said);
        }
    }
}

fn is_name(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    (1..=60).contains(&name.len()) && name.bytes().all(fits)
}

/// Whether a column says when or where.
fn is_where(name: &str) -> bool {
    let mut levels = Level::ALL.iter();
    WHERE.contains(&name) || levels.any(|level| level.columns().contains(&name))
}
