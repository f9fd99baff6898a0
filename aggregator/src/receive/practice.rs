//! Practice entries as JSON: all of them for enrolled nodes, the public ones for everybody.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, Uri, header};
use ldsp_protocol::ids::{Digest, NodeSlug};
use ldsp_protocol::practice::{Factor, PracticeEntry, Verdict};
use ldsp_protocol::problem::{self, Problem};
use ldsp_protocol::standard::Dimension;
use ldsp_protocol::statement::Kind;
use ldsp_ui::api::{Items, Limit, List, Query, Refusal};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::describe::{NoEntry, NoSuchPage, NoSuchStatement, NotANode, TierCode};
use super::statements::withdrawn;
use super::{number, read, slug, unknown};
use crate::Service;
use crate::store::{
    Curation as _, Library, LibraryEntry, Log as _, PracticeFilter, Reader, Standing,
};

/// Entries of a page for nodes.
const PAGE: u32 = 50;

/// What a node lists; `before` is the `next` of the page before.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AskedByNode {
    /// Only this code of the standard's tiers.
    #[param(value_type = TierCode, inline, required = false)]
    tier: Option<String>,
    /// Only this conclusion.
    #[param(value_type = Verdict, required = false)]
    verdict: Option<Verdict>,
    /// Only entries that name this cause.
    #[param(value_type = Factor, required = false)]
    cause: Option<Factor>,
    /// Only entries before this place in the log.
    #[param(value_type = u64, required = false)]
    before: Option<u64>,
}

/// A page of entries, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Listing {
    /// The entries.
    entries: Vec<LibraryItem>,
    /// Give it as `before` for the next page; null on the last.
    next: Option<u64>,
}

/// What everybody may list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// Only this code of the standard's tiers.
    #[param(value_type = TierCode, inline, required = false)]
    tier: Option<String>,
    /// Only this conclusion.
    #[param(value_type = Verdict, required = false)]
    verdict: Option<Verdict>,
    /// Only entries that name this cause.
    #[param(value_type = Factor, required = false)]
    cause: Option<Factor>,
    /// From `next` of the page before.
    #[param(value_type = String, required = false)]
    cursor: Option<String>,
    /// Items of a page; 50 where nothing is said.
    #[param(value_type = u32, required = false, minimum = 1, maximum = 100)]
    limit: Option<Limit>,
}

/// A practice entry with its place.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LibraryItem {
    /// Place in the log, from 0.
    index: u64,
    /// Who published it.
    node: NodeSlug,
    /// Place in the node's own sequence, from 1.
    seq: u64,
    /// By which `supersedes` and `replicates` cite it.
    pae: Digest,
    /// What it says.
    entry: PracticeEntry,
}

impl From<LibraryEntry> for LibraryItem {
    fn from(entry: LibraryEntry) -> Self {
        Self {
            index: entry.index,
            node: entry.node,
            seq: entry.seq,
            pae: entry.pae,
            entry: entry.entry,
        }
    }
}

/// The library as nodes see it
///
/// With entries that are for enrolled nodes first. Ask with a signed read.
#[utoipa::path(
    get, path = "/v1/practice", tag = "For nodes", operation_id = "practice_for_nodes", params(AskedByNode),
    security(("node" = [])),
    responses((status = 200, description = "A page of entries, newest first.", body = Listing), NotANode),
)]
pub(super) async fn for_peers(
    State(service): State<Arc<Service>>,
    uri: Uri,
    headers: HeaderMap,
    asked: Result<Query<AskedByNode>, Refusal>,
) -> Result<([(HeaderName, &'static str); 1], Json<Listing>), Refusal> {
    read::node(&service, &uri, &headers).await?;
    let Query(asked) = asked?;
    let filter = PracticeFilter {
        tier: tier(&service, asked.tier)?,
        verdict: asked.verdict,
        cause: asked.cause,
        before: asked.before,
        limit: PAGE,
        ..PracticeFilter::all(Reader::Peer)
    };
    let found = service.store.entries(&filter).await?;
    let full = found.len() == PAGE as usize;
    let next = found.last().map(|e| e.index).filter(|_| full);
    let listing = Listing {
        entries: found.into_iter().map(LibraryItem::from).collect(),
        next,
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(listing)))
}

/// The practice library
///
/// Entries that everybody may read today, newest first; of several versions the newest public one. What a curator took out is left out.
#[utoipa::path(
    get, path = "/api/v1/practice", tag = "Practice", operation_id = "practice", params(Asked),
    responses((status = 200, description = "A page of entries.", body = Items<LibraryItem>), NoSuchPage),
)]
pub(super) async fn for_everybody(
    State(service): State<Arc<Service>>,
    Query(asked): Query<Asked>,
) -> Result<Json<Items<LibraryItem>>, Refusal> {
    let tier = tier(&service, asked.tier)?;
    let list = List::new("/api/v1/practice")
        .filter("tier", tier.as_ref())
        .filter("verdict", asked.verdict.map(Verdict::id))
        .filter("cause", asked.cause.map(Factor::id));
    let limit = asked.limit.unwrap_or_default();
    let filter = PracticeFilter {
        tier,
        verdict: asked.verdict,
        cause: asked.cause,
        before: list.after(asked.cursor.as_deref())?,
        limit: limit.get() + 1,
        ..PracticeFilter::all(Reader::Public(service.today()))
    };
    let found = service.store.entries(&filter).await?;
    let page = list.page(found, limit, |entry| entry.index);
    Ok(Json(Items {
        items: page.items.into_iter().map(LibraryItem::from).collect(),
        next: page.next,
    }))
}

/// One practice entry
///
/// If everybody may read it today and no curator took it out; also one that a newer version replaced.
#[utoipa::path(
    get, path = "/api/v1/practice/{node}/{seq}", tag = "Practice", operation_id = "practice_entry",
    params(
        ("node" = NodeSlug, Path, description = "Who published it."),
        ("seq" = u64, Path, description = "Its place in the node's sequence.", minimum = 1, maximum = 999_999_999_999_999_999_i64, example = 6),
    ),
    responses((status = 200, description = "The entry.", body = LibraryItem), NoSuchStatement, NoEntry),
)]
pub(super) async fn entry(
    State(service): State<Arc<Service>>,
    Path((node, seq)): Path<(String, String)>,
) -> Result<Json<LibraryItem>, Refusal> {
    let (node, seq) = (slug(&node)?, number(&seq)?);
    super::enrolments::find(&service, &node).await?;
    let entry = service.store.entry(&node, seq).await?;
    let entry = entry.filter(|e| e.entry.sharing.is_public(service.today()));
    if let Some(entry) = entry {
        let said = service.store.said(entry.index).await?;
        if let Some(said) = said.filter(|said| said.standing == Standing::Hidden) {
            let detail = format!("A curator took it out at {}: {}", said.at, said.words);
            return Err(Problem::new(problem::HIDDEN, detail).into());
        }
        return Ok(Json(entry.into()));
    }
    let logged = service.store.statement(&node, seq).await?;
    if let Some(logged) = logged.filter(|logged| logged.kind == Kind::PracticeEntry)
        && let Some(leaf) = logged.withdrawn
    {
        return Err(withdrawn(&service, &logged, leaf).await?);
    }
    let detail = format!("{node} has no entry {seq} that everybody may read.");
    Err(Problem::new(problem::NOT_FOUND, detail).into())
}

/// A tier of the standard.
fn tier(service: &Service, asked: Option<String>) -> Result<Option<String>, Refusal> {
    let codes = &service.standard.dimension(Dimension::Tier).codes;
    match asked {
        Some(id) if !codes.iter().any(|c| c.id == id) => {
            Err(unknown("tier", "a code of the standard's list"))
        }
        tier => Ok(tier),
    }
}
