//! A short guide.

use axum::extract::State;
use axum::response::IntoResponse as _;
use ldsp_ui::{Html, Page, SignedIn};

use super::{Answer, Pages, READ, sees_exact};

#[derive(askama::Template)]
#[template(path = "help.html")]
struct Help {
    lep: String,
    tables: usize,
    staff: bool,
    reads: bool,
    admin: bool,
}

pub(super) async fn help(State(pages): State<Pages>, person: SignedIn) -> Answer {
    let help = Help {
        lep: pages.node.place(),
        tables: ldsp_protocol::standard::Standard::current().tables().len(),
        staff: sees_exact(),
        reads: person.is_any(READ),
        admin: person.is_any(&["admin"]),
    };
    Ok(Page::new("How this node works")
        .body(Html::render(&help))
        .into_response())
}
