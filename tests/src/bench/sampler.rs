//! The noise: does it follow its law, and what does a month of it cost?
//!
//! p-values are judged like ratios: one below 10^-5 is outside its bound. There are fewer than a hundred, so a right sampler breaks
//! a bound in less than one of a thousand choices of the seed; the seed is fixed, so that a run can be repeated. The same tests must
//! find the planted flaws.

use std::time::Duration;

use ldsp_node::cube::{Entry, count};
use ldsp_node::disclosure::sampler::DiscreteGaussian;
use ldsp_node::disclosure::{LedgerMonth, LedgerTable, protect};
use ldsp_protocol::accountant::{Accountant, Admitted, Design, Release};
use ldsp_protocol::ids::Period;
use ldsp_protocol::noise::{HORIZON, sigma2};
use ldsp_protocol::standard::{Codebook, Standard};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

use super::{Bound, Report, Scale, records, timed};
use crate::fit::{Exact, PValue, examine, smallest};

/// p-values below this are outside their bound.
const LEAST: f64 = 1e-5;
/// Planted flaws must have a p-value below this.
const CAUGHT: f64 = 1e-9;
/// What a month's noise and filter may take.
const MONTH: Duration = Duration::from_millis(50);

pub(super) fn run(scale: Scale) -> Report {
    let (draws, few) = match scale {
        Scale::Full => (10_000_000, 1_000_000),
        Scale::Small => (50_000, 20_000),
    };
    let mut report = Report::default();
    let standard = largest_variance();
    let (found, time) = timed(|| fit(standard, draws));
    report.figure("sampler.draws", draws as f64, "draws");
    report.figure(
        "sampler.time of one draw with its tests",
        time.as_secs_f64() * 1e9 / draws as f64,
        "ns",
    );
    said(&mut report, "standard's sigma", &found);
    for small in 1..=10 {
        said(&mut report, &format!("sigma^2 = {small}"), &fit(small, few));
    }
    planted(&mut report, standard, draws, few);
    month(&mut report, scale);
    report
}

/// Of the table with the smallest budget.
fn largest_variance() -> u64 {
    let tables = Standard::current().tables().iter();
    let variances = tables.map(|t| sigma2(t.rho_micro));
    variances.max().expect("the standard declares tables")
}

fn drawn(sigma2: u64) -> impl FnMut() -> i64 {
    let gaussian = DiscreteGaussian::new(sigma2).expect("a variance within the sampler's range");
    let mut rng = ChaCha20Rng::seed_from_u64(sigma2);
    move || gaussian.sample(&mut rng)
}

fn fit(sigma2: u64, draws: usize) -> Vec<PValue> {
    examine(&Exact::new(sigma2), draws, drawn(sigma2))
}

fn said(report: &mut Report, what: &str, found: &[PValue]) {
    for (test, p) in found {
        report.ratio(
            format!("sampler.p ({what}, {test})"),
            *p,
            Bound::AtLeast(LEAST),
        );
    }
}

/// A check that finds nothing wrong with a wrong sampler says nothing.
fn planted(report: &mut Report, standard: u64, draws: usize, few: usize) {
    // One part in a hundred more variance than the manifest states.
    let wide = examine(
        &Exact::new(standard),
        draws,
        drawn(standard + standard / 100),
    );
    // A zero with two signs comes twice as often.
    let exact = Exact::new(10);
    let zero = exact.cdf(0) - exact.cdf(-1);
    let again = (zero / (1.0 + zero) * 2f64.powi(64)) as u64;
    let (mut rng, mut draw) = (ChaCha20Rng::seed_from_u64(0), drawn(10));
    let zeros = examine(
        &exact,
        few,
        || if rng.next_u64() < again { 0 } else { draw() },
    );
    for (flaw, found) in [
        ("variance 1 % too large", wide),
        ("zero with two signs", zeros),
    ] {
        report.ratio(
            format!("sampler.p (planted: {flaw})"),
            smallest(&found),
            Bound::AtMost(CAUGHT),
        );
    }
}

/// The accountant's word for the last month of an epoch.
fn last_month() -> Admitted {
    let standard = Standard::current();
    let design = &Design::of(standard, standard.noise().rho_micro);
    let mut accountant = Accountant::new();
    let months = (1..=HORIZON).map(|month| {
        let release = Release {
            design,
            epoch: 1,
            month,
            corrections: &[],
        };
        accountant
            .admit(&release)
            .expect("the standard keeps its own promises")
    });
    months.last().expect("an epoch has months")
}

/// The last month of an epoch, whose filter reaches back over all the others.
fn month(report: &mut Report, scale: Scale) {
    let codebook = Codebook::new(&records::LEP.parse().expect("a LEP's code"), &[]);
    let period: Period = records::MONTH.parse().expect("a month");
    let entries = (0..5_000).map(|_| Entry {
        fresh: 1,
        ..Entry::default()
    });
    let standard = Standard::current();
    let counts = count(standard, &codebook, period, entries).expect("codes that are in the lists");
    let tables = counts.tables().iter().map(|entries| LedgerTable {
        entries: entries.clone(),
        published: vec![0; entries.len()],
    });
    let one = LedgerMonth {
        standard,
        epoch: 1,
        month: 1,
        period,
        tables: tables.collect(),
    };
    let history = vec![one; HORIZON - 1];
    let admitted = last_month();
    let mut rng = ChaCha20Rng::seed_from_u64(120);
    let mut least = Duration::MAX;
    for _ in 0..if scale == Scale::Full { 20 } else { 1 } {
        let (protected, time) = timed(|| protect(&counts, &history, &admitted, &mut rng));
        protected.expect("month 120 is within the horizon");
        least = least.min(time);
    }
    let cells: usize = counts.tables().iter().map(Vec::len).sum();
    report.figure("sampler.cells of a month", cells as f64, "cells");
    report.figure(
        "sampler.noise and filter of month 120",
        least.as_secs_f64() * 1e3,
        "ms",
    );
    report.ratio(
        "sampler.month (noise and filter/50 ms)",
        least.as_secs_f64() / MONTH.as_secs_f64(),
        Bound::AtMost(1.0),
    );
}
