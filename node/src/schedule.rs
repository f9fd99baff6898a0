//! The release schedule and the job that it starts.

use std::time::Duration;

use jiff::Timestamp;
use ldsp_protocol::ids::Period;
pub use ldsp_ui::schedule::{Schedule, ScheduleError, london};

use crate::Entropy;
use crate::release::{self, ReleaseError, Request, SCHEDULE};
use crate::store::{Store, StoreError, audit};
use crate::work::Progress;

/// What the job did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobOutcome {
    /// Its time has not come.
    NotYet(Timestamp),
    /// It prepared the release of this month, which now waits for an approver.
    Prepared(Period),
    /// Nothing was due; why.
    Nothing(String),
    /// The schedule does not come again.
    Over,
}

/// Prepares releases by schedule. It never approves.
#[derive(Debug)]
pub struct Job {
    schedule: Schedule,
    request: Request,
    next: Option<Timestamp>,
    /// Failures since the last success.
    failures: u32,
    /// Not before: a failure has to pass first.
    pause: Option<Timestamp>,
}

/// After a failure the job is tried again; the gap doubles from here …
const SHORTEST_PAUSE: i64 = 5;
/// … to here, in seconds.
const LONGEST_PAUSE: i64 = 15 * 60;

impl Job {
    /// A job that last ran when the audit log says so, or that begins now. A time that passed while the node was off is made up
    /// for, once.
    ///
    /// # Errors
    /// The store's.
    pub async fn new(
        store: &Store,
        schedule: Schedule,
        rho_micro: Option<u64>,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let mut transaction = store.write().await?;
        let last: Option<i64> = sqlx::query_scalar(
            "SELECT max(at) FROM audit WHERE action IN ('schedule came', 'schedule began')",
        )
        .fetch_one(&mut *transaction)
        .await?;
        if last.is_none() {
            // Without it, a first time that came to nothing would not be known to have come.
            let detail = "releases are prepared by schedule from here";
            audit::append(&mut transaction, now, SCHEDULE, "schedule began", detail).await?;
        }
        transaction.commit().await?;
        let last = last.and_then(|at| Timestamp::from_second(at).ok());
        let next = schedule.after(last.unwrap_or(now).min(now));
        let request = Request {
            rho_micro,
            ..Request::default()
        };
        Ok(Self {
            schedule,
            request,
            next,
            failures: 0,
            pause: None,
        })
    }

    /// When it is due, or due again.
    #[must_use]
    pub fn next(&self) -> Option<Timestamp> {
        self.next.max(self.pause.filter(|_| self.next.is_some()))
    }

    /// How long to wait from `now`, at most `longest`.
    #[must_use]
    pub fn wait(&self, now: Timestamp, longest: Duration) -> Duration {
        let until = self.next().map(|next| next.duration_since(now));
        until.map_or(longest, |d| {
            Duration::try_from(d).unwrap_or_default().min(longest)
        })
    }

    /// Whether [`step`](Self::step) would do something.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.next().is_some_and(|next| next <= now)
    }

    /// Runs if due. That the schedule came is written together with what came of it: killed or failed before, it is due still.
    ///
    /// # Errors
    /// What is more than "nothing to do": a damaged ledger, a full disk. The job is due again after a pause.
    pub async fn step(
        &mut self,
        store: &Store,
        now: Timestamp,
        entropy: &Entropy,
    ) -> Result<JobOutcome, ReleaseError> {
        let Some(due) = self.next() else {
            return Ok(JobOutcome::Over);
        };
        if now < due {
            return Ok(JobOutcome::NotYet(due));
        }
        match self.run(store, now, entropy).await {
            Ok(outcome) => {
                self.next = self.schedule.after(now);
                (self.failures, self.pause) = (0, None);
                Ok(outcome)
            }
            Err(error) => {
                let doubled = SHORTEST_PAUSE << self.failures.min(16);
                let seconds = now.as_second() + doubled.min(LONGEST_PAUSE);
                self.failures += 1;
                self.pause = Timestamp::from_second(seconds).ok();
                Err(error)
            }
        }
    }

    async fn run(
        &self,
        store: &Store,
        now: Timestamp,
        entropy: &Entropy,
    ) -> Result<JobOutcome, ReleaseError> {
        let mut transaction = store.write().await?;
        let (action, detail) = ("schedule came", "the release schedule came");
        audit::append(&mut transaction, now, SCHEDULE, action, detail).await?;
        // Nobody watches.
        let watched = Progress::default();
        let prepared = release::prepare_in(
            &mut transaction,
            self.request,
            (SCHEDULE, now),
            entropy,
            &watched,
        )
        .await;
        let outcome = match prepared {
            Ok(prepared) if prepared.drawn => JobOutcome::Prepared(prepared.release.period),
            Ok(prepared) => {
                JobOutcome::Nothing(ReleaseError::Open(prepared.release.period).to_string())
            }
            // Quiet errors come before anything is written.
            Err(error) if error.is_quiet() => JobOutcome::Nothing(error.to_string()),
            Err(error) => return Err(error),
        };
        transaction.commit().await?;
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests;
