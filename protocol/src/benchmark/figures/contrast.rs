//! Differences of two figures. Their errors are never independent by assumption: an area is part of England, groups share
//! tables, months share noise.

use crate::ids::Gss;
use crate::standard::{Dimension, Standard};

use super::super::finding::{Measure, Standing};
use super::super::ground::{Month, Release};
use super::super::linear::{Linear, Noise};
use super::Figures;

impl Figures {
    /// A LEP's figure to date less England's. The LEP's noise is in both; that of the others is in England's only.
    #[must_use]
    pub fn beside_england(&self, lep: &Gss, measure: Measure) -> Option<Standing> {
        let england = self.totals()?[measure.place()]?;
        let area = self.ground.areas.get(lep)?;
        let area = area.totals()?[measure.place()]?;
        area.less(&england, area.noise)
    }

    /// England to date by `dimension`: the figure of code `a` less that of code `b`.
    #[must_use]
    pub fn between(
        &self,
        dimension: Dimension,
        (a, b): (&str, &str),
        measure: Measure,
    ) -> Option<Standing> {
        let codes = &Standard::current().dimension(dimension).codes;
        let at = |code: &str| codes.iter().position(|c| c.id == code);
        let (a, b) = (Some((dimension, at(a)?)), Some((dimension, at(b)?)));
        let families = self.families()?;
        let of = |slice| families.totals(slice)[measure.place()];
        of(a)?.less(&of(b)?, families.shared(measure, a, b)?)
    }

    /// England's last month less its first, each the month's own figure.
    #[must_use]
    pub fn change(&self, measure: Measure) -> Option<Standing> {
        let mut months = self.ground.months.values();
        let (first, last) = (months.next()?, months.next_back()?);
        let of = |month: &Month| -> Option<Linear> { month.totals()?[measure.place()] };
        let shared = first.releases.iter().filter_map(|(stream, earlier)| {
            let later = last.releases.get(stream)?;
            carried(earlier, later, measure)
        });
        let shared = shared.fold(Noise::default(), Noise::plus);
        of(last)?.less(&of(first)?, shared)
    }
}

/// Covariance of a stream's own figures of two months.
fn carried(earlier: &Release, later: &Release, measure: Measure) -> Option<Noise> {
    let own = earlier.own_totals()?[measure.place()]?;
    Some(own.noise.times(earlier.spread.carried(&later.spread)))
}
