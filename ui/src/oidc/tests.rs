//! Keys of services; the service and the site that the tests ask have files of their own.

mod connecting;
mod flow;
mod service;
mod trouble;
mod without_secret;
mod world;

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256};
use serde_json::{Value, json};

/// The clock of the tests: 15 January 2027.
pub(super) const NOW: i64 = 1_800_000_000;

/// A key of a service.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) algorithm: Algorithm,
    private: EncodingKey,
    public: Value,
}

impl Key {
    pub(super) fn elliptic(kid: &str) -> Self {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let point = pair.public_key_raw().to_vec();
        let [x, y] = [1, 33].map(|at| BASE64.encode(&point[at..at + 32]));
        Self {
            algorithm: Algorithm::ES256,
            private: EncodingKey::from_ec_der(&pair.serialize_der()),
            public: json!({"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid}),
        }
    }

    fn edwards(kid: &str) -> Self {
        let pair = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let x = BASE64.encode(pair.public_key_raw());
        Self {
            algorithm: Algorithm::EdDSA,
            private: EncodingKey::from_ed_der(&pair.serialize_der()),
            public: json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid}),
        }
    }

    fn rsa(kid: &str) -> Self {
        let pair = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
        // PKCS #8 of a 2048-bit key: 26 bytes before the PKCS #1 key that the library wants.
        let private = EncodingKey::from_rsa_der(&pair.serialize_der()[26..]);
        let public = Jwk::from_encoding_key(&private, Algorithm::RS256).unwrap();
        let mut public = serde_json::to_value(public).unwrap();
        public["kid"] = json!(kid);
        Self {
            algorithm: Algorithm::RS256,
            private,
            public,
        }
    }

    pub(super) fn public(&self) -> Jwk {
        serde_json::from_value(self.public.clone()).unwrap()
    }

    pub(super) fn sign(&self, claims: &Value) -> String {
        self.sign_text(&claims.to_string())
    }

    /// Claims as they stand.
    pub(super) fn sign_text(&self, claims: &str) -> String {
        let header = json!({"alg": self.algorithm, "kid": self.public["kid"], "typ": "JWT"});
        self.joined(&header, claims)
    }

    /// A header as it stands.
    pub(super) fn sign_header(&self, header: &Value, claims: &Value) -> String {
        self.joined(header, &claims.to_string())
    }

    fn joined(&self, header: &Value, claims: &str) -> String {
        let message = format!(
            "{}.{}",
            BASE64.encode(header.to_string()),
            BASE64.encode(claims)
        );
        let signature = crypto::sign(message.as_bytes(), &self.private, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }
}

/// One of each algorithm: RS256, ES256, EdDSA.
pub(super) fn keys() -> &'static [Key; 3] {
    static KEYS: OnceLock<[Key; 3]> = OnceLock::new();
    KEYS.get_or_init(|| [Key::rsa("rsa"), Key::elliptic("ec"), Key::edwards("ed")])
}
