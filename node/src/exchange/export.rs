//! What the node can give to the panel as files. Of learners nothing but estimates: what any reader of its approved releases can work out,
//! never an exact count.

use ldsp_protocol::context::Symbol;
use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::Period;
use ldsp_protocol::measures::{Count, Estimate};
use ldsp_protocol::standard::{Dimension, Family, NOT_STATED, Standard, cell_index};
use ldsp_protocol::statement;

use super::ees::{Column, Level, Row, Sheet};
use crate::release::ReleaseError;
use crate::release::figures::{Estimates, Opened};
use crate::store::overview::StatementRow;
use crate::store::{Store, releases};

/// What a form says of the codes of [`ITEMS`].
pub(crate) const HINT: &str = "A code that you and the panel both know, such as vacancies. enrolments and achievements are those of which this node makes the files itself";

/// A data item of which the node makes the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Item {
    /// Its code in the register.
    pub(crate) code: &'static str,
    pub(crate) title: &'static str,
    family: Family,
    /// The outcome that is counted, of a family that has outcomes.
    outcome: Option<&'static str>,
}

/// Every such item.
pub(crate) const ITEMS: [Item; 2] = [
    Item {
        code: "enrolments",
        title: "Enrolments in programmes of the partnership",
        family: Family::Starts,
        outcome: None,
    },
    Item {
        code: "achievements",
        title: "Achievements in programmes of the partnership",
        family: Family::Leavers,
        outcome: Some("achieved"),
    },
];

impl Item {
    pub(crate) fn named(code: &str) -> Option<&'static Self> {
        ITEMS
            .iter()
            .find(|item| item.code.eq_ignore_ascii_case(code))
    }
}

/// The last month whose release was approved, opened; `None`: there is none.
pub(crate) async fn approved(store: &Store) -> Result<Option<Opened>, ReleaseError> {
    let mut reader = store.reader.begin().await?;
    // At most one waits for approval.
    let heads = releases::heads_before(&mut reader, None, 2).await?;
    drop(reader);
    let Some(head) = heads.into_iter().find(|head| head.approved.is_some()) else {
        return Ok(None);
    };
    Opened::read(store, head.period).await.map(Some)
}

/// Academic years whose months are all among these, earliest first: each by the year in which it begins.
fn whole_years(first: Period, last: Period) -> Vec<(Period, Period)> {
    let years = first.year()..last.year();
    years
        .filter_map(|year| Some((Period::new(year, 8).ok()?, Period::new(year + 1, 7).ok()?)))
        .filter(|(from, to)| first <= *from && *to <= last)
        .collect()
}

/// `202122`.
fn time_period(from: Period) -> String {
    format!("{}{:02}", from.year(), (from.year() + 1) % 100)
}

/// Whether a month of these was withdrawn and not published again.
pub(crate) fn is_withdrawn(statements: &[StatementRow], (from, to): (Period, Period)) -> bool {
    let mut all = statements
        .iter()
        .filter(|s| s.kind == statement::Kind::LearningSummary);
    all.any(|s| {
        let within = s
            .period
            .is_some_and(|period| from <= period && period <= to);
        within && s.withdrawn_by.is_some() && s.published_again_by.is_none()
    })
}

/// The file of an item: each academic year that was published whole, for the LEP and its districts, by tier. `None`: no year was.
///
/// # Errors
/// [`ReleaseError`].
pub(crate) async fn sheet(store: &Store, item: &Item) -> Result<Option<Sheet>, ReleaseError> {
    let Some(opened) = approved(store).await? else {
        return Ok(None);
    };
    let years = whole_years(opened.first(), opened.release.period);
    if years.is_empty() {
        return Ok(None);
    }
    let statements = store.statements().await?;
    let mut rows = Vec::new();
    for (from, to) in years {
        let estimates = opened.estimates(Opened::months(from, to))?;
        let gone = is_withdrawn(&statements, (from, to));
        rows.extend(
            of_year(&opened, item, &estimates, from, gone).ok_or(ReleaseError::LedgerLost)?,
        );
    }
    let title = item.title;
    let columns = vec![
        Column::filter("tier", "Tier of skills"),
        Column::count(item.code, title),
        Column::count(
            &format!("{}_low_95", item.code),
            &format!("{title}, lower end of the 95% interval"),
        ),
        Column::count(
            &format!("{}_high_95", item.code),
            &format!("{title}, upper end of the 95% interval"),
        ),
    ];
    Ok(Some(Sheet { columns, rows }))
}

/// The last month of the last year that [`sheet`] holds.
///
/// # Errors
/// [`ReleaseError`].
pub(crate) async fn until(store: &Store) -> Result<Option<Period>, ReleaseError> {
    let opened = approved(store).await?;
    Ok(opened.and_then(|opened| {
        let years = whole_years(opened.first(), opened.release.period);
        years.last().map(|(_, to)| *to)
    }))
}

/// Rows of a year; `None`: the standard has no such table.
fn of_year(
    opened: &Opened,
    item: &Item,
    estimates: &Estimates,
    from: Period,
    gone: bool,
) -> Option<Vec<Row>> {
    let standard = Standard::current();
    let tiers = &standard.dimension(Dimension::Tier).codes;
    let outcome = match item.outcome {
        Some(id) => vec![standard.parse_code(Dimension::Outcome, id)?],
        None => Vec::new(),
    };
    let last: &[Dimension] = if outcome.is_empty() {
        &[]
    } else {
        &[Dimension::Outcome]
    };
    // Estimates on these dimensions and the outcome, and where a cell stands.
    let on = |dimensions: &[Dimension]| -> Option<_> {
        let all = [dimensions, last].concat();
        let shape: Vec<usize> = all.iter().map(|d| opened.codebook.size(*d)).collect();
        let cells = estimates.margin(item.family, &all)?;
        let outcome = outcome.clone();
        Some(move |at: &[usize]| {
            let place = [at, outcome.as_slice()].concat();
            cells.get(cell_index(&shape, &place)).copied()
        })
    };
    let (all, by_tier) = (on(&[])?, on(&[Dimension::Tier])?);
    let (by_area, by_both) = (
        on(&[Dimension::Area])?,
        on(&[Dimension::Area, Dimension::Tier])?,
    );
    let map = Geography::embedded();
    let lep = map.lep(&opened.lep)?;
    let row = |level, place: (String, String), tier: &str, estimate: Estimate| Row {
        time: (time_period(from), "Academic year".to_owned()),
        level,
        place,
        filters: vec![tier.to_owned()],
        values: values(estimate, gone),
    };
    let of_lep = || (lep.code.to_string(), lep.name.clone());
    let mut rows = vec![row(Level::Lep, of_lep(), "Total", all(&[])?)];
    for (at, tier) in tiers.iter().enumerate() {
        rows.push(row(Level::Lep, of_lep(), &tier.title, by_tier(&[at])?));
    }
    for (place, code) in opened.codebook.codes(Dimension::Area).iter().enumerate() {
        // Whose district is not stated is in the LEP's figures alone.
        if code == NOT_STATED {
            continue;
        }
        let name = map.district(&code.parse().ok()?)?.name.clone();
        let of_district = || (code.clone(), name.clone());
        rows.push(row(
            Level::District,
            of_district(),
            "Total",
            by_area(&[place])?,
        ));
        for (at, tier) in tiers.iter().enumerate() {
            let estimate = by_both(&[place, at])?;
            rows.push(row(Level::District, of_district(), &tier.title, estimate));
        }
    }
    Some(rows)
}

/// The estimate with its interval: a figure that says nothing is `u`, one that was withdrawn is `x`.
fn values(estimate: Estimate, gone: bool) -> Vec<Result<String, Symbol>> {
    if gone {
        return vec![Err(Symbol::Unavailable); 3];
    }
    let whole = |x: f64| Ok(format!("{:.0}", x.max(0.0).round()));
    let value = match estimate.display() {
        Count::TooFew => Err(Symbol::Unreliable),
        Count::Shown { value, .. } => Ok(value.to_string()),
    };
    let (low, high) = estimate.interval();
    vec![value, whole(low), whole(high)]
}
