//! All figures of one state of the log.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use crate::geography::{Geography, Lep, REGIONS};
use crate::ids::{Gss, Period};
use crate::standard::{Code, Dimension, Standard};

use super::coverage::{Coverage, Range, Status};
use super::estimate::{Mixed, Totals, holds, sum};
use super::finding::{Finding, Group, Measure, Place};
use super::ground::{Area, Ground, Month};
use super::parts::{missing, month_of, part};
use super::places::{
    LepFindings, LepStanding, Member, district_codes, england, finding, measured, place,
};
use crate::rollup::NodeMonth;

mod contrast;

/// All figures of one state of the log. They are computed on demand and remembered.
///
/// Figures add up all months from the first release to the last ("to date") unless a method says
/// otherwise. Every [`Finding`] says its place, months and coverage, and [`Finding::shown`] is all
/// that may be displayed: a figure with its 95 % interval, or "too few to say". Before the first
/// release lists of figures are empty.
///
/// It holds a few hundred numbers for each month of an area and the cells of each area's last month, whatever the
/// length of the log; [`Self::after`] shares with the state before what the new statements leave as it was.
#[derive(Debug, Clone)]
pub struct Figures {
    members: Arc<[Member]>,
    ground: Arc<Ground>,
    known: Arc<Known>,
}

impl Default for Figures {
    /// Nothing published, nobody invited.
    fn default() -> Self {
        let ground = Arc::new(Ground::default());
        Self {
            members: Arc::default(),
            known: Arc::new(Known::of(&ground)),
            ground,
        }
    }
}

/// Figures that were asked for before. Dropped when any of them may change.
#[derive(Debug, Default)]
struct Known {
    coverage: OnceLock<Coverage>,
    totals: OnceLock<Option<Totals>>,
    families: OnceLock<Option<Mixed>>,
    national: OnceLock<Vec<Finding>>,
    by: [OnceLock<Vec<Group>>; Figures::BREAKDOWNS.len()],
    standings: OnceLock<Vec<LepStanding>>,
    leps: BTreeMap<Gss, OnceLock<LepFindings>>,
    regions: OnceLock<Vec<Group>>,
    trends: [OnceLock<Vec<Finding>>; Measure::ALL.len()],
    lep_trends: BTreeMap<Gss, [OnceLock<Vec<Finding>>; Measure::ALL.len()]>,
}

impl Known {
    fn of(ground: &Ground) -> Self {
        let leps = || Geography::embedded().leps().map(|l| l.code.clone());
        Self {
            leps: leps().map(|code| (code, OnceLock::new())).collect(),
            lep_trends: ground
                .areas
                .keys()
                .map(|code| (code.clone(), Default::default()))
                .collect(),
            ..Self::default()
        }
    }
}

impl Figures {
    /// The state of these nodes that `months` (in the order of the log) lead to from this one.
    #[must_use]
    pub fn after(
        &self,
        members: Arc<[Member]>,
        months: impl IntoIterator<Item = NodeMonth>,
    ) -> Self {
        let mut months = months.into_iter().peekable();
        let grown = months.peek().is_some();
        if !grown && members == self.members {
            return self.clone();
        }
        let mut ground = Arc::clone(&self.ground);
        if grown {
            let ground = Arc::make_mut(&mut ground);
            months.for_each(|month| ground.add(month));
        }
        Self {
            members,
            known: Arc::new(Known::of(&ground)),
            ground,
        }
    }

    /// The state with these months of an area in place of all that it had, each stream's in order: something of it was withdrawn or
    /// published again.
    #[must_use]
    pub fn with(
        &self,
        members: Arc<[Member]>,
        lep: Option<&Gss>,
        months: impl IntoIterator<Item = NodeMonth>,
    ) -> Self {
        let mut ground = Ground::clone(&self.ground);
        if let Some(lep) = lep {
            ground.remove(lep);
        }
        months.into_iter().for_each(|month| ground.add(month));
        Self {
            members,
            known: Arc::new(Known::of(&ground)),
            ground: Arc::new(ground),
        }
    }

    /// The same, where what an area counts under a standard ends before a month that it withdrew and did not publish again. Months that do
    /// not [count](NodeMonth::counts) say so by themselves in [`Self::after`] and [`Self::with`].
    #[must_use]
    pub fn cut_off(&self, lep: &Gss, standard: &Standard) -> Self {
        let mut ground = Ground::clone(&self.ground);
        ground.cut_off(lep, standard);
        Self {
            members: Arc::clone(&self.members),
            known: Arc::new(Known::of(&ground)),
            ground: Arc::new(ground),
        }
    }

    /// Whether both are one state, with all that is remembered of it.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.known, &other.known)
    }

    /// First and last month that any LEP released; `None` before the first release.
    #[must_use]
    pub fn range(&self) -> Option<Range> {
        self.ground.range()
    }

    /// Standards that any enrolments in the figures are counted under, and the present one; oldest first.
    #[must_use]
    pub fn standards(&self) -> Vec<&'static Standard> {
        let used = self.used();
        let shown = |s: &&'static Standard| *s == Standard::current() || used.contains(s);
        Standard::all().iter().filter(shown).collect()
    }

    /// Standards that any enrolments in the figures are counted under, oldest first.
    #[must_use]
    pub fn used(&self) -> Vec<&'static Standard> {
        let used = |standard: &&'static Standard| {
            let mut streams = self.ground.areas.values().flat_map(|a| a.streams());
            streams.any(|s| s.standard() == *standard)
        };
        Standard::all().iter().filter(used).collect()
    }

    /// Every figure of a measure to date: England, England by each dimension, the regions, the LEPs. Empty before the first
    /// release.
    #[must_use]
    pub fn of(&self, measure: Measure) -> Vec<Finding> {
        let by = Self::BREAKDOWNS.into_iter().flat_map(|d| self.by(d));
        let groups = by.chain(self.regions()).filter_map(|g| g.finding(measure));
        let leps = self.leps().iter().filter_map(|l| l.finding(measure));
        let all = self.national_measure(measure).into_iter();
        all.chain(groups).chain(leps).cloned().collect()
    }

    /// How much of England the figures to date hold.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        let all = || self.coverage_of(Geography::embedded().leps());
        *self.known.coverage.get_or_init(all)
    }

    /// A LEP's months in order, each with its standard and the sequence number of its statement: two of a month while its node
    /// changes to another standard.
    #[must_use]
    pub fn releases(&self, lep: &Gss) -> Vec<(Period, &'static Standard, u64)> {
        let area = self.ground.areas.get(lep);
        let releases = area.map_or_else(Vec::new, |a| a.releases());
        let one = releases.into_iter();
        one.map(|r| (r.period, r.standard, r.seq)).collect()
    }

    /// England to date, one figure per measure in the order of [`Measure::ALL`].
    #[must_use]
    pub fn national(&self) -> &[Finding] {
        self.known.national.get_or_init(|| {
            self.totals()
                .map_or_else(Vec::new, |totals| self.national_slice(totals, None))
        })
    }

    fn totals(&self) -> Option<&Totals> {
        let totals = self.known.totals.get_or_init(|| self.ground.totals());
        totals.as_ref()
    }

    fn families(&self) -> Option<&Mixed> {
        let families = self.known.families.get_or_init(|| self.ground.families());
        families.as_ref()
    }

    /// England to date, one measure.
    #[must_use]
    pub fn national_measure(&self, measure: Measure) -> Option<&Finding> {
        self.national().iter().find(|f| f.measure == measure)
    }

    /// England to date by a dimension of the standard: one row per code, "not stated" last. `area`,
    /// `pledge` and the facts themselves (`outcome` …) give nothing: ask [`Self::leps`] for places.
    #[must_use]
    pub fn by(&self, dimension: Dimension) -> &[Group] {
        let known = Self::BREAKDOWNS.iter().position(|d| *d == dimension);
        let Some(known) = known.map(|at| &self.known.by[at]) else {
            return &[];
        };
        known.get_or_init(|| {
            let Some(families) = self.families() else {
                return Vec::new();
            };
            let codes = &Standard::current().dimension(dimension).codes;
            let rows = groups(dimension, codes, families, |totals, code| {
                self.national_slice(totals, Some((dimension, code)))
            });
            rows.into_iter()
                .filter(|g| !g.findings.is_empty())
                .collect()
        })
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
        let standings = || Geography::embedded().leps().map(|lep| self.standing(lep));
        self.known.standings.get_or_init(|| standings().collect())
    }

    /// One LEP to date; `None` for a code that is no LEP's.
    #[must_use]
    pub fn lep(&self, code: &Gss) -> Option<&LepFindings> {
        let standing = self.leps().iter().find(|s| s.place.code == code.as_str())?;
        let known = self.known.leps.get(code)?;
        Some(known.get_or_init(|| {
            let area = self.ground.areas.get(code);
            let rows = |dimension, codes: &[Code]| -> Vec<Group> {
                let published = area.and_then(|a| Some((a, a.families()?)));
                let Some(((area, families), last)) = published.zip(self.range().map(|r| r.to))
                else {
                    return Vec::new();
                };
                groups(dimension, codes, &families, |totals, code| {
                    let slice = Some((dimension, code));
                    lep_slice(totals, area, &standing.place, (last, slice))
                })
            };
            LepFindings {
                standing: standing.clone(),
                by_tier: rows(
                    Dimension::Tier,
                    &Standard::current().dimension(Dimension::Tier).codes,
                ),
                by_district: rows(Dimension::Area, &district_codes(code)),
            }
        }))
    }

    /// The nine regions to date, each the sum of the LEPs that have most of their districts in it.
    /// Regions with no LEP of their own are left out.
    #[must_use]
    pub fn regions(&self) -> &[Group] {
        self.known.regions.get_or_init(|| {
            let region = |(code, name): &(&str, &str)| self.region(code, name);
            REGIONS.iter().filter_map(region).collect()
        })
    }

    fn region(&self, code: &str, name: &str) -> Option<Group> {
        let range = self.range()?;
        let leps: Vec<&Lep> = Geography::embedded()
            .leps()
            .filter(|l| l.region.as_str() == code)
            .collect();
        if leps.is_empty() {
            return None;
        }
        let coverage = self.coverage_of(leps.iter().copied());
        let place = Place {
            code: code.to_owned(),
            name: name.to_owned(),
        };
        let areas = leps.iter().filter_map(|l| self.area(l)?.totals().copied());
        let sum = sum(areas).unwrap_or_default();
        Some(Group {
            findings: measured(&sum, None, |measure, _, linear| {
                finding(measure, &place, None, (range.from, range), coverage, linear)
            }),
            code: place.code.clone(),
            title: place.name.clone(),
        })
    }

    /// England month by month: one figure per released month (a rate is that month's own), with the
    /// coverage of that month.
    #[must_use]
    pub fn trend(&self, measure: Measure) -> &[Finding] {
        self.known.trends[measure.place()].get_or_init(|| {
            let Some(all) = self.range() else {
                return Vec::new();
            };
            let point = |(period, month): (&Period, &Arc<Month>)| {
                let linear = month.totals()?[measure.place()]?;
                let range = Range {
                    from: *period,
                    to: *period,
                };
                let coverage = self.coverage_in(*period);
                Some(finding(
                    measure,
                    &england(),
                    None,
                    (all.from, range),
                    coverage,
                    &linear,
                ))
            };
            self.ground.months.iter().filter_map(point).collect()
        })
    }

    /// One LEP month by month.
    #[must_use]
    pub fn lep_trend(&self, code: &Gss, measure: Measure) -> &[Finding] {
        let known = self
            .known
            .lep_trends
            .get(code)
            .map(|all| &all[measure.place()]);
        let area = self
            .ground
            .areas
            .get(code)
            .zip(Geography::embedded().lep(code));
        let Some((known, (area, lep))) = known.zip(area) else {
            return &[];
        };
        known.get_or_init(|| {
            let since = area.range().from;
            let place = place(lep);
            let point = |period: Period| {
                let linear = area.own_totals(period)?[measure.place()]?;
                let range = Range {
                    from: period,
                    to: period,
                };
                let coverage = Coverage::of([month_of(area, period)], 1);
                Some(finding(
                    measure,
                    &place,
                    None,
                    (since, range),
                    coverage,
                    &linear,
                ))
            };
            area.months().into_iter().filter_map(point).collect()
        })
    }

    fn area(&self, lep: &Lep) -> Option<&Area> {
        self.ground.areas.get(&lep.code).map(Arc::as_ref)
    }

    /// How much of these LEPs the figures to date hold.
    fn coverage_of<'a>(&self, leps: impl Iterator<Item = &'a Lep>) -> Coverage {
        self.coverage_under(leps, |_| true)
    }

    /// The same of figures that only some standards hold.
    fn coverage_under<'a>(
        &self,
        leps: impl Iterator<Item = &'a Lep>,
        holds: impl Fn(&Standard) -> bool + Copy,
    ) -> Coverage {
        let Some(range) = self.range() else {
            return Coverage::of(leps.map(|_| missing(false)), 0);
        };
        let of = |lep: &Lep| {
            self.area(lep)
                .map_or(missing(false), |area| part(area, range.to, holds))
        };
        Coverage::of(leps.map(of), range.months())
    }

    /// How much of England a month holds.
    fn coverage_in(&self, period: Period) -> Coverage {
        let of = |lep: &Lep| {
            self.area(lep)
                .map_or(missing(false), |area| month_of(area, period))
        };
        Coverage::of(Geography::embedded().leps().map(of), 1)
    }

    fn national_slice(&self, totals: &Totals, slice: Option<(Dimension, &Code)>) -> Vec<Finding> {
        let Some(range) = self.range() else {
            return Vec::new();
        };
        let (all, used) = (self.coverage(), self.standards());
        let by = slice.map(|(dimension, _)| dimension);
        measured(totals, slice, |measure, slice, linear| {
            let held = |standard: &Standard| holds(standard, measure, by);
            let coverage = if used.iter().copied().all(held) {
                all
            } else {
                self.coverage_under(Geography::embedded().leps(), held)
            };
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

    fn standing(&self, lep: &Lep) -> LepStanding {
        let member: Option<&Member> = self.members.iter().find(|m| m.lep == lep.code);
        let area = self.area(lep);
        let region = crate::geography::region_name(&lep.region).unwrap_or_default();
        let mut standing = LepStanding {
            place: place(lep),
            region: Place {
                code: lep.region.to_string(),
                name: region.to_owned(),
            },
            hex: lep.hex,
            node: member.map(|m| m.node.clone()),
            state: member.map(|m| m.state),
            status: Status::Missing,
            range: area.map(Area::range),
            epoch: area.map(Area::epoch),
            months: 0,
            releases: area.map_or(0, |a| a.releases().len()),
            standards: Vec::new(),
            owes: Vec::new(),
            findings: Vec::new(),
        };
        let Some((area, range)) = area.zip(self.range()) else {
            return standing;
        };
        let part = part(area, range.to, |_| true);
        (standing.status, standing.months) = (part.status, part.months);
        standing.standards = area.streams().map(|s| s.standard().digest()).collect();
        standing.owes = area.owes(range.to);
        if let Some(totals) = area.totals() {
            standing.findings = lep_slice(totals, area, &standing.place, (range.to, None));
        }
        standing
    }
}

/// One row per code.
fn groups(
    dimension: Dimension,
    codes: &[Code],
    families: &Mixed,
    figures: impl Fn(&Totals, &Code) -> Vec<Finding>,
) -> Vec<Group> {
    let row = |(at, code): (usize, &Code)| Group {
        code: code.id.clone(),
        title: code.title.clone(),
        findings: figures(&families.totals(Some((dimension, at))), code),
    };
    codes.iter().enumerate().map(row).collect()
}

/// Figures of an area to date; none before its first release.
fn lep_slice(
    totals: &Totals,
    area: &Area,
    place: &Place,
    (last, slice): (Period, Option<(Dimension, &Code)>),
) -> Vec<Finding> {
    let range = area.range();
    let by = slice.map(|(dimension, _)| dimension);
    let all = part(area, last, |_| true);
    measured(totals, slice, |measure, slice, linear| {
        let held = |standard: &Standard| holds(standard, measure, by);
        let own = if area.streams().all(|s| held(s.standard())) {
            all
        } else {
            part(area, last, held)
        };
        let coverage = Coverage::of([own], range.months());
        finding(measure, place, slice, (range.from, range), coverage, linear)
    })
}

#[cfg(test)]
mod tests;
