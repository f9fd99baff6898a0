//! The receipt: the aggregator's signed word that it holds a statement, at which index. It is a
//! proof from the statement's leaf to a signed checkpoint ([`Proof`]). Receipts of before there was a
//! tree are signed notes; they hold as they always did.

use ed25519_dalek::SigningKey;

use crate::ids::{Digest, NodeSlug};
use crate::log::{Checkpoint, Entry, Proof, ProofError, proof};
use crate::note::{self, NoteError, Verifier};

/// What a receipt of before there was a tree vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The log's origin.
    pub origin: String,
    /// The node that signed the statement.
    pub node: NodeSlug,
    /// Its sequence number, from 1.
    pub seq: u64,
    /// SHA-256 of its PAE.
    pub pae: Digest,
}

/// A receipt as it travels, not yet believed: a C2SP tlog-proof, or a C2SP signed note of before there was a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt(String);

/// A receipt that verified for the statement in hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedReceipt {
    /// The statement's place in the log, from 0.
    pub index: u64,
    /// The log of which it is a part; `None` of before there was a tree.
    pub checkpoint: Option<Checkpoint>,
}

/// Why a receipt is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ReceiptError {
    #[error("the receipt is not signed by the log: {0}")]
    Note(#[from] NoteError),
    #[error("the receipt is for another statement: {0} differs")]
    Other(&'static str),
    #[error("the receipt's text is not in the form of version 1")]
    Form,
    #[error(transparent)]
    Proof(#[from] ProofError),
}

impl Receipt {
    /// Signs a receipt in the form of before there was a tree.
    ///
    /// # Errors
    /// [`NoteError`] when the origin cannot be a signer's name.
    pub fn sign(key: &SigningKey, claim: &Claim, index: u64) -> Result<Self, NoteError> {
        let text = format!(
            "ldsp receipt v1\n{}\nnode {}\nseq {}\npae {}\nindex {index}\n",
            claim.origin, claim.node, claim.seq, claim.pae
        );
        note::sign(key, &claim.origin, &text).map(Self)
    }

    /// A receipt from the wire.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// A receipt from a proof.
    #[must_use]
    pub fn of(proof: &Proof) -> Self {
        Self(proof.to_text())
    }

    /// Whether it is a proof, not a note of before there was a tree.
    #[must_use]
    pub fn is_proof(&self) -> bool {
        self.0.starts_with(proof::HEADER)
    }

    /// Its text, alone.
    #[must_use]
    pub fn into_text(self) -> String {
        self.0
    }

    /// Its text.
    #[must_use]
    pub fn as_text(&self) -> &str {
        &self.0
    }

    /// Verifies that `log` vouches for the statement whose leaf would be `entry`, in either form.
    ///
    /// # Errors
    /// [`ReceiptError`].
    pub fn check(&self, log: &Verifier, entry: &Entry) -> Result<VerifiedReceipt, ReceiptError> {
        if !self.is_proof() {
            let claim = Claim {
                origin: log.name().to_owned(),
                node: entry.node.clone(),
                seq: entry.seq,
                pae: entry.pae,
            };
            return self.verify(log, &claim);
        }
        let proof = Proof::parse(&self.0)?;
        let checkpoint = proof.verify(log, entry)?;
        Ok(VerifiedReceipt {
            index: proof.index,
            checkpoint: Some(checkpoint),
        })
    }

    /// Verifies that `log` vouches for `claim` in the form of before there was a tree.
    ///
    /// # Errors
    /// [`ReceiptError`].
    pub fn verify(&self, log: &Verifier, claim: &Claim) -> Result<VerifiedReceipt, ReceiptError> {
        let text = log.open(&self.0)?;
        let lines: Vec<&str> = text.lines().collect();
        let ["ldsp receipt v1", origin, node, seq, pae, index] = lines.as_slice() else {
            return Err(ReceiptError::Form);
        };
        for (what, stated, expected) in [
            ("origin", *origin, claim.origin.clone()),
            ("node", *node, format!("node {}", claim.node)),
            ("seq", *seq, format!("seq {}", claim.seq)),
            ("pae", *pae, format!("pae {}", claim.pae)),
        ] {
            if stated != expected {
                return Err(ReceiptError::Other(what));
            }
        }
        let index = index.strip_prefix("index ").and_then(|n| n.parse().ok());
        Ok(VerifiedReceipt {
            index: index.ok_or(ReceiptError::Form)?,
            checkpoint: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::Kind;

    #[test]
    fn a_receipt_holds_for_its_statement_only() {
        let key = SigningKey::from_bytes(&[5; 32]);
        let log = Verifier::new("log.example", key.verifying_key()).unwrap();
        let claim = Claim {
            origin: "log.example".into(),
            node: "solent".parse().unwrap(),
            seq: 3,
            pae: Digest::of(b"x"),
        };
        let receipt = Receipt::sign(&key, &claim, 41).unwrap();
        assert_eq!(
            receipt.verify(&log, &claim),
            Ok(VerifiedReceipt {
                index: 41,
                checkpoint: None
            })
        );
        let entry = Entry {
            kind: Kind::PracticeEntry,
            node: claim.node.clone(),
            seq: 3,
            key_id: Digest::of(b"key"),
            pae: claim.pae,
        };
        assert_eq!(receipt.check(&log, &entry), receipt.verify(&log, &claim));
        let other = Claim {
            seq: 4,
            ..claim.clone()
        };
        assert_eq!(
            receipt.verify(&log, &other),
            Err(ReceiptError::Other("seq"))
        );
        let other = Claim {
            pae: Digest::of(b"y"),
            ..claim
        };
        assert_eq!(
            receipt.verify(&log, &other),
            Err(ReceiptError::Other("pae"))
        );
    }
}
