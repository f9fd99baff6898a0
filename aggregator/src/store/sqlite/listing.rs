//! Lists of statements, without their bytes.

use ldsp_protocol::statement::Kind;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row};

use super::{Columns, Sqlite, signed};
use crate::store::{Listing, StatementFilter, StatementLine, StoreError};

/// `s` is the statement, `p` its row in the library's index if it is a practice entry.
const LINES: &str =
    "SELECT s.leaf, s.node, s.seq, s.kind, s.period, s.pae, s.received, p.public_from
    FROM statement AS s LEFT JOIN practice AS p ON p.leaf = s.leaf";

fn line(row: &SqliteRow) -> Result<StatementLine, StoreError> {
    let key = row
        .try_get::<i64, _>("leaf")
        .map_or_else(|_| "?".to_owned(), |leaf| leaf.to_string());
    let columns = Columns::new(row, "statement", key);
    let kind = |text: &str| Kind::ALL.into_iter().find(|k| k.as_str() == text);
    Ok(StatementLine {
        index: columns.number("leaf")?,
        node: columns.text("node")?,
        seq: columns.number("seq")?,
        kind: columns.choice("kind", kind)?,
        period: columns.optional("period")?,
        pae: columns.digest("pae")?,
        received: columns.time("received")?,
        public_from: columns.optional("public_from")?,
    })
}

impl Listing for Sqlite {
    async fn latest(&self, filter: &StatementFilter) -> Result<Vec<StatementLine>, StoreError> {
        let mut sql = QueryBuilder::<sqlx::Sqlite>::new(LINES);
        sql.push(" WHERE s.leaf < ")
            .push_bind(filter.before.map_or(i64::MAX, signed));
        if let Some(node) = &filter.node {
            sql.push(" AND s.node = ").push_bind(node.as_str());
        }
        if let Some(kind) = filter.kind {
            sql.push(" AND s.kind = ").push_bind(kind.as_str());
        }
        sql.push(" ORDER BY s.leaf DESC LIMIT ")
            .push_bind(i64::from(filter.limit));
        let rows = sql.build().fetch_all(&self.reader).await?;
        rows.iter().map(line).collect()
    }

    async fn heads(&self) -> Result<Vec<StatementLine>, StoreError> {
        let mut sql = QueryBuilder::<sqlx::Sqlite>::new(LINES);
        sql.push(" JOIN node AS n ON n.name = s.node AND n.head_seq = s.seq ORDER BY s.node");
        let rows = sql.build().fetch_all(&self.reader).await?;
        rows.iter().map(line).collect()
    }
}
