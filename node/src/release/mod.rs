//! Releases: prepared once by an author or the schedule, shown in plain words, approved by somebody else.

mod approve;
mod prepare;
mod show;

use ldsp_protocol::ids::Period;
use sqlx::sqlite::SqliteConnection;

pub use approve::{Approval, approve};
pub use prepare::{Prepared, Request, SCHEDULE, next_period, prepare};
pub use show::{Shown, ShownTable, show, title};

use crate::disclosure::{LedgerMonth, ProtectError};
use crate::seal::QueueError;
use crate::store::{StoreError, releases};

/// Why a release is refused.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ReleaseError {
    #[error("this node has no LEP yet. Run `ldsp-node init` first")]
    NoIdentity,
    #[error(
        "there is nothing to release: no enrolment of the area is held. Import learners, or name the first month with `--first YYYY-MM`"
    )]
    NoData,
    #[error("{} has not ended. Release it from {} on", .0.in_words(), .0.next().map_or(String::new(), |n| n.first_day().to_string()))]
    NotEnded(Period),
    #[error("the release of {} waits for approval. Approve it before the next month is prepared", .0.in_words())]
    Open(Period),
    #[error("the history of this node begins with {}. The first month is chosen once", .0.in_words())]
    First(Period),
    #[error("the next month is {}, not {}. Months are released in order, one each", .next.in_words(), .asked.in_words())]
    Order { asked: Period, next: Period },
    #[error("months after 2199 cannot be released")]
    Calendar,
    #[error(
        "the ledger lacks months that were released. No noise is drawn without it, because noise drawn twice gives people away. Restore the newest backup"
    )]
    LedgerLost,
    #[error("no release waits for approval. Prepare one with `ldsp-node release preview`")]
    NothingOpen,
    #[error("there is no release of {}. Prepare it with `ldsp-node release preview`", .0.in_words())]
    Unknown(Period),
    #[error(
        "{0} may not approve: that takes a person with the role approver. Add one with `ldsp-node people add NAME --role approver`"
    )]
    NotApprover(String),
    #[error("{0} prepared this release, so somebody else has to approve it. Ask another approver")]
    OwnWork(String),
    #[error(
        "the digest is not that of the stored release, so what was looked at is not what would leave. Show the release again and approve the digest that is printed"
    )]
    Digest,
    #[error("the release of {} was approved by {by} and is statement {seq}. Nothing is left to do", .period.in_words())]
    Already {
        period: Period,
        by: String,
        seq: u64,
    },
    #[error(transparent)]
    Protect(#[from] ProtectError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for ReleaseError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl ReleaseError {
    /// Stable, for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoIdentity => "no-identity",
            Self::NoData => "no-data",
            Self::NotEnded(_) => "not-ended",
            Self::Open(_) => "open-release",
            Self::First(_) => "first-month",
            Self::Order { .. } => "order",
            Self::Calendar => "calendar",
            Self::LedgerLost => "ledger-lost",
            Self::NothingOpen => "nothing-open",
            Self::Unknown(_) => "unknown-release",
            Self::NotApprover(_) => "role",
            Self::OwnWork(_) => "own-work",
            Self::Digest => "digest",
            Self::Already { .. } => "already-approved",
            Self::Protect(_) => "protect",
            Self::Queue(error) => error.code(),
            Self::Store(_) => "storage",
        }
    }

    /// Whether it only means that there is nothing to do at the moment.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        matches!(self, Self::NoData | Self::NotEnded(_) | Self::Open(_))
    }
}

/// Every release has its ledger month and the other way round; the last one says what the ledger says. Both are
/// written in one transaction, so anything else is a loss.
async fn check_ledger(
    connection: &mut SqliteConnection,
    ledger: &[LedgerMonth],
) -> Result<(), ReleaseError> {
    let last = releases::last(&mut *connection).await?;
    let queued: Option<i64> =
        sqlx::query_scalar("SELECT max(period) FROM outbox WHERE kind = 'learning-summary'")
            .fetch_one(&mut *connection)
            .await?;
    let drawn = ledger.last().map(|m| i64::from(m.period.index()));
    if releases::number(connection).await? != ledger.len()
        || last.as_ref().map(|r| i64::from(r.period.index())) != drawn
        || queued > drawn
    {
        return Err(ReleaseError::LedgerLost);
    }
    if let Some((release, month)) = last.zip(ledger.last()) {
        check_payload(&release, month)?;
    }
    Ok(())
}

/// The stored payload publishes exactly what the ledger holds. Gives it parsed.
fn check_payload(
    release: &releases::StoredRelease,
    month: &LedgerMonth,
) -> Result<ldsp_protocol::summary::LearningSummary, ReleaseError> {
    let damaged = || StoreError::Corrupt {
        table: "releases",
        column: "payload",
        row: release.period.to_string(),
    };
    let summary: ldsp_protocol::summary::LearningSummary =
        serde_json::from_slice(&release.payload).map_err(|_| damaged())?;
    let same = summary.tables.len() == month.tables.len()
        && summary
            .tables
            .iter()
            .zip(&month.tables)
            .all(|(published, kept)| published.cells == kept.published);
    // Sealing writes the parsed payload again: it has to give the bytes that were looked at.
    let verbatim = serde_json::to_vec(&summary).is_ok_and(|bytes| bytes == release.payload);
    if !same || !verbatim || release.month != month.month {
        return Err(damaged().into());
    }
    Ok(summary)
}
