//! Receive: HTTP for nodes (`/v1/`), for people's programs (`/api/v1/`) and for the machine room
//! (`/health/`). Handlers parse the address, call the stages and translate; they decide nothing.
//!
//! Each route is declared with its description: [`document()`] is made from the routes that [`router`] serves.

mod api;
mod body;
mod describe;
mod desk;
mod document;
mod enrolments;
mod health;
mod keyevents;
mod keys;
mod listing;
mod measures;
mod needs;
mod nodes;
pub(crate) mod practice;
pub(crate) mod questionnaires;
mod read;
mod recovery;
mod refusal;
mod revisions;
mod runs;
mod statements;
#[cfg(test)]
pub(crate) mod tests;
mod tiles;

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use axum::{Extension, Router};
use ldsp_protocol::dsse::MAX_ENVELOPE;
use ldsp_protocol::ids::NodeSlug;
use ldsp_protocol::problem::{self, Problem};
use ldsp_ui::api::{Items, Limit, List, entity_tag, public_reads};

pub use ldsp_ui::api::Refusal;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use desk::rules;
pub use document::document;

use crate::{Service, etag};

/// Everything that is not a page.
pub fn router(service: Arc<Service>) -> Router {
    let document = serde_json::to_vec(&document(&service.public_url))
        .expect("a document of strings and numbers is JSON");
    let conditional = |basis| from_fn_with_state((Arc::clone(&service), basis), etag::conditional);
    let (routes, _) = figures()
        .route_layer(conditional(etag::Basis::Figures))
        .merge(figures_of_log().route_layer(conditional(etag::Basis::Log)))
        .merge(rest())
        .split_for_parts();
    routes
        // Outermost first.
        .layer((
            // A body that is too large is refused by this limit, with the extractor's own words
            // translated into a problem; the envelope parser keeps the exact limits.
            DefaultBodyLimit::max(MAX_ENVELOPE),
            from_fn(public_reads),
            from_fn(entity_tag),
            Extension(body::Large::default()),
            Extension(document::Text(document.into())),
        ))
        .with_state(service)
}

/// What people's programs ask beside: behind sign-in and the role table.
pub fn for_people(service: Arc<Service>) -> Router {
    Router::from(behind_sign_in())
        .with_state(service.clone())
        .merge(desk::router(service))
        .layer(DefaultBodyLimit::max(MAX_ENVELOPE))
}

/// Routes that know who has signed in. What nodes and people alike ask for is among them.
fn behind_sign_in() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::default()
        .routes(routes!(questionnaires::results))
        .routes(routes!(questionnaires::in_progress, questionnaires::ask))
        .routes(routes!(questionnaires::progress))
        .routes(routes!(questionnaires::answers))
        .routes(routes!(questionnaires::answers_csv))
        .routes(routes!(questionnaires::envelope))
}

/// Routes whose answers cost some work, so that their entity tag is made from what they depend on; here also the size of
/// the log.
fn figures_of_log() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::default()
        .routes(routes!(api::benchmarks))
        .routes(routes!(practice::for_everybody))
        .routes(routes!(questionnaires::list))
        .routes(routes!(needs::needs))
        .routes(routes!(needs::needs_csv))
}

/// The same; here figures and areas alone.
fn figures() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::default()
        .routes(routes!(api::benchmarks_csv))
        .routes(routes!(api::leps))
        .routes(routes!(api::lep))
}

/// Routes whose entity tag is the digest of what they answer.
fn rest() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::default()
        .routes(routes!(measures::list))
        .routes(routes!(nodes::list))
        .routes(routes!(keyevents::list))
        .routes(routes!(runs::list))
        .routes(routes!(runs::one))
        .routes(routes!(runs::finding))
        .routes(routes!(listing::list))
        .routes(routes!(revisions::list))
        .routes(routes!(practice::entry))
        .merge(
            OpenApiRouter::default()
                .routes(routes!(enrolments::enrol))
                .layer(DefaultBodyLimit::max(body::SMALL)),
        )
        .routes(routes!(enrolments::record))
        .routes(routes!(statements::envelope, statements::put))
        .routes(routes!(statements::receipt))
        .routes(routes!(recovery::state))
        .routes(routes!(recovery::hold))
        .routes(routes!(recovery::leaf))
        .routes(routes!(practice::for_peers))
        .routes(routes!(tiles::checkpoint))
        .routes(routes!(tiles::tile))
        // A step that holds slashes cannot be described.
        .route("/tile/{level}/{number}/{*rest}", get(tiles::further))
        .routes(routes!(keys::standard))
        .routes(routes!(keys::standard_by_digest))
        .routes(routes!(keys::verifier))
        .routes(routes!(document::serve))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(health::log))
}

/// The page of a list in memory that begins after the key; `all` is in the order of its keys.
fn page<T, K: Display + FromStr + Ord>(
    list: &List,
    cursor: Option<&str>,
    limit: Option<Limit>,
    all: impl IntoIterator<Item = T>,
    key: impl Fn(&T) -> K,
) -> Result<Items<T>, Refusal> {
    let limit = limit.unwrap_or_default();
    let after: Option<K> = list.after(cursor)?;
    let found = all
        .into_iter()
        .filter(|item| after.as_ref().is_none_or(|after| key(item) > *after))
        .take(limit.get() as usize + 1)
        .collect();
    Ok(list.page(found, limit, key))
}

/// A parameter that has the right form and names nothing.
fn unknown(parameter: &str, what: &str) -> Refusal {
    let detail = format!("{parameter} is not {what}.");
    Problem::new(problem::PARAMETER, detail).into()
}

/// The node of an address.
fn slug(text: &str) -> Result<NodeSlug, Refusal> {
    text.parse().map_err(|_| {
        Refusal(Problem::new(
            problem::UNKNOWN_NODE,
            "The address does not name a node.",
        ))
    })
}

/// The sequence number of an address, in the one way of writing it.
fn number(text: &str) -> Result<u64, Refusal> {
    let is_plain = text.len() < 19 && text.bytes().all(|b| b.is_ascii_digit());
    let parsed = text.parse().ok().filter(|n| *n > 0);
    parsed
        .filter(|_| is_plain && !text.starts_with('0'))
        .ok_or_else(|| {
            Refusal(Problem::new(
                problem::NOT_FOUND,
                "Sequence numbers are whole numbers from 1.",
            ))
        })
}
