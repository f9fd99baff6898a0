//! For a provider's own programs: its cohorts, and files of its own learners.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use jiff::Timestamp;
use ldsp_ui::api::{Items, List, Query};
use ldsp_ui::{OwnOrganisation, SignedIn};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::imports::{Answers, Asked, AskedDoubtful, Bringer, Preferring, take};
use super::mappings::{self, AllHeld, Kept, Remember};
use super::quality::Answering;
use super::sent::Sent;
use super::{Api, Listed, Nothing, PROVIDERS, Refused};
use crate::delivery::{self, Handled, Own};
use crate::model::Model as _;
use crate::quality;
use crate::store::imports::ImportKind;
use crate::store::quality::Question;

/// A cohort of the provider.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OwnCohort {
    /// What `cohort` of `POST /api/v1/provider/learners` calls it. It stays the same.
    id: String,
    /// Its code.
    cohort: String,
    /// Code of its programme.
    programme: String,
    title: String,
    /// `YYYY-MM-DD`, as is `end`; or empty.
    start: String,
    end: String,
    /// Places, or empty.
    places: String,
    /// Where, in words; or empty.
    place: String,
}

/// Own cohorts
///
/// The cohorts that the provider of whoever asks delivers, and no other's.
#[utoipa::path(
    get, path = "/api/v1/provider/cohorts", operation_id = "list_own_cohorts", tag = PROVIDERS,
    params(Listed),
    responses((status = 200, description = "A page of cohorts.", body = Items<OwnCohort>), super::ReadList),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn cohorts(
    State(api): State<Api>,
    of: OwnOrganisation,
    Query(asked): Query<Listed>,
) -> Result<Json<Items<OwnCohort>>, Refused> {
    let list = List::new("/api/v1/provider/cohorts");
    let after: Option<String> = list.after(asked.cursor.as_deref())?;
    let limit = asked.limit.unwrap_or_default();
    let store = &api.node.store;
    let own = Own::of(store, &api.node.pseudonyms, &of.organisation).await?;
    let known = store.known().await?;
    let mut all = delivery::cohorts(store, &own).await?;
    all.sort_by(|one, other| one.it.code.cmp(&other.it.code));
    if let Some(after) = after {
        all.retain(|cohort| cohort.it.code > after);
    }
    all.truncate(limit.get() as usize + 1);
    let found = all.into_iter().map(|stored| {
        let mut texts = stored.it.texts(&known).into_iter();
        let mut next = || texts.next().unwrap_or_default();
        let (cohort, programme, _provider) = (next(), next(), next());
        OwnCohort {
            id: own.handle(Handled::Cohort, stored.id),
            cohort,
            programme,
            title: next(),
            start: next(),
            end: next(),
            places: next(),
            place: next(),
        }
    });
    Ok(Json(list.page(
        found.collect(),
        limit,
        |cohort: &OwnCohort| cohort.cohort.clone(),
    )))
}

/// Which cohort the rows are in.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Bringing {
    /// Check every row and store nothing.
    #[serde(default)]
    #[param(required = false, default = false)]
    dry_run: bool,
    /// Store the sound rows although others have problems.
    #[serde(default)]
    #[param(required = false, default = false)]
    valid_rows: bool,
    /// The own cohort that all rows are in: its `id` of `GET /api/v1/provider/cohorts`.
    #[param(required = false)]
    cohort: Option<String>,
    /// What rows are that may be new enrolments or held ones that were corrected; without it they are refused.
    #[param(required = false, inline)]
    doubtful: Option<AskedDoubtful>,
    /// The file has columns of its own, which this mapping explains: see `/api/v1/provider/mappings`.
    #[param(max_length = 100)]
    mapping: Option<String>,
    /// The sheet of a workbook, where more than one may be meant.
    #[param(max_length = 100)]
    sheet: Option<String>,
}

/// Bring own learners
///
/// One file, CSV or an Excel workbook (docs/files.md), of the provider's own enrolments: `provider` may be left empty, and a row of another provider is refused.
/// References must not tell a person: they are shown to the provider's own people.
#[utoipa::path(
    post, path = "/api/v1/provider/learners", operation_id = "bring_learners", tag = PROVIDERS,
    params(Bringing, Preferring),
    request_body(
        content(
            (String = "text/csv"),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ),
        description = "The file, UTF-8 where it is CSV, at most 64 MiB.",
    ),
    responses(
        Answers,
        (status = 404, description = "The provider has no such cohort. (`not-found`)", body = Refused,
            content_type = "application/problem+json"),
        super::TakesFile
    ),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn learners(
    State(api): State<Api>,
    of: OwnOrganisation,
    person: SignedIn,
    Query(asked): Query<Bringing>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let store = &api.node.store;
    let own = Own::of(store, &api.node.pseudonyms, &of.organisation).await?;
    let cohort = match &asked.cohort {
        None => None,
        Some(handle) => Some(super::learners::cohort(&api, &own, handle).await?.id),
    };
    let by = Bringer::provider(&person, own, cohort);
    let ways = (asked.dry_run, asked.valid_rows);
    let asked = Asked::of(ways, asked.doubtful, (asked.mapping, asked.sheet));
    take(&api, ImportKind::Learners, by, &asked, &headers, body).await
}

/// A question to the provider.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OwnQuestion {
    /// What its address calls it.
    id: String,
    /// Code of the rule that gave rise to it.
    rule: String,
    question: String,
    asked_at: Timestamp,
    /// Null while it is open.
    #[schema(required)]
    answer: Option<String>,
    #[schema(required)]
    answered_at: Option<Timestamp>,
}

impl OwnQuestion {
    fn of(own: &Own, question: Question) -> Self {
        let (answer, answered_at) = question.answer.map(|(text, _, at)| (text, at)).unzip();
        Self {
            id: own.handle(Handled::Question, question.id),
            rule: question.rule,
            question: question.question,
            asked_at: question.asked.1,
            answer,
            answered_at,
        }
    }
}

/// Every question to the provider.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OwnQuestions {
    /// The open ones first, then the newest.
    questions: Vec<OwnQuestion>,
}

/// Questions to the provider
///
/// What the LEP's people asked about the provider's own records.
#[utoipa::path(
    get, path = "/api/v1/provider/questions", operation_id = "list_own_questions", tag = PROVIDERS,
    responses((status = 200, description = "Every question with its answer.", body = OwnQuestions), super::Read),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn questions(
    State(api): State<Api>,
    of: OwnOrganisation,
    _none: Query<Nothing>,
) -> Result<Json<OwnQuestions>, Refused> {
    let store = &api.node.store;
    let own = Own::of(store, &api.node.pseudonyms, &of.organisation).await?;
    let questions = delivery::asked(store, &own).await?;
    Ok(Json(OwnQuestions {
        questions: questions
            .into_iter()
            .map(|asked| OwnQuestion::of(&own, asked))
            .collect(),
    }))
}

/// Answer a question
#[utoipa::path(
    post, path = "/api/v1/provider/questions/{id}/answer", operation_id = "answer_own_question", tag = PROVIDERS,
    params(("id" = String, Path, description = "The question, as the list calls it.")),
    request_body = Answering,
    responses(
        (status = 200, description = "Written down.", body = OwnQuestion),
        (status = 404, description = "The provider was not asked this. (`not-found`)", body = Refused,
            content_type = "application/problem+json"),
        (status = 422, description = "It cannot be answered like this, or is answered already. (`quality`)", body = Refused,
            content_type = "application/problem+json"),
        super::TakesJson
    ),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn answer(
    State(api): State<Api>,
    Path(id): Path<String>,
    of: OwnOrganisation,
    _none: Query<Nothing>,
    Sent(answering): Sent<Answering>,
) -> Result<Json<OwnQuestion>, Refused> {
    let unknown = || Refused::not_found("Your organisation has no such question.");
    let store = &api.node.store;
    let own = Own::of(store, &api.node.pseudonyms, &of.organisation).await?;
    let id = own.number(Handled::Question, &id).ok_or_else(unknown)?;
    let which = (id, Some(of.organisation.name.as_str()));
    quality::answer(store, which, &answering.answer, &of.person, (api.clock)()).await?;
    let all = delivery::asked(store, &own).await?;
    let question = all.into_iter().find(|question| question.id == id);
    let question = question.ok_or_else(unknown)?;
    Ok(Json(OwnQuestion::of(&own, question)))
}

/// Own mappings
///
/// What the columns of the provider's own files stand for: names of columns and codes, nothing of a row. No other provider and none of the LEP's people
/// sees them.
#[utoipa::path(
    get, path = "/api/v1/provider/mappings", operation_id = "list_own_mappings", tag = PROVIDERS,
    responses((status = 200, description = "Every mapping.", body = AllHeld), super::Read),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn mappings(
    State(api): State<Api>,
    of: OwnOrganisation,
    _none: Query<Nothing>,
) -> Result<Json<AllHeld>, Refused> {
    let own = Own::of(&api.node.store, &api.node.pseudonyms, &of.organisation).await?;
    mappings::all(&api, own.root()).await
}

/// Remember an own mapping
///
/// One of the same name is replaced; with `version` only if nobody changed it since. It is of learners.
#[utoipa::path(
    post, path = "/api/v1/provider/mappings", operation_id = "remember_own_mapping", tag = PROVIDERS,
    request_body = Remember,
    responses((status = 201, description = "Remembered.", body = Kept), super::Maps),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn remember_mapping(
    State(api): State<Api>,
    of: OwnOrganisation,
    _none: Query<Nothing>,
    Sent(asked): Sent<Remember>,
) -> Result<(StatusCode, Json<Kept>), Refused> {
    let own = Own::of(&api.node.store, &api.node.pseudonyms, &of.organisation).await?;
    mappings::keep(&api, own.root(), asked, &of.person).await
}

/// Forget an own mapping
///
/// What was sent with it stays.
#[utoipa::path(
    post, path = "/api/v1/provider/mappings/{name}/remove", operation_id = "forget_own_mapping", tag = PROVIDERS,
    params(("name" = String, Path, description = "Its name; capitals do not matter.")),
    responses((status = 204, description = "Forgotten."), super::Forgets),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn forget_mapping(
    State(api): State<Api>,
    Path(name): Path<String>,
    of: OwnOrganisation,
    _none: Query<Nothing>,
) -> Result<StatusCode, Refused> {
    let own = Own::of(&api.node.store, &api.node.pseudonyms, &of.organisation).await?;
    mappings::drop_one(&api, own.root(), &name, &of.person).await
}
