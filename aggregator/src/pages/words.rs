//! Numbers, dates and lists as people read them.

use crate::time::in_london;
use jiff::Timestamp;
use jiff::civil::Date;
use ldsp_protocol::ids::Period;
use ldsp_protocol::measures::{Count, Estimate};

/// Stands in for a number that the display rules hold back.
pub(crate) const TOO_FEW: &str = "too few to say";

/// Stands in for a figure that cannot have come about.
pub(crate) const NOT_DUE: &str = "not due yet";

/// A thin-spaced percent sign must not wrap away from its number.
const PERCENT: &str = "\u{a0}%";

/// `84,760`.
pub(crate) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// One decimal of a share: 0.8312 is `83.1`.
pub(crate) fn decimal(share: f64) -> String {
    format!("{:.1}", share * 100.0)
}

/// `83.1 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{}{PERCENT}", decimal(share))
}

/// `84,760`, or that there is too little to say.
pub(crate) fn count(estimate: &Estimate) -> String {
    match estimate.display() {
        Count::TooFew => TOO_FEW.to_owned(),
        Count::Shown { value, .. } => thousands(value),
    }
}

/// `84,520 to 85,000`; empty where the figure itself is held back.
pub(crate) fn count_interval(estimate: &Estimate) -> String {
    match estimate.display() {
        Count::TooFew => String::new(),
        Count::Shown { low, high, .. } => format!("{} to {}", thousands(low), thousands(high)),
    }
}

/// `84,760 (84,520 to 85,000)`, or that there is too little to say.
pub(crate) fn count_with_interval(estimate: &Estimate) -> String {
    match estimate.display() {
        Count::TooFew => TOO_FEW.to_owned(),
        Count::Shown { .. } => format!("{} ({})", count(estimate), count_interval(estimate)),
    }
}

/// `October 2026`, `May to October 2026`, `November 2025 to April 2026`.
pub(crate) fn period_range(first: Period, last: Period) -> String {
    if first == last {
        return first.in_words();
    }
    if first.year() == last.year() {
        let words = first.in_words();
        let month = words.split(' ').next().unwrap_or_default();
        return format!("{month} to {}", last.in_words());
    }
    format!("{} to {}", first.in_words(), last.in_words())
}

/// `3 October 2026`.
pub(crate) fn date(date: Date) -> String {
    date.strftime("%-d %B %Y").to_string()
}

/// `3 October 2026 at 14:05`, London time.
pub(crate) fn moment(at: Timestamp) -> String {
    in_london(at).strftime("%-d %B %Y at %H:%M").to_string()
}

/// `1 entry`, `2 entries`.
pub(crate) fn plural(n: usize, one: &str, many: &str) -> String {
    let n64 = u64::try_from(n).unwrap_or(u64::MAX);
    format!("{} {}", thousands(n64), if n == 1 { one } else { many })
}

/// `a, b and c`.
pub(crate) fn and(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// `text` with a capital and a full stop.
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string());
    let rest = letters.as_str().trim_end_matches('.');
    format!("{}{rest}.", first.unwrap_or_default())
}

/// The first letter small, for use in a sentence; words of capitals such as `AI` stay.
pub(crate) fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(first), second) if !second.is_some_and(char::is_uppercase) => {
            first.to_lowercase().chain(text.chars().skip(1)).collect()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1000), "1,000");
        assert_eq!(thousands(84_760), "84,760");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(percent(0.8312), "83.1\u{a0}%");
    }

    #[test]
    fn periods_and_lists_read_well() {
        let p = |y, m| Period::new(y, m).unwrap();
        assert_eq!(period_range(p(2026, 10), p(2026, 10)), "October 2026");
        assert_eq!(period_range(p(2026, 5), p(2026, 10)), "May to October 2026");
        assert_eq!(
            period_range(p(2025, 11), p(2026, 4)),
            "November 2025 to April 2026"
        );
        assert_eq!(and(&["a".into(), "b".into(), "c".into()]), "a, b and c");
        assert_eq!(lower_first("Older people"), "older people");
        assert_eq!(lower_first("AI"), "AI");
        assert_eq!(plural(1, "entry", "entries"), "1 entry");
    }
}
