//! Demand, besides the list and form that all kinds have (`super::model`): its files, the list as a file.

mod files;
mod summary;
mod survey;
mod vacancies;

use axum::Router;
use axum::extract::State;
use axum::http::Method;
use axum::routing::get;
use ldsp_ui::{Access, Rule, SignedIn};

use super::model::csv_of;
pub(super) use survey::found as survey;
pub(super) use vacancies::found as vacancies;

use super::{Answer, COORDINATOR, Pages, READERS, STAFF, fault};
use crate::store::demand::Demand;
use crate::store::kept::Stored;

/// Who may ask for what. Numbers are exact.
pub(super) fn rules() -> Vec<Rule> {
    vec![
        Rule::get("/demand/imports", STAFF),
        Rule::get("/demand/imports/{id}", STAFF),
        Rule::post("/demand/imports/{id}", COORDINATOR),
        Rule::get("/demand/export.csv", STAFF),
        Rule::get("/demand/summary", READERS),
    ]
}

pub(super) fn routes(router: Router<Pages>) -> Router<Pages> {
    router
        .route("/demand/imports", get(files::list))
        .route("/demand/imports/{id}", get(files::show).post(files::remove))
        .route("/demand/export.csv", get(export))
        .route("/demand/summary", get(summary::show))
}

/// Where to go from the list: words and address of what this person may open.
pub(super) fn ways(person: &SignedIn) -> Vec<(&'static str, &'static str)> {
    let all = [
        (
            "What it adds up to, and what of it may be shared",
            "/demand/summary",
        ),
        ("Bring in a file", "/import"),
        (
            "The words by which skills are found in vacancies",
            "/demand/words",
        ),
        ("Files that were brought in", "/demand/imports"),
        (
            "Download all of it (CSV, exact: do not share)",
            "/demand/export.csv",
        ),
    ];
    let may = |path: &str| {
        let rules = super::rules();
        rules.iter().any(|rule| match rule.access {
            Access::Roles(roles) => {
                rule.method == Method::GET && rule.path == path && person.is_any(roles)
            }
            _ => false,
        })
    };
    all.into_iter().filter(|(_, path)| may(path)).collect()
}

/// All of it in the columns of the file, which may come back as it is.
async fn export(State(pages): State<Pages>) -> Answer {
    let store = &pages.node.store;
    let known = store.known().await.map_err(fault)?;
    let all: Vec<Stored<Demand>> = store.kept().await.map_err(fault)?;
    Ok(csv_of(&known, &all, "ldsp-demand-exact.csv"))
}
