//! Group disclosure: a small group that all turned out alike.

use std::collections::BTreeMap;

use super::persons::{OUTCOME, Priors, fibre, once, question, supposing};
use super::score::{Scores, TENFOLD_LIMIT, Target, by_size, posterior};
use super::view::{Entry, Knowledge, Spell};
use crate::verdict::Verdict;

/// Groups of two to this many.
const LARGEST: usize = 4;

/// The spells that a table shows side by side, differing in outcome only: by lens, table and place.
fn neighbours(known: &Knowledge) -> BTreeMap<(usize, usize, usize), Vec<usize>> {
    let mut groups: BTreeMap<(usize, usize, usize), Vec<usize>> = BTreeMap::new();
    for (number, spell) in known.spells.iter().enumerate() {
        let Some(question) = question(known, spell, OUTCOME) else {
            continue;
        };
        let Some(entry) = question.entries.first() else {
            continue;
        };
        for (at, table) in known.lenses[entry.lens].tables.iter().enumerate() {
            let fits = table.family == entry.family && OUTCOME.in_table(table);
            if let Some(place) = fits.then(|| fibre(table, entry, OUTCOME)).flatten() {
                groups
                    .entry((entry.lens, at, place))
                    .or_default()
                    .push(number);
            }
        }
    }
    groups
}

/// That all of a group ended alike, from the table that shows the group, when each one's month is known.
pub(super) fn run(known: &Knowledge) -> Vec<Verdict> {
    let mut scores = Scores::new();
    let priors = Priors::new(known, OUTCOME);
    for ((lens, at, _), numbers) in neighbours(known) {
        if !(2..=LARGEST).contains(&numbers.len()) {
            continue;
        }
        let spells: Vec<&Spell> = numbers.iter().map(|n| &known.spells[*n]).collect();
        let questions: Vec<_> = spells
            .iter()
            .filter_map(|s| question(known, s, OUTCOME))
            .collect();
        let truth = questions[0].truth;
        let alike = questions
            .iter()
            .all(|q| q.truth == truth && q.entries.len() == 1);
        if !alike || !spells.iter().all(|s| once(s)) {
            continue;
        }
        let id = &known.lenses[lens].tables[at].id;
        let entries: Vec<Entry> = questions.iter().flat_map(|q| q.entries.clone()).collect();
        let prior = priors.of(spells[0].node);
        let (candidates, chances) = assignments(&entries, prior);
        let ll = known.log_likelihoods(&entries, &candidates, |t| t.id == *id);
        let after = posterior(&ll, &chances);
        // "All alike, in this way" against everything else.
        let place = (0..entries.len()).fold(0, |place, _| place * prior.len() + truth);
        let (p, q) = (chances[place], after[place]);
        scores
            .entry(known.nodes[spells[0].node].size)
            .or_default()
            .add(&Target {
                log_likelihoods: &[(q / p).ln(), ((1.0 - q).max(1e-300) / (1.0 - p)).ln()],
                prior: &[p, 1.0 - p],
                truth: 0,
                only: None,
                cluster: (spells[0].node, questions[0].month),
            });
    }
    let what = format!(
        "That all of a group of 2 to {LARGEST} ended alike, read off the table that shows them"
    );
    let mut verdicts = by_size(&scores, |s| s.tenfold("group", TENFOLD_LIMIT, &what));
    verdicts.extend(by_size(&scores, |s| {
        s.proofs("group, certain proof", &what)
    }));
    verdicts
}

/// Every way in which the members could have ended, the first member slowest, with its prior probability.
fn assignments(entries: &[Entry], prior: &[f64]) -> (Vec<Vec<Entry>>, Vec<f64>) {
    let mut ways: Vec<(Vec<Entry>, f64)> = vec![(Vec::new(), 1.0)];
    for entry in entries {
        let mut longer = Vec::with_capacity(ways.len() * prior.len());
        for (way, chance) in &ways {
            for (value, p) in prior.iter().enumerate() {
                let mut way = way.clone();
                way.extend(supposing(std::slice::from_ref(entry), OUTCOME, value));
                longer.push((way, chance * p));
            }
        }
        ways = longer;
    }
    ways.into_iter().unzip()
}
