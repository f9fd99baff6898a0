//! Demand rows: the columns of the form, each a text.

use std::collections::{HashMap, HashSet};
use std::io::Read;

use jiff::Timestamp;

use super::header::{self, Columns};
use super::report::{ImportReport, RowProblem};
use super::rows::{self, Csv, Row, Source};
use super::survey::Became;
use super::{ImportError, Options, Run, faults};
use crate::model::{self, Model};
use crate::store::demand::Demand;
use crate::store::imports::{self, ImportKind};
use crate::store::kept::{Kept as _, Known, Stored};
use crate::store::{Store, StoreError};

/// Column names in the order of the contract.
pub const COLUMNS: &[&str] = Demand::COLUMNS;

pub(super) const HEADER: Columns = Columns {
    names: COLUMNS,
    required: &["asks", "area", "number", "from", "how", "sure", "by"],
    either: &[],
};

/// A row on its way.
struct Draft {
    line: u64,
    problems: Vec<RowProblem>,
    /// Present when the row has no problem.
    demand: Option<Demand>,
}

/// Reads one row.
fn draft(mut row: Row<'_>, known: &Known) -> Draft {
    let demand = if row.whole {
        Demand::read(&mut row, known)
    } else {
        None
    };
    Draft {
        line: row.line,
        demand: demand.filter(|_| row.problems.is_empty()),
        problems: row.problems,
    }
}

/// What a row is to those that are held and to the rows before it.
enum Place<'a> {
    New,
    Same,
    /// It says something else than this one of the same reference.
    Changes(&'a Stored<Demand>),
    /// The file says it twice.
    Repeated,
}

/// What is held, to find rows again: by their references, and those without one by what they say.
pub(super) struct Held {
    pub(super) known: Known,
    /// The number that this import gets.
    import: i64,
    by_reference: HashMap<String, Stored<Demand>>,
    said: HashSet<Vec<String>>,
    seen: HashSet<String>,
    seen_said: HashSet<Vec<String>>,
}

impl Held {
    pub(super) async fn read(run: &mut Run) -> Result<Self, StoreError> {
        let known = Known::read(&mut run.tx).await?;
        let all = Demand::rows(&mut run.tx, None).await?;
        let import = imports::next(&mut run.tx).await?;
        Ok(Self::new(known, all, import))
    }

    fn new(known: Known, all: Vec<Stored<Demand>>, import: i64) -> Self {
        let said = all.iter().map(|row| said(&row.it, &known)).collect();
        let by_reference = all.into_iter().map(|row| (folded(&row.it.code), row));
        Self {
            by_reference: by_reference.collect(),
            said,
            known,
            import,
            seen: HashSet::new(),
            seen_said: HashSet::new(),
        }
    }

    /// Finds a row's place; each row of the file once.
    fn place(&mut self, it: &Demand) -> Place<'_> {
        let said = said(it, &self.known);
        if it.code.is_empty() {
            return match (
                self.seen_said.insert(said.clone()),
                self.said.contains(&said),
            ) {
                (false, _) => Place::Repeated,
                (true, true) => Place::Same,
                (true, false) => Place::New,
            };
        }
        let reference = folded(&it.code);
        if !self.seen.insert(reference.clone()) {
            return Place::Repeated;
        }
        match self.by_reference.get(&reference) {
            None => Place::New,
            Some(before) if before.it.texts(&self.known) == it.texts(&self.known) => Place::Same,
            Some(before) => Place::Changes(before),
        }
    }
}

/// Puts a row into its place, counts it, and writes it where it may be kept.
pub(super) async fn keep(
    run: &mut Run,
    held: &mut Held,
    (line, mut demand): (u64, Demand),
    now: Timestamp,
) -> Result<(), StoreError> {
    let import = held.import;
    let before = match held.place(&demand) {
        Place::Repeated => {
            let twice = faults::DUPLICATE_DEMAND.at(line, Some("reference"));
            run.refuse_row(vec![twice]);
            return Ok(());
        }
        Place::Same => {
            run.tally.unchanged += 1;
            note(run, &demand, Became::Unchanged, None);
            return Ok(());
        }
        Place::New => {
            run.tally.added += 1;
            note(run, &demand, Became::New, None);
            None
        }
        Place::Changes(before) => {
            run.tally.changed += 1;
            note(run, &demand, Became::Changed, Some(before.it.number));
            Some(before.clone())
        }
    };
    if run.writes() {
        demand.import = Some(import);
        let who = run.options.who.clone();
        model::write(
            &mut run.tx,
            &held.known,
            before.as_ref(),
            &demand,
            &who,
            now,
        )
        .await?;
    }
    Ok(())
}

/// Tells who brings a table of a survey what becomes of its figure.
fn note(run: &Run, demand: &Demand, became: Became, before: Option<Option<i64>>) {
    if let Some(found) = &run.survey {
        found.became(&demand.code, became, before);
    }
}

/// Imports demand; a row whose reference is held already is updated.
///
/// # Errors
/// [`ImportError`]; nothing was stored then.
pub async fn demand(
    store: &Store,
    source: impl Read + Send + 'static,
    options: &Options,
    now: Timestamp,
) -> Result<ImportReport, ImportError> {
    let find = |row: &csv::StringRecord| header::find(row, &HEADER);
    let source = options.progress.counting(source);
    let source = Csv::new(source, COLUMNS, find);
    take(store, (ImportKind::Demand, source), options, now).await
}

/// The one way of demand rows into the store, whatever their source.
pub(super) async fn take(
    store: &Store,
    (kind, source): (ImportKind, impl Source),
    options: &Options,
    now: Timestamp,
) -> Result<ImportReport, ImportError> {
    let run = Run::begin(store, kind, options).await?;
    take_run(source, run, now).await
}

/// The same for an import that has begun.
pub(super) async fn take_run(
    source: impl Source,
    run: Run,
    now: Timestamp,
) -> Result<ImportReport, ImportError> {
    let progress = run.options.progress.clone();
    progress.unless_cancelled(gathered(source, run, now)).await
}

async fn gathered(
    source: impl Source,
    mut run: Run,
    now: Timestamp,
) -> Result<ImportReport, ImportError> {
    let mut held = Held::read(&mut run).await?;
    let known = held.known.clone();
    let draft = move |row: Row<'_>| draft(row, &known);
    let mut stream = rows::stream(source, rows::each(draft));
    while let Some(batch) = stream.batches.recv().await {
        for draft in batch {
            match draft.demand {
                Some(demand) => keep(&mut run, &mut held, (draft.line, demand), now).await?,
                None => run.refuse_row(draft.problems),
            }
        }
    }
    let ended = stream.end.await.map_err(|_| ImportError::Stopped)??;
    run.finish(ended, now).await
}

fn folded(reference: &str) -> String {
    reference.to_ascii_lowercase()
}

/// Everything but the reference.
fn said(it: &Demand, known: &Known) -> Vec<String> {
    it.texts(known).split_off(1)
}
