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
//! third one begins.

mod candidate;
mod chain;
mod leaf;
#[cfg(test)]
mod tests;

use ldsp_protocol::enrolment::NodeState;
use ldsp_protocol::ids::NodeSlug;
use ldsp_protocol::log::merkle::leaf_hash;
use ldsp_protocol::log::{Checkpoint, Edge};
use ldsp_protocol::recovery::{LogState, Run, runs};

use jiff::Timestamp;

pub use self::candidate::Candidates;
pub use self::leaf::{Proven, Unproven};

use crate::log::Signer;
use crate::store::{
    Back, Cause, Claim, Fork, Log, Recovery as Kept, Registry, Returned, Rollups, Shown, Stop,
    Stopped, StoreError,
};
use crate::tree::Tree;

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
#[derive(Debug, Clone, Copy)]
pub struct Recovery<'a, S> {
    store: &'a S,
    signer: &'a Signer,
    candidates: Option<&'a Candidates>,
}

impl<'a, S: Log + Registry + Rollups + Kept> Recovery<'a, S> {
    /// Of the log in `store`, which is the signer's.
    #[must_use]
    pub fn new(store: &'a S, signer: &'a Signer) -> Self {
        Self {
            store,
            signer,
            candidates: None,
        }
    }

    /// With what nodes sent without a receipt.
    #[must_use]
    pub fn with(self, candidates: &'a Candidates) -> Self {
        Self {
            candidates: Some(candidates),
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

    /// Looks at a checkpoint that `by` shows. One that the log signed and does not stand by stops it; whoever is told of by
    /// [`Told::Behind`] is not to be answered as if the log were whole.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn told(
        &self,
        tree: &Tree<S>,
        note: &str,
        by: &str,
        at: Timestamp,
    ) -> Result<Told, StoreError> {
        // What agrees with the log needs no signature: most do, and they come with every statement.
        let Some(claimed) = Checkpoint::claimed(note) else {
            return Ok(Told::Nothing);
        };
        let root = tree.root_at(claimed.size).await?;
        if root == Some(claimed.root) {
            return Ok(Told::Nothing);
        }
        let signed = Checkpoint::open(self.signer.verifier(), note);
        if signed.ok().as_ref() != Some(&claimed) {
            return Ok(Told::Nothing);
        }
        let stopped = if root.is_some() {
            let fork = Fork {
                place: claimed.size,
                id: claimed.root,
                ours: tree.checkpoint().await?,
                theirs: note.to_owned(),
                said_by: by.to_owned(),
                found: at,
                settled: None,
            };
            self.forked(&fork).await?
        } else {
            let claim = Claim {
                size: claimed.size,
                root: claimed.root,
                note: note.to_owned(),
                said_by: by.to_owned(),
            };
            self.store.stop(Shown::Claim(&claim), by, at).await?
        };
        if stopped == Stopped::Now {
            tracing::error!(
                by,
                size = claimed.size,
                "the log lacks leaves that it signed, or has others: it signs nothing until that is mended"
            );
        }
        Ok(match stopped {
            Stopped::Settled => Told::Nothing,
            Stopped::Now | Stopped::Already => Told::Behind,
        })
    }

    /// Stops for a fork and keeps the proof. One that an operator has settled stops nothing: whoever shows it again shows nothing else.
    async fn forked(&self, fork: &Fork) -> Result<Stopped, StoreError> {
        let shown = Shown::Fork(fork);
        let stopped = self.store.stop(shown, &fork.said_by, fork.found).await?;
        if stopped != Stopped::Settled {
            tracing::error!(
                place = fork.place,
                by = fork.said_by,
                "the log signed two histories"
            );
        }
        Ok(stopped)
    }

    /// Takes a statement that comes back with a receipt that holds.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn take(
        &self,
        tree: &Tree<S>,
        proven: &Proven,
        by: &str,
        at: Timestamp,
    ) -> Result<Taken, StoreError> {
        let told = self.told(tree, proven.checkpoint(), by, at).await?;
        let there = self.store.records(proven.leaf()..proven.leaf() + 1).await?;
        if there == proven.record() {
            return Ok(Taken::Stands);
        }
        let mut fork = Fork {
            place: proven.leaf(),
            id: proven.pae(),
            ours: String::new(),
            theirs: proven.receipt().to_owned(),
            said_by: by.to_owned(),
            found: at,
            settled: None,
        };
        if !there.is_empty() {
            // Two receipts by one key for one place.
            let proof = tree.proof(proven.leaf()).await?;
            fork.ours = proof.map(|proof| proof.to_text()).unwrap_or_default();
            self.forked(&fork).await?;
            return Ok(Taken::Forked);
        }
        let head = self.store.head().await?;
        if told == Told::Nothing && head.behind.is_none() {
            // A leaf beyond the log's end under a checkpoint that it stands by: of a fork that is settled.
            return Ok(Taken::Forked);
        }
        if head.edge.size() == proven.leaf() && head.edge != *proven.before() {
            // The receipt shows another history up to here.
            fork.id = proven.before().root();
            fork.ours = tree.checkpoint().await?;
            self.forked(&fork).await?;
            return Ok(Taken::Forked);
        }
        let staged = self.store.staged(proven.leaf()).await?;
        let other = staged
            .iter()
            .find(|leaf| leaf.leaf == proven.leaf() && leaf.record != proven.record());
        if let Some(other) = other {
            fork.ours.clone_from(&other.receipt);
            self.forked(&fork).await?;
        }
        self.store.stage(&proven.staged(at)).await?;
        Ok(Taken::Kept)
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
        if state.stopped {
            let claims = self.store.claims().await?;
            state.needs = claims.last().map_or(size, |claim| claim.size.max(size));
            let staged = self.store.staged(size).await?;
            state.missing = runs(size, state.needs, staged.iter().map(|leaf| leaf.leaf));
        }
        Ok(state)
    }

    /// Goes as far as what is there allows: puts leaves back, and lets the log sign when nothing stands against it. To be called
    /// whenever somebody was heard.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn advance(&self, at: Timestamp) -> Result<Progress, StoreError> {
        loop {
            let head = self.store.head().await?;
            if head.behind.is_none() {
                return Ok(Progress::Signs);
            }
            // Before everybody was heard, another history may turn out to be the longer one.
            let unheard = self.unheard().await?;
            if !unheard.is_empty() {
                return Ok(Progress::Unheard(unheard));
            }
            let claims = self.store.claims().await?;
            let goal = claims.last().filter(|goal| goal.size > head.edge.size());
            if let Some(goal) = goal {
                let staged = self.store.staged(head.edge.size()).await?;
                let candidates = self.candidates.map(Candidates::records).unwrap_or_default();
                let way = chain::to(&head.edge, &staged, &candidates, &claims, goal);
                let Some(way) = way else {
                    return Ok(Progress::Incomplete);
                };
                for claim in way.strays {
                    let fork = Fork {
                        place: claim.size,
                        id: claim.root,
                        ours: goal.note.clone(),
                        theirs: claim.note,
                        said_by: claim.said_by,
                        found: at,
                        settled: None,
                    };
                    self.forked(&fork).await?;
                }
                if let Some(refused) = self.put_back(head.edge, &way.leaves).await? {
                    tracing::error!(refused, "a leaf cannot be put back");
                    self.store.note_trouble(Some(&refused)).await?;
                    return Ok(Progress::Refused(refused));
                }
                // What came back may have added nodes, which have to be heard too.
                continue;
            }
            if self.store.resume(&head.edge, at).await? {
                tracing::warn!(size = head.edge.size(), "the log is whole and signs again");
                if let Some(candidates) = self.candidates {
                    candidates.clear();
                }
                return Ok(Progress::Signs);
            }
            let unsettled = self
                .store
                .forks()
                .await?
                .iter()
                .any(|f| f.settled.is_none());
            if unsettled {
                return Ok(Progress::Forked);
            }
            // Somebody else moved the log on or showed it another checkpoint: look again.
        }
    }

    /// Puts leaves back in their order behind `edge`; gives why one cannot be.
    async fn put_back(
        &self,
        mut edge: Edge,
        leaves: &[(u64, Vec<u8>)],
    ) -> Result<Option<String>, StoreError> {
        let sign = |size, root| self.signer.checkpoint(size, root);
        for (leaf, record) in leaves {
            let Some(read) = self.returned(&edge, *leaf, record).await? else {
                // Another process was quicker with it.
                return Ok(None);
            };
            let returned = match read {
                Ok(returned) => returned,
                Err(why) => {
                    // Whoever has it sound sends it again.
                    self.store.unstage(*leaf, record).await?;
                    self.done(record);
                    return Ok(Some(format!("place {leaf}: {why}")));
                }
            };
            match self.store.put_back(&returned, &edge, &sign).await? {
                Back::Placed(growth) => {
                    tracing::info!(leaf = growth.first, "a leaf is back in its place")
                }
                Back::Moved => return Ok(None),
                Back::Refused(why) => return Ok(Some(why)),
            }
            self.done(record);
            edge.push(leaf_hash(record));
        }
        Ok(None)
    }

    /// The leaf that goes back behind `edge`, or why it cannot; `None` where it is not there any more.
    async fn returned(
        &self,
        edge: &Edge,
        leaf: u64,
        record: &[u8],
    ) -> Result<Option<Result<Returned, String>>, StoreError> {
        if let Some(staged) = self.store.staged_leaf(leaf, record).await? {
            let read = leaf::returned(self.store, self.signer, &staged).await?;
            return Ok(Some(read.and_then(|(returned, before)| {
                let right = before == *edge;
                let other = || "its receipt shows another history before it".to_owned();
                right.then_some(returned).ok_or_else(other)
            })));
        }
        let Some(candidate) = self.candidates.and_then(|all| all.of(record)) else {
            return Ok(None);
        };
        let read = leaf::candidate(self.store, self.signer, &candidate).await?;
        Ok(Some(read))
    }

    fn done(&self, record: &[u8]) {
        if let Some(candidates) = self.candidates {
            candidates.done(record);
        }
    }

    /// Goes on by the decision of `by`: without the nodes that were not heard, and with the forks as they are. Never past a
    /// checkpoint that the log does not reach.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn go_on(
        &self,
        by: &str,
        reason: &str,
        at: Timestamp,
    ) -> Result<Progress, StoreError> {
        self.store.decide(by, reason, at).await?;
        loop {
            for node in self.unheard().await? {
                tracing::warn!(%node, by, "the log goes on without having heard this node");
                self.store.hear(&node, at, Some(by)).await?;
            }
            match self.advance(at).await? {
                // Nodes that were put back a moment ago.
                Progress::Unheard(_) => {}
                done => return Ok(done),
            }
        }
    }
}

/// Why the log stopped, as a clause.
#[must_use]
pub fn in_words(stop: &Stop) -> String {
    match stop.cause {
        Cause::Told => format!(
            "{} said that its database was restored from a backup",
            stop.said_by
        ),
        Cause::Larger => format!(
            "{} showed a checkpoint by the log’s own key of more leaves than it has, so its database is older than what it acknowledged",
            stop.said_by
        ),
        Cause::Other => format!(
            "{} showed a checkpoint or receipt by the log’s own key of other leaves than it has",
            stop.said_by
        ),
    }
}

/// `places 4 to 7`, from 0.
#[must_use]
pub fn run_in_words(run: Run) -> String {
    if run.first == run.last {
        format!("place {}", run.first)
    } else {
        format!("places {} to {}", run.first, run.last)
    }
}

/// What people have to do about it.
#[must_use]
pub fn next(state: &LogState, unheard: &[NodeSlug], forks: &[Fork]) -> &'static str {
    if !state.stopped {
        return "Nothing. After a database was restored from a backup: `recovery begin`, before it is served.";
    }
    if forks.iter().any(|fork| fork.settled.is_none()) {
        return "The log signed two histories. Keep the proof. If one was signed since the last restore, restore that backup again, run `recovery begin` before it is served, and let the nodes send what it lacks; if the log then has all leaves it needs, `recovery go-on --reason` lets it sign.";
    }
    if state.size < state.needs && !state.missing.is_empty() {
        return "Restore a later backup if there is one. If not, leave the server running: the nodes send what is missing by themselves, within half an hour where their programs run. Ring those that are not heard.";
    }
    if !unheard.is_empty() {
        return "Leave the server running and ring the IT teams of the nodes that are not heard: each must be running. If one will never be, `recovery go-on --reason` goes on without it.";
    }
    "Leave the server running: the leaves that came back are put in their places as soon as the next node is heard. If something is in the way, it is told as trouble."
}
