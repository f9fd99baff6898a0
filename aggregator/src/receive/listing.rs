//! The log as a list: what was signed by whom, and where its exact bytes are.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use jiff::civil::Date;
use ldsp_protocol::ids::{Digest, NodeSlug, Period};
use ldsp_protocol::statement::Kind;
use ldsp_ui::api::{Items, Limit, List, Query, Refusal};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::describe::{NoSuchStatements, NodeKind};
use super::enrolments::find;
use super::unknown;
use crate::Service;
use crate::store::{Log as _, Outline, Span, StatementFilter};

/// A logged statement.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct StatementEntry {
    /// Place in the log, from 0.
    index: u64,
    /// Who signed.
    node: NodeSlug,
    /// Place in the node's own sequence, from 1.
    seq: u64,
    /// What it is about.
    #[schema(value_type = NodeKind)]
    kind: Kind,
    /// The month of a summary or a correction; null for all others.
    period: Option<Period>,
    /// When it came; for people, never for order.
    received: Timestamp,
    /// Identity: SHA-256 of the bytes that were signed.
    pae: Digest,
    /// Whether everybody may read the envelope today; else enrolled nodes, and of answers to a questionnaire their own node.
    public: bool,
    /// The day from which everybody may read a practice entry that is for nodes first; null for all others.
    public_from: Option<Date>,
    /// Place in the log of its withdrawal; null while it holds. The envelope of one that was withdrawn is gone.
    withdrawn: Option<u64>,
    /// Address of the exact envelope.
    envelope: String,
    /// Address of the log's receipt for it.
    receipt: String,
}

impl StatementEntry {
    fn new(line: Outline, today: Date) -> Self {
        let envelope = format!("/v1/nodes/{}/statements/{}", line.node, line.seq);
        Self {
            public: line.is_public(today),
            // Year 0 stands for "at once".
            public_from: line.public_from.filter(|from| from.year() > 0),
            receipt: format!("{envelope}/receipt"),
            envelope,
            withdrawn: line.withdrawn,
            index: line.index,
            node: line.node,
            seq: line.seq,
            kind: line.kind,
            period: line.period,
            received: line.received,
            pae: line.pae,
        }
    }
}

/// Which statements to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// Only this node's.
    #[param(value_type = NodeSlug, required = false)]
    node: Option<NodeSlug>,
    /// Only of this kind.
    #[param(value_type = NodeKind, inline, required = false)]
    kind: Option<Kind>,
    /// From `next` of the page before.
    #[param(value_type = String, required = false)]
    cursor: Option<String>,
    /// Items of a page; 50 where nothing is said.
    #[param(value_type = u32, required = false, minimum = 1, maximum = 100)]
    limit: Option<Limit>,
}

/// The statements in the log
///
/// Newest first, without their bytes. What a practice entry says that is for enrolled nodes first is withheld until its
/// day; that it exists is public. So are answers to a questionnaire, but for what they say.
#[utoipa::path(
    get, path = "/api/v1/statements", tag = "Statements", operation_id = "statements", params(Asked),
    responses((status = 200, description = "A page of statements.", body = Items<StatementEntry>), NoSuchStatements),
)]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Query(asked): Query<Asked>,
) -> Result<Json<Items<StatementEntry>>, Refusal> {
    let list = List::new("/api/v1/statements")
        .filter("node", asked.node.as_ref())
        .filter("kind", asked.kind.map(Kind::as_str));
    if asked.kind.is_some_and(Kind::is_of_log) {
        return Err(unknown("kind", "that of a node's statement"));
    }
    let limit = asked.limit.unwrap_or_default();
    let before = list.after(asked.cursor.as_deref())?;
    if let Some(node) = &asked.node {
        find(&service, node).await?;
    }
    let filter = StatementFilter {
        node: asked.node,
        kind: asked.kind,
        span: before.map_or(Span::Newest, Span::Before),
    };
    let found = service.store.latest(&filter, limit.get() + 1).await?;
    let page = list.page(found, limit, |line| line.index);
    let today = service.today();
    let entry = |line| StatementEntry::new(line, today);
    Ok(Json(Items {
        items: page.items.into_iter().map(entry).collect(),
        next: page.next,
    }))
}
