//! Published needs: drafts of what is asked for and what is offered, and what two people do with them.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse as _, Response};
use ldsp_protocol::ids::Digest;
use ldsp_protocol::problem::{self, Problem};
use ldsp_ui::SignedIn;
use ldsp_ui::api::Query;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::FieldProblem;
use super::refusal::sentence;
use super::sent::Sent;
use super::{Api, Nothing, PUBLISHED_NEEDS, Refused};
use crate::needs::shown::{Head, Shown};
use crate::needs::{self, NeedsError, Word};

impl From<NeedsError> for Refused {
    fn from(error: NeedsError) -> Self {
        let kind = match error {
            NeedsError::Store(error) => return error.into(),
            NeedsError::Reason(_) => {
                let cause = sentence(&error.to_string());
                return Self::fields(vec![FieldProblem::unfit("reason", cause)]);
            }
            NeedsError::Unknown(_) => problem::NOT_FOUND,
            NeedsError::NotCoordinator(_) | NeedsError::NotApprover(_) => problem::ROLE,
            NeedsError::OwnWork(_) => problem::OWN_WORK,
            _ => problem::NEEDS_DRAFT,
        };
        let mut problem = Problem::new(kind, sentence(&error.to_string()));
        if kind == problem::NEEDS_DRAFT {
            problem.next = error.next().to_owned();
        }
        Self::because(problem, error.code())
    }
}

async fn shown(api: &Api, id: i64) -> Result<Json<Shown>, Refused> {
    let found = api.node.store.needs_of(id).await?;
    let found = found.ok_or_else(missing)?;
    Ok(Json(Shown::from(&found)))
}

fn missing() -> Refused {
    Refused::not_found("There is no draft of this number.")
}

fn numbered(id: &str) -> Result<i64, Refused> {
    id.parse().map_err(|_| missing())
}

/// Drafts of needs and what was published, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NeedsList {
    items: Vec<Head>,
}

/// Published needs
///
/// What was prepared, refused and published, the newest first.
#[utoipa::path(
    get, path = "/api/v1/needs", operation_id = "list_needs", tag = PUBLISHED_NEEDS,
    responses((status = 200, description = "All of them.", body = NeedsList), super::Read),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn list(
    State(api): State<Api>,
    _none: Query<Nothing>,
) -> Result<Json<NeedsList>, Refused> {
    let all = api.node.store.needs().await?;
    let items = all.iter().map(Head::from).collect();
    Ok(Json(NeedsList { items }))
}

/// Prepare needs
///
/// Adds up what organisations ask for and what is offered, and draws the noise of what people were asked, once for each record. Nothing leaves
/// before an approver agrees.
#[utoipa::path(
    post, path = "/api/v1/needs", operation_id = "prepare_needs", tag = PUBLISHED_NEEDS,
    responses(
        (status = 201, description = "They wait for an approver.", body = Shown,
            headers(("location" = String, description = "Their address."))),
        super::PreparesNeeds
    ),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn prepare(
    State(api): State<Api>,
    person: SignedIn,
    _none: Query<Nothing>,
) -> Result<Response, Refused> {
    (api.before_signing)().await;
    let by = (person.name.as_str(), (api.clock)());
    let id = needs::prepare(&api.node.store, by, &api.entropy).await?;
    let location = AppendHeaders([(header::LOCATION, format!("/api/v1/needs/{id}"))]);
    Ok((StatusCode::CREATED, location, shown(&api, id).await?).into_response())
}

/// Needs in full
///
/// Exactly what is, or would be, published; what is kept back, and why.
#[utoipa::path(
    get, path = "/api/v1/needs/{id}", operation_id = "show_needs", tag = PUBLISHED_NEEDS,
    params(("id" = i64, Path, description = "The draft\u{2019}s number.")),
    responses((status = 200, description = "The needs.", body = Shown), super::ReadOne),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn show(
    State(api): State<Api>,
    Path(id): Path<String>,
    _none: Query<Nothing>,
) -> Result<Json<Shown>, Refused> {
    shown(&api, numbered(&id)?).await
}

/// What an approver says of a draft.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NeedsApproval)]
pub(super) struct Approving {
    /// Digest of the needs that the approver has read.
    digest: Digest,
}

/// Publish needs
///
/// The word of a second person, never of the one who prepared them. Signs both statements and queues them for the log.
#[utoipa::path(
    post, path = "/api/v1/needs/{id}/approve", operation_id = "approve_needs", tag = PUBLISHED_NEEDS,
    params(("id" = i64, Path, description = "The draft\u{2019}s number.")),
    request_body = Approving,
    responses((status = 200, description = "Published and signed.", body = Shown), super::JudgesNeeds),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn approve(
    State(api): State<Api>,
    Path(id): Path<String>,
    person: SignedIn,
    _none: Query<Nothing>,
    Sent(sent): Sent<Approving>,
) -> Result<Json<Shown>, Refused> {
    let word = Word {
        id: numbered(&id)?,
        digest: sent.digest,
        person: &person.name,
    };
    (api.before_signing)().await;
    let node = &api.node;
    needs::approve(&node.store, &node.signing, word, (api.clock)()).await?;
    (api.queued)();
    shown(&api, word.id).await
}

/// What an approver says against a draft.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NeedsRefusal)]
pub(super) struct Refusing {
    /// Digest of the needs that the approver has read.
    digest: Digest,
    /// Why, for the coordinator: at most 500 characters, nothing that tells of a person. It stays at this node.
    reason: String,
}

/// Refuse needs
///
/// What was drawn for people is published with the next draft: no record is drawn twice.
#[utoipa::path(
    post, path = "/api/v1/needs/{id}/refuse", operation_id = "refuse_needs", tag = PUBLISHED_NEEDS,
    params(("id" = i64, Path, description = "The draft\u{2019}s number.")),
    request_body = Refusing,
    responses((status = 200, description = "Written down.", body = Shown), super::JudgesNeeds),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn refuse(
    State(api): State<Api>,
    Path(id): Path<String>,
    person: SignedIn,
    _none: Query<Nothing>,
    Sent(sent): Sent<Refusing>,
) -> Result<Json<Shown>, Refused> {
    let word = Word {
        id: numbered(&id)?,
        digest: sent.digest,
        person: &person.name,
    };
    needs::refuse(&api.node.store, word, &sent.reason, (api.clock)()).await?;
    shown(&api, word.id).await
}
