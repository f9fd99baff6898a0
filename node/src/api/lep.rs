//! Which LEP the node is of.

use axum::Json;
use axum::extract::State;
use ldsp_protocol::ids::Gss;
use ldsp_protocol::problem::{self, Problem};
use ldsp_ui::SignedIn;
use ldsp_ui::api::Query;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::sent::Sent;
use super::{Api, NODE, Nothing, Refused};
use crate::lep::{self, LepError};

/// The LEP of this node.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OwnLep {
    /// Null before it is chosen.
    #[schema(required)]
    lep: Option<Gss>,
    /// Name of the LEP, or what the node is called before it is chosen.
    name: String,
    /// Why it cannot be another one any more; null while it can.
    #[schema(required)]
    fixed: Option<&'static str>,
}

async fn own(api: &Api) -> Result<Json<OwnLep>, Refused> {
    let fixed = api.node.store.lep_fixed().await?;
    Ok(Json(OwnLep {
        lep: api.node.chosen(),
        name: api.node.place(),
        fixed: fixed.map(|why| why.in_words()),
    }))
}

/// The LEP
#[utoipa::path(
    get, path = "/api/v1/lep", operation_id = "show_lep", tag = NODE,
    responses((status = 200, description = "Which LEP the node is of.", body = OwnLep), super::Read),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn show(
    State(api): State<Api>,
    _none: Query<Nothing>,
) -> Result<Json<OwnLep>, Refused> {
    own(&api).await
}

/// Which LEP it shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Choosing {
    /// GSS code.
    lep: String,
}

/// Choose the LEP
///
/// Until something depends on it: records, a release, a practice entry, the place in the federation.
#[utoipa::path(
    put, path = "/api/v1/lep", operation_id = "choose_lep", tag = NODE,
    request_body = Choosing,
    responses(
        (status = 200, description = "The node is of this LEP.", body = OwnLep),
        (status = 422, description = "There is no such LEP, or it cannot be another one any more. (`form`)", body = Refused,
            content_type = "application/problem+json"),
        super::TakesJson
    ),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn choose(
    State(api): State<Api>,
    person: SignedIn,
    _none: Query<Nothing>,
    Sent(choosing): Sent<Choosing>,
) -> Result<Json<OwnLep>, Refused> {
    let now = (api.clock)();
    match lep::choose(&api.node, &choosing.lep, &person.name, now).await {
        Ok(_) => own(&api).await,
        Err(LepError::Store(error)) => Err(error.into()),
        Err(error) => {
            let detail = super::refusal::sentence(&error.to_string());
            let mut problem = Problem::new(problem::FORM, detail);
            error.next().clone_into(&mut problem.next);
            Err(problem.into())
        }
    }
}
