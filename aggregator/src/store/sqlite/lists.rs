//! Lists of statements for people: newest first, without the envelopes.

use ldsp_protocol::statement::Kind;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, SqlitePool, query};

use super::{Columns, signed};
use crate::store::{Outline, Span, StatementFilter, StoreError, Tally};

fn kind(text: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|k| k.as_str() == text)
}

fn outline(row: &SqliteRow) -> Result<Outline, StoreError> {
    let key = row
        .try_get::<i64, _>("leaf")
        .map_or_else(|_| "?".to_owned(), |leaf| leaf.to_string());
    let columns = Columns::new(row, "statement", key);
    Ok(Outline {
        index: columns.number("leaf")?,
        node: columns.text("node")?,
        seq: columns.number("seq")?,
        kind: columns.choice("kind", kind)?,
        period: columns.optional("period")?,
        key_id: columns.digest("key_id")?,
        pae: columns.digest("pae")?,
        received: columns.time("received")?,
    })
}

pub(super) async fn latest(
    reader: &SqlitePool,
    filter: &StatementFilter,
    limit: u32,
) -> Result<Vec<Outline>, StoreError> {
    let mut sql = QueryBuilder::<sqlx::Sqlite>::new(
        "SELECT leaf, node, seq, kind, period, key_id, pae, received FROM statement WHERE ",
    );
    let order = match filter.span {
        Span::Newest => {
            sql.push("leaf >= 0");
            "DESC"
        }
        Span::Before(index) => {
            sql.push("leaf < ").push_bind(signed(index));
            "DESC"
        }
        Span::After(index) => {
            sql.push("leaf > ").push_bind(signed(index));
            "ASC"
        }
    };
    if let Some(kind) = filter.kind {
        sql.push(" AND kind = ").push_bind(kind.as_str());
    }
    // Within a node both orders are one, and its own index leads to its statements without the others'.
    let key = match &filter.node {
        None => "leaf",
        Some(node) => {
            sql.push(" AND node = ").push_bind(node.to_string());
            "seq"
        }
    };
    sql.push(format!(" ORDER BY {key} {order} LIMIT "))
        .push_bind(limit);
    let rows = sql.build().fetch_all(reader).await?;
    let mut found = rows.iter().map(outline).collect::<Result<Vec<_>, _>>()?;
    if order == "ASC" {
        found.reverse();
    }
    Ok(found)
}

pub(super) async fn tally(reader: &SqlitePool) -> Result<Vec<Tally>, StoreError> {
    let rows = query(
        "SELECT node, kind, count(*) AS statements, min(received) AS first, max(received) AS latest
         FROM statement GROUP BY node, kind ORDER BY node, kind",
    )
    .fetch_all(reader)
    .await?;
    let read = |row: &SqliteRow| {
        let node = row.try_get::<String, _>("node").unwrap_or_default();
        let columns = Columns::new(row, "statement", node);
        Ok(Tally {
            node: columns.text("node")?,
            kind: columns.choice("kind", kind)?,
            count: columns.number("statements")?,
            first: columns.time("first")?,
            latest: columns.time("latest")?,
        })
    };
    rows.iter().map(read).collect()
}
