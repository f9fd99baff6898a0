//! What was withdrawn and what was published again, for programs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use ldsp_protocol::ids::{Digest, NodeSlug, Period};
use ldsp_protocol::statement::Kind;
use ldsp_ui::api::{Items, Limit, List, Query, Refusal};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::describe::{NoSuchStatements, NodeKind};
use super::enrolments::find;
use crate::Service;
use crate::store::{Log as _, RevisionRow, Span};

/// A withdrawal, or a withdrawn month that was published again.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct RevisionEntry {
    /// Place in the log of the statement that says so.
    index: u64,
    /// Who signed.
    node: NodeSlug,
    /// Its place in the node's own sequence.
    seq: u64,
    /// `withdrawal` or `correction`.
    #[schema(value_type = NodeKind)]
    kind: Kind,
    /// When it came; for people, never for order.
    received: Timestamp,
    /// Why, in the area's words; null where the correction was withdrawn itself.
    #[schema(required)]
    reason: Option<String>,
    /// Place in the log of its own withdrawal; null while it holds.
    #[schema(required)]
    withdrawn: Option<u64>,
    /// Place in the log of the statement that is withdrawn, or in whose place it stands.
    target: u64,
    /// What that statement is about.
    #[schema(value_type = NodeKind)]
    target_kind: Kind,
    /// Of a release: its month; null for a practice entry, as the next two.
    #[schema(required)]
    period: Option<Period>,
    /// Digest of its data standard.
    #[schema(required)]
    standard: Option<Digest>,
    /// SHA-256 of its published cells as signed 64-bit integers, little-endian, in the order of the standard: what is published of
    /// the month again has the same.
    #[schema(required)]
    cells: Option<Digest>,
}

impl From<RevisionRow> for RevisionEntry {
    fn from(row: RevisionRow) -> Self {
        Self {
            index: row.index,
            node: row.node,
            seq: row.seq,
            kind: row.kind,
            received: row.received,
            reason: row.reason,
            withdrawn: row.withdrawn,
            target: row.target,
            target_kind: row.target_kind,
            period: row.month.map(|(_, period, _)| period),
            standard: row.month.map(|(standard, ..)| standard.digest()),
            cells: row.month.map(|(.., cells)| cells),
        }
    }
}

/// Which revisions to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// Only this node's.
    #[param(value_type = NodeSlug, required = false)]
    node: Option<NodeSlug>,
    /// From `next` of the page before.
    #[param(value_type = String, required = false)]
    cursor: Option<String>,
    /// Items of a page; 50 where nothing is said.
    #[param(value_type = u32, required = false, minimum = 1, maximum = 100)]
    limit: Option<Limit>,
}

/// What was withdrawn and published again
///
/// Newest first. A withdrawn month is out of all figures, and so are the same area's later ones under the same data standard,
/// until it is published again.
#[utoipa::path(
    get, path = "/api/v1/revisions", tag = "Statements", operation_id = "revisions", params(Asked),
    responses((status = 200, description = "A page of revisions.", body = Items<RevisionEntry>), NoSuchStatements),
)]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Query(asked): Query<Asked>,
) -> Result<Json<Items<RevisionEntry>>, Refusal> {
    let list = List::new("/api/v1/revisions").filter("node", asked.node.as_ref());
    let limit = asked.limit.unwrap_or_default();
    let before = list.after(asked.cursor.as_deref())?;
    if let Some(node) = &asked.node {
        find(&service, node).await?;
    }
    let span = before.map_or(Span::Newest, Span::Before);
    let store = &service.store;
    let found = store
        .revisions(asked.node.as_ref(), span, limit.get() + 1)
        .await?;
    let page = list.page(found, limit, |row| row.index);
    Ok(Json(Items {
        items: page.items.into_iter().map(RevisionEntry::from).collect(),
        next: page.next,
    }))
}
