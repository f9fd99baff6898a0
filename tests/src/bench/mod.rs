//! Benches: each bounded figure is a ratio to a baseline that is measured in the same run, because machines differ and are
//! noisy. Growth curves show that time and memory follow the size of the input.

mod attack;
mod cube;
mod desk;
mod erasure;
mod error;
mod files;
mod growth;
mod import;
mod ingest;
mod log;
mod node;
mod pages;
mod records;
mod sampler;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How much work a bench does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// The sizes that docs/BENCHMARKS.md states.
    Full,
    /// Enough to show that the bench runs; its ratios say nothing and are not judged.
    Small,
}

/// What a ratio has to keep.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// The ratio is at most this.
    AtMost(f64),
    /// The ratio is at least this.
    AtLeast(f64),
}

impl Bound {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtMost(bound) => value <= bound,
            Self::AtLeast(bound) => value >= bound,
        }
    }

    fn words(self) -> (&'static str, f64) {
        match self {
            Self::AtMost(bound) => ("at-most", bound),
            Self::AtLeast(bound) => ("at-least", bound),
        }
    }
}

#[derive(Debug, Clone)]
enum Line {
    Ratio(String, f64, Bound),
    Figure(String, f64, &'static str),
    Point(String, f64, f64, &'static str),
}

/// What a bench measured, in the order in which it was said.
#[derive(Debug, Clone, Default)]
pub struct Report(Vec<Line>);

impl Report {
    /// A judged figure: `value` is a quotient of two measurements of this run, or of a limit and one.
    pub fn ratio(&mut self, name: impl Into<String>, value: f64, bound: Bound) {
        self.0.push(Line::Ratio(name.into(), value, bound));
    }

    /// A figure behind a ratio, in `unit`; not judged.
    pub fn figure(&mut self, name: impl Into<String>, value: f64, unit: &'static str) {
        self.0.push(Line::Figure(name.into(), value, unit));
    }

    /// One point of the growth curve `name`: at `size`, `value` in `unit`.
    pub fn point(&mut self, name: impl Into<String>, size: f64, value: f64, unit: &'static str) {
        self.0.push(Line::Point(name.into(), size, value, unit));
    }

    /// Puts the lines of `other` behind these.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The ratios that break their bound.
    #[must_use]
    pub fn broken(&self) -> Vec<&str> {
        let broken = self.0.iter().filter_map(|line| match line {
            Line::Ratio(name, value, bound) if !bound.holds(*value) => Some(name.as_str()),
            _ => None,
        });
        broken.collect()
    }

    /// One line each: `ratio NAME VALUE at-most|at-least BOUND`, `figure NAME VALUE UNIT`, `point NAME SIZE VALUE UNIT`.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let line = |line: &Line| match line {
            Line::Ratio(name, value, bound) => {
                let (word, bound) = bound.words();
                format!("ratio {name} {value:.3} {word} {bound}")
            }
            Line::Figure(name, value, unit) => format!("figure {name} {value:.3} {unit}"),
            Line::Point(name, size, value, unit) => {
                format!("point {name} {size} {value:.3} {unit}")
            }
        };
        self.0.iter().map(line).collect()
    }

    /// The same as JSON: `{ratios: [{name, value, bound: {"at-most": …}, holds}], figures: […], points: […]}`.
    #[must_use]
    pub fn json(&self) -> Value {
        let (mut ratios, mut figures, mut points) = (Vec::new(), Vec::new(), Vec::new());
        for line in &self.0 {
            match line {
                Line::Ratio(name, value, bound) => {
                    let (word, limit) = bound.words();
                    ratios.push(json!({"name": name, "value": value, "bound": {word: limit}, "holds": bound.holds(*value)}));
                }
                Line::Figure(name, value, unit) => {
                    figures.push(json!({"name": name, "value": value, "unit": unit}));
                }
                Line::Point(name, size, value, unit) => {
                    points.push(json!({"name": name, "size": size, "value": value, "unit": unit}));
                }
            }
        }
        json!({"ratios": ratios, "figures": figures, "points": points})
    }
}

/// How long `work` takes.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    #[expect(clippy::disallowed_methods, reason = "a bench measures time")]
    let start = Instant::now();
    let done = work();
    (done, start.elapsed())
}

/// How long `work` takes until it is done.
pub async fn timed_async<T>(work: impl Future<Output = T>) -> (T, Duration) {
    #[expect(clippy::disallowed_methods, reason = "a bench measures time")]
    let start = Instant::now();
    let done = work.await;
    (done, start.elapsed())
}

/// The `q`-quantile (0 to 1) of durations, by the nearest rank; zero of none.
pub fn quantile(sample: &mut [Duration], q: f64) -> Duration {
    sample.sort_unstable();
    let rank = (sample.len() as f64 * q).ceil() as usize;
    sample
        .get(rank.clamp(1, sample.len().max(1)) - 1)
        .copied()
        .unwrap_or_default()
}

/// A bench: its name and what it does.
pub type Bench = (&'static str, fn(Scale) -> Report);

/// Every bench in the order in which they run.
pub const ALL: &[Bench] = &[
    ("import", import::run),
    ("files", files::run),
    ("erasure", erasure::run),
    ("cube", cube::run),
    ("growth", growth::run),
    ("ingest", ingest::ingest),
    ("log", log::run),
    ("pages", pages::pages),
    ("desk", desk::desk),
    ("error", error::run),
    ("estimator", error::estimator),
    ("sampler", sampler::run),
    ("attack", attack::run),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_outside_its_bound_is_broken() {
        let mut report = Report::default();
        report.ratio("fast", 1.0, Bound::AtMost(2.0));
        report.ratio("slow", 2.5, Bound::AtMost(2.0));
        report.ratio("weak", 0.2, Bound::AtLeast(0.25));
        assert_eq!(report.broken(), ["slow", "weak"]);
        assert_eq!(report.lines()[2], "ratio weak 0.200 at-least 0.25");
    }

    #[test]
    fn quantiles_are_by_nearest_rank() {
        let mut sample: Vec<Duration> = (1..=100).rev().map(Duration::from_millis).collect();
        assert_eq!(quantile(&mut sample, 0.5), Duration::from_millis(50));
        assert_eq!(quantile(&mut sample, 0.99), Duration::from_millis(99));
        assert_eq!(quantile(&mut [], 0.5), Duration::ZERO);
    }
}
