//! What the privacy budget promises, in numbers that a data protection officer can weigh.
//!
//! Everything follows from zero-concentrated differential privacy (Bun and Steinke 2016): a release under budget rho tells
//! two possible worlds apart no better than one draw of a normal distribution whose mean differs by mu = sqrt(2 rho) standard
//! deviations (Dong, Roth and Su 2022, Gaussian differential privacy, for this mechanism).

use ldsp_protocol::accountant::Rho;
pub use ldsp_protocol::accountant::conversion::DELTA;
use ldsp_protocol::accountant::conversion::{Gain, epsilon_closed_form};
use ldsp_protocol::noise::table_rho;
use ldsp_protocol::standard::{Dimension, SENSITIVE, Standard};
use serde::Serialize;

/// [`DELTA`] for people.
pub const DELTA_IN_WORDS: &str = "10\u{207b}\u{2076}";

/// A node's budget. Rho is zCDP, for the node's whole life.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Budget {
    /// Of one enrolment in one epoch: all tables and the reserve.
    pub rho: f64,
    /// Epochs that it bears: 2 after a lost ledger. The risks are of both together.
    pub epochs: u32,
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
    /// What stands beside it in the standard, for one epoch.
    pub limit: f64,
    /// Twice the rho of the tables that hold it, in one epoch.
    pub rho: f64,
    /// What an attacker could gain at worst from all epochs.
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
    /// Of `micro` millionths of rho, as the accountant's [`Gain`] and [`epsilon_closed_form`] have it.
    #[must_use]
    pub fn of(micro: u64) -> Self {
        let rho = Rho::from_micro(micro);
        let gain = Gain::at(rho);
        Self {
            rho: rho.value(),
            epsilon: epsilon_closed_form(rho, DELTA),
            guess: gain.right_guess,
            tenfold: gain.tenfold,
        }
    }
}

/// The budget of a node that chose `rho_micro` millionths, in epoch `epoch`. The one place where pages and reports take it from. What the
/// epoch before had chosen went with its ledger: it is taken to be all that the standard allows.
///
/// A spell's attribute changes by leaving one cell and entering another, so that a table counts twice; k spells of a learner cost
/// up to k^2 rho (disclosure.md, "Unit" and "Budget").
#[must_use]
pub fn budget(standard: &Standard, rho_micro: u64, epoch: u32) -> Budget {
    let noise = standard.noise();
    let millionths = |micro: u64| micro as f64 / 1e6;
    let share = |micro: u64| table_rho(standard, micro, rho_micro);
    let before = u64::from(epoch.saturating_sub(1));
    let life = rho_micro + before * noise.rho_micro;
    let rho = millionths(rho_micro);
    let spells = noise.enrolments_per_learner;
    let attributes = SENSITIVE.map(|attribute| {
        let tables = standard.tables().iter();
        let held = tables.filter(|t| t.dimensions.contains(&attribute));
        let (held, most) = held.fold((0, 0), |(held, most), t| {
            (held + share(t.rho_micro), most + t.rho_micro)
        });
        AttributeBudget {
            attribute,
            limit: millionths(noise.attribute_limit_micro),
            rho: millionths(2 * held),
            risk: Risk::of(2 * (held + before * most)),
        }
    });
    Budget {
        rho,
        epochs: epoch,
        tables: millionths(standard.tables().iter().map(|t| share(t.rho_micro)).sum()),
        reserve: millionths(share(noise.reserve_micro)),
        enrolment: Risk::of(life),
        learner: Risk::of(life * (spells * spells) as u64),
        enrolments_per_learner: spells,
        attributes: attributes.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(value: f64, expected: f64, by: f64) {
        assert!((value - expected).abs() < by, "{value} for {expected}");
    }

    #[test]
    fn the_standards_budget_is_what_the_design_says() {
        let standard = Standard::current();
        let budget = budget(standard, standard.noise().rho_micro, 1);
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

    /// After a lost ledger the report promised what one epoch alone would.
    #[test]
    fn a_second_epoch_costs_a_second_budget() {
        let standard = Standard::current();
        let second = budget(standard, 100_000, 2);
        close(second.rho, 0.1, 1e-12);
        close(second.enrolment.rho, 0.6, 1e-12);
        close(second.learner.rho, 2.4, 1e-12);
        let worst = second.attributes.iter().map(|a| (a.rho, a.risk.rho));
        let worst = worst.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
        close(worst.0, 0.064, 1e-4);
        close(worst.1, 0.384, 1e-4);
        assert!(second.tables + second.reserve <= second.rho + 1e-7);
    }

    #[test]
    fn a_smaller_budget_promises_more() {
        let standard = Standard::current();
        let small = budget(standard, 100_000, 1);
        assert!(small.enrolment.guess < 0.6 && small.enrolment.guess > 0.5);
        assert!(small.tables < 0.1);
    }
}
