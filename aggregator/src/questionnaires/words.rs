//! Answers in words, for pages and the terminal.

use ldsp_protocol::questionnaire::{Form, Question, Tally, Told, YES_NO};

/// The words of a question's choice; its code where there is none.
pub(crate) fn choice(form: &Form, code: &str) -> String {
    match form {
        Form::One(choices) | Form::Any(choices) => {
            let mut choices = choices.iter();
            let found = choices.find(|choice| choice.code.as_str() == code);
            found.map_or_else(|| code.to_owned(), |choice| choice.text.clone())
        }
        Form::YesNo if code == YES_NO[0] => "Yes".to_owned(),
        Form::YesNo if code == YES_NO[1] => "No".to_owned(),
        Form::YesNo | Form::Number { .. } | Form::Text { .. } => code.to_owned(),
    }
}

/// What a question for a number counts; empty for any other.
pub(crate) fn unit(form: &Form) -> &str {
    match form {
        Form::Number { unit, .. } => unit,
        _ => "",
    }
}

/// LEPs by the words of the choice, every choice in its order; none where the question is no choice.
pub(crate) fn by_choice(question: &Question, tally: &Tally) -> Vec<(String, u64)> {
    let Told::Choices(by_code) = &tally.told else {
        return Vec::new();
    };
    let codes = question.form.codes().unwrap_or_default().into_iter();
    codes
        .map(|code| {
            let leps = by_code.get(code).copied().unwrap_or_default();
            (choice(&question.form, code), leps)
        })
        .collect()
}

/// A median, which lies between two numbers where an even number of LEPs gave one.
pub(crate) fn median(median: f64) -> String {
    match median.fract() {
        0.0 => format!("{median:.0}"),
        _ => format!("{median:.1}"),
    }
}
