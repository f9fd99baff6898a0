//! Training providers by the names that files give them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ldsp_protocol::problem::{self, Problem};
use ldsp_ui::SignedIn;
use ldsp_ui::api::Query;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::sent::Sent;
use super::{Api, IMPORTS, Nothing, Refused, refusal};
use crate::renaming::{RenameError, rename};

/// A provider as a file named it.
#[derive(Debug, Serialize, ToSchema)]
struct NamedProvider {
    name: String,
    /// The name under which it is shown, whichever a file gives.
    shown: String,
    /// The name that files gave first, where this is a later one; null otherwise.
    #[schema(required)]
    first: Option<String>,
    /// Number of the organisation that it is; null while only files name it.
    #[schema(required)]
    organisation: Option<i64>,
}

/// Every name that a file gave.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NamedProviders {
    items: Vec<NamedProvider>,
}

/// Names of providers in files
///
/// By name, whole.
#[utoipa::path(
    get, path = "/api/v1/provider-names", operation_id = "list_provider_names", tag = IMPORTS,
    responses((status = 200, description = "The names.", body = NamedProviders), super::Read),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn list(
    State(api): State<Api>,
    _none: Query<Nothing>,
) -> Result<Json<NamedProviders>, Refused> {
    let named = api.node.store.named_providers().await?;
    let items = named.into_iter().map(|one| NamedProvider {
        name: one.name,
        shown: one.shown,
        first: one.first,
        organisation: one.organisation,
    });
    Ok(Json(NamedProviders {
        items: items.collect(),
    }))
}

/// A new name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Renaming {
    /// As files named it so far.
    #[schema(max_length = 200)]
    old: String,
    /// As files name it from now on.
    #[schema(max_length = 200)]
    new: String,
}

/// The name that is kept.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NowNamed {
    name: String,
}

/// Say that a provider has a new name
///
/// Before the first file with it is imported: its learners and enrolments stay the same ones.
#[utoipa::path(
    post, path = "/api/v1/provider-names", operation_id = "rename_provider", tag = IMPORTS,
    request_body = Renaming,
    responses((status = 201, description = "It is written down.", body = NowNamed), super::Invites),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn change(
    State(api): State<Api>,
    person: SignedIn,
    _none: Query<Nothing>,
    Sent(asked): Sent<Renaming>,
) -> Result<(StatusCode, Json<NowNamed>), Refused> {
    let (store, names) = (&api.node.store, (asked.old.as_str(), asked.new.as_str()));
    match rename(store, names, &person.name, (api.clock)()).await {
        Ok(name) => Ok((StatusCode::CREATED, Json(NowNamed { name }))),
        Err(RenameError::Store(error)) => Err(error.into()),
        Err(error) => {
            let mut problem = Problem::new(problem::FORM, refusal::sentence(&error.to_string()));
            error.next().clone_into(&mut problem.next);
            Err(problem.into())
        }
    }
}
