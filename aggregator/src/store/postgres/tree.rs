//! The log's tree: leaves' records, head with checkpoint, the log's own statements.

use std::ops::Range;

use ldsp_protocol::ids::{Digest, QuestionId};
use ldsp_protocol::log::Edge;
use ldsp_protocol::statement::Kind;
use sqlx::{PgConnection, PgPool, query, query_scalar};

use super::registry;
use crate::store::plan::{self, Grown};
use crate::store::rows::{self, signed};
use crate::store::{
    Announced, Conflict, Growth, LogHead, LoggedStatement, Make, NewOwn, OwnEffect, ReturnedOwn,
    Sign, StoreError, Turn,
};

/// Statements that are read at once when a log of before there was a tree gets its leaves.
const PAGE: u32 = 4096;

pub(super) async fn head(connection: &mut PgConnection) -> Result<LogHead, StoreError> {
    let row = query("SELECT size, edge, checkpoint, receipt, behind FROM log_head WHERE id = 1")
        .fetch_optional(connection)
        .await?;
    rows::log_head(row.as_ref())
}

/// Records new leaves.
async fn insert(
    connection: &mut PgConnection,
    first: u64,
    records: &[u8],
) -> Result<(), StoreError> {
    query("INSERT INTO log_entry (first, entries) VALUES ($1, $2)")
        .bind(signed(first))
        .bind(records)
        .execute(connection)
        .await?;
    Ok(())
}

/// Moves the log's head to where `edge` ends.
async fn move_head(
    connection: &mut PgConnection,
    edge: &Edge,
    checkpoint: &str,
) -> Result<(), StoreError> {
    let moved = query(
        "UPDATE log_head SET size = $1, edge = $2, checkpoint = $3, receipt = NULL WHERE id = 1",
    )
    .bind(signed(edge.size()))
    .bind(edge.to_bytes())
    .bind(checkpoint)
    .execute(connection)
    .await?;
    if moved.rows_affected() != 1 {
        return Err(rows::missing_head("id"));
    }
    Ok(())
}

/// Writes what the log grew by.
pub(super) async fn write(connection: &mut PgConnection, grown: &Grown) -> Result<(), StoreError> {
    insert(connection, grown.growth.first, &grown.records).await?;
    move_head(connection, &grown.edge, &grown.growth.checkpoint).await
}

/// The first checkpoint, with the leaves of all statements so far.
pub(super) async fn establish(
    connection: &mut PgConnection,
    sign: Sign<'_>,
) -> Result<(), StoreError> {
    let head = head(connection).await?;
    if head.checkpoint.is_some() {
        return Ok(());
    }
    let mut edge = head.edge;
    loop {
        let first = edge.size();
        let found = query(
            "SELECT leaf, node, seq, kind, key_id, pae FROM statement WHERE leaf >= $1 ORDER BY leaf LIMIT $2",
        )
        .bind(signed(first))
        .bind(i64::from(PAGE))
        .fetch_all(&mut *connection)
        .await?;
        if found.is_empty() {
            break;
        }
        let entries = rows::entries(&found, first)?;
        let records: Vec<u8> = entries.iter().flat_map(|entry| entry.to_bytes()).collect();
        insert(connection, first, &records).await?;
        for entry in &entries {
            edge.push(entry.leaf_hash());
        }
    }
    let checkpoint = sign(edge.size(), edge.root());
    move_head(connection, &edge, &checkpoint).await
}

/// Where the log's next own statement stands after the tree of `edge`.
async fn turn(connection: &mut PgConnection, edge: &Edge) -> Result<Turn, StoreError> {
    let last = query("SELECT seq, pae FROM own_statement ORDER BY leaf DESC LIMIT 1")
        .fetch_optional(connection)
        .await?;
    rows::turn(last.as_ref(), edge.size())
}

async fn insert_own(
    connection: &mut PgConnection,
    turn: &Turn,
    new: &NewOwn,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO own_statement (leaf, seq, kind, key_id, pae, envelope, received)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(signed(turn.index))
    .bind(signed(turn.seq))
    .bind(new.kind.as_str())
    .bind(new.key_id.as_bytes().as_slice())
    .bind(new.pae.as_bytes().as_slice())
    .bind(&new.envelope)
    .bind(new.received.as_millisecond())
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether the last of the log's own statements of this kind is the one at this leaf.
async fn is_last(
    connection: &mut PgConnection,
    kind: Kind,
    expected: Option<u64>,
) -> Result<bool, StoreError> {
    let last: Option<i64> = query_scalar("SELECT max(leaf) FROM own_statement WHERE kind = $1")
        .bind(kind.as_str())
        .fetch_one(connection)
        .await?;
    Ok(last == expected.map(signed))
}

/// A questionnaire takes the place of its draft.
async fn ask(
    connection: &mut PgConnection,
    after: Option<u64>,
    draft: Option<&(QuestionId, u64)>,
) -> Result<(), StoreError> {
    if !is_last(connection, Kind::Questionnaire, after).await? {
        return Err(Conflict::OtherQuestionnaire.into());
    }
    let Some((name, edition)) = draft else {
        return Ok(());
    };
    let dropped = query("DELETE FROM questionnaire_draft WHERE name = $1 AND edition = $2")
        .bind(name.as_str())
        .bind(signed(*edition))
        .execute(connection)
        .await?;
    match dropped.rows_affected() {
        1 => Ok(()),
        _ => Err(Conflict::OtherDraft.into()),
    }
}

/// Statements of the log's own with what they change.
pub(super) async fn announce(
    connection: &mut PgConnection,
    make: Make<'_>,
    effect: &OwnEffect,
    sign: Sign<'_>,
) -> Result<Announced, StoreError> {
    let head = head(connection).await?;
    if head.behind.is_some() {
        return Err(StoreError::Behind);
    }
    let turn = turn(connection, &head.edge).await?;
    let growth = place(connection, &turn, || make(&turn), effect, head.edge, sign).await?;
    Ok(Announced { turn, growth })
}

/// Logs a statement of the log's own again in its place.
pub(super) async fn put_back(
    connection: &mut PgConnection,
    own: &ReturnedOwn,
    before: &Edge,
    sign: Sign<'_>,
) -> Result<Growth, StoreError> {
    if turn(connection, before).await? != own.turn {
        let how = "it is not the next one of the log's own".to_owned();
        let leaf = before.size();
        return Err(Conflict::Misplaced { leaf, how }.into());
    }
    let make = || vec![own.new.clone()];
    let edge = before.clone();
    place(connection, &own.turn, make, &own.effect, edge, sign).await
}

/// Writes a statement of the log's own at its turn, carries out what it says, and moves the log's head. It is made last: what it
/// says cannot always be carried out.
async fn place(
    connection: &mut PgConnection,
    turn: &Turn,
    make: impl FnOnce() -> Vec<NewOwn>,
    effect: &OwnEffect,
    edge: Edge,
    sign: Sign<'_>,
) -> Result<Growth, StoreError> {
    match effect {
        OwnEffect::None => {}
        OwnEffect::Approve {
            node,
            key_id,
            by,
            at,
        } => {
            registry::activate(connection, node, *key_id, (by, *at), turn.index).await?;
        }
        OwnEffect::StateKey { node, key_id } => {
            registry::state_key(connection, node, *key_id, turn.index).await?;
        }
        OwnEffect::Readmit { add, at } => {
            registry::readmit(connection, add, *at, turn.index).await?;
        }
        OwnEffect::Revoke { node, key_id } => {
            registry::revoke(connection, node, *key_id, turn.index).await?;
        }
        OwnEffect::Run { after } => {
            if !is_last(connection, Kind::BenchmarkRun, *after).await? {
                return Err(Conflict::OtherRun.into());
            }
        }
        OwnEffect::Ask { after, draft } => ask(connection, *after, draft.as_ref()).await?,
    }
    let (mut entries, mut next) = (Vec::new(), *turn);
    for new in make() {
        insert_own(connection, &next, &new).await?;
        entries.push(new.entry(&next));
        next = next.after(new.pae);
    }
    let grown = plan::grow(edge, entries.into_iter(), sign);
    write(connection, &grown).await?;
    Ok(grown.growth)
}

pub(super) async fn records(reader: &PgPool, leaves: Range<u64>) -> Result<Vec<u8>, StoreError> {
    let found = query(
        "SELECT first, entries FROM log_entry WHERE first < $2
             AND first >= coalesce((SELECT max(first) FROM log_entry WHERE first <= $1), 0) ORDER BY first",
    )
    .bind(signed(leaves.start))
    .bind(signed(leaves.end))
    .fetch_all(reader)
    .await?;
    rows::records(&found, &leaves)
}

pub(super) async fn own(reader: &PgPool, seq: u64) -> Result<Option<LoggedStatement>, StoreError> {
    let row = query(
        "SELECT leaf, seq, kind, key_id, pae, envelope, received FROM own_statement WHERE seq = $1",
    )
    .bind(signed(seq))
    .fetch_optional(reader)
    .await?;
    row.as_ref().map(rows::own).transpose()
}

pub(super) async fn own_by_identity(
    reader: &PgPool,
    pae: Digest,
) -> Result<Option<LoggedStatement>, StoreError> {
    let row = query(
        "SELECT leaf, seq, kind, key_id, pae, envelope, received FROM own_statement WHERE pae = $1",
    )
    .bind(pae.as_bytes().as_slice())
    .fetch_optional(reader)
    .await?;
    row.as_ref().map(rows::own).transpose()
}

pub(super) async fn owns(
    reader: &PgPool,
    start: u64,
    limit: u32,
) -> Result<Vec<LoggedStatement>, StoreError> {
    let found = query(
        "SELECT leaf, seq, kind, key_id, pae, envelope, received FROM own_statement
         WHERE leaf >= $1 ORDER BY leaf LIMIT $2",
    )
    .bind(signed(start))
    .bind(i64::from(limit))
    .fetch_all(reader)
    .await?;
    found.iter().map(rows::own).collect()
}
