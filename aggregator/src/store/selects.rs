//! Queries that are put together from choices. They are the same for both databases.

use jiff::civil::Date;
use ldsp_protocol::ids::NodeSlug;
use ldsp_protocol::statement::Kind;
use sqlx::{Database, Encode, QueryBuilder, Type};

use super::rows::signed;
use super::{Curated, PracticeFilter, Reader, Span, StatementFilter, VERSIONS};

/// A database whose queries can hold the values that choices are made of.
pub(super) trait Holds<T>: Database {
    fn push(sql: &mut QueryBuilder<Self>, value: T);
}

impl<T, DB> Holds<T> for DB
where
    DB: Database,
    T: for<'q> Encode<'q, DB> + Type<DB>,
{
    fn push(sql: &mut QueryBuilder<Self>, value: T) {
        sql.push_bind(value);
    }
}

/// `s` is the statement, `p` its row in the library's index if it is a practice entry.
const OUTLINES: &str =
    "SELECT s.leaf, s.node, s.seq, s.kind, s.period, s.key_id, s.pae, s.received, s.withdrawn, p.public_from
     FROM statement AS s LEFT JOIN practice AS p ON p.leaf = s.leaf";

/// Entries for [`rows::entry`](super::rows::entry): `s` is the statement that holds the entry, `practice` its row in the index.
macro_rules! entry {
    ($rest:literal) => {
        concat!(
            "SELECT practice.leaf, s.node, s.seq, s.pae, s.envelope, practice.superseded_by
             FROM practice JOIN statement AS s ON s.leaf = practice.leaf ",
            $rest
        )
    };
}
pub(super) use entry;

/// Whether the tally counts every statement of the nodes.
pub(super) const TALLY_IS_WHOLE: &str =
    "SELECT (SELECT CAST(coalesce(sum(statements), 0) AS BIGINT) FROM statement_tally)
     = (SELECT size FROM log_head WHERE id = 1) - (SELECT count(*) FROM own_statement) AS whole";
/// The tally of all statements.
pub(super) const TALLY_ANEW: &str =
    "INSERT INTO statement_tally (node, kind, statements, first, latest)
     SELECT node, kind, count(*), min(received), max(received) FROM statement GROUP BY node, kind";
/// For [`rows::tally`](super::rows::tally).
pub(super) const TALLY: &str = "SELECT a.node, a.kind, a.statements, a.first, a.latest,
         (SELECT count(*) FROM revision AS r JOIN statement AS w ON w.leaf = r.leaf JOIN statement AS t ON t.leaf = r.target
          WHERE r.node = a.node AND w.kind = 'withdrawal' AND t.kind = a.kind) AS withdrawn
     FROM statement_tally AS a ORDER BY a.node, a.kind";
/// What is kept of a node, for [`rows::has_room`](super::rows::has_room).
pub(super) const KEPT: &str =
    "SELECT count(*) AS places, coalesce(sum(length(envelope)), 0) AS bytes,
     count(*) FILTER (WHERE seq = $2) AS known FROM equivocation WHERE node = $1";
/// For [`rows::contradiction`](super::rows::contradiction).
pub(super) const CONTRADICTIONS: &str = "SELECT e.seq, s.leaf, e.logged_pae, e.pae, e.received
     FROM equivocation AS e LEFT JOIN statement AS s ON s.node = e.node AND s.seq = e.seq
     WHERE e.node = $1 ORDER BY e.seq LIMIT $2";

/// For [`rows::revision`](super::rows::revision): `r` is the revision, `s` its statement, `t` the one that it names, `m` its month.
pub(super) const REVISIONS: &str =
    "SELECT r.leaf, s.node, s.seq, s.kind, s.received, s.withdrawn, r.target, t.seq AS target_seq, t.kind AS target_kind,
         r.period, r.standard, r.cells, r.reason, m.epoch, m.month
     FROM revision AS r JOIN statement AS s ON s.leaf = r.leaf JOIN statement AS t ON t.leaf = r.target
         LEFT JOIN node_month AS m ON m.node = r.node AND m.period = r.period AND m.standard = r.standard";
/// The nodes of the revisions of months at these places.
pub(super) const REVISED: &str = "SELECT DISTINCT node FROM revision
     WHERE leaf >= $1 AND leaf < $2 AND period IS NOT NULL";
/// A statement's payload leaves storage.
pub(super) const WITHDRAW: &str = "UPDATE statement SET envelope = $3, withdrawn = $1
     WHERE leaf = $2 AND withdrawn IS NULL";
/// What is withdrawn, before it goes, with each proof against its node.
pub(super) const WITHDRAWN_AND_KEPT: &str = "SELECT s.node, s.envelope, e.seq, e.envelope AS kept
     FROM statement AS s JOIN equivocation AS e ON e.node = s.node
     WHERE s.leaf = $1 AND e.seq = $2 AND length(e.envelope) > 0";
/// Places of the proofs against the node of a statement.
pub(super) const KEPT_PLACES_OF: &str =
    "SELECT e.seq FROM statement AS s JOIN equivocation AS e ON e.node = s.node
     WHERE s.leaf = $1 AND length(e.envelope) > 0 ORDER BY e.seq";
/// A proof loses what was refused; its digest stays.
pub(super) const EMPTY_KEPT: &str =
    "UPDATE equivocation SET envelope = $3 WHERE node = $1 AND seq = $2";
/// The reason of a correction goes with its payload.
pub(super) const UNREASON: &str = "UPDATE revision SET reason = NULL WHERE leaf = $1";
/// A practice entry leaves the library: its causes, itself.
pub(super) const UNCAUSE: &str = "DELETE FROM practice_cause WHERE leaf = $1";
pub(super) const UNLIST: &str = "DELETE FROM practice WHERE leaf = $1";
/// What it replaced stands again, unless another entry that is still there replaces it.
pub(super) const RESTAND: &str = "UPDATE practice SET superseded_by = (
        SELECT min(later.leaf) FROM practice AS later
        WHERE later.node = practice.node AND later.leaf > practice.leaf
            AND later.supersedes = (SELECT pae FROM statement WHERE statement.leaf = practice.leaf))
    WHERE superseded_by = $1";
pub(super) const REVISE: &str =
    "INSERT INTO revision (leaf, node, target, period, standard, cells, reason)
     VALUES ($1, $2, $3, $4, $5, $6, $7)";
pub(super) const REVISE_MONTH: &str =
    "UPDATE node_month SET seq = $4, drawn = $5, published = $6, cumulative = $7
     WHERE node = $1 AND period = $2 AND standard = $3";

/// SQLite and PostgreSQL.
pub(super) trait Either: Holds<String> + Holds<i64> {}
impl<DB: Holds<String> + Holds<i64>> Either for DB {}

/// A query that grows.
struct Sql<DB: Database>(QueryBuilder<DB>);

impl<DB: Either> Sql<DB> {
    fn new(text: impl Into<String>) -> Self {
        Self(QueryBuilder::new(text))
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.0.push(text);
        self
    }

    fn value(&mut self, value: impl Into<String>) -> &mut Self {
        DB::push(&mut self.0, value.into());
        self
    }

    fn number(&mut self, number: i64) -> &mut Self {
        DB::push(&mut self.0, number);
        self
    }
}

/// What was said of an entry, for [`rows::said`](super::rows::said).
macro_rules! said {
    () => {
        "SELECT c.number, c.leaf, c.at, c.who, c.standing, c.words, s.node, s.seq, s.envelope
         FROM curation AS c JOIN statement AS s ON s.leaf = c.leaf"
    };
}
pub(super) use said;

/// A list of choices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Facet {
    Tier,
    Verdict,
    Cause,
}

/// The last word of a curator on an entry.
const STANDING: &str = "(SELECT c.standing FROM curation AS c WHERE c.leaf = practice.leaf ORDER BY c.number DESC LIMIT 1)";

/// Adds the conditions of `filter`, the part of the list apart. `without` leaves one choice out.
fn narrow<DB: Either>(sql: &mut Sql<DB>, filter: &PracticeFilter, without: Option<Facet>) {
    match filter.reader {
        Reader::Peer => {
            sql.text(" WHERE practice.superseded_by IS NULL");
        }
        // Until a newer version is public, at whatever remove, the older one stands.
        Reader::Public(today) => {
            sql.text(" WHERE practice.public_from <= ")
                .value(today.to_string())
                .text(
                    " AND (practice.superseded_by IS NULL OR NOT EXISTS (
                       WITH RECURSIVE newer (leaf) AS (
                         SELECT practice.superseded_by
                         UNION SELECT later.superseded_by
                         FROM practice AS later JOIN newer ON later.leaf = newer.leaf)
                       SELECT 1 FROM newer JOIN practice AS open ON open.leaf = newer.leaf
                       WHERE open.public_from <= ",
                )
                .value(today.to_string())
                .text("))");
        }
    }
    match filter.curated {
        Curated::Shown => sql
            .text(" AND coalesce(")
            .text(STANDING)
            .text(", '') <> 'hidden'"),
        Curated::Unseen => sql.text(" AND ").text(STANDING).text(" IS NULL"),
        Curated::As(standing) => sql
            .text(" AND ")
            .text(STANDING)
            .text(" = ")
            .value(standing.as_str()),
    };
    if let Some(node) = &filter.node {
        sql.text(" AND practice.node = ").value(node.to_string());
    }
    let tier = filter.tier.as_ref();
    if let Some(tier) = tier.filter(|_| without != Some(Facet::Tier)) {
        sql.text(" AND practice.tier = ").value(tier.clone());
    }
    if let Some(verdict) = filter.verdict.filter(|_| without != Some(Facet::Verdict)) {
        sql.text(" AND practice.verdict = ").value(verdict.id());
    }
    if let Some(cause) = filter.cause.filter(|_| without != Some(Facet::Cause)) {
        sql.text(" AND practice.leaf IN (SELECT leaf FROM practice_cause WHERE factor = ")
            .value(cause.id())
            .text(")");
    }
}

/// Entries for [`rows::entry`](super::rows::entry), and whether they come oldest first.
pub(super) fn entries<DB: Either>(filter: &PracticeFilter) -> (QueryBuilder<DB>, bool) {
    let mut sql = Sql::new(entry!(""));
    narrow(&mut sql, filter, None);
    if let Some(before) = filter.before {
        sql.text(" AND practice.leaf < ").number(signed(before));
    }
    let order = match filter.after {
        None => "DESC",
        Some(after) => {
            sql.text(" AND practice.leaf > ").number(signed(after));
            "ASC"
        }
    };
    sql.text(" ORDER BY practice.leaf ")
        .text(order)
        .text(" LIMIT ")
        .number(filter.limit.into());
    (sql.0, filter.after.is_some())
}

/// The newest of the next [`VERSIONS`] versions of an entry that everybody may read, for [`rows::entry`](super::rows::entry).
pub(super) fn newest<DB: Either>(leaf: u64, today: Date) -> QueryBuilder<DB> {
    let mut sql = Sql::new(
        "WITH RECURSIVE newer (leaf, versions) AS (
           SELECT superseded_by, 1 FROM practice WHERE leaf = ",
    );
    sql.number(signed(leaf))
        .text(
            " UNION ALL SELECT later.superseded_by, newer.versions + 1
           FROM practice AS later JOIN newer ON later.leaf = newer.leaf WHERE newer.versions < ",
        )
        .number(VERSIONS.into())
        .text(concat!(
            ") ",
            entry!("JOIN newer ON practice.leaf = newer.leaf WHERE practice.public_from <= ")
        ))
        .value(today.to_string())
        .text(" ORDER BY practice.leaf DESC LIMIT 1");
    sql.0
}

/// `code` and its number of `entries`, for each code of a list of choices.
pub(super) fn facet<DB: Either>(filter: &PracticeFilter, facet: Facet) -> QueryBuilder<DB> {
    let (code, from) = match facet {
        Facet::Tier => ("practice.tier", "practice"),
        Facet::Verdict => ("practice.verdict", "practice"),
        Facet::Cause => (
            "practice_cause.factor",
            "practice JOIN practice_cause ON practice_cause.leaf = practice.leaf",
        ),
    };
    let mut sql = Sql::new(format!(
        "SELECT {code} AS code, count(*) AS entries FROM {from}"
    ));
    narrow(&mut sql, filter, Some(facet));
    sql.text(" GROUP BY ").text(code);
    sql.0
}

/// The number of `entries` that `filter` finds `without` one of its choices.
pub(super) fn found<DB: Either>(
    filter: &PracticeFilter,
    without: Option<Facet>,
) -> QueryBuilder<DB> {
    let mut sql = Sql::new("SELECT count(*) AS entries FROM practice");
    narrow(&mut sql, filter, without);
    sql.0
}

/// Statements for [`rows::outline`](super::rows::outline), and whether they come oldest first.
pub(super) fn latest<DB: Either>(filter: &StatementFilter, limit: u32) -> (QueryBuilder<DB>, bool) {
    let mut sql = Sql::new(OUTLINES);
    let oldest_first = part(&mut sql, filter.span, "s.leaf");
    if let Some(kind) = filter.kind {
        sql.text(" AND s.kind = ").value(kind.as_str());
    }
    // Within a node both orders are one, and its own index leads to its statements without the others'.
    let key = match &filter.node {
        None => "s.leaf",
        Some(node) => {
            sql.text(" AND s.node = ").value(node.to_string());
            "s.seq"
        }
    };
    let order = if oldest_first { "ASC" } else { "DESC" };
    sql.text(&format!(" ORDER BY {key} {order} LIMIT "))
        .number(limit.into());
    (sql.0, oldest_first)
}

/// Begins the condition with which part of a list is read, and says whether it comes oldest first.
fn part<DB: Either>(sql: &mut Sql<DB>, span: Span, leaf: &str) -> bool {
    sql.text(" WHERE ").text(leaf);
    let (from, oldest_first) = match span {
        Span::Newest => {
            sql.text(" >= ");
            (0, false)
        }
        Span::Before(index) => {
            sql.text(" < ");
            (index, false)
        }
        Span::After(index) => {
            sql.text(" > ");
            (index, true)
        }
    };
    sql.number(signed(from));
    oldest_first
}

/// The log's own statements of these kinds for [`rows::own`](super::rows::own), and whether they come oldest first.
pub(super) fn announced<DB: Either>(
    kinds: &[Kind],
    span: Span,
    limit: u32,
) -> (QueryBuilder<DB>, bool) {
    let mut sql =
        Sql::new("SELECT leaf, seq, kind, key_id, pae, envelope, received FROM own_statement");
    let oldest_first = part(&mut sql, span, "leaf");
    sql.text(" AND kind IN (");
    for (at, kind) in kinds.iter().enumerate() {
        sql.text(if at == 0 { "" } else { ", " })
            .value(kind.as_str());
    }
    let order = if oldest_first { "ASC" } else { "DESC" };
    sql.text(&format!(") ORDER BY leaf {order} LIMIT "))
        .number(limit.into());
    (sql.0, oldest_first)
}

/// The revision at a leaf, for [`rows::revision`](super::rows::revision).
pub(super) fn revision<DB: Either>(leaf: u64) -> QueryBuilder<DB> {
    let mut sql = Sql::new(REVISIONS);
    sql.text(" WHERE r.leaf = ").number(signed(leaf));
    sql.0
}

/// Revisions for [`rows::revision`](super::rows::revision), and whether they come oldest first.
pub(super) fn revisions<DB: Either>(
    node: Option<&NodeSlug>,
    span: Span,
    limit: u32,
) -> (QueryBuilder<DB>, bool) {
    let mut sql = Sql::new(REVISIONS);
    let oldest_first = part(&mut sql, span, "r.leaf");
    if let Some(node) = node {
        sql.text(" AND r.node = ").value(node.as_str());
    }
    let order = if oldest_first { "ASC" } else { "DESC" };
    sql.text(&format!(" ORDER BY r.leaf {order} LIMIT "))
        .number(limit.into());
    (sql.0, oldest_first)
}

/// Withdrawals of months that were not published again since, newest first, for [`rows::revision`](super::rows::revision).
pub(super) fn withheld<DB: Either>(node: Option<&NodeSlug>) -> QueryBuilder<DB> {
    let mut sql = Sql::new(REVISIONS);
    sql.text(
        " WHERE s.kind = 'withdrawal' AND r.period IS NOT NULL AND NOT EXISTS (
             SELECT 1 FROM revision AS again WHERE again.node = r.node AND again.target = r.target AND again.leaf > r.leaf)",
    );
    if let Some(node) = node {
        sql.text(" AND r.node = ").value(node.as_str());
    }
    sql.text(" ORDER BY r.leaf DESC");
    sql.0
}

/// What came oldest first, newest first.
pub(super) fn newest_first<T>(mut found: Vec<T>, oldest_first: bool) -> Vec<T> {
    if oldest_first {
        found.reverse();
    }
    found
}

/// The last statement of each node, by the node's name.
pub(super) fn heads<DB: Either>() -> QueryBuilder<DB> {
    let mut sql = Sql::new(OUTLINES);
    sql.text(" JOIN node AS n ON n.name = s.node AND n.head_seq = s.seq ORDER BY s.node");
    sql.0
}
