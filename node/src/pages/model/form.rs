//! Forms of questions: every column is asked for, what was typed is kept, every problem stands at its field.

use std::marker::PhantomData;

use ldsp_ui::components::{
    Button, Checkboxes, Choice, DateInput, ErrorSummary, Field, PostForm, Select, TextInput,
};
use ldsp_ui::{Html, Page};

use super::Shown;
use crate::import::report::RowProblem;
use crate::model::{Answer, Question};
use crate::store::kept::Known;

/// What a form sent, by column. Parts of a date become one text; what comes more than once, as ticked boxes do, stays so.
pub(in crate::pages) fn typed(
    questions: &[Question],
    pairs: &[(String, String)],
) -> Vec<(String, String)> {
    let value = |name: &str| {
        pairs
            .iter()
            .find(|(n, _)| n == name)
            .map_or("", |(_, v)| v.trim())
    };
    let mut named = Vec::new();
    for question in questions {
        let column = question.column;
        if question.answer == Answer::Date {
            let [year, month, day] =
                ["year", "month", "day"].map(|part| value(&format!("{column}-{part}")));
            let stated = [year, month, day].iter().any(|part| !part.is_empty());
            if stated {
                named.push((column.to_owned(), format!("{year}-{month:0>2}-{day:0>2}")));
            }
            continue;
        }
        named.extend(pairs.iter().filter(|(n, _)| n == column).cloned());
    }
    named
}

/// Whether a column may be left out, behind its label.
fn label(question: &Question) -> String {
    if question.required {
        question.label.to_owned()
    } else {
        format!("{} (optional)", question.label)
    }
}

/// The field of a question with its text and what is wrong with it.
pub(in crate::pages) fn input(question: &Question, text: &str, problems: &[RowProblem]) -> Html {
    let problem = problems.iter().find(|p| p.field == Some(question.column));
    let error = problem.map(|p| format!("{} {}", p.cause, p.remedy));
    let mut field = Field::new(question.column, label(question))
        .value(text)
        .error_if(error);
    if !question.hint.is_empty() {
        field = field.hint(question.hint);
    }
    match &question.answer {
        Answer::Line => TextInput::new(field).into(),
        Answer::Number => TextInput::new(field).width(10).numeric().into(),
        Answer::Pounds | Answer::Month => TextInput::new(field).width(10).into(),
        Answer::Date => {
            let mut parts = text.splitn(3, '-');
            let mut part = || parts.next().unwrap_or_default();
            let (year, month, day) = (part(), part(), part());
            DateInput::new(field, day, month, year).into()
        }
        Answer::One(of) => {
            let blank = if question.required {
                "Choose"
            } else {
                "Not stated"
            };
            // What is held stays a choice, also when it is none for others any more.
            let held = !text.is_empty() && !of.iter().any(|(id, _)| id == text);
            let held = held.then(|| Choice::new(text, text));
            let each = of
                .iter()
                .map(|(id, title)| Choice::new(id.clone(), title.clone()));
            let all = std::iter::once(Choice::new("", blank))
                .chain(each)
                .chain(held);
            Select::new(field, all).into()
        }
        Answer::Many(of) => {
            let ticked: Vec<&str> = text.split(';').map(str::trim).collect();
            let all = of.iter().map(|(id, title)| {
                Choice::new(id.clone(), title.clone()).chosen(ticked.contains(&id.as_str()))
            });
            Checkboxes::new(field.value(""), all).into()
        }
    }
}

/// Every problem, linked to its field; one that is no field's is of `all`.
pub(in crate::pages) fn summary(
    questions: &[Question],
    problems: &[RowProblem],
    all: &str,
) -> ErrorSummary {
    problems
        .iter()
        .fold(ErrorSummary::new(), |summary, problem| {
            let question = questions.iter().find(|q| Some(q.column) == problem.field);
            let (to, label) = match question {
                Some(q) if q.answer == Answer::Date => (format!("{}-day", q.column), q.label),
                Some(q) => (q.column.to_owned(), q.label),
                None => (questions.first().map_or("", |q| q.column).to_owned(), all),
            };
            summary.error(to, format!("{label}: {} {}", problem.cause, problem.remedy))
        })
}

/// The form of a row.
pub(super) struct Form<'a, M> {
    questions: Vec<Question>,
    texts: &'a [String],
    problems: &'a [RowProblem],
    /// Number and version of the row that it changes.
    at: Option<(i64, i64)>,
    of: PhantomData<M>,
}

impl<'a, M: Shown> Form<'a, M> {
    pub(super) fn new(known: &Known, texts: &'a [String]) -> Self {
        Self {
            questions: M::questions(known),
            texts,
            problems: &[],
            at: None,
            of: PhantomData,
        }
    }

    /// Changes row `id`, of which `version` was seen.
    pub(super) fn of(self, id: i64, version: i64) -> Self {
        Self {
            at: Some((id, version)),
            ..self
        }
    }

    pub(super) fn problems(self, problems: &'a [RowProblem]) -> Self {
        Self { problems, ..self }
    }

    /// The form alone, with the words of its button.
    pub(super) fn html(&self, button: &str) -> Html {
        let mut form = match self.at {
            None => PostForm::to(format!("{}/new", M::PATH)),
            Some((id, version)) => PostForm::to(format!("{}/{id}/edit", M::PATH))
                .hidden("version", version.to_string()),
        };
        for (question, text) in self.questions.iter().zip(self.texts) {
            form = form.with(input(question, text, self.problems));
        }
        form.with(Button::new(button)).into()
    }

    pub(super) fn page(&self, title: &str) -> Page {
        Page::new(title)
            .breadcrumb(M::MANY, M::PATH)
            .errors(summary(&self.questions, self.problems, M::ONE))
            .body(self.html("Save"))
    }
}
