//! Values that several files share: dates, codes, numbers, postcodes.

use jiff::civil::Date;
use ldsp_protocol::standard::{Dimension, Standard};

use super::faults;
use super::report::RowProblem;
use super::rows::Row;

/// Longest text that is kept, in characters.
pub(crate) const TEXT: usize = 200;

/// A text with single spaces between its words.
pub(crate) fn one_spacing(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a text may be a programme's or an aim's code.
pub(crate) fn is_code(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-/".contains(&b))
}

/// A whole number within bounds, written with digits alone.
pub(crate) fn whole(text: &str, least: i64, most: i64) -> Option<i64> {
    let digits = (1..=10).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let number: i64 = digits.then(|| text.parse().ok())??;
    (least..=most).contains(&number).then_some(number)
}

/// A date; an empty field is none, another one that is no date is reported.
pub(crate) fn date(row: &mut Row<'_>, column: impl Into<usize>) -> Option<Date> {
    let column = column.into();
    let text = row.text(column);
    if text.is_empty() {
        return None;
    }
    let &[a, b, c, d, b'-', e, f, b'-', g, h] = text.as_bytes() else {
        row.problem(column, faults::DATE_FORM);
        return None;
    };
    if ![a, b, c, d, e, f, g, h].iter().all(u8::is_ascii_digit) {
        row.problem(column, faults::DATE_FORM);
        return None;
    }
    let digit = |byte: u8| (byte - b'0').cast_signed();
    let two = |tens, ones| digit(tens) * 10 + digit(ones);
    let year = i16::from(two(a, b)) * 100 + i16::from(two(c, d));
    let date = Date::new(year, two(e, f), two(g, h)).ok();
    let date = date.filter(|date| date.year() >= 1850);
    if date.is_none() {
        row.problem(column, faults::DATE_IMPOSSIBLE);
    }
    date
}

/// The position of a field's code in the standard; `blank` stands for an empty field.
pub(crate) fn code(
    row: &mut Row<'_>,
    column: impl Into<usize>,
    dimension: Dimension,
    blank: &str,
) -> Option<u8> {
    let column = column.into();
    let text = row.text(column);
    let wanted = if text.is_empty() { blank } else { text };
    let code = Standard::current().parse_code(dimension, wanted);
    if code.is_none() {
        row.report(column, |line, field| {
            let codes = &Standard::current().dimension(dimension).codes;
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

/// A postcode of a postcode's form: upper case, no space. Which ones exist is for the directory to say. It has no
/// `Debug`: it is somebody's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Postcode {
    bytes: [u8; 7],
    length: u8,
}

impl Postcode {
    /// Reads a postcode in capitals or not, with spaces or without; `None` for what has another form: two to four characters, then a
    /// digit and two letters (BS 7666).
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut bytes = [0; 7];
        let mut length = 0_u8;
        for c in text.chars().filter(|c| !c.is_whitespace()) {
            if !c.is_ascii_alphanumeric() {
                return None;
            }
            *bytes.get_mut(usize::from(length))? = u8::try_from(c).ok()?.to_ascii_uppercase();
            length += 1;
        }
        let postcode = Self { bytes, length };
        let form = length >= 5
            && bytes[0].is_ascii_alphabetic()
            && matches!(postcode.as_str().as_bytes(), [.., digit, a, b] if digit.is_ascii_digit() && a.is_ascii_alphabetic() && b.is_ascii_alphabetic());
        form.then_some(postcode)
    }

    /// As the directory writes it.
    pub(super) fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or_default()
    }
}
