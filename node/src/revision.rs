//! Withdrawing a statement and publishing a withdrawn month again: an approver's word, the seal and the outbox row, in one
//! transaction.
//!
//! Nothing is counted and nothing is drawn here: a month's cells are those that were sent, held to the ledger that drew them.

mod check;

use ed25519_dalek::SigningKey;
use jiff::Timestamp;
use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::ids::Period;
use ldsp_protocol::own::{PayloadError, check_reason};
use ldsp_protocol::revision::{Correction, Named, Withdrawal};
use ldsp_protocol::standard::{Codebook, Standard};
use ldsp_protocol::statement::{Body, Kind};
use ldsp_protocol::summary::LearningSummary;
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteConnection;

use crate::seal::{self, QueueError};
use crate::store::outbox::{self, OutboxRow};
use crate::store::overview::{self, StatementRow};
use crate::store::revisions::{self, Revision};
use crate::store::{Store, StoreError, audit, enrolment, ledger};

/// Why nothing was withdrawn or published again.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum RevisionError {
    #[error("this node has sent no statement {0}")]
    Unknown(u64),
    #[error("{0} may not do this: that takes a person with the role approver")]
    NotApprover(String),
    #[error("the statement would have {0}")]
    Reason(#[from] PayloadError),
    #[error("statement {0} is a withdrawal, which stays")]
    Stays(u64),
    #[error("statement {seq} was withdrawn by statement {by} already")]
    Already { seq: u64, by: u64 },
    #[error("statement {0} is not withdrawn")]
    Stands(u64),
    #[error("statement {0} is a practice entry")]
    Entry(u64),
    #[error("statement {0} holds answers to a questionnaire, which stay until newer ones come")]
    Answers(u64),
    #[error("statement {0} holds needs of the area, which stay until newer ones come")]
    Needs(u64),
    #[error("what statement {seq} held was published again as statement {by}")]
    Again { seq: u64, by: u64 },
    #[error("the ledger does not hold the cells that statement {0} published")]
    OtherCells(u64),
    #[error(
        "what statement {0} held went with a database that was lost, and the log has given it up"
    )]
    Gone(u64),
    #[error(
        "with it, the figures up to {period} (statement {seq}) would not pass the log's check, which would refuse it for ever: {why}"
    )]
    LaterMonth {
        seq: u64,
        period: Period,
        why: String,
    },
    #[error("the month would not pass the log's check: {0}")]
    Unfit(String),
    #[error(
        "statement {seq} replaced statement {older}, which still stands, and statement {newer} replaced it: without it, both of those would stand side by side"
    )]
    Between { seq: u64, older: u64, newer: u64 },
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for RevisionError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl RevisionError {
    /// Stable, for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "unknown-statement",
            Self::NotApprover(_) => "role",
            Self::Reason(_) => "reason",
            Self::Stays(_) => "withdrawal-stays",
            Self::Already { .. } => "already-withdrawn",
            Self::Stands(_) => "not-withdrawn",
            Self::Entry(_) => "practice-entry",
            Self::Answers(_) => "answers-stay",
            Self::Needs(_) => "needs-stay",
            Self::Again { .. } => "published-again",
            Self::OtherCells(_) => "other-cells",
            Self::Gone(_) => "content-gone",
            Self::LaterMonth { .. } => "later-month",
            Self::Unfit(_) => "month-unfit",
            Self::Between { .. } => "between-versions",
            Self::Queue(error) => error.code(),
            Self::Store(_) => "storage",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn next(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "The page Statements shows what was sent.",
            Self::NotApprover(_) => "Ask an approver; an admin adds one on the page People.",
            Self::Reason(_) => {
                "Give one line of at most 500 characters that names nobody: it stays public for ever."
            }
            Self::Stays(_) => {
                "To take back a withdrawal, publish the month again, or release the entry anew."
            }
            Self::Already { .. } => "Nothing is left to do.",
            Self::Stands(_) => "Only what was withdrawn can be published again.",
            Self::Entry(_) => {
                "Write the entry anew and release it: a newer version is an entry of its own."
            }
            Self::Answers(_) => {
                "Change the answers and have them released: the newer ones stand in the place of these."
            }
            Self::Needs(_) => {
                "Correct what the node holds and publish the needs anew: the newer ones stand in the place of these."
            }
            Self::Again { .. } => "Name that statement instead.",
            Self::OtherCells(_) => {
                "Ask the IT team to check the ledger, and to restore the backup if it is damaged. Nothing was sent."
            }
            Self::Gone(_) => {
                "Restore a backup that holds it, if there is one. Otherwise the figures of this data standard end before it for good."
            }
            Self::LaterMonth { .. } => {
                "Nothing was sent. Withdraw the statement that is named first, then publish this month again."
            }
            Self::Unfit(_) => "Nothing was sent. Tell the national operator the rule.",
            Self::Between { .. } => {
                "Nothing was sent. Withdraw the oldest version first, or the newest and then this one."
            }
            Self::Queue(error) => error.next(),
            Self::Store(error) => error.next(),
        }
    }

    /// The same for somebody at a terminal.
    #[must_use]
    pub fn next_by_command(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "See what was sent: `ldsp-node statements list`.",
            Self::NotApprover(_) => {
                "Ask an approver; one is added with `ldsp-node people add NAME --role approver`."
            }
            Self::OtherCells(_) => {
                "Check the ledger with `ldsp-node ledger check`, and restore the backup if it is damaged. Nothing was sent."
            }
            Self::Queue(error) => error.next_by_command(),
            _ => self.next(),
        }
    }
}

/// What a person decided of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision<'a> {
    /// Who; the caller has checked the secret.
    pub person: &'a str,
    /// Sequence number of the statement.
    pub seq: u64,
    /// Why, for everybody to read.
    pub reason: &'a str,
}

/// Takes a statement back: queues its withdrawal and gives that one's sequence number. The receiver keeps the place and no longer
/// the payload; a month goes out of the figures with all later ones.
///
/// # Errors
/// [`RevisionError`]; nothing was changed.
pub async fn withdraw(
    store: &Store,
    key: &SigningKey,
    decision: &Decision<'_>,
    now: Timestamp,
) -> Result<u64, RevisionError> {
    let mut tx = store.write().await?;
    let (row, standing) = judged(&mut tx, decision).await?;
    let seq = decision.seq;
    match row.kind {
        Kind::Withdrawal => return Err(RevisionError::Stays(seq)),
        Kind::QuestionnaireAnswers => return Err(RevisionError::Answers(seq)),
        Kind::DemandSummary | Kind::ProvisionSummary => return Err(RevisionError::Needs(seq)),
        _ => {}
    }
    if let Some(by) = standing.withdrawn_by {
        return Err(RevisionError::Already { seq, by });
    }
    if row.kind == Kind::PracticeEntry {
        check::not_between(&mut tx, &row).await?;
    }
    let (standard, cells) = if row.kind.has_period() {
        let (standard, summary) = summary(&row)?;
        (standard, Some(summary.cells_digest()))
    } else {
        (Standard::current(), None)
    };
    let withdrawal = Withdrawal {
        statement: Named { seq, pae: row.pae },
        reason: decision.reason.to_owned(),
        cells,
    };
    let of = (Kind::Withdrawal, (None, standard));
    let by = seal::queue(&mut tx, key, of.0, of.1, &withdrawal, now.as_second()).await?;
    noted(&mut tx, decision, (by, "statement withdrawn"), now).await?;
    tx.commit().await?;
    Ok(by)
}

/// Publishes a withdrawn month again, with the very cells that it had: queues the correction and gives its sequence number.
///
/// # Errors
/// [`RevisionError`]; nothing was changed.
pub async fn reissue(
    store: &Store,
    key: &SigningKey,
    decision: &Decision<'_>,
    now: Timestamp,
) -> Result<u64, RevisionError> {
    let mut tx = store.write().await?;
    let (row, standing) = judged(&mut tx, decision).await?;
    let seq = decision.seq;
    match row.kind {
        Kind::PracticeEntry => return Err(RevisionError::Entry(seq)),
        Kind::QuestionnaireAnswers => return Err(RevisionError::Answers(seq)),
        Kind::DemandSummary | Kind::ProvisionSummary => return Err(RevisionError::Needs(seq)),
        Kind::Withdrawal => return Err(RevisionError::Stays(seq)),
        _ => {}
    }
    if standing.withdrawn_by.is_none() {
        return Err(RevisionError::Stands(seq));
    }
    if let Some(by) = standing.published_again_by {
        return Err(RevisionError::Again { seq, by });
    }
    if row.envelope.is_empty() {
        return Err(RevisionError::Gone(seq));
    }
    let (standard, summary) = summary(&row)?;
    check_ledger(&mut tx, standard, &summary, seq).await?;
    check::comes_back(&mut tx, standard, seq, &summary).await?;
    let correction = Correction {
        supersedes: Named { seq, pae: row.pae },
        reason: decision.reason.to_owned(),
        summary,
    };
    let of = (Kind::Correction, (row.period, standard));
    let by = seal::queue(&mut tx, key, of.0, of.1, &correction, now.as_second()).await?;
    noted(&mut tx, decision, (by, "month published again"), now).await?;
    tx.commit().await?;
    Ok(by)
}

/// The statement that an approver decides about, and how it stands.
async fn judged(
    connection: &mut SqliteConnection,
    decision: &Decision<'_>,
) -> Result<(OutboxRow, StatementRow), RevisionError> {
    let role: Option<String> = sqlx::query_scalar("SELECT role FROM people WHERE name = $1")
        .bind(decision.person)
        .fetch_optional(&mut *connection)
        .await?;
    if role.as_deref() != Some("approver") {
        return Err(RevisionError::NotApprover(decision.person.to_owned()));
    }
    check_reason(decision.reason)?;
    let unknown = || RevisionError::Unknown(decision.seq);
    let row = outbox::of(&mut *connection, decision.seq).await?;
    let standing = overview::statement(connection, decision.seq).await?;
    row.zip(standing).ok_or_else(unknown)
}

/// Writes down who decided what, beside its statement.
async fn noted(
    connection: &mut SqliteConnection,
    decision: &Decision<'_>,
    (by, action): (u64, &str),
    now: Timestamp,
) -> Result<(), StoreError> {
    let revision = Revision {
        seq: by,
        target: decision.seq,
        reason: decision.reason,
        person: decision.person,
        decided_at: now.as_second(),
    };
    revisions::insert(&mut *connection, &revision).await?;
    let detail = format!("statement {}, by statement {by}", decision.seq);
    audit::append(connection, now, decision.person, action, &detail).await
}

/// The standard and the summary that a statement of ours brought, as it was signed.
fn summary(row: &OutboxRow) -> Result<(&'static Standard, LearningSummary), StoreError> {
    let damaged = || StoreError::Corrupt {
        table: "outbox",
        column: "envelope",
        row: row.seq.to_string(),
    };
    let (standard, summary) = match row.kind {
        Kind::Correction => {
            let body = body::<Correction>(row).ok_or_else(damaged)?;
            (body.standard, body.payload.summary)
        }
        _ => {
            let body = body::<LearningSummary>(row).ok_or_else(damaged)?;
            (body.standard, body.payload)
        }
    };
    let standard = Standard::of(standard).ok_or_else(damaged)?;
    Ok((standard, summary))
}

/// What a statement in the outbox says.
pub(crate) fn body<P: DeserializeOwned>(row: &OutboxRow) -> Option<Body<P>> {
    let unverified = Unverified::parse(&row.envelope).ok()?;
    serde_json::from_slice(unverified.unverified_body()).ok()
}

/// A month is drawn once: where the ledger holds it, it holds these cells. An epoch whose ledger was lost has only what was sent.
async fn check_ledger(
    connection: &mut SqliteConnection,
    standard: &'static Standard,
    summary: &LearningSummary,
    seq: u64,
) -> Result<(), RevisionError> {
    let Some(lep) = enrolment::lep(&mut *connection).await? else {
        return Err(QueueError::NotEnrolled.into());
    };
    let (epoch, month) = (summary.noise.epoch, summary.noise.month);
    let codebook = Codebook::new(&lep, &summary.pledges);
    let months = ledger::months(connection, &codebook, standard, epoch).await?;
    let Some(drawn) = months.get(month.wrapping_sub(1)) else {
        return match months.is_empty() && epoch == 1 {
            true => Ok(()),
            false => Err(RevisionError::OtherCells(seq)),
        };
    };
    let published = drawn
        .tables
        .iter()
        .flat_map(|t| t.published.iter().copied());
    if !published.eq(summary.cells()) {
        return Err(RevisionError::OtherCells(seq));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
