//! Answers as a browser sends them: what was typed is kept as it was until it holds.

use ldsp_protocol::questionnaire::{AnswersError, Fact, Form, Question, Value, YES_NO};

use super::facts::Facts;
use crate::store::answers::KeptAnswer;

/// Sent for "not known". No code of a choice has an underscore, as are the next.
pub(crate) const NOT_KNOWN: &str = "not_known";
/// Sent for "none of these".
pub(crate) const NONE: &str = "none_of_these";
/// Sent for no answer at all.
pub(crate) const NOTHING: &str = "no_answer";
/// Sent for the published estimate.
pub(crate) const PUBLISHED: &str = "as_published";

/// What was typed or chosen for one question.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Typed {
    /// The text; empty where answers are chosen.
    pub(crate) text: String,
    /// What was chosen or ticked.
    pub(crate) chosen: Vec<String>,
}

/// How the field of a question is called.
pub(crate) fn field(question: &Question) -> String {
    format!("q-{}", question.id)
}

/// How the box beside a text or number is called that says that it is not known.
pub(crate) fn unknown_field(question: &Question) -> String {
    format!("q-{}_{NOT_KNOWN}", question.id)
}

/// Whether the answer is the estimate of releases, which is chosen and never typed.
pub(crate) fn is_estimate(question: &Question) -> bool {
    question.prefill.is_some_and(Fact::is_estimate)
}

/// Whether the answer is typed.
pub(crate) fn is_typed(question: &Question) -> bool {
    matches!(question.form, Form::Number { .. } | Form::Text { .. }) && !is_estimate(question)
}

impl Typed {
    /// What a browser sent for a question.
    pub(crate) fn sent(question: &Question, pairs: &[(String, String)]) -> Self {
        let (field, unknown) = (field(question), unknown_field(question));
        let of = |name: &str| -> Vec<String> {
            let all = pairs.iter().filter(|(n, _)| n == name);
            all.map(|(_, value)| value.replace("\r\n", "\n")).collect()
        };
        if is_typed(question) {
            let texts = of(&field);
            return Self {
                text: texts.into_iter().next_back().unwrap_or_default(),
                chosen: of(&unknown),
            };
        }
        Self {
            text: String::new(),
            chosen: of(&field),
        }
    }

    /// What the form shows of an answer that is kept, or else of what the node knows.
    pub(crate) fn shown(question: &Question, kept: Option<&KeptAnswer>, facts: &Facts) -> Self {
        let one = |code: &str| Self {
            text: String::new(),
            chosen: vec![code.to_owned()],
        };
        let text = |text: String| Self {
            text,
            chosen: Vec::new(),
        };
        let Some(kept) = kept else {
            return match facts.of(question) {
                Some(Ok(_)) if is_estimate(question) => one(PUBLISHED),
                Some(Ok(number)) => text(number.to_string()),
                _ => Self::default(),
            };
        };
        match &kept.answer.value {
            Value::NotKnown => one(NOT_KNOWN),
            Value::YesNo(yes) => one(YES_NO[usize::from(!yes)]),
            Value::Number(_) if is_estimate(question) => one(PUBLISHED),
            Value::Number(number) => text(number.to_string()),
            Value::One(code) => one(code.as_str()),
            Value::Any(codes) if codes.is_empty() => one(NONE),
            Value::Any(codes) => Self {
                text: String::new(),
                chosen: codes.iter().map(ToString::to_string).collect(),
            },
            Value::Text(words) => text(words.clone()),
        }
    }

    /// Whether this was chosen or ticked.
    pub(crate) fn has(&self, code: &str) -> bool {
        self.chosen.iter().any(|chosen| chosen == code)
    }

    /// The answer; `None`: there is none. The error is a sentence for the field.
    pub(crate) fn read(&self, question: &Question, facts: &Facts) -> Result<Option<Value>, String> {
        let text = self.text.trim();
        let unknown = self.has(NOT_KNOWN);
        if is_typed(question) {
            return match (unknown, text.is_empty()) {
                (true, true) => Ok(Some(Value::NotKnown)),
                (true, false) => Err(
                    "Either answer or say that it is not known: clear the field or the box beside it."
                        .to_owned(),
                ),
                (false, true) => Ok(None),
                (false, false) => typed(question, text).map(Some),
            };
        }
        let codes: Vec<&str> = self.chosen.iter().map(String::as_str).collect();
        match (&question.form, codes.as_slice()) {
            (_, [] | [NOTHING]) => Ok(None),
            (_, [NOT_KNOWN]) => Ok(Some(Value::NotKnown)),
            (Form::Number { .. }, [PUBLISHED]) => match facts.of(question) {
                Some(Ok(number)) => Ok(Some(Value::Number(number))),
                _ => Err("The published months say no number any more. Choose that it is not known.".to_owned()),
            },
            (Form::YesNo, ["yes"]) => Ok(Some(Value::YesNo(true))),
            (Form::YesNo, ["no"]) => Ok(Some(Value::YesNo(false))),
            (Form::Any(_), [NONE]) => Ok(Some(Value::Any(Vec::new()))),
            (Form::Any(_), codes) if codes.contains(&NONE) || unknown => Err(
                "Either tick answers, or one of the two boxes that say that there are none or that it is not known."
                    .to_owned(),
            ),
            (Form::One(_), [code]) => known(code).map(Value::One).map(Some),
            (Form::Any(_), codes) => {
                let mut codes: Vec<_> = codes.iter().copied().map(known).collect::<Result<_, _>>()?;
                codes.sort();
                codes.dedup();
                Ok(Some(Value::Any(codes)))
            }
            _ => Err("Choose one of the answers.".to_owned()),
        }
    }
}

fn known(code: &str) -> Result<ldsp_protocol::ids::QuestionId, String> {
    code.parse()
        .map_err(|_| "Choose one of the answers.".to_owned())
}

/// A text or a number as it was typed: `1,240` is a number.
fn typed(question: &Question, text: &str) -> Result<Value, String> {
    let Form::Number { min, max, .. } = question.form else {
        return Ok(Value::Text(text.to_owned()));
    };
    let digits: String = text.chars().filter(|c| !matches!(c, ',' | ' ')).collect();
    let is_whole = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let number = digits.parse().ok().filter(|_| is_whole);
    number
        .map(Value::Number)
        .ok_or_else(|| whole_number(min, max))
}

fn whole_number(min: u64, max: u64) -> String {
    use crate::words::count;
    format!(
        "Enter a whole number from {} to {}.",
        count(min),
        count(max)
    )
}

/// What is wrong with an answer, for the field of its question.
pub(crate) fn in_words(error: &AnswersError, question: &Question) -> String {
    match error {
        AnswersError::Missing(_) => {
            "Answer this question; that you do not know is an answer.".to_owned()
        }
        AnswersError::Form { .. } => match &question.form {
            Form::Number { min, max, .. } => whole_number(*min, *max),
            Form::Text { max } => format!("Write at most {max} characters."),
            Form::YesNo | Form::One(_) | Form::Any(_) => "Choose among the answers.".to_owned(),
        },
        AnswersError::Personal {
            start, end, what, ..
        } => format!("Characters {start} to {end} look like {what}. Answers name no person: take it out."),
        AnswersError::Estimate(_) => "This counts learners: it is answered as the published months estimate it now, or is not known.".to_owned(),
        AnswersError::NotReached(_) | AnswersError::Order(_) | AnswersError::Source(_) => {
            crate::words::sentence(&error.to_string())
        }
    }
}
