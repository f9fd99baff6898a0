//! What people do with answers.

use ldsp_protocol::questionnaire::Source;
use ldsp_protocol::statement::{Kind, Payload, Statement};
use proptest::prelude::*;

use super::super::act::How;
use super::*;
use crate::store::enrolment;
use crate::store::outbox::Head;
use crate::submit::{StepOutcome, Submitter};
use crate::testing::{node_key, place, seeded};

const ANN: (&str, &str) = ("ann", NOW);

fn by(who: (&'static str, &str)) -> (&'static str, jiff::Timestamp) {
    (who.0, at(who.1))
}

async fn saved(world: &World, given: Vec<Given>) -> Vec<Fault> {
    let name = id("routes");
    let saved = save(&world.store, &name, given, How::Whole(None), by(ANN)).await;
    saved.unwrap()
}

/// A node whose complete answers wait for an approver.
async fn handed() -> (World, Aggregator, Digest) {
    let (world, aggregator) = asked_world().await;
    assert_eq!(saved(&world, sound()).await, []);
    let digest = hand_over(&world.store, &id("routes"), by(ANN)).await;
    (world, aggregator, digest.unwrap())
}

async fn released(world: &World, person: &str, digest: Digest) -> Result<u64, QuestionnaireError> {
    let name = id("routes");
    let word = Word {
        name: &name,
        digest,
        person,
    };
    release(&world.store, &node_key(), word, at(NOW)).await
}

async fn code<T: std::fmt::Debug>(
    done: impl Future<Output = Result<T, QuestionnaireError>>,
) -> &'static str {
    done.await.unwrap_err().code()
}

#[tokio::test]
async fn answers_go_from_a_coordinator_by_another_person_to_the_log() {
    let (world, aggregator, digest) = handed().await;
    assert_eq!(case(&world).await.state(), State::Waiting);
    assert_eq!(code(released(&world, "ann", digest)).await, "role");
    assert_eq!(code(released(&world, "ANN", digest)).await, "own-work");
    assert_eq!(code(released(&world, "bob", Digest::ZERO)).await, "digest");
    assert_eq!(released(&world, "bob", digest).await.unwrap(), 1);
    assert_eq!(case(&world).await.state(), State::Sent);
    assert_eq!(
        code(released(&world, "bob", digest)).await,
        "not-handed-over"
    );
    let submitter = Submitter::new(world.store.clone(), aggregator.clone(), node_key());
    let mut rng = (seeded(1))();
    let (sent, last) = submitter.drain(at(NOW), &mut *rng).await.unwrap();
    assert_eq!((sent, last), (1, StepOutcome::Drained));
    let taken = aggregator.0.lock().unwrap().taken[0].1.clone();
    let verified = ldsp_protocol::dsse::Unverified::parse(&taken).unwrap();
    let verified = verified.verify(&node_key().verifying_key()).unwrap();
    let statement = Statement::read(&verified).unwrap();
    assert_eq!(statement.kind, Kind::QuestionnaireAnswers);
    let Payload::QuestionnaireAnswers(answers) = statement.payload else {
        panic!("other payload");
    };
    assert_eq!(answers.check(&asked()), Ok(()));
    assert_eq!(
        super::super::digest(&answers),
        digest,
        "what was read is what left"
    );
    let acts = world.store.audit_entries(20).await.unwrap();
    let mut acts: Vec<_> = acts.into_iter().map(|entry| entry.action).collect();
    acts.reverse();
    acts.retain(|action| action.starts_with("questionnaire-"));
    let expected = ["heard", "answered", "handed-over", "released"];
    assert_eq!(acts, expected.map(|act| format!("questionnaire-{act}")));
}

#[tokio::test]
async fn whoever_may_not_answer_does_not() {
    let (world, _) = asked_world().await;
    let name = id("routes");
    for who in ["bob", "nobody"] {
        let save = save(
            &world.store,
            &name,
            sound(),
            How::Whole(None),
            (who, at(NOW)),
        );
        assert_eq!(code(save).await, "role");
        assert_eq!(
            code(hand_over(&world.store, &name, (who, at(NOW)))).await,
            "role"
        );
        assert_eq!(
            code(take_back(&world.store, &name, (who, at(NOW)))).await,
            "role"
        );
    }
    let other = id("other");
    let unknown = save(&world.store, &other, sound(), How::Whole(None), by(ANN));
    assert_eq!(code(unknown).await, "unknown-questionnaire");
}

#[tokio::test]
async fn what_is_missing_or_does_not_hold_is_named_and_nothing_is_handed_over() {
    let (world, _) = asked_world().await;
    let name = id("routes");
    let mut short = sound();
    short.retain(|(question, _)| question.as_str() != "best");
    saved(&world, short).await;
    let error = hand_over(&world.store, &name, by(ANN)).await.unwrap_err();
    let QuestionnaireError::Unfit(faults) = error else {
        panic!("{error}");
    };
    assert_eq!(faults, [(id("best"), AnswersError::Missing(id("best")))]);
    assert_eq!(case(&world).await.state(), State::Begun);
    let wrong = vec![
        (id("services"), Some(Value::Number(100_001))),
        (
            id("why"),
            Some(Value::Text("Ask ann@solent.example".into())),
        ),
        (id("best"), Some(Value::One(id("train")))),
        (id("enrolments"), Some(Value::Number(17))),
        (id("nothing"), Some(Value::YesNo(true))),
    ];
    let before = case(&world).await.draft;
    let error = save(
        &world.store,
        &name,
        wrong.clone(),
        How::Whole(None),
        by(ANN),
    )
    .await;
    let Err(QuestionnaireError::Unfit(faults)) = error else {
        panic!("all of it or nothing");
    };
    let named: Vec<_> = faults
        .iter()
        .map(|(question, _)| question.as_str())
        .collect();
    assert_eq!(named, ["services", "why", "best", "enrolments", "nothing"]);
    assert_eq!(case(&world).await.draft, before);
}

/// Of one page of the form, what holds is kept beside what does not.
#[tokio::test]
async fn of_a_page_nothing_that_holds_is_lost() {
    let (world, _) = asked_world().await;
    let case = case(&world).await;
    let parts = parts(&case.it.asked);
    let names: Vec<Vec<&str>> = parts
        .iter()
        .map(|part| part.iter().map(|q| q.id.as_str()).collect())
        .collect();
    assert_eq!(
        names,
        [
            vec!["any"],
            vec!["how"],
            vec!["why", "services", "enrolments", "best"]
        ]
    );
    let shown = super::super::act::seen(&[], parts[2]);
    let given = vec![
        (id("services"), Some(Value::Number(100_001))),
        (id("best"), Some(Value::One(id("car")))),
    ];
    let how = How::Part(3, shown);
    let faults = save(&world.store, &id("routes"), given.clone(), how, by(ANN)).await;
    assert_eq!(faults.unwrap().len(), 1);
    let kept = super::case(&world).await.draft.unwrap();
    assert_eq!(kept.answers.len(), 1);
    assert_eq!(
        kept.of(&id("best")).unwrap().answer.value,
        Value::One(id("car"))
    );
    // Somebody else has the page as it was before that.
    let name = id("routes");
    let late = save(&world.store, &name, given, how, ("cat", at(NOW)));
    assert_eq!(code(late).await, "changed-meanwhile");
}

/// `no` after everything was answered: what hung on it stays here and does not leave.
#[tokio::test]
async fn contradictory_answers_are_kept_and_do_not_leave() {
    let (world, _) = asked_world().await;
    saved(&world, sound()).await;
    saved(&world, vec![(id("any"), Some(Value::YesNo(false)))]).await;
    let case = case(&world).await;
    let kept = case.carried().answers;
    assert_eq!(kept.len(), 6);
    let sends = case.payload(&kept);
    let left: Vec<_> = sends.answers.iter().map(|a| a.question.as_str()).collect();
    assert_eq!(left, ["any", "services", "enrolments", "best"]);
    assert_eq!(reached_parts(&case.it.asked, &kept), [1, 3]);
    let digest = hand_over(&world.store, &id("routes"), by(ANN))
        .await
        .unwrap();
    assert_eq!(released(&world, "bob", digest).await.unwrap(), 1);
    // With yes again, they are there.
    saved(&world, vec![(id("any"), Some(Value::YesNo(true)))]).await;
    let again = super::case(&world).await;
    assert_eq!(again.payload(&again.carried().answers).answers.len(), 6);
}

#[tokio::test]
async fn answers_that_wait_are_changed_only_after_they_came_back() {
    let (world, _, digest) = handed().await;
    let name = id("routes");
    let change = || vec![(id("best"), Some(Value::One(id("car"))))];
    let save = || save(&world.store, &name, change(), How::Whole(None), by(ANN));
    assert_eq!(code(save()).await, "waits");
    assert_eq!(code(hand_over(&world.store, &name, by(ANN))).await, "waits");
    take_back(&world.store, &name, ("cat", at(NOW)))
        .await
        .unwrap();
    assert_eq!(save().await.unwrap(), []);
    let again = hand_over(&world.store, &name, by(ANN)).await.unwrap();
    assert_ne!(digest, again);
    assert_eq!(code(released(&world, "bob", digest)).await, "digest");
    let word = Word {
        name: &name,
        digest: again,
        person: "bob",
    };
    for reason in ["", "Ring 07700 900123"] {
        let sent = send_back(&world.store, word, reason, at(NOW));
        assert_eq!(code(sent).await, "reason");
    }
    send_back(&world.store, word, "The car is\n not best.", at(NOW))
        .await
        .unwrap();
    let case = case(&world).await;
    assert_eq!(case.state(), State::SentBack);
    let (_, reason) = case.draft.unwrap().back.unwrap();
    assert_eq!(reason, "The car is not best.");
    assert_eq!(
        code(released(&world, "bob", again)).await,
        "not-handed-over"
    );
}

#[tokio::test]
async fn a_newer_version_takes_over_what_fits_and_stops_what_waits() {
    let (world, aggregator, digest) = handed().await;
    aggregator.asks(&newer());
    heard(&world.store, &aggregator).await;
    let case = case(&world).await;
    assert_eq!(case.state(), State::NewerVersion);
    let carried = case.carried();
    let kept: Vec<_> = carried
        .answers
        .iter()
        .map(|k| k.answer.question.as_str())
        .collect();
    assert_eq!(kept, ["any", "how", "services", "enrolments"]);
    assert!(carried.from_earlier);
    assert_eq!(
        carried.lost,
        [id("why"), id("best")],
        "its choice is not offered any more"
    );
    assert_eq!(code(released(&world, "bob", digest)).await, "replaced");
    let incomplete = hand_over(&world.store, &id("routes"), by(ANN)).await;
    let Err(QuestionnaireError::Unfit(faults)) = incomplete else {
        panic!("two questions are open");
    };
    assert_eq!(faults.len(), 2);
    let rest = vec![
        (id("best"), Some(Value::One(id("car")))),
        (id("new"), Some(Value::YesNo(true))),
    ];
    assert_eq!(saved(&world, rest).await, []);
    let digest = hand_over(&world.store, &id("routes"), by(ANN))
        .await
        .unwrap();
    released(&world, "bob", digest).await.unwrap();
    let sent = super::case(&world).await;
    assert_eq!((sent.state(), sent.it.asked.version), (State::Sent, 2));
}

/// Answering again stands in the place of what was sent, by a statement of its own.
#[tokio::test]
async fn what_was_sent_can_be_answered_again() {
    let (world, _, digest) = handed().await;
    released(&world, "bob", digest).await.unwrap();
    saved(&world, vec![(id("services"), Some(Value::Number(13)))]).await;
    assert_eq!(case(&world).await.state(), State::Begun);
    let again = hand_over(&world.store, &id("routes"), by(ANN))
        .await
        .unwrap();
    assert_eq!(released(&world, "bob", again).await.unwrap(), 2);
    let sent = case(&world).await.sent.unwrap();
    assert_eq!(
        sent.of(&id("services")).unwrap().answer.value,
        Value::Number(13)
    );
    assert_eq!(
        world
            .number("SELECT count(*) FROM questionnaire_answers")
            .await,
        2
    );
}

#[tokio::test]
async fn a_restart_half_way_loses_nothing() {
    let (world, aggregator, digest) = handed().await;
    let before = case(&world).await.draft;
    let world = world.reopened().await;
    heard(&world.store, &aggregator).await;
    assert_eq!(case(&world).await.draft, before);
    assert_eq!(released(&world, "bob", digest).await.unwrap(), 1);
    let world = world.reopened().await;
    assert_eq!(case(&world).await.state(), State::Sent);
    assert_eq!(world.number("SELECT count(*) FROM outbox").await, 1);
}

#[tokio::test]
async fn a_node_whose_key_was_revoked_signs_no_answers() {
    let (world, aggregator, digest) = handed().await;
    let mut tx = world.store.write().await.unwrap();
    let head = Head {
        seq: 0,
        pae: Digest::ZERO,
    };
    enrolment::refresh(&mut tx, false, Some(7), head)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(code(released(&world, "bob", digest)).await, "key-revoked");
    assert_eq!(case(&world).await.state(), State::Waiting);
    // It goes on to hear what is asked.
    aggregator.asks(&newer());
    assert_eq!(
        heard(&world.store, &aggregator).await.new,
        [(id("routes"), 2)]
    );
    assert!(place(true).active);
}

#[tokio::test]
async fn answers_are_late_after_the_day_and_not_once_they_were_sent() {
    let (world, _, digest) = handed().await;
    let late = jiff::civil::date(2022, 5, 11);
    let case = || case(&world);
    assert!(!case().await.is_late(jiff::civil::date(2022, 5, 10)));
    assert!(case().await.is_late(late));
    released(&world, "bob", digest).await.unwrap();
    assert!(!case().await.is_late(late));
}

fn value() -> impl Strategy<Value = Option<Value>> {
    let code = prop::sample::select(vec!["bus", "car", "foot", "train", "yes"]);
    let codes = prop::collection::vec(code.clone(), 0..4);
    prop_oneof![
        Just(None),
        Just(Some(Value::NotKnown)),
        any::<bool>().prop_map(|yes| Some(Value::YesNo(yes))),
        (0u64..200_000).prop_map(|n| Some(Value::Number(n))),
        code.prop_map(|code| Some(Value::One(id(code)))),
        codes.prop_map(|codes| Some(Value::Any(codes.into_iter().map(id).collect()))),
        "[a-z@.0-9 ]{0,80}".prop_map(|text| Some(Value::Text(text))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is given in whatever order: what is kept holds answer by answer, what is handed over holds as a whole, no answer counts
    /// learners, and nothing that was filled in is said of a person.
    #[test]
    fn what_is_handed_over_always_holds(given in prop::collection::vec((0usize..6, value()), 0..30)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (world, _) = asked_world().await;
            let all = asked();
            for (at, value) in given {
                let one = vec![(all.questions[at].id.clone(), value)];
                // Refused or not: it changes nothing then.
                drop(save(&world.store, &id("routes"), one, How::Whole(None), by(ANN)).await);
            }
            let case = case(&world).await;
            for kept in &case.carried().answers {
                let question = all.question(&kept.answer.question).unwrap();
                assert_eq!(kept.answer.check(question), Ok(()));
                assert_eq!(kept.answer.source, Source::Person);
                assert!(!form::is_estimate(question) || kept.answer.value == Value::NotKnown);
            }
            if hand_over(&world.store, &id("routes"), by(ANN)).await.is_ok() {
                let draft = super::case(&world).await.draft.unwrap();
                assert_eq!(case.payload(&draft.answers).check(&all), Ok(()));
            }
        });
    }
}
