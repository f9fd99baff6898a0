//! The service's keys (RFC 7517), and which of them may have signed a token.

use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, Header};
use serde::Deserialize;

/// The only algorithms that are believed. `none` and everything keyed with a shared secret are not among them, so that nobody can
/// sign with what is public (RFC 8725, sections 2.1 and 3.1).
pub(super) const ALGORITHMS: [Algorithm; 3] =
    [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

#[derive(Deserialize)]
struct Document {
    keys: Vec<serde_json::Value>,
}

/// The keys of a document. Those of kinds that this program does not know are left out: services publish what is for others, too.
pub(super) fn read(document: &[u8]) -> Result<Vec<Jwk>, serde_json::Error> {
    let document: Document = serde_json::from_slice(document)?;
    let keys = document.keys.into_iter();
    Ok(keys
        .filter_map(|key| serde_json::from_value(key).ok())
        .collect())
}

/// The keys that a token with this header may be signed with. Without `kid` there must be exactly one
/// (OpenID Connect Core 1.0, section 10.1).
pub(super) fn fitting<'a>(keys: &'a [Jwk], header: &Header) -> Vec<&'a Jwk> {
    let named = |key: &&Jwk| header.kid.is_none() || key.common.key_id == header.kid;
    let found: Vec<&Jwk> = keys
        .iter()
        .filter(named)
        .filter(|key| fits(key, header.alg))
        .collect();
    if header.kid.is_none() && found.len() > 1 {
        return Vec::new();
    }
    found
}

fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    let (is_kind, name) = match (algorithm, &key.algorithm) {
        (Algorithm::RS256, AlgorithmParameters::RSA(_)) => (true, KeyAlgorithm::RS256),
        (Algorithm::ES256, AlgorithmParameters::EllipticCurve(key)) => {
            (key.curve == EllipticCurve::P256, KeyAlgorithm::ES256)
        }
        (Algorithm::EdDSA, AlgorithmParameters::OctetKeyPair(key)) => {
            (key.curve == EllipticCurve::Ed25519, KeyAlgorithm::EdDSA)
        }
        _ => return false,
    };
    let common = &key.common;
    let is_for_signatures = common
        .public_key_use
        .as_ref()
        .is_none_or(|what| *what == PublicKeyUse::Signature);
    let verifies = common
        .key_operations
        .as_ref()
        .is_none_or(|all| all.contains(&KeyOperations::Verify));
    let is_its_algorithm = common.key_algorithm.is_none_or(|own| own == name);
    is_kind && is_for_signatures && verifies && is_its_algorithm
}
