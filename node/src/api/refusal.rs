//! Why a program is refused: a problem of the catalogue, with what the kind of problem adds to it.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use ldsp_protocol::problem::{self, MEDIA_TYPE, Problem};
use ldsp_ui::api::Refusal;
use serde::Serialize;
use utoipa::ToSchema;

use super::imports::Report;
use super::model::FieldProblem;
use crate::import::ImportError;
use crate::release::ReleaseError;
use crate::revision::RevisionError;
use crate::rights::RightsError;
use crate::store::StoreError;
use crate::work::Outcome;

/// Seconds after which another file may be taken.
const FILE_TAKES: HeaderValue = HeaderValue::from_static("10");

/// A problem (RFC 9457) with the members that this interface adds.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Refused {
    #[serde(flatten)]
    problem: Box<Problem>,
    /// What stands against it, for programs (kinds `release`, `answering` and `enrolment`).
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// What is wrong with the file, row by row (kind `import`).
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<Box<Report>>,
    /// What is wrong with the members that were sent (kind `form`).
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<Vec<FieldProblem>>,
}

impl Refused {
    /// The problem of a file whose rows are refused.
    pub(super) fn file(report: Report) -> Self {
        let problem = Problem::new(problem::IMPORT, report.in_words());
        Self {
            report: Some(Box::new(report)),
            ..problem.into()
        }
    }

    /// The problem of members that are refused.
    pub(super) fn fields(fields: Vec<FieldProblem>) -> Self {
        let detail = "Nothing was stored; `fields` lists every problem.";
        Self {
            fields: Some(fields),
            ..Problem::new(problem::FORM, detail).into()
        }
    }

    /// A problem with the stable name of what stands against it.
    pub(super) fn because(problem: Problem, reason: &'static str) -> Self {
        Self {
            reason: Some(reason),
            ..problem.into()
        }
    }

    /// Why work did not come to a good end.
    pub(super) fn failed(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::NotImported(error) => error.into(),
            Outcome::NotPrepared(error) => error.into(),
            Outcome::Broken | Outcome::Imported(..) | Outcome::Prepared(_) => {
                Problem::new(problem::INTERNAL, "It stopped. Nothing was stored.").into()
            }
        }
    }

    pub(super) fn into_problem(self) -> Problem {
        *self.problem
    }

    pub(super) fn not_found(detail: &str) -> Self {
        Problem::new(problem::NOT_FOUND, detail).into()
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self {
            problem: Box::new(problem),
            reason: None,
            report: None,
            fields: None,
        }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        refusal.0.into()
    }
}

impl From<sqlx::Error> for Refused {
    fn from(error: sqlx::Error) -> Self {
        StoreError::from(error).into()
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        (&error).into()
    }
}

/// The cause goes to the log.
impl From<&StoreError> for Refused {
    fn from(error: &StoreError) -> Self {
        tracing::error!(%error, next = error.next(), "the store refused");
        match error {
            StoreError::Corrupt { .. } => Problem::new(
                problem::INTERNAL,
                "A stored row is damaged; its place is in the node's log.",
            ),
            error if error.is_fatal() => Problem::new(
                problem::UNCONFIRMED,
                "The node ends now and reads back what is there when it is started again.",
            ),
            error => {
                let mut problem =
                    Problem::new(problem::STORAGE, "The node's database could not be used.");
                problem.next = error.next().to_owned();
                problem
            }
        }
        .into()
    }
}

impl From<ReleaseError> for Refused {
    fn from(error: ReleaseError) -> Self {
        (&error).into()
    }
}

impl From<&ReleaseError> for Refused {
    fn from(error: &ReleaseError) -> Self {
        let kind = match error {
            ReleaseError::Store(error) => return error.into(),
            ReleaseError::Unknown(_) => problem::NOT_FOUND,
            ReleaseError::NotCoordinator(_) | ReleaseError::NotApprover(_) => problem::ROLE,
            ReleaseError::OwnWork(_) => problem::OWN_WORK,
            ReleaseError::Overspent(_) => problem::BUDGET,
            _ => problem::RELEASE,
        };
        let mut problem = Problem::new(kind, sentence(&error.to_string()));
        if [problem::RELEASE, problem::BUDGET].contains(&kind) {
            problem.next = error.next().to_owned();
        }
        match kind == problem::RELEASE {
            true => Self::because(problem, error.code()),
            false => problem.into(),
        }
    }
}

impl From<RevisionError> for Refused {
    fn from(error: RevisionError) -> Self {
        let kind = match error {
            RevisionError::Store(error) => return error.into(),
            RevisionError::Unknown(_) => problem::NOT_FOUND,
            RevisionError::NotApprover(_) => problem::ROLE,
            RevisionError::Stands(_)
            | RevisionError::Entry(_)
            | RevisionError::Again { .. }
            | RevisionError::OtherCells(_)
            | RevisionError::Gone(_)
            | RevisionError::LaterMonth { .. }
            | RevisionError::Unfit(_) => problem::CORRECTION,
            _ => problem::WITHDRAWAL,
        };
        let mut problem = Problem::new(kind, sentence(&error.to_string()));
        if [problem::CORRECTION, problem::WITHDRAWAL].contains(&kind) {
            problem.next = error.next().to_owned();
        }
        problem.into()
    }
}

/// What was typed is not repeated.
impl From<RightsError> for Refused {
    fn from(error: RightsError) -> Self {
        let kind = match &error {
            RightsError::Unfit(_) => problem::REQUEST,
            RightsError::NoPeriod | RightsError::Configured => problem::RETENTION,
            RightsError::Changed => problem::CHANGED_MEANWHILE,
            RightsError::Months | RightsError::Reason(_) => problem::FORM,
            RightsError::Journal(error) => {
                tracing::error!(%error, "the journal of erasures cannot be used");
                problem::STORAGE
            }
            RightsError::Store(_) => problem::STORAGE,
        };
        let next = error.next().to_owned();
        match error {
            RightsError::Store(error) => error.into(),
            RightsError::Journal(_) => {
                let detail = "The journal of erasures beside the database cannot be used. Nothing was erased.";
                let mut problem = Problem::new(kind, detail);
                problem.next = next;
                problem.into()
            }
            error => {
                let mut problem = Problem::new(kind, sentence(&error.to_string()));
                problem.next = next;
                problem.into()
            }
        }
    }
}

impl From<&ImportError> for Refused {
    fn from(error: &ImportError) -> Self {
        tracing::error!(%error, "an import did not run to its end");
        match error {
            ImportError::Store(error) => error.into(),
            error @ (ImportError::Sample | ImportError::NoNode) => {
                let mut problem = Problem::new(problem::IMPORT_BUSY, sentence(&error.to_string()));
                problem.next = error.next().to_owned();
                problem.into()
            }
            ImportError::Stopped => {
                Problem::new(problem::INTERNAL, "The import stopped. Nothing was stored.").into()
            }
            error @ ImportError::Cancelled(_) => {
                let detail = "Somebody cancelled it, or the server ends. Nothing was stored.";
                let mut problem = Problem::new(problem::IMPORT_BUSY, detail);
                problem.next = error.next().to_owned();
                problem.into()
            }
            ImportError::Read(_) => Problem::new(
                problem::STORAGE,
                "The file that was sent could not be read back.",
            )
            .into(),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let is_busy = self.problem.code == problem::IMPORT_BUSY.code;
        let (parts, _) = Refusal((*self.problem).clone())
            .into_response()
            .into_parts();
        let mut response = (parts.status, axum::Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.extend(parts.headers);
        headers.remove(header::CONTENT_LENGTH);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if is_busy {
            headers.insert(header::RETRY_AFTER, FILE_TAKES);
        }
        response
    }
}

/// `text` with a capital and a full stop.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string());
    format!(
        "{}{}.",
        first.unwrap_or_default(),
        letters.as_str().trim_end_matches('.')
    )
}
