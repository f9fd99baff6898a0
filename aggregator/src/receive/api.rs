//! `/api/v1/`: figures as JSON and CSV, each with its months, coverage and interval.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;
use ldsp_protocol::geography::region_name;
use ldsp_protocol::ids::{Digest, Gss};
use ldsp_protocol::problem::{self, Problem};
use ldsp_protocol::standard::Dimension;
use ldsp_ui::api::{Items, Limit, List, Query, Refusal};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::describe::{Anything, NoSuchPage, NotThere, RegionCode};
use super::{page, unknown};
use crate::Service;
use crate::benchmark::{
    Coverage, Figures, Finding, Group, LepFindings, LepStanding, Measure, Range, Snapshot, Status,
    to_csv,
};
use crate::etag::Handed;

/// All national figures.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Report {
    /// Size of the log that the figures stand on: its leaves, the log's own among them.
    size: u64,
    /// Digest of the data standard.
    #[schema(value_type = Digest)]
    standard: String,
    /// The months; null before the first release.
    range: Option<Range>,
    /// How much of England is in the figures.
    coverage: Coverage,
    /// England to date, by measure.
    national: Vec<Finding>,
    /// England to date, by dimension and measure.
    by: Vec<Breakdown>,
    /// The regions to date.
    regions: Vec<Group>,
    /// England, each month on its own.
    trend: Vec<Finding>,
}

/// England by one dimension of the standard.
#[derive(Debug, Serialize, ToSchema)]
struct Breakdown {
    dimension: Dimension,
    groups: Vec<Group>,
}

/// All figures
///
/// England by measure, dimension, region and month. A figure that may not be shown says why; `raw` is the unrounded
/// estimate behind it, which may be negative: use it to add figures up.
#[utoipa::path(
    get, path = "/api/v1/benchmarks", tag = "Figures", operation_id = "benchmarks",
    responses((status = 200, description = "The figures.", body = Report), Anything),
)]
pub(super) async fn benchmarks(
    State(service): State<Arc<Service>>,
    handed: Handed,
) -> Result<Json<Report>, Refusal> {
    let snapshot = handed.or_present(&service).await?;
    let by = Figures::BREAKDOWNS.into_iter().map(|dimension| Breakdown {
        dimension,
        groups: snapshot.by(dimension).to_vec(),
    });
    Ok(Json(Report {
        size: snapshot.size(),
        standard: service.standard.digest().to_string(),
        range: snapshot.range(),
        coverage: snapshot.coverage(),
        national: snapshot.national().to_vec(),
        by: by.collect(),
        regions: snapshot.regions().to_vec(),
        trend: trends(&snapshot),
    }))
}

fn trends(snapshot: &Snapshot) -> Vec<Finding> {
    Measure::ALL
        .into_iter()
        .flat_map(|measure| snapshot.trend(measure))
        .cloned()
        .collect()
}

/// All figures as one table
///
/// One row for each figure: England, its breakdowns, regions, LEPs, months. `z` is not applicable or not due yet, `low`
/// too few to say.
#[utoipa::path(
    get, path = "/api/v1/benchmarks.csv", tag = "Figures", operation_id = "benchmarks_csv",
    responses((status = 200, description = "The table, with a header.", body = String, content_type = "text/csv"), Anything),
)]
pub(super) async fn benchmarks_csv(
    State(service): State<Arc<Service>>,
    handed: Handed,
) -> Result<impl IntoResponse, Refusal> {
    let snapshot = handed.or_present(&service).await?;
    let by = Figures::BREAKDOWNS.into_iter().flat_map(|d| snapshot.by(d));
    let groups = by.chain(snapshot.regions()).flat_map(|g| &g.findings);
    let areas = snapshot.leps().iter().flat_map(|l| &l.findings);
    let trends = Measure::ALL.into_iter().flat_map(|m| snapshot.trend(m));
    let findings = snapshot
        .national()
        .iter()
        .chain(groups)
        .chain(areas)
        .chain(trends);
    let csv = to_csv(findings).map_err(|error| {
        tracing::error!(%error, "the benchmark table could not be written");
        Problem::new(problem::INTERNAL, "The table could not be written.")
    })?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"ldsp-benchmarks.csv\"",
        ),
    ];
    Ok((headers, csv))
}

/// Which LEPs to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// Only LEPs of this region.
    #[param(value_type = RegionCode, inline, required = false)]
    region: Option<Gss>,
    /// Only LEPs that are in the figures like this.
    #[param(value_type = Status, required = false)]
    status: Option<Status>,
    /// From `next` of the page before.
    #[param(value_type = String, required = false)]
    cursor: Option<String>,
    /// Items of a page; 50 where nothing is said.
    #[param(value_type = u32, required = false, minimum = 1, maximum = 100)]
    limit: Option<Limit>,
}

/// The LEPs
///
/// All 38 in the order of their codes, each with its totals to date and how it stands.
#[utoipa::path(
    get, path = "/api/v1/leps", tag = "Figures", operation_id = "leps", params(Asked),
    responses((status = 200, description = "A page of LEPs.", body = Items<LepStanding>), NoSuchPage),
)]
pub(super) async fn leps(
    State(service): State<Arc<Service>>,
    handed: Handed,
    Query(asked): Query<Asked>,
) -> Result<Json<Items<LepStanding>>, Refusal> {
    if let Some(code) = &asked.region
        && region_name(code).is_none()
    {
        return Err(unknown("region", "the code of a region, such as E12000005"));
    }
    let list = List::new("/api/v1/leps")
        .filter("region", asked.region.as_ref())
        .filter("status", asked.status.map(Status::id));
    let snapshot = handed.or_present(&service).await?;
    let leps = snapshot.leps().iter().filter(|lep| {
        let here = |code: &Gss| lep.region.code == code.as_str();
        asked.region.as_ref().is_none_or(here) && asked.status.is_none_or(|s| s == lep.status)
    });
    let key = |lep: &&LepStanding| lep.place.code.clone();
    let page = page(&list, asked.cursor.as_deref(), asked.limit, leps, key)?;
    Ok(Json(Items {
        items: page.items.into_iter().cloned().collect(),
        next: page.next,
    }))
}

/// One LEP's figures
///
/// Its totals to date, by tier and by district.
#[utoipa::path(
    get, path = "/api/v1/leps/{code}", tag = "Figures", operation_id = "lep",
    params(("code" = Gss, Path, description = "The LEP's code.", example = "E37000001")),
    responses((status = 200, description = "The figures.", body = LepFindings), NotThere),
)]
pub(super) async fn lep(
    State(service): State<Arc<Service>>,
    handed: Handed,
    Path(code): Path<String>,
) -> Result<Json<LepFindings>, Refusal> {
    let snapshot = handed.or_present(&service).await?;
    let code: Option<Gss> = code.parse().ok();
    let findings = code.and_then(|code| snapshot.lep(&code));
    findings.cloned().map(Json).ok_or_else(|| {
        Problem::new(
            problem::NOT_FOUND,
            "The address does not end in the code of a LEP, such as E37000001.",
        )
        .into()
    })
}
