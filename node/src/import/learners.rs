//! Learner rows (domain.md, "Learner CSV"): a row becomes an [`Enrolment`], and its name-like parts
//! end here. ULN and reference become a pseudonym, birth date an age band, postcode a district.

use std::collections::{HashMap, HashSet};

use jiff::Span;
use jiff::civil::Date;
use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::Gss;
use ldsp_protocol::personal;
use ldsp_protocol::standard::{Dimension, NOT_STATED, Standard};

use super::faults;
use super::header::Columns;
use super::pseudonym::PseudonymKey;
use super::report::{Fault, RowProblem};
use super::rows::Row;
use super::values;
use crate::store::day;
use crate::store::records::{Enrolment, Pseudonym};

macro_rules! columns {
    ($($id:ident = $name:literal),+ $(,)?) => {
        #[derive(Debug, Clone, Copy)]
        enum Column { $($id),+ }
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
        "uln",
        "sex",
        "ethnicity",
        "disability",
        "prior_status",
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
const NO_ULN: &str = "9999999999";
/// The ILR's mark for an address that is not known.
const NO_POSTCODE: &str = "ZZ999ZZ";

/// A row on its way: no `Debug`, the postcode is still in it.
pub(super) struct Draft {
    pub(super) line: u64,
    pub(super) problems: Vec<RowProblem>,
    /// Present when the row itself has no problem.
    pub(super) enrolment: Option<Enrolment>,
    /// To be turned into a district; upper case, no space.
    pub(super) postcode: Option<String>,
}

/// Turns rows into drafts.
pub(super) struct Parser {
    pub(super) key: PseudonymKey,
    pub(super) lep: Gss,
    /// Ids by code.
    pub(super) programmes: HashMap<String, i64>,
    pub(super) today: Date,
    /// Providers and aims that were found good: the same few recur on every row.
    pub(super) clean: [HashSet<String>; 2],
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
    district: Option<Gss>,
    in_area: bool,
}

impl Parser {
    /// Reads one row. Every field is looked at, whatever was wrong before it.
    pub(super) fn draft(&mut self, mut row: Row<'_>) -> Draft {
        let (enrolment, postcode) = if row.whole {
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

    fn fields(&mut self, row: &mut Row<'_>) -> (Option<Enrolment>, Option<String>) {
        let provider = self.kept(row, Column::Provider, false);
        let aim = self.kept(row, Column::Aim, true);
        let learner = self.learner(row);
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
            DESTINATIONS.map(|(column, months)| self.destination(row, column, months, left));
        let confidence = change(
            row,
            (Column::ConfidenceBefore, Column::ConfidenceAfter),
            (1, 10),
            faults::CONFIDENCE,
        );
        let everyday = change(
            row,
            (Column::EverydayBefore, Column::EverydayAfter),
            (0, 5),
            faults::EVERYDAY,
        );
        let build = || {
            let (provider, aim, learner, start) = (provider?, aim?, learner?, dates.start?);
            let place = place?;
            Some(Enrolment {
                spell: self.key.of_enrolment(&provider, &learner, &aim, day(start)),
                learner,
                provider,
                aim,
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
                confidence,
                everyday,
            })
        };
        (build(), postcode)
    }

    /// A text that is kept as it is: provider and aim.
    fn kept(&mut self, row: &mut Row<'_>, column: Column, is_code: bool) -> Option<String> {
        let text = values::one_spacing(row.text(column));
        let clean = &mut self.clean[usize::from(is_code)];
        if clean.contains(&text) {
            return Some(text);
        }
        let fault = if text.is_empty() {
            faults::REQUIRED
        } else if is_code && !values::is_code(&text) {
            faults::CODE_FORM
        } else if text.chars().count() > values::TEXT {
            faults::TEXT_SIZE
        } else if !personal::find(&text).is_empty() {
            faults::PERSONAL
        } else {
            // Bounded, as everything is: a file may name a new aim on every row.
            if clean.len() >= 4_096 {
                clean.clear();
            }
            clean.insert(text.clone());
            return Some(text);
        };
        row.problem(column, fault);
        None
    }

    fn learner(&self, row: &mut Row<'_>) -> Option<Pseudonym> {
        let uln = row.text(Column::Uln);
        if uln.is_empty() || uln == NO_ULN {
            let reference = row.text(Column::LearnerRef);
            if reference.is_empty() {
                row.problem(Column::LearnerRef, faults::LEARNER);
                return None;
            }
            return Some(self.key.of_reference(row.text(Column::Provider), reference));
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
        if id.is_none() {
            let fault = if code.is_empty() {
                faults::REQUIRED
            } else {
                faults::PROGRAMME
            };
            row.problem(Column::Programme, fault);
        }
        id
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
    fn place(&self, row: &mut Row<'_>) -> (Option<Place>, Option<String>) {
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
                district: Some(district),
                in_area,
            });
            return (place, None);
        }
        let postcode = values::postcode(row.text(Column::Postcode));
        if postcode.is_empty() || postcode == NO_POSTCODE {
            return (Some(not_stated), None);
        }
        if !values::is_postcode(&postcode) {
            row.problem(Column::Postcode, faults::POSTCODE_FORM);
            return (None, None);
        }
        (Some(not_stated), Some(postcode))
    }

    fn destination(
        &self,
        row: &mut Row<'_>,
        column: Column,
        months: i64,
        left: Left,
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
        if due > self.today {
            row.problem(column, faults::DESTINATION_EARLY);
            return None;
        }
        Some(code)
    }
}

/// The live code of a district and whether `lep` owns it; `None` for a code that is none. Wales,
/// Scotland and Northern Ireland are outside every LEP, and their codes are taken as they come.
pub(super) fn locate(code: &Gss, lep: &Gss) -> Option<(Gss, bool)> {
    match Geography::embedded().district(code) {
        Some(district) => Some((district.code.clone(), &district.owner == lep)),
        None => ["W06", "S12", "N09"]
            .iter()
            .any(|kind| code.as_str().starts_with(kind))
            .then(|| (code.clone(), false)),
    }
}

/// The check digit of a ULN (ILR specification, "Unique learner number"): ten times the first
/// digit, nine times the second, … twice the ninth; what is left of the sum after division by 11
/// is subtracted from 10.
fn check_uln(uln: &str) -> Result<(), Fault> {
    let digits: Vec<u32> = uln.chars().filter_map(|c| c.to_digit(10)).collect();
    if digits.len() != 10 || uln.len() != 10 || digits[0] == 0 {
        return Err(faults::ULN_FORM);
    }
    let sum: u32 = digits[..9]
        .iter()
        .zip((2..=10).rev())
        .map(|(d, weight)| d * weight)
        .sum();
    let left = sum % 11;
    if left == 0 || digits[9] != 10 - left {
        return Err(faults::ULN_CHECK);
    }
    Ok(())
}

/// The code's position; an empty field is "not stated".
fn code(row: &mut Row<'_>, column: Column, dimension: Dimension) -> Option<u8> {
    values::code(row, column, dimension, NOT_STATED)
}

fn is_leaver(stage: u8) -> bool {
    ["achieved", "completed-without-achievement", "withdrawn"]
        .iter()
        .any(|id| Standard::v1().parse_stage(id) == Some(usize::from(stage)))
}

fn stage(row: &mut Row<'_>, end: Option<Date>) -> Option<u8> {
    let text = row.text(Column::Stage);
    if text.is_empty() {
        row.problem(Column::Stage, faults::REQUIRED);
        return None;
    }
    let stage = Standard::v1()
        .parse_stage(text)
        .and_then(|at| u8::try_from(at).ok());
    let Some(stage) = stage else {
        row.problem(Column::Stage, faults::STAGE);
        return None;
    };
    let going_on = Standard::v1().parse_stage("in-progress") == Some(usize::from(stage));
    if going_on && end.is_some() {
        row.problem(Column::End, faults::END_OPEN);
    }
    if is_leaver(stage) && row.text(Column::End).is_empty() {
        row.problem(Column::End, faults::END_MISSING);
    }
    Some(stage)
}

/// The age band at the start, from birth date or age; neither is "not stated".
fn age(row: &mut Row<'_>, start: Option<Date>, today: Date) -> Option<u8> {
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
    Standard::v1()
        .parse_code(dimension, id)
        .and_then(|at| u8::try_from(at).ok())
}

/// Less, the same or more between two answers: 0, 1 or 2 in both dimensions' lists (fell, same,
/// rose; fewer, same, more).
fn change(
    row: &mut Row<'_>,
    (before, after): (Column, Column),
    (least, most): (i64, i64),
    fault: Fault,
) -> Option<u8> {
    let texts = [before, after].map(|column| row.text(column));
    if texts.iter().all(|text| text.is_empty()) {
        return None;
    }
    let mut answers = [None; 2];
    for (at, column) in [before, after].into_iter().enumerate() {
        if texts[at].is_empty() {
            row.problem(column, faults::PAIR);
            continue;
        }
        answers[at] = values::whole(texts[at], least, most);
        if answers[at].is_none() {
            row.problem(column, fault);
        }
    }
    let [Some(before), Some(after)] = answers else {
        return None;
    };
    Some(match after.cmp(&before) {
        std::cmp::Ordering::Less => 0,
        std::cmp::Ordering::Equal => 1,
        std::cmp::Ordering::Greater => 2,
    })
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
    fn columns_and_lists_agree_with_the_standard() {
        assert_eq!(COLUMNS.len(), usize::from(Column::EverydayAfter) + 1);
        for (dimension, ids) in [
            (Dimension::Confidence, ["fell", "same", "rose"]),
            (Dimension::Everyday, ["fewer", "same", "more"]),
        ] {
            let codes = &Standard::v1().dimension(dimension).codes;
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
