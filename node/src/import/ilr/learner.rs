//! A learner's deliveries as rows in the columns of the learner file.

use std::collections::HashMap;

use jiff::Span;
use jiff::civil::Date;
use ldsp_protocol::standard::NOT_STATED;

use super::document::Part;
use super::outcomes::Outcomes;
use crate::import::faults;
use crate::import::learners::{COLUMNS, Column};
use crate::import::report::{Fault, RowProblem};
use crate::store::ilr::{AimRule, Mappings};

/// What problems call the columns of the learner file in an ILR.
pub(super) const NAMES: &[&str] = &[
    "UKPRN",
    "LearnRefNumber",
    "ULN",
    "DateOfBirth",
    "DateOfBirth",
    "Sex",
    "Ethnicity",
    "LLDDHealthProb",
    "EmpStat",
    "Postcode",
    "Postcode",
    "LearnAimRef",
    "LearnAimRef",
    "LearnAimRef",
    "LearnAimRef",
    "LearnStartDate",
    "LearnPlanEndDate",
    "LearnActEndDate",
    "CompStatus",
    "DPOutcome",
    "DPOutcome",
    "DPOutcome",
    "",
    "",
    "",
    "",
];

/// A row on its way. It has no `Debug`: it holds what must not be kept.
pub(super) struct Made {
    pub(super) line: u64,
    /// By column.
    pub(super) fields: Vec<String>,
    pub(super) problems: Vec<RowProblem>,
    /// Bit per column: nothing more is said about it.
    pub(super) reported: u64,
}

impl Made {
    fn new(line: u64, provider: &str) -> Self {
        let mut made = Self {
            line,
            fields: vec![String::new(); COLUMNS.len()],
            problems: Vec::new(),
            reported: 0,
        };
        provider.clone_into(&mut made.fields[usize::from(Column::Provider)]);
        made
    }

    /// A row that is refused for these problems and no others.
    pub(super) fn refused(line: u64, provider: &str, problems: Vec<RowProblem>) -> Self {
        Self {
            problems,
            reported: u64::MAX,
            ..Self::new(line, provider)
        }
    }

    fn set(&mut self, column: Column, value: &str) {
        value.clone_into(&mut self.fields[usize::from(column)]);
    }

    fn report(&mut self, column: Column, fault: Fault) {
        let at = usize::from(column);
        self.problems
            .push(fault.at(self.line, NAMES.get(at).copied()));
        self.reported |= 1 << at;
    }
}

/// Rows that a learner gave, and what gave none.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) made: Vec<Made>,
    /// Deliveries of aims that are not digital.
    pub(super) not_digital: u64,
    /// Deliveries that begin after today.
    pub(super) future: u64,
    /// Deliveries that went on after a break in another one.
    pub(super) joined: u64,
}

/// Makes rows.
pub(super) struct Maker {
    pub(super) mappings: Mappings,
    pub(super) provider: String,
    pub(super) ukprn: u32,
    pub(super) today: Date,
    pub(super) outcomes: Outcomes,
}

/// A delivery with what says whether it goes on with another one.
struct Delivery {
    part: Part,
    aim: String,
    start: Option<Date>,
    /// When the enrolment began: before a break.
    since: Option<Date>,
}

/// The code of a delivery's aim, in capitals. A programme aim is one for all apprenticeships, so the standard or framework goes with it.
pub(super) fn aim_of(delivery: &Part) -> String {
    let mut aim = delivery.value("LearnAimRef").trim().to_ascii_uppercase();
    let (standard, framework) = (delivery.value("StdCode"), delivery.value("FworkCode"));
    if delivery.value("AimType") == "1" {
        if !standard.is_empty() {
            aim.push_str(&format!("/S{standard}"));
        } else if !framework.is_empty() {
            let (kind, way) = (delivery.value("ProgType"), delivery.value("PwayCode"));
            aim.push_str(&format!("/F{framework}.{kind}.{way}"));
        }
    }
    aim
}

/// The funding model of a delivery; 0 where there is none.
pub(super) fn fund_model_of(delivery: &Part) -> u8 {
    delivery.value("FundModel").parse().unwrap_or(0)
}

fn date_of(part: &Part, field: &str) -> Option<Date> {
    part.value(field).parse().ok()
}

fn has_restarted(delivery: &Part) -> bool {
    delivery
        .parts("LearningDeliveryFAM")
        .any(|fam| fam.value("LearnDelFAMType") == "RES" && fam.value("LearnDelFAMCode") == "1")
}

impl Maker {
    /// The rows of a learner. `line` gives the line that a delivery is reported under.
    pub(super) fn rows(&self, mut learner: Part, lines: &mut dyn FnMut(&Part) -> u64) -> Rows {
        let mut rows = Rows::default();
        let deliveries = learner.take("LearningDelivery");
        let deliveries: Vec<(u64, Part)> = deliveries
            .into_iter()
            .map(|part| (lines(&part), part))
            .collect();
        if !learner.problems.is_empty() {
            let line = deliveries.first().map_or(learner.line, |(line, _)| *line);
            let refused = Made::refused(line, &self.provider, learner.problems);
            rows.made.push(refused);
            return rows;
        }
        let mut going = Vec::new();
        for (line, mut part) in deliveries {
            if !part.problems.is_empty() {
                let problems = std::mem::take(&mut part.problems);
                rows.made
                    .push(Made::refused(line, &self.provider, problems));
                continue;
            }
            let (start, since) = (
                date_of(&part, "LearnStartDate"),
                date_of(&part, "OrigLearnStartDate"),
            );
            let aim = aim_of(&part);
            let since = since.filter(|since| start.is_none_or(|start| *since < start));
            going.push((
                line,
                Delivery {
                    part,
                    aim,
                    start,
                    since,
                },
            ));
        }
        let before = going.len();
        let going = joined(going);
        rows.joined = (before - going.len()) as u64;
        for (line, delivery) in going {
            if delivery.start.is_some_and(|start| start > self.today) {
                rows.future += 1;
                continue;
            }
            let rule = self
                .mappings
                .aim(&delivery.aim, self.ukprn, fund_model_of(&delivery.part));
            if rule.is_some_and(|rule| rule.taught.is_none()) {
                rows.not_digital += 1;
                continue;
            }
            rows.made.push(self.row(line, &learner, &delivery, rule));
        }
        rows.made.sort_by_key(|made| made.line);
        rows
    }

    fn row(&self, line: u64, learner: &Part, delivery: &Delivery, rule: Option<&AimRule>) -> Made {
        let mut made = Made::new(line, &self.provider);
        let reference = learner.value("LearnRefNumber").trim();
        made.set(Column::LearnerRef, reference);
        made.set(Column::Uln, learner.value("ULN"));
        made.set(Column::BirthDate, learner.value("DateOfBirth"));
        made.set(Column::Postcode, learner.value("Postcode"));
        made.set(Column::Aim, &delivery.aim);
        match rule.and_then(|rule| rule.taught.as_ref()) {
            Some(taught) => {
                made.set(Column::Programme, &taught.programme);
                made.set(Column::Skill, &taught.skill);
                made.set(Column::Mode, &taught.mode);
            }
            None => {
                made.report(Column::Programme, faults::ILR_AIM);
                made.reported |= 1 << usize::from(Column::Aim);
            }
        }
        for (column, field) in [
            (Column::Ethnicity, "Ethnicity"),
            (Column::Sex, "Sex"),
            (Column::Disability, "LLDDHealthProb"),
        ] {
            self.code(&mut made, column, field, &[learner.value(field)]);
        }
        let part = &delivery.part;
        let start = delivery.since.or(delivery.start);
        let status = status_codes(learner, start);
        let status: Vec<&str> = status.iter().map(String::as_str).collect();
        self.code(&mut made, Column::Prior, "EmpStat", &status);
        let text = |date: Option<Date>| date.map_or(String::new(), |date| date.to_string());
        made.set(Column::Start, &text(start));
        made.set(Column::PlannedEnd, part.value("LearnPlanEndDate"));
        let stage = self.stage(&mut made, part);
        if stage.as_deref().is_some_and(|stage| stage != "in-progress") {
            made.set(Column::End, part.value("LearnActEndDate"));
            self.destinations(
                &mut made,
                reference,
                date_of(part, "LearnActEndDate"),
                stage.as_deref(),
            );
        }
        made
    }

    /// Reads codes, the first that anything is said of.
    fn code(&self, made: &mut Made, column: Column, field: &str, codes: &[&str]) {
        let given = codes.iter().any(|code| !code.is_empty());
        match self.mappings.code(field, codes) {
            Some(value) => made.set(column, value),
            None if given => made.report(column, faults::ILR_CODE),
            None => made.set(column, NOT_STATED),
        }
    }

    fn stage(&self, made: &mut Made, delivery: &Part) -> Option<String> {
        let (status, outcome) = (delivery.value("CompStatus"), delivery.value("Outcome"));
        let reason = delivery.value("WithdrawReason");
        let both = format!("{status}/{outcome}");
        let read = self.mappings.code("CompStatus", &[&both, status]);
        let Some(mut stage) = read else {
            if status.is_empty() {
                // The reader of rows says that it is required.
                return None;
            }
            made.report(Column::Stage, faults::ILR_CODE);
            return None;
        };
        if stage == "withdrawn" {
            stage = self
                .mappings
                .code("WithdrawReason", &[reason])
                .unwrap_or(stage);
        }
        made.set(Column::Stage, stage);
        Some(stage.to_owned())
    }

    fn destinations(&self, made: &mut Made, learner: &str, end: Option<Date>, stage: Option<&str>) {
        let Some(end) = end.filter(|_| stage != Some("transferred")) else {
            return;
        };
        for (column, months) in [
            (Column::Destination3, 3),
            (Column::Destination6, 6),
            (Column::Destination12, 12),
        ] {
            // As the reader of rows reckons when it is due.
            let at = end.saturating_add(Span::new().months(months));
            if at <= self.today
                && let Some(value) = self.outcomes.at(learner, at)
            {
                made.set(column, value);
            }
        }
    }
}

/// Codes of the employment status before `start`, most exact first: the latest that applied before, else the first that there is.
fn status_codes(learner: &Part, start: Option<Date>) -> Vec<String> {
    let dated = |part: &Part| date_of(part, "DateEmpStatApp");
    let before = |part: &&Part| {
        dated(part)
            .zip(start)
            .is_some_and(|(date, start)| date < start)
    };
    let all = || learner.parts("LearnerEmploymentStatus");
    let on = |part: &&Part| dated(part).is_some() && dated(part) == start;
    let latest = all().filter(before).max_by_key(|part| dated(part));
    let Some(status) = latest.or_else(|| all().find(on)) else {
        return Vec::new();
    };
    let code = status.value("EmpStat");
    let mut codes = Vec::new();
    for kind in ["SEI", "PEI"] {
        let monitored = status
            .parts("EmploymentStatusMonitoring")
            .any(|monitoring| {
                monitoring.value("ESMType") == kind && monitoring.value("ESMCode") == "1"
            });
        if monitored {
            codes.push(format!("{code}/{kind}1"));
        }
    }
    codes.push(code.to_owned());
    codes
}

/// Makes one of deliveries that are one enrolment with breaks in it: the same aim with the same original start, or one that is marked as
/// restarted after a break. The last of them says how it stands.
fn joined(mut deliveries: Vec<(u64, Delivery)>) -> Vec<(u64, Delivery)> {
    deliveries.sort_by_key(|(line, delivery)| (delivery.start, *line));
    let mut last: HashMap<(String, Option<Date>), usize> = HashMap::new();
    let mut kept: Vec<(u64, Delivery)> = Vec::with_capacity(deliveries.len());
    for (line, mut delivery) in deliveries {
        if delivery.since.is_none() && has_restarted(&delivery.part) {
            let broken = |(_, before): &&(u64, Delivery)| {
                before.aim == delivery.aim
                    && before.part.value("CompStatus") == "6"
                    && date_of(&before.part, "LearnActEndDate") <= delivery.start
            };
            let before = kept.iter().rev().find(broken);
            delivery.since = before.and_then(|(_, before)| before.since.or(before.start));
        }
        let began = delivery.since.or(delivery.start);
        let key = (delivery.aim.clone(), began);
        match last.get(&key) {
            // Two that begin on one day are no restart: the store says that one repeats the other.
            Some(at) if kept[*at].1.start < delivery.start => kept[*at] = (line, delivery),
            _ => {
                last.insert(key, kept.len());
                kept.push((line, delivery));
            }
        }
    }
    kept
}
