//! When a question is asked: always, or where an earlier one is answered so.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use ldsp_protocol::questionnaire::{Condition, Question};
use ldsp_ui::components::{Button, Checkboxes, Choice, Field, InsetText, PostForm, Radios};
use ldsp_ui::{Html, Page, SignedIn};

use super::{
    EDITION, Errors, Sent, address, below, draft, keep, missing, moved, of, shown, summary,
};
use crate::Service;
use crate::pages::{Answer, Failure};
use crate::questionnaires::words as said;
use crate::store::DraftRow;

fn position(row: &DraftRow, id: &str) -> Result<usize, Failure> {
    let mut all = row.draft.questions.iter();
    Ok(all.position(|q| q.id.as_str() == id).ok_or_else(missing)?)
}

pub(super) async fn ask(
    State(service): State<Arc<Service>>,
    Path((name, id)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    let row = draft(&service, &name).await?;
    let at = position(&row, &id)?;
    let chosen = query.get("question").map(String::as_str);
    let earlier =
        chosen.and_then(|chosen| earlier(&row, at).find(|(_, q)| q.id.as_str() == chosen));
    Ok(match earlier {
        Some((number, question)) => {
            let now = row.draft.questions[at].only_if.as_ref();
            let now = now.filter(|condition| condition.question == question.id);
            let codes = now.into_iter().flat_map(|condition| &condition.is);
            let filled = codes.map(|code| ("is".to_owned(), code.to_string()));
            let filled = Sent(filled.collect());
            answers(&row, at, (number, question), &filled, &Errors::new())
        }
        None => which(&row, at, query.contains_key("asked")),
    })
}

/// Earlier questions that a condition can name, with their numbers.
fn earlier(row: &DraftRow, at: usize) -> impl Iterator<Item = (usize, &Question)> {
    let all = row.draft.questions[..at].iter().enumerate();
    all.filter(|(_, question)| question.form.codes().is_some())
        .map(|(at, question)| (at + 1, question))
}

/// First which question it hangs on.
fn which(row: &DraftRow, at: usize, unchosen: bool) -> Page {
    let question = &row.draft.questions[at];
    let there = format!(
        "{}/questions/{}/when",
        address(&row.draft.name),
        question.id
    );
    let now = match &question.only_if {
        None => "It is asked always.".to_owned(),
        Some(condition) => format!("{}.", shown::when(condition, &row.draft.questions)),
    };
    let always = match &question.only_if {
        None => Html::default(),
        Some(_) => PostForm::to(&there)
            .hidden(EDITION, row.edition.to_string())
            .with(Button::new("Ask it always").secondary())
            .into(),
    };
    let why = "Choose an earlier question";
    let error = unchosen.then_some(why);
    let choices: Vec<Choice> = earlier(row, at)
        .map(|(number, q)| Choice::new(q.id.as_str(), format!("{number}. {}", q.text)))
        .collect();
    let form = if choices.is_empty() {
        InsetText::new("No earlier question is yes or no, or has a list to choose from, so this one can hang on none. Move it behind such a question first.").into()
    } else {
        let named = question.only_if.as_ref().map(|c| c.question.to_string());
        let field = Field::new("question", "Ask it only after a certain answer to")
            .value(named.unwrap_or_default())
            .error_if(error);
        PostForm::search(&there)
            .hidden("asked", "1")
            .with(Radios::new(field, choices))
            .with(Button::new("Continue"))
            .into()
    };
    let errors = error.map(|why| ("question".to_owned(), why.to_owned()));
    let errors: Errors = errors.into_iter().collect();
    titled(row, at).errors(summary(&errors)).body(Html::concat([
        Html::paragraph(&now),
        always,
        form,
    ]))
}

fn titled(row: &DraftRow, at: usize) -> Page {
    below(&format!("When question {} is asked", at + 1), &row.draft)
        .lead(row.draft.questions[at].text.clone())
}

/// Then which of its answers.
fn answers(
    row: &DraftRow,
    at: usize,
    (number, earlier): (usize, &Question),
    sent: &Sent,
    errors: &Errors,
) -> Page {
    let there = format!(
        "{}/questions/{}/when",
        address(&row.draft.name),
        row.draft.questions[at].id
    );
    let chosen: Vec<&str> = sent.all("is").collect();
    let codes = earlier.form.codes().unwrap_or_default();
    let choices = codes.into_iter().map(|code| {
        Choice::new(code, said::choice(&earlier.form, code)).chosen(chosen.contains(&code))
    });
    let field = Field::new(
        "is",
        format!("Ask it where the answer to question {number} is"),
    )
    .hint(earlier.text.clone())
    .error_if(of(errors, "is"));
    let form = PostForm::to(there)
        .hidden(EDITION, row.edition.to_string())
        .hidden("question", earlier.id.as_str())
        .with(Checkboxes::new(field, choices))
        .with(Button::new("Save"));
    titled(row, at).errors(summary(errors)).body(form)
}

pub(super) async fn set(
    State(service): State<Arc<Service>>,
    person: SignedIn,
    Path((name, id)): Path<(String, String)>,
    axum::Form(sent): axum::Form<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (row, sent) = (draft(&service, &name).await?, Sent(sent));
    let at = position(&row, &id)?;
    let named = sent.get("question");
    let only_if = if named.is_empty() {
        None
    } else {
        let found = earlier(&row, at).find(|(_, q)| q.id.as_str() == named);
        let (number, question) = found.ok_or_else(missing)?;
        let codes = question.form.codes().unwrap_or_default();
        let is = sent.all("is").filter(|code| codes.contains(code));
        let is: Vec<_> = is.filter_map(|code| code.parse().ok()).collect();
        if is.is_empty() {
            let errors = vec![("is".to_owned(), "Choose at least one answer".to_owned())];
            let page = answers(&row, at, (number, question), &sent, &errors);
            return Ok(page.into_response());
        }
        Some(Condition {
            question: question.id.clone(),
            is,
        })
    };
    let mut changed = row.draft.clone();
    changed.questions[at].only_if = only_if;
    let then = format!("{}#questions", address(&row.draft.name));
    match keep(&service, &person, &changed, (&row, &sent), &then).await? {
        Ok(done) => Ok(done),
        Err(newer) => {
            let at = position(&newer, &id)?;
            let again = earlier(&newer, at).find(|(_, q)| q.id.as_str() == named);
            let errors = vec![("is".to_owned(), moved(&newer))];
            Ok(match again {
                Some(question) => answers(&newer, at, question, &sent, &errors),
                None => which(&newer, at, false),
            }
            .into_response())
        }
    }
}
