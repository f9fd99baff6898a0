//! The checks of single facts: ULN, age, stage, place, change between two answers.

use jiff::civil::Date;
use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::Gss;
use ldsp_protocol::personal;
use ldsp_protocol::standard::{Dimension, NOT_STATED, Standard};

use super::Column;
use crate::import::faults;
use crate::import::report::Fault;
use crate::import::rows::Row;
use crate::import::values;

/// The live code of a district and whether `lep` owns it; `None` for a code that is none. Wales,
/// Scotland and Northern Ireland are outside every LEP, and their codes are taken as they come.
pub(in crate::import) fn locate(code: &Gss, lep: &Gss) -> Option<(Gss, bool)> {
    match Geography::embedded().district(code) {
        Some(district) => Some((district.code.clone(), &district.owner == lep)),
        None => ["W06", "S12", "N09"]
            .iter()
            .any(|kind| code.as_str().starts_with(kind))
            .then(|| (code.clone(), false)),
    }
}

/// Ten digits, the first not 0, with their check digit.
pub(super) fn check_uln(uln: &str) -> Result<(), Fault> {
    let digits = uln.as_bytes();
    if digits.len() != 10 || !digits.iter().all(u8::is_ascii_digit) || digits[0] == b'0' {
        return Err(faults::ULN_FORM);
    }
    if personal::is_uln(digits) {
        Ok(())
    } else {
        Err(faults::ULN_CHECK)
    }
}

/// The code's position; an empty field is "not stated".
pub(super) fn code(row: &mut Row<'_>, column: Column, dimension: Dimension) -> Option<u8> {
    values::code(row, column, dimension, NOT_STATED)
}

pub(super) fn is_leaver(stage: u8) -> bool {
    ["achieved", "completed-without-achievement", "withdrawn"]
        .iter()
        .any(|id| Standard::current().parse_stage(id) == Some(usize::from(stage)))
}

pub(super) fn stage(row: &mut Row<'_>, end: Option<Date>) -> Option<u8> {
    let text = row.text(Column::Stage);
    if text.is_empty() {
        row.problem(Column::Stage, faults::REQUIRED);
        return None;
    }
    let stage = Standard::current()
        .parse_stage(text)
        .and_then(|at| u8::try_from(at).ok());
    let Some(stage) = stage else {
        row.problem(Column::Stage, faults::STAGE);
        return None;
    };
    let going_on = Standard::current().parse_stage("in-progress") == Some(usize::from(stage));
    if going_on && end.is_some() {
        row.problem(Column::End, faults::END_OPEN);
    }
    if is_leaver(stage) && row.text(Column::End).is_empty() {
        row.problem(Column::End, faults::END_MISSING);
    }
    Some(stage)
}

/// The age band at the start, from birth date or age; neither is "not stated".
pub(super) fn age(row: &mut Row<'_>, start: Option<Date>, today: Date) -> Option<u8> {
    let born = values::date(row, Column::BirthDate);
    let text = row.text(Column::Age);
    let stated: Option<i64> = if text.is_empty() {
        None
    } else {
        let age = values::whole(text, 0, 999);
        if age.is_none() {
            row.problem(Column::Age, faults::AGE_FORM);
            return None;
        }
        age
    };
    let computed = match (born, start) {
        (Some(born), Some(start)) if born > start => {
            row.problem(Column::BirthDate, faults::BIRTH_AFTER);
            return None;
        }
        (Some(born), _) if born > today => {
            row.problem(Column::BirthDate, faults::BIRTH_AFTER);
            return None;
        }
        (Some(born), Some(start)) => Some(years(born, start)),
        _ => None,
    };
    if computed.zip(stated).is_some_and(|(a, b)| a != b) {
        row.problem(Column::Age, faults::AGE_DIFFERS);
        return None;
    }
    let Some(age) = computed.or(stated) else {
        return position(Dimension::Age, NOT_STATED);
    };
    if !(5..=110).contains(&age) {
        let column = if born.is_some() {
            Column::BirthDate
        } else {
            Column::Age
        };
        row.problem(column, faults::AGE);
        return None;
    }
    let band = match age {
        ..19 => "under-19",
        19..25 => "19-24",
        25..50 => "25-49",
        50..65 => "50-64",
        _ => "65-and-over",
    };
    position(Dimension::Age, band)
}

/// Whole years from `born` to `at`. Who is born on 29 February is a year older on 1 March.
fn years(born: Date, at: Date) -> i64 {
    let before_birthday = (at.month(), at.day()) < (born.month(), born.day());
    i64::from(at.year()) - i64::from(born.year()) - i64::from(before_birthday)
}

fn position(dimension: Dimension, id: &str) -> Option<u8> {
    Standard::current()
        .parse_code(dimension, id)
        .and_then(|at| u8::try_from(at).ok())
}

/// What a learner answered of one thing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Answered {
    /// At the start, while nothing is known of the follow-up.
    pub(super) begun: Option<u8>,
    /// What came of both answers: less, the same or more, 0, 1 or 2 in both dimensions' lists (fell, same, rose; fewer, same, more).
    pub(super) both: Option<u8>,
}

/// Confidence and everyday use, each from the answers before and after.
pub(super) fn answers(row: &mut Row<'_>) -> [Answered; 2] {
    let confidence = answered(
        row,
        (Column::ConfidenceBefore, Column::ConfidenceAfter),
        (1, 10),
        faults::CONFIDENCE,
    );
    let everyday = answered(
        row,
        (Column::EverydayBefore, Column::EverydayAfter),
        (0, 5),
        faults::EVERYDAY,
    );
    [confidence, everyday]
}

fn answered(
    row: &mut Row<'_>,
    (before, after): (Column, Column),
    (least, most): (i64, i64),
    fault: Fault,
) -> Answered {
    let texts = [before, after].map(|column| row.text(column));
    if texts.iter().all(|text| text.is_empty()) {
        return Answered::default();
    }
    let mut answers: [Option<u8>; 2] = [None; 2];
    for (at, column) in [before, after].into_iter().enumerate() {
        if texts[at].is_empty() {
            if at == 0 {
                row.problem(column, faults::PAIR);
            }
            continue;
        }
        let answer = values::whole(texts[at], least, most);
        answers[at] = answer.and_then(|answer| u8::try_from(answer).ok());
        if answers[at].is_none() {
            row.problem(column, fault);
        }
    }
    match answers {
        [Some(before), Some(after)] => Answered {
            begun: None,
            both: Some(match after.cmp(&before) {
                std::cmp::Ordering::Less => 0,
                std::cmp::Ordering::Equal => 1,
                std::cmp::Ordering::Greater => 2,
            }),
        },
        [before, _] => Answered {
            begun: before.filter(|_| texts[1].is_empty()),
            both: None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn the_check_digit_of_a_uln_is_checked() {
        for good in ["1000000027", "1000000035"] {
            assert!(check_uln(good).is_ok(), "{good}");
        }
        for (bad, code) in [
            ("1000000028", "uln-check"),
            ("0000000000", "uln-form"),
            ("100000002", "uln-form"),
            ("10000000277", "uln-form"),
            ("1000 00027", "uln-form"),
            ("1E+09", "uln-form"),
            ("١٠٠٠٠٠٠٠٢٧", "uln-form"),
        ] {
            assert_eq!(check_uln(bad).unwrap_err().code, code, "{bad}");
        }
    }

    #[test]
    fn age_changes_on_the_birthday() {
        assert_eq!(years(date(2000, 9, 2), date(2019, 9, 1)), 18);
        assert_eq!(years(date(2000, 9, 1), date(2019, 9, 1)), 19);
        assert_eq!(years(date(2004, 2, 29), date(2023, 2, 28)), 18);
        assert_eq!(years(date(2004, 2, 29), date(2023, 3, 1)), 19);
    }

    #[test]
    fn a_district_is_ours_another_leps_or_another_nations() {
        let lep: Gss = "E37000001".parse().unwrap();
        let gss = |text: &str| text.parse::<Gss>().unwrap();
        assert_eq!(locate(&gss("E08000027"), &lep).map(|p| p.1), Some(true));
        assert_eq!(locate(&gss("E06000001"), &lep).map(|p| p.1), Some(false));
        assert_eq!(locate(&gss("W06000015"), &lep).map(|p| p.1), Some(false));
        assert_eq!(locate(&gss("E99999999"), &lep), None);
    }
}
