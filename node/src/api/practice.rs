//! Practice entries of this node: drafts and what was released of them.

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use ldsp_protocol::ids::Digest;
use ldsp_protocol::practice::{PracticeEntry, Verdict};
use ldsp_ui::api::{Items, List, Query};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Api, Listed, Nothing, PRACTICE, Refused};
use crate::store::practice::StoredEntry;

/// How far an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = PracticeStage)]
enum Stage {
    /// Nothing has left; an approver has to read it.
    Draft,
    /// Signed and on its way to the log, or there.
    Released,
}

/// A practice entry without its text.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Practice {
    /// Its number at this node, draft or not.
    #[schema(minimum = 1)]
    id: i64,
    #[schema(inline)]
    state: Stage,
    title: String,
    verdict: Verdict,
    /// SHA-256 of the entry: what an approver releases.
    digest: Digest,
    /// Who wrote it last.
    author: String,
    written_at: Timestamp,
    /// Who released it.
    #[schema(required)]
    approver: Option<String>,
    #[schema(required)]
    approved_at: Option<Timestamp>,
    /// Sequence number of its statement.
    #[schema(required)]
    seq: Option<u64>,
}

impl From<&StoredEntry> for Practice {
    fn from(stored: &StoredEntry) -> Self {
        let (approver, approved_at) = stored.approved.clone().unzip();
        Self {
            id: stored.id,
            state: match stored.seq {
                Some(_) => Stage::Released,
                None => Stage::Draft,
            },
            title: stored.entry.title.clone(),
            verdict: stored.entry.verdict,
            digest: stored.digest,
            author: stored.author.clone(),
            written_at: stored.written_at,
            approver,
            approved_at,
            seq: stored.seq,
        }
    }
}

/// A practice entry.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PracticeInFull {
    #[serde(flatten)]
    practice: Practice,
    entry: PracticeEntry,
}

/// Practice entries
///
/// Drafts too; newest first.
#[utoipa::path(
    get, path = "/api/v1/practice", operation_id = "list_practice", tag = PRACTICE,
    params(Listed),
    responses((status = 200, description = "A page of entries.", body = Items<Practice>), super::ReadList),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn list(
    State(api): State<Api>,
    Query(asked): Query<Listed>,
) -> Result<Json<Items<Practice>>, Refused> {
    let list = List::new("/api/v1/practice");
    let before = list.after(asked.cursor.as_deref())?;
    let limit = asked.limit.unwrap_or_default();
    let found = api
        .node
        .store
        .practice_before(before, limit.get() + 1)
        .await?;
    let found = found.iter().map(Practice::from).collect();
    Ok(Json(list.page(found, limit, |entry: &Practice| entry.id)))
}

/// A practice entry
#[utoipa::path(
    get, path = "/api/v1/practice/{id}", operation_id = "show_practice", tag = PRACTICE,
    params(("id" = i64, Path, description = "The entry's number at this node.", minimum = 1)),
    responses((status = 200, description = "The entry.", body = PracticeInFull), super::ReadOne),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn show(
    State(api): State<Api>,
    Path(id): Path<String>,
    _none: Query<Nothing>,
) -> Result<Json<PracticeInFull>, Refused> {
    let missing = || Refused::not_found("This node has no practice entry of this number.");
    let id = super::number(&id).ok_or_else(missing)?;
    let stored = api
        .node
        .store
        .practice_entry(id)
        .await?
        .ok_or_else(missing)?;
    Ok(Json(PracticeInFull {
        practice: Practice::from(&stored),
        entry: stored.entry,
    }))
}
