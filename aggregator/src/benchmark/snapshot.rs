//! All figures of one state of the log.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use ldsp_protocol::geography::{Geography, Lep, REGIONS};
use ldsp_protocol::ids::{Gss, Period};
use ldsp_protocol::standard::{Code, Dimension, Standard};

use super::coverage::{Coverage, Range, Status};
use super::estimate::{Families, Span};
use super::finding::{Finding, Group, Linear, Measure, Place};
use super::places::{
    Inputs, LepFindings, LepStanding, district_codes, england, finding, measured, place,
};
use crate::rollup::{self, NodeMonth};
use crate::store::Node;

/// All figures of one state of the log. Pages and the API ask it; it computes on demand and never
/// touches the store.
///
/// Figures add up all months from the first release to the last ("to date") unless a method says
/// otherwise. Every [`Finding`] says its place, months and coverage, and [`Finding::shown`] is all
/// that may be displayed: a figure with its 95 % interval, or "too few to say". Before the first
/// release lists of figures are empty.
#[derive(Debug)]
pub struct Snapshot {
    size: u64,
    nodes: Vec<Node>,
    /// Months by LEP, in order.
    months: BTreeMap<Gss, Vec<NodeMonth>>,
    increments: BTreeMap<Period, BTreeMap<String, Vec<i64>>>,
    range: Option<Range>,
    nation: OnceLock<Option<Families>>,
    standings: OnceLock<Vec<LepStanding>>,
}

impl Snapshot {
    /// Arranges the inputs.
    #[must_use]
    pub fn new(inputs: Inputs) -> Self {
        let mut months: BTreeMap<Gss, Vec<NodeMonth>> = BTreeMap::new();
        for month in inputs.months {
            months.entry(month.lep.clone()).or_default().push(month);
        }
        let mut increments: BTreeMap<Period, BTreeMap<String, Vec<i64>>> = BTreeMap::new();
        for row in inputs.national {
            let parts = increments.entry(row.period).or_default();
            parts.insert(row.part, row.cells);
        }
        let all = || months.values().flatten().map(|m| m.period);
        let range = all().min().zip(all().max());
        Self {
            size: inputs.size,
            nodes: inputs.nodes,
            range: range.map(|(from, to)| Range { from, to }),
            months,
            increments,
            nation: OnceLock::new(),
            standings: OnceLock::new(),
        }
    }

    /// Number of logged statements that the figures stand on.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The nodes as they stood when the snapshot was made.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// First and last month that any LEP released; `None` before the first release.
    #[must_use]
    pub fn range(&self) -> Option<Range> {
        self.range
    }

    /// How much of England the figures to date hold.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        self.coverage_of(self.leps_of_map())
    }

    /// England to date, one figure per measure in the order of [`Measure::ALL`].
    #[must_use]
    pub fn national(&self) -> Vec<Finding> {
        self.national_slice(None)
    }

    /// England to date, one measure.
    #[must_use]
    pub fn national_measure(&self, measure: Measure) -> Option<Finding> {
        self.national().into_iter().find(|f| f.measure == measure)
    }

    /// England to date by a dimension of the standard: one row per code, "not stated" last. `area`,
    /// `pledge` and the facts themselves (`outcome` …) give nothing: ask [`Self::leps`] for places.
    #[must_use]
    pub fn by(&self, dimension: Dimension) -> Vec<Group> {
        let codes = &Standard::v1().dimension(dimension).codes;
        let rows = codes.iter().enumerate().map(|(at, code)| Group {
            code: code.id.clone(),
            title: code.title.clone(),
            findings: self.national_slice(Some((dimension, at, code))),
        });
        rows.filter(|g| !g.findings.is_empty()).collect()
    }

    /// The dimensions by which [`Self::by`] has figures, in the order in which people should read them.
    pub const BREAKDOWNS: [Dimension; 10] = [
        Dimension::Tier,
        Dimension::Skill,
        Dimension::Mode,
        Dimension::Age,
        Dimension::Sex,
        Dimension::Ethnicity,
        Dimension::Disability,
        Dimension::Prior,
        Dimension::Audience,
        Dimension::ProgrammeType,
    ];

    /// All 38 LEPs in code order, with their totals to date: the hex map and the list of areas.
    #[must_use]
    pub fn leps(&self) -> &[LepStanding] {
        self.standings
            .get_or_init(|| self.leps_of_map().map(|lep| self.standing(lep)).collect())
    }

    /// One LEP to date; `None` for a code that is no LEP's.
    #[must_use]
    pub fn lep(&self, code: &Gss) -> Option<LepFindings> {
        let standing = self
            .leps()
            .iter()
            .find(|s| s.place.code == code.as_str())?
            .clone();
        let families = self.lep_families(code);
        let groups = |dimension, codes: &[Code]| -> Vec<Group> {
            let Some((families, month)) = &families else {
                return Vec::new();
            };
            codes
                .iter()
                .enumerate()
                .map(|(at, code)| Group {
                    code: code.id.clone(),
                    title: code.title.clone(),
                    findings: self.lep_slice(
                        families,
                        month,
                        &standing,
                        Some((dimension, at, code)),
                    ),
                })
                .collect()
        };
        let tiers = &Standard::v1().dimension(Dimension::Tier).codes;
        Some(LepFindings {
            by_tier: groups(Dimension::Tier, tiers),
            by_district: groups(Dimension::Area, &district_codes(code)),
            standing,
        })
    }

    /// The nine regions to date, each the sum of the LEPs that have most of their districts in it.
    /// Regions with no LEP of their own are left out.
    #[must_use]
    pub fn regions(&self) -> Vec<Group> {
        let Some(range) = self.range else {
            return Vec::new();
        };
        REGIONS
            .iter()
            .filter_map(|(code, name)| {
                let leps: Vec<&Lep> = self
                    .leps_of_map()
                    .filter(|l| l.region.as_str() == *code)
                    .collect();
                if leps.is_empty() {
                    return None;
                }
                let coverage = self.coverage_of(leps.iter().copied());
                let place = Place {
                    code: (*code).to_owned(),
                    name: (*name).to_owned(),
                };
                let families: Vec<_> = leps
                    .iter()
                    .filter_map(|l| self.lep_families(&l.code))
                    .collect();
                let findings = Measure::ALL
                    .into_iter()
                    .filter_map(|measure| {
                        let parts = families
                            .iter()
                            .filter_map(|(f, _)| f.measure(measure, None));
                        let sum = parts.reduce(Linear::plus)?;
                        Some(finding(
                            measure,
                            &place,
                            None,
                            (range.from, range),
                            coverage,
                            &sum,
                        ))
                    })
                    .collect();
                Some(Group {
                    code: place.code,
                    title: place.name,
                    findings,
                })
            })
            .collect()
    }

    /// England month by month: one figure per released month (a rate is that month's own), with the
    /// coverage of that month.
    #[must_use]
    pub fn trend(&self, measure: Measure) -> Vec<Finding> {
        let point = |(period, parts): (&Period, &BTreeMap<String, Vec<i64>>)| {
            let nodes: Vec<&NodeMonth> = self
                .months
                .values()
                .flatten()
                .filter(|m| m.period == *period)
                .collect();
            let parts = parts.iter().map(|(p, c)| (p.as_str(), c.clone())).collect();
            let families =
                Families::of_nation(Standard::v1(), &parts, &nodes, Span::Increment).ok()?;
            let range = Range {
                from: *period,
                to: *period,
            };
            let released = |lep: &Lep| {
                let months = self.months.get(&lep.code)?;
                months.iter().find(|m| m.period == *period)
            };
            let leps = self.leps_of_map().map(|lep| match released(lep) {
                Some(_) => (Status::Contributed, 1),
                None if self.months.contains_key(&lep.code) => (Status::Late, 0),
                None => (Status::Missing, 0),
            });
            let coverage = Coverage::of(leps, range.months());
            let linear = families.measure(measure, None)?;
            let since = self.range.map_or(*period, |r| r.from);
            Some(finding(
                measure,
                &england(),
                None,
                (since, range),
                coverage,
                &linear,
            ))
        };
        self.increments.iter().filter_map(point).collect()
    }

    /// One LEP month by month.
    #[must_use]
    pub fn lep_trend(&self, code: &Gss, measure: Measure) -> Vec<Finding> {
        let Some((months, lep)) = self.months.get(code).zip(Geography::embedded().lep(code)) else {
            return Vec::new();
        };
        let mut before: Option<&NodeMonth> = None;
        let mut trend = Vec::new();
        for month in months {
            let increments = rollup::increments(Standard::v1(), before, month);
            let families =
                Families::of_node(Standard::v1(), month, &increments, Span::Increment).ok();
            if let Some(linear) = families.and_then(|f| f.measure(measure, None)) {
                let range = Range {
                    from: month.period,
                    to: month.period,
                };
                let coverage = Coverage::of([(Status::Contributed, 1)], range.months());
                trend.push(finding(
                    measure,
                    &place(lep),
                    None,
                    (months.first().map_or(month.period, |m| m.period), range),
                    coverage,
                    &linear,
                ));
            }
            before = Some(month);
        }
        trend
    }

    fn leps_of_map(&self) -> impl Iterator<Item = &'static Lep> {
        Geography::embedded().leps()
    }

    /// How much of these LEPs the figures to date hold.
    fn coverage_of<'a>(&self, leps: impl Iterator<Item = &'a Lep>) -> Coverage {
        let released = |lep: &Lep| self.months.get(&lep.code).map_or(0, Vec::len);
        Coverage::of(
            leps.map(|lep| (self.status(&lep.code), released(lep))),
            self.range.map_or(0, |r| r.months()),
        )
    }

    fn status(&self, lep: &Gss) -> Status {
        let last = self.months.get(lep).and_then(|m| m.last());
        match (last, self.range) {
            (Some(month), Some(range)) if month.period == range.to => Status::Contributed,
            (Some(_), _) => Status::Late,
            _ => Status::Missing,
        }
    }

    fn families(&self) -> Option<&Families> {
        self.nation
            .get_or_init(|| {
                let mut sums: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
                for (part, cells) in self.increments.values().flatten() {
                    rollup::add(sums.entry(part).or_default(), cells);
                }
                let latest: Vec<&NodeMonth> =
                    self.months.values().filter_map(|m| m.last()).collect();
                Families::of_nation(Standard::v1(), &sums, &latest, Span::Cumulative).ok()
            })
            .as_ref()
    }

    fn lep_families(&self, lep: &Gss) -> Option<(Families, &NodeMonth)> {
        let month = self.months.get(lep)?.last()?;
        let families =
            Families::of_node(Standard::v1(), month, &month.cumulative, Span::Cumulative).ok()?;
        Some((families, month))
    }

    fn national_slice(&self, slice: Option<(Dimension, usize, &Code)>) -> Vec<Finding> {
        let Some((range, families)) = self.range.zip(self.families()) else {
            return Vec::new();
        };
        let coverage = self.coverage();
        measured(families, slice, |measure, slice, linear| {
            finding(
                measure,
                &england(),
                slice,
                (range.from, range),
                coverage,
                linear,
            )
        })
    }

    fn lep_slice(
        &self,
        families: &Families,
        last: &NodeMonth,
        standing: &LepStanding,
        slice: Option<(Dimension, usize, &Code)>,
    ) -> Vec<Finding> {
        let from = standing.range.map_or(last.period, |r| r.from);
        let range = Range {
            from,
            to: last.period,
        };
        let coverage = Coverage::of([(standing.status, standing.releases)], range.months());
        measured(families, slice, |measure, slice, linear| {
            finding(
                measure,
                &standing.place,
                slice,
                (range.from, range),
                coverage,
                linear,
            )
        })
    }

    fn standing(&self, lep: &Lep) -> LepStanding {
        let node = self.nodes.iter().find(|n| n.lep == lep.code);
        let months = self.months.get(&lep.code).map_or(&[][..], Vec::as_slice);
        let ends = months.first().zip(months.last());
        let region = ldsp_protocol::geography::region_name(&lep.region).unwrap_or_default();
        let mut standing = LepStanding {
            place: place(lep),
            region: Place {
                code: lep.region.to_string(),
                name: region.to_owned(),
            },
            hex: lep.hex,
            node: node.map(|n| n.node.clone()),
            state: node.map(|n| n.state),
            status: self.status(&lep.code),
            range: ends.map(|(first, last)| Range {
                from: first.period,
                to: last.period,
            }),
            releases: months.len(),
            findings: Vec::new(),
        };
        if let Some((families, last)) = self.lep_families(&lep.code) {
            standing.findings = self.lep_slice(&families, last, &standing, None);
        }
        standing
    }
}
