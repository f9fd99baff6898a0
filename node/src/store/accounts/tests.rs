//! Tokens while somebody writes, and who counts as an admin.

use super::*;
use crate::store::people::Changed;
use crate::store::people::Role;
use crate::testing::{World, at, seeded};
use ldsp_ui::accounts::{Chosen, NewLink, Token};
use ldsp_ui::oidc::{Binding, Claim, Subject};

const NOW: &str = "2022-03-04T09:00:00Z";

/// The writer is an import's for as long as its file takes: who reads by token does not wait for it.
#[tokio::test]
async fn a_token_reads_while_somebody_writes() {
    let world = World::new().await;
    let store = &world.store;
    let token = Token::draw(&mut seeded(71)());
    let ends = at(NOW) + jiff::SignedDuration::from_hours(24);
    let made = store
        .write_token("ann", "Nightly", token.digest(), ends, at(NOW))
        .await;
    assert!(matches!(made, Ok(Act::Done)));
    let used = async || store.read_tokens("ann").await.unwrap()[0].used;
    let owner = async || {
        store
            .person_of_token(token.digest(), at(NOW))
            .await
            .unwrap()
    };
    // What is dropped goes back to the pool by a task of its own.
    let idle = async || {
        while store.writer.num_idle() == 0 {
            tokio::task::yield_now().await;
        }
    };
    let import = store.write().await.unwrap();
    assert!(owner().await.is_some());
    assert_eq!(used().await, None);
    // Another program that writes is not waited for either; and afterwards a writer waits as before.
    import.rollback().await.unwrap();
    idle().await;
    let other = Store::open(&world.dir.path().join("node.db"))
        .await
        .unwrap();
    let import = other.write().await.unwrap();
    assert!(owner().await.is_some());
    assert_eq!(used().await, None);
    import.rollback().await.unwrap();
    idle().await;
    assert!(owner().await.is_some());
    assert!(used().await.is_some());
    let patience: i64 = sqlx::query_scalar("PRAGMA busy_timeout")
        .fetch_one(&store.writer)
        .await
        .unwrap();
    assert_eq!(patience, 10_000);
}

/// An admin whose link was never used cannot look after people.
#[tokio::test]
async fn an_admin_who_cannot_sign_in_does_not_count() {
    let world = World::new().await;
    let store = &world.store;
    let add = async |name, hash: Option<&str>| {
        let person = Person::new(name, Role::Admin, at(NOW));
        let person = match hash {
            Some(hash) => person.with_secret(hash),
            None => person,
        };
        assert!(store.add_person(&person, "init").await.unwrap());
    };
    add("Ama", Some("hash")).await;
    add("New", None).await;
    let now = at(NOW);
    assert_eq!(
        store.remove_person("Ama", "Ama", now).await.unwrap(),
        Changed::LastAdmin
    );
    assert_eq!(
        store
            .lock_person("Ama", true, true, "Ama", now)
            .await
            .unwrap(),
        Changed::LastAdmin
    );
    assert_eq!(
        store
            .change_role("Ama", Role::Viewer, None, "Ama", now)
            .await
            .unwrap(),
        Changed::LastAdmin
    );
    // With an account at a sign-in service the other one can.
    sqlx::query("INSERT INTO subjects (issuer, claim, value, person, since) VALUES ('https://id.example', 'sub', 'n', 'New', 0)")
        .execute(&store.writer)
        .await
        .unwrap();
    assert!(matches!(
        store.remove_person("Ama", "New", now).await.unwrap(),
        Changed::Done(_)
    ));
}

/// No session, account or token of before outlives a new link, an account disconnected or a name given again, also of somebody without a
/// secret.
#[tokio::test]
async fn a_new_link_ends_everything_that_opened_the_name() {
    let world = World::new().await;
    let store = &world.store;
    let person = Person::new("Zoe", Role::Viewer, at(NOW));
    let link = |n: u8| NewLink {
        token: [n; 32],
        expires_at: at(NOW) + jiff::SignedDuration::from_hours(24),
    };
    let mut given = Vec::new();
    let mut next = async || {
        let zoe = store.person("Zoe").await.unwrap().unwrap();
        assert_eq!(zoe.secret_hash, None);
        assert!(!given.contains(&zoe.generation), "{given:?}");
        given.push(zoe.generation);
    };
    assert!(store.invite_person(&person, link(1), "ann").await.unwrap());
    next().await;
    let account = |value| Subject::new("https://id.example", Claim::Subject, value).unwrap();
    for value in ["z-1", "z-2"] {
        let account = account(value);
        let bound = store.bind_subject("Zoe", &account, "Zoe", at(NOW)).await;
        assert_eq!(bound.unwrap(), Binding::Noted);
    }
    let other = account("z-2");
    let gone = store.unbind_subject("Zoe", &other, "Zoe", at(NOW)).await;
    assert!(gone.unwrap());
    next().await;
    let token = Token::draw(&mut seeded(72)());
    let ends = link(0).expires_at;
    let made = store.write_token("Zoe", "Nightly", token.digest(), ends, at(NOW));
    assert_eq!(made.await.unwrap(), Act::Done);
    let reset = store.reset_person("Zoe", link(2), "ann", at(NOW));
    assert!(reset.await.unwrap());
    next().await;
    assert_eq!(store.person_of(&account("z-1")).await.unwrap(), None);
    let owner = store.person_of_token(token.digest(), at(NOW)).await;
    assert_eq!(owner.unwrap(), None);
    let told = &store.audit_entries(1).await.unwrap()[0];
    assert_eq!(
        told.detail,
        "Zoe; connected accounts ended: 1; tokens ended: 1"
    );
    store.remove_person("Zoe", "ann", at(NOW)).await.unwrap();
    assert!(store.invite_person(&person, link(3), "ann").await.unwrap());
    next().await;
    // Whoever is not added gets no link either.
    assert!(!store.invite_person(&person, link(4), "ann").await.unwrap());
    assert!(store.open_link([4; 32], at(NOW)).await.unwrap().is_none());
    // An account in the place of a secret.
    let take = async |n: u8, value| {
        let account = account(value);
        let taken = store.use_link([n; 32], "", Chosen::Account(&account), at(NOW));
        taken.await.unwrap()
    };
    let other = account("a-1");
    let bound = store.bind_subject("ann", &other, "ann", at(NOW)).await;
    assert_eq!(bound.unwrap(), Binding::Noted);
    assert_eq!(take(3, "a-1").await, Act::account_taken());
    assert_eq!(take(3, "z-3").await, Act::Done);
    let found = store.person_of(&account("z-3")).await.unwrap();
    assert_eq!(found.as_deref(), Some("Zoe"));
}
