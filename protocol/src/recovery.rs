//! Recovery: what nodes and a log that was restored from a backup tell each other. A log that lacks leaves for which it gave
//! receipts signs nothing until they are back in their very places; nodes send them, each with its receipt.

use serde::{Deserialize, Serialize};

/// The checkpoint of the largest log that the sender knows: base64 of the signed note, in a header of each statement.
pub const CHECKPOINT_HEADER: &str = "ldsp-checkpoint";
/// The receipt that proves where a statement stood: base64 of the C2SP tlog-proof, in a header of what is sent back.
pub const RECEIPT_HEADER: &str = "ldsp-receipt";
/// Runs of missing leaves that are told at most; who sends asks again.
pub const TOLD: usize = 10_000;

/// Where a log stands with itself.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogState {
    /// Whether it signs nothing because it lacks leaves, or may lack some.
    pub stopped: bool,
    /// Number of leaves that it has.
    pub size: u64,
    /// Number of leaves of the largest checkpoint by its own key that it was shown since it stopped; its own size where
    /// nobody showed a larger one.
    pub needs: u64,
    /// What it waits for from its end up to `needs`, in order: leaves that nobody has sent back yet.
    pub missing: Vec<Run>,
}

/// Leaves that follow one another.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The first, from 0.
    pub first: u64,
    /// The last.
    pub last: u64,
}

impl LogState {
    /// Whether the log waits for this leaf.
    ///
    /// ```
    /// use ldsp_protocol::recovery::{LogState, Run};
    /// let state = LogState { stopped: true, size: 4, needs: 9, missing: vec![Run { first: 4, last: 6 }] };
    /// assert!(state.lacks(6) && !state.lacks(7));
    /// ```
    #[must_use]
    pub fn lacks(&self, leaf: u64) -> bool {
        self.missing
            .iter()
            .any(|run| (run.first..=run.last).contains(&leaf))
    }
}

/// The places of `start..end` that are not among `there`, which is in order, as runs; [`TOLD`] at most.
#[must_use]
pub fn runs(start: u64, end: u64, there: impl IntoIterator<Item = u64>) -> Vec<Run> {
    let mut missing = Vec::new();
    let mut next = start;
    for leaf in there.into_iter().chain([end]) {
        let leaf = leaf.min(end);
        if leaf > next {
            missing.push(Run {
                first: next,
                last: leaf - 1,
            });
        }
        next = next.max(leaf.saturating_add(1));
        if missing.len() == TOLD {
            break;
        }
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_in_runs() {
        let told = |start, end, there: &[u64]| -> Vec<(u64, u64)> {
            let runs = runs(start, end, there.iter().copied());
            runs.iter().map(|run| (run.first, run.last)).collect()
        };
        assert_eq!(told(3, 9, &[]), [(3, 8)]);
        assert_eq!(told(3, 9, &[3, 5, 5, 6, 11]), [(4, 4), (7, 8)]);
        assert_eq!(told(3, 9, &[1, 8]), [(3, 7)]);
        assert_eq!(told(9, 9, &[]), []);
        assert_eq!(told(9, 3, &[4]), []);
        let many: Vec<u64> = (0..3 * TOLD as u64).step_by(2).collect();
        assert_eq!(told(0, u64::MAX, &many).len(), TOLD);
    }
}
