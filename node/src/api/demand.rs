//! What demand adds up to, and which of it may be told outside.

use axum::Json;
use axum::extract::State;
use ldsp_protocol::ids::Gss;
use ldsp_protocol::standard::{Dimension, Standard};
use ldsp_ui::api::Query;
use ldsp_ui::{Access, SignedIn};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Api, NEEDS, Nothing, Refused};
use crate::demand::summary::{self as added_up, Block, Skill, Sum, Summary};
use crate::import::london_day;
use crate::model::demand::WHOLE;
use crate::pages::STAFF;
use crate::store::demand::Demand;
use crate::store::kept::Stored;

/// Whether a sum may be told outside the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = DemandTold)]
pub(crate) enum Told {
    /// It may.
    Yes,
    /// It counts people who were asked.
    People,
    /// Few organisations make it up, or it is not known how many.
    Few,
    /// Something under it may not be told.
    Under,
    /// There is no number: its sources suppressed all of them.
    NotPublished,
}

impl From<added_up::Told> for Told {
    fn from(told: added_up::Told) -> Self {
        match told {
            added_up::Told::Yes => Self::Yes,
            added_up::Told::People => Self::People,
            added_up::Told::Few => Self::Few,
            added_up::Told::Under => Self::Under,
            added_up::Told::NotPublished => Self::NotPublished,
        }
    }
}

/// A sum.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DemandSum)]
pub(crate) struct Added {
    /// A code of the data standard; null: not stated.
    #[schema(required)]
    skill: Option<&'static str>,
    /// A code of the data standard, where the skill is not stated; else null.
    #[schema(required)]
    tier: Option<&'static str>,
    /// GSS code of a district, or `whole`; null: as `skills` says.
    #[schema(required)]
    area: Option<String>,
    /// Null: not published, or not for who asks. One that may not be told is exact: do not share it.
    #[schema(required)]
    number: Option<u64>,
    /// Records that it adds up.
    records: usize,
    /// Of these records, those whose number was not published.
    not_published: usize,
    /// `counted`, `estimated` or `guessed`: the least sure of them.
    sure: &'static str,
    /// How they were learnt.
    how: Vec<&'static str>,
    told: Told,
}

/// Sums of one unit: never add them to another’s.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DemandBlock)]
pub(crate) struct Unit {
    /// Whether people ask for themselves; else employers, charities and public bodies.
    people_ask: bool,
    /// What is counted: `people`, `employers` or `vacancies`.
    counts: &'static str,
    /// By skill and place.
    cells: Vec<Added>,
    /// By skill: of the whole area where that is recorded, else of its districts together.
    skills: Vec<Added>,
}

/// What demand adds up to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DemandSummary)]
pub(crate) struct Sums {
    items: Vec<Unit>,
    /// Records that are left out because their last day is over.
    over: usize,
    /// Records that are left out because a newer year of the same survey is there.
    older: usize,
}

impl Added {
    fn of(key: Skill, area: Option<String>, sum: &Sum, sees_exact: bool) -> Self {
        let code = |dimension, at: u8| {
            let codes = &Standard::current().dimension(dimension).codes;
            codes.get(usize::from(at)).map(|code| code.id.as_str())
        };
        let told = Told::from(sum.told);
        let is_shown = told == Told::Yes || sees_exact && told != Told::NotPublished;
        Self {
            skill: code(Dimension::Skill, key.skill).filter(|_| key.tier.is_none()),
            tier: key.tier.and_then(|tier| code(Dimension::Tier, tier)),
            area,
            number: is_shown.then_some(sum.number),
            records: sum.rows,
            not_published: sum.suppressed,
            sure: sum.sure.id(),
            how: sum.how.iter().map(|how| how.id()).collect(),
            told,
        }
    }
}

impl Unit {
    fn of(block: &Block, sees_exact: bool) -> Self {
        let place = |area: &Option<Gss>| {
            let area = area.as_ref();
            area.map_or(WHOLE.to_owned(), ToString::to_string)
        };
        let cells = block.cells.iter();
        let skills = block.skills.iter();
        Self {
            people_ask: block.people_ask,
            counts: block.counts.id(),
            cells: cells
                .map(|((key, area), sum)| Added::of(*key, Some(place(area)), sum, sees_exact))
                .collect(),
            skills: skills
                .map(|(key, sum)| Added::of(*key, None, sum, sees_exact))
                .collect(),
        }
    }
}

impl Sums {
    /// With the numbers that may not be told for who `sees_exact` ones.
    pub(crate) fn of(summary: &Summary, sees_exact: bool) -> Self {
        let blocks = summary.blocks.iter();
        Self {
            items: blocks.map(|block| Unit::of(block, sees_exact)).collect(),
            over: summary.over,
            older: summary.older,
        }
    }
}

/// What demand adds up to
///
/// Today, by skill and place, with whether each sum may be told outside the node (docs/demand.md). Who may not see exact counts gets those that
/// may be told. Numbers of different units, and of different skills, are no sum: one employer may be in several.
#[utoipa::path(
    get, path = "/api/v1/demand/summary", operation_id = "show_demand_summary", tag = NEEDS,
    responses((status = 200, description = "The sums.", body = Sums), super::Read),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn summary(
    State(api): State<Api>,
    person: SignedIn,
    _none: Query<Nothing>,
) -> Result<Json<Sums>, Refused> {
    let all: Vec<Stored<Demand>> = api.node.store.kept().await?;
    let today = london_day((api.clock)());
    let found = added_up::summary(all.iter().map(|row| &row.it), today);
    let sees_exact = matches!(STAFF, Access::Roles(roles) if person.is_any(roles));
    Ok(Json(Sums::of(&found, sees_exact)))
}
