//! Withdrawals and corrections: what a node says of a statement that it published before.
//!
//! A withdrawn payload leaves storage and figures; its leaf stays in the log. A month's noise is drawn once for ever
//! (disclosure.md, 6 and 7): the same counts with other noise, or other counts with the same noise, would tell of the people in
//! them. So a withdrawn summary may come back with the very cells that it had, and with no others: the withdrawal names
//! their digest, by which anybody can tell. Wrong data are mended by the entries of later months. A newer version of a
//! practice entry is an entry that supersedes it, and no correction.

use serde::{Deserialize, Serialize};

use crate::ids::Digest;
use crate::own::{PayloadError, check_reason};
use crate::summary::LearningSummary;

/// An earlier statement of the same node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// Its place in the node's sequence, from 1.
    pub seq: u64,
    /// SHA-256 of its PAE.
    pub pae: Digest,
}

/// Payload of a withdrawal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withdrawal {
    /// What is withdrawn: a summary, a practice entry or a correction.
    pub statement: Named,
    /// Why, for everybody to read; it stays in the log for ever and holds nothing personal.
    pub reason: String,
    /// Of a summary or a correction: [`cells_digest`] of the month's published cells. `null` for a practice entry.
    pub cells: Option<Digest>,
}

/// Payload of a correction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correction {
    /// The withdrawn summary or correction in whose place it stands.
    pub supersedes: Named,
    /// Why, for everybody to read.
    pub reason: String,
    /// The month again, with the cells that it had.
    pub summary: LearningSummary,
}

/// Why a withdrawal or a correction cannot be one, whatever the log holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum RevisionError {
    #[error("it names statement {0}, which does not come before it")]
    NotBefore(u64),
    #[error("it has {0}")]
    Reason(#[from] PayloadError),
    #[error("its cells are not those that were withdrawn: a month is drawn once")]
    Redraw,
}

impl Named {
    fn check(&self, seq: u64) -> Result<(), RevisionError> {
        if (1..seq).contains(&self.seq) {
            Ok(())
        } else {
            Err(RevisionError::NotBefore(self.seq))
        }
    }
}

impl Withdrawal {
    /// Checks everything that can be checked without the log; `seq` is the withdrawal's own place.
    ///
    /// # Errors
    /// [`RevisionError`].
    pub fn check(&self, seq: u64) -> Result<(), RevisionError> {
        self.statement.check(seq)?;
        Ok(check_reason(&self.reason)?)
    }
}

impl Correction {
    /// Checks everything that can be checked without the log, the summary apart; `seq` is the correction's own place.
    ///
    /// # Errors
    /// [`RevisionError`].
    pub fn check(&self, seq: u64) -> Result<(), RevisionError> {
        self.supersedes.check(seq)?;
        Ok(check_reason(&self.reason)?)
    }
}

impl Correction {
    /// Whether the cells are those whose digest the withdrawal named.
    ///
    /// # Errors
    /// [`RevisionError::Redraw`].
    pub fn check_cells(&self, withdrawn: Digest) -> Result<(), RevisionError> {
        if self.summary.cells_digest() == withdrawn {
            Ok(())
        } else {
            Err(RevisionError::Redraw)
        }
    }
}

/// SHA-256 of cells as signed 64-bit integers, little-endian, one after the other.
#[must_use]
pub fn cells_digest<'a>(cells: impl IntoIterator<Item = &'a i64>) -> Digest {
    let bytes: Vec<u8> = cells.into_iter().flat_map(|c| c.to_le_bytes()).collect();
    Digest::of(&bytes)
}

impl LearningSummary {
    /// v of all tables in order.
    pub fn cells(&self) -> impl Iterator<Item = i64> {
        self.tables.iter().flat_map(|t| t.cells.iter().copied())
    }

    /// [`cells_digest`] of all its tables in order: what a month that was published stays, whatever is said about it.
    #[must_use]
    pub fn cells_digest(&self) -> Digest {
        cells_digest(self.tables.iter().flat_map(|t| &t.cells))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn withdrawal(seq: u64, reason: &str) -> Withdrawal {
        Withdrawal {
            statement: Named {
                seq,
                pae: Digest::of(b"statement"),
            },
            reason: reason.to_owned(),
            cells: None,
        }
    }

    #[test]
    fn only_what_came_before_can_be_named_and_reasons_hold_nothing_personal() {
        assert_eq!(withdrawal(4, "Published too early.").check(5), Ok(()));
        for seq in [0, 5, 6] {
            let refused = withdrawal(seq, "Published too early.").check(5);
            assert_eq!(refused, Err(RevisionError::NotBefore(seq)));
        }
        for reason in ["", " ", "two\nlines", "Ask Jo on 0121 496 0000"] {
            let refused = withdrawal(4, reason).check(5);
            assert!(matches!(refused, Err(RevisionError::Reason(_))), "{reason}");
        }
    }

    #[test]
    fn the_digest_is_of_little_endian_integers() {
        let bytes = [
            1, 0, 0, 0, 0, 0, 0, 0, 254, 255, 255, 255, 255, 255, 255, 255,
        ];
        assert_eq!(cells_digest(&[1, -2]), Digest::of(&bytes));
        assert_eq!(cells_digest(&[]), Digest::of(b""));
    }
}
