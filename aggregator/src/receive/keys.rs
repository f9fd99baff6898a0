//! What everybody needs to check statements: the log's key and the data standard.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use ldsp_protocol::standard::STANDARD_V2;

use super::describe::Anything;
use crate::Service;

/// The data standard
///
/// The exact bytes of the standard that this server applies: code lists, tables, noise, measures. Statements name
/// their SHA-256 digest.
#[utoipa::path(
    get, path = "/v1/standard", tag = "Statements", operation_id = "standard",
    responses((status = 200, description = "The standard.", body = Object), Anything),
)]
pub(super) async fn standard() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], STANDARD_V2)
}

/// The log's verifier key
///
/// With it anybody checks receipts: a C2SP verifier key (`name+hash+key`) and a line feed.
#[utoipa::path(
    get, path = "/v1/verifier", tag = "Statements", operation_id = "verifier",
    responses((status = 200, description = "The key.", body = String, content_type = "text/plain"), Anything),
)]
pub(super) async fn verifier(State(service): State<Arc<Service>>) -> impl IntoResponse {
    let vkey = format!("{}\n", service.signer.verifier().vkey());
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], vkey)
}
