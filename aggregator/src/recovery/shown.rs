//! What a log is shown: its own checkpoints, and receipts with the statements that they are for.

use jiff::Timestamp;
use ldsp_protocol::log::Checkpoint;

use super::{Proven, Recovery, Taken, Told};
use crate::store::{
    Claim, Fork, Log, Recovery as Kept, Registry, Rollups, Shown, Stopped, StoreError,
};
use crate::tree::Tree;

impl<S: Log + Registry + Rollups + Kept> Recovery<'_, S> {
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
        let fork = async || -> Result<Stopped, StoreError> {
            self.forked(&Fork {
                place: claimed.size,
                id: claimed.root,
                agreed: 0,
                ours: tree.checkpoint().await?,
                theirs: note.to_owned(),
                said_by: by.to_owned(),
                found: at,
                settled: None,
            })
            .await
        };
        let stopped = if root.is_some() {
            fork().await?
        } else {
            let claim = Claim {
                size: claimed.size,
                root: claimed.root,
                note: note.to_owned(),
                said_by: by.to_owned(),
            };
            let stopped = self.store.stop(Shown::Claim(&claim), by, at).await?;
            // Leaves may have come back meanwhile. Those that come back from now on are held against it.
            let root = tree.root_at(claimed.size).await?;
            if root.is_some_and(|root| root != claimed.root) {
                fork().await?;
            }
            stopped
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
            Stopped::Now | Stopped::Already | Stopped::Known => Told::Behind,
        })
    }

    /// Stops for a fork and keeps the proof. Of one that an operator has settled, the proof is kept and stops nothing.
    async fn forked(&self, fork: &Fork) -> Result<Stopped, StoreError> {
        let shown = Shown::Fork(fork);
        let stopped = self.store.stop(shown, &fork.said_by, fork.found).await?;
        if matches!(stopped, Stopped::Now | Stopped::Already) {
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
        let fork = |agreed: bool, ours: String| Fork {
            place: proven.leaf(),
            id: proven.link().root,
            agreed: if agreed { proven.leaf() } else { 0 },
            ours,
            theirs: proven.receipt().to_owned(),
            said_by: by.to_owned(),
            found: at,
            settled: None,
        };
        let before = proven.link().before;
        if !there.is_empty() {
            // Two receipts by one key for one place.
            let proof = tree.proof(proven.leaf()).await?;
            let ours = proof.map(|proof| proof.to_text()).unwrap_or_default();
            let agreed = tree.root_at(proven.leaf()).await? == Some(before);
            self.forked(&fork(agreed, ours)).await?;
            return Ok(Taken::Forked);
        }
        let head = self.store.head().await?;
        if told == Told::Nothing && head.behind.is_none() {
            // A leaf beyond the log's end under a checkpoint that it stands by: of a fork that is settled.
            return Ok(Taken::Forked);
        }
        if head.edge.size() == proven.leaf() && head.edge != *proven.before() {
            // The receipt shows another history up to here.
            let other = Fork {
                id: before,
                ..fork(false, tree.checkpoint().await?)
            };
            self.forked(&other).await?;
            return Ok(Taken::Forked);
        }
        let staged = self.store.staged(proven.leaf()).await?;
        let other = staged.iter().find(|other| other.link != proven.link());
        if let Some(other) = other {
            let agreed = other.link.before == before;
            self.forked(&fork(agreed, other.receipt.clone())).await?;
        }
        self.store.stage(&proven.staged(at)).await?;
        Ok(Taken::Kept)
    }
}
