//! Lists of statements for people: newest first, without the envelopes.

use ldsp_protocol::statement::Kind;
use sqlx::{SqlitePool, query, query_scalar};

use super::{IMMEDIATE, Sqlite};
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
    let found = query(selects::TALLY).fetch_all(reader).await?;
    found.iter().map(rows::tally).collect()
}

/// Counts all statements anew where the tally has lost some: a program that knew nothing of it has logged them.
pub(super) async fn mend_tally(store: &Sqlite) -> Result<(), StoreError> {
    let whole: bool = query_scalar(selects::TALLY_IS_WHOLE)
        .fetch_one(&store.reader)
        .await?;
    if whole {
        return Ok(());
    }
    tracing::warn!("statements are counted anew");
    let mut tx = store.writer.begin_with(IMMEDIATE).await?;
    query("DELETE FROM statement_tally")
        .execute(&mut *tx)
        .await?;
    query(selects::TALLY_ANEW).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(())
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
