//! A provider's own figures beside England's: what it gets back. Never beside those of the area.

use axum::extract::State;
use axum::response::IntoResponse as _;
use ldsp_protocol::benchmark::{Finding, Measure, Shown};
use ldsp_ui::components::{InsetText, Table};
use ldsp_ui::{Html, OwnOrganisation, Page};
use serde::Deserialize;

use super::super::{Answer, Pages, fault, unread, words};
use super::own;
use crate::delivery;

/// What the aggregator answers. Fields that a newer one adds are left aside.
#[derive(Deserialize)]
struct Report {
    national: Vec<Finding>,
}

fn percent(share: f64) -> String {
    format!("{:.1}%", 100.0 * share)
}

fn share(part: i64, base: i64) -> String {
    if base == 0 {
        return "nobody yet".to_owned();
    }
    format!(
        "{} ({} of {})",
        percent(part as f64 / base as f64),
        words::count(part),
        words::count(base)
    )
}

fn england(found: &[Finding], measure: Measure) -> String {
    let finding = found
        .iter()
        .find(|f| f.measure == measure && f.slice.is_none());
    match finding.map(|finding| finding.shown) {
        Some(Shown::Rate {
            value, low, high, ..
        }) => {
            format!("{} ({} to {})", percent(value), percent(low), percent(high))
        }
        Some(Shown::NotDue) => "not due yet".to_owned(),
        Some(_) => "too few to say".to_owned(),
        None => "not known here".to_owned(),
    }
}

pub(super) async fn show(State(pages): State<Pages>, of: OwnOrganisation) -> Answer {
    let own = own(&pages, &of).await?;
    let figures = delivery::figures(&pages.node.store, &own)
        .await
        .map_err(fault)?;
    let (national, note) = match (pages.peers)("/api/v1/benchmarks".to_owned()).await {
        None => (Vec::new(), Some("This node is not enrolled with the national log yet, so there is no national figure to compare with.".to_owned())),
        Some(Err(error)) => (Vec::new(), Some(format!("The national figures cannot be read just now. {}", unread(&error)))),
        Some(Ok(bytes)) => match serde_json::from_slice::<Report>(&bytes) {
            Ok(report) => (report.national, None),
            Err(_) => (Vec::new(), Some("The national figures came in a form that this version does not know.".to_owned())),
        },
    };
    let f = figures;
    let rows = [
        (Measure::Retention, f.completers, f.leavers),
        (Measure::Pass, f.achievers, f.completers),
        (Measure::Achievement, f.achievers, f.leavers),
        (Measure::SustainedPositive, f.positive, f.destinations),
        (Measure::ConfidenceRose, f.rose, f.confidence),
        (Measure::EverydayMore, f.more, f.everyday),
    ];
    let rows = rows.map(|(measure, part, base)| {
        [
            measure.title().to_owned(),
            share(part, base),
            england(&national, measure),
        ]
    });
    let coverage = national.first().map(|finding| finding.coverage);
    let england = coverage.map_or_else(
        || "England (95% interval)".to_owned(),
        |c| {
            format!(
                "England, {} of {} LEPs (95% interval)",
                c.of - c.missing,
                c.of
            )
        },
    );
    let table = Table::new("Your learners and England")
        .columns(["Measure", "Your organisation", england.as_str()])
        .rows(rows);
    let mut pieces = vec![Html::paragraph(
        "Your own figures are counted from what you recorded. England\u{2019}s are protected estimates with their intervals: a difference that is smaller than the interval says nothing, and few learners move a share a lot.",
    )];
    if let Some(note) = note {
        pieces.push(InsetText::new(note).into());
    }
    pieces.push(table.into());
    Ok(Page::new("How we do")
        .breadcrumb(own.name.clone(), "/provider")
        .body(Html::concat(pieces))
        .into_response())
}
