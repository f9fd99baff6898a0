//! Whatever happens to a provider's learners over the years, each enters a family at most twice, and each of their enrolments once.
//!
//! What is true is known here and nowhere else: `planned_end` tells a true enrolment from every other one.

use ldsp_protocol::standard::Standard;
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::properties::block_on;
use super::*;
use crate::store::ledger::mark_counted;
use crate::store::ledger::streams::Stream;
use crate::store::providers::folded;
use crate::store::records::{Doubtful, persons};

const ULNS: [&str; 3] = ["1000000027", "1000000035", "1000000043"];
const NAMES: [&str; 4] = ["Acme College", "Acme Group", "Acme Trust", "Acme"];

#[derive(Debug, Clone)]
enum Event {
    Enrol {
        learner: usize,
        day: u8,
    },
    IssueUln(usize),
    CorrectStart {
        enrolment: usize,
        day: u8,
    },
    CorrectAim(usize),
    Leave(usize),
    Rename,
    Erase(usize),
    /// A file of everything, of what no file held yet, or of one learner's; with the ULNs or without.
    File {
        whole: bool,
        ulns: bool,
    },
    Count,
}

fn event() -> impl Strategy<Value = Event> {
    let (learner, enrolment) = (0..ULNS.len(), any::<usize>());
    let day = 1..=9_u8;
    prop_oneof![
        4 => (learner.clone(), day.clone()).prop_map(|(learner, day)| Event::Enrol { learner, day }),
        2 => learner.clone().prop_map(Event::IssueUln),
        2 => (enrolment, day).prop_map(|(enrolment, day)| Event::CorrectStart { enrolment, day }),
        1 => enrolment.prop_map(Event::CorrectAim),
        2 => enrolment.prop_map(Event::Leave),
        1 => Just(Event::Rename),
        1 => learner.prop_map(Event::Erase),
        6 => (any::<bool>(), any::<bool>()).prop_map(|(whole, ulns)| Event::File { whole, ulns }),
        4 => Just(Event::Count),
    ]
}

struct Enrolment {
    learner: usize,
    aim: String,
    day: u8,
    left: bool,
    /// Whether a file held it, and whether it was corrected since.
    sent: bool,
    corrected: bool,
}

struct History {
    bench: Bench,
    enrolments: Vec<Enrolment>,
    issued: [bool; ULNS.len()],
    name: usize,
    stored: usize,
    /// Entries by true enrolment and family.
    entries: BTreeMap<(usize, u32), usize>,
}

/// 1 February 2022 in days since 1970-01-01: the first enrolment's planned end.
const FIRST: i64 = 19_024;

impl History {
    fn row(&self, at: usize, ulns: bool) -> String {
        let e = &self.enrolments[at];
        let planned = crate::store::date(FIRST + at as i64).unwrap().to_string();
        let start = format!("2021-10-{:02}", e.day);
        let uln = if ulns && self.issued[e.learner] {
            ULNS[e.learner]
        } else {
            ""
        };
        let (end, stage) = if e.left {
            ("2022-06-20", "achieved")
        } else {
            ("", "in-progress")
        };
        let change = [
            ("provider", NAMES[self.name]),
            ("uln", uln),
            ("aim", &e.aim),
            ("start", &start),
            ("planned_end", &planned),
            ("end", end),
            ("stage", stage),
            ("destination_3m", ""),
            ("confidence_before", ""),
            ("confidence_after", ""),
            ("everyday_before", ""),
            ("everyday_after", ""),
        ];
        row(e.learner, &change)
    }

    async fn send(&mut self, whole: bool, ulns: bool, doubtful: Doubtful) -> Option<ImportReport> {
        let chosen: Vec<usize> = (0..self.enrolments.len())
            .filter(|at| whole || !self.enrolments[*at].sent)
            .collect();
        if chosen.is_empty() {
            return None;
        }
        let rows: Vec<String> = chosen.iter().map(|at| self.row(*at, ulns)).collect();
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let options = Options {
            doubtful,
            ..Options::default()
        };
        let report = self
            .bench
            .with(file(&rows).as_bytes(), &options)
            .await
            .unwrap();
        if report.outcome == Outcome::Stored {
            self.stored += 1;
            for at in chosen {
                let e = &mut self.enrolments[at];
                (e.sent, e.corrected) = (true, false);
            }
        }
        Some(report)
    }

    /// What a coordinator does: says that the provider was renamed, asks for the whole file, says that it corrects.
    async fn import(&mut self, whole: bool, ulns: bool) {
        let Some(report) = self.send(whole, ulns, Doubtful::Ask).await else {
            return;
        };
        if report.problems.by_code().contains_key("provider-unknown") {
            let old = NAMES[self.name - 1];
            let now = now();
            self.bench
                .store
                .rename_provider(old, NAMES[self.name], "ann", now)
                .await
                .unwrap();
        } else if report.outcome == Outcome::Stored {
            return;
        }
        for doubtful in [Doubtful::Ask, Doubtful::Corrected] {
            let report = self.send(true, ulns, doubtful).await;
            if report.is_some_and(|r| r.outcome == Outcome::Stored) {
                return;
            }
        }
    }

    async fn held(&self) -> BTreeMap<i64, (usize, i64)> {
        let rows: Vec<(i64, i64, i64)> =
            sqlx::query_as("SELECT id, planned_end_day, counted FROM enrolments")
                .fetch_all(&self.bench.store.reader)
                .await
                .unwrap();
        let row = |(id, planned, counted): (i64, i64, i64)| {
            (id, (usize::try_from(planned - FIRST).unwrap(), counted))
        };
        rows.into_iter().map(row).collect()
    }

    async fn count(&mut self) {
        let before = self.held().await;
        let mut tx = self.bench.store.write().await.unwrap();
        persons::cap(&mut tx, None).await.unwrap();
        mark_counted(
            &mut tx,
            &Stream::new(Standard::current()),
            "2022-07".parse().unwrap(),
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
        for (id, (at, counted)) in self.held().await {
            let new = counted & !before[&id].1;
            for family in (0..7).filter(|family| new >> family & 1 == 1) {
                *self.entries.entry((at, family)).or_default() += 1;
            }
        }
    }

    async fn happen(&mut self, event: &Event) {
        let some = |at: usize| (!self.enrolments.is_empty()).then(|| at % self.enrolments.len());
        match *event {
            Event::Enrol { learner, day } => {
                let aim = format!("A{}", self.enrolments.len());
                let new = Enrolment {
                    learner,
                    aim,
                    day,
                    left: false,
                    sent: false,
                    corrected: false,
                };
                self.enrolments.push(new);
            }
            Event::IssueUln(learner) => self.issued[learner] = true,
            // One thing at a time: of an enrolment whose aim and start were both corrected nobody could tell what it was.
            Event::CorrectStart { enrolment, day } => {
                if let Some(at) = some(enrolment)
                    && !self.enrolments[at].corrected
                {
                    let e = &mut self.enrolments[at];
                    (e.day, e.corrected) = (day, e.sent);
                }
            }
            Event::CorrectAim(enrolment) => {
                if let Some(at) = some(enrolment)
                    && !self.enrolments[at].corrected
                {
                    let e = &mut self.enrolments[at];
                    e.aim.push('c');
                    e.corrected = e.sent;
                }
            }
            Event::Leave(enrolment) => {
                if let Some(at) = some(enrolment) {
                    self.enrolments[at].left = true;
                }
            }
            Event::Rename => {
                // The one before has to have come into a file.
                let known = self.bench.store.providers().await.unwrap();
                if known.iter().any(|(name, _)| name == NAMES[self.name]) {
                    self.name = (self.name + 1).min(NAMES.len() - 1);
                }
            }
            Event::Erase(learner) => {
                let reference = format!("L{learner}");
                let learner = self.bench.key.of_reference(&folded(NAMES[0]), &reference);
                let day = "2022-08-01".parse().unwrap();
                self.bench.store.erase(&learner, day).await.unwrap();
            }
            Event::File { whole, ulns } => self.import(whole, ulns).await,
            Event::Count => self.count().await,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nobody_enters_a_family_more_than_twice_and_no_enrolment_twice(events in prop::collection::vec(event(), 10..50)) {
        block_on(async {
            let mut history = History {
                bench: Bench::new().await,
                enrolments: Vec::new(),
                issued: [false; ULNS.len()],
                name: 0,
                stored: 0,
                entries: BTreeMap::new(),
            };
            for event in &events {
                history.happen(event).await;
            }
            history.import(true, true).await;
            history.count().await;
            let mut of_learner: BTreeMap<(usize, u32), usize> = BTreeMap::new();
            for ((at, family), entries) in &history.entries {
                prop_assert!(*entries <= 1, "enrolment {} entered family {} {} times", at, family, entries);
                *of_learner.entry((history.enrolments[*at].learner, *family)).or_default() += entries;
            }
            for ((learner, family), entries) in of_learner {
                prop_assert!(entries <= 2, "learner {} entered family {} {} times", learner, family, entries);
            }
            Ok(())
        })?;
    }
}
