//! Practice entries as JSON: all of them for enrolled nodes, the public ones for everybody.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Uri};
use ldsp_protocol::ids::{Digest, NodeSlug};
use ldsp_protocol::practice::{Factor, PracticeEntry, Verdict};
use ldsp_protocol::problem::{self, Problem};
use ldsp_protocol::standard::Dimension;
use serde::{Deserialize, Serialize};

use super::{Refusal, read};
use crate::Service;
use crate::store::{Library, LibraryEntry, PracticeFilter, Reader};

/// Entries of a page.
const PAGE: u32 = 50;

/// What to list; `before` is the cursor of the page before.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    tier: Option<String>,
    verdict: Option<String>,
    cause: Option<String>,
    before: Option<u64>,
}

/// A page of entries, newest first.
#[derive(Debug, Serialize)]
pub(super) struct Listing {
    entries: Vec<Listed>,
    /// Give it as `before` for the next page; absent on the last.
    next: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Listed {
    index: u64,
    node: NodeSlug,
    seq: u64,
    /// By which `supersedes` and `replicates` cite it.
    pae: Digest,
    entry: PracticeEntry,
}

impl From<LibraryEntry> for Listed {
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

pub(super) async fn for_peers(
    State(service): State<Arc<Service>>,
    uri: Uri,
    headers: HeaderMap,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Listing>, Refusal> {
    read::node(&service, &uri, &headers).await?;
    list(&service, asked, Reader::Peer).await
}

pub(super) async fn for_everybody(
    State(service): State<Arc<Service>>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Listing>, Refusal> {
    list(&service, asked, Reader::Public(service.today())).await
}

async fn list(
    service: &Service,
    asked: Result<Query<Asked>, QueryRejection>,
    reader: Reader,
) -> Result<Json<Listing>, Refusal> {
    let unknown = |field: &str| {
        let detail = format!("{field} is not a code of the standard's list.");
        Refusal(Problem::new(problem::FORM, detail))
    };
    let Query(asked) = asked.map_err(|_| {
        Problem::new(
            problem::FORM,
            "The filters are tier, verdict, cause and before (a number).",
        )
    })?;
    let verdict = match asked.verdict.as_deref() {
        None => None,
        Some(id) => Some(Verdict::parse(id).ok_or_else(|| unknown("verdict"))?),
    };
    let cause = match asked.cause.as_deref() {
        None => None,
        Some(id) => Some(Factor::parse(id).ok_or_else(|| unknown("cause"))?),
    };
    let tiers = &service.standard.dimension(Dimension::Tier).codes;
    let tier = match asked.tier {
        Some(id) if !tiers.iter().any(|c| c.id == id) => return Err(unknown("tier")),
        tier => tier,
    };
    let filter = PracticeFilter {
        tier,
        verdict,
        cause,
        before: asked.before,
        limit: PAGE,
        ..PracticeFilter::all(reader)
    };
    let found = service.store.entries(&filter).await?;
    let full = found.len() == PAGE as usize;
    let next = found.last().map(|e| e.index).filter(|_| full);
    Ok(Json(Listing {
        entries: found.into_iter().map(Listed::from).collect(),
        next,
    }))
}
