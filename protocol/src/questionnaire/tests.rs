use proptest::prelude::*;

use super::*;

fn id(text: &str) -> QuestionId {
    text.parse().unwrap()
}

fn question(name: &str, form: Form) -> Question {
    Question {
        id: id(name),
        text: "How do people get there?".into(),
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
        max: 1000,
    }
}

/// One question of each form: `how` is asked where `any` is answered with yes, `why` where `how` has the bus.
fn asked() -> Questionnaire {
    let when = |question: &str, code: &str| {
        Some(Condition {
            question: id(question),
            is: vec![id(code)],
        })
    };
    Questionnaire {
        name: id("provision"),
        version: 1,
        title: "Provision in 2022".into(),
        purpose: "To see where there is none.".into(),
        due: jiff::civil::date(2022, 9, 30),
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
                ..question("why", Form::Text { max: 40 })
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

fn answer(question: &str, value: Value) -> Answer {
    Answer {
        question: id(question),
        value,
        source: Source::Person,
    }
}

fn answers(answers: Vec<Answer>) -> Answers {
    Answers {
        questionnaire: crate::ids::Digest::ZERO,
        answers,
    }
}

fn sound() -> Answers {
    answers(vec![
        answer("any", Value::YesNo(true)),
        answer("how", Value::Any(vec![id("bus"), id("foot")])),
        answer("why", Value::Text("There is no other way.".into())),
        Answer {
            source: Source::Records,
            ..answer("services", Value::Number(12))
        },
        Answer {
            source: Source::Releases,
            ..answer("enrolments", Value::Number(340))
        },
        answer("best", Value::One(id("foot"))),
    ])
}

#[test]
fn a_sound_one_is_asked_and_answered() {
    assert_eq!(asked().check(), []);
    assert_eq!(sound().check(&asked()), Ok(()));
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let mut wrong = asked();
    wrong.version = 0;
    wrong.purpose = " ".into();
    wrong.to = vec!["E37000003".parse().unwrap(), "E37000001".parse().unwrap()];
    wrong.questions[1].only_if.as_mut().unwrap().question = id("best");
    wrong.questions[2].only_if.as_mut().unwrap().is = vec![id("train")];
    wrong.questions[2].prefill = Some(Fact::Places);
    wrong.questions[3].hint = "Ask ann@solent.example".into();
    wrong.questions[4].id = id("services");
    wrong.questions[5].form = Form::One(choices()[..1].to_vec());
    let fields: Vec<_> = wrong.check().into_iter().map(|e| e.field).collect();
    let expected = [
        "version",
        "purpose",
        "to",
        "questions[1].only_if",
        "questions[2].prefill",
        "questions[2].only_if",
        "questions[3].hint",
        "questions[4].id",
        "questions[5].form",
    ];
    assert_eq!(fields, expected);
}

#[test]
fn questions_behind_an_answer_that_was_not_given_are_not_reached() {
    let names = |given: &[Answer]| -> Vec<String> {
        let reached = asked();
        let reached = reached.reached(given);
        reached.iter().map(|q| q.id.to_string()).collect()
    };
    let all = ["any", "how", "why", "services", "enrolments", "best"];
    assert_eq!(names(&sound().answers), all);
    let mut no = sound().answers;
    no[0].value = Value::YesNo(false);
    // `how` still has the bus, but is not asked, so what hangs on it is not either.
    assert_eq!(names(&no), ["any", "services", "enrolments", "best"]);
    let refused = answers(no).check(&asked());
    assert_eq!(refused, Err(AnswersError::NotReached(id("how"))));
}

#[test]
fn answers_that_do_not_fit_are_refused_by_the_question() {
    let with = |at: usize, change: &dyn Fn(&mut Answer)| {
        let mut changed = sound();
        change(&mut changed.answers[at]);
        changed.check(&asked()).unwrap_err()
    };
    let form = |e: AnswersError| matches!(e, AnswersError::Form { .. });
    assert!(form(with(0, &|a| a.value = Value::Number(1))));
    assert!(form(
        with(1, &|a| a.value = Value::Any(vec![id("foot"), id("bus")]))
    ));
    assert!(form(
        with(1, &|a| a.value = Value::Any(vec![id("bus"), id("bus")]))
    ));
    assert!(form(with(2, &|a| a.value = Value::Text("x".repeat(41)))));
    assert!(form(with(3, &|a| a.value = Value::Number(1001))));
    assert!(form(with(5, &|a| a.value = Value::One(id("train")))));
    let personal = with(2, &|a| a.value = Value::Text("Ring 07700 900123".into()));
    assert!(matches!(personal, AnswersError::Personal { .. }));
}

#[test]
fn what_must_be_answered_is_and_in_its_order() {
    let mut short = sound();
    short.answers.remove(5);
    assert_eq!(
        short.check(&asked()),
        Err(AnswersError::Missing(id("best")))
    );
    let mut optional = sound();
    optional.answers.remove(2);
    assert_eq!(optional.check(&asked()), Ok(()));
    let mut turned = sound();
    turned.answers.swap(3, 4);
    assert_eq!(
        turned.check(&asked()),
        Err(AnswersError::Order(id("services")))
    );
    let mut twice = sound();
    twice.answers.push(answer("best", Value::NotKnown));
    assert_eq!(twice.check(&asked()), Err(AnswersError::Order(id("best"))));
}

/// A number of learners leaves a node as the estimate of a release and in no other way (disclosure.md, no other exit).
#[test]
fn nobody_types_a_number_of_learners() {
    let with = |value: Value, source: Source| {
        let mut changed = sound();
        changed.answers[4].value = value;
        changed.answers[4].source = source;
        changed.check(&asked())
    };
    let typed = Err(AnswersError::Estimate(id("enrolments")));
    assert_eq!(with(Value::Number(341), Source::Person), typed);
    let counted = Err(AnswersError::Source(id("enrolments")));
    assert_eq!(with(Value::Number(341), Source::Records), counted);
    assert_eq!(with(Value::NotKnown, Source::Person), Ok(()));
}

#[test]
fn what_the_node_filled_in_is_what_it_can_fill_in() {
    let mut changed = sound();
    changed.answers[5].source = Source::Records;
    assert_eq!(
        changed.check(&asked()),
        Err(AnswersError::Source(id("best")))
    );
}

#[test]
fn a_tally_counts_leps_by_what_they_said() {
    let mut second = sound();
    second.answers[0].value = Value::YesNo(false);
    second.answers.drain(1..3);
    second.answers[1].value = Value::Number(15);
    second.answers[3] = answer("best", Value::NotKnown);
    let tallies = tally(&asked(), &[sound(), second]).unwrap();
    let of = |name: &str| tallies.iter().find(|t| t.question == id(name)).unwrap();
    let choices = |pairs: &[(&str, u64)]| {
        Told::Choices(
            pairs
                .iter()
                .map(|(code, n)| ((*code).to_owned(), *n))
                .collect(),
        )
    };
    assert_eq!(of("any").told, choices(&[("no", 1), ("yes", 1)]));
    assert_eq!(of("how").reached, 1);
    assert_eq!(
        of("how").told,
        choices(&[("bus", 1), ("car", 0), ("foot", 1)])
    );
    assert_eq!(of("why").told, Told::Texts(1));
    let spread = Spread {
        count: 2,
        sum: 27,
        min: 12,
        median: 13.5,
        max: 15,
    };
    assert_eq!(of("services").told, Told::Numbers(Some(spread)));
    assert_eq!(of("best").not_known, 1);
    assert_eq!(
        of("best").told,
        choices(&[("bus", 0), ("car", 0), ("foot", 1)])
    );
}

#[test]
fn answers_to_something_else_are_not_counted() {
    let mut other = sound();
    other.answers[0].question = id("else");
    let at = tally(&asked(), &[sound(), other]).unwrap_err().at;
    assert_eq!(at, 1);
}

proptest! {
    #[test]
    fn every_lep_that_is_asked_something_is_in_its_tally_once(given in prop::collection::vec((any::<bool>(), 0u64..=1000, any::<bool>()), 0..12)) {
        let all: Vec<Answers> = given.iter().map(|(yes, services, known)| {
            let mut one = sound();
            one.answers[0].value = Value::YesNo(*yes);
            one.answers[3] = answer("services", if *known { Value::Number(*services) } else { Value::NotKnown });
            if !yes {
                one.answers.drain(1..3);
            }
            one
        }).collect();
        let mut turned = all.clone();
        turned.reverse();
        let tallies = tally(&asked(), &all).unwrap();
        prop_assert_eq!(&tallies, &tally(&asked(), &turned).unwrap());
        for one in &tallies {
            let told = match &one.told {
                Told::Choices(by_code) if one.question != id("how") => by_code.values().sum(),
                Told::Numbers(spread) => spread.map_or(0, |s| s.count),
                Told::Texts(count) => *count,
                Told::Choices(_) => one.reached,
            };
            prop_assert_eq!(told + one.not_known + one.left_out, one.reached);
        }
    }
}
