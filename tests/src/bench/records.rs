//! Learner files of any size for benches: the same bytes for the same size, quick to write, and as varied as real ones.
//!
//! 18 columns and about 160 bytes a row. A learner in twelve has a second enrolment, one in sixty no ULN; 20,000 postcodes of six districts,
//! 24 programmes, 12 providers, 200 aims, starts in 36 months. Nothing in here belongs to a person.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use jiff::civil::{Date, date};
use jiff::{Span, ToSpan as _};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};

/// The LEP whose districts the postcodes lie in, most of them.
pub(super) const LEP: &str = "E37000001";
/// A month by whose end every enrolment of a file has begun.
pub(super) const MONTH: &str = "2024-12";

const DISTRICTS: [&str; 6] = [
    "E08000027",
    "E08000028",
    "E08000030",
    "E08000031",
    "E08000028",
    "E06000001",
];
/// Postcodes of the directory.
pub(super) const POSTCODES: u32 = 20_000;
const PROGRAMMES: u32 = 24;
const PROVIDERS: [&str; 12] = [
    "Sandwell College",
    "Dudley College",
    "Walsall College",
    "Acme Training",
    "Bridge Skills",
    "Canal Street Hub",
    "Forge Learning",
    "Heath Centre",
    "Lane Academy",
    "Mill Bank CIC",
    "Oldbury Works",
    "Tipton Adult Ed",
];
const TIERS: [&str; 3] = ["basic", "general", "advanced"];
const TYPES: [&str; 4] = ["qualification", "short-course", "bootcamp", "self-directed"];
const AUDIENCES: [&str; 4] = [
    "people-in-work",
    "out-of-work",
    "young-people",
    "not-stated",
];
const SEXES: [&str; 4] = ["female", "male", "female", ""];
const ETHNICITIES: [&str; 6] = ["asian", "black", "mixed", "white", "white", "other"];
const DISABILITIES: [&str; 4] = ["yes", "no", "no", ""];
const PRIORS: [&str; 6] = [
    "employed",
    "self-employed",
    "unemployed",
    "retired",
    "in-education",
    "employed",
];
const SKILLS: [&str; 8] = [
    "foundation",
    "transacting",
    "workplace",
    "software",
    "data-and-ai",
    "design",
    "cyber-security",
    "",
];
const MODES: [&str; 3] = ["online", "blended", "face-to-face"];
const DESTINATIONS: [&str; 4] = ["sustained-employment", "further-learning", "none", ""];

const HEADER: &str = "provider,learner_ref,uln,birth_date,sex,ethnicity,disability,prior_status,postcode,aim,programme,skill,mode,start,planned_end,end,stage,destination_3m";

/// The header and `rows` lines of a learner file.
pub(super) fn lines(rows: u64) -> impl Iterator<Item = String> {
    let mut source = Source::new();
    let rows = (0..rows).map(move |_| {
        let mut line = String::new();
        source.row(&mut line);
        line.truncate(line.trim_end().len());
        line
    });
    std::iter::once(HEADER.to_owned()).chain(rows)
}

/// The programmes that learner rows refer to.
pub(super) fn programmes() -> String {
    let mut text =
        "programme,name,provider,tier,type,audience,funder,cost,capacity,start,end\n".to_owned();
    for n in 0..PROGRAMMES as usize {
        let _ = writeln!(
            text,
            "P{n:02},Programme {n},{},{},{},{},Council,,,,",
            PROVIDERS[n % PROVIDERS.len()],
            TIERS[n % TIERS.len()],
            TYPES[n % TYPES.len()],
            AUDIENCES[n / 6 % AUDIENCES.len()],
        );
    }
    text
}

/// The postcode directory.
pub(super) fn postcodes() -> String {
    let mut text = "pcds,oslaua\n".to_owned();
    for n in 0..POSTCODES {
        let district = DISTRICTS[n as usize * 7 % 97 % DISTRICTS.len()];
        let _ = writeln!(text, "{},{district}", postcode(n));
    }
    text
}

/// One of the directory's.
pub(super) fn postcode(n: u32) -> String {
    let letter = |n: u32| char::from(b'A' + u8::try_from(n % 26).unwrap_or(0));
    format!(
        "B{} {}{}{}",
        10 + n / 6_760,
        n % 10,
        letter(n / 10),
        letter(n / 260)
    )
}

/// The nine digits with their check digit; `None` for a stem without one (ILR specification, field ULN).
fn uln(stem: u64) -> Option<u64> {
    let sum: u64 = (2..=10)
        .map(|weight| stem / 10_u64.pow(weight - 2) % 10 * u64::from(weight))
        .sum();
    match sum % 11 {
        0 => None,
        rest => Some(stem * 10 + 10 - rest),
    }
}

/// Days as they are written, so that none is formatted twice.
struct Calendar(Vec<String>);

impl Calendar {
    const FIRST: Date = date(1950, 1, 1);

    fn new() -> Self {
        let days = Self::FIRST
            .series(1.day())
            .take_while(|day| *day < date(2026, 1, 1));
        Self(days.map(|day| day.to_string()).collect())
    }

    fn at(day: Date) -> usize {
        let days = Self::FIRST
            .until(day)
            .map_or(0, |span: Span| span.get_days());
        usize::try_from(days).unwrap_or(0)
    }
}

/// Writes a learner file of `rows` enrolments.
///
/// # Panics
/// When the file cannot be written.
pub(super) fn write(path: &Path, rows: u64) {
    each(path, rows, Source::new());
}

/// The same file a month later: every enrolment has another mode, and nothing else is different.
///
/// # Panics
/// As [`write`].
pub(super) fn write_later(path: &Path, rows: u64) {
    let mut source = Source::new();
    source.later = 1;
    each(path, rows, source);
}

fn each(path: &Path, rows: u64, mut source: Source) {
    let file = File::create(path).expect("a temporary folder can be written");
    let mut out = BufWriter::with_capacity(1 << 20, file);
    writeln!(out, "{HEADER}").expect("a temporary folder can be written");
    let mut line = String::new();
    for _ in 0..rows {
        line.clear();
        source.row(&mut line);
        out.write_all(line.as_bytes())
            .expect("a temporary folder can be written");
    }
    out.flush().expect("a temporary folder can be written");
}

struct Source {
    draw: ChaCha8Rng,
    calendar: Calendar,
    postcodes: Vec<String>,
    starts: (usize, u64),
    stem: u64,
    nth: u64,
    /// Provider, ULN, birth, postcode and codes of the latest learner.
    learner: String,
    provider: usize,
    aim: usize,
    /// Steps by which each mode is another one.
    later: usize,
}

impl Source {
    fn new() -> Self {
        let first = Calendar::at(date(2021, 9, 1));
        let days = Calendar::at(date(2024, 9, 1)) - first;
        Self {
            draw: ChaCha8Rng::seed_from_u64(3),
            calendar: Calendar::new(),
            postcodes: (0..POSTCODES).map(postcode).collect(),
            starts: (first, days as u64),
            stem: 123_456_789,
            nth: 0,
            learner: String::new(),
            provider: 0,
            aim: 0,
            later: 0,
        }
    }

    fn below(&mut self, most: u64) -> usize {
        usize::try_from((u64::from(self.draw.next_u32()) * most) >> 32).unwrap_or(0)
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len() as u64)]
    }

    /// Goes through every stem in an order that looks random: 300,000,007 is prime to 900,000,000.
    fn uln(&mut self) -> u64 {
        loop {
            self.stem = (self.stem - 100_000_000 + 300_000_007) % 900_000_000 + 100_000_000;
            if let Some(number) = uln(self.stem) {
                return number;
            }
        }
    }

    fn next_learner(&mut self) {
        self.nth += 1;
        self.provider = self.below(PROVIDERS.len() as u64);
        let number = self.uln();
        let unknown = self.below(60) == 0;
        let born = self.below(55 * 365);
        let sex = self.of(&SEXES);
        let ethnicity = self.of(&ETHNICITIES);
        let disability = self.of(&DISABILITIES);
        let prior = self.of(&PRIORS);
        let postcode = self.below(u64::from(POSTCODES));
        self.learner.clear();
        let number = if unknown { 9_999_999_999 } else { number };
        let _ = write!(
            self.learner,
            "{},L{:07},{number},{},{sex},{ethnicity},{disability},{prior},{}",
            PROVIDERS[self.provider], self.nth, self.calendar.0[born], self.postcodes[postcode],
        );
    }

    fn row(&mut self, line: &mut String) {
        let further = self.nth > 0 && self.below(12) == 0;
        // Each of a learner's enrolments has an aim of its own: none is the same one twice.
        if further {
            self.aim += 1;
        } else {
            self.next_learner();
            self.aim = 60_000_000 + self.below(200);
        }
        let aim = self.aim;
        let programme = self.below(u64::from(PROGRAMMES));
        let skill = self.of(&SKILLS);
        let mode = MODES[(self.below(MODES.len() as u64) + self.later) % MODES.len()];
        let start = self.starts.0 + self.below(self.starts.1);
        let length = 30 + self.below(90);
        let planned = start + length;
        let (end, stage, destination) = match self.below(10) {
            0..3 => (None, "in-progress", ""),
            3..8 => (Some(planned), "achieved", self.of(&DESTINATIONS)),
            8 => (
                Some(start + length / 2),
                "withdrawn",
                self.of(&DESTINATIONS),
            ),
            _ => (Some(planned), "completed-without-achievement", ""),
        };
        let days = &self.calendar.0;
        let end = end.map_or("", |day| days[day].as_str());
        let _ = writeln!(
            line,
            "{},{aim},P{programme:02},{skill},{mode},{},{},{end},{stage},{destination}",
            self.learner, days[start], days[planned],
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_as_long_as_stated_and_always_the_same() {
        let (mut one, mut other) = (Source::new(), Source::new());
        let (mut first, mut second) = (String::new(), String::new());
        for _ in 0..2_000 {
            one.row(&mut first);
            other.row(&mut second);
        }
        assert_eq!(first, second);
        let mean = first.len() / 2_000;
        assert!((150..170).contains(&mean), "{mean}");
        assert!(first.lines().all(|line| line.split(',').count() == 18));
    }

    #[test]
    fn a_uln_has_its_check_digit() {
        assert_eq!(uln(100_000_002), Some(1_000_000_027));
        assert_eq!(uln(100_000_003), Some(1_000_000_035));
    }
}
