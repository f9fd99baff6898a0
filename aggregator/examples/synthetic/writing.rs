//! Invented practice entries, and a questionnaire with invented answers.

use jiff::{Timestamp, ToSpan as _};
use ldsp_aggregator::questionnaires::{Asked, Draft};
use ldsp_aggregator::time::london_day;
use ldsp_protocol::geography::Lep;
use ldsp_protocol::practice::{
    Again, Area, Attrition, Cause, CostBand, Design, Direction, Factor, FollowUp, Participants,
    PracticeEntry, Resource, Sharing, Strength, Verdict,
};
use ldsp_protocol::questionnaire::{Answer, Answers, Choice, Fact, Form, Source, Value};

pub(super) const TITLES: [&str; 5] = [
    "Recruiting at the library counter:",
    "Laptops on loan with a helpline:",
    "Evening bootcamp in data skills:",
    "Market-day surgery for small firms:",
    "Letters from the jobcentre:",
];

/// What the demonstration asks, due in four weeks.
pub(crate) fn questionnaire(now: Timestamp) -> Draft {
    let text = include_str!("../../../deploy/data/questionnaire.json");
    let draft: Draft = serde_json::from_str(text).expect("a draft");
    let due = london_day(now).checked_add(4.weeks()).expect("a day");
    Draft {
        due: Some(due),
        ..draft
    }
}

/// Answers to it, another for each number.
pub(crate) fn answers(asked: &Asked, number: u64) -> Answers {
    let mut answers = Vec::new();
    for question in &asked.questionnaire.questions {
        let reached = asked.questionnaire.reached(&answers);
        if !reached.iter().any(|q| q.id == question.id) {
            continue;
        }
        let pick = |choices: &[Choice], n: u64| {
            let at = usize::try_from(n).expect("small") % choices.len();
            choices[at].code.clone()
        };
        let value = match &question.form {
            _ if (number + answers.len() as u64).is_multiple_of(11) => Value::NotKnown,
            Form::YesNo => Value::YesNo(!number.is_multiple_of(4)),
            Form::Number { max, .. } => Value::Number((number * 7 + 3).min(*max)),
            Form::One(choices) => Value::One(pick(choices, number)),
            Form::Any(choices) => {
                let mut any = vec![pick(choices, number), pick(choices, number + 1)];
                any.sort();
                Value::Any(any)
            }
            Form::Text { .. } => Value::Text(WISHES[number as usize % WISHES.len()].into()),
        };
        let estimate = question.prefill.is_some_and(Fact::is_estimate);
        let source = match value {
            Value::Number(_) if estimate => Source::Releases,
            Value::Number(_) if question.prefill.is_some() => Source::Records,
            _ => Source::Person,
        };
        answers.push(Answer {
            question: question.id.clone(),
            value,
            source,
        });
    }
    Answers {
        questionnaire: asked.pae,
        answers,
    }
}

const WISHES: [&str; 3] = [
    "A bus after eight in the evening: the last course ends when the last one has left.",
    "Somebody who rings people a day before.\nHalf of those who do not come forgot.",
    "Laptops to take home, <not> only to use in the library.",
];

/// A sound entry.
pub(crate) fn entry(title: &str, lep: &Lep) -> PracticeEntry {
    PracticeEntry {
        title: title.into(),
        what: "A helper with two laptops sat at the same table in four libraries, on the same morning each week. There was no booking and no course name.\n\nThe first task was always the one that the person had come in with:\nprinting, a form, an e-mail account. Only then did the helper offer a second visit.".into(),
        tier: ["basic", "general", "advanced"][title.len() % 3].into(),
        skills: vec!["foundation".into(), "transacting".into()],
        audience: vec!["older-people".into(), "out-of-work".into()],
        mode: "face-to-face".into(),
        area: Area::Lep(lep.code.clone()),
        cost: CostBand::To10k,
        verdict: Verdict::Failed,
        causes: vec![
            Cause {
                factor: Factor::Recruitment,
                direction: Direction::WorkedBecause,
                because: "Counter staff already knew who was stuck.".into(),
            },
            Cause {
                factor: Factor::Staff,
                direction: Direction::FailedBecause,
                because: "One helper to a table broke down whenever somebody brought a long form.".into(),
            },
        ],
        again: Again::YesChanged,
        change: "Put two helpers at the busiest table.".into(),
        repeat: "Agree the table with the branch manager for a whole year.\n\nKeep a tally of what people came for.".into(),
        evidence: vec![],
        strength: Strength {
            design: Design::BeforeAfter,
            participants: Participants::To100,
            attrition: Attrition::Medium,
            follow_up: FollowUp::Months3,
        },
        tools: vec![Resource {
            title: "Essential digital skills framework".into(),
            link: "https://www.gov.uk/government/publications/essential-digital-skills-framework".into(),
            licence: "OGL v3.0".into(),
        }],
        contact_role: "Digital inclusion lead".into(),
        sharing: Sharing::Public,
        review: "2027-06-01".parse().expect("a day"),
        supersedes: None,
        replicates: None,
    }
}
