//! The front page: what this is, the national figures, who contributed, what was learnt, how to check.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use ldsp_protocol::ids::Gss;
use ldsp_ui::charts::{Alternative, LineChart, Series, Unit};
use ldsp_ui::components::{Figure, InsetText, Stats, Table, Tag, TagColour, link};
use ldsp_ui::{Html, Page};

use super::measure::coverage_note;
use super::nodes::{tally, total};
use super::practice::Card;
use super::{Answer, Failure, SITE_NAME, figures, library, map, revisions, runs, words};
use crate::Service;
use crate::benchmark::{Finding, LepStanding, Measure, Snapshot, Status};
use crate::etag::Handed;

pub(super) async fn show(State(service): State<Arc<Service>>) -> Answer {
    let snapshot = service.snapshot().await?;
    let last = runs::last(&service, &snapshot).await?;
    let library = library::newest(&service, &snapshot).await?;
    let has_figures = snapshot.range().is_some();
    let body = Home {
        revisions: revisions::of_england(&service).await?,
        figures: national(&snapshot),
        map: map::figure(&snapshot),
        trend: trend(&snapshot),
        practice: library.entries.iter().map(Card::new).collect(),
        all_practice: words::plural(
            usize::try_from(library.found).unwrap_or(usize::MAX),
            "entry",
            "entries",
        ),
        verifier: service.signer.verifier().vkey(),
        statements: statements(total(&tally(&service.store, &snapshot).await?)),
        recent: example(&snapshot),
        has_figures,
    };
    let page = Page::new(SITE_NAME).lead(
        "Every Local Enterprise Partnership in England keeps its learners’ records at home and publishes only \
         protected counts and what it has learnt. This site adds them up into a national picture that anybody can check.",
    );
    let page = if has_figures {
        page.banner(figures::provisional(last.as_deref()))
    } else {
        page
    };
    Ok(page.body(Html::render(&body)))
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    revisions: Html,
    figures: Html,
    map: Html,
    trend: Html,
    practice: Vec<Card>,
    all_practice: String,
    verifier: String,
    statements: Option<String>,
    recent: Option<Html>,
    has_figures: bool,
}

fn national(snapshot: &Snapshot) -> Html {
    let cards = [
        (Measure::Starts, "Enrolments"),
        (Measure::Achievers, "Achievements"),
        (Measure::Achievement, "Achievement rate"),
    ];
    let national = snapshot.national();
    let cards: Vec<_> = cards
        .iter()
        .filter_map(|(m, label)| {
            let f = national.iter().find(|f| f.measure == *m)?;
            Some(figures::card(f, label))
        })
        .collect();
    if cards.is_empty() {
        return InsetText::new(
            "No area has published yet. When the first partnership releases a month, England’s enrolments, achievements \
             and achievement rate appear here within a second, each with its period, coverage and interval.",
        )
        .into();
    }
    Stats::new("England to date", cards).into()
}

/// How an area stands, in words.
pub(super) fn standing_tag(standing: &LepStanding) -> Tag {
    match standing.status {
        Status::Contributed => Tag::coloured("Up to date", TagColour::Green),
        Status::Partial => Tag::coloured("In part", TagColour::Yellow),
        Status::Late => Tag::coloured("Behind", TagColour::Yellow),
        Status::Missing => Tag::coloured("Not yet", TagColour::Grey),
    }
}

fn trend(snapshot: &Snapshot) -> Html {
    let starts = snapshot.trend(Measure::Starts);
    let achieved = snapshot.trend(Measure::Achievers);
    let Some((last_start, last_achieved)) = starts.last().zip(achieved.last()) else {
        return Html::default();
    };
    let series =
        |name, findings: &[Finding]| Series::new(name, findings.iter().map(figures::point));
    let alternative = Alternative::new(
        "trend-of-england",
        "Enrolments and achievements by month",
        format!(
            "In {}: {} enrolments began; {}, begun then or earlier, were achieved.",
            last_start.range.to.in_words(),
            figures::with_interval(last_start),
            figures::with_interval(last_achieved)
        ),
    );
    let chart = LineChart::new(
        alternative,
        Unit::Count,
        starts.iter().map(figures::short_month),
    )
    .series(series("Enrolments", starts))
    .series(series("Achievements", achieved));
    let table = Table::new("Enrolments and achievements by month, England")
        .columns([
            "Month",
            "Enrolments (95 % interval)",
            "Achievements (95 % interval)",
            "Coverage",
        ])
        .numeric([1, 2])
        .rows(starts.iter().zip(achieved).map(|(s, a)| {
            [
                s.range.to.in_words(),
                figures::with_interval(s),
                figures::with_interval(a),
                figures::coverage(s.coverage),
            ]
        }));
    Figure::new(
        trend_headline(last_start, last_achieved),
        "Enrolments that began and achievements in each month, England, with 95 % intervals",
        chart,
        table,
    )
    .note(coverage_note(starts))
    .download("Download by month (CSV)", "/trend.csv")
    .into()
}

fn trend_headline(starts: &Finding, achieved: &Finding) -> String {
    let month = starts.range.to.in_words();
    if !starts.shown.is_figure() || !achieved.shown.is_figure() {
        return format!("Enrolments and achievements up to {month}");
    }
    format!(
        "In {month}, {} enrolments began; {}, begun then or earlier, were achieved",
        figures::value(starts),
        figures::value(achieved)
    )
}

/// `1 statement`, `240 statements`; none before the first.
fn statements(size: u64) -> Option<String> {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    (size > 0).then(|| words::plural(size, "statement", "statements"))
}

/// The first node's first statement, as an example of a signed envelope.
fn example(snapshot: &Snapshot) -> Option<Html> {
    let published = snapshot.leps().iter().find(|s| s.releases > 0)?;
    let node = published.node.as_ref()?;
    let href = format!("/v1/nodes/{node}/statements/1");
    Some(link(
        &format!("the first signed statement of {}", published.place.name),
        &href,
    ))
}

/// What the trend chart of this page shows.
pub(super) async fn months_csv(
    State(service): State<Arc<Service>>,
    handed: Handed,
) -> Result<Response, Failure> {
    let snapshot = handed.or_present(&service).await?;
    let findings = [Measure::Starts, Measure::Achievers].map(|m| snapshot.trend(m));
    Ok(figures::csv(
        "england-by-month",
        findings.into_iter().flatten(),
    ))
}

/// Parses a LEP's code.
pub(super) fn lep_code(text: &str) -> Option<Gss> {
    text.parse().ok()
}
