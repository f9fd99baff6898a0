//! The gathering board: what is known of demand and provision, and what is missing.

use axum::Json;
use axum::extract::State as Extract;
use ldsp_protocol::ids::Gss;
use ldsp_protocol::standard::{Dimension, Standard};
use ldsp_ui::api::Query;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Api, GATHERING, Nothing, Refused};
use crate::gathering::{Gathered, Side, State};
use crate::import::london_day;
use crate::model::demand::WHOLE;
use crate::model::gathering::skills;
use crate::store::gathering::About;

/// A skill in an area.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GatheringPlace)]
pub(crate) struct Place {
    /// `demand` or `provision`.
    about: &'static str,
    /// A code of the data standard.
    skill: &'static str,
    /// GSS code of a district, or `whole`.
    area: String,
    state: State,
    /// Needs that are recorded of this very area, or services on offer in it.
    records: usize,
    /// The day of the newest of what the state goes by; `null`: none.
    #[schema(format = Date)]
    newest: Option<String>,
    /// `counted`, `estimated` or `guessed`: the surest need; `null` for provision.
    sure: Option<&'static str>,
    /// Number of the gathering task by which what is missing is still to come; `null`: none.
    task: Option<i64>,
    /// Whether that was due before today.
    overdue: bool,
}

/// What is known, and what is missing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GatheringBoard)]
pub(crate) struct Places {
    items: Vec<Place>,
    /// Needs that name a tier and no skill, as surveys do: they fill no place of a skill.
    tiers: Vec<TierPlace>,
}

/// Needs of a tier in an area that name no skill.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GatheringTierPlace)]
struct TierPlace {
    /// A code of the data standard.
    tier: &'static str,
    /// GSS code of a district, or `whole`.
    area: String,
    state: State,
    /// Needs that are recorded of this very area.
    records: usize,
    /// The day of the newest of what the state goes by; `null`: none.
    #[schema(format = Date)]
    newest: Option<String>,
    /// `counted`, `estimated` or `guessed`: the surest need; `null`: none.
    sure: Option<&'static str>,
}

fn area_id(area: Option<&Gss>) -> String {
    area.map_or(WHOLE.to_owned(), ToString::to_string)
}

impl Places {
    pub(crate) fn of(gathered: &Gathered) -> Self {
        let board = &gathered.board;
        let mut items = Vec::new();
        for about in About::ALL {
            for (at, skill, _) in skills() {
                let sides = board.side(about).get(&at).into_iter().flatten();
                let places = board.areas.iter().zip(sides);
                items.extend(
                    places
                        .map(|(area, side)| Place::of(about, skill, area_id(area.as_ref()), side)),
                );
            }
        }
        let codes = &Standard::current().dimension(Dimension::Tier).codes;
        let mut tiers = Vec::new();
        for (tier, sides) in &board.tiers {
            let tier = codes.get(usize::from(*tier));
            let tier = tier.map_or("", |code| code.id.as_str());
            let places = board.areas.iter().zip(sides);
            tiers.extend(places.map(|(area, side)| TierPlace {
                tier,
                area: area_id(area.as_ref()),
                state: side.state,
                records: side.own.len(),
                newest: side.newest.map(|day| day.to_string()),
                sure: side.sure.map(|sure| sure.id()),
            }));
        }
        Self { items, tiers }
    }
}

impl Place {
    fn of(about: About, skill: &'static str, area: String, side: &Side) -> Self {
        Self {
            about: about.id(),
            skill,
            area,
            state: side.state,
            records: side.own.len(),
            newest: side.newest.map(|day| day.to_string()),
            sure: side.sure.map(|sure| sure.id()),
            task: side.task,
            overdue: side.is_overdue,
        }
    }
}

/// What is known, and what is missing
///
/// Every skill of the data standard in the LEP as a whole and in each of its districts, of demand and of provision, today.
#[utoipa::path(
    get, path = "/api/v1/gathering", operation_id = "show_gathering_board", tag = GATHERING,
    responses((status = 200, description = "Every place of the board.", body = Places), super::Read),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn board(
    Extract(api): Extract<Api>,
    _none: Query<Nothing>,
) -> Result<Json<Places>, Refused> {
    let today = london_day((api.clock)());
    let gathered = Gathered::read(&api.node.store, today).await?;
    Ok(Json(Places::of(&gathered)))
}
