//! One moment of a database, for readers that compare everything with everything: whatever is
//! written meanwhile, each read sees the same state. What cannot be read is told row by row.

use std::collections::BTreeSet;
use std::ops::Range;

use ldsp_protocol::ids::{Digest, NodeSlug, Period};
use ldsp_protocol::log::Entry;
use ldsp_protocol::rollup::NodeMonth;
use sqlx::sqlite::SqliteTransaction;
use sqlx::{PgTransaction, query};

use super::rows::{self, Columns, Fields as _, signed};
use super::selects::{REVISIONS, TALLY};
use super::{
    Backend, Equivocation, IndexRow, LogHead, LoggedStatement, NationalMonth, Node, Outcome,
    RevisionRow, Tally,
};

/// One moment of a database.
#[derive(Debug)]
pub enum Snapshot {
    /// A file's.
    Sqlite(SqliteTransaction<'static>),
    /// A database server's.
    Postgres(PgTransaction<'static>),
}

/// Rows of which some may be damaged.
type Rows<T> = Outcome<Vec<Outcome<T>>>;

/// Runs one text of SQL, which both databases know, and reads each row.
macro_rules! read {
    ($snapshot:ident, $sql:expr $(, $value:expr)*; $decode:expr) => {
        match $snapshot {
            Self::Sqlite(tx) => {
                let found = query::<sqlx::Sqlite>($sql)$(.bind($value))*.fetch_all(&mut **tx).await?;
                found.iter().map($decode).collect::<Vec<_>>()
            }
            Self::Postgres(tx) => {
                let found = query::<sqlx::Postgres>($sql)$(.bind($value))*.fetch_all(&mut **tx).await?;
                found.iter().map($decode).collect::<Vec<_>>()
            }
        }
    };
}

impl Snapshot {
    /// Number of statements.
    pub(crate) async fn number_of_statements(&mut self) -> Outcome<u64> {
        let found = read!(self, "SELECT count(*) AS n FROM statement";
            |row| Columns::new(row, "statement", "all").number("n"));
        found.into_iter().next().unwrap_or(Ok(0))
    }

    /// All nodes by name.
    pub(crate) async fn nodes(&mut self) -> Rows<Node> {
        Ok(read!(self,
            "SELECT name, lep, state, public_key, approved_by, head_seq, head_pae, added, revoked FROM node ORDER BY name";
            rows::node))
    }

    /// A node.
    pub(crate) async fn node(&mut self, node: &NodeSlug) -> Outcome<Option<Outcome<Node>>> {
        let found = read!(self,
            "SELECT name, lep, state, public_key, approved_by, head_seq, head_pae, added, revoked FROM node WHERE name = $1",
            node.as_str(); rows::node);
        Ok(found.into_iter().next())
    }

    /// Leaves of a node's statements in the order of its own numbers.
    pub(crate) async fn leaves_of(&mut self, node: &NodeSlug) -> Outcome<Vec<u64>> {
        read!(self, "SELECT leaf FROM statement WHERE node = $1 ORDER BY seq", node.as_str();
            |row| Columns::new(row, "statement", "?").number("leaf"))
        .into_iter()
        .collect()
    }

    /// The statement at a leaf.
    pub(crate) async fn statement(
        &mut self,
        leaf: u64,
    ) -> Outcome<Option<Outcome<LoggedStatement>>> {
        let found = read!(self,
            "SELECT leaf, node, seq, kind, period, key_id, pae, envelope, received, withdrawn FROM statement WHERE leaf = $1",
            signed(leaf); rows::statement);
        Ok(found.into_iter().next())
    }

    /// Where the log stands.
    pub(crate) async fn log_head(&mut self) -> Outcome<LogHead> {
        let mut found = read!(self, "SELECT size, edge, checkpoint, receipt, behind FROM log_head WHERE id = 1";
            |row| rows::log_head(Some(row)));
        found.pop().unwrap_or_else(|| Err(rows::missing_head("id")))
    }

    /// The first leaf of each row of records.
    pub(crate) async fn records(&mut self) -> Outcome<Vec<u64>> {
        read!(self, "SELECT first FROM log_entry ORDER BY first";
            |row| Columns::new(row, "log_entry", "?").number("first"))
        .into_iter()
        .collect()
    }

    /// The records of the row that begins with this leaf.
    pub(crate) async fn records_from(&mut self, first: u64) -> Outcome<Vec<u8>> {
        let mut found = read!(self, "SELECT first, entries FROM log_entry WHERE first = $1", signed(first);
            |row| Columns::new(row, "log_entry", first.to_string()).bytes("entries"));
        found.pop().unwrap_or_else(|| Ok(Vec::new()))
    }

    /// Leaves from `leaves.start` on and before its end where statements stand, of nodes and the log's own, each with the record that it
    /// must have.
    pub(crate) async fn recorded(
        &mut self,
        leaves: Range<u64>,
    ) -> Outcome<Vec<(u64, Outcome<Entry>)>> {
        read!(self,
            "SELECT leaf, node, seq, kind, key_id, pae FROM statement WHERE leaf >= $1 AND leaf < $2
             UNION ALL
             SELECT leaf, 'aggregator', seq, kind, key_id, pae FROM own_statement WHERE leaf >= $1 AND leaf < $2
             ORDER BY 1",
            signed(leaves.start), signed(leaves.end); rows::recorded)
        .into_iter()
        .collect()
    }

    /// Leaves of the log's own statements in the order of its own numbers.
    pub(crate) async fn own_leaves(&mut self) -> Outcome<Vec<u64>> {
        read!(self, "SELECT leaf FROM own_statement ORDER BY seq";
            |row| Columns::new(row, "own_statement", "?").number("leaf"))
        .into_iter()
        .collect()
    }

    /// The log's own statement at a leaf.
    pub(crate) async fn own(&mut self, leaf: u64) -> Outcome<Option<Outcome<LoggedStatement>>> {
        let found = read!(self,
            "SELECT leaf, seq, kind, key_id, pae, envelope, received FROM own_statement WHERE leaf = $1",
            signed(leaf); rows::own);
        Ok(found.into_iter().next())
    }

    /// The digest of the statement in a place of a node.
    pub(crate) async fn identity(&mut self, node: &NodeSlug, seq: u64) -> Outcome<Option<Digest>> {
        let found = read!(self, "SELECT leaf, pae FROM statement WHERE node = $1 AND seq = $2",
            node.as_str(), signed(seq); |row| Columns::new(row, "statement", "?").digest("pae"));
        // One that cannot be read is no digest; the statement itself is a finding.
        Ok(found.into_iter().next().and_then(Result::ok))
    }

    /// A node's months, each with its standard and period where those can be read.
    pub(crate) async fn months(
        &mut self,
        node: &NodeSlug,
    ) -> Outcome<Vec<(Option<(Digest, Period)>, Outcome<NodeMonth>)>> {
        Ok(read!(self,
            "SELECT node, period, standard, lep, seq, epoch, month, rho_micro, earlier_month, earlier_rho_micro, pledges,
                 drawn, published, cumulative FROM node_month WHERE node = $1 ORDER BY period",
            node.as_str(); |row| (rows::key_of_month(row), rows::month(row, true))))
    }

    /// National sums, each with its key where that can be read.
    pub(crate) async fn national(
        &mut self,
    ) -> Outcome<Vec<(Option<(Digest, Period, String)>, Outcome<NationalMonth>)>> {
        Ok(
            read!(self, "SELECT period, standard, part, cells FROM national_month ORDER BY period, standard, part";
            |row| {
                let part = row.text("part").flatten();
                (rows::key_of_month(row).zip(part).map(|((standard, period), part)| (standard, period, part)), rows::national(row))
            }),
        )
    }

    /// Every tally.
    pub(crate) async fn tallies(&mut self) -> Rows<Tally> {
        Ok(read!(self,
            TALLY;
            rows::tally))
    }

    /// Places for which there is evidence.
    pub(crate) async fn places_of_evidence(&mut self) -> Outcome<Vec<(NodeSlug, u64)>> {
        read!(self, "SELECT node, seq FROM equivocation ORDER BY node, seq"; |row| {
            let columns = Columns::new(row, "equivocation", "?");
            Ok((columns.text("node")?, columns.number("seq")?))
        })
        .into_iter()
        .collect()
    }

    /// The evidence for a place of a node.
    pub(crate) async fn evidence(
        &mut self,
        node: &NodeSlug,
        seq: u64,
    ) -> Outcome<Option<Outcome<Equivocation>>> {
        let found = read!(self,
            "SELECT node, seq, logged_pae, pae, envelope, received FROM equivocation WHERE node = $1 AND seq = $2",
            node.as_str(), signed(seq); rows::evidence);
        Ok(found.into_iter().next())
    }

    /// Every withdrawal and correction in the list of them, by leaf.
    pub(crate) async fn revisions(&mut self) -> Rows<RevisionRow> {
        Ok(match self {
            Self::Sqlite(tx) => {
                let found = query::<sqlx::Sqlite>(REVISIONS)
                    .fetch_all(&mut **tx)
                    .await?;
                found.iter().map(rows::revision).collect()
            }
            Self::Postgres(tx) => {
                let found = query::<sqlx::Postgres>(REVISIONS)
                    .fetch_all(&mut **tx)
                    .await?;
                found.iter().map(rows::revision).collect()
            }
        })
    }

    /// Leaves of the library's index.
    pub(crate) async fn indexed(&mut self) -> Outcome<Vec<u64>> {
        read!(self, "SELECT leaf FROM practice ORDER BY leaf";
            |row| Columns::new(row, "practice", "?").number("leaf"))
        .into_iter()
        .collect()
    }

    /// A row of the library's index.
    pub(crate) async fn index_row(&mut self, leaf: u64) -> Outcome<Option<Outcome<IndexRow>>> {
        let found = read!(self,
            "SELECT leaf, node, tier, verdict, public_from, supersedes, superseded_by FROM practice WHERE leaf = $1",
            signed(leaf); rows::index_row);
        Ok(found.into_iter().next())
    }

    /// Causes by which an entry is found.
    pub(crate) async fn causes(&mut self, leaf: u64) -> Outcome<BTreeSet<String>> {
        read!(self, "SELECT factor FROM practice_cause WHERE leaf = $1", signed(leaf);
            |row| Columns::new(row, "practice_cause", "?").text("factor"))
        .into_iter()
        .collect()
    }
}

#[cfg(test)]
impl Backend {
    /// The database as it would be after `sql`, which is run in a transaction that nobody commits and that asks for no
    /// foreign key.
    pub(crate) async fn damaged(&self, sql: &'static str) -> Snapshot {
        use sqlx::AssertSqlSafe;
        let run = async |snapshot: &mut Snapshot, sql: &str| match snapshot {
            Snapshot::Sqlite(tx) => {
                let done = query::<sqlx::Sqlite>(AssertSqlSafe(sql.to_owned()));
                done.execute(&mut **tx).await.unwrap().rows_affected()
            }
            Snapshot::Postgres(tx) => {
                let done = query::<sqlx::Postgres>(AssertSqlSafe(sql.replace("x'", "'\\x")));
                done.execute(&mut **tx).await.unwrap().rows_affected()
            }
        };
        let (mut snapshot, loose) = match self {
            Self::Sqlite(store) => (
                Snapshot::Sqlite(store.writer().begin().await.unwrap()),
                "PRAGMA defer_foreign_keys = ON",
            ),
            Self::Postgres(store) => (
                Snapshot::Postgres(store.writer().begin().await.unwrap()),
                "SET LOCAL session_replication_role = replica",
            ),
            Self::Failing(_) => panic!("damage the database itself"),
        };
        run(&mut snapshot, loose).await;
        assert!(run(&mut snapshot, sql).await > 0, "{sql}");
        snapshot
    }
}

impl Backend {
    /// The present moment of the database.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn snapshot(&self) -> Outcome<Snapshot> {
        Ok(match self {
            Self::Sqlite(store) => Snapshot::Sqlite(store.reading().await?),
            Self::Postgres(store) => Snapshot::Postgres(store.reading().await?),
            #[cfg(test)]
            Self::Failing(failing) => Box::pin(failing.sound().snapshot()).await?,
        })
    }
}
