//! What a file says nothing of. A tutor records on the phone what became of a learner; a file without the column, or an ILR, which has no place
//! for it, must not take that away again.

use jiff::Span;
use jiff::civil::Date;
use ldsp_protocol::standard::Standard;

use super::Enrolment;

/// Months after the end at which each destination is due.
const MONTHS: [i64; 3] = [3, 6, 12];

/// The answers of which rows say nothing when they are empty: what is held of them stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Silent {
    pub(crate) destinations: [bool; 3],
    pub(crate) confidence: bool,
    pub(crate) everyday: bool,
    /// Whether and how it ended.
    pub(crate) stage: bool,
}

impl Silent {
    /// An ILR: it has destinations of those learners alone of whom the provider returns one, and nothing of the others.
    pub(crate) const ILR: Self = Self {
        destinations: [true; 3],
        confidence: true,
        everyday: true,
        stage: false,
    };
    /// Somebody who joins: nothing is said of what became of it.
    pub(crate) const JOINS: Self = Self {
        stage: true,
        ..Self::ILR
    };

    /// Takes over from what is held what a row says nothing of. A destination stays while the enrolment has ended that long ago by `today`.
    pub(crate) fn fill(self, row: &mut Enrolment, held: &Enrolment, today: Date) {
        if self.stage {
            (row.stage, row.end) = (held.stage, held.end);
        }
        for (at, months) in MONTHS.into_iter().enumerate() {
            let due = |end: Date| end.saturating_add(Span::new().months(months)) <= today;
            if self.destinations[at] && is_leaver(row.stage) && row.end.is_some_and(due) {
                row.destinations[at] = row.destinations[at].or(held.destinations[at]);
            }
        }
        if self.confidence {
            row.confidence = row.confidence.or(held.confidence);
            row.begun.confidence = row.begun.confidence.or(held.begun.confidence);
        }
        if self.everyday {
            row.everyday = row.everyday.or(held.everyday);
            row.begun.everyday = row.begun.everyday.or(held.begun.everyday);
        }
        row.settle();
    }
}

fn is_leaver(stage: u8) -> bool {
    let ended = ["achieved", "completed-without-achievement", "withdrawn"];
    let stages = Standard::current();
    let mut ended = ended.iter().filter_map(|id| stages.parse_stage(id));
    ended.any(|at| at == usize::from(stage))
}

/// Answers that were held and are not any more.
pub(crate) fn taken_back(before: &Enrolment, after: &Enrolment) -> u64 {
    // Of two answers the second stands for both.
    let far = |both: Option<u8>, begun: Option<u8>| match both {
        Some(_) => 2,
        None => u8::from(begun.is_some()),
    };
    let answers = |e: &Enrolment| {
        let [three, six, twelve] = e.destinations.map(|code| u8::from(code.is_some()));
        let confidence = far(e.confidence, e.begun.confidence);
        let everyday = far(e.everyday, e.begun.everyday);
        [three, six, twelve, confidence, everyday]
    };
    let both = answers(before).into_iter().zip(answers(after));
    both.filter(|(was, is)| was > is).count() as u64
}
