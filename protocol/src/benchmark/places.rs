//! LEPs in the benchmark: how each stands and what its page shows; and the making of one figure.

use crate::enrolment::NodeState;
use crate::geography::{Geography, Lep};
use crate::ids::{Digest, Gss, NodeSlug, Period};
use crate::standard::{Code, Dimension, NOT_STATED};
use serde::Serialize;

use super::coverage::{Coverage, Range, Status};
use super::estimate::Totals;
use super::finding::{Finding, Group, Measure, Place, Shown, Slice};
use super::linear::Linear;

/// England's GSS code.
const ENGLAND: &str = "E92000001";

/// A node as far as figures are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub node: NodeSlug,
    /// The LEP that it serves.
    pub lep: Gss,
    /// Where its enrolment stands.
    pub state: NodeState,
}

/// How a LEP stands: what the map and the list of areas show.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LepStanding {
    /// The LEP.
    pub place: Place,
    /// Its region.
    pub region: Place,
    /// Place on the hex map: column and row.
    pub hex: (i32, i32),
    /// The node that serves it, where one was invited.
    pub node: Option<NodeSlug>,
    /// Where that node's enrolment stands.
    pub state: Option<NodeState>,
    /// Whether it is in the figures.
    pub status: Status,
    /// Months that it released.
    pub range: Option<Range>,
    /// Epoch of its last release: 1, or 2 after its node lost its ledger; null where it released nothing.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub epoch: Option<u32>,
    /// Number of months that it released as a whole.
    pub months: usize,
    /// Number of releases: while its node changes to another data standard a month has two.
    pub releases: usize,
    /// Digests of the data standards that its enrolments are counted under, oldest first. An enrolment is counted under one.
    pub standards: Vec<Digest>,
    /// Those under which its summary of the latest month of any LEP is still to come.
    pub owes: Vec<Digest>,
    /// Its totals in the order of [`Measure::ALL`]; empty when it released nothing.
    pub findings: Vec<Finding>,
}

impl LepStanding {
    /// The figure of a measure.
    #[must_use]
    pub fn finding(&self, measure: Measure) -> Option<&Finding> {
        self.findings.iter().find(|f| f.measure == measure)
    }
}

/// Figures of one LEP.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LepFindings {
    /// How it stands, with its totals.
    pub standing: LepStanding,
    /// By tier.
    pub by_tier: Vec<Group>,
    /// By district, "not stated" last.
    pub by_district: Vec<Group>,
}

/// The figures of these totals, in the order of [`Measure::ALL`].
pub(super) fn measured(
    totals: &Totals,
    slice: Option<(Dimension, &Code)>,
    make: impl Fn(Measure, Option<Slice>, &Linear) -> Finding,
) -> Vec<Finding> {
    let figure = |(measure, linear): (Measure, &Option<Linear>)| {
        let named = slice.map(|(dimension, code)| Slice {
            dimension,
            code: code.id.clone(),
            title: code.title.clone(),
        });
        Some(make(measure, named, linear.as_ref()?))
    };
    Measure::ALL
        .into_iter()
        .zip(totals)
        .filter_map(figure)
        .collect()
}

/// One figure of a place that has figures `since` a month.
pub(super) fn finding(
    measure: Measure,
    place: &Place,
    slice: Option<Slice>,
    (since, range): (Period, Range),
    coverage: Coverage,
    linear: &Linear,
) -> Finding {
    let (shown, raw) = linear.shown();
    // What came about before the first month is still shown where it was counted.
    let begun = Range {
        from: since,
        ..range
    };
    let shown = match shown {
        Shown::TooFew if begun.months() <= measure.due_after() => Shown::NotDue,
        shown => shown,
    };
    Finding {
        measure,
        place: place.clone(),
        slice,
        range,
        coverage,
        shown,
        raw,
    }
}

pub(super) fn england() -> Place {
    Place {
        code: ENGLAND.to_owned(),
        name: "England".to_owned(),
    }
}

pub(super) fn place(lep: &Lep) -> Place {
    Place {
        code: lep.code.to_string(),
        name: lep.name.clone(),
    }
}

pub(super) fn district_codes(lep: &Gss) -> Vec<Code> {
    let map = Geography::embedded();
    let owned = map.owned_by(lep).into_iter().map(|code| Code {
        title: map
            .district(&code)
            .map_or_else(String::new, |d| d.name.clone()),
        id: code.to_string(),
    });
    owned
        .chain([Code {
            id: NOT_STATED.to_owned(),
            title: "Not stated".to_owned(),
        }])
        .collect()
}
