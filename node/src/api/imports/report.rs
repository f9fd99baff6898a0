//! What became of a file, as programs are told.

use std::collections::BTreeMap;

use ldsp_protocol::ids::Digest;
use serde::Serialize;
use utoipa::ToSchema;

use super::FileKind;
use crate::import::ilr::Summary;
use crate::import::ilr::schema::Year;
use crate::import::report::{Alike, ImportReport, Outcome as Became, RowProblem};
use crate::import::vacancies;

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum FileOutcome {
    Stored,
    Checked,
    Refused,
}

/// A problem at its place. It never quotes what the file says there.
#[derive(Debug, Serialize, ToSchema)]
struct FileProblem {
    /// Line of the file on which the row begins; the header is line 1.
    line: u64,
    /// Column; null when the row or the file as a whole is at fault.
    #[schema(required)]
    field: Option<&'static str>,
    code: &'static str,
    /// What is wrong.
    cause: String,
    /// What to do.
    remedy: String,
}

impl From<&RowProblem> for FileProblem {
    fn from(problem: &RowProblem) -> Self {
        Self {
            line: problem.line,
            field: problem.field,
            code: problem.code,
            cause: problem.cause.to_string(),
            remedy: problem.remedy.to_string(),
        }
    }
}

/// Every problem of a file.
#[derive(Debug, Serialize, ToSchema)]
struct FileProblems {
    total: u64,
    /// Number of problems by code.
    by_code: BTreeMap<&'static str, u64>,
    /// Equal ones together.
    alike: Vec<AlikeProblems>,
    /// The first 10,000 in the order of the file.
    detailed: Vec<FileProblem>,
}

/// Equal problems of several rows.
#[derive(Debug, Serialize, ToSchema)]
struct AlikeProblems {
    /// Column; null when rows or the file as a whole are at fault.
    #[schema(required)]
    field: Option<&'static str>,
    code: &'static str,
    cause: String,
    remedy: String,
    /// How many there are.
    count: u64,
    /// Lines of the first five of them.
    lines: Vec<u64>,
}

impl From<&Alike> for AlikeProblems {
    fn from(alike: &Alike) -> Self {
        Self {
            field: alike.field,
            code: alike.code,
            cause: alike.cause.to_string(),
            remedy: alike.remedy.to_string(),
            count: alike.count,
            lines: alike.lines.clone(),
        }
    }
}

/// What an import did, or would have done. Its numbers are exact: do not share them.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Report {
    kind: FileKind,
    outcome: FileOutcome,
    /// SHA-256 of the file; null when it could not be read to its end.
    #[schema(required)]
    digest: Option<Digest>,
    /// Data rows in the file.
    rows: u64,
    /// Rows that are new.
    added: u64,
    /// Rows that differ from what was held.
    changed: u64,
    /// Rows that were held already.
    unchanged: u64,
    /// Rows with a problem.
    refused: u64,
    /// Rows of people who live outside the area: never published.
    outside: u64,
    /// Of the changed ones: the same enrolments with a corrected learner, provider, aim or start.
    carried: u64,
    /// Rows that are left out because their learners were erased; ask the provider to remove them.
    erased: u64,
    /// Enrolments that an ILR does not name any more, which an earlier one of its year had named.
    removed: u64,
    /// Destinations and answers that were recorded and that the file leaves empty. What it has no columns for stays.
    taken_back: u64,
    references: ProviderReferences,
    problems: FileProblems,
    /// Of an ILR; null otherwise.
    #[schema(required)]
    ilr: Option<IlrSummary>,
    /// Of vacancies; null otherwise.
    #[schema(required)]
    vacancies: Option<FoundInVacancies>,
}

/// What became of providers' own references of learners, by rows. Each is shown to its own provider alone.
#[derive(Debug, Serialize, ToSchema)]
struct ProviderReferences {
    /// Known to its provider from now on.
    known: u64,
    /// Not shown to anybody, because it may tell who somebody is.
    not_shown: u64,
    /// The row has none.
    none: u64,
}

/// What an ILR was, and what came of it besides rows.
#[derive(Debug, Serialize, ToSchema)]
struct IlrSummary {
    /// Such as 2018-19; null where the file does not get so far.
    #[schema(required)]
    year: Option<String>,
    /// Whether files of that year are held to its published schema.
    schema_checked: bool,
    /// The provider's number; null where the file does not get so far.
    #[schema(required)]
    ukprn: Option<u32>,
    /// Whose the file is; null while nobody has said it.
    #[schema(required)]
    provider: Option<String>,
    /// What is worth saying of the file, a sentence each.
    notes: Vec<String>,
    /// Aims that nobody has said anything of: say it by `POST /api/v1/ilr/aims`.
    unmapped: Vec<UnmappedAim>,
    /// Rows were refused, so nothing was removed.
    incomplete: bool,
}

/// An aim that nobody has said anything of.
#[derive(Debug, Serialize, ToSchema)]
struct UnmappedAim {
    aim: String,
    /// 0: the file gives none.
    fund_model: u8,
    /// Deliveries of it in the file.
    deliveries: u64,
}

impl From<&Summary> for IlrSummary {
    fn from(summary: &Summary) -> Self {
        let unmapped = summary.unmapped.iter().map(|asked| UnmappedAim {
            aim: asked.aim.clone(),
            fund_model: asked.fund_model,
            deliveries: asked.deliveries,
        });
        Self {
            year: summary.year.map(Year::title),
            schema_checked: summary.year.is_some_and(Year::is_checked),
            ukprn: (summary.ukprn > 0).then_some(summary.ukprn),
            provider: summary.provider.clone(),
            notes: summary.notes(),
            unmapped: unmapped.collect(),
            incomplete: summary.incomplete,
        }
    }
}

impl From<&ImportReport> for Report {
    fn from(report: &ImportReport) -> Self {
        let t = report.tally;
        let problems = &report.problems;
        Self {
            kind: report.kind.into(),
            outcome: match report.outcome {
                Became::Stored => FileOutcome::Stored,
                Became::Checked => FileOutcome::Checked,
                Became::Refused => FileOutcome::Refused,
            },
            digest: report.digest,
            rows: t.rows,
            added: t.added,
            changed: t.changed,
            unchanged: t.unchanged,
            refused: t.refused,
            outside: t.outside,
            carried: t.carried,
            erased: t.erased,
            removed: t.removed,
            taken_back: report.taken_back,
            references: ProviderReferences {
                known: report.references.known,
                not_shown: report.references.not_shown,
                none: report.references.none,
            },
            ilr: report.ilr.as_ref().map(IlrSummary::from),
            vacancies: report.vacancies.as_ref().map(FoundInVacancies::from),
            problems: FileProblems {
                total: problems.total(),
                by_code: problems.by_code().clone(),
                alike: problems.alike().iter().map(AlikeProblems::from).collect(),
                detailed: problems.detailed().iter().map(FileProblem::from).collect(),
            },
        }
    }
}

/// What was found in vacancies, and what it adds up to.
#[derive(Debug, Serialize, ToSchema)]
struct FoundInVacancies {
    /// Vacancies that ask for a digital skill.
    matched: u64,
    /// Those in which nothing was found that counts.
    unmatched: u64,
    /// What becomes demand. Numbers are exact.
    needs: Vec<VacanciesNeed>,
    /// The first 300 vacancies in which words were found.
    lines: Vec<VacancyFound>,
    /// The first 300 in which nothing was found that counts.
    unmatched_lines: Vec<VacancyWithout>,
}

/// Vacancies of a skill and a place.
#[derive(Debug, Serialize, ToSchema)]
struct VacanciesNeed {
    skill: String,
    area: String,
    vacancies: u64,
    /// Different employers that are named.
    employers: u64,
}

/// A vacancy with what was found in it.
#[derive(Debug, Serialize, ToSchema)]
struct VacancyFound {
    line: u64,
    /// Shortened; empty where it looks like personal data.
    title: String,
    found: Vec<WordFound>,
    skills: Vec<SkillFound>,
}

/// A word of the table with its evidence.
#[derive(Debug, Serialize, ToSchema)]
struct WordFound {
    /// As the table has it.
    term: String,
    /// `title` or `description`.
    column: &'static str,
    /// What stands before it; empty where the text looks like personal data, as is `after`.
    before: String,
    /// As they stand in the text.
    words: String,
    after: String,
    /// How sure one may be by this word alone, in percent.
    confidence: u8,
}

/// How sure it is that a vacancy asks for a skill.
#[derive(Debug, Serialize, ToSchema)]
struct SkillFound {
    skill: String,
    /// Percent, by all words together.
    confidence: u8,
    /// Whether that is enough to count.
    counts: bool,
}

/// A vacancy in which nothing was found that counts.
#[derive(Debug, Serialize, ToSchema)]
struct VacancyWithout {
    line: u64,
    title: String,
}

impl From<&vacancies::Summary> for FoundInVacancies {
    fn from(summary: &vacancies::Summary) -> Self {
        let needs = summary.needs.iter().map(|need| VacanciesNeed {
            skill: need.skill.clone(),
            area: need.area.clone(),
            vacancies: need.vacancies,
            employers: need.employers,
        });
        let without = summary.unmatched.iter();
        let without = without.map(|(line, title)| VacancyWithout {
            line: *line,
            title: title.clone(),
        });
        Self {
            matched: summary.matched,
            unmatched: summary.left,
            needs: needs.collect(),
            lines: summary.lines.iter().map(VacancyFound::from).collect(),
            unmatched_lines: without.collect(),
        }
    }
}

impl From<&vacancies::Line> for VacancyFound {
    fn from(line: &vacancies::Line) -> Self {
        let found = line.found.iter().map(|found| WordFound {
            term: found.term.clone(),
            column: found.column,
            before: found.before.clone(),
            words: found.words.clone(),
            after: found.after.clone(),
            confidence: found.confidence,
        });
        let skills = line
            .skills
            .iter()
            .map(|(skill, confidence, counts)| SkillFound {
                skill: skill.clone(),
                confidence: *confidence,
                counts: *counts,
            });
        Self {
            line: line.line,
            title: line.title.clone(),
            found: found.collect(),
            skills: skills.collect(),
        }
    }
}

impl Report {
    pub(in crate::api) fn in_words(&self) -> String {
        let s = if self.problems.total == 1 { "" } else { "s" };
        format!(
            "{} problem{s} in {} rows; nothing was stored.",
            self.problems.total, self.rows
        )
    }
}
