//! What is kept of a log that lacks leaves: why it stopped, what it has to agree with, who was asked, what came back. All of it is
//! empty while the log is whole.

mod sql;

use std::collections::BTreeMap;
use std::future::Future;

use jiff::Timestamp;
use ldsp_protocol::ids::{Digest, NodeSlug};
use ldsp_protocol::log::Edge;

pub(super) use self::sql::{recovery, settled};

use super::{Growth, NewOwn, NewStatement, Outcome, OwnEffect, Sign, Turn};

/// Proofs that are kept of forks that wait for an operator, and as many of those that were settled: a handful tells who signed what, and
/// whoever has the other history has a proof for each of its checkpoints.
pub(super) const KEPT_FORKS: i64 = 64;

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
    /// … and what it is shown is proof of a fork that is kept already.
    Known,
    /// It goes on, or stays as it was: an operator has settled the fork of which this is one more proof.
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

/// A leaf between two trees that the log signed over: that of all before it, and the one that ends in it. The latter tells histories apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Its place in the log.
    pub leaf: u64,
    /// Root of the tree of all leaves before it.
    pub before: Digest,
    /// Root of the tree that ends in it.
    pub root: Digest,
}

/// A statement that came back with a receipt that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedLeaf {
    /// Where it stands, by its receipt.
    pub link: Link,
    /// The leaf's record.
    pub record: Vec<u8>,
    /// C2SP tlog-proof.
    pub receipt: String,
    /// Exact envelope bytes.
    pub envelope: Vec<u8>,
    /// When it came back.
    pub received: Timestamp,
}

/// Proof that the log signed two histories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    /// Number of leaves of both checkpoints, or the leaf of both receipts.
    pub place: u64,
    /// Root of the other tree: of the checkpoint, that ends in the leaf, or before it where the trees differ there already.
    pub id: Digest,
    /// Number of leaves that both histories share for certain; 0 where the proof does not tell.
    pub agreed: u64,
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

impl Returned {
    /// When it came back.
    #[must_use]
    pub fn received(&self) -> Timestamp {
        match self {
            Self::Node(new) => new.received,
            Self::Own(own) => own.new.received,
        }
    }
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
    /// transaction, so that no process lets the log sign in between. One more proof of a fork that an operator settled is kept and
    /// stops nothing: one at a place where the histories are not known to agree, up to the largest tree that was known to be signed then.
    fn stop(
        &self,
        shown: Shown<'_>,
        said_by: &str,
        at: Timestamp,
    ) -> impl Future<Output = Outcome<Stopped>> + Send;
    /// Stops, 20 at most, in the order in which they began, newest first: it has not ended while the log is stopped.
    fn stops(&self) -> impl Future<Output = Outcome<Vec<Stop>>> + Send;
    /// Notes why leaves cannot be put back, or that there is no such reason.
    fn note_trouble(&self, trouble: Option<&str>) -> impl Future<Output = Outcome<()>> + Send;
    /// The largest checkpoints that the log has to agree with: more than one where it signed several trees of that size.
    fn goals(&self) -> impl Future<Output = Outcome<Vec<Claim>>> + Send;
    /// Notes that a node was heard, or is gone on without by the decision of `excused`.
    fn hear(
        &self,
        node: &NodeSlug,
        at: Timestamp,
        excused: Option<&str>,
    ) -> impl Future<Output = Outcome<()>> + Send;
    /// Who was.
    fn heard(&self) -> impl Future<Output = Outcome<BTreeMap<NodeSlug, Heard>>> + Send;
    /// Keeps a statement until it is in its place; the same leaf of the same history again replaces it.
    fn stage(&self, leaf: &StagedLeaf) -> impl Future<Output = Outcome<()>> + Send;
    /// Where those from leaf `start` on stand, in order.
    fn links(&self, start: u64) -> impl Future<Output = Outcome<Vec<Link>>> + Send;
    /// Those of one place: one of each history.
    fn staged(&self, leaf: u64) -> impl Future<Output = Outcome<Vec<StagedLeaf>>> + Send;
    /// Drops one that cannot be used; whoever has it sound may send it again.
    fn unstage(&self, link: Link) -> impl Future<Output = Outcome<()>> + Send;
    /// Proofs of forks, by place: the first for a place and history, and not many more of one fork than 64.
    fn forks(&self) -> impl Future<Output = Outcome<Vec<Fork>>> + Send;
    /// Notes that an operator has seen all forks, and decided that the log goes on as soon as everything is there.
    fn decide(
        &self,
        by: &str,
        reason: &str,
        at: Timestamp,
    ) -> impl Future<Output = Outcome<()>> + Send;
    /// Logs a leaf again in a stopped log whose right edge is `before`, with everything that it adds. The caller has proof that
    /// it stood there. Checkpoints of the tree's new size and another root become forks, in the same transaction.
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
