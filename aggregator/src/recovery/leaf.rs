//! A statement that comes back: its receipt is checked by the log's own key, its signature by its signer's.

use jiff::Timestamp;
use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::keys::key_id;
use ldsp_protocol::log::merkle::leaf_hash;
use ldsp_protocol::log::{ENTRY_LEN, Edge, Entry, Proof};
use ldsp_protocol::note::Verifier;
use ldsp_protocol::own::{Own, OwnStatement};

use super::candidate::Candidate;
use crate::log::{self as stage, Signer};
use crate::store::{
    Link, Log, NewOwn, OwnEffect, Registry, Returned, ReturnedOwn, Rollups, StagedLeaf, StoreError,
    Turn,
};
use crate::verify::{self, Address, Authentic, Known};

/// A statement with a receipt that holds: the log's own key says where it stood.
#[derive(Debug, Clone)]
pub struct Proven {
    entry: Entry,
    record: [u8; ENTRY_LEN],
    before: Edge,
    link: Link,
    receipt: String,
    checkpoint: String,
    envelope: Vec<u8>,
}

/// Why a receipt does not prove where a statement stood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Unproven {
    #[error("the envelope is of no statement that this version knows")]
    Statement,
    #[error("{0}")]
    Proof(#[from] ldsp_protocol::log::ProofError),
    #[error("the proof is not of the form that its size asks for")]
    Form,
}

impl Proven {
    /// Checks the receipt of a statement by the log's key. The statement's own signature is looked at when it goes back to its place.
    ///
    /// # Errors
    /// [`Unproven`].
    pub fn new(
        log: &Verifier,
        unverified: &Unverified,
        envelope: Vec<u8>,
        receipt: &str,
    ) -> Result<Self, Unproven> {
        let entry = Entry::claimed(unverified).ok_or(Unproven::Statement)?;
        let proof = Proof::parse(receipt)?;
        let checkpoint = proof.verify(log, &entry)?;
        let before = Edge::before(proof.index, checkpoint.size, &proof.hashes);
        let before = before.ok_or(Unproven::Form)?;
        let record = entry.to_bytes();
        let mut edge = before.clone();
        edge.push(leaf_hash(&record));
        let link = Link {
            leaf: proof.index,
            before: before.root(),
            root: edge.root(),
        };
        Ok(Self {
            link,
            record,
            before,
            entry,
            receipt: receipt.to_owned(),
            checkpoint: proof.checkpoint,
            envelope,
        })
    }

    /// Its place.
    #[must_use]
    pub fn leaf(&self) -> u64 {
        self.link.leaf
    }

    /// The right edge of the log as it was before the leaf.
    #[must_use]
    pub fn before(&self) -> &Edge {
        &self.before
    }

    /// What the leaf says.
    #[must_use]
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    pub(super) fn record(&self) -> &[u8] {
        &self.record
    }

    pub(super) fn link(&self) -> Link {
        self.link
    }

    pub(super) fn receipt(&self) -> &str {
        &self.receipt
    }

    pub(super) fn checkpoint(&self) -> &str {
        &self.checkpoint
    }

    pub(super) fn staged(&self, at: Timestamp) -> StagedLeaf {
        StagedLeaf {
            link: self.link,
            record: self.record.to_vec(),
            receipt: self.receipt.clone(),
            envelope: self.envelope.clone(),
            received: at,
        }
    }
}

/// What goes back to its place, and the edge before it; or why it cannot. The receipt is checked anew: what is signed next stands on it.
pub(super) async fn returned<S: Log + Registry + Rollups>(
    store: &S,
    signer: &Signer,
    staged: &StagedLeaf,
) -> Result<Result<(Returned, Edge), String>, StoreError> {
    let log = signer.verifier();
    let unverified = match verify::parse(&staged.envelope) {
        Ok(unverified) => unverified,
        Err(problem) => return Ok(Err(problem.detail)),
    };
    let envelope = staged.envelope.clone();
    let proven = match Proven::new(log, &unverified, envelope, &staged.receipt) {
        Ok(proven) if proven.record() == staged.record && proven.link == staged.link => proven,
        Ok(_) => return Ok(Err("the row is not what its receipt proves".to_owned())),
        Err(why) => return Ok(Err(why.to_string())),
    };
    let returned = if proven.entry.kind.is_of_log() {
        own(log, unverified, &proven, staged.received)
    } else {
        of_node(store, log, unverified, &proven.entry, staged.received).await?
    };
    Ok(returned.map(|returned| (returned, proven.before)))
}

/// A statement without a receipt as it goes to the place that the tree gives it.
pub(super) async fn candidate<S: Log + Registry + Rollups>(
    store: &S,
    signer: &Signer,
    candidate: &Candidate,
) -> Result<Result<Returned, String>, StoreError> {
    match verify::parse(&candidate.envelope) {
        Ok(unverified) => {
            let (log, entry) = (signer.verifier(), &candidate.entry);
            of_node(store, log, unverified, entry, candidate.received).await
        }
        Err(problem) => Ok(Err(problem.detail)),
    }
}

/// A node's statement, by the checks that it passed when it came first.
async fn of_node<S: Log + Registry + Rollups>(
    store: &S,
    log: &Verifier,
    unverified: Unverified,
    entry: &Entry,
    at: Timestamp,
) -> Result<Result<Returned, String>, StoreError> {
    let Some(node) = store.node(&entry.node).await? else {
        return Ok(Err(format!("{} is not known at that place", entry.node)));
    };
    let address = Address {
        node: entry.node.clone(),
        seq: entry.seq,
    };
    let authentic = match Authentic::new(unverified, &address, node, log.name()) {
        Ok(authentic) => authentic,
        Err(problem) => return Ok(Err(problem.detail)),
    };
    let history = match authentic.standard() {
        Some(standard) => store.history(&entry.node, standard).await?,
        None => Vec::new(),
    };
    let asked = stage::asked(store, &authentic).await?;
    let known = Known {
        history: &history,
        target: stage::target(store, &authentic).await?,
        asked: asked.as_ref(),
        published: stage::published(store, &authentic).await?,
    };
    let accepted = authentic.accept(known, at);
    let new = accepted.map(|verified| Returned::Node(Box::new(verified.into_new())));
    Ok(new.map_err(|problem| problem.detail))
}

/// One of the log's own, which its signature proves to be.
fn own(
    log: &Verifier,
    unverified: Unverified,
    proven: &Proven,
    at: Timestamp,
) -> Result<Returned, String> {
    let verified = unverified.verify(log.key()).map_err(|e| e.to_string())?;
    let said = OwnStatement::read(&verified).map_err(|e| e.to_string())?;
    let effect = match said.payload {
        Own::KeyAdd(add) => OwnEffect::Readmit {
            add: Box::new(add),
            at,
        },
        Own::KeyRevoke(revoke) => OwnEffect::Revoke {
            node: revoke.node,
            key_id: revoke.key_id,
        },
        Own::Standard(_) | Own::BenchmarkRun(_) | Own::Finding(_) | Own::Questionnaire(_) => {
            OwnEffect::None
        }
    };
    let own = ReturnedOwn {
        new: NewOwn {
            kind: said.kind,
            key_id: key_id(log.key()),
            pae: verified.pae(),
            envelope: verified.envelope().to_vec(),
            received: at,
        },
        turn: Turn {
            index: proven.leaf(),
            seq: said.seq,
            prev: said.prev,
        },
        effect,
    };
    Ok(Returned::Own(Box::new(own)))
}
