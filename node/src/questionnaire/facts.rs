//! What this node can fill in: counts of services as the pages of provision show them, and of learners nothing but what any reader of its
//! approved releases gets. What is not known stays empty, with a word why.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use ldsp_protocol::measures::Count;
use ldsp_protocol::questionnaire::{Fact, Form, Question, Questionnaire};
use ldsp_protocol::standard::Family;

use crate::exchange::export::{approved, is_withdrawn};
use crate::import::london_day;
use crate::provision::offer::Offer;
use crate::release::ReleaseError;
use crate::store::Store;
use crate::store::kept::Stored;
use crate::store::services::Service;

/// Why a fact is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknown {
    NoService,
    NoPlaces,
    NoDistrict,
    NoRelease,
    Withdrawn,
    TooFew,
    /// It is known, and no answer that is asked for.
    Beyond,
}

impl Unknown {
    /// For people.
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::NoService => "no service is listed at this node yet",
            Self::NoPlaces => "no service on offer says how many places it has",
            Self::NoDistrict => "no service on offer says in which district it is",
            Self::NoRelease => "no month was released yet",
            Self::Withdrawn => "a published month was withdrawn and not published again",
            Self::TooFew => "the published months are too few to say a number",
            Self::Beyond => "what is known lies outside of the numbers that may be answered",
        }
    }
}

/// What is known on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) day: Date,
    known: BTreeMap<Fact, Result<u64, Unknown>>,
}

/// Where people see what a fact counts.
pub(crate) fn place(fact: Fact) -> (&'static str, &'static str) {
    if fact.is_estimate() {
        ("Releases", "/releases")
    } else {
        ("Provision", "/provision")
    }
}

impl Facts {
    /// What a questionnaire asks for, as it is known now.
    ///
    /// # Errors
    /// [`ReleaseError`].
    pub(crate) async fn read(
        store: &Store,
        asked: &Questionnaire,
        now: Timestamp,
    ) -> Result<Self, ReleaseError> {
        let wanted: Vec<Fact> = asked.questions.iter().filter_map(|q| q.prefill).collect();
        let day = london_day(now);
        let mut known = BTreeMap::new();
        if wanted.iter().any(|fact| !fact.is_estimate()) {
            let services: Vec<Stored<Service>> = store.kept().await?;
            let lep = store.identity().await?.map(|identity| identity.lep);
            let offer = Offer::on(day, &services, lep.as_ref());
            let listed = !services.is_empty();
            for fact in wanted.iter().filter(|fact| !fact.is_estimate()) {
                known.insert(*fact, of_provision(*fact, &offer, listed));
            }
        }
        for fact in wanted.into_iter().filter(|fact| fact.is_estimate()) {
            known.insert(fact, enrolments(store).await?);
        }
        Ok(Self { day, known })
    }

    /// What answers a question; `None`: nothing is filled in there.
    pub(crate) fn of(&self, question: &Question) -> Option<Result<u64, Unknown>> {
        let known = *self.known.get(&question.prefill?)?;
        let Form::Number { min, max, .. } = question.form else {
            return None;
        };
        Some(match known {
            Ok(number) if !(min..=max).contains(&number) => Err(Unknown::Beyond),
            known => known,
        })
    }
}

fn of_provision(fact: Fact, offer: &Offer, listed: bool) -> Result<u64, Unknown> {
    if !listed {
        return Err(Unknown::NoService);
    }
    match fact {
        Fact::Services => Ok(offer.services),
        Fact::ServicesAssured => Ok(offer.assured),
        Fact::Organisations => Ok(offer.organisations),
        Fact::Places => offer.places.ok_or(Unknown::NoPlaces),
        Fact::DistrictsServed => offer.districts.ok_or(Unknown::NoDistrict),
        Fact::EnrolmentsPublished => Err(Unknown::NoRelease),
    }
}

/// Enrolments of all approved months together, as their readers see them.
async fn enrolments(store: &Store) -> Result<Result<u64, Unknown>, ReleaseError> {
    let Some(opened) = approved(store).await? else {
        return Ok(Err(Unknown::NoRelease));
    };
    let months = (opened.first(), opened.release.period);
    if is_withdrawn(&store.statements().await?, months) {
        return Ok(Err(Unknown::Withdrawn));
    }
    let estimates = opened.estimates(opened.to_date())?;
    let total = estimates.total(Family::Starts);
    Ok(match total.map(|total| total.display()) {
        Some(Count::Shown { value, .. }) => Ok(value),
        Some(Count::TooFew) | None => Err(Unknown::TooFew),
    })
}
