//! What the national site's own people do by program: as they do it on pages, under the same roles.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::{Json, Router};
use jiff::Timestamp;
use ldsp_protocol::enrolment::{Invite, NodeState};
use ldsp_protocol::ids::{Digest, Gss, NodeSlug};
use ldsp_protocol::problem::{self, Problem};
use ldsp_ui::api::{Items, Limit, List, Query, Refusal, Sent, entity_tag};
use ldsp_ui::{Access, Rule, SignedIn};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::page;
use crate::Service;
use crate::invite::{self, InviteError, Order};
use crate::pages::{OPERATORS, READERS};
use crate::store::{Registry as _, StoreError};

/// The documents' tag of these operations.
const TAG: &str = "For operators";

ldsp_ui::refusals! {
    /// Of a list for the site's own people.
    struct NoSuchList: PARAMETER, CURSOR, SIGN_IN, ROLE;
    /// Of an invite.
    struct NotInvited: PARAMETER, REQUEST, SIGN_IN, ROLE, ORIGIN, TIMEOUT, TOO_LARGE, UNSUPPORTED, NO_INVITE, LOG_BEHIND;
}

/// Who may use which route for the site's own people.
#[must_use]
pub fn rules() -> Vec<Rule> {
    vec![
        Rule::get("/api/v1/invites", Access::Roles(READERS)),
        Rule::post("/api/v1/invites", Access::Roles(OPERATORS)),
    ]
}

/// Every such route with its description.
pub(super) fn described() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::default().routes(routes!(invites, make))
}

/// Every such route, to be put behind sign-in and [`rules`].
pub(super) fn router(service: Arc<Service>) -> Router {
    let (routes, _) = described().split_for_parts();
    routes.layer(from_fn(entity_tag)).with_state(service)
}

/// An invite, without its secret.
#[derive(Debug, Serialize, ToSchema)]
struct OpenInvite {
    /// The node's name.
    node: NodeSlug,
    /// The LEP that it serves or will serve.
    lep: Gss,
    /// Where its enrolment stands.
    state: NodeState,
    /// Who made the invite.
    created_by: String,
    /// When.
    created: Timestamp,
    /// No use after this moment.
    expires: Timestamp,
    /// Whether it was used.
    used: bool,
}

/// Which invites to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// From `next` of the page before.
    #[param(value_type = String, required = false)]
    cursor: Option<String>,
    /// Items of a page; 50 where nothing is said.
    #[param(value_type = u32, required = false, minimum = 1, maximum = 100)]
    limit: Option<Limit>,
}

/// Invites
///
/// The latest of each node, by name: who made it and when. Never its secret, of which the server has only a digest.
#[utoipa::path(
    get, path = "/api/v1/invites", tag = TAG, operation_id = "invites", params(Asked),
    responses((status = 200, description = "A page of invites.", body = Items<OpenInvite>), NoSuchList),
    security(("secret" = []), ("session" = [])),
)]
async fn invites(
    State(service): State<Arc<Service>>,
    Query(asked): Query<Asked>,
) -> Result<Json<Items<OpenInvite>>, Refusal> {
    let mut all = Vec::new();
    for node in service.store.nodes().await? {
        if let Some(invite) = service.store.invite_of(&node.node).await? {
            all.push(OpenInvite {
                node: node.node,
                lep: node.lep,
                state: node.state,
                created_by: invite.created_by,
                created: invite.created,
                expires: invite.expires,
                used: invite.used.is_some(),
            });
        }
    }
    let list = List::new("/api/v1/invites");
    let key = |invite: &OpenInvite| invite.node.to_string();
    let page = page(&list, asked.cursor.as_deref(), asked.limit, all, key)?;
    Ok(Json(page))
}

/// Whom to invite.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Inviting {
    /// The node's name; public, and stays for ever.
    node: NodeSlug,
    /// GSS code of the LEP that it will serve.
    lep: Gss,
    /// Days that the invite holds.
    #[serde(default = "longest")]
    #[schema(required = false, default = 7, minimum = 1, maximum = 7)]
    days: u8,
    /// Drop a key of the node that waits for approval.
    #[serde(default)]
    #[schema(required = false, default = false)]
    again: bool,
}

fn longest() -> u8 {
    *invite::DAYS.end()
}

/// An invite that was made.
#[derive(Debug, Serialize, ToSchema)]
struct Made {
    /// The file to send to the area, as it is: it holds a secret and is shown only now.
    invite: Invite,
    /// What the area sees of it before it is used.
    fingerprint: Digest,
}

/// Invite an area
///
/// Its node enrols with `invite` once, until it ends. An earlier invite of the node opens nothing from then on.
#[utoipa::path(
    post, path = "/api/v1/invites", tag = TAG, operation_id = "invite", request_body = Inviting,
    responses((status = 201, description = "The invite, once.", body = Made), NotInvited),
    security(("secret" = []), ("session" = [])),
)]
async fn make(
    State(service): State<Arc<Service>>,
    person: SignedIn,
    _none: Query<Nothing>,
    Sent(asked): Sent<Inviting>,
) -> Result<(StatusCode, Json<Made>), Refusal> {
    let waits = service.store.node(&asked.node).await?;
    if !asked.again && waits.is_some_and(|node| node.state == NodeState::Pending) {
        let detail = "A key of the node waits for approval, and an invite would drop it. Send `again` if that is meant.";
        return Err(Problem::new(problem::NO_INVITE, detail).into());
    }
    let order = Order {
        node: asked.node,
        lep: asked.lep,
        days: asked.days,
        by: person.name,
    };
    let mut rng = (service.entropy)();
    let (host, now) = (service.host(), service.now());
    let invite = invite::make(&service.store, host, &order, now, &mut *rng).await?;
    tracing::info!(node = %order.node, by = order.by, expires = %invite.expires, "an area was invited");
    let fingerprint = invite.fingerprint();
    let made = Made {
        invite,
        fingerprint,
    };
    Ok((StatusCode::CREATED, Json(made)))
}

/// No parameter.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl From<InviteError> for Refusal {
    fn from(error: InviteError) -> Self {
        if let InviteError::Store(error) = error {
            return match error {
                StoreError::Conflict(conflict) => told(&conflict.to_string(), ""),
                error => error.into(),
            };
        }
        told(&error.to_string(), error.next())
    }
}

fn told(cause: &str, next: &str) -> Refusal {
    let detail = crate::pages::sentence(cause);
    let mut problem = Problem::new(problem::NO_INVITE, detail);
    if !next.is_empty() {
        next.clone_into(&mut problem.next);
    }
    Refusal(problem)
}
