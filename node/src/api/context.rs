//! What others published about the area, its districts, its region and England.

use axum::Json;
use axum::extract::State;
use ldsp_ui::api::Query;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Api, CONTEXT, Nothing, Refused};
use crate::context::{Level, Places, Published};

/// A figure as it was published.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PublishedFigure)]
pub(crate) struct Figure {
    /// Stable name of what is measured.
    measure: &'static str,
    title: &'static str,
    /// What is counted; `percent`: a share already.
    unit: &'static str,
    /// `2019`, or of an academic year `201920`.
    year: String,
    level: Level,
    /// GSS code of the area.
    code: String,
    name: String,
    /// Null: there is none, see `symbol`.
    #[schema(required)]
    value: Option<u64>,
    /// Why there is no value: `z` not applicable, `x` not available, `c` suppressed, `low`, `u` of low reliability. Null: there is one.
    #[schema(required)]
    symbol: Option<&'static str>,
    /// The share of what it is a part of, 0 to 100; null: of nothing.
    #[schema(required)]
    percent: Option<f64>,
    /// What the area was then, where that is not today’s; else null.
    #[schema(required)]
    was: Option<&'static str>,
    source: Source,
}

/// Who published it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FigureSource)]
struct Source {
    publisher: &'static str,
    title: &'static str,
    licence: &'static str,
}

/// What was published.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PublishedFigures)]
pub(crate) struct Figures {
    items: Vec<Figure>,
}

impl From<Published> for Figure {
    fn from(row: Published) -> Self {
        Self {
            measure: &row.measure.id,
            title: &row.measure.title,
            unit: &row.measure.unit,
            year: row.year.to_string(),
            level: row.level,
            code: row.code.to_string(),
            name: row.name,
            value: row.figure.value.ok(),
            symbol: row.figure.value.err().map(|symbol| symbol.as_str()),
            percent: row.percent,
            was: row.figure.was,
            source: Source {
                publisher: &row.figure.source.publisher,
                title: &row.figure.source.title,
                licence: &row.figure.source.licence,
            },
        }
    }
}

impl Figures {
    pub(crate) fn of(places: &Places) -> Self {
        Self {
            items: places.figures().into_iter().map(Figure::from).collect(),
        }
    }

    /// Those of one measure, where one is named.
    pub(crate) fn only(mut self, measure: Option<&str>) -> Self {
        self.items
            .retain(|figure| measure.is_none_or(|id| figure.measure == id));
        self
    }
}

/// England’s figures
///
/// What others published about this LEP, its districts, its region and England, by measure and year (docs/context.md). Nothing of it is this
/// node’s own; while the node has no LEP there is nothing.
#[utoipa::path(
    get, path = "/api/v1/context", operation_id = "list_context_figures", tag = CONTEXT,
    responses((status = 200, description = "Every figure.", body = Figures), super::Read),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn figures(
    State(api): State<Api>,
    _none: Query<Nothing>,
) -> Result<Json<Figures>, Refused> {
    let lep = api.node.chosen();
    let places = lep.and_then(|lep| Places::of(&lep));
    let none = || Figures { items: Vec::new() };
    Ok(Json(places.as_ref().map_or_else(none, Figures::of)))
}
