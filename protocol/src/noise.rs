//! The public half of the disclosure method: filter, grid, variances, cumulative estimates.
//!
//! Square-root factorisation of the prefix sum (Fichtenberger, Henzinger, Upadhyay 2022;
//! Henzinger, Upadhyay, Upadhyay 2023): with c_0 = 1 and c_k = c_{k-1} (2k-1)/(2k), convolving c
//! with itself gives the all-ones sequence, so one filter before the noise and the same filter
//! after it add months up. A node publishes v_t = sum_{s<=t} c_{t-s} x_s + z_t. Everything here is
//! integer arithmetic on the grid 2^-16.

use crate::standard::Standard;

/// Published values are in units of 2^-`GRID_BITS`.
pub const GRID_BITS: u32 = 16;
/// Months of one epoch.
pub const HORIZON: usize = 120;
/// Name of the method in a release's manifest.
pub const METHOD: &str = "discrete-gaussian-sqrt-filter-1";
/// Smallest whole budget that a node may choose, in millionths: below it tables hold nothing but noise.
pub const MIN_RHO_MICRO: u64 = 1_000;
/// Largest absolute value of a published cell: a double holds it exactly (RFC 8259 section 6).
pub const MAX_CELL: i64 = (1 << 53) - 1;

/// Coefficients c_0 .. c_119 of the filter in units of 2^-16, each rounded once, half up.
///
/// Computed in fixed point with 60 fractional bits; the recurrence's error stays below 2^-52, far
/// from any rounding tie of the 120 values.
pub const FILTER: [i64; HORIZON] = {
    let mut filter = [0; HORIZON];
    let mut c: u128 = 1 << 60;
    let mut k = 0;
    while k < HORIZON {
        filter[k] = ((c + (1 << 43)) >> 44) as i64;
        k += 1;
        c = c * (2 * k as u128 - 1) / (2 * k as u128);
    }
    filter
};

/// sum of c_k^2 for k < `months`, in units of 2^-32. `months` above the horizon count as the horizon.
#[must_use]
pub fn energy(months: usize) -> u64 {
    FILTER
        .iter()
        .take(months)
        .map(|c| c.unsigned_abs().pow(2))
        .sum()
}

/// Variance of the noise of one published value, in units of 2^-32: the smallest integer at least
/// (sum of c^2)/(2 rho), with the sum over the whole horizon (Bun and Steinke 2016, Gaussian
/// mechanism: rho = sensitivity^2 / (2 sigma^2)).
///
/// `rho_micro`: the table's budget in millionths, above 0.
#[must_use]
pub fn sigma2(rho_micro: u64) -> u64 {
    let scaled = u128::from(energy(HORIZON)) * 1_000_000;
    let divisor = 2 * u128::from(rho_micro.max(1));
    u64::try_from(scaled.div_ceil(divisor)).unwrap_or(u64::MAX)
}

/// A table's budget at a node that chose `node_rho_micro` of the standard's whole budget: the same
/// share, rounded down.
#[must_use]
pub fn table_rho(standard: &Standard, table_rho_micro: u64, node_rho_micro: u64) -> u64 {
    let share = u128::from(table_rho_micro) * u128::from(node_rho_micro)
        / u128::from(standard.noise().rho_micro);
    u64::try_from(share).unwrap_or(u64::MAX)
}

/// One cell's u_t in grid units from its entries x_1 .. x_t.
#[must_use]
pub fn filtered(entries: &[i64]) -> i64 {
    let newest_first = entries.iter().rev();
    newest_first.zip(FILTER).map(|(x, c)| x * c).sum()
}

/// One cell's cumulative estimate Y_t in units of 2^-32 from its published v_1 .. v_t; `None` on
/// overflow, which published values within [`MAX_CELL`] cannot reach before the horizon in any
/// plausible data.
#[must_use]
pub fn cumulative(published: &[i64]) -> Option<i64> {
    let newest_first = published.iter().rev();
    let sum: i128 = newest_first
        .zip(FILTER)
        .map(|(v, c)| i128::from(*v) * i128::from(c))
        .sum();
    i64::try_from(sum).ok()
}

/// Cumulative estimates, or sums of them, in counts.
#[must_use]
pub fn in_counts(y: i64) -> f64 {
    y as f64 / f64::from(1u32 << GRID_BITS) / f64::from(1u32 << GRID_BITS)
}

/// Variance, in counts^2, of Y_to - Y_from of one cell: `from` and `to` are months of the epoch,
/// 0 standing for "before the first".
#[must_use]
pub fn variance(sigma2: u64, from: usize, to: usize) -> f64 {
    covariance(sigma2, (from, to), (from, to))
}

/// Covariance, in counts^2, of the differences Y_to - Y_from of one cell over two spans (from, to) of the same epoch:
/// sigma^2 times the sum over s of (c_{to-s} - c_{from-s}) of the one and of the other, since the noise z_s of months is
/// independent. Neighbouring months' own figures are negatively correlated.
#[must_use]
pub fn covariance(sigma2: u64, a: (usize, usize), b: (usize, usize)) -> f64 {
    let coefficient = |month: usize, s: usize| -> i64 {
        let lag = month.checked_sub(s);
        lag.and_then(|k| FILTER.get(k)).copied().unwrap_or(0)
    };
    let weight = |(from, to): (usize, usize), s| (coefficient(to, s) - coefficient(from, s)) as f64;
    let energy: f64 = (1..=a.1.min(b.1))
        .map(|s| weight(a, s) * weight(b, s))
        .sum();
    let unit = (1u128 << (4 * GRID_BITS)) as f64;
    sigma2 as f64 * energy / unit
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_coefficients_are_the_central_binomials() {
        // binomial(2k, k) / 4^k: 1, 1/2, 3/8, 5/16, 35/128, 63/256.
        assert_eq!(&FILTER[..6], &[65536, 32768, 24576, 20480, 17920, 16128]);
    }

    #[test]
    fn energy_over_the_horizon_is_the_published_2_59() {
        let sum = energy(HORIZON) as f64 / f64::from(1u32 << 16).powi(2);
        assert!((sum - 2.59).abs() < 0.005, "{sum}");
    }

    #[test]
    fn variance_of_the_cumulative_is_sigma2_times_energy() {
        let expected = 1e11 * energy(6) as f64 / 2f64.powi(64);
        assert!((variance(100_000_000_000, 0, 6) / expected - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_covariance_of_months_makes_the_variance_of_their_sum() {
        let sigma2 = 100_000_000_000;
        let months = |of: fn(usize) -> (usize, usize)| -> f64 {
            let pairs = (1..=9).flat_map(|a| (1..=9).map(move |b| (a, b)));
            pairs.map(|(a, b)| covariance(sigma2, of(a), of(b))).sum()
        };
        let to_date = variance(sigma2, 0, 9);
        assert!((months(|m| (m - 1, m)) / to_date - 1.0).abs() < 1e-12);
        assert!(covariance(sigma2, (3, 4), (4, 5)) < 0.0);
    }

    proptest! {
        /// Composed with itself the filter is a_k = 2^32 + e_k, |e_k| <= 118,432 (vectors/v1/filter.toml), so the estimate is
        /// sum a_(t-s) x_s to the last unit, and misses the prefix sum by at most 2.76e-5 of it.
        #[test]
        fn filter_and_inverse_are_the_prefix_sum(x in prop::collection::vec(-5_000i64..5_000, 1..=HORIZON)) {
            let published: Vec<i64> = (1..=x.len()).map(|t| filtered(&x[..t])).collect();
            let estimate = cumulative(&published).unwrap();
            let twice: Vec<i64> = (1..=x.len()).map(|t| cumulative(&FILTER[..t]).unwrap()).collect();
            let exact: i64 = x.iter().rev().zip(&twice).map(|(x, a)| x * a).sum();
            prop_assert_eq!(estimate, exact);
            let (total, size): (i64, i64) = (x.iter().sum(), x.iter().map(|x| x.abs()).sum());
            prop_assert!((estimate - (total << (2 * GRID_BITS))).abs() <= 118_432 * size);
        }

        /// Adding and leaving out one entry of month s changes what is published by the filter of that entry, whose square is
        /// at most the energy that sigma is made for: the sensitivity of the mechanism.
        #[test]
        fn one_entry_moves_no_more_than_sigma_allows(x in prop::collection::vec(0i64..5_000, 1..=HORIZON), at in any::<prop::sample::Index>()) {
            let mut more = x.clone();
            let s = at.index(x.len());
            more[s] += 1;
            let moved = |t: usize| filtered(&more[..t]) - filtered(&x[..t]);
            let square: u64 = (1..=x.len()).map(|t| moved(t).unsigned_abs().pow(2)).sum();
            prop_assert_eq!(square, energy(x.len() - s));
            prop_assert!(square <= energy(HORIZON));
        }
    }
}
