//! Imports: what was stored when, and files from the LEP's own systems.

pub(super) mod files;
mod report;
mod take;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use ldsp_protocol::ids::Digest;
use ldsp_ui::api::{Items, List, Query};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Api, IMPORTS, Listed, Refused};
use crate::store::imports::{ImportKind, ImportRecord};
pub(super) use report::Report;
pub(super) use take::{Answers, Asked, AskedDoubtful, Bringer, Preferring, take};

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum FileKind {
    Learners,
    Programmes,
    Postcodes,
    Ilr,
    Demand,
    Vacancies,
    Survey,
    Services,
}

impl From<ImportKind> for FileKind {
    fn from(kind: ImportKind) -> Self {
        match kind {
            ImportKind::Learners => Self::Learners,
            ImportKind::Programmes => Self::Programmes,
            ImportKind::Postcodes => Self::Postcodes,
            ImportKind::Ilr => Self::Ilr,
            ImportKind::Demand => Self::Demand,
            ImportKind::Vacancies => Self::Vacancies,
            ImportKind::Survey => Self::Survey,
            ImportKind::Services => Self::Services,
        }
    }
}

/// An import that was stored. Its numbers of rows are exact: do not share them.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Import {
    /// Its number at this node.
    #[schema(minimum = 1)]
    id: i64,
    kind: FileKind,
    /// SHA-256 of the file.
    digest: Digest,
    /// Data rows in the file.
    rows: u64,
    /// Rows that were new.
    added: u64,
    /// Rows that differed from what was held.
    changed: u64,
    /// Rows that were held already.
    unchanged: u64,
    /// Rows with a problem, which were left out.
    refused: u64,
    /// Rows of people who live outside the area: never published.
    outside: u64,
    /// Of the changed ones: the same enrolments with a corrected learner, provider, aim or start.
    carried: u64,
    /// Rows that were left out because their learners were erased.
    erased: u64,
    /// Enrolments that an ILR did not name any more, which an earlier one of its year had named.
    removed: u64,
    at: Timestamp,
}

impl From<(i64, ImportRecord)> for Import {
    fn from((id, record): (i64, ImportRecord)) -> Self {
        let t = record.tally;
        Self {
            id,
            kind: record.kind.into(),
            digest: record.digest,
            rows: t.rows,
            added: t.added,
            changed: t.changed,
            unchanged: t.unchanged,
            refused: t.refused,
            outside: t.outside,
            carried: t.carried,
            erased: t.erased,
            removed: t.removed,
            at: record.at,
        }
    }
}

/// What was imported
///
/// Newest first. The numbers of rows are exact, for the LEP's own people only.
#[utoipa::path(
    get, path = "/api/v1/imports", operation_id = "list_imports", tag = IMPORTS,
    params(Listed),
    responses((status = 200, description = "A page of imports.", body = Items<Import>), super::ReadList),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn list(
    State(api): State<Api>,
    Query(asked): Query<Listed>,
) -> Result<Json<Items<Import>>, Refused> {
    let list = List::new("/api/v1/imports");
    let before = list.after(asked.cursor.as_deref())?;
    let limit = asked.limit.unwrap_or_default();
    let found = api
        .node
        .store
        .imports_before(before, limit.get() + 1)
        .await?;
    let found = found.into_iter().map(Import::from).collect();
    Ok(Json(list.page(found, limit, |import: &Import| import.id)))
}
