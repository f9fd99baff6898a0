//! Rows of services: the columns of [`crate::model::service`], of which a file gives those that it has.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::header::Columns;
use super::report::{ImportReport, RowProblem};
use super::rows::{self, Row, Source};
use super::{ImportError, Run, faults};
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

/// The row as it would be: what the file has no column for stays as it was.
fn over(
    held: &Stored<Service>,
    it: &Service,
    has: &[bool],
    known: &Known,
) -> Result<Service, Vec<RowProblem>> {
    let columns = has.iter().zip(held.it.texts(known)).zip(it.texts(known));
    let texts = columns.map(|((has, was), is)| if *has { is } else { was });
    model::read(&texts.collect::<Vec<_>>(), known)
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
    let mut stream = rows::stream(source, rows::each(draft(known.clone())));
    while let Some(batch) = stream.batches.recv().await {
        for draft in batch {
            let Some(it) = draft.service else {
                run.refuse_row(draft.problems);
                continue;
            };
            let key = key(&it);
            let before = held.get(&key);
            if seen.insert(key, draft.line).is_some() {
                run.refuse_row(vec![faults::DUPLICATE_SERVICE.at(draft.line, Some("name"))]);
                continue;
            }
            let it = match before.map(|before| over(before, &it, &draft.has, &known)) {
                None => it,
                Some(Ok(it)) => it,
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
    run.finish(ended, now).await
}
