//! Cells of downloads that spreadsheets open.

use std::borrow::Cow;

/// Characters with which a spreadsheet takes a cell for a formula, or skips to one; the wide forms are those of
/// East Asian keyboards (OWASP, "CSV Injection").
const FORMULA: [char; 11] = [
    '=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
];

/// The text of a CSV cell that no spreadsheet runs as a formula: an apostrophe goes before one that would be.
///
/// For text only. A number, with or without a sign, is written as it is, so that programs read it as one.
#[must_use]
pub fn csv_text(text: &str) -> Cow<'_, str> {
    // Some programs trim a cell before they look at it.
    if text
        .trim_start_matches([' ', '\u{a0}'])
        .starts_with(FORMULA)
    {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_text() {
        for hostile in [
            "=1+1",
            "=HYPERLINK(\"https://evil.example\")",
            "+1",
            "-2+3",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            "  =1",
            "\u{a0}=1",
            "\u{ff1d}1",
            "-",
        ] {
            assert_eq!(csv_text(hostile), format!("'{hostile}"), "{hostile:?}");
        }
    }

    #[test]
    fn other_text_is_left_alone() {
        for plain in ["", "Essex", "a=b", "3-4", "'=1", "E37000001", "65 and over"] {
            assert_eq!(csv_text(plain), plain);
        }
    }
}
