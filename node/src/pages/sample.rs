//! Bringing made-up records in and removing them.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use ldsp_ui::components::{Button, InsetText, PostForm, Warning, link, list};
use ldsp_ui::{Html, Page, ProblemPage, SignedIn};

use super::release_view::heading;
use super::{Answer, Pages, fault, see_other, words};
use crate::sample::{self, SampleError};

/// Offered beside the first import, on an empty node.
pub(super) fn offer() -> Html {
    Html::concat([
        InsetText::new("No file at hand? Try the node with a few made-up learners. They are marked on every page, never leave this server, and are removed whole with one button. It takes a minute.").into(),
        PostForm::to("/sample/bring-in")
            .with(Button::new("Bring in made-up records").secondary())
            .into(),
    ])
}

/// What stands on the first page where the records are the sample's.
pub(super) fn present(person: &SignedIn) -> Html {
    Html::concat([
        removal(person),
        list([link("Where there is something to see", PATH)]),
    ])
}

/// That nothing goes on until they are gone, and how they go.
fn removal(person: &SignedIn) -> Html {
    let warning = Warning::new(
        "All records here are made up. Nothing is prepared, imported or enrolled until they are removed.",
    );
    let act: Html = if person.is_any(&["coordinator"]) {
        PostForm::to("/sample/remove")
            .with(Button::new("Remove the made-up records").secondary())
            .into()
    } else {
        Html::paragraph("A coordinator removes them on this page.")
    };
    Html::concat([warning.into(), act])
}

pub(super) async fn bring_in(State(pages): State<Pages>, person: SignedIn) -> Answer {
    let done = sample::bring_in(&pages.node, &person.name, (pages.clock)()).await;
    done.map_err(refused)?;
    Ok(see_other(PATH))
}

pub(super) const PATH: &str = "/sample";

/// Where there is something to see, while the records are made up.
pub(super) async fn look_around(State(pages): State<Pages>, person: SignedIn) -> Answer {
    let is_there = pages.node.store.holds_sample().await.map_err(fault)?;
    if !is_there {
        return Err(ProblemPage::not_found());
    }
    let college = super::quality::address(sample::COLLEGE);
    let mut places = vec![
        (
            "The first page",
            "/",
            "how many learners there are, and what comes next",
        ),
        (
            "Programmes",
            "/programmes",
            "five, of three providers, with places and costs",
        ),
        (
            "Cohorts",
            "/cohorts",
            "two, one of them for an employer\u{2019}s people",
        ),
        (
            "Quality of the records",
            "/quality",
            "what rules find at each provider",
        ),
        (
            "Sample College\u{2019}s records",
            &*college,
            "each finding, whom it is for, and a question that waits for its answer",
        ),
        (
            "Preview a release",
            super::preview::PATH,
            "the figures with their noise, as readers would see them, and every rule",
        ),
        (
            "Demand",
            "/demand/summary",
            "what is asked for beside what there is",
        ),
        ("Services", "/provision", "where people learn"),
        ("Spend", "/spend", "what two programmes cost"),
        (
            "Context",
            "/context",
            "the area beside England, from published figures",
        ),
    ];
    if person.is_any(&["coordinator"]) {
        let rights = "ask for a copy: provider Sample College (made up), reference S-001";
        places.push(("Rights", "/rights", rights));
    }
    let places = places
        .into_iter()
        .map(|(name, href, what)| Html::concat([link(name, href), format!(": {what}").into()]));
    let provider = "To see what a provider\u{2019}s people see, an admin makes an account with the role provider, bound to Sample College (made up): its cohorts, whom to ask this week, its results beside England\u{2019}s, and the learners behind each finding.";
    Ok(Page::new("The made-up records are in")
        .lead("240 learners of three providers, over 14 months. Nobody is behind them.")
        .body(Html::concat([
            heading("Where there is something to see"),
            list(places),
            Html::paragraph(provider),
            removal(&person),
        ]))
        .into_response())
}

pub(super) async fn remove(State(pages): State<Pages>, person: SignedIn) -> Answer {
    let done = sample::remove(&pages.node.store, &person.name, (pages.clock)()).await;
    done.map_err(refused)?;
    Ok(see_other("/"))
}

fn refused(error: SampleError) -> ProblemPage {
    match error {
        SampleError::Store(error) => fault(error),
        error => ProblemPage::new(
            StatusCode::CONFLICT,
            "sample",
            "The made-up records were left as they are",
        )
        .happened(words::sentence(&error.to_string()))
        .next(error.next()),
    }
}
