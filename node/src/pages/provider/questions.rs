//! What the LEP's people asked this provider about its records, and its answers.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse as _;
use ldsp_ui::components::{
    Button, ErrorSummary, Field, InsetText, PostForm, SummaryList, Table, TextArea, link,
    list as list_of,
};
use ldsp_ui::{Html, OwnOrganisation, Page, ProblemPage};
use serde::Deserialize;

use super::super::quality::{answered_meanwhile, not_stored};
use super::super::release_view::heading;
use super::super::{Answer, Pages, done, fault, see_other, words};
use super::learners::found_at;
use super::own;
use crate::delivery::{self, Handled, Own};
use crate::quality::{self, LONGEST, QuestionError, Rule};
use crate::store::quality::Question;

pub(super) const LIST: &str = "/provider/questions";

async fn read(pages: &Pages, own: &Own) -> Result<Vec<Question>, ProblemPage> {
    delivery::asked(&pages.node.store, own).await.map_err(fault)
}

/// One of the provider's own; another's is not found.
async fn find(pages: &Pages, own: &Own, id: &str) -> Result<Question, ProblemPage> {
    let id = own.number(Handled::Question, id);
    let id = id.ok_or_else(ProblemPage::not_found)?;
    let mut all = read(pages, own).await?.into_iter();
    all.find(|question| question.id == id)
        .ok_or_else(ProblemPage::not_found)
}

/// Its address.
fn at(own: &Own, question: &Question) -> String {
    format!("{LIST}/{}", own.handle(Handled::Question, question.id))
}

/// What a question is about, in words.
fn about(question: &Question) -> &str {
    Rule::of(&question.rule).map_or(question.rule.as_str(), |rule| rule.title)
}

#[derive(Deserialize)]
pub(super) struct After {
    #[serde(default)]
    done: String,
}

pub(super) async fn list(
    State(pages): State<Pages>,
    of: OwnOrganisation,
    Query(after): Query<After>,
) -> Answer {
    let own = own(&pages, &of).await?;
    let all = read(&pages, &own).await?;
    let (open, answered): (Vec<&Question>, Vec<&Question>) =
        all.iter().partition(|question| question.answer.is_none());
    let mut pieces = vec![Html::paragraph(
        "The coordinator of the area looks through the records that you sent, and asks here where something is missing or unlikely.",
    )];
    pieces.push(if open.is_empty() {
        InsetText::new("No question waits for you.").into()
    } else {
        table(&own, "Waiting for your answer", &open)
    });
    pieces.push(standing_out(&pages, &own).await?);
    if !answered.is_empty() {
        pieces.push(table(&own, "Answered", &answered));
    }
    let mut page = Page::new("Questions to you")
        .breadcrumb(own.name.clone(), "/provider")
        .body(Html::concat(pieces));
    if after.done == "answered" {
        page = page.notice(done(
            "Your answer is sent",
            "The coordinator reads it here.",
        ));
    }
    Ok(page.into_response())
}

/// What rules find in the provider's own records just now, each with the learners that it is about.
async fn standing_out(pages: &Pages, own: &Own) -> Result<Html, ProblemPage> {
    let store = &pages.node.store;
    let judged = quality::look(store, (pages.clock)()).await.map_err(fault)?;
    let shown = store.shown_provider(&own.name).await.map_err(fault)?;
    let judged = judged
        .into_iter()
        .find(|judged| Some(&judged.provider) == shown.as_ref());
    let findings = judged.map_or_else(Vec::new, |judged| judged.findings);
    if findings.is_empty() {
        return Ok(Html::default());
    }
    // A list: the sentences would not fit beside one another on a phone.
    let rows = findings.iter().map(|finding| {
        Html::concat([
            link(finding.rule.title, &found_at(finding.rule.code)),
            format!(
                ": {} of {}. {}",
                words::count(finding.records),
                words::count(finding.of),
                finding.rule.next
            )
            .into(),
        ])
    });
    Ok(Html::concat([
        heading("What stands out in your records"),
        list_of(rows),
    ]))
}

fn table(own: &Own, title: &str, all: &[&Question]) -> Html {
    let rows = all.iter().map(|question| {
        [
            link(about(question), &at(own, question)),
            Html::text(&question.question),
            Html::text(&words::moment(question.asked.1)),
        ]
    });
    Table::new(title)
        .columns(["About", "Question", "Asked on"])
        .rows(rows)
        .into()
}

fn page(own: &Own, question: &Question, said: &str, unfit: Option<&str>) -> Page {
    let mut facts = SummaryList::new()
        .fact("About", about(question).to_owned())
        .fact("Asked on", words::moment(question.asked.1));
    if let Some(rule) = Rule::of(&question.rule) {
        facts = facts
            .fact("Why it matters", rule.why.to_owned())
            .fact("What to do", rule.next.to_owned())
            .fact(
                "Your learners",
                link("Those that it is about", &found_at(rule.code)),
            );
    }
    let mut errors = ErrorSummary::new();
    let answer: Html = if let Some((answer, _, at)) = &question.answer {
        let lost = if said.is_empty() {
            Html::default()
        } else {
            not_stored(said)
        };
        let answered = format!("Answered on {}: {answer}", words::moment(*at));
        Html::concat([InsetText::new(answered).into(), lost])
    } else {
        let mut field = Field::new("answer", "Your answer")
            .hint("About numbers and dates of your records, not about a person. Send corrected records as a file, or record them at the learner")
            .value(said.to_owned());
        if let Some(unfit) = unfit {
            errors = errors.error("answer", unfit);
            field = field.error(unfit.to_owned());
        }
        PostForm::to(at(own, question))
            .with(TextArea::new(field).rows(5).limit(LONGEST))
            .with(Button::new("Send the answer"))
            .into()
    };
    Page::new(question.question.clone())
        .caption("A question to you")
        .breadcrumb(own.name.clone(), "/provider")
        .breadcrumb("Questions to you", LIST)
        .errors(errors)
        .body(Html::concat([facts.into(), answer]))
}

pub(super) async fn show(
    State(pages): State<Pages>,
    of: OwnOrganisation,
    Path(id): Path<String>,
) -> Answer {
    let own = own(&pages, &of).await?;
    let question = find(&pages, &own, &id).await?;
    Ok(page(&own, &question, "", None).into_response())
}

#[derive(Deserialize)]
pub(super) struct Answering {
    #[serde(default)]
    answer: String,
}

pub(super) async fn answer(
    State(pages): State<Pages>,
    of: OwnOrganisation,
    Path(id): Path<String>,
    Form(form): Form<Answering>,
) -> Answer {
    let own = own(&pages, &of).await?;
    let question = find(&pages, &own, &id).await?;
    let (store, now) = (&pages.node.store, (pages.clock)());
    let which = (question.id, Some(own.name.as_str()));
    match quality::answer(store, which, &form.answer, &of.person, now).await {
        Ok(()) => Ok(see_other(&format!("{LIST}?done=answered"))),
        Err(error @ QuestionError::Text(_)) => {
            let unfit = words::sentence(&error.to_string());
            Ok(page(&own, &question, &form.answer, Some(&unfit)).into_response())
        }
        Err(QuestionError::Answered) => {
            let question = find(&pages, &own, &id).await?;
            let page = page(&own, &question, &form.answer, None);
            Ok(answered_meanwhile(page).into_response())
        }
        Err(QuestionError::Store(error)) => Err(fault(error)),
        Err(QuestionError::Rule(_) | QuestionError::Provider | QuestionError::Unknown(_)) => {
            Err(ProblemPage::not_found())
        }
    }
}
