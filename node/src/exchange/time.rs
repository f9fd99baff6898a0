//! Time periods as explore education statistics write them: `time_period` and `time_identifier` (its guidance on open data, "Time").

use jiff::civil::Date;

/// What a time identifier is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identified {
    /// Periods of one group may stand in one file.
    pub(crate) group: &'static str,
    /// Digits of its `time_period`: 4 (a year) or 6 (201718).
    digits: usize,
    /// How many months after the beginning of the (first) year it ends.
    ends_after: i32,
}

/// Identifier, group, digits, months from the January of the first year to its end.
const IDENTIFIERS: &[(&str, &str, usize, i32)] = &[
    ("Academic year", "academic year", 6, 19),
    ("Financial year", "financial year", 6, 15),
    ("Tax year", "tax year", 6, 15),
    ("Calendar year", "calendar year", 4, 12),
    ("Reporting year", "reporting year", 4, 12),
    ("Autumn term", "term", 6, 12),
    ("Autumn and spring term", "term", 6, 16),
    ("Spring term", "term", 6, 16),
    ("Summer term", "term", 6, 19),
    ("Academic year Q1", "academic quarter", 6, 10),
    ("Academic year Q2", "academic quarter", 6, 13),
    ("Academic year Q3", "academic quarter", 6, 16),
    ("Academic year Q4", "academic quarter", 6, 19),
    ("Financial year Q1", "financial quarter", 6, 6),
    ("Financial year Q2", "financial quarter", 6, 9),
    ("Financial year Q3", "financial quarter", 6, 12),
    ("Financial year Q4", "financial quarter", 6, 15),
    ("Part 1 (April to September)", "half", 6, 9),
    ("Part 2 (October to March)", "half", 6, 15),
    ("Calendar year Q1", "calendar quarter", 4, 3),
    ("Calendar year Q2", "calendar quarter", 4, 6),
    ("Calendar year Q3", "calendar quarter", 4, 9),
    ("Calendar year Q4", "calendar quarter", 4, 12),
    ("January", "month", 4, 1),
    ("February", "month", 4, 2),
    ("March", "month", 4, 3),
    ("April", "month", 4, 4),
    ("May", "month", 4, 5),
    ("June", "month", 4, 6),
    ("July", "month", 4, 7),
    ("August", "month", 4, 8),
    ("September", "month", 4, 9),
    ("October", "month", 4, 10),
    ("November", "month", 4, 11),
    ("December", "month", 4, 12),
];

impl Identified {
    /// What this identifier is; `None`: it is none, or none that a panel's figures have.
    pub(crate) fn named(text: &str) -> Option<Self> {
        let mut all = IDENTIFIERS.iter();
        all.find(|(name, ..)| *name == text)
            .map(|(_, group, digits, ends_after)| Self {
                group,
                digits: *digits,
                ends_after: *ends_after,
            })
    }

    /// The last day of a period; `None`: the text is no period of this kind.
    pub(crate) fn end(self, period: &str) -> Option<Date> {
        let digits = period.bytes().all(|b| b.is_ascii_digit());
        if period.len() != self.digits || !digits {
            return None;
        }
        let year: i32 = period[..4].parse().ok().filter(|y| *y >= 1990)?;
        if self.digits == 6 {
            let next: i32 = period[4..].parse().ok()?;
            if (year + 1) % 100 != next {
                return None;
            }
        }
        let months = self.ends_after - 1;
        let last = Date::new(
            i16::try_from(year + months / 12).ok()?,
            i8::try_from(months % 12 + 1).ok()?,
            1,
        );
        Some(last.ok()?.last_of_month())
    }
}

/// A period for people: `2021/22 (academic year)`.
pub(crate) fn in_words(period: &str, identifier: &str) -> String {
    let year = match period.len() {
        6 => format!("{}/{}", &period[..4], &period[4..]),
        _ => period.to_owned(),
    };
    format!("{year} ({})", identifier.to_lowercase())
}
