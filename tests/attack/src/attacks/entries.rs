//! Do the releases follow from the truth by the public rules: the noise that is stated, and everybody once?

use std::collections::BTreeMap;

use super::view::Knowledge;
use crate::statistics::chi_squared_z;
use crate::verdict::{Unit, Verdict};

/// By chance beyond it: less than one in a million.
const LIMIT: f64 = 5.0;
/// The largest of many tests: up to a thousand months by chance in less than one of ten thousand audits.
const LIMIT_OF_MANY: f64 = 5.5;

/// Noise as stated, and nobody counted again.
pub(super) fn run(known: &Knowledge) -> Vec<Verdict> {
    let mut verdicts = noise(known);
    verdicts.extend(again(known));
    verdicts
}

/// sum of z^2 / sigma^2 over all published values: chi-squared with as many degrees of freedom.
fn noise(known: &Knowledge) -> Vec<Verdict> {
    let mut sums: BTreeMap<usize, (f64, usize)> = BTreeMap::new();
    for lens in &known.lenses {
        let sum = sums.entry(known.nodes[lens.node].size).or_default();
        for table in &lens.tables {
            sum.0 += table.z.iter().map(|z| z * z / table.sigma2).sum::<f64>();
            sum.1 += table.z.len();
        }
    }
    let verdict = |(size, (sum, n)): (usize, (f64, usize))| {
        let far = chi_squared_z(sum, n as f64).abs();
        let sentence = format!(
            "With everybody's entries subtracted, the variance of what remains is {:.3} of the stated one.",
            sum / n as f64
        );
        Verdict::at_most("noise as stated", n, far, LIMIT, Unit::Deviations, sentence).of_size(size)
    };
    sums.into_iter().map(verdict).collect()
}

/// In each month, the regression of what remains of its figures on all that had entered before: 0 by the rules, 1 if
/// everybody was counted again. Of a second lens of the same node also on what had entered the first.
fn again(known: &Knowledge) -> Vec<Verdict> {
    let mut worst: BTreeMap<usize, (f64, f64, usize)> = BTreeMap::new();
    for (number, lens) in known.lenses.iter().enumerate() {
        let before = elsewhere(known, number);
        for month in 0..lens.months {
            let (mut fit, mut energy) = (0.0, 0.0);
            for (table, before) in lens.tables.iter().zip(&before) {
                for (cell, earlier) in before.iter().enumerate() {
                    let own: i64 = (0..month).map(|s| table.x[s * table.cells + cell]).sum();
                    let total = own as f64 + earlier;
                    fit += total * table.d[month * table.cells + cell] / table.sigma2;
                    energy += total * total / table.sigma2;
                }
            }
            if energy > 0.0 {
                let z = fit / (energy * lens.month_variance(month)).sqrt();
                let worst = worst.entry(known.nodes[lens.node].size).or_default();
                worst.2 += 1;
                if z > worst.0 {
                    (worst.0, worst.1) = (z, fit / energy);
                }
            }
        }
    }
    let verdict = |(size, (z, slope, n)): (usize, (f64, f64, usize))| {
        let sentence = format!(
            "In the worst month the figures hold {slope:.3} times all earlier entries again that the truth does not; a recount would be 1."
        );
        Verdict::at_most(
            "counted again",
            n,
            z,
            LIMIT_OF_MANY,
            Unit::Deviations,
            sentence,
        )
        .of_size(size)
    };
    worst.into_iter().map(verdict).collect()
}

/// What the node's earlier lenses of another standard counted, in this lens's cells: nobody of them may be in it.
fn elsewhere(known: &Knowledge, number: usize) -> Vec<Vec<f64>> {
    let lens = &known.lenses[number];
    let mut cells: Vec<Vec<f64>> = lens.tables.iter().map(|t| vec![0.0; t.cells]).collect();
    let earlier: Vec<usize> = known.nodes[lens.node]
        .lenses
        .iter()
        .copied()
        .take_while(|at| *at != number)
        .collect();
    if earlier.is_empty() {
        return cells;
    }
    for spell in known.spells.iter().filter(|s| s.node == lens.node) {
        for entry in spell.entries.iter().filter(|e| earlier.contains(&e.lens)) {
            for (table, cells) in lens
                .tables
                .iter()
                .zip(&mut cells)
                .filter(|(t, _)| t.family == entry.family)
            {
                if let Some(cell) = table.cell(&entry.codes) {
                    cells[cell] += entry.weight;
                }
            }
        }
    }
    cells
}
