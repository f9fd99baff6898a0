//! Invented needs of an area.

use jiff::civil::Date;
use ldsp_protocol::geography::{Geography, Lep};
use ldsp_protocol::needs::{
    Counts, DemandSum, DemandSummary, How, Offer, OfferSum, PEOPLE_SIGMA2, PeopleAsked,
    ProvisionSummary, Sure,
};
use ldsp_protocol::standard::{Dimension, Standard};

/// So many people are to be trained in software; ten times as many were asked and need it, which may be anywhere in the area.
pub(crate) fn demand(lep: &Lep, as_of: Date, number: u32) -> DemandSummary {
    let skills = &Standard::current().dimension(Dimension::Skill).codes;
    let places = Geography::embedded().owned_by(&lep.code).len() + 1;
    let mut counts = vec![0; skills.len() * places];
    let software = skills.iter().position(|code| code.id == "software");
    counts[software.expect("a skill") * places] = 10 * i64::from(number);
    DemandSummary {
        lep: lep.code.clone(),
        as_of,
        organisations: vec![DemandSum {
            counts: Counts::People,
            skill: "software".to_owned(),
            tier: None,
            district: None,
            number: u64::from(number),
            sure: Sure::Estimated,
            how: vec![How::Panel],
            from: "2026-11".parse().expect("a month"),
            as_of,
        }],
        kept_back: !number.is_multiple_of(2),
        people: number.is_multiple_of(4).then_some(PeopleAsked {
            rounds: 1,
            sigma2: PEOPLE_SIGMA2,
            counts,
        }),
    }
}

/// So many places in software, in two services of one organisation.
pub(crate) fn provision(lep: &Lep, as_of: Date, places: u64) -> ProvisionSummary {
    let sum = OfferSum {
        services: 2,
        organisations: 1,
        places,
        places_known: 2,
        free: 1,
        assured: 1,
    };
    ProvisionSummary {
        lep: lep.code.clone(),
        as_of,
        offers: vec![Offer {
            skill: "software".to_owned(),
            district: None,
            sum,
        }],
        all: sum,
    }
}
