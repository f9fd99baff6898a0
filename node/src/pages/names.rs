//! Training providers by the names that files give them, and saying that one has a new name.

use axum::Form;
use axum::extract::{Query, State};
use axum::response::IntoResponse as _;
use ldsp_ui::components::{
    Button, Choice, ErrorSummary, Field, InsetText, PostForm, Select, Table, TextInput, link,
};
use ldsp_ui::{Html, Page, ProblemPage, SignedIn};
use serde::Deserialize;

use super::release_view::heading;
use super::{Answer, Pages, done, fault, see_other, words};
use crate::renaming::{RenameError, rename};

pub(super) const PATH: &str = "/organisations/names";

/// Which notice to show after a redirect.
#[derive(Deserialize)]
pub(super) struct After {
    #[serde(default)]
    done: String,
}

pub(super) async fn show(State(pages): State<Pages>, Query(after): Query<After>) -> Answer {
    let page = page(&pages, &Filled::default(), None).await?;
    let page = match after.done.as_str() {
        "renamed" => page.notice(done(
            "The new name is written down",
            "Files may name the provider by it from now on: its learners and enrolments stay the same ones.",
        )),
        _ => page,
    };
    Ok(page.into_response())
}

/// What was filled in.
#[derive(Deserialize, Default)]
pub(super) struct Filled {
    #[serde(default)]
    old: String,
    #[serde(default)]
    new: String,
}

async fn page(
    pages: &Pages,
    filled: &Filled,
    error: Option<(&'static str, String)>,
) -> Result<Page, ProblemPage> {
    let named = pages.node.store.named_providers().await.map_err(fault)?;
    let mut errors = ErrorSummary::new();
    if let Some((field, error)) = &error {
        errors = errors.error(*field, error.clone());
    }
    let page = Page::new("Names of providers in files")
        .breadcrumb("Organisations", "/organisations")
        .lead("Files name each provider by a text. Capitals and spaces do not matter; any other difference is another provider.")
        .errors(errors);
    if named.is_empty() {
        let none = "No file has named a provider so far. The names stand here once learners were imported.";
        return Ok(page.body(InsetText::new(none)));
    }
    let rows = named.iter().map(|one| {
        let shown = match one.organisation {
            Some(id) => link(&one.shown, &format!("/organisations/{id}")),
            None => Html::text(&one.shown),
        };
        let first = one.first.clone().unwrap_or_default();
        [Html::text(&one.name), shown, Html::from(first)]
    });
    let table = Table::new("Every name that a file gave")
        .caption_hidden()
        .columns(["Name in files", "Shown as", "First named"])
        .rows(rows);
    let wrong = |field| {
        let of = error.as_ref().filter(|(of, _)| *of == field);
        of.map(|(_, error)| error.clone())
    };
    let mut names: Vec<&str> = named.iter().map(|one| one.shown.as_str()).collect();
    names.sort_by_key(|name| name.to_lowercase());
    names.dedup();
    let none = Choice::new("", "Choose").chosen(filled.old.is_empty());
    let choices = names
        .into_iter()
        .map(|name| Choice::new(name, name).chosen(name == filled.old));
    let old = Field::new("old", "Which provider has a new name?").error_if(wrong("old"));
    let new = Field::new("new", "What do its files call it from now on?")
        .hint("Exactly as the files write it")
        .value(filled.new.clone())
        .error_if(wrong("new"));
    let form = PostForm::to(PATH)
        .with(Select::new(old, std::iter::once(none).chain(choices)))
        .with(TextInput::new(new).width(30))
        .with(Button::new("Write down the new name"));
    Ok(page.body(Html::concat([
        table.into(),
        heading("A provider has a new name"),
        Html::paragraph("Say so before you import the first file with it. Otherwise it would be taken for another provider, and its learners would be counted twice. Two providers that were counted cannot become one later."),
        form.into(),
    ])))
}

pub(super) async fn change(
    State(pages): State<Pages>,
    person: SignedIn,
    Form(filled): Form<Filled>,
) -> Answer {
    let missing = [
        (filled.old.is_empty(), "old", "Choose the provider"),
        (filled.new.trim().is_empty(), "new", "Write the new name"),
    ];
    if let Some((_, field, error)) = missing.into_iter().find(|(is_missing, ..)| *is_missing) {
        let again = page(&pages, &filled, Some((field, error.to_owned()))).await?;
        return Ok(again.into_response());
    }
    let store = &pages.node.store;
    let names = (filled.old.as_str(), filled.new.as_str());
    match rename(store, names, &person.name, (pages.clock)()).await {
        Ok(_) => Ok(see_other("/organisations/names?done=renamed")),
        Err(RenameError::Store(error)) => Err(fault(error)),
        Err(error) => {
            let said = format!("{} {}", words::sentence(&error.to_string()), error.next());
            let field = error.field().unwrap_or("new");
            let again = page(&pages, &filled, Some((field, said))).await?;
            Ok(again.into_response())
        }
    }
}
