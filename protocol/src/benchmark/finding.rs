//! A figure and everything that must stand beside it.

use crate::standard::{Dimension, Family, Standard};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::coverage::{Coverage, Range};

/// What is measured. Formulas are the standard's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// Enrolments begun.
    Starts,
    /// Enrolments ended.
    Leavers,
    /// Ended after completing.
    Completers,
    /// Ended with the achievement.
    Achievers,
    /// Starts less leavers.
    InProgress,
    /// Completers / leavers.
    Retention,
    /// Achievers / completers.
    Pass,
    /// Achievers / leavers.
    Achievement,
    /// Sustained positive destination at 6 months.
    SustainedPositive,
    /// Share whose confidence rose.
    ConfidenceRose,
    /// Share doing more everyday tasks online.
    EverydayMore,
}

impl Measure {
    /// Every measure, in the order in which people should read them.
    pub const ALL: [Self; 11] = [
        Self::Starts,
        Self::Leavers,
        Self::Completers,
        Self::Achievers,
        Self::InProgress,
        Self::Retention,
        Self::Pass,
        Self::Achievement,
        Self::SustainedPositive,
        Self::ConfidenceRose,
        Self::EverydayMore,
    ];

    /// Place in [`Self::ALL`].
    pub(super) fn place(self) -> usize {
        self as usize
    }

    /// Stable id: the standard's where it has a formula.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Starts => "starts",
            Self::Leavers => "leavers",
            Self::Completers => "completers",
            Self::Achievers => "achievers",
            Self::InProgress => "in-progress",
            Self::Retention => "retention",
            Self::Pass => "pass",
            Self::Achievement => "achievement",
            Self::SustainedPositive => "sustained-positive",
            Self::ConfidenceRose => "confidence-rose",
            Self::EverydayMore => "everyday-more",
        }
    }

    /// The measure with this id.
    #[must_use]
    pub fn parse(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|m| m.id() == id)
    }

    /// For people.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.declared().map_or("Starts", |m| m.title.as_str())
    }

    /// Formula over published figures, for people.
    #[must_use]
    pub fn formula(self) -> &'static str {
        self.declared()
            .map_or("enrolments that began", |m| m.formula.as_str())
    }

    /// Whether it is a share (0 to 1) rather than a count.
    #[must_use]
    pub fn is_rate(self) -> bool {
        matches!(
            self,
            Self::Retention
                | Self::Pass
                | Self::Achievement
                | Self::SustainedPositive
                | Self::ConfidenceRose
                | Self::EverydayMore
        )
    }

    /// Whose definition it is.
    #[must_use]
    pub fn source(self) -> &'static str {
        self.declared().map_or("LDSP", |m| m.source.as_str())
    }

    /// Months after its end at which an enrolment counts.
    pub(super) fn due_after(self) -> usize {
        if self == Self::SustainedPositive {
            6
        } else {
            0
        }
    }

    fn declared(self) -> Option<&'static crate::standard::Measure> {
        Standard::current()
            .measures()
            .iter()
            .find(|m| m.id == self.id())
    }

    /// Family, its fact's dimension, and the codes of the fact that part and base count.
    #[must_use]
    pub fn recipe(self) -> Recipe {
        const ACHIEVED: &[usize] = &[0];
        const COMPLETED: &[usize] = &[0, 1];
        const ALL_THREE: &[usize] = &[0, 1, 2];
        let leavers = |part, base| Recipe {
            family: Family::Leavers,
            fact: Some(Dimension::Outcome),
            part,
            base,
        };
        match self {
            Self::Starts | Self::InProgress => Recipe {
                family: Family::Starts,
                fact: None,
                part: &[],
                base: &[],
            },
            Self::Leavers => leavers(ALL_THREE, &[]),
            Self::Completers => leavers(COMPLETED, &[]),
            Self::Achievers => leavers(ACHIEVED, &[]),
            Self::Retention => leavers(COMPLETED, ALL_THREE),
            Self::Pass => leavers(ACHIEVED, COMPLETED),
            Self::Achievement => leavers(ACHIEVED, ALL_THREE),
            Self::SustainedPositive => Recipe {
                family: Family::Destination6,
                fact: Some(Dimension::Destination),
                part: ALL_THREE,
                base: &[0, 1, 2, 3, 4],
            },
            Self::ConfidenceRose => Recipe {
                family: Family::Confidence,
                fact: Some(Dimension::Confidence),
                part: &[2],
                base: ALL_THREE,
            },
            Self::EverydayMore => Recipe {
                family: Family::Everyday,
                fact: Some(Dimension::Everyday),
                part: &[2],
                base: ALL_THREE,
            },
        }
    }
}

impl Serialize for Measure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

impl<'de> Deserialize<'de> for Measure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = String::deserialize(deserializer)?;
        Self::parse(&id).ok_or_else(|| D::Error::custom("not the id of a measure"))
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Measure {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
        ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::String))
            .description(Some("What is measured: the id of a measure."))
            .enum_values(Some(Self::ALL.map(Self::id)))
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Measure {}

/// How a measure is made from a family: positions in the fact's code list (checked by a test).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipe {
    /// Whose tables hold it.
    pub family: Family,
    /// What became of people; none where all enrolments count.
    pub fact: Option<Dimension>,
    /// Codes of the fact that are counted.
    pub part: &'static [usize],
    /// Codes that they are a share of; none for a count.
    pub base: &'static [usize],
}

/// The place of a figure.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Place {
    /// `E92000001` for England, `E12…` region, `E37…` LEP.
    pub code: String,
    /// For people.
    pub name: String,
}

/// The group within the place that a figure is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Slice {
    /// By what.
    pub dimension: Dimension,
    /// Code id; a GSS code for districts.
    pub code: String,
    /// For people.
    pub title: String,
}

/// What may be shown of a figure (disclosure.md, "Display").
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Shown {
    /// A count with its 95 % interval, rounded, never negative.
    Count {
        /// Rounded estimate.
        value: u64,
        /// Lower end.
        low: u64,
        /// Upper end.
        high: u64,
    },
    /// A share between 0 and 1 with its 95 % interval and rounded base.
    Rate {
        /// The share.
        value: f64,
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
        /// Enrolments that it is a share of, rounded.
        base: u64,
    },
    /// Too few to say: a count under three standard errors, or a rate on a base under five standard errors.
    TooFew,
    /// Nothing to say yet: what is counted a fixed time after an enrolment ended cannot have come about.
    NotDue,
}

impl Shown {
    /// Whether there is a figure.
    #[must_use]
    pub fn is_figure(&self) -> bool {
        matches!(self, Self::Count { .. } | Self::Rate { .. })
    }
}

/// The unrounded estimate behind a figure: what sums and comparisons are made of. It is public
/// (anybody can compute it from the log) and may be negative.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = UnroundedEstimate))]
pub struct Standing {
    /// Count: the estimate. Rate: the share, whatever its base.
    pub estimate: f64,
    /// Standard error.
    pub se: f64,
}

/// A figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Finding {
    /// What is measured.
    pub measure: Measure,
    /// Where.
    pub place: Place,
    /// Of whom; all enrolments when absent.
    pub slice: Option<Slice>,
    /// When.
    pub range: Range,
    /// How much of the place is in it.
    pub coverage: Coverage,
    /// What may be shown.
    pub shown: Shown,
    /// The estimate behind it; absent for a rate on too small a base.
    pub raw: Option<Standing>,
}

/// A row of a breakdown: one code with its figures in the order of [`Measure::ALL`]. Measures whose
/// tables do not hold the dimension are left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Group {
    /// Code id; GSS code for places.
    pub code: String,
    /// For people.
    pub title: String,
    /// Figures.
    pub findings: Vec<Finding>,
}

impl Group {
    /// The figure of a measure.
    #[must_use]
    pub fn finding(&self, measure: Measure) -> Option<&Finding> {
        self.findings.iter().find(|f| f.measure == measure)
    }
}
