//! What was done to accounts, and by whom.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use ldsp_ui::components::{InsetText, Pagination, Table};
use ldsp_ui::{Html, Page};

use super::{Answer, paging, words};
use crate::Service;
use crate::store::{Done, Staff};

/// Acts of a page.
const LISTED: usize = 50;
const PATH: &str = "/operator/acts";

pub(super) async fn show(
    State(service): State<Arc<Service>>,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    let store = &service.store;
    let paged = paging::page(
        paging::span(&query),
        LISTED,
        |done: &Done| done.number,
        |span, limit| store.acts(span, limit),
    )
    .await?;
    let rows = paged.items.iter().map(|done| {
        [
            Html::from(words::moment(done.at)),
            done.who.clone().into(),
            done.action.clone().into(),
            done.detail.clone().into(),
        ]
    });
    let table = Table::new("What was done to accounts")
        .caption_hidden()
        .columns(["When", "Who", "What", "To whom"])
        .rows(rows);
    let shown: Html = if paged.items.is_empty() {
        InsetText::new("Nothing was done to accounts yet.").into()
    } else {
        table.into()
    };
    let href = |span| paging::href(PATH, &[], span);
    let beside = Pagination::new("Acts", paged.previous.map(href), paged.next.map(href));
    Ok(Page::new("What was done to accounts")
        .breadcrumb("People", "/people")
        .body(Html::concat([
            Html::paragraph(
                "Newest first. \u{201c}Command line\u{201d} is whoever works on the server itself. Nothing here is changed or removed.",
            ),
            shown,
            beside.into(),
        ])))
}
