//! A figure and everything that must stand beside it.

use ldsp_protocol::additivity::Exact;
use ldsp_protocol::measures::{Count, Estimate, Rate};
use ldsp_protocol::standard::{Dimension, Family, Standard};
use serde::{Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

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

    fn declared(self) -> Option<&'static ldsp_protocol::standard::Measure> {
        Standard::v1().measures().iter().find(|m| m.id == self.id())
    }

    /// Family, its fact's dimension, and the codes of the fact that part and base count.
    pub(crate) fn recipe(self) -> Recipe {
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

impl PartialSchema for Measure {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::String))
            .description(Some("What is measured: the id of a measure."))
            .enum_values(Some(Self::ALL.map(Self::id)))
            .into()
    }
}

impl ToSchema for Measure {}

/// How a measure is made from a family: positions in the fact's code list (checked by a test).
pub(crate) struct Recipe {
    pub(crate) family: Family,
    pub(crate) fact: Option<Dimension>,
    pub(crate) part: &'static [usize],
    pub(crate) base: &'static [usize],
}

/// The place of a figure.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub struct Place {
    /// `E92000001` for England, `E12…` region, `E37…` LEP.
    pub code: String,
    /// For people.
    pub name: String,
}

/// The group within the place that a figure is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Slice {
    /// By what.
    pub dimension: Dimension,
    /// Code id; a GSS code for districts.
    pub code: String,
    /// For people.
    pub title: String,
}

/// What may be shown of a figure (disclosure.md, "Display").
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
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
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
#[schema(as = UnroundedEstimate)]
pub struct Standing {
    /// Count: the estimate. Rate: the share, whatever its base.
    pub estimate: f64,
    /// Standard error.
    pub se: f64,
}

/// A figure.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
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
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
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

/// Covariances, in enrolments^2, of the parts, of part and base, and of the bases of two figures, or of one with itself.
/// Part of the one with base of the other is as base with part: the components' covariance asks only which codes agree.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Noise {
    pub(super) part: f64,
    /// Part with base; 0 without a base.
    pub(super) both: f64,
    pub(super) base: f64,
}

impl Noise {
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            part: self.part + other.part,
            both: self.both + other.both,
            base: self.base + other.base,
        }
    }

    pub(super) fn times(self, factor: f64) -> Self {
        Self {
            part: self.part * factor,
            both: self.both * factor,
            base: self.base * factor,
        }
    }
}

/// An estimate as linear forms, so that places can be added up before a ratio is taken. Exact: sums of places are the
/// same fraction as the estimate of their sums.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Linear {
    pub(super) part: Exact,
    /// Base of a rate.
    pub(super) base: Option<Exact>,
    /// Of the figure with itself.
    pub(super) noise: Noise,
}

impl Linear {
    /// Sum with an independent estimate (another node's).
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            part: self.part + other.part,
            base: self.base.zip(other.base).map(|(a, b)| a + b),
            noise: self.noise.plus(other.noise),
        }
    }

    fn part(&self) -> Estimate {
        Estimate {
            value: self.part.in_counts(),
            se: self.noise.part.max(0.0).sqrt(),
        }
    }

    fn rate(&self, base: Exact) -> Option<Rate> {
        let base = Estimate {
            value: base.in_counts(),
            se: self.noise.base.max(0.0).sqrt(),
        };
        Rate::of(self.part(), base, self.noise.both)
    }

    /// This figure less `other`, with the standard error of the difference; `shared` is the covariance of the two.
    /// `None` when either is a rate on too small a base.
    ///
    /// var(a - b) = var a + var b - 2 cov(a, b). A rate deviates by (dp - r db) / b to first order (delta method; Cochran
    /// 1977, section 6.4), so cov(p/b, q/c) = (cov(p, q) - (r + s) cov(p, c) + r s cov(b, c)) / (b c), r = p/b, s = q/c.
    pub(super) fn less(&self, other: &Self, shared: Noise) -> Option<Standing> {
        let (mine, theirs, covariance) = match self.base.zip(other.base) {
            None => {
                let [mine, theirs] = [self, other].map(|l| (l.part().value, l.noise.part));
                (mine, theirs, shared.part)
            }
            Some((base, other_base)) => {
                let (a, b) = (self.rate(base)?, other.rate(other_base)?);
                let (r, s) = (a.value, b.value);
                let carried = shared.part - (r + s) * shared.both + r * s * shared.base;
                let covariance = carried / (a.base.value * b.base.value);
                ((r, a.se.powi(2)), (s, b.se.powi(2)), covariance)
            }
        };
        let variance = mine.1 + theirs.1 - 2.0 * covariance;
        Some(Standing {
            estimate: mine.0 - theirs.0,
            se: variance.max(0.0).sqrt(),
        })
    }

    /// What may be shown, and the estimate behind it.
    pub(super) fn shown(&self) -> (Shown, Option<Standing>) {
        let standing = |estimate, se| Some(Standing { estimate, se });
        let Some(base) = self.base else {
            let part = self.part();
            let raw = standing(part.value, part.se);
            return match part.display() {
                Count::TooFew => (Shown::TooFew, raw),
                Count::Shown { value, low, high } => (Shown::Count { value, low, high }, raw),
            };
        };
        match self.rate(base) {
            None => (Shown::TooFew, None),
            Some(rate) => {
                let (low, high) = rate.interval();
                let shown = Shown::Rate {
                    value: rate.display(),
                    low,
                    high,
                    base: rate.base.value.round().max(0.0) as u64,
                };
                (shown, standing(rate.value, rate.se))
            }
        }
    }
}
