//! Runs: on command, and by schedule beside the server.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use ldsp_protocol::ids::Digest;
use ldsp_ui::schedule::Schedule;
use serde::Serialize;

use super::Refused;
use crate::Service;
use crate::announce::{AnnounceError, Announcer};
use crate::runs::{self, Job, Made, RunError};
use crate::store::{Log, Registry, Rollups, StoreError};

/// The clock is looked at this often: it may be set.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A run that stands in the log.
#[derive(Debug, Clone, Serialize)]
pub struct Frozen {
    /// Place in the log.
    pub index: u64,
    /// Whether it was logged now; otherwise the last run stands on the same statements.
    pub new: bool,
    /// Number of entries of the log that it is of.
    pub size: u64,
    /// Root of the log's tree of that size.
    pub root: Digest,
    /// Number of statements that the figures stand on, those of the keys among them.
    pub inputs: u64,
    /// Number of measures.
    pub findings: usize,
}

impl fmt::Display for Frozen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = if self.new {
            "All figures are frozen"
        } else {
            "Nothing is new since the last run"
        };
        writeln!(f, "{when}: place {} in the log.", self.index)?;
        writeln!(f, "Log         {} entries, root {}", self.size, self.root)?;
        writeln!(f, "Inputs      {} statements", self.inputs)?;
        write!(
            f,
            "Findings    {} measures. Everybody reads and checks them at /runs/{}",
            self.findings, self.index
        )
    }
}

impl From<RunError> for Refused {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Announce(error) => error.into(),
            error => Self::new(error.to_string(), "What the last run says stays as it is."),
        }
    }
}

/// Freezes all figures of the log as it stands; nothing new is logged where they stand on the statements of the last run.
///
/// # Errors
/// Nothing is published, or trouble with the store.
pub async fn freeze<S: Registry + Log + Rollups>(
    announcer: &Announcer<'_, S>,
    now: Timestamp,
) -> Result<Frozen, Refused> {
    let Made { run, new } = runs::make(announcer, now).await?;
    let run = run.ok_or_else(|| {
        Refused::new(
            "nothing is published yet, so there are no figures to freeze",
            "Wait until a node has sent its first month.",
        )
    })?;
    let stands_on = &run.run.stands_on;
    Ok(Frozen {
        index: run.index,
        new,
        size: stands_on.size,
        root: stands_on.root,
        inputs: stands_on.inputs.count(),
        findings: run.run.findings.len(),
    })
}

/// Makes runs by schedule for as long as the server runs; ends only when it must end with it.
pub(super) async fn keep(service: Arc<Service>, schedule: Schedule) -> StoreError {
    let last = loop {
        match runs::latest(&service.store).await {
            Ok(last) => break last.map(|run| run.received),
            Err(error) => tracing::error!(%error, "the last run could not be read"),
        }
        tokio::time::sleep(LONGEST_WAIT).await;
    };
    let mut job = Job::new(schedule, last, service.now());
    loop {
        let now = service.now();
        match job.step(&service.announcer(), now).await {
            Ok(None) => {}
            Ok(Some(_)) => service.overdue.note(now, None),
            Err(RunError::Announce(AnnounceError::Store(error))) if error.is_fatal() => {
                return error;
            }
            Err(error) => {
                tracing::error!(%error, "the run that is due could not be made");
                service.overdue.note(now, Some(&error));
            }
        }
        let until = job.next().map(|next| next.duration_since(service.now()));
        let until = until.and_then(|wait| Duration::try_from(wait).ok());
        tokio::time::sleep(until.unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT)).await;
    }
}
