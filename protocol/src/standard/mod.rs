//! Data standards: dimensions and code lists, families, declared tables with their share of the
//! privacy budget, measures. One JSON file a version, embedded; its SHA-256 digest names it everywhere.
//!
//! An enrolment is counted under one standard for ever: a new version takes the new enrolments, and the
//! earlier one goes on for those that it began (disclosure.md, 9).

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::geography::{DISTRICTS_CSV, LEPS_CSV, SUCCESSORS_CSV};
use crate::ids::Digest;

mod codebook;

pub use codebook::{Codebook, cell_index};

/// The exact bytes of the first standard.
pub const STANDARD_V1: &str = include_str!("../../data/standard-v1.json");

/// The exact bytes of the second: code lists, families and measures of the first, fewer tables with more budget each.
pub const STANDARD_V2: &str = include_str!("../../data/standard-v2.json");

/// The exact bytes of every standard of this program, oldest first, as [`Standard::all`].
pub const STANDARDS_TEXT: [&str; 2] = [STANDARD_V1, STANDARD_V2];

/// Months that a stream goes on for after a later standard began, that one's first month included: 24 of the longest programme and
/// 12 until the last destination is asked for. Fewer where the stream's horizon ends before.
pub const TAIL: i32 = 36;

/// Code of "not stated" in every dimension that has it.
pub const NOT_STATED: &str = "not-stated";

/// A dimension of the standard.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(
    missing_docs,
    reason = "the names are the standard's own; titles are in its file"
)]
pub enum Dimension {
    Area,
    Tier,
    Skill,
    Mode,
    Age,
    Sex,
    Ethnicity,
    Disability,
    Prior,
    Audience,
    ProgrammeType,
    Pledge,
    Outcome,
    Destination,
    Confidence,
    Everyday,
}

/// A family: a spell adds exactly one to each of a family's tables, once, in the month in which
/// the fact becomes known (disclosure.md, "Families").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the names are the standard's own; titles are in its file"
)]
pub enum Family {
    #[serde(rename = "starts")]
    Starts,
    #[serde(rename = "leavers")]
    Leavers,
    #[serde(rename = "destination-3m")]
    Destination3,
    #[serde(rename = "destination-6m")]
    Destination6,
    #[serde(rename = "destination-12m")]
    Destination12,
    #[serde(rename = "confidence")]
    Confidence,
    #[serde(rename = "everyday")]
    Everyday,
}

impl Family {
    /// Every family, in the standard's order.
    pub const ALL: [Self; 7] = [
        Self::Starts,
        Self::Leavers,
        Self::Destination3,
        Self::Destination6,
        Self::Destination12,
        Self::Confidence,
        Self::Everyday,
    ];
}

/// A code and its title.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// Stable id, lower case with hyphens.
    pub id: String,
    /// For people.
    pub title: String,
}

/// A dimension's declaration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DimensionDef {
    /// Which dimension.
    pub id: Dimension,
    /// For people.
    pub title: String,
    /// Code list; empty for `area` and `pledge`, whose list depends on the node.
    #[serde(default)]
    pub codes: Vec<Code>,
    /// How a list that depends on the node is made.
    #[serde(default)]
    pub list: Option<String>,
}

/// A family's declaration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FamilyDef {
    /// Which family.
    pub id: Family,
    /// For people.
    pub title: String,
    /// The event that makes an entry, in words.
    pub entry: String,
}

/// A declared table: dense, at most three dimensions.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Stable id: family and dimensions.
    pub id: String,
    /// The family that feeds it.
    pub family: Family,
    /// Its dimensions, slowest index first.
    pub dimensions: Vec<Dimension>,
    /// zCDP budget of one spell in this table over the node's whole life, in millionths.
    pub rho_micro: u64,
}

/// Parameters of the disclosure method (disclosure.md).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Noise {
    /// Name of the method.
    pub method: String,
    /// Published values are multiples of 2^-`grid_bits`.
    pub grid_bits: u32,
    /// Months that one epoch can publish.
    pub horizon_months: usize,
    /// Whole budget of a spell, in millionths of zCDP rho.
    pub rho_micro: u64,
    /// Part of it held back for tables added later.
    pub reserve_micro: u64,
    /// Bound on twice the rho of all tables that hold one sensitive attribute, in millionths.
    pub attribute_limit_micro: u64,
    /// Enrolments of one learner that may enter any family.
    pub enrolments_per_learner: usize,
    /// Sizes that the estimator's weights assume for lists that differ from node to node, so that
    /// estimating per node and estimating on national sums give the same figure.
    pub nominal_sizes: BTreeMap<Dimension, usize>,
}

/// A measure and its formula.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// Stable id.
    pub id: String,
    /// For people.
    pub title: String,
    /// Formula over published figures.
    pub formula: String,
    /// Whose definition it is.
    pub source: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct GeographyDigests {
    leps: Digest,
    districts: Digest,
    successors: Digest,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    version: u32,
    noise: Noise,
    geography: GeographyDigests,
    dimensions: Vec<DimensionDef>,
    stages: Vec<Code>,
    families: Vec<FamilyDef>,
    tables: Vec<Table>,
    measures: Vec<Measure>,
}

/// A data standard, checked. Two are equal when their bytes are.
pub struct Standard {
    file: File,
    digest: Digest,
}

impl PartialEq for Standard {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for Standard {}

impl std::fmt::Debug for Standard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.title(), self.digest)
    }
}

/// Why bytes are no data standard.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum StandardError {
    #[error("the standard is not in the form that this program reads: {0}")]
    Form(#[from] serde_json::Error),
    #[error("table {table}: {rule}")]
    Table { table: String, rule: &'static str },
    #[error("budget: {0}")]
    Budget(String),
    #[error(
        "geography: {0} differs from the embedded file; install the program version that goes with the standard"
    )]
    Geography(&'static str),
}

impl Standard {
    /// Every standard of this program, oldest first.
    #[must_use]
    pub fn all() -> &'static [Self] {
        static STANDARDS: OnceLock<[Standard; 2]> = OnceLock::new();
        STANDARDS.get_or_init(|| {
            STANDARDS_TEXT.map(|text| {
                Self::parse(text.as_bytes())
                    .expect("the embedded standards are parsed by a test of this module")
            })
        })
    }

    /// Version 1.
    #[must_use]
    pub fn v1() -> &'static Self {
        &Self::all()[0]
    }

    /// Version 2.
    #[must_use]
    pub fn v2() -> &'static Self {
        &Self::all()[1]
    }

    /// The standard that new enrolments are counted under. Later versions hold its code lists and families unchanged, so
    /// what is no count (import, practice entries, pages of definitions) needs no other.
    #[must_use]
    pub fn current() -> &'static Self {
        Self::v2()
    }

    /// The standard with this digest, if this program knows it.
    #[must_use]
    pub fn of(digest: Digest) -> Option<&'static Self> {
        Self::all().iter().find(|s| s.digest == digest)
    }

    /// Parses and checks a standard.
    ///
    /// # Errors
    /// Another form, a table of more than three dimensions or with an undeclared one, a budget
    /// that the tables and the reserve overspend, or geography that is not the embedded one.
    pub fn parse(bytes: &[u8]) -> Result<Self, StandardError> {
        let file: File = serde_json::from_slice(bytes)?;
        check_tables(&file)?;
        check_budget(&file)?;
        for (name, stated, text) in [
            ("leps.csv", file.geography.leps, LEPS_CSV),
            ("districts.csv", file.geography.districts, DISTRICTS_CSV),
            ("successors.csv", file.geography.successors, SUCCESSORS_CSV),
        ] {
            if stated != Digest::of(text.as_bytes()) {
                return Err(StandardError::Geography(name));
            }
        }
        Ok(Self {
            file,
            digest: Digest::of(bytes),
        })
    }

    /// The standard of this version, if this program knows it.
    #[must_use]
    pub fn numbered(version: u32) -> Option<&'static Self> {
        Self::all().iter().find(|s| s.version() == version)
    }

    /// SHA-256 of the standard's exact bytes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Its version, from 1.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.file.version
    }

    /// `ldsp-data-standard v1`.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{} v{}", self.file.name, self.file.version)
    }

    /// Parameters of the disclosure method.
    #[must_use]
    pub fn noise(&self) -> &Noise {
        &self.file.noise
    }

    /// Declared tables in order: the order of a summary's tables.
    #[must_use]
    pub fn tables(&self) -> &[Table] {
        &self.file.tables
    }

    /// The table with this id.
    #[must_use]
    pub fn table(&self, id: &str) -> Option<&Table> {
        self.file.tables.iter().find(|t| t.id == id)
    }

    /// Families in order.
    #[must_use]
    pub fn families(&self) -> &[FamilyDef] {
        &self.file.families
    }

    /// Measures in order.
    #[must_use]
    pub fn measures(&self) -> &[Measure] {
        &self.file.measures
    }

    /// What a node records as the stage of an enrolment.
    #[must_use]
    pub fn stages(&self) -> &[Code] {
        &self.file.stages
    }

    /// A dimension's declaration.
    #[must_use]
    pub fn dimension(&self, id: Dimension) -> &DimensionDef {
        self.file
            .dimensions
            .iter()
            .find(|d| d.id == id)
            .expect("parse refuses a standard that lacks a dimension which a table uses; the enum has no other")
    }

    /// The position in the code list of what a person wrote: case, spaces, underscores and hyphens
    /// are equal, and a code's title is as good as its id.
    #[must_use]
    pub fn parse_code(&self, id: Dimension, text: &str) -> Option<usize> {
        find_code(&self.dimension(id).codes, text)
    }

    /// The same for stages.
    #[must_use]
    pub fn parse_stage(&self, text: &str) -> Option<usize> {
        find_code(&self.file.stages, text)
    }
}

fn plain(text: &str) -> String {
    let lower = text.trim().to_lowercase().replace(['_', ' '], "-");
    lower
        .split('-')
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("-")
}

fn find_code(codes: &[Code], text: &str) -> Option<usize> {
    // Programs write the id as it is; only people vary it. No id is another code's title (checked by a test).
    if let Some(at) = codes.iter().position(|c| c.id == text) {
        return Some(at);
    }
    let wanted = plain(text);
    codes
        .iter()
        .position(|c| c.id == wanted || plain(&c.title) == wanted)
}

fn check_tables(file: &File) -> Result<(), StandardError> {
    for table in &file.tables {
        let wrong = |rule| StandardError::Table {
            table: table.id.clone(),
            rule,
        };
        if table.dimensions.is_empty() || table.dimensions.len() > 3 {
            return Err(wrong("a table has one to three dimensions"));
        }
        for dimension in &table.dimensions {
            match file.dimensions.iter().find(|d| d.id == *dimension) {
                None => return Err(wrong("a dimension is not declared")),
                Some(d) if d.codes.is_empty() != d.list.is_some() => {
                    return Err(wrong("a dimension has either codes or a rule for its list"));
                }
                Some(_) => {}
            }
        }
        if table.rho_micro == 0 {
            return Err(wrong("a table needs a budget"));
        }
        if file.tables.iter().filter(|t| t.id == table.id).count() != 1 {
            return Err(wrong("the id is used twice"));
        }
    }
    Ok(())
}

/// Whole budget and the bound per sensitive attribute (disclosure.md, "Budget").
fn check_budget(file: &File) -> Result<(), StandardError> {
    let spent: u64 = file.tables.iter().map(|t| t.rho_micro).sum();
    if spent + file.noise.reserve_micro > file.noise.rho_micro {
        return Err(StandardError::Budget(format!(
            "tables take {spent} and the reserve {} of {} millionths",
            file.noise.reserve_micro, file.noise.rho_micro
        )));
    }
    for attribute in SENSITIVE {
        let held: u64 = file
            .tables
            .iter()
            .filter(|t| t.dimensions.contains(&attribute))
            .map(|t| t.rho_micro)
            .sum();
        if 2 * held > file.noise.attribute_limit_micro {
            return Err(StandardError::Budget(format!(
                "tables with {attribute:?} take {held} millionths; at most {} are allowed",
                file.noise.attribute_limit_micro / 2
            )));
        }
    }
    Ok(())
}

/// Attributes with a budget of their own.
pub const SENSITIVE: [Dimension; 6] = [
    Dimension::Ethnicity,
    Dimension::Disability,
    Dimension::Prior,
    Dimension::Outcome,
    Dimension::Destination,
    Dimension::Confidence,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_standard_is_sound() {
        let standard = Standard::parse(STANDARD_V1.as_bytes()).unwrap();
        assert_eq!(standard.tables().len(), 26);
        assert_eq!(standard.title(), "ldsp-data-standard v1");
        let standard = Standard::parse(STANDARD_V2.as_bytes()).unwrap();
        assert_eq!(standard.tables().len(), 22);
        assert_eq!(standard.title(), "ldsp-data-standard v2");
    }

    /// Nodes write bytes that name a standard for ever.
    #[test]
    fn the_bytes_of_standards_are_frozen() {
        let digests = Standard::all().iter().map(|s| s.digest().to_string());
        assert_eq!(
            digests.collect::<Vec<_>>(),
            [
                "b6f51dc823daf00d5d1a2fbc185e33c7b711cf4cd2908841af2ff4f5ddddab33",
                "74ec92b1fb46d7724d3d04a95d32bd1c6c6e4461e840319256b673c8c0fe17b3"
            ]
        );
        for standard in Standard::all() {
            assert_eq!(
                Standard::of(standard.digest()).unwrap().title(),
                standard.title()
            );
        }
    }

    /// What [`Standard::current`] promises; and the second gives every table that it kept at least the budget of the first,
    /// holding a reserve and spending the rest.
    #[test]
    fn the_second_standard_differs_in_tables_alone() {
        let [first, second] = [STANDARD_V1, STANDARD_V2].map(|text| {
            let (before, rest) = text.split_once("\"tables\": [").unwrap();
            let after = rest.split_once("\n  ],\n").unwrap().1;
            let common = before.split_once("\"geography\"").unwrap().1;
            format!("{common}{after}")
        });
        assert_eq!(first, second);
        for table in Standard::v2().tables() {
            let before = Standard::v1().table(&table.id).unwrap();
            assert_eq!(before.dimensions, table.dimensions);
            assert!(table.rho_micro >= before.rho_micro, "{}", table.id);
        }
        let noise = Standard::v2().noise();
        let spent: u64 = Standard::v2().tables().iter().map(|t| t.rho_micro).sum();
        assert_eq!(spent + noise.reserve_micro, noise.rho_micro);
        assert!(noise.reserve_micro >= 10_000);
        assert_eq!(noise.attribute_limit_micro, 320_000);
    }

    /// An id is looked up before titles, so the two must not meet.
    #[test]
    fn no_id_is_another_codes_title() {
        let file: File = serde_json::from_str(STANDARD_V1).unwrap();
        for dimension in &file.dimensions {
            let codes = &dimension.codes;
            for (at, code) in codes.iter().enumerate() {
                let mut others = codes.iter().enumerate().filter(|(other, _)| *other != at);
                assert!(
                    others.all(|(_, other)| plain(&other.title) != plain(&code.id)),
                    "{}",
                    code.id
                );
            }
        }
    }

    #[test]
    fn people_may_write_a_code_as_its_title() {
        let standard = Standard::v1();
        let communicating =
            standard.parse_code(Dimension::Skill, " Handling Information and content ");
        assert_eq!(communicating, Some(2));
        assert_eq!(
            standard.parse_code(Dimension::Mode, "face to face"),
            Some(0)
        );
        assert_eq!(
            standard.parse_code(Dimension::Mode, "face_to-face"),
            Some(0)
        );
        assert_eq!(standard.parse_code(Dimension::Age, "65+"), None);
        assert_eq!(
            standard.parse_stage("Completed without achievement"),
            Some(2)
        );
    }

    #[test]
    fn an_overspent_budget_is_refused() {
        let text = STANDARD_V1.replacen("\"rho_micro\": 20000}", "\"rho_micro\": 90000}", 1);
        assert!(matches!(
            Standard::parse(text.as_bytes()),
            Err(StandardError::Budget(_))
        ));
        let text = STANDARD_V1.replacen("\"rho_micro\": 16000}", "\"rho_micro\": 16001}", 1);
        assert!(matches!(
            Standard::parse(text.as_bytes()),
            Err(StandardError::Budget(_))
        ));
    }
}
