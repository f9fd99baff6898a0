//! Attacks on one person's attribute by somebody who knows everything else.

use std::collections::BTreeMap;

use ldsp_protocol::standard::{Dimension, Family};

use super::elimination::only_possible;
use super::score::{Score, Scores, TENFOLD_LIMIT, Target, by_size};
use super::view::{Entry, Knowledge, Spell, TableView};
use crate::truth::{ABSENT, LAST};
use crate::verdict::Verdict;

/// An attribute under attack: its dimension, and the families in which it counts (`None`: all that hold it).
#[derive(Clone, Copy)]
pub(super) struct Attribute {
    pub(super) dimension: Dimension,
    pub(super) family: Option<Family>,
}

impl Attribute {
    pub(super) const fn everywhere(dimension: Dimension) -> Self {
        Self {
            dimension,
            family: None,
        }
    }

    pub(super) const fn of(dimension: Dimension, family: Family) -> Self {
        Self {
            dimension,
            family: Some(family),
        }
    }

    fn counts(self, family: Family) -> bool {
        self.family.is_none_or(|f| f == family)
    }

    pub(super) fn in_table(self, table: &TableView) -> bool {
        self.counts(table.family) && table.holds(self.dimension)
    }
}

pub(super) const OUTCOME: Attribute = Attribute::of(Dimension::Outcome, Family::Leavers);
pub(super) const DISABILITY: Attribute = Attribute::everywhere(Dimension::Disability);
pub(super) const DESTINATIONS: [Attribute; 3] = [
    Attribute::of(Dimension::Destination, Family::Destination3),
    Attribute::of(Dimension::Destination, Family::Destination6),
    Attribute::of(Dimension::Destination, Family::Destination12),
];

/// What is to be found out about a spell: the entries that depend on it, and the truth.
pub(super) struct Question {
    /// The spell's entries that the attribute decides.
    pub(super) entries: Vec<Entry>,
    pub(super) truth: usize,
    pub(super) values: usize,
    /// Month of the first of them.
    pub(super) month: usize,
}

/// Prior probabilities of an attribute's values by node: how often the others have them.
pub(super) struct Priors(BTreeMap<usize, Vec<f64>>);

impl Priors {
    pub(super) fn new(known: &Knowledge, attribute: Attribute) -> Self {
        let mut counts: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        for spell in &known.spells {
            if let Some(question) = question(known, spell, attribute) {
                // Each value once more than it was seen: nothing is impossible beforehand.
                let counts = counts
                    .entry(spell.node)
                    .or_insert_with(|| vec![1.0; question.values]);
                counts[question.truth] += 1.0;
            }
        }
        for shares in counts.values_mut() {
            let total: f64 = shares.iter().sum();
            shares.iter_mut().for_each(|s| *s /= total);
        }
        Self(counts)
    }

    pub(super) fn of(&self, node: usize) -> &[f64] {
        self.0.get(&node).map_or(&[], Vec::as_slice)
    }
}

/// The question about a spell; `None` where the attribute never entered or an attacker made it up. Of a corrected
/// spell, that the first entry was what it was and was taken back is known: asked is the final value.
pub(super) fn question(known: &Knowledge, spell: &Spell, attribute: Attribute) -> Option<Question> {
    let decided =
        |e: &&Entry| attribute.counts(e.family) && e.codes[attribute.dimension as usize] != ABSENT;
    let taken_back = |family| {
        let minus = spell
            .entries
            .iter()
            .filter(|e| e.family == family && e.weight < 0.0);
        minus.map(|e| e.month).max()
    };
    let entries: Vec<Entry> = spell
        .entries
        .iter()
        .filter(decided)
        .filter(|e| e.weight > 0.0 && taken_back(e.family).is_none_or(|m| e.month >= m))
        .cloned()
        .collect();
    let first = entries.first()?;
    let table = known.lenses[first.lens]
        .tables
        .iter()
        .find(|t| attribute.in_table(t))?;
    let values = table.size(attribute.dimension);
    let truth = match first.codes[attribute.dimension as usize] {
        LAST => values - 1,
        code => usize::from(code),
    };
    Some(Question {
        truth,
        values,
        month: first.month,
        entries,
    })
}

/// The same entries if the attribute had `value`.
pub(super) fn supposing(entries: &[Entry], attribute: Attribute, value: usize) -> Vec<Entry> {
    let mut supposed = entries.to_vec();
    for entry in &mut supposed {
        entry.codes[attribute.dimension as usize] = u8::try_from(value).unwrap_or(LAST);
    }
    supposed
}

impl Question {
    pub(super) fn candidates(&self, attribute: Attribute) -> Vec<Vec<Entry>> {
        (0..self.values)
            .map(|value| supposing(&self.entries, attribute, value))
            .collect()
    }
}

/// Spells that were counted in one epoch only: those of two are scored apart (`epochs`).
pub(super) fn once(spell: &Spell) -> bool {
    !spell.own && !counted_in_two(spell)
}

/// Whether a family counted the spell in more than one lens.
pub(super) fn counted_in_two(spell: &Spell) -> bool {
    let same = |a: &Entry, b: &Entry| a.family == b.family && a.lens != b.lens;
    spell
        .entries
        .iter()
        .any(|a| spell.entries.iter().any(|b| same(a, b)))
}

/// All but one known: combines all tables that hold the attribute and all months.
pub(super) fn all_but_one(
    known: &Knowledge,
    attributes: &[Attribute],
    chosen: impl Fn(usize, &Spell) -> bool,
) -> Scores {
    let mut scores = Scores::new();
    for attribute in attributes {
        let priors = Priors::new(known, *attribute);
        for (_, spell) in known
            .spells
            .iter()
            .enumerate()
            .filter(|(at, s)| chosen(*at, s))
        {
            let Some(question) = question(known, spell, *attribute) else {
                continue;
            };
            let candidates = question.candidates(*attribute);
            let holds = |table: &TableView| attribute.in_table(table);
            let log_likelihoods = known.log_likelihoods(&question.entries, &candidates, holds);
            scores
                .entry(known.nodes[spell.node].size)
                .or_default()
                .add(&Target {
                    log_likelihoods: &log_likelihoods,
                    prior: priors.of(spell.node),
                    truth: question.truth,
                    only: only_possible(known, &question.entries, &candidates, holds),
                    cluster: (spell.node, question.month),
                });
        }
    }
    scores
}

/// The month's figures alone: a known newcomer or leaver of a month whose other entries are known; other months are
/// not, so the filter is undone and only the month's own noise remains.
pub(super) fn within_month(known: &Knowledge, attributes: &[Attribute], family: Family) -> Scores {
    let mut scores = Scores::new();
    for attribute in attributes {
        let priors = Priors::new(known, *attribute);
        for spell in known.spells.iter().filter(|s| once(s)) {
            let Some(question) = question(known, spell, *attribute) else {
                continue;
            };
            let Some(entry) = question.entries.iter().find(|e| e.family == family) else {
                continue;
            };
            let ll = month_likelihoods(known, entry, *attribute, question.values, 1.0, true);
            scores
                .entry(known.nodes[spell.node].size)
                .or_default()
                .add(&Target {
                    log_likelihoods: &ll,
                    prior: priors.of(spell.node),
                    truth: question.truth,
                    only: None,
                    cluster: (spell.node, entry.month),
                });
        }
    }
    scores
}

/// Log-likelihoods of each value from the figures of `entry.month` if the value's cell then changed by `step`;
/// `happened`: whether the true one did.
pub(super) fn month_likelihoods(
    known: &Knowledge,
    entry: &Entry,
    attribute: Attribute,
    values: usize,
    step: f64,
    happened: bool,
) -> Vec<f64> {
    let lens = &known.lenses[entry.lens];
    let spread = lens.month_variance(entry.month) * lens.scale;
    let mut sums = vec![0.0; values];
    for table in lens
        .tables
        .iter()
        .filter(|t| t.family == entry.family && attribute.in_table(t))
    {
        let real = table.cell(&entry.codes).filter(|_| happened);
        for (value, sum) in sums.iter_mut().enumerate() {
            let supposed = supposing(std::slice::from_ref(entry), attribute, value);
            let Some(cell) = table.cell(&supposed[0].codes) else {
                continue;
            };
            let seen = table.d[entry.month * table.cells + cell]
                + if real == Some(cell) { step } else { 0.0 };
            *sum += (seen * step - 0.5 * step * step) / (table.sigma2 * spread);
        }
    }
    sums
}

/// Learners who are alone in all but one dimension of a table: the last is read off that table.
fn unique(known: &Knowledge, attributes: &[Attribute]) -> Scores {
    let mut scores = Scores::new();
    for attribute in attributes {
        let priors = Priors::new(known, *attribute);
        // Lens, table and the place in its other dimensions -> the spells there.
        let mut alone: BTreeMap<(usize, usize, usize), Vec<usize>> = BTreeMap::new();
        for (number, spell) in known.spells.iter().enumerate() {
            for entry in &spell.entries {
                for (at, table) in known.lenses[entry.lens].tables.iter().enumerate() {
                    let fits = table.family == entry.family
                        && attribute.in_table(table)
                        && table.dimensions.len() > 1;
                    if let Some(place) = fits.then(|| fibre(table, entry, *attribute)).flatten() {
                        alone
                            .entry((entry.lens, at, place))
                            .or_default()
                            .push(number);
                    }
                }
            }
        }
        for ((lens, at, _), spells) in alone.iter().filter(|(_, spells)| spells.len() == 1) {
            let spell = &known.spells[spells[0]];
            let Some(question) = question(known, spell, *attribute).filter(|_| once(spell)) else {
                continue;
            };
            let id = &known.lenses[*lens].tables[*at].id;
            let candidates = question.candidates(*attribute);
            let ll = known.log_likelihoods(&question.entries, &candidates, |t| t.id == *id);
            scores
                .entry(known.nodes[spell.node].size)
                .or_default()
                .add(&Target {
                    log_likelihoods: &ll,
                    prior: priors.of(spell.node),
                    truth: question.truth,
                    only: only_possible(known, &question.entries, &candidates, |t| t.id == *id),
                    cluster: (spell.node, question.month),
                });
        }
    }
    scores
}

/// The cell with the attribute at its first value: the same for all who differ in nothing else.
pub(super) fn fibre(table: &TableView, entry: &Entry, attribute: Attribute) -> Option<usize> {
    table.cell(&entry.codes)?;
    table.cell(&supposing(std::slice::from_ref(entry), attribute, 0)[0].codes)
}

/// Those who share a three-way cell's surroundings with the attacker's inventions.
fn beside_fakes(known: &Knowledge) -> Vec<bool> {
    let place = |entry: &Entry| {
        (
            entry.lens,
            entry.codes[Dimension::Area as usize],
            entry.codes[Dimension::Tier as usize],
        )
    };
    let fakes: std::collections::BTreeSet<_> = known
        .spells
        .iter()
        .filter(|s| s.own)
        .flat_map(|s| s.entries.iter().map(place))
        .collect();
    known
        .spells
        .iter()
        .map(|s| !s.own && s.entries.iter().any(|e| fakes.contains(&place(e))))
        .collect()
}

fn both(scores: &Scores, names: [&'static str; 2], what: &str) -> Vec<Verdict> {
    let mut verdicts = by_size(scores, |s: &Score| s.tenfold(names[0], TENFOLD_LIMIT, what));
    verdicts.extend(by_size(scores, |s: &Score| s.proofs(names[1], what)));
    verdicts
}

/// All-but-one, unique, newcomers, leavers and fakes.
pub(super) fn run(known: &Knowledge) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    let attributes: [(&[Attribute], [&'static str; 2], &str); 6] = [
        (
            &[DISABILITY],
            ["disability, tenfold odds", "disability, certain proof"],
            "Disability of one learner when every other is known",
        ),
        (
            &[OUTCOME],
            ["outcome, tenfold odds", "outcome, certain proof"],
            "How one enrolment ended when every other is known",
        ),
        (
            &DESTINATIONS,
            ["destination, tenfold odds", "destination, certain proof"],
            "One leaver's destination with all else known",
        ),
        (
            &[Attribute::everywhere(Dimension::Ethnicity)],
            ["ethnicity, tenfold odds", "ethnicity, certain proof"],
            "Ethnicity of one learner when every other is known",
        ),
        (
            &[Attribute::everywhere(Dimension::Prior)],
            ["prior status, tenfold odds", "prior status, certain proof"],
            "Status before of one learner when every other is known",
        ),
        (
            &[Attribute::everywhere(Dimension::Confidence)],
            ["confidence, tenfold odds", "confidence, certain proof"],
            "One learner's change in confidence when every other is known",
        ),
    ];
    for (attributes, names, what) in attributes {
        verdicts.extend(both(
            &all_but_one(known, attributes, |_, s| once(s)),
            names,
            what,
        ));
    }
    let open = [
        DISABILITY,
        OUTCOME,
        DESTINATIONS[0],
        DESTINATIONS[1],
        DESTINATIONS[2],
    ];
    let what = "Somebody who is alone in a table's other dimensions: the last one read off";
    verdicts.extend(both(
        &unique(known, &open),
        ["unique, the rest read off", "unique, certain proof"],
        what,
    ));
    let starts = [
        DISABILITY,
        Attribute::everywhere(Dimension::Ethnicity),
        Attribute::everywhere(Dimension::Prior),
    ];
    let what = "A known newcomer's disability, ethnicity or status before from the month in which it appears";
    verdicts.extend(both(
        &within_month(known, &starts, Family::Starts),
        ["newcomer", "newcomer, certain proof"],
        what,
    ));
    let what = "How a known leaver's enrolment ended from the month in which it appears";
    verdicts.extend(both(
        &within_month(known, &[OUTCOME], Family::Leavers),
        ["leaver", "leaver, certain proof"],
        what,
    ));
    verdicts.extend(fakes(known));
    verdicts
}

fn fakes(known: &Knowledge) -> Vec<Verdict> {
    if !known.spells.iter().any(|s| s.own) {
        return vec![Verdict::not_run(
            "fake learners",
            "the truth file marks no enrolment as the attacker's own (`own`).",
        )];
    }
    let beside = beside_fakes(known);
    let scores = all_but_one(known, &[OUTCOME], |at, spell| once(spell) && beside[at]);
    let what = "How somebody's enrolment ended who shares district and tier with learners that a provider made up";
    both(
        &scores,
        ["fake learners", "fake learners, certain proof"],
        what,
    )
}
