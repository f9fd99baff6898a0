//! What the next release would publish, before there is one.

use axum::Form;
use axum::extract::State;
use axum::response::IntoResponse as _;
use ldsp_protocol::ids::Period;
use ldsp_ui::components::{
    Button, Choice, Field, InsetText, PostForm, Select, Table, Warning, link,
};
use ldsp_ui::{Html, Page, ProblemPage, SignedIn};
use serde::Deserialize;

use super::release_view::{heading, rule_list, this_month};
use super::releases::{ended_months, parse};
use super::{Answer, Pages, exact, exact_tag, not_printed, release_problem, words};
use crate::release::preview::{Previewed, preview};
use crate::release::{ReleaseError, Request, next_period};

pub(super) const PATH: &str = "/releases/preview";

fn page(title: &str) -> Page {
    Page::new(title).breadcrumb("Releases", "/releases")
}

/// Which month, where nobody has chosen the first one yet.
fn months(pages: &Pages, chosen: Option<Period>) -> Select {
    let months = ended_months(pages).map(|month| {
        Choice::new(month.to_string(), month.in_words()).chosen(Some(month) == chosen)
    });
    let field = Field::new("period", "As if the published figures began in")
        .hint("What became known before that month is counted in it. This choice is for the preview alone");
    Select::new(field, months)
}

async fn asked(pages: &Pages, chosen: Option<Period>, label: &str) -> Result<Html, ProblemPage> {
    let next = next_period(&pages.node.store, (pages.clock)())
        .await
        .map_err(release_problem)?;
    let form = PostForm::to(PATH);
    let form = match next {
        Some(_) => form,
        None => form.with(months(pages, chosen)),
    };
    Ok(form.with(Button::new(label)).into())
}

pub(super) async fn ask(State(pages): State<Pages>) -> Answer {
    pages.lep()?;
    let about = Html::paragraph(
        "The preview counts what the next month would publish and checks every rule that a release has to keep, then forgets it. Nothing is stored or sent, nothing enters the ledger, and nothing of anybody\u{2019}s privacy budget is spent. Of made-up records it shows the figures with their noise, as readers would see them; of real ones the counts, how wide the noise will be, and which rules hold.",
    );
    let then = "a preview is all that there is before, and a month that is prepared has to wait.";
    let obstacle = super::federation::obstacle(&pages, then).await?;
    Ok(page("Preview the next release")
        .body(Html::concat([
            about,
            obstacle.unwrap_or_default(),
            asked(&pages, None, "Show the preview").await?,
        ]))
        .into_response())
}

/// The month from which the preview shall begin; empty where the next one is known.
#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    period: String,
}

pub(super) async fn show(
    State(pages): State<Pages>,
    person: SignedIn,
    Form(wanted): Form<Wanted>,
) -> Answer {
    pages.lep()?;
    let first = match wanted.period.as_str() {
        "" => None,
        month => Some(parse(month)?),
    };
    let request = Request {
        first,
        rho_micro: pages.rho_micro,
        ..Request::default()
    };
    let (store, now) = (&pages.node.store, (pages.clock)());
    let previewed = preview(store, request, &person.name, now, &pages.entropy).await;
    let again = asked(&pages, first, "Show it again").await?;
    let body = match &previewed {
        Ok(previewed) => shown(previewed)?,
        Err(ReleaseError::NotEnded(month)) => {
            let words = format!(
                "The next month is {}, and it is not over yet. Its preview can be looked at when it is.",
                month.in_words()
            );
            return Ok(page("Preview the next release")
                .body(InsetText::new(words))
                .into_response());
        }
        Err(ReleaseError::Open(month)) => {
            let waits = Html::concat([
                link(&month.in_words(), &format!("/releases/{month}")),
                " is prepared and waits for its approver: it shows itself what would leave.".into(),
            ]);
            return Ok(page("Preview the next release")
                .body(InsetText::new(waits))
                .into_response());
        }
        Err(_) => Html::default(),
    };
    let month = previewed.map_err(release_problem)?.period.in_words();
    Ok(page(&format!("Preview of {month}"))
        .body(Html::concat([body, again]))
        .into_response())
}

fn shown(previewed: &Previewed) -> Result<Html, ProblemPage> {
    let (warning, figures) = match &previewed.made_up {
        Some(opened) => (
            Warning::new("Made up, not publishable. The figures below are of records that nobody is behind; each preview draws other noise.").into(),
            this_month(opened)?,
        ),
        None => (
            InsetText::new("A preview. Nothing was drawn that anybody will see, nothing was spent, nothing was stored. The noise is drawn once, when the month is prepared.").into(),
            counts(previewed),
        ),
    };
    Ok(Html::concat([
        warning,
        figures,
        heading("Rules that it would be checked by"),
        rule_list(&previewed.verdicts),
        match previewed.made_up {
            Some(_) => super::next_steps([(
                "Remove the made-up records and bring in your own",
                "/",
                "nothing is prepared while these are here",
            )]),
            None => super::next_steps([(
                "Prepare the release",
                "/releases",
                "then another person, the approver, looks at it and decides",
            )]),
        },
    ]))
}

/// Counts, and how wide the noise will be.
fn counts(previewed: &Previewed) -> Html {
    let rows = previewed.families.iter().map(|family| {
        [
            Html::from(family.title.clone()),
            exact(words::count(family.counted)),
            format!("\u{b1} {}", words::count(family.margin.ceil() as u64)).into(),
        ]
    });
    let month = previewed.period.in_words();
    let table = Table::new(format!("What would become known in {month}"))
        .columns([
            Html::from("Became known"),
            Html::concat(["Counted here ".into(), exact(exact_tag())]),
            "Readers would see, 19 times of 20, a figure within".into(),
        ])
        .numeric([1, 2])
        .rows(rows);
    Html::concat([table.into(), not_printed()])
}
