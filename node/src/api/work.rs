//! Work under way: how far an import or a release is, how it is cancelled, and what came of it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use ldsp_protocol::ids::Period;
use ldsp_protocol::problem::Problem;
use ldsp_ui::SignedIn;
use ldsp_ui::api::Query;
use serde::Serialize;
use utoipa::ToSchema;

use super::imports::Report;
use super::{Api, NODE, Nothing, Refused};
use crate::import::report::Outcome as Became;
use crate::store::imports::ImportKind;
use crate::work::{Outcome, Phase, Task, Work};

/// RFC 7240 sections 2, 3 and 4.1.
const PREFER: HeaderName = HeaderName::from_static("prefer");
const APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const ASYNC: &str = "respond-async";

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum WorkKind {
    Learners,
    Programmes,
    Postcodes,
    Ilr,
    Demand,
    Vacancies,
    Survey,
    Services,
    Release,
}

impl From<&Task> for WorkKind {
    fn from(task: &Task) -> Self {
        match task {
            Task::Release(_) => Self::Release,
            Task::Import { kind, .. } => match kind {
                ImportKind::Learners => Self::Learners,
                ImportKind::Programmes => Self::Programmes,
                ImportKind::Postcodes => Self::Postcodes,
                ImportKind::Ilr => Self::Ilr,
                ImportKind::Demand => Self::Demand,
                ImportKind::Vacancies => Self::Vacancies,
                ImportKind::Survey => Self::Survey,
                ImportKind::Services => Self::Services,
            },
        }
    }
}

/// Whether it goes on, and how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum WorkState {
    /// It goes on and can be cancelled.
    Running,
    /// It is being stored: too late to cancel.
    Storing,
    /// `report` or `period` says what came of it.
    Done,
    /// Rows have problems, which `report` lists; nothing was stored.
    Refused,
    /// Nothing was stored.
    Cancelled,
    /// It could not be done, as `problem` says; nothing was stored, unless that says otherwise.
    Failed,
}

/// A piece of work.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Work)]
pub(super) struct WorkShown {
    id: String,
    kind: WorkKind,
    state: WorkState,
    begun: Timestamp,
    /// What is being done, in words; null once it has ended.
    #[schema(required)]
    phase: Option<&'static str>,
    /// How much of that is done: bytes of a file, steps of a release; null where nobody knows.
    #[schema(required)]
    done: Option<u64>,
    /// Of how much.
    #[schema(required)]
    total: Option<u64>,
    /// What an import did, or would have done; null otherwise.
    #[schema(required)]
    report: Option<Report>,
    /// The month that was prepared; null otherwise.
    #[schema(required)]
    period: Option<Period>,
    /// Why it could not be done; null otherwise.
    #[schema(required)]
    problem: Option<Problem>,
}

impl From<&Work> for WorkShown {
    fn from(work: &Work) -> Self {
        let share = work.progress.share();
        let phase = work.progress.phase();
        let mut shown = Self {
            id: work.id.clone(),
            kind: (&work.task).into(),
            state: match phase {
                Phase::Storing => WorkState::Storing,
                _ => WorkState::Running,
            },
            begun: work.begun,
            phase: Some(phase.in_words()),
            done: share.map(|(done, _)| done),
            total: share.map(|(_, total)| total),
            report: None,
            period: None,
            problem: None,
        };
        if let Some(outcome) = work.outcome() {
            shown.end(outcome);
        }
        shown
    }
}

impl WorkShown {
    fn end(&mut self, outcome: &Outcome) {
        (self.phase, self.done, self.total) = (None, None, None);
        self.state = match outcome {
            Outcome::Imported(report, _) => {
                self.report = Some(Report::from(&**report));
                match report.outcome {
                    Became::Refused => WorkState::Refused,
                    Became::Stored | Became::Checked => WorkState::Done,
                }
            }
            Outcome::Prepared(prepared) => {
                self.period = Some(prepared.release.period);
                WorkState::Done
            }
            outcome if outcome.is_cancelled() => WorkState::Cancelled,
            outcome => {
                self.problem = Some(Refused::failed(outcome).into_problem());
                WorkState::Failed
            }
        };
    }
}

/// Whether the caller would rather not wait.
pub(super) fn would_not_wait(headers: &HeaderMap) -> bool {
    let preferences = headers.get_all(PREFER).iter();
    let mut preferences = preferences
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','));
    preferences.any(|one| {
        let name = one.split([';', '=']).next().unwrap_or_default();
        name.trim().eq_ignore_ascii_case(ASYNC)
    })
}

/// 202: it is begun, and its address says how far it is.
pub(super) fn accepted(work: &Arc<Work>) -> Response {
    let address = format!("/api/v1/work/{}", work.id);
    let headers = [
        (header::LOCATION, address),
        (APPLIED, ASYNC.to_owned()),
        (header::VARY, PREFER.to_string()),
    ];
    let shown = Json(WorkShown::from(&**work));
    (StatusCode::ACCEPTED, headers, shown).into_response()
}

fn find(api: &Api, id: &str, person: &SignedIn) -> Result<Arc<Work>, Refused> {
    api.works.find(id, person).ok_or_else(none)
}

fn none() -> Refused {
    Refused::not_found(
        "There is no work of this id for you. What came of it can be asked for 15 minutes; if the server was started again meanwhile, the work ended with it and nothing of it was stored.",
    )
}

/// How far it is
///
/// Of an import or a release that was begun with `Prefer: respond-async`, or on a page. Coordinators see what the LEP's people began; an import's
/// report and its cancelling are its own person's alone. For 15 minutes after its end it says what came of it.
#[utoipa::path(
    get, path = "/api/v1/work/{id}", operation_id = "show_work", tag = NODE,
    params(("id" = String, Path, description = "From `Location` of the answer that began it.")),
    responses((status = 200, description = "The work.", body = WorkShown), super::ReadOne),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn show(
    State(api): State<Api>,
    Path(id): Path<String>,
    person: SignedIn,
    _none: Query<Nothing>,
) -> Result<Response, Refused> {
    let work = find(&api, &id, &person)?;
    let mut shown = WorkShown::from(&*work);
    if !work.is_for(&person) {
        shown.report = None;
    }
    let mut response = Json(shown).into_response();
    if work.outcome().is_none() {
        // Seconds after which it is worth asking again.
        let soon = HeaderValue::from_static("1");
        response.headers_mut().insert(header::RETRY_AFTER, soon);
    }
    Ok(response)
}

/// Cancel it
///
/// Nothing of it is stored then, as `cancelled` says. Work that was being stored already ends, and the answer says what came of it.
#[utoipa::path(
    delete, path = "/api/v1/work/{id}", operation_id = "cancel_work", tag = NODE,
    params(("id" = String, Path, description = "From `Location` of the answer that began it.")),
    responses((status = 200, description = "How it ended.", body = WorkShown), super::Forgets),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn cancel(
    State(api): State<Api>,
    Path(id): Path<String>,
    person: SignedIn,
    _none: Query<Nothing>,
) -> Result<Json<WorkShown>, Refused> {
    let work = find(&api, &id, &person)?;
    if !work.is_for(&person) {
        return Err(none());
    }
    work.progress.cancel();
    work.ended().await;
    Ok(Json(WorkShown::from(&*work)))
}
