//! The row report: every problem of a file in one pass, in bounded memory, never quoting a value.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;

use ldsp_protocol::ids::Digest;
use ldsp_ui::csv_text;
use serde::Serialize;

use super::faults;
use super::ilr::Summary;
use crate::store::imports::{ImportKind, Tally};
use crate::store::records::Enrolment;
use crate::store::records::merge::Refused;

/// Problems kept in detail; further ones are counted by code.
pub const DETAILED: usize = 10_000;
/// Lines that are named of equal problems.
pub const LINES: usize = 5;
/// Causes of one code at one field that are told apart; what differs on every row is not the same problem twice.
const CAUSES: usize = 12;

/// About [`Tally::carried`].
pub(crate) const CARRIED: &str = "  of the changed ones: the same enrolments with a corrected learner, provider, aim or start; nothing of them is counted again";
/// About [`Tally::erased`].
pub(crate) const ERASED: &str = "  left out: the records of these learners were erased here; ask the provider to remove them from its files";

/// About [`ImportReport::taken_back`].
pub(crate) const TAKEN_BACK: &str =
    "  destinations and answers that are recorded here and that the file leaves empty: they go";

/// About [`Tally::removed`].
pub(crate) const REMOVED: &str =
    "  held from an earlier file of the same year, which this one replaces, and not in it any more";

/// A kind of problem: stable code, cause and remedy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) code: &'static str,
    pub(crate) cause: &'static str,
    pub(crate) remedy: &'static str,
}

impl Fault {
    /// This problem at a place.
    pub(crate) fn at(self, line: u64, field: Option<&'static str>) -> RowProblem {
        RowProblem {
            line,
            field,
            code: self.code,
            cause: self.cause.into(),
            remedy: self.remedy.into(),
        }
    }
}

/// A problem at its place. It never holds what the file says there: that may be personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowProblem {
    /// Line of the file on which the row begins; the header is line 1.
    pub line: u64,
    /// Column; `None` when the row or the file as a whole is at fault.
    pub field: Option<&'static str>,
    /// Stable code.
    pub code: &'static str,
    /// What is wrong.
    pub cause: Cow<'static, str>,
    /// What to do.
    pub remedy: Cow<'static, str>,
}

/// Equal problems of several rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alike {
    /// Column; `None` when rows or the file as a whole are at fault.
    pub field: Option<&'static str>,
    /// Stable code.
    pub code: &'static str,
    /// What is wrong.
    pub cause: Cow<'static, str>,
    /// What to do.
    pub remedy: Cow<'static, str>,
    /// How many there are.
    pub count: u64,
    /// The lines of the first [`LINES`] of them.
    pub lines: Vec<u64>,
}

impl Alike {
    /// The lines in words: "Lines 3, 4 and 8 more".
    #[must_use]
    pub fn lines_in_words(&self) -> String {
        let lines: Vec<String> = self.lines.iter().map(u64::to_string).collect();
        let more = self.count - self.lines.len() as u64;
        match (lines.as_slice(), more) {
            ([only], 0) => format!("Line {only}"),
            ([first @ .., last], 0) => format!("Lines {} and {last}", first.join(", ")),
            (lines, more) => {
                let more = crate::words::count(more);
                format!("Lines {} and {more} more", lines.join(", "))
            }
        }
    }
}

/// The problems of a file, the first [`DETAILED`] in full.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    detailed: Vec<RowProblem>,
    by_code: BTreeMap<&'static str, u64>,
    /// Equal ones together, in the order in which the first of each was found.
    alike: Vec<Alike>,
    total: u64,
}

impl Problems {
    pub(super) fn extend(&mut self, problems: impl IntoIterator<Item = RowProblem>) {
        for problem in problems {
            self.total += 1;
            *self.by_code.entry(problem.code).or_default() += 1;
            self.join(&problem);
            if self.detailed.len() < DETAILED {
                self.detailed.push(problem);
            }
        }
    }

    /// Counts a problem with those that are equal to it.
    fn join(&mut self, problem: &RowProblem) {
        let place = |alike: &&mut Alike| (alike.code, alike.field) == (problem.code, problem.field);
        let mut same: Vec<&mut Alike> = self.alike.iter_mut().filter(place).collect();
        let is_equal = |alike: &&mut &mut Alike| alike.cause == problem.cause;
        let is_full = same.len() >= CAUSES;
        let found = match same.iter_mut().position(|alike| is_equal(&alike)) {
            Some(at) => Some(at),
            None => is_full.then(|| same.len() - 1),
        };
        if let Some(at) = found {
            let alike = &mut *same[at];
            alike.count += 1;
            if alike.lines.len() < LINES {
                alike.lines.push(problem.line);
            }
            return;
        }
        // The last one that is told apart stands for all that follow.
        let cause = if same.len() + 1 == CAUSES {
            Cow::Borrowed("More problems of this kind: the whole report has each of them.")
        } else {
            problem.cause.clone()
        };
        self.alike.push(Alike {
            field: problem.field,
            code: problem.code,
            cause,
            remedy: problem.remedy.clone(),
            count: 1,
            lines: vec![problem.line],
        });
    }

    /// Says each in other words: `say` is given its code, its cause and its remedy.
    pub(super) fn each(
        &mut self,
        say: impl Fn(&str, (&mut Cow<'static, str>, &mut Cow<'static, str>)),
    ) {
        for problem in &mut self.detailed {
            say(problem.code, (&mut problem.cause, &mut problem.remedy));
        }
        for alike in &mut self.alike {
            say(alike.code, (&mut alike.cause, &mut alike.remedy));
        }
    }

    /// Equal problems together, each in the place of the first of them.
    #[must_use]
    pub fn alike(&self) -> &[Alike] {
        &self.alike
    }

    /// Takes problems that were found late, themselves in the order of the file.
    pub(super) fn merge(&mut self, late: Self) {
        self.total += late.total;
        for (code, number) in late.by_code {
            *self.by_code.entry(code).or_default() += number;
        }
        self.detailed.extend(late.detailed);
        self.detailed.sort_by_key(|problem| problem.line);
        self.detailed.truncate(DETAILED);
        for alike in late.alike {
            let is_same = |held: &&mut Alike| {
                (held.code, held.field, &held.cause) == (alike.code, alike.field, &alike.cause)
            };
            match self.alike.iter_mut().find(is_same) {
                Some(held) => {
                    held.count += alike.count;
                    held.lines.extend(alike.lines);
                    held.lines.sort_unstable();
                    held.lines.truncate(LINES);
                }
                None => self.alike.push(alike),
            }
        }
        self.alike.sort_by_key(|alike| alike.lines.first().copied());
    }

    /// The first [`DETAILED`] problems, in the order of the file.
    #[must_use]
    pub fn detailed(&self) -> &[RowProblem] {
        &self.detailed
    }

    /// Number of problems by code.
    #[must_use]
    pub fn by_code(&self) -> &BTreeMap<&'static str, u64> {
        &self.by_code
    }

    /// Number of problems.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }
}

/// What became of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Its valid rows are stored: all rows, or with `--valid-rows` those without a problem.
    Stored,
    /// It was checked only.
    Checked,
    /// It has problems; nothing was stored.
    Refused,
}

/// What became of providers' own references of learners, counted by rows. Each is shown to its own provider alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct References {
    /// Known to its provider from now on.
    pub known: u64,
    /// Not shown to anybody, because it may tell who somebody is.
    pub not_shown: u64,
    /// The row has none.
    pub none: u64,
}

impl References {
    /// Counts a row as it was read.
    pub(super) fn note(&mut self, row: &Enrolment) {
        match (&row.own_reference, row.reference) {
            (Some(_), _) => self.known += 1,
            (None, Some(_)) => self.not_shown += 1,
            (None, None) => self.none += 1,
        }
    }

    /// Takes back what was counted of a row that is refused in the end.
    pub(super) fn forget(&mut self, refused: &Refused) {
        self.known = self.known.saturating_sub(u64::from(refused.referred));
    }

    /// One sentence for each thing to be said; `rows` is how many the file has, `stored` whether anything of it was stored.
    #[must_use]
    pub fn sentences(&self, rows: u64, stored: bool) -> Vec<String> {
        let mut said = Vec::new();
        if self.known > 0 {
            said.push(format!(
                "{} known to {} provider, and to nobody else.",
                match (stored, self.known) {
                    (true, 1) => "1 learner reference is now".to_owned(),
                    (true, n) => format!("{} learner references are now", crate::words::count(n)),
                    (false, n) => format!(
                        "{} would become",
                        some(n, "learner reference", "learner references")
                    ),
                },
                if self.known == 1 { "its" } else { "their" },
            ));
        }
        if self.not_shown > 0 {
            said.push(format!(
                "{} like a name, a birth date or a number that tells a person, so {} not shown to the provider: ask for references such as 2022-017.",
                some(self.not_shown, "learner reference looks", "learner references look"),
                if self.not_shown == 1 { "it is" } else { "they are" },
            ));
        }
        if self.none > 0 && self.none >= rows {
            said.push("The file has no column with providers\u{2019} references of their learners, so providers cannot find these learners by their own.".to_owned());
        } else if self.none > 0 {
            said.push(format!(
                "{} no reference of the provider, so the provider cannot find the learner by its own.",
                some(self.none, "row has", "rows have"),
            ));
        }
        said
    }
}

fn some(n: u64, one: &str, more: &str) -> String {
    crate::words::some(usize::try_from(n).unwrap_or(usize::MAX), one, more)
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportReport {
    /// What the file should hold.
    pub kind: ImportKind,
    /// What became of it.
    pub outcome: Outcome,
    /// SHA-256 of the file; `None` when it could not be read to its end.
    pub digest: Option<Digest>,
    /// Rows by what happened to them, or would have happened.
    pub tally: Tally,
    /// Every problem.
    pub problems: Problems,
    /// Destinations and answers that were held and that rows of the file, which has columns for them, leave empty: they are not held any
    /// more.
    pub taken_back: u64,
    /// Of learners and ILRs: what became of providers' references.
    pub references: References,
    /// Of an ILR: what the file was, and what came of it besides rows.
    pub ilr: Option<Summary>,
    /// Of vacancies: what was found in them.
    pub vacancies: Option<super::vacancies::Summary>,
    /// Of a table of the Employer Skills Survey: what was read of it.
    pub survey: Option<super::survey::Summary>,
    /// Of services: what the file changes of those that are held.
    pub services: Option<super::services::Summary>,
}

impl ImportReport {
    /// With the remedies of a terminal in the place of those of a page.
    #[must_use]
    pub fn for_terminal(mut self) -> Self {
        self.problems.each(|_, (_, remedy)| {
            *remedy = faults::at_terminal(remedy).to_owned().into();
        });
        self
    }

    /// For people: outcome, counts, and the problems, equal ones together.
    #[must_use]
    pub fn text(&self) -> String {
        let t = self.tally;
        let mut text = match self.outcome {
            Outcome::Stored if t.refused > 0 => {
                "Stored: the valid rows. The refused rows are listed below.\n"
            }
            Outcome::Stored => "Stored.\n",
            Outcome::Checked => "Checked only: nothing was stored.\n",
            Outcome::Refused => "Refused: nothing was stored.\n",
        }
        .to_owned();
        let mut line = |name: &str, n: u64, note: &str| {
            // Writing to a String does not fail.
            let _written = writeln!(text, "{name:<12}{n:>10}{note}");
        };
        line("rows", t.rows, "");
        line("new", t.added, "");
        line("changed", t.changed, "");
        line("unchanged", t.unchanged, "");
        line("refused", t.refused, "");
        if t.removed > 0 {
            line("removed", t.removed, REMOVED);
        }
        if t.carried > 0 {
            line("carried", t.carried, CARRIED);
        }
        if self.taken_back > 0 {
            line("taken back", self.taken_back, TAKEN_BACK);
        }
        if t.erased > 0 {
            line("erased", t.erased, ERASED);
        }
        if t.outside > 0 {
            line("outside", t.outside, self.outside_note());
        }
        for sentence in self
            .references
            .sentences(t.rows, self.outcome == Outcome::Stored)
        {
            text.push_str(&sentence);
            text.push('\n');
        }
        if let Some(ilr) = &self.ilr {
            text.push_str(&ilr.text());
        }
        if let Some(found) = &self.vacancies {
            text.push_str(&found.text());
        }
        if let Some(survey) = &self.survey {
            text.push_str(&survey.text());
        }
        if let Some(services) = &self.services {
            text.push_str(&services.text());
        }
        if self.problems.total > 0 {
            let _written = writeln!(text, "\nProblems: {}", self.problems.total);
            for alike in &self.problems.alike {
                let _written = writeln!(text, "{alike}");
            }
            if self.problems.total > self.problems.alike.len() as u64 {
                text.push_str("Use --report FILE for each of them by its line.\n");
            }
        }
        text
    }

    /// About [`Tally::outside`].
    pub(crate) fn outside_note(&self) -> &'static str {
        match self.kind {
            ImportKind::Postcodes => "  without a district of the United Kingdom: left out",
            ImportKind::Vacancies => "  outside the area: left out",
            _ => "  outside the area: kept for local figures, never published",
        }
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let t = self.tally;
        serde_json::json!({
            "kind": self.kind.as_str(),
            "outcome": self.outcome,
            "digest": self.digest,
            "rows": t.rows,
            "added": t.added,
            "changed": t.changed,
            "unchanged": t.unchanged,
            "refused": t.refused,
            "outside": t.outside,
            "carried": t.carried,
            "erased": t.erased,
            "removed": t.removed,
            "taken_back": self.taken_back,
            "references": self.references,
            "ilr": self.ilr.as_ref().map(Summary::json),
            "vacancies": self.vacancies.as_ref().map(super::vacancies::Summary::json),
            "survey": self.survey,
            "services": self.services,
            "problems": {
                "total": self.problems.total,
                "by_code": self.problems.by_code,
                "alike": self.problems.alike,
                "detailed": self.problems.detailed,
            },
        })
    }

    /// The problems as CSV: line, field, code, cause, remedy. Beyond [`DETAILED`], a row per code
    /// says how many more there are.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn csv(&self, out: impl io::Write) -> io::Result<()> {
        let mut csv = csv::Writer::from_writer(out);
        csv.write_record(["line", "field", "code", "cause", "remedy"])?;
        for p in &self.problems.detailed {
            let line = p.line.to_string();
            let [field, cause, remedy] = [p.field.unwrap_or(""), &p.cause, &p.remedy].map(csv_text);
            csv.write_record([line.as_str(), &field, p.code, &cause, &remedy])?;
        }
        for (code, all) in &self.problems.by_code {
            let shown = self.problems.detailed.iter().filter(|p| p.code == *code);
            let more = all - shown.count() as u64;
            if more > 0 {
                let cause = format!("{more} more problems of this kind");
                csv.write_record([
                    "",
                    "",
                    code,
                    &cause,
                    "Correct those above, then check again.",
                ])?;
            }
        }
        csv.flush()
    }
}

impl std::fmt::Display for Alike {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:>10}  ", self.count)?;
        if let Some(field) = self.field {
            write!(f, "{field}: ")?;
        }
        write!(
            f,
            "{} [{}] {} {}.",
            self.cause,
            self.code,
            self.remedy,
            self.lines_in_words()
        )
    }
}

impl std::fmt::Display for RowProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(field) = self.field {
            write!(f, ", {field}")?;
        }
        write!(f, ": {} [{}] {}", self.cause, self.code, self.remedy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u64, code: &'static str, cause: &str) -> RowProblem {
        RowProblem {
            line,
            field: Some("postcode"),
            code,
            cause: cause.to_owned().into(),
            remedy: "Correct it.".into(),
        }
    }

    #[test]
    fn equal_problems_are_said_once_with_their_number_and_first_lines() {
        let mut problems = Problems::default();
        problems.extend((2..1_002).map(|line| at(line, "unknown", "It is not there.")));
        problems.extend([at(7, "form", "It is no postcode.")]);
        let mut late = Problems::default();
        late.extend([at(1, "unknown", "It is not there.")]);
        problems.merge(late);
        let [many, one] = problems.alike() else {
            panic!("{:?}", problems.alike());
        };
        assert_eq!((many.count, one.count), (1_001, 1));
        assert_eq!(many.lines_in_words(), "Lines 1, 2, 3, 4, 5 and 996 more");
        assert_eq!(one.lines_in_words(), "Line 7");
        assert_eq!(problems.total(), 1_002);
    }

    /// Of what differs on every row some are told apart; the page does not grow with the file.
    #[test]
    fn causes_that_differ_on_every_row_end_in_one_line() {
        let mut problems = Problems::default();
        problems.extend((2..502).map(|line| at(line, "duplicate", &format!("As line {line}."))));
        let alike = problems.alike();
        assert_eq!(alike.len(), CAUSES);
        assert_eq!(alike.iter().map(|alike| alike.count).sum::<u64>(), 500);
        assert_eq!(
            alike.last().map(|last| last.count),
            Some(500 - CAUSES as u64 + 1)
        );
    }

    #[test]
    fn a_spreadsheet_runs_nothing_of_the_problems() {
        let mut problems = Problems::default();
        problems.extend([RowProblem {
            line: 3,
            field: None,
            code: "odd",
            cause: "=HYPERLINK(\"https://evil.example\")".into(),
            remedy: "@SUM(A1)".into(),
        }]);
        let report = ImportReport {
            kind: ImportKind::Learners,
            outcome: Outcome::Refused,
            digest: None,
            tally: Tally::default(),
            problems,
            taken_back: 0,
            references: References::default(),
            ilr: None,
            vacancies: None,
            survey: None,
            services: None,
        };
        let mut csv = Vec::new();
        report.csv(&mut csv).unwrap();
        let csv = String::from_utf8(csv).unwrap();
        let row = csv.lines().nth(1).unwrap();
        assert!(row.starts_with("3,,odd,\"'=HYPERLINK("), "{row}");
        assert!(row.ends_with(",'@SUM(A1)"), "{row}");
    }
}
