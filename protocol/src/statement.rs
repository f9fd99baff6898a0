//! The statement: the body that a node signs, one sequence per node, each naming its predecessor. What the log itself
//! signs has the same body and a sequence of its own: [`crate::own`].

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::dsse::Verified;
use crate::ids::{Digest, NodeSlug, Period};
use crate::needs::{DemandSummary, ProvisionSummary};
use crate::own::{NAME, PayloadError, is_reserved};
use crate::practice::PracticeEntry;
use crate::questionnaire::Answers;
use crate::revision::{Correction, Withdrawal};
use crate::summary::LearningSummary;

/// Version of every body in this file.
pub const SCHEMA: u32 = 1;

/// What a statement is about.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Protected tables of one month.
    LearningSummary,
    /// What worked or failed, and why.
    PracticeEntry,
    /// A withdrawn summary, published again.
    Correction,
    /// A statement's payload is taken back.
    Withdrawal,
    /// What a LEP answers to a questionnaire.
    QuestionnaireAnswers,
    /// What is asked for in a LEP.
    DemandSummary,
    /// What is offered in a LEP.
    ProvisionSummary,
    /// The log's own: a node's key counts.
    KeyAdd,
    /// The log's own: a node's key counts no more.
    KeyRevoke,
    /// The log's own: a data standard that statements may follow.
    Standard,
    /// The log's own: figures of every measure at one state of the log.
    BenchmarkRun,
    /// The log's own: the figures of one measure at one state of the log.
    Finding,
    /// The log's own: what its operators ask of LEPs.
    Questionnaire,
}

impl Kind {
    /// Every kind of this version.
    pub const ALL: [Self; 13] = [
        Self::LearningSummary,
        Self::PracticeEntry,
        Self::Correction,
        Self::Withdrawal,
        Self::QuestionnaireAnswers,
        Self::DemandSummary,
        Self::ProvisionSummary,
        Self::KeyAdd,
        Self::KeyRevoke,
        Self::Standard,
        Self::BenchmarkRun,
        Self::Finding,
        Self::Questionnaire,
    ];
    /// Those that nodes sign.
    pub const OF_NODES: [Self; 7] = [
        Self::LearningSummary,
        Self::PracticeEntry,
        Self::Correction,
        Self::Withdrawal,
        Self::QuestionnaireAnswers,
        Self::DemandSummary,
        Self::ProvisionSummary,
    ];

    /// Whether the log itself signs statements of this kind, and nobody else.
    #[must_use]
    pub fn is_of_log(self) -> bool {
        !Self::OF_NODES.contains(&self)
    }

    /// Whether a statement of this kind brings a month's summary, and names the month.
    #[must_use]
    pub fn has_period(self) -> bool {
        matches!(self, Self::LearningSummary | Self::Correction)
    }

    /// As written in bodies and payload types.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LearningSummary => "learning-summary",
            Self::PracticeEntry => "practice-entry",
            Self::Correction => "correction",
            Self::Withdrawal => "withdrawal",
            Self::KeyAdd => "key-add",
            Self::KeyRevoke => "key-revoke",
            Self::Standard => "standard",
            Self::BenchmarkRun => "benchmark-run",
            Self::Finding => "finding",
            Self::QuestionnaireAnswers => "questionnaire-answers",
            Self::DemandSummary => "demand-summary",
            Self::ProvisionSummary => "provision-summary",
            Self::Questionnaire => "questionnaire",
        }
    }

    /// The number that stands for it in the log's entries; never given to another kind.
    #[must_use]
    pub fn entry_type(self) -> u8 {
        match self {
            Self::LearningSummary => 1,
            Self::PracticeEntry => 2,
            Self::Correction => 3,
            Self::Withdrawal => 4,
            Self::KeyAdd => 65,
            Self::KeyRevoke => 66,
            Self::Standard => 67,
            Self::BenchmarkRun => 68,
            Self::Finding => 69,
            Self::QuestionnaireAnswers => 5,
            Self::DemandSummary => 6,
            Self::ProvisionSummary => 7,
            Self::Questionnaire => 70,
        }
    }

    /// `application/vnd.ldsp.<kind>.v1+json`.
    #[must_use]
    pub fn payload_type(self) -> String {
        format!("application/vnd.ldsp.{}.v{SCHEMA}+json", self.as_str())
    }
}

/// A body with a payload of type `P`. Field order is the order on the wire; unknown fields are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body<P> {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The log that the statement is for.
    pub origin: String,
    /// The node that signs; [`crate::own::NAME`] for the log itself.
    pub node: NodeSlug,
    /// 1, 2, 3 …
    pub seq: u64,
    /// SHA-256 of the PAE of the signer's previous statement; zeros for the first.
    pub prev: Digest,
    /// Agrees with the payload type.
    pub kind: Kind,
    /// The month of a summary or a correction; `null` for every other kind.
    pub period: Option<Period>,
    /// Digest of the data standard that the payload follows, or that is in force.
    pub standard: Digest,
    /// What is said.
    pub payload: P,
}

/// A node's payload by kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// Protected tables of one month.
    LearningSummary(LearningSummary),
    /// What worked or failed, and why.
    PracticeEntry(Box<PracticeEntry>),
    /// A withdrawn summary, published again.
    Correction(Box<Correction>),
    /// A statement's payload is taken back.
    Withdrawal(Withdrawal),
    /// What a LEP answers to a questionnaire.
    QuestionnaireAnswers(Box<Answers>),
    /// What is asked for in a LEP.
    DemandSummary(Box<DemandSummary>),
    /// What is offered in a LEP.
    ProvisionSummary(Box<ProvisionSummary>),
}

impl Payload {
    /// The payload's kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::LearningSummary(_) => Kind::LearningSummary,
            Self::PracticeEntry(_) => Kind::PracticeEntry,
            Self::Correction(_) => Kind::Correction,
            Self::Withdrawal(_) => Kind::Withdrawal,
            Self::QuestionnaireAnswers(_) => Kind::QuestionnaireAnswers,
            Self::DemandSummary(_) => Kind::DemandSummary,
            Self::ProvisionSummary(_) => Kind::ProvisionSummary,
        }
    }
}

/// A node's statement, of a verified envelope.
pub type Statement = Body<Payload>;

/// Why a verified body is not a statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum StatementError {
    #[error("payload type {0:?} is not one that this version knows")]
    PayloadType(String),
    #[error("the body is not in the form of version 1: {0}")]
    Form(String),
    #[error("the body says {field} {stated}, which does not agree with {with}")]
    Disagrees {
        field: &'static str,
        stated: String,
        with: &'static str,
    },
    #[error("a statement of the kind {} is {}", .0.as_str(), if .0.is_of_log() { "the log's own to make" } else { "a node's to make" })]
    Author(Kind),
    #[error("the name {NAME} is the log's own")]
    Reserved,
    #[error("the body says {0}")]
    Payload(#[from] PayloadError),
}

/// The kind that a verified envelope's payload type names.
///
/// # Errors
/// [`StatementError::PayloadType`].
pub fn kind_of(verified: &Verified) -> Result<Kind, StatementError> {
    let stated = verified.payload_type();
    Kind::ALL
        .into_iter()
        .find(|k| k.payload_type() == stated)
        .ok_or_else(|| StatementError::PayloadType(stated.chars().take(100).collect()))
}

impl Statement {
    /// Reads a node's statement out of a verified envelope.
    ///
    /// # Errors
    /// [`StatementError`].
    pub fn read(verified: &Verified) -> Result<Self, StatementError> {
        Self::of_body(kind_of(verified)?, verified.body())
    }

    /// Reads the body of a statement of `kind` that the caller verified itself.
    ///
    /// # Errors
    /// [`StatementError`].
    pub fn of_body(kind: Kind, body: &[u8]) -> Result<Self, StatementError> {
        let statement = match kind {
            Kind::KeyAdd
            | Kind::KeyRevoke
            | Kind::Standard
            | Kind::BenchmarkRun
            | Kind::Finding
            | Kind::Questionnaire => {
                return Err(StatementError::Author(kind));
            }
            Kind::LearningSummary => parse::<LearningSummary>(body)?.map(Payload::LearningSummary),
            Kind::PracticeEntry => {
                parse::<PracticeEntry>(body)?.map(|e| Payload::PracticeEntry(Box::new(e)))
            }
            Kind::Correction => {
                parse::<Correction>(body)?.map(|c| Payload::Correction(Box::new(c)))
            }
            Kind::Withdrawal => parse::<Withdrawal>(body)?.map(Payload::Withdrawal),
            Kind::QuestionnaireAnswers => {
                parse::<Answers>(body)?.map(|a| Payload::QuestionnaireAnswers(Box::new(a)))
            }
            Kind::DemandSummary => {
                parse::<DemandSummary>(body)?.map(|d| Payload::DemandSummary(Box::new(d)))
            }
            Kind::ProvisionSummary => {
                parse::<ProvisionSummary>(body)?.map(|p| Payload::ProvisionSummary(Box::new(p)))
            }
        };
        statement.check(kind)?;
        if is_reserved(&statement.node) {
            return Err(StatementError::Reserved);
        }
        Ok(statement)
    }
}

impl<P> Body<P> {
    /// Whether the fields beside the payload agree with each other and with the payload type.
    pub(crate) fn check(&self, kind: Kind) -> Result<(), StatementError> {
        let disagrees = |field, stated, with| {
            Err(StatementError::Disagrees {
                field,
                stated,
                with,
            })
        };
        if self.schema != SCHEMA {
            return disagrees("schema", self.schema.to_string(), "the payload type");
        }
        if self.kind != kind {
            return disagrees("kind", self.kind.as_str().to_owned(), "the payload type");
        }
        if self.seq == 0 {
            return disagrees("seq", "0".to_owned(), "numbering from 1");
        }
        if (self.seq == 1) != (self.prev == Digest::ZERO) {
            return disagrees(
                "prev",
                self.prev.to_string(),
                "seq: zeros for the first statement and only for it",
            );
        }
        if self.period.is_some() != kind.has_period() {
            return disagrees(
                "period",
                format!("{:?}", self.period.map(|p| p.to_string())),
                "kind",
            );
        }
        Ok(())
    }

    pub(crate) fn map<Q>(self, change: impl FnOnce(P) -> Q) -> Body<Q> {
        Body {
            schema: self.schema,
            origin: self.origin,
            node: self.node,
            seq: self.seq,
            prev: self.prev,
            kind: self.kind,
            period: self.period,
            standard: self.standard,
            payload: change(self.payload),
        }
    }
}

impl<P: Serialize> Body<P> {
    /// The body's bytes, made once and then kept verbatim.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("bodies hold strings, finite numbers and lists only")
    }
}

pub(crate) fn parse<P: DeserializeOwned>(body: &[u8]) -> Result<Body<P>, StatementError> {
    serde_json::from_slice(body).map_err(|e| StatementError::Form(e.to_string()))
}
