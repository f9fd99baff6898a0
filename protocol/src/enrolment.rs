//! Enrolment: the invite, the proof of possession, the node's record; and signed reads.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{Digest, Gss, NodeSlug};

/// Payload type of a request to enrol.
pub const ENROLMENT_TYPE: &str = "application/vnd.ldsp.enrolment.v1+json";
/// Payload type of a signed read.
pub const READ_TYPE: &str = "application/vnd.ldsp.read.v1+json";
/// A signed read is accepted for this many seconds either side of its time.
pub const READ_WINDOW_SECONDS: i64 = 300;

/// The file that an operator sends to a LEP. Single use; holds a secret.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invite {
    /// Version of this form, 1.
    pub schema: u32,
    /// The aggregator's address, `https://…` without a path.
    pub url: String,
    /// The log's origin.
    pub origin: String,
    /// The log's verifier key (vkey line).
    pub verifier: String,
    /// The node's name.
    pub node: NodeSlug,
    /// The LEP that it serves.
    pub lep: Gss,
    /// 64 hex digits.
    pub secret: String,
    /// No use after this moment.
    pub expires: Timestamp,
    /// Certificate authority of the aggregator, where it is not one that the operating system trusts.
    pub ca_pem: Option<String>,
}

impl Invite {
    /// What an invite is known by once its secret is hashed: SHA-256 of the secret's hex digits as
    /// they stand in the file and in the bearer token.
    #[must_use]
    pub fn id_of(secret: &str) -> Digest {
        Digest::of(secret.as_bytes())
    }

    /// What operator and LEP compare before the invite is used: another address, key or authority in it shows. SHA-256 of
    /// `ldsp invite v1` and a line feed, then url, origin, verifier, node, LEP, [`Self::id_of`] the secret, end (seconds since
    /// 1970-01-01 UTC) and authority (empty where there is none) as texts, each behind its length in bytes as a 64-bit big-endian number.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        let id = Self::id_of(&self.secret).to_string();
        let expires = self.expires.as_second().to_string();
        let parts = [
            self.url.as_str(),
            &self.origin,
            &self.verifier,
            self.node.as_str(),
            self.lep.as_str(),
            &id,
            &expires,
            self.ca_pem.as_deref().unwrap_or_default(),
        ];
        let mut bytes = b"ldsp invite v1\n".to_vec();
        for part in parts {
            bytes.extend((part.len() as u64).to_be_bytes());
            bytes.extend(part.as_bytes());
        }
        Digest::of(&bytes)
    }
}

impl std::fmt::Debug for Invite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Invite")
            .field("node", &self.node)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// Body of the request to enrol, signed by the new key: proof that the node holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolmentBody {
    /// 1.
    pub schema: u32,
    /// The log that the node wants to publish to.
    pub origin: String,
    /// The node's name.
    pub node: NodeSlug,
    /// [`Invite::id_of`] its secret.
    pub invite: Digest,
    /// 32 random bytes, so that no two requests are equal.
    pub nonce: Digest,
    /// The new public key, 64 hex digits.
    pub public_key: String,
    /// Digest of the data standard that the node applies.
    pub standard: Digest,
    /// Program and version.
    pub software: String,
}

/// Where a node stands in its enrolment.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeState {
    /// Invited, no key yet.
    Invited,
    /// The key proved possession; an operator has to compare fingerprints and approve.
    Pending,
    /// May publish.
    Active,
    /// Its key was revoked: what it published stays, and nothing more is taken.
    Revoked,
}

impl NodeState {
    /// Whether an operator approved its key, be it revoked since or not.
    #[must_use]
    pub fn is_approved(self) -> bool {
        matches!(self, Self::Active | Self::Revoked)
    }

    /// As written in answers and addresses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Revoked => "revoked",
        }
    }
}

/// What the aggregator tells about a node.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRecord {
    /// Its name.
    pub node: NodeSlug,
    /// The LEP that it serves.
    pub lep: Gss,
    /// Where it stands.
    pub state: NodeState,
    /// SHA-256 of its public key.
    pub key_id: Option<Digest>,
    /// The public key, 64 hex digits, so that anybody can verify the node's statements.
    pub public_key: Option<String>,
    /// Digest of the standard that the aggregator applies.
    pub standard: Digest,
    /// Sequence number of its last statement, 0 before the first.
    pub seq: u64,
    /// PAE of its last statement, zeros before the first.
    pub prev: Digest,
    /// Place in the log from which its key counts no more; absent while it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_from: Option<u64>,
}

/// Body of a signed read: a node shows who it is when it asks for what only nodes may see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadBody {
    /// 1.
    pub schema: u32,
    /// The log's origin.
    pub origin: String,
    /// Who asks.
    pub node: NodeSlug,
    /// Path and query that are asked for.
    pub path: String,
    /// When.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_an_invite_changes_without_its_fingerprint() {
        let invite = Invite {
            schema: 1,
            url: "https://log.example".into(),
            origin: "log.example".into(),
            verifier: "log.example+00000000+key".into(),
            node: "black-country".parse().unwrap(),
            lep: "E37000001".parse().unwrap(),
            secret: "ab".repeat(32),
            expires: "2022-05-08T12:00:00Z".parse().unwrap(),
            ca_pem: None,
        };
        let changes: [fn(&mut Invite); 8] = [
            |i| i.url.push('x'),
            |i| i.origin.push('x'),
            |i| i.verifier.push('x'),
            |i| i.node = "solent".parse().unwrap(),
            |i| i.lep = "E37000002".parse().unwrap(),
            |i| i.secret = "cd".repeat(32),
            |i| i.expires = "2022-05-09T12:00:00Z".parse().unwrap(),
            |i| i.ca_pem = Some("pem".into()),
        ];
        let mut seen = std::collections::BTreeSet::from([invite.fingerprint()]);
        for change in changes {
            let mut other = invite.clone();
            change(&mut other);
            assert!(seen.insert(other.fingerprint()), "{other:?}");
        }
        let text = invite.fingerprint().to_string();
        assert!(!text.contains("abab"), "{text}");
    }
}
