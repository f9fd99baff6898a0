//! What an ILR file may hold, by year: our own table of the published schemas (`schema.txt` names them) and their types.

use std::sync::LazyLock;

use jiff::civil::{Date, DateTime};

/// A year of the ILR.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Year(
    /// Calendar year in which the teaching year begins, on 1 August.
    u16,
);

impl Year {
    /// The first and the last year that are read.
    const SPAN: std::ops::RangeInclusive<u16> = 2016..=2025;

    /// The year of a target namespace; `Err` for one of the ILR with a year that is not read, `None` for any other.
    pub(super) fn of_namespace(namespace: &str) -> Option<Result<Self, ()>> {
        let (owner, years) = namespace.split_once("/ILR/")?;
        if !["SFA", "ESFA"].contains(&owner) {
            return None;
        }
        let begins = years.get(..4).and_then(|year| year.parse::<u16>().ok());
        let year = begins.map(Self).filter(|year| {
            Self::SPAN.contains(&year.0) && year.owner() == owner && year.title() == years
        });
        Some(year.ok_or(()))
    }

    /// The year that began on 1 August of a calendar year; `None` outside the years that are read.
    #[must_use]
    pub fn beginning(year: u16) -> Option<Self> {
        Self::SPAN.contains(&year).then_some(Self(year))
    }

    /// The calendar year in which it begins.
    #[must_use]
    pub fn begins(self) -> u16 {
        self.0
    }

    /// Its first day.
    #[must_use]
    pub fn first_day(self) -> Date {
        jiff::civil::date(self.0.cast_signed(), 8, 1)
    }

    /// Such as 2018-19.
    #[must_use]
    pub fn title(self) -> String {
        format!("{}-{:02}", self.0, (self.0 + 1) % 100)
    }

    /// As the field Year has it, such as 1819.
    pub(super) fn short(self) -> String {
        format!("{:02}{:02}", self.0 % 100, (self.0 + 1) % 100)
    }

    /// Who published its schema: the Skills Funding Agency until 2017-18.
    fn owner(self) -> &'static str {
        if self.0 < 2018 { "SFA" } else { "ESFA" }
    }

    /// Whether files of it are held to its published schema; files of other years are read by documentation.
    #[must_use]
    pub fn is_checked(self) -> bool {
        [2018, 2020].contains(&self.0)
    }
}

/// What an element's text has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Text(usize),
    Char,
    Is(&'static str),
    Year,
    Ref,
    Word(usize),
    Digits(usize),
    Digit(usize),
    Name,
    Line,
    Mail,
    Ucas,
    Int(usize),
    Range(i64, i64),
    Tenths(i64, i64),
    Date,
    Time,
}

/// An element.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: &'static str,
    pub(super) least: usize,
    pub(super) most: usize,
    /// Of an element without others in it.
    pub(super) kind: Option<Type>,
    pub(super) children: Vec<Node>,
}

static ALL: LazyLock<[Node; 3]> =
    LazyLock::new(|| [tree(Some("1819")), tree(Some("2021")), tree(None)]);

/// The root of a year's files. Of a year that is not held to its schema: every element of any.
pub(super) fn root(year: Year) -> &'static Node {
    match year.0 {
        2018 => &ALL[0],
        2020 => &ALL[1],
        _ => &ALL[2],
    }
}

/// Reads the table: of one schema, or of all.
fn tree(schema: Option<&str>) -> Node {
    let lines = include_str!("schema.txt")
        .lines()
        .filter(|line| !line.starts_with('#'));
    // What is open, by level.
    let mut open: Vec<Node> = Vec::new();
    // The level below which everything belongs to another schema.
    let mut other = usize::MAX;
    for line in lines {
        let level = line.len() - line.trim_start().len();
        if level > other {
            continue;
        }
        other = usize::MAX;
        let (line, only) = match line.split_once(" @") {
            Some((line, year)) => (line, Some(year)),
            None => (line, None),
        };
        if schema.is_some() && only.is_some() && only != schema {
            other = level;
            continue;
        }
        close(&mut open, level);
        open.push(node(line.trim_start()));
    }
    close(&mut open, 1);
    open.pop().expect("the table has a root")
}

/// Ends what is open at a level or below.
fn close(open: &mut Vec<Node>, level: usize) {
    while open.len() > level.max(1) {
        let done = open.pop();
        if let (Some(done), Some(parent)) = (done, open.last_mut()) {
            parent.children.push(done);
        }
    }
}

fn node(line: &'static str) -> Node {
    let (head, kind) = line.split_once(' ').unwrap_or((line, ""));
    let end = head.find(['?', '*', '+']).unwrap_or(head.len());
    let (name, occurs) = head.split_at(end);
    let (least, most) = match occurs {
        "" => (1, 1),
        "?" => (0, 1),
        "*" => (0, usize::MAX),
        "+" => (1, usize::MAX),
        many => (0, number(&many[1..])),
    };
    Node {
        name,
        least,
        most,
        kind: (!kind.is_empty()).then(|| read_type(kind)),
        children: Vec::new(),
    }
}

fn number<N: std::str::FromStr>(text: &str) -> N {
    let number = text.parse().ok();
    number.expect("the table's numbers are numbers: a test reads all of it")
}

fn read_type(text: &'static str) -> Type {
    let mut words = text.split(' ');
    let name = words.next().unwrap_or_default();
    let rest = words.collect::<Vec<_>>();
    match (name, rest.as_slice()) {
        ("text", [most]) => Type::Text(number(most)),
        ("char", []) => Type::Char,
        ("is", [text]) => Type::Is(text),
        ("year", []) => Type::Year,
        ("ref", []) => Type::Ref,
        ("word", [most]) => Type::Word(number(most)),
        ("digits", [most]) => Type::Digits(number(most)),
        ("digit", [most]) => Type::Digit(number(most)),
        ("name", []) => Type::Name,
        ("line", []) => Type::Line,
        ("mail", []) => Type::Mail,
        ("ucas", []) => Type::Ucas,
        ("int", [most]) => Type::Int(number(most)),
        ("range", [least, most]) => Type::Range(number(least), number(most)),
        ("tenths", [least, most]) => Type::Tenths(number(least), number(most)),
        ("date", []) => Type::Date,
        ("time", []) => Type::Time,
        _ => unreachable!("the table has no other type: a test reads all of it"),
    }
}

impl Type {
    /// Whether a text is of the type, in a file of that year.
    pub(super) fn takes(self, text: &str, year: Year) -> bool {
        let length = || text.chars().count();
        let all = |is: fn(&char) -> bool| text.chars().all(|c| is(&c));
        let up_to = |most: usize| (1..=most).contains(&length());
        match self {
            Self::Text(most) => up_to(most) && all(is_restricted),
            Self::Char => length() == 1 && all(is_restricted),
            Self::Is(wanted) => text == wanted,
            Self::Year => text == year.short(),
            Self::Ref => up_to(12) && all(|c| c.is_ascii_alphanumeric() || *c == ' '),
            Self::Word(most) => up_to(most) && all(char::is_ascii_alphanumeric),
            Self::Digits(most) => up_to(most) && all(char::is_ascii_digit),
            Self::Digit(exactly) => length() == exactly && all(char::is_ascii_digit),
            Self::Name => up_to(100) && all(|c| !c.is_ascii_digit() && !"\r\n\t|\"".contains(*c)),
            Self::Line => {
                up_to(50) && all(|c| c.is_ascii_alphanumeric() || " ~!@&'\\()*+,-./:;".contains(*c))
            }
            Self::Mail => up_to(100) && all(is_restricted) && is_between(text),
            Self::Ucas => {
                let (head, tail) = text.split_at_checked(2).unwrap_or(("", ""));
                let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
                text.len() == 9 && digits(text)
                    || text.len() == 4
                        && head.bytes().all(|b| b.is_ascii_alphabetic())
                        && digits(tail)
            }
            Self::Int(digits) => whole(text).is_some_and(|n| {
                i32::try_from(n).is_ok() && n.unsigned_abs().to_string().len() <= digits
            }),
            Self::Range(least, most) => whole(text).is_some_and(|n| (least..=most).contains(&n)),
            Self::Tenths(least, most) => tenths(text).is_some_and(|n| (least..=most).contains(&n)),
            Self::Date => date(text).is_some(),
            Self::Time => time(text).is_some(),
        }
    }
}

/// Something before an `@` and something after it.
fn is_between(text: &str) -> bool {
    text.char_indices()
        .any(|(at, c)| c == '@' && at > 0 && at + 1 < text.len())
}

/// The schemas' set of characters for most texts.
fn is_restricted(c: &char) -> bool {
    c.is_ascii_alphanumeric() || " ~!@#$%&'()*+,-./:;<=>?[\\]_{}^\u{a3}\u{20ac}".contains(*c)
}

/// What XML Schema's types that are no texts leave out around them.
pub(super) fn collapsed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

/// A whole number as XML Schema writes it (part 2, section 3.3.13).
pub(super) fn whole(text: &str) -> Option<i64> {
    let text = collapsed(text);
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_good = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    is_good.then(|| text.parse().ok()).flatten()
}

/// A decimal number with at most one digit after the point that counts, in tenths.
fn tenths(text: &str) -> Option<i64> {
    let text = collapsed(text);
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let negative = text.starts_with('-');
    let (ones, part) = digits.split_once('.').unwrap_or((digits, ""));
    let part = part.trim_end_matches('0');
    let is_good = digits.bytes().any(|b| b.is_ascii_digit())
        && ones.bytes().chain(part.bytes()).all(|b| b.is_ascii_digit())
        && part.len() <= 1;
    if !is_good {
        return None;
    }
    let number = |text: &str| match text {
        "" => Some(0),
        text => text.parse::<i64>().ok(),
    };
    let amount = number(ones)?.checked_mul(10)?.checked_add(number(part)?)?;
    Some(if negative { -amount } else { amount })
}

/// A date as XML Schema writes it (part 2, section 3.2.9), its time zone left out.
pub(super) fn date(text: &str) -> Option<Date> {
    let (date, zone) = collapsed(text).split_at_checked(10)?;
    is_zone(zone).then(|| plain_date(date)).flatten()
}

fn plain_date(text: &str) -> Option<Date> {
    let &[a, b, c, d, b'-', e, f, b'-', g, h] = text.as_bytes() else {
        return None;
    };
    let digits = [a, b, c, d, e, f, g, h].iter().all(u8::is_ascii_digit);
    let date: Option<Date> = digits.then(|| text.parse().ok()).flatten();
    date.filter(|date| date.year() > 0)
}

/// A moment as XML Schema writes it (part 2, section 3.2.7), its time zone and parts of seconds left out.
pub(super) fn time(text: &str) -> Option<DateTime> {
    let (date, rest) = collapsed(text).split_at_checked(10)?;
    let date = plain_date(date)?;
    let (clock, rest) = rest.strip_prefix('T')?.split_at_checked(8)?;
    let &[a, b, b':', c, d, b':', e, f] = clock.as_bytes() else {
        return None;
    };
    let two = |tens: u8, ones: u8| {
        let good = tens.is_ascii_digit() && ones.is_ascii_digit();
        good.then(|| ((tens - b'0') * 10 + ones - b'0').cast_signed())
    };
    let (hour, minute, second) = (two(a, b)?, two(c, d)?, two(e, f)?);
    let zone = match rest.strip_prefix('.') {
        Some(part) => {
            let zone = part.trim_start_matches(|c: char| c.is_ascii_digit());
            (zone.len() < part.len()).then_some(zone)?
        }
        None => rest,
    };
    if !is_zone(zone) {
        return None;
    }
    if (hour, minute, second) == (24, 0, 0) {
        return Some(date.tomorrow().ok()?.at(0, 0, 0, 0));
    }
    let time = jiff::civil::Time::new(hour, minute, second, 0).ok()?;
    Some(date.to_datetime(time))
}

fn is_zone(text: &str) -> bool {
    match text.as_bytes() {
        [] | b"Z" => true,
        &[b'+' | b'-', a, b, b':', c, d] => {
            let digits = [a, b, c, d].iter().all(u8::is_ascii_digit);
            let number = |tens: u8, ones: u8| u32::from(tens - b'0') * 10 + u32::from(ones - b'0');
            digits && {
                let (hours, minutes) = (number(a, b), number(c, d));
                hours < 14 && minutes < 60 || hours == 14 && minutes == 0
            }
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECKED: Year = Year(2018);

    #[test]
    fn years_are_those_of_the_namespaces() {
        let year = |text| Year::of_namespace(text);
        assert_eq!(year("ESFA/ILR/2018-19"), Some(Ok(Year(2018))));
        assert_eq!(year("SFA/ILR/2016-17"), Some(Ok(Year(2016))));
        assert_eq!(year("ESFA/ILR/2025-26"), Some(Ok(Year(2025))));
        for unknown in [
            "ESFA/ILR/2026-27",
            "SFA/ILR/2018-19",
            "ESFA/ILR/2017-18",
            "ESFA/ILR/2018-20",
            "ESFA/ILR/",
            "ESFA/ILR/é",
        ] {
            assert_eq!(year(unknown), Some(Err(())), "{unknown}");
        }
        for other in [
            "",
            "ILR",
            "http://www.w3.org/1999/xhtml",
            "HMRC/ILR/2018-19",
        ] {
            assert_eq!(year(other), None, "{other}");
        }
        assert_eq!(Year(2018).short(), "1819");
        assert_eq!(Year(2018).first_day(), jiff::civil::date(2018, 8, 1));
    }

    /// The table is read whole, and its schemas differ where they should.
    #[test]
    fn each_schema_has_its_own_elements() {
        fn names(node: &Node) -> Vec<(&'static str, usize)> {
            let below = node.children.iter().flat_map(names);
            std::iter::once((node.name, node.most))
                .chain(below)
                .collect()
        }
        let [old, new, all] = &*ALL;
        let (old, new) = (names(old), names(new));
        assert_eq!((old.len(), new.len(), names(all).len()), (162, 163, 169));
        let only = |ours: &[(&'static str, usize)], theirs: &[(&str, usize)]| -> Vec<&str> {
            let own = ours.iter().filter(|name| !theirs.contains(name));
            own.map(|(name, _)| *name).collect()
        };
        assert_eq!(only(&old, &new), ["OTJHours", "LearnerFAM", "AgreeId"]);
        assert_eq!(
            only(&new, &old),
            ["LearnerFAM", "PHours", "OTJActHours", "LSDPostcode"]
        );
    }

    #[test]
    fn types_take_what_xml_schema_takes() {
        let takes = |kind: Type, good: &[&str], bad: &[&str]| {
            for (texts, expected) in [(good, true), (bad, false)] {
                for text in texts {
                    assert_eq!(kind.takes(text, CHECKED), expected, "{kind:?} {text:?}");
                }
            }
        };
        takes(
            Type::Text(3),
            &["a", "£ €", "A_^"],
            &["", "abcd", "é", "a\"", "a|"],
        );
        takes(Type::Ref, &["A 1"], &["", "A-1", "1234567890123"]);
        takes(
            Type::Mail,
            &["a@b", "@@@"],
            &["@", "a@", "@b", "ab", "a @\u{e9}"],
        );
        takes(
            Type::Ucas,
            &["123456789", "aB12"],
            &["12345678", "ab1", "1b12", "éé"],
        );
        takes(
            Type::Int(2),
            &["7", "07", " 12\n", "+1", "-99", "012"],
            &["", "100", "1.0", "- 1", "x"],
        );
        takes(
            Type::Range(0, 9),
            &["0", "9", "-0"],
            &["10", "-1", "99999999999999999999"],
        );
        takes(
            Type::Tenths(1, 3_000),
            &["0.1", ".5", "300", "300.00", "7."],
            &["0", "300.1", "0.05", ".", "", "1.2.3"],
        );
        takes(
            Type::Date,
            &["2018-08-01", "2018-08-01Z", " 2018-08-01+14:00 "],
            &[
                "2018-02-30",
                "0000-01-01",
                "2018-8-1",
                "2018-08-01+14:01",
                "2018-08-01T00:00:00",
            ],
        );
        takes(
            Type::Time,
            &[
                "2018-06-26T11:14:05",
                "2018-04-09T10:22:23.1851006+01:00",
                "2018-12-31T24:00:00Z",
            ],
            &[
                "2018-06-26",
                "2018-06-26T11:14",
                "2018-06-26T24:00:01",
                "2018-06-26T11:14:05.",
                "2018-06-26T1é:14:05",
            ],
        );
        takes(Type::Name, &["Ünal", "a"], &["", "a1", "a\t"]);
        takes(Type::Line, &["1 High St, Flat 2"], &["", "a\nb", "é"]);
    }
}
