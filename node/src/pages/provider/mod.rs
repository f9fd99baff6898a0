//! The pages of a provider: its cohorts and their registers, uploads, whom to ask, how it does beside the country. Each handler takes
//! [`OwnOrganisation`] and looks for nothing but that organisation's: another's is not found.

mod add;
mod follow_up;
mod learner;
mod learners;
mod questions;
mod results;
mod upload;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse as _;
use axum::routing::get;
use ldsp_protocol::standard::Dimension;
use ldsp_ui::components::{Button, InsetText, SummaryList, Table, Tag, TagColour, link};
use ldsp_ui::listing::Asked;
use ldsp_ui::{Html, OwnOrganisation, Page, ProblemPage, Rule};

use super::{Answer, PROVIDER, Pages, done, fault, words};
use serde::Deserialize;

use crate::delivery::{self, Own};
use crate::import::learners::{has_left, stage_in_words};
use crate::import::london_day;
use crate::model::Model as _;
use crate::store::cohorts::Cohort;
use crate::store::delivery::Entry;
use crate::store::kept::{Known, Stored};

/// Who may ask for what: people of one organisation, and nobody else.
pub(super) fn rules() -> Vec<Rule> {
    let both = [
        "/provider/cohorts/{id}/add",
        "/provider/learners/{id}",
        "/provider/questions/{id}",
        "/provider/upload",
    ];
    let reads = [
        "/provider",
        "/provider/cohorts/{id}",
        "/provider/cohorts/{id}/form",
        "/provider/learners",
        "/provider/follow-up",
        "/provider/questions",
        "/provider/results",
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
        .route("/provider/learners", get(learners::list))
        .route("/provider/follow-up", get(follow_up::list))
        .route("/provider/questions", get(questions::list))
        .route(
            "/provider/questions/{id}",
            get(questions::show).post(questions::answer),
        )
        .route("/provider/results", get(results::show))
        .route(
            "/provider/upload",
            get(upload::form).merge(upload::receive()),
        )
        .route("/provider/upload/report.csv", get(upload::report))
}

async fn own(pages: &Pages, of: &OwnOrganisation) -> Result<Own, ProblemPage> {
    Own::named(&pages.node.store, &of.organisation)
        .await
        .map_err(fault)
}

async fn known(pages: &Pages) -> Result<Known, ProblemPage> {
    pages.node.store.known().await.map_err(fault)
}

async fn find(pages: &Pages, own: &Own, id: &str) -> Result<Stored<Cohort>, ProblemPage> {
    let id = crate::api::number(id).ok_or_else(ProblemPage::not_found)?;
    let found = delivery::cohort(&pages.node.store, own, id)
        .await
        .map_err(fault)?;
    found.ok_or_else(ProblemPage::not_found)
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

/// How a provider calls an enrolment.
fn name(entry: &Entry) -> String {
    entry
        .reference
        .clone()
        .unwrap_or_else(|| format!("Learner {}", entry.id))
}

fn stage_tag(entry: &Entry) -> Tag {
    let colour = if has_left(entry.stage) {
        TagColour::Grey
    } else {
        TagColour::Green
    };
    Tag::coloured(stage_in_words(entry.stage), colour)
}

async fn start(State(pages): State<Pages>, of: OwnOrganisation) -> Answer {
    let own = own(&pages, &of).await?;
    let store = &pages.node.store;
    let known = known(&pages).await?;
    let cohorts = delivery::cohorts(store, &own).await.map_err(fault)?;
    let today = london_day((pages.clock)());
    let due = delivery::due(store, &own, today).await.map_err(fault)?;
    let open = due
        .iter()
        .filter(|due| due.is_late(today) || due.is_this_week(today))
        .count();
    let mut pieces = vec![Html::paragraph(
        "You see your own organisation here and no other one. What you record stays on this server; only protected counts of the whole area leave it.",
    )];
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
                link(
                    &cohort.it.title(&known),
                    &format!("/provider/cohorts/{}", cohort.id),
                ),
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
    Ok(Page::new(of.organisation)
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
    let at = format!("/provider/cohorts/{}", cohort.id);
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
    let mut pieces = vec![
        list.into(),
        buttons([
            Button::link("Add a learner", format!("{at}/add")),
            Button::link(
                "Upload a file",
                format!("/provider/upload?cohort={}", cohort.id),
            )
            .secondary(),
            Button::link("Form on paper", format!("{at}/form")).secondary(),
        ]),
    ];
    let nobody = "Nobody is in this cohort yet. Add a learner, or upload a file.";
    let here = learners::Place::Cohort(cohort.id);
    pieces.push(learners::listing(&pages, &own, &known, &asked, here, nobody).await?);
    let mut page = cohort_page(&own, facts).body(Html::concat(pieces));
    match after.done.as_str() {
        "added" => page = page.notice(done("The learner is added", "")),
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

/// A sheet to be filled in by hand where there is no phone, and typed in later.
async fn paper(State(pages): State<Pages>, of: OwnOrganisation, Path(id): Path<String>) -> Answer {
    #[derive(askama::Template)]
    #[template(
        source = r#"<dl class="ldsp-blanks">{% for (label, boxes) in lines %}<div><dt>{{ label }}</dt><dd>{% if boxes.is_empty() %}&nbsp;{% else %}{% for word in boxes %}<span>{{ "\u{2610}" }} {{ word }}</span> {% endfor %}{% endif %}</dd></div>{% endfor %}</dl>"#,
        ext = "html"
    )]
    struct Sheet {
        lines: Vec<(String, Vec<String>)>,
    }
    let own = own(&pages, &of).await?;
    let cohort = find(&pages, &own, &id).await?;
    let known = known(&pages).await?;
    let lines = add::questions(&pages, &known)
        .await?
        .into_iter()
        .map(|question| {
            let boxes = match question.answer {
                crate::model::Answer::One(of)
                    if of.len() <= 14 && question.column != "employer" =>
                {
                    of.into_iter().map(|(_, title)| title).collect()
                }
                _ => Vec::new(),
            };
            (question.label.to_owned(), boxes)
        });
    let ends = [
        "Confidence at the start, 1 to 10",
        "Confidence at the end, 1 to 10",
        "Last day, and how it ended",
    ];
    let lines = lines
        .chain(ends.map(|label| (label.to_owned(), Vec::new())))
        .collect();
    let body = Html::concat([
        Html::paragraph(
            "One sheet for each learner. Write your own reference of the learner, never the name. Type it in under Add a learner, then destroy the sheet.",
        ),
        Html::render(&Sheet { lines }),
    ]);
    let title = cohort.it.title(&known);
    Ok(cohort_page(&own, "Form on paper".to_owned())
        .caption(title.clone())
        .breadcrumb(title, format!("/provider/cohorts/{}", cohort.id))
        .body(body)
        .into_response())
}
