//! Organisations, programmes, cohorts, spend, demand and services: a list, one, its form, its history. One set of handlers serves all of these kinds; what
//! differs is said in [`kinds`], [`needs`] and [`services`].

mod changed;
mod feeds;
pub(super) mod form;
mod kinds;
mod list;
mod needs;
mod remove;
mod services;

use std::collections::HashMap;
use std::future::Future;

use axum::Form as Sent;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Router, http::StatusCode};
use ldsp_ui::components::{Button, SummaryList, Table};
use ldsp_ui::{Access, Html, Link, Page, ProblemPage, Rule, SignedIn, csv_text};
use serde::Deserialize;

use super::releases::file;
use super::{
    Answer, COORDINATOR, KEEPERS, LEP, Pages, READERS, done, exact, fault, see_other, words,
};
use crate::model::{self, Model, Question, Trouble};
use crate::store::cohorts::Cohort;
use crate::store::demand::Demand;
use crate::store::gathering::GatheringTask;
use crate::store::items::DataItem;
use crate::store::kept::{Known, Stored};
use crate::store::organisations::Organisation;
use crate::store::programmes::Programme;
use crate::store::services::Service;
use crate::store::spend::Spend;
use crate::store::terms::Term;

/// Changes that a history shows.
const SHOWN: u32 = 500;

/// A kind of row as pages show it.
pub(super) trait Shown: Model {
    const PATH: &'static str;
    /// `programme`.
    const ONE: &'static str;
    /// `a programme`.
    const A: &'static str;
    /// `Programmes`.
    const MANY: &'static str;
    const ABOUT: &'static str;
    /// What to do where there is none.
    const EMPTY: &'static str;
    /// The pages that its form is asked on, and the answers checked after them; none: all stands on one page.
    const PARTS: &'static [form::Part] = &[];

    /// What stands below the facts of one.
    fn more(
        _pages: &Pages,
        _stored: &Stored<Self>,
        _known: &Known,
        _person: &SignedIn,
    ) -> impl Future<Output = Result<Html, ProblemPage>> + Send {
        std::future::ready(Ok(Html::default()))
    }

    /// A column of the list that no text of a row tells.
    fn beside(
        _pages: &Pages,
        _all: &[Stored<Self>],
    ) -> impl Future<Output = Result<Option<Beside>, ProblemPage>> + Send {
        std::future::ready(Ok(None))
    }

    /// What stands below the list of those that were found.
    fn below(
        _pages: &Pages,
        _found: &[Stored<Self>],
        _known: &Known,
        _person: &SignedIn,
    ) -> impl Future<Output = Result<Html, ProblemPage>> + Send {
        std::future::ready(Ok(Html::default()))
    }
}

/// A column of a list beside those of the questions, by which it is filtered too.
pub(super) struct Beside {
    /// Its name in the address.
    column: &'static str,
    label: &'static str,
    /// What it may say: for the address, and for people.
    choices: Vec<(String, String)>,
    /// What it says of each row, by number: which of the choices, and what is shown.
    of: HashMap<i64, (&'static str, Html)>,
}

/// Who may ask for what. Organisations are the admin's too, who makes accounts for the people of providers.
pub(super) fn rules() -> Vec<Rule> {
    let of = |[all, new, one, edit, history, delete]: [&'static str; 6], read, write| {
        let reads = [all, one, history].map(|path| Rule::get(path, read));
        let writes =
            [new, edit, delete].map(|path| [Rule::get(path, write), Rule::post(path, write)]);
        reads.into_iter().chain(writes.into_iter().flatten())
    };
    macro_rules! paths {
        ($path:literal) => {
            [
                $path,
                concat!($path, "/new"),
                concat!($path, "/{id}"),
                concat!($path, "/{id}/edit"),
                concat!($path, "/{id}/history"),
                concat!($path, "/{id}/delete"),
            ]
        };
    }
    let organisations = of(paths!("/organisations"), LEP, KEEPERS);
    let others = [
        paths!("/programmes"),
        paths!("/cohorts"),
        paths!("/spend"),
        paths!("/demand"),
        paths!("/demand/words"),
        paths!("/provision"),
        paths!("/data-items"),
        paths!("/gathering-tasks"),
    ];
    let others = others
        .into_iter()
        .flat_map(|paths| of(paths, READERS, COORDINATOR));
    organisations
        .chain(others)
        .chain(services::rules())
        .chain(feeds::rules())
        .collect()
}

pub(super) fn routes(router: Router<Pages>) -> Router<Pages> {
    let router = of::<Organisation>(of::<Programme>(router));
    let router = of::<GatheringTask>(router);
    let router = of::<DataItem>(of::<Term>(of::<Demand>(of::<Spend>(of::<Cohort>(router)))));
    feeds::routes(services::routes(of::<Service>(router)))
}

fn of<M: Shown>(router: Router<Pages>) -> Router<Pages> {
    let at = |rest: &str| format!("{}{rest}", M::PATH);
    router
        .route(M::PATH, get(list::list::<M>))
        .route(&at("/new"), get(new::<M>).post(create::<M>))
        .route(&at("/{id}"), get(show::<M>))
        .route(&at("/{id}/edit"), get(edit::<M>).post(change::<M>))
        .route(&at("/{id}/history"), get(history::<M>))
        .route(
            &at("/{id}/delete"),
            get(remove::ask::<M>).post(remove::remove::<M>),
        )
}

/// Whether somebody may open one of these pages: what a link to it is shown by.
fn opens(person: &SignedIn, path: &str) -> bool {
    let mut rules = rules().into_iter();
    rules.any(|rule| match rule.access {
        Access::Roles(roles) => rule.path == path && person.is_any(roles),
        _ => false,
    })
}

/// Whether somebody may write here.
fn writes<M: Shown>(person: &SignedIn) -> bool {
    opens(person, &format!("{}/new", M::PATH))
}

/// What a form sent, a text for each column.
fn typed<M: Shown>(known: &Known, pairs: &[(String, String)]) -> Vec<String> {
    let named = form::typed(&M::questions(known), pairs);
    // Only columns are named.
    model::texts::<M>(model::blank::<M>(), named).unwrap_or_default()
}

async fn known(pages: &Pages) -> Result<Known, ProblemPage> {
    pages.node.store.known().await.map_err(fault)
}

async fn find<M: Shown>(pages: &Pages, id: &str) -> Result<Stored<M>, ProblemPage> {
    let id = crate::api::number(id).ok_or_else(ProblemPage::not_found)?;
    let found = pages.node.store.kept_one(id).await.map_err(fault)?;
    found.ok_or_else(ProblemPage::not_found)
}

async fn new<M: Shown>(
    State(pages): State<Pages>,
    Query(begun): Query<HashMap<String, String>>,
) -> Answer {
    let known = known(&pages).await?;
    let asked = |name: &str| begun.get(name).map_or("", String::as_str);
    let (part, to_check) = (asked("part"), asked("then") == form::CHECK);
    // What a link begins with; anything else in the address is nobody's column.
    let answers = begun
        .iter()
        .filter(|(name, _)| M::COLUMNS.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.trim().to_owned()));
    let texts = model::texts::<M>(model::blank::<M>(), answers).unwrap_or_default();
    let form = form::Form::<M>::new(&known, &texts);
    if M::PARTS.is_empty() {
        return Ok(form.page(&format!("Add {}", M::A)).into_response());
    }
    if part == form::CHECK {
        return Ok(form.check().into_response());
    }
    let part = form::named::<M>(part).unwrap_or(0);
    Ok(form.part(Some(part), to_check).step(part).into_response())
}

#[derive(Deserialize)]
struct Which {
    #[serde(default)]
    part: String,
}

async fn edit<M: Shown>(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    Query(which): Query<Which>,
) -> Answer {
    let stored: Stored<M> = find(&pages, &id).await?;
    let known = known(&pages).await?;
    let texts = stored.it.texts(&known);
    let part = form::named::<M>(&which.part);
    let form = form::Form::<M>::new(&known, &texts)
        .of(stored.id, stored.version)
        .part(part, false);
    Ok(edit_page(&form, part, &stored, &known).into_response())
}

/// The form of a row that is there, or the page of it.
fn edit_page<M: Shown>(
    form: &form::Form<'_, M>,
    part: Option<usize>,
    stored: &Stored<M>,
    known: &Known,
) -> Page {
    let title = match part {
        Some(part) => M::PARTS[part].title.to_owned(),
        None => format!("Change the {}", M::ONE),
    };
    let name = stored.it.title(known);
    form.page(&title)
        .caption(name.clone())
        .breadcrumb(name, format!("{}/{}", M::PATH, stored.id))
}

type Pairs = Vec<(String, String)>;

async fn create<M: Shown>(
    State(pages): State<Pages>,
    person: SignedIn,
    Sent(pairs): Sent<Pairs>,
) -> Answer {
    let known = known(&pages).await?;
    let texts = typed::<M>(&known, &pairs);
    if let Some(part) = form::named::<M>(sent(&pairs, "part")) {
        let to_check = sent(&pairs, "then") == form::CHECK;
        return Ok(continued::<M>(&known, &texts, part, to_check));
    }
    let kept = model::add::<M>(&pages.node.store, &texts, &person.name, (pages.clock)()).await;
    match kept {
        Ok(stored) => Ok(see_other(&format!("{}/{}?done=added", M::PATH, stored.id))),
        Err(Trouble::Fields(problems)) => {
            let form = form::Form::<M>::new(&known, &texts).problems(&problems);
            Ok(form.page(&format!("Add {}", M::A)).into_response())
        }
        Err(trouble) => Err(unkept(trouble)),
    }
}

/// A value that a form sent.
fn sent<'a>(pairs: &'a [(String, String)], name: &str) -> &'a str {
    let found = pairs.iter().find(|(other, _)| other == name);
    found.map_or("", |(_, value)| value)
}

/// One page of a new row's form is answered: the next one, or the same with what is wrong on it.
fn continued<M: Shown>(
    known: &Known,
    texts: &[String],
    part: usize,
    to_check: bool,
) -> axum::response::Response {
    let mut problems = model::read::<M>(texts, known).err().unwrap_or_default();
    problems.retain(|problem| {
        let columns = M::PARTS[part].columns;
        problem.field.is_some_and(|field| columns.contains(&field))
    });
    if !problems.is_empty() {
        let form = form::Form::<M>::new(known, texts).problems(&problems);
        return form.part(Some(part), to_check).step(part).into_response();
    }
    let is_last = part + 1 == M::PARTS.len();
    let next = match to_check || is_last {
        true => form::CHECK.to_owned(),
        false => (part + 2).to_string(),
    };
    see_other(&form::address::<M>(&next, false, texts))
}

async fn change<M: Shown>(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    person: SignedIn,
    Sent(pairs): Sent<Pairs>,
) -> Answer {
    let stored: Stored<M> = find(&pages, &id).await?;
    let known = known(&pages).await?;
    let mut texts = typed::<M>(&known, &pairs);
    let part = form::named::<M>(sent(&pairs, "part"));
    if let Some(part) = part {
        // What the page did not ask for stays as it is.
        let held = stored.it.texts(&known);
        let columns = M::COLUMNS.iter().zip(texts.iter_mut().zip(held));
        for (column, (text, held)) in columns {
            if !M::PARTS[part].columns.contains(column) {
                *text = held;
            }
        }
    }
    let version = crate::api::number(sent(&pairs, "version")).unwrap_or(0);
    let (store, now) = (&pages.node.store, (pages.clock)());
    let form = form::Form::<M>::new(&known, &texts).part(part, false);
    match model::change::<M>(store, (stored.id, version), &texts, &person.name, now).await {
        Ok(stored) => Ok(see_other(&format!(
            "{}/{}?done=changed",
            M::PATH,
            stored.id
        ))),
        Err(Trouble::Fields(problems)) => {
            let form = form.of(stored.id, version).problems(&problems);
            Ok(edit_page(&form, part, &stored, &known).into_response())
        }
        Err(Trouble::Changed(meanwhile)) => {
            let latest = store
                .history(M::KIND, stored.id, 1)
                .await
                .map_err(fault)?
                .pop();
            let form = form.of(stored.id, meanwhile.version);
            let page = changed::page::<M>(&known, &texts, &meanwhile, latest.as_ref(), form);
            Ok(page.status(StatusCode::CONFLICT).into_response())
        }
        Err(trouble) => Err(unkept(trouble)),
    }
}

fn unkept<M>(trouble: Trouble<M>) -> ProblemPage {
    match trouble {
        Trouble::Store(error) => fault(error),
        _ => ProblemPage::not_found(),
    }
}

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    done: String,
}

/// All rows in the columns of their file, the newest last, as a file of this name.
pub(super) fn csv_of<M: Model>(known: &Known, all: &[Stored<M>], name: &str) -> Response {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = writer.write_record(M::COLUMNS).and_then(|()| {
        all.iter().rev().try_for_each(|row| {
            let texts = row.it.texts(known);
            writer.write_record(texts.iter().map(|text| csv_text(text).into_owned()))
        })
    });
    written.expect("writing to memory does not fail");
    let bytes = writer
        .into_inner()
        .expect("writing to memory does not fail");
    let name = format!("attachment; filename=\"{name}\"");
    file(bytes, "text/csv; charset=utf-8", &name)
}

/// A text as people read it.
fn said(question: &Question, text: &str) -> Html {
    let words = question.words(text);
    if question.exact {
        return exact(words);
    }
    if words.is_empty() {
        return Html::literal("<span class=\"govuk-hint\">Not stated</span>");
    }
    Html::text(&words)
}

async fn show<M: Shown>(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    Query(after): Query<After>,
    person: SignedIn,
) -> Answer {
    let stored: Stored<M> = find(&pages, &id).await?;
    let known = known(&pages).await?;
    let (questions, texts) = (M::questions(&known), stored.it.texts(&known));
    let at = format!("{}/{}", M::PATH, stored.id);
    let may_write = writes::<M>(&person);
    let facts = questions.iter().zip(&texts);
    let facts = facts.fold(
        SummaryList::new(),
        |list, (question, text)| match form::part_of::<M>(question.column).filter(|_| may_write) {
            Some(part) => {
                let to = format!("{at}/edit?part={}#{}", part + 1, form::anchor(question));
                list.fact_with(
                    question.label,
                    said(question, text),
                    Link::new("Change", to),
                )
            }
            None => list.fact(question.label, said(question, text)),
        },
    );
    let mut buttons = Vec::new();
    if may_write && M::PARTS.is_empty() {
        buttons.push(Button::link(
            format!("Change the {}", M::ONE),
            format!("{at}/edit"),
        ));
    }
    buttons.push(Button::link("Who changed what", format!("{at}/history")).secondary());
    if may_write {
        buttons.push(
            Button::link(format!("Delete the {}", M::ONE), format!("{at}/delete")).secondary(),
        );
    }
    let mut pieces = vec![
        facts.into(),
        Html::literal("<div class=\"govuk-button-group ldsp-screen\">"),
    ];
    pieces.extend(buttons.into_iter().map(Html::from));
    pieces.push(Html::literal("</div>"));
    pieces.push(M::more(&pages, &stored, &known, &person).await?);
    let mut page = Page::new(stored.it.title(&known))
        .caption(words::sentence(M::ONE).trim_end_matches('.').to_owned())
        .breadcrumb(M::MANY, M::PATH)
        .body(Html::concat(pieces));
    match after.done.as_str() {
        "added" => page = page.notice(done(&format!("The {} is added", M::ONE), "")),
        "changed" => page = page.notice(done(&format!("The {} is changed", M::ONE), "")),
        _ => {}
    }
    Ok(page.into_response())
}

/// Also of a row that was deleted: what it said, and who did it, is looked up there.
async fn history<M: Shown>(State(pages): State<Pages>, Path(id): Path<String>) -> Answer {
    let row = crate::api::number(&id).ok_or_else(ProblemPage::not_found)?;
    let store = &pages.node.store;
    let stored: Option<Stored<M>> = store.kept_one(row).await.map_err(fault)?;
    let known = known(&pages).await?;
    let questions = M::questions(&known);
    let changes = store.history(M::KIND, row, SHOWN).await.map_err(fault)?;
    if stored.is_none() && changes.is_empty() {
        return Err(ProblemPage::not_found());
    }
    let rows = changes.iter().map(|change| {
        let question = questions.iter().find(|q| q.column == change.field);
        let words = |text: &Option<String>| match (question, text) {
            (Some(question), Some(text)) => said(question, text),
            (None, Some(text)) => Html::text(text),
            (_, None) => Html::text("\u{2013}"),
        };
        [
            Html::from(words::moment(change.at)),
            change.who.clone().into(),
            question.map_or(change.field.as_str(), |q| q.label).into(),
            words(&change.before),
            words(&change.after),
        ]
    });
    let title = match &stored {
        Some(stored) => stored.it.title(&known),
        None => format!(
            "{} that was deleted",
            words::sentence(M::A).trim_end_matches('.')
        ),
    };
    let body = if changes.is_empty() {
        Html::paragraph(
            "It was described before this node kept a history, and nobody changed it since.",
        )
    } else {
        let table = Table::new("Changes, newest first")
            .columns(["When", "Who", "What", "Before", "After"])
            .rows(rows);
        Html::concat([
            Html::paragraph(
                "Every change is kept, with who made it. Nothing here can be taken out.",
            ),
            table.into(),
        ])
    };
    let mut page = Page::new("Who changed what")
        .caption(title.clone())
        .breadcrumb(M::MANY, M::PATH);
    if stored.is_some() {
        page = page.breadcrumb(title, format!("{}/{row}", M::PATH));
    }
    Ok(page.body(body).into_response())
}
