//! The error of published figures and whether their intervals cover the truth, over simulated federations; the estimator's
//! speed; the margin check's false refusals and power; what would make figures sharper.
//!
//! The estimator is linear and leaves consistent tables as they are (tests of `additivity`), so its error is what it makes of
//! the noise alone, whoever is enrolled: federations are simulated without learners, and learners come in only where a ratio
//! or a bound depends on them. The noise of Y_t in a cell is drawn as one normal of its variance, sigma^2 times the sum of
//! c_k^2; one federation is drawn month by month with the exact sampler and filtered, and must have the same error.

mod candidates;
mod checks;
mod rates;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ldsp_protocol::additivity::{Reconciled, reconcile};
use ldsp_protocol::measures::Z95;
use ldsp_protocol::standard::{Dimension, Family, Standard, Table};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use super::{Bound, Report, Scale, timed};
use world::{Node, Tables, nation, nodes, summed};

/// Root-mean-square errors of the design, by number of dimensions of the declared table: of a node's cells, of the nation's.
const DESIGN: [(f64, f64); 3] = [(10.1, 69.0), (10.7, 66.0), (10.9, 69.0)];

/// Squared errors and hits of intervals.
#[derive(Debug, Clone, Copy, Default)]
struct Score {
    n: u64,
    squares: f64,
    inside: u64,
}

impl Score {
    fn add(&mut self, error: f64, se: f64) {
        self.n += 1;
        self.squares += error * error;
        self.inside += u64::from(error.abs() <= Z95 * se);
    }

    fn rms(&self) -> f64 {
        (self.squares / self.n.max(1) as f64).sqrt()
    }

    fn coverage(&self) -> f64 {
        self.inside as f64 / self.n.max(1) as f64
    }
}

/// Scores by number of dimensions.
type Orders = BTreeMap<usize, Score>;

pub(super) fn run(scale: Scale) -> Report {
    let (federations, releases) = match scale {
        Scale::Full => (200, 20_000),
        Scale::Small => (2, 100),
    };
    let mut report = Report::default();
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let nodes = nodes();
    simulate(&nodes, federations, &mut rng, &mut report);
    exact(&nodes, scale, &mut rng, &mut report);
    rates::run(&nodes, federations, &mut rng, &mut report);
    checks::run(releases, &mut rng, &mut report);
    candidates::run(&nodes, scale, &mut rng, &mut report);
    report
}

/// What was made of simulated federations.
#[derive(Default)]
struct Scores {
    /// Cells of the declared tables, by their number of dimensions: as published, after least squares, and the nation's.
    raw: Orders,
    node: Orders,
    national_raw: Orders,
    national: Orders,
    /// All margins of the declared tables by number of dimensions, by size of node; the nation's under "nation".
    margins: BTreeMap<(&'static str, usize), Score>,
}

fn simulate(nodes: &[Node], federations: usize, rng: &mut ChaCha20Rng, report: &mut Report) {
    let mut scores = Scores::default();
    for _ in 0..federations {
        let drawn: Vec<Tables> = nodes.iter().map(|n| n.noise(rng)).collect();
        for (node, tables) in nodes.iter().zip(&drawn) {
            score_raw(tables, &mut scores.raw);
            score(tables, node.class, &mut scores.node, &mut scores.margins);
        }
        let sums = nation(&drawn);
        score_raw(&sums, &mut scores.national_raw);
        score(&sums, "nation", &mut scores.national, &mut scores.margins);
    }
    let raw = [&scores.raw, &scores.national_raw];
    let after = [&scores.node, &scores.national];
    for (at, place) in ["node", "national"].into_iter().enumerate() {
        for (order, design) in (1..).zip(DESIGN) {
            let of = |o: &Orders| o.get(&order).map_or(f64::NAN, Score::rms);
            report.figure(
                format!("error.{place}.order{order}.tables"),
                of(raw[at]),
                "rms as published",
            );
            report.figure(
                format!("error.{place}.order{order}"),
                of(after[at]),
                "rms after least squares",
            );
            let bound = if at == 0 { design.0 } else { design.1 };
            let name = format!("error.{place}.order{order} (rms/{bound})");
            report.ratio(name, of(after[at]) / bound, Bound::AtMost(1.0));
        }
    }
    for ((class, order), score) in &scores.margins {
        let name = format!("coverage.{class}.order{order}");
        report.ratio(name.clone(), score.coverage(), Bound::AtLeast(0.94));
        report.ratio(name, score.coverage(), Bound::AtMost(0.96));
    }
}

fn score_raw(tables: &Tables, orders: &mut Orders) {
    for (table, observed) in Standard::current().tables().iter().zip(&tables.observed) {
        if summed(table, observed) {
            continue;
        }
        let score = orders.entry(table.dimensions.len()).or_default();
        for value in &observed.values {
            score.add(world::in_counts(*value), observed.variance.sqrt());
        }
    }
}

/// Reconciles each family and scores every margin of its tables once, the declared tables also by themselves.
fn score(
    tables: &Tables,
    class: &'static str,
    declared: &mut Orders,
    margins: &mut BTreeMap<(&'static str, usize), Score>,
) {
    for (family, of_family) in tables.families() {
        let reconciled = reconcile(&of_family).expect("the tables fit the standard");
        let mut seen = BTreeSet::new();
        for (table, observed) in own(family, tables) {
            let whole = !summed(table, observed);
            for bits in 0..1u32 << observed.dimensions.len() {
                let chosen = observed.dimensions.iter().enumerate();
                let chosen = chosen
                    .filter(|(at, _)| bits >> at & 1 == 1)
                    .map(|(_, d)| *d);
                let on: Vec<Dimension> = chosen.collect();
                let mut sorted = on.clone();
                sorted.sort_unstable();
                let new = seen.insert(sorted);
                let full = whole && on.len() == observed.dimensions.len();
                if !new && !full {
                    continue;
                }
                let (values, se) = estimates(&reconciled, &on);
                for value in values {
                    if new {
                        margins.entry((class, on.len())).or_default().add(value, se);
                    }
                    if full {
                        declared.entry(on.len()).or_default().add(value, se);
                    }
                }
            }
        }
    }
}

fn own(family: Family, tables: &Tables) -> impl Iterator<Item = (&'static Table, &world::Seen)> {
    let all = Standard::current().tables().iter().zip(&tables.observed);
    all.filter(move |(t, _)| t.family == family)
}

/// Estimates of a margin, and their standard error, which is one for all cells.
fn estimates(reconciled: &Reconciled, on: &[Dimension]) -> (Vec<f64>, f64) {
    let margin = reconciled.margin(on).expect("a margin of a table");
    let form = [(vec![0; on.len()], 1)];
    let variance = reconciled.covariance(on, &form, &form);
    let se = variance.expect("a margin of a table").sqrt();
    (margin.values, se)
}

/// The same errors from the exact sampler, month by month, through filter and cumulative estimate.
fn exact(nodes: &[Node], scale: Scale, rng: &mut ChaCha20Rng, report: &mut Report) {
    let some = match scale {
        Scale::Full => nodes,
        Scale::Small => &nodes[..1],
    };
    let (mut declared, mut margins) = (Orders::new(), BTreeMap::new());
    for node in some {
        let tables = node.exact_noise(rng);
        score(&tables, node.class, &mut declared, &mut margins);
    }
    for (order, score) in declared {
        let name = format!("error.exact.order{order}");
        report.figure(
            name.clone(),
            score.rms(),
            "rms, exact sampler, one federation",
        );
        report.figure(
            format!("{name}.coverage"),
            score.coverage(),
            "of 95 % intervals",
        );
    }
}

/// How long the estimates of 38 nodes over 60 months take: all declared tables of every node and month.
pub(super) fn estimator(scale: Scale) -> Report {
    let (months, times) = match scale {
        Scale::Full => (60, 5),
        Scale::Small => (2, 1),
    };
    let nodes = nodes();
    let mut rng = ChaCha20Rng::seed_from_u64(60);
    let drawn: Vec<Tables> = nodes.iter().map(|n| n.noise(&mut rng)).collect();
    let estimate = || {
        let mut sum = 0.0;
        for _ in 0..months {
            for tables in &drawn {
                for (family, of_family) in tables.families() {
                    let reconciled = reconcile(&of_family).expect("the tables fit the standard");
                    for (_, observed) in own(family, tables) {
                        let margin = reconciled.margin(&observed.dimensions);
                        sum += margin.expect("a declared table").values[0];
                    }
                }
            }
        }
        sum
    };
    let best = (0..times).map(|_| {
        let (sum, time) = timed(estimate);
        assert!(f64::is_finite(sum), "estimates are numbers");
        time
    });
    let best = best.min().unwrap_or(Duration::ZERO).as_secs_f64();
    let mut report = Report::default();
    report.figure("estimator.time", best, "s");
    let each = best * 1e6 / (months * nodes.len()) as f64;
    report.figure("estimator.each", each, "us a node and month");
    report.ratio(
        "estimator.time (38 nodes x 60 months/1 s)",
        best,
        Bound::AtMost(1.0),
    );
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bench's own bounds at a size that a test can afford: 2 federations hold 76 nodes and some 80,000 cells.
    #[test]
    fn intervals_cover_and_the_exact_sampler_agrees() {
        let report = run(Scale::Small);
        let json = report.json();
        let figure = |name: &str| {
            let all = json["figures"].as_array().unwrap();
            let found = all.iter().find(|f| f["name"] == name);
            found.unwrap_or_else(|| panic!("{name}"))["value"]
                .as_f64()
                .unwrap()
        };
        for order in [2, 3] {
            let after = figure(&format!("error.node.order{order}"));
            assert!(after < figure(&format!("error.node.order{order}.tables")));
            // One node: some 500 cells of order 2 and 500 of order 3, correlated.
            let exact = figure(&format!("error.exact.order{order}"));
            assert!((exact / after - 1.0).abs() < 0.15, "{exact} {after}");
        }
        assert_eq!(figure("margins.refused"), 0.0);
        for ratio in json["ratios"].as_array().unwrap() {
            let name = ratio["name"].as_str().unwrap();
            if ["coverage.small", "coverage.middle", "coverage.large"]
                .iter()
                .any(|c| name.starts_with(c))
            {
                let value = ratio["value"].as_f64().unwrap();
                assert!((0.9..=0.99).contains(&value), "{name}: {value}");
            }
        }
    }

    #[test]
    fn the_estimator_runs() {
        assert!(estimator(Scale::Small).lines()[0].starts_with("figure estimator.time"));
    }
}
