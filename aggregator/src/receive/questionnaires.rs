//! What operators ask of LEPs, and what the answers come to.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use ldsp_protocol::ids::{Gss, NodeSlug, QuestionId};
use ldsp_protocol::problem::{self, Problem};
use ldsp_protocol::questionnaire::Answer;
use ldsp_protocol::statement::Kind;
use ldsp_ui::SignedIn;
use ldsp_ui::api::Refusal;
use serde::Serialize;
use utoipa::ToSchema;

use super::describe::{Envelope, NoAnswers, NoResults, NotForPeople, NotIssued};
use super::statements::ENVELOPE_TYPE;
use super::{number, read};
use crate::Service;
use crate::announce::{Act, AnnounceError};
use crate::pages::READERS;
use crate::questionnaires::{
    self, Asker, Draft, Given, InList, IssueError, Progress, Results, Standing, issue,
};
use crate::store::{Log as _, StoreError};

/// For one reader.
const NO_STORE: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

/// The questionnaires that there are.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AllAsked {
    /// The newest version of each, the one that was issued last first.
    questionnaires: Vec<Asker>,
}

/// The questionnaires
///
/// What the log's operators ask of LEPs: the newest version of each, with its place in the log. The exact statement and its receipt stand where
/// those of nodes do, under the name `aggregator`.
#[utoipa::path(
    get, path = "/v1/questionnaires", tag = "For nodes", operation_id = "questionnaires",
    responses((status = 200, description = "The questionnaires.", body = AllAsked), super::describe::Anything),
)]
pub(super) async fn list(State(service): State<Arc<Service>>) -> Result<Json<AllAsked>, Refusal> {
    let newest = questionnaires::newest(&service.store).await?;
    Ok(Json(AllAsked {
        questionnaires: newest.iter().map(Asker::from).collect(),
    }))
}

async fn find(service: &Service, name: &str) -> Result<Standing, Refusal> {
    let missing = || Problem::new(problem::NOT_FOUND, "No questionnaire has this name.");
    let name: QuestionId = name.parse().map_err(|_| missing())?;
    let standing = questionnaires::standing(&service.store, &name).await?;
    Ok(standing.ok_or_else(missing)?)
}

/// What the answers come to
///
/// Of the newest version, question by question, over the last answers of each LEP: for a signed read by a node that was asked, which is told
/// nothing while fewer than three LEPs answered, and for operators and analysts. What LEPs wrote in words is not in it.
#[utoipa::path(
    get, path = "/v1/questionnaires/{name}/results", tag = "For nodes", operation_id = "questionnaire_results",
    params(("name" = QuestionId, Path, description = "The questionnaire's name.")),
    security(("node" = []), ("secret" = []), ("session" = [])),
    responses((status = 200, description = "What they come to.", body = Results), NoResults),
)]
pub(super) async fn results(
    State(service): State<Arc<Service>>,
    person: Option<SignedIn>,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    if person.is_some_and(|person| person.is_any(READERS)) {
        let results = find(&service, &name).await?.results()?;
        return Ok((NO_STORE, Json(results)).into_response());
    }
    let node = read::node(&service, &uri, &headers).await?;
    let standing = find(&service, &name).await?;
    let lep = service.directory.node(&node).await?.map(|node| node.lep);
    if !lep.is_some_and(|lep| standing.asks(&lep)) {
        let detail = format!("The questionnaire does not ask the area of {node}.");
        return Err(Problem::new(problem::WITHHELD, detail).into());
    }
    Ok((NO_STORE, Json(standing.results_for_leps()?)).into_response())
}

/// The questionnaires with how far they are
///
/// The newest version of each, the one that was issued last first. For operators and analysts.
#[utoipa::path(
    get, path = "/api/v1/questionnaires", tag = "Questionnaires", operation_id = "questionnaires_in_progress",
    security(("secret" = []), ("session" = [])),
    responses((status = 200, description = "The questionnaires.", body = Vec<InList>), NotForPeople),
)]
pub(super) async fn in_progress(
    State(service): State<Arc<Service>>,
) -> Result<Json<Vec<InList>>, Refusal> {
    let all = questionnaires::standings(&service.store).await?;
    Ok(Json(all.iter().map(InList::from).collect()))
}

/// How a questionnaire stands
///
/// Who was asked, who answered and when, and what the answers come to, however few. For operators and analysts.
#[utoipa::path(
    get, path = "/api/v1/questionnaires/{name}", tag = "Questionnaires", operation_id = "questionnaire_progress",
    params(("name" = QuestionId, Path, description = "The questionnaire's name.")),
    security(("secret" = []), ("session" = [])),
    responses((status = 200, description = "How it stands.", body = Progress), NoAnswers),
)]
pub(super) async fn progress(
    State(service): State<Arc<Service>>,
    Path(name): Path<String>,
) -> Result<Json<Progress>, Refusal> {
    Ok(Json(find(&service, &name).await?.progress()?))
}

/// The last answers of a LEP.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GivenItem {
    /// The LEP's code.
    lep: Gss,
    /// The node that signed.
    node: NodeSlug,
    /// Place in the log, from 0.
    index: u64,
    /// When they came; for people, never for order.
    received: Timestamp,
    /// Which version they answer.
    version: u32,
    /// Whether they came after that version's last day.
    late: bool,
    /// In the order of the questions.
    answers: Vec<Answer>,
    /// Address of the exact envelope that the node signed.
    envelope: String,
}

impl From<&Given> for GivenItem {
    fn from(given: &Given) -> Self {
        Self {
            lep: given.lep.clone(),
            node: given.node.clone(),
            index: given.index,
            received: given.received,
            version: given.version,
            late: given.late,
            answers: given.answers.answers.clone(),
            envelope: envelope_of(given.index),
        }
    }
}

/// Where operators and analysts read the answers at this leaf.
pub(crate) fn envelope_of(leaf: u64) -> String {
    format!("/api/v1/answers/{leaf}")
}

/// Answers and what was asked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Export {
    /// Every version that was asked, oldest first: answers name theirs.
    versions: Vec<ldsp_protocol::questionnaire::Questionnaire>,
    /// The last answers of each LEP, to whatever version, by code.
    answers: Vec<GivenItem>,
}

impl From<&Standing> for Export {
    fn from(standing: &Standing) -> Self {
        let versions = standing.versions().iter();
        Self {
            versions: versions.map(|asked| asked.questionnaire.clone()).collect(),
            answers: standing.given.values().map(GivenItem::from).collect(),
        }
    }
}

/// The answers
///
/// What each LEP answered last, word for word, with what was asked. For operators and analysts.
#[utoipa::path(
    get, path = "/api/v1/questionnaires/{name}/answers", tag = "Questionnaires", operation_id = "questionnaire_answers",
    params(("name" = QuestionId, Path, description = "The questionnaire's name.")),
    security(("secret" = []), ("session" = [])),
    responses((status = 200, description = "The answers.", body = Export), NoAnswers),
)]
pub(super) async fn answers(
    State(service): State<Arc<Service>>,
    Path(name): Path<String>,
) -> Result<Json<Export>, Refusal> {
    Ok(Json((&find(&service, &name).await?).into()))
}

/// The answers as one table
///
/// A row for each answer of each LEP. For operators and analysts.
#[utoipa::path(
    get, path = "/api/v1/questionnaires/{name}/answers.csv", tag = "Questionnaires", operation_id = "questionnaire_answers_csv",
    params(("name" = QuestionId, Path, description = "The questionnaire's name.")),
    security(("secret" = []), ("session" = [])),
    responses((status = 200, description = "The table.", body = String, content_type = "text/csv"), NoAnswers),
)]
pub(super) async fn answers_csv(
    State(service): State<Arc<Service>>,
    Path(name): Path<String>,
) -> Result<Response, Refusal> {
    let standing = find(&service, &name).await?;
    let csv = questionnaires::to_csv(&standing).map_err(|error| {
        tracing::error!(%error, "a table of answers could not be written");
        Problem::new(problem::INTERNAL, "The table could not be written.")
    })?;
    let kind = (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned());
    let file = format!("attachment; filename=\"{name}-answers.csv\"");
    Ok(([kind, (header::CONTENT_DISPOSITION, file)], csv).into_response())
}

/// The exact envelope of answers
///
/// As the node signed it. For operators and analysts; the node itself asks for it by a signed read, where its other statements are.
#[utoipa::path(
    get, path = "/api/v1/answers/{index}", tag = "Questionnaires", operation_id = "answers_envelope",
    params(("index" = u64, Path, description = "The answers' place in the log.", minimum = 1, maximum = 999_999_999_999_999_999_i64)),
    security(("secret" = []), ("session" = [])),
    responses((status = 200, description = "The envelope.", body = Envelope, content_type = "application/vnd.dsse+json"), NoAnswers),
)]
pub(super) async fn envelope(
    State(service): State<Arc<Service>>,
    Path(index): Path<String>,
) -> Result<Response, Refusal> {
    let index = number(&index)?;
    let found = service
        .store
        .statements_of(Kind::QuestionnaireAnswers, index, 1)
        .await?;
    let found = found
        .into_iter()
        .find(|s| s.index == index)
        .ok_or_else(|| {
            let detail = "No answers to a questionnaire stand at this place of the log.";
            Problem::new(problem::NOT_FOUND, detail)
        })?;
    Ok(([(header::CONTENT_TYPE, ENVELOPE_TYPE)], found.envelope).into_response())
}

/// Issue a questionnaire
///
/// The next version of the questionnaire of this name, or its first: signed by the log's key, a leaf of the log, and public for ever. What the
/// newest version says already is not issued again. For operators.
#[utoipa::path(
    post, path = "/api/v1/questionnaires", tag = "Questionnaires", operation_id = "issue_questionnaire",
    security(("secret" = []), ("session" = [])),
    request_body = Draft,
    responses(
        (status = 201, description = "It is issued.", body = Asker),
        (status = 200, description = "The newest version says the same.", body = Asker),
        NotIssued,
    ),
)]
pub(super) async fn ask(
    State(service): State<Arc<Service>>,
    person: SignedIn,
    draft: Result<Json<Draft>, JsonRejection>,
) -> Result<(StatusCode, Json<Asker>), Refusal> {
    let Json(draft) = draft?;
    let act = Act {
        by: &person.name,
        at: service.now(),
    };
    let issued = issue(&service.announcer(), &draft, None, act).await;
    let issued = issued.map_err(refused)?;
    let status = if issued.new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, Json((&issued.asked).into())))
}

/// Why a questionnaire was not issued.
fn refused(error: IssueError) -> Refusal {
    match error {
        IssueError::Announce(AnnounceError::Store(StoreError::Conflict(conflict))) => {
            Problem::new(problem::QUESTIONNAIRE, format!("{conflict}.")).into()
        }
        IssueError::Announce(AnnounceError::Store(error)) => error.into(),
        other => Problem::new(problem::QUESTIONNAIRE, format!("{other}.")).into(),
    }
}
