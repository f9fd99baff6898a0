//! The files of which demand is held, and taking out what one brought.

use axum::extract::{Path, State};
use axum::response::IntoResponse as _;
use ldsp_ui::components::{Button, Notification, PostForm, SummaryList, Table, link};
use ldsp_ui::listing::Asked;
use ldsp_ui::{Html, Page, ProblemPage, SignedIn};

use super::super::{Answer, Pages, exact, exact_part, fault, see_other, words};
use crate::model::demand::remove_import;
use crate::store::demand::Brought;
use crate::store::imports::ImportKind;
use crate::store::people::Role;

fn what(kind: ImportKind) -> &'static str {
    match kind {
        ImportKind::Demand => "Rows of demand",
        ImportKind::Survey => "The Employer Skills Survey",
        ImportKind::Vacancies => "What was found in vacancies",
        _ => "A file",
    }
}

pub(super) async fn list(State(pages): State<Pages>) -> Answer {
    let all = pages.node.store.demand_imports().await.map_err(fault)?;
    let body = if all.is_empty() {
        Html::paragraph("No demand that is held came with a file.")
    } else {
        let rows = all.iter().map(|file| {
            [
                link(
                    &format!("Import {}", file.import),
                    &format!("/demand/imports/{}", file.import),
                ),
                words::moment(file.at).into(),
                what(file.kind).into(),
                exact(words::count(file.rows)),
                exact(words::count(file.changed)),
            ]
        });
        let table = Table::new("Files, newest first")
            .columns(["Import", "When", "What", "Rows held", "Changed since"])
            .numeric([3, 4])
            .rows(rows);
        Html::concat([
            Html::paragraph(
                "A file that was wrong can be taken out whole: correct it, then bring it in again.",
            ),
            exact_part(table),
        ])
    };
    Ok(Page::new("Files that were brought in")
        .breadcrumb("Demand", "/demand")
        .body(body)
        .into_response())
}

async fn find(pages: &Pages, id: &str) -> Result<Brought, ProblemPage> {
    let id = crate::api::number(id).ok_or_else(ProblemPage::not_found)?;
    let all = pages.node.store.demand_imports().await.map_err(fault)?;
    let found = all.into_iter().find(|file| file.import == id);
    found.ok_or_else(ProblemPage::not_found)
}

pub(super) async fn show(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    asked: Asked,
    person: SignedIn,
) -> Answer {
    let brought = find(&pages, &id).await?;
    let facts = SummaryList::new()
        .fact("When", words::moment(brought.at))
        .fact("What", what(brought.kind))
        .fact("Rows held", words::count(brought.rows))
        .fact("Changed since", words::count(brought.changed));
    let mut pieces = vec![exact_part(facts)];
    let unchanged = brought.rows - brought.changed;
    if person.role.as_str() == Role::Coordinator.as_str() && unchanged > 0 {
        pieces.push(Html::paragraph(
            "Taking the file out removes the rows that it added, but for those that somebody changed since. What it changed of rows that were there before stays as it is. The history keeps what went.",
        ));
        pieces.push(
            PostForm::to(format!("/demand/imports/{}", brought.import))
                .buttons([Button::new("Take this file out").warning()])
                .into(),
        );
    }
    let mut page = Page::new(format!("Import {}", brought.import))
        .breadcrumb("Demand", "/demand")
        .breadcrumb("Files", "/demand/imports")
        .body(Html::concat(pieces));
    if asked.text("kept") == "yes" {
        page =
            page.notice(Notification::done("The file is taken out").content(
                "What somebody changed since stays; it can be changed further, one by one.",
            ));
    }
    Ok(page.into_response())
}

pub(super) async fn remove(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    person: SignedIn,
) -> Answer {
    let brought = find(&pages, &id).await?;
    let (store, now) = (&pages.node.store, (pages.clock)());
    let removed = remove_import(store, brought.import, &person.name, now)
        .await
        .map_err(fault)?;
    Ok(see_other(&match removed.stay {
        0 => "/demand/imports".to_owned(),
        _ => format!("/demand/imports/{}?kept=yes", brought.import),
    }))
}
