//! Tail probabilities of the normal, chi-squared and Poisson distributions, to about twelve digits.
//!
//! In floating point, for people and for tests of goodness of fit: nothing here decides what is published. DLMF is the
//! NIST Digital Library of Mathematical Functions, dlmf.nist.gov.

use std::f64::consts::PI;

/// Terms of a series or a continued fraction; the ones below need a few hundred at most.
const TERMS: usize = 100_000;

/// ln Gamma(x) for x > 0: Stirling's series (DLMF 5.11.1) after the recurrence Gamma(x + 1) = x Gamma(x)
/// (DLMF 5.5.1) has brought x above 10, where the first term left out is below 1e-14.
#[must_use]
pub fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut below) = (x, 0.0);
    while x < 10.0 {
        below += x.ln();
        x += 1.0;
    }
    // B_2k / (2k (2k - 1)), k = 1 to 6.
    const SERIES: [f64; 6] = [
        1.0 / 12.0,
        -1.0 / 360.0,
        1.0 / 1_260.0,
        -1.0 / 1_680.0,
        1.0 / 1_188.0,
        -691.0 / 360_360.0,
    ];
    let square = x * x;
    let (series, _) = SERIES.iter().fold((0.0, 1.0 / x), |(sum, power), b| {
        (sum + b * power, power / square)
    });
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * PI).ln() + series - below
}

/// The regularised upper incomplete gamma function Q(a, x) = Gamma(a, x) / Gamma(a) (DLMF 8.2.4) for a > 0, x >= 0.
///
/// Below x = a + 1 as 1 - P by the series of DLMF 8.7.1; above it by the even part of the continued fraction of DLMF
/// 8.9.2, evaluated forwards (Lentz's method, DLMF 3.10(iii)).
#[must_use]
pub fn gamma_q(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    let front = (a * x.ln() - x - ln_gamma(a)).exp();
    if x < a + 1.0 {
        let (mut term, mut sum) = (1.0 / a, 1.0 / a);
        for k in 1..TERMS {
            term *= x / (a + k as f64);
            sum += term;
            if term < sum * f64::EPSILON {
                break;
            }
        }
        return (1.0 - front * sum).clamp(0.0, 1.0);
    }
    let mut b = x + 1.0 - a;
    let mut c = f64::MAX;
    let mut d = 1.0 / b;
    let mut fraction = d;
    for k in 1..TERMS {
        let k = k as f64;
        let numerator = -k * (k - a);
        b += 2.0;
        d = 1.0 / (numerator * d + b);
        c = b + numerator / c;
        let step = c * d;
        fraction *= step;
        if (step - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    (front * fraction).clamp(0.0, 1.0)
}

/// P(Z <= `z`) of a standard normal: erfc(x) = Q(1/2, x^2) (DLMF 7.11.2).
#[must_use]
pub fn normal_cdf(z: f64) -> f64 {
    let beyond = 0.5 * gamma_q(0.5, z * z / 2.0);
    if z < 0.0 { beyond } else { 1.0 - beyond }
}

/// P(chi-squared with `degrees` degrees of freedom >= `statistic`).
#[must_use]
pub fn chi_squared_tail(statistic: f64, degrees: usize) -> f64 {
    gamma_q(degrees as f64 / 2.0, statistic / 2.0)
}

/// Two-sided p-value of `seen` events where a Poisson number with mean `expected` was due: twice the smaller tail, both of which
/// hold `seen`. P(N <= n) = Q(n + 1, mean) (DLMF 8.4.10).
#[must_use]
pub fn poisson_p(seen: u64, expected: f64) -> f64 {
    let at_most = gamma_q(seen as f64 + 1.0, expected);
    let below = if seen == 0 {
        0.0
    } else {
        gamma_q(seen as f64, expected)
    };
    (2.0 * at_most.min(1.0 - below)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(value: f64, expected: f64) {
        assert!(
            (value / expected - 1.0).abs() < 1e-10,
            "{value} for {expected}"
        );
    }

    #[test]
    fn values_are_those_of_closed_forms_and_tables() {
        // Gamma(1/2) = sqrt(pi), Gamma(6) = 120, Gamma(101) = 100!.
        close(ln_gamma(0.5), PI.sqrt().ln());
        close(ln_gamma(6.0), 120f64.ln());
        close(ln_gamma(101.0), (1..=100).map(|k| f64::from(k).ln()).sum());
        // Two degrees of freedom: exp(-x/2). Four: exp(-x/2) (1 + x/2).
        for x in [0.1, 1.0, 3.0, 9.0, 60.0] {
            close(chi_squared_tail(x, 2), (-x / 2.0f64).exp());
            close(
                chi_squared_tail(x, 4),
                (-x / 2.0f64).exp() * (1.0 + x / 2.0),
            );
        }
        // Phi at quantiles and far out (Abramowitz and Stegun 1964, tables 26.1 and 26.2).
        close(normal_cdf(0.0), 0.5);
        close(normal_cdf(1.0), 0.841_344_746_068_542_9);
        close(normal_cdf(-1.959_963_984_540_054), 0.025);
        close(normal_cdf(-5.0), 2.866_515_718_791_939e-7);
    }

    #[test]
    fn poisson_tails_hold_what_was_seen() {
        // Mean 2: P(0) = 0.1353, P(N >= 6) = 0.016564.
        close(poisson_p(0, 2.0), 2.0 * (-2f64).exp());
        let below: f64 = [1.0, 2.0, 2.0, 4.0 / 3.0, 2.0 / 3.0, 4.0 / 15.0]
            .iter()
            .sum();
        close(poisson_p(6, 2.0), 2.0 * (1.0 - below * (-2f64).exp()));
        assert_eq!(poisson_p(2, 2.0), 1.0);
    }
}
