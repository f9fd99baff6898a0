//! What became of learners. An ILR tells it after all learners, so it is read first and kept in short: 28 bytes for each outcome.

use jiff::civil::Date;

use super::document::Part;
use crate::store::day;
use crate::store::ilr::Mappings;

/// Outcomes that a file may tell of.
pub(super) const MOST: usize = 1_000_000;

struct Outcome {
    /// The provider's reference.
    who: [u8; 12],
    /// Place among the values.
    value: u8,
    /// Days since 1970-01-01: from when and until when it holds, and when it was collected.
    from: i32,
    until: i32,
    seen: i32,
}

/// The outcomes of a file. It has no `Debug`: they are people's.
#[derive(Default)]
pub(super) struct Outcomes {
    all: Vec<Outcome>,
    values: Vec<String>,
}

fn key(reference: &str) -> [u8; 12] {
    let mut key = [0; 12];
    for (place, byte) in key.iter_mut().zip(reference.trim().bytes()) {
        *place = byte;
    }
    key
}

fn short(date: Date) -> i32 {
    i32::try_from(day(date)).unwrap_or(i32::MAX)
}

/// The code of an outcome: type and code together.
pub(super) fn code_of(outcome: &Part) -> String {
    format!(
        "{}{}",
        outcome.value("OutType").trim().to_ascii_uppercase(),
        outcome.value("OutCode")
    )
}

impl Outcomes {
    /// Takes what the file tells of one learner; what nothing is said of is left for the rows to report.
    pub(super) fn take(&mut self, told: &Part, mappings: &Mappings) {
        let who = key(told.value("LearnRefNumber"));
        for outcome in told.parts("DPOutcome") {
            let date = |field| outcome.value(field).parse().ok().map(short);
            let value = mappings.code("DPOutcome", &[&code_of(outcome)]);
            let (Some(value), Some(from)) = (value, date("OutStartDate")) else {
                continue;
            };
            let known = self.values.iter().position(|held| held == value);
            let at = known.unwrap_or_else(|| {
                self.values.push(value.to_owned());
                self.values.len() - 1
            });
            self.all.push(Outcome {
                who,
                value: u8::try_from(at).unwrap_or(u8::MAX),
                from,
                until: date("OutEndDate").unwrap_or(i32::MAX),
                seen: date("OutCollDate").unwrap_or(i32::MAX),
            });
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// To be called when all are taken.
    pub(super) fn settle(&mut self) {
        self.all.sort_by_key(|outcome| (outcome.who, outcome.from));
    }

    /// What held on a day, by somebody who looked on that day or later: the latest that had begun and not ended.
    pub(super) fn at(&self, reference: &str, on: Date) -> Option<&str> {
        let (who, on) = (key(reference), short(on));
        let first = self.all.partition_point(|outcome| outcome.who < who);
        let own = self.all[first..]
            .iter()
            .take_while(|outcome| outcome.who == who);
        let held = own.filter(|o| o.from <= on && o.until >= on && o.seen >= on);
        let value = held.last()?.value;
        self.values.get(usize::from(value)).map(String::as_str)
    }
}
