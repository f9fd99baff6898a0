use ed25519_dalek::SigningKey;
use ldsp_protocol::enrolment::NodeState;
use ldsp_protocol::ids::Digest;
use ldsp_protocol::keys::key_id;

use super::damaged;
use crate::store::{Conflict, InviteRow, NewEnrolment, Person, Registry, Role, StoreError, Stored};
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

/// Nodes, invites, people.
pub(crate) async fn registry_conforms<S: Registry>(
    open: impl AsyncFn() -> S,
    damage: impl AsyncFn(&S, &'static str),
) {
    enrolling(&open().await).await;
    conflicts(&open().await).await;
    people(&open().await).await;
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
    let person = Person {
        name: "bo".into(),
        role: Role::Analyst,
        secret_hash: "$argon2id$".into(),
        added: at("2022-01-01T00:00:00Z"),
    };
    store.add_person(&person).await.unwrap();
    damage(&store, "UPDATE person SET added = 9223372036854775807").await;
    damaged(store.person("bo").await, ("person", "added", "bo"));
    damaged(store.people().await, ("person", "added", "bo"));
    damage(&store, "UPDATE node SET public_key = x'01'").await;
    damaged(store.node(&essex).await, ("node", "public_key", "essex"));
    damaged(store.nodes().await, ("node", "public_key", "essex"));
}

async fn enrolling<S: Registry>(store: &S) {
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
    let now = at("2022-01-03T00:00:00Z");
    let wrong = store.approve(&essex, Digest::ZERO, "op", now).await;
    assert_eq!(conflict(wrong), Conflict::OtherKey);
    let node = store
        .approve(&essex, key_id(&new.key), "op", now)
        .await
        .unwrap();
    assert_eq!(node.state, NodeState::Active);
    assert_eq!(store.node(&essex).await.unwrap(), Some(node.clone()));
    assert_eq!(store.nodes().await.unwrap(), [node]);
    // An answer that was lost may be asked for again even after approval.
    assert_eq!(store.enrol(&new).await.unwrap(), Stored::Before);
}

async fn conflicts<S: Registry>(store: &S) {
    let now = at("2022-01-03T00:00:00Z");
    let essex = "essex".parse().unwrap();
    let outcome = store.approve(&essex, Digest::ZERO, "op", now).await;
    assert_eq!(conflict(outcome), Conflict::NoNode);
    store
        .invite(&invite("essex", "E37000010", b"s"))
        .await
        .unwrap();
    let outcome = store.approve(&essex, Digest::ZERO, "op", now).await;
    assert_eq!(conflict(outcome), Conflict::NotPending);
    let outcome = store.invite(&invite("essex", "E37000001", b"s")).await;
    assert_eq!(conflict(outcome), Conflict::OtherLep(essex.clone()));
    let outcome = store.invite(&invite("suffolk", "E37000010", b"s")).await;
    assert_eq!(conflict(outcome), Conflict::LepServed(essex.clone()));
    assert_eq!(store.nodes().await.unwrap().len(), 1);
    let new = enrolment("essex", b"s", 1);
    store.enrol(&new).await.unwrap();
    store
        .approve(&essex, key_id(&new.key), "op", now)
        .await
        .unwrap();
    let outcome = store.invite(&invite("essex", "E37000010", b"s")).await;
    assert_eq!(conflict(outcome), Conflict::NodeActive(essex));
}

async fn people<S: Registry>(store: &S) {
    let person = |name: &str, role| Person {
        name: name.into(),
        role,
        secret_hash: "$argon2id$".into(),
        added: at("2022-01-01T00:00:00Z"),
    };
    assert_eq!(store.person("bo").await.unwrap(), None);
    let (bo, al) = (person("bo", Role::Operator), person("al", Role::Analyst));
    store.add_person(&bo).await.unwrap();
    store.add_person(&al).await.unwrap();
    let again = store.add_person(&person("bo", Role::Analyst)).await;
    assert_eq!(conflict(again), Conflict::PersonExists("bo".into()));
    assert_eq!(store.person("bo").await.unwrap(), Some(bo.clone()));
    assert_eq!(store.people().await.unwrap(), [al.clone(), bo.clone()]);
    store.replace_secret("bo", "$new$").await.unwrap();
    let renewed = Person {
        secret_hash: "$new$".into(),
        ..bo.clone()
    };
    assert_eq!(store.person("bo").await.unwrap(), Some(renewed.clone()));
    assert_eq!(store.person("al").await.unwrap(), Some(al.clone()));
    assert_eq!(store.remove_person("bo").await.unwrap(), renewed);
    assert_eq!(store.people().await.unwrap(), [al]);
    for name in ["bo", "AL", "", "a\0l", "al\u{301}"] {
        assert_eq!(store.person(name).await.unwrap(), None);
        let missing = store.replace_secret(name, "$x$").await;
        assert_eq!(conflict(missing), Conflict::NoPerson);
        assert_eq!(
            conflict(store.remove_person(name).await),
            Conflict::NoPerson
        );
    }
    store.add_person(&bo).await.unwrap();
    assert_eq!(store.person("bo").await.unwrap(), Some(bo));
    // What they did keeps their name.
    let essex = "essex".parse().unwrap();
    let made = invite("essex", "E37000010", b"s");
    store.invite(&made).await.unwrap();
    store.remove_person("bo").await.unwrap();
    assert_eq!(store.invite_of(&essex).await.unwrap(), Some(made));
    // The order is that of bytes.
    for name in ["b-a", "b_a", "B", "é", "Bo Bo"] {
        let person = person(name, Role::Analyst);
        store.add_person(&person).await.unwrap();
    }
    let names: Vec<String> = store
        .people()
        .await
        .unwrap()
        .into_iter()
        .map(|p| p.name)
        .collect();
    assert_eq!(names, ["B", "Bo Bo", "al", "b-a", "b_a", "é"]);
}
