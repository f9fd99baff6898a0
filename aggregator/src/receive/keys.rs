//! What everybody needs to check statements: the log's key and the data standard.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;
use ldsp_protocol::ids::Digest;
use ldsp_protocol::problem::{self, Problem};
use ldsp_protocol::standard::{STANDARD_V2, STANDARDS_TEXT};

use super::Refusal;
use super::describe::{Anything, NotThere};
use crate::Service;

/// The data standard
///
/// The exact bytes of the standard that nodes begin to count under now: code lists, tables, noise, measures. Statements
/// name their SHA-256 digest.
#[utoipa::path(
    get, path = "/v1/standard", tag = "Statements", operation_id = "standard",
    responses((status = 200, description = "The standard.", body = Object), Anything),
)]
pub(super) async fn standard() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], STANDARD_V2)
}

/// A data standard by its digest
///
/// The exact bytes of any standard that statements here follow: nodes go on under an earlier one for the enrolments that
/// they began to count under it.
#[utoipa::path(
    get, path = "/v1/standards/{digest}", tag = "Statements", operation_id = "standard_by_digest",
    params(("digest" = Digest, Path, description = "SHA-256 of the standard's bytes, as statements name it.")),
    responses((status = 200, description = "The standard.", body = Object), NotThere),
)]
pub(super) async fn standard_by_digest(
    Path(digest): Path<String>,
) -> Result<impl IntoResponse, Refusal> {
    let known = STANDARDS_TEXT.into_iter();
    let mut known = known.filter(|text| Digest::of(text.as_bytes()).to_string() == digest);
    let text = known.next().ok_or_else(|| {
        Problem::new(
            problem::NOT_FOUND,
            "The address does not end in the digest of a data standard that this log takes.",
        )
    })?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text))
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
