//! What opens something by itself: links, programs' tokens, recovery codes, browsers. Drawn at random, shown once, kept as a digest.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use rand_core::CryptoRng;
use sha2::{Digest as _, Sha256};

use crate::secret::Secret;

/// SHA-256 of what was drawn. A fast digest is enough, because nobody can try 2^80 of them.
pub type Hash = [u8; 32];

/// 256 bits in clear, 43 characters of base64url. Neither printed by `Debug` nor serialised.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A new one.
    pub fn draw(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        Self(BASE64.encode(bytes))
    }

    /// What was sent, if it has the form of a token.
    #[must_use]
    pub fn sent(text: &str) -> Option<Self> {
        let is_one = BASE64.decode(text).is_ok_and(|bytes| bytes.len() == 32);
        is_one.then(|| Self(text.to_owned()))
    }

    /// In clear, to be shown once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// As a store keeps it.
    #[must_use]
    pub fn digest(&self) -> Hash {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(not shown)")
    }
}

/// Recovery codes that a person gets with the second step.
pub(crate) const RECOVERY_CODES: usize = 8;
/// 16 characters of 5 bits: 80 bits.
const RECOVERY_LENGTH: usize = 16;

/// A new recovery code, in groups of four.
pub(crate) fn recovery_code(rng: &mut impl CryptoRng) -> Secret {
    Secret::typed(&Secret::generate(rng).folded()[..RECOVERY_LENGTH])
}

/// As a store keeps a recovery code, however it was typed.
pub(crate) fn recovery_digest(code: &Secret) -> Hash {
    Sha256::new()
        .chain_update("recovery code\0")
        .chain_update(code.folded())
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng;

    #[test]
    fn a_token_is_read_back_and_nothing_else_is_one() {
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let (one, two) = (Token::draw(&mut rng), Token::draw(&mut rng));
        assert_ne!(one.digest(), two.digest());
        let read = Token::sent(one.reveal()).unwrap();
        assert_eq!(read.digest(), one.digest());
        assert!(!format!("{one:?}").contains(one.reveal()));
        for bad in ["", "x", &one.reveal()[1..], &format!("{}A", one.reveal())] {
            assert!(Token::sent(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_recovery_code_may_be_typed_in_any_way() {
        let mut rng = ChaCha20Rng::seed_from_u64(4);
        let code = recovery_code(&mut rng);
        assert_eq!(code.reveal().len(), 19);
        let typed = Secret::typed(&code.reveal().to_lowercase().replace('-', " "));
        assert_eq!(recovery_digest(&typed), recovery_digest(&code));
    }
}
