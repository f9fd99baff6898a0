//! What a LEP answers.

use serde::{Deserialize, Serialize};

use super::{Fact, Form, Question, Questionnaire, YES_NO};
use crate::ids::{Digest, QuestionId};
use crate::personal;

/// A LEP's answers to one version of a questionnaire. Payload of the kind `questionnaire-answers`, a node's. A node's later
/// answers to any version of the same questionnaire stand in the place of its earlier ones.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// SHA-256 of the PAE of the questionnaire's statement.
    pub questionnaire: Digest,
    /// In the order of the questions; of those that are reached only.
    pub answers: Vec<Answer>,
}

/// The answer to one question.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Which.
    pub question: QuestionId,
    /// What.
    pub value: Value,
    /// Where it is from.
    pub source: Source,
}

/// What is answered.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Value {
    /// The LEP does not know, and says so.
    NotKnown,
    /// To a yes-or-no question.
    YesNo(bool),
    /// To a question for a number.
    Number(u64),
    /// To a question for one of a list: its code.
    One(QuestionId),
    /// To a question for any of a list: codes in ascending order.
    Any(Vec<QuestionId>),
    /// In words.
    Text(String),
}

/// Where an answer is from.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A person gave it.
    Person,
    /// The node filled it in from what it holds, and a person let it stand.
    Records,
    /// The node took it from what it had published.
    Releases,
}

/// Why answers are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum AnswersError {
    #[error(
        "the answer to {0} is to a question that is not asked, or not reached by the answers before it"
    )]
    NotReached(QuestionId),
    #[error("the answers are not in the order of the questions, or {0} is answered twice")]
    Order(QuestionId),
    #[error("{0} must be answered; that it is not known is an answer")]
    Missing(QuestionId),
    #[error("the answer to {question} is not {expected}")]
    Form {
        question: QuestionId,
        expected: String,
    },
    #[error("in the answer to {question} characters {start} to {end} look like {what}")]
    Personal {
        question: QuestionId,
        start: usize,
        end: usize,
        what: &'static str,
    },
    #[error("the answer to {0} counts learners, so it is taken from releases or is not known")]
    Estimate(QuestionId),
    #[error(
        "the answer to {0} is said to be from what the node knows, which fills nothing in there"
    )]
    Source(QuestionId),
}

impl Value {
    /// Whether it is, or has among others, the choice with this code.
    #[must_use]
    pub fn has(&self, code: &str) -> bool {
        match self {
            Self::YesNo(yes) => code == YES_NO[usize::from(!yes)],
            Self::One(given) => given.as_str() == code,
            Self::Any(given) => given.iter().any(|g| g.as_str() == code),
            Self::NotKnown | Self::Number(_) | Self::Text(_) => false,
        }
    }

    /// What an answer in this form has to be, where this one is something else.
    fn misses(&self, form: &Form) -> Option<String> {
        let known = |code: &QuestionId| {
            form.codes()
                .is_some_and(|codes| codes.contains(&code.as_str()))
        };
        let fits = match (form, self) {
            (_, Self::NotKnown) | (Form::YesNo, Self::YesNo(_)) => true,
            (Form::Number { min, max, .. }, Self::Number(number)) => (min..=max).contains(&number),
            (Form::One(_), Self::One(code)) => known(code),
            (Form::Any(_), Self::Any(codes)) => {
                codes.is_sorted_by(|a, b| a < b) && codes.iter().all(known)
            }
            (Form::Text { max }, Self::Text(text)) => {
                let control = |c: char| c.is_control() && !matches!(c, '\n' | '\r');
                text.chars().count() <= *max as usize
                    && !text.trim().is_empty()
                    && !text.chars().any(control)
            }
            _ => false,
        };
        (!fits).then(|| match form {
            Form::YesNo => "yes or no".to_owned(),
            Form::Number { min, max, .. } => format!("a whole number from {min} to {max}"),
            Form::One(_) => "one of the choices".to_owned(),
            Form::Any(_) => "some of the choices, each once and in ascending order".to_owned(),
            Form::Text { max } => format!("a text of 1 to {max} characters"),
        })
    }
}

impl Answer {
    /// Checks the answer beside its question alone.
    ///
    /// # Errors
    /// [`AnswersError`].
    pub fn check(&self, question: &Question) -> Result<(), AnswersError> {
        let id = || self.question.clone();
        if let Some(expected) = self.value.misses(&question.form) {
            let question = id();
            return Err(AnswersError::Form { question, expected });
        }
        if let Value::Text(text) = &self.value
            && let Some(found) = personal::find(text).first()
        {
            return Err(AnswersError::Personal {
                question: id(),
                start: found.start,
                end: found.end,
                what: found.kind.in_words(),
            });
        }
        let estimate = question.prefill.is_some_and(Fact::is_estimate);
        let filled = matches!(self.value, Value::Number(_)) && question.prefill.is_some();
        match self.source {
            Source::Person if estimate && self.value != Value::NotKnown => {
                Err(AnswersError::Estimate(id()))
            }
            Source::Person => Ok(()),
            Source::Records if filled && !estimate => Ok(()),
            Source::Releases if filled && estimate => Ok(()),
            Source::Records | Source::Releases => Err(AnswersError::Source(id())),
        }
    }
}

impl Answers {
    /// Checks the answers beside the questionnaire that they name.
    ///
    /// # Errors
    /// [`AnswersError`]: of the first answer that does not hold, then of the first that is missing.
    pub fn check(&self, asked: &Questionnaire) -> Result<(), AnswersError> {
        let reached = asked.reached(&self.answers);
        let mut next = 0;
        for answer in &self.answers {
            let id = &answer.question;
            let at = reached.iter().position(|q| q.id == *id);
            let at = at.ok_or_else(|| AnswersError::NotReached(id.clone()))?;
            if at < next {
                return Err(AnswersError::Order(id.clone()));
            }
            next = at + 1;
            answer.check(reached[at])?;
        }
        let given = |question: &Question| self.answers.iter().any(|a| a.question == question.id);
        match reached.iter().find(|q| q.required && !given(q)) {
            Some(question) => Err(AnswersError::Missing(question.id.clone())),
            None => Ok(()),
        }
    }
}
