//! What the store holds, in types that cannot be malformed.

use std::collections::BTreeMap;
use std::sync::Arc;

use ed25519_dalek::VerifyingKey;
use jiff::Timestamp;
use jiff::civil::Date;
use ldsp_protocol::benchmark::Member;
use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::enrolment::{NodeRecord, NodeState};
use ldsp_protocol::ids::{Digest, Gss, NodeSlug, Period, QuestionId};
use ldsp_protocol::keys::key_id;
use ldsp_protocol::log::{Edge, Entry};
use ldsp_protocol::own::KeyAdd;
use ldsp_protocol::practice::{Factor, PracticeEntry, Verdict};
use ldsp_protocol::problem::Drawn;
use ldsp_protocol::rollup::{Fold, Revision};
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::{Body, Kind};
use serde::de::DeserializeOwned;

use super::{Standing, StoreError};

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    /// Invites, approves and revokes nodes, and sees everything that was refused.
    Operator,
    /// Reads what operators read: waiting nodes, contradictions, the state of the log. Changes nothing.
    Analyst,
    /// Reads what is shared, with what is new since they were here.
    Partner,
    /// Looks through the practice library: what it shows first, and what not at all.
    Curator,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Operator, Self::Analyst, Self::Partner, Self::Curator];

    /// As stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Analyst => "analyst",
            Self::Partner => "partner",
            Self::Curator => "curator",
        }
    }

    /// The role with this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    /// What somebody with this role does, in a sentence.
    #[must_use]
    pub fn does(self) -> &'static str {
        match self {
            Self::Operator => {
                "Looks after people, invites, approves and revokes nodes, and sees everything that was refused."
            }
            Self::Analyst => {
                "Reads what operators read: nodes that wait, contradictions, the state of the log. Changes nothing."
            }
            Self::Partner => {
                "Of an organisation or a nation that works with the areas. Reads what is shared, told what is new, and takes it along."
            }
            Self::Curator => {
                "Looks after the practice library: looks at each new entry, puts some first, and takes out what should not be there, with a reason."
            }
        }
    }
}

/// Where a node's own sequence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Last logged sequence number, 0 before the first.
    pub seq: u64,
    /// Its PAE digest, zeros before the first.
    pub pae: Digest,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub node: NodeSlug,
    /// The LEP that it serves.
    pub lep: Gss,
    /// Where its enrolment stands.
    pub state: NodeState,
    /// Its key, from enrolment on.
    pub key: Option<VerifyingKey>,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// Its own sequence.
    pub head: Head,
    /// Leaf of the log's statement that added its key; `None` until it is approved and that is stated.
    pub added: Option<u64>,
    /// Leaf of the log's statement that revoked its key, from which on the key is refused.
    pub revoked: Option<u64>,
}

impl Node {
    /// What others are told about the node; `standard` is the one that this server applies.
    #[must_use]
    pub fn record(&self, standard: Digest) -> NodeRecord {
        NodeRecord {
            node: self.node.clone(),
            lep: self.lep.clone(),
            state: self.state,
            key_id: self.key.as_ref().map(key_id),
            public_key: self.key.as_ref().map(|key| hex::encode(key.as_bytes())),
            standard,
            seq: self.head.seq,
            prev: self.head.pae,
            revoked_from: self.revoked,
        }
    }
}

/// Where the log, the list of nodes and the library's curators stand: pages are the same as long as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Number of leaves.
    pub size: u64,
    /// SHA-256 of the right edge of the log's tree: logs of one size with the same one hold the same leaves.
    pub edge: Digest,
    /// All nodes by name.
    pub members: Arc<[Member]>,
    /// Number of the last thing that a curator said; 0 before the first.
    pub curated: u64,
}

impl Default for Position {
    /// Nothing logged, nobody invited.
    fn default() -> Self {
        Self {
            size: 0,
            edge: Digest::of(b""),
            members: Arc::default(),
            curated: 0,
        }
    }
}

/// An invite as the server remembers it: the secret only as its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteRow {
    /// The node that may enrol.
    pub node: NodeSlug,
    /// The LEP that it will serve.
    pub lep: Gss,
    /// SHA-256 of the secret's 64 hex digits.
    pub secret_hash: Digest,
    /// No use after this moment.
    pub expires: Timestamp,
    /// When it was made.
    pub created: Timestamp,
    /// By whom.
    pub created_by: String,
    /// Digest of the enrolment that used it.
    pub used: Option<Digest>,
}

/// An enrolment that passed every check.
#[derive(Debug, Clone)]
pub struct NewEnrolment {
    /// The node.
    pub node: NodeSlug,
    /// The invite that it uses.
    pub secret_hash: Digest,
    /// The admitted key.
    pub key: VerifyingKey,
    /// Identity of the envelope.
    pub pae: Digest,
    /// The envelope's exact bytes.
    pub envelope: Vec<u8>,
    /// When it came.
    pub at: Timestamp,
}

/// Whether an enrolment was stored now or before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// Now.
    New,
    /// The same had been stored before; nothing changed.
    Before,
}

/// What a statement adds beside itself, in the same transaction.
#[derive(Debug, Clone)]
pub enum Effect {
    /// A node's month and its deltas on the national sums.
    Summary(Box<Fold>),
    /// An entry for the library.
    Practice(Box<PracticeEntry>),
    /// A statement of the node is withdrawn, or what was withdrawn is published again.
    Revision(Box<Revised>),
    /// Nothing: it is read from the statement itself.
    None,
}

/// What a withdrawal or a correction changes.
#[derive(Debug, Clone)]
pub struct Revised {
    /// Leaf of the statement that is withdrawn, or in whose place the correction stands.
    pub target: u64,
    /// Why.
    pub reason: String,
    /// What becomes of figures; `None` for a practice entry.
    pub month: Option<RevisedMonth>,
}

/// A summary's month as a withdrawal or a correction leaves it.
#[derive(Debug, Clone)]
pub struct RevisedMonth {
    /// The standard of its stream.
    pub standard: &'static Standard,
    /// The month.
    pub period: Period,
    /// Digest of its cells.
    pub cells: Digest,
    /// What changes in the stream and in the sums.
    pub revision: Revision,
}

impl Effect {
    /// What it adds to the national sums: standard, period, part and cells.
    pub(super) fn national(&self) -> Vec<(Digest, Period, &str, &[i64])> {
        match self {
            Self::Summary(fold) => {
                let (standard, period) = (fold.month.standard.digest(), fold.month.period);
                let parts = fold.national.iter();
                parts
                    .map(|(part, delta)| (standard, period, part.as_str(), delta.as_slice()))
                    .collect()
            }
            Self::Practice(_) | Self::None => Vec::new(),
            Self::Revision(revised) => revised
                .month
                .iter()
                .flat_map(RevisedMonth::deltas)
                .collect(),
        }
    }
}

impl RevisedMonth {
    fn deltas(&self) -> impl Iterator<Item = (Digest, Period, &str, &[i64])> {
        let standard = self.standard.digest();
        let parts = self.revision.national.iter();
        parts.map(move |((period, part), delta)| {
            (standard, *period, part.as_str(), delta.as_slice())
        })
    }
}

/// A statement that passed every check and is to be logged.
#[derive(Debug, Clone)]
pub struct NewStatement {
    /// The node that signed.
    pub node: NodeSlug,
    /// Its sequence number.
    pub seq: u64,
    /// PAE of the statement before.
    pub prev: Digest,
    /// What it is about.
    pub kind: Kind,
    /// The month of a summary.
    pub period: Option<Period>,
    /// The key that signed.
    pub key_id: Digest,
    /// Its identity.
    pub pae: Digest,
    /// Exact envelope bytes.
    pub envelope: Vec<u8>,
    /// When it came.
    pub received: Timestamp,
    /// What it adds.
    pub effect: Effect,
}

impl NewStatement {
    /// The record of its leaf.
    #[must_use]
    pub fn entry(&self) -> Entry {
        Entry {
            kind: self.kind,
            node: self.node.clone(),
            seq: self.seq,
            key_id: self.key_id,
            pae: self.pae,
        }
    }
}

/// How a statement fared in a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placed {
    /// Logged now, at this leaf.
    Logged(u64),
    /// The same statement was logged before, at this leaf.
    Before(u64),
    /// Another statement stands there; both digests are kept as evidence.
    Equivocation {
        /// Digest of the logged one.
        logged: Digest,
    },
    /// An earlier statement is missing.
    Gap {
        /// The sequence number that would be accepted.
        expected: u64,
    },
    /// `prev` is not the digest of the node's last statement.
    Chain,
    /// The node's key is refused.
    Revoked {
        /// From this leaf on.
        from: u64,
    },
    /// Stored data that it needs is damaged or does not admit it. Nothing of it was written.
    Failed {
        /// For the operator.
        cause: String,
    },
}

/// What became of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Appended {
    /// In the order of the batch.
    pub placed: Vec<Placed>,
    /// What the log grew by; `None` when nothing of the batch is new.
    pub growth: Option<Growth>,
}

impl Appended {
    /// With what became of the statements behind it in the same transaction.
    pub(super) fn extend(&mut self, later: Self) {
        self.placed.extend(later.placed);
        match (&mut self.growth, later.growth) {
            (Some(growth), Some(later)) => {
                growth.leaves.extend(later.leaves);
                growth.root = later.root;
                growth.checkpoint = later.checkpoint;
            }
            (growth @ None, later) => *growth = later,
            (Some(_), None) => {}
        }
    }
}

/// Leaves that were added in one transaction, and the log's word on all leaves so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Growth {
    /// The first new leaf.
    pub first: u64,
    /// Hashes of the new leaves in order.
    pub leaves: Vec<Digest>,
    /// Root of the tree with them.
    pub root: Digest,
    /// Signed checkpoint with them.
    pub checkpoint: String,
}

/// Where the log stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogHead {
    /// The right edge of its tree, which knows size and root.
    pub edge: Edge,
    /// Signed checkpoint; `None` until the log was first opened with its key ([`Log::establish`](super::Log::establish)).
    pub checkpoint: Option<String>,
    /// Last receipt of a log that has no checkpoint yet because an earlier version wrote it.
    pub receipt: Option<String>,
    /// Since when it signs nothing new, because it lacks leaves or may lack some; `None` while it signs.
    pub behind: Option<Timestamp>,
}

/// Where a statement of the log's own will stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// Leaf.
    pub index: u64,
    /// Place in the log's own sequence.
    pub seq: u64,
    /// PAE of its statement before; zeros for the first.
    pub prev: Digest,
}

impl Turn {
    /// The turn after this one, in which the statement `pae` stands.
    #[must_use]
    pub fn after(&self, pae: Digest) -> Self {
        Self {
            index: self.index + 1,
            seq: self.seq + 1,
            prev: pae,
        }
    }
}

/// A statement of the log's own, signed for its [`Turn`].
#[derive(Debug, Clone)]
pub struct NewOwn {
    /// What it is about.
    pub kind: Kind,
    /// The log's key.
    pub key_id: Digest,
    /// Identity.
    pub pae: Digest,
    /// Exact envelope bytes.
    pub envelope: Vec<u8>,
    /// When it was made.
    pub received: Timestamp,
}

impl NewOwn {
    /// The record of its leaf at `turn`.
    #[must_use]
    pub fn entry(&self, turn: &Turn) -> Entry {
        Entry {
            kind: self.kind,
            node: ldsp_protocol::own::name(),
            seq: turn.seq,
            key_id: self.key_id,
            pae: self.pae,
        }
    }
}

/// What a statement of the log's own changes, in the same transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnEffect {
    /// Nothing beside itself.
    None,
    /// The pending node becomes active; its key counts from the statement's leaf on.
    Approve {
        /// The pending node.
        node: NodeSlug,
        /// Its key.
        key_id: Digest,
        /// Who approves.
        by: String,
        /// When.
        at: Timestamp,
    },
    /// The key of a node that was approved before the log stated keys is stated now.
    StateKey {
        /// The active node.
        node: NodeSlug,
        /// Its key.
        key_id: Digest,
    },
    /// A statement that added a key goes back to its place: the node is active with that key, whether it is still invited, waits, or is
    /// not known any more.
    Readmit {
        /// What the statement says.
        add: Box<KeyAdd>,
        /// When the statement came back.
        at: Timestamp,
    },
    /// The node's key is refused from the statement's leaf on.
    Revoke {
        /// The active node.
        node: NodeSlug,
        /// Its key.
        key_id: Digest,
    },
    /// A run of the benchmarks is frozen. Nothing but the log changes, unless another run came in between.
    Run {
        /// Leaf of the last run so far.
        after: Option<u64>,
    },
    /// A questionnaire is issued, unless another one came in between; its draft is done with.
    Ask {
        /// Leaf of the last questionnaire so far.
        after: Option<u64>,
        /// The draft that it was, as it was read; `None` where there was none.
        draft: Option<(QuestionId, u64)>,
    },
}

/// Statements of the log's own that were logged together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// Where the first of them stands.
    pub turn: Turn,
    /// Their leaves.
    pub growth: Growth,
}

/// A logged statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedStatement {
    /// Place in the log, from 0.
    pub index: u64,
    /// Who signed.
    pub node: NodeSlug,
    /// Place in the node's own sequence, from 1.
    pub seq: u64,
    /// What it is about.
    pub kind: Kind,
    /// The month of a summary.
    pub period: Option<Period>,
    /// The key that signed.
    pub key_id: Digest,
    /// Identity.
    pub pae: Digest,
    /// Exact envelope bytes; empty once it was withdrawn.
    pub envelope: Vec<u8>,
    /// When it came.
    pub received: Timestamp,
    /// Leaf of its withdrawal.
    pub withdrawn: Option<u64>,
}

impl LoggedStatement {
    /// What it says.
    ///
    /// # Errors
    /// Damaged bytes: it was verified before it was logged.
    pub fn payload<P: DeserializeOwned>(&self) -> Result<P, StoreError> {
        let unverified = Unverified::parse(&self.envelope).ok();
        let body =
            unverified.and_then(|u| serde_json::from_slice::<Body<P>>(u.unverified_body()).ok());
        body.map(|body| body.payload)
            .ok_or_else(|| StoreError::Corrupt {
                table: "statement",
                column: "envelope",
                row: self.index.to_string(),
            })
    }
}

/// A withdrawal or a correction that was logged, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevisionRow {
    /// Place in the log, from 0.
    pub index: u64,
    /// Who signed.
    pub node: NodeSlug,
    /// Place in the node's own sequence.
    pub seq: u64,
    /// [`Kind::Withdrawal`] or [`Kind::Correction`].
    pub kind: Kind,
    /// When it came.
    pub received: Timestamp,
    /// Leaf of its own withdrawal, where it is a correction that was withdrawn.
    pub withdrawn: Option<u64>,
    /// Leaf of the statement that it withdraws, or in whose place it stands.
    pub target: u64,
    /// That statement's place in the node's sequence.
    pub target_seq: u64,
    /// What that statement is about.
    pub target_kind: Kind,
    /// Of a summary: its standard, month and the digest of its cells.
    pub month: Option<(&'static Standard, Period, Digest)>,
    /// Of a summary: where it stands in its node's ledger.
    pub drawn: Option<Drawn>,
    /// Why; `None` where it is withdrawn itself.
    pub reason: Option<String>,
}

impl LoggedStatement {
    /// The record of its leaf.
    #[must_use]
    pub fn entry(&self) -> Entry {
        Entry {
            kind: self.kind,
            node: self.node.clone(),
            seq: self.seq,
            key_id: self.key_id,
            pae: self.pae,
        }
    }
}

/// Which part of a list that is read newest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Span {
    /// From the newest on.
    #[default]
    Newest,
    /// From the newest under this place in the log on: the page after one that ends with it.
    Before(u64),
    /// Those next above this place in the log: the page before one that begins with it.
    After(u64),
}

/// Which statements to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatementFilter {
    /// Only this node's.
    pub node: Option<NodeSlug>,
    /// Only of this kind.
    pub kind: Option<Kind>,
    /// Which part of the list.
    pub span: Span,
}

/// A logged statement without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// Place in the log, from 0.
    pub index: u64,
    /// Who signed.
    pub node: NodeSlug,
    /// Place in the node's own sequence, from 1.
    pub seq: u64,
    /// What it is about.
    pub kind: Kind,
    /// The month of a summary.
    pub period: Option<Period>,
    /// The key that signed.
    pub key_id: Digest,
    /// Identity.
    pub pae: Digest,
    /// When it came.
    pub received: Timestamp,
    /// The day in London from which everybody may read a practice entry, year 0 when at once; `None` for other kinds.
    pub public_from: Option<Date>,
    /// Leaf of its withdrawal.
    pub withdrawn: Option<u64>,
}

impl Outline {
    /// Whether everybody may read the envelope on `today`.
    #[must_use]
    pub fn is_public(&self, today: Date) -> bool {
        if self.withdrawn.is_some() {
            return false;
        }
        match self.kind {
            Kind::LearningSummary
            | Kind::Correction
            | Kind::Withdrawal
            | Kind::DemandSummary
            | Kind::ProvisionSummary
            | Kind::KeyAdd
            | Kind::KeyRevoke
            | Kind::Standard
            | Kind::BenchmarkRun
            | Kind::Finding
            | Kind::Questionnaire => true,
            Kind::QuestionnaireAnswers => false,
            Kind::PracticeEntry => self.public_from.is_some_and(|from| from <= today),
        }
    }
}

/// A node's statements of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Who signed.
    pub node: NodeSlug,
    /// What they are about.
    pub kind: Kind,
    /// How many, at least 1.
    pub count: u64,
    /// How many of them are withdrawn.
    pub withdrawn: u64,
    /// When the first came.
    pub first: Timestamp,
    /// When the latest came.
    pub latest: Timestamp,
}

/// A place for which a node signed two statements, without their bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// The place.
    pub seq: u64,
    /// Leaf of the logged one.
    pub index: Option<u64>,
    /// The logged one.
    pub logged: Digest,
    /// The refused one.
    pub refused: Digest,
    /// When it came.
    pub received: Timestamp,
}

/// Proof that a node signed two statements for one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Equivocation {
    /// Who signed both.
    pub node: NodeSlug,
    /// The place.
    pub seq: u64,
    /// The logged one.
    pub logged: Digest,
    /// The refused one.
    pub refused: Digest,
    /// Exact envelope bytes of the refused one.
    pub envelope: Vec<u8>,
    /// When it came.
    pub received: Timestamp,
}

/// Sums over nodes of one period's increments under one standard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NationalMonth {
    /// The standard that names the cells.
    pub standard: &'static Standard,
    /// The month.
    pub period: Period,
    /// `""` for the tables without pledge, else a code of the pledge list.
    pub part: String,
    /// In units of 2^-32.
    pub cells: Vec<i64>,
}

/// A row of the library's index as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IndexRow {
    /// Place in the log.
    pub(crate) leaf: u64,
    pub(crate) node: String,
    pub(crate) tier: String,
    pub(crate) verdict: String,
    /// ISO date.
    pub(crate) public_from: String,
    pub(crate) supersedes: Option<Digest>,
    pub(crate) superseded_by: Option<u64>,
}

/// Who reads the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Anybody, on this day in London.
    Public(Date),
    /// An enrolled node: peers-first entries too. People who sign in to the pages read as the public.
    Peer,
}

/// Entries by what curators said of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curated {
    /// All but those that were hidden.
    Shown,
    /// Those of which nobody said anything yet.
    Unseen,
    /// Those that stand like this by the last word.
    As(Standing),
}

/// What to list.
#[derive(Debug, Clone)]
pub struct PracticeFilter {
    /// Who reads.
    pub reader: Reader,
    /// Only this code of `tier`.
    pub tier: Option<String>,
    /// Only this verdict.
    pub verdict: Option<Verdict>,
    /// Only entries that name this cause.
    pub cause: Option<Factor>,
    /// Only entries before this place in the log: the last `index` of the page before.
    pub before: Option<u64>,
    /// Only entries after this place in the log, those next to it: the page before one that begins with it.
    pub after: Option<u64>,
    /// Only this node's entries.
    pub node: Option<NodeSlug>,
    /// By what curators said of them.
    pub curated: Curated,
    /// At most this many, newest first.
    pub limit: u32,
}

impl PracticeFilter {
    /// Everything that `reader` may see, 50 a page.
    #[must_use]
    pub fn all(reader: Reader) -> Self {
        Self {
            reader,
            tier: None,
            verdict: None,
            cause: None,
            before: None,
            after: None,
            node: None,
            curated: Curated::Shown,
            limit: 50,
        }
    }
}

/// How many entries a filter finds. Codes that no entry has are left out of the maps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PracticeCounts {
    /// With all choices.
    pub found: u64,
    /// By tier, with the other choices.
    pub tiers: BTreeMap<String, u64>,
    /// Of any tier, with the other choices.
    pub any_tier: u64,
    /// By verdict, with the other choices.
    pub verdicts: BTreeMap<String, u64>,
    /// Of any verdict, with the other choices.
    pub any_verdict: u64,
    /// By cause, with the other choices; an entry has several.
    pub causes: BTreeMap<String, u64>,
    /// Of any cause, with the other choices.
    pub any_cause: u64,
}

/// An entry of the library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LibraryEntry {
    /// Place in the log.
    pub index: u64,
    /// Who published it.
    pub node: NodeSlug,
    /// Place in the node's sequence.
    pub seq: u64,
    /// Identity, by which others cite it.
    pub pae: Digest,
    /// What it says.
    pub entry: PracticeEntry,
    /// Place in the log of the node's own newer version.
    pub superseded_by: Option<u64>,
}
