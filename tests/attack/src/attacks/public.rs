//! What anybody sees in the releases alone: no truth is needed.

use std::collections::BTreeMap;

use ldsp_protocol::noise::{GRID_BITS, METHOD};
use ldsp_protocol::summary::Manifest;

use super::dyadic;
use super::score::surprise;
use crate::releases::{Published, Series};
use crate::statistics::poisson_tail;
use crate::verdict::{Unit, Verdict};

/// Events rarer than this do not happen by chance.
pub(super) const RARE: f64 = 1e-6;

pub(super) fn run(published: &Published) -> Vec<Verdict> {
    vec![
        stated(published),
        months(published),
        twice(published),
        repeats(published),
        zeros(published),
        dyadic::run(published),
    ]
}

/// Every manifest states method, rho and variances as the standard has them.
fn stated(published: &Published) -> Verdict {
    let (mut all, mut wrong) = (0, Vec::new());
    for series in &published.series {
        let whole = series.standard.noise().rho_micro;
        for month in &series.months {
            for summary in &month.versions {
                all += 1;
                let noise = &summary.noise;
                let expected =
                    Manifest::new(&series.standard, noise.epoch, noise.month, noise.rho_micro);
                if noise.rho_micro > whole || noise.method != METHOD || *noise != expected {
                    wrong.push(format!("{} {}", series.node, month.period));
                }
            }
        }
    }
    let sentence = named(
        "Releases that state another method, budget or variance than the standard gives",
        &wrong,
    );
    Verdict::at_most(
        "stated noise",
        all,
        wrong.len() as f64,
        0.0,
        Unit::Count,
        sentence,
    )
}

fn named(what: &str, which: &[String]) -> String {
    match which.first() {
        None => format!("{what}: none."),
        Some(first) => format!(
            "{what}: {first}{}.",
            if which.len() > 1 { " and others" } else { "" }
        ),
    }
}

/// Months of an epoch follow one another from 1; no third epoch.
fn months(published: &Published) -> Verdict {
    let mut wrong = Vec::new();
    let mut all = 0;
    for series in &published.series {
        all += series.months.len();
        if !(1..=2).contains(&series.epoch) {
            wrong.push(format!("{} has an epoch {}", series.node, series.epoch));
        }
        let sound = series.contiguous().len();
        if let Some(month) = series.months.get(sound) {
            wrong.push(format!("{} {}", series.node, month.period));
        }
    }
    let sentence = named(
        "Series whose months do not follow one another, or that are of a third epoch (attacks use the months before)",
        &wrong,
    );
    Verdict::at_most(
        "months",
        all,
        wrong.len() as f64,
        0.0,
        Unit::Count,
        sentence,
    )
}

/// A month that was drawn again: two different releases of it, in one epoch or in two.
fn twice(published: &Published) -> Verdict {
    let mut wrong = Vec::new();
    let mut all = 0;
    let mut seen = BTreeMap::new();
    for series in &published.series {
        for month in &series.months {
            all += 1;
            let epochs = seen
                .entry((&series.node, series.digest, month.period))
                .or_insert(0);
            *epochs += month.versions.len();
            if *epochs > 1 {
                wrong.push(format!("{} {}", series.node, month.period));
            }
        }
    }
    let sentence = named(
        "Months of which two different releases exist, so that averaging them halves the noise",
        &wrong,
    );
    Verdict::at_most(
        "redrawn release",
        all,
        wrong.len() as f64,
        0.0,
        Unit::Count,
        sentence,
    )
}

/// Tables whose values stand in two releases: noise that was used again.
fn repeats(published: &Published) -> Verdict {
    let mut seen: BTreeMap<&[i64], usize> = BTreeMap::new();
    let mut all = 0;
    for series in &published.series {
        for table in series
            .months
            .iter()
            .flat_map(|m| &m.versions)
            .flat_map(|v| &v.tables)
        {
            // Tables of a few cells may agree by chance.
            if table.cells.len() >= 4 {
                all += 1;
                *seen.entry(&table.cells).or_default() += 1;
            }
        }
    }
    let again: usize = seen.values().map(|n| n - 1).sum();
    let sentence = "Tables of four cells or more whose values stand in another release too, to the last digit.";
    Verdict::at_most(
        "repeated figures",
        all,
        again as f64,
        0.0,
        Unit::Count,
        sentence,
    )
}

fn each_table(series: &Series) -> impl Iterator<Item = (f64, &Vec<i64>)> {
    series
        .months
        .iter()
        .flat_map(|m| &m.versions)
        .flat_map(|summary| {
            summary.tables.iter().map(|table| {
                let sigma2 = summary
                    .noise
                    .sigma2
                    .get(&table.id)
                    .copied()
                    .unwrap_or(0)
                    .max(1);
                ((sigma2 as f64).sqrt(), &table.cells)
            })
        })
}

/// Values of exactly zero: at most 1 / (sigma sqrt(2 pi)) of them by chance, whatever the truth.
fn zeros(published: &Published) -> Verdict {
    let (mut all, mut zeros, mut mean) = (0, 0, 0.0);
    for (sd, cells) in published.series.iter().flat_map(each_table) {
        all += cells.len();
        zeros += cells.iter().filter(|v| **v == 0).count();
        mean += cells.len() as f64 / (sd * (2.0 * std::f64::consts::PI).sqrt());
    }
    let p = poisson_tail(zeros as u64, mean);
    let sentence = format!(
        "{zeros} published values are exactly 0 where chance gives {mean:.2}: noise left out of zeros would show."
    );
    Verdict::at_most(
        "exact zeros",
        all,
        surprise(p),
        surprise(RARE),
        Unit::Surprise,
        sentence,
    )
}

/// Fractions of the grid, for [`dyadic`].
pub(super) fn fractions(series: &Series) -> impl Iterator<Item = (usize, Vec<u64>)> {
    series.months.iter().flat_map(|month| {
        month.versions.iter().map(|summary| {
            let values = summary.tables.iter().flat_map(|t| &t.cells);
            let fraction = |v: &i64| v.rem_euclid(1 << GRID_BITS).unsigned_abs();
            (month.number, values.map(fraction).collect())
        })
    })
}
