//! What an attacker could send: statements made from real ones and signed with a real key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::SigningKey;
use ldsp_protocol::dsse::Sealed;
use serde_json::Value;

/// The body of an envelope.
///
/// # Panics
/// When the bytes are no envelope with a JSON body.
#[must_use]
pub fn body(envelope: &[u8]) -> Value {
    let envelope: Value = serde_json::from_slice(envelope).expect("an envelope is JSON");
    let payload = envelope["payload"]
        .as_str()
        .expect("an envelope has a payload");
    let bytes = BASE64.decode(payload).expect("a payload is base64");
    serde_json::from_slice(&bytes).expect("a body is JSON")
}

/// An envelope over `body`, of the payload type that its kind asks for.
#[must_use]
pub fn sign(key: &SigningKey, body: &Value) -> Sealed {
    let kind = body["kind"].as_str().unwrap_or("learning-summary");
    let payload_type = format!("application/vnd.ldsp.{kind}.v1+json");
    let bytes = serde_json::to_vec(body).expect("JSON serialises");
    Sealed::sign(key, &payload_type, &bytes)
}

/// The envelope with one bit of its payload changed.
///
/// # Panics
/// When the bytes are no envelope.
#[must_use]
pub fn alter(envelope: &[u8]) -> Vec<u8> {
    let mut envelope: Value = serde_json::from_slice(envelope).expect("an envelope is JSON");
    let payload = envelope["payload"]
        .as_str()
        .expect("an envelope has a payload");
    let mut bytes = BASE64.decode(payload).expect("a payload is base64");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    envelope["payload"] = BASE64.encode(bytes).into();
    serde_json::to_vec(&envelope).expect("JSON serialises")
}

/// The envelope without its signature.
///
/// # Panics
/// When the bytes are no envelope.
#[must_use]
pub fn unsign(envelope: &[u8]) -> Vec<u8> {
    let mut envelope: Value = serde_json::from_slice(envelope).expect("an envelope is JSON");
    envelope["signatures"] = Value::Array(Vec::new());
    serde_json::to_vec(&envelope).expect("JSON serialises")
}
