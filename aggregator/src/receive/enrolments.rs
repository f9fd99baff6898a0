//! `POST /v1/enrolments` and `GET /v1/nodes/{node}`.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use ldsp_protocol::enrolment::NodeRecord;
use ldsp_protocol::ids::NodeSlug;
use ldsp_protocol::problem::{self, Problem};

use super::describe::{Envelope, NoSuchNode, NotEnrolled};
use super::statements::envelope_type;
use super::{Refusal, slug};
use crate::store::{Node, Registry, Stored};
use crate::{Service, enrol as stage};

/// Enrol a node
///
/// An envelope of type `application/vnd.ldsp.enrolment.v1+json`, signed by the very key that it brings, with the secret of
/// the node's invite as a bearer token. The same request again changes nothing. The node may publish once an operator has
/// compared the key's fingerprint and approved it.
#[utoipa::path(
    post, path = "/v1/enrolments", tag = "For nodes", operation_id = "enrol", security(("invite" = [])),
    request_body(content = Envelope, content_type = "application/vnd.dsse+json"),
    responses(
        (status = 201, description = "The node is enrolled and waits for approval.", body = NodeRecord),
        (status = 200, description = "The same request was taken before.", body = NodeRecord),
        NotEnrolled,
    ),
)]
pub(super) async fn enrol(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<NodeRecord>), Refusal> {
    let secret = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
        // Who brings nothing like a secret is not read any further.
        .filter(|secret| secret.len() == 64 && secret.bytes().all(|b| b.is_ascii_hexdigit()))
        .ok_or_else(|| {
            Problem::new(
                problem::INVITE_SECRET,
                "The authorization header is missing or is not Bearer and 64 hex digits.",
            )
        })?;
    envelope_type(&headers)?;
    let proven = stage::prove(&body?, service.now())?;
    let invite = service.store.invite_of(proven.node()).await?;
    let enrolment = proven.admit(secret, invite.as_ref(), service.origin(), service.standard)?;
    let node = enrolment.node.clone();
    let stored = service.store.enrol(&enrolment).await?;
    let status = match stored {
        Stored::New => {
            tracing::info!(%node, "a node enrolled and waits for approval");
            StatusCode::CREATED
        }
        Stored::Before => StatusCode::OK,
    };
    let record = find(&service, &node)
        .await?
        .record(service.standard.digest());
    Ok((status, Json(record)))
}

/// A node's record
///
/// Its key, with which anybody checks its statements, and where its sequence stands.
#[utoipa::path(
    get, path = "/v1/nodes/{node}", tag = "Nodes", operation_id = "node",
    params(("node" = NodeSlug, Path, description = "The node's name.")),
    responses((status = 200, description = "The record.", body = NodeRecord), NoSuchNode),
)]
pub(super) async fn record(
    State(service): State<Arc<Service>>,
    Path(node): Path<String>,
) -> Result<Json<NodeRecord>, Refusal> {
    let name = slug(&node)?;
    // Not by the directory: few ask for records, and one who asks alone waits longer at its door.
    let node = service.store.node(&name).await?;
    let node = node.ok_or_else(|| unknown(&name))?;
    Ok(Json(node.record(service.standard.digest())))
}

/// A node that exists.
pub(super) async fn find(service: &Service, name: &NodeSlug) -> Result<Node, Refusal> {
    let node = service.directory.node(name).await?;
    node.ok_or_else(|| unknown(name))
}

fn unknown(name: &NodeSlug) -> Refusal {
    let detail = format!("{name} is not enrolled.");
    Refusal(Problem::new(problem::UNKNOWN_NODE, detail))
}
