//! The national picture: a pure fold over published needs, so that whoever holds the statements gets the same figures.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::check::holds;
use super::{Counts, DemandSummary, HOLDS_MONTHS, PEOPLE_MONTHS, ProvisionSummary};
use crate::ids::Gss;
use crate::standard::{Dimension, Standard};

/// What is wanted and what is offered, by skill.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// The day of which it is the picture.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Date))]
    pub day: Date,
    /// LEPs whose demand it has.
    pub demand: u64,
    /// Those of them that told not every sum: numbers wanted are at least so many.
    pub kept_back: u64,
    /// LEPs whose provision it has.
    pub provision: u64,
    /// Every skill of the data standard, in its order.
    pub skills: Vec<SkillPicture>,
}

/// What is wanted and what is offered of a skill.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SkillPicture {
    /// Its code.
    pub skill: String,
    /// What organisations ask for, by what is counted; those that nobody told are not there.
    pub wanted: Vec<Wanted>,
    /// What people who were asked need; `null`: no LEP told.
    pub people: Option<Estimate>,
    /// What is offered.
    pub offered: Offered,
}

/// A number that organisations ask for.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// What is counted.
    pub counts: Counts,
    /// How many, of the sums that were told.
    pub number: u64,
    /// LEPs that told one.
    pub leps: u64,
    /// The day of the oldest of them.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Date))]
    pub oldest: Date,
}

/// A count of people with noise. Its standard error is the square root of its variance.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// Unbiased; may be below zero.
    pub count: i64,
    /// In people squared.
    pub variance: u64,
    /// LEPs of which it is.
    pub leps: u64,
}

/// What is offered of a skill.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Offered {
    /// Services.
    pub services: u64,
    /// Places in a year, of the services of which the number is known.
    pub places: u64,
    /// Services of which the number of places is known.
    pub places_known: u64,
    /// Services that cost a learner nothing.
    pub free: u64,
    /// Services that somebody assured within the 12 months before their statement.
    pub assured: u64,
    /// LEPs in which there is one.
    pub leps: u64,
}

/// Folds statements to the picture of a day.
///
/// `demand` and `provision` are in the order of the log, of any LEPs; those of days after `day` or longer ago than they hold
/// ([`HOLDS_MONTHS`], [`PEOPLE_MONTHS`]) are left out. Every one of them passed its check beside `standard`.
pub fn picture<'a>(
    standard: &Standard,
    day: Date,
    demand: impl IntoIterator<Item = &'a DemandSummary>,
    provision: impl IntoIterator<Item = &'a ProvisionSummary>,
) -> Picture {
    let mut newest: BTreeMap<&Gss, &DemandSummary> = BTreeMap::new();
    let mut people: BTreeMap<&Gss, Counted> = BTreeMap::new();
    let skills = &standard.dimension(Dimension::Skill).codes;
    for it in demand {
        if holds(it.as_of, day, HOLDS_MONTHS) {
            newest.insert(&it.lep, it);
        }
        if let Some(asked) = it
            .people
            .as_ref()
            .filter(|_| holds(it.as_of, day, PEOPLE_MONTHS))
        {
            let counted = people.entry(&it.lep).or_default();
            counted.add(&asked.counts, asked.sigma2, skills.len());
        }
    }
    let mut offers: BTreeMap<&Gss, &ProvisionSummary> = BTreeMap::new();
    for it in provision {
        if holds(it.as_of, day, HOLDS_MONTHS) {
            offers.insert(&it.lep, it);
        }
    }
    let count = |n: usize| n as u64;
    let of_skill = |(at, code): (usize, &crate::standard::Code)| SkillPicture {
        skill: code.id.clone(),
        wanted: wanted(&code.id, newest.values().copied()),
        people: estimate(at, &people),
        offered: offered(&code.id, offers.values().copied()),
    };
    Picture {
        day,
        demand: count(newest.len()),
        kept_back: count(newest.values().filter(|it| it.kept_back).count()),
        provision: count(offers.len()),
        skills: skills.iter().enumerate().map(of_skill).collect(),
    }
}

/// A LEP's counts of people by skill, and the variance of each.
#[derive(Default)]
struct Counted {
    skills: Vec<(i64, u64)>,
}

impl Counted {
    fn add(&mut self, counts: &[i64], sigma2: u64, skills: usize) {
        self.skills.resize(skills, (0, 0));
        let places = counts.len().checked_div(skills).unwrap_or(0).max(1);
        for (sum, of_skill) in self.skills.iter_mut().zip(counts.chunks(places)) {
            for count in of_skill {
                sum.0 = sum.0.saturating_add(*count);
                sum.1 = sum.1.saturating_add(sigma2);
            }
        }
    }
}

fn estimate(skill: usize, people: &BTreeMap<&Gss, Counted>) -> Option<Estimate> {
    let mut sum: Option<Estimate> = None;
    for (count, variance) in people.values().filter_map(|it| it.skills.get(skill)) {
        let sum = sum.get_or_insert(Estimate {
            count: 0,
            variance: 0,
            leps: 0,
        });
        sum.count = sum.count.saturating_add(*count);
        sum.variance = sum.variance.saturating_add(*variance);
        sum.leps += 1;
    }
    sum
}

fn wanted<'a>(skill: &str, demand: impl Iterator<Item = &'a DemandSummary>) -> Vec<Wanted> {
    let mut sums: BTreeMap<Counts, Wanted> = BTreeMap::new();
    for of_lep in demand {
        let mut told: BTreeMap<Counts, (u64, Date)> = BTreeMap::new();
        for sum in of_lep.organisations.iter().filter(|sum| sum.skill == skill) {
            let (number, oldest) = told.entry(sum.counts).or_insert((0, sum.as_of));
            *number = number.saturating_add(sum.number);
            *oldest = (*oldest).min(sum.as_of);
        }
        for (counts, (number, oldest)) in told {
            let sum = sums.entry(counts).or_insert(Wanted {
                counts,
                number: 0,
                leps: 0,
                oldest,
            });
            sum.number = sum.number.saturating_add(number);
            sum.leps += 1;
            sum.oldest = sum.oldest.min(oldest);
        }
    }
    sums.into_values().collect()
}

fn offered<'a>(skill: &str, provision: impl Iterator<Item = &'a ProvisionSummary>) -> Offered {
    let mut sum = Offered::default();
    for of_lep in provision {
        let offers = of_lep.offers.iter().filter(|offer| offer.skill == skill);
        let before = sum.services;
        for offer in offers {
            sum.services = sum.services.saturating_add(offer.sum.services);
            sum.places = sum.places.saturating_add(offer.sum.places);
            sum.places_known = sum.places_known.saturating_add(offer.sum.places_known);
            sum.free = sum.free.saturating_add(offer.sum.free);
            sum.assured = sum.assured.saturating_add(offer.sum.assured);
        }
        sum.leps += u64::from(sum.services > before);
    }
    sum
}
