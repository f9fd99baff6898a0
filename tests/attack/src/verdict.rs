//! What an attack achieved, and whether that is within its limit.

use serde::Serialize;

/// Whether the statistic keeps its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Within the limit.
    Pass,
    /// Beyond it.
    Fail,
    /// Not tried: the sentence says what is missing.
    NotRun,
}

/// What a statistic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// A share of targets, 0 to 1; printed in per cent.
    Share,
    /// A likelihood ratio or a ratio of variances.
    Ratio,
    /// A number of things.
    Count,
    /// Printed as a probability. How improbable under the published rules: minus the decimal logarithm of the probability.
    Surprise,
    /// Standard deviations from what the published rules lead to expect.
    Deviations,
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// Name of the attack, as in docs/attacks.md.
    pub attack: &'static str,
    /// Median number of learners of the nodes that were scored together; `None` without a truth file.
    pub learners: Option<usize>,
    /// How many people, cells or months were attacked.
    pub targets: usize,
    /// What was measured.
    pub statistic: f64,
    /// Its 95 % interval, where it has one.
    pub interval: Option<(f64, f64)>,
    /// What it may be at most, or for a ratio of variances how far it may be from 1.
    pub limit: f64,
    /// What the three numbers are.
    pub unit: Unit,
    /// Within the limit or not.
    pub outcome: Outcome,
    /// One plain sentence.
    pub sentence: String,
}

impl Verdict {
    /// A judged statistic: fails when it is above the limit.
    #[must_use]
    pub fn at_most(
        attack: &'static str,
        targets: usize,
        statistic: f64,
        limit: f64,
        unit: Unit,
        sentence: impl Into<String>,
    ) -> Self {
        Self {
            attack,
            learners: None,
            targets,
            statistic,
            interval: None,
            limit,
            unit,
            outcome: if statistic <= limit {
                Outcome::Pass
            } else {
                Outcome::Fail
            },
            sentence: sentence.into(),
        }
    }

    /// A judged estimate: fails when its whole 95 % interval is above the limit, so that an audit of few
    /// targets is not failed by one of them.
    #[must_use]
    pub fn estimate(
        attack: &'static str,
        targets: usize,
        (statistic, interval): (f64, (f64, f64)),
        limit: f64,
        unit: Unit,
        sentence: impl Into<String>,
    ) -> Self {
        let mut verdict = Self::at_most(attack, targets, interval.0, limit, unit, sentence);
        verdict.statistic = statistic;
        verdict.interval = Some(interval);
        verdict
    }

    /// An attack that was not tried.
    #[must_use]
    pub fn not_run(attack: &'static str, why: impl Into<String>) -> Self {
        let mut verdict = Self::at_most(attack, 0, 0.0, 0.0, Unit::Count, why);
        verdict.outcome = Outcome::NotRun;
        verdict
    }

    /// The same for nodes of this size.
    #[must_use]
    pub fn of_size(mut self, learners: usize) -> Self {
        self.learners = Some(learners);
        self
    }

    /// The report's line.
    #[must_use]
    pub fn line(&self) -> String {
        let word = match self.outcome {
            Outcome::Pass => "pass",
            Outcome::Fail => "FAIL",
            Outcome::NotRun => return format!("----  {}: {}", self.attack, self.sentence),
        };
        let size = self
            .learners
            .map_or_else(String::new, |n| format!(", nodes of about {n} learners"));
        let show = |x: f64| match self.unit {
            Unit::Share => format!("{:.2} %", 100.0 * x),
            Unit::Count => format!("{x:.0}"),
            Unit::Surprise => format!("p = {:.1e}", 10f64.powf(-x)),
            Unit::Ratio => format!("{x:.3}"),
            Unit::Deviations => format!("{x:.2} sd"),
        };
        let interval = self.interval.map_or_else(String::new, |(low, high)| {
            format!(" ({} to {})", show(low), show(high))
        });
        format!(
            "{word}  {}{size}: {} targets, {}{interval}, limit {}. {}",
            self.attack,
            self.targets,
            show(self.statistic),
            show(self.limit),
            self.sentence
        )
    }
}

/// Whether nothing failed.
#[must_use]
pub fn all_pass(verdicts: &[Verdict]) -> bool {
    verdicts.iter().all(|v| v.outcome != Outcome::Fail)
}
