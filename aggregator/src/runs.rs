//! Runs: every measure frozen at one state of the log, signed by its key: a finding each, and the run that names them, in one
//! transaction. What is frozen is what the live figures of that state were ([`ldsp_protocol::run`]).

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{Timestamp, ToSpan as _};
use ldsp_protocol::benchmark::{Figures, Measure};
use ldsp_protocol::dsse::MAX_BODY;
use ldsp_protocol::ids::Digest;
use ldsp_protocol::log::{ENTRY_LEN, Edge, Entry};
use ldsp_protocol::own::{Own, PayloadError};
use ldsp_protocol::run::{BenchmarkRun, CODE, Gather, Inputs, MeasureFinding, Named, StandsOn};
use ldsp_protocol::statement::Kind;
use ldsp_ui::schedule::Schedule;
use serde::Serialize;

use crate::announce::{AnnounceError, Announcer, read};
use crate::log::Speech;
use crate::store::{
    Conflict, Log, LoggedStatement, OwnEffect, Registry, Rollups, Span, StoreError,
};

/// Leaves whose records are read at once.
const CHUNK: u64 = 4096;
/// How often the figures are read anew because the log moved on while they were read.
const READS: usize = 16;
/// Bytes of a statement's body that are left for what stands around the payload.
const MARGIN: usize = 64 << 10;
/// After a failure a run that is due is tried again.
const PAUSE_MINUTES: i64 = 15;

/// Why no run was logged. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum RunError {
    #[error(
        "a run's part {what} is {bytes} bytes, which is more than a statement may have ({most}): no run was logged"
    )]
    Large {
        what: &'static str,
        bytes: usize,
        most: usize,
    },
    #[error("the log moved on each of {0} times while its figures were read: no run was logged")]
    Moving(usize),
    #[error(transparent)]
    Announce(#[from] AnnounceError),
}

impl From<StoreError> for RunError {
    fn from(error: StoreError) -> Self {
        Self::Announce(error.into())
    }
}

impl From<PayloadError> for RunError {
    fn from(error: PayloadError) -> Self {
        Self::Announce(error.into())
    }
}

/// A run that stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Place in the log.
    pub index: u64,
    /// Place in the log's own sequence.
    pub seq: u64,
    /// Identity of the statement.
    pub pae: Digest,
    /// When it was made; for people, never for order.
    pub received: Timestamp,
    /// What it says.
    pub run: BenchmarkRun,
}

impl Run {
    /// The run that one of the log's own statements is; `None` for any other.
    ///
    /// # Errors
    /// Damaged bytes.
    pub fn of(statement: &LoggedStatement) -> Result<Option<Self>, StoreError> {
        let Own::BenchmarkRun(run) = read(statement)?.payload else {
            return Ok(None);
        };
        Ok(Some(Self {
            index: statement.index,
            seq: statement.seq,
            pae: statement.pae,
            received: statement.received,
            run: *run,
        }))
    }
}

/// The last run.
///
/// # Errors
/// Trouble with the store.
pub async fn latest<S: Log>(store: &S) -> Result<Option<Run>, StoreError> {
    let found = store.announced(&[Kind::BenchmarkRun], Span::Newest, 1);
    let found = found.await?;
    Ok(found.first().map(Run::of).transpose()?.flatten())
}

/// The run at this place of the log.
///
/// # Errors
/// Trouble with the store.
pub async fn at<S: Log>(store: &S, index: u64) -> Result<Option<Run>, StoreError> {
    let found = store.owns(index, 1).await?;
    let here = found.first().filter(|statement| statement.index == index);
    Ok(here.map(Run::of).transpose()?.flatten())
}

/// The statement of a finding that a run names.
///
/// # Errors
/// Trouble with the store.
pub async fn statement<S: Log>(store: &S, named: &Named) -> Result<LoggedStatement, StoreError> {
    let found = store.own(named.seq).await?;
    found
        .filter(|statement| statement.pae == named.pae)
        .ok_or_else(|| damaged("seq", named.seq))
}

/// A finding that a run names.
///
/// # Errors
/// Trouble with the store.
pub async fn finding<S: Log>(store: &S, named: &Named) -> Result<MeasureFinding, StoreError> {
    match read(&statement(store, named).await?)?.payload {
        Own::Finding(finding) => Ok(*finding),
        _ => Err(damaged("kind", named.seq)),
    }
}

fn damaged(column: &'static str, seq: u64) -> StoreError {
    StoreError::Corrupt {
        table: "own_statement",
        column,
        row: seq.to_string(),
    }
}

/// What came of asking for a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The last run now; `None` while nothing is published.
    pub run: Option<Run>,
    /// Whether it was logged by this very request.
    pub new: bool,
}

/// Freezes all figures of the log as it stands. Where they stand on the same statements as those of the last run, and were
/// made by the same version, nothing is logged.
///
/// # Errors
/// Trouble with the store, or a key that the log has not stated.
pub async fn make<S: Registry + Log + Rollups>(
    announcer: &Announcer<'_, S>,
    now: Timestamp,
) -> Result<Made, RunError> {
    let store = announcer.store();
    let (edge, figures) = frozen(store).await?;
    let inputs = inputs(store, edge.size()).await?;
    let run = latest(store).await?;
    let same = |run: &Run| run.run.stands_on.inputs == inputs && run.run.stands_on.code == CODE;
    if inputs.count() == 0 || run.as_ref().is_some_and(same) {
        return Ok(Made { run, new: false });
    }
    let stands_on = StandsOn::new(edge.size(), edge.root(), &figures, inputs);
    let findings = Measure::ALL.map(|m| MeasureFinding::of(&figures, m, stands_on.clone()));
    let findings = findings.into_iter().filter(|f| !f.figures.is_empty());
    let findings: Vec<MeasureFinding> = findings.collect();
    for finding in &findings {
        finding.check().map_err(PayloadError::from)?;
        fits("of one measure", finding)?;
    }
    // It names the findings, which is less than what they say.
    fits("that it all stands on", &stands_on)?;
    let standard = announcer.standard().digest();
    let speak = |speech: &mut Speech<'_>| {
        let mut say = |finding: &MeasureFinding| {
            let kind = Kind::Finding;
            let body = |turn: &_| announcer.body(turn, kind, standard, finding);
            let (seq, pae) = speech.say(kind, body);
            Named {
                measure: finding.measure,
                seq,
                pae,
            }
        };
        let run = BenchmarkRun {
            findings: findings.iter().map(&mut say).collect(),
            stands_on: stands_on.clone(),
        };
        let kind = Kind::BenchmarkRun;
        speech.say(kind, |turn| announcer.body(turn, kind, standard, &run));
    };
    let effect = OwnEffect::Run {
        after: run.map(|run| run.index),
    };
    let said = announcer.signer().announce(store, &effect, speak, now);
    let new = match said.await {
        Ok(_) => true,
        // Another process was quicker: its run stands on no less.
        Err(StoreError::Conflict(Conflict::OtherRun)) => false,
        Err(error) => return Err(error.into()),
    };
    let run = latest(store).await?;
    if let Some(run) = run.as_ref().filter(|_| new) {
        tracing::info!(index = run.index, size = edge.size(), "a run was logged");
    }
    Ok(Made { run, new })
}

/// Refuses what a statement cannot hold: nobody could read it, and nothing that stands in the log can be taken out of it again.
fn fits(what: &'static str, part: &impl Serialize) -> Result<(), RunError> {
    let bytes = serde_json::to_vec(part).map_or(usize::MAX, |json| json.len());
    let most = MAX_BODY - MARGIN;
    if bytes > most {
        return Err(RunError::Large { what, bytes, most });
    }
    Ok(())
}

/// The leaves that figures of the first `size` leaves stand on.
async fn inputs<S: Log>(store: &S, size: u64) -> Result<Inputs, RunError> {
    let mut gather = Gather::default();
    let mut from = 0;
    while from < size {
        let records = store.records(from..size.min(from + CHUNK)).await?;
        let unreadable = |index: u64| StoreError::Corrupt {
            table: "log_entry",
            column: "entries",
            row: format!("with leaf {index}"),
        };
        let (records, _) = records.as_chunks::<ENTRY_LEN>();
        if records.is_empty() {
            return Err(unreadable(from).into());
        }
        for (index, record) in (from..).zip(records) {
            let entry = Entry::parse(record).map_err(|_| unreadable(index))?;
            gather.entry(index, &entry);
            if entry.kind == Kind::KeyAdd {
                let stated = store.own(entry.seq).await?;
                let stated = stated.ok_or_else(|| damaged("seq", entry.seq))?;
                if let Own::KeyAdd(add) = read(&stated)?.payload {
                    gather.key(index, &add);
                }
            }
        }
        from += records.len() as u64;
    }
    Ok(gather.inputs().map_err(PayloadError::from)?)
}

/// The figures of one state of the log, node by node, and that state.
async fn frozen<S: Registry + Log + Rollups>(store: &S) -> Result<(Edge, Figures), RunError> {
    let mut edge = store.head().await?.edge;
    for _ in 0..READS {
        let mut figures = Figures::default();
        for node in store.nodes().await? {
            let mut months = store.contributions(Some(&node.node)).await?;
            months.sort_by_key(|month| (month.standard.version(), month.period));
            figures = figures.after(Arc::default(), months);
        }
        let now = store.head().await?.edge;
        if now == edge {
            return Ok((edge, figures));
        }
        // Something was logged meanwhile: what was read may be of neither state.
        edge = now;
    }
    Err(RunError::Moving(READS))
}

/// Makes runs by schedule.
#[derive(Debug)]
pub struct Job {
    schedule: Schedule,
    next: Option<Timestamp>,
}

impl Job {
    /// A job whose last run was made at `last`: a time that passed since, while the server was off, is made up for once.
    #[must_use]
    pub fn new(schedule: Schedule, last: Option<Timestamp>, now: Timestamp) -> Self {
        let next = schedule.after(last.unwrap_or(now).min(now));
        Self { schedule, next }
    }

    /// When it is due; `None` when the schedule does not come again.
    #[must_use]
    pub fn next(&self) -> Option<Timestamp> {
        self.next
    }

    /// Makes a run if one is due; `None` if not.
    ///
    /// # Errors
    /// As [`make`]. It is due again after a pause, or at its next time where a run would be too large: what is logged only grows.
    pub async fn step<S: Registry + Log + Rollups>(
        &mut self,
        announcer: &Announcer<'_, S>,
        now: Timestamp,
    ) -> Result<Option<Made>, RunError> {
        if self.next.is_none_or(|next| now < next) {
            return Ok(None);
        }
        let made = make(announcer, now).await;
        self.next = match &made {
            Ok(_) => self.schedule.after(now),
            Err(error) => self.again(error, now),
        };
        made.map(Some)
    }

    /// When a run is due again that could not be made at `now`. What is logged only grows, so one that is too large stays so.
    fn again(&self, error: &RunError, now: Timestamp) -> Option<Timestamp> {
        match error {
            RunError::Large { .. } => self.schedule.after(now),
            _ => now.checked_add(PAUSE_MINUTES.minutes()).ok(),
        }
    }
}

/// Why the run that was due last was not made, for those who look after the server; empty when it was.
#[derive(Debug, Default)]
pub struct Overdue(Mutex<Option<(Timestamp, String)>>);

impl Overdue {
    /// Notes what came of a run that was due.
    pub fn note(&self, at: Timestamp, failed: Option<&RunError>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            failed.map(|error| (at, error.to_string()));
    }

    /// When it was tried last, and why it was not made.
    #[must_use]
    pub fn why(&self) -> Option<(Timestamp, String)> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[cfg(test)]
mod tests;
