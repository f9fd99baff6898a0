//! Values that several files share: dates, codes, numbers, postcodes.

use jiff::civil::Date;
use ldsp_protocol::standard::{Dimension, Standard};

use super::faults;
use super::report::RowProblem;
use super::rows::Row;

/// Longest text that is kept, in characters.
pub(super) const TEXT: usize = 200;

/// A text with single spaces between its words.
pub(super) fn one_spacing(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a text may be a programme's or an aim's code.
pub(super) fn is_code(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-/".contains(&b))
}

/// A whole number within bounds, written with digits alone.
pub(super) fn whole(text: &str, least: i64, most: i64) -> Option<i64> {
    let digits = (1..=10).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let number: i64 = digits.then(|| text.parse().ok())??;
    (least..=most).contains(&number).then_some(number)
}

/// A date; an empty field is none, another one that is no date is reported.
pub(super) fn date(row: &mut Row<'_>, column: impl Into<usize>) -> Option<Date> {
    let column = column.into();
    let text = row.text(column);
    if text.is_empty() {
        return None;
    }
    let part = |range: std::ops::Range<usize>| whole(text.get(range)?, 0, 9999);
    let separated = text.len() == 10 && text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
    let parts = || Some((part(0..4)?, part(5..7)?, part(8..10)?));
    let Some((year, month, day)) = separated.then(parts).flatten() else {
        row.problem(column, faults::DATE_FORM);
        return None;
    };
    let date = || {
        Date::new(
            year.try_into().ok()?,
            month.try_into().ok()?,
            day.try_into().ok()?,
        )
        .ok()
    };
    let date = date().filter(|date| date.year() >= 1850);
    if date.is_none() {
        row.problem(column, faults::DATE_IMPOSSIBLE);
    }
    date
}

/// The position of a field's code in the standard; `blank` stands for an empty field.
pub(super) fn code(
    row: &mut Row<'_>,
    column: impl Into<usize>,
    dimension: Dimension,
    blank: &str,
) -> Option<u8> {
    let column = column.into();
    let text = row.text(column);
    let wanted = if text.is_empty() { blank } else { text };
    let code = Standard::v1().parse_code(dimension, wanted);
    if code.is_none() {
        row.report(column, |line, field| {
            let codes = &Standard::v1().dimension(dimension).codes;
            let list: Vec<_> = codes.iter().map(|c| c.id.as_str()).collect();
            RowProblem {
                line,
                field,
                code: "code-unknown",
                cause: "This code is not in the data standard.".into(),
                remedy: format!("Use {}, or leave it empty.", list.join(", ")).into(),
            }
        });
    }
    code.and_then(|at| u8::try_from(at).ok())
}

/// A postcode's letters and digits in upper case.
pub(super) fn postcode(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

/// Whether that has a postcode's form: two to four characters, then a digit and two letters
/// (BS 7666). Which ones exist is for the directory to say.
pub(super) fn is_postcode(text: &str) -> bool {
    let bytes = text.as_bytes();
    (5..=7).contains(&bytes.len())
        && bytes.iter().all(u8::is_ascii_alphanumeric)
        && bytes[0].is_ascii_alphabetic()
        && matches!(bytes, [.., digit, a, b] if digit.is_ascii_digit() && a.is_ascii_alphabetic() && b.is_ascii_alphabetic())
}
