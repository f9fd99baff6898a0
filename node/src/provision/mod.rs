//! Provision: how fresh what is known of a service is, which rows may be the same service, the node's own open feed of services, and pulling
//! those of others. Organisations and what they offer; no function here is given anything about a learner.

pub(crate) mod doubles;
pub(crate) mod feed;
#[cfg(test)]
mod feed_tests;
pub(crate) mod offer;
pub(crate) mod pull;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod words;

use jiff::civil::Date;

/// After so many months nobody is told to rely on what was checked or seen.
const STALE_MONTHS: i8 = 6;

/// How fresh what is known of a service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// Somebody checked it, or a feed gave it, on this day, six months ago or less.
    Fresh(Date),
    /// The latest day on which that was is more than six months ago.
    Stale(Date),
    /// Nobody ever did, or the day that is given lies in the future.
    Never,
}

impl Freshness {
    /// The words by which lists are filtered, and what people read.
    pub(crate) const CHOICES: [(&'static str, &'static str); 3] = [
        ("fresh", "Checked or seen in the last six months"),
        ("stale", "More than six months ago"),
        ("never", "Never checked"),
    ];

    /// Of a service that was `assured` and `seen` on these days, as of `today`.
    pub(crate) fn of(assured: Option<Date>, seen: Option<Date>, today: Date) -> Self {
        let days = [assured, seen].into_iter().flatten();
        let Some(last) = days.filter(|day| *day <= today).max() else {
            return Self::Never;
        };
        let since = today.saturating_sub(jiff::Span::new().months(STALE_MONTHS));
        if last < since {
            Self::Stale(last)
        } else {
            Self::Fresh(last)
        }
    }

    /// Its word.
    pub(crate) fn id(self) -> &'static str {
        let [fresh, stale, never] = Self::CHOICES.map(|(id, _)| id);
        match self {
            Self::Fresh(_) => fresh,
            Self::Stale(_) => stale,
            Self::Never => never,
        }
    }

    /// The day it goes by.
    pub(crate) fn day(self) -> Option<Date> {
        match self {
            Self::Fresh(day) | Self::Stale(day) => Some(day),
            Self::Never => None,
        }
    }
}
