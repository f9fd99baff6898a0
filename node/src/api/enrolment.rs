//! The node's place in the federation.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use ldsp_protocol::enrolment::Invite;
use ldsp_protocol::ids::{Digest, NodeSlug};
use ldsp_protocol::keys::key_id;
use ldsp_protocol::problem::{self, Problem};
use ldsp_ui::SignedIn;
use ldsp_ui::api::Query;
use serde::Serialize;
use utoipa::ToSchema;

use super::sent::Sent;
use super::{Api, NODE, Nothing, Refused, moment, refusal};
use crate::enrol::{Checked, EnrolError};

/// How the node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum Standing {
    /// It needs an invite.
    NotEnrolled,
    /// The national operator has to compare the key's fingerprint and approve it.
    Waiting,
    /// Its statements are taken.
    Active,
    /// Nothing that it signs is taken any more.
    Revoked,
}

/// The node's place in the federation, as last heard.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EnrolmentPlace)]
pub(super) struct Place {
    state: Standing,
    /// Its name there; null before it was enrolled.
    #[schema(required)]
    node: Option<NodeSlug>,
    /// Name of the log.
    #[schema(required)]
    origin: Option<String>,
    /// Address of the aggregator.
    #[schema(required)]
    url: Option<String>,
    /// When it was enrolled.
    #[schema(required)]
    enrolled: Option<Timestamp>,
    /// SHA-256 of the node's public key: what is read to the operator.
    key_id: Digest,
    /// Place in the log from which the key counts no more; null while it counts.
    #[schema(required)]
    revoked_from: Option<u64>,
}

async fn own(api: &Api) -> Result<Place, Refused> {
    let key_id = key_id(&api.node.signing.verifying_key());
    let Some(place) = api.node.store.enrolment().await? else {
        return Ok(Place {
            state: Standing::NotEnrolled,
            node: None,
            origin: None,
            url: None,
            enrolled: None,
            key_id,
            revoked_from: None,
        });
    };
    let state = match (place.revoked_from, place.active) {
        (Some(_), _) => Standing::Revoked,
        (None, true) => Standing::Active,
        (None, false) => Standing::Waiting,
    };
    Ok(Place {
        state,
        node: Some(place.node),
        origin: Some(place.origin),
        url: Some(place.url),
        enrolled: Some(moment(place.enrolled_at)?),
        key_id,
        revoked_from: place.revoked_from,
    })
}

/// The place in the federation
#[utoipa::path(
    get, path = "/api/v1/enrolment", operation_id = "show_enrolment", tag = NODE,
    responses((status = 200, description = "As last heard.", body = Place), super::Read),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn show(
    State(api): State<Api>,
    _none: Query<Nothing>,
) -> Result<Json<Place>, Refused> {
    Ok(Json(own(&api).await?))
}

/// Enrol this node
///
/// The body is the invite file of the national operator as it is. The node shows the log that it holds its own key; then the operator
/// compares `key_id` over the telephone and approves it. The same invite again changes nothing.
#[utoipa::path(
    post, path = "/api/v1/enrolment", operation_id = "enrol", tag = NODE,
    request_body(content = Invite, description = "The invite file. It holds a secret."),
    responses(
        (status = 201, description = "It is enrolled, and waits for the operator unless they approved it before.", body = Place),
        super::Enrols
    ),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn enrol(
    State(api): State<Api>,
    person: SignedIn,
    _none: Query<Nothing>,
    Sent(invite): Sent<Invite>,
) -> Result<(StatusCode, Json<Place>), Refused> {
    let checked = Checked::of(invite, (api.clock)())?;
    checked.fits(&api.node.store).await?;
    (api.enrol)(checked, person.name).await?;
    (api.queued)();
    Ok((StatusCode::CREATED, Json(own(&api).await?)))
}

/// Ask how the node stands
///
/// Asks the national log now, as the node does by itself: whether its key is approved, or revoked.
#[utoipa::path(
    post, path = "/api/v1/enrolment/ask", operation_id = "ask_enrolment", tag = NODE,
    responses((status = 200, description = "As the log says now.", body = Place), super::AsksLog),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn ask(
    State(api): State<Api>,
    _none: Query<Nothing>,
) -> Result<Json<Place>, Refused> {
    if (api.ask)().await?.is_some() {
        (api.queued)();
    }
    Ok(Json(own(&api).await?))
}

impl From<EnrolError> for Refused {
    fn from(error: EnrolError) -> Self {
        let next = error.next().to_owned();
        let reason = error.code();
        match error {
            EnrolError::Store(error) => error.into(),
            error => {
                let detail = refusal::sentence(&error.to_string());
                let mut problem = Problem::new(problem::ENROLMENT, detail);
                problem.next = next;
                Self::because(problem, reason)
            }
        }
    }
}
