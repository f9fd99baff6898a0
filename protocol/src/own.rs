//! What the log itself signs: which keys speak for which nodes, which data standards statements may follow, which figures
//! ([`crate::run`]) they gave, and what its operators ask of LEPs ([`crate::questionnaire`]).
//!
//! Such a statement has the form of a node's ([`Body`], DSSE), is signed by the log's key, bears the reserved name
//! [`NAME`], and has a sequence of its own. It is a leaf like any other, so that the log's order, and never a clock,
//! decides which key counts for which statement: [`Keys`] holds that rule.

use std::collections::BTreeMap;

use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Serialize};

use crate::dsse::Verified;
use crate::ids::{Digest, Gss, NodeSlug};
use crate::keys::{KeyError, admit, key_id};
use crate::personal;
use crate::questionnaire::{Questionnaire, QuestionnaireError};
use crate::run::{BenchmarkRun, MeasureFinding, RunError};
use crate::statement::{Body, Kind, StatementError, kind_of, parse};

/// The name by which the log signs: no node may have it.
pub const NAME: &str = "aggregator";
/// Characters of a reason at most.
pub const MAX_REASON: usize = 500;
/// Characters of a person's name at most.
pub const MAX_NAME: usize = 64;

/// [`NAME`] as an identifier.
#[must_use]
pub fn name() -> NodeSlug {
    NAME.parse().expect("the name is well formed")
}

/// Whether a node may not be called this.
#[must_use]
pub fn is_reserved(node: &NodeSlug) -> bool {
    node.as_str() == NAME
}

/// A node's key counts: the log's operators compared it with the area.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyAdd {
    /// The node that the key speaks for.
    pub node: NodeSlug,
    /// The LEP that the node serves.
    pub lep: Gss,
    /// The raw public key (RFC 8032), 64 lower-case hex digits.
    pub public_key: String,
    /// SHA-256 of the raw public key.
    pub key_id: Digest,
    /// Place in the log from which the key counts: this statement's own; for a key that counted before the log kept
    /// such statements, that of the node's first.
    pub from: u64,
    /// SHA-256 of the PAE of the request to enrol, by which the key proved possession.
    pub enrolment: Digest,
    /// The person who compared the fingerprint and approved it.
    pub approved_by: String,
}

/// A node's key counts no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRevoke {
    /// The node that the key spoke for.
    pub node: NodeSlug,
    /// SHA-256 of the raw public key.
    pub key_id: Digest,
    /// Place in the log from which the key counts no more: this statement's own. What stands before it stays.
    pub from: u64,
    /// Why, for everybody to read.
    pub reason: String,
    /// The person who revoked it.
    pub revoked_by: String,
}

/// A data standard that statements may follow from here on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandardVersion {
    /// Name and version.
    pub title: String,
    /// SHA-256 of the standard's exact bytes.
    pub digest: Digest,
    /// The standard's exact bytes, JSON in UTF-8, as text.
    pub text: String,
}

/// Why the payload of the log's own statement is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum PayloadError {
    #[error("public_key is not 64 lower-case hex digits")]
    Hex,
    #[error("public_key cannot be taken: {0}")]
    Key(#[from] KeyError),
    #[error("key_id is not the SHA-256 of public_key")]
    KeyId,
    #[error("a node by the log's own name")]
    Node,
    #[error("{0} without a name of 1 to {MAX_NAME} characters on one line")]
    Person(&'static str),
    #[error("no reason of 1 to {MAX_REASON} characters on one line")]
    Reason,
    #[error("a reason in which characters {start} to {end} look like {what}")]
    Personal {
        start: usize,
        end: usize,
        what: &'static str,
    },
    #[error("digest is not the SHA-256 of text")]
    Digest,
    #[error("standard is not the digest of the one that it brings")]
    Standard,
    #[error("no title of 1 to {MAX_NAME} characters on one line")]
    Title,
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Questionnaire(#[from] QuestionnaireError),
}

fn is_line(text: &str, limit: usize) -> bool {
    let length = text.chars().count();
    (1..=limit).contains(&length) && !text.trim().is_empty() && !text.chars().any(char::is_control)
}

/// Checks a reason before it is signed: it stays public for ever.
///
/// # Errors
/// [`PayloadError::Reason`], [`PayloadError::Personal`].
pub fn check_reason(reason: &str) -> Result<(), PayloadError> {
    if !is_line(reason, MAX_REASON) {
        return Err(PayloadError::Reason);
    }
    match personal::find(reason).first() {
        None => Ok(()),
        Some(found) => Err(PayloadError::Personal {
            start: found.start,
            end: found.end,
            what: found.kind.in_words(),
        }),
    }
}

impl KeyAdd {
    /// The key, admitted.
    ///
    /// # Errors
    /// [`PayloadError::Hex`], [`PayloadError::Key`].
    pub fn key(&self) -> Result<VerifyingKey, PayloadError> {
        let mut raw = [0; 32];
        let lower = !self.public_key.bytes().any(|b| b.is_ascii_uppercase());
        hex::decode_to_slice(&self.public_key, &mut raw)
            .ok()
            .filter(|()| lower)
            .ok_or(PayloadError::Hex)?;
        Ok(admit(&raw)?)
    }

    /// Checks everything that can be checked without the log.
    ///
    /// # Errors
    /// [`PayloadError`].
    pub fn check(&self) -> Result<(), PayloadError> {
        if is_reserved(&self.node) {
            return Err(PayloadError::Node);
        }
        if key_id(&self.key()?) != self.key_id {
            return Err(PayloadError::KeyId);
        }
        if !is_line(&self.approved_by, MAX_NAME) {
            return Err(PayloadError::Person("approved_by"));
        }
        Ok(())
    }
}

impl KeyRevoke {
    /// Checks everything that can be checked without the log.
    ///
    /// # Errors
    /// [`PayloadError`].
    pub fn check(&self) -> Result<(), PayloadError> {
        if is_reserved(&self.node) {
            return Err(PayloadError::Node);
        }
        if !is_line(&self.revoked_by, MAX_NAME) {
            return Err(PayloadError::Person("revoked_by"));
        }
        check_reason(&self.reason)
    }
}

impl StandardVersion {
    /// Checks that the text is the one that the digest names. What it says is for [`crate::standard::Standard::parse`].
    ///
    /// # Errors
    /// [`PayloadError`].
    pub fn check(&self) -> Result<(), PayloadError> {
        if !is_line(&self.title, MAX_NAME) {
            return Err(PayloadError::Title);
        }
        if Digest::of(self.text.as_bytes()) != self.digest {
            return Err(PayloadError::Digest);
        }
        Ok(())
    }
}

/// The log's own payload by kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Own {
    /// A node's key counts.
    KeyAdd(KeyAdd),
    /// A node's key counts no more.
    KeyRevoke(KeyRevoke),
    /// A data standard.
    Standard(Box<StandardVersion>),
    /// Figures of every measure.
    BenchmarkRun(Box<BenchmarkRun>),
    /// Figures of one measure.
    Finding(Box<MeasureFinding>),
    /// What its operators ask of LEPs.
    Questionnaire(Box<Questionnaire>),
}

impl Own {
    /// The payload's kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::KeyAdd(_) => Kind::KeyAdd,
            Self::KeyRevoke(_) => Kind::KeyRevoke,
            Self::Standard(_) => Kind::Standard,
            Self::BenchmarkRun(_) => Kind::BenchmarkRun,
            Self::Finding(_) => Kind::Finding,
            Self::Questionnaire(_) => Kind::Questionnaire,
        }
    }

    /// Whether a statement that says this may stand at `index` of the log: a key is revoked from the very place of the
    /// revocation, none is added for places still to come, and figures stand on what is before them.
    #[must_use]
    pub fn fits(&self, index: u64) -> bool {
        match self {
            Self::KeyAdd(add) => add.from <= index,
            Self::KeyRevoke(revoke) => revoke.from == index,
            Self::Standard(_) | Self::Questionnaire(_) => true,
            Self::BenchmarkRun(run) => run.stands_on.size <= index,
            Self::Finding(finding) => finding.stands_on.size <= index,
        }
    }
}

/// The log's own statement, of a verified envelope.
pub type OwnStatement = Body<Own>;

impl OwnStatement {
    /// Reads the log's own statement out of an envelope that verified with the log's key.
    ///
    /// # Errors
    /// [`StatementError`].
    pub fn read(verified: &Verified) -> Result<Self, StatementError> {
        Self::of_body(kind_of(verified)?, verified.body())
    }

    /// Reads the body of a statement of `kind` that the caller signed or verified itself.
    ///
    /// # Errors
    /// [`StatementError`].
    pub fn of_body(kind: Kind, body: &[u8]) -> Result<Self, StatementError> {
        let statement = match kind {
            Kind::LearningSummary
            | Kind::PracticeEntry
            | Kind::Correction
            | Kind::Withdrawal
            | Kind::QuestionnaireAnswers
            | Kind::DemandSummary
            | Kind::ProvisionSummary => {
                return Err(StatementError::Author(kind));
            }
            Kind::KeyAdd => {
                let body = parse::<KeyAdd>(body)?;
                body.payload.check()?;
                body.map(Own::KeyAdd)
            }
            Kind::KeyRevoke => {
                let body = parse::<KeyRevoke>(body)?;
                body.payload.check()?;
                body.map(Own::KeyRevoke)
            }
            Kind::Standard => {
                let body = parse::<StandardVersion>(body)?;
                body.payload.check()?;
                if body.payload.digest != body.standard {
                    return Err(PayloadError::Standard.into());
                }
                body.map(|version| Own::Standard(Box::new(version)))
            }
            Kind::BenchmarkRun => {
                let body = parse::<BenchmarkRun>(body)?;
                body.payload.check(body.seq).map_err(PayloadError::from)?;
                body.map(|run| Own::BenchmarkRun(Box::new(run)))
            }
            Kind::Finding => {
                let body = parse::<MeasureFinding>(body)?;
                body.payload.check().map_err(PayloadError::from)?;
                body.map(|finding| Own::Finding(Box::new(finding)))
            }
            Kind::Questionnaire => {
                let body = parse::<Questionnaire>(body)?;
                if let Some(first) = body.payload.check().into_iter().next() {
                    return Err(PayloadError::from(first).into());
                }
                body.map(|asked| Own::Questionnaire(Box::new(asked)))
            }
        };
        statement.check(kind)?;
        if !is_reserved(&statement.node) {
            return Err(StatementError::Disagrees {
                field: "node",
                stated: statement.node.to_string(),
                with: "the log's own name",
            });
        }
        Ok(statement)
    }
}

/// Where a key counts: from one place on, up to and without another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Counts {
    from: u64,
    until: Option<u64>,
}

/// Which key counts for which node at which place of a log, from its own statements in their order.
///
/// ```
/// use ldsp_protocol::own::Keys;
/// let keys = Keys::default();
/// assert!(!keys.count(&"solent".parse()?, ldsp_protocol::ids::Digest::ZERO, 3), "no key counts before it is added");
/// # Ok::<(), ldsp_protocol::ids::IdError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys(BTreeMap<(NodeSlug, Digest), Counts>);

/// Why a key event cannot follow those before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum KeysError {
    #[error("it names place {from} and stands at {index}")]
    Place { from: u64, index: u64 },
    #[error("{0} has a key that counts already")]
    Added(NodeSlug),
    #[error("{0} has no such key that counts")]
    Missing(NodeSlug),
}

impl Keys {
    /// Takes the statement at `index`. Standards, figures and questionnaires change nothing.
    ///
    /// # Errors
    /// [`KeysError`]; then nothing is changed.
    pub fn take(&mut self, index: u64, own: &Own) -> Result<(), KeysError> {
        let place = |from| KeysError::Place { from, index };
        match own {
            Own::KeyAdd(add) => {
                if !own.fits(index) {
                    return Err(place(add.from));
                }
                let of_node = |((node, id), counts): (&(NodeSlug, Digest), &Counts)| {
                    *node == add.node && (counts.until.is_none() || *id == add.key_id)
                };
                // A key that was revoked never counts again, and a node has one key at a time.
                if self.0.iter().any(of_node) {
                    return Err(KeysError::Added(add.node.clone()));
                }
                let counts = Counts {
                    from: add.from,
                    until: None,
                };
                self.0.insert((add.node.clone(), add.key_id), counts);
            }
            Own::KeyRevoke(revoke) => {
                if !own.fits(index) {
                    return Err(place(revoke.from));
                }
                let missing = || KeysError::Missing(revoke.node.clone());
                let key = (revoke.node.clone(), revoke.key_id);
                let counts = self.0.get_mut(&key).ok_or_else(missing)?;
                if counts.until.is_some() {
                    return Err(missing());
                }
                counts.until = Some(index);
            }
            Own::Standard(_) | Own::Questionnaire(_) => {}
            Own::BenchmarkRun(run) if !own.fits(index) => return Err(place(run.stands_on.size)),
            Own::Finding(finding) if !own.fits(index) => return Err(place(finding.stands_on.size)),
            Own::BenchmarkRun(_) | Own::Finding(_) => {}
        }
        Ok(())
    }

    /// Whether a statement of `node` at `index` may be signed by the key with this id.
    #[must_use]
    pub fn count(&self, node: &NodeSlug, key_id: Digest, index: u64) -> bool {
        let counts = self.0.get(&(node.clone(), key_id));
        counts.is_some_and(|c| c.from <= index && c.until.is_none_or(|until| index < until))
    }
}

#[cfg(test)]
mod tests;
