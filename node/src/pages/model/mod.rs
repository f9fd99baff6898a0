//! Organisations, programmes, cohorts and spend: a list, one, its form, its history. One set of handlers serves all four kinds; what
//! differs is said in [`kinds`].

mod changed;
pub(super) mod form;
mod kinds;
mod list;

use std::collections::HashMap;
use std::future::Future;

use axum::Form as Sent;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse as _;
use axum::routing::get;
use axum::{Router, http::StatusCode};
use ldsp_ui::components::{Button, SummaryList, Table, link};
use ldsp_ui::{Access, Html, Page, ProblemPage, Rule, SignedIn};
use serde::Deserialize;

use super::{Answer, COORDINATOR, KEEPERS, LEP, Pages, READERS, done, fault, see_other, words};
use crate::model::{self, Model, Question, Trouble};
use crate::store::cohorts::Cohort;
use crate::store::kept::{Known, Stored};
use crate::store::organisations::Organisation;
use crate::store::programmes::Programme;
use crate::store::spend::Spend;

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

    /// What stands below the facts of one.
    fn more(
        pages: &Pages,
        stored: &Stored<Self>,
        known: &Known,
        person: &SignedIn,
    ) -> impl Future<Output = Result<Html, ProblemPage>> + Send;

    /// What stands below the list of those that were found.
    fn below(
        pages: &Pages,
        found: &[Stored<Self>],
        known: &Known,
        person: &SignedIn,
    ) -> impl Future<Output = Result<Html, ProblemPage>> + Send;
}

/// Who may ask for what. Organisations are the admin's too, who makes accounts for the people of providers.
pub(super) fn rules() -> Vec<Rule> {
    let of = |[all, new, one, edit, history]: [&'static str; 5], read, write| {
        let reads = [all, one, history].map(|path| Rule::get(path, read));
        let writes = [new, edit].map(|path| [Rule::get(path, write), Rule::post(path, write)]);
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
            ]
        };
    }
    let organisations = of(paths!("/organisations"), LEP, KEEPERS);
    let others = [paths!("/programmes"), paths!("/cohorts"), paths!("/spend")];
    let others = others
        .into_iter()
        .flat_map(|paths| of(paths, READERS, COORDINATOR));
    organisations.chain(others).collect()
}

pub(super) fn routes(router: Router<Pages>) -> Router<Pages> {
    let router = of::<Organisation>(of::<Programme>(router));
    of::<Spend>(of::<Cohort>(router))
}

fn of<M: Shown>(router: Router<Pages>) -> Router<Pages> {
    let at = |rest: &str| format!("{}{rest}", M::PATH);
    router
        .route(M::PATH, get(list::list::<M>))
        .route(&at("/new"), get(new::<M>).post(create::<M>))
        .route(&at("/{id}"), get(show::<M>))
        .route(&at("/{id}/edit"), get(edit::<M>).post(change::<M>))
        .route(&at("/{id}/history"), get(history::<M>))
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

/// The pages that belong together, as links above each of their lists.
fn siblings(here: &str, person: &SignedIn) -> Html {
    let mut pieces = vec![Html::literal("<p class=\"govuk-body ldsp-screen\">")];
    let all = [
        ("Programmes", "/programmes"),
        ("Cohorts", "/cohorts"),
        ("Organisations", "/organisations"),
        ("Spend", "/spend"),
    ];
    let shown = all.into_iter().filter(|(_, path)| opens(person, path));
    for (at, (name, path)) in shown.enumerate() {
        if at > 0 {
            pieces.push(Html::text(" \u{b7} "));
        }
        pieces.push(if path == here {
            Html::text(name)
        } else {
            link(name, path)
        });
    }
    pieces.push(Html::literal("</p>"));
    Html::concat(pieces)
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
    // What a link begins with; anything else in the address is nobody's column.
    let begun = begun
        .into_iter()
        .filter(|(name, _)| M::COLUMNS.contains(&name.as_str()));
    let texts = model::texts::<M>(model::blank::<M>(), begun).unwrap_or_default();
    let form = form::Form::<M>::new(&known, &texts);
    Ok(form.page(&format!("Add {}", M::A)).into_response())
}

async fn edit<M: Shown>(State(pages): State<Pages>, Path(id): Path<String>) -> Answer {
    let stored: Stored<M> = find(&pages, &id).await?;
    let known = known(&pages).await?;
    let texts = stored.it.texts(&known);
    let form = form::Form::<M>::new(&known, &texts).of(stored.id, stored.version);
    Ok(form.page(&format!("Change the {}", M::ONE)).into_response())
}

type Pairs = Vec<(String, String)>;

async fn create<M: Shown>(
    State(pages): State<Pages>,
    person: SignedIn,
    Sent(pairs): Sent<Pairs>,
) -> Answer {
    let known = known(&pages).await?;
    let texts = typed::<M>(&known, &pairs);
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

async fn change<M: Shown>(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    person: SignedIn,
    Sent(pairs): Sent<Pairs>,
) -> Answer {
    let stored: Stored<M> = find(&pages, &id).await?;
    let known = known(&pages).await?;
    let texts = typed::<M>(&known, &pairs);
    let version = pairs.iter().find(|(name, _)| name == "version");
    let version = version
        .and_then(|(_, v)| crate::api::number(v))
        .unwrap_or(0);
    let (store, now) = (&pages.node.store, (pages.clock)());
    let form = form::Form::<M>::new(&known, &texts);
    let title = format!("Change the {}", M::ONE);
    match model::change::<M>(store, (stored.id, version), &texts, &person.name, now).await {
        Ok(stored) => Ok(see_other(&format!(
            "{}/{}?done=changed",
            M::PATH,
            stored.id
        ))),
        Err(Trouble::Fields(problems)) => {
            let form = form.of(stored.id, version).problems(&problems);
            Ok(form.page(&title).into_response())
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

/// A text as people read it.
fn said(question: &Question, text: &str) -> Html {
    let words = question.words(text);
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
    let facts = questions.iter().zip(&texts);
    let facts = facts.fold(SummaryList::new(), |list, (q, text)| {
        list.fact(q.label, said(q, text))
    });
    let at = format!("{}/{}", M::PATH, stored.id);
    let mut buttons = Vec::new();
    if writes::<M>(&person) {
        buttons.push(Button::link(
            format!("Change the {}", M::ONE),
            format!("{at}/edit"),
        ));
    }
    buttons.push(Button::link("Who changed what", format!("{at}/history")).secondary());
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

async fn history<M: Shown>(State(pages): State<Pages>, Path(id): Path<String>) -> Answer {
    let stored: Stored<M> = find(&pages, &id).await?;
    let known = known(&pages).await?;
    let questions = M::questions(&known);
    let changes = pages
        .node
        .store
        .history(M::KIND, stored.id, SHOWN)
        .await
        .map_err(fault)?;
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
    let title = stored.it.title(&known);
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
    Ok(Page::new("Who changed what")
        .caption(title.clone())
        .breadcrumb(M::MANY, M::PATH)
        .breadcrumb(title, format!("{}/{}", M::PATH, stored.id))
        .body(body)
        .into_response())
}
