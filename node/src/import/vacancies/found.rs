//! What was found in vacancies: shown to the person who brought them, and added up.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;

use ldsp_protocol::ids::{Gss, Period};
use ldsp_protocol::standard::{Dimension, NOT_STATED, Standard};
use serde_json::json;

use super::Vacancy;
use crate::demand::summary::Skill;
use crate::demand::terms::together;
use crate::import::values::TEXT;
use crate::model::demand::area_title;
use crate::store::demand::{Asks, Counts, Demand, How, Sure};
use crate::store::kept::Known;
use crate::store::organisations::OrganisationKind;
use crate::store::providers::folded;

/// From this confidence on, in percent, a skill counts as asked for.
pub(crate) const COUNTS_FROM: u8 = 50;
/// Vacancies that are shown with what was found in them, and as many without.
const SHOWN: usize = 300;
/// Largest number that a row of demand may have.
const MOST: u64 = 1_000_000;

/// A word of the table in a vacancy, with its evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The word as the table has it.
    pub term: String,
    /// `title` or `description`.
    pub column: &'static str,
    /// What stands before it; empty where the text looks as if it held personal data.
    pub before: String,
    /// The words that were found, as they stand in the text.
    pub words: String,
    /// What stands after them, as `before`.
    pub after: String,
    /// Position in the standard's tiers.
    pub tier: u8,
    /// Position in its skills.
    pub skill: u8,
    /// How sure one may be by this word alone, in percent.
    pub confidence: u8,
}

/// A vacancy in which words were found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Line of the file.
    pub line: u64,
    /// Its title, shortened; empty where it looks like personal data.
    pub title: String,
    /// What was found.
    pub found: Vec<Found>,
    /// Skill, how sure it is that it is asked for, in percent, and whether that counts.
    pub skills: Vec<(String, u8, bool)>,
}

/// What comes of the vacancies for a skill and a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// The skill's title.
    pub skill: String,
    /// The district's name, or that it is all of them.
    pub area: String,
    /// Vacancies that ask for it. Exact.
    pub vacancies: u64,
    /// Different employers that are named; those without a name are none of them.
    pub employers: u64,
}

/// What was found in a file of vacancies. It is shown to who sent the file, and goes with the report of the import.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// The first of the rows in which something was found.
    pub lines: Vec<Line>,
    /// Rows in which something was found that counts.
    pub matched: u64,
    /// Rows in which nothing was found, or too little to count: the first of them, with their titles.
    pub unmatched: Vec<(u64, String)>,
    /// How many these are in all.
    pub left: u64,
    /// What it adds up to.
    pub needs: Vec<Need>,
}

impl Summary {
    /// For people, behind the report.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String does not fail.
        let _written = writeln!(
            text,
            "\nVacancies that ask for a digital skill: {}; without: {}.",
            self.matched, self.left
        );
        for need in &self.needs {
            let _written = writeln!(text, "{:>8}  {}, {}", need.vacancies, need.skill, need.area);
        }
        for line in &self.lines {
            for found in &line.found {
                let _written = writeln!(
                    text,
                    "line {}, {}: \u{201c}{}\u{201d} by \u{201c}{}\u{201d}, {} %",
                    line.line, found.column, found.words, found.term, found.confidence
                );
            }
            for (skill, confidence, counts) in &line.skills {
                let counts = if *counts {
                    "counted"
                } else {
                    "too little to count"
                };
                let _written = writeln!(
                    text,
                    "line {}: {skill}, {confidence} %: {counts}",
                    line.line
                );
            }
        }
        let lines: Vec<String> = self
            .unmatched
            .iter()
            .map(|(line, _)| line.to_string())
            .collect();
        if !lines.is_empty() {
            let _written = writeln!(text, "Lines without: {}", lines.join(", "));
        }
        text
    }

    /// For programs.
    pub(crate) fn json(&self) -> serde_json::Value {
        let lines = self.lines.iter().map(|line| {
            let found = line.found.iter().map(|f| {
                json!({"term": f.term, "column": f.column, "words": f.words, "confidence": f.confidence})
            });
            let skills = line.skills.iter().map(|(skill, confidence, counts)| {
                json!({"skill": skill, "confidence": confidence, "counts": counts})
            });
            json!({"line": line.line, "found": found.collect::<Vec<_>>(), "skills": skills.collect::<Vec<_>>()})
        });
        let needs = self.needs.iter().map(|need| {
            json!({"skill": need.skill, "area": need.area, "vacancies": need.vacancies, "employers": need.employers})
        });
        json!({
            "matched": self.matched,
            "unmatched": self.left,
            "lines": lines.collect::<Vec<_>>(),
            "unmatched_lines": self.unmatched.iter().map(|(line, _)| line).collect::<Vec<_>>(),
            "needs": needs.collect::<Vec<_>>(),
        })
    }
}

/// Vacancies for a skill in a place.
#[derive(Default)]
struct Sum {
    vacancies: u64,
    /// By employer, as names are compared; in memory only.
    employers: HashMap<String, u64>,
    /// By word of the table.
    terms: BTreeMap<String, u64>,
    months: BTreeSet<Period>,
}

/// Vacancies on their way into a [`Summary`].
#[derive(Default)]
pub(super) struct Finding {
    summary: Summary,
    sums: BTreeMap<(u8, u8, Option<Gss>), Sum>,
}

impl Finding {
    /// Takes a vacancy of a district, and lets its texts go.
    pub(super) fn take(&mut self, line: u64, vacancy: Vacancy, district: Option<Gss>) {
        let mut skills: BTreeMap<(u8, u8), BTreeMap<&str, u8>> = BTreeMap::new();
        for found in &vacancy.found {
            let of = skills.entry((found.skill, found.tier)).or_default();
            of.insert(&found.term, found.confidence);
        }
        let mut judged = Vec::new();
        let mut any = false;
        for ((skill, tier), terms) in &skills {
            let confidence = together(terms.values().copied());
            let counts = confidence >= COUNTS_FROM;
            judged.push((title(*skill), confidence, counts));
            if !counts {
                continue;
            }
            any = true;
            let key = (*skill, *tier, district.clone());
            let sum = self.sums.entry(key).or_default();
            sum.vacancies += vacancy.number;
            *sum.employers.entry(vacancy.employer.clone()).or_default() += vacancy.number;
            for term in terms.keys() {
                *sum.terms.entry((*term).to_owned()).or_default() += vacancy.number;
            }
            sum.months.extend(vacancy.month);
        }
        let summary = &mut self.summary;
        if any {
            summary.matched += 1;
        } else {
            summary.left += 1;
            if summary.unmatched.len() < SHOWN {
                summary.unmatched.push((line, vacancy.title.clone()));
            }
        }
        if !vacancy.found.is_empty() && summary.lines.len() < SHOWN {
            summary.lines.push(Line {
                line,
                title: vacancy.title,
                found: vacancy.found,
                skills: judged,
            });
        }
    }

    /// What was found, and the demand that it adds up to. `month`: of vacancies without a date.
    pub(super) fn end(self, known: &Known, month: Period) -> (Summary, Vec<Demand>) {
        let mut summary = self.summary;
        let mut needs = Vec::new();
        for ((skill, tier, district), sum) in self.sums {
            summary.needs.push(Need {
                skill: title(skill),
                area: area_title(district.as_ref()),
                vacancies: sum.vacancies,
                employers: sum.employers.keys().filter(|name| !name.is_empty()).count() as u64,
            });
            needs.push(need((skill, tier, district), sum, known, month));
        }
        (summary, needs)
    }
}

fn title(skill: u8) -> String {
    Skill { skill, tier: None }.title()
}

/// A row of demand.
fn need(
    (skill, tier, district): (u8, u8, Option<Gss>),
    sum: Sum,
    known: &Known,
    month: Period,
) -> Demand {
    let number = |n: u64| i64::try_from(n.min(MOST)).unwrap_or(1);
    // The employers without a name may all be the largest of the others.
    let unnamed = sum.employers.get("").copied().unwrap_or(0);
    let mut named: Vec<(&String, u64)> = sum.employers.iter().map(|(name, n)| (name, *n)).collect();
    named.retain(|(name, _)| !name.is_empty());
    named.sort_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(other.0)));
    let of = |at: usize| named.get(at).map_or(0, |(_, n)| *n);
    let alone = match named.as_slice() {
        [(name, _)] if unnamed == 0 => known.organisations.iter().find(|(_, other, kind)| {
            *kind == OrganisationKind::Employer && folded(other) == **name
        }),
        _ => None,
    };
    let terms: Vec<String> = sum
        .terms
        .iter()
        .map(|(term, n)| format!("{term} ({n})"))
        .collect();
    let note = format!("Words found: {}", terms.join(", "));
    let audience = Standard::current().parse_code(Dimension::Audience, NOT_STATED);
    Demand {
        code: String::new(),
        asks: Asks::Employer,
        organisation: alone.map(|(id, ..)| *id),
        tier,
        skill,
        audience: audience.and_then(|at| u8::try_from(at).ok()).unwrap_or(0),
        district,
        number: Some(number(sum.vacancies)),
        counts: Counts::Vacancies,
        from: sum.months.first().copied().unwrap_or(month),
        until: sum.months.last().copied(),
        how: How::Vacancies,
        sure: Sure::Estimated,
        said_by: "Vacancies, by the table of words".to_owned(),
        holds_until: None,
        note: note.chars().take(TEXT).collect(),
        largest: Some((number(of(0) + unnamed), number(of(1)))),
        import: None,
    }
}
