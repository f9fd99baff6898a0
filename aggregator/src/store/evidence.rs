//! Proofs against nodes that carry what was withdrawn.

use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::statement::Kind;
use serde_json::Value;

/// Whether two envelopes carry the same: of a month its tables, else the payload. What cannot be read carries nothing.
pub(super) fn carry_the_same(one: &[u8], other: &[u8]) -> bool {
    let one = carried(one);
    one.is_some() && one == carried(other)
}

fn carried(envelope: &[u8]) -> Option<Value> {
    let unverified = Unverified::parse(envelope).ok()?;
    let mut body: Value = serde_json::from_slice(unverified.unverified_body()).ok()?;
    let kind = body.get("kind").and_then(Value::as_str)?.to_owned();
    let place = if kind == Kind::LearningSummary.as_str() {
        "/payload/tables"
    } else if kind == Kind::Correction.as_str() {
        "/payload/summary/tables"
    } else {
        "/payload"
    };
    body.pointer_mut(place).map(Value::take)
}
