//! One measure: the national figure, by group, over time, and by area.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use ldsp_protocol::standard::Dimension;
use ldsp_ui::charts::{Alternative, LineChart, Series};
use ldsp_ui::components::{Figure, InsetText, Stats, Table};
use ldsp_ui::{Html, Page, ProblemPage};

use super::{Answer, Failure, breakdown, definition, figures, runs};
use crate::Service;
use crate::benchmark::{Figures, Finding, Measure, Snapshot};
use crate::etag::Handed;

/// Months that a trend needs before it is called one.
pub(super) const TREND: usize = 5;
/// Standard errors between two figures before their difference is called clear: noise explains a
/// larger one in 5 % of cases.
const CLEAR: f64 = 1.96;

fn parse(measure: &str) -> Result<Measure, Failure> {
    Measure::parse(measure).ok_or_else(|| ProblemPage::not_found().into())
}

/// Dimensions by which the measure has figures.
fn dimensions(snapshot: &Snapshot, measure: Measure) -> Vec<Dimension> {
    let has = |d: &Dimension| snapshot.by(*d).iter().any(|g| g.finding(measure).is_some());
    Figures::BREAKDOWNS.into_iter().filter(has).collect()
}

/// A dimension's id in addresses: the standard's.
pub(super) fn dimension_id(d: Dimension) -> String {
    match serde_json::to_value(d) {
        Ok(serde_json::Value::String(id)) => id,
        _ => String::new(),
    }
}

fn chosen(query: &HashMap<String, String>, among: &[Dimension]) -> Option<Dimension> {
    let wanted = query.get("by");
    let named = among
        .iter()
        .find(|d| wanted.is_some_and(|w| *w == dimension_id(**d)));
    named.or_else(|| among.first()).copied()
}

pub(super) async fn show(
    State(service): State<Arc<Service>>,
    Path(measure): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    let measure = parse(&measure)?;
    let snapshot = service.snapshot().await?;
    let last = runs::last(&service, &snapshot).await?;
    let page = Page::new(figures::title(measure))
        .caption("Benchmarks")
        .breadcrumb("Home", "/")
        .breadcrumb("Benchmarks", "/benchmarks");
    let Some(national) = snapshot.national_measure(measure) else {
        return Ok(page.body(Html::render(&body_before(measure, &snapshot))));
    };
    let among = dimensions(&snapshot, measure);
    let by = chosen(&query, &among);
    let body = Body {
        meaning: figures::meaning(measure),
        stats: Stats::new(
            "England to date",
            [figures::card(national, "England to date")],
        )
        .into(),
        groups: by.map_or_else(Html::default, |by| {
            breakdown::groups(&snapshot, measure, national, by, &among)
        }),
        trend: trend_figure(&snapshot, measure),
        areas: breakdown::areas(&snapshot, measure, national),
        run: runs::note(last.as_deref()),
        definition: definition::of(measure, &snapshot.standards()),
    };
    Ok(page
        .banner(figures::provisional(last.as_deref()))
        .body(Html::render(&body)))
}

#[derive(Template)]
#[template(path = "measure.html")]
struct Body {
    meaning: &'static str,
    stats: Html,
    groups: Html,
    trend: Html,
    areas: Html,
    run: Html,
    definition: Html,
}

fn body_before(measure: Measure, snapshot: &Snapshot) -> Body {
    let soon = "No area has published yet. With the first release this page shows the national figure with its interval, \
                by tier, age, sex, skill and more, and later its trend and the areas beside one another.";
    Body {
        meaning: figures::meaning(measure),
        stats: InsetText::new(soon).into(),
        groups: Html::default(),
        trend: Html::default(),
        areas: Html::default(),
        run: Html::default(),
        definition: definition::of(measure, &snapshot.standards()),
    }
}

fn trend_figure(snapshot: &Snapshot, measure: Measure) -> Html {
    // Month by month "in progress" would be a change, not a number of people.
    if measure == Measure::InProgress {
        return Html::default();
    }
    let trend = snapshot.trend(measure);
    let Some(last) = trend.last() else {
        return Html::default();
    };
    let name = figures::title(measure);
    let alternative = Alternative::new(
        "trend",
        format!("{name} by month, England"),
        format!(
            "{} months; in {}: {}.",
            trend.len(),
            last.range.to.in_words(),
            figures::with_interval(last)
        ),
    );
    let chart = LineChart::new(
        alternative,
        figures::unit(measure),
        trend.iter().map(figures::short_month),
    )
    .series(Series::new(name, trend.iter().map(figures::point)));
    let table = Table::new(format!("{name} by month, England"))
        .columns(["Month", "Figure (95 % interval)", "Base", "Coverage"])
        .numeric([1, 2])
        .rows(trend.iter().map(|f| {
            [
                f.range.to.in_words(),
                figures::with_interval(f),
                figures::base(f),
                figures::coverage(f.coverage),
            ]
        }));
    let first = trend.first().unwrap_or(last);
    let range = crate::benchmark::Range {
        from: first.range.from,
        to: last.range.to,
    };
    let subtitle = format!(
        "{name}, England, each month on its own, {}, with 95 % intervals",
        figures::period(range)
    );
    let mut figure = Figure::new(trend_headline(snapshot, measure), subtitle, chart, table)
        .id("over-time")
        .note(coverage_note(trend))
        .download(
            "Download by month (CSV)",
            format!("/benchmarks/{}/trend.csv", measure.id()),
        );
    if trend.len() < TREND {
        figure = figure.note(format!(
            "A trend needs at least {TREND} months: read these as single figures."
        ));
    }
    figure.into()
}

/// What the months rest on; a warning where they rest on different areas.
pub(super) fn coverage_note(trend: &[Finding]) -> String {
    let Some((first, last)) = trend.first().zip(trend.last()) else {
        return String::new();
    };
    let latest = format!("Latest month: {}.", figures::coverage(last.coverage));
    if trend.iter().all(|f| f.coverage.same_areas(&last.coverage)) {
        return latest;
    }
    format!(
        "{latest} Coverage differs between months ({} areas in {}, {} in {}): counts rise as late areas catch up.",
        first.coverage.contributed,
        first.range.to.in_words(),
        last.coverage.contributed,
        last.range.to.in_words()
    )
}

/// Says of a trend only what noise cannot explain.
fn trend_headline(snapshot: &Snapshot, measure: Measure) -> String {
    let trend = snapshot.trend(measure);
    let name = figures::title(measure);
    let Some((first, last)) = trend.first().zip(trend.last()) else {
        return format!("{name} over time");
    };
    let since = first.range.to.in_words();
    let ends = || format!("from {} to {}", figures::value(first), figures::value(last));
    match figures::direction([first, last], snapshot.change(measure), CLEAR) {
        _ if trend.len() < TREND => format!("{name} so far"),
        // Other areas in the sum, other numbers: that would be no trend.
        _ if !measure.is_rate() && !first.coverage.same_areas(&last.coverage) => {
            format!("{name} by month, from different numbers of areas")
        }
        Some(std::cmp::Ordering::Greater) => format!("{name} up since {since}, {}", ends()),
        Some(std::cmp::Ordering::Less) => format!("{name} down since {since}, {}", ends()),
        Some(std::cmp::Ordering::Equal) => format!("{name}: no clear change since {since}"),
        None => format!("{name} over time"),
    }
}

pub(super) async fn trend(
    State(service): State<Arc<Service>>,
    handed: Handed,
    Path(measure): Path<String>,
) -> Result<Response, Failure> {
    let measure = parse(&measure)?;
    let snapshot = handed.or_present(&service).await?;
    Ok(figures::csv(
        &format!("{}-by-month", measure.id()),
        snapshot.trend(measure),
    ))
}

pub(super) async fn groups(
    State(service): State<Arc<Service>>,
    handed: Handed,
    Path(measure): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let measure = parse(&measure)?;
    let snapshot = handed.or_present(&service).await?;
    let by = chosen(&query, &dimensions(&snapshot, measure));
    let groups = by.map_or(&[][..], |by| snapshot.by(by));
    let findings = groups.iter().filter_map(|g| g.finding(measure));
    let name = by.map_or_else(|| "group".to_owned(), dimension_id);
    Ok(figures::csv(
        &format!("{}-by-{name}", measure.id()),
        findings,
    ))
}

pub(super) async fn leps(
    State(service): State<Arc<Service>>,
    handed: Handed,
    Path(measure): Path<String>,
) -> Result<Response, Failure> {
    let measure = parse(&measure)?;
    let snapshot = handed.or_present(&service).await?;
    let findings = snapshot.leps().iter().filter_map(|s| s.finding(measure));
    Ok(figures::csv(&format!("{}-by-lep", measure.id()), findings))
}
