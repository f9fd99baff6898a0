//! Files into records: bytes in, typed rows and a row report out.
//!
//! Reading and checking run on a thread of their own, overlapped with writing: many rows a
//! statement, one transaction a file. Dropping the future, or a power cut, leaves the store as it
//! was. Memory does not grow with the file.
//!
//! A row with a problem refuses the file, unless valid rows are asked for alone; a fault of the
//! file as a whole (encoding, header, quotation marks) always does. No report quotes a value.

pub mod demands;
pub(crate) mod faults;
mod header;
pub mod ilr;
pub mod learners;
pub mod mapping;
mod own_words;
pub mod postcodes;
pub mod programmes;
pub mod pseudonym;
pub mod report;
pub(crate) mod rows;
pub(crate) mod scan;
pub(crate) mod services;
pub mod survey;
#[cfg(test)]
mod tests;
pub mod vacancies;
pub(crate) mod values;

use std::collections::HashMap;
use std::io::{self, Read, Seek};

use jiff::Timestamp;
use jiff::civil::Date;

use crate::model;
use crate::sample;
use crate::schedule::london;
use crate::store::audit::COMMAND_LINE;
use crate::store::imports::{self, ImportKind, ImportRecord, Tally};
use crate::store::kept::Known;
use crate::store::programmes as kept_programmes;
use crate::store::providers::{self, Roots};
pub use crate::store::records::Doubtful;
use crate::store::records::merge::{self, By, Merged, Merging, Refused, Why};
use crate::store::records::silent::Silent;
use crate::store::records::{self, fresh};
use crate::store::{Store, StoreError, Write, ilr as ilr_store, ledger};
use crate::store::{cohorts, delivery};
use crate::work::{Cancelled, Phase, Progress};
use ilr::schema;
use learners::Valid;
use mapping::{Contract, Kind, Reading};
use pseudonym::PseudonymKey;
use report::{ImportReport, Outcome, Problems, References, RowProblem};
pub use rows::SheetName;
use rows::{Csv, Ended, Source, Tabular};

/// How to import.
#[derive(Debug, Clone)]
pub struct Options {
    /// Who imports, for the audit log: a person's name, or `command line`.
    pub who: String,
    /// Check every row and store nothing.
    pub dry_run: bool,
    /// Store the valid rows although others are refused.
    pub valid_rows: bool,
    /// Take providers that no earlier file named: they are new ones.
    pub new_providers: bool,
    /// What rows are that may be new enrolments or corrected ones.
    pub doubtful: Doubtful,
    /// The provider whose rows they are alone, where one brings its own.
    pub brings: Option<Brings>,
    /// Counts how far it is, and cancels it.
    pub progress: Progress,
}

/// A provider that brings its own rows: those of another are refused, and its references are kept for its own pages.
#[derive(Debug, Clone)]
pub struct Brings {
    /// Its name, under any that it has had.
    pub provider: String,
    /// Its number among the organisations.
    pub organisation: i64,
    /// The cohort that all of them are in; `None`: as they are.
    pub cohort: Option<i64>,
    /// The organisation that employs all of them; `None`: as they are.
    pub employer: Option<i64>,
    /// They are added: what is held stays as it is, and is refused. Nothing is said of what became of them.
    pub adds: bool,
}

impl Default for Options {
    /// Every row is checked and stored, or none, from the command line.
    fn default() -> Self {
        Self {
            who: COMMAND_LINE.to_owned(),
            dry_run: false,
            valid_rows: false,
            new_providers: false,
            doubtful: Doubtful::Ask,
            brings: None,
            progress: Progress::default(),
        }
    }
}

/// Why an import could not run to its end. Nothing was stored. A file that is refused is no error:
/// see [`ImportReport::outcome`].
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ImportError {
    #[error("this node has no LEP yet")]
    NoNode,
    #[error("this node holds made-up records, and real ones must not stand among them")]
    Sample,
    #[error("the file cannot be read: {0}")]
    Read(#[from] io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the reading of the file stopped unexpectedly")]
    Stopped,
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl ImportError {
    /// What to do next.
    #[must_use]
    pub fn next(&self) -> &'static str {
        match self {
            Self::NoNode => "An admin chooses it on the page Choose the LEP.",
            Self::Sample => "Remove them first, on the first page.",
            Self::Read(_) => {
                "Check the path, the rights on the file and the disk it is on. Nothing was stored."
            }
            Self::Store(error) => error.next(),
            Self::Stopped => "Nothing was stored. Try again, and report the message in the log.",
            Self::Cancelled(_) => "Nothing was stored. Import the file again when it shall be.",
        }
    }

    /// The same for somebody at a terminal.
    #[must_use]
    pub fn next_by_command(&self) -> &'static str {
        match self {
            Self::NoNode => "Choose it: `ldsp-node lep --set CODE`.",
            Self::Sample => "Remove them first: `ldsp-node sample remove`.",
            _ => self.next(),
        }
    }
}

/// The day in England at a moment.
#[must_use]
pub fn london_day(now: Timestamp) -> Date {
    now.to_zoned(london()).date()
}

/// Whether a text is a unique learner number: ten digits, the first not 0, with their check digit.
pub(crate) fn is_uln(text: &str) -> bool {
    learners::is_uln(text)
}

/// Whether it is the number that files give where a learner has none.
pub(crate) fn is_no_uln(text: &str) -> bool {
    text == learners::NO_ULN
}

/// A provider's name as it is kept; `None` for a text that an import would refuse.
#[must_use]
pub fn clean_provider(name: &str) -> Option<String> {
    let name = values::one_spacing(name);
    let is_good = !name.is_empty()
        && name.chars().count() <= values::TEXT
        && ldsp_protocol::personal::find(&name).is_empty();
    is_good.then_some(name)
}

/// A column's name as names are compared.
pub(crate) fn plain_name(name: &str) -> String {
    header::plain(name)
}

/// Whether two values of a file are the same to a mapping.
pub(crate) fn same_value(one: &str, other: &str) -> bool {
    mapping::folded(one) == mapping::folded(other)
}

/// An import under way: its transaction and what it has found.
struct Run {
    kind: ImportKind,
    options: Options,
    tx: Write,
    tally: Tally,
    problems: Problems,
    /// Destinations and answers that were held and that its rows leave empty.
    taken_back: u64,
    /// What became of the providers' own references.
    references: References,
    /// Of an ILR.
    ilr: Option<ilr::Shared>,
    /// Of vacancies.
    vacancies: Option<vacancies::Summary>,
    /// Of a table of the Employer Skills Survey.
    survey: Option<survey::Shared>,
}

impl Run {
    async fn begin(
        store: &Store,
        kind: ImportKind,
        options: &Options,
    ) -> Result<Self, ImportError> {
        let progress = &options.progress;
        progress.enter(Phase::Waiting);
        let begun = async { Ok::<_, ImportError>(store.write().await?) };
        let mut tx = progress.unless_cancelled(begun).await?;
        progress.enter(Phase::Reading);
        let is_own = kind == ImportKind::Postcodes || options.who == sample::WHO;
        if !is_own && sample::is_there(&mut tx).await? {
            return Err(ImportError::Sample);
        }
        Ok(Self {
            kind,
            options: options.clone(),
            tx,
            tally: Tally::default(),
            problems: Problems::default(),
            taken_back: 0,
            references: References::default(),
            ilr: None,
            vacancies: None,
            survey: None,
        })
    }

    /// Provider and year of an ILR, once its first rows have come.
    fn file(&self) -> Option<(u32, schema::Year)> {
        let summary = self.ilr.as_ref()?;
        summary.with(|s| Some((s.ukprn, s.year?)))
    }

    fn refuse_row(&mut self, problems: Vec<RowProblem>) {
        self.tally.refused += 1;
        self.problems.extend(problems);
    }

    /// Adds what became of some rows.
    /// Counts rows of which a later year's ILR has told.
    fn left_as_they_are(&mut self, rows: u64) {
        self.tally.unchanged += rows;
        if let Some(summary) = &self.ilr {
            summary.with(|s| s.later += rows);
        }
    }

    fn add(&mut self, merged: Merged) {
        self.left_as_they_are(merged.later);
        let (t, done) = (&mut self.tally, merged.done);
        t.added = t.added + done.added - merged.withdrawn;
        t.changed += done.changed;
        t.unchanged += done.unchanged;
        t.carried += done.carried;
        self.taken_back += done.taken_back;
        t.erased += merged.erased.len() as u64;
        t.outside -= merged.erased.iter().filter(|in_area| !**in_area).count() as u64;
        for refused in merged.refused {
            let problem = self.tally.refuse(&refused);
            self.problems.extend([problem]);
        }
    }

    /// Whether what is written now can still be kept.
    fn writes(&self) -> bool {
        !self.options.dry_run && (self.options.valid_rows || self.problems.total() == 0)
    }

    /// What becomes of the file, once all its rows were seen.
    fn outcome(&self, ended: &Ended) -> Outcome {
        let acceptable = ended.faults.is_empty()
            && (self.problems.total() == 0
                || self.options.valid_rows && self.tally.refused < ended.rows);
        match (acceptable, self.options.dry_run) {
            (false, _) => Outcome::Refused,
            (true, true) => Outcome::Checked,
            (true, false) => Outcome::Stored,
        }
    }

    /// Commits or rolls back, and reports.
    async fn finish(mut self, ended: Ended, now: Timestamp) -> Result<ImportReport, ImportError> {
        let outcome = self.outcome(&ended);
        self.tally.rows = ended.rows;
        self.problems.extend(ended.faults);
        match ended.digest {
            Some(digest) if outcome == Outcome::Stored => {
                let record = ImportRecord {
                    kind: self.kind,
                    digest,
                    tally: self.tally,
                    at: now,
                };
                ledger::withheld::hold(&mut self.tx).await?;
                imports::log(&mut self.tx, &record, &self.options.who).await?;
                if let (Some((ukprn, year)), Some(shared)) = (self.file(), &self.ilr) {
                    let prepared = shared.with(|s| s.prepared.clone());
                    let key = (ukprn, year.begins());
                    ilr_store::note_file(&mut self.tx, key, &prepared, &digest, now).await?;
                }
                self.options.progress.begin_storing()?;
                self.tx.commit().await.map_err(StoreError::from)?;
            }
            _ => self.tx.rollback().await.map_err(StoreError::from)?,
        }
        if self.options.brings.is_some() {
            self.problems.each(own_words::say);
        }
        tracing::debug!(kind = self.kind.as_str(), ?outcome, "import ended");
        Ok(ImportReport {
            kind: self.kind,
            outcome,
            digest: ended.digest,
            tally: self.tally,
            problems: self.problems,
            taken_back: self.taken_back,
            references: self.references,
            ilr: self.ilr.map(|shared| shared.with(|s| s.clone())),
            vacancies: self.vacancies,
            services: None,
            survey: self
                .survey
                .map(|shared| shared.with(|s| s.clone()))
                .filter(|survey| !survey.figures.is_empty()),
        })
    }
}

/// Imports a file that may be CSV or a workbook, with columns of its own when `reading` has a mapping.
///
/// # Errors
/// [`ImportError`]; nothing was stored then.
pub async fn file(
    store: &Store,
    key: &PseudonymKey,
    (kind, mut file): (Kind, impl Read + Seek + Send + 'static),
    reading: &Reading,
    options: &Options,
    now: Timestamp,
) -> Result<ImportReport, ImportError> {
    let times = rows::times(&mut file)?;
    let file = options.progress.counting_all(file, times)?;
    let source = Tabular::new(file, Contract::of(kind), reading.clone());
    match kind {
        Kind::Learners => {
            let run = Run::begin(store, ImportKind::Learners, options).await?;
            enrolments(store, key, source, run, now).await
        }
        Kind::Programmes => described(store, source, options, now).await,
        Kind::Demand => demands::take(store, (ImportKind::Demand, source), options, now).await,
        Kind::Vacancies => vacancies::take(store, source, options, now).await,
        Kind::Services => offered(store, source, options, now).await,
    }
}

/// Imports enrolments. `source` is read once, to its end; `now` decides what lies in the future.
///
/// # Errors
/// [`ImportError`]; nothing was stored then.
pub async fn learners(
    store: &Store,
    key: &PseudonymKey,
    source: impl Read + Send + 'static,
    options: &Options,
    now: Timestamp,
) -> Result<ImportReport, ImportError> {
    let header = |row: &csv::StringRecord| header::find(row, &learners::HEADER);
    let source = options.progress.counting(source);
    let source = Csv::new(source, learners::COLUMNS, header);
    let run = Run::begin(store, ImportKind::Learners, options).await?;
    enrolments(store, key, source, run, now).await
}

/// Imports a provider's ILR of a year. `source` is read twice, to its end; what an earlier file of the same year named and this one does not is
/// removed (docs/ilr.md).
///
/// # Errors
/// [`ImportError`]; nothing was stored then.
pub async fn ilr(
    store: &Store,
    key: &PseudonymKey,
    source: impl Read + Seek + Send + 'static,
    options: &Options,
    now: Timestamp,
) -> Result<ImportReport, ImportError> {
    let mut run = Run::begin(store, ImportKind::Ilr, options).await?;
    let mappings = ilr_store::mappings(&mut run.tx).await?;
    let summary = ilr::Shared::default();
    run.ilr = Some(summary.clone());
    let source = options.progress.counting_all(source, 2)?;
    let source = ilr::Ilr::new(source, mappings, london_day(now), summary);
    enrolments(store, key, source, run, now).await
}

/// The one way of learner rows into the store, whatever their source.
async fn enrolments(
    store: &Store,
    key: &PseudonymKey,
    source: impl Source,
    run: Run,
    now: Timestamp,
) -> Result<ImportReport, ImportError> {
    let progress = run.options.progress.clone();
    let merged = merged(store, key, source, run, now);
    let report = progress.unless_cancelled(merged).await;
    let mut writer = store.writer.acquire().await.map_err(StoreError::from)?;
    let left = records::leave_room(&mut writer).await;
    let report = report?;
    left?;
    Ok(report)
}

async fn merged(
    store: &Store,
    key: &PseudonymKey,
    source: impl Source,
    mut run: Run,
    now: Timestamp,
) -> Result<ImportReport, ImportError> {
    let identity = store.identity().await?.ok_or(ImportError::NoNode)?;
    let known = Known::read(&mut run.tx).await?;
    let any = imports::any_postcode(&mut run.tx).await?;
    let roots = providers::roots(&mut run.tx).await?;
    let brings = run.options.brings.clone();
    let own = brings
        .as_ref()
        .map(|brings| learners::Own::new(&brings.provider, &roots, &known));
    // Where a provider's rows are put beside their cohort they have to be found again.
    let fresh = own.is_none() && fresh::is_fresh(&mut run.tx).await?;
    let by = By {
        who: run.options.who.clone(),
        at: now,
    };
    let cohort = brings.as_ref().and_then(|brings| brings.cohort);
    let adds = brings.as_ref().is_some_and(|brings| brings.adds);
    if own.is_some() {
        delivery::begin(&mut run.tx).await?;
    }
    // Of another provider's programmes it does not learn that there are any.
    let open = match (&own, &brings) {
        (Some(own), Some(brings)) => {
            let held = brings.cohort.is_none();
            let open = delivery::open_to(&mut run.tx, brings.organisation, &own.root, held).await?;
            Some(open)
        }
        _ => None,
    };
    let is_open = |id: &i64| open.as_ref().is_none_or(|open| open.contains(id));
    let parser = learners::Parser {
        key: key.clone(),
        lep: identity.lep.clone(),
        programmes: known
            .programmes
            .into_iter()
            .filter(|(id, ..)| is_open(id))
            .map(|(id, code, _)| (code, id))
            .collect(),
        today: london_day(now),
        clean: Default::default(),
        roots: roots.clone(),
        // Of the first file all are; whose an ILR is somebody has said.
        new_providers: run.options.new_providers || fresh || run.ilr.is_some(),
        named: Vec::new(),
        own: own.clone(),
        programme: match cohort {
            Some(cohort) => cohorts::programme_of(&mut run.tx, cohort).await?,
            None => None,
        },
        silent: None,
    };
    let directory = learners::Directory::new(store, &identity.lep, any);
    let gatherer = learners::Gatherer::new(parser, directory, fresh);
    records::make_room(&mut run.tx, fresh).await?;
    let mut merging = if fresh {
        fresh::begin(&mut run.tx).await?;
        None
    } else {
        let mut merging = merge::begin(&mut run.tx, roots.clone(), &by).await?;
        merging.own = own.as_ref().map(|own| own.root.clone());
        merging.adds = adds;
        Some(merging)
    };
    let mut stream = rows::stream(source, gatherer);
    while let Some(batch) = stream.batches.recv().await {
        run.tally.outside += batch.outside;
        run.references.not_shown += batch.references.not_shown;
        run.references.none += batch.references.none;
        for problems in batch.refused {
            run.refuse_row(problems);
        }
        providers::note(&mut run.tx, &batch.providers, &roots).await?;
        match (batch.valid, &mut merging) {
            (Valid::Merge(mut rows), Some(merging)) => {
                let mut brought = delivery::Brought::of(&rows);
                merging.silent = match &run.ilr {
                    Some(_) => Silent::ILR,
                    None if adds => Silent::JOINS,
                    None => batch.silent,
                };
                if let Some((_, year)) = run.file() {
                    merging.since = Some(year.first_day());
                    merging.year = Some(year.begins());
                    leave_later(&mut run, year, &mut rows).await?;
                }
                let merged = merge::take(&mut run.tx, rows, merging).await?;
                if own.is_some() && run.writes() {
                    brought.leave_out(&merged.refused);
                    delivery::note(&mut run.tx, brought).await?;
                }
                run.references.known += merged.done.referred;
                run.add(merged);
            }
            (Valid::Fresh(rows), _) => {
                run.tally.added += batch.count;
                run.references.known += batch.references.known;
                fresh::insert(&mut run.tx, rows).await?;
            }
            // Gathered in the way that was begun.
            (Valid::Merge(_), None) => return Err(ImportError::Stopped),
        }
    }
    let ended = stream.end.await.map_err(|_| ImportError::Stopped)??;
    run.options.progress.enter(Phase::Settling);
    match &merging {
        None => settle(&mut run, &roots, &ended).await?,
        Some(merging) => decide(&mut run, merging, now).await?,
    }
    if let Some(brings) = brings {
        if run.outcome(&ended) == Outcome::Stored {
            if let Some(merging) = &merging {
                delivery::mark(&mut run.tx, merging.last()).await?;
            }
            delivery::place(&mut run.tx, brings.cohort, brings.employer, &by).await?;
        }
        delivery::end(&mut run.tx).await?;
    }
    run.finish(ended, now).await
}

/// Takes out enrolments of which a later year's ILR has told.
async fn leave_later(
    run: &mut Run,
    year: schema::Year,
    rows: &mut Vec<merge::Line>,
) -> Result<(), ImportError> {
    let spells = rows.iter().map(|(_, enrolment)| &enrolment.spell);
    let later = ilr_store::later(&mut run.tx, year.begins(), spells).await?;
    if !later.is_empty() {
        let before = rows.len();
        rows.retain(|(_, enrolment)| !later.contains(&enrolment.spell));
        run.left_as_they_are((before - rows.len()) as u64);
    }
    Ok(())
}

/// Removes what the ILR at hand does not name any more, unless rows of it were refused: then nothing is known to be missing.
async fn replace(run: &mut Run, now: Timestamp) -> Result<(), ImportError> {
    ilr_store::named_again(&mut run.tx).await?;
    let (Some((ukprn, year)), Some(summary)) = (run.file(), run.ilr.clone()) else {
        return Ok(());
    };
    let key = (ukprn, year.begins());
    if run.tally.refused > 0 {
        summary.with(|s| s.incomplete = true);
    } else {
        let gone = ilr_store::replace(&mut run.tx, key, london_day(now)).await?;
        run.tally.removed = gone.iter().map(|gone| gone.enrolments).sum();
        summary.with(|s| s.gone = gone);
    }
    ilr_store::keep(&mut run.tx, key, false).await?;
    Ok(())
}

/// Decides about the rows that had to wait for the end of the file.
async fn decide(run: &mut Run, merging: &Merging, now: Timestamp) -> Result<(), ImportError> {
    let whole = run.problems.total() == 0;
    let mut merged =
        merge::doubts::settle(&mut run.tx, merging, run.options.doubtful, whole).await?;
    // They were taken for new ones so far.
    merged.withdrawn += merged.done.changed + merged.refused.len() as u64;
    let mut late = Problems::default();
    for refused in std::mem::take(&mut merged.refused) {
        run.references.forget(&refused);
        late.extend([run.tally.refuse(&refused)]);
    }
    run.add(merged);
    run.problems.merge(late);
    replace(run, now).await?;
    merge::end(&mut run.tx).await?;
    Ok(())
}

/// Reports the repeated rows of a first import, and finishes what is going to be kept.
async fn settle(run: &mut Run, roots: &Roots, ended: &Ended) -> Result<(), ImportError> {
    let mut late = Vec::new();
    let (tally, references) = (&mut run.tally, &mut run.references);
    let mut found = |refused: Refused| {
        tally.added -= 1;
        references.forget(&refused);
        late.push(tally.refuse(&refused));
    };
    fresh::settle(&mut run.tx, &mut found).await?;
    fresh::tie(&mut run.tx, roots, &mut found).await?;
    late.sort_by_key(|problem: &RowProblem| problem.line);
    let mut problems = Problems::default();
    problems.extend(late);
    run.problems.merge(problems);
    if run.outcome(ended) == Outcome::Stored {
        fresh::finish(&mut run.tx).await?;
        if let Some((ukprn, year)) = run.file() {
            ilr_store::keep(&mut run.tx, (ukprn, year.begins()), true).await?;
        }
    }
    Ok(())
}

impl Tally {
    /// Counts a row that the store does not take, and says why.
    fn refuse(&mut self, row: &Refused) -> RowProblem {
        self.refused += 1;
        self.outside -= u64::from(!row.in_area);
        match row.why {
            Why::Repeated(first) => repeated(row.line, first),
            Why::OtherUln(first) => other_uln(row.line, first),
            Why::There => faults::THERE.at(row.line, Some("learner_ref")),
            Why::HeldUln => faults::HELD_ULN.at(row.line, Some("uln")),
            Why::Doubtful => faults::DOUBTFUL.at(row.line, None),
            Why::Several => faults::SEVERAL.at(row.line, None),
        }
    }
}

fn repeated(line: u64, first: u64) -> RowProblem {
    RowProblem {
        line,
        field: None,
        code: "duplicate",
        cause: format!(
            "The row is the same enrolment as line {first}: provider, learner, aim and start agree."
        )
        .into(),
        remedy: "Keep the row that is right.".into(),
    }
}

fn other_uln(line: u64, first: u64) -> RowProblem {
    RowProblem {
        line,
        field: Some("uln"),
        code: "uln-differs",
        cause: format!("The row gives another ULN for the same learner_ref than line {first}.")
            .into(),
        remedy: "Correct the ULN, or give each learner of the provider a learner_ref of their own."
            .into(),
    }
}

/// Imports programmes; one whose code is held already is updated.
///
/// # Errors
/// [`ImportError`]; nothing was stored then.
pub async fn programmes(
    store: &Store,
    source: impl Read + Send + 'static,
    options: &Options,
    now: Timestamp,
) -> Result<ImportReport, ImportError> {
    let header = |row: &csv::StringRecord| header::find(row, &programmes::HEADER);
    let source = options.progress.counting(source);
    let source = Csv::new(source, programmes::COLUMNS, header);
    described(store, source, options, now).await
}

/// The one way of programme rows into the store, whatever their source.
async fn described(
    store: &Store,
    source: impl Source,
    options: &Options,
    now: Timestamp,
) -> Result<ImportReport, ImportError> {
    let run = Run::begin(store, ImportKind::Programmes, options).await?;
    let written = written(source, run, now);
    options.progress.unless_cancelled(written).await
}

async fn written(
    source: impl Source,
    mut run: Run,
    now: Timestamp,
) -> Result<ImportReport, ImportError> {
    let held = kept_programmes::by_code(&mut run.tx).await?;
    let known = Known::read(&mut run.tx).await?;
    let mut seen: HashMap<String, u64> = HashMap::new();
    let mut stream = rows::stream(source, rows::each(programmes::draft));
    while let Some(batch) = stream.batches.recv().await {
        let mut stored = Vec::with_capacity(batch.len());
        for draft in batch {
            let Some(mut programme) = draft.programme else {
                run.refuse_row(draft.problems);
                continue;
            };
            if seen.insert(programme.code.clone(), draft.line).is_some() {
                run.refuse_row(vec![
                    faults::DUPLICATE_PROGRAMME.at(draft.line, Some("programme")),
                ]);
                continue;
            }
            let before = held.get(&programme.code);
            model::programme::complete(&mut programme, before.map(|held| &held.it), &known);
            match before {
                Some(before) if before.it == programme => run.tally.unchanged += 1,
                Some(_) => {
                    run.tally.changed += 1;
                    stored.push((before, programme));
                }
                None => {
                    run.tally.added += 1;
                    stored.push((None, programme));
                }
            }
        }
        if run.writes() {
            for (before, programme) in stored {
                let who = run.options.who.as_str();
                model::write(&mut run.tx, &known, before, &programme, who, now).await?;
            }
        }
    }
    let ended = stream.end.await.map_err(|_| ImportError::Stopped)??;
    run.finish(ended, now).await
}

/// Imports services; one that is held already is updated in the columns that the file has.
///
/// # Errors
/// [`ImportError`]; nothing was stored then.
pub async fn services(
    store: &Store,
    source: impl Read + Send + 'static,
    options: &Options,
    now: Timestamp,
) -> Result<ImportReport, ImportError> {
    let header = |row: &csv::StringRecord| header::find(row, &services::HEADER);
    let source = options.progress.counting(source);
    let source = Csv::new(source, services::COLUMNS, header);
    offered(store, source, options, now).await
}

/// The one way of rows of services into the store, whatever their source.
async fn offered(
    store: &Store,
    source: impl Source,
    options: &Options,
    now: Timestamp,
) -> Result<ImportReport, ImportError> {
    let run = Run::begin(store, ImportKind::Services, options).await?;
    let listed = services::listed(source, run, now);
    options.progress.unless_cancelled(listed).await
}

/// Replaces the postcode directory by the file's.
///
/// # Errors
/// [`ImportError`]; the directory is as it was then.
pub async fn postcodes(
    store: &Store,
    source: impl Read + Send + 'static,
    options: &Options,
    now: Timestamp,
) -> Result<ImportReport, ImportError> {
    let run = Run::begin(store, ImportKind::Postcodes, options).await?;
    let source = options.progress.counting(source);
    let replaced = replaced(source, run, now);
    options.progress.unless_cancelled(replaced).await
}

async fn replaced(
    source: impl Read + Send + 'static,
    mut run: Run,
    now: Timestamp,
) -> Result<ImportReport, ImportError> {
    imports::clear_postcodes(&mut run.tx).await?;
    let source = Csv::new(source, postcodes::COLUMNS, postcodes::header);
    let mut stream = rows::stream(source, rows::each(postcodes::draft));
    while let Some(batch) = stream.batches.recv().await {
        let mut stored = Vec::with_capacity(batch.len());
        for draft in batch {
            match draft {
                postcodes::Draft::Here(postcode, district) => stored.push((postcode, district)),
                postcodes::Draft::Elsewhere => run.tally.outside += 1,
                postcodes::Draft::Wrong(problems) => run.refuse_row(problems),
            }
        }
        if run.writes() {
            let added = imports::put_postcodes(&mut run.tx, &stored).await?;
            run.tally.added += added;
            // A postcode that the file repeats.
            run.tally.unchanged += stored.len() as u64 - added;
        }
    }
    let ended = stream.end.await.map_err(|_| ImportError::Stopped)??;
    run.finish(ended, now).await
}
