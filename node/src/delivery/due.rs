//! Who has to be asked: 3, 6 and 12 months after an enrolment ended, a provider asks what became of the learner.

use jiff::Span;
use jiff::civil::Date;
use ldsp_protocol::standard::{Dimension, Standard};

use super::{Own, StoreError};
use crate::import::learners::has_left;
use crate::store::Store;
use crate::store::delivery::{Entry, Which};

/// Months after the end at which a learner is asked.
pub(crate) const AFTER: [i64; 3] = [3, 6, 12];
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

/// A question that is due.
#[derive(Clone)]
pub(crate) struct Due {
    pub(crate) entry: Entry,
    /// Place in [`AFTER`].
    pub(crate) question: usize,
    /// When it can be asked from.
    pub(crate) on: Date,
}

impl Due {
    /// Whether it can be answered today; before that an answer is refused.
    pub(crate) fn is_open(&self, today: Date) -> bool {
        self.on <= today
    }

    /// Whether it was due before the week of `today`, which begins on a Monday.
    pub(crate) fn is_late(&self, today: Date) -> bool {
        self.on < monday(today)
    }

    /// Whether it is due in the week of `today`.
    pub(crate) fn is_this_week(&self, today: Date) -> bool {
        let monday = monday(today);
        let next = monday.saturating_add(Span::new().days(7));
        (monday..next).contains(&self.on)
    }
}

fn monday(today: Date) -> Date {
    let since = i64::from(today.weekday().to_monday_zero_offset());
    today.saturating_sub(Span::new().days(since))
}

/// The questions that a provider has to ask by four weeks from `today`, the earliest first.
///
/// # Errors
/// The database cannot be read.
pub(crate) async fn due(store: &Store, own: &Own, today: Date) -> Result<Vec<Due>, StoreError> {
    let from = today.saturating_sub(Span::new().months(12 + LATE));
    let to = today
        .saturating_add(Span::new().days(AHEAD))
        .saturating_sub(Span::new().months(3));
    let entries = store
        .delivered(
            &own.root,
            &own.names,
            Which::Unanswered(from, to.saturating_add(Span::new().days(3))),
        )
        .await?;
    let entries = super::with_own_cohorts(store, own, entries).await?;
    Ok(questions(&entries, today))
}

fn questions(entries: &[Entry], today: Date) -> Vec<Due> {
    let (first, last) = (
        today.saturating_sub(Span::new().months(LATE)),
        today.saturating_add(Span::new().days(AHEAD)),
    );
    let mut all = Vec::new();
    for entry in entries.iter().filter(|entry| has_left(entry.stage)) {
        let Some(end) = entry.end else { continue };
        for (question, months) in AFTER.into_iter().enumerate() {
            // As the import reckons it: the last day of a shorter month counts as the month's end.
            let on = end.saturating_add(Span::new().months(months));
            if entry.destinations[question].is_none() && (first..=last).contains(&on) {
                all.push(Due {
                    entry: entry.clone(),
                    question,
                    on,
                });
            }
        }
    }
    all.sort_by_key(|due| (due.on, due.entry.id, due.question));
    all
}
