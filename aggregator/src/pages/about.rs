//! What this is and how it is made, in plain words; accessibility; privacy.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use ldsp_protocol::standard::Standard;
use ldsp_ui::{Html, Page};

use super::entry::Text;
use crate::Service;

#[derive(Template)]
#[template(path = "about.html")]
struct About {
    origin: String,
    verifier: String,
    standard: String,
    digest: String,
    rho: String,
    /// Of the data on this very site, where something is said.
    data: Html,
    has_data: bool,
}

pub(super) async fn about(State(service): State<Arc<Service>>) -> Page {
    let standard = Standard::current();
    let body = About {
        origin: service.origin().to_owned(),
        verifier: service.signer.verifier().vkey(),
        standard: standard.title(),
        digest: standard.digest().to_string(),
        data: service
            .about
            .as_deref()
            .map_or_else(Html::default, Text::html),
        has_data: service.about.is_some(),
        rho: format!("{}", standard.noise().rho_micro as f64 / 1_000_000.0),
    };
    Page::new("About these figures")
        .breadcrumb("Home", "/")
        .body(Html::render(&body))
}

#[derive(Template)]
#[template(path = "accessibility.html")]
struct Accessibility;

pub(super) async fn accessibility() -> Page {
    Page::new("Accessibility")
        .breadcrumb("Home", "/")
        .body(Html::render(&Accessibility))
}

#[derive(Template)]
#[template(path = "privacy.html")]
struct Privacy;

pub(super) async fn privacy() -> Page {
    Page::new("Privacy and cookies")
        .breadcrumb("Home", "/")
        .body(Html::render(&Privacy))
}
