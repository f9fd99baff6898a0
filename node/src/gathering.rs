//! The gathering board: of each skill in each area, what is known of demand and of provision, how old and how sure it is, what is
//! missing, and who is to bring it. Pure: rows in, a board out. Rows of what organisations and people who were asked said, and of
//! services; nothing here is of a learner.

use std::collections::{BTreeMap, HashMap};

use jiff::civil::Date;
use ldsp_protocol::ids::Gss;
use ldsp_protocol::standard::{Dimension, NOT_STATED, Standard};

use crate::import::london_day;
use crate::model::demand::districts;
use crate::model::gathering::skills;
use crate::provision::Freshness;
use crate::store::demand::{Demand, Sure};
use crate::store::gathering::{About, GatheringTask};
use crate::store::kept::Stored;
use crate::store::services::{Service, Status};
use crate::store::{Store, StoreError};

/// Demand whose newest month lies further back is old: surveys of it are yearly.
const OLD_MONTHS: i32 = 12;

/// How good it is, the best first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
#[schema(as = GatheringState)]
pub(crate) enum State {
    /// Something is, lately and not by a guess alone.
    Known,
    /// Only for the whole area.
    Wider,
    /// Guesses alone, or services that nobody ever checked.
    Unsure,
    /// All of it was learnt long ago, or its last day is over.
    Old,
    /// Nothing is.
    Missing,
}

impl State {
    pub(crate) const ALL: [Self; 5] = [
        Self::Known,
        Self::Wider,
        Self::Unsure,
        Self::Old,
        Self::Missing,
    ];

    /// For people.
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::Known => "Known",
            Self::Wider => "Whole area only",
            Self::Unsure => "Unsure",
            Self::Old => "Old",
            Self::Missing => "Missing",
        }
    }

    /// Whether somebody ought to bring something.
    pub(crate) fn is_gap(self) -> bool {
        matches!(self, Self::Unsure | Self::Old | Self::Missing)
    }
}

/// What is known of one side of a skill in an area.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Side {
    pub(crate) state: State,
    /// Needs that hold, or services on offer, of this very area.
    pub(crate) own: Vec<i64>,
    /// Those of the whole area, where this is a district.
    pub(crate) wider: Vec<i64>,
    /// The day of the newest of what the state goes by: the first of the last month that a need speaks of, or the day on which a
    /// service was checked or seen.
    pub(crate) newest: Option<Date>,
    /// How sure the surest need is.
    pub(crate) sure: Option<Sure>,
    /// What is to be brought still, of this area or of the whole one: the row's number.
    pub(crate) task: Option<i64>,
    /// Whether that was due before today.
    pub(crate) is_overdue: bool,
}

/// Skill by area.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Board {
    /// Areas as they were given.
    pub(crate) areas: Vec<Option<Gss>>,
    /// By position of the skill, then by place in `areas`.
    pub(crate) demand: BTreeMap<u8, Vec<Side>>,
    /// The same of provision.
    pub(crate) provision: BTreeMap<u8, Vec<Side>>,
    /// Demand that names a tier and no skill, as surveys do: by position of the tier, those alone of which there is any. It fills no place of
    /// a skill.
    pub(crate) tiers: BTreeMap<u8, Vec<Side>>,
}

/// How many there are of each state, and of the gaps how many nobody is to fill.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Count {
    pub(crate) states: BTreeMap<State, usize>,
    pub(crate) all: usize,
    pub(crate) nobody: usize,
    pub(crate) overdue: usize,
}

impl Board {
    pub(crate) fn side(&self, about: About) -> &BTreeMap<u8, Vec<Side>> {
        match about {
            About::Demand => &self.demand,
            About::Provision => &self.provision,
        }
    }

    pub(crate) fn count(&self, about: About) -> Count {
        let mut count = Count::default();
        for side in self.side(about).values().flatten() {
            *count.states.entry(side.state).or_default() += 1;
            count.all += 1;
            count.nobody += usize::from(side.state.is_gap() && side.task.is_none());
            count.overdue += usize::from(side.is_overdue);
        }
        count
    }
}

/// What a board is made of.
pub(crate) struct Held<'a> {
    pub(crate) demand: &'a [Stored<Demand>],
    pub(crate) services: &'a [Stored<Service>],
    /// How fresh each service is, by number.
    pub(crate) fresh: &'a HashMap<i64, Freshness>,
    pub(crate) tasks: &'a [Stored<GatheringTask>],
}

/// Something that is known: of which area, how good by itself, from when.
struct Piece {
    id: i64,
    district: Option<Gss>,
    state: State,
    newest: Option<Date>,
    sure: Option<Sure>,
}

/// The board of `skills` (positions) by `areas` (`None`: the whole of it) on a day.
pub(crate) fn board(held: &Held<'_>, skills: &[u8], areas: Vec<Option<Gss>>, today: Date) -> Board {
    let sides = |about: About, of: &dyn Fn(u8) -> Vec<Piece>| {
        let row = |skill: u8| {
            let pieces = of(skill);
            let side = |area: &Option<Gss>| {
                let task = task(held.tasks, (about, skill, area.as_ref()));
                side(&pieces, area.as_ref(), task, today)
            };
            (skill, areas.iter().map(side).collect())
        };
        skills.iter().map(|skill| row(*skill)).collect()
    };
    let not_stated = Standard::current().parse_code(Dimension::Skill, NOT_STATED);
    let codes = 0..Standard::current().dimension(Dimension::Tier).codes.len();
    let tiers = codes.filter_map(|tier| {
        let is_of =
            |it: &Demand| usize::from(it.tier) == tier && Some(usize::from(it.skill)) == not_stated;
        let pieces = needs(held, &is_of, today);
        let side = |area: &Option<Gss>| side(&pieces, area.as_ref(), None, today);
        let sides = areas.iter().map(side).collect();
        let tier = u8::try_from(tier).ok()?;
        (!pieces.is_empty()).then_some((tier, sides))
    });
    Board {
        tiers: tiers.collect(),
        demand: sides(About::Demand, &|skill| {
            needs(held, &|it| it.skill == skill, today)
        }),
        provision: sides(About::Provision, &|skill| services(held, skill, today)),
        areas,
    }
}

fn needs(held: &Held<'_>, is_of: &dyn Fn(&Demand) -> bool, today: Date) -> Vec<Piece> {
    let of = held.demand.iter().filter(|row| is_of(&row.it));
    let old = today.saturating_sub(jiff::Span::new().months(OLD_MONTHS));
    of.map(|row| {
        let it = &row.it;
        let newest = it.until.unwrap_or(it.from).first_day();
        let state = if !it.holds(today) || newest < old {
            State::Old
        } else if it.sure == Sure::Guessed {
            State::Unsure
        } else {
            State::Known
        };
        Piece {
            id: row.id,
            district: it.district.clone(),
            state,
            newest: Some(newest),
            sure: Some(it.sure),
        }
    })
    .collect()
}

/// Whether a service is there to be used on a day.
fn is_offered(it: &Service, today: Date) -> bool {
    it.status == Status::Active && it.end.is_none_or(|end| end >= today)
}

fn services(held: &Held<'_>, skill: u8, today: Date) -> Vec<Piece> {
    let teaches = |it: &Service| it.skills.checked_shr(u32::from(skill)).unwrap_or(0) & 1 == 1;
    let of = held.services.iter();
    of.filter(|row| teaches(&row.it) && is_offered(&row.it, today))
        .map(|row| {
            let fresh = held.fresh.get(&row.id).copied();
            let fresh = fresh.unwrap_or(Freshness::Never);
            Piece {
                id: row.id,
                district: row.it.area.as_deref().and_then(|code| code.parse().ok()),
                state: match fresh {
                    Freshness::Fresh(_) => State::Known,
                    Freshness::Stale(_) => State::Old,
                    Freshness::Never => State::Unsure,
                },
                newest: fresh.day(),
                sure: None,
            }
        })
        .collect()
}

/// What is still to be brought of a skill in an area; what is to be brought of the whole area counts for its districts too.
fn task<'a>(
    tasks: &'a [Stored<GatheringTask>],
    (about, skill, area): (About, u8, Option<&Gss>),
) -> Option<&'a Stored<GatheringTask>> {
    let open = tasks.iter().filter(|row| {
        let it = &row.it;
        (it.about, it.skill, it.done) == (about, skill, None)
    });
    let own = open.clone().find(|row| row.it.district.as_ref() == area);
    own.or_else(|| open.clone().find(|row| row.it.district.is_none()))
}

fn side(
    pieces: &[Piece],
    area: Option<&Gss>,
    task: Option<&Stored<GatheringTask>>,
    today: Date,
) -> Side {
    let (own, others): (Vec<&Piece>, Vec<&Piece>) =
        (pieces.iter()).partition(|piece| piece.district.as_ref() == area);
    let wider: Vec<&Piece> = (others.into_iter())
        .filter(|piece| piece.district.is_none())
        .collect();
    let best = |of: &[&Piece]| of.iter().map(|piece| piece.state).min();
    let here = best(&own).unwrap_or(State::Missing);
    // What holds of the whole area alone says something of a district, and not how much of it is there.
    let is_wider = best(&wider) == Some(State::Known);
    let state = match here.is_gap() && is_wider {
        true => State::Wider,
        false => here,
    };
    let by = if state == State::Wider { &wider } else { &own };
    let of_state = by.iter().filter(|piece| match state {
        State::Wider => piece.state == State::Known,
        state => piece.state == state,
    });
    Side {
        state,
        newest: of_state.clone().filter_map(|piece| piece.newest).max(),
        sure: of_state.filter_map(|piece| piece.sure).min(),
        own: own.iter().map(|piece| piece.id).collect(),
        wider: wider.iter().map(|piece| piece.id).collect(),
        task: task.map(|task| task.id),
        is_overdue: task.is_some_and(|task| task.it.due < today),
    }
}

/// Everything that a board is made of, and the board.
pub(crate) struct Gathered {
    pub(crate) demand: Vec<Stored<Demand>>,
    pub(crate) services: Vec<Stored<Service>>,
    /// How fresh each service is, by number.
    pub(crate) fresh: HashMap<i64, Freshness>,
    pub(crate) tasks: Vec<Stored<GatheringTask>>,
    pub(crate) board: Board,
}

impl Gathered {
    /// What is known on a day of every skill that has a name, in the LEP as a whole and in each of its districts.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn read(store: &Store, today: Date) -> Result<Self, StoreError> {
        let (demand, services) = (store.kept().await?, store.kept().await?);
        let (tasks, seen) = (store.kept().await?, store.sightings().await?);
        let known = store.known().await?;
        let fresh = |row: &Stored<Service>| {
            let seen = seen.get(&row.id).map(|at| london_day(*at));
            (row.id, Freshness::of(row.it.assured, seen, today))
        };
        let fresh: HashMap<i64, Freshness> = services.iter().map(fresh).collect();
        let held = Held {
            demand: &demand,
            services: &services,
            fresh: &fresh,
            tasks: &tasks,
        };
        let skills: Vec<u8> = skills().map(|(at, ..)| at).collect();
        let districts = districts(&known).into_iter();
        let areas = std::iter::once(None).chain(districts.map(|d| Some(d.code.clone())));
        let board = board(&held, &skills, areas.collect(), today);
        Ok(Self {
            demand,
            services,
            fresh,
            tasks,
            board,
        })
    }
}

/// The position of a skill with this id.
pub(crate) fn skill_named(id: &str) -> Option<u8> {
    let at = Standard::current().parse_code(Dimension::Skill, id)?;
    u8::try_from(at).ok()
}

#[cfg(test)]
mod tests;
