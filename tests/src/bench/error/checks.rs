//! The receiver's check of shared margins: how often an honest release is refused, and what it finds.

use ldsp_protocol::noise::{energy, sigma2};
use ldsp_protocol::standard::{Codebook, Standard, Table};
use ldsp_protocol::summary::{MARGIN_LIMIT, Margins};
use rand_chacha::ChaCha20Rng;

use super::super::{Bound, Report};
use super::world::{MONTHS, normal};

const LEP: &str = "E37000001";

pub(super) fn run(releases: usize, rng: &mut ChaCha20Rng, report: &mut Report) {
    let standard = Standard::current();
    let codebook = Codebook::new(&LEP.parse().expect("a LEP's code"), &[]);
    let (mut refused, mut n, mut squares, mut largest) = (0, 0.0, 0.0, 0.0f64);
    for _ in 0..releases {
        let cells = draw(standard, &codebook, rng);
        let margins = margins(standard, &codebook, &cells);
        refused += usize::from(margins.check("of the month").is_err());
        for difference in margins.differences() {
            n += 1.0;
            squares += difference.deviate.powi(2);
            largest = largest.max(difference.deviate.abs());
        }
    }
    report.figure("margins.releases", releases as f64, "honest releases");
    report.figure(
        "margins.compared",
        n / releases as f64,
        "comparisons a release",
    );
    report.figure("margins.refused", refused as f64, "honest releases refused");
    report.ratio(
        "margins.refused (honest)",
        refused as f64,
        Bound::AtMost(0.0),
    );
    report.figure(
        "margins.mean-square",
        squares / n,
        "of deviates; 1 for a standard normal",
    );
    report.figure("margins.largest", largest, "standard deviations");
    power(standard, &codebook, releases / 20, rng, report);
}

fn draw(standard: &Standard, codebook: &Codebook, rng: &mut ChaCha20Rng) -> Vec<Vec<i64>> {
    let table = |t: &Table| {
        let sd = (sigma2(t.rho_micro) as f64).sqrt();
        let cells = 0..codebook.cells(t);
        cells.map(|_| (normal(rng) * sd).round() as i64).collect()
    };
    standard.tables().iter().map(table).collect()
}

fn margins<'a>(standard: &'a Standard, codebook: &'a Codebook, cells: &[Vec<i64>]) -> Margins<'a> {
    let slices = cells.iter().map(Vec::as_slice);
    Margins::new(standard, codebook, slices, |t| sigma2(t.rho_micro) as f64)
}

/// The sharpest comparison that each table takes part in: sd of its difference in enrolments.
fn sharpest(standard: &Standard, codebook: &Codebook) -> Vec<Option<f64>> {
    let unit = 1i64 << 16;
    let tables = standard.tables();
    let of = |number: usize| {
        let mut cells: Vec<Vec<i64>> = tables.iter().map(|t| vec![0; codebook.cells(t)]).collect();
        cells[number][0] = unit;
        let found = margins(standard, codebook, &cells);
        let seen = found.differences().map(|d| d.deviate.abs());
        let most = seen.fold(0.0, f64::max);
        (most > 0.0).then(|| 1.0 / most)
    };
    (0..tables.len()).map(of).collect()
}

/// A fault of 7.5 standard deviations and 2.33 more is found in 99 % of releases: how many enrolments that is, by table, and
/// whether it is so. A fault that repeats itself every month is found over the months at a fraction of that.
fn power(
    standard: &Standard,
    codebook: &Codebook,
    tries: usize,
    rng: &mut ChaCha20Rng,
    report: &mut Report,
) {
    let sharpest = sharpest(standard, codebook);
    let seen: Vec<f64> = sharpest.iter().flatten().copied().collect();
    let enough = MARGIN_LIMIT + 2.33;
    let least = seen.iter().copied().fold(f64::INFINITY, f64::min) * enough;
    let most = seen.iter().copied().fold(0.0, f64::max) * enough;
    report.figure(
        "margins.found-99.least",
        least,
        "enrolments moved in one cell of one month",
    );
    report.figure(
        "margins.found-99.most",
        most,
        "enrolments moved in one cell of one month",
    );
    let over_months = (energy(MONTHS) as f64 / 2f64.powi(32)).sqrt() / MONTHS as f64;
    report.figure(
        "margins.found-99.repeated",
        most * over_months,
        "enrolments a month, in each of 36 months",
    );
    report.figure(
        "margins.uncompared",
        sharpest.iter().filter(|s| s.is_none()).count() as f64,
        "tables that share no margin",
    );
    let (mut found, mut all) = (0, 0usize);
    for at in 0..tries {
        let number = at % sharpest.len();
        let Some(sd) = sharpest[number] else {
            continue;
        };
        let mut cells = draw(standard, codebook, rng);
        cells[number][0] += (enough * sd * 65_536.0) as i64;
        all += 1;
        found += usize::from(
            margins(standard, codebook, &cells)
                .check("of the month")
                .is_err(),
        );
    }
    report.figure(
        "margins.power",
        found as f64 / all.max(1) as f64,
        "of such faults found, 0.99 expected",
    );
}
