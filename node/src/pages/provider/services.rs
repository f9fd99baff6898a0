//! The services that a provider offers, as the LEP lists them: still right, or corrected.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use ldsp_ui::components::{
    Button, InsetText, Notification, PostForm, SummaryList, Table, Tag, TagColour, link,
};
use ldsp_ui::{Html, OwnOrganisation, Page, ProblemPage};
use serde::Deserialize;

use super::super::model::form::{input, summary, typed};
use super::super::{Answer, Pages, done, fault, see_other, words};
use super::{known, not_now, own};
use crate::delivery::{self, Handled, OF_SERVICE, Own, Trouble};
use crate::import::london_day;
use crate::import::report::RowProblem;
use crate::model::{Model as _, Question};
use crate::provision::Freshness;
use crate::store::kept::{Known, Stored};
use crate::store::services::Service;

const LIST: &str = "/provider/services";

fn none() -> ProblemPage {
    ProblemPage::new(
        StatusCode::NOT_FOUND,
        "not-found",
        "Your organisation has no such service",
    )
    .happened("The address is none of a service of yours.")
    .next("Open Services: it lists yours. If one is missing, ask the coordinator of the area.")
}

async fn find(pages: &Pages, own: &Own, id: &str) -> Result<Stored<Service>, ProblemPage> {
    let id = own.number(Handled::Service, id).ok_or_else(none)?;
    let found = delivery::service(&pages.node.store, own, id).await;
    found.map_err(fault)?.ok_or_else(none)
}

fn at(own: &Own, service: &Stored<Service>) -> String {
    format!("{LIST}/{}", own.handle(Handled::Service, service.id))
}

fn checked(pages: &Pages, service: &Service) -> Html {
    match Freshness::of(service.assured, None, london_day((pages.clock)())) {
        Freshness::Fresh(on) => words::day(on).into(),
        Freshness::Stale(on) => Html::concat([
            Tag::coloured("Old", TagColour::Yellow).into(),
            Html::text(&format!(" {}", words::day(on))),
        ]),
        Freshness::Never => Tag::coloured("Never checked", TagColour::Grey).into(),
    }
}

pub(super) async fn list(State(pages): State<Pages>, of: OwnOrganisation) -> Answer {
    let own = own(&pages, &of).await?;
    let all = delivery::services(&pages.node.store, &own).await;
    let all = all.map_err(fault)?;
    let body = if all.is_empty() {
        Html::paragraph(
            "The area lists no service of your organisation yet. Ask its coordinator to add what you offer.",
        )
    } else {
        let rows = all.iter().map(|service| {
            [
                link(&service.it.name, &at(&own, service)),
                service.it.place.clone().into(),
                service.it.status.in_words().into(),
                checked(&pages, &service.it),
            ]
        });
        let table = Table::new("Services of your organisation")
            .columns(["Service", "Where", "Whether it runs", "Last checked"])
            .rows(rows);
        Html::concat([
            Html::paragraph(
                "What the area tells people that you offer. Look at each twice a year: say that it is still right, or correct it.",
            ),
            table.into(),
        ])
    };
    Ok(Page::new("Services")
        .caption(own.name.clone())
        .body(body)
        .into_response())
}

/// What a provider is asked of a service.
fn questions(known: &Known) -> Vec<Question> {
    let mut all = Service::questions(known);
    all.retain(|question| OF_SERVICE.contains(&question.column));
    all
}

/// The texts of a service, by column.
fn texts(service: &Service, known: &Known) -> Vec<(String, String)> {
    let columns = Service::COLUMNS.iter().map(|column| (*column).to_owned());
    columns.zip(service.texts(known)).collect()
}

fn text<'a>(texts: &'a [(String, String)], column: &str) -> &'a str {
    let found = texts.iter().find(|(name, _)| name == column);
    found.map_or("", |(_, text)| text)
}

fn page(pages: &Pages, own: &Own, service: &Stored<Service>, known: &Known) -> Page {
    let texts = texts(&service.it, known);
    let to = at(own, service);
    let facts = Service::questions(known).into_iter().filter(|question| {
        OF_SERVICE.contains(&question.column) || ["tier", "skills"].contains(&question.column)
    });
    let facts = facts.fold(SummaryList::new(), |list, question| {
        let said = question.words(text(&texts, question.column));
        let said = match said.is_empty() {
            true => Html::literal("<span class=\"govuk-hint\">Not stated</span>"),
            false => said.into(),
        };
        list.fact(question.label, said)
    });
    let facts = facts.fact("Last checked", checked(pages, &service.it));
    let public = match service.it.public {
        true => "It stands in the open feed of the area: what you correct is public at once.",
        false => "It is not published in the open feed of the area.",
    };
    let form = PostForm::to(to.clone())
        .hidden("version", service.version.to_string())
        .buttons([
            Button::new("All of this is still right"),
            Button::link("Correct it", format!("{to}/correct")).secondary(),
        ]);
    Page::new(service.it.name.clone())
        .caption("Service of your organisation")
        .breadcrumb("Services", LIST)
        .body(Html::concat([
            facts.into(),
            InsetText::new(public).into(),
            form.into(),
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
    let service = find(&pages, &own, &id).await?;
    let mut page = page(&pages, &own, &service, &known(&pages).await?);
    match after.done.as_str() {
        "right" => page = page.notice(done("You said that it is still right", "")),
        "corrected" => page = page.notice(done("The service is corrected", "")),
        _ => {}
    }
    Ok(page.into_response())
}

type Pairs = Vec<(String, String)>;

fn version(pairs: &Pairs) -> i64 {
    crate::api::number(text(pairs, "version")).unwrap_or(0)
}

fn changed() -> Notification {
    Notification::important("Somebody changed it in the meantime. Nothing of yours was stored")
        .content("Look at what it says now, then say it again.")
}

pub(super) async fn right(
    State(pages): State<Pages>,
    of: OwnOrganisation,
    Path(id): Path<String>,
    Form(pairs): Form<Pairs>,
) -> Answer {
    let own = own(&pages, &of).await?;
    let service = find(&pages, &own, &id).await?;
    let store = &pages.node.store;
    let (seen, by) = (
        (service.id, version(&pairs)),
        (of.person.as_str(), (pages.clock)()),
    );
    match delivery::assure(store, &own, seen, &[], by).await {
        Ok(_) => Ok(see_other(&format!("{}?done=right", at(&own, &service)))),
        Err(Trouble::Changed) => {
            let page = page(&pages, &own, &service, &known(&pages).await?).notice(changed());
            Ok(page.status(StatusCode::CONFLICT).into_response())
        }
        // What is held may be refused by a rule that is newer than it.
        Err(Trouble::Fields(problems)) => {
            let (known, texts) = (
                known(&pages).await?,
                texts(&service.it, &known(&pages).await?),
            );
            Ok(form_page(&own, &service, &known, &texts, &problems).into_response())
        }
        Err(Trouble::Store(error)) => {
            let (status, notice) = not_now(&error.into());
            let page = page(&pages, &own, &service, &known(&pages).await?).notice(notice);
            Ok(page.status(status).into_response())
        }
        Err(Trouble::Missing | Trouble::Stands(_)) => Err(none()),
    }
}

fn form_page(
    own: &Own,
    service: &Stored<Service>,
    known: &Known,
    texts: &[(String, String)],
    problems: &[RowProblem],
) -> Page {
    let to = at(own, service);
    let questions = questions(known);
    let form = PostForm::to(format!("{to}/correct")).hidden("version", service.version.to_string());
    let form = questions.iter().fold(form, |form, question| {
        form.with(input(question, text(texts, question.column), problems))
    });
    Page::new("Correct the service")
        .caption(service.it.name.clone())
        .breadcrumb("Services", LIST)
        .breadcrumb(service.it.name.clone(), to.clone())
        .errors(summary(&questions, problems, "The service"))
        .body(Html::from(form.buttons([
            Button::new("Save, all of this is right"),
            Button::link("Cancel", to).secondary(),
        ])))
}

pub(super) async fn form(
    State(pages): State<Pages>,
    of: OwnOrganisation,
    Path(id): Path<String>,
) -> Answer {
    let own = own(&pages, &of).await?;
    let service = find(&pages, &own, &id).await?;
    let known = known(&pages).await?;
    let texts = texts(&service.it, &known);
    Ok(form_page(&own, &service, &known, &texts, &[]).into_response())
}

pub(super) async fn correct(
    State(pages): State<Pages>,
    of: OwnOrganisation,
    Path(id): Path<String>,
    Form(pairs): Form<Pairs>,
) -> Answer {
    let own = own(&pages, &of).await?;
    let service = find(&pages, &own, &id).await?;
    let known = known(&pages).await?;
    let questions = questions(&known);
    let named = typed(&questions, &pairs);
    // A form sends what was left empty too.
    let said = questions.iter().map(|question| {
        let text = text(&named, question.column).to_owned();
        (question.column.to_owned(), text)
    });
    let said: Pairs = said.collect();
    let (seen, by) = (
        (service.id, version(&pairs)),
        (of.person.as_str(), (pages.clock)()),
    );
    match delivery::assure(&pages.node.store, &own, seen, &said, by).await {
        Ok(_) => Ok(see_other(&format!("{}?done=corrected", at(&own, &service)))),
        Err(Trouble::Fields(problems)) => {
            Ok(form_page(&own, &service, &known, &said, &problems).into_response())
        }
        Err(Trouble::Changed) => {
            let page = form_page(&own, &service, &known, &said, &[]).notice(changed());
            Ok(page.status(StatusCode::CONFLICT).into_response())
        }
        Err(Trouble::Store(error)) => {
            let (status, notice) = not_now(&error.into());
            let page = form_page(&own, &service, &known, &said, &[]).notice(notice);
            Ok(page.status(status).into_response())
        }
        Err(Trouble::Missing | Trouble::Stands(_)) => Err(none()),
    }
}
