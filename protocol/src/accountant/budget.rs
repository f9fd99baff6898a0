//! Budgets: of a table, of a standard at one node, of a correction.

use std::collections::BTreeSet;
use std::fmt;
use std::iter::Sum;
use std::ops::Add;
use std::sync::LazyLock;

use super::{Overspent, check_attributes};
use crate::noise::{FILTER, HORIZON, energy, table_rho};
use crate::standard::{Dimension, Family, SENSITIVE, Standard};

/// A budget in millionths of zCDP rho.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rho(pub(super) u64);

impl Rho {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Of whole millionths.
    #[must_use]
    pub const fn from_micro(micro: u64) -> Self {
        Self(micro)
    }

    /// In whole millionths.
    #[must_use]
    pub const fn micro(self) -> u64 {
        self.0
    }

    /// As a number, for formulas that decide nothing.
    #[must_use]
    pub fn value(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// `self` times `part` / `whole`, rounded up: never less than was spent. `whole` is above 0.
    #[must_use]
    pub fn part(self, part: u64, whole: u64) -> Self {
        let share = (u128::from(self.0) * u128::from(part)).div_ceil(u128::from(whole));
        Self(u64::try_from(share).unwrap_or(u64::MAX))
    }

    /// `n` times.
    #[must_use]
    pub fn times(self, n: u64) -> Self {
        Self(self.0.saturating_mul(n))
    }

    /// What is left of `self` after `other`; nothing when that is more.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Add for Rho {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for Rho {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::ZERO, Self::add)
    }
}

/// `0.45`: as many places as are needed, at least one.
impl fmt::Display for Rho {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = format!("{:06}", self.0 % 1_000_000);
        let kept = places.trim_end_matches('0');
        let kept = if kept.is_empty() { "0" } else { kept };
        write!(f, "{}.{kept}", self.0 / 1_000_000)
    }
}

/// What a correction of one enrolment makes a table cost that enrolment, in millionths of the table's rho.
///
/// A published correction takes the enrolment out of cell a in month s' and adds it to cell b, where it first entered a in
/// month s < s'. It then shifts cell a by F(e_s - e_s') and cell b by F(e_s'), where F is the filter: squares
/// E(H-s+1) + E(H-s'+1) - 2 <F e_s, F e_s'> and E(H-s'+1). This is the largest sum of the two over all s < s', divided by E and
/// rounded up: 2.408495 (s = 1, s' = 75). In a table whose cell does not move, the two cancel and nothing is added.
#[must_use]
pub fn correction_micro() -> u64 {
    static DEAREST: LazyLock<u64> =
        LazyLock::new(|| dearest(|first, then, common| first + 2 * then - 2 * common));
    *DEAREST
}

/// What a correction makes two values of a sensitive attribute be apart in a table that holds it, in millionths of twice the table's
/// rho.
///
/// The two that are furthest apart are "recorded a, corrected to b" and "recorded b, corrected to a". Cell a is F(e_s - e_s') in
/// the one and F(e_s') in the other, cell b the other way round, so each cell differs by F(e_s - 2 e_s'), whose square is
/// E(H-s+1) + 4 E(H-s'+1) - 4 <F e_s, F e_s'>. This is the largest over all s < s', divided by E and rounded up: 3.816989 (s = 1,
/// s' = 75). Without a correction the cells differ by F e_s each, whose square is at most E.
#[must_use]
pub fn attribute_correction_micro() -> u64 {
    static DEAREST: LazyLock<u64> =
        LazyLock::new(|| dearest(|first, then, common| first + 4 * then - 4 * common));
    *DEAREST
}

/// The largest `square` over all months s < s' of the horizon, of the squares of F e_s and F e_s' and their product, in millionths
/// of the energy, rounded up.
fn dearest(square: impl Fn(i64, i64, i64) -> i64) -> u64 {
    let signed = |energy: u64| i64::try_from(energy).expect("120 squares of 2^16 at most");
    let worst = (1..HORIZON)
        .flat_map(|first| (first + 1..=HORIZON).map(move |then| (first, then)))
        .map(|(first, then)| {
            let (lag, left) = (then - first, HORIZON - then + 1);
            let common = (0..left).map(|k| FILTER[k] * FILTER[k + lag]).sum();
            let all = signed(energy(HORIZON - first + 1));
            square(all, signed(energy(left)), common)
        })
        .max();
    let worst = u128::try_from(worst.unwrap_or(0)).expect("a square is not negative");
    let scaled = (worst * 1_000_000).div_ceil(u128::from(energy(HORIZON)));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

/// A table's budget at one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableBudget {
    /// Id in the standard.
    pub id: String,
    /// The family that feeds it.
    pub family: Family,
    /// Sensitive attributes that it holds.
    pub sensitive: BTreeSet<Dimension>,
    /// What it costs an enrolment in one epoch.
    pub rho: Rho,
}

/// What a standard allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For one enrolment in one epoch, over all tables, the reserve included.
    pub enrolment: Rho,
    /// Part of it that is held back for tables added later.
    pub reserve: Rho,
    /// For one sensitive attribute of one enrolment: twice the rho of the tables that hold it.
    pub attribute: Rho,
    /// Enrolments of one learner that may enter any family.
    pub per_learner: u64,
}

/// A standard's tables with the budgets that one node gives them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Design {
    /// The standard's name and version.
    pub standard: String,
    /// What it allows.
    pub limits: Limits,
    /// The budget that the node chose, of which the tables have their shares: the standard's or less.
    pub chosen: Rho,
    /// Its tables.
    pub tables: Vec<TableBudget>,
    /// Name of the standard whose enrolments enter these tables too: tables that were added for enrolments which are there. Their
    /// cost is met from that standard's reserve. `None`: only new enrolments enter them.
    pub added_to: Option<String>,
}

impl Design {
    /// The tables of `standard` at a node that chose `rho_micro` of its budget.
    #[must_use]
    pub fn of(standard: &Standard, rho_micro: u64) -> Self {
        let noise = standard.noise();
        let table = |t: &crate::standard::Table| TableBudget {
            id: t.id.clone(),
            family: t.family,
            sensitive: SENSITIVE
                .into_iter()
                .filter(|d| t.dimensions.contains(d))
                .collect(),
            rho: Rho(table_rho(standard, t.rho_micro, rho_micro)),
        };
        Self {
            standard: standard.title(),
            limits: Limits {
                enrolment: Rho(noise.rho_micro),
                reserve: Rho(noise.reserve_micro),
                attribute: Rho(noise.attribute_limit_micro),
                per_learner: noise.enrolments_per_learner as u64,
            },
            chosen: Rho(rho_micro),
            tables: standard.tables().iter().map(table).collect(),
            added_to: None,
        }
    }

    /// Name of the standard whose enrolments enter the tables.
    #[must_use]
    pub fn enrolments(&self) -> &str {
        self.added_to.as_deref().unwrap_or(&self.standard)
    }

    /// Whether an enrolment may be corrected in the tables `moved`. At the standard's whole budget none may: a LEP that wants to publish
    /// corrections leaves room for them by a smaller budget.
    ///
    /// # Errors
    /// [`Overspent`].
    pub fn check_correction(&self, moved: &BTreeSet<String>) -> Result<(), Overspent> {
        let cost = self.cost(moved);
        let limit = self.limits.enrolment.less(self.limits.reserve);
        if cost > limit {
            let tables = moved.len();
            return Err(Overspent::Correction {
                tables,
                cost,
                limit,
            });
        }
        check_attributes(&[self], moved)
    }

    /// Whether [`Self::check_correction`] lets any correction through: one that moves more costs more.
    #[must_use]
    pub fn allows_corrections(&self) -> bool {
        let one = |t: &TableBudget| [t.id.clone()].into();
        let mut tables = self.tables.iter();
        tables.any(|t| self.check_correction(&one(t)).is_ok())
    }

    /// The most that all tables can cost an enrolment, whichever of its corrections is published: it depends on no record.
    pub(super) fn most(&self) -> Rho {
        let limit = self.limits.enrolment.less(self.limits.reserve);
        self.cost(&self.moved_at_most()).min(limit)
    }

    /// The most that two values of `attribute` of one enrolment can be apart, whichever of its corrections is published.
    pub(super) fn attribute_most(&self, attribute: Dimension) -> Rho {
        let most = self.attribute_cost(&self.moved_at_most(), attribute);
        most.min(self.limits.attribute)
    }

    fn moved_at_most(&self) -> BTreeSet<String> {
        if self.allows_corrections() {
            self.tables.iter().map(|t| t.id.clone()).collect()
        } else {
            BTreeSet::new()
        }
    }

    /// What all tables cost an enrolment whose cells moved in the tables `moved`.
    pub(super) fn cost(&self, moved: &BTreeSet<String>) -> Rho {
        self.cost_where(moved, correction_micro, |_| true)
    }

    /// What two values of `attribute` of one enrolment are apart.
    pub(super) fn attribute_cost(&self, moved: &BTreeSet<String>, attribute: Dimension) -> Rho {
        let holds = |t: &TableBudget| t.sensitive.contains(&attribute);
        self.cost_where(moved, attribute_correction_micro, holds)
            .times(2)
    }

    /// `factor`: what a table costs whose cell moved, in millionths of its rho.
    fn cost_where(
        &self,
        moved: &BTreeSet<String>,
        factor: impl Fn() -> u64,
        holds: impl Fn(&TableBudget) -> bool,
    ) -> Rho {
        let factor = if moved.is_empty() { 0 } else { factor() };
        let tables = self.tables.iter().filter(|t| holds(t));
        let cost = tables.map(|t| match moved.contains(&t.id) {
            true => t.rho.part(factor, 1_000_000),
            false => t.rho,
        });
        cost.sum()
    }
}
