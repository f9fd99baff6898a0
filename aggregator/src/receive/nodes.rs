//! Nodes: what each contributed and when.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use ldsp_protocol::enrolment::NodeState;
use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::{Digest, NodeSlug, Period};
use ldsp_protocol::keys::key_id;
use ldsp_protocol::statement::Kind;
use ldsp_ui::api::{Items, Limit, List, Query, Refusal};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::describe::NoSuchPage;
use super::page;
use crate::Service;
use crate::benchmark::{LepStanding, Place, Range, Status};
use crate::store::{Log as _, Node, Outline, Registry as _, Tally};

/// A node and what it contributed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct NodeEntry {
    /// Its name.
    node: NodeSlug,
    /// The LEP that it serves.
    lep: Place,
    /// Where its enrolment stands.
    state: NodeState,
    /// SHA-256 of its public key; null before it enrolled.
    key_id: Option<Digest>,
    /// Statements in the log.
    statements: u64,
    /// Months that it released.
    releases: u64,
    /// Practice entries that it published, newer versions counted too.
    practice: u64,
    /// First and last month released; null before the first.
    months: Option<Range>,
    /// Whether it is in the figures.
    status: Status,
    /// Its last statement; null before the first.
    latest: Option<Latest>,
}

/// A node's last statement.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Latest {
    /// Place in the log, from 0.
    index: u64,
    /// Place in the node's own sequence, from 1.
    seq: u64,
    /// What it is about.
    kind: Kind,
    /// The month of a summary.
    period: Option<Period>,
    /// When it came.
    received: Timestamp,
}

/// Which nodes to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// Only nodes whose enrolment stands here.
    #[param(value_type = NodeState, required = false)]
    state: Option<NodeState>,
    /// From `next` of the page before.
    #[param(value_type = String, required = false)]
    cursor: Option<String>,
    /// Items of a page; 50 where nothing is said.
    #[param(value_type = u32, required = false, minimum = 1, maximum = 100)]
    limit: Option<Limit>,
}

/// The nodes
///
/// All that were invited, by name: whom each serves, what it contributed and when.
#[utoipa::path(
    get, path = "/api/v1/nodes", tag = "Nodes", operation_id = "nodes", params(Asked),
    responses((status = 200, description = "A page of nodes.", body = Items<NodeEntry>), NoSuchPage),
)]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Query(asked): Query<Asked>,
) -> Result<Json<Items<NodeEntry>>, Refusal> {
    let list = List::new("/api/v1/nodes").filter("state", asked.state.map(NodeState::as_str));
    let snapshot = service.snapshot().await?;
    let heads = service.store.heads().await?;
    let heads: HashMap<&NodeSlug, &Outline> = heads.iter().map(|h| (&h.node, h)).collect();
    let nodes = service.store.nodes().await?;
    let tally = service.store.tally().await?;
    let nodes = nodes
        .iter()
        .filter(|node| asked.state.is_none_or(|state| state == node.state));
    let key = |node: &&Node| node.node.to_string();
    let page = page(&list, asked.cursor.as_deref(), asked.limit, nodes, key)?;
    let standings = snapshot.leps();
    let entry = |node: &Node| {
        let standing = standings.iter().find(|s| s.place.code == node.lep.as_str());
        let entries = |t: &&Tally| t.node == node.node && t.kind == Kind::PracticeEntry;
        let practice = tally.iter().find(entries).map_or(0, |t| t.count);
        entry(node, standing, heads.get(&node.node).copied(), practice)
    };
    Ok(Json(Items {
        items: page.items.into_iter().map(entry).collect(),
        next: page.next,
    }))
}

fn entry(
    node: &Node,
    standing: Option<&LepStanding>,
    head: Option<&Outline>,
    practice: u64,
) -> NodeEntry {
    let releases = standing.map_or(0, |s| s.releases as u64);
    let name = Geography::embedded()
        .lep(&node.lep)
        .map(|lep| lep.name.clone());
    NodeEntry {
        node: node.node.clone(),
        lep: Place {
            code: node.lep.to_string(),
            name: name.unwrap_or_default(),
        },
        state: node.state,
        key_id: node.key.as_ref().map(key_id),
        statements: node.head.seq,
        releases,
        practice,
        months: standing.and_then(|s| s.range),
        status: standing.map_or(Status::Missing, |s| s.status),
        latest: head.map(|head| Latest {
            index: head.index,
            seq: head.seq,
            kind: head.kind,
            period: head.period,
            received: head.received,
        }),
    }
}
