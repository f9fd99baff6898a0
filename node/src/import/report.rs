//! The row report: every problem of a file in one pass, in bounded memory, never quoting a value.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;

use ldsp_protocol::ids::Digest;
use ldsp_ui::csv_text;
use serde::Serialize;

use super::ilr::Summary;
use crate::store::imports::{ImportKind, Tally};

/// Problems kept in detail; further ones are counted by code.
pub const DETAILED: usize = 10_000;

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

/// The problems of a file, the first [`DETAILED`] in full.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    detailed: Vec<RowProblem>,
    by_code: BTreeMap<&'static str, u64>,
    total: u64,
}

impl Problems {
    pub(super) fn extend(&mut self, problems: impl IntoIterator<Item = RowProblem>) {
        for problem in problems {
            self.total += 1;
            *self.by_code.entry(problem.code).or_default() += 1;
            if self.detailed.len() < DETAILED {
                self.detailed.push(problem);
            }
        }
    }

    /// Changes what is said of each.
    pub(super) fn each(&mut self, say: impl FnMut(&mut RowProblem)) {
        self.detailed.iter_mut().for_each(say);
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
    /// Of an ILR: what the file was, and what came of it besides rows.
    pub ilr: Option<Summary>,
    /// Of vacancies: what was found in them.
    pub vacancies: Option<super::vacancies::Summary>,
}

impl ImportReport {
    /// For people: outcome, counts, problems by code, the first twenty in full.
    #[must_use]
    pub fn text(&self) -> String {
        const SHOWN: usize = 20;
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
        if let Some(ilr) = &self.ilr {
            text.push_str(&ilr.text());
        }
        if let Some(found) = &self.vacancies {
            text.push_str(&found.text());
        }
        if self.problems.total > 0 {
            let _written = writeln!(text, "\nProblems: {}", self.problems.total);
            for (code, n) in &self.problems.by_code {
                let _written = writeln!(text, "{n:>10}  {code}");
            }
            text.push('\n');
            for problem in self.problems.detailed.iter().take(SHOWN) {
                let _written = writeln!(text, "{problem}");
            }
            if self.problems.total > SHOWN as u64 {
                text.push_str("… Use --report FILE for all of them.\n");
            }
        }
        text
    }

    fn outside_note(&self) -> &'static str {
        match self.kind {
            ImportKind::Postcodes => "  without a district of the United Kingdom: left out",
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
            "ilr": self.ilr.as_ref().map(Summary::json),
            "vacancies": self.vacancies.as_ref().map(super::vacancies::Summary::json),
            "problems": {
                "total": self.problems.total,
                "by_code": self.problems.by_code,
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
            ilr: None,
            vacancies: None,
        };
        let mut csv = Vec::new();
        report.csv(&mut csv).unwrap();
        let csv = String::from_utf8(csv).unwrap();
        let row = csv.lines().nth(1).unwrap();
        assert!(row.starts_with("3,,odd,\"'=HYPERLINK("), "{row}");
        assert!(row.ends_with(",'@SUM(A1)"), "{row}");
    }
}
