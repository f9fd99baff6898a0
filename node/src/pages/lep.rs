//! Choosing the LEP: one question, until something depends on the answer.

use axum::Form;
use axum::extract::{Query, State};
use axum::response::IntoResponse as _;
use ldsp_protocol::geography::{Geography, Lep};
use ldsp_ui::components::{
    Button, Choice, Details, ErrorSummary, Field, InsetText, PostForm, Select, Table,
};
use ldsp_ui::{Html, Page, ProblemPage, SignedIn};
use serde::Deserialize;

use super::{Answer, Pages, done, fault, see_other, words};
use crate::lep::{self, LepError};

pub(super) const PATH: &str = "/lep";

/// Which notice to show after a redirect.
#[derive(Deserialize)]
pub(super) struct After {
    #[serde(default)]
    done: String,
}

pub(super) async fn form(State(pages): State<Pages>, Query(after): Query<After>) -> Answer {
    let page = page(&pages, None).await?;
    let page = match after.done.as_str() {
        "chosen" => page.notice(done(
            &format!("This is the node of {} from now on", pages.node.place()),
            "It may be changed until the first records are here.",
        )),
        _ => page,
    };
    Ok(page.into_response())
}

async fn page(pages: &Pages, error: Option<&str>) -> Result<Page, ProblemPage> {
    let chosen = pages.node.chosen();
    let fixed = pages.node.store.lep_fixed().await.map_err(fault)?;
    let page = Page::new("Choose the LEP").breadcrumb("Home", "/");
    if let (Some(lep), Some(why)) = (&chosen, fixed) {
        let stays = format!(
            "This is the node of {}. It stays so: {}. {}",
            words::lep(lep),
            why.in_words(),
            LepError::Fixed(why).next()
        );
        return Ok(page.body(InsetText::new(stays)));
    }
    let none = Choice::new("", "Choose").chosen(chosen.is_none());
    let leps = by_name().into_iter().map(|lep| {
        Choice::new(lep.code.as_str(), lep.name.as_str()).chosen(chosen.as_ref() == Some(&lep.code))
    });
    let field = Field::new("lep", "Which Local Enterprise Partnership is this node of?")
        .hint("It decides which districts\u{2019} learners count here, and its name stands on everything that is published. It may be changed until the first records are here.")
        .error_if(error.map(str::to_owned));
    let form = PostForm::to(PATH)
        .with(Select::new(field, std::iter::once(none).chain(leps)))
        .with(Button::new("Save"));
    let mut errors = ErrorSummary::new();
    if let Some(error) = error {
        errors = errors.error("lep", error);
    }
    Ok(page
        .errors(errors)
        .body(Html::concat([form.into(), districts()])))
}

fn by_name() -> Vec<&'static Lep> {
    let mut all: Vec<&Lep> = Geography::embedded().leps().collect();
    all.sort_by_key(|lep| lep.name.as_str());
    all
}

/// What an IT team knows better than the name: the districts.
fn districts() -> Html {
    let geography = Geography::embedded();
    let rows = by_name().into_iter().map(|lep| {
        let owned = geography.owned_by(&lep.code);
        let names = owned.iter().filter_map(|code| geography.district(code));
        let names: Vec<&str> = names.map(|district| district.name.as_str()).collect();
        [
            Html::text(&lep.name),
            lep.code.as_str().into(),
            Html::text(&names.join(", ")),
        ]
    });
    let table = Table::new("Districts by LEP")
        .caption_hidden()
        .columns(["LEP", "Code", "Districts whose learners count for it"])
        .rows(rows);
    Details::new("Which districts belong to which LEP", table).into()
}

#[derive(Deserialize)]
pub(super) struct Chosen {
    #[serde(default)]
    lep: String,
}

pub(super) async fn choose(
    State(pages): State<Pages>,
    person: SignedIn,
    Form(form): Form<Chosen>,
) -> Answer {
    if form.lep.is_empty() {
        return Ok(page(&pages, Some("Choose a LEP from the list"))
            .await?
            .into_response());
    }
    let now = (pages.clock)();
    match lep::choose(&pages.node, &form.lep, &person.name, now).await {
        Ok(_) => Ok(see_other("/lep?done=chosen")),
        Err(LepError::Store(error)) => Err(fault(error)),
        Err(LepError::Unknown) => Ok(page(&pages, Some("Choose a LEP from the list"))
            .await?
            .into_response()),
        Err(error @ LepError::Fixed(_)) => Err(super::refused(
            "lep-fixed",
            "The LEP stays as it is",
            &error.to_string(),
            error.next(),
        )),
    }
}
