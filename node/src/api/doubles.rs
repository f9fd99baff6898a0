//! Services that may be the same, and what was decided of them.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use ldsp_ui::SignedIn;
use ldsp_ui::api::Query;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::sent::Sent;
use super::{Api, Nothing, PROVISION, Refused};
use crate::provision::doubles::pairs;
use crate::store::doubles::Joined;
use crate::store::kept::Stored;
use crate::store::services::Service;
use crate::store::{Store, StoreError};

/// Two services that may be the same.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ServicesAlike)]
pub(crate) struct Pair {
    /// The older of the two.
    pub(crate) one: i64,
    pub(crate) other: i64,
    /// `identifier`: two sources give the same one. `words`: organisation, name and place are the same.
    pub(crate) why: &'static str,
}

/// A row that another one stands for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ServiceMerged)]
pub(crate) struct Merged {
    pub(crate) id: i64,
    /// The row that stands for it.
    pub(crate) into: i64,
    pub(crate) name: String,
    /// Empty: this node’s own.
    source: String,
}

/// Two rows that look alike and that somebody found to be two services.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ServicesDistinct)]
pub(crate) struct Apart {
    pub(crate) one: i64,
    pub(crate) other: i64,
}

/// What may be the same, and what was decided.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ServicesDoubles)]
pub(crate) struct Alike {
    /// Nobody decided these yet.
    pub(crate) may_be: Vec<Pair>,
    pub(crate) merged: Vec<Merged>,
    pub(crate) distinct: Vec<Apart>,
}

impl Alike {
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn read(store: &Store) -> Result<Self, StoreError> {
        let all: Vec<Stored<Service>> = store.kept().await?;
        let distinct = store.distinct_services().await?;
        let merged = store.merged_services().await?;
        let may_be = pairs(&all, &distinct).into_iter();
        let merged = merged.into_iter();
        Ok(Self {
            may_be: may_be
                .map(|pair| Pair {
                    one: pair.one,
                    other: pair.other,
                    why: pair.why.id(),
                })
                .collect(),
            merged: merged
                .map(|(row, into)| Merged {
                    id: row.id,
                    into,
                    name: row.name,
                    source: row.source,
                })
                .collect(),
            distinct: distinct
                .into_iter()
                .map(|(one, other)| Apart { one, other })
                .collect(),
        })
    }
}

/// Services that may be the same
///
/// Rows that look alike, those that were merged, and those that were told apart.
#[utoipa::path(
    get, path = "/api/v1/services/doubles", operation_id = "list_services_alike", tag = PROVISION,
    responses((status = 200, description = "All three.", body = Alike), super::Read),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn list(
    State(api): State<Api>,
    _none: Query<Nothing>,
) -> Result<Json<Alike>, Refused> {
    Ok(Json(Alike::read(&api.node.store).await?))
}

/// The other service.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OtherService)]
pub(super) struct Other {
    /// Its number at this node.
    #[schema(minimum = 1)]
    other: i64,
}

fn at(id: &str) -> Result<i64, Refused> {
    super::number(id).ok_or_else(gone)
}

fn gone() -> Refused {
    Refused::not_found("One of the services is not there, or another row stands for it.")
}

fn decided(joined: Joined) -> Result<StatusCode, Refused> {
    match joined {
        Joined::Done => Ok(StatusCode::NO_CONTENT),
        Joined::Gone => Err(gone()),
    }
}

fn by<'a>(api: &Api, person: &'a SignedIn) -> (&'a str, Timestamp) {
    (&person.name, (api.clock)())
}

/// Merge two services
///
/// The one of the address stands for both, in lists and in the open feed. Nothing of the other is lost.
#[utoipa::path(
    post, path = "/api/v1/services/{id}/merge", operation_id = "merge_services", tag = PROVISION,
    params(("id" = i64, Path, description = "The one that is kept.", minimum = 1)),
    request_body = Other,
    responses((status = 204, description = "It stands for both."), super::Decides),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn merge(
    State(api): State<Api>,
    person: SignedIn,
    Path(id): Path<String>,
    _none: Query<Nothing>,
    Sent(sent): Sent<Other>,
) -> Result<StatusCode, Refused> {
    let pair = (at(&id)?, sent.other);
    let (who, now) = by(&api, &person);
    decided(api.node.store.merge_services(pair, who, now).await?)
}

/// Take a merged service apart
///
/// It stands for itself again.
#[utoipa::path(
    post, path = "/api/v1/services/{id}/part", operation_id = "part_service", tag = PROVISION,
    params(("id" = i64, Path, description = "The one that another row stands for.", minimum = 1)),
    responses((status = 204, description = "It stands for itself."), super::Forgets),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn part(
    State(api): State<Api>,
    person: SignedIn,
    Path(id): Path<String>,
    _none: Query<Nothing>,
) -> Result<StatusCode, Refused> {
    let id = at(&id)?;
    let (who, now) = by(&api, &person);
    let joined = api.node.store.part_service(id, who, now).await?;
    match joined {
        Joined::Done => Ok(StatusCode::NO_CONTENT),
        Joined::Gone => Err(Refused::not_found(
            "No other row stands for a service of this number.",
        )),
    }
}

/// What is found of two services.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ServicesDiffer)]
pub(super) struct Differ {
    /// Number of the other one.
    #[schema(minimum = 1)]
    other: i64,
    /// False: they may be the same after all.
    #[serde(default = "yes")]
    #[schema(default = true)]
    differ: bool,
}

fn yes() -> bool {
    true
}

/// Tell two services apart
///
/// They look alike and are two: nobody is asked about them again.
#[utoipa::path(
    post, path = "/api/v1/services/{id}/differ", operation_id = "tell_services_apart", tag = PROVISION,
    params(("id" = i64, Path, description = "Either of them.", minimum = 1)),
    request_body = Differ,
    responses((status = 204, description = "It is remembered."), super::Decides),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn differ(
    State(api): State<Api>,
    person: SignedIn,
    Path(id): Path<String>,
    _none: Query<Nothing>,
    Sent(sent): Sent<Differ>,
) -> Result<StatusCode, Refused> {
    let pair = (at(&id)?, sent.other);
    let (who, now) = by(&api, &person);
    let store = &api.node.store;
    decided(store.tell_apart(pair, sent.differ, who, now).await?)
}
