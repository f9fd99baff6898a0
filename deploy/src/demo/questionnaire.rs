//! What the operators ask of every LEP, and what the LEPs answer: numbers as their nodes know them, everything else made up from the
//! LEP's code. The first LEP leaves it open, for whoever tries the demonstration.

use anyhow::{Context as _, ensure};
use jiff::Timestamp;
use jiff::civil::{Date, date};
use ldsp_aggregator::questionnaires::Draft;
use ldsp_node::app::Context;
use ldsp_node::app::cli::{Command, Questionnaire as Questions};
use ldsp_node::home::Node;
use ldsp_node::questionnaire::{Given, How, Word, hand_over, hear, release, save};
use ldsp_node::transport::Https;
use ldsp_protocol::geography::Lep;
use ldsp_protocol::ids::{Digest, QuestionId};
use ldsp_protocol::questionnaire::{Answer, Form, Question, Source, Value};
use serde::Deserialize;

use super::Plan;
use super::area::{APPROVER, COORDINATOR, ask};

/// What is asked.
const ASKED: &str = include_str!("../../data/questionnaire.json");
/// Eight weeks after the demonstration begins.
const DUE: Date = date(2022, 9, 30);
/// What LEPs would change first.
const WISHES: [&str; 5] = [
    "A bus that still runs when an evening course ends.",
    "Courses of two hours at a time, so that people in work can come.",
    "Devices on loan from the libraries, with somebody who helps to set them up.",
    "One list of all courses that is kept up to date.",
    "More places at general level: those that there are fill up by October.",
];

/// The questionnaire as the operator writes it.
pub(super) fn draft() -> anyhow::Result<Draft> {
    let draft: Draft = serde_json::from_str(ASKED).context("questionnaire.json")?;
    Ok(Draft {
        due: Some(DUE),
        ..draft
    })
}

/// Whether the LEP answers.
pub(super) fn answers(lep: &Lep, plan: &Plan) -> bool {
    !plan.is_first(lep)
}

/// What the node can fill in of a question.
#[derive(Deserialize)]
struct Known {
    question: QuestionId,
    value: Option<u64>,
}

/// Hears of the questionnaire, completes it and releases it into the outbox.
pub(super) async fn answer(
    node: &Node,
    transport: &Https,
    (lep, plan): (&Lep, &Plan),
    context: &Context,
) -> anyhow::Result<()> {
    let asked = draft()?;
    let now: Timestamp = (context.clock)();
    let heard = hear(&node.store, transport, now).await?;
    ensure!(
        heard.new.iter().any(|(name, _)| *name == asked.name),
        "the questionnaire was not heard of: {:?}",
        heard.problem
    );
    if !answers(lep, plan) {
        return Ok(());
    }
    let show = Questions::Show {
        questionnaire: asked.name.clone(),
    };
    let shown = ask(Command::Questionnaire(show), context).await?;
    let known: Vec<Known> = serde_json::from_value(shown.json["known"].clone())
        .context("a questionnaire is shown with what is known")?;
    let given = given(&asked, lep, &known);
    let (store, name) = (&node.store, &asked.name);
    let by = (COORDINATOR, now);
    save(store, name, given, How::Whole(None), by).await?;
    let word = Word {
        name,
        digest: hand_over(store, name, by).await?,
        person: APPROVER,
    };
    release(store, &node.signing, word, now).await?;
    Ok(())
}

/// An answer to every question to which the answers before it lead.
fn given(asked: &Draft, lep: &Lep, known: &[Known]) -> Vec<Given> {
    let version = asked.version(1, "");
    let mut answers: Vec<Answer> = Vec::new();
    for question in &version.questions {
        let is_reached = version
            .reached(&answers)
            .iter()
            .any(|q| q.id == question.id);
        let Some(value) = is_reached.then(|| value(question, lep, known)).flatten() else {
            continue;
        };
        answers.push(Answer {
            question: question.id.clone(),
            value,
            source: Source::Person,
        });
    }
    let given = answers.into_iter();
    given.map(|a| (a.question, Some(a.value))).collect()
}

/// What this LEP says, the same every time; `None`: it leaves the question out.
fn value(question: &Question, lep: &Lep, known: &[Known]) -> Option<Value> {
    let seed = format!("{} {}", lep.code, question.id);
    let drawn = *Digest::of(seed.as_bytes()).as_bytes();
    let of = |count: usize| usize::from(drawn[0]) % count;
    Some(match &question.form {
        Form::YesNo => Value::YesNo(of(3) > 0),
        Form::Number { .. } => {
            let fact = known.iter().find(|k| k.question == question.id);
            let value = fact.and_then(|fact| fact.value);
            value.map_or(Value::NotKnown, Value::Number)
        }
        Form::One(choices) => Value::One(choices[of(choices.len())].code.clone()),
        Form::Any(choices) => {
            let some = choices.iter().zip(drawn).filter(|(_, byte)| byte % 2 > 0);
            let mut codes: Vec<QuestionId> = some.map(|(choice, _)| choice.code.clone()).collect();
            codes.sort();
            Value::Any(codes)
        }
        Form::Text { .. } if of(3) == 0 => return None,
        Form::Text { .. } => Value::Text(WISHES[of(WISHES.len())].to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use ldsp_protocol::geography::Geography;
    use ldsp_protocol::questionnaire::{Answers, Fact, Questionnaire};

    use super::*;

    /// The source that a node would say.
    fn source(asked: &Questionnaire, question: &QuestionId, value: &Value) -> Source {
        match (value, asked.question(question).and_then(|q| q.prefill)) {
            (Value::Number(_), Some(Fact::EnrolmentsPublished)) => Source::Releases,
            (Value::Number(_), Some(_)) => Source::Records,
            _ => Source::Person,
        }
    }

    #[test]
    fn what_is_asked_can_be_issued_and_every_answer_fits_it() {
        let draft = draft().unwrap();
        assert_eq!(draft.faults("Olu", date(2022, 8, 5)), []);
        let asked = draft.version(1, "Olu");
        let filled_in = asked.questions.iter().filter(|q| q.prefill.is_some());
        let known = filled_in.map(|q| Known {
            question: q.id.clone(),
            value: Some(3),
        });
        let known: Vec<Known> = known.collect();
        for lep in Geography::embedded().leps() {
            for known in [known.as_slice(), &[]] {
                let given = given(&draft, lep, known).into_iter();
                let answers = given.map(|(question, value)| {
                    let value = value.unwrap();
                    let source = source(&asked, &question, &value);
                    Answer {
                        question,
                        value,
                        source,
                    }
                });
                let answers = Answers {
                    questionnaire: Digest::ZERO,
                    answers: answers.collect(),
                };
                assert_eq!(answers.check(&asked), Ok(()), "{}", lep.name);
            }
        }
    }
}
