//! What a provider's people can do here, and why.

use axum::response::IntoResponse as _;
use ldsp_ui::{Html, OwnOrganisation, Page};

use super::super::Answer;

#[derive(askama::Template)]
#[template(path = "provider_help.html")]
struct Help {}

pub(super) async fn show(of: OwnOrganisation) -> Answer {
    Ok(Page::new("How this works")
        .breadcrumb(of.organisation.name, "/provider")
        .body(Html::render(&Help {}))
        .into_response())
}
