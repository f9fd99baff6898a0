//! Small counts guessed from the figures: after all months, of one month, and averaged over the tables that repeat them.

use std::collections::BTreeMap;

use ldsp_protocol::additivity::{Margin, Observed, reconcile};
use ldsp_protocol::standard::{Dimension, Family};

use super::view::{Knowledge, Lens, TableView, UNIT, c};
use crate::verdict::{Unit, Verdict};

/// How many more of the counts 1 to 4 an attacker may get right than by always saying the most frequent one.
const GAIN_LIMIT: f64 = 0.01;

/// A count of 1 to 4, its estimate and the estimate's standard deviation.
struct Guess {
    truth: usize,
    estimate: f64,
    sd: f64,
}

type Guesses = BTreeMap<usize, Vec<Guess>>;

fn note(guesses: &mut Guesses, size: usize, truth: f64, estimate: f64, sd: f64) {
    if (1.0..=4.0).contains(&truth) {
        guesses.entry(size).or_default().push(Guess {
            truth: truth as usize,
            estimate,
            sd,
        });
    }
}

/// Maximum a posteriori among 1 to 4 against the prior mode, where the attacker even knows how often each occurs.
fn judge(guesses: &Guesses, attack: &'static str, what: &str) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for (size, guesses) in guesses {
        let n = guesses.len() as f64;
        let mut prior = [0.0; 4];
        for guess in guesses {
            prior[guess.truth - 1] += 1.0 / n;
        }
        let best = |value: &dyn Fn(usize) -> f64| {
            (1..=4).fold(1, |b, k| if value(k) > value(b) { k } else { b })
        };
        let mode = best(&|k| prior[k - 1]);
        let (mut right, mut modal, mut squares) = (0.0, 0.0, 0.0);
        for guess in guesses {
            let score = |k: usize| {
                prior[k - 1].ln() - 0.5 * ((guess.estimate - k as f64) / guess.sd).powi(2)
            };
            let hit = f64::from(u8::from(best(&score) == guess.truth));
            let plain = f64::from(u8::from(mode == guess.truth));
            right += hit / n;
            modal += plain / n;
            squares += (hit - plain).powi(2) / n;
        }
        let gain = right - modal;
        let spread = 1.96 * ((squares - gain * gain).max(0.0) / n).sqrt();
        let sentence = format!(
            "{what}: {:.1} % right where always saying {mode} gives {:.1} %.",
            100.0 * right,
            100.0 * modal
        );
        let estimate = (gain, (gain - spread, gain + spread));
        verdicts.push(
            Verdict::estimate(
                attack,
                guesses.len(),
                estimate,
                GAIN_LIMIT,
                Unit::Share,
                sentence,
            )
            .of_size(*size),
        );
    }
    verdicts
}

/// Cumulative estimates of every cell of a family after the last month, made consistent by the published estimator,
/// with the standard deviation of a cell by table.
pub(super) fn consistent(lens: &Lens, family: Family) -> Vec<(&TableView, Margin, f64)> {
    let tables: Vec<&TableView> = lens.tables.iter().filter(|t| t.family == family).collect();
    let last = lens.months - 1;
    let observed: Vec<Observed> = tables
        .iter()
        .map(|table| {
            let value = |cell: usize| -> i64 {
                let months = (0..=last).map(|s| {
                    c(last - s)
                        * (table.z[s * table.cells + cell]
                            + table.u[s * table.cells + cell] as f64 / UNIT)
                });
                // In the estimator's units, 2^-32 enrolments.
                (months.sum::<f64>() * UNIT * UNIT).round() as i64
            };
            let variance = (0..=last)
                .map(|s| c(last - s).powi(2) / lens.weight[s])
                .sum::<f64>()
                * table.sigma2;
            Observed {
                dimensions: table.dimensions.clone(),
                shape: table.shape.clone(),
                values: (0..table.cells).map(value).collect(),
                variance,
                // Any unit that is the family's.
                weight_variance: ((variance * UNIT).round() as u128).max(1),
                weight_shape: table.shape.clone(),
            }
        })
        .collect();
    let Ok(whole) = reconcile(&observed) else {
        return Vec::new();
    };
    let margin = |table: &&TableView| {
        let margin = whole.margin(&table.dimensions).ok()?;
        let form = [(vec![0; table.shape.len()], 1)];
        let variance = whole.covariance(&table.dimensions, &form, &form).ok()?;
        Some((margin, (variance * lens.scale).sqrt()))
    };
    tables
        .iter()
        .filter_map(|t| margin(t).map(|(m, sd)| (*t, m, sd)))
        .collect()
}

pub(super) fn run(known: &Knowledge) -> Vec<Verdict> {
    let (mut whole, mut monthly, mut averaged) = (Guesses::new(), Guesses::new(), Guesses::new());
    for lens in &known.lenses {
        let size = known.nodes[lens.node].size;
        for family in Family::ALL {
            for (table, margin, sd) in consistent(lens, family) {
                for (cell, estimate) in margin.values.iter().enumerate() {
                    let truth: i64 = (0..lens.months)
                        .map(|s| table.x[s * table.cells + cell])
                        .sum();
                    note(&mut whole, size, truth as f64, *estimate, sd);
                }
            }
            repeated(lens, family, size, &mut averaged);
        }
        for month in 0..lens.months {
            let spread = lens.month_variance(month) * lens.scale;
            for table in &lens.tables {
                let sd = (spread * table.sigma2).sqrt();
                for cell in 0..table.cells {
                    let at = month * table.cells + cell;
                    let truth = table.x[at] as f64;
                    note(&mut monthly, size, truth, truth + table.d[at], sd);
                }
            }
        }
    }
    let mut verdicts = judge(
        &whole,
        "reconstruction",
        "Counts of 1 to 4 after all months, guessed from the consistent figures",
    );
    verdicts.extend(judge(
        &monthly,
        "differencing of months",
        "Counts of 1 to 4 of a month, guessed from the difference that the month made",
    ));
    verdicts.extend(judge(&averaged, "averaging", "Counts of 1 to 4 of a month that several tables repeat, guessed from the weighted average of the tables"));
    verdicts
}

/// Figures of a month that several tables of a family repeat, one dimension at a time.
fn repeated(lens: &Lens, family: Family, size: usize, guesses: &mut Guesses) {
    let tables: Vec<&TableView> = lens.tables.iter().filter(|t| t.family == family).collect();
    let mut dimensions: Vec<Dimension> = tables.iter().flat_map(|t| t.dimensions.clone()).collect();
    dimensions.sort_unstable();
    dimensions.dedup();
    for dimension in dimensions {
        let holding: Vec<&&TableView> = tables.iter().filter(|t| t.holds(dimension)).collect();
        if holding.len() < 2 {
            continue;
        }
        for month in 0..lens.months {
            let spread = lens.month_variance(month) * lens.scale;
            let (mut sum, mut weight) = (vec![0.0; holding[0].size(dimension)], 0.0);
            let mut truth = vec![0.0; sum.len()];
            for table in &holding {
                let summed = (table.cells / sum.len()) as f64;
                let precision = 1.0 / (table.sigma2 * spread * summed);
                weight += precision;
                let (noise, counts) = margins(table, month, dimension);
                for (to, (noise, count)) in sum.iter_mut().zip(noise.iter().zip(&counts)) {
                    *to += precision * (noise + count);
                }
                truth = counts;
            }
            for (sum, truth) in sum.iter().zip(truth) {
                note(guesses, size, truth, sum / weight, (1.0 / weight).sqrt());
            }
        }
    }
}

/// One month's noise and entries summed over all but one dimension.
fn margins(table: &TableView, month: usize, dimension: Dimension) -> (Vec<f64>, Vec<f64>) {
    let here = month * table.cells..(month + 1) * table.cells;
    let onto = |values: Vec<f64>| {
        let margin = Margin {
            dimensions: table.dimensions.clone(),
            shape: table.shape.clone(),
            values,
        };
        margin.onto(&[dimension]).values
    };
    let counts = table.x[here.clone()].iter().map(|x| *x as f64).collect();
    (onto(table.d[here].to_vec()), onto(counts))
}
