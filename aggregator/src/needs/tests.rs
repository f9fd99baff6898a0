use jiff::civil::{Date, date};
use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::Gss;
use ldsp_protocol::needs::{
    Counts, DemandSum, DemandSummary, How, Offer, OfferSum, Offered, PEOPLE_SIGMA2, PeopleAsked,
    ProvisionSummary, SkillPicture, Sure, Wanted,
};
use ldsp_protocol::revision::{Named, Withdrawal};
use ldsp_protocol::standard::{Dimension, Standard};
use ldsp_protocol::statement::Kind;
use serde::Serialize;

use super::*;
use crate::fsck::{Ground, fsck};
use crate::testing::{Answer, Sim, World, signer};

/// The day that it is in a new [`World`].
const TODAY: Date = date(2023, 1, 5);

pub(crate) fn demand(lep: &Gss, as_of: Date, number: u64, each: Option<i64>) -> DemandSummary {
    let skills = Standard::current().dimension(Dimension::Skill).codes.len();
    let cells = skills * (Geography::embedded().owned_by(lep).len() + 1);
    DemandSummary {
        lep: lep.clone(),
        as_of,
        organisations: vec![DemandSum {
            counts: Counts::People,
            skill: "software".to_owned(),
            tier: None,
            district: None,
            number,
            sure: Sure::Estimated,
            how: vec![How::Survey],
            from: "2023-02".parse().unwrap(),
            as_of,
        }],
        kept_back: true,
        people: each.map(|each| PeopleAsked {
            rounds: 1,
            sigma2: PEOPLE_SIGMA2,
            counts: vec![each; cells],
        }),
    }
}

pub(crate) fn provision(lep: &Gss, as_of: Date, places: u64) -> ProvisionSummary {
    let sum = OfferSum {
        services: 2,
        organisations: 1,
        places,
        places_known: 2,
        free: 1,
        assured: 0,
    };
    ProvisionSummary {
        lep: lep.clone(),
        as_of,
        offers: vec![Offer {
            skill: "software".to_owned(),
            district: None,
            sum,
        }],
        all: sum,
    }
}

async fn sent<P: Serialize>(world: &World, sim: &Sim, kind: Kind, payload: P) -> Answer {
    let sealed = sim.seal(kind, None, payload);
    world.put(&sim.path(sim.seq + 1), sealed.envelope()).await
}

/// Publishes as the node; it is taken.
pub(crate) async fn published<P: Serialize>(world: &World, sim: &mut Sim, kind: Kind, said: &P) {
    let sealed = sim.seal(kind, None, said);
    sim.advance(&sealed);
    let put = world.put(&sim.path(sim.seq), sealed.envelope()).await;
    assert_eq!(put.status.as_u16(), 201, "{}", put.text());
}

#[track_caller]
fn refused(answer: &Answer, code: &str, word: &str) {
    assert_eq!(
        (answer.status.as_u16(), &*answer.problem().code),
        (422, code)
    );
    assert!(answer.text().contains(word), "{}", answer.text());
}

async fn picture(world: &World, area: &Area, day: Date) -> Report {
    report(&world.service.snapshot().await.unwrap(), area, day)
}

fn software(report: &Report) -> &SkillPicture {
    let mut skills = report.picture.skills.iter();
    skills.find(|it| it.skill == "software").unwrap()
}

#[test]
fn every_standard_names_the_same_skills_and_tiers() {
    // Else statements under an older one could not be added up by the codes and places of the current one.
    let codes = |standard: &Standard, of| {
        let all = &standard.dimension(of).codes;
        all.iter().map(|code| code.id.clone()).collect::<Vec<_>>()
    };
    for of in [Dimension::Skill, Dimension::Tier] {
        for standard in Standard::all() {
            assert_eq!(codes(standard, of), codes(Standard::current(), of));
        }
    }
}

#[tokio::test]
async fn needs_are_of_the_nodes_own_area_of_a_day_that_fits_and_stay() {
    let world = World::new().await;
    let (mut sim, other) = (Sim::new(0), Sim::new(1));
    world.admit(&sim).await;
    let kind = Kind::DemandSummary;
    let foreign = demand(&other.lep, TODAY, 40, None);
    refused(
        &sent(&world, &sim, kind, foreign).await,
        "needs",
        other.lep.as_str(),
    );
    let mut unknown = demand(&sim.lep, TODAY, 40, None);
    unknown.organisations[0].skill = "knitting".to_owned();
    refused(
        &sent(&world, &sim, kind, unknown).await,
        "needs",
        "knitting",
    );
    let to_come = demand(&sim.lep, date(2023, 1, 7), 40, None);
    refused(&sent(&world, &sim, kind, to_come).await, "needs", "clock");
    let before = world.service.store.size().await.unwrap();
    // Past midnight at the node it is tomorrow.
    let first = demand(&sim.lep, date(2023, 1, 6), 40, None);
    published(&world, &mut sim, kind, &first).await;
    assert_eq!(world.service.store.size().await.unwrap(), before + 1);
    let older = demand(&sim.lep, TODAY, 40, None);
    refused(
        &sent(&world, &sim, kind, older).await,
        "needs",
        "2023-01-06",
    );
    // Each kind has days of its own, and two of one day follow one another.
    let offers = provision(&sim.lep, TODAY, 30);
    published(&world, &mut sim, Kind::ProvisionSummary, &offers).await;
    published(&world, &mut sim, Kind::ProvisionSummary, &offers).await;
    let taken_back = Withdrawal {
        statement: Named {
            seq: 3,
            pae: sim.prev,
        },
        reason: "A mistake.".into(),
        cells: None,
    };
    let kept = sent(&world, &sim, Kind::Withdrawal, taken_back).await;
    refused(&kept, "withdrawal", "which stays");
    let mut snapshot = world.service.store.snapshot().await.unwrap();
    let log = signer();
    let ground = Ground {
        log: log.verifier(),
    };
    let report = fsck(&mut snapshot, ground, &mut |_, _| {}).await.unwrap();
    assert_eq!(report.findings, []);
}

#[tokio::test]
async fn a_picture_follows_the_log_and_names_the_statements_that_it_stands_on() {
    let world = World::new().await;
    let (mut one, mut two) = (Sim::new(0), Sim::new(1));
    world.admit(&one).await;
    world.admit(&two).await;
    let empty = picture(&world, &Area::England, TODAY).await;
    assert_eq!((empty.leps, empty.oldest), (38, None));
    assert_eq!(empty.statements, []);
    let kind = Kind::DemandSummary;
    let first = demand(&one.lep, date(2022, 12, 1), 40, Some(60));
    published(&world, &mut one, kind, &first).await;
    let whole = picture(&world, &Area::England, TODAY).await;
    assert_eq!(software(&whole).wanted[0].number, 40);
    let second = demand(&one.lep, date(2023, 1, 2), 50, None);
    published(&world, &mut one, kind, &second).await;
    let other = demand(&two.lep, date(2023, 1, 3), 7, None);
    published(&world, &mut two, kind, &other).await;
    let offers = provision(&two.lep, date(2023, 1, 4), 30);
    published(&world, &mut two, Kind::ProvisionSummary, &offers).await;

    let whole = picture(&world, &Area::England, TODAY).await;
    assert_eq!((whole.picture.demand, whole.picture.provision), (2, 1));
    assert_eq!(whole.oldest, Some(date(2023, 1, 2)));
    let wanted = &software(&whole).wanted[0];
    assert_eq!((wanted.number, wanted.leps), (57, 2));
    // The first statement's sums are replaced, its people are not.
    let used = whole.statements.iter().map(|it| (it.sums, it.people));
    let used: Vec<_> = used.collect();
    assert_eq!(
        used,
        [(false, true), (true, false), (true, false), (true, false)]
    );
    assert_eq!(whole.statements[3].kind, Kind::ProvisionSummary);
    let of_one = picture(&world, &Area::Lep(one.lep.clone()), TODAY).await;
    assert_eq!((of_one.leps, of_one.statements.len()), (1, 2));
    assert_eq!(software(&of_one).wanted[0].number, 50);
    let snapshot = world.service.snapshot().await.unwrap();
    let by_lep = by_lep(&snapshot, &Area::England, "software", TODAY);
    let mut leps: Vec<_> = by_lep.iter().map(|(place, ..)| &*place.code).collect();
    leps.sort_unstable();
    let mut both = [one.lep.as_str(), two.lep.as_str()];
    both.sort_unstable();
    assert_eq!(leps, both);
    // What was published too long ago is in no picture.
    let later = picture(&world, &Area::England, date(2025, 6, 1)).await;
    assert_eq!((later.picture.demand, later.statements.len()), (0, 0));
}

#[tokio::test]
async fn the_table_has_every_figure_of_every_skill_and_no_blank() {
    let world = World::new().await;
    let mut sim = Sim::new(0);
    world.admit(&sim).await;
    let said = demand(&sim.lep, TODAY, 40, Some(0));
    published(&world, &mut sim, Kind::DemandSummary, &said).await;
    let csv = to_csv(&picture(&world, &Area::England, TODAY).await).unwrap();
    let csv = String::from_utf8(csv).unwrap();
    let skills = Standard::current().dimension(Dimension::Skill).codes.len();
    assert_eq!(csv.lines().count(), 1 + skills * 9);
    assert!(!csv.contains(",,") && !csv.contains(",\n"), "{csv}");
    assert!(csv.contains(",software,Software,wanted-people,40,z,z,z,z,1,2023-01-05,1,1,0,38"));
    assert!(csv.contains(",software,Software,people-asked,low,low,low,0,"));
    assert!(csv.contains(",software,Software,wanted-vacancies,z,z,z,z,z,0,z,"));
}

#[test]
fn areas_are_named_by_code() {
    assert_eq!("E92000001".parse(), Ok(Area::England));
    let region: Area = "E12000005".parse().unwrap();
    assert_eq!(region.place().name, "West Midlands");
    assert!(region.leps().count() > 1 && region.leps().all(|lep| region.holds(&lep.code)));
    let lep: Area = "E37000012".parse().unwrap();
    assert_eq!(lep.leps().count(), 1);
    for wrong in ["", "England", "E37000099", "E06000001"] {
        assert_eq!(wrong.parse::<Area>(), Err(()));
    }
}

#[test]
fn a_gap_says_no_more_than_is_known() {
    let people = |number| Wanted {
        counts: Counts::People,
        number,
        leps: 1,
        oldest: TODAY,
    };
    let offered = |services, places, places_known| Offered {
        services,
        places,
        places_known,
        leps: 1,
        ..Offered::default()
    };
    let gap = |wanted: Vec<Wanted>, asked: Option<i64>, offered| {
        let people = asked.map(|count| ldsp_protocol::needs::Estimate {
            count,
            variance: 25,
            leps: 1,
        });
        Gap::of(&SkillPicture {
            skill: "software".to_owned(),
            wanted,
            people,
            offered,
        })
    };
    let none = Offered::default();
    assert_eq!(gap(vec![], None, none), Gap::Silent);
    assert_eq!(gap(vec![], Some(14), none), Gap::Silent, "too few to say");
    assert_eq!(gap(vec![], None, offered(2, 9, 1)), Gap::Unasked);
    assert_eq!(gap(vec![people(5)], None, none), Gap::Nothing);
    assert_eq!(gap(vec![], Some(100), none), Gap::Nothing);
    let vacancies = Wanted {
        counts: Counts::Vacancies,
        ..people(70)
    };
    assert_eq!(gap(vec![vacancies], None, offered(2, 9, 2)), Gap::Unknown);
    assert_eq!(gap(vec![people(70)], None, offered(2, 0, 0)), Gap::Unknown);
    assert_eq!(gap(vec![people(9)], None, offered(2, 9, 1)), Gap::Enough);
    let short = |by| Gap::Short { by };
    assert_eq!(
        gap(vec![people(70)], None, offered(2, 9, 2)),
        short(Some(61))
    );
    assert_eq!(gap(vec![people(70)], None, offered(2, 9, 1)), short(None));
    // 100 give or take 9.8: at least 90, who may be the 70.
    assert_eq!(
        gap(vec![people(70)], Some(100), offered(2, 9, 2)),
        short(Some(81))
    );
}
