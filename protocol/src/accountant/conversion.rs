//! What a budget means: conversions of zCDP, and what an attacker gains at worst.
//!
//! In floating point, for people: the [`accountant`](super) decides in whole millionths and never looks here.
//!
//! | reference | |
//! |---|---|
//! | BS16 | Bun and Steinke, "Concentrated Differential Privacy: Simplifications, Extensions, and Lower Bounds", 2016 (arXiv 1605.02065) |
//! | CKS20 | Canonne, Kamath and Steinke, "The Discrete Gaussian for Differential Privacy", 2020 (arXiv 2004.00010) |
//! | DRS22 | Dong, Roth and Su, "Gaussian Differential Privacy", 2022 (arXiv 1905.02383) |
//!
//! The attacker of [`Gain`] knows everything but one thing: all other enrolments, every release, the method and its parameters. Two
//! values of that thing are told apart by a shift of the noise alone, whose likelihood ratio is that of two normal
//! distributions mu = sqrt(2 rho) apart (DRS22, section 2.2: Gaussian trade-off; BS16, proposition 1.6: rho = mu^2 / 2). The noise is
//! discrete with a standard deviation of half a million grid steps: its distribution function differs from the normal one by less than
//! 1e-12, far below the digits that are shown.

use super::Rho;
use super::tails::normal_cdf;

/// delta of the stated guarantee: one in a million.
pub const DELTA: f64 = 1e-6;

/// epsilon of (epsilon, `delta`)-differential privacy by the closed form rho + 2 sqrt(rho ln(1/delta)) (BS16, proposition 1.3).
#[must_use]
pub fn epsilon_closed_form(rho: Rho, delta: f64) -> f64 {
    let rho = rho.value();
    rho + 2.0 * (rho * (1.0 / delta).ln()).sqrt()
}

/// The smallest epsilon for which CKS20, corollary 13, proves (epsilon, `delta`)-differential privacy, to about 1e-12.
///
/// delta(epsilon) = min over alpha > 1 of exp((alpha - 1)(alpha rho - epsilon)) / (alpha - 1) * (1 - 1/alpha)^alpha falls as
/// epsilon grows, so bisection finds where it meets `delta`. The closed form bounds it from above.
#[must_use]
pub fn epsilon(rho: Rho, delta: f64) -> f64 {
    if rho == Rho::ZERO {
        return 0.0;
    }
    let (mut low, mut high) = (0.0, epsilon_closed_form(rho, delta));
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if delta_of(rho.value(), middle) > delta {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// delta(epsilon) of [`epsilon`]. With l(alpha) the logarithm of what is minimised,
/// l'(alpha) = (2 alpha - 1) rho - epsilon + ln(1 - 1/alpha), which grows with alpha: bisection finds its root.
fn delta_of(rho: f64, epsilon: f64) -> f64 {
    let slope = |alpha: f64| (2.0 * alpha - 1.0) * rho - epsilon + (-1.0 / alpha).ln_1p();
    // alpha - 1 rather than alpha, so that orders next to 1 keep their digits.
    let (mut low, mut high) = (1e-9, 1.0);
    while slope(1.0 + high) < 0.0 {
        high *= 2.0;
    }
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        if slope(1.0 + middle) < 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    let alpha = 1.0 + high;
    let ln = high * (alpha * rho - epsilon) - high.ln() + alpha * (-1.0 / alpha).ln_1p();
    ln.exp().min(1.0)
}

/// What the best all-but-one attacker gains who decides between two possibilities that are `rho` apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gain {
    /// Distance of the two possibilities in standard deviations of the noise: mu = sqrt(2 rho).
    pub mu: f64,
    /// Share of right guesses when both are equally likely before: Phi(mu / 2), since the likelier one is right unless the noise
    /// goes half the distance the other way (Neyman and Pearson 1933; DRS22, section 2.1). 1/2 is chance.
    pub right_guess: f64,
    /// Probability that the releases make the truth tenfold likelier against the other possibility than it was before. The logarithm of
    /// the likelihood ratio is normal under the truth, with mean mu^2 / 2 and standard deviation mu, so this is
    /// Phi(mu / 2 - ln(10) / mu).
    pub tenfold: f64,
}

impl Gain {
    /// At a distance of `rho` between the two possibilities.
    #[must_use]
    pub fn at(rho: Rho) -> Self {
        let mu = (2.0 * rho.value()).sqrt();
        let tenfold = if mu > 0.0 {
            normal_cdf(mu / 2.0 - 10f64.ln() / mu)
        } else {
            0.0
        };
        Self {
            mu,
            right_guess: normal_cdf(mu / 2.0),
            tenfold,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_designs_figures() {
        let half = Rho::from_micro(500_000);
        let closed = epsilon_closed_form(half, DELTA);
        assert!((closed - 5.756_522).abs() < 1e-6, "{closed}");
        let tight = epsilon(half, DELTA);
        assert!(tight < closed && tight > 5.0, "{tight}");
        let attribute = Gain::at(Rho::from_micro(320_000));
        assert!((attribute.mu - 0.8).abs() < 1e-12);
        // "a tenfold likelihood in at most 0.7 % of cases and guesses between two values right in at most 65.5 %"
        assert!(attribute.tenfold < 0.007, "{attribute:?}");
        assert!(
            (attribute.right_guess - 0.655_421_741_6).abs() < 1e-9,
            "{attribute:?}"
        );
    }

    #[test]
    fn nothing_published_gains_nothing() {
        let nothing = Gain::at(Rho::ZERO);
        assert_eq!((nothing.right_guess, nothing.tenfold), (0.5, 0.0));
        assert_eq!(epsilon(Rho::ZERO, DELTA), 0.0);
    }

    #[test]
    fn more_budget_gains_more() {
        let at = |micro| {
            let rho = Rho::from_micro(micro);
            let gain = Gain::at(rho);
            (epsilon(rho, DELTA), gain.right_guess, gain.tenfold)
        };
        let steps: Vec<_> = [1_000, 50_000, 320_000, 500_000, 1_000_000, 4_000_000]
            .map(at)
            .into();
        assert!(
            steps
                .windows(2)
                .all(|w| w[0].0 < w[1].0 && w[0].1 < w[1].1 && w[0].2 < w[1].2)
        );
        // delta at the epsilon found is delta again.
        for micro in [1_000, 500_000, 4_000_000] {
            let rho = Rho::from_micro(micro);
            let delta = delta_of(rho.value(), epsilon(rho, DELTA));
            assert!((delta / DELTA - 1.0).abs() < 1e-6, "{micro}: {delta}");
        }
    }
}
