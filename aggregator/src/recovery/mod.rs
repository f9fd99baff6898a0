//! Recovery: a log whose database was restored from a backup lacks leaves that it acknowledged. It signs nothing until they are back
//! in their very places. Nodes keep everything that is needed for that: their statements, the log's own, and the receipts.
//!
//! # Why it is safe
//!
//! *Never two roots for one size.* Whoever holds a checkpoint by the log's key shows it: a node every half an hour and with every
//! statement. One of more leaves than the log has, or of others, stops the log ([`Recovery::told`]): that is stored, and every
//! transaction that would sign looks for it, so no process signs past it and no restart forgets it. A stopped log adds a leaf only with
//! a receipt for it that its own key signed, whose proof shows the leaf at the log's very end: the hashes to the left of its
//! path have to be the log's own right edge ([`Proven::before`]). So the tree that it signs then is one that it signed
//! over before, or the beginning of one, with the same root. A leaf whose own receipt nobody got is taken from its node without one where a
//! receipt of the leaf behind it, or the checkpoint at the end, proves that it stood there ([`Candidates`]). It signs something new only when it has as many leaves as the largest
//! checkpoint that anybody showed, with that root, and when every node whose key counts has been heard since it stopped, or an
//! operator decided by name to go on without. What remains is the moment before the first node is heard, in which a restored log
//! does not know that it is one: `recovery begin`, before it is served, closes it.
//!
//! *Nothing acknowledged is lost.* A leaf that a checkpoint covers and nobody sends back keeps the log stopped, and which one it is
//! is told. What was acknowledged under a history that another one took the place of is, for its node, a statement that the
//! log does not have: the node sends it again, and it gets a new place.
//!
//! *A fork is told, not mended.* Two checkpoints of one size, or two receipts for one leaf, are kept as they were signed, and an
//! operator has to decide before the log signs again. If one history is longer, that is the one that is followed, so that no
//! third one begins; of two of one length, the one whose leaves are there. Leaves of both are kept side by side, each by the tree that ends
//! in it: that names its whole history, so that a way back from the largest checkpoint takes none of the other's (module `chain`). What an operator
//! settled is a history: whoever shows more of it adds to the proof and stops nothing.
//!
//! # What it costs
//!
//! In the number of leaves that are lost, everything is linear: each that comes back is looked at with those of its own place, the way is
//! gone once for all of them, over 72 bytes a leaf and off the threads that answer everybody, and one request at a time goes it. The only search is for
//! leaves without a receipt, and that has a bound.

mod advance;
mod candidate;
mod chain;
mod leaf;
mod shown;
#[cfg(test)]
mod tests;
mod words;

use jiff::Timestamp;
use ldsp_protocol::enrolment::NodeState;
use ldsp_protocol::ids::NodeSlug;
use ldsp_protocol::recovery::LogState;

pub use self::candidate::Candidates;
pub use self::leaf::{Proven, Unproven};
pub use self::words::{in_words, next, run_in_words};

use self::chain::{Links, Tip};
use crate::log::Signer;
use crate::store::{Log, Recovery as Kept, Registry, Rollups, Shown, Stop, Stopped, StoreError};

/// What a checkpoint that somebody shows is to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// The log's beginning, or no word of this log's at all.
    Nothing,
    /// A word of the log's that it does not stand by as it is.
    Behind,
}

/// What became of a statement that was sent back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// The log has it where the receipt says.
    Stands,
    /// It is kept until everything before it is there.
    Kept,
    /// Another statement stands there: the receipt is proof of that.
    Forked,
}

/// How far a stopped log is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// It signs.
    Signs,
    /// These nodes have not said what they hold.
    Unheard(Vec<NodeSlug>),
    /// Leaves are missing, or the ones that came back lead elsewhere.
    Incomplete,
    /// Everything is there, and an operator has to decide because the log signed two histories.
    Forked,
    /// A leaf cannot be put back.
    Refused(String),
}

/// A log that may lack leaves.
#[derive(Debug, Clone)]
pub struct Recovery<'a, S> {
    store: &'a S,
    signer: &'a Signer,
    candidates: Candidates,
}

impl<'a, S: Log + Registry + Rollups + Kept> Recovery<'a, S> {
    /// Of the log in `store`, which is the signer's.
    #[must_use]
    pub fn new(store: &'a S, signer: &'a Signer) -> Self {
        Self {
            store,
            signer,
            candidates: Candidates::default(),
        }
    }

    /// With what nodes sent to this process without a receipt.
    #[must_use]
    pub fn with(self, candidates: &Candidates) -> Self {
        Self {
            candidates: candidates.clone(),
            ..self
        }
    }

    /// The present stop.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn stopped(&self) -> Result<Option<Stop>, StoreError> {
        let last = self.store.stops().await?.into_iter().next();
        Ok(last.filter(|stop| stop.ended.is_none()))
    }

    /// Stops the log because an operator says that its database was restored.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin(&self, by: &str, at: Timestamp) -> Result<bool, StoreError> {
        let stopped = self.store.stop(Shown::Restored, by, at).await? == Stopped::Now;
        if stopped {
            tracing::warn!(by, "the log is stopped: its database was restored");
        }
        Ok(stopped)
    }

    /// Nodes whose key counts and that have not said what they hold since the log stopped.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unheard(&self) -> Result<Vec<NodeSlug>, StoreError> {
        let heard = self.store.heard().await?;
        let nodes = self.store.nodes().await?.into_iter();
        let unheard =
            nodes.filter(|n| n.state == NodeState::Active && !heard.contains_key(&n.node));
        Ok(unheard.map(|n| n.node).collect())
    }

    /// Where the log stands with itself.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn state(&self) -> Result<LogState, StoreError> {
        let head = self.store.head().await?;
        let size = head.edge.size();
        let mut state = LogState {
            stopped: head.behind.is_some(),
            size,
            needs: size,
            missing: Vec::new(),
        };
        let goals = self.goals(size).await?;
        if let Some(goal) = goals.first().filter(|_| state.stopped) {
            state.needs = goal.size;
            // Of two histories, a leaf may hide that the other's is not there.
            let forks = self.store.forks().await?;
            let forked = forks.iter().any(|fork| fork.place >= size);
            let links = self.store.links(size).await?;
            let missing = move || Links::new(links).missing(size, &goals, forked);
            state.missing = aside(missing).await?;
        }
        Ok(state)
    }

    /// The largest trees that the log signed, as far as they are larger than the one that it has, of `size` leaves.
    async fn goals(&self, size: u64) -> Result<Vec<Tip>, StoreError> {
        let goals = self.store.goals().await?.into_iter();
        let tips = goals.map(|goal| Tip {
            size: goal.size,
            root: goal.root,
        });
        Ok(tips.filter(|tip| tip.size > size).collect())
    }
}

/// Does work that grows with the number of leaves that came back where it keeps nobody waiting.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| StoreError::Unusable {
        cause: format!("the leaves that came back could not be put in order: {error}"),
        next: "Look at what the server logged before this, and start it again",
    })
}
