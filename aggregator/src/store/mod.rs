//! Where the aggregator keeps what it received: narrow traits, one per concern, and their backends.
//!
//! "Not there" is `Ok(None)`. A row that cannot be what the schema says is [`StoreError::Corrupt`],
//! named by table, column and row. What a method wrote is durable when it returns. Methods may be
//! called from many tasks at once; writers are serialised by the backend. To add a method: write it
//! in the trait, in each backend, and in `conformance`, which runs on every backend.

mod backend;
#[cfg(test)]
pub(crate) mod conformance;
mod curation;
mod drafts;
mod evidence;
#[cfg(test)]
pub(crate) mod failing;
mod location;
mod model;
mod plan;
pub mod postgres;
mod recovery;
mod rows;
mod selects;
mod snapshot;
pub mod sqlite;
mod staff;
pub(crate) mod trouble;
mod upgrade;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::ops::Range;

use jiff::civil::Date;
use ldsp_protocol::ids::{Digest, NodeSlug};
use ldsp_protocol::rollup::NodeMonth;
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::Kind;
use sqlx::error::ErrorKind;

pub use backend::Backend;
pub use curation::{Curation, Said, Saying, Standing};
pub use drafts::{DraftRow, Drafts, Keeping};
pub use location::{DatabaseUrl, Location, Server};
pub(crate) use model::IndexRow;
pub use model::{
    Announced, Appended, Contradiction, Curated, Effect, Equivocation, Growth, Head, InviteRow,
    LibraryEntry, LogHead, LoggedStatement, NationalMonth, NewEnrolment, NewOwn, NewStatement,
    Node, Outline, OwnEffect, Placed, Position, PracticeCounts, PracticeFilter, Reader, Revised,
    RevisedMonth, RevisionRow, Role, Span, StatementFilter, Stored, Tally, Turn,
};

pub use recovery::{
    Back, Cause, Claim, Fork, Heard, Link, Recovery, Returned, ReturnedOwn, Shown, StagedLeaf,
    Stop, Stopped,
};
#[cfg(test)]
pub(crate) use rows::rows_read;
pub use snapshot::Snapshot;
pub use staff::{COMMAND_LINE, Done, Person, Staff};

/// Trouble with the store.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum StoreError {
    #[error(
        "the database cannot be used: {0}. Check disk space, that no other program holds the database and that its server runs"
    )]
    Database(#[from] sqlx::Error),
    #[error("{cause}. {next}")]
    Unusable { cause: String, next: &'static str },
    #[error(
        "the database cannot be brought up to date: {0}. Use the program version that wrote it, or restore the backup"
    )]
    Migration(#[from] sqlx::migrate::MigrateError),
    #[error("{table}.{column} of row {row} is damaged. Restore the backup")]
    Corrupt {
        table: &'static str,
        column: &'static str,
        row: String,
    },
    #[error(
        "the log is being put back together and takes nothing new meanwhile. Look at `ldsp-aggregator recovery` for what it waits for"
    )]
    Behind,
    #[error(transparent)]
    Conflict(#[from] Conflict),
}

impl StoreError {
    /// Whether only the statement at hand is concerned: the transaction can go on without it.
    pub(crate) fn is_of_one_row(&self) -> bool {
        match self {
            Self::Corrupt { .. } | Self::Conflict(_) => true,
            Self::Database(sqlx::Error::Database(e)) => {
                // SQLSTATE class 22: a value that the column cannot hold (PostgreSQL, appendix A).
                let value = |code: &str| code.len() == 5 && code.starts_with("22");
                !matches!(e.kind(), ErrorKind::Other) || e.code().is_some_and(|c| value(&c))
            }
            Self::Database(_) | Self::Migration(_) | Self::Unusable { .. } | Self::Behind => false,
        }
    }

    /// Whether a write may or may not have reached the disk (a failed fsync): the process must end
    /// and read the truth back at its next start.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        // A PostgreSQL server that could not sync ends by itself and recovers from its log.
        matches!(self, Self::Database(error) if trouble::is_unconfirmed(error))
    }
}

/// A change that the present state does not allow. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Conflict {
    #[error("{0} is already active. A lost key is a matter of its own: do not invite it again")]
    NodeActive(NodeSlug),
    #[error(
        "{0} was invited for another LEP. Give the code that it was invited with, or choose another name"
    )]
    OtherLep(NodeSlug),
    #[error("the LEP is already served by {0}. Name that node instead")]
    LepServed(NodeSlug),
    #[error("the invite is unknown or used. Make a new one with `invite`")]
    Invite,
    #[error("the key is that of another node. Each node makes its own with `init`")]
    KeyTaken,
    #[error("no node of this name has enrolled. Look at `nodes`")]
    NoNode,
    #[error("the node has no key that waits for approval. Look at `nodes`")]
    NotPending,
    #[error(
        "the fingerprint is not that of the key that waits. Do not approve: find out whose key it is"
    )]
    OtherKey,
    #[error("{0} has no key that counts. Look at `nodes`")]
    NotActive(NodeSlug),
    #[error(
        "the key of {0} was revoked. A new key for a node that published is not given by an invite: what it published stays"
    )]
    NodeRevoked(NodeSlug),
    #[error("the key of {0} is stated already. Look at the page /keys")]
    KeyStated(NodeSlug),
    #[error(
        "{0} is the name by which the log itself signs. Choose another name for the node, such as its area's"
    )]
    Reserved(NodeSlug),
    #[error("the statement of place {leaf} cannot go back there: {how}")]
    Misplaced { leaf: u64, how: String },
    #[error("another run was logged meanwhile. Look at the page /runs")]
    OtherRun,
    #[error(
        "another questionnaire was issued meanwhile. Look at the list, and issue this one again"
    )]
    OtherQuestionnaire,
    #[error("the draft was changed, issued or deleted meanwhile. Look at it again")]
    OtherDraft,
}

type Outcome<T> = Result<T, StoreError>;

/// Nodes, their invites and keys.
pub trait Registry: Send + Sync + 'static {
    /// Creates the node, or replaces its invite while it is not active; a key that waited for
    /// approval is dropped.
    fn invite(&self, invite: &InviteRow) -> impl Future<Output = Outcome<()>> + Send;
    /// The node's latest invite.
    fn invite_of(&self, node: &NodeSlug)
    -> impl Future<Output = Outcome<Option<InviteRow>>> + Send;
    /// Uses the invite: the node becomes pending with its key, which no other node has or had. The same enrolment again
    /// changes nothing.
    fn enrol(&self, enrolment: &NewEnrolment) -> impl Future<Output = Outcome<Stored>> + Send;
    /// Makes a pending node active without a statement, as databases of before the log stated keys have them.
    #[cfg(test)]
    fn seat(&self, node: &NodeSlug, by: &str) -> impl Future<Output = Outcome<()>> + Send;
    /// A node.
    fn node(&self, node: &NodeSlug) -> impl Future<Output = Outcome<Option<Node>>> + Send;
    /// The nodes of these names that exist, in no order.
    fn nodes_named(
        &self,
        names: &BTreeSet<&NodeSlug>,
    ) -> impl Future<Output = Outcome<Vec<Node>>> + Send;
    /// All nodes by name; at most one per LEP.
    fn nodes(&self) -> impl Future<Output = Outcome<Vec<Node>>> + Send;
}

/// Places of one node whose contradictions are kept: one is proof enough, and a node that goes on must not fill the disk.
pub const KEPT_PLACES: u32 = 64;
/// Bytes of all envelopes that are kept as proof against one node.
pub const KEPT_BYTES: u32 = 16 << 20;

/// Signs the checkpoint of a tree by its size and root; deterministic.
pub type Sign<'a> = &'a (dyn Fn(u64, Digest) -> String + Send + Sync);

/// Makes statements of the log's own, at least one: the first for this turn, each other for the turn after the one before it.
pub type Make<'a> = &'a (dyn Fn(&Turn) -> Vec<NewOwn> + Send + Sync);

/// The log of statements. Its leaves are the nodes' statements and the log's own, in one order.
///
/// Whatever adds leaves is one transaction that alone may write: what it stands on (heads, right edge of the tree) is read
/// inside it, then come statements and what they add, the leaves' records, the node heads, and the log's head with a
/// checkpoint of all leaves, signed before the commit. So a checkpoint never stands without its leaves nor leaves without a
/// checkpoint, whatever is killed when; one that was signed for a transaction which failed was shown to nobody. Several
/// processes may write one log. While the log lacks leaves ([`Recovery`]), both refuse with [`StoreError::Behind`].
pub trait Log: Send + Sync + 'static {
    /// Logs a batch in order, in one durable transaction with everything that the statements add:
    /// leaves, node heads, rollup, library, and the one checkpoint that `sign` makes. Each statement fares on its own, also
    /// where a damaged row stops it; an error means that the transaction could not be carried through and none was
    /// logged.
    fn append(
        &self,
        batch: &[NewStatement],
        sign: Sign<'_>,
    ) -> impl Future<Output = Outcome<Appended>> + Send;
    /// Logs statements of the log's own, one after the other, with what they change, in one durable transaction.
    ///
    /// # Errors
    /// Beside trouble with the store: what the effect's change does not allow.
    fn announce(
        &self,
        make: Make<'_>,
        effect: &OwnEffect,
        sign: Sign<'_>,
    ) -> impl Future<Output = Outcome<Announced>> + Send;
    /// Gives a log that has no checkpoint its first one: a new log the one of the empty tree, one of before there was a tree
    /// that of its statements, whose leaves are recorded. Changes nothing afterwards. The caller has made sure that the log is
    /// the signer's.
    fn establish(&self, sign: Sign<'_>) -> impl Future<Output = Outcome<()>> + Send;
    /// Where the log stands.
    fn head(&self) -> impl Future<Output = Outcome<LogHead>> + Send;
    /// The records of these leaves, [`ENTRY_LEN`](ldsp_protocol::log::ENTRY_LEN) bytes each, in order; those that the log does
    /// not have yet are left out.
    fn records(&self, leaves: Range<u64>) -> impl Future<Output = Outcome<Vec<u8>>> + Send;
    /// The log's own statement by its sequence number; `node` is [`NAME`](ldsp_protocol::own::NAME).
    fn own(&self, seq: u64) -> impl Future<Output = Outcome<Option<LoggedStatement>>> + Send;
    /// The log's own statement with this digest.
    fn own_by_identity(
        &self,
        pae: Digest,
    ) -> impl Future<Output = Outcome<Option<LoggedStatement>>> + Send;
    /// At most `limit` of the log's own statements from leaf `start` on, in order.
    fn owns(
        &self,
        start: u64,
        limit: u32,
    ) -> impl Future<Output = Outcome<Vec<LoggedStatement>>> + Send;
    /// At most `limit` of the log's own statements of these kinds, newest first.
    fn announced(
        &self,
        kinds: &[Kind],
        span: Span,
        limit: u32,
    ) -> impl Future<Output = Outcome<Vec<LoggedStatement>>> + Send;
    /// Keeps the proof that a node signed a second statement for a place: the first such for each place, and of a node
    /// [`KEPT_PLACES`] places with [`KEPT_BYTES`] in all. More change nothing and wait for no writer.
    fn keep_evidence(&self, evidence: &Equivocation) -> impl Future<Output = Outcome<()>> + Send;
    /// The proof against a node for a place.
    fn evidence(
        &self,
        node: &NodeSlug,
        seq: u64,
    ) -> impl Future<Output = Outcome<Option<Equivocation>>> + Send;
    /// Places for which a node signed more than one statement, [`KEPT_PLACES`] at most, by sequence number.
    fn contradictions(
        &self,
        node: &NodeSlug,
    ) -> impl Future<Output = Outcome<Vec<Contradiction>>> + Send;
    /// Number of places for which each node signed more than one statement; nodes without are left out.
    fn conflicts(&self) -> impl Future<Output = Outcome<BTreeMap<NodeSlug, u64>>> + Send;
    /// Number of leaves.
    fn size(&self) -> impl Future<Output = Outcome<u64>> + Send;
    /// Where the log and the list of nodes stand, in one small read: every answer begins with it.
    fn position(&self) -> impl Future<Output = Outcome<Position>> + Send;
    /// A node's statement by its sequence number.
    fn statement(
        &self,
        node: &NodeSlug,
        seq: u64,
    ) -> impl Future<Output = Outcome<Option<LoggedStatement>>> + Send;
    /// The leaf of the statement in a place of a node.
    fn leaf(&self, node: &NodeSlug, seq: u64) -> impl Future<Output = Outcome<Option<u64>>> + Send;
    /// The statement with this digest.
    fn by_identity(
        &self,
        pae: Digest,
    ) -> impl Future<Output = Outcome<Option<LoggedStatement>>> + Send;
    /// At most `limit` statements from `start` on, in order.
    fn statements(
        &self,
        start: u64,
        limit: u32,
    ) -> impl Future<Output = Outcome<Vec<LoggedStatement>>> + Send;
    /// The same, of one kind.
    fn statements_of(
        &self,
        kind: Kind,
        start: u64,
        limit: u32,
    ) -> impl Future<Output = Outcome<Vec<LoggedStatement>>> + Send;
    /// At most `limit` statements that pass `filter`, newest first, without their bytes.
    fn latest(
        &self,
        filter: &StatementFilter,
        limit: u32,
    ) -> impl Future<Output = Outcome<Vec<Outline>>> + Send;
    /// Each node's last statement, by the node's name; nodes without one are left out.
    fn heads(&self) -> impl Future<Output = Outcome<Vec<Outline>>> + Send;
    /// The withdrawal or correction at this leaf.
    fn revision(&self, leaf: u64) -> impl Future<Output = Outcome<Option<RevisionRow>>> + Send;
    /// At most `limit` withdrawals and corrections, of a node or of all, newest first.
    fn revisions(
        &self,
        node: Option<&NodeSlug>,
        span: Span,
        limit: u32,
    ) -> impl Future<Output = Outcome<Vec<RevisionRow>>> + Send;
    /// Withdrawals of months, of a node or of all, that were not published again since; newest first.
    fn withheld(
        &self,
        node: Option<&NodeSlug>,
    ) -> impl Future<Output = Outcome<Vec<RevisionRow>>> + Send;
    /// Nodes that withdrew or corrected a month in the statements at these places.
    fn revised(
        &self,
        places: Range<u64>,
    ) -> impl Future<Output = Outcome<BTreeSet<NodeSlug>>> + Send;
    /// How many statements of each kind each node has, and when they came, by node and kind; without those
    /// who have none.
    fn tally(&self) -> impl Future<Output = Outcome<Vec<Tally>>> + Send;
}

/// Cumulative estimates, written by [`Log::append`] only. What counts is what folding the statements gives that are not withdrawn,
/// each stream up to its first month that is.
pub trait Rollups: Send + Sync + 'static {
    /// A node's months under a standard in order, with what it published, also those that do not count.
    fn history(
        &self,
        node: &NodeSlug,
        standard: &'static Standard,
    ) -> impl Future<Output = Outcome<Vec<NodeMonth>>> + Send;
    /// Months of all nodes or of one, by node, period and place, also those that do not count: where a stream is cut off is part of its
    /// figures. `published` is left empty.
    fn contributions(
        &self,
        node: Option<&NodeSlug>,
    ) -> impl Future<Output = Outcome<Vec<NodeMonth>>> + Send;
    /// The months that count of the summaries among the statements at these places, in the order of the log; `published` is left
    /// empty. What was read stays as it is until the node withdraws or corrects something ([`Log::revised`]).
    fn months(&self, places: Range<u64>) -> impl Future<Output = Outcome<Vec<NodeMonth>>> + Send;
    /// The month of the summary with this digest, if it counts, also where it was withdrawn and published again; `published` is left empty.
    fn month(&self, pae: Digest) -> impl Future<Output = Outcome<Option<NodeMonth>>> + Send;
    /// National sums of increments by period, standard and part.
    fn national(&self) -> impl Future<Output = Outcome<Vec<NationalMonth>>> + Send;
}

/// How many versions of an entry are gone through for the newest.
pub const VERSIONS: u32 = 256;

/// Practice entries, written by [`Log::append`] only.
pub trait Library: Send + Sync + 'static {
    /// Entries that are not superseded, newest first.
    fn entries(
        &self,
        filter: &PracticeFilter,
    ) -> impl Future<Output = Outcome<Vec<LibraryEntry>>> + Send;
    /// How many entries `filter` finds, on all its pages, and would find with another choice in one of its lists;
    /// `before` and `limit` do not count.
    fn counts(
        &self,
        filter: &PracticeFilter,
    ) -> impl Future<Output = Outcome<PracticeCounts>> + Send;
    /// [`PracticeCounts::found`] alone.
    fn number(&self, filter: &PracticeFilter) -> impl Future<Output = Outcome<u64>> + Send;
    /// Number of entries, not superseded, that wait for a date after `today` to be open to everybody.
    fn waiting(&self, today: Date) -> impl Future<Output = Outcome<u64>> + Send;
    /// A node's entry by its sequence number, superseded or not, whoever may read it.
    fn entry(
        &self,
        node: &NodeSlug,
        seq: u64,
    ) -> impl Future<Output = Outcome<Option<LibraryEntry>>> + Send;
    /// The newest version of the entry at this leaf that everybody may read on `today`, among the [`VERSIONS`] that follow it;
    /// `None` where there is none.
    fn newest(
        &self,
        leaf: u64,
        today: Date,
    ) -> impl Future<Output = Outcome<Option<LibraryEntry>>> + Send;
    /// The entry with this identity.
    fn cited(&self, pae: Digest) -> impl Future<Output = Outcome<Option<LibraryEntry>>> + Send;
}

/// Every concern.
pub trait Store: Registry + Log + Rollups + Library + Curation + Drafts + Recovery + Staff {}
impl<T: Registry + Log + Rollups + Library + Curation + Drafts + Recovery + Staff> Store for T {}
