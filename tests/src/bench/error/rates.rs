//! Intervals of rates (Fieller 1954), at nodes of three sizes: whether they cover the true ratio where a rate is shown. Beside them
//! those of the delta method, which linearise.

use ldsp_protocol::additivity::reconcile;
use ldsp_protocol::measures::{Estimate, Rate};
use ldsp_protocol::standard::{Dimension, Family};
use rand_chacha::ChaCha20Rng;

use super::super::{Bound, Report};
use super::Score;
use super::world::Node;

/// Leavers in a hundred starts, of them by outcome, and of all by tier (England, all aims, 2021/22, for the outcomes:
/// domain.md; tiers invented, the last "not stated").
const LEAVERS: f64 = 0.8;
const OUTCOMES: [f64; 3] = [0.836, 0.068, 0.096];
const TIERS: [f64; 4] = [0.5, 0.3, 0.17, 0.03];

/// Retention, pass and achievement: the outcomes of part and base.
const RATES: [(&[usize], &[usize]); 3] =
    [(&[0, 1], &[0, 1, 2]), (&[0], &[0, 1]), (&[0], &[0, 1, 2])];

pub(super) fn run(nodes: &[Node], federations: usize, rng: &mut ChaCha20Rng, report: &mut Report) {
    for learners in [500.0, 5_000.0, 50_000.0] {
        let (mut score, mut delta) = (Score::default(), Score::default());
        for node in (0..federations).flat_map(|_| nodes) {
            one(node, learners, rng, [&mut score, &mut delta]);
        }
        let name = format!("coverage.rates.{learners}");
        report.figure(
            format!("{name}.shown"),
            score.n as f64,
            "rates on a base of 5 standard errors or more",
        );
        report.figure(
            format!("{name}.delta"),
            delta.coverage(),
            "of the delta method's intervals for the same rates",
        );
        if score.n > 1_000 {
            report.ratio(name.clone(), score.coverage(), Bound::AtLeast(0.94));
            report.ratio(name, score.coverage(), Bound::AtMost(0.96));
        }
    }
}

/// A node's three rates, in all and by tier.
fn one(node: &Node, learners: f64, rng: &mut ChaCha20Rng, [score, delta]: [&mut Score; 2]) {
    let tables = node.noise(rng).families();
    let family = reconcile(&tables[&Family::Leavers]).expect("the tables fit the standard");
    for tier in std::iter::once(None).chain((0..TIERS.len()).map(Some)) {
        let on: &[Dimension] = match tier {
            None => &[Dimension::Outcome],
            Some(_) => &[Dimension::Tier, Dimension::Outcome],
        };
        let margin = family.margin(on).expect("a margin of a table");
        let people = (learners * LEAVERS * tier.map_or(1.0, |t| TIERS[t])).round();
        let at = |outcome: usize| tier.into_iter().chain([outcome]).collect::<Vec<_>>();
        let form = |outcomes: &[usize]| outcomes.iter().map(|o| (at(*o), 1)).collect::<Vec<_>>();
        let truth = |outcomes: &[usize]| {
            outcomes
                .iter()
                .map(|o| (people * OUTCOMES[*o]).round())
                .sum::<f64>()
        };
        let noise = |outcomes: &[usize]| {
            let cell = |o: &usize| margin.values[tier.unwrap_or(0) * OUTCOMES.len() + o];
            outcomes.iter().map(cell).sum::<f64>()
        };
        let covariance = |a: &[usize], b: &[usize]| {
            let found = family.covariance(on, &form(a), &form(b));
            found.expect("a margin of a table")
        };
        for (part, base) in RATES {
            let estimate = |of: &[usize]| Estimate {
                value: truth(of) + noise(of),
                se: covariance(of, of).sqrt(),
            };
            let (p, b) = (estimate(part), estimate(base));
            let both = covariance(part, base);
            if let Some(rate) = Rate::of(p, b, both) {
                let r = truth(part) / truth(base);
                delta.add(rate.value - r, rate.se);
                // The interval holds r just when p - r b is within 1.96 of its own standard errors.
                let variance = p.se.powi(2) - 2.0 * r * both + (r * b.se).powi(2);
                score.add(p.value - r * b.value, variance.sqrt());
            }
        }
    }
}
