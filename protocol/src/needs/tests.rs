use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::geography::Geography;
use crate::standard::{Dimension, NOT_STATED, Standard};

/// Greater Birmingham and Solihull.
const LEP: &str = "E37000012";
const OTHER: &str = "E37000005";

fn lep(code: &str) -> Gss {
    code.parse().unwrap()
}

fn owned(code: &str) -> Vec<Gss> {
    Geography::embedded().owned_by(&lep(code))
}

fn sum(skill: &str, number: u64) -> DemandSum {
    DemandSum {
        counts: Counts::People,
        skill: skill.to_owned(),
        tier: None,
        district: None,
        number,
        sure: Sure::Estimated,
        how: vec![How::Survey, How::Panel],
        from: "2021-04".parse().unwrap(),
        as_of: date(2022, 3, 1),
    }
}

fn cells(code: &str) -> usize {
    let skills = Standard::current().dimension(Dimension::Skill).codes.len();
    skills * (owned(code).len() + 1)
}

fn asked(code: &str, each: i64) -> PeopleAsked {
    PeopleAsked {
        rounds: 1,
        sigma2: PEOPLE_SIGMA2,
        counts: vec![each; cells(code)],
    }
}

fn demand(code: &str) -> DemandSummary {
    DemandSummary {
        lep: lep(code),
        as_of: date(2022, 3, 1),
        organisations: vec![
            sum("foundation", 40),
            DemandSum {
                district: owned(code).first().cloned(),
                ..sum("foundation", 2)
            },
            sum("software", 7),
        ],
        kept_back: true,
        people: Some(asked(code, 3)),
    }
}

fn offers(code: &str) -> ProvisionSummary {
    let sum = OfferSum {
        services: 3,
        organisations: 2,
        places: 90,
        places_known: 2,
        free: 1,
        assured: 3,
    };
    ProvisionSummary {
        lep: lep(code),
        as_of: date(2022, 3, 1),
        offers: vec![Offer {
            skill: "foundation".to_owned(),
            district: None,
            sum,
        }],
        all: sum,
    }
}

#[track_caller]
fn refused(change: impl FnOnce(&mut DemandSummary)) -> String {
    let mut it = demand(LEP);
    it.check(Standard::current()).expect("it holds before");
    change(&mut it);
    let error = it.check(Standard::current());
    error.expect_err("something does not hold").to_string()
}

#[test]
fn demand_that_does_not_hold_is_refused_with_where_it_does_not() {
    assert!(refused(|it| it.lep = lep("E37000099")).contains("E37000099"));
    assert!(refused(|it| it.organisations[0].skill = "knitting".to_owned()).contains("knitting"));
    assert!(refused(|it| it.organisations.swap(0, 1)).contains("sum 2"));
    assert!(refused(|it| it.organisations[1] = it.organisations[0].clone()).contains("sum 2"));
    let foreign = owned(OTHER).into_iter().next();
    assert!(refused(|it| it.organisations[1].district = foreign).contains("does not own"));
    assert!(refused(|it| it.organisations[0].tier = Some("tier".into())).contains("tier"));
    assert!(refused(|it| it.organisations[0].skill = NOT_STATED.into()).contains("tier"));
    assert!(refused(|it| it.organisations[0].as_of = date(2022, 3, 2)).contains("after"));
    assert!(refused(|it| it.organisations[0].how.clear()).contains("learning"));
    assert!(refused(|it| it.organisations[0].number = MAX_NUMBER + 1).contains("too large"));
    let of_people = |change: fn(&mut PeopleAsked)| {
        refused(|it| it.people.iter_mut().for_each(change));
    };
    of_people(|people| people.counts.truncate(1));
    of_people(|people| people.rounds = 2);
    of_people(|people| people.sigma2 -= 1);
    of_people(|people| (people.rounds, people.sigma2) = (0, 0));
    of_people(|people| people.counts[0] = i64::MIN);
}

#[test]
fn provision_that_does_not_hold_is_refused() {
    let refused = |change: fn(&mut ProvisionSummary)| {
        let mut it = offers(LEP);
        it.check(Standard::current()).expect("it holds before");
        change(&mut it);
        it.check(Standard::current()).expect_err("it does not hold");
    };
    refused(|it| it.lep = lep("E37000099"));
    refused(|it| it.offers.push(it.offers[0].clone()));
    refused(|it| it.offers[0].skill = "knitting".to_owned());
    refused(|it| it.offers[0].district = owned(OTHER).into_iter().next());
    refused(|it| it.offers[0].sum.free = 4);
    refused(|it| it.offers[0].sum.services = 4);
    refused(|it| it.offers[0].sum = OfferSum::default());
    refused(|it| it.all.places_known = 0);
}

#[test]
fn bytes_with_a_field_that_is_not_known_are_refused() {
    let text = serde_json::to_string(&offers(LEP)).unwrap();
    assert!(serde_json::from_str::<ProvisionSummary>(&text).is_ok());
    let more = text.replacen("\"free\":", "\"learners\":1,\"free\":", 1);
    assert!(serde_json::from_str::<ProvisionSummary>(&more).is_err());
}

fn of(demand: &[DemandSummary], provision: &[ProvisionSummary]) -> Picture {
    picture(Standard::current(), date(2022, 6, 1), demand, provision)
}

#[test]
fn the_picture_takes_the_newest_sums_of_each_lep_and_adds_counts_of_people() {
    let earlier = DemandSummary {
        organisations: vec![sum("foundation", 1_000)],
        as_of: date(2022, 1, 1),
        ..demand(LEP)
    };
    let picture = of(
        &[earlier, demand(LEP), demand(OTHER)],
        &[offers(LEP), offers(LEP), offers(OTHER)],
    );
    assert_eq!(
        (picture.demand, picture.kept_back, picture.provision),
        (2, 2, 2)
    );
    let foundation = &picture.skills[0];
    assert_eq!(foundation.skill, "foundation");
    let wanted = &foundation.wanted[0];
    assert_eq!((wanted.number, wanted.leps), (84, 2));
    let places = |code| i64::try_from(owned(code).len() + 1).unwrap();
    let people = foundation.people.unwrap();
    assert_eq!(people.count, 3 * (2 * places(LEP) + places(OTHER)));
    assert_eq!(
        people.variance,
        PEOPLE_SIGMA2 * u64::try_from(2 * places(LEP) + places(OTHER)).unwrap()
    );
    assert_eq!(people.leps, 2);
    let offered = foundation.offered;
    assert_eq!(
        (offered.services, offered.places, offered.leps),
        (6, 180, 2)
    );
}

#[test]
fn what_is_too_old_or_not_yet_is_no_part_of_the_picture() {
    let at = |as_of| DemandSummary {
        as_of,
        ..demand(LEP)
    };
    let count = |as_of| of(&[at(as_of)], &[]).demand;
    assert_eq!(count(date(2022, 6, 1)), 1);
    assert_eq!(count(date(2022, 6, 2)), 0);
    assert_eq!(count(date(2020, 6, 1)), 1);
    assert_eq!(count(date(2020, 5, 31)), 0);
    let none = of(&[], &[]);
    assert!(none.skills.iter().all(|skill| skill.people.is_none()));
}

proptest! {
    #[test]
    fn the_picture_of_two_leps_is_the_sum_of_their_pictures(a in 0u64..1_000, b in 0u64..1_000, each in -50i64..50) {
        let of_lep = |code, number| DemandSummary {
            organisations: vec![sum("foundation", number)],
            people: Some(asked(code, each)),
            ..demand(code)
        };
        let (one, two) = (of_lep(LEP, a), of_lep(OTHER, b));
        let both = of(&[one.clone(), two.clone()], &[offers(LEP), offers(OTHER)]);
        let (one, two) = (of(&[one], &[offers(LEP)]), of(&[two], &[offers(OTHER)]));
        for (at, skill) in both.skills.iter().enumerate() {
            let people = |it: &Picture| it.skills[at].people.unwrap();
            prop_assert_eq!(skill.people.unwrap().count, people(&one).count + people(&two).count);
            prop_assert_eq!(skill.people.unwrap().variance, people(&one).variance + people(&two).variance);
            let number = |it: &Picture| it.skills[at].wanted.iter().map(|w| w.number).sum::<u64>();
            prop_assert_eq!(number(&both), number(&one) + number(&two));
            prop_assert_eq!(skill.offered.places, one.skills[at].offered.places + two.skills[at].offered.places);
        }
    }
}
