//! A questionnaire as a form that cannot be sent: how an area will see it.

use ldsp_protocol::questionnaire::{Fact, Form, Question, Questionnaire};
use ldsp_ui::Html;
use ldsp_ui::components::{Checkboxes, Choice, Field, Radios, TextArea, TextInput};

use super::shown;

/// Every question with its field, in a group that takes no input.
pub(super) fn questionnaire(questionnaire: &Questionnaire) -> Html {
    let questions = questionnaire.questions.iter().enumerate();
    let fields = questions.map(|(at, question)| {
        Html::concat([
            Html::literal("<div class=\"govuk-form-group\">"),
            field(at, question, questionnaire),
            Html::literal("</div>"),
        ])
    });
    Html::concat([
        Html::literal(
            "<fieldset class=\"govuk-fieldset\" disabled><legend class=\"govuk-visually-hidden\">The questions, which cannot be answered here</legend>",
        ),
        Html::concat(fields),
        Html::literal("</fieldset>"),
    ])
}

fn field(at: usize, question: &Question, questionnaire: &Questionnaire) -> Html {
    let mut hints = Vec::new();
    if !question.hint.is_empty() {
        hints.push(question.hint.clone());
    }
    if let Some(condition) = &question.only_if {
        let when = shown::when(condition, &questionnaire.questions);
        hints.push(format!("{when}."));
    }
    if let Some(fact) = question.prefill {
        hints.push(filled_in(fact));
    }
    if !question.required {
        hints.push("May be left out.".to_owned());
    }
    let label = format!("{}. {}", at + 1, question.text);
    let mut field = Field::new(format!("preview-{}", question.id), label);
    if !hints.is_empty() {
        field = field.hint(hints.join(" "));
    }
    match &question.form {
        Form::YesNo => {
            Radios::new(field, [Choice::new("yes", "Yes"), Choice::new("no", "No")]).into()
        }
        Form::One(choices) => Radios::new(field, choices.iter().map(choice)).into(),
        Form::Any(choices) => Checkboxes::new(field, choices.iter().map(choice)).into(),
        Form::Number { unit, .. } => Html::concat([
            TextInput::new(field).width(10).numeric().into(),
            Html::literal("<p class=\"govuk-hint\">"),
            Html::text(unit),
            Html::literal("</p>"),
        ]),
        Form::Text { max } => TextArea::new(field).rows(3).limit(*max).into(),
    }
}

fn choice(choice: &ldsp_protocol::questionnaire::Choice) -> Choice {
    Choice::new(choice.code.as_str(), choice.text.clone())
}

fn filled_in(fact: Fact) -> String {
    let changed = if fact.is_estimate() {
        "It cannot be typed over: only that it is not known can be said."
    } else {
        "It can be changed."
    };
    format!(
        "The node fills in what it knows: {}. {changed}",
        fact.in_words()
    )
}
