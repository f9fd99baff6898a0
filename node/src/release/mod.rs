//! Releases: prepared once by a coordinator or the schedule, shown in plain words, approved by somebody else.

mod approve;
pub(crate) mod figures;
mod prepare;
pub(crate) mod preview;
mod refuse;
pub mod report;
pub mod rules;
mod show;
#[cfg(test)]
mod tests;

use ldsp_protocol::accountant::Overspent;
use ldsp_protocol::additivity::AdditivityError;
use ldsp_protocol::ids::{Digest, Period};
use ldsp_protocol::standard::Codebook;
use ldsp_protocol::summary::LearningSummary;
use sqlx::sqlite::SqliteConnection;

pub use approve::{Approval, approve};
pub(crate) use prepare::prepare_in;
pub(crate) use prepare::rho as chosen_rho;
pub use prepare::{Prepared, Request, SCHEDULE, next_period, prepare, prepare_watched, waiting};
pub(crate) use refuse::in_order as reason_in_order;
pub use refuse::{Refusal, refuse};
pub(crate) use show::approvers;
pub use show::{
    Interval, Shown, ShownFamily, ShownRefusal, ShownStatement, ShownTable, show, title,
};

use crate::disclosure::{LedgerMonth, ProtectError};
use crate::seal::QueueError;
use crate::store::ledger::streams::{self, Stream};
use crate::store::{StoreError, ledger, releases};
use crate::work::Cancelled;

/// Why a release is refused. [`ReleaseError::next`] says what to do.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ReleaseError {
    #[error("this node has no LEP yet")]
    NoIdentity,
    #[error("nobody has chosen the month in which the published history of this node begins")]
    NoFirst,
    #[error("{} has not ended yet in London", .0.in_words())]
    NotEnded(Period),
    #[error("the release of {} waits for approval", .0.in_words())]
    Open(Period),
    #[error("the history of this node begins with {}, and the first month is chosen once", .0.in_words())]
    First(Period),
    #[error("the next month is {}, not {}", .next.in_words(), .asked.in_words())]
    Order { asked: Period, next: Period },
    #[error("months after 2199 cannot be released")]
    Calendar,
    #[error(
        "rho_micro is {asked}, but the first month was published with {begun}: the budget stays the same"
    )]
    Rho { asked: u64, begun: u64 },
    #[error(
        "rho_micro is {asked}, but before the ledger was lost this node published with {before}: a second epoch costs everybody another budget, and it may not be a larger one"
    )]
    RhoRaised { asked: u64, before: u64 },
    #[error("the ledger lacks months that were released; noise drawn twice gives people away")]
    LedgerLost,
    #[error("all records here are made up, and nothing made up is published")]
    Sample,
    #[error("no release waits for approval")]
    NothingOpen,
    #[error("there is no release of {}", .0.in_words())]
    Unknown(Period),
    #[error("{0} is not a coordinator of this node")]
    NotCoordinator(String),
    #[error("{0} is not an approver of this node")]
    NotApprover(String),
    #[error("{0} prepared this release and may not approve it")]
    OwnWork(String),
    #[error(
        "the digest {} is not that of the stored release, {}: what was looked at is not what would leave. Nothing was signed", .said.in_blocks(), .stored.in_blocks()
    )]
    Digest { said: Digest, stored: Digest },
    #[error("the reason {0}")]
    Reason(String),
    #[error("the release of {} was approved by {by} and is statement {seq}", .period.in_words())]
    Already {
        period: Period,
        by: String,
        seq: u64,
    },
    #[error("this release breaks a rule, so nothing was signed: {0}")]
    Rule(String),
    #[error("the published tables do not fit together: {0}")]
    Estimates(#[from] AdditivityError),
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    #[error(transparent)]
    Overspent(#[from] Overspent),
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
            Self::NoFirst => "no-first-month",
            Self::NotEnded(_) => "not-ended",
            Self::Open(_) => "open-release",
            Self::First(_) => "first-month",
            Self::Order { .. } => "order",
            Self::Calendar => "calendar",
            Self::Rho { .. } => "rho",
            Self::RhoRaised { .. } => "rho-raised",
            Self::LedgerLost => "ledger-lost",
            Self::Sample => "sample",
            Self::NothingOpen => "nothing-open",
            Self::Unknown(_) => "unknown-release",
            Self::NotCoordinator(_) | Self::NotApprover(_) => "role",
            Self::OwnWork(_) => "own-work",
            Self::Digest { .. } => "digest",
            Self::Reason(_) => "reason",
            Self::Already { .. } => "already-approved",
            Self::Rule(_) => "rule",
            Self::Estimates(_) => "estimates",
            Self::Cancelled(_) => "cancelled",
            Self::Overspent(_) => "privacy-budget",
            Self::Protect(_) => "protect",
            Self::Queue(error) => error.code(),
            Self::Store(_) => "storage",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn next(&self) -> &'static str {
        match self {
            Self::NoIdentity => "An admin chooses it on the page Choose the LEP.",
            Self::NoFirst => {
                "A coordinator chooses it on the page Releases: the month in which the LEP began to record, or a later one, never one that is taken from learners\u{2019} records. It is public and stays."
            }
            Self::NotEnded(_) => "Prepare it after the month's last day.",
            Self::Open(_) => {
                "Have an approver look at it on the page Releases and approve it; the next month follows."
            }
            Self::First(_) => "Leave the first month out.",
            Self::Order { .. } => {
                "Leave the month out: months are released in order, one each, quiet ones too."
            }
            Self::Calendar => "Ask the national operator which data standard comes next.",
            Self::Rho { .. } => "Set rho_micro back in the configuration.",
            Self::RhoRaised { .. } => {
                "Set rho_micro to that or less in the configuration, or leave it out."
            }
            Self::LedgerLost => {
                "Tell the IT team: the newest backup of the data directory has to be restored. If there is none, two people can begin a second epoch on the server."
            }
            Self::NothingOpen | Self::Unknown(_) => {
                "A coordinator prepares one on the page Releases, which says what month is next."
            }
            Self::Sample => "Remove them first, on the first page, and import real ones.",
            Self::NotCoordinator(_) => "Ask a coordinator; an admin adds one on the page People.",
            Self::NotApprover(_) => "Ask an approver; an admin adds one on the page People.",
            Self::OwnWork(_) => "Ask another approver.",
            Self::Digest { .. } => {
                "Open the release again, read it, and approve or refuse what it shows then."
            }
            Self::Already { .. } => "Nothing is left to do: the node sends it by itself.",
            Self::Reason(_) => {
                "Say in a sentence or two what is wrong, without anything that tells of a person."
            }
            Self::Estimates(_) => {
                "Tell the national operator: the program and its data standard do not agree."
            }
            Self::Rule(_) => {
                "Upgrade this program if a newer version is out; otherwise tell the national operator the rule. Nothing was signed."
            }
            Self::Cancelled(_) => {
                "Nothing was stored and nothing was drawn. Prepare the month again when it shall be."
            }
            Self::Overspent(error) => error.next(),
            Self::Protect(error) => error.next(),
            Self::Queue(error) => error.next(),
            Self::Store(error) => error.next(),
        }
    }

    /// The same for somebody at a terminal.
    #[must_use]
    pub fn next_by_command(&self) -> &'static str {
        match self {
            Self::NoIdentity => "Choose it: `ldsp-node lep --set CODE`.",
            Self::NoFirst => {
                "A coordinator chooses it with `ldsp-node release prepare --first YYYY-MM`: the month in which the LEP began to record, or a later one, never one that is taken from learners\u{2019} records. It is public and stays."
            }
            Self::Open(_) => {
                "Have an approver look at it with `ldsp-node release show` and approve it; the next month follows."
            }
            Self::First(_) => "Leave `--first` out.",
            Self::LedgerLost => {
                "Restore the newest backup of the data directory. If there is none, two people can begin a second epoch with `ldsp-node ledger new-epoch`."
            }
            Self::NothingOpen | Self::Unknown(_) => {
                "Prepare one with `ldsp-node release prepare`; `ldsp-node status` shows which month is next."
            }
            Self::Sample => {
                "Remove them first, with `ldsp-node sample remove`, and import real ones."
            }
            Self::NotCoordinator(_) => {
                "Ask a coordinator, or add one with `ldsp-node people add NAME --role coordinator`."
            }
            Self::NotApprover(_) => {
                "Ask an approver, or add one with `ldsp-node people add NAME --role approver`."
            }
            Self::Digest { .. } => {
                "Show the release again with `ldsp-node release show` and approve the digest that it prints."
            }
            Self::Already { .. } => {
                "Nothing is left to do; `ldsp-node publish` sends what is queued."
            }
            Self::Queue(error) => error.next_by_command(),
            _ => self.next(),
        }
    }

    /// Whether it only means that there is nothing to do at the moment.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        matches!(self, Self::NoFirst | Self::NotEnded(_) | Self::Open(_))
    }
}

/// A stream with everything of its present epoch.
pub(crate) struct History {
    pub(crate) stream: Stream,
    /// Its months, in order.
    pub(crate) months: Vec<LedgerMonth>,
    /// The last summary; `None` before the first month.
    pub(crate) last: Option<LearningSummary>,
}

/// The streams that will publish the month `next`, with their ledgers, each checked: every release of its present epoch has its ledger month
/// and the other way round; the last one says what the ledger says. Both are written in one transaction, so anything else is a loss.
/// A stream that has ended is not needed to go on.
pub(crate) async fn histories(
    connection: &mut SqliteConnection,
    codebook: &Codebook,
    streams: &[Stream],
) -> Result<Vec<History>, ReleaseError> {
    let mut histories = Vec::with_capacity(streams.len());
    for stream in streams {
        let (standard, epoch) = (stream.standard, stream.epoch);
        let months = ledger::months(&mut *connection, codebook, standard, epoch).await?;
        let released = releases::ends(&mut *connection, standard, epoch).await?;
        let number = released.as_ref().map_or(0, |(.., number)| *number);
        let last = released.as_ref().map(|(_, last, _)| last);
        if number != months.len()
            || last.map(|r| r.period) != months.last().map(|m| m.period)
            || (stream.first.is_some() && stream.after.is_none() && months.is_empty())
        {
            return Err(ReleaseError::LedgerLost);
        }
        let last = last.zip(months.last());
        histories.push(History {
            stream: *stream,
            last: last.map(|(r, m)| check_payload(r, m)).transpose()?,
            months,
        });
    }
    check_sent(connection, &histories).await?;
    Ok(histories)
}

/// No summary was sealed for a month that no ledger knows: one stream at least goes on from month to month.
async fn check_sent(
    connection: &mut SqliteConnection,
    histories: &[History],
) -> Result<(), ReleaseError> {
    let queued: Option<i64> =
        sqlx::query_scalar("SELECT max(period) FROM outbox WHERE kind = 'learning-summary'")
            .fetch_one(&mut *connection)
            .await?;
    // What a lost epoch published is known to be lost, also under a standard that has no part in the month at hand.
    let lost = streams::begun(&mut *connection).await?;
    let lost = lost.iter().filter_map(|s| s.after);
    let drawn = histories
        .iter()
        .filter_map(|h| h.months.last().map(|m| m.period));
    let known = drawn.chain(lost).max();
    let known = known.map(|period| i64::from(period.index()));
    if queued > known {
        return Err(ReleaseError::LedgerLost);
    }
    Ok(())
}

/// The stored payload under the month's standard publishes exactly what the ledger holds. Gives it parsed.
fn check_payload(
    release: &releases::StoredRelease,
    month: &LedgerMonth,
) -> Result<LearningSummary, ReleaseError> {
    let damaged = || StoreError::Corrupt {
        table: "release_statements",
        column: "payload",
        row: release.period.to_string(),
    };
    let part = release.under(month.standard).ok_or_else(damaged)?;
    let summary: LearningSummary = serde_json::from_slice(&part.payload).map_err(|_| damaged())?;
    let same = summary.tables.len() == month.tables.len()
        && summary
            .tables
            .iter()
            .zip(&month.tables)
            .all(|(published, kept)| published.cells == kept.published);
    // Sealing writes the parsed payload again: it has to give the bytes that were looked at.
    let verbatim = serde_json::to_vec(&summary).is_ok_and(|bytes| bytes == part.payload);
    if !same || !verbatim || (part.epoch, part.month) != (month.epoch, month.month) {
        return Err(damaged().into());
    }
    Ok(summary)
}
