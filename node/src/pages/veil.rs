//! A file that nobody can read but this process: what is written is XORed with the keystream of ChaCha20 (RFC 8439 section 2.4) under a key
//! of this one file, which is in memory only and gone with it. On the disk stands noise, also for who takes the disk out of a machine that
//! lost its power.

use std::io::{self, Read, Seek, SeekFrom};

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

/// Bytes of keystream made at a time: sixteen of the cipher's blocks.
const STRIDE: usize = 1024;

/// The keystream of one key. A position is used for one byte only, so the key may hide one file.
#[derive(Clone)]
pub(super) struct Veil {
    stream: ChaCha20Rng,
    ready: [u8; STRIDE],
    /// Which stride is ready.
    stride: Option<u64>,
}

impl std::fmt::Debug for Veil {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Veil(not shown)")
    }
}

impl Veil {
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self {
            stream: ChaCha20Rng::from_seed(key),
            ready: [0; STRIDE],
            stride: None,
        }
    }

    /// Hides or shows bytes that stand `at` bytes from the beginning of the file.
    pub(super) fn apply(&mut self, mut at: u64, mut bytes: &mut [u8]) {
        while !bytes.is_empty() {
            let stride = at / STRIDE as u64;
            if self.stride != Some(stride) {
                // In words of four bytes.
                self.stream
                    .set_word_pos(u128::from(stride) * (STRIDE as u128 / 4));
                self.stream.fill_bytes(&mut self.ready);
                self.stride = Some(stride);
            }
            let from = usize::try_from(at % STRIDE as u64).unwrap_or(0);
            let length = bytes.len().min(STRIDE - from);
            let (now, later) = bytes.split_at_mut(length);
            for (byte, key) in now.iter_mut().zip(&self.ready[from..]) {
                *byte ^= key;
            }
            at += length as u64;
            bytes = later;
        }
    }
}

/// A veiled file as it was sent.
#[derive(Debug)]
pub(crate) struct Unveiled<F> {
    file: F,
    veil: Veil,
    at: u64,
}

impl<F> Unveiled<F> {
    /// `file` stands at its beginning.
    pub(super) fn new(file: F, veil: Veil) -> Self {
        Self { file, veil, at: 0 }
    }
}

impl<F: Read> Read for Unveiled<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buffer)?;
        self.veil.apply(self.at, &mut buffer[..n]);
        self.at += n as u64;
        Ok(n)
    }
}

impl<F: Seek> Seek for Unveiled<F> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = self.file.seek(to)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    /// RFC 8439 section 2.4 with the key of zeros: the first block of appendix A.1, test vector 1.
    #[test]
    fn the_keystream_is_chacha20() {
        let mut bytes = [0; 64];
        Veil::new([0; 32]).apply(0, &mut bytes);
        assert!(
            hex::encode(bytes)
                .starts_with("76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7")
        );
    }

    proptest! {
        /// However it is cut when it is written and wherever it is read from.
        #[test]
        fn what_was_hidden_is_shown(bytes in prop::collection::vec(any::<u8>(), 0..5_000), cut in 1_usize..1_500, from in 0_usize..5_000, key: [u8; 32]) {
            let mut veil = Veil::new(key);
            let mut hidden = bytes.clone();
            let mut at = 0;
            for piece in hidden.chunks_mut(cut) {
                veil.apply(at, piece);
                at += piece.len() as u64;
            }
            prop_assert!(bytes.len() < 16 || hidden != bytes);
            let mut shown = Unveiled::new(Cursor::new(hidden), Veil::new(key));
            let from = from.min(bytes.len());
            shown.seek(SeekFrom::Start(from as u64)).unwrap();
            let mut rest = Vec::new();
            shown.read_to_end(&mut rest).unwrap();
            prop_assert_eq!(&rest[..], &bytes[from..]);
        }
    }
}
