//! The receipt: the aggregator's signed word that it holds a statement, at which index.

use ed25519_dalek::SigningKey;

use crate::ids::{Digest, NodeSlug};
use crate::note::{self, NoteError, Verifier};

/// What a receipt vouches for.
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

/// A receipt as it travels: a C2SP signed note, not yet believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt(String);

/// A receipt that verified for the statement in hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedReceipt {
    /// The statement's place in the log, from 0.
    pub index: u64,
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
}

impl Receipt {
    /// Signs a receipt.
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

    /// The note's text.
    #[must_use]
    pub fn as_text(&self) -> &str {
        &self.0
    }

    /// Verifies that `log` vouches for `claim`.
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
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            Ok(VerifiedReceipt { index: 41 })
        );
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
