//! What figures stand on: every area's months, followed as the log grows. Parts that a statement does not touch are
//! shared with the state before, estimates included.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use crate::ids::{Digest, Gss, Period};
use crate::noise::HORIZON;
use crate::standard::{Standard, TAIL};

use super::coverage::{Held, Range};
use super::estimate::{self, Families, Keep, Mixed, Months, Spread, Totals, reduce};
use crate::rollup::NodeMonth;

/// One month of a stream: sums of its cells, never the cells.
#[derive(Debug)]
pub(super) struct Release {
    pub(super) standard: &'static Standard,
    pub(super) period: Period,
    /// Its statement in the node's sequence.
    pub(super) seq: u64,
    pub(super) spread: Spread,
    /// Facts of the month itself and of all months up to it, units of 2^-32.
    own: Vec<i64>,
    to_date: Vec<i64>,
    own_totals: OnceLock<Option<Totals>>,
    totals: OnceLock<Option<Totals>>,
}

impl Release {
    fn new(before: Option<&Self>, month: &NodeMonth) -> Self {
        let codebook = month.codebook();
        let to_date = reduce(month.standard, &codebook, &month.cumulative, Keep::Facts);
        let mut own = to_date.clone();
        if let Some(before) = before {
            own.iter_mut()
                .zip(&before.to_date)
                .for_each(|(now, then)| *now -= then);
        }
        Self {
            standard: month.standard,
            period: month.period,
            seq: month.seq,
            spread: Spread::of(month, &codebook),
            own,
            to_date,
            own_totals: OnceLock::new(),
            totals: OnceLock::new(),
        }
    }

    /// Totals of the month itself.
    pub(super) fn own_totals(&self) -> Option<&Totals> {
        let own = || totals(self.standard, &self.own, [self].into_iter(), Months::Own);
        self.own_totals.get_or_init(own).as_ref()
    }

    /// Totals up to the month.
    fn totals(&self) -> Option<&Totals> {
        let to_date = || {
            let one = [self].into_iter();
            totals(self.standard, &self.to_date, one, Months::ToDate)
        };
        self.totals.get_or_init(to_date).as_ref()
    }
}

fn totals<'a>(
    standard: &Standard,
    facts: &[i64],
    releases: impl Iterator<Item = &'a Release> + Clone,
    months: Months,
) -> Option<Totals> {
    let spreads = releases.map(|r| &r.spread);
    let families = Families::of(standard, facts, Keep::Facts, spreads, months).ok()?;
    Some(families.totals(None))
}

/// Adds cell by cell; `sum` may still be empty. Exact, so the order does not matter.
fn sum<'a>(parts: impl Iterator<Item = &'a [i64]>) -> Vec<i64> {
    let mut sum = Vec::new();
    parts.for_each(|part| crate::rollup::add(&mut sum, part));
    sum
}

/// An area's months under one standard in order, with the cells of the last.
#[derive(Debug)]
pub(super) struct Stream {
    releases: Vec<Arc<Release>>,
    /// The last of them, with its cells to date.
    month: NodeMonth,
    families: OnceLock<Option<Arc<Families>>>,
}

impl Stream {
    fn new(before: Option<&Self>, month: NodeMonth) -> Self {
        let mut releases = before.map_or_else(Vec::new, |b| b.releases.clone());
        let release = Release::new(releases.last().map(Arc::as_ref), &month);
        releases.push(Arc::new(release));
        Self {
            releases,
            month,
            families: OnceLock::new(),
        }
    }

    pub(super) fn standard(&self) -> &'static Standard {
        self.month.standard
    }

    fn last(&self) -> &Arc<Release> {
        self.releases
            .last()
            .expect("a stream is made with its first release")
    }

    fn first(&self) -> Period {
        self.releases
            .first()
            .map_or(self.last().period, |r| r.period)
    }

    /// Its months are contiguous.
    fn has(&self, period: Period) -> bool {
        (self.first()..=self.last().period).contains(&period)
    }

    /// Sums of the cells to date.
    fn cells(&self, keep: Keep) -> Vec<i64> {
        let month = &self.month;
        reduce(month.standard, &month.codebook(), &month.cumulative, keep)
    }

    /// Estimates to date, by district too.
    fn families(&self) -> Option<Arc<Families>> {
        let made = || {
            let keep = Keep::Districts;
            let spread = [&self.last().spread].into_iter();
            let cells = self.cells(keep);
            let families = Families::of(self.standard(), &cells, keep, spread, Months::ToDate);
            families.ok().map(Arc::new)
        };
        self.families.get_or_init(made).clone()
    }
}

/// What an area published: a stream of months under each standard, oldest standard first.
#[derive(Debug)]
pub(super) struct Area {
    streams: BTreeMap<u32, Arc<Stream>>,
    /// Versions of standards under which it withdrew a month and did not publish it again: the stream ends before that month, or has
    /// none that counts.
    cut: BTreeSet<u32>,
    totals: OnceLock<Option<Totals>>,
}

impl Area {
    fn new(before: Option<&Self>, month: NodeMonth, cut: BTreeSet<u32>) -> Self {
        let mut streams = before.map_or_else(BTreeMap::new, |b| b.streams.clone());
        let version = month.standard.version();
        let earlier = streams.get(&version).map(Arc::as_ref);
        let stream = Stream::new(earlier, month);
        streams.insert(version, Arc::new(stream));
        Self {
            streams,
            cut,
            totals: OnceLock::new(),
        }
    }

    fn has(&self, version: u32, period: Period) -> bool {
        let stream = self.streams.get(&version);
        stream.is_some_and(|stream| stream.has(period))
    }

    /// Whether it withdrew what it counted under `stream`'s standard in `period`, or a month before.
    fn is_cut(&self, stream: &Stream, period: Period) -> bool {
        self.cut.contains(&stream.standard().version()) && period > stream.last().period
    }

    /// Standards under which nothing of it counts any more, because its first month was withdrawn.
    fn gone(&self) -> impl Iterator<Item = &'static Standard> {
        let gone = |s: &&'static Standard| {
            let version = s.version();
            self.cut.contains(&version) && !self.streams.contains_key(&version)
        };
        Standard::all().iter().filter(gone)
    }

    /// Oldest standard first.
    pub(super) fn streams(&self) -> impl Iterator<Item = &Stream> {
        self.streams.values().map(Arc::as_ref)
    }

    /// Statements of months, in the order of months and standards.
    pub(super) fn releases(&self) -> Vec<&Arc<Release>> {
        let mut all: Vec<_> = self.streams().flat_map(|s| &s.releases).collect();
        all.sort_by_key(|r| (r.period, r.standard.version()));
        all
    }

    /// Months with a release, in order.
    pub(super) fn months(&self) -> Vec<Period> {
        let mut months: Vec<Period> = self.releases().iter().map(|r| r.period).collect();
        months.dedup();
        months
    }

    /// Releases of a month, oldest standard first.
    pub(super) fn of_month(&self, period: Period) -> Vec<&Release> {
        let all = self.streams().flat_map(|s| &s.releases);
        let own = all.filter(|r| r.period == period);
        own.map(Arc::as_ref).collect()
    }

    /// First and last month under any standard.
    pub(super) fn range(&self) -> Range {
        let ends = |s: &Stream| Range {
            from: s.first(),
            to: s.last().period,
        };
        let all = self.streams().map(ends).reduce(|a, b| Range {
            from: a.from.min(b.from),
            to: a.to.max(b.to),
        });
        all.expect("an area is made with its first release")
    }

    /// 2 where the ledger of any of its streams was lost.
    pub(super) fn epoch(&self) -> u32 {
        let epochs = self.streams().map(|s| s.last().spread.epoch());
        epochs.max().unwrap_or_default()
    }

    /// Whether `stream` has something to say of `period`: when the next standard has begun, its months go on for [`TAIL`] of that one's,
    /// or until its horizon.
    fn is_due(&self, stream: &Stream, period: Period) -> bool {
        let version = stream.standard().version();
        let mut later = self.streams.range(version + 1..).map(|(_, s)| s.first());
        let spent = stream.last().spread.month() == HORIZON && period > stream.last().period;
        let ended = |began: Period| spent || period.index() - began.index() >= TAIL;
        period >= stream.first() && !later.next().is_some_and(ended)
    }

    /// Standards under which a month is due and not there.
    pub(super) fn owes(&self, period: Period) -> Vec<Digest> {
        let owed = |s: &&Stream| self.is_due(s, period) && !s.has(period);
        let owed = self.streams().filter(owed);
        owed.map(|s| s.standard().digest()).collect()
    }

    /// What it has of a month in figures that only some standards hold. What it withdrew is wanting until it is published again,
    /// however long ago the standard's months would have been over.
    pub(super) fn held(&self, period: Period, holds: impl Fn(&Standard) -> bool) -> Held {
        let (mut due, mut there) = (0, 0);
        for stream in self.streams().filter(|s| holds(s.standard())) {
            let wanted = self.is_due(stream, period) || self.is_cut(stream, period);
            due += usize::from(wanted);
            there += usize::from(stream.has(period));
        }
        due += self.gone().filter(|s| holds(s)).count();
        match there {
            // Before its first month and after its last; else an earlier standard's months are over.
            0 if due > 0 || !self.range().holds(period) => Held::Nothing,
            _ if there < due => Held::Part,
            _ => Held::Whole,
        }
    }

    /// Totals to date.
    pub(super) fn totals(&self) -> Option<&Totals> {
        let made = || {
            let parts = self.streams().map(|s| s.last().totals().copied());
            estimate::sum(parts.collect::<Option<Vec<_>>>()?)
        };
        self.totals.get_or_init(made).as_ref()
    }

    /// Totals of a month itself; `None` where nothing of it was published.
    pub(super) fn own_totals(&self, period: Period) -> Option<Totals> {
        let parts = self.of_month(period).into_iter();
        let parts = parts.map(|r| r.own_totals().copied());
        estimate::sum(parts.collect::<Option<Vec<_>>>()?)
    }

    /// Estimates to date, by district too.
    pub(super) fn families(&self) -> Option<Mixed> {
        let parts = self.streams().map(Stream::families);
        Some(Mixed(parts.collect::<Option<_>>()?))
    }
}

/// One month of the country.
#[derive(Debug, Default)]
pub(super) struct Month {
    /// By LEP and version of the standard, so that sums of rounded numbers come out the same whoever came first.
    pub(super) releases: BTreeMap<(Gss, u32), Arc<Release>>,
    totals: OnceLock<Option<Totals>>,
}

impl Month {
    /// Totals of the month over all areas.
    pub(super) fn totals(&self) -> Option<&Totals> {
        let under = |standard: &Standard| {
            let version = standard.version();
            let releases = self.releases.iter();
            let releases = releases.filter(move |((_, v), _)| *v == version);
            let releases = releases.map(|(_, r)| r.as_ref());
            let facts = sum(releases.clone().map(|r| r.own.as_slice()));
            (!facts.is_empty()).then(|| totals(standard, &facts, releases, Months::Own))
        };
        let made = || {
            let parts = Standard::all().iter().filter_map(under);
            estimate::sum(parts.collect::<Option<Vec<_>>>()?)
        };
        self.totals.get_or_init(made).as_ref()
    }
}

/// Everything that was published, by area and by month.
#[derive(Debug, Clone, Default)]
pub(super) struct Ground {
    pub(super) areas: BTreeMap<Gss, Arc<Area>>,
    pub(super) months: BTreeMap<Period, Arc<Month>>,
    /// Versions of standards under which areas withdrew a month that is not published again.
    cut: BTreeMap<Gss, BTreeSet<u32>>,
}

impl Ground {
    /// Adds an area's next month under a standard. One that does not count says that the stream is cut off there. One that is there
    /// already changes nothing: what it holds changes only with [`Self::remove`] before.
    pub(super) fn add(&mut self, month: NodeMonth) {
        let (lep, period, version) = (month.lep.clone(), month.period, month.standard.version());
        if !month.counts() {
            self.cut_off(&lep, month.standard);
            return;
        }
        let before = self.areas.get(&lep).map(Arc::as_ref);
        if before.is_some_and(|area| area.has(version, period)) {
            return;
        }
        let cut = self.cut.get(&lep).cloned().unwrap_or_default();
        let area = Area::new(before, month, cut);
        let release = area.streams.get(&version).map(|s| Arc::clone(s.last()));
        let entry = self.months.entry(period).or_default();
        let mut releases = entry.releases.clone();
        releases.extend(release.map(|r| ((lep.clone(), version), r)));
        *entry = Arc::new(Month {
            releases,
            totals: OnceLock::new(),
        });
        self.areas.insert(lep, Arc::new(area));
    }

    /// An area's stream under a standard ends before a month that was withdrawn.
    pub(super) fn cut_off(&mut self, lep: &Gss, standard: &Standard) {
        let cut = self.cut.entry(lep.clone()).or_default();
        if cut.insert(standard.version())
            && let Some(area) = self.areas.get_mut(lep)
        {
            *area = Arc::new(Area {
                streams: area.streams.clone(),
                cut: cut.clone(),
                totals: OnceLock::new(),
            });
        }
    }

    /// Takes an area out, months and all.
    pub(super) fn remove(&mut self, lep: &Gss) {
        self.cut.remove(lep);
        self.areas.remove(lep);
        for month in self.months.values_mut() {
            if month.releases.keys().any(|(of, _)| of == lep) {
                let mut releases = month.releases.clone();
                releases.retain(|(of, _), _| of != lep);
                *month = Arc::new(Month {
                    releases,
                    totals: OnceLock::new(),
                });
            }
        }
        self.months.retain(|_, month| !month.releases.is_empty());
    }

    /// First and last month that any area released.
    pub(super) fn range(&self) -> Option<Range> {
        let ends = self
            .months
            .keys()
            .next()
            .zip(self.months.keys().next_back());
        ends.map(|(from, to)| Range {
            from: *from,
            to: *to,
        })
    }

    /// Every area's stream under each standard that any has, areas in the order of their codes.
    fn streams(&self) -> impl Iterator<Item = (&'static Standard, Vec<&Stream>)> {
        let under = |standard: &'static Standard| {
            let version = standard.version();
            let streams = self.areas.values().filter_map(|a| a.streams.get(&version));
            let streams: Vec<&Stream> = streams.map(Arc::as_ref).collect();
            (!streams.is_empty()).then_some((standard, streams))
        };
        Standard::all().iter().filter_map(under)
    }

    /// England to date.
    pub(super) fn totals(&self) -> Option<Totals> {
        let parts = self.streams().map(|(standard, streams)| {
            let facts = sum(streams.iter().map(|s| s.last().to_date.as_slice()));
            let last = streams.iter().map(|s| s.last().as_ref());
            totals(standard, &facts, last, Months::ToDate)
        });
        estimate::sum(parts.collect::<Option<Vec<_>>>()?)
    }

    /// England to date, by everything but place.
    pub(super) fn families(&self) -> Option<Mixed> {
        let keep = Keep::People;
        let parts = self.streams().map(|(standard, streams)| {
            let cells: Vec<_> = streams.iter().map(|s| s.cells(keep)).collect();
            let people = sum(cells.iter().map(Vec::as_slice));
            let spreads = streams.iter().map(|s| &s.last().spread);
            let families = Families::of(standard, &people, keep, spreads, Months::ToDate);
            families.ok().map(Arc::new)
        });
        let parts: Vec<_> = parts.collect::<Option<_>>()?;
        (!parts.is_empty()).then_some(Mixed(parts))
    }
}
