//! Estimates with their uncertainty, rates of estimates, and what may be displayed of them
//! (disclosure.md, "Display").

/// 97.5 % quantile of the standard normal distribution.
pub const Z95: f64 = 1.959_963_985;
/// A count under this many standard errors is "too few to say".
pub const COUNT_LIMIT: f64 = 3.0;
/// A rate on a base under this many standard errors is not shown.
pub const BASE_LIMIT: f64 = 5.0;

/// An unbiased estimate of a count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// In enrolments; may be negative.
    pub value: f64,
    /// Standard error in enrolments, public and exact.
    pub se: f64,
}

/// What may be shown of a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// The estimate is under three standard errors.
    TooFew,
    /// A figure with its 95 % interval, rounded and clamped at 0 for display.
    Shown {
        /// Rounded estimate.
        value: u64,
        /// Lower end of the 95 % interval.
        low: u64,
        /// Upper end.
        high: u64,
    },
}

/// A ratio of estimates, with its standard error by the delta method and its interval by Fieller's theorem. Unbiased
/// parts may put it slightly outside 0 to 1; [`Rate::display`] does not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// The ratio.
    pub value: f64,
    /// Its standard error.
    pub se: f64,
    /// The estimated base (denominator).
    pub base: Estimate,
    /// Ends of the 95 % interval, unclamped.
    ends: (f64, f64),
}

impl Estimate {
    /// 95 % interval, unrounded.
    #[must_use]
    pub fn interval(&self) -> (f64, f64) {
        (self.value - Z95 * self.se, self.value + Z95 * self.se)
    }

    /// What may be shown.
    #[must_use]
    pub fn display(&self) -> Count {
        if self.value < COUNT_LIMIT * self.se {
            return Count::TooFew;
        }
        let (low, high) = self.interval();
        let whole = |x: f64| x.round().max(0.0) as u64;
        Count::Shown {
            value: whole(self.value),
            low: whole(low),
            high: whole(high),
        }
    }
}

impl Rate {
    /// `part / base`; `covariance` of the two in enrolments^2. `None` when the base is under five
    /// standard errors: a rate on it says nothing.
    ///
    /// var(p/b) = (var p - 2 r cov + r^2 var b) / b^2 (delta method; Cochran 1977, section 6.4).
    #[must_use]
    pub fn of(part: Estimate, base: Estimate, covariance: f64) -> Option<Self> {
        if base.value <= 0.0 || base.value < BASE_LIMIT * base.se {
            return None;
        }
        let value = part.value / base.value;
        let variance = square(part.se) - 2.0 * value * covariance + square(value * base.se);
        Some(Self {
            value,
            se: variance.max(0.0).sqrt() / base.value,
            base,
            ends: fieller(part, base, covariance),
        })
    }

    /// The ratio as it may be shown, between 0 and 1.
    #[must_use]
    pub fn display(&self) -> f64 {
        self.value.clamp(0.0, 1.0)
    }

    /// 95 % interval, clamped to 0 and 1.
    #[must_use]
    pub fn interval(&self) -> (f64, f64) {
        let (low, high) = self.ends;
        (low.clamp(0.0, 1.0), high.clamp(0.0, 1.0))
    }
}

/// Rounded once, on every machine alike; of `powi` the library does not promise it.
pub(crate) fn square(x: f64) -> f64 {
    x * x
}

/// All ratios r that `part - r base` does not tell from 0 at 95 %: the r with (p - r b)^2 <= z^2 (var p - 2 r cov + r^2 var b),
/// which lie between the roots of a quadratic (Fieller 1954, "Some problems in interval estimation", JRSS B 16). The delta
/// method's interval is this one's limit for a base without noise; on a base of few standard errors it misses the truth too
/// often on the upper side. The base is at least [`BASE_LIMIT`] standard errors, more than z, so the quadratic opens upwards; it
/// is not above 0 at p / b, so it has roots.
fn fieller(part: Estimate, base: Estimate, covariance: f64) -> (f64, f64) {
    let z2 = Z95 * Z95;
    let a = square(base.value) - z2 * square(base.se);
    let b = part.value * base.value - z2 * covariance;
    let c = square(part.value) - z2 * square(part.se);
    let root = (b * b - a * c).max(0.0).sqrt();
    ((b - root) / a, (b + root) / a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_estimates_are_not_shown() {
        assert_eq!(
            Estimate {
                value: 29.9,
                se: 10.0
            }
            .display(),
            Count::TooFew
        );
        let shown = Estimate {
            value: 31.0,
            se: 10.0,
        }
        .display();
        assert_eq!(
            shown,
            Count::Shown {
                value: 31,
                low: 11,
                high: 51
            }
        );
        assert_eq!(
            Estimate {
                value: -5.0,
                se: 1.0
            }
            .display(),
            Count::TooFew
        );
    }

    #[test]
    fn a_rate_needs_a_base() {
        let part = Estimate {
            value: 40.0,
            se: 10.0,
        };
        assert_eq!(
            Rate::of(
                part,
                Estimate {
                    value: 49.0,
                    se: 10.0
                },
                0.0
            ),
            None
        );
        let rate = Rate::of(
            part,
            Estimate {
                value: 100.0,
                se: 10.0,
            },
            0.0,
        )
        .unwrap();
        assert!((rate.value - 0.4).abs() < 1e-12);
        assert!((rate.se - 0.011_6_f64.sqrt()).abs() < 1e-9, "{}", rate.se);
    }

    #[test]
    fn an_interval_holds_the_ratios_that_are_not_ruled_out() {
        let estimate = |value, se| Estimate { value, se };
        // By hand: 9,615.854 r^2 - 8,000 r + 1,215.854 = 0.
        let rate = Rate::of(estimate(40.0, 10.0), estimate(100.0, 10.0), 0.0).unwrap();
        let (low, high) = rate.interval();
        assert!((low - 0.200_117_6).abs() < 1e-6, "{low}");
        assert!((high - 0.631_841_8).abs() < 1e-6, "{high}");
        // With a base that is known it is the delta method's.
        let known = Rate::of(estimate(40.0, 10.0), estimate(100.0, 0.0), 0.0).unwrap();
        let (low, high) = known.interval();
        assert!((low - (0.4 - Z95 * known.se)).abs() < 1e-12);
        assert!((high - (0.4 + Z95 * known.se)).abs() < 1e-12);
    }

    #[test]
    fn part_and_base_that_are_the_same_have_no_uncertainty() {
        let same = Estimate {
            value: 100.0,
            se: 10.0,
        };
        assert_eq!(Rate::of(same, same, 100.0).unwrap().se, 0.0);
    }
}
