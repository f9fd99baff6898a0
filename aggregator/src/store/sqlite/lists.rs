//! Lists of statements for people: newest first, without the envelopes.

use sqlx::{QueryBuilder, SqlitePool, query};

use crate::store::rows::{self, signed};
use crate::store::{Outline, Span, StatementFilter, StoreError, Tally};

/// `s` is the statement, `p` its row in the library's index if it is a practice entry.
const OUTLINES: &str =
    "SELECT s.leaf, s.node, s.seq, s.kind, s.period, s.key_id, s.pae, s.received, p.public_from
    FROM statement AS s LEFT JOIN practice AS p ON p.leaf = s.leaf";

pub(super) async fn latest(
    reader: &SqlitePool,
    filter: &StatementFilter,
    limit: u32,
) -> Result<Vec<Outline>, StoreError> {
    let mut sql = QueryBuilder::<sqlx::Sqlite>::new(OUTLINES);
    let order = match filter.span {
        Span::Newest => {
            sql.push(" WHERE s.leaf >= 0");
            "DESC"
        }
        Span::Before(index) => {
            sql.push(" WHERE s.leaf < ").push_bind(signed(index));
            "DESC"
        }
        Span::After(index) => {
            sql.push(" WHERE s.leaf > ").push_bind(signed(index));
            "ASC"
        }
    };
    if let Some(kind) = filter.kind {
        sql.push(" AND s.kind = ").push_bind(kind.as_str());
    }
    // Within a node both orders are one, and its own index leads to its statements without the others'.
    let key = match &filter.node {
        None => "s.leaf",
        Some(node) => {
            sql.push(" AND s.node = ").push_bind(node.to_string());
            "s.seq"
        }
    };
    sql.push(format!(" ORDER BY {key} {order} LIMIT "))
        .push_bind(limit);
    let rows = sql.build().fetch_all(reader).await?;
    let mut found = rows
        .iter()
        .map(rows::outline)
        .collect::<Result<Vec<_>, _>>()?;
    if order == "ASC" {
        found.reverse();
    }
    Ok(found)
}

pub(super) async fn heads(reader: &SqlitePool) -> Result<Vec<Outline>, StoreError> {
    let mut sql = QueryBuilder::<sqlx::Sqlite>::new(OUTLINES);
    sql.push(" JOIN node AS n ON n.name = s.node AND n.head_seq = s.seq ORDER BY s.node");
    let found = sql.build().fetch_all(reader).await?;
    found.iter().map(rows::outline).collect()
}

pub(super) async fn tally(reader: &SqlitePool) -> Result<Vec<Tally>, StoreError> {
    let found = query(
        "SELECT node, kind, count(*) AS statements, min(received) AS first, max(received) AS latest
         FROM statement GROUP BY node, kind ORDER BY node, kind",
    )
    .fetch_all(reader)
    .await?;
    found.iter().map(rows::tally).collect()
}
