//! For a provider's own programs: the services that it offers, as the LEP lists them.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use ldsp_ui::OwnOrganisation;
use ldsp_ui::api::Query;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::{FieldProblem, tag, version};
use super::sent::Sent;
use super::{Api, Nothing, PROVIDERS, Refused};
use crate::delivery::{self, Handled, Own, Trouble};
use crate::model::Model as _;
use crate::store::kept::{Known, Stored};
use crate::store::services::Service;
use ldsp_protocol::problem::{self, Problem};

macro_rules! own_service {
    ($($(#[$doc:meta])* $field:ident),+ $(,)?) => {
        /// A service of the provider. What is not stated is empty.
        #[derive(Debug, Default, Serialize, ToSchema)]
        pub(crate) struct OwnService {
            /// What its address calls it. It stays the same.
            pub(crate) id: String,
            /// Grows with each change; the ETag of its address.
            #[schema(minimum = 1)]
            pub(crate) version: i64,
            /// When somebody last made sure that all this is so, `YYYY-MM-DD`.
            pub(crate) assured_date: String,
            assured_by: String,
            $($(#[$doc])* pub(crate) $field: String),+
        }

        /// What is not right any more. Members that are left out stay as they are.
        #[derive(Debug, Default, Deserialize, ToSchema)]
        #[serde(default, deny_unknown_fields)]
        pub(super) struct AssuredService {
            $($(#[$doc])* $field: Option<String>),+
        }

        impl OwnService {
            pub(crate) fn of(own: &Own, known: &Known, stored: &Stored<Service>) -> Self {
                let texts = stored.it.texts(known);
                let text = |column: &str| {
                    let at = Service::COLUMNS.iter().position(|name| *name == column);
                    at.and_then(|at| texts.get(at)).cloned().unwrap_or_default()
                };
                Self {
                    id: own.handle(Handled::Service, stored.id),
                    version: stored.version,
                    assured_date: text("assured_date"),
                    assured_by: text("assured_by"),
                    $($field: text(stringify!($field))),+
                }
            }
        }

        impl AssuredService {
            fn texts(self) -> Vec<(String, String)> {
                let all = [$((stringify!($field), self.$field)),+];
                all.into_iter()
                    .filter_map(|(column, text)| Some((column.to_owned(), text?)))
                    .collect()
            }
        }
    };
}

own_service! {
    name,
    description,
    url,
    /// `active`, `inactive`, `defunct` or `temporarily closed`.
    status,
    /// A code of the data standard.
    mode,
    /// GSS code or name of a district; empty: the whole area.
    area,
    /// Where, in words.
    place,
    /// People that one run takes.
    places,
    /// Runs that begin in a year.
    starts,
    /// `YYYY-MM-DD`, as is `end`.
    start,
    end,
    /// Pounds for one person, `0` where it is free.
    cost,
    cost_notes,
    minimum_age,
    maximum_age,
    eligibility,
    accessibility,
}

/// The services of a provider.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OwnServices {
    items: Vec<OwnService>,
}

fn none() -> Refused {
    Refused::not_found(
        "Your organisation has no such service. GET /api/v1/provider/services lists its own with their `id`.",
    )
}

async fn own(api: &Api, of: &OwnOrganisation) -> Result<Own, Refused> {
    let own = Own::of(&api.node.store, &api.node.pseudonyms, &of.organisation);
    Ok(own.await?)
}

async fn find(api: &Api, own: &Own, handle: &str) -> Result<Stored<Service>, Refused> {
    let id = own.number(Handled::Service, handle).ok_or_else(none)?;
    let found = delivery::service(&api.node.store, own, id).await?;
    found.ok_or_else(none)
}

async fn shown(api: &Api, own: &Own, stored: &Stored<Service>) -> Result<Response, Refused> {
    let known = api.node.store.known().await?;
    let body = Json(OwnService::of(own, &known, stored));
    Ok(([(header::ETAG, tag(stored.version))], body).into_response())
}

/// Own services
///
/// What the area lists as offered by the provider of whoever asks, and no other’s.
#[utoipa::path(
    get, path = "/api/v1/provider/services", operation_id = "list_own_services", tag = PROVIDERS,
    responses((status = 200, description = "Every one.", body = OwnServices), super::Read),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn list(
    State(api): State<Api>,
    of: OwnOrganisation,
    _none: Query<Nothing>,
) -> Result<Json<OwnServices>, Refused> {
    let own = own(&api, &of).await?;
    let known = api.node.store.known().await?;
    let all = delivery::services(&api.node.store, &own).await?;
    let items = all
        .iter()
        .map(|stored| OwnService::of(&own, &known, stored));
    Ok(Json(OwnServices {
        items: items.collect(),
    }))
}

/// An own service
#[utoipa::path(
    get, path = "/api/v1/provider/services/{id}", operation_id = "show_own_service", tag = PROVIDERS,
    params(("id" = String, Path, description = "The service, as the list calls it.")),
    responses((status = 200, description = "As it is listed.", body = OwnService, headers(("etag" = String, description = "Its version."))),
        super::ReadOne),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn show(
    State(api): State<Api>,
    of: OwnOrganisation,
    Path(id): Path<String>,
    _none: Query<Nothing>,
) -> Result<Response, Refused> {
    let own = own(&api, &of).await?;
    let stored = find(&api, &own, &id).await?;
    shown(&api, &own, &stored).await
}

/// Say that an own service is still right
///
/// With the members that are not, as they have to be. The provider has checked it today then. Who offers it, tier and skills, and whether it is
/// published are for the coordinator to say.
#[utoipa::path(
    post, path = "/api/v1/provider/services/{id}/assure", operation_id = "assure_own_service", tag = PROVIDERS,
    params(
        ("id" = String, Path, description = "The service, as the list calls it."),
        ("if-match" = Option<String>, Header, description = "The ETag that reading it gave; needed."),
    ),
    request_body = AssuredService,
    responses(
        (status = 200, description = "As it is now.", body = OwnService, headers(("etag" = String, description = "Its version."))),
        (status = 422, description = "Members have problems; nothing was stored. (`form`)", body = Refused,
            content_type = "application/problem+json"),
        super::Keeps
    ),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn assure(
    State(api): State<Api>,
    of: OwnOrganisation,
    Path(id): Path<String>,
    headers: HeaderMap,
    _none: Query<Nothing>,
    Sent(sent): Sent<AssuredService>,
) -> Result<Response, Refused> {
    let own = own(&api, &of).await?;
    let held = find(&api, &own, &id).await?;
    let seen = (held.id, version(&headers)?);
    let by = (of.person.as_str(), (api.clock)());
    match delivery::assure(&api.node.store, &own, seen, &sent.texts(), by).await {
        Ok(stored) => shown(&api, &own, &stored).await,
        Err(Trouble::Store(error)) => Err(error.into()),
        Err(Trouble::Fields(problems)) => Err(Refused::fields(
            problems.into_iter().map(FieldProblem::from).collect(),
        )),
        Err(Trouble::Changed) => {
            let detail = format!("It is in version {} by now.", held.version);
            Err(Problem::new(problem::CHANGED_MEANWHILE, detail).into())
        }
        Err(Trouble::Missing | Trouble::Stands(_)) => Err(none()),
    }
}
