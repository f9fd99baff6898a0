//! The few distributions that verdicts need.

/// Upper tail of the standard normal distribution, P(Z > z).
///
/// Complementary error function by the rational Chebyshev fit of Numerical Recipes (Press et al., 3rd
/// edition, section 6.2.2, `erfc` with relative error below 1.2e-7): verdicts need no more.
#[must_use]
pub fn upper_tail(z: f64) -> f64 {
    let x = z / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.5 * x.abs());
    const FIT: [f64; 10] = [
        -1.265_512_23,
        1.000_023_68,
        0.374_091_96,
        0.096_784_18,
        -0.186_288_06,
        0.278_868_07,
        -1.135_203_98,
        1.488_515_87,
        -0.822_152_23,
        0.170_872_77,
    ];
    let polynomial = FIT.iter().rev().fold(0.0, |sum, c| sum * t + c);
    let erfc = t * (-x * x + polynomial).exp();
    0.5 * if x >= 0.0 { erfc } else { 2.0 - erfc }
}

/// Wilson's score interval for a share (Wilson 1927) that was seen in `n` independent trials, at `z` standard deviations.
#[must_use]
pub fn wilson(share: f64, n: f64, z: f64) -> (f64, f64) {
    if n <= 0.0 {
        return (0.0, 1.0);
    }
    let z2 = z * z;
    let centre = share + z2 / (2.0 * n);
    let spread = z * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z2 / n;
    (
        ((centre - spread) / scale).max(0.0),
        ((centre + spread) / scale).min(1.0),
    )
}

/// A chi-squared value as a standard normal one (Wilson and Hilferty 1931).
#[must_use]
pub fn chi_squared_z(value: f64, degrees: f64) -> f64 {
    let spread = 2.0 / (9.0 * degrees);
    ((value / degrees).cbrt() - (1.0 - spread)) / spread.sqrt()
}

/// P(X >= `k`) of a Poisson variable with `mean`: for small `k` one less the sum of the lower terms, or the sum of the
/// upper ones where that would cancel; else by P(X >= k) = P(chi-squared of 2k degrees <= 2 mean).
#[must_use]
pub fn poisson_tail(k: u64, mean: f64) -> f64 {
    if k == 0 {
        return 1.0;
    }
    if mean <= 0.0 {
        return 0.0;
    }
    if k > 50 {
        return upper_tail(-chi_squared_z(2.0 * mean, 2.0 * k as f64));
    }
    let mut term = (-mean).exp();
    let mut below = 0.0;
    for i in 1..=k {
        below += term;
        term *= mean / i as f64;
    }
    if k as f64 <= mean {
        return (1.0 - below).max(0.0);
    }
    let mut sum = 0.0;
    let mut i = k;
    while term > sum * 1e-12 {
        sum += term;
        i += 1;
        term *= mean / i as f64;
    }
    sum
}

/// P(X >= `k`) of a binomial variable of `n` trials at `p`.
#[must_use]
pub fn binomial_tail(k: u64, n: u64, p: f64) -> f64 {
    if k == 0 || p >= 1.0 {
        return 1.0;
    }
    if p <= 0.0 || k > n {
        return 0.0;
    }
    let mut log_choose = 0.0;
    let mut sum = 0.0;
    for i in 0..=n {
        if i > 0 {
            log_choose += ((n - i + 1) as f64 / i as f64).ln();
        }
        if i >= k {
            sum += (log_choose + i as f64 * p.ln() + (n - i) as f64 * (1.0 - p).ln()).exp();
        }
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_are_those_of_the_tables() {
        for (z, p) in [
            (0.0, 0.5),
            (1.0, 0.158_655_25),
            (1.959_964, 0.025),
            (4.0, 3.167e-5),
            (-1.0, 0.841_344_7),
        ] {
            assert!((upper_tail(z) / p - 1.0).abs() < 1e-4, "{z}");
        }
        assert!((poisson_tail(3, 1.0) - 0.080_301_4).abs() < 1e-6);
        assert!((poisson_tail(1, 2.0) - 0.864_664_7).abs() < 1e-6);
        // P(X >= 60) at mean 40, by direct summation.
        assert!((poisson_tail(60, 40.0) / 0.001_990 - 1.0).abs() < 0.1);
        assert!((binomial_tail(8, 10, 0.5) - 0.054_687_5).abs() < 1e-9);
        let (low, high) = wilson(0.1, 100.0, 1.96);
        assert!((low - 0.0552).abs() < 1e-3 && (high - 0.1744).abs() < 1e-3);
        assert!(chi_squared_z(100.0, 100.0).abs() < 0.06);
    }
}
