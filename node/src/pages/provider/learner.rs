//! One enrolment of a provider: what became of it.

use axum::Form as Sent;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use ldsp_protocol::standard::{Dimension, Standard};
use ldsp_ui::components::{Button, Details, Notification, PostForm, SummaryList, link};
use ldsp_ui::{Html, Link, OwnOrganisation, Page, ProblemPage};
use serde::Deserialize;

use super::super::model::form::{anchor, input, summary, typed};
use super::super::{Answer, Pages, done, fault, see_other};
use super::correct::{Held, held};
use super::{cohort_at, learner_at, name, not_now, own, stage_tag};
use crate::delivery::{self, Handled, Own, Part, Trouble};
use crate::import::learners::COLUMNS;
use crate::import::report::RowProblem;
use crate::model::Question;
use crate::store::delivery::{Entry, Number};
use crate::store::kept::Known;

pub(super) async fn find(pages: &Pages, own: &Own, id: &str) -> Result<Entry, ProblemPage> {
    let id = own.number(Handled::Enrolment, id);
    let id = Number(id.ok_or_else(super::no_learner)?);
    let found = delivery::entry(&pages.node.store, own, id)
        .await
        .map_err(fault)?;
    found.ok_or_else(super::no_learner)
}

/// What came of two answers, which are not kept themselves.
fn answered(dimension: Dimension, at: Option<u8>) -> String {
    let codes = &Standard::current().dimension(dimension).codes;
    let code = at.and_then(|at| codes.get(usize::from(at)));
    code.map_or_else(|| "Not asked".to_owned(), |code| code.title.clone())
}

/// What came of the answers, or what was answered at the start.
fn so_far(dimension: Dimension, both: Option<u8>, begun: Option<u8>) -> String {
    match (both, begun) {
        (None, Some(begun)) => format!("At the start: {begun}"),
        (both, _) => answered(dimension, both),
    }
}

/// One learner as the page shows it.
struct Learner<'a> {
    own: &'a Own,
    known: &'a Known,
    entry: &'a Entry,
    held: &'a Held,
    /// Whether what is recorded of the start was corrected just now.
    is_corrected: bool,
}

impl Learner<'_> {
    /// What is recorded, with the way to correct it.
    fn facts(&self) -> SummaryList {
        let at = learner_at(self.own, self.entry.id);
        let mut facts = SummaryList::new();
        for part in Part::ALL {
            for question in self.held.of(part) {
                let text = self
                    .held
                    .text(self.own, self.known, self.entry, question.column);
                let said: Html = match question.column {
                    // Never kept: there is nothing to show.
                    "uln" => continue,
                    "age" => self.held.described.age.into(),
                    "cohort" => match self.entry.cohort {
                        Some(id) => {
                            link(self.known.cohort_code(Some(id)), &cohort_at(self.own, id))
                        }
                        None => "In none".into(),
                    },
                    _ if text.is_empty() => {
                        Html::literal("<span class=\"govuk-hint\">Not stated</span>")
                    }
                    _ => question.words(&text).into(),
                };
                let label = if question.column == "age" {
                    "Age band"
                } else {
                    question.label
                };
                let to = format!("{at}/correct?part={}#{}", part.id(), anchor(question));
                facts = facts.fact_with(label, said, Link::new("Correct", to));
            }
        }
        facts.fact(
            "Programme",
            self.known.programme_code(Some(self.entry.programme)),
        )
    }

    fn page(&self, asked: &[(Question, String)], problems: &[RowProblem]) -> Page {
        let (own, entry) = (self.own, self.entry);
        let now = SummaryList::new()
            .fact("Stage", stage_tag(entry))
            .fact(
                "Confidence",
                so_far(
                    Dimension::Confidence,
                    entry.confidence,
                    entry.begun.confidence,
                ),
            )
            .fact(
                "Everyday tasks online",
                so_far(Dimension::Everyday, entry.everyday, entry.begun.everyday),
            );
        let at = learner_at(own, entry.id);
        let mut form = PostForm::to(at.clone()).hidden("version", entry.version.to_string());
        for (question, text) in asked {
            if question.column == "confidence_before" {
                form = form.with(super::answers::what_to_ask());
            }
            form = form.with(input(question, text, problems));
        }
        let questions: Vec<Question> = asked.iter().map(|(question, _)| question.clone()).collect();
        // Looked up now and then: a phone shows first what is recorded every week.
        let mut start = Details::new("What is recorded of the start", self.facts());
        if self.is_corrected {
            start = start.open();
        }
        let back = Html::concat([
            Html::literal("<p class=\"govuk-body ldsp-screen\">"),
            link(
                "Added by mistake? Take this learner back",
                &format!("{at}/take-back"),
            ),
            Html::literal("</p>"),
        ]);
        Page::new(name(own, entry))
            .caption("Your learner")
            .breadcrumb(own.name.clone(), "/provider")
            .breadcrumb("Our learners", "/provider/learners")
            .errors(summary(&questions, problems, "The learner"))
            .body(Html::concat([
                match entry.reference {
                    None => super::no_reference(),
                    Some(_) => Html::default(),
                },
                now.into(),
                Html::literal("<h2 class=\"govuk-heading-m\">What became of it</h2>"),
                form.with(Button::new("Save")).into(),
                start.into(),
                back,
            ]))
    }
}

/// What a tutor is told whose form was seen before somebody else changed the learner: what is stored now, by question.
pub(super) fn changed<'a>(
    now: impl Iterator<Item = (&'a Question, String)>,
    texts: &[(String, String)],
) -> Notification {
    let said = |question: &Question, text: &str| match question.words(text) {
        none if none.is_empty() => "not stated".to_owned(),
        words => words,
    };
    let typed = |column: &str| {
        let found = texts.iter().find(|(name, _)| name == column);
        found.map_or("", |(_, text)| text.as_str())
    };
    let differing = now.filter(|(question, held)| typed(question.column) != held);
    let differing: Vec<String> = differing
        .map(|(question, held)| {
            let (is, yours) = (
                said(question, &held),
                said(question, typed(question.column)),
            );
            format!("{}: stored {is}, you sent {yours}", question.label)
        })
        .collect();
    let heading = "Somebody changed it in the meantime. Nothing of yours was stored";
    let content = match differing.is_empty() {
        true => "Save again if yours is right.".to_owned(),
        false => format!("{}. Save again if yours is right.", differing.join(". ")),
    };
    Notification::important(heading).content(content)
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
    let learner = Learner {
        own: &own,
        known: &known,
        entry: &entry,
        held: &held(&pages, &own, &known, &entry).await?,
        is_corrected: after.done == "corrected",
    };
    let mut page = learner.page(&delivery::amendments(&entry), &[]);
    match after.done.as_str() {
        "saved" => page = page.notice(done("It is recorded", "")),
        "corrected" => page = page.notice(done("It is corrected", "")),
        _ => {}
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
    let (questions, now): (Vec<Question>, Vec<String>) =
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
    let said: Vec<(Question, String)> = questions
        .iter()
        .map(|q| (q.clone(), text(q.column)))
        .collect();
    let learner = Learner {
        own: &own,
        known: &known,
        entry: &entry,
        held: &held(&pages, &own, &known, &entry).await?,
        is_corrected: false,
    };
    match delivery::amend(&pages.node.store, &own, (entry.id, version), &texts, &by).await {
        Ok(()) => {
            let at = learner_at(&own, entry.id);
            Ok(see_other(&format!("{at}?done=saved")))
        }
        Err(Trouble::Store(error)) => {
            let (status, notice) = not_now(&error.into());
            let page = learner.page(&said, &[]).notice(notice);
            Ok(page.status(status).into_response())
        }
        Err(Trouble::Missing | Trouble::Stands(_)) => Err(super::no_learner()),
        Err(Trouble::Fields(problems)) => Ok(learner.page(&said, &problems).into_response()),
        Err(Trouble::Changed) => {
            let notice = changed(questions.iter().zip(now), &answers);
            let page = learner.page(&said, &[]).notice(notice);
            Ok(page.status(StatusCode::CONFLICT).into_response())
        }
    }
}
