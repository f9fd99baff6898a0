//! What is measured and how.

use axum::Json;
use ldsp_ui::api::{Items, Limit, List, Query, Refusal};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::describe::NoSuchPage;
use super::page;
use crate::benchmark::Measure;

/// A measure.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct MeasureEntry {
    /// By which figures name it.
    id: Measure,
    /// For people.
    title: &'static str,
    /// Over figures that nodes publish.
    formula: &'static str,
    /// A count of enrolments, or a share of them from 0 to 1.
    unit: Unit,
    /// Whose definition it is.
    source: &'static str,
}

/// What a figure counts in.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum Unit {
    Enrolments,
    Share,
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

/// The measures
///
/// What is measured, by which formula, and whose definition it is; in the order in which people should read them.
#[utoipa::path(
    get, path = "/api/v1/measures", tag = "Figures", operation_id = "measures", params(Asked),
    responses((status = 200, description = "A page of measures.", body = Items<MeasureEntry>), NoSuchPage),
)]
pub(super) async fn list(Query(asked): Query<Asked>) -> Result<Json<Items<MeasureEntry>>, Refusal> {
    let list = List::new("/api/v1/measures");
    let all = Measure::ALL.into_iter().enumerate();
    let page = page(
        &list,
        asked.cursor.as_deref(),
        asked.limit,
        all,
        |(at, _)| *at,
    )?;
    let entry = |(_, measure): (usize, Measure)| MeasureEntry {
        id: measure,
        title: measure.title(),
        formula: measure.formula(),
        unit: if measure.is_rate() {
            Unit::Share
        } else {
            Unit::Enrolments
        },
        source: measure.source(),
    };
    Ok(Json(Items {
        items: page.items.into_iter().map(entry).collect(),
        next: page.next,
    }))
}
