//! Lists of statements for people: newest first, without the envelopes.

use ldsp_protocol::statement::Kind;
use sqlx::{SqlitePool, query};

use crate::store::{
    LoggedStatement, Outline, Span, StatementFilter, StoreError, Tally, rows, selects,
};

pub(super) async fn latest(
    reader: &SqlitePool,
    filter: &StatementFilter,
    limit: u32,
) -> Result<Vec<Outline>, StoreError> {
    let (mut sql, oldest_first) = selects::latest::<sqlx::Sqlite>(filter, limit);
    let found = sql.build().fetch_all(reader).await?;
    let found = found.iter().map(rows::outline).collect::<Result<_, _>>()?;
    Ok(selects::newest_first(found, oldest_first))
}

pub(super) async fn heads(reader: &SqlitePool) -> Result<Vec<Outline>, StoreError> {
    let mut sql = selects::heads::<sqlx::Sqlite>();
    let found = sql.build().fetch_all(reader).await?;
    found.iter().map(rows::outline).collect()
}

pub(super) async fn tally(reader: &SqlitePool) -> Result<Vec<Tally>, StoreError> {
    let found = query(
        "SELECT node, kind, statements, first, latest FROM statement_tally ORDER BY node, kind",
    )
    .fetch_all(reader)
    .await?;
    found.iter().map(rows::tally).collect()
}

pub(super) async fn announced(
    reader: &SqlitePool,
    kinds: &[Kind],
    span: Span,
    limit: u32,
) -> Result<Vec<LoggedStatement>, StoreError> {
    let (mut sql, oldest_first) = selects::announced::<sqlx::Sqlite>(kinds, span, limit);
    let found = sql.build().fetch_all(reader).await?;
    let found = found.iter().map(rows::own).collect::<Result<_, _>>()?;
    Ok(selects::newest_first(found, oldest_first))
}
