//! The privacy account of this node: its ledger read by the accountant ([`ldsp_protocol::accountant`]), and what that means in figures
//! for people: page, terminal and report take them from here. They rest on standard, budget, months and epochs alone, so that any reader of
//! the log could work them out. Whether anybody was corrected is told by records: what is stated is what the dearest correction that may be
//! published would cost, and their number is [`Exact`].

use ldsp_protocol::accountant::conversion::{DELTA, Gain, epsilon, epsilon_closed_form};
use ldsp_protocol::accountant::{
    Accountant, Design, Overspent, Release, Rho, attribute_correction_micro, correction_micro,
};
use ldsp_protocol::ids::Period;
use ldsp_protocol::noise::{HORIZON, energy, sigma2};
use ldsp_protocol::standard::{SENSITIVE, Standard};
use ldsp_protocol::summary::LearningSummary;
use serde::Serialize;
use sqlx::sqlite::SqliteConnection;

use crate::release::{ReleaseError, title};
use crate::store::ledger::corrections as corrected;
use crate::store::ledger::epochs::{self, Second};
use crate::store::ledger::streams::{self, Stream};
use crate::store::records::Exact;
use crate::store::{Store, StoreError, releases};
use crate::words;

/// The accountant after everything that this node has drawn.
///
/// Months of an epoch are those of the ledger or of the releases, whichever know more: a damaged ledger does not give a budget back. An epoch
/// that neither knows any more counts as whole, at the standard's whole budget.
///
/// # Errors
/// The store's; [`ReleaseError::Overspent`] when what was drawn broke a promise.
pub(crate) async fn of(connection: &mut SqliteConnection) -> Result<Accountant, ReleaseError> {
    let mut accountant = Accountant::new();
    for stream in streams::begun(&mut *connection).await? {
        let standard = stream.standard;
        for epoch in 1..=stream.epoch {
            let drawn = drawn(&mut *connection, standard, epoch).await?;
            let rho_micro = rho(&mut *connection, standard, epoch).await?;
            let design = Design::of(standard, rho_micro.unwrap_or(standard.noise().rho_micro));
            let months = match lost(&stream).filter(|_| epoch < stream.epoch) {
                Some(_) if drawn == 0 => HORIZON,
                Some(lost) => drawn.max(lost),
                None => drawn,
            };
            let corrections = corrected::published(&mut *connection, standard, epoch).await?;
            for month in 1..=months {
                accountant.admit(&Release {
                    design: &design,
                    epoch,
                    month,
                    corrections: corrections.get(&month).map_or(&[], Vec::as_slice),
                })?;
            }
        }
    }
    Ok(accountant)
}

/// Months that the epoch before a loss published, whatever is known of them here.
fn lost(stream: &Stream) -> Option<usize> {
    let (first, after) = stream.first.zip(stream.after)?;
    usize::try_from(i64::from(after.index()) - i64::from(first.index()) + 1).ok()
}

/// The budget that an epoch of `standard` began with, in millionths; `None` before its first release.
pub(crate) async fn rho(
    connection: &mut SqliteConnection,
    standard: &Standard,
    epoch: u32,
) -> Result<Option<u64>, StoreError> {
    let released = releases::ends(connection, standard, epoch).await?;
    let first = released.map(|(first, ..)| summary(&first, standard));
    Ok(first.transpose()?.map(|summary| summary.noise.rho_micro))
}

async fn drawn(
    connection: &mut SqliteConnection,
    standard: &Standard,
    epoch: u32,
) -> Result<usize, StoreError> {
    let last: Option<i64> = sqlx::query_scalar(
        "SELECT max(month) FROM (SELECT month FROM ledger_months WHERE standard = $1 AND epoch = $2
         UNION SELECT month FROM release_statements WHERE standard = $1 AND epoch = $2)",
    )
    .bind(standard.version())
    .bind(epoch)
    .fetch_one(connection)
    .await?;
    usize::try_from(last.unwrap_or(0)).map_err(|_| StoreError::Corrupt {
        table: "ledger_months",
        column: "month",
        row: format!("{}, epoch {epoch}", standard.title()),
    })
}

fn summary(
    release: &releases::StoredRelease,
    standard: &Standard,
) -> Result<LearningSummary, StoreError> {
    let payload = release.under(standard).map_or(&[][..], |p| &p.payload);
    serde_json::from_slice(payload).map_err(|_| StoreError::Corrupt {
        table: "release_statements",
        column: "payload",
        row: release.period.to_string(),
    })
}

/// How the budget of the enrolments that are counted under one standard stands. Budgets are in millionths of zCDP rho; probabilities between 0 and 1.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Standing {
    /// The data standard.
    pub standard: String,
    /// First month that was published under it; `None` before.
    pub first: Option<Period>,
    /// Last month that will be; `None` while new enrolments enter it.
    pub last: Option<Period>,
    /// How it takes over from the one before, in words; `None` where there is none.
    pub turn: Option<String>,
    /// The budget that this node chose for one enrolment and epoch.
    pub rho_micro: u64,
    /// 1, or 2 after a lost ledger.
    pub epoch: u32,
    /// Months published in it.
    pub months: usize,
    /// Months still to come: what is left of the horizon, or until the last month.
    pub left: usize,
    /// Months that an epoch's budget is spread over.
    pub horizon: usize,
    /// Sum of the filter's squares over the horizon, in units of 2^-32.
    pub energy: u64,
    /// What a correction would make a table cost the corrected enrolment, in millionths of the table's budget.
    pub correction_micro: u64,
    /// What a correction makes two values of an attribute be apart in a table that holds it, in millionths of twice its rho.
    pub attribute_correction_micro: u64,
    /// What one enrolment bears.
    pub enrolment: Spent,
    /// Whether the budgets leave room to publish a correction of any enrolment.
    pub allows_corrections: bool,
    /// Held back of `enrolment`'s limit for tables added later.
    pub reserve_micro: u64,
    /// Enrolments of one learner that may be counted.
    pub per_learner: u64,
    /// What all enrolments of one learner bear.
    pub learner_micro: u64,
    /// Sensitive attributes, each with what two values of it are apart.
    pub attributes: Vec<AttributeSpent>,
    /// Tables of the present epoch.
    pub tables: Vec<TableSpent>,
    /// What the budgets mean.
    pub meanings: Vec<Meaning>,
    /// The same of the enrolments that are counted under earlier standards, latest first. Nobody bears both.
    pub earlier: Vec<Self>,
}

/// A budget: spent so far, the most that will be spent when the present epoch ends, and the bound of one epoch times the epochs begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Spent {
    /// For what was published in the first month.
    pub so_far_micro: u64,
    /// Over the whole horizon, for what was never corrected.
    pub whole_micro: u64,
    /// The same, corrected or not: with the dearest correction that may be published.
    pub most_micro: u64,
    /// What is promised.
    pub limit_micro: u64,
}

/// A sensitive attribute.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AttributeSpent {
    /// Its id in the standard.
    pub id: String,
    /// For people.
    pub title: String,
    /// Its budget.
    #[serde(flatten)]
    pub spent: Spent,
}

/// A table of the present epoch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableSpent {
    /// Id in the standard.
    pub id: String,
    /// For people.
    pub title: String,
    /// Its whole budget.
    pub rho_micro: u64,
    /// Spent of it for what was published in the first month.
    pub so_far_micro: u64,
    /// Variance of a published cell in units of 2^-32.
    pub sigma2: u64,
}

/// A budget in other words.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Meaning {
    /// `attribute`, `enrolment` or `learner`.
    pub of: &'static str,
    /// The budget.
    pub rho_micro: u64,
    /// delta of both epsilons.
    pub delta: f64,
    /// Canonne, Kamath, Steinke 2020, corollary 13.
    pub epsilon: f64,
    /// Bun, Steinke 2016, proposition 1.3.
    pub epsilon_closed_form: f64,
    /// The best attacker's share of right guesses between two possibilities that were equally likely.
    pub right_guess: f64,
    /// Probability that the truth becomes tenfold likelier.
    pub tenfold: f64,
}

impl Meaning {
    fn new(of: &'static str, rho: Rho) -> Self {
        let gain = Gain::at(rho);
        Self {
            of,
            rho_micro: rho.micro(),
            delta: DELTA,
            epsilon: epsilon(rho, DELTA),
            epsilon_closed_form: epsilon_closed_form(rho, DELTA),
            right_guess: gain.right_guess,
            tenfold: gain.tenfold,
        }
    }
}

impl Standing {
    /// The largest budget of a sensitive attribute: the worst that an attacker gets.
    #[must_use]
    pub fn worst_attribute(&self) -> Option<&AttributeSpent> {
        self.attributes.iter().max_by_key(|a| a.spent.most_micro)
    }

    /// What the tables of the present epoch take together.
    #[must_use]
    pub fn tables_micro(&self) -> u64 {
        self.tables.iter().map(|t| t.rho_micro).sum()
    }

    /// What the budget of `of` means.
    #[must_use]
    pub fn meaning(&self, of: &str) -> Option<&Meaning> {
        self.meanings.iter().find(|m| m.of == of)
    }
}

/// How the budget of new enrolments stands, with that of earlier ones where a standard came before; until its first release, what
/// the present standard will cost at the budget `rho_micro` that the configuration states.
///
/// # Errors
/// [`ReleaseError`]: the store's, or budgets that break a promise.
pub async fn standing(
    store: &Store,
    rho_micro: Option<u64>,
) -> Result<(Standing, Option<Second>), ReleaseError> {
    let mut connection = store.reader.begin().await?;
    let second = epochs::second(&mut connection).await?;
    let begun = streams::begun(&mut connection).await?;
    let next = streams::next(&mut connection).await?;
    let current = Standard::current();
    let mut standings = published(&mut connection).await?;
    if standings
        .last()
        .is_none_or(|s| s.standard != current.title())
    {
        let chosen = crate::release::chosen_rho(current, rho_micro, None, None)?;
        let planned = Accountant::planned(Design::of(current, chosen))?;
        standings.push(in_figures(&planned, &Stream::new(current), next)?);
    }
    let mut present = standings.pop().ok_or(ReleaseError::LedgerLost)?;
    if let [.., old, new] = begun.as_slice() {
        present.turn = Some(words::turn(old, new));
    }
    present.earlier = standings.into_iter().rev().collect();
    Ok((present, second))
}

/// How the budgets stand under every standard that something was published under, oldest first.
pub(crate) async fn published(
    connection: &mut SqliteConnection,
) -> Result<Vec<Standing>, ReleaseError> {
    let accountant = of(&mut *connection).await?;
    let next = streams::next(&mut *connection).await?;
    let mut standings = Vec::new();
    for stream in &streams::begun(connection).await? {
        let own = accountant.under(&stream.standard.title());
        if !own.begun().is_empty() {
            standings.push(in_figures(&own, stream, next)?);
        }
    }
    Ok(standings)
}

/// Number of enrolments whose correction was published, under all standards.
///
/// # Errors
/// As [`standing`].
pub async fn corrections(store: &Store) -> Result<Exact<usize>, ReleaseError> {
    let mut connection = store.reader.begin().await?;
    Ok(Exact::new(of(&mut connection).await?.corrections()))
}

fn in_figures(
    accountant: &Accountant,
    stream: &Stream,
    next: Option<Period>,
) -> Result<Standing, Overspent> {
    let standard = stream.standard;
    let present = accountant
        .begun()
        .last()
        .expect("the caller plans an epoch where none has begun");
    let limits = present.design.limits;
    let epochs = accountant.begun().len() as u64;
    let attributes: Vec<AttributeSpent> = SENSITIVE
        .into_iter()
        .map(|attribute| AttributeSpent {
            id: serde_json::to_value(attribute)
                .ok()
                .and_then(|id| id.as_str().map(str::to_owned))
                .unwrap_or_default(),
            title: standard.dimension(attribute).title.clone(),
            spent: Spent {
                so_far_micro: accountant.attribute_so_far(attribute).micro(),
                whole_micro: accountant.attribute(attribute).micro(),
                most_micro: accountant.attribute_at_most(attribute).micro(),
                limit_micro: limits.attribute.times(epochs).micro(),
            },
        })
        .collect();
    let tables = present.design.tables.iter().map(|table| TableSpent {
        id: table.id.clone(),
        title: standard.table(&table.id).map_or_else(String::new, title),
        rho_micro: table.rho.micro(),
        so_far_micro: present.so_far(table.rho).micro(),
        sigma2: sigma2(table.rho.micro()),
    });
    let worst = attributes.iter().map(|a| a.spent.most_micro).max();
    let meanings = vec![
        Meaning::new("attribute", Rho::from_micro(worst.unwrap_or(0))),
        Meaning::new("enrolment", accountant.enrolment_at_most()),
        Meaning::new("learner", accountant.learner()),
    ];
    Ok(Standing {
        standard: present.design.standard.clone(),
        first: stream.first,
        last: stream.last,
        turn: None,
        rho_micro: present.design.chosen.micro(),
        epoch: present.epoch,
        months: present.months,
        left: (HORIZON - present.months).min(until_end(stream, next)),
        horizon: HORIZON,
        energy: energy(HORIZON),
        correction_micro: correction_micro(),
        attribute_correction_micro: attribute_correction_micro(),
        enrolment: Spent {
            so_far_micro: accountant.enrolment_so_far().micro(),
            whole_micro: accountant.enrolment().micro(),
            most_micro: accountant.enrolment_at_most().micro(),
            limit_micro: limits.enrolment.times(epochs).micro(),
        },
        allows_corrections: accountant.allows_corrections(),
        reserve_micro: limits.reserve.times(epochs).micro(),
        per_learner: limits.per_learner,
        learner_micro: accountant.learner().micro(),
        attributes,
        tables: tables.collect(),
        meanings,
        earlier: Vec::new(),
    })
}

/// Months from `next` to the last one of the stream; as many as there may be while it has none.
fn until_end(stream: &Stream, next: Option<Period>) -> usize {
    let ends = stream.last.zip(next);
    let left = ends.map(|(last, next)| last.index() - next.index() + 1);
    left.map_or(HORIZON, |n| usize::try_from(n).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::{Request, prepare};
    use crate::testing::{World, at, seeded, started};

    async fn stands(world: &World) -> Standing {
        standing(&world.store, None).await.unwrap().0
    }

    #[tokio::test]
    async fn a_new_node_shows_its_plan_and_a_release_spends() {
        let world = World::new().await;
        let plan = stands(&world).await;
        assert_eq!((plan.epoch, plan.months), (1, 0));
        assert_eq!(
            plan.enrolment,
            Spent {
                so_far_micro: 0,
                whole_micro: 490_000,
                most_micro: 490_000,
                limit_micro: 500_000
            }
        );
        world.add(&started("2022-03-10")).await;
        let now = at("2024-06-01T12:00:00Z");
        prepare(
            &world.store,
            crate::testing::asked(),
            "ann",
            now,
            &seeded(1),
        )
        .await
        .unwrap();
        let after = stands(&world).await;
        assert_eq!(after.months, 1);
        assert_eq!(after.enrolment.so_far_micro, 189_225);
        assert_eq!(after.enrolment.whole_micro, 490_000);
        let worst = after.worst_attribute().unwrap();
        assert_eq!(
            (worst.id.as_str(), worst.spent.whole_micro),
            ("outcome", 320_000)
        );
        let meaning = after.meaning("attribute").unwrap();
        assert!(
            meaning.tenfold < 0.007 && meaning.right_guess < 0.655_5,
            "{meaning:?}"
        );
    }

    #[tokio::test]
    async fn a_smaller_budget_is_planned_and_then_kept() {
        let world = World::new().await;
        let (plan, _) = standing(&world.store, Some(200_000)).await.unwrap();
        assert_eq!(
            (plan.rho_micro, plan.enrolment.whole_micro),
            (200_000, 196_000)
        );
        world.add(&started("2022-03-10")).await;
        let request = Request {
            rho_micro: Some(200_000),
            ..crate::testing::asked()
        };
        let now = at("2024-06-01T12:00:00Z");
        prepare(&world.store, request, "ann", now, &seeded(1))
            .await
            .unwrap();
        assert_eq!(stands(&world).await.enrolment.whole_micro, 196_000);
    }
}
