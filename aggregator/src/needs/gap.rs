//! What is wanted of a skill beside what is offered, as far as both are known.

use ldsp_protocol::measures::{Count, Estimate};
use ldsp_protocol::needs::{self, Counts, SkillPicture};

/// How far what is offered of a skill goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// Nothing was told of either.
    Silent,
    /// Offered; nothing was told of anybody who wants it.
    Unasked,
    /// Wanted, and no service offers it.
    Nothing,
    /// Wanted and offered; of how many people, or of how many places, nothing is known.
    Unknown,
    /// More people than places, by at least so many where the places of every service are known.
    Short {
        /// People without a place; `None` where places of some services are not known.
        by: Option<u64>,
    },
    /// As many places as people who are known to want it, or more.
    Enough,
}

impl Gap {
    /// That of a skill. Whom organisations want trained and who was asked may be the same people: so that nobody is counted twice, the
    /// larger number stands for both, of an estimate the lower end of its interval.
    #[must_use]
    pub fn of(skill: &SkillPicture) -> Self {
        let offered = &skill.offered;
        let told = skill.wanted.iter().find(|w| w.counts == Counts::People);
        let asked = match skill.people.as_ref().map(shown) {
            Some(Count::Shown { low, .. }) => Some(low),
            _ => None,
        };
        let people = told.map(|w| w.number).max(asked).filter(|n| *n > 0);
        let is_wanted = asked.is_some() || skill.wanted.iter().any(|w| w.number > 0);
        match (is_wanted, offered.services) {
            (false, 0) => return Self::Silent,
            (false, _) => return Self::Unasked,
            (true, 0) => return Self::Nothing,
            (true, _) => {}
        }
        let Some(people) = people.filter(|_| offered.places_known > 0) else {
            return Self::Unknown;
        };
        if people <= offered.places {
            return Self::Enough;
        }
        let is_known = offered.places_known == offered.services;
        Self::Short {
            by: is_known.then(|| people - offered.places),
        }
    }
}

/// What may be shown of a count of people: "too few to say" under three standard errors, as of every count with noise.
#[must_use]
pub fn shown(people: &needs::Estimate) -> Count {
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts and variances are far below 2^53"
    )]
    let (value, variance) = (people.count as f64, people.variance as f64);
    let se = variance.sqrt();
    Estimate { value, se }.display()
}
