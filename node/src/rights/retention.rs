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
use crate::release::SCHEDULE;
use crate::schedule::Schedule;
use crate::store::ledger::KNOWN;
use crate::store::records::Pseudonym;
use crate::store::records::persons::{Known, ident};
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

/// How long records are kept, and when those that are due go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Months after the end of a learner's last enrolment; without an end after its planned end, else its start.
    pub months: u16,
    /// When the server deletes what is due.
    pub schedule: Schedule,
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

/// Deletes by schedule what is due.
#[derive(Debug)]
pub struct Job {
    policy: Policy,
    next: Option<Timestamp>,
}

impl Job {
    /// A job that last ran when the audit log says so, or that begins now. A time that passed while the node was off is made up for, once.
    ///
    /// # Errors
    /// The store's.
    pub async fn new(store: &Store, policy: Policy, now: Timestamp) -> Result<Self, StoreError> {
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
        let next = policy.schedule.after(last.unwrap_or(now).min(now));
        Ok(Self { policy, next })
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
        if self.next.is_none_or(|next| now < next) {
            return Ok(None);
        }
        match run(node, &self.policy, SCHEDULE, now).await {
            Ok(gone) => {
                self.next = self.policy.schedule.after(now);
                Ok(Some(gone))
            }
            Err(error) => {
                self.next = Timestamp::from_second(now.as_second() + PAUSE).ok();
                Err(error)
            }
        }
    }
}
