//! Estimates before they are shown: sums and differences of places, groups and months with their covariance.

use crate::additivity::Exact;
use crate::measures::{Count, Estimate, Rate, square};

use super::finding::{Shown, Standing};

/// Covariances, in enrolments^2, of the parts, of part and base, and of the bases of two figures, or of one with itself.
/// Part of the one with base of the other is as base with part: the components' covariance asks only which codes agree.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Noise {
    pub(super) part: f64,
    /// Part with base; 0 without a base.
    pub(super) both: f64,
    pub(super) base: f64,
}

impl Noise {
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            part: self.part + other.part,
            both: self.both + other.both,
            base: self.base + other.base,
        }
    }

    pub(super) fn times(self, factor: f64) -> Self {
        Self {
            part: self.part * factor,
            both: self.both * factor,
            base: self.base * factor,
        }
    }
}

/// An estimate as linear forms, so that places can be added up before a ratio is taken. Exact: sums of places are the
/// same fraction as the estimate of their sums.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Linear {
    pub(super) part: Exact,
    /// Base of a rate.
    pub(super) base: Option<Exact>,
    /// Of the figure with itself.
    pub(super) noise: Noise,
}

impl Linear {
    /// Sum with an independent estimate (another node's).
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            part: self.part + other.part,
            base: self.base.zip(other.base).map(|(a, b)| a + b),
            noise: self.noise.plus(other.noise),
        }
    }

    fn part(&self) -> Estimate {
        Estimate {
            value: self.part.in_counts(),
            se: self.noise.part.max(0.0).sqrt(),
        }
    }

    fn rate(&self, base: Exact) -> Option<Rate> {
        let base = Estimate {
            value: base.in_counts(),
            se: self.noise.base.max(0.0).sqrt(),
        };
        Rate::of(self.part(), base, self.noise.both)
    }

    /// This figure less `other`, with the standard error of the difference; `shared` is the covariance of the two.
    /// `None` when either is a rate on too small a base.
    ///
    /// var(a - b) = var a + var b - 2 cov(a, b). A rate deviates by (dp - r db) / b to first order (delta method; Cochran
    /// 1977, section 6.4), so cov(p/b, q/c) = (cov(p, q) - (r + s) cov(p, c) + r s cov(b, c)) / (b c), r = p/b, s = q/c.
    pub(super) fn less(&self, other: &Self, shared: Noise) -> Option<Standing> {
        let (mine, theirs, covariance) = match self.base.zip(other.base) {
            None => {
                let [mine, theirs] = [self, other].map(|l| (l.part().value, l.noise.part));
                (mine, theirs, shared.part)
            }
            Some((base, other_base)) => {
                let (a, b) = (self.rate(base)?, other.rate(other_base)?);
                let (r, s) = (a.value, b.value);
                let carried = shared.part - (r + s) * shared.both + r * s * shared.base;
                let covariance = carried / (a.base.value * b.base.value);
                ((r, square(a.se)), (s, square(b.se)), covariance)
            }
        };
        let variance = mine.1 + theirs.1 - 2.0 * covariance;
        Some(Standing {
            estimate: mine.0 - theirs.0,
            se: variance.max(0.0).sqrt(),
        })
    }

    /// What may be shown, and the estimate behind it.
    pub(super) fn shown(&self) -> (Shown, Option<Standing>) {
        let standing = |estimate, se| Some(Standing { estimate, se });
        let Some(base) = self.base else {
            let part = self.part();
            let raw = standing(part.value, part.se);
            return match part.display() {
                Count::TooFew => (Shown::TooFew, raw),
                Count::Shown { value, low, high } => (Shown::Count { value, low, high }, raw),
            };
        };
        match self.rate(base) {
            None => (Shown::TooFew, None),
            Some(rate) => {
                let (low, high) = rate.interval();
                let shown = Shown::Rate {
                    value: rate.display(),
                    low,
                    high,
                    base: rate.base.value.round().max(0.0) as u64,
                };
                (shown, standing(rate.value, rate.se))
            }
        }
    }
}
