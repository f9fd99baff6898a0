//! Mappings of columns, remembered per source.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use ldsp_protocol::problem::{self, Problem};
use ldsp_ui::SignedIn;
use ldsp_ui::api::Query;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::sent::Sent;
use super::{Api, IMPORTS, Nothing, Refused};
use crate::import::mapping::{self, Mapping};
use crate::store::mappings::{LEP, Remembered, StoredMapping};

/// A mapping that is remembered.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Held {
    name: String,
    /// From 1; grows with every change.
    #[schema(minimum = 1)]
    version: i64,
    /// Who changed it last.
    by: String,
    at: Timestamp,
    mapping: Mapping,
}

impl From<StoredMapping> for Held {
    fn from(held: StoredMapping) -> Self {
        Self {
            name: held.name,
            version: held.version,
            by: held.by,
            at: held.at,
            mapping: held.mapping,
        }
    }
}

/// Every mapping, by name.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AllHeld {
    items: Vec<Held>,
}

/// Mappings
///
/// What the columns of sources' files stand for: names of columns and codes, nothing of a row.
#[utoipa::path(
    get, path = "/api/v1/mappings", operation_id = "list_mappings", tag = IMPORTS,
    responses((status = 200, description = "Every mapping.", body = AllHeld), super::Read),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn list(
    State(api): State<Api>,
    _none: Query<Nothing>,
) -> Result<Json<AllHeld>, Refused> {
    all(&api, LEP).await
}

/// Every mapping of `whose`.
pub(super) async fn all(api: &Api, whose: &str) -> Result<Json<AllHeld>, Refused> {
    let items = api.node.store.mappings(whose).await?;
    let items = items.into_iter().map(Held::from).collect();
    Ok(Json(AllHeld { items }))
}

/// A mapping to remember.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Remember {
    /// The source's name: letters, digits, spaces and . - _ ( ) & '.
    #[schema(max_length = 100, example = "Acme College")]
    name: String,
    /// The version that is changed, 0 for a new one; without it whatever is there is replaced.
    #[schema(minimum = 0)]
    version: Option<i64>,
    mapping: Mapping,
}

/// What is remembered.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Kept {
    name: String,
    #[schema(minimum = 1)]
    version: i64,
}

/// Remember a mapping
///
/// A coordinator's. One of the same name is replaced; with `version` only if nobody changed it since.
#[utoipa::path(
    post, path = "/api/v1/mappings", operation_id = "remember_mapping", tag = IMPORTS,
    request_body = Remember,
    responses((status = 201, description = "Remembered.", body = Kept), super::Maps),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn remember(
    State(api): State<Api>,
    person: SignedIn,
    _none: Query<Nothing>,
    Sent(asked): Sent<Remember>,
) -> Result<(StatusCode, Json<Kept>), Refused> {
    keep(&api, LEP, asked, &person.name).await
}

/// Remembers a mapping of `whose`.
pub(super) async fn keep(
    api: &Api,
    whose: &str,
    asked: Remember,
    who: &str,
) -> Result<(StatusCode, Json<Kept>), Refused> {
    let refuse = |detail: String| Refused::from(Problem::new(problem::FORM, detail));
    let name = mapping::clean_name(&asked.name).ok_or_else(|| {
        refuse("The name cannot be a mapping's: up to 100 letters, digits, spaces and . - _ ( ) & ', and no personal data.".to_owned())
    })?;
    let problems: Vec<String> = asked
        .mapping
        .check()
        .iter()
        .map(ToString::to_string)
        .collect();
    if !problems.is_empty() {
        return Err(refuse(problems.join(" ")));
    }
    let (store, now) = (&api.node.store, (api.clock)());
    let done = store
        .remember_mapping(
            whose,
            (&name, &asked.mapping),
            None,
            asked.version,
            who,
            now,
        )
        .await?;
    match done {
        Remembered::Done(version) => Ok((StatusCode::CREATED, Json(Kept { name, version }))),
        Remembered::Changed(version) => {
            let detail = format!("The mapping has version {version} now.");
            Err(Problem::new(problem::CHANGED_MEANWHILE, detail).into())
        }
    }
}

/// Forget a mapping
///
/// A coordinator's. What was imported with it stays.
#[utoipa::path(
    post, path = "/api/v1/mappings/{name}/remove", operation_id = "forget_mapping", tag = IMPORTS,
    params(("name" = String, Path, description = "Its name; capitals do not matter.")),
    responses((status = 204, description = "Forgotten."), super::Forgets),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn forget(
    State(api): State<Api>,
    Path(name): Path<String>,
    person: SignedIn,
    _none: Query<Nothing>,
) -> Result<StatusCode, Refused> {
    drop_one(&api, LEP, &name, &person.name).await
}

/// Forgets a mapping of `whose`.
pub(super) async fn drop_one(
    api: &Api,
    whose: &str,
    name: &str,
    who: &str,
) -> Result<StatusCode, Refused> {
    let (store, now) = (&api.node.store, (api.clock)());
    if store.forget_mapping(whose, name, who, now).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        let detail = "There is no mapping of this name.";
        Err(Problem::new(problem::NOT_FOUND, detail).into())
    }
}
