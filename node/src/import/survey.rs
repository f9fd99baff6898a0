//! Tables of the Employer Skills Survey (Department for Education) as they were published: what employers of the LEP expect to need.
//!
//! Two layouts are read. That of 2017 has a column for each LEP and for each skill a row of establishments over a row of shares, below a title; the sheet 80
//! of the standard LEP tables and its CSV are such. That of 2019 has a row for each area and for each skill a column of establishments beside one of shares.
//! Of either, the two digital skills are taken. "DIGITAL SKILLS" is not: it counts once more those who named one of the two.
//!
//! `**` (a base under 30) and every other mark that is no number stay what they are, not published; they are never 0.

use std::collections::VecDeque;
use std::io::{self, Read, Seek};

use jiff::Timestamp;
use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::{Digest, Gss};

use super::mapping::Reading;
use super::report::{ImportReport, RowProblem};
use super::rows::{
    self, Next, Opened, Raw, RawRows, RawTable, Record, Rows, Shape, Source, open_raw, open_titled,
};
use super::{ImportError, Options, demands, faults};
use crate::model::demand::{NOT_PUBLISHED, WHOLE};
use crate::store::Store;
use crate::store::imports::ImportKind;

/// What the title of the table says. The one after it, by occupation, has another base.
const TITLE: &str = "skills that will need developing among workforce";
/// What another table says before that.
const OTHER_TITLE: &str = "people skills";
/// Names by which the survey calls LEPs that have another one, of the same area, in the federation's map; [`folded`].
const NAMES: [(&str, &str); 2] = [
    ("northeastern", "northeast"),
    ("buckinghamshirethamesvalley", "buckinghamshire"),
];
/// The skills that are taken: as [`folded`], the code of the tier, and the end of the reference.
const SKILLS: [(&str, &str, &str); 2] = [
    ("computerliteracybasicitskills", "basic", "basic"),
    ("advancedorspecialistitskills", "advanced", "advanced"),
];

/// Whether this is the title of the table.
fn is_title(cell: &str) -> bool {
    let cell = cell.to_lowercase();
    cell.contains(TITLE) && !cell.contains(OTHER_TITLE)
}

/// Letters and digits alone, without "and": tables differ in commas.
fn folded(text: &str) -> String {
    let words = text.to_lowercase();
    let words = words.split(|c: char| !c.is_alphanumeric());
    words.filter(|word| *word != "and").collect()
}

/// Whether a table's name is this LEP's. Longer ones are cut in some tables.
fn is_lep(name: &str, lep: &str) -> bool {
    let name = folded(name);
    let known = NAMES.iter().find(|(theirs, _)| *theirs == name);
    let name = known.map_or(name.as_str(), |(_, ours)| ours);
    name == lep || name.len() >= 30 && lep.starts_with(name)
}

/// A year that stands in a text.
fn year(text: &str) -> Option<i16> {
    let digits = text.split(|c: char| !c.is_ascii_digit());
    let years = digits.filter(|part| part.len() == 4 && part.starts_with("20"));
    years.filter_map(|part| part.parse().ok()).next()
}

/// What stands in a cell: a whole number, or that it is not published.
fn number(text: &str) -> String {
    let plain = text.trim().replace(',', "");
    match plain.parse::<f64>() {
        Ok(number) if number.fract() == 0.0 && (0.0..1e9).contains(&number) => {
            format!("{number:.0}")
        }
        _ => NOT_PUBLISHED.to_owned(),
    }
}

/// What was read of a table: line, place in [`SKILLS`], the number.
type Cells = Vec<(u64, usize, String)>;

/// A row of the demand contract.
fn record(line: u64, skill: usize, number: &str, year: i16) -> Record {
    let (_, tier, name) = SKILLS[skill];
    let reference = format!("ESS{year}-{name}");
    let (from, until) = (format!("{year}-01"), format!("{year}-12"));
    let by = format!("Employer Skills Survey {year}, Department for Education");
    let note =
        "Establishments that expect a need for new skills within 12 months and name this one";
    let texts = [
        &reference,
        "employer",
        "",
        tier,
        "",
        "people-in-work",
        WHOLE,
        number,
        "employers",
        &from,
        &until,
        "survey",
        "estimated",
        &by,
        "",
        note,
    ];
    let mut record = Record {
        fields: texts.into_iter().collect(),
        ..Record::default()
    };
    let mut position = csv::Position::new();
    position.set_line(line);
    record.fields.set_position(Some(position));
    record
}

/// A published table.
struct Survey<R> {
    file: R,
    /// The LEP's name, [`folded`].
    lep: String,
    /// Of a workbook; `None`: the one with the table's title.
    sheet: Option<String>,
}

/// What a table is made of, as far as it was seen.
#[derive(Default)]
struct Table {
    /// Of the layout of 2017: the LEP's column.
    column: Option<usize>,
    /// Of that of 2019: the columns of the skills.
    skills: Vec<(usize, usize)>,
    titled: bool,
    year: Option<i16>,
    /// Whether it names LEPs at all.
    leps: bool,
    cells: Cells,
}

impl Table {
    /// Takes the next row, from the first on.
    fn take(&mut self, line: u64, cells: &[&str], lep: &str) {
        let first = cells.first().copied().unwrap_or_default();
        let first = first.trim_start_matches('\u{feff}');
        if self.column.is_none() && self.skills.is_empty() {
            self.titled |= cells.iter().any(|cell| is_title(cell));
            self.year = cells
                .iter()
                .filter(|cell| cell.contains("ESS"))
                .find_map(|cell| year(cell))
                .or(self.year);
            if folded(first) == "arealevel" {
                let places = cells.iter().enumerate().filter_map(|(at, cell)| {
                    let skill = SKILLS.iter().position(|(name, ..)| *name == folded(cell))?;
                    Some((at, skill))
                });
                self.skills = places.collect();
                self.titled |= !self.skills.is_empty();
            } else {
                self.leps |= cells.iter().filter(|cell| is_any_lep(cell)).count() > 10;
                if self.leps {
                    self.column = cells.iter().position(|cell| is_lep(cell, lep));
                }
            }
        } else if let Some(column) = self.column {
            let skill = SKILLS.iter().position(|(name, ..)| *name == folded(first));
            if let Some(skill) = skill {
                let text = cells.get(column).copied().unwrap_or_default();
                self.cells.push((line, skill, number(text)));
            }
        } else if first.starts_with("Local Enterprise Partnership") {
            self.leps = true;
            let name = cells.get(1).copied().unwrap_or_default();
            if is_lep(name, lep) {
                self.year = year(first);
                for (at, skill) in &self.skills {
                    let text = cells.get(*at).copied().unwrap_or_default();
                    self.cells.push((line, *skill, number(text)));
                }
            }
        }
    }
}

fn is_any_lep(name: &str) -> bool {
    let mut all = Geography::embedded().leps();
    !name.trim().is_empty() && all.any(|lep| is_lep(name, &folded(&lep.name)))
}

impl<R: Read + Seek + Send + 'static> Source for Survey<R> {
    type Rows = SurveyRows<R>;

    fn open(self) -> io::Result<Result<Opened<SurveyRows<R>>, Vec<RowProblem>>> {
        let Self {
            mut file,
            lep,
            sheet,
        } = self;
        let sheet = sheet.filter(|_| rows::times(&mut file).is_ok_and(|times| times > 1));
        let opened = match sheet {
            None => {
                let titled = |above: &[String]| above.iter().any(|cell| is_title(cell));
                open_titled(file, &titled, faults::SURVEY_TABLE)?
            }
            sheet => {
                let reading = Reading {
                    mapping: None,
                    sheet,
                };
                open_raw(file, &reading, &|_| true)?
            }
        };
        let table = match opened {
            Ok(table) => table,
            Err(why) => return Ok(Err(why.problems)),
        };
        let RawTable {
            names,
            above,
            line,
            mut rows,
            ..
        } = table;
        let mut found = Table::default();
        fn texts(of: &[String]) -> Vec<&str> {
            of.iter().map(String::as_str).collect()
        }
        found.take(1, &texts(&above), &lep);
        found.take(line, &texts(&names), &lep);
        let mut raw = Raw::default();
        loop {
            match rows.next(&mut raw)? {
                Next::Row => found.take(raw.line, &raw.cells.iter().collect::<Vec<_>>(), &lep),
                Next::End => break,
                Next::Fault(fault) => return Ok(Err(vec![fault])),
            }
        }
        // The workbook of 2017 says its year in the rows above.
        let is_other =
            !found.titled || !found.leps || found.column.is_some() && found.cells.is_empty();
        let fault = match (!is_other, found.cells.is_empty(), found.year) {
            (false, ..) => Some(faults::SURVEY_TABLE),
            (true, true, _) => Some(faults::SURVEY_LEP),
            (true, false, None) => Some(faults::SURVEY_YEAR),
            (true, false, Some(_)) => None,
        };
        if let Some(fault) = fault {
            return Ok(Err(vec![fault.at(1, None)]));
        }
        let year = found.year.unwrap_or_default();
        let records = found
            .cells
            .iter()
            .map(|(line, skill, number)| record(*line, *skill, number, year));
        Ok(Ok(Opened {
            shape: Shape {
                names: demands::COLUMNS,
                places: (0..demands::COLUMNS.len()).map(Some).collect(),
                width: demands::COLUMNS.len(),
                letters: Vec::new(),
            },
            rows: SurveyRows {
                records: records.collect(),
                raw: rows,
            },
        }))
    }
}

/// The rows of demand that a table gives.
struct SurveyRows<R> {
    records: VecDeque<Record>,
    raw: RawRows<R>,
}

impl<R: Read> Rows for SurveyRows<R> {
    fn next(&mut self, record: &mut Record) -> io::Result<Next> {
        Ok(match self.records.pop_front() {
            Some(next) => {
                *record = next;
                Next::Row
            }
            None => Next::End,
        })
    }

    fn end(self, rows: u64) -> (Digest, Vec<RowProblem>) {
        self.raw.end(rows)
    }
}

/// Imports a table of the Employer Skills Survey; `sheet`: of a workbook, else the one with the table's title.
///
/// # Errors
/// [`ImportError`]; nothing was stored then.
pub async fn take(
    store: &Store,
    mut file: impl Read + Seek + Send + 'static,
    sheet: Option<&str>,
    options: &Options,
    now: Timestamp,
) -> Result<ImportReport, ImportError> {
    let lep: Gss = store.identity().await?.ok_or(ImportError::NoNode)?.lep;
    let lep = Geography::embedded().lep(&lep).ok_or(ImportError::NoNode)?;
    let times = rows::times(&mut file)?;
    let source = Survey {
        file: options.progress.counting_all(file, times)?,
        lep: folded(&lep.name),
        sheet: sheet.map(str::to_owned),
    };
    demands::take(store, (ImportKind::Survey, source), options, now).await
}
