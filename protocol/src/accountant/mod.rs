//! The privacy accountant: what the releases of one node have cost the people in them, what they may still cost, and the word that refuses a
//! release which would overspend.
//!
//! Budgets are zero-concentrated differential privacy (zCDP, Bun and Steinke 2016, arXiv 1605.02065, definition 1.1) in whole
//! millionths of rho. What decides is integer arithmetic; [`conversion`] puts it into words for people.
//!
//! **One table.** An enrolment adds one to one cell of a table in one month s. Through the filter c this shifts what is published by
//! (c_0, c_1, …, c_(H-s)), whose square is at most the energy E = sum of c^2 over the horizon. Noise of variance
//! sigma^2 = E / (2 rho) makes that rho-zCDP for all months together (op. cit., proposition 1.6; Canonne, Kamath and Steinke 2020,
//! arXiv 2004.00010, theorem 4, for the discrete Gaussian). So a table's whole rho is committed by its first month, and after t
//! months E_t / E of it is spent for the enrolment that entered in the first.
//!
//! **Sums.** rho adds up over tables (op. cit., lemma 1.7), and over epochs: a second epoch is a second mechanism.
//! **Attributes.** Two values of one attribute differ in two cells, so twice the rho of the tables that hold it.
//! **Learners.** k enrolments of one person cost at most k^2 times one (op. cit., proposition 1.9).
//! **Corrections.** [`correction_micro`], [`attribute_correction_micro`]. Which were published is told by records, so what is stated is what the dearest
//! that may be published would cost ([`Accountant::enrolment_at_most`]). **Later standards.** An enrolment enters the tables of one
//! standard only, so its cost is the largest over standards, not their sum, and each standard has months and epochs of its own; tables
//! that earlier enrolments enter too are paid from the reserve ([`Design::added_to`]).

mod budget;
pub mod conversion;
pub mod tails;

use std::collections::BTreeSet;

pub use budget::{Design, Limits, Rho, TableBudget, attribute_correction_micro, correction_micro};

use crate::noise::{HORIZON, energy};
use crate::standard::{Dimension, SENSITIVE};

/// Epochs that one node may begin under one standard: a second after a lost ledger, never a third.
pub const EPOCHS: u32 = 2;

/// One month that is about to be drawn.
#[derive(Debug, Clone, Copy)]
pub struct Release<'a> {
    /// Its tables and their budgets.
    pub design: &'a Design,
    /// 1, or 2 after a lost ledger.
    pub epoch: u32,
    /// Month of the epoch, from 1.
    pub month: usize,
    /// For each enrolment that it corrects: the tables in which its cell moves.
    pub corrections: &'a [BTreeSet<String>],
}

/// A month that the accountant let through: what its noise may be made for. Made only by [`Accountant::admit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admitted {
    epoch: u32,
    month: usize,
    chosen: Rho,
}

impl Admitted {
    /// 1, or 2 after a lost ledger.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Month of the epoch, from 1.
    #[must_use]
    pub fn month(&self) -> usize {
        self.month
    }

    /// The node's whole budget.
    #[must_use]
    pub fn chosen(&self) -> Rho {
        self.chosen
    }
}

/// Why a release is refused: it would cost somebody more than they were promised.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Overspent {
    #[error("a node may begin {EPOCHS} epochs under one standard, and this would be number {0}")]
    Epoch(u32),
    #[error(
        "month {month} of epoch {epoch} does not follow what was published; a month drawn twice would cost its budget twice"
    )]
    Order { epoch: u32, month: usize },
    #[error("the privacy budget was spread over {HORIZON} months, and all of them are published")]
    Horizon,
    #[error("the tables or their budgets differ from those that epoch {0} began with")]
    Changed(u32),
    #[error(
        "one enrolment would cost rho = {cost}, and {limit} is what it may cost beside the reserve"
    )]
    Enrolment { cost: Rho, limit: Rho },
    #[error(
        "{attribute:?} of one enrolment would cost rho = {cost}, and {limit} is what it may cost"
    )]
    Attribute {
        attribute: Dimension,
        cost: Rho,
        limit: Rho,
    },
    #[error(
        "correcting an enrolment in {tables} tables would make it cost rho = {cost}, and {limit} is what it may cost beside the reserve"
    )]
    Correction {
        tables: usize,
        cost: Rho,
        limit: Rho,
    },
    #[error("tables added for earlier enrolments would take rho = {cost} of a reserve of {limit}")]
    Reserve { cost: Rho, limit: Rho },
}

impl Overspent {
    /// What to do next.
    #[must_use]
    pub fn next(&self) -> &'static str {
        match self {
            Self::Epoch(_) => {
                "This node cannot publish learners\u{2019} figures any more. Ask the national operator; figures published so far stand."
            }
            Self::Order { .. } => {
                "Restore the newest backup of the data directory. Nothing was drawn."
            }
            Self::Horizon => "Ask the national operator which data standard comes next.",
            Self::Changed(_) => {
                "Set rho_micro back in the configuration, or use the program version that began the epoch."
            }
            Self::Correction { .. } => {
                "Keep the correction local: the published figures keep the enrolment as it was first known."
            }
            Self::Enrolment { .. } | Self::Attribute { .. } | Self::Reserve { .. } => {
                "Do not publish with these tables: tell the national operator which data standard and which rho_micro this node runs with. Nothing was drawn."
            }
        }
    }
}

/// Tables that have begun to be published in an epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// The tables.
    pub design: Design,
    /// Their epoch.
    pub epoch: u32,
    /// Months published of it.
    pub months: usize,
}

impl Begun {
    /// What of `rho` is spent for the enrolment that entered in the first month.
    #[must_use]
    pub fn so_far(&self, rho: Rho) -> Rho {
        rho.part(energy(self.months), energy(HORIZON))
    }
}

/// The accountant of one node: every release that it published, in order.
///
/// [`Self::admit`] is asked before anything is drawn; feeding it a node's ledger from the first month gives the node's standing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accountant {
    begun: Vec<Begun>,
    /// For each enrolment that was corrected, the standard that it belongs to.
    corrected: Vec<String>,
}

impl Accountant {
    /// Of a node that has published nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Of a node that is about to publish the first month of `design`.
    ///
    /// # Errors
    /// [`Overspent`].
    pub fn planned(design: Design) -> Result<Self, Overspent> {
        let mut planned = Self::new();
        planned.check_tables(&design, 1)?;
        planned.begun.push(Begun {
            design,
            epoch: 1,
            months: 0,
        });
        Ok(planned)
    }

    /// Whether `release` keeps every promise; charges it if so.
    ///
    /// # Errors
    /// [`Overspent`]; nothing was charged.
    pub fn admit(&mut self, release: &Release<'_>) -> Result<Admitted, Overspent> {
        let Release {
            design,
            epoch,
            month,
            corrections,
        } = *release;
        let same = |b: &&Begun| b.design.enrolments() == design.enrolments();
        let latest = self.begun.iter().filter(same).map(|b| b.epoch);
        let latest = latest.max().unwrap_or(1);
        if !(1..=EPOCHS).contains(&epoch) {
            return Err(Overspent::Epoch(epoch));
        }
        if epoch < latest || epoch > latest + 1 {
            return Err(Overspent::Order { epoch, month });
        }
        let at = self
            .begun
            .iter()
            .position(|b| b.epoch == epoch && b.design.standard == design.standard);
        let months = at.map_or(0, |at| self.begun[at].months);
        if months >= HORIZON {
            return Err(Overspent::Horizon);
        }
        if month != months + 1 {
            return Err(Overspent::Order { epoch, month });
        }
        match at {
            Some(at) if self.begun[at].design != *design => return Err(Overspent::Changed(epoch)),
            Some(_) => {}
            None => self.check_tables(design, epoch)?,
        }
        for moved in corrections {
            design.check_correction(moved)?;
        }
        match at {
            Some(at) => self.begun[at].months = month,
            None => self.begun.push(Begun {
                design: design.clone(),
                epoch,
                months: month,
            }),
        }
        let corrected = corrections.iter().map(|_| design.standard.clone());
        self.corrected.extend(corrected);
        Ok(Admitted {
            epoch,
            month,
            chosen: design.chosen,
        })
    }

    /// The promises of a standard whose tables begin to be published.
    fn check_tables(&self, design: &Design, epoch: u32) -> Result<(), Overspent> {
        let none = BTreeSet::new();
        let cost = design.cost(&none);
        let limit = design.limits.enrolment.less(design.limits.reserve);
        if cost > limit {
            return Err(Overspent::Enrolment { cost, limit });
        }
        check_attributes(&[design], &none)?;
        let Some(base) = &design.added_to else {
            return Ok(());
        };
        // Enrolments of the earlier standard bear its tables and everything that was added to it.
        let same_epoch = self.begun.iter().filter(|b| b.epoch == epoch);
        let mut borne: Vec<&Design> = same_epoch
            .map(|b| &b.design)
            .filter(|d| d.standard == *base || d.added_to.as_ref() == Some(base))
            .collect();
        borne.push(design);
        let added = borne.iter().filter(|d| d.added_to.is_some());
        let cost = added.map(|d| d.cost(&none)).sum();
        let limit = borne
            .iter()
            .find(|d| d.standard == *base)
            .map_or(Rho::ZERO, |d| d.limits.reserve);
        if cost > limit {
            return Err(Overspent::Reserve { cost, limit });
        }
        check_attributes(&borne, &none)
    }

    /// Everything that was published, in the order in which it began.
    #[must_use]
    pub fn begun(&self) -> &[Begun] {
        &self.begun
    }

    /// The part that concerns the enrolments of `standard` alone.
    #[must_use]
    pub fn under(&self, standard: &str) -> Self {
        let begun = self.begun.iter();
        let corrected = self.corrected.iter();
        Self {
            begun: begun
                .filter(|b| b.design.enrolments() == standard)
                .cloned()
                .collect(),
            corrected: corrected.filter(|s| *s == standard).cloned().collect(),
        }
    }

    /// Enrolments whose correction was published. Exact: records decide it, so it is for people of the node alone.
    #[must_use]
    pub fn corrections(&self) -> usize {
        self.corrected.len()
    }

    /// Names of the standards in use, in the order in which they began; tables added to one belong to it.
    fn standards(&self) -> BTreeSet<&str> {
        let own = self.begun.iter().filter(|b| b.design.added_to.is_none());
        own.map(|b| b.design.standard.as_str()).collect()
    }

    /// Sum over what enrolments of `standard` entered, in all epochs.
    fn over_life(&self, standard: &str, cost: impl Fn(&Begun) -> Rho) -> Rho {
        let entered = self.begun.iter();
        let entered = entered.filter(|b| b.design.enrolments() == standard);
        entered.map(cost).sum()
    }

    fn worst(&self, cost: impl Fn(&Begun) -> Rho) -> Rho {
        let each = self
            .standards()
            .into_iter()
            .map(|s| self.over_life(s, &cost));
        each.max().unwrap_or_default()
    }

    /// What one enrolment that was never corrected can cost over the node's whole life, all months to come of the epochs begun
    /// included.
    #[must_use]
    pub fn enrolment(&self) -> Rho {
        self.worst(|b| b.design.cost(&BTreeSet::new()))
    }

    /// What the longest-published enrolment has cost so far.
    #[must_use]
    pub fn enrolment_so_far(&self) -> Rho {
        self.worst(|b| b.so_far(b.design.cost(&BTreeSet::new())))
    }

    /// Whether a correction may be published of any enrolment, in any epoch begun.
    #[must_use]
    pub fn allows_corrections(&self) -> bool {
        self.begun.iter().any(|b| b.design.allows_corrections())
    }

    /// What one enrolment can cost over the node's whole life, corrected or not: what the dearest correction that may be published
    /// would make it cost. It depends on the designs alone and on no record, so it may be told to everybody.
    #[must_use]
    pub fn enrolment_at_most(&self) -> Rho {
        self.worst(|b| b.design.most())
    }

    /// What all enrolments of one learner can cost together, corrected or not.
    #[must_use]
    pub fn learner(&self) -> Rho {
        let most = self
            .begun
            .iter()
            .map(|b| b.design.limits.per_learner)
            .max()
            .unwrap_or(1);
        self.enrolment_at_most().times(most * most)
    }

    /// What two values of `attribute` of one enrolment that was never corrected can cost.
    #[must_use]
    pub fn attribute(&self, attribute: Dimension) -> Rho {
        self.worst(|b| b.design.attribute_cost(&BTreeSet::new(), attribute))
    }

    /// What two values of `attribute` of one enrolment can cost, corrected or not; as [`Self::enrolment_at_most`].
    #[must_use]
    pub fn attribute_at_most(&self, attribute: Dimension) -> Rho {
        self.worst(|b| b.design.attribute_most(attribute))
    }

    /// The same so far, of the longest-published enrolment that was never corrected.
    #[must_use]
    pub fn attribute_so_far(&self, attribute: Dimension) -> Rho {
        self.worst(|b| b.so_far(b.design.attribute_cost(&BTreeSet::new(), attribute)))
    }
}

/// `designs`: what one enrolment enters.
fn check_attributes(designs: &[&Design], moved: &BTreeSet<String>) -> Result<(), Overspent> {
    for attribute in SENSITIVE {
        let cost = designs
            .iter()
            .map(|d| d.attribute_cost(moved, attribute))
            .sum();
        let limit = designs
            .iter()
            .map(|d| d.limits.attribute)
            .min()
            .unwrap_or_default();
        if cost > limit {
            return Err(Overspent::Attribute {
                attribute,
                cost,
                limit,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
