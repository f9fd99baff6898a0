//! Lists of statements for people: newest first, without the envelopes.

use ldsp_protocol::statement::Kind;
use sqlx::{PgPool, query, query_scalar};

use super::Postgres;
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
    let found = query(selects::TALLY).fetch_all(reader).await?;
    found.iter().map(rows::tally).collect()
}

/// Counts all statements anew where the tally has lost some: a program that knew nothing of it has logged them.
pub(super) async fn mend_tally(store: &Postgres) -> Result<(), StoreError> {
    let whole: bool = query_scalar(selects::TALLY_IS_WHOLE)
        .fetch_one(&store.reader)
        .await?;
    if whole {
        return Ok(());
    }
    tracing::warn!("statements are counted anew");
    let mut tx = store.begin().await?;
    query("DELETE FROM statement_tally")
        .execute(&mut *tx)
        .await?;
    query(selects::TALLY_ANEW).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(())
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
