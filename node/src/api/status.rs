//! What this node is and what it waits for.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use ldsp_protocol::ids::{Digest, Gss, NodeSlug, Period};
use ldsp_protocol::keys::key_id;
use ldsp_protocol::standard::Standard;
use ldsp_ui::api::Query;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Api, NODE, Nothing, Refused};
use crate::release::next_period;
use crate::store::people::Role;
use crate::store::releases;

/// Where the node publishes.
#[derive(Debug, Serialize, ToSchema)]
struct Enrolment {
    node: NodeSlug,
    /// Name of the log.
    origin: String,
    /// Address of the aggregator.
    url: String,
    /// Whether the operator has approved the node's key, as last heard.
    active: bool,
    /// Place in the log from which the node's key counts no more; null while it counts.
    #[schema(required)]
    revoked_from: Option<u64>,
}

/// The month that is released next.
#[derive(Debug, Serialize, ToSchema)]
struct NextRelease {
    period: Period,
    /// Whether it is over in London, so that it can be prepared.
    ended: bool,
}

/// The last import.
#[derive(Debug, Serialize, ToSchema)]
struct LastImport {
    /// Its number at this node.
    #[schema(minimum = 1)]
    id: i64,
    at: Timestamp,
}

/// What this node is and what it waits for. No count of learners.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Status {
    /// Null before it is chosen.
    #[schema(required)]
    lep: Option<Gss>,
    /// Name of the LEP, or what the node is called before it is chosen.
    name: String,
    /// Digest of the data standard.
    standard: Digest,
    /// SHA-256 of the node's public key.
    key_id: Digest,
    coordinators: usize,
    approvers: usize,
    programmes: usize,
    /// Whether the postcode directory was imported.
    postcodes: bool,
    /// Null before `enrol`.
    #[schema(required)]
    enrolment: Option<Enrolment>,
    /// The month whose release waits for an approver.
    #[schema(required)]
    open_release: Option<Period>,
    /// Null while nothing is held.
    #[schema(required)]
    next_release: Option<NextRelease>,
    /// Statements that the log has.
    acknowledged: usize,
    /// Statements that wait to be sent.
    waiting: usize,
    /// Why the first of them was not taken.
    #[schema(required)]
    problem: Option<String>,
    #[schema(required)]
    last_import: Option<LastImport>,
}

/// How the node stands
///
/// What it is, and what waits for whom.
#[utoipa::path(
    get, path = "/api/v1/status", operation_id = "show_status", tag = NODE,
    responses((status = 200, description = "The node's state.", body = Status), super::Read),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn status(
    State(api): State<Api>,
    _none: Query<Nothing>,
) -> Result<Json<Status>, Refused> {
    let (node, store) = (&api.node, &api.node.store);
    let people = store.people().await?;
    let count = |role| people.iter().filter(|p| p.role == role).count();
    let statements = store.statements().await?;
    let mut waiting = statements.iter().filter(|s| s.acknowledged_at.is_none());
    let last_import = store.imports_before(None, 1).await?.pop();
    let mut reader = store.reader.acquire().await?;
    let last = releases::heads_before(&mut reader, None, 1).await?.pop();
    drop(reader);
    let next = next_period(store, (api.clock)()).await?;
    Ok(Json(Status {
        lep: node.chosen(),
        name: node.place(),
        standard: Standard::current().digest(),
        key_id: key_id(&node.signing.verifying_key()),
        coordinators: count(Role::Coordinator),
        approvers: count(Role::Approver),
        programmes: store.programmes().await?.len(),
        postcodes: store.has_postcodes().await?,
        enrolment: store.enrolment().await?.map(|place| Enrolment {
            node: place.node,
            origin: place.origin,
            url: place.url,
            active: place.active,
            revoked_from: place.revoked_from,
        }),
        open_release: last.filter(|r| r.approved.is_none()).map(|r| r.period),
        next_release: next.map(|(period, ended)| NextRelease { period, ended }),
        waiting: waiting.clone().count(),
        acknowledged: statements.len() - waiting.clone().count(),
        problem: waiting.next_back().and_then(|s| s.problem.clone()),
        last_import: last_import.map(|(id, record)| LastImport { id, at: record.at }),
    }))
}
