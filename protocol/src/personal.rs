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

/// Patterns in the order in which a place is claimed: a telephone number may hold ten digits.
///
/// NI number: HMRC NIM39110 (prefix letters, six digits, suffix A to D). Postcode: BS 7666 as
/// published by the Cabinet Office (Government Data Standards Catalogue). Telephone: UK numbers
/// with +44 or a leading 0, ten or eleven digits, grouped by spaces, hyphens or brackets.
fn patterns() -> &'static [(PersonalKind, Regex)] {
    static PATTERNS: OnceLock<Vec<(PersonalKind, Regex)>> = OnceLock::new();
    PATTERNS.get_or_init(|| {
        [
            (PersonalKind::Email, r"(?i-u)[a-z0-9._%+'\-]+@[a-z0-9\-]+(\.[a-z0-9\-]+)+"),
            (
                PersonalKind::NationalInsuranceNumber,
                r"(?i-u)\b[a-ceghj-pr-tw-z][a-ceghj-npr-tw-z][ \-]?([0-9][ \-]?){6}[a-d]\b",
            ),
            (PersonalKind::Telephone, r"(?-u)(\+44[ \-]?(\(0\)[ \-]?)?|\b0|\(0)([0-9][ \-()]{0,2}){8,9}[0-9]\b"),
            (PersonalKind::Uln, r"(?-u)\b([0-9][ ]?){9}[0-9]\b"),
            (
                PersonalKind::Postcode,
                r"(?i-u)\b(gir ?0aa|[a-pr-uwyz]([0-9]{1,2}|[a-hk-y][0-9]|[a-hk-y][0-9][0-9]|[0-9][a-hjkps-uw]|[a-hk-y][0-9][abehmnprv-y]) ?[0-9][abd-hjlnp-uw-z]{2})\b",
            ),
        ]
        .into_iter()
        .map(|(kind, pattern)| {
            (kind, Regex::new(pattern).expect("a constant pattern, compiled by this module's tests"))
        })
        .collect()
    })
}

/// Every place in `text` that looks like personal data, in order, none overlapping.
#[must_use]
pub fn find(text: &str) -> Vec<Found> {
    let mut claimed: Vec<(usize, usize, PersonalKind)> = Vec::new();
    for (kind, pattern) in patterns() {
        for hit in pattern.find_iter(text) {
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
