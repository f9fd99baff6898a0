//! Runs: figures that the log signed, and what anybody needs to make them again to the byte.
//!
//! A run freezes every measure at one state of the log: a [`MeasureFinding`] each, and a [`BenchmarkRun`] that names them.
//! What they stand on ([`StandsOn`]) is said in full: the state by its size and root, the very leaves ([`Inputs`], which
//! [`Gather`] finds among the log's records), the data standards and the version of this code. [`Recount`] takes those leaves'
//! statements, verifies them and gives the [`Figures`], from which [`MeasureFinding::of`] makes the same bytes:
//!
//! Every sum of counts is exact (integers and fractions of integers), and what follows uses `+ - * /` and the square root of
//! doubles alone, in an order that the leaves fix: operations of which IEEE 754 gives every bit. No `exp`, `ln` or `powf`, whose last bit
//! differs between machines.

mod recount;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::benchmark::{Figures, Finding, Measure};
use crate::ids::{Digest, NodeSlug};
use crate::log::Entry;
use crate::own::{KeyAdd, MAX_NAME};
use crate::statement::Kind;

pub use recount::{Recount, RecountCause, RecountError};

/// The version of this code: another may give other bytes.
pub const CODE: &str = concat!("ldsp-protocol/", env!("CARGO_PKG_VERSION"));

/// Why figures cannot be stated, or what states them is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum RunError {
    #[error("inputs that are not ascending ranges [first, last] with gaps between them")]
    Inputs,
    #[error("inputs beyond the log of {0} entries that they are said to be in")]
    Size(u64),
    #[error("a version of the code that is not 1 to {MAX_NAME} printable characters")]
    Code,
    #[error("no data standard, or one twice")]
    Standards,
    #[error("a figure of another measure than its own")]
    Measure,
    #[error("findings that are not one for each measure in order, in the places just before it")]
    Findings,
    #[error("statements of {0} whose key the log has not stated")]
    Unstated(NodeSlug),
}

/// Leaves of a log, as ascending ranges `[first, last]` with at least one leaf between any two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<[u64; 2]>", into = "Vec<[u64; 2]>")]
pub struct Inputs(Vec<[u64; 2]>);

impl TryFrom<Vec<[u64; 2]>> for Inputs {
    type Error = RunError;

    fn try_from(ranges: Vec<[u64; 2]>) -> Result<Self, RunError> {
        let ordered = ranges.iter().all(|[first, last]| first <= last);
        let apart = |pair: &[[u64; 2]]| pair[0][1].checked_add(1).is_some_and(|n| n < pair[1][0]);
        if !ordered || !ranges.windows(2).all(apart) {
            return Err(RunError::Inputs);
        }
        Ok(Self(ranges))
    }
}

impl From<Inputs> for Vec<[u64; 2]> {
    fn from(inputs: Inputs) -> Self {
        inputs.0
    }
}

impl FromIterator<u64> for Inputs {
    fn from_iter<I: IntoIterator<Item = u64>>(leaves: I) -> Self {
        let leaves: BTreeSet<u64> = leaves.into_iter().collect();
        let mut ranges: Vec<[u64; 2]> = Vec::new();
        for leaf in leaves {
            match ranges.last_mut() {
                Some([_, last]) if *last + 1 == leaf => *last = leaf,
                _ => ranges.push([leaf, leaf]),
            }
        }
        Self(ranges)
    }
}

impl Inputs {
    /// The leaves in order.
    pub fn leaves(&self) -> impl Iterator<Item = u64> {
        self.0.iter().flat_map(|[first, last]| *first..=*last)
    }

    /// Number of leaves.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.iter().map(|[first, last]| last - first + 1).sum()
    }

    /// The last leaf.
    #[must_use]
    pub fn last(&self) -> Option<u64> {
        self.0.last().map(|[_, last]| *last)
    }
}

/// What figures stand on.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandsOn {
    /// Number of entries of the log whose state it is.
    pub size: u64,
    /// Root of the log's tree of that size, 64 hex digits.
    pub root: Digest,
    /// Digests of the data standards that the statements follow, oldest first.
    pub standards: Vec<Digest>,
    /// Version of the code that made the figures.
    pub code: String,
    /// Places in the log, from 0, of every statement that the figures stand on, as ranges [first, last]: the summaries, what withdrew and
    /// corrected them, and the log's own statements of the keys that signed them, which say for which LEP.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Vec<u64>>))]
    pub inputs: Inputs,
}

impl StandsOn {
    /// What `figures` of the log with this size and root stand on, made by this code.
    #[must_use]
    pub fn new(size: u64, root: Digest, figures: &Figures, inputs: Inputs) -> Self {
        Self {
            size,
            root,
            standards: figures.used().iter().map(|s| s.digest()).collect(),
            code: CODE.to_owned(),
            inputs,
        }
    }

    fn check(&self) -> Result<(), RunError> {
        if self.inputs.last().is_none_or(|last| last >= self.size) {
            return Err(RunError::Size(self.size));
        }
        let printable = self.code.chars().all(|c| c.is_ascii_graphic());
        if !(1..=MAX_NAME).contains(&self.code.len()) || !printable {
            return Err(RunError::Code);
        }
        let different: BTreeSet<&Digest> = self.standards.iter().collect();
        if different.is_empty() || different.len() < self.standards.len() {
            return Err(RunError::Standards);
        }
        Ok(())
    }
}

/// The figures of one measure at one state of the log: what the log signs as a finding.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasureFinding {
    /// What is measured.
    pub measure: Measure,
    /// The state of the log and what of it counts.
    pub stands_on: StandsOn,
    /// England to date, England by each dimension, the regions, the LEPs.
    pub figures: Vec<Finding>,
}

impl MeasureFinding {
    /// The measure's part of `figures`.
    #[must_use]
    pub fn of(figures: &Figures, measure: Measure, stands_on: StandsOn) -> Self {
        Self {
            measure,
            stands_on,
            figures: figures.of(measure),
        }
    }

    /// Checks everything that can be checked without the log.
    ///
    /// # Errors
    /// [`RunError`].
    pub fn check(&self) -> Result<(), RunError> {
        if self.figures.iter().any(|f| f.measure != self.measure) {
            return Err(RunError::Measure);
        }
        self.stands_on.check()
    }
}

/// A finding of a run, by its place in the log's own sequence and its identity.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// What is measured.
    pub measure: Measure,
    /// Place of the finding in the log's own sequence, from 1.
    pub seq: u64,
    /// Identity of the finding: SHA-256 of the bytes that were signed.
    pub pae: Digest,
}

/// Figures of every measure at one state of the log.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BenchmarkRun {
    /// The state of the log and what of it counts: the same for every finding.
    pub stands_on: StandsOn,
    /// The findings, one for each measure, in the places before this statement's.
    pub findings: Vec<Named>,
}

impl BenchmarkRun {
    /// Checks everything that can be checked without the log; `seq` is the run's own place in the log's sequence.
    ///
    /// # Errors
    /// [`RunError`].
    pub fn check(&self, seq: u64) -> Result<(), RunError> {
        let measures = self.findings.windows(2);
        let ascending = measures.into_iter().all(|m| m[0].measure < m[1].measure);
        let number = self.findings.len() as u64;
        let places = seq.saturating_sub(number)..seq;
        let before = self.findings.iter().map(|f| f.seq).eq(places);
        if number == 0 || !ascending || !before {
            return Err(RunError::Findings);
        }
        self.stands_on.check()
    }
}

/// Whether figures stand on statements of this kind.
#[must_use]
pub fn counts(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::LearningSummary | Kind::Correction | Kind::Withdrawal
    )
}

/// Finds the leaves that figures stand on, from the log's records and its key events.
#[derive(Debug, Clone, Default)]
pub struct Gather {
    counted: Vec<u64>,
    signers: BTreeSet<(NodeSlug, Digest)>,
    added: BTreeMap<(NodeSlug, Digest), u64>,
}

impl Gather {
    /// Takes the record at `index`; in any order.
    pub fn entry(&mut self, index: u64, entry: &Entry) {
        if counts(entry.kind) {
            self.counted.push(index);
            self.signers.insert((entry.node.clone(), entry.key_id));
        }
    }

    /// Takes a key that the log added at `index`; in any order.
    pub fn key(&mut self, index: u64, add: &KeyAdd) {
        self.added.insert((add.node.clone(), add.key_id), index);
    }

    /// The leaves of all counted statements and of the keys that signed them.
    ///
    /// # Errors
    /// [`RunError::Unstated`].
    pub fn inputs(self) -> Result<Inputs, RunError> {
        let stated = |signer: &(NodeSlug, Digest)| {
            let index = self.added.get(signer).copied();
            index.ok_or_else(|| RunError::Unstated(signer.0.clone()))
        };
        let keys = self.signers.iter().map(stated);
        let keys: Vec<u64> = keys.collect::<Result<_, _>>()?;
        Ok(self.counted.into_iter().chain(keys).collect())
    }
}
