//! Who has to be asked: 3, 6 and 12 months after an enrolment ended, a provider asks what became of the learner.

use jiff::Span;
use jiff::civil::Date;
use ldsp_protocol::standard::{Dimension, Standard};

use super::{Own, StoreError};
use crate::import::learners::has_left;
use crate::store::Store;
use crate::store::delivery::{Asking, Part, Unasked};

/// Days before a question is due at which it is shown.
const AHEAD: i64 = 28;
/// Months after which nobody is asked any more: the answer would say little of that time.
const LATE: i64 = 6;

/// Destinations that are positive: the first of their list.
pub(crate) fn positive() -> u8 {
    let codes = &Standard::current().dimension(Dimension::Destination).codes;
    let none = codes.iter().position(|code| code.id == "none");
    none.and_then(|at| u8::try_from(at).ok()).unwrap_or(0)
}

/// Which questions, by the day from which each can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// In the week of today, which begins on a Monday.
    ThisWeek,
    /// In a week before that, and not so long ago that nobody is asked any more.
    Late,
    /// In the weeks after it, as far as is shown.
    Later,
}

impl When {
    /// The first and the last of its days.
    pub(crate) fn days(self, today: Date) -> (Date, Date) {
        let since = i64::from(today.weekday().to_monday_zero_offset());
        let monday = today.saturating_sub(Span::new().days(since));
        let on = |days: i64| monday.saturating_add(Span::new().days(days));
        match self {
            Self::ThisWeek => (monday, on(6)),
            Self::Late => (today.saturating_sub(Span::new().months(LATE)), on(-1)),
            Self::Later => (on(7), today.saturating_add(Span::new().days(AHEAD))),
        }
    }
}

/// What is asked for: the questions of leavers that are due, by parts.
fn asking<'a>(own: &'a Own, parts: &'a [(Date, Date)]) -> Asking<'a> {
    let stages = 0..Standard::current().stages().len();
    let stages = stages.filter_map(|at| u8::try_from(at).ok());
    Asking {
        names: &own.names,
        left: stages.filter(|stage| has_left(*stage)).collect(),
        parts,
    }
}

/// The questions that a provider has to ask, by spans of days of which no two meet: `rows` of each from place `from` on, the earliest first.
///
/// # Errors
/// The database cannot be read.
pub(crate) async fn due(
    store: &Store,
    own: &Own,
    parts: &[(Date, Date)],
    rows: std::ops::Range<u64>,
) -> Result<Vec<Part>, StoreError> {
    let mut all = store.due(&asking(own, parts), rows).await?;
    let entries = all.iter_mut().flat_map(|part| &mut part.rows);
    super::in_own_cohorts(store, own, entries.map(|due| &mut due.entry)).await?;
    Ok(all)
}

/// How many questions are due in a span of days, and of how many enrolments.
///
/// # Errors
/// The database cannot be read.
pub(crate) async fn count_due(
    store: &Store,
    own: &Own,
    days: (Date, Date),
) -> Result<Unasked, StoreError> {
    store.count_due(&asking(own, &[days])).await
}
