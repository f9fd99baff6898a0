//! The release schedule: a cron expression on London's wall clock, and the job that it starts.

use std::str::FromStr;
use std::time::Duration;

use cron::TimeUnitSpec as _;
use jiff::civil::{DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan as _};
use ldsp_protocol::ids::Period;

use crate::Entropy;
use crate::release::{self, ReleaseError, Request, SCHEDULE};
use crate::store::{Store, StoreError, audit};

/// Days that are searched for the next match: 29 February on a given weekday comes back within 40 years.
const HORIZON_DAYS: i32 = 41 * 366;

/// Europe/London as a rule, in force since 1996 (IANA time zone database): no release is older, and no
/// machine's own database is needed.
#[must_use]
pub fn london() -> TimeZone {
    TimeZone::posix("GMT0BST,M3.5.0/1,M10.5.0")
        .expect("a constant rule, used by this module's tests")
}

/// An expression that is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ScheduleError {
    #[error("a schedule has five fields: minute, hour, day of the month, month, weekday")]
    Fields,
    #[error("a weekday is written as a number, which means different days in different programs")]
    Weekday,
    #[error("the schedule cannot be read: {0}")]
    Form(String),
    #[error("the schedule never comes: no day has that date")]
    Never,
}

impl ScheduleError {
    /// What to do next.
    #[must_use]
    pub fn next(&self) -> &'static str {
        match self {
            Self::Weekday => "Write weekdays as names, MON to SUN.",
            _ => {
                "Correct `schedule` in the configuration. Example: `0 6 5 * *`, the 5th of each month at 06:00."
            }
        }
    }
}

/// Five cron fields, read as London's wall clock. Day of the month and weekday must both hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule(cron::Schedule);

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [.., weekday] = fields.as_slice() else {
            return Err(ScheduleError::Fields);
        };
        if fields.len() != 5 {
            return Err(ScheduleError::Fields);
        }
        if weekday.contains(|c: char| c.is_ascii_digit()) {
            return Err(ScheduleError::Weekday);
        }
        let schedule = cron::Schedule::from_str(&format!("0 {}", fields.join(" ")))
            .map_err(|e| ScheduleError::Form(e.to_string().replace('\n', " ")))?;
        let schedule = Self(schedule);
        if schedule.after(Timestamp::UNIX_EPOCH).is_none() {
            return Err(ScheduleError::Never);
        }
        Ok(schedule)
    }
}

impl Schedule {
    /// The first moment after `now` at which the schedule comes; `None` beyond the calendar.
    ///
    /// A time that spring skips comes once, when the clock has jumped; a time that autumn repeats comes once, at
    /// its first occurrence. Times are mapped to moments in order, so the first that lies after `now` is next.
    #[must_use]
    pub fn after(&self, now: Timestamp) -> Option<Timestamp> {
        let zone = london();
        let mut date = now.to_zoned(zone.clone()).date();
        for _ in 0..HORIZON_DAYS {
            if self.has_day(date) {
                for hour in self.0.hours().iter() {
                    for minute in self.0.minutes().iter() {
                        let time = Time::new(hour as i8, minute as i8, 0, 0).ok()?;
                        let at = moment(&zone, date.to_datetime(time))?;
                        if at > now {
                            return Some(at);
                        }
                    }
                }
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    fn has_day(&self, date: jiff::civil::Date) -> bool {
        let weekday = date.weekday().to_sunday_one_offset();
        self.0.months().includes(date.month().unsigned_abs().into())
            && self
                .0
                .days_of_month()
                .includes(date.day().unsigned_abs().into())
            && self
                .0
                .days_of_week()
                .includes(weekday.unsigned_abs().into())
    }
}

/// The moment at which London's clocks show `wall`, first occurrence; in a gap, the moment of the jump.
fn moment(zone: &TimeZone, wall: DateTime) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(wall).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(wall).ok(),
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(wall).ok(),
        AmbiguousOffset::Gap { before, .. } => {
            let beyond = before.to_timestamp(wall).ok()?;
            let jump = zone
                .preceding(beyond.checked_add(1.second()).ok()?)
                .next()?;
            Some(jump.timestamp())
        }
    }
}

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
        let prepared =
            release::prepare_in(&mut transaction, self.request, SCHEDULE, now, entropy).await;
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
