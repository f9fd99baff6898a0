//! Retention: records go when their period is over. A learner's records go together, when the last of their enrolments is due: what is kept of a
//! person by halves could let more of their enrolments be counted than two.

use jiff::civil::Date;
use jiff::{Span, Timestamp};
use serde::Serialize;
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection};
use utoipa::ToSchema;

use super::{Erased, JOURNAL, RightsError, journal};
use crate::home::Node;
use crate::import::london_day;
use crate::release::{SCHEDULE, reason_in_order as in_order};
use crate::schedule::Schedule;
use crate::store::ledger::KNOWN;
use crate::store::records::Pseudonym;
use crate::store::records::persons::{Known, ident};
use crate::store::retention::{self as set_periods, SetPeriod};
use crate::store::{Store, StoreError, audit, day, erasure, scrub};
use crate::words;

/// Months after an end in which the destination at 12 months may still become known: twelve, and six for the provider to hear and to send it.
const DESTINATIONS_OPEN_MONTHS: i32 = 18;
/// Months for which facts that wait for a release keep records beyond their period.
const RELEASE_MONTHS: i32 = 12;
/// Learners erased by one statement.
const AT_A_TIME: usize = 2_000;
/// Seconds until a failed run is tried again.
const PAUSE: i64 = 15 * 60;

const BEGAN: &str = "retention began";
const RAN: &str = "retention";
const SET: &str = "retention period set";

/// How long records are kept, and when those that are due go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Months after the end of a learner's last enrolment; without an end after its planned end, else its start.
    pub months: u16,
    /// When the server deletes what is due.
    pub schedule: Schedule,
}

/// Months that a period may have: a century at most.
pub const PERIODS: std::ops::RangeInclusive<u16> = 1..=1_200;

impl Policy {
    /// A period that goes by the usual schedule: Sundays at 04:00, Europe/London.
    #[must_use]
    pub fn of(months: u16) -> Self {
        Self {
            months,
            schedule: "0 4 * * SUN"
                .parse()
                .expect("a constant schedule, used by this module's tests"),
        }
    }
}

/// The period that holds, and who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// The table `[retention]` of the configuration, which comes first.
    Configured(Policy),
    /// Somebody, on the page, by a command or by a program.
    Set(SetPeriod),
    /// Nobody yet.
    Nobody,
}

impl Held {
    /// The period; `None` where nothing is deleted by itself.
    #[must_use]
    pub fn policy(&self) -> Option<Policy> {
        match self {
            Self::Configured(policy) => Some(policy.clone()),
            Self::Set(set) => set.months.map(Policy::of),
            Self::Nobody => None,
        }
    }

    /// From when it holds, where somebody set it.
    fn since(&self) -> Option<Timestamp> {
        match self {
            Self::Set(set) => Some(set.at),
            Self::Configured(_) | Self::Nobody => None,
        }
    }
}

/// The period that holds; `configured` is what the configuration says.
///
/// # Errors
/// The store's.
pub async fn held(store: &Store, configured: Option<&Policy>) -> Result<Held, StoreError> {
    if let Some(policy) = configured {
        return Ok(Held::Configured(policy.clone()));
    }
    Ok(store.set_period().await?.map_or(Held::Nobody, Held::Set))
}

/// [`held`] without who says so.
///
/// # Errors
/// The store's.
pub async fn policy(
    store: &Store,
    configured: Option<&Policy>,
) -> Result<Option<Policy>, StoreError> {
    Ok(held(store, configured).await?.policy())
}

/// What somebody sets.
#[derive(Debug, Clone, Copy)]
pub struct NewPeriod<'a> {
    /// [`PERIODS`]; `None`: nothing is deleted by itself.
    pub months: Option<u16>,
    /// Why, for whoever asks later.
    pub reason: &'a str,
    /// The number of the period that they saw, 0 where there was none: if another one holds by now, nothing is set. `None`: whichever.
    pub instead_of: Option<i64>,
}

/// Longest reason in characters.
const LONGEST_REASON: usize = 500;

impl NewPeriod<'_> {
    /// The reason in one line, where all is in order.
    ///
    /// # Errors
    /// [`RightsError::Months`], [`RightsError::Reason`].
    pub fn check(&self) -> Result<String, RightsError> {
        if self.months.is_some_and(|months| !PERIODS.contains(&months)) {
            return Err(RightsError::Months);
        }
        in_order(self.reason, LONGEST_REASON).map_err(RightsError::Reason)
    }
}

/// Sets the period, with history and audit log. What is over by it goes at the next time of the schedule, not before.
///
/// # Errors
/// [`RightsError`]; nothing was set then.
pub async fn set_period(
    store: &Store,
    configured: Option<&Policy>,
    new: NewPeriod<'_>,
    who: &str,
    now: Timestamp,
) -> Result<(), RightsError> {
    if configured.is_some() {
        return Err(RightsError::Configured);
    }
    let reason = new.check()?;
    let mut tx = store.write().await?;
    let before = set_periods::last(&mut tx).await?;
    let is_other = |seen: i64| seen != before.as_ref().map_or(0, |before| before.id);
    if new.instead_of.is_some_and(is_other) {
        return Err(RightsError::Changed);
    }
    set_periods::set(&mut tx, new.months, &reason, (who, now)).await?;
    let period = match new.months {
        Some(months) => format!("{months} months"),
        None => "no period".to_owned(),
    };
    audit::append(&mut tx, now, who, SET, &format!("{period}: {reason}")).await?;
    tx.commit().await?;
    Ok(())
}

/// What is due, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Due {
    /// The period in months.
    pub months: u16,
    /// Records that ended by this day are due.
    #[schema(value_type = String, format = Date)]
    pub ended_by: Date,
    /// Learners whose records go.
    pub learners: u64,
    /// Their enrolments.
    pub enrolments: u64,
    /// Learners whose period is over and who stay because a destination may still become known.
    pub wait_for_destinations: u64,
    /// Learners whose period is over and who stay, a year at most, because a known fact has not been released yet.
    pub wait_for_release: u64,
}

impl Due {
    /// In a few sentences.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let count = |n: u64| words::count(n);
        let mut said = vec![format!(
            "Due: the records of {} learner(s), {} enrolment(s), that ended by {}. The period is {} months.",
            count(self.learners),
            count(self.enrolments),
            words::day(self.ended_by),
            self.months,
        )];
        if self.wait_for_destinations > 0 {
            said.push(format!(
                "Learners who stay until the time for their destinations is over, {DESTINATIONS_OPEN_MONTHS} months after the end: {}.",
                count(self.wait_for_destinations)
            ));
        }
        if self.wait_for_release > 0 {
            said.push(format!(
                "Learners who stay until what is known of them is released, {RELEASE_MONTHS} months at most: {}.",
                count(self.wait_for_release)
            ));
        }
        said
    }
}

fn before(today: Date, months: i32) -> Date {
    today.saturating_sub(Span::new().months(months))
}

/// Who is due on a day.
async fn find(
    connection: &mut SqliteConnection,
    months: u16,
    today: Date,
) -> Result<(Due, Vec<Pseudonym>), StoreError> {
    let ended_by = before(today, i32::from(months));
    // $1: the end of the period. $2: destinations may still come after it. $3: released or not, it is over.
    let sql = format!(
        "SELECT learner, count(*),
           max(stage BETWEEN 1 AND 3 AND destination_12m IS NULL AND coalesce(end_day > $2, 0)) AS open,
           max(enters = 1 AND in_area = 1 AND {KNOWN} & ~(counted | withheld) != 0) AS fresh,
           max(max(start_day, coalesce(end_day, planned_end_day, start_day))) AS last
         FROM enrolments GROUP BY learner HAVING last <= $1"
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(day(ended_by))
        .bind(day(before(today, DESTINATIONS_OPEN_MONTHS)))
        .fetch_all(connection)
        .await?;
    let over = day(before(ended_by, RELEASE_MONTHS));
    let mut due = Due {
        months,
        ended_by,
        learners: 0,
        enrolments: 0,
        wait_for_destinations: 0,
        wait_for_release: 0,
    };
    let mut learners = Vec::new();
    for row in rows {
        let number = |column| row.try_get::<i64, _>(column);
        if number("open")? == 1 {
            due.wait_for_destinations += 1;
        } else if number("fresh")? == 1 && number("last")? > over {
            due.wait_for_release += 1;
        } else {
            let learner: Vec<u8> = row.try_get(0)?;
            let learner = learner.try_into().map_err(|_| StoreError::Corrupt {
                table: "enrolments",
                column: "learner",
                row: "(not shown)".to_owned(),
            })?;
            learners.push(learner);
            due.learners += 1;
            due.enrolments += row.try_get::<i64, _>(1)?.unsigned_abs();
        }
    }
    Ok((due, learners))
}

/// What is due now. Nothing is changed.
///
/// # Errors
/// The store's.
pub async fn due(store: &Store, policy: &Policy, now: Timestamp) -> Result<Due, RightsError> {
    let (months, today) = (policy.months, london_day(now));
    let count = async {
        let mut reader = store.reader.acquire().await?;
        let (due, _) = find(&mut reader, months, today).await?;
        Ok(due)
    };
    let due = store.counts.get(|all| &all.due, (months, today), count);
    Ok(due.await?)
}

/// Deletes what is due, with an audit entry of counts, also when nothing was. The same as an erasure for each of the learners: what was
/// published stays, later files bring nothing back, and the journal has them.
///
/// # Errors
/// [`RightsError`]; nothing was deleted then.
pub async fn run(
    node: &Node,
    policy: &Policy,
    who: &str,
    now: Timestamp,
) -> Result<Erased, RightsError> {
    let mut tx = node.store.write().await?;
    let today = london_day(now);
    let (due, learners) = find(&mut tx, policy.months, today).await?;
    let mut gone = erasure::Gone::default();
    for learners in learners.chunks(AT_A_TIME) {
        let some = Known {
            learners: learners.to_vec(),
            idents: learners.iter().map(ident).collect(),
            erased: None,
        };
        let went = erasure::erase(&mut tx, &some, today).await?;
        gone.learners += went.learners;
        gone.enrolments += went.enrolments;
        gone.numbers += went.numbers;
    }
    let detail = format!(
        "{} months: {} learner(s), {} enrolment(s) deleted; {} wait for destinations, {} for a release",
        policy.months,
        gone.learners,
        gone.enrolments,
        due.wait_for_destinations,
        due.wait_for_release
    );
    audit::append(&mut tx, now, who, RAN, &detail).await?;
    if gone.learners > 0 {
        scrub::due(&mut tx, now).await?;
        journal::write(&node.dir.join(JOURNAL), &node.pseudonyms.mark(), &mut tx).await?;
    }
    tx.commit().await?;
    Ok(gone.into())
}

/// Deletes by schedule what is due, as long as a period is set.
#[derive(Debug)]
pub struct Job {
    configured: Option<Policy>,
    /// What held when it was last looked at.
    held: Held,
    next: Option<Timestamp>,
}

impl Job {
    /// A job that goes by the configuration, or else by what people set.
    #[must_use]
    pub fn new(configured: Option<Policy>) -> Self {
        Self {
            configured,
            held: Held::Nobody,
            next: None,
        }
    }

    /// Looks at the period that holds. A job last ran when the audit log says so, or begins now or when the period was set, whichever is later.
    /// A time that passed while the node was off is made up for, once.
    async fn look(&mut self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        let held = held(store, self.configured.as_ref()).await?;
        if held == self.held {
            return Ok(());
        }
        self.next = match held.policy() {
            None => None,
            Some(policy) => {
                let last = last_run(store, &policy, now).await?;
                let from = held.since().map_or(last, |since| last.max(since));
                policy.schedule.after(from.min(now))
            }
        };
        self.held = held;
        Ok(())
    }

    /// Runs if due; what went then.
    ///
    /// # Errors
    /// [`RightsError`]. The job is due again after a quarter of an hour.
    pub async fn step(
        &mut self,
        node: &Node,
        now: Timestamp,
    ) -> Result<Option<Erased>, RightsError> {
        self.look(&node.store, now).await?;
        let Some(policy) = self.held.policy() else {
            return Ok(None);
        };
        if self.next.is_none_or(|next| now < next) {
            return Ok(None);
        }
        match run(node, &policy, SCHEDULE, now).await {
            Ok(gone) => {
                self.next = policy.schedule.after(now);
                Ok(Some(gone))
            }
            Err(error) => {
                self.next = Timestamp::from_second(now.as_second() + PAUSE).ok();
                Err(error)
            }
        }
    }
}

/// When retention last ran by schedule or began; it begins now where it never did.
async fn last_run(store: &Store, policy: &Policy, now: Timestamp) -> Result<Timestamp, StoreError> {
    let mut tx = store.write().await?;
    let last: Option<i64> = sqlx::query_scalar(
        "SELECT max(at) FROM audit WHERE action = $1 OR (action = $2 AND who = $3)",
    )
    .bind(BEGAN)
    .bind(RAN)
    .bind(SCHEDULE)
    .fetch_one(&mut *tx)
    .await?;
    if last.is_none() {
        let detail = format!("records go {} months after their end", policy.months);
        audit::append(&mut tx, now, SCHEDULE, BEGAN, &detail).await?;
    }
    tx.commit().await?;
    let last = last.and_then(|at| Timestamp::from_second(at).ok());
    Ok(last.unwrap_or(now).min(now))
}
