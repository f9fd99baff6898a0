//! A page of the form: the questions that are reached, filled in with what is kept or known. What was typed stays until it holds.

use axum::Form as Sent;
use axum::extract::{Path, State};
use axum::response::IntoResponse as _;
use ldsp_protocol::ids::{Digest, QuestionId};
use ldsp_protocol::questionnaire::{Form, Question};
use ldsp_ui::components::{
    Button, Checkboxes, Choice, ErrorSummary, Field, InsetText, PostForm, Radios, Select, TextArea,
    TextInput, link,
};
use ldsp_ui::{Html, Page, ProblemPage, SignedIn};

use super::super::{Answer, Pages, see_other, words};
use super::show::View;
use super::{PATH, address, find, numbered, problem, said};
use crate::questionnaire::facts;
use crate::questionnaire::form::{self, NONE, NOT_KNOWN, NOTHING, PUBLISHED, Typed};
use crate::questionnaire::{
    self, Case, How, QuestionnaireError, State as Stage, bare, parts, reached_parts, seen,
};
use crate::store::answers::KeptAnswer;

/// Choices beyond which a list is shown rather than each of them.
const MANY: usize = 12;
const DO_NOT_KNOW: &str = "We do not know";

/// A page of the form.
struct Sheet<'a> {
    view: &'a View,
    number: usize,
    /// The questions of it that are reached.
    questions: Vec<&'a Question>,
    typed: Vec<Typed>,
    /// By question.
    errors: Vec<(QuestionId, String)>,
    /// Who changed it while the page was open.
    changed: Option<String>,
}

/// The page of this number, if it may be filled in.
fn opened<'a>(view: &'a View, number: &str) -> Result<(usize, Vec<&'a Question>), ProblemPage> {
    let number: usize = number.parse().map_err(|_| ProblemPage::not_found())?;
    match view.case.state() {
        Stage::Waiting => return Err(problem(QuestionnaireError::Waits)),
        Stage::Closed => return Err(problem(QuestionnaireError::Closed)),
        _ => {}
    }
    let asked = &view.case.it.asked;
    let parts = parts(asked);
    let part = parts.get(number.wrapping_sub(1));
    let part = *part.ok_or_else(ProblemPage::not_found)?;
    let all = bare(&view.carried.answers);
    let reached = asked.reached(&all).into_iter();
    let questions: Vec<_> = reached
        .filter(|q| part.iter().any(|p| p.id == q.id))
        .collect();
    Ok((number, questions))
}

/// Where to go after the page of this number.
fn after(case: &Case, number: usize, answers: &[KeptAnswer]) -> String {
    let asked = &case.it.asked;
    let next = reached_parts(asked, answers)
        .into_iter()
        .find(|n| *n > number);
    match next {
        Some(next) => format!("{}/part/{next}", address(&asked.name)),
        None => format!("{}?done=saved", address(&asked.name)),
    }
}

pub(super) async fn show(
    State(pages): State<Pages>,
    Path((name, number)): Path<(String, String)>,
) -> Answer {
    let view = View::read(&pages, &name).await?;
    let (number, questions) = opened(&view, &number)?;
    if questions.is_empty() {
        return Ok(see_other(&after(&view.case, number, &view.carried.answers)));
    }
    let typed = questions.iter().map(|q| shown(&view, q)).collect();
    let sheet = Sheet {
        view: &view,
        number,
        questions,
        typed,
        errors: Vec::new(),
        changed: None,
    };
    Ok(sheet.page().into_response())
}

fn kept<'a>(view: &'a View, question: &Question) -> Option<&'a KeptAnswer> {
    let mut all = view.carried.answers.iter();
    all.find(|k| k.answer.question == question.id)
}

fn shown(view: &View, question: &Question) -> Typed {
    Typed::shown(question, kept(view, question), &view.facts)
}

pub(super) async fn save(
    State(pages): State<Pages>,
    Path((name, number)): Path<(String, String)>,
    person: SignedIn,
    Sent(pairs): Sent<Vec<(String, String)>>,
) -> Answer {
    let view = View::read(&pages, &name).await?;
    let (number, questions) = opened(&view, &number)?;
    let value = |field: &str| {
        let found = pairs.iter().rev().find(|(n, _)| n == field);
        found.map_or("", |(_, value)| value.as_str())
    };
    let later = value("go") == "later";
    let typed: Vec<Typed> = questions.iter().map(|q| Typed::sent(q, &pairs)).collect();
    let (mut given, mut errors) = (Vec::new(), Vec::new());
    for (question, typed) in questions.iter().zip(&typed) {
        match typed.read(question, &view.facts) {
            Ok(None) if question.required && !later => {
                let missing = "Answer this question; that you do not know is an answer.";
                errors.push((question.id.clone(), missing.to_owned()));
                given.push((question.id.clone(), None));
            }
            Ok(value) => given.push((question.id.clone(), value)),
            Err(error) => errors.push((question.id.clone(), error)),
        }
    }
    // A form without it was not made by these pages.
    let shown: Digest = value("seen")
        .parse()
        .map_err(|_| problem(QuestionnaireError::Digest))?;
    let (store, name) = (&pages.node.store, &view.case.it.asked.name);
    let by = (person.name.as_str(), (pages.clock)());
    let saved = questionnaire::save(store, name, given, How::Part(number, shown), by).await;
    let mut changed = None;
    match saved {
        Ok(faults) => errors.extend(faults.into_iter().filter_map(|(id, error)| {
            let question = questions.iter().find(|q| q.id == id)?;
            Some((id, form::in_words(&error, question)))
        })),
        Err(QuestionnaireError::Changed { by }) => changed = Some(by),
        Err(error) => return Err(problem(error)),
    }
    if errors.is_empty() && changed.is_none() {
        let case = find(&pages, name.as_str()).await?;
        let next = after(&case, number, &case.carried().answers);
        return Ok(see_other(&match later {
            true => format!("{}?done=saved", address(name)),
            false => next,
        }));
    }
    // What holds is kept by now, and what was typed is shown as it was.
    let view = View::read(&pages, name.as_str()).await?;
    let sheet = Sheet {
        view: &view,
        number,
        questions,
        typed,
        errors,
        changed,
    };
    Ok(sheet.page().into_response())
}

impl Sheet<'_> {
    fn page(&self) -> Page {
        let asked = &self.view.case.it.asked;
        let first = self
            .questions
            .first()
            .map_or_else(String::new, |q| form::field(q));
        let mut summary = ErrorSummary::new();
        if let Some(by) = &self.changed {
            let words = format!(
                "{by} changed these answers while you had them open. Yours are below and are not kept yet: look at what is kept now beside each, then save again."
            );
            summary = summary.error(first, words);
        }
        for question in &self.questions {
            if let Some(error) = self.error(question) {
                let words = format!("{}: {error}", numbered(&self.view.case, question));
                summary = summary.error(form::field(question), words);
            }
        }
        let all = parts(asked);
        let part = all.get(self.number - 1).copied().unwrap_or_default();
        let seen = seen(&self.view.carried.answers, part).to_string();
        let mut sheet = PostForm::to(format!("{}/part/{}", address(&asked.name), self.number))
            .hidden("seen", seen);
        for (question, typed) in self.questions.iter().zip(&self.typed) {
            sheet = sheet.with(self.question(question, typed));
        }
        let sheet = sheet.buttons([
            Button::new("Save and continue"),
            Button::new("Save and come back later")
                .secondary()
                .sends("go", "later"),
        ]);
        let reached = reached_parts(asked, &self.view.carried.answers);
        let before = reached.iter().filter(|n| **n <= self.number).count();
        Page::new(asked.title.clone())
            .caption(format!(
                "Page {before} of {}{}",
                reached.len(),
                // Answers on this page may lead to more.
                if before == reached.len() { "" } else { " so far" }
            ))
            .breadcrumb("Questionnaires", PATH)
            .breadcrumb(asked.title.clone(), address(&asked.name))
            .errors(summary)
            .body(Html::concat([
                Html::paragraph(
                    "Answers name no person: no names, e-mail addresses, telephone numbers or postcodes of people.",
                ),
                sheet.into(),
            ]))
    }

    fn error(&self, question: &Question) -> Option<&str> {
        let found = self.errors.iter().find(|(id, _)| *id == question.id);
        found.map(|(_, error)| error.as_str())
    }

    fn field(&self, question: &Question, more: &str) -> Field {
        let mut label = numbered(&self.view.case, question);
        if !question.required {
            label.push_str(" (optional)");
        }
        let hints = [question.hint.trim(), more];
        let hint: Vec<&str> = hints.into_iter().filter(|h| !h.is_empty()).collect();
        let field = Field::new(form::field(question), label).error_if(self.error(question));
        match hint.is_empty() {
            true => field,
            false => field.hint(hint.join(" ")),
        }
    }

    fn question(&self, question: &Question, typed: &Typed) -> Html {
        let control = match &question.form {
            Form::Number { unit, .. } if form::is_estimate(question) => {
                self.estimate(question, typed, unit)
            }
            Form::Number { unit, min, max } => {
                let (least, most) = (words::count(*min), words::count(*max));
                let range = format!("In {unit}, a whole number from {least} to {most}.");
                let field = self.field(question, &range).value(typed.text.clone());
                let input = TextInput::new(field).width(10).numeric();
                Html::concat([input.into(), unknown(question, typed)])
            }
            Form::Text { max } => {
                let field = self.field(question, "").value(typed.text.clone());
                let area = TextArea::new(field).rows(4).limit(*max);
                Html::concat([area.into(), unknown(question, typed)])
            }
            Form::YesNo => {
                let all = [
                    ("yes".to_owned(), "Yes".to_owned()),
                    ("no".to_owned(), "No".to_owned()),
                ];
                self.one(question, typed, all.into())
            }
            Form::One(choices) => {
                let all = choices.iter().map(|c| (c.code.to_string(), c.text.clone()));
                self.one(question, typed, all.collect())
            }
            Form::Any(choices) => {
                let own = choices.iter().map(|c| (c.code.to_string(), c.text.clone()));
                let rest = [(NONE, "None of these"), (NOT_KNOWN, DO_NOT_KNOW)];
                let rest = rest.map(|(code, text)| (code.to_owned(), text.to_owned()));
                let all = own.chain(rest).map(|(code, text)| {
                    let ticked = typed.has(&code);
                    Choice::new(code, text).chosen(ticked)
                });
                Checkboxes::new(self.field(question, "Tick all that hold."), all).into()
            }
        };
        Html::concat([control, self.known(question), self.now(question)])
    }

    fn one(&self, question: &Question, typed: &Typed, own: Vec<(String, String)>) -> Html {
        let many = own.len() > MANY;
        let mut all = own;
        all.push((NOT_KNOWN.to_owned(), DO_NOT_KNOW.to_owned()));
        if !question.required && !many {
            all.push((NOTHING.to_owned(), "Leave it out".to_owned()));
        }
        let each = all.into_iter().map(|(code, text)| {
            let chosen = typed.has(&code);
            Choice::new(code, text).chosen(chosen)
        });
        let field = self.field(question, "");
        match many {
            true => {
                let blank = std::iter::once(Choice::new("", "Choose"));
                Select::new(field, blank.chain(each)).into()
            }
            false => Radios::new(field, each).into(),
        }
    }

    /// A number of learners is chosen and never typed.
    fn estimate(&self, question: &Question, typed: &Typed, unit: &str) -> Html {
        let mut all = Vec::new();
        if let Some(Ok(number)) = self.view.facts.of(question) {
            let words = format!(
                "{} {unit}, as the published months estimate it",
                words::count(number)
            );
            all.push((PUBLISHED, words));
        }
        all.push((NOT_KNOWN, DO_NOT_KNOW.to_owned()));
        if !question.required {
            all.push((NOTHING, "Leave it out".to_owned()));
        }
        let each = all.into_iter().map(|(code, words)| {
            let chosen = typed.has(code);
            Choice::new(code, words).chosen(chosen)
        });
        let why = "It counts learners, so no other number can be given.";
        Radios::new(self.field(question, why), each).into()
    }

    /// What the node fills in there, with the way to where it is from; or why it does not.
    fn known(&self, question: &Question) -> Html {
        let (Some(fact), Some(known)) = (question.prefill, self.view.facts.of(question)) else {
            return Html::default();
        };
        let (place, href) = facts::place(fact);
        let day = words::day(self.view.facts.day);
        let said = match known {
            Ok(_) if form::is_estimate(question) => format!("As of {day}. See "),
            Ok(number) => format!(
                "Filled in from what this node knows, as of {day}: {} {}. Change it where it is wrong. See ",
                words::count(number),
                fact.in_words()
            ),
            Err(why) => format!(
                "This node cannot fill in {}: {}. See ",
                fact.in_words(),
                why.in_words()
            ),
        };
        Html::concat([
            Html::literal("<p class=\"govuk-body-s\">"),
            Html::text(&said),
            link(place, href),
            Html::literal(".</p>"),
        ])
    }

    /// What is kept by somebody else's change, beside what was typed here.
    fn now(&self, question: &Question) -> Html {
        if self.changed.is_none() {
            return Html::default();
        }
        let now = kept(self.view, question);
        let now = now.map_or_else(
            || "nothing".to_owned(),
            |kept| said::value(question, &kept.answer.value),
        );
        InsetText::new(format!("Kept now: {now}")).into()
    }
}

/// The box beside a field that says that it is not known.
fn unknown(question: &Question, typed: &Typed) -> Html {
    let choice = Choice::new(NOT_KNOWN, DO_NOT_KNOW).chosen(typed.has(NOT_KNOWN));
    let field = Field::new(form::unknown_field(question), "If you cannot say");
    Checkboxes::new(field, [choice]).into()
}
