//! What the privacy budget promises, in numbers that a data protection officer can weigh.
//!
//! Everything follows from zero-concentrated differential privacy (Bun and Steinke 2016): a release under budget rho tells
//! two possible worlds apart no better than one draw of a normal distribution whose mean differs by mu = sqrt(2 rho) standard
//! deviations (Dong, Roth and Su 2022, Gaussian differential privacy, for this mechanism).

use ldsp_protocol::noise::table_rho;
use ldsp_protocol::standard::{Dimension, SENSITIVE, Standard};
use serde::Serialize;

/// The delta at which epsilon is stated.
pub const DELTA: f64 = 1e-6;
/// [`DELTA`] for people.
pub const DELTA_IN_WORDS: &str = "10\u{207b}\u{2076}";

/// A node's budget. Rho is zCDP, for the node's whole life.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Budget {
    /// Of one enrolment: all tables and the reserve.
    pub rho: f64,
    /// Part that the declared tables take.
    pub tables: f64,
    /// Part that is held back for later tables.
    pub reserve: f64,
    /// Whether one enrolment is in it at all.
    pub enrolment: Risk,
    /// Whether a learner with as many enrolments as the standard counts is in it at all.
    pub learner: Risk,
    /// Enrolments of a learner that are counted.
    pub enrolments_per_learner: usize,
    /// Sensitive attributes: which of two values an enrolment has.
    pub attributes: Vec<AttributeBudget>,
}

/// The budget of one sensitive attribute.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AttributeBudget {
    /// Which.
    pub attribute: Dimension,
    /// What stands beside it in the standard.
    pub limit: f64,
    /// What an attacker could gain at worst.
    pub risk: Risk,
}

/// What an attacker who knows everything else could gain at worst.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Risk {
    /// zCDP rho.
    pub rho: f64,
    /// Epsilon at [`DELTA`].
    pub epsilon: f64,
    /// Probability of guessing right between two possibilities that were equally likely before; 0.5 is chance.
    pub guess: f64,
    /// Probability that one of the two becomes ten times as likely, compared with the other, as before.
    pub tenfold: f64,
}

impl Risk {
    /// Of `rho` above 0.
    ///
    /// Epsilon = rho + 2 sqrt(rho ln(1/delta)): Bun and Steinke 2016, proposition 1.3. The best guess is right with
    /// probability Phi(mu/2); the logarithm of the likelihood ratio is normal with mean mu^2/2 and variance mu^2.
    #[must_use]
    pub fn of(rho: f64) -> Self {
        let mu = (2.0 * rho).sqrt();
        Self {
            rho,
            epsilon: rho + 2.0 * (rho * (1.0 / DELTA).ln()).sqrt(),
            guess: normal_cdf(mu / 2.0),
            tenfold: normal_cdf((mu * mu / 2.0 - 10f64.ln()) / mu),
        }
    }
}

/// The budget of a node that chose `rho_micro` millionths. The one place where pages and reports take it from.
///
/// A spell's attribute changes by leaving one cell and entering another, so that a table counts twice; k spells of a learner cost
/// up to k^2 rho (disclosure.md, "Unit" and "Budget").
#[must_use]
pub fn budget(standard: &Standard, rho_micro: u64) -> Budget {
    let noise = standard.noise();
    let millionths = |micro: u64| micro as f64 / 1e6;
    let share = |micro: u64| table_rho(standard, micro, rho_micro);
    let rho = millionths(rho_micro);
    let spells = noise.enrolments_per_learner;
    let attributes = SENSITIVE.map(|attribute| {
        let tables = standard.tables().iter();
        let held = tables.filter(|t| t.dimensions.contains(&attribute));
        let held: u64 = held.map(|t| share(t.rho_micro)).sum();
        AttributeBudget {
            attribute,
            limit: millionths(noise.attribute_limit_micro),
            risk: Risk::of(2.0 * millionths(held)),
        }
    });
    Budget {
        rho,
        tables: millionths(standard.tables().iter().map(|t| share(t.rho_micro)).sum()),
        reserve: millionths(share(noise.reserve_micro)),
        enrolment: Risk::of(rho),
        learner: Risk::of(rho * (spells * spells) as f64),
        enrolments_per_learner: spells,
        attributes: attributes.into(),
    }
}

/// P(Z <= `z`) of a standard normal, to 1e-7 (Abramowitz and Stegun 1964, 26.2.17).
fn normal_cdf(z: f64) -> f64 {
    const COEFFICIENTS: [f64; 5] = [
        0.319_381_530,
        -0.356_563_782,
        1.781_477_937,
        -1.821_255_978,
        1.330_274_429,
    ];
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let series = COEFFICIENTS.iter().rev().fold(0.0, |sum, b| (sum + b) * t);
    let density = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let beyond = density * series;
    if z < 0.0 { beyond } else { 1.0 - beyond }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(value: f64, expected: f64, by: f64) {
        assert!((value - expected).abs() < by, "{value} for {expected}");
    }

    #[test]
    fn the_standards_budget_is_what_the_design_says() {
        let standard = Standard::v1();
        let budget = budget(standard, standard.noise().rho_micro);
        close(budget.rho, 0.5, 1e-12);
        close(budget.enrolment.epsilon, 5.8, 0.05);
        assert!(budget.tables + budget.reserve <= budget.rho + 1e-12);
        close(budget.learner.rho, 2.0, 1e-12);
        let worst = budget.attributes.iter().map(|a| a.risk);
        let worst = worst.max_by(|a, b| a.rho.total_cmp(&b.rho)).unwrap();
        close(worst.rho, 0.32, 1e-9);
        // The design's own figures: 65.5 % and 0.7 %.
        close(worst.guess, 0.655, 0.001);
        close(worst.tenfold, 0.007, 0.000_5);
    }

    #[test]
    fn a_smaller_budget_promises_more() {
        let standard = Standard::v1();
        let small = budget(standard, 100_000);
        assert!(small.enrolment.guess < 0.6 && small.enrolment.guess > 0.5);
        assert!(small.tables < 0.1);
    }

    #[test]
    fn the_normal_distribution_is_the_tables() {
        close(normal_cdf(0.0), 0.5, 1e-7);
        close(normal_cdf(1.959_964), 0.975, 1e-6);
        close(normal_cdf(-2.326_348), 0.01, 1e-6);
    }
}
