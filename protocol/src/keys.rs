//! Ed25519 keys: which are admitted, how they are written and named.

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use ed25519_dalek::{Signature, SigningKey, VerifyingKey};

use crate::ids::Digest;

/// Why a key is not admitted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum KeyError {
    #[error("the public key is not 32 bytes in canonical form (RFC 8032 section 5.1.2)")]
    Encoding,
    #[error("the public key is not in the prime-order group")]
    Torsion,
    #[error("the private key is not an Ed25519 key in PKCS#8 PEM (RFC 8410)")]
    Pem,
}

/// Admits a public key: canonical encoding, prime order, so that every verifier agrees on every
/// signature by it (Chalkias, Garillot, Nikolaenko 2020, "Taming the many EdDSAs").
///
/// # Errors
/// [`KeyError::Encoding`], [`KeyError::Torsion`].
pub fn admit(bytes: &[u8]) -> Result<VerifyingKey, KeyError> {
    let bytes: [u8; 32] = bytes.try_into().map_err(|_| KeyError::Encoding)?;
    let key = VerifyingKey::from_bytes(&bytes).map_err(|_| KeyError::Encoding)?;
    if key.to_edwards().compress().to_bytes() != bytes {
        return Err(KeyError::Encoding);
    }
    if key.is_weak() || !key.to_edwards().is_torsion_free() {
        return Err(KeyError::Torsion);
    }
    Ok(key)
}

/// Whether `signature`, 64 bytes, is by `key` over `message`: RFC 8032 section 5.1.7 without the
/// cofactor, S below the group's order, R canonical and not of small order. The one place that
/// judges a signature, so that no caller can be laxer.
#[must_use]
pub fn verifies(key: &VerifyingKey, message: &[u8], signature: &[u8]) -> bool {
    Signature::from_slice(signature)
        .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok())
}

/// A key's name in envelopes: SHA-256 of the 32 raw bytes.
#[must_use]
pub fn key_id(key: &VerifyingKey) -> Digest {
    Digest::of(key.as_bytes())
}

/// The private key as PKCS#8 PEM.
///
/// # Errors
/// [`KeyError::Pem`]; does not happen for a well-formed key.
pub fn to_pem(key: &SigningKey) -> Result<String, KeyError> {
    let pem = key
        .to_pkcs8_pem(LineEnding::LF)
        .map_err(|_| KeyError::Pem)?;
    Ok(pem.as_str().to_owned())
}

/// Reads a private key from PKCS#8 PEM.
///
/// # Errors
/// [`KeyError::Pem`].
pub fn from_pem(pem: &str) -> Result<SigningKey, KeyError> {
    SigningKey::from_pkcs8_pem(pem).map_err(|_| KeyError::Pem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pem_round_trip() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let pem = to_pem(&key).unwrap();
        assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
        assert_eq!(from_pem(&pem).unwrap().to_bytes(), key.to_bytes());
    }

    #[test]
    fn small_order_and_non_canonical_keys_are_refused() {
        // Small-order points and a non-canonical encoding (y = p + 1) of
        // "Taming the many EdDSAs", table 1.
        let mut identity = [0u8; 32];
        identity[0] = 1;
        let order_two = {
            let mut b = [0xff; 32];
            b[0] = 0xec;
            b[31] = 0x7f;
            b
        };
        let order_four = [0u8; 32];
        let non_canonical = {
            let mut b = [0xff; 32];
            b[0] = 0xee;
            b[31] = 0x7f;
            b
        };
        for bad in [identity, order_two, order_four, non_canonical] {
            assert!(admit(&bad).is_err(), "{bad:?}");
        }
        assert_eq!(admit(&[1; 31]), Err(KeyError::Encoding));
        let good = SigningKey::from_bytes(&[7; 32]).verifying_key();
        assert_eq!(admit(good.as_bytes()), Ok(good));
    }

    #[test]
    fn a_mixed_order_key_is_refused() {
        use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
        let mixed = (ED25519_BASEPOINT_POINT + EIGHT_TORSION[1]).compress();
        assert_eq!(admit(mixed.as_bytes()), Err(KeyError::Torsion));
    }
}
