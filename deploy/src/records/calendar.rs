//! The days that a set of periods spans.

use jiff::{ToSpan, civil::Date};
use ldsp_protocol::ids::Period;

use super::ExpandError;
use super::random::Draw;

/// Relative number of starts by calendar month, January first (illustrative: terms begin in
/// September, January and after Easter).
const STARTS: [f64; 12] = [
    1.4, 1.1, 1.0, 0.9, 0.95, 0.8, 0.5, 0.4, 1.6, 1.25, 1.05, 0.5,
];

/// One month of the calendar, in days since the first day.
#[derive(Debug)]
struct Month {
    from: i32,
    to: i32,
    weight: f64,
}

/// Contiguous months, counted in days from the first.
#[derive(Debug)]
pub(crate) struct Calendar {
    first: Date,
    months: Vec<Month>,
}

impl Calendar {
    pub(crate) fn of(periods: &[Period], draw: &mut Draw) -> Result<Self, ExpandError> {
        let start = periods.first().ok_or(ExpandError::NoPeriods)?;
        if periods
            .windows(2)
            .any(|pair| pair[0].next() != Some(pair[1]))
        {
            return Err(ExpandError::Gap);
        }
        let mut at = 0;
        let months = periods
            .iter()
            .map(|period| {
                let from = at;
                at += i32::from(period.first_day().days_in_month());
                let usual = STARTS[usize::try_from(period.month() - 1).unwrap_or(0)];
                Month {
                    from,
                    to: at - 1,
                    weight: usual * draw.between(0.85, 1.15),
                }
            })
            .collect();
        Ok(Self {
            first: start.first_day(),
            months,
        })
    }

    /// The last day, counted from the first (0).
    pub(crate) fn last(&self) -> i32 {
        self.months.last().map_or(0, |month| month.to)
    }

    /// The date `day` days after the first.
    pub(crate) fn date(&self, day: i32) -> Date {
        self.first.saturating_add(day.days())
    }

    /// Whether `months` after `day` still lie within the calendar.
    pub(crate) fn due(&self, day: i32, months: i32) -> bool {
        self.date(day).saturating_add(months.months()) <= self.date(self.last())
    }

    /// A start on a day not after `latest`, as often in each month as its weight and the days it still
    /// offers allow. `pull` above 0 favours later months.
    pub(crate) fn start(&self, draw: &mut Draw, latest: i32, pull: f64) -> i32 {
        let latest = latest.clamp(0, self.last());
        let weights: Vec<f64> = self
            .months
            .iter()
            .zip(1_u32..)
            .map(|(month, nth)| {
                let open = (month.to.min(latest) - month.from + 1).max(0);
                let whole = month.to - month.from + 1;
                month.weight * f64::from(nth).powf(pull) * f64::from(open) / f64::from(whole)
            })
            .collect();
        let at = draw.index(&weights);
        self.months
            .get(at)
            .map_or(0, |month| draw.days(month.from, month.to.min(latest)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(from: &str, months: i32) -> (Calendar, Draw) {
        let first: Period = from.parse().unwrap();
        let periods: Vec<Period> = (0..months).map(|n| first.plus(n).unwrap()).collect();
        let mut draw = Draw::keyed(&[3; 32], "lep", "calendar");
        (Calendar::of(&periods, &mut draw).unwrap(), draw)
    }

    #[test]
    fn the_last_day_closes_the_last_month() {
        let (calendar, _) = calendar("2021-12", 3);
        assert_eq!(calendar.date(0).to_string(), "2021-12-01");
        assert_eq!(calendar.date(calendar.last()).to_string(), "2022-02-28");
        // 31 December and two months is 28 February, the last day; 1 January is a day too late.
        assert!(calendar.due(30, 2));
        assert!(!calendar.due(31, 2));
    }

    #[test]
    fn starts_keep_to_the_latest_day() {
        let (calendar, mut draw) = calendar("2022-02", 6);
        for latest in [0, 5, 40, calendar.last()] {
            for _ in 0..200 {
                let day = calendar.start(&mut draw, latest, 0.0);
                assert!((0..=latest).contains(&day), "{day} after {latest}");
            }
        }
    }

    #[test]
    fn a_gap_between_periods_is_refused() {
        let mut draw = Draw::keyed(&[3; 32], "lep", "calendar");
        let periods = ["2022-01".parse().unwrap(), "2022-03".parse().unwrap()];
        assert_eq!(
            Calendar::of(&periods, &mut draw).unwrap_err(),
            ExpandError::Gap
        );
        assert_eq!(
            Calendar::of(&[], &mut draw).unwrap_err(),
            ExpandError::NoPeriods
        );
    }
}
