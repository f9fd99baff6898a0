use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::store::demand::{Asks, Counts, How};

const TODAY: Date = date(2022, 3, 4);
const HERE: &str = "E08000027";
const THERE: &str = "E08000028";

fn gss(code: &str) -> Option<Gss> {
    (!code.is_empty()).then(|| code.parse().unwrap())
}

fn stored<T>(id: i64, it: T) -> Stored<T> {
    Stored { id, version: 1, it }
}

/// Forty people whom an employer wants trained in the skill 3, counted in January 2022.
fn need(district: &str) -> Demand {
    Demand {
        code: "D1".to_owned(),
        asks: Asks::Employer,
        organisation: None,
        tier: 0,
        skill: 3,
        audience: 0,
        district: gss(district),
        number: Some(40),
        counts: Counts::People,
        from: "2022-01".parse().unwrap(),
        until: None,
        how: How::Panel,
        sure: Sure::Counted,
        said_by: "Panel".to_owned(),
        holds_until: None,
        note: String::new(),
        largest: None,
        import: None,
    }
}

/// A service that teaches the skill 3.
fn service(district: &str) -> Service {
    Service {
        name: "Drop-in".to_owned(),
        organisation: "Library".to_owned(),
        organisation_id: None,
        description: String::new(),
        tier: 0,
        skills: 1 << 3,
        audience: 0,
        mode: None,
        area: (!district.is_empty()).then(|| district.to_owned()),
        place: String::new(),
        places: None,
        starts: None,
        start: None,
        end: None,
        cost_pence: None,
        cost_notes: String::new(),
        minimum_age: None,
        maximum_age: None,
        eligibility: String::new(),
        accessibility: String::new(),
        url: String::new(),
        status: Status::Active,
        public: false,
        assured: None,
        assured_by: String::new(),
        source: String::new(),
        source_id: String::new(),
    }
}

fn task(district: &str, due: Date, done: Option<Date>) -> GatheringTask {
    GatheringTask {
        about: About::Demand,
        skill: 3,
        district: gss(district),
        body: "Growth hub".to_owned(),
        due,
        done,
        note: String::new(),
    }
}

struct World {
    demand: Vec<Stored<Demand>>,
    services: Vec<Stored<Service>>,
    fresh: HashMap<i64, Freshness>,
    tasks: Vec<Stored<GatheringTask>>,
}

impl World {
    fn of(demand: impl IntoIterator<Item = Demand>) -> Self {
        Self {
            demand: (1..).zip(demand).map(|(id, it)| stored(id, it)).collect(),
            services: Vec::new(),
            fresh: HashMap::new(),
            tasks: Vec::new(),
        }
    }

    fn board(&self) -> Board {
        let held = Held {
            demand: &self.demand,
            services: &self.services,
            fresh: &self.fresh,
            tasks: &self.tasks,
        };
        board(&held, &[2, 3], vec![None, gss(HERE), gss(THERE)], TODAY)
    }

    /// What is known of the demand for skill 3: the whole area, here, there.
    fn demand(&self) -> [State; 3] {
        let sides = &self.board().demand[&3];
        [sides[0].state, sides[1].state, sides[2].state]
    }
}

use State::{Known, Missing, Old, Unsure, Wider};

#[test]
fn what_is_known_of_a_district_is_not_known_of_the_others_and_the_whole_area_says_less() {
    assert_eq!(World::of([]).demand(), [Missing; 3]);
    assert_eq!(World::of([need(HERE)]).demand(), [Missing, Known, Missing]);
    assert_eq!(World::of([need("")]).demand(), [Known, Wider, Wider]);
    let side = &World::of([need("")]).board().demand[&3][1];
    assert_eq!((side.own.len(), side.wider.len()), (0, 1));
    assert_eq!(side.newest, Some(date(2022, 1, 1)));
    assert_eq!(World::of([need(HERE)]).board().demand[&2][1].state, Missing);
}

#[test]
fn what_is_old_over_or_a_guess_is_said_to_be_so_and_the_best_of_several_counts() {
    let old = Demand {
        from: "2021-02".parse().unwrap(),
        ..need(HERE)
    };
    let last_month_counts = Demand {
        until: Some("2021-04".parse().unwrap()),
        ..old.clone()
    };
    let over = Demand {
        holds_until: Some(date(2022, 3, 3)),
        ..need(HERE)
    };
    let guess = Demand {
        sure: Sure::Guessed,
        ..need(HERE)
    };
    let here = |rows: &[&Demand]| World::of(rows.iter().map(|row| (*row).clone())).demand()[1];
    assert_eq!(here(&[&old]), Old);
    assert_eq!(here(&[&last_month_counts]), Known);
    assert_eq!(here(&[&over]), Old);
    assert_eq!(here(&[&guess]), Unsure);
    assert_eq!(here(&[&old, &guess]), Unsure);
    assert_eq!(here(&[&guess, &need(HERE)]), Known);
    // What is known of the whole area says more than a guess of the district.
    assert_eq!(here(&[&guess, &need("")]), Wider);
}

#[test]
fn services_go_by_when_they_were_checked_and_only_those_that_run_count() {
    let of = |it: Service, fresh: Option<Freshness>| {
        let mut world = World::of([]);
        world.services.push(stored(7, it));
        world.fresh.extend(fresh.map(|fresh| (7, fresh)));
        world.board().provision[&3][1].clone()
    };
    let day = date(2022, 2, 1);
    assert_eq!(of(service(HERE), Some(Freshness::Fresh(day))).state, Known);
    assert_eq!(of(service(HERE), Some(Freshness::Stale(day))).state, Old);
    assert_eq!(of(service(HERE), None).state, Unsure);
    assert_eq!(of(service(""), Some(Freshness::Fresh(day))).state, Wider);
    assert_eq!(
        of(service(THERE), Some(Freshness::Fresh(day))).state,
        Missing
    );
    let closed = Service {
        status: Status::TemporarilyClosed,
        ..service(HERE)
    };
    let ended = Service {
        end: Some(date(2022, 3, 3)),
        ..service(HERE)
    };
    let other = Service {
        skills: 1 << 2,
        ..service(HERE)
    };
    for it in [closed, ended, other] {
        assert_eq!(of(it, Some(Freshness::Fresh(day))).state, Missing);
    }
}

#[test]
fn who_brings_it_is_named_and_what_was_due_before_today_is_overdue() {
    let mut world = World::of([]);
    world.tasks = vec![
        stored(1, task(HERE, date(2022, 3, 3), None)),
        stored(2, task("", TODAY, None)),
        stored(3, task(THERE, date(2022, 1, 1), Some(date(2022, 1, 2)))),
    ];
    let board = world.board();
    let tasks: Vec<_> = (board.demand[&3].iter())
        .map(|side| (side.task, side.is_overdue))
        .collect();
    assert_eq!(
        tasks,
        [(Some(2), false), (Some(1), true), (Some(2), false)],
        "one that is done brings nothing more"
    );
    let count = board.count(About::Demand);
    assert_eq!((count.all, count.nobody, count.overdue), (6, 3, 1));
    assert!(board.provision[&3].iter().all(|side| side.task.is_none()));
}

proptest! {
    /// Learning more never makes a place worse.
    #[test]
    fn one_more_need_makes_no_place_worse(
        rows in prop::collection::vec((0..3usize, 0..15i32, 0..3usize), 0..8),
        more in (0..3usize, 0..15i32, 0..3usize),
    ) {
        let row = |(place, age, sure): (usize, i32, usize)| Demand {
            from: "2022-03".parse::<ldsp_protocol::ids::Period>().unwrap().plus(-age).unwrap(),
            sure: Sure::ALL[sure],
            ..need(["", HERE, THERE][place])
        };
        let before = World::of(rows.iter().copied().map(row)).demand();
        let after = World::of(rows.into_iter().chain([more]).map(row)).demand();
        for (before, after) in before.into_iter().zip(after) {
            prop_assert!(after <= before, "{before:?} became {after:?}");
        }
    }
}

/// Reproduction: a coordinator who brought in the Employer Skills Survey saw no change of the board.
#[test]
fn needs_of_a_tier_without_a_skill_have_rows_of_their_own() {
    let codes = &Standard::current().dimension(Dimension::Skill).codes;
    let none = codes.iter().position(|code| code.id == NOT_STATED).unwrap();
    let of_tier = Demand {
        skill: u8::try_from(none).unwrap(),
        ..need("")
    };
    let demand = [stored(1, of_tier), stored(2, need(""))];
    let held = Held {
        demand: &demand,
        services: &[],
        fresh: &HashMap::new(),
        tasks: &[],
    };
    let board = board(&held, &[3], vec![None, gss(HERE)], TODAY);
    let states = |sides: &[Side]| sides.iter().map(|side| side.state).collect::<Vec<_>>();
    let tiers = board.tiers.iter();
    let tiers: Vec<_> = tiers.map(|(tier, sides)| (*tier, states(sides))).collect();
    assert_eq!(tiers, [(0, vec![State::Known, State::Wider])]);
    assert_eq!(board.demand[&3][0].own, [2]);
    assert_eq!(board.count(About::Demand).all, 2, "they are no places");
}
