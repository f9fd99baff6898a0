//! From exact entries to protected tables.

use ldsp_protocol::accountant::Admitted;
use ldsp_protocol::ids::Period;
use ldsp_protocol::noise::{FILTER, HORIZON, MAX_CELL};
use ldsp_protocol::summary::{LearningSummary, Manifest, ProtectedTable};
use rand_core::CryptoRng;

use super::sampler::DiscreteGaussian;
use super::{LedgerMonth, LedgerTable};
use crate::cube::EntryCounts;

/// Why a month cannot be protected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ProtectError {
    #[error(
        "this node has published {HORIZON} months, which is all that its privacy budget was spread over"
    )]
    Horizon,
    #[error("the ledger is for other code lists than this program's standard")]
    Shape,
    #[error("month {admitted} was let through, but the ledger holds {held} months")]
    Month { admitted: usize, held: usize },
    #[error("table {0} holds a count that no area can have")]
    Range(String),
}

impl ProtectError {
    /// What to do next.
    #[must_use]
    pub fn next(&self) -> &'static str {
        match self {
            Self::Horizon => "Ask the national operator which data standard comes next.",
            Self::Shape => "Use the program version that wrote the ledger, or restore the backup.",
            Self::Month { .. } => "Try again. Nothing was drawn.",
            Self::Range(_) => "Check the imports of the month.",
        }
    }
}

/// Protected tables of one month: the only form in which learner data leave this node. Made only by [`protect`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtectedTables {
    summary: LearningSummary,
    month: LedgerMonth,
}

impl ProtectedTables {
    /// What will be published.
    #[must_use]
    pub fn summary(&self) -> &LearningSummary {
        &self.summary
    }

    /// The month.
    #[must_use]
    pub fn period(&self) -> Period {
        self.month.period
    }

    /// What the ledger has to keep. Holds exact counts: for the store only.
    pub(crate) fn ledger_month(&self) -> &LedgerMonth {
        &self.month
    }
}

/// Adds noise to one month's entries.
///
/// Per cell, in grid units (2^-16): u_t = sum over s <= t of c_(t-s) x_s, and v_t = u_t + z_t with z_t discrete
/// Gaussian of variance sigma^2 of the table (disclosure.md, "Continual release"). z_t is added and
/// forgotten; `history` are months 1 .. t-1 of the same standard and epoch in order. Draws cells in the standard's order, so
/// that a seeded generator gives the same tables. `admitted` is the accountant's word for this month: its epoch, number and
/// budget. Call once per month, in the transaction that stores the outcome.
///
/// # Errors
/// [`ProtectError`]; nothing was drawn that anybody has seen.
pub fn protect<R: CryptoRng + ?Sized>(
    counts: &EntryCounts,
    history: &[LedgerMonth],
    admitted: &Admitted,
    rng: &mut R,
) -> Result<ProtectedTables, ProtectError> {
    let standard = counts.standard();
    let month = history.len() + 1;
    if month > HORIZON {
        return Err(ProtectError::Horizon);
    }
    let (epoch, held) = (admitted.epoch(), history.len());
    let other = |m: &LedgerMonth| (m.standard, m.epoch) != (standard, epoch);
    if month != admitted.month() || history.iter().any(other) {
        let admitted = admitted.month();
        return Err(ProtectError::Month { admitted, held });
    }
    let manifest = Manifest::new(standard, epoch, month, admitted.chosen().micro());
    let mut tables = Vec::with_capacity(standard.tables().len());
    for (at, (declared, entries)) in standard.tables().iter().zip(counts.tables()).enumerate() {
        let variance = manifest.sigma2.get(&declared.id).copied();
        let gaussian = variance
            .and_then(DiscreteGaussian::new)
            .expect("the manifest states a variance for every declared table, far below 2^60");
        let filtered = filter(entries, history, at).ok_or(ProtectError::Shape)?;
        let published: Option<Vec<i64>> = filtered
            .into_iter()
            .map(|u| {
                let v = i64::try_from(u).ok()?.checked_add(gaussian.sample(rng))?;
                (v.unsigned_abs() <= MAX_CELL.unsigned_abs()).then_some(v)
            })
            .collect();
        tables.push(LedgerTable {
            entries: entries.clone(),
            published: published.ok_or_else(|| ProtectError::Range(declared.id.clone()))?,
        });
    }
    let summary = LearningSummary {
        software: crate::SOFTWARE.to_owned(),
        noise: manifest,
        pledges: Vec::new(),
        tables: standard
            .tables()
            .iter()
            .zip(&tables)
            .map(|(declared, table)| ProtectedTable {
                id: declared.id.clone(),
                cells: table.published.clone(),
            })
            .collect(),
    };
    let month = LedgerMonth {
        standard,
        epoch,
        month,
        period: counts.period(),
        tables,
    };
    Ok(ProtectedTables { summary, month })
}

/// u_t of every cell of table number `at`; `None` when a month of the ledger has another shape.
/// 120 months of counts below 2^63 times coefficients of at most 2^16 stay below 2^86.
fn filter(entries: &[i64], history: &[LedgerMonth], at: usize) -> Option<Vec<i128>> {
    let weighted = |x: &i64, lag: usize| i128::from(*x) * i128::from(FILTER[lag]);
    let mut sums: Vec<i128> = entries.iter().map(|x| weighted(x, 0)).collect();
    for (before, month) in history.iter().rev().enumerate() {
        let earlier = &month.tables.get(at)?.entries;
        if earlier.len() != sums.len() {
            return None;
        }
        for (sum, x) in sums.iter_mut().zip(earlier) {
            *sum += weighted(x, before + 1);
        }
    }
    Some(sums)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cube::{count, tests::entries};
    use ldsp_protocol::accountant::{Accountant, Design, Release};
    use ldsp_protocol::noise::filtered;
    use ldsp_protocol::standard::{Codebook, Standard};
    use proptest::prelude::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    fn codebook() -> Codebook {
        Codebook::new(&"E37000001".parse().unwrap(), &[])
    }

    fn month(number: usize) -> Period {
        Period::new(2022, 1)
            .unwrap()
            .plus(number as i32 - 1)
            .unwrap()
    }

    /// The accountant's word for a month of the first epoch.
    fn admitted(month: usize) -> Admitted {
        let design = Design::of(Standard::current(), Standard::current().noise().rho_micro);
        let mut accountant = Accountant::new();
        let all = (1..=month).map(|month| {
            let (design, corrections) = (&design, &[][..]);
            let release = Release {
                design,
                epoch: 1,
                month,
                corrections,
            };
            accountant.admit(&release).unwrap()
        });
        all.last().unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]
        #[test]
        fn noise_apart_the_filter_is_the_protocols(months in prop::collection::vec(prop::collection::vec(entries(), 0..20), 1..5)) {
            let mut history: Vec<LedgerMonth> = Vec::new();
            for (at, entries) in months.into_iter().enumerate() {
                let counts = count(Standard::current(), &codebook(), month(at + 1), entries).unwrap();
                let mut rng = ChaCha20Rng::seed_from_u64(at as u64);
                let protected = protect(&counts, &history, &admitted(at + 1), &mut rng).unwrap();
                history.push(protected.ledger_month().clone());
                // The same generator, drawn in the same order, gives the noise back.
                let mut rng = ChaCha20Rng::seed_from_u64(at as u64);
                for (number, declared) in Standard::current().tables().iter().enumerate() {
                    let sigma2 = protected.summary().noise.sigma2[&declared.id];
                    let gaussian = DiscreteGaussian::new(sigma2).unwrap();
                    for (cell, v) in protected.summary().tables[number].cells.iter().enumerate() {
                        let x: Vec<i64> = history.iter().map(|m| m.tables[number].entries[cell]).collect();
                        prop_assert_eq!(*v, filtered(&x) + gaussian.sample(&mut rng));
                    }
                }
            }
        }
    }

    #[test]
    fn the_horizon_is_the_end() {
        let counts = count(Standard::current(), &codebook(), month(1), []).unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let first = protect(&counts, &[], &admitted(1), &mut rng).unwrap();
        let history = vec![first.ledger_month().clone(); HORIZON - 1];
        let last = protect(&counts, &history, &admitted(HORIZON), &mut rng).unwrap();
        assert_eq!(last.summary().noise.month, HORIZON);
        let history = vec![first.ledger_month().clone(); HORIZON];
        assert_eq!(
            protect(&counts, &history, &admitted(HORIZON), &mut rng),
            Err(ProtectError::Horizon)
        );
    }

    #[test]
    fn a_ledger_of_other_lists_is_refused() {
        let counts = count(Standard::current(), &codebook(), month(1), []).unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let mut other = protect(&counts, &[], &admitted(1), &mut rng)
            .unwrap()
            .ledger_month()
            .clone();
        other.tables[0].entries.pop();
        assert_eq!(
            protect(&counts, &[other], &admitted(2), &mut rng),
            Err(ProtectError::Shape)
        );
    }

    #[test]
    fn a_month_that_was_not_let_through_is_not_drawn() {
        let counts = count(Standard::current(), &codebook(), month(1), []).unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let first = protect(&counts, &[], &admitted(1), &mut rng).unwrap();
        let history = [first.ledger_month().clone()];
        let refused = protect(&counts, &history, &admitted(1), &mut rng);
        let (admitted, held) = (1, 1);
        assert_eq!(refused, Err(ProtectError::Month { admitted, held }));
    }
}
