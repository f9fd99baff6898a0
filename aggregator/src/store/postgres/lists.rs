//! Lists of statements for people: newest first, without the envelopes.

use ldsp_protocol::statement::Kind;
use sqlx::{PgPool, query};

use crate::store::{
    LoggedStatement, Outline, Span, StatementFilter, StoreError, Tally, rows, selects,
};

pub(super) async fn latest(
    reader: &PgPool,
    filter: &StatementFilter,
    limit: u32,
) -> Result<Vec<Outline>, StoreError> {
    let (mut sql, oldest_first) = selects::latest::<sqlx::Postgres>(filter, limit);
    let found = sql.build().fetch_all(reader).await?;
    let found = found.iter().map(rows::outline).collect::<Result<_, _>>()?;
    Ok(selects::newest_first(found, oldest_first))
}

pub(super) async fn heads(reader: &PgPool) -> Result<Vec<Outline>, StoreError> {
    let mut sql = selects::heads::<sqlx::Postgres>();
    let found = sql.build().fetch_all(reader).await?;
    found.iter().map(rows::outline).collect()
}

pub(super) async fn tally(reader: &PgPool) -> Result<Vec<Tally>, StoreError> {
    let found = query(
        "SELECT node, kind, statements, first, latest FROM statement_tally ORDER BY node, kind",
    )
    .fetch_all(reader)
    .await?;
    found.iter().map(rows::tally).collect()
}

pub(super) async fn announced(
    reader: &PgPool,
    kinds: &[Kind],
    span: Span,
    limit: u32,
) -> Result<Vec<LoggedStatement>, StoreError> {
    let (mut sql, oldest_first) = selects::announced::<sqlx::Postgres>(kinds, span, limit);
    let found = sql.build().fetch_all(reader).await?;
    let found = found.iter().map(rows::own).collect::<Result<_, _>>()?;
    Ok(selects::newest_first(found, oldest_first))
}
