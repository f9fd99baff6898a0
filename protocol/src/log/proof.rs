//! Proof (C2SP tlog-proof@v1): that an entry stands at an index of the tree of a checkpoint. It is
//! one text that verifies offline, with the log's key and the entry alone.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::ids::Digest;
use crate::log::checkpoint::{Checkpoint, CheckpointError};
use crate::log::entry::Entry;
use crate::log::merkle;
use crate::note::Verifier;

/// First line of the text.
pub const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// Hashes of a proof at most: a tree of 2^64 leaves has no longer path.
const MAX_HASHES: usize = 64;

/// A proof as it travels, not yet believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The entry's place, from 0.
    pub index: u64,
    /// Siblings from the leaf's up to the root's child.
    pub hashes: Vec<Digest>,
    /// The signed checkpoint, verbatim.
    pub checkpoint: String,
}

/// Why a proof is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ProofError {
    #[error("the proof is not in the form of C2SP tlog-proof@v1")]
    Form,
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(
        "the proof does not lead from this entry at index {index} to the checkpoint's root: it is for another entry, or altered"
    )]
    Root { index: u64 },
}

impl Proof {
    /// The proof's text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEADER}\nindex {}\n", self.index);
        for hash in &self.hashes {
            BASE64.encode_string(hash.as_bytes(), &mut text);
            text.push('\n');
        }
        let written = write!(text, "\n{}", self.checkpoint);
        written.expect("writing to a string cannot fail");
        text
    }

    /// Reads a proof. A line of extra data is passed over: nothing vouches for it.
    ///
    /// # Errors
    /// [`ProofError::Form`].
    pub fn parse(text: &str) -> Result<Self, ProofError> {
        let (head, checkpoint) = text.split_once("\n\n").ok_or(ProofError::Form)?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(ProofError::Form);
        }
        lines.next_if(|line| line.starts_with("extra "));
        let index = lines.next().and_then(|line| line.strip_prefix("index "));
        let index: u64 = index
            .and_then(|number| {
                number
                    .parse()
                    .ok()
                    .filter(|n: &u64| n.to_string() == number)
            })
            .ok_or(ProofError::Form)?;
        let hashes: Vec<Digest> = lines
            .map(hash)
            .collect::<Option<_>>()
            .ok_or(ProofError::Form)?;
        if hashes.len() > MAX_HASHES {
            return Err(ProofError::Form);
        }
        Ok(Self {
            index,
            hashes,
            checkpoint: checkpoint.to_owned(),
        })
    }

    /// Verifies that `log` signed a checkpoint whose tree has `entry` at this index, and gives the checkpoint.
    ///
    /// # Errors
    /// [`ProofError::Checkpoint`], [`ProofError::Root`].
    pub fn verify(&self, log: &Verifier, entry: &Entry) -> Result<Checkpoint, ProofError> {
        let checkpoint = Checkpoint::open(log, &self.checkpoint)?;
        let leaf = entry.leaf_hash();
        let root = merkle::root_from_inclusion(leaf, self.index, checkpoint.size, &self.hashes);
        if root == Some(checkpoint.root) {
            Ok(checkpoint)
        } else {
            Err(ProofError::Root { index: self.index })
        }
    }
}

fn hash(line: &str) -> Option<Digest> {
    let bytes: [u8; 32] = BASE64.decode(line).ok()?.try_into().ok()?;
    Some(Digest::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::*;
    use crate::log::merkle::{Edge, inclusion};
    use crate::statement::Kind;

    fn entry(seq: u64) -> Entry {
        Entry {
            kind: Kind::LearningSummary,
            node: "solent".parse().unwrap(),
            seq,
            key_id: Digest::of(b"key"),
            pae: Digest::of(&seq.to_be_bytes()),
        }
    }

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[9; 32])
    }

    fn log() -> Verifier {
        Verifier::new("log.ldsp.example", key().verifying_key()).unwrap()
    }

    /// The proof of entry 3 of 5.
    fn proof() -> Proof {
        let leaves: Vec<Digest> = (1..=5).map(|seq| entry(seq).leaf_hash()).collect();
        let mut edge = Edge::default();
        leaves.iter().for_each(|leaf| edge.push(*leaf));
        let checkpoint = Checkpoint {
            origin: "log.ldsp.example".into(),
            size: 5,
            root: edge.root(),
        };
        let node = |level: u32, index: u64| -> Result<Digest, std::convert::Infallible> {
            let mut part = Edge::default();
            let range = (index << level) as usize..((index + 1) << level) as usize;
            leaves[range].iter().for_each(|leaf| part.push(*leaf));
            Ok(part.root())
        };
        Proof {
            index: 2,
            hashes: inclusion(2, 5, node).unwrap(),
            checkpoint: checkpoint.sign(&key()).unwrap(),
        }
    }

    #[test]
    fn a_proof_holds_for_its_entry_only() {
        let read = Proof::parse(&proof().to_text()).unwrap();
        assert_eq!(read, proof());
        assert_eq!(read.verify(&log(), &entry(3)).unwrap().size, 5);
        for other in [entry(2), entry(4)] {
            assert_eq!(
                read.verify(&log(), &other),
                Err(ProofError::Root { index: 2 })
            );
        }
        let moved = Proof {
            index: 3,
            ..proof()
        };
        assert_eq!(
            moved.verify(&log(), &entry(3)),
            Err(ProofError::Root { index: 3 })
        );
        let stranger = SigningKey::from_bytes(&[8; 32]).verifying_key();
        let stranger = Verifier::new("log.ldsp.example", stranger).unwrap();
        assert!(matches!(
            read.verify(&stranger, &entry(3)),
            Err(ProofError::Checkpoint(_))
        ));
    }

    #[test]
    fn extra_data_is_passed_over_and_other_texts_are_refused() {
        let text = proof().to_text();
        let extra = text.replacen("\nindex", "\nextra AAAA\nindex", 1);
        assert_eq!(Proof::parse(&extra), Ok(proof()));
        for bad in [
            text.replacen("@v1", "@v2", 1),
            text.replacen("index 2", "index 02", 1),
            text.replacen("index 2", "index -2", 1),
            text.replacen("index 2\n", "index 2\nAAAA\n", 1),
            text.replacen("\n\n", "\n", 1).replace("\n\n", "\n"),
            String::new(),
        ] {
            assert_eq!(Proof::parse(&bad), Err(ProofError::Form), "{bad}");
        }
    }
}
