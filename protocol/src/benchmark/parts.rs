//! What an area has in a figure, stream by stream. A reader must be told when a summary of the last month is still owed under one of two
//! standards, and when some enrolments cannot be in a figure at all.

use crate::ids::Period;
use crate::standard::Standard;

use super::coverage::{Held, Part, Status};
use super::ground::Area;

/// A LEP with nothing in a figure.
pub(super) fn missing(left_out: bool) -> Part {
    Part {
        status: Status::Missing,
        months: 0,
        epoch: 0,
        standards: 0,
        left_out,
    }
}

/// What an area has in figures up to `last` that only some standards hold.
pub(super) fn part(area: &Area, last: Period, holds: impl Fn(&Standard) -> bool + Copy) -> Part {
    let standards = area.streams().filter(|s| holds(s.standard())).count();
    let left_out = standards < area.streams().count();
    if standards == 0 {
        return missing(left_out);
    }
    let status = match area.held(last, holds) {
        Held::Whole if left_out => Status::Partial,
        Held::Whole => Status::Contributed,
        Held::Part => Status::Partial,
        Held::Nothing => Status::Late,
    };
    let whole = |period: &Period| area.held(*period, holds) == Held::Whole;
    Part {
        status,
        months: area.range().periods().filter(whole).count(),
        epoch: area.epoch(),
        standards,
        left_out,
    }
}

/// What an area has in figures of one month alone.
pub(super) fn month_of(area: &Area, period: Period) -> Part {
    let releases = area.of_month(period);
    let held = area.held(period, |_| true);
    Part {
        status: match held {
            Held::Whole => Status::Contributed,
            Held::Part => Status::Partial,
            Held::Nothing => Status::Late,
        },
        months: usize::from(held == Held::Whole),
        epoch: releases
            .iter()
            .map(|r| r.spread.epoch())
            .max()
            .unwrap_or_default(),
        standards: releases.len(),
        left_out: false,
    }
}
