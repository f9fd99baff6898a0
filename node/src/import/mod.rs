//! Files into records: bytes in, typed rows and a row report out.
//!
//! Reading and checking run on a thread of their own, overlapped with writing: many rows a
//! statement, one transaction a file. Dropping the future, or a power cut, leaves the store as it
//! was. Memory does not grow with the file.
//!
//! A row with a problem refuses the file, unless valid rows are asked for alone; a fault of the
//! file as a whole (encoding, header, quotation marks) always does. No report quotes a value.

mod faults;
mod header;
pub mod learners;
pub mod postcodes;
pub mod programmes;
pub mod pseudonym;
pub mod report;
mod rows;
pub(crate) mod scan;
#[cfg(test)]
mod tests;
mod values;

use std::collections::HashMap;
use std::io::{self, Read};

use jiff::Timestamp;
use jiff::civil::Date;
use ldsp_protocol::ids::Gss;

use crate::schedule::london;
use crate::store::audit::COMMAND_LINE;
use crate::store::imports::{self, ImportKind, ImportRecord, Tally};
use crate::store::records;
use crate::store::{Store, StoreError, Write};
use pseudonym::PseudonymKey;
use report::{ImportReport, Outcome, Problems, RowProblem};
use rows::Ended;

/// How to import.
#[derive(Debug, Clone)]
pub struct Options {
    /// Who imports, for the audit log: a person's name, or `command line`.
    pub who: String,
    /// Check every row and store nothing.
    pub dry_run: bool,
    /// Store the valid rows although others are refused.
    pub valid_rows: bool,
}

impl Default for Options {
    /// Every row is checked and stored, or none, from the command line.
    fn default() -> Self {
        Self {
            who: COMMAND_LINE.to_owned(),
            dry_run: false,
            valid_rows: false,
        }
    }
}

/// Why an import could not run to its end. Nothing was stored. A file that is refused is no error:
/// see [`ImportReport::outcome`].
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ImportError {
    #[error("there is no node yet")]
    NoNode,
    #[error("the file cannot be read: {0}")]
    Read(#[from] io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the reading of the file stopped unexpectedly")]
    Stopped,
}

impl ImportError {
    /// What to do next.
    #[must_use]
    pub fn next(&self) -> &'static str {
        match self {
            Self::NoNode => "Run `ldsp-node init --lep CODE` first.",
            Self::Read(_) => {
                "Check the path, the rights on the file and the disk it is on. Nothing was stored."
            }
            Self::Store(error) => error.next(),
            Self::Stopped => "Nothing was stored. Try again, and report the message in the log.",
        }
    }
}

/// The day in England at a moment.
#[must_use]
pub fn london_day(now: Timestamp) -> Date {
    now.to_zoned(london()).date()
}

/// An import under way: its transaction and what it has found.
struct Run {
    kind: ImportKind,
    options: Options,
    tx: Write,
    tally: Tally,
    problems: Problems,
}

impl Run {
    async fn begin(
        store: &Store,
        kind: ImportKind,
        options: &Options,
    ) -> Result<Self, ImportError> {
        Ok(Self {
            kind,
            options: options.clone(),
            tx: store.write().await?,
            tally: Tally::default(),
            problems: Problems::default(),
        })
    }

    fn refuse_row(&mut self, problems: Vec<RowProblem>) {
        self.tally.refused += 1;
        self.problems.extend(problems);
    }

    /// Whether what is written now can still be kept.
    fn writes(&self) -> bool {
        !self.options.dry_run && (self.options.valid_rows || self.problems.total() == 0)
    }

    /// Commits or rolls back, and reports.
    async fn finish(mut self, ended: Ended, now: Timestamp) -> Result<ImportReport, ImportError> {
        self.tally.rows = ended.rows;
        let whole = ended.faults.is_empty();
        self.problems.extend(ended.faults);
        let acceptable = whole
            && (self.problems.total() == 0
                || self.options.valid_rows && self.tally.refused < self.tally.rows);
        let outcome = match (acceptable, self.options.dry_run) {
            (false, _) => Outcome::Refused,
            (true, true) => Outcome::Checked,
            (true, false) => Outcome::Stored,
        };
        match ended.digest {
            Some(digest) if outcome == Outcome::Stored => {
                let record = ImportRecord {
                    kind: self.kind,
                    digest,
                    tally: self.tally,
                    at: now,
                };
                imports::log(&mut self.tx, &record, &self.options.who).await?;
                self.tx.commit().await.map_err(StoreError::from)?;
            }
            _ => self.tx.rollback().await.map_err(StoreError::from)?,
        }
        tracing::debug!(kind = self.kind.as_str(), ?outcome, "import ended");
        Ok(ImportReport {
            kind: self.kind,
            outcome,
            digest: ended.digest,
            tally: self.tally,
            problems: self.problems,
        })
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
    let identity = store.identity().await?.ok_or(ImportError::NoNode)?;
    let mut run = Run::begin(store, ImportKind::Learners, options).await?;
    let programmes = imports::programmes_in(&mut run.tx).await?;
    let directory = imports::any_postcode(&mut run.tx).await?;
    records::begin_seen(&mut run.tx).await?;
    let mut parser = learners::Parser {
        key: key.clone(),
        lep: identity.lep.clone(),
        programmes: programmes
            .into_iter()
            .map(|(code, (id, _))| (code, id))
            .collect(),
        today: london_day(now),
        clean: Default::default(),
    };
    let header = |row: &csv::StringRecord| header::find(row, &learners::HEADER);
    let mut stream = rows::stream(source, learners::COLUMNS, header, move |row| {
        parser.draft(row)
    });
    while let Some(mut batch) = stream.batches.recv().await {
        resolve(&mut run, &mut batch, &identity.lep, directory).await?;
        let valid = sort_out(&mut run, batch).await?;
        run.tally.outside += valid.iter().filter(|e| !e.in_area).count() as u64;
        let write = run.writes();
        let done = records::upsert(&mut run.tx, &valid, write).await?;
        run.tally.added += done.added;
        run.tally.changed += done.changed;
        run.tally.unchanged += done.unchanged;
    }
    let ended = stream.end.await.map_err(|_| ImportError::Stopped)??;
    records::end_seen(&mut run.tx).await?;
    run.finish(ended, now).await
}

/// Turns the postcodes of a batch into districts.
async fn resolve(
    run: &mut Run,
    batch: &mut [learners::Draft],
    lep: &Gss,
    directory: bool,
) -> Result<(), ImportError> {
    let wanted: Vec<&str> = batch.iter().filter_map(|d| d.postcode.as_deref()).collect();
    let districts = imports::districts_of(&mut run.tx, &wanted).await?;
    for draft in batch {
        let Some(postcode) = draft.postcode.take() else {
            continue;
        };
        let place = match districts.get(&postcode) {
            _ if !directory => Err(faults::NO_DIRECTORY),
            None => Err(faults::POSTCODE),
            Some(code) => learners::locate(code, lep).ok_or(faults::POSTCODE_DISTRICT),
        };
        match place {
            Ok((district, in_area)) => {
                if let Some(enrolment) = &mut draft.enrolment {
                    enrolment.district = Some(district);
                    enrolment.in_area = in_area;
                }
            }
            Err(fault) => {
                draft.problems.push(fault.at(draft.line, Some("postcode")));
                draft.enrolment = None;
            }
        }
    }
    Ok(())
}

/// Reports the rows with problems and the repeated ones; returns the others.
async fn sort_out(
    run: &mut Run,
    batch: Vec<learners::Draft>,
) -> Result<Vec<records::Enrolment>, ImportError> {
    let ids: Vec<_> = batch
        .iter()
        .filter_map(|d| d.enrolment.as_ref().map(|e| (e.spell, d.line)))
        .collect();
    let mut earlier = records::note_seen(&mut run.tx, &ids).await?.into_iter();
    let mut valid = Vec::with_capacity(ids.len());
    for draft in batch {
        let Some(enrolment) = draft.enrolment else {
            run.refuse_row(draft.problems);
            continue;
        };
        match earlier.next().flatten() {
            None => valid.push(enrolment),
            Some(first) => run.refuse_row(vec![repeated(draft.line, first)]),
        }
    }
    Ok(valid)
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
    let mut run = Run::begin(store, ImportKind::Programmes, options).await?;
    let held = imports::programmes_in(&mut run.tx).await?;
    let mut seen: HashMap<String, u64> = HashMap::new();
    let header = |row: &csv::StringRecord| header::find(row, &programmes::HEADER);
    let mut stream = rows::stream(source, programmes::COLUMNS, header, programmes::draft);
    while let Some(batch) = stream.batches.recv().await {
        let mut stored = Vec::with_capacity(batch.len());
        for draft in batch {
            let Some(programme) = draft.programme else {
                run.refuse_row(draft.problems);
                continue;
            };
            if seen.insert(programme.code.clone(), draft.line).is_some() {
                run.refuse_row(vec![
                    faults::DUPLICATE_PROGRAMME.at(draft.line, Some("programme")),
                ]);
                continue;
            }
            match held.get(&programme.code) {
                Some((_, before)) if *before == programme => run.tally.unchanged += 1,
                Some(_) => {
                    run.tally.changed += 1;
                    stored.push(programme);
                }
                None => {
                    run.tally.added += 1;
                    stored.push(programme);
                }
            }
        }
        if run.writes() {
            imports::put_programmes(&mut run.tx, &stored).await?;
        }
    }
    let ended = stream.end.await.map_err(|_| ImportError::Stopped)??;
    run.finish(ended, now).await
}

/// Replaces the postcode directory by the file's.
///
/// # Errors
/// [`ImportError`]; the directory is as it was then.
pub async fn postcodes(
    store: &Store,
    source: impl Read + Send + 'static,
    now: Timestamp,
) -> Result<ImportReport, ImportError> {
    let mut run = Run::begin(store, ImportKind::Postcodes, &Options::default()).await?;
    imports::clear_postcodes(&mut run.tx).await?;
    let mut stream = rows::stream(
        source,
        postcodes::COLUMNS,
        postcodes::header,
        postcodes::draft,
    );
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
