//! Checkpoint (C2SP tlog-checkpoint): a signed note that says how large the log is and what its
//! root is. Two that contradict each other, signed by one key, prove that the log lied.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::SigningKey;

use crate::ids::Digest;
use crate::note::{self, NoteError, Verifier};

/// How large a log is and what its root is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's origin, which is also its signer's name.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// Root of the tree of these leaves.
    pub root: Digest,
}

/// Why a note is no checkpoint of the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum CheckpointError {
    #[error("the checkpoint is not signed by the log: {0}")]
    Note(#[from] NoteError),
    #[error("the checkpoint is not origin, size and root, a line each")]
    Form,
    #[error("the checkpoint is of another log: {0}")]
    Origin(String),
}

impl Checkpoint {
    /// The note's text: origin, size in decimal, root in base64, a line each.
    #[must_use]
    pub fn text(&self) -> String {
        let root = BASE64.encode(self.root.as_bytes());
        format!("{}\n{}\n{root}\n", self.origin, self.size)
    }

    /// The signed note.
    ///
    /// # Errors
    /// [`NoteError`] when the origin cannot be a signer's name.
    pub fn sign(&self, key: &SigningKey) -> Result<String, NoteError> {
        note::sign(key, &self.origin, &self.text())
    }

    /// Reads the note `text` if `log` signed it. Signatures by others and lines after the root, which the specification
    /// leaves to applications, are no concern here.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn open(log: &Verifier, text: &str) -> Result<Self, CheckpointError> {
        let checkpoint = Self::read(log.open(text)?)?;
        if checkpoint.origin != log.name() {
            return Err(CheckpointError::Origin(checkpoint.origin));
        }
        Ok(checkpoint)
    }

    /// What the note `text` says, whoever signed it or nobody: for comparing it with a log that the reader has.
    #[must_use]
    pub fn claimed(text: &str) -> Option<Self> {
        let (text, _signatures) = text.split_once("\n\n")?;
        Self::read(&format!("{text}\n")).ok()
    }

    fn read(text: &str) -> Result<Self, CheckpointError> {
        let mut lines = text.lines();
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next())
        else {
            return Err(CheckpointError::Form);
        };
        let hash = BASE64.decode(root).ok();
        let hash = hash.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let checkpoint = Self {
            origin: origin.to_owned(),
            size: size.parse().map_err(|_| CheckpointError::Form)?,
            root: Digest::from_bytes(hash.ok_or(CheckpointError::Form)?),
        };
        // One way to write each number and hash: leading zeros, signs and loose base64 bits are refused.
        if !text.starts_with(&checkpoint.text()) {
            return Err(CheckpointError::Form);
        }
        Ok(checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[9; 32])
    }

    fn log() -> Verifier {
        Verifier::new("log.ldsp.example", key().verifying_key()).unwrap()
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint {
            origin: "log.ldsp.example".into(),
            size: 70_000,
            root: Digest::of(b"root"),
        }
    }

    #[test]
    fn what_is_signed_opens() {
        let note = checkpoint().sign(&key()).unwrap();
        assert!(note.starts_with("log.ldsp.example\n70000\n"));
        assert_eq!(Checkpoint::open(&log(), &note), Ok(checkpoint()));
        let cosigned = format!("{note}\u{2014} witness.example AAAAAAAA\n");
        assert_eq!(Checkpoint::open(&log(), &cosigned), Ok(checkpoint()));
    }

    #[test]
    fn other_texts_are_refused() {
        let root = BASE64.encode(checkpoint().root.as_bytes());
        let opened = |text: &str| {
            let note = note::sign(&key(), "log.ldsp.example", text).unwrap();
            Checkpoint::open(&log(), &note)
        };
        let extended = format!("log.ldsp.example\n70000\n{root}\nmore\n");
        assert_eq!(opened(&extended), Ok(checkpoint()));
        for text in [
            format!("log.ldsp.example\n070000\n{root}\n"),
            format!("log.ldsp.example\n+70000\n{root}\n"),
            format!("log.ldsp.example\n70000\n{}\n", &root[4..]),
            "log.ldsp.example\n70000\n".to_owned(),
        ] {
            assert_eq!(opened(&text), Err(CheckpointError::Form), "{text}");
        }
        let other = format!("other.example\n70000\n{root}\n");
        assert_eq!(
            opened(&other),
            Err(CheckpointError::Origin("other.example".into()))
        );
        let altered = checkpoint().sign(&key()).unwrap().replace("70000", "70001");
        assert!(matches!(
            Checkpoint::open(&log(), &altered),
            Err(CheckpointError::Note(_))
        ));
    }
}
