//! The cube: exact entry counts of one month, dense, per declared table. They never leave the process.
//!
//! A spell adds exactly one to each table of a family, once, in the month in which the fact becomes
//! known (disclosure.md, "Families"). Which facts are new is the store's to say, in one SQL
//! expression that both counts and marks (`store::ledger`); here they are only put into cells.

use ldsp_protocol::ids::Period;
use ldsp_protocol::standard::{Codebook, Dimension, Family, Standard, Table, cell_index};

/// One enrolment as the cube sees it: positions in the code lists, and which families it enters now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// Bit k stands for `Family::ALL[k]`.
    pub fresh: u8,
    /// In the node's own list of districts, "not stated" last.
    pub area: usize,
    /// Of the programme.
    pub tier: usize,
    /// Of the enrolment.
    pub skill: usize,
    /// Of the enrolment.
    pub mode: usize,
    /// Band at the start.
    pub age: usize,
    /// Of the learner.
    pub sex: usize,
    /// Of the learner.
    pub ethnicity: usize,
    /// Of the learner.
    pub disability: usize,
    /// Status before.
    pub prior: usize,
    /// Of the programme.
    pub audience: usize,
    /// Of the programme.
    pub programme_type: usize,
    /// 0: none. No node has accepted a pledge yet.
    pub pledge: usize,
    /// How it ended; `None` while it has not.
    pub outcome: Option<usize>,
    /// At 3, 6 and 12 months.
    pub destination: [Option<usize>; 3],
    /// Change in confidence.
    pub confidence: Option<usize>,
    /// Change in everyday tasks.
    pub everyday: Option<usize>,
}

/// An enrolment whose code is not in the code list: the store is damaged or of another standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an enrolment has no valid code of {dimension:?}")]
pub struct CodeError {
    /// Where the code is missing or beyond the list.
    pub dimension: Dimension,
}

/// Exact entries of one month under one standard. Made only by [`Counter`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryCounts {
    standard: &'static Standard,
    period: Period,
    tables: Vec<Vec<i64>>,
}

impl EntryCounts {
    /// The standard whose tables these are.
    #[must_use]
    pub fn standard(&self) -> &'static Standard {
        self.standard
    }

    /// The month.
    #[must_use]
    pub fn period(&self) -> Period {
        self.period
    }

    /// Declared tables in the standard's order; cells dense, first dimension slowest.
    #[must_use]
    pub fn tables(&self) -> &[Vec<i64>] {
        &self.tables
    }

    /// Takes one out of a cell and puts it into another: a published correction. The table's sum stays.
    pub fn correct(&mut self, moves: &[Move]) {
        for Move { table, from, to } in moves {
            self.tables[*table][*from] -= 1;
            self.tables[*table][*to] += 1;
        }
    }
}

/// One table in which a corrected enrolment stands in another cell than it was published in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// Number of the table in the standard.
    pub table: usize,
    /// The cell that it was published in.
    pub from: usize,
    /// The cell that it belongs to now.
    pub to: usize,
}

/// Where `now` differs from what was `published` under `standard`, in the tables of the families that the latter entered ([`Entry::fresh`]).
/// `None` when a fact that was published is none any more, as an ending that was withdrawn: it is never retracted.
///
/// # Errors
/// [`CodeError`] when either has no valid code.
pub fn moves(
    standard: &Standard,
    codebook: &Codebook,
    published: &Entry,
    now: &Entry,
) -> Result<Option<Vec<Move>>, CodeError> {
    let gone = |family: &Family| published.fresh & bit(*family) != 0 && !now.has(*family);
    if Family::ALL.iter().any(gone) {
        return Ok(None);
    }
    let entered = standard
        .tables()
        .iter()
        .enumerate()
        .filter(|(_, table)| published.fresh & bit(table.family) != 0);
    let mut moves = Vec::new();
    for (at, table) in entered {
        let shape = codebook.shape(table);
        let (from, to) = (published.cell(table, &shape)?, now.cell(table, &shape)?);
        if from != to {
            let table = at;
            moves.push(Move { table, from, to });
        }
    }
    Ok(Some(moves))
}

/// Counts enrolments one by one: memory is the cells, however many enrolments there are.
#[derive(Debug)]
pub struct Counter {
    standard: &'static Standard,
    period: Period,
    shapes: Vec<(&'static Table, u8, Vec<usize>)>,
    tables: Vec<Vec<i64>>,
}

/// The bit of `family` in [`Entry::fresh`] and in the store's `counted`.
#[must_use]
pub fn bit(family: Family) -> u8 {
    Family::ALL
        .iter()
        .position(|f| *f == family)
        .map_or(0, |at| 1 << at)
}

impl Counter {
    /// An empty cube of `standard` for `period`, with the code lists of `codebook`.
    #[must_use]
    pub fn new(standard: &'static Standard, codebook: &Codebook, period: Period) -> Self {
        let shapes: Vec<_> = standard
            .tables()
            .iter()
            .map(|t| (t, bit(t.family), codebook.shape(t)))
            .collect();
        let tables = shapes
            .iter()
            .map(|(.., shape)| vec![0; shape.iter().product()])
            .collect();
        Self {
            standard,
            period,
            shapes,
            tables,
        }
    }

    /// Adds one to the enrolment's cell in every table of its fresh families.
    ///
    /// # Errors
    /// [`CodeError`]; the counter is then not to be used further.
    pub fn add(&mut self, entry: &Entry) -> Result<(), CodeError> {
        for ((table, bit, shape), cells) in self.shapes.iter().zip(&mut self.tables) {
            if entry.fresh & bit == 0 {
                continue;
            }
            cells[entry.cell(table, shape)?] += 1;
        }
        Ok(())
    }

    /// The counts.
    #[must_use]
    pub fn finish(self) -> EntryCounts {
        EntryCounts {
            standard: self.standard,
            period: self.period,
            tables: self.tables,
        }
    }
}

/// Counts all of `entries`.
///
/// # Errors
/// [`CodeError`].
pub fn count(
    standard: &'static Standard,
    codebook: &Codebook,
    period: Period,
    entries: impl IntoIterator<Item = Entry>,
) -> Result<EntryCounts, CodeError> {
    let mut counter = Counter::new(standard, codebook, period);
    for entry in entries {
        counter.add(&entry)?;
    }
    Ok(counter.finish())
}

impl Entry {
    /// Whether there is a fact of `family` at all.
    fn has(&self, family: Family) -> bool {
        match family {
            Family::Starts => true,
            Family::Leavers => self.outcome.is_some(),
            Family::Destination3 => self.destination[0].is_some(),
            Family::Destination6 => self.destination[1].is_some(),
            Family::Destination12 => self.destination[2].is_some(),
            Family::Confidence => self.confidence.is_some(),
            Family::Everyday => self.everyday.is_some(),
        }
    }

    /// Its cell in `table`, whose code lists are as long as `shape` says.
    fn cell(&self, table: &Table, shape: &[usize]) -> Result<usize, CodeError> {
        let mut position = [0; 3];
        for ((to, dimension), size) in position.iter_mut().zip(&table.dimensions).zip(shape) {
            let code = self.code(table.family, *dimension).filter(|c| c < size);
            *to = code.ok_or(CodeError {
                dimension: *dimension,
            })?;
        }
        Ok(cell_index(shape, &position[..shape.len()]))
    }

    fn code(&self, family: Family, dimension: Dimension) -> Option<usize> {
        match dimension {
            Dimension::Area => Some(self.area),
            Dimension::Tier => Some(self.tier),
            Dimension::Skill => Some(self.skill),
            Dimension::Mode => Some(self.mode),
            Dimension::Age => Some(self.age),
            Dimension::Sex => Some(self.sex),
            Dimension::Ethnicity => Some(self.ethnicity),
            Dimension::Disability => Some(self.disability),
            Dimension::Prior => Some(self.prior),
            Dimension::Audience => Some(self.audience),
            Dimension::ProgrammeType => Some(self.programme_type),
            Dimension::Pledge => Some(self.pledge),
            Dimension::Outcome => self.outcome,
            Dimension::Destination => match family {
                Family::Destination3 => self.destination[0],
                Family::Destination6 => self.destination[1],
                Family::Destination12 => self.destination[2],
                _ => None,
            },
            Dimension::Confidence => self.confidence,
            Dimension::Everyday => self.everyday,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    fn codebook() -> Codebook {
        Codebook::new(&"E37000001".parse().unwrap(), &[])
    }

    /// Any enrolment whose codes are in the lists and that has every fact.
    pub(crate) fn entries() -> impl Strategy<Value = Entry> {
        let size = |d| {
            let n = codebook().size(d);
            0..n
        };
        let who = (
            size(Dimension::Area),
            size(Dimension::Age),
            size(Dimension::Sex),
            size(Dimension::Ethnicity),
            size(Dimension::Disability),
            size(Dimension::Prior),
        );
        let what = (
            size(Dimension::Tier),
            size(Dimension::Skill),
            size(Dimension::Mode),
            size(Dimension::Audience),
            size(Dimension::ProgrammeType),
        );
        let then = (0usize..3, [0usize..5, 0..5, 0..5], 0usize..3, 0usize..3);
        (0u8..128, who, what, then).prop_map(|(fresh, who, what, then)| Entry {
            fresh,
            area: who.0,
            age: who.1,
            sex: who.2,
            ethnicity: who.3,
            disability: who.4,
            prior: who.5,
            tier: what.0,
            skill: what.1,
            mode: what.2,
            audience: what.3,
            programme_type: what.4,
            pledge: 0,
            outcome: Some(then.0),
            destination: then.1.map(Some),
            confidence: Some(then.2),
            everyday: Some(then.3),
        })
    }

    proptest! {
        #[test]
        fn every_table_of_a_family_counts_the_same_enrolments(entries in prop::collection::vec(entries(), 0..60)) {
            let period = "2022-03".parse().unwrap();
            let counts = count(Standard::current(), &codebook(), period, entries.clone()).unwrap();
            for (table, cells) in Standard::current().tables().iter().zip(counts.tables()) {
                let expected = entries.iter().filter(|e| e.fresh & bit(table.family) != 0).count();
                prop_assert_eq!(cells.iter().sum::<i64>(), expected as i64, "{}", table.id);
                prop_assert!(cells.iter().all(|x| *x >= 0));
            }
        }

        #[test]
        fn order_does_not_matter(entries in prop::collection::vec(entries(), 0..30)) {
            let period = "2022-03".parse().unwrap();
            let backwards: Vec<_> = entries.iter().rev().cloned().collect();
            prop_assert_eq!(count(Standard::current(), &codebook(), period, entries), count(Standard::current(), &codebook(), period, backwards));
        }
    }

    #[test]
    fn an_enrolment_lands_in_the_cell_of_its_codes() {
        let entry = Entry {
            fresh: bit(Family::Starts),
            tier: 1,
            skill: 2,
            mode: 3,
            ..Entry::default()
        };
        let counts = count(
            Standard::current(),
            &codebook(),
            "2022-03".parse().unwrap(),
            [entry],
        )
        .unwrap();
        let at = Standard::current()
            .tables()
            .iter()
            .position(|t| t.id == "starts.tier-by-skill-by-mode")
            .unwrap();
        let hit = counts.tables()[at].iter().position(|x| *x == 1);
        assert_eq!(hit, Some((14 + 2) * 4 + 3));
    }

    #[test]
    fn a_code_beyond_the_list_or_missing_is_refused() {
        let period = "2022-03".parse().unwrap();
        let beyond = Entry {
            fresh: 1,
            sex: 3,
            ..Entry::default()
        };
        let missing = Entry {
            fresh: bit(Family::Leavers),
            ..Entry::default()
        };
        for (entry, dimension) in [(beyond, Dimension::Sex), (missing, Dimension::Outcome)] {
            assert_eq!(
                count(Standard::current(), &codebook(), period, [entry]),
                Err(CodeError { dimension })
            );
        }
    }
}
