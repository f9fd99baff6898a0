use ed25519_dalek::SigningKey;
use ldsp_protocol::enrolment::NodeState;
use ldsp_protocol::ids::{Digest, NodeSlug};
use ldsp_protocol::keys::key_id;
use ldsp_protocol::statement::Kind;

use super::{SIGN, damaged};
use crate::store::{
    Announced, Conflict, InviteRow, Log, NewEnrolment, NewOwn, OwnEffect, Registry, StoreError,
    Stored, Turn,
};
use crate::testing::at;

fn invite(node: &str, lep: &str, secret: &[u8]) -> InviteRow {
    InviteRow {
        node: node.parse().unwrap(),
        lep: lep.parse().unwrap(),
        secret_hash: Digest::of(secret),
        expires: at("2022-01-08T00:00:00Z"),
        created: at("2022-01-01T00:00:00Z"),
        created_by: "op".into(),
        used: None,
    }
}

fn enrolment(node: &str, secret: &[u8], seed: u8) -> NewEnrolment {
    NewEnrolment {
        node: node.parse().unwrap(),
        secret_hash: Digest::of(secret),
        key: SigningKey::from_bytes(&[seed; 32]).verifying_key(),
        pae: Digest::of(&[seed]),
        envelope: vec![seed],
        at: at("2022-01-02T00:00:00Z"),
    }
}

fn conflict<T: std::fmt::Debug>(outcome: Result<T, StoreError>) -> Conflict {
    match outcome {
        Err(StoreError::Conflict(conflict)) => conflict,
        other => panic!("no conflict: {other:?}"),
    }
}

/// Nodes and invites.
pub(crate) async fn registry_conforms<S: Registry + Log>(
    open: impl AsyncFn() -> S,
    damage: impl AsyncFn(&S, &'static str),
) {
    enrolling(&open().await).await;
    conflicts(&open().await).await;
    let store = open().await;
    store
        .invite(&invite("essex", "E37000010", b"s"))
        .await
        .unwrap();
    let essex = "essex".parse().unwrap();
    damage(&store, "UPDATE invite SET secret_hash = x'00'").await;
    damaged(
        store.invite_of(&essex).await,
        ("invite", "secret_hash", "essex"),
    );
    damage(&store, "UPDATE node SET head_pae = x'01'").await;
    damaged(store.node(&essex).await, ("node", "head_pae", "essex"));
    damage(&store, "UPDATE node SET public_key = x'01'").await;
    damaged(store.node(&essex).await, ("node", "public_key", "essex"));
    damaged(store.nodes().await, ("node", "public_key", "essex"));
}

async fn enrolling<S: Registry + Log>(store: &S) {
    let essex = "essex".parse().unwrap();
    assert_eq!(store.node(&essex).await.unwrap(), None);
    assert_eq!(store.invite_of(&essex).await.unwrap(), None);
    let first = invite("essex", "E37000010", b"one");
    store.invite(&first).await.unwrap();
    assert_eq!(store.invite_of(&essex).await.unwrap(), Some(first));
    let node = store.node(&essex).await.unwrap().unwrap();
    assert_eq!(
        (node.state, node.head.seq, node.head.pae),
        (NodeState::Invited, 0, Digest::ZERO)
    );
    // A new invite replaces the old one.
    store
        .invite(&invite("essex", "E37000010", b"two"))
        .await
        .unwrap();
    assert_eq!(
        conflict(store.enrol(&enrolment("essex", b"one", 1)).await),
        Conflict::Invite
    );
    let new = enrolment("essex", b"two", 1);
    assert_eq!(store.enrol(&new).await.unwrap(), Stored::New);
    assert_eq!(store.enrol(&new).await.unwrap(), Stored::Before);
    assert_eq!(
        conflict(store.enrol(&enrolment("essex", b"two", 2)).await),
        Conflict::Invite
    );
    let wrong = announce(store, &approval(Digest::ZERO)).await;
    assert_eq!(conflict(wrong), Conflict::OtherKey);
    let right = approval(key_id(&new.key));
    let announced = announce(store, &right).await.unwrap();
    let node = store.node(&essex).await.unwrap().unwrap();
    assert_eq!(node.state, NodeState::Active);
    assert_eq!(node.approved_by.as_deref(), Some("op"));
    assert_eq!(
        (node.added, node.revoked),
        (Some(announced.turn.index), None)
    );
    assert_eq!(
        conflict(announce(store, &right).await),
        Conflict::NotPending
    );
    // Nothing is logged of what was refused.
    assert_eq!(store.size().await.unwrap(), 1);
    assert_eq!(store.nodes().await.unwrap(), [node]);
    // An answer that was lost may be asked for again even after approval.
    assert_eq!(store.enrol(&new).await.unwrap(), Stored::Before);
}

async fn conflicts<S: Registry + Log>(store: &S) {
    let essex: NodeSlug = "essex".parse().unwrap();
    let outcome = announce(store, &approval(Digest::ZERO)).await;
    assert_eq!(conflict(outcome), Conflict::NoNode);
    let outcome = store.invite(&invite("aggregator", "E37000010", b"s")).await;
    assert_eq!(
        conflict(outcome),
        Conflict::Reserved("aggregator".parse().unwrap())
    );
    store
        .invite(&invite("essex", "E37000010", b"s"))
        .await
        .unwrap();
    let outcome = announce(store, &approval(Digest::ZERO)).await;
    assert_eq!(conflict(outcome), Conflict::NotPending);
    let outcome = store.invite(&invite("essex", "E37000001", b"s")).await;
    assert_eq!(conflict(outcome), Conflict::OtherLep(essex.clone()));
    let outcome = store.invite(&invite("suffolk", "E37000010", b"s")).await;
    assert_eq!(conflict(outcome), Conflict::LepServed(essex.clone()));
    assert_eq!(store.nodes().await.unwrap().len(), 1);
    let new = enrolment("essex", b"s", 1);
    store.enrol(&new).await.unwrap();
    announce(store, &approval(key_id(&new.key))).await.unwrap();
    let outcome = store.invite(&invite("essex", "E37000010", b"s")).await;
    assert_eq!(conflict(outcome), Conflict::NodeActive(essex.clone()));
    revocation(store, &essex, key_id(&new.key)).await;
    // Its key comes back under no other name.
    let kent = invite("kent", "E37000055", b"k");
    store.invite(&kent).await.unwrap();
    let outcome = store.enrol(&enrolment("kent", b"k", 1)).await;
    assert_eq!(conflict(outcome), Conflict::KeyTaken);
    let untouched = store.invite_of(&kent.node).await.unwrap();
    assert_eq!(untouched, Some(kent));
    let own = store.enrol(&enrolment("kent", b"k", 2)).await.unwrap();
    assert_eq!(own, Stored::New);
}

async fn revocation<S: Registry + Log>(store: &S, essex: &NodeSlug, key_id: Digest) {
    let revoke = |node: &str, key_id| OwnEffect::Revoke {
        node: node.parse().unwrap(),
        key_id,
    };
    let state = |key_id| OwnEffect::StateKey {
        node: essex.clone(),
        key_id,
    };
    let outcome = announce(store, &state(key_id)).await;
    assert_eq!(conflict(outcome), Conflict::KeyStated(essex.clone()));
    for (effect, expected) in [
        (revoke("kent", key_id), Conflict::NoNode),
        (revoke("essex", Digest::ZERO), Conflict::OtherKey),
    ] {
        assert_eq!(conflict(announce(store, &effect).await), expected);
    }
    let revoked = announce(store, &revoke("essex", key_id)).await.unwrap();
    let node = store.node(essex).await.unwrap().unwrap();
    assert_eq!(node.state, NodeState::Revoked);
    assert_eq!((node.added, node.revoked), (Some(0), Some(1)));
    assert_eq!(revoked.turn.index, 1);
    assert_eq!(store.nodes().await.unwrap(), [node]);
    let members = store.position().await.unwrap().members;
    assert_eq!(members[0].state, NodeState::Revoked);
    let again = announce(store, &revoke("essex", key_id)).await;
    assert_eq!(conflict(again), Conflict::NotActive(essex.clone()));
    let outcome = store.invite(&invite("essex", "E37000010", b"s")).await;
    assert_eq!(conflict(outcome), Conflict::NodeRevoked(essex.clone()));
    assert_eq!(store.size().await.unwrap(), 2);
}

/// An own statement that says nothing, with what it changes.
async fn announce<S: Log>(store: &S, effect: &OwnEffect) -> Result<Announced, StoreError> {
    let make = |turn: &Turn| {
        vec![NewOwn {
            kind: Kind::KeyAdd,
            key_id: Digest::of(b"log"),
            pae: Digest::of(&turn.seq.to_be_bytes()),
            envelope: b"own".to_vec(),
            received: at("2022-01-03T00:00:00Z"),
        }]
    };
    store.announce(&make, effect, SIGN).await
}

fn approval(key_id: Digest) -> OwnEffect {
    OwnEffect::Approve {
        node: "essex".parse().unwrap(),
        key_id,
        by: "op".into(),
        at: at("2022-01-03T00:00:00Z"),
    }
}
