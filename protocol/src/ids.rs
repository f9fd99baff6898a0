//! Identifiers: node slugs, GSS codes, periods, digests. Parse, don't validate: a value of one of
//! these types is well formed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Text that is not a well-formed identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a {what}: expected {expected}")]
pub struct IdError {
    /// The kind of identifier that was wanted.
    pub what: &'static str,
    /// Its form, for the person who typed it. The rejected text itself is never quoted: it may be personal.
    pub expected: &'static str,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $expected:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let check: fn(&str) -> bool = $check;
                if check(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(IdError { what: $what, expected: $expected })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// A node's name, fixed by its invite. Not a GSS code: followers and successors have none.
    NodeSlug,
    "node name",
    "2 to 32 characters of a-z, 0-9 and hyphen",
    |t| (2..=32).contains(&t.len())
        && t.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
);

text_id!(
    /// A Government Statistical Service area code (ONS Code History Database): a letter for the
    /// country and eight digits, the first two of them the kind of area.
    Gss,
    "GSS code",
    "a letter E, K, N, S or W and eight digits, such as E08000025",
    |t| t.len() == 9
        && matches!(t.as_bytes()[0], b'E' | b'K' | b'N' | b'S' | b'W')
        && t.bytes().skip(1).all(|b| b.is_ascii_digit())
);

text_id!(
    /// The id of an accepted pledge, as it stands in code lists.
    PledgeId,
    "pledge id",
    "2 to 64 characters of a-z, 0-9 and hyphen",
    |t| (2..=64).contains(&t.len())
        && t != "none"
        && t.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
);

text_id!(
    /// What a questionnaire calls itself, its questions and their choices.
    QuestionId,
    "name",
    "1 to 40 characters of a-z, 0-9 and hyphen",
    |t| (1..=40).contains(&t.len())
        && t.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
);

/// A calendar month, written `YYYY-MM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period {
    year: i16,
    month: i8,
}

impl Period {
    /// The month of `year` (2000 to 2199) and `month` (1 to 12).
    ///
    /// # Errors
    /// [`IdError`] outside those ranges.
    pub fn new(year: i16, month: i8) -> Result<Self, IdError> {
        if (2000..=2199).contains(&year) && (1..=12).contains(&month) {
            Ok(Self { year, month })
        } else {
            Err(IdError {
                what: "period",
                expected: "YYYY-MM between 2000-01 and 2199-12",
            })
        }
    }

    /// The month that `date` lies in; `None` outside 2000 to 2199.
    #[must_use]
    pub fn of(date: jiff::civil::Date) -> Option<Self> {
        Self::new(date.year(), date.month()).ok()
    }

    /// Calendar year.
    #[must_use]
    pub fn year(self) -> i16 {
        self.year
    }

    /// Month of the year, 1 to 12.
    #[must_use]
    pub fn month(self) -> i8 {
        self.month
    }

    /// Months since 2000-01.
    #[must_use]
    pub fn index(self) -> i32 {
        (i32::from(self.year) - 2000) * 12 + i32::from(self.month) - 1
    }

    /// The month `n` later (earlier when negative); `None` outside 2000 to 2199.
    #[must_use]
    pub fn plus(self, n: i32) -> Option<Self> {
        let index = self.index().checked_add(n)?;
        let year = i16::try_from(index.div_euclid(12) + 2000).ok()?;
        let month = i8::try_from(index.rem_euclid(12) + 1).ok()?;
        Self::new(year, month).ok()
    }

    /// The following month; `None` after 2199-12.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        self.plus(1)
    }

    /// First day of the month.
    #[must_use]
    pub fn first_day(self) -> jiff::civil::Date {
        jiff::civil::date(self.year, self.month, 1)
    }

    /// For people: `March 2022`.
    #[must_use]
    pub fn in_words(self) -> String {
        const NAMES: [&str; 12] = [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ];
        let name = NAMES
            .get(usize::try_from(self.month - 1).unwrap_or(0))
            .unwrap_or(&"");
        format!("{name} {}", self.year)
    }
}

impl FromStr for Period {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let wrong = IdError {
            what: "period",
            expected: "YYYY-MM between 2000-01 and 2199-12",
        };
        let bytes = text.as_bytes();
        let digits = |r: std::ops::Range<usize>| bytes[r].iter().all(u8::is_ascii_digit);
        if bytes.len() != 7 || bytes[4] != b'-' || !digits(0..4) || !digits(5..7) {
            return Err(wrong);
        }
        let year = text[..4].parse().map_err(|_| wrong.clone())?;
        let month = text[5..].parse().map_err(|_| wrong)?;
        Self::new(year, month)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl TryFrom<String> for Period {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> String {
        period.to_string()
    }
}

/// A SHA-256 digest, written as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

impl Digest {
    /// 64 zeros: the `prev` of a node's first statement.
    pub const ZERO: Self = Self([0; 32]);

    /// SHA-256 of `bytes` (FIPS 180-4).
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest with these 32 bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The hex digits in blocks of four, for two people to compare over the telephone.
    #[must_use]
    pub fn in_blocks(&self) -> String {
        let hex = hex::encode(self.0);
        let blocks: Vec<&str> = (0..hex.len())
            .step_by(4)
            .map(|at| &hex[at..at + 4])
            .collect();
        blocks.join(" ")
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let wrong = IdError {
            what: "digest",
            expected: "64 lower-case hex digits",
        };
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(wrong);
        }
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| wrong)?;
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for Digest {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> String {
        digest.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn slugs_refuse_what_a_path_could_abuse() {
        for bad in [
            "",
            "a",
            "A-b",
            "../etc",
            "a b",
            "é-x",
            "x".repeat(33).as_str(),
        ] {
            assert!(bad.parse::<NodeSlug>().is_err(), "{bad}");
        }
        assert_eq!(
            "black-country".parse::<NodeSlug>().unwrap().as_str(),
            "black-country"
        );
    }

    #[test]
    fn periods_refuse_other_spellings() {
        for bad in [
            "2022-1",
            "2022-13",
            "2022-00",
            "1999-12",
            "2022/01",
            "+022-01",
            "2022-01-01",
        ] {
            assert!(bad.parse::<Period>().is_err(), "{bad}");
        }
    }

    #[test]
    fn digest_of_the_empty_string_is_the_published_one() {
        // FIPS 180-4 example vectors (NIST CAVP).
        assert_eq!(
            Digest::of(b"").to_string(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    proptest! {
        #[test]
        fn period_arithmetic_and_text_agree(year in 2000i16..2190, month in 1i8..=12, n in 0i32..100) {
            let p = Period::new(year, month).unwrap();
            prop_assert_eq!(p.to_string().parse::<Period>().unwrap(), p);
            let q = p.plus(n).unwrap();
            prop_assert_eq!(q.index() - p.index(), n);
            prop_assert_eq!(q.plus(-n), Some(p));
        }
    }
}
