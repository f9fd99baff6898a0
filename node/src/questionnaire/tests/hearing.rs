//! What is believed of what the log lists.

use ed25519_dalek::SigningKey;
use serde_json::json;

use super::*;
use crate::testing::{Mood, log_key, questionnaire};

async fn refusals(world: &World) -> Vec<String> {
    let left = world.store.questionnaires_left().await.unwrap();
    left.into_iter().filter_map(|left| left.refused).collect()
}

#[tokio::test]
async fn what_the_log_signed_is_kept_byte_for_byte() {
    let (world, aggregator) = asked_world().await;
    let kept = world.store.questionnaires().await.unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!((&kept[0].asked, kept[0].log_index), (&asked(), 100));
    let bytes: Vec<u8> = sqlx::query_scalar("SELECT envelope FROM questionnaires")
        .fetch_one(&world.store.reader)
        .await
        .unwrap();
    assert_eq!(bytes, aggregator.0.lock().unwrap().asked[0]);
    assert_eq!(case(&world).await.state(), State::New);
    // A restart and a second round fetch nothing again.
    let world = world.reopened().await;
    let calls = aggregator.0.lock().unwrap().calls.len();
    assert_eq!(heard(&world.store, &aggregator).await, Heard::default());
    assert_eq!(aggregator.0.lock().unwrap().calls.len(), calls + 1);
}

/// An aggregator that is no more than the web server in front of the log's key.
#[tokio::test]
async fn a_forged_one_is_refused_and_the_rest_is_heard() {
    let world = World::enrolled().await;
    let aggregator = Aggregator::new();
    let forger = SigningKey::from_bytes(&[66; 32]);
    aggregator.0.lock().unwrap().asked = vec![
        questionnaire(&forger, 1, &asked()),
        questionnaire(
            &log_key(),
            2,
            &Questionnaire {
                name: id("sound"),
                ..asked()
            },
        ),
    ];
    let heard = heard(&world.store, &aggregator).await;
    assert_eq!(heard.new, [(id("sound"), 1)]);
    assert_eq!((heard.refused, heard.problem), (1, None));
    let [why] = refusals(&world).await.try_into().unwrap();
    assert!(why.contains("not proven to be the log"), "{why}");
    // Once the log gives the true one, the note goes.
    aggregator.0.lock().unwrap().asked[0] = questionnaire(&log_key(), 1, &asked());
    let heard = super::heard(&world.store, &aggregator).await;
    assert_eq!(heard.new, [(id("routes"), 1)]);
    assert_eq!(refusals(&world).await, [""; 0]);
}

#[tokio::test]
async fn a_list_that_says_something_else_than_the_statement_is_refused() {
    for (member, value, words) in [
        ("name", json!("other"), "its name"),
        ("version", json!(7), "its version"),
        ("index", json!(99), "its place"),
        ("pae", json!("ab".repeat(32)), "its digest"),
        ("seq", json!(2), "its digest"),
        ("seq", json!(9), "not proven"),
        ("seq", json!("one"), "not in the form"),
        ("name", json!("<script>"), "not in the form"),
    ] {
        let world = World::enrolled().await;
        let aggregator = Aggregator::new();
        aggregator.asks(&asked());
        aggregator.asks(&Questionnaire {
            name: id("second"),
            ..asked()
        });
        let mut lines = aggregator.0.lock().unwrap().listed();
        lines[0][member] = value;
        aggregator.0.lock().unwrap().lines = Some(lines);
        let heard = heard(&world.store, &aggregator).await;
        assert_eq!(heard.new, [(id("second"), 1)], "{member}");
        let [why] = refusals(&world).await.try_into().unwrap();
        assert!(why.contains(words), "{member}: {why}");
    }
}

/// The log's own statement, but none that asks anything.
#[tokio::test]
async fn another_statement_of_the_logs_own_is_no_questionnaire() {
    let world = World::enrolled().await;
    let aggregator = Aggregator::new();
    aggregator.asks(&asked());
    let mut invalid = asked();
    invalid.questions.clear();
    aggregator.0.lock().unwrap().asked[0] = questionnaire(&log_key(), 1, &invalid);
    let heard = heard(&world.store, &aggregator).await;
    assert_eq!((heard.new.len(), heard.refused), (0, 1));
}

#[tokio::test]
async fn one_for_another_lep_is_passed_over_without_a_word() {
    let world = World::enrolled().await;
    let aggregator = Aggregator::new();
    let elsewhere = vec!["E37000005".parse().unwrap()];
    aggregator.asks(&Questionnaire {
        to: elsewhere.clone(),
        ..asked()
    });
    assert_eq!(heard(&world.store, &aggregator).await, Heard::default());
    assert!(world.store.questionnaires().await.unwrap().is_empty());
    assert_eq!(refusals(&world).await, [""; 0]);
    let calls = aggregator.0.lock().unwrap().calls.len();
    heard(&world.store, &aggregator).await;
    assert_eq!(
        aggregator.0.lock().unwrap().calls.len(),
        calls + 1,
        "it is known by now"
    );
}

#[tokio::test]
async fn a_newer_version_that_asks_others_only_closes_the_questionnaire() {
    let (world, aggregator) = asked_world().await;
    let to = vec!["E37000005".parse().unwrap()];
    aggregator.asks(&Questionnaire { to, ..newer() });
    heard(&world.store, &aggregator).await;
    assert_eq!(case(&world).await.state(), State::Closed);
    let given = save(
        &world.store,
        &id("routes"),
        sound(),
        act::How::Whole(None),
        ("ann", at(NOW)),
    )
    .await;
    assert_eq!(given.unwrap_err().code(), "closed");
}

#[tokio::test]
async fn a_second_statement_of_the_same_version_is_refused() {
    let (world, aggregator) = asked_world().await;
    aggregator.asks(&Questionnaire {
        title: "Another one".into(),
        ..asked()
    });
    let heard = heard(&world.store, &aggregator).await;
    assert_eq!((heard.new.len(), heard.refused), (0, 1));
    assert!(refusals(&world).await[0].contains("contradicts itself"));
    assert_eq!(case(&world).await.it.asked, asked(), "the first one stands");
}

#[tokio::test]
async fn a_log_that_is_away_or_talks_nonsense_changes_nothing() {
    let (world, aggregator) = asked_world().await;
    for (mood, words) in [
        (Mood::Down, "could not be reached"),
        (Mood::Unavailable { retry_after: None }, "Disk low"),
    ] {
        aggregator.set(mood);
        let problem = heard(&world.store, &aggregator).await.problem.unwrap();
        assert!(problem.contains(words), "{problem}");
        let (_, noted) = world.store.questionnaires_heard().await.unwrap().unwrap();
        assert_eq!(noted, Some(problem));
    }
    aggregator.set(Mood::Sound);
    aggregator.0.lock().unwrap().lines = Some(vec![json!({}); 201]);
    let problem = heard(&world.store, &aggregator).await.problem.unwrap();
    assert!(problem.contains("lists 201"), "{problem}");
    assert_eq!(world.store.questionnaires().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_node_that_is_not_enrolled_asks_nobody() {
    let world = World::new().await;
    let aggregator = Aggregator::new();
    aggregator.asks(&asked());
    assert_eq!(heard(&world.store, &aggregator).await, Heard::default());
    assert!(aggregator.0.lock().unwrap().calls.is_empty());
}
