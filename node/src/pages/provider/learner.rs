//! One enrolment of a provider: what became of it.

use axum::Form as Sent;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use ldsp_protocol::standard::{Dimension, Standard};
use ldsp_ui::components::{Button, Notification, PostForm, SummaryList, link};
use ldsp_ui::{Html, OwnOrganisation, Page, ProblemPage};
use serde::Deserialize;

use super::super::model::form::{input, summary, typed};
use super::super::{Answer, Pages, done, fault, see_other};
use super::{cohort_at, date, learner_at, name, not_now, own, stage_tag};
use crate::delivery::{self, Handled, Own, Trouble};
use crate::import::learners::COLUMNS;
use crate::import::report::RowProblem;
use crate::model::Question;
use crate::store::delivery::{Entry, Number};
use crate::store::kept::Known;

async fn find(pages: &Pages, own: &Own, id: &str) -> Result<Entry, ProblemPage> {
    let id = own.number(Handled::Enrolment, id);
    let id = Number(id.ok_or_else(ProblemPage::not_found)?);
    let found = delivery::entry(&pages.node.store, own, id)
        .await
        .map_err(fault)?;
    found.ok_or_else(ProblemPage::not_found)
}

/// What came of two answers, which are not kept themselves.
fn answered(dimension: Dimension, at: Option<u8>) -> String {
    let codes = &Standard::current().dimension(dimension).codes;
    let code = at.and_then(|at| codes.get(usize::from(at)));
    code.map_or_else(|| "Not asked".to_owned(), |code| code.title.clone())
}

fn page(
    own: &Own,
    known: &Known,
    entry: &Entry,
    asked: &[(Question, String)],
    problems: &[RowProblem],
) -> Page {
    let cohort = match entry.cohort {
        Some(id) => link(known.cohort_code(Some(id)), &cohort_at(own, id)),
        None => "In none".into(),
    };
    let facts = SummaryList::new()
        .fact("Stage", stage_tag(entry))
        .fact("Cohort", cohort)
        .fact("Programme", known.programme_code(Some(entry.programme)))
        .fact("Course", entry.aim.clone())
        .fact("First day", date(entry.start))
        .fact("Planned last day", date(entry.planned_end))
        .fact(
            "Confidence",
            answered(Dimension::Confidence, entry.confidence),
        )
        .fact(
            "Everyday tasks online",
            answered(Dimension::Everyday, entry.everyday),
        );
    let mut form =
        PostForm::to(learner_at(own, entry.id)).hidden("version", entry.version.to_string());
    for (question, text) in asked {
        form = form.with(input(question, text, problems));
    }
    let questions: Vec<Question> = asked.iter().map(|(question, _)| question.clone()).collect();
    Page::new(name(own, entry))
        .caption("Your learner")
        .breadcrumb(own.name.clone(), "/provider")
        .errors(summary(&questions, problems, "The learner"))
        .body(Html::concat([
            if entry.reference.is_none() {
                super::no_reference()
            } else {
                Html::default()
            },
            facts.into(),
            Html::literal("<h2 class=\"govuk-heading-m\">What became of it</h2>"),
            form.with(Button::new("Save")).into(),
        ]))
}

#[derive(Deserialize)]
pub(super) struct After {
    #[serde(default)]
    done: String,
}

pub(super) async fn show(
    State(pages): State<Pages>,
    of: OwnOrganisation,
    Path(id): Path<String>,
    Query(after): Query<After>,
) -> Answer {
    let own = own(&pages, &of).await?;
    let entry = find(&pages, &own, &id).await?;
    let known = super::known(&pages).await?;
    let mut page = page(&own, &known, &entry, &delivery::amendments(&entry), &[]);
    if after.done == "saved" {
        page = page.notice(done("It is recorded", ""));
    }
    Ok(page.into_response())
}

pub(super) async fn record(
    State(pages): State<Pages>,
    of: OwnOrganisation,
    Path(id): Path<String>,
    Sent(pairs): Sent<Vec<(String, String)>>,
) -> Answer {
    let own = own(&pages, &of).await?;
    let entry = find(&pages, &own, &id).await?;
    let known = super::known(&pages).await?;
    let (questions, held): (Vec<Question>, Vec<String>) =
        delivery::amendments(&entry).into_iter().unzip();
    let answers = typed(&questions, &pairs);
    let text = |column: &str| {
        let found = answers.iter().find(|(name, _)| name == column);
        found.map_or_else(String::new, |(_, text)| text.clone())
    };
    let texts: Vec<String> = COLUMNS.iter().map(|column| text(column)).collect();
    let version = pairs.iter().find(|(name, _)| name == "version");
    let version = version
        .and_then(|(_, v)| crate::api::number(v))
        .unwrap_or(0);
    let by = delivery::by(&of.person, (pages.clock)());
    let said = || -> Vec<(Question, String)> {
        questions
            .iter()
            .map(|q| (q.clone(), text(q.column)))
            .collect()
    };
    match delivery::amend(&pages.node.store, &own, (entry.id, version), &texts, &by).await {
        Ok(()) => {
            let at = learner_at(&own, entry.id);
            Ok(see_other(&format!("{at}?done=saved")))
        }
        Err(Trouble::Store(error)) => {
            let (status, notice) = not_now(&error.into());
            let page = page(&own, &known, &entry, &said(), &[]).notice(notice);
            Ok(page.status(status).into_response())
        }
        Err(Trouble::Missing) => Err(ProblemPage::not_found()),
        Err(Trouble::Fields(problems)) => {
            Ok(page(&own, &known, &entry, &said(), &problems).into_response())
        }
        Err(Trouble::Changed) => {
            let differing = questions
                .iter()
                .zip(&held)
                .filter(|(q, held)| text(q.column) != **held);
            let now: Vec<String> = differing
                .map(|(q, held)| {
                    let is = match q.words(held) {
                        none if none.is_empty() => "not stated".to_owned(),
                        words => words,
                    };
                    let yours = match q.words(&text(q.column)) {
                        none if none.is_empty() => "not stated".to_owned(),
                        words => words,
                    };
                    format!("{}: stored {is}, you sent {yours}", q.label)
                })
                .collect();
            let notice = Notification::important(
                "Somebody changed it in the meantime. Nothing of yours was stored",
            )
            .content(format!("{}. Save again if yours is right.", now.join(". ")));
            let page = page(&own, &known, &entry, &said(), &[]).notice(notice);
            Ok(page.status(StatusCode::CONFLICT).into_response())
        }
    }
}
