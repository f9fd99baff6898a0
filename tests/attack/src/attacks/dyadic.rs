//! Dyadic fractions of the grid: the low bits of published values must say nothing.
//!
//! The filter's coefficients are dyadic: 1, 1/2, 3/8, 5/16 and so on. Integer noise, before or after the filter, leaves the
//! fractions of the values to the entries or gives the noise away. Noise on the grid itself, a hundred thousand units
//! wide, makes them uniform to far below what any test can see.

use super::public::{RARE, fractions};
use super::score::surprise;
use crate::releases::Published;
use crate::statistics::{chi_squared_z, poisson_tail, upper_tail};
use crate::verdict::{Unit, Verdict};
use ldsp_protocol::noise::GRID_BITS;

/// Classes of the top four bits of a fraction.
const CLASSES: usize = 16;

pub(super) fn run(published: &Published) -> Verdict {
    let mut all = 0;
    let mut worst = (1.0, "nothing");
    let mut note = |p: f64, test: &'static str| {
        if p < worst.0 {
            worst = (p, test);
        }
    };
    let mut tests = 0.0;
    let mut pooled = [0u64; CLASSES];
    let mut trailing = [0u64; GRID_BITS as usize + 1];
    for series in &published.series {
        for (_, fractions) in fractions(series) {
            all += fractions.len();
            for fraction in &fractions {
                pooled[(fraction >> (GRID_BITS - 4)) as usize] += 1;
                trailing[(fraction | 1 << GRID_BITS).trailing_zeros() as usize] += 1;
            }
            note(coincidences(&fractions), "a month's fractions coincide");
            tests += 1.0;
        }
    }
    let even = all as f64 / CLASSES as f64;
    let chi: f64 = pooled
        .iter()
        .map(|n| (*n as f64 - even).powi(2) / even)
        .sum();
    note(
        upper_tail(chi_squared_z(chi, CLASSES as f64 - 1.0)),
        "fractions are uneven",
    );
    for (zeros, n) in trailing.iter().enumerate() {
        let share = 0.5f64.powi(zeros as i32 + i32::from(zeros < GRID_BITS as usize));
        note(
            poisson_tail(*n, all as f64 * share),
            "fractions end in too many zeros",
        );
    }
    tests += 1.0 + trailing.len() as f64;
    let p = worst.0 * tests;
    let sentence = format!(
        "Low bits of the published values against uniform ones; least likely: {}.",
        worst.1
    );
    Verdict::at_most(
        "dyadic fractions",
        all,
        surprise(p),
        surprise(RARE),
        Unit::Surprise,
        sentence,
    )
}

/// Pairs of equal fractions in a month: Poisson with mean n (n - 1) / 2 / 2^16 by chance.
fn coincidences(fractions: &[u64]) -> f64 {
    let mut sorted = fractions.to_vec();
    sorted.sort_unstable();
    let mut pairs = 0;
    for run in sorted.chunk_by(|a, b| a == b) {
        let n = run.len() as u64;
        pairs += n * (n - 1) / 2;
    }
    let n = fractions.len() as f64;
    poisson_tail(pairs, n * (n - 1.0) / 2.0 / f64::from(1u32 << GRID_BITS))
}
