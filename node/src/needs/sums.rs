//! The sums of what organisations ask for that may be told, also beside what was told before ([`crate::disclosure::changes`]).
//!
//! A number for the whole area may be of the same organisations as its districts' numbers, so it tells what it has beyond them too. It is told
//! when that passes the rules as well, and anew only together with all of them: else a district that is kept back could be worked out.

use std::collections::BTreeMap;

use jiff::civil::Date;
use ldsp_protocol::ids::Gss;
use ldsp_protocol::needs::{Counts, DemandSum, How, Sure};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::NoCode;
use crate::demand::summary::{self, Skill, Sum, part, summary};
use crate::disclosure::changes::{Made, Told};
use crate::store::demand::{self, Asks, Demand};

/// What a sum is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NeedsSumOf)]
pub struct Of {
    /// What the number counts.
    pub counts: Counts,
    /// The skill, by its code in the data standard.
    pub skill: String,
    /// The tier, where the skill is not stated.
    #[schema(required)]
    pub tier: Option<String>,
    /// The district; null: stated for the whole area.
    #[schema(required)]
    pub district: Option<Gss>,
}

impl Of {
    pub(super) fn told(sum: &DemandSum) -> Self {
        Self {
            counts: sum.counts,
            skill: sum.skill.clone(),
            tier: sum.tier.clone(),
            district: sum.district.clone(),
        }
    }

    /// Whether the other is of the same but for the district.
    fn is_beside(&self, other: &Self) -> bool {
        (self.counts, &self.skill, &self.tier) == (other.counts, &other.skill, &other.tier)
    }
}

/// Why a sum is not told, or not as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = NeedsHeldWhy)]
pub enum Why {
    /// Few organisations make it up: it is not told.
    Few,
    /// Few organisations make up what changed since a number of it was told: it is not told.
    Change,
    /// It is of the whole area, and a district's number could be worked out from it: it is not told.
    Under,
    /// One of these three, and the number that was told last stands.
    Stands,
    /// What the number that was told last is made of went with a lost database: it stands.
    Lost,
}

/// A sum that is not told, or not as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NeedsHeld)]
pub struct Held {
    /// What it is of.
    pub of: Of,
    /// Why.
    pub why: Why,
}

/// What the node knows of a sum that was told once. Exact: it never leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Known {
    of: Of,
    /// As it stands; `None`: it has gone.
    sum: Option<DemandSum>,
    /// What its numbers are made of; `None`: that was lost.
    told: Option<Told>,
}

/// What comes of sums.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    /// In the order of the statement.
    pub(crate) told: Vec<DemandSum>,
    pub(crate) held: Vec<Held>,
    /// For the next time.
    pub(crate) known: Vec<Known>,
}

/// The sums of what organisations ask for on a day, after `before` was published. `rows` stand on that day ([`summary::standing`]), and their
/// districts are the LEP's own.
pub(crate) fn sums(rows: &[&Demand], today: Date, before: &[Known]) -> Result<Sums, NoCode> {
    let cells = now(rows, today)?;
    let mut sums = Sums::default();
    for known in before {
        if !cells.contains_key(&known.of) {
            sums.gone(known);
        }
    }
    let known = |of: &Of| before.iter().find(|it| it.of == *of);
    let (whole, districts): (Vec<_>, Vec<_>) =
        (cells.iter()).partition(|(of, _)| of.district.is_none());
    for (of, cell) in districts {
        sums.judge(of, cell, known(of), None);
    }
    for (of, cell) in whole {
        let apart = |other: &Of| other.district.is_some() && other.is_beside(of);
        let is_held = sums.held.iter().any(|held| apart(&held.of));
        let parts = cells.iter().filter(|(other, _)| apart(other));
        let left = cell.made.without(parts.map(|(_, part)| &part.made));
        let may = !is_held && (left.is_empty() || left.may_be_told());
        sums.judge(of, cell, known(of), (!may).then_some(Why::Under));
    }
    sums.told.sort_by_key(Of::told);
    sums.held.sort_by(|a, b| a.of.cmp(&b.of));
    sums.known.sort_by(|a, b| a.of.cmp(&b.of));
    Ok(sums)
}

impl Sums {
    /// All its rows are gone or over: the number goes too. What it was made of is kept, because it was told.
    fn gone(&mut self, known: &Known) {
        if known.told.is_some() {
            self.known.push(Known {
                sum: None,
                ..known.clone()
            });
        }
    }

    /// `against`: what keeps it back although it may be told by itself.
    fn judge(&mut self, of: &Of, cell: &Cell, known: Option<&Known>, against: Option<Why>) {
        let first = Told::default();
        let told = known.map_or(Some(&first), |known| known.told.as_ref());
        let may = cell.may && against.is_none();
        let next = told.filter(|_| may).and_then(|told| told.next(&cell.made));
        if let Some(next) = next {
            self.told.push(cell.sum.clone());
            self.known.push(Known {
                of: of.clone(),
                sum: Some(cell.sum.clone()),
                told: Some(next),
            });
            return;
        }
        let stands = known.and_then(|known| known.sum.clone());
        let why = match (&stands, told) {
            (Some(_), None) => Why::Lost,
            (Some(_), Some(_)) => Why::Stands,
            (None, _) if !cell.may => Why::Few,
            (None, _) => against.unwrap_or(Why::Change),
        };
        self.told.extend(stands);
        self.known.extend(known.cloned());
        self.held.push(Held {
            of: of.clone(),
            why,
        });
    }

    /// Whether there are sums that are not told at all.
    pub(crate) fn kept_back(&self) -> bool {
        let mut all = self.held.iter();
        all.any(|held| matches!(held.why, Why::Few | Why::Change | Why::Under))
    }
}

/// What is known of the sums of a statement that was taken back from the log, beside what the database knows.
pub(crate) fn taken_back(told: &[DemandSum], before: &[Known]) -> Vec<Known> {
    let mut known: Vec<Known> = (told.iter())
        .map(|sum| {
            // Of the same day and number is the same one: it stood.
            let same = before.iter().find(|it| it.sum.as_ref() == Some(sum));
            Known {
                of: Of::told(sum),
                told: same.and_then(|it| it.told.clone()),
                sum: Some(sum.clone()),
            }
        })
        .collect();
    let gone = before
        .iter()
        .filter(|it| known.iter().all(|k| k.of != it.of));
    let gone: Vec<Known> = gone
        .filter(|it| it.told.is_some())
        .map(|it| Known {
            sum: None,
            ..it.clone()
        })
        .collect();
    known.extend(gone);
    known.sort_by(|a, b| a.of.cmp(&b.of));
    known
}

/// A sum of which there is a number.
struct Cell {
    /// As it would be told.
    sum: DemandSum,
    made: Made,
    /// Whether it may be told by itself.
    may: bool,
}

fn now(rows: &[&Demand], today: Date) -> Result<BTreeMap<Of, Cell>, NoCode> {
    let rows = rows.iter().copied();
    let rows: Vec<&Demand> = rows.filter(|row| row.asks != Asks::Individual).collect();
    let summary = summary(rows.iter().copied(), today);
    let mut cells = BTreeMap::new();
    for block in &summary.blocks {
        for ((skill, district), sum) in &block.cells {
            if sum.told == summary::Told::NotPublished {
                continue;
            }
            let is_of = |row: &&Demand| {
                let of = (row.counts, &row.district, Skill::of(row));
                of == (block.counts, district, *skill)
            };
            let own: Vec<&Demand> = rows.iter().copied().filter(is_of).collect();
            let (id, tier) = skill.ids().ok_or(NoCode)?;
            let of = Of {
                counts: counts(block.counts),
                skill: id,
                tier,
                district: district.clone(),
            };
            let parts: Vec<_> = own.iter().filter_map(|row| part(row)).collect();
            let numbered = own.iter().filter(|row| row.number.is_some());
            let Some(from) = numbered.map(|row| row.from).min() else {
                continue;
            };
            let cell = Cell {
                sum: as_told(&of, sum, from, today),
                made: Made::of(&parts),
                may: sum.told == summary::Told::Yes,
            };
            cells.insert(of, cell);
        }
    }
    Ok(cells)
}

fn as_told(of: &Of, sum: &Sum, from: ldsp_protocol::ids::Period, today: Date) -> DemandSum {
    let of = of.clone();
    let mut ways: Vec<How> = sum.how.iter().map(|way| how(*way)).collect();
    ways.sort();
    DemandSum {
        counts: of.counts,
        skill: of.skill,
        tier: of.tier,
        district: of.district,
        number: sum.number,
        sure: sure(sum.sure),
        how: ways,
        from,
        as_of: today,
    }
}

fn counts(it: demand::Counts) -> Counts {
    match it {
        demand::Counts::People => Counts::People,
        demand::Counts::Employers => Counts::Employers,
        demand::Counts::Vacancies => Counts::Vacancies,
    }
}

fn how(it: demand::How) -> How {
    match it {
        demand::How::Survey => How::Survey,
        demand::How::Vacancies => How::Vacancies,
        demand::How::Panel => How::Panel,
        demand::How::Workshop => How::Workshop,
        demand::How::Application => How::Application,
    }
}

fn sure(it: demand::Sure) -> Sure {
    match it {
        demand::Sure::Counted => Sure::Counted,
        demand::Sure::Estimated => Sure::Estimated,
        demand::Sure::Guessed => Sure::Guessed,
    }
}
