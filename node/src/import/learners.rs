//! Learner rows (domain.md, "Learner CSV"): a row becomes an [`Enrolment`], and its name-like parts
//! end here. ULN and reference become a pseudonym, birth date an age band, postcode a district.

mod amend;
mod checks;
mod correct;
mod directory;
mod gather;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Span;
use jiff::civil::Date;
use ldsp_protocol::ids::Gss;
use ldsp_protocol::personal;
use ldsp_protocol::standard::Dimension;

use super::faults;
use super::header::Columns;
use super::pseudonym::PseudonymKey;
use super::report::RowProblem;
use super::rows::Row;
use super::values::{self, Postcode};
use crate::store::day;
use crate::store::kept::Known;
use crate::store::providers::{Roots, folded};
use crate::store::records::persons::ident;
use crate::store::records::silent::Silent;
use crate::store::records::{Begun, Enrolment, Pseudonym};
pub(crate) use amend::{Amended, Answer, Answers, amend, answer, has_left, stage_in_words};
use checks::{age, answers, check_uln, code, is_leaver, locate, stage};
pub(crate) use correct::{Corrected, Correction, correct, row_of};
pub(super) use directory::Directory;
pub(super) use gather::{Gatherer, Valid};

macro_rules! columns {
    ($($id:ident = $name:literal),+ $(,)?) => {
        #[derive(Debug, Clone, Copy)]
        pub(super) enum Column { $($id),+ }
        impl From<Column> for usize {
            fn from(column: Column) -> Self {
                column as Self
            }
        }
        /// Column names in the order of the contract.
        pub const COLUMNS: &[&str] = &[$($name),+];
    };
}

columns! {
    Provider = "provider",
    LearnerRef = "learner_ref",
    Uln = "uln",
    BirthDate = "birth_date",
    Age = "age",
    Sex = "sex",
    Ethnicity = "ethnicity",
    Disability = "disability",
    Prior = "prior_status",
    Postcode = "postcode",
    District = "district",
    Aim = "aim",
    Programme = "programme",
    Skill = "skill",
    Mode = "mode",
    Start = "start",
    PlannedEnd = "planned_end",
    End = "end",
    Stage = "stage",
    Destination3 = "destination_3m",
    Destination6 = "destination_6m",
    Destination12 = "destination_12m",
    ConfidenceBefore = "confidence_before",
    ConfidenceAfter = "confidence_after",
    EverydayBefore = "everyday_before",
    EverydayAfter = "everyday_after",
}

pub(super) const HEADER: Columns = Columns {
    names: COLUMNS,
    required: &[
        "provider",
        "learner_ref",
        "sex",
        "aim",
        "programme",
        "skill",
        "mode",
        "start",
        "planned_end",
        "end",
        "stage",
    ],
    either: &[("birth_date", "age"), ("postcode", "district")],
};

const DESTINATIONS: [(Column, i64); 3] = [
    (Column::Destination3, 3),
    (Column::Destination6, 6),
    (Column::Destination12, 12),
];

/// The ILR's mark for a ULN that is not known yet.
pub(super) const NO_ULN: &str = "9999999999";

/// Whether a text is a unique learner number.
pub(super) fn is_uln(text: &str) -> bool {
    check_uln(text).is_ok()
}
/// The ILR's mark for an address that is not known.
const NO_POSTCODE: &str = "ZZ999ZZ";

/// A row on its way: no `Debug`, the postcode is still in it.
struct Draft {
    line: u64,
    problems: Vec<RowProblem>,
    /// Present when the row itself has no problem.
    enrolment: Option<Enrolment>,
    /// To be turned into a district.
    postcode: Option<Postcode>,
}

/// Turns rows into drafts.
pub(super) struct Parser {
    pub(super) key: PseudonymKey,
    pub(super) lep: Gss,
    /// Ids by code.
    pub(super) programmes: HashMap<String, i64>,
    pub(super) today: Date,
    /// Providers and aims that were found good, as the file writes them: the same few recur on every row.
    pub(super) clean: [HashMap<String, Kept>; 2],
    /// The providers that the node knows.
    pub(super) roots: Roots,
    /// Whether another one is taken.
    pub(super) new_providers: bool,
    /// Providers that the latest rows named, new ones among them.
    pub(super) named: Vec<Arc<str>>,
    /// The provider whose rows they are alone.
    pub(super) own: Option<Own>,
    /// The programme that all rows have to be of.
    pub(super) programme: Option<i64>,
    /// What the file says nothing of, once a row was read.
    pub(super) silent: Option<Silent>,
}

/// A provider that brings its own rows.
#[derive(Clone)]
pub(super) struct Own {
    /// Its name.
    name: Arc<str>,
    /// Its first name, folded.
    pub(super) root: Arc<str>,
    /// Whether a file has named it, or somebody described it as a training provider: not what was mistyped when a person was bound to it.
    known: bool,
}

impl Own {
    pub(super) fn new(name: &str, roots: &Roots, known: &Known) -> Self {
        Self {
            name: values::one_spacing(name).into(),
            root: roots.of(name),
            known: roots.know(name) || known.provider(name).is_some(),
        }
    }
}

/// Longest reference that is kept, in characters.
const REFERENCE: usize = 40;

/// Letters that may be a first or a last name, where there are two such pieces; and those that may be one alone.
const PIECE: usize = 3;
const NAME: usize = 5;
/// Whoever learns was born this many years ago at least.
const YOUNGEST: i16 = 10;

/// Whether a reference is two letters at most and one to seven digits, with hyphens and slashes among them: too short for anything that tells who
/// somebody is. Most references of a large file are, and the long look costs more than reading the row.
fn is_short_number(reference: &str) -> bool {
    let letters = reference
        .bytes()
        .take_while(u8::is_ascii_alphabetic)
        .count();
    let rest = &reference.as_bytes()[letters..];
    let digits = rest.iter().filter(|b| b.is_ascii_digit()).count();
    letters <= 2
        && (1..=7).contains(&digits)
        && rest.len() <= 10
        && rest.iter().all(|b| b.is_ascii_digit() || b"-/".contains(b))
}

/// Whether a reference may tell who somebody is: without a digit, with two words, with letters that may be a name, or with a day on which
/// somebody may be born.
fn tells_a_person(reference: &str, today: Date) -> bool {
    let word = |word: &&str| word.chars().filter(|c| c.is_alphabetic()).count() > 1;
    let words = reference
        .split(|c: char| c.is_whitespace() || c == ',')
        .filter(word)
        .count();
    let pieces: Vec<usize> = reference
        .split(|c: char| !c.is_alphabetic())
        .map(|piece| piece.chars().count())
        .filter(|letters| *letters >= PIECE)
        .collect();
    let letters: Vec<char> = reference.chars().collect();
    let name = letters
        .windows(3)
        .any(|three| three[0].is_uppercase() && three[1].is_lowercase() && three[2].is_lowercase());
    reference.chars().count() > REFERENCE
        || !reference.chars().any(|c| c.is_ascii_digit())
        || words > 1
        || name
        || pieces.len() > 1
        || pieces.iter().any(|letters| *letters >= NAME)
        || has_birth_date(reference, today)
        || is_shaped_for_insurance(reference)
        || !personal::find(reference).is_empty()
}

/// Whether it is two letters, six digits and A to D: a National Insurance number, with a prefix that was never given out too, as guides print it
/// and as one is mistyped.
fn is_shaped_for_insurance(reference: &str) -> bool {
    let shape: String = reference
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| match c.to_ascii_lowercase() {
            '0'..='9' => '9',
            'a'..='d' => 'd',
            _ => 'z',
        })
        .collect();
    shape.len() == 9
        && shape.ends_with('d')
        && shape[2..8].bytes().all(|c| c == b'9')
        && !shape[..2].contains('9')
}

/// Whether eight digits, written together or in three groups, are a day of somebody's birth: year first or last.
fn has_birth_date(reference: &str, today: Date) -> bool {
    let groups: Vec<&str> = reference.split(|c: char| !c.is_ascii_digit()).collect();
    let together = groups.iter().map(|digits| (*digits).to_owned());
    let apart = groups.windows(3).filter(|three| {
        let lengths = [three[0].len(), three[1].len(), three[2].len()];
        lengths == [4, 2, 2] || lengths == [2, 2, 4]
    });
    let apart = apart.map(<[&str]>::concat);
    let number = |digits: &str| digits.parse::<i16>().unwrap_or(0);
    let is_day = |year: &str, month: &str, day: &str| {
        let (year, part) = (number(year), |text| i8::try_from(number(text)).unwrap_or(0));
        (1900..=today.year() - YOUNGEST).contains(&year)
            && Date::new(year, part(month), part(day)).is_ok()
    };
    together.chain(apart).any(|d| {
        d.len() == 8
            && (is_day(&d[..4], &d[4..6], &d[6..])
                || is_day(&d[4..], &d[2..4], &d[..2])
                || is_day(&d[4..], &d[..2], &d[2..4]))
    })
}

/// A text that is kept.
#[derive(Clone)]
pub(super) struct Kept {
    /// With single spaces.
    text: Arc<str>,
    /// As pseudonyms are made of it: folded, a provider under its first name.
    folded: Arc<str>,
}

struct Dates {
    start: Option<Date>,
    planned_end: Option<Date>,
    end: Option<Date>,
}

/// Whether and when the learner left, as far as the row says it readably.
#[derive(Clone, Copy)]
enum Left {
    Not,
    On(Date),
    /// The reason is reported already; nothing more is said about what follows from it.
    Unknown,
}

struct Place {
    district: Option<Arc<str>>,
    in_area: bool,
}

impl Parser {
    /// Reads one row. Every field is looked at, whatever was wrong before it.
    fn draft(&mut self, mut row: Row<'_>) -> Draft {
        let (enrolment, postcode) = if row.whole {
            self.silent.get_or_insert_with(|| silent(&row));
            self.fields(&mut row)
        } else {
            (None, None)
        };
        Draft {
            line: row.line,
            enrolment: enrolment.filter(|_| row.problems.is_empty()),
            problems: row.problems,
            postcode,
        }
    }

    fn fields(&mut self, row: &mut Row<'_>) -> (Option<Enrolment>, Option<Postcode>) {
        let provider = match self.own.clone() {
            Some(own) => self.own_provider(row, &own),
            None => self.kept(row, Column::Provider, false),
        };
        let aim = self.kept(row, Column::Aim, true);
        let own_reference = self.own_reference(row);
        let known_as = self.known_as(row, provider.as_ref());
        let learner = self.learner(row, known_as);
        let programme = self.programme(row);
        let dates = self.dates(row);
        let age = age(row, dates.start, self.today);
        let (place, postcode) = self.place(row);
        let skill = code(row, Column::Skill, Dimension::Skill);
        let mode = code(row, Column::Mode, Dimension::Mode);
        let sex = code(row, Column::Sex, Dimension::Sex);
        let ethnicity = code(row, Column::Ethnicity, Dimension::Ethnicity);
        let disability = code(row, Column::Disability, Dimension::Disability);
        let prior = code(row, Column::Prior, Dimension::Prior);
        let stage = stage(row, dates.end);
        let left = match (stage, dates.end) {
            (Some(stage), _) if !is_leaver(stage) => Left::Not,
            (Some(_), Some(end)) => Left::On(end),
            _ => Left::Unknown,
        };
        let destinations =
            DESTINATIONS.map(|(column, months)| destination(row, column, months, left, self.today));
        let [confidence, everyday] = answers(row);
        let build = || {
            let (provider, aim, learner, start) = (provider?, aim?, learner?, dates.start?);
            let place = place?;
            Some(Enrolment {
                spell: self
                    .key
                    .of_enrolment(&provider.folded, &learner, &aim.folded, day(start)),
                learner,
                reference: known_as.map(|reference| ident(&reference)),
                provider: provider.text,
                aim: aim.text,
                programme: programme?,
                district: place.district,
                in_area: place.in_area,
                skill: skill?,
                mode: mode?,
                age: age?,
                sex: sex?,
                ethnicity: ethnicity?,
                disability: disability?,
                prior: prior?,
                start,
                planned_end: dates.planned_end,
                end: dates.end,
                stage: stage?,
                destinations,
                confidence: confidence.both,
                everyday: everyday.both,
                begun: Begun {
                    confidence: confidence.begun,
                    everyday: everyday.begun,
                },
                own_reference,
            })
        };
        (build(), postcode)
    }

    /// A text that is kept as it is: provider and aim.
    fn kept(&mut self, row: &mut Row<'_>, column: Column, is_code: bool) -> Option<Kept> {
        let clean = &mut self.clean[usize::from(is_code)];
        if let Some(kept) = clean.get(row.text(column)) {
            return Some(kept.clone());
        }
        let text = values::one_spacing(row.text(column));
        let fault = if text.is_empty() {
            faults::REQUIRED
        } else if is_code && !values::is_code(&text) {
            faults::CODE_FORM
        } else if text.chars().count() > values::TEXT {
            faults::TEXT_SIZE
        } else if !personal::find(&text).is_empty() {
            faults::PERSONAL
        } else if !is_code && !self.new_providers && !self.roots.know(&text) {
            faults::PROVIDER
        } else {
            // Bounded, as everything is: a file may name a new aim on every row.
            if clean.len() >= 4_096 {
                clean.clear();
            }
            let kept = if is_code {
                Kept {
                    folded: folded(&text).into(),
                    text: text.into(),
                }
            } else {
                let folded = self.roots.of(&text);
                let text: Arc<str> = text.into();
                self.named.push(text.clone());
                Kept { text, folded }
            };
            clean.insert(row.text(column).to_owned(), kept.clone());
            return Some(kept);
        };
        row.problem(column, fault);
        None
    }

    /// The provider whose rows they are alone: an empty field is its own name.
    fn own_provider(&mut self, row: &mut Row<'_>, own: &Own) -> Option<Kept> {
        let text = values::one_spacing(row.text(Column::Provider));
        let text: Arc<str> = if text.is_empty() {
            own.name.clone()
        } else {
            text.into()
        };
        let fault = if self.roots.of(&text) != own.root {
            Some(faults::OTHER_PROVIDER)
        } else if own.known {
            None
        } else {
            Some(faults::OWN_PROVIDER)
        };
        if let Some(fault) = fault {
            row.problem(Column::Provider, fault);
            return None;
        }
        if !self.named.contains(&text) {
            self.named.push(text.clone());
        }
        Some(Kept {
            text,
            folded: own.root.clone(),
        })
    }

    /// The reference as the provider's people may see it. One that may tell who somebody is is refused where they send it themselves; what a
    /// coordinator's file has was written for other eyes, and is left out.
    fn own_reference(&self, row: &mut Row<'_>) -> Option<Arc<str>> {
        let reference = row.text(Column::LearnerRef);
        if reference.is_empty() {
            return None;
        }
        if !is_short_number(reference) && tells_a_person(reference, self.today) {
            if self.own.is_some() {
                row.problem(Column::LearnerRef, faults::REFERENCE);
            }
            return None;
        }
        Some(reference.into())
    }

    /// The learner as the provider knows them. A ULN may be issued after the enrolment was first sent: the reference tells the store that
    /// it is the same learner's.
    fn known_as(&self, row: &Row<'_>, provider: Option<&Kept>) -> Option<Pseudonym> {
        let reference = row.text(Column::LearnerRef);
        let known = || self.key.of_reference(&provider?.folded, reference).into();
        (!reference.is_empty()).then(known).flatten()
    }

    /// The person, across providers wherever the ULN is known.
    fn learner(&self, row: &mut Row<'_>, known_as: Option<Pseudonym>) -> Option<Pseudonym> {
        let uln = row.text(Column::Uln);
        if uln.is_empty() || uln == NO_ULN {
            if row.text(Column::LearnerRef).is_empty() {
                row.problem(Column::LearnerRef, faults::LEARNER);
            }
            return known_as;
        }
        match check_uln(uln) {
            Ok(()) => Some(self.key.of_uln(uln)),
            Err(fault) => {
                row.problem(Column::Uln, fault);
                None
            }
        }
    }

    fn programme(&self, row: &mut Row<'_>) -> Option<i64> {
        let code = row.text(Column::Programme);
        let id = self.programmes.get(code).copied();
        let fault = match id {
            None if code.is_empty() => faults::REQUIRED,
            None => faults::PROGRAMME,
            Some(_) if self.programme.is_some_and(|only| id != Some(only)) => {
                faults::OTHER_PROGRAMME
            }
            Some(_) => return id,
        };
        row.problem(Column::Programme, fault);
        None
    }

    fn dates(&self, row: &mut Row<'_>) -> Dates {
        let start = values::date(row, Column::Start);
        if row.text(Column::Start).is_empty() {
            row.problem(Column::Start, faults::REQUIRED);
        }
        if let Some(start) = start {
            if start > self.today {
                row.problem(Column::Start, faults::START_FUTURE);
            } else if start.year() < 2000 {
                row.problem(Column::Start, faults::START_EARLY);
            }
        }
        let planned_end = values::date(row, Column::PlannedEnd);
        let end = values::date(row, Column::End);
        for (column, date) in [(Column::PlannedEnd, planned_end), (Column::End, end)] {
            if start.zip(date).is_some_and(|(start, end)| end < start) {
                row.problem(column, faults::END_BEFORE);
            }
        }
        if end.is_some_and(|end| end > self.today) {
            row.problem(Column::End, faults::END_FUTURE);
        }
        Dates {
            start,
            planned_end,
            end,
        }
    }

    /// The district, or the postcode that will tell it.
    fn place(&self, row: &mut Row<'_>) -> (Option<Place>, Option<Postcode>) {
        let not_stated = Place {
            district: None,
            in_area: true,
        };
        let text = row.text(Column::District);
        if !text.is_empty() {
            let Ok(code) = text.to_uppercase().parse::<Gss>() else {
                row.problem(Column::District, faults::DISTRICT_FORM);
                return (None, None);
            };
            let place = locate(&code, &self.lep);
            if place.is_none() {
                row.problem(Column::District, faults::DISTRICT);
            }
            let place = place.map(|(district, in_area)| Place {
                district: Some(district.as_str().into()),
                in_area,
            });
            return (place, None);
        }
        let text = row.text(Column::Postcode);
        if text.is_empty() {
            return (Some(not_stated), None);
        }
        match Postcode::read(text) {
            Some(postcode) if postcode.as_str() == NO_POSTCODE => (Some(not_stated), None),
            Some(postcode) => (Some(not_stated), Some(postcode)),
            None => {
                row.problem(Column::Postcode, faults::POSTCODE_FORM);
                (None, None)
            }
        }
    }
}

/// The answers that the file has no columns for. Two of them are made of two columns each.
fn silent(row: &Row<'_>) -> Silent {
    let lacks = |column| !row.has(column);
    Silent {
        destinations: DESTINATIONS.map(|(column, _)| lacks(column)),
        confidence: lacks(Column::ConfidenceBefore) || lacks(Column::ConfidenceAfter),
        everyday: lacks(Column::EverydayBefore) || lacks(Column::EverydayAfter),
        stage: false,
    }
}

/// The destination at `months` after the end, which have to have passed.
fn destination(
    row: &mut Row<'_>,
    column: Column,
    months: i64,
    left: Left,
    today: Date,
) -> Option<u8> {
    let text = row.text(column);
    if text.is_empty() || text.eq_ignore_ascii_case("not due") {
        return None;
    }
    let code = code(row, column, Dimension::Destination)?;
    let left = match left {
        Left::On(date) => date,
        Left::Unknown => return None,
        Left::Not => {
            row.problem(column, faults::DESTINATION_OPEN);
            return None;
        }
    };
    // The last day of a shorter month counts as the month's end.
    let due = left.saturating_add(Span::new().months(months));
    if due > today {
        row.problem(column, faults::DESTINATION_EARLY);
        return None;
    }
    Some(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ldsp_protocol::standard::Standard;

    /// The short look lets nothing through that the long one refuses.
    #[test]
    fn a_short_number_tells_nobody() {
        let today = jiff::civil::date(2022, 3, 4);
        let good = ["7", "A1", "AB-1234567", "2022-017", "12/34/567", "x0000001"];
        for reference in good {
            assert!(is_short_number(reference), "{reference}");
            assert!(!tells_a_person(reference, today), "{reference}");
        }
        let long = [
            "",
            "AB",
            "ABC1",
            "B11AA",
            "20050102",
            "01-02-2005",
            "1234567890",
            "AB123456C",
            "Ann 1",
        ];
        for reference in long {
            assert!(!is_short_number(reference), "{reference}");
        }
    }

    #[test]
    fn columns_and_lists_agree_with_the_standard() {
        assert_eq!(COLUMNS.len(), usize::from(Column::EverydayAfter) + 1);
        for (dimension, ids) in [
            (Dimension::Confidence, ["fell", "same", "rose"]),
            (Dimension::Everyday, ["fewer", "same", "more"]),
        ] {
            let codes = &Standard::current().dimension(dimension).codes;
            let listed: Vec<_> = codes.iter().map(|c| c.id.as_str()).collect();
            assert_eq!(listed, ids);
        }
        for name in HEADER
            .required
            .iter()
            .chain(HEADER.either.iter().flat_map(|(a, b)| [a, b]))
        {
            assert!(COLUMNS.contains(name), "{name}");
        }
    }
}
