//! How often an attacker who weighs candidates is right, and what may be.

use std::collections::{BTreeMap, BTreeSet};

use crate::statistics::{binomial_tail, wilson};
use crate::verdict::{Outcome, Unit, Verdict};

/// At most this share of targets may be given away (disclosure.md: "the odds rise tenfold to a posterior >= 1/2 for at most 1 % of targets").
pub(super) const TENFOLD_LIMIT: f64 = 0.01;
/// So many targets are judged by their share itself, fewer by its interval.
const MANY: usize = 1_000;
/// A certain proof that is right more often than chance has less than this probability when proofs are worthless.
pub(super) const PROOF_P: f64 = 0.01;

/// Outcomes of one attack on nodes of one size.
#[derive(Default)]
pub(super) struct Score {
    targets: usize,
    /// Odds of the truth rose tenfold, to a posterior of at least 1/2.
    convinced: usize,
    /// The same for a value that is not the truth.
    misled: usize,
    /// Posterior at least 0.999 after a thousandfold rise, or by elimination.
    claims: u64,
    right: u64,
    chance: f64,
    guessed: usize,
    modal: usize,
    /// Targets of one node, month and value share their noise: intervals count them once.
    clusters: BTreeSet<(usize, usize, usize)>,
}

/// Scores by the size of the node.
pub(super) type Scores = BTreeMap<usize, Score>;

/// One target: log-likelihoods and prior probabilities of the candidates, and which of them is true.
pub(super) struct Target<'a> {
    pub(super) log_likelihoods: &'a [f64],
    pub(super) prior: &'a [f64],
    pub(super) truth: usize,
    /// The only candidate that the published bytes leave possible, where there is exactly one.
    pub(super) only: Option<usize>,
    pub(super) cluster: (usize, usize),
}

/// Normalised posterior.
pub(super) fn posterior(log_likelihoods: &[f64], prior: &[f64]) -> Vec<f64> {
    let most = log_likelihoods
        .iter()
        .copied()
        .fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = log_likelihoods
        .iter()
        .zip(prior)
        .map(|(l, p)| p * (l - most).exp())
        .collect();
    let total: f64 = weights.iter().sum();
    weights.iter().map(|w| w / total).collect()
}

fn largest(values: &[f64]) -> usize {
    let mut best = 0;
    for (at, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = at;
        }
    }
    best
}

impl Score {
    pub(super) fn add(&mut self, target: &Target<'_>) {
        let after = posterior(target.log_likelihoods, target.prior);
        let odds = |p: f64| p / (1.0 - p).max(1e-300);
        let rise = |at: usize| odds(after[at]) / odds(target.prior[at]).max(1e-300);
        self.targets += 1;
        self.clusters
            .insert((target.cluster.0, target.cluster.1, target.truth));
        for (at, p) in after.iter().enumerate() {
            if rise(at) >= 10.0 && *p >= 0.5 {
                if at == target.truth {
                    self.convinced += 1
                } else {
                    self.misled += 1
                }
            }
        }
        let best = largest(&after);
        self.guessed += usize::from(best == target.truth);
        self.modal += usize::from(largest(target.prior) == target.truth);
        let certain = (after[best] >= 0.999 && rise(best) >= 1_000.0).then_some(best);
        if let Some(claim) = target.only.or(certain) {
            self.claims += 1;
            self.right += u64::from(claim == target.truth);
            self.chance += target.prior[claim];
        }
    }

    fn share(&self, n: usize) -> f64 {
        n as f64 / self.targets.max(1) as f64
    }

    fn interval(&self, share: f64) -> (f64, (f64, f64)) {
        (share, wilson(share, self.clusters.len() as f64, 1.96))
    }

    /// The share of targets whose truth gained tenfold odds.
    pub(super) fn tenfold(&self, attack: &'static str, limit: f64, what: &str) -> Verdict {
        let sentence = format!(
            "{what}: for this share the odds of the truth rose tenfold to at least even ({} more were misled as far); the best guess was right for {:.1} %, \
             without the releases for {:.1} %.",
            self.misled,
            100.0 * self.share(self.guessed),
            100.0 * self.share(self.modal)
        );
        let share = self.share(self.convinced);
        let estimate = self.interval(share);
        let mut verdict =
            Verdict::estimate(attack, self.targets, estimate, limit, Unit::Share, sentence);
        // The rule is about the targets themselves; only where these are few does one of them decide nothing.
        if self.targets >= MANY && share > limit {
            verdict.outcome = Outcome::Fail;
        }
        verdict
    }

    /// Whether claims of certainty are right more often than a guess from the others' values: the probability of
    /// as many right claims by chance.
    pub(super) fn proofs(&self, attack: &'static str, what: &str) -> Verdict {
        let sentence = if self.claims == 0 {
            format!("{what}: nothing could be claimed with certainty.")
        } else {
            format!(
                "{what}: {} claims of certainty, {} of them right where guessing would give {:.0}.",
                self.claims, self.right, self.chance
            )
        };
        let chance = self.chance / self.claims.max(1) as f64;
        let p = binomial_tail(self.right, self.claims, chance);
        Verdict::at_most(
            attack,
            self.targets,
            surprise(p),
            surprise(PROOF_P),
            Unit::Surprise,
            sentence,
        )
    }
}

/// Minus the decimal logarithm of a probability, within what a double holds.
pub(super) fn surprise(p: f64) -> f64 {
    -p.clamp(1e-300, 1.0).log10() + 0.0
}

/// One verdict for each size.
pub(super) fn by_size(scores: &Scores, verdict: impl Fn(&Score) -> Verdict) -> Vec<Verdict> {
    scores
        .iter()
        .map(|(size, score)| verdict(score).of_size(*size))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(ratio: f64, truth: usize) -> Score {
        let mut score = Score::default();
        for month in 0..400 {
            score.add(&Target {
                log_likelihoods: &[ratio, 0.0],
                prior: &[0.5, 0.5],
                truth,
                only: None,
                cluster: (0, month),
            });
        }
        score
    }

    #[test]
    fn odds_that_rise_tenfold_count_and_a_hair_less_does_not() {
        let outcome = |score: Score| score.tenfold("x", TENFOLD_LIMIT, "x").outcome;
        assert_eq!(outcome(target(10.01f64.ln(), 0)), Outcome::Fail);
        assert_eq!(outcome(target(9.99f64.ln(), 0)), Outcome::Pass);
        assert_eq!(outcome(target(10.01f64.ln(), 1)), Outcome::Pass);
    }

    #[test]
    fn proofs_fail_only_when_they_are_right() {
        let outcome = |score: Score| score.proofs("x", "x").outcome;
        assert_eq!(outcome(target(8.0, 0)), Outcome::Fail);
        assert_eq!(outcome(target(8.0, 1)), Outcome::Pass);
        assert_eq!(outcome(target(1.0, 0)), Outcome::Pass);
    }
}
