//! National questionnaires: what is asked of this LEP, its answers, and what all answers come to.

use axum::Json;
use axum::extract::{Path, State};
use ldsp_protocol::ids::{Digest, QuestionId};
use ldsp_protocol::problem::{self, Problem};
use ldsp_ui::SignedIn;
use ldsp_ui::api::Query;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::FieldProblem;
use super::refusal::sentence;
use super::sent::Sent;
use super::{Api, Nothing, QUESTIONNAIRES, Refused};
use crate::questionnaire::results::picture;
use crate::questionnaire::shown::{GivenAnswers, Head, Shown, Told};
use crate::questionnaire::{self, Case, How, QuestionnaireError, Word};

impl From<QuestionnaireError> for Refused {
    fn from(error: QuestionnaireError) -> Self {
        let kind = match error {
            QuestionnaireError::Store(error) => return error.into(),
            QuestionnaireError::Facts(error) => return error.into(),
            QuestionnaireError::Unfit(faults) => {
                let each = faults.into_iter().map(|(_, error)| {
                    let cause = sentence(&error.to_string());
                    FieldProblem::unfit("answers", cause)
                });
                return Self::fields(each.collect());
            }
            QuestionnaireError::Reason(_) => {
                let cause = sentence(&error.to_string());
                return Self::fields(vec![FieldProblem::unfit("reason", cause)]);
            }
            QuestionnaireError::Unknown(_) => problem::NOT_FOUND,
            QuestionnaireError::NotCoordinator(_) | QuestionnaireError::NotApprover(_) => {
                problem::ROLE
            }
            QuestionnaireError::OwnWork(_) => problem::OWN_WORK,
            QuestionnaireError::Changed { .. } => problem::CHANGED_MEANWHILE,
            _ => problem::ANSWERING,
        };
        let mut problem = Problem::new(kind, sentence(&error.to_string()));
        if kind == problem::ANSWERING {
            problem.next = error.next().to_owned();
        }
        Self::because(problem, error.code())
    }
}

fn named(name: &str) -> Result<QuestionId, Refused> {
    let missing = || Refused::not_found("No questionnaire of this name asks this node.");
    name.parse().map_err(|_| missing())
}

async fn shown(api: &Api, name: &QuestionId) -> Result<Json<Shown>, Refused> {
    let shown = Shown::read(&api.node.store, name, (api.clock)()).await;
    Ok(Json(shown?))
}

/// The questionnaires that ask this LEP.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Questionnaires {
    items: Vec<Head>,
}

/// Questionnaires
///
/// What the national operators ask this LEP, what is due first in front.
#[utoipa::path(
    get, path = "/api/v1/questionnaires", operation_id = "list_questionnaires", tag = QUESTIONNAIRES,
    responses((status = 200, description = "What is asked.", body = Questionnaires), super::Read),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn list(
    State(api): State<Api>,
    _none: Query<Nothing>,
) -> Result<Json<Questionnaires>, Refused> {
    let cases = Case::all(&api.node.store).await?;
    let now = (api.clock)();
    let items = cases.iter().map(|case| Head::of(case, now)).collect();
    Ok(Json(Questionnaires { items }))
}

/// A questionnaire
///
/// What it asks, what the node can fill in, the answers as they stand, and what stands against handing them over.
#[utoipa::path(
    get, path = "/api/v1/questionnaires/{name}", operation_id = "show_questionnaire", tag = QUESTIONNAIRES,
    params(("name" = QuestionId, Path, description = "The questionnaire's name.")),
    responses((status = 200, description = "The questionnaire.", body = Shown), super::ReadOne),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn show(
    State(api): State<Api>,
    Path(name): Path<String>,
    _none: Query<Nothing>,
) -> Result<Json<Shown>, Refused> {
    shown(&api, &named(&name)?).await
}

/// Answer a questionnaire
///
/// Keeps answers as a draft, all that are sent or none. Where a number equals what the node knows, it is said to be from there; a
/// number of learners is the published estimate and no other. Answers are handed over once nothing stands against it.
#[utoipa::path(
    put, path = "/api/v1/questionnaires/{name}/answers", operation_id = "answer_questionnaire", tag = QUESTIONNAIRES,
    params(("name" = QuestionId, Path, description = "The questionnaire's name.")),
    request_body = GivenAnswers,
    responses((status = 200, description = "They are kept.", body = Shown), super::Answers),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn answer(
    State(api): State<Api>,
    Path(name): Path<String>,
    person: SignedIn,
    _none: Query<Nothing>,
    Sent(sent): Sent<GivenAnswers>,
) -> Result<Json<Shown>, Refused> {
    let name = named(&name)?;
    let given = sent.answers.into_iter().map(Into::into).collect();
    let by = (person.name.as_str(), (api.clock)());
    let how = How::Whole(sent.digest);
    questionnaire::save(&api.node.store, &name, given, how, by).await?;
    shown(&api, &name).await
}

/// Hand the answers over
///
/// To an approver who did not write them.
#[utoipa::path(
    post, path = "/api/v1/questionnaires/{name}/hand-over", operation_id = "hand_answers_over", tag = QUESTIONNAIRES,
    params(("name" = QuestionId, Path, description = "The questionnaire's name.")),
    responses((status = 200, description = "They wait for an approver.", body = Shown), super::HandsOver),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn hand_over(
    State(api): State<Api>,
    Path(name): Path<String>,
    person: SignedIn,
    _none: Query<Nothing>,
) -> Result<Json<Shown>, Refused> {
    let name = named(&name)?;
    let by = (person.name.as_str(), (api.clock)());
    questionnaire::hand_over(&api.node.store, &name, by).await?;
    shown(&api, &name).await
}

/// Take the answers back
///
/// So that they can be changed, while they wait for an approver.
#[utoipa::path(
    post, path = "/api/v1/questionnaires/{name}/take-back", operation_id = "take_answers_back", tag = QUESTIONNAIRES,
    params(("name" = QuestionId, Path, description = "The questionnaire's name.")),
    responses((status = 200, description = "They are a draft again.", body = Shown), super::TakesBack),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn take_back(
    State(api): State<Api>,
    Path(name): Path<String>,
    person: SignedIn,
    _none: Query<Nothing>,
) -> Result<Json<Shown>, Refused> {
    let name = named(&name)?;
    let by = (person.name.as_str(), (api.clock)());
    questionnaire::take_back(&api.node.store, &name, by).await?;
    shown(&api, &name).await
}

/// What an approver says.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Releasing {
    /// Digest of the answers that the approver has read.
    digest: Digest,
}

/// Release the answers
///
/// The word of a second person, never of one who wrote them. Signs the answers and queues them for the log.
#[utoipa::path(
    post, path = "/api/v1/questionnaires/{name}/release", operation_id = "release_answers", tag = QUESTIONNAIRES,
    params(("name" = QuestionId, Path, description = "The questionnaire's name.")),
    request_body = Releasing,
    responses((status = 200, description = "Released and signed.", body = Shown), super::Answers),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn release(
    State(api): State<Api>,
    Path(name): Path<String>,
    person: SignedIn,
    _none: Query<Nothing>,
    Sent(sent): Sent<Releasing>,
) -> Result<Json<Shown>, Refused> {
    let name = named(&name)?;
    let word = Word {
        name: &name,
        digest: sent.digest,
        person: &person.name,
    };
    (api.before_signing)().await;
    let node = &api.node;
    questionnaire::release(&node.store, &node.signing, word, (api.clock)()).await?;
    (api.queued)();
    shown(&api, &name).await
}

/// What an approver says against answers.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SendingBack {
    /// Digest of the answers that the approver has read.
    digest: Digest,
    /// What is to be changed, for the coordinator: at most 500 characters, nothing that tells of a person. It stays at this node.
    reason: String,
}

/// Send the answers back
///
/// The word of a second person: the coordinator changes them and hands them over again.
#[utoipa::path(
    post, path = "/api/v1/questionnaires/{name}/send-back", operation_id = "send_answers_back", tag = QUESTIONNAIRES,
    params(("name" = QuestionId, Path, description = "The questionnaire's name.")),
    request_body = SendingBack,
    responses((status = 200, description = "Written down.", body = Shown), super::Answers),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn send_back(
    State(api): State<Api>,
    Path(name): Path<String>,
    person: SignedIn,
    _none: Query<Nothing>,
    Sent(sent): Sent<SendingBack>,
) -> Result<Json<Shown>, Refused> {
    let name = named(&name)?;
    let word = Word {
        name: &name,
        digest: sent.digest,
        person: &person.name,
    };
    let store = &api.node.store;
    questionnaire::send_back(store, word, &sent.reason, (api.clock)()).await?;
    shown(&api, &name).await
}

/// What all answers come to
///
/// As the national log tells LEPs that were asked: counts of LEPs, once three have answered. What was heard last stands while the log is
/// away.
#[utoipa::path(
    get, path = "/api/v1/questionnaires/{name}/results", operation_id = "questionnaire_results", tag = QUESTIONNAIRES,
    params(("name" = QuestionId, Path, description = "The questionnaire's name.")),
    responses((status = 200, description = "What they come to.", body = Told), super::ReadOne),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn results(
    State(api): State<Api>,
    Path(name): Path<String>,
    _none: Query<Nothing>,
) -> Result<Json<Told>, Refused> {
    let name = named(&name)?;
    let store = &api.node.store;
    if Case::read(store, &name).await?.is_none() {
        return Err(QuestionnaireError::Unknown(name.to_string()).into());
    }
    let ask = async |path: String| (api.peers)(path).await;
    let picture = picture(store, &name, ask, (api.clock)()).await?;
    Ok(Json(picture.into()))
}
