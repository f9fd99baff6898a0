//! The envelope: DSSE protocol 1.0.2 (secure-systems-lab/dsse), Ed25519.
//!
//! Signed are the bytes of the pre-authentication encoding (PAE), never JSON that somebody
//! re-serialised: the body's exact bytes are stored, hashed, signed and sent on. The envelope's
//! own JSON is malleable, so a statement's identity is SHA-256 of its PAE.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::ids::Digest;
use crate::keys::{key_id, verifies};

/// Largest body, in bytes.
pub const MAX_BODY: usize = 4 << 20;
/// Largest envelope, in bytes: the body as base64 plus the frame.
pub const MAX_ENVELOPE: usize = MAX_BODY / 3 * 4 + 4096;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<WireSignature>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireSignature {
    keyid: String,
    sig: String,
}

/// Why bytes are no envelope, or one that nobody should believe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum EnvelopeError {
    #[error("the envelope is over {MAX_ENVELOPE} bytes")]
    TooLarge,
    #[error("the envelope is not DSSE JSON: {0}")]
    Form(String),
    #[error("the envelope needs exactly one signature, it has {0}")]
    Signatures(usize),
    #[error("the envelope is signed by a key that is not known here")]
    UnknownKey,
    #[error("the signature does not verify")]
    Signature,
}

/// Pre-authentication encoding: `DSSEv1 LEN(type) type LEN(body) body` (DSSE 1.0.2, protocol.md).
#[must_use]
pub fn pae(payload_type: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "DSSEv1 {} {payload_type} {} ",
        payload_type.len(),
        body.len()
    );
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// A signed envelope, ready to be stored and sent. Its bytes are never made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    envelope: Vec<u8>,
    pae: Digest,
}

impl Sealed {
    /// Signs `body`. Ed25519 is deterministic: the same key and body give the same bytes.
    #[must_use]
    pub fn sign(key: &SigningKey, payload_type: &str, body: &[u8]) -> Self {
        let signed = pae(payload_type, body);
        let wire = Wire {
            payload: BASE64.encode(body),
            payload_type: payload_type.to_owned(),
            signatures: vec![WireSignature {
                keyid: key_id(&key.verifying_key()).to_string(),
                sig: BASE64.encode(key.sign(&signed).to_bytes()),
            }],
        };
        let envelope = serde_json::to_vec(&wire).expect("strings always serialise");
        Self {
            envelope,
            pae: Digest::of(&signed),
        }
    }

    /// The envelope's exact JSON bytes.
    #[must_use]
    pub fn envelope(&self) -> &[u8] {
        &self.envelope
    }

    /// SHA-256 of the PAE: the statement's identity.
    #[must_use]
    pub fn pae(&self) -> Digest {
        self.pae
    }
}

/// A parsed envelope that nobody has vouched for. Only the key id may be looked at, to find the key.
#[derive(Debug, Clone)]
pub struct Unverified {
    envelope: Vec<u8>,
    payload_type: String,
    body: Vec<u8>,
    key_id: Digest,
    signature: [u8; 64],
}

/// An envelope whose signature verified with a key that the caller trusts.
#[derive(Debug, Clone)]
pub struct Verified {
    envelope: Vec<u8>,
    payload_type: String,
    body: Vec<u8>,
    pae: Digest,
    key: VerifyingKey,
}

impl Unverified {
    /// Parses an envelope without judging it.
    ///
    /// # Errors
    /// Too large, not DSSE JSON in the one form that this project writes, or not one signature.
    pub fn parse(envelope: &[u8]) -> Result<Self, EnvelopeError> {
        if envelope.len() > MAX_ENVELOPE {
            return Err(EnvelopeError::TooLarge);
        }
        let form = |what: &str| EnvelopeError::Form(what.to_owned());
        let wire: Wire =
            serde_json::from_slice(envelope).map_err(|e| EnvelopeError::Form(e.to_string()))?;
        let [signature] = wire.signatures.as_slice() else {
            return Err(EnvelopeError::Signatures(wire.signatures.len()));
        };
        let body = BASE64
            .decode(&wire.payload)
            .map_err(|_| form("payload is not base64"))?;
        if body.len() > MAX_BODY {
            return Err(EnvelopeError::TooLarge);
        }
        let raw = BASE64
            .decode(&signature.sig)
            .map_err(|_| form("sig is not base64"))?;
        let signature_bytes = raw.try_into().map_err(|_| form("sig is not 64 bytes"))?;
        let key_id = signature
            .keyid
            .parse()
            .map_err(|_| form("keyid is not a SHA-256 digest"))?;
        Ok(Self {
            envelope: envelope.to_vec(),
            payload_type: wire.payload_type,
            body,
            key_id,
            signature: signature_bytes,
        })
    }

    /// The key that the envelope names: a hint for look-up, not evidence.
    #[must_use]
    pub fn key_id(&self) -> Digest {
        self.key_id
    }

    /// Verifies strictly ([`verifies`]: no malleable or small-order signature) with `key`.
    ///
    /// # Errors
    /// [`EnvelopeError::UnknownKey`] when the envelope names another key,
    /// [`EnvelopeError::Signature`] when the signature is not over these bytes.
    pub fn verify(self, key: &VerifyingKey) -> Result<Verified, EnvelopeError> {
        if key_id(key) != self.key_id {
            return Err(EnvelopeError::UnknownKey);
        }
        let signed = pae(&self.payload_type, &self.body);
        if !verifies(key, &signed, &self.signature) {
            return Err(EnvelopeError::Signature);
        }
        Ok(Verified {
            envelope: self.envelope,
            payload_type: self.payload_type,
            body: self.body,
            pae: Digest::of(&signed),
            key: *key,
        })
    }

    /// SHA-256 of the PAE of what the envelope holds: its identity if the signature verifies.
    #[must_use]
    pub fn unverified_pae(&self) -> Digest {
        Digest::of(&pae(&self.payload_type, &self.body))
    }

    /// The payload type that the envelope names.
    #[must_use]
    pub fn unverified_payload_type(&self) -> &str {
        &self.payload_type
    }

    /// The body of an envelope that carries its own key, for proof of possession at enrolment.
    /// The caller must verify with the key that the body names.
    #[must_use]
    pub fn unverified_body(&self) -> &[u8] {
        &self.body
    }
}

impl Verified {
    /// The exact envelope bytes that were verified.
    #[must_use]
    pub fn envelope(&self) -> &[u8] {
        &self.envelope
    }

    /// The payload type.
    #[must_use]
    pub fn payload_type(&self) -> &str {
        &self.payload_type
    }

    /// The body's exact bytes.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// SHA-256 of the PAE.
    #[must_use]
    pub fn pae(&self) -> Digest {
        self.pae
    }

    /// The key that signed.
    #[must_use]
    pub fn key(&self) -> &VerifyingKey {
        &self.key
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pae_of_the_specification() {
        // DSSE protocol.md, "Test Vectors".
        let bytes = pae("http://example.com/HelloWorld", b"hello world");
        assert_eq!(
            bytes,
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
    }

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    proptest! {
        #[test]
        fn what_was_signed_verifies_and_nothing_else(body in prop::collection::vec(any::<u8>(), 0..200), flip in any::<prop::sample::Index>()) {
            let sealed = Sealed::sign(&key(1), "application/x", &body);
            let verified = Unverified::parse(sealed.envelope()).unwrap().verify(&key(1).verifying_key()).unwrap();
            prop_assert_eq!(verified.body(), &body[..]);
            prop_assert_eq!(verified.pae(), sealed.pae());
            let mut bad = sealed.envelope().to_vec();
            let at = flip.index(bad.len());
            bad[at] ^= 1;
            let outcome = Unverified::parse(&bad).and_then(|u| u.verify(&key(1).verifying_key()));
            prop_assert!(outcome.is_err());
        }
    }

    #[test]
    fn another_key_is_refused() {
        let sealed = Sealed::sign(&key(1), "application/x", b"{}");
        let outcome = Unverified::parse(sealed.envelope())
            .unwrap()
            .verify(&key(2).verifying_key());
        assert_eq!(outcome.unwrap_err(), EnvelopeError::UnknownKey);
    }
}
