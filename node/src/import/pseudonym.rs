//! Keyed pseudonyms: what is kept of a learner's ULN or reference.
//!
//! HMAC-SHA-256 (RFC 2104), cut to its first 16 bytes (NIST SP 800-107r1 section 5.3.3 allows it).
//! Each message begins with what it is for, and every part is preceded by its length, so that no
//! two inputs give the same message.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::store::records::Pseudonym;

/// The node's own key of pseudonyms. Without it a pseudonym cannot be tied to a ULN, not even by
/// trying all ULNs.
///
/// It is kept as HMAC begins with it, so that the key is not hashed again for every row.
#[derive(Clone)]
pub struct PseudonymKey(Hmac<Sha256>);

impl std::fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PseudonymKey(not shown)")
    }
}

impl PseudonymKey {
    /// The key with these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        let begun = Hmac::new_from_slice(&bytes)
            .expect("HMAC takes a key of any length (RFC 2104 section 2)");
        Self(begun)
    }

    /// Pseudonym of the learner with this ULN (ten digits, checked).
    pub(crate) fn of_uln(&self, uln: &str) -> Pseudonym {
        self.of("ldsp-node learner by ULN v1", &[uln.as_bytes()])
    }

    /// Pseudonym of the learner whom the provider, folded, knows by `reference`.
    pub(crate) fn of_reference(&self, provider: &str, reference: &str) -> Pseudonym {
        self.of(
            "ldsp-node learner by reference v1",
            &[provider.as_bytes(), reference.as_bytes()],
        )
    }

    /// Pseudonym of an enrolment: provider and aim, both folded, the learner as that provider knows them, and start (days
    /// since 1970-01-01).
    pub(crate) fn of_enrolment(
        &self,
        provider: &str,
        learner: &Pseudonym,
        aim: &str,
        start: i64,
    ) -> Pseudonym {
        self.of(
            "ldsp-node enrolment v1",
            &[
                provider.as_bytes(),
                learner,
                aim.as_bytes(),
                &start.to_be_bytes(),
            ],
        )
    }

    /// What stands for a row's number in addresses that must not count: of two covers nobody without the key can say how many rows lie
    /// between. The first half is a keyed hash of `kind`, `whose` and number; the second is the number under a pad which the key
    /// gives for the first (the synthetic initialisation vector of RFC 5297 section 2.6, with HMAC for its ciphers).
    pub(crate) fn cover(&self, kind: &str, whose: &str, number: i64) -> Pseudonym {
        let parts = [kind.as_bytes(), whose.as_bytes(), &number.to_be_bytes()];
        let tag = self.of("ldsp-node cover v1", &parts);
        let mut half = [0; 8];
        half.copy_from_slice(&tag[..8]);
        let mut cover = [0; 16];
        cover[..8].copy_from_slice(&half);
        cover[8..].copy_from_slice(&(number ^ self.pad(half)).to_be_bytes());
        cover
    }

    /// The number under a cover of this kind and owner; `None` for what is none.
    pub(crate) fn uncover(&self, kind: &str, whose: &str, cover: &Pseudonym) -> Option<i64> {
        let (mut half, mut hidden) = ([0; 8], [0; 8]);
        half.copy_from_slice(&cover[..8]);
        hidden.copy_from_slice(&cover[8..]);
        let number = i64::from_be_bytes(hidden) ^ self.pad(half);
        (self.cover(kind, whose, number) == *cover).then_some(number)
    }

    fn pad(&self, half: [u8; 8]) -> i64 {
        let pad = self.of("ldsp-node cover pad v1", &[&half]);
        let mut cut = [0; 8];
        cut.copy_from_slice(&pad[..8]);
        i64::from_be_bytes(cut)
    }

    /// Tells keys apart: what was made with another key does not bear the same. It gives nothing of the key away.
    pub(crate) fn mark(&self) -> String {
        hex::encode(self.of("ldsp-node key mark v1", &[]))
    }

    fn of(&self, purpose: &str, parts: &[&[u8]]) -> Pseudonym {
        let mut mac = self.0.clone();
        // Most messages are short, and one piece is hashed quicker than ten.
        let mut piece = [0; 192];
        let mut held = 0;
        for part in std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()) {
            let length = (part.len() as u64).to_be_bytes();
            for bytes in [&length[..], part] {
                if bytes.len() > piece.len() - held {
                    mac.update(&piece[..held]);
                    held = 0;
                }
                if bytes.len() > piece.len() {
                    mac.update(bytes);
                    continue;
                }
                piece[held..held + bytes.len()].copy_from_slice(bytes);
                held += bytes.len();
            }
        }
        mac.update(&piece[..held]);
        let whole = mac.finalize().into_bytes();
        let mut cut = [0; 16];
        cut.copy_from_slice(&whole[..16]);
        cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::providers::folded;

    #[test]
    fn purpose_and_parts_do_not_run_together() {
        let key = PseudonymKey::from_bytes([7; 32]);
        assert_ne!(key.of_reference("ab", "c"), key.of_reference("a", "bc"));
        assert_ne!(key.of_uln("1000000027"), key.of("x", &[b"1000000027"]));
        assert_eq!(
            key.of_reference(&folded("Acme  College"), "7"),
            key.of_reference(&folded("acme college "), "7")
        );
        assert_ne!(key.of_reference("acme", "a"), key.of_reference("acme", "A"));
        let other = PseudonymKey::from_bytes([8; 32]);
        assert_ne!(key.of_uln("1000000027"), other.of_uln("1000000027"));
        assert_eq!(format!("{key:?}"), "PseudonymKey(not shown)");
    }

    #[test]
    fn a_cover_gives_its_number_back_to_the_key_alone() {
        let (key, other) = ([7; 32], [8; 32]);
        let (key, other) = (
            PseudonymKey::from_bytes(key),
            PseudonymKey::from_bytes(other),
        );
        let mut seen = std::collections::HashSet::new();
        for number in (0..300).chain([i64::MAX, i64::MIN, -1]) {
            let cover = key.cover("cohort", "college", number);
            assert_eq!(key.uncover("cohort", "college", &cover), Some(number));
            assert_eq!(key.uncover("enrolment", "college", &cover), None);
            assert_eq!(key.uncover("cohort", "library", &cover), None);
            assert_eq!(other.uncover("cohort", "college", &cover), None);
            for bit in 0..128 {
                let mut wrong = cover;
                wrong[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(key.uncover("cohort", "college", &wrong), None);
            }
            // Neither half repeats or follows: numbers in a row lie anywhere.
            assert!(seen.insert(cover[..8].to_vec()) && seen.insert(cover[8..].to_vec()));
        }
    }

    #[test]
    fn a_part_of_any_length_is_hashed_whole() {
        let (key, plain) = ([7; 32], [b'x'; 400]);
        for length in [0, 1, 100, 150, 183, 184, 185, 192, 193, 400] {
            let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
            for part in [&b"p"[..], &plain[..length], b"end"] {
                mac.update(&(part.len() as u64).to_be_bytes());
                mac.update(part);
            }
            let whole = mac.finalize().into_bytes();
            let parts = [&plain[..length], b"end"];
            let cut = PseudonymKey::from_bytes(key).of("p", &parts);
            assert_eq!(cut[..], whole[..16], "{length}");
        }
    }
}
