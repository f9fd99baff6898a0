//! Personal data that free text may not hold: e-mail addresses, telephone numbers, National
//! Insurance numbers, ULNs, postcodes. The place is reported, never the text.

use std::sync::OnceLock;

use regex::Regex;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum PersonalKind {
    Email,
    Telephone,
    NationalInsuranceNumber,
    Uln,
    Postcode,
}

impl PersonalKind {
    /// For people.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Email => "an e-mail address",
            Self::Telephone => "a telephone number",
            Self::NationalInsuranceNumber => "a National Insurance number",
            Self::Uln => "a unique learner number (ten digits)",
            Self::Postcode => "a postcode",
        }
    }
}

/// Where personal data stands in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// What it looks like.
    pub kind: PersonalKind,
    /// Its first character, counted from 1.
    pub start: usize,
    /// Its last character, counted from 1.
    pub end: usize,
}

/// Patterns over [`folded`] text, in the order in which a place is claimed: a telephone number may hold ten digits.
///
/// NI number: HMRC NIM39110 (prefix letters, six digits, suffix A to D). Postcode: BS 7666 as
/// published by the Cabinet Office (Government Data Standards Catalogue). Telephone: UK numbers
/// with +44, 0044 or a leading 0, ten or eleven digits. Digits may stand in groups, set apart by spaces, hyphens, full
/// stops or brackets.
fn patterns() -> &'static [(PersonalKind, Regex)] {
    static PATTERNS: OnceLock<Vec<(PersonalKind, Regex)>> = OnceLock::new();
    PATTERNS.get_or_init(|| {
        const GAP: &str = r"[ .()\-]{0,3}";
        [
            (PersonalKind::Email, r"(?i-u)[a-z0-9._%+'\-]+ ?@ ?[a-z0-9\-]+(\.[a-z0-9\-]+)+".to_owned()),
            (
                PersonalKind::NationalInsuranceNumber,
                format!(r"(?i-u)\b[a-ceghj-pr-tw-z][a-ceghj-npr-tw-z]{GAP}([0-9]{GAP}){{6}}[a-d]\b"),
            ),
            (
                PersonalKind::Telephone,
                format!(r"(?-u)((\+|\b00)44{GAP}(\(0\){GAP})?|\b0|\(0)([0-9]{GAP}){{8,9}}[0-9]\b"),
            ),
            (PersonalKind::Uln, format!(r"(?-u)\b([0-9]{GAP}){{9}}[0-9]\b")),
            (
                PersonalKind::Postcode,
                r"(?i-u)\b(gir {0,3}0aa|[a-pr-uwyz]([0-9]{1,2}|[a-hk-y][0-9]|[a-hk-y][0-9][0-9]|[0-9][a-hjkps-uw]|[a-hk-y][0-9][abehmnprv-y]) {0,3}[0-9][abd-hjlnp-uw-z]{2})\b".to_owned(),
            ),
        ]
        .into_iter()
        .map(|(kind, pattern)| {
            (kind, Regex::new(&pattern).expect("a constant pattern, compiled by this module's tests"))
        })
        .collect()
    })
}

/// The text with one plain spelling of spaces, dashes and full-width characters, as word processors and web pages
/// put them in. Character for character, so that places stay the same.
fn folded(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\u{200b}' | '\u{2060}' | '\u{feff}' => ' ',
            c if c.is_whitespace() => ' ',
            '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
            c => c,
        })
        .collect()
}

/// Whether ten digits have a ULN's check digit (Learning Records Service: weights 10 to 2 on the first nine digits,
/// remainder of 11 not 0, tenth digit 10 less the remainder).
#[must_use]
pub fn is_uln(digits: &[u8]) -> bool {
    let [first @ .., check] = digits else {
        return false;
    };
    if digits.len() != 10 || !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let weighted: u32 = first
        .iter()
        .zip((2..=10).rev())
        .map(|(d, weight)| u32::from(d - b'0') * weight)
        .sum();
    let rest = weighted % 11;
    rest != 0 && u32::from(check - b'0') == 10 - rest
}

/// Years and counts may stand side by side: ten digits in groups are a ULN only when the check digit says so.
fn is_likely(kind: PersonalKind, text: &str) -> bool {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_digit).collect();
    kind != PersonalKind::Uln || digits.len() == text.len() || is_uln(&digits)
}

/// Every place in `text` that looks like personal data, in order, none overlapping.
#[must_use]
pub fn find(text: &str) -> Vec<Found> {
    let text = folded(text);
    let mut claimed: Vec<(usize, usize, PersonalKind)> = Vec::new();
    // Most texts hold neither, and looking for these is quicker than any pattern.
    let (at, digit) = (text.contains('@'), text.bytes().any(|b| b.is_ascii_digit()));
    let possible = |kind| {
        if kind == PersonalKind::Email {
            at
        } else {
            digit
        }
    };
    for (kind, pattern) in patterns().iter().filter(|(kind, _)| possible(*kind)) {
        for hit in pattern
            .find_iter(&text)
            .filter(|hit| is_likely(*kind, hit.as_str()))
        {
            let free = claimed
                .iter()
                .all(|(s, e, _)| hit.end() <= *s || hit.start() >= *e);
            if free {
                claimed.push((hit.start(), hit.end(), *kind));
            }
        }
    }
    claimed.sort_unstable_by_key(|(start, ..)| *start);
    let place = |byte: usize| text[..byte].chars().count();
    claimed
        .into_iter()
        .map(|(start, end, kind)| Found {
            kind,
            start: place(start) + 1,
            end: place(end),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_must_not_leave() {
        use PersonalKind::{Email, NationalInsuranceNumber, Postcode, Telephone, Uln};
        for (text, kind) in [
            ("write to jo.bloggs@example.org.uk please", Email),
            ("ring 0121 496 0000 today", Telephone),
            ("ring +44 (0)20 7946 0018", Telephone),
            ("mobile 07700-900123.", Telephone),
            ("NI AB 12 34 56 C", NationalInsuranceNumber),
            ("ab123456c", NationalInsuranceNumber),
            ("learner 9000000017 left", Uln),
            ("lives at SW1A 2AA", Postcode),
            ("m11ae", Postcode),
            ("ring 0121.496.0000 today", Telephone),
            ("ring 0044-7700-900123", Telephone),
            ("ring 07700\u{a0}900\u{a0}123", Telephone),
            ("ring 07700\u{2011}900\u{2011}123", Telephone),
            ("ring \u{ff10}7700 900123", Telephone),
            ("SW1A\u{a0}2AA", Postcode),
            ("SW1A  2AA", Postcode),
            ("learner 1000-000-027", Uln),
            ("learner 1000\u{a0}000027", Uln),
            ("AB\u{a0}12\u{a0}34\u{a0}56\u{a0}C", NationalInsuranceNumber),
        ] {
            let found = find(text);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert_eq!(found[0].kind, kind, "{text}");
        }
    }

    #[test]
    fn leaves_ordinary_prose_alone() {
        for text in [
            "In 2021/22 we reached 1,200 people in 38 areas; 12 of 40 sessions ran in libraries.",
            "Cost fell from £12,000 to £9,500 between 2021-08 and 2022-07.",
            "ICT level 2 and GCSE grade 4; see section 3.2, Windows 11, Microsoft 365.",
            "From 01/09/2021 to 31/07/2022; in 2021-2022 12 people came, in 2022-2023 15.",
        ] {
            assert_eq!(find(text), vec![], "{text}");
        }
    }

    #[test]
    fn places_are_counted_in_characters() {
        let found = find("é£ 9000000017");
        assert_eq!((found[0].start, found[0].end), (4, 13));
    }
}
