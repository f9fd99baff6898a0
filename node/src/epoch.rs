//! A second epoch of the ledger: what a node does that has lost its ledger and has no backup of it.
//!
//! Without the exact entries of earlier months the next month cannot be filtered, and guessing them would break the guarantee. So the node
//! begins anew, with fresh noise that costs every enrolment another budget (disclosure.md, "Ledger"). That is a deliberate act of two
//! people: a coordinator asks and says why, an approver who is somebody else confirms. Both stand in the audit trail, the second epoch
//! in every later release and beside every figure. There is no third.
//!
//! A database that was restored from a backup older than the last summary in the log has lost its ledger too: what it lacks is taken back
//! from the log ([`crate::recover`]), and the months among it are known to no ledger.
//!
//! Nothing is counted a second time: whatever was known by the last published month counts as published, also what came late and had
//! not entered yet; it stays in local figures ([`withheld`]). A month that was drawn and never published is taken back and counted in the
//! second epoch. That is a second draw of it, and paid for: the first epoch's whole budget counts as spent, whatever of it was
//! seen. The aggregator adds the new epoch to its last estimate of the one before.

use jiff::Timestamp;
use ldsp_protocol::accountant::{EPOCHS, Overspent};
use ldsp_protocol::ids::Period;
use ldsp_protocol::standard::{Codebook, Standard};
use serde::de::IgnoredAny;
use sqlx::sqlite::SqliteConnection;

use crate::release::{ReleaseError, histories, reason_in_order};
use crate::revision;
use crate::seal::{QueueError, check_head};
use crate::store::ledger::epochs::{self, Second};
use crate::store::ledger::streams::{self, Stream};
use crate::store::ledger::withheld;
use crate::store::people::same_person;
use crate::store::{Store, StoreError, audit, enrolment, ledger, outbox};

/// Longest reason, in characters.
const REASON: usize = 500;

/// Why a second epoch is not begun. [`EpochError::next`] says what to do.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum EpochError {
    #[error(
        "the ledger is whole: nothing is lost, and a second epoch would double what everybody has to bear"
    )]
    Whole,
    #[error("nothing was published yet, so there is nothing to go on from")]
    Nothing,
    #[error("the reason {0}")]
    Reason(String),
    #[error("nobody asked for a second epoch")]
    NotAsked,
    #[error("{0} is not a coordinator of this node")]
    NotCoordinator(String),
    #[error("{0} is not an approver of this node")]
    NotApprover(String),
    #[error("{0} asked for it and may not confirm it")]
    OwnWork(String),
    #[error(transparent)]
    Overspent(#[from] Overspent),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for EpochError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl EpochError {
    /// What to do next.
    #[must_use]
    pub fn next(&self) -> &'static str {
        match self {
            Self::Whole => "Nothing is to be done; releases go on as before.",
            Self::Nothing => "Restore the backup, or begin with a fresh data directory.",
            Self::Reason(_) => {
                "Say with `--reason` what was lost and why no backup can be restored. It is shown to everybody who asks what this node has cost: name no learner."
            }
            Self::NotAsked => {
                "A coordinator asks first: `ldsp-node ledger new-epoch --as NAME --reason TEXT`."
            }
            Self::NotCoordinator(_) => {
                "Ask a person with the role coordinator; `ldsp-node people list` shows who that is."
            }
            Self::NotApprover(_) => {
                "Ask a person with the role approver; `ldsp-node people list` shows who that is."
            }
            Self::OwnWork(_) => "Ask another approver.",
            Self::Overspent(error) => error.next(),
            Self::Queue(error) => error.next(),
            Self::Store(error) => error.next(),
        }
    }
}

/// Whether the ledger can be gone on from; `Err` tells what is lost.
///
/// # Errors
/// The inner result: what is wrong with the ledger. The outer: the database cannot be used.
pub async fn check(connection: &mut SqliteConnection) -> Result<Result<usize, String>, StoreError> {
    let lep = enrolment::lep(&mut *connection).await?;
    let Some(lep) = lep else { return Ok(Ok(0)) };
    match going_on(connection, &Codebook::new(&lep, &[])).await {
        Ok(months) => Ok(Ok(months)),
        Err(ReleaseError::Store(error)) if !matches!(error, StoreError::Corrupt { .. }) => {
            Err(error)
        }
        Err(error) => Ok(Err(error.to_string())),
    }
}

/// Months in the present epoch of the ledger of every standard that goes on: of the longest.
async fn going_on(
    connection: &mut SqliteConnection,
    codebook: &Codebook,
) -> Result<usize, ReleaseError> {
    let mut streams = streams::begun(&mut *connection).await?;
    if let Some(next) = streams::next(&mut *connection).await? {
        streams.retain(|s| s.publishes(next));
    }
    let histories = histories(connection, codebook, &streams).await?;
    Ok(histories.iter().map(|h| h.months.len()).max().unwrap_or(0))
}

/// A coordinator asks for a second epoch. Nothing changes before somebody else confirms it.
///
/// # Errors
/// [`EpochError`]; nothing was changed.
pub async fn ask(
    store: &Store,
    author: &str,
    reason: &str,
    now: Timestamp,
) -> Result<Second, EpochError> {
    let mut tx = store.write().await?;
    if role(&mut tx, author).await?.as_deref() != Some("coordinator") {
        return Err(EpochError::NotCoordinator(author.to_owned()));
    }
    let reason = reason_in_order(reason, REASON).map_err(EpochError::Reason)?;
    let (after, _) = last_published(&mut tx).await?;
    let second = Second {
        after,
        reason: reason.clone(),
        asked: (author.to_owned(), now.as_second()),
        confirmed: None,
    };
    epochs::ask(&mut tx, &second).await?;
    let detail = format!("after {}: {reason}", second.after);
    audit::append(&mut tx, now, author, "second epoch asked for", &detail).await?;
    tx.commit().await?;
    Ok(second)
}

/// An approver, not the one who asked, confirms it: the next release is the first month of the second epoch.
///
/// # Errors
/// [`EpochError`]; nothing was changed.
pub async fn confirm(store: &Store, approver: &str, now: Timestamp) -> Result<Second, EpochError> {
    let mut tx = store.write().await?;
    if role(&mut tx, approver).await?.as_deref() != Some("approver") {
        return Err(EpochError::NotApprover(approver.to_owned()));
    }
    let asked = epochs::second(&mut tx).await?.ok_or(EpochError::NotAsked)?;
    if same_person(approver, &asked.asked.0) {
        return Err(EpochError::OwnWork(approver.to_owned()));
    }
    // What was true when it was asked for may be true no more: a backup may have been restored.
    let (after, ahead) = last_published(&mut tx).await?;
    if after != asked.after {
        return Err(EpochError::NotAsked);
    }
    let mut taken_back = String::new();
    for period in drawn_after(&mut tx, after).await? {
        withheld::forget(&mut tx, period).await?;
        taken_back += &if ahead.is_empty() || after.next() != Some(period) {
            format!("; {period} was drawn and not published, and is counted again")
        } else {
            let published: Vec<String> = ahead.iter().map(|s| s.title()).collect();
            let published = published.join(" and ");
            format!(
                "; {period} was published under {published} only, and is counted again under what is new"
            )
        };
    }
    epochs::confirm(&mut tx, approver, now.as_second()).await?;
    if let Some(month) = after.next() {
        streams::ahead(&mut tx, &ahead, month).await?;
    }
    let marked = withheld::close(&mut tx, after).await?;
    let detail = format!(
        "after {after}; {marked} enrolments had facts of earlier months that stay local{taken_back}"
    );
    audit::append(&mut tx, now, approver, "second epoch confirmed", &detail).await?;
    let begun = epochs::second(&mut tx).await?.ok_or(EpochError::NotAsked)?;
    tx.commit().await?;
    Ok(begun)
}

async fn role(connection: &mut SqliteConnection, name: &str) -> Result<Option<String>, StoreError> {
    let role = sqlx::query_scalar("SELECT role FROM people WHERE name = $1")
        .bind(name)
        .fetch_optional(connection)
        .await?;
    Ok(role)
}

/// The last month that was published, if a second epoch may follow it; with standards under which one more was ([`halves`]).
async fn last_published(
    connection: &mut SqliteConnection,
) -> Result<(Period, Vec<&'static Standard>), EpochError> {
    let present = epochs::present(&mut *connection).await?.number;
    if present == EPOCHS {
        return Err(Overspent::Epoch(present + 1).into());
    }
    if let Some(place) = enrolment::read(&mut *connection).await? {
        // A database that is behind the log does not know what was published: only one that is not can be whole.
        check_head(&mut *connection, &place).await?;
    }
    if check(&mut *connection).await?.is_ok() {
        return Err(EpochError::Whole);
    }
    let queued: Option<i64> =
        sqlx::query_scalar("SELECT max(period) FROM outbox WHERE kind = 'learning-summary'")
            .fetch_one(&mut *connection)
            .await?;
    let last = queued.and_then(ledger::period).ok_or(EpochError::Nothing)?;
    let ahead = halves(connection, last).await?;
    match last.plus(-1).filter(|_| !ahead.is_empty()) {
        Some(before) => Ok((before, ahead)),
        None => Ok((last, ahead)),
    }
}

/// The standards under which `last`, the last month that the log knows, was published, where another's statement of it is wanting: they
/// leave one after the other, and the database was lost in between. The log takes no later month under that other one before this.
async fn halves(
    connection: &mut SqliteConnection,
    last: Period,
) -> Result<Vec<&'static Standard>, StoreError> {
    let seqs: Vec<i64> = sqlx::query_scalar(
        "SELECT seq FROM outbox WHERE kind = 'learning-summary' AND period = $1 ORDER BY seq",
    )
    .bind(last.index())
    .fetch_all(&mut *connection)
    .await?;
    let mut published = Vec::new();
    for seq in seqs {
        let row = outbox::of(&mut *connection, seq.unsigned_abs()).await?;
        let damaged = || StoreError::Corrupt {
            table: "outbox",
            column: "envelope",
            row: seq.to_string(),
        };
        let row = row.ok_or_else(damaged)?;
        // Both are queued at once, so whatever withdrew the one stands behind the other.
        if row.envelope.is_empty() {
            return Ok(Vec::new());
        }
        let body = revision::body::<IgnoredAny>(&row).ok_or_else(damaged)?;
        published.extend(Standard::of(body.standard));
    }
    let begun = streams::begun(connection).await?;
    let wanting = |s: &Stream| {
        let before = s.first.is_some_and(|first| first < last);
        before && s.publishes(last) && !published.contains(&s.standard)
    };
    Ok(if begun.iter().any(wanting) {
        published
    } else {
        Vec::new()
    })
}

/// Months after `after` that were drawn: of which nothing was published.
async fn drawn_after(
    connection: &mut SqliteConnection,
    after: Period,
) -> Result<Vec<Period>, StoreError> {
    let drawn: Vec<i64> = sqlx::query_scalar(
        "SELECT period FROM releases WHERE period > $1 UNION SELECT period FROM ledger_months WHERE period > $1 ORDER BY 1 DESC",
    )
    .bind(after.index())
    .fetch_all(connection)
    .await?;
    Ok(drawn.into_iter().filter_map(ledger::period).collect())
}

#[cfg(test)]
mod tests;
