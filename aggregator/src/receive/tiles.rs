//! The log as files (C2SP tlog-tiles): its checkpoint, the tiles of its tree, its entries. Whoever has them needs
//! nothing else of this server to check it.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use ldsp_protocol::log::Tile;
use ldsp_protocol::problem::{self, Problem};

use super::Refusal;
use super::describe::{Anything, NotThere};
use crate::Service;

/// What a tile of this address holds stays as it is for ever.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// The log's checkpoint
///
/// How many leaves the log has and the root of their tree, signed (C2SP tlog-checkpoint). The last line is the signature by the
/// key at /v1/verifier.
#[utoipa::path(
    get, path = "/checkpoint", tag = "Log", operation_id = "checkpoint",
    responses((status = 200, description = "The checkpoint, a C2SP signed note.", body = String, content_type = "text/plain"), Anything),
)]
pub(super) async fn checkpoint(
    State(service): State<Arc<Service>>,
) -> Result<impl IntoResponse, Refusal> {
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        // It moves with every statement.
        (header::CACHE_CONTROL, "no-cache"),
    ];
    Ok((headers, service.tree.checkpoint().await?))
}

/// A tile of the log
///
/// C2SP tlog-tiles. Of level 0 up: the hashes of up to 256 subtrees, 32 bytes each. Of level `entries`: up to 256 leaves, each with
/// two bytes of length before it. Numbers have three digits; longer ones are cut into groups with an x before all but the
/// last (x001/x234/067), and a tile that is not full says how many it holds behind it (067.p/12): both as further steps of the
/// address. What is served once never changes.
#[utoipa::path(
    get, path = "/tile/{level}/{number}", tag = "Log", operation_id = "tile",
    params(
        ("level" = String, Path, description = "0 to 7, or entries.", pattern = "^([0-7]|entries)$", example = "0"),
        ("number" = String, Path, description = "Which tile of its level, from 000.", pattern = "^[0-9]{3}$", example = "000"),
    ),
    responses((status = 200, description = "The tile.", body = String, content_type = "application/octet-stream"), NotThere),
)]
pub(super) async fn tile(
    State(service): State<Arc<Service>>,
    Path((level, number)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    serve(&service, &format!("tile/{level}/{number}")).await
}

/// Tiles whose address has more steps.
pub(super) async fn further(
    State(service): State<Arc<Service>>,
    Path((level, number, rest)): Path<(String, String, String)>,
) -> Result<Response, Refusal> {
    serve(&service, &format!("tile/{level}/{number}/{rest}")).await
}

async fn serve(service: &Service, path: &str) -> Result<Response, Refusal> {
    let missing = |detail: &str| Refusal::from(Problem::new(problem::NOT_FOUND, detail));
    let tile: Tile = path
        .parse()
        .map_err(|_| missing("The address does not name a tile as C2SP tlog-tiles writes it."))?;
    let bytes = service.tree.tile(&tile).await?;
    let bytes = bytes.ok_or_else(|| missing("The log has no such tile yet, or not as wide."))?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CACHE_CONTROL, IMMUTABLE),
    ];
    Ok((headers, bytes).into_response())
}
