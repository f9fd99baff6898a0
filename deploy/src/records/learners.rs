//! Illustrative learners: references, ULNs, birth dates and who they are.

use jiff::{ToSpan, civil::Date};

use super::mixes::{AGES, Mixes};
use super::random::{Draw, Mix};

/// One learner. Nothing in here belongs to a real person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Learner {
    /// The provider's reference, unique in the LEP.
    pub reference: String,
    /// Unique learner number with a valid check digit, or 9999999999 ("not yet known"), or absent.
    pub uln: Option<String>,
    /// Birth date.
    pub birth: Date,
    /// Sex.
    pub sex: &'static str,
    /// Ethnicity.
    pub ethnicity: &'static str,
    /// Disability.
    pub disability: &'static str,
    /// Status before the first enrolment.
    pub prior: &'static str,
    /// Home district, GSS code; absent where the provider does not know it.
    pub district: Option<String>,
}

/// What stands in the ULN field while a number is not yet known (ILR).
const ULN_UNKNOWN: &str = "9999999999";

/// How many learners in a thousand lack a ULN, stand as 9999999999, or lack a district.
const NO_ULN: f64 = 0.025;
const TEMPORARY_ULN: f64 = 0.025;
const NO_DISTRICT: f64 = 0.01;

/// Appends the check digit to nine digits: the sum of digit times 10, 9 .. 2, modulo 11, taken
/// from 10; `None` where that remainder is 0, for no ULN has such a stem (ILR specification, field ULN).
#[must_use]
pub fn uln(stem: u32) -> Option<String> {
    let digits = format!("{stem:09}");
    let sum: u32 = digits
        .bytes()
        .zip((2..=10).rev())
        .map(|(d, weight)| u32::from(d - b'0') * weight)
        .sum();
    match sum % 11 {
        0 => None,
        remainder => Some(format!("{digits}{}", 10 - remainder)),
    }
}

/// Hands out ULNs of one LEP from a range that only the demonstration uses: 99, two digits for the
/// LEP, five that count.
#[derive(Debug)]
pub(crate) struct UlnRange {
    next: u32,
}

impl UlnRange {
    pub(crate) fn of(lep: &str) -> Self {
        let number: u32 = lep
            .get(lep.len().saturating_sub(2)..)
            .and_then(|n| n.parse().ok())
            .unwrap_or(0);
        Self {
            next: 990_000_000 + number * 100_000,
        }
    }

    fn take(&mut self) -> String {
        loop {
            let stem = self.next;
            self.next += 1;
            if let Some(number) = uln(stem) {
                return number;
            }
        }
    }
}

/// Draws the learners of one LEP.
#[derive(Debug)]
pub(crate) struct Crowd<'a> {
    pub(crate) mixes: &'a Mixes,
    pub(crate) districts: &'a [(String, f64)],
    pub(crate) ulns: UlnRange,
}

impl Crowd<'_> {
    /// A learner who starts on `start` in a programme of a tier (0 basic to 2 advanced) for `audience`.
    pub(crate) fn learner(
        &mut self,
        draw: &mut Draw,
        nth: usize,
        tier: usize,
        audience: &str,
        start: Date,
    ) -> Learner {
        let band = self.age_band(draw, tier, audience);
        let (_, youngest, oldest) = AGES[band];
        let prior = suited(&self.mixes.prior[band], audience).pick(draw);
        // Days beyond the last birthday stay clear of the birthday itself, so that the age in whole years is sure.
        let age_days = f64::from(draw.days(youngest, oldest)) * 365.2425 + draw.between(3.0, 360.0);
        let out_of_work = matches!(prior, "unemployed" | "economically-inactive" | "retired");
        let disability = self.mixes.disability.pick_favouring(
            draw,
            &["yes"],
            if out_of_work { 1.5 } else { 0.7 },
        );
        let uln_kind = draw.unit();
        let number = self.ulns.take();
        Learner {
            reference: format!("L{:05}", nth + 1),
            uln: if uln_kind < NO_ULN {
                None
            } else if uln_kind < NO_ULN + TEMPORARY_ULN {
                Some(ULN_UNKNOWN.to_owned())
            } else {
                Some(number)
            },
            birth: start.saturating_sub((age_days as i32).days()),
            sex: self.mixes.sex[tier].pick(draw),
            ethnicity: self.mixes.ethnicity.pick(draw),
            disability,
            prior,
            district: self.district(draw),
        }
    }

    fn age_band(&self, draw: &mut Draw, tier: usize, audience: &str) -> usize {
        let (favoured, factor): (&[&str], f64) = match audience {
            "young-people" => (&["under-19", "19-24"], 14.0),
            "older-people" => (&["50-64", "65-and-over"], 10.0),
            "out-of-work" => (&["19-24", "25-49", "50-64"], 2.0),
            _ => (&["25-49", "50-64"], 2.5),
        };
        let code = self.mixes.age[tier].pick_favouring(draw, favoured, factor);
        AGES.iter()
            .position(|(band, ..)| *band == code)
            .unwrap_or(2)
    }

    fn district(&self, draw: &mut Draw) -> Option<String> {
        if draw.chance(NO_DISTRICT) {
            return None;
        }
        let weights: Vec<f64> = self.districts.iter().map(|(_, weight)| *weight).collect();
        self.districts
            .get(draw.index(&weights))
            .map(|(code, _)| code.clone())
    }
}

/// Status before, with the people favoured whom the programme is for.
fn suited(prior: &Mix, audience: &str) -> Mix {
    let favoured: &[&str] = match audience {
        "people-in-work" => &["employed", "self-employed"],
        "out-of-work" => &["unemployed", "economically-inactive"],
        "small-businesses" => &["self-employed", "employed"],
        "older-people" => &["retired", "economically-inactive"],
        _ => &[],
    };
    prior.clone().favour(favoured, 4.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_follow_the_rule() {
        // 1 0 0 0 0 0 0 0 2: 10 + 2 * 2 = 14, 14 mod 11 = 3, 10 - 3 = 7.
        assert_eq!(uln(100_000_002).as_deref(), Some("1000000027"));
        // 10 + 6 * 2 = 22: remainder 0, no such ULN.
        assert_eq!(uln(100_000_006), None);
        // 10 + 1 * 2 = 12: remainder 1, check digit 9.
        assert_eq!(uln(100_000_001).as_deref(), Some("1000000019"));
    }

    #[test]
    fn a_range_never_repeats() {
        let mut range = UlnRange::of("E37000051");
        let taken: Vec<String> = (0..500).map(|_| range.take()).collect();
        assert!(taken.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(
            taken
                .iter()
                .all(|number| number.len() == 10 && number.starts_with("9951"))
        );
    }
}
