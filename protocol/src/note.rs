//! Signed notes (C2SP signed-note v1.0.0) with Ed25519: text that a person can read and a machine
//! can check, and the one-line verifier keys (vkeys) that name a signer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

use crate::keys::{admit, verifies};

/// Signature type of Ed25519 (C2SP signed-note, "Signature types").
const ED25519: u8 = 0x01;
const DASH: &str = "\u{2014} ";

/// Why a note or a verifier key is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum NoteError {
    #[error("the verifier key is not name+hash+key (C2SP signed-note)")]
    VerifierKey,
    #[error("a signer's name may not be empty nor hold spaces or plus signs")]
    Name,
    #[error("the note is not text, an empty line and signature lines")]
    Form,
    #[error("the note has no signature by {0}")]
    NoSignature(String),
    #[error("the signature by {0} does not verify")]
    Signature(String),
}

/// A public key with a name: `name+hhhhhhhh+base64(0x01 || key)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    key: VerifyingKey,
}

impl Verifier {
    /// Names a key.
    ///
    /// # Errors
    /// [`NoteError::Name`].
    pub fn new(name: &str, key: VerifyingKey) -> Result<Self, NoteError> {
        if name.is_empty() || name.contains(|c: char| c == '+' || c.is_whitespace()) {
            return Err(NoteError::Name);
        }
        Ok(Self {
            name: name.to_owned(),
            key,
        })
    }

    /// Parses a vkey line.
    ///
    /// # Errors
    /// [`NoteError::VerifierKey`], also when the hash is not that of name and key.
    pub fn parse(vkey: &str) -> Result<Self, NoteError> {
        let mut parts = vkey.trim_end().splitn(3, '+');
        let (Some(name), Some(hash), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::VerifierKey);
        };
        let bytes = BASE64.decode(key).map_err(|_| NoteError::VerifierKey)?;
        let [ED25519, raw @ ..] = bytes.as_slice() else {
            return Err(NoteError::VerifierKey);
        };
        let verifier = Self::new(name, admit(raw).map_err(|_| NoteError::VerifierKey)?)?;
        if hex::encode(verifier.hash()) != hash {
            return Err(NoteError::VerifierKey);
        }
        Ok(verifier)
    }

    /// The signer's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &VerifyingKey {
        &self.key
    }

    /// The vkey line.
    #[must_use]
    pub fn vkey(&self) -> String {
        let key = BASE64.encode([&[ED25519], self.key.as_bytes().as_slice()].concat());
        format!("{}+{}+{key}", self.name, hex::encode(self.hash()))
    }

    /// First four bytes of SHA-256 of name, newline, type and key.
    fn hash(&self) -> [u8; 4] {
        let digest = Sha256::new()
            .chain_update(&self.name)
            .chain_update([b'\n', ED25519])
            .chain_update(self.key.as_bytes())
            .finalize();
        [digest[0], digest[1], digest[2], digest[3]]
    }

    /// Verifies a note by this signer and gives its text. Signatures by others are ignored.
    ///
    /// # Errors
    /// [`NoteError::Form`], [`NoteError::NoSignature`], [`NoteError::Signature`].
    pub fn open<'a>(&self, note: &'a str) -> Result<&'a str, NoteError> {
        let split = note.rfind("\n\n").ok_or(NoteError::Form)?;
        let (text, signatures) = (&note[..=split], &note[split + 2..]);
        if !signatures.ends_with('\n') || text.bytes().any(|b| b < 0x20 && b != b'\n') {
            return Err(NoteError::Form);
        }
        for line in signatures.lines() {
            let (name, encoded) = line
                .strip_prefix(DASH)
                .and_then(|rest| rest.split_once(' '))
                .ok_or(NoteError::Form)?;
            let bytes = BASE64.decode(encoded).map_err(|_| NoteError::Form)?;
            let Some((hash, signature)) = bytes.split_at_checked(4) else {
                return Err(NoteError::Form);
            };
            if name == self.name && hash == self.hash() {
                if !verifies(&self.key, text.as_bytes(), signature) {
                    return Err(NoteError::Signature(self.name.clone()));
                }
                return Ok(text);
            }
        }
        Err(NoteError::NoSignature(self.name.clone()))
    }
}

/// Signs `text`, which ends in a newline, as `name`.
///
/// # Errors
/// [`NoteError::Name`], or [`NoteError::Form`] when the text does not end in a newline or holds
/// control characters.
pub fn sign(key: &SigningKey, name: &str, text: &str) -> Result<String, NoteError> {
    let verifier = Verifier::new(name, key.verifying_key())?;
    if !text.ends_with('\n') || text.bytes().any(|b| b < 0x20 && b != b'\n') {
        return Err(NoteError::Form);
    }
    let signature = key.sign(text.as_bytes()).to_bytes();
    let line = BASE64.encode([verifier.hash().as_slice(), &signature].concat());
    Ok(format!("{text}\n{DASH}{name} {line}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specification_example_verifies() {
        // C2SP signed-note, "Verifier keys" and "Format": the example of Go's sumdb/note documentation.
        let vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let note = "If you think cryptography is the answer to your problem,\n\
            then you don't know what your problem is.\n\n\
            \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
        let verifier = Verifier::parse(vkey).unwrap();
        assert!(verifier.open(note).unwrap().ends_with("problem is.\n"));
        assert_eq!(verifier.vkey(), vkey);
        let altered = note.replace("answer", "Answer");
        assert_eq!(
            verifier.open(&altered),
            Err(NoteError::Signature("PeterNeumann".into()))
        );
    }

    #[test]
    fn sign_and_open() {
        let key = SigningKey::from_bytes(&[3; 32]);
        let note = sign(&key, "log.example", "a\nb\n").unwrap();
        let verifier = Verifier::new("log.example", key.verifying_key()).unwrap();
        assert_eq!(verifier.open(&note), Ok("a\nb\n"));
        let other = Verifier::new("other.example", key.verifying_key()).unwrap();
        assert_eq!(
            other.open(&note),
            Err(NoteError::NoSignature("other.example".into()))
        );
        assert_eq!(sign(&key, "a b", "x\n"), Err(NoteError::Name));
        assert_eq!(sign(&key, "a", "x"), Err(NoteError::Form));
    }
}
