//! Exchange with the Skills Advisory Panel: what is done twice or late, files of agreed items, files of the panel.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use ldsp_protocol::problem::{self, Problem};
use ldsp_ui::SignedIn;
use ldsp_ui::api::Query;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::FieldProblem;
use super::sent::Sent;
use super::{Api, EXCHANGE, Nothing, Refused};
use crate::exchange::overlap::Found;
use crate::exchange::{self, Defect, Read, Standing, Taken, Ungiven, give};
use crate::words::sentence;

/// What is amiss.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Overlaps {
    items: Vec<Found>,
}

/// What is collected twice, late or by nobody
///
/// By the register of data items and the panel's files, in the present month.
#[utoipa::path(
    get, path = "/api/v1/exchange/overlap", operation_id = "list_overlaps", tag = EXCHANGE,
    responses((status = 200, description = "What is amiss; nothing: an empty list.", body = Overlaps), super::Read),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn overlap(
    State(api): State<Api>,
    _none: Query<Nothing>,
) -> Result<Json<Overlaps>, Refused> {
    let standing = Standing::read(&api.node.store, (api.clock)()).await?;
    Ok(Json(Overlaps {
        items: standing.found,
    }))
}

/// Two files in the layout of explore education statistics.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PanelFilesGiven)]
pub(super) struct Given {
    item: String,
    /// The data file, CSV.
    data: String,
    /// The file about its columns, CSV.
    meta: String,
}

/// The file of an agreed item
///
/// Estimates of approved releases, whole academic years: what anybody can work out from what is published.
#[utoipa::path(
    get, path = "/api/v1/exchange/export/{item}", operation_id = "export_item", tag = EXCHANGE,
    params(("item" = String, Path, description = "`enrolments` or `achievements`.")),
    responses((status = 200, description = "Both files.", body = Given), super::GivesItem),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn export(
    State(api): State<Api>,
    Path(item): Path<String>,
    _none: Query<Nothing>,
) -> Result<Json<Given>, Refused> {
    let files = match give(&api.node.store, &item, (api.clock)()).await {
        Ok(sheet) => sheet.files(),
        Err(Ungiven::Unknown) => {
            return Err(Refused::not_found(
                "This node makes no file of that data item.",
            ));
        }
        Err(Ungiven::Release(error)) => return Err(error.into()),
        Err(ungiven) => {
            let (reason, next) = ungiven.said();
            let mut problem = Problem::new(problem::NO_ITEM, sentence(&reason));
            problem.next = next.to_owned();
            return Err(problem.into());
        }
    };
    Ok(Json(Given {
        item,
        data: files.data,
        meta: files.meta,
    }))
}

/// Files of the panel.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Brought {
    /// Code of the data item.
    item: String,
    /// The data file, CSV.
    data: String,
    /// The file about its columns, CSV.
    meta: String,
    /// Look at them and keep nothing.
    #[serde(default)]
    check: bool,
}

/// What became of the panel's files.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Became {
    /// Number of the file; null: it was checked only.
    #[schema(required)]
    id: Option<i64>,
    /// The very same file was kept before; nothing was added.
    already: bool,
    /// Rows of the LEP's kind of places.
    rows: usize,
    /// Rows of other places, which are left out.
    left_out: usize,
    /// Pairs of `time_period` and `time_identifier`, earliest first.
    periods: Vec<(String, String)>,
}

impl Became {
    fn of(read: Read, id: Option<i64>, already: bool) -> Self {
        Self {
            id,
            already,
            rows: read.sheet.rows.len(),
            left_out: read.left_out,
            periods: read.periods,
        }
    }
}

impl From<Defect> for FieldProblem {
    fn from(defect: Defect) -> Self {
        let column = match defect.column.as_str() {
            "" => String::new(),
            column => format!(", column {column}"),
        };
        let cause = format!("Line {}{column}: {}", defect.line, defect.cause);
        Self::found(defect.file, defect.code, cause, defect.remedy)
    }
}

/// Bring in files of the panel
///
/// Every defect of both files is told in one answer, and nothing of files with a defect is kept.
#[utoipa::path(
    post, path = "/api/v1/exchange/files", operation_id = "bring_panel_file", tag = EXCHANGE,
    request_body = Brought,
    responses(
        (status = 200, description = "They were checked, or the very same files are kept already.", body = Became),
        (status = 201, description = "They are kept.", body = Became),
        (status = 422, description = "The files have defects; nothing was kept. (`form`)", body = Refused,
            content_type = "application/problem+json"),
        super::TakesJson
    ),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn take(
    State(api): State<Api>,
    person: SignedIn,
    _none: Query<Nothing>,
    Sent(sent): Sent<Brought>,
) -> Result<Response, Refused> {
    let files = (sent.data.as_bytes(), sent.meta.as_bytes());
    let by = (person.name.as_str(), (api.clock)());
    let taken = exchange::take(&api.node.store, &sent.item, files, sent.check, by).await;
    Ok(match taken {
        Ok(Taken::Checked(read)) => Json(Became::of(read, None, false)).into_response(),
        Ok(Taken::Already(read)) => Json(Became::of(read, None, true)).into_response(),
        Ok(Taken::Kept(read, id)) => {
            (StatusCode::CREATED, Json(Became::of(read, Some(id), false))).into_response()
        }
        Err(exchange::Refused::Store(error)) => return Err(error.into()),
        Err(exchange::Refused::Item) => {
            let cause = "This is no code of a data item.".to_owned();
            return Err(Refused::fields(vec![FieldProblem::unfit("item", cause)]));
        }
        Err(exchange::Refused::Defects(defects)) => {
            let all = defects.detailed.into_iter().map(FieldProblem::from);
            return Err(Refused::fields(all.collect()));
        }
    })
}
