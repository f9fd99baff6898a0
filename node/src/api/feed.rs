//! The node's open feed of services, as Open Referral UK 3.0 has it.

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use ldsp_protocol::problem::{self, Problem};
use ldsp_ui::api::Query;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Api, Nothing, PROVISION, Refused};
use crate::provision::feed::{Feed, Full, Page, Search};
use crate::store::kept::Stored;
use crate::store::organisations::Organisation;
use crate::store::services::Service;

/// Which services.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// Which page, from 1; one behind the last is empty.
    #[param(minimum = 1, maximum = 1000000, default = 1)]
    page: Option<u32>,
    /// Services of a page at most.
    #[param(minimum = 1, maximum = 100, default = 50)]
    per_page: Option<u32>,
    /// Words that stand in name, description or organisation.
    search: Option<String>,
    /// Identifier of a code of the data standard, as attributes of services name it.
    taxonomy_term_id: Option<String>,
}

fn within(given: Option<u32>, usual: u32, most: u32, name: &str) -> Result<usize, Refused> {
    let number = given.unwrap_or(usual);
    if !(1..=most).contains(&number) {
        let detail = format!("The query is not accepted: {name} is not from 1 to {most}.");
        return Err(Problem::new(problem::PARAMETER, detail).into());
    }
    Ok(number as usize)
}

async fn all(api: &Api) -> Result<Vec<Full>, Refused> {
    let Some(lep) = api.node.chosen() else {
        return Ok(Vec::new());
    };
    let store = &api.node.store;
    let services: Vec<Stored<Service>> = store.kept().await?;
    let organisations: Vec<Stored<Organisation>> = store.kept().await?;
    let changed = store.services_changed().await?;
    let feed = Feed {
        lep: &lep,
        kinds: &|id| {
            let mut all = organisations.iter();
            all.find(|stored| stored.id == id)
                .map(|stored| stored.it.kind)
        },
        changed: &|id| changed.get(&id).copied().unwrap_or(Timestamp::UNIX_EPOCH),
    };
    Ok(feed.services(&services))
}

/// Services
///
/// Where people learn digital skills here, as Open Referral UK 3.0 lists services: those that the LEP\u{2019}s coordinator published. Nothing of
/// it is about a learner.
#[utoipa::path(
    get, path = "/services", operation_id = "list_open_services", tag = PROVISION,
    params(Asked),
    responses((status = 200, description = "A page of services.", body = Page), super::ReadPublic),
    security(()),
)]
pub(super) async fn list(
    State(api): State<Api>,
    Query(asked): Query<Asked>,
) -> Result<Json<Page>, Refused> {
    let page = within(asked.page, 1, 1_000_000, "page")?;
    let size = within(asked.per_page, 50, 100, "per_page")?;
    let search = Search {
        words: asked.search.as_deref().unwrap_or_default(),
        term: asked.taxonomy_term_id.as_deref().unwrap_or_default(),
    };
    let mut found = all(&api).await?;
    found.retain(|service| search.finds(service));
    Ok(Json(Page::of(found, page, size)))
}

/// A service
///
/// With places, areas, costs and what it teaches.
#[utoipa::path(
    get, path = "/services/{id}", operation_id = "show_open_service", tag = PROVISION,
    params(("id" = String, Path, description = "Its UUID.", format = "uuid")),
    responses((status = 200, description = "The service.", body = Full), super::ReadOpen),
    security(()),
)]
pub(super) async fn show(
    State(api): State<Api>,
    Path(id): Path<String>,
    _none: Query<Nothing>,
) -> Result<Json<Full>, Refused> {
    let found = all(&api).await?;
    let mut found = found.into_iter();
    let one = found.find(|service| service.listed.id.eq_ignore_ascii_case(&id));
    one.map(Json)
        .ok_or_else(|| Refused::not_found("No service of this identifier is published here."))
}
