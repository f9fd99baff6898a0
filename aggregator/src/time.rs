//! London's calendar: when a month has ended and a day has come.

use jiff::civil::Date;
use jiff::{Timestamp, Zoned};
use ldsp_protocol::ids::Period;
use ldsp_ui::schedule::london;

/// The moment as clocks in London show it.
#[must_use]
pub fn in_london(at: Timestamp) -> Zoned {
    at.to_zoned(london())
}

/// The day that it is in London.
#[must_use]
pub fn london_day(now: Timestamp) -> Date {
    in_london(now).date()
}

/// Whether `period` has ended.
#[must_use]
pub fn has_ended(period: Period, now: Timestamp) -> bool {
    period
        .next()
        .is_some_and(|next| london_day(now) >= next.first_day())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_ends_at_midnight_in_london() {
        let july: Period = "2022-07".parse().unwrap();
        assert!(!has_ended(july, "2022-07-31T22:59:59Z".parse().unwrap()));
        assert!(has_ended(july, "2022-07-31T23:00:00Z".parse().unwrap()));
        let january: Period = "2022-01".parse().unwrap();
        assert!(!has_ended(january, "2022-01-31T23:59:59Z".parse().unwrap()));
        assert!(has_ended(january, "2022-02-01T00:00:00Z".parse().unwrap()));
    }
}
