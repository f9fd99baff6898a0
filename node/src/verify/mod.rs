//! Verify: what a person can check without believing a server, a network or this program's own database. Works on files;
//! only a log at an address is fetched, by [`transport`](crate::transport).
//!
//! | what | proves | needs |
//! |---|---|---|
//! | [`statement`] | its node signed these very bytes | the node's public key |
//! | [`receipt`] | the log holds this very statement, at which place | the log's verifier key |
//! | [`whole`] | nothing in the log was lost, altered or counted twice | the log's verifier key |
//! | [`payloads`] | what the log's entries are of is there, and only its signer took anything away | the log's verifier key |
//! | [`finding`] | figures that the log signed are those that the signed statements give | the log's verifier key |
//! | [`own`] | what this node sent is as it was signed, in one chain, and was acknowledged | the node's database |
//!
//! None shows that others see the same log: for that, checkpoints of several readers are compared.

pub mod finding;
pub mod own;
pub mod payloads;
pub mod source;
pub mod whole;

use ed25519_dalek::VerifyingKey;
use ldsp_protocol::dsse::{EnvelopeError, Unverified, Verified};
use ldsp_protocol::ids::{Digest, NodeSlug, Period};
use ldsp_protocol::keys::{admit, key_id};
use ldsp_protocol::log::{CheckpointError, Entry, ProofError};
use ldsp_protocol::note::Verifier;
use ldsp_protocol::own::OwnStatement;
use ldsp_protocol::receipt::{Receipt, ReceiptError, VerifiedReceipt};
use ldsp_protocol::revision::Named;
use ldsp_protocol::statement::{Body, Kind, Payload, Statement, StatementError, kind_of};
use serde::Deserialize;

/// A check that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Fault {
    /// Stable name of the check.
    pub code: &'static str,
    /// What is not as it must be.
    pub what: String,
    /// What to do next.
    pub next: &'static str,
    /// Signed checkpoints that show it to whoever has the log's key: what was held first, then what the log says now.
    pub proof: Vec<String>,
}

impl Fault {
    pub(crate) fn new(code: &'static str, what: impl Into<String>, next: &'static str) -> Self {
        Self {
            code,
            what: what.into(),
            next,
            proof: Vec::new(),
        }
    }

    pub(crate) fn shown_by(self, proof: &[&str]) -> Self {
        let proof = proof.iter().map(|&note| note.to_owned()).collect();
        Self { proof, ..self }
    }
}

const FETCH_AGAIN: &str = "Fetch it again from where it was published: one altered byte is enough. If it stays so, do not use it and tell whoever gave it to you.";
const OTHER_KEY: &str = "Check that the verifier key is this log's: the operator publishes it, other LEPs were told the same. If it is, do not believe the file.";
pub(crate) const TELL: &str = "Keep the files as they are and tell the log's operator and the other LEPs: together with the log's signature they are the proof.";

/// A statement whose signature holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Genuine {
    /// What it says, without its payload.
    pub statement: Said,
    /// SHA-256 of the public key that signed.
    pub key_id: Digest,
    /// SHA-256 of the signed bytes: its identity.
    pub pae: Digest,
}

/// The frame of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The log that it is for.
    pub origin: String,
    /// Who signed.
    pub node: NodeSlug,
    /// Place in the signer's own sequence, from 1.
    pub seq: u64,
    /// Identity of the statement before it.
    pub prev: Digest,
    /// What it is about.
    pub kind: Kind,
    /// The month of a summary.
    pub period: Option<Period>,
    /// Digest of the data standard that it follows.
    pub standard: Digest,
    /// Of a withdrawal: the statement of the same node that it takes back.
    pub withdraws: Option<Named>,
}

impl Said {
    /// A node's statement, or one of the log's own.
    fn read(verified: &Verified) -> Result<Self, StatementError> {
        if kind_of(verified)?.is_of_log() {
            OwnStatement::read(verified).map(Self::of)
        } else {
            let statement = Statement::read(verified)?;
            let withdraws = match &statement.payload {
                Payload::Withdrawal(withdrawal) => Some(withdrawal.statement),
                _ => None,
            };
            Ok(Self {
                withdraws,
                ..Self::of(statement)
            })
        }
    }

    fn of<P>(body: Body<P>) -> Self {
        Self {
            origin: body.origin,
            node: body.node,
            seq: body.seq,
            prev: body.prev,
            kind: body.kind,
            period: body.period,
            standard: body.standard,
            withdraws: None,
        }
    }
}

/// A public key as people hand it on: 64 hex digits, or a C2SP verifier key (`name+hash+key`).
///
/// # Errors
/// Fault `key`.
pub fn public_key(text: &str) -> Result<VerifyingKey, Fault> {
    let text = text.trim();
    let refused = |why: String| {
        Fault::new(
            "key",
            format!("that is not a public key: {why}"),
            "Give 64 hex digits, as at /v1/nodes/NAME of the aggregator, or the log's line of name+hash+key, as at /v1/verifier.",
        )
    };
    if text.contains('+') {
        let verifier = Verifier::parse(text).map_err(|e| refused(e.to_string()))?;
        return Ok(*verifier.key());
    }
    let bytes = hex::decode(text).map_err(|_| refused("it is not hex".to_owned()))?;
    admit(&bytes).map_err(|e| refused(e.to_string()))
}

/// The log's verifier key as people hand it on.
///
/// # Errors
/// Fault `key`.
pub fn verifier(text: &str) -> Result<Verifier, Fault> {
    Verifier::parse(text.trim()).map_err(|error| {
        Fault::new(
            "key",
            error.to_string(),
            "Give the whole line of name+hash+key. The operator publishes it; compare it with what another LEP was told.",
        )
    })
}

fn envelope_fault(error: &EnvelopeError) -> Fault {
    match error {
        EnvelopeError::UnknownKey => Fault::new(
            "unknown-key",
            "the statement is signed by another key than the one given",
            "Compare its keyid with the key of the node that it should be from: both are at /v1/nodes/NAME of the aggregator.",
        ),
        EnvelopeError::Signature => Fault::new(
            "signature",
            "the signature does not hold: these are not the bytes that were signed",
            FETCH_AGAIN,
        ),
        other => Fault::new("envelope", other.to_string(), FETCH_AGAIN),
    }
}

/// The id of the key that an envelope names: where to look, not evidence.
///
/// # Errors
/// Fault `envelope`.
pub fn named_key(envelope: &[u8]) -> Result<Digest, Fault> {
    let unverified = Unverified::parse(envelope).map_err(|e| envelope_fault(&e))?;
    Ok(unverified.key_id())
}

/// Verifies a statement's signature strictly and reads what it says.
///
/// # Errors
/// Faults `envelope`, `unknown-key`, `signature`, `statement`.
pub fn statement(envelope: &[u8], key: &VerifyingKey) -> Result<Genuine, Fault> {
    let unverified = Unverified::parse(envelope).map_err(|e| envelope_fault(&e))?;
    let verified = unverified.verify(key).map_err(|e| envelope_fault(&e))?;
    let said = Said::read(&verified).map_err(|error| {
        Fault::new(
            "statement",
            format!("the signature holds, but {error}"),
            "Upgrade this program; if it is the newest already, tell the node that signed it.",
        )
    })?;
    Ok(Genuine {
        statement: said,
        key_id: key_id(key),
        pae: verified.pae(),
    })
}

impl Genuine {
    /// The log's record of it.
    #[must_use]
    pub fn entry(&self) -> Entry {
        Entry {
            kind: self.statement.kind,
            node: self.statement.node.clone(),
            seq: self.statement.seq,
            key_id: self.key_id,
            pae: self.pae,
        }
    }
}

/// Verifies that `log` vouches for the statement that `entry` records. A receipt without a checkpoint is of before the log had
/// a tree, and is its bare word.
///
/// # Errors
/// Faults `receipt`, `log-signature`, `other-log`, `other-statement`.
pub fn receipt(text: &str, log: &Verifier, entry: &Entry) -> Result<VerifiedReceipt, Fault> {
    let checked = Receipt::from_text(text).check(log, entry);
    checked.map_err(|error| match &error {
        ReceiptError::Proof(ProofError::Checkpoint(inner)) => checkpoint_fault(inner),
        ReceiptError::Note(_) => Fault::new("log-signature", error.to_string(), OTHER_KEY),
        ReceiptError::Form | ReceiptError::Proof(ProofError::Form) => {
            Fault::new("receipt", error.to_string(), FETCH_AGAIN)
        }
        ReceiptError::Other(_) | ReceiptError::Proof(ProofError::Root { .. }) => Fault::new(
            "other-statement",
            error.to_string(),
            "Check that the receipt and the statement belong together: node and number are in the statement. If they do, keep both and tell the log's operator.",
        ),
    })
}

pub(crate) fn checkpoint_fault(error: &CheckpointError) -> Fault {
    match error {
        CheckpointError::Origin(_) => Fault::new(
            "other-log",
            error.to_string(),
            "Give the verifier key of the log that you mean, or the files of the log that the key belongs to.",
        ),
        _ => Fault::new("log-signature", error.to_string(), OTHER_KEY),
    }
}

/// The frame of a body that nobody has vouched for.
#[derive(Deserialize)]
struct Claimed {
    node: NodeSlug,
    seq: u64,
    kind: Kind,
}

/// The record that a log has of the statement in `envelope` if it holds it. The signature is not looked at: what the log
/// vouches for is the digest of the very bytes.
///
/// # Errors
/// Faults `envelope`, `statement`.
pub fn entry_of(envelope: &[u8]) -> Result<Entry, Fault> {
    let unverified = Unverified::parse(envelope).map_err(|e| envelope_fault(&e))?;
    let claimed: Claimed = serde_json::from_slice(unverified.unverified_body()).map_err(|_| {
        Fault::new(
            "statement",
            "the body does not name node, number and kind of a statement of this version",
            "Check that the file is a statement's envelope; if it is, upgrade this program.",
        )
    })?;
    Ok(Entry {
        kind: claimed.kind,
        node: claimed.node,
        seq: claimed.seq,
        key_id: unverified.key_id(),
        pae: unverified.unverified_pae(),
    })
}

#[cfg(test)]
mod tests;
