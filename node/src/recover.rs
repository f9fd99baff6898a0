//! What the log holds of this node and a restored database does not: the statements that left after the newest backup.
//!
//! They are taken back as they were signed, each checked against the node's own key and the chain, up to the very statement that the log says
//! is the last. The node's sequence then goes on where the log's does. A summary among them is a month whose draw and counts went with
//! the lost database: the ledger does not know it, so it is lost ([`crate::epoch`]), with period, epoch and budget as the summary
//! states them. The one month that is not lost is the one that the backup holds drawn and unapproved, byte for byte as it was
//! published: its approval is all that was missing.
//!
//! What was withdrawn the log gives no more: its withdrawal, later in the sequence, says which statement it was. Where the month was
//! published again, or the backup holds it, its bytes can be made again and compared with that digest; otherwise its place is kept
//! without them, with the log's receipt.

mod fetch;
mod gone;

use std::collections::BTreeMap;

use ed25519_dalek::SigningKey;
use jiff::Timestamp;
use ldsp_protocol::ids::{Digest, Period};
use ldsp_protocol::problem::Drawn;
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::{Kind, Payload};
use ldsp_protocol::summary::LearningSummary;
use sqlx::sqlite::SqliteConnection;

use crate::seal::{self, QueueError, check_restored};
use crate::store::enrolment;
use crate::store::ledger::epochs::{self, Second};
use crate::store::ledger::{streams, withheld};
use crate::store::outbox;
use crate::store::releases::{self, Part, StoredRelease};
use crate::store::revisions::{self, Revision};
use crate::store::{Store, StoreError, audit};
use crate::submit::{self, ReadError};
use crate::transport::Transport;

/// Author and approver of a release that only the log remembers.
pub const LOG: &str = "the log";

/// Why nothing was taken back.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum RecoverError {
    #[error("statement {seq} of this node could not be read from the log: {error}")]
    Read { seq: u64, error: ReadError },
    #[error("what the log gives as statement {seq} of this node is not that statement: {why}")]
    Other { seq: u64, why: String },
    #[error(
        "statement {seq} of this node was withdrawn and its content is gone, and neither this backup nor a later statement tells its month"
    )]
    Month { seq: u64 },
    #[error(
        "statement {seq} of this node was withdrawn, and the log does not say in which epoch of the ledger it was drawn"
    )]
    Epoch { seq: u64 },
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for RecoverError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl RecoverError {
    /// What to do next.
    #[must_use]
    pub fn next(&self) -> &'static str {
        match self {
            Self::Read { .. } => {
                "Try again when the national aggregator can be reached. Nothing was changed."
            }
            Self::Other { .. } => {
                "Nothing was changed. Check that the address is the national aggregator's and tell its operator: the log may be damaged."
            }
            Self::Month { .. } => {
                "Nothing was changed. Restore a newer backup, of after the first release under that data standard: without one this node cannot tell what it published, and may not publish again."
            }
            Self::Epoch { .. } => {
                "Nothing was changed. Ask the national operator to upgrade the aggregator, then try again."
            }
            Self::Queue(error) => error.next(),
            Self::Store(error) => error.next(),
        }
    }
}

/// Takes back what the log holds beyond this database, as last heard ([`crate::enrol::refresh`]). Gives the number of statements: 0 when the
/// database is not behind. `key` is the node's.
///
/// # Errors
/// [`RecoverError`]; nothing was changed.
pub async fn take_back<T: Transport>(
    store: &Store,
    transport: &T,
    key: &SigningKey,
    who: &str,
    now: Timestamp,
) -> Result<usize, RecoverError> {
    let mut reader = store.reader.acquire().await?;
    let Some(place) = enrolment::read(&mut reader).await? else {
        return Ok(0);
    };
    check_restored(&mut reader).await?;
    let ours = outbox::head(&mut reader).await?;
    drop(reader);
    if place.head.seq <= ours.seq {
        return Ok(0);
    }
    let range = fetch::fetch(transport, &place, key, ours, now).await?;
    let mut transaction = store.write().await?;
    if outbox::head(&mut transaction).await? != ours {
        // Another command was quicker.
        return Ok(0);
    }
    let found = gone::resolve(&mut transaction, key, &place, range).await?;
    for found in &found {
        let row = (
            found.seq,
            (found.kind, found.period),
            found.pae,
            found.envelope.as_slice(),
        );
        outbox::take_back(&mut transaction, row, now.as_second()).await?;
        if let Some(held) = &found.held {
            submit::keep(&mut transaction, &place, found.seq, held, now).await?;
        }
    }
    for found in &found {
        if let Some((target, reason)) = &found.names {
            let revision = Revision {
                seq: found.seq,
                target: *target,
                reason,
                person: LOG,
                decided_at: now.as_second(),
            };
            revisions::insert(&mut transaction, &revision).await?;
        }
    }
    let mut months: BTreeMap<Period, Vec<(u64, &'static Standard, &LearningSummary)>> =
        BTreeMap::new();
    for statement in found.iter().filter_map(|f| f.statement.as_ref()) {
        if let (Payload::LearningSummary(summary), Some(period)) =
            (&statement.payload, statement.period)
        {
            let standard = Standard::of(statement.standard).ok_or_else(|| RecoverError::Other {
                seq: statement.seq,
                why: "it follows a data standard that this version does not know".to_owned(),
            })?;
            let of = months.entry(period).or_default();
            of.push((statement.seq, standard, summary));
        }
    }
    for lost in found.iter().filter(|f| f.statement.is_none()) {
        gone::month(&mut transaction, lost, now).await?;
    }
    for (period, published) in &months {
        month(&mut transaction, key, *period, published, now).await?;
    }
    let statements = found.iter().filter_map(|found| found.statement.as_ref());
    let mut needs = Vec::new();
    for statement in statements {
        match &statement.payload {
            Payload::DemandSummary(it) => needs.push((statement.seq, it.as_ref(), None)),
            Payload::ProvisionSummary(it) => {
                if let Some((.., provision)) = needs.last_mut() {
                    *provision = Some((statement.seq, it.as_ref()));
                }
            }
            _ => {}
        }
    }
    crate::needs::recover::take_back(&mut transaction, &needs, now).await?;
    let detail = format!(
        "statements {} to {}, {} months among them",
        ours.seq + 1,
        place.head.seq,
        months.len()
    );
    audit::append(
        &mut transaction,
        now,
        who,
        "taken back from the log",
        &detail,
    )
    .await?;
    transaction.commit().await?;
    Ok(found.len())
}

/// Writes what the log holds of a month: the release that waits for approval, if it is that one, else one that no ledger knows.
async fn month(
    connection: &mut SqliteConnection,
    key: &SigningKey,
    period: Period,
    published: &[(u64, &'static Standard, &LearningSummary)],
    now: Timestamp,
) -> Result<(), RecoverError> {
    let at = now.as_second();
    let payload = |summary: &LearningSummary| {
        serde_json::to_vec(summary).expect("a summary holds strings, integers and lists only")
    };
    let held = releases::of(&mut *connection, period).await?;
    let is_it = |release: &StoredRelease| {
        let mut published = published.iter();
        let same = |part: &Part, summary| part.payload == payload(summary);
        published.all(|(_, standard, s)| release.under(standard).is_some_and(|p| same(p, s)))
    };
    let (waiting, other) = match held {
        Some(release) if is_it(&release) => (Some(release), false),
        other => (None, other.is_some()),
    };
    if other {
        withheld::forget(&mut *connection, period).await?;
    }
    for (_, standard, summary) in published {
        let drawn = Drawn {
            epoch: summary.noise.epoch,
            month: summary.noise.month,
        };
        begun(&mut *connection, standard, period, drawn, at).await?;
    }
    let mut seqs: Vec<(&Standard, u64)> = published.iter().map(|(n, s, _)| (*s, *n)).collect();
    if let Some(release) = &waiting {
        // Both halves were approved under one digest: what did not reach the log goes after what did.
        for part in &release.parts {
            if seqs.iter().all(|(standard, _)| *standard != part.standard) {
                let summary: LearningSummary =
                    serde_json::from_slice(&part.payload).map_err(|_| StoreError::Corrupt {
                        table: "release_statements",
                        column: "payload",
                        row: period.to_string(),
                    })?;
                let of = (Some(period), part.standard);
                let kind = Kind::LearningSummary;
                let seq = seal::queue(&mut *connection, key, kind, of, summary, at).await?;
                seqs.push((part.standard, seq));
            }
        }
    } else {
        let part = |(_, standard, summary): &(u64, &'static Standard, &LearningSummary)| Part {
            standard,
            epoch: summary.noise.epoch,
            month: summary.noise.month,
            payload: payload(summary),
            seq: None,
        };
        let mut release = StoredRelease {
            period,
            parts: published.iter().map(part).collect(),
            digest: Digest::ZERO,
            author: LOG.to_owned(),
            prepared_at: at,
            approved: None,
        };
        release.digest = Digest::of(&release.bytes());
        releases::insert(&mut *connection, &release).await?;
    }
    releases::approve(connection, period, LOG, at, &seqs).await?;
    Ok(())
}

/// Writes that the standard's stream, and the epoch, of a month that the log holds have begun, where the database does not know it.
async fn begun(
    connection: &mut SqliteConnection,
    standard: &'static Standard,
    period: Period,
    drawn: Drawn,
    at: i64,
) -> Result<(), StoreError> {
    let streams = streams::begun(&mut *connection).await?;
    if streams.iter().all(|s| s.standard != standard) {
        let before: i64 = sqlx::query_scalar(
            "SELECT coalesce(max(month), 0) FROM release_statements WHERE period < $1 AND standard = (SELECT max(standard) FROM ledger_standards) \
             AND epoch = (SELECT max(epoch) FROM release_statements WHERE standard = (SELECT max(standard) FROM ledger_standards))",
        )
        .bind(period.index())
        .fetch_one(&mut *connection)
        .await?;
        let before = usize::try_from(before).unwrap_or(0);
        streams::begin(&mut *connection, standard, period, before).await?;
    }
    let present = epochs::present(&mut *connection).await?;
    let back = i32::try_from(drawn.month).ok();
    let after = back.and_then(|back| period.plus(-back));
    if let Some(after) = after.filter(|_| drawn.epoch > present.number) {
        let second = Second {
            after,
            reason: "taken from the log, which holds months of a second epoch that the restored database did not know".to_owned(),
            asked: (LOG.to_owned(), at),
            confirmed: None,
        };
        epochs::ask(&mut *connection, &second).await?;
        epochs::confirm(&mut *connection, LOG, at).await?;
        withheld::close(connection, after).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
