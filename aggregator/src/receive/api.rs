//! `/api/v1/`: figures as JSON and CSV, each with its months, coverage and interval.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;
use ldsp_protocol::ids::Gss;
use ldsp_protocol::problem::{self, Problem};
use ldsp_protocol::standard::Dimension;
use serde::Serialize;

use super::Refusal;
use crate::Service;
use crate::benchmark::{
    Coverage, Finding, Group, LepFindings, LepStanding, Measure, Range, Snapshot, to_csv,
};

/// All national figures.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// Number of logged statements that the figures stand on.
    size: u64,
    standard: String,
    range: Option<Range>,
    coverage: Coverage,
    national: Vec<Finding>,
    by: Vec<Breakdown>,
    regions: Vec<Group>,
    trend: Vec<Finding>,
}

#[derive(Debug, Serialize)]
struct Breakdown {
    dimension: Dimension,
    groups: Vec<Group>,
}

pub(super) async fn nodes(
    State(service): State<Arc<Service>>,
) -> Result<Json<Vec<LepStanding>>, Refusal> {
    Ok(Json(service.snapshot().await?.leps().to_vec()))
}

pub(super) async fn benchmarks(
    State(service): State<Arc<Service>>,
) -> Result<Json<Report>, Refusal> {
    let snapshot = service.snapshot().await?;
    let by = Snapshot::BREAKDOWNS.into_iter().map(|dimension| Breakdown {
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

/// Every figure of the benchmark as one table: England, its breakdowns, regions, LEPs, months.
pub(super) async fn benchmarks_csv(
    State(service): State<Arc<Service>>,
) -> Result<impl IntoResponse, Refusal> {
    let snapshot = service.snapshot().await?;
    let by = Snapshot::BREAKDOWNS
        .into_iter()
        .flat_map(|d| snapshot.by(d));
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

pub(super) async fn lep(
    State(service): State<Arc<Service>>,
    Path(code): Path<String>,
) -> Result<Json<LepFindings>, Refusal> {
    let snapshot = service.snapshot().await?;
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
