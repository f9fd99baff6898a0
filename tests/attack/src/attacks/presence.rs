//! Was somebody counted at all, and does an erasure show?

use std::collections::{BTreeMap, BTreeSet};

use ldsp_protocol::standard::Dimension;

use super::persons::{DISABILITY, OUTCOME, Priors, counted_in_two, month_likelihoods, question};
use super::score::{Scores, TENFOLD_LIMIT, Target, by_size};
use super::view::{Entry, Knowledge};
use crate::statistics::{upper_tail, wilson};
use crate::verdict::{Unit, Verdict};

/// disclosure.md: "membership likelihood ratio under 4".
const MEMBERSHIP_LIMIT: f64 = 4.0;

#[derive(Default)]
struct Membership {
    members: usize,
    found: usize,
    others: usize,
    mistaken: usize,
    /// Members whose likelihood ratio is at least [`MEMBERSHIP_LIMIT`].
    far: usize,
    rho: f64,
    clusters: BTreeSet<(usize, usize)>,
}

/// <z, mu> / sigma^2 and |mu|^2 / sigma^2 over every table: with z the noise, the log-likelihood ratio of "counted" to
/// "not counted" is their sum less half the second for somebody who was, and the first less half the second for somebody who was not.
fn strength(known: &Knowledge, entries: &[Entry]) -> (f64, f64) {
    let with = known.log_likelihoods(entries, &[entries.to_vec()], |_| true)[0];
    let without = known.log_likelihoods(&[], &[entries.to_vec()], |_| true)[0];
    (with, with - without)
}

fn membership(
    known: &Knowledge,
    groups: &BTreeMap<usize, Vec<Vec<Entry>>>,
) -> BTreeMap<usize, Membership> {
    let mut found: BTreeMap<usize, Membership> = BTreeMap::new();
    for (node, groups) in groups {
        let to = found.entry(known.nodes[*node].size).or_default();
        for (at, entries) in groups.iter().enumerate() {
            let (with, eta) = strength(known, entries);
            to.clusters.insert((*node, description(&entries[0])));
            to.rho = to.rho.max(node_rho(known, *node));
            // Every other one plays somebody of the same description who was never there.
            if at % 2 == 0 {
                to.members += 1;
                to.found += usize::from(with > 0.0);
                to.far += usize::from(with >= MEMBERSHIP_LIMIT.ln());
            } else {
                to.others += 1;
                to.mistaken += usize::from(with - eta > 0.0);
            }
        }
    }
    found
}

/// Month, tier, age and sex: who differs in these shares little of the noise.
fn description(entry: &Entry) -> usize {
    let code = |d: Dimension| usize::from(entry.codes[d as usize]);
    ((entry.month * 256 + code(Dimension::Tier)) * 256 + code(Dimension::Age)) * 256
        + code(Dimension::Sex)
}

/// Whole budget of an enrolment at a node: sum over tables of (sum of c^2) / (2 sigma^2).
fn node_rho(known: &Knowledge, node: usize) -> f64 {
    let energy = ldsp_protocol::noise::energy(ldsp_protocol::noise::HORIZON) as f64 / 2f64.powi(32);
    let lens = &known.lenses[known.nodes[node].lenses[0]];
    lens.tables.iter().map(|t| energy / (2.0 * t.sigma2)).sum()
}

/// Likelihood ratio of the verdict "was counted" at even odds, P(say so | counted) / P(say so | not), and its 95 %
/// interval (Simel, Samsa, Matchar 1991).
fn ratio(m: &Membership) -> (f64, (f64, f64)) {
    let n = (m.clusters.len().min(m.others) as f64).max(1.0);
    // Half a case more on each side keeps the ratio finite.
    let share = |cases: usize, of: usize| (cases as f64 / of.max(1) as f64 * n + 0.5) / (n + 1.0);
    let (hit, miss) = (share(m.found, m.members), share(m.mistaken, m.others));
    let spread = 1.96 * ((1.0 - hit) / (n * hit) + (1.0 - miss) / (n * miss)).sqrt();
    let ratio = hit / miss;
    (ratio, (ratio * (-spread).exp(), ratio * spread.exp()))
}

fn verdicts_of(
    found: &BTreeMap<usize, Membership>,
    names: [&'static str; 2],
    who: &str,
    spells: f64,
) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for (size, m) in found {
        let rho = m.rho * spells * spells;
        let theory = upper_tail(-(rho / 2.0).sqrt()) / upper_tail((rho / 2.0).sqrt());
        let sentence = format!(
            "{who}, all else known: told at even odds, the answer 'was counted' is this many times as likely for somebody who was; after {} months rho allows {theory:.2}.",
            ldsp_protocol::noise::HORIZON
        );
        verdicts.push(
            Verdict::estimate(
                names[0],
                m.members + m.others,
                ratio(m),
                MEMBERSHIP_LIMIT,
                Unit::Ratio,
                sentence,
            )
            .of_size(*size),
        );
        // The log-likelihood ratio of somebody who was counted is normal with mean rho and variance 2 rho.
        let limit = upper_tail((MEMBERSHIP_LIMIT.ln() - rho) / (2.0 * rho).sqrt());
        let share = m.far as f64 / m.members.max(1) as f64;
        let interval = wilson(share, m.clusters.len() as f64, 1.96);
        let sentence = format!(
            "{who}: the share of those counted whose likelihood ratio reaches 4, against the share that the stated budget allows."
        );
        verdicts.push(
            Verdict::estimate(
                names[1],
                m.members,
                (share, interval),
                limit,
                Unit::Share,
                sentence,
            )
            .of_size(*size),
        );
    }
    verdicts
}

/// Membership of an enrolment, and of a learner with two.
pub(super) fn membership_verdicts(known: &Knowledge) -> Vec<Verdict> {
    let mut spells: BTreeMap<usize, Vec<Vec<Entry>>> = BTreeMap::new();
    let mut learners: BTreeMap<(usize, usize), Vec<Vec<Entry>>> = BTreeMap::new();
    for spell in known
        .spells
        .iter()
        .filter(|s| !s.own && !s.entries.is_empty() && !counted_in_two(s))
    {
        spells
            .entry(spell.node)
            .or_default()
            .push(spell.entries.clone());
        learners
            .entry((spell.node, spell.learner))
            .or_default()
            .push(spell.entries.clone());
    }
    let mut twice: BTreeMap<usize, Vec<Vec<Entry>>> = BTreeMap::new();
    for ((node, _), spells) in learners.into_iter().filter(|(_, s)| s.len() == 2) {
        twice.entry(node).or_default().push(spells.concat());
    }
    let names = ["membership", "membership, ratios of 4"];
    let mut verdicts = verdicts_of(
        &membership(known, &spells),
        names,
        "Was this enrolment counted",
        1.0,
    );
    let names = [
        "membership, two enrolments",
        "membership, two enrolments, ratios of 4",
    ];
    verdicts.extend(verdicts_of(
        &membership(known, &twice),
        names,
        "Was this learner with two enrolments counted",
        2.0,
    ));
    verdicts
}

/// A known erasure: do the figures of its month fall where the learner was?
pub(super) fn erasure_verdicts(known: &Knowledge) -> Vec<Verdict> {
    if !known.spells.iter().any(|s| s.erased.is_some()) {
        return vec![Verdict::not_run(
            "erasure",
            "the truth file names no erased record (`erased`).",
        )];
    }
    let mut scores = Scores::new();
    for attribute in [OUTCOME, DISABILITY] {
        let priors = Priors::new(known, attribute);
        for spell in known.spells.iter().filter(|s| !s.own && s.erased.is_some()) {
            let Some(question) = question(known, spell, attribute) else {
                continue;
            };
            let Some((lens, month)) = spell.erased else {
                continue;
            };
            let Some(mut entry) = question
                .entries
                .into_iter()
                .find(|e| e.lens == lens && e.month < month)
            else {
                continue;
            };
            entry.month = month;
            let ll = month_likelihoods(known, &entry, attribute, question.values, -1.0, false);
            scores
                .entry(known.nodes[spell.node].size)
                .or_default()
                .add(&Target {
                    log_likelihoods: &ll,
                    prior: priors.of(spell.node),
                    truth: question.truth,
                    only: None,
                    cluster: (spell.node, month),
                });
        }
    }
    let what = "Outcome or disability of somebody whose record was erased in a known month, if the figures fell by one then";
    let mut verdicts = by_size(&scores, |s| s.tenfold("erasure", TENFOLD_LIMIT, what));
    verdicts.extend(traces(known));
    verdicts
}

/// All erasures of nodes of a size together: sum of -<z, mu> / sigma^2 with mu the retracted entries, in standard
/// deviations. A retraction of one enrolment in n adds about the square root of n times that of one.
fn traces(known: &Knowledge) -> Vec<Verdict> {
    let mut sums: BTreeMap<usize, (f64, f64, usize)> = BTreeMap::new();
    for (number, lens) in known.lenses.iter().enumerate() {
        let sum = sums.entry(known.nodes[lens.node].size).or_default();
        for table in &lens.tables {
            let mut gone: BTreeMap<usize, BTreeMap<usize, f64>> = BTreeMap::new();
            for spell in &known.spells {
                let Some((at, month)) = spell.erased.filter(|(at, _)| *at == number) else {
                    continue;
                };
                for entry in spell
                    .entries
                    .iter()
                    .filter(|e| e.lens == at && e.month < month && e.family == table.family)
                {
                    if let Some(cell) = table.cell(&entry.codes) {
                        *gone.entry(cell).or_default().entry(month).or_default() += entry.weight;
                    }
                }
            }
            for (cell, months) in &gone {
                for (s, n) in months {
                    sum.0 -= n * table.g[s * table.cells + cell] / table.sigma2;
                    let pairs = months.iter().map(|(t, m)| n * m * lens.inner(*s, *t));
                    sum.1 += pairs.sum::<f64>() / table.sigma2;
                }
            }
        }
        sum.2 += known
            .spells
            .iter()
            .filter(|s| s.erased.is_some_and(|(at, _)| at == number))
            .count();
    }
    let tested = sums
        .into_iter()
        .filter(|(_, (_, variance, _))| *variance > 0.0);
    tested
        .map(|(size, (sum, variance, n))| {
            let sentence = "All erasures together: how far the figures fell where and when they happened, against the noise.";
            Verdict::at_most("erasure, any trace", n, sum / variance.sqrt(), 5.0, Unit::Deviations, sentence).of_size(size)
        })
        .collect()
}
