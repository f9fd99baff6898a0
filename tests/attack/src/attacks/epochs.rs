//! A changed standard and a lost ledger: the same people seen through two streams of noise.

use std::collections::BTreeSet;

use ldsp_protocol::noise::{HORIZON, energy};
use ldsp_protocol::standard::Dimension;

use super::persons::{Attribute, DISABILITY, OUTCOME, all_but_one, counted_in_two, once};
use super::score::{TENFOLD_LIMIT, by_size};
use super::view::Knowledge;
use crate::statistics::upper_tail;
use crate::verdict::Verdict;

pub(super) fn run(known: &Knowledge) -> Vec<Verdict> {
    let mut verdicts = standard(known);
    verdicts.extend(ledger(known));
    verdicts
}

fn standard(known: &Knowledge) -> Vec<Verdict> {
    let changed: BTreeSet<usize> = (0..known.nodes.len())
        .filter(|node| {
            let digests: BTreeSet<_> = known.nodes[*node]
                .lenses
                .iter()
                .map(|at| known.lenses[*at].digest)
                .collect();
            digests.len() > 1
        })
        .collect();
    if changed.is_empty() {
        return vec![Verdict::not_run(
            "changed standard",
            "no node published under two standards.",
        )];
    }
    let attributes = [OUTCOME, DISABILITY, Attribute::everywhere(Dimension::Prior)];
    let scores = all_but_one(known, &attributes, |_, s| {
        once(s) && changed.contains(&s.node)
    });
    let what = "Outcome, disability or status before at nodes that changed to another standard, all tables of both combined";
    let mut verdicts = by_size(&scores, |s| {
        s.tenfold("changed standard", TENFOLD_LIMIT, what)
    });
    verdicts.extend(by_size(&scores, |s| {
        s.proofs("changed standard, certain proof", what)
    }));
    verdicts
}

/// A new epoch costs another rho (disclosure.md, "Ledger"): whoever is counted in both is protected by twice the budget, and
/// the limit is what that allows. Log-likelihood ratio between two values: normal, mean eta/2 and variance eta, with
/// eta = 4 rho for the tables that hold the attribute (one entry moves from a cell to another).
fn ledger(known: &Knowledge) -> Vec<Verdict> {
    if !known.spells.iter().any(counted_in_two) {
        return vec![Verdict::not_run(
            "lost ledger",
            "nobody was counted in two epochs.",
        )];
    }
    let energy = energy(HORIZON) as f64 / 2f64.powi(32);
    let rho = |lens: &super::view::Lens| -> f64 {
        let holding = lens.tables.iter().filter(|t| OUTCOME.in_table(t));
        holding.map(|t| energy / (2.0 * t.sigma2)).sum()
    };
    let eta = 2.0 * 4.0 * known.lenses.iter().map(rho).fold(0.0, f64::max);
    let limit = upper_tail((10f64.ln() - eta / 2.0) / eta.sqrt()).max(TENFOLD_LIMIT);
    let scores = all_but_one(known, &[OUTCOME], |_, s| !s.own && counted_in_two(s));
    let what = "Outcome of somebody whom both epochs count, after a lost ledger (the limit is what twice the budget allows, not 1 %)";
    let mut verdicts = by_size(&scores, |s| s.tenfold("lost ledger", limit, what));
    verdicts.extend(by_size(&scores, |s| {
        s.proofs("lost ledger, certain proof", what)
    }));
    verdicts
}
