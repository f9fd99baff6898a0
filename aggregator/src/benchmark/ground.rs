//! What figures stand on: every area's months, followed as the log grows. Parts that a statement does not touch are
//! shared with the state before, estimates included.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use ldsp_protocol::ids::{Gss, Period};

use super::coverage::Range;
use super::estimate::{Families, Keep, Months, Spread, Totals, reduce};
use crate::rollup::NodeMonth;

/// One month of an area: sums of its cells, never the cells.
#[derive(Debug)]
pub(super) struct Release {
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
        let to_date = reduce(&codebook, &month.cumulative, Keep::Facts);
        let mut own = to_date.clone();
        if let Some(before) = before {
            own.iter_mut()
                .zip(&before.to_date)
                .for_each(|(now, then)| *now -= then);
        }
        Self {
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
        let own = || totals(&self.own, [self].into_iter(), Months::Own);
        self.own_totals.get_or_init(own).as_ref()
    }

    /// Totals up to the month.
    pub(super) fn totals(&self) -> Option<&Totals> {
        let to_date = || totals(&self.to_date, [self].into_iter(), Months::ToDate);
        self.totals.get_or_init(to_date).as_ref()
    }
}

fn totals<'a>(
    facts: &[i64],
    releases: impl Iterator<Item = &'a Release> + Clone,
    months: Months,
) -> Option<Totals> {
    let spreads = releases.map(|r| &r.spread);
    // Nothing was published.
    if facts.is_empty() {
        return None;
    }
    let families = Families::of(facts, Keep::Facts, spreads, months).ok()?;
    Some(families.totals(None))
}

/// Adds cell by cell; `sum` may still be empty. Exact, so the order does not matter.
fn sum<'a>(parts: impl Iterator<Item = &'a [i64]>) -> Vec<i64> {
    let mut sum = Vec::new();
    parts.for_each(|part| crate::rollup::add(&mut sum, part));
    sum
}

/// An area's months in order, with the cells of the last.
#[derive(Debug)]
pub(super) struct Area {
    pub(super) releases: Vec<Arc<Release>>,
    /// The last of them, with its cells to date.
    month: NodeMonth,
    families: OnceLock<Option<Families>>,
}

impl Area {
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

    pub(super) fn last(&self) -> &Release {
        self.releases
            .last()
            .expect("an area is made with its first release")
    }

    pub(super) fn range(&self) -> Range {
        let first = self
            .releases
            .first()
            .map_or(self.last().period, |r| r.period);
        Range {
            from: first,
            to: self.last().period,
        }
    }

    /// Sums of the cells to date.
    fn cells(&self, keep: Keep) -> Vec<i64> {
        reduce(&self.month.codebook(), &self.month.cumulative, keep)
    }

    /// Estimates to date, by district too.
    pub(super) fn families(&self) -> Option<&Families> {
        let made = || {
            let spread = [&self.last().spread].into_iter();
            Families::of(
                &self.cells(Keep::Districts),
                Keep::Districts,
                spread,
                Months::ToDate,
            )
            .ok()
        };
        self.families.get_or_init(made).as_ref()
    }
}

/// One month of the country.
#[derive(Debug, Default)]
pub(super) struct Month {
    /// By LEP, so that sums of rounded numbers come out the same whoever came first.
    pub(super) releases: BTreeMap<Gss, Arc<Release>>,
    totals: OnceLock<Option<Totals>>,
}

impl Month {
    /// Totals of the month over all areas.
    pub(super) fn totals(&self) -> Option<&Totals> {
        let made = || {
            let facts = sum(self.releases.values().map(|r| r.own.as_slice()));
            totals(&facts, self.releases.values().map(Arc::as_ref), Months::Own)
        };
        self.totals.get_or_init(made).as_ref()
    }
}

/// Everything that was published, by area and by month.
#[derive(Debug, Clone, Default)]
pub(super) struct Ground {
    pub(super) areas: BTreeMap<Gss, Arc<Area>>,
    pub(super) months: BTreeMap<Period, Arc<Month>>,
}

impl Ground {
    /// Adds an area's next month.
    pub(super) fn add(&mut self, month: NodeMonth) {
        let (lep, period) = (month.lep.clone(), month.period);
        let area = Area::new(self.areas.get(&lep).map(Arc::as_ref), month);
        let release = area.releases.last().map(Arc::clone);
        let entry = self.months.entry(period).or_default();
        let mut releases = entry.releases.clone();
        releases.extend(release.map(|r| (lep.clone(), r)));
        *entry = Arc::new(Month {
            releases,
            totals: OnceLock::new(),
        });
        self.areas.insert(lep, Arc::new(area));
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

    /// England to date.
    pub(super) fn totals(&self) -> Option<Totals> {
        let facts = sum(self.areas.values().map(|a| a.last().to_date.as_slice()));
        totals(
            &facts,
            self.areas.values().map(|a| a.last()),
            Months::ToDate,
        )
    }

    /// England to date, by everything but place.
    pub(super) fn families(&self) -> Option<Families> {
        let cells: Vec<_> = self.areas.values().map(|a| a.cells(Keep::People)).collect();
        let people = sum(cells.iter().map(Vec::as_slice));
        if people.is_empty() {
            return None;
        }
        let spreads = self.areas.values().map(|a| &a.last().spread);
        Families::of(&people, Keep::People, spreads, Months::ToDate).ok()
    }
}
