//! Files with columns of their own: which of them stand for the columns of the contract, and what their values mean.
//!
//! A [`Mapping`] is made once for a source, by a person, and remembered under a name; [`look`] looks at a file for it, [`propose`]
//! proposes. Rows that went through a mapping are checked as all others are: there is one way in.

mod contract;
pub mod look;
pub mod propose;

use std::collections::BTreeMap;

use ldsp_protocol::ids::Digest;
use ldsp_protocol::personal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::header;
use super::values::TEXT;
use crate::store::imports::ImportKind;
pub(super) use contract::Contract;

/// Longest name of a mapping and of a file's column, in characters.
pub const NAME: usize = 100;
/// Values of a column that a mapping gives codes for, at most.
pub const VALUES: usize = 40;
/// Longest of them, in characters.
pub const VALUE: usize = 60;

/// What a mapped file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = MappingKind)]
pub enum Kind {
    /// One row for each enrolment.
    Learners,
    /// One row for each programme.
    Programmes,
    /// One row for each need that somebody stated.
    Demand,
    /// One row for each vacancy, or for several alike.
    Vacancies,
    /// One row for each service where people learn.
    Services,
}

impl Kind {
    /// The word in addresses and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        ImportKind::from(self).as_str()
    }

    /// The columns of the contract, in its order.
    #[must_use]
    pub fn columns(self) -> &'static [&'static str] {
        Contract::of(self).columns.names
    }

    /// How much a file misses without a column.
    #[must_use]
    pub fn need(self, column: &str) -> Need {
        let (needed, usual): (&[&str], &[&str]) = match self {
            Self::Learners => (
                &[
                    "provider",
                    "learner_ref",
                    "aim",
                    "programme",
                    "start",
                    "stage",
                ],
                &[
                    "uln",
                    "birth_date",
                    "age",
                    "postcode",
                    "district",
                    "sex",
                    "ethnicity",
                    "disability",
                    "prior_status",
                    "skill",
                    "mode",
                    "planned_end",
                    "end",
                ],
            ),
            Self::Programmes => (
                &["programme", "name", "provider", "tier", "type", "audience"],
                &["funder", "start", "end"],
            ),
            Self::Demand => (Contract::of(self).columns.required, &["tier", "skill"]),
            Self::Vacancies => (
                &["title"],
                &["description", "employer", "district", "postcode"],
            ),
            Self::Services => (
                &["name", "organisation"],
                &["description", "place", "postcode"],
            ),
        };
        if needed.contains(&column) {
            Need::Needed
        } else if usual.contains(&column) {
            Need::Usual
        } else {
            Need::Optional
        }
    }

    /// Id and title of the codes of a column that holds codes of the data standard; `None` for other columns.
    #[must_use]
    pub fn codes(self, column: &str) -> Option<Vec<(String, String)>> {
        contract::codes(self, column)
    }

    /// Whether a column holds dates.
    #[must_use]
    pub fn is_date(self, column: &str) -> bool {
        Contract::of(self).dates.contains(&column)
    }

    /// Whether a column tells of one person, or is one row's own: nobody can give one text for all rows of it.
    #[must_use]
    pub fn identifies(self, column: &str) -> bool {
        match self {
            Self::Learners => ["learner_ref", "uln", "birth_date", "postcode"].contains(&column),
            Self::Programmes | Self::Services => false,
            Self::Vacancies => ["title", "description"].contains(&column),
            Self::Demand => column == "reference",
        }
    }
}

/// How much a file misses without a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Its rows are refused.
    Needed,
    /// Files have it, and figures are poorer without.
    Usual,
    /// Few files have it.
    Optional,
}

impl From<Kind> for ImportKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Learners => Self::Learners,
            Kind::Programmes => Self::Programmes,
            Kind::Demand => Self::Demand,
            Kind::Vacancies => Self::Vacancies,
            Kind::Services => Self::Services,
        }
    }
}

impl std::str::FromStr for Kind {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        let all = [
            Self::Learners,
            Self::Programmes,
            Self::Demand,
            Self::Vacancies,
            Self::Services,
        ];
        all.into_iter().find(|kind| kind.as_str() == word).ok_or(())
    }
}

/// How texts of a file are dates. The form YYYY-MM-DD is read in any case; cells that a workbook keeps as dates need no form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DateForm {
    /// 2022-09-01.
    #[default]
    Iso,
    /// 01/09/2022 or 1.9.2022: the day, the month, the year in four digits.
    DayFirst,
}

/// How the text of a CSV file is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub enum TextForm {
    /// UTF-8.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// Windows-1252 (Western European), as older programs write it.
    #[serde(rename = "windows-1252")]
    Windows1252,
}

/// Where a column of the contract comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A column of the file, by its name; capitals, spaces and hyphens do not matter.
    Column(String),
    /// The same text on every row; empty where the file says nothing.
    Always(String),
}

/// What the columns of a source's files stand for. It holds names of columns and codes, nothing of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// What the files hold.
    pub kind: Kind,
    /// How texts are dates.
    #[serde(default)]
    pub dates: DateForm,
    /// How the text of a CSV file is coded.
    #[serde(default)]
    pub text: TextForm,
    /// By column of the contract.
    pub columns: BTreeMap<String, Origin>,
    /// Codes by what the files say instead, by column of the contract; for columns of codes only.
    #[serde(default)]
    pub values: BTreeMap<String, BTreeMap<String, String>>,
}

/// How a file is read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// Of its columns; `None` when they are the contract's.
    pub mapping: Option<Mapping>,
    /// The sheet of a workbook; `None` takes the one with the header.
    pub sheet: Option<String>,
}

impl Reading {
    pub(super) fn text(&self) -> TextForm {
        self.mapping
            .as_ref()
            .map(|mapping| mapping.text)
            .unwrap_or_default()
    }
}

/// What is wrong with a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingProblem {
    /// Column of the contract; empty when it is the mapping as a whole.
    pub column: String,
    /// What is wrong, and what to do.
    pub cause: String,
}

impl std::fmt::Display for MappingProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.column.is_empty() {
            return f.write_str(&self.cause);
        }
        write!(f, "{}: {}", self.column, self.cause)
    }
}

/// A text as values are compared: without capitals, single spaces.
pub(super) fn folded(text: &str) -> String {
    crate::store::providers::folded(text)
}

/// A mapping's name as it is kept; `None` for a text that cannot be one.
#[must_use]
pub fn clean_name(name: &str) -> Option<String> {
    let name = super::values::one_spacing(name);
    let is_plain = |c: char| c.is_alphanumeric() || " .-_()&'".contains(c);
    let is_good = !name.is_empty()
        && name.chars().count() <= NAME
        && name.chars().all(is_plain)
        && personal::find(&name).is_empty();
    is_good.then_some(name)
}

/// SHA-256 over the names of a header, in any order: the header of the next file of the same source has the same one.
#[must_use]
pub fn fingerprint<S: AsRef<str>>(names: &[S]) -> Digest {
    let mut names: Vec<String> = names
        .iter()
        .map(|name| header::plain(name.as_ref()))
        .collect();
    names.sort_unstable();
    names.retain(|name| !name.is_empty());
    Digest::of(names.join("\n").as_bytes())
}

impl Mapping {
    /// One that says nothing yet.
    #[must_use]
    pub fn begun(kind: Kind) -> Self {
        Self {
            kind,
            dates: DateForm::default(),
            text: TextForm::default(),
            columns: BTreeMap::new(),
            values: BTreeMap::new(),
        }
    }

    /// Says of every column that is not needed and that nothing was said of that the file has none.
    pub fn leave_out_the_rest(&mut self) {
        for column in self.kind.columns() {
            if self.kind.need(column) != Need::Needed && !self.columns.contains_key(*column) {
                let none = Origin::Always(String::new());
                self.columns.insert((*column).to_owned(), none);
            }
        }
    }

    /// Everything that is wrong with it.
    #[must_use]
    pub fn check(&self) -> Vec<MappingProblem> {
        let contract = Contract::of(self.kind);
        let mut problems = Vec::new();
        let mut wrong = |column: &str, cause: String| {
            problems.push(MappingProblem {
                column: column.to_owned(),
                cause,
            });
        };
        for (column, from) in &self.columns {
            if let Some(cause) = self.wrong_column(column, from) {
                wrong(column, cause.to_owned());
            }
        }
        for column in contract.columns.required {
            if !self.columns.contains_key(*column) {
                wrong(
                    column,
                    "Say which column of the file it is, or that the file has none.".to_owned(),
                );
            }
        }
        for (one, other) in contract.columns.either {
            if !self.columns.contains_key(*one) && !self.columns.contains_key(*other) {
                wrong(
                    one,
                    format!("Say which column of the file it is, or give {other}."),
                );
            }
        }
        for (column, values) in &self.values {
            for cause in self.wrong_values(column, values) {
                wrong(column, cause);
            }
        }
        problems
    }

    fn wrong_column(&self, column: &str, from: &Origin) -> Option<&'static str> {
        if !self.kind.columns().contains(&column) {
            return Some("This is not one of the columns that are read.");
        }
        match from {
            Origin::Column(name) if name.trim().is_empty() => {
                Some("The name of the file's column is empty.")
            }
            Origin::Column(name) if name.chars().count() > NAME => {
                Some("The name of the file's column is longer than 100 characters.")
            }
            Origin::Column(name) if !personal::find(name).is_empty() => Some(
                "The name of the file's column looks like personal data: the file may have no header.",
            ),
            Origin::Always(text) if self.kind.identifies(column) && !text.trim().is_empty() => {
                Some("This column is of one row: it cannot be the same on every one.")
            }
            Origin::Always(text) if text.chars().count() > TEXT => {
                Some("The text is longer than 200 characters.")
            }
            Origin::Always(text) if !personal::find(text).is_empty() => {
                Some("The text looks like personal data.")
            }
            _ => None,
        }
    }

    fn wrong_values(&self, column: &str, values: &BTreeMap<String, String>) -> Vec<String> {
        let Some(codes) = self.kind.codes(column) else {
            return vec!["Only columns with codes of the data standard may have values that stand for codes.".to_owned()];
        };
        let mut wrong = Vec::new();
        if values.len() > VALUES {
            wrong.push(format!(
                "More than {VALUES} values: this may not be a column of codes."
            ));
        }
        for (value, code) in values {
            if value.chars().count() > VALUE || !personal::find(value).is_empty() {
                wrong.push(
                    "A value is too long for a code, or looks like personal data.".to_owned(),
                );
            } else if !code.is_empty() && !codes.iter().any(|(id, _)| id == code) {
                let list: Vec<_> = codes.iter().map(|(id, _)| id.as_str()).collect();
                wrong.push(format!(
                    "A value stands for a code that the data standard does not have. Use {}.",
                    list.join(", ")
                ));
            }
        }
        wrong
    }

    /// The names of the file's columns that it needs.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        self.columns.values().filter_map(|from| match from {
            Origin::Column(name) => Some(name.as_str()),
            Origin::Always(_) => None,
        })
    }
}
