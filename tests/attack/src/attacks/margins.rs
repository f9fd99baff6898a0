//! Cells whose truth must be zero: differences between tables that repeat a margin.
//!
//! Tables of a family count the same people, so the difference of two tables' common margin holds nothing but noise,
//! whatever the truth. Its size must be the stated one, and it must be new in every month and at every node.

use std::collections::BTreeMap;

use ldsp_protocol::additivity::Margin;
use ldsp_protocol::ids::Period;
use ldsp_protocol::standard::{Dimension, Family, Table};
use ldsp_protocol::summary::LearningSummary;

use super::public::RARE;
use super::score::surprise;
use super::view::{UNIT, c, inverse};
use crate::releases::{Published, Series};
use crate::statistics::{chi_squared_z, upper_tail};
use crate::verdict::{Unit, Verdict};

/// Standard deviations that pooled tests do not reach by chance (p < 10^-6, both sides).
const LIMIT: f64 = 5.0;

/// A month's differences, each divided by its table's standard deviation: a standard normal vector projected onto
/// `degrees` dimensions.
struct Contrasts {
    values: Vec<f64>,
    degrees: usize,
}

/// For each family the dimension that most of its tables hold.
fn shared(tables: &[Table]) -> Vec<(Family, Dimension)> {
    let mut chosen = Vec::new();
    for family in Family::ALL {
        let mut counts: BTreeMap<Dimension, usize> = BTreeMap::new();
        for dimension in tables
            .iter()
            .filter(|t| t.family == family)
            .flat_map(|t| &t.dimensions)
        {
            *counts.entry(*dimension).or_default() += 1;
        }
        let most = counts.into_iter().max_by_key(|(_, n)| *n);
        chosen.extend(
            most.filter(|(_, n)| *n > 1)
                .map(|(dimension, _)| (family, dimension)),
        );
    }
    chosen
}

fn contrasts(series: &Series, summary: &LearningSummary) -> Contrasts {
    let mut all = Contrasts {
        values: Vec::new(),
        degrees: 0,
    };
    for (family, dimension) in shared(series.standard.tables()) {
        let mut margins: Vec<(Vec<f64>, f64)> = Vec::new();
        for (at, declared) in series.standard.tables().iter().enumerate() {
            if declared.family != family || !declared.dimensions.contains(&dimension) {
                continue;
            }
            let shape = series.shape(at);
            let cells: usize = shape.iter().product();
            let values = summary.tables[at]
                .cells
                .iter()
                .take(cells)
                .map(|v| *v as f64 / UNIT)
                .collect();
            let margin = Margin {
                dimensions: declared.dimensions.clone(),
                shape,
                values,
            }
            .onto(&[dimension]);
            let sigma2 = summary
                .noise
                .sigma2
                .get(&declared.id)
                .copied()
                .unwrap_or(0)
                .max(1) as f64
                / (UNIT * UNIT);
            let variance = sigma2 * (cells / margin.values.len()) as f64;
            margins.push((margin.values, variance));
        }
        let weight: f64 = margins.iter().map(|(_, v)| 1.0 / v).sum();
        let codes = margins[0].0.len();
        for code in 0..codes {
            let mean = margins.iter().map(|(m, v)| m[code] / v).sum::<f64>() / weight;
            all.values
                .extend(margins.iter().map(|(m, v)| (m[code] - mean) / v.sqrt()));
        }
        all.degrees += (margins.len() - 1) * codes;
    }
    all
}

pub(super) fn run(published: &Published) -> Vec<Verdict> {
    let all: Vec<(&Series, Vec<(Period, Contrasts)>)> = published
        .series
        .iter()
        .map(|s| {
            (
                s,
                s.months
                    .iter()
                    .map(|m| (m.period, contrasts(s, &m.versions[0])))
                    .collect(),
            )
        })
        .collect();
    vec![size(&all), fresh(&all), recount(published)]
}

type All<'a> = [(&'a Series, Vec<(Period, Contrasts)>)];

/// The variance of the differences against the stated one, of all nodes and of the worst.
fn size(all: &All<'_>) -> Verdict {
    let (mut total, mut degrees) = (0.0, 0.0);
    let mut worst: f64 = 0.0;
    for (_, months) in all {
        let sum: f64 = months
            .iter()
            .flat_map(|(_, c)| &c.values)
            .map(|v| v * v)
            .sum();
        let n: usize = months.iter().map(|(_, c)| c.degrees).sum();
        total += sum;
        degrees += n as f64;
        worst = worst.max(chi_squared_z(sum, (n as f64).max(1.0)).abs());
    }
    let pooled = chi_squared_z(total, degrees.max(1.0)).abs();
    // The worst of many nodes may be as far as the pooled limit only after a correction for their number (Bonferroni).
    let corrected = upper_tail(worst) * 2.0 * all.len() as f64;
    let worst = if corrected < RARE { worst } else { 0.0 };
    let sentence = format!(
        "Tables that repeat a margin differ with {:.3} of the variance that the manifests state.",
        total / degrees.max(1.0)
    );
    Verdict::at_most(
        "shared margins",
        degrees as usize,
        pooled.max(worst),
        LIMIT,
        Unit::Deviations,
        sentence,
    )
}

/// Products of the differences of two months of a node, by the time between them, and of two nodes in the same months.
fn fresh(all: &All<'_>) -> Verdict {
    let (mut worst, mut tests) = (0.0f64, 0);
    let mut note = |product: f64, degrees: f64| {
        if degrees > 0.0 {
            tests += 1;
            worst = worst.max(product.abs() / degrees.sqrt());
        }
    };
    for (at, (_, months)) in all.iter().enumerate() {
        for lag in 1..months.len() {
            let pairs: Vec<_> = months
                .iter()
                .zip(&months[lag..])
                .map(|(a, b)| (&a.1, &b.1))
                .collect();
            let (product, degrees) = products(&pairs);
            note(product, degrees);
        }
        for (_, others) in &all[at + 1..] {
            let mut pairs = Vec::new();
            for (period, mine) in months {
                let theirs = others
                    .iter()
                    .find(|(p, c)| p == period && c.values.len() == mine.values.len());
                pairs.extend(theirs.map(|(_, theirs)| (mine, theirs)));
            }
            let (product, degrees) = products(&pairs);
            note(product, degrees);
        }
    }
    let p = 2.0 * upper_tail(worst) * f64::from(tests);
    let sentence = "Noise of different months and nodes against one another: noise that was used again would agree.";
    let tests = usize::try_from(tests).unwrap_or(0);
    Verdict::at_most(
        "repeated noise",
        tests,
        surprise(p),
        surprise(RARE),
        Unit::Surprise,
        sentence,
    )
}

/// Sum of the inner products and their variance under independence.
fn products(pairs: &[(&Contrasts, &Contrasts)]) -> (f64, f64) {
    let product = |(a, b): &(&Contrasts, &Contrasts)| -> f64 {
        a.values.iter().zip(&b.values).map(|(x, y)| x * y).sum()
    };
    (
        pairs.iter().map(product).sum(),
        pairs.iter().map(|(a, _)| a.degrees as f64).sum(),
    )
}

/// Smallest number of months before one that may be judged as a recount: earlier, half of all may come in a month.
const EARLIEST: usize = 6;
/// In a recount a month's entries are at least all earlier ones. A busy month of one family is no recount.
const RECOUNT_SHARE: f64 = 0.6;

/// Months in which several families at once hold again what all earlier months held: only well-filled cells can tell.
fn recount(published: &Published) -> Verdict {
    let mut found = Vec::new();
    let mut all = 0;
    for series in &published.series {
        let months = series.contiguous();
        for (month, judged) in months.iter().enumerate().skip(EARLIEST) {
            all += 1;
            let families: Vec<bool> = Family::ALL
                .iter()
                .filter_map(|f| again(series, month, *f))
                .collect();
            if families.len() > 1 && families.iter().all(|again| *again) {
                found.push(format!("{} {}", series.node, judged.period));
            }
        }
    }
    let what =
        "Months in which every well-filled family holds most of what all earlier months held";
    let sentence = match found.first() {
        None => format!(
            "{what}: none (a small node's figures cannot tell; with a truth file 'counted again' does)."
        ),
        Some(first) => format!(
            "{what}: {first}{}.",
            if found.len() > 1 { " and others" } else { "" }
        ),
    };
    Verdict::at_most(
        "recount",
        all,
        found.len() as f64,
        0.0,
        Unit::Count,
        sentence,
    )
}

/// Whether the month's entries follow the earlier ones with a slope above [`RECOUNT_SHARE`]; `None` where too few cells tell.
fn again(series: &Series, month: usize, family: Family) -> Option<bool> {
    let months = series.contiguous();
    let inverse = inverse(month + 1);
    let (mut fit, mut energy) = (0.0, 0.0);
    let spread: f64 = inverse.iter().map(|d| d * d).sum();
    let before: f64 = (0..month).map(|k| c(k).powi(2)).sum();
    for (at, table) in series
        .standard
        .tables()
        .iter()
        .enumerate()
        .filter(|(_, t)| t.family == family)
    {
        let sigma2 = months[0].versions[0]
            .noise
            .sigma2
            .get(&table.id)
            .copied()
            .unwrap_or(0)
            .max(1) as f64
            / (UNIT * UNIT);
        for cell in 0..series.shape(at).iter().product() {
            let v = |t: usize| months[t].versions[0].tables[at].cells[cell] as f64 / UNIT;
            let total: f64 = (0..month).map(|s| c(month - 1 - s) * v(s)).sum();
            if total > 5.0 * (sigma2 * before).sqrt() {
                let entries: f64 = (0..=month).map(|k| inverse[k] * v(month - k)).sum();
                fit += total * entries / sigma2;
                energy += total * total / sigma2;
            }
        }
    }
    let sd = (spread / energy.max(1e-300)).sqrt();
    (energy > 0.0 && sd < 0.05).then(|| fit / energy - 4.0 * sd > RECOUNT_SHARE)
}
