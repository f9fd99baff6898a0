//! How often the printed intervals cover the truth. Only the demonstration can know: its records are made up.

use std::collections::BTreeMap;

use ldsp_aggregator::benchmark::{Finding, LepFindings, Measure, Shown};
use ldsp_protocol::ids::Period;
use serde::Serialize;

use crate::records::{LepRecords, Stage, Truth};

/// Intervals printed beside nodes' figures, and how many of them hold the true figure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Score {
    /// Figures printed with an interval.
    pub printed: usize,
    /// Of those, intervals that hold the truth.
    pub covering: usize,
}

impl Score {
    /// Share of the printed intervals that hold the truth, in per cent.
    #[must_use]
    pub fn percent(&self) -> f64 {
        100.0 * self.covering as f64 / (self.printed.max(1)) as f64
    }

    /// Sum of two scores.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            printed: self.printed + other.printed,
            covering: self.covering + other.covering,
        }
    }
}

/// Part and base of every measure over one group of enrolments.
#[derive(Debug, Default)]
struct Exact {
    counts: BTreeMap<Measure, (u64, u64)>,
}

impl Exact {
    fn add(&mut self, enrolment: &Truth<'_>, last: Period) {
        let achieved = enrolment.stage == Stage::Achieved;
        let left = enrolment.stage.left();
        let completed = left && enrolment.stage != Stage::Withdrawn;
        let six = enrolment.destinations[1]
            .filter(|(_, due)| *due <= last)
            .map(|(code, _)| code);
        let positive = six.is_some_and(|code| !matches!(code, "none" | "not-stated"));
        for (measure, part, base) in [
            (Measure::Starts, true, true),
            (Measure::Leavers, left, true),
            (Measure::Completers, completed, true),
            (Measure::Achievers, achieved, true),
            (Measure::InProgress, !left, true),
            (Measure::Retention, completed, left),
            (Measure::Pass, achieved, completed),
            (Measure::Achievement, achieved, left),
            (Measure::SustainedPositive, positive, six.is_some()),
            (
                Measure::ConfidenceRose,
                enrolment.confidence == Some("rose"),
                enrolment.confidence.is_some(),
            ),
            (
                Measure::EverydayMore,
                enrolment.everyday == Some("more"),
                enrolment.everyday.is_some(),
            ),
        ] {
            let (parts, bases) = self.counts.entry(measure).or_default();
            *parts += u64::from(part);
            *bases += u64::from(base);
        }
    }

    /// A count, or a share; `None` for a share of nothing.
    fn of(&self, measure: Measure) -> Option<f64> {
        let (part, base) = self.counts.get(&measure).copied().unwrap_or_default();
        match measure.is_rate() {
            false => Some(part as f64),
            true if base == 0 => None,
            true => Some(part as f64 / base as f64),
        }
    }
}

/// Scores the figures of one LEP's page: totals, by tier, by district.
#[must_use]
pub(super) fn score(findings: &LepFindings, records: &LepRecords, last: Period) -> Score {
    let mut total = Exact::default();
    let mut groups: BTreeMap<String, Exact> = BTreeMap::new();
    for enrolment in records.truth() {
        total.add(&enrolment, last);
        for code in [enrolment.tier.code(), enrolment.area] {
            // "not stated" is a code of several dimensions; of these two only districts use it.
            groups
                .entry(code.to_owned())
                .or_default()
                .add(&enrolment, last);
        }
    }
    let nothing = Exact::default();
    let tiers = findings.by_tier.iter().filter(|g| g.code != "not-stated");
    let grouped = tiers.chain(&findings.by_district).flat_map(|group| {
        group
            .findings
            .iter()
            .map(|f| (f, groups.get(&group.code).unwrap_or(&nothing)))
    });
    findings
        .standing
        .findings
        .iter()
        .map(|f| (f, &total))
        .chain(grouped)
        .map(|(finding, exact)| one(finding, exact))
        .fold(Score::default(), Score::plus)
}

fn one(finding: &Finding, exact: &Exact) -> Score {
    let (low, high) = match finding.shown {
        Shown::TooFew | Shown::NotDue => return Score::default(),
        Shown::Count { low, high, .. } => (low as f64, high as f64),
        Shown::Rate { low, high, .. } => (low, high),
    };
    let holds = exact
        .of(finding.measure)
        .is_some_and(|truth| (low..=high).contains(&truth));
    Score {
        printed: 1,
        covering: usize::from(holds),
    }
}
