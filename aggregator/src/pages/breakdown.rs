//! A measure by group and by area, each figure with its interval, never a league table.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use ldsp_protocol::standard::{Dimension, NOT_STATED, Standard};
use ldsp_ui::Html;
use ldsp_ui::charts::{Alternative, Bar, BarChart};
use ldsp_ui::components::{
    Button, Choice, Field, Figure, InsetText, PostForm, Select, Table, link,
};

use super::dots::{Dots, Row};
use super::measure::dimension_id;
use super::words::{self, TOO_FEW};
use super::{figures, words::lower_first};
use crate::benchmark::{Finding, Group, LepStanding, Measure, Shown, Snapshot};

/// Areas that a comparison needs (disclosure.md: honesty needs at least ten).
pub(super) const COMPARISON: usize = 10;
/// Standard errors before one of many groups is said to differ from another: about 5 % of a page of
/// a dozen comparisons would exceed it by chance.
const CLEAR_AMONG_MANY: f64 = 3.0;

/// The choice of a dimension and the measure by it.
pub(super) fn groups(
    snapshot: &Snapshot,
    measure: Measure,
    national: &Finding,
    by: Dimension,
    among: &[Dimension],
) -> Html {
    let groups = snapshot.by(by);
    let rows: Vec<(&Group, &Finding)> = groups
        .iter()
        .filter_map(|g| Some((g, g.finding(measure)?)))
        .collect();
    let titles = &Standard::current().dimension(by).title;
    let bars = rows.iter().map(|(g, f)| match figures::point(f) {
        Some(estimate) => Bar::new(&g.title, estimate),
        None => Bar::missing(&g.title, figures::held_back(f)),
    });
    let name = figures::title(measure);
    let headline = groups_headline(snapshot, by, measure, &rows);
    let alternative = Alternative::new(
        "by-group",
        format!("{name} by {}", lower_first(titles)),
        headline.clone(),
    );
    let mut chart = BarChart::new(alternative, figures::unit(measure), bars);
    if let (Shown::Rate { value, .. }, true) = (national.shown, measure.is_rate()) {
        chart = chart.reference("England", value * 100.0);
    }
    let drawn: Html = if rows.iter().any(|(_, f)| f.shown.is_figure()) {
        chart.into()
    } else if national.shown == Shown::NotDue {
        InsetText::new(format!("{}.", figures::NOT_DUE_SENTENCE)).into()
    } else {
        InsetText::new("In every group the noise added for privacy could explain the figure. It will clear as more months and areas come in.").into()
    };
    let table = Table::new(format!("{name} by {}, England", lower_first(titles)))
        .columns([titles.as_str(), "Figure (95 % interval)", "Base"])
        .numeric([1, 2])
        .rows(
            rows.iter()
                .map(|(g, f)| [g.title.clone(), figures::with_interval(f), figures::base(f)]),
        );
    let subtitle = format!(
        "{name} by {}, England, {}, with 95 % intervals",
        lower_first(titles),
        figures::period(national.range)
    );
    // Enrolments under a standard without this breakdown are in the total and not in the groups.
    let coverage = rows.first().map_or(national.coverage, |(_, f)| f.coverage);
    let figure = Figure::new(headline, subtitle, drawn, table)
        .id("by-group")
        .note(format!(
            "{}. “Too few to say”: the noise added for privacy could explain the figure.",
            figures::coverage(coverage)
        ))
        .download(
            "Download by group (CSV)",
            format!(
                "/benchmarks/{}/groups.csv?by={}",
                measure.id(),
                dimension_id(by)
            ),
        );
    Html::concat([form(measure, by, among), figure.into()])
}

fn form(measure: Measure, by: Dimension, among: &[Dimension]) -> Html {
    let choices = among.iter().map(|d| {
        let title = &Standard::current().dimension(*d).title;
        Choice::new(dimension_id(*d), title).chosen(*d == by)
    });
    PostForm::search(format!("/benchmarks/{}", measure.id()))
        .with(Select::new(Field::new("by", "Show by"), choices))
        .with(Button::new("Show").secondary())
        .into()
}

fn groups_headline(
    snapshot: &Snapshot,
    by: Dimension,
    measure: Measure,
    rows: &[(&Group, &Finding)],
) -> String {
    let name = figures::title(measure);
    let mut known: Vec<_> = rows
        .iter()
        .filter(|(g, f)| g.code != NOT_STATED && f.shown.is_figure())
        .filter_map(|(g, f)| Some((g, f, f.raw?.estimate)))
        .collect();
    known.sort_by(|a, b| b.2.total_cmp(&a.2));
    let (Some((top, most, _)), Some((bottom, least, _))) = (known.first(), known.last()) else {
        let why = rows.first().map_or(TOO_FEW, |(_, f)| figures::held_back(f));
        return format!("{name}: {why} by group");
    };
    if known.len() < 2 {
        return format!("{name} by group");
    }
    let difference = snapshot.between(by, (&top.code, &bottom.code), measure);
    let clear = figures::direction([least, most], difference, CLEAR_AMONG_MANY);
    let clear = clear == Some(Ordering::Greater);
    match (clear, measure.is_rate()) {
        (false, _) => format!("{name}: no clear difference between the groups"),
        (true, true) => format!(
            "{name} ranges from {} for “{}” to {} for “{}”",
            figures::value(least),
            lower_first(&bottom.title),
            figures::value(most),
            lower_first(&top.title)
        ),
        (true, false) => format!(
            "{name}: most for “{}” ({})",
            lower_first(&top.title),
            figures::value(most)
        ),
    }
}

/// The 38 areas beside the nation.
pub(super) fn areas(snapshot: &Snapshot, measure: Measure, national: &Finding) -> Html {
    let known = snapshot
        .leps()
        .iter()
        .filter(|s| s.finding(measure).is_some_and(|f| f.shown.is_figure()))
        .count();
    if known < COMPARISON {
        return Html::concat([
            Html::literal("<h2 class=\"govuk-heading-m\" id=\"by-area\">By area</h2>"),
            InsetText::new(format!(
                "A comparison of areas needs figures of at least {COMPARISON} of them; {} so far. Each area’s own page has its figures.",
                words::plural(known, "area has one", "areas have one")
            ))
            .into(),
        ]);
    }
    let name = figures::title(measure);
    let headline = areas_headline(snapshot, measure, national);
    let scale = if measure.is_rate() { 100.0 } else { 1.0 };
    let reference = match national.shown {
        Shown::Rate { value, .. } => {
            Some((format!("England {}", words::percent(value)), value * scale))
        }
        _ => None,
    };
    let chart = Dots {
        id: "by-area-chart",
        title: format!("{name} by Local Enterprise Partnership"),
        description: headline.clone(),
        rows: rows(snapshot, measure),
        reference,
        tick: if measure.is_rate() {
            |v| format!("{v:.0}\u{a0}%")
        } else {
            |v| words::thousands(v.max(0.0).round() as u64)
        },
    };
    Figure::new(
        headline,
        format!("{name} by Local Enterprise Partnership, in regions from north to south, {}, with 95 % intervals", figures::period(national.range)),
        chart.html(),
        areas_table(snapshot, measure),
    )
    .id("by-area")
    .note(note(measure))
    .note(figures::coverage(national.coverage))
    .download("Download by area (CSV)", format!("/benchmarks/{}/leps.csv", measure.id()))
    .into()
}

fn areas_table(snapshot: &Snapshot, measure: Measure) -> Table {
    let name = figures::title(measure);
    Table::new(format!("{name} by Local Enterprise Partnership"))
        .columns([
            "Local Enterprise Partnership",
            "Region",
            "Figure (95 % interval)",
            "Base",
            "Period",
        ])
        .numeric([2, 3])
        .rows(
            by_region(snapshot)
                .into_iter()
                .flat_map(|(_, leps)| leps)
                .map(|s| {
                    let f = s.finding(measure);
                    [
                        link(&s.place.name, &format!("/leps/{}", s.place.code)),
                        Html::text(&s.region.name),
                        Html::text(
                            &f.map_or_else(|| "nothing yet".to_owned(), figures::with_interval),
                        ),
                        Html::text(&f.map_or_else(String::new, figures::base)),
                        Html::text(&s.range.map_or_else(String::new, figures::period)),
                    ]
                }),
        )
}

fn note(measure: Measure) -> &'static str {
    if measure.is_rate() {
        "This is not a league table. The lines show the noise added for privacy; areas also differ in who enrols, on which courses and at which \
         level, which no single average shows. Compare an area with itself over time, or by tier on its own page."
    } else {
        "This is not a league table: areas differ in size. The lines show the noise added for privacy."
    }
}

/// LEPs by region, regions from north to south, both as the geography lists them.
fn by_region(snapshot: &Snapshot) -> Vec<(String, Vec<&LepStanding>)> {
    let mut regions: BTreeMap<&str, Vec<&LepStanding>> = BTreeMap::new();
    for s in snapshot.leps() {
        regions.entry(&s.region.code).or_default().push(s);
    }
    regions
        .into_values()
        .map(|mut leps| {
            leps.sort_by(|a, b| a.place.name.cmp(&b.place.name));
            let name = leps
                .first()
                .map_or_else(String::new, |s| s.region.name.clone());
            (name, leps)
        })
        .collect()
}

fn rows(snapshot: &Snapshot, measure: Measure) -> Vec<Row> {
    let mut rows = Vec::new();
    for (region, leps) in by_region(snapshot) {
        rows.push(Row::Heading(region));
        rows.extend(leps.into_iter().map(|s| {
            let scale = if measure.is_rate() { 100.0 } else { 1.0 };
            let f = s.finding(measure);
            let figure = match f.map(|f| f.shown) {
                Some(Shown::Rate {
                    value, low, high, ..
                }) => Ok((value * scale, low * scale, high * scale)),
                Some(Shown::Count { value, low, high }) => {
                    Ok((value as f64, low as f64, high as f64))
                }
                Some(Shown::TooFew) => Err(TOO_FEW),
                Some(Shown::NotDue) => Err(words::NOT_DUE),
                None => Err("nothing yet"),
            };
            let said = f.map_or_else(|| "nothing yet".to_owned(), figures::with_interval);
            Row::Area {
                said: format!("{}: {said}", s.place.name),
                name: s.place.name.clone(),
                href: format!("/leps/{}", s.place.code),
                figure,
            }
        }));
    }
    rows
}

fn areas_headline(snapshot: &Snapshot, measure: Measure, national: &Finding) -> String {
    let name = figures::title(measure);
    if !measure.is_rate() {
        return format!("{name} by area");
    }
    let compared: Vec<Ordering> = snapshot
        .leps()
        .iter()
        .filter_map(|s| {
            let difference = snapshot.beside_england(&s.place.code.parse().ok()?, measure);
            let of = [national, s.finding(measure)?];
            figures::direction(of, difference, CLEAR_AMONG_MANY)
        })
        .collect();
    let of = |way| compared.iter().filter(|o| **o == way).count();
    format!(
        "{name}: {} of {} areas cannot be told apart from England, {} are above and {} below",
        of(Ordering::Equal),
        compared.len(),
        of(Ordering::Greater),
        of(Ordering::Less)
    )
}
