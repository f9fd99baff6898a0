//! A questionnaire for reading: what is asked, in words.

use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::Gss;
use ldsp_protocol::questionnaire::{Condition, Form, Question, Questionnaire};
use ldsp_ui::Html;
use ldsp_ui::components::{SummaryList, list};

use crate::pages::words;
use crate::questionnaires::words::choice;

/// All of a questionnaire.
pub(in crate::pages) fn asked(questionnaire: &Questionnaire) -> Html {
    let facts = SummaryList::new()
        .fact("Title", questionnaire.title.clone())
        .fact("What the answers are for", lines(&questionnaire.purpose))
        .fact("Version", questionnaire.version.to_string())
        .fact("Asked by", questionnaire.asked_by.clone())
        .fact("Last day for answers", words::date(questionnaire.due))
        .fact("Areas that are asked", areas(&questionnaire.to));
    let questions = questionnaire.questions.iter().enumerate();
    let questions = questions.map(|(at, question)| {
        Html::concat([
            Html::literal("<h3 class=\"govuk-heading-s\">"),
            Html::text(&format!("{}. {}", at + 1, question.text)),
            Html::literal("</h3>"),
            list(about(question, questionnaire)),
        ])
    });
    Html::concat([facts.into(), Html::concat(questions)])
}

/// What stands beside a question's words.
pub(super) fn about(question: &Question, questionnaire: &Questionnaire) -> Vec<Html> {
    let mut about = vec![Html::text(&form(&question.form))];
    if !question.hint.is_empty() {
        about.push(Html::concat([Html::text("Hint: "), lines(&question.hint)]));
    }
    if let Some(choices) = choices(&question.form) {
        about.push(Html::text(&format!("Choices: {choices}")));
    }
    if let Some(condition) = &question.only_if {
        about.push(Html::text(&when(condition, &questionnaire.questions)));
    }
    if let Some(fact) = question.prefill {
        about.push(Html::text(&format!(
            "A node fills in what it knows: {}",
            fact.in_words()
        )));
    }
    about.push(Html::text(if question.required {
        "Must be answered; “not known” is an answer"
    } else {
        "May be left out"
    }));
    about
}

/// What an answer is.
pub(super) fn form(form: &Form) -> String {
    match form {
        Form::YesNo => "Yes or no".to_owned(),
        Form::Number { unit, min, max } => format!(
            "A whole number of {unit}, {} to {}",
            words::thousands(*min),
            words::thousands(*max)
        ),
        Form::One(_) => "One of a list".to_owned(),
        Form::Any(_) => "Any of a list".to_owned(),
        Form::Text { max } => format!(
            "Words, {} characters at most",
            words::thousands((*max).into())
        ),
    }
}

fn choices(form: &Form) -> Option<String> {
    let (Form::One(choices) | Form::Any(choices)) = form else {
        return None;
    };
    let texts: Vec<&str> = choices.iter().map(|choice| choice.text.as_str()).collect();
    Some(texts.join("; "))
}

/// When a question is asked.
pub(super) fn when(condition: &Condition, questions: &[Question]) -> String {
    let at = questions.iter().position(|q| q.id == condition.question);
    let Some(at) = at else {
        return format!(
            "Asked only after “{}”, which is not there",
            condition.question
        );
    };
    let is = condition.is.iter().map(|code| {
        let text = choice(&questions[at].form, code.as_str());
        format!("“{text}”")
    });
    let is: Vec<String> = is.collect();
    format!(
        "Asked only where the answer to question {} is {}",
        at + 1,
        is.join(" or ")
    )
}

/// The areas by name; none named are all of them.
pub(super) fn areas(to: &[Gss]) -> String {
    if to.is_empty() {
        return "All areas".to_owned();
    }
    let map = Geography::embedded();
    let name = |code: &Gss| {
        let lep = map.lep(code);
        lep.map_or_else(|| code.to_string(), |lep| lep.name.clone())
    };
    let names: Vec<String> = to.iter().map(name).collect();
    words::and(&names)
}

/// A text with its line breaks.
pub(super) fn lines(text: &str) -> Html {
    let lines = text.lines().enumerate().map(|(at, line)| {
        let break_before = if at == 0 { "" } else { "<br>" };
        Html::concat([Html::literal(break_before), Html::text(line)])
    });
    Html::concat(lines)
}
