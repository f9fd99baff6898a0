//! Questionnaires and answers over the router.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use ldsp_protocol::ids::Digest;
use ldsp_protocol::questionnaire::Value;
use ldsp_protocol::revision::{Named, Withdrawal};
use ldsp_protocol::statement::Kind;

use super::ingest::refused;
use super::practice::signed;
use crate::fsck::{Ground, fsck};
use crate::questionnaires::tests::{answered, answers, draft, id, issued};
use crate::store::Log as _;
use crate::testing::{Answer, Sim, World, signer};

async fn sent<P: serde::Serialize>(world: &World, sim: &Sim, kind: Kind, payload: P) -> Answer {
    let sealed = sim.seal(kind, None, payload);
    world.put(&sim.path(sim.seq + 1), sealed.envelope()).await
}

#[tokio::test]
async fn answers_name_a_questionnaire_that_asks_their_area_and_fit_it() {
    let world = World::new().await;
    let (mut sim, other) = (Sim::new(0), Sim::new(1));
    world.admit(&sim).await;
    world.admit(&other).await;
    let mut of_one = draft();
    of_one.to = vec![sim.lep.clone()];
    let asked = issued(&world, &of_one).await.asked;
    let kind = Kind::QuestionnaireAnswers;
    let nothing = sent(&world, &sim, kind, answers(Digest::of(b"nothing"), 1)).await;
    refused(&nothing, 422, "answers");
    let not_asked = sent(&world, &other, kind, answers(asked.pae, 1)).await;
    refused(&not_asked, 422, "answers");
    assert!(
        not_asked.text().contains(other.lep.as_str()),
        "{}",
        not_asked.text()
    );
    let mut misfit = answers(asked.pae, 3);
    misfit.answers[1].value = Value::Any(vec![id("never")]);
    let misfit = sent(&world, &sim, kind, misfit).await;
    refused(&misfit, 422, "answers");
    assert!(misfit.text().contains("which"), "{}", misfit.text());
    let mut personal = answers(asked.pae, 3);
    personal.answers[3].value = Value::Text("Ask jo@example.org".into());
    let personal = sent(&world, &sim, kind, personal).await;
    refused(&personal, 422, "answers");
    assert!(!personal.text().contains("jo@"));
    assert_eq!(world.service.store.size().await.unwrap(), 3);
    answered(&world, &mut sim, &answers(asked.pae, 3)).await;
    // They are replaced by newer ones, never withdrawn.
    let taken_back = Withdrawal {
        statement: Named {
            seq: 1,
            pae: sim.prev,
        },
        reason: "A mistake.".into(),
        cells: None,
    };
    let kept = sent(&world, &sim, Kind::Withdrawal, taken_back).await;
    refused(&kept, 422, "withdrawal");
    assert!(kept.text().contains("which stays"), "{}", kept.text());
}

#[tokio::test]
async fn answers_to_a_version_that_was_replaced_meanwhile_do_not_stop_a_node() {
    let world = World::new().await;
    let mut sim = Sim::new(0);
    world.admit(&sim).await;
    let first = issued(&world, &draft()).await.asked;
    let mut newer = draft();
    newer.questions.truncate(1);
    let second = issued(&world, &newer).await.asked;
    answered(&world, &mut sim, &answers(first.pae, 2)).await;
    let mut short = answers(second.pae, 0);
    short.answers.truncate(1);
    answered(&world, &mut sim, &short).await;
    let mut snapshot = world.service.store.snapshot().await.unwrap();
    let log = signer();
    let ground = Ground {
        log: log.verifier(),
    };
    let report = fsck(&mut snapshot, ground, &mut |_, _| {}).await.unwrap();
    assert_eq!(report.findings, []);
    assert_eq!(report.questionnaires, 2);
}

#[tokio::test]
async fn what_answers_say_is_for_their_own_node_alone() {
    let world = World::new().await;
    let (mut sim, other) = (Sim::new(0), Sim::new(1));
    world.admit(&sim).await;
    world.admit(&other).await;
    let asked = issued(&world, &draft()).await.asked;
    let sealed = sim.seal(Kind::QuestionnaireAnswers, None, answers(asked.pae, 3));
    answered(&world, &mut sim, &answers(asked.pae, 3)).await;
    let (path, now) = (sim.path(1), world.service.now());
    let stranger = world.get(&path).await;
    refused(&stranger, 401, "read");
    let peer = signed(&world, &other, &path, &path, now).await;
    refused(&peer, 403, "withheld");
    for answer in [&stranger, &peer] {
        assert!(!answer.text().contains("no other way"));
    }
    let own = signed(&world, &sim, &path, &path, now).await;
    assert_eq!(own.body, sealed.envelope());
    assert_eq!(own.headers["cache-control"], "no-store");
    // Its leaf is everybody's.
    let receipt = world.get(&format!("{path}/receipt")).await;
    assert_eq!(receipt.status, StatusCode::OK);
    let listed = world
        .get("/api/v1/statements?kind=questionnaire-answers")
        .await;
    let listed = &listed.json()["items"][0];
    assert_eq!(listed["public"], false);
    assert_eq!(listed["pae"], sealed.pae().to_string());
    let nodes = world.get("/api/v1/nodes").await.json();
    assert_eq!(nodes["items"][0]["practice"], 0);
}

#[tokio::test]
async fn nodes_find_what_is_asked_and_the_statement_itself() {
    let world = World::new().await;
    let none = world.get("/v1/questionnaires").await.json();
    assert_eq!(none, serde_json::json!({"questionnaires": []}));
    issued(&world, &draft()).await;
    let mut newer = draft();
    newer.title = "Ways to courses".into();
    let asked = issued(&world, &newer).await.asked;
    let all = world.get("/v1/questionnaires").await.json();
    let expected = serde_json::json!({"questionnaires": [{
        "name": "routes", "version": 2, "title": "Ways to courses", "due": "2023-01-31",
        "index": asked.index, "seq": asked.seq, "pae": asked.pae.to_string(),
    }]});
    assert_eq!(all, expected);
    let statement = format!("/v1/nodes/aggregator/statements/{}", asked.seq);
    let envelope = world.get(&statement).await;
    assert_eq!(envelope.status, StatusCode::OK);
    let log = signer();
    let verified = ldsp_protocol::dsse::Unverified::parse(&envelope.body).unwrap();
    let verified = verified.verify(log.verifier().key()).unwrap();
    assert_eq!(verified.pae(), asked.pae);
    let receipt = world.get(&format!("{statement}/receipt")).await;
    assert_eq!(receipt.status, StatusCode::OK);
}

#[tokio::test]
async fn a_node_that_was_asked_is_told_what_three_answered_and_no_fewer() {
    let world = World::new().await;
    let mut sims: Vec<Sim> = (0..3).map(Sim::new).collect();
    sims.push(Sim::named("cumbria", "E37000007", 9));
    for sim in &sims {
        world.admit(sim).await;
    }
    let mut to: Vec<_> = sims[..3].iter().map(|sim| sim.lep.clone()).collect();
    to.sort();
    let asked = issued(&world, &crate::questionnaires::Draft { to, ..draft() })
        .await
        .asked;
    let (path, now) = ("/v1/questionnaires/routes/results", world.service.now());
    refused(&world.get(path).await, 401, "read");
    refused(
        &signed(&world, &sims[3], path, path, now).await,
        403,
        "withheld",
    );
    let other = "/v1/questionnaires/other/results";
    refused(
        &signed(&world, &sims[0], other, other, now).await,
        404,
        "not-found",
    );
    for (at, sim) in sims[..2].iter_mut().enumerate() {
        answered(&world, sim, &answers(asked.pae, at as u64)).await;
    }
    let few = signed(&world, &sims[2], path, path, now).await;
    assert_eq!(few.headers["cache-control"], "no-store");
    let few = few.json();
    assert_eq!(few["asked"], 3);
    assert_eq!(
        (&few["answered"], &few["too_few"]),
        (&2.into(), &true.into())
    );
    assert_eq!(few["tallies"], serde_json::json!([]));
    answered(&world, &mut sims[2], &answers(asked.pae, 9)).await;
    let three = signed(&world, &sims[2], path, path, now).await;
    assert!(!three.text().contains("no other way"), "words are not told");
    let three = three.json();
    assert_eq!(three["too_few"], false);
    assert_eq!(three["questionnaire"]["pae"], asked.pae.to_string());
    assert_eq!(
        three["tallies"][0]["told"]["choices"],
        serde_json::json!({"no": 1, "yes": 2})
    );
    assert_eq!(three["tallies"][3]["told"]["texts"], 3);
    // Without the role table in front nobody is signed in.
    let none = world
        .call(Method::POST, "/api/v1/questionnaires", &[], Body::empty())
        .await;
    assert!(none.status.is_redirection() || none.status.is_client_error());
}
