//! Numbers as readers see them, and the scales that place them.

/// What a chart's numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things counted: `12,400`.
    Count,
    /// Percentages from 0 to 100: `74.2%`.
    Percent,
}

impl Unit {
    pub(super) fn value(self, value: f64) -> String {
        match self {
            Self::Count => count(value),
            Self::Percent => percent(value),
        }
    }

    /// Without needless decimals.
    pub(super) fn tick(self, value: f64) -> String {
        match self {
            Self::Count => count(value),
            Self::Percent if (value - value.round()).abs() < 1e-9 => format!("{value:.0}%"),
            Self::Percent => percent(value),
        }
    }
}

/// A count rounded to a whole number with commas at the thousands: `84,760`. A real minus sign for negative ones.
#[must_use]
pub fn count(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut grouped = String::with_capacity(digits.len() * 4 / 3 + 1);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if value < 0.0 && digits != "0" {
        format!("\u{2212}{grouped}")
    } else {
        grouped
    }
}

/// A percentage from 0 to 100 to one decimal: `74.2%`.
#[must_use]
pub fn percent(value: f64) -> String {
    let digits = format!("{:.1}%", value.abs());
    if value < 0.0 && digits != "0.0%" {
        format!("\u{2212}{digits}")
    } else {
        digits
    }
}

/// A linear scale whose ends are ticks.
#[derive(Clone, Debug)]
pub(super) struct Scale {
    ends: (f64, f64),
    onto: (f64, f64),
    step: f64,
}

impl Scale {
    /// Covers `low` to `high` with about `ticks` steps of 1, 2 or 5 times a power of ten and maps it onto `onto`.
    pub(super) fn covering(low: f64, high: f64, ticks: f64, onto: (f64, f64)) -> Self {
        let span = if high - low > 0.0 {
            high - low
        } else {
            high.abs().max(1.0)
        };
        let raw = span / ticks;
        let power = 10f64.powf(raw.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .find(|m| m * power >= raw * 0.999)
            .unwrap_or(10.0)
            * power;
        let (first, mut last) = ((low / step).floor() * step, (high / step).ceil() * step);
        if last <= first {
            last = first + step;
        }
        Self {
            ends: (first, last),
            onto,
            step,
        }
    }

    pub(super) fn at(&self, value: f64) -> f64 {
        let (low, high) = self.ends;
        let (from, to) = self.onto;
        from + (value.clamp(low, high) - low) / (high - low) * (to - from)
    }

    pub(super) fn start(&self) -> f64 {
        self.ends.0
    }

    pub(super) fn ticks(&self) -> impl Iterator<Item = f64> + '_ {
        let steps = ((self.ends.1 - self.ends.0) / self.step).round() as u32;
        (0..=steps).map(|i| self.ends.0 + f64::from(i) * self.step)
    }
}
