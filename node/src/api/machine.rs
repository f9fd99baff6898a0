//! What anybody's program may read of this node: who it is, the standard, whether it works. Nothing secret.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use ldsp_protocol::ids::{Digest, Gss, NodeSlug};
use ldsp_protocol::keys::key_id;
use ldsp_protocol::problem::{self, Problem};
use ldsp_protocol::standard::{STANDARD_V2, Standard};
use ldsp_ui::api::Query;
use ldsp_ui::disk;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Api, HEALTH, MACHINE, Nothing, Refused};

/// Who this node is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Identity {
    /// Null before it is chosen.
    #[schema(required)]
    lep: Option<Gss>,
    /// Name of the LEP, or what the node is called before it is chosen.
    name: String,
    /// The node's name in the log; null before it was enrolled.
    #[schema(required)]
    node: Option<NodeSlug>,
    /// Name of the log that it publishes in; null before it was enrolled.
    #[schema(required)]
    origin: Option<String>,
    /// SHA-256 of the public key: what the operator compared over the telephone.
    key_id: Digest,
    /// The Ed25519 key that signs its statements, 64 hex digits.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    public_key: String,
    /// Digest of the data standard that it applies.
    standard: Digest,
}

/// Who this node is
///
/// For comparison with what the aggregator says of it.
#[utoipa::path(
    get, path = "/v1/node", operation_id = "read_node", tag = MACHINE,
    responses((status = 200, description = "Names and public key.", body = Identity), super::ReadPublic),
    security(()),
)]
pub(super) async fn node(
    State(api): State<Api>,
    _none: Query<Nothing>,
) -> Result<Json<Identity>, Refused> {
    let key = api.node.signing.verifying_key();
    let (node, origin) = api
        .node
        .store
        .enrolment()
        .await?
        .map(|place| (place.node, place.origin))
        .unzip();
    Ok(Json(Identity {
        lep: api.node.chosen(),
        name: api.node.place(),
        node,
        origin,
        key_id: key_id(&key),
        public_key: hex::encode(key.as_bytes()),
        standard: Standard::current().digest(),
    }))
}

/// The data standard
///
/// Tables, code lists and noise that this node applies, in the exact bytes of their digest.
#[utoipa::path(
    get, path = "/v1/standard", operation_id = "read_standard", tag = MACHINE,
    responses(
        (status = 200, description = "The standard.", body = Object, content_type = "application/json"),
        super::ReadPublic
    ),
    security(()),
)]
pub(super) async fn standard(_none: Query<Nothing>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], STANDARD_V2)
}

/// Whether the process answers
#[utoipa::path(
    get, path = "/health/live", operation_id = "health_live", tag = HEALTH,
    responses((status = 200, description = "It does.", body = String, content_type = "text/plain"), super::ReadPublic),
    security(()),
)]
pub(super) async fn live(_none: Query<Nothing>) -> &'static str {
    "live\n"
}

/// Whether the node can work
///
/// Its store can be read, and its disk takes more.
#[utoipa::path(
    get, path = "/health/ready", operation_id = "health_ready", tag = HEALTH,
    responses((status = 200, description = "It can.", body = String, content_type = "text/plain"), super::ReadPublic),
    security(()),
)]
pub(super) async fn ready(
    State(api): State<Api>,
    _none: Query<Nothing>,
) -> Result<&'static str, Refused> {
    match api.node.store.identity().await? {
        Some(_) => disk::takes_more(&api.node.dir)
            .map(|()| "ready\n")
            .map_err(|trouble| {
                Problem::new(problem::STORAGE, format!("Not ready: {trouble}")).into()
            }),
        None => Err(Problem::new(problem::STORAGE, "The store holds no node.").into()),
    }
}
