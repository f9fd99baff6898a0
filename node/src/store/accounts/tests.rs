//! Tokens while somebody writes, and who counts as an admin.

use super::*;
use crate::store::people::Changed;
use crate::testing::{World, at, seeded};
use ldsp_ui::accounts::Token;

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
