//! The pages of a provider: its cohorts and their registers, uploads, whom to ask, how it does beside the country. Each handler takes
//! [`OwnOrganisation`] and looks for nothing but that organisation's: another's is not found.

mod add;
mod answers;
mod correct;
mod follow_up;
mod help;
mod learner;
mod learners;
mod questions;
mod results;
mod services;
mod upload;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::routing::get;
use ldsp_protocol::standard::Dimension;
use ldsp_ui::components::{
    Button, InsetText, Notification, SummaryList, Table, Tag, TagColour, link, list,
};
use ldsp_ui::listing::Asked;
use ldsp_ui::{Html, OwnOrganisation, Page, ProblemPage, Rule};

pub(super) use upload::{ended, full, not_imported, onward, report_body, whose};

use super::{Answer, PROVIDER, Pages, done, fault, words};
use serde::Deserialize;

use crate::delivery::{self, Handled, Own, When};
use crate::import::ImportError;
use crate::import::learners::{has_left, stage_in_words};
use crate::import::london_day;
use crate::model::{Answer as Choices, Model as _, Question};
use crate::store::cohorts::Cohort;
use crate::store::delivery::{Entry, Number};
use crate::store::kept::{Known, Stored};

/// Who may ask for what: people of one organisation, and nobody else.
pub(super) fn rules() -> Vec<Rule> {
    let both = [
        "/provider/cohorts/{id}/add",
        "/provider/cohorts/{id}/answers",
        "/provider/learners/{id}",
        "/provider/learners/{id}/correct",
        "/provider/learners/{id}/take-back",
        "/provider/questions/{id}",
        "/provider/services/{id}",
        "/provider/services/{id}/correct",
        "/provider/upload",
        "/provider/map",
        "/provider/paste",
        "/provider/mappings",
    ];
    let reads = [
        "/provider",
        "/provider/cohorts/{id}",
        "/provider/cohorts/{id}/form",
        "/provider/learners",
        "/provider/follow-up",
        "/provider/help",
        "/provider/questions",
        "/provider/results",
        "/provider/services",
        "/provider/upload/report.csv",
    ];
    let read = reads
        .into_iter()
        .chain(both)
        .map(|path| Rule::get(path, PROVIDER));
    read.chain(both.map(|path| Rule::post(path, PROVIDER)))
        .collect()
}

pub(super) fn routes(router: Router<Pages>) -> Router<Pages> {
    router
        .route("/provider", get(start))
        .route("/provider/cohorts/{id}", get(register))
        .route("/provider/cohorts/{id}/form", get(paper))
        .route(
            "/provider/cohorts/{id}/add",
            get(add::form).post(add::create),
        )
        .route(
            "/provider/learners/{id}",
            get(learner::show).post(learner::record),
        )
        .route(
            "/provider/cohorts/{id}/answers",
            get(answers::form).post(answers::record),
        )
        .route(
            "/provider/learners/{id}/correct",
            get(correct::form).post(correct::correct),
        )
        .route(
            "/provider/learners/{id}/take-back",
            get(correct::ask_back).post(correct::take_back),
        )
        .route("/provider/learners", get(learners::list))
        .route("/provider/follow-up", get(follow_up::list))
        .route("/provider/help", get(help::show))
        .route("/provider/questions", get(questions::list))
        .route(
            "/provider/questions/{id}",
            get(questions::show).post(questions::answer),
        )
        .route("/provider/results", get(results::show))
        .route("/provider/services", get(services::list))
        .route(
            "/provider/services/{id}",
            get(services::show).post(services::right),
        )
        .route(
            "/provider/services/{id}/correct",
            get(services::form).post(services::correct),
        )
        .route(
            "/provider/upload",
            get(upload::form).merge(upload::receive()),
        )
        .route("/provider/upload/report.csv", get(upload::report))
        .route("/provider/map", get(upload::ask).post(upload::answer))
        .route(
            "/provider/paste",
            get(upload::paste_form).merge(upload::take_paste()),
        )
        .route(
            "/provider/mappings",
            get(upload::mappings).post(upload::forget_mapping),
        )
}

async fn own(pages: &Pages, of: &OwnOrganisation) -> Result<Own, ProblemPage> {
    Own::of(&pages.node.store, &pages.node.pseudonyms, &of.organisation)
        .await
        .map_err(fault)
}

async fn known(pages: &Pages) -> Result<Known, ProblemPage> {
    pages.node.store.known().await.map_err(fault)
}

async fn find(pages: &Pages, own: &Own, id: &str) -> Result<Stored<Cohort>, ProblemPage> {
    let id = own.number(Handled::Cohort, id);
    let id = id.ok_or_else(no_cohort)?;
    let found = delivery::cohort(&pages.node.store, own, id)
        .await
        .map_err(fault)?;
    found.ok_or_else(no_cohort)
}

/// One answer to every address that is no learner of the provider: one that never was, that was taken back or erased, and another provider's.
fn no_learner() -> ProblemPage {
    ProblemPage::new(
        StatusCode::NOT_FOUND,
        "not-found",
        "Your organisation has no such learner",
    )
    .happened("The address is none of a learner of yours. Perhaps the reference was corrected, the learner was taken back, or the records were erased.")
    .next("Open Learners and look for your own reference. If you cannot find it there, add the learner to a cohort.")
}

/// The same of cohorts.
fn no_cohort() -> ProblemPage {
    ProblemPage::new(
        StatusCode::NOT_FOUND,
        "not-found",
        "Your organisation has no such cohort",
    )
    .happened("The address is none of a cohort of yours.")
    .next("Open Your organisation: it lists your cohorts. If one is missing, ask the coordinator of the area.")
}

/// Why nothing was recorded just now, above a form that keeps what was typed, in words for a provider's people.
fn not_now(error: &ImportError) -> (StatusCode, Notification) {
    let (status, heading, next) = match error {
        ImportError::Sample => (
            StatusCode::CONFLICT,
            "Nothing was stored: this server holds made-up records, for trying it out",
            "Ask the coordinator of the area to remove them, then send it again.",
        ),
        ImportError::Store(error) if error.is_busy() => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Nothing was stored: the server is busy writing",
            "Wait a minute and send it again.",
        ),
        ImportError::Store(error) if error.is_fatal() => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "The disk did not confirm what you sent",
            "Whether it was stored is unknown. Tell the coordinator of the area, and look whether it is there before you send it again.",
        ),
        _ => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "Nothing was stored: the server could not do it",
            "Try again. If it happens again, tell the coordinator of the area.",
        ),
    };
    tracing::error!(%error, "a provider's records were not stored");
    (status, Notification::important(heading).content(next))
}

fn buttons(all: impl IntoIterator<Item = Button>) -> Html {
    let mut pieces = vec![Html::literal(
        "<div class=\"govuk-button-group ldsp-screen\">",
    )];
    pieces.extend(all.into_iter().map(Html::from));
    pieces.push(Html::literal("</div>"));
    Html::concat(pieces)
}

fn date(date: Option<jiff::civil::Date>) -> Html {
    date.map_or_else(
        || Html::text("\u{2013}"),
        |date| Html::text(&words::day(date)),
    )
}

/// The address of one of its cohorts.
fn cohort_at(own: &Own, id: i64) -> String {
    format!("/provider/cohorts/{}", own.handle(Handled::Cohort, id))
}

/// The address of one of its enrolments.
fn learner_at(own: &Own, id: Number) -> String {
    let handle = own.handle(Handled::Enrolment, id.0);
    format!("/provider/learners/{handle}")
}

/// How a provider calls an enrolment. One without a reference, of a file that others sent, has a name that tells it from others and says nothing.
fn name(own: &Own, entry: &Entry) -> String {
    entry.reference.clone().unwrap_or_else(|| {
        let handle = own.handle(Handled::Enrolment, entry.id.0);
        format!("No reference ({})", &handle[..6])
    })
}

/// Why a learner has no reference, and how it gets one.
fn no_reference() -> Html {
    let why = "A learner without a reference came by a file that had none of yours, or one that is not shown because it may tell who somebody is: a name, a birth date, a ULN. To add it, upload a file with these learners: the same ULN, course and first day, and your reference, such as 2022-017. The records stay as they are.";
    Html::concat([
        InsetText::new(why).into(),
        list([link(
            "Upload a file with your references",
            "/provider/upload",
        )]),
    ])
}

fn stage_tag(entry: &Entry) -> Tag {
    let colour = if has_left(entry.stage) {
        TagColour::Grey
    } else {
        TagColour::Green
    };
    Tag::coloured(stage_in_words(entry.stage), colour)
}

async fn start(
    State(pages): State<Pages>,
    person: ldsp_ui::SignedIn,
    of: OwnOrganisation,
) -> Answer {
    let own = own(&pages, &of).await?;
    let store = &pages.node.store;
    let known = known(&pages).await?;
    let cohorts = delivery::cohorts(store, &own).await.map_err(fault)?;
    let today = london_day((pages.clock)());
    let by_sunday = (When::Late.days(today).0, When::ThisWeek.days(today).1);
    let open = delivery::count_due(store, &own, by_sunday)
        .await
        .map_err(fault)?;
    let open = usize::try_from(open.enrolments).unwrap_or(0);
    let mut pieces = vec![
        super::work::under_way(&pages, &person),
        Html::paragraph(
            "You see your own organisation here and no other one. What you record stays on this server; only protected counts of the whole area leave it.",
        ),
    ];
    if open > 0 {
        let text = words::some(open, "learner has to be asked", "learners have to be asked");
        let ask = link(
            &format!("{text} by the end of this week"),
            "/provider/follow-up",
        );
        pieces.push(InsetText::new(ask).into());
    }
    let asked = delivery::asked(store, &own).await.map_err(fault)?;
    let waiting = asked.iter().filter(|q| q.answer.is_none()).count();
    if waiting > 0 {
        let text = words::some(waiting, "question waits", "questions wait");
        let answer = link(&format!("{text} for your answer"), "/provider/questions");
        pieces.push(InsetText::new(answer).into());
    }
    pieces.push(buttons([
        Button::link("Upload a file of learners", "/provider/upload"),
        Button::link("All our learners", "/provider/learners").secondary(),
    ]));
    if cohorts.is_empty() {
        pieces.push(
            InsetText::new("No cohort of your organisation is described here yet. Ask the coordinator of the area to add it; you can upload a file of learners meanwhile.").into(),
        );
    } else {
        let rows = cohorts.iter().map(|cohort| {
            [
                link(&cohort.it.title(&known), &cohort_at(&own, cohort.id)),
                Html::text(known.programme_code(Some(cohort.it.programme))),
                date(cohort.it.start),
                date(cohort.it.end),
            ]
        });
        let table = Table::new("Your cohorts")
            .columns(["Cohort", "Programme", "First day", "Last day"])
            .rows(rows);
        pieces.push(table.into());
    }
    let programmes = delivery::programmes(store, &own).await.map_err(fault)?;
    if !programmes.is_empty() {
        let rows = programmes.iter().map(|programme| {
            let texts = programme.it.texts(&known);
            [
                texts[1].clone(),
                texts[0].clone(),
                words::code(Dimension::Tier, &texts[3]),
            ]
        });
        let table = Table::new("Programmes of your organisation")
            .columns(["Programme", "Code", "Tier"])
            .rows(rows);
        pieces.push(table.into());
    }
    pieces.push(Html::concat([
        Html::literal("<p class=\"govuk-body\">"),
        link("How this works, step by step", "/provider/help"),
        Html::literal("</p>"),
    ]));
    Ok(Page::new(of.organisation.name)
        .caption("Your organisation")
        .body(Html::concat(pieces))
        .into_response())
}

fn cohort_page(own: &Own, title: String) -> Page {
    Page::new(title).breadcrumb(own.name.clone(), "/provider")
}

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    done: String,
}

async fn register(
    State(pages): State<Pages>,
    of: OwnOrganisation,
    Path(id): Path<String>,
    asked: Asked,
    Query(after): Query<After>,
) -> Answer {
    let own = own(&pages, &of).await?;
    let cohort = find(&pages, &own, &id).await?;
    let known = known(&pages).await?;
    let at = cohort_at(&own, cohort.id);
    let texts = cohort.it.texts(&known);
    let facts = crate::model::Model::title(&cohort.it, &known);
    let list = SummaryList::new()
        .fact("Programme", texts[1].clone())
        .fact("First day", date(cohort.it.start))
        .fact("Last day", date(cohort.it.end))
        .fact(
            "Places",
            cohort
                .it
                .places
                .map_or_else(|| "Not stated".to_owned(), words::count),
        )
        .fact(
            "Where",
            if texts[7].is_empty() {
                "Not stated".to_owned()
            } else {
                texts[7].clone()
            },
        );
    let mut pieces = vec![buttons([
        Button::link("Add a learner", format!("{at}/add")),
        Button::link(
            "Upload a file",
            format!(
                "/provider/upload?cohort={}",
                own.handle(Handled::Cohort, cohort.id)
            ),
        )
        .secondary(),
        Button::link("Answers at the start", format!("{at}/answers?when=start")).secondary(),
        Button::link("Answers now", format!("{at}/answers?when=now")).secondary(),
        Button::link("Form on paper", format!("{at}/form")).secondary(),
    ])];
    let nobody = "Nobody is in this cohort yet. Add a learner, or upload a file.";
    let here = learners::Place::Cohort(cohort.id);
    pieces.push(learners::listing(&pages, &own, &known, &asked, here, nobody).await?);
    pieces.push(Html::literal(
        "<h2 class=\"govuk-heading-m\">About this cohort</h2>",
    ));
    pieces.push(list.into());
    let mut page = cohort_page(&own, facts).body(Html::concat(pieces));
    match after.done.as_str() {
        "added" => page = page.notice(done("The learner is added", "")),
        "corrected" => {
            page = page.notice(done(
                "The enrolment that was there is corrected",
                "What became of it stays as it was recorded.",
            ));
        }
        "taken-back" => {
            page = page.notice(done(
                "The learner is taken back",
                "Nothing of it is recorded any more.",
            ));
        }
        "answers" => page = page.notice(done("The answers are recorded", "")),
        "erased" => {
            page = page.notice(done(
                "The learner was left out",
                "The records of this learner were erased here. Remove them from your own files too.",
            ));
        }
        _ => {}
    }
    Ok(page.into_response())
}

/// A sheet to be filled in by hand where there is no phone, and typed in later: what the two forms ask, each under its own name.
async fn paper(State(pages): State<Pages>, of: OwnOrganisation, Path(id): Path<String>) -> Answer {
    #[derive(askama::Template)]
    #[template(
        source = r#"<h2 class="govuk-heading-m">{{ title }}</h2><p class="govuk-body">{{ next }}</p>{{ asks }}<dl class="ldsp-blanks">{% for (label, boxes) in lines %}<div><dt>{{ label }}</dt><dd>{% if boxes.is_empty() %}&nbsp;{% else %}{% for word in boxes %}<span>{{ "\u{2610}" }} {{ word }}</span> {% endfor %}{% endif %}</dd></div>{% endfor %}</dl>"#,
        ext = "html"
    )]
    struct Sheet {
        title: &'static str,
        next: &'static str,
        asks: Html,
        lines: Vec<(&'static str, Vec<String>)>,
    }
    let own = own(&pages, &of).await?;
    let cohort = find(&pages, &own, &id).await?;
    let known = known(&pages).await?;
    let line = |question: Question| {
        let boxes = match question.answer {
            Choices::One(of) if of.len() <= 14 && question.column != delivery::EMPLOYER => {
                of.into_iter().map(|(_, title)| title).collect()
            }
            _ => Vec::new(),
        };
        (question.label, boxes)
    };
    let joins = add::questions(&pages, &own, &known).await?;
    let joins = Sheet {
        title: "When the learner joins",
        next: "Type it in under \u{201c}Add a learner\u{201d}.",
        asks: answers::words_to_ask(),
        lines: joins.into_iter().map(line).collect(),
    };
    // What was answered at the start stands on the first part.
    let later = delivery::endings().into_iter();
    let later = later.filter(|question| !question.column.ends_with("_before"));
    let ends = Sheet {
        title: "Later",
        next: "Type it in on the learner\u{2019}s own page, which the register leads to. Ask the two questions of the first part again.",
        asks: Html::default(),
        lines: later.map(line).collect(),
    };
    let body = Html::concat([
        Html::paragraph(
            "One sheet for each learner. Write your own reference of the learner, never the name. Lock the sheets away, and destroy each when all that is on it is typed in.",
        ),
        Html::render(&joins),
        Html::render(&ends),
    ]);
    let title = cohort.it.title(&known);
    Ok(cohort_page(&own, "Form on paper".to_owned())
        .caption(title.clone())
        .breadcrumb(title, cohort_at(&own, cohort.id))
        .body(body)
        .into_response())
}
