//! Benchmark runs: figures that the log signed, and what they stand on.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;
use jiff::Timestamp;
use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::ids::Digest;
use ldsp_protocol::own;
use ldsp_protocol::problem::{self, Problem};
use ldsp_protocol::run::{MeasureFinding, Named, StandsOn};
use ldsp_protocol::statement::Kind;
use ldsp_ui::api::{Items, Limit, List, Query, Refusal};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::describe::{NoSuchPage, NotThere};
use super::number;
use crate::Service;
use crate::benchmark::Measure;
use crate::runs::{self, Run};
use crate::store::{Log as _, Span, StoreError};

/// All figures at one state of the log, signed by its key.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct RunEntry {
    /// Place of the run in the log, from 0.
    index: u64,
    /// What its figures stand on.
    stands_on: StandsOn,
    /// One for each measure.
    findings: Vec<FindingEntry>,
    /// When it was made; for people, never for order.
    received: Timestamp,
    /// Identity of the statement: SHA-256 of the bytes that were signed.
    pae: Digest,
    /// Address of the exact envelope.
    envelope: String,
    /// Address of the log's receipt for it.
    receipt: String,
}

/// The figures of one measure, a statement of its own.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct FindingEntry {
    /// What is measured.
    measure: Measure,
    /// Identity of the statement: SHA-256 of the bytes that were signed.
    pae: Digest,
    /// Address of its figures.
    figures: String,
    /// Address of the exact envelope.
    envelope: String,
    /// Address of the log's receipt for it.
    receipt: String,
}

fn envelope(seq: u64) -> String {
    format!("/v1/nodes/{}/statements/{seq}", own::NAME)
}

impl RunEntry {
    fn new(run: Run) -> Self {
        let index = run.index;
        let finding = |named: Named| FindingEntry {
            measure: named.measure,
            pae: named.pae,
            figures: format!(
                "/api/v1/benchmark-runs/{index}/findings/{}",
                named.measure.id()
            ),
            envelope: envelope(named.seq),
            receipt: format!("{}/receipt", envelope(named.seq)),
        };
        Self {
            index,
            stands_on: run.run.stands_on,
            findings: run.run.findings.into_iter().map(finding).collect(),
            received: run.received,
            pae: run.pae,
            envelope: envelope(run.seq),
            receipt: format!("{}/receipt", envelope(run.seq)),
        }
    }
}

/// Which page.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// From `next` of the page before.
    #[param(value_type = String, required = false)]
    cursor: Option<String>,
    /// Items of a page; 50 where nothing is said.
    #[param(value_type = u32, required = false, minimum = 1, maximum = 100)]
    limit: Option<Limit>,
}

/// The benchmark runs
///
/// Newest first: each froze every figure at one state of the log. They name the very statements that they stand on, so that
/// anybody can make them again to the byte (`ldsp-node verify finding --recompute`).
#[utoipa::path(
    get, path = "/api/v1/benchmark-runs", tag = "Figures", operation_id = "benchmark_runs", params(Asked),
    responses((status = 200, description = "A page of runs.", body = Items<RunEntry>), NoSuchPage),
)]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Query(asked): Query<Asked>,
) -> Result<Json<Items<RunEntry>>, Refusal> {
    let list = List::new("/api/v1/benchmark-runs");
    let limit = asked.limit.unwrap_or_default();
    let before = list.after(asked.cursor.as_deref())?;
    let span = before.map_or(Span::Newest, Span::Before);
    let kinds = [Kind::BenchmarkRun];
    let found = service.store.announced(&kinds, span, limit.get() + 1);
    let page = list.page(found.await?, limit, |statement| statement.index);
    let mut items = Vec::with_capacity(page.items.len());
    for statement in &page.items {
        items.extend(Run::of(statement)?.map(RunEntry::new));
    }
    Ok(Json(Items {
        items,
        next: page.next,
    }))
}

async fn find(service: &Service, index: &str) -> Result<Run, Refusal> {
    let missing = || {
        Problem::new(
            problem::NOT_FOUND,
            "No benchmark run stands at this place of the log.",
        )
    };
    let index = number(index)?;
    Ok(runs::at(&service.store, index).await?.ok_or_else(missing)?)
}

/// One benchmark run
///
/// What it stands on, and its findings.
#[utoipa::path(
    get, path = "/api/v1/benchmark-runs/{index}", tag = "Figures", operation_id = "benchmark_run",
    params(("index" = u64, Path, description = "Its place in the log.", minimum = 1, maximum = 999_999_999_999_999_999_i64)),
    responses((status = 200, description = "The run.", body = RunEntry), NotThere),
)]
pub(super) async fn one(
    State(service): State<Arc<Service>>,
    Path(index): Path<String>,
) -> Result<Json<RunEntry>, Refusal> {
    Ok(Json(RunEntry::new(find(&service, &index).await?)))
}

/// A run's figures of one measure
///
/// As they were signed, digit for digit: England to date, England by each dimension, the regions, the LEPs.
#[utoipa::path(
    get, path = "/api/v1/benchmark-runs/{index}/findings/{measure}", tag = "Figures", operation_id = "benchmark_finding",
    params(
        ("index" = u64, Path, description = "The run's place in the log.", minimum = 1, maximum = 999_999_999_999_999_999_i64),
        ("measure" = Measure, Path, description = "The id of a measure."),
    ),
    responses((status = 200, description = "The figures.", body = MeasureFinding), NotThere),
)]
pub(super) async fn finding(
    State(service): State<Arc<Service>>,
    Path((index, measure)): Path<(String, String)>,
) -> Result<impl IntoResponse, Refusal> {
    let run = find(&service, &index).await?;
    let mut named = run.run.findings.iter();
    let named = named.find(|named| named.measure.id() == measure);
    let named = named.ok_or_else(|| {
        Problem::new(
            problem::NOT_FOUND,
            "The run has no figures of this measure.",
        )
    })?;
    let statement = runs::statement(&service.store, named).await?;
    let payload = payload(&statement.envelope).ok_or_else(|| StoreError::Corrupt {
        table: "own_statement",
        column: "envelope",
        row: statement.index.to_string(),
    })?;
    Ok(([(header::CONTENT_TYPE, "application/json")], payload))
}

/// The exact text of an envelope's payload: numbers that were read and written again might end in another digit.
fn payload(envelope: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Said<'a> {
        #[serde(borrow)]
        payload: &'a RawValue,
    }
    let unverified = Unverified::parse(envelope).ok()?;
    let said: Said<'_> = serde_json::from_slice(unverified.unverified_body()).ok()?;
    Some(said.payload.get().to_owned())
}
