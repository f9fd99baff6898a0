//! What a receiver checks of published needs, from the bytes and the public code lists alone.

use jiff::civil::Date;

use super::{
    Counts, DemandSum, DemandSummary, MAX_NUMBER, Offer, OfferSum, PEOPLE_SIGMA2, PeopleAsked,
    ProvisionSummary,
};
use crate::geography::Geography;
use crate::ids::Gss;
use crate::noise::MAX_CELL;
use crate::standard::{Dimension, NOT_STATED, Standard};

/// Why published needs are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum NeedsError {
    #[error("{0} is no Local Enterprise Partnership of this version's map")]
    Lep(Gss),
    #[error("{at} names the {what} {code:?}, which the data standard does not have")]
    Code {
        at: String,
        what: &'static str,
        code: String,
    },
    #[error("{at} names the district {district}, which {lep} does not own")]
    District { at: String, district: Gss, lep: Gss },
    #[error("{0} is not in ascending order, or is there twice")]
    Order(String),
    #[error("{at} says {what}")]
    Sum { at: String, what: &'static str },
    #[error("people: {0}")]
    People(&'static str),
}

impl DemandSummary {
    /// Checks it beside the data standard that its statement names.
    ///
    /// # Errors
    /// [`NeedsError`]: of the first thing that does not hold.
    pub fn check(&self, standard: &Standard) -> Result<(), NeedsError> {
        let owned = owned(&self.lep)?;
        for (n, sum) in self.organisations.iter().enumerate() {
            sum.check(&format!("sum {}", n + 1), standard, self)?;
        }
        let keys: Vec<_> = self.organisations.iter().map(DemandSum::key).collect();
        ascending(&keys, "sum")?;
        let cells = standard.dimension(Dimension::Skill).codes.len() * (owned.len() + 1);
        self.people.as_ref().map_or(Ok(()), |it| it.check(cells))
    }
}

impl DemandSum {
    fn key(&self) -> (Counts, &str, Option<&str>, Option<&Gss>) {
        let tier = self.tier.as_deref();
        (self.counts, &self.skill, tier, self.district.as_ref())
    }

    fn check(&self, at: &str, standard: &Standard, of: &DemandSummary) -> Result<(), NeedsError> {
        code(at, standard, Dimension::Skill, "skill", &self.skill)?;
        if let Some(tier) = &self.tier {
            code(at, standard, Dimension::Tier, "tier", tier)?;
        }
        district(at, &of.lep, self.district.as_ref())?;
        let says = |what| NeedsError::Sum {
            at: at.to_owned(),
            what,
        };
        if self.tier.is_some() != (self.skill == NOT_STATED) {
            return Err(says(
                "a tier of a stated skill, or none where the skill is not stated",
            ));
        }
        if self.number > MAX_NUMBER {
            return Err(says("a number that is too large"));
        }
        if self.as_of > of.as_of {
            return Err(says("a day after the statement's own"));
        }
        if self.how.is_empty() || !self.how.is_sorted_by(|a, b| a < b) {
            return Err(says("its ways of learning in no ascending order, or none"));
        }
        Ok(())
    }
}

impl PeopleAsked {
    fn check(&self, cells: usize) -> Result<(), NeedsError> {
        if self.counts.len() != cells {
            return Err(NeedsError::People(
                "there is not one count for every skill and place",
            ));
        }
        if self.rounds == 0 || self.sigma2 != u64::from(self.rounds) * PEOPLE_SIGMA2 {
            return Err(NeedsError::People(
                "the variance is not that of the rounds that it names",
            ));
        }
        if self
            .counts
            .iter()
            .any(|n| n.unsigned_abs() > MAX_CELL.unsigned_abs())
        {
            return Err(NeedsError::People("a count is too large"));
        }
        Ok(())
    }
}

impl ProvisionSummary {
    /// Checks it beside the data standard that its statement names.
    ///
    /// # Errors
    /// [`NeedsError`]: of the first thing that does not hold.
    pub fn check(&self, standard: &Standard) -> Result<(), NeedsError> {
        owned(&self.lep)?;
        for (n, offer) in self.offers.iter().enumerate() {
            let at = format!("offer {}", n + 1);
            code(&at, standard, Dimension::Skill, "skill", &offer.skill)?;
            district(&at, &self.lep, offer.district.as_ref())?;
            offer.sum.check(&at)?;
            if !offer.sum.is_within(&self.all) {
                let what = "more than there is of all";
                return Err(NeedsError::Sum { at, what });
            }
            if offer.sum.services == 0 {
                let what = "no service at all";
                return Err(NeedsError::Sum { at, what });
            }
        }
        let key = |o: &Offer| (o.skill.clone(), o.district.clone());
        ascending(&self.offers.iter().map(key).collect::<Vec<_>>(), "offer")?;
        self.all.check("all")
    }
}

impl OfferSum {
    fn check(&self, at: &str) -> Result<(), NeedsError> {
        let of_services = [
            self.organisations,
            self.places_known,
            self.free,
            self.assured,
        ];
        let what = if of_services.iter().any(|n| *n > self.services) {
            "more of its services than it has"
        } else if self.services > MAX_NUMBER || self.places > MAX_NUMBER {
            "a number that is too large"
        } else if self.places_known == 0 && self.places > 0 {
            "places of no service"
        } else {
            return Ok(());
        };
        let at = at.to_owned();
        Err(NeedsError::Sum { at, what })
    }

    fn is_within(&self, all: &Self) -> bool {
        self.services <= all.services
            && self.organisations <= all.organisations
            && self.places <= all.places
            && self.places_known <= all.places_known
            && self.free <= all.free
            && self.assured <= all.assured
    }
}

fn owned(lep: &Gss) -> Result<Vec<Gss>, NeedsError> {
    let geography = Geography::embedded();
    match geography.lep(lep) {
        Some(_) => Ok(geography.owned_by(lep)),
        None => Err(NeedsError::Lep(lep.clone())),
    }
}

fn code(
    at: &str,
    standard: &Standard,
    dimension: Dimension,
    what: &'static str,
    code: &str,
) -> Result<(), NeedsError> {
    let codes = &standard.dimension(dimension).codes;
    if codes.iter().any(|known| known.id == code) {
        return Ok(());
    }
    Err(NeedsError::Code {
        at: at.to_owned(),
        what,
        code: code.chars().take(100).collect(),
    })
}

fn district(at: &str, lep: &Gss, district: Option<&Gss>) -> Result<(), NeedsError> {
    let owner = |code: &Gss| Geography::embedded().district(code).map(|d| &d.owner);
    match district {
        Some(code) if owner(code) != Some(lep) => Err(NeedsError::District {
            at: at.to_owned(),
            district: code.clone(),
            lep: lep.clone(),
        }),
        _ => Ok(()),
    }
}

fn ascending<K: Ord>(keys: &[K], what: &str) -> Result<(), NeedsError> {
    match keys.windows(2).position(|two| two[0] >= two[1]) {
        Some(at) => Err(NeedsError::Order(format!("{what} {}", at + 2))),
        None => Ok(()),
    }
}

/// Whether what was made on `as_of` and holds for `months` is part of the picture of `day`.
#[must_use]
pub fn holds(as_of: Date, day: Date, months: i32) -> bool {
    as_of <= day && as_of >= day.saturating_sub(jiff::Span::new().months(months))
}
