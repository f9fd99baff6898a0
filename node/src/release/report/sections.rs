//! The parts that tell of this one release.

use ldsp_protocol::measures::Z95;
use ldsp_protocol::noise::variance;

use super::{Block, Facts, Section, paragraph, section};
use crate::release::rules::{Checker, Outcome};
use crate::release::title;
use crate::words;

impl Facts {
    pub(super) fn in_short(&self) -> Section {
        let release = &self.opened.release;
        let month = release.period.in_words();
        let lep = words::lep(&self.opened.lep);
        let published = || self.opened.published().flat_map(|(_, s)| &s.tables);
        let numbers: usize = published().map(|t| t.cells.len()).sum();
        let verb = if release.approved.is_some() {
            "tells"
        } else {
            "would tell"
        };
        let what = format!(
            "The release {verb} the national log how many enrolments in digital skills training of people who live in {lep} began, ended or had an outcome that became known in {month}: {} numbers in {}. Random noise was added to every number, zeros included, before anybody saw it. No record of a person leaves, pseudonymised or not, and no exact count.",
            words::count(numbers as u64),
            words::some(published().count(), "table", "tables"),
        );
        let guess = |of: &str| {
            let meanings = self.budgets.iter().filter_map(|s| s.standing.meaning(of));
            meanings.map(|m| m.right_guess).fold(0.5, f64::max)
        };
        let (worst, enrolment) = (guess("attribute"), guess("enrolment"));
        let gain = format!(
            "Suppose that somebody knew everything about everybody else and read all that this node ever publishes. Asked whether one given enrolment is in it, their best guess would be right {} of the time, where tossing a coin is right 50% of the time. Asked which of two values of a sensitive attribute it has, {} at most.",
            words::percent(enrolment),
            words::percent(worst),
        );
        let mut blocks = vec![self.state(), paragraph(what), paragraph(gain)];
        if let Some((old, new)) = self.opened.turn() {
            blocks.push(paragraph(words::turn(&old.stream, &new.stream)));
        }
        section("In short", blocks)
    }

    /// Whether it has left.
    fn state(&self) -> Block {
        let release = &self.opened.release;
        let author = words::author(&release.author);
        paragraph(match (&release.approved, self.refusals.last()) {
            (Some((approver, at)), _) => format!(
                "This release was prepared by {author}, approved by {approver}, another person, on {}, and signed. What has left cannot be taken back.",
                words::second(*at)
            ),
            (None, Some(refusal)) => format!(
                "Nothing has left: {} refused this release on {}. This report describes what would leave if it were approved after all.",
                refusal.person,
                words::second(refusal.refused_at)
            ),
            (None, None) => format!(
                "Nothing has left yet. {author} prepared this release, and somebody else has to approve it. This report describes what would leave."
            ),
        })
    }

    pub(super) fn who_and_when(&self) -> Section {
        let release = &self.opened.release;
        let mut facts = vec![
            (
                "Organisation",
                format!("{} ({})", words::lep(&self.opened.lep), self.opened.lep),
            ),
            ("Month", release.period.in_words()),
            (
                "Prepared",
                format!(
                    "by {} on {}",
                    words::author(&release.author),
                    words::second(release.prepared_at)
                ),
            ),
        ];
        match &release.approved {
            Some((name, at)) => {
                facts.push(("Approved", format!("by {name} on {}", words::second(*at))))
            }
            None if self.approvers.is_empty() => facts.push((
                "Approved",
                "not yet; nobody may approve it at the moment".to_owned(),
            )),
            None => facts.push((
                "Approved",
                format!("not yet; waiting for {}", words::either(&self.approvers)),
            )),
        }
        for refusal in &self.refusals {
            let words = format!(
                "by {} on {}: {}",
                refusal.person,
                words::second(refusal.refused_at),
                words::sentence(&refusal.reason)
            );
            facts.push(("Refused", words));
        }
        facts.push((
            "Digest (SHA-256) of the exact bytes",
            release.digest.to_string(),
        ));
        facts.push((
            "Size",
            format!("{} bytes", words::count(release.bytes().len() as u64)),
        ));
        let place = self.place.as_ref();
        for (row, place) in self.statements.iter().filter_map(|row| Some((row, place?))) {
            facts.push((
                "Signed statement",
                format!(
                    "number {} of {}, digest {}",
                    words::count(row.seq),
                    place.node,
                    row.pae
                ),
            ));
            facts.push((
                "Receipt",
                match (row.acknowledged_at, row.log_index) {
                    (Some(at), Some(index)) => format!(
                        "entry {} of the log {}, checked on {}",
                        words::count(index),
                        place.origin,
                        words::second(at)
                    ),
                    _ => format!("not yet; on its way to the log {}", place.origin),
                },
            ));
        }
        for (stream, summary) in self.opened.published() {
            let standard = stream.standard;
            facts.push(("Program", summary.software.clone()));
            let named = format!("{}, digest {}", standard.title(), standard.digest());
            facts.push(("Data standard", named));
        }
        facts.push(("Report made", words::moment(self.now)));
        let facts = facts
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value));
        section("Who released it, and when", [Block::Facts(facts.collect())])
    }

    pub(super) fn figures(&self) -> Section {
        let month = self.opened.release.period.in_words();
        let rows = self.families.iter().map(|family| {
            let change = family
                .change
                .map_or_else(|| "first month".to_owned(), words::change);
            vec![
                family.title.clone(),
                words::published(family.published),
                change,
                words::published(family.to_date),
            ]
        });
        let table = Block::Table {
            caption: format!("What readers will estimate for {month}"),
            columns: vec![
                "Became known".to_owned(),
                format!("In {month}"),
                "Change since the month before".to_owned(),
                format!("Since {}", self.opened.first().in_words()),
            ],
            numeric: 1,
            rows: rows.collect(),
        };
        let note = "Each figure is an estimate with its 95% interval: an interval made in this way holds the true number 95 times in 100. \u{201c}Too few to say\u{201d} means that the noise is too large to tell the number from nothing. These are the only figures that this report holds; exact counts are never printed.";
        section("What the figures say", [table, paragraph(note)])
    }

    pub(super) fn tables(&self) -> Section {
        let double = self.opened.is_double();
        let tables = self.opened.published().map(|(stream, _)| {
            let month = stream.months.len();
            let rows = stream.standard.tables().iter().map(|table| {
                let half = Z95 * variance(stream.sigma2(table), month - 1, month).sqrt();
                vec![
                    title(table),
                    words::count(self.opened.codebook.cells(table) as u64),
                    format!("\u{b1} {half:.0}"),
                ]
            });
            Block::Table {
                caption: match double {
                    true => format!("Tables under {}", stream.standard.title()),
                    false => "Tables of this release".to_owned(),
                },
                columns: ["Table", "Numbers", "95% within"].map(str::to_owned).into(),
                numeric: 1,
                rows: rows.collect(),
            }
        });
        let words = paragraph(
            "The tables are fixed in advance by the data standard and are the same for every node and month. Each is complete: every combination of codes has its number, so that a gap can tell nothing. The last column says how far the noise of one number of one month reaches in 95 cases of 100, in enrolments.",
        );
        let blocks: Vec<Block> = std::iter::once(words).chain(tables).collect();
        section("What left, table by table", blocks)
    }

    pub(super) fn rules(&self) -> Section {
        let kept = self
            .verdicts
            .iter()
            .filter(|v| v.outcome == Outcome::Kept)
            .count();
        let all = self.verdicts.len();
        let said = if kept == all {
            format!(
                "All {all} rules are kept. The node checks each of them before it signs; the national log checks its own again."
            )
        } else {
            format!("{kept} of {all} rules are kept. The release cannot be approved.")
        };
        let rows = self.verdicts.iter().map(|verdict| {
            let rule = match &verdict.detail {
                None => verdict.rule.clone(),
                Some(detail) => format!("{} Broken: {}", verdict.rule, words::sentence(detail)),
            };
            vec![
                rule,
                checker(verdict.by).to_owned(),
                outcome(verdict.outcome).to_owned(),
            ]
        });
        let table = Block::Table {
            caption: "Rules that were checked".to_owned(),
            columns: ["Rule", "Checked by", "Outcome"].map(str::to_owned).into(),
            numeric: 3,
            rows: rows.collect(),
        };
        section("Which rules were checked", [paragraph(said), table])
    }
}

/// Who checks a rule, for people.
pub(crate) fn checker(by: Checker) -> &'static str {
    match by {
        Checker::Node => "this node",
        Checker::Receiver => "node and log",
    }
}

/// How a check came out, for people.
pub(crate) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Kept => "Kept",
        Outcome::Broken => "Broken",
        Outcome::NotReached => "Not looked at",
    }
}
