//! From the log's list to a statement in the outbox, with what can go wrong on the way.

mod acts;
mod facts;
mod hearing;

use jiff::civil::date;
use ldsp_protocol::ids::QuestionId;
use ldsp_protocol::questionnaire::{Choice, Condition, Fact, Form, Question, Questionnaire, Value};

use super::*;
use crate::store::Store;
use crate::testing::{Aggregator, World, at};

/// When everything happens: before the questionnaire is due.
pub(crate) const NOW: &str = "2022-05-01T12:00:00Z";

pub(crate) fn id(text: &str) -> QuestionId {
    text.parse().unwrap()
}

fn question(name: &str, form: Form) -> Question {
    Question {
        id: id(name),
        text: format!("Question {name}?"),
        hint: String::new(),
        form,
        required: true,
        only_if: None,
        prefill: None,
    }
}

fn choices() -> Vec<Choice> {
    ["bus", "car", "foot"]
        .map(|code| Choice {
            code: id(code),
            text: code.to_uppercase(),
        })
        .to_vec()
}

fn number() -> Form {
    Form::Number {
        unit: "services".into(),
        min: 0,
        max: 100_000,
    }
}

/// `how` is asked where `any` is answered with yes, `why` where `how` has the bus; two questions are filled in.
pub(crate) fn asked() -> Questionnaire {
    let when = |question: &str, code: &str| {
        Some(Condition {
            question: id(question),
            is: vec![id(code)],
        })
    };
    Questionnaire {
        name: id("routes"),
        version: 1,
        title: "Routes in 2022".into(),
        purpose: "To see where there are none.".into(),
        due: date(2022, 5, 10),
        to: Vec::new(),
        questions: vec![
            question("any", Form::YesNo),
            Question {
                only_if: when("any", "yes"),
                ..question("how", Form::Any(choices()))
            },
            Question {
                only_if: when("how", "bus"),
                required: false,
                ..question("why", Form::Text { max: 60 })
            },
            Question {
                prefill: Some(Fact::Services),
                ..question("services", number())
            },
            Question {
                prefill: Some(Fact::EnrolmentsPublished),
                ..question("enrolments", number())
            },
            question("best", Form::One(choices())),
        ],
        asked_by: "olive".into(),
    }
}

/// Version 2: `best` has other choices, `why` is gone, and `new` is asked besides.
pub(crate) fn newer() -> Questionnaire {
    let mut newer = asked();
    newer.version = 2;
    newer.due = date(2022, 6, 10);
    newer.questions.remove(2);
    newer.questions[4].form = Form::One(choices()[1..].to_vec());
    newer.questions.push(question("new", Form::YesNo));
    newer
}

/// Sound answers to [`asked`] of a node that knows nothing to fill in.
pub(crate) fn sound() -> Vec<Given> {
    vec![
        (id("any"), Some(Value::YesNo(true))),
        (id("how"), Some(Value::Any(vec![id("foot"), id("bus")]))),
        (
            id("why"),
            Some(Value::Text("There is no other way.".into())),
        ),
        (id("services"), Some(Value::Number(12))),
        (id("enrolments"), Some(Value::NotKnown)),
        (id("best"), Some(Value::One(id("bus")))),
    ]
}

pub(crate) async fn heard(store: &Store, aggregator: &Aggregator) -> Heard {
    hear(store, aggregator, at(NOW)).await.unwrap()
}

/// An enrolled node that heard of [`asked`].
async fn asked_world() -> (World, Aggregator) {
    let world = World::enrolled().await;
    let aggregator = Aggregator::new();
    aggregator.asks(&asked());
    let heard = heard(&world.store, &aggregator).await;
    assert_eq!(heard.new, [(id("routes"), 1)]);
    (world, aggregator)
}

async fn case(world: &World) -> Case {
    let case = Case::read(&world.store, &id("routes")).await.unwrap();
    case.unwrap()
}
