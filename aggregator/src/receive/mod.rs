//! Receive: HTTP for nodes (`/v1/`), for people's programs (`/api/v1/`) and for the machine room
//! (`/health/`). Handlers parse the address, call the stages and translate; they decide nothing.

mod api;
mod enrolments;
mod health;
mod practice;
mod read;
mod refusal;
mod statements;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use ldsp_protocol::dsse::MAX_ENVELOPE;
use ldsp_protocol::ids::NodeSlug;
use ldsp_protocol::problem::{self, Problem};
use ldsp_protocol::standard::STANDARD_V1;

pub use refusal::{Refusal, Unconfirmed, unread};

use crate::{Service, etag};

/// Everything that is not a page.
pub fn router(service: Arc<Service>) -> Router {
    let machine = Router::new()
        .route("/v1/enrolments", post(enrolments::enrol))
        .route("/v1/nodes/{node}", get(enrolments::record))
        .route(
            "/v1/nodes/{node}/statements/{seq}",
            get(statements::envelope).put(statements::put),
        )
        .route(
            "/v1/nodes/{node}/statements/{seq}/receipt",
            get(statements::receipt),
        )
        .route("/v1/practice", get(practice::for_peers))
        .route("/v1/standard", get(standard))
        .route("/v1/verifier", get(verifier));
    let people = Router::new()
        .route("/api/v1/nodes", get(api::nodes))
        .route("/api/v1/benchmarks", get(api::benchmarks))
        .route("/api/v1/benchmarks.csv", get(api::benchmarks_csv))
        .route("/api/v1/leps/{code}", get(api::lep))
        .route("/api/v1/practice", get(practice::for_everybody))
        .route_layer(from_fn_with_state(service.clone(), etag::conditional));
    let room = Router::new()
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready));
    // A body that is too large is refused by the limit below, with the extractor's own words
    // translated into a problem; the envelope parser keeps the exact limits.
    machine
        .merge(people)
        .merge(room)
        .layer(DefaultBodyLimit::max(MAX_ENVELOPE))
        .with_state(service)
}

async fn standard() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], STANDARD_V1)
}

async fn verifier(
    axum::extract::State(service): axum::extract::State<Arc<Service>>,
) -> impl IntoResponse {
    let vkey = format!("{}\n", service.signer.verifier().vkey());
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], vkey)
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

/// The sequence number of an address.
fn number(text: &str) -> Result<u64, Refusal> {
    let parsed = text.parse().ok().filter(|n| *n > 0 && text.len() < 19);
    parsed.ok_or_else(|| {
        Refusal(Problem::new(
            problem::NOT_FOUND,
            "Sequence numbers are whole numbers from 1.",
        ))
    })
}
