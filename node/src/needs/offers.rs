//! What is offered, of the services that the node's open feed shows anyway.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use ldsp_protocol::ids::Gss;
use ldsp_protocol::needs::{Offer, OfferSum, ProvisionSummary};
use ldsp_protocol::standard::{Dimension, Standard};

use crate::provision::offer::is_on_offer;
use crate::store::kept::Stored;
use crate::store::providers::folded;
use crate::store::services::Service;

/// For how many months a service counts as assured.
const ASSURED_MONTHS: i32 = 12;

/// What is offered on a day in a LEP that owns these districts. A service for a district of another LEP is in `all` alone.
pub(crate) fn offers(
    all: &[Stored<Service>],
    (lep, owned): (&Gss, &[Gss]),
    today: Date,
) -> ProvisionSummary {
    let offered = all.iter().map(|stored| &stored.it);
    let offered: Vec<&Service> = offered
        .filter(|service| service.public && is_on_offer(service, today))
        .collect();
    let skills = &Standard::current().dimension(Dimension::Skill).codes;
    let mut groups: BTreeMap<(&str, Option<&Gss>), Vec<&Service>> = BTreeMap::new();
    for service in &offered {
        let named = service.area.as_deref();
        let district = owned.iter().find(|code| Some(code.as_str()) == named);
        if named.is_some() && district.is_none() {
            continue;
        }
        let taught = skills.iter().enumerate().filter(|(at, _)| {
            let bit = u32::try_from(*at).ok().and_then(|at| 1_u32.checked_shl(at));
            bit.is_some_and(|bit| service.skills & bit != 0)
        });
        for (_, skill) in taught {
            groups
                .entry((&skill.id, district))
                .or_default()
                .push(service);
        }
    }
    let offers = groups.into_iter().map(|((skill, district), of)| Offer {
        skill: skill.to_owned(),
        district: district.cloned(),
        sum: sum(&of, today),
    });
    ProvisionSummary {
        lep: lep.clone(),
        as_of: today,
        offers: offers.collect(),
        all: sum(&offered, today),
    }
}

fn sum(services: &[&Service], today: Date) -> OfferSum {
    let count = |is: &dyn Fn(&Service) -> bool| {
        services.iter().filter(|service| is(service)).count() as u64
    };
    let since = today.saturating_sub(jiff::Span::new().months(ASSURED_MONTHS));
    let organisations: BTreeSet<String> =
        services.iter().map(|s| folded(&s.organisation)).collect();
    let places: Vec<u64> = services.iter().filter_map(|s| places(s)).collect();
    OfferSum {
        services: services.len() as u64,
        organisations: organisations.len() as u64,
        places: places.iter().sum(),
        places_known: places.len() as u64,
        free: count(&|service| service.cost_pence == Some(0)),
        assured: count(&|service| {
            let on = service.assured;
            on.is_some_and(|on| since <= on && on <= today)
        }),
    }
}

/// In a year: those of a run times runs.
fn places(service: &Service) -> Option<u64> {
    let a_year = service.places?.checked_mul(service.starts?)?;
    u64::try_from(a_year).ok()
}

#[cfg(test)]
mod tests {
    use ldsp_protocol::geography::Geography;

    use super::super::tests::service;
    use super::*;
    use crate::store::services::Status;

    const TODAY: Date = jiff::civil::date(2022, 7, 1);

    fn told(services: &[Service]) -> ProvisionSummary {
        let stored: Vec<Stored<Service>> = (services.iter())
            .zip(1..)
            .map(|(it, id)| Stored {
                id,
                version: 1,
                it: it.clone(),
            })
            .collect();
        let lep: Gss = "E37000001".parse().unwrap();
        let owned = Geography::embedded().owned_by(&lep);
        let told = offers(&stored, (&lep, &owned), TODAY);
        told.check(Standard::current()).unwrap();
        told
    }

    #[test]
    fn a_service_is_in_each_of_its_skills_and_once_in_all() {
        let one = Service {
            skills: 0b110,
            area: Some("E08000027".to_owned()),
            places: Some(10),
            starts: Some(3),
            cost_pence: Some(0),
            assured: Some(TODAY),
            public: true,
            ..service()
        };
        let whole = Service {
            area: None,
            starts: None,
            cost_pence: None,
            assured: Some(jiff::civil::date(2021, 6, 30)),
            ..one.clone()
        };
        let told = told(&[one, whole]);
        assert_eq!(
            told.offers.len(),
            4,
            "two skills in a district and in the whole area"
        );
        let of = |it: &OfferSum| (it.services, it.places, it.places_known, it.free, it.assured);
        assert!(told.offers.iter().all(|offer| match offer.district {
            Some(_) => of(&offer.sum) == (1, 30, 1, 1, 1),
            None => of(&offer.sum) == (1, 0, 0, 0, 0),
        }));
        assert_eq!(of(&told.all), (2, 30, 1, 1, 1));
        assert_eq!(told.all.organisations, 1);
    }

    #[test]
    fn what_is_not_in_the_open_feed_or_does_not_run_is_not_told() {
        let public = Service {
            public: true,
            skills: 0b10,
            ..service()
        };
        let all = told(&[
            Service {
                public: false,
                ..public.clone()
            },
            Service {
                status: Status::Inactive,
                ..public.clone()
            },
            Service {
                start: Some(jiff::civil::date(2022, 7, 2)),
                ..public.clone()
            },
            // Of a district of another LEP.
            Service {
                area: Some("E06000060".to_owned()),
                ..public
            },
        ]);
        assert_eq!((all.all.services, all.offers.len()), (1, 0));
    }
}
