//! Announce: what the log states itself, each as a leaf of its own: which keys speak for which nodes, and which data
//! standards statements may follow. A statement is made and signed inside the transaction that gives it its place and carries out
//! what it says: there is no approved key without its leaf, and no leaf without its effect.

use ed25519_dalek::VerifyingKey;
use jiff::Timestamp;
use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::enrolment::NodeState;
use ldsp_protocol::ids::{Digest, NodeSlug};
use ldsp_protocol::keys::key_id;
use ldsp_protocol::own::{
    self, KeyAdd, KeyRevoke, Own, OwnStatement, PayloadError, StandardVersion, check_reason,
};
use ldsp_protocol::standard::{STANDARDS_TEXT, Standard};
use ldsp_protocol::statement::{Body, Kind, SCHEMA};
use serde::Serialize;

use crate::log::{Signer, Speech};
use crate::store::{
    Announced, Conflict, Log, LoggedStatement, Node, OwnEffect, Registry, Span, StoreError, Turn,
};

/// Kinds that tell of a key.
pub const KEY_EVENTS: [Kind; 2] = [Kind::KeyAdd, Kind::KeyRevoke];

/// Standards that are looked through at a start; a log has a handful in its life.
const STANDARDS: u32 = 1000;

/// Why something was not announced. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum AnnounceError {
    #[error("the log would say {0}. Write it anew: what it says stays public for ever")]
    Payload(#[from] PayloadError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Conflict> for AnnounceError {
    fn from(conflict: Conflict) -> Self {
        Self::Store(conflict.into())
    }
}

/// A key event that stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stands {
    /// The node, as it stands now.
    pub node: Node,
    /// Place in the log of the statement.
    pub index: u64,
    /// Whether it was logged by this very request.
    pub new: bool,
}

/// Who does something, and when.
#[derive(Debug, Clone, Copy)]
pub struct Act<'a> {
    /// The person's name, which becomes public.
    pub by: &'a str,
    /// The moment; for people, never for order.
    pub at: Timestamp,
}

/// The log as it speaks for itself.
#[derive(Debug)]
pub struct Announcer<'a, S> {
    store: &'a S,
    signer: &'a Signer,
    standard: &'static Standard,
}

impl<'a, S: Registry + Log> Announcer<'a, S> {
    /// The log of `store`, which is the signer's; `standard` is the one in force.
    #[must_use]
    pub fn new(store: &'a S, signer: &'a Signer, standard: &'static Standard) -> Self {
        Self {
            store,
            signer,
            standard,
        }
    }

    /// Where the log is kept.
    #[must_use]
    pub fn store(&self) -> &'a S {
        self.store
    }

    /// The log's key.
    pub(crate) fn signer(&self) -> &'a Signer {
        self.signer
    }

    /// The standard in force.
    pub(crate) fn standard(&self) -> &'static Standard {
        self.standard
    }

    /// Approves the pending node whose key has this id: the key counts from the statement's place on. The same again
    /// changes nothing and gives the place that stands.
    ///
    /// # Errors
    /// No such node, none that waits, another key; trouble with the store.
    pub async fn approve(
        &self,
        name: &NodeSlug,
        fingerprint: Digest,
        act: Act<'_>,
    ) -> Result<Stands, AnnounceError> {
        let node = self.node(name).await?;
        if let Some(stands) = added(&node, fingerprint) {
            return Ok(stands);
        }
        let key = node.key.filter(|_| node.state == NodeState::Pending);
        let key = key.ok_or(Conflict::NotPending)?;
        if key_id(&key) != fingerprint {
            return Err(Conflict::OtherKey.into());
        }
        let add = self.key_add(&node, &key, act.by).await?;
        add.check()?;
        let effect = OwnEffect::Approve {
            node: name.clone(),
            key_id: fingerprint,
            by: act.by.to_owned(),
            at: act.at,
        };
        let said = |turn: &Turn| KeyAdd {
            from: turn.index,
            ..add.clone()
        };
        match self
            .say(Kind::KeyAdd, self.standard.digest(), said, &effect, act.at)
            .await
        {
            Ok(announced) => self.stands(name, &announced).await,
            // Somebody else was quicker.
            Err(StoreError::Conflict(Conflict::NotPending)) => {
                let node = self.node(name).await?;
                added(&node, fingerprint).ok_or_else(|| Conflict::NotPending.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Revokes the active node's key: nothing that it signs is taken from the statement's place on. The same again
    /// changes nothing and gives the place that stands.
    ///
    /// # Errors
    /// A reason that cannot be published, no such node, none with a key that counts; trouble with the store.
    pub async fn revoke(
        &self,
        name: &NodeSlug,
        reason: &str,
        act: Act<'_>,
    ) -> Result<Stands, AnnounceError> {
        check_reason(reason)?;
        let node = self.node(name).await?;
        if let Some(stands) = revoked(&node) {
            return Ok(stands);
        }
        let key = node.key.filter(|_| node.state == NodeState::Active);
        let key = key.ok_or_else(|| Conflict::NotActive(name.clone()))?;
        let revoke = KeyRevoke {
            node: name.clone(),
            key_id: key_id(&key),
            from: 0,
            reason: reason.to_owned(),
            revoked_by: act.by.to_owned(),
        };
        revoke.check()?;
        let effect = OwnEffect::Revoke {
            node: name.clone(),
            key_id: revoke.key_id,
        };
        let said = |turn: &Turn| KeyRevoke {
            from: turn.index,
            ..revoke.clone()
        };
        match self
            .say(
                Kind::KeyRevoke,
                self.standard.digest(),
                said,
                &effect,
                act.at,
            )
            .await
        {
            Ok(announced) => self.stands(name, &announced).await,
            Err(StoreError::Conflict(Conflict::NotActive(_))) => {
                let node = self.node(name).await?;
                revoked(&node).ok_or_else(|| Conflict::NotActive(name.clone()).into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// States what the log has not stated yet: the standards that statements may follow, and the keys that counted before the log kept key
    /// events. Run at each start; changes nothing when all is stated.
    ///
    /// # Errors
    /// Trouble with the store.
    pub async fn settle(&self, at: Timestamp) -> Result<(), AnnounceError> {
        // What a stopped log has stated may be among the leaves that it lacks.
        if self.store.head().await?.behind.is_some() {
            return Ok(());
        }
        let stated = self
            .store
            .announced(&[Kind::Standard], Span::Newest, STANDARDS);
        let mut known = Vec::new();
        for statement in stated.await? {
            known.push(read(&statement)?.standard);
        }
        for (standard, text) in Standard::all().iter().zip(STANDARDS_TEXT) {
            if !known.contains(&standard.digest()) {
                self.state_standard(standard, text, at).await?;
            }
        }
        let nodes = self.store.nodes().await?;
        for node in nodes.iter().filter(|node| node.added.is_none()) {
            if let (NodeState::Active, Some(key)) = (node.state, node.key) {
                self.state_key(node, &key, at).await?;
            }
        }
        Ok(())
    }

    async fn state_standard(
        &self,
        standard: &Standard,
        text: &str,
        at: Timestamp,
    ) -> Result<(), AnnounceError> {
        let version = StandardVersion {
            title: standard.title(),
            digest: standard.digest(),
            text: text.to_owned(),
        };
        version.check()?;
        let said = |_: &Turn| version.clone();
        let none = OwnEffect::None;
        let turn = self
            .say(Kind::Standard, version.digest, said, &none, at)
            .await?
            .turn;
        tracing::info!(
            index = turn.index,
            title = version.title,
            "a data standard was announced"
        );
        Ok(())
    }

    /// States a key that counted before the log kept key events: it counts from the node's first statement on.
    async fn state_key(
        &self,
        node: &Node,
        key: &VerifyingKey,
        at: Timestamp,
    ) -> Result<(), AnnounceError> {
        let first = self.store.leaf(&node.node, 1).await?;
        let by = node
            .approved_by
            .clone()
            .ok_or_else(|| StoreError::Corrupt {
                table: "node",
                column: "approved_by",
                row: node.node.to_string(),
            })?;
        let add = self.key_add(node, key, &by).await?;
        add.check()?;
        let said = |turn: &Turn| KeyAdd {
            from: first.unwrap_or(turn.index),
            ..add.clone()
        };
        let effect = OwnEffect::StateKey {
            node: node.node.clone(),
            key_id: add.key_id,
        };
        match self
            .say(Kind::KeyAdd, self.standard.digest(), said, &effect, at)
            .await
        {
            // Another process that started with this one was quicker.
            Ok(_) | Err(StoreError::Conflict(Conflict::KeyStated(_))) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn node(&self, name: &NodeSlug) -> Result<Node, AnnounceError> {
        let node = self.store.node(name).await?;
        Ok(node.ok_or(Conflict::NoNode)?)
    }

    async fn key_add(
        &self,
        node: &Node,
        key: &VerifyingKey,
        by: &str,
    ) -> Result<KeyAdd, StoreError> {
        let invite = self.store.invite_of(&node.node).await?;
        let enrolment = invite.and_then(|invite| invite.used);
        Ok(KeyAdd {
            node: node.node.clone(),
            lep: node.lep.clone(),
            public_key: hex::encode(key.as_bytes()),
            key_id: key_id(key),
            from: 0,
            enrolment: enrolment.ok_or_else(|| StoreError::Corrupt {
                table: "invite",
                column: "used_pae",
                row: node.node.to_string(),
            })?,
            approved_by: by.to_owned(),
        })
    }

    /// Logs a statement whose payload is made for the turn that it takes.
    async fn say<P: Serialize>(
        &self,
        kind: Kind,
        standard: Digest,
        payload: impl Fn(&Turn) -> P + Send + Sync,
        effect: &OwnEffect,
        at: Timestamp,
    ) -> Result<Announced, StoreError> {
        let speak = |speech: &mut Speech<'_>| {
            speech.say(kind, |turn| self.body(turn, kind, standard, payload(turn)));
        };
        let said = self.signer.announce(self.store, effect, speak, at);
        said.await
    }

    /// The exact bytes of what the log says in its turn.
    pub(crate) fn body<P: Serialize>(
        &self,
        turn: &Turn,
        kind: Kind,
        standard: Digest,
        payload: P,
    ) -> Vec<u8> {
        let body = Body {
            schema: SCHEMA,
            origin: self.signer.verifier().name().to_owned(),
            node: own::name(),
            seq: turn.seq,
            prev: turn.prev,
            kind,
            period: None,
            standard,
            payload,
        };
        body.to_bytes()
    }

    async fn stands(
        &self,
        name: &NodeSlug,
        announced: &Announced,
    ) -> Result<Stands, AnnounceError> {
        Ok(Stands {
            node: self.node(name).await?,
            index: announced.turn.index,
            new: true,
        })
    }
}

/// Where the node's key was added, if it is this one and counts.
fn added(node: &Node, fingerprint: Digest) -> Option<Stands> {
    let same = node.key.as_ref().map(key_id) == Some(fingerprint);
    let index = node.added?;
    (same && node.state == NodeState::Active).then(|| Stands {
        node: node.clone(),
        index,
        new: false,
    })
}

fn revoked(node: &Node) -> Option<Stands> {
    Some(Stands {
        node: node.clone(),
        index: node.revoked?,
        new: false,
    })
}

/// A text on one line, its spaces made plain: what is announced holds no line breaks.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a statement of the log's own says.
///
/// # Errors
/// [`StoreError::Corrupt`]: this program wrote it, so bytes that cannot be read have been damaged since.
pub fn read(statement: &LoggedStatement) -> Result<OwnStatement, StoreError> {
    let damaged = || StoreError::Corrupt {
        table: "own_statement",
        column: "envelope",
        row: statement.index.to_string(),
    };
    let unverified = Unverified::parse(&statement.envelope).map_err(|_| damaged())?;
    OwnStatement::of_body(statement.kind, unverified.unverified_body()).map_err(|_| damaged())
}

/// The node that a key event is about.
#[must_use]
pub fn subject(own: &Own) -> Option<&NodeSlug> {
    match own {
        Own::KeyAdd(add) => Some(&add.node),
        Own::KeyRevoke(revoke) => Some(&revoke.node),
        Own::Standard(_) | Own::BenchmarkRun(_) | Own::Finding(_) | Own::Questionnaire(_) => None,
    }
}
