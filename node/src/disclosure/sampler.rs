//! The discrete Gaussian, sampled exactly.
//!
//! Canonne, Kamath, Steinke, "The Discrete Gaussian for Differential Privacy", 2020
//! (arXiv 2004.00010), Algorithms 1 to 3, with integers only: no floating point comes near a
//! probability, so the distribution is the one that the guarantee is proved for, not one close to it.
//!
//! Every rational below is a pair of `u128` whose bounds are argued where it is made, for variances
//! up to [`MAX_SIGMA2`] = 2^60 in grid units.

use rand_core::CryptoRng;

/// Largest variance that the sampler takes, in squared grid units. Standard v1 needs about 2^39.
pub const MAX_SIGMA2: u64 = 1 << 60;

/// The discrete Gaussian on the integers: mean 0, P(z) proportional to exp(-z^2 / (2 sigma^2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiscreteGaussian {
    sigma2: u128,
    /// t = floor(sigma) + 1 <= 2^30 + 1: scale of the discrete Laplace that candidates come from.
    scale: u128,
}

impl DiscreteGaussian {
    /// With parameter sigma^2 = `sigma2` (the variance is that or a hair less: op. cit., Corollary 9).
    /// `None` unless 1 <= `sigma2` <= [`MAX_SIGMA2`].
    #[must_use]
    pub fn new(sigma2: u64) -> Option<Self> {
        (1..=MAX_SIGMA2).contains(&sigma2).then(|| Self {
            sigma2: u128::from(sigma2),
            scale: u128::from(sigma2.isqrt()) + 1,
        })
    }

    /// One draw (Algorithm 3).
    pub fn sample<R: CryptoRng + ?Sized>(&self, rng: &mut R) -> i64 {
        loop {
            let candidate = laplace(self.scale, rng);
            if self.accept(u128::from(candidate.unsigned_abs()), rng) {
                return candidate;
            }
        }
    }

    /// Bernoulli(exp(-(|y| - sigma^2/t)^2 / (2 sigma^2))).
    ///
    /// Let a = | |y| t - sigma^2 | = q t + r with 0 <= r < t. The exponent a^2 / (2 sigma^2 t^2) is the sum
    /// of three rationals, q^2 / (2 sigma^2) + q r / (sigma^2 t) + r^2 / (2 sigma^2 t^2), and
    /// exp(-sum) is the probability that three independent trials all succeed.
    /// Bounds: |y| <= 2^63, t <= 2^30 + 1, so a < 2^94 and q <= 2^63 (q <= max(|y|, sigma^2 / t)); then
    /// q^2 <= 2^126, q r < 2^94, r^2 < 2^61, and 2 sigma^2 t^2 < 2^122.
    fn accept<R: CryptoRng + ?Sized>(&self, magnitude: u128, rng: &mut R) -> bool {
        let (sigma2, scale) = (self.sigma2, self.scale);
        let a = (magnitude * scale).abs_diff(sigma2);
        let (q, r) = (a / scale, a % scale);
        bernoulli_exp(q * q, 2 * sigma2, rng)
            && bernoulli_exp(q * r, sigma2 * scale, rng)
            && bernoulli_exp(r * r, 2 * sigma2 * scale * scale, rng)
    }
}

/// The discrete Laplace with scale t = `scale` (Algorithm 2 with s = 1): P(y) proportional to exp(-|y| / t).
fn laplace<R: CryptoRng + ?Sized>(scale: u128, rng: &mut R) -> i64 {
    loop {
        let below = uniform(scale, rng);
        if !bernoulli_exp(below, scale, rng) {
            continue;
        }
        let mut whole: u128 = 0;
        while bernoulli_exp(1, 1, rng) {
            whole += 1;
        }
        // Beyond 2^63 only after 2^32 successes in a row at odds of 1/e each.
        let magnitude = i64::try_from(below + scale * whole)
            .expect("2^32 successive draws of probability 1/e do not happen");
        let negative = uniform(2, rng) == 1;
        // Zero has one sign, else it would come twice as often.
        if negative && magnitude == 0 {
            continue;
        }
        return if negative { -magnitude } else { magnitude };
    }
}

/// Bernoulli(exp(-`numerator`/`denominator`)) (Algorithm 1): one trial of exp(-1) per whole unit,
/// then the rest. `denominator` is above 0.
fn bernoulli_exp<R: CryptoRng + ?Sized>(numerator: u128, denominator: u128, rng: &mut R) -> bool {
    let mut whole = numerator / denominator;
    while whole > 0 {
        if !bernoulli_exp_unit(1, 1, rng) {
            return false;
        }
        whole -= 1;
    }
    bernoulli_exp_unit(numerator % denominator, denominator, rng)
}

/// Algorithm 1 for 0 <= gamma <= 1: count successes of Bernoulli(gamma / k), k = 1, 2, …; an even
/// number of them has probability exp(-gamma).
///
/// Bernoulli(gamma / k) is Bernoulli(1 / k) and Bernoulli(gamma): two trials, so that no product can overflow.
fn bernoulli_exp_unit<R: CryptoRng + ?Sized>(
    numerator: u128,
    denominator: u128,
    rng: &mut R,
) -> bool {
    let mut k: u128 = 1;
    while uniform(k, rng) == 0 && uniform(denominator, rng) < numerator {
        k += 1;
    }
    k % 2 == 1
}

/// Uniform on 0 .. `n` - 1 for `n` >= 1, by rejection from the next power of two (under 2 tries on average).
fn uniform<R: CryptoRng + ?Sized>(n: u128, rng: &mut R) -> u128 {
    let bits = u128::BITS - (n - 1).leading_zeros();
    if bits == 0 {
        return 0;
    }
    loop {
        let drawn = if bits <= u64::BITS {
            u128::from(rng.next_u64() >> (u64::BITS - bits))
        } else {
            let word = u128::from(rng.next_u64()) << 64 | u128::from(rng.next_u64());
            word >> (u128::BITS - bits)
        };
        if drawn < n {
            return drawn;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ldsp_protocol::noise::sigma2;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    fn seeded(seed: u64) -> ChaCha20Rng {
        ChaCha20Rng::seed_from_u64(seed)
    }

    /// Chi-squared of counts against probabilities; the last class takes what remains.
    fn chi_squared(counts: &[u64], probabilities: &[f64]) -> f64 {
        let n = counts.iter().sum::<u64>() as f64;
        let terms = counts.iter().zip(probabilities);
        terms
            .map(|(c, p)| (*c as f64 - n * p).powi(2) / (n * p))
            .sum()
    }

    /// Upper point of chi-squared with p about 1e-5 (Wilson and Hilferty 1931; normal quantile 4.26).
    fn limit(degrees: usize) -> f64 {
        let k = degrees as f64;
        k * (1.0 - 2.0 / (9.0 * k) + 4.26 * (2.0 / (9.0 * k)).sqrt()).powi(3)
    }

    fn goodness_of_fit(sigma2: u64, reach: i64, draws: usize) {
        let gaussian = DiscreteGaussian::new(sigma2).unwrap();
        let weight = |z: i64| (-(z as f64).powi(2) / (2.0 * sigma2 as f64)).exp();
        let total: f64 = (-40 * reach..=40 * reach).map(weight).sum();
        let mut probabilities: Vec<f64> = (-reach..=reach).map(|z| weight(z) / total).collect();
        let inside: f64 = probabilities.iter().sum();
        probabilities.push(1.0 - inside);
        let mut counts = vec![0u64; probabilities.len()];
        let mut rng = seeded(sigma2);
        for _ in 0..draws {
            let z = gaussian.sample(&mut rng);
            let class = usize::try_from(z + reach)
                .ok()
                .filter(|c| *c <= 2 * reach as usize);
            counts[class.unwrap_or(2 * reach as usize + 1)] += 1;
        }
        let statistic = chi_squared(&counts, &probabilities);
        let bound = limit(counts.len() - 1);
        assert!(
            statistic < bound,
            "sigma^2 {sigma2}: {statistic} over {bound}"
        );
    }

    #[test]
    fn small_variances_fit_the_exact_probabilities() {
        goodness_of_fit(1, 3, 100_000);
        goodness_of_fit(2, 4, 100_000);
        goodness_of_fit(7, 8, 100_000);
        goodness_of_fit(40, 20, 100_000);
    }

    #[test]
    fn the_laplace_fits_its_exact_probabilities() {
        let (scale, reach) = (3, 12);
        let ratio = (-1.0f64 / 3.0).exp();
        let at = |y: i64| (1.0 - ratio) / (1.0 + ratio) * ratio.powi(y.unsigned_abs() as i32);
        let mut probabilities: Vec<f64> = (-reach..=reach).map(at).collect();
        probabilities.push(1.0 - probabilities.iter().sum::<f64>());
        let mut counts = vec![0; probabilities.len()];
        let mut rng = seeded(3);
        for _ in 0..100_000 {
            let y = laplace(scale, &mut rng);
            let class = if y.abs() <= reach {
                (y + reach) as usize
            } else {
                counts.len() - 1
            };
            counts[class] += 1;
        }
        assert!(chi_squared(&counts, &probabilities) < limit(counts.len() - 1));
    }

    #[test]
    fn exponentials_have_their_probability() {
        for (numerator, denominator) in [(0, 1), (1, 7), (1, 1), (9, 4), (5, 2)] {
            let mut rng = seeded(9);
            let n = 100_000;
            let hits = (0..n)
                .filter(|_| bernoulli_exp(numerator, denominator, &mut rng))
                .count() as f64;
            let p = (-(numerator as f64) / denominator as f64).exp();
            let sd = (n as f64 * p * (1.0 - p)).sqrt();
            assert!(
                (hits - n as f64 * p).abs() <= 4.5 * sd,
                "{numerator}/{denominator}: {hits}"
            );
        }
    }

    #[test]
    fn the_standards_variance_has_the_moments_and_tails_of_a_normal() {
        let variance = sigma2(20_000);
        let gaussian = DiscreteGaussian::new(variance).unwrap();
        let sd = (variance as f64).sqrt();
        let mut rng = seeded(20);
        let n = 200_000;
        let draws: Vec<f64> = (0..n)
            .map(|_| gaussian.sample(&mut rng) as f64 / sd)
            .collect();
        let moment = |k: i32| draws.iter().map(|z| z.powi(k)).sum::<f64>() / f64::from(n);
        let root = f64::from(n).sqrt();
        // Standard errors of the first four moments of a standard normal: 1, sqrt 2, sqrt 15, sqrt 96 over sqrt n.
        assert!(moment(1).abs() < 4.5 / root, "{}", moment(1));
        assert!(
            (moment(2) - 1.0).abs() < 4.5 * 2f64.sqrt() / root,
            "{}",
            moment(2)
        );
        assert!(moment(3).abs() < 4.5 * 15f64.sqrt() / root, "{}", moment(3));
        assert!(
            (moment(4) - 3.0).abs() < 4.5 * 96f64.sqrt() / root,
            "{}",
            moment(4)
        );
        // P(|Z| > 1, 2, 3, 4) of a standard normal.
        for (z, p) in [
            (1.0, 0.317_310_5),
            (2.0, 0.045_500_3),
            (3.0, 0.002_699_8),
            (4.0, 0.000_063_3),
        ] {
            let beyond = draws.iter().filter(|d| d.abs() > z).count() as f64;
            let (mean, spread) = (f64::from(n) * p, (f64::from(n) * p * (1.0 - p)).sqrt());
            assert!(
                (beyond - mean).abs() < 4.5 * spread,
                "beyond {z} sd: {beyond}, {mean} expected"
            );
        }
        // Low bits of the grid are as good as uniform at this variance: no lattice shows.
        let odd = draws
            .iter()
            .filter(|d| (*d * sd).round() as i64 % 2 != 0)
            .count() as f64;
        assert!((odd - f64::from(n) / 2.0).abs() < 4.5 * root / 2.0);
    }

    #[test]
    fn the_largest_variance_overflows_nothing() {
        let gaussian = DiscreteGaussian::new(MAX_SIGMA2).unwrap();
        let mut rng = seeded(60);
        for _ in 0..2_000 {
            let z = gaussian.sample(&mut rng);
            assert!(z.unsigned_abs() < 1 << 34, "{z}");
        }
        // The worst candidate that the Laplace could ever hand over.
        assert!(!gaussian.accept(1 << 63, &mut rng));
        assert_eq!(DiscreteGaussian::new(0), None);
        assert_eq!(DiscreteGaussian::new(MAX_SIGMA2 + 1), None);
    }

    #[test]
    fn a_seed_gives_the_same_draws() {
        let gaussian = DiscreteGaussian::new(sigma2(16_000)).unwrap();
        let run = |seed| {
            let mut rng = seeded(seed);
            (0..50)
                .map(|_| gaussian.sample(&mut rng))
                .collect::<Vec<_>>()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }
}
