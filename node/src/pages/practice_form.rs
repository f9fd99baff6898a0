//! Writing an entry: one form, everything that was typed is kept, every problem is shown at its field.

use axum::Form as Sent;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse as _;
use jiff::civil::Date;
use ldsp_ui::{ProblemPage, SignedIn};
use serde::Deserialize;

use super::practice::draft;
use super::practice_figures::{Picker, picker};
use super::practice_sheet::Sheet;
use super::{Answer, Pages, fault, see_other};
use crate::practice::{CauseRow, Form, OwnFigures, ToolRow, read};

/// What an entry may refer to from the start.
#[derive(Deserialize, Default)]
pub(super) struct Begun {
    #[serde(default)]
    replicates: String,
    #[serde(default)]
    supersedes: String,
}

pub(super) async fn new(State(pages): State<Pages>, Query(begun): Query<Begun>) -> Answer {
    let form = Form {
        area: "own".to_owned(),
        replicates: begun.replicates,
        supersedes: begun.supersedes,
        ..Form::default()
    };
    let figures = figures(&pages).await?;
    let sheet = Sheet {
        form: &form,
        figures: &figures,
        picker: Picker::default(),
        problems: &[],
        at: None,
        lep: pages.node.place(),
    };
    Ok(sheet.page().into_response())
}

pub(super) async fn edit(State(pages): State<Pages>, Path(id): Path<String>) -> Answer {
    let stored = draft(&pages, &id).await?;
    let form = Form::from_entry(&stored.entry);
    let figures = figures(&pages).await?;
    let sheet = Sheet {
        form: &form,
        figures: &figures,
        picker: Picker::default(),
        problems: &[],
        at: Some(stored.id),
        lep: pages.node.place(),
    };
    Ok(sheet.page().into_response())
}

type Pairs = Vec<(String, String)>;

pub(super) async fn create(
    State(pages): State<Pages>,
    person: SignedIn,
    Sent(pairs): Sent<Pairs>,
) -> Answer {
    submit(&pages, &person, None, &pairs).await
}

pub(super) async fn change(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    person: SignedIn,
    Sent(pairs): Sent<Pairs>,
) -> Answer {
    let stored = draft(&pages, &id).await?;
    submit(&pages, &person, Some(stored.id), &pairs).await
}

async fn figures(pages: &Pages) -> Result<OwnFigures, ProblemPage> {
    pages
        .node
        .store
        .own_figures(&pages.lep()?)
        .await
        .map_err(fault)
}

fn today(pages: &Pages) -> Date {
    (pages.clock)().to_zoned(crate::schedule::london()).date()
}

async fn submit(pages: &Pages, person: &SignedIn, at: Option<i64>, pairs: &Pairs) -> Answer {
    let mut form = Form::from_pairs(pairs);
    let sent = |name: &str| {
        pairs
            .iter()
            .rev()
            .find(|(n, _)| n == name)
            .map_or("", |(_, v)| v.as_str())
    };
    let figures = figures(pages).await?;
    let mut problems = Vec::new();
    let mut shown = Picker::default();
    match sent("action") {
        "add-cause" => form.causes.push(CauseRow::default()),
        "add-tool" => form.tools.push(ToolRow::default()),
        action @ ("show-figures" | "add-figure") => {
            let cell = if action == "add-figure" {
                sent("figure-cell")
            } else {
                ""
            };
            if !cell.is_empty() && !form.evidence.iter().any(|e| e == cell) {
                form.evidence.push(cell.to_owned());
            }
            shown = picker(
                pages,
                &figures,
                sent("figure-release"),
                sent("figure-table"),
            )
            .await?;
        }
        _ => match read(&form, &figures, today(pages)) {
            Ok(entry) => {
                let (store, now) = (&pages.node.store, (pages.clock)());
                let id = match at {
                    None => store
                        .add_practice(&entry, &person.name, now)
                        .await
                        .map_err(fault)?,
                    Some(id) => {
                        if !store
                            .change_practice(id, &entry, &person.name, now)
                            .await
                            .map_err(fault)?
                        {
                            // Released in the meantime: say by whom.
                            draft(pages, &id.to_string()).await?;
                        }
                        id
                    }
                };
                return Ok(see_other(&format!("/practice/{id}?done=saved")));
            }
            Err(found) => problems = found,
        },
    }
    let sheet = Sheet {
        form: &form,
        figures: &figures,
        picker: shown,
        problems: &problems,
        at,
        lep: pages.node.place(),
    };
    Ok(sheet.page().into_response())
}
