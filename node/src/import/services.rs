//! Rows of services: the columns of [`crate::model::service`], of which a file gives those that it has.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::header::Columns;
use super::report::{ImportReport, RowProblem};
use super::rows::{self, Row, Source};
use super::{ImportError, Run, faults};
use crate::model::question::Question;
pub(crate) use crate::model::service::COLUMNS;
use crate::model::{self, Model as _};
use crate::provision::doubles::words;
use crate::store::kept::{Known, Stored};
use crate::store::services::{Service, every};

pub(super) const HEADER: Columns = Columns {
    names: COLUMNS,
    required: &["name", "organisation"],
    either: &[],
};

/// A row on its way.
pub(super) struct Draft {
    pub(super) line: u64,
    pub(super) problems: Vec<RowProblem>,
    /// Present when the row has no problem.
    pub(super) service: Option<Service>,
    /// Which columns the file has.
    pub(super) has: Vec<bool>,
}

/// Reads rows with what they refer to.
pub(super) fn draft(known: Arc<Known>) -> impl FnMut(Row<'_>) -> Draft + Send + 'static {
    move |mut row| {
        let service = if row.whole {
            Service::read(&mut row, &known)
        } else {
            None
        };
        Draft {
            line: row.line,
            has: (0..COLUMNS.len()).map(|column| row.has(column)).collect(),
            service: service.filter(|_| row.problems.is_empty()),
            problems: row.problems,
        }
    }
}

/// What a row of a file is known by again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    /// The identifier at its source.
    Identifier(String, String),
    /// Where it has none: organisation, name and place, of one source.
    Words(String, [String; 3]),
}

fn key(service: &Service) -> Key {
    let source = service.source.clone();
    if service.source_id.is_empty() {
        Key::Words(source, words(service))
    } else {
        Key::Identifier(source, service.source_id.clone())
    }
}

/// Services of which changes are shown one by one.
const SHOWN: usize = 200;

/// A column that a file changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its name in files.
    pub column: &'static str,
    /// What is held, as files have it; empty for nothing.
    pub was: String,
    /// What the file says.
    pub is: String,
    /// Its name, what is held and what the file says, as people read them.
    #[serde(skip)]
    pub(crate) words: [String; 3],
}

/// What a row of a file changes of a service that is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Line of the file.
    pub line: u64,
    /// The service's number.
    pub id: i64,
    /// Its name, as it is held.
    pub name: String,
    /// Each column that differs.
    pub columns: Vec<Column>,
    /// Whether the row's check is older than the one that is held, which stays.
    pub older_check: bool,
}

/// What a file changes of services that are held.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The first 200, in the order of the file.
    pub changes: Vec<Change>,
    /// How many others there are.
    pub more: u64,
}

impl Summary {
    fn note(&mut self, change: Change) {
        if self.changes.len() < SHOWN {
            self.changes.push(change);
        } else {
            self.more += 1;
        }
    }

    /// For people, behind the report.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for change in &self.changes {
            // Writing to a String does not fail.
            let _written = writeln!(text, "\nLine {}: {}", change.line, change.name);
            for it in &change.columns {
                let [was, is] = [&it.was, &it.is].map(|text| or_empty(text));
                let _written = writeln!(text, "  {}: {was} becomes {is}", it.column);
            }
            if change.older_check {
                let _written = writeln!(text, "  {OLDER_CHECK}");
            }
        }
        if self.more > 0 {
            let _written = writeln!(text, "\nAnd {} more.", self.more);
        }
        text
    }
}

/// What is said of an older check.
pub(crate) const OLDER_CHECK: &str =
    "The check that the file tells of is older than the one that is held, which stays";

/// A text of a column, or that there is none.
pub(crate) fn or_empty(text: &str) -> &str {
    if text.is_empty() { "(empty)" } else { text }
}

/// The row as it would be: what the file has no column for stays as it was, and so does a newer check.
fn over(
    held: &Stored<Service>,
    row: &Draft,
    it: &Service,
    (known, questions): (&Known, &[Question]),
) -> Result<(Service, Change), Vec<RowProblem>> {
    let older_check = it.assured.is_some() && it.assured < held.it.assured;
    let stays = |column: &str| older_check && ["assured_date", "assured_by"].contains(&column);
    let (was, is) = (held.it.texts(known), it.texts(known));
    let pairs = was.into_iter().zip(is).zip(COLUMNS).zip(&row.has);
    let mut columns = Vec::new();
    let texts = pairs.map(|(((was, is), column), has)| {
        if !has || stays(column) || was == is {
            return was;
        }
        let question = questions.iter().find(|question| question.column == *column);
        let words = |text: &str| question.map_or_else(|| text.to_owned(), |q| q.words(text));
        let label = question.map_or(*column, |question| question.label);
        columns.push(Column {
            column,
            words: [label.to_owned(), words(&was), words(&is)],
            was,
            is: is.clone(),
        });
        is
    });
    let texts: Vec<String> = texts.collect();
    let change = Change {
        line: row.line,
        id: held.id,
        name: held.it.name.clone(),
        columns,
        older_check,
    };
    Ok((model::read(&texts, known)?, change))
}

/// Reads every row and keeps what is new or changed.
pub(super) async fn listed(
    source: impl Source,
    mut run: Run,
    now: Timestamp,
) -> Result<ImportReport, ImportError> {
    let known = Arc::new(Known::read(&mut run.tx).await?);
    let held = every(&mut run.tx).await?;
    let held: HashMap<Key, Stored<Service>> = held.into_iter().map(|s| (key(&s.it), s)).collect();
    let mut seen: HashMap<Key, u64> = HashMap::new();
    let mut summary = Summary::default();
    let questions = Service::questions(&known);
    let mut stream = rows::stream(source, rows::each(draft(known.clone())));
    while let Some(batch) = stream.batches.recv().await {
        for draft in batch {
            let Some(it) = &draft.service else {
                run.refuse_row(draft.problems);
                continue;
            };
            let key = key(it);
            let before = held.get(&key);
            if seen.insert(key, draft.line).is_some() {
                run.refuse_row(vec![faults::DUPLICATE_SERVICE.at(draft.line, Some("name"))]);
                continue;
            }
            let it = match before.map(|before| over(before, &draft, it, (&known, &questions))) {
                None => it.clone(),
                Some(Ok((it, change))) => {
                    if before.is_some_and(|before| before.it != it) || change.older_check {
                        summary.note(change);
                    }
                    it
                }
                Some(Err(mut problems)) => {
                    problems.iter_mut().for_each(|p| p.line = draft.line);
                    run.refuse_row(problems);
                    continue;
                }
            };
            match before {
                Some(before) if before.it == it => run.tally.unchanged += 1,
                before => {
                    let count = match before {
                        Some(_) => &mut run.tally.changed,
                        None => &mut run.tally.added,
                    };
                    *count += 1;
                    if run.writes() {
                        let who = run.options.who.as_str();
                        model::write(&mut run.tx, &known, before, &it, who, now).await?;
                    }
                }
            }
        }
    }
    let ended = stream.end.await.map_err(|_| ImportError::Stopped)??;
    let mut report = run.finish(ended, now).await?;
    report.services = Some(summary);
    Ok(report)
}
