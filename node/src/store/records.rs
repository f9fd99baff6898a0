//! Enrolments: written by an import's one transaction, counted for signed-in pages.

pub(crate) mod fresh;
pub(crate) mod merge;
pub(crate) mod own;
pub(crate) mod parts;
pub(crate) mod persons;
pub(crate) mod silent;

use std::sync::Arc;

use jiff::civil::Date;
use sqlx::SqliteConnection;

use super::{Store, StoreError};

pub use merge::doubts::Doubtful;

/// A keyed pseudonym: of a learner, or of an enrolment.
pub type Pseudonym = [u8; 16];

/// One enrolment as it is kept: no name, ULN, birth date or postcode. Codes are positions in the
/// standard's code lists. It has no `Debug`: nothing about one learner belongs in a log.
#[derive(Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the schema says it: see `enrolments`")]
pub struct Enrolment {
    pub spell: Pseudonym,
    pub learner: Pseudonym,
    pub reference: Option<i64>,
    pub provider: Arc<str>,
    pub aim: Arc<str>,
    pub programme: i64,
    pub district: Option<Arc<str>>,
    pub in_area: bool,
    pub skill: u8,
    pub mode: u8,
    pub age: u8,
    pub sex: u8,
    pub ethnicity: u8,
    pub disability: u8,
    pub prior: u8,
    pub start: Date,
    pub planned_end: Option<Date>,
    pub end: Option<Date>,
    pub stage: u8,
    /// At 3, 6 and 12 months.
    pub destinations: [Option<u8>; 3],
    pub confidence: Option<u8>,
    pub everyday: Option<u8>,
    /// The provider's reference as it wrote it, for its own pages alone; `None` where it has none or one that may tell who somebody is.
    pub own_reference: Option<Arc<str>>,
    /// The answers at the start, while those at the follow-up are not known.
    pub begun: Begun,
}

/// What a learner answered at the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Begun {
    /// 1 to 10.
    pub confidence: Option<u8>,
    /// 0 to 5 tasks.
    pub everyday: Option<u8>,
}

impl Enrolment {
    /// Keeps the reference that is held where the row names none.
    pub(crate) fn keep_reference(&mut self, held: &Self) {
        self.reference = self.reference.or(held.reference);
        if self.own_reference.is_none() && self.reference == held.reference {
            self.own_reference.clone_from(&held.own_reference);
        }
    }

    /// Whether it says the same as another one, apart from what its provider alone sees.
    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        let own_reference = other.own_reference.clone();
        Self {
            own_reference,
            ..self.clone()
        } == *other
    }

    /// Leaves no answer at the start beside what came of it and of that at the follow-up.
    pub(crate) fn settle(&mut self) {
        if self.confidence.is_some() {
            self.begun.confidence = None;
        }
        if self.everyday.is_some() {
            self.begun.everyday = None;
        }
    }
}

/// Enrolments of one learner that may enter any family (disclosure.md, "Unit").
const PER_LEARNER: i64 = 2;

/// Room for the pages at hand while a file is imported, and for what is sorted at a time: more than the processor's own memory is slower.
/// The indices are sorted when all rows are read and the reading thread has ended: two threads beside the one that builds.
const ROOM: &str =
    "PRAGMA main.cache_size = -8192; PRAGMA temp.cache_size = -8192; PRAGMA threads = 2";
/// The room for pages with which each statement finds most of an index at hand, where one is kept up to date row by row.
const MORE: &str = "PRAGMA main.cache_size = -49152; PRAGMA temp.cache_size = -24576";
/// SQLite's own defaults.
const USUAL: &str = "PRAGMA main.cache_size = -2000; PRAGMA temp.cache_size = -2000; PRAGMA threads = 0; PRAGMA shrink_memory";

/// Gives an import's connection more memory than it has while a node serves.
pub(crate) async fn make_room(tx: &mut SqliteConnection, fresh: bool) -> Result<(), StoreError> {
    let room = if fresh { ROOM } else { MORE };
    sqlx::raw_sql(room).execute(tx).await?;
    Ok(())
}

/// Gives the memory back.
pub(crate) async fn leave_room(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::raw_sql(USUAL).execute(connection).await?;
    Ok(())
}

/// Exact counts. They may stand on a signed-in page, marked "exact: do not share", and nowhere
/// else: the type can be neither printed nor serialised.
pub struct Exact<T>(T);

impl<T> Exact<T> {
    pub(crate) fn new(counts: T) -> Self {
        Self(counts)
    }

    /// The counts, for a page that only signed-in people of this node can open.
    #[must_use]
    pub fn for_signed_in_page(self) -> T {
        self.0
    }
}

/// What the node holds, counted.
#[derive(Clone, PartialEq, Eq)]
pub struct Held {
    /// Enrolments in the area: `[tier][stage]`, in the order of the standard's lists.
    pub tier_by_stage: Vec<Vec<u64>>,
    /// Different learners, those outside the area included.
    pub learners: u64,
    /// Enrolments of people who live outside the area.
    pub outside: u64,
    /// Enrolments in the area that count locally only: a learner's third and further ones.
    pub local_only: u64,
}

/// A programme with what is recorded for it, counted.
#[derive(Clone, PartialEq, Eq)]
pub struct ProgrammeHeld {
    /// The programme's code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its provider.
    pub provider: String,
    /// Places, where stated.
    pub capacity: Option<i64>,
    /// Enrolments, those of people outside the area included.
    pub enrolments: u64,
    /// Achieved.
    pub achieved: u64,
}

impl Store {
    /// Exact counts of what is held, `tiers` x `stages` as long as the standard's lists.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn exact_held(&self, tiers: usize, stages: usize) -> Result<Exact<Held>, StoreError> {
        let count = self.count_held(tiers, stages);
        let held = self.counts.get(|all| &all.held, (tiers, stages), count);
        Ok(Exact(held.await?))
    }

    async fn count_held(&self, tiers: usize, stages: usize) -> Result<Held, StoreError> {
        let mut reader = self.reader.begin().await?;
        // One pass, and the index that has learners in order.
        let cells: Vec<(i64, i64, i64, i64, i64)> = sqlx::query_as(
            "SELECT p.tier, e.stage, sum(e.in_area = 1), sum(e.in_area = 0), sum(e.in_area = 1 AND e.enters = 0) \
             FROM enrolments e JOIN programmes p ON p.id = e.programme WHERE e.removed_day IS NULL GROUP BY p.tier, e.stage",
        )
        .fetch_all(&mut *reader)
        .await?;
        let learners: i64 = sqlx::query_scalar(
            "SELECT (SELECT count(*) FROM (SELECT DISTINCT learner FROM enrolments)) - \
             (SELECT count(DISTINCT gone.learner) FROM enrolments AS gone WHERE gone.removed_day IS NOT NULL AND NOT EXISTS \
                (SELECT 1 FROM enrolments AS e WHERE e.learner = gone.learner AND e.removed_day IS NULL))",
        )
        .fetch_one(&mut *reader)
        .await?;
        let outside = cells.iter().map(|(.., outside, _)| outside).sum();
        let local_only = cells.iter().map(|(.., local_only)| local_only).sum();
        let count = |n: i64| u64::try_from(n).unwrap_or(0);
        let mut tier_by_stage = vec![vec![0; stages]; tiers];
        for (tier, stage, n, ..) in cells {
            let place = |at: i64| usize::try_from(at).unwrap_or(usize::MAX);
            let cell = tier_by_stage
                .get_mut(place(tier))
                .and_then(|row| row.get_mut(place(stage)));
            *cell.ok_or_else(|| StoreError::Corrupt {
                table: "enrolments",
                column: "stage",
                row: "(a group)".to_owned(),
            })? = count(n);
        }
        Ok(Held {
            tier_by_stage,
            learners: count(learners),
            outside: count(outside),
            local_only: count(local_only),
        })
    }

    /// Exact counts per programme, by code. `achieved` is that stage's position in the standard.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn exact_programmes(
        &self,
        achieved: usize,
    ) -> Result<Exact<Vec<ProgrammeHeld>>, StoreError> {
        type Row = (String, String, String, Option<i64>, i64, i64);
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT p.code, p.name, p.provider, p.capacity, count(e.id), coalesce(sum(e.stage = $1), 0) \
             FROM programmes p LEFT JOIN enrolments e ON e.programme = p.id AND e.removed_day IS NULL GROUP BY p.id ORDER BY p.code",
        )
        .bind(i64::try_from(achieved).unwrap_or(-1))
        .fetch_all(&self.reader)
        .await?;
        let count = |n: i64| u64::try_from(n).unwrap_or(0);
        let held =
            rows.into_iter().map(
                |(code, name, provider, capacity, all, achieved)| ProgrammeHeld {
                    code,
                    name,
                    provider,
                    capacity,
                    enrolments: count(all),
                    achieved: count(achieved),
                },
            );
        Ok(Exact(held.collect()))
    }
}
