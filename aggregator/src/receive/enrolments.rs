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

use super::{Refusal, slug};
use crate::store::{Node, Registry, Stored};
use crate::{Service, enrol as stage};

pub(super) async fn enrol(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<NodeRecord>), Refusal> {
    let secret = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
        .ok_or_else(|| {
            Problem::new(
                problem::INVITE,
                "The request carries no invite secret (authorization: Bearer …).",
            )
        })?;
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

pub(super) async fn record(
    State(service): State<Arc<Service>>,
    Path(node): Path<String>,
) -> Result<Json<NodeRecord>, Refusal> {
    let node = find(&service, &slug(&node)?).await?;
    Ok(Json(node.record(service.standard.digest())))
}

/// A node that exists.
pub(super) async fn find(service: &Service, name: &NodeSlug) -> Result<Node, Refusal> {
    service.directory.node(name).await?.ok_or_else(|| {
        Refusal(Problem::new(
            problem::UNKNOWN_NODE,
            format!("{name} is not enrolled."),
        ))
    })
}
