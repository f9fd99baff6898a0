//! fsck: receives the whole log again, statement by statement, and compares everything that is
//! stored with what that gives. Nothing is believed but the log's key and the keys of the nodes.
//!
//! It reads one moment of the database ([`Snapshot`]), so it may run beside a server, and holds one node's months, the
//! national sums, the library's index and leaf numbers in memory, not the statements. What it finds is reported, never repaired.

mod counts;
mod finding;
mod library;
mod node;
mod own;
mod questionnaires;
mod revisions;
mod rollup;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ldsp_protocol::ids::{Digest, NodeSlug, Period};
use ldsp_protocol::note::Verifier;
use ldsp_protocol::own::Keys;
use ldsp_protocol::statement::Kind;
use serde::Serialize;

use crate::store::{Snapshot, StoreError, Tally};

/// Findings that are told one by one; those behind them are counted.
const TOLD: usize = 1_000;

/// What is given, not checked.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// The log's key and name.
    pub log: &'a Verifier,
}

/// A rule that a row breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Columns hold what the schema says.
    Readable,
    /// Leaves are numbered from 0 without gaps, each with one statement.
    Place,
    /// A leaf's record is that of its statement.
    Entry,
    /// The tree is made of the leaves' records.
    Tree,
    /// The checkpoint is the log's signed word on the tree.
    Checkpoint,
    /// Envelopes verify strictly with their signer's key.
    Signature,
    /// Digests are those of the signed bytes.
    Digest,
    /// Columns repeat what the signed body says.
    Body,
    /// Each signer's statements, and the versions of a questionnaire, are numbered from 1 without gaps.
    Sequence,
    /// Each statement names the one before it.
    Chain,
    /// A signer's head is its last statement.
    Head,
    /// A node's key counts from where the log adds it up to where it revokes it.
    Keys,
    /// Statements keep the rules that this program receives by.
    Rules,
    /// A node's month is what folding its statements gives.
    Month,
    /// National sums are those of the nodes' months.
    National,
    /// Figures that the log signed are those that it gives.
    Finding,
    /// The library's index is that of the entries.
    Library,
    /// The payloads that are gone are those that a withdrawal of the same node names, and no others.
    Withdrawn,
    /// The list of withdrawals and corrections is that of the statements.
    Revision,
    /// Tallies count the statements.
    Tally,
    /// Evidence shows two statements for one place.
    Evidence,
}

impl Rule {
    /// As it stands in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Readable => "readable",
            Self::Place => "place",
            Self::Entry => "entry",
            Self::Tree => "tree",
            Self::Checkpoint => "checkpoint",
            Self::Signature => "signature",
            Self::Digest => "digest",
            Self::Body => "body",
            Self::Sequence => "sequence",
            Self::Chain => "chain",
            Self::Head => "head",
            Self::Keys => "keys",
            Self::Rules => "rules",
            Self::Month => "month",
            Self::National => "national",
            Self::Finding => "finding",
            Self::Library => "library",
            Self::Withdrawn => "withdrawn",
            Self::Revision => "revision",
            Self::Tally => "tally",
            Self::Evidence => "evidence",
        }
    }

    /// What to do when it is broken.
    #[must_use]
    pub fn next(self) -> &'static str {
        match self {
            Self::Month | Self::National | Self::Library | Self::Revision | Self::Tally => {
                "The figures or lists made from the log are wrong, the statements themselves may be sound. Stop the server and restore the newest backup for which fsck finds nothing; the nodes send again what it lacks."
            }
            Self::Finding => {
                "Figures that were signed for ever are not what the log gives. If this check finds nothing else, keep the statement: it is the proof that the program was wrong when it made it; report it, and quote no figure of it. Otherwise mend that first."
            }
            Self::Rules => {
                "The log holds a statement that this version would refuse. Use the version that wrote the log; if that finds nothing, report this as a fault of the newer version."
            }
            Self::Evidence => {
                "The proof against the node does not hold. Take it from a backup, or do not use it."
            }
            _ => {
                "Stop the server: nothing may be signed on top of this. Keep a copy of the database, then restore the newest backup for which fsck finds nothing; the nodes send again what it lacks."
            }
        }
    }
}

/// A row that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Table.
    pub table: &'static str,
    /// Column.
    pub column: &'static str,
    /// The row's key: its columns with spaces between.
    pub row: String,
    /// The rule.
    pub rule: Rule,
    /// What is not as it must be.
    pub what: String,
    /// What to do next.
    pub next: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            table,
            column,
            row,
            rule,
            what,
            ..
        } = self;
        write!(
            f,
            "{table}.{column} of row {row}: {what} [{}]",
            rule.as_str()
        )
    }
}

/// What was checked and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Number of leaves.
    pub leaves: u64,
    /// Number of nodes.
    pub nodes: u64,
    /// Number of statements of nodes.
    pub statements: u64,
    /// Number of the log's own statements.
    pub own: u64,
    /// Number of months that were folded again.
    pub months: u64,
    /// Number of signed findings that were made again.
    pub figures: u64,
    /// Number of those that stand on a statement which was withdrawn since, so that nobody can make them again.
    pub figures_gone: u64,
    /// Number of those of older runs that were left: newer ones took long enough.
    pub figures_left: u64,
    /// Number of versions of questionnaires.
    pub questionnaires: u64,
    /// Number of practice entries.
    pub entries: u64,
    /// Number of statements that were withdrawn, whose signatures cannot be checked any more: only that the next statement and the
    /// withdrawal name them.
    pub withdrawn: u64,
    /// Number of proofs against nodes.
    pub evidence: u64,
    /// The first findings.
    pub findings: Vec<Finding>,
    /// Number of findings beside those.
    pub more: u64,
}

impl Report {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }
}

/// One run.
struct Fsck<'a> {
    snapshot: &'a mut Snapshot,
    ground: Ground<'a>,
    report: Report,
    /// Number of statements of nodes that there are.
    statements: u64,
    /// National sums by standard, period and part, as the statements give them.
    sums: BTreeMap<(Digest, Period, String), Vec<i64>>,
    tallies: BTreeMap<(NodeSlug, Kind), Tally>,
    library: library::Expected,
    revisions: revisions::Expected,
    /// Nodes that withdrew something.
    withdrew: BTreeSet<NodeSlug>,
    /// Which key counts where.
    keys: Keys,
    /// What the log states of each node's key.
    stated: BTreeMap<NodeSlug, own::Stated>,
    /// What the log states of figures.
    figures: finding::Stated,
    /// What the log asks.
    asked: questionnaires::Stated,
}

impl Fsck<'_> {
    fn find(
        &mut self,
        rule: Rule,
        (table, column): (&'static str, &'static str),
        row: impl ToString,
        what: impl Into<String>,
    ) {
        if self.report.findings.len() == TOLD {
            self.report.more += 1;
            return;
        }
        self.report.findings.push(Finding {
            table,
            column,
            row: row.to_string(),
            rule,
            what: what.into(),
            next: rule.next(),
        });
    }

    /// The row, or a finding where it is not what the schema says.
    fn readable<T>(&mut self, row: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
        match row {
            Ok(row) => Ok(Some(row)),
            Err(StoreError::Corrupt { table, column, row }) => {
                let what = "the column does not hold what the schema says";
                self.find(Rule::Readable, (table, column), row, what);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// Checks everything that `snapshot` holds. `told` hears how many statements are done, of how many.
///
/// # Errors
/// Trouble with the database; what is wrong in it is in the report.
pub async fn fsck(
    snapshot: &mut Snapshot,
    ground: Ground<'_>,
    told: &mut dyn FnMut(u64, u64),
) -> Result<Report, StoreError> {
    let all = snapshot.number_of_statements().await?;
    let mut run = Fsck {
        snapshot,
        ground,
        report: Report::default(),
        statements: all,
        sums: BTreeMap::new(),
        tallies: BTreeMap::new(),
        library: library::Expected::default(),
        revisions: revisions::Expected::default(),
        withdrew: BTreeSet::new(),
        keys: Keys::default(),
        stated: BTreeMap::new(),
        figures: finding::Stated::default(),
        asked: questionnaires::Stated::default(),
    };
    tree::check(&mut run).await?;
    own::check(&mut run).await?;
    for node in run.snapshot.nodes().await? {
        run.report.nodes += 1;
        if let Some(node) = run.readable(node)? {
            node::check(&mut run, &node, &mut |done| told(done, all)).await?;
        }
    }
    for node in std::mem::take(&mut run.stated).into_keys() {
        let what = "the log states a key of this node, which is missing";
        run.find(Rule::Keys, ("node", "name"), node, what);
    }
    rollup::national(&mut run).await?;
    finding::check(&mut run).await?;
    library::check(&mut run).await?;
    revisions::check(&mut run).await?;
    counts::tallies(&mut run).await?;
    counts::evidence(&mut run).await?;
    Ok(run.report)
}
