//! Published needs: what a LEP knows of the demand for digital skills and of what is offered, as everybody may read it.
//!
//! Both are the node's statements. None of their figures is a learner's. What organisations ask for is told as sums that
//! pass the dominance rules, and so does every change of a sum that was told before; what people were asked is told as
//! counts with noise, under a budget of its own ([`PEOPLE_RHO_MICRO`]); what is offered is what the node's open feed of
//! services shows anyway. [`picture`] adds the newest of every LEP up.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::ids::{Gss, Period};

mod check;
mod picture;
#[cfg(test)]
mod tests;

pub use check::{NeedsError, holds};
pub use picture::{Estimate, Offered, Picture, SkillPicture, Wanted, picture};

/// Budget of one person in one need, in millionths of rho (zCDP: Bun and Steinke 2016): a person who was asked adds one to
/// one count of one statement, for ever. Whoever is counted in k needs of a LEP has spent up to k squared times as much.
pub const PEOPLE_RHO_MICRO: u64 = 100_000;
/// Variance of the noise that one round adds to a count of people, in people squared: 1 / (2 rho), for a sensitivity of 1.
pub const PEOPLE_SIGMA2: u64 = 1_000_000 / (2 * PEOPLE_RHO_MICRO);
/// For how many months after they were published counts of people are part of a picture.
pub const PEOPLE_MONTHS: i32 = 24;
/// For how many months after its day a statement of sums is part of a picture.
pub const HOLDS_MONTHS: i32 = 24;
/// The largest number of a figure: every one below is exact in JSON's numbers.
pub const MAX_NUMBER: u64 = 1_000_000_000_000;

/// What is asked for. Payload of the kind `demand-summary`, a node's. Its sums stand in the place of those of the node's
/// earlier ones; its counts of people are added to theirs.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = PublishedDemand))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemandSummary {
    /// The LEP.
    pub lep: Gss,
    /// The day on which it was made.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Date))]
    pub as_of: Date,
    /// What employers, charities and public bodies ask for: the sums that may be told, each once and in ascending order of
    /// `counts`, `skill`, `tier` and `district`.
    pub organisations: Vec<DemandSum>,
    /// Whether there are sums that are not told, because few organisations make them up.
    pub kept_back: bool,
    /// What people who were asked need; `null`: nothing of it since the last statement.
    pub people: Option<PeopleAsked>,
}

/// A sum of what organisations ask for.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = PublishedDemandSum))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemandSum {
    /// What the number counts.
    pub counts: Counts,
    /// The skill, by its code in the data standard.
    pub skill: String,
    /// The tier, where the skill is not stated; else `null`, because the skill says it.
    pub tier: Option<String>,
    /// The district; `null`: stated for the whole area, and in no district's number.
    pub district: Option<Gss>,
    /// How many.
    pub number: u64,
    /// How sure the least sure part of it is.
    pub sure: Sure,
    /// The ways in which it was learnt, each once and in ascending order.
    pub how: Vec<How>,
    /// The first month in which any of it is needed.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub from: Period,
    /// The day on which this number was worked out: that of this statement, or of an earlier one where the change since
    /// then would tell what few organisations asked for.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Date))]
    pub as_of: Date,
}

/// Counts of people who were asked and were in no statement before, with noise.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeopleAsked {
    /// How often noise was drawn for these counts: once, and once more for each earlier draft that was refused.
    pub rounds: u32,
    /// Variance of each count, in people squared: [`PEOPLE_SIGMA2`] times `rounds`.
    pub sigma2: u64,
    /// A count for every skill of the data standard, in its order, and in it for the whole area and then for every district
    /// that the LEP owns, in ascending order. May be below zero.
    pub counts: Vec<i64>,
}

/// What is offered. Payload of the kind `provision-summary`, a node's; a later one stands in the place of the earlier ones.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvisionSummary {
    /// The LEP.
    pub lep: Gss,
    /// The day on which it was made.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Date))]
    pub as_of: Date,
    /// By skill and district, each once and in ascending order of both. A service that teaches two skills is in both, so
    /// these are never added up over skills.
    pub offers: Vec<Offer>,
    /// All of it, every service once.
    pub all: OfferSum,
}

/// What is offered of a skill in a district.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// The skill, by its code in the data standard.
    pub skill: String,
    /// The district; `null`: stated for the whole area, and in no district's number.
    pub district: Option<Gss>,
    /// How much.
    pub sum: OfferSum,
}

/// How much is offered.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfferSum {
    /// Services that run and are in the node's open feed.
    pub services: u64,
    /// Organisations that offer them.
    pub organisations: u64,
    /// Places in a year, of the services of which the number is known.
    pub places: u64,
    /// Services of which the number of places is known.
    pub places_known: u64,
    /// Services that cost a learner nothing.
    pub free: u64,
    /// Services that somebody assured within the last 12 months.
    pub assured: u64,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $id:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$of])* $variant),+ }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// As it is written.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $id),+ }
            }
        }
    };
}

words! {
    /// What a number of demand counts. Numbers of different kinds are never added to one another.
    Counts {
        /// People whom organisations want trained.
        People = "people",
        /// Organisations that ask.
        Employers = "employers",
        /// Vacancies that ask for the skill.
        Vacancies = "vacancies",
    }
}

words! {
    /// How demand was learnt.
    How {
        /// By a survey.
        Survey = "survey",
        /// From vacancies.
        Vacancies = "vacancies",
        /// By a panel or board.
        Panel = "panel",
        /// In a workshop.
        Workshop = "workshop",
        /// From applications.
        Application = "application",
    }
}

words! {
    /// How sure demand is, from the surest down.
    Sure {
        /// Counted.
        Counted = "counted",
        /// Estimated.
        Estimated = "estimated",
        /// Guessed.
        Guessed = "guessed",
    }
}
