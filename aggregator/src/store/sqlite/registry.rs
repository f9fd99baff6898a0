//! Nodes and invites.

use std::collections::BTreeSet;

use jiff::Timestamp;
use ldsp_protocol::enrolment::NodeState;
use ldsp_protocol::ids::{Digest, NodeSlug};
use ldsp_protocol::keys::key_id;
use ldsp_protocol::own::{KeyAdd, is_reserved};
use sqlx::{SqliteConnection, query, query_scalar};

use super::{IMMEDIATE, Sqlite};
use crate::store::rows::{self, Columns, signed};
use crate::store::{Conflict, InviteRow, NewEnrolment, Node, Registry, StoreError, Stored};

pub(super) async fn find_node(
    connection: &mut SqliteConnection,
    name: &NodeSlug,
) -> Result<Option<Node>, StoreError> {
    let row = query(
        "SELECT name, lep, state, public_key, approved_by, head_seq, head_pae, added, revoked FROM node WHERE name = $1",
    )
    .bind(name.as_str())
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(rows::node).transpose()
}

/// The nodes of these names that are there.
pub(super) async fn find_nodes(
    connection: &mut SqliteConnection,
    names: &BTreeSet<&NodeSlug>,
) -> Result<Vec<Node>, StoreError> {
    let found = query(
        "SELECT name, lep, state, public_key, approved_by, head_seq, head_pae, added, revoked FROM node
         WHERE name IN (SELECT value FROM json_each($1))",
    )
    .bind(serde_json::to_string(names).expect("a list of texts always serialises"))
    .fetch_all(connection)
    .await?;
    found.iter().map(rows::node).collect()
}

async fn find_invite(
    connection: &mut SqliteConnection,
    name: &NodeSlug,
) -> Result<Option<InviteRow>, StoreError> {
    let row = query(
        "SELECT invite.node, node.lep, secret_hash, expires, created, created_by, used_pae
         FROM invite JOIN node ON node.name = invite.node WHERE invite.node = $1",
    )
    .bind(name.as_str())
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(rows::invite).transpose()
}

/// Makes a pending node active if its key has this fingerprint; `added` is the leaf that says so.
pub(super) async fn activate(
    connection: &mut SqliteConnection,
    name: &NodeSlug,
    fingerprint: Digest,
    (by, at): (&str, Timestamp),
    added: u64,
) -> Result<(), StoreError> {
    let node = find_node(connection, name).await?.ok_or(Conflict::NoNode)?;
    let key = node
        .key
        .filter(|_| node.state == NodeState::Pending)
        .ok_or(Conflict::NotPending)?;
    if key_id(&key) != fingerprint {
        return Err(Conflict::OtherKey.into());
    }
    query(
        "UPDATE node SET state = 'active', approved_by = $1, approved = $2, added = $3 WHERE name = $4",
    )
    .bind(by)
    .bind(at.as_millisecond())
    .bind(signed(added))
    .bind(name.as_str())
    .execute(connection)
    .await?;
    Ok(())
}

/// Remembers the leaf that states an approved node's key of before the log stated keys.
pub(super) async fn state_key(
    connection: &mut SqliteConnection,
    name: &NodeSlug,
    fingerprint: Digest,
    added: u64,
) -> Result<(), StoreError> {
    let node = find_node(connection, name).await?.ok_or(Conflict::NoNode)?;
    let key = node
        .key
        .filter(|_| node.state == NodeState::Active && node.added.is_none())
        .ok_or_else(|| Conflict::KeyStated(name.clone()))?;
    if key_id(&key) != fingerprint {
        return Err(Conflict::OtherKey.into());
    }
    query("UPDATE node SET added = $1 WHERE name = $2")
        .bind(signed(added))
        .bind(name.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

/// Makes a node active with the key that a statement of the log's own added, as that statement goes back to its place. What of
/// the node is there already has to agree.
pub(super) async fn readmit(
    connection: &mut SqliteConnection,
    add: &KeyAdd,
    at: Timestamp,
    added: u64,
) -> Result<(), StoreError> {
    let misplaced = |how: &str| {
        let how = how.to_owned();
        StoreError::from(Conflict::Misplaced { leaf: added, how })
    };
    let key = add.key().map_err(|e| misplaced(&e.to_string()))?;
    let found = find_node(connection, &add.node).await?;
    if let Some(node) = &found {
        let keeps = node.state.is_approved() && (node.added.is_some() || node.key != Some(key));
        if node.lep != add.lep || keeps {
            return Err(misplaced("the node is there with another area or key"));
        }
    } else {
        query("INSERT INTO node (name, lep, state) VALUES ($1, $2, 'invited')")
            .bind(add.node.as_str())
            .bind(add.lep.as_str())
            .execute(&mut *connection)
            .await?;
    }
    query(
        "UPDATE node SET state = 'active', public_key = $1, approved_by = $2, approved = coalesce(approved, $3), added = $4
         WHERE name = $5",
    )
    .bind(key.as_bytes().as_slice())
    .bind(&add.approved_by)
    .bind(at.as_millisecond())
    .bind(signed(added))
    .bind(add.node.as_str())
    .execute(&mut *connection)
    .await?;
    // The invite that led to this key opens nothing any more.
    query("UPDATE invite SET used_pae = $1 WHERE node = $2")
        .bind(add.enrolment.as_bytes().as_slice())
        .bind(add.node.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

/// Refuses an active node's key from the leaf `from` on, if it has this fingerprint and still counts.
pub(super) async fn revoke(
    connection: &mut SqliteConnection,
    name: &NodeSlug,
    fingerprint: Digest,
    from: u64,
) -> Result<(), StoreError> {
    let node = find_node(connection, name).await?.ok_or(Conflict::NoNode)?;
    let key = node
        .key
        .filter(|_| node.state == NodeState::Active)
        .ok_or_else(|| Conflict::NotActive(name.clone()))?;
    if key_id(&key) != fingerprint {
        return Err(Conflict::OtherKey.into());
    }
    query("UPDATE node SET revoked = $1 WHERE name = $2")
        .bind(signed(from))
        .bind(name.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

impl Registry for Sqlite {
    async fn invite(&self, invite: &InviteRow) -> Result<(), StoreError> {
        if is_reserved(&invite.node) {
            return Err(Conflict::Reserved(invite.node.clone()).into());
        }
        let mut tx = self.writer.begin_with(IMMEDIATE).await?;
        if let Some(node) = find_node(&mut tx, &invite.node).await? {
            match node.state {
                NodeState::Active => return Err(Conflict::NodeActive(node.node).into()),
                NodeState::Revoked => return Err(Conflict::NodeRevoked(node.node).into()),
                NodeState::Invited | NodeState::Pending => {}
            }
            if node.lep != invite.lep {
                return Err(Conflict::OtherLep(node.node).into());
            }
            query("UPDATE node SET state = 'invited', public_key = NULL WHERE name = $1")
                .bind(invite.node.as_str())
                .execute(&mut *tx)
                .await?;
        } else {
            let other = query("SELECT name FROM node WHERE lep = $1")
                .bind(invite.lep.as_str())
                .fetch_optional(&mut *tx)
                .await?;
            if let Some(row) = other {
                let columns = Columns::new(&row, "node", invite.lep.as_str());
                return Err(Conflict::LepServed(columns.text("name")?).into());
            }
            query("INSERT INTO node (name, lep, state) VALUES ($1, $2, 'invited')")
                .bind(invite.node.as_str())
                .bind(invite.lep.as_str())
                .execute(&mut *tx)
                .await?;
        }
        query(
            "INSERT INTO invite (node, secret_hash, expires, created, created_by) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (node) DO UPDATE SET secret_hash = excluded.secret_hash, expires = excluded.expires,
                 created = excluded.created, created_by = excluded.created_by, used_pae = NULL",
        )
        .bind(invite.node.as_str())
        .bind(invite.secret_hash.as_bytes().as_slice())
        .bind(invite.expires.as_millisecond())
        .bind(invite.created.as_millisecond())
        .bind(&invite.created_by)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn invite_of(&self, node: &NodeSlug) -> Result<Option<InviteRow>, StoreError> {
        find_invite(&mut *self.reader.acquire().await?, node).await
    }

    async fn enrol(&self, new: &NewEnrolment) -> Result<Stored, StoreError> {
        let mut tx = self.writer.begin_with(IMMEDIATE).await?;
        let invite = find_invite(&mut tx, &new.node)
            .await?
            .filter(|i| i.secret_hash == new.secret_hash)
            .ok_or(Conflict::Invite)?;
        match invite.used {
            Some(pae) if pae == new.pae => return Ok(Stored::Before),
            Some(_) => return Err(Conflict::Invite.into()),
            None => {}
        }
        // Whoever holds a key that was revoked would else speak on under another name.
        let taken: bool =
            query_scalar("SELECT EXISTS (SELECT 1 FROM node WHERE public_key = $1 AND name <> $2)")
                .bind(new.key.as_bytes().as_slice())
                .bind(new.node.as_str())
                .fetch_one(&mut *tx)
                .await?;
        if taken {
            return Err(Conflict::KeyTaken.into());
        }
        query("UPDATE invite SET used_pae = $1 WHERE node = $2")
            .bind(new.pae.as_bytes().as_slice())
            .bind(new.node.as_str())
            .execute(&mut *tx)
            .await?;
        query("UPDATE node SET state = 'pending', public_key = $1 WHERE name = $2")
            .bind(new.key.as_bytes().as_slice())
            .bind(new.node.as_str())
            .execute(&mut *tx)
            .await?;
        query("INSERT INTO enrolment (pae, node, envelope, received) VALUES ($1, $2, $3, $4)")
            .bind(new.pae.as_bytes().as_slice())
            .bind(new.node.as_str())
            .bind(&new.envelope)
            .bind(new.at.as_millisecond())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(Stored::New)
    }

    #[cfg(test)]
    async fn seat(&self, name: &NodeSlug, by: &str) -> Result<(), StoreError> {
        query("UPDATE node SET state = 'active', approved_by = $1, approved = 0 WHERE name = $2")
            .bind(by)
            .bind(name.as_str())
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    async fn node(&self, name: &NodeSlug) -> Result<Option<Node>, StoreError> {
        find_node(&mut *self.reader.acquire().await?, name).await
    }

    async fn nodes_named(&self, names: &BTreeSet<&NodeSlug>) -> Result<Vec<Node>, StoreError> {
        find_nodes(&mut *self.reader.acquire().await?, names).await
    }

    async fn nodes(&self) -> Result<Vec<Node>, StoreError> {
        let found = query(
            "SELECT name, lep, state, public_key, approved_by, head_seq, head_pae, added, revoked FROM node ORDER BY name",
        )
        .fetch_all(&self.reader)
        .await?;
        found.iter().map(rows::node).collect()
    }
}
