//! The privacy report of a release, for reading and for paper.

use axum::extract::{Path, State};
use axum::response::IntoResponse as _;
use ldsp_ui::components::link;
use ldsp_ui::{Html, Page, ProblemPage};

use super::{Answer, Pages, release_problem};
use crate::release::report::Report;

pub(super) async fn report(State(pages): State<Pages>, Path(period): Path<String>) -> Answer {
    let period = period.parse().map_err(|_| ProblemPage::not_found())?;
    let report = Report::read(&pages.node.store, period, (pages.clock)())
        .await
        .map_err(release_problem)?;
    let month = period.in_words();
    let hint = Html::concat([
        Html::literal("<p class=\"govuk-body ldsp-screen\">"),
        "For the data protection officer: print this page, or save it as PDF, and file it with the assessment (DPIA). It holds what anybody can read in the log once the release has left, and no exact count. ".into(),
        link("Back to the release", &format!("/releases/{period}")),
        Html::literal("</p>"),
    ]);
    Ok(Page::new(report.title.clone())
        .breadcrumb("Releases", "/releases")
        .breadcrumb(month, format!("/releases/{period}"))
        .body(Html::concat([hint, report.html()]))
        .into_response())
}
