//! Goodness of fit of a sampler of the discrete Gaussian: P(z) proportional to exp(-z^2 / (2 sigma^2)) on the integers.
//!
//! [`examine`] reads a stream of draws once and gives p-values against the exact distribution, none of whose parameters is estimated
//! from the draws. Every p-value is uniform on (0, 1), or larger, when the sampler is right. Knuth, "The Art of Computer Programming",
//! volume 2, section 3.3, describes the chi-squared, serial (pairs) and serial correlation tests.

use ldsp_protocol::accountant::tails::{chi_squared_tail, normal_cdf, poisson_p};

/// A class of a chi-squared test has at least this many draws to expect.
const EXPECTED: f64 = 10.0;
/// Below this sigma^2 every probability is an exact sum.
const SMALL: u64 = 10_000;
/// Classes to one side of a pair, at most.
const PAIR_CLASSES: usize = 16;
/// Residues that the low bits are counted in.
const RESIDUES: i64 = 256;

/// The distribution that a sampler claims to draw from.
#[derive(Debug)]
pub struct Exact {
    sigma2: u64,
    /// Cumulative probabilities from -reach on; empty for a large sigma.
    sums: Vec<f64>,
    reach: i64,
    /// E z^2 and E z^4.
    moments: (f64, f64),
}

impl Exact {
    /// With parameter sigma^2.
    ///
    /// For a large sigma, P(z <= b) is Phi((b + 1/2)/sigma) and the moments are the continuous ones: by the Euler-Maclaurin formula
    /// (DLMF 2.10.1) the error is below 1/(24 sigma^2), by Poisson summation that of the moments below exp(-2 pi^2 sigma^2).
    #[must_use]
    pub fn new(sigma2: u64) -> Self {
        let v = sigma2 as f64;
        if sigma2 >= SMALL {
            return Self {
                sigma2,
                sums: Vec::new(),
                reach: 0,
                moments: (v, 3.0 * v * v),
            };
        }
        // Beyond 40 sigma a weight is below the smallest double.
        let reach = (40.0 * v.sqrt()).ceil() as i64;
        let weight = |z: i64| (-(z as f64).powi(2) / (2.0 * v)).exp();
        let total: f64 = (-reach..=reach).map(weight).sum();
        let moment = |k: i32| {
            (-reach..=reach)
                .map(|z| (z as f64).powi(k) * weight(z))
                .sum::<f64>()
                / total
        };
        let sums = (-reach..=reach).scan(0.0, |sum, z| {
            *sum += weight(z) / total;
            Some(*sum)
        });
        Self {
            sigma2,
            sums: sums.collect(),
            reach,
            moments: (moment(2), moment(4)),
        }
    }

    /// P(z <= `b`).
    #[must_use]
    pub fn cdf(&self, b: i64) -> f64 {
        if self.sums.is_empty() {
            return normal_cdf((b as f64 + 0.5) / (self.sigma2 as f64).sqrt());
        }
        match b + self.reach {
            below if below < 0 => 0.0,
            at => self.sums.get(at as usize).copied().unwrap_or(1.0),
        }
    }

    /// Smallest b with P(z <= b) >= `p`.
    fn quantile(&self, p: f64) -> i64 {
        let far = 40 * (self.sigma2.isqrt() as i64 + 1);
        let (mut low, mut high) = (-far, far);
        while low < high {
            let middle = (low + high).div_euclid(2);
            if self.cdf(middle) >= p {
                high = middle
            } else {
                low = middle + 1
            }
        }
        low
    }
}

/// Counts of draws in classes of known probability.
#[derive(Debug)]
struct Classes {
    probabilities: Vec<f64>,
    counts: Vec<u64>,
}

impl Classes {
    fn new(probabilities: Vec<f64>) -> Self {
        let counts = vec![0; probabilities.len()];
        Self {
            probabilities,
            counts,
        }
    }

    /// Pearson's chi-squared test.
    fn p(&self) -> f64 {
        let n = self.counts.iter().sum::<u64>() as f64;
        let terms = self.counts.iter().zip(&self.probabilities);
        let statistic = terms
            .map(|(c, p)| (*c as f64 - n * p).powi(2) / (n * p))
            .sum();
        chi_squared_tail(statistic, self.counts.len() - 1)
    }
}

/// Equal steps of `width` (odd) around zero up to `reach` of them to each side; the outermost take what lies beyond.
#[derive(Debug)]
struct Steps {
    width: i64,
    reach: i64,
    classes: Classes,
}

impl Steps {
    fn new(exact: &Exact, n: usize) -> Self {
        let width = (exact.sigma2.isqrt() as i64 / 50) | 1;
        let below = |k: i64| exact.cdf(k * width + width / 2);
        let mut reach = 1;
        while n as f64 * below(-reach - 1) >= EXPECTED {
            reach += 1;
        }
        let probability = |k: i64| match k {
            k if k == -reach => below(k),
            k if k == reach => below(-reach),
            k => below(k) - below(k - 1),
        };
        let classes = Classes::new((-reach..=reach).map(probability).collect());
        Self {
            width,
            reach,
            classes,
        }
    }

    fn add(&mut self, z: i64) {
        let class = (z + self.width / 2)
            .div_euclid(self.width)
            .clamp(-self.reach, self.reach);
        self.classes.counts[(class + self.reach) as usize] += 1;
    }
}

/// A p-value and what it tests.
pub type PValue = (&'static str, f64);

/// Tests `n` draws against the discrete Gaussian with parameter `sigma2`:
///
/// | name | test |
/// |---|---|
/// | mean, variance | first two moments against their exact values and exact standard errors (normal) |
/// | classes | chi-squared over steps of sigma/50, single integers for small sigma |
/// | beyond 3, 4, 5 sigma | number of draws against its expectation (Poisson, two-sided) |
/// | lag 1 | serial correlation (normal) |
/// | pairs | chi-squared over disjoint pairs of neighbours, up to 16 x 16 classes |
/// | low bits | chi-squared of z mod 256, where sigma is above 256: a lattice would show |
pub fn examine(exact: &Exact, n: usize, mut draw: impl FnMut() -> i64) -> Vec<PValue> {
    let mut steps = Steps::new(exact, n);
    let mut edges: Vec<i64> = (1..PAIR_CLASSES)
        .map(|j| exact.quantile(j as f64 / PAIR_CLASSES as f64))
        .collect();
    edges.dedup();
    let single: Vec<f64> = (0..=edges.len())
        .map(|j| {
            let above = edges.get(j).map_or(1.0, |b| exact.cdf(*b));
            above - if j == 0 { 0.0 } else { exact.cdf(edges[j - 1]) }
        })
        .collect();
    let mut pairs = Classes::new(
        single
            .iter()
            .flat_map(|p| single.iter().map(move |q| p * q))
            .collect(),
    );
    let mut low = Classes::new(vec![1.0 / RESIDUES as f64; RESIDUES as usize]);
    let limits =
        [3u64, 4, 5].map(|k| (u128::from(k * k) * u128::from(exact.sigma2)).isqrt() as u64);
    let mut beyond = [0u64; 3];
    let (mut sum, mut squares, mut products) = (0.0, 0.0, 0.0);
    let mut before: Option<i64> = None;
    for at in 0..n {
        let z = draw();
        steps.add(z);
        low.counts[z.rem_euclid(RESIDUES) as usize] += 1;
        for (limit, count) in limits.iter().zip(&mut beyond) {
            *count += u64::from(z.unsigned_abs() > *limit);
        }
        sum += z as f64;
        squares += (z as f64).powi(2);
        if let Some(y) = before {
            products += y as f64 * z as f64;
            if at % 2 == 1 {
                let class = |z: i64| edges.partition_point(|edge| *edge < z);
                pairs.counts[class(y) * single.len() + class(z)] += 1;
            }
        }
        before = Some(z);
    }
    let two_sided = |t: f64| 2.0 * normal_cdf(-t.abs());
    let (second, fourth) = exact.moments;
    let root = (n as f64).sqrt();
    let tail = |k: usize| {
        poisson_p(
            beyond[k],
            n as f64 * 2.0 * exact.cdf(-(limits[k] as i64) - 1),
        )
    };
    let mut found = vec![
        ("mean", two_sided(sum / (second.sqrt() * root))),
        (
            "variance",
            two_sided((squares - n as f64 * second) / ((fourth - second * second).sqrt() * root)),
        ),
        ("classes", steps.classes.p()),
        ("beyond 3 sigma", tail(0)),
        ("beyond 4 sigma", tail(1)),
        ("beyond 5 sigma", tail(2)),
        (
            "lag 1",
            two_sided(products / (second * (n as f64 - 1.0).sqrt())),
        ),
        ("pairs", pairs.p()),
    ];
    if exact.sigma2 > (RESIDUES * RESIDUES) as u64 {
        found.push(("low bits", low.p()));
    }
    found
}

/// The smallest of them.
#[must_use]
pub fn smallest(found: &[PValue]) -> f64 {
    found.iter().map(|(_, p)| *p).fold(1.0, f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ldsp_node::disclosure::sampler::DiscreteGaussian;
    use ldsp_protocol::noise::sigma2;
    use rand_chacha::ChaCha20Rng;
    use rand_core::{Rng as _, SeedableRng as _};

    const N: usize = 200_000;

    fn sampler(sigma2: u64, seed: u64) -> impl FnMut() -> i64 {
        let gaussian = DiscreteGaussian::new(sigma2).unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        move || gaussian.sample(&mut rng)
    }

    /// Rounded draws of a continuous Gaussian (Box and Muller 1958).
    fn rounded(sd: f64, seed: u64) -> impl FnMut() -> i64 {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut unit = move || (rng.next_u64() >> 11) as f64 * 2f64.powi(-53);
        move || {
            let radius = (-2.0 * (1.0 - unit()).ln()).sqrt();
            (sd * radius * (2.0 * std::f64::consts::PI * unit()).cos()).round() as i64
        }
    }

    fn p_of(sigma2: u64, draw: impl FnMut() -> i64) -> Vec<PValue> {
        examine(&Exact::new(sigma2), N, draw)
    }

    #[test]
    fn the_sampler_fits() {
        let standard = sigma2(20_000);
        for v in [1, 2, 3, 5, 7, 10, 400, standard] {
            let found = p_of(v, sampler(v, v));
            assert!(smallest(&found) > 1e-4, "sigma^2 = {v}: {found:?}");
        }
    }

    #[test]
    fn a_rounded_gaussian_of_a_wrong_variance_is_caught() {
        let standard = sigma2(20_000);
        let right = p_of(standard, rounded((standard as f64).sqrt(), 1));
        assert!(smallest(&right) > 1e-4, "{right:?}");
        let wrong = p_of(standard, rounded((standard as f64 * 1.03).sqrt(), 1));
        assert!(smallest(&wrong) < 1e-9, "{wrong:?}");
        // Of the right parameter, but rounding adds 1/12 to the variance: it shows where sigma is small.
        let coarse = p_of(1, rounded(1.0, 1));
        assert!(smallest(&coarse) < 1e-9, "{coarse:?}");
    }

    #[test]
    fn a_zero_with_two_signs_is_caught() {
        // What Algorithm 2 would give without its last rejection: zero comes twice as often.
        let mut draw = sampler(2, 1);
        let zero = Exact::new(2).cdf(0) - Exact::new(2).cdf(-1);
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        let again = (zero / (1.0 + zero) * 2f64.powi(64)) as u64;
        let found = p_of(2, || if rng.next_u64() < again { 0 } else { draw() });
        assert!(smallest(&found) < 1e-9, "{found:?}");
    }

    #[test]
    fn draws_that_depend_on_the_one_before_are_caught() {
        let standard = sigma2(20_000);
        let (mut draw, mut at, mut last) = (sampler(standard, 1), 0, 0);
        let found = p_of(standard, || {
            at += 1;
            if at % 20 != 0 {
                last = draw();
            }
            last
        });
        let p = |name| found.iter().find(|(n, _)| *n == name).unwrap().1;
        assert!(p("lag 1") < 1e-9 && p("pairs") < 1e-9, "{found:?}");
    }

    #[test]
    fn cut_tails_and_a_lattice_are_caught() {
        let standard = sigma2(20_000);
        let limit = (3.5 * (standard as f64).sqrt()) as i64;
        let mut draw = sampler(standard, 1);
        let cut = p_of(standard, || draw().clamp(-limit, limit));
        let p = |found: &[PValue], name| found.iter().find(|(n, _)| *n == name).unwrap().1;
        assert!(p(&cut, "beyond 4 sigma") < 1e-4, "{cut:?}");
        let mut half = sampler(standard / 4, 1);
        let even = p_of(standard, || 2 * half());
        assert!(p(&even, "low bits") < 1e-9, "{even:?}");
    }
}
