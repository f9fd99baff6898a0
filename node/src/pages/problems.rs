//! A help page for every kind of problem that programs are answered with: where a problem's `type` leads.

use axum::extract::Path;
use axum::http::StatusCode;
use ldsp_protocol::problem::{self, ProblemKind};
use ldsp_ui::components::{SummaryList, Table, link};
use ldsp_ui::{Html, Page, ProblemPage};

pub(super) async fn list() -> Page {
    let table = Table::new("Every message, by its code")
        .columns(["Code", "What it says", "HTTP status"])
        .numeric([2])
        .rows(problem::CATALOGUE.iter().map(|kind| {
            [
                link(kind.code, &address(kind)),
                Html::text(kind.title),
                Html::text(&kind.status.to_string()),
            ]
        }));
    let intro = Html::paragraph(
        "When this node refuses what a program asks it says what, why and what to do next, as problem+json (RFC 9457) whose type is \
         one of these addresses. People get a page instead. The aggregator uses the same list.",
    );
    Page::new("Messages and what to do").body(Html::concat([intro, table.into()]))
}

fn address(kind: &ProblemKind) -> String {
    format!("/problems/{}", kind.code)
}

pub(super) async fn show(Path(code): Path<String>) -> Result<Page, ProblemPage> {
    let kind = problem::kind(&code).ok_or_else(ProblemPage::not_found)?;
    let reason = StatusCode::from_u16(kind.status).ok();
    let reason = reason.and_then(|status| status.canonical_reason());
    let facts = SummaryList::new()
        .fact("Code", kind.code)
        .fact(
            "HTTP status",
            format!("{} {}", kind.status, reason.unwrap_or_default()),
        )
        .fact("Type", address(kind));
    let body = Html::concat([
        Html::literal("<h2 class=\"govuk-heading-m\">What to do next</h2>"),
        Html::paragraph(kind.next),
        Html::literal("<h2 class=\"govuk-heading-m\">For programs</h2>"),
        Html::paragraph("The member detail of the answer says what happened in that case."),
        facts.into(),
    ]);
    Ok(Page::new(kind.title)
        .caption("Messages and what to do")
        .breadcrumb("Messages and what to do", "/problems")
        .body(body))
}
