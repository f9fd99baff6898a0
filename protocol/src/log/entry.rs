//! Entry: the record of one leaf. Small and of one size, so that a payload can be withdrawn without
//! touching the tree, and the n-th entry of a run stands at n times [`ENTRY_LEN`].

use serde::Deserialize;

use crate::dsse::Unverified;
use crate::ids::{Digest, NodeSlug};
use crate::log::merkle;
use crate::statement::Kind;

/// Bytes of an entry: type, signer, sequence number, key id, identity.
pub const ENTRY_LEN: usize = 1 + NAME_LEN + 8 + 32 + 32;
/// Bytes of the signer's name: the longest slug.
const NAME_LEN: usize = 32;

/// A leaf's record: which statement stands there. Its bytes are the type's number (1 byte), the
/// signer's slug in ASCII padded with zero bytes (32), the sequence number (8, big endian), the key
/// id (32) and the statement's identity, SHA-256 of its PAE (32).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What the statement is about.
    pub kind: Kind,
    /// Who signed.
    pub node: NodeSlug,
    /// Place in the signer's own sequence, from 1.
    pub seq: u64,
    /// SHA-256 of the signer's raw public key.
    pub key_id: Digest,
    /// The statement's identity.
    pub pae: Digest,
}

/// Why bytes are no entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum EntryError {
    #[error("an entry has {ENTRY_LEN} bytes, this one {0}")]
    Length(usize),
    #[error("type {0} is not one that this version knows")]
    Kind(u8),
    #[error("the signer's name is not a slug padded with zero bytes")]
    Name,
    #[error("sequence numbers begin at 1")]
    Seq,
}

/// Where a body says that it stands.
#[derive(Deserialize)]
struct Place {
    node: NodeSlug,
    seq: u64,
}

impl Entry {
    /// The record that a statement's leaf has, as its envelope tells: a claim, until a receipt holds for it or the signature is
    /// verified. `None` where the envelope is of no statement.
    #[must_use]
    pub fn claimed(unverified: &Unverified) -> Option<Self> {
        let stated = unverified.unverified_payload_type();
        let kind = Kind::ALL
            .into_iter()
            .find(|kind| kind.payload_type() == stated)?;
        let place: Place = serde_json::from_slice(unverified.unverified_body()).ok()?;
        Some(Self {
            kind,
            node: place.node,
            seq: place.seq,
            key_id: unverified.key_id(),
            pae: unverified.unverified_pae(),
        })
    }

    /// The leaf's exact bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; ENTRY_LEN] {
        let mut bytes = [0; ENTRY_LEN];
        let (head, rest) = bytes.split_at_mut(1 + NAME_LEN);
        head[0] = self.kind.entry_type();
        // A slug has 2 to 32 ASCII characters (ids).
        head[1..=self.node.as_str().len()].copy_from_slice(self.node.as_str().as_bytes());
        rest[..8].copy_from_slice(&self.seq.to_be_bytes());
        rest[8..40].copy_from_slice(self.key_id.as_bytes());
        rest[40..].copy_from_slice(self.pae.as_bytes());
        bytes
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// [`EntryError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, EntryError> {
        let bytes: &[u8; ENTRY_LEN] = bytes
            .try_into()
            .map_err(|_| EntryError::Length(bytes.len()))?;
        let kind = Kind::ALL
            .into_iter()
            .find(|kind| kind.entry_type() == bytes[0])
            .ok_or(EntryError::Kind(bytes[0]))?;
        let name = &bytes[1..=NAME_LEN];
        let end = name.iter().position(|b| *b == 0).unwrap_or(NAME_LEN);
        let (name, padding) = name.split_at(end);
        let node = std::str::from_utf8(name)
            .ok()
            .and_then(|name| name.parse().ok())
            .filter(|_| padding.iter().all(|b| *b == 0))
            .ok_or(EntryError::Name)?;
        let seq = u64::from_be_bytes(array(&bytes[33..41]));
        if seq == 0 {
            return Err(EntryError::Seq);
        }
        Ok(Self {
            kind,
            node,
            seq,
            key_id: Digest::from_bytes(array(&bytes[41..73])),
            pae: Digest::from_bytes(array(&bytes[73..])),
        })
    }

    /// The hash of the leaf.
    #[must_use]
    pub fn leaf_hash(&self) -> Digest {
        merkle::leaf_hash(&self.to_bytes())
    }
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes
        .try_into()
        .expect("the caller cuts a slice of this length out of an entry of fixed length")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(node: &str) -> Entry {
        Entry {
            kind: Kind::PracticeEntry,
            node: node.parse().unwrap(),
            seq: 258,
            key_id: Digest::from_bytes([3; 32]),
            pae: Digest::from_bytes([4; 32]),
        }
    }

    #[test]
    fn the_bytes_stand_where_the_record_says() {
        let bytes = entry("solent").to_bytes();
        assert_eq!(bytes[0], 2);
        assert_eq!(&bytes[1..7], b"solent");
        assert_eq!(bytes[7..33], [0; 26]);
        assert_eq!(bytes[33..41], [0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(bytes[41..73], [3; 32]);
        assert_eq!(bytes[73..], [4; 32]);
    }

    #[test]
    fn an_envelope_claims_the_entry_of_its_statement() {
        let key = ed25519_dalek::SigningKey::from_bytes(&[5; 32]);
        let body = br#"{"node":"solent","seq":7,"payload":[]}"#;
        let claim = |payload_type: &str, body: &[u8]| {
            let sealed = crate::dsse::Sealed::sign(&key, payload_type, body);
            let parsed = Unverified::parse(sealed.envelope()).unwrap();
            (sealed.pae(), Entry::claimed(&parsed))
        };
        let (pae, claimed) = claim(&Kind::PracticeEntry.payload_type(), body);
        let expected = Entry {
            kind: Kind::PracticeEntry,
            node: "solent".parse().unwrap(),
            seq: 7,
            key_id: crate::keys::key_id(&key.verifying_key()),
            pae,
        };
        assert_eq!(claimed, Some(expected));
        assert_eq!(claim("application/json", body).1, None);
        let nowhere = br#"{"node":"solent"}"#;
        assert_eq!(claim(&Kind::PracticeEntry.payload_type(), nowhere).1, None);
    }

    #[test]
    fn every_entry_reads_back() {
        for node in ["ab", "solent", &"a".repeat(32)] {
            assert_eq!(Entry::parse(&entry(node).to_bytes()), Ok(entry(node)));
        }
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        let good = entry("solent").to_bytes();
        let with = |at: usize, byte: u8| {
            let mut bad = good;
            bad[at] = byte;
            Entry::parse(&bad)
        };
        assert_eq!(Entry::parse(&good[1..]), Err(EntryError::Length(104)));
        assert_eq!(with(0, 0), Err(EntryError::Kind(0)));
        assert_eq!(with(1, b'S'), Err(EntryError::Name));
        assert_eq!(with(9, b'x'), Err(EntryError::Name), "after the padding");
        let mut none = good;
        none[33..41].fill(0);
        assert_eq!(Entry::parse(&none), Err(EntryError::Seq));
    }
}
