//! Individualised Learner Records (ILR): what English providers return to their funder, as rows of the learner file.
//!
//! A file is read twice. The first look finds what holds for all of it (its year, whose it is, what became of its learners, which aims nobody
//! has said anything of) and every fault that makes it unreadable; the second one makes a row of each delivery, learner after learner, and
//! they go the way of every learner row. Memory: one learner at a time, and 28 bytes for each outcome (`outcomes`).
//!
//! docs/ilr.md says what is read, mapped and asked.

mod document;
mod learner;
pub mod mapping;
mod outcomes;
pub mod schema;
mod words;
mod xml;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{self, Read, Seek};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::Date;
use ldsp_protocol::ids::Digest;
use ldsp_protocol::personal;
use serde::Serialize;

use super::faults;
use super::learners::COLUMNS;
use super::report::RowProblem;
use super::rows::{self, Next, Opened, Record, Rows, Shape, Source};
use crate::store::ilr::{Gone, Mappings};
use document::{Document, Part};
use learner::{Made, Maker};
use outcomes::Outcomes;
use schema::Year;
use xml::Broken;

/// Aims that are asked for at a time.
const ASKED: usize = 500;

/// An aim that nobody has said anything of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unmapped {
    /// The aim.
    pub aim: String,
    /// Funding model; 0: the file gives none.
    pub fund_model: u8,
    /// Deliveries of it in the file.
    pub deliveries: u64,
}

/// What a file was, and what came of it besides rows. Its numbers are exact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// `None` where the file does not get so far.
    pub year: Option<Year>,
    /// The provider's number; 0 where the file does not get so far.
    pub ukprn: u32,
    /// Whose the file is, once somebody has said it.
    pub provider: Option<String>,
    /// When it was prepared, by its own word.
    pub prepared: String,
    /// Whether a report counts deliveries instead of lines, because several stand on one line.
    pub counts_deliveries: bool,
    /// Learners.
    pub learners: u64,
    /// Deliveries of all aims.
    pub deliveries: u64,
    /// Deliveries of aims that are not digital: left out.
    pub not_digital: u64,
    /// Deliveries that begin later than today: left out.
    pub future: u64,
    /// Deliveries that go on with another one after a break: one enrolment with it.
    pub joined: u64,
    /// Enrolments that a later year's file has told of: left as they are.
    pub later: u64,
    /// Aims that nobody has said anything of, most deliveries first.
    pub unmapped: Vec<Unmapped>,
    /// What an earlier file of the same year named and this one does not.
    pub gone: Vec<Gone>,
    /// Rows were refused, so nothing was removed: whatever they stand for is not missing.
    pub incomplete: bool,
    /// Most rows that were held at a time before they went on: of one learner.
    pub(super) most_waiting: usize,
}

/// A summary that is written while the file is read.
#[derive(Clone, Default)]
pub(super) struct Shared(Arc<Mutex<Summary>>);

impl Shared {
    /// Reads or changes it.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut Summary) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// An ILR file as a source of rows.
pub(super) struct Ilr<R> {
    source: R,
    mappings: Mappings,
    today: Date,
    summary: Shared,
}

impl<R> Ilr<R> {
    pub(super) fn new(source: R, mappings: Mappings, today: Date, summary: Shared) -> Self {
        Self {
            source,
            mappings,
            today,
            summary,
        }
    }
}

/// What the first look finds.
struct Survey {
    digest: [u8; 32],
    outcomes: Outcomes,
    faults: Vec<RowProblem>,
    /// The last line on which a delivery begins.
    last: u64,
    unmapped: BTreeMap<(String, u8), u64>,
}

impl<R: Read + Seek + Send + 'static> Source for Ilr<R> {
    type Rows = IlrRows<R>;

    fn open(mut self) -> io::Result<Result<Opened<IlrRows<R>>, Vec<RowProblem>>> {
        let survey = match self.survey() {
            Ok(survey) => survey,
            Err(Broken::Io(error)) => return Err(error),
            Err(Broken::Fault(fault)) => return Ok(Err(vec![fault])),
        };
        let (provider, ukprn) = self.summary.with(|s| (s.provider.clone(), s.ukprn));
        let (Some(provider), true) = (provider, survey.faults.is_empty()) else {
            return Ok(Err(survey.faults));
        };
        self.source.rewind()?;
        let document = match Document::open(self.source) {
            Ok(document) => document,
            Err(Broken::Io(error)) => return Err(error),
            Err(Broken::Fault(fault)) => return Ok(Err(vec![fault])),
        };
        let rows = IlrRows {
            document,
            maker: Maker {
                mappings: self.mappings,
                provider,
                ukprn,
                today: self.today,
                outcomes: survey.outcomes,
            },
            waiting: VecDeque::new(),
            summary: self.summary,
            ordinal: 0,
            digest: survey.digest,
        };
        let shape = Shape {
            names: learner::NAMES,
            places: (0..COLUMNS.len()).map(Some).collect(),
            width: COLUMNS.len(),
            letters: Vec::new(),
        };
        Ok(Ok(Opened { shape, rows }))
    }
}

impl<R: Read + Seek> Ilr<R> {
    /// Looks at the whole file.
    fn survey(&mut self) -> Result<Survey, Broken> {
        let start = rows::start(&mut self.source).map_err(Broken::Io)?;
        if let Some(fault) = rows::strange::ilr(&start) {
            return Err(Broken::at(fault, 1));
        }
        let mut document = Document::open(&mut self.source)?;
        self.summary.with(|s| s.year = Some(document.year));
        let mut survey = Survey {
            digest: [0; 32],
            outcomes: Outcomes::default(),
            faults: Vec::new(),
            last: 0,
            unmapped: BTreeMap::new(),
        };
        let mut summary = self.summary.with(|s| s.clone());
        let mut headings = BTreeSet::new();
        while let Some(mut part) = document.next()? {
            match part.name {
                "Learner" => {
                    summary.learners += 1;
                    survey.learner(&part, &mut summary, &self.mappings);
                }
                "LearnerDestinationandProgression" => {
                    survey.outcomes.take(&part, &self.mappings);
                    if survey.outcomes.len() > outcomes::MOST {
                        return Err(Broken::at(faults::ILR_OUTCOMES, part.line));
                    }
                }
                // Two providers in one file: the last one would have the rows of both.
                _ if !headings.insert(part.name) => {
                    return Err(Broken::at(faults::ILR_TOO_MANY, part.line));
                }
                _ => {
                    survey.faults.append(&mut part.problems);
                    survey.heading(&part, &mut summary, &self.mappings);
                }
            }
        }
        survey.digest = document.digest();
        survey.outcomes.settle();
        survey.check(&mut summary, &self.mappings);
        self.summary.with(|s| *s = summary);
        Ok(survey)
    }
}

impl Survey {
    /// Header and provider.
    fn heading(&mut self, part: &Part, summary: &mut Summary, mappings: &Mappings) {
        for details in part.parts("CollectionDetails") {
            let day = details.value("FilePreparationDate");
            if !day.is_empty() {
                summary.prepared = format!("{day}T00:00:00");
            }
        }
        for source in part.parts("Source") {
            let moment = source.value("DateTime");
            if !moment.is_empty() {
                moment.clone_into(&mut summary.prepared);
            }
        }
        if part.name == "LearningProvider" {
            summary.ukprn = part.value("UKPRN").parse().unwrap_or(0);
            let named = mappings
                .providers
                .iter()
                .find(|(ukprn, _)| *ukprn == summary.ukprn);
            summary.provider = named.map(|(_, name)| name.clone());
            if summary.provider.is_none() {
                self.faults
                    .push(faults::ILR_UKPRN.at(part.line, Some("UKPRN")));
            }
        }
    }

    fn learner(&mut self, learner: &Part, summary: &mut Summary, mappings: &Mappings) {
        for delivery in learner.parts("LearningDelivery") {
            summary.deliveries += 1;
            summary.counts_deliveries |= delivery.line == self.last;
            self.last = delivery.line;
            let (aim, fund_model) = (learner::aim_of(delivery), learner::fund_model_of(delivery));
            if mappings.aim(&aim, summary.ukprn, fund_model).is_none() && is_aim(&aim) {
                let known = self.unmapped.len();
                let key = (aim, fund_model);
                if known < 100 * ASKED || self.unmapped.contains_key(&key) {
                    *self.unmapped.entry(key).or_default() += 1;
                }
            }
        }
    }

    /// What can be said when all was seen.
    fn check(&mut self, summary: &mut Summary, mappings: &Mappings) {
        if summary.learners == 0 && self.faults.is_empty() {
            self.faults.push(faults::ILR_EMPTY.at(1, None));
        }
        let key = summary.year.map(|year| (summary.ukprn, year.begins()));
        let held = key.and_then(|key| mappings.files.get(&key));
        let known = !summary.prepared.is_empty();
        if held.is_some_and(|held| known && summary.prepared < *held) {
            self.faults.push(faults::ILR_OLDER.at(1, Some("DateTime")));
        }
        let asked = std::mem::take(&mut self.unmapped).into_iter();
        let mut asked: Vec<Unmapped> = asked
            .map(|((aim, fund_model), deliveries)| Unmapped {
                aim,
                fund_model,
                deliveries,
            })
            .collect();
        asked.sort_by_key(|aim| std::cmp::Reverse(aim.deliveries));
        asked.truncate(ASKED);
        summary.unmapped = asked;
    }
}

/// Whether a text has the form of a learning aim (eight letters and digits, three digits among them), so that it may be shown: what is
/// mistaken for one may be anything.
fn is_aim(text: &str) -> bool {
    let (reference, rest) = text.split_once('/').unwrap_or((text, ""));
    let digits = reference.bytes().filter(u8::is_ascii_digit).count();
    reference.len() == 8
        && digits >= 3
        && reference.bytes().all(|b| b.is_ascii_alphanumeric())
        && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.')
        && personal::find(text).is_empty()
}

/// The rows of an ILR.
pub(super) struct IlrRows<R: Read> {
    document: Document<R>,
    maker: Maker,
    /// Of the learner at hand.
    waiting: VecDeque<Made>,
    summary: Shared,
    /// Deliveries so far.
    ordinal: u64,
    /// Of the first look.
    digest: [u8; 32],
}

impl<R: Read> IlrRows<R> {
    /// Makes the rows of the next part; `false` at the end.
    fn fill(&mut self) -> Result<bool, Broken> {
        let Some(part) = self.document.next()? else {
            return Ok(false);
        };
        let counted = self.summary.with(|s| s.counts_deliveries);
        match part.name {
            "Learner" => {
                let ordinal = &mut self.ordinal;
                let mut lines = |delivery: &Part| {
                    *ordinal += 1;
                    if counted { *ordinal } else { delivery.line }
                };
                let rows = self.maker.rows(part, &mut lines);
                self.summary.with(|s| {
                    s.not_digital += rows.not_digital;
                    s.future += rows.future;
                    s.joined += rows.joined;
                });
                self.waiting.extend(rows.made);
            }
            "LearnerDestinationandProgression" => self.told(part),
            _ => {}
        }
        let waiting = self.waiting.len();
        self.summary
            .with(|s| s.most_waiting = s.most_waiting.max(waiting));
        Ok(true)
    }

    /// Refuses what tells of a learner's outcome and cannot be read.
    fn told(&mut self, mut part: Part) {
        let mut problems = std::mem::take(&mut part.problems);
        for outcome in part.parts("DPOutcome") {
            let code = outcomes::code_of(outcome);
            let given = !outcome.value("OutCode").is_empty();
            if given && self.maker.mappings.code("DPOutcome", &[&code]).is_none() {
                problems.push(faults::ILR_CODE.at(outcome.line, Some("OutCode")));
            }
        }
        if !problems.is_empty() {
            let refused = Made::refused(part.line, &self.maker.provider, problems);
            self.waiting.push_back(refused);
        }
    }
}

impl<R: Read> Rows for IlrRows<R> {
    fn next(&mut self, record: &mut Record) -> io::Result<Next> {
        let made = loop {
            if let Some(made) = self.waiting.pop_front() {
                break made;
            }
            match self.fill() {
                Ok(true) => {}
                Ok(false) => return Ok(Next::End),
                Err(Broken::Io(error)) => return Err(error),
                Err(Broken::Fault(fault)) => return Ok(Next::Fault(fault)),
            }
        };
        record.fields.clear();
        for field in &made.fields {
            record.fields.push_field(field);
        }
        let mut position = csv::Position::new();
        position.set_line(made.line);
        record.fields.set_position(Some(position));
        record.problems = made.problems;
        record.reported = made.reported;
        Ok(Next::Row)
    }

    fn end(self, _rows: u64) -> (Digest, Vec<RowProblem>) {
        let digest = self.document.digest();
        let changed = digest != self.digest;
        let fault = changed.then(|| faults::ILR_CHANGED.at(1, None));
        (Digest::from_bytes(digest), fault.into_iter().collect())
    }
}
