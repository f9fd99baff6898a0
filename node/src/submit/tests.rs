use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::log::Checkpoint;
use ldsp_protocol::problem;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use ldsp_protocol::enrolment::NodeState;

use super::*;
use crate::release::{Approval, approve, prepare};
use crate::store::outbox;
use crate::testing::{Aggregator, Mood, World, at, node_key, place, seeded, started};

const NOW: &str = "2023-01-01T12:00:00Z";

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(11)
}

/// A node with `n` approved releases and its aggregator.
async fn queued(n: usize) -> (World, Aggregator, Submitter<Aggregator>) {
    let world = World::enrolled().await;
    world.add(&started("2022-03-10")).await;
    for _ in 0..n {
        let prepared = prepare(
            &world.store,
            crate::testing::asked(),
            "ann",
            at(NOW),
            &seeded(1),
        )
        .await;
        let approval = Approval {
            person: "bob",
            period: None,
            digest: prepared.unwrap().release.digest,
        };
        approve(&world.store, &node_key(), &approval, at(NOW))
            .await
            .unwrap();
    }
    let aggregator = Aggregator::new();
    let submitter = Submitter::new(world.store.clone(), aggregator.clone(), node_key());
    (world, aggregator, submitter)
}

async fn rows(world: &World) -> Vec<OutboxRow> {
    let mut connection = world.store.reader.acquire().await.unwrap();
    outbox::all(&mut connection).await.unwrap()
}

fn postponed(outcome: StepOutcome) -> (i64, String) {
    let StepOutcome::Postponed { until, problem, .. } = outcome else {
        panic!("{outcome:?}");
    };
    (until.as_second() - at(NOW).as_second(), problem)
}

#[tokio::test]
async fn statements_leave_in_order_and_stay_acknowledged() {
    let (world, aggregator, submitter) = queued(3).await;
    let (sent, last) = submitter.drain(at(NOW), &mut rng()).await.unwrap();
    assert_eq!((sent, last), (3, StepOutcome::Drained));
    assert_eq!(aggregator.taken(), 3);
    for (row, (pae, bytes)) in rows(&world)
        .await
        .iter()
        .zip(&aggregator.0.lock().unwrap().taken)
    {
        assert_eq!((&row.pae, &row.envelope), (pae, bytes));
        assert_eq!(row.log_index, Some(row.seq + 99));
        assert_eq!(row.acknowledged_at, Some(at(NOW).as_second()));
    }
    let calls = &aggregator.0.lock().unwrap().calls;
    let request = calls.iter().find(|c| c.method == Method::Put).unwrap();
    assert_eq!(request.path, "/v1/nodes/black-country/statements/1");
    assert_eq!(
        request.headers,
        [("content-type", "application/vnd.dsse+json".to_owned())]
    );
}

#[tokio::test]
async fn a_receipt_that_does_not_hold_acknowledges_nothing() {
    for (mood, words) in [
        (Mood::ForeignReceipt, "not signed by the log"),
        (Mood::OtherPlace, "for another entry"),
        (Mood::Nonsense, "not text"),
    ] {
        let (world, aggregator, submitter) = queued(1).await;
        aggregator.set(mood.clone());
        let (wait, problem) = postponed(submitter.step(at(NOW), false, &mut rng()).await.unwrap());
        assert!(problem.contains(words), "{mood:?}: {problem}");
        assert!(wait >= REFUSED_SHORTEST / 2, "{wait}");
        let row = &rows(&world).await[0];
        assert_eq!((row.acknowledged_at, row.receipt.as_deref()), (None, None));
        assert_eq!(row.problem.as_deref(), Some(problem.as_str()));
        // It is kept, and goes through once the answer is sound.
        aggregator.set(Mood::Sound);
        let (sent, _) = submitter.drain(at(NOW), &mut rng()).await.unwrap();
        assert_eq!(sent, 1);
        assert_eq!(rows(&world).await[0].problem, None);
    }
}

#[tokio::test]
async fn a_replayed_receipt_is_refused() {
    let (world, aggregator, submitter) = queued(2).await;
    aggregator.set(Mood::Replay);
    // For the first statement it is the right one; for the second it is the first one's.
    let (sent, last) = submitter.drain(at(NOW), &mut rng()).await.unwrap();
    assert_eq!(sent, 1);
    assert!(postponed(last).1.contains("for another entry"));
    assert_eq!(rows(&world).await[1].acknowledged_at, None);
}

#[tokio::test]
async fn an_aggregator_that_is_away_is_tried_again_with_growing_gaps() {
    let (world, aggregator, submitter) = queued(1).await;
    let before = rows(&world).await[0].envelope.clone();
    aggregator.set(Mood::Down);
    let mut now = at(NOW);
    let mut gaps = Vec::new();
    for _ in 0..14 {
        let outcome = submitter.step(now, false, &mut rng()).await.unwrap();
        let StepOutcome::Postponed { until, problem, .. } = outcome else {
            panic!("{outcome:?}");
        };
        assert!(problem.contains("stays queued"), "{problem}");
        let early = submitter.step(now, false, &mut rng()).await.unwrap();
        assert!(matches!(early, StepOutcome::Waiting { seq: 1, .. }) || until == now);
        gaps.push(until.as_second() - now.as_second());
        now = until;
    }
    assert!(
        gaps[0] <= 1 && gaps.iter().all(|g| *g <= LONGEST),
        "{gaps:?}"
    );
    assert!(gaps[13] >= LONGEST / 2, "{gaps:?}");
    aggregator.set(Mood::Sound);
    let outcome = submitter.step(now, false, &mut rng()).await.unwrap();
    assert_eq!(outcome, StepOutcome::Acknowledged { seq: 1, index: 100 });
    // Never signed again: the bytes are those of the first day.
    assert_eq!(aggregator.0.lock().unwrap().taken[0].1, before);
}

#[tokio::test]
async fn retry_after_is_honoured() {
    for (text, seconds) in [
        ("120", 120),
        ("Sun, 01 Jan 2023 12:30:00 GMT", 1_800),
        ("999999999", REFUSED_LONGEST),
        ("-5", 0),
        ("soon", 0),
    ] {
        let (_world, aggregator, submitter) = queued(1).await;
        aggregator.set(Mood::Unavailable {
            retry_after: Some(text.to_owned()),
        });
        let (wait, problem) = postponed(submitter.step(at(NOW), false, &mut rng()).await.unwrap());
        assert!(
            wait == seconds || (seconds == 0 && wait <= 1),
            "{text}: {wait}"
        );
        assert!(problem.contains("[storage]"), "{problem}");
    }
}

#[tokio::test]
async fn a_lost_answer_does_no_harm() {
    let (world, aggregator, submitter) = queued(1).await;
    aggregator.set(Mood::AnswerLost);
    postponed(submitter.step(at(NOW), false, &mut rng()).await.unwrap());
    assert_eq!(
        (aggregator.taken(), rows(&world).await[0].acknowledged_at),
        (1, None)
    );
    aggregator.set(Mood::Sound);
    let (sent, _) = submitter.drain(at(NOW), &mut rng()).await.unwrap();
    assert_eq!((sent, aggregator.taken()), (1, 1));
}

#[tokio::test]
async fn a_refusal_is_kept_for_people_and_tried_rarely() {
    let (world, aggregator, submitter) = queued(1).await;
    let mut refusal = problem::Problem::new(problem::SUMMARY, "Rule:\u{7} broken.");
    refusal.detail.push_str(&"x".repeat(5_000));
    aggregator.set(Mood::Refuses(refusal));
    let (wait, problem) = postponed(submitter.step(at(NOW), false, &mut rng()).await.unwrap());
    assert!(wait >= REFUSED_SHORTEST / 2, "{wait}");
    assert!(problem.contains("[summary] Rule:  broken."), "{problem}");
    assert!(problem.chars().count() <= QUOTED && !problem.contains('\u{7}'));
    let shown = rows(&world).await[0].problem.clone();
    assert_eq!(shown, Some(problem));
}

#[tokio::test]
async fn a_node_restored_from_a_backup_signs_and_draws_nothing_more() {
    let (world, aggregator, submitter) = queued(2).await;
    submitter.drain(at(NOW), &mut rng()).await.unwrap();
    // The backup is older than the second month: the node draws it again, not knowing.
    world.run("DELETE FROM outbox WHERE seq = 2").await;
    world.run("DELETE FROM ledger_cells WHERE month = 2").await;
    world.run("DELETE FROM ledger_months WHERE month = 2").await;
    world
        .run("DELETE FROM release_statements WHERE month = 2")
        .await;
    world.run("DELETE FROM release_quality").await;
    world
        .run("DELETE FROM releases WHERE period NOT IN (SELECT period FROM release_statements)")
        .await;
    let prepared = prepare(
        &world.store,
        crate::testing::asked(),
        "ann",
        at(NOW),
        &seeded(9),
    )
    .await;
    let digest = prepared.unwrap().release.digest;
    let approval = Approval {
        person: "bob",
        period: None,
        digest,
    };
    let enrolment = crate::testing::place(true);
    assert!(
        enrol::refresh(&world.store, &aggregator, &enrolment)
            .await
            .unwrap()
    );
    let refused = approve(&world.store, &node_key(), &approval, at(NOW))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "behind-log", "{refused}");
    let next = prepare(
        &world.store,
        crate::testing::asked(),
        "ann",
        at(NOW),
        &seeded(1),
    )
    .await;
    assert_eq!(next.unwrap().release.digest, digest);
}

#[tokio::test]
async fn a_second_draw_that_was_approved_offline_never_leaves() {
    let (world, aggregator, submitter) = queued(2).await;
    submitter.drain(at(NOW), &mut rng()).await.unwrap();
    let sent = puts(&aggregator);
    // Restored: the second month is gone and so is what the log said of it. Offline, it is drawn and approved again.
    world.run("DELETE FROM outbox WHERE seq = 2").await;
    world.run("DELETE FROM ledger_cells WHERE month = 2").await;
    world.run("DELETE FROM ledger_months WHERE month = 2").await;
    world
        .run("DELETE FROM release_statements WHERE month = 2")
        .await;
    world.run("DELETE FROM release_quality").await;
    world
        .run("DELETE FROM releases WHERE period NOT IN (SELECT period FROM release_statements)")
        .await;
    world
        .run("UPDATE enrolment SET head_seq = 0, head_pae = NULL")
        .await;
    let prepared = prepare(
        &world.store,
        crate::testing::asked(),
        "ann",
        at(NOW),
        &seeded(9),
    )
    .await;
    let approval = Approval {
        person: "bob",
        period: None,
        digest: prepared.unwrap().release.digest,
    };
    approve(&world.store, &node_key(), &approval, at(NOW))
        .await
        .unwrap();
    // Online again, more than once: the log is asked, and nothing is sent.
    for _ in 0..3 {
        let (wait, problem) = postponed(submitter.step(at(NOW), true, &mut rng()).await.unwrap());
        assert!(wait >= REFUSED_SHORTEST / 2, "{wait}");
        assert!(
            problem.contains("Nothing was sent") && problem.contains("newest backup"),
            "{problem}"
        );
    }
    assert_eq!(puts(&aggregator), sent);
    let next = prepare(
        &world.store,
        crate::testing::asked(),
        "ann",
        at(NOW),
        &seeded(1),
    )
    .await;
    assert_eq!(next.unwrap_err().code(), "forked");
    assert_eq!(aggregator.taken(), 2);
}

#[tokio::test]
async fn a_database_that_is_behind_the_log_sends_nothing() {
    let (world, aggregator, submitter) = queued(3).await;
    submitter.drain(at(NOW), &mut rng()).await.unwrap();
    let sent = puts(&aggregator);
    // The backup was taken before the second receipt came; the third statement came later.
    world.run("DELETE FROM outbox WHERE seq = 3").await;
    world.run("UPDATE outbox SET acknowledged_at = NULL, receipt = NULL, log_index = NULL, attempts = 0 WHERE seq = 2").await;
    let (_, problem) = postponed(submitter.step(at(NOW), true, &mut rng()).await.unwrap());
    assert!(problem.contains("log holds 3 statements"), "{problem}");
    assert_eq!(puts(&aggregator), sent);
}

fn puts(aggregator: &Aggregator) -> usize {
    let state = aggregator.0.lock().unwrap();
    state
        .calls
        .iter()
        .filter(|c| c.method == Method::Put)
        .count()
}

#[tokio::test]
async fn a_node_that_is_not_approved_waits_for_the_operator() {
    let (world, aggregator, submitter) = queued(1).await;
    world.run("UPDATE enrolment SET state = 'pending'").await;
    aggregator.0.lock().unwrap().node = NodeState::Pending;
    let (_, problem) = postponed(submitter.step(at(NOW), false, &mut rng()).await.unwrap());
    assert!(problem.contains("fingerprint"), "{problem}");
    assert_eq!(aggregator.taken(), 0);
    aggregator.0.lock().unwrap().node = NodeState::Active;
    let (sent, _) = submitter.drain(at(NOW), &mut rng()).await.unwrap();
    assert_eq!(sent, 1);
}

#[tokio::test]
async fn nothing_to_do_is_said() {
    let world = World::new().await;
    let submitter = Submitter::new(world.store.clone(), Aggregator::new(), node_key());
    let outcome = submitter.step(at(NOW), false, &mut rng()).await.unwrap();
    assert_eq!(outcome, StepOutcome::NotEnrolled);
    let (_world, _, submitter) = queued(0).await;
    let outcome = submitter.step(at(NOW), false, &mut rng()).await.unwrap();
    assert_eq!(outcome, StepOutcome::Drained);
}

#[tokio::test]
async fn a_signed_read_names_node_path_and_time() {
    let aggregator = Aggregator::new();
    let path = "/v1/practice?after=3";
    read(&aggregator, &place(true), &node_key(), path, at(NOW))
        .await
        .unwrap();
    let request = aggregator.0.lock().unwrap().calls[0].clone();
    let credential = request.headers[0]
        .1
        .strip_prefix("LDSP ")
        .unwrap()
        .to_owned();
    let verified = Unverified::parse(&BASE64.decode(credential).unwrap())
        .unwrap()
        .verify(&node_key().verifying_key())
        .unwrap();
    assert_eq!(verified.payload_type(), READ_TYPE);
    let body: ReadBody = serde_json::from_slice(verified.body()).unwrap();
    assert_eq!((body.path.as_str(), body.at), (path, at(NOW)));
}

/// Log rows of the audit by what was done.
async fn noted(world: &World, action: &str) -> Vec<String> {
    let mut connection = world.store.reader.acquire().await.unwrap();
    let rows = sqlx::query_scalar("SELECT detail FROM audit WHERE action = $1 ORDER BY id");
    rows.bind(action.to_owned())
        .fetch_all(&mut *connection)
        .await
        .unwrap()
}

async fn held(world: &World) -> Checkpoint {
    let mut connection = world.store.reader.acquire().await.unwrap();
    let note = proofs::checkpoint(&mut connection).await.unwrap().unwrap();
    Checkpoint::open(&place(true).verifier, &note).unwrap()
}

#[tokio::test]
async fn the_newest_checkpoint_is_kept_and_sent_with_the_next_statement() {
    let (world, aggregator, submitter) = queued(2).await;
    submitter.drain(at(NOW), &mut rng()).await.unwrap();
    assert_eq!(held(&world).await.size, 102);
    let calls = aggregator.0.lock().unwrap().calls.clone();
    let puts: Vec<&Request> = calls.iter().filter(|c| c.method == Method::Put).collect();
    let (name, value) = &puts[1].headers[1];
    assert_eq!((puts[0].headers.len(), *name), (1, "ldsp-checkpoint"));
    let note = String::from_utf8(BASE64.decode(value).unwrap()).unwrap();
    assert_eq!(
        Checkpoint::open(&place(true).verifier, &note).unwrap().size,
        101
    );
}

#[tokio::test]
async fn what_a_restored_log_lacks_is_sent_again() {
    let (world, aggregator, submitter) = queued(3).await;
    submitter.drain(at(NOW), &mut rng()).await.unwrap();
    let before = rows(&world).await;
    aggregator.0.lock().unwrap().taken.truncate(1);
    // It is not asked at every step.
    let outcome = submitter.step(at(NOW), false, &mut rng()).await.unwrap();
    assert_eq!((outcome, aggregator.taken()), (StepOutcome::Drained, 1));
    let later = at("2023-01-01T12:30:00Z");
    for seq in [2, 3] {
        let outcome = submitter.step(later, false, &mut rng()).await.unwrap();
        assert_eq!(
            outcome,
            StepOutcome::Acknowledged {
                seq,
                index: seq + 99
            }
        );
    }
    let outcome = submitter.step(later, false, &mut rng()).await.unwrap();
    assert_eq!((outcome, aggregator.taken()), (StepOutcome::Drained, 3));
    let after = rows(&world).await;
    assert_eq!(after[0], before[0], "what the log has is left alone");
    for (old, new) in before.iter().zip(&after) {
        assert_eq!(old.envelope, new.envelope);
    }
    let mut connection = world.store.reader.acquire().await.unwrap();
    let kept: Vec<(i64, String)> =
        sqlx::query_as("SELECT seq, receipt FROM receipts_before ORDER BY id")
            .fetch_all(&mut *connection)
            .await
            .unwrap();
    let expected: Vec<(i64, String)> = before[1..]
        .iter()
        .map(|row| (row.seq.cast_signed(), row.receipt.clone().unwrap()))
        .collect();
    assert_eq!(kept, expected, "the old receipts prove what was lost");
    assert!(noted(&world, "log-lost-statements").await[0].contains("it has 1 statements; 2 more"));
    let back = noted(&world, "log-went-back").await;
    assert_eq!(back.len(), 1, "{back:?}");
    let notes: Vec<&str> = back[0]
        .split_once(":\n")
        .unwrap()
        .1
        .split_inclusive("=\n\n")
        .collect();
    assert!(
        back[0].contains("103 leaves before and 102 now") && notes.len() >= 2,
        "{back:?}"
    );
    assert_eq!(held(&world).await.size, 103);
}

#[tokio::test]
async fn a_log_that_lacks_leaves_gets_them_back_with_their_receipts() {
    let (world, aggregator, submitter) = queued(3).await;
    submitter.drain(at(NOW), &mut rng()).await.unwrap();
    let before = rows(&world).await;
    // It has the first statement and lacks the two others.
    let lost = |first, there| aggregator.0.lock().unwrap().lost = Some((first, there));
    lost(101, vec![100]);
    let later = at("2023-01-01T12:30:00Z");
    let (sent, last) = submitter.drain(later, &mut rng()).await.unwrap();
    assert_eq!((sent, last), (0, StepOutcome::Drained));
    let given = aggregator.0.lock().unwrap().lost.clone().unwrap().1;
    assert_eq!(given, [100, 101, 102]);
    assert_eq!(rows(&world).await, before, "it was never queued again");
    let noted = noted(&world, "log-sent-back").await;
    assert!(noted[0].contains("2 of 2 statements"), "{noted:?}");
    // What only others have keeps it waiting, and the node asks again within a minute.
    lost(99, Vec::new());
    let later = at("2023-01-01T13:00:00Z");
    submitter.step(later, false, &mut rng()).await.unwrap();
    let mut connection = world.store.reader.acquire().await.unwrap();
    let asked = proofs::asked_at(&mut connection).await.unwrap();
    assert_eq!(asked, later.as_second() - ASK_EVERY + ASK_AGAIN);
}

#[tokio::test]
async fn receipts_that_newer_ones_took_the_place_of_are_given_back_too() {
    let (_world, aggregator, submitter) = queued(3).await;
    submitter.drain(at(NOW), &mut rng()).await.unwrap();
    // A restored log signs another history, and then finds that it lacks the first one.
    aggregator.0.lock().unwrap().taken.truncate(1);
    let later = at("2023-01-01T12:30:00Z");
    let (sent, _) = submitter.drain(later, &mut rng()).await.unwrap();
    assert_eq!(sent, 2);
    aggregator.0.lock().unwrap().lost = Some((101, vec![100]));
    let later = at("2023-01-01T13:00:00Z");
    submitter.drain(later, &mut rng()).await.unwrap();
    let given = aggregator.0.lock().unwrap().lost.clone().unwrap().1;
    assert_eq!(given, [100, 101, 102, 101, 102], "by both receipts of each");
}

#[tokio::test]
async fn a_log_that_always_lacks_something_does_not_make_the_node_run_in_circles() {
    let (_world, aggregator, submitter) = queued(2).await;
    submitter.drain(at(NOW), &mut rng()).await.unwrap();
    aggregator.0.lock().unwrap().forgetful = true;
    let later = at("2023-01-01T13:00:00Z");
    let (sent, last) = submitter.drain(later, &mut rng()).await.unwrap();
    assert_eq!((sent, last), (2, StepOutcome::Drained));
}

#[tokio::test]
async fn receipts_of_before_there_was_a_tree_are_replaced_by_proofs_of_the_same_place() {
    let (world, aggregator, submitter) = queued(2).await;
    submitter.drain(at(NOW), &mut rng()).await.unwrap();
    let proofs = rows(&world).await;
    world
        .run("UPDATE outbox SET receipt = 'ldsp receipt v1', log_index = log_index + (seq = 2)")
        .await;
    submitter
        .drain(at("2023-01-02T12:00:00Z"), &mut rng())
        .await
        .unwrap();
    let after = rows(&world).await;
    assert_eq!(after[0].receipt, aggregator.proof(1));
    assert_eq!(
        (after[0].log_index, after[0].acknowledged_at),
        (proofs[0].log_index, proofs[0].acknowledged_at)
    );
    assert_eq!(
        after[1].receipt.as_deref(),
        Some("ldsp receipt v1"),
        "it proves another place"
    );
}

#[tokio::test]
async fn the_checkpoint_of_a_fetched_own_statement_is_held_where_it_is_of_a_larger_log() {
    let (world, aggregator, submitter) = queued(2).await;
    submitter.drain(at(NOW), &mut rng()).await.unwrap();
    assert_eq!(held(&world).await.size, 102);
    // Somebody's key is revoked meanwhile: the log says so in a leaf of its own, and signs 103 leaves.
    aggregator.0.lock().unwrap().revoked = true;
    world.run("UPDATE enrolment SET own_through = 0").await;
    let later = at("2023-01-01T12:10:00Z");
    let outcome = submitter.step(later, false, &mut rng()).await.unwrap();
    assert_eq!(outcome, StepOutcome::Drained);
    assert_eq!(
        held(&world).await.size,
        103,
        "a log that was restored without the revocation is told of it"
    );
}

#[tokio::test]
async fn a_stopped_log_is_offered_the_statement_whose_receipt_never_came() {
    let (world, aggregator, submitter) = queued(2).await;
    submitter.step(at(NOW), false, &mut rng()).await.unwrap();
    assert_eq!(rows(&world).await[1].receipt, None);
    {
        // It lacks a leaf that only others have, and the first statement, too, which waits in the way of the second.
        let mut state = aggregator.0.lock().unwrap();
        (state.lost, state.forgetful) = (Some((99, Vec::new())), true);
        state.calls.clear();
    }
    let later = at("2023-01-01T12:30:00Z");
    submitter.step(later, false, &mut rng()).await.unwrap();
    assert_eq!(rows(&world).await[0].acknowledged_at, None);
    let calls = aggregator.0.lock().unwrap().calls.clone();
    let second = |call: &&Request| {
        call.method == Method::Put && call.path.ends_with("/black-country/statements/2")
    };
    let offered = calls.iter().find(second).expect("it was offered");
    assert_eq!(offered.body, rows(&world).await[1].envelope);
}
