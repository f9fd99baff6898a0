//! Bringing made-up records in and removing them.

use axum::extract::State;
use axum::http::StatusCode;
use ldsp_ui::components::{Button, InsetText, PostForm, Warning};
use ldsp_ui::{Html, ProblemPage, SignedIn};

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

/// What stands where the records are the sample's.
pub(super) fn present(person: &SignedIn) -> Html {
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
    Ok(see_other("/"))
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
