//! What lowers the error at the same rho: version 2 of the standard beside version 1, and what a later one could change (their
//! error follows from the covariance alone, nothing is drawn), the bound that no factorisation can pass, and estimates held to be non-negative.

use std::collections::BTreeMap;
use std::f64::consts::PI;

use ldsp_protocol::additivity::{Observed, Reconciled, reconcile};
use ldsp_protocol::measures::COUNT_LIMIT;
use ldsp_protocol::standard::{Dimension, Family, Standard, Table};
use rand_chacha::ChaCha20Rng;

use super::super::{Report, Scale};
use super::estimates;
use super::world::{MONTHS, Node};

/// A design: tables with their rho, the horizon in releases and how many of them are added up.
struct Design {
    tables: Vec<(Table, f64)>,
    horizon: usize,
    releases: usize,
}

/// Sum of c_k^2, c_0 = 1, c_k = c_{k-1} (2k-1)/(2k).
fn energy(terms: usize) -> f64 {
    let ratio = |k: usize| (2 * k - 1) as f64 / (2 * k) as f64;
    let step = |c: &mut f64, k: usize| {
        *c *= if k == 0 { 1.0 } else { ratio(k) };
        Some(*c * *c)
    };
    (0..terms).scan(1.0, step).sum()
}

fn size(d: Dimension) -> usize {
    let standard = Standard::current();
    let nominal = standard.noise().nominal_sizes.get(&d).copied();
    nominal.unwrap_or_else(|| standard.dimension(d).codes.len())
}

fn shape(table: &Table) -> Vec<usize> {
    table.dimensions.iter().map(|d| size(*d)).collect()
}

impl Design {
    fn of(standard: &Standard) -> Self {
        let rho = |t: &Table| (t.clone(), t.rho_micro as f64 / 1e6);
        Self {
            tables: standard.tables().iter().map(rho).collect(),
            horizon: standard.noise().horizon_months,
            releases: MONTHS,
        }
    }

    fn v1() -> Self {
        Self::of(Standard::v1())
    }

    /// Without some tables, their rho given to the rest of their family.
    fn without(mut self, dropped: &[&str]) -> Self {
        let mut freed: BTreeMap<Family, f64> = BTreeMap::new();
        for (table, rho) in self
            .tables
            .extract_if(.., |(t, _)| dropped.contains(&t.id.as_str()))
        {
            *freed.entry(table.family).or_default() += rho;
        }
        for (family, rho) in freed {
            let own = self.tables.iter_mut().filter(|(t, _)| t.family == family);
            let own: Vec<&mut (Table, f64)> = own.collect();
            let each = rho / own.len() as f64;
            own.into_iter().for_each(|(_, r)| *r += each);
        }
        self
    }

    /// The reserve spent on tables that the bound per attribute does not hold down (leavers stand at it by outcome).
    fn reserve_spent(mut self) -> Self {
        let reserve = Standard::v1().noise().reserve_micro as f64 / 1e6;
        let free = self
            .tables
            .iter_mut()
            .filter(|(t, _)| t.family != Family::Leavers);
        let free: Vec<&mut (Table, f64)> = free.collect();
        let each = reserve / free.len() as f64;
        free.into_iter().for_each(|(_, rho)| *rho += each);
        self
    }

    /// Every table with the same share of the whole rho, as in the design's experiment, which knew neither a reserve nor a
    /// bound per attribute.
    fn equal(mut self) -> Self {
        let whole = Standard::v1().noise().rho_micro as f64 / 1e6;
        let each = whole / self.tables.len() as f64;
        self.tables.iter_mut().for_each(|(_, rho)| *rho = each);
        self
    }

    fn noise(&self, rho: f64) -> f64 {
        energy(self.horizon) / (2.0 * rho) * energy(self.releases)
    }

    /// Variance of a cell of each declared table, after least squares.
    fn variances(&self) -> Vec<(Table, f64)> {
        let mut families: BTreeMap<Family, Vec<(&Table, Observed)>> = BTreeMap::new();
        for (table, rho) in &self.tables {
            let shape = shape(table);
            let values = vec![0; shape.iter().product()];
            let kept = &table.dimensions;
            let mut observed = Observed::of(
                Standard::current(),
                table,
                kept,
                shape,
                values,
                self.noise(*rho),
            );
            observed.weight_variance = (1e12 / rho) as u128;
            families
                .entry(table.family)
                .or_default()
                .push((table, observed));
        }
        let mut found = Vec::new();
        for of_family in families.into_values() {
            let (tables, observed): (Vec<&Table>, Vec<Observed>) = of_family.into_iter().unzip();
            let reconciled = reconcile(&observed).expect("the tables fit the standard");
            for table in tables {
                let (_, se) = estimates(&reconciled, &table.dimensions);
                found.push((table.clone(), se * se));
            }
        }
        found
    }

    /// The same when residual components are measured instead of tables, each with the noise that makes the sum over tables
    /// of a cell's variance least for the family's rho. Measuring component S with noise s_S (tensor product of I - J/n)
    /// costs p_S / (2 s_S), p_S the product over S of 1 - 1/n, and adds v_S s_S to that sum; the least is at
    /// s_S proportional to sqrt(p_S / v_S) (Xiao, He, Zhang, Kifer 2023, section 5; Cauchy and Schwarz).
    fn residual_variances(&self) -> Vec<(Table, f64)> {
        let mut families: BTreeMap<Family, Vec<&(Table, f64)>> = BTreeMap::new();
        for pair in &self.tables {
            families.entry(pair.0.family).or_default().push(pair);
        }
        let mut found = Vec::new();
        for tables in families.values() {
            let rho: f64 = tables.iter().map(|(_, rho)| rho).sum();
            let mut use_of: BTreeMap<Vec<Dimension>, f64> = BTreeMap::new();
            for (table, _) in tables {
                for (subset, share) in parts(table) {
                    *use_of.entry(subset).or_default() += share;
                }
            }
            let cost = |subset: &[Dimension]| -> f64 {
                subset.iter().map(|d| 1.0 - 1.0 / size(*d) as f64).product()
            };
            // A code list of one has no component of its own.
            use_of.retain(|subset, _| cost(subset) > 0.0);
            let whole: f64 = use_of.iter().map(|(s, v)| (cost(s) * v).sqrt()).sum();
            for (table, _) in tables {
                let of = |(subset, share): (Vec<Dimension>, f64)| {
                    let v = use_of.get(&subset).copied();
                    v.map_or(0.0, |v| share * (cost(&subset) / v).sqrt() * whole)
                };
                let variance: f64 = parts(table).into_iter().map(of).sum();
                found.push(((*table).clone(), variance * self.noise(rho)));
            }
        }
        found
    }
}

/// A table's subsets, and what a unit of the component's noise adds to the variance of a cell.
fn parts(table: &Table) -> Vec<(Vec<Dimension>, f64)> {
    let part = |bits: u32| {
        let mut subset = Vec::new();
        let mut share = 1.0;
        for (at, d) in table.dimensions.iter().enumerate() {
            let n = size(*d) as f64;
            if bits >> at & 1 == 1 {
                subset.push(*d);
                share *= 1.0 - 1.0 / n;
            } else {
                share /= n * n;
            }
        }
        subset.sort_unstable();
        (subset, share)
    };
    (0..1 << table.dimensions.len()).map(part).collect()
}

/// Root mean square over the cells of tables with so many dimensions; of all for `None`.
fn rms(variances: &[(Table, f64)], order: Option<usize>) -> f64 {
    let chosen = variances
        .iter()
        .filter(|(t, _)| order.is_none_or(|o| t.dimensions.len() == o));
    let (sum, cells) = chosen.fold((0.0, 0.0), |(sum, cells), (table, variance)| {
        let own = shape(table).iter().product::<usize>() as f64;
        (sum + own * variance, cells + own)
    });
    (sum / cells).sqrt()
}

pub(super) fn run(nodes: &[Node], scale: Scale, rng: &mut ChaCha20Rng, report: &mut Report) {
    let before = Design::v1().variances();
    let kept = |pair: &&(Table, f64)| Standard::v2().table(&pair.0.id).is_some();
    let same_tables: Vec<_> = before.iter().filter(kept).cloned().collect();
    let v2 = || Design::of(Standard::v2());
    let quarterly = |d: Design| Design {
        horizon: d.horizon / 3,
        releases: d.releases / 3,
        ..d
    };
    let five_years = |d: Design| Design { horizon: 60, ..d };
    let dropped: Vec<&str> = Standard::v1()
        .tables()
        .iter()
        .map(|t| t.id.as_str())
        .collect();
    let dropped: Vec<&str> = dropped
        .into_iter()
        .filter(|id| Standard::v2().table(id).is_none())
        .collect();
    let candidates = [
        ("v1", before.clone()),
        ("v1-in-the-tables-of-v2", same_tables),
        ("v1-reserve-spent", Design::v1().reserve_spent().variances()),
        (
            "v1-fewer-tables",
            Design::v1().without(&dropped).variances(),
        ),
        ("v2", v2().variances()),
        ("v2-equal-shares", v2().equal().variances()),
        ("v2+horizon-60", five_years(v2()).variances()),
        ("v2+residuals", v2().residual_variances()),
        (
            "v2+horizon-60+residuals",
            five_years(v2()).residual_variances(),
        ),
        ("v2+quarterly", quarterly(v2()).variances()),
        (
            "v2+all-three",
            quarterly(five_years(v2())).residual_variances(),
        ),
    ];
    for (name, after) in candidates {
        for order in 1..=3 {
            report.figure(
                format!("candidate.{name}.order{order}"),
                rms(&after, Some(order)),
                "rms",
            );
        }
        report.figure(
            format!("candidate.{name}"),
            rms(&after, None) / rms(&before, None),
            "of the rms of v1",
        );
    }
    own_sizes(nodes, report);
    factorisations(Standard::current().noise().horizon_months, report);
    let times = if scale == Scale::Full { 5 } else { 1 };
    non_negative(nodes, times, rng, report);
}

/// What it costs that weights assume nine districts everywhere, so that nodes add up: variance of the cells of all nodes
/// with weights from each node's own lists, against the weights of the standard.
fn own_sizes(nodes: &[Node], report: &mut Report) {
    let (mut own, mut common) = (0.0, 0.0);
    for node in nodes {
        for family in node.quiet().families().into_values() {
            let mut fitted = family.clone();
            let fit = |t: &mut Observed| t.weight_shape.clone_from(&t.shape);
            fitted.iter_mut().for_each(fit);
            for (tables, sum) in [(&fitted, &mut own), (&family, &mut common)] {
                let found = reconcile(tables).expect("the tables fit the standard");
                for table in tables {
                    let (values, se) = estimates(&found, &table.dimensions);
                    *sum += se * se * values.len() as f64;
                }
            }
        }
    }
    let saved = f64::sqrt(own / common);
    report.figure(
        "candidate.own-sizes",
        saved,
        "of the rms, but nodes would not add up",
    );
}

/// Whatever the factors L R of the prefix sum A, the root-mean-square error over n months times the sensitivity is at least
/// the nuclear norm of A over n (Edmonds, Nikolov, Ullman 2020; Henzinger, Upadhyay, Upadhyay 2023); the singular values
/// of A are 1 / (2 sin((2k-1) pi / (4n+2))).
fn factorisations(n: usize, report: &mut Report) {
    let singular = |k: usize| 0.5 / ((2 * k - 1) as f64 * PI / (4 * n + 2) as f64).sin();
    let bound = (1..=n).map(singular).sum::<f64>() / n as f64;
    let mean = (1..=n).map(energy).sum::<f64>() / n as f64;
    let present = (mean * energy(n)).sqrt();
    report.figure(
        "candidate.best-factorisation",
        bound / present,
        "of the rms of the square root, over 120 months, at least",
    );
}

/// Node estimates of each national cell projected on the non-negative ones with the same sum, which leaves the nation's
/// estimate as it is: least squares on a simplex (Held, Wolfe, Crowder 1974).
fn non_negative(nodes: &[Node], times: usize, rng: &mut ChaCha20Rng, report: &mut Report) {
    let (mut before, mut after) = ([0.0; 4], [0.0; 4]);
    let (mut cells, mut shown) = ([0.0; 4], [0.0; 3]);
    let (mut bias, mut zeros) = (0.0, 0.0);
    for _ in 0..times {
        let drawn: Vec<BTreeMap<Family, Reconciled>> =
            nodes.iter().map(|n| reconciled(n, rng)).collect();
        for table in Standard::current().tables() {
            if table.dimensions.contains(&Dimension::Area) {
                continue;
            }
            let order = table.dimensions.len();
            let noise: Vec<(Vec<f64>, f64)> = drawn
                .iter()
                .map(|families| estimates(&families[&table.family], &table.dimensions))
                .collect();
            for cell in 0..noise[0].0.len() {
                let truth: Vec<f64> = nodes.iter().map(|n| expected(n, table, cell)).collect();
                let noisy = truth.iter().zip(&noise).map(|(t, (e, _))| t + e[cell]);
                let noisy: Vec<f64> = noisy.collect();
                let projected = on_simplex(&noisy);
                for (((t, x), p), (_, se)) in truth.iter().zip(&noisy).zip(&projected).zip(&noise) {
                    before[order] += (x - t).powi(2);
                    after[order] += (p - t).powi(2);
                    cells[order] += 1.0;
                    if *x >= COUNT_LIMIT * se {
                        shown[0] += (x - t).powi(2);
                        shown[1] += (p - t).powi(2);
                        shown[2] += 1.0;
                    }
                    if *t == 0.0 {
                        bias += p;
                        zeros += 1.0;
                    }
                }
            }
        }
    }
    let rms = |squares: f64, n: f64| (squares / n.max(1.0)).sqrt();
    for order in 2..=3 {
        report.figure(
            format!("candidate.non-negative.order{order}.before"),
            rms(before[order], cells[order]),
            "rms",
        );
        report.figure(
            format!("candidate.non-negative.order{order}"),
            rms(after[order], cells[order]),
            "rms, national sums kept",
        );
    }
    report.figure(
        "candidate.non-negative.shown.before",
        rms(shown[0], shown[2]),
        "rms of cells of 3 standard errors or more",
    );
    report.figure(
        "candidate.non-negative.shown",
        rms(shown[1], shown[2]),
        "rms of the same cells",
    );
    report.figure(
        "candidate.non-negative.bias",
        bias / f64::max(zeros, 1.0),
        "enrolments where there are none",
    );
}

fn reconciled(node: &Node, rng: &mut ChaCha20Rng) -> BTreeMap<Family, Reconciled> {
    let families = node.noise(rng).families().into_iter();
    let one = |(family, tables): (Family, Vec<Observed>)| {
        let found = reconcile(&tables);
        (family, found.expect("the tables fit the standard"))
    };
    families.map(one).collect()
}

/// Enrolments in a cell: codes fall off as 1/(1 + place) and 3 % are not stated.
fn expected(node: &Node, table: &Table, cell: usize) -> f64 {
    let shape = node.codebook.shape(table);
    let position = ldsp_protocol::additivity::positions(&shape, cell);
    let share = |(code, n): (&usize, &usize)| -> f64 {
        match *n {
            1 => 1.0,
            n if code + 1 == n => 0.03,
            n => 0.97 / (1.0 + *code as f64) / (1..n).map(|k| 1.0 / k as f64).sum::<f64>(),
        }
    };
    let of_family = match table.family {
        Family::Starts => 1.0,
        Family::Leavers => 0.8,
        _ => 0.5,
    };
    let chance: f64 = position.iter().zip(&shape).map(share).product();
    (node.learners * of_family * chance).round()
}

/// The nearest point with no negative coordinate and the same sum; all nought where the sum is negative.
fn on_simplex(x: &[f64]) -> Vec<f64> {
    let sum: f64 = x.iter().sum::<f64>().max(0.0);
    let mut sorted = x.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let (mut so_far, mut shift) = (0.0, 0.0);
    for (k, value) in sorted.iter().enumerate() {
        so_far += value;
        let candidate = (so_far - sum) / (k + 1) as f64;
        if *value > candidate {
            shift = candidate;
        }
    }
    x.iter().map(|v| (v - shift).max(0.0)).collect()
}
