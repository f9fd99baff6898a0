//! Withdrawals and corrections.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use ldsp_protocol::ids::NodeSlug;
use ldsp_protocol::statement::Kind;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, PgPool, query};

use super::Postgres;
use crate::store::rows::{self, Columns, as_blob, signed};
use crate::store::{NewStatement, Revised, RevisionRow, Span, StoreError};
use crate::store::{evidence, selects};

/// Writes what a withdrawal or a correction at leaf `index` changes, the sums apart.
pub(super) async fn write(
    connection: &mut PgConnection,
    new: &NewStatement,
    index: u64,
    revised: &Revised,
) -> Result<(), StoreError> {
    if new.kind == Kind::Withdrawal {
        take_away(connection, index, revised.target).await?;
    }
    let month = revised.month.as_ref();
    query(selects::REVISE)
        .bind(signed(index))
        .bind(new.node.as_str())
        .bind(signed(revised.target))
        .bind(month.map(|m| m.period.to_string()))
        .bind(month.map(|m| m.standard.digest().as_bytes().to_vec()))
        .bind(month.map(|m| m.cells.as_bytes().to_vec()))
        .bind(&revised.reason)
        .execute(&mut *connection)
        .await?;
    for month in month.iter().flat_map(|m| &m.revision.months) {
        let done = query(selects::REVISE_MONTH)
            .bind(month.node.as_str())
            .bind(month.period.to_string())
            .bind(month.standard.digest().as_bytes().as_slice())
            .bind(signed(month.seq))
            .bind(month.drawn.map(|d| d.as_bytes().to_vec()))
            .bind(as_blob(&month.published))
            .bind(as_blob(&month.cumulative))
            .execute(&mut *connection)
            .await?;
        if done.rows_affected() != 1 {
            return Err(rows::missing_month(month));
        }
    }
    Ok(())
}

/// Takes the payload of the statement at `target` out of storage and out of the library.
async fn take_away(
    connection: &mut PgConnection,
    withdrawal: u64,
    target: u64,
) -> Result<(), StoreError> {
    empty_kept(connection, target).await?;
    let done = query(selects::WITHDRAW)
        .bind(signed(withdrawal))
        .bind(signed(target))
        .bind(Vec::<u8>::new())
        .execute(&mut *connection)
        .await?;
    if done.rows_affected() != 1 {
        return Err(rows::not_withdrawn(target));
    }
    for sql in [selects::UNREASON, selects::UNCAUSE, selects::UNLIST] {
        query(sql)
            .bind(signed(target))
            .execute(&mut *connection)
            .await?;
    }
    query(selects::RESTAND)
        .bind(signed(target))
        .execute(&mut *connection)
        .await?;
    Ok(())
}

/// Takes what the statement at `target` says out of the proofs against its node as well.
async fn empty_kept(connection: &mut PgConnection, target: u64) -> Result<(), StoreError> {
    let places = query(selects::KEPT_PLACES_OF)
        .bind(signed(target))
        .fetch_all(&mut *connection)
        .await?;
    // One by one: all that is kept of a node is large.
    for place in &places {
        let seq: u64 = Columns::new(place, "equivocation", "?").number("seq")?;
        let row = query(selects::WITHDRAWN_AND_KEPT)
            .bind(signed(target))
            .bind(signed(seq))
            .fetch_one(&mut *connection)
            .await?;
        let (node, withdrawn, kept) = rows::kept(&row)?;
        if evidence::carry_the_same(&withdrawn, &kept) {
            query(selects::EMPTY_KEPT)
                .bind(node)
                .bind(signed(seq))
                .bind(Vec::<u8>::new())
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(())
}

/// Whether a payload leaves storage with these statements.
pub(super) fn takes_away(batch: &[NewStatement]) -> bool {
    batch.iter().any(|new| new.kind == Kind::Withdrawal)
}

impl Postgres {
    /// Gives the space of what was overwritten back for use, on a connection of its own: that may take long, and nobody waits for it.
    pub(super) fn clear(&self) {
        let options = self.writer.connect_options();
        let cleared = Arc::clone(&self.cleared);
        tokio::spawn(async move {
            let done = async {
                let mut connection = options.connect().await?;
                query("VACUUM statement, node_month, national_month, practice, practice_cause, revision, equivocation")
                    .execute(&mut connection)
                    .await?;
                connection.close().await
            };
            if let Err(error) = done.await {
                tracing::warn!(%error, "the space of a withdrawn payload was not given back; autovacuum will do it");
            }
            cleared.send_modify(|times| *times += 1);
        });
    }

    /// Waits until it was given back this often.
    #[cfg(test)]
    pub(super) async fn cleared(&self, times: u64) {
        let mut cleared = self.cleared.subscribe();
        cleared.wait_for(|done| *done >= times).await.unwrap();
    }
}

pub(super) async fn one(reader: &PgPool, leaf: u64) -> Result<Option<RevisionRow>, StoreError> {
    let mut sql = selects::revision::<sqlx::Postgres>(leaf);
    let row = sql.build().fetch_optional(reader).await?;
    row.as_ref().map(rows::revision).transpose()
}

pub(super) async fn latest(
    reader: &PgPool,
    node: Option<&NodeSlug>,
    span: Span,
    limit: u32,
) -> Result<Vec<RevisionRow>, StoreError> {
    let (mut sql, oldest_first) = selects::revisions::<sqlx::Postgres>(node, span, limit);
    let found = sql.build().fetch_all(reader).await?;
    let found = found.iter().map(rows::revision).collect::<Result<_, _>>()?;
    Ok(selects::newest_first(found, oldest_first))
}

pub(super) async fn withheld(
    reader: &PgPool,
    node: Option<&NodeSlug>,
) -> Result<Vec<RevisionRow>, StoreError> {
    let mut sql = selects::withheld::<sqlx::Postgres>(node);
    let found = sql.build().fetch_all(reader).await?;
    found.iter().map(rows::revision).collect()
}

pub(super) async fn nodes(
    reader: &PgPool,
    places: Range<u64>,
) -> Result<BTreeSet<NodeSlug>, StoreError> {
    let found = query(selects::REVISED)
        .bind(signed(places.start))
        .bind(signed(places.end))
        .fetch_all(reader)
        .await?;
    let name = |row| Columns::new(row, "revision", "?").text("node");
    found.iter().map(name).collect()
}
