//! What the answers of all come to: a pure count, so that whoever holds the answers gets the same figures.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Answers, AnswersError, Form, Questionnaire, Value};
use crate::ids::QuestionId;

/// The answers of all to one question. LEPs are counted, never people.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Which question.
    pub question: QuestionId,
    /// LEPs whose answers reach it.
    pub reached: u64,
    /// LEPs that say that they do not know.
    pub not_known: u64,
    /// LEPs that left it out.
    pub left_out: u64,
    /// What the rest say.
    pub told: Told,
}

/// What is told of a question.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// LEPs by code, every choice with its number.
    Choices(BTreeMap<String, u64>),
    /// Numbers; `null` where nobody gave one.
    Numbers(Option<Spread>),
    /// How many wrote something. The words themselves are no figure.
    Texts(u64),
}

/// How numbers lie.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// LEPs that gave one.
    pub count: u64,
    /// All together.
    pub sum: u64,
    /// The smallest.
    pub min: u64,
    /// The middle one; of an even number of LEPs the mean of the middle two.
    pub median: f64,
    /// The largest.
    pub max: u64,
}

/// Answers that are not to this questionnaire.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("answers number {at}: {cause}")]
pub struct TallyError {
    /// Which, from 0.
    pub at: usize,
    /// Why.
    pub cause: AnswersError,
}

impl Spread {
    fn of(mut numbers: Vec<u64>) -> Option<Self> {
        numbers.sort_unstable();
        let (first, last) = (*numbers.first()?, *numbers.last()?);
        let half = numbers.len() / 2;
        #[expect(
            clippy::cast_precision_loss,
            reason = "numbers are at most MAX_NUMBER, far below 2^52"
        )]
        let median = if numbers.len() % 2 == 1 {
            numbers[half] as f64
        } else {
            (numbers[half - 1] + numbers[half]) as f64 / 2.0
        };
        Some(Self {
            count: numbers.len() as u64,
            sum: numbers.iter().sum(),
            min: first,
            median,
            max: last,
        })
    }
}

/// Counts the answers of LEPs, each LEP's once, question by question.
///
/// # Errors
/// [`TallyError`] where some do not answer this questionnaire.
pub fn tally(asked: &Questionnaire, given: &[Answers]) -> Result<Vec<Tally>, TallyError> {
    for (at, answers) in given.iter().enumerate() {
        answers
            .check(asked)
            .map_err(|cause| TallyError { at, cause })?;
    }
    let count =
        |matching: &dyn Fn(&Answers) -> bool| given.iter().filter(|a| matching(a)).count() as u64;
    let tallies = asked.questions.iter().map(|question| {
        let of = |answers: &Answers| -> Option<Value> {
            let found = answers.answers.iter().find(|a| a.question == question.id);
            found.map(|a| a.value.clone())
        };
        let reached = count(&|a| {
            asked
                .reached(&a.answers)
                .iter()
                .any(|q| q.id == question.id)
        });
        let answered = count(&|a| of(a).is_some());
        let values: Vec<Value> = given.iter().filter_map(of).collect();
        Tally {
            question: question.id.clone(),
            reached,
            not_known: values.iter().filter(|v| **v == Value::NotKnown).count() as u64,
            left_out: reached - answered,
            told: told(&question.form, &values),
        }
    });
    Ok(tallies.collect())
}

fn told(form: &Form, values: &[Value]) -> Told {
    if let Some(codes) = form.codes() {
        let with = |code: &str| values.iter().filter(|v| v.has(code)).count() as u64;
        return Told::Choices(codes.into_iter().map(|c| (c.to_owned(), with(c))).collect());
    }
    let numbers = values.iter().filter_map(|value| match value {
        Value::Number(number) => Some(*number),
        _ => None,
    });
    match form {
        Form::Number { .. } => Told::Numbers(Spread::of(numbers.collect())),
        _ => Told::Texts(
            values
                .iter()
                .filter(|v| matches!(v, Value::Text(_)))
                .count() as u64,
        ),
    }
}
