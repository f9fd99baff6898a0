//! Issuing, and how a questionnaire stands.

use jiff::civil::date;
use ldsp_protocol::ids::{Digest, QuestionId};
use ldsp_protocol::questionnaire::{
    Answer, Answers, Choice, Condition, Fact, Form, Question, Source, Told, Value,
};
use ldsp_protocol::statement::Kind;
use ldsp_ui::accounts::By;

use super::*;
use crate::announce::{Act, AnnounceError};
use crate::store::{Conflict, Drafts as _, Keeping};
use crate::testing::{Sim, World, at};

pub(crate) fn id(text: &str) -> QuestionId {
    text.parse().unwrap()
}

fn question(name: &str, form: Form) -> Question {
    Question {
        id: id(name),
        text: format!("What of {name}?"),
        hint: String::new(),
        form,
        required: true,
        only_if: None,
        prefill: None,
    }
}

/// Whether there are buses, which ones, how many services the node knows, and why.
pub(crate) fn draft() -> Draft {
    let choice = |code: &str| Choice {
        code: id(code),
        text: code.to_uppercase(),
    };
    Draft {
        purpose: "To see where there is none.".into(),
        due: Some(date(2023, 1, 31)),
        questions: vec![
            question("buses", Form::YesNo),
            Question {
                only_if: Some(Condition {
                    question: id("buses"),
                    is: vec![id("yes")],
                }),
                ..question("which", Form::Any(vec![choice("day"), choice("night")]))
            },
            Question {
                prefill: Some(Fact::Services),
                ..question(
                    "services",
                    Form::Number {
                        unit: "services".into(),
                        min: 0,
                        max: 1000,
                    },
                )
            },
            Question {
                required: false,
                ..question("why", Form::Text { max: 200 })
            },
        ],
        ..Draft::new(id("routes"), "Ways to a course".into())
    }
}

/// Answers to it with so many services; where there are none there are no buses either.
pub(crate) fn answers(questionnaire: Digest, services: u64) -> Answers {
    let answer = |question: &str, value, source| Answer {
        question: id(question),
        value,
        source,
    };
    let mut all = vec![answer("buses", Value::YesNo(services > 0), Source::Person)];
    if services > 0 {
        let nights = Value::Any(vec![id("night")]);
        all.push(answer("which", nights, Source::Person));
    }
    let number = Value::Number(services);
    all.push(answer("services", number, Source::Records));
    let text = Value::Text("=There is no other way.".into());
    all.push(answer("why", text, Source::Person));
    Answers {
        questionnaire,
        answers: all,
    }
}

pub(crate) async fn issued(world: &World, draft: &Draft) -> Issued {
    let issued = issue(&world.service.announcer(), draft, None, act(world)).await;
    issued.unwrap()
}

fn act(world: &World) -> Act<'_> {
    Act {
        by: "olive",
        at: world.service.now(),
    }
}

/// Publishes answers as the node; they are taken.
pub(crate) async fn answered(world: &World, sim: &mut Sim, answers: &Answers) {
    let sealed = sim.seal(Kind::QuestionnaireAnswers, None, answers);
    sim.advance(&sealed);
    let put = world.put(&sim.path(sim.seq), sealed.envelope()).await;
    assert_eq!(put.status.as_u16(), 201, "{}", put.text());
}

#[tokio::test]
async fn each_issue_is_the_next_version_and_the_same_again_is_none() {
    let world = World::new().await;
    let first = issued(&world, &draft()).await;
    assert!(first.new);
    assert_eq!(first.asked.questionnaire.version, 1);
    assert_eq!(first.asked.questionnaire.asked_by, "olive");
    let again = issued(&world, &draft()).await;
    assert_eq!((again.new, &again.asked), (false, &first.asked));
    let mut changed = draft();
    changed.title = "Ways to courses".into();
    let second = issued(&world, &changed).await.asked;
    assert_eq!(second.questionnaire.version, 2);
    let mut other = draft();
    other.name = id("places");
    assert_eq!(issued(&world, &other).await.asked.questionnaire.version, 1);
    let store = &world.service.store;
    let newest = newest(store).await.unwrap();
    let names: Vec<_> = newest
        .iter()
        .map(|a| a.questionnaire.name.as_str())
        .collect();
    assert_eq!(names, ["places", "routes"]);
    assert_eq!(versions(store, &id("routes")).await.unwrap()[1], second);
    assert_eq!(by_identity(store, second.pae).await.unwrap(), Some(second));
    assert_eq!(by_identity(store, Digest::ZERO).await.unwrap(), None);
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_with_every_fault() {
    let world = World::new().await;
    let mut bad = draft();
    bad.due = Some(date(2023, 1, 4));
    bad.purpose = "Ring 07700 900123".into();
    bad.questions.remove(0);
    let refused = issue(&world.service.announcer(), &bad, None, act(&world)).await;
    let Err(IssueError::Faults(faults)) = refused else {
        panic!("{refused:?}")
    };
    let fields: Vec<_> = faults.iter().map(|f| f.field.as_str()).collect();
    assert_eq!(fields, ["purpose", "questions[0].only_if", "due"]);
    bad.due = None;
    assert!(
        bad.faults("olive", date(2023, 1, 5))
            .iter()
            .any(|f| f.field == "due")
    );
    assert_eq!(all(&world.service.store).await.unwrap(), []);
}

#[tokio::test]
async fn a_draft_goes_with_its_issue_and_only_as_it_was_read() {
    let world = World::new().await;
    let (store, announcer) = (&world.service.store, world.service.announcer());
    let by = By {
        who: "olive",
        now: world.service.now(),
    };
    let Keeping::Done(read) = store.keep_draft(&draft(), 0, by).await.unwrap() else {
        panic!("a new draft")
    };
    let mut newer = draft();
    newer.title = "Ways to courses".into();
    let kept = store.keep_draft(&newer, read, by).await.unwrap();
    assert_eq!(kept, Keeping::Done(read + 1));
    // Somebody issues what they read before that.
    let stale = issue(&announcer, &draft(), Some(read), act(&world)).await;
    let conflict = |result: Result<Issued, IssueError>| match result {
        Err(IssueError::Announce(AnnounceError::Store(StoreError::Conflict(conflict)))) => conflict,
        other => panic!("{other:?}"),
    };
    assert_eq!(conflict(stale), Conflict::OtherDraft);
    assert_eq!(all(store).await.unwrap(), [], "nothing was said");
    let issued = issue(&announcer, &newer, Some(read + 1), act(&world)).await;
    assert!(issued.unwrap().new);
    assert_eq!(store.draft(&newer.name).await.unwrap(), None);
    // A second press of the button.
    let twice = issue(&announcer, &newer, Some(read + 1), act(&world)).await;
    assert!(matches!(twice, Err(IssueError::Faults(_))), "{twice:?}");
}

#[tokio::test]
async fn the_last_answers_of_a_lep_count_and_those_to_the_newest_version_add_up() {
    let world = World::new().await;
    let mut sims: Vec<Sim> = (0..3).map(Sim::new).collect();
    for sim in &sims {
        world.admit(sim).await;
    }
    let first = issued(&world, &draft()).await.asked;
    let stands = standing(&world.service.store, &id("routes")).await.unwrap();
    assert_eq!(stands.unwrap().state(&sims[0].lep), State::NotYet);
    answered(&world, &mut sims[0], &answers(first.pae, 4)).await;
    answered(&world, &mut sims[1], &answers(first.pae, 7)).await;
    answered(&world, &mut sims[1], &answers(first.pae, 9)).await;
    *world.now.lock().unwrap() = at("2023-01-31T23:59:59Z");
    answered(&world, &mut sims[2], &answers(first.pae, 0)).await;
    let store = &world.service.store;
    let name = id("routes");
    let stands = standing(store, &name).await.unwrap().unwrap();
    assert_eq!(stands.asked.len(), 38);
    let results = stands.results().unwrap();
    assert_eq!(
        (results.asked, results.answered, results.too_few),
        (38, 3, false)
    );
    let Told::Numbers(Some(services)) = &results.tallies[2].told else {
        panic!("{results:?}")
    };
    assert_eq!((services.count, services.sum, services.max), (3, 13, 9));
    assert!(stands.given.values().all(|given| !given.late));
    assert_eq!(stands.state(&sims[0].lep), State::InTime);
    assert_eq!(stands.state(&"E37000019".parse().unwrap()), State::NoNode);

    // A day later the same are late, and a newer version leaves behind those who have not answered it.
    *world.now.lock().unwrap() = at("2023-02-01T00:00:00Z");
    answered(&world, &mut sims[2], &answers(first.pae, 1)).await;
    let stands = standing(store, &name).await.unwrap().unwrap();
    assert_eq!(stands.state(&sims[2].lep), State::Late);
    let mut newer = draft();
    newer.to = vec![sims[0].lep.clone(), sims[1].lep.clone()];
    newer.due = Some(date(2023, 2, 28));
    let second = issued(&world, &newer).await.asked;
    answered(&world, &mut sims[0], &answers(second.pae, 5)).await;
    // It was on its way when the newer version came.
    answered(&world, &mut sims[1], &answers(first.pae, 8)).await;
    let stands = standing(store, &name).await.unwrap().unwrap();
    let results = stands.results().unwrap();
    assert_eq!(
        (results.asked, results.answered, results.too_few),
        (2, 1, true)
    );
    assert_eq!(stands.results_for_leps().unwrap().tallies, []);
    let of = |sim: &Sim| {
        let given = &stands.given[&sim.lep];
        (given.version, given.late)
    };
    assert_eq!(
        [of(&sims[0]), of(&sims[1]), of(&sims[2])],
        [(2, false), (1, true), (1, true)]
    );
    let progress = stands.progress().unwrap();
    assert_eq!(progress.leps.len(), 2);
    assert_eq!(progress.leps[1].version, Some(1));
    assert_eq!(progress.leps[0].state, State::InTime);
    assert_eq!(progress.leps[1].state, State::EarlierVersion);
    let csv = String::from_utf8(to_csv(&stands).unwrap()).unwrap();
    let mut lines = csv.lines();
    assert_eq!(lines.next().unwrap().split(',').count(), 11);
    assert_eq!(lines.clone().count(), 4 + 4 + 4, "{csv}");
    assert!(
        csv.contains("\"'=There is no other way.\"") || csv.contains("'=There is no other way."),
        "{csv}"
    );
    assert_eq!(standing(store, &id("other")).await.unwrap(), None);
}

#[tokio::test]
async fn fsck_finds_a_version_that_does_not_follow_the_one_before() {
    let world = World::new().await;
    issued(&world, &draft()).await;
    let (store, signer) = (&world.service.store, &world.service.signer);
    let announcer = world.service.announcer();
    let speak = |speech: &mut crate::log::Speech<'_>| {
        let (kind, standard) = (Kind::Questionnaire, announcer.standard().digest());
        let third = draft().version(3, "olive");
        speech.say(kind, |turn| announcer.body(turn, kind, standard, &third));
    };
    let none = crate::store::OwnEffect::None;
    let said = signer
        .announce(store, &none, speak, world.service.now())
        .await;
    said.unwrap();
    let mut snapshot = store.snapshot().await.unwrap();
    let ground = crate::fsck::Ground {
        log: signer.verifier(),
    };
    let report = crate::fsck::fsck(&mut snapshot, ground, &mut |_, _| {}).await;
    let report = report.unwrap();
    let [finding] = report.findings.as_slice() else {
        panic!("{:?}", report.findings)
    };
    assert_eq!(finding.rule, crate::fsck::Rule::Sequence);
    assert_eq!(finding.what, "version 3 of routes follows version 1");
}

#[test]
fn the_example_of_the_documents_can_be_issued() {
    let text = include_str!("../../../docs/questionnaires.md");
    let (_, rest) = text.split_once("```json\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let draft: Draft = serde_json::from_str(example).unwrap();
    assert_eq!(draft.faults("olive", date(2022, 1, 1)), []);
}
