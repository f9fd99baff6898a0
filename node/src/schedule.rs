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
mod tests {
    use super::*;
    use crate::testing::{World, at, period, seeded, started};
    use proptest::prelude::*;

    fn after(expression: &str, now: &str) -> String {
        let schedule: Schedule = expression.parse().unwrap();
        schedule.after(at(now)).unwrap().to_string()
    }

    #[test]
    fn expressions_are_read_as_londons_wall_clock() {
        assert_eq!(
            after("0 6 5 * *", "2022-01-05T05:59:59Z"),
            "2022-01-05T06:00:00Z"
        );
        assert_eq!(
            after("0 6 5 * *", "2022-01-05T06:00:00Z"),
            "2022-02-05T06:00:00Z"
        );
        // Summer: 06:00 is 05:00 UTC.
        assert_eq!(
            after("0 6 5 * *", "2022-07-01T00:00:00Z"),
            "2022-07-05T05:00:00Z"
        );
        // Sunday 3 July 2022, by name.
        assert_eq!(
            after("30 9 * * SUN", "2022-07-01T00:00:00Z"),
            "2022-07-03T08:30:00Z"
        );
        assert_eq!(
            after("0 0 29 2 MON", "2022-07-01T00:00:00Z"),
            "2044-02-29T00:00:00Z"
        );
    }

    #[test]
    fn a_time_that_spring_skips_comes_once_when_the_clock_has_jumped() {
        // 27 March 2022: 01:00 GMT became 02:00 BST.
        assert_eq!(
            after("30 1 * * *", "2022-03-26T12:00:00Z"),
            "2022-03-27T01:00:00Z"
        );
        assert_eq!(
            after("30 1 * * *", "2022-03-27T01:00:00Z"),
            "2022-03-28T00:30:00Z"
        );
        assert_eq!(
            after("*/10 1 * * *", "2022-03-27T00:30:00Z"),
            "2022-03-27T01:00:00Z"
        );
        assert_eq!(
            after("*/10 1 * * *", "2022-03-27T01:00:00Z"),
            "2022-03-28T00:00:00Z"
        );
    }

    #[test]
    fn a_time_that_autumn_repeats_comes_once() {
        // 30 October 2022: 02:00 BST became 01:00 GMT.
        assert_eq!(
            after("30 1 * * *", "2022-10-29T12:00:00Z"),
            "2022-10-30T00:30:00Z"
        );
        assert_eq!(
            after("30 1 * * *", "2022-10-30T00:30:00Z"),
            "2022-10-31T01:30:00Z"
        );
        assert_eq!(
            after("30 1 * * *", "2022-10-30T01:10:00Z"),
            "2022-10-31T01:30:00Z"
        );
    }

    #[test]
    fn what_programs_disagree_about_is_refused() {
        for (text, error) in [
            ("0 6 5 *", ScheduleError::Fields),
            ("0 0 6 5 * *", ScheduleError::Fields),
            ("", ScheduleError::Fields),
            ("0 6 * * 1", ScheduleError::Weekday),
            ("0 6 31 2 *", ScheduleError::Never),
        ] {
            assert_eq!(text.parse::<Schedule>(), Err(error), "{text}");
        }
        assert!(matches!(
            "61 6 5 * *".parse::<Schedule>(),
            Err(ScheduleError::Form(_))
        ));
    }

    proptest! {
        #[test]
        fn every_day_has_its_time_once_around_the_changes(minute in 0i8..60, hour in 0i8..24, year in 2000i16..2060, spring in any::<bool>()) {
            let schedule: Schedule = format!("{minute} {hour} * * *").parse().unwrap();
            let from = jiff::civil::date(year, if spring { 3 } else { 10 }, 20);
            let mut now = from.at(0, 0, 0, 0).to_zoned(london()).unwrap().timestamp();
            now = now.checked_sub(1.second()).unwrap();
            for days in 0..15 {
                now = schedule.after(now).unwrap();
                let wall = now.to_zoned(london());
                prop_assert_eq!(wall.date(), from.checked_add(days.days()).unwrap());
                let meant = Time::new(hour, minute, 0, 0).unwrap();
                prop_assert!(wall.time() == meant || (spring && hour == 1 && wall.time() == Time::new(2, 0, 0, 0).unwrap()));
            }
        }
    }

    #[tokio::test]
    async fn the_job_prepares_and_never_approves() {
        let world = World::enrolled().await;
        world.add(&started("2022-03-10")).await;
        let schedule: Schedule = "0 6 5 * *".parse().unwrap();
        let mut job = Job::new(
            &world.store,
            schedule.clone(),
            None,
            at("2022-04-01T00:00:00Z"),
        )
        .await
        .unwrap();
        let due = at("2022-04-05T05:00:00Z");
        let early = job
            .step(&world.store, at("2022-04-05T04:59:59Z"), &seeded(1))
            .await
            .unwrap();
        assert_eq!(early, JobOutcome::NotYet(due));
        assert_eq!(
            job.wait(at("2022-04-05T04:59:00Z"), Duration::from_secs(600)),
            Duration::from_secs(60)
        );
        let done = job.step(&world.store, due, &seeded(1)).await.unwrap();
        assert_eq!(done, JobOutcome::Prepared(period("2022-03")));
        assert_eq!(world.number("SELECT count(*) FROM outbox").await, 0);
        assert_eq!(
            world
                .number(
                    "SELECT count(*) FROM releases WHERE author = 'schedule' AND approver IS NULL"
                )
                .await,
            1
        );
        // Off in May, back in June: made up for once, and the open release stands in the way.
        let back = at("2022-06-02T00:00:00Z");
        let mut job = Job::new(&world.store, schedule, None, back).await.unwrap();
        assert_eq!(job.next(), Some(at("2022-05-05T05:00:00Z")));
        let done = job.step(&world.store, back, &seeded(1)).await.unwrap();
        assert!(
            matches!(&done, JobOutcome::Nothing(why) if why.contains("March 2022")),
            "{done:?}"
        );
        assert_eq!(job.next(), Some(at("2022-06-05T05:00:00Z")));
    }

    #[tokio::test]
    async fn a_release_that_failed_or_was_killed_is_due_still() {
        let world = World::enrolled().await;
        world.add(&started("2022-03-10")).await;
        let schedule: Schedule = "0 6 5 * *".parse().unwrap();
        let begun = at("2022-04-01T00:00:00Z");
        let due = at("2022-04-05T05:00:00Z");
        Job::new(&world.store, schedule.clone(), None, begun)
            .await
            .unwrap();
        // Killed between the audit row and the commit: the draw never comes back.
        let mut job = Job::new(&world.store, schedule.clone(), None, begun)
            .await
            .unwrap();
        let store = world.store.clone();
        let killed = tokio::spawn(async move {
            let dies: Entropy = std::sync::Arc::new(|| panic!("killed here"));
            job.step(&store, due, &dies).await
        });
        assert!(killed.await.unwrap_err().is_panic());
        let world = world.reopened().await;
        let mut job = Job::new(&world.store, schedule, None, at("2022-04-05T05:01:00Z"))
            .await
            .unwrap();
        assert_eq!(job.next(), Some(due));
        // Then the disk fails for a while: tried again, less and less often.
        world.run("CREATE TRIGGER full BEFORE INSERT ON releases BEGIN SELECT RAISE(ABORT, 'full'); END").await;
        let mut now = at("2022-04-05T05:01:00Z");
        let mut gaps = Vec::new();
        for _ in 0..12 {
            job.step(&world.store, now, &seeded(1)).await.unwrap_err();
            let again = job.step(&world.store, now, &seeded(1)).await.unwrap();
            let JobOutcome::NotYet(next) = again else {
                panic!("{again:?}");
            };
            gaps.push(next.as_second() - now.as_second());
            now = next;
        }
        assert_eq!((gaps[0], gaps[1], gaps[11]), (5, 10, LONGEST_PAUSE));
        let came = "SELECT count(*) FROM audit WHERE action = 'schedule came'";
        assert_eq!(world.number(came).await, 0);
        world.run("DROP TRIGGER full").await;
        let done = job.step(&world.store, now, &seeded(1)).await.unwrap();
        assert_eq!(done, JobOutcome::Prepared(period("2022-03")));
        assert_eq!(world.number(came).await, 1);
        assert_eq!(job.next(), Some(at("2022-05-05T05:00:00Z")));
    }
}
