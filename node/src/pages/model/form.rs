//! Forms of questions: every column is asked for, what was typed is kept, every problem stands at its field.

use std::marker::PhantomData;

use ldsp_ui::components::{
    Button, Checkboxes, Choice, DateInput, ErrorSummary, Field, PostForm, Select, SummaryList,
    TextInput,
};
use ldsp_ui::{Html, Link, Page, percent_encode};

use super::{Shown, said};
use crate::import::report::RowProblem;
use crate::model::{Answer, Question};
use crate::store::kept::Known;

/// What a form sent, by column. Parts of a date become one text, unless it comes as one; what comes more than once, as ticked boxes do,
/// stays so.
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
                continue;
            }
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
            // What is held stays a choice, also when it is none for others any more.
            let held = !text.is_empty() && !of.iter().any(|(id, _)| id == text);
            let held = held.then(|| Choice::new(text, text));
            let each = of
                .iter()
                .map(|(id, title)| Choice::new(id.clone(), title.clone()));
            let all = std::iter::once(Choice::new("", question.blank))
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
                Some(q) => (anchor(q), q.label),
                None => (questions.first().map_or("", |q| q.column).to_owned(), all),
            };
            summary.error(to, format!("{label}: {} {}", problem.cause, problem.remedy))
        })
}

/// Questions that stand on one page of a form.
pub(in crate::pages) struct Part {
    /// The heading: what is asked.
    pub(super) title: &'static str,
    pub(super) columns: &'static [&'static str],
}

/// The form of a row, or one page of it.
pub(super) struct Form<'a, M> {
    questions: Vec<Question>,
    texts: &'a [String],
    problems: &'a [RowProblem],
    /// Number and version of the row that it changes.
    at: Option<(i64, i64)>,
    /// Which of [`Shown::PARTS`] alone.
    part: Option<usize>,
    /// Whether the page after it is the check of all answers.
    to_check: bool,
    of: PhantomData<M>,
}

impl<'a, M: Shown> Form<'a, M> {
    pub(super) fn new(known: &Known, texts: &'a [String]) -> Self {
        Self {
            questions: M::questions(known),
            texts,
            problems: &[],
            at: None,
            part: None,
            to_check: false,
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

    /// One page of it; `to_check`: the answers are checked after it, whatever pages there are between.
    pub(super) fn part(self, part: Option<usize>, to_check: bool) -> Self {
        Self {
            part,
            to_check,
            ..self
        }
    }

    fn is_asked(&self, question: &Question) -> bool {
        self.part
            .is_none_or(|part| M::PARTS[part].columns.contains(&question.column))
    }

    /// The form alone, with the words of its button.
    pub(super) fn html(&self, button: &str) -> Html {
        let mut form = match self.at {
            None => PostForm::to(format!("{}/new", M::PATH)),
            Some((id, version)) => PostForm::to(format!("{}/{id}/edit", M::PATH))
                .hidden("version", version.to_string()),
        };
        if let Some(part) = self.part {
            form = form.hidden("part", (part + 1).to_string());
        }
        if self.to_check {
            form = form.hidden("then", CHECK);
        }
        for (question, text) in self.questions.iter().zip(self.texts) {
            if self.is_asked(question) {
                form = form.with(input(question, text, self.problems));
            } else if self.at.is_none() && !text.is_empty() {
                form = form.hidden(question.column, text);
            }
        }
        form.with(Button::new(button)).into()
    }

    /// The whole form on a page.
    pub(super) fn page(&self, title: &str) -> Page {
        Page::new(title)
            .breadcrumb(M::MANY, M::PATH)
            .errors(summary(&self.questions, self.problems, M::ONE))
            .body(self.html("Save"))
    }

    /// A page of the form of a new row.
    pub(super) fn step(&self, part: usize) -> Page {
        let back = match part {
            _ if self.to_check => address::<M>(CHECK, false, self.texts),
            0 => M::PATH.to_owned(),
            part => address::<M>(&part.to_string(), false, self.texts),
        };
        Page::new(M::PARTS[part].title)
            .caption(format!("Add {}, {} of {}", M::A, part + 1, M::PARTS.len()))
            .back(back)
            .errors(summary(&self.questions, self.problems, M::ONE))
            .body(self.html("Continue"))
    }

    /// Every answer, with the way back to each, before anything is kept.
    pub(super) fn check(&self) -> Page {
        let facts = self.questions.iter().zip(self.texts);
        let facts = facts.fold(SummaryList::new(), |list, (question, text)| {
            let part = part_of::<M>(question.column).unwrap_or(0) + 1;
            let to = address::<M>(&part.to_string(), true, self.texts);
            let to = format!("{to}#{}", anchor(question));
            list.fact_with(
                question.label,
                said(question, text),
                Link::new("Change", to),
            )
        });
        let mut form = PostForm::to(format!("{}/new", M::PATH));
        for (question, text) in self.questions.iter().zip(self.texts) {
            if !text.is_empty() {
                form = form.hidden(question.column, text);
            }
        }
        let last = M::PARTS.len().to_string();
        Page::new("Check the answers")
            .caption(format!("Add {}", M::A))
            .back(address::<M>(&last, false, self.texts))
            .body(Html::concat([
                facts.into(),
                form.with(Button::new(format!("Add the {}", M::ONE))).into(),
            ]))
    }
}

/// What the address of the check of all answers calls it.
pub(super) const CHECK: &str = "check";

/// The page of a new row's form that asks for a column.
pub(super) fn part_of<M: Shown>(column: &str) -> Option<usize> {
    M::PARTS
        .iter()
        .position(|part| part.columns.contains(&column))
}

/// The page of the form that an address or a form names, from 1.
pub(super) fn named<M: Shown>(part: &str) -> Option<usize> {
    let part: usize = part.parse().ok()?;
    part.checked_sub(1).filter(|part| *part < M::PARTS.len())
}

/// A page of the form of a new row with every answer given so far, none of which is about a learner.
pub(super) fn address<M: Shown>(part: &str, to_check: bool, texts: &[String]) -> String {
    let answers = M::COLUMNS.iter().zip(texts);
    let answers = answers.filter(|(_, text)| !text.is_empty());
    let answers = answers.map(|(name, text)| format!("&{name}={}", percent_encode(text)));
    let then = if to_check { "&then=check" } else { "" };
    format!(
        "{}/new?part={part}{then}{}",
        M::PATH,
        answers.collect::<String>()
    )
}

/// The id of the first field of a question.
pub(in crate::pages) fn anchor(question: &Question) -> String {
    match question.answer {
        Answer::Date => format!("{}-day", question.column),
        _ => question.column.to_owned(),
    }
}
