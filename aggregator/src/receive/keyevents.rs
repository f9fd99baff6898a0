//! Key events: which key counted for which node from which place in the log on.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use ldsp_protocol::ids::{Digest, Gss, NodeSlug};
use ldsp_protocol::own::Own;
use ldsp_ui::api::{Items, Limit, List, Query, Refusal};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::describe::{KeyEventKind, NoSuchPage};
use crate::Service;
use crate::announce::{KEY_EVENTS, read};
use crate::store::{Log as _, LoggedStatement, Span, StoreError};

/// A key was added or revoked, by a statement of the log's own.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct KeyEvent {
    /// Place of the statement in the log, from 0.
    index: u64,
    /// What happened.
    #[schema(value_type = KeyEventKind)]
    kind: &'static str,
    /// Whose key it is.
    node: NodeSlug,
    /// SHA-256 of the raw public key.
    key_id: Digest,
    /// Place in the log from which the key counts, or counts no more.
    from: u64,
    /// Who approved or revoked it.
    by: String,
    /// Why it was revoked; null where it was added.
    #[schema(required)]
    reason: Option<String>,
    /// The raw public key that was added, 64 hex digits; null where it was revoked.
    #[schema(required)]
    public_key: Option<String>,
    /// The LEP that the node served when its key was added; null where it was revoked.
    #[schema(required)]
    lep: Option<Gss>,
    /// Digest of the request to enrol with which the node proved that it holds the key; null where it was revoked.
    #[schema(required)]
    enrolment: Option<Digest>,
    /// When it was stated; for people, never for order.
    received: Timestamp,
    /// Identity of the statement: SHA-256 of the bytes that were signed.
    pae: Digest,
    /// Address of the exact envelope.
    envelope: String,
    /// Address of the log's receipt for it.
    receipt: String,
}

impl KeyEvent {
    fn new(statement: &LoggedStatement) -> Result<Option<Self>, StoreError> {
        let envelope = format!("/v1/nodes/{}/statements/{}", statement.node, statement.seq);
        let event = |node, key_id, from, by| Self {
            index: statement.index,
            kind: statement.kind.as_str(),
            node,
            key_id,
            from,
            by,
            reason: None,
            public_key: None,
            lep: None,
            enrolment: None,
            received: statement.received,
            pae: statement.pae,
            receipt: format!("{envelope}/receipt"),
            envelope: envelope.clone(),
        };
        Ok(match read(statement)?.payload {
            Own::KeyAdd(add) => Some(Self {
                public_key: Some(add.public_key),
                lep: Some(add.lep),
                enrolment: Some(add.enrolment),
                ..event(add.node, add.key_id, add.from, add.approved_by)
            }),
            Own::KeyRevoke(revoke) => Some(Self {
                reason: Some(revoke.reason),
                ..event(revoke.node, revoke.key_id, revoke.from, revoke.revoked_by)
            }),
            Own::Standard(_) | Own::BenchmarkRun(_) | Own::Finding(_) | Own::Questionnaire(_) => {
                None
            }
        })
    }
}

/// Which page.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// From `next` of the page before.
    #[param(value_type = String, required = false)]
    cursor: Option<String>,
    /// Items of a page; 50 where nothing is said.
    #[param(value_type = u32, required = false, minimum = 1, maximum = 100)]
    limit: Option<Limit>,
}

/// The key events
///
/// Newest first: each time that a node's key was added or revoked. Each is a statement of the log's own, a leaf like those
/// of the nodes; the order of the log decides which statements a key counts for.
#[utoipa::path(
    get, path = "/api/v1/keys", tag = "Nodes", operation_id = "key_events", params(Asked),
    responses((status = 200, description = "A page of key events.", body = Items<KeyEvent>), NoSuchPage),
)]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Query(asked): Query<Asked>,
) -> Result<Json<Items<KeyEvent>>, Refusal> {
    let list = List::new("/api/v1/keys");
    let limit = asked.limit.unwrap_or_default();
    let before = list.after(asked.cursor.as_deref())?;
    let span = before.map_or(Span::Newest, Span::Before);
    let found = service.store.announced(&KEY_EVENTS, span, limit.get() + 1);
    let page = list.page(found.await?, limit, |statement| statement.index);
    let mut items = Vec::with_capacity(page.items.len());
    for statement in &page.items {
        items.extend(KeyEvent::new(statement)?);
    }
    Ok(Json(Items {
        items,
        next: page.next,
    }))
}
