//! What the commands that add and revoke keys do.

use std::fmt;

use jiff::Timestamp;
use ldsp_protocol::ids::{Digest, NodeSlug};
use ldsp_protocol::keys::key_id;
use ldsp_ui::secret::Secret;
use ldsp_ui::terminal::{self, Word};
use serde::Serialize;

use super::Refused;
use super::commands::{NodeLine, authorise};
use crate::announce::{Act, AnnounceError, Announcer, one_line};
use crate::store::{Log, Registry, Staff};

impl From<AnnounceError> for Refused {
    fn from(error: AnnounceError) -> Self {
        match error {
            AnnounceError::Store(error) => error.into(),
            AnnounceError::Payload(cause) => Self::new(
                format!("the log would say {cause}"),
                "Write it anew: what the log says stays public for ever.",
            ),
        }
    }
}

/// A node whose key was approved.
#[derive(Debug, Clone, Serialize)]
pub struct Approved {
    /// The node.
    #[serde(flatten)]
    pub line: NodeLine,
    /// Place in the log of the statement that added the key.
    pub index: u64,
    /// Whether it was added now; otherwise it stood already.
    pub new: bool,
}

impl fmt::Display for Approved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.line)?;
        let when = if self.new { "now" } else { "before" };
        write!(
            f,
            "    its key was added {when}, at place {} in the log",
            self.index
        )
    }
}

/// Approves a pending node whose key has this fingerprint (64 hex digits, blocks or not). The same again changes
/// nothing.
///
/// # Errors
/// Not an operator, not a fingerprint, another key, no pending node.
pub async fn approve<S: Registry + Log + Staff>(
    announcer: &Announcer<'_, S>,
    node: &NodeSlug,
    fingerprint: &str,
    (by, secret): (&str, &Secret),
    now: Timestamp,
) -> Result<Approved, Refused> {
    let store = announcer.store();
    authorise(store, by, secret).await?;
    let digits: String = fingerprint
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .collect();
    let digest: Digest = digits.to_lowercase().parse().map_err(|_| {
        Refused::new(
            "the fingerprint is not 64 hex digits",
            "Type all 16 blocks as the LEP reads them out.",
        )
    })?;
    let stands = announcer.approve(node, digest, Act { by, at: now }).await?;
    let conflicts = store.conflicts().await?;
    let conflicts = conflicts.get(node).copied().unwrap_or_default();
    Ok(Approved {
        line: NodeLine::new(stands.node, conflicts),
        index: stands.index,
        new: stands.new,
    })
}

/// A key that counts no more.
#[derive(Debug, Clone, Serialize)]
pub struct RevokedKey {
    /// The node.
    pub node: NodeSlug,
    /// Fingerprint of its key.
    pub key_id: Option<Digest>,
    /// Place in the log from which the key counts no more: that of the statement that says so.
    pub from: u64,
    /// Statements that stand before it and stay.
    pub statements: u64,
    /// Whether it was revoked now; otherwise it was so already.
    pub new: bool,
}

impl fmt::Display for RevokedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = if self.new {
            "is revoked"
        } else {
            "was revoked before"
        };
        writeln!(
            f,
            "The key of {} {when}, from place {} in the log on.",
            self.node, self.from
        )?;
        write!(
            f,
            "Nothing more that it signs is taken; {} statements before stay. Everybody reads of it at /keys.",
            self.statements
        )
    }
}

/// Revokes the key of an active node. The same again changes nothing.
///
/// # Errors
/// Not an operator, a reason that cannot be published, no active node.
pub async fn revoke<S: Registry + Log + Staff>(
    announcer: &Announcer<'_, S>,
    node: &NodeSlug,
    reason: &str,
    (by, secret): (&str, &Secret),
    now: Timestamp,
) -> Result<RevokedKey, Refused> {
    authorise(announcer.store(), by, secret).await?;
    let act = Act { by, at: now };
    let stands = announcer.revoke(node, &one_line(reason), act).await?;
    Ok(RevokedKey {
        key_id: stands.node.key.as_ref().map(key_id),
        from: stands.index,
        statements: stands.node.head.seq,
        node: stands.node.node,
        new: stands.new,
    })
}

/// Has the person at the terminal type the node's name before something that cannot be undone.
///
/// # Errors
/// Another name, or no terminal.
pub(super) fn confirm_revocation(node: &NodeSlug) -> Result<(), Refused> {
    let about = format!(
        "The key of {node} will count no more, for ever. Your name and the reason become public."
    );
    match terminal::asked_for(node.as_str(), &about) {
        Word::Given => Ok(()),
        Word::Withheld => Err(Refused::new(
            "another name was typed, so nothing was revoked",
            "Run the command again if it is meant.",
        )),
        Word::NoTerminal => Err(Refused::new(
            "a revocation cannot be undone, and there is no terminal to confirm it at",
            "Say --yes if it is meant.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng;

    use ldsp_ui::accounts::By;

    use super::*;
    use crate::app::add_person;
    use crate::store::{COMMAND_LINE, Role};
    use crate::testing::{Sim, World, invited};

    #[tokio::test]
    async fn an_operator_approves_and_revokes_and_each_is_told_once_and_again() {
        let world = World::new().await;
        let (sim, service) = (Sim::new(0), &world.service);
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        let mut secrets = Vec::new();
        for (name, role) in [("op", Role::Operator), ("an", Role::Analyst)] {
            let by = By {
                who: COMMAND_LINE,
                now: service.now(),
            };
            let added = add_person(&service.store, name, role, by, &mut rng);
            secrets.push(Secret::typed(&added.await.unwrap().secret));
        }
        let (op, an) = (("op", &secrets[0]), ("an", &secrets[1]));
        invited(&service.store, &sim).await;
        let announcer = service.announcer();
        let blocks = key_id(&sim.key.verifying_key()).in_blocks();
        let approve = |who| approve(&announcer, &sim.slug, &blocks, who, service.now());
        let revoke = |reason, who| revoke(&announcer, &sim.slug, reason, who, service.now());
        assert!(approve(an).await.unwrap_err().cause.contains("operator"));
        let early = revoke("A disk was lost.", op).await.unwrap_err();
        assert!(early.cause.contains("no key that counts"), "{early}");
        for new in [true, false] {
            let approved = approve(op).await.unwrap();
            assert_eq!((approved.index, approved.new), (0, new));
            let json = serde_json::to_value(&approved).unwrap();
            assert_eq!(
                (&json["state"], &json["index"]),
                (&"active".into(), &0.into())
            );
        }
        assert!(revoke("A disk was lost.", an).await.is_err());
        let personal = revoke("Ask jo@example.org", op).await.unwrap_err();
        assert!(personal.cause.contains("an e-mail address"), "{personal}");
        for new in [true, false] {
            let revoked = revoke("A disk\n was lost.", op).await.unwrap();
            assert_eq!((revoked.from, revoked.new, revoked.statements), (1, new, 0));
            assert!(revoked.to_string().contains("from place 1 in the log on"));
        }
        assert_eq!(service.store.size().await.unwrap(), 2);
    }
}
