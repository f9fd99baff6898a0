//! Answers and days as people read them, on pages and at the terminal.

use jiff::civil::Date;
use ldsp_protocol::questionnaire::{Choice, Form, Question, Source, Value};

use super::{Case, State};
use crate::store::answers::KeptAnswer;
use crate::words::{count, day};

/// Who reads answers: it stands wherever they are handed over or released.
pub(crate) const WHO_READS: &str = "The national operators and analysts read the answers of each LEP. The other LEPs that were asked see how many LEPs said what, once three have answered, and no LEP\u{2019}s own answers or words. Everybody can see in the public log that this LEP answered, and when.";

/// An answer.
pub(crate) fn value(question: &Question, value: &Value) -> String {
    let choices: &[Choice] = match &question.form {
        Form::One(choices) | Form::Any(choices) => choices,
        _ => &[],
    };
    let choice = |code: &str| {
        let found = choices.iter().find(|choice| choice.code.as_str() == code);
        found.map_or_else(|| code.to_owned(), |choice| choice.text.clone())
    };
    match value {
        Value::NotKnown => "Not known".to_owned(),
        Value::YesNo(yes) => if *yes { "Yes" } else { "No" }.to_owned(),
        Value::Number(number) => match &question.form {
            Form::Number { unit, .. } => format!("{} {unit}", count(*number)),
            _ => count(*number),
        },
        Value::One(code) => choice(code.as_str()),
        Value::Any(codes) if codes.is_empty() => "None of these".to_owned(),
        Value::Any(codes) => {
            let all: Vec<String> = codes.iter().map(|code| choice(code.as_str())).collect();
            all.join("; ")
        }
        Value::Text(text) => text.clone(),
    }
}

/// Where an answer is from; empty: a person gave it.
pub(crate) fn source(kept: &KeptAnswer) -> String {
    let as_of = kept
        .as_of
        .map_or_else(String::new, |on| format!(", as of {}", day(on)));
    match kept.answer.source {
        Source::Person => String::new(),
        Source::Records => format!("Filled in from what this node knows{as_of}"),
        Source::Releases => format!("As the published months estimate it{as_of}"),
    }
}

/// `in 9 days`, `tomorrow`, `today`, `3 days ago`.
pub(crate) fn until(due: Date, today: Date) -> String {
    let days = today.until(due).map_or(0, |span| span.get_days());
    match days {
        0 => "today".to_owned(),
        1 => "tomorrow".to_owned(),
        -1 => "yesterday".to_owned(),
        2.. => format!("in {days} days"),
        _ => format!("{} days ago", -days),
    }
}

/// What is to be done next about it, and by whom.
pub(crate) fn next(case: &Case) -> &'static str {
    match case.state() {
        State::New => "A coordinator answers it",
        State::NewerVersion => "A newer version came: a coordinator looks at what was carried over",
        State::SentBack => "An approver sent the answers back: a coordinator changes them",
        State::Begun => "A coordinator completes the answers and hands them over",
        State::Waiting => "An approver who did not write the answers reads and releases them",
        State::Sent => "Nothing is left to do",
        State::Closed => "The newest version asks other areas only",
    }
}
