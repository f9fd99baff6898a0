//! Tables of the Employer Skills Survey (Department for Education) as they were published: what employers of the LEP expect to need.
//!
//! Two layouts are read. That of 2017 has a column for each LEP and for each skill a row of establishments over a row of shares, below a title; the sheet 80
//! of the standard LEP tables and its CSV are such. That of 2019 has a row for each area and for each skill a column of establishments beside one of shares.
//! Of either, the two digital skills are taken. "DIGITAL SKILLS" is not: it counts once more those who named one of the two.
//!
//! `**` (a base under 30) and every other mark that is no number stay what they are, not published; they are never 0.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{self, Read, Seek};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::{Digest, Gss};
use serde::Serialize;

use super::mapping::Reading;
use super::report::{ImportReport, RowProblem};
use super::rows::{
    self, Next, Opened, Raw, RawRows, RawTable, Record, Rows, Shape, Source, open_raw, open_titled,
};
use super::values::TEXT;
use super::{ImportError, Options, Run, demands, faults};
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

/// What a figure of the table is to what is held of the same survey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Became {
    /// None is held.
    New,
    /// The same is held.
    Unchanged,
    /// Another one is held.
    Changed,
}

/// A figure of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Figure {
    /// The reference of its row of demand.
    pub reference: String,
    /// What the table calls it.
    pub name: String,
    /// Row of the file.
    pub line: u64,
    /// Establishments, weighted by the survey's authors; `None`: not published.
    pub number: Option<i64>,
    /// What is held of it before this import; `None` where it is new. The inner one is `None` where the held one is not published.
    pub before: Option<Option<i64>>,
    /// What it is to what is held; `None` until it was compared, which a file with another fault is not.
    pub became: Option<Became>,
}

/// What was read of a table, for a person to compare with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Its title; empty where it has none.
    pub title: String,
    /// The sheet of a workbook.
    pub sheet: Option<String>,
    /// The year of the survey.
    pub year: i16,
    /// The area as the table names it.
    pub area: String,
    /// Whom the table is of, in its own words; empty where it does not say.
    pub base: String,
    /// Establishments of the area that were asked, unweighted; `None` where the table does not say.
    pub asked: Option<i64>,
    /// Establishments of the area that they stand for; `None` where the table does not say.
    pub stand_for: Option<i64>,
    /// The figures, in the order of the table.
    pub figures: Vec<Figure>,
}

/// A number, or that there is none.
pub(crate) fn or_not_published(number: Option<i64>) -> String {
    number.map_or_else(
        || NOT_PUBLISHED.to_owned(),
        |n| crate::words::count(n.unsigned_abs()),
    )
}

impl Summary {
    /// For people, behind the report.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String does not fail.
        let _written = writeln!(
            text,
            "\nRead of the table: {}Employer Skills Survey {}, {}",
            if self.title.is_empty() {
                String::new()
            } else {
                format!("{}; ", self.title)
            },
            self.year,
            self.area
        );
        if let Some(sheet) = &self.sheet {
            let _written = writeln!(text, "sheet {sheet}");
        }
        if !self.base.is_empty() {
            let _written = writeln!(text, "{}", self.base);
        }
        for (name, number) in [("asked", self.asked), ("stand for", self.stand_for)] {
            if let Some(number) = number {
                let _written = writeln!(text, "{name:<12}{number:>10}");
            }
        }
        for figure in &self.figures {
            let became = match (figure.became, figure.before) {
                (Some(Became::Changed), Some(before)) => {
                    format!("  changed: {} is held", or_not_published(before))
                }
                (Some(Became::Changed), None) => "  changed".to_owned(),
                (Some(Became::New), _) => "  new".to_owned(),
                (Some(Became::Unchanged), _) => "  as held".to_owned(),
                (None, _) => String::new(),
            };
            let _written = writeln!(
                text,
                "row {}, {}: {}{became}",
                figure.line,
                figure.name,
                or_not_published(figure.number)
            );
        }
        text
    }
}

/// The summary, written on the reading thread and while the rows are compared.
#[derive(Clone, Default)]
pub(super) struct Shared(Arc<Mutex<Summary>>);

impl Shared {
    /// Reads or changes it.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut Summary) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes what the figure of a reference is to what is held; `before`: the held row's number.
    pub(super) fn became(&self, reference: &str, became: Became, before: Option<Option<i64>>) {
        self.with(|summary| {
            let found = summary
                .figures
                .iter_mut()
                .find(|figure| figure.reference == reference);
            if let Some(figure) = found {
                (figure.became, figure.before) = (Some(became), before);
            }
        });
    }
}

/// What was read of a table: line, place in [`SKILLS`], the number.
type Cells = Vec<(u64, usize, String)>;

/// The reference of a skill's row of demand.
fn reference(skill: usize, year: i16) -> String {
    format!("ESS{year}-{}", SKILLS[skill].2)
}

/// A row of the demand contract.
fn record(line: u64, skill: usize, number: &str, year: i16) -> Record {
    let (_, tier, _) = SKILLS[skill];
    let reference = reference(skill, year);
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
    found: Shared,
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
    /// For who compares it with the table; its figures are made of `cells`.
    about: Summary,
    /// What the table calls the skills, by their places in [`SKILLS`].
    names: [String; SKILLS.len()],
    /// Of the layout of 2019: the column of all establishments.
    total: Option<usize>,
}

/// A number that a table publishes.
fn published(text: &str) -> Option<i64> {
    number(text).parse().ok()
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
            self.describe(cells);
            if folded(first) == "arealevel" {
                self.total = cells.iter().position(|cell| folded(cell) == "total");
                let places = cells.iter().enumerate().filter_map(|(at, cell)| {
                    let skill = SKILLS.iter().position(|(name, ..)| *name == folded(cell))?;
                    self.names[skill] = cell.trim().to_owned();
                    Some((at, skill))
                });
                self.skills = places.collect();
                self.titled |= !self.skills.is_empty();
            } else {
                self.leps |= cells.iter().filter(|cell| is_any_lep(cell)).count() > 10;
                if self.leps {
                    self.column = cells.iter().position(|cell| is_lep(cell, lep));
                    let name = self.column.and_then(|at| cells.get(at));
                    self.about.area = name.map_or_else(String::new, |name| name.trim().to_owned());
                }
            }
        } else if let Some(column) = self.column {
            let skill = SKILLS.iter().position(|(name, ..)| *name == folded(first));
            let text = cells.get(column).copied().unwrap_or_default();
            match folded(first).as_str() {
                "unweightedrow" => self.about.asked = published(text),
                "total" => self.about.stand_for = published(text),
                _ => {}
            }
            if let Some(skill) = skill {
                self.names[skill] = first.trim().to_owned();
                self.cells.push((line, skill, number(text)));
            }
        } else if first.starts_with("Local Enterprise Partnership") {
            self.leps = true;
            let name = cells.get(1).copied().unwrap_or_default();
            if is_lep(name, lep) {
                self.year = year(first);
                self.about.area = name.trim().to_owned();
                let total = self.total.and_then(|at| cells.get(at));
                self.about.stand_for = total.and_then(|text| published(text));
                for (at, skill) in &self.skills {
                    let text = cells.get(*at).copied().unwrap_or_default();
                    self.cells.push((line, *skill, number(text)));
                }
            }
        }
    }
}

impl Table {
    /// Notes title and base where a row above the figures has them.
    fn describe(&mut self, cells: &[&str]) {
        for cell in cells.iter().map(|cell| cell.trim()) {
            if is_title(cell) {
                self.about.title = cell.chars().take(TEXT).collect();
            } else if let Some(base) = cell.strip_prefix("Base:") {
                self.about.base = base.trim().chars().take(TEXT).collect();
            }
        }
    }

    /// What was read, with its figures.
    fn summary(self, sheet: Option<String>) -> Summary {
        let year = self.year.unwrap_or_default();
        let figure = |(line, skill, number): (u64, usize, String)| Figure {
            reference: reference(skill, year),
            name: self.names[skill].clone(),
            line,
            number: number.parse().ok(),
            before: None,
            became: None,
        };
        Summary {
            year,
            sheet,
            figures: self.cells.into_iter().map(figure).collect(),
            ..self.about
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
            found: told,
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
            sheet,
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
            .map(|(line, skill, number)| record(*line, *skill, number, year))
            .collect();
        told.with(|summary| *summary = found.summary(sheet));
        Ok(Ok(Opened {
            shape: Shape {
                names: demands::COLUMNS,
                places: (0..demands::COLUMNS.len()).map(Some).collect(),
                width: demands::COLUMNS.len(),
                letters: Vec::new(),
            },
            rows: SurveyRows { records, raw: rows },
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
    let found = Shared::default();
    let source = Survey {
        file: options.progress.counting_all(file, times)?,
        lep: folded(&lep.name),
        found: found.clone(),
        sheet: sheet.map(str::to_owned),
    };
    let run = Run::begin(store, ImportKind::Survey, options).await?;
    let run = Run {
        survey: Some(found),
        ..run
    };
    demands::take_run(source, run, now).await
}
