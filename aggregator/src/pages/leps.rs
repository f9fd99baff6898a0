//! All areas, by code.

use std::sync::Arc;

use axum::extract::State;
use ldsp_ui::components::{Table, link};
use ldsp_ui::{Html, Page};

use super::{Answer, figures, home, runs};
use crate::Service;
use crate::benchmark::Measure;

pub(super) async fn show(State(service): State<Arc<Service>>) -> Answer {
    let snapshot = service.snapshot().await?;
    let last = runs::last(&service, &snapshot).await?;
    let table = Table::new("The 38 Local Enterprise Partnerships")
        .columns([
            "Local Enterprise Partnership",
            "Region",
            "Enrolments to date",
            "Achievement rate",
            "State",
        ])
        .numeric([2, 3])
        .rows(snapshot.leps().iter().map(|s| {
            let figure = |m| {
                s.finding(m)
                    .map_or_else(|| "nothing yet".to_owned(), figures::with_interval)
            };
            [
                link(&s.place.name, &format!("/leps/{}", s.place.code)),
                Html::text(&s.region.name),
                Html::text(&figure(Measure::Starts)),
                Html::text(&figure(Measure::Achievement)),
                home::standing_tag(s).into(),
            ]
        }));
    let intro = match snapshot.range() {
        Some(range) => format!(
            "{}, {}. Each figure with its 95 % interval. Areas differ in size and in whom they serve: this is a list by code, not a league table.",
            figures::period(range),
            figures::coverage(snapshot.coverage())
        ),
        None => "No area has published yet. Choose an area to see which districts belong to it."
            .to_owned(),
    };
    let page = Page::new("Areas").breadcrumb("Home", "/");
    let page = if snapshot.range().is_some() {
        page.banner(figures::provisional(last.as_deref()))
    } else {
        page
    };
    Ok(page.body(Html::concat([Html::paragraph(&intro), table.into()])))
}
