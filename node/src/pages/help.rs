//! A short guide.

use axum::extract::State;
use axum::response::IntoResponse as _;
use ldsp_ui::{Html, Page};

use super::{Answer, Pages, words};

#[derive(askama::Template)]
#[template(path = "help.html")]
struct Help {
    lep: String,
    tables: usize,
}

pub(super) async fn help(State(pages): State<Pages>) -> Answer {
    let help = Help {
        lep: words::lep(&pages.node.lep),
        tables: ldsp_protocol::standard::Standard::current().tables().len(),
    };
    Ok(Page::new("How this node works")
        .body(Html::render(&help))
        .into_response())
}
