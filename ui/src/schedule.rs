//! A schedule: a cron expression on London's wall clock.

use std::str::FromStr;

use cron::TimeUnitSpec as _;
use jiff::civil::{DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan as _};
use serde::Deserialize;

/// Days that are searched for the next match: 29 February on a given weekday comes back within 40 years.
const HORIZON_DAYS: i32 = 41 * 366;

/// Europe/London as a rule, in force since 1996 (IANA time zone database): no release is older, and no
/// machine's own database is needed.
#[must_use]
pub fn london() -> TimeZone {
    TimeZone::posix("GMT0BST,M3.5.0/1,M10.5.0")
        .expect("a constant rule, used by this module's tests")
}

/// An expression that is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ScheduleError {
    #[error("a schedule has five fields: minute, hour, day of the month, month, weekday")]
    Fields,
    #[error("a weekday is written as a number, which means different days in different programs")]
    Weekday,
    #[error("the schedule cannot be read: {0}")]
    Form(String),
    #[error("the schedule never comes: no day has that date")]
    Never,
}

impl ScheduleError {
    /// What to do next.
    #[must_use]
    pub fn next(&self) -> &'static str {
        match self {
            Self::Weekday => "Write weekdays as names, MON to SUN.",
            _ => {
                "Correct the schedule in the configuration. Example: `0 6 5 * *`, the 5th of each month at 06:00."
            }
        }
    }
}

/// Five cron fields, read as London's wall clock. Day of the month and weekday must both hold.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Schedule(cron::Schedule);

impl TryFrom<String> for Schedule {
    type Error = ScheduleError;

    fn try_from(text: String) -> Result<Self, ScheduleError> {
        text.parse()
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [.., weekday] = fields.as_slice() else {
            return Err(ScheduleError::Fields);
        };
        if fields.len() != 5 {
            return Err(ScheduleError::Fields);
        }
        if weekday.contains(|c: char| c.is_ascii_digit()) {
            return Err(ScheduleError::Weekday);
        }
        let schedule = cron::Schedule::from_str(&format!("0 {}", fields.join(" ")))
            .map_err(|e| ScheduleError::Form(e.to_string().replace('\n', " ")))?;
        let schedule = Self(schedule);
        if schedule.after(Timestamp::UNIX_EPOCH).is_none() {
            return Err(ScheduleError::Never);
        }
        Ok(schedule)
    }
}

impl Schedule {
    /// The first moment after `now` at which the schedule comes; `None` beyond the calendar.
    ///
    /// A time that spring skips comes once, when the clock has jumped; a time that autumn repeats comes once, at
    /// its first occurrence. Times are mapped to moments in order, so the first that lies after `now` is next.
    #[must_use]
    pub fn after(&self, now: Timestamp) -> Option<Timestamp> {
        let zone = london();
        let mut date = now.to_zoned(zone.clone()).date();
        for _ in 0..HORIZON_DAYS {
            if self.has_day(date) {
                for hour in self.0.hours().iter() {
                    for minute in self.0.minutes().iter() {
                        let time = Time::new(hour as i8, minute as i8, 0, 0).ok()?;
                        let at = moment(&zone, date.to_datetime(time))?;
                        if at > now {
                            return Some(at);
                        }
                    }
                }
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    fn has_day(&self, date: jiff::civil::Date) -> bool {
        let weekday = date.weekday().to_sunday_one_offset();
        self.0.months().includes(date.month().unsigned_abs().into())
            && self
                .0
                .days_of_month()
                .includes(date.day().unsigned_abs().into())
            && self
                .0
                .days_of_week()
                .includes(weekday.unsigned_abs().into())
    }
}

/// The moment at which London's clocks show `wall`, first occurrence; in a gap, the moment of the jump.
fn moment(zone: &TimeZone, wall: DateTime) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(wall).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(wall).ok(),
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(wall).ok(),
        AmbiguousOffset::Gap { before, .. } => {
            let beyond = before.to_timestamp(wall).ok()?;
            let jump = zone
                .preceding(beyond.checked_add(1.second()).ok()?)
                .next()?;
            Some(jump.timestamp())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn after(expression: &str, now: &str) -> String {
        let schedule: Schedule = expression.parse().unwrap();
        schedule.after(at(now)).unwrap().to_string()
    }

    #[test]
    fn expressions_are_read_as_londons_wall_clock() {
        assert_eq!(
            after("0 6 5 * *", "2022-01-05T05:59:59Z"),
            "2022-01-05T06:00:00Z"
        );
        assert_eq!(
            after("0 6 5 * *", "2022-01-05T06:00:00Z"),
            "2022-02-05T06:00:00Z"
        );
        // Summer: 06:00 is 05:00 UTC.
        assert_eq!(
            after("0 6 5 * *", "2022-07-01T00:00:00Z"),
            "2022-07-05T05:00:00Z"
        );
        // Sunday 3 July 2022, by name.
        assert_eq!(
            after("30 9 * * SUN", "2022-07-01T00:00:00Z"),
            "2022-07-03T08:30:00Z"
        );
        assert_eq!(
            after("0 0 29 2 MON", "2022-07-01T00:00:00Z"),
            "2044-02-29T00:00:00Z"
        );
    }

    #[test]
    fn a_time_that_spring_skips_comes_once_when_the_clock_has_jumped() {
        // 27 March 2022: 01:00 GMT became 02:00 BST.
        assert_eq!(
            after("30 1 * * *", "2022-03-26T12:00:00Z"),
            "2022-03-27T01:00:00Z"
        );
        assert_eq!(
            after("30 1 * * *", "2022-03-27T01:00:00Z"),
            "2022-03-28T00:30:00Z"
        );
        assert_eq!(
            after("*/10 1 * * *", "2022-03-27T00:30:00Z"),
            "2022-03-27T01:00:00Z"
        );
        assert_eq!(
            after("*/10 1 * * *", "2022-03-27T01:00:00Z"),
            "2022-03-28T00:00:00Z"
        );
    }

    #[test]
    fn a_time_that_autumn_repeats_comes_once() {
        // 30 October 2022: 02:00 BST became 01:00 GMT.
        assert_eq!(
            after("30 1 * * *", "2022-10-29T12:00:00Z"),
            "2022-10-30T00:30:00Z"
        );
        assert_eq!(
            after("30 1 * * *", "2022-10-30T00:30:00Z"),
            "2022-10-31T01:30:00Z"
        );
        assert_eq!(
            after("30 1 * * *", "2022-10-30T01:10:00Z"),
            "2022-10-31T01:30:00Z"
        );
    }

    #[test]
    fn what_programs_disagree_about_is_refused() {
        for (text, error) in [
            ("0 6 5 *", ScheduleError::Fields),
            ("0 0 6 5 * *", ScheduleError::Fields),
            ("", ScheduleError::Fields),
            ("0 6 * * 1", ScheduleError::Weekday),
            ("0 6 31 2 *", ScheduleError::Never),
        ] {
            assert_eq!(text.parse::<Schedule>(), Err(error), "{text}");
        }
        assert!(matches!(
            "61 6 5 * *".parse::<Schedule>(),
            Err(ScheduleError::Form(_))
        ));
    }

    proptest! {
        #[test]
        fn every_day_has_its_time_once_around_the_changes(minute in 0i8..60, hour in 0i8..24, year in 2000i16..2060, spring in any::<bool>()) {
            let schedule: Schedule = format!("{minute} {hour} * * *").parse().unwrap();
            let from = jiff::civil::date(year, if spring { 3 } else { 10 }, 20);
            let mut now = from.at(0, 0, 0, 0).to_zoned(london()).unwrap().timestamp();
            now = now.checked_sub(1.second()).unwrap();
            for days in 0..15 {
                now = schedule.after(now).unwrap();
                let wall = now.to_zoned(london());
                prop_assert_eq!(wall.date(), from.checked_add(days.days()).unwrap());
                let meant = Time::new(hour, minute, 0, 0).unwrap();
                prop_assert!(wall.time() == meant || (spring && hour == 1 && wall.time() == Time::new(2, 0, 0, 0).unwrap()));
            }
        }
    }
}
