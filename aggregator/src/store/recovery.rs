//! What is kept of a log that lacks leaves: why it stopped, what it has to agree with, who was asked, what came back. All of it is
//! empty while the log is whole. The commands are few and small, and both databases know their text, so it is written once.

use std::collections::BTreeMap;
use std::future::Future;

use jiff::Timestamp;
use ldsp_protocol::ids::{Digest, NodeSlug};
use ldsp_protocol::log::Edge;

use super::{Growth, NewOwn, NewStatement, Outcome, OwnEffect, Sign, Turn};

/// Why a log signs nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// An operator said that its database was restored.
    Told,
    /// It was shown its own checkpoint of more leaves than it has.
    Larger,
    /// It was shown its own checkpoint, or receipt, of other leaves than it has.
    Other,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 3] = [Self::Told, Self::Larger, Self::Other];

    /// As stored and answered.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Told => "told",
            Self::Larger => "larger",
            Self::Other => "other",
        }
    }
}

/// What stops a log.
#[derive(Debug, Clone, Copy)]
pub enum Shown<'a> {
    /// An operator's word that its database was restored.
    Restored,
    /// Its own checkpoint of more leaves than it has.
    Claim(&'a Claim),
    /// Its own checkpoint, or receipt, of other leaves than it has.
    Fork(&'a Fork),
}

impl Shown<'_> {
    /// Why the log stops for it.
    #[must_use]
    pub fn cause(&self) -> Cause {
        match self {
            Self::Restored => Cause::Told,
            Self::Claim(_) => Cause::Larger,
            Self::Fork(_) => Cause::Other,
        }
    }
}

/// What a log did that was shown something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// It stopped by this very call.
    Now,
    /// It was stopped, and stays so for its first cause.
    Already,
    /// It goes on: an operator has settled this fork.
    Settled,
}

/// A time in which the log signs nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub cause: Cause,
    /// The operator, or whose checkpoint it was.
    pub said_by: String,
    /// Why the last attempt to put leaves back failed.
    pub trouble: Option<String>,
    /// Until when; `None` while it lasts.
    pub ended: Option<Timestamp>,
    /// The operator who decided that the log goes on; `None` where nobody had to.
    pub decided: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

/// A checkpoint by the log's own key that it has to agree with before it signs anything new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Number of leaves.
    pub size: u64,
    /// Root of their tree.
    pub root: Digest,
    /// The signed note.
    pub note: String,
    /// Who showed it.
    pub said_by: String,
}

/// That a node has said what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// When, for the last time.
    pub at: Timestamp,
    /// The operator who decided to go on without it.
    pub excused: Option<String>,
}

/// A statement that came back with a receipt that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedLeaf {
    /// Its place in the log.
    pub leaf: u64,
    /// The leaf's record.
    pub record: Vec<u8>,
    /// C2SP tlog-proof.
    pub receipt: String,
    /// Exact envelope bytes; empty in lists.
    pub envelope: Vec<u8>,
    /// When it came back.
    pub received: Timestamp,
}

/// Proof that the log signed two histories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    /// Number of leaves of both checkpoints, or the leaf of both receipts.
    pub place: u64,
    /// Root of the other tree, or digest of the other statement.
    pub id: Digest,
    /// Checkpoint or receipt that this log stands by.
    pub ours: String,
    /// Checkpoint or receipt that it was shown.
    pub theirs: String,
    /// Who showed it.
    pub said_by: String,
    /// When.
    pub found: Timestamp,
    /// When an operator decided to go on.
    pub settled: Option<Timestamp>,
}

/// A leaf as it goes back to its place.
#[derive(Debug, Clone)]
pub enum Returned {
    /// A node's statement.
    Node(Box<NewStatement>),
    /// One of the log's own.
    Own(Box<ReturnedOwn>),
}

/// A statement of the log's own as it goes back to its place.
#[derive(Debug, Clone)]
pub struct ReturnedOwn {
    /// The statement.
    pub new: NewOwn,
    /// Where it stands.
    pub turn: Turn,
    /// What it changes.
    pub effect: OwnEffect,
}

/// How a leaf fared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Back {
    /// It is in its place.
    Placed(Growth),
    /// The log moved on meanwhile; nothing was changed.
    Moved,
    /// It does not fit there; nothing was changed.
    Refused(String),
}

/// A log that lacks leaves. Every method is one durable transaction.
pub trait Recovery: Send + Sync + 'static {
    /// From now on nothing new is signed, by no process and after no restart, and what was shown is kept: both in the same
    /// transaction, so that no process lets the log sign in between.
    fn stop(
        &self,
        shown: Shown<'_>,
        said_by: &str,
        at: Timestamp,
    ) -> impl Future<Output = Outcome<Stopped>> + Send;
    /// Stops, 20 at most: the one that has not ended first, if the log is stopped, then by their times, newest first.
    fn stops(&self) -> impl Future<Output = Outcome<Vec<Stop>>> + Send;
    /// Notes why leaves cannot be put back, or that there is no such reason.
    fn note_trouble(&self, trouble: Option<&str>) -> impl Future<Output = Outcome<()>> + Send;
    /// Checkpoints that the log has to agree with, smallest first.
    fn claims(&self) -> impl Future<Output = Outcome<Vec<Claim>>> + Send;
    /// Notes that a node was heard, or is gone on without by the decision of `excused`.
    fn hear(
        &self,
        node: &NodeSlug,
        at: Timestamp,
        excused: Option<&str>,
    ) -> impl Future<Output = Outcome<()>> + Send;
    /// Who was.
    fn heard(&self) -> impl Future<Output = Outcome<BTreeMap<NodeSlug, Heard>>> + Send;
    /// Keeps a statement until it is in its place; the same leaf again replaces it.
    fn stage(&self, leaf: &StagedLeaf) -> impl Future<Output = Outcome<()>> + Send;
    /// Statements from leaf `start` on, in order, without their envelopes.
    fn staged(&self, start: u64) -> impl Future<Output = Outcome<Vec<StagedLeaf>>> + Send;
    /// One whole.
    fn staged_leaf(
        &self,
        leaf: u64,
        record: &[u8],
    ) -> impl Future<Output = Outcome<Option<StagedLeaf>>> + Send;
    /// Drops one that cannot be used; whoever has it sound may send it again.
    fn unstage(&self, leaf: u64, record: &[u8]) -> impl Future<Output = Outcome<()>> + Send;
    /// Proofs of forks, by place: the first for a place and history.
    fn forks(&self) -> impl Future<Output = Outcome<Vec<Fork>>> + Send;
    /// Notes that an operator has seen all forks, and decided that the log goes on as soon as everything is there.
    fn decide(
        &self,
        by: &str,
        reason: &str,
        at: Timestamp,
    ) -> impl Future<Output = Outcome<()>> + Send;
    /// Logs a leaf again in a stopped log whose right edge is `before`, with everything that it adds. The caller has proof that
    /// it stood there.
    fn put_back(
        &self,
        leaf: &Returned,
        before: &Edge,
        sign: Sign<'_>,
    ) -> impl Future<Output = Outcome<Back>> + Send;
    /// Lets a stopped log sign again whose right edge is `edge`, if it has to agree with no larger checkpoint and no fork waits for
    /// an operator; gives whether it does.
    fn resume(&self, edge: &Edge, at: Timestamp) -> impl Future<Output = Outcome<bool>> + Send;
}

/// The trait for a backend that has `begin` (a transaction that alone may write), `reader` (a pool) and `put_back` (its own); what it
/// does when something was withdrawn, so that no copy of it stays, is said last.
macro_rules! recovery {
    ($store:ty, $put_back:path) => {
        impl $crate::store::Recovery for $store {
            async fn stop(&self, shown: Shown<'_>, said_by: &str, at: Timestamp) -> Outcome<Stopped> {
                let mut tx = self.begin().await?;
                if let Shown::Fork(fork) = shown {
                    let settled = query("SELECT 1 FROM log_fork WHERE place = $1 AND id = $2 AND settled IS NOT NULL")
                        .bind(signed(fork.place))
                        .bind(fork.id.as_bytes().as_slice())
                        .fetch_optional(&mut *tx)
                        .await?;
                    if settled.is_some() {
                        return Ok(Stopped::Settled);
                    }
                }
                let stopped = query("UPDATE log_head SET behind = $1 WHERE id = 1 AND behind IS NULL")
                    .bind(at.as_millisecond())
                    .execute(&mut *tx)
                    .await?;
                let stopped = if stopped.rows_affected() == 0 {
                    Stopped::Already
                } else {
                    for sql in ["DELETE FROM log_claim", "DELETE FROM log_heard", "DELETE FROM log_leaf"] {
                        query(sql).execute(&mut *tx).await?;
                    }
                    query(
                        "INSERT INTO log_stop (since, cause, said_by) VALUES ($1, $2, $3)
                         ON CONFLICT (since) DO UPDATE SET ended = NULL",
                    )
                    .bind(at.as_millisecond())
                    .bind(shown.cause().as_str())
                    .bind(said_by)
                    .execute(&mut *tx)
                    .await?;
                    Stopped::Now
                };
                match shown {
                    Shown::Restored => {}
                    Shown::Claim(claim) => {
                        query(
                            "INSERT INTO log_claim (size, root, note, said_by) VALUES ($1, $2, $3, $4)
                             ON CONFLICT (size, root) DO NOTHING",
                        )
                        .bind(signed(claim.size))
                        .bind(claim.root.as_bytes().as_slice())
                        .bind(&claim.note)
                        .bind(&claim.said_by)
                        .execute(&mut *tx)
                        .await?;
                    }
                    Shown::Fork(fork) => {
                        query(
                            "INSERT INTO log_fork (place, id, ours, theirs, said_by, found) VALUES ($1, $2, $3, $4, $5, $6)
                             ON CONFLICT (place, id) DO NOTHING",
                        )
                        .bind(signed(fork.place))
                        .bind(fork.id.as_bytes().as_slice())
                        .bind(&fork.ours)
                        .bind(&fork.theirs)
                        .bind(&fork.said_by)
                        .bind(fork.found.as_millisecond())
                        .execute(&mut *tx)
                        .await?;
                    }
                }
                tx.commit().await?;
                Ok(stopped)
            }

            async fn stops(&self) -> Outcome<Vec<Stop>> {
                let found = query(
                    "SELECT since, cause, said_by, trouble, ended, decided, reason FROM log_stop
                     ORDER BY (ended IS NOT NULL), since DESC LIMIT 20",
                )
                .fetch_all(&self.reader)
                .await?;
                found.iter().map(rows::stop).collect()
            }

            async fn note_trouble(&self, trouble: Option<&str>) -> Outcome<()> {
                let mut tx = self.begin().await?;
                query("UPDATE log_stop SET trouble = $1 WHERE ended IS NULL")
                    .bind(trouble)
                    .execute(&mut *tx)
                    .await?;
                tx.commit().await?;
                Ok(())
            }

            async fn claims(&self) -> Outcome<Vec<Claim>> {
                let found = query("SELECT size, root, note, said_by FROM log_claim ORDER BY size, said_by")
                    .fetch_all(&self.reader)
                    .await?;
                found.iter().map(rows::claim).collect()
            }

            async fn hear(&self, node: &NodeSlug, at: Timestamp, excused: Option<&str>) -> Outcome<()> {
                let mut tx = self.begin().await?;
                query(
                    "INSERT INTO log_heard (node, heard, excused) VALUES ($1, $2, $3)
                     ON CONFLICT (node) DO UPDATE SET heard = excluded.heard, excused = excluded.excused",
                )
                .bind(node.as_str())
                .bind(at.as_millisecond())
                .bind(excused)
                .execute(&mut *tx)
                .await?;
                tx.commit().await?;
                Ok(())
            }

            async fn heard(&self) -> Outcome<BTreeMap<NodeSlug, Heard>> {
                let found = query("SELECT node, heard, excused FROM log_heard")
                    .fetch_all(&self.reader)
                    .await?;
                found.iter().map(rows::heard).collect()
            }

            async fn stage(&self, leaf: &StagedLeaf) -> Outcome<()> {
                let mut tx = self.begin().await?;
                query(
                    "INSERT INTO log_leaf (leaf, record, receipt, envelope, received) VALUES ($1, $2, $3, $4, $5)
                     ON CONFLICT (leaf, record) DO UPDATE SET receipt = excluded.receipt, envelope = excluded.envelope",
                )
                .bind(signed(leaf.leaf))
                .bind(leaf.record.as_slice())
                .bind(&leaf.receipt)
                .bind(leaf.envelope.as_slice())
                .bind(leaf.received.as_millisecond())
                .execute(&mut *tx)
                .await?;
                tx.commit().await?;
                Ok(())
            }

            async fn staged(&self, start: u64) -> Outcome<Vec<StagedLeaf>> {
                let found = query(
                    "SELECT leaf, record, receipt, record AS envelope, received FROM log_leaf
                     WHERE leaf >= $1 ORDER BY leaf, record",
                )
                .bind(signed(start))
                .fetch_all(&self.reader)
                .await?;
                let bare = |row| rows::staged(row).map(|leaf| StagedLeaf { envelope: Vec::new(), ..leaf });
                found.iter().map(bare).collect()
            }

            async fn staged_leaf(&self, leaf: u64, record: &[u8]) -> Outcome<Option<StagedLeaf>> {
                let row = query(
                    "SELECT leaf, record, receipt, envelope, received FROM log_leaf WHERE leaf = $1 AND record = $2",
                )
                .bind(signed(leaf))
                .bind(record)
                .fetch_optional(&self.reader)
                .await?;
                row.as_ref().map(rows::staged).transpose()
            }

            async fn unstage(&self, leaf: u64, record: &[u8]) -> Outcome<()> {
                let mut tx = self.begin().await?;
                query("DELETE FROM log_leaf WHERE leaf = $1 AND record = $2")
                    .bind(signed(leaf))
                    .bind(record)
                    .execute(&mut *tx)
                    .await?;
                tx.commit().await?;
                Ok(())
            }

            async fn forks(&self) -> Outcome<Vec<Fork>> {
                let found = query(
                    "SELECT place, id, ours, theirs, said_by, found, settled FROM log_fork ORDER BY place, found, id",
                )
                .fetch_all(&self.reader)
                .await?;
                found.iter().map(rows::fork).collect()
            }

            async fn decide(&self, by: &str, reason: &str, at: Timestamp) -> Outcome<()> {
                let mut tx = self.begin().await?;
                query("UPDATE log_fork SET settled = $1 WHERE settled IS NULL")
                    .bind(at.as_millisecond())
                    .execute(&mut *tx)
                    .await?;
                query("UPDATE log_stop SET decided = $1, reason = $2, trouble = NULL WHERE ended IS NULL")
                    .bind(by)
                    .bind(reason)
                    .execute(&mut *tx)
                    .await?;
                tx.commit().await?;
                Ok(())
            }

            async fn put_back(&self, leaf: &Returned, before: &Edge, sign: Sign<'_>) -> Outcome<Back> {
                let mut tx = self.begin().await?;
                let head = tree::head(&mut tx).await?;
                if head.behind.is_none() || head.edge != *before {
                    return Ok(Back::Moved);
                }
                let growth = match $put_back(&mut tx, leaf, &head.edge, sign).await {
                    Ok(growth) => growth,
                    // The transaction is dropped, and with it what was written before the trouble.
                    Err(StoreError::Conflict(conflict)) => return Ok(Back::Refused(conflict.to_string())),
                    Err(error) => return Err(error),
                };
                query("DELETE FROM log_leaf WHERE leaf = $1")
                    .bind(signed(before.size()))
                    .execute(&mut *tx)
                    .await?;
                tx.commit().await?;
                if let Returned::Node(new) = leaf
                    && revisions::takes_away(std::slice::from_ref(&**new))
                {
                    self.clear();
                }
                Ok(Back::Placed(growth))
            }

            async fn resume(&self, edge: &Edge, at: Timestamp) -> Outcome<bool> {
                let mut tx = self.begin().await?;
                let resumed = query(
                    "UPDATE log_head SET behind = NULL WHERE id = 1 AND behind IS NOT NULL AND size = $1 AND edge = $2
                     AND NOT EXISTS (SELECT 1 FROM log_claim WHERE log_claim.size > $1)
                     AND NOT EXISTS (SELECT 1 FROM log_fork WHERE settled IS NULL)",
                )
                .bind(signed(edge.size()))
                .bind(edge.to_bytes())
                .execute(&mut *tx)
                .await?;
                if resumed.rows_affected() == 0 {
                    return Ok(false);
                }
                query("UPDATE log_stop SET ended = $1, trouble = NULL WHERE ended IS NULL")
                    .bind(at.as_millisecond())
                    .execute(&mut *tx)
                    .await?;
                for sql in ["DELETE FROM log_claim", "DELETE FROM log_heard", "DELETE FROM log_leaf"] {
                    query(sql).execute(&mut *tx).await?;
                }
                tx.commit().await?;
                Ok(true)
            }
        }
    };
}
pub(super) use recovery;
