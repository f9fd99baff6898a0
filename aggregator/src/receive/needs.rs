//! `/api/v1/needs`: what areas ask for and what they offer, added up, as JSON and CSV.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use ldsp_protocol::problem::{self, Problem};
use ldsp_ui::api::{Query, Refusal};
use serde::Deserialize;
use utoipa::IntoParams;

use super::describe::{NoSuchPlace, PlaceCode};
use super::unknown;
use crate::Service;
use crate::etag::Handed;
use crate::needs::{Area, Report, report, to_csv};

/// Of which place.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// The code of England, a region or a LEP; England where nothing is said.
    #[param(value_type = PlaceCode, inline, required = false, example = "E37000001")]
    place: Option<String>,
}

impl Asked {
    fn area(&self) -> Result<Area, Refusal> {
        let Some(place) = &self.place else {
            return Ok(Area::England);
        };
        let expected = "the code of England, a region or a LEP, such as E92000001 or E37000001";
        place.parse().map_err(|()| unknown("place", expected))
    }
}

async fn of(service: &Service, handed: Handed, asked: &Asked) -> Result<Report, Refusal> {
    let area = asked.area()?;
    let snapshot = handed.or_present(service).await?;
    Ok(report(&snapshot, &area, service.today()))
}

/// Needs
///
/// What organisations ask for, what people who were asked need and what is offered, by skill, as LEPs published it, with the statements that
/// it stands on. Numbers wanted are at least so many: what would tell one organisation's is kept back. A count of people has noise: with its
/// variance it can be added up, and one that may not be shown says so in the table.
#[utoipa::path(
    get, path = "/api/v1/needs", tag = "Figures", operation_id = "needs", params(Asked),
    responses((status = 200, description = "The picture.", body = Report), NoSuchPlace),
)]
pub(super) async fn needs(
    State(service): State<Arc<Service>>,
    handed: Handed,
    Query(asked): Query<Asked>,
) -> Result<Json<Report>, Refusal> {
    of(&service, handed, &asked).await.map(Json)
}

/// Needs as a table
///
/// Tidy: one row for each figure of each skill. `z` is not told or not applicable, `low` too few to say.
#[utoipa::path(
    get, path = "/api/v1/needs.csv", tag = "Figures", operation_id = "needs_csv", params(Asked),
    responses((status = 200, description = "The table, with a header.", body = String, content_type = "text/csv"), NoSuchPlace),
)]
pub(super) async fn needs_csv(
    State(service): State<Arc<Service>>,
    handed: Handed,
    Query(asked): Query<Asked>,
) -> Result<impl IntoResponse, Refusal> {
    let report = of(&service, handed, &asked).await?;
    let csv = to_csv(&report).map_err(|error| {
        tracing::error!(%error, "the table of needs could not be written");
        Problem::new(problem::INTERNAL, "The table could not be written.")
    })?;
    let name = format!("ldsp-needs-{}.csv", report.place.code);
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    Ok((headers, csv))
}
