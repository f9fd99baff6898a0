//! Needs of the area as everybody may read them: what is asked for and what is offered, as two statements that are prepared, read and published
//! together by two people.
//!
//! [`prepare`] adds up what the node holds into a draft: sums of organisations that may be told, also beside what was told before (`sums`),
//! counts of people with noise that is drawn once (`people`), and services of the open feed (`offers`). [`approve`] signs exactly
//! that draft. After a database was lost, `recover` takes what was published back from the log.

mod act;
pub(crate) mod offers;
pub(crate) mod people;
pub(crate) mod recover;
pub(crate) mod shown;
pub(crate) mod sums;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod words;

use jiff::civil::Date;

pub use act::{Word, approve, prepare, refuse};

use crate::seal::QueueError;
use crate::store::StoreError;

/// A record names a code that this version's data standard does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a record of demand names a code or a district that this version does not know")]
pub struct NoCode;

/// Why needs are not prepared, published or refused.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum NeedsError {
    #[error("there is no draft {0} of published needs")]
    Unknown(i64),
    #[error("{0} may not prepare needs: that takes a person with the role coordinator")]
    NotCoordinator(String),
    #[error("{0} may not publish or refuse needs: that takes a person with the role approver")]
    NotApprover(String),
    #[error("{0} prepared these needs, so somebody else has to publish or refuse them")]
    OwnWork(String),
    #[error("what was read is not what waits")]
    Digest,
    #[error("a draft of {0} waits for an approver, and one may wait at a time")]
    Waits(Date),
    #[error("these needs were published by {by}")]
    Published { by: String },
    #[error("these needs were refused by {by}")]
    Refused { by: String },
    #[error("nothing is recorded that could be told: no demand, and no service of the open feed")]
    Empty,
    #[error("all records here are made up, and nothing made up is published")]
    Sample,
    #[error("nobody has said yet which Local Enterprise Partnership this node is of")]
    NoLep,
    #[error(
        "the clock says {today}, and needs of {last} were published: what is newer may not be of an earlier day"
    )]
    Clock { today: Date, last: Date },
    #[error("the reason {0}")]
    Reason(String),
    #[error("the draft breaks a rule, so nothing was signed: {0}")]
    Rule(#[from] ldsp_protocol::needs::NeedsError),
    #[error(transparent)]
    Code(#[from] NoCode),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for NeedsError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl NeedsError {
    /// Stable, for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "unknown-needs",
            Self::NotCoordinator(_) | Self::NotApprover(_) => "role",
            Self::OwnWork(_) => "own-work",
            Self::Digest => "digest",
            Self::Waits(_) => "waits",
            Self::Published { .. } => "already-published",
            Self::Refused { .. } => "already-refused",
            Self::Empty => "nothing-to-tell",
            Self::Sample => "sample",
            Self::NoLep => "no-lep",
            Self::Clock { .. } => "clock",
            Self::Reason(_) => "reason",
            Self::Rule(_) => "rule",
            Self::Code(_) => "code",
            Self::Queue(error) => error.code(),
            Self::Store(_) => "storage",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn next(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "The page Published needs shows which there are.",
            Self::NotCoordinator(_) => "Ask a coordinator; an admin adds one on the page People.",
            Self::NotApprover(_) => "Ask an approver; an admin adds one on the page People.",
            Self::OwnWork(_) => "Ask another approver to read it.",
            Self::Digest => "Read the draft again and decide on what is shown now.",
            Self::Waits(_) => {
                "An approver publishes or refuses it first. What was drawn for people in a refused one is published with the next."
            }
            Self::Published { .. } => {
                "Nothing is left to do. To correct it, correct what the node holds and prepare needs anew."
            }
            Self::Refused { .. } => "A coordinator prepares needs anew.",
            Self::Empty => "Record demand or services first, or mark services as public.",
            Self::Sample => "Remove the made-up records first: the first page leads there.",
            Self::NoLep => "An admin chooses it on the page Choose the LEP.",
            Self::Clock { .. } => "Ask the IT team to set the server\u{2019}s clock.",
            Self::Reason(_) => "Write a reason in a line, without anything that tells of a person.",
            Self::Rule(_) | Self::Code(_) => {
                "Ask the IT team: the program may be older than what wrote the records. Nothing was sent."
            }
            Self::Queue(error) => error.next(),
            Self::Store(error) => error.next(),
        }
    }

    /// The same for somebody at a terminal.
    #[must_use]
    pub fn next_by_command(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "See which there are: `ldsp-node needs list`.",
            Self::NotCoordinator(_) => {
                "Ask a coordinator; one is added with `ldsp-node people add NAME --role coordinator`."
            }
            Self::NotApprover(_) => {
                "Ask an approver; one is added with `ldsp-node people add NAME --role approver`."
            }
            Self::Digest => {
                "Read the draft again with `ldsp-node needs show` and give the digest that it prints."
            }
            Self::Sample => "Remove the made-up records first: `ldsp-node sample remove`.",
            Self::NoLep => "Run `ldsp-node init --lep CODE`, or let an admin choose it on a page.",
            Self::Queue(error) => error.next_by_command(),
            _ => self.next(),
        }
    }
}
